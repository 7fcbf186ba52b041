/* Allocation k fails, for every k of FIRST, FIRST + EVERY, ...: out_of_memory SCENARIO FIRST EVERY.
 *
 * In three ways: the allocation fails once; that one and all after it fail until a call has said so;
 * and they fail for good, so that everything must be given up. A call gives MUON_OK or
 * MUON_ERR_OUT_OF_MEMORY, and after the latter nothing has changed; made again it succeeds, and the
 * results are those of an undisturbed run, to the bit. Each k has a process of its own, forked before
 * the library's first call; then all of them follow each other in one process, and nothing may stay
 * allocated. */
#define _GNU_SOURCE
#include "failing_memory.h"

#include <fcntl.h>
#include <muon.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- Calls ---------------------------------------------------------------------------------- */

static float data[4][64], grad[4][64], own[2][64], out[64];
static uint64_t digest;
static int given_up;
/* The folder and the file of a scenario that saves one. In memory, where bringing them to the disk is
 * no wait. */
static char folder[] = "/dev/shm/libmuon-XXXXXX", file_name[sizeof folder + 8];

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *p, size_t size) {
  for (const unsigned char *c = p; size-- > 0; c++) h = (h ^ *c) * 0x100000001b3;
  return h;
}

/* The saved file. */
static uint64_t hash_file(uint64_t h) {
  static char bytes[65536];
  const int file = file_name[0] ? open(file_name, O_RDONLY) : -1;
  for (ssize_t count; file >= 0 && (count = read(file, bytes, sizeof bytes)) > 0;)
    h = hash(h, bytes, (size_t)count);
  if (file >= 0) close(file);
  return h;
}

static uint64_t contents(void) {
  uint64_t h = hash_file(0xcbf29ce484222325);
  h = hash(h, data, sizeof data);
  h = hash(h, grad, sizeof grad);
  h = hash(h, own, sizeof own);
  return hash(h, out, sizeof out);
}

static void stop(const char *what, const char *call) {
  armed = 0;
  fprintf(stderr, "allocation %d, way %d: %s: %s: %s\n", fail_at, (int)way, call, what,
          muon_last_error());
  _exit(1);
}

