/* 8-bit integers in block floating point in tiles of AMX. Sums over a block are exact, and those of
 * avx512vnni8.c, bit for bit. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "amx.h"

#pragma clang attribute push(__attribute__((target(AMX))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
#define EPILOGUE_UNROLL unroll_count(4)
#include "epilogue.h"
#include "amx_integers.h"
#include "amx_pending.h"
#include "amx_products.h"

enum { DIGITS = 1, LEVELS = 127 };

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_digits(source, lane_stride, depth_stride, lanes, depth, DIGITS, LEVELS, panel);
}

static inline void add_block(const uint32_t *x, const uint32_t *y, __m512i c[ROWS][2],
                             __m512 sums[ROWS][2]) {
  const float *x_scale = (const float *)x;
  const __m512 y_scale0 = _mm512_loadu_ps(y), y_scale1 = _mm512_loadu_ps(y + SIDE);
  for (int i = 0; i < ROWS; i++) {
    add_scaled(&sums[i][0], c[i][0], y_scale0, x_scale[i]);
    add_scaled(&sums[i][1], c[i][1], y_scale1, x_scale[i]);
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  enum { STRIDE = (HEAD + BLOCK / GROUP) * LANES };
  amx_pending *pending = tile->state;
  const uint32_t *x = tile->a, *y = tile->b;
  __m512(*sums)[2] = pending->sums[!pending->waits];
  /* A block is added while the tiles of the next are multiplied. */
  __m512i c[2][ROWS][2];
  const ptrdiff_t blocks = (tile->depth + BLOCK - 1) / BLOCK;
  for (ptrdiff_t block = 0; block < blocks; block++, x += STRIDE, y += STRIDE) {
    const ptrdiff_t rest = tile->depth - block * BLOCK;
    multiply_tiles((rest < BLOCK ? rest : BLOCK) / FILL, x + HEAD * LANES, y + HEAD * LANES, 0);
    store_tiles(c[block % 2]);
    if (block == 0) {
      finish(pending);
      for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
    } else {
      add_block(x - STRIDE, y - STRIDE, c[(block - 1) % 2], sums);
    }
  }
  add_block(x - STRIDE, y - STRIDE, c[(blocks - 1) % 2], sums);
  wait_for_next(pending, tile);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_amxint8 = {
    .name = "AMX int8",
    .level = "amx",
    .probe = muon_amx_probe,
    .element = MUON_ELEMENT_INT8,
    .speed = 288,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = FILL,
    .digits = DIGITS,
    .left_apart = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 1024,
    .tile_rows = 256,
    .tile_columns = 256,
    .acquire = muon_amx_acquire,
    .enter = enter,
    .leave = leave,
    .pack = pack,
    .multiply = multiply,
};
#endif
