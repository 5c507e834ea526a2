/* unit_types.c - the first step of resolving: types and functions of an interface or a world. */
#include "unit.h"

/* What stands for a type that is wrong: the mistake has been told. */
#define POISON ((struct wit_type){WIT_BOOL, 0})

static struct wit_type resolve_type(struct wit_unit *u, const struct ast_type *t,
                                    const struct wit_stability *stability);

/* ---- Names ------------------------------------------------------------------------------------------------ */

/* What other languages call types. */
static const struct {
    str name, wit;
} foreign_types[] = {
    {STR_INIT("float32"), STR_INIT("f32")},    {STR_INIT("float64"), STR_INIT("f64")},
    {STR_INIT("float"), STR_INIT("f32")},      {STR_INIT("double"), STR_INIT("f64")},
    {STR_INIT("i8"), STR_INIT("s8")},          {STR_INIT("i16"), STR_INIT("s16")},
    {STR_INIT("i32"), STR_INIT("s32")},        {STR_INIT("i64"), STR_INIT("s64")},
    {STR_INIT("int"), STR_INIT("s32")},        {STR_INIT("uint"), STR_INIT("u32")},
    {STR_INIT("usize"), STR_INIT("u32")},      {STR_INIT("byte"), STR_INIT("u8")},
    {STR_INIT("boolean"), STR_INIT("bool")},   {STR_INIT("str"), STR_INIT("string")},
    {STR_INIT("bytes"), STR_INIT("list<u8>")}, {STR_INIT("vec"), STR_INIT("list")},
    {STR_INIT("array"), STR_INIT("list")},     {STR_INIT("set"), STR_INIT("list")},
    {STR_INIT("dict"), STR_INIT("map")},
};
static const str type_words[] = {
    STR_INIT("string"), STR_INIT("bool"),   STR_INIT("char"),   STR_INIT("list"),
    STR_INIT("option"), STR_INIT("result"), STR_INIT("tuple"),  STR_INIT("map"),
    STR_INIT("stream"), STR_INIT("future"), STR_INIT("borrow"), STR_INIT("error-context"),
};

static void not_defined(struct wit_unit *u, span at, str name)
{
    struct diag *x = wit_unit_missing(u, at, name, "type", &u->scope.declared);
    for (u32 i = 0; x && i < LENGTH_OF(foreign_types); i++) {
        if (str_eq(name, foreign_types[i].name)) {
            diag_help(u->diags, x, "WIT writes `" STRF "`", STRA(foreign_types[i].wit));
            return;
        }
    }
    str near[LENGTH_OF(type_words)];
    u32 n = 0;
    for (u32 i = 0; i < LENGTH_OF(type_words); i++) {
        if (name.len > 2 && type_words[i].ptr[0] == name.ptr[0]) {
            near[n++] = type_words[i];
        }
    }
    if (x && !x->notes.len) {
        diag_suggest(u->diags, x, name, near, n);
    }
}

/* The type of that name; WIT_NONE after a diagnostic. */
static u32 type_by_name(struct wit_unit *u, str name, span at)
{
    u32 index = map_get(&u->scope.by_name, name);
    if (index == MAP_NONE) {
        if (map_get(&u->scope.declared, name) == MAP_NONE) {
            not_defined(u, at, name);
        }
        return WIT_NONE; /* declared but not there: its own mistake has been told */
    }
    const struct unit_name *n = &u->scope.names.data[index];
    if (n->type == WIT_NONE) {
        struct diag *x = wit_unit_error(u, "wit-kind", at,
                                        "cannot use function `" STRF "` as a type", STRA(name));
        diag_label(u->diags, x, n->at, "defined as a function here");
    }
    return n->type;
}

static u32 resource_by_name(struct wit_unit *u, str name, span at)
{
    u32 id = type_by_name(u, name, at), cur = id;
    while (cur != WIT_NONE && u->types.data[cur].kind == WIT_ALIAS &&
           u->types.data[cur].first.kind == WIT_ID) {
        cur = u->types.data[cur].first.id;
    }
    if (cur == WIT_NONE) {
        return WIT_NONE;
    }
    const struct wit_typedef *t = &u->types.data[cur];
    if (t->kind == WIT_ID) {
        *vec_push(u->scratch, &u->resources) = (struct unit_name){cur, at};
    } else if (t->kind != WIT_RESOURCE) {
        struct diag *x =
            wit_unit_error(u, "wit-not-resource", at,
                           "type `" STRF "` used in a handle must be a resource", STRA(name));
        diag_label(u->diags, x, t->at, "defined here");
        return WIT_NONE;
    }
    return id;
}

