/* 8-bit integers in block floating point with AVX512-VNNI: vpdpbusd multiplies four at a time and
 * adds them to a 32-bit sum, twice as fast as 16-bit ones.
 *
 * It multiplies unsigned by signed. So 128 is added to the integers of B, and sums begin with -128
 * times the sum of the lane of A. They stay exact: at most 128 products of at most 255 * 127, and
 * what is taken off, are less than 2^31. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512_VNNI))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#include "epilogue.h"
#include "vnni512.h"

enum { GROUP = 4, LEVELS = 127, HEAD = 2 };

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *out = panel.right;
  for (ptrdiff_t k = 0; k < depth; k += BLOCK, out += (HEAD + BLOCK / GROUP) * LANES) {
    pack_block(source + k * depth_stride, lane_stride, depth_stride, lanes,
               depth - k < BLOCK ? depth - k : BLOCK, GROUP, LEVELS, HEAD, out);
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  __m512 sums[ROWS][2];
  multiply_blocks(tile, GROUP, HEAD, sums);
  gemm_finish(&sums[0][0], ROWS, 2, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_avx512vnni8 = {
    .name = "AVX512-VNNI int8",
    .level = "avx512vnni",
    .probe = has_avx512vnni,
    .element = MUON_ELEMENT_INT8,
    .speed = 128,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = GROUP,
    .digits = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 1024,
    .tile_rows = 128,
    .tile_columns = 256,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
