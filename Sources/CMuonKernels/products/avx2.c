/* float32 with AVX2 and FMA. */
#if defined(__x86_64__)
#include "floats256.h"

#pragma clang attribute push(__attribute__((target(AVX2))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_floats(source, lane_stride, depth_stride, lanes, depth, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  const float *x = tile->a, *y = tile->b;
  __m256 c[ROWS][VECTORS];
  for (int i = 0; i < ROWS; i++) {
    for (int v = 0; v < VECTORS; v++) c[i][v] = _mm256_setzero_ps();
  }
  for (ptrdiff_t k = 0; k < tile->depth; k++, x += LANES, y += LANES) {
    const __m256 y0 = _mm256_loadu_ps(y), y1 = _mm256_loadu_ps(y + 8), y2 = _mm256_loadu_ps(y + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      const __m256 xi = _mm256_broadcast_ss(x + i);
      c[i][0] = _mm256_fmadd_ps(xi, y0, c[i][0]);
      c[i][1] = _mm256_fmadd_ps(xi, y1, c[i][1]);
      c[i][2] = _mm256_fmadd_ps(xi, y2, c[i][2]);
      /* Keeps the compiler from moving sums between registers. */
      __asm__("" : "+x"(c[i][0]), "+x"(c[i][1]), "+x"(c[i][2]));
    }
  }
  gemm_finish(&c[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

/* Panels of both operands stay in a second-level cache of 512 KiB. */
const muon_gemm_kernel muon_gemm_avx2 = {
    .name = "AVX2 f32",
    .level = "avx2",
    .probe = has_avx2,
    .element = MUON_ELEMENT_F32,
    .speed = 16,
    .lanes = LANES,
    .rows = ROWS,
    .group = 1,
    .fill = 1,
    .digits = 1,
    .block = LANES,
    .head = 0,
    .depth = 384,
    .tile_rows = 120,
    .tile_columns = 240,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
