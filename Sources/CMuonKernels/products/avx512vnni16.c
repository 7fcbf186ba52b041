/* 16-bit integers in block floating point with AVX512-VNNI: vpdpwssd multiplies pairs and adds them
 * to a 32-bit sum.
 *
 * Sums over a block are exact: at most 128 products of at most 4095 * 4095 are 2,146,435,200, and
 * 2^31 is 2,147,483,648. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512_VNNI))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#include "epilogue.h"
#include "vnni512.h"

enum { GROUP = 2, LEVELS = 4095, HEAD = 1 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

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

const muon_gemm_kernel muon_gemm_avx512vnni16 = {
    .name = "AVX512-VNNI int16",
    .level = "avx512vnni",
    .probe = has_avx512vnni,
    .element = MUON_ELEMENT_INT16,
    .speed = 64,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = GROUP,
    .digits = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 512,
    .tile_rows = 128,
    .tile_columns = 256,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
