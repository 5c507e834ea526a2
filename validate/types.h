/* types.h - interned component types: what the files of validate/ share about components. */
#ifndef WITC_VALIDATE_TYPES_H
#define WITC_VALIDATE_TYPES_H

#include "validate_internal.h"

/* ---- Small maps of numbers ------------------------------------------------------------------------- */

struct validate_numbers {
    u32 *slots; /* key + 1, value, key + 1, ...; 0 = empty */
    u32 len, cap;
};
u32 validate_numbers_get(const struct validate_numbers *m, u32 key); /* VALIDATE_NONE if absent */
void validate_numbers_put(struct arena *a, struct validate_numbers *m, u32 key, u32 value);
static inline bool validate_numbers_has(const struct validate_numbers *m, u32 key)
{
    return validate_numbers_get(m, key) != VALIDATE_NONE;
}

/* ---- The table of types ------------------------------------------------------------------------------ */

struct validate_resource {
    wasm_valtype rep;  /* WASM_NONE: unknown, it was imported or belongs to another component */
    const void *scope; /* the scope that defined it, NULL if none did */
};
struct validate_types {
    struct arena *arena;
    struct validate_store *store;
    VEC(struct validate_type) list;
    struct map interned;
    struct buf key;
    VEC(struct validate_resource) resources;
    u32 tags; /* handed out so far; 0 is none */
    validate_id prims[0x80];
    bool leaves_bodies; /* validate_leave_bodies */
    u64 work;           /* of the component under way */
    u64 parts;          /* types and what they consist of */
    bool exhausted;     /* one of the limits was met: what was made since then means nothing */
    /* Types that were looked through for free resources -> 1 if there are none. */
    struct validate_numbers closed;
    struct map gc_pairs; /* component and core types that fit under the option `gc` */
    struct map spaces;   /* address of a component -> index below */
    VEC(struct validate_spaces) space_list;
};

/* Counts n visits; false when that is enough. */
static inline bool validate_work(struct validate_types *t, u32 n)
{
    t->work += n;
    t->exhausted |= t->work > VALIDATE_MAX_WORK;
    return !t->exhausted;
}

/* The names that an instantiation goes over; one takes far less than a visit. */
static inline bool validate_work_names(struct validate_types *t, u32 names)
{
    return validate_work(t, 1 + names / 8);
}

u32 validate_new_resource(struct validate_types *t, wasm_valtype rep, const void *scope);
/* The same type with a name of its own. */
validate_id validate_with_tag(struct validate_types *t, validate_id id, u32 tag);
/* What a function, instance or component of the type has: the type without the name. */
validate_id validate_untagged(struct validate_types *t, validate_id id);
/* Records, variants, flags and enums: imports and exports can only show them by name. */
bool validate_needs_name(const struct validate_type *def);
validate_id validate_resource_type(struct validate_types *t, u32 resource, u32 tag);
/* Is it a type that values have? */
bool validate_is_value(const struct validate_type *def);

/* Both names of an import of a core module in one. */
str validate_import_key(struct arena *a, const struct wasm_import *x);

/* Replaces resources and tags by others. */
struct validate_substitution {
    struct validate_types *types;
    struct validate_numbers resources; /* from -> to */
    struct validate_numbers tags;      /* from -> to */
    struct validate_numbers memo;      /* types done */
    struct arena *scratch;             /* lives as long as the memo */
};
validate_id validate_substitute(struct validate_substitution *s, validate_id id);
/* An instance type whose bound resources are replaced by new ones, which are added to `fresh`. */
typedef VEC(u32) validate_ids;
validate_id validate_open(struct validate_types *t, validate_id instance, validate_ids *fresh,
                          struct arena *fresh_arena);
/* Adds the resources that a type mentions and does not bind to `out`, each once, in order of appearance. */
void validate_free_resources(struct validate_types *t, validate_id id,
                             struct validate_numbers *seen, struct validate_numbers *found,
                             struct arena *a, validate_ids *out);
u32 validate_find_index(const struct validate_item *items, u32 count, const struct map *index,
                        str name);

/* ---- Names ------------------------------------------------------------------------------------------------ */

bool validate_is_label(str s);
bool validate_is_canonical_version(str s);
struct validate_name validate_parse_interface(str name, struct features f, const char **reason);

/* The export of a DEF_MODULE; NULL if there is none. */
const struct validate_core_export *validate_find_core_export(const struct validate_types *t,
                                                             validate_id module, str name);

static inline bool validate_is_handle(const struct validate_type *def)
{
    return def->kind == DEF_OWN || def->kind == DEF_BORROW;
}

/* Of the type itself, not that of the resource. */
static inline u32 validate_own_tag(const struct validate_type *def)
{
    return validate_is_handle(def) ? def->handle_tag : def->tag;
}

static inline const struct validate_type *validate_at(const struct validate_types *t, u32 id)
{
    return &t->list.data[id];
}

#endif
