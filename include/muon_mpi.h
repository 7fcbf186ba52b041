/*
 * muon_mpi.h - several processes train together, by MPI: the exchange of muon.h, made of MPI's calls.
 *
 * Copyright (c) 2026 the libmuon authors. MIT licence.
 *
 * C99 and C++, functions in this header alone: your mpicc compiles them with the MPI that it has, of
 * version 3 or later. docs/scale-out.md has a program and the pitfalls of mpirun.
 *
 *     muon_mpi_link *link;
 *     MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
 *     ...                                           (the same parameters on all ranks)
 *     if (muon_mpi_attach(muon, MPI_COMM_WORLD, 60, &link)) ...
 *     ...                                           (MPI_Allreduce the gradients; muon_optimizer_step)
 *     if (muon_mpi_detach(link)) ...
 *     MPI_Finalize();
 *
 * In a step there are only non-blocking calls of MPI, with a deadline, so that a rank that is lost is an
 * error of the others and not a wait without end. MPI_Init, MPI_Finalize and MPI_Abort are left to you.
 */
#ifndef MUON_MPI_H
#define MUON_MPI_H

#include <limits.h>
#include <mpi.h>
#include <muon.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if MPI_VERSION < 3
#error "muon_mpi.h needs MPI 3 or later"
#endif

/* What joins an optimizer to the ranks of a communicator. Read rank and rank_count; leave the rest. */
typedef struct muon_mpi_link {
  int rank;
  int rank_count;
  muon_optimizer *optimizer;
  MPI_Comm comm; /* a duplicate, so that nobody else's messages are in it */
  double timeout;
  MPI_Request *requests; /* of what is shared; those before first are done */
  size_t first, count, capacity;
  int64_t *values; /* two halves: what is sent, and what is received */
  size_t values_capacity;
  int is_pending;    /* whether MPI may still read or write memory of the link */
  pid_t process;     /* a fork of it has its connections, and must not use them */
  int is_serialized; /* whether threads other than the one that initialized MPI may call it */
  char failure[MPI_MAX_ERROR_STRING + 200]; /* the first; "" if there was none */
} muon_mpi_link;

/* The longest message: it goes into MPI's int, and keeps pipelines busy. */
enum { muon_mpi_chunk_ = 1 << 24 };

/* Notes a failure of a call of MPI, after which the link is not used any more. Returns 1. */
static inline int32_t muon_mpi_fail_(muon_mpi_link *link, const char *call, int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (code != MPI_SUCCESS) MPI_Error_string(code, text, &length);
  if (link->failure[0] == 0)
    snprintf(link->failure, sizeof link->failure, "%s%s%s", call, length ? ": " : "", text);
  return 1;
}

/* What every callback asks first. */
static inline int32_t muon_mpi_begin_(muon_mpi_link *link) {
  int is_main = 1, finalized = 0;
  if (link->failure[0]) return 1;
  MPI_Finalized(&finalized);
  if (finalized) return muon_mpi_fail_(link, "MPI_Finalize was called before muon_mpi_detach", 0);
  if (!link->is_serialized) MPI_Is_thread_main(&is_main);
  if (is_main) return 0;
  return muon_mpi_fail_(
      link, "with MPI_THREAD_FUNNELED only the thread that initialized MPI may make a step", 0);
}

/* Waits for a request until nobody has been heard of for as long as the timeout. */
static inline int32_t muon_mpi_wait_(muon_mpi_link *link, const char *call, MPI_Request *request) {
  const double start = MPI_Wtime();
  for (;;) {
    int done = 0;
    const int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) return muon_mpi_fail_(link, call, code);
    if (done) return 0;
    if (MPI_Wtime() - start > link->timeout) {
      char text[120];
      snprintf(text, sizeof text, "%s: no answer from another rank for %g s", call, link->timeout);
      return muon_mpi_fail_(link, text, 0);
    }
    sched_yield();
  }
}

