/* scope.c - types of a component as they are at run time: index spaces resolved, resources with the identity that this instance
 * gives them. */
#include "canon_internal.h"

static bool bad_index(struct diags *d, span at)
{
    diag_error(d, "component", at, "a type index that is out of range or of another kind");
    return false;
}

static const struct canon_type *prim_type(u8 prim)
{
    switch (prim) {
    case PRIM_BOOL: return canon_prim(CANON_T_BOOL);
    case PRIM_S8: return canon_prim(CANON_T_S8);
    case PRIM_U8: return canon_prim(CANON_T_U8);
    case PRIM_S16: return canon_prim(CANON_T_S16);
    case PRIM_U16: return canon_prim(CANON_T_U16);
    case PRIM_S32: return canon_prim(CANON_T_S32);
    case PRIM_U32: return canon_prim(CANON_T_U32);
    case PRIM_S64: return canon_prim(CANON_T_S64);
    case PRIM_U64: return canon_prim(CANON_T_U64);
    case PRIM_F32: return canon_prim(CANON_T_F32);
    case PRIM_F64: return canon_prim(CANON_T_F64);
    case PRIM_CHAR: return canon_prim(CANON_T_CHAR);
    case PRIM_STRING: return canon_prim(CANON_T_STRING);
    case PRIM_ERROR_CONTEXT: return canon_prim(CANON_T_ERROR_CONTEXT);
    default: return NULL;
    }
}

const struct canon_type *canon_scope_valtype(struct canon_store *s, struct scope *sc,
                                             struct cm_valtype v, struct diags *d)
{
    (void)s;
    const struct canon_type *t = NULL;
    if (!v.is_index) {
        t = prim_type(v.prim);
    } else if (v.index < sc->types.len && sc->types.data[v.index].kind == TD_VALUE) {
        t = sc->types.data[v.index].value;
    }
    if (!t) {
        bad_index(d, (span){0});
    }
    return t;
}

/* Labels to fields, for all types that have them. */
static bool set_fields(struct canon_store *s, struct scope *sc, const struct cm_type *def,
                       struct canon_type *t, struct diags *d)
{
    t->field_count = def->label_count;
    t->fields = arena_array(&s->arena, struct canon_field, def->label_count);
    for (u32 i = 0; i < def->label_count; i++) {
        t->fields[i].name = def->labels[i].name;
        if (def->labels[i].has_type &&
            !(t->fields[i].type = canon_scope_valtype(s, sc, def->labels[i].type, d))) {
            return false;
        }
        bool wanted = t->kind == CANON_T_RECORD || t->kind == CANON_T_TUPLE;
        if (wanted && !t->fields[i].type) {
            return bad_index(d, def->at);
        }
    }
    return true;
}

/* The two cases of option and result, the two parts of a map. */
static bool set_pair(struct canon_store *s, struct scope *sc, const struct cm_type *def,
                     struct canon_type *t, struct diags *d)
{
    static const str names[][2] = {{STR_INIT("none"), STR_INIT("some")},
                                   {STR_INIT("ok"), STR_INIT("error")},
                                   {STR_INIT(""), STR_INIT("")}};
    u32 row = t->kind == CANON_T_OPTION ? 0 : t->kind == CANON_T_RESULT ? 1 : 2;
    t->field_count = 2;
    t->fields = arena_array(&s->arena, struct canon_field, 2);
    t->fields[0].name = names[row][0];
    t->fields[1].name = names[row][1];
    u32 first = row == 0 ? 1 : 0;
    if (def->has_element &&
        !(t->fields[first].type = canon_scope_valtype(s, sc, def->element, d))) {
        return false;
    }
    if (row && def->has_second &&
        !(t->fields[1].type = canon_scope_valtype(s, sc, def->second, d))) {
        return false;
    }
    bool complete =
        row == 0 ? t->fields[1].type != NULL : row == 1 || (def->has_element && def->has_second);
    return complete || bad_index(d, def->at);
}

static bool set_resource(struct scope *sc, const struct cm_type *def, struct canon_type *t,
                         struct diags *d)
{
    if (def->resource >= sc->types.len || sc->types.data[def->resource].kind != TD_RESOURCE) {
        return bad_index(d, def->at);
    }
    t->resource = sc->types.data[def->resource].resource;
    return true;
}