/* ---- Anonymous types --------------------------------------------------------------------------------------- */

static const struct wit_stability *stability_of(const struct wit_unit *u, struct wit_type t)
{
    if (t.kind != WIT_ID || t.id == WIT_NONE) {
        return NULL;
    }
    const struct wit_stability *s = &u->types.data[t.id].stability;
    return s->kind == WIT_STABILITY_UNKNOWN ? NULL : s;
}

/* An anonymous type is as stable as the first of its parts that says so. */
static struct wit_stability find_stability(const struct wit_unit *u, const struct wit_typedef *t,
                                           const struct wit_stability *given)
{
    if (given->kind != WIT_STABILITY_UNKNOWN) {
        return *given;
    }
    const struct wit_stability *s = stability_of(u, t->first);
    s = s ? s : stability_of(u, t->second);
    for (u32 i = 0; i < t->field_count && !s && t->kind == WIT_TUPLE; i++) {
        s = stability_of(u, t->fields[i].type);
    }
    return s ? *s : *given;
}

static void put_type(struct buf *b, struct wit_type t)
{
    u32 words[2] = {t.kind, t.id};
    buf_put(b, words, sizeof words);
}

static struct wit_type intern(struct wit_unit *u, struct wit_typedef t)
{
    struct buf *b = &u->key;
    u32 kind = t.kind;
    b->arena = u->scratch;
    b->len = 0;
    buf_put(b, &kind, sizeof kind);
    buf_put(b, &t.length, sizeof t.length);
    put_type(b, t.first);
    put_type(b, t.second);
    for (u32 i = 0; i < t.field_count; i++) {
        put_type(b, t.fields[i].type);
    }
    u32 id = map_get(&u->anonymous, buf_view(b));
    if (id == MAP_NONE) {
        id = u->types.len;
        map_put(u->scratch, &u->anonymous, str_dup(u->scratch, buf_view(b)), id);
        *vec_push(u->scratch, &u->types) = t;
    }
    return (struct wit_type){WIT_ID, id};
}

/* ---- Types ------------------------------------------------------------------------------------------------------ */

static bool is_key(struct wit_type t)
{
    return t.kind <= WIT_STRING && t.kind != WIT_F32 && t.kind != WIT_F64;
}

static struct wit_type optional(struct wit_unit *u, const struct ast_type *t, u32 i,
                                const struct wit_stability *stability)
{
    return i < t->count && t->of.items[i] ? resolve_type(u, t->of.items[i], stability)
                                          : WIT_NO_TYPE;
}

static void map_of(struct wit_unit *u, const struct ast_type *t, struct wit_typedef *out)
{
    if (!is_key(out->first)) {
        struct diag *x = wit_unit_error(u, "wit-map-key", wit_unit_span(u, t->start, t->end),
                                        "invalid map key type");
        diag_note(u->diags, x,
                  "map keys must be bool, u8, u16, u32, u64, s8, s16, s32, s64, char, or string");
        out->first = (struct wit_type){WIT_STRING, 0};
    }
}

static void tuple_of(struct wit_unit *u, const struct ast_type *t,
                     const struct wit_stability *stability, struct wit_typedef *out)
{
    if (!t->count) {
        wit_unit_error(u, "wit-empty", wit_unit_span(u, t->start, t->end), "empty tuple");
    }
    struct wit_field *fields = arena_array(u->arena, struct wit_field, t->count);
    for (u32 i = 0; i < t->count; i++) {
        fields[i].at = wit_unit_span(u, t->of.items[i]->start, t->of.items[i]->end);
        fields[i].type = resolve_type(u, t->of.items[i], stability);
    }
    out->fields = fields;
    out->field_count = t->count;
}

