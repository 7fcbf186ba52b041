/* Goes on with a training run: exchange IN OUT STEPS; IN is "-" for a new one. The same program is in
 * consumer/Sources/Exchange and in test_checkpoint_exchange.py. */
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3, COLS = 4, W = ROWS * COLS, B = 4 };

static void check(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s: %s\n", muon_status_name(status), muon_last_error());
  exit(1);
}

static int32_t progress(uint64_t done, uint64_t total, void *context) {
  uint64_t *last = (uint64_t *)context;
  *last = done == total ? total : 0;
  return done > total;
}

static void fill(float *values, int count, int factor, int modulus) {
  for (int i = 0; i < count; i++) values[i] = (float)(i * factor % modulus - modulus / 2) / 4;
}

int main(int argc, char **argv) {
  static float w[W], b[B], gw[W], gb[B];
  const int64_t w_shape[2] = {ROWS, COLS}, b_shape[1] = {B};
  if (argc != 4) return 2;
  fill(w, W, 5, 7);
  fill(b, B, 3, 5);

  muon_param params[2];
  for (int i = 0; i < 2; i++) check(muon_param_init(&params[i], sizeof params[i]));
  params[0].name = "w", params[0].ndim = 2, params[0].shape = w_shape;
  params[0].data = w, params[0].data_count = W, params[0].grad = gw, params[0].grad_count = W;
  params[1].name = "b", params[1].ndim = 1, params[1].shape = b_shape;
  params[1].data = b, params[1].data_count = B, params[1].grad = gb, params[1].grad_count = B;

  muon_optimizer *optimizers[2];
  muon_schedule *cosine;
  muon_scheduler *scheduler;
  check(muon_optimizer_create_muon(NULL, &optimizers[0]));
  check(muon_optimizer_create_adamw(NULL, &optimizers[1]));
  for (int i = 0; i < 2; i++) check(muon_optimizer_add_param(optimizers[i], 0, &params[i], NULL));
  check(muon_schedule_create_cosine(20, 0, &cosine));
  check(muon_scheduler_create(cosine, optimizers, 2, &scheduler));

  muon_checkpoint_options options;
  uint64_t told = 0;
  check(muon_checkpoint_options_init(&options, sizeof options));
  options.progress = progress, options.progress_context = &told;
  if (strcmp(argv[1], "-") != 0)
    check(muon_checkpoint_load(argv[1], optimizers, 2, &scheduler, 1, &options));

  for (int i = 0; i < atoi(argv[3]); i++) {
    int64_t step;
    check(muon_scheduler_get_step(scheduler, &step));
    fill(gw, W, (int)step + 3, 11);
    fill(gb, B, (int)step + 2, 13);
    for (int k = 0; k < 2; k++) check(muon_optimizer_step(optimizers[k]));
    check(muon_scheduler_step(scheduler));
  }

  check(muon_checkpoint_save(argv[2], optimizers, 2, &scheduler, 1, &options));
  size_t size, written;
  check(muon_checkpoint_save_memory(optimizers, 2, &scheduler, 1, NULL, NULL, 0, &size));
  if (told != size) return fprintf(stderr, "progress ended at %d\n", (int)told), 1;
  void *memory = malloc(size);
  if (memory == NULL) return 1;
  check(muon_checkpoint_save_memory(optimizers, 2, &scheduler, 1, NULL, memory, size, &written));
  check(muon_checkpoint_load_memory(memory, written, optimizers, 2, &scheduler, 1, NULL));
  free(memory);

  check(muon_scheduler_destroy(scheduler));
  check(muon_schedule_destroy(cosine));
  for (int i = 0; i < 2; i++) check(muon_optimizer_destroy(optimizers[i]));
  return 0;
}
