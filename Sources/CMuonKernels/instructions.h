/* The instruction sets that files here are compiled for: what to tell the compiler, and whether the
 * processor and the operating system have them. */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

static inline int has_any_processor(void) { return 1; }

#if defined(__x86_64__)

#define AVX2 "avx2,fma"
static inline int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Whether a core multiplies two vectors of integers a cycle, as it does of floats: all but the first that had
 * AVX2 do. */
static inline int has_two_integer_multipliers(void) {
  return has_avx2() && !__builtin_cpu_is("haswell") && !__builtin_cpu_is("broadwell") &&
         !__builtin_cpu_is("bdver4") && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2");
}

#define AVX_VNNI AVX2 ",avxvnni"
static inline int has_avxvnni(void) {
  return has_avx2() && __builtin_cpu_supports("avxvnni");
}

#define AVX512 "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"
static inline int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

#define AVX512_VNNI AVX512 ",avx512vnni"
static inline int has_avx512vnni(void) {
  return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

#define AVX512_BF16 AVX512 ",avx512bf16"
static inline int has_avx512bf16(void) {
  return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* Tiles of bfloat16 and of 8-bit integers; see products/amx.h for what the system must grant. */
#define AMX AVX512_BF16 ",amx-tile,amx-int8,amx-bf16"

#endif
#endif
