/* instantiate.c - instantiating components: the definitions of a component in order, each adding to an index space of
 * this instance. */
#include "canon_internal.h"

#define MAX_INSTANCES 10000

struct build {
    struct canon_store *store;
    struct canon_linker *linker; /* NULL: a nested component, arguments come from `args` */
    struct canon_loaded *loaded;
    struct diags *diags;
    const struct canon_instance *args;
    struct component_instance *inst;
    struct scope *scope;
    struct canon_instance *exports;
    const struct wasm_component *component;
};

static bool instantiate_component(struct build *outer, struct component_ref ref,
                                  const struct canon_instance *args, struct canon_linker *linker,
                                  str path, struct component_instance *root,
                                  struct canon_instance **out);

/* ---- Small helpers --------------------------------------------------------------------------------- */

/* Index spaces were checked by the validator; here they are only kept from harm. */
static bool out_of_range(struct build *b, span at)
{
    diag_error(b->diags, "component", at, "an index that is out of range");
    return false;
}

#define PUSH(b, vec, value) (*vec_push(&(b)->store->arena, &(b)->scope->vec) = (value))

/* ---- Core instances ---------------------------------------------------------------------------------- */

static bool core_export(const struct core_instance *i, str name, struct engine_extern *out)
{
    if (i->instance) {
        return engine_export(i->instance, name, out);
    }
    u32 n = map_get(&i->names, name);
    return n != MAP_NONE && (*out = i->items[n], true);
}

static bool core_item(struct build *b, struct cm_sortidx item, struct engine_extern *out)
{
    struct scope *sc = b->scope;
    u32 n = item.index;
    out->kind = (enum wasm_extern)item.sort; /* the core sorts come first, in the same order */
    switch (item.sort) {
    case SORT_CORE_FUNC:
        return n < sc->core_funcs.len && (out->func = sc->core_funcs.data[n], true);
    case SORT_CORE_TABLE: return n < sc->tables.len && (out->table = sc->tables.data[n], true);
    case SORT_CORE_MEMORY:
        return n < sc->memories.len && (out->memory = sc->memories.data[n], true);
    case SORT_CORE_GLOBAL: return n < sc->globals.len && (out->global = sc->globals.data[n], true);
    case SORT_CORE_TAG: return n < sc->tags.len && (out->tag = sc->tags.data[n], true);
    default: return false;
    }
}

static bool push_core(struct build *b, struct engine_extern ext)
{
    switch (ext.kind) {
    case EXTERN_FUNC: PUSH(b, core_funcs, ext.func); return true;
    case EXTERN_TABLE: PUSH(b, tables, ext.table); return true;
    case EXTERN_MEMORY: PUSH(b, memories, ext.memory); return true;
    case EXTERN_GLOBAL: PUSH(b, globals, ext.global); return true;
    default: PUSH(b, tags, ext.tag); return true;
    }
}

static bool core_bundle(struct build *b, const struct cm_instance *def, struct core_instance *out)
{
    out->items = arena_array(&b->store->arena, struct engine_extern, def->export_count);
    map_reserve(&b->store->arena, &out->names, def->export_count);
    for (u32 i = 0; i < def->export_count; i++) {
        map_add(&b->store->arena, &out->names, def->exports[i].name.name, i);
        if (!core_item(b, def->exports[i].item, &out->items[i])) {
            return out_of_range(b, def->at);
        }
    }
    return true;
}

static bool core_imports(struct build *b, const struct cm_instance *def,
                         const struct wasm_module *m, struct engine_extern *imports)
{
    struct map args = {0}; /* name -> instance */
    map_reserve(&b->store->arena, &args, def->arg_count);
    for (u32 i = 0; i < def->arg_count; i++) {
        map_add(&b->store->arena, &args, def->args[i].name, def->args[i].item.index);
    }
    for (u32 i = 0; i < m->imports.len; i++) {
        const struct wasm_import *import = &m->imports.data[i];
        u32 index = map_get(&args, import->module);
        if (index >= b->scope->core_instances.len ||
            !core_export(&b->scope->core_instances.data[index], import->name, &imports[i])) {
            diag_error(b->diags, "link", def->at,
                       "core module import `" STRF "` `" STRF "` has no argument",
                       STRA(import->module), STRA(import->name));
            return false;
        }
    }
    return true;
}

