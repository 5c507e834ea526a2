/* componentize_emit.c - the component, item by item: imports, modules, instances, lifted exports. */
#include "componentize.h"

/* ---- Small pieces --------------------------------------------------------------------------------- */

/* A core export as an item of the component; each is aliased once. */
static u32 alias_core(struct componentizer *c, enum cm_sort sort, u32 instance, str name)
{
    str key = str_printf(c->arena, "%d %u " STRF, (int)sort, instance, STRA(name));
    u32 index = map_get(&c->core_aliases, key);
    if (index != MAP_NONE)
        return index;
    index = cm_add_alias(
        &c->b, (struct cm_alias){
                   .kind = ALIAS_CORE_EXPORT, .sort = sort, .instance = instance, .name = name});
    map_put(c->arena, &c->core_aliases, key, index);
    return index;
}

static u32 alias_named(struct componentizer *c, enum cm_sort sort, u32 instance, str name,
                       str debug_name)
{
    u32 before = c->b.count[sort], index = alias_core(c, sort, instance, name);
    if (index == before)
        compose_debug_name(c, sort, index, debug_name);
    return index;
}

static u32 alias_unit_export(struct componentizer *c, u32 unit, u32 export_index)
{
    const struct unit *u = &c->units.data[unit];
    str name = u->m->exports.data[export_index].name;
    return alias_named(c, SORT_CORE_FUNC, u->instance, name, name);
}

static str slot_name(struct componentizer *c, u32 slot)
{
    return str_printf(c->arena, "%u", slot);
}

static u32 alias_slot(struct componentizer *c, u32 slot)
{
    return alias_named(c, SORT_CORE_FUNC, c->shim_instance, slot_name(c, slot),
                       c->slots.data[slot].name);
}

static u32 alias_hook(struct componentizer *c, u32 hook)
{
    str name = str_printf(c->arena, "hook%u", hook);
    return alias_named(c, SORT_CORE_FUNC, c->fixup_instance, name, name);
}

static u32 add_module(struct componentizer *c, str bytes, str name)
{
    struct wasm_module *m = arena_new(c->arena, struct wasm_module);
    m->bytes = bytes;
    u32 index = cm_add_module(&c->b, m);
    compose_debug_name(c, SORT_CORE_MODULE, index, name);
    return index;
}

u32 compose_realloc_export(const struct componentizer *c, u32 unit, bool exports, u32 *owner)
{
    for (;; unit = 0) {
        const struct unit *u = &c->units.data[unit];
        u32 special =
            u->known[exports ? MODULE_EXPORT_REALLOC_EXPORT : MODULE_EXPORT_REALLOC_IMPORT];
        *owner = unit;
        if (special != NONE)
            return special;
        if (u->known[MODULE_EXPORT_REALLOC] != NONE || unit == 0)
            return u->known[MODULE_EXPORT_REALLOC];
    }
}

static u32 realloc_func(struct componentizer *c, u32 unit, bool exports)
{
    u32 owner, at = compose_realloc_export(c, unit, exports, &owner);
    bool plain = at == c->units.data[0].known[MODULE_EXPORT_REALLOC];
    if (owner == 0 && plain && exports && c->hooked_realloc != NONE)
        return alias_hook(c, c->hooked_realloc);
    if (owner == 0 && plain && !exports && c->realloc_slot != NONE)
        return alias_slot(c, c->realloc_slot);
    return alias_unit_export(c, owner, at);
}

static struct cm_canon_opts options_of(struct componentizer *c, u32 unit, u8 needs, bool exports,
                                       bool has_encoding, enum cm_encoding encoding)
{
    struct cm_canon_opts o = {0};
    o.has_memory = (needs & NEEDS_MEMORY) != 0;
    o.memory = c->memory;
    o.has_realloc = (needs & NEEDS_REALLOC) != 0;
    if (o.has_realloc)
        o.realloc = realloc_func(c, unit, exports);
    o.has_encoding = has_encoding;
    o.encoding = encoding;
    return o;
}