#define CALL(call)                                                       \
  do {                                                                   \
    if (given_up) break;                                                 \
    const uint64_t before = contents();                                  \
    armed = 1;                                                           \
    muon_status status = call;                                           \
    armed = 0;                                                           \
    if (status == MUON_ERR_OUT_OF_MEMORY) {                              \
      if (contents() != before) stop("something changed", #call);        \
      if (way == NEVER || seen < fail_at) stop("no reason", #call);      \
      if (!strstr(muon_last_error(), "memory")) stop("no text", #call);  \
      if (way == FOR_GOOD) {                                             \
        given_up = 1;                                                    \
        break;                                                           \
      }                                                                  \
      failing = 0;                                                       \
      armed = 1;                                                         \
      status = call;                                                     \
      armed = 0;                                                         \
    }                                                                    \
    if (status != MUON_OK) stop("failed", #call);                        \
  } while (0)

/* These give memory back: they succeed also while there is none. */
#define DESTROY(call)                                                    \
  do {                                                                   \
    armed = 1;                                                           \
    const muon_status status = call;                                     \
    armed = 0;                                                           \
    if (status != MUON_OK) stop("failed", #call);                        \
  } while (0)

static void fill(void) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 64; j++) {
      data[i][j] = (float)((i * 7 + j * 5) % 11) - 5;
      grad[i][j] = (float)((i * 5 + j * 3 + j / 8) % 13) - 6;
    }
  memset(own, 0, sizeof own);
  memset(out, 0, sizeof out);
}

static muon_param param(int i, const int64_t *shape, int32_t ndim) {
  muon_param p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;
  p.dtype = MUON_DTYPE_F32;
  p.requires_grad = 1;
  p.ndim = ndim;
  p.shape = shape;
  p.data = data[i];
  p.grad = grad[i];
  p.data_count = p.grad_count = 1;
  for (int d = 0; d < ndim; d++) p.data_count = p.grad_count *= (size_t)shape[d];
  return p;
}

static const int64_t square[2] = {8, 8}, wide[2] = {4, 16}, vector[1] = {64};

static void use(muon_optimizer *optimizer, int matrices) {
  muon_param first = param(0, square, 2), second = param(1, matrices ? wide : vector, matrices ? 2 : 1);
  muon_param third = param(2, square, 2);
  /* As many numbers of half the size. */
  third.dtype = MUON_DTYPE_BF16, third.grad_dtype = MUON_DTYPE_F32;
  third.master = matrices ? MUON_MASTER_REMAINDER : MUON_MASTER_F32;
  if (matrices) third.state_dtype = MUON_DTYPE_BF16;
  int64_t index = 0, steps = 0;
  size_t count = 0, elements = 0;
  double lr = 0;
  first.name = "a name that is too long to be kept within a text of Swift's itself";
  const muon_state_buffer state[2] = {{matrices ? "momentum" : "exp_avg", own[0], 64},
                                      {"exp_avg_sq", own[1], 64}};
  const char *names[2];
  muon_state_layout layout[2];
  second.state = state, second.state_count = matrices ? 1 : 2;
  CALL(muon_optimizer_add_param(optimizer, 0, &first, &index));
  CALL(muon_optimizer_add_param(optimizer, 0, &second, NULL));
  CALL(muon_optimizer_step(optimizer));
  CALL(muon_optimizer_add_param(optimizer, 0, &third, NULL));
  CALL(muon_optimizer_step(optimizer));
  CALL(muon_optimizer_get_param_count(optimizer, &count));
  if (!given_up && count != 3) stop("a parameter too many or too few", "use");
  CALL(muon_optimizer_get_param_steps(optimizer, 0, &steps));
  if (!given_up && steps != 2) stop("a step too many or too few", "use");
  const char *buffer = matrices ? "momentum" : "exp_avg";
  CALL(muon_optimizer_get_state_buffers(optimizer, 0, names, 2, &count));
  CALL(muon_optimizer_get_state_layout(optimizer, 0, &first, layout, 2, &count));
  const int64_t costs[3] = {3, 2, 1}, loads[2] = {0, 0};
  int64_t operations;
  int32_t owners[3];
  CALL(muon_optimizer_get_cost(optimizer, 0, &first, &operations));
  CALL(muon_plan_owners(costs, 3, loads, 2, owners, 3, &count));
  CALL(muon_optimizer_get_buffer_shape(optimizer, 0, buffer, NULL, 0, &count));
  CALL(muon_optimizer_get_state_bytes(optimizer, &count));
  CALL(muon_optimizer_get_buffer(optimizer, 0, buffer, out, 64, &elements));
  CALL(muon_optimizer_set_buffer(optimizer, 0, buffer, out, 64));
  CALL(muon_optimizer_bind_buffer(optimizer, 1, buffer, NULL, 0));
  CALL(muon_optimizer_bind_buffer(optimizer, 1, "grad", grad[3], 64));
  CALL(muon_optimizer_set_param_steps(optimizer, 1, 5));
  CALL(muon_optimizer_set_lr(optimizer, 0, 0.01));
  CALL(muon_optimizer_get_lr(optimizer, 0, &lr));
  CALL(muon_optimizer_step(optimizer));
  CALL(muon_optimizer_zero_grad(optimizer));
}

/* A failure of the second leaves the first as it was: its matrix is solved ahead. */
static void set_scenario(void) {
  muon_muon_options options;
  muon_optimizer *both[2] = {NULL, NULL};
  muon_param matrix = param(0, square, 2), bias = param(1, vector, 1);
  CALL(muon_muon_options_init(&options, sizeof options));
  options.backend = MUON_BACKEND_SVD;
  CALL(muon_optimizer_create_muon(&options, &both[0]));
  CALL(muon_optimizer_create_adamw(NULL, &both[1]));
  CALL(muon_optimizer_add_param(both[0], 0, &matrix, NULL));
  CALL(muon_optimizer_add_param(both[1], 0, &bias, NULL));
  CALL(muon_optimizer_set_statistics_level(both[1], MUON_STATISTICS_LEVEL_BASIC));
  CALL(muon_optimizers_clip_grad_norm(both, 2, 1, 1, NULL));
  CALL(muon_optimizers_step(both, 2));
  CALL(muon_optimizers_set_lr(both, 2, 0.01));
  CALL(muon_optimizer_step_param(both[1], 0, grad[2], 64));
  CALL(muon_optimizers_step(both, 2));
  CALL(muon_optimizers_zero_grad(both, 2));
  for (int i = 0; i < 2; i++) DESTROY(muon_optimizer_destroy(both[i]));
}

static void muon_scenario(muon_backend backend) {
  const muon_coefficients rows[2] = {{3, -3.2, 1.2}, {2, -1.5, 0.5}};
  muon_muon_options options;
  muon_optimizer *optimizer = NULL;
  int64_t group = 0;
  size_t count = 0;
  muon_coefficients got[16];
  CALL(muon_muon_options_init(&options, sizeof options));
  options.backend = backend;
  if (backend == MUON_BACKEND_CUSTOM) options.coefficients = rows, options.coefficients_count = 2;
  CALL(muon_optimizer_create_muon(&options, &optimizer));
  use(optimizer, 1);
  muon_param fourth = param(3, square, 2);
  fourth.grad = grad[0];
  CALL(muon_optimizer_add_muon_group(optimizer, &options, &fourth, 1, &group));
  CALL(muon_optimizer_get_muon_options(optimizer, 0, &options));
  CALL(muon_optimizer_set_muon_options(optimizer, 0, &options));
  CALL(muon_optimizer_get_coefficients(optimizer, 0, got, 16, &count));
  CALL(muon_optimizer_step(optimizer));
  /* State that comes with options, and goes. */
  options.second_moment = MUON_SECOND_MOMENT_NORMUON_LONG, options.hyperball = 1;
  CALL(muon_optimizer_set_muon_options(optimizer, 0, &options));
  CALL(muon_optimizer_step(optimizer));
  options.hyperball = 0, options.cautious_weight_decay = 1;
  CALL(muon_optimizer_set_muon_options(optimizer, 0, &options));
  CALL(muon_optimizer_step(optimizer));
  DESTROY(muon_optimizer_destroy(optimizer));
}

static void adamw_scenario(void) {
  muon_adamw_options options;
  muon_optimizer *optimizer = NULL;
  int64_t group = 0;
  CALL(muon_adamw_options_init(&options, sizeof options));
  CALL(muon_optimizer_create_adamw(&options, &optimizer));
  use(optimizer, 0);
  CALL(muon_optimizer_add_adamw_group(optimizer, &options, NULL, 0, &group));
  CALL(muon_optimizer_get_adamw_options(optimizer, 0, &options));
  CALL(muon_optimizer_set_adamw_options(optimizer, 0, &options));
  DESTROY(muon_optimizer_destroy(optimizer));
}

static void schedule_scenario(void) {
  muon_optimizer *optimizers[2] = {NULL, NULL};
  muon_schedule *parts[6] = {NULL};
  muon_scheduler *scheduler = NULL;
  const int64_t milestones[2] = {3, 9};
  double rates[2] = {0, 0};
  size_t count = 0;
  int64_t step = 0;
  CALL(muon_optimizer_create_muon(NULL, &optimizers[0]));
  CALL(muon_optimizer_create_adamw(NULL, &optimizers[1]));
  CALL(muon_schedule_create_linear(0.5, 1, 4, &parts[0]));
  CALL(muon_schedule_create_constant(0.5, 4, &parts[1]));
  CALL(muon_schedule_create_cosine(10, 0, &parts[2]));
  CALL(muon_schedule_create_trapezoid(2, 2, 10, 0.1, 0.1, &parts[3]));
  CALL(muon_schedule_create_sequential((const muon_schedule *const *)parts, 3, milestones, 2,
                                       &parts[4]));
  CALL(muon_schedule_create_chained((const muon_schedule *const *)parts, 2, &parts[5]));
  CALL(muon_schedule_get_rate(parts[4], 0.1, 7, &rates[0]));
  CALL(muon_scheduler_create(parts[5], optimizers, 2, &scheduler));
  CALL(muon_scheduler_step(scheduler));
  CALL(muon_scheduler_set_step(scheduler, 6));
  CALL(muon_scheduler_get_step(scheduler, &step));
  CALL(muon_scheduler_get_last_lr(scheduler, rates, 2, &count));
  memcpy(out, rates, sizeof rates);
  DESTROY(muon_scheduler_destroy(scheduler));
  for (int i = 0; i < 6; i++) DESTROY(muon_schedule_destroy(parts[i]));
  for (int i = 0; i < 2; i++) DESTROY(muon_optimizer_destroy(optimizers[i]));
}

static void builder_scenario(void) {
  static const char config[] =
      "{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 0.1, \"n_epochs\": 2,"
      " \"warmup_steps\": 3, \"lr_schedule\": \"cosine\"}, \"muon\": {\"coefficients\":"
      " [[3, -3.2, 1.2]]}, \"adamw\": {\"betas\": [0.8, 0.9]}}";
  muon_param params[3] = {param(0, square, 2), param(1, vector, 1), param(2, wide, 2)};
  muon_route routes[3];
  muon_optimizer *optimizers[2] = {NULL, NULL};
  muon_scheduler *schedulers[2] = {NULL, NULL};
  size_t count = 0;
  char name[100];
  int64_t number = 0;
  muon_option_range range;
  muon_backend backend;
  params[0].name = "a matrix with a name that is too long to be kept within a text of Swift's itself";
  CALL(muon_config_route_params(config, params, 3, routes, 3, &count));
  CALL(muon_config_build_optimizers(config, params, 3, optimizers, 2, &count));
  CALL(muon_config_build_schedulers(config, optimizers, count, 10, schedulers, count, &count));
  CALL(muon_optimizer_find_param(optimizers[0], params[0].name, &number));
  CALL(muon_optimizer_get_param_name(optimizers[0], 0, name, sizeof name, &count));
  CALL(muon_optimizer_get_param_group(optimizers[0], 0, &number));
  CALL(muon_option_get_range(MUON_OPTIMIZER_KIND_MUON, "momentum", &range));
  CALL(muon_backend_from_name("polar_express", &backend));
  for (int i = 0; i < 2; i++) CALL(muon_optimizer_step(optimizers[i]));
  for (int i = 0; i < 2; i++) CALL(muon_scheduler_step(schedulers[i]));
  for (int i = 0; i < 2; i++) CALL(muon_optimizer_step(optimizers[i]));
  for (int i = 0; i < 2; i++) DESTROY(muon_optimizer_destroy(optimizers[i]));
  for (int i = 0; i < 2; i++) DESTROY(muon_scheduler_destroy(schedulers[i]));
}

static void orthogonalize_scenario(muon_backend backend) {
  muon_orthogonalize_options options;
  muon_coefficients rows[99];
  size_t count = 0;
  double factor;
  CALL(muon_orthogonalize_options_init(&options, sizeof options));
  options.backend = backend;
  CALL(muon_orthogonalize(data[0], 64, 8, 8, &options, out, 64));
  CALL(muon_orthogonalize_batch(data[0], 64, 4, 4, 4, &options, out, 64));
  CALL(muon_backend_get_coefficients(backend, 0, rows, 99, &count));
  CALL(muon_shape_scale_get_factor(MUON_SHAPE_SCALE_SPECTRAL, 8, 8, &factor));
}

/* Large enough that a step is made by two threads, which their creator makes objects for. */
static void thread_scenario(void) {
  enum { SIDE = 160 };
  static float large[2][SIDE * SIDE];
  const int64_t shape[2] = {SIDE, SIDE};
  muon_optimizer *optimizer = NULL;
  muon_param p = param(0, shape, 2);
  p.data = large[0], p.grad = large[1];
  for (int i = 0; i < SIDE * SIDE; i++) large[0][i] = 0, large[1][i] = (float)(i % 23) - 11;
  CALL(muon_set_num_threads(2));
  CALL(muon_optimizer_create_muon(NULL, &optimizer));
  CALL(muon_optimizer_add_param(optimizer, 0, &p, NULL));
  CALL(muon_optimizer_step(optimizer));
  CALL(muon_optimizer_step(optimizer));
  DESTROY(muon_optimizer_destroy(optimizer));
  if (!given_up) memcpy(out, large[0], sizeof out);
}

static int32_t go_on(uint64_t done, uint64_t total, void *context) {
  return context || done > total;
}

/* Saved, stepped on, and loaded: in memory and in a file. */
static void checkpoint_scenario(void) {
  static unsigned char saved[1 << 16];
  muon_optimizer *optimizers[2] = {NULL, NULL};
  muon_schedule *schedule = NULL;
  muon_scheduler *scheduler = NULL;
  muon_checkpoint_options options;
  muon_param matrix = param(0, square, 2), bias = param(1, vector, 1);
  size_t size = 0, written = 0;
  matrix.name = "a matrix with a name that is too long to be kept within a text of Swift's itself";
  CALL(muon_optimizer_create_muon(NULL, &optimizers[0]));
  CALL(muon_optimizer_create_adamw(NULL, &optimizers[1]));
  CALL(muon_optimizer_add_param(optimizers[0], 0, &matrix, NULL));
  CALL(muon_optimizer_add_param(optimizers[1], 0, &bias, NULL));
  CALL(muon_schedule_create_cosine(10, 0, &schedule));
  CALL(muon_scheduler_create(schedule, optimizers, 2, &scheduler));
  CALL(muon_checkpoint_options_init(&options, sizeof options));
  options.progress = go_on;
  for (int i = 0; i < 2; i++) CALL(muon_optimizer_step(optimizers[i]));
  CALL(muon_scheduler_step(scheduler));
  CALL(muon_checkpoint_save(file_name, optimizers, 2, &scheduler, 1, &options));
  CALL(muon_checkpoint_save_memory(optimizers, 2, &scheduler, 1, NULL, NULL, 0, &size));
  CALL(muon_checkpoint_save_memory(optimizers, 2, &scheduler, 1, NULL, saved, sizeof saved, &written));
  if (!given_up && (written != size || size < 64 * 5 * sizeof(float))) stop("a wrong size", "save");
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) CALL(muon_optimizer_step(optimizers[j]));
    if (i) CALL(muon_checkpoint_load(file_name, optimizers, 2, &scheduler, 1, &options));
    else CALL(muon_checkpoint_load_memory(saved, size, optimizers, 2, &scheduler, 1, &options));
  }
  CALL(muon_optimizer_get_buffer(optimizers[0], 0, "momentum", out, 64, &size));
  DESTROY(muon_scheduler_destroy(scheduler));
  DESTROY(muon_schedule_destroy(schedule));
  for (int i = 0; i < 2; i++) DESTROY(muon_optimizer_destroy(optimizers[i]));
}

/* With a folder for its file, in which nothing else may be left. */
static void with_folder(void (*body)(void)) {
  strcpy(folder + sizeof folder - 7, "XXXXXX");
  if (!mkdtemp(folder)) stop("mkdtemp", folder);
  snprintf(file_name, sizeof file_name, "%s/run", folder);
  body();
  unlink(file_name);
  file_name[0] = 0;
  if (rmdir(folder) != 0) stop("something is left beside the file", folder);
}

static void scenario(const char *name) {
  fill();
  given_up = 0;
  const int backend = atoi(name + strcspn(name, "0123456789"));
  if (strncmp(name, "muon", 4) == 0) muon_scenario((muon_backend)backend);
  else if (strncmp(name, "orthogonalize", 13) == 0) orthogonalize_scenario((muon_backend)backend);
  else if (strcmp(name, "adamw") == 0) adamw_scenario();
  else if (strcmp(name, "schedules") == 0) schedule_scenario();
  else if (strcmp(name, "builders") == 0) builder_scenario();
  else if (strcmp(name, "sets2") == 0) set_scenario();
  else if (strcmp(name, "threads") == 0) thread_scenario();
  else if (strcmp(name, "checkpoint") == 0) with_folder(checkpoint_scenario);
  else _exit(2);
  digest = contents();
}

/* What a run tells: how often it allocated, what it kept allocated, its results. */
struct findings {
  int allocations, kept;
  uint64_t digest;
};

static struct findings run(const char *name, int k, enum way w) {
  const int before = live;
  seen = failing = 0;
  fail_at = k, way = w;
  scenario(name);
  return (struct findings){seen, live - before, digest};
}

/* A run of a process that has not called the library before. */
static void run_cold(const char *name, int k, enum way w, struct findings expected) {
  const struct findings hit = run(name, k, w);
  if (!given_up && hit.digest != expected.digest) stop("other results", name);
  if (run(name, 0, NEVER).digest != expected.digest) stop("other results later", name);
}

/* All runs of a process that has: they keep nothing. The first with a failure may make caches. */
static void run_warm(const char *name, int first, int every, int *allocations) {
  for (int i = 0; i < 3; i++) *allocations = run(name, 0, NEVER).allocations;
  for (int k = first; k <= *allocations; k += every)
    for (enum way w = ONCE; w <= FOR_GOOD; w++) {
      run(name, k, w);
      run(name, 0, NEVER);
      const int kept = run(name, k, w).kept + run(name, 0, NEVER).kept;
      if (kept != 0) stop("a leak", name);
    }
}

static int children;

/* Whether a child process that calls this ends well. */
#define WELL(call)                                                                         \
  ({                                                                                       \
    int status = 1;                                                                        \
    const pid_t child = fork();                                                            \
    if (child == 0) alarm(600), (void)(call), _exit(0);                                    \
    if (waitpid(child, &status, 0) != child) return perror("waitpid"), 1;                  \
    if (status != 0 && ++children <= 20)                                                   \
      printf("%s: %s %d\n", #call, WIFSIGNALED(status) ? "signal" : "exit",                \
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));                \
    status == 0;                                                                           \
  })

int main(int argc, char **argv) {
  if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[3]) < 1) return 2;
  /* Loaded before anything fails: what it allocates meanwhile is not the library's, see SECURITY.md. */
  if (strpbrk(argv[1], "2")) muon_build_info();
  const char *name = argv[1];
  struct findings *cold = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int *warm = (int *)(cold + 1), bad = 0;
  setvbuf(stdout, NULL, _IOLBF, 4096);
  if (cold == MAP_FAILED || !WELL(*cold = run(name, 0, NEVER))) return 1;
  const int first = atoi(argv[2]), every = atoi(argv[3]);
  for (int k = first; k <= cold->allocations; k += every)
    for (enum way w = ONCE; w <= FOR_GOOD; w++)
      if (!WELL(run_cold(name, k, w, *cold))) bad++, printf("  at allocation %d, way %d\n", k, (int)w);
  if (!WELL(run_warm(name, first, every, warm))) bad++;
  printf("%s: %d allocations in a first run, %d in a later one, 1 of %d failing in 3 ways: %d bad\n", name,
         cold->allocations, *warm, every, bad);
  return bad != 0;
}
