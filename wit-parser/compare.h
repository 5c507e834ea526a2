/* compare.h - do two interfaces or functions agree, and if not, where? Private to this folder. */
#ifndef WITC_WIT_COMPARE_H
#define WITC_WIT_COMPARE_H

#include "wit-parser.h"

/* Are the types the same by structure? Packages' versions do not matter; a resource is its name. If not, *why says
 * where they part ("field `x`: u32 is not u64"). */
bool wit_compare_types(const struct wit_resolve *r, struct arena *a, struct wit_type x,
                       struct wit_type y, str *why);
bool wit_compare_functions(const struct wit_resolve *r, struct arena *a, const struct wit_func *x,
                           const struct wit_func *y, str *why);
/* Has `more` all of `less`, the same? Reports each item that is not as wrong in the interface that `label` calls. */
bool wit_compare_interfaces(struct wit_resolve *r, u32 less, u32 more, str label, const char *code);

#endif
