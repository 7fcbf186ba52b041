/* The last part of every micro-kernel; included by each, so that it is compiled for its instructions. */
#ifndef GEMM_STORE_H
#define GEMM_STORE_H

#include "muon_kernels.h"

/* Asks for what the store will need, while the products are made: a tile's rows are far apart. `lines` is
 * how many cache lines each of them spans. */
static inline __attribute__((always_inline)) void gemm_prefetch(int rows, int lines,
                                                                const muon_gemm_store *store) {
  for (int i = 0; i < rows; i++) {
    const ptrdiff_t at = i * store->stride;
    for (int line = 0; line < lines; line++) {
      __builtin_prefetch(store->c + at + 16 * line, 1);
      if (store->beta != 0 && store->d != store->c) __builtin_prefetch(store->d + at + 16 * line);
      if (store->gamma != 0 && store->e != store->c) __builtin_prefetch(store->e + at + 16 * line);
    }
  }
}

/* Stores the first rows and columns of a tile that is `lanes` wide. */
static inline __attribute__((always_inline)) void gemm_store(const float *tile, int lanes, int rows,
                                                             int columns,
                                                             const muon_gemm_store *store) {
  const float alpha = store->alpha, beta = store->beta, gamma = store->gamma;
  for (int i = 0; i < rows; i++) {
    const float *t = tile + i * lanes;
    float *c = store->c + i * store->stride;
    const float *d = store->d + i * store->stride, *e = store->e + i * store->stride;
    if (gamma != 0 && beta != 0) {
      for (int j = 0; j < columns; j++) c[j] = alpha * t[j] + beta * d[j] + gamma * e[j];
    } else if (gamma != 0) {
      for (int j = 0; j < columns; j++) c[j] = alpha * t[j] + gamma * e[j];
    } else if (beta != 0) {
      for (int j = 0; j < columns; j++) c[j] = alpha * t[j] + beta * d[j];
    } else {
      for (int j = 0; j < columns; j++) c[j] = alpha * t[j];
    }
  }
}

/* The same, with the common case told to the compiler. */
static inline __attribute__((always_inline)) void gemm_store_tile(const float *tile, int lanes,
                                                                  int full_rows, int rows,
                                                                  int columns,
                                                                  const muon_gemm_store *store) {
  if (rows == full_rows && columns == lanes)
    gemm_store(tile, lanes, full_rows, lanes, store);
  else
    gemm_store(tile, lanes, rows, columns, store);
}

#endif
