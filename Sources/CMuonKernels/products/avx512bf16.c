/* bfloat16 operands and float32 sums with AVX512-BF16: vdpbf16ps multiplies pairs. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512_BF16))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#include "epilogue.h"
#include "transpose16.h"

enum { LANES = 32, ROWS = 8 };

/* One pair (k, k+1) of up to 16 lanes that are not where the fast ways need them. */
static void pack_pairs(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                       ptrdiff_t depth, uint32_t *out) {
  float low[LANES] = {0}, high[LANES] = {0};
  for (int i = 0; i < lanes; i++) {
    low[i] = source[i * lane_stride];
    if (depth > 1) high[i] = source[i * lane_stride + depth_stride];
  }
  for (int i = 0; i < LANES; i += 16) {
    const __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(low + i)));
    const __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(high + i)));
    _mm512_storeu_si512(out + i, _mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
  }
}

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *out = panel.right;
  ptrdiff_t k = 0;
  if (lanes == LANES && lane_stride == 1) {
    for (; k + 2 <= depth; k += 2) {
      for (int i = 0; i < LANES; i += 16) {
        const float *s = source + k * depth_stride + i;
        const __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(s)));
        const __m512i h = _mm512_cvtepu16_epi32(
            (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(s + depth_stride)));
        _mm512_storeu_si512(out + k / 2 * LANES + i, _mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
      }
    }
  } else if (lanes == LANES && depth_stride == 1) {
    for (; k + 32 <= depth; k += 32) {
      for (int half = 0; half < LANES; half += 16) {
        __m512i r[16];
        for (int i = 0; i < 16; i++) {
          const float *s = source + (half + i) * lane_stride + k;
          r[i] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(s + 16), _mm512_loadu_ps(s));
        }
        transpose16(r);
        for (int i = 0; i < 16; i++) _mm512_storeu_si512(out + (k / 2 + i) * LANES + half, r[i]);
      }
    }
  }
  for (; k < depth; k += 2)
    pack_pairs(source + k * depth_stride, lane_stride, depth_stride, lanes, depth - k,
               out + k / 2 * LANES);
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
