/* store.c - canonical core types: recursion groups are interned, so that equal types have equal ids whatever
 * module they come from, and the subtype relation on them. */
#include "validate_internal.h"

/* In the key of a group, a reference to a member of the group itself is its position with this bit set; ids stay
 * below it. */
#define MEMBER_BIT (1u << 20)
_Static_assert(WASM_MAX_TYPES <= MEMBER_BIT, "ids and members of a group must not overlap");

struct validate_store *validate_store_new(struct arena *a)
{
    struct validate_store *s = arena_new(a, struct validate_store);
    s->arena = a;
    s->key = buf_in(a);
    validate_store_make_rows(s);
    return s;
}

const struct wasm_type *validate_store_type(const struct validate_store *s, u32 id)
{
    return &s->types.data[id];
}

u32 validate_store_size(const struct validate_store *s)
{
    return s->types.len;
}

u32 validate_type_depth(const struct validate_store *s, u32 id)
{
    return s->depths.data[id];
}

u32 validate_type_ancestor(const struct validate_store *s, u32 id, u32 depth)
{
    return s->ancestors.data[s->chains.data[id] + depth];
}

bool validate_is_subtype(const struct validate_store *s, u32 sub, u32 super)
{
    return sub == super || (validate_type_depth(s, super) < validate_type_depth(s, sub) &&
                            validate_type_ancestor(s, sub, validate_type_depth(s, super)) == super);
}

wasm_valtype validate_canonicalize(const u32 *ids, wasm_valtype t)
{
    if (!wasm_is_ref(t) || !wasm_is_concrete(t))
        return t;
    return wasm_ref_concrete(ids[wasm_heap_of(t)], wasm_is_nullable(t)) | (t & WASM_REF_EXACT);
}

/* ---- Interning ---------------------------------------------------------------------------------- */

/* A recursion group to be interned: it takes the type indices from `start` on. */
struct group {
    const struct wasm_type *types;
    u32 start, count;
    const u32 *ids; /* of the indices below start; NULL: they are canonical already */
    u32 members;    /* what a reference to member 0 becomes: MEMBER_BIT in keys, then its id */
};

static u32 resolve_index(const struct group *g, u32 index)
{
    if (index >= g->start)
        return index - g->start + g->members;
    return g->ids ? g->ids[index] : index;
}

static wasm_valtype resolve_valtype(const struct group *g, wasm_valtype t)
{
    if (!wasm_is_ref(t) || !wasm_is_concrete(t))
        return t;
    return wasm_ref_concrete(resolve_index(g, wasm_heap_of(t)), wasm_is_nullable(t)) |
           (t & WASM_REF_EXACT);
}

static void key_word(struct buf *b, u32 word)
{
    buf_put(b, &word, sizeof word);
}

static void key_type(struct buf *b, const struct group *g, const struct wasm_type *t)
{
    key_word(b, (u32)t->kind | (u32)t->is_final << 8 | (u32)t->has_super << 9 |
                    (u32)t->is_shared << 10 | (u32)t->has_describes << 11 |
                    (u32)t->has_descriptor << 12);
    if (t->has_super)
        key_word(b, resolve_index(g, t->super));
    if (t->has_describes)
        key_word(b, resolve_index(g, t->describes));
    if (t->has_descriptor)
        key_word(b, resolve_index(g, t->descriptor));
    switch (t->kind) {
    case COMPTYPE_FUNC:
        key_word(b, t->func.param_count);
        key_word(b, t->func.result_count);
        for (u32 i = 0; i < t->func.param_count; i++)
            key_word(b, resolve_valtype(g, t->func.params[i]));
        for (u32 i = 0; i < t->func.result_count; i++)
            key_word(b, resolve_valtype(g, t->func.results[i]));
        break;
    case COMPTYPE_STRUCT:
    case COMPTYPE_ARRAY:
        key_word(b, t->field_count);
        for (u32 i = 0; i < t->field_count; i++) {
            key_word(b, resolve_valtype(g, t->fields[i].type));
            key_word(b, t->fields[i].is_mutable);
        }
        break;
    case COMPTYPE_CONT: key_word(b, resolve_index(g, t->cont)); break;
    }
}

static const wasm_valtype *copy_valtypes(struct arena *a, const struct group *g,
                                         const wasm_valtype *types, u32 n)
{
    wasm_valtype *copy = arena_array(a, wasm_valtype, n);
    for (u32 i = 0; i < n; i++)
        copy[i] = resolve_valtype(g, types[i]);
    return copy;
}

