#if defined(__x86_64__)
#include <string.h>

#include "../instructions.h"
#include "muon_kernels.h"
#pragma clang attribute push(__attribute__((target(AVX512))), apply_to = function)
#define PASSES muon_passes_avx512
#define LEVEL "avx512"
#define PROBE has_avx512
#include "passes.h"
#pragma clang attribute pop
#endif
