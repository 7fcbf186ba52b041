/* A host that has its floating-point exceptions trapped, as feenableexcept does: none of its calls traps,
 * results are the same to the bit, and its traps and flags are back after every call.
 *
 * traps FOLDER-FOR-FILES */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <muon.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xmmintrin.h>

enum { SIDE = 96, COUNT = SIDE * SIDE, VECTOR = 40 };
static const char *now = "start";
static int trapped;

static void on_trap(int signal) {
  (void)signal;
  static const char text[] = ": a floating-point trap\n";
  if (write(2, now, strlen(now)) < 0 || write(2, text, sizeof text - 1) < 0) _exit(9);
  _exit(1);
}

/* Bits 7 to 12 mask the exceptions, of which the second is for denormal operands, which no function of
 * C's can trap. */
static void set_traps(int on) {
  trapped = on;
  feclearexcept(FE_ALL_EXCEPT);
  _mm_setcsr(_mm_getcsr() & ~0x3fu);
  if (on) {
    feenableexcept(FE_ALL_EXCEPT);
    _mm_setcsr(_mm_getcsr() & ~0x1f80u);
  } else {
    fedisableexcept(FE_ALL_EXCEPT);
    _mm_setcsr(_mm_getcsr() | 0x1f80u);
  }
}

#define EXPECT(call, expected) \
  do { \
    now = #call; \
    const unsigned before = _mm_getcsr(); \
    const int traps = fegetexcept(); \
    const muon_status status = call; \
    if (status != (expected)) \
      return fprintf(stderr, "%s: %s: %s\n", now, muon_status_name(status), muon_last_error()), 1; \
    if (trapped && (_mm_getcsr() != before || fegetexcept() != traps || fetestexcept(FE_ALL_EXCEPT))) \
      return fprintf(stderr, "%s: mxcsr was %x, is %x\n", now, before, _mm_getcsr()), 1; \
  } while (0)

static int32_t progress(uint64_t done, uint64_t total, void *context) {
  (void)context;
  /* A host may compute here, whatever comes of it. */
  volatile double zero = 0, sink = (double)done / (double)total / zero;
  (void)sink;
  return 0;
}

static const char config[] =
    "{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 0.1, \"n_epochs\": 3,"
    " \"warmup_steps\": 3, \"lr_schedule\": \"cosine\"}, \"foreign\": [1e-310, 3.3, 123456789.12345678]}";

