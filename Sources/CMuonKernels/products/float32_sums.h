/* The inner loop of kernels of float32. One defines `gemm_vector`, ROWS and VECTORS before it includes
 * this; KEEP_IN_REGISTERS, for a row of sums, where the compiler has to be told. */
#ifndef FLOAT32_SUMS_H
#define FLOAT32_SUMS_H

#include "epilogue.h"

/* So many products at most are added up one after the other; then this sum is added to the others. The error of
 * a sum grows with its length, and where all terms are alike all of their errors go one way. The rows take
 * turns, so that the processor multiplies meanwhile. */
enum { RUN = 24, TURN = RUN / ROWS };

#ifndef KEEP_IN_REGISTERS
#define KEEP_IN_REGISTERS(sums)
#endif

/* The sums of a micro-tile. */
EPILOGUE_INLINE void gemm_sum(const muon_gemm_micro_tile *tile, gemm_vector sums[ROWS][VECTORS]) {
  const float *x = tile->a, *y = tile->b;
  gemm_vector run[ROWS][VECTORS] = {{{0}}};
  memset(sums, 0, sizeof run);
  for (ptrdiff_t left = tile->depth; left > 0;) {
#pragma clang loop unroll(full)
    for (int turn = 0; turn < ROWS; turn++) {
      const ptrdiff_t depths = left < TURN ? left : TURN;
      left -= depths;
      for (ptrdiff_t k = 0; k < depths; k++) {
        gemm_vector lanes[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) lanes[v] = gemm_at(y + v * GEMM_VECTOR_FLOATS);
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) {
#pragma clang loop unroll(full)
          for (int v = 0; v < VECTORS; v++) run[i][v] += x[i] * lanes[v];
          KEEP_IN_REGISTERS(run[i]);
        }
        x += VECTORS * GEMM_VECTOR_FLOATS;
        y += VECTORS * GEMM_VECTOR_FLOATS;
      }
#pragma clang loop unroll(full)
      for (int v = 0; v < VECTORS; v++) {
        sums[turn][v] += run[turn][v];
        run[turn][v] = (gemm_vector){0};
      }
      /* Registers are for the runs. */
      __asm__("" : "+m"(*(gemm_vector (*)[ROWS][VECTORS])sums));
    }
  }
  for (int i = 0; i < ROWS; i++) {
    for (int v = 0; v < VECTORS; v++) sums[i][v] += run[i][v];
  }
}

#endif
