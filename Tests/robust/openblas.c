/* When and how OpenBLAS is loaded: openblas CASE. Each case is a process of its own, for it is loaded once.
 * Prints "fine". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <muon.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(condition)                                                             \
  do {                                                                                \
    if (!(condition))                                                                 \
      printf("line %d: %s: %s\n", __LINE__, #condition, muon_last_error()), exit(1); \
  } while (0)

static int (*create_thread)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static void *(*open_library)(const char *, int);
static char *(*tell_error)(void);
/* Ahead, for to look a name up forgets the loader's error. */
__attribute__((constructor)) static void find_genuine(void) {
  *(void **)&create_thread = dlsym(RTLD_NEXT, "pthread_create");
  *(void **)&open_library = dlsym(RTLD_NEXT, "dlopen");
  *(void **)&tell_error = dlsym(RTLD_NEXT, "dlerror");
}

/* Threads are refused where a case says so. */
static int refusing;
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *argument) {
  return refusing ? EAGAIN : create_thread(thread, attr, start, argument);
}

/* What a case has the loader say of OpenBLAS, which it does not load then; after its name where it begins with a
 * colon. */
static const char *refusal, *refused_name;
void *dlopen(const char *name, int flags) {
  refused_name = refusal && name && strncmp(name, "libopenblas", 11) == 0 ? name : NULL;
  return refused_name ? NULL : open_library(name, flags);
}
char *dlerror(void) {
  static char text[300];
  if (!refused_name) return tell_error();
  snprintf(text, sizeof text, "%s%s", *refusal == ':' ? refused_name : "", refusal);
  refused_name = NULL;
  return text;
}

/* OpenBLAS's destructor gives its buffers back. Whoever computes in them has the time to fail. */
static int is_over;
int munmap(void *start, size_t size) {
  const long result = syscall(SYS_munmap, start, size);
  if (is_over && size >= (size_t)1 << 24) usleep(200000);
  return (int)result;
}

static int is_loaded(void) {
  char line[4096];
  int found = 0;
  FILE *file = fopen("/proc/self/maps", "r");
  while (file && fgets(line, sizeof line, file)) found |= strstr(line, "libopenblas") != NULL;
  if (file) fclose(file);
  return found;
}

enum { SIDE = 24 };

/* Of a rotation times a diagonal: the rotation is what it must give. */
static muon_status svd(void) {
  float g[SIDE * SIDE] = {0}, out[SIDE * SIDE] = {0};
  muon_orthogonalize_options options;
  EXPECT(muon_orthogonalize_options_init(&options, sizeof options) == MUON_OK);
  options.backend = MUON_BACKEND_SVD;
  for (int i = 0; i < SIDE; i += 2) {
    const float c = cosf((float)i), s = sinf((float)i);
    float *at = &g[i * SIDE + i];
    at[0] = c * (float)(i + 1), at[1] = -s * (float)(i + 2);
    at[SIDE] = s * (float)(i + 1), at[SIDE + 1] = c * (float)(i + 2);
  }
  const muon_status status =
      muon_orthogonalize(g, SIDE * SIDE, SIDE, SIDE, &options, out, SIDE * SIDE);
  for (int i = 0; status == MUON_OK && i < SIDE; i += 2) {
    const float *at = &out[i * SIDE + i];
    EXPECT(fabsf(at[0] - cosf((float)i)) < 1e-5f && fabsf(at[1] + sinf((float)i)) < 1e-5f);
    EXPECT(fabsf(at[SIDE] - sinf((float)i)) < 1e-5f && fabsf(at[SIDE + 1] - cosf((float)i)) < 1e-5f);
  }
  return status;
}

