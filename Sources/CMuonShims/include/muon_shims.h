/* What Swift cannot say: thread-local storage, callbacks around fork, the CPU_COUNT macro, an allocator
 * in the place of malloc, extended attributes, and what is GNU's only. */
#ifndef MUON_SHIMS_H
#define MUON_SHIMS_H

#include <fenv.h>
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

/* Aligned memory, which is not taken from the reserve; NULL when there is none. For free. */
void *muon_shim_allocate(size_t alignment, size_t size);

/* Whether so much memory can be had just now. */
int muon_shim_has_memory(size_t size);

/* Whether a call may begin: 0 when the reserve was needed and there is still no memory. */
int muon_shim_reserve_is_ready(void);

/* What a call changes of its thread, and gives back: whether the thread can be cancelled, which would
 * leave locks held for ever; and where floating-point exceptions trap, the host's whole floating-point
 * environment. */
typedef struct muon_shim_call {
  int cancel_state;
  int had_traps;
  fenv_t environment;
} muon_shim_call;

void muon_shim_begin_call(muon_shim_call *call);
void muon_shim_end_call(const muon_shim_call *call);

/* The access control list of a file, which a symbolic link is not followed for: its bytes; 0 where it has
 * none; -1 where that cannot be told. */
ptrdiff_t muon_shim_get_access_list(const char *path, void *list, size_t size);

/* Gives an open file such a list; takes away the one it has where size is 0. -1 where that failed. */
int muon_shim_set_access_list(int descriptor, const void *list, size_t size);

/* Names of the instructions that kernels are chosen by, those that the processor has, with a space
 * between; cut off at size bytes with the NUL, of which there is at least 1. */
void muon_shim_cpu_features(char *text, size_t size);

/* A thread's part in the log: how many calls keep its messages back, the messages (the caller's), and
 * whether it is inside the handler. */
typedef struct muon_shim_log {
  int held;
  void *pending;
  int is_inside;
} muon_shim_log;

/* This thread's; zeros at first. */
__attribute__((returns_nonnull)) muon_shim_log *muon_shim_log_thread(void);

#endif
