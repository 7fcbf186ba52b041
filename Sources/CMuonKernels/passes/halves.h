/* Numbers of 16 bits in the memory of callers: bfloat16 and float16 to float32 and back. A part of
 * passes.h. All is done with integers, so that neither the rounding mode of the host nor flushing of
 * denormal numbers changes a bit. */

typedef uint16_t halves __attribute__((ext_vector_type(16)));
typedef int16_t shorts __attribute__((ext_vector_type(16)));
typedef int ints __attribute__((ext_vector_type(16)));

static INLINE ints is_nan(words bits) { return (bits & 0x7FFFFFFFu) > 0x7F800000u; }

static INLINE halves load_halves(const uint16_t *x, ptrdiff_t count) {
  halves result = 0;
  if (count >= WIDTH) memcpy(&result, x, sizeof result);
  else memcpy(&result, x, (size_t)count * sizeof *x);
  return result;
}

static INLINE void store_halves(uint16_t *x, ptrdiff_t count, halves values) {
  if (count >= WIDTH) memcpy(x, &values, sizeof values);
  else memcpy(x, &values, (size_t)count * sizeof *x);
}

static INLINE floats load_some(const float *x, ptrdiff_t count) {
  return count >= WIDTH ? load(x) : load_part(x, count);
}

static INLINE void store_some(float *x, ptrdiff_t count, floats values) {
  if (count >= WIDTH) store(x, values);
  else store_part(x, count, values);
}

static INLINE floats floats_of(words bits) {
  floats x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Exact. */
static INLINE floats widened(muon_half half, halves x) {
  const words bits = __builtin_convertvector(x, words);
  if (half == MUON_HALF_BF16) return floats_of(bits << 16);
  const words magnitude = bits & 0x7FFFu;
  const words normal = (magnitude << 13) + (112u << 23), infinite = (magnitude << 13) + (224u << 23);
  /* An integer below 2^10, whose product with a power of two is exact, and normal. */
  const words small = bits_of(__builtin_convertvector((ints)magnitude, floats) * 0x1p-24f);
  const words finite = magnitude < 0x400u ? small : normal;
  return floats_of((magnitude >= 0x7C00u ? infinite : finite) |
                   (bits & 0x8000u) << 16);
}

/* Rounded to nearest even, past the largest to infinity. */
static INLINE halves narrowed(muon_half half, floats x) {
  const words bits = bits_of(x), magnitude = bits & 0x7FFFFFFFu;
  if (half == MUON_HALF_BF16) {
    const words rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    return __builtin_convertvector(is_nan(bits) ? bits >> 16 | 0x40u : rounded, halves);
  }
  const words offset = magnitude - (112u << 23);
  const words normal = (offset + 0xFFFu + (offset >> 13 & 1u)) >> 13;
  /* In units of 2^-24, of which less than a half is 0. */
  const words shift = __builtin_elementwise_min(
      __builtin_elementwise_max(126u - (magnitude >> 23), (words)1u), (words)31u);
  const words mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
  const words small = (mantissa + (1u << (shift - 1u)) - 1u + (mantissa >> shift & 1u)) >> shift;
  words result = magnitude < 113u << 23 ? small : normal;
  result = magnitude >= 143u << 23 ? (words)0x7C00u : result;
  result = is_nan(bits) ? (magnitude >> 13 & 0x3FFu) | 0x7E00u : result;
  return __builtin_convertvector(result | (bits >> 16 & 0x8000u), halves);
}

static INLINE void widen(muon_half half, ptrdiff_t count, const uint16_t *x, float *y) {
  for (ptrdiff_t i = 0; i < count; i += WIDTH)
    store_some(y + i, count - i, widened(half, load_halves(x + i, count - i)));
}

static INLINE void narrow(muon_half half, ptrdiff_t count, const float *x, uint16_t *y) {
  for (ptrdiff_t i = 0; i < count; i += WIDTH)
    store_halves(y + i, count - i, narrowed(half, load_some(x + i, count - i)));
}

static INLINE void follow(muon_half half, ptrdiff_t count, const uint16_t *p, float *master) {
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const halves pi = load_halves(p + i, count - i);
    const floats before = load_some(master + i, count - i);
    const words is = __builtin_convertvector(pi, words);
    const words rounded = __builtin_convertvector(narrowed(half, before), words);
    store_some(master + i, count - i, rounded == is ? before : widened(half, pi));
  }
}

static INLINE double sum_of_squared_halves(muon_half half, ptrdiff_t count, const uint16_t *x) {
  doubles sums = 0;
  for (ptrdiff_t i = 0; i < count; i += WIDTH)
    sums += squares(widened(half, load_halves(x + i, count - i)));
  return total(sums);
}

/* One function for each type, so that it is chosen once. */
#define FOR_HALF(call) \
  if (half == MUON_HALF_BF16) call(MUON_HALF_BF16); \
  else call(MUON_HALF_F16)

static void pass_widen(muon_half half, ptrdiff_t count, const uint16_t *x, float *y) {
#define CALL(half) widen(half, count, x, y)
  FOR_HALF(CALL);
#undef CALL
}

static void pass_narrow(muon_half half, ptrdiff_t count, const float *x, uint16_t *y) {
#define CALL(half) narrow(half, count, x, y)
  FOR_HALF(CALL);
#undef CALL
}

static void pass_follow(muon_half half, ptrdiff_t count, const uint16_t *p, float *master) {
#define CALL(half) follow(half, count, p, master)
  FOR_HALF(CALL);
#undef CALL
}

static double pass_sum_of_squared_halves(muon_half half, ptrdiff_t count, const uint16_t *x) {
#define CALL(half) return sum_of_squared_halves(half, count, x)
  FOR_HALF(CALL);
#undef CALL
}

#undef FOR_HALF

/* Magnitudes compare as the numbers do: only the highest is widened. */
static unsigned pass_highest_half(muon_half half, ptrdiff_t count, const uint16_t *x) {
  halves highest = 0;
  for (ptrdiff_t i = 0; i < count; i += WIDTH)
    highest = __builtin_elementwise_max(highest, load_halves(x + i, count - i) & 0x7FFF);
  const unsigned most = highest_of(__builtin_convertvector(highest, words));
  return bits_of(widened(half, (halves)(uint16_t)most))[0];
}

static void pass_split(ptrdiff_t count, const float *x, uint16_t *p, int16_t *remainder) {
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const words bits = bits_of(load_some(x + i, count - i));
    const words nearest = is_nan(bits) ? bits >> 16 | 0x40u : (bits + 0x8000u) >> 16;
    const words rest = is_nan(bits) ? (words)0u : bits;
    store_halves(p + i, count - i, __builtin_convertvector(nearest & 0xFFFFu, halves));
    store_halves((uint16_t *)remainder + i, count - i,
                 __builtin_convertvector(rest & 0xFFFFu, halves));
  }
}

static void pass_join(ptrdiff_t count, const uint16_t *p, const int16_t *remainder, float *x) {
  for (ptrdiff_t i = 0; i < count; i += WIDTH) {
    const words high = __builtin_convertvector(load_halves(p + i, count - i), words) << 16;
    const shorts rest = (shorts)load_halves((const uint16_t *)remainder + i, count - i);
    const words bits = high + (words)__builtin_convertvector(rest, ints);
    /* Not what `split` made, but an element that somebody has written since: a zero, say. */
    store_some(x + i, count - i, floats_of(is_nan(bits) ? high : bits));
  }
}
