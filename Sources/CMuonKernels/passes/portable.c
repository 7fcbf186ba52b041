/* For any processor. */
#include "../instructions.h"
#define PASSES muon_passes_portable
#define LEVEL "baseline"
#define PROBE has_any_processor
#include "passes.h"
