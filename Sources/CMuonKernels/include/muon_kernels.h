/* The inner loops that need SIMD chosen at run time. No policy, no allocation, no threads.
 *
 * Matrix products are made as in BLIS: operands are packed into panels, and one macro-kernel
 * (products/macro_kernel.c) calls a small micro-kernel, the only thing that knows the instruction
 * set. A new micro-kernel is one new file with one muon_gemm_kernel, and its row in
 * products/table.c. */
#ifndef MUON_KERNELS_H
#define MUON_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* ---- Matrix products ------------------------------------------------------------------------ */

/* A term that is added to a product: at (i, j) it is (factor + alpha (rows_i + columns_j)) times
 * the element of a matrix. The vectors are diagonals that were left out of the operands: of
 * S = D + E, with D its diagonal, E alone is packed, and D X is rows_i X_ij. Without vectors, and
 * with factor 0, the matrix is not read, but has the shape of the others also then. */
typedef struct muon_gemm_term {
  const float *matrix;
  float factor;
  const float *_Nullable rows, *_Nullable columns;
} muon_gemm_term;

/* C = alpha acc + a term + another. C and the matrices of the terms are row-major with one stride;
 * they may be the same. Where both vectors are there, C is the product of two matrices without
 * their diagonals, whose own product is in the terms twice: it is taken off once. */
typedef struct muon_gemm_output {
  float *c;
  ptrdiff_t stride;
  float alpha;
  muon_gemm_term terms[2];
} muon_gemm_output;

enum { MUON_GEMM_OUTPUTS = 2 };

/* The most elements, lanes times block, that any kernel packs together. */
enum { MUON_GEMM_MOST_IN_BLOCK = 32 * 128 };

/* What becomes of a product: the first `count` of its outputs, one after the other. */
typedef struct muon_gemm_epilogue {
  int count;
  muon_gemm_output outputs[MUON_GEMM_OUTPUTS];
} muon_gemm_epilogue;

/* What a packed operand is for: to stand on the left of products, on the right, or both. */
typedef enum muon_gemm_role {
  MUON_GEMM_LEFT = 1,
  MUON_GEMM_RIGHT = 2,
  MUON_GEMM_BOTH = MUON_GEMM_LEFT | MUON_GEMM_RIGHT
} muon_gemm_role;

/* Where a panel goes: for the left of products, for the right, or both. Kernels with one layout for
 * both take `right` alone. */
typedef struct muon_gemm_panel {
  void *_Nullable left, *_Nullable right;
} muon_gemm_panel;

/* The elements of packed operands. Integers are in block floating point: see
 * products/block_floating.h. */
typedef enum muon_element {
  MUON_ELEMENT_F32 = 0,
  MUON_ELEMENT_BF16 = 1,
  MUON_ELEMENT_INT16 = 2,
  MUON_ELEMENT_INT8 = 3
} muon_element;

/* A part of a tile that fits into registers, and what becomes of it: its first `rows` rows and
 * `columns` columns go to the epilogue, whose pointers are at the first of them. */
typedef struct muon_gemm_micro_tile {
  const void *a, *b; /* the first of its rows in a panel, and a panel */
  ptrdiff_t depth;   /* a multiple of fill */
  int rows, columns;
  const muon_gemm_epilogue *epilogue;
  void *state; /* of the kernel */
} muon_gemm_micro_tile;

/* The most bytes of a kernel's state, from one micro-tile to the next. */
enum { MUON_GEMM_MOST_STATE = 0x2800 };

/* A micro-kernel: a row of the table.
 *
 * A panel has `lanes` rows of an operand, one beside the other, with their depth in groups, of which
 * each fills a word of 4 bytes: element (lane i, depth k) is in word k / group * lanes + i, at
 * k % group. Before each `block` of depths, the last of which may be shorter, there are `head` words
 * for each lane: what its elements have in common. Elements that are too wide for the processor are
 * in `digits`: a block then has the words of all highest digits first.
 *
 * With one layout, both operands of a product are packed alike, so that one packing of X serves
 * X X^T twice. With `left_apart` the left operand has the words of a lane side by side, as many as
 * `fill` depths make: word (k / fill * lanes + i) * (fill / group) + k % fill / group. */
