/* The last part of every micro-kernel, which defines `gemm_vector`, its register, before it includes this. */
#ifndef STORE_VECTORS_H
#define STORE_VECTORS_H

#include "gemm_store.h"

/* As in memory: aligned to a float. */
typedef gemm_vector gemm_memory __attribute__((aligned(sizeof(float)), may_alias));

enum { GEMM_VECTOR_FLOATS = sizeof(gemm_vector) / sizeof(float) };

/* A whole micro-tile, from registers. */
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

/* Stores the first `rows` and `columns` of a micro-tile; c has the `vectors` parts of each row, row
 * after row. */
static inline __attribute__((always_inline)) void store_tile(const gemm_vector *c, int full_rows,
                                                             int vectors, int rows, int columns,
                                                             const muon_gemm_store *store) {
  const int lanes = vectors * GEMM_VECTOR_FLOATS;
  if (rows == full_rows && columns == lanes) {
    store_vectors(c, full_rows, vectors, store);
    return;
  }
  float tile[full_rows * lanes];
  memcpy(tile, c, sizeof tile);
  gemm_store(tile, lanes, rows, columns, store);
}

#endif
