/* What the tests of the kernels share: checks that count, reproducible numbers, guarded memory. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int failures;

/* Says what is not so, and of what, but not ten thousand times. */
#define CHECK(condition, ...)                                   \
  do {                                                          \
    if (!(condition) && ++failures <= 20) {                     \
      printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
      printf(__VA_ARGS__);                                      \
      printf("\n");                                             \
    }                                                           \
  } while (0)

static inline uint64_t splitmix(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* In [-1, 1). */
static inline float uniform(uint64_t *state) {
  return (float)(splitmix(state) >> 40) / 8388608.0f - 1;
}

/* From -4 to 4: with these every sum here is exact in float32, and every operand in bfloat16. */
static inline float small_integer(uint64_t *state) { return (float)(splitmix(state) % 9) - 4; }

/* As much memory as is asked for and no more, so that AddressSanitizer sees the first byte
 * outside. */
static inline void *memory(size_t bytes) {
  void *new = malloc(bytes ? bytes : 1);
  if (!new) abort();
  return new;
}

void check_amx(void);
void check_halves(void);
void check_products(void);
void check_passes(void);

#endif
