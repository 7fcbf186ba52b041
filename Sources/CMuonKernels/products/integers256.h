/* Block floating point with 256 bits, of 16-bit integers, two to a word, or of 8-bit ones, four to a word: packing,
 * and what scales do to sums. A block begins with the scales of all lanes; of 8-bit integers -128 times the sum of
 * each lane follows; then come the words as in every panel. */
#ifndef INTEGERS256_H
#define INTEGERS256_H

#include "block_floating.h"
#include "floats256.h"

#define INTEGERS256_INLINE static inline __attribute__((always_inline, target(AVX2)))

/* A multiple of the lanes. */
enum { BLOCK = 120 };

/* The nearest integers, in whatever rounding mode: in another one they could be one too large. */
INTEGERS256_INLINE __m256i to_integers(const float *x, __m256 inverse) {
  const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
  return _mm256_cvtps_epi32(
      _mm256_round_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* The integers of `depth` depths from x on, up to a word of them. */
INTEGERS256_INLINE __m256i word_of(const float *x, ptrdiff_t depth, __m256 inverse, int group) {
  if (group == 2 && depth > 1) {
    const __m256i second = _mm256_slli_epi32(to_integers(x + LANES, inverse), 16);
    return _mm256_blend_epi16(to_integers(x, inverse), second, 0xAA);
  }
  const int bits = 32 / group;
  __m256i word = _mm256_setzero_si256();
  for (int g = 0; g < group && g < depth; g++) {
    /* Into the highest bits, and down to their place, which leaves the others 0. */
    const __m256i top = _mm256_slli_epi32(to_integers(x + g * LANES, inverse), 32 - bits);
    word = _mm256_or_si256(word, _mm256_srli_epi32(top, 32 - bits - g * bits));
  }
  return word;
}

/* The four 8-bit integers of each word, added. */
INTEGERS256_INLINE __m256i sums_of_bytes(__m256i words) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), words);
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* The largest magnitudes of 8 lanes. Two depths at a time, neither of which waits for the other. */
INTEGERS256_INLINE __m256 largest_of(const float *x, ptrdiff_t depth) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  __m256 largest[2] = {_mm256_set1_ps(LEAST_LARGEST), _mm256_set1_ps(LEAST_LARGEST)};
  for (ptrdiff_t k = 0; k < depth; k++)
    largest[k % 2] = _mm256_max_ps(largest[k % 2], _mm256_and_ps(magnitude, _mm256_loadu_ps(x + k * LANES)));
  return _mm256_max_ps(largest[0], largest[1]);
}

/* A block, depth after depth of all lanes. */
INTEGERS256_INLINE void pack_block(const float *block, ptrdiff_t depth, int group, int levels, int head,
                                   uint32_t *out) {
  for (int i = 0; i < LANES; i += 8) {
    const __m256 largest = largest_of(block + i, depth), all = _mm256_set1_ps((float)levels);
    _mm256_storeu_ps((float *)out + i, _mm256_div_ps(largest, all));
    const __m256 inverse = _mm256_div_ps(all, largest);
    __m256i sums = _mm256_setzero_si256();
    for (ptrdiff_t k = 0; k < depth; k += group) {
      const __m256i word = word_of(block + k * LANES + i, depth - k, inverse, group);
      _mm256_storeu_si256((__m256i *)(out + (head + k / group) * LANES + i), word);
      if (group == 4) sums = _mm256_add_epi32(sums, sums_of_bytes(word));
    }
    if (group == 4) {
      sums = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(sums, 7));
      _mm256_storeu_si256((__m256i *)(out + LANES + i), sums);
    }
  }
}

/* A block is read twice, so it is put together first, in the first-level cache. */
INTEGERS256_INLINE void pack_blocks(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                                    int lanes, ptrdiff_t depth, int group, int levels, int head,
                                    uint32_t *out) {
  for (ptrdiff_t k = 0; k < depth; k += BLOCK, out += (head + BLOCK / group) * LANES) {
    const ptrdiff_t count = depth - k < BLOCK ? depth - k : BLOCK;
    const float *first = source + k * depth_stride;
    float block[BLOCK * LANES];
    pack_floats(first, lane_stride, depth_stride, lanes, count, block);
    pack_block(block, count, group, levels, head, out);
  }
}

/* Adds sums of integers, times the scales of their block, to a row. */
INTEGERS256_INLINE void add_scaled(__m256 sums[VECTORS], const __m256i c[VECTORS], const float *y_scale,
                               const float *x_scale) {
  for (int v = 0; v < VECTORS; v++) {
    sums[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(c[v]) * _mm256_loadu_ps(y_scale + 8 * v),
                              _mm256_broadcast_ss(x_scale), sums[v]);
  }
}

#endif
