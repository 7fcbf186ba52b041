/* A thread is cancelled inside a call: cancel LIBRARY-FOLDER-FOR-FILES.
 *
 * Each call is made by a thread whose cancellation is pending already, deferred or asynchronous, so that
 * the first cancellation point in the call would end it there. The call returns all the same, the thread
 * ends after it, and another thread can use everything that the call used. Prints what was tried. */
#define _GNU_SOURCE
#include <math.h>
#include <muon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t shape[2] = {6, 4};
static float data[2][24], grad[2][24];
static muon_optimizer *optimizers[2];
static muon_schedule *schedule;
static muon_scheduler *scheduler;
static muon_checkpoint_options options;
static char path[512];
static char memory[1 << 16];
static size_t size;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, muon_last_error());
  exit(1);
}

/* Cancellation points in the host's own code, which the library calls with locks held. */
static int32_t progress(uint64_t done, uint64_t total, void *context) {
  (void)context, (void)done, (void)total;
  usleep(1);
  return 0;
}

static void hear(muon_log_level level, const char *message, void *context) {
  (void)level, (void)message, (void)context;
  usleep(1);
}

static muon_status save(void) {
  return muon_checkpoint_save(path, optimizers, 2, &scheduler, 1, &options);
}
static muon_status load(void) {
  return muon_checkpoint_load(path, optimizers, 2, &scheduler, 1, &options);
}
static muon_status save_memory(void) {
  return muon_checkpoint_save_memory(optimizers, 2, &scheduler, 1, &options, memory, sizeof memory, &size);
}
static muon_status load_memory(void) {
  return muon_checkpoint_load_memory(memory, size, optimizers, 2, &scheduler, 1, &options);
}
static muon_status step(void) {
  const muon_status status = muon_optimizer_step(optimizers[0]);
  return status ? status : muon_optimizer_step(optimizers[1]);
}
static muon_status step_scheduler(void) { return muon_scheduler_step(scheduler); }
/* A message to the log, whose callback is cancelled. */
static muon_status skip(void) {
  grad[0][3] = NAN;
  const muon_status status = muon_optimizer_step(optimizers[0]);
  grad[0][3] = 1;
  return status;
}
static muon_status count_threads(void) {
  return muon_get_num_threads() > 0 && *muon_build_info() ? MUON_OK : MUON_ERR_INTERNAL;
}
static muon_status fails(void) {
  return muon_checkpoint_load("/nowhere/at/all", optimizers, 2, NULL, 0, NULL) == MUON_ERR_IO
             ? MUON_OK : MUON_ERR_INTERNAL;
}

static const struct {
  const char *name;
  muon_status (*call)(void);
} calls[] = {
    {"count_threads", count_threads}, {"save", save}, {"load", load}, {"save_memory", save_memory},
    {"load_memory", load_memory}, {"step", step}, {"step_scheduler", step_scheduler}, {"skip", skip},
    {"fails", fails},
};
enum { CALLS = sizeof calls / sizeof *calls };

typedef struct attempt {
  int number, type, returned;
  muon_status status;
} attempt;

static void *cancelled(void *context) {
  attempt *one = context;
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_setcanceltype(one->type, NULL);
  pthread_cancel(pthread_self());
  if (one->type == PTHREAD_CANCEL_DEFERRED) {
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    one->status = calls[one->number].call();
    one->returned = 1;
    /* The caller's own state is back. */
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    if (state != PTHREAD_CANCEL_ENABLE) fail("cancellation is still disabled");
    pthread_testcancel();
    return NULL;
  }
  /* Disabled by the host: it stays so. */
  one->status = calls[one->number].call();
  one->returned = 1;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  if (state != PTHREAD_CANCEL_DISABLE) fail("cancellation is not disabled any more");
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  return NULL;
}

static volatile int rounds;

/* Cancelled at any moment, asynchronously. */
static void *endless(void *unused) {
  (void)unused;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  while (rounds >= 0) {
    calls[1 + rounds % (CALLS - 1)].call();
    rounds++;
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  snprintf(path, sizeof path, "%s/run.safetensors", argv[1]);
  alarm(60);
  for (int i = 0; i < 24; i++)
    for (int j = 0; j < 2; j++) data[j][i] = (float)i, grad[j][i] = (float)(i % 5 - 2 + j);
  if (muon_set_log_callback(MUON_LOG_LEVEL_INFO, hear, NULL) || muon_optimizer_create_muon(NULL, &optimizers[0]) ||
      muon_optimizer_create_adamw(NULL, &optimizers[1]))
    fail("create");
  for (int i = 0; i < 2; i++) {
    muon_param param;
    muon_param_set(&param, "w", data[i], grad[i], 2, shape);
    if (muon_optimizer_add_param(optimizers[i], 0, &param, NULL)) fail("add");
  }
  if (muon_optimizer_set_nonfinite_policy(optimizers[0], MUON_NONFINITE_POLICY_SKIP) ||
      muon_schedule_create_cosine(1000000, 0, &schedule) ||
      muon_scheduler_create(schedule, optimizers, 2, &scheduler) ||
      muon_checkpoint_options_init(&options, sizeof options))
    fail("set up");
  options.progress = progress;

  for (int type = 0; type < 2; type++)
    for (int number = 0; number < CALLS; number++) {
      attempt one = {number, type ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, 0, 0};
      pthread_t thread;
      void *result;
      printf("%s, %s\n", calls[number].name, type ? "disabled by the host" : "deferred");
      fflush(stdout);
      pthread_create(&thread, NULL, cancelled, &one);
      pthread_join(thread, &result);
      if (!one.returned) fprintf(stderr, "the thread ended inside the call\n");
      else if (one.status) return fprintf(stderr, "status %d\n", one.status), 1;
      if (result != PTHREAD_CANCELED) return fprintf(stderr, "it was not cancelled\n"), 1;
      for (int other = 0; other < CALLS; other++)
        if (calls[other].call()) fail(calls[other].name);
      if (!one.returned) return 1;
      if (muon_set_log_callback(MUON_LOG_LEVEL_INFO, hear, NULL)) fail("log");
    }
  printf("asynchronous\n");
  fflush(stdout);
  for (int i = 0; i < 60; i++) {
    pthread_t thread;
    const int before = rounds;
    pthread_create(&thread, NULL, endless, NULL);
    while (rounds == before) usleep(50);
    usleep((unsigned)(i * 37 % 1000));
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    for (int other = 0; other < CALLS; other++)
      if (calls[other].call()) fail(calls[other].name);
  }
  return 0;
}
