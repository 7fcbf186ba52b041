/*
 * muon.h - the C interface of libmuon: the Muon optimizer, AdamW, learning-rate schedules.
 *
 * Copyright (c) 2026 the libmuon authors. MIT licence.
 *
 *
 * CONTENTS
 *
 *   Manual              what holds for every function
 *   Errors              statuses and their texts
 *   Parameters          what is trained, in memory of yours
 *   Optimizers          create, add parameters, step, destroy
 *   Sets of optimizers  several that make a step as one
 *   Exchange            several processes that train together
 *   Options             of Muon and AdamW, by groups of parameters
 *   State               what optimizers remember: read it, set it, size it
 *   Schedules           learning rates that change with the step
 *   Builders            optimizers and schedulers from one configuration
 *   Checkpoints         a training run in a file or in memory
 *   Log                 what the library has to say
 *   Orthogonalization   of one matrix, without an optimizer
 *   Statistics          what steps measure
 *   Names               of enum values and options, and ranges of options
 *   Library             its version and its threads
 *
 *
 * MANUAL
 *
 * Muon trains matrices. It keeps a momentum, which is a running sum of the gradients. At each step
 * it computes the matrix nearest to the momentum whose rows or columns are orthonormal (by a few
 * Newton-Schulz iterations), and moves the parameter in that direction. Everything that is not a
 * matrix, such as biases and gains, is trained with AdamW. A complete program:
 *
 *     #include <muon.h>
 *     #include <stdio.h>
 *     int main(void) {
 *       float w[6] = {1, 2, 3, 4, 5, 6}, g[6] = {1, 0, 0, 0, 1, 0};
 *       int64_t shape[2] = {2, 3};
 *       muon_param param;
 *       muon_optimizer *muon;
 *       muon_param_set(&param, "w", w, g, 2, shape);
 *       if (muon_optimizer_create_muon(NULL, &muon) ||
 *           muon_optimizer_add_param(muon, 0, &param, NULL) || muon_optimizer_step(muon))
 *         return fprintf(stderr, "%s\n", muon_last_error()), 1;
 *       printf("%g %g %g\n", w[0], w[1], w[2]);
 *       return muon_optimizer_destroy(muon) != MUON_OK;
 *     }
 *
 * Build it with: cc example.c -lmuon
 *
 * Errors. Every function that can fail returns a muon_status; MUON_OK is 0. After a failure
 *   muon_last_error() has the text: what was wrong, and what was expected. A call that fails has
 *   changed nothing and written no result, unless its description says otherwise. These can come
 *   from any function, where they make sense, and are not listed again:
 *     MUON_ERR_INVALID_ARGUMENT   NULL, a misaligned pointer, a value out of range, an index that is
 *                                 not there
 *     MUON_ERR_INVALID_HANDLE     from every function that takes a handle
 *     MUON_ERR_UNSUPPORTED        from every function that takes a struct with struct_size: see
 *                                 Structs
 *     MUON_ERR_OUT_OF_MEMORY
 *     MUON_ERR_INTERNAL           a defect in the library
 *   The others stand behind the word "Errors:" in the description of a function.
 *
 * Results are the last arguments; their names begin with out. They must not be NULL unless the
 *   description says so.
 *
 * Lists are results too: outThings, capacity, outCount. *outCount becomes the number of things
 *   there are; the first min(capacity, *outCount) of them are written. With a capacity of 0
 *   outThings may be NULL, so you can ask for the number first. A list that you give is followed by
 *   its count.
 *
 * Numbers. Counts, capacities and sizes in memory are size_t. Indices, steps, numbers of steps, and
 *   the extents of matrices and shapes are int64_t. Small settings are int32_t, and so are flags: 1
 *   is true, 0 is false.
 *
 * Callbacks get a context of yours as their last argument, those of an exchange as their first. Where
 *   you set a callback, its context is the argument right after it, or a field beside it.
 *
 * Handles. muon_optimizer, muon_schedule and muon_scheduler are handles. They look like pointers,
 *   but the library never follows them, so a handle that was destroyed, made up, or is of another
 *   kind is an error and no crash: MUON_ERR_INVALID_HANDLE. Destroying NULL does nothing and
 *   succeeds.
 *
 * Ownership. Texts, shapes, option structs and coefficients are copied during the call. Only the
 *   buffers of a parameter (its data, its gradient and, if you give it, its state) are kept as
 *   pointers. They must stay valid and in place until you bind other memory or destroy the
 *   optimizer. You allocate and free them; the library never does.
 *
 * Matrices are dense and row-major: element (i, j) of an r x c matrix is at index i*c + j. A
 *   column-major r x c matrix is the same memory as a row-major c x r one: describe it with the
 *   shape {c, r}. The update is right either way, for the nearest orthogonal matrix of the
 *   transpose is the transpose. Only two shape scales can tell rows from columns:
 *   MUON_SHAPE_SCALE_ORIGINAL and MUON_SHAPE_SCALE_SPECTRAL take rows as the outputs of a layer, as
 *   torch stores a weight (out, in). For weights stored (in, out), as JAX does, these two use c/r
 *   where r/c is meant; the other two do not change. A vector has ndim 1. A scalar has ndim 0 and
 *   one element. An extent may be 0.
 *
 * Small numbers. Floats below 1.2e-38 in magnitude (denormal numbers) may be read as 0, and results
 *   below that may be 0, because processors are slow at them. muon_muon_options, muon_adamw_options
 *   and muon_orthogonalize say when. The floating-point mode of your thread is the same after a
 *   call.
 *
 * Structs that begin with struct_size are filled in by their function ..._init, to which you pass
 *   sizeof the struct; then set the fields you want. Behind each field stand its range and, last, its
 *   default. Later versions add fields at the end. Options that your struct does not have keep their
 *   values, which are the defaults at first; other fields that it does not have are read as 0, which
 *   means what the library did before. So a program works with a library that is newer than its
 *   header. It also works with an older library, as long as the fields that this library does not
 *   have are 0; otherwise the call gives MUON_ERR_UNSUPPORTED. All structs of a list have the same struct_size. Structs without struct_size never change.
 *
 * Enums have fixed values. New values are added at the end; none changes its meaning.
 *
 * Threads. Different handles may be used from different threads at the same time. Calls on one
 *   handle take turns: a second one waits for the first, unless it comes from a callback of that:
 *   then it is MUON_ERR_INVALID_ARGUMENT. A call on a scheduler also uses its optimizers. Other threads must not touch your buffers during step, zero_grad and the functions
 *   under State. A calling thread needs 64 KiB of stack, or 256 KiB for MUON_BACKEND_SVD.
 *
 * Fork. After a fork the child can use every handle that no other thread was using at that moment.
 *   There is one exception: if the C library does not tell the library of the fork (after _Fork, or
 *   in another C library loaded with dlmopen), this holds only if no other thread was in any call,
 *   and the child then steps on one thread.
 *
 * Exit. If exit is called while another thread is in a step with MUON_BACKEND_SVD, exit waits until
 *   that step ends, because OpenBLAS frees its memory then. Steps with it that begin later give
 *   MUON_ERR_UNSUPPORTED. Do not call exit from a signal handler that interrupted the library.
 *
 * Host. The library prints nothing, installs no signal handler and changes no environment variable.
 *   It loads OpenBLAS only for MUON_BACKEND_SVD, and leaves OpenBLAS's number of threads as it was.
 *   dlclose does not unload the library.
 *   Its threads block all signals and sleep between steps. They have the scheduling policy that the
 *   main thread had when they were started, but never a real-time one, and run on the processors
 *   that the main thread or the caller may run on. A caller whose priority is too low to start such
 *   threads gets threads with its own priority, which end with the step.
 *   A call is no cancellation point, and neither are callbacks in it: a thread that is cancelled
 *   (pthread_cancel) during a call ends at its next cancellation point after it. Floating-point
 *   exceptions do not trap during a call; traps that you have set are set again when it returns.
 *   Your rounding mode stays in force and changes results.
 *
 * Environment. MUON_NUM_THREADS (see muon_set_num_threads) and MUON_MAX_CPU (see muon_build_info)
 *   are read once, at the first call that needs them.
 */
#ifndef MUON_H
#define MUON_H

#include <stddef.h>
#include <stdint.h>

/* On every function: it is visible outside the library, also if you compile with hidden visibility.
 * Define MUON_API before this header to replace it. */
#ifndef MUON_API
#if defined(__GNUC__)
#define MUON_API __attribute__((__visibility__("default")))
#else
#define MUON_API
#endif
#endif

/* On every function that returns a status, except those that destroy: compilers warn if you
 * ignore it. Define MUON_CHECK as nothing before this header to have no such warnings. */
#ifndef MUON_CHECK
#if (defined(__cplusplus) && __cplusplus >= 201703L) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define MUON_CHECK [[nodiscard]]
#elif defined(__GNUC__)
#define MUON_CHECK __attribute__((__warn_unused_result__))
#else
#define MUON_CHECK
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MUON_VERSION_MAJOR 0
#define MUON_VERSION_MINOR 2
#define MUON_VERSION_PATCH 0
/* One number that grows with the version: 0.2.0 is 200, 1.2.3 is 10203. */
#define MUON_VERSION_NUMBER \
  (MUON_VERSION_MAJOR * 10000 + MUON_VERSION_MINOR * 100 + MUON_VERSION_PATCH)

/* ---- Errors --------------------------------------------------------------------------------- */

