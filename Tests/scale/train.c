/* A training run for tests, by one process without MPI or by the ranks of MPI:
 *
 *     train SIDE FIRST LAST [option=value ...]
 *
 * makes steps FIRST to LAST of a Muon and an AdamW on matrices SIDE wide. Options:
 *     alone=1            without MPI
 *     load=PATH          begins from a checkpoint
 *     save=PATH          rank 0 saves one at the end
 *     every=1            and after each step
 *     timeout=S          60
 *     nan=RANK           which has NaN in its gradients in step FIRST + 1
 *     skip=1             with MUON_NONFINITE_POLICY_SKIP
 *     lr=RANK            which has another learning rate
 *     slow=MS            each step takes as long beside
 *     thread=1           steps are made by another thread than the one that initialized MPI
 *     single=1           MPI_Init in place of MPI_Init_thread
 * Each rank prints a line for each error, and at the end a digest of all that it has trained. */
#ifndef ALONE
#include <muon_mpi.h>
#else
#include <muon.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MATRICES = 8 };
#ifdef COUNT_BYTES
/* MPI's profiling interface: this stands before the one of MPI. */
static long long broadcast;
int MPI_Ibcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request *request) {
  int size;
  MPI_Type_size(type, &size);
  broadcast += (long long)count * size;
  return PMPI_Ibcast(buffer, count, type, root, comm, request);
}
#endif
static int side, rank, first, last, timeout = 60, nan_rank = -1, lr_rank = -1, slow, skip, every, thread, single;
static const char *load_path, *save_path;
static muon_optimizer *both[2];
static float *data[MATRICES + 1], *grad[MATRICES + 1];
static size_t count[MATRICES + 1];
static double began;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a caller cannot go on after. */
static void require(muon_status status, const char *what) {
  if (status == MUON_OK) return;
  printf("rank %d: %s: %s after %.1f s: %s\n", rank, what, muon_status_name(status), now() - began,
         muon_last_error());
  fflush(stdout);
  exit(3);
}

static void make_model(void) {
  muon_muon_options options;
  require(muon_muon_options_init(&options, sizeof options), "options");
  options.second_moment = MUON_SECOND_MOMENT_NORMUON;
  options.weight_decay = 0.01;
  if (rank == lr_rank) options.lr = 0.5;
  require(muon_optimizer_create_muon(&options, &both[0]), "create");
  require(muon_optimizer_create_adamw(NULL, &both[1]), "create");
  for (int i = 0; i <= MATRICES; i++) {
    const int64_t shape[2] = {i == 7 ? 3 * side : side, i == 3 ? 2 * side : side - i};
    const int ndim = i == MATRICES ? 1 : 2;
    muon_param param;
    char name[8];
    count[i] = (size_t)shape[0] * (size_t)(ndim == 2 ? shape[1] : 1);
    data[i] = malloc(count[i] * sizeof(float));
    grad[i] = calloc(count[i], sizeof(float));
    if (!data[i] || !grad[i]) exit(4);
    for (size_t k = 0; k < count[i]; k++) data[i][k] = (float)((k * 7 + (size_t)i) % 23) / 16 - 0.6f;
    snprintf(name, sizeof name, "w%d", i);
    muon_param_set(&param, name, data[i], grad[i], ndim, shape);
    require(muon_optimizer_add_param(both[i == MATRICES], 0, &param, NULL), "add");
  }
  for (int i = 0; i < 2; i++)
    require(muon_optimizer_set_nonfinite_policy(
                both[i], skip ? MUON_NONFINITE_POLICY_SKIP : MUON_NONFINITE_POLICY_ERROR), "policy");
}

static unsigned long long digest(void) {
  unsigned long long hash = 14695981039346656037u;
  size_t size = 0;
  require(muon_checkpoint_save_memory(both, 2, NULL, 0, NULL, NULL, 0, &size), "size");
  unsigned char *bytes = malloc(size);
  if (!bytes) exit(4);
  require(muon_checkpoint_save_memory(both, 2, NULL, 0, NULL, bytes, size, &size), "digest");
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
  free(bytes);
  return hash;
}

static void save(void) {
  if (save_path && rank == 0)
    require(muon_checkpoint_save(save_path, both, 2, NULL, 0, NULL), "save");
}

static void *train(void *unused) {
  for (int step = first; step <= last; step++) {
    const int spoiled = rank == nan_rank && step == first + 1;
    for (int i = 0; i <= MATRICES; i++)
      for (size_t k = 0; k < count[i]; k++)
        grad[i][k] = (float)((k * 5 + (size_t)step * 3 + (size_t)i) % 19) - 9;
    if (spoiled) grad[2][5] = 1 / 0.0f;
    if (slow) nanosleep(&(struct timespec){slow / 1000, slow % 1000 * 1000000L}, NULL);
    if (rank == 0 && every) printf("step %d\n", step), fflush(stdout);
    const unsigned long long before = nan_rank >= 0 && step == first + 1 ? digest() : 0;
    began = now();
    const muon_status status = muon_optimizers_step(both, 2);
    if (nan_rank >= 0 && step == first + 1) {
      int64_t skipped = 0;
      require(muon_optimizer_get_skipped_steps(both[1], &skipped), "skipped");
      printf("rank %d: %s, skipped %d, %s: %s\n", rank, muon_status_name(status), (int)skipped,
             skip || digest() == before ? "unchanged" : "changed", status ? muon_last_error() : "");
    } else {
      require(status, "step");
    }
    if (every) save();
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  side = atoi(argv[1]), first = atoi(argv[2]), last = atoi(argv[3]);
  for (int i = 4; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value) return 2;
    *value++ = 0;
    const struct { const char *name; int *number; } numbers[] = {
        {"every", &every}, {"timeout", &timeout}, {"nan", &nan_rank}, {"skip", &skip}, {"lr", &lr_rank},
        {"slow", &slow}, {"thread", &thread}, {"single", &single}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
      if (!strcmp(argv[i], numbers[k].name)) *numbers[k].number = atoi(value);
    if (!strcmp(argv[i], "load")) load_path = value;
    if (!strcmp(argv[i], "save")) save_path = value;
  }
#ifndef ALONE
  muon_mpi_link *links[2];
  int provided;
  if (single) MPI_Init(&argc, &argv);
  else MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
#endif
  make_model();
  if (load_path) require(muon_checkpoint_load(load_path, both, 2, NULL, 0, NULL), "load");
  began = now();
#ifndef ALONE
  for (int i = 0; i < 2; i++)
    require(muon_mpi_attach(both[i], MPI_COMM_WORLD, timeout, &links[i]), "attach");
#endif
  if (thread) {
    pthread_t other;
    pthread_create(&other, NULL, train, NULL);
    pthread_join(other, NULL);
  } else {
    train(NULL);
  }
  printf("rank %d: %016llx\n", rank, digest());
  save();
#ifdef COUNT_BYTES
  printf("rank %d: broadcast %lld bytes\n", rank, broadcast);
#endif
#ifndef ALONE
  for (int i = 0; i < 2; i++) require(muon_mpi_detach(links[i]), "detach");
  MPI_Finalize();
#endif
  for (int i = 0; i < 2; i++) require(muon_optimizer_destroy(both[i]), "destroy");
  return 0;
}
