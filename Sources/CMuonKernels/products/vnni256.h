/* The products of kernels of AVX-VNNI, which multiplies and adds integers in one instruction: twelve sums, three
 * vectors of B and one of A are all sixteen registers. */
#ifndef VNNI256_H
#define VNNI256_H

#include "integers256.h"

/* Tests compile the kernels with the instructions of AVX512-VNNI on 256 bits, which do the same, or with
 * functions that do what they do. */
#if defined(MUON_TEST_ON_AVX2)
#include "vnni_model.h"
#define VNNI256 AVX2
#define DOT_INT16 vnni_dot_int16
#define DOT_INT8 vnni_dot_int8
#define PROBE has_avx2
#elif defined(MUON_TEST_ON_AVX512)
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

/* The instruction for bytes takes one side unsigned: 128 is added to each, as its highest bit turned. */
VNNI256_INLINE __m256i words_at(const int32_t *words, int group) {
  const __m256i loaded = _mm256_loadu_si256((const __m256i *)words);
  return group == 4 ? _mm256_xor_si256(loaded, _mm256_set1_epi8(-128)) : loaded;
}

VNNI256_INLINE __m256i dot(__m256i sum, __m256i x, __m256i y, int group) {
  return group == 4 ? DOT_INT8(sum, y, x) : DOT_INT16(sum, x, y);
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
