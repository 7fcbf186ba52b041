/* Block floating point with AVX-512: packing of 16-bit integers, two to a word, or of 8-bit ones, four to
 * a word, and their products. A block begins with the scales of all lanes; of 8-bit integers -128 times
 * the sum of each lane follows; then come the words as in every panel. */
#ifndef VNNI512_H
#define VNNI512_H

#include <immintrin.h>

#include "integers512.h"

#define VNNI_INLINE static inline __attribute__((always_inline))

enum { LANES = 32, ROWS = 8, BLOCK = 128 };

/* 16 words of one lane, of `count` numbers side by side. */
VNNI_INLINE __m512i words_of_lane(const float *x, ptrdiff_t count, __m512 inverse, int group) {
  if (group == 2) {
    __m256i half[2];
    for (int h = 0; h < 2; h++) {
      const __m512 part = _mm512_maskz_loadu_ps(first_lanes(count - 16 * h), x + 16 * h);
      half[h] = _mm512_cvtepi32_epi16(to_integers(part, inverse));
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(half[0]), half[1], 1);
  }
  __m128i quarter[4];
  for (int q = 0; q < 4; q++) {
    const __m512 part = _mm512_maskz_loadu_ps(first_lanes(count - 16 * q), x + 16 * q);
    quarter[q] = _mm512_cvtepi32_epi8(to_integers(part, inverse));
  }
  __m512i words = _mm512_castsi128_si512(quarter[0]);
  words = _mm512_inserti32x4(words, quarter[1], 1);
  words = _mm512_inserti32x4(words, quarter[2], 2);
  return _mm512_inserti32x4(words, quarter[3], 3);
}

/* Adds what words of 8-bit integers hold to the sums of their lanes. */
VNNI_INLINE __m512i add_words(__m512i sums, __m512i words) {
  return _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), words);
}

/* A block of 16 lanes, of which `lanes` are there, whose depths lie side by side. */
VNNI_INLINE void pack_by_lane(const float *source, ptrdiff_t lane_stride, int lanes,
                              ptrdiff_t depth, int group, int levels, float *scale,
                              uint32_t *words, __m512i *sums) {
  const scales all = scales_of(largest_by_lane(source, lane_stride, lanes, depth), levels);
  _mm512_storeu_ps(scale, all.scale);
  float inverse[16];
  _mm512_storeu_ps(inverse, all.inverse);
  for (ptrdiff_t k = 0; k < depth; k += 16 * group) {
    __m512i r[16];
    for (int i = 0; i < 16; i++) {
      r[i] = i < lanes ? words_of_lane(source + i * lane_stride + k, depth - k,
                                       _mm512_set1_ps(inverse[i]), group)
                       : _mm512_setzero_si512();
    }
    transpose16(r);
    const ptrdiff_t groups = (depth - k + group - 1) / group;
    for (int i = 0; i < 16 && i < groups; i++) {
      _mm512_storeu_si512(words + (k / group + i) * LANES, r[i]);
      if (group == 4) *sums = add_words(*sums, r[i]);
    }
  }
}

/* A word of each of 16 lanes, which lie side by side, from `count` depths of the `group` that it has
 * room for. */
VNNI_INLINE __m512i words_of_depths(const float *x, ptrdiff_t depth_stride, __mmask16 there,
                                    int count, __m512 inverse, int group) {
  const int bits = 32 / group;
  __m512i words = _mm512_setzero_si512();
  for (int g = 0; g < count; g++) {
    /* Into the highest bits, and down to their place, which leaves the others 0. */
    const __m512 numbers = _mm512_maskz_loadu_ps(there, x + g * depth_stride);
    __m512i each = _mm512_slli_epi32(to_integers(numbers, inverse), (unsigned)(32 - bits));
    each = _mm512_srli_epi32(each, (unsigned)(32 - bits - g * bits));
    words = _mm512_or_si512(words, each);
  }
  return words;
}

