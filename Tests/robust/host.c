/* What belongs to the host is the same after load, steps, an error, and dlclose: host LIBMUON.
 *
 * In the plain state of a process and in one of the host's making. Prints "untouched" and nothing else:
 * who runs it sees what the library writes to stdout or stderr. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <muon.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xmmintrin.h>

extern char **environ;

enum { ROOM = 1 << 17 };
static char texts[2][ROOM];
static int (*openblas_threads)(void);

/* The library's own threads, which stay parked: muon.h says so. */
static int is_worker(const char *task) {
  char path[600], name[32] = "";
  snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  const int found = fgets(name, sizeof name, file) && strncmp(name, "muon-", 5) == 0;
  fclose(file);
  return found;
}

static void list(char *text, const char *folder, int with_targets) {
  DIR *directory = opendir(folder);
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    char path[600], target[600] = "";
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (with_targets && readlink(path, target, sizeof target - 1) < 0) continue;
    if (!with_targets && is_worker(entry->d_name)) continue;
    /* The directory that is being read. */
    if (with_targets && atoi(entry->d_name) == dirfd(directory)) continue;
    if (with_targets || entry->d_name[0] != '.')
      sprintf(text + strlen(text), "%s %s -> %s\n", folder, with_targets ? entry->d_name : "", target);
  }
  if (directory) closedir(directory);
}

/* Everything, as text. */
static void snapshot(char *text) {
  *text = 0;
#define NOTE(...) sprintf(text + strlen(text), __VA_ARGS__)
  for (int signal = 1; signal < 65; signal++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    if (sigaction(signal, NULL, &action) == 0)
      NOTE("signal %d: %p, flags %x\n", signal, (void *)(size_t)action.sa_handler, action.sa_flags);
  }
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  for (int signal = 1; signal < 65; signal++) NOTE("%d", sigismember(&mask, signal));
  stack_t stack;
  sigaltstack(NULL, &stack);
  NOTE("\nsignal stack %p %d\n", stack.ss_sp, stack.ss_flags);
  /* The flags of exceptions that were raised are results; the rest is how the host computes. */
  NOTE("floating point: mxcsr %x, rounding %d, traps %x\n", _mm_getcsr() & ~0x3fu, fegetround(),
       (unsigned)fegetexcept());
  for (char **variable = environ; *variable; variable++) NOTE("%p %s\n", (void *)*variable, *variable);
  char folder[4096];
  NOTE("in %s, locale %s\n", getcwd(folder, sizeof folder), setlocale(LC_ALL, NULL));
  const mode_t mode = umask(0);
  umask(mode);
  NOTE("umask %o, OpenBLAS %d threads\n", mode, openblas_threads());
  for (int resource = 0; resource < 15; resource++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0)
      NOTE("limit %d: %lx %lx\n", resource, limit.rlim_cur, limit.rlim_max);
  }
  NOTE("stdout %d %d, stderr %d %d\n", ferror(stdout), fileno(stdout), ferror(stderr), fileno(stderr));
  list(text, "/proc/self/fd", 1);
  list(text, "/proc/self/task", 0);
}

static int compare(const char *when) {
  snapshot(texts[1]);
  if (strcmp(texts[0], texts[1]) == 0) return 0;
  printf("%s it is not as before:\n", when);
  for (char *a = texts[0], *b = texts[1]; *a && *b;) {
    const size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
    if (n != m || memcmp(a, b, n)) {
      printf("  before: %.*s\n  after:  %.*s\n", (int)n, a, (int)m, b);
      break;
    }
    a += n + 1, b += m + 1;
  }
  return 1;
}

static void *library;
#define CALL(name, ...) ((__typeof__(&name))(size_t)dlsym(library, #name))(__VA_ARGS__)
#define OK(name, ...) \
  if (CALL(name, __VA_ARGS__) != MUON_OK) return printf("%s: %s\n", #name, CALL(muon_last_error)), 1

static float data[2][300 * 300], grad[2][300 * 300];

static int use(void) {
  const int64_t shape[2] = {300, 300};
  muon_optimizer *optimizer;
  muon_muon_options options;
  muon_param param;
  for (int kind = 0; kind < 3; kind++) {
    OK(muon_muon_options_init, &options, sizeof options);
    if (kind == 1) options.backend = MUON_BACKEND_SVD;
    if (kind < 2) { OK(muon_optimizer_create_muon, &options, &optimizer); }
    else { OK(muon_optimizer_create_adamw, NULL, &optimizer); }
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 300 * 300; j++) grad[i][j] = (float)((j * (i + 3)) % 17 - 8) * 1e-3f;
      OK(muon_param_init, &param, sizeof param);
      param.ndim = 2, param.shape = shape;
      param.data = data[i], param.grad = grad[i];
      param.data_count = param.grad_count = 300 * 300;
      OK(muon_optimizer_add_param, optimizer, 0, &param, NULL);
    }
    OK(muon_optimizer_step, optimizer);
    grad[1][7] = INFINITY;
    if (CALL(muon_optimizer_step, optimizer) != MUON_ERR_NONFINITE_GRADIENT) return puts("refused"), 1;
    OK(muon_optimizer_destroy, optimizer);
  }
  if (CALL(muon_optimizer_step, optimizer) != MUON_ERR_INVALID_HANDLE) return puts("stale"), 1;
  return strlen(CALL(muon_build_info)) == 0;
}

static void *use_in_thread(void *out) {
  *(int *)out = use();
  return NULL;
}

/* A thread that has used the library, and ends after it was closed. */
static pthread_barrier_t barrier;
static void *outlive(void *out) {
  *(int *)out = use();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return NULL;
}

static int round_of(const char *path, int outliving) {
  snapshot(texts[0]);
  if (!(library = dlopen(path, RTLD_NOW | RTLD_LOCAL))) return puts(dlerror()), 1;
  if (compare("after load")) return 1;
  if (use() || compare("after steps")) return 1;
  int failed = 1;
  pthread_t thread;
  if (pthread_create(&thread, NULL, use_in_thread, &failed) || pthread_join(thread, NULL) || failed ||
      compare("after steps in another thread"))
    return 1;
  if (outliving) {
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, outlive, &failed)) return 1;
    pthread_barrier_wait(&barrier);
  }
  dlclose(library);
  if (outliving) {
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
  }
  return failed || compare("after dlclose");
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  /* OpenBLAS is the host's own, with as many threads as the host likes. */
  void *openblas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL);
  if (!openblas) return puts(dlerror()), 1;
  void (*set_threads)(int) = (void (*)(int))(size_t)dlsym(openblas, "openblas_set_num_threads");
  openblas_threads = (int (*)(void))(size_t)dlsym(openblas, "openblas_get_num_threads");
  set_threads(3);
  /* A thread of the host's first, for what the C library keeps from then on. */
  if (round_of(argv[1], 0)) return 1;

  setenv("LIBMUON_HOST", "its own", 1);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGSEGV, (void (*)(int))(size_t)use);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &mask, NULL);
  umask(027);
  fesetround(FE_DOWNWARD);
  _mm_setcsr(_mm_getcsr() | 0x8040); /* denormals to zero */
  set_threads(2);
  if (chdir("/")) return 1;
  if (round_of(argv[1], 1)) return 1;
  /* What it asked to be called at a fork is still there to be called. */
  const pid_t child = fork();
  int status = 1;
  if (child == 0) _exit(0);
  if (waitpid(child, &status, 0) != child || status != 0) return puts("fork after dlclose"), 1;
  puts("untouched");
  return 0;
}
