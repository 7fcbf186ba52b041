/* Threads that owe nothing to the one that starts them. */
#define _GNU_SOURCE
#include "muon_shims.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const size_t STACK = (size_t)1 << 20;

/* Runs the first argument with the second. What a thread is asked to be before it does. */
typedef struct request {
  void *(*run)(void *);
  void *argument;
  int policy, nice;
  int is_granted;
  sem_t answered;
} request;

static int is_real_time(int policy) {
  return policy == SCHED_FIFO || policy == SCHED_RR || policy == 6 /* SCHED_DEADLINE */;
}

static int policy_of(pid_t thread) {
  const int policy = sched_getscheduler(thread);
  return policy < 0 ? SCHED_OTHER : policy & ~0x40000000 /* SCHED_RESET_ON_FORK */;
}

static void *become(void *argument) {
  request *asked = argument;
  void *(*run)(void *) = asked->run;
  void *with = asked->argument;
  const struct sched_param none = {0};
  const id_t self = (id_t)syscall(SYS_gettid);
  /* One that is real-time still may always leave that. */
  asked->is_granted = sched_setscheduler(0, asked->policy, &none) == 0 &&
                      setpriority(PRIO_PROCESS, self, asked->nice) == 0;
  sem_post(&asked->answered);
  return run(with);
}

static int create(pthread_t *out, void *(*run)(void *), void *argument) {
  pthread_attr_t attributes;
  size_t stack = 0;
  if (pthread_attr_init(&attributes) != 0) return EAGAIN;
  pthread_attr_getstacksize(&attributes, &stack);
  if (stack < STACK) stack = STACK;
  int status;
  /* EINVAL: thread-local storage is on the stack, and a program may have much of it. */
  do {
    pthread_attr_setstacksize(&attributes, stack);
    status = pthread_create(out, &attributes, run, argument);
  } while (status == EINVAL && (stack *= 2) <= (size_t)64 << 20);
  pthread_attr_destroy(&attributes);
  return status;
}

int muon_shim_start_thread(pthread_t *out, void *(*run)(void *), void *argument) {
  if (!muon_shim_may_start_threads()) return 0;
  sigset_t every, before;
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, &before);
  request asked = {run, argument, policy_of(getpid()), getpriority(PRIO_PROCESS, (id_t)getpid()), 0, {{0}}};
  if (is_real_time(asked.policy)) asked.policy = SCHED_OTHER;
  int result;
  if (policy_of(0) == asked.policy && getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)) == asked.nice) {
    result = create(out, run, argument) == 0;
  } else {
    sem_init(&asked.answered, 0, 0);
    result = create(out, become, &asked) == 0;
    if (result) {
      while (sem_wait(&asked.answered) != 0) continue;
      if (!asked.is_granted) result = -1;
    }
    sem_destroy(&asked.answered);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}
