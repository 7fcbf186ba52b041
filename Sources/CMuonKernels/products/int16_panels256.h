/* Panels of 16-bit integers with 256 bits, which kernels of AVX2 and of AVX-VNNI share. */
#ifndef INT16_PANELS256_H
#define INT16_PANELS256_H

#include "integers256.h"

enum { GROUP = 2, LEVELS = 4095, HEAD = 1 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

static __attribute__((target(AVX2))) void pack(const float *source, ptrdiff_t lane_stride,
                                               ptrdiff_t depth_stride, int lanes, ptrdiff_t depth,
                                               muon_gemm_panel panel) {
  pack_blocks(source, lane_stride, depth_stride, lanes, depth, GROUP, LEVELS, HEAD, panel.right);
}

#endif
