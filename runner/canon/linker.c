/* linker.c - what hosts offer, and how an import of a component finds it. Signatures are read at the first use and compared with
 * the type that the component declares, so that a component cannot lie about a host function. */
#include "canon_internal.h"

enum row_kind {
    ROW_FUNC,
    ROW_TYPE,
    ROW_RESOURCE,
    ROW_MODULE,
    ROW_INSTANCE,
    ROW_BOUND,
    ROW_COMPONENT,
    ROW_VALUE
};
struct row {
    str name;
    enum row_kind kind;
    str text; /* FUNC, TYPE, VALUE: the signature */
    bool parsed;
    const struct canon_functype *func;
    const struct canon_type *value;
    canon_host_fn *fn;
    void *env;
    struct canon_resource_type *resource;
    const struct wasm_module *module;
    struct canon_linker_instance *instance;
    struct canon_instance *bound;
    struct canon_loaded *loaded;
    const struct canon_value *given;
};
struct canon_linker_instance {
    struct canon_linker *linker;
    str name; /* "" for the root */
    VEC(struct row) rows;
    struct map names;
};
struct canon_linker {
    struct arena arena;
    struct canon_linker_instance root;
    bool trap_unknown;
    VEC(str) mistakes;
};

struct canon_linker *canon_linker_new(void)
{
    struct canon_linker *l = mem_alloc(sizeof *l);
    l->root.linker = l;
    return l;
}

void canon_linker_free(struct canon_linker *l)
{
    if (l) {
        arena_free(&l->arena);
        mem_free(l);
    }
}

static struct row *add_row(struct canon_linker_instance *i, const char *name, enum row_kind kind)
{
    struct arena *a = &i->linker->arena;
    str key = str_dup(a, str_c(name));
    u32 old = map_get(&i->names, key);
    struct row *row;
    if (old != MAP_NONE) {
        row = &i->rows.data[old];
    } else {
        map_put(a, &i->names, key, i->rows.len);
        row = vec_push(a, &i->rows);
    }
    *row = (struct row){.name = key, .kind = kind};
    return row;
}

struct canon_linker_instance *canon_linker_root(struct canon_linker *l)
{
    return &l->root;
}

struct canon_linker_instance *canon_linker_nested(struct canon_linker_instance *i, const char *name)
{
    u32 old = map_get(&i->names, str_c(name));
    if (old != MAP_NONE && i->rows.data[old].kind == ROW_INSTANCE) {
        return i->rows.data[old].instance;
    }
    struct canon_linker_instance *inner =
        arena_new(&i->linker->arena, struct canon_linker_instance);
    struct row *row = add_row(i, name, ROW_INSTANCE);
    inner->linker = i->linker;
    inner->name = row->name;
    row->instance = inner;
    return inner;
}

struct canon_linker_instance *canon_linker_instance(struct canon_linker *l, const char *name)
{
    return canon_linker_nested(&l->root, name);
}

void canon_linker_func(struct canon_linker_instance *i, const char *name, const char *signature,
                       canon_host_fn *fn, void *env)
{
    struct row *row = add_row(i, name, ROW_FUNC);
    row->text = str_dup(&i->linker->arena, str_c(signature));
    row->fn = fn;
    row->env = env;
}

void canon_linker_funcs(struct canon_linker_instance *i, const struct canon_host_row *rows,
                        void *env)
{
    for (; rows->name; rows++) {
        canon_linker_func(i, rows->name, rows->signature, rows->fn, env);
    }
}

void canon_linker_type(struct canon_linker_instance *i, const char *name, const char *type)
{
    add_row(i, name, ROW_TYPE)->text = str_dup(&i->linker->arena, str_c(type));
}

void canon_linker_value(struct canon_linker_instance *i, const char *name, const char *type,
                        const struct canon_value *value)
{
    struct arena *a = &i->linker->arena;
    struct canon_value *given = arena_new(a, struct canon_value);
    struct row *row = add_row(i, name, ROW_VALUE);
    canon_value_copy(a, value, given);
    row->text = str_dup(a, str_c(type));
    row->given = given;
}

void canon_linker_use(struct canon_linker_instance *i, const char *name,
                      struct canon_resource_type *resource)
{
    add_row(i, name, ROW_RESOURCE)->resource = resource;
}