typedef struct muon_gemm_kernel {
  const char *name;  /* for people */
  const char *level; /* the first of the names of MUON_MAX_CPU that allows it */
  int (*probe)(void); /* whether the processor and the operating system can run it */
  muon_element element;
  int speed;        /* multiply-adds a cycle of a core, at best */
  int least_side;   /* of a matrix, for which it is faster than the next slower kernel */
  int lanes;        /* columns of a micro-tile; panels are this wide */
  int rows;         /* rows of a micro-tile; divides lanes */
  int group;        /* depths in a word; divides lanes */
  int fill;         /* what depths are filled up to a multiple of, with zeros: a multiple of group */
  int digits;       /* words for each group of depths */
  int left_apart;   /* whether the left operand has a layout of its own; then lanes are rows */
  int block;        /* depths that are packed together: a multiple of lanes */
  int head;         /* words a lane at the beginning of each block */
  int depth;        /* how deep panels are worked on at once: a multiple of block */
  int tile_rows;    /* of a whole tile: multiples of lanes */
  int tile_columns;
  /* Asks the system, for the whole process, for what the kernel needs of it; 0 if it is refused. */
  int (*acquire)(void);
  /* Around all calls of `multiply` for a tile, on one thread, for what stays between them: in the
   * state, which is aligned to 64 bytes, or in the processor. */
  void (*enter)(void *state);
  void (*leave)(void *state);
  /* Packs the first `lanes` lanes of a panel from source, at lane_stride, and depth elements of
   * each, at depth_stride, one of which is 1; they begin a block. Missing lanes, and what depths are
   * filled up with, become 0. Rounds to nearest even. */
  void (*pack)(const float *source, ptrdiff_t lane_stride, ptrdiff_t depth_stride, int lanes,
               ptrdiff_t depth, muon_gemm_panel panel);
  /* Multiplies a micro-tile. What becomes of it may wait for the next call, or for `leave`. */
  void (*multiply)(const muon_gemm_micro_tile *tile);
} muon_gemm_kernel;

/* The rows of the table, from 0: the first is for any processor. NULL past the last. A name of
 * MUON_MAX_CPU allows all rows up to the last that has it as its level. */
const muon_gemm_kernel *_Nullable muon_gemm_kernel_at(int index);

/* The fastest kernel for an element that the processor can run and the cap, a level, allows; with
 * NULL there is no cap. Where one was refused, the fastest that is slower. There is always one for
 * float32 if none was; NULL where there is none. Before it is used it must be acquired. */
const muon_gemm_kernel *_Nullable muon_gemm_kernel_for(muon_element element,
                                                       const char *_Nullable cap,
                                                       const muon_gemm_kernel *_Nullable refused);

/* The highest level that the processor can run and the cap allows. */
const char *muon_kernels_level(const char *_Nullable cap);
/* Whether the cap allows a level. */
int muon_kernels_allows(const char *_Nullable cap, const char *level);

/* A panel of so many depths has so many bytes. */
ptrdiff_t muon_gemm_panel_bytes(const muon_gemm_kernel *kernel, ptrdiff_t depth);

/* How a kernel packs operands of one size for one role: worked out once, since for small matrices the
 * divisions that it takes count. */
typedef struct muon_gemm_packing {
  const muon_gemm_kernel *kernel;
  muon_gemm_role role;
  ptrdiff_t count, depth;             /* of `count` lanes, each `depth` long */
  ptrdiff_t filled;                   /* depth, filled up */
  ptrdiff_t panels, panel_bytes;
  ptrdiff_t bytes;                    /* of all of it */
  ptrdiff_t left;                     /* where in it what is for the left side begins */
  ptrdiff_t row_tiles, column_tiles;  /* products with the operand on the left have so many whole tiles
                                       * down, with it on the right so many across */
} muon_gemm_packing;

