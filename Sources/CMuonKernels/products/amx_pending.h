/* The epilogue of a micro-tile is applied while the tiles of the next one are multiplied, since the
 * processor does both at once. Included after epilogue.h. */
#ifndef AMX_PENDING_H
#define AMX_PENDING_H

#include "amx.h"

typedef struct amx_pending {
  /* Of the micro-tile that waits, and of the next. */
  __m512 sums[2][ROWS][2];
  int waits; /* which sums */
  /* What waits; no rows where nothing does. */
  int rows, columns;
  muon_gemm_epilogue epilogue;
} amx_pending;

_Static_assert(sizeof(amx_pending) <= MUON_GEMM_MOST_STATE, "there is room");

static void finish(amx_pending *pending) {
  if (pending->rows == 0) return;
  gemm_finish(&pending->sums[pending->waits][0][0], ROWS, 2, pending->rows, pending->columns,
              &pending->epilogue);
  pending->rows = 0;
}

/* Lets a micro-tile wait, whose sums are the next. */
static inline void wait_for_next(amx_pending *pending, const muon_gemm_micro_tile *tile) {
  pending->waits = !pending->waits;
  pending->rows = tile->rows;
  pending->columns = tile->columns;
  pending->epilogue = *tile->epilogue;
}

static void enter(void *state) {
  amx_pending *pending = state;
  pending->rows = pending->waits = 0;
  muon_amx_enter();
}

static void leave(void *state) {
  finish(state);
  muon_amx_leave();
}

#endif