/* The definition that a written type stands for; WIT_ALIAS for names and primitives. */
static struct wit_typedef type_definition(struct wit_unit *u, const struct ast_type *t,
                                          const struct wit_stability *stability)
{
    struct wit_typedef out = {.kind = (enum wit_kind)t->kind,
                              .first = WIT_NO_TYPE,
                              .second = WIT_NO_TYPE,
                              .length = t->kind == WIT_FIXED_LIST ? t->size : 0,
                              .at = wit_unit_span(u, t->start, t->end)};
    if (t->kind <= WIT_ERROR_CONTEXT) {
        out.kind = WIT_ALIAS;
        out.first = (struct wit_type){(enum wit_kind)t->kind, 0};
    } else if (t->kind == WIT_ID) {
        u32 id = type_by_name(u, ast_type_name(t), out.at);
        out.kind = WIT_ALIAS;
        out.first = id == WIT_NONE ? POISON : (struct wit_type){WIT_ID, id};
    } else if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        u32 id = resource_by_name(u, ast_type_name(t), out.at);
        out.kind = id == WIT_NONE ? WIT_ALIAS : (enum wit_kind)t->kind;
        out.first = id == WIT_NONE ? POISON : (struct wit_type){WIT_ID, id};
    } else if (t->kind == WIT_TUPLE) {
        tuple_of(u, t, stability, &out);
    } else {
        out.first = optional(u, t, 0, stability);
        out.second = optional(u, t, 1, stability);
        if (t->kind == WIT_MAP) {
            map_of(u, t, &out);
        } else if (t->kind == WIT_FIXED_LIST && t->size == 0) {
            wit_unit_error(u, "wit-list-size", out.at,
                           "a list of fixed length has at least one element");
        }
    }
    return out;
}

static struct wit_type resolve_type(struct wit_unit *u, const struct ast_type *t,
                                    const struct wit_stability *stability)
{
    struct wit_typedef def = type_definition(u, t, stability);
    if (def.kind == WIT_ALIAS || def.kind == WIT_OWN) {
        return def.first; /* `own<r>` is the same as `r` */
    }
    def.stability = find_stability(u, &def, stability);
    return intern(u, def);
}

/* ---- Named types --------------------------------------------------------------------------------------------------- */

/* An earlier field of the same canonical name. Long lists go by a map. */
static u32 prior_label(struct wit_unit *u, struct map *seen, const struct ast_field *fields, u32 i)
{
    for (u32 k = 0; k < i && i < 16; k++) {
        if (wit_same_label(fields[k].name.name, fields[i].name.name)) {
            return k;
        }
    }
    for (u32 k = 0; k < 16 && i == 16; k++) {
        map_add(u->scratch, seen, wit_canonical_name(u->scratch, fields[k].name.name), k);
    }
    return i < 16
               ? MAP_NONE
               : map_add(u->scratch, seen, wit_canonical_name(u->scratch, fields[i].name.name), i);
}

/* Fields, cases and flags are told apart by their canonical names. */
static void check_unique(struct wit_unit *u, const char *what, const struct ast_field *fields,
                         u32 n)
{
    struct map seen = {0};
    for (u32 i = 0; i < n; i++) {
        str name = fields[i].name.name;
        u32 prior = prior_label(u, &seen, fields, i);
        if (prior == MAP_NONE) {
            continue;
        }
        str other = fields[prior].name.name;
        span at = UNIT_SPAN(u, fields[i].name);
        struct diag *x = str_eq(name, other)
                             ? wit_unit_error(u, "wit-duplicate", at, "duplicate %s `" STRF "`",
                                              what, STRA(name))
                             : wit_unit_error(u, "wit-duplicate", at,
                                              "%s `" STRF "` conflicts with previous %s `" STRF "`",
                                              what, STRA(name), what, STRA(other));
        diag_label(u->diags, x, UNIT_SPAN(u, fields[prior].name), "first defined here");
    }
}

/* Is there nothing between the braces after the name because it could not be read? */
static bool lost_fields(const struct wit_unit *u, span name)
{
    const struct wit_skipped *skipped = u->skipped;
    str text = sources_get(u->diags->sources, name.source)->text;
    u32 close = name.end;
    while (close < text.len && text.ptr[close] != '}') {
        u32 after = wit_skip_opaque(text, close);
        close = after == close ? close + 1 : after;
    }
    for (u32 i = 0; skipped && i < skipped->places.len; i++) {
        span at = skipped->places.data[i];
        if (at.source == name.source && at.start >= name.end && at.start < close) {
            return true;
        }
    }
    return false;
}

