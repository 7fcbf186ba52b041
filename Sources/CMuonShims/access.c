#include <errno.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "muon_shims.h"

static const char name[] = "system.posix_acl_access";

ptrdiff_t muon_shim_get_access_list(const char *path, void *list, size_t size) {
  const ssize_t count = lgetxattr(path, name, list, size);
  if (count >= 0) return count;
  return errno == ENODATA || errno == ENOTSUP || errno == ENOSYS ? 0 : -1;
}

int muon_shim_set_access_list(int descriptor, const void *list, size_t size) {
  if (size > 0) return fsetxattr(descriptor, name, list, size, 0);
  if (fremovexattr(descriptor, name) == 0) return 0;
  return errno == ENODATA || errno == ENOTSUP || errno == ENOSYS ? 0 : -1;
}
