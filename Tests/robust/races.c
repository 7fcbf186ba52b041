/* Eight threads create, step, read and destroy, some of it through handles that all of them share and
 * that any of them may destroy at any moment: races SEED ROUNDS. Built with ThreadSanitizer. */
#include <muon.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, SHARED = 4, SIDE = 16, COUNT = SIDE * SIDE, LARGE = 160 };

/* Handles that all threads use, and the memory of their parameters. */
static _Atomic(muon_optimizer *) optimizers[SHARED];
static _Atomic(muon_schedule *) schedules[SHARED];
static _Atomic(muon_scheduler *) schedulers[SHARED];
static float *floats[SHARED];
static pthread_mutex_t exchange = PTHREAD_MUTEX_INITIALIZER;
static atomic_long rounds_left, calls, refused;

struct memory {
  float data[LARGE * LARGE], grad[LARGE * LARGE], out[COUNT];
};

static void check(muon_status status, int stale_is_fine, const char *call) {
  calls++;
  if (status == MUON_OK) return;
  if (stale_is_fine && status == MUON_ERR_INVALID_HANDLE) {
    refused++;
    return;
  }
  fprintf(stderr, "%s: %s: %s\n", call, muon_status_name(status), muon_last_error());
  abort();
}
#define OK(call) check(call, 0, #call)
#define STALE(call) check(call, 1, #call)

static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static muon_optimizer *make(int adamw, float *data, float *grad, int64_t side) {
  muon_optimizer *optimizer;
  muon_param param;
  const int64_t shape[2] = {side, side};
  for (int64_t i = 0; i < side * side; i++) grad[i] = (float)(i % 7 - 3);
  OK(adamw ? muon_optimizer_create_adamw(NULL, &optimizer) : muon_optimizer_create_muon(NULL, &optimizer));
  OK(muon_param_init(&param, sizeof param));
  param.ndim = 2, param.shape = shape;
  param.data = data, param.grad = grad;
  param.data_count = param.grad_count = (size_t)(side * side);
  OK(muon_optimizer_add_param(optimizer, 0, &param, NULL));
  return optimizer;
}

static void *work(void *argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument;
  struct memory *own = calloc(1, sizeof *own);
  while (atomic_fetch_sub(&rounds_left, 1) > 0) {
    const int slot = (int)(next(&state) % SHARED);
    /* Often stale when they are used, further down. */
    muon_optimizer *shared = atomic_load(&optimizers[slot]);
    muon_schedule *schedule = atomic_load(&schedules[slot]);
    muon_scheduler *scheduler = atomic_load(&schedulers[slot]);
    muon_optimizer *mine = make((int)(next(&state) & 1), own->data, own->grad,
                                next(&state) % 16 ? SIDE : LARGE);
    size_t count;
    int64_t number;
    double lr;
    OK(muon_optimizer_step(mine));
    OK(muon_optimizer_get_lr(mine, 0, &lr));

    switch (next(&state) % 11) {
      case 0: STALE(muon_optimizer_step(shared)); break;
      case 1: STALE(muon_optimizer_get_buffer(shared, 0, "data", own->out, COUNT, &count)); break;
      case 2: STALE(muon_optimizer_get_param_steps(shared, 0, &number)); break;
      case 3: STALE(muon_optimizer_set_lr(shared, 0, 0.01)); break;
      case 4: STALE(muon_scheduler_step(scheduler)); break;
      case 5: {
        double rates[8];
        STALE(muon_scheduler_get_last_lr(scheduler, rates, 8, &count));
        break;
      }
      case 6: STALE(muon_schedule_get_rate(schedule, 1, 3, &lr)); break;
      case 8:
      case 9: {
        /* Threads have them in common, in any order. */
        muon_optimizer *set[3] = {shared, mine, atomic_load(&optimizers[(slot + 1) % SHARED])};
        if (next(&state) % 2) set[0] = set[2], set[2] = shared;
        STALE(muon_optimizers_step(set, 3));
        STALE(muon_optimizer_step_param(shared, 0, own->grad, COUNT));
        break;
      }
      case 7: STALE(muon_optimizer_find_param(shared, "param0", &number)); break;
      default: OK(muon_set_num_threads((int32_t)(1 + next(&state) % 3)));
    }
    if (next(&state) % 2 == 0) {
      /* Others in their place; they are destroyed while other threads use them. When that returns
       * nobody does, and their memory is free. */
      float *memory = malloc(2 * COUNT * sizeof *memory);
      if (memory == NULL) abort();
      for (int i = 0; i < COUNT; i++) memory[i] = 0;
      muon_optimizer *optimizer = make((int)(next(&state) & 1), memory, memory + COUNT, SIDE);
      OK(muon_schedule_create_linear(0.5, 1, 10, &schedule));
      OK(muon_scheduler_create(schedule, &optimizer, 1, &scheduler));
      pthread_mutex_lock(&exchange);
      scheduler = atomic_exchange(&schedulers[slot], scheduler);
      schedule = atomic_exchange(&schedules[slot], schedule);
      optimizer = atomic_exchange(&optimizers[slot], optimizer);
      float *old = floats[slot];
      floats[slot] = memory;
      pthread_mutex_unlock(&exchange);
      OK(muon_scheduler_destroy(scheduler));
      OK(muon_schedule_destroy(schedule));
      OK(muon_optimizer_destroy(optimizer));
      free(old);
    }
    OK(muon_optimizer_destroy(mine));
  }
  free(own);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const uint64_t seed = strtoull(argv[1], NULL, 10);
  const long rounds = atol(argv[2]);
  pthread_t threads[THREADS];
  rounds_left = rounds;
  /* What the library makes at its first use is guarded by the Swift runtime's own "once", which the
   * sanitizer does not see; so it is made here. */
  struct memory *first = calloc(1, sizeof *first);
  if (first == NULL) return 1;
  OK(muon_set_num_threads(2));
  muon_optimizer *large = make(0, first->data, first->grad, LARGE);
  OK(muon_optimizer_step(large));
  OK(muon_optimizer_destroy(large));
  free(first);
  for (int i = 0; i < SHARED; i++) {
    if ((floats[i] = calloc(2 * COUNT, sizeof(float))) == NULL) return 1;
    muon_optimizer *optimizer = make(i & 1, floats[i], floats[i] + COUNT, SIDE);
    muon_schedule *schedule;
    muon_scheduler *scheduler;
    OK(muon_schedule_create_constant(0.5, 10, &schedule));
    OK(muon_scheduler_create(schedule, &optimizer, 1, &scheduler));
    optimizers[i] = optimizer, schedules[i] = schedule, schedulers[i] = scheduler;
  }
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(seed * THREADS + (unsigned)i)))
      return 1;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < SHARED; i++) {
    OK(muon_scheduler_destroy(schedulers[i]));
    OK(muon_schedule_destroy(schedules[i]));
    OK(muon_optimizer_destroy(optimizers[i]));
    free(floats[i]);
  }
  printf("seed %llu: %ld rounds on %d threads, %ld calls, %ld of them on stale handles\n",
         (unsigned long long)seed, rounds, THREADS, (long)calls, (long)refused);
  return refused == 0 || refused == calls;
}