/* A segment trapped: what the engine reported as a diagnostic is the trap. */
static bool segment_trap(struct build *b)
{
    struct diags *d = b->diags;
    if (d->list.len) {
        struct diag *x = d->list.data[--d->list.len];
        d->errors--;
        canon_fail(b->store, b->inst, STRF, STRA(x->message));
    } else {
        canon_fail(b->store, b->inst, "a segment does not fit");
    }
    return false;
}

/* The start function of a module is a synchronous call that takes and gives nothing. */
static bool run_start(struct build *b, struct engine_func *start)
{
    struct canon_func *f = arena_new(&b->store->arena, struct canon_func);
    f->kind = FUNC_LIFTED;
    f->type = canon_functype_new(&b->store->arena, false, NULL, 0, NULL);
    f->name = STR("[start]");
    f->callee = start;
    f->inst = b->inst;
    return canon_run_func(b->store, f);
}

static bool core_instantiate(struct build *b, const struct cm_instance *def,
                             struct core_instance *out)
{
    struct canon_store *s = b->store;
    if (def->source >= b->scope->modules.len) {
        return out_of_range(b, def->at);
    }
    struct engine_module *module = b->scope->modules.data[def->source].module;
    const struct wasm_module *m = engine_module_source(module);
    struct engine_extern *imports = arena_array(&s->arena, struct engine_extern, m->imports.len);
    if (!core_imports(b, def, m, imports)) {
        return false;
    }
    str label = b->inst->path, name = canon_find_module(s, m)->name;
    if (name.len) {
        label = str_printf(&s->arena, STRF "/" STRF, STRA(label), STRA(name));
    }
    u32 errors = b->diags->errors;
    enum engine_outcome outcome = engine_instantiate(s->engine, module, imports, m->imports.len,
                                                     label, &out->instance, b->diags);
    if (outcome != ENGINE_DONE) {
        return out->instance || b->diags->errors == errors ? segment_trap(b) : false;
    }
    struct engine_func *start = engine_start_func(out->instance);
    return !start || run_start(b, start);
}

static bool do_core_instance(struct build *b, const struct cm_instance *def)
{
    struct core_instance i = {0};
    if (!(def->is_instantiate ? core_instantiate(b, def, &i) : core_bundle(b, def, &i))) {
        return false;
    }
    PUSH(b, core_instances, i);
    return true;
}

/* ---- Canonical definitions ------------------------------------------------------------------------------ */

static bool set_options(struct build *b, const struct cm_canon_opts *from, struct options *o,
                        span at)
{
    struct scope *sc = b->scope;
    *o = (struct options){.encoding = from->encoding, .is_async = from->is_async};
    if ((from->has_memory && from->memory >= sc->memories.len) ||
        (from->has_realloc && from->realloc >= sc->core_funcs.len) ||
        (from->has_post_return && from->post_return >= sc->core_funcs.len) ||
        (from->has_callback && from->callback >= sc->core_funcs.len)) {
        return out_of_range(b, at);
    }
    if (from->is_gc || from->has_core_type) {
        diag_unsupported(b->diags, at, "the canonical ABI's `gc` option");
        return false;
    }
    o->memory = from->has_memory ? sc->memories.data[from->memory] : NULL;
    o->realloc = from->has_realloc ? sc->core_funcs.data[from->realloc] : NULL;
    o->post_return = from->has_post_return ? sc->core_funcs.data[from->post_return] : NULL;
    o->callback = from->has_callback ? sc->core_funcs.data[from->callback] : NULL;
    o->p = o->memory && engine_memory_is_64(o->memory);
    return true;
}

static bool do_lift(struct build *b, const struct cm_canon *def)
{
    struct scope *sc = b->scope;
    if (def->func >= sc->core_funcs.len || def->type >= sc->types.len ||
        sc->types.data[def->type].kind != TD_FUNC) {
        return out_of_range(b, def->at);
    }
    struct canon_func *f = arena_new(&b->store->arena, struct canon_func);
    f->kind = FUNC_LIFTED;
    f->type = sc->types.data[def->type].func;
    f->callee = sc->core_funcs.data[def->func];
    f->inst = b->inst;
    PUSH(b, funcs, f);
    return set_options(b, &def->opts, &f->opts, def->at);
}

