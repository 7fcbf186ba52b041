/*
 * muon.h - the C interface of libmuon: the Muon optimizer, AdamW, learning-rate schedules.
 *
 * Copyright (c) 2026 the libmuon authors. MIT licence.
 *
 *
 * MANUAL
 *
 * Muon trains matrices: it keeps a momentum of the gradients, replaces it by a nearby matrix with
 * orthonormal rows or columns (a few Newton-Schulz steps), and moves the parameter along it. Biases,
 * gains and everything else that is not a matrix go to AdamW. A complete program:
 *
 *     #include <muon.h>
 *     #include <stdio.h>
 *     int main(void) {
 *       float w[6] = {1, 2, 3, 4, 5, 6}, g[6] = {1, 0, 0, 0, 1, 0};
 *       int64_t shape[2] = {2, 3};
 *       muon_param param;
 *       muon_optimizer *muon;
 *       muon_param_set(&param, "w", w, g, 2, shape);
 *       if (muon_optimizer_create_muon(NULL, &muon) || muon_optimizer_add_param(muon, 0, &param, NULL) ||
 *           muon_optimizer_step(muon))
 *         return fprintf(stderr, "%s\n", muon_last_error()), 1;
 *       printf("%g %g %g\n", w[0], w[1], w[2]);
 *       return muon_optimizer_destroy(muon) != MUON_OK;
 *     }
 *
 * Build it with: cc example.c -lmuon
 *
 * Status. Every function that can fail returns a muon_status; MUON_OK is 0. Results are the last
 *   arguments, named out..., and are written only on MUON_OK, except where it says otherwise. After a
 *   failure muon_last_error() has the text: what was wrong, and what was expected.
 *   A call that fails has changed nothing, unless it says otherwise.
 *
 * Lists are results too: outThings, capacity, outCount. *outCount is how many there are, of which
 *   min(capacity, *outCount) are written. With a capacity of 0 outThings may be NULL: so ask for the
 *   number first. What a caller gives is counted by the argument behind it.
 *
 * Numbers. A count, a capacity or a size in memory is a size_t. An index, a step, a number of steps, and
 *   an extent of a matrix or of a shape is an int64_t. A setting that is a small whole number is an
 *   int32_t, as is what is true (1) or false (0). The context of a callback is its last argument, and
 *   stands right behind the callback where one is set.
 *
 * Handles. muon_optimizer, muon_schedule and muon_scheduler are handles, not addresses. A handle
 *   that was destroyed, made up, or belongs to another kind gives MUON_ERR_INVALID_HANDLE.
 *   Destroying NULL does nothing and succeeds.
 *
 * Ownership. Text, shapes, option structs and coefficient rows are copied during the call. Only the
 *   buffers bound to a parameter (its data, its gradient and, if you give them, its state) are kept
 *   as pointers: they must stay valid, and must not be resized or moved, until they are bound anew
 *   or the optimizer is destroyed. You allocate and free them; the library never does.
 *
 * Matrices are row-major and dense: element (i, j) of an r x c matrix is at i*c + j. A vector
 *   has ndim 1, a scalar ndim 0 and one element. An extent may be 0.
 *
 * Structs start with struct_size and are filled in by their ..._init function, which takes
 *   sizeof the struct as your compiler sees it. Set what you need after that. A later version adds
 *   fields at the end, which mean at 0 what was before them. So a program goes on with a library
 *   that is newer than its header: fields it does not know are 0. And with an older library, as long
 *   as the fields that library does not know are 0; otherwise it is MUON_ERR_UNSUPPORTED. In a list
 *   of structs all have the same struct_size. Structs without struct_size do not change.
 *
 * Enums have fixed values. New ones are added at the end; none changes its meaning.
 *
 * Threads. Distinct handles may be used from different threads at once. One handle serves one call
 *   at a time: a second call on it waits for the first. A scheduler uses the optimizers it drives.
 *   After a fork the child may go on with every handle that no other thread was using just then. If the
 *   library's C library does not see the fork (another one's after dlmopen, or _Fork), then only where no
 *   other thread was in the library at all; such a child steps on the calling thread alone.
 *   The caller's buffers must not be touched by others during step, zero_grad and the state calls.
 *   A calling thread needs 64 KiB of stack, for MUON_BACKEND_SVD 256 KiB.
 *
 * Host. The library prints nothing, installs no signal handler and changes no environment
 *   variable. It loads OpenBLAS for MUON_BACKEND_SVD alone, and leaves OpenBLAS's number of threads as it
 *   found it. The threads it starts block all signals and sleep between steps; dlclose does not unload it.
 *   They are scheduled as the main thread was when they were started, but never as real-time threads, and
 *   run on the processors that the main thread or the caller may run on. Where a caller of a lower
 *   priority may not start such threads, it has threads like itself, which end with the step. A call is
 *   no cancellation point, nor are callbacks in it: a thread that is cancelled (pthread_cancel) meanwhile
 *   ends at its next one after the call. Floating-point exceptions do not trap during a call, whatever
 *   traps the host has set, which are set again when it returns. Its rounding mode counts: results are
 *   those of that mode.
 */
#ifndef MUON_H
#define MUON_H

#include <stddef.h>
#include <stdint.h>

/* On every function: seen from outside the library, also where a program hides what it does not name.
 * Define it before this header to say something else. */
#ifndef MUON_API
#if defined(__GNUC__)
#define MUON_API __attribute__((__visibility__("default")))
#else
#define MUON_API
#endif
#endif

/* On every function that returns a status, but those that destroy: compilers warn where it is not looked
 * at. Define it as nothing before this header to be rid of that. */
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

/* ---- Version, status, threads --------------------------------------------------------------- */

#define MUON_VERSION_MAJOR 0
#define MUON_VERSION_MINOR 2
#define MUON_VERSION_PATCH 0
/* One number that grows with the version: 0.2.0 is 200, 1.2.3 is 10203. */
#define MUON_VERSION_NUMBER \
  (MUON_VERSION_MAJOR * 10000 + MUON_VERSION_MINOR * 100 + MUON_VERSION_PATCH)

