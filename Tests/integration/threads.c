/* What the threads of the library do in a host's process: "threads CASE" prints nothing and returns 0
 * where the case went well. Everywhere, results must be those of one thread, to the bit. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <muon.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "line %d: %s; %s\n", __LINE__, #condition, muon_last_error()); \
      _exit(1);                                                       \
    }                                                                 \
  } while (0)

/* A matrix that a whole team works on, and some that its members share out. */
enum { MATRICES = 8, MOST_STEPS = 60 };
static const int64_t shapes[MATRICES][2] = {{500, 440}, {100, 300}, {64, 64}, {64, 64},
                                            {48, 80},   {64, 64},   {9, 30},  {64, 64}};
enum { COUNT = 500 * 440 + 100 * 300 + 4 * 64 * 64 + 48 * 80 + 9 * 30 };

typedef struct {
  muon_optimizer *handle;
  int steps;
  float values[COUNT], gradients[COUNT];
} training;

/* After every number of steps: what one thread finds. */
static float expected[MOST_STEPS + 1][COUNT];

static training *begin(void) {
  training *new = malloc(sizeof *new);
  CHECK(new != NULL);
  CHECK(muon_optimizer_create_muon(NULL, &new->handle) == MUON_OK);
  new->steps = 0;
  unsigned random = 1;
  for (int i = 0; i < COUNT; i++) {
    new->values[i] = (float)(i % 17) / 100;
    new->gradients[i] = (float)((random = random * 1664525u + 1013904223u) >> 8) / (1 << 23) - 1;
  }
  for (size_t i = 0, offset = 0; i < MATRICES; i++) {
    const size_t count = (size_t)(shapes[i][0] * shapes[i][1]);
    muon_param param;
    CHECK(muon_param_init(&param, sizeof param) == MUON_OK);
    param.ndim = 2;
    param.shape = shapes[i];
    param.data = new->values + offset;
    param.grad = new->gradients + offset;
    param.data_count = param.grad_count = count;
    CHECK(muon_optimizer_add_param(new->handle, 0, &param, NULL) == MUON_OK);
    offset += count;
  }
  return new;
}

static void step(training *it) {
  CHECK(muon_optimizer_step(it->handle) == MUON_OK);
  CHECK(++it->steps <= MOST_STEPS);
  CHECK(memcmp(it->values, expected[it->steps], sizeof it->values) == 0);
}

static void end(training *it) {
  CHECK(muon_optimizer_destroy(it->handle) == MUON_OK);
  free(it);
}

static void expect_what_one_thread_finds(void) {
  CHECK(muon_set_num_threads(1) == MUON_OK);
  training *it = begin();
  for (int i = 0; i < MOST_STEPS; i++) {
    CHECK(muon_optimizer_step(it->handle) == MUON_OK);
    memcpy(expected[i + 1], it->values, sizeof it->values);
  }
  end(it);
}

/* The threads of this process whose names begin with "muon-", and which of them block all signals. */
static int workers_that(int block_signals) {
  int found = 0;
  DIR *tasks = opendir("/proc/self/task");
  CHECK(tasks != NULL);
  for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
    char path[300], line[100], name[32] = "";
    unsigned long blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    while (fgets(line, sizeof line, file) != NULL) {
      sscanf(line, "Name: %31s", name);
      sscanf(line, "SigBlk: %lx", &blocked);
    }
    fclose(file);
    /* SIGKILL and SIGSTOP cannot be. */
    const unsigned long most = 0x7fffffff & ~(1ul << (SIGKILL - 1)) & ~(1ul << (SIGSTOP - 1));
    if (strncmp(name, "muon-", 5) == 0 && (!block_signals || (blocked & most) == most)) found++;
  }
  closedir(tasks);
  return found;
}

static int workers(void) { return workers_that(0); }

/* A pthread_create that can be made to fail, as where a limit is reached. */
static atomic_int refuse_after = -1;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument) {
  int (*original)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  void *symbol = dlsym(RTLD_NEXT, "pthread_create");
  memcpy(&original, &symbol, sizeof original);
  if (refuse_after == 0) return EAGAIN;
  if (refuse_after > 0) refuse_after--;
  return original(thread, attributes, start, argument);
}

static void numbers_change(void) {
  static const int numbers[] = {2, 1, 4, 3, 32, 1, 2, 1024, 5, 0};
  training *it = begin();
  for (int i = 0, most = 0; i < 10; i++) {
    CHECK(muon_set_num_threads(numbers[i]) == MUON_OK);
    for (int j = 0; j < 3; j++) step(it);
    /* Those that are left over stay. */
    if (numbers[i] - 1 > most) most = numbers[i] > 32 ? 31 : numbers[i] - 1;
    CHECK(numbers[i] == 0 || workers() == most);
  }
  end(it);
}

