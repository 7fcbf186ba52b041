/* What Swift cannot say: thread-local storage, callbacks around fork, the CPU_COUNT macro, an allocator
 * in the place of malloc, extended attributes, and what is GNU's only. */
#ifndef MUON_SHIMS_H
#define MUON_SHIMS_H

#include <fenv.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Keeps a copy of the first bytes of a text for this thread, cut at a character's border where it is
 * too long. */
void muon_shim_set_last_error(const char *utf8, size_t length);

/* This thread's text, NUL-terminated; "" before the first. */
const char *muon_shim_last_error(void);

/* From now on fork waits for this lock, and child and parent both come out of it with the lock free.
 * For the few locks of the whole library, which are never taken one inside the other. */
void muon_shim_hold_across_forks(pthread_mutex_t *lock);

/* Calls this once in the process, before the first call returns; fork waits for it. For what is made when it is
 * first used: Swift makes it under a lock that stays taken in the child of a fork meanwhile. */
void muon_shim_prepare(void (*prepare)(void));

/* How many forks lie between this process and the one that loaded the library. Unlike the process's
 * number, a child never shares it with its parent, not even in a PID namespace of its own. Counts also forks
 * of which the C library does not tell, such as those by another C library in the process (dlmopen). */
unsigned muon_shim_forks(void);

/* Whether this process can start threads: in a child of a fork of which the C library did not tell, it would
 * crash, for the stacks of the threads that stayed behind are not its own to use again. */
int muon_shim_may_start_threads(void);

/* Names this thread muon-1, muon-2 ..., as debuggers and top show it. */
void muon_shim_name_thread(int number);

/* How many processors this thread may run on; 0 where that cannot be told. */
int muon_shim_allowed_processors(void);

/* A set of processors, with room for 8192. */
typedef struct muon_shim_processors {
  unsigned long words[8192 / (8 * sizeof(unsigned long))];
} muon_shim_processors;

/* The processors this thread may run on, and the one that it runs on just now. They return 0 where that
 * cannot be told. */
int muon_shim_own_processors(muon_shim_processors *out);
int muon_shim_this_processor(muon_shim_processors *out);
int muon_shim_count_processors(const muon_shim_processors *set);

/* Where threads that help this one may run: on the processors of the process, which are those of its main
 * thread and of this one. Returns 0 where that cannot be told. */
int muon_shim_worker_processors(muon_shim_processors *out);

/* Keeps a thread on some processors from now on, unless last says that it is there; then notes it there.
 * Returns 0 where it was refused. */
int muon_shim_place_thread(pthread_t thread, const muon_shim_processors *set,
                           muon_shim_processors *last);

/* Starts a thread that blocks all signals and, whatever this one's scheduling and the default stack, has
 * 1 MiB of stack and the scheduling of the main thread, but no real-time one. Returns 0 where there is no
 * further thread; -1 where it may not have that scheduling, and has this one's. It must be detached. */
int muon_shim_start_thread(pthread_t *out, void *(*run)(void *), void *argument);


/* Sleeps until it is woken, if the word has that value; may return before. The one that changes the word
 * wakes all who sleep at its address, which is not read. */
void muon_shim_sleep_while(const void *word, uint32_t value);
void muon_shim_wake_sleepers(const void *word);

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

/* What is used of OpenBLAS. LAPACK is column-major; 101 and 111 are CBLAS's row-major and "as it is". */
typedef struct muon_shim_openblas {
  void (*sgesdd)(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s,
                 float *u, const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork,
                 int *iwork, int *info);
  void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                int lda, const float *b, int ldb, float beta, float *c, int ldc);
  char *(*config)(void);
  char *(*corename)(void);
  int (*get_threads)(void);
  void (*set_threads)(int count);
} muon_shim_openblas;

typedef enum muon_shim_openblas_status {
  MUON_SHIM_OPENBLAS_FOUND,
  MUON_SHIM_OPENBLAS_MISSING,
  MUON_SHIM_OPENBLAS_REFUSED,
  MUON_SHIM_OPENBLAS_NO_MEMORY,
} muon_shim_openblas_status;

/* Finds OpenBLAS, and loads it where nobody has. The text says why not, in the loader's words where it has
 * some. For one thread at a time, inside of muon_shim_enter_openblas. */
muon_shim_openblas_status muon_shim_find_openblas(muon_shim_openblas *out, char *problem, size_t size);

/* From now on exit waits for the threads that are in OpenBLAS. 0 where there is no memory for that. For one
 * thread at a time. */
int muon_shim_wait_at_exit(void);

/* Around what a thread, and those that help it, do with OpenBLAS; one within the other, too. Returns 0, and
 * there is nothing to leave then, where another thread has begun to end the process. */
int muon_shim_enter_openblas(void);
void muon_shim_leave_openblas(void);

/* ---- Lists on the stack --------------------------------------------------------------------- */

/* Some pointers in place. Swift has such a type, InlineArray, but makes what it needs of it when it is
 * first used, with memory from the heap. */
enum { MUON_SHIM_MOST_POINTERS = 256 };
typedef struct muon_shim_pointers {
  const void *at[MUON_SHIM_MOST_POINTERS];
} muon_shim_pointers;

/* index is in range. */
static inline const void *muon_shim_pointer(const muon_shim_pointers *list, ptrdiff_t index) {
  return list->at[index];
}
static inline void muon_shim_set_pointer(muon_shim_pointers *list, ptrdiff_t index,
                                         const void *pointer) {
  list->at[index] = pointer;
}

#endif
