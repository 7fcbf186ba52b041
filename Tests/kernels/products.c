#include <math.h>
#include <string.h>

#include "check.h"
#include "muon_kernels.h"

static float to_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The largest integer of a kernel's elements; 0 where they are floating point. */
static double levels(const muon_gemm_kernel *kernel) {
  if (kernel->element == MUON_ELEMENT_INT16) return 4095;
  return kernel->element == MUON_ELEMENT_INT8 ? 127 : 0;
}

/* A lane's numbers from a depth to the end of its block, as a kernel's operands hold them. */
static void as_packed(const muon_gemm_kernel *kernel, const float *source, ptrdiff_t stride,
                      ptrdiff_t depth, double *out) {
  for (ptrdiff_t begin = 0; begin < depth; begin += kernel->block) {
    const ptrdiff_t end = begin + kernel->block < depth ? begin + kernel->block : depth;
    float largest = 0x1p-113f;
    for (ptrdiff_t k = begin; k < end; k++) largest = fmaxf(largest, fabsf(source[k * stride]));
    for (ptrdiff_t k = begin; k < end; k++) {
      const float x = source[k * stride], all = (float)levels(kernel);
      out[k] = all > 0 ? (double)rintf(x * (all / largest)) * (largest / all)
               : kernel->element == MUON_ELEMENT_BF16 ? to_bf16(x) : x;
    }
  }
}

/* What a panel holds of a lane at a depth, on one side of products. */
static double packed_element(const muon_gemm_kernel *kernel, const void *packed, ptrdiff_t depth,
                             muon_gemm_role side, ptrdiff_t lane, ptrdiff_t k) {
  const ptrdiff_t lanes = kernel->lanes, group = kernel->group, fill = kernel->fill;
  const char *panel = (const char *)packed + lane / lanes * muon_gemm_panel_bytes(kernel, depth);
  const ptrdiff_t block = k / kernel->block * kernel->block, in_block = k - block;
  const char *head = panel + muon_gemm_panel_bytes(kernel, block);
  const char *words = head + 4 * lanes * kernel->head;
  const ptrdiff_t at = side == MUON_GEMM_LEFT && kernel->left_apart
                           ? (in_block / fill * lanes + lane % lanes) * (fill / group) +
                                 in_block % fill / group
                           : in_block / group * lanes + lane % lanes;
  const char *word = words + 4 * at;
  float scale;
  memcpy(&scale, head + 4 * (lane % lanes), sizeof scale);
  if (kernel->element == MUON_ELEMENT_INT16 && kernel->digits == 2) {
    const ptrdiff_t rest = depth - block, in = rest < kernel->block ? rest : kernel->block;
    const char *low = word + 4 * ((in + fill - 1) / fill * (fill / group) * lanes);
    return (128 * (int8_t)word[k % group] + (int8_t)low[k % group]) * (double)scale;
  }
  if (kernel->element == MUON_ELEMENT_INT16) {
    int16_t integer;
    memcpy(&integer, word + 2 * (k % group), sizeof integer);
    return integer * (double)scale;
  }
  if (kernel->element == MUON_ELEMENT_INT8) return (int8_t)word[k % group] * (double)scale;
  float x = 0;
  if (kernel->element == MUON_ELEMENT_BF16) {
    uint16_t half;
    memcpy(&half, word + 2 * (k % group), sizeof half);
    const uint32_t bits = (uint32_t)half << 16;
    memcpy(&x, &bits, sizeof x);
  } else {
    memcpy(&x, word, sizeof x);
  }
  return x;
}

static const muon_gemm_role roles[] = {MUON_GEMM_LEFT, MUON_GEMM_RIGHT, MUON_GEMM_BOTH};