static void step(muon_backend backend, muon_status expected) {
  static float data[SIDE * SIDE], grad[SIDE * SIDE], before[SIDE * SIDE];
  const int64_t shape[2] = {SIDE, SIDE};
  muon_muon_options options;
  muon_optimizer *optimizer;
  muon_param param;
  int64_t steps;
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i * i % 23) - 11;
  EXPECT(muon_muon_options_init(&options, sizeof options) == MUON_OK);
  options.backend = backend;
  EXPECT(muon_optimizer_create_muon(&options, &optimizer) == MUON_OK);
  EXPECT(muon_param_init(&param, sizeof param) == MUON_OK);
  param.ndim = 2, param.shape = shape, param.data = data, param.grad = grad;
  param.data_count = param.grad_count = SIDE * SIDE;
  EXPECT(muon_optimizer_add_param(optimizer, 0, &param, NULL) == MUON_OK);
  memcpy(before, data, sizeof data);
  EXPECT(muon_optimizer_step(optimizer) == expected);
  EXPECT((memcmp(before, data, sizeof data) == 0) == (expected != MUON_OK));
  EXPECT(muon_optimizer_get_param_steps(optimizer, 0, &steps) == MUON_OK);
  EXPECT(steps == (expected == MUON_OK));
  EXPECT(muon_optimizer_destroy(optimizer) == MUON_OK);
}

/* Loaded by svd alone, in a step or outside of one. */
static void when_needed(void) {
  EXPECT(!is_loaded());
  step(MUON_BACKEND_NEWTONSCHULZ5, MUON_OK);
  EXPECT(!is_loaded());
  step(MUON_BACKEND_SVD, MUON_OK);
  EXPECT(is_loaded() && svd() == MUON_OK);
  EXPECT(strstr(muon_build_info(), "OpenBLAS 0.") && strstr(muon_build_info(), "; core "));
}

static void refused(const char *text, muon_status expected, int is_missing) {
  refusal = text;
  EXPECT(svd() == expected);
  const char *error = muon_last_error(), *reason = strchr(text, ':') + 1;
  EXPECT(strstr(error, reason) && strstr(error, "OpenBLAS"));
  EXPECT((strstr(error, "package libopenblas0") != NULL) == is_missing);
  refusal = NULL;
}

/* The loader's reason, and the package where that is what is missing. */
static void refusals(void) {
  struct rlimit before, none;
  refused(": cannot open shared object file: No such file or directory", MUON_ERR_UNSUPPORTED, 1);
  refused("libgfortran.so.5: cannot open shared object file: No such file or directory",
          MUON_ERR_UNSUPPORTED, 0);
  refused(": cannot open shared object file: Permission denied", MUON_ERR_UNSUPPORTED, 0);
  /* From a file system that is mounted noexec, or past a filter of system calls. */
  refused(": failed to map segment from shared object: Operation not permitted", MUON_ERR_UNSUPPORTED, 0);
  refused(": failed to map segment from shared object", MUON_ERR_UNSUPPORTED, 0);
  refused(": cannot allocate memory in static TLS block", MUON_ERR_UNSUPPORTED, 0);
  refused(": failed to map segment from shared object: Cannot allocate memory", MUON_ERR_OUT_OF_MEMORY, 0);
  getrlimit(RLIMIT_NOFILE, &before);
  none = before, none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  EXPECT(svd() == MUON_ERR_UNSUPPORTED);
  EXPECT(strstr(muon_last_error(), strerror(EMFILE)) && !strstr(muon_last_error(), "libopenblas0"));
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT(svd() == MUON_OK);
}

/* The folder in LD_LIBRARY_PATH has files of its names that are no libraries. They go away in the end. */
static void missing(void) {
  char name[4096];
  step(MUON_BACKEND_SVD, MUON_ERR_UNSUPPORTED);
  EXPECT(svd() == MUON_ERR_UNSUPPORTED);
  EXPECT(strstr(muon_last_error(), "backend svd needs OpenBLAS") && strstr(muon_last_error(), "file too short"));
  EXPECT(strstr(muon_build_info(), "OpenBLAS could not be loaded"));
  step(MUON_BACKEND_NEWTONSCHULZ5, MUON_OK);
  snprintf(name, sizeof name, "%s/libopenblas.so.0", getenv("LD_LIBRARY_PATH"));
  EXPECT(remove(name) == 0);
  EXPECT(svd() == MUON_OK);
}

