/* Forks while other threads are inside the library, whose locks must be free in the child: forks COUNT. */
#include <muon.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int over;

static void ok(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s\n", muon_last_error());
  abort();
}

/* Takes the lock of all handles as often as can be, and that of the number of threads. */
static void *work(void *unused) {
  muon_schedule *schedule;
  while (!over) {
    ok(muon_schedule_create_constant(0.5, 3, &schedule));
    ok(muon_schedule_destroy(schedule));
    ok(muon_set_num_threads(2));
  }
  return unused;
}

enum { SIDE = 160 };
static float data[SIDE * SIDE], grad[SIDE * SIDE];

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const int64_t shape[2] = {SIDE, SIDE};
  pthread_t threads[3];
  muon_optimizer *optimizer;
  muon_param param;
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i % 23) - 11;
  ok(muon_param_init(&param, sizeof param));
  param.ndim = 2, param.shape = shape, param.data = data, param.grad = grad;
  param.data_count = param.grad_count = SIDE * SIDE;
  ok(muon_optimizer_create_muon(NULL, &optimizer));
  ok(muon_optimizer_add_param(optimizer, 0, &param, NULL));
  ok(muon_optimizer_step(optimizer));
  for (int i = 0; i < 3; i++)
    if (pthread_create(&threads[i], NULL, work, NULL)) return 1;
  const int count = atoi(argv[1]);
  for (int i = 0; i < count; i++) {
    int status;
    const pid_t child = fork();
    if (child == 0) {
      /* Where a lock is not free it waits forever. */
      alarm(20);
      ok(muon_set_num_threads(2));
      ok(muon_optimizers_step(&optimizer, 1));
      ok(muon_optimizer_step_param(optimizer, 0, grad, SIDE * SIDE));
      ok(muon_optimizer_destroy(optimizer));
      _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
      return fprintf(stderr, "child %d: status %d\n", i, status), 1;
  }
  over = 1;
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  ok(muon_optimizer_step(optimizer));
  ok(muon_optimizer_destroy(optimizer));
  printf("%d forks beside three busy threads\n", count);
  return 0;
}
