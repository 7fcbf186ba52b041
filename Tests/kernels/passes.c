#include <math.h>
#include <string.h>

#include "check.h"
#include "muon_kernels.h"

enum { ARRAYS = 4 };

/* Arrays of the very length, and copies of them. */
typedef struct arrays {
  float *now[ARRAYS], *before[ARRAYS];
} arrays;

static arrays make(ptrdiff_t count) {
  uint64_t seed = 5;
  arrays all;
  for (int i = 0; i < ARRAYS; i++) {
    const size_t bytes = (size_t)count * sizeof(float);
    all.now[i] = memory(bytes), all.before[i] = memory(bytes);
    for (ptrdiff_t j = 0; j < count; j++)
      all.now[i][j] = i == 3 ? fabsf(uniform(&seed)) : uniform(&seed);
    memcpy(all.before[i], all.now[i], bytes);
  }
  return all;
}

static void discard(arrays all) {
  for (int i = 0; i < ARRAYS; i++) free(all.now[i]), free(all.before[i]);
}

static int near(double is, double meant) { return fabs(is - meant) <= 1e-6 * (1 + fabs(meant)); }

static unsigned bits(float x) {
  unsigned result;
  memcpy(&result, &x, sizeof result);
  return result;
}

static void check_momentum(const muon_passes *passes, ptrdiff_t count) {
  for (int variant = 0; variant < 4; variant++) {
    const int nesterov = variant & 1, advance = variant >> 1;
    const float momentum = 0.9f, weight = 0.3f, scale = 0.7f;
    arrays all = make(count);
    float *const *now = all.now, *const *before = all.before;
    const unsigned highest =
        passes->momentum_highest(count, now[0], now[1], scale, momentum, weight, nesterov);
    const double sum =
        passes->momentum(count, now[0], now[1], now[2], scale, momentum, weight, nesterov, advance);
    double squares = 0;
    float largest = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
      const double g = (double)scale * before[0][i], next = momentum * before[1][i] + weight * g;
      const double u = nesterov ? weight * g + momentum * next : next;
      squares += u * u;
      CHECK(near(now[2][i], u), "%s: u of %td", passes->level, count);
      CHECK(near(now[1][i], advance ? next : before[1][i]), "%s: m of %td", passes->level, count);
      CHECK(now[0][i] == before[0][i], "%s: g of %td", passes->level, count);
      largest = fmaxf(largest, fmaxf(fabsf((float)next), fabsf((float)u)));
    }
    CHECK(near(sum, squares), "%s: sum of %td", passes->level, count);
    float found;
    memcpy(&found, &highest, sizeof found);
    CHECK(near(found, largest), "%s: highest of %td", passes->level, count);
    discard(all);
  }
}

/* What is kept of p by cautious decay. */
static double keep_of(float p, float sign, float keep) {
  return (p > 0 && sign < 0) || (p < 0 && sign > 0) ? 1 : keep;
}

static void check_adamw(const muon_passes *passes, ptrdiff_t count, int cautious) {
  const muon_adamw_constants c = {0.75f, 0.1f, 0.9f, 0.1f, 0.99f,
                                  0.01f, 1.5f, 1e-3f, 0.7f, cautious};
  arrays all = make(count);
  float *const *now = all.now, *const *before = all.before;
  const unsigned highest = passes->adamw_highest(count, now[1], now[2], now[3], &c);
  passes->adamw(count, now[0], now[1], now[2], now[3], &c);
  float largest = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const double g = (double)c.scale * before[1][i];
    const double m = c.beta1 * before[2][i] + c.rest1 * g;
    const double v = c.beta2 * before[3][i] + c.rest2 * g * g;
    const double keep = cautious ? keep_of(before[0][i], (float)m, c.keep) : c.keep;
    const double p = keep * before[0][i] - c.rate * m / (c.scale2 * sqrt(v) + c.eps);
    CHECK(near(now[0][i], p), "%s: p of %td", passes->level, count);
    CHECK(near(now[2][i], m) && near(now[3][i], v), "%s: state of %td", passes->level, count);
    largest = fmaxf(largest, fmaxf(fabsf((float)m), (float)v));
  }
  float found;
  memcpy(&found, &highest, sizeof found);
  CHECK(near(found, largest), "%s: highest of %td", passes->level, count);
  discard(all);
}