/* ---- What the units need --------------------------------------------------------------------------- */

static bool lacks(struct componentizer *c, const struct unit *u, const char *what,
                  const char *names, str whom)
{
    span at = {u->m->source, u->m->base, u->m->base};
    struct diag *x =
        diag_error(c->diags, "new-export", at,
                   "the core module exports no %s, which `" STRF "` needs", what, STRA(whom));
    diag_help(c->diags, x, "export %s", names);
    return false;
}

static bool check_needs(struct componentizer *c, u32 unit, u8 needs, bool exports, str whom)
{
    const struct unit *main = &c->units.data[0];
    u32 owner;
    if ((needs & NEEDS_MEMORY) && main->known[MODULE_EXPORT_MEMORY] == NONE && !c->shim_memory)
        return lacks(c, main, "memory", "it as `memory`", whom);
    if ((needs & NEEDS_REALLOC) && compose_realloc_export(c, unit, exports, &owner) == NONE)
        return lacks(c, main, "allocator", "`cabi_realloc` of type (i32 i32 i32 i32) -> (i32)",
                     whom);
    if ((needs & NEEDS_TABLE) && main->known[MODULE_EXPORT_TABLE] == NONE)
        return lacks(c, main, "table of functions", "it as `__indirect_function_table`", whom);
    return true;
}

static bool check_all_needs(struct componentizer *c)
{
    bool ok = true;
    for (u32 u = 0; u < c->units.len; u++)
        for (u32 i = 0; i < c->units.data[u].body->imports.len; i++)
            ok &= check_needs(c, u, c->units.data[u].bindings[i].needs, false,
                              c->units.data[u].body->imports.data[i].name);
    for (u32 i = 0; i < c->lifts.len; i++)
        ok &= check_needs(c, c->lifts.data[i].unit, c->lifts.data[i].needs, true,
                          c->lifts.data[i].func->name);
    return ok;
}

/* ---- The slots of the shim ---------------------------------------------------------------------------- */

/* Late: what it needs does not exist before the unit does. */
static bool is_late(const struct componentizer *c, u32 unit, const struct binding *b)
{
    if (b->kind == BIND_ADAPTER)
        return true;
    if (b->kind != BIND_FUNC && b->kind != BIND_INTRINSIC)
        return false;
    if (b->needs & (NEEDS_REALLOC | NEEDS_TABLE))
        return true;
    return (b->needs & NEEDS_MEMORY) && unit == 0 && !c->shim_memory;
}

static void plan_slots(struct componentizer *c)
{
    bool realloc_is_hooked = c->units.data[0].known[MODULE_EXPORT_TASK_HOOK] != NONE;
    bool needs_realloc = false;
    for (u32 u = 0; u < c->units.len; u++) {
        const struct wasm_module *m = c->units.data[u].body;
        for (u32 i = 0; i < m->imports.len; i++) {
            struct binding *b = &c->units.data[u].bindings[i];
            if (!is_late(c, u, b))
                continue;
            needs_realloc |= (b->needs & NEEDS_REALLOC) != 0;
            b->shim = c->slots.len;
            *vec_push(c->arena, &c->slots) = (struct shim_slot){
                .what = SLOT_BINDING,
                .type = m->types.data[m->imports.data[i].type.type].func,
                .unit = u,
                .binding = i,
                .name = str_printf(c->arena, "indirect-" STRF "-" STRF,
                                   STRA(m->imports.data[i].module), STRA(b->field))};
        }
    }
    for (u32 i = 0; i < c->dtors.len; i++) {
        if (c->dtors.data[i].unit == NONE)
            continue;
        c->dtors.data[i].shim = c->slots.len;
        *vec_push(c->arena, &c->slots) = (struct shim_slot){
            .what = SLOT_DTOR,
            .type = compose_signature(c->arena, "i:"),
            .dtor = i,
            .name = str_printf(c->arena, "dtor-" STRF,
                               STRA(c->r.types.data[c->dtors.data[i].type].name))};
    }
    c->realloc_slot = NONE;
    if (realloc_is_hooked && needs_realloc &&
        c->units.data[0].known[MODULE_EXPORT_REALLOC] != NONE) {
        c->realloc_slot = c->slots.len;
        *vec_push(c->arena, &c->slots) =
            (struct shim_slot){.what = SLOT_REALLOC,
                               .type = compose_signature(c->arena, "iiii:i"),
                               .name = STR("realloc-main-cabi_realloc")};
    }
}

