/* What the kernels have in common: an operand is packed panel by panel, and a product made tile by
 * tile. */
#include <string.h>

#include "muon_kernels.h"

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static ptrdiff_t parts(ptrdiff_t count, ptrdiff_t size) { return (count + size - 1) / size; }

enum { WORD = 4 }; /* bytes of a group of depths */

ptrdiff_t muon_gemm_panels(const muon_gemm_kernel *kernel, ptrdiff_t count) {
  return parts(count, kernel->lanes);
}

/* A depth, filled up. */
static ptrdiff_t filled(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  return parts(depth, kernel->fill) * kernel->fill;
}

ptrdiff_t muon_gemm_panel_bytes(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  const ptrdiff_t heads = parts(depth, kernel->block) * kernel->head;
  const ptrdiff_t words = filled(kernel, depth) / kernel->group * kernel->digits;
  return (words + heads) * kernel->lanes * WORD;
}

/* Where both sides have a layout of their own, what is for the left is behind what is for the
 * right. */
static int has_both(const muon_gemm_kernel *kernel, muon_gemm_role role) {
  return kernel->left_apart && role == MUON_GEMM_BOTH;
}

ptrdiff_t muon_gemm_operand_bytes(const muon_gemm_kernel *kernel, ptrdiff_t count, ptrdiff_t depth,
                                  muon_gemm_role role) {
  const ptrdiff_t one = muon_gemm_panels(kernel, count) * muon_gemm_panel_bytes(kernel, depth);
  return has_both(kernel, role) ? 2 * one : one;
}

ptrdiff_t muon_gemm_offset(const muon_gemm_kernel *kernel, ptrdiff_t count, ptrdiff_t depth,
                           muon_gemm_role role, muon_gemm_role side) {
  if (!has_both(kernel, role) || side == MUON_GEMM_RIGHT) return 0;
  return muon_gemm_operand_bytes(kernel, count, depth, MUON_GEMM_LEFT);
}

/* A panel of an operand, from a depth on that begins a block. */
static muon_gemm_panel panel_at(const muon_gemm_kernel *kernel, ptrdiff_t count, ptrdiff_t depth,
                                ptrdiff_t panel, ptrdiff_t from, muon_gemm_role role,
                                void *packed) {
  char *right = (char *)packed + panel * muon_gemm_panel_bytes(kernel, depth) +
                muon_gemm_panel_bytes(kernel, from);
  char *left = right + muon_gemm_offset(kernel, count, depth, role, MUON_GEMM_LEFT);
  if (!kernel->left_apart) return (muon_gemm_panel){NULL, right};
  return (muon_gemm_panel){role & MUON_GEMM_LEFT ? left : NULL,
                           role & MUON_GEMM_RIGHT ? right : NULL};
}

void muon_gemm_pack(const muon_gemm_kernel *kernel, const float *source, ptrdiff_t lane_stride,
                    ptrdiff_t depth_stride, ptrdiff_t count, ptrdiff_t depth, ptrdiff_t panel,
                    muon_gemm_role role, void *packed) {
  const ptrdiff_t first = panel * kernel->lanes;
  kernel->pack(source + first * lane_stride, lane_stride, depth_stride,
               (int)least(kernel->lanes, count - first), depth,
               panel_at(kernel, count, depth, panel, 0, role, packed));
}

/* A panel has columns `first` and the next: above the diagonal they are the rows of the lower
 * triangle. The block of depths that the diagonal goes through is put together first. */
void muon_gemm_pack_symmetric(const muon_gemm_kernel *kernel, float *source, ptrdiff_t n,
                              int mirror, ptrdiff_t panel, float *diagonal, muon_gemm_role role,
                              void *packed) {
  const ptrdiff_t first = panel * kernel->lanes, lanes = least(kernel->lanes, n - first);
  for (ptrdiff_t i = first; i < first + lanes; i++) {
    for (ptrdiff_t j = first; mirror && j < i; j++) source[j * n + i] = source[i * n + j];
    if (diagonal) diagonal[i] = source[i * n + i];
  }
  const ptrdiff_t block = first / kernel->block * kernel->block;
  const ptrdiff_t end = least(block + kernel->block, n);
  float together[MUON_GEMM_MOST_IN_BLOCK];
  for (ptrdiff_t i = 0; i < lanes; i++) {
    for (ptrdiff_t k = block; k < first; k++)
      together[(k - block) * lanes + i] = source[(first + i) * n + k];
  }
  for (ptrdiff_t k = first; k < end; k++)
    memcpy(together + (k - block) * lanes, source + k * n + first, (size_t)lanes * sizeof(float));
  for (ptrdiff_t i = 0; diagonal && i < lanes; i++) together[(first + i - block) * lanes + i] = 0;

  kernel->pack(source + first * n, n, 1, (int)lanes, block,
               panel_at(kernel, n, n, panel, 0, role, packed));
  kernel->pack(together, 1, lanes, (int)lanes, end - block,
               panel_at(kernel, n, n, panel, block, role, packed));
  if (end == n) return;
  kernel->pack(source + end * n + first, 1, n, (int)lanes, n - end,
               panel_at(kernel, n, n, panel, end, role, packed));
}

ptrdiff_t muon_gemm_tiles(const muon_gemm_kernel *kernel, ptrdiff_t rows, ptrdiff_t columns) {
  return parts(rows, kernel->tile_rows) * parts(columns, kernel->tile_columns);
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
void muon_gemm_tile(const muon_gemm_kernel *kernel, const void *a, const void *b, ptrdiff_t depth,
                    ptrdiff_t all_rows, ptrdiff_t all_columns, int lower, ptrdiff_t tile,
                    const muon_gemm_epilogue *epilogue) {
  const ptrdiff_t across = parts(all_columns, kernel->tile_columns);
  const ptrdiff_t row = tile / across * kernel->tile_rows;
  const ptrdiff_t column = tile % across * kernel->tile_columns;
  const ptrdiff_t row_end = least(row + kernel->tile_rows, all_rows);
  const ptrdiff_t column_end = least(column + kernel->tile_columns, all_columns);
  if (lower && column >= row_end) return;

  const ptrdiff_t lanes = kernel->lanes, rows = kernel->rows;
  const ptrdiff_t panel = muon_gemm_panel_bytes(kernel, depth);
  depth = filled(kernel, depth);
  _Alignas(64) char state[MUON_GEMM_MOST_STATE];
  kernel->enter(state);
  for (ptrdiff_t k = 0; k < depth; k += kernel->depth) {
    const ptrdiff_t block = least(depth - k, kernel->depth);
    const ptrdiff_t block_start = muon_gemm_panel_bytes(kernel, k);
    const muon_gemm_epilogue whole = k == 0 ? *epilogue : adding(epilogue);
    muon_gemm_epilogue here = whole;
    for (ptrdiff_t j = column; j < column_end; j += lanes) {
      const char *b_block = (const char *)b + j / lanes * panel + block_start;
      const int columns = (int)least(column_end - j, lanes);
      for (ptrdiff_t i = row; i < row_end; i += rows) {
        if (lower && j > i + rows - 1) continue; /* all above the diagonal */
        const char *a_block =
            (const char *)a + i / lanes * panel + block_start + i % lanes * WORD;
        shift(&here, &whole, i, j);
        kernel->multiply(&(muon_gemm_micro_tile){a_block, b_block, block,
                                                 (int)least(row_end - i, rows), columns, &here,
                                                 state});
      }
    }
  }
  kernel->leave(state);
  for (int o = 0; o < epilogue->count; o++)
    finish_diagonal(&epilogue->outputs[o], row > column ? row : column,
                    least(row_end, column_end));
}
