/* 8-bit integers in block floating point with AVX-VNNI: vpdpbusd as in avx512vnni8.c, on 256 bits. */
#if defined(__x86_64__)
#include "vnni256.h"

#pragma clang attribute push(__attribute__((target(VNNI256))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

enum { GROUP = 4, LEVELS = 127, HEAD = 2 };

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_blocks(source, lane_stride, depth_stride, lanes, depth, GROUP, LEVELS, HEAD, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  __m256 sums[ROWS][VECTORS];
  multiply_blocks(tile, GROUP, HEAD, sums);
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

/* Panels of both operands stay in a second-level cache of 512 KiB. */
const muon_gemm_kernel muon_gemm_avxvnni8 = {
    .name = "AVX-VNNI int8",
    .level = "avxvnni",
    .probe = PROBE,
    .element = MUON_ELEMENT_INT8,
    .speed = 64,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = GROUP,
    .digits = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 1440,
    .tile_rows = 120,
    .tile_columns = 240,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
