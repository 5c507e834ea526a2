/* rules.c - which core types are valid: value types, recursion groups, limits, the types of imports. */
#include "validate_internal.h"

/* Limits of implementations, as engines have them (JavaScript API, "Implementation-defined limits"). */
enum { MAX_SUBTYPING_DEPTH = 63, MAX_PARAMS = 1000, MAX_RESULTS = 1000, MAX_FIELDS = 10000 };

static bool bad(const struct validate_type_scope *s, span at, const char *format, ...)
    WITC_PRINTF(3, 4);

static bool bad(const struct validate_type_scope *s, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(s->diags->arena, format, args);
    va_end(args);
    diag_error(s->diags, CODE_INVALID, at, STRF, STRA(text));
    return false;
}

static bool need(const struct validate_type_scope *s, enum feature f, span at, const char *what)
{
    if (features_has(s->features, f))
        return true;
    struct diag *x =
        diag_error(s->diags, CODE_INVALID, at, "%s need the feature `%s`", what, feature_name(f));
    diag_help(s->diags, x, "turn it on with `--features %s`", feature_name(f));
    return false;
}

static bool check_heap(const struct validate_type_scope *s, wasm_valtype t, u32 limit, span at)
{
    if (wasm_is_concrete(t)) {
        u32 index = wasm_heap_of(t);
        if (index >= limit || (index < s->count && s->ids[index] == VALIDATE_NONE))
            return bad(s, at, "unknown type %u: type index out of bounds", index);
        if ((t & WASM_REF_EXACT) && !need(s, FEATURE_CUSTOM_DESCRIPTORS, at, "exact types"))
            return false;
        return need(s, FEATURE_FUNCTION_REFERENCES, at, "references to a type index");
    }
    switch ((enum wasm_heap)wasm_heap_of(t)) {
    case HEAP_FUNC:
    case HEAP_EXTERN:
        return wasm_is_nullable(t) ||
               need(s, FEATURE_FUNCTION_REFERENCES, at, "references that cannot be null");
    case HEAP_EXN:
    case HEAP_NOEXN: return need(s, FEATURE_EXCEPTIONS, at, "exception references");
    case HEAP_CONT:
    case HEAP_NOCONT: return need(s, FEATURE_STACK_SWITCHING, at, "continuation references");
    default: return need(s, FEATURE_GC, at, "references to garbage-collected types");
    }
}

bool validate_check_valtype(const struct validate_type_scope *s, wasm_valtype t, u32 limit, span at)
{
    switch (wasm_kind_of(t)) {
    case WASM_V128: return need(s, FEATURE_SIMD, at, "vectors");
    case WASM_REF:
        return need(s, FEATURE_REFERENCE_TYPES, at, "references") && check_heap(s, t, limit, at);
    default: return true;
    }
}

/* ---- Recursion groups ---------------------------------------------------------------------------- */

static bool check_comptype(const struct validate_type_scope *s, const struct wasm_type *t,
                           u32 limit)
{
    switch (t->kind) {
    case COMPTYPE_FUNC:
        if (t->func.param_count > MAX_PARAMS)
            return bad(s, t->at, "too many parameters: more than %d", MAX_PARAMS);
        if (t->func.result_count > MAX_RESULTS)
            return bad(s, t->at, "too many results: more than %d", MAX_RESULTS);
        for (u32 i = 0; i < t->func.param_count; i++) {
            if (!validate_check_valtype(s, t->func.params[i], limit, t->at))
                return false;
        }
        for (u32 i = 0; i < t->func.result_count; i++) {
            if (!validate_check_valtype(s, t->func.results[i], limit, t->at))
                return false;
        }
        return t->func.result_count <= 1 || need(s, FEATURE_MULTI_VALUE, t->at, "several results");
    case COMPTYPE_STRUCT:
    case COMPTYPE_ARRAY:
        if (!need(s, FEATURE_GC, t->at, "struct and array types"))
            return false;
        if (t->field_count > MAX_FIELDS)
            return bad(s, t->at, "too many fields: more than %d", MAX_FIELDS);
        for (u32 i = 0; i < t->field_count; i++) {
            if (!validate_check_valtype(s, t->fields[i].type, limit, t->at))
                return false;
        }
        return true;
    case COMPTYPE_CONT: return need(s, FEATURE_STACK_SWITCHING, t->at, "continuation types");
    }
    return false;
}