/* A function that nobody exports has the name of its core function. */
static void name_by_core(struct build *b, struct canon_func *f)
{
    if (!f->name.len && f->callee) {
        f->name = engine_func_name(f->callee, &b->store->arena);
        f->is_core_name = true;
    }
}

static bool do_lower(struct build *b, const struct cm_canon *def)
{
    if (def->func >= b->scope->funcs.len) {
        return out_of_range(b, def->at);
    }
    struct lowered *low = arena_new(&b->store->arena, struct lowered);
    low->inst = b->inst;
    low->callee = b->scope->funcs.data[def->func];
    name_by_core(b, low->callee);
    if (!set_options(b, &def->opts, &low->opts, def->at)) {
        return false;
    }
    canon_add_call(b->inst, low->callee);
    PUSH(b, core_funcs, canon_lower_func(low));
    return true;
}

/* What a built-in says about its type. */
static bool builtin_type(struct build *b, const struct cm_canon *def, struct builtin *out)
{
    struct scope *sc = b->scope;
    if (def->type >= sc->types.len) {
        return out_of_range(b, def->at);
    }
    const struct typedef_ *t = &sc->types.data[def->type];
    switch (def->kind) {
    case CANON_RESOURCE_NEW:
    case CANON_RESOURCE_REP:
    case CANON_RESOURCE_DROP:
        out->rt = t->kind == TD_RESOURCE ? t->resource : NULL;
        if (out->rt && out->rt->dtor_func) {
            struct lowered *low = arena_new(&b->store->arena, struct lowered);
            low->inst = b->inst;
            low->callee = out->rt->dtor_func;
            low->max_flat_params = MAX_FLAT_PARAMS;
            low->max_flat_results = MAX_FLAT_RESULTS;
            low->core_params = 1;
            out->drop = low;
            if (def->kind == CANON_RESOURCE_DROP) {
                canon_add_call(b->inst, low->callee);
            }
        }
        return out->rt || out_of_range(b, def->at);
    default:
        out->type = t->kind == TD_VALUE ? t->value : NULL;
        return (out->type &&
                (out->type->kind == CANON_T_STREAM || out->type->kind == CANON_T_FUTURE)) ||
               out_of_range(b, def->at);
    }
}

static bool builtin_thread(struct build *b, const struct cm_canon *def, struct builtin *out)
{
    struct scope *sc = b->scope;
    if (def->table >= sc->tables.len || def->type >= sc->core_types.len) {
        return out_of_range(b, def->at);
    }
    const struct wasm_type *t = sc->core_types.data[def->type].type;
    out->table = sc->tables.data[def->table];
    out->table_64 = engine_table_is_64(out->table);
    out->closure_64 = t && t->func.param_count == 1 && t->func.params[0] == WASM_I64;
    return true;
}

/* Does it suspend its thread, or run another one? */
static bool blocks(const struct cm_canon *def)
{
    switch (def->kind) {
    case CANON_SUBTASK_CANCEL:
    case CANON_WAITABLE_SET_WAIT:
    case CANON_THREAD_YIELD:
    case CANON_THREAD_INDEX: /* direct calls have no index */
    case CANON_THREAD_NEW_INDIRECT:
    case CANON_THREAD_SUSPEND:
    case CANON_THREAD_SUSPEND_THEN_RESUME:
    case CANON_THREAD_YIELD_THEN_RESUME:
    case CANON_THREAD_SUSPEND_THEN_PROMOTE:
    case CANON_THREAD_YIELD_THEN_PROMOTE: return true;
    case CANON_STREAM_READ:
    case CANON_STREAM_WRITE:
    case CANON_FUTURE_READ:
    case CANON_FUTURE_WRITE: return !def->opts.is_async;
    case CANON_STREAM_CANCEL_READ:
    case CANON_STREAM_CANCEL_WRITE:
    case CANON_FUTURE_CANCEL_READ:
    case CANON_FUTURE_CANCEL_WRITE: return !def->is_async;
    default: return false;
    }
}

