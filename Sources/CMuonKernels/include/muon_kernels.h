/* The inner loops that need SIMD chosen at run time. No policy, no allocation, no threads.
 *
 * Matrix products are made as in BLIS: operands are packed into panels, and one macro-kernel (gemm_tile.c)
 * calls a small micro-kernel, the only thing that knows the instruction set. A new instruction set is
 * one new file with one muon_gemm_kernel, and its line in kernels.c. */
#ifndef MUON_KERNELS_H
#define MUON_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- The processor -------------------------------------------------------------------------- */

/* Each level includes the ones before it. */
typedef enum muon_cpu_level {
  MUON_CPU_BASELINE = 0,
  MUON_CPU_AVX2 = 1, /* with FMA */
  MUON_CPU_AVX512 = 2,
  MUON_CPU_AVX512_BF16 = 3
} muon_cpu_level;

/* What the processor and the operating system offer. */
muon_cpu_level muon_kernels_cpu_level(void);

/* ---- Matrix products ------------------------------------------------------------------------ */

/* C = alpha acc + beta D + gamma E, element by element; all three are row-major with one stride. D and
 * E may be C. D is not read where beta is 0, nor E where gamma is 0. */
typedef struct muon_gemm_store {
  float *c;
  const float *d, *e;
  ptrdiff_t stride;
  float alpha, beta, gamma;
} muon_gemm_store;

/* A micro-kernel. A panel has `lanes` rows of an operand, one beside the other: element (lane i, depth
 * k) of a float32 panel is at k*lanes + i; a bfloat16 panel has its depth in pairs, at
 * (k/2*lanes + i)*2 + k%2. Both operands of a product are packed alike, so that one packing of X serves
 * X X^T twice. */
typedef struct muon_gemm_kernel {
  const char *name;
  int lanes;           /* columns of a micro-tile; panels are this wide */
  int rows;            /* rows of a micro-tile; divides lanes */
  int depth;           /* how deep a block of panels is worked on at once; even */
  int tile_rows;       /* what one call of muon_gemm_tile is best given: multiples of lanes */
  int tile_columns;
  int bytes;           /* of a packed element: 4, or 2 for bfloat16 */
  /* Packs lanes of source, at lane_stride, and depth elements of each, at depth_stride, one of which
   * is 1. Missing lanes, and a missing last depth of a pair, become 0. Rounds to nearest even. */
  void (*pack)(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
               ptrdiff_t depth, void *panel);
  /* Multiplies a micro-tile: a points at the first of its rows in a panel, b at a panel. Stores its
   * first `rows` rows and `columns` columns. */
  void (*multiply)(ptrdiff_t depth, const void *a, const void *b, int rows, int columns,
                   const muon_gemm_store *store);
} muon_gemm_kernel;

/* The best kernels up to a level; the bfloat16 one is NULL where there is none. */
const muon_gemm_kernel *muon_gemm_kernel_f32(muon_cpu_level level);
const muon_gemm_kernel *muon_gemm_kernel_bf16(muon_cpu_level level);

/* The bytes of a packed panel. */
ptrdiff_t muon_gemm_panel_bytes(const muon_gemm_kernel *kernel, ptrdiff_t depth);

/* Rows [row, row_end) and columns [column, column_end) of C = alpha A B + beta D + gamma E, where a
 * holds the packed rows of A and b the packed columns of B; row and column are multiples of lanes. With
 * `lower`, only the blocks of `lanes` rows and columns on the diagonal and what is below them. */
void muon_gemm_tile(const muon_gemm_kernel *kernel, const void *a, const void *b, ptrdiff_t depth,
                    ptrdiff_t row, ptrdiff_t row_end, ptrdiff_t column, ptrdiff_t column_end,
                    int lower, const muon_gemm_store *store);

/* ---- Element-wise passes -------------------------------------------------------------------- */

/* The constants of AdamW at one step: p <- keep p - rate m / (scale2 sqrt(v) + eps), after
 * m <- beta1 m + rest1 g and v <- beta2 v + rest2 g^2. */
typedef struct muon_adamw_constants {
  float keep, rate, beta1, rest1, beta2, rest2, scale2, eps;
} muon_adamw_constants;

/* Each is one pass over memory. The order of sums depends on count alone. */
typedef struct muon_passes {
  /* m <- momentum m + weight g where `advance`, and u = weight g + momentum m' with Nesterov, else m',
   * of the new momentum m'. Returns the sum of u^2. */
  double (*momentum)(ptrdiff_t count, const float *g, float *m, float *u, float momentum,
                     float weight, int nesterov, int advance);
  /* p <- keep p - rate o */
  void (*move)(ptrdiff_t count, float *p, const float *o, float keep, float rate);
  /* The sum of x^2. */
  double (*sum_of_squares)(ptrdiff_t count, const float *x);
  /* x <- factor x, multiplied in float64: the factor may be one that float32 cannot hold. */
  void (*scale)(ptrdiff_t count, float *x, double factor);
  /* The highest magnitude, as the bits of a float, which compare as magnitudes do: infinity and NaN
   * are the highest. */
  unsigned (*highest)(ptrdiff_t count, const float *x);
  void (*adamw)(ptrdiff_t count, float *p, const float *g, float *m, float *v,
                const muon_adamw_constants *constants);
  /* The highest magnitude in what `momentum`, or `adamw`, would make of the state, and in u. */
  unsigned (*momentum_highest)(ptrdiff_t count, const float *g, const float *m, float momentum,
                               float weight, int nesterov);
  unsigned (*adamw_highest)(ptrdiff_t count, const float *g, const float *m, const float *v,
                            const muon_adamw_constants *constants);
} muon_passes;

const muon_passes *muon_passes_for(muon_cpu_level level);

/* ---- The processor's state ------------------------------------------------------------------ */

/* Denormal numbers make arithmetic several times slower. Flushes them to zero in this thread, or keeps
 * them, whatever the host does with them, and returns what muon_denormals_restore needs. */
unsigned muon_denormals_flush(void);
unsigned muon_denormals_keep(void);
void muon_denormals_restore(unsigned before);

/* Lets no floating-point exception of this thread trap, and returns what muon_exceptions_restore needs,
 * which also forgets those that happened in between. */
unsigned muon_exceptions_mask(void);
void muon_exceptions_restore(unsigned before);

/* Tells the processor that the thread spins. */
static inline void muon_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
