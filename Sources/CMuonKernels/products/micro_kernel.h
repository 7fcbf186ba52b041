/* What every micro-kernel may need beside its epilogue. */
#ifndef MICRO_KERNEL_H
#define MICRO_KERNEL_H

#include "../instructions.h"
#include "muon_kernels.h"

/* `enter` and `leave` of a kernel that needs no state. */
static inline void nothing(void *state) { (void)state; }

/* Packs the depths from k on, one element at a time: of panels that are not full, and what is left
 * where blocks are packed. */
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
