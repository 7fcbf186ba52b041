#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "muon_shims.h"

enum { MOST = 8 };

static pthread_mutex_t *locks[MOST];
static int count;
static atomic_uint forks;
/* Held across forks too, so that no lock is added while one is under way. */
static pthread_mutex_t registration = PTHREAD_MUTEX_INITIALIZER;
/* And this one, which is taken before that. */
static pthread_mutex_t preparation = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_prepared;

/* In memory that is zeros in a child: so a fork is seen of which nobody told. NULL where the system has no
 * such memory. */
enum { UNSEEN = 0, SEEN, BEING_COUNTED };
static atomic_int *mark;

/* Whether this process, or one it comes from, is the child of a fork of which nobody told. */
static atomic_bool is_untold;

static void make_mark(void) {
#ifdef MADV_WIPEONFORK
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {
    munmap(page, 4096);
    return;
  }
  mark = page;
  atomic_store(mark, SEEN);
#endif
}

static void before_fork(void) {
  pthread_mutex_lock(&preparation);
  pthread_mutex_lock(&registration);
  for (int i = 0; i < count; i++) pthread_mutex_lock(locks[i]);
}

static void after_fork(void) {
  for (int i = count; i-- > 0;) pthread_mutex_unlock(locks[i]);
  pthread_mutex_unlock(&registration);
  pthread_mutex_unlock(&preparation);
}

static void after_fork_in_child(void) {
  forks++;
  if (mark) atomic_store(mark, SEEN);
  after_fork();
}

__attribute__((constructor)) static void see_forks(void) {
  make_mark();
  pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void muon_shim_prepare(void (*prepare)(void)) {
  if (atomic_load_explicit(&is_prepared, memory_order_acquire)) return;
  pthread_mutex_lock(&preparation);
  if (!is_prepared) prepare();
  atomic_store_explicit(&is_prepared, true, memory_order_release);
  pthread_mutex_unlock(&preparation);
}

int muon_shim_may_start_threads(void) {
  muon_shim_forks();
  return !is_untold;
}

unsigned muon_shim_forks(void) {
  if (mark && atomic_load(mark) != SEEN) {
    int found = UNSEEN;
    if (atomic_compare_exchange_strong(mark, &found, BEING_COUNTED)) {
      forks++;
      atomic_store(&is_untold, 1);
      atomic_store(mark, SEEN);
    }
    while (atomic_load(mark) != SEEN) sched_yield();
  }
  return forks;
}

void muon_shim_hold_across_forks(pthread_mutex_t *lock) {
  pthread_mutex_lock(&registration);
  if (count < MOST) locks[count++] = lock;
  pthread_mutex_unlock(&registration);
}
