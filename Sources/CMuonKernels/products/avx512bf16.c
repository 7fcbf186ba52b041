/* bfloat16 operands and float32 sums with AVX512-BF16: vdpbf16ps multiplies pairs. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512_BF16))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#include "epilogue.h"
#include "lanes512.h"

enum { LANES = 32, ROWS = 8 };

/* Pairs (k, k+1) of 16 lanes that lie side by side. Where there is no k+1 it is 0. */
static inline __m512i pairs(const float *low, const float *high, __mmask16 there) {
  const __m512i l =
      _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, low)));
  if (!high) return l;
  const __m512i h =
      _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, high)));
  return _mm512_or_si512(l, _mm512_slli_epi32(h, 16));
}

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *out = panel.right;
  if (lane_stride == 1) {
    for (ptrdiff_t k = 0; k < depth; k += 2, out += LANES) {
      for (int half = 0; half < LANES; half += 16) {
        const float *s = source + k * depth_stride + half;
        _mm512_storeu_si512(
            out + half, pairs(s, k + 1 < depth ? s + depth_stride : NULL, first_lanes(lanes - half)));
      }
    }
    return;
  }
  for (ptrdiff_t k = 0; k < depth; k += 32) {
    const ptrdiff_t rest = depth - k;
    for (int half = 0; half < LANES; half += 16) {
      __m512i r[16];
      for (int i = 0; i < 16; i++) {
        const float *s = source + (half + i) * lane_stride + k;
        r[i] = half + i < lanes
                   ? (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(first_lanes(rest - 16), s + 16),
                                                  _mm512_maskz_loadu_ps(first_lanes(rest), s))
                   : _mm512_setzero_si512();
      }
      if (half < lanes) transpose16(r);
      for (int i = 0; i < 16 && 2 * i < rest; i++)
        _mm512_storeu_si512(out + (k / 2 + i) * LANES + half, r[i]);
    }
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  const uint32_t *x = tile->a, *y = tile->b;
  __m512 c[ROWS][2];
  for (int i = 0; i < ROWS; i++) c[i][0] = c[i][1] = _mm512_setzero_ps();
  for (ptrdiff_t k = 0; k < tile->depth; k += 2, x += LANES, y += LANES) {
    const __m512bh y0 = (__m512bh)_mm512_loadu_si512(y), y1 = (__m512bh)_mm512_loadu_si512(y + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      const __m512bh xi = (__m512bh)_mm512_set1_epi32((int)x[i]);
      c[i][0] = _mm512_dpbf16_ps(c[i][0], xi, y0);
      c[i][1] = _mm512_dpbf16_ps(c[i][1], xi, y1);
    }
  }
  gemm_finish(&c[0][0], ROWS, 2, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_avx512bf16 = {
    .name = "AVX512-BF16",
    .level = "avx512bf16",
    .probe = has_avx512bf16,
    .element = MUON_ELEMENT_BF16,
    .speed = 64,
    .lanes = LANES,
    .rows = ROWS,
    .group = 2,
    .fill = 2,
    .digits = 1,
    .block = LANES,
    .head = 0,
    .depth = 512,
    .tile_rows = 128,
    .tile_columns = 256,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
