#if defined(__x86_64__)
#include <string.h>

#include "muon_kernels.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)
#define PASSES muon_passes_avx512
#include "passes.h"
#pragma clang attribute pop
#endif
