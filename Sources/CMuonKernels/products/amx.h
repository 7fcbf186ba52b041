/* AMX: eight tile registers of 16 rows of 64 bytes, and products of them. What the kernels of tiles
 * have in common. */
#ifndef AMX_H
#define AMX_H

#include <immintrin.h>

#include "micro_kernel.h"

/* Tests compile the kernels with functions that do what the instructions do, for processors that have
 * only AVX-512. */
#ifdef MUON_TEST_ON_AVX512
#include "amx_model.h"
#define TILE_LOAD(tile, memory) amx_load(tile, memory, TILE_STRIDE)
#define TILE_LOAD_WORDS(tile, memory) amx_load(tile, memory, LANES * sizeof(uint32_t))
#define TILE_STORE(tile, memory) amx_store(tile, memory, LANES * sizeof(float))
#define TILE_ZERO(tile) amx_zero(tile)
#define TILE_DOT_INT8(c, a, b) amx_dot_int8(c, a, b)
#define TILE_DOT_BF16(c, a, b) amx_dot_bf16(c, a, b)
#else
#define TILE_LOAD(tile, memory) _tile_loadd(tile, memory, TILE_STRIDE)
#define TILE_LOAD_WORDS(tile, memory) _tile_loadd(tile, memory, LANES * sizeof(uint32_t))
#define TILE_STORE(tile, memory) _tile_stored(tile, memory, LANES * sizeof(float))
#define TILE_ZERO(tile) _tile_zero(tile)
/* c += a b, where a has 16 rows, and a row of b has a word of each of 16 columns. */
#define TILE_DOT_INT8(c, a, b) _tile_dpbssd(c, a, b)
#define TILE_DOT_BF16(c, a, b) _tile_dpbf16ps(c, a, b)
#endif

/* A micro-tile is two tiles by two. A tile of an operand is as deep as 16 words. */
enum { SIDE = 16, TILE_STRIDE = 64, LANES = 2 * SIDE, ROWS = 2 * SIDE, TILE_WORDS = 16 };

/* Whether the processor has tiles, and the system knows their state. */
int muon_amx_probe(void);
/* Asks the system to let the threads of the process use tiles: 8 KiB of state a thread, which are
 * there only from muon_amx_enter to muon_amx_leave. */
int muon_amx_acquire(void);
void muon_amx_enter(void);
void muon_amx_leave(void);

#endif
