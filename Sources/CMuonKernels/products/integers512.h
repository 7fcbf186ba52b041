/* Block floating point with AVX-512, 16 lanes at a time: scales, and integers.
 *
 * All is rounded to nearest in whatever mode the host has set: in another one, integers could be one
 * too large for sums to be exact. */
#ifndef INTEGERS512_H
#define INTEGERS512_H

#include <immintrin.h>

#include "block_floating.h"
#include "lanes512.h"

#define INTEGERS_INLINE static inline __attribute__((always_inline))

/* The scales of 16 lanes, and what numbers are multiplied by to become integers. */
typedef struct scales {
  __m512 scale, inverse;
} scales;

INTEGERS_INLINE scales scales_of(__m512 largest, int levels) {
  largest = _mm512_max_ps(largest, _mm512_set1_ps(LEAST_LARGEST));
  const __m512 all = _mm512_set1_ps((float)levels);
  return (scales){_mm512_div_ps(largest, all), _mm512_div_ps(all, largest)};
}

INTEGERS_INLINE __m512i to_integers(__m512 x, __m512 inverse) {
  return _mm512_cvt_roundps_epi32(_mm512_mul_ps(x, inverse),
                                  _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* The largest magnitudes of `lanes` lanes, whose depths lie side by side. */
INTEGERS_INLINE __m512 largest_by_lane(const float *source, ptrdiff_t lane_stride, int lanes,
                                       ptrdiff_t depth) {
  __m512i parts[16];
  for (int i = 0; i < 16; i++) {
    __m512 most = _mm512_setzero_ps();
    for (ptrdiff_t k = 0; i < lanes && k < depth; k += 16) {
      const float *x = source + i * lane_stride + k;
      most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_maskz_loadu_ps(first_lanes(depth - k), x)));
    }
    parts[i] = _mm512_castps_si512(most);
  }
  transpose16(parts);
  __m512 largest = _mm512_setzero_ps();
  for (int i = 0; i < 16; i++) largest = _mm512_max_ps(largest, _mm512_castsi512_ps(parts[i]));
  return largest;
}

/* The same where lanes lie side by side. Several depths at a time, none of which waits for another. */
INTEGERS_INLINE __m512 largest_by_depth(const float *source, ptrdiff_t depth_stride, int lanes,
                                        ptrdiff_t depth) {
  enum { AT_ONCE = 4 };
  const __mmask16 there = first_lanes(lanes);
  __m512 largest[AT_ONCE];
  for (int i = 0; i < AT_ONCE; i++) largest[i] = _mm512_setzero_ps();
  ptrdiff_t k = 0;
  for (; k + AT_ONCE <= depth; k += AT_ONCE) {
    for (int i = 0; i < AT_ONCE; i++) {
      const __m512 x = _mm512_maskz_loadu_ps(there, source + (k + i) * depth_stride);
      largest[i] = _mm512_max_ps(largest[i], _mm512_abs_ps(x));
    }
  }
  for (; k < depth; k++) {
    const __m512 x = _mm512_maskz_loadu_ps(there, source + k * depth_stride);
    largest[0] = _mm512_max_ps(largest[0], _mm512_abs_ps(x));
  }
  for (int i = 1; i < AT_ONCE; i++) largest[0] = _mm512_max_ps(largest[0], largest[i]);
  return largest[0];
}

#endif
