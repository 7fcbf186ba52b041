/* What every micro-kernel does with memory; included by each, so that it is compiled for its instructions. */
#ifndef GEMM_STORE_H
#define GEMM_STORE_H

#include <string.h>

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

/* Packs the depths from k on, one element at a time: of panels that are not full, and what is left where
 * blocks are packed. */
static inline __attribute__((always_inline)) void gemm_pack_rest(const float *source,
                                                                 ptrdiff_t lane_stride,
                                                                 ptrdiff_t depth_stride, int lanes,
                                                                 int full_lanes, ptrdiff_t k,
                                                                 ptrdiff_t depth, float *out) {
  for (; k < depth; k++) {
    for (int i = 0; i < full_lanes; i++)
      out[k * full_lanes + i] = i < lanes ? source[i * lane_stride + k * depth_stride] : 0;
  }
}

#endif