typedef enum muon_status {
  MUON_OK = 0,
  MUON_ERR_INVALID_ARGUMENT = 1,   /* NULL where it must not be, or a value out of range */
  MUON_ERR_INVALID_HANDLE = 2,     /* a handle that was destroyed, made up, or of another kind */
  MUON_ERR_SHAPE = 3,              /* a shape or an element count that does not fit */
  MUON_ERR_DTYPE = 4,              /* an element type that cannot be used here */
  MUON_ERR_CONFIG = 5,             /* a configuration that cannot be used; the text has the path */
  MUON_ERR_OUT_OF_MEMORY = 6,
  MUON_ERR_NONFINITE_GRADIENT = 7, /* NaN or infinity in a gradient, or in the state that follows */
  MUON_ERR_UNSUPPORTED = 8,        /* makes sense, but not with this version or on this system */
  MUON_ERR_NOT_CONVERGED = 9,      /* LAPACK's SVD did not converge */
  MUON_ERR_INTERNAL = 10,          /* a defect in the library: please report it */
  MUON_ERR_IO = 11,                /* a file could not be read or written; the text says why */
  MUON_ERR_CORRUPT = 12,           /* a checkpoint that is damaged, or something else */
  MUON_ERR_MISMATCH = 13,          /* a checkpoint of another run; the text says what differs */
  MUON_ERR_CANCELLED = 14,         /* a progress callback asked to stop */
  MUON_ERR_EXCHANGE = 15           /* the ranks of an exchange differ, or one of them is lost */
} muon_status;

/* The text of this thread's latest failure; "" if there was none. Never NULL. Valid until the
 * next call of this thread that fails. */
MUON_API const char *muon_last_error(void);

/* "MUON_ERR_SHAPE" and so on; "MUON_ERR_UNKNOWN" for a number that is no status. Never NULL. */
MUON_API const char *muon_status_name(muon_status status);

/* ---- Parameters ----------------------------------------------------------------------------- */

/* The type of the elements of a buffer. */
typedef enum muon_dtype {
  MUON_DTYPE_F32 = 1,
  MUON_DTYPE_BF16 = 2,      /* bfloat16: the upper half of a float32 */
  MUON_DTYPE_F16 = 3,       /* IEEE 754's binary16 */
  MUON_DTYPE_F64 = 4,       /* MUON_ERR_UNSUPPORTED in this version */
  MUON_DTYPE_NOT_FLOAT = 5, /* integers and the like: builders leave such a parameter out */
  MUON_DTYPE_I16 = 6        /* int16_t: of the state "remainder" alone */
} muon_dtype;

/* What the state keeps of a BF16 or F16 parameter, so that updates are not lost that are smaller than
 * half of the distance between two of its numbers: docs/half-precision.md. F32 parameters need none. */
typedef enum muon_master {
  MUON_MASTER_F32 = 0,      /* the parameter in float32, "master": 4 bytes an element. After a step the
                               parameter is the master rounded to nearest even. Where it is not, before a step,
                               you have written the parameter, and the master becomes what is there */
  MUON_MASTER_NONE = 1,     /* nothing: the step is made in float32 and rounded to nearest even, so
                               updates below half of that distance are lost */
  MUON_MASTER_REMAINDER = 2 /* BF16 only: the lower half of the bits of a float32, "remainder": 2 bytes an
                               element, for the same steps as with F32. The parameter is the nearest number,
                               ties away from 0. What you write keeps its remainder, which is at most half
                               of the distance to the next number */
} muon_master;

/* The buffers of a parameter have names:
 *   "data"         the parameter itself; step writes it
 *   "grad"         its gradient; step only reads it, zero_grad writes it
 * and, as its state, which step writes,
 *   "momentum"     Muon: the momentum
 *   "exp_avg"      AdamW: the mean of the gradients
 *   "exp_avg_sq"   AdamW: the mean of the squares of the gradients
 *   "master", "remainder"   either, of a parameter that is not F32: see muon_master
 * All of these have the shape of the parameter. State is MUON_DTYPE_F32, but for the "momentum" with
 * another state_dtype, and the "remainder". Code that works with any optimizer, whatever its state,
 * asks muon_optimizer_get_state_layout. All arithmetic is in float32. */

/* Memory of yours for a state buffer of a parameter that you add. */
typedef struct muon_state_buffer {
  const char *name;
  void *data;   /* of the buffer's type. NULL with count 0: the same as if it were not in the list */
  size_t count; /* elements, as many as the buffer has */
} muon_state_buffer;

/* A parameter seen as a batch of matrices, each of which Muon treats as a parameter of its own:
 * docs/views.md. Each axis has a letter: 'o' for outputs, which are rows; 'i' for inputs, which are
 * columns; 'b' for a matrix for each index. Several axes of one letter run as one, the last fastest.
 * Nothing is copied or moved, and the momentum has the parameter's layout. */
typedef struct muon_view {
  size_t struct_size;
  const char *axes;           /* a letter an axis; at least one 'o' and one 'i'. NULL: "oi" */
  int32_t ndim;               /* 0: the parameter's shape; else it is read with this one. 0 */
  int32_t split_axis;         /* of an 'o' or 'i', from 0, where there are split_sizes. 0 */
  const int64_t *shape;       /* ndim extents; one may be -1: what is left. NULL */
  const int64_t *split_sizes; /* the extents of blocks of split_axis, a matrix for each: each >= 1,
                                 their sum the extent of the axis. NULL: none */
  size_t split_count;         /* 0 */
} muon_view;

/* Fills in a view with the defaults behind its fields. */
MUON_CHECK MUON_API muon_status muon_view_init(muon_view *outView, size_t struct_size);

/* A parameter, for the functions that add it. */
typedef struct muon_param {
  size_t struct_size;
  const char *name;      /* UTF-8, for messages. NULL: "param" and its index */
  muon_dtype dtype;      /* F32, BF16 or F16. MUON_DTYPE_F32 */
  int32_t requires_grad; /* read by the builders: 0 leaves the parameter out. 1 */
  int32_t ndim;          /* 0 to 8. Muon takes 2, or a view. 0 */
  const int64_t *shape;  /* ndim extents, each >= 0 */
  void *data;            /* aligned to its element; may be NULL only if the parameter is empty */
  size_t data_count;     /* the product of the extents */
  void *grad;            /* NULL: no gradient now; step leaves the parameter as it is */
  size_t grad_count;     /* the same, or 0 */
  const muon_state_buffer *state; /* state in memory of yours, from whose contents training continues;
                                     what is not listed is in the library's memory, 0 at first. NULL */
  size_t state_count;             /* 0 */
  const muon_view *view; /* how Muon sees it as matrices; copied. AdamW ignores it. NULL: as the one
                            that it is */
  muon_dtype grad_dtype;  /* of the gradient: F32, BF16 or F16. 0: that of the parameter. 0 */
  muon_dtype state_dtype; /* of Muon's "momentum": F32 or BF16, to which it is rounded after each step.
                             MUON_ERR_UNSUPPORTED for AdamW, unless it is F32. 0: F32. 0 */
  muon_master master;     /* MUON_ERR_DTYPE for REMAINDER with another dtype than BF16. MUON_MASTER_F32 */
} muon_param;

/* Fills in a parameter with the defaults behind its fields. */
MUON_CHECK MUON_API muon_status muon_param_init(muon_param *outParam, size_t struct_size);

#ifdef __cplusplus
#define MUON_TO_SIZE(extent) static_cast<size_t>(extent)
#else
#define MUON_TO_SIZE(extent) (size_t)(extent)
#endif
/* Fills in a parameter: the defaults, these six fields, and the element counts, which follow from
 * the shape. name and grad may be NULL. If something is wrong, the function that takes the
 * parameter returns the error. */
static inline void muon_param_set_dtype(muon_param *param, const char *name, muon_dtype dtype,
                                        void *data, void *grad, int32_t ndim, const int64_t *shape) {
  size_t count = 1;
  if (param == NULL) return;
  if (muon_param_init(param, sizeof *param) != MUON_OK) {
    /* No struct_size: the library refuses it. */
    param->struct_size = 0;
    return;
  }
  /* The library refuses too many dimensions, an extent below 0 and a product that is too large. */
  for (int32_t i = 0; shape != NULL && ndim <= 8 && i < ndim; i++) {
    const size_t extent = shape[i] < 0 ? 0 : MUON_TO_SIZE(shape[i]);
    count = extent != 0 && count > SIZE_MAX / extent ? 0 : count * extent;
  }
  param->name = name;
  param->dtype = dtype;
  param->ndim = ndim;
  param->shape = shape;
  param->data = data;
  param->data_count = count;
  param->grad = grad;
  param->grad_count = grad != NULL ? count : 0;
}
#undef MUON_TO_SIZE

/* The same for float32. */
static inline void muon_param_set(muon_param *param, const char *name, float *data, float *grad,
                                  int32_t ndim, const int64_t *shape) {
  muon_param_set_dtype(param, name, MUON_DTYPE_F32, data, grad, ndim, shape);
}

/* ---- Optimizers ----------------------------------------------------------------------------- */

typedef struct muon_optimizer muon_optimizer;

/* They follow below. */
struct muon_muon_options;
struct muon_adamw_options;

/* Creates an optimizer without parameters. Its parameter group 0 has these options; NULL: the
 * defaults. Errors: UNSUPPORTED for options that do not go together, or that this processor
 * cannot do. */
MUON_CHECK MUON_API muon_status muon_optimizer_create_muon(
    const struct muon_muon_options *options, muon_optimizer **outOptimizer);
MUON_CHECK MUON_API muon_status muon_optimizer_create_adamw(
    const struct muon_adamw_options *options, muon_optimizer **outOptimizer);

/* Adds a parameter to a group. Parameters are numbered from 0 over all groups, in the order in
 * which they were added; outIndex may be NULL. Its buffers must not overlap each other or other
 * buffers of this optimizer, except that gradients may overlap gradients.
 * Errors: SHAPE; DTYPE; UNSUPPORTED for a type that is not in this version, and for a matrix
 * that is too large for the backend. */
