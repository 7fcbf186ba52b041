/* What small allocations come from when malloc has nothing left.
 *
 * Swift's runtime ends the process when malloc returns NULL for an object, an array or a text. In the
 * shared library the linker sends the runtime's calls here (--wrap in Package.swift): where malloc
 * fails, this reserve serves, so that the call under way comes to its end. The next one is refused
 * (muon_shim_reserve_is_ready) until malloc works again. Elsewhere these functions are not called. */
#include "muon_shims.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define WEAK __attribute__((weak))

/* The functions as they are without the reserve; NULL where the linker does not know of it. */
extern WEAK void *__real_malloc(size_t);
extern WEAK void *__real_calloc(size_t, size_t);
extern WEAK void *__real_realloc(void *, size_t);
extern WEAK int __real_posix_memalign(void **, size_t, size_t);
extern WEAK void *__real_aligned_alloc(size_t, size_t);
extern WEAK void __real_free(void *);
extern WEAK size_t __real_malloc_usable_size(void *);

/* 8 MiB, of which the system gives only what is touched. */
enum { GRANULE = 64, GRANULES = 1 << 17, ENOUGH = 256 << 10 };
static _Alignas(4096) char memory[GRANULES][GRANULE];

/* At the first granule of each run of granules: how many there are, and whether they are in use. */
static const uint32_t USED = 1u << 31;
static uint32_t runs[GRANULES] = {GRANULES};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Whether it was needed since malloc last worked. */
static atomic_bool needed;

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

/* Registered first, so that of all locks a fork waits for this one is taken last: threads that have
 * another one may come for memory. */
__attribute__((constructor(101))) static void hold_across_forks(void) {
  pthread_atfork(before_fork, after_fork, after_fork);
}

static int is_ours(const void *p) {
  return (uintptr_t)p - (uintptr_t)memory < sizeof memory;
}

static uint32_t granule_of(const void *p) {
  return (uint32_t)(((uintptr_t)p - (uintptr_t)memory) / GRANULE);
}

/* First fit. */
static void *take(size_t alignment, size_t size) {
  if (size > sizeof memory || alignment > 4096) return NULL;
  const uint32_t step = alignment <= GRANULE ? 1 : (uint32_t)(alignment / GRANULE);
  const uint32_t need = size == 0 ? 1 : (uint32_t)((size + GRANULE - 1) / GRANULE);
  void *found = NULL;
  pthread_mutex_lock(&lock);
  atomic_store(&needed, 1);
  for (uint32_t i = 0; i < GRANULES && !found; i += runs[i] & ~USED) {
    if (runs[i] & USED) continue;
    for (uint32_t next; (next = i + runs[i]) < GRANULES && !(runs[next] & USED);)
      runs[i] += runs[next];
    const uint32_t start = (i + step - 1) / step * step, end = i + runs[i];
    if (start + need > end) continue;
    if (start > i) runs[i] = start - i;
    if (start + need < end) runs[start + need] = end - start - need;
    runs[start] = need | USED;
    found = memory[start];
  }
  pthread_mutex_unlock(&lock);
  if (!found) errno = ENOMEM;
  return found;
}

static size_t size_of(const void *p) {
  pthread_mutex_lock(&lock);
  const size_t granules = runs[granule_of(p)] & ~USED;
  pthread_mutex_unlock(&lock);
  return granules * GRANULE;
}

static void give_back(const void *p) {
  pthread_mutex_lock(&lock);
  runs[granule_of(p)] &= ~USED;
  pthread_mutex_unlock(&lock);
}

/* ---- What the library asks ------------------------------------------------------------------ */

int muon_shim_has_memory(size_t size) {
  void *p = __real_malloc ? __real_malloc(size) : malloc(size);
  if (!p) return 0;
  __real_free ? __real_free(p) : free(p);
  return 1;
}

int muon_shim_reserve_is_ready(void) {
  if (!atomic_load_explicit(&needed, memory_order_relaxed)) return 1;
  if (!muon_shim_has_memory(ENOUGH)) return 0;
  atomic_store(&needed, 0);
  return 1;
}

void *muon_shim_allocate(size_t alignment, size_t size) {
  void *p = NULL;
  const int status = __real_posix_memalign ? __real_posix_memalign(&p, alignment, size)
                                           : posix_memalign(&p, alignment, size);
  return status == 0 ? p : NULL;
}

/* ---- What the linker puts in the place of the allocator's functions ------------------------- */

HIDDEN void *__wrap_malloc(size_t size) {
  void *p = __real_malloc(size);
  return p ? p : take(1, size);
}

HIDDEN void *__wrap_calloc(size_t count, size_t size) {
  void *p = __real_calloc(count, size);
  size_t bytes;
  if (p || __builtin_mul_overflow(count, size, &bytes)) return p;
  p = take(1, bytes);
  return p ? memset(p, 0, bytes) : NULL;
}

HIDDEN void __wrap_free(void *p) {
  if (is_ours(p)) give_back(p);
  else __real_free(p);
}

HIDDEN size_t __wrap_malloc_usable_size(void *p) {
  return is_ours(p) ? size_of(p) : __real_malloc_usable_size(p);
}

HIDDEN void *__wrap_realloc(void *p, size_t size) {
  void *moved = is_ours(p) ? NULL : __real_realloc(p, size);
  if (moved || (p && size == 0)) {
    if (!moved && is_ours(p)) give_back(p);
    return moved;
  }
  moved = __wrap_malloc(size);
  if (moved && p) {
    const size_t before = __wrap_malloc_usable_size(p);
    memcpy(moved, p, before < size ? before : size);
    __wrap_free(p);
  }
  return moved;
}

HIDDEN int __wrap_posix_memalign(void **out, size_t alignment, size_t size) {
  const int status = __real_posix_memalign(out, alignment, size);
  if (status != ENOMEM) return status;
  void *p = take(alignment, size);
  if (p) *out = p;
  return p ? 0 : ENOMEM;
}

HIDDEN void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  void *p = __real_aligned_alloc(alignment, size);
  return p ? p : take(alignment, size);
}

HIDDEN char *__wrap_strdup(const char *text) {
  const size_t size = strlen(text) + 1;
  char *p = __wrap_malloc(size);
  return p ? memcpy(p, text, size) : NULL;
}