static bool field_matches(const struct validate_store *s, const struct wasm_field *sub,
                          const struct wasm_field *super)
{
    if (sub->is_mutable != super->is_mutable)
        return false;
    return super->is_mutable ? sub->type == super->type
                             : validate_valtype_matches(s, sub->type, super->type);
}

/* Does the structure of canonical type `sub` fit that of its declared supertype? */
static bool structure_matches(const struct validate_store *s, const struct wasm_type *sub,
                              const struct wasm_type *super)
{
    if (sub->kind != super->kind || sub->is_shared != super->is_shared)
        return false;
    switch (sub->kind) {
    case COMPTYPE_FUNC:
        if (sub->func.param_count != super->func.param_count ||
            sub->func.result_count != super->func.result_count)
            return false;
        for (u32 i = 0; i < sub->func.param_count; i++) {
            if (!validate_valtype_matches(s, super->func.params[i], sub->func.params[i]))
                return false;
        }
        for (u32 i = 0; i < sub->func.result_count; i++) {
            if (!validate_valtype_matches(s, sub->func.results[i], super->func.results[i]))
                return false;
        }
        return true;
    case COMPTYPE_ARRAY:
    case COMPTYPE_STRUCT:
        if (sub->field_count < super->field_count)
            return false;
        for (u32 i = 0; i < super->field_count; i++) {
            if (!field_matches(s, &sub->fields[i], &super->fields[i]))
                return false;
        }
        return true;
    case COMPTYPE_CONT: return validate_is_subtype(s, sub->cont, super->cont);
    }
    return false;
}

/* How many supertypes are above a member of a group that begins at index `start`; counts no further than the limit allows. */
static u32 depth_in_group(const struct validate_type_scope *s, const struct wasm_type *group,
                          u32 start, u32 member)
{
    u32 depth = 0;
    for (const struct wasm_type *t = &group[member]; t->has_super; t = &group[t->super - start]) {
        depth++;
        if (t->super < start)
            return depth + validate_type_depth(s->store, s->ids[t->super]);
        if (depth > MAX_SUBTYPING_DEPTH)
            break;
    }
    return depth;
}

/* The declared supertype of a member: an earlier index, and not too deep below its own. */
static bool check_super(const struct validate_type_scope *s, const struct wasm_type *group,
                        u32 start, u32 member)
{
    const struct wasm_type *t = &group[member];
    u32 index = start + member;
    if (!t->has_super)
        return true;
    if (!need(s, FEATURE_GC, t->at, "subtypes"))
        return false;
    if (t->super >= index || (t->super < s->count && s->ids[t->super] == VALIDATE_NONE))
        return bad(s, t->at, "unknown type %u: supertypes must be defined before subtypes",
                   t->super);
    if (depth_in_group(s, group, start, member) > MAX_SUBTYPING_DEPTH)
        return bad(s, t->at, "sub type: more than %d supertypes above type %u", MAX_SUBTYPING_DEPTH,
                   index);
    return true;
}

/* A continuation is one of a function type. */
static bool check_cont(const struct validate_type_scope *s, const struct wasm_type *group,
                       u32 start, u32 limit, const struct wasm_type *t)
{
    if (t->cont >= limit || (t->cont < start && s->ids[t->cont] == VALIDATE_NONE))
        return bad(s, t->at, "unknown type %u", t->cont);
    const struct wasm_type *of =
        t->cont < start ? validate_store_type(s->store, s->ids[t->cont]) : &group[t->cont - start];
    return of->kind == COMPTYPE_FUNC ||
           bad(s, t->at, "non-function type %u: a continuation is one of a function type", t->cont);
}

