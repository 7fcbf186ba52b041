/* float32 with AVX2 and FMA. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX2))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

/* Twelve sums, three vectors of B and one of A: all sixteen registers. */
enum { LANES = 24, VECTORS = LANES / 8, ROWS = 4 };

/* Columns of an 8x8 block become rows. */
static inline void transpose8(__m256 r[8]) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  for (int i = 0; i < 8; i++) r[i] = t[i];
}

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  float *out = panel.right;
  ptrdiff_t k = 0;
  if (lanes == LANES && lane_stride == 1) {
    for (; k < depth; k++) {
      const float *s = source + k * depth_stride;
      for (int i = 0; i < LANES; i += 8)
        _mm256_storeu_ps(out + k * LANES + i, _mm256_loadu_ps(s + i));
    }
  } else if (lanes == LANES && depth_stride == 1) {
    for (; k + 8 <= depth; k += 8) {
      for (int part = 0; part < LANES; part += 8) {
        __m256 r[8];
        for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(source + (part + i) * lane_stride + k);
        transpose8(r);
        for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + (k + i) * LANES + part, r[i]);
      }
    }
  }
  gemm_pack_rest(source, lane_stride, depth_stride, lanes, LANES, k, depth, out);
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
