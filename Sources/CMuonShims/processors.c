#define _GNU_SOURCE
#include "muon_shims.h"

#ifdef __linux__
#include <sched.h>
#include <stdio.h>

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

int muon_shim_available_processors(void) {
  /* Room for 8192 processors; the kernel refuses a set that is too small for the machine. */
  cpu_set_t sets[8192 / CPU_SETSIZE];
  int count = 1;
  if (sched_getaffinity(0, sizeof sets, sets) == 0) count = CPU_COUNT_S(sizeof sets, sets);
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
#endif
