/* text_cm.h - a component, or the type of a component, instance or module, while it is parsed (internal to the text parser).
 *
 * Definitions stay in the order of the text. What a definition refers to by name, and types written in place, become items
 * of their own just before it: types while it is parsed, aliases when it is done. */
#ifndef WITC_WASM_TEXT_CM_H
#define WITC_WASM_TEXT_CM_H

#include "text.h"

enum text_scope_kind {
    SCOPE_COMPONENT,
    SCOPE_COMPONENT_TYPE,
    SCOPE_INSTANCE_TYPE,
    SCOPE_MODULE_TYPE
};

/* Kinds of items; as sections of a component, and as declarators (see emit in text_scope.c). */
enum text_item_kind {
    TEXT_ITEM_CUSTOM = 0,
    TEXT_ITEM_CORE_MODULE = 1,
    TEXT_ITEM_CORE_INSTANCE = 2,
    TEXT_ITEM_CORE_TYPE = 3,
    TEXT_ITEM_COMPONENT = 4,
    TEXT_ITEM_INSTANCE = 5,
    TEXT_ITEM_ALIAS = 6,
    TEXT_ITEM_TYPE = 7,
    TEXT_ITEM_CANON = 8,
    TEXT_ITEM_START = 9,
    TEXT_ITEM_IMPORT = 10,
    TEXT_ITEM_EXPORT = 11,
    TEXT_ITEM_VALUE = 12,
};

/* An index as it stands in the text: `$x`, `3`, or `(func $i "f" "g")`. */
struct text_ref {
    enum cm_sort sort;
    struct text_token index;
    bool known; /* `value` is the index already */
    u32 value;
    str *names;
    u32 name_count;
};
/* The bytes of a definition, with indices that are put in when it is done. */
struct text_item {
    struct buf bytes;
    VEC(struct text_hole {
        u32 at;
        bool is_signed;
        struct text_ref ref;
    })
    holes;
};

/* What is known of a component type, to encode values of it. */
struct text_shape {
    u8 kind; /* enum cm_def */
    u8 prim; /* DEF_PRIM */
    const str *labels;
    u32 count, length;                  /* children, or labels; DEF_FIXED_LIST */
    const struct text_shape **children; /* NULL where there is none, or it is not known */
};

struct text_export {
    str name;
    struct buf attributes;
    enum cm_sort sort;
    u32 index;
};

struct text_scope {
    enum text_scope_kind kind;
    struct text_scope *parent; /* of a spare one: the next */
    struct text_parser *p;
    str id, name;
    struct text_names names[SORT_COUNT];
    struct text_namemap shown[SORT_COUNT];
    u32 count[SORT_COUNT];
    struct buf *out;               /* SCOPE_COMPONENT: the binary */
    struct buf section;            /* the section at hand, or all declarators */
    VEC(struct text_place) places; /* of items in it */
    u8 section_kind;
    u32 section_count;                     /* items in it */
    VEC(struct text_export) exports;       /* inline ones, written at the end */
    VEC(const struct text_shape *) shapes; /* of the type index space */
    struct text_types types;               /* for core types in it */
    /* module types only */
    VEC(struct text_type_info) type_info;
    struct text_names signatures; /* of the function types that were declared, to their index */
};

/* text_scope.c */
struct text_scope *text_scope_new(struct text_parser *p, enum text_scope_kind kind,
                                  struct text_scope *parent, str id);
