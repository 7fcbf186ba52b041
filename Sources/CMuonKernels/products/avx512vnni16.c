/* 16-bit integers in block floating point with AVX512-VNNI: vpdpwssd multiplies pairs and adds them
 * to a 32-bit sum.
 *
 * Sums over a block are exact: at most 128 products of at most 4095 * 4095 are 2,146,435,200, and
 * 2^31 is 2,147,483,648. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512_VNNI))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#include "epilogue.h"
#include "vnni512.h"

enum { GROUP = 2, LEVELS = 4095, HEAD = 1 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *out = panel.right;
  for (ptrdiff_t k = 0; k < depth; k += BLOCK, out += (HEAD + BLOCK / GROUP) * LANES) {
    pack_block(source + k * depth_stride, lane_stride, depth_stride, lanes,
               depth - k < BLOCK ? depth - k : BLOCK, GROUP, LEVELS, HEAD, out);
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  const int32_t *x = tile->a, *y = tile->b;
  __m512 sums[ROWS][2];
  for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK) {
    const float *x_scale = (const float *)x;
    const __m512 y_scale0 = _mm512_loadu_ps(y), y_scale1 = _mm512_loadu_ps(y + 16);
    x += HEAD * LANES, y += HEAD * LANES;
    __m512i c[ROWS][2];
    for (int i = 0; i < ROWS; i++) c[i][0] = c[i][1] = _mm512_setzero_si512();
    for (ptrdiff_t g = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / GROUP; g > 0; g--) {
      const __m512i y0 = _mm512_loadu_si512(y), y1 = _mm512_loadu_si512(y + 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m512i xi = _mm512_set1_epi32(x[i]);
        c[i][0] = _mm512_dpwssd_epi32(c[i][0], xi, y0);
        c[i][1] = _mm512_dpwssd_epi32(c[i][1], xi, y1);
      }
      x += LANES, y += LANES;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      const __m512 xi = _mm512_set1_ps(x_scale[i]);
      sums[i][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(c[i][0]) * y_scale0, xi, sums[i][0]);
      sums[i][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(c[i][1]) * y_scale1, xi, sums[i][1]);
    }
  }
  gemm_finish(&sums[0][0], ROWS, 2, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_avx512vnni16 = {
    .name = "AVX512-VNNI int16",
    .level = "avx512vnni",
    .probe = has_avx512vnni,
    .element = MUON_ELEMENT_INT16,
    .speed = 64,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = GROUP,
    .digits = 1,
    .block = BLOCK,
    .head = HEAD,
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
