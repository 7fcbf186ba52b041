#define _GNU_SOURCE
#include "muon_shims.h"

#ifdef __linux__
#include <sched.h>

int muon_shim_available_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}
#else
#include <unistd.h>

int muon_shim_available_processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}
#endif
