#define _GNU_SOURCE
#include "muon_shims.h"

#include <string.h>

#ifdef __linux__
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { WORDS = sizeof(muon_shim_processors) / sizeof(unsigned long) };

/* The processors a container is limited to, rounded up; 0 where there is no limit. */
static int cgroup_quota(void) {
  long long quota = -1, period = 0;
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (file) { /* version 2: "max 100000" is no limit */
    if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1;
    fclose(file);
  } else { /* version 1: -1 is no limit */
    if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
      if (fscanf(file, "%lld", &quota) != 1) quota = -1;
      fclose(file);
    }
    if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re"))) {
      if (fscanf(file, "%lld", &period) != 1) period = 0;
      fclose(file);
    }
  }
  if (quota <= 0 || period <= 0 || quota / period > 1 << 20) return 0;
  return (int)((quota + period - 1) / period);
}

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

int muon_shim_available_processors(void) {
  muon_shim_processors set;
  int count = processors_of(0, &set) ? muon_shim_count_processors(&set) : 1;
  const int quota = cgroup_quota();
  if (quota > 0 && quota < count) count = quota;
  return count > 0 ? count : 1;
}
#else
#include <unistd.h>

int muon_shim_available_processors(void) {
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
