/* The most this core can do: loops of multiply-adds that never leave the registers. */
#define _POSIX_C_SOURCE 199309L
#include <time.h>
#if defined(__AVX512BF16__) || defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#if defined(__x86_64__) && defined(__AVX512F__)
#define IN_REGISTER "+v"
#elif defined(__x86_64__)
#define IN_REGISTER "+x"
#else
#define IN_REGISTER "+w" /* Arm */
#endif
#define LOOPS 4000000L
#define TRIES 5

typedef float vector __attribute__((vector_size(4 * WIDTH)));

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static volatile float sink;

/* Twelve sums that do not depend on each other: more than the units can have in flight. */
#define TWELVE(DO) \
  DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define DECLARE(sum) vector sum = {0};
/* The asm says that the sum has changed, so that nothing can be done beforehand or left out. */
#define KEEP(sum) __asm__("" : IN_REGISTER(sum));
#define ADD_F32(sum) sum += x * y; KEEP(sum)
#define ADD_BF16(sum) sum = (vector)_mm512_dpbf16_ps((__m512)sum, x, y); KEEP(sum)
#define ADD_INT16(sum) \
  sum = (vector)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)y); KEEP(sum)
#define ADD_INT8(sum) \
  sum = (vector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)y); KEEP(sum)
#define READ(sum) sink = sum[0];

#define BEST_RATE(ADD, OPERATIONS)                           \
  double best = 0;                                           \
  for (int attempt = 0; attempt < TRIES; attempt++) {        \
    TWELVE(DECLARE)                                          \
    double start = now();                                    \
    for (long loop = 0; loop < LOOPS; loop++) { TWELVE(ADD) } \
    double rate = LOOPS * 12.0 * (OPERATIONS) / (now() - start); \
    TWELVE(READ)                                             \
    if (rate > best) best = rate;                            \
  }                                                          \
  return best

/* Operations a second in f32. */
double peak_f32(void) {
  vector x = (vector){0} + 1.0f, y = (vector){0} + 0.5f;
  KEEP(x) KEEP(y)
  BEST_RATE(ADD_F32, 2.0 * WIDTH);
}

/* The same in bf16; 0 if this processor has no AVX512-BF16. */
double peak_bf16(void) {
#if defined(__AVX512BF16__)
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f80), y = x;
  BEST_RATE(ADD_BF16, 4.0 * WIDTH);
#else
  return 0;
#endif
}

/* The same in int16; 0 if this processor has no AVX512-VNNI. */
double peak_int16(void) {
#if defined(__AVX512VNNI__)
  vector x = (vector)_mm512_set1_epi16(1), y = x;
  KEEP(x) KEEP(y)
  BEST_RATE(ADD_INT16, 4.0 * WIDTH);
#else
  return 0;
#endif
}

/* The same in int8. */
double peak_int8(void) {
#if defined(__AVX512VNNI__)
  vector x = (vector)_mm512_set1_epi8(1), y = x;
  KEEP(x) KEEP(y)
  BEST_RATE(ADD_INT8, 8.0 * WIDTH);
#else
  return 0;
#endif
}