/* Every element on each side, and zeros where there is none. */
static void check_packed(const muon_gemm_packing *packing, const void *packed, const float *source,
                         ptrdiff_t lane_stride, ptrdiff_t depth_stride, const char *what) {
  const muon_gemm_kernel *kernel = packing->kernel;
  const ptrdiff_t count = packing->count, depth = packing->depth;
  const ptrdiff_t all_lanes = (count + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
  const ptrdiff_t all_depths = (depth + kernel->fill - 1) / kernel->fill * kernel->fill;
  double *numbers = memory((size_t)depth * sizeof *numbers);
  for (ptrdiff_t lane = 0; lane < all_lanes; lane++) {
    if (lane < count)
      as_packed(kernel, source + lane * lane_stride, depth_stride, depth, numbers);
    for (ptrdiff_t k = 0; k < all_depths; k++) {
      const double meant = lane < count && k < depth ? numbers[k] : 0;
      for (int side = MUON_GEMM_LEFT; side <= MUON_GEMM_RIGHT; side++) {
        if (!(packing->role & side)) continue;
        const char *there = (const char *)packed + (side == MUON_GEMM_LEFT ? packing->left : 0);
        CHECK(packed_element(kernel, there, depth, (muon_gemm_role)side, lane, k) == meant,
              "%s, %s of %td lanes, depth %td: lane %td, depth %td, side %d", kernel->name, what,
              count, depth, lane, k, side);
      }
    }
  }
  free(numbers);
}

/* A whole operand. */
static char *pack(const muon_gemm_packing *packing, const float *source, ptrdiff_t lane_stride,
                  ptrdiff_t depth_stride) {
  char *packed = memory((size_t)packing->bytes);
  memset(packed, 0xFF, (size_t)packing->bytes);
  for (ptrdiff_t panel = 0; panel < packing->panels; panel++)
    muon_gemm_pack(packing, source, lane_stride, depth_stride, panel, packed);
  return packed;
}

/* A whole product. */
static void multiply(const muon_gemm_packing *a_packing, const void *a,
                     const muon_gemm_packing *b_packing, const void *b, int lower,
                     const muon_gemm_epilogue *epilogue) {
  const muon_gemm_tiles tiles = muon_gemm_tiles_for(a_packing, b_packing, 1);
  for (ptrdiff_t tile = 0; tile < tiles.down * tiles.across; tile++)
    muon_gemm_tile(a_packing, a, b_packing, b, lower, &tiles, tile, epilogue);
}

static void check_pack(const muon_gemm_kernel *kernel, ptrdiff_t count, ptrdiff_t depth) {
  uint64_t seed = 1;
  for (int by_rows = 0; by_rows < 2; by_rows++) {
    const ptrdiff_t rows = by_rows ? count : depth, columns = by_rows ? depth : count;
    float *source = memory((size_t)(rows * columns) * sizeof *source);
    for (ptrdiff_t i = 0; i < rows * columns; i++) source[i] = uniform(&seed);
    const ptrdiff_t lane_stride = by_rows ? columns : 1, depth_stride = by_rows ? 1 : columns;
    for (int r = 0; r < 3; r++) {
      const muon_gemm_packing packing = muon_gemm_packing_of(kernel, count, depth, roles[r]);
      void *packed = pack(&packing, source, lane_stride, depth_stride);
      check_packed(&packing, packed, source, lane_stride, depth_stride, by_rows ? "rows" : "columns");
      free(packed);
    }
    free(source);
  }
}

static void check_pack_symmetric(const muon_gemm_kernel *kernel, ptrdiff_t n) {
  uint64_t seed = 2;
  const size_t bytes = (size_t)(n * n) * sizeof(float);
  float *whole = memory(bytes), *lower = memory(bytes), *without = memory(bytes);
  float *diagonal = memory((size_t)n * sizeof *diagonal);
  for (ptrdiff_t i = 0; i < n; i++) {
    for (ptrdiff_t j = 0; j <= i; j++) whole[i * n + j] = whole[j * n + i] = uniform(&seed);
  }
  memcpy(without, whole, bytes);
  for (ptrdiff_t i = 0; i < n; i++) without[i * n + i] = 0;
  for (int variant = 0; variant < 12; variant++) {
    const int mirror = variant & 1, apart = variant & 2;
    const muon_gemm_packing packing = muon_gemm_packing_of(kernel, n, n, roles[variant / 4]);
    for (ptrdiff_t i = 0; i < n; i++) {
      for (ptrdiff_t j = 0; j < n; j++) {
        const int is_there = j <= i || (!mirror && i / kernel->lanes == j / kernel->lanes);
        lower[i * n + j] = is_there ? whole[i * n + j] : NAN;
      }
    }
    void *packed = memory((size_t)packing.bytes);
    memset(packed, 0xFF, (size_t)packing.bytes);
    for (ptrdiff_t panel = 0; panel < packing.panels; panel++)
      muon_gemm_pack_symmetric(&packing, lower, mirror, panel, apart ? diagonal : NULL, packed);
    check_packed(&packing, packed, apart ? without : whole, n, 1,
                 mirror ? "symmetric, mirrored" : "symmetric");
    for (ptrdiff_t i = 0; i < n; i++) {
      if (apart) CHECK(diagonal[i] == whole[i * n + i], "%s, of %td", kernel->name, n);
      for (ptrdiff_t j = 0; j < n; j++) {
        const int is_there = i / kernel->lanes == j / kernel->lanes || j < i;
        const float is = lower[i * n + j];
        CHECK(is_there ? is == whole[i * n + j] : isnan(is), "%s, of %td: (%td, %td)", kernel->name,
              n, i, j);
      }
    }
    free(packed);
  }
  free(whole), free(lower), free(without), free(diagonal);
}

/* A product with every epilogue. Numbers are exact in any order of sums, or else within `tolerance`
 * of a product of numbers up to 1. (Small integers are not in block floating point, whose scales are
 * no powers of 2.) */
static void check_product(const muon_gemm_kernel *kernel, ptrdiff_t rows, ptrdiff_t columns,
                          ptrdiff_t depth, int lower, double tolerance) {
  const int every = rows * columns > 10000 ? 9 : 1; /* not all epilogues of large ones */
  uint64_t seed = 3;
  enum { PADDING = 5 };
  const ptrdiff_t stride = columns + PADDING;
  const size_t count = (size_t)(rows * stride);
  float *a = memory((size_t)(rows * depth) * sizeof *a);
  float *b = lower ? a : memory((size_t)(columns * depth) * sizeof *b);
  for (ptrdiff_t i = 0; i < rows * depth; i++)
    a[i] = tolerance > 0 ? uniform(&seed) : small_integer(&seed);
  for (ptrdiff_t i = 0; !lower && i < columns * depth; i++)
    b[i] = tolerance > 0 ? uniform(&seed) : small_integer(&seed);
  float *d = memory(count * sizeof *d), *e = memory(count * sizeof *e);
  float *c[2] = {memory(count * sizeof(float)), memory(count * sizeof(float))};
  double *exact_a = memory((size_t)(rows * depth) * sizeof *exact_a);
  double *exact_b = memory((size_t)(columns * depth) * sizeof *exact_b);
  for (ptrdiff_t i = 0; i < rows; i++)
    as_packed(kernel, a + i * depth, 1, depth, exact_a + i * depth);
  for (ptrdiff_t j = 0; j < columns; j++)
    as_packed(kernel, b + j * depth, 1, depth, exact_b + j * depth);
  const double bar = 4 * (levels(kernel) > 0 ? fmax(tolerance, 1e-4) : tolerance);
  float *row_factors = memory((size_t)rows * sizeof(float));
  float *column_factors = memory((size_t)columns * sizeof(float));
  for (ptrdiff_t i = 0; i < rows; i++) row_factors[i] = small_integer(&seed);
  for (ptrdiff_t j = 0; j < columns; j++) column_factors[j] = small_integer(&seed);
  const muon_gemm_packing left = muon_gemm_packing_of(kernel, rows, depth, MUON_GEMM_LEFT);
  const muon_gemm_packing right = muon_gemm_packing_of(kernel, columns, depth, MUON_GEMM_RIGHT);
  char *packed_a = pack(&left, a, depth, 1), *packed_b = pack(&right, b, depth, 1);

  /* No term, one, the other, both; each of C itself or of another matrix; to one place or to two;
   * of operands without their diagonals. */
  for (int variant = 0; variant < 64; variant += every) {
    const float first = variant & 1 ? 2 : 0, second = variant & 2 ? -0.25f : 0;
    const int adds_itself = variant & 4, outputs = variant & 8 ? 2 : 1;
    const float *by_row = variant & 16 ? row_factors : NULL;
    const float *by_column = variant & 32 ? column_factors : NULL;
    const int reads_d = first != 0 || by_row, reads_e = second != 0 || by_column;
    for (size_t i = 0; i < count; i++) {
      d[i] = reads_d ? small_integer(&seed) : NAN;
      e[i] = reads_e ? small_integer(&seed) : NAN;
      c[0][i] = adds_itself && reads_d ? d[i] : NAN;
      c[1][i] = NAN;
    }
    const muon_gemm_output one = {
        c[0],
        stride,
        0.5f,
        {{adds_itself ? c[0] : d, first, by_row, NULL}, {e, second, NULL, by_column}}};
    const float *by_row_too = reads_e ? by_row : NULL;
    const muon_gemm_output two = {
        c[1], stride, -4, {{d, 0, NULL, NULL}, {e, second, by_row_too, by_column}}};
    const muon_gemm_epilogue epilogue = {outputs, {one, two}};
    multiply(&left, packed_a, &right, packed_b, lower, &epilogue);

    for (ptrdiff_t i = 0; i < rows; i++) {
      for (ptrdiff_t j = 0; j < stride; j++) {
        const ptrdiff_t at = i * stride + j;
        const int is_made = j < columns && !(lower && j / kernel->lanes > i / kernel->lanes);
        double sum = 0;
        for (ptrdiff_t k = 0; is_made && k < depth; k++)
          sum += exact_a[i * depth + k] * exact_b[j * depth + k];
        for (int o = 0; o < 2; o++) {
          const double alpha = o == 0 ? 0.5 : -4;
          const double r = by_row && is_made ? by_row[i] : 0;
          const double s = by_column && is_made ? by_column[j] : 0;
          double meant = alpha * sum;
          if (o == 0 && reads_d) meant += (first + alpha * r) * d[at];
          if (reads_e) meant += (second + alpha * (s + (o == 1 ? r : 0))) * e[at];
          if (i == j && by_row && by_column) meant -= alpha * r * s;
          const float untouched = o == 0 && adds_itself && reads_d ? d[at] : NAN;
          const float is = c[o][at];
          const int is_right = is_made && o < outputs
                                   ? fabs(is - meant) <= bar + (levels(kernel) > 0) * 4e-7 * fabs(meant)
                                   : memcmp(&is, &untouched, sizeof is) == 0;
          CHECK(is_right,
                "%s: %td x %td, depth %td, lower %d, epilogue %d, output %d: (%td, %td): %g, not %g",
                kernel->name, rows, columns, depth, lower, variant, o, i, j, is, meant);
        }
      }
    }
  }
  if (!lower) free(b);
  free(row_factors), free(column_factors), free(exact_a), free(exact_b);
  free(a), free(d), free(e), free(c[0]), free(c[1]), free(packed_a), free(packed_b);
}

/* The smaller tiles of several threads: the same to the bit. */
static void check_tiles(const muon_gemm_kernel *kernel, int lower) {
  const ptrdiff_t n = kernel->tile_columns + 2 * kernel->lanes + 3, depth = kernel->depth + 5;
  const size_t count = (size_t)(n * n);
  uint64_t seed = 7;
  float *a = memory((size_t)(n * depth) * sizeof *a), *terms = memory(count * sizeof *terms);
  float *diagonal = memory((size_t)n * sizeof *diagonal);
  for (ptrdiff_t i = 0; i < n * depth; i++) a[i] = uniform(&seed);
  for (size_t i = 0; i < count; i++) terms[i] = uniform(&seed);
  for (ptrdiff_t i = 0; i < n; i++) diagonal[i] = uniform(&seed);
  const muon_gemm_packing both = muon_gemm_packing_of(kernel, n, depth, MUON_GEMM_BOTH);
  char *packed = pack(&both, a, depth, 1);
  float *one = memory(count * sizeof *one), *c = memory(count * sizeof *c);
  const int threads[] = {1, 2, 5, 32};
  ptrdiff_t fewest = 0;
  for (int t = 0; t < 4; t++) {
    memset(c, 0xFF, count * sizeof *c);
    const muon_gemm_output output = {
        c, n, 0.5f, {{terms, 2, diagonal, diagonal}, {terms, 0, NULL, NULL}}};
    const muon_gemm_epilogue epilogue = {1, {output, output}};
    const muon_gemm_tiles tiles = muon_gemm_tiles_for(&both, &both, threads[t]);
    CHECK(tiles.rows % kernel->lanes == 0 && tiles.columns % kernel->lanes == 0, "%s", kernel->name);
    CHECK(t == 0 ? tiles.rows == kernel->tile_rows && tiles.columns == kernel->tile_columns
                 : tiles.down * tiles.across > fewest, "%s: %td tiles", kernel->name, fewest);
    if (t == 0) fewest = tiles.down * tiles.across;
    for (ptrdiff_t tile = 0; tile < tiles.down * tiles.across; tile++)
      muon_gemm_tile(&both, packed, &both, packed, lower, &tiles, tile, &epilogue);
    if (t == 0) memcpy(one, c, count * sizeof *c);
    CHECK(memcmp(one, c, count * sizeof *c) == 0, "%s: %d threads, lower %d", kernel->name,
          threads[t], lower);
  }
  free(a), free(terms), free(diagonal), free(packed), free(one), free(c);
}

static void check_row(const muon_gemm_kernel *kernel) {
  CHECK(kernel->name && kernel->level && kernel->probe && kernel->enter && kernel->leave &&
            kernel->pack && kernel->multiply && kernel->speed > 0, "%s", kernel->name);
  CHECK(kernel->acquire && kernel->digits > 0 && kernel->fill % kernel->group == 0 &&
            kernel->block % kernel->fill == 0, "%s", kernel->name);
  CHECK(!kernel->left_apart || kernel->rows == kernel->lanes, "%s", kernel->name);
  CHECK(kernel->lanes % kernel->rows == 0 && kernel->lanes % kernel->group == 0 &&
            kernel->block % kernel->lanes == 0 && kernel->depth % kernel->block == 0 &&
            kernel->lanes * kernel->block <= MUON_GEMM_MOST_IN_BLOCK && kernel->tile_rows % kernel->lanes == 0 &&
            kernel->tile_columns % kernel->lanes == 0, "%s", kernel->name);
  CHECK(muon_kernels_allows(NULL, kernel->level), "%s", kernel->name);
  CHECK(muon_kernels_allows(kernel->level, kernel->level), "%s", kernel->name);
}

static void check_kernel(const muon_gemm_kernel *kernel) {
  const ptrdiff_t lanes = kernel->lanes, rows = kernel->rows, block = kernel->depth;
  const ptrdiff_t counts[] = {1, rows - 1, rows + 1, lanes - 1, lanes, lanes + 1, 3 * lanes + 2};
  const ptrdiff_t depths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 66, 127, 128, 129, 300};
  enum { COUNTS = sizeof counts / sizeof *counts, DEPTHS = sizeof depths / sizeof *depths };
  for (int i = 0; i < COUNTS; i++) {
    check_pack_symmetric(kernel, counts[i]);
    for (int k = 0; k < DEPTHS; k++) check_pack(kernel, counts[i], depths[k]);
    for (int j = 0; j < COUNTS; j++) check_product(kernel, counts[i], counts[j], 9, 0, 0);
    check_product(kernel, counts[i], counts[i], 10, 1, 0);
  }
  const ptrdiff_t diagonals[] = {kernel->block, kernel->block + 1, 2 * kernel->block + lanes + 3};
  for (int i = 0; i < 3; i++) check_pack_symmetric(kernel, diagonals[i]);
  const ptrdiff_t blocks[] = {1, 2, block - 1, block, block + 1, 2 * block + 1};
  for (int k = 0; k < 6; k++) check_product(kernel, rows + 1, lanes + 1, blocks[k], 0, 0);
  for (int lower = 0; lower < 2; lower++) check_tiles(kernel, lower);
  const ptrdiff_t tiles[] = {-1, 0, 1};
  for (int k = 0; k < 3; k++) {
    const ptrdiff_t more = tiles[k];
    check_product(kernel, kernel->tile_rows + more, kernel->tile_columns + more, 3, 0, 0);
    check_product(kernel, kernel->tile_columns + more, kernel->tile_columns + more, 3, 1, 0);
  }
  check_product(kernel, 2 * lanes + 1, lanes + 3, block + 33, 0, 1e-4);
}