static int run(const char *path, float *result, size_t room) {
  static float data[3][COUNT], grad[3][COUNT], out[COUNT];
  const int64_t shapes[3][2] = {{SIDE, SIDE}, {VECTOR, 0}, {SIDE, SIDE / 2}};
  muon_param params[3];
  muon_optimizer *optimizers[2], *other;
  muon_scheduler *schedulers[2];
  size_t count, used = 0;
  memset(data, 0, sizeof data);
  for (int k = 0; k < 3; k++)
    muon_param_set(&params[k], NULL, data[k], grad[k], k == 1 ? 1 : 2, shapes[k]);
  const int traps = trapped;
  set_traps(0);
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < COUNT; i++) {
      data[k][i] = (float)sin(i + k) / 3;
      /* Denormals, tiny and huge ones are among them. */
      grad[k][i] = (float)cos(i * 1.7 + k) * (i % 7 == 0 ? 1e-41f : i % 11 == 0 ? 1e-30f : 3e7f);
    }
  muon_muon_options muon;
  muon_adamw_options adamw;
  muon_orthogonalize_options orthogonal;
  muon_checkpoint_options saving;
  EXPECT(muon_muon_options_init(&muon, sizeof muon), MUON_OK);
  EXPECT(muon_adamw_options_init(&adamw, sizeof adamw), MUON_OK);
  EXPECT(muon_orthogonalize_options_init(&orthogonal, sizeof orthogonal), MUON_OK);
  EXPECT(muon_checkpoint_options_init(&saving, sizeof saving), MUON_OK);
  saving.progress = traps ? NULL : progress;
  set_traps(traps);

  muon.lr = 1e39;
  EXPECT(muon_optimizer_create_muon(&muon, &other), MUON_ERR_INVALID_ARGUMENT);
  muon.lr = 0x1p-1074;
  EXPECT(muon_optimizer_create_muon(&muon, &other), MUON_OK);
  EXPECT(muon_optimizer_set_lr(other, 0, 1e300), MUON_ERR_INVALID_ARGUMENT);
  EXPECT(muon_optimizer_set_lr(other, 0, NAN), MUON_ERR_INVALID_ARGUMENT);
  EXPECT(muon_optimizer_set_initial_lr(other, 0, INFINITY), MUON_ERR_INVALID_ARGUMENT);
  EXPECT(muon_optimizer_destroy(other), MUON_OK);
  adamw.beta1 = 0.99999999999999;
  EXPECT(muon_optimizer_create_adamw(&adamw, &other), MUON_ERR_INVALID_ARGUMENT);
  EXPECT(muon_config_build_optimizers("{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 1e39}}", params,
                                      3, optimizers, 2, &count), MUON_ERR_CONFIG);
  EXPECT(muon_config_build_optimizers("{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 1e999}}", params,
                                      3, optimizers, 2, &count), MUON_ERR_CONFIG);
  EXPECT(muon_config_build_optimizers(config, params, 3, optimizers, 2, &count), MUON_OK);
  EXPECT(muon_config_build_schedulers(config, optimizers, 2, 7, schedulers, 2, &count), MUON_OK);
  for (int step = 0; step < 4; step++)
    for (int i = 0; i < 2; i++) {
      EXPECT(muon_optimizer_step(optimizers[i]), MUON_OK);
      EXPECT(muon_scheduler_step(schedulers[i]), MUON_OK);
    }
  EXPECT(muon_optimizer_set_statistics_level(optimizers[0], MUON_STATISTICS_LEVEL_ORTHOGONALITY), MUON_OK);
  EXPECT(muon_optimizer_step(optimizers[0]), MUON_OK);
  grad[0][5] = NAN;
  EXPECT(muon_optimizer_step(optimizers[0]), MUON_ERR_NONFINITE_GRADIENT);
  grad[0][5] = 1;
  for (int backend = 1; backend <= 9; backend++) {
    orthogonal.backend = (muon_backend)backend;
    EXPECT(muon_orthogonalize(grad[0], COUNT, SIDE, SIDE, &orthogonal, out, COUNT), MUON_OK);
    memcpy(result + used, out, sizeof out), used += COUNT;
  }
  EXPECT(muon_checkpoint_save(path, optimizers, 2, schedulers, 2, &saving), MUON_OK);
  EXPECT(muon_checkpoint_load(path, optimizers, 2, schedulers, 2, &saving), MUON_OK);
  EXPECT(muon_checkpoint_load("/dev/null", optimizers, 2, schedulers, 2, &saving), MUON_ERR_IO);
  for (int i = 0; i < 2; i++) {
    EXPECT(muon_optimizer_step(optimizers[i]), MUON_OK);
    EXPECT(muon_scheduler_destroy(schedulers[i]), MUON_OK);
    EXPECT(muon_optimizer_destroy(optimizers[i]), MUON_OK);
  }
  memcpy(result + used, data, sizeof data), used += 3 * COUNT;
  set_traps(0);
  return used != room;
}

int main(int argc, char **argv) {
  enum { ROOM = 12 * COUNT };
  static float plain[ROOM], results[ROOM];
  char path[512];
  if (argc != 2) return 2;
  snprintf(path, sizeof path, "%s/run.safetensors", argv[1]);
  signal(SIGFPE, on_trap);
  alarm(60);
  /* First with traps: whatever is done once in a process is done then. And large ones, with the workers. */
  set_traps(1);
  if (run(path, results, ROOM)) return 1;
  if (run(path, plain, ROOM)) return 1;
  if (memcmp(plain, results, sizeof plain)) return fprintf(stderr, "other results\n"), 1;
  static float large[1024 * 1024], out[1024 * 1024];
  for (int i = 0; i < 1024 * 1024; i++) large[i] = (float)(i % 1013) * 1e-39f * (float)(i % 3 ? 1 : 1000000);
  if (muon_set_num_threads(3)) return 1;
  set_traps(1);
  if (muon_orthogonalize(large, 1024 * 1024, 1024, 1024, NULL, out, 1024 * 1024)) return 1;
  set_traps(0);
  puts("no trap");
  return 0;
}