typedef enum muon_status {
  MUON_OK = 0,
  MUON_ERR_INVALID_ARGUMENT = 1,   /* NULL where it must not be, or a value outside its range */
  MUON_ERR_INVALID_HANDLE = 2,     /* stale, forged, or of another kind */
  MUON_ERR_SHAPE = 3,              /* a shape or an element count that does not fit */
  MUON_ERR_DTYPE = 4,              /* an element type that is not accepted here */
  MUON_ERR_CONFIG = 5,             /* a configuration that cannot be used; the text has the path */
  MUON_ERR_OUT_OF_MEMORY = 6,
  MUON_ERR_NONFINITE_GRADIENT = 7, /* NaN or infinity in a gradient, or in state after it */
  MUON_ERR_UNSUPPORTED = 8,        /* meaningful, but not in this version, or not on this system */
  MUON_ERR_NOT_CONVERGED = 9,      /* LAPACK's SVD did not converge */
  MUON_ERR_INTERNAL = 10,          /* a defect in the library: please report it */
  MUON_ERR_IO = 11,                /* a file could not be read or written; the text says why */
  MUON_ERR_CORRUPT = 12,           /* a checkpoint that is damaged, or none at all */
  MUON_ERR_MISMATCH = 13,          /* a checkpoint of another training run; the text has what differs */
  MUON_ERR_CANCELLED = 14          /* a progress callback asked to stop */
} muon_status;

/* The version of the library that is loaded; compare with MUON_VERSION_NUMBER. As text: "0.2.0", valid
 * until the process ends. */
MUON_API uint32_t muon_version_number(void);
MUON_API const char *muon_version_string(void);

/* One line about the library, of parts between "; ": its version; the instructions it uses (baseline,
 * avx2, avx512, avx512vnni or avx512bf16; MUON_MAX_CPU in the environment at the first use caps them);
 * its kernels for products, of float32 and of what else there is one for; what the processor has of the
 * instructions that matter; OpenBLAS's version; the core OpenBLAS chose its kernels for, or else that
 * OpenBLAS could not be loaded: this loads it. For people: parts may be added. Valid until the process
 * ends. */
MUON_API const char *muon_build_info(void);

/* Text of this thread's latest failure; "" if there was none. Never NULL. Valid until the thread's
 * next failing call. */
MUON_API const char *muon_last_error(void);

/* "MUON_ERR_SHAPE" and so on; "MUON_ERR_UNKNOWN" for a number that is no status. Never NULL. */
MUON_API const char *muon_status_name(muon_status status);

/* How many threads a step may use: 1 to 1024, of which it uses 32 at most, or 0 for the default, which
 * is MUON_NUM_THREADS in the environment at the first use, or else the number of processors this
 * process may run on. A value there that is no whole number from 0 to 1024 is ignored, which the log says.
 * Results do not depend on it, to the bit. For the whole process. */
MUON_CHECK MUON_API muon_status muon_set_num_threads(int32_t count);
MUON_API int32_t muon_get_num_threads(void);

/* ---- Orthogonalization ---------------------------------------------------------------------- */

/* How a matrix G is replaced by an orthogonal one. All but SVD evaluate an odd polynomial: X = G
 * divided by its Frobenius norm + eps, and then at each step
 *     A = X X^T,   X <- a X + (b A + c A^2) X
 * with the coefficients (a, b, c) of that step, on the short side of the matrix. */
typedef enum muon_backend {
  MUON_BACKEND_NEWTONSCHULZ5 = 1,  /* Keller Jordan's quintic; the default of Muon. 5 steps */
  MUON_BACKEND_SVD = 2,            /* exact polar factor by LAPACK, without the directions that cannot
                                      be told from rounding errors: below 1e-6 sqrt(max(rows, cols)) of
                                      the largest singular value; has no steps. The first use loads
                                      OpenBLAS (libopenblas.so.0), the only thing that needs it:
                                      MUON_ERR_UNSUPPORTED where it is not there */
  MUON_BACKEND_POLAR_EXPRESS = 3,  /* arXiv 2505.16932. 5 steps */
  MUON_BACKEND_YOU = 4,            /* Jiacheng You's quintic. 5 steps */
  MUON_BACKEND_CANS = 5,           /* arXiv 2506.10935, of x/1.01 in all steps but the last: as it was
                                      published it is too steep at 1 to be rounded. 5 steps */
  MUON_BACKEND_DEEPSEEKV4 = 6,     /* 8 steps of newtonschulz5, then 2 of (2, -1.5, 0.5) */
  MUON_BACKEND_CUBIC5 = 7,         /* arXiv 2606.00371, cubic. 5 steps, always */
  MUON_BACKEND_TURBO = 8,          /* arXiv 2512.04632, with its AOL scaling and the coefficients that
                                      its authors mended later. eps has no effect. 4 steps, always */
  MUON_BACKEND_ORTHOGONALIZE = 9,  /* (3, -3.2, 1.2); the default of muon_orthogonalize. 10 steps */
  MUON_BACKEND_CUSTOM = 10         /* your own coefficients; the last row repeats */
} muon_backend;

/* The name that configurations have for it, such as "newtonschulz5"; "unknown" for a number that is none.
 * Never NULL. And back: MUON_ERR_INVALID_ARGUMENT for another name. The functions ..._name and
 * ..._from_name of the other enums are the same. */
MUON_API const char *muon_backend_name(muon_backend backend);
MUON_CHECK MUON_API muon_status muon_backend_from_name(const char *name, muon_backend *outBackend);

/* One step's polynomial a x + b x^3 + c x^5. */
typedef struct muon_coefficients {
  double a, b, c;
} muon_coefficients;

/* What operands of the matrix products are rounded to; sums and storage are float32 in all.
 * MUON_ERR_UNSUPPORTED where the processor has no such products. */
typedef enum muon_precision {
  MUON_PRECISION_AUTO = 0, /* INT16 where the processor has it, else F32; F32 for CUSTOM */
  MUON_PRECISION_F32 = 1,
  MUON_PRECISION_BF16 = 2, /* bfloat16. MUON_ERR_UNSUPPORTED also for POLAR_EXPRESS, CANS and CUSTOM,
                              which it would take, or could, too far from their polynomials */
  MUON_PRECISION_INT16 = 3 /* 16-bit integers in block floating point: as fast as bfloat16, and
                              7 times closer */
} muon_precision;

MUON_API const char *muon_precision_name(muon_precision precision);
MUON_CHECK MUON_API muon_status muon_precision_from_name(
    const char *name, muon_precision *outPrecision);