/* Where OpenBLAS cannot have its threads it ends the process, by SIGINT. */
static void no_threads(void) {
  refusing = 1;
  step(MUON_BACKEND_SVD, MUON_OK);
  EXPECT(svd() == MUON_OK && is_loaded());
}

/* Where it has no room for its buffers it tries for ever, and takes no signal meanwhile but SIGKILL. */
static void no_room(int resource, const char *used) {
  struct rlimit before, low;
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  EXPECT(file && fscanf(file, used, &pages) == 1);
  fclose(file);
  getrlimit(resource, &before);
  for (int more = 16; more <= 400; more += 16) {
    low = before;
    low.rlim_cur = (rlim_t)pages * 4096 + ((rlim_t)more << 20);
    setrlimit(resource, &low);
    const pid_t child = fork();
    int status = 1;
    if (child == 0) {
      alarm(10);
      const muon_status found = svd();
      EXPECT(more < 400 ? found == MUON_OK || found == MUON_ERR_OUT_OF_MEMORY : found == MUON_OK);
      setrlimit(resource, &before);
      EXPECT(svd() == MUON_OK);
      _exit(0);
    }
    for (int tenth = 0; waitpid(child, &status, WNOHANG) == 0; tenth++)
      if (usleep(100000), tenth == 100) kill(child, SIGKILL);
    setrlimit(resource, &before);
    if (status) printf("with %d MiB: status %d\n", more, status), exit(1);
  }
}

static pthread_barrier_t barrier;
static void *first(void *unused) {
  pthread_barrier_wait(&barrier);
  EXPECT(svd() == MUON_OK);
  return unused;
}

static void at_once(void) {
  pthread_t threads[8];
  pthread_barrier_init(&barrier, NULL, 8);
  for (int i = 0; i < 8; i++) EXPECT(pthread_create(&threads[i], NULL, first, NULL) == 0);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
}

/* While another thread loads it; a child has it, or a status that says that it has not. */
static void forks(void) {
  pthread_t thread;
  step(MUON_BACKEND_NEWTONSCHULZ5, MUON_OK);
  pthread_barrier_init(&barrier, NULL, 2);
  EXPECT(pthread_create(&thread, NULL, first, NULL) == 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 20; i++) {
    int status = 1;
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      const muon_status found = svd();
      EXPECT(found == MUON_OK || (found == MUON_ERR_UNSUPPORTED && strstr(muon_last_error(), "forked")));
      step(MUON_BACKEND_NEWTONSCHULZ5, MUON_OK);
      _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    if (status) printf("child %d: status %d\n", i, status), exit(1);
    usleep(200);
  }
  pthread_join(thread, NULL);
}

/* While another thread is in the first call of build_info, which loads it: a child need not wait for it. */
static void *describe(void *unused) {
  pthread_barrier_wait(&barrier);
  EXPECT(strstr(muon_build_info(), "; core "));
  return unused;
}
static void forks_while_described(void) {
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  EXPECT(pthread_create(&thread, NULL, describe, NULL) == 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 40; i++) {
    int status = 1;
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      EXPECT(strncmp(muon_build_info(), "libmuon ", 8) == 0);
      EXPECT(muon_get_num_threads() == 2);
      _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    if (status) printf("child %d: status %d\n", i, status), exit(1);
    usleep(i * 20);
  }
  pthread_join(thread, NULL);
}

