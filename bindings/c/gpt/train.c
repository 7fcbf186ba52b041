/* Trains a small GPT on a text, character by character: Muon on the matrices of its layers, AdamW on
 * everything else. The parameters lie as in llm.c, where one array holds a matrix of every layer:
 * views tell Muon where the matrices are.
 *
 *     gpt TEXT [CHECKPOINT [STEPS]]
 *
 * With a checkpoint it goes on from that file if it is there, and saves to it at the end: after STEPS
 * more steps, or when all are made. A run in parts has the same results as one in a piece, to the bit. */
#include <muon.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpt.h"

#define TOTAL 240      /* steps */
#define ACCUMULATED 2  /* batches of a step */
#define EVERY 20       /* steps between two measurements */
#define MEASURED 16    /* batches of a measurement */

enum { BATCH = 8, TOKENS = 32 };
static const gpt_config config = {
    .batch = BATCH, .tokens = TOKENS, .vocabulary = 128, .layers = 2, .heads = 4, .channels = 64};

/* ---- Errors --------------------------------------------------------------------------------- */

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* Every call of the library goes through here. */
static void check(muon_status status) {
  if (status != MUON_OK) fail(muon_status_name(status), muon_last_error());
}

/* ---- Data ----------------------------------------------------------------------------------- */

typedef struct text {
  unsigned char *characters;
  size_t training; /* the first ones, to train on */
  size_t count;    /* of all; the others are to measure on */
} text;

static text read_text(const char *path) {
  text text = {NULL, 0, 0};
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be opened");
  for (size_t room = 0;;) {
    if (text.count == room) {
      room = room ? 2 * room : 1 << 16;
      text.characters = realloc(text.characters, room);
      if (!text.characters) fail(path, "out of memory");
    }
    size_t got = fread(text.characters + text.count, 1, room - text.count, file);
    if (!got) break;
    text.count += got;
  }
  fclose(file);
  text.training = text.count / 10 * 9;
  if (text.count - text.training <= TOKENS) fail(path, "is too short");
  for (size_t i = 0; i < text.count; i++)
    if (text.characters[i] >= config.vocabulary) text.characters[i] = '?';
  return text;
}

typedef struct batch {
  int tokens[BATCH * TOKENS], targets[BATCH * TOKENS];
} batch;

/* Pieces of the text from begin to end, at places that follow from the number alone: so there is
 * nothing of them to save. */
static void fill_batch(batch *batch, const text *text, size_t begin, size_t end, uint64_t number) {
  uint64_t random = number << 32;
  for (int b = 0; b < BATCH; b++) {
    const size_t places = end - begin - TOKENS;
    const unsigned char *piece = text->characters + begin + gpt_random(&random) % places;
    for (int t = 0; t < TOKENS; t++) {
      batch->tokens[b * TOKENS + t] = piece[t];
      batch->targets[b * TOKENS + t] = piece[t + 1];
    }
  }
}

/* ---- Optimizers ----------------------------------------------------------------------------- */

enum { MUON, ADAMW, OPTIMIZERS };

typedef struct trainer {
  muon_optimizer *optimizers[OPTIMIZERS];
  muon_scheduler *scheduler; /* of both */
} trainer;

/* How Muon sees a parameter: axis 0 counts layers, axis 1 is outputs, axis 2 inputs; and the rows of
 * Q, of K and of V are matrices of their own. */
static muon_view view_of(int array, const int64_t *thirds) {
  muon_view view;
  check(muon_view_init(&view, sizeof view));
  view.axes = "boi";
  if (array == GPT_QKVW) {
    view.split_axis = 1;
    view.split_sizes = thirds;
    view.split_count = 3;
  }
  return view;
}

static void add_parameters(trainer *trainer, const gpt *model, int64_t undecayed) {
  const int64_t thirds[3] = {config.channels, config.channels, config.channels};
  for (int i = 0; i < GPT_ARRAYS; i++) {
    const gpt_array *array = &model->arrays[i];
    const muon_view view = view_of(i, thirds);
    const int is_embedding = i == GPT_WTE || i == GPT_WPE;
    muon_param param;
    muon_param_set(&param, array->name, array->data, array->grad, array->ndim, array->shape);
    if (array->ndim == 3) { /* a matrix of every layer */
      param.view = &view;
      check(muon_optimizer_add_param(trainer->optimizers[MUON], 0, &param, NULL));
    } else {
      int64_t group = is_embedding ? 0 : undecayed; /* of norms and biases, (L, C), too */
      check(muon_optimizer_add_param(trainer->optimizers[ADAMW], group, &param, NULL));
    }
  }
}

