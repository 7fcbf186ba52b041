/* float32 with AVX-512. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "micro_kernel.h"

#pragma clang attribute push(__attribute__((target(AVX512))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_AVX512
enum { LANES = 32, VECTORS = LANES / 16, ROWS = 8 };
#include "float32_sums.h"
#include "lanes512.h"

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  float *out = panel.right;
  const __mmask16 there[2] = {first_lanes(lanes), first_lanes(lanes - 16)};
  if (lane_stride == 1) {
    for (ptrdiff_t k = 0; k < depth; k++, source += depth_stride, out += LANES) {
      _mm512_storeu_ps(out, _mm512_maskz_loadu_ps(there[0], source));
      _mm512_storeu_ps(out + 16, _mm512_maskz_loadu_ps(there[1], source + 16));
    }
    return;
  }
  for (ptrdiff_t k = 0; k < depth; k += 16) {
    const int depths = depth - k < 16 ? (int)(depth - k) : 16;
    for (int half = 0; half < LANES; half += 16) {
      __m512i r[16];
      for (int i = 0; i < 16; i++) {
        r[i] = half + i < lanes ? _mm512_maskz_loadu_epi32(first_lanes(depths),
                                                           source + (half + i) * lane_stride + k)
                                : _mm512_setzero_si512();
      }
      if (half < lanes) transpose16(r);
      for (int i = 0; i < depths; i++) _mm512_storeu_si512(out + (k + i) * LANES + half, r[i]);
    }
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  gemm_prefetch(tile->rows, 2, tile->epilogue);
  __m512 sums[ROWS][VECTORS];
  gemm_sum(tile, sums);
  gemm_finish(&sums[0][0], ROWS, VECTORS, tile->rows, tile->columns, tile->epilogue);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_avx512 = {
    .name = "AVX-512 f32",
    .level = "avx512",
    .probe = has_avx512,
    .element = MUON_ELEMENT_F32,
    .speed = 32,
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
#endif