struct canon_resource_type *canon_linker_resource(struct canon_linker_instance *i, const char *name,
                                                  canon_dtor_fn *dtor, void *env)
{
    struct canon_resource_type *rt = arena_new(&i->linker->arena, struct canon_resource_type);
    rt->name = str_dup(&i->linker->arena, str_c(name));
    rt->host_dtor = dtor;
    rt->host_env = env;
    canon_linker_use(i, name, rt);
    return rt;
}

void canon_linker_module(struct canon_linker_instance *i, const char *name,
                         const struct wasm_module *module)
{
    add_row(i, name, ROW_MODULE)->module = module;
}

void canon_linker_bind(struct canon_linker *l, const char *name, struct canon_instance *instance)
{
    add_row(&l->root, name, ROW_BOUND)->bound = instance;
}

void canon_linker_component(struct canon_linker *l, const char *name, struct canon_loaded *loaded)
{
    add_row(&l->root, name, ROW_COMPONENT)->loaded = loaded;
}

void canon_linker_trap_unknown(struct canon_linker *l, bool on)
{
    l->trap_unknown = on;
}

/* ---- Signatures ------------------------------------------------------------------------------------- */

static const struct canon_type *find_type(void *ctx, str name);

static void mistake(struct canon_linker_instance *i, str name, str why)
{
    *vec_push(&i->linker->arena, &i->linker->mistakes) =
        str_printf(&i->linker->arena, "host `" STRF "` `" STRF "`: " STRF, STRA(i->name),
                   STRA(name), STRA(why));
}

static void parse_row(struct canon_linker_instance *i, struct row *row)
{
    str why = {0};
    if (row->parsed) {
        return;
    }
    row->parsed = true; /* before the parse: a name that means itself is unknown */
    if (row->kind == ROW_FUNC) {
        row->func = canon_parse_functype(&i->linker->arena, row->text, find_type, i, &why);
    } else if (row->kind == ROW_TYPE || row->kind == ROW_VALUE) {
        row->value = canon_parse_type(&i->linker->arena, row->text, find_type, i, &why);
    } else if (row->kind == ROW_RESOURCE) {
        struct canon_type *t = canon_type_new(&i->linker->arena, CANON_T_OWN);
        t->resource = row->resource;
        canon_type_finish(t);
        row->value = t;
    }
    if (why.len) {
        mistake(i, row->name, why);
    }
}

static const struct canon_type *find_type(void *ctx, str name)
{
    struct canon_linker_instance *i = ctx;
    u32 n = map_get(&i->names, name);
    if (n == MAP_NONE || i->rows.data[n].kind == ROW_FUNC || i->rows.data[n].kind == ROW_VALUE) {
        return i == &i->linker->root ? NULL : find_type(&i->linker->root, name);
    }
    parse_row(i, &i->rows.data[n]);
    return i->rows.data[n].value;
}

const struct canon_type *canon_linker_parse_type(struct canon_linker_instance *i, const char *type)
{
    str why = {0};
    str text = str_dup(&i->linker->arena, str_c(type));
    return canon_parse_type(&i->linker->arena, text, find_type, i, &why);
}

static void check_rows(struct canon_linker_instance *i)
{
    for (u32 n = 0; n < i->rows.len; n++) {
        if (i->rows.data[n].kind == ROW_INSTANCE) {
            check_rows(i->rows.data[n].instance);
        } else {
            parse_row(i, &i->rows.data[n]);
        }
    }
}

bool canon_linker_check(struct canon_linker *l, struct diags *d)
{
    check_rows(&l->root);
    for (u32 i = 0; i < l->mistakes.len; i++) {
        diag_error(d, "host", (span){0}, STRF, STRA(l->mistakes.data[i]));
    }
    return l->mistakes.len == 0;
}

/* ---- Finding what an import asks for ------------------------------------------------------------------ */

struct link {
    validate_id component; /* type of the root */
    struct canon_store *store;
    struct canon_linker *linker;
    struct diags *diags;
    span at;
    str import; /* name of the import at the root */
};

/* Where the exports of an instance type come from. */
struct provider {
    struct canon_linker_instance *host;
    struct canon_instance *guest;
    bool unknown; /* nowhere: every function traps */
};
/* One of them. */
struct provided {
    bool found;
    struct item item;
    struct provider instance; /* of an instance */
};

static struct engine_module *load_module(struct link *k, const struct wasm_module *m)
{
    return canon_get_module(k->store, m, k->diags);
}