MUON_CHECK MUON_API muon_status muon_optimizer_add_param(
    muon_optimizer *optimizer, int64_t group, const muon_param *param, int64_t *outIndex);

/* Makes one optimization step for every parameter that has a gradient; the others stay as they
 * are. Errors: NONFINITE_GRADIENT (see muon_nonfinite_policy); with MUON_BACKEND_SVD also
 * NOT_CONVERGED, and UNSUPPORTED where OpenBLAS cannot be loaded. */
MUON_CHECK MUON_API muon_status muon_optimizer_step(muon_optimizer *optimizer);

/* Makes the step of one parameter, with a gradient of its grad_dtype that is read during the call and not kept: for
 * hosts that update one array after the other and use one buffer for all gradients. Of what is bound
 * as "grad" nothing is read. The parameter and its state are the same to the bit as after a step of
 * all; the others stay as they are. It counts as a step of this parameter (muon_optimizer_get_param_steps)
 * and is measured as one (see Statistics). Policies hold for it alone: with
 * MUON_NONFINITE_POLICY_SKIP only this parameter is left out, and each is counted in
 * muon_optimizer_get_skipped_steps. Call muon_scheduler_step once, after the last parameter. grad
 * must not overlap what steps write. Errors: as muon_optimizer_step; SHAPE for another count. */
MUON_CHECK MUON_API muon_status muon_optimizer_step_param(
    muon_optimizer *optimizer, int64_t param, const void *grad, size_t count);

/* Writes zeros into every bound gradient. */
MUON_CHECK MUON_API muon_status muon_optimizer_zero_grad(muon_optimizer *optimizer);

/* Binds other memory of yours, of the buffer's type, to a buffer of a parameter; what is in it counts from now on. With
 * NULL and count 0:
 *   "grad"           there is no gradient from now on
 *   a state buffer   the library goes on in memory of its own, with the present values
 *   "data"           is an error, unless the parameter is empty
 * Errors: SHAPE for another count. */
MUON_CHECK MUON_API muon_status muon_optimizer_bind_buffer(
    muon_optimizer *optimizer, int64_t param, const char *buffer, void *memory, size_t count);

/* Frees the optimizer and its state, but not the buffers that you bound. */
MUON_API muon_status muon_optimizer_destroy(muon_optimizer *optimizer);

/* What kind of optimizer there is. */
typedef enum muon_optimizer_kind {
  MUON_OPTIMIZER_KIND_NONE = 0, /* only in a muon_route: no optimizer */
  MUON_OPTIMIZER_KIND_MUON = 1,
  MUON_OPTIMIZER_KIND_ADAMW = 2
} muon_optimizer_kind;

/* How many groups and parameters it has, and of which kind it is. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_kind(
    const muon_optimizer *optimizer, muon_optimizer_kind *outKind);
MUON_CHECK MUON_API muon_status muon_optimizer_get_group_count(
    const muon_optimizer *optimizer, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_count(
    const muon_optimizer *optimizer, size_t *outCount);

/* The index of the first parameter with this name; MUON_ERR_INVALID_ARGUMENT if there is none. */
MUON_CHECK MUON_API muon_status muon_optimizer_find_param(
    const muon_optimizer *optimizer, const char *name, int64_t *outParam);
/* The name of a parameter, as bytes with a NUL at the end, which is counted. If it does not fit,
 * what is written ends with a NUL too. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_name(
    const muon_optimizer *optimizer, int64_t param, char *outName, size_t capacity,
    size_t *outCount);
/* The group that a parameter was added to. Its shape and element type: ask for those of its
 * buffer "data", under State. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_group(
    const muon_optimizer *optimizer, int64_t param, int64_t *outGroup);

/* ---- Sets of optimizers --------------------------------------------------------------------- */

/* These do for all optimizers of a list what the functions with the same end do for one. count is 0
 * to 256; of no optimizers there is nothing to do. No optimizer may be in the list twice. Threads may
 * use lists that have optimizers in common, in any order. */

/* Makes a step of all optimizers, or of none: all gradients of all of them are looked at, and all that
 * can fail is done, before anything is written. Where it succeeds, the result is that of
 * muon_optimizer_step for each, to the bit. NaN or infinity in a gradient is a matter for the policy of
 * its optimizer: with MUON_NONFINITE_POLICY_ERROR nothing has changed in any of them; otherwise, with
 * MUON_NONFINITE_POLICY_SKIP, no optimizer makes the step, and each counts it as skipped. The text of
 * an error says which optimizer it is about, by its index in the list. Errors: as muon_optimizer_step. */
MUON_CHECK MUON_API muon_status muon_optimizers_step(
    muon_optimizer *const *optimizers, size_t count);

/* Clips the gradients of the next step: their norm over all optimizers, as the step uses them, becomes
 * at most max_norm. What each optimizer multiplies its gradients by (see
 * muon_optimizer_set_grad_scale) becomes
 *     t = grad_scale * min(1, max_norm / (norm + 1e-6)),   norm = ||grad_scale * g||
 * over all bound gradients g, as in torch's clip_grad_norm_; the norm is summed in float64, in an
 * order that does not depend on the number of threads, and written to outNorm, which may be NULL.
 * Gradients are only read. Where the norm is NaN or infinity, t is grad_scale, and the policies
 * decide in the step. grad_scale is finite and >= 0: 1, or 1/n for gradients that are the sum over n
 * batches. max_norm is >= 0; INFINITY clips nothing. Muon's direction does not depend on the scale of
 * its gradients: clipping changes only how much one step weighs in the momentum. */
MUON_CHECK MUON_API muon_status muon_optimizers_clip_grad_norm(
    muon_optimizer *const *optimizers, size_t count, double grad_scale, double max_norm,
    double *outNorm);

/* Writes zeros into every bound gradient of all optimizers. */
MUON_CHECK MUON_API muon_status muon_optimizers_zero_grad(
    muon_optimizer *const *optimizers, size_t count);

/* Sets the learning rate of all groups of all optimizers. */
MUON_CHECK MUON_API muon_status muon_optimizers_set_lr(
    muon_optimizer *const *optimizers, size_t count, double lr);

/* ---- Exchange ------------------------------------------------------------------------------- */

/* How the processes of a training run, the ranks, hear of each other. muon_mpi.h makes it of MPI:
 * docs/scale-out.md. The callbacks run on the thread that calls the library, in the same order on all
 * ranks. They return 0, or what the field success says; anything else is a failure, after which the exchange is
 * not used any more. They must not use the optimizer, and must return: no exception, no longjmp. */

/* Replaces each of count values by the highest that a rank has there. All ranks have as many. */
typedef int32_t (*muon_agree_callback)(void *context, int64_t *values, size_t count);
/* Begins to copy bytes (> 0) at data from the owner to the same place on all other ranks. Until finish
 * returns the memory stays valid, the owner only reads it, and the others leave it alone. All ranks have
 * as many bytes. */
typedef int32_t (*muon_share_callback)(void *context, int32_t owner, void *data, size_t bytes);
/* Returns when all that was shared is there. */
typedef int32_t (*muon_finish_callback)(void *context);
/* What the latest failure was, for the text of the error, valid until the next callback; or NULL. */
typedef const char *(*muon_describe_callback)(void *context);

typedef struct muon_exchange {
  size_t struct_size;
  void *context;                   /* passed to the callbacks. NULL */
  int32_t rank;                    /* this process's number, from 0. 0 */
  int32_t rank_count;              /* 1 to 65536. 1 */
  muon_agree_callback agree;       /* needed. NULL */
  muon_share_callback share;       /* needed. NULL */
  muon_finish_callback finish;     /* needed. NULL */
  muon_describe_callback describe; /* NULL: the text has the number that the callback returned. NULL */
  int32_t success;                 /* what callbacks return that have done their work: another number than 0
                                      where a runtime returns 0 for those that an interrupt has kept from
                                      it, as Python's ctypes does. 0 */
} muon_exchange;

/* Fills in an exchange with the defaults behind its fields. */
MUON_CHECK MUON_API muon_status muon_exchange_init(muon_exchange *outExchange, size_t struct_size);

/* From now on the ranks train together. Each has the same parameters, state and options, makes the same
 * calls in the same order and has equal gradients in each step. The result is to the bit that of one
 * process. A Muon gives each matrix to one rank, its owner, who orthogonalizes it and shares the result:
 * parameters, state and statistics are the same on all ranks after a step, and so any of them can save
 * a checkpoint, which is the one of one process. Of an AdamW all ranks make the whole step, or none does.
 *
 * All ranks make this call. It compares the version, the instructions, the parameters with their names,
 * shapes and values, the state and the options; so does the first step after parameters were added,
 * buffers were set or a checkpoint was loaded. In each step the ranks agree before any of them writes:
 * where NaN or another failure keeps one from the step no rank makes it, and all have the same status,
 * and the text of that rank. MUON_ERR_EXCHANGE names the first thing in which the ranks differ; then
 * nothing has changed. muon_optimizers_step asks the exchange of each optimizer of its list, and the
 * ranks of all of them must be the same.
 *
 * After a callback has failed, steps are MUON_ERR_EXCHANGE until the exchange is set again; and where it
 * failed once the ranks had begun to write, which the text says, until a checkpoint is loaded: what the
 * parameters of that call are is not known.
 *
 * The struct is copied. exchange may be NULL: this process trains alone again, as at first. Errors:
 * EXCHANGE, and then the optimizer keeps the exchange that it had. */
MUON_CHECK MUON_API muon_status muon_optimizer_set_exchange(
    muon_optimizer *optimizer, const muon_exchange *exchange);

