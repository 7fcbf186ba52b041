/* OpenBLAS, loaded by name when it is first needed.
 *
 * A program that is linked with it has its 60 KiB of thread-local storage on every thread's stack: one
 * of 64 KiB or less cannot be started then. */
#define _GNU_SOURCE
#include "muon_shims.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* What OpenBLAS takes of the address space: itself, and a buffer for each thread that computes, for
 * which it waits for ever where there is no room. */
static const size_t ITSELF = (size_t)64 << 20, BUFFER = (size_t)128 << 20, STACK = (size_t)8 << 20;
enum { MOST_THREADS = 256 };

/* As it takes it: of memory that cannot be written RLIMIT_DATA does not know. */
static int has_room(size_t size) {
  void *room =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return room != MAP_FAILED && munmap(room, size) == 0;
}

static void *pass(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

/* Whether so many threads can be had at once. */
static int can_start(int count) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_t threads[MOST_THREADS];
  int started = 0;
  if (count > 0 && !muon_shim_may_start_threads()) return 0;
  pthread_mutex_lock(&gate);
  while (started < count && pthread_create(&threads[started], NULL, pass, &gate) == 0) started++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  return started == count;
}

/* Loads it as it is, with a thread for each processor of this thread's: they are for whoever else in the
 * process uses it. It ends the process where it cannot start them, so that it is shown a single
 * processor then. */
static void *load(const char *name) {
  muon_shim_processors all, one, now;
  int threads = muon_shim_own_processors(&all) ? muon_shim_count_processors(&all) : 1;
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  const size_t each = BUFFER + STACK;
  const int is_short =
      !has_room(ITSELF + BUFFER + (size_t)(threads - 1) * each) || !can_start(threads - 1);
  if (is_short) {
    if (!has_room(ITSELF + BUFFER)) return NULL;
    now = all;
    if (!muon_shim_this_processor(&one) || !muon_shim_place_thread(pthread_self(), &one, &now))
      return NULL;
  }
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (is_short) muon_shim_place_thread(pthread_self(), &all, &now);
  return library;
}

/* Takes what is needed from a library and those that it needs. */
static int take(void *library, muon_shim_openblas *out) {
#define TAKE(field, name) (*(void **)&out->field = dlsym(library, name))
  return TAKE(sgesdd, "sgesdd_") && TAKE(sgemm, "cblas_sgemm") &&
         TAKE(config, "openblas_get_config") && TAKE(corename, "openblas_get_corename") &&
         TAKE(get_threads, "openblas_get_num_threads") &&
         TAKE(set_threads, "openblas_set_num_threads") &&
         /* Of the builds with 64-bit integers some have the same names. */
         !strstr(out->config(), "USE64BITINT");
}

/* Whether the loader's error has this reason of the system's, in the language of the locale. */
static int has_reason(const char *error, int reason) {
  char text[256];
  return strstr(error, strerror_r(reason, text, sizeof text)) != NULL;
}

/* Some versions of the loader do not say why they could not map a file: where there is room for it, because it
 * must not be executed. */
static int is_for_want_of_memory(const char *error) {
  static const char unexplained[] = "failed to map segment from shared object";
  const size_t length = strlen(error), end = sizeof unexplained - 1;
  if (has_reason(error, ENOMEM)) return 1;
  if (length < end || strcmp(error + length - end, unexplained) != 0) return 0;
  void *room = mmap(NULL, ITSELF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return room == MAP_FAILED || munmap(room, ITSELF) != 0;
}

static muon_shim_openblas_status find(muon_shim_openblas *out, char *problem, size_t size) {
  static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
  /* What the library was linked with, as it is in a wheel. */
  Dl_info self;
  void *library = dladdr(__extension__(void *) muon_shim_find_openblas, &self)
                      ? dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                      : NULL;
  if (library && take(library, out)) return MUON_SHIM_OPENBLAS_FOUND;
  if (library) dlclose(library);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if ((library = dlopen(names[i], RTLD_NOW | RTLD_NOLOAD)) && take(library, out))
      return MUON_SHIM_OPENBLAS_FOUND;
  if (!muon_shim_has_memory((size_t)1 << 20) || !has_room(ITSELF + BUFFER))
    return MUON_SHIM_OPENBLAS_NO_MEMORY;
  muon_shim_openblas_status status = MUON_SHIM_OPENBLAS_MISSING;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    dlerror();
    if ((library = load(names[i]))) {
      if (take(library, out)) return MUON_SHIM_OPENBLAS_FOUND;
      snprintf(problem, size, "%s lacks functions, or has 64-bit integers", names[i]);
      return MUON_SHIM_OPENBLAS_REFUSED;
    }
    const char *error = dlerror();
    /* Without a word of the loader's, there was no room. */
    if (!error) return MUON_SHIM_OPENBLAS_NO_MEMORY;
    /* Of a library that it needs, too, the file may be missing. */
    const size_t length = strlen(names[i]);
    const int is_missing =
        strncmp(error, names[i], length) == 0 && error[length] == ':' && has_reason(error, ENOENT);
    if (i == 0 || (!is_missing && status == MUON_SHIM_OPENBLAS_MISSING))
      snprintf(problem, size, "%s", error);
    if (is_for_want_of_memory(error)) return MUON_SHIM_OPENBLAS_NO_MEMORY;
    if (!is_missing) status = MUON_SHIM_OPENBLAS_REFUSED;
  }
  return status;
}

muon_shim_openblas_status muon_shim_find_openblas(muon_shim_openblas *out, char *problem, size_t size) {
  /* Its threads start with the mask of this one; the host's signals are for the host's threads. */
  sigset_t every, before;
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, &before);
  const muon_shim_openblas_status found = find(out, problem, size);
  if (found == MUON_SHIM_OPENBLAS_FOUND) {
    /* It makes its buffer now, while there is room, and keeps it. */
    float one = 1, result = 0;
    out->sgemm(101, 111, 111, 1, 1, 1, 1, &one, 1, &one, 1, 0, &result, 1);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return found;
}
