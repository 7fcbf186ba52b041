#define _GNU_SOURCE
#include "muon_shims.h"

#include <string.h>

#ifdef __linux__
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

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

enum { BITS = 8 * sizeof(unsigned long) };

/* The kernel refuses a set that is too small for the machine. */
int muon_shim_thread_processors(int thread, muon_shim_processors *out) {
  memset(out, 0, sizeof *out);
  return sched_getaffinity(thread, sizeof *out, (cpu_set_t *)out) == 0;
}

int muon_shim_set_thread_processors(int thread, const muon_shim_processors *set) {
  return sched_setaffinity(thread, sizeof *set, (const cpu_set_t *)set) == 0;
}

int muon_shim_count_processors(const muon_shim_processors *set) {
  return CPU_COUNT_S(sizeof *set, (const cpu_set_t *)set);
}

void muon_shim_add_processor(muon_shim_processors *set, int processor) {
  if (processor >= 0 && (size_t)processor < 8 * sizeof *set)
    set->words[processor / BITS] |= 1ul << processor % BITS;
}

void muon_shim_remove_processor(muon_shim_processors *set, int processor) {
  if (processor >= 0 && (size_t)processor < 8 * sizeof *set)
    set->words[processor / BITS] &= ~(1ul << processor % BITS);
}

int muon_shim_this_processor(void) { return sched_getcpu(); }

int muon_shim_thread_id(void) { return (int)syscall(SYS_gettid); }
int muon_shim_main_thread_id(void) { return getpid(); }

int muon_shim_available_processors(void) {
  muon_shim_processors set;
  int count = muon_shim_thread_processors(0, &set) ? muon_shim_count_processors(&set) : 1;
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

int muon_shim_thread_processors(int thread, muon_shim_processors *out) {
  return (void)thread, (void)out, 0;
}
int muon_shim_set_thread_processors(int thread, const muon_shim_processors *set) {
  return (void)thread, (void)set, 0;
}
int muon_shim_count_processors(const muon_shim_processors *set) { return (void)set, 1; }
void muon_shim_add_processor(muon_shim_processors *set, int processor) { (void)set, (void)processor; }
void muon_shim_remove_processor(muon_shim_processors *set, int processor) {
  (void)set, (void)processor;
}
int muon_shim_this_processor(void) { return -1; }
int muon_shim_thread_id(void) { return 0; }
int muon_shim_main_thread_id(void) { return 0; }
#endif
