/* The most this core can do: loops of multiply-adds that never leave the registers. */
#define _DEFAULT_SOURCE
#include <time.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif
#if defined(__AMX_INT8__) && defined(__AMX_BF16__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#define HAS_TILES 1
#else
#define HAS_TILES 0
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
/* Pairs of 16-bit integers, where VNNI is not there by two instructions; and four of 8 bits. */
#if defined(__AVX512VNNI__)
#define DOT_INT16(sum, x, y) _mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)y)
#define DOT_INT8(sum, x, y) _mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)y)
#elif defined(__AVX512BW__)
#define DOT_INT16(sum, x, y) \
  _mm512_add_epi32((__m512i)sum, _mm512_madd_epi16((__m512i)x, (__m512i)y))
#elif defined(__AVXVNNI__)
#define DOT_INT16(sum, x, y) _mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)y)
#define DOT_INT8(sum, x, y) _mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)y)
#elif defined(__AVX2__)
#define DOT_INT16(sum, x, y) \
  _mm256_add_epi32((__m256i)sum, _mm256_madd_epi16((__m256i)x, (__m256i)y))
#endif
/* To the compiler x has changed too, so that products are not made once for all. */
#define ADD_INT16(sum) sum = (vector)DOT_INT16(sum, x, y); KEEP(sum) KEEP(x)
#define ADD_INT8(sum) sum = (vector)DOT_INT8(sum, x, y); KEEP(sum) KEEP(x)
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

#if HAS_TILES
/* Tiles of 16 rows of 64 bytes; 0 if the system does not let the process have them. */
static int begin_tiles(void) {
  enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, the number of the state */
  if (syscall(SYS_arch_prctl, REQUEST, TILE_DATA) != 0) return 0;
#define EIGHT(x) x, x, x, x, x, x, x, x
  static const struct {
    unsigned char palette, start_row, reserved[14];
    unsigned short row_bytes[16];
    unsigned char rows[16];
  } all_whole = {.palette = 1, .row_bytes = {EIGHT(64)}, .rows = {EIGHT(16)}};
  _tile_loadconfig(&all_whole);
  static const short ones[32] = {EIGHT(0x3f80), EIGHT(0x3f80), EIGHT(0x3f80), EIGHT(0x3f80)};
  _tile_loadd(4, ones, 0);
  _tile_loadd(5, ones, 0);
  return 1;
}

#define BEST_TILE_RATE(DOT, OPERATIONS)                              \
  double best = 0;                                                   \
  for (int attempt = 0; attempt < TRIES; attempt++) {                \
    double start = now();                                            \
    for (long loop = 0; loop < LOOPS; loop++) {                      \
      DOT(0, 4, 5); DOT(1, 4, 5); DOT(2, 4, 5); DOT(3, 4, 5);        \
    }                                                                \
    double rate = LOOPS * 4.0 * (OPERATIONS) / (now() - start);      \
    if (rate > best) best = rate;                                    \
  }                                                                  \
  _tile_release();                                                   \
  return best

static double tile_bf16(void) {
  if (!begin_tiles()) return 0;
  BEST_TILE_RATE(_tile_dpbf16ps, 2.0 * 16 * 16 * 32);
}

static double tile_int8(void) {
  if (!begin_tiles()) return 0;
  BEST_TILE_RATE(_tile_dpbssd, 2.0 * 16 * 16 * 64);
}
#else
static double tile_bf16(void) { return 0; }
static double tile_int8(void) { return 0; }
#endif

/* The same in bf16; 0 if this processor has no AVX512-BF16. */
double peak_bf16(void) {
  const double of_tiles = tile_bf16();
  if (of_tiles > 0) return of_tiles;
#if defined(__AVX512BF16__)
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f80), y = x;
  BEST_RATE(ADD_BF16, 4.0 * WIDTH);
#else
  return 0;
#endif
}

/* The same in int16, of which a product is four of tiles; 0 if this processor has no AVX2. */
double peak_int16(void) {
  const double of_tiles = tile_int8();
  if (of_tiles > 0) return of_tiles / 4;
#if defined(DOT_INT16)
  vector x = {0}, y = {0};
  KEEP(x) KEEP(y)
  BEST_RATE(ADD_INT16, 4.0 * WIDTH);
#else
  return 0;
#endif
}

/* The same in int8; 0 if it has no VNNI. */
double peak_int8(void) {
  const double of_tiles = tile_int8();
  if (of_tiles > 0) return of_tiles;
#if defined(DOT_INT8)
  vector x = {0}, y = {0};
  KEEP(x) KEEP(y)
  BEST_RATE(ADD_INT8, 8.0 * WIDTH);
#else
  return 0;
#endif
}
