/* For any processor, with 4-wide vectors. */
#include "micro_kernel.h"

typedef float gemm_vector __attribute__((ext_vector_type(4)));
enum { LANES = 8, VECTORS = LANES / 4, ROWS = 4 };
#include "float32_sums.h"

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  gemm_pack_rest(source, lane_stride, depth_stride, lanes, LANES, 0, depth, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_vector sums[ROWS][VECTORS];
  gemm_sum(tile, sums);
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

const muon_gemm_kernel muon_gemm_portable = {
    .name = "portable f32",
    .level = "baseline",
    .probe = has_any_processor,
    .element = MUON_ELEMENT_F32,
    .speed = 4,
    .lanes = LANES,
    .rows = ROWS,
    .group = 1,
    .fill = 1,
    .digits = 1,
    .block = LANES,
    .head = 0,
    .depth = 256,
    .tile_rows = 128,
    .tile_columns = 256,
    .acquire = has_any_processor,
    .enter = nothing,
    .leave = nothing,
    .pack = pack,
    .multiply = multiply,
};
