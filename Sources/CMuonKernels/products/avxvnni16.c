/* 16-bit integers in block floating point with AVX-VNNI: vpdpwssd as in avx512vnni16.c, on 256 bits.
 *
 * Blocks are of 120 depths, a multiple of the lanes. Sums over them are exact: at most 120 products of
 * at most 4095 * 4095 are less than 2^31. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "block_floating.h"
#include "micro_kernel.h"

/* Tests compile it with the instructions of AVX512-VNNI on 256 bits, which do the same. */
#ifdef MUON_TEST_ON_AVX512
#define DOT _mm256_dpwssd_epi32
#define PROBE has_avx512vnni
#pragma clang attribute push(__attribute__((target(AVX512_VNNI))), apply_to = function)
#else
#define DOT _mm256_dpwssd_avx_epi32
#define PROBE has_avxvnni
#pragma clang attribute push(__attribute__((target(AVX_VNNI))), apply_to = function)
#endif

typedef __m256 gemm_vector;
#include "epilogue.h"

/* Twelve sums, three vectors of B and one of A: all sixteen registers. */
enum { LANES = 24, VECTORS = LANES / 8, ROWS = 4, GROUP = 2, LEVELS = 4095, BLOCK = 120, HEAD = 1 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

static inline __m256 largest_of(__m256 most, const float *x) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  return _mm256_max_ps(most, _mm256_and_ps(magnitude, _mm256_loadu_ps(x)));
}

/* The nearest integers, in whatever rounding mode: in another one they could be one too large. */
static inline __m256i to_integers(const float *x, __m256 inverse) {
  const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
  return _mm256_cvtps_epi32(
      _mm256_round_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* A block whose lanes lie side by side, all of them. */
static void pack_block(const float *source, ptrdiff_t stride, ptrdiff_t depth, uint32_t *out) {
  for (int i = 0; i < LANES; i += 8) {
    __m256 largest = _mm256_set1_ps(LEAST_LARGEST);
    for (ptrdiff_t k = 0; k < depth; k++) largest = largest_of(largest, source + k * stride + i);
    const __m256 levels = _mm256_set1_ps(LEVELS);
    _mm256_storeu_ps((float *)out + i, _mm256_div_ps(largest, levels));
    const __m256 inverse = _mm256_div_ps(levels, largest);
    for (ptrdiff_t k = 0; k < depth; k += GROUP) {
      const float *x = source + k * stride + i;
      const __m256i low = _mm256_and_si256(to_integers(x, inverse), _mm256_set1_epi32(0xFFFF));
      const __m256i high = k + 1 < depth ? to_integers(x + stride, inverse) : _mm256_setzero_si256();
      _mm256_storeu_si256((__m256i *)(out + (HEAD + k / GROUP) * LANES + i),
                          _mm256_or_si256(low, _mm256_slli_epi32(high, 16)));
    }
  }
}

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  uint32_t *out = panel.right;
  for (ptrdiff_t k = 0; k < depth; k += BLOCK, out += (HEAD + BLOCK / GROUP) * LANES) {
    const ptrdiff_t count = depth - k < BLOCK ? depth - k : BLOCK;
    const float *first = source + k * depth_stride;
    if (lanes == LANES && lane_stride == 1) {
      pack_block(first, depth_stride, count, out);
      continue;
    }
    float aside[BLOCK * LANES];
    gemm_pack_rest(first, lane_stride, depth_stride, lanes, LANES, 0, count, aside);
    pack_block(aside, LANES, count, out);
  }
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
        c[i][0] = DOT(c[i][0], xi, y0);
        c[i][1] = DOT(c[i][1], xi, y1);
        c[i][2] = DOT(c[i][2], xi, y2);
        /* Keeps the compiler from moving sums between registers. */
        __asm__("" : "+x"(c[i][0]), "+x"(c[i][1]), "+x"(c[i][2]));
      }
      x += LANES, y += LANES;
    }
    for (int i = 0; i < ROWS; i++) {
      for (int v = 0; v < VECTORS; v++) {
        const __m256 scale = _mm256_loadu_ps(y_scale + 8 * v);
        sums[i][v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(c[i][v]) * scale,
                                     _mm256_broadcast_ss(x_scale + i), sums[i][v]);
      }
    }
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
