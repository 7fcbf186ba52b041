#include "gpt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sums over rows ------------------------------------------------------------------------- */

/* Eight sums, which a compiler can keep in one register. */
static float dot(const float *a, const float *b, int count) {
  float sums[8] = {0}, rest = 0;
  int i = 0;
  for (; i + 8 <= count; i += 8)
    for (int k = 0; k < 8; k++) sums[k] += a[i + k] * b[i + k];
  for (; i < count; i++) rest += a[i] * b[i];
  for (int k = 0; k < 8; k++) rest += sums[k];
  return rest;
}

static void add_scaled(float *to, float factor, const float *from, int count) {
  for (int i = 0; i < count; i++) to[i] += factor * from[i];
}

/* ---- A linear layer: out = x w^T + bias ----------------------------------------------------- */

/* x is (rows, in), w (out, in), bias (out) or NULL. */
static void linear(float *out, const float *x, const float *w, const float *bias, int rows, int in,
                   int outs) {
  for (int n = 0; n < rows; n++)
    for (int o = 0; o < outs; o++)
      out[n * outs + o] = (bias ? bias[o] : 0) + dot(x + n * in, w + o * in, in);
}

/* Sets the gradient of x, and adds to those of w and bias. */
static void linear_backward(float *x_grad, float *w_grad, float *bias_grad, const float *out_grad,
                            const float *x, const float *w, int rows, int in, int outs) {
  memset(x_grad, 0, sizeof(float) * (size_t)(rows * in));
  for (int n = 0; n < rows; n++)
    for (int o = 0; o < outs; o++) {
      const float grad = out_grad[n * outs + o];
      if (bias_grad) bias_grad[o] += grad;
      add_scaled(x_grad + n * in, grad, w + o * in, in);
      add_scaled(w_grad + o * in, grad, x + n * in, in);
    }
}

/* ---- Norms ---------------------------------------------------------------------------------- */

/* Rows with mean 0 and variance 1, times gain, plus bias. scale is what each row was multiplied by. */
static void norm(float *out, float *scale, const float *x, const float *gain, const float *bias,
                 int rows, int channels) {
  for (int n = 0; n < rows; n++, x += channels, out += channels) {
    float mean = 0, variance = 0;
    for (int i = 0; i < channels; i++) mean += x[i] / (float)channels;
    for (int i = 0; i < channels; i++) variance += (x[i] - mean) * (x[i] - mean) / (float)channels;
    scale[n] = 1 / sqrtf(variance + 1e-5f);
    for (int i = 0; i < channels; i++) out[i] = (x[i] - mean) * scale[n] * gain[i] + bias[i];
  }
}

/* Adds to the gradients of x, gain and bias. */
static void norm_backward(float *x_grad, float *gain_grad, float *bias_grad, const float *out_grad,
                          const float *x, const float *scale, const float *gain, int rows,
                          int channels) {
  for (int n = 0; n < rows; n++, x += channels, x_grad += channels, out_grad += channels) {
    float mean = 0, sum = 0, sum_along = 0; /* of the gradient of the row before gain and bias */
    for (int i = 0; i < channels; i++) mean += x[i] / (float)channels;
    for (int i = 0; i < channels; i++) {
      const float normal = (x[i] - mean) * scale[n];
      gain_grad[i] += out_grad[i] * normal;
      bias_grad[i] += out_grad[i];
      sum += out_grad[i] * gain[i] / (float)channels;
      sum_along += out_grad[i] * gain[i] * normal / (float)channels;
    }
    for (int i = 0; i < channels; i++)
      x_grad[i] += scale[n] * (out_grad[i] * gain[i] - sum - (x[i] - mean) * scale[n] * sum_along);
  }
}

/* ---- Attention ------------------------------------------------------------------------------ */

/* Each token's mean over the values of the tokens up to it, weighted by softmax of query times key. */
static void attention(float *out, float *weights, const float *qkv, const gpt_config *of) {
  const int C = of->channels, D = C / of->heads, T = of->tokens;
  for (int b = 0; b < of->batch; b++)
    for (int h = 0; h < of->heads; h++) {
      const float *first = qkv + (size_t)(b * T) * 3 * C + h * D;
      for (int t = 0; t < T; t++, weights += T) {
        float *mean = out + (b * T + t) * C + h * D, most = -INFINITY, sum = 0;
        for (int s = 0; s <= t; s++) {
          weights[s] = dot(first + t * 3 * C, first + s * 3 * C + C, D) / sqrtf((float)D);
          most = weights[s] > most ? weights[s] : most;
        }
        for (int s = 0; s <= t; s++) sum += weights[s] = expf(weights[s] - most);
        memset(mean, 0, sizeof(float) * (size_t)D);
        for (int s = 0; s <= t; s++)
          add_scaled(mean, weights[s] /= sum, first + s * 3 * C + 2 * C, D);
      }
    }
}

