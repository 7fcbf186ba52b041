/* Threads with small stacks, in a program that is linked with the library: stacks KIB SVD_KIB.
 *
 * One with the smallest there is, which returns at once; one of 64 KiB as well; one of so many KiB in
 * which every kind of call is made; and one for backend svd. */
#include <limits.h>
#include <muon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void ok(muon_status status) {
  if (status == MUON_OK) return;
  printf("%s\n", muon_last_error());
  exit(1);
}

enum { SIDE = 300 };
static float data[2][SIDE * SIDE], grad[SIDE * SIDE];

static void steps(muon_optimizer *optimizer, muon_scheduler *scheduler) {
  static char checkpoint[1 << 23];
  size_t size;
  for (int i = 0; i < 2; i++) {
    ok(muon_optimizer_step(optimizer));
    ok(muon_scheduler_step(scheduler));
    ok(muon_optimizer_zero_grad(optimizer));
  }
  ok(muon_checkpoint_save_memory(&optimizer, 1, &scheduler, 1, NULL, checkpoint, sizeof checkpoint, &size));
  ok(muon_checkpoint_load_memory(checkpoint, size, &optimizer, 1, &scheduler, 1, NULL));
  ok(muon_checkpoint_save("/dev/shm/libmuon-stacks", &optimizer, 1, &scheduler, 1, NULL));
  ok(muon_checkpoint_load("/dev/shm/libmuon-stacks", &optimizer, 1, &scheduler, 1, NULL));
  remove("/dev/shm/libmuon-stacks");
}

static void *everything(void *unused) {
  static const char config[] =
      "{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 0.1, \"n_epochs\": 2,"
      " \"lr_schedule\": \"cosine\"}, \"muon\": {\"coefficients\": [[1, 2, 3]], \"backend\": \"custom\"}}";
  const int64_t shape[2] = {SIDE, SIDE};
  muon_optimizer *optimizers[2];
  muon_scheduler *schedulers[2];
  muon_param params[2];
  size_t count;
  double rates[4];
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i % 23) - 11;
  for (int i = 0; i < 2; i++) {
    ok(muon_param_init(&params[i], sizeof params[i]));
    params[i].ndim = 2 - i, params[i].shape = shape;
    params[i].data = data[i], params[i].grad = grad;
    params[i].data_count = params[i].grad_count = i ? SIDE : SIDE * SIDE;
  }
  ok(muon_config_build_optimizers(config, params, 2, optimizers, 2, &count));
  ok(muon_config_build_schedulers(config, optimizers, count, 10, schedulers, count, &count));
  for (size_t i = 0; i < count; i++) {
    steps(optimizers[i], schedulers[i]);
    ok(muon_scheduler_get_last_lr(schedulers[i], rates, 4, &(size_t){0}));
    ok(muon_scheduler_destroy(schedulers[i]));
    ok(muon_optimizer_destroy(optimizers[i]));
  }
  ok(muon_orthogonalize(grad, SIDE * SIDE, SIDE, SIDE, NULL, data[0], SIDE * SIDE));
  /* Errors too. */
  muon_status status = muon_optimizer_step(optimizers[0]);
  if (status != MUON_ERR_INVALID_HANDLE || !strlen(muon_last_error())) exit(1);
  status = muon_config_build_optimizers("{\"training\": [[[", params, 2, optimizers, 2, &count);
  if (status != MUON_ERR_CONFIG) exit(1);
  return unused;
}

static void *svd(void *unused) {
  muon_orthogonalize_options options;
  ok(muon_orthogonalize_options_init(&options, sizeof options));
  options.backend = MUON_BACKEND_SVD;
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i % 23) - 11;
  ok(muon_orthogonalize(grad, SIDE * SIDE, SIDE, SIDE, &options, data[0], SIDE * SIDE));
  return unused;
}

static void *nothing(void *unused) { return unused; }

static int start(void *(*run)(void *), size_t stack) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  const int status = pthread_create(&thread, &attributes, run, NULL);
  if (status == 0) pthread_join(thread, NULL);
  else printf("no thread with a stack of %zu bytes: %s\n", stack, strerror(status));
  return status;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  if (start(nothing, (size_t)PTHREAD_STACK_MIN)) return 1;
  if (start(nothing, (size_t)64 << 10)) return 1;
  ok(muon_set_num_threads(2));
  if (start(everything, (size_t)atoi(argv[1]) << 10)) return 1;
  if (start(svd, (size_t)atoi(argv[2]) << 10)) return 1;
  puts("fits");
  return 0;
}
