/* Counts the allocations of the steps after the first, in all threads, at every level of statistics:
 * prints "N allocations". */
#include <errno.h>
#include <muon.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_int counting, count;

static void note(void) {
  if (counting) count++;
}

void *malloc(size_t size) { return note(), __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return note(), __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { return note(), __libc_realloc(p, size); }
void *aligned_alloc(size_t align, size_t size) { return note(), __libc_memalign(align, size); }
int posix_memalign(void **out, size_t align, size_t size) {
  note();
  *out = __libc_memalign(align, size);
  return *out ? 0 : ENOMEM;
}

static void check(muon_status status) {
  if (status == MUON_OK) return;
  fprintf(stderr, "%s\n", muon_last_error());
  exit(1);
}

/* Sizes for every way of working: products by hand and by tile, both iterations, a matrix that a whole
 * team works on, and enough elements for teams of AdamW's and of the look for NaN. Every other one lies by columns. */
enum { MATRICES = 7 };
static const int64_t shapes[MATRICES][2] = {{1, 1},    {20, 30},   {64, 64},  {96, 400},
                                            {400, 96}, {600, 500}, {1024, 900}};

int main(void) {
  muon_optimizer *first = NULL;
  static float gradient[600 * 500] = {1};
  /* Each level once more with other types than float32, in turn. */
  static const muon_dtype types[] = {MUON_DTYPE_BF16, MUON_DTYPE_F16};
  muon_view by_columns;
  check(muon_view_init(&by_columns, sizeof by_columns));
  by_columns.axes = "io";
  for (int run = 0; run < 36; run++) {
    const int kind = run % 2, threads = run / 2 % 3 + 1, level = run / 6 % 3, half = run / 18;
    muon_optimizer *optimizer;
    check(kind == 0 ? muon_optimizer_create_muon(NULL, &optimizer) : muon_optimizer_create_adamw(NULL, &optimizer));
    for (int i = 0; i < MATRICES; i++) {
      const size_t size = (size_t)(shapes[i][0] * shapes[i][1]);
      float *memory = calloc(2 * size, sizeof *memory);
      if (memory == NULL) return 1;
      for (size_t j = 0; j < size; j++) memory[size + j] = (float)(j % 7) - 3;
      muon_param param;
      check(muon_param_init(&param, sizeof param));
      param.ndim = 2;
      param.shape = shapes[i];
      if (i % 2) param.view = &by_columns;
      param.data = memory;
      param.grad = memory + size;
      param.data_count = param.grad_count = size;
      if (half) {
        param.dtype = types[i % 2];
        param.master = (muon_master)(i % 2 ? i / 2 % 2 : i % 3);
        if (i % 3 == 0) param.grad_dtype = MUON_DTYPE_F32;
        else for (size_t j = 0; j < size; j++) ((unsigned short *)param.grad)[j] = 0x3C00;
        if (kind == 0 && i % 2) param.state_dtype = MUON_DTYPE_BF16;
      }
      check(muon_optimizer_add_param(optimizer, 0, &param, NULL));
    }
    check(muon_set_num_threads(threads));
    check(muon_optimizer_set_statistics_level(optimizer, (muon_statistics_level)level));
    check(muon_optimizer_step(optimizer));
    counting = 1;
    for (int step = 0; step < 5; step++) {
      check(muon_optimizer_step(optimizer));
      check(muon_optimizer_set_lr(optimizer, 0, 0.01));
      check(muon_optimizer_zero_grad(optimizer));
    }
    counting = 0;
    if (kind == 0) first = optimizer;
    else {
      /* A first step of both has nothing left to allocate, but for the norm. */
      muon_optimizer *both[2] = {optimizer, first};
      check(muon_optimizers_clip_grad_norm(both, 2, 1, 1, NULL));
      counting = 1;
      for (int step = 0; step < 3; step++) {
        check(muon_optimizers_clip_grad_norm(both, 2, 1, 1, NULL));
        check(muon_optimizers_step(both, 2));
        check(muon_optimizer_step_param(optimizer, 0, gradient, 1));
        check(muon_optimizer_step_param(first, 5, gradient, 600 * 500));
        check(muon_optimizers_set_lr(both, 2, 0.01));
        check(muon_optimizers_zero_grad(both, 2));
      }
      counting = 0;
      check(muon_optimizer_destroy(first));
      check(muon_optimizer_destroy(optimizer));
    }
  }
  printf("%d allocations\n", count);
  return 0;
}