static void build(trainer *trainer, const gpt *model) {
  muon_muon_options muon;
  muon_adamw_options adamw;
  muon_schedule *schedule;
  int64_t undecayed;

  check(muon_muon_options_init(&muon, sizeof muon));
  muon.lr = 0.02;
  muon.weight_decay = 0.1;
  muon.shape_scale = MUON_SHAPE_SCALE_ORIGINAL;
  check(muon_optimizer_create_muon(&muon, &trainer->optimizers[MUON]));

  check(muon_adamw_options_init(&adamw, sizeof adamw));
  adamw.lr = 0.003;
  adamw.beta2 = 0.95;
  adamw.weight_decay = 0.1;
  check(muon_optimizer_create_adamw(&adamw, &trainer->optimizers[ADAMW]));
  adamw.weight_decay = 0;
  check(muon_optimizer_add_adamw_group(trainer->optimizers[ADAMW], &adamw, NULL, 0, &undecayed));
  add_parameters(trainer, model, undecayed);

  check(muon_schedule_create_trapezoid(TOTAL / 20, TOTAL / 3, TOTAL, 0.1, 0, &schedule));
  check(muon_scheduler_create(schedule, trainer->optimizers, OPTIMIZERS, &trainer->scheduler));
  check(muon_schedule_destroy(schedule));
}

static void destroy(trainer *trainer) {
  check(muon_scheduler_destroy(trainer->scheduler));
  for (int i = 0; i < OPTIMIZERS; i++) check(muon_optimizer_destroy(trainer->optimizers[i]));
}

/* ---- Training ------------------------------------------------------------------------------- */

static double measure(gpt *model, const text *text) {
  double loss = 0;
  batch batch;
  for (uint64_t i = 0; i < MEASURED; i++) {
    fill_batch(&batch, text, text->training, text->count, i);
    loss += gpt_forward(model, batch.tokens, batch.targets) / MEASURED;
  }
  return loss;
}

/* Returns the loss; *norm becomes that of the gradient before it is clipped. */
static double train_step(gpt *model, trainer *trainer, const text *text, int64_t step, double *norm) {
  double loss = 0;
  batch batch;
  check(muon_optimizers_zero_grad(trainer->optimizers, OPTIMIZERS));
  for (int i = 0; i < ACCUMULATED; i++) {
    fill_batch(&batch, text, 0, text->training, (uint64_t)step * ACCUMULATED + (uint64_t)i);
    loss += gpt_forward(model, batch.tokens, batch.targets) / ACCUMULATED;
    gpt_backward(model, batch.tokens, batch.targets); /* gradients add up */
  }
  check(muon_optimizers_clip_grad_norm(trainer->optimizers, OPTIMIZERS, 1.0 / ACCUMULATED, 1.0, norm));
  check(muon_optimizers_step(trainer->optimizers, OPTIMIZERS));
  check(muon_scheduler_step(trainer->scheduler));
  return loss;
}

static int is_there(const char *path) {
  FILE *file = fopen(path, "rb");
  return file && fclose(file) == 0;
}

int main(int argc, char **argv) {
  if (argc < 2) fail("usage", "gpt TEXT [CHECKPOINT [STEPS]]");
  const char *checkpoint = argc > 2 ? argv[2] : NULL;
  const int64_t most = argc > 3 ? atoll(argv[3]) : TOTAL;
  text text = read_text(argv[1]);
  static gpt model;
  trainer trainer;
  int64_t step = 0;
  double loss = 0, norm = 0;

  if (!gpt_init(&model, config, 1)) fail("model", "out of memory");
  build(&trainer, &model);
  if (checkpoint && is_there(checkpoint)) {
    check(muon_checkpoint_load(checkpoint, trainer.optimizers, OPTIMIZERS, &trainer.scheduler, 1, NULL));
    check(muon_scheduler_get_step(trainer.scheduler, &step));
    printf("going on from step %lld of %s\n", (long long)step, checkpoint);
  }
  for (int64_t made = 0; step < TOTAL && made < most; made++) {
    loss = train_step(&model, &trainer, &text, step++, &norm);
    if (step % EVERY == 0)
      printf("step %3lld  loss %.4f  norm %.3f  held out %.4f\n", (long long)step, loss, norm,
             measure(&model, &text));
  }
  if (checkpoint)
    check(muon_checkpoint_save(checkpoint, trainer.optimizers, OPTIMIZERS, &trainer.scheduler, 1, NULL));
  printf("held out %.4f nats a character\n", measure(&model, &text));

  destroy(&trainer); /* before the buffers it points to */
  gpt_free(&model);
  free(text.characters);
  return 0;
}