static bool value_type(struct canon_store *s, struct scope *sc, const struct cm_type *def,
                       const struct canon_type **out, struct diags *d)
{
    static const u8 kinds[] = {
        [DEF_RECORD] = CANON_T_RECORD, [DEF_VARIANT] = CANON_T_VARIANT,
        [DEF_LIST] = CANON_T_LIST,     [DEF_FIXED_LIST] = CANON_T_FIXED_LIST,
        [DEF_TUPLE] = CANON_T_TUPLE,   [DEF_FLAGS] = CANON_T_FLAGS,
        [DEF_ENUM] = CANON_T_ENUM,     [DEF_OPTION] = CANON_T_OPTION,
        [DEF_RESULT] = CANON_T_RESULT, [DEF_OWN] = CANON_T_OWN,
        [DEF_BORROW] = CANON_T_BORROW, [DEF_STREAM] = CANON_T_STREAM,
        [DEF_FUTURE] = CANON_T_FUTURE, [DEF_MAP] = CANON_T_MAP,
    };
    if (def->kind == DEF_PRIM) {
        *out = prim_type(def->prim);
        return *out || bad_index(d, def->at);
    }
    struct canon_type *t = canon_type_new(&s->arena, (enum canon_kind)kinds[def->kind]);
    bool fine = true;
    switch (def->kind) {
    case DEF_RECORD:
    case DEF_VARIANT:
    case DEF_TUPLE:
    case DEF_FLAGS:
    case DEF_ENUM: fine = set_fields(s, sc, def, t, d); break;
    case DEF_OPTION:
    case DEF_RESULT:
    case DEF_MAP: fine = set_pair(s, sc, def, t, d); break;
    case DEF_OWN:
    case DEF_BORROW: fine = set_resource(sc, def, t, d); break;
    default:
        t->length = def->length;
        if (def->has_element) {
            t->element = canon_scope_valtype(s, sc, def->element, d);
            fine = t->element != NULL;
        } else if (def->kind == DEF_LIST || def->kind == DEF_FIXED_LIST) {
            fine = bad_index(d, def->at);
        }
        break;
    }
    if (!fine) {
        return false;
    }
    if ((t->kind == CANON_T_FLAGS && t->field_count > 32) || !canon_type_finish(t)) {
        diag_error(d, "component", def->at, "a value type that is too large");
        return false;
    }
    *out = t;
    return true;
}

static bool func_type(struct canon_store *s, struct scope *sc, const struct cm_functype *def,
                      const struct canon_functype **out, struct diags *d)
{
    struct canon_param *params = arena_array(&s->arena, struct canon_param, def->param_count);
    for (u32 i = 0; i < def->param_count; i++) {
        params[i].name = def->params[i].name;
        if (!(params[i].type = canon_scope_valtype(s, sc, def->params[i].type, d))) {
            return false;
        }
    }
    const struct canon_type *result = NULL;
    if (def->has_result && !(result = canon_scope_valtype(s, sc, def->result, d))) {
        return false;
    }
    *out = canon_functype_new(&s->arena, def->is_async, params, def->param_count, result);
    return true;
}

/* A new resource type of the instance. */
static struct canon_resource_type *new_resource(struct canon_store *s, struct scope *sc,
                                                const struct cm_type *def)
{
    static const struct canon_param reps[] = {{STR_INIT("rep"), &canon_prims[CANON_T_U32]},
                                              {STR_INIT("rep"), &canon_prims[CANON_T_U64]}};
    struct canon_resource_type *rt = arena_new(&s->arena, struct canon_resource_type);
    rt->impl = sc->inst;
    rt->rep_64 = def->rep == WASM_I64;
    if (def->has_dtor && def->dtor < sc->core_funcs.len) {
        struct canon_func *f = arena_new(&s->arena, struct canon_func);
        f->kind = FUNC_LIFTED;
        f->type = canon_functype_new(&s->arena, false, &reps[rt->rep_64], 1, NULL);
        f->name = STR(CANON_DTOR);
        f->callee = sc->core_funcs.data[def->dtor];
        f->inst = sc->inst;
        rt->dtor_func = f;
    }
    return rt;
}

bool canon_scope_type(struct canon_store *s, struct scope *sc, const struct cm_type *t,
                      struct typedef_ *out, struct diags *d)
{
    *out = (struct typedef_){.kind = TD_VALUE};
    switch (t->kind) {
    case DEF_FUNC: out->kind = TD_FUNC; return func_type(s, sc, &t->func, &out->func, d);
    case DEF_RESOURCE:
        out->kind = TD_RESOURCE;
        out->resource = new_resource(s, sc, t);
        return true;
    case DEF_INSTANCE:
    case DEF_COMPONENT:
        out->kind = t->kind == DEF_INSTANCE ? TD_INSTANCE : TD_COMPONENT;
        out->def = t;
        out->scope = sc;
        return true;
    default: return value_type(s, sc, t, &out->value, d);
    }
}

