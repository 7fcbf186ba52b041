/* Lives of every kind of object, and failures among them: cycles COUNT. Prints how much memory the
 * process has more at the end than after the first fifth, and what malloc has given out. */
#include <malloc.h>
#include <math.h>
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident_kib(void) {
  long size, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2) exit(2);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void is(muon_status expected, muon_status status) {
  if (status == expected) return;
  fprintf(stderr, "%s: %s\n", muon_status_name(status), muon_last_error());
  exit(1);
}

static float data[3][256], grad[3][256], out[256];

static void cycle(long number) {
  static const char good[] =
      "{\"training\":{\"optimizer\":\"Muon\",\"learning_rate\":0.1,\"n_epochs\":1,"
      "\"warmup_steps\":2,\"lr_schedule\":\"cosine\"}}";
  static const char bad[] = "{\"training\":{\"optimizer\":\"Muno\",\"learning_rate\":0.1}}";
  const int64_t shapes[3][2] = {{16, 16}, {8, 32}, {256, 0}};
  muon_param params[3];
  muon_optimizer *pair[2], *own;
  muon_scheduler *schedulers[2], *scheduler;
  muon_schedule *parts[2], *whole;
  const int64_t milestone = 3;
  muon_muon_options options;
  size_t count;
  for (int i = 0; i < 3; i++) {
    is(MUON_OK, muon_param_init(&params[i], sizeof params[i]));
    params[i].name = i ? "a name that does not fit within sixteen bytes" : NULL;
    params[i].ndim = i < 2 ? 2 : 1, params[i].shape = shapes[i];
    params[i].data = data[i], params[i].grad = grad[i];
    params[i].data_count = params[i].grad_count = 256;
  }
  is(MUON_OK, muon_config_build_optimizers(good, params, 3, pair, 2, &count));
  is(MUON_OK, muon_config_build_schedulers(good, pair, count, 5, schedulers, count, &count));
  is(MUON_ERR_CONFIG, muon_config_build_optimizers(bad, params, 3, pair, 2, &count));
  for (int i = 0; i < 2; i++) {
    is(MUON_OK, muon_optimizer_step(pair[i]));
    is(MUON_OK, muon_scheduler_step(schedulers[i]));
  }
  grad[0][7] = NAN;
  is(MUON_ERR_NONFINITE_GRADIENT, muon_optimizer_step(pair[0]));
  grad[0][7] = 1;
  is(MUON_ERR_INVALID_ARGUMENT, muon_optimizer_add_param(pair[0], 0, &params[0], NULL));
  for (int i = 0; i < 2; i++) is(MUON_OK, muon_optimizer_destroy(pair[i]));
  for (int i = 0; i < 2; i++) is(MUON_OK, muon_scheduler_destroy(schedulers[i]));
  is(MUON_ERR_INVALID_HANDLE, muon_optimizer_destroy(pair[0]));

  const muon_coefficients rows[2] = {{3, -3.2, 1.2}, {2, -1.5, 0.5}};
  is(MUON_OK, muon_muon_options_init(&options, sizeof options));
  options.backend = (muon_backend)(1 + number % 10);
  if (options.backend == MUON_BACKEND_CUSTOM) options.coefficients = rows, options.coefficients_count = 2;
  is(MUON_OK, muon_optimizer_create_muon(&options, &own));
  is(MUON_OK, muon_optimizer_add_param(own, 0, &params[0], NULL));
  is(MUON_OK, muon_optimizer_add_muon_group(own, &options, &params[1], 1, &(int64_t){0}));
  is(MUON_OK, muon_optimizer_step(own));
  is(MUON_OK, muon_optimizer_get_buffer(own, 0, "momentum", out, 256, &(size_t){0}));
  is(MUON_OK, muon_optimizer_bind_buffer(own, 0, "momentum", out, 256));
  is(MUON_OK, muon_optimizer_bind_buffer(own, 0, "momentum", NULL, 0));
  is(MUON_OK, muon_schedule_create_linear(0.5, 1, 4, &parts[0]));
  is(MUON_OK, muon_schedule_create_cosine(9, 0, &parts[1]));
  is(MUON_OK, muon_schedule_create_sequential((const muon_schedule *const *)parts, 2, &milestone, 1,
                                              &whole));
  is(MUON_OK, muon_scheduler_create(whole, &own, 1, &scheduler));
  is(MUON_OK, muon_scheduler_set_step(scheduler, 5));
  is(MUON_OK, muon_optimizer_destroy(own));
  is(MUON_OK, muon_scheduler_destroy(scheduler));
  for (int i = 0; i < 2; i++) is(MUON_OK, muon_schedule_destroy(parts[i]));
  is(MUON_OK, muon_schedule_destroy(whole));
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const long cycles = atol(argv[1]);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 256; j++) data[i][j] = 1, grad[i][j] = (float)((i + j) % 7 - 3);
  long number = 0;
  for (; number < cycles / 5; number++) cycle(number);
  const long resident = resident_kib(), used = (long)mallinfo2().uordblks;
  for (; number < cycles; number++) cycle(number);
  const long left = (long)mallinfo2().uordblks - used;
  printf("%ld cycles: %ld KiB more, %ld bytes allocated more\n", cycles, resident_kib() - resident, left);
  /* What malloc keeps for each thread counts as allocated. A byte a cycle would be more. */
  return left > 4096 + cycles / 2;
}
