/* Block floating point with 256 bits, for kernels of AVX-VNNI: packing and products of 16-bit integers, two to a
 * word, or of 8-bit ones, four to a word. A block begins with the scales of all lanes; of 8-bit integers
 * -128 times the sum of each lane follows; then come the words as in every panel. */
#ifndef VNNI256_H
#define VNNI256_H

#include <immintrin.h>

#include "block_floating.h"
#include "micro_kernel.h"

/* Tests compile the kernels with the instructions of AVX512-VNNI on 256 bits, which do the same. */
#ifdef MUON_TEST_ON_AVX512
#define VNNI256 AVX512_VNNI
#define DOT_INT16 _mm256_dpwssd_epi32
#define DOT_INT8 _mm256_dpbusd_epi32
#define PROBE has_avx512vnni
#else
#define VNNI256 AVX_VNNI
#define DOT_INT16 _mm256_dpwssd_avx_epi32
#define DOT_INT8 _mm256_dpbusd_avx_epi32
#define PROBE has_avxvnni
#endif

#define VNNI256_INLINE static inline __attribute__((always_inline, target(VNNI256)))

/* Twelve sums, three vectors of B and one of A: all sixteen registers. Blocks are of 120 depths, a
 * multiple of the lanes. */
enum { LANES = 24, VECTORS = LANES / 8, ROWS = 4, BLOCK = 120 };

VNNI256_INLINE __m256 largest_of(__m256 most, const float *x) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  return _mm256_max_ps(most, _mm256_and_ps(magnitude, _mm256_loadu_ps(x)));
}

/* The nearest integers, in whatever rounding mode: in another one they could be one too large. */
VNNI256_INLINE __m256i to_integers(const float *x, __m256 inverse) {
  const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
  return _mm256_cvtps_epi32(
      _mm256_round_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* The integers of `depth` depths from x on, up to a word of them. */
VNNI256_INLINE __m256i word_of(const float *x, ptrdiff_t stride, ptrdiff_t depth, __m256 inverse,
                               int group) {
  const int bits = 32 / group;
  __m256i word = _mm256_setzero_si256();
  for (int g = 0; g < group && g < depth; g++) {
    /* Into the highest bits, and down to their place, which leaves the others 0. */
    const __m256i top = _mm256_slli_epi32(to_integers(x + g * stride, inverse), 32 - bits);
    word = _mm256_or_si256(word, _mm256_srli_epi32(top, 32 - bits - g * bits));
  }
  return word;
}

/* A block whose lanes lie side by side, all of them. */
VNNI256_INLINE void pack_block(const float *source, ptrdiff_t stride, ptrdiff_t depth, int group,
                               int levels, int head, uint32_t *out) {
  for (int i = 0; i < LANES; i += 8) {
    __m256 largest = _mm256_set1_ps(LEAST_LARGEST);
    for (ptrdiff_t k = 0; k < depth; k++) largest = largest_of(largest, source + k * stride + i);
    const __m256 all = _mm256_set1_ps((float)levels);
    _mm256_storeu_ps((float *)out + i, _mm256_div_ps(largest, all));
    const __m256 inverse = _mm256_div_ps(all, largest);
    __m256i sums = _mm256_setzero_si256();
    for (ptrdiff_t k = 0; k < depth; k += group) {
      const __m256i word = word_of(source + k * stride + i, stride, depth - k, inverse, group);
      _mm256_storeu_si256((__m256i *)(out + (head + k / group) * LANES + i), word);
      if (group == 4) sums = DOT_INT8(sums, _mm256_set1_epi8(1), word);
    }
    if (group == 4) {
      sums = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(sums, 7));
      _mm256_storeu_si256((__m256i *)(out + LANES + i), sums);
    }
  }
}

VNNI256_INLINE void pack_blocks(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                                int lanes, ptrdiff_t depth, int group, int levels, int head,
                                uint32_t *out) {
  for (ptrdiff_t k = 0; k < depth; k += BLOCK, out += (head + BLOCK / group) * LANES) {
    const ptrdiff_t count = depth - k < BLOCK ? depth - k : BLOCK;
    const float *first = source + k * depth_stride;
    if (lanes == LANES && lane_stride == 1) {
      pack_block(first, depth_stride, count, group, levels, head, out);
      continue;
    }
    float aside[BLOCK * LANES];
    gemm_pack_rest(first, lane_stride, depth_stride, lanes, LANES, 0, count, aside);
    pack_block(aside, LANES, count, group, levels, head, out);
  }
}

/* The instruction for bytes takes one side unsigned: 128 is added to each, as its highest bit turned. */
VNNI256_INLINE __m256i words_at(const int32_t *words, int group) {
  const __m256i loaded = _mm256_loadu_si256((const __m256i *)words);
  return group == 4 ? _mm256_xor_si256(loaded, _mm256_set1_epi8(-128)) : loaded;
}

VNNI256_INLINE __m256i dot(__m256i sum, __m256i x, __m256i y, int group) {
  return group == 4 ? DOT_INT8(sum, y, x) : DOT_INT16(sum, x, y);
}

/* Adds sums of integers, times the scales of their block, to a row. */
VNNI256_INLINE void add_scaled(__m256 sums[VECTORS], const __m256i c[VECTORS], const float *y_scale,
                               const float *x_scale) {
  for (int v = 0; v < VECTORS; v++) {
    sums[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(c[v]) * _mm256_loadu_ps(y_scale + 8 * v),
                              _mm256_broadcast_ss(x_scale), sums[v]);
  }
}

/* The sums of a micro-tile. */
VNNI256_INLINE void multiply_blocks(const muon_gemm_micro_tile *tile, int group, int head,
                                    __m256 sums[ROWS][VECTORS]) {
  const int32_t *x = tile->a, *y = tile->b;
  for (int i = 0; i < ROWS; i++) {
    for (int v = 0; v < VECTORS; v++) sums[i][v] = _mm256_setzero_ps();
  }
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK) {
    const float *x_scale = (const float *)x, *y_scale = (const float *)y;
    const int32_t *x_sum = x + LANES;
    x += head * LANES, y += head * LANES;
    __m256i c[ROWS][VECTORS];
    for (int i = 0; i < ROWS; i++) {
      for (int v = 0; v < VECTORS; v++) c[i][v] = _mm256_set1_epi32(group == 4 ? x_sum[i] : 0);
    }
    for (ptrdiff_t g = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / group; g > 0; g--) {
      const __m256i y0 = words_at(y, group), y1 = words_at(y + 8, group);
      const __m256i y2 = words_at(y + 16, group);
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m256i xi = _mm256_set1_epi32(x[i]);
        c[i][0] = dot(c[i][0], xi, y0, group);
        c[i][1] = dot(c[i][1], xi, y1, group);
        c[i][2] = dot(c[i][2], xi, y2, group);
        /* Keeps the compiler from moving sums between registers. */
        __asm__("" : "+x"(c[i][0]), "+x"(c[i][1]), "+x"(c[i][2]));
      }
      x += LANES, y += LANES;
    }
    for (int i = 0; i < ROWS; i++) add_scaled(sums[i], c[i], y_scale, x_scale + i);
  }
}

#endif
