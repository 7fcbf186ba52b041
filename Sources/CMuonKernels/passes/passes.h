/* The element-wise passes. Each file here includes this once, compiled for its instructions, with
 * PASSES as the name of its row of the table: vectors of 16 become as many instructions as it
 * takes. */
#include <stdint.h>
#include <string.h>

#include "muon_kernels.h"

#pragma clang diagnostic push
/* All that takes or returns vectors is inlined: there is no call whose convention could differ. */
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats __attribute__((ext_vector_type(16)));
typedef double doubles __attribute__((ext_vector_type(16)));
typedef unsigned words __attribute__((ext_vector_type(16)));

enum { WIDTH = 16 };

#define INLINE inline __attribute__((always_inline))

static INLINE floats load(const float *p) {
  floats x;
  memcpy(&x, p, sizeof x);
  return x;
}

static INLINE void store(float *p, floats x) { memcpy(p, &x, sizeof x); }

/* Asks for what a pass comes to a kilobyte later, past the end as well, where it does nothing: the
 * processor's own prefetchers begin anew in each page. */
static INLINE void prefetch(const float *p) {
  __builtin_prefetch((const void *)((uintptr_t)p + 1024));
}

/* A last part that is shorter than a vector, filled up with zeros. */
static INLINE floats load_part(const float *p, ptrdiff_t count) {
  floats x = 0;
  memcpy(&x, p, (size_t)count * sizeof *p);
  return x;
}

static INLINE void store_part(float *p, ptrdiff_t count, floats x) {
  memcpy(p, &x, (size_t)count * sizeof *p);
}

static INLINE doubles squares(floats x) {
  const doubles y = __builtin_convertvector(x, doubles);
  return y * y;
}

static INLINE double total(doubles sums) {
  double sum = 0;
  for (int i = 0; i < WIDTH; i++) sum += sums[i];
  return sum;
}

/* u, of the momentum as it becomes. */
static INLINE floats momentum_vector(floats g, floats *m, float momentum, float weight,
                                     int nesterov) {
  const floats wg = weight * g;
  *m = momentum * *m + wg;
  return nesterov ? wg + momentum * *m : *m;
}

static double pass_momentum(ptrdiff_t count, const float *g, float *m, float *u, float scale,
                            float momentum, float weight, int nesterov, int advance) {
  doubles sums = 0;
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const int whole = count - i >= WIDTH;
    const floats gi = whole ? load(g + i) : load_part(g + i, count - i);
    floats next = whole ? load(m + i) : load_part(m + i, count - i);
    const floats direction = momentum_vector(scale * gi, &next, momentum, weight, nesterov);
    sums += squares(direction);
    if (whole) {
      if (advance) store(m + i, next);
      store(u + i, direction);
    } else {
      if (advance) store_part(m + i, count - i, next);
      store_part(u + i, count - i, direction);
    }
  }
  return total(sums);
}

static void pass_move(ptrdiff_t count, float *p, const float *o, float keep, float rate) {
  for (ptrdiff_t i = 0; i < count; i++) p[i] = keep * p[i] - rate * o[i];
}

static INLINE words bits_of(floats x) {
  words bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* Without their signs these compare as the numbers do; NaN and infinity are the highest. */
static INLINE words magnitudes(floats x) { return bits_of(x) & 0x7FFFFFFFu; }

/* p after cautious decay. Of bits, since a product of the two could underflow, and denormal numbers,
 * which arithmetic may take for 0, have signs too. */
static INLINE floats decayed_cautiously(floats p, floats signs, float keep) {
  const words differ = (bits_of(p) ^ bits_of(signs)) >> 31;
  const words opposite = __builtin_elementwise_min(
      differ, __builtin_elementwise_min(magnitudes(p), magnitudes(signs)));
  return opposite != 0 ? p : keep * p;
}

static void pass_move_cautiously(ptrdiff_t count, float *p, const float *o, const float *signs,
                                 float keep, float rate) {
  ptrdiff_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH)
    store(p + i, decayed_cautiously(load(p + i), load(signs + i), keep) - rate * load(o + i));
  if (i < count) {
    const ptrdiff_t rest = count - i;
    const floats pi = load_part(p + i, rest), sign = load_part(signs + i, rest);
    store_part(p + i, rest,
               decayed_cautiously(pi, sign, keep) - rate * load_part(o + i, rest));
  }
}

static double pass_sum_of_squares(ptrdiff_t count, const float *x) {
  doubles sums = 0;
  ptrdiff_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) sums += squares(load(x + i));
  if (i < count) sums += squares(load_part(x + i, count - i));
  return total(sums);
}

static void pass_scale(ptrdiff_t count, float *x, double factor) {
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)(x[i] * factor);
}

static void pass_add_squares(ptrdiff_t count, double *sums, const float *x) {
  for (ptrdiff_t i = 0; i < count; i++) sums[i] += (double)x[i] * x[i];
}

static void pass_scale_each(ptrdiff_t count, float *x, const double *factors) {
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)(x[i] * factors[i]);
}

static INLINE unsigned highest_of(words each) {
  unsigned highest = 0;
  for (int i = 0; i < WIDTH; i++) highest = each[i] > highest ? each[i] : highest;
  return highest;
}

/* Blocks of four pages, which are read together: the processor's own prefetchers follow each to its
 * end, so that more of the memory is at work than with one page at a time. */
enum { STREAMS = 4, PAGE = 4096 / sizeof(float), BLOCK = STREAMS * PAGE };

