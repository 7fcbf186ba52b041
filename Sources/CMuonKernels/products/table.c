/* The table of micro-kernels, from the plainest, and what the processor and MUON_MAX_CPU allow of
 * it. */
#include <string.h>

#include "muon_kernels.h"

#if defined(__x86_64__)
#define FOR_EACH_KERNEL(row)   \
  row(muon_gemm_portable)      \
  row(muon_gemm_avx2)          \
  row(muon_gemm_avx2int16)     \
  row(muon_gemm_avx2int16fast) \
  row(muon_gemm_avxvnni16)     \
  row(muon_gemm_avxvnni8)      \
  row(muon_gemm_avx512)        \
  row(muon_gemm_avx512vnni16)  \
  row(muon_gemm_avx512vnni8)   \
  row(muon_gemm_avx512bf16)    \
  row(muon_gemm_amxbf16)       \
  row(muon_gemm_amxint16)      \
  row(muon_gemm_amxint8)
#else
#define FOR_EACH_KERNEL(row) row(muon_gemm_portable)
#endif

#define DECLARE(kernel) extern const muon_gemm_kernel kernel;
FOR_EACH_KERNEL(DECLARE)

#define ROW(kernel) &kernel,
static const muon_gemm_kernel *const kernels[] = {FOR_EACH_KERNEL(ROW)};

enum { COUNT = sizeof kernels / sizeof *kernels };

const muon_gemm_kernel *muon_gemm_kernel_at(int index) {
  return index >= 0 && index < COUNT ? kernels[index] : NULL;
}

/* The last row with this level; the last of all for no name, or none of these. */
static int last_row(const char *level) {
  int last = COUNT - 1;
  while (last > 0 && level && strcmp(kernels[last]->level, level) != 0) last--;
  return last;
}

int muon_kernels_allows(const char *cap, const char *level) {
  return last_row(level) <= last_row(cap);
}

const muon_gemm_kernel *muon_gemm_kernel_for(muon_element element, const char *cap,
                                             const muon_gemm_kernel *refused) {
  const muon_gemm_kernel *best = NULL;
  for (int i = 0; i <= last_row(cap); i++) {
    const muon_gemm_kernel *kernel = kernels[i];
    if (kernel->element != element || (refused && kernel->speed >= refused->speed)) continue;
    if ((!best || kernel->speed > best->speed) && kernel->probe()) best = kernel;
  }
  return best;
}

const char *muon_kernels_level(const char *cap) {
  int last = last_row(cap);
  while (last > 0 && !kernels[last]->probe()) last--;
  return kernels[last]->level;
}