/* The process ends while other threads step with it. */
enum { LARGE = 300, STEPPERS = 3 };
static float large[STEPPERS][LARGE * LARGE], polar[STEPPERS][LARGE * LARGE];
static atomic_int done;
static muon_status large_svd(int which) {
  muon_orthogonalize_options options;
  for (int i = 0; i < LARGE * LARGE; i++) large[which][i] = (float)(i * 7919L % 1013) - 500;
  EXPECT(muon_orthogonalize_options_init(&options, sizeof options) == MUON_OK);
  options.backend = MUON_BACKEND_SVD;
  return muon_orthogonalize(
      large[which], LARGE * LARGE, LARGE, LARGE, &options, polar[which], LARGE * LARGE);
}
static void *step_on(void *which) {
  muon_status status;
  while ((status = large_svd((int)(intptr_t)which)) == MUON_OK) done++;
  if (!is_over || status != MUON_ERR_UNSUPPORTED || !strstr(muon_last_error(), "is ending"))
    printf("status %d: %s\n", status, muon_last_error()), _exit(1);
  return NULL;
}
/* The thread that ends the process may go on. */
static void last(void) { EXPECT(large_svd(0) == MUON_OK); }
static void end_beside_steps(void) {
  pthread_t thread;
  EXPECT(atexit(last) == 0);
  for (intptr_t i = 1; i < STEPPERS; i++) EXPECT(pthread_create(&thread, NULL, step_on, (void *)i) == 0);
  while (done < STEPPERS) usleep(1000);
  usleep(rand() % 20000);
  is_over = 1;
  exit(0);
}

/* And from a signal handler, in the middle of it, where nobody helps. */
static void end(int signal) {
  (void)signal;
  is_over = 1;
  exit(0);
}
static void end_inside(void) {
  const struct itimerval soon = {{0, 0}, {0, 30000}};
  EXPECT(muon_set_num_threads(1) == MUON_OK && svd() == MUON_OK);
  signal(SIGVTALRM, end);
  setitimer(ITIMER_VIRTUAL, &soon, NULL);
  for (;;) EXPECT(large_svd(0) == MUON_OK);
}

static void at_exit(void (*end_it)(void)) {
  for (int i = 0; i < 8; i++) {
    int status = 1;
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      srand((unsigned)i);
      end_it();
    }
    EXPECT(waitpid(child, &status, 0) == child);
    if (status) printf("child %d: status %d\n", i, status), exit(1);
  }
}

/* The host's own number of threads, whether it loads OpenBLAS before or after; its threads take none of
 * the host's signals. */
static void shared(int before) {
  int (*get)(void) = NULL;
  sigset_t mask, now;
  memset(&mask, 0, sizeof mask), memset(&now, 0, sizeof now);
  if (!before) EXPECT(svd() == MUON_OK);
  void *openblas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL);
  EXPECT(openblas);
  get = (int (*)(void))(size_t)dlsym(openblas, "openblas_get_num_threads");
  const char *limit = getenv("OPENBLAS_NUM_THREADS");
  const int processors = limit ? atoi(limit) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  EXPECT(get() == processors);
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  EXPECT(svd() == MUON_OK && get() == processors);
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  EXPECT(memcmp(&mask, &now, sizeof mask) == 0);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  alarm(60);
  EXPECT(muon_set_num_threads(2) == MUON_OK);
#define CASE(name, call) if (strcmp(argv[1], name) == 0) call, puts("fine")
  CASE("when needed", when_needed());
  CASE("missing", missing());
  CASE("refused", refusals());
  CASE("forks while described", forks_while_described());
  CASE("at exit", at_exit(end_beside_steps));
  CASE("at exit, inside", at_exit(end_inside));
  CASE("no threads", no_threads());
  CASE("no room", no_room(RLIMIT_AS, "%ld"));
  CASE("no room for data", no_room(RLIMIT_DATA, "%*d %*d %*d %*d %*d %ld"));
  CASE("at once", at_once());
  CASE("forks", forks());
  CASE("the host's before", shared(1));
  CASE("the host's after", shared(0));
  return 0;
}