static struct canon_func *host_func(struct link *k, struct canon_linker_instance *i,
                                    const struct row *row)
{
    struct canon_func *f = arena_new(&k->store->arena, struct canon_func);
    f->kind = FUNC_HOST;
    f->type = row->func;
    f->fn = row->fn;
    f->env = row->env;
    f->name = i->name.len
                  ? str_printf(&k->store->arena, STRF "#" STRF, STRA(i->name), STRA(row->name))
                  : row->name;
    return f;
}

static bool given_fits(struct canon_linker_instance *i, const struct row *row)
{
    str why;
    if (canon_value_check(row->given, row->value, &i->linker->arena, &why)) {
        return true;
    }
    mistake(i, row->name, why);
    return false;
}

static struct provided from_row(struct link *k, struct canon_linker_instance *i, struct row *row)
{
    struct provided p = {.found = true};
    p.item.pub.name = row->name;
    parse_row(i, row);
    switch (row->kind) {
    case ROW_FUNC:
        p.item.pub.sort = SORT_FUNC;
        p.found = row->func != NULL;
        p.item.pub.func = p.found ? host_func(k, i, row) : NULL;
        break;
    case ROW_TYPE:
        p.item.pub.sort = SORT_TYPE;
        p.item.type = (struct typedef_){.kind = TD_VALUE, .value = row->value};
        p.found = row->value != NULL;
        break;
    case ROW_VALUE:
        p.item.pub.sort = SORT_VALUE;
        p.item.pub.type = row->value;
        p.item.pub.value = row->given;
        p.found = row->value != NULL && given_fits(i, row);
        break;
    case ROW_RESOURCE:
        p.item.pub.sort = SORT_TYPE;
        p.item.type = (struct typedef_){.kind = TD_RESOURCE, .resource = row->resource};
        break;
    case ROW_MODULE:
        p.item.pub.sort = SORT_CORE_MODULE;
        p.item.module.module = load_module(k, row->module);
        p.found = p.item.module.module != NULL;
        break;
    case ROW_INSTANCE:
        p.item.pub.sort = SORT_INSTANCE;
        p.instance.host = row->instance;
        break;
    case ROW_BOUND:
        p.item.pub.sort = SORT_INSTANCE;
        p.item.pub.instance = row->bound;
        p.instance.guest = row->bound;
        break;
    case ROW_COMPONENT:
        p.item.pub.sort = SORT_COMPONENT;
        p.item.component = (struct component_ref){row->loaded->component, NULL, row->loaded};
        break;
    }
    return p;
}

static struct provided provide(struct link *k, const struct provider *from, str name)
{
    struct provided none = {0};
    if (from->host) {
        u32 n = canon_name_best(name, &from->host->names);
        return n == MAP_NONE ? none : from_row(k, from->host, &from->host->rows.data[n]);
    }
    if (from->guest) {
        u32 n = canon_name_best(name, &from->guest->names);
        if (n == MAP_NONE) {
            return none;
        }
        struct provided p = {.found = true, .item = from->guest->items.data[n]};
        p.instance.guest = p.item.pub.instance;
        return p;
    }
    return none;
}

/* ---- Comparing types -------------------------------------------------------------------------------------- */

static bool functype_fits(const struct canon_functype *have, const struct canon_functype *want)
{
    if (have->is_async != want->is_async || have->param_count != want->param_count ||
        !canon_type_equal(have->result, want->result)) {
        return false;
    }
    for (u32 i = 0; i < have->param_count; i++) {
        if (!canon_type_equal(have->params[i].type, want->params[i].type)) {
            return false;
        }
    }
    return true;
}

static bool func_fits(struct link *k, const struct canon_functype *have,
                      const struct canon_functype *want, str what)
{
    if (functype_fits(have, want)) {
        return true;
    }
    struct buf b = buf_in(&k->store->arena), c = buf_in(&k->store->arena);
    canon_functype_print(&b, want);
    canon_functype_print(&c, have);
    struct diag *x =
        diag_error(k->diags, "link", k->at,
                   "import `" STRF "` has another type than what it is linked to", STRA(what));
    diag_note(k->diags, x, "the component asks for `" STRF "`", STRA(buf_view(&b)));
    diag_note(k->diags, x, "it would get `" STRF "`", STRA(buf_view(&c)));
    return false;
}

