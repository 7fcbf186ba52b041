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
#define EPILOGUE_AVX512
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

/* The sums of h h', of h l' + l h', and of l l' of 16 rows of two vectors each, and where they are to be
 * added: rows from `done` on. */
typedef struct digit_sums {
  __m512i high[SIDE][2], middle[SIDE][2], low[SIDE][2];
  const float *x_scale, *y_scale;
  __m512 (*sums)[2];
  int done;
} digit_sums;

/* Adds the next row, if there is anything to add. */
AMX_INLINE void add_row(digit_sums *c) {
  if (!c) return;
  const int i = c->done++;
  for (int half = 0; half < 2; half++) {
    const __m512i upper =
        _mm512_add_epi32(_mm512_slli_epi32(c->high[i][half], LOW_BITS), c->middle[i][half]);
    const __m512i sum = _mm512_add_epi32(_mm512_slli_epi32(upper, LOW_BITS), c->low[i][half]);
    add_scaled(&c->sums[i][half], sum, _mm512_loadu_ps(c->y_scale + half * SIDE), c->x_scale[i]);
  }
}

AMX_INLINE void add_rest(digit_sums *c) {
  while (c && c->done < SIDE) add_row(c);
}

/* A block of 16 rows and all columns; x and y point at the tiles of their high digits. Between the
 * products it adds the rows of another block: where many instructions follow one another that are not
 * products, the processor comes too late to the next one that is. */
AMX_INLINE void multiply_block(ptrdiff_t tiles, const uint32_t *x, const uint32_t *y, digit_sums *c,
                               digit_sums *other) {
  const ptrdiff_t step = TILE_WORDS * LANES;
  const uint32_t *x_low = x + tiles * step, *y_low = y + tiles * step;
  TILE_ZERO(0), TILE_ZERO(1), TILE_ZERO(2), TILE_ZERO(3), TILE_ZERO(4), TILE_ZERO(5);
  for (; tiles > 0; tiles--, x += step, y += step, x_low += step, y_low += step) {
    TILE_LOAD(6, x);
    TILE_LOAD_WORDS(7, y);
    TILE_DOT_INT8(0, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y + SIDE);
    TILE_DOT_INT8(1, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y_low);
    TILE_DOT_INT8(2, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y_low + SIDE);
    TILE_DOT_INT8(3, 6, 7);
    add_row(other);
    TILE_LOAD(6, x_low);
    TILE_DOT_INT8(5, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y_low);
    TILE_DOT_INT8(4, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y);
    TILE_DOT_INT8(2, 6, 7);
    add_row(other);
    TILE_LOAD_WORDS(7, y + SIDE);
    TILE_DOT_INT8(3, 6, 7);
    add_row(other);
  }
  add_rest(other);
  TILE_STORE(0, &c->high[0][0]);
  TILE_STORE(1, &c->high[0][1]);
  TILE_STORE(2, &c->middle[0][0]);
  TILE_STORE(3, &c->middle[0][1]);
  TILE_STORE(4, &c->low[0][0]);
  TILE_STORE(5, &c->low[0][1]);
}

AMX_INLINE void add_later(digit_sums *c, const float *x_scale, const float *y_scale,
                          __m512 (*sums)[2]) {
  c->x_scale = x_scale, c->y_scale = y_scale, c->sums = sums, c->done = 0;
}

static void multiply(const muon_gemm_micro_tile *tile) {
  enum { STRIDE = (HEAD + DIGITS * BLOCK / GROUP) * LANES };
  amx_pending *pending = tile->state;
  __m512(*sums)[2] = pending->sums[!pending->waits];
  digit_sums upper, lower; /* of the two halves of the rows */
  const uint32_t *x = tile->a, *y = tile->b;
  for (ptrdiff_t k = 0; k < tile->depth; k += BLOCK, x += STRIDE, y += STRIDE) {
    const ptrdiff_t tiles = (tile->depth - k < BLOCK ? tile->depth - k : BLOCK) / FILL;
    const uint32_t *x_tiles = x + HEAD * LANES, *y_tiles = y + HEAD * LANES;
    const float *x_scale = (const float *)x, *y_scale = (const float *)y;
    if (k == 0) {
      multiply_block(tiles, x_tiles, y_tiles, &upper, NULL);
      finish(pending);
      for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
    } else {
      multiply_block(tiles, x_tiles, y_tiles, &upper, &lower);
    }
    add_later(&upper, x_scale, y_scale, sums);
    multiply_block(tiles, x_tiles + SIDE * TILE_WORDS, y_tiles, &lower, &upper);
    add_later(&lower, x_scale + SIDE, y_scale, sums + SIDE);
  }
  add_rest(&lower);
  wait_for_next(pending, tile);
}

#pragma clang attribute pop

const muon_gemm_kernel muon_gemm_amxint16 = {
    .name = "AMX int16",
    .level = "amx",
    .probe = muon_amx_probe,
    .element = MUON_ELEMENT_INT16,
    .speed = 128,
    .least_side = 512, /* below, it is not faster wherever it was measured */
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
