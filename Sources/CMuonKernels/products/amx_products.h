/* The products of a micro-tile, of one digit: two tiles by two, in tile registers 0 to 3. For files
 * compiled with AMX. */
#ifndef AMX_PRODUCTS_H
#define AMX_PRODUCTS_H

#include "amx.h"

enum { TILE_OF_BOTH = TILE_WORDS * LANES }; /* words of a tile's depth, of all lanes */

/* Of so many tiles of depth; x and y point at the first. */
static inline __attribute__((always_inline)) void multiply_tiles(ptrdiff_t tiles, const uint32_t *x,
                                                                 const uint32_t *y, int is_bf16) {
#define DOT(c, a, b) (is_bf16 ? TILE_DOT_BF16(c, a, b) : TILE_DOT_INT8(c, a, b))
  TILE_ZERO(0), TILE_ZERO(1), TILE_ZERO(2), TILE_ZERO(3);
  for (; tiles > 0; tiles--, x += TILE_OF_BOTH, y += TILE_OF_BOTH) {
    TILE_LOAD(4, x);
    TILE_LOAD_WORDS(6, y);
    DOT(0, 4, 6);
    TILE_LOAD_WORDS(7, y + SIDE);
    DOT(1, 4, 7);
    TILE_LOAD(5, x + SIDE * TILE_WORDS);
    DOT(2, 5, 6);
    DOT(3, 5, 7);
  }
#undef DOT
}

/* 32 rows of two vectors. */
static inline __attribute__((always_inline)) void store_tiles(void *sums) {
  char *rows = sums;
  enum { VECTOR = SIDE * sizeof(float), HALF = ROWS * VECTOR }; /* bytes; 16 rows are half */
  TILE_STORE(0, rows);
  TILE_STORE(1, rows + VECTOR);
  TILE_STORE(2, rows + HALF);
  TILE_STORE(3, rows + HALF + VECTOR);
}

#endif