/* The rank that works out the steps of a parameter. -1 where there is no one rank: without an exchange,
 * of an AdamW, and of a view whose matrices have several owners. The costs of matrices follow from their
 * shapes and the number of steps of the backend; the dearest matrix goes first, to the rank with the
 * least to do. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_owner(
    const muon_optimizer *optimizer, int64_t param, int32_t *outRank);

/* For trainers that divide the work themselves: what such an owner is chosen by. */

/* About how many floating-point operations a step takes to orthogonalize a parameter in a group; 0 for
 * an AdamW. The parameter need not have been added; what is read of it is as in
 * muon_optimizer_get_state_layout. Errors: as add_param. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_cost(
    const muon_optimizer *optimizer, int64_t group, const muon_param *param, int64_t *outOperations);

/* Who does which of count pieces of work with these costs (>= 0): the dearest goes first, to the rank
 * with the least to do; of equals the first piece, to the first rank. loads has what each of rank_count
 * ranks (1 to 65536) has to do besides (>= 0). Sums past 2^63 - 1 count as that. The same numbers give the
 * same owners in every process. */
MUON_CHECK MUON_API muon_status muon_plan_owners(
    const int64_t *costs, size_t count, const int64_t *loads, size_t rank_count, int32_t *outOwners,
    size_t capacity, size_t *outCount);

/* ---- Options -------------------------------------------------------------------------------- */

/* How a matrix G is replaced by an orthogonal one. All but SVD evaluate an odd polynomial. They
 * begin with X = G / (Frobenius norm of G + eps); each step is then
 *     A = X X^T,   X <- a X + (b A + c A^2) X
 * with the coefficients (a, b, c) of that step. X is transposed first if it has more rows than
 * columns. */
typedef enum muon_backend {
  MUON_BACKEND_NEWTONSCHULZ5 = 1,  /* Keller Jordan's polynomial of degree 5; Muon's default. 5 steps */
  MUON_BACKEND_SVD = 2,            /* the exact answer (polar factor), by LAPACK. Directions that cannot
                                      be told from rounding errors are left out: those below
                                      max(1e-6 sqrt(n), 1e-8 n) of the largest singular value, where n is
                                      the longer side. It has no steps. Only this needs OpenBLAS (libopenblas.so.0), which is
                                      loaded at the first use; MUON_ERR_UNSUPPORTED without it */
  MUON_BACKEND_POLAR_EXPRESS = 3,  /* arXiv 2505.16932. 5 steps */
  MUON_BACKEND_YOU = 4,            /* Jiacheng You's polynomials of degree 5. 5 steps */
  MUON_BACKEND_CANS = 5,           /* arXiv 2506.10935. All steps but the last are evaluated at x/1.01,
                                      because the published ones grow too fast just above 1 to allow
                                      rounding errors. 5 steps */
  MUON_BACKEND_DEEPSEEKV4 = 6,     /* 8 steps of NEWTONSCHULZ5, then 2 of (2, -1.5, 0.5) */
  MUON_BACKEND_CUBIC5 = 7,         /* arXiv 2606.00371, of degree 3. Always 5 steps */
  MUON_BACKEND_TURBO = 8,          /* arXiv 2512.04632, with its AOL scaling and the coefficients as its
                                      authors corrected them. eps has no effect. Always 4 steps */
  MUON_BACKEND_ORTHOGONALIZE = 9,  /* (3, -3.2, 1.2); the default of muon_orthogonalize. 10 steps */
  MUON_BACKEND_CUSTOM = 10         /* your own coefficients; the last row is repeated */
} muon_backend;

/* The coefficients of one step, of the polynomial a x + b x^3 + c x^5. */
typedef struct muon_coefficients {
  double a, b, c;
} muon_coefficients;

/* What operands of the matrix products are rounded to; sums and storage are float32 in all.
 * MUON_ERR_UNSUPPORTED where the processor has no such products: BF16 needs AVX512-BF16, INT16 AVX2, INT8
 * VNNI. */
typedef enum muon_precision {
  MUON_PRECISION_AUTO = 0, /* INT16 where that is faster and the matrix is not tiny; else F32; F32 for
                              CUSTOM */
  MUON_PRECISION_F32 = 1,
  MUON_PRECISION_BF16 = 2, /* bfloat16. MUON_ERR_UNSUPPORTED also for POLAR_EXPRESS, CANS and CUSTOM,
                              because it takes, or may take, them too far from their polynomials */
  MUON_PRECISION_INT16 = 3, /* 16-bit integers in block floating point, with a seventh of bfloat16's
                              error as a rule: as fast as that with VNNI; with AVX2 alone 1.5 times as
                              fast as F32 on most processors */
  MUON_PRECISION_INT8 = 4  /* 8-bit integers, else the same: twice as fast as with VNNI. The error is about that of
                              an iteration that stores bfloat16, but larger for a matrix of low rank.
                              MUON_ERR_UNSUPPORTED for more than 5 steps of POLAR_EXPRESS, CANS and
                              CUSTOM, which may take it to infinity */
} muon_precision;

/* How the polynomial of a backend is evaluated. The function is the same; the cost and the
 * rounding differ. It makes no difference for a matrix with one row or one column.
 * MUON_BACKEND_SVD has no polynomial: it takes AUTO and STANDARD, which change nothing. */
typedef enum muon_newton_schulz_method {
  /* The cheaper one for this shape, backend and processor; GRAM only for long matrices, and only
   * where it needs no more memory than STANDARD may. */
  MUON_NEWTON_SCHULZ_METHOD_AUTO = 0,
  /* Every step multiplies the matrix itself. */
  MUON_NEWTON_SCHULZ_METHOD_STANDARD = 1,
  /* The steps multiply the small matrix X X^T (the Gram matrix). It may need more memory: see
   * muon_optimizer_get_scratch_bytes. It squares the condition number, so it is offered only where
   * results are known to stay close to the polynomial: with NEWTONSCHULZ5, POLAR_EXPRESS, YOU, CANS
   * and CUBIC5, up to 5 steps, not in BF16 or INT8. Anything else is MUON_ERR_UNSUPPORTED. In F32 they
   * stay within 1e-3 (NEWTONSCHULZ5 and YOU: 2e-4, CUBIC5: 3e-2) for matrices of rank 1 with a short
   * side up to 1024, and closer for others; in INT16 as a rule no further off than that or an
   * iteration that stores bfloat16. */
  MUON_NEWTON_SCHULZ_METHOD_GRAM = 2
} muon_newton_schulz_method;

/* How the momentum m takes in the gradient g, and what Nesterov makes of it, u; b is the option
 * momentum. */
typedef enum muon_momentum_style {
  MUON_MOMENTUM_STYLE_CLASSIC = 1, /* m <- b m + g         ; with Nesterov u = g + b m */
  MUON_MOMENTUM_STYLE_EMA = 2      /* m <- b m + (1 - b) g ; with Nesterov u = (1 - b) g + b m */
} muon_momentum_style;

/* The factor s on the update of a parameter with r rows and c columns. */
typedef enum muon_shape_scale {
  MUON_SHAPE_SCALE_NONE = 0,            /* 1 */
  MUON_SHAPE_SCALE_ORIGINAL = 1,        /* sqrt(max(1, r/c)) */
  MUON_SHAPE_SCALE_MATCH_RMS_ADAMW = 2, /* 0.2 sqrt(max(r, c)) */
  MUON_SHAPE_SCALE_SPECTRAL = 3         /* sqrt(r/c) */
} muon_shape_scale;

/* NorMuon (arXiv 2510.05491): lines of O are brought nearer to each other in size before p is moved along
 * it, by a running mean v of their squares, which starts at 0. For line i, with q_i the mean of the
 * squares of its elements:
 *     v_i <- beta2 v_i + (1 - beta2) q_i,   d_i = 1 / (sqrt(v_i) + 1e-10),   O_ij <- f d_i O_ij
 * where f is such that O keeps its Frobenius norm. v is the state "second_momentum". */
typedef enum muon_second_moment {
  MUON_SECOND_MOMENT_NONE = 0,        /* O as it is */
  MUON_SECOND_MOMENT_NORMUON = 1,     /* lines are the r rows: v has the shape (r, 1) */
  MUON_SECOND_MOMENT_NORMUON_LONG = 2 /* the same if r >= c; else the c columns: v has the shape (1, c) */
} muon_second_moment;

/* Muon. With the gradient g and the momentum m of a matrix p (m starts at 0):
 *     m <- momentum m + g,   u = g + momentum m with Nesterov, else m   (see momentum_style)
 *     O = orthogonalize(u)
 *     p <- p (1 - lr weight_decay) - lr s e O           (s: see shape_scale; e: update_scale)
 * Gradients and momenta below 1.2e-38 count as 0 if eps is at least 1e-15. */