static void fields_of(struct wit_unit *u, const struct ast_member *m, struct wit_typedef *out)
{
    const struct ast_typedef *t = m->type;
    const char *what = t->kind == WIT_RECORD ? "field" : t->kind == WIT_FLAGS ? "flag" : "case";
    if (!t->field_count && lost_fields(u, UNIT_SPAN(u, m->name))) {
        u->broken = true;
    } else if (!t->field_count) {
        struct diag *x = wit_unit_error(u, "wit-empty", UNIT_SPAN(u, m->name), "empty %s",
                                        t->kind == WIT_RECORD    ? "record"
                                        : t->kind == WIT_FLAGS   ? "flags"
                                        : t->kind == WIT_VARIANT ? "variant"
                                                                 : "enum");
        diag_note(u->diags, x, "at least one %s is needed", what);
    }
    if (t->kind == WIT_FLAGS && t->field_count > 32) {
        wit_unit_error(u, "wit-too-many-flags", UNIT_SPAN(u, t->fields[32].name),
                       "cannot have more than 32 flags");
    }
    check_unique(u, what, t->fields, t->field_count);
    struct wit_field *fields = arena_array(u->arena, struct wit_field, t->field_count);
    for (u32 i = 0; i < t->field_count; i++) {
        const struct ast_field *f = &t->fields[i];
        fields[i] = (struct wit_field){.name = f->name.name,
                                       .docs = f->docs,
                                       .type = WIT_NO_TYPE,
                                       .at = UNIT_SPAN(u, f->name)};
        if (f->type) {
            fields[i].type = resolve_type(u, f->type, &out->stability);
        }
    }
    out->fields = fields;
    out->field_count = t->field_count;
}

static void define(struct wit_unit *u, const struct ast_id *name, u32 type)
{
    u32 prior = map_add(u->scratch, &u->scope.by_name, name->name, u->scope.names.len);
    if (prior != MAP_NONE) {
        struct diag *x =
            wit_unit_error(u, "wit-duplicate", UNIT_SPAN(u, *name),
                           "name `" STRF "` is defined more than once", STRA(name->name));
        diag_label(u->diags, x, u->scope.names.data[prior].at, "first defined here");
        return;
    }
    *vec_push(u->scratch, &u->scope.names) = (struct unit_name){type, UNIT_SPAN(u, *name)};
}

static void define_type(struct wit_unit *u, struct wit_owner owner, const struct ast_member *m)
{
    const struct wit_stability *stability = wit_gates_stability(m->gates);
    struct wit_typedef t = {.kind = m->type->kind, .first = WIT_NO_TYPE, .second = WIT_NO_TYPE};
    t.stability = *stability;
    if (m->type->kind == WIT_ALIAS && m->type->target) {
        t = type_definition(u, m->type->target, stability);
        t.stability = *stability;
    } else if (m->type->kind != WIT_RESOURCE) {
        fields_of(u, m, &t);
    }
    t.name = m->name.name;
    t.owner = owner;
    t.docs = m->docs;
    t.external_id = wit_gates_external_id(m->gates);
    t.at = UNIT_SPAN(u, m->name);
    u32 id = u->types.len;
    *vec_push(u->scratch, &u->types) = t;
    define(u, &m->name, id);
}

static void use_name(struct wit_unit *u, struct wit_owner owner, const struct ast_member *m,
                     u32 interface, const struct ast_rename *n)
{
    const struct unit_scope *from = &u->scopes.data[interface];
    u32 index = map_get(&from->by_name, n->name.name);
    span at = UNIT_SPAN(u, n->name);
    u32 type = WIT_NONE;
    if (index == MAP_NONE) {
        if (from->resolved && map_get(&from->declared, n->name.name) == MAP_NONE) {
            struct diag *x = wit_unit_missing(u, at, n->name.name, "name", &from->declared);
            if (x && u->interfaces.data[interface].name.len) {
                diag_label(u->diags, x, u->interfaces.data[interface].at, "not in this interface");
            }
        }
        return;
    }
    type = from->names.data[index].type;
    if (type == WIT_NONE) {
        struct diag *x = wit_unit_error(u, "wit-kind", at, "cannot import function `" STRF "`",
                                        STRA(n->name.name));
        diag_label(u->diags, x, from->names.data[index].at, "defined as a function here");
        diag_note(u->diags, x, "`use` brings in types");
        return;
    }
    u32 id = u->types.len;
    const struct ast_id *name = n->alias.name.ptr ? &n->alias : &n->name;
    *vec_push(u->scratch, &u->types) = (struct wit_typedef){
        .kind = WIT_ALIAS,
        .name = name->name,
        .owner = owner,
        .first = {WIT_ID, type},
        .second = WIT_NO_TYPE,
        .stability = *wit_gates_stability(m->gates),
        .external_id = wit_gates_external_id(m->gates),
        .at = at,
    };
    define(u, name, id);
}

