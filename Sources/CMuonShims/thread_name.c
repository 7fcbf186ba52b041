#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

#include "muon_shims.h"

void muon_shim_name_thread(int number) {
  char name[16];
  snprintf(name, sizeof name, "muon-%d", number);
#if defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
  pthread_setname_np(name);
#endif
}
