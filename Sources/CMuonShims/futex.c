#define _GNU_SOURCE
#include "muon_shims.h"

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void muon_shim_sleep_while(const void *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void muon_shim_wake_sleepers(const void *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 20, NULL, NULL, 0);
}
#else
#include <sched.h>

void muon_shim_sleep_while(const void *word, uint32_t value) { (void)word, (void)value, sched_yield(); }
void muon_shim_wake_sleepers(const void *word) { (void)word; }
#endif
