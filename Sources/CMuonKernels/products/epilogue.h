/* The last part of every micro-kernel: what becomes of a micro-tile of sums. A kernel defines
 * `gemm_vector`, its register, before it includes this, so that this is compiled for its
 * instructions. */
#ifndef EPILOGUE_H
#define EPILOGUE_H

#include <string.h>

#include "muon_kernels.h"

/* How many of a micro-tile's rows the compiler lays out one after the other: all, which registers want. */
#ifndef EPILOGUE_UNROLL
#define EPILOGUE_UNROLL unroll(full)
#endif

#define EPILOGUE_INLINE static inline __attribute__((always_inline))

/* As in memory: aligned to a float. */
typedef gemm_vector gemm_memory __attribute__((aligned(sizeof(float)), may_alias));

enum { GEMM_VECTOR_FLOATS = sizeof(gemm_vector) / sizeof(float) };

EPILOGUE_INLINE int gemm_reads(const muon_gemm_term *term) {
  return term->factor != 0 || term->rows || term->columns;
}

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
        if (gemm_reads(&one) && one.matrix != output->c)
          __builtin_prefetch(one.matrix + at + 16 * line);
        if (gemm_reads(&two) && two.matrix != output->c)
          __builtin_prefetch(two.matrix + at + 16 * line);
      }
    }
  }
}

EPILOGUE_INLINE gemm_vector gemm_at(const float *floats) {
  return *(const gemm_memory *)floats;
}

/* What a term's matrix is multiplied by in a row, from a column on. */
EPILOGUE_INLINE gemm_vector gemm_factor(const muon_gemm_term *term, float alpha, int row,
                                        int column) {
  gemm_vector sum = {0};
  if (term->rows) sum += term->rows[row];
  if (term->columns) sum += gemm_at(term->columns + column);
  return alpha * sum + term->factor;
}

/* A whole micro-tile, from registers. */
EPILOGUE_INLINE void gemm_store_whole(const gemm_vector *sums, int rows, int vectors,
                                      const muon_gemm_output *output) {
  const gemm_vector zero = {0};
  const muon_gemm_term one = output->terms[0], two = output->terms[1];
  const gemm_vector alpha = zero + output->alpha;
  const int has_one = gemm_reads(&one), has_two = gemm_reads(&two);
#pragma clang loop EPILOGUE_UNROLL
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const int column = v * GEMM_VECTOR_FLOATS;
      const ptrdiff_t at = i * output->stride + column;
      gemm_vector x = alpha * sums[i * vectors + v];
      if (has_one) x += gemm_factor(&one, output->alpha, i, column) * gemm_at(one.matrix + at);
      if (has_two) x += gemm_factor(&two, output->alpha, i, column) * gemm_at(two.matrix + at);
      *(gemm_memory *)(output->c + at) = x;
    }
  }
}

/* A part of a micro-tile that is `lanes` wide. Files that are compiled for AVX-512 say so: it loads and
 * stores the part of a vector that is there. */
#ifdef EPILOGUE_AVX512
#include "lanes512.h"

EPILOGUE_INLINE void gemm_store_part(const float *tile, int lanes, int rows, int columns,
                                     const muon_gemm_output *output) {
  const muon_gemm_term *terms = output->terms;
  const int reads[2] = {gemm_reads(&terms[0]), gemm_reads(&terms[1])};
  for (int j = 0; j < columns; j += GEMM_VECTOR_FLOATS) {
    const __mmask16 there = first_lanes(columns - j);
    for (int i = 0; i < rows; i++) {
      const ptrdiff_t at = i * output->stride + j;
      gemm_vector x = output->alpha * gemm_at(tile + i * lanes + j);
      for (int t = 0; t < 2; t++) {
        if (!reads[t]) continue;
        gemm_vector sum = {0};
        if (terms[t].rows) sum += terms[t].rows[i];
        if (terms[t].columns) sum += _mm512_maskz_loadu_ps(there, terms[t].columns + j);
        const gemm_vector factor = output->alpha * sum + terms[t].factor;
        x += factor * _mm512_maskz_loadu_ps(there, terms[t].matrix + at);
      }
      _mm512_mask_storeu_ps(output->c + at, there, x);
    }
  }
}
#else
EPILOGUE_INLINE void gemm_store_part(const float *tile, int lanes, int rows, int columns,
                                     const muon_gemm_output *output) {
  const float alpha = output->alpha;
  for (int i = 0; i < rows; i++) {
    const ptrdiff_t at = i * output->stride;
    float *c = output->c + at;
    float row[lanes];
    for (int j = 0; j < columns; j++) row[j] = alpha * tile[i * lanes + j];
    for (int t = 0; t < 2; t++) {
      const muon_gemm_term *term = &output->terms[t];
      if (!gemm_reads(term)) continue;
      const float *d = term->matrix + at, of_row = term->rows ? term->rows[i] : 0;
      const float same = alpha * of_row + term->factor;
      if (term->columns) {
        for (int j = 0; j < columns; j++)
          row[j] += (alpha * (of_row + term->columns[j]) + term->factor) * d[j];
      } else {
        for (int j = 0; j < columns; j++) row[j] += same * d[j];
      }
    }
    for (int j = 0; j < columns; j++) c[j] = row[j];
  }
}
#endif

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
