/* What the log says of failures that a test has to bring about: this program's pthread_create stands
 * before that of the C library, and it is run with the OpenBLAS of no_convergence.c. Prints each message
 * with its level, and what the calls return. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <muon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether no thread can be had. */
static int refusing;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *argument) {
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  void *symbol = dlsym(RTLD_NEXT, "pthread_create");
  memcpy(&create, &symbol, sizeof create);
  return refusing ? EAGAIN : create(thread, attr, start, argument);
}

/* Makes a failing call besides, whose text must not take the place of the caller's. */
static void print(muon_log_level level, const char *message, void *context) {
  if (muon_optimizer_step(NULL) == MUON_OK) exit(1);
  printf("%s%d: %s\n", (const char *)context, (int)level, message);
}

static void check(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s\n", muon_last_error());
  exit(1);
}

static muon_optimizer *optimizer(muon_backend backend, const char *name, int64_t side) {
  const size_t count = (size_t)(side * side);
  const int64_t shape[2] = {side, side};
  float *memory = calloc(2 * count, sizeof *memory);
  if (memory == NULL) exit(1);
  for (size_t i = 0; i < count; i++) memory[count + i] = (float)(i % 7) - 3;
  muon_muon_options options;
  muon_param param;
  muon_optimizer *made;
  check(muon_muon_options_init(&options, sizeof options));
  check(muon_param_init(&param, sizeof param));
  options.backend = backend;
  param.name = name;
  param.ndim = 2;
  param.shape = shape;
  param.data = memory;
  param.grad = memory + count;
  param.data_count = param.grad_count = count;
  check(muon_optimizer_create_muon(&options, &made));
  check(muon_optimizer_add_param(made, 0, &param, NULL));
  return made;
}

/* The parameter of "w" and the momentum of the one after it, of 16 elements each. */
static void copy(muon_optimizer *of, float out[2][16]) {
  size_t count;
  check(muon_optimizer_get_buffer(of, 0, "data", out[0], 16, &count));
  check(muon_optimizer_get_buffer(of, 1, "momentum", out[1], 16, &count));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  check(muon_set_log_callback(MUON_LOG_LEVEL_WARNING, print, ""));

  /* A step that fails, and its text afterwards; it has changed nothing, also not of a matrix that needs
   * no SVD. Then one matrix. */
  muon_optimizer *svd = optimizer(MUON_BACKEND_SVD, "w", 4);
  muon_muon_options plain;
  muon_param other;
  float before[2][16], after[2][16], data[16] = {1, 2, 3}, grad[16] = {4, 5, 6};
  const int64_t shape[2] = {4, 4};
  int64_t group, steps = -1;
  check(muon_muon_options_init(&plain, sizeof plain));
  check(muon_param_init(&other, sizeof other));
  other.ndim = 2, other.shape = shape, other.data = data, other.grad = grad;
  other.data_count = other.grad_count = 16;
  check(muon_optimizer_add_muon_group(svd, &plain, &other, 1, &group));
  copy(svd, before);
  printf("%s\n", muon_status_name(muon_optimizer_step(svd)));
  printf("%s\n", muon_last_error());
  copy(svd, after);
  check(muon_optimizer_get_param_steps(svd, 1, &steps));
  if (steps || memcmp(before, after, sizeof before) || data[0] != 1) puts("something changed");
  muon_orthogonalize_options options;
  check(muon_orthogonalize_options_init(&options, sizeof options));
  options.backend = MUON_BACKEND_SVD;
  float matrix[4] = {1, 2, 3, 4};
  printf("%s\n", muon_status_name(muon_orthogonalize(matrix, 4, 2, 2, &options, matrix, 4)));

  /* Steps of two threads, of which there is one. */
  check(muon_set_num_threads(2));
  muon_optimizer *large = optimizer(MUON_BACKEND_NEWTONSCHULZ5, "large", 512);
  refusing = 1;
  for (int i = 0; i < 3; i++) printf("%s\n", muon_status_name(muon_optimizer_step(large)));

  refusing = 0;

  /* In a child that was forked. */
  const pid_t child = fork();
  if (child == 0) {
    if (!muon_optimizer_step(svd)) _exit(1);
    check(muon_set_log_callback(MUON_LOG_LEVEL_WARNING, print, "child "));
    if (!muon_optimizer_step(svd)) _exit(1);
    check(muon_set_log_callback(MUON_LOG_LEVEL_ERROR, NULL, NULL));
    if (!muon_optimizer_step(svd)) _exit(1);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  return status;
}