static INLINE words highest_of_block(const float *x) {
  words highest[STREAMS] = {0};
  for (ptrdiff_t i = 0; i < PAGE; i += WIDTH)
    for (int s = 0; s < STREAMS; s++)
      highest[s] = __builtin_elementwise_max(highest[s], magnitudes(load(x + s * PAGE + i)));
  for (int s = 1; s < STREAMS; s++) highest[0] = __builtin_elementwise_max(highest[0], highest[s]);
  return highest[0];
}

static unsigned pass_highest(ptrdiff_t count, const float *x) {
  words highest = 0;
  ptrdiff_t i = 0;
  for (; i + BLOCK <= count; i += BLOCK)
    highest = __builtin_elementwise_max(highest, highest_of_block(x + i));
  for (; i + WIDTH <= count; i += WIDTH)
    highest = __builtin_elementwise_max(highest, magnitudes(load(x + i)));
  if (i < count) highest = __builtin_elementwise_max(highest, magnitudes(load_part(x + i, count - i)));
  return highest_of(highest);
}

static unsigned pass_momentum_highest(ptrdiff_t count, const float *g, const float *m, float scale,
                                      float momentum, float weight, int nesterov) {
  words highest = 0;
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const int whole = count - i >= WIDTH;
    const floats gi = whole ? load(g + i) : load_part(g + i, count - i);
    floats next = whole ? load(m + i) : load_part(m + i, count - i);
    const floats direction = momentum_vector(scale * gi, &next, momentum, weight, nesterov);
    highest = __builtin_elementwise_max(highest, magnitudes(next));
    highest = __builtin_elementwise_max(highest, magnitudes(direction));
  }
  return highest_of(highest);
}

static INLINE void adamw_means(floats g, floats *m, floats *v, const muon_adamw_constants *c) {
  *m = c->beta1 * *m + c->rest1 * g;
  *v = c->beta2 * *v + c->rest2 * (g * g);
}

static unsigned pass_adamw_highest(ptrdiff_t count, const float *g, const float *m, const float *v,
                                   const muon_adamw_constants *c) {
  words highest = 0;
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const int whole = count - i >= WIDTH;
    const floats gi = whole ? load(g + i) : load_part(g + i, count - i);
    floats mi = whole ? load(m + i) : load_part(m + i, count - i);
    floats vi = whole ? load(v + i) : load_part(v + i, count - i);
    adamw_means(c->scale * gi, &mi, &vi, c);
    highest = __builtin_elementwise_max(highest, magnitudes(mi));
    highest = __builtin_elementwise_max(highest, magnitudes(vi));
  }
  return highest_of(highest);
}

static INLINE void adamw_vector(floats *p, floats g, floats *m, floats *v,
                                const muon_adamw_constants *c, int cautious) {
  adamw_means(c->scale * g, m, v, c);
  const floats root = c->scale2 * __builtin_elementwise_sqrt(*v) + c->eps;
  if (cautious) *p = decayed_cautiously(*p, *m, c->keep) - c->rate * *m / root;
  else *p = c->keep * *p - c->rate * *m / root;
}

static INLINE void adamw(ptrdiff_t count, float *p, const float *g, float *m, float *v,
                         const muon_adamw_constants *constants, int cautious) {
  /* A copy: what is stored could be the constants, as far as the compiler knows. */
  const muon_adamw_constants c = *constants;
  ptrdiff_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    prefetch(p + i);
    prefetch(g + i);
    prefetch(m + i);
    prefetch(v + i);
    floats pi = load(p + i), mi = load(m + i), vi = load(v + i);
    adamw_vector(&pi, load(g + i), &mi, &vi, &c, cautious);
    store(p + i, pi);
    store(m + i, mi);
    store(v + i, vi);
  }
  if (i < count) {
    const ptrdiff_t rest = count - i;
    floats pi = load_part(p + i, rest), mi = load_part(m + i, rest), vi = load_part(v + i, rest);
    adamw_vector(&pi, load_part(g + i, rest), &mi, &vi, &c, cautious);
    store_part(p + i, rest, pi);
    store_part(m + i, rest, mi);
    store_part(v + i, rest, vi);
  }
}

static void pass_adamw(ptrdiff_t count, float *p, const float *g, float *m, float *v,
                       const muon_adamw_constants *constants) {
  if (constants->cautious) adamw(count, p, g, m, v, constants, 1);
  else adamw(count, p, g, m, v, constants, 0);
}

#include "halves.h"
#define ELEMENT float
#define COPY(name) name
#include "copy.h"
#undef ELEMENT
#undef COPY
#define ELEMENT uint16_t
#define COPY(name) name##_halves
#include "copy.h"

const muon_passes PASSES = {
    .level = LEVEL,
    .probe = PROBE,
    .momentum = pass_momentum,
    .move = pass_move,
    .move_cautiously = pass_move_cautiously,
    .sum_of_squares = pass_sum_of_squares,
    .scale = pass_scale,
    .add_squares = pass_add_squares,
    .scale_each = pass_scale_each,
    .highest = pass_highest,
    .adamw = pass_adamw,
    .momentum_highest = pass_momentum_highest,
    .adamw_highest = pass_adamw_highest,
    .widen = pass_widen,
    .narrow = pass_narrow,
    .follow = pass_follow,
    .split = pass_split,
    .join = pass_join,
    .sum_of_squared_halves = pass_sum_of_squared_halves,
    .highest_half = pass_highest_half,
    .copy = pass_copy,
    .copy_halves = pass_copy_halves,
};

#pragma clang diagnostic pop