typedef struct muon_muon_options {
  size_t struct_size;
  double lr;                             /* finite, >= 0. 0.02 */
  double momentum;                       /* [0, 1). 0.95 */
  double weight_decay;                   /* finite, >= 0. 0 */
  double eps;                            /* as in orthogonalize. 1e-7 */
  int32_t nesterov;                      /* 0 or 1. 1 */
  muon_momentum_style momentum_style;    /* MUON_MOMENTUM_STYLE_CLASSIC */
  muon_shape_scale shape_scale;          /* MUON_SHAPE_SCALE_NONE */
  muon_backend backend;                  /* MUON_BACKEND_NEWTONSCHULZ5 */
  int32_t backend_steps;                 /* 1 to 99, or 0: the backend's own number, here 5. 0 */
  muon_precision precision;              /* MUON_PRECISION_AUTO */
  const muon_coefficients *coefficients; /* MUON_BACKEND_CUSTOM only: 1 to 99 rows. NULL */
  size_t coefficients_count;             /* 0 */
  muon_newton_schulz_method method;      /* MUON_NEWTON_SCHULZ_METHOD_AUTO */
  double update_scale;                   /* another factor on the update; finite, > 0. 1 */
  int32_t cautious_weight_decay;         /* 0 or 1: elements of p whose sign is the opposite of that of
                                            O are not decayed (arXiv 2510.12402). 0 */
  muon_second_moment second_moment;      /* MUON_SECOND_MOMENT_NONE */
  double beta2;                          /* of second_moment; [0, 1). 0.95 */
  int32_t hyperball;                     /* 0 or 1: p keeps the Frobenius norm R it has in its first step, the
                                            state "radius" of shape (1, 1):
                                                w = p - lr R O/||O||,   p <- R w/||w||
                                            s and e cancel. weight_decay must be 0, and
                                            cautious_weight_decay too. A p that is zero is
                                            MUON_ERR_INVALID_ARGUMENT in its first step. 0 */
} muon_muon_options;

/* AdamW (arXiv 1711.05101), as torch.optim.AdamW computes it. At step t of a parameter p, from 1:
 *     p <- p (1 - lr weight_decay)
 *     m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr/(1 - beta1^t) m / (sqrt(v)/sqrt(1 - beta2^t) + eps)
 * m and v are float32: a g^2 below 1e-45 is 0. Numbers below 1.2e-38 count as 0 if that changes the
 * update by less than a millionth of it, or by less than 1e-18 lr. That is so if eps is at least
 * 1.2e-9, or with beta2 = 0.999 at least 6.3e-12. */
typedef struct muon_adamw_options {
  size_t struct_size;
  double lr;           /* finite, >= 0. 1e-3 */
  double beta1;        /* [0, 1). 0.9 */
  double beta2;        /* [0, 1). 0.999 */
  double eps;          /* finite, >= 0. 1e-8 */
  double weight_decay; /* finite, >= 0. 0.01 */
  int32_t cautious_weight_decay; /* 0 or 1: elements of p whose sign is the opposite of that of the new
                                    m are not decayed (arXiv 2510.12402). 0 */
} muon_adamw_options;

/* In these ranges a number counts as float32 has it: 1e39 is not finite, and 0.99999999999 is 1. */
MUON_CHECK MUON_API muon_status muon_muon_options_init(
    muon_muon_options *outOptions, size_t struct_size);
MUON_CHECK MUON_API muon_status muon_adamw_options_init(
    muon_adamw_options *outOptions, size_t struct_size);

/* Adds a group that has options of its own, with count parameters, which may be 0. All are
 * added, or none. Groups are numbered from 0, in the order in which they were added. options may
 * be NULL. Errors: as create and add_param. */
MUON_CHECK MUON_API muon_status muon_optimizer_add_muon_group(
    muon_optimizer *optimizer, const muon_muon_options *options, const muon_param *params,
    size_t count, int64_t *outGroup);
MUON_CHECK MUON_API muon_status muon_optimizer_add_adamw_group(
    muon_optimizer *optimizer, const muon_adamw_options *options, const muon_param *params,
    size_t count, int64_t *outGroup);

/* The options of a group. The setters take effect with the next step. State that only the new options
 * need begins with zeros; state that only the old ones needed is dropped. A getter needs struct_size
 * to be set (by ..._init). It returns coefficients as NULL, with their count: get the rows from
 * the function below. A setter with MUON_BACKEND_CUSTOM and coefficients NULL keeps the rows
 * that the group has. Errors: UNSUPPORTED as in create. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_muon_options(
    const muon_optimizer *optimizer, int64_t group, muon_muon_options *outOptions);
MUON_CHECK MUON_API muon_status muon_optimizer_set_muon_options(
    muon_optimizer *optimizer, int64_t group, const muon_muon_options *options);
MUON_CHECK MUON_API muon_status muon_optimizer_get_adamw_options(
    const muon_optimizer *optimizer, int64_t group, muon_adamw_options *outOptions);
MUON_CHECK MUON_API muon_status muon_optimizer_set_adamw_options(
    muon_optimizer *optimizer, int64_t group, const muon_adamw_options *options);

/* The coefficients of a group of a Muon, a row a step: those in use, or with MUON_BACKEND_CUSTOM
 * all that you gave. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_coefficients(
    const muon_optimizer *optimizer, int64_t group, muon_coefficients *outCoefficients,
    size_t capacity, size_t *outCount);

/* The learning rate alone, for either kind. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_lr(
    const muon_optimizer *optimizer, int64_t group, double *outLr);
MUON_CHECK MUON_API muon_status muon_optimizer_set_lr(
    muon_optimizer *optimizer, int64_t group, double lr);

/* The rate that schedules multiply: the group's lr at the moment its first scheduler was made,
 * or what you set here. NaN means that there is none yet; setting NaN forgets it. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_initial_lr(
    const muon_optimizer *optimizer, int64_t group, double *outLr);
MUON_CHECK MUON_API muon_status muon_optimizer_set_initial_lr(
    muon_optimizer *optimizer, int64_t group, double lr);

/* The same of any option that schedules drive: see muon_scheduler_create_for_option. To go on from state of
 * your own set it before a scheduler is made, or is set to a step. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_initial_value(
    const muon_optimizer *optimizer, int64_t group, const char *option, double *outValue);
MUON_CHECK MUON_API muon_status muon_optimizer_set_initial_value(
    muon_optimizer *optimizer, int64_t group, const char *option, double value);

/* What the next step multiplies gradients by, in float32, before all else: finite, >= 0; below 1.2e-38
 * it may count as 0. It is for one step: when that was made, or skipped or refused for NaN or infinity,
 * it is 1 again. After another error the step can be tried again with it.
 * muon_optimizer_step_param does not use it. Statistics measure the gradient as it is bound.
 * Checkpoints do not have it: save after a step. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_grad_scale(
    const muon_optimizer *optimizer, double *outScale);
MUON_CHECK MUON_API muon_status muon_optimizer_set_grad_scale(
    muon_optimizer *optimizer, double scale);

/* What step does about NaN or infinity in a gradient, or in the state that the gradient would lead to
 * (Muon's m or u, or AdamW's g^2, above 3.4e38). The same holds for state that is not finite before
 * the step, and for an "exp_avg_sq" or a "second_momentum" below 0, whose root is NaN: what was given,
 * bound, set or loaded is checked at the next step, but not what you write into your own memory after
 * that. Parameters are not checked: too large an lr, or AdamW with eps 0 where v is 0, can leave
 * infinity or NaN in them. */
typedef enum muon_nonfinite_policy {
  MUON_NONFINITE_POLICY_ERROR = 0,    /* MUON_ERR_NONFINITE_GRADIENT, and nothing has changed. Default */
  MUON_NONFINITE_POLICY_SKIP = 1,     /* MUON_OK; only the count of skipped steps has changed */
  MUON_NONFINITE_POLICY_PROPAGATE = 2 /* step all the same: the parameter becomes NaN */
} muon_nonfinite_policy;

MUON_CHECK MUON_API muon_status muon_optimizer_get_nonfinite_policy(
    const muon_optimizer *optimizer, muon_nonfinite_policy *outPolicy);
MUON_CHECK MUON_API muon_status muon_optimizer_set_nonfinite_policy(
    muon_optimizer *optimizer, muon_nonfinite_policy policy);
/* How many steps MUON_NONFINITE_POLICY_SKIP has left out. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_skipped_steps(
    const muon_optimizer *optimizer, int64_t *outCount);

/* ---- State ---------------------------------------------------------------------------------- */

/* The contents of a buffer, copied out or in, as float32 whatever its type is: what is set is rounded to
 * nearest even, and a "remainder" is a whole number. Setting takes as many values as the buffer has. A
 * buffer that the optimizer does not have, such as "exp_avg" of a Muon, or a gradient that is
 * not bound, is MUON_ERR_INVALID_ARGUMENT. Errors: SHAPE for another number of values. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, float *outValues,
    size_t capacity, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_set_buffer(
    muon_optimizer *optimizer, int64_t param, const char *buffer, const float *values,
    size_t count);

/* How many steps a parameter has made: the t of AdamW. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_steps(
    const muon_optimizer *optimizer, int64_t param, int64_t *outSteps);
MUON_CHECK MUON_API muon_status muon_optimizer_set_param_steps(
    muon_optimizer *optimizer, int64_t param, int64_t steps);

/* The extents of a buffer, at most 8, and its element type. The gradient need not be bound. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer_shape(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, int64_t *outExtents,
    size_t capacity, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer_dtype(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, muon_dtype *outDtype);

/* The names of the state buffers of a parameter, valid until the process ends. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_buffers(
    const muon_optimizer *optimizer, int64_t param, const char **outNames, size_t capacity,
    size_t *outCount);

/* A state buffer that an optimizer keeps for a parameter. Texts are valid until the process
 * ends. */
typedef struct muon_state_layout {
  const char *name;
  const char *torch_key; /* its key in the state dicts of torch.optim */
  muon_dtype dtype;
  int32_t ndim;
  int64_t shape[8];      /* ndim extents; the others are 0 */
} muon_state_layout;

