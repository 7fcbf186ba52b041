/* The model of AMX against the processor, where it has AMX: bit for bit. */
#include "check.h"

#if defined(__x86_64__) && !defined(MUON_TEST_ON_AVX512)
#include <immintrin.h>

#include "../../Sources/CMuonKernels/products/amx.h"
#include "amx_model.h"

/* Pairs of bfloat16 whose sums have to be rounded, or bytes. */
static void fill(tile *t, int as_bf16, uint64_t *seed) {
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 64; j++) t->bytes[i][j] = (int8_t)splitmix(seed);
    for (int j = 0; as_bf16 && j < 32; j++) {
      const float x = uniform(seed) * (splitmix(seed) % 2 ? 1 : 300);
      uint32_t bits;
      memcpy(&bits, &x, sizeof bits);
      t->halves[i][j] = (uint16_t)(bits >> 16);
    }
  }
}

__attribute__((target(AMX))) static void check_model(int as_bf16) {
  uint64_t seed = 5;
  for (int round = 0; round < 100; round++) {
    tile result;
    for (int t = 0; t < 3; t++) fill(&amx_tiles[t], as_bf16, &seed);
    for (int j = 0; as_bf16 && j < 256; j++) amx_tiles[0].floats[j / 16][j % 16] = uniform(&seed);
    muon_amx_enter();
    _tile_loadd(0, &amx_tiles[0], 64);
    _tile_loadd(1, &amx_tiles[1], 64);
    _tile_loadd(2, &amx_tiles[2], 64);
    if (as_bf16) {
      _tile_dpbf16ps(0, 1, 2);
      amx_dot_bf16(0, 1, 2);
    } else {
      _tile_dpbssd(0, 1, 2);
      amx_dot_int8(0, 1, 2);
    }
    _tile_stored(0, &result, 64);
    muon_amx_leave();
    CHECK(memcmp(&result, &amx_tiles[0], sizeof result) == 0, "%s, round %d",
          as_bf16 ? "bf16" : "int8", round);
  }
}

void check_amx(void) {
  if (!muon_amx_probe() || !muon_amx_acquire()) return;
  check_model(0);
  check_model(1);
  printf("the model of AMX\n");
}
#else
void check_amx(void) {}
#endif
