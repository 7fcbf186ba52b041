/* Trains a small network on handwritten digits: Muon on its matrices, AdamW on its biases, both
 * with warmup and a cosine schedule, all made from one configuration.
 *
 *     digits [path of digits.bin] */
#include <muon.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlp.h"

#define PIXELS 64
#define TRAIN 1437
#define TEST 360
#define IMAGES (TRAIN + TEST)
#define BATCH 64
#define BATCHES ((TRAIN + BATCH - 1) / BATCH)
#define EPOCHS 15
#define PARAMS (2 * MLP_LAYERS)

/* The number as text, for the configuration. */
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

static const char config[] =
    "{\"training\": {\"optimizer\": \"Muon\", \"learning_rate\": 0.05, \"weight_decay\": 0.2,"
    "                \"n_epochs\": " TEXT(EPOCHS) ", \"warmup_steps\": 20,"
    "                \"lr_schedule\": \"cosine\"},"
    " \"adamw\": {\"lr\": 0.01}}";

static const int sizes[MLP_LAYERS + 1] = {PIXELS, 128, 64, 10};

/* ---- Errors --------------------------------------------------------------------------------- */

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* Every call of the library goes through here. */
static void check(muon_status status) {
  if (status != MUON_OK)
    fail(muon_status_name(status), muon_last_error());
}

/* ---- Data ----------------------------------------------------------------------------------- */

typedef struct digits {
  float pixels[IMAGES * PIXELS]; /* 0 to 1 */
  uint8_t labels[IMAGES];
} digits;

static void load(digits *data, const char *path) {
  unsigned char record[PIXELS + 1];
  FILE *file = fopen(path, "rb");
  if (!file)
    fail(path, "cannot be opened");
  for (int n = 0; n < IMAGES; n++) {
    if (fread(record, 1, sizeof record, file) != sizeof record || record[PIXELS] > 9)
      fail(path, "is not the file of digits");
    for (int i = 0; i < PIXELS; i++)
      data->pixels[n * PIXELS + i] = (float)record[i] / 16.0f;
    data->labels[n] = record[PIXELS];
  }
  fclose(file);
}

static void shuffle(int *order, uint64_t *random) {
  for (int i = TRAIN - 1; i > 0; i--) {
    int j = (int)(random_bits(random) % (uint64_t)(i + 1));
    int swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
}

/* ---- Parameters ----------------------------------------------------------------------------- */

static const char *const param_names[PARAMS] = {"fc1.weight", "fc1.bias",   "fc2.weight",
                                                "fc2.bias",   "fc3.weight", "fc3.bias"};

/* Describes the model's buffers to the library, which will keep the pointers. The shapes are copied
 * when an optimizer is made. */
static void describe(const mlp *model, muon_param params[PARAMS], int64_t shapes[PARAMS][2]) {
  for (int i = 0; i < PARAMS; i++) {
    const mlp_layer *layer = &model->layers[i / 2];
    int is_weight = i % 2 == 0;
    shapes[i][0] = layer->outputs;
    shapes[i][1] = layer->inputs;
    if (is_weight)
      muon_param_set(&params[i], param_names[i], layer->weight, layer->weight_grad, 2, shapes[i]);
    else
      muon_param_set(&params[i], param_names[i], layer->bias, layer->bias_grad, 1, shapes[i]);
  }
}

static void print_routing(const muon_param params[PARAMS]) {
  static const char *const optimizers[] = {"none", "Muon", "AdamW"};
  muon_route routes[PARAMS];
  size_t count;
  check(muon_config_route_params(config, params, PARAMS, routes, PARAMS, &count));
  for (int i = 0; i < PARAMS; i++)
    printf("%-10s -> %-5s (%s)\n", params[i].name, optimizers[routes[i].optimizer],
           muon_route_reason_text(routes[i].reason));
}

/* ---- Training ------------------------------------------------------------------------------- */

typedef struct trainer {
  muon_optimizer *optimizers[2]; /* Muon and AdamW */
  muon_scheduler *schedulers[2];
  size_t count;
} trainer;

static void build(trainer *trainer, const muon_param params[PARAMS]) {
  check(muon_config_build_optimizers(config, params, PARAMS, trainer->optimizers, 2,
                                     &trainer->count));
  check(muon_config_build_schedulers(config, trainer->optimizers, trainer->count, BATCHES,
                                     trainer->schedulers, 2, &trainer->count));
}

static void destroy(trainer *trainer) {
  for (size_t i = 0; i < trainer->count; i++) {
    check(muon_scheduler_destroy(trainer->schedulers[i]));
    check(muon_optimizer_destroy(trainer->optimizers[i]));
  }
}

/* The schedules count batches, not epochs: they are stepped after the optimizers. */
static double train_batch(mlp *model, trainer *trainer, const float *x, const uint8_t *labels,
                          int count) {
  check(muon_optimizers_zero_grad(trainer->optimizers, trainer->count));
  mlp_forward(model, x, count);
  double loss = mlp_backward(model, x, labels, count);
  check(muon_optimizers_step(trainer->optimizers, trainer->count));
  for (size_t i = 0; i < trainer->count; i++)
    check(muon_scheduler_step(trainer->schedulers[i]));
  return loss;
}

/* One pass over the training images in the given order; returns their mean loss. */
static double train_epoch(mlp *model, trainer *trainer, const digits *data, const int *order) {
  static float x[BATCH * PIXELS];
  uint8_t labels[BATCH];
  double sum = 0;
  for (int start = 0; start < TRAIN; start += BATCH) {
    int count = TRAIN - start < BATCH ? TRAIN - start : BATCH;
    for (int n = 0; n < count; n++) {
      int image = order[start + n];
      memcpy(x + n * PIXELS, data->pixels + image * PIXELS, PIXELS * sizeof(float));
      labels[n] = data->labels[image];
    }
    sum += train_batch(model, trainer, x, labels, count) * count;
  }
  return sum / TRAIN;
}

static int predict(mlp *model, const float *image) {
  const float *logits = mlp_forward(model, image, 1);
  int best = 0;
  for (int c = 1; c < sizes[MLP_LAYERS]; c++)
    best = logits[c] > logits[best] ? c : best;
  return best;
}

static double test_accuracy(mlp *model, const digits *data) {
  int right = 0;
  for (int n = TRAIN; n < IMAGES; n++)
    right += predict(model, data->pixels + n * PIXELS) == data->labels[n];
  return (double)right / TEST;
}

int main(int argc, char **argv) {
  static digits data;
  static int order[TRAIN];
  mlp model;
  muon_param params[PARAMS];
  int64_t shapes[PARAMS][2];
  trainer trainer;
  uint64_t random = 1;
  double accuracy = 0;

  load(&data, argc > 1 ? argv[1] : "bindings/data/digits.bin");
  if (!mlp_init(&model, sizes, BATCH, &random))
    fail("model", "out of memory");
  describe(&model, params, shapes);
  printf("%s\n", muon_build_info());
  print_routing(params);
  build(&trainer, params);

  for (int i = 0; i < TRAIN; i++)
    order[i] = i;
  for (int epoch = 1; epoch <= EPOCHS; epoch++) {
    shuffle(order, &random);
    double loss = train_epoch(&model, &trainer, &data, order);
    accuracy = test_accuracy(&model, &data);
    printf("epoch %2d  loss %.4f  test accuracy %.3f\n", epoch, loss, accuracy);
  }

  destroy(&trainer); /* before the buffers it points to */
  mlp_free(&model);
  printf("test accuracy %.3f\n", accuracy);
  return accuracy < 0.92; /* it reaches 0.94: something is wrong */
}