/* The state that an optimizer would keep for a parameter in a group. The parameter need not have
 * been added; only its name, dtype, ndim, shape, view, state_dtype and master are read. Errors: as
 * add_param. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_layout(
    const muon_optimizer *optimizer, int64_t group, const muon_param *param,
    muon_state_layout *outLayouts, size_t capacity, size_t *outCount);

/* How many bytes the state of all parameters has, in the library's memory and in yours. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_bytes(
    const muon_optimizer *optimizer, size_t *outBytes);

/* How many bytes steps use beside parameters, gradients and state; 0 before the first step.
 * After that, steps with the same parameters, options and number of threads allocate nothing,
 * except with MUON_BACKEND_SVD and with an exchange. It is at most 4 times the largest matrix, and with
 * MUON_NEWTON_SCHULZ_METHOD_GRAM at most 6 times, where each side of the matrix is rounded up,
 * by 31 at most; and one matrix more for each of these: a parameter of 16 bits without a float32
 * master, and a momentum in BF16. AdamW needs 512 KiB where not all is float32. With SVD LAPACK
 * decides. Each thread may have so much for the largest matrix of at most 2^20 elements; those of more
 * are processed one at a time, by all threads in the same memory. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_scratch_bytes(
    const muon_optimizer *optimizer, size_t *outBytes);

/* ---- Schedules ------------------------------------------------------------------------------ */

/* A schedule says what the learning rate is at each step, from a base rate. Steps are numbered
 * from 0. The numbers are those of torch.optim.lr_scheduler, except where torch's constructors
 * interfere with each other: at step 0 of some combined schedules, and at all steps of a sequence
 * whose first part is a sequence or chain with a cosine. Arguments that are steps or
 * lengths are >= 0, or >= 1 where it says so, and at most 2^53. Schedules may be combined up to
 * 16 deep, and of 4096 in all. */
typedef struct muon_schedule muon_schedule;

/* A factor that goes in a straight line from start_factor (above 0, at most 1) at step 0 to
 * end_factor (0 to 1) at step total_iters (>= 1), and then stays. */
MUON_CHECK MUON_API muon_status muon_schedule_create_linear(
    double start_factor, double end_factor, int64_t total_iters, muon_schedule **outSchedule);
/* A factor (0 to 1) until step total_iters (>= 1); then 1. */
MUON_CHECK MUON_API muon_status muon_schedule_create_constant(
    double factor, int64_t total_iters, muon_schedule **outSchedule);
/* The rate eta_min + (base - eta_min)(1 + cos(pi step/t_max))/2, with t_max >= 1. After t_max it
 * rises again. */
MUON_CHECK MUON_API muon_status muon_schedule_create_cosine(
    int64_t t_max, double eta_min, muon_schedule **outSchedule);
/* Warmup, stable, decay. The factor goes in a straight line from start_factor (0 to 1) to 1 at
 * step warmup_steps, is 1 until total_steps - decay_steps, and goes in a straight line to
 * end_factor (0 to 1) at total_steps (>= 1), where it stays. warmup_steps + decay_steps <=
 * total_steps; either may be 0. */
MUON_CHECK MUON_API muon_status muon_schedule_create_trapezoid(
    int64_t warmup_steps, int64_t decay_steps, int64_t total_steps, double start_factor,
    double end_factor, muon_schedule **outSchedule);
/* One after the other: schedules[0] until step milestones[0], schedules[1] until milestones[1],
 * and so on. Each begins at its own step 0. count >= 1, milestone_count = count - 1; milestones
 * increase, and the first is >= 1. */
MUON_CHECK MUON_API muon_status muon_schedule_create_sequential(
    const muon_schedule *const *schedules, size_t count, const int64_t *milestones,
    size_t milestone_count, muon_schedule **outSchedule);
/* All at once: each changes the rate that the ones before it gave, in torch's form from one step
 * to the next. count >= 1. A factor that rises from 0 cannot be chained. A chain is computed
 * step by step, and only up to step 10^8. */
MUON_CHECK MUON_API muon_status muon_schedule_create_chained(
    const muon_schedule *const *schedules, size_t count, muon_schedule **outSchedule);

/* The rate at a step. base_lr is finite and >= 0. */
MUON_CHECK MUON_API muon_status muon_schedule_get_rate(
    const muon_schedule *schedule, double base_lr, int64_t step, double *outRate);

/* Schedules and schedulers that were made from it go on: they have copies. */
MUON_API muon_status muon_schedule_destroy(muon_schedule *schedule);

/* A scheduler applies a schedule to all groups of its optimizers. */
typedef struct muon_scheduler muon_scheduler;

/* Sets the rates of step 0 at once. count is 1 to 256; no optimizer may be in the list twice. The
 * optimizers may be destroyed before the scheduler. */
MUON_CHECK MUON_API muon_status muon_scheduler_create(
    const muon_schedule *schedule, muon_optimizer *const *optimizers, size_t count,
    muon_scheduler **outScheduler);

/* The same for another option: "momentum" (of a Muon; of an AdamW it is MUON_ERR_INVALID_ARGUMENT),
 * "weight_decay", or "lr" as above. The schedule gives values of the option in place of rates, from a
 * base that is the group's value when its first scheduler for this option was made; checkpoints have
 * it. A value must be one that the option can have. With MUON_MOMENTUM_STYLE_CLASSIC a momentum that
 * changes also changes how large the buffer becomes: MUON_MOMENTUM_STYLE_EMA is the one to schedule.
 * Warm the momentum up from 0.85 to 0.95 over 300 steps, and down over the last 50:
 *     muon_schedule_create_trapezoid(300, 50, total, 0.85 / 0.95, 0.85 / 0.95, &schedule) */
MUON_CHECK MUON_API muon_status muon_scheduler_create_for_option(
    const muon_schedule *schedule, const char *option, muon_optimizer *const *optimizers,
    size_t count, muon_scheduler **outScheduler);

/* Goes to the next step and sets its rates. Call it after muon_optimizer_step. */
MUON_CHECK MUON_API muon_status muon_scheduler_step(muon_scheduler *scheduler);

/* The step it is at, which is all the state it has. Setting it also sets the rates of that step. */
MUON_CHECK MUON_API muon_status muon_scheduler_get_step(
    const muon_scheduler *scheduler, int64_t *outStep);
MUON_CHECK MUON_API muon_status muon_scheduler_set_step(muon_scheduler *scheduler, int64_t step);

/* The rates that were set last: one for each group, optimizer by optimizer. */
MUON_CHECK MUON_API muon_status muon_scheduler_get_last_lr(
    const muon_scheduler *scheduler, double *outRates, size_t capacity, size_t *outCount);

MUON_API muon_status muon_scheduler_destroy(muon_scheduler *scheduler);

/* ---- Builders ------------------------------------------------------------------------------- */

/* A configuration is JSON text in UTF-8 that ends with a NUL. Unknown keys are ignored, except
 * inside "muon", "adamw" and "rules", where they are errors. null is the same as an absent key. These are
 * errors anywhere: a key that is in an object twice or has a NUL in it, a number too large or too
 * small for a double, and nesting deeper than 64.
 *   training.optimizer      "Muon" or "AdamW"; required
 *   training.learning_rate  number; required
 *   training.weight_decay   number; 0
 *   training.n_epochs       whole number >= 1; required by build_schedulers
 *   training.warmup_steps   whole number >= 0; 0
 *   training.lr_schedule    "linear" (factor 1 to 1e-5), "cosine"; any other text: no decay
 *   training.momentum_schedule      of every Muon's momentum; no schedule
 *   training.weight_decay_schedule  of every weight_decay; no schedule. Of both: "linear", "cosine", as
 *                           above, or an object with the keys warmup_steps, decay_steps, start_factor and
 *                           end_factor, each 0 otherwise: see muon_schedule_create_trapezoid. They last for
 *                           all steps of the training, without the warmup of the rates
 *   muon.*                  lr, momentum, nesterov, momentum_style, weight_decay, eps, backend,
 *                           backend_steps, coefficients, shape_scale, precision, method,
 *                           update_scale, cautious_weight_decay, second_moment, beta2,
 *                           hyperball
 *   adamw.*                 lr, betas, eps, weight_decay, cautious_weight_decay
 *   rules[].match           a pattern of names, as fnmatch has it: * is any text, ? one character, [a-z]
 *                           one of these, [!a-z] one of the others; letters count as they are. Required
 *   rules[].optimizer       "muon" or "adamw"; otherwise as without the rule, where a view counts
 *   rules[].options         keys as in the section of that optimizer, over what that says
 *   rules[].view            an object with the keys axes, shape, and split, which has the keys axis and
 *                           sizes: see muon_view. It takes the place of the parameter's own
 * The two sections are optional. For their optimizer they override what training says. Values of
 * enums are called by their names (see Names): "newtonschulz5", "ema", "original". The first rule that
 * matches the name of a parameter is the one that counts; what none matches goes by its shape. */

/* Why a parameter goes where it goes. */
typedef enum muon_route_reason {
  MUON_ROUTE_REASON_MATRIX = 1,       /* Muon: ndim is 2 */
  MUON_ROUTE_REASON_NOT_MATRIX = 2,   /* AdamW: ndim is not 2, and there is no view */
  MUON_ROUTE_REASON_ADAMW_ONLY = 3,   /* AdamW: training.optimizer is "AdamW" */
  MUON_ROUTE_REASON_FROZEN = 4,       /* none: it does not require a gradient */
  MUON_ROUTE_REASON_NOT_FLOAT = 5,    /* none: it is not floating point */
  MUON_ROUTE_REASON_VIEW = 6,         /* Muon: it has a view */
  MUON_ROUTE_REASON_RULE = 7          /* either: a rule says so; muon_config_match_rules says which */
} muon_route_reason;

/* Where a parameter goes, and why. */
typedef struct muon_route {
  muon_optimizer_kind optimizer;
  muon_route_reason reason;
} muon_route;

/* The reason in words; "unknown" for a number that is no reason. Never NULL. */
MUON_API const char *muon_route_reason_text(muon_route_reason reason);

