#include "mlp.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

uint64_t random_bits(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* ---- Making one ----------------------------------------------------------------------------- */

static float *zeros(int count) {
  /* The cast is for C++, which these files are also compiled as. */
  return (float *)calloc((size_t)count, sizeof(float));
}

/* Uniform with variance 2/inputs, so that the ReLUs keep the size of the signal. */
static void fill_by_he(mlp_layer *layer, uint64_t *random) {
  float bound = sqrtf(6.0f / (float)layer->inputs);
  for (int i = 0; i < layer->outputs * layer->inputs; i++) {
    float unit = (float)(random_bits(random) >> 40) / 8388608.0f - 1.0f; /* [-1, 1) */
    layer->weight[i] = bound * unit;
  }
}

static int init_layer(mlp_layer *layer, int inputs, int outputs, int max_batch,
                      uint64_t *random) {
  layer->inputs = inputs;
  layer->outputs = outputs;
  layer->weight = zeros(outputs * inputs);
  layer->weight_grad = zeros(outputs * inputs);
  layer->bias = zeros(outputs);
  layer->bias_grad = zeros(outputs);
  layer->out = zeros(max_batch * outputs);
  layer->out_grad = zeros(max_batch * outputs);
  if (!layer->weight || !layer->weight_grad || !layer->bias || !layer->bias_grad || !layer->out ||
      !layer->out_grad)
    return 0;
  fill_by_he(layer, random);
  return 1;
}

int mlp_init(mlp *model, const int sizes[MLP_LAYERS + 1], int max_batch, uint64_t *random) {
  for (int i = 0; i < MLP_LAYERS; i++)
    if (!init_layer(&model->layers[i], sizes[i], sizes[i + 1], max_batch, random))
      return 0;
  return 1;
}

void mlp_free(mlp *model) {
  for (int i = 0; i < MLP_LAYERS; i++) {
    mlp_layer *layer = &model->layers[i];
    free(layer->weight);
    free(layer->weight_grad);
    free(layer->bias);
    free(layer->bias_grad);
    free(layer->out);
    free(layer->out_grad);
  }
}

/* ---- Forward -------------------------------------------------------------------------------- */

static void forward_layer(mlp_layer *layer, const float *x, int count, int relu) {
  for (int n = 0; n < count; n++) {
    const float *input = x + n * layer->inputs;
    for (int o = 0; o < layer->outputs; o++) {
      const float *row = layer->weight + o * layer->inputs;
      float sum = layer->bias[o];
      for (int i = 0; i < layer->inputs; i++)
        sum += row[i] * input[i];
      layer->out[n * layer->outputs + o] = relu && sum < 0 ? 0 : sum;
    }
  }
}

const float *mlp_forward(mlp *model, const float *x, int count) {
  for (int i = 0; i < MLP_LAYERS; i++) {
    forward_layer(&model->layers[i], x, count, i < MLP_LAYERS - 1);
    x = model->layers[i].out;
  }
  return x;
}

/* ---- Backward ------------------------------------------------------------------------------- */

/* The gradient of the mean loss by the logits; returns the loss. */
static double backward_softmax(mlp_layer *layer, const uint8_t *labels, int count) {
  double loss = 0;
  for (int n = 0; n < count; n++) {
    const float *logits = layer->out + n * layer->outputs;
    float *grad = layer->out_grad + n * layer->outputs;
    float max = logits[0], sum = 0;
    for (int c = 1; c < layer->outputs; c++)
      max = logits[c] > max ? logits[c] : max;
    for (int c = 0; c < layer->outputs; c++)
      sum += grad[c] = expf(logits[c] - max); /* without max, a large logit overflows */
    for (int c = 0; c < layer->outputs; c++)
      grad[c] = (grad[c] / sum - (c == labels[n])) / (float)count;
    loss += logf(sum) + max - logits[labels[n]];
  }
  return loss / count;
}

/* From the gradient of a layer's output to that of its parameters, and of its input unless NULL. */
static void backward_layer(mlp_layer *layer, const float *x, float *x_grad, int count) {
  for (int n = 0; n < count; n++) {
    const float *input = x + n * layer->inputs;
    float *input_grad = x_grad ? x_grad + n * layer->inputs : NULL;
    for (int i = 0; input_grad && i < layer->inputs; i++)
      input_grad[i] = 0;
    for (int o = 0; o < layer->outputs; o++) {
      float grad = layer->out_grad[n * layer->outputs + o];
      const float *row = layer->weight + o * layer->inputs;
      float *row_grad = layer->weight_grad + o * layer->inputs;
      layer->bias_grad[o] += grad;
      for (int i = 0; i < layer->inputs; i++)
        row_grad[i] += grad * input[i];
      for (int i = 0; input_grad && i < layer->inputs; i++)
        input_grad[i] += grad * row[i];
    }
  }
}

/* A ReLU that gave 0 passes no gradient. */
static void backward_relu(mlp_layer *layer, int count) {
  for (int i = 0; i < count * layer->outputs; i++)
    if (layer->out[i] <= 0)
      layer->out_grad[i] = 0;
}

double mlp_backward(mlp *model, const float *x, const uint8_t *labels, int count) {
  double loss = backward_softmax(&model->layers[MLP_LAYERS - 1], labels, count);
  for (int i = MLP_LAYERS - 1; i > 0; i--) {
    mlp_layer *below = &model->layers[i - 1];
    backward_layer(&model->layers[i], below->out, below->out_grad, count);
    backward_relu(below, count);
  }
  backward_layer(&model->layers[0], x, NULL, count);
  return loss;
}
