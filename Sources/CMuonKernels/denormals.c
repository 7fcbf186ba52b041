#include "muon_kernels.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

unsigned muon_denormals_flush(void) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
  return before;
}

unsigned muon_denormals_keep(void) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before & ~(unsigned)(FLUSH_TO_ZERO | DENORMALS_ARE_ZERO));
  return before;
}

void muon_denormals_restore(unsigned before) { _mm_setcsr(before); }

unsigned muon_exceptions_mask(void) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | _MM_MASK_MASK);
  return before;
}

void muon_exceptions_restore(unsigned before) { _mm_setcsr(before); }
#else
unsigned muon_denormals_flush(void) { return 0; }
unsigned muon_denormals_keep(void) { return 0; }
void muon_denormals_restore(unsigned before) { (void)before; }
unsigned muon_exceptions_mask(void) { return 0; }
void muon_exceptions_restore(unsigned before) { (void)before; }
#endif