/* How a backend's polynomial is evaluated: the same function at another cost, and with other rounding.
 * A matrix of one row or one column needs no products whatever the method, and SVD has no polynomial:
 * it takes AUTO and STANDARD, which change nothing. */
typedef enum muon_newton_schulz_method {
  MUON_NEWTON_SCHULZ_METHOD_AUTO = 0,     /* the cheaper for the shape, the backend and the processor; GRAM for long
                               matrices only, where it needs no more memory than STANDARD may */
  MUON_NEWTON_SCHULZ_METHOD_STANDARD = 1, /* every step multiplies the matrix itself */
  MUON_NEWTON_SCHULZ_METHOD_GRAM = 2      /* the steps are made on the Gram matrix X X^T, whatever the
                               shape; it may need more memory, see
                               muon_optimizer_get_scratch_bytes. It squares the condition number:
                               MUON_ERR_UNSUPPORTED with MUON_PRECISION_BF16, for more than 5 steps,
                               and for all backends but NEWTONSCHULZ5, POLAR_EXPRESS, YOU, CANS and
                               CUBIC5, which alone are known to stay close to their polynomials:
                               within 1e-2 up to a short side of 1024, where the matrix is of rank 1,
                               and closer where it is not; in INT16 within 1e-2, or within what an
                               iteration that stores bfloat16 errs */
} muon_newton_schulz_method;

MUON_API const char *muon_newton_schulz_method_name(muon_newton_schulz_method method);
MUON_CHECK MUON_API muon_status muon_newton_schulz_method_from_name(
    const char *name, muon_newton_schulz_method *outMethod);

typedef struct muon_orthogonalize_options {
  size_t struct_size;
  muon_backend backend;                  /* MUON_BACKEND_ORTHOGONALIZE */
  int32_t backend_steps;                 /* 1 to 99, or 0: the backend's own number. 0 */
  double eps;                            /* added to the Frobenius norm; finite, >= 0. 1e-8 */
  muon_precision precision;              /* MUON_PRECISION_F32 */
  const muon_coefficients *coefficients; /* MUON_BACKEND_CUSTOM only: 1 to 99 rows. NULL */
  size_t coefficients_count;             /* 0 */
  muon_newton_schulz_method method;                    /* MUON_NEWTON_SCHULZ_METHOD_AUTO */
} muon_orthogonalize_options;

MUON_CHECK MUON_API muon_status muon_orthogonalize_options_init(
    muon_orthogonalize_options *outOptions, size_t struct_size);

/* Writes the orthogonal matrix nearest in direction to the rows x cols matrix g: approximately
 * U V^T where g = U S V^T, in the layout of g. Both buffers have rows*cols elements. outMatrix may be g
 * itself, but must not overlap it in another way. Zeros give zeros; NaN or infinity is
 * MUON_ERR_INVALID_ARGUMENT. g may be as small as float32 has it; what is below 1e-26 of its norm + eps
 * may count as 0, and results below 1.2e-38 do, whatever the thread's floating-point mode says, which is
 * as before afterwards. options may be NULL: the defaults beside the fields above. */
MUON_CHECK MUON_API muon_status muon_orthogonalize(
    const float *g, size_t g_count, int64_t rows, int64_t cols,
    const muon_orthogonalize_options *options, float *outMatrix, size_t out_count);

/* The coefficient rows a backend uses for a number of steps (0: its own number). MUON_BACKEND_SVD has
 * 0 rows; MUON_BACKEND_CUSTOM is MUON_ERR_INVALID_ARGUMENT. */
MUON_CHECK MUON_API muon_status muon_backend_get_coefficients(
    muon_backend backend, int32_t backend_steps, muon_coefficients *outCoefficients,
    size_t capacity, size_t *outCount);

/* ---- Parameters ----------------------------------------------------------------------------- */

typedef enum muon_dtype {
  MUON_DTYPE_F32 = 1,
  MUON_DTYPE_BF16 = 2, /* MUON_ERR_UNSUPPORTED in this version, as are the next two */
  MUON_DTYPE_F16 = 3,
  MUON_DTYPE_F64 = 4,
  MUON_DTYPE_NOT_FLOAT = 5 /* integers and the like: builders leave such a parameter out */
} muon_dtype;

MUON_API const char *muon_dtype_name(muon_dtype dtype);

/* The buffers of a parameter have names:
 *   "data"         the parameter itself; step writes it
 *   "grad"         its gradient; zero_grad writes it, step only reads it
 * and, as its state, which step writes,
 *   "momentum"     Muon: the momentum
 *   "exp_avg"      AdamW: the mean of the gradients
 *   "exp_avg_sq"   AdamW: the mean of their squares
 * All of these have the shape of the parameter, and MUON_DTYPE_F32. Code for any optimizer, with state of
 * whatever shape, asks muon_optimizer_get_state_layout. */

/* A state buffer of yours, for a parameter that you add. */
typedef struct muon_state_buffer {
  const char *name;
  void *data;   /* NULL with count 0: as if it were not in the list */
  size_t count; /* elements, as many as the buffer has */
} muon_state_buffer;

typedef struct muon_param {
  size_t struct_size;
  const char *name;      /* UTF-8, for messages. NULL: "param" and its index */
  muon_dtype dtype;      /* MUON_DTYPE_F32 */
  int32_t requires_grad; /* read by the builders: 0 leaves the parameter out. 1 */
  int32_t ndim;          /* 0 to 8. Muon takes 2. 0 */
  const int64_t *shape;  /* ndim extents, each >= 0 */
  void *data;            /* aligned to its element; may be NULL only if the parameter is empty */
  size_t data_count;     /* the product of the extents */
  void *grad;            /* NULL: no gradient now; step skips the parameter */
  size_t grad_count;
  const muon_state_buffer *state; /* state in memory of yours, whose contents count: the library continues */
  size_t state_count;             /* from them. What is not in the list is the library's, and zeros. NULL, 0 */
} muon_param;

MUON_CHECK MUON_API muon_status muon_param_init(muon_param *outParam, size_t struct_size);

/* Fills in a parameter: muon_param_init, and then these fields and the counts that follow from the shape.
 * grad may be NULL. What is wrong with it the function says that takes the parameter. */