muon_gemm_packing muon_gemm_packing_of(const muon_gemm_kernel *kernel, ptrdiff_t count,
                                       ptrdiff_t depth, muon_gemm_role role);

/* Packs one panel of an operand, whose lanes are at lane_stride and their elements at depth_stride,
 * one of which is 1. */
void muon_gemm_pack(const muon_gemm_packing *packing, const float *source, ptrdiff_t lane_stride,
                    ptrdiff_t depth_stride, ptrdiff_t panel, void *packed);
/* The same of a symmetric matrix, of which only the lower triangle is there. Where `diagonal` is
 * given, what is on the diagonal goes there, and is 0 in the panel. With `mirror`, the block on the
 * diagonal is made whole in the source; without, it must be whole, as muon_gemm_tile with `lower`
 * leaves it. Panels may be packed by several threads at the same time. */
void muon_gemm_pack_symmetric(const muon_gemm_packing *packing, float *source, int mirror,
                              ptrdiff_t panel, float *_Nullable diagonal, void *packed);

/* The tiles that a product is made in: each of so many rows and columns but for the last ones, and how
 * many there are, down and across. */
typedef struct muon_gemm_tiles {
  ptrdiff_t rows, columns, down, across;
} muon_gemm_tiles;

/* The tiles of the product of A, on the left, and B, on the right, for so many threads, which take one at
 * a time: whole ones for one thread, and for more of them as small ones as it takes for all to be done at
 * about the same time. */
muon_gemm_tiles muon_gemm_tiles_for(const muon_gemm_packing *a_packing,
                                    const muon_gemm_packing *b_packing, int threads);

/* One of the tiles of a product, from 0. The order of sums does not depend on how large they are. With
 * `lower`, only the blocks of `lanes` rows and columns on the diagonal and what is below them. */
void muon_gemm_tile(const muon_gemm_packing *a_packing, const void *a,
                    const muon_gemm_packing *b_packing, const void *b, int lower,
                    const muon_gemm_tiles *tiles, ptrdiff_t tile,
                    const muon_gemm_epilogue *epilogue);

/* ---- Element-wise passes -------------------------------------------------------------------- */

/* The constants of AdamW at one step: p <- keep p - rate m / (scale2 sqrt(v) + eps), after
 * m <- beta1 m + rest1 g' and v <- beta2 v + rest2 g'^2, with g' = scale g. Where `cautious`, 1 takes
 * the place of keep for each p whose sign is the opposite of m's. */
typedef struct muon_adamw_constants {
  float keep, rate, beta1, rest1, beta2, rest2, scale2, eps, scale;
  int cautious;
} muon_adamw_constants;

/* Numbers of 16 bits in memory of a caller's: see passes/halves.h. */
typedef enum muon_half { MUON_HALF_BF16 = 0, MUON_HALF_F16 = 1 } muon_half;

/* A row of the table of passes/table.c. Each is one pass over memory. The order of sums depends on
 * count alone. */
