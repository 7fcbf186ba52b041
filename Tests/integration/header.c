/* What muon.h has in itself: also a C++ program. */
#include <muon.h>
#include <stdio.h>
#include <string.h>

#define TRUE(condition) \
  do { \
    if (!(condition)) return printf("line %d: %s\n", __LINE__, #condition), 1; \
  } while (0)

static muon_status status_of(const muon_param *param) {
  muon_optimizer *optimizer = NULL;
  muon_status status = muon_optimizer_create_adamw(NULL, &optimizer);
  if (status == MUON_OK) status = muon_optimizer_add_param(optimizer, 0, param, NULL);
  return muon_optimizer_destroy(optimizer) == MUON_OK ? status : MUON_ERR_INTERNAL;
}

static int says(const char *words) { return strstr(muon_last_error(), words) != NULL; }

int main(void) {
  float data[24] = {0}, grad[24] = {0};
  const int64_t shape[3] = {2, 3, 4}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 24};
  const int64_t negative[2] = {2, -3}, empty[3] = {1, 0, INT64_MAX};
  const int64_t large[2] = {INT64_MAX, 4}, larger[3] = {INT64_MAX, INT64_MAX, INT64_MAX};
  muon_param param;
  memset(&param, 0xA5, sizeof param);
  muon_param_set(&param, "w", data, grad, 3, shape);
  TRUE(param.struct_size == sizeof param && param.dtype == MUON_DTYPE_F32 && param.requires_grad == 1);
  TRUE(strcmp(param.name, "w") == 0 && param.ndim == 3 && param.shape == shape);
  TRUE(param.data == data && param.data_count == 24 && param.grad == grad && param.grad_count == 24);
  TRUE(status_of(&param) == MUON_OK);
  muon_param_set(&param, NULL, data, NULL, 0, NULL); /* a scalar, without a name and a gradient */
  TRUE(param.data_count == 1 && param.grad == NULL && param.grad_count == 0);
  TRUE(status_of(&param) == MUON_OK);
  muon_param_set(&param, NULL, NULL, NULL, 3, empty);
  TRUE(param.data_count == 0 && status_of(&param) == MUON_OK);

  /* What is wrong the library says. */
  muon_param_set(&param, "n", data, grad, 2, negative);
  TRUE(status_of(&param) == MUON_ERR_SHAPE && says("n has a negative extent, -3"));
  muon_param_set(&param, "n", data, grad, 2, large);
  TRUE(status_of(&param) == MUON_ERR_SHAPE && says("n") && says("more"));
  muon_param_set(&param, "n", data, grad, 3, larger);
  TRUE(status_of(&param) == MUON_ERR_SHAPE && says("more elements than can be addressed"));
  muon_param_set(&param, "n", data, grad, 9, nine);
  TRUE(status_of(&param) == MUON_ERR_INVALID_ARGUMENT && says("at most 8"));
  muon_param_set(&param, "n", data, grad, INT32_MAX, shape);
  TRUE(status_of(&param) == MUON_ERR_INVALID_ARGUMENT && says("at most 8"));
  muon_param_set(&param, "n", data, grad, -1, shape);
  TRUE(status_of(&param) != MUON_OK);
  muon_param_set(&param, "n", data, grad, 2, NULL);
  TRUE(status_of(&param) == MUON_ERR_INVALID_ARGUMENT && says("NULL"));
  muon_param_set(&param, "n", NULL, grad, 3, shape);
  TRUE(status_of(&param) == MUON_ERR_INVALID_ARGUMENT && says("NULL"));
  muon_param_set(NULL, "n", data, grad, 3, shape); /* nothing to fill in */
  puts("right");
  return 0;
}
