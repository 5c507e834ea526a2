/* embed.c - worlds into core modules, and dummy core modules for worlds. */
#include "compose.h"
#include "names.h"

bool compose_embed(struct wit_resolve *r, u32 world, enum cm_encoding encoding,
                   const struct wasm_module *m, struct buf *out)
{
    struct buf section = buf_in(r->arena);
    if (!wit_encode_world(r, world, encoding, &section))
        return false;
    buf_str(out, m->bytes);
    wasm_write_custom(out, STR("component-type"), buf_view(&section));
    return true;
}

/* ---- Dummy modules -------------------------------------------------------------------------------- */

struct dummy {
    struct wit_resolve *r;
    struct arena *a;
    u32 world;
    enum compose_dummy_names names;
    bool stackful;
    struct wasm_module m;
    struct map types, imports; /* so that each import stands once */
    bool any_async;
};

static u32 type_index(struct dummy *d, const struct wasm_functype *type)
{
    str key = compose_show_type(d->a, type);
    u32 index = map_get(&d->types, key);
    if (index != MAP_NONE)
        return index;
    index = d->m.types.len;
    struct wasm_type *t = vec_push(d->a, &d->m.types);
    *t = (struct wasm_type){
        .kind = COMPTYPE_FUNC, .is_final = true, .rec_start = index, .rec_count = 1};
    wasm_valtype *params = arena_array(d->a, wasm_valtype, type->param_count);
    wasm_valtype *results = arena_array(d->a, wasm_valtype, type->result_count);
    for (u32 i = 0; i < type->param_count; i++)
        params[i] = type->params[i];
    for (u32 i = 0; i < type->result_count; i++)
        results[i] = type->results[i];
    t->func = (struct wasm_functype){params, results, type->param_count, type->result_count};
    map_put(d->a, &d->types, key, index);
    return index;
}

static void import_func(struct dummy *d, str module, str name, const struct wasm_functype *type)
{
    str key = str_printf(d->a, "%zu " STRF STRF, module.len, STRA(module), STRA(name));
    if (map_add(d->a, &d->imports, key, 0) != MAP_NONE)
        return;
    u32 index = type_index(d, type);
    *vec_push(d->a, &d->m.imports) = (struct wasm_import){
        .module = module, .name = name, .type = {.kind = EXTERN_FUNC, .type = index}};
    *vec_push(d->a, &d->m.funcs) = index;
    d->m.imported_funcs++;
}

/* Every function traps, but for `initialize`. */
static void export_func(struct dummy *d, str name, const struct wasm_functype *type, bool traps)
{
    struct buf body = buf_in(d->a);
    buf_uleb(&body, 0);
    if (traps)
        buf_byte(&body, (u8)wasm_op_info[OP_UNREACHABLE].code);
    buf_byte(&body, (u8)wasm_op_info[OP_END].code);
    u32 index = d->m.funcs.len;
    *vec_push(d->a, &d->m.funcs) = type_index(d, type);
    *vec_push(d->a, &d->m.codes) = (struct wasm_code){.bytes = buf_view(&body)};
    *vec_push(d->a, &d->m.exports) =
        (struct wasm_export){.name = name, .kind = EXTERN_FUNC, .index = index};
}

static void import_row(struct dummy *d, str module, enum compose_import_id id, const char *tail)
{
    const struct compose_import_row *row = &compose_import_rows[id];
    struct wasm_functype type = compose_signature(d->a, row->signature);
    import_func(d, module, str_printf(d->a, STRF "%s", STRA(row->text), tail), &type);
}

static str module_name(struct dummy *d, str key, bool exported)
{
    if (d->names == DUMMY_LEGACY)
        return str_printf(d->a, "%s" STRF, exported ? NAME_EXPORT : "",
                          STRA(key.len ? key : STR(NAME_ROOT)));
    if (!key.len)
        return exported ? STR(NAME_STANDARD "|" NAME_STANDARD_EX) : STR(NAME_STANDARD);
    return str_printf(d->a, NAME_STANDARD "|%s" STRF, exported ? NAME_STANDARD_EX : "",
                      STRA(wit_canonical_id(d->a, key)));
}