/* The callbacks of muon_exchange. */
static inline int32_t muon_mpi_agree_(void *context, int64_t *values, size_t count) {
  muon_mpi_link *link = (muon_mpi_link *)context;
  MPI_Request request = MPI_REQUEST_NULL;
  int code;
  if (muon_mpi_begin_(link)) return 1;
  if (count > INT_MAX / 2) return muon_mpi_fail_(link, "too many values for MPI", 0);
  if (count > link->values_capacity) {
    int64_t *more = (int64_t *)realloc(link->values, 2 * count * sizeof *more);
    if (more == NULL) return muon_mpi_fail_(link, "out of memory", 0);
    link->values = more;
    link->values_capacity = count;
  }
  memcpy(link->values, values, count * sizeof *values);
  link->is_pending = 1;
  code = MPI_Iallreduce(link->values, link->values + count, (int)count, MPI_INT64_T, MPI_MAX,
                        link->comm, &request);
  if (code != MPI_SUCCESS) return muon_mpi_fail_(link, "MPI_Iallreduce", code);
  if (muon_mpi_wait_(link, "MPI_Iallreduce", &request)) return 1;
  link->is_pending = 0;
  memcpy(values, link->values + count, count * sizeof *values);
  return 0;
}

static inline int32_t muon_mpi_share_(void *context, int32_t owner, void *data, size_t bytes) {
  muon_mpi_link *link = (muon_mpi_link *)context;
  size_t at;
  if (muon_mpi_begin_(link)) return 1;
  link->is_pending = 1;
  for (at = 0; at < bytes; at += muon_mpi_chunk_) {
    const size_t rest = bytes - at;
    const int size = rest < muon_mpi_chunk_ ? (int)rest : muon_mpi_chunk_;
    int code;
    if (link->count == link->capacity) {
      const size_t capacity = 2 * link->capacity + 64;
      MPI_Request *more = (MPI_Request *)realloc(link->requests, capacity * sizeof *more);
      if (more == NULL) return muon_mpi_fail_(link, "out of memory", 0);
      link->requests = more;
      link->capacity = capacity;
    }
    code = MPI_Ibcast((char *)data + at, size, MPI_BYTE, owner, link->comm,
                      &link->requests[link->count]);
    if (code != MPI_SUCCESS) return muon_mpi_fail_(link, "MPI_Ibcast", code);
    link->count++;
  }
  /* MPI goes on only in its calls: between two matrices here. */
  while (link->first < link->count) {
    int done = 0;
    const int code = MPI_Test(&link->requests[link->first], &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) return muon_mpi_fail_(link, "MPI_Ibcast", code);
    if (!done) break;
    link->first++;
  }
  return 0;
}

static inline int32_t muon_mpi_finish_(void *context) {
  muon_mpi_link *link = (muon_mpi_link *)context;
  if (muon_mpi_begin_(link)) return 1;
  for (; link->first < link->count; link->first++)
    if (muon_mpi_wait_(link, "MPI_Ibcast", &link->requests[link->first])) return 1;
  link->first = link->count = 0;
  link->is_pending = 0;
  return 0;
}

static inline const char *muon_mpi_describe_(void *context) {
  return ((muon_mpi_link *)context)->failure;
}

