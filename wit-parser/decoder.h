/* decoder.h - what the parts of the decoder share. Private to decode.c and decode_types.c. */
#ifndef WITC_DECODER_H
#define WITC_DECODER_H

#include "decode.h"

struct iface_names {
    struct map types, funcs; /* type index; index into the interface's functions */
    bool complete;           /* the interface's own definition was read */
};
struct decoder {
    struct wit_resolve *r; /* the graph of this binary */
    struct arena *arena;
    struct diags *diags;
    struct dec_eval eval;
    struct map packages, interfaces; /* by id */
    VEC(u32) foreign;                /* packages in the order in which imports name them */
    VEC(struct iface_names) names;   /* by interface */
    struct map world_types;          /* of the world at work: type index */
    struct map world_imports, world_exports;
    u32 depth;
    bool is_component; /* the world is read off a component, not one that somebody wrote */
};

/* Reports; always false. */
bool wit_decode_fail(struct decoder *d, span at, const char *format, ...) WITC_PRINTF(3, 4);
bool wit_decode_is_label(str s);
WITC_NODISCARD bool wit_decode_label(struct decoder *d, str s, span at);

/* ---- Types and functions (decode_types.c) ------------------------------------------------------------ */

/* A named type: an alias of what has a name already, else a definition. */
WITC_NODISCARD bool wit_decode_type(struct decoder *d, const struct dec_named *x,
                                    struct wit_owner owner, u32 *out);
/* A resource that no WIT type stands for yet? */
bool wit_decode_is_new_resource(const struct dec_type *t);
/* Does a definition that comes again say the same as what is there? From then on `t` stands for the type. */
WITC_NODISCARD bool wit_decode_same_type(struct decoder *d, u32 wit, struct dec_type *t);
WITC_NODISCARD bool wit_decode_same_func(struct decoder *d, const struct wit_func *f,
                                         const struct dec_type *t);
/* `types` has the resources that its name may speak of. */
WITC_NODISCARD bool wit_decode_func(struct decoder *d, const struct dec_named *x,
                                    const struct map *types, struct wit_func *f);

#endif
