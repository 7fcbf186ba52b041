/* What the kernels have in common: an operand is packed panel by panel, and a product made tile by
 * tile. */
#include <string.h>

#include "muon_kernels.h"

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static ptrdiff_t parts(ptrdiff_t count, ptrdiff_t size) { return (count + size - 1) / size; }

enum { WORD = 4 }; /* bytes of a group of depths */

/* A depth, filled up. */
static ptrdiff_t filled(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  return parts(depth, kernel->fill) * kernel->fill;
}

ptrdiff_t muon_gemm_panel_bytes(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  const ptrdiff_t heads = parts(depth, kernel->block) * kernel->head;
  const ptrdiff_t words = filled(kernel, depth) / kernel->group * kernel->digits;
  return (words + heads) * kernel->lanes * WORD;
}

muon_gemm_packing muon_gemm_packing_of(const muon_gemm_kernel *kernel, ptrdiff_t count,
                                       ptrdiff_t depth, muon_gemm_role role) {
  const ptrdiff_t panels = parts(count, kernel->lanes);
  const ptrdiff_t panel_bytes = muon_gemm_panel_bytes(kernel, depth), one = panels * panel_bytes;
  /* Where both sides have a layout of their own, what is for the left is behind what is for the
   * right. */
  const int has_both = kernel->left_apart && role == MUON_GEMM_BOTH;
  return (muon_gemm_packing){.kernel = kernel,
                             .role = role,
                             .count = count,
                             .depth = depth,
                             .filled = filled(kernel, depth),
                             .panels = panels,
                             .panel_bytes = panel_bytes,
                             .bytes = has_both ? 2 * one : one,
                             .left = has_both ? one : 0,
                             .row_tiles = parts(count, kernel->tile_rows),
                             .column_tiles = parts(count, kernel->tile_columns)};
}

/* Packs a part of a panel, from a depth on that begins a block, `from` bytes behind the first. */
static void pack_part(const muon_gemm_packing *packing, const float *source, ptrdiff_t lane_stride,
                      ptrdiff_t depth_stride, ptrdiff_t depth, ptrdiff_t panel, ptrdiff_t from,
                      void *packed) {
  const muon_gemm_kernel *kernel = packing->kernel;
  char *right = (char *)packed + panel * packing->panel_bytes + from;
  muon_gemm_panel part = {NULL, right};
  if (kernel->left_apart) {
    if (packing->role & MUON_GEMM_LEFT) part.left = right + packing->left;
    if (!(packing->role & MUON_GEMM_RIGHT)) part.right = NULL;
  }
  const ptrdiff_t lanes = least(kernel->lanes, packing->count - panel * kernel->lanes);
  kernel->pack(source, lane_stride, depth_stride, (int)lanes, depth, part);
}

void muon_gemm_pack(const muon_gemm_packing *packing, const float *source, ptrdiff_t lane_stride,
                    ptrdiff_t depth_stride, ptrdiff_t panel, void *packed) {
  pack_part(packing, source + panel * packing->kernel->lanes * lane_stride, lane_stride,
            depth_stride, packing->depth, panel, 0, packed);
}

typedef float four __attribute__((ext_vector_type(4), aligned(sizeof(float)), may_alias));

