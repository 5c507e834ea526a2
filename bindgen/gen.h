/* gen.h - what the parts of the C generator share.
 *
 * One pass over the world in the order of its items writes into one buffer for each section of the output;
 * bindgen.c puts the sections together. What is known of a type is computed once, when the walk reaches it after
 * everything it is made of, so no function here recurses over the structure of types without a bound.
 */
#ifndef WITC_BINDGEN_GEN_H
#define WITC_BINDGEN_GEN_H

#include "bindgen.h"

/* ---- Flat core types ------------------------------------------------------------------------------ */

/* A flat core type as the C prototypes tell it: pointers and lengths are kept apart from numbers. */
enum flat_kind {
    FLAT_I32,
    FLAT_I64,
    FLAT_F32,
    FLAT_F64,
    FLAT_POINTER,
    FLAT_LENGTH,
    FLAT_POINTER64, /* a pointer joined with a 64-bit number */
};
#define FLAT_MAX  16
#define FLAT_OVER 17 /* more than any signature holds */

struct flats {
    u32 count; /* 0..FLAT_MAX, or FLAT_OVER */
    enum flat_kind kinds[FLAT_MAX];
};

/* ---- Types -------------------------------------------------------------------------------------------- */

struct type_info {
    bool known;
    bool shared;      /* anonymous and made of primitives only: belongs to the world */
    bool owns_memory; /* has strings, lists or maps within */
    bool owns_handle; /* has own handles, streams or futures within */
    bool borrows;     /* has borrows of imported resources within, outside lists */
    bool borrows_in_list;
    u32 depth;                 /* of nesting */
    struct type_info *same_as; /* an equal anonymous type that is defined, if not this one */
    bool exported;             /* RESOURCE: defined by this component */
    str encoded;               /* its part in the names of anonymous types */
    str structure;             /* anonymous: equal for types that are the same in C */
    str name;                  /* the C type */
    str free_fn;               /* frees its memory; empty if there is none */
    str own, borrow, drop; /* RESOURCE: the C types of its handles, the raw import that drops one */
    str drop_fn;           /* RESOURCE, STREAM, FUTURE: the C function that drops an owned handle */
    bool drop_offered;     /* bindgen_drop_borrow has been called for what is within */
    bool drop_borrow_done; /* RESOURCE: imported, the function that drops a borrow is there */
    str drop_borrow_fn;
    struct flats flats;
};

struct definition {
    u32 type;
    struct type_info *info;
};

/* An interface of the world, by index. */
struct role {
    bool used, exported;
    str ns;     /* prefix of its C names */
    str module; /* its name in the component */
};

/* ---- The generator ---------------------------------------------------------------------------------------- */

struct gen {
    struct wit_resolve *r;
    struct arena *arena;
    struct diags *diags;
    const struct bindgen_options *options;
    u32 world;
    str world_name;                 /* as given */
    str snake, shouty;              /* of world_name */
    struct role *roles;             /* by interface */
    struct type_info **infos;       /* by type */
    VEC(struct definition) defined; /* in the order of the header */
    struct map anonymous;           /* C name of an anonymous type -> index in `defined` */
    u32 dropped;                    /* definitions that have their helpers that drop */
    struct map symbols;             /* every public C name */
    bool *sync_used;

    /* Where the walk is. */
    u32 interface; /* WIT_NONE: the world itself */
    bool exporting;
    str ns;
    str module;

    bool failed;
    bool needs_string, needs_async, needs_error_context;
    bool needs_union[4];
    u32 area_size, area_align; /* of the static area for results of exports */

    struct buf h_defs, h_fns, h_helpers, h_async;
    struct buf c_defs, c_fns, c_post, c_helpers, c_adapters, c_async;
};

/* Appends `template` with $0 .. $9 replaced by the given views. */
void bindgen_put(struct buf *b, const char *template, const str *args, u32 n);
#define PUT(b, template, ...)                                \
    bindgen_put((b), (template), (const str[]){__VA_ARGS__}, \
                sizeof((const str[]){__VA_ARGS__}) / sizeof(str))
/* Doc comments. */
void bindgen_docs(struct buf *b, str docs, const char *indent);

/* ---- names.c ------------------------------------------------------------------------------------------------ */

str bindgen_snake(struct arena *a, str name);
str bindgen_shouty(struct arena *a, str name);
/* A parameter or field: snake case, with `_` behind what C or C++ reserves. */
str bindgen_identifier(struct arena *a, str name);
bool bindgen_is_identifier(str s);
/* Takes a public name, changed by a number if it is taken; `what` says for whom, in the warning. */
str bindgen_claim(struct gen *g, str name, span at, str what);
/* Fills g->roles. False when two things cannot be told apart or a rename fits nothing. */
bool bindgen_assign_roles(struct gen *g);
/* "ns_func" of a function at the place of the walk. */
str bindgen_function_name(struct gen *g, const struct wit_func *f);

/* Names local to one C function. */
struct locals {
    struct gen *g;
    struct map taken;
    u32 counter; /* of the numbers behind names */
};
/* `name`, or with a number behind it. */
str bindgen_local(struct locals *l, str name);

/* ---- types.c -------------------------------------------------------------------------------------------------- */

/* Defines what is not defined yet of a type and all it is made of. */
void bindgen_define(struct gen *g, struct wit_type t);
const struct type_info *bindgen_info(const struct gen *g,
                                     struct wit_type t); /* NULL: a primitive */
