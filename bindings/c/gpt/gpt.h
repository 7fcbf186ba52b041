/* A small GPT in plain loops, in float32 on one thread. Its parameters are 16 arrays, each of which
 * holds a parameter of all L layers one after the other, by the names and in the layout of Andrej
 * Karpathy's llm.c. */
#ifndef GPT_H
#define GPT_H

#include <stddef.h>
#include <stdint.h>

typedef struct gpt_config {
  int batch;      /* B: sequences at a time */
  int tokens;     /* T: tokens of a sequence */
  int vocabulary; /* V */
  int layers;     /* L, at most GPT_MAX_LAYERS */
  int heads;      /* H */
  int channels;   /* C, a multiple of H */
} gpt_config;

enum { GPT_MAX_LAYERS = 48 };

enum {
  GPT_WTE,      /* (V, C): an embedding for each token, and the weights of the output */
  GPT_WPE,      /* (T, C): an embedding for each place in a sequence */
  GPT_LN1W,     /* (L, C): the norm before attention, gain */
  GPT_LN1B,     /* (L, C): and bias */
  GPT_QKVW,     /* (L, 3C, C): Q, K and V, one below the other */
  GPT_QKVB,     /* (L, 3C) */
  GPT_ATTPROJW, /* (L, C, C) */
  GPT_ATTPROJB, /* (L, C) */
  GPT_LN2W,     /* (L, C): the norm before the network of two layers */
  GPT_LN2B,     /* (L, C) */
  GPT_FCW,      /* (L, 4C, C) */
  GPT_FCB,      /* (L, 4C) */
  GPT_FCPROJW,  /* (L, C, 4C) */
  GPT_FCPROJB,  /* (L, C) */
  GPT_LNFW,     /* (C): the norm before the output */
  GPT_LNFB,     /* (C) */
  GPT_ARRAYS
};

typedef struct gpt_array {
  const char *name; /* "qkvw" */
  int ndim;
  int64_t shape[3];
  size_t count; /* of elements */
  float *data;
  float *grad; /* gpt_backward adds to it */
} gpt_array;

/* What the forward pass of a layer keeps for the backward pass. N is B T. */
typedef struct gpt_layer {
  float *x;               /* (N, C): its input */
  float *norm1, *scale1;  /* (N, C) and (N): the first norm, and what it multiplied a row by */
  float *qkv;             /* (N, 3C) */
  float *weights;         /* (B, H, T, T): how much each token looks at each one before it */
  float *heads;           /* (N, C): the heads side by side */
  float *middle;          /* (N, C): x and what attention adds to it */
  float *norm2, *scale2;
  float *hidden, *active; /* (N, 4C): before and after the GELU */
} gpt_layer;

typedef struct gpt {
  gpt_config config;
  gpt_array arrays[GPT_ARRAYS];
  gpt_layer layers[GPT_MAX_LAYERS + 1]; /* the last is the output's: x, norm1 and scale1 */
  float *probabilities;                 /* (N, V) */
  float *stream, *narrow, *wide, *row;  /* of the backward pass: (N, C) twice, (N, 4C), (T) */
  float *memory;                        /* of all of these */
  size_t used;                          /* floats of it */
} gpt;

/* Makes one with random weights. Returns 0 if there is not enough memory. */
int gpt_init(gpt *model, gpt_config config, uint64_t seed);
void gpt_free(gpt *model);

/* The mean over a batch of -log of the probability of each target, in nats. tokens and targets have
 * B T elements, 0 to V - 1. */
double gpt_forward(gpt *model, const int *tokens, const int *targets);

/* Adds the gradients of what gpt_forward returned last, for the same batch. */
void gpt_backward(gpt *model, const int *tokens, const int *targets);

/* The next of a sequence of random numbers. */
uint64_t gpt_random(uint64_t *state);

#endif