static void threads_cannot_be_had(void) {
  CHECK(muon_set_num_threads(4) == MUON_OK);
  training *it = begin();
  for (int had = 0; had <= 3; had++) {
    refuse_after = had > 0;
    /* Refused more often than the pool has places. */
    for (int j = 0; j < (had > 0 ? 3 : 40); j++) step(it);
    CHECK(workers() == had);
  }
  end(it);
}

static void *train(void *argument) {
  (void)argument;
  for (int round = 0; round < 3; round++) {
    training *it = begin();
    for (int i = 0; i < 10; i++) step(it);
    end(it);
  }
  return NULL;
}

/* More than the pool has workers for. */
static void steps_at_once(void) {
  CHECK(muon_set_num_threads(14) == MUON_OK);
  pthread_t threads[5];
  for (int i = 0; i < 5; i++) CHECK(pthread_create(&threads[i], NULL, train, NULL) == 0);
  for (int i = 0; i < 5; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(workers() > 13 && workers() <= 31);
}

static void *train_on(void *argument) {
  atomic_int *rounds = argument;
  for (;;) {
    training *it = begin();
    for (int i = 0; i < 10; i++, (*rounds)++) step(it);
    end(it);
  }
  return NULL;
}

/* A child, and what it must find. */
static pid_t child_steps(training *inherited) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child > 0) return child;
  alarm(100);
  CHECK(workers() == 0);
  training *it = inherited ? inherited : begin();
  for (int i = 0; i < 2; i++) step(it);
  CHECK(workers() == 2);
  _exit(0);
}

static void forks(int while_stepping) {
  CHECK(muon_set_num_threads(3) == MUON_OK);
  atomic_int rounds = 0;
  if (while_stepping) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, train_on, &rounds) == 0);
    while (rounds == 0) usleep(100);
  }
  training *it = begin();
  for (int i = 0; i < 20; i++) {
    step(it);
    if (while_stepping) usleep((useconds_t)(300 * i));
    const pid_t child = child_steps(while_stepping ? NULL : it);
    step(it);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  if (while_stepping) {
    const int before = rounds;
    while (rounds < before + 3) usleep(100);
  }
}

static void a_grandchild_steps(void) {
  CHECK(muon_set_num_threads(3) == MUON_OK);
  training *it = begin();
  step(it);
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    alarm(100);
    step(it);
    const pid_t grandchild = child_steps(it);
    step(it);
    CHECK(waitpid(grandchild, &status, 0) == grandchild);
    _exit(status != 0);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  step(it);
  end(it);
}

static void signals_stay_with_the_host(void) {
  CHECK(muon_set_num_threads(3) == MUON_OK);
  training *it = begin();
  step(it);
  CHECK(workers() == 2 && workers_that(1) == 2);
  sigset_t set;
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
  for (int number = 1; number < 32; number++) CHECK(!sigismember(&set, number));
  end(it);
}

static void *leave(void *argument) {
  usleep(*(useconds_t *)argument);
  exit(0);
}

int main(int count, char **arguments) {
  alarm(200);
  if (count < 2) return 2;
  const char *const name = arguments[1];
  expect_what_one_thread_finds();
  if (strcmp(name, "numbers-change") == 0) numbers_change();
  else if (strcmp(name, "threads-cannot-be-had") == 0) threads_cannot_be_had();
  else if (strcmp(name, "steps-at-once") == 0) steps_at_once();
  else if (strcmp(name, "fork") == 0) forks(0);
  else if (strcmp(name, "fork-during-a-step") == 0) forks(1);
  else if (strcmp(name, "fork-twice") == 0) a_grandchild_steps();
  else if (strcmp(name, "signals") == 0) signals_stay_with_the_host();
  else if (strcmp(name, "exit-during-a-step") == 0) {
    /* By the thread that does not step; the other never ends. */
    atomic_int rounds = 0;
    useconds_t pause = (useconds_t)(getpid() % 10) * 1000;
    pthread_t thread;
    CHECK(muon_set_num_threads(3) == MUON_OK);
    CHECK(pthread_create(&thread, NULL, count > 2 ? leave : train_on,
                         count > 2 ? (void *)&pause : (void *)&rounds) == 0);
    if (count > 2) train_on(&rounds);
    while (rounds < 3) usleep(100);
    usleep(pause);
    exit(0);
  } else return 2;
  return 0;
}