/* Asks how MPI was initialized and which rank this is, and duplicates the communicator. */
static inline int32_t muon_mpi_open_(muon_mpi_link *link, MPI_Comm comm, const void *out) {
  MPI_Errhandler before = MPI_ERRHANDLER_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  int initialized = 0, finalized = 0, provided = 0, inter = 0, code;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (!initialized || finalized) return muon_mpi_fail_(link, "MPI is not initialized", 0);
  MPI_Query_thread(&provided);
  if (provided < MPI_THREAD_FUNNELED)
    return muon_mpi_fail_(
        link, "MPI must be initialized by MPI_Init_thread, with MPI_THREAD_FUNNELED or more", 0);
  link->is_serialized = provided >= MPI_THREAD_SERIALIZED;
  if (muon_mpi_begin_(link)) return 1;
  if (comm == MPI_COMM_NULL) return muon_mpi_fail_(link, "the communicator is MPI_COMM_NULL", 0);
  MPI_Comm_rank(comm, &link->rank); /* first: errors name it */
  MPI_Comm_size(comm, &link->rank_count);
  if (out == NULL) return muon_mpi_fail_(link, "outLink is NULL", 0);
  if (!(link->timeout > 0)) return muon_mpi_fail_(link, "the timeout must be above 0 s", 0);
  MPI_Comm_get_errhandler(comm, &before);
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  code = MPI_Comm_test_inter(comm, &inter);
  if (code == MPI_SUCCESS && inter) {
    muon_mpi_fail_(link, "the communicator must not be an intercommunicator", 0);
  } else {
    if (code == MPI_SUCCESS) code = MPI_Comm_idup(comm, &link->comm, &request);
    if (code != MPI_SUCCESS) muon_mpi_fail_(link, "MPI_Comm_idup", code);
    else link->is_pending = muon_mpi_wait_(link, "MPI_Comm_idup", &request);
  }
  MPI_Comm_set_errhandler(comm, before);
  MPI_Errhandler_free(&before);
  if (link->failure[0]) return 1;
  MPI_Comm_set_errhandler(link->comm, MPI_ERRORS_RETURN);
  return 0;
}

static inline void muon_mpi_free_(muon_mpi_link *link) {
  int finalized = 0;
  if (link->is_pending) return;
  MPI_Finalized(&finalized);
  if (!link->failure[0] && !finalized && getpid() == link->process) MPI_Comm_free(&link->comm);
  free(link->requests);
  free(link->values);
  free(link);
}

/* Leaves the ranks: the optimizer, if it is still there, trains alone. Call it before MPI_Finalize. After a
 * failure MPI may write the parameters for as long as it runs. NULL does nothing. */
static inline muon_status muon_mpi_detach(muon_mpi_link *link) {
  muon_status status;
  if (link == NULL) return MUON_OK;
  status = muon_optimizer_set_exchange(link->optimizer, NULL);
  muon_mpi_free_(link);
  return status == MUON_ERR_INVALID_HANDLE ? MUON_OK : status;
}

/* From now on the ranks of a communicator train together, as muon_optimizer_set_exchange says. All of them
 * make this call, with one optimizer after the other where there are several. timeout_seconds (> 0): for how
 * long a rank waits for a sign of another one, which may still be busy with its gradients or a checkpoint.
 * Errors: as muon_optimizer_set_exchange; EXCHANGE for what is wrong with MPI. */
static inline muon_status muon_mpi_attach(muon_optimizer *optimizer, MPI_Comm comm,
                                          double timeout_seconds, muon_mpi_link **outLink) {
  muon_exchange exchange;
  muon_mpi_link *link = (muon_mpi_link *)calloc(1, sizeof *link);
  muon_status status = muon_exchange_init(&exchange, sizeof exchange);
  if (link == NULL) return MUON_ERR_OUT_OF_MEMORY;
  link->optimizer = optimizer;
  link->timeout = timeout_seconds;
  link->comm = MPI_COMM_NULL;
  link->process = getpid();
  link->rank_count = 1;
  muon_mpi_open_(link, comm, outLink);
  exchange.context = link;
  exchange.rank = link->rank;
  exchange.rank_count = link->rank_count;
  exchange.agree = muon_mpi_agree_; /* which fails, with its text, where the link has */
  exchange.share = muon_mpi_share_;
  exchange.finish = muon_mpi_finish_;
  exchange.describe = muon_mpi_describe_;
  if (status == MUON_OK) status = muon_optimizer_set_exchange(optimizer, &exchange);
  if (status == MUON_OK) *outLink = link;
  else muon_mpi_free_(link);
  return status;
}

#endif /* MUON_MPI_H */
