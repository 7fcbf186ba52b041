/* Structs of a header that is newer than the library: larger, with fields it does not know; and of the
 * first version's. Prints "as it should". */
#include <muon.h>
#include <stdio.h>
#include <string.h>

#define IS(expected, call) \
  if ((call) != (expected)) return fprintf(stderr, "line %d: %s\n", __LINE__, muon_last_error()), 1
#define TRUE(condition) \
  if (!(condition)) return fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), 1

/* A later version's struct: 24 bytes more, and bytes behind it that are nobody's. */
#define LATER(type) struct { type now; unsigned char more[24], guard[8]; }
#define SIZE(value) (sizeof(value) - 8)

static int is(const unsigned char *bytes, size_t count, unsigned char value) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i] != value) return 0;
  return 1;
}

int main(void) {
  float data[3][4] = {{1, 2, 3, 4}}, grad[3][4] = {{1, 0, 0, 1}, {1, 0, 0, 1}, {1, 0, 0, 1}};
  const int64_t shape[2] = {2, 2};
  muon_optimizer *optimizer, *adamw;
  int64_t group;

  LATER(muon_muon_options) options;
  memset(&options, 0xA5, sizeof options);
  IS(MUON_OK, muon_muon_options_init(&options.now, SIZE(options)));
  TRUE(options.now.struct_size == SIZE(options) && options.now.lr == 0.02);
  TRUE(is(options.more, 24, 0) && is(options.guard, 8, 0xA5));
  options.now.lr = 0.5;
  IS(MUON_OK, muon_optimizer_create_muon(&options.now, &optimizer));
  memset(options.more, 0xA5, 24);
  IS(MUON_OK, muon_optimizer_get_muon_options(optimizer, 0, &options.now));
  TRUE(options.now.lr == 0.5 && is(options.more, 24, 0) && is(options.guard, 8, 0xA5));
  options.more[23] = 1;
  IS(MUON_ERR_UNSUPPORTED, muon_optimizer_set_muon_options(optimizer, 0, &options.now));
  IS(MUON_ERR_UNSUPPORTED, muon_optimizer_add_muon_group(optimizer, &options.now, NULL, 0, &group));
  TRUE(strstr(muon_last_error(), "muon_muon_options"));

  LATER(muon_adamw_options) adam;
  IS(MUON_OK, muon_adamw_options_init(&adam.now, SIZE(adam)));
  IS(MUON_OK, muon_optimizer_create_adamw(&adam.now, &adamw));
  adam.more[0] = 1;
  IS(MUON_ERR_UNSUPPORTED, muon_optimizer_set_adamw_options(adamw, 0, &adam.now));

  LATER(muon_orthogonalize_options) ortho;
  IS(MUON_OK, muon_orthogonalize_options_init(&ortho.now, SIZE(ortho)));
  IS(MUON_OK, muon_orthogonalize(grad[0], 4, 2, 2, &ortho.now, data[1], 4));
  ortho.more[7] = 1;
  IS(MUON_ERR_UNSUPPORTED, muon_orthogonalize(grad[0], 4, 2, 2, &ortho.now, data[1], 4));

  /* A list: the structs lie as far apart as they say that they are large. */
  struct { muon_param now; unsigned char more[24]; } params[3];
  for (int i = 0; i < 3; i++) {
    IS(MUON_OK, muon_param_init(&params[i].now, sizeof params[i]));
    params[i].now.ndim = 2, params[i].now.shape = shape;
    params[i].now.data = data[i], params[i].now.grad = grad[i];
    params[i].now.data_count = params[i].now.grad_count = 4;
  }
  params[2].now.struct_size = sizeof(muon_param);
  IS(MUON_ERR_INVALID_ARGUMENT, muon_optimizer_add_muon_group(optimizer, NULL, &params[0].now, 3, &group));
  params[2].now.struct_size = sizeof params[2];
  params[2].more[3] = 1;
  IS(MUON_ERR_UNSUPPORTED, muon_optimizer_add_muon_group(optimizer, NULL, &params[0].now, 3, &group));
  params[2].more[3] = 0;
  IS(MUON_OK, muon_optimizer_add_muon_group(optimizer, NULL, &params[0].now, 3, &group));
  IS(MUON_OK, muon_optimizer_step(optimizer));
  TRUE(data[2][0] != 0);

  /* The first version's sizes. Behind them it has nothing, and the library leaves it alone. */
  static const size_t first[4] = {80, 48, 48, 88};
  unsigned char bytes[1024];
  for (int i = 0; i < 4; i++)
    for (size_t size = 0; size < sizeof bytes; size++) {
      memset(bytes, 0xA5, sizeof bytes);
      const muon_status status =
          i == 0   ? muon_muon_options_init((muon_muon_options *)(void *)bytes, size)
          : i == 1 ? muon_adamw_options_init((muon_adamw_options *)(void *)bytes, size)
          : i == 2 ? muon_orthogonalize_options_init((muon_orthogonalize_options *)(void *)bytes, size)
                   : muon_param_init((muon_param *)(void *)bytes, size);
      const int fine = size >= first[i] && size % 8 == 0;
      TRUE(status == (fine ? MUON_OK : MUON_ERR_INVALID_ARGUMENT));
      TRUE(is(bytes + (fine ? size : 0), sizeof bytes - (fine ? size : 0), 0xA5));
    }
  IS(MUON_OK, muon_muon_options_init((muon_muon_options *)(void *)bytes, 80));
  IS(MUON_OK, muon_optimizer_get_muon_options(optimizer, 0, (muon_muon_options *)(void *)bytes));
  /* Options that it does not have stay as they are. */
  options.now.struct_size = sizeof options.now;
  IS(MUON_OK, muon_optimizer_get_muon_options(optimizer, 0, &options.now));
  TRUE(options.now.update_scale == 1);
  options.now.update_scale = 2;
  IS(MUON_OK, muon_optimizer_set_muon_options(optimizer, 0, &options.now));
  IS(MUON_OK, muon_optimizer_set_muon_options(optimizer, 0, (muon_muon_options *)(void *)bytes));
  IS(MUON_OK, muon_optimizer_get_muon_options(optimizer, 0, &options.now));
  TRUE(options.now.update_scale == 2);
  TRUE(is(bytes + 80, sizeof bytes - 80, 0xA5));
  IS(MUON_OK, muon_optimizer_destroy(optimizer));
  IS(MUON_OK, muon_optimizer_destroy(adamw));
  puts("as it should");
  return 0;
}
