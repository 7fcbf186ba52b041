#include <stdio.h>
#include <string.h>

#include "muon_shims.h"

/* __builtin_cpu_supports wants a literal. */
#define ADD(name) \
  if (__builtin_cpu_supports(name)) add(text, size, name)

#if defined(__x86_64__)
static void add(char *text, size_t size, const char *name) {
  const size_t used = strlen(text);
  snprintf(text + used, size - used, "%s%s", used ? " " : "", name);
}
#endif

void muon_shim_cpu_features(char *text, size_t size) {
  text[0] = '\0';
#if defined(__x86_64__)
  ADD("avx");
  ADD("avx2");
  ADD("fma");
  ADD("avxvnni");
  ADD("avx512f");
  ADD("avx512bw");
  ADD("avx512vl");
  ADD("avx512dq");
  ADD("avx512vnni");
  ADD("avx512bf16");
  ADD("amx-tile");
  ADD("amx-int8");
  ADD("amx-bf16");
#else
  (void)size;
#endif
}
