/* decode.h - components and component types seen as scopes of entities, for decoding WIT. Private to wit-parser.
 *
 * A component is evaluated: its items run in order, an instantiation runs the body of its component
 * with the arguments bound. What remains are instances: lists of named entities with their types. The
 * binary need not be valid; whatever goes out of bounds is reported.
 */
#ifndef WITC_DECODE_H
#define WITC_DECODE_H

#include "wit-parser.h"

struct dec_scope;

/* A place in a type index space. Each import and export of a type makes a new one. */
struct dec_type {
    const struct cm_type
        *def; /* that of the end of the chain of aliases; NULL: an abstract resource */
    struct dec_scope *scope; /* where the indices in `def` point */
    struct dec_type *alias_of;
    u32 wit;  /* the WIT type that stands for it + 1; 0: none yet */
    u32 same; /* the WIT type that it was last compared with + 1 */
};

struct dec_instance;
struct dec_component;
struct dec_entity {
    enum cm_sort sort;     /* SORT_TYPE, FUNC, INSTANCE, COMPONENT; others carry nothing */
    struct dec_type *type; /* SORT_TYPE: itself; SORT_FUNC: its type */
    struct dec_instance *instance;
    struct dec_component *component;
};
struct dec_named {
    struct cm_name name;
    struct dec_entity what;
    span at;
};
typedef VEC(struct dec_named) dec_names;

struct dec_instance {
    dec_names exports;
    struct map by_name; /* made at first need */
};
struct dec_component {
    const struct wasm_component *body; /* or ... */
    const struct cm_type *type;        /* ... a component type */
    struct dec_scope *parent;
};
/* What running a component (type) leaves. */
struct dec_surface {
    dec_names imports, exports;
};

struct dec_eval {
    struct arena *arena;
    struct diags *diags;
    u32 source;
    u64 steps; /* definitions that may still be evaluated or compared */
    u32 depth;
};

void wit_eval_init(struct dec_eval *e, struct wit_resolve *r, u32 source, u64 size);
/* Runs a whole component; its imports are taken as declared. */
WITC_NODISCARD bool wit_eval_component(struct dec_eval *e, const struct wasm_component *c,
                                       struct dec_surface *out);
/* Runs a component type. */
WITC_NODISCARD bool wit_eval_component_type(struct dec_eval *e, const struct dec_component *c,
                                            struct dec_surface *out);
/* One more step of work; false after a diagnostic if there were too many. */
WITC_NODISCARD bool wit_eval_step(struct dec_eval *e, span at);
/* The type at `index` of a scope; NULL after a diagnostic. */
struct dec_type *wit_eval_type(struct dec_eval *e, const struct dec_scope *s, u32 index, span at);

/* Can WIT say what was decoded into the graph? Reports why not. */
bool wit_decoded_is_wit(const struct wit_resolve *r, struct arena *a, struct diags *d);

#endif
