/* Random sequences of calls of every function: fuzz SEED SEQUENCES.
 *
 * Arguments are right often enough that calls succeed, and otherwise NULL, misaligned, 0, -1, the
 * extremes, NaN, infinity, no value of the enum; handles are live, stale, forged or of another kind.
 * What a caller must guarantee is kept: a pointer that is not NULL has the memory that its count says.
 * Each thousand sequences have a child process of their own. A call must give a status that is no
 * defect, and where it refuses it must have written no result and left a text. */
#include <math.h>
/* What is made before the calls that are judged may fail; then they are given something else. */
#define MUON_CHECK
#include <muon.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sequence under way, which outlives a crash, and how the calls ended. */
static struct shared {
  uint64_t seed;
  char call[64];
  uint64_t statuses[16];
} *shared;

static uint64_t state;
static uint64_t noise(void) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}
static size_t below(size_t n) { return noise() % n; }
static int rarely(void) { return below(20) == 0; }
#define PICK(...) ((__VA_ARGS__)[below(sizeof(__VA_ARGS__) / sizeof((__VA_ARGS__)[0]))])

static void fail(const char *call, const char *what) {
  fprintf(stderr, "seed %llu: %s: %s: %s\n", (unsigned long long)shared->seed, call, what,
          muon_last_error());
  abort();
}

/* ---- Memory: blocks as large as they are said to be, until the sequence ends ----------------- */

enum { BLOCKS = 4096, RESULTS = 8, RESULT_BYTES = 16384 };
static void *blocks[BLOCKS];
static size_t block_count;
static void *block(size_t size) {
  if (block_count == BLOCKS) return NULL;
  void *p = calloc(1, size ? size : 1);
  return blocks[block_count++] = p;
}

/* Where results go: filled with a pattern, to see what is written; and how many bytes at the beginning
 * the caller has set. */
static unsigned char *results[RESULTS];
static size_t set[RESULTS];
static int result_count;
static void *result_out(void) {
  if (rarely()) return rarely() ? (char *)block(64) + 1 : NULL;
  if (result_count == RESULTS) return NULL;
  set[result_count] = 0;
  unsigned char *p = results[result_count++];
  memset(p, 0xA5, RESULT_BYTES);
  return p;
}

/* ---- Numbers -------------------------------------------------------------------------------- */

static const int64_t odd[] = {0, -1, INT64_MIN, INT64_MAX, (int64_t)1 << 32, (int64_t)1 << 62, 100};
static int64_t int64(void) { return rarely() ? PICK(odd) : (int64_t)below(12); }
static int64_t index_of(void) { return rarely() ? PICK(odd) : (int64_t)below(3); }
static int32_t int32(void) {
  static const int32_t values[] = {0, -1, INT32_MIN, INT32_MAX, 99, 100};
  return rarely() ? PICK(values) : (int32_t)below(6);
}
static unsigned enumerator(void) {
  static const unsigned values[] = {0, 77, 0x7fffffff, 0x80000000, 0xffffffff};
  return rarely() ? PICK(values) : (unsigned)below(11);
}
static double number(void) {
  static const double values[] = {NAN, INFINITY, -INFINITY, -1, 1e308, 1e-320, -0.0, 1, 1e39};
  return rarely() ? PICK(values) : (double)below(1000) / 1000;
}

/* Rows and columns of the call; most matrices of a sequence have 64 elements. */
static struct shape {
  int64_t rows, cols;
} hint;
static void choose_hint(void) {
  static const struct shape shapes[] = {{8, 8}, {8, 8}, {4, 16}, {16, 4},  {1, 64}, {64, 1}, {2, 3},
                                        {0, 5}, {1, 1}, {7, 9},  {33, 70}, {70, 33}};
  hint = PICK(shapes);
}
static int64_t extent(struct shape *shape) {
  const int64_t value = shape->rows;
  *shape = (struct shape){shape->cols, value};
  return rarely() ? PICK(odd) : value;
}

/* A count that does not fit the shape is refused before memory is looked at. No product of extents
 * that are used here is 2^33 + 1. */
static size_t false_count(void) {
  static const int64_t values[] = {0, -1, INT64_MIN, INT64_MAX, ((int64_t)1 << 33) + 1,
                                   (int64_t)1 << 62};
  return (size_t)PICK(values);
}