static void check_cautious_move(const muon_passes *passes, ptrdiff_t count) {
  static const float special[] = {0, -0.f, 1e-30f, -1e-30f, 1e-40f, -1e-40f, 1, -1, 3e38f, -3e38f};
  enum { SPECIAL = sizeof special / sizeof *special };
  arrays all = make(count);
  float *const *now = all.now, *const *before = all.before;
  for (ptrdiff_t i = 0; i < count && i < SPECIAL * SPECIAL; i++) {
    now[0][i] = before[0][i] = special[i / SPECIAL];
    now[1][i] = before[1][i] = 0;
    now[2][i] = before[2][i] = special[i % SPECIAL];
  }
  passes->move_cautiously(count, now[0], now[1], now[2], 0.5f, 0.25f);
  for (ptrdiff_t i = 0; i < count; i++) {
    const double keep = keep_of(before[0][i], before[2][i], 0.5f);
    const double p = keep * before[0][i] - 0.25 * before[1][i];
    CHECK(before[1][i] ? near(now[0][i], p) : now[0][i] == (float)p, "%s: %td of %td",
          passes->level, i, count);
    CHECK(now[1][i] == before[1][i] && now[2][i] == before[2][i], "%s: %td of %td", passes->level, i,
          count);
  }
  discard(all);
}

static void check_others(const muon_passes *passes, ptrdiff_t count) {
  arrays all = make(count);
  float *const *now = all.now, *const *before = all.before;
  double squares = 0;
  unsigned highest = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    squares += (double)before[0][i] * before[0][i];
    const unsigned each = bits(fabsf(before[0][i]));
    highest = each > highest ? each : highest;
  }
  CHECK(near(passes->sum_of_squares(count, now[0]), squares), "%s: %td", passes->level, count);
  CHECK(passes->highest(count, now[0]) == highest, "%s: %td", passes->level, count);
  passes->move(count, now[1], now[0], 0.5f, 0.25f);
  passes->scale(count, now[2], 1e-3);
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(near(now[1][i], 0.5 * before[1][i] - 0.25 * before[0][i]), "%s: %td", passes->level,
          count);
    CHECK(now[2][i] == (float)(before[2][i] * 1e-3), "%s: %td", passes->level, count);
  }
  double *sums = memory((size_t)count * sizeof *sums);
  for (ptrdiff_t i = 0; i < count; i++) sums[i] = (double)i;
  passes->add_squares(count, sums, before[1]);
  passes->scale_each(count, now[3], sums);
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(near(sums[i], i + (double)before[1][i] * before[1][i]), "%s: %td", passes->level, count);
    CHECK(now[3][i] == (float)(before[3][i] * sums[i]), "%s: %td", passes->level, count);
  }
  free(sums);
  /* Wherever it is, in what is compared as a number without its sign. */
  for (ptrdiff_t i = 0; i < count && count < 40; i++) {
    now[0][i] = -INFINITY;
    CHECK(passes->highest(count, now[0]) == bits(INFINITY), "%s: %td of %td", passes->level, i,
          count);
    now[0][i] = NAN;
    CHECK(passes->highest(count, now[0]) > bits(INFINITY), "%s: %td of %td", passes->level, i,
          count);
    now[0][i] = 0;
  }
  discard(all);
}

/* As many as are read in several streams at once, and some: one that is not a number is found in each of them,
 * at its beginning, at its end and between. */
static void check_highest_of_many(const muon_passes *passes) {
  const ptrdiff_t count = 2 * 4096 + 37;
  arrays all = make(count);
  float *const x = all.now[0];
  for (ptrdiff_t i = 0; i < count; i++) {
    const int at_an_end = (i + 2) % 1024 < 4 || i + 40 > count;
    if (!at_an_end && i % 61 != 0) continue;
    const float before = x[i];
    x[i] = -INFINITY;
    CHECK(passes->highest(count, x) == bits(INFINITY), "%s: %td", passes->level, i);
    x[i] = before;
  }
  CHECK(passes->highest(count, x) <= bits(1), "%s", passes->level);
  discard(all);
}