/* ---- Order of types ------------------------------------------------------------------------------------------------ */

struct type_order {
    VEC(struct sort_node) nodes;
    VEC(const struct ast_member *) defs; /* NULL: used */
};

static void add_type_edges(struct wit_unit *u, struct type_order *o, u32 node,
                           const struct ast_type *t)
{
    if (!t) {
        return;
    }
    if (ast_type_is_name(t)) {
        u32 to = map_get(&u->scope.declared, ast_type_name(t));
        if (to == MAP_NONE) {
            return; /* reported when the type is defined */
        }
        span at = wit_unit_span(u, t->start, t->end);
        *vec_push(u->scratch, &o->nodes.data[node].edges) = (struct sort_edge){to, at, at};
    }
    for (u32 i = 0; i < t->count; i++) {
        add_type_edges(u, o, node, t->of.items[i]);
    }
}

static void declare(struct wit_unit *u, struct type_order *o, const struct ast_id *name,
                    const struct ast_member *def)
{
    u32 prior = map_add(u->scratch, &u->scope.declared, name->name, o->nodes.len);
    if (prior == MAP_NONE) {
        *vec_push(u->scratch, &o->nodes) =
            (struct sort_node){.name = name->name, .at = UNIT_SPAN(u, *name)};
        *vec_push(u->scratch, &o->defs) = def;
        return;
    }
    if (def) { /* two uses of a name are reported by define() */
        struct diag *x =
            wit_unit_error(u, "wit-duplicate", UNIT_SPAN(u, *name),
                           "name `" STRF "` is defined more than once", STRA(name->name));
        diag_label(u->diags, x, o->nodes.data[prior].at, "first defined here");
    }
}

/* Room for all names at once: there are many scopes. */
static void reserve_names(struct wit_unit *u, const struct ast_member *members, u32 n)
{
    u32 types = 0, others = 0;
    for (u32 i = 0; i < n; i++) {
        types += members[i].kind == AST_USE ? members[i].name_count : 0;
        types += members[i].kind == AST_TYPEDEF;
        others += members[i].kind == AST_FUNC;
    }
    map_reserve(u->scratch, &u->scope.declared, types);
    map_reserve(u->scratch, &u->scope.by_name, types + others);
    vec_reserve(u->scratch, &u->scope.names, types + others);
}

void wit_unit_types(struct wit_unit *u, struct wit_owner owner, const struct ast_member *members,
                    u32 n)
{
    struct type_order o = {0};
    u->scope = (struct unit_scope){0};
    reserve_names(u, members, n);
    for (u32 i = 0; i < n; i++) {
        const struct ast_member *m = &members[i];
        u32 interface;
        span at;
        bool found = m->kind == AST_USE && wit_unit_interface(u, m->path, &interface, &at);
        for (u32 k = 0; m->kind == AST_USE && k < m->name_count; k++) {
            const struct ast_rename *name = &m->names[k];
            if (found) {
                use_name(u, owner, m, interface, name);
            }
            declare(u, &o, name->alias.name.ptr ? &name->alias : &name->name, NULL);
        }
    }
    for (u32 i = 0; i < n; i++) {
        if (members[i].kind == AST_TYPEDEF) {
            declare(u, &o, &members[i].name, &members[i]);
        }
    }
    for (u32 i = 0; i < o.nodes.len; i++) {
        const struct ast_member *def = o.defs.data[i];
        if (def) {
            add_type_edges(u, &o, i, def->type->target);
            for (u32 k = 0; k < def->type->field_count; k++) {
                add_type_edges(u, &o, i, def->type->fields[k].type);
            }
        }
    }
    u32 *order = arena_array(u->scratch, u32, o.nodes.len);
    u32 errors = u->diags->errors;
    wit_sort(u->scratch, u->diags, "type", o.nodes.data, o.nodes.len, order);
    u->broken |= errors != u->diags->errors;
    for (u32 i = 0; i < o.nodes.len; i++) {
        if (o.defs.data[order[i]]) {
            define_type(u, owner, o.defs.data[order[i]]);
        }
    }
}

