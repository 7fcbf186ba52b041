/* What Swift cannot say: thread-local storage, callbacks around fork, the CPU_COUNT macro, and what is
 * GNU's only. */
#ifndef MUON_SHIMS_H
#define MUON_SHIMS_H

#include <pthread.h>
#include <stddef.h>

/* Keeps a copy of the first bytes of a text for this thread, cut at a character's border where it is
 * too long. */
void muon_shim_set_last_error(const char *utf8, size_t length);

/* This thread's text, NUL-terminated; "" before the first. */
const char *muon_shim_last_error(void);

/* From now on fork waits for this lock, and child and parent both come out of it with the lock free.
 * For the few locks of the whole library, which are never taken one inside the other. */
void muon_shim_hold_across_forks(pthread_mutex_t *lock);

/* How many forks lie between this process and the one that loaded the library. Unlike the process's
 * number, a child never shares it with its parent, not even in a PID namespace of its own. Counts once
 * there is a lock that is held across forks. */
unsigned muon_shim_forks(void);

/* Names this thread muon-1, muon-2 ..., as debuggers and top show it. */
void muon_shim_name_thread(int number);

/* The processors this process may use, by its affinity mask and the quota of its cgroup; 1 where that
 * cannot be told. */
int muon_shim_available_processors(void);

#endif
