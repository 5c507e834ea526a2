/* layout.h - one measure of types for both sizes of pointers. Private to layout.c and check_types.c.
 *
 * CanonicalABI.md, "Alignment" and "Element Size".
 */
#ifndef WITC_WIT_LAYOUT_H
#define WITC_WIT_LAYOUT_H

#include "wit-parser.h"

struct wit_measure {
    u64 size;
    u32 align, payload; /* where a payload starts behind a tag */
};
struct wit_parts {
    u32 pointer;                                               /* bytes: 4 or 8 */
    struct wit_layout (*of)(const void *ctx, struct wit_type); /* of a part; {0, 1} of none */
    const void *ctx;
};
/* A primitive; a list is like a string. Of other kinds {0, 1}. */
struct wit_layout wit_prim_layout(enum wit_kind kind, u32 pointer);
struct wit_measure wit_measure_type(const struct wit_typedef *t, const struct wit_parts *parts);

#endif