static bool missing(struct link *k, const struct provider *from, str what, str name,
                    const char *noun)
{
    struct diag *x = diag_error(k->diags, "link", k->at,
                                "unknown import: `" STRF "` has not been defined", STRA(what));
    const struct map *names = from->host    ? &from->host->names
                              : from->guest ? &from->guest->names
                                            : NULL;
    if (names && names->len) {
        str *list = arena_array(&k->store->arena, str, names->len);
        for (u32 i = 0; i < names->len; i++) {
            list[i] = names->entries[i].key;
        }
        diag_suggest(k->diags, x, name, list, names->len);
    }
    diag_note(k->diags, x, "the component imports it as %s %s", *noun == 'i' ? "an" : "a", noun);
    return false;
}

static bool other_sort(struct link *k, str what, const char *noun)
{
    diag_error(k->diags, "link", k->at, "import `" STRF "` is linked to something that is no %s",
               STRA(what), noun);
    return false;
}

/* What the validator knows of the import with this path ("iface#nested#name"). */
static bool wanted_entity(struct link *k, str path, struct validate_entity *out)
{
    str name = k->import;
    const struct validate_item *item = validate_find_import(k->store->types, k->component, name);
    str rest = str_sub(path, name.len, path.len);
    while (item && rest.len) {
        rest = str_cut(str_sub(rest, 1, rest.len), '#', &name);
        rest = rest.ptr ? str_of(rest.ptr - 1, rest.len + 1) : STR("");
        item = validate_find_export(k->store->types, item->entity.type, name);
    }
    if (item) {
        *out = item->entity;
    }
    return item != NULL;
}

static bool module_fits(struct link *k, struct engine_module *m, str what)
{
    struct canon_store *s = k->store;
    struct validate_entity want, have = {.sort = SORT_CORE_MODULE};
    struct validate_mismatch why = {0};
    if (!wanted_entity(k, what, &want) ||
        !validate_core_module(s->types, engine_module_source(m), s->config.features, &have.type,
                              k->diags)) {
        return false;
    }
    if (validate_subtype(s->types, have, want, NULL, 0, &s->arena, &why)) {
        return true;
    }
    struct diag *x =
        diag_error(k->diags, "link", k->at,
                   "import `" STRF "` has another type than what it is linked to", STRA(what));
    diag_note(k->diags, x, STRF, STRA(validate_mismatch_text(&s->arena, &why)));
    return false;
}

/* ---- Binding ------------------------------------------------------------------------------------------------- */

static bool bind_item(struct link *k, struct scope *sc, const struct cm_externtype *want,
                      const struct provider *from, str name, str what, struct item *out);

static struct canon_func *unknown_func(struct link *k, const struct canon_functype *type, str what)
{
    struct canon_func *f = arena_new(&k->store->arena, struct canon_func);
    f->kind = FUNC_UNKNOWN;
    f->type = type;
    f->name = what;
    return f;
}

static struct typedef_ *type_at(struct scope *sc, u32 index, enum typedef_kind kind)
{
    return index < sc->types.len && sc->types.data[index].kind == kind ? &sc->types.data[index]
                                                                       : NULL;
}

static bool bad_type(struct link *k, str what)
{
    diag_error(k->diags, "link", k->at, "import `" STRF "` has a type index out of range",
               STRA(what));
    return false;
}

static bool bind_type(struct link *k, struct scope *sc, const struct cm_externtype *want,
                      const struct provider *from, str name, str what, struct item *out)
{
    if (!want->is_bound) {
        if (want->index >= sc->types.len) {
            return bad_type(k, what);
        }
        out->type = sc->types.data[want->index];
        struct provided p = provide(k, from, name);
        if (out->type.kind == TD_RESOURCE && !from->host && !from->guest && !from->unknown) {
            return missing(k, from, what, name, "resource");
        }
        bool resource = p.found && p.item.pub.sort == SORT_TYPE && out->type.kind == TD_RESOURCE;
        if (resource && p.item.type.resource != out->type.resource) {
            diag_error(k->diags, "link", k->at, "mismatched resource types: import `" STRF "`",
                       STRA(what));
            return false;
        }
    } else {
        struct provided p = provide(k, from, name);
        if (!p.found && from->unknown) {
            p.found = true;
            p.item.pub.sort = SORT_TYPE;
            p.item.type.kind = TD_RESOURCE;
            p.item.type.resource = arena_new(&k->store->arena, struct canon_resource_type);
            p.item.type.resource->name = name;
        }
        if (!p.found) {
            return missing(k, from, what, name, "resource");
        }
        if (p.item.pub.sort != SORT_TYPE || p.item.type.kind != TD_RESOURCE) {
            return other_sort(k, what, "resource");
        }
        out->type = p.item.type;
    }
    out->pub.type = out->type.kind == TD_VALUE ? out->type.value : NULL;
    return true;
}

