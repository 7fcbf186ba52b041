/* The products of a Newton-Schulz step by themselves, on operands packed as in a step: how much of a
 * core's peak the kernels reach. Compiled with Sources/CMuonKernels, which the library does not export. */
#define _POSIX_C_SOURCE 200112L
#include <stdlib.h>
#include <time.h>

#include "muon_kernels.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *floats(size_t count) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, count * sizeof(float)) != 0) return NULL;
  for (size_t i = 0; i < count; i++) ((float *)memory)[i] = (float)(i * 2654435761u % 1000) / 1e3f;
  return memory;
}

static void pack(const muon_gemm_packing *packing, const float *x, float *packed, int by_rows) {
  const ptrdiff_t n = packing->count;
  for (ptrdiff_t panel = 0; panel < packing->panels; panel++)
    muon_gemm_pack(packing, x, by_rows ? n : 1, by_rows ? 1 : n, panel, packed);
}

static void multiply(const muon_gemm_packing *a_packing, const float *a,
                     const muon_gemm_packing *b_packing, const float *b, int lower,
                     const muon_gemm_output *output) {
  const muon_gemm_epilogue epilogue = {1, {*output, *output}};
  const muon_gemm_tiles tiles = muon_gemm_tiles_for(a_packing, b_packing, 1);
  for (ptrdiff_t tile = 0; tile < tiles.down * tiles.across; tile++)
    muon_gemm_tile(a_packing, a, b_packing, b, lower, &tiles, tile, &epilogue);
}

/* What the rates are of, in this order. */
enum { GRAM, POLYNOMIAL, APPLY, COUNT };

/* Operations a second of X X^T, b A + c A^2 (one triangle of each) and a X + B X on n x n matrices, each
 * made once. Returns 0, or another number if the processor has no such kernel or memory runs out. */
int product_rates(muon_element element, int n, double rates[COUNT]) {
  const muon_gemm_kernel *kernel = muon_gemm_kernel_for(element, NULL, NULL);
  if (!kernel || !kernel->acquire()) return 1;
  const muon_gemm_packing both = muon_gemm_packing_of(kernel, n, n, MUON_GEMM_BOTH);
  const muon_gemm_packing right = muon_gemm_packing_of(kernel, n, n, MUON_GEMM_RIGHT);
  const size_t packed = (size_t)both.bytes / sizeof(float);
  float *x = floats((size_t)n * n), *c = floats((size_t)n * n);
  float *a = floats(packed), *b = floats(packed);
  const int failed = !x || !c || !a || !b;
  if (!failed) {
    const muon_gemm_output outputs[COUNT] = {
        {c, n, 1e-3f, {{c, 0, NULL, NULL}, {c, 0, NULL, NULL}}},
        {c, n, 1e-6f, {{x, 1e-3f, x, x}, {c, 0, NULL, NULL}}},
        {c, n, 1e-6f, {{c, 0, NULL, NULL}, {x, 1e-3f, x, NULL}}}};
    pack(&both, x, a, 1);
    pack(&right, x, b, 0);
    for (int what = 0; what < COUNT; what++) {
      const int symmetric = what != APPLY;
      const double start = now();
      multiply(&both, a, symmetric ? &both : &right, symmetric ? a : b, symmetric, &outputs[what]);
      rates[what] = (symmetric ? 1.0 : 2.0) * n * n * n / (now() - start);
    }
  }
  free(x), free(c), free(a), free(b);
  return failed;
}