/* Sets the gradient of qkv. row has room for a row of weights. */
static void attention_backward(float *qkv_grad, float *row, const float *out_grad,
                               const float *weights, const float *qkv, const gpt_config *of) {
  const int C = of->channels, D = C / of->heads, T = of->tokens;
  memset(qkv_grad, 0, sizeof(float) * (size_t)(of->batch * T * 3 * C));
  for (int b = 0; b < of->batch; b++)
    for (int h = 0; h < of->heads; h++) {
      const float *first = qkv + (size_t)(b * T) * 3 * C + h * D;
      float *first_grad = qkv_grad + (size_t)(b * T) * 3 * C + h * D;
      for (int t = 0; t < T; t++, weights += T) {
        const float *grad = out_grad + (b * T + t) * C + h * D;
        float mean = 0;
        for (int s = 0; s <= t; s++) {
          row[s] = dot(grad, first + s * 3 * C + 2 * C, D);
          mean += weights[s] * row[s];
          add_scaled(first_grad + s * 3 * C + 2 * C, weights[s], grad, D);
        }
        for (int s = 0; s <= t; s++) {
          const float score = weights[s] * (row[s] - mean) / sqrtf((float)D);
          add_scaled(first_grad + t * 3 * C, score, first + s * 3 * C + C, D);
          add_scaled(first_grad + s * 3 * C + C, score, first + t * 3 * C, D);
        }
      }
    }
}

/* ---- GELU, by GPT-2's formula --------------------------------------------------------------- */

static float gelu_argument(float x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }

static void gelu(float *out, const float *x, int count) {
  for (int i = 0; i < count; i++) out[i] = 0.5f * x[i] * (1 + tanhf(gelu_argument(x[i])));
}

/* From the gradient of the result to that of x, in place. */
static void gelu_backward(float *grad, const float *x, int count) {
  for (int i = 0; i < count; i++) {
    const float th = tanhf(gelu_argument(x[i]));
    const float slope = 0.7978845608f * (1 + 3 * 0.044715f * x[i] * x[i]);
    grad[i] *= 0.5f * (1 + th) + 0.5f * x[i] * (1 - th * th) * slope;
  }
}

/* ---- The whole of it ------------------------------------------------------------------------ */

/* The part of an array that belongs to a layer. */
static float *of_layer(const gpt_array *array, float *memory, int layer) {
  return memory + (size_t)layer * (array->count / (size_t)array->shape[0]);
}
#define DATA(name, layer) of_layer(&model->arrays[name], model->arrays[name].data, layer)
#define GRAD(name, layer) of_layer(&model->arrays[name], model->arrays[name].grad, layer)

double gpt_forward(gpt *model, const int *tokens, const int *targets) {
  const gpt_config of = model->config;
  const int N = of.batch * of.tokens, C = of.channels, V = of.vocabulary, L = of.layers;
  const gpt_layer *output = &model->layers[L];
  float *p = model->probabilities;
  double loss = 0;

  for (int n = 0; n < N; n++)
    for (int i = 0; i < C; i++)
      model->layers[0].x[n * C + i] =
          DATA(GPT_WTE, tokens[n])[i] + DATA(GPT_WPE, n % of.tokens)[i];
  for (int l = 0; l < L; l++) {
    const gpt_layer *a = &model->layers[l];
    float *next = model->layers[l + 1].x;
    norm(a->norm1, a->scale1, a->x, DATA(GPT_LN1W, l), DATA(GPT_LN1B, l), N, C);
    linear(a->qkv, a->norm1, DATA(GPT_QKVW, l), DATA(GPT_QKVB, l), N, C, 3 * C);
    attention(a->heads, a->weights, a->qkv, &of);
    linear(a->middle, a->heads, DATA(GPT_ATTPROJW, l), DATA(GPT_ATTPROJB, l), N, C, C);
    add_scaled(a->middle, 1, a->x, N * C);
    norm(a->norm2, a->scale2, a->middle, DATA(GPT_LN2W, l), DATA(GPT_LN2B, l), N, C);
    linear(a->hidden, a->norm2, DATA(GPT_FCW, l), DATA(GPT_FCB, l), N, C, 4 * C);
    gelu(a->active, a->hidden, N * 4 * C);
    linear(next, a->active, DATA(GPT_FCPROJW, l), DATA(GPT_FCPROJB, l), N, 4 * C, C);
    add_scaled(next, 1, a->middle, N * C);
  }
  norm(output->norm1, output->scale1, output->x, DATA(GPT_LNFW, 0), DATA(GPT_LNFB, 0), N, C);
  linear(p, output->norm1, DATA(GPT_WTE, 0), NULL, N, C, V);
  for (int n = 0; n < N; n++, p += V) {
    float most = p[0], sum = 0;
    for (int v = 1; v < V; v++) most = p[v] > most ? p[v] : most;
    for (int v = 0; v < V; v++) sum += p[v] = expf(p[v] - most);
    for (int v = 0; v < V; v++) p[v] /= sum;
    loss -= log(p[targets[n]]) / N;
  }
  return loss;
}

