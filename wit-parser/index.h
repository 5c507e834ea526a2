/* index.h - looking things up in the graph. Private to this folder. */
#ifndef WITC_WIT_INDEX_H
#define WITC_WIT_INDEX_H

#include "wit-parser.h"

/* Items by name, of packages with many. */
struct wit_package_index {
    struct map interfaces, worlds;
};
/* What validation asks of a type (check_types.c). */
struct wit_type_facts {
    u32 size; /* bytes in a 64-bit memory, at most 2^28 */
    u8 align;
    bool borrows, handles; /* is one in it? */
};
struct wit_index {
    VEC(struct map) interfaces; /* types by name, of interfaces with many */
    VEC(struct wit_package_index) packages;
    struct map package_ids;
    u64 brought;                      /* items that worlds have got by includes and needs */
    struct buf id;                    /* room to build one */
    VEC(str) keys;                    /* of interfaces as world items */
    VEC(u8) broken;                   /* packages in which mistakes were found */
    VEC(struct wit_type_facts) facts; /* of each type */
};
struct wit_index *wit_index_of(struct wit_resolve *r);
void wit_index_forget_worlds(struct wit_resolve *r, u32 package); /* they have other names now */
/* Like wit_find_*, but fast in large packages. WIT_NONE if absent. */
u32 wit_lookup_type(struct wit_resolve *r, u32 interface, str name);
u32 wit_lookup_item(struct wit_resolve *r, u32 package, bool world, str name);
/* Whether a borrow is in the type, which must not be in a result (Binary.md, "Type Definitions"). */
bool wit_has_borrow(struct wit_resolve *r, struct wit_type t);
/* Nor in what a stream or a future carries. Reports; true for other types. */
bool wit_check_payload(struct wit_resolve *r, u32 type);
/* Reports a type that WIT can say, but a component cannot have now. */
bool wit_check_encodable(struct wit_resolve *r, u32 type);
/* A key under which world items are equal, and that of an interface without a name of its own there. */
str wit_item_key(struct wit_resolve *r, const struct wit_world_item *item);
str wit_interface_key(struct wit_resolve *r, u32 interface);
/* The interface that an alias of another interface's type comes from, or WIT_NONE. */
u32 wit_type_dep(const struct wit_resolve *r, u32 type);
bool wit_same_stability(const struct wit_stability *a, const struct wit_stability *b);
u32 wit_find_world(const struct wit_resolve *r, u32 package, str name);

#endif