static float *floats(size_t *count, int results) {
  const size_t n = (size_t)(hint.rows * hint.cols);
  *count = n;
  if (rarely()) return rarely() ? NULL : (*count = rarely() ? n : 0, NULL);
  float *p = block(n * sizeof *p);
  if (!p) return *count = 0, NULL;
  for (size_t i = 0; i < n; i++) p[i] = results ? 0 : (float)below(2000) / 1000 - 1;
  static const float values[] = {NAN, INFINITY, -INFINITY, 3e38f, 1e-45f};
  if (!results && n && below(40) == 0) p[below(n)] = PICK(values);
  if (rarely()) *count = false_count();
  /* A lie about the alignment; the count is one too large to be right then. */
  if (below(60) == 0) return *count = n, (float *)((char *)p + 1);
  return p;
}
static const void *floats_in(size_t *count) { return floats(count, 0); }
static void *floats_bound(size_t *count) { return floats(count, 0); }
static void *floats_out(size_t *count) { return floats(count, 1); }

static void *list_out(size_t *capacity) {
  *capacity = rarely() ? false_count() : below(120);
  return result_out();
}
static size_t struct_size(size_t right) {
  const size_t values[] = {0, 1, 8, right - 8, right + 8, right + 1, 1024, 1032, SIZE_MAX,
                           (size_t)1 << 32};
  return rarely() ? PICK(values) : right;
}
static void *struct_out(size_t *size) { return *size = 0, result_out(); }

/* ---- Handles -------------------------------------------------------------------------------- */

enum kind { OPTIMIZER, SCHEDULE, SCHEDULER, KINDS };
enum { HANDLES = 64 };
/* All there ever were in this sequence: many are stale. */
static void *handles[KINDS][HANDLES];
static size_t handle_count[KINDS];

static void *handle(enum kind kind) {
  if (rarely()) return rarely() ? NULL : (void *)(uintptr_t)(noise() >> below(64));
  if (rarely()) kind = (enum kind)below(KINDS);
  if (!handle_count[kind]) return NULL;
  uintptr_t bits = (uintptr_t)handles[kind][below(handle_count[kind])];
  if (below(40) == 0) bits ^= (uintptr_t)1 << below(64);
  return (void *)bits;
}

/* The handles that a call wrote, which did not fail. */
static int succeeded;
static void keep(enum kind kind) {
  for (int i = 0; succeeded && i < result_count; i++)
    for (int slot = 0; slot < 4; slot++) {
      uintptr_t bits;
      memcpy(&bits, results[i] + slot * 8, 8);
      /* Its kind is in its lowest byte; counts and the pattern are no handles. */
      if ((bits & 0xff) == ((uintptr_t)(kind + 1) << 1 | 1) && handle_count[kind] < HANDLES)
        handles[kind][handle_count[kind]++] = (void *)bits;
    }
}

static const void *handle_list(enum kind kind, size_t *count) {
  *count = below(4);
  if (rarely()) return *count = rarely() ? false_count() : *count, NULL;
  void **list = block(*count * sizeof *list);
  for (size_t i = 0; list && i < *count; i++) list[i] = handle(kind);
  if (below(40) == 0) *count = (size_t)-1;
  return list ? list : (*count = 0, NULL);
}
static const void *optimizer_list(size_t *count) { return handle_list(OPTIMIZER, count); }
static const void *schedule_list(size_t *count) { return handle_list(SCHEDULE, count); }
static const void *scheduler_list(size_t *count) { return handle_list(SCHEDULER, count); }
static const void *whole_numbers(size_t *count) {
  *count = below(4);
  int64_t *list = block(*count * sizeof *list), next = 0;
  for (size_t i = 0; list && i < *count; i++) list[i] = rarely() ? int64() : (next += 1 + int64() % 5);
  return list ? list : (*count = 0, NULL);
}

/* ---- Structs and texts ---------------------------------------------------------------------- */

