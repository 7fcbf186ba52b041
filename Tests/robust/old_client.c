/* A program built against the header of an older version: it uses every struct and most functions. */
#include <math.h>
#include <muon.h>
#include <stdio.h>

static int line;
#define OK(call) \
  if (line = __LINE__, (call) != MUON_OK) return fprintf(stderr, "line %d: %s\n", line, muon_last_error()), 1
#define TRUE(condition) \
  if (!(condition)) return fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), 1

/* Behind each struct, where the library must not write. */
#define GUARDED(type) struct { type value; double guard; }

int main(void) {
  float data[3][64], grad[3][64], out[64];
  const int64_t square[2] = {8, 8}, vector[1] = {64};
  struct { muon_param value[3]; double guard; } params = {.guard = 7};
  GUARDED(muon_muon_options) muon = {.guard = 7};
  GUARDED(muon_adamw_options) adamw = {.guard = 7};
  GUARDED(muon_orthogonalize_options) ortho = {.guard = 7};
  const muon_coefficients rows[1] = {{3, -3.2, 1.2}};
  muon_coefficients got[8];
  muon_optimizer *first, *pair[2];
  muon_schedule *schedule;
  muon_scheduler *scheduler, *built[2];
  muon_route routes[3];
  int64_t number;
  size_t count;
  double rate;
  TRUE(muon_version_number() >= MUON_VERSION_NUMBER);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 64; j++) data[i][j] = 1, grad[i][j] = (float)(j % 7 - 3);
    muon_param *p = &params.value[i];
    OK(muon_param_init(p, sizeof *p));
    p->ndim = i == 2 ? 1 : 2, p->shape = i == 2 ? vector : square;
    p->data = data[i], p->grad = grad[i], p->data_count = p->grad_count = 64;
  }
  TRUE(params.guard == 7);
  OK(muon_muon_options_init(&muon.value, sizeof muon.value));
  TRUE(muon.guard == 7 && muon.value.lr == 0.02 && muon.value.coefficients == NULL);
  muon.value.backend = MUON_BACKEND_CUSTOM;
  muon.value.coefficients = rows, muon.value.coefficients_count = 1;
  OK(muon_optimizer_create_muon(&muon.value, &first));
  OK(muon_optimizer_add_muon_group(first, &muon.value, params.value, 2, &number));
  TRUE(number == 1);
  OK(muon_optimizer_get_muon_options(first, 1, &muon.value));
  TRUE(muon.guard == 7 && muon.value.struct_size == sizeof muon.value);
  TRUE(muon.value.coefficients_count == 1);
  OK(muon_optimizer_set_muon_options(first, 1, &muon.value));
  OK(muon_optimizer_get_coefficients(first, 1, got, 8, &count));
  TRUE(count == 1 && got[0].b == -3.2);
  OK(muon_optimizer_step(first));
  TRUE(isfinite(data[0][5]) && data[0][5] != 1 && data[1][5] != 1);
  OK(muon_optimizer_get_buffer(first, 0, "momentum", out, 64, &count));
  TRUE(out[0] == grad[0][0]);
  OK(muon_optimizer_destroy(first));

  OK(muon_adamw_options_init(&adamw.value, sizeof adamw.value));
  TRUE(adamw.guard == 7 && adamw.value.weight_decay == 0.01);
  OK(muon_optimizer_create_adamw(&adamw.value, &first));
  OK(muon_optimizer_add_param(first, 0, &params.value[2], NULL));
  OK(muon_optimizer_get_adamw_options(first, 0, &adamw.value));
  TRUE(adamw.guard == 7 && adamw.value.beta2 == 0.999);
  OK(muon_optimizer_step(first));
  OK(muon_schedule_create_linear(0.5, 1, 4, &schedule));
  OK(muon_scheduler_create(schedule, &first, 1, &scheduler));
  OK(muon_scheduler_step(scheduler));
  OK(muon_optimizer_get_lr(first, 0, &rate));
  TRUE(rate == 1e-3 * 0.625);
  OK(muon_scheduler_destroy(scheduler));
  OK(muon_schedule_destroy(schedule));
  OK(muon_optimizer_destroy(first));

  OK(muon_orthogonalize_options_init(&ortho.value, sizeof ortho.value));
  TRUE(ortho.guard == 7 && ortho.value.backend == MUON_BACKEND_ORTHOGONALIZE);
  OK(muon_orthogonalize(grad[0], 64, 8, 8, &ortho.value, out, 64));

  const char *config = "{\"training\":{\"optimizer\":\"Muon\",\"learning_rate\":0.1,\"n_epochs\":1}}";
  OK(muon_config_route_params(config, params.value, 3, routes, 3, &count));
  TRUE(routes[1].reason == MUON_ROUTE_REASON_MATRIX && routes[2].optimizer == MUON_OPTIMIZER_KIND_ADAMW);
  OK(muon_config_build_optimizers(config, params.value, 3, pair, 2, &count));
  TRUE(count == 2);
  OK(muon_config_build_schedulers(config, pair, 2, 10, built, 2, &count));
  for (int i = 0; i < 2; i++) {
    OK(muon_optimizer_step(pair[i]));
    OK(muon_scheduler_destroy(built[i]));
    OK(muon_optimizer_destroy(pair[i]));
  }
  puts("runs");
  return 0;
}