/* Every way in which the rows and the columns of a copy can lie, and what lies between stays as it is. */
#define CHECK_COPY(NAME, ELEMENT, PASS)                                                               \
  static void NAME(const muon_passes *passes, ptrdiff_t rows, ptrdiff_t columns) {                    \
    const ptrdiff_t distances[][2] = {{columns + 3, 1}, {1, rows + 2}, {3 * columns, 3}};             \
    const ptrdiff_t size = 3 * rows * columns + 3 * (rows + columns);                                 \
    ELEMENT *const from = memory((size_t)size * sizeof(ELEMENT));                                     \
    ELEMENT *const to = memory((size_t)size * sizeof(ELEMENT));                                       \
    const ELEMENT none = 60000;                                                                       \
    for (int a = 0; a < 3; a++)                                                                       \
      for (int b = 0; b < 3; b++) {                                                                   \
        for (ptrdiff_t i = 0; i < size; i++) from[i] = (ELEMENT)i, to[i] = none;                      \
        const ptrdiff_t *const x = distances[a], *const y = distances[b];                             \
        passes->PASS(rows, columns, from, x[0], x[1], to, y[0], y[1]);                                \
        ptrdiff_t written = 0;                                                                        \
        for (ptrdiff_t i = 0; i < size; i++) written += to[i] != none;                                \
        CHECK(written == rows * columns, "%s: %td of %td by %td", passes->level, written, rows, columns); \
        for (ptrdiff_t i = 0; i < rows; i++)                                                          \
          for (ptrdiff_t j = 0; j < columns; j++)                                                     \
            CHECK(to[i * y[0] + j * y[1]] == from[i * x[0] + j * x[1]], "%s: (%td, %td) of %td by %td, %d to %d", \
                  passes->level, i, j, rows, columns, a, b);                                          \
      }                                                                                               \
    free(from), free(to);                                                                             \
  }
CHECK_COPY(check_copy, float, copy)
CHECK_COPY(check_copy_of_halves, uint16_t, copy_halves)

void check_passes(void) {
  const muon_passes *passes;
  for (int i = 0; (passes = muon_passes_at(i)); i++) {
    CHECK(passes->momentum && passes->move && passes->move_cautiously && passes->sum_of_squares && passes->scale &&
              passes->highest && passes->add_squares && passes->scale_each && passes->adamw && passes->momentum_highest && passes->adamw_highest && passes->copy && passes->copy_halves,
          "%s", passes->level);
    /* It is a level of the products, so that a cap means something for it. */
    int is_level = 0;
    const muon_gemm_kernel *kernel;
    for (int k = 0; (kernel = muon_gemm_kernel_at(k)); k++)
      is_level |= strcmp(kernel->level, passes->level) == 0;
    CHECK(is_level, "%s", passes->level);
    if (!passes->probe()) {
      printf("skipped: passes %s: not on this processor\n", passes->level);
      continue;
    }
    CHECK(muon_passes_for(passes->level) == passes, "%s", passes->level);
    for (ptrdiff_t count = 1; count <= 1001; count = count < 50 ? count + 1 : count + 317) {
      check_momentum(passes, count);
      for (int cautious = 0; cautious < 2; cautious++) check_adamw(passes, count, cautious);
      check_cautious_move(passes, count);
      check_others(passes, count);
    }
    check_highest_of_many(passes);
    for (ptrdiff_t rows = 1; rows < 70; rows += rows < 18 ? 1 : 15)
      for (ptrdiff_t columns = 1; columns < 70; columns += columns < 18 ? 1 : 15)
        check_copy(passes, rows, columns), check_copy_of_halves(passes, rows, columns);
    printf("passes %s\n", passes->level);
  }
}