static void copy_type(struct validate_store *s, const struct group *g, const struct wasm_type *t)
{
    struct wasm_type *out = vec_push(s->arena, &s->types);
    *out = *t;
    out->at = (span){0, 0, 0};
    out->rec_start = g->members;
    out->rec_count = g->count;
    if (t->has_super)
        out->super = resolve_index(g, t->super);
    if (t->has_describes)
        out->describes = resolve_index(g, t->describes);
    if (t->has_descriptor)
        out->descriptor = resolve_index(g, t->descriptor);
    if (t->kind == COMPTYPE_FUNC) {
        out->func.params = copy_valtypes(s->arena, g, t->func.params, t->func.param_count);
        out->func.results = copy_valtypes(s->arena, g, t->func.results, t->func.result_count);
    } else if (t->kind == COMPTYPE_CONT) {
        out->cont = resolve_index(g, t->cont);
    } else {
        struct wasm_field *fields = arena_array(s->arena, struct wasm_field, t->field_count);
        for (u32 i = 0; i < t->field_count; i++) {
            fields[i] = t->fields[i];
            fields[i].type = resolve_valtype(g, t->fields[i].type);
        }
        out->fields = fields;
    }
}

static void add_chain(struct validate_store *s, u32 id)
{
    const struct wasm_type *t = &s->types.data[id];
    u32 depth = t->has_super ? s->depths.data[t->super] + 1 : 0;
    u32 above = t->has_super ? s->chains.data[t->super] : 0;
    *vec_push(s->arena, &s->depths) = depth;
    *vec_push(s->arena, &s->chains) = s->ancestors.len;
    for (u32 i = 0; i < depth; i++) {
        u32 ancestor = s->ancestors.data[above + i];
        *vec_push(s->arena, &s->ancestors) = ancestor;
    }
    *vec_push(s->arena, &s->ancestors) = id;
}

static bool intern(struct validate_store *s, struct group *g, u32 limit, u32 *first)
{
    s->key.len = 0;
    key_word(&s->key, g->count);
    g->members = MEMBER_BIT;
    for (u32 i = 0; i < g->count; i++)
        key_type(&s->key, g, &g->types[i]);
    *first = map_get(&s->groups, buf_view(&s->key));
    if (*first != MAP_NONE)
        return true;
    if (s->types.len + (u64)g->count > limit)
        return false;
    *first = g->members = s->types.len;
    map_put(s->arena, &s->groups, str_dup(s->arena, buf_view(&s->key)), *first);
    for (u32 i = 0; i < g->count; i++) {
        copy_type(s, g, &g->types[i]);
        add_chain(s, *first + i);
    }
    return true;
}

bool validate_store_add(struct validate_store *s, const struct wasm_type *types, u32 start,
                        u32 count, u32 *ids)
{
    struct group g = {.types = types, .start = start, .count = count, .ids = ids};
    u32 first;
    if (!intern(s, &g, WASM_MAX_TYPES, &first))
        return false;
    for (u32 i = 0; i < count; i++)
        ids[start + i] = first + i;
    return true;
}

static u32 add_functype(struct validate_store *s, const struct wasm_functype *type, bool is_shared,
                        u32 limit)
{
    struct wasm_type t = {
        .kind = COMPTYPE_FUNC, .is_final = true, .is_shared = is_shared, .func = *type};
    struct group g = {.types = &t, .start = UINT32_MAX, .count = 1};
    u32 first;
    return intern(s, &g, limit, &first) ? first : VALIDATE_NONE;
}

u32 validate_store_functype(struct validate_store *s, const struct wasm_functype *type)
{
    return add_functype(s, type, false, MEMBER_BIT);
}

u32 validate_store_maybe_shared(struct validate_store *s, const struct wasm_functype *type,
                                bool is_shared)
{
    return add_functype(s, type, is_shared, WASM_MAX_TYPES);
}

/* ---- Subtypes ------------------------------------------------------------------------------------ */

static bool abstract_matches(enum wasm_heap sub, enum wasm_heap super)
{
    if (sub == super)
        return true;
    switch (super) {
    case HEAP_ANY:
        return sub == HEAP_EQ || sub == HEAP_I31 || sub == HEAP_STRUCT || sub == HEAP_ARRAY ||
               sub == HEAP_NONE;
    case HEAP_EQ:
        return sub == HEAP_I31 || sub == HEAP_STRUCT || sub == HEAP_ARRAY || sub == HEAP_NONE;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY: return sub == HEAP_NONE;
    case HEAP_FUNC: return sub == HEAP_NOFUNC;
    case HEAP_EXTERN: return sub == HEAP_NOEXTERN;
    case HEAP_EXN: return sub == HEAP_NOEXN;
    case HEAP_CONT: return sub == HEAP_NOCONT;
    default: return false;
    }
}