static struct wasm_functype functype_of(const struct wit_core_sig *sig)
{
    return (struct wasm_functype){sig->params, sig->results, sig->param_count, sig->result_count};
}

static void import_resource(struct dummy *d, str key, str resource, bool exported)
{
    static const struct {
        enum compose_import_id id;
        const char *suffix;
        bool of_exports;
    } table[] = {
        {IMPORT_RESOURCE_DROP, "_drop", false},
        {IMPORT_RESOURCE_NEW, "_new", true},
        {IMPORT_RESOURCE_REP, "_rep", true},
    };
    str module = module_name(d, key, exported);
    for (u32 i = 0; i < LENGTH_OF(table); i++) {
        if (table[i].of_exports && !exported)
            continue;
        struct wasm_functype type =
            compose_signature(d->a, compose_import_rows[table[i].id].signature);
        str name = d->names == DUMMY_LEGACY
                       ? str_concat(d->a, compose_import_rows[table[i].id].text, resource)
                       : str_printf(d->a, STRF "%s", STRA(resource), table[i].suffix);
        import_func(d, module, name, &type);
    }
}

/* What is not on by default in components has to be asked for, so that a dummy is valid as it is. */
static bool is_on(const struct dummy *d, enum feature f)
{
    const struct wit_features *on = &d->r->features;
    bool asked = on->all || features_has(features_default(), f);
    for (u32 i = 0; i < on->count && !asked; i++)
        asked = str_eq_c(on->names[i], feature_name(f));
    return asked;
}

/* The built-ins of each stream and future in the type of a function. */
static void import_payloads(struct dummy *d, str module, const struct wit_func *f)
{
    u32 *types, n = wit_payload_types(d->r, d->a, f, &types);
    for (u32 i = 0; i < n; i++) {
        u32 first = 0; /* a type that comes again is known by its first number */
        while (types[first] != types[i])
            first++;
        bool future = d->r->types.data[types[i]].kind == WIT_FUTURE;
        for (u32 id = future ? IMPORT_FUTURE_NEW : IMPORT_STREAM_NEW;
             id <= (future ? IMPORT_FUTURE_FORWARD : IMPORT_STREAM_FORWARD); id++) {
            const struct compose_import_row *row = &compose_import_rows[id];
            if (!is_on(d, cm_canon_info[row->canon].gate))
                continue;
            struct wasm_functype type = compose_signature(d->a, row->signature);
            bool async = row->canon == CANON_STREAM_READ || row->canon == CANON_STREAM_WRITE ||
                         row->canon == CANON_FUTURE_READ || row->canon == CANON_FUTURE_WRITE;
            import_func(d, module,
                        str_printf(d->a, "%s" STRF "%u]" STRF, async ? NAME_ASYNC_LOWER : "",
                                   STRA(row->text), first, STRA(f->name)),
                        &type);
        }
    }
}

static void import_world_func(struct dummy *d, str key, const struct wit_func *f)
{
    bool async = f->is_async && d->names == DUMMY_LEGACY;
    struct wit_core_sig sig;
    wit_core_signature(d->r, f, async ? WIT_ABI_LOWER_ASYNC : WIT_ABI_LOWER, &sig);
    struct wasm_functype type = functype_of(&sig);
    str module = module_name(d, key, false);
    import_func(d, module, async ? str_concat(d->a, STR(NAME_ASYNC_LOWER), f->name) : f->name,
                &type);
    if (d->names == DUMMY_LEGACY)
        import_payloads(d, module, f);
    d->any_async |= f->is_async;
}