/* Block floating point at its limits: the largest sums that there can be are exact, and so are the
 * integers of any scale; zeros and denormal numbers give zeros. */
static void check_limits(const muon_gemm_kernel *kernel) {
  const ptrdiff_t depth = kernel->block, lanes = kernel->lanes;
  float *a = memory((size_t)(lanes * depth) * sizeof *a);
  float *c = memory((size_t)(lanes * lanes) * sizeof *c);
  const muon_gemm_packing packing = muon_gemm_packing_of(kernel, lanes, depth, MUON_GEMM_BOTH);
  const muon_gemm_output output = {c, lanes, 1, {{c, 0, NULL, NULL}, {c, 0, NULL, NULL}}};
  const muon_gemm_epilogue epilogue = {1, {output, output}};
  const float sizes[] = {(float)levels(kernel), 1, 1e18f, 1e-18f, 1e-30f, 1e-40f, 0};
  for (int size = 0; size < 7; size++) {
    for (ptrdiff_t i = 0; i < lanes * depth; i++)
      a[i] = i / depth % 3 == 1 ? -sizes[size] : sizes[size];
    for (ptrdiff_t way = 0; way < 2; way++) {
      /* By lanes, and by depths: all numbers of a lane are the same up to the sign. */
      if (way == 1) {
        for (ptrdiff_t i = 0; i < lanes * depth; i++)
          a[i] = i % lanes % 3 == 1 ? -sizes[size] : sizes[size];
      }
      char *packed = pack(&packing, a, way ? 1 : depth, way ? lanes : 1);
      multiply(&packing, packed, &packing, packed, 0, &epilogue);
      free(packed);
      const float scale = sizes[size] / (float)levels(kernel);
      const double sum = depth * levels(kernel) * levels(kernel);
      const float meant = sizes[size] < 1e-38f ? 0 : (float)sum * scale * scale;
      for (ptrdiff_t i = 0; i < lanes * lanes; i++) {
        const float sign = (i / lanes % 3 == 1) != (i % lanes % 3 == 1) ? -1 : 1;
        CHECK(c[i] == sign * meant, "%s, of %g: element %td: %g, not %g", kernel->name,
              sizes[size], i, c[i], sign * meant);
      }
    }
  }
  free(a), free(c);
}