void gpt_backward(gpt *model, const int *tokens, const int *targets) {
  const gpt_config of = model->config;
  const int N = of.batch * of.tokens, C = of.channels, V = of.vocabulary, L = of.layers;
  const gpt_layer *output = &model->layers[L];
  float *stream = model->stream, *narrow = model->narrow, *wide = model->wide;
  float *p = model->probabilities;

  /* Softmax: its gradient takes the place of its result. */
  for (int n = 0; n < N; n++)
    for (int v = 0; v < V; v++) p[n * V + v] = (p[n * V + v] - (v == targets[n])) / (float)N;
  linear_backward(narrow, GRAD(GPT_WTE, 0), NULL, p, output->norm1, DATA(GPT_WTE, 0), N, C, V);
  memset(stream, 0, sizeof(float) * (size_t)(N * C));
  norm_backward(stream, GRAD(GPT_LNFW, 0), GRAD(GPT_LNFB, 0), narrow, output->x, output->scale1,
                DATA(GPT_LNFW, 0), N, C);
  for (int l = L - 1; l >= 0; l--) {
    const gpt_layer *a = &model->layers[l];
    linear_backward(wide, GRAD(GPT_FCPROJW, l), GRAD(GPT_FCPROJB, l), stream, a->active,
                    DATA(GPT_FCPROJW, l), N, 4 * C, C);
    gelu_backward(wide, a->hidden, N * 4 * C);
    linear_backward(narrow, GRAD(GPT_FCW, l), GRAD(GPT_FCB, l), wide, a->norm2, DATA(GPT_FCW, l), N,
                    C, 4 * C);
    norm_backward(stream, GRAD(GPT_LN2W, l), GRAD(GPT_LN2B, l), narrow, a->middle, a->scale2,
                  DATA(GPT_LN2W, l), N, C);
    linear_backward(narrow, GRAD(GPT_ATTPROJW, l), GRAD(GPT_ATTPROJB, l), stream, a->heads,
                    DATA(GPT_ATTPROJW, l), N, C, C);
    attention_backward(wide, model->row, narrow, a->weights, a->qkv, &of);
    linear_backward(narrow, GRAD(GPT_QKVW, l), GRAD(GPT_QKVB, l), wide, a->norm1, DATA(GPT_QKVW, l),
                    N, C, 3 * C);
    norm_backward(stream, GRAD(GPT_LN1W, l), GRAD(GPT_LN1B, l), narrow, a->x, a->scale1,
                  DATA(GPT_LN1W, l), N, C);
  }
  for (int n = 0; n < N; n++) {
    add_scaled(GRAD(GPT_WTE, tokens[n]), 1, stream + n * C, C);
    add_scaled(GRAD(GPT_WPE, n % of.tokens), 1, stream + n * C, C);
  }
}

/* ---- Making one ----------------------------------------------------------------------------- */

