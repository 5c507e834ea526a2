/* script.h - runs `.wast` scripts: each directive is carried out and must hold.
 *
 * Core modules of a script share one store, with the module `spectest` to import from. Each component has a store of its own, unless it
 * imports an instance that an earlier one was registered (or named) as; components may import what `wasmtime wast` offers, an instance
 * `host` and two functions.
 *
 * What cannot be carried out counts as failed and is named. Assertions hold by their kind. A trap whose text does not contain that of
 * its assertion is told, since it may have another reason; the wording of other messages is not compared.
 */
#ifndef WITC_SCRIPT_H
#define WITC_SCRIPT_H

#include "base.h"
#include "wast.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct script_result {
    u32 directives, failed;
    u32 assertions; /* among the directives */
};

struct canon_seed;
/* What a trap with another text than its assertion is. */
enum script_texts { SCRIPT_TEXTS_WARN, SCRIPT_TEXTS_IGNORED, SCRIPT_TEXTS_COUNT };
struct script_config {
    struct features features;
    struct canon_seed
        *seed; /* draws what the specification leaves open; NULL: the default policy */
    enum script_texts texts; /* COUNT: as failed */
};

/* False after diagnostics for the directives that do not hold. */
WITC_NODISCARD bool script_run(struct arena *a, const struct wast_script *script,
                               const struct script_config *config, struct script_result *out,
                               struct diags *d);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
