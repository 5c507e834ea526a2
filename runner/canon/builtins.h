/* builtins.h - the canonical built-ins as functions: arguments in `slots`, results too. */
#ifndef WITC_CANON_BUILTINS_H
#define WITC_CANON_BUILTINS_H

#include "canon_internal.h"

/* FAILED: the trap is set. */
#define FAILED ENGINE_TRAPPED

typedef enum engine_outcome builtin_fn(struct builtin *b, u64 *slots);

#define BUILTIN(id, params, results, guarded, fn) builtin_fn canon_bi_##fn;
#include "builtins.def"
#undef BUILTIN

#endif