/* The abstract type right above a concrete one. */
static enum wasm_heap kind_heap(const struct validate_store *s, u32 id)
{
    switch (s->types.data[id].kind) {
    case COMPTYPE_FUNC: return HEAP_FUNC;
    case COMPTYPE_STRUCT: return HEAP_STRUCT;
    case COMPTYPE_ARRAY: return HEAP_ARRAY;
    case COMPTYPE_CONT: return HEAP_CONT;
    }
    return HEAP_NONE;
}

enum wasm_heap validate_heap_top(const struct validate_store *s, wasm_valtype t)
{
    u32 heap = wasm_heap_of(t);
    switch (wasm_is_concrete(t) ? kind_heap(s, heap) : (enum wasm_heap)heap) {
    case HEAP_FUNC:
    case HEAP_NOFUNC: return HEAP_FUNC;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN: return HEAP_EXTERN;
    case HEAP_EXN:
    case HEAP_NOEXN: return HEAP_EXN;
    case HEAP_CONT:
    case HEAP_NOCONT: return HEAP_CONT;
    default: return HEAP_ANY;
    }
}

static enum wasm_heap heap_bottom(enum wasm_heap top)
{
    switch (top) {
    case HEAP_FUNC: return HEAP_NOFUNC;
    case HEAP_EXTERN: return HEAP_NOEXTERN;
    case HEAP_EXN: return HEAP_NOEXN;
    case HEAP_CONT: return HEAP_NOCONT;
    default: return HEAP_NONE;
    }
}

bool validate_is_shared(const struct validate_store *s, wasm_valtype ref)
{
    return wasm_is_concrete(ref) ? s->types.data[wasm_heap_of(ref)].is_shared
                                 : wasm_is_shared_ref(ref);
}

bool validate_heap_matches(const struct validate_store *s, wasm_valtype sub, wasm_valtype super)
{
    u32 low = wasm_heap_of(sub), high = wasm_heap_of(super);
    if (sub == VALIDATE_REF_BOTTOM)
        return true;
    if (validate_is_shared(s, sub) != validate_is_shared(s, super))
        return false;
    if (wasm_is_concrete(super)) {
        if (!wasm_is_concrete(sub))
            return low == (u32)heap_bottom(validate_heap_top(s, super));
        if (super & WASM_REF_EXACT)
            return (sub & WASM_REF_EXACT) && low == high;
        return validate_is_subtype(s, low, high);
    }
    if (wasm_is_concrete(sub))
        return abstract_matches(kind_heap(s, low), (enum wasm_heap)high);
    return abstract_matches((enum wasm_heap)low, (enum wasm_heap)high);
}

bool validate_is_funcref(const struct validate_store *s, wasm_valtype t)
{
    wasm_valtype shared = wasm_is_ref(t) && validate_is_shared(s, t) ? WASM_REF_SHARED : 0;
    return validate_valtype_matches(s, t, WASM_FUNCREF | shared);
}

bool validate_valtype_matches(const struct validate_store *s, wasm_valtype sub, wasm_valtype super)
{
    if (sub == super || sub == WASM_BOTTOM)
        return true;
    if (!wasm_is_ref(sub) || !wasm_is_ref(super))
        return false;
    if (wasm_is_nullable(sub) && !wasm_is_nullable(super))
        return false;
    return validate_heap_matches(s, sub, super);
}

bool validate_limits_match(const struct wasm_limits *sub, const struct wasm_limits *super)
{
    return sub->is_64 == super->is_64 && sub->is_shared == super->is_shared &&
           sub->min >= super->min && (!super->has_max || (sub->has_max && sub->max <= super->max));
}

static u32 page_size(const struct wasm_limits *l)
{
    return l->has_page_size ? l->page_size_log2 : 16;
}

bool validate_import_matches(const struct validate_store *s, const struct wasm_externtype *sub,
                             const struct wasm_externtype *super)
{
    if (sub->kind != super->kind)
        return false;
    switch (sub->kind) {
    case EXTERN_FUNC:
        return super->exact ? sub->exact && sub->type == super->type
                            : validate_is_subtype(s, sub->type, super->type);
    case EXTERN_TABLE:
        return sub->table.element == super->table.element &&
               validate_limits_match(&sub->table.limits, &super->table.limits);
    case EXTERN_MEMORY:
        return page_size(&sub->memory) == page_size(&super->memory) &&
               validate_limits_match(&sub->memory, &super->memory);
    case EXTERN_GLOBAL:
        if (sub->global.is_mutable != super->global.is_mutable ||
            sub->global.is_shared != super->global.is_shared)
            return false;
        return sub->global.is_mutable
                   ? sub->global.type == super->global.type
                   : validate_valtype_matches(s, sub->global.type, super->global.type);
    case EXTERN_TAG: return sub->type == super->type;
    }
    return false;
}
