/* Loaded before the C library: lists the calls on files that a save or a load makes, and fails one of them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int armed, calls, fail_at, failure, shorten;
static char text[1 << 16];

/* From now on, until the next call: call number `at` (from 1; 0: none) fails with an errno. With
 * `short_writes` every write and read does a few bytes, and every other one is interrupted. */
void interpose_arm(int at, int number, int short_writes) {
  armed = 1, calls = 0, fail_at = at, failure = number, shorten = short_writes;
  text[0] = '\0';
}

/* The calls since then, one a line. */
const char *interpose_disarm(void) {
  armed = 0;
  return text;
}

__attribute__((format(printf, 1, 2))) static int fails(const char *format, ...) {
  if (!armed) return 0;
  const size_t used = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + used, sizeof text - used, format, arguments);
  va_end(arguments);
  if (++calls != fail_at) return 0;
  errno = failure;
  return 1;
}

static const char *kind(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? "folder" : "file";
}

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (fails("open%s %s\n", flags & O_EXCL ? " new" : "", path)) return -1;
  return REAL(open)(path, flags, mode);
}

static int interrupted(size_t *count) {
  if (!armed || !shorten) return 0;
  if (++shorten % 2) {
    errno = EINTR;
    return 1;
  }
  if (*count > 1000) *count = 1000;
  return 0;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (interrupted(&count) || (!shorten && fails("write\n"))) return -1;
  return REAL(write)(fd, bytes, count);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
  if (interrupted(&count) || (!shorten && fails("read\n"))) return -1;
  return REAL(pread)(fd, bytes, count, offset);
}

int fsync(int fd) {
  if (fails("fsync %s\n", kind(fd))) return -1;
  return REAL(fsync)(fd);
}

int close(int fd) {
  const int failed = fails("close %s\n", kind(fd));
  const int result = REAL(close)(fd);
  if (failed) errno = failure;
  return failed ? -1 : result;
}

int rename(const char *from, const char *to) {
  if (fails("rename %s %s\n", from, to)) return -1;
  return REAL(rename)(from, to);
}

int unlink(const char *path) {
  if (fails("unlink %s\n", path)) return -1;
  return REAL(unlink)(path);
}
