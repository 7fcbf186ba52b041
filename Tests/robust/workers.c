/* The library's threads owe nothing to the thread that makes the first step: workers CASE. Each case is a
 * process of its own. Prints "fine". */
#define _GNU_SOURCE
#include <dirent.h>
#include <fenv.h>
#include <limits.h>
#include <muon.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define EXPECT(condition)                                                             \
  do {                                                                                \
    if (!(condition))                                                                 \
      printf("line %d: %s: %s\n", __LINE__, #condition, muon_last_error()), exit(1); \
  } while (0)

enum { SIDE = 300, MATRICES = 3 };
static float data[MATRICES][SIDE * SIDE], grad[SIDE * SIDE];
static muon_optimizer *optimizer;

static void make(void) {
  const int64_t shape[2] = {SIDE, SIDE};
  muon_param param;
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i * 7 % 23) - 11;
  memset(data, 0, sizeof data);
  EXPECT(muon_optimizer_create_muon(NULL, &optimizer) == MUON_OK);
  for (int i = 0; i < MATRICES; i++) {
    EXPECT(muon_param_init(&param, sizeof param) == MUON_OK);
    param.ndim = 2, param.shape = shape, param.data = data[i], param.grad = grad;
    param.data_count = param.grad_count = SIDE * SIDE;
    EXPECT(muon_optimizer_add_param(optimizer, 0, &param, NULL) == MUON_OK);
  }
}

static void step(void) { EXPECT(muon_optimizer_step(optimizer) == MUON_OK); }

/* The library's threads, to out; their number. */
static int workers(pid_t out[32]) {
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *entry;
  int count = 0;
  while (tasks && (entry = readdir(tasks))) {
    char path[600], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE *file = fopen(path, "r");
    if (file && fgets(name, sizeof name, file) && strncmp(name, "muon-", 5) == 0)
      out[count++] = atoi(entry->d_name);
    if (file) fclose(file);
  }
  if (tasks) closedir(tasks);
  return count;
}

/* There is one, and it is scheduled as the main thread is at first. */
static void expect_normal(const cpu_set_t *process) {
  pid_t found[32];
  cpu_set_t its;
  EXPECT(workers(found) == 1);
  EXPECT(sched_getscheduler(found[0]) == SCHED_OTHER);
  EXPECT(getpriority(PRIO_PROCESS, (id_t)found[0]) == getpriority(PRIO_PROCESS, (id_t)getpid()));
  EXPECT(sched_getaffinity(found[0], sizeof its, &its) == 0);
  EXPECT(CPU_EQUAL(process, &its));
}

static const char *how;
static void *odd_thread(void *unused) {
  const struct sched_param first = {.sched_priority = 10}, none = {0};
  const id_t self = (id_t)syscall(SYS_gettid);
  if (strstr(how, "fifo") && sched_setscheduler(0, SCHED_FIFO, &first)) puts("not permitted"), exit(0);
  if (strstr(how, "idle")) EXPECT(sched_setscheduler(0, SCHED_IDLE, &none) == 0);
  if (strstr(how, "batch")) EXPECT(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
  if (strstr(how, "nice")) EXPECT(setpriority(PRIO_PROCESS, self, 15) == 0);
  if (strstr(how, "pinned")) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    EXPECT(pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0);
  }
  step(), step();
  return unused;
}

/* A thread of an odd kind makes the first step. What it wants and may not do is for its own steps only. */
static void odd(const char *name) {
  cpu_set_t process;
  pthread_t thread;
  pid_t found[32];
  how = name;
  EXPECT(sched_getaffinity(0, sizeof process, &process) == 0);
  if (strstr(how, "nobody") && (setgid(65534) || setuid(65534))) puts("not permitted"), exit(0);
  EXPECT(pthread_create(&thread, NULL, odd_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  if (strstr(how, "nobody")) {
    for (int tries = 0; workers(found) > 0 && tries < 1000; tries++) usleep(1000);
    EXPECT(workers(found) == 0);
  } else {
    expect_normal(&process);
  }
  step();
  expect_normal(&process);
}

/* A processor is taken away from the process: workers leave it at the next step. */
static void moved(void) {
  cpu_set_t process, one;
  EXPECT(sched_getaffinity(0, sizeof process, &process) == 0);
  step();
  expect_normal(&process);
  size_t last = CPU_SETSIZE;
  while (!CPU_ISSET(--last, &process)) continue;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  EXPECT(sched_setaffinity(0, sizeof one, &one) == 0);
  step();
  expect_normal(&one);
  EXPECT(sched_setaffinity(0, sizeof process, &process) == 0);
  step();
  expect_normal(&process);
}

/* Threads are made with tiny stacks. */
static void tiny_stacks(void) {
  pthread_attr_t attributes;
  pid_t found[32];
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
  EXPECT(pthread_setattr_default_np(&attributes) == 0);
  step();
  EXPECT(workers(found) == 1);
}

/* A host that lets the first underflow of a thread pass, and what comes after it. */
static void let_pass(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr |= 0x1f80;
}

/* Rounding and denormals are the caller's, whatever the worker started with; its traps are not: their
 * signal, which a worker blocks, would end the process. */
static void floating_point(void) {
  static float results[2][MATRICES][SIDE * SIDE];
  static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (int mode = 0; mode < 4; mode++) {
    fesetround(modes[mode]);
    for (int threads = 1; threads <= 2; threads++) {
      make();
      EXPECT(muon_set_num_threads(threads) == MUON_OK);
      step(), step();
      memcpy(results[threads - 1], data, sizeof data);
      EXPECT(muon_optimizer_destroy(optimizer) == MUON_OK);
    }
    EXPECT(memcmp(results[0], results[1], sizeof data) == 0);
  }
  struct sigaction action = {.sa_sigaction = let_pass, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, NULL);
  for (int traps = 0; traps < 2; traps++) {
    make();
    /* Denormal when they are divided by the norm. */
    for (int i = 0; i < SIDE * SIDE; i += 7) grad[i] = 1e-37f;
    if (traps) feenableexcept(FE_UNDERFLOW);
    const muon_status status = muon_optimizer_step(optimizer);
    fedisableexcept(FE_ALL_EXCEPT);
    EXPECT(status == MUON_OK);
    memcpy(results[traps], data, sizeof data);
  }
  EXPECT(memcmp(results[0], results[1], sizeof data) == 0);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  alarm(60);
  EXPECT(muon_set_num_threads(2) == MUON_OK);
  make();
  if (strcmp(argv[1], "moved") == 0) moved();
  else if (strcmp(argv[1], "tiny stacks") == 0) tiny_stacks();
  else if (strcmp(argv[1], "floating point") == 0) floating_point();
  else odd(argv[1]);
  puts("fine");
  return 0;
}
