#include "muon_shims.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

/* Read here, for a host may set either half, and fegetexcept looks at the older one alone. */
static int has_traps(void) {
  unsigned short control;
  __asm__ volatile("fnstcw %0" : "=m"(control));
  return (~_mm_getcsr() & 0x1f80u) != 0 || (~control & 0x3fu) != 0;
}
#elif defined(__GLIBC__)
int fegetexcept(void);
static int has_traps(void) { return fegetexcept() > 0; }
#else
static int has_traps(void) { return 1; }
#endif

void muon_shim_begin_call(muon_shim_call *call) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call->cancel_state);
  call->had_traps = has_traps();
  if (call->had_traps) feholdexcept(&call->environment);
}

void muon_shim_end_call(const muon_shim_call *call) {
  if (call->had_traps) fesetenv(&call->environment);
  pthread_setcancelstate(call->cancel_state, NULL);
}