/* Nothing of it may be used any more. */
void text_scope_end(struct text_scope *s);
struct text_item text_item_new(struct text_scope *s);
void text_item_ref(struct text_item *item, struct text_ref ref, bool is_signed);
void text_item_append(struct text_item *item, const struct text_item *part);
/* Resolves the holes (which may emit aliases) and adds the item to the scope. */
void text_emit(struct text_scope *s, enum text_item_kind kind, struct text_item *item);
void text_flush(struct text_scope *s);
/* The next index of a sort, bound to a name if there is one. */
u32 text_define(struct text_scope *s, enum cm_sort sort, struct text_token at, str id, str shown);
u32 text_resolve(struct text_scope *s, const struct text_ref *ref);
/* The name or number of an enclosing scope: how far out it is. */
u32 text_outer_scope(struct text_scope *s, struct text_scope **out);
u32 text_lookup(struct text_scope *s, enum cm_sort sort, struct text_token at);
bool text_is_outer_sort(enum cm_sort sort); /* may an outer alias be of it? */
/* Takes `core? KEYWORD`. `in_core`: the sorts are core ones anyhow. */
bool text_take_sort(struct text_parser *p, bool in_core, enum cm_sort *sort);
/* Takes an index of a sort: plain, or in parentheses with its sort. */
struct text_ref text_take_ref(struct text_scope *s, enum cm_sort sort);
/* Only in parentheses. */
struct text_ref text_take_sort_ref(struct text_scope *s, enum cm_sort sort);
/* Of a core sort, where texts of before July 2026 leave out `core`: `(realloc (func $f))`. */
struct text_ref text_take_older_ref(struct text_scope *s, enum cm_sort sort);
/* What follows `(memory`, where those texts name an export without parentheses: `(memory $i "mem")`. */
struct text_ref text_take_memory_ref(struct text_scope *s);
/* The same in a core definition, where the sort goes without `core`. */
struct text_ref text_take_core_ref(struct text_scope *s, enum cm_sort sort);
/* Takes `(sort index names*)`, of any sort. */
struct text_ref text_take_any_ref(struct text_scope *s, bool in_core);
/* `index names*`, after the sort */
struct text_ref text_take_plain_ref(struct text_scope *s, enum cm_sort sort);
static inline struct text_ref text_known_ref(enum cm_sort sort, u32 index)
{
    return (struct text_ref){.sort = sort, .known = true, .value = index};
}

/* text_cm_types.c: component types */
/* Takes a value type; compound ones become a type of their own. */
const struct text_shape *text_cm_valtype(struct text_scope *s, struct text_item *item);
/* What follows `(type id?` and inline exports: the definition, or the target of an alias. */
void text_type_body(struct text_scope *s, str id, const struct text_shape **shape);
/* `(type x)`, or a function, component, instance or module type written in place, which becomes a type of its own. */
struct text_ref text_cm_typeuse(struct text_scope *s, enum cm_sort sort);
/* What follows `(sort id?` in a declaration. */
void text_externtype(struct text_scope *s, struct text_item *item, enum cm_sort sort,
                     const struct text_shape **shape);
/* Fields of components and of their types alike; their `(` and keyword are taken, their `)` is not. */
void text_type_field(struct text_scope *s);
void text_import_field(struct text_scope *s);
/* `"name" attributes*`, with its form byte. */
void text_extern_name(struct text_scope *s, struct buf *out);
void text_set_shape(struct text_scope *s, const struct text_shape *shape); /* of the last type */

/* text_cm_core.c: core types in components, aliases */
/* Takes `type` or `rec` and the definition, if one is there. */
bool text_core_type_field(struct text_scope *s);
u32 text_module_type(struct text_scope *s, str id); /* declarators of an in-place module type */
void text_alias_field(struct text_scope *s);
/* `(alias ...)` after `(sort id?`: emits it; the caller defines the index. False if none is there. */
bool text_inverted_alias(struct text_scope *s, enum cm_sort sort, const struct text_shape **shape);

/* text_canon.c */
/* `(canon ...)` as a field. */
void text_canon_field(struct text_scope *s);
/* `(canon ...)` within `(core func id? ...)`; the "(canon" is taken, and its `)` not. Emits the item. */
void text_canon_core_func(struct text_scope *s);
/* `lift ...` of `(func id? type (canon lift ...))`; "(canon" is taken. */
void text_canon_lift(struct text_scope *s, struct text_ref type);

/* text_value.c */
/* Takes a value of a type and appends its bytes. */
void text_value(struct text_parser *p, const struct text_shape *shape, struct buf *out);

#endif
