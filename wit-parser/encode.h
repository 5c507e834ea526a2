/* encode.h - what encoding, decoding and merging of WIT share. Private to wit-parser. */
#ifndef WITC_ENCODE_H
#define WITC_ENCODE_H

#include "wit-parser.h"

#include <stdlib.h>

/* The custom sections of encoded WIT. */
#define WIT_ENCODING_SECTION  "wit-component-encoding" /* of a world: format, string encoding */
#define WIT_ENCODING_FORMAT   0x04
#define WIT_DOCS_SECTION      "package-docs" /* of a package: version, JSON */
#define WIT_DOCS_VERSION      1
#define WIT_COMPONENT_SECTION "component-type" /* of a core module; names may go on */

/* The declarators of a component or instance type that is being written. */
struct wit_decls {
    struct arena *arena;
    VEC(struct cm_decl) list;
    u32 types, instances;
};
u32 wit_decls_type(struct wit_decls *d, struct cm_type type);
u32 wit_decls_alias(struct wit_decls *d, struct cm_alias alias); /* of a type */
u32 wit_decls_extern(struct wit_decls *d, bool import, struct cm_name name,
                     struct cm_externtype type);
static inline struct cm_type wit_decls_close(const struct wit_decls *d, enum cm_def kind)
{
    return (struct cm_type){.kind = kind, .decls = d->list.data, .decl_count = d->list.len};
}

/* The interfaces that an interface uses types of, deepest first, itself last. */
struct wit_live {
    VEC(u32) order;
    bool *seen; /* by interface; all false between calls */
};
void wit_live_interfaces(const struct wit_resolve *r, struct arena *a, u32 interface,
                         struct wit_live *live);

/* Reports a package or world of which the encoding would be larger than validators allow. */
#define WIT_MAX_EFFECTIVE_SIZE 1000000u
WITC_NODISCARD bool wit_check_package_size(struct wit_resolve *r, struct arena *scratch,
                                           u32 package);
WITC_NODISCARD bool wit_check_world_size(struct wit_resolve *r, struct arena *scratch, u32 world);

/* Doc comments and stability, which component types have no room for. */
void wit_encode_docs(const struct wit_resolve *r, u32 package, struct buf *out);
WITC_NODISCARD bool wit_decode_docs(struct wit_resolve *r, u32 package, str section, span at);

/* Where the items of one graph are in another. */
struct wit_remap {
    u32 *packages, *interfaces, *worlds, *types;
};
/* Adds everything in `from` to `into`, packages after those they use and else as in `roots`, which lists them all.
 * Packages, interfaces and worlds that are there already get what they lack; what both have must be the same. */
WITC_NODISCARD bool wit_merge_graph(struct wit_resolve *into, const struct wit_resolve *from,
                                    const u32 *roots, struct wit_remap *map);
#endif
