/* What Swift cannot say: thread-local storage, and the CPU_COUNT macro. */
#ifndef MUON_SHIMS_H
#define MUON_SHIMS_H

#include <stddef.h>

/* Keeps a copy of the first bytes of a text for this thread, cut at a character's border where it is
 * too long. */
void muon_shim_set_last_error(const char *utf8, size_t length);

/* This thread's text, NUL-terminated; "" before the first. */
const char *muon_shim_last_error(void);

/* The processors this process may run on by its affinity mask; 1 where that cannot be told. */
int muon_shim_available_processors(void);

#endif
