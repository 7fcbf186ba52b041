/* Packing of block floating point for tiles of AMX, whose integers have 8 bits: of one digit, or of two,
 * where x = 128 high + low with low from -64 to 63. A block of each side begins with the scales of all
 * lanes; then come the words of all first digits, and those of the second ones. */
#ifndef AMX_INTEGERS_H
#define AMX_INTEGERS_H

#include <string.h>

#include "amx_panel.h"

enum { GROUP = 4, FILL = TILE_WORDS * GROUP, BLOCK = 128, HEAD = 1 };

enum { LOW_BITS = 7 };

/* A digit of 16 integers, the highest first. */
AMX_INLINE __m512i digit_of(__m512i x, int digits, int digit) {
  if (digits == 1) return x;
  const __m512i half = _mm512_set1_epi32(1 << (LOW_BITS - 1));
  const __m512i high = _mm512_srai_epi32(_mm512_add_epi32(x, half), LOW_BITS);
  return digit == 0 ? high : _mm512_sub_epi32(x, _mm512_slli_epi32(high, LOW_BITS));
}

/* Each digit of 64 depths of 16 lanes, of which `lanes` and `depth` are there: a vector for each word. */
AMX_INLINE void words_by_depth(const float *source, ptrdiff_t depth_stride, int lanes,
                               ptrdiff_t depth, __m512 inverse, int digits,
                               __m512i words[][TILE_WORDS]) {
  const __mmask16 there = first_lanes(lanes);
  for (int w = 0; w < TILE_WORDS; w++) {
    for (int d = 0; d < digits; d++) words[d][w] = _mm512_setzero_si512();
    for (int g = 0; g < GROUP && GROUP * w + g < depth; g++) {
      const float *x = source + (GROUP * w + g) * depth_stride;
      const __m512i integers = to_integers(_mm512_maskz_loadu_ps(there, x), inverse);
      for (int d = 0; d < digits; d++) {
        /* Into the highest bits, and down to their place, which leaves the others 0. */
        const __m512i top = _mm512_slli_epi32(digit_of(integers, digits, d), 24);
        words[d][w] = _mm512_or_si512(words[d][w], _mm512_srli_epi32(top, (unsigned)(24 - 8 * g)));
      }
    }
  }
}

/* The same where the depths of a lane lie side by side: a vector for each lane. */
AMX_INLINE void words_by_lane(const float *source, ptrdiff_t lane_stride, int lanes,
                              ptrdiff_t depth, const float *inverse, int digits,
                              __m512i words[][TILE_WORDS]) {
  for (int i = 0; i < SIDE; i++) {
    __m128i quarters[2][4];
    for (int q = 0; q < 4; q++) {
      const __mmask16 there = i < lanes ? first_lanes(depth - 16 * q) : 0;
      const float *x = source + i * lane_stride + 16 * q;
      const __m512i integers =
          to_integers(_mm512_maskz_loadu_ps(there, x), _mm512_set1_ps(inverse[i]));
      for (int d = 0; d < digits; d++)
        quarters[d][q] = _mm512_cvtepi32_epi8(digit_of(integers, digits, d));
    }
    for (int d = 0; d < digits; d++) memcpy(&words[d][i], quarters[d], sizeof words[d][i]);
  }
}

/* A block of a panel. */
AMX_INLINE void pack_block(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                           int lanes, ptrdiff_t depth, int digits, int levels, uint32_t *left,
                           uint32_t *right) {
  const ptrdiff_t tiles = (depth + FILL - 1) / FILL;
  for (int half = 0; half < 2; half++) {
    const float *first = source + half * SIDE * lane_stride;
    const int some = lanes - half * SIDE, count = some < 0 ? 0 : some < SIDE ? some : SIDE;
    const __m512 largest = lane_stride == 1
                               ? largest_by_depth(first, depth_stride, count, depth)
                               : largest_by_lane(first, lane_stride, count, depth);
    const scales all = scales_of(largest, levels);
    if (left) _mm512_storeu_ps(left + half * SIDE, all.scale);
    if (right) _mm512_storeu_ps(right + half * SIDE, all.scale);
    float inverse[SIDE];
    _mm512_storeu_ps(inverse, all.inverse);
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
      const ptrdiff_t k = tile * FILL;
      __m512i words[2][TILE_WORDS];
      if (lane_stride == 1)
        words_by_depth(first + k * depth_stride, depth_stride, count, depth - k, all.inverse,
                       digits, words);
      else
        words_by_lane(first + k, lane_stride, count, depth - k, inverse, digits, words);
      for (int d = 0; d < digits; d++) {
        const ptrdiff_t at = HEAD * LANES + (d * tiles + tile) * TILE_WORDS * LANES;
        store_words(words[d], lane_stride == 1, half, left ? left + at : NULL,
                    right ? right + at : NULL);
      }
    }
  }
}

AMX_INLINE void pack_digits(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                            int lanes, ptrdiff_t depth, int digits, int levels,
                            muon_gemm_panel panel) {
  uint32_t *left = panel.left, *right = panel.right;
  for (ptrdiff_t k = 0; k < depth; k += BLOCK) {
    pack_block(source + k * depth_stride, lane_stride, depth_stride, lanes,
               depth - k < BLOCK ? depth - k : BLOCK, digits, levels, left, right);
    const ptrdiff_t words = (HEAD + digits * BLOCK / GROUP) * LANES;
    if (left) left += words;
    if (right) right += words;
  }
}

/* Adds sums of integers, times the scales of their block, to a row of 16 columns. */
AMX_INLINE void add_scaled(__m512 *to, __m512i sums, __m512 column_scales, float row_scale) {
  *to = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums) * column_scales, _mm512_set1_ps(row_scale), *to);
}

#endif