/* ---- Functions -------------------------------------------------------------------------------------------------------- */

bool wit_scope_define(struct wit_unit *u, struct name_scope *s, str name, span at)
{
    if (name.len && name.ptr[0] == '[') {
        map_put(u->scratch, &s->raw, name, 1);
    }
    str key = wit_canonical_name(u->scratch, name);
    u32 prior = map_add(u->scratch, &s->canonical, key, s->entries.len);
    if (prior != MAP_NONE) {
        str other = s->entries.data[prior].name;
        struct diag *x =
            str_eq(other, name)
                ? wit_unit_error(u, "wit-duplicate", at, "duplicate name `" STRF "`", STRA(name))
                : wit_unit_error(u, "wit-duplicate", at,
                                 "name `" STRF "` conflicts with previous name `" STRF "`",
                                 STRA(name), STRA(other));
        diag_label(u->diags, x, s->entries.data[prior].at, "first defined here");
        if (!str_eq(other, name)) {
            diag_note(u->diags, x, "names must differ by more than case, `-` and `[...]`");
        }
        return false;
    }
    *vec_push(u->scratch, &s->entries) = (struct name_entry){name, at};
    return true;
}

str wit_getter_of(struct arena *a, str setter)
{
    size_t at = str_find(setter, STR("[set]"), 0);
    return str_printf(a, STRF "[get]" STRF, STRA(str_sub(setter, 0, at)),
                      STRA(str_sub(setter, at + 5, setter.len)));
}

static str function_name(struct wit_unit *u, const struct ast_member *m, u32 resource)
{
    const struct ast_func *f = m->func;
    const char *accessor = f->accessor == WIT_GETTER   ? "[get]"
                           : f->accessor == WIT_SETTER ? "[set]"
                                                       : "";
    if (resource == WIT_NONE) {
        return f->accessor ? str_printf(u->arena, "%s" STRF, accessor, STRA(m->name.name))
                           : m->name.name;
    }
    str name = u->types.data[resource].name;
    if (f->is_constructor) {
        return str_printf(u->arena, "[constructor]" STRF, STRA(name));
    }
    return str_printf(u->arena, "%s%s" STRF "." STRF, f->is_static ? "[static]" : "[method]",
                      accessor, STRA(name), STRA(m->name.name));
}

static void check_accessor_params(struct wit_unit *u, const struct ast_func *f)
{
    if (f->accessor == WIT_GETTER && f->param_count) {
        wit_unit_error(u, "wit-accessor", UNIT_SPAN(u, f->params[0].name),
                       "getters cannot have parameters");
    } else if (f->accessor == WIT_SETTER && f->param_count != 1) {
        wit_unit_error(u, "wit-accessor",
                       f->param_count > 1 ? UNIT_SPAN(u, f->params[1].name) : UNIT_SPAN(u, f->word),
                       "setters must have exactly one parameter");
    }
}

static void params_of(struct wit_unit *u, const struct ast_func *f, struct wit_func *out)
{
    u32 self = out->kind == WIT_METHOD, n = 0;
    struct wit_field *params =
        arena_array(u->arena, struct wit_field, (size_t)f->param_count + self);
    static const struct wit_stability unknown;
    map_clear(&u->params);
    if (self) {
        struct wit_typedef borrow = {.kind = WIT_BORROW,
                                     .first = {WIT_ID, out->resource},
                                     .second = WIT_NO_TYPE,
                                     .at = UNIT_SPAN(u, f->word)};
        borrow.stability = find_stability(u, &borrow, &unknown);
        params[n++] =
            (struct wit_field){.name = STR("self"), .type = intern(u, borrow), .at = borrow.at};
        map_put(u->scratch, &u->params, STR("self"), f->param_count);
    }
    check_accessor_params(u, f);
    for (u32 i = 0; i < f->param_count; i++) {
        str name = f->params[i].name.name;
        span at = UNIT_SPAN(u, f->params[i].name);
        u32 prior = map_add(u->scratch, &u->params, wit_canonical_name(u->scratch, name), i);
        if (prior != MAP_NONE) {
            struct diag *x = wit_unit_error(
                u, "wit-duplicate", at, "param `" STRF "` is defined more than once", STRA(name));
            if (prior < f->param_count) {
                diag_label(u->diags, x, UNIT_SPAN(u, f->params[prior].name), "first defined here");
            } else {
                diag_note(u->diags, x, "a method has `self` as its first parameter");
            }
        }
        params[n++] = (struct wit_field){
            .name = name, .type = resolve_type(u, f->params[i].type, &unknown), .at = at};
    }
    out->params = params;
    out->param_count = n;
}

