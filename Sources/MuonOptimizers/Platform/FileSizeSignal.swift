internal import Glibc

/// SIGXFSZ, which ends a process that writes past its limit of file size. Held back, the write fails
/// instead, and the signal is taken away.
enum FileSizeSignal {
  static func held(_ write: () -> Int) -> Int {
    var signals = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGXFSZ)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
    let wasBlocked = unsafe sigismember(&before, SIGXFSZ) == 1
    let count = write()
    let error = errno
    if count < 0, error == EFBIG, !wasBlocked {
      var now = timespec()
      while unsafe sigtimedwait(&signals, nil, &now) < 0, errno == EINTR {}
    }
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    errno = error
    return count
  }
}