static bool do_builtin(struct build *b, const struct cm_canon *def)
{
    struct builtin *out = arena_new(&b->store->arena, struct builtin);
    out->inst = b->inst;
    out->def = def;
    if (!set_options(b, &def->opts, &out->opts, def->at)) {
        return false;
    }
    switch (cm_canon_info[def->kind].form) {
    case CANON_FORM_TYPE:
    case CANON_FORM_TYPE_OPTS:
    case CANON_FORM_TYPE_ASYNC:
        if (!builtin_type(b, def, out)) {
            return false;
        }
        break;
    case CANON_FORM_RESULT_OPTS:
        if (def->has_result &&
            !(out->result = canon_scope_valtype(b->store, b->scope, def->result, b->diags))) {
            return false;
        }
        break;
    case CANON_FORM_ZERO_MEMORY:
        if (def->memory >= b->scope->memories.len) {
            return out_of_range(b, def->at);
        }
        out->memory = b->scope->memories.data[def->memory];
        out->opts.p = engine_memory_is_64(out->memory);
        break;
    case CANON_FORM_CORE_TYPE_TABLE:
        if (!builtin_thread(b, def, out)) {
            return false;
        }
        break;
    default: break;
    }
    if (blocks(def)) {
        canon_may_block(b->inst);
    }
    struct engine_func *f = canon_builtin_func(out, b->diags);
    PUSH(b, core_funcs, f);
    return f != NULL;
}

static bool do_canon(struct build *b, const struct cm_canon *def)
{
    return def->kind == CANON_LIFT    ? do_lift(b, def)
           : def->kind == CANON_LOWER ? do_lower(b, def)
                                      : do_builtin(b, def);
}

/* ---- Items of component sorts ----------------------------------------------------------------------------- */

static bool get_item(struct build *b, struct cm_sortidx from, struct item *out)
{
    struct scope *sc = b->scope;
    u32 n = from.index;
    out->pub.sort = from.sort;
    switch (from.sort) {
    case SORT_CORE_MODULE: return n < sc->modules.len && (out->module = sc->modules.data[n], true);
    case SORT_FUNC: return n < sc->funcs.len && (out->pub.func = sc->funcs.data[n], true);
    case SORT_INSTANCE:
        return n < sc->instances.len && (out->pub.instance = sc->instances.data[n], true);
    case SORT_COMPONENT:
        return n < sc->components.len && (out->component = sc->components.data[n], true);
    case SORT_VALUE:
        if (n >= sc->values.len) {
            return false;
        }
        out->pub.type = sc->values.data[n].type;
        out->pub.value = sc->values.data[n].value;
        return true;
    case SORT_TYPE:
        if (n >= sc->types.len) {
            return false;
        }
        out->type = sc->types.data[n];
        out->pub.type = out->type.kind == TD_VALUE ? out->type.value : NULL;
        return true;
    default: return false;
    }
}

static bool push_item(struct build *b, const struct item *item)
{
    switch (item->pub.sort) {
    case SORT_CORE_MODULE: PUSH(b, modules, item->module); return true;
    case SORT_FUNC: PUSH(b, funcs, item->pub.func); return true;
    case SORT_INSTANCE: PUSH(b, instances, item->pub.instance); return true;
    case SORT_COMPONENT: PUSH(b, components, item->component); return true;
    case SORT_TYPE: PUSH(b, types, item->type); return true;
    case SORT_VALUE:
        PUSH(b, values, ((struct typed_value){item->pub.type, item->pub.value}));
        return true;
    default: return false;
    }
}

static bool do_import(struct build *b, const struct cm_import *import)
{
    struct item item = {0};
    if (b->linker) {
        return canon_link_import(b->store, b->scope, b->loaded, b->linker, import, &item,
                                 b->diags) &&
               push_item(b, &item);
    }
    u32 n = b->args ? map_get(&b->args->names, import->name.name) : MAP_NONE;
    if (n != MAP_NONE) {
        item = b->args->items.data[n];
    } else if (import->type.sort == SORT_TYPE && !import->type.is_bound) {
        /* A type that is only named again needs no argument. */
        struct cm_sortidx self = {SORT_TYPE, import->type.index};
        if (!get_item(b, self, &item)) {
            return out_of_range(b, import->at);
        }
    } else {
        diag_error(b->diags, "link", import->at, "import `" STRF "` has no argument",
                   STRA(import->name.name));
        return false;
    }
    if (item.pub.sort != import->type.sort) {
        diag_error(b->diags, "link", import->at,
                   "import `" STRF "` has an argument of another sort", STRA(import->name.name));
        return false;
    }
    return push_item(b, &item);
}

