/* The products of a Newton-Schulz step by themselves: how much of a core's peak the kernels reach.
 *
 * Compiled with Sources/CMuonKernels, whose insides the library does not export. Operands are packed
 * beforehand, as in a step, and packing is timed beside. */
#define _POSIX_C_SOURCE 200112L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "muon_kernels.h"

/* As ProductKernel.swift cuts a product. */
enum { TILE_ROWS = 120, TILE_COLUMNS = 240, TRIES = 9 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static float *floats(size_t count) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, count * sizeof(float)) != 0) exit(1);
  for (size_t i = 0; i < count; i++) ((float *)memory)[i] = (float)(i * 2654435761u % 1000) / 1e3f;
  return memory;
}

static void pack(const muon_gemm_kernel *kernel, int n, const float *x, float *packed, int by_rows) {
  const ptrdiff_t panel = muon_gemm_panel_bytes(kernel, n);
  for (int first = 0; first < n; first += kernel->lanes) {
    const int lanes = n - first < kernel->lanes ? n - first : kernel->lanes;
    kernel->pack(x + (by_rows ? first * n : first), by_rows ? n : 1, by_rows ? 1 : n, lanes, n,
                 (char *)packed + first / kernel->lanes * panel);
  }
}

static void multiply(const muon_gemm_kernel *kernel, int n, const float *a, const float *b, int lower,
                     const muon_gemm_store *store) {
  for (int row = 0; row < n; row += TILE_ROWS) {
    const int row_end = row + TILE_ROWS < n ? row + TILE_ROWS : n;
    for (int column = 0; column < n; column += TILE_COLUMNS) {
      const int column_end = column + TILE_COLUMNS < n ? column + TILE_COLUMNS : n;
      if (lower && column >= row_end) continue;
      muon_gemm_tile(kernel, a, b, n, row, row_end, column, column_end, lower, store);
    }
  }
}

int main(int count, char **arguments) {
  const int n = count > 1 ? atoi(arguments[1]) : 768;
  const int level = count > 2 ? atoi(arguments[2]) : (int)muon_kernels_cpu_level();
  const muon_gemm_kernel *kernels[] = {muon_gemm_kernel_f32((muon_cpu_level)level),
                                       muon_gemm_kernel_bf16((muon_cpu_level)level)};
  for (int k = 0; k < 2; k++) {
    const muon_gemm_kernel *kernel = kernels[k];
    if (!kernel) continue;
    const size_t packed = (size_t)(n / kernel->lanes + 1) * (size_t)muon_gemm_panel_bytes(kernel, n);
    float *x = floats((size_t)n * n), *c = floats((size_t)n * n);
    float *a = floats(packed / sizeof(float)), *b = floats(packed / sizeof(float));
    const muon_gemm_store plain = {c, c, c, n, 1e-3f, 0, 0}, mixed = {c, c, x, n, 1e-6f, 1e-3f, 0},
                          last = {c, c, x, n, 1e-6f, 0, 1e-3f};
    double seconds[5][TRIES];
    for (int t = 0; t < TRIES; t++) {
      for (int what = 0; what < 5; what++) {
        const double start = now();
        if (what == 0) pack(kernel, n, x, a, 1);
        if (what == 1) pack(kernel, n, x, b, 0);
        if (what == 2) multiply(kernel, n, a, a, 1, &plain); /* X X^T */
        if (what == 3) multiply(kernel, n, a, a, 1, &mixed); /* b A + c A^2 */
        if (what == 4) multiply(kernel, n, a, b, 0, &last);  /* a X + B X */
        seconds[what][t] = now() - start;
      }
    }
    printf("%-14s n %4d", kernel->name, n);
    for (int what = 0; what < 5; what++) {
      static const char *const names[] = {"pack rows", "pack columns", "X X^T", "bA + cA^2", "aX + BX"};
      qsort(seconds[what], TRIES, sizeof(double), ascending);
      const double s = seconds[what][TRIES / 2];
      if (what < 2) printf("  %s %.2f ms", names[what], s * 1e3);
      else printf("  %s %.1f GF/s", names[what], (what < 4 ? 1.0 : 2.0) * n * n * (double)n / s * 1e-9);
    }
    puts("");
    free(x), free(c), free(a), free(b);
  }
  return 0;
}
