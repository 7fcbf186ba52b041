/* Replays recorded gradients: replay DIRECTORY OUT. See test_replay.py for the files. */
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS = 4, SIZE0 = 48 * 64, SIZE1 = 48, SIZE2 = 10 * 48, SIZE3 = 10 };
enum { TOTAL = SIZE0 + SIZE1 + SIZE2 + SIZE3 };

static void check(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s: %s\n", muon_status_name(status), muon_last_error());
  exit(1);
}

static FILE *open_in(const char *directory, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) perror(path), exit(1);
  return file;
}

int main(int argc, char **argv) {
  static const int64_t shapes[PARAMS][2] = {{48, 64}, {48, 0}, {10, 48}, {10, 0}};
  static const int32_t dims[PARAMS] = {2, 1, 2, 1};
  static const size_t counts[PARAMS] = {SIZE0, SIZE1, SIZE2, SIZE3};
  static float values[TOTAL], gradients[TOTAL];
  static char config[4096];
  if (argc != 3) return 2;

  FILE *file = open_in(argv[1], "config.json");
  config[fread(config, 1, sizeof config - 1, file)] = '\0';
  fclose(file);
  file = open_in(argv[1], "parameters.f32");
  if (fread(values, sizeof *values, TOTAL, file) != TOTAL) return 1;
  fclose(file);

  muon_param params[PARAMS];
  size_t offset = 0;
  for (int i = 0; i < PARAMS; i++) {
    check(muon_param_init(&params[i], sizeof params[i]));
    params[i].ndim = dims[i];
    params[i].shape = shapes[i];
    params[i].data = values + offset;
    params[i].grad = gradients + offset;
    params[i].data_count = params[i].grad_count = counts[i];
    offset += counts[i];
  }
  muon_optimizer *optimizers[2];
  muon_scheduler *schedulers[2];
  size_t count;
  check(muon_config_build_optimizers(config, params, PARAMS, optimizers, 2, &count));
  check(muon_config_build_schedulers(config, optimizers, count, 10, schedulers, count, &count));

  file = open_in(argv[1], "gradients.f32");
  while (fread(gradients, sizeof *gradients, TOTAL, file) == TOTAL) {
    for (size_t i = 0; i < count; i++) check(muon_optimizer_step(optimizers[i]));
    for (size_t i = 0; i < count; i++) check(muon_scheduler_step(schedulers[i]));
  }
  fclose(file);
  for (size_t i = 0; i < count; i++) {
    check(muon_optimizer_destroy(optimizers[i]));
    check(muon_scheduler_destroy(schedulers[i]));
  }

  file = fopen(argv[2], "wb");
  if (file == NULL || fwrite(values, sizeof *values, TOTAL, file) != TOTAL) return 1;
  return fclose(file) != 0;
}
