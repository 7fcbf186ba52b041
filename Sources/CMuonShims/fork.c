#include <pthread.h>

#include "muon_shims.h"

enum { MOST = 8 };

static pthread_mutex_t *locks[MOST];
static int count;
static unsigned forks;
/* Held across forks too, so that no lock is added while one is under way. */
static pthread_mutex_t registration = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) {
  pthread_mutex_lock(&registration);
  for (int i = 0; i < count; i++) pthread_mutex_lock(locks[i]);
}

static void after_fork(void) {
  for (int i = count; i-- > 0;) pthread_mutex_unlock(locks[i]);
  pthread_mutex_unlock(&registration);
}

static void after_fork_in_child(void) {
  forks++;
  after_fork();
}

unsigned muon_shim_forks(void) { return forks; }

void muon_shim_hold_across_forks(pthread_mutex_t *lock) {
  pthread_mutex_lock(&registration);
  if (count == 0) pthread_atfork(before_fork, after_fork, after_fork_in_child);
  if (count < MOST) locks[count++] = lock;
  pthread_mutex_unlock(&registration);
}
