/* An allocator of which one allocation, or all from one on, fail: each program includes it once. Memory
 * that is mapped and threads that are started count as allocations, too. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum way { NEVER, ONCE, UNTIL_SEEN, FOR_GOOD };
static atomic_int armed, failing, seen, live;
static int fail_at;
static enum way way;

/* Whether this allocation fails. */
static int fails(void) {
  if (!armed) return 0;
  const int number = ++seen;
  if (way == NEVER) return 0;
  if (number == fail_at && way != ONCE) failing = 1;
  if (number != fail_at && !failing) return 0;
  errno = ENOMEM;
  return 1;
}

static void *counted(void *p) {
  if (p) live++;
  return p;
}

void *malloc(size_t size) { return fails() ? NULL : counted(__libc_malloc(size)); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : counted(__libc_calloc(n, size)); }
void *realloc(void *p, size_t size) {
  if (fails()) return NULL;
  void *moved = __libc_realloc(p, size);
  if (!p && moved) live++;
  return moved;
}
void *aligned_alloc(size_t align, size_t size) {
  return fails() ? NULL : counted(__libc_memalign(align, size));
}
void *memalign(size_t align, size_t size) { return aligned_alloc(align, size); }
int posix_memalign(void **out, size_t align, size_t size) {
  void *p = aligned_alloc(align, size);
  if (p) *out = p;
  return p ? 0 : ENOMEM;
}
void free(void *p) {
  if (p) live--;
  __libc_free(p);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  if (fails()) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

typedef int creator(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static creator *create_thread;
__attribute__((constructor)) static void find_creator(void) {
  create_thread = (creator *)dlsym(RTLD_NEXT, "pthread_create");
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
  return fails() ? EAGAIN : create_thread(thread, attributes, run, argument);
}