static bool bind_func(struct link *k, struct scope *sc, const struct cm_externtype *want,
                      const struct provider *from, str name, str what, struct item *out)
{
    struct typedef_ *t = type_at(sc, want->index, TD_FUNC);
    if (!t) {
        return bad_type(k, what);
    }
    struct provided p = provide(k, from, name);
    if (!p.found && (from->unknown || k->linker->trap_unknown)) {
        out->pub.func = unknown_func(k, t->func, what);
        return true;
    }
    if (!p.found) {
        return missing(k, from, what, name, "function");
    }
    if (p.item.pub.sort != SORT_FUNC) {
        return other_sort(k, what, "function");
    }
    out->pub.func = p.item.pub.func;
    return func_fits(k, out->pub.func->type, t->func, what);
}

static bool bind_decl_alias(struct link *k, struct scope *sc, const struct cm_alias *a, str what)
{
    if (a->kind == ALIAS_OUTER) {
        struct scope *outer;
        if (a->sort == SORT_TYPE && canon_alias_outer(sc, a, &outer) &&
            a->index < outer->types.len) {
            struct typedef_ type = outer->types.data[a->index]; /* may be of the same scope */
            *vec_push(&k->store->arena, &sc->types) = type;
            return true;
        }
        if (a->sort == SORT_CORE_TYPE) {
            vec_push(&k->store->arena, &sc->core_types);
            return true;
        }
    } else if (a->kind == ALIAS_EXPORT && a->instance < sc->instances.len) {
        struct canon_instance *i = sc->instances.data[a->instance];
        u32 n = map_get(&i->names, a->name);
        if (n != MAP_NONE && a->sort == SORT_TYPE) {
            *vec_push(&k->store->arena, &sc->types) = i->items.data[n].type;
            return true;
        }
        if (n != MAP_NONE && a->sort == SORT_INSTANCE) {
            *vec_push(&k->store->arena, &sc->instances) = i->items.data[n].pub.instance;
            return true;
        }
    }
    return bad_type(k, what);
}

/* Walks an instance type and takes each export from the provider: gives an instance with just these. */
static bool bind_instance(struct link *k, const struct typedef_ *type, const struct provider *from,
                          str what, struct canon_instance **out)
{
    struct arena *a = &k->store->arena;
    struct scope *sc = arena_new(a, struct scope);
    struct canon_instance *instance = canon_instance_new(k->store);
    sc->parent = type->scope;
    for (u32 i = 0; i < type->def->decl_count; i++) {
        const struct cm_decl *decl = &type->def->decls[i];
        switch (decl->kind) {
        case DECL_CORE_TYPE: vec_push(a, &sc->core_types); break;
        case DECL_TYPE: {
            struct typedef_ t;
            if (!canon_scope_type(k->store, sc, decl->type, &t, k->diags)) {
                return false;
            }
            *vec_push(a, &sc->types) = t;
            break;
        }
        case DECL_ALIAS:
            if (!bind_decl_alias(k, sc, decl->alias, what)) {
                return false;
            }
            break;
        case DECL_EXPORT: {
            struct item item = {0};
            str name = decl->name.name;
            str path = str_printf(a, STRF "#" STRF, STRA(what), STRA(name));
            if (!bind_item(k, sc, &decl->extern_type, from, name, path, &item)) {
                return false;
            }
            item.pub.name = name;
            item.pub.sort = decl->extern_type.sort;
            if (item.pub.sort == SORT_TYPE) {
                *vec_push(a, &sc->types) = item.type;
            } else if (item.pub.sort == SORT_INSTANCE) {
                *vec_push(a, &sc->instances) = item.pub.instance;
            } else if (item.pub.sort == SORT_VALUE) {
                *vec_push(a, &sc->values) = (struct typed_value){item.pub.type, item.pub.value};
            }
            *canon_instance_add(instance, name, item.pub.sort) = item;
            break;
        }
        default: return bad_type(k, what);
        }
    }
    *out = instance;
    return true;
}