/* The same where lanes lie side by side. */
VNNI_INLINE void pack_by_depth(const float *source, ptrdiff_t depth_stride, int lanes,
                               ptrdiff_t depth, int group, int levels, float *scale,
                               uint32_t *words, __m512i *sums) {
  const __mmask16 there = first_lanes(lanes);
  const scales all = scales_of(largest_by_depth(source, depth_stride, lanes, depth), levels);
  _mm512_storeu_ps(scale, all.scale);
  __m512i sum = *sums;
  ptrdiff_t k = 0;
  for (; k + group <= depth; k += group) {
    const __m512i word =
        words_of_depths(source + k * depth_stride, depth_stride, there, group, all.inverse, group);
    _mm512_storeu_si512(words + k / group * LANES, word);
    if (group == 4) sum = add_words(sum, word);
  }
  if (k < depth) {
    const __m512i word = words_of_depths(source + k * depth_stride, depth_stride, there,
                                         (int)(depth - k), all.inverse, group);
    _mm512_storeu_si512(words + k / group * LANES, word);
    if (group == 4) sum = add_words(sum, word);
  }
  *sums = sum;
}

/* A block of a panel, behind `head` words a lane. */
VNNI_INLINE void pack_block(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                            int lanes, ptrdiff_t depth, int group, int levels, int head,
                            uint32_t *panel) {
  for (int half = 0; half < LANES; half += 16) {
    const float *first = source + half * lane_stride;
    const int count = lanes - half < 16 ? (lanes - half > 0 ? lanes - half : 0) : 16;
    float *scale = (float *)panel + half;
    uint32_t *words = panel + head * LANES + half;
    __m512i sums = _mm512_setzero_si512();
    if (lane_stride == 1) {
      pack_by_depth(first, depth_stride, count, depth, group, levels, scale, words, &sums);
    } else {
      pack_by_lane(first, lane_stride, count, depth, group, levels, scale, words, &sums);
    }
    if (group == 4)
      _mm512_storeu_si512(panel + LANES + half, _mm512_mullo_epi32(sums, _mm512_set1_epi32(-128)));
  }
}

/* 16 words of a panel. 8-bit integers, whose side vpdpbusd takes unsigned, are offset by 128, as their
 * highest bit turned. */
VNNI_INLINE __m512i words_at(const int32_t *words, int group) {
  const __m512i loaded = _mm512_loadu_si512(words);
  return group == 4 ? _mm512_xor_si512(loaded, _mm512_set1_epi8(-128)) : loaded;
}

VNNI_INLINE __m512i dot(__m512i sum, __m512i x, __m512i y, int group) {
  return group == 4 ? _mm512_dpbusd_epi32(sum, y, x) : _mm512_dpwssd_epi32(sum, x, y);
}

/* The sums of a micro-tile. */
VNNI_INLINE void multiply_blocks(const muon_gemm_micro_tile *tile, int group, int head,
                                 __m512 sums[ROWS][2]) {
  const int32_t *x = tile->a, *y = tile->b;
  for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK) {
    const float *x_scale = (const float *)x;
    const __m512 y_scale0 = _mm512_loadu_ps(y), y_scale1 = _mm512_loadu_ps(y + 16);
    const int32_t *x_sum = x + LANES;
    x += head * LANES, y += head * LANES;
    __m512i c[ROWS][2];
    for (int i = 0; i < ROWS; i++)
      c[i][0] = c[i][1] = _mm512_set1_epi32(group == 4 ? x_sum[i] : 0);
    for (ptrdiff_t g = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / group; g > 0; g--) {
      const __m512i y0 = words_at(y, group), y1 = words_at(y + 16, group);
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m512i xi = _mm512_set1_epi32(x[i]);
        c[i][0] = dot(c[i][0], xi, y0, group);
        c[i][1] = dot(c[i][1], xi, y1, group);
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
}

#endif
