#define _GNU_SOURCE
#include "muon_shims.h"

#include <string.h>

#ifdef __linux__
#include <sched.h>
#include <unistd.h>

enum { WORDS = sizeof(muon_shim_processors) / sizeof(unsigned long) };

/* The kernel refuses a set that is too small for the machine. */
static int processors_of(pid_t thread, muon_shim_processors *out) {
  memset(out, 0, sizeof *out);
  return sched_getaffinity(thread, sizeof *out, (cpu_set_t *)out) == 0;
}

int muon_shim_own_processors(muon_shim_processors *out) { return processors_of(0, out); }

int muon_shim_this_processor(muon_shim_processors *out) {
  const int processor = sched_getcpu();
  memset(out, 0, sizeof *out);
  if (processor < 0 || (size_t)processor >= 8 * sizeof *out) return 0;
  CPU_SET_S((size_t)processor, sizeof *out, (cpu_set_t *)out);
  return 1;
}

int muon_shim_count_processors(const muon_shim_processors *set) {
  return CPU_COUNT_S(sizeof *set, (const cpu_set_t *)set);
}

int muon_shim_worker_processors(muon_shim_processors *out) {
  muon_shim_processors main_thread;
  if (!processors_of(0, out)) return 0;
  if (processors_of(getpid(), &main_thread))
    for (size_t i = 0; i < WORDS; i++) out->words[i] |= main_thread.words[i];
  return 1;
}

int muon_shim_place_thread(pthread_t thread, const muon_shim_processors *set,
                           muon_shim_processors *last) {
  if (memcmp(set, last, sizeof *set) == 0) return 1;
  if (pthread_setaffinity_np(thread, sizeof *set, (const cpu_set_t *)set) != 0) return 0;
  *last = *set;
  return 1;
}

int muon_shim_allowed_processors(void) {
  muon_shim_processors set;
  return processors_of(0, &set) ? muon_shim_count_processors(&set) : 0;
}
#else
#include <unistd.h>

int muon_shim_allowed_processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

int muon_shim_own_processors(muon_shim_processors *out) { return (void)out, 0; }
int muon_shim_this_processor(muon_shim_processors *out) { return (void)out, 0; }
int muon_shim_count_processors(const muon_shim_processors *set) { return (void)set, 1; }
int muon_shim_worker_processors(muon_shim_processors *out) { return (void)out, 0; }
int muon_shim_place_thread(pthread_t thread, const muon_shim_processors *set,
                           muon_shim_processors *last) {
  return (void)thread, (void)set, (void)last, 0;
}
#endif
