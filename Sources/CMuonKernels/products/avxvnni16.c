/* 16-bit integers in block floating point with AVX-VNNI: vpdpwssd as in avx512vnni16.c, on 256 bits.
 *
 * Sums over a block are exact: at most 120 products of at most 4095 * 4095 are less than 2^31. */
#if defined(__x86_64__)
#include "int16_panels256.h"
#include "vnni256.h"

#pragma clang attribute push(__attribute__((target(VNNI256))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  __m256 sums[ROWS][VECTORS];
  multiply_blocks(tile, GROUP, HEAD, sums);
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

/* Panels of both operands stay in a second-level cache of 512 KiB. */
const muon_gemm_kernel muon_gemm_avxvnni16 = {
    .name = "AVX-VNNI int16",
    .level = "avxvnni",
    .probe = PROBE,
    .element = MUON_ELEMENT_INT16,
    .speed = 32,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = GROUP,
    .digits = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 720,
    .tile_rows = 120,
    .tile_columns = 240,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
