/* A thread's alternate signal stack is too small for the state of AMX: Linux lets the process have none,
 * and the library takes other kernels and says so. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>

#include <muon.h>

static void print(muon_log_level level, const char *message, void *context) {
  (void)context;
  if (level == MUON_LOG_LEVEL_WARNING) printf("%s\n", message);
}

int main(void) {
  static char stack[2048];
  const stack_t small = {.ss_sp = stack, .ss_size = sizeof stack};
  if (sigaltstack(&small, NULL) != 0) return 2;
  if (muon_set_log_callback(MUON_LOG_LEVEL_WARNING, print, NULL) != MUON_OK) return 3;
  float x[64 * 64], o[64 * 64];
  for (int i = 0; i < 64 * 64; i++) x[i] = (float)(i * 7919 % 1000) / 1000;
  if (muon_orthogonalize(x, 64 * 64, 64, 64, NULL, o, 64 * 64) != MUON_OK) return 4;
  printf("%s\n", muon_build_info());
  return 0;
}