static void setter_result(struct wit_unit *u, const struct ast_type *t, struct wit_type type)
{
    const struct wit_typedef *def = type.kind == WIT_ID ? &u->types.data[type.id] : NULL;
    if (!def || def->kind != WIT_RESULT || wit_type_present(def->first)) {
        wit_unit_error(
            u, "wit-accessor", wit_unit_span(u, t->start, t->end),
            "if a setter return type is declared it must be a `result` with no `ok` type");
    }
}

static void constructor_result(struct wit_unit *u, const struct ast_type *t, struct wit_type type,
                               u32 resource)
{
    const struct wit_typedef *def = type.kind == WIT_ID ? &u->types.data[type.id] : NULL;
    if (!def || def->kind != WIT_RESULT) {
        wit_unit_error(u, "wit-constructor", wit_unit_span(u, t->start, t->end),
                       "if a constructor return type is declared it must be a `result`");
    } else if (def->first.kind != WIT_ID || def->first.id != resource) {
        const struct ast_type *ok =
            t->kind == WIT_RESULT && t->count && t->of.items[0] ? t->of.items[0] : t;
        wit_unit_error(u, "wit-constructor", wit_unit_span(u, ok->start, ok->end),
                       "the `ok` type must be the resource being constructed");
    }
}

struct wit_func wit_unit_function(struct wit_unit *u, const struct ast_member *m, u32 resource)
{
    const struct ast_func *f = m->func;
    static const struct wit_stability unknown;
    struct wit_func out = {
        .name = function_name(u, m, resource),
        .kind = resource == WIT_NONE ? WIT_FREE
                : f->is_constructor  ? WIT_CONSTRUCTOR
                : f->is_static       ? WIT_STATIC
                                     : WIT_METHOD,
        .accessor = f->accessor,
        .is_async = f->is_async,
        .resource = resource,
        .result = WIT_NO_TYPE,
        .stability = *wit_gates_stability(m->gates),
        .docs = m->docs,
        .external_id = wit_gates_external_id(m->gates),
        .at = UNIT_SPAN(u, m->name),
    };
    params_of(u, f, &out);
    if (f->result) {
        out.result = resolve_type(u, f->result, &unknown);
        if (f->accessor == WIT_SETTER) {
            setter_result(u, f->result, out.result);
        } else if (f->is_constructor) {
            constructor_result(u, f->result, out.result, resource);
        }
    } else if (f->accessor == WIT_GETTER) {
        wit_unit_error(u, "wit-accessor", UNIT_SPAN(u, f->word), "getters must return a value");
    } else if (f->is_constructor) {
        out.result = (struct wit_type){WIT_ID, resource};
    }
    return out;
}

/* ---- Interfaces ---------------------------------------------------------------------------------------------------------- */

/* A setter stands right after its getter if it stood before it. */
static void place_setters(struct wit_unit *u, struct wit_interface *it)
{
    struct map index = {0};
    bool any = false;
    for (u32 i = 0; i < it->funcs.len; i++) {
        any |= it->funcs.data[i].accessor == WIT_SETTER;
    }
    if (!any) {
        return;
    }
    for (u32 i = 0; i < it->funcs.len; i++) {
        map_add(u->scratch, &index, it->funcs.data[i].name, i);
    }
    struct wit_func *sorted = arena_array(u->arena, struct wit_func, it->funcs.len);
    u32 *waiting = arena_array(u->scratch, u32, it->funcs.len); /* setter of a getter + 1 */
    u32 n = 0;
    for (u32 i = 0; i < it->funcs.len; i++) {
        const struct wit_func *f = &it->funcs.data[i];
        u32 getter = f->accessor == WIT_SETTER ? map_get(&index, wit_getter_of(u->scratch, f->name))
                                               : MAP_NONE;
        if (getter != MAP_NONE && getter > i) {
            waiting[getter] = i + 1;
            continue;
        }
        sorted[n++] = *f;
        if (waiting[i]) {
            sorted[n++] = it->funcs.data[waiting[i] - 1];
        }
    }
    it->funcs.data = sorted;
    it->funcs.cap = it->funcs.len = n;
}

