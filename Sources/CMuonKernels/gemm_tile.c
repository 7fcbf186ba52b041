#include "muon_kernels.h"

static ptrdiff_t packed_depth(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  return kernel->bytes == 2 ? (depth + 1) & ~(ptrdiff_t)1 : depth;
}

ptrdiff_t muon_gemm_panel_bytes(const muon_gemm_kernel *kernel, ptrdiff_t depth) {
  return packed_depth(kernel, depth) * kernel->lanes * kernel->bytes;
}

/* Depth is the outermost loop, so that the blocks of panels of both operands stay in the second-level
 * cache; then come the panels of B, each of which is used for all rows of A. */
void muon_gemm_tile(const muon_gemm_kernel *kernel, const void *a, const void *b, ptrdiff_t depth,
                    ptrdiff_t row, ptrdiff_t row_end, ptrdiff_t column, ptrdiff_t column_end,
                    int lower, const muon_gemm_store *store) {
  const ptrdiff_t lanes = kernel->lanes, rows = kernel->rows, bytes = kernel->bytes;
  const ptrdiff_t panel = muon_gemm_panel_bytes(kernel, depth);
  depth = packed_depth(kernel, depth);
  for (ptrdiff_t k = 0; k < depth; k += kernel->depth) {
    const ptrdiff_t block = depth - k < kernel->depth ? depth - k : kernel->depth;
    for (ptrdiff_t j = column; j < column_end; j += lanes) {
      const char *b_block = (const char *)b + j / lanes * panel + k * lanes * bytes;
      const int columns = (int)(column_end - j < lanes ? column_end - j : lanes);
      for (ptrdiff_t i = row; i < row_end; i += rows) {
        if (lower && j > i + rows - 1) continue; /* all above the diagonal */
        const char *a_block = (const char *)a + i / lanes * panel + k * lanes * bytes;
        /* Lanes of a panel lie pair by pair in bfloat16, one by one in float32. */
        a_block += i % lanes * (bytes == 2 ? 4 : bytes);
        const int tile_rows = (int)(row_end - i < rows ? row_end - i : rows);
        const ptrdiff_t at = i * store->stride + j;
        muon_gemm_store here = *store;
        here.c += at;
        if (k == 0) {
          if (here.beta != 0) here.d += at;
          if (here.gamma != 0) here.e += at;
        } else {
          here.d = here.c; /* add to what the blocks before gave */
          here.beta = 1;
          here.gamma = 0;
        }
        kernel->multiply(block, a_block, b_block, tile_rows, columns, &here);
      }
    }
  }
}