/* ---- Core functions for imports ---------------------------------------------------------------------- */

static u32 component_func(struct componentizer *c, const struct binding *b)
{
    if (b->interface == NONE)
        return c->item_funcs[b->item];
    u32 *index = &c->import_funcs[b->interface][b->func_index];
    if (*index == NONE) {
        *index = cm_add_alias(&c->b, (struct cm_alias){.kind = ALIAS_EXPORT,
                                                       .sort = SORT_FUNC,
                                                       .instance = c->import_instance[b->interface],
                                                       .name = b->func->name});
        compose_debug_name(c, SORT_FUNC, *index, b->func->name);
    }
    return *index;
}

/* The type of a stream or future built-in. */
static bool payload_type(struct componentizer *c, const struct binding *b, enum cm_canon_kind canon,
                         u32 *out)
{
    struct cm_valtype type;
    if (!b->unit) {
        if (!wit_scope_type(&c->root, (struct wit_type){WIT_ID, b->type}, &type))
            return false;
        *out = type.index;
        return true;
    }
    bool future = (canon >= CANON_FUTURE_NEW && canon <= CANON_FUTURE_DROP_WRITABLE) ||
                  canon == CANON_FUTURE_FORWARD;
    u32 *cached = &c->unit_types[future];
    if (*cached == NONE)
        *cached = cm_add_type(&c->b, (struct cm_type){.kind = future ? DEF_FUTURE : DEF_STREAM});
    *out = *cached;
    return true;
}

/* The type `(func (param i32))` that threads start with. */
static u32 thread_type(struct componentizer *c)
{
    struct wasm_type *t = arena_new(c->arena, struct wasm_type);
    *t = (struct wasm_type){.kind = COMPTYPE_FUNC, .is_final = true, .rec_count = 1};
    t->func = compose_signature(c->arena, "i:");
    return cm_add_core_type(&c->b, (struct cm_core_type){.types = t, .type_count = 1});
}

static bool intrinsic(struct componentizer *c, u32 unit, const struct binding *b, u32 *out)
{
    const struct compose_import_row *row = &compose_import_rows[b->id];
    struct cm_canon canon = {.kind = row->canon, .is_async = b->async};
    struct cm_valtype type;
    canon.memory = c->memory;
    canon.slot = b->number;
    canon.slot_type = b->slot_type;
    canon.opts = options_of(c, unit, b->needs, false, b->has_encoding, b->encoding);
    canon.opts.is_async = b->async;
    switch (row->tail) {
    case TAIL_RESOURCE:
        if (!wit_scope_type(&c->root, (struct wit_type){WIT_ID, b->type}, &type))
            return false;
        canon.type = type.index;
        break;
    case TAIL_PAYLOAD:
        if (!payload_type(c, b, row->canon, &canon.type))
            return false;
        break;
    case TAIL_FUNC:
        canon.has_result = wit_type_present(b->func->result);
        if (!wit_scope_type(&c->root, b->func->result, &canon.result))
            return false;
        break;
    default: break;
    }
    if (row->canon == CANON_THREAD_NEW_INDIRECT) {
        const struct unit *main = &c->units.data[0];
        canon.type = thread_type(c);
        canon.table = alias_core(c, SORT_CORE_TABLE, main->instance,
                                 main->m->exports.data[main->known[MODULE_EXPORT_TABLE]].name);
    }
    *out = cm_add_canon(&c->b, canon);
    compose_debug_name(c, SORT_CORE_FUNC, *out, str_c(cm_canon_info[row->canon].name));
    return true;
}