#ifdef __cplusplus
#define MUON_TO_SIZE(extent) static_cast<size_t>(extent)
#else
#define MUON_TO_SIZE(extent) (size_t)(extent)
#endif
static inline void muon_param_set(muon_param *param, const char *name, float *data, float *grad,
                                  int32_t ndim, const int64_t *shape) {
  size_t count = 1;
  if (param == NULL) return;
  if (muon_param_init(param, sizeof *param) != MUON_OK) {
    /* No struct_size: the library refuses it. */
    param->struct_size = 0;
    return;
  }
  /* Too many dimensions, an extent below 0 and too large a product are for the library to refuse. */
  for (int32_t i = 0; shape != NULL && ndim <= 8 && i < ndim; i++) {
    const size_t extent = shape[i] < 0 ? 0 : MUON_TO_SIZE(shape[i]);
    count = extent != 0 && count > SIZE_MAX / extent ? 0 : count * extent;
  }
  param->name = name;
  param->ndim = ndim;
  param->shape = shape;
  param->data = data;
  param->data_count = count;
  param->grad = grad;
  param->grad_count = grad != NULL ? count : 0;
}
#undef MUON_TO_SIZE

/* ---- Optimizers ----------------------------------------------------------------------------- */

typedef struct muon_optimizer muon_optimizer;

typedef enum muon_optimizer_kind {
  MUON_OPTIMIZER_KIND_NONE = 0, /* in a muon_route only: no optimizer */
  MUON_OPTIMIZER_KIND_MUON = 1,
  MUON_OPTIMIZER_KIND_ADAMW = 2
} muon_optimizer_kind;

MUON_API const char *muon_optimizer_kind_name(muon_optimizer_kind kind);

typedef enum muon_momentum_style {
  MUON_MOMENTUM_STYLE_CLASSIC = 1, /* m <- b m + g         ; with Nesterov u = g + b m */
  MUON_MOMENTUM_STYLE_EMA = 2      /* m <- b m + (1 - b) g ; with Nesterov u = (1 - b) g + b m */
} muon_momentum_style;

MUON_API const char *muon_momentum_style_name(muon_momentum_style style);
MUON_CHECK MUON_API muon_status muon_momentum_style_from_name(
    const char *name, muon_momentum_style *outStyle);

/* The factor s on the update of an r x c parameter. */
typedef enum muon_shape_scale {
  MUON_SHAPE_SCALE_NONE = 0,            /* 1 */
  MUON_SHAPE_SCALE_ORIGINAL = 1,        /* sqrt(max(1, r/c)) */
  MUON_SHAPE_SCALE_MATCH_RMS_ADAMW = 2, /* 0.2 sqrt(max(r, c)) */
  MUON_SHAPE_SCALE_SPECTRAL = 3         /* sqrt(r/c) */
} muon_shape_scale;

MUON_API const char *muon_shape_scale_name(muon_shape_scale scale);
MUON_CHECK MUON_API muon_status muon_shape_scale_from_name(
    const char *name, muon_shape_scale *outScale);

/* What step does with NaN or infinity in a gradient, and with a gradient by which the state would come
 * to have it: m or u of Muon, or g^2 of AdamW, past 3.4e38. State that has it already is the same: what was
 * given, bound, set or loaded is looked through at the next step, but not what you write into your own
 * memory after that. Parameters are not looked at: too large an lr, or 0 in both eps and v of AdamW, can
 * leave infinity or NaN in them. */
typedef enum muon_nonfinite_policy {
  MUON_NONFINITE_POLICY_ERROR = 0,    /* MUON_ERR_NONFINITE_GRADIENT, and nothing has changed. Default */
  MUON_NONFINITE_POLICY_SKIP = 1,     /* MUON_OK, and nothing has changed but the count of skipped steps */
  MUON_NONFINITE_POLICY_PROPAGATE = 2 /* go on: the parameter will have NaN in it */
} muon_nonfinite_policy;

MUON_API const char *muon_nonfinite_policy_name(muon_nonfinite_policy policy);
MUON_CHECK MUON_API muon_status muon_nonfinite_policy_from_name(
    const char *name, muon_nonfinite_policy *outPolicy);

/* Muon. With the gradient g and the momentum m of a matrix p (m starts at 0):
 *     m <- momentum m + g,   u = g + momentum m with Nesterov, else m   (see momentum_style)
 *     O = orthogonalize(u)
 *     p <- p (1 - lr weight_decay) - lr s O                             (see shape_scale)
 * Gradients and momenta below 1.2e-38 count as 0 where eps is at least 1e-15. */
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
  muon_newton_schulz_method method;                    /* MUON_NEWTON_SCHULZ_METHOD_AUTO */
} muon_muon_options;

/* AdamW (arXiv 1711.05101), as torch.optim.AdamW computes it. At step t of a parameter p, from 1:
 *     p <- p (1 - lr weight_decay)
 *     m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr/(1 - beta1^t) m / (sqrt(v)/sqrt(1 - beta2^t) + eps)
 * m and v are float32: a g^2 below 1e-45 is 0. What is below 1.2e-38 counts as 0 where that changes the
 * update by less than 1e-6 of it, which is so for eps >= 1.2e-9, and for 6.3e-12 with beta2 0.999. */
typedef struct muon_adamw_options {
  size_t struct_size;
  double lr;           /* finite, >= 0. 1e-3 */
  double beta1;        /* [0, 1). 0.9 */
  double beta2;        /* [0, 1). 0.999 */
  double eps;          /* finite, >= 0. 1e-8 */
  double weight_decay; /* finite, >= 0. 0.01 */
} muon_adamw_options;

/* "Finite" and "less than 1" are meant of the number as float32 has it: 1e39 is not finite. */
MUON_CHECK MUON_API muon_status muon_muon_options_init(
    muon_muon_options *outOptions, size_t struct_size);
MUON_CHECK MUON_API muon_status muon_adamw_options_init(
    muon_adamw_options *outOptions, size_t struct_size);

/* What values an option takes, and its default. Of a flag: 0 and 1. Of an enum: its values. Of
 * backend_steps: from 0, which is the backend's own number. Of coefficients: how many rows. */
typedef struct muon_option_range {
  double minimum;
  double maximum;
  int32_t minimum_is_open; /* 1: the minimum itself is too small. 0 where it is in the range */
  int32_t maximum_is_open; /* 1: the maximum itself is too large. 0 where it is in the range */
  double default_value;
} muon_option_range;

