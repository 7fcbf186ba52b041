/* Panels of float32 with 256 bits. */
#ifndef FLOATS256_H
#define FLOATS256_H

#include <immintrin.h>

#include "micro_kernel.h"

#define FLOATS256_INLINE static inline __attribute__((always_inline, target(AVX2)))

/* A micro-tile has twelve sums: with three vectors of B and one of A they are all sixteen registers. */
enum { LANES = 24, VECTORS = LANES / 8, ROWS = 4 };

/* Columns of an 8x8 block become rows. */
FLOATS256_INLINE void transpose8(__m256 r[8]) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  for (int i = 0; i < 8; i++) r[i] = t[i];
}

/* Depth after depth of all lanes. */
FLOATS256_INLINE void pack_floats(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride,
                                  int lanes, ptrdiff_t depth, float *out) {
  ptrdiff_t k = 0;
  if (lanes == LANES && lane_stride == 1) {
    for (; k < depth; k++) {
      const float *s = source + k * depth_stride;
      for (int i = 0; i < LANES; i += 8)
        _mm256_storeu_ps(out + k * LANES + i, _mm256_loadu_ps(s + i));
    }
  } else if (lanes == LANES && depth_stride == 1) {
    for (; k + 8 <= depth; k += 8) {
      for (int part = 0; part < LANES; part += 8) {
        __m256 r[8];
        for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(source + (part + i) * lane_stride + k);
        transpose8(r);
        for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + (k + i) * LANES + part, r[i]);
      }
    }
  }
  gemm_pack_rest(source, lane_stride, depth_stride, lanes, LANES, k, depth, out);
}

#endif