/* What an import really is, now that all it needs is there. */
static bool actual_func(struct componentizer *c, u32 unit, const struct binding *b, u32 *out)
{
    struct cm_canon canon = {.kind = CANON_LOWER};
    switch (b->kind) {
    case BIND_INTRINSIC: return intrinsic(c, unit, b, out);
    case BIND_ADAPTER:
    case BIND_MAIN: *out = alias_unit_export(c, b->unit_index, b->export_index); return true;
    case BIND_TLS:
        *out = alias_core(c, SORT_CORE_FUNC, c->shim_instance,
                          b->id == IMPORT_TLS_GET ? STR("$get-tls-base") : STR("$set-tls-base"));
        return true;
    default: break;
    }
    canon.func = component_func(c, b);
    canon.opts = options_of(c, unit, b->needs, false, b->has_encoding, b->encoding);
    canon.opts.is_async = b->async;
    *out = cm_add_canon(&c->b, canon);
    compose_debug_name(c, SORT_CORE_FUNC, *out, b->func->name);
    return true;
}

/* ---- Instances ------------------------------------------------------------------------------------------ */

static struct cm_sortidx import_item(struct componentizer *c, u32 unit, const struct binding *b,
                                     bool *ok)
{
    struct cm_sortidx item = {.sort = SORT_CORE_FUNC};
    if (b->kind == BIND_MEMORY) {
        item = (struct cm_sortidx){SORT_CORE_MEMORY, c->memory};
    } else if (b->shim != NONE) {
        item.index = alias_slot(c, b->shim);
    } else {
        *ok = actual_func(c, unit, b, &item.index);
    }
    return item;
}

/* One core instance for each import module, with all that the unit takes from it. */
static bool import_instances(struct componentizer *c, u32 unit, struct cm_instance *main)
{
    const struct unit *u = &c->units.data[unit];
    const struct wasm_module *m = u->body;
    VEC(struct cm_arg) args = {0};
    struct map modules = {0};
    for (u32 i = 0; i < m->imports.len; i++)
        map_add(c->arena, &modules, m->imports.data[i].module, modules.len);
    VEC(struct cm_inline_export) *exports =
        arena_alloc_array(c->arena, modules.len, sizeof *exports);
    bool ok = true;
    for (u32 i = 0; i < m->imports.len && ok; i++)
        *vec_push(c->arena, &exports[map_get(&modules, m->imports.data[i].module)]) =
            (struct cm_inline_export){.name = {.name = u->bindings[i].field},
                                      .item = import_item(c, unit, &u->bindings[i], &ok)};
    for (u32 k = 0; k < modules.len && ok; k++) {
        u32 instance =
            cm_add_core_instance(&c->b, (struct cm_instance){.exports = exports[k].data,
                                                             .export_count = exports[k].len});
        compose_debug_name(c, SORT_CORE_INSTANCE, instance, modules.entries[k].key);
        *vec_push(c->arena, &args) =
            (struct cm_arg){modules.entries[k].key, {SORT_CORE_INSTANCE, instance}};
    }
    *main = (struct cm_instance){
        .is_instantiate = true, .source = u->module, .args = args.data, .arg_count = args.len};
    return ok;
}

static bool instantiate_unit(struct componentizer *c, u32 unit)
{
    struct cm_instance instance;
    struct unit *u = &c->units.data[unit];
    if (!import_instances(c, unit, &instance))
        return false;
    u->instance = cm_add_core_instance(&c->b, instance);
    compose_debug_name(c, SORT_CORE_INSTANCE, u->instance, u->name);
    return true;
}

static void emit_shim(struct componentizer *c)
{
    c->shim_instance = NONE;
    if (!c->slots.len && !c->shim_memory && !c->shim_tls)
        return;
    u32 module = add_module(c, compose_shim_module(c), STR("wit-component-shim-module"));
    c->shim_instance =
        cm_add_core_instance(&c->b, (struct cm_instance){.is_instantiate = true, .source = module});
    compose_debug_name(c, SORT_CORE_INSTANCE, c->shim_instance, STR("wit-component-shim-instance"));
    if (c->shim_memory)
        c->memory =
            alias_named(c, SORT_CORE_MEMORY, c->shim_instance, STR("$memory"), STR("memory"));
}