/* May a value of this canonical type be seen by several threads? Numbers may. */
static bool is_shared_valtype(const struct validate_store *s, wasm_valtype t)
{
    return !wasm_is_ref(t) || validate_is_shared(s, t);
}

/* Shared types hold nothing that is not. */
static bool parts_are_shared(const struct validate_store *s, const struct wasm_type *t)
{
    for (u32 i = 0; i < t->func.param_count; i++) {
        if (!is_shared_valtype(s, t->func.params[i]))
            return false;
    }
    for (u32 i = 0; i < t->func.result_count; i++) {
        if (!is_shared_valtype(s, t->func.results[i]))
            return false;
    }
    for (u32 i = 0; i < t->field_count; i++) {
        if (!is_shared_valtype(s, t->fields[i].type))
            return false;
    }
    return t->kind != COMPTYPE_CONT || validate_store_type(s, t->cont)->is_shared;
}

bool validate_rec_group(struct validate_type_scope *s, const struct wasm_type *group, u32 count)
{
    u32 *ids = s->ids;
    u32 start = s->count, limit = start + count;
    for (u32 i = 0; i < count; i++) {
        if (!check_comptype(s, &group[i], limit) || !check_super(s, group, start, i))
            return false;
        if ((group[i].has_describes || group[i].has_descriptor) &&
            !need(s, FEATURE_CUSTOM_DESCRIPTORS, group[i].at, "descriptors"))
            return false;
        if ((group[i].has_describes && group[i].describes >= limit) ||
            (group[i].has_descriptor && group[i].descriptor >= limit))
            return bad(s, group[i].at, "unknown type: type index out of bounds");
        if (group[i].kind == COMPTYPE_CONT && !check_cont(s, group, start, limit, &group[i]))
            return false;
        if (!group[i].is_final && !features_has(s->features, FEATURE_GC))
            return need(s, FEATURE_GC, group[i].at, "subtypes");
    }
    if (count != 1 && !need(s, FEATURE_GC, count ? group[0].at : (span){0, 0, 0}, "rec groups"))
        return false;
    if (!validate_store_add(s->store, group, start, count, ids))
        return bad(s, group[0].at, "too many types: more than %u", WASM_MAX_TYPES);
    s->count = limit;
    for (u32 i = 0; i < count; i++) {
        const struct wasm_type *t = validate_store_type(s->store, ids[start + i]);
        if (t->is_shared && !parts_are_shared(s->store, t))
            return bad(s, group[i].at, "type %u is shared: it must contain shared types only",
                       start + i);
        if (!t->has_super)
            continue;
        const struct wasm_type *super = validate_store_type(s->store, t->super);
        if (super->is_final)
            return bad(s, group[i].at, "sub type: type %u cannot have subtypes, it is final",
                       group[i].super);
        if (!structure_matches(s->store, t, super))
            return bad(s, group[i].at, "sub type: type %u does not match its declared supertype %u",
                       start + i, group[i].super);
    }
    return true;
}

/* ---- Limits and the types of imports -------------------------------------------------------------- */

static bool check_page_size(const struct validate_type_scope *s, const struct wasm_limits *l,
                            span at)
{
    if (!l->has_page_size)
        return true;
    if (!need(s, FEATURE_CUSTOM_PAGE_SIZES, at, "memories with another page size"))
        return false;
    if (l->page_size_log2 != 0 && l->page_size_log2 != 16)
        return bad(s, at, "invalid custom page size: it must be 1 or 65536");
    return true;
}

