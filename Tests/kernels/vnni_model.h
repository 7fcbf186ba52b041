/* What the instructions of AVX-VNNI do, with those of AVX2, as Intel's manual gives it (Software Developer's
 * Manual, volume 2). Where tests are compiled with MUON_TEST_ON_AVX2, the kernels call these. */
#ifndef VNNI_MODEL_H
#define VNNI_MODEL_H

#include <immintrin.h>

#define VNNI_MODEL static inline __attribute__((always_inline, target("avx2")))

/* vpdpwssd: pairs of signed 16-bit integers. */
VNNI_MODEL __m256i vnni_dot_int16(__m256i sum, __m256i x, __m256i y) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}

/* vpdpbusd: four 8-bit integers, those of x unsigned, those of y signed. */
VNNI_MODEL __m256i vnni_dot_int8(__m256i sum, __m256i x, __m256i y) {
  const __m256i even_x = _mm256_and_si256(x, _mm256_set1_epi16(0xFF)), odd_x = _mm256_srli_epi16(x, 8);
  const __m256i even_y = _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8), odd_y = _mm256_srai_epi16(y, 8);
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even_x, even_y));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(odd_x, odd_y));
}

#endif
