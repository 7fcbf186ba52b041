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

/* The instruction takes one side unsigned: 128 is added to each byte, as its highest bit turned. */
static inline __m256i unsigned_at(const int32_t *words) {
  return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)words), _mm256_set1_epi8(-128));
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
    const int32_t *x_sum = x + LANES;
    x += HEAD * LANES, y += HEAD * LANES;
    __m256i c[ROWS][VECTORS];
    for (int i = 0; i < ROWS; i++) {
      for (int v = 0; v < VECTORS; v++) c[i][v] = _mm256_set1_epi32(x_sum[i]);
    }
    for (ptrdiff_t g = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / GROUP; g > 0; g--) {
      const __m256i y0 = unsigned_at(y);
      const __m256i y1 = unsigned_at(y + 8);
      const __m256i y2 = unsigned_at(y + 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m256i xi = _mm256_set1_epi32(x[i]);
        c[i][0] = DOT_INT8(c[i][0], y0, xi);
        c[i][1] = DOT_INT8(c[i][1], y1, xi);
        c[i][2] = DOT_INT8(c[i][2], y2, xi);
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