/* Where muon_config_build_optimizers sends each of count parameters, and why. Only dtype,
 * requires_grad and ndim of a parameter are read, whether it has a view, and, where there are rules,
 * its name. Errors: CONFIG. */
MUON_CHECK MUON_API muon_status muon_config_route_params(
    const char *config, const muon_param *params, size_t count, muon_route *outRoutes,
    size_t capacity, size_t *outCount);

/* The number of the rule that each of count parameters follows, from 0, or -1; one without a name is
 * "param" and its number in params. Errors: CONFIG. */
MUON_CHECK MUON_API muon_status muon_config_match_rules(
    const char *config, const muon_param *params, size_t count, int64_t *outRules,
    size_t capacity, size_t *outCount);

/* Creates the optimizers that the configuration asks for, with the parameters that
 * muon_config_route_params sends to them: a Muon, an AdamW, or both in that order. One without
 * parameters is not created. Parameters with the same options are one group; groups are in the order of
 * their first parameters, and in each parameters keep their order. AdamW has betas (0.9, 0.95). The log
 * is told of rules that no parameter follows, and of parameters that no rule is for and whose names or
 * shapes look as if they belonged to the other optimizer.
 * If the capacity is too small, nothing is created: with a capacity of 0 only *outCount is written,
 * and any other is MUON_ERR_INVALID_ARGUMENT. For this version 2 is enough.
 * Errors: CONFIG; SHAPE, DTYPE and UNSUPPORTED as in add_param. */
MUON_CHECK MUON_API muon_status muon_config_build_optimizers(
    const char *config, const muon_param *params, size_t count, muon_optimizer **outOptimizers,
    size_t capacity, size_t *outCount);

/* Creates one scheduler for each of count optimizers, in their order, then one for the momentum of each
 * Muon and one for the weight decay of each optimizer, where there are schedules of them: all over
 * n_epochs * batches_per_epoch steps (>= 1 each). If warmup_steps > 0, the factor first rises in a straight line from 1e-5 to 1.
 * After the warmup the schedule begins and lasts for all of those steps. Without warmup and
 * schedule the rates stay as they are. A capacity that is too small is treated as above. Errors:
 * CONFIG. */
MUON_CHECK MUON_API muon_status muon_config_build_schedulers(
    const char *config, muon_optimizer *const *optimizers, size_t count, int64_t batches_per_epoch,
    muon_scheduler **outSchedulers, size_t capacity, size_t *outCount);

/* ---- Checkpoints ---------------------------------------------------------------------------- */

/* A checkpoint holds a training run. After loading it training continues as if it had never
 * stopped, bit for bit. In it are the parameters, their state and steps, the options and rates of
 * the groups, the counts of skipped steps, and the steps of the schedulers. It is a safetensors
 * file; for example, the momentum of the parameter "w" of the first optimizer is the tensor
 * optimizers.0.momentum.w. A checksum covers every byte of it.
 *
 * A run has 1 to 256 optimizers and up to 256 schedulers, which drive no other optimizers. They are
 * matched by their order, parameters by their names, which must differ within an optimizer.
 * Schedules are not loaded, only compared: create the schedulers as before.
 *
 * Loading checks everything before it changes anything. It needs as much memory as the checkpoint
 * is large, at most 64 MiB more, and about 1 KiB more for each parameter. Its errors are:
 *   MUON_ERR_CORRUPT       damaged, or no checkpoint
 *   MUON_ERR_MISMATCH      from another run; the text has the first difference
 *   MUON_ERR_UNSUPPORTED   in a later format */

/* Called at least every 4 MiB, with the bytes done so far and all bytes there are. If it returns
 * anything but 0 the call ends with MUON_ERR_CANCELLED, and nothing has changed. It must not use
 * the optimizers and schedulers of the call. */
typedef int32_t (*muon_progress_callback)(uint64_t done, uint64_t total, void *context);

typedef struct muon_checkpoint_options {
  size_t struct_size;
  int32_t include_data;            /* save and load the parameters themselves too. 1 */
  int32_t allow_missing;           /* loading: parameters, groups, optimizers and schedulers that the
                                      checkpoint does not have stay as they are. 0 */
  int32_t allow_extra;             /* loading: ignore those that this run does not have. 0 */
  muon_progress_callback progress; /* NULL: none. NULL */
  void *progress_context;          /* passed to progress. NULL */
  int32_t allow_rewritten;         /* loading: also one that another program of safetensors has rewritten,
                                      with its metadata. Damage of its header can then not be told; the
                                      checksums of tensors are checked where they are still there. 0 */
} muon_checkpoint_options;

MUON_CHECK MUON_API muon_status muon_checkpoint_options_init(
    muon_checkpoint_options *outOptions, size_t struct_size);

/* Saves to a file; path is UTF-8. The file is always complete: a new file is written beside the old
 * one, flushed to the disk, and renamed to path; then the folder is flushed. After MUON_ERR_IO the
 * old file is as it was, unless only the last of these failed, which the text says. A symbolic link
 * is replaced, not followed. The new file has the owner, group, mode and access control list of the
 * one that it replaces; if this process cannot set one of them, fewer may use it, never more. If
 * the process is killed during the call, a file stays behind whose name is the name of the file,
 * then ".tmp-" and more. (Of a name of over 200 bytes it has only the beginning.)
 *
 * A run that load would refuse is not saved (MUON_ERR_UNSUPPORTED), and the file stays as it was:
 * names of more than 1 MiB, each with the prefix that the format adds; more than 2^18 tensors or
 * 2^20 keys (up to 13 for a group, up to 9 for a parameter), or 100 MB of both; steps past 2^53.
 * Both may be NULL: options, and schedulers with scheduler_count 0.
 * Errors: IO, UNSUPPORTED, CANCELLED. */
