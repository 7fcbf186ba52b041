/* bfloat16 operands and float32 sums in tiles of AMX. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "amx.h"

#pragma clang attribute push(__attribute__((target(AMX))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#define EPILOGUE_UNROLL unroll_count(4)
#include "epilogue.h"
#include "amx_panel.h"
#include "amx_pending.h"
#include "amx_products.h"

enum { GROUP = 2, FILL = TILE_WORDS * GROUP };

/* The pairs of 16 lanes from a depth on, of which `depth` are left: a vector for each pair. */
AMX_INLINE void pairs_by_depth(const float *source, ptrdiff_t depth_stride, int lanes,
                               ptrdiff_t depth, __m512i words[16]) {
  const __mmask16 there = first_lanes(lanes);
  for (int w = 0; w < TILE_WORDS; w++) {
    const float *x = source + GROUP * w * depth_stride;
    const __mmask16 even = GROUP * w < depth ? there : 0;
    const __mmask16 odd = GROUP * w + 1 < depth ? there : 0;
    const __m256bh low = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(even, x));
    const __m256bh high = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(odd, x + depth_stride));
    words[w] = _mm512_or_si512(_mm512_cvtepu16_epi32((__m256i)low),
                               _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)high), 16));
  }
}

/* The same where the depths of a lane lie side by side: a vector for each lane. */
AMX_INLINE void pairs_by_lane(const float *source, ptrdiff_t lane_stride, int lanes,
                              ptrdiff_t depth, __m512i words[16]) {
  for (int i = 0; i < SIDE; i++) {
    const float *x = source + i * lane_stride;
    const __mmask16 there = i < lanes ? 0xFFFF : 0;
    words[i] = (__m512i)_mm512_cvtne2ps_pbh(
        _mm512_maskz_loadu_ps(there & first_lanes(depth - 16), x + 16),
        _mm512_maskz_loadu_ps(there & first_lanes(depth), x));
  }
}

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *left = panel.left, *right = panel.right;
  for (ptrdiff_t k = 0; k < depth; k += FILL) {
    for (int half = 0; half < 2; half++) {
      const float *first = source + half * SIDE * lane_stride + k * depth_stride;
      __m512i words[16];
      if (lane_stride == 1)
        pairs_by_depth(first, depth_stride, lanes - half * SIDE, depth - k, words);
      else
        pairs_by_lane(first, lane_stride, lanes - half * SIDE, depth - k, words);
      store_words(words, lane_stride == 1, half, left, right);
    }
    if (left) left += TILE_WORDS * LANES;
    if (right) right += TILE_WORDS * LANES;
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  amx_pending *pending = tile->state;
  multiply_tiles(tile->depth / FILL, tile->a, tile->b, 1);
  finish(pending);
  wait_for_next(pending, tile);
  store_tiles(pending->sums[pending->waits]);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_amxbf16 = {
    .name = "AMX bf16",
    .level = "amx",
    .probe = muon_amx_probe,
    .element = MUON_ELEMENT_BF16,
    .speed = 256,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = FILL,
    .digits = 1,
    .left_apart = 1,
    .block = LANES,
    .head = 0,
    .depth = 1024,
    .tile_rows = 256,
    .tile_columns = 256,
    .acquire = muon_amx_acquire,
    .enter = enter,
    .leave = leave,
    .pack = pack,
    .multiply = multiply,
};
#endif
