/* 16-bit integers in block floating point with AVX-VNNI: vpdpwssd as in avx512vnni16.c, on 256 bits.
 *
 * Sums over a block are exact: at most 120 products of at most 4095 * 4095 are less than 2^31. */
#if defined(__x86_64__)
#include "vnni256.h"

#pragma clang attribute push(__attribute__((target(VNNI256))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

enum { GROUP = 2, LEVELS = 4095, HEAD = 1 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_blocks(source, lane_stride, depth_stride, lanes, depth, GROUP, LEVELS, HEAD, panel.right);
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  const int32_t *x = tile->a, *y = tile->b;
  __m256 sums[ROWS][VECTORS];
  for (int i = 0; i < ROWS; i++) {
    for (int v = 0; v < VECTORS; v++) sums[i][v] = _mm256_setzero_ps();
  }
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK) {
    const float *x_scale = (const float *)x, *y_scale = (const float *)y;
    x += HEAD * LANES, y += HEAD * LANES;
    __m256i c[ROWS][VECTORS];
    for (int i = 0; i < ROWS; i++) {
      for (int v = 0; v < VECTORS; v++) c[i][v] = _mm256_setzero_si256();
    }
    for (ptrdiff_t g = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / GROUP; g > 0; g--) {
      const __m256i y0 = _mm256_loadu_si256((const __m256i *)y);
      const __m256i y1 = _mm256_loadu_si256((const __m256i *)(y + 8));
      const __m256i y2 = _mm256_loadu_si256((const __m256i *)(y + 16));
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m256i xi = _mm256_set1_epi32(x[i]);
        c[i][0] = DOT_INT16(c[i][0], xi, y0);
        c[i][1] = DOT_INT16(c[i][1], xi, y1);
        c[i][2] = DOT_INT16(c[i][2], xi, y2);
        /* Keeps the compiler from moving sums between registers. */
        __asm__("" : "+x"(c[i][0]), "+x"(c[i][1]), "+x"(c[i][2]));
      }
      x += LANES, y += LANES;
    }
    for (int i = 0; i < ROWS; i++) add_scaled(sums[i], c[i], y_scale, x_scale + i);
  }
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