static void import_task_return(struct dummy *d, str key, const struct wit_func *f)
{
    wasm_valtype flat[WIT_MAX_FLAT_PARAMS];
    struct wasm_functype type = {.params = flat};
    if (!wit_flatten(d->r, f->result, flat, WIT_MAX_FLAT_PARAMS, &type.param_count)) {
        flat[0] = WASM_I32;
        type.param_count = 1;
    }
    import_func(d, module_name(d, key, true),
                str_concat(d->a, compose_import_rows[IMPORT_TASK_RETURN].text, f->name), &type);
}

/* What is imported for the sake of an export. */
static void import_for_export(struct dummy *d, str key, const struct wit_func *f)
{
    if (d->names != DUMMY_LEGACY)
        return;
    d->any_async |= f->is_async;
    if (f->is_async)
        import_task_return(d, key, f);
    import_payloads(d, module_name(d, key, true), f);
}

static void import_types(struct dummy *d, str key, const struct wit_interface *iface, bool exported)
{
    for (u32 i = 0; i < iface->types.len; i++)
        if (d->r->types.data[iface->types.data[i].type].kind == WIT_RESOURCE)
            import_resource(d, key, iface->types.data[i].name, exported);
}

static void add_imports(struct dummy *d)
{
    const struct wit_world *w = &d->r->worlds.data[d->world];
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *x = &w->imports.data[i];
        if (x->kind == WIT_ITEM_FUNC)
            import_world_func(d, (str){0}, &x->func);
        else if (x->kind == WIT_ITEM_TYPE && d->r->types.data[x->type].kind == WIT_RESOURCE)
            import_resource(d, (str){0}, d->r->types.data[x->type].name, false);
        if (x->kind != WIT_ITEM_INTERFACE)
            continue;
        const struct wit_interface *iface = &d->r->interfaces.data[x->interface];
        str key = wit_item_name(d->r, d->a, x);
        for (u32 k = 0; k < iface->funcs.len; k++)
            import_world_func(d, key, &iface->funcs.data[k]);
        import_types(d, key, iface, false);
    }
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *x = &w->exports.data[i];
        if (x->kind == WIT_ITEM_FUNC)
            import_for_export(d, (str){0}, &x->func);
        if (x->kind != WIT_ITEM_INTERFACE)
            continue;
        const struct wit_interface *iface = &d->r->interfaces.data[x->interface];
        str key = wit_item_name(d->r, d->a, x);
        for (u32 k = 0; k < iface->funcs.len; k++)
            import_for_export(d, key, &iface->funcs.data[k]);
        import_types(d, key, iface, true);
    }
}

/* What a module with async functions needs of the world at large. */
static void add_async_imports(struct dummy *d)
{
    static const struct {
        enum compose_import_id id;
        const char *tail;
    } table[] = {
        {IMPORT_BACKPRESSURE_INC, ""},  {IMPORT_BACKPRESSURE_DEC, ""},
        {IMPORT_WAITABLE_SET_NEW, ""},  {IMPORT_WAITABLE_SET_WAIT, ""},
        {IMPORT_WAITABLE_SET_POLL, ""}, {IMPORT_WAITABLE_SET_DROP, ""},
        {IMPORT_WAITABLE_JOIN, ""},     {IMPORT_THREAD_YIELD, ""},
        {IMPORT_SUBTASK_DROP, ""},      {IMPORT_SUBTASK_CANCEL, ""},
        {IMPORT_CONTEXT_GET, "0]"},     {IMPORT_CONTEXT_SET, "0]"},
    };
    if (!d->any_async)
        return;
    import_row(d, STR(NAME_EXPORT NAME_ROOT), IMPORT_TASK_CANCEL, "");
    for (u32 i = 0; i < LENGTH_OF(table); i++)
        import_row(d, STR(NAME_ROOT), table[i].id, table[i].tail);
}

static str export_name(struct dummy *d, enum compose_func_export what, str key, str func)
{
    return d->names == DUMMY_LEGACY ? compose_export_name(d->a, what, key, func)
                                    : compose_standard_export(d->a, what, key, func);
}

