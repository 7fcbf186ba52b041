/* Forks of which the library's C library is not told: namespaces LIBMUON dlmopen|_Fork. In the first it is
 * loaded with a C library of its own, and the program forks with another. Prints "fine". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *library;
#define CALL(name, ...) ((__typeof__(&name))(size_t)dlsym(library, #name))(__VA_ARGS__)
#define OK(name, ...) \
  if (CALL(name, __VA_ARGS__) != MUON_OK) printf("%s: %s\n", #name, CALL(muon_last_error)), _exit(1)

enum { SIDE = 300 };
static float data[SIDE * SIDE], grad[SIDE * SIDE];

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  const int own = strcmp(argv[2], "dlmopen") == 0;
  library = own ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], RTLD_NOW);
  if (!library) return puts(dlerror()), 1;
  const int64_t shape[2] = {SIDE, SIDE};
  muon_optimizer *optimizer;
  muon_param param;
  for (int i = 0; i < SIDE * SIDE; i++) grad[i] = (float)(i % 23) - 11;
  OK(muon_set_num_threads, 2);
  OK(muon_optimizer_create_muon, NULL, &optimizer);
  OK(muon_param_init, &param, sizeof param);
  param.ndim = 2, param.shape = shape, param.data = data, param.grad = grad;
  param.data_count = param.grad_count = SIDE * SIDE;
  OK(muon_optimizer_add_param, optimizer, 0, &param, NULL);
  OK(muon_optimizer_step, optimizer);
  for (int i = 0; i < 3; i++) {
    int status = 1;
    const pid_t child = own ? fork() : _Fork();
    if (child == 0) {
      alarm(10);
      OK(muon_optimizer_step, optimizer);
      const pid_t grandchild = own ? fork() : _Fork();
      if (grandchild > 0) {
        waitpid(grandchild, &status, 0);
        _exit(status != 0);
      }
      alarm(10);
      OK(muon_optimizer_step, optimizer);
      OK(muon_optimizer_destroy, optimizer);
      _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status)
      return printf("child %d: status %d\n", i, status), 1;
    OK(muon_optimizer_step, optimizer);
  }
  puts("fine");
  return 0;
}
