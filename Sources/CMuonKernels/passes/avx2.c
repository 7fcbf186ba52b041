#if defined(__x86_64__)
#include <string.h>

#include "../instructions.h"
#include "muon_kernels.h"
#pragma clang attribute push(__attribute__((target(AVX2))), apply_to = function)
#define PASSES muon_passes_avx2
#define LEVEL "avx2"
#define PROBE has_avx2
#include "passes.h"
#pragma clang attribute pop
#endif