static const char *text(void) {
  static const char *const texts[] = {"w", "", "a name longer than fifteen bytes", "\xff\xfe", "%s%n",
                                      "\xf0\x9f\x98\x80"};
  return PICK(texts);
}
static const char *buffer_name(void) {
  static const char *const names[] = {"data", "grad", "momentum", "exp_avg", "exp_avg_sq", "second_momentum", "radius"};
  return rarely() ? text() : PICK(names);
}
static const char *config(void) {
  static const char *const good[] = {
      "{\"training\":{\"optimizer\":\"Muon\",\"learning_rate\":0.1,\"n_epochs\":2}}",
      "{\"training\":{\"optimizer\":\"AdamW\",\"learning_rate\":0.1,\"n_epochs\":1,"
      "\"warmup_steps\":3,\"lr_schedule\":\"cosine\"}}",
      "{\"training\":{\"optimizer\":\"Muon\",\"learning_rate\":1e-3,\"n_epochs\":3,"
      "\"lr_schedule\":\"linear\"},\"muon\":{\"backend\":\"svd\",\"nesterov\":false},"
      "\"adamw\":{\"betas\":[0.5,0.9]}}"};
  if (rarely()) return NULL;
  const char *chosen = PICK(good);
  if (!rarely()) return chosen;
  /* One byte of it changed, or its end cut off. */
  char *copy = block(strlen(chosen) + 1);
  if (!copy) return NULL;
  strcpy(copy, chosen);
  const size_t at = below(strlen(copy));
  copy[at] = (char)(below(3) ? noise() : 0);
  return copy;
}

/* Of as many axes as the parameter has, as a rule. */
static const muon_view *view(int32_t ndim) {
  static const char *const axes[] = {"oi", "io", "ob", "bi", "boi", "bio", "ooi", "x", ""};
  muon_view *v = block(sizeof *v);
  enum { NUMBERS = 8 }; /* as many as any number of dimensions that is not refused */
  int64_t *numbers = block(NUMBERS * sizeof *numbers);
  if (!v || !numbers || rarely()) return NULL;
  muon_view_init(v, sizeof *v);
  if (rarely()) v->struct_size = struct_size(sizeof *v);
  if (v->struct_size > 48 && v->struct_size <= 1024) v->struct_size = sizeof *v;
  v->axes = rarely() ? text() : ndim == 2 ? axes[below(2)] : PICK(axes);
  for (int i = 0; i < NUMBERS; i++) numbers[i] = rarely() ? PICK(odd) : (int64_t)below(5);
  if (below(3) == 0) {
    numbers[below(3)] = -1;
    v->ndim = rarely() ? int32() : 3;
    v->axes = axes[4 + below(3)];
    v->shape = rarely() ? NULL : numbers;
  }
  if (below(3)) return v;
  v->split_axis = rarely() ? int32() : (int32_t)below(3);
  v->split_count = rarely() ? false_count() : below(5);
  v->split_sizes = rarely() ? NULL : numbers;
  return v;
}

static void fill_param(muon_param *p) {
  choose_hint();
  muon_param_init(p, sizeof *p);
  p->struct_size = rarely() ? struct_size(sizeof *p) : sizeof *p;
  /* One that may be right one day says where the next struct is: the caller's promise. */
  if (p->struct_size > 64 && p->struct_size <= 1024) p->struct_size = sizeof *p;
  int64_t *shape = block(8 * sizeof *shape);
  if (!shape) return;
  shape[0] = rarely() ? PICK(odd) : hint.rows, shape[1] = rarely() ? PICK(odd) : hint.cols;
  for (int i = 2; i < 8; i++) shape[i] = 1;
  static const int32_t dims[] = {0, 1, 8, -1, 9, INT32_MIN, INT32_MAX};
  p->ndim = rarely() ? PICK(dims) : 2;
  p->shape = below(30) ? shape : NULL;
  p->name = rarely() ? text() : NULL;
  static const muon_dtype types[] = {MUON_DTYPE_F32, MUON_DTYPE_BF16, MUON_DTYPE_F16};
  /* Of smaller elements there are as many: what is lent is enough. */
  if (below(4) == 0) {
    p->dtype = PICK(types), p->grad_dtype = below(2) ? 0 : PICK(types);
    p->state_dtype = below(3) ? 0 : MUON_DTYPE_BF16;
    p->master = (muon_master)below(3);
  }
  if (rarely()) p->dtype = (muon_dtype)enumerator();
  if (rarely()) p->grad_dtype = (muon_dtype)enumerator();
  if (rarely()) p->state_dtype = (muon_dtype)enumerator();
  if (rarely()) p->master = (muon_master)enumerator();
  if (rarely()) p->requires_grad = int32();
  p->data = floats(&p->data_count, 0);
  p->grad = floats(&p->grad_count, 0);
  if (below(4) == 0) p->view = view(p->ndim);
  if (below(8)) return;
  const size_t count = below(3);
  muon_state_buffer *state = block(count * sizeof *state);
  if (!state) return;
  for (size_t i = 0; i < count; i++)
    state[i].name = buffer_name(), state[i].data = floats(&state[i].count, 0);
  p->state = rarely() ? NULL : state;
  p->state_count = rarely() ? false_count() : count;
}
static const void *params(size_t *count) {
  *count = below(4);
  muon_param *list = block(*count * sizeof *list);
  if (!list || rarely()) return *count = rarely() ? false_count() : 0, NULL;
  for (size_t i = 0; i < *count; i++) fill_param(&list[i]);
  if (below(40) == 0) *count = (size_t)-1;
  return list;
}
static const muon_param *one_param(void) {
  muon_param *p = block(sizeof *p);
  if (!p || rarely()) return NULL;
  return fill_param(p), p;
}