/* A A^T. */
static float *product(const muon_gemm_kernel *kernel, const float *a, ptrdiff_t n, ptrdiff_t depth) {
  float *c = memory((size_t)(n * n) * sizeof *c);
  const muon_gemm_packing packing = muon_gemm_packing_of(kernel, n, depth, MUON_GEMM_BOTH);
  const muon_gemm_output output = {c, n, 1, {{c, 0, NULL, NULL}, {c, 0, NULL, NULL}}};
  const muon_gemm_epilogue epilogue = {1, {output, output}};
  char *packed = pack(&packing, a, depth, 1);
  multiply(&packing, packed, &packing, packed, 0, &epilogue);
  free(packed);
  return c;
}

/* Kernels of the same integers in the same blocks give the same bits. */
static void check_same_bits(const muon_gemm_kernel *kernel, const muon_gemm_kernel *other) {
  if (levels(kernel) == 0 || kernel->element != other->element || kernel->block != other->block ||
      !other->probe() || !other->acquire())
    return;
  const ptrdiff_t n = 3 * kernel->lanes + 5, depth = 3 * kernel->block + 37;
  uint64_t seed = 4;
  float *a = memory((size_t)(n * depth) * sizeof *a);
  for (ptrdiff_t i = 0; i < n * depth; i++) a[i] = uniform(&seed);
  float *one = product(kernel, a, n, depth), *two = product(other, a, n, depth);
  CHECK(memcmp(one, two, (size_t)(n * n) * sizeof *one) == 0, "%s and %s", kernel->name,
        other->name);
  printf("the same bits: %s, %s\n", kernel->name, other->name);
  free(a), free(one), free(two);
}

