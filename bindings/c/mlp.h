/* A multilayer perceptron in plain loops: ReLU between layers, softmax cross-entropy at the end.
 * It knows nothing of optimizers. */
#ifndef MLP_H
#define MLP_H

#include <stdint.h>

#define MLP_LAYERS 3

typedef struct mlp_layer {
  int inputs, outputs;
  float *weight, *weight_grad; /* outputs x inputs */
  float *bias, *bias_grad;     /* outputs */
  float *out, *out_grad;       /* max_batch x outputs */
} mlp_layer;

typedef struct mlp {
  mlp_layer layers[MLP_LAYERS];
} mlp;

/* splitmix64: the state may start as any number. */
uint64_t random_bits(uint64_t *state);

/* Allocates the model and sets its weights by He's rule. Returns 0 if there is no memory. */
int mlp_init(mlp *model, const int sizes[MLP_LAYERS + 1], int max_batch, uint64_t *random);
void mlp_free(mlp *model);

/* The logits of count images, count x classes, kept in the model until the next call. */
const float *mlp_forward(mlp *model, const float *x, int count);

/* Adds the gradient of the mean loss of the images last forwarded to the gradients of the
 * parameters. Returns that loss. */
double mlp_backward(mlp *model, const float *x, const uint8_t *labels, int count);

#endif /* MLP_H */
