#include "muon_shims.h"

muon_shim_log *muon_shim_log_thread(void) {
  static _Thread_local muon_shim_log thread;
  return &thread;
}
