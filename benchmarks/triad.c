/* How fast this machine's memory is: two loops that do next to nothing with what they read.
 *
 * triad   a = b + s c: STREAM's. It counts 12 bytes an element; unless the compiler bypasses the
 *         cache, the processor also reads a before it writes it, and so moves 16.
 * update  reads four arrays and writes three of them in place: AdamW's streams, without its
 *         arithmetic. 28 bytes an element, none of them hidden.
 */
#include <pthread.h>
#include <stddef.h>

#define MAX_THREADS 256

struct part {
  float *p, *m, *v;
  const float *g;
  size_t count;
  int kernel;
};

static void triad(float *restrict a, const float *restrict b, const float *restrict c, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] = b[i] + 0.4f * c[i];
}

static void update(float *restrict p, const float *restrict g, float *restrict m,
                   float *restrict v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float mean = 0.9f * m[i] + 0.1f * g[i];
    float square = 0.9f * v[i] + 0.1f * g[i];
    m[i] = mean;
    v[i] = square;
    p[i] -= 0.1f * (mean + square);
  }
}

static void *run(void *argument) {
  struct part *part = argument;
  if (part->kernel == 0) triad(part->p, part->g, part->m, part->count);
  if (part->kernel == 1) update(part->p, part->g, part->m, part->v, part->count);
  return NULL;
}

/* kernel 0: triad (p = g + s m), 1: update. Returns 0, or another number if it cannot run so. */
int stream(int kernel, float *p, const float *g, float *m, float *v, size_t n, int threads) {
  pthread_t handles[MAX_THREADS];
  struct part parts[MAX_THREADS];
  int started = 1, failed = 0;
  if (threads < 1 || threads > MAX_THREADS) return -1;
  for (int t = 0; t < threads; t++) {
    size_t from = n / threads * t, to = t == threads - 1 ? n : n / threads * (t + 1);
    parts[t] = (struct part){p + from, m + from, v + from, g + from, to - from, kernel};
  }
  for (; started < threads && !failed; started++)
    failed = pthread_create(&handles[started], NULL, run, &parts[started]);
  run(&parts[0]);
  for (int t = 1; t < started - (failed != 0); t++) pthread_join(handles[t], NULL);
  return failed;
}