static const muon_coefficients *coefficients(size_t *count) {
  *count = below(5);
  muon_coefficients *rows = block(*count * sizeof *rows);
  if (!rows || rarely()) return *count = rarely() ? false_count() : 0, NULL;
  for (size_t i = 0; i < *count; i++) rows[i] = (muon_coefficients){number() * 3, -number(), number()};
  if (below(40) == 0) *count = 100;
  /* 100 is refused by its number. */
  return rows;
}
/* A struct whose size says that it is larger would be read past its end: the caller's promise. */
#define SPOILED_SIZE(options) \
  if (rarely() && ((options)->struct_size = struct_size(sizeof *(options))) > sizeof *(options) && \
      (options)->struct_size <= 1024) (options)->struct_size = sizeof *(options)

static const void *muon_options(void) {
  muon_muon_options *o = block(sizeof *o);
  if (!o || rarely()) return NULL;
  muon_muon_options_init(o, sizeof *o);
  SPOILED_SIZE(o);
  if (below(4) == 0) o->lr = number();
  if (below(4) == 0) o->momentum = number();
  if (below(4) == 0) o->weight_decay = number();
  if (below(4) == 0) o->eps = number();
  if (below(4) == 0) o->nesterov = int32();
  if (below(4) == 0) o->momentum_style = (muon_momentum_style)enumerator();
  if (below(4) == 0) o->shape_scale = (muon_shape_scale)enumerator();
  if (below(4) == 0) o->backend_steps = int32();
  if (below(4) == 0) o->precision = (muon_precision)enumerator();
  if (below(4) == 0) o->method = (muon_newton_schulz_method)enumerator();
  if (below(2) == 0) o->backend = (muon_backend)enumerator();
  if (o->backend == MUON_BACKEND_CUSTOM || rarely()) o->coefficients = coefficients(&o->coefficients_count);
  if (below(4) == 0) o->cautious_weight_decay = int32();
  if (below(3) == 0) o->second_moment = (muon_second_moment)below(3);
  if (below(4) == 0) o->second_moment = (muon_second_moment)enumerator();
  if (below(4) == 0) o->beta2 = number();
  if (below(3) == 0) o->hyperball = (int32_t)below(2);
  return o;
}
static const void *adamw_options(void) {
  muon_adamw_options *o = block(sizeof *o);
  if (!o || rarely()) return NULL;
  muon_adamw_options_init(o, sizeof *o);
  SPOILED_SIZE(o);
  double *fields[] = {&o->lr, &o->beta1, &o->beta2, &o->eps, &o->weight_decay};
  for (int i = 0; i < 5; i++)
    if (below(4) == 0) *fields[i] = number();
  if (below(4) == 0) o->cautious_weight_decay = int32();
  return o;
}
static const void *orthogonalize_options(void) {
  muon_orthogonalize_options *o = block(sizeof *o);
  if (!o || rarely()) return NULL;
  muon_orthogonalize_options_init(o, sizeof *o);
  SPOILED_SIZE(o);
  if (below(2) == 0) o->backend = (muon_backend)enumerator();
  if (below(4) == 0) o->backend_steps = int32();
  if (below(4) == 0) o->eps = number();
  if (below(4) == 0) o->precision = (muon_precision)enumerator();
  if (below(4) == 0) o->method = (muon_newton_schulz_method)enumerator();
  if (o->backend == MUON_BACKEND_CUSTOM || rarely()) o->coefficients = coefficients(&o->coefficients_count);
  return o;
}