/* The resources of exported interfaces, which the core module makes values of. */
static void emit_resources(struct componentizer *c)
{
    for (u32 i = 0; i < c->dtors.len; i++) {
        const struct dtor *d = &c->dtors.data[i];
        struct cm_type type = {.kind = DEF_RESOURCE, .rep = WASM_I32};
        type.has_dtor = d->shim != NONE;
        if (type.has_dtor)
            type.dtor = alias_slot(c, d->shim);
        c->resources[d->type] = cm_add_type(&c->b, type);
        compose_debug_name(c, SORT_TYPE, c->resources[d->type], c->r.types.data[d->type].name);
    }
}

static bool slot_item(struct componentizer *c, const struct shim_slot *s, u32 *out)
{
    if (s->what == SLOT_DTOR) {
        const struct dtor *d = &c->dtors.data[s->dtor];
        *out = alias_unit_export(c, d->unit, d->export_index);
        return true;
    }
    return actual_func(c, s->unit, &c->units.data[s->unit].bindings[s->binding], out);
}

static bool emit_fixup(struct componentizer *c)
{
    bool needed;
    str bytes = compose_fixup_module(c, &needed);
    c->fixup_instance = NONE;
    if (!needed)
        return true;
    VEC(struct cm_arg) args = {0};
    VEC(struct cm_inline_export) actual = {0};
    for (u32 i = 0; i < c->slots.len; i++) {
        struct cm_sortidx item = {.sort = SORT_CORE_FUNC};
        if (c->slots.data[i].what == SLOT_REALLOC)
            continue;
        if (!slot_item(c, &c->slots.data[i], &item.index))
            return false;
        *vec_push(c->arena, &actual) =
            (struct cm_inline_export){.name = {.name = slot_name(c, i)}, .item = item};
    }
    u32 module = add_module(c, bytes, STR("wit-component-fixup"));
    if (actual.len) {
        u32 instance = cm_add_core_instance(
            &c->b, (struct cm_instance){.exports = actual.data, .export_count = actual.len});
        *vec_push(c->arena, &args) = (struct cm_arg){STR("actual"), {SORT_CORE_INSTANCE, instance}};
    }
    *vec_push(c->arena, &args) =
        (struct cm_arg){STR("main"), {SORT_CORE_INSTANCE, c->units.data[0].instance}};
    if (c->slots.len)
        *vec_push(c->arena, &args) =
            (struct cm_arg){STR("shim"), {SORT_CORE_INSTANCE, c->shim_instance}};
    c->fixup_instance = cm_add_core_instance(&c->b, (struct cm_instance){.is_instantiate = true,
                                                                         .source = module,
                                                                         .args = args.data,
                                                                         .arg_count = args.len});
    compose_debug_name(c, SORT_CORE_INSTANCE, c->fixup_instance, STR("fixup"));
    return true;
}

/* ---- Exports -------------------------------------------------------------------------------------------- */

static u32 lift_core(struct componentizer *c, const struct lift *l, u32 export_index, u32 hooked)
{
    if (hooked == NONE)
        return alias_unit_export(c, l->unit, export_index);
    return alias_hook(c, hooked);
}

static bool emit_lift(struct componentizer *c, const struct lift *l, u32 *out)
{
    struct cm_canon canon = {.kind = CANON_LIFT};
    if (!wit_scope_func(&c->root, l->func, &canon.type))
        return false;
    canon.func = lift_core(c, l, l->export_index, l->hooked);
    canon.opts = options_of(c, l->unit, l->needs, true, l->has_encoding, l->encoding);
    canon.opts.is_async = l->kind != LIFT_SYNC;
    canon.opts.has_callback = l->callback != NONE;
    if (canon.opts.has_callback)
        canon.opts.callback = lift_core(c, l, l->callback, l->hooked_callback);
    canon.opts.has_post_return = l->post_return != NONE;
    if (canon.opts.has_post_return)
        canon.opts.post_return = lift_core(c, l, l->post_return, l->hooked_post);
    *out = cm_add_canon(&c->b, canon);
    compose_debug_name(c, SORT_FUNC, *out, l->func->name);
    return true;
}