uint64_t gpt_random(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* The next part of the memory; before there is any, only its size is counted. */
static float *take(gpt *model, size_t count) {
  float *part = model->memory ? model->memory + model->used : NULL;
  model->used += count;
  return part;
}

static void lay_out(gpt *model) {
  const gpt_config of = model->config;
  const size_t C = (size_t)of.channels, T = (size_t)of.tokens, N = (size_t)of.batch * T;
  model->used = 0;
  for (int i = 0; i < GPT_ARRAYS; i++) {
    model->arrays[i].data = take(model, model->arrays[i].count);
    model->arrays[i].grad = take(model, model->arrays[i].count);
  }
  for (int l = 0; l <= of.layers; l++) {
    gpt_layer *a = &model->layers[l];
    a->x = take(model, N * C);
    a->norm1 = take(model, N * C), a->scale1 = take(model, N);
    if (l == of.layers) break;
    a->qkv = take(model, N * 3 * C);
    a->weights = take(model, N * (size_t)of.heads * T);
    a->heads = take(model, N * C);
    a->middle = take(model, N * C);
    a->norm2 = take(model, N * C), a->scale2 = take(model, N);
    a->hidden = take(model, N * 4 * C), a->active = take(model, N * 4 * C);
  }
  model->probabilities = take(model, N * (size_t)of.vocabulary);
  model->stream = take(model, N * C), model->narrow = take(model, N * C);
  model->wide = take(model, N * 4 * C), model->row = take(model, T);
}

static void describe(gpt_array *array, const char *name, int ndim, int rows, int columns, int depth) {
  const int64_t shape[3] = {rows, columns, depth};
  array->name = name;
  array->ndim = ndim;
  array->count = 1;
  for (int i = 0; i < ndim; i++) array->count *= (size_t)(array->shape[i] = shape[i]);
}

/* As in GPT-2: matrices of variance 0.02^2 (here uniform), those that write to the stream smaller for
 * each layer that does; gains 1, biases 0. */
static void fill(gpt *model, uint64_t seed) {
  for (int i = 0; i < GPT_ARRAYS; i++) {
    const gpt_array *array = &model->arrays[i];
    const int last = array->name[strlen(array->name) - 1];
    const int is_gain = i == GPT_LN1W || i == GPT_LN2W || i == GPT_LNFW;
    const int writes = i == GPT_ATTPROJW || i == GPT_FCPROJW;
    const float bound = 0.02f * sqrtf(writes ? 1.5f / (float)model->config.layers : 3.0f);
    for (size_t k = 0; k < array->count; k++) {
      const float unit = (float)(gpt_random(&seed) >> 40) / 8388608.0f - 1; /* [-1, 1) */
      array->data[k] = is_gain ? 1 : last == 'b' ? 0 : bound * unit;
    }
  }
}

int gpt_init(gpt *model, gpt_config of, uint64_t seed) {
  const int C = of.channels, L = of.layers;
  gpt_array *arrays = model->arrays;
  memset(model, 0, sizeof *model);
  model->config = of;
  describe(&arrays[GPT_WTE], "wte", 2, of.vocabulary, C, 1);
  describe(&arrays[GPT_WPE], "wpe", 2, of.tokens, C, 1);
  describe(&arrays[GPT_LN1W], "ln1w", 2, L, C, 1);
  describe(&arrays[GPT_LN1B], "ln1b", 2, L, C, 1);
  describe(&arrays[GPT_QKVW], "qkvw", 3, L, 3 * C, C);
  describe(&arrays[GPT_QKVB], "qkvb", 2, L, 3 * C, 1);
  describe(&arrays[GPT_ATTPROJW], "attprojw", 3, L, C, C);
  describe(&arrays[GPT_ATTPROJB], "attprojb", 2, L, C, 1);
  describe(&arrays[GPT_LN2W], "ln2w", 2, L, C, 1);
  describe(&arrays[GPT_LN2B], "ln2b", 2, L, C, 1);
  describe(&arrays[GPT_FCW], "fcw", 3, L, 4 * C, C);
  describe(&arrays[GPT_FCB], "fcb", 2, L, 4 * C, 1);
  describe(&arrays[GPT_FCPROJW], "fcprojw", 3, L, C, 4 * C);
  describe(&arrays[GPT_FCPROJB], "fcprojb", 2, L, C, 1);
  describe(&arrays[GPT_LNFW], "lnfw", 1, C, 1, 1);
  describe(&arrays[GPT_LNFB], "lnfb", 1, C, 1, 1);
  lay_out(model);
  model->memory = calloc(model->used, sizeof(float));
  if (!model->memory) return 0;
  lay_out(model);
  fill(model, seed);
  return 1;
}

void gpt_free(gpt *model) {
  free(model->memory);
  model->memory = NULL;
}