typedef struct muon_passes {
  const char *level;  /* as of a muon_gemm_kernel */
  int (*probe)(void);
  /* m <- momentum m + weight g' where `advance`, and u = weight g' + momentum m' with Nesterov, else
   * m', of the new momentum m', with g' = scale g. Returns the sum of u^2. */
  double (*momentum)(ptrdiff_t count, const float *g, float *m, float *u, float scale,
                     float momentum, float weight, int nesterov, int advance);
  /* p <- keep p - rate o */
  void (*move)(ptrdiff_t count, float *p, const float *o, float keep, float rate);
  /* p <- k p - rate o, where k is 1 for each p whose sign is the opposite of that in `signs`, and
   * keep for the others. 0 has no sign. */
  void (*move_cautiously)(ptrdiff_t count, float *p, const float *o, const float *signs, float keep,
                          float rate);
  /* The sum of x^2. */
  double (*sum_of_squares)(ptrdiff_t count, const float *x);
  /* x <- factor x, multiplied in float64: the factor may be one that float32 cannot hold. */
  void (*scale)(ptrdiff_t count, float *x, double factor);
  /* sums <- sums + x^2, element by element. */
  void (*add_squares)(ptrdiff_t count, double *sums, const float *x);
  /* x <- factors x, element by element, multiplied in float64. */
  void (*scale_each)(ptrdiff_t count, float *x, const double *factors);
  /* The highest magnitude, as the bits of a float, which compare as magnitudes do: infinity and NaN
   * are the highest. */
  unsigned (*highest)(ptrdiff_t count, const float *x);
  void (*adamw)(ptrdiff_t count, float *p, const float *g, float *m, float *v,
                const muon_adamw_constants *constants);
  /* The highest magnitude in what `momentum`, or `adamw`, would make of the state, and in u. */
  unsigned (*momentum_highest)(ptrdiff_t count, const float *g, const float *m, float scale,
                               float momentum, float weight, int nesterov);
  unsigned (*adamw_highest)(ptrdiff_t count, const float *g, const float *m, const float *v,
                            const muon_adamw_constants *constants);
  /* y <- x in float32, exactly. */
  void (*widen)(muon_half half, ptrdiff_t count, const uint16_t *x, float *y);
  /* y <- x, rounded to nearest even; past the largest number to infinity. */
  void (*narrow)(muon_half half, ptrdiff_t count, const float *x, uint16_t *y);
  /* Where p is not the master rounded, by its bits, the master becomes p: somebody has written it. */
  void (*follow)(muon_half half, ptrdiff_t count, const uint16_t *p, float *master);
  /* p <- x rounded to the nearest bfloat16, ties away from 0, and what `join` needs to make x of it
   * again: the lower half of the bits, as a signed number. NaN has no remainder. */
  void (*split)(ptrdiff_t count, const float *x, uint16_t *p, int16_t *remainder);
  /* And back. A remainder that makes NaN of an element, which `split` has not made, does not count. */
  void (*join)(ptrdiff_t count, const uint16_t *p, const int16_t *remainder, float *x);
  /* As of the same numbers in float32, to the bit. */
  double (*sum_of_squared_halves)(muon_half half, ptrdiff_t count, const uint16_t *x);
  unsigned (*highest_half)(muon_half half, ptrdiff_t count, const uint16_t *x);
  /* Copies a matrix whose rows and columns have these distances. */
  void (*copy)(ptrdiff_t rows, ptrdiff_t columns, const float *from, ptrdiff_t from_row,
               ptrdiff_t from_column, float *to, ptrdiff_t to_row, ptrdiff_t to_column);
  void (*copy_halves)(ptrdiff_t rows, ptrdiff_t columns, const uint16_t *from, ptrdiff_t from_row,
                      ptrdiff_t from_column, uint16_t *to, ptrdiff_t to_row, ptrdiff_t to_column);
} muon_passes;

/* The rows of the table, from 0: the first is for any processor, the last the fastest. NULL past
 * the last. */
const muon_passes *_Nullable muon_passes_at(int index);
/* The fastest that the processor can run and the cap allows. */
const muon_passes *muon_passes_for(const char *_Nullable cap);

/* ---- The processor's state ------------------------------------------------------------------ */

/* Denormal numbers make arithmetic several times slower. Flushes them to zero in this thread, or
 * keeps them, whatever the host does with them, and returns what muon_denormals_restore needs. */
unsigned muon_denormals_flush(void);
unsigned muon_denormals_keep(void);
void muon_denormals_restore(unsigned before);

/* Lets no floating-point exception of this thread trap, and returns what muon_exceptions_restore
 * needs, which also forgets those that happened in between. */
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

#pragma clang assume_nonnull end

#endif
