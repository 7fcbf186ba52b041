/* float32 with AVX2 and FMA. */
#if defined(__x86_64__)
#include "floats256.h"

#pragma clang attribute push(__attribute__((target(AVX2))), apply_to = function)

typedef __m256 gemm_vector;
#define KEEP_IN_REGISTERS(sums) __asm__("" : "+x"((sums)[0]), "+x"((sums)[1]), "+x"((sums)[2]))
#include "float32_sums.h"

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_floats(source, lane_stride, depth_stride, lanes, depth, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  __m256 sums[ROWS][VECTORS];
  gemm_sum(tile, sums);
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

/* Panels of both operands stay in a second-level cache of 512 KiB. */
const muon_gemm_kernel muon_gemm_avx2 = {
    .name = "AVX2 f32",
    .level = "avx2",
    .probe = has_avx2,
    .element = MUON_ELEMENT_F32,
    .speed = 16,
    .lanes = LANES,
    .rows = ROWS,
    .group = 1,
    .fill = 1,
    .digits = 1,
    .block = LANES,
    .head = 0,
    .depth = 384,
    .tile_rows = 120,
    .tile_columns = 240,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
#endif