static void add_func(struct wit_unit *u, u32 interface, struct name_scope *names,
                     const struct ast_member *m, u32 resource)
{
    struct wit_func f = wit_unit_function(u, m, resource);
    if (wit_scope_define(u, names, f.name, f.at)) {
        *vec_push(u->arena, &u->interfaces.data[interface].funcs) = f;
    }
}

static void clear_scope(struct name_scope *s)
{
    map_clear(&s->canonical);
    map_clear(&s->raw);
    s->entries.len = 0;
}

static void reserve_funcs(struct wit_unit *u, struct wit_interface *it,
                          const struct ast_member *members, u32 n)
{
    u32 funcs = 0;
    for (u32 i = 0; i < n; i++) {
        funcs += members[i].kind == AST_FUNC;
        funcs += members[i].kind == AST_TYPEDEF ? members[i].type->func_count : 0;
    }
    it->funcs.data = arena_array(u->arena, struct wit_func, funcs);
    it->funcs.cap = funcs;
}

void wit_unit_interface_items(struct wit_unit *u, u32 interface, const struct ast_member *members,
                              u32 n, str docs, const struct ast_gates *gates)
{
    struct unit_scope outer = u->scope;
    struct name_scope names = u->names; /* its room is used again; inline interfaces do not nest */
    clear_scope(&names);
    u->interfaces.data[interface].docs = docs;
    u->interfaces.data[interface].stability = *wit_gates_stability(gates);
    wit_unit_types(u, (struct wit_owner){WIT_OWNER_INTERFACE, interface}, members, n);
    vec_reserve(u->arena, &u->interfaces.data[interface].types, u->scope.names.len);
    for (u32 i = 0; i < u->scope.names.len; i++) {
        struct wit_named_type t = {u->scope.by_name.entries[i].key, u->scope.names.data[i].type};
        wit_scope_define(u, &names, t.name, u->scope.names.data[i].at);
        *vec_push(u->arena, &u->interfaces.data[interface].types) = t;
    }
    reserve_funcs(u, &u->interfaces.data[interface], members, n);
    for (u32 i = 0; i < n; i++) {
        const struct ast_member *m = &members[i];
        if (m->kind == AST_FUNC) {
            if (map_add(u->scratch, &u->scope.by_name, m->name.name, u->scope.names.len) ==
                MAP_NONE) {
                *vec_push(u->scratch, &u->scope.names) =
                    (struct unit_name){WIT_NONE, UNIT_SPAN(u, m->name)};
            }
            add_func(u, interface, &names, m, WIT_NONE);
        } else if (m->kind == AST_TYPEDEF && m->type->kind == WIT_RESOURCE) {
            u32 index = map_get(&u->scope.by_name, m->name.name);
            u32 type = index == MAP_NONE ? WIT_NONE : u->scope.names.data[index].type;
            for (u32 k = 0; k < m->type->func_count && type != WIT_NONE; k++) {
                add_func(u, interface, &names, &m->type->funcs[k], type);
            }
        }
    }
    for (u32 i = 0; i < names.entries.len; i++) {
        str name = names.entries.data[i].name;
        if (name.ptr[0] == '[' && str_find(name, STR("[set]"), 0) != SIZE_MAX) {
            str getter = wit_getter_of(u->scratch, name);
            if (map_get(&names.raw, getter) == MAP_NONE) {
                wit_unit_error(u, "wit-accessor", names.entries.data[i].at,
                               "setter `" STRF "` has no corresponding getter `" STRF "`",
                               STRA(name), STRA(getter));
            }
        }
    }
    place_setters(u, &u->interfaces.data[interface]);
    u->names = names;
    u->scopes.data[interface] = u->scope;
    u->scopes.data[interface].resolved = true;
    u->scope = outer;
}
