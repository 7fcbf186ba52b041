/* Numbers of 16 bits to float32 and back, each against plain arithmetic in float64. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "muon_kernels.h"

static unsigned bits(float x) {
  unsigned result;
  memcpy(&result, &x, sizeof result);
  return result;
}

static float number(unsigned bits) {
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* What it stands for, by the definition of the format. */
static double meaning(muon_half half, uint16_t x) {
  const int mantissa = half == MUON_HALF_BF16 ? 7 : 10, bias = half == MUON_HALF_BF16 ? 127 : 15;
  const int exponent = (x & 0x7FFF) >> mantissa, most = half == MUON_HALF_BF16 ? 255 : 31;
  const double fraction = ldexp(x & ((1 << mantissa) - 1), -mantissa);
  const double sign = x & 0x8000 ? -1 : 1;
  if (exponent == most) return fraction != 0 ? NAN : sign * INFINITY;
  return exponent == 0 ? sign * ldexp(fraction, 1 - bias) : sign * ldexp(1 + fraction, exponent - bias);
}

/* The nearest, by its neighbours, of which one has an even last bit; from halfway past the largest on infinity. */
static uint16_t nearest(muon_half half, float x) {
  const uint16_t sign = bits(x) >> 16 & 0x8000;
  const uint16_t infinite = half == MUON_HALF_BF16 ? 0x7F80 : 0x7C00;
  const double magnitude = fabs((double)x);
  uint16_t low = 0, high = infinite;
  while (high - low > 1) {
    const uint16_t middle = (uint16_t)((low + high) / 2);
    if (meaning(half, middle) <= magnitude) low = middle;
    else high = middle;
  }
  if (isinf(x)) return sign | infinite;
  /* As if the exponent had no end. */
  const double above = high == infinite ? 2 * meaning(half, low) - meaning(half, low - 1) : meaning(half, high);
  const double under = magnitude - meaning(half, low), over = above - magnitude;
  return sign | (under < over || (under == over && low % 2 == 0) ? low : high);
}

/* Numbers of every exponent, ties and their neighbours, the largest and what is past it, infinity and NaN. */
static float sample(muon_half half, uint64_t *seed) {
  const uint64_t random = splitmix(seed);
  switch (random >> 60) {
    case 0: return number((unsigned)random);
    case 1: return number((unsigned)random & 0x80FFFFFFu);
    case 2: return (float)meaning(half, (uint16_t)random);
    case 3: return random & 1 ? INFINITY : -INFINITY;
    /* With bits that rounding would lose, or carry into the sign. */
    case 4:
      return number(((unsigned)random & 0x80000000u) | 0x7F800001u | (random & 2 ? 0x7FFFFFu : 0));
    case 5: case 6: {
      /* Halfway between two, or next to that. */
      const unsigned half_bit = half == MUON_HALF_BF16 ? 0x8000u : 0x1000u;
      return number((((unsigned)random & ~(2 * half_bit - 1)) | half_bit) + (unsigned)(random >> 32) % 3 - 1);
    }
    case 7: return (random & 1 ? 65520.0f : -65519.996f);
    /* A tie among denormal numbers of float16. */
    case 8: return (float)(2 * (random % 1024) + 1) * 0x1p-25f;
    case 9: case 10: return uniform(seed) * 0x1p-14f;
    default: return uniform(seed) * ldexpf(1, (int)(random % 40) - 26);
  }
}

static void check_all_widened(const muon_passes *passes, muon_half half) {
  enum { COUNT = 1 << 16 };
  uint16_t *x = memory(COUNT * sizeof *x), *back = memory(COUNT * sizeof *back);
  float *y = memory(COUNT * sizeof *y);
  for (int i = 0; i < COUNT; i++) x[i] = (uint16_t)i;
  passes->widen(half, COUNT, x, y);
  passes->narrow(half, COUNT, y, back);
  for (int i = 0; i < COUNT; i++) {
    const double is = y[i], meant = meaning(half, x[i]);
    CHECK(isnan(meant) ? isnan(is) : is == meant && signbit(is) == signbit(meant), "%s: %04x of %d",
          passes->level, x[i], half);
    CHECK(isnan(meant) ? isnan(meaning(half, back[i])) : back[i] == x[i], "%s: %04x of %d and back",
          passes->level, x[i], half);
  }
  free(x), free(back), free(y);
}