bool validate_check_limits(const struct validate_type_scope *s, const struct wasm_limits *l,
                           bool is_memory, span at)
{
    if (l->is_64 && !need(s, FEATURE_MEMORY64, at, "64-bit memories and tables"))
        return false;
    if (l->is_shared && !is_memory && !need(s, FEATURE_SHARED_EVERYTHING, at, "shared tables"))
        return false;
    if (l->is_shared && !need(s, FEATURE_THREADS, at, "shared memories"))
        return false;
    if (!check_page_size(s, l, at))
        return false;
    u64 most = l->is_64 ? UINT64_MAX : UINT32_MAX;
    if (is_memory) {
        u32 log2 = l->has_page_size ? l->page_size_log2 : 16;
        if (log2)
            most = l->is_64 ? (u64)1 << (64 - log2) : (u64)1 << (32 - log2);
    }
    if (l->min > most || (l->has_max && l->max > most))
        return is_memory ? bad(s, at, "memory size must be at most %llu pages%s",
                               (unsigned long long)most, most == 65536 ? " (4GiB)" : "")
                         : bad(s, at, "table size must be at most 2^32-1");
    if (l->has_max && l->min > l->max)
        return bad(s, at, "size minimum must not be greater than maximum");
    if (l->is_shared && !l->has_max && is_memory)
        return bad(s, at, "shared memory must have maximum");
    return true;
}

static bool is_shared_type(const struct validate_type_scope *s, wasm_valtype t)
{
    return is_shared_valtype(s->store, validate_canonicalize(s->ids, t));
}

bool validate_check_table(const struct validate_type_scope *s, const struct wasm_tabletype *t,
                          span at)
{
    if (wasm_kind_of(t->element) == WASM_REF && t->element != WASM_FUNCREF &&
        !validate_check_valtype(s, t->element, s->count, at))
        return false;
    if (!validate_check_limits(s, &t->limits, false, at))
        return false;
    return !t->limits.is_shared || is_shared_type(s, t->element) ||
           bad(s, at, "shared tables must have a shared element type");
}

bool validate_check_global(const struct validate_type_scope *s, const struct wasm_globaltype *g,
                           span at)
{
    if (g->is_shared && !need(s, FEATURE_SHARED_EVERYTHING, at, "shared globals"))
        return false;
    if (!validate_check_valtype(s, g->type, s->count, at))
        return false;
    return !g->is_shared || is_shared_type(s, g->type) ||
           bad(s, at, "shared globals must have a shared value type");
}

static bool check_functype(const struct validate_type_scope *s, u32 type, const char *what, span at)
{
    if (type >= s->count || s->ids[type] == VALIDATE_NONE)
        return bad(s, at, "unknown type %u: type index out of bounds", type);
    if (validate_store_type(s->store, s->ids[type])->kind != COMPTYPE_FUNC)
        return bad(s, at, "type mismatch: type %u of %s is not a function type", type, what);
    return true;
}

bool validate_check_externtype(const struct validate_type_scope *s, const struct wasm_externtype *t,
                               span at)
{
    switch (t->kind) {
    case EXTERN_FUNC: return check_functype(s, t->type, "a function", at);
    case EXTERN_TABLE: return validate_check_table(s, &t->table, at);
    case EXTERN_MEMORY: return validate_check_limits(s, &t->memory, true, at);
    case EXTERN_GLOBAL: return validate_check_global(s, &t->global, at);
    case EXTERN_TAG:
        if (!need(s, FEATURE_EXCEPTIONS, at, "tags") || !check_functype(s, t->type, "a tag", at))
            return false;
        if (validate_store_type(s->store, s->ids[t->type])->func.result_count &&
            !features_has(s->features, FEATURE_STACK_SWITCHING))
            return bad(s, at, "invalid exception type: non-empty tag result type");
        return true;
    }
    return false;
}

struct wasm_externtype validate_canonicalize_extern(const u32 *ids, const struct wasm_externtype *t)
{
    struct wasm_externtype out = *t;
    switch (t->kind) {
    case EXTERN_FUNC:
    case EXTERN_TAG: out.type = ids[t->type]; break;
    case EXTERN_TABLE: out.table.element = validate_canonicalize(ids, t->table.element); break;
    case EXTERN_GLOBAL: out.global.type = validate_canonicalize(ids, t->global.type); break;
    case EXTERN_MEMORY: break;
    }
    return out;
}