/* An instance type without functions or new types can be had from nowhere. */
static bool asks_for_nothing(const struct cm_type *type)
{
    for (u32 i = 0; i < type->decl_count; i++) {
        const struct cm_externtype *e = &type->decls[i].extern_type;
        if (type->decls[i].kind == DECL_EXPORT && e->sort != SORT_INSTANCE &&
            (e->sort != SORT_TYPE || e->is_bound)) {
            return false;
        }
    }
    return true;
}

static bool bind_value(struct link *k, struct scope *sc, const struct cm_externtype *want,
                       const struct provider *from, str name, str what, struct item *out)
{
    struct typed_value wanted = {0};
    if (!want->is_bound) {
        wanted.type = canon_scope_valtype(k->store, sc, want->value, k->diags);
    } else if (want->index < sc->values.len) {
        wanted = sc->values.data[want->index];
    }
    if (!wanted.type) {
        return bad_type(k, what);
    }
    struct provided p = provide(k, from, name);
    if (!p.found) {
        return missing(k, from, what, name, "value");
    }
    if (p.item.pub.sort != SORT_VALUE) {
        return other_sort(k, what, "value");
    }
    *out = p.item;
    bool fits = canon_type_equal(wanted.type, p.item.pub.type);
    if (fits && (!wanted.value || canon_value_equal(wanted.value, p.item.pub.value, wanted.type))) {
        return true;
    }
    struct buf text = buf_in(&k->store->arena);
    canon_type_print(&text, fits ? wanted.type : p.item.pub.type);
    diag_error(k->diags, "link", k->at,
               fits ? "import `" STRF "` gets another value of " STRF " than the one it equals"
                    : "import `" STRF "` gets a value of another type: " STRF,
               STRA(what), STRA(buf_view(&text)));
    return false;
}

static bool bind_item(struct link *k, struct scope *sc, const struct cm_externtype *want,
                      const struct provider *from, str name, str what, struct item *out)
{
    switch (want->sort) {
    case SORT_TYPE: return bind_type(k, sc, want, from, name, what, out);
    case SORT_FUNC: return bind_func(k, sc, want, from, name, what, out);
    case SORT_INSTANCE: {
        struct typedef_ *t = type_at(sc, want->index, TD_INSTANCE);
        if (!t) {
            return bad_type(k, what);
        }
        struct provided p = provide(k, from, name);
        if (p.found && p.item.pub.sort != SORT_INSTANCE) {
            return other_sort(k, what, "instance");
        }
        if (!p.found && !k->linker->trap_unknown && !asks_for_nothing(t->def)) {
            return missing(k, from, what, name, "instance");
        }
        p.instance.unknown = !p.found && k->linker->trap_unknown;
        return bind_instance(k, t, &p.instance, what, &out->pub.instance);
    }
    case SORT_CORE_MODULE: {
        struct provided p = provide(k, from, name);
        if (!p.found) {
            return missing(k, from, what, name, "core module");
        }
        out->module = p.item.module;
        return p.item.pub.sort == SORT_CORE_MODULE ? module_fits(k, out->module.module, what)
                                                   : other_sort(k, what, "core module");
    }
    case SORT_COMPONENT: {
        struct provided p = provide(k, from, name);
        if (!p.found) {
            return missing(k, from, what, name, "component");
        }
        out->component = p.item.component;
        return p.item.pub.sort == SORT_COMPONENT || other_sort(k, what, "component");
    }
    default: return bind_value(k, sc, want, from, name, what, out);
    }
}

bool canon_link_import(struct canon_store *s, struct scope *sc, struct canon_loaded *loaded,
                       struct canon_linker *l, const struct cm_import *import, struct item *out,
                       struct diags *d)
{
    struct link k = {.component = loaded->type,
                     .store = s,
                     .linker = l,
                     .diags = d,
                     .at = import->at,
                     .import = import->name.name};
    struct provider root = {.host = &l->root};
    str name = import->name.name;
    u32 mistakes = l->mistakes.len;
    if (import->name.implements.ptr && canon_name_best(name, &l->root.names) == MAP_NONE) {
        name = import->name.implements;
    }
    *out = (struct item){0};
    out->pub.name = import->name.name;
    out->pub.sort = import->type.sort;
    bool fine = bind_item(&k, sc, &import->type, &root, name, name, out);
    for (; mistakes < l->mistakes.len; mistakes++) {
        diag_error(d, "host", (span){0}, STRF, STRA(l->mistakes.data[mistakes]));
        fine = false;
    }
    return fine;
}