/* The row that is taken is the fastest that there is. */
static void check_choice(void) {
  const muon_gemm_kernel *kernel;
  for (int i = 0; (kernel = muon_gemm_kernel_at(i)); i++) {
    const muon_gemm_kernel *best = muon_gemm_kernel_for(kernel->element, NULL, NULL);
    if (kernel->probe()) CHECK(best && best->speed >= kernel->speed, "%s", kernel->name);
    const muon_gemm_kernel *capped = muon_gemm_kernel_for(kernel->element, kernel->level, NULL);
    if (capped) CHECK(muon_kernels_allows(kernel->level, capped->level), "%s", kernel->name);
    const muon_gemm_kernel *next = muon_gemm_kernel_for(kernel->element, NULL, kernel);
    CHECK(!next || (next->speed < kernel->speed && next->element == kernel->element), "%s",
          kernel->name);
  }
  kernel = muon_gemm_kernel_at(0);
  CHECK(kernel && kernel->probe() && kernel->element == MUON_ELEMENT_F32, "the first row");
  CHECK(kernel == muon_gemm_kernel_for(MUON_ELEMENT_F32, kernel->level, NULL), "the lowest cap");
  CHECK(strcmp(muon_kernels_level(kernel->level), kernel->level) == 0, "the lowest level");
}

void check_products(void) {
  const muon_gemm_kernel *kernel;
  check_choice();
  for (int i = 0; (kernel = muon_gemm_kernel_at(i)); i++) {
    check_row(kernel);
    if (!kernel->probe()) {
      printf("skipped: products %s: not on this processor\n", kernel->name);
      continue;
    }
    if (!kernel->acquire()) {
      printf("skipped: products %s: the system refuses it\n", kernel->name);
      continue;
    }
    check_kernel(kernel);
    if (levels(kernel) > 0) check_limits(kernel);
    for (int j = 0; j < i; j++) check_same_bits(kernel, muon_gemm_kernel_at(j));
    printf("products %s\n", kernel->name);
  }
}