static bool emit_exports(struct componentizer *c)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    u32 next = 0;
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *x = &w->exports.data[i];
        u32 first = next;
        while (next < c->lifts.len && c->lifts.data[next].item == i)
            next++;
        u32 *funcs = arena_array(c->arena, u32, next - first);
        for (u32 k = first; k < next; k++)
            if (!emit_lift(c, &c->lifts.data[k], &funcs[k - first]))
                return false;
        if (x->kind == WIT_ITEM_INTERFACE) {
            if (!compose_emit_interface_export(c, i, funcs))
                return false;
        } else if (x->kind == WIT_ITEM_FUNC) {
            str id = x->external_id.ptr ? x->external_id : x->func.external_id;
            cm_add_export(&c->b,
                          (struct cm_export){.name = wit_extern_name(x->func.name, str_c(NULL), id),
                                             .item = {SORT_FUNC, funcs[0]}});
        }
    }
    return true;
}

/* ---- Custom sections -------------------------------------------------------------------------------------- */

static void add_names(struct componentizer *c)
{
    struct buf section = buf_in(c->arena);
    for (u32 s = 0; s < SORT_COUNT; s++) {
        struct buf entries = buf_in(c->arena), sub = buf_in(c->arena);
        u32 n = 0;
        for (u32 i = 0; i < c->names.len; i++) {
            const struct debug_name *x = &c->names.data[i];
            if (x->sort != s)
                continue;
            buf_uleb(&entries, x->index);
            wasm_write_name(&entries, x->name);
            n++;
        }
        if (!n)
            continue;
        cm_write_sort(&sub, (enum cm_sort)s);
        buf_uleb(&sub, n);
        buf_str(&sub, buf_view(&entries));
        wasm_write_section(&section, 1, buf_view(&sub));
    }
    cm_add_custom(&c->b, STR("component-name"), buf_view(&section));
}

static void add_producers(struct componentizer *c)
{
    struct buf out = buf_in(c->arena);
    buf_uleb(&out, 1);
    wasm_write_name(&out, STR("processed-by"));
    buf_uleb(&out, 1);
    wasm_write_name(&out, STR("witc"));
    wasm_write_name(&out, STR(WITC_VERSION));
    cm_add_custom(&c->b, STR("producers"), buf_view(&out));
}

/* ---- The whole ---------------------------------------------------------------------------------------------- */

bool compose_emit(struct componentizer *c)
{
    cm_builder_init(&c->b, c->arena);
    c->unit_types[0] = c->unit_types[1] = NONE;
    compose_init_types(c);
    if (!check_all_needs(c) || !compose_emit_imports(c))
        return false;
    plan_slots(c);
    for (u32 u = 0; u < c->units.len; u++) {
        struct unit *x = &c->units.data[u];
        if (x->dropped)
            continue;
        str name = x->is_adapter
                       ? str_printf(c->arena, "wit-component:adapter:" STRF, STRA(x->name))
                       : x->name;
        x->module = add_module(c, compose_unit_bytes(c, x), name);
    }
    emit_shim(c);
    emit_resources(c);
    for (u32 u = 0; u < c->units.len; u++) {
        if (!c->units.data[u].dropped && !instantiate_unit(c, u))
            return false;
        const struct unit *main = &c->units.data[0];
        u32 memory = main->known[MODULE_EXPORT_MEMORY];
        if (u == 0 && memory != NONE && !c->shim_memory)
            c->memory =
                alias_core(c, SORT_CORE_MEMORY, main->instance, main->m->exports.data[memory].name);
    }
    if (!emit_fixup(c) || !emit_exports(c))
        return false;
    if (!c->options->no_debug_names)
        add_names(c);
    add_producers(c);
    return true;
}
