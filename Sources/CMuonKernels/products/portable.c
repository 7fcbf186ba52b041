/* For any processor, with 4-wide vectors. */
#include <string.h>

#include "micro_kernel.h"

typedef float gemm_vector __attribute__((ext_vector_type(4)));
#include "epilogue.h"

enum { LANES = 8, ROWS = 4 };

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  gemm_pack_rest(source, lane_stride, depth_stride, lanes, LANES, 0, depth, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  const float *x = tile->a, *y = tile->b;
  gemm_vector sums[ROWS][2] = {{0}};
  for (ptrdiff_t k = 0; k < tile->depth; k++, x += LANES, y += LANES) {
    gemm_vector y0, y1;
    memcpy(&y0, y, sizeof y0);
    memcpy(&y1, y + 4, sizeof y1);
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      sums[i][0] += x[i] * y0;
      sums[i][1] += x[i] * y1;
    }
  }
  gemm_finish(&sums[0][0], ROWS, 2, tile->rows, tile->columns, tile->epilogue);
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
