/* What a step costs when there is next to nothing to compute: a 1x1 parameter, from C.
 * Prints nanoseconds a step, as JSON: the median over batches. */
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCHES 51
#define STEPS 2000

static void require(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s: %s\n", muon_status_name(status), muon_last_error());
  exit(1);
}

static double nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_step(muon_optimizer *optimizer) {
  static double batches[BATCHES];
  float value = 1, gradient = 0.5f;
  const int64_t shape[2] = {1, 1};
  muon_param param;
  require(muon_param_init(&param, sizeof param));
  param.ndim = 2, param.shape = shape;
  param.data = &value, param.data_count = 1, param.grad = &gradient, param.grad_count = 1;
  require(muon_optimizer_add_param(optimizer, 0, &param, NULL));
  for (int i = 0; i < STEPS; i++) require(muon_optimizer_step(optimizer));
  for (int batch = 0; batch < BATCHES; batch++) {
    double start = nanoseconds();
    for (int i = 0; i < STEPS; i++) require(muon_optimizer_step(optimizer));
    batches[batch] = (nanoseconds() - start) / STEPS;
  }
  require(muon_optimizer_destroy(optimizer));
  qsort(batches, BATCHES, sizeof *batches, ascending);
  return batches[BATCHES / 2];
}

int main(void) {
  muon_optimizer *muon, *adamw;
  require(muon_optimizer_create_muon(NULL, &muon));
  require(muon_optimizer_create_adamw(NULL, &adamw));
  printf("{\"muon\": %.1f, \"adamw\": %.1f}\n", median_step(muon), median_step(adamw));
  return 0;
}
