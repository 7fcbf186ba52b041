/* A limit on the address space, instead of single allocations that fail: parameters, optimizers and
 * schedules are made until there is no memory; then everything is destroyed, and it all works again.
 * And a large checkpoint is saved and loaded with ever more memory. */
#include <malloc.h>
#include <muon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST = 1 << 22 };
static void *handles[MOST];

static size_t address_space(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%lu", &pages) != 1) exit(2);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The limit that the process came with. */
static struct rlimit own;

static void allow_more(size_t bytes) {
  struct rlimit limit = own;
  limit.rlim_cur = address_space() + bytes;
  setrlimit(RLIMIT_AS, &limit);
}

static void allow_all(void) { setrlimit(RLIMIT_AS, &own); }

static void expect(muon_status status, muon_status expected, const char *what) {
  if (status == expected) return;
  fprintf(stderr, "%s: %s: %s\n", what, muon_status_name(status), muon_last_error());
  exit(1);
}

static void fill(size_t side, const char *what, int kind) {
  const int64_t shape[2] = {(int64_t)side, (int64_t)side};
  float *data = calloc(side * side, sizeof *data), *grad = calloc(side * side, sizeof *grad);
  if (!data || !grad) exit(2);
  size_t count = 0, full = 0;
  allow_more((size_t)96 << 20);
  while (count < MOST && full < 100) {
    muon_status status;
    if (kind == 2) status = muon_schedule_create_linear(0.5, 1, 9, (muon_schedule **)&handles[count]);
    else status = kind ? muon_optimizer_create_adamw(NULL, (muon_optimizer **)&handles[count])
                       : muon_optimizer_create_muon(NULL, (muon_optimizer **)&handles[count]);
    if (status == MUON_OK && count++ + 1 && kind != 2) {
      muon_param param;
      memset(&param, 0, sizeof param);
      param.struct_size = sizeof param, param.dtype = MUON_DTYPE_F32, param.requires_grad = 1;
      param.ndim = 2, param.shape = shape, param.data = data, param.grad = grad;
      param.data_count = param.grad_count = side * side;
      status = muon_optimizer_add_param(handles[count - 1], 0, &param, NULL);
      if (status == MUON_OK) status = muon_optimizer_step(handles[count - 1]);
    }
    if (status == MUON_OK) continue;
    expect(status, MUON_ERR_OUT_OF_MEMORY, what);
    full++;
  }
  if (full < 100) fprintf(stderr, "%s: memory did not run out\n", what), exit(1);
  for (size_t i = 0; i < count; i++)
    expect(kind == 2 ? muon_schedule_destroy(handles[i]) : muon_optimizer_destroy(handles[i]), MUON_OK,
           "destroy");
  allow_all();
  malloc_trim(0);
  muon_optimizer *again;
  expect(muon_optimizer_create_muon(NULL, &again), MUON_OK, "create again");
  expect(muon_optimizer_destroy(again), MUON_OK, "destroy again");
  printf("%s: %zu until memory ran out; ", what, count);
  free(data);
  free(grad);
}

/* A scheduler for which there is no handle: the table of 200,000 cannot grow. It has set no rate. */
static void scheduler(void) {
  enum { SCHEDULES = 200000 };
  muon_optimizer *optimizer;
  muon_scheduler *scheduler = NULL;
  double lr = 0;
  int refused = 0;
  for (int i = 0; i < SCHEDULES; i++)
    expect(muon_schedule_create_constant(0.5, 9, (muon_schedule **)&handles[i]), MUON_OK, "schedule");
  expect(muon_optimizer_create_adamw(NULL, &optimizer), MUON_OK, "create");
  for (size_t more = 0; !scheduler; more += 1 << 20) {
    malloc_trim(0);
    allow_more(more);
    const muon_status status = muon_scheduler_create(handles[0], &optimizer, 1, &scheduler);
    allow_all();
    expect(muon_optimizer_get_lr(optimizer, 0, &lr), MUON_OK, "lr");
    if (status == MUON_OK) break;
    expect(status, MUON_ERR_OUT_OF_MEMORY, "scheduler");
    if (lr != 1e-3) fprintf(stderr, "a scheduler that was refused has set a rate\n"), exit(1);
    refused++;
  }
  if (lr != 0.5e-3 || refused < 5) fprintf(stderr, "%d refused, lr %g\n", refused, lr), exit(1);
  expect(muon_scheduler_destroy(scheduler), MUON_OK, "destroy");
  expect(muon_optimizer_destroy(optimizer), MUON_OK, "destroy");
  for (int i = 0; i < SCHEDULES; i++) expect(muon_schedule_destroy(handles[i]), MUON_OK, "destroy");
  printf("%d schedulers refused; ", refused);
}

/* A checkpoint whose header alone is more than there is memory for. */
static void checkpoint(void) {
  enum { PARAMS = 8000, NAME = 1000 };
  static char names[PARAMS][NAME + 1];
  static float data[PARAMS];
  const int64_t shape[1] = {1};
  muon_optimizer *optimizer;
  size_t size = 0;
  expect(muon_optimizer_create_adamw(NULL, &optimizer), MUON_OK, "create");
  for (int i = 0; i < PARAMS; i++) {
    muon_param param;
    memset(&param, 0, sizeof param);
    param.struct_size = sizeof param, param.dtype = MUON_DTYPE_F32, param.requires_grad = 1;
    param.ndim = 1, param.shape = shape, param.data = &data[i], param.data_count = 1;
    snprintf(names[i], sizeof names[i], "%0*d", NAME, i);
    param.name = names[i];
    expect(muon_optimizer_add_param(optimizer, 0, &param, NULL), MUON_OK, "add");
  }
  expect(muon_checkpoint_save_memory(&optimizer, 1, NULL, 0, NULL, NULL, 0, &size), MUON_OK, "size");
  char *saved = malloc(size);
  if (!saved) exit(2);
  expect(muon_checkpoint_save_memory(&optimizer, 1, NULL, 0, NULL, saved, size, &size), MUON_OK, "save");
  malloc_trim(0);
  /* From too little for anything to enough for all: where it ends, memory runs out at another place. */
  int refused[2] = {0, 0};
  for (size_t more = 0;; more += (size_t)4 << 20) {
    allow_more(more);
    const muon_status statuses[2] = {
        muon_checkpoint_save_memory(&optimizer, 1, NULL, 0, NULL, saved, size, &size),
        muon_checkpoint_load_memory(saved, size, &optimizer, 1, NULL, 0, NULL)};
    allow_all();
    for (int i = 0; i < 2; i++) {
      if (statuses[i] == MUON_OK) continue;
      expect(statuses[i], MUON_ERR_OUT_OF_MEMORY, i ? "load" : "save");
      refused[i]++;
    }
    malloc_trim(0);
    if (statuses[0] == MUON_OK && statuses[1] == MUON_OK) break;
  }
  if (refused[0] < 2 || refused[1] < 2) fprintf(stderr, "memory did not run out\n"), exit(1);
  expect(muon_optimizer_destroy(optimizer), MUON_OK, "destroy");
  free(saved);
  printf("a checkpoint of %zu bytes: %d saves, %d loads refused; ", size, refused[0], refused[1]);
}

int main(void) {
  if (getrlimit(RLIMIT_AS, &own) != 0) return 2;
  expect(muon_set_num_threads(1), MUON_OK, "threads");
  scheduler(); /* first: the table must be full */
  fill(512, "Muon", 0);
  fill(256, "AdamW", 1);
  fill(4, "small Muon", 0);
  fill(1, "schedules", 2);
  checkpoint();
  puts("all destroyed, and it works again");
  return 0;
}