/* A resource has the name of its outermost export; until there is one, that under which it is given to another component. Its
 * destructor is named after it, and after `within`, the instance that exports it, if there is one. */
static void name_resource(struct build *b, str within, str name, const struct item *item,
                          bool is_export)
{
    struct canon_resource_type *rt = item->type.resource;
    if (item->pub.sort != SORT_TYPE || item->type.kind != TD_RESOURCE || !rt->impl) {
        return;
    }
    if (is_export ? !rt->named_at || b->inst->depth < rt->named_at : !rt->name.len) {
        rt->name = name;
        rt->named_at = is_export ? b->inst->depth : 0;
        if (rt->dtor_func) {
            rt->dtor_func->name = str_printf(&b->store->arena, STRF "%s" CANON_DTOR STRF,
                                             STRA(within), within.len ? "#" : "", STRA(name));
        }
    }
}

/* Functions take the name under which they are first exported, or given to another component. */
static void give_name(struct build *b, str name, const struct item *item, bool is_export)
{
    struct arena *a = &b->store->arena;
    struct canon_func *func = item->pub.func;
    if (item->pub.sort == SORT_FUNC && (!func->name.len || func->is_core_name)) {
        func->name = name;
        func->is_core_name = false;
    } else if (item->pub.sort == SORT_TYPE) {
        name_resource(b, STR(""), name, item, is_export);
    } else if (item->pub.sort == SORT_INSTANCE) {
        const struct canon_instance *i = item->pub.instance;
        for (u32 n = 0; n < i->items.len; n++) {
            name_resource(b, name, i->items.data[n].pub.name, &i->items.data[n], is_export);
            struct canon_func *f = i->items.data[n].pub.func;
            if (i->items.data[n].pub.sort == SORT_FUNC && f->kind == FUNC_LIFTED &&
                str_find_char(f->name, '#', 0) == SIZE_MAX) {
                f->name = str_printf(a, STRF "#" STRF, STRA(name), STRA(i->items.data[n].pub.name));
                f->is_core_name = false;
            }
        }
    }
}

static bool do_export(struct build *b, const struct cm_export *e)
{
    struct item item = {0};
    if (!get_item(b, e->item, &item)) {
        return out_of_range(b, e->at);
    }
    give_name(b, e->name.name, &item, true);
    item.pub.name = e->name.name;
    *canon_instance_add(b->exports, e->name.name, item.pub.sort) = item;
    return push_item(b, &item);
}

static bool bundle(struct build *b, const struct cm_instance *def, struct canon_instance **out)
{
    *out = canon_instance_new(b->store);
    for (u32 i = 0; i < def->export_count; i++) {
        struct item item = {0};
        if (!get_item(b, def->exports[i].item, &item)) {
            return out_of_range(b, def->at);
        }
        item.pub.name = def->exports[i].name.name;
        *canon_instance_add(*out, item.pub.name, item.pub.sort) = item;
    }
    return true;
}

/* A name for a component in reports: its own, else after its first export ("wasi:cli/run@0.3.0" gives "run"). */
static str child_name(const struct wasm_component *c)
{
    str name = wasm_component_name(c);
    if (!name.len && c->exports.len) {
        name = c->exports.data[0].name.name;
        str_cut(name, '@', &name);
        size_t slash = str_rfind_char(name, '/');
        name = str_sub(name, slash == SIZE_MAX ? 0 : slash + 1, name.len);
    }
    return name.len ? name : STR("component");
}

static str child_path(struct build *b, const struct wasm_component *c)
{
    struct arena *a = &b->store->arena;
    str name = child_name(c);
    u32 n = b->inst->children++;
    bool taken = map_add(a, &b->inst->child_names, name, n) != MAP_NONE;
    return taken ? str_printf(a, STRF "/" STRF "#%u", STRA(b->inst->path), STRA(name), n)
                 : str_printf(a, STRF "/" STRF, STRA(b->inst->path), STRA(name));
}

