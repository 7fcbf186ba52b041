/* Ranks that are threads of one process: what they come to is what one comes to, and ThreadSanitizer has
 * nothing to say. */
#include <muon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 4, STEPS = 6, MATRICES = 5, SIDE = 96, SHARES = 64, VALUES = 4096 };
#define CALL(call) \
  do { if ((call) != MUON_OK) fprintf(stderr, "%s: %s\n", #call, muon_last_error()), exit(1); } while (0)

static pthread_barrier_t barrier;
static int64_t votes[RANKS][VALUES];
static struct { int32_t owner; void *data; size_t bytes; } shares[RANKS][SHARES];
static int posted[RANKS];

static int32_t agree(void *context, int64_t *values, size_t count) {
  const int rank = (int)(size_t)context;
  if (count > VALUES) return 1;
  memcpy(votes[rank], values, count * sizeof *values);
  pthread_barrier_wait(&barrier);
  for (int other = 0; other < RANKS; other++)
    for (size_t i = 0; i < count; i++)
      if (votes[other][i] > values[i]) values[i] = votes[other][i];
  pthread_barrier_wait(&barrier);
  return 0;
}

static int32_t share(void *context, int32_t owner, void *data, size_t bytes) {
  const int rank = (int)(size_t)context;
  if (posted[rank] == SHARES) return 1;
  shares[rank][posted[rank]].owner = owner;
  shares[rank][posted[rank]].data = data;
  shares[rank][posted[rank]++].bytes = bytes;
  return 0;
}

static int32_t finish(void *context) {
  const int rank = (int)(size_t)context;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < posted[rank]; i++) {
    const int32_t owner = shares[rank][i].owner;
    if (owner != rank) memcpy(shares[rank][i].data, shares[owner][i].data, shares[rank][i].bytes);
  }
  pthread_barrier_wait(&barrier);
  posted[rank] = 0;
  return 0;
}

static float w[RANKS + 1][MATRICES][SIDE * SIDE], g[RANKS + 1][MATRICES][SIDE * SIDE];

static void *train(void *argument) {
  const size_t rank = (size_t)argument;
  muon_optimizer *muon;
  muon_exchange exchange;
  muon_muon_options options;
  CALL(muon_muon_options_init(&options, sizeof options));
  options.second_moment = MUON_SECOND_MOMENT_NORMUON;
  CALL(muon_optimizer_create_muon(&options, &muon));
  for (int i = 0; i < MATRICES; i++) {
    const int64_t shape[2] = {SIDE, SIDE - 16 * (i % 3)};
    muon_param param;
    for (int k = 0; k < SIDE * SIDE; k++) w[rank][i][k] = (float)((k * 7 + i) % 23 - 11) / 16;
    muon_param_set(&param, NULL, w[rank][i], g[rank][i], 2, shape);
    CALL(muon_optimizer_add_param(muon, 0, &param, NULL));
  }
  if (rank < RANKS) {
    CALL(muon_exchange_init(&exchange, sizeof exchange));
    exchange.context = argument;
    exchange.rank = (int32_t)rank;
    exchange.rank_count = RANKS;
    exchange.agree = agree;
    exchange.share = share;
    exchange.finish = finish;
    CALL(muon_optimizer_set_exchange(muon, &exchange));
  }
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < MATRICES; i++)
      for (int k = 0; k < SIDE * SIDE; k++) g[rank][i][k] = (float)((k * 5 + step * 3 + i) % 19 - 9);
    CALL(muon_optimizer_step(muon));
  }
  CALL(muon_optimizer_destroy(muon));
  return NULL;
}

int main(void) {
  pthread_t threads[RANKS];
  pthread_barrier_init(&barrier, NULL, RANKS);
  train((void *)(size_t)RANKS);
  for (size_t rank = 0; rank < RANKS; rank++) pthread_create(&threads[rank], NULL, train, (void *)rank);
  for (int rank = 0; rank < RANKS; rank++) pthread_join(threads[rank], NULL);
  for (int rank = 0; rank < RANKS; rank++)
    if (memcmp(w[rank], w[RANKS], sizeof w[rank])) return printf("rank %d differs\n", rank), 1;
  puts("fine");
  return 0;
}
