/* The end of the process, which takes OpenBLAS away: its destructor gives back the memory that other threads
 * may be computing in. So exit waits until they have left, and lets none in after that. */
#include "muon_shims.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* How many threads are inside, and above them, after how many forks that was counted: in a child only the
 * one that forked is there. */
static _Atomic uint64_t inside;
/* How often this thread is. */
static _Thread_local unsigned own;
/* 0, or 1 and the forks before this process when it began to end. */
static _Atomic uint64_t ending;
static pthread_t ender;

static unsigned count_now(uint64_t counted, unsigned forks) {
  return counted >> 32 == forks ? (unsigned)counted : own;
}

static void change(int by) {
  const unsigned forks = muon_shim_forks();
  uint64_t now = atomic_load(&inside), next;
  do next = (uint64_t)forks << 32 | (count_now(now, forks) + (unsigned)by);
  while (!atomic_compare_exchange_weak(&inside, &now, next));
  own += (unsigned)by;
}

/* The calling thread may be inside itself: a signal handler may end the process. */
static void wait_for_others(void) {
  const struct timespec pause = {0, 500000};
  const unsigned forks = muon_shim_forks();
  ender = pthread_self();
  atomic_store(&ending, (uint64_t)forks + 1);
  while (count_now(atomic_load(&inside), forks) > own) nanosleep(&pause, NULL);
}

int muon_shim_wait_at_exit(void) {
  /* Destructors of libraries run after such handlers, whatever was loaded or registered first. */
  static int is_registered;
  if (!is_registered) is_registered = atexit(wait_for_others) == 0;
  return is_registered;
}

int muon_shim_enter_openblas(void) {
  change(1);
  if (atomic_load(&ending) != (uint64_t)muon_shim_forks() + 1) return 1;
  /* What is left of the host's own code in this thread may go on. */
  if (own > 1 || pthread_equal(ender, pthread_self())) return 1;
  change(-1);
  return 0;
}

void muon_shim_leave_openblas(void) { change(-1); }
