/* Deep JSON on threads with small stacks: 64 levels are read, more are an error, and none is a crash.
 * (OpenBLAS takes 64 KiB of each stack for itself.) */
#define _GNU_SOURCE
#include <muon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 1, MOST = 64 };
static char *text;
static muon_status status;
static char error[1024];

static void *read_it(void *context) {
  muon_route route;
  size_t count;
  (void)context;
  status = muon_config_route_params(text, NULL, 0, &route, 0, &count);
  strcpy(error, status ? muon_last_error() : "");
  return NULL;
}

int main(void) {
  static const int depths[] = {1, 20, 62, 63, 64, 200, 300, 500, 513, 5000, 1000000};
  static const size_t stacks[] = {128, 192, 256, 1024};
  for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
    for (int kind = 0; kind < 3; kind++)
      for (size_t s = 0; s < sizeof stacks / sizeof *stacks; s++) {
        const int depth = depths[d];
        const char *open = kind == 0 ? "[" : kind == 1 ? "{\"a\":" : "[{\"a\\u0061\":";
        text = malloc((size_t)depth * strlen(open) + (size_t)depth * 2 + 200);
        if (!text) return 2;
        char *end = stpcpy(text, "{\"training\":{\"optimizer\":\"Muon\",\"learning_rate\":0.1},\"a\":");
        for (int i = 0; i < depth; i += kind == 2 ? 2 : 1) end = stpcpy(end, open);
        end = stpcpy(end, "1");
        const char *close = kind == 0 ? "]" : kind == 1 ? "}" : "}]";
        for (int i = 0; i < depth; i += kind == 2 ? 2 : 1) end = stpcpy(end, close);
        strcpy(end, "}");
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        if (pthread_attr_setstacksize(&attributes, stacks[s] << 10) ||
            pthread_create(&thread, &attributes, read_it, NULL))
          return 2;
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attributes);
        const int real = kind == 2 ? (depth + 1) / 2 * 2 : depth;
        const muon_status expected = HEAD + real <= MOST ? MUON_OK : MUON_ERR_CONFIG;
        if (status != expected || (status && !strstr(error, "nested more than 64 deep")))
          return fprintf(stderr, "depth %d, stack %zu KiB: %s %s\n", depth, stacks[s],
                         muon_status_name(status), error), 1;
        free(text);
      }
  puts("bounded");
  return 0;
}
