/* index.h - looking things up in the graph. Private to this folder. */
#ifndef WITC_WIT_INDEX_H
#define WITC_WIT_INDEX_H

#include "wit-parser.h"

/* Items by name, of packages with many. */
struct wit_package_index {
    struct map interfaces, worlds;
};
struct wit_index {
    VEC(struct map) interfaces; /* types by name, of interfaces with many */
    VEC(struct wit_package_index) packages;
    struct map package_ids;
    struct buf id;   /* room to build one */
    VEC(str) keys;   /* of interfaces as world items */
    VEC(u8) borrows; /* of each type: is a borrow in it? */
    VEC(u8) broken;  /* packages in which mistakes were found */
};
struct wit_index *wit_index_of(struct wit_resolve *r);
/* Like wit_find_*, but fast in large packages. WIT_NONE if absent. */
u32 wit_lookup_type(struct wit_resolve *r, u32 interface, str name);
u32 wit_lookup_item(struct wit_resolve *r, u32 package, bool world, str name);
bool wit_has_borrow(struct wit_resolve *r, struct wit_type t);
/* A key under which world items are equal, and that of an interface without a name of its own there. */
str wit_item_key(struct wit_resolve *r, const struct wit_world_item *item);
str wit_interface_key(struct wit_resolve *r, u32 interface);
u32 wit_find_world(const struct wit_resolve *r, u32 package, str name);

#endif