/* The range of an option by its name, that of its field: "lr". kind says whose it is: a Muon's, an AdamW's,
 * or, for MUON_OPTIMIZER_KIND_NONE, muon_orthogonalize's. */
MUON_CHECK MUON_API muon_status muon_option_get_range(
    muon_optimizer_kind kind, const char *name, muon_option_range *outRange);

/* Makes an optimizer without parameters. options, NULL for the defaults, are those of its
 * parameter group 0. */
MUON_CHECK MUON_API muon_status muon_optimizer_create_muon(
    const muon_muon_options *options, muon_optimizer **outOptimizer);
MUON_CHECK MUON_API muon_status muon_optimizer_create_adamw(
    const muon_adamw_options *options, muon_optimizer **outOptimizer);

/* Adds a group with options of its own, and count parameters to it, which may be 0: all, or nothing.
 * Groups count from 0, in the order they were added. */
MUON_CHECK MUON_API muon_status muon_optimizer_add_muon_group(
    muon_optimizer *optimizer, const muon_muon_options *options, const muon_param *params,
    size_t count, int64_t *outGroup);
MUON_CHECK MUON_API muon_status muon_optimizer_add_adamw_group(
    muon_optimizer *optimizer, const muon_adamw_options *options, const muon_param *params,
    size_t count, int64_t *outGroup);

/* Frees the optimizer and its state; not the buffers you bound. */
MUON_API muon_status muon_optimizer_destroy(muon_optimizer *optimizer);

MUON_CHECK MUON_API muon_status muon_optimizer_get_kind(
    const muon_optimizer *optimizer, muon_optimizer_kind *outKind);