MUON_CHECK MUON_API muon_status muon_checkpoint_save(
    const char *path, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

/* Loads from a file. Errors: IO, CORRUPT, MISMATCH, UNSUPPORTED, CANCELLED. */
MUON_CHECK MUON_API muon_status muon_checkpoint_load(
    const char *path, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

/* The same to memory, which must not belong to a parameter. *outSize becomes the size of the
 * checkpoint in bytes. With a capacity of 0, outBytes may be NULL and only *outSize is written:
 * so ask first. A capacity that is too small is MUON_ERR_INVALID_ARGUMENT. After CANCELLED a
 * part of outBytes is written. Errors: UNSUPPORTED, CANCELLED. */
MUON_CHECK MUON_API muon_status muon_checkpoint_save_memory(
    muon_optimizer *const *optimizers, size_t optimizer_count, muon_scheduler *const *schedulers,
    size_t scheduler_count, const muon_checkpoint_options *options, void *outBytes, size_t capacity,
    size_t *outSize);

/* The same from memory, which must not belong to a parameter.
 * Errors: CORRUPT, MISMATCH, UNSUPPORTED, CANCELLED. */
MUON_CHECK MUON_API muon_status muon_checkpoint_load_memory(
    const void *data, size_t size, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

/* ---- Log ------------------------------------------------------------------------------------ */

/* How much a message matters; each level includes the ones before it. */
typedef enum muon_log_level {
  MUON_LOG_LEVEL_ERROR = 1,   /* a call failed for a reason that you could not foresee: the SVD did not
                                 converge */
  MUON_LOG_LEVEL_WARNING = 2, /* a step was skipped; a setting in the environment was ignored; a builder's rule
                                 says nothing, or a parameter seems to go to the wrong optimizer; or something
                                 is slower than it could be, such as a step with fewer threads than asked
                                 for, or an OpenBLAS that uses the kernels of a much older processor */
  MUON_LOG_LEVEL_INFO = 3     /* the text of muon_build_info, once */
} muon_log_level;

/* message is one line of UTF-8, valid during the call. The callback must return: no exception, no
 * longjmp. */
typedef void (*muon_log_callback)(muon_log_level level, const char *message, void *context);

/* Sets the callback that gets messages up to a level, for the whole process; NULL, the default, for
 * none, and then level and context are not read. The library itself never prints.
 *
 * The callback runs on the thread whose call caused the message, just before that call returns. If
 * several threads make calls, it may run on several at once. The library holds no lock meanwhile,
 * so it may call the library, also with the same handle; messages that this causes are dropped.
 * After a callback was set, the first optimizer or orthogonalization tells it how the library runs
 * and what is wrong with that.
 *
 * When this function returns, the previous callback is not running on any other thread and is
 * never called again, so you may free its context. Therefore do not hold a lock here that the
 * callback waits for. Called from inside a callback, this function does not wait. */
MUON_CHECK MUON_API muon_status muon_set_log_callback(
    muon_log_level level, muon_log_callback callback, void *context);

/* ---- Orthogonalization ---------------------------------------------------------------------- */

/* The options of muon_orthogonalize. */
typedef struct muon_orthogonalize_options {
  size_t struct_size;
  muon_backend backend;                  /* MUON_BACKEND_ORTHOGONALIZE */
  int32_t backend_steps;                 /* 1 to 99, or 0: the backend's own number. 0 */
  double eps;                            /* added to the Frobenius norm; finite, >= 0. 1e-8 */
  muon_precision precision;              /* MUON_PRECISION_F32 */
  const muon_coefficients *coefficients; /* for MUON_BACKEND_CUSTOM only: 1 to 99 rows. NULL */
  size_t coefficients_count;             /* 0 */
  muon_newton_schulz_method method;      /* MUON_NEWTON_SCHULZ_METHOD_AUTO */
} muon_orthogonalize_options;

MUON_CHECK MUON_API muon_status muon_orthogonalize_options_init(
    muon_orthogonalize_options *outOptions, size_t struct_size);

/* Writes the orthogonal matrix nearest to the rows x cols matrix g: approximately U V^T, where g =
 * U S V^T is its singular value decomposition. Both buffers are row-major with rows*cols elements.
 * outMatrix may be g itself, but must not overlap it otherwise. A matrix of zeros gives zeros; NaN
 * or infinity is MUON_ERR_INVALID_ARGUMENT. Elements of g below 1e-26 of (its norm + eps) may count
 * as 0, and results below 1.2e-38 are 0. options may be NULL: the defaults.
 * Errors: SHAPE; UNSUPPORTED for options that do not go together or that this processor cannot
 * do, and for a matrix that is too large for the backend; NOT_CONVERGED with MUON_BACKEND_SVD. */
MUON_CHECK MUON_API muon_status muon_orthogonalize(
    const float *g, size_t g_count, int64_t rows, int64_t cols,
    const muon_orthogonalize_options *options, float *outMatrix, size_t out_count);

/* The same for batch (>= 0) matrices of one shape, one after the other: all of them, or none. Each is
 * the same to the bit as by itself; those of up to 2^20 elements are computed side by side, each on a
 * thread, as far as that keeps all threads busy. Both buffers have batch*rows*cols elements. The text
 * of an error says which matrix has NaN or infinity, from 0. Errors: as muon_orthogonalize. */
MUON_CHECK MUON_API muon_status muon_orthogonalize_batch(
    const float *g, size_t g_count, int64_t batch, int64_t rows, int64_t cols,
    const muon_orthogonalize_options *options, float *outMatrices, size_t out_count);

/* The coefficients that a backend uses for a number of steps (0: its own number), a row a step.
 * MUON_BACKEND_SVD has 0 rows; MUON_BACKEND_CUSTOM is MUON_ERR_INVALID_ARGUMENT. */
MUON_CHECK MUON_API muon_status muon_backend_get_coefficients(
    muon_backend backend, int32_t backend_steps, muon_coefficients *outCoefficients,
    size_t capacity, size_t *outCount);

/* The factor s of a shape scale on the update of a matrix of rows x cols, each at least 1: what a
 * step of Muon uses. For those who make steps of their own with muon_orthogonalize. Errors: SHAPE. */
MUON_CHECK MUON_API muon_status muon_shape_scale_get_factor(
    muon_shape_scale scale, int64_t rows, int64_t cols, double *outFactor);

/* ---- Statistics ----------------------------------------------------------------------------- */

/* What the steps of an optimizer measure; each level includes the ones before it. Measuring
 * changes no result: parameters and state are the same to the bit. */
typedef enum muon_statistics_level {
  MUON_STATISTICS_LEVEL_NONE = 0,         /* nothing, at no cost. Default */
  MUON_STATISTICS_LEVEL_BASIC = 1,        /* all but orthogonality_error. Costs two passes over parameters
                                             and gradients. Memory for each thread: Muon, a copy of the
                                             largest matrix; AdamW, 256 KiB */
  MUON_STATISTICS_LEVEL_ORTHOGONALITY = 2 /* Muon: orthogonality_error too. It costs the last product of a
                                             step a second time, the product O O^T, and up to three
                                             matrices more for each thread. AdamW: as BASIC */
} muon_statistics_level;

/* What one step did to a parameter p of n elements with the gradient g. Sums are in float64, and
 * do not depend on the number of threads. */
typedef struct muon_param_statistics {
  size_t struct_size;
  int64_t step;               /* which step of the parameter was measured, from 1. 0: none was */
  double grad_norm;           /* the square root of the sum of the squares of g */
  double update_rms;          /* the root mean square of the change of an element in float32, without weight decay:
                                 ||p' - (1 - lr weight_decay) p|| / sqrt(n), where p became p'. For Muon it
                                 is lr s e ||O|| / sqrt(n), as far as p' can hold it in float32 */
  double effective_lr;        /* Muon: lr s e (see muon_muon_options), with hyperball lr; AdamW: lr */
  double orthogonality_error; /* Muon: ||O O^T - I|| / sqrt(m), the Frobenius norm over the short side m of
                                 O (O^T O if O has more rows than columns): 0 if O is orthogonal, 1 if
                                 it is 0. NaN if it was not measured, and for AdamW */
} muon_param_statistics;

/* Fills it in with step 0, and NaN in all that a step would measure. */
MUON_CHECK MUON_API muon_status muon_param_statistics_init(
    muon_param_statistics *outStatistics, size_t struct_size);

/* What steps measure, from the next one on. */
MUON_CHECK MUON_API muon_status muon_optimizer_set_statistics_level(
    muon_optimizer *optimizer, muon_statistics_level statistics);
MUON_CHECK MUON_API muon_status muon_optimizer_get_statistics_level(
    const muon_optimizer *optimizer, muon_statistics_level *outStatistics);

/* The latest measured step of a parameter; if there is none, as after ..._init. A step that
 * fails or is skipped leaves it as it is, and so does one in which the parameter has no
 * gradient. struct_size must be set (by ..._init). Statistics are not saved in checkpoints. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_statistics(
    const muon_optimizer *optimizer, int64_t param, muon_param_statistics *outStatistics);

/* ---- Names ---------------------------------------------------------------------------------- */

/* The names that configurations have for the values of an enum, such as "newtonschulz5";
 * "unknown" for a number that is no value. Never NULL. */
MUON_API const char *muon_backend_name(muon_backend backend);
MUON_API const char *muon_precision_name(muon_precision precision);
MUON_API const char *muon_newton_schulz_method_name(muon_newton_schulz_method method);
MUON_API const char *muon_momentum_style_name(muon_momentum_style style);
MUON_API const char *muon_shape_scale_name(muon_shape_scale scale);
MUON_API const char *muon_second_moment_name(muon_second_moment moment);
MUON_API const char *muon_nonfinite_policy_name(muon_nonfinite_policy policy);
MUON_API const char *muon_statistics_level_name(muon_statistics_level level);
MUON_API const char *muon_log_level_name(muon_log_level level);
MUON_API const char *muon_optimizer_kind_name(muon_optimizer_kind kind);
MUON_API const char *muon_dtype_name(muon_dtype dtype);
MUON_API const char *muon_master_name(muon_master master);

/* And back. MUON_ERR_INVALID_ARGUMENT for a name that there is not. */
MUON_CHECK MUON_API muon_status muon_backend_from_name(const char *name, muon_backend *outBackend);
MUON_CHECK MUON_API muon_status muon_precision_from_name(
    const char *name, muon_precision *outPrecision);
MUON_CHECK MUON_API muon_status muon_newton_schulz_method_from_name(
    const char *name, muon_newton_schulz_method *outMethod);
MUON_CHECK MUON_API muon_status muon_momentum_style_from_name(
    const char *name, muon_momentum_style *outStyle);
MUON_CHECK MUON_API muon_status muon_shape_scale_from_name(
    const char *name, muon_shape_scale *outScale);
MUON_CHECK MUON_API muon_status muon_second_moment_from_name(
    const char *name, muon_second_moment *outMoment);
MUON_CHECK MUON_API muon_status muon_nonfinite_policy_from_name(
    const char *name, muon_nonfinite_policy *outPolicy);
MUON_CHECK MUON_API muon_status muon_statistics_level_from_name(
    const char *name, muon_statistics_level *outLevel);
MUON_CHECK MUON_API muon_status muon_log_level_from_name(
    const char *name, muon_log_level *outLevel);

/* Which values an option takes, and its default. For a flag these are 0 and 1, for an enum its
 * values. For backend_steps the least is 0, which is the backend's own number. For coefficients
 * it is about the number of rows. */
typedef struct muon_option_range {
  double minimum;
  double maximum;
  int32_t minimum_is_open; /* 1: the minimum itself is too small. 0: it is in the range */
  int32_t maximum_is_open; /* 1: the maximum itself is too large. 0: it is in the range */
  double default_value;
} muon_option_range;

/* The range of an option. name is that of its field: "lr". kind says in which struct: that of a
 * Muon, of an AdamW, or, with MUON_OPTIMIZER_KIND_NONE, of muon_orthogonalize. */
MUON_CHECK MUON_API muon_status muon_option_get_range(
    muon_optimizer_kind kind, const char *name, muon_option_range *outRange);

/* ---- Library -------------------------------------------------------------------------------- */

/* The version of the library that is loaded. Compare the number with MUON_VERSION_NUMBER. The
 * text is "0.2.0", valid until the process ends. */
MUON_API uint32_t muon_version_number(void);
MUON_API const char *muon_version_string(void);

/* One line for people about the library, of parts that are separated by "; ": its version; the
 * instructions that it uses (baseline, avx2, avxvnni, avx512, avx512vnni, avx512bf16 or amx, at most what
 * MUON_MAX_CPU in the environment says, which is read at the library's first call); its kernels
 * for products, of float32 and of what else there is one for; which of the instructions that
 * matter the processor has; the version of OpenBLAS; and the processor that OpenBLAS chose its
 * kernels for, or that OpenBLAS could not be loaded, which this tries. Parts may be added. Valid
 * until the process ends. */
MUON_API const char *muon_build_info(void);

/* How many threads a step may use, for the whole process: 1 to 1024, of which a step uses at
 * most 32. 0 is the default: MUON_NUM_THREADS in the environment, or else the number of
 * processors that this process may run on. A value of MUON_NUM_THREADS that is no whole number
 * from 0 to 1024 is ignored, and the log says so. Results do not depend on the number of
 * threads, to the bit. */
MUON_CHECK MUON_API muon_status muon_set_num_threads(int32_t count);
MUON_API int32_t muon_get_num_threads(void);

#ifdef __cplusplus
}
#endif

#endif /* MUON_H */
