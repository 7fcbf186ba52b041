/* 16-bit integers in block floating point with plain AVX2: vpmaddwd multiplies pairs, and vpaddd adds them, where
 * vpdpwssd of avxvnni16.c does both. The bits are the same.
 *
 * Sums over a block are exact: at most 120 products of at most 4095 * 4095 are less than 2^31. */
#if defined(__x86_64__)
#include "int16_panels256.h"

#pragma clang attribute push(__attribute__((target(AVX2))), apply_to = function)

typedef __m256 gemm_vector;
#include "epilogue.h"

/* sum <- sum + x y, of pairs. With twelve sums there are registers for two vectors of B, one of A and a
 * product: the third of B is read anew for each row. To the compiler each sum is something else after
 * this, and so is memory, so that it neither moves the sums nor looks for more registers. */
#define ADD_PRODUCT(sum, x, y)                              \
  do {                                                      \
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));   \
    __asm__("" : "+x"(sum) : : "memory");                   \
  } while (0)

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
#pragma clang loop unroll(full)
      for (int i = 0; i < ROWS; i++) {
        const __m256i xi = _mm256_set1_epi32(x[i]);
        ADD_PRODUCT(c[i][0], xi, y0);
        ADD_PRODUCT(c[i][1], xi, y1);
        ADD_PRODUCT(c[i][2], xi, *(const __m256i_u *)(y + 16));
      }
      x += LANES, y += LANES;
    }
    for (int i = 0; i < ROWS; i++) add_scaled(sums[i], c[i], y_scale, x_scale + i);
  }
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

/* Panels of both operands stay in a second-level cache of 512 KiB. */
#define KERNEL(PROBE, SPEED, LEAST_SIDE)                                                   \
  {                                                                                        \
      .name = "AVX2 int16", .level = "avx2", .probe = PROBE, .element = MUON_ELEMENT_INT16, \
      .speed = SPEED, .least_side = LEAST_SIDE, .lanes = LANES, .rows = ROWS,              \
      .group = GROUP, .fill = GROUP, .digits = 1, .block = BLOCK, .head = HEAD,            \
      .depth = 720, .tile_rows = 120, .tile_columns = 240, .acquire = has_any_processor,   \
      .enter = nothing, .leave = nothing, .pack = pack, .multiply = multiply,              \
  }

/* Two rows of one kernel, which differ in how fast it is. Where one unit multiplies integers, and two
 * multiply floats, that is as fast as float32, which is closer, so that it is taken only where it is asked
 * for. Where two units do, vpmaddwd and vpaddd share three (Skylake: 24 multiply-adds a cycle) or four
 * (Zen 3: 26); of matrices with a short side below 96 scales take what that wins. With AVX-512 but no
 * VNNI it is slower than float32's 32. */
const muon_gemm_kernel muon_gemm_avx2int16 = KERNEL(has_avx2, 16, 0);
const muon_gemm_kernel muon_gemm_avx2int16fast = KERNEL(has_two_integer_multipliers, 24, 96);
#endif