MUON_CHECK MUON_API muon_status muon_optimizer_get_group_count(
    const muon_optimizer *optimizer, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_count(
    const muon_optimizer *optimizer, size_t *outCount);

/* Adds a parameter to a group. Parameters count from 0 over all groups, in the order they were
 * added; outIndex may be NULL. No buffer of it may overlap another one or any bound to the optimizer
 * before, except that gradients may overlap gradients: MUON_ERR_INVALID_ARGUMENT. */
MUON_CHECK MUON_API muon_status muon_optimizer_add_param(
    muon_optimizer *optimizer, int64_t group, const muon_param *param, int64_t *outIndex);

/* The index of the first parameter of a name; MUON_ERR_INVALID_ARGUMENT where there is none. And the name
 * and the group of a parameter. The name ends with a NUL, which *outCount counts; where it is cut off it
 * ends with one too. Its shape and element type are those of its buffer "data". */
MUON_CHECK MUON_API muon_status muon_optimizer_find_param(
    const muon_optimizer *optimizer, const char *name, int64_t *outParam);
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_name(
    const muon_optimizer *optimizer, int64_t param, char *outName, size_t capacity,
    size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_group(
    const muon_optimizer *optimizer, int64_t param, int64_t *outGroup);

/* Binds one buffer of a parameter to other memory of yours; from then on its contents count.
 * NULL with count 0: for "grad" there is no gradient from now on; for a state buffer the library goes
 * on with memory of its own and the present values; for "data" an error, unless the parameter is
 * empty. */
MUON_CHECK MUON_API muon_status muon_optimizer_bind_buffer(
    muon_optimizer *optimizer, int64_t param, const char *buffer, void *memory, size_t count);

/* One optimization step of every parameter that has a gradient; the others are left as they are. */
MUON_CHECK MUON_API muon_status muon_optimizer_step(muon_optimizer *optimizer);

/* Writes zeros into every bound gradient. */
MUON_CHECK MUON_API muon_status muon_optimizer_zero_grad(muon_optimizer *optimizer);

/* Options of a group. The setters take effect with the next step. A getter expects struct_size to
 * be set (by ..._init) and returns coefficients = NULL with their count: ask for the rows below. A
 * setter given MUON_BACKEND_CUSTOM with coefficients = NULL keeps the rows the group has. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_muon_options(
    const muon_optimizer *optimizer, int64_t group, muon_muon_options *outOptions);
MUON_CHECK MUON_API muon_status muon_optimizer_set_muon_options(
    muon_optimizer *optimizer, int64_t group, const muon_muon_options *options);
MUON_CHECK MUON_API muon_status muon_optimizer_get_adamw_options(
    const muon_optimizer *optimizer, int64_t group, muon_adamw_options *outOptions);
MUON_CHECK MUON_API muon_status muon_optimizer_set_adamw_options(
    muon_optimizer *optimizer, int64_t group, const muon_adamw_options *options);

/* The coefficient rows of a group of a Muon: of MUON_BACKEND_CUSTOM all that it was given, else those in
 * use. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_coefficients(
    const muon_optimizer *optimizer, int64_t group, muon_coefficients *outCoefficients,
    size_t capacity, size_t *outCount);

/* The learning rate alone, for either kind. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_lr(
    const muon_optimizer *optimizer, int64_t group, double *outLr);
MUON_CHECK MUON_API muon_status muon_optimizer_set_lr(
    muon_optimizer *optimizer, int64_t group, double lr);

/* The rate that schedules multiply: a group's lr when its first scheduler was made, or what was set
 * here. NaN: none yet (and setting NaN forgets it). */
MUON_CHECK MUON_API muon_status muon_optimizer_get_initial_lr(
    const muon_optimizer *optimizer, int64_t group, double *outLr);
MUON_CHECK MUON_API muon_status muon_optimizer_set_initial_lr(
    muon_optimizer *optimizer, int64_t group, double lr);

MUON_CHECK MUON_API muon_status muon_optimizer_get_nonfinite_policy(
    const muon_optimizer *optimizer, muon_nonfinite_policy *outPolicy);
MUON_CHECK MUON_API muon_status muon_optimizer_set_nonfinite_policy(
    muon_optimizer *optimizer, muon_nonfinite_policy policy);
/* Steps that MUON_NONFINITE_POLICY_SKIP left out. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_skipped_steps(
    const muon_optimizer *optimizer, int64_t *outCount);

/* The bytes of memory that steps use beside parameters, gradients and state: 0 before the first step.
 * After it, steps with the same parameters, options and number of threads allocate nothing, except with
 * MUON_BACKEND_SVD. It is then at most 4 times the largest matrix, counted with 31 rows and columns
 * more; with MUON_NEWTON_SCHULZ_METHOD_GRAM at most 6 times, which a square one needs; with SVD what LAPACK asks for.
 * Each thread has its own, but large matrices, one at a time, share theirs. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_scratch_bytes(
    const muon_optimizer *optimizer, size_t *outBytes);

/* State, for saving and resuming: the contents of a buffer copied out and in, and the number of steps a
 * parameter has made (AdamW's t). To set a buffer takes as many values as it has. A buffer its optimizer
 * does not have, such as "exp_avg" of a Muon, or a gradient that is not bound, is
 * MUON_ERR_INVALID_ARGUMENT. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, float *outValues,
    size_t capacity, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_set_buffer(
    muon_optimizer *optimizer, int64_t param, const char *buffer, const float *values,
    size_t count);

/* The extents of a buffer, at most 8, and its element type. A gradient need not be bound here. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer_shape(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, int64_t *outExtents,
    size_t capacity, size_t *outCount);
MUON_CHECK MUON_API muon_status muon_optimizer_get_buffer_dtype(
    const muon_optimizer *optimizer, int64_t param, const char *buffer, muon_dtype *outDtype);

/* The names of the state buffers of a parameter, valid until the process ends. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_buffers(
    const muon_optimizer *optimizer, int64_t param, const char **outNames, size_t capacity,
    size_t *outCount);

/* A state buffer that an optimizer keeps for a parameter. Texts are valid until the process ends. */
typedef struct muon_state_layout {
  const char *name;
  const char *torch_key; /* its key in the state dicts of torch.optim */
  muon_dtype dtype;
  int32_t ndim;
  int64_t shape[8];      /* ndim extents; the others are 0 */
} muon_state_layout;

/* The state that an optimizer would keep for a parameter in a group, which need not be added. Of the
 * parameter only name, dtype, ndim and shape are read. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_layout(
    const muon_optimizer *optimizer, int64_t group, const muon_param *param,
    muon_state_layout *outLayouts, size_t capacity, size_t *outCount);

/* The bytes of the state of all parameters, in memory of the library's and of yours. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_state_bytes(
    const muon_optimizer *optimizer, size_t *outBytes);

MUON_CHECK MUON_API muon_status muon_optimizer_get_param_steps(
    const muon_optimizer *optimizer, int64_t param, int64_t *outSteps);
MUON_CHECK MUON_API muon_status muon_optimizer_set_param_steps(
    muon_optimizer *optimizer, int64_t param, int64_t steps);

/* ---- Learning-rate schedules ---------------------------------------------------------------- */

/* A schedule is a value: the learning rate as a function of a base rate and of the step, numbered
 * from 0. They give the numbers of torch.optim.lr_scheduler, but for step 0 of some schedules of
 * schedules, where torch's constructors disturb one another. Step and length arguments are >= 0, or >= 1
 * where it says so, and at most 2^53. Schedules of schedules may be 16 deep, and of 4096 in all. */
typedef struct muon_schedule muon_schedule;

/* Factor start at step 0, in a straight line to end at step total_iters (>= 1), then constant.
 * 0 < start <= 1, 0 <= end <= 1. */
MUON_CHECK MUON_API muon_status muon_schedule_create_linear(
    double start_factor, double end_factor, int64_t total_iters, muon_schedule **outSchedule);
/* Factor (0 to 1) until step total_iters (>= 1), then 1. */
MUON_CHECK MUON_API muon_status muon_schedule_create_constant(
    double factor, int64_t total_iters, muon_schedule **outSchedule);
/* eta_min + (base - eta_min)(1 + cos(pi step/t_max))/2, t_max >= 1: it rises again after t_max. */
MUON_CHECK MUON_API muon_status muon_schedule_create_cosine(
    int64_t t_max, double eta_min, muon_schedule **outSchedule);
/* Warmup, stable, decay: from start_factor (0 to 1) in a straight line to 1 at warmup_steps, 1 until
 * total_steps - decay_steps, in a straight line to end_factor (0 to 1) at total_steps (>= 1), then
 * constant. warmup_steps + decay_steps <= total_steps; a warmup or decay of 0 steps is left out. */
MUON_CHECK MUON_API muon_status muon_schedule_create_trapezoid(
    int64_t warmup_steps, int64_t decay_steps, int64_t total_steps, double start_factor,
    double end_factor, muon_schedule **outSchedule);
/* schedules[0] until milestones[0], schedules[1] until milestones[1], and so on. Each begins at its
 * own step 0. count >= 1, milestone_count = count - 1, milestones increase, the first >= 1. */
MUON_CHECK MUON_API muon_status muon_schedule_create_sequential(
    const muon_schedule *const *schedules, size_t count, const int64_t *milestones,
    size_t milestone_count, muon_schedule **outSchedule);
/* All of them at once, each applied to what the ones before it gave, by torch's step-to-step
 * recurrences. count >= 1. A factor that rises from 0 cannot be chained. A chain is evaluated step by
 * step, and up to step 10^8. */
MUON_CHECK MUON_API muon_status muon_schedule_create_chained(
    const muon_schedule *const *schedules, size_t count, muon_schedule **outSchedule);

/* The rate at a step. base_lr is finite and >= 0. */
MUON_CHECK MUON_API muon_status muon_schedule_get_rate(
    const muon_schedule *schedule, double base_lr, int64_t step, double *outRate);

/* Schedules and schedulers made from it keep copies. */
MUON_API muon_status muon_schedule_destroy(muon_schedule *schedule);

/* A scheduler applies a schedule to all groups of all the optimizers it was made for. */
typedef struct muon_scheduler muon_scheduler;

/* Sets the rates of step 0 at once. count is 1 to 256, and no optimizer is there twice. They may be
 * destroyed before their scheduler. */
MUON_CHECK MUON_API muon_status muon_scheduler_create(
    const muon_schedule *schedule, muon_optimizer *const *optimizers, size_t count,
    muon_scheduler **outScheduler);

/* Goes to the next step and sets its rates: call it after muon_optimizer_step. */
MUON_CHECK MUON_API muon_status muon_scheduler_step(muon_scheduler *scheduler);

/* The step it is at: all the state it has. Setting it sets the rates of that step. */
MUON_CHECK MUON_API muon_status muon_scheduler_get_step(
    const muon_scheduler *scheduler, int64_t *outStep);
MUON_CHECK MUON_API muon_status muon_scheduler_set_step(muon_scheduler *scheduler, int64_t step);

/* The rates last set, one a group, optimizer by optimizer. */
MUON_CHECK MUON_API muon_status muon_scheduler_get_last_lr(
    const muon_scheduler *scheduler, double *outRates, size_t capacity, size_t *outCount);

MUON_API muon_status muon_scheduler_destroy(muon_scheduler *scheduler);

/* ---- Builders ------------------------------------------------------------------------------- */

/* The configuration is JSON text in UTF-8, NUL-terminated. Keys that are not listed are ignored,
 * except inside "muon" and "adamw", where they are errors; null counts as absent. Wherever they are, a key
 * that is twice in an object or has a NUL in it, a number that a double cannot hold, and objects and
 * lists that are nested more than 64 deep are errors.
 *   training.optimizer      "Muon" or "AdamW"; required
 *   training.learning_rate  number; required
 *   training.weight_decay   number; 0
 *   training.n_epochs       whole number >= 1; required by build_schedulers
 *   training.warmup_steps   whole number >= 0; 0
 *   training.lr_schedule    "linear" (factor 1 to 1e-5), "cosine"; another text: no decay
 *   muon.*                  lr, momentum, nesterov, momentum_style, weight_decay, eps, backend,
 *                           backend_steps, coefficients, shape_scale, precision, method
 *   adamw.*                 lr, betas, eps, weight_decay
 * The two sections are optional and override what training says for that optimizer. Names are those
 * of the enums, in small letters and without their prefix: "newtonschulz5", "ema", "original". */

typedef enum muon_route_reason {
  MUON_ROUTE_REASON_MATRIX = 1,       /* Muon: ndim is 2 */
  MUON_ROUTE_REASON_NOT_MATRIX = 2,   /* AdamW: ndim is not 2 */
  MUON_ROUTE_REASON_ADAMW_ONLY = 3,   /* AdamW: training.optimizer is "AdamW" */
  MUON_ROUTE_REASON_FROZEN = 4,       /* none: it does not require a gradient */
  MUON_ROUTE_REASON_NOT_FLOAT = 5     /* none: it is not floating point */
} muon_route_reason;

typedef struct muon_route {
  muon_optimizer_kind optimizer;
  muon_route_reason reason;
} muon_route;

/* The reason in words; "unknown" for a number that is no reason. Never NULL. */
MUON_API const char *muon_route_reason_text(muon_route_reason reason);

/* Where muon_config_build_optimizers sends each of count parameters, and why. Of a parameter only dtype,
 * requires_grad and ndim are read. */
MUON_CHECK MUON_API muon_status muon_config_route_params(
    const char *config, const muon_param *params, size_t count, muon_route *outRoutes,
    size_t capacity, size_t *outCount);

/* Makes the optimizers the configuration asks for, with the parameters that muon_config_route_params sends
 * to them: a Muon, an AdamW, or both in that order. A side without parameters is not made. In each
 * optimizer, parameters keep their order. AdamW has betas (0.9, 0.95). A capacity of 2 is enough for this
 * version. Where the capacity is too small nothing is made: MUON_ERR_INVALID_ARGUMENT, but with 0 the
 * number is written, and it is MUON_OK. */
MUON_CHECK MUON_API muon_status muon_config_build_optimizers(
    const char *config, const muon_param *params, size_t count, muon_optimizer **outOptimizers,
    size_t capacity, size_t *outCount);

/* Makes one scheduler for each of count optimizers. total = n_epochs * batches_per_epoch (>= 1 each).
 * Warmup, if warmup_steps > 0, is linear from 1e-5 to 1; then the main schedule begins, its length
 * total. With neither, the rates stay as they are. A capacity that is too small is as above. */
MUON_CHECK MUON_API muon_status muon_config_build_schedulers(
    const char *config, muon_optimizer *const *optimizers, size_t count, int64_t batches_per_epoch,
    muon_scheduler **outSchedulers, size_t capacity, size_t *outCount);

/* ---- Checkpoints ---------------------------------------------------------------------------- */

/* A checkpoint holds a training run, to go on as if it had never stopped, to the bit: the parameters,
 * their state and steps, the options and rates of the groups, counts of skipped steps, and the steps of
 * the schedulers. It is a safetensors file: the momentum of the parameter "w" of the first optimizer is
 * the tensor optimizers.0.momentum.w in it. Every byte of it is under a checksum.
 *
 * The optimizers, at least 1 and at most 256, and up to 256 schedulers are saved and found again by
 * their order, parameters by their names, which must differ within an optimizer. Schedulers drive no
 * optimizers but these. Schedules are compared, not loaded: make the schedulers as they were made.
 *
 * Loading reads and checks all before it changes anything. MUON_ERR_CORRUPT: damaged, or no checkpoint;
 * MUON_ERR_MISMATCH: the first thing that does not fit this run; MUON_ERR_UNSUPPORTED: of a later
 * format. It takes as much memory as the checkpoint has bytes, at most 64 MiB more, and about 1 KiB more
 * for each parameter. */

/* Called after every 4 MiB or less with the bytes done so far and those in all; other than 0 cancels:
 * MUON_ERR_CANCELLED, nothing changed. It must not use the optimizers and schedulers of the call. */
typedef int32_t (*muon_progress_callback)(uint64_t done, uint64_t total, void *context);

typedef struct muon_checkpoint_options {
  size_t struct_size;
  int32_t include_data;              /* the parameters themselves are saved, and loaded. 1 */
  int32_t allow_missing;             /* loading: parameters, groups, optimizers and schedulers that the
                                        checkpoint lacks stay as they are. 0 */
  int32_t allow_extra;               /* loading: those that this run lacks are left out. 0 */
  muon_progress_callback progress;   /* NULL: none. NULL */
  void *progress_context;            /* handed to progress. NULL */
} muon_checkpoint_options;

MUON_CHECK MUON_API muon_status muon_checkpoint_options_init(
    muon_checkpoint_options *outOptions, size_t struct_size);

/* Saves to a file (path is UTF-8), which is there whole or as it was before: a new one is written
 * beside it, brought to the disk, and takes its name, and the name is brought to the disk. After
 * MUON_ERR_IO the file is as it was, unless only that last step failed, which the text says. A
 * symbolic link is replaced. The new file is for those who could use the one that it replaces, by owner,
 * group, mode and access control list, or for fewer where this process cannot give it to them. A process
 * that is killed meanwhile leaves a file behind beside it, named as it and then ".tmp-" and more; of a
 * name of over 200 bytes there may be only the beginning.
 *
 * What load would refuse is not saved, MUON_ERR_UNSUPPORTED, with the file as it was: names of more than
 * 1 MiB, with the beginning that the format gives them; more than 2^18 tensors, 2^20 keys (a group has
 * up to 13, a parameter up to 5), 100 MB of both; steps past 2^53. */
MUON_CHECK MUON_API muon_status muon_checkpoint_save(
    const char *path, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

MUON_CHECK MUON_API muon_status muon_checkpoint_load(
    const char *path, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

/* The same to and from memory, which must not be that of a parameter. *outSize is the size of the
 * checkpoint. With a capacity of 0 save_memory writes that alone: ask first. A capacity that is too small
 * is MUON_ERR_INVALID_ARGUMENT. A save_memory that was cancelled has written a part of it. */
MUON_CHECK MUON_API muon_status muon_checkpoint_save_memory(
    muon_optimizer *const *optimizers, size_t optimizer_count, muon_scheduler *const *schedulers,
    size_t scheduler_count, const muon_checkpoint_options *options, void *outBytes, size_t capacity,
    size_t *outSize);
MUON_CHECK MUON_API muon_status muon_checkpoint_load_memory(
    const void *data, size_t size, muon_optimizer *const *optimizers, size_t optimizer_count,
    muon_scheduler *const *schedulers, size_t scheduler_count,
    const muon_checkpoint_options *options);

/* ---- Statistics and log --------------------------------------------------------------------- */

/* What the steps of an optimizer measure; each level includes the ones before it. Measuring changes no
 * result: parameters and state are the same to the bit. */
typedef enum muon_statistics_level {
  MUON_STATISTICS_LEVEL_NONE = 0,         /* nothing, at no cost. Default */
  MUON_STATISTICS_LEVEL_BASIC = 1,        /* all but orthogonality_error. Costs two passes over parameters and
                                       gradients, and memory: Muon, a copy of the largest matrix for
                                       each thread; AdamW, 256 KiB for each thread */
  MUON_STATISTICS_LEVEL_ORTHOGONALITY = 2 /* Muon: orthogonality_error too, for the last of a step's products
                                       a second time and O O^T, and up to three matrices more for each
                                       thread. AdamW: as BASIC */
} muon_statistics_level;

MUON_API const char *muon_statistics_level_name(muon_statistics_level level);
MUON_CHECK MUON_API muon_status muon_statistics_level_from_name(
    const char *name, muon_statistics_level *outLevel);

/* What one step of a parameter p of n elements with the gradient g was like. Sums are in float64, and the
 * same for every number of threads. */
typedef struct muon_param_statistics {
  size_t struct_size;
  int64_t step;               /* the step of the parameter that was measured, from 1. 0: none was */
  double grad_norm;           /* the root of the sum of the squares of g */
  double update_rms;          /* ||p' - (1 - lr weight_decay) p|| / sqrt(n), where p became p': the root
                                 mean square of what the step moved an element by, without the decay. Of
                                 Muon lr s ||O||/sqrt(n), as far as float32 has room for it in p' */
  double effective_lr;        /* Muon: lr s (see muon_shape_scale); AdamW: lr */
  double orthogonality_error; /* Muon: ||O O^T - I||/sqrt(m) in the Frobenius norm, on the short side of
                                 O, of m rows, or columns (then O^T O): 0 where O is orthogonal, 1 where
                                 it is 0. NaN where it was not measured, and for AdamW */
} muon_param_statistics;

/* What steps measure, from the next one on. */
MUON_CHECK MUON_API muon_status muon_optimizer_set_statistics_level(
    muon_optimizer *optimizer, muon_statistics_level statistics);
MUON_CHECK MUON_API muon_status muon_optimizer_get_statistics_level(
    const muon_optimizer *optimizer, muon_statistics_level *outStatistics);

/* Step 0, and NaN in all that a step would measure. */
MUON_CHECK MUON_API muon_status muon_param_statistics_init(
    muon_param_statistics *outStatistics, size_t struct_size);

/* The latest measured step of a parameter; as after ..._init where there is none. A step that fails or is
 * skipped leaves them as they are, and so does one in which the parameter has no gradient. Expects
 * struct_size to be set (by ..._init). They are no part of the state that is saved. */
MUON_CHECK MUON_API muon_status muon_optimizer_get_param_statistics(
    const muon_optimizer *optimizer, int64_t param, muon_param_statistics *outStatistics);

/* How much a message matters; each level includes the ones before it. */
typedef enum muon_log_level {
  MUON_LOG_LEVEL_ERROR = 1,   /* a call failed for a reason that its caller could not see coming: the SVD did
                           not converge */
  MUON_LOG_LEVEL_WARNING = 2, /* a step was skipped; a setting in the environment was ignored; something is
                           slower than it could be, such as OpenBLAS with the kernels of a far older
                           processor (said when OpenBLAS is loaded), or a step with fewer threads than
                           asked for */
  MUON_LOG_LEVEL_INFO = 3     /* what muon_build_info says, once */
} muon_log_level;

MUON_API const char *muon_log_level_name(muon_log_level level);
MUON_CHECK MUON_API muon_status muon_log_level_from_name(
    const char *name, muon_log_level *outLevel);

/* message is UTF-8 in one line, valid during the call. It must return: no exception, no longjmp. */
typedef void (*muon_log_callback)(muon_log_level level, const char *message, void *context);

/* Sets who is told of messages up to a level, in the whole process; NULL for nobody, which is the
 * default, and then the others are not read. The library never prints.
 *
 * The callback is called on the thread whose call gave rise to the message, just before that call
 * returns, so from several threads at once where several make calls. Nothing is locked then: it may call
 * the library, with the same handle too; what the library would say meanwhile is dropped. Each callback
 * hears once, when it is set and an optimizer is made or a matrix orthogonalized after that, how the
 * library runs and what is wrong with it.
 *
 * When this returns, the callback before it is not running on any other thread and is not called again:
 * its context may be freed. So hold nothing that the callback waits for. Called from inside a callback
 * it does not wait. */
MUON_CHECK MUON_API muon_status muon_set_log_callback(
    muon_log_level level, muon_log_callback callback, void *context);

#ifdef __cplusplus
}
#endif

#endif /* MUON_H */
