/* Which kernels there are, and which the processor can run. */
#include "muon_kernels.h"

extern const muon_gemm_kernel muon_gemm_portable;
extern const muon_passes muon_passes_portable;

#if defined(__x86_64__)
extern const muon_gemm_kernel muon_gemm_avx2, muon_gemm_avx512, muon_gemm_avx512bf16;
extern const muon_passes muon_passes_avx2, muon_passes_avx512;

muon_cpu_level muon_kernels_cpu_level(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return MUON_CPU_BASELINE;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
    return MUON_CPU_AVX2;
  if (!__builtin_cpu_supports("avx512bf16")) return MUON_CPU_AVX512;
  return MUON_CPU_AVX512_BF16;
}

const muon_gemm_kernel *muon_gemm_kernel_f32(muon_cpu_level level) {
  if (level >= MUON_CPU_AVX512) return &muon_gemm_avx512;
  if (level >= MUON_CPU_AVX2) return &muon_gemm_avx2;
  return &muon_gemm_portable;
}

const muon_gemm_kernel *muon_gemm_kernel_bf16(muon_cpu_level level) {
  return level >= MUON_CPU_AVX512_BF16 ? &muon_gemm_avx512bf16 : NULL;
}

const muon_passes *muon_passes_for(muon_cpu_level level) {
  if (level >= MUON_CPU_AVX512) return &muon_passes_avx512;
  if (level >= MUON_CPU_AVX2) return &muon_passes_avx2;
  return &muon_passes_portable;
}
#else
muon_cpu_level muon_kernels_cpu_level(void) { return MUON_CPU_BASELINE; }

const muon_gemm_kernel *muon_gemm_kernel_f32(muon_cpu_level level) {
  (void)level;
  return &muon_gemm_portable;
}

const muon_gemm_kernel *muon_gemm_kernel_bf16(muon_cpu_level level) {
  (void)level;
  return NULL;
}

const muon_passes *muon_passes_for(muon_cpu_level level) {
  (void)level;
  return &muon_passes_portable;
}
#endif
