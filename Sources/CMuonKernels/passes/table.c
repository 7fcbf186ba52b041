/* The table of element-wise passes, from the plainest. */
#include "muon_kernels.h"

#if defined(__x86_64__)
#define FOR_EACH(row) row(muon_passes_portable) row(muon_passes_avx2) row(muon_passes_avx512)
#else
#define FOR_EACH(row) row(muon_passes_portable)
#endif

#define DECLARE(passes) extern const muon_passes passes;
FOR_EACH(DECLARE)

#define ROW(passes) &passes,
static const muon_passes *const table[] = {FOR_EACH(ROW)};

enum { COUNT = sizeof table / sizeof *table };

const muon_passes *muon_passes_at(int index) {
  return index >= 0 && index < COUNT ? table[index] : NULL;
}

const muon_passes *muon_passes_for(const char *cap) {
  int last = COUNT - 1;
  while (last > 0 && !(muon_kernels_allows(cap, table[last]->level) && table[last]->probe()))
    last--;
  return table[last];
}
