/* Stores a whole micro-tile from registers. Each micro-kernel that uses it defines `gemm_vector` first. */
#ifndef STORE_VECTORS_H
#define STORE_VECTORS_H

#include "muon_kernels.h"

/* As in memory: aligned to a float. */
typedef gemm_vector gemm_memory __attribute__((aligned(sizeof(float)), may_alias));

enum { GEMM_VECTOR_FLOATS = sizeof(gemm_vector) / sizeof(float) };

/* c has the `vectors` parts of each row, row after row. */
static inline __attribute__((always_inline)) void store_vectors(const gemm_vector *c, int rows,
                                                                int vectors,
                                                                const muon_gemm_store *store) {
  const gemm_vector zero = {0};
  const gemm_vector alpha = zero + store->alpha, beta = zero + store->beta,
                    gamma = zero + store->gamma;
  const int has_d = store->beta != 0, has_e = store->gamma != 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const ptrdiff_t at = i * store->stride + v * GEMM_VECTOR_FLOATS;
      gemm_vector x = alpha * c[i * vectors + v];
      if (has_d) x = beta * *(const gemm_memory *)(store->d + at) + x;
      if (has_e) x = gamma * *(const gemm_memory *)(store->e + at) + x;
      *(gemm_memory *)(store->c + at) = x;
    }
  }
}

#endif