/* ---- Names ---------------------------------------------------------------------------------- */

static const char *name(void) {
  static const char *const names[] = {"", "param0", "lr", "momentum", "weight_decay", "coefficients", "svd", "auto", "f32", "basic",
                                      "\xff\xfe", "a name that is longer than what Swift keeps in place"};
  return rarely() ? NULL : PICK(names);
}

/* ---- Checkpoints and the log ---------------------------------------------------------------- */

static char own_path[4096];
static const char *path(void) {
  static const char *const wrong[] = {"", "/", "/dev/full", "/no/such/folder/x", "\xff\xfe"};
  if (rarely()) return rarely() ? NULL : PICK(wrong);
  return own_path;
}

static int32_t progress(uint64_t done, uint64_t total, void *context) {
  if (done > total) fail("progress", "more is done than there is");
  return context != NULL;
}

static int32_t agree(void *context, int64_t *values, size_t count) {
  /* Another rank may say anything. */
  if (context && count) values[below(count)] = int64();
  return below(20) == 0;
}
static int32_t share(void *context, int32_t owner, void *data, size_t bytes) {
  (void)context, (void)owner, (void)data, (void)bytes;
  return below(200) == 0;
}
static int32_t finish(void *context) {
  (void)context;
  return below(20) == 0;
}

static const void *exchange(void) {
  muon_exchange *e = block(sizeof *e);
  if (!e || below(2)) return NULL;
  muon_exchange_init(e, sizeof *e);
  SPOILED_SIZE(e);
  if (below(4) == 0) e->context = own_path;
  if (below(4) == 0) e->rank = int32();
  if (below(4) == 0) e->rank_count = int32();
  if (!rarely()) e->agree = agree;
  if (!rarely()) e->share = share;
  if (!rarely()) e->finish = finish;
  return e;
}

static const void *checkpoint_options(void) {
  muon_checkpoint_options *o = block(sizeof *o);
  if (!o || rarely()) return NULL;
  muon_checkpoint_options_init(o, sizeof *o);
  SPOILED_SIZE(o);
  if (below(4) == 0) o->include_data = int32();
  if (below(2) == 0) o->allow_missing = int32();
  if (below(2) == 0) o->allow_extra = int32();
  if (below(2) == 0) o->allow_rewritten = int32();
  if (below(4) == 0) o->progress = progress;
  if (rarely()) o->progress_context = own_path;
  return o;
}

/* What the first optimizers save, with a byte of it changed or its end cut off now and then. */
static const void *checkpoint_in(size_t *size) {
  muon_optimizer *const *of = (muon_optimizer *const *)handles[OPTIMIZER];
  unsigned char *bytes = block(RESULT_BYTES);
  const size_t count = 1 + below(2);
  if (!bytes || rarely()) return *size = 0, NULL;
  if (muon_checkpoint_save_memory(of, count, NULL, 0, NULL, bytes, RESULT_BYTES, size) != MUON_OK)
    *size = below(64);
  if (*size && below(4) == 0) bytes[below(*size)] ^= (unsigned char)(1 << below(8));
  if (rarely()) *size = below(*size + 1);
  return bytes;
}

static void *bytes_out(size_t *capacity) {
  void *p = result_out();
  *capacity = p && (uintptr_t)p % 8 == 0 ? below(RESULT_BYTES) : below(64);
  /* Only such as are refused: what is larger than the memory would be the caller's lie. */
  static const int64_t values[] = {0, -1, INT64_MIN};
  if (rarely()) *capacity = (size_t)PICK(values);
  return p;
}