/* to_ji <- from_ij, of 4 x 4. */
static inline void transpose4(const float *from, ptrdiff_t from_stride, float *to,
                              ptrdiff_t to_stride) {
  const four a = *(const four *)from, b = *(const four *)(from + from_stride);
  const four c = *(const four *)(from + 2 * from_stride);
  const four d = *(const four *)(from + 3 * from_stride);
  const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const four ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const four cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(four *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(four *)(to + to_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(four *)(to + 2 * to_stride) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  *(four *)(to + 3 * to_stride) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

/* to_ji <- from_ij, of rows x columns. */
static void transpose(const float *from, ptrdiff_t from_stride, ptrdiff_t rows, ptrdiff_t columns,
                      float *to, ptrdiff_t to_stride) {
  const ptrdiff_t whole_rows = rows & -4, whole_columns = columns & -4;
  for (ptrdiff_t i = 0; i < whole_rows; i += 4)
    for (ptrdiff_t j = 0; j < whole_columns; j += 4)
      transpose4(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
      to[j * to_stride + i] = from[i * from_stride + j];
}

/* Makes a block whole of which the lower triangle is there. */
static void mirror_block(float *block, ptrdiff_t stride, ptrdiff_t lanes) {
  for (ptrdiff_t i = 0; i < lanes; i += 4) {
    const ptrdiff_t rows = least(4, lanes - i);
    transpose(block + i * stride, stride, rows, i, block + i, stride);
    for (ptrdiff_t r = i; r < i + rows; r++)
      for (ptrdiff_t j = i; j < r; j++) block[j * stride + r] = block[r * stride + j];
  }
}

/* The first depths of a panel, up to those of a block that ends on the diagonal or before it, lie in
 * rows; the rest in columns. The block that the diagonal begins in, if it begins before the diagonal, is
 * put together first. */
static void pack_mirrored(const muon_gemm_packing *packing, const float *source, ptrdiff_t panel,
                          void *packed) {
  const muon_gemm_kernel *kernel = packing->kernel;
  const ptrdiff_t n = packing->count, first = panel * kernel->lanes;
  if (panel == 0) return pack_part(packing, source, 1, n, n, panel, 0, packed);

  const ptrdiff_t lanes = least(kernel->lanes, n - first);
  const ptrdiff_t block = first / kernel->block * kernel->block;
  ptrdiff_t end = block, bytes = muon_gemm_panel_bytes(kernel, block);
  if (block > 0) pack_part(packing, source + first * n, n, 1, block, panel, 0, packed);
  if (block < first) {
    end = least(block + kernel->block, n);
    float together[MUON_GEMM_MOST_IN_BLOCK];
    transpose(source + first * n + block, n, lanes, first - block, together, lanes);
    for (ptrdiff_t k = first; k < end; k++)
      memcpy(together + (k - block) * lanes, source + k * n + first, (size_t)lanes * sizeof(float));
    pack_part(packing, together, 1, lanes, end - block, panel, bytes, packed);
    bytes = muon_gemm_panel_bytes(kernel, end);
  }
  if (end < n)
    pack_part(packing, source + end * n + first, 1, n, n - end, panel, bytes, packed);
}

void muon_gemm_pack_symmetric(const muon_gemm_packing *packing, float *source, int mirror,
                              ptrdiff_t panel, float *diagonal, void *packed) {
  const ptrdiff_t n = packing->count, first = panel * packing->kernel->lanes;
  const ptrdiff_t lanes = least(packing->kernel->lanes, n - first);
  float *block = source + first * n + first;
  if (mirror) mirror_block(block, n, lanes);
  /* Nobody else reads this part of the diagonal meanwhile. */
  for (ptrdiff_t i = 0; diagonal && i < lanes; i++) {
    diagonal[first + i] = block[i * n + i];
    block[i * n + i] = 0;
  }
  pack_mirrored(packing, source, panel, packed);
  for (ptrdiff_t i = 0; diagonal && i < lanes; i++) block[i * n + i] = diagonal[first + i];
}

/* About half of an extent, in whole panels. */
static ptrdiff_t half(ptrdiff_t extent, ptrdiff_t lanes) { return parts(extent, 2 * lanes) * lanes; }

muon_gemm_tiles muon_gemm_tiles_for(const muon_gemm_packing *a_packing,
                                    const muon_gemm_packing *b_packing, int threads) {
  enum { EACH = 8 }; /* tiles a thread: of about half of them, where only a triangle is computed */
  const muon_gemm_kernel *kernel = a_packing->kernel;
  muon_gemm_tiles tiles = {kernel->tile_rows, kernel->tile_columns, a_packing->row_tiles,
                           b_packing->column_tiles};
  if (threads == 1) return tiles;
  const ptrdiff_t lanes = kernel->lanes, narrow = 2 * lanes;
  while (tiles.down * tiles.across < EACH * threads) {
    if (tiles.columns > narrow && tiles.columns >= tiles.rows) tiles.columns = half(tiles.columns, lanes);
    else if (tiles.rows > narrow) tiles.rows = half(tiles.rows, lanes);
    else break;
    tiles.down = parts(a_packing->count, tiles.rows);
    tiles.across = parts(b_packing->count, tiles.columns);
  }
  return tiles;
}

/* The epilogue of the blocks of the depth after the first: they add to what the blocks before
 * gave. */
static muon_gemm_epilogue adding(const muon_gemm_epilogue *epilogue) {
  muon_gemm_epilogue next = *epilogue;
  for (int o = 0; o < next.count; o++) {
    next.outputs[o].terms[0] = (muon_gemm_term){next.outputs[o].c, 1, NULL, NULL};
    next.outputs[o].terms[1] = (muon_gemm_term){next.outputs[o].c, 0, NULL, NULL};
  }
  return next;
}

/* The epilogue of a micro-tile, which begins at a row and a column; all but the addresses is there
 * already. */
static inline void shift(muon_gemm_epilogue *here, const muon_gemm_epilogue *whole, ptrdiff_t row,
                         ptrdiff_t column) {
  for (int o = 0; o < whole->count; o++) {
    const muon_gemm_output *from = &whole->outputs[o];
    muon_gemm_output *to = &here->outputs[o];
    const ptrdiff_t at = row * from->stride + column;
    to->c = from->c + at;
    for (int t = 0; t < 2; t++) {
      const muon_gemm_term *term = &from->terms[t];
      to->terms[t].matrix = term->matrix + at;
      if (term->rows) to->terms[t].rows = term->rows + row;
      if (term->columns) to->terms[t].columns = term->columns + column;
    }
  }
}

/* Takes the product of the diagonals off, from the first of a tile's elements on the diagonal of C
 * to the last. */
static void finish_diagonal(const muon_gemm_output *output, ptrdiff_t first, ptrdiff_t end) {
  const muon_gemm_term *terms = output->terms;
  const float *rows = terms[0].rows ? terms[0].rows : terms[1].rows;
  const float *columns = terms[0].columns ? terms[0].columns : terms[1].columns;
  if (!rows || !columns) return;
  for (ptrdiff_t i = first; i < end; i++)
    output->c[i * output->stride + i] -= output->alpha * (rows[i] * columns[i]);
}

/* Depth is the outermost loop, so that the blocks of panels of both operands stay in the
 * second-level cache; then come the panels of B, each of which is used for all rows of A. */
void muon_gemm_tile(const muon_gemm_packing *a_packing, const void *a,
                    const muon_gemm_packing *b_packing, const void *b, int lower,
                    const muon_gemm_tiles *tiles, ptrdiff_t tile,
                    const muon_gemm_epilogue *epilogue) {
  const muon_gemm_kernel *kernel = a_packing->kernel;
  const ptrdiff_t row = tile / tiles->across * tiles->rows;
  const ptrdiff_t column = tile % tiles->across * tiles->columns;
  const ptrdiff_t row_end = least(row + tiles->rows, a_packing->count);
  const ptrdiff_t column_end = least(column + tiles->columns, b_packing->count);
  if (lower && column >= row_end) return;

  const ptrdiff_t lanes = kernel->lanes, rows = kernel->rows;
  const ptrdiff_t panel = a_packing->panel_bytes, depth = a_packing->filled;
  const ptrdiff_t step = depth > kernel->depth ? muon_gemm_panel_bytes(kernel, kernel->depth) : 0;
  /* Where the panels begin that are for the first row and column. */
  const char *a_part = (const char *)a + a_packing->left + row / lanes * panel;
  const char *b_part = (const char *)b + column / lanes * panel;
  _Alignas(64) char state[MUON_GEMM_MOST_STATE];
  kernel->enter(state);
  for (ptrdiff_t k = 0; k < depth; k += kernel->depth, a_part += step, b_part += step) {
    const ptrdiff_t block = least(depth - k, kernel->depth);
    const muon_gemm_epilogue whole = k == 0 ? *epilogue : adding(epilogue);
    muon_gemm_epilogue here = whole;
    const char *b_panel = b_part;
    for (ptrdiff_t j = column; j < column_end; j += lanes, b_panel += panel) {
      const int columns = (int)least(column_end - j, lanes);
      const char *a_panel = a_part;
      for (ptrdiff_t first = row; first < row_end; first += lanes, a_panel += panel) {
        const ptrdiff_t end = least(first + lanes, row_end);
        for (ptrdiff_t i = first; i < end; i += rows) {
          if (lower && j > i + rows - 1) continue; /* all above the diagonal */
          shift(&here, &whole, i, j);
          kernel->multiply(&(muon_gemm_micro_tile){a_panel + (i - first) * WORD, b_panel, block,
                                                   (int)least(end - i, rows), columns, &here,
                                                   state});
        }
      }
    }
  }
  kernel->leave(state);
  for (int o = 0; o < epilogue->count; o++)
    finish_diagonal(&epilogue->outputs[o], row > column ? row : column,
                    least(row_end, column_end));
}
