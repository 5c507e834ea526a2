/* clone.h - copies of types and interfaces with identities of their own. Private to this folder. */
#ifndef WITC_WIT_CLONE_H
#define WITC_WIT_CLONE_H

#include "wit-parser.h"

struct wit_cloner {
    struct wit_resolve *r;
    struct arena *scratch;
    struct wit_owner from, to; /* owner of what is copied, and of the copies */
    u32 package;               /* of copied interfaces */
    struct map types;          /* type to its copy */
    const struct map *known;   /* more of them, or NULL */
};
/* Takes `copy` for the copy of a type. */
void wit_clone_as(struct wit_cloner *c, u32 type, u32 copy);
/* What others own stays as it is. */
u32 wit_clone_type(struct wit_cloner *c, u32 type);
void wit_clone_function(struct wit_cloner *c, struct wit_func *f);
u32 wit_clone_interface(struct wit_cloner *c, u32 interface);

#endif