static void say(muon_log_level level, const char *message, void *context) {
  if (level < MUON_LOG_LEVEL_ERROR || level > MUON_LOG_LEVEL_INFO || !*message || context)
    fail("muon_log_callback", "what it is given");
}
static muon_log_callback log_callback(void) { return below(4) ? say : NULL; }

static void *options_out(size_t right) {
  size_t *p = result_out();
  if (p && (uintptr_t)p % 8 == 0) *p = struct_size(right), set[result_count - 1] = sizeof *p;
  return p;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static void judge(const char *call, muon_status status);
#include "fuzz_calls.inc"

static void judge(const char *call, muon_status status) {
  succeeded = status == MUON_OK;
  if (status == MUON_ERR_INTERNAL || (unsigned)status > MUON_ERR_EXCHANGE)
    fail(call, "a status that there must not be");
  shared->statuses[status]++;
  if (succeeded) return;
  if (!*muon_last_error()) fail(call, "no text");
  if (status == MUON_ERR_CANCELLED) return; /* muon_checkpoint_save_memory: a part of it is there */
  for (int i = 0; i < result_count; i++)
    for (size_t j = set[i]; j < RESULT_BYTES; j++)
      if (results[i][j] != 0xA5) fail(call, "a result was written, though it failed");
}

static void sequence(uint64_t seed) {
  state = shared->seed = seed;
  muon_optimizer_create_muon(NULL, (muon_optimizer **)&handles[OPTIMIZER][0]);
  muon_optimizer_create_adamw(NULL, (muon_optimizer **)&handles[OPTIMIZER][1]);
  muon_schedule_create_linear(0.5, 1, 5, (muon_schedule **)&handles[SCHEDULE][0]);
  handle_count[OPTIMIZER] = 2, handle_count[SCHEDULE] = 1;
  /* Something to step on. */
  for (int i = 0; i < 2; i++) {
    muon_param *p = block(sizeof *p);
    if (p) fill_param(p), muon_optimizer_add_param(handles[OPTIMIZER][i], 0, p, NULL);
  }
  for (size_t calls = 8 + below(32); calls-- > 0;) {
    choose_hint();
    result_count = succeeded = 0;
    const int number = (int)below(FUNCTIONS);
    snprintf(shared->call, sizeof shared->call, "function %d", number);
    random_call(number);
  }
  for (int kind = 0; kind < KINDS; kind++) {
    for (size_t i = 0; i < handle_count[kind]; i++) {
      if (kind == OPTIMIZER) muon_optimizer_destroy(handles[kind][i]);
      if (kind == SCHEDULE) muon_schedule_destroy(handles[kind][i]);
      if (kind == SCHEDULER) muon_scheduler_destroy(handles[kind][i]);
    }
    handle_count[kind] = 0;
  }
  while (block_count > 0) free(blocks[--block_count]);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const uint64_t seed = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
  snprintf(own_path, sizeof own_path, "%s.safetensors", argv[0]);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  for (uint64_t done = 0; done < count; done += 1000) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < RESULTS; i++) results[i] = malloc(RESULT_BYTES);
      for (uint64_t i = done; i < done + 1000 && i < count; i++) alarm(60), sequence(seed + i);
      _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) return 2;
    if (status != 0) {
      fprintf(stderr, "the process ended (status %d) in %s; repeat it with: fuzz %llu 1\n", status,
              shared->call, (unsigned long long)shared->seed);
      return 1;
    }
  }
  uint64_t calls = 0;
  for (int i = 0; i < 16; i++) calls += shared->statuses[i];
  /* Or else nothing was tried: handles, say, that no call took for live. */
  for (int i = 0; i < 4; i++)
    if (shared->statuses[i] < count / 10)
      return fprintf(stderr, "hardly any call gave status %d\n", i), 1;
  printf("seed %llu: %llu sequences, %llu calls, of which %llu succeeded:", (unsigned long long)seed,
         (unsigned long long)count, (unsigned long long)calls, (unsigned long long)shared->statuses[0]);
  for (int i = 1; i < 16; i++)
    if (shared->statuses[i])
      printf(" %s %llu", muon_status_name((muon_status)i), (unsigned long long)shared->statuses[i]);
  printf("\n");
  return 0;
}
