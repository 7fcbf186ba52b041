/* What AMX needs of the processor and of the system: see Linux's Documentation/arch/x86/xstate.rst. */
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "amx.h"

#ifdef MUON_TEST_ON_AVX512

int muon_amx_probe(void) { return has_avx512bf16(); }
int muon_amx_acquire(void) { return 1; }
void muon_amx_enter(void) {}
void muon_amx_leave(void) {}

#else

enum {
  GET_SUPPORTED = 0x1021, /* ARCH_GET_XCOMP_SUPP */
  GET_PERMITTED = 0x1022, /* ARCH_GET_XCOMP_PERM */
  REQUEST = 0x1023,       /* ARCH_REQ_XCOMP_PERM */
  TILE_DATA = 18          /* the number of the state */
};

static int has_bit(unsigned long bits, int bit) { return (int)(bits >> bit & 1); }

static int has_state(int question) {
  unsigned long states = 0;
#if defined(__linux__)
  if (syscall(SYS_arch_prctl, question, &states) != 0) return 0;
#else
  (void)question;
#endif
  return has_bit(states, TILE_DATA);
}

int muon_amx_probe(void) {
  enum { BF16 = 22, TILE = 24, INT8 = 25 }; /* bits of edx */
  unsigned eax, ebx, ecx, edx;
  if (!has_avx512bf16() || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return 0;
  return has_bit(edx, BF16) && has_bit(edx, TILE) && has_bit(edx, INT8) && has_state(GET_SUPPORTED);
}

int muon_amx_acquire(void) {
#if defined(__linux__)
  if (!has_state(GET_PERMITTED)) syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
#endif
  return has_state(GET_PERMITTED);
}

/* Palette 1: all tiles of 16 rows of 64 bytes. */
typedef struct configuration {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} configuration;

_Static_assert(sizeof(configuration) == 64, "as ldtilecfg reads it");

#define EIGHT(x) {x, x, x, x, x, x, x, x}

static const configuration all_whole = {
    .palette = 1, .row_bytes = EIGHT(TILE_STRIDE), .rows = EIGHT(SIDE)};

__attribute__((target(AMX))) void muon_amx_enter(void) { _tile_loadconfig(&all_whole); }
__attribute__((target(AMX))) void muon_amx_leave(void) { _tile_release(); }

#endif
#endif