bool canon_alias_outer(struct scope *sc, const struct cm_alias *a, struct scope **out)
{
    for (u32 i = 0; i < a->outer_count && sc; i++) {
        sc = sc->parent;
    }
    *out = sc;
    return sc != NULL;
}

struct canon_instance *canon_instance_new(struct canon_store *s)
{
    struct canon_instance *i = arena_new(&s->arena, struct canon_instance);
    i->store = s;
    return i;
}

struct item *canon_instance_add(struct canon_instance *i, str name, enum cm_sort sort)
{
    map_put(&i->store->arena, &i->names, name, i->items.len);
    struct item *item = vec_push(&i->store->arena, &i->items);
    item->pub.name = name;
    item->pub.sort = sort;
    return item;
}

/* ---- What embedders see -------------------------------------------------------------------------------- */

u32 canon_export_count(const struct canon_instance *i)
{
    return i->items.len;
}

const struct canon_export *canon_export_at(const struct canon_instance *i, u32 n)
{
    return &i->items.data[n].pub;
}

const struct canon_export *canon_export_find(const struct canon_instance *i, str name)
{
    u32 n = map_get(&i->names, name);
    return n == MAP_NONE ? NULL : &i->items.data[n].pub;
}

struct canon_func *canon_find_func(const struct canon_instance *i, str interface, str name)
{
    if (interface.len) {
        const struct canon_export *e = canon_export_find(i, interface);
        for (u32 n = 0; !e && n < i->items.len; n++) {
            if (canon_name_compatible(interface, i->items.data[n].pub.name)) {
                e = &i->items.data[n].pub;
            }
        }
        if (!e || e->sort != SORT_INSTANCE) {
            return NULL;
        }
        i = e->instance;
    }
    const struct canon_export *f = canon_export_find(i, name);
    return f && f->sort == SORT_FUNC ? f->func : NULL;
}

const struct canon_functype *canon_func_type(const struct canon_func *f)
{
    return f->type;
}

str canon_func_name(const struct canon_func *f)
{
    return f->name;
}

/* ---- Versions of names ------------------------------------------------------------------------------------ */

struct version {
    u64 part[3];
    bool exact_only; /* none, ill-formed, or a pre-release */
};

static struct version parse_version(str v)
{
    struct version out = {{0, 0, 0}, v.len == 0};
    size_t plus = str_find_char(v, '+', 0);
    v = plus == SIZE_MAX ? v : str_sub(v, 0, plus);
    out.exact_only |= str_find_char(v, '-', 0) != SIZE_MAX;
    for (u32 i = 0; v.ptr && !out.exact_only; i++) {
        str head;
        v = str_cut(v, '.', &head);
        out.exact_only = i >= 3 || !str_to_u64(head, &out.part[i]);
    }
    return out;
}

/* Of the same semver track? Gives the version of `have`. */
static bool same_track(str wanted, str have, struct version *version)
{
    str name_a, name_b;
    str version_a = str_cut(wanted, '@', &name_a), version_b = str_cut(have, '@', &name_b);
    struct version a = parse_version(version_a), b = parse_version(version_b);
    *version = b;
    if (!str_eq(name_a, name_b) || a.exact_only || b.exact_only) {
        return false;
    }
    u32 significant = a.part[0] ? 1 : a.part[1] ? 2 : 3;
    for (u32 i = 0; i < significant; i++) {
        if (a.part[i] != b.part[i]) {
            return false;
        }
    }
    return true;
}

bool canon_name_compatible(str wanted, str have)
{
    struct version unused;
    return str_eq(wanted, have) || same_track(wanted, have, &unused);
}

static bool is_above(const struct version *a, const struct version *b)
{
    for (u32 i = 0; i < 3; i++) {
        if (a->part[i] != b->part[i]) {
            return a->part[i] > b->part[i];
        }
    }
    return false;
}

bool canon_name_older(str wanted, str have)
{
    str plain;
    struct version v, asked = parse_version(str_cut(wanted, '@', &plain));
    return same_track(wanted, have, &v) && is_above(&asked, &v);
}

/* The value of the name that serves best: itself, else the highest version of its track; MAP_NONE if none does. */
u32 canon_name_best(str wanted, const struct map *names)
{
    struct version best = {{0}, false};
    u32 found = map_get(names, wanted);
    if (found != MAP_NONE) {
        return found;
    }
    for (u32 i = 0; i < names->len; i++) {
        struct version v;
        if (same_track(wanted, names->entries[i].key, &v) &&
            (found == MAP_NONE || is_above(&v, &best))) {
            best = v;
            found = names->entries[i].value;
        }
    }
    return found;
}
