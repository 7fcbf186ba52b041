/* For any processor. */
#define PASSES muon_passes_portable
#include "passes.h"
