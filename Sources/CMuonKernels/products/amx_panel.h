/* Where the words of an operand for tiles go. For files compiled with AVX-512. */
#ifndef AMX_PANEL_H
#define AMX_PANEL_H

#include "amx.h"
#include "integers512.h"

#define AMX_INLINE static inline __attribute__((always_inline))

/* The 16 words of 16 lanes, the first or the second half of a panel's, at a tile's depth: `words` has a
 * vector for each lane, or, with `by_word`, for each word. It is lost. */
AMX_INLINE void store_words(__m512i words[16], int by_word, int half, uint32_t *left,
                            uint32_t *right) {
  for (int turn = 0; turn < 2; turn++) {
    uint32_t *out = by_word ? right : left;
    if (out) {
      for (int i = 0; i < 16; i++) {
        const int at = by_word ? i * LANES + half * SIDE : (half * SIDE + i) * TILE_WORDS;
        _mm512_storeu_si512(out + at, words[i]);
      }
    }
    by_word = !by_word;
    if (turn == 0 && (by_word ? right : left)) transpose16(words);
  }
}

#endif