static bool do_instance(struct build *b, const struct cm_instance *def)
{
    struct canon_instance *out = NULL;
    if (!def->is_instantiate) {
        if (!bundle(b, def, &out)) {
            return false;
        }
    } else {
        if (def->source >= b->scope->components.len) {
            return out_of_range(b, def->at);
        }
        struct canon_instance *args = canon_instance_new(b->store);
        for (u32 i = 0; i < def->arg_count; i++) {
            struct item item = {0};
            if (!get_item(b, def->args[i].item, &item)) {
                return out_of_range(b, def->at);
            }
            give_name(b, def->args[i].name, &item, false);
            *canon_instance_add(args, def->args[i].name, item.pub.sort) = item;
        }
        struct component_ref ref = b->scope->components.data[def->source];
        if (!instantiate_component(b, ref, args, NULL, child_path(b, ref.component), b->inst->root,
                                   &out)) {
            return false;
        }
    }
    PUSH(b, instances, out);
    return true;
}

/* ---- Aliases ---------------------------------------------------------------------------------------------------- */

static bool alias_export(struct build *b, const struct cm_alias *a)
{
    if (a->instance >= b->scope->instances.len) {
        return out_of_range(b, a->at);
    }
    const struct canon_instance *i = b->scope->instances.data[a->instance];
    u32 n = map_get(&i->names, a->name);
    if (n == MAP_NONE || i->items.data[n].pub.sort != a->sort) {
        diag_error(b->diags, "component", a->at, "the instance has no export `" STRF "`",
                   STRA(a->name));
        return false;
    }
    return push_item(b, &i->items.data[n]);
}

static bool alias_core_export(struct build *b, const struct cm_alias *a)
{
    struct engine_extern ext;
    if (a->instance >= b->scope->core_instances.len ||
        !core_export(&b->scope->core_instances.data[a->instance], a->name, &ext) ||
        (u32)ext.kind != (u32)a->sort) {
        diag_error(b->diags, "component", a->at, "the core instance has no export `" STRF "`",
                   STRA(a->name));
        return false;
    }
    return push_core(b, ext);
}

static bool alias_outer(struct build *b, const struct cm_alias *a)
{
    struct scope *from;
    u32 n = a->index;
    if (!canon_alias_outer(b->scope, a, &from)) {
        return out_of_range(b, a->at);
    }
    switch (a->sort) {
    case SORT_TYPE:
        if (n < from->types.len) {
            PUSH(b, types, from->types.data[n]);
            return true;
        }
        break;
    case SORT_CORE_TYPE:
        if (n < from->core_types.len) {
            PUSH(b, core_types, from->core_types.data[n]);
            return true;
        }
        break;
    case SORT_CORE_MODULE:
        if (n < from->modules.len) {
            PUSH(b, modules, from->modules.data[n]);
            return true;
        }
        break;
    case SORT_COMPONENT:
        if (n < from->components.len) {
            PUSH(b, components, from->components.data[n]);
            return true;
        }
        break;
    default: break;
    }
    return out_of_range(b, a->at);
}

static bool do_alias(struct build *b, const struct cm_alias *a)
{
    switch (a->kind) {
    case ALIAS_EXPORT: return alias_export(b, a);
    case ALIAS_CORE_EXPORT: return alias_core_export(b, a);
    default: return alias_outer(b, a);
    }
}

/* ---- Values ----------------------------------------------------------------------------------------------------------- */

static bool do_value(struct build *b, const struct cm_value *def)
{
    const struct canon_type *t = canon_scope_valtype(b->store, b->scope, def->type, b->diags);
    const struct canon_value *v = t ? canon_read_value(&b->store->arena, def->bytes, t) : NULL;
    PUSH(b, values, ((struct typed_value){t, v}));
    return v != NULL || out_of_range(b, def->at);
}

static bool do_start(struct build *b, const struct cm_start *def)
{
    struct canon_store *s = b->store;
    struct scope *sc = b->scope;
    if (def->func >= sc->funcs.len) {
        return out_of_range(b, def->at);
    }
    struct canon_func *f = sc->funcs.data[def->func];
    name_by_core(b, f);
    struct canon_value *args = arena_array(&s->arena, struct canon_value, def->arg_count + 1);
    for (u32 i = 0; i < def->arg_count; i++) {
        if (def->args[i] >= sc->values.len) {
            return out_of_range(b, def->at);
        }
        args[i] = *sc->values.data[def->args[i]].value;
    }
    struct canon_value *result = arena_new(&s->arena, struct canon_value);
    if (!canon_run_start(s, f, args, def->arg_count, result)) {
        return false;
    }
    if (f->type->result) {
        PUSH(b, values, ((struct typed_value){f->type->result, result}));
    }
    return true;
}

