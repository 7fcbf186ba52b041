#if defined(__x86_64__)
#include <string.h>

#include "muon_kernels.h"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PASSES muon_passes_avx2
#include "passes.h"
#pragma clang attribute pop
#endif
