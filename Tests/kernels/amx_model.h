/* What the instructions of AMX do, on memory in place of tile registers, as Intel's manual gives it
 * (Software Developer's Manual, volume 2). Where tests are compiled with MUON_TEST_ON_AVX512, the kernels
 * call these; amx.c compares them with the processor's. */
#ifndef AMX_MODEL_H
#define AMX_MODEL_H

#include <stdint.h>
#include <string.h>

typedef union tile {
  int8_t bytes[16][64];
  int32_t integers[16][16];
  uint16_t halves[16][32];
  float floats[16][16];
} tile;

/* What is called most; it goes past no edge. */
#define AMX_FAST __attribute__((no_sanitize("address", "undefined"))) static inline

static _Thread_local tile amx_tiles[8];

static inline void amx_load(int t, const void *memory, size_t stride) {
  for (int i = 0; i < 16; i++)
    memcpy(amx_tiles[t].bytes[i], (const char *)memory + (size_t)i * stride, 64);
}

static inline void amx_store(int t, void *memory, size_t stride) {
  for (int i = 0; i < 16; i++) memcpy((char *)memory + (size_t)i * stride, amx_tiles[t].bytes[i], 64);
}

static inline void amx_zero(int t) { memset(&amx_tiles[t], 0, sizeof amx_tiles[t]); }

/* Sums wrap around. */
AMX_FAST void amx_dot_int8(int c, int a, int b) {
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 16; j++) {
      uint32_t sum = (uint32_t)amx_tiles[c].integers[i][j];
      for (int k = 0; k < 64; k++)
        sum += (uint32_t)(amx_tiles[a].bytes[i][k] * amx_tiles[b].bytes[k / 4][4 * j + k % 4]);
      amx_tiles[c].integers[i][j] = (int32_t)sum;
    }
  }
}

AMX_FAST float amx_widened(uint16_t half) {
  const uint32_t bits = (uint32_t)half << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The even and the odd depths are summed apart. A product of two is exact in float32. */
AMX_FAST void amx_dot_bf16(int c, int a, int b) {
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 16; j++) {
      float sums[2] = {0, 0};
      for (int k = 0; k < 32; k++) {
        sums[k % 2] += amx_widened(amx_tiles[a].halves[i][k]) *
                       amx_widened(amx_tiles[b].halves[k / 2][2 * j + k % 2]);
      }
      amx_tiles[c].floats[i][j] += sums[0] + sums[1];
    }
  }
}

#endif
