/* Stores a whole micro-tile from registers. For files compiled with AVX-512. */
#ifndef STORE512_H
#define STORE512_H

#include <immintrin.h>

#include "muon_kernels.h"

/* c0 and c1 are the two halves of each row. */
static inline __attribute__((always_inline)) void store512(const __m512 *c0, const __m512 *c1,
                                                           int rows,
                                                           const muon_gemm_store *store) {
  const __m512 alpha = _mm512_set1_ps(store->alpha), beta = _mm512_set1_ps(store->beta),
               gamma = _mm512_set1_ps(store->gamma);
  const int has_d = store->beta != 0, has_e = store->gamma != 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    const ptrdiff_t at = i * store->stride;
    __m512 x = _mm512_mul_ps(alpha, c0[i]), y = _mm512_mul_ps(alpha, c1[i]);
    if (has_d) {
      x = _mm512_fmadd_ps(beta, _mm512_loadu_ps(store->d + at), x);
      y = _mm512_fmadd_ps(beta, _mm512_loadu_ps(store->d + at + 16), y);
    }
    if (has_e) {
      x = _mm512_fmadd_ps(gamma, _mm512_loadu_ps(store->e + at), x);
      y = _mm512_fmadd_ps(gamma, _mm512_loadu_ps(store->e + at + 16), y);
    }
    _mm512_storeu_ps(store->c + at, x);
    _mm512_storeu_ps(store->c + at + 16, y);
  }
}

#endif