/* ---- All definitions ------------------------------------------------------------------------------------------------ */

static void do_core_type(struct build *b, const struct cm_core_type *t)
{
    for (u32 i = 0; !t->is_module && i < t->type_count; i++) {
        PUSH(b, core_types, ((struct core_typedef){NULL, &t->types[i]}));
    }
    if (t->is_module) {
        PUSH(b, core_types, ((struct core_typedef){t, NULL}));
    }
}

static bool do_item(struct build *b, struct cm_item item)
{
    const struct wasm_component *c = b->component;
    switch (item.kind) {
    case ITEM_CORE_MODULE: {
        struct module_ref m = {canon_get_module(b->store, c->modules.data[item.index], b->diags)};
        PUSH(b, modules, m);
        return m.module != NULL;
    }
    case ITEM_CORE_INSTANCE: return do_core_instance(b, &c->core_instances.data[item.index]);
    case ITEM_CORE_TYPE: do_core_type(b, &c->core_types.data[item.index]); return true;
    case ITEM_COMPONENT:
        PUSH(b, components,
             ((struct component_ref){c->components.data[item.index], b->scope, NULL}));
        return true;
    case ITEM_INSTANCE: return do_instance(b, &c->instances.data[item.index]);
    case ITEM_ALIAS: return do_alias(b, &c->aliases.data[item.index]);
    case ITEM_TYPE: {
        struct typedef_ t;
        if (!canon_scope_type(b->store, b->scope, &c->types.data[item.index], &t, b->diags)) {
            return false;
        }
        PUSH(b, types, t);
        return true;
    }
    case ITEM_CANON: return do_canon(b, &c->canons.data[item.index]);
    case ITEM_IMPORT: return do_import(b, &c->imports.data[item.index]);
    case ITEM_EXPORT: return do_export(b, &c->exports.data[item.index]);
    case ITEM_START: return do_start(b, &c->starts.data[item.index]);
    case ITEM_VALUE: return do_value(b, &c->values.data[item.index]);
    default: return true;
    }
}

static bool instantiate_component(struct build *outer, struct component_ref ref,
                                  const struct canon_instance *args, struct canon_linker *linker,
                                  str path, struct component_instance *root,
                                  struct canon_instance **out)
{
    struct canon_store *s = outer->store;
    if (s->instance_count++ >= MAX_INSTANCES) {
        diag_error(outer->diags, "limit", (span){0}, "more than %d component instances",
                   MAX_INSTANCES);
        return false;
    }
    struct component_instance *i = arena_new(&s->arena, struct component_instance);
    i->store = s;
    i->may_leave = true;
    i->path = path;
    i->depth = outer->inst ? outer->inst->depth + 1 : 1;
    i->root = root ? root : i;
    *s->instances_end = i;
    s->instances_end = &i->next;
    struct build b = {.store = s,
                      .linker = linker,
                      .loaded = ref.loaded,
                      .diags = outer->diags,
                      .args = args,
                      .inst = i,
                      .component = ref.component};
    b.scope = arena_new(&s->arena, struct scope);
    b.scope->parent = ref.scope;
    b.scope->inst = i;
    i->scope = b.scope;
    b.exports = canon_instance_new(s);
    b.exports->state = i;
    for (u32 n = 0; n < ref.component->items.len; n++) {
        if (!canon_look(i) || !do_item(&b, ref.component->items.data[n]) || s->failed) {
            return false;
        }
    }
    *out = b.exports;
    return true;
}

/* ---- What embedders call ---------------------------------------------------------------------------------------------- */

enum canon_outcome canon_instantiate(struct canon_store *s, struct canon_loaded *loaded,
                                     struct canon_linker *linker, const char *name,
                                     struct canon_instance **out, struct diags *d)
{
    struct build outer = {.store = s, .diags = d};
    struct component_ref ref = {loaded->component, NULL, loaded};
    str path = str_dup(&s->arena, str_c(name ? name : "root"));
    canon_clear_trap(s);
    *out = NULL;
    if (instantiate_component(&outer, ref, NULL, linker, path, NULL, out)) {
        return CANON_OK;
    }
    if (s->failed && s->failed_inst) {
        s->failed_inst->root->locked = true;
        canon_lock_roots(s);
    }
    canon_clear_trap(s);
    return CANON_TRAPPED;
}