static void export_world_func(struct dummy *d, str key, const struct wit_func *f)
{
    bool async = f->is_async && d->names == DUMMY_LEGACY;
    struct wit_core_sig sig;
    wit_core_signature(d->r, f,
                       !async        ? WIT_ABI_LIFT
                       : d->stackful ? WIT_ABI_LIFT_ASYNC_STACKFUL
                                     : WIT_ABI_LIFT_ASYNC,
                       &sig);
    struct wasm_functype type = functype_of(&sig);
    struct wasm_functype post = {.params = type.results, .param_count = type.result_count};
    enum compose_func_export what = !async        ? FUNC_EXPORT_LIFT
                                    : d->stackful ? FUNC_EXPORT_LIFT_STACKFUL
                                                  : FUNC_EXPORT_LIFT_ASYNC;
    export_func(d, export_name(d, what, key, f->name), &type, true);
    if (!async) {
        export_func(d, export_name(d, FUNC_EXPORT_POST_RETURN, key, f->name), &post, true);
    } else if (!d->stackful) {
        type = compose_signature(d->a, "iii:i");
        export_func(d, export_name(d, FUNC_EXPORT_CALLBACK, key, f->name), &type, true);
    }
}

static void add_exports(struct dummy *d)
{
    const struct wit_world *w = &d->r->worlds.data[d->world];
    struct wasm_functype dtor = compose_signature(d->a, "i:");
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *x = &w->exports.data[i];
        if (x->kind == WIT_ITEM_FUNC)
            export_world_func(d, (str){0}, &x->func);
        if (x->kind != WIT_ITEM_INTERFACE)
            continue;
        const struct wit_interface *iface = &d->r->interfaces.data[x->interface];
        str key = wit_item_name(d->r, d->a, x);
        for (u32 k = 0; k < iface->funcs.len; k++)
            export_world_func(d, key, &iface->funcs.data[k]);
        for (u32 k = 0; k < iface->types.len; k++)
            if (d->r->types.data[iface->types.data[k].type].kind == WIT_RESOURCE)
                export_func(d,
                            compose_dtor_name(d->a, key, iface->types.data[k].name,
                                              d->names == DUMMY_STANDARD32),
                            &dtor, true);
    }
}

/* The memory, the allocator and the initializer, under the name of the scheme. */
static void add_module_exports(struct dummy *d)
{
    static const enum compose_module_export wanted[] = {MODULE_EXPORT_MEMORY, MODULE_EXPORT_REALLOC,
                                                        MODULE_EXPORT_INITIALIZE};
    for (u32 i = 0; i < LENGTH_OF(wanted); i++)
        for (u32 k = 0; k < compose_module_export_count; k++) {
            const struct compose_module_export_row *row = &compose_module_exports[k];
            bool standard = str_starts(row->name, STR(NAME_STANDARD));
            if (row->id != wanted[i] || standard != (d->names == DUMMY_STANDARD32))
                continue;
            if (row->kind == EXTERN_MEMORY) {
                vec_push(d->a, &d->m.memories);
                *vec_push(d->a, &d->m.exports) =
                    (struct wasm_export){.name = row->name, .kind = EXTERN_MEMORY};
            } else {
                struct wasm_functype type = compose_signature(d->a, row->signature);
                export_func(d, row->name, &type, row->id != MODULE_EXPORT_INITIALIZE);
            }
            break; /* of several names the first */
        }
}

bool compose_dummy(struct wit_resolve *r, u32 world, enum compose_dummy_names names, bool stackful,
                   struct buf *out)
{
    struct dummy d = {.r = r, .a = r->arena, .world = world, .names = names, .stackful = stackful};
    add_imports(&d);
    add_async_imports(&d);
    add_exports(&d);
    add_module_exports(&d);
    struct buf section = buf_in(r->arena);
    if (!wit_encode_world(r, world, ENCODING_UTF8, &section))
        return false;
    *vec_push(r->arena, &d.m.customs) = (struct wasm_custom){
        .name = STR("component-type"), .bytes = buf_view(&section), .after = 11};
    wasm_write_module(out, &d.m);
    return true;
}
