/* 16-bit integers in block floating point in tiles of AMX, as two digits x = 128 h + l: of x y,
 *
 *   2^14 sum h h' + 2^7 sum (h l' + l h') + sum l l'
 *
 * is exact, and the sum of avx512vnni16.c, bit for bit. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "amx.h"

#pragma clang attribute push(__attribute__((target(AMX))), apply_to = function)

typedef __m512 gemm_vector;
#define EPILOGUE_UNROLL unroll_count(4)
#include "epilogue.h"
#include "amx_integers.h"
#include "amx_pending.h"

enum { DIGITS = 2, LEVELS = 4095 };

_Static_assert((int64_t)BLOCK * LEVELS * LEVELS < INT64_C(1) << 31, "sums of a block are exact");

static void pack(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
                 ptrdiff_t depth, muon_gemm_panel panel) {
  pack_digits(source, lane_stride, depth_stride, lanes, depth, DIGITS, LEVELS, panel);
}

/* The sums of h h', of h l' + l h', and of l l'; 16 rows of two vectors each. */
typedef struct digit_sums {
  __m512i high[SIDE][2], middle[SIDE][2], low[SIDE][2];
} digit_sums;

/* A block of 16 rows and all columns; x and y point at the tiles of their high digits. */
static inline void multiply_block(ptrdiff_t tiles, const uint32_t *x, const uint32_t *y,
                                  digit_sums *c) {
  const uint32_t *x_low = x + tiles * TILE_WORDS * LANES, *y_low = y + tiles * TILE_WORDS * LANES;
  TILE_ZERO(0), TILE_ZERO(1), TILE_ZERO(2), TILE_ZERO(3), TILE_ZERO(4), TILE_ZERO(5);
  for (ptrdiff_t at = 0; at < tiles * TILE_WORDS * LANES; at += TILE_WORDS * LANES) {
    TILE_LOAD(6, x + at);
    TILE_LOAD_WORDS(7, y + at);
    TILE_DOT_INT8(0, 6, 7);
    TILE_LOAD_WORDS(7, y + at + SIDE);
    TILE_DOT_INT8(1, 6, 7);
    TILE_LOAD_WORDS(7, y_low + at);
    TILE_DOT_INT8(2, 6, 7);
    TILE_LOAD_WORDS(7, y_low + at + SIDE);
    TILE_DOT_INT8(3, 6, 7);
    TILE_LOAD(6, x_low + at);
    TILE_DOT_INT8(5, 6, 7);
    TILE_LOAD_WORDS(7, y_low + at);
    TILE_DOT_INT8(4, 6, 7);
    TILE_LOAD_WORDS(7, y + at);
    TILE_DOT_INT8(2, 6, 7);
    TILE_LOAD_WORDS(7, y + at + SIDE);
    TILE_DOT_INT8(3, 6, 7);
  }
  TILE_STORE(0, &c->high[0][0]);
  TILE_STORE(1, &c->high[0][1]);
  TILE_STORE(2, &c->middle[0][0]);
  TILE_STORE(3, &c->middle[0][1]);
  TILE_STORE(4, &c->low[0][0]);
  TILE_STORE(5, &c->low[0][1]);
}

static inline void add_block(const float *x_scale, const float *y_scale, const digit_sums *c,
                             __m512 sums[SIDE][2]) {
  for (int half = 0; half < 2; half++) {
    const __m512 scale = _mm512_loadu_ps(y_scale + half * SIDE);
    for (int i = 0; i < SIDE; i++) {
      const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(c->high[i][half], LOW_BITS),
                                             c->middle[i][half]);
      const __m512i sum =
          _mm512_add_epi32(_mm512_slli_epi32(upper, LOW_BITS), c->low[i][half]);
      add_scaled(&sums[i][half], sum, scale, x_scale[i]);
    }
  }
}

static void multiply(const muon_gemm_micro_tile *tile) {
  enum { STRIDE = (HEAD + DIGITS * BLOCK / GROUP) * LANES };
  amx_pending *pending = tile->state;
  __m512(*sums)[2] = pending->sums[!pending->waits];
  /* One is added while the tiles of the next are multiplied: the two halves of the rows in turn. */
  digit_sums c[2];
  const uint32_t *x = tile->a, *y = tile->b;
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK, x += STRIDE, y += STRIDE) {
    const ptrdiff_t tiles = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / FILL;
    for (int half = 0; half < 2; half++) {
      multiply_block(tiles, x + HEAD * LANES + half * SIDE * TILE_WORDS, y + HEAD * LANES, &c[half]);
      if (half == 1) {
        add_block((const float *)x, (const float *)y, &c[0], sums);
      } else if (k > 0) {
        add_block((const float *)(x - STRIDE) + SIDE, (const float *)(y - STRIDE), &c[1],
                  sums + SIDE);
      } else {
        finish(pending);
        for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
      }
    }
  }
  add_block((const float *)(x - STRIDE) + SIDE, (const float *)(y - STRIDE), &c[1], sums + SIDE);
  wait_for_next(pending, tile);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_amxint16 = {
    .name = "AMX int16",
    .level = "amx",
    .probe = muon_amx_probe,
    .element = MUON_ELEMENT_INT16,
    .speed = 192,
    .lanes = LANES,
    .rows = ROWS,
    .group = GROUP,
    .fill = FILL,
    .digits = DIGITS,
    .left_apart = 1,
    .block = BLOCK,
    .head = HEAD,
    .depth = 512,
    .tile_rows = 128,
    .tile_columns = 256,
    .acquire = muon_amx_acquire,
    .enter = enter,
    .leave = leave,
    .pack = pack,
    .multiply = multiply,
};
#endif