static void check_half(const muon_passes *passes, muon_half half, ptrdiff_t count, uint64_t *seed) {
  float *x = memory((size_t)count * sizeof *x), *y = memory((size_t)count * sizeof *y);
  float *master = memory((size_t)count * sizeof *master);
  uint16_t *h = memory((size_t)count * sizeof *h);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = sample(half, seed);
  passes->narrow(half, count, x, h);
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(isnan(x[i]) ? isnan(meaning(half, h[i])) && signbit(x[i]) == h[i] >> 15 : h[i] == nearest(half, x[i]),
          "%s: %a (%08x) of %d became %04x", passes->level, x[i], bits(x[i]), half, h[i]);
    /* Some are written since. */
    master[i] = x[i];
    if (i % 3 == 1) h[i] ^= 0x8001;
  }
  passes->follow(half, count, h, master);
  passes->widen(half, count, h, y);
  unsigned highest = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(bits(master[i]) == bits(i % 3 == 1 ? y[i] : x[i]) || isnan(x[i]), "%s: master %td of %td", passes->level,
          i, count);
    const unsigned each = bits(y[i]) & 0x7FFFFFFF;
    highest = each > highest ? each : highest;
  }
  CHECK(passes->highest_half(half, count, h) == highest, "%s: highest of %td", passes->level, count);
  const double sum = passes->sum_of_squared_halves(half, count, h), meant = passes->sum_of_squares(count, y);
  CHECK(sum == meant || (isnan(sum) && isnan(meant)), "%s: squares of %td", passes->level, count);
  free(x), free(y), free(master), free(h);
}

static void check_remainders(const muon_passes *passes, ptrdiff_t count, uint64_t *seed) {
  float *x = memory((size_t)count * sizeof *x), *back = memory((size_t)count * sizeof *back);
  uint16_t *p = memory((size_t)count * sizeof *p);
  int16_t *rest = memory((size_t)count * sizeof *rest);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = sample(MUON_HALF_BF16, seed);
  passes->split(count, x, p, rest);
  passes->join(count, p, rest, back);
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(isnan(x[i]) ? isnan(back[i]) && isnan(meaning(MUON_HALF_BF16, p[i])) : bits(back[i]) == bits(x[i]),
          "%s: %08x came back as %08x", passes->level, bits(x[i]), bits(back[i]));
    /* To nearest, which in a tie is the one farther from 0. */
    const uint16_t even = nearest(MUON_HALF_BF16, x[i]);
    const int tie = (bits(x[i]) & 0xFFFF) == 0x8000;
    if (!isnan(x[i]))
      CHECK(p[i] == (tie ? (uint16_t)((bits(x[i]) >> 16) + 1) : even), "%s: %08x became %04x", passes->level,
            bits(x[i]), p[i]);
    /* What somebody writes is never NaN unless it is NaN. */
    p[i] = i % 4 == 0 ? 0 : i % 4 == 1 ? 0x8000 : i % 4 == 2 ? 0x7F80 : 0x3F80;
  }
  passes->join(count, p, rest, back);
  for (ptrdiff_t i = 0; i < count; i++) {
    CHECK(!isnan(back[i]), "%s: %04x with %d", passes->level, p[i], rest[i]);
    if (p[i] == 0x3F80) CHECK(fabsf(back[i] - 1) <= 0x1p-8f, "%s: 1 became %a", passes->level, back[i]);
    if (i % 4 < 2) CHECK(fabsf(back[i]) < 0x1p-126f, "%s: 0 became %a", passes->level, back[i]);
  }
  free(x), free(back), free(p), free(rest);
}

void check_halves(void) {
  const muon_passes *passes;
  for (int i = 0; (passes = muon_passes_at(i)); i++) {
    if (!passes->probe()) continue;
    uint64_t seed = 11;
    /* Also where the host flushes denormal numbers. */
    for (int flushed = 0; flushed < 2; flushed++) {
      const unsigned before = flushed ? muon_denormals_flush() : muon_denormals_keep();
      for (int half = 0; half < 2; half++) {
        if (!flushed || half == MUON_HALF_F16) check_all_widened(passes, (muon_half)half);
        for (ptrdiff_t count = 1; count <= 1001 && (!flushed); count = count < 50 ? count + 1 : count + 317)
          check_half(passes, (muon_half)half, count, &seed);
      }
      for (ptrdiff_t count = 1; count <= 1001 && !flushed; count = count < 50 ? count + 1 : count + 317)
        check_remainders(passes, count, &seed);
      muon_denormals_restore(before);
    }
    printf("halves %s\n", passes->level);
  }
}