str bindgen_type_name(struct gen *g, struct wit_type t);
/* The C type of the elements of a string, list or map. */
str bindgen_element_type(struct gen *g, struct wit_type t);
/* How a parameter or result of the type goes in C: by pointer? */
bool bindgen_by_pointer(const struct gen *g, struct wit_type t);
/* The structure behind named types: the alias target, its kind and definition (NULL for primitives). */
const struct wit_typedef *bindgen_def(const struct gen *g, struct wit_type t);
enum wit_kind bindgen_kind(const struct gen *g, struct wit_type t);
/* Forgets the types that exported interfaces define anew: all but those of the imported interfaces they use. */
void bindgen_forget_types(struct gen *g);
/* What is known of the type whose definition stands for this one. */
struct type_info *bindgen_definition(struct gen *g, struct wit_type t);
bool bindgen_owns_memory(const struct gen *g, struct wit_type t);
/* Statement that frees the memory within `expr` (a pointer), or nothing. */
void bindgen_free(struct gen *g, struct buf *b, struct wit_type t, str expr, const char *indent);
/* The helpers that drop handles in aggregates, for what has been defined since the last call; after the functions. */
void bindgen_drop_helpers(struct gen *g);
const char *bindgen_int_type(u32 bytes);

/* ---- resources.c ---------------------------------------------------------------------------------------------- */

void bindgen_resource(struct gen *g, u32 type);
/* The function that drops a borrow of an imported resource, unless it is there. */
void bindgen_drop_borrow(struct gen *g, u32 type);

/* ---- flat.c --------------------------------------------------------------------------------------------------- */

const char *bindgen_flat_type(enum flat_kind k); /* the C type */
void bindgen_flats_append(struct flats *to, const struct flats *more);
void bindgen_flats_join(struct flats *variant, const struct flats *payload);
void bindgen_flats_of(const struct gen *g, struct wit_type t, struct flats *out);

struct code {
    struct gen *g;
    struct buf *b;
    struct locals *locals;
    u32 indent;
    u32 nesting; /* of braces within a statement */
    u32 budget;  /* statements left */
};
/* Flat values of the C value `expr`; writes statements for what is no expression. out has room for FLAT_MAX. */
void bindgen_lower_flat(struct code *c, struct wit_type t, str expr, str *out, u32 *n);
/* The C expression of a value that comes in flat values; writes statements for what is no expression. *at moves over
 * them. */
str bindgen_lift_flat(struct code *c, struct wit_type t, const str *values,
                      const enum flat_kind *kinds, u32 *at);
/* The unions that the expressions above need. */
void bindgen_put_unions(struct gen *g, struct buf *b);
void bindgen_line(struct code *c, const char *template, const str *args, u32 n);
#define LINE(c, template, ...)                                \
    bindgen_line((c), (template), (const str[]){__VA_ARGS__}, \
                 sizeof((const str[]){__VA_ARGS__}) / sizeof(str))
/* "(expr).field" */
str bindgen_member(struct gen *g, str expr, str field);

/* ---- functions.c ------------------------------------------------------------------------------------------------ */

struct c_param {
    str name;
    bool pointer;  /* *name is the value */
    bool optional; /* the C parameter is a pointer that may be NULL, named `outer` */
    str outer;
};
enum c_return { RETURN_VOID, RETURN_VALUE, RETURN_OPTION, RETURN_RESULT };
/* A function as C sees it. */
struct c_sig {
    str name;
    str text; /* the prototype without the semicolon */
    struct c_param *params;
    enum c_return how;
    bool ret_pointer; /* RETURN_VOID with a result: through a last parameter */
    str ret, err;     /* names of the pointers for results; empty if there is none */
    bool is_async;
    str args; /* async import: the parameter that points to all arguments; else empty */
};
/* Flat parameters and result of the core function. */
struct core_sig {
    struct flats params; /* one pointer if indirect */
    bool indirect;
    bool ret_area; /* the result goes through memory */
    struct flats result;
};

/* Is the function to be bound asynchronously? */
bool bindgen_is_async(struct gen *g, const struct wit_func *f);
struct c_sig bindgen_signature(struct gen *g, const struct wit_func *f, bool is_async);
struct core_sig bindgen_core_signature(struct gen *g, const struct wit_func *f, bool is_async);
void bindgen_prototype(struct buf *b, str result, str name, const struct flats *params,
                       str last_pointer);

/* ---- import.c, export.c ----------------------------------------------------------------------------------------- */

void bindgen_import(struct gen *g, const struct wit_func *f);
void bindgen_export(struct gen *g, const struct wit_func *f);

/* ---- async.c ------------------------------------------------------------------------------------------------------ */

void bindgen_async_helpers(struct gen *g);
/* Takes the names of the helper block, so that no function gets one of them. */
void bindgen_reserve_async_names(struct gen *g);
void bindgen_threading_helpers(struct gen *g);
void bindgen_error_context_helpers(struct gen *g);
/* Functions of the streams and futures that a signature mentions. */
void bindgen_payloads(struct gen *g, const struct wit_func *f);

/* ---- object.c ----------------------------------------------------------------------------------------------------- */

/* The relocatable object with the custom section. */
void bindgen_object(struct gen *g, str type_section, struct buf *out);

#endif
