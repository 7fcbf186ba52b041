/* The last part of every micro-kernel: what becomes of a micro-tile of sums. A kernel defines
 * `gemm_vector`, its register, before it includes this, so that this is compiled for its
 * instructions. */
#ifndef EPILOGUE_H
#define EPILOGUE_H

#include <string.h>

#include "muon_kernels.h"

#define EPILOGUE_INLINE static inline __attribute__((always_inline))

/* As in memory: aligned to a float. */
typedef gemm_vector gemm_memory __attribute__((aligned(sizeof(float)), may_alias));

enum { GEMM_VECTOR_FLOATS = sizeof(gemm_vector) / sizeof(float) };

/* Asks for what the epilogue will need, while the products are made: a tile's rows are far apart.
 * `lines` is how many cache lines each of them spans. */
EPILOGUE_INLINE void gemm_prefetch(int rows, int lines, const muon_gemm_epilogue *epilogue) {
  for (int o = 0; o < epilogue->count; o++) {
    const muon_gemm_output *output = &epilogue->outputs[o];
    const muon_gemm_term one = output->terms[0], two = output->terms[1];
    for (int i = 0; i < rows; i++) {
      const ptrdiff_t at = i * output->stride;
      for (int line = 0; line < lines; line++) {
        __builtin_prefetch(output->c + at + 16 * line, 1);
        if (one.factor != 0 && one.matrix != output->c)
          __builtin_prefetch(one.matrix + at + 16 * line);
        if (two.factor != 0 && two.matrix != output->c)
          __builtin_prefetch(two.matrix + at + 16 * line);
      }
    }
  }
}

/* A whole micro-tile, from registers. */
EPILOGUE_INLINE void gemm_store_whole(const gemm_vector *sums, int rows, int vectors,
                                      const muon_gemm_output *output) {
  const gemm_vector zero = {0};
  const muon_gemm_term one = output->terms[0], two = output->terms[1];
  const gemm_vector alpha = zero + output->alpha;
  const gemm_vector beta = zero + one.factor, gamma = zero + two.factor;
  const int has_one = one.factor != 0, has_two = two.factor != 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const ptrdiff_t at = i * output->stride + v * GEMM_VECTOR_FLOATS;
      gemm_vector x = alpha * sums[i * vectors + v];
      if (has_one) x = beta * *(const gemm_memory *)(one.matrix + at) + x;
      if (has_two) x = gamma * *(const gemm_memory *)(two.matrix + at) + x;
      *(gemm_memory *)(output->c + at) = x;
    }
  }
}

/* A part of a micro-tile that is `lanes` wide. */
EPILOGUE_INLINE void gemm_store_part(const float *tile, int lanes, int rows, int columns,
                                     const muon_gemm_output *output) {
  const float alpha = output->alpha;
  const float beta = output->terms[0].factor, gamma = output->terms[1].factor;
  for (int i = 0; i < rows; i++) {
    const ptrdiff_t at = i * output->stride;
    const float *t = tile + i * lanes;
    float *c = output->c + at;
    const float *d = output->terms[0].matrix + at, *e = output->terms[1].matrix + at;
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

/* Hands the first `rows` and `columns` of a micro-tile to the epilogue; `sums` has the `vectors`
 * parts of each row, row after row. */
EPILOGUE_INLINE void gemm_finish(const gemm_vector *sums, int full_rows, int vectors, int rows,
                                 int columns, const muon_gemm_epilogue *epilogue) {
  const int lanes = vectors * GEMM_VECTOR_FLOATS;
  if (rows == full_rows && columns == lanes) {
    for (int o = 0; o < epilogue->count; o++)
      gemm_store_whole(sums, full_rows, vectors, &epilogue->outputs[o]);
    return;
  }
  float tile[full_rows * lanes];
  memcpy(tile, sums, sizeof tile);
  for (int o = 0; o < epilogue->count; o++)
    gemm_store_part(tile, lanes, rows, columns, &epilogue->outputs[o]);
}

#endif
