/* More than 2^31 elements: one MiB of memory, mapped again and again until it looks like one array of
 * 8 GiB and more, for each of the buffers. The last block of each is real memory.
 *
 * The element-wise passes go over all of it, so that each element is stepped as often as it is mapped.
 * The reference is the same step in a plain loop. Prints "fits". */
#define _GNU_SOURCE
#include <math.h>
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 1 << 18 /* elements, the part one thread takes at a time */ };
static const size_t COUNT = ((size_t)1 << 31) + 5 * BLOCK;

#define OK(call) \
  if ((call) != MUON_OK) return fprintf(stderr, "line %d: %s\n", __LINE__, muon_last_error()), 1
#define TRUE(condition) \
  if (!(condition)) return fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), 1

/* Floats of address space, of which each block is the same memory. */
static float *folded(size_t count) {
  const size_t bytes = count * sizeof(float), step = BLOCK * sizeof(float);
  const int file = memfd_create("floats", 0);
  if (file < 0 || ftruncate(file, (off_t)step) != 0) return NULL;
  char *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return NULL;
  for (size_t at = 0; at < bytes; at += step)
    if (mmap(start + at, bytes - at < step ? bytes - at : step, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
      return NULL;
  close(file);
  return (float *)(void *)start;
}

/* The last block, mapped anew to be memory of its own. */
static int unfold_last(float *floats) {
  void *last = floats + (COUNT - BLOCK);
  return mmap(last, BLOCK * sizeof(float), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED;
}

int main(void) {
  float *data = folded(COUNT), *grad = folded(COUNT), *m = folded(COUNT), *v = folded(COUNT);
  TRUE(data && grad && m && v);
  TRUE(!unfold_last(data) && !unfold_last(grad) && !unfold_last(m) && !unfold_last(v));
  float *last_data = data + (COUNT - BLOCK), *last_grad = grad + (COUNT - BLOCK);
  const int64_t extent = (int64_t)COUNT;
  /* Two would write the same memory at the same time. */
  OK(muon_set_num_threads(1));
  muon_param param;
  muon_adamw_options options;
  muon_optimizer *adamw, *muon;
  OK(muon_param_init(&param, sizeof param));
  param.ndim = 1, param.shape = &extent;
  const muon_state_buffer own[2] = {{"exp_avg", m, COUNT}, {"exp_avg_sq", v, COUNT}};
  param.data = data, param.grad = grad, param.state = own;
  param.data_count = param.grad_count = COUNT, param.state_count = 2;
  OK(muon_adamw_options_init(&options, sizeof options));
  /* What a step does to an element does not depend on how often it came by: with lr, betas such that
   * m and v become the gradient and its square at once. */
  options.beta1 = options.beta2 = 0, options.lr = 0.5, options.weight_decay = 0;
  OK(muon_optimizer_create_adamw(&options, &adamw));
  OK(muon_optimizer_add_param(adamw, 0, &param, NULL));

  /* A NaN past 2^31 is seen. */
  last_grad[BLOCK - 1] = NAN;
  TRUE(muon_optimizer_step(adamw) == MUON_ERR_NONFINITE_GRADIENT);
  TRUE(last_data[0] == 0 && data[0] == 0);

  for (int i = 0; i < BLOCK; i++) last_grad[i] = i % 2 ? 2.f : -3.f, last_data[i] = 10;
  for (int i = 0; i < BLOCK; i++) grad[i] = 4;
  OK(muon_optimizer_step(adamw));
  for (int i = 0; i < BLOCK; i++) TRUE(fabsf(last_data[i] - (i % 2 ? 9.5f : 10.5f)) < 1e-5f);
  /* The others were stepped once for each time that they are mapped. */
  const double times = (double)((COUNT - BLOCK) / BLOCK);
  for (int i = 0; i < BLOCK; i++) TRUE(fabs(data[i] + 0.5 * times) < 0.25);
  float *const state = m + (COUNT - BLOCK);
  TRUE(m[0] == 4 && v[0] == 16 && state[0] == -3 && state[1] == 2);

  size_t count = 0;
  OK(muon_optimizer_get_buffer(adamw, 0, "exp_avg", NULL, 0, &count));
  TRUE(count == COUNT);
  OK(muon_optimizer_zero_grad(adamw));
  TRUE(grad[0] == 0 && last_grad[0] == 0 && last_grad[BLOCK - 1] == 0);
  OK(muon_optimizer_destroy(adamw));

  OK(muon_param_init(&param, sizeof param));
  param.ndim = 2, param.data = data;
  /* BLAS and LAPACK count in 32 bits: such matrices are refused, before memory is looked at. */
  muon_muon_options exact;
  OK(muon_muon_options_init(&exact, sizeof exact));
  exact.backend = MUON_BACKEND_SVD;
  OK(muon_optimizer_create_muon(&exact, &muon));
  static const int64_t large[3][2] = {{46342, 46342}, {1, (int64_t)1 << 31}, {30000, 71584}};
  for (int i = 0; i < 3; i++) {
    param.shape = large[i];
    param.data_count = (size_t)(large[i][0] * large[i][1]);
    TRUE(muon_optimizer_add_param(muon, 0, &param, NULL) == MUON_ERR_UNSUPPORTED);
    TRUE(strstr(muon_last_error(), "32-bit") || strstr(muon_last_error(), "BLAS"));
  }
  OK(muon_optimizer_destroy(muon));
  puts("fits");
  return 0;
}
