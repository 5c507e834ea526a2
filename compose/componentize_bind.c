/* componentize_bind.c - what each import and export of a core module means in the world, with its type checked. */
#include "componentize.h"

/* ---- What crosses memory -------------------------------------------------------------------------- */

struct crossing {
    bool pointers, strings;
};

/* Whether values of a type carry pointers into memory, and strings among them. */
static void cross_type(const struct wit_resolve *r, struct wit_type t, struct crossing *x)
{
    VEC(u32) stack = {0};
    struct map seen = {0};
    struct wit_type parts[2] = {t, WIT_NO_TYPE};
    const struct wit_field *fields = NULL;
    u32 field_count = 0;
    for (;;) {
        for (u32 i = 0; i < 2 + field_count; i++) {
            struct wit_type part = i < 2 ? parts[i] : fields[i - 2].type;
            if (part.kind == WIT_STRING)
                x->pointers = x->strings = true;
            if (part.kind != WIT_ID || part.id == WIT_NONE)
                continue;
            u32 *key = arena_new(r->arena, u32);
            *key = part.id;
            if (map_add(r->arena, &seen, str_of((const char *)key, sizeof *key), 0) == MAP_NONE)
                *vec_push(r->arena, &stack) = part.id;
        }
        if (!stack.len)
            return;
        const struct wit_typedef *def = &r->types.data[stack.data[--stack.len]];
        bool handle = def->kind == WIT_OWN || def->kind == WIT_BORROW || def->kind == WIT_FUTURE ||
                      def->kind == WIT_STREAM;
        x->pointers |= def->kind == WIT_LIST || def->kind == WIT_MAP;
        parts[0] = handle ? WIT_NO_TYPE : def->first;
        parts[1] = handle ? WIT_NO_TYPE : def->second;
        fields = def->fields;
        field_count = def->field_count;
    }
}

static struct crossing cross_params(const struct wit_resolve *r, const struct wit_func *f)
{
    struct crossing x = {0};
    for (u32 i = 0; i < f->param_count; i++)
        cross_type(r, f->params[i].type, &x);
    return x;
}

u8 compose_lower_needs(const struct wit_resolve *r, const struct wit_func *f, bool async,
                       bool *strings)
{
    struct crossing params = cross_params(r, f), result = {0};
    struct wit_core_sig sig;
    u8 needs = 0;
    cross_type(r, f->result, &result);
    wit_core_signature(r, f, async ? WIT_ABI_LOWER_ASYNC : WIT_ABI_LOWER, &sig);
    if (params.pointers || result.pointers || sig.indirect_params || sig.ret_pointer)
        needs |= NEEDS_MEMORY;
    if (result.pointers)
        needs |= NEEDS_MEMORY_REALLOC;
    *strings = params.strings || result.strings;
    return needs;
}

u8 compose_lift_needs(const struct wit_resolve *r, const struct wit_func *f, enum lift_kind kind,
                      bool *strings)
{
    static const enum wit_abi abis[] = {WIT_ABI_LIFT, WIT_ABI_LIFT_ASYNC,
                                        WIT_ABI_LIFT_ASYNC_STACKFUL};
    struct crossing params = cross_params(r, f), result = {0};
    struct wit_core_sig sig;
    u8 needs = 0;
    cross_type(r, f->result, &result);
    wit_core_signature(r, f, abis[kind], &sig);
    if (params.pointers || sig.indirect_params)
        needs |= NEEDS_MEMORY_REALLOC;
    wasm_valtype flat[WIT_MAX_FLAT_PARAMS];
    u32 n = 0;
    bool spills = kind == LIFT_SYNC ? sig.ret_pointer
                                    : !wit_flatten(r, f->result, flat, WIT_MAX_FLAT_PARAMS, &n);
    if (result.pointers || spills)
        needs |= NEEDS_MEMORY;
    *strings = params.strings || result.strings;
    return needs;
}

/* ---- Reporting --------------------------------------------------------------------------------------- */

static str unit_title(const struct componentizer *c, const struct unit *u)
{
    return u->is_adapter ? str_printf(c->arena, "adapter `" STRF "`", STRA(u->name))
                         : STR("core module");
}

static bool wrong_type(struct componentizer *c, const struct unit *u, span at, const char *what,
                       str name, const struct wasm_functype *wanted,
                       const struct wasm_functype *actual)
{
    str title = unit_title(c, u);
    struct diag *x = diag_error(c->diags, "new-signature", at,
                                "the " STRF " %s `" STRF "` with another type than its world has",
                                STRA(title), what, STRA(name));
    diag_note(c->diags, x, "expected " STRF, STRA(compose_show_type(c->arena, wanted)));
    diag_note(c->diags, x, "   found " STRF, STRA(compose_show_type(c->arena, actual)));
    return false;
}

static void suggest_keys(struct componentizer *c, struct diag *x, str wanted,
                         const struct map *keys)
{
    str *names = arena_array(c->arena, str, keys->len);
    for (u32 i = 0; i < keys->len; i++)
        names[i] = keys->entries[i].key;
    diag_suggest(c->diags, x, wanted, names, keys->len);
}

static void list_keys(struct componentizer *c, struct diag *x, const struct map *keys,
                      const char *what)
{
    struct buf b = buf_in(c->arena);
    for (u32 i = 0; i < keys->len && i < 8; i++)
        buf_printf(&b, "%s`" STRF "`", i ? ", " : "", STRA(keys->entries[i].key));
    if (keys->len > 8)
        buf_c(&b, ", ...");
    if (keys->len)
        diag_note(c->diags, x, "%s: " STRF, what, STRA(buf_view(&b)));
}

static bool unknown_module(struct componentizer *c, const struct unit *u,
                           const struct wasm_import *i, const struct compose_module_name *name)
{
    const struct map *keys = name->exported ? &c->export_keys : &c->import_keys;
    struct diag *x =
        diag_error(c->diags, "new-import", i->at,
                   "the " STRF " imports `" STRF "` from `" STRF "`, which its world does not %s",
                   STRA(unit_title(c, u)), STRA(i->name), STRA(i->module),
                   name->exported ? "export" : "import");
    suggest_keys(c, x, name->key, keys);
    list_keys(c, x, keys, name->exported ? "the world exports" : "the world imports");
    if (str_starts(i->module, STR("wasi_snapshot_preview1")) ||
        str_starts(i->module, STR("wasi_unstable")))
        diag_help(c->diags, x,
                  "this is a module for WASI 0.1: pass the adapter with `--adapt " STRF
                  "=FILE`; witc has none built in yet",
                  STRA(i->module));
    else if (c->units.len == 1 && !u->is_adapter)
        diag_help(c->diags, x, "add the import to the world, or pass `--adapt NAME=FILE`");
    return false;
}

static bool unknown_field(struct componentizer *c, const struct unit *u,
                          const struct wasm_import *i, str name, const struct map *near)
{
    struct diag *x = diag_error(c->diags, "new-import", i->at,
                                "the " STRF " imports `" STRF "` from `" STRF
                                "`, which has no function of that name",
                                STRA(unit_title(c, u)), STRA(i->name), STRA(i->module));
    if (near)
        suggest_keys(c, x, name, near);
    if (str_starts(i->name, STR("[cancellable]")))
        diag_note(c->diags, x,
                  "`[cancellable]` was taken out of the component model in 2026: recompile with "
                  "current bindings");
    return false;
}

/* ---- Imports of functions ------------------------------------------------------------------------------ */

/* Finds what a field says about: a function of the item, or else the names to suggest from. */
static const struct wit_func *find_func(struct componentizer *c,
                                        const struct compose_module_name *m, str name,
                                        struct binding *b, struct map *near)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    const wit_world_items *items = m->exported ? &w->exports : &w->imports;
    b->interface = NONE;
    if (m->root) {
        for (u32 i = 0; i < items->len; i++) {
            const struct wit_world_item *x = &items->data[i];
            if (x->kind != WIT_ITEM_FUNC)
                continue;
            if (str_eq(x->func.name, name)) {
                b->item = i;
                return &x->func;
            }
        }
        for (u32 i = 0; i < items->len; i++)
            if (items->data[i].kind == WIT_ITEM_FUNC)
                map_add(c->arena, near, items->data[i].func.name, i);
        return NULL;
    }
    b->interface = items->data[b->item].interface;
    const struct wit_interface *iface = &c->r.interfaces.data[b->interface];
    for (u32 i = 0; i < iface->funcs.len; i++) {
        if (str_eq(iface->funcs.data[i].name, name)) {
            b->func_index = i;
            return &iface->funcs.data[i];
        }
    }
    for (u32 i = 0; i < iface->funcs.len; i++)
        map_add(c->arena, near, iface->funcs.data[i].name, i);
    return NULL;
}

static u32 find_resource(struct componentizer *c, const struct compose_module_name *m, str name,
                         const struct binding *b)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    if (m->root) {
        for (u32 i = 0; i < w->imports.len; i++)
            if (w->imports.data[i].kind == WIT_ITEM_TYPE &&
                str_eq(c->r.types.data[w->imports.data[i].type].name, name))
                return w->imports.data[i].type;
        return NONE;
    }
    const wit_world_items *items = m->exported ? &w->exports : &w->imports;
    const struct wit_interface *iface = &c->r.interfaces.data[items->data[b->item].interface];
    for (u32 i = 0; i < iface->types.len; i++)
        if (str_eq(iface->types.data[i].name, name))
            return iface->types.data[i].type;
    return NONE;
}

static bool check_type(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                       const struct wasm_functype *wanted)
{
    const struct wasm_functype *actual = &u->body->types.data[i->type.type].func;
    str name = str_printf(c->arena, STRF "::" STRF, STRA(i->module), STRA(i->name));
    return compose_same_type(wanted, actual) ||
           wrong_type(c, u, i->at, "imports", name, wanted, actual);
}

static struct wasm_functype functype_of(const struct wit_core_sig *sig)
{
    return (struct wasm_functype){sig->params, sig->results, sig->param_count, sig->result_count};
}

static void mark_used(struct componentizer *c, struct binding *b)
{
    compose_mark_func(c, b->func);
    if (b->exported)
        return;
    if (b->interface == NONE) {
        c->live_items[b->item] = true;
        return;
    }
    bool **live = &c->live_funcs[b->interface];
    if (!*live)
        *live = arena_array(c->arena, bool, c->r.interfaces.data[b->interface].funcs.len);
    (*live)[b->func_index] = true;
}

static bool bind_func(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                      const struct compose_module_name *m, const struct compose_field_name *f,
                      struct binding *b)
{
    struct map near = {0};
    b->kind = BIND_FUNC;
    b->func = m->exported ? NULL : find_func(c, m, f->name, b, &near);
    if (!b->func)
        return unknown_field(c, u, i, f->name, &near);
    b->async = f->async;
    b->needs = compose_lower_needs(&c->r, b->func, b->async, &b->has_encoding);
    b->encoding = compose_encoding_of(c, true, b->item, b->func);
    struct wit_core_sig sig;
    wit_core_signature(&c->r, b->func, b->async ? WIT_ABI_LOWER_ASYNC : WIT_ABI_LOWER, &sig);
    struct wasm_functype wanted = functype_of(&sig);
    mark_used(c, b);
    return check_type(c, u, i, &wanted);
}

/* ---- Imports of built-ins -------------------------------------------------------------------------------- */

static bool bind_task_return(struct componentizer *c, const struct unit *u,
                             const struct wasm_import *i, const struct compose_module_name *m,
                             const struct compose_field_name *f, struct binding *b)
{
    struct map near = {0};
    wasm_valtype flat[WIT_MAX_FLAT_PARAMS];
    struct wasm_functype wanted = {.params = flat};
    b->func = find_func(c, m, f->name, b, &near);
    if (!b->func)
        return unknown_field(c, u, i, f->name, &near);
    /* Its options must be those of the lift that it returns from. */
    b->needs = compose_lift_needs(&c->r, b->func, LIFT_ASYNC, &b->has_encoding) & NEEDS_MEMORY;
    b->encoding = compose_encoding_of(c, false, b->item, b->func);
    if (!wit_flatten(&c->r, b->func->result, flat, WIT_MAX_FLAT_PARAMS, &wanted.param_count)) {
        flat[0] = WASM_I32;
        wanted.param_count = 1;
    }
    compose_mark_func(c, b->func);
    return check_type(c, u, i, &wanted);
}

static bool bind_resource(struct componentizer *c, const struct unit *u,
                          const struct wasm_import *i, const struct compose_module_name *m,
                          const struct compose_field_name *f, struct binding *b)
{
    b->type = find_resource(c, m, f->name, b);
    struct wit_type bottom = {WIT_ID, b->type};
    if (b->type != NONE)
        bottom = wit_unalias(&c->r, bottom);
    if (b->type == NONE || bottom.kind != WIT_ID ||
        c->r.types.data[bottom.id].kind != WIT_RESOURCE) {
        diag_error(c->diags, "new-import", i->at,
                   "the " STRF " imports `" STRF "` from `" STRF
                   "`, but there is no resource `" STRF "` there",
                   STRA(unit_title(c, u)), STRA(i->name), STRA(i->module), STRA(f->name));
        return false;
    }
    compose_mark_type(c, (struct wit_type){WIT_ID, b->type});
    return true;
}

static bool is_future(enum cm_canon_kind canon)
{
    return canon >= CANON_FUTURE_NEW && canon <= CANON_FUTURE_DROP_WRITABLE;
}

static bool bind_payload(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                         const struct compose_module_name *m, const struct compose_field_name *f,
                         struct binding *b)
{
    struct map near = {0};
    enum cm_canon_kind canon = compose_import_rows[f->id].canon;
    enum wit_kind kind =
        is_future(canon) || canon == CANON_FUTURE_FORWARD ? WIT_FUTURE : WIT_STREAM;
    b->unit = f->unit;
    if (f->unit) {
        b->needs = 0;
        return true;
    }
    b->func = find_func(c, m, f->name, b, &near);
    if (!b->func)
        return unknown_field(c, u, i, f->name, &near);
    u32 *types, n = wit_payload_types(&c->r, c->arena, b->func, &types);
    if (f->number >= n || c->r.types.data[types[f->number]].kind != kind) {
        struct diag *x =
            diag_error(c->diags, "new-import", i->at,
                       "the " STRF " imports `" STRF "` from `" STRF
                       "`, but number %u in the type of `" STRF "` is no %s",
                       STRA(unit_title(c, u)), STRA(i->name), STRA(i->module), f->number,
                       STRA(f->name), kind == WIT_FUTURE ? "future" : "stream");
        diag_note(c->diags, x,
                  "streams and futures are counted from 0, parameters before the "
                  "result, inner ones before outer ones; there are %u",
                  n);
        return false;
    }
    b->type = types[f->number];
    struct crossing x = {0};
    struct wit_type payload = c->r.types.data[b->type].first;
    cross_type(&c->r, payload, &x);
    b->has_encoding = x.strings && b->needs;
    b->encoding = compose_encoding_of(c, !b->exported, b->item, b->func);
    if (!x.pointers)
        b->needs &= (u8)~NEEDS_REALLOC;
    if (!wit_type_present(payload))
        b->needs = 0;
    compose_mark_type(c, (struct wit_type){WIT_ID, b->type});
    return true;
}

static bool bind_intrinsic(struct componentizer *c, const struct unit *u,
                           const struct wasm_import *i, const struct compose_module_name *m,
                           const struct compose_field_name *f, struct binding *b)
{
    const struct compose_import_row *row = &compose_import_rows[f->id];
    b->kind = BIND_INTRINSIC;
    b->id = f->id;
    b->async = f->async;
    b->number = f->number;
    b->needs = row->needs;
    b->encoding = f->encoding;
    b->has_encoding = row->tail == TAIL_ENCODING;
    b->slot_type = WASM_I32;
    if (row->signature[0] != '*') {
        struct wasm_functype wanted = compose_signature(c->arena, row->signature);
        if (strchr(row->signature, 'I') && row->tail == TAIL_SLOT)
            b->slot_type = WASM_I64;
        if (!check_type(c, u, i, &wanted))
            return false;
    }
    switch (row->tail) {
    case TAIL_FUNC: return bind_task_return(c, u, i, m, f, b);
    case TAIL_RESOURCE: return bind_resource(c, u, i, m, f, b);
    case TAIL_PAYLOAD: return bind_payload(c, u, i, m, f, b);
    default: return true;
    }
}

/* What wasm-ld imports from `env` for the stack pointer and the thread-local base: context slots. */
static bool bind_env(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                     const struct compose_field_name *f, struct binding *b)
{
    const struct wasm_functype *type = &u->body->types.data[i->type.type].func;
    bool get = f->id == IMPORT_STACK_GET || f->id == IMPORT_TLS_GET;
    bool wide = compose_signature_is(get ? ":I" : "I:", type);
    b->kind = BIND_INTRINSIC;
    b->id = f->id;
    b->slot_type = wide ? WASM_I64 : WASM_I32;
    b->number = f->id == IMPORT_TLS_GET || f->id == IMPORT_TLS_SET;
    if (b->number && !c->has_threads) {
        b->kind = BIND_TLS;
        c->shim_tls = true;
        c->tls_64 |= wide;
    }
    struct wasm_functype wanted = compose_signature(c->arena, get ? ":i" : "i:");
    return wide || check_type(c, u, i, &wanted);
}

/* ---- One import --------------------------------------------------------------------------------------------- */

static u32 find_adapter(const struct componentizer *c, str module)
{
    for (u32 k = 1; k < c->units.len; k++)
        if (str_eq(c->units.data[k].name, module))
            return k;
    return NONE;
}

static bool bind_adapter(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                         u32 adapter, struct binding *b)
{
    struct unit *to = &c->units.data[adapter];
    b->kind = BIND_ADAPTER;
    b->unit_index = adapter;
    b->export_index = map_get(&to->exports, i->name);
    if (b->export_index == MAP_NONE || to->m->exports.data[b->export_index].kind != EXTERN_FUNC) {
        struct diag *x = diag_error(c->diags, "new-import", i->at,
                                    "the " STRF " imports the function `" STRF
                                    "`, which the adapter `" STRF "` does not export",
                                    STRA(unit_title(c, u)), STRA(i->name), STRA(to->name));
        suggest_keys(c, x, i->name, &to->exports);
        return false;
    }
    to->used[b->export_index] = true;
    return check_type(c, u, i, compose_export_type(to, b->export_index));
}

/* An adapter's import from the main module. */
static bool bind_main(struct componentizer *c, const struct unit *u, const struct wasm_import *i,
                      struct binding *b)
{
    const struct unit *main = &c->units.data[0];
    u32 known = NONE;
    b->kind = BIND_MAIN;
    b->unit_index = 0;
    if (str_eq(i->name, STR("cabi_realloc"))) {
        known = main->known[MODULE_EXPORT_REALLOC_ADAPTER];
        if (known == NONE)
            known = main->known[MODULE_EXPORT_REALLOC];
    }
    b->export_index = known != NONE ? known : map_get(&main->exports, i->name);
    if (b->export_index == MAP_NONE || main->m->exports.data[b->export_index].kind != EXTERN_FUNC) {
        struct diag *x =
            diag_error(c->diags, "new-adapter", i->at,
                       "the " STRF " needs `" STRF "` of the core module, which does not export it",
                       STRA(unit_title(c, u)), STRA(i->name));
        suggest_keys(c, x, i->name, &main->exports);
        return false;
    }
    return check_type(c, u, i, compose_export_type(main, b->export_index));
}

static bool bind_memory(struct componentizer *c, struct unit *u, const struct wasm_import *i,
                        struct binding *b)
{
    b->kind = BIND_MEMORY;
    if (i->type.memory.is_64) {
        diag_unsupported(c->diags, i->at, "a component of a module with a 64-bit memory");
        return false;
    }
    if (!u->is_adapter) {
        c->shim_memory = true;
        return true;
    }
    const struct unit *main = &c->units.data[0];
    u32 memory = main->known[MODULE_EXPORT_MEMORY];
    if (memory == NONE && !c->shim_memory) {
        diag_error(c->diags, "new-adapter", i->at,
                   "the " STRF " needs a memory, but the core module exports none as `memory`",
                   STRA(unit_title(c, u)));
        return false;
    }
    const struct wasm_limits *of_main =
        &main->m->memories.data[memory == NONE ? 0 : main->m->exports.data[memory].index];
    u8 wanted = i->type.memory.has_page_size ? i->type.memory.page_size_log2 : 16;
    u8 actual = of_main->has_page_size ? of_main->page_size_log2 : 16;
    if (wanted != actual) {
        diag_error(c->diags, "new-adapter", i->at,
                   "the " STRF " works on pages of %u bytes, the core module's memory has %u",
                   STRA(unit_title(c, u)), 1u << wanted, 1u << actual);
        return false;
    }
    return true;
}

static bool not_a_function(struct componentizer *c, const struct unit *u,
                           const struct wasm_import *i)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    diag_error(c->diags, "new-import", i->at,
               "the " STRF " imports the %s `" STRF "` from `" STRF
               "`; a component can only give it functions, and a memory as `env` `memory`",
               STRA(unit_title(c, u)), kinds[i->type.kind], STRA(i->name), STRA(i->module));
    return false;
}

static bool bind_import(struct componentizer *c, struct unit *u, const struct wasm_import *i,
                        struct binding *b)
{
    u32 adapter = u->is_adapter ? NONE : find_adapter(c, i->module);
    struct compose_module_name m = compose_read_module(i->module);
    struct compose_field_name f;
    *b = (struct binding){.item = NONE, .interface = NONE, .type = NONE, .shim = NONE};
    b->field = i->name;
    if (m.env && i->type.kind == EXTERN_MEMORY && adapter == NONE)
        return bind_memory(c, u, i, b);
    if (i->type.kind != EXTERN_FUNC)
        return not_a_function(c, u, i);
    if (adapter != NONE)
        return bind_adapter(c, u, i, adapter, b);
    if (u->is_adapter && str_eq(i->module, STR(NAME_MAIN_MODULE)))
        return bind_main(c, u, i, b);
    if (c->options->reject_legacy_names && !m.standard) {
        diag_error(c->diags, "new-import", i->at,
                   "the import module `" STRF "` is not named as standard32 has it",
                   STRA(i->module));
        return false;
    }
    bool readable = compose_read_field(&m, i->name, &f);
    if (m.env && readable && f.is_intrinsic)
        return bind_env(c, u, i, &f, b);
    b->exported = m.exported;
    if (!m.root) {
        b->item = m.env ? NONE : compose_find_item(c, !m.exported, m.key);
        const struct wit_world *w = &c->r.worlds.data[c->world];
        const wit_world_items *items = m.exported ? &w->exports : &w->imports;
        if (b->item == NONE || items->data[b->item].kind != WIT_ITEM_INTERFACE)
            return unknown_module(c, u, i, &m);
    }
    if (!readable)
        return unknown_field(c, u, i, i->name, NULL);
    return f.is_intrinsic ? bind_intrinsic(c, u, i, &m, &f, b) : bind_func(c, u, i, &m, &f, b);
}

/* ---- One unit -------------------------------------------------------------------------------------------- */

/* A component cannot tell two imports of one name apart: the later ones get names of their own. */
static void unique_fields(struct componentizer *c, struct unit *u)
{
    struct map seen = {0};
    for (u32 k = 0; k < u->body->imports.len; k++) {
        const struct wasm_import *i = &u->body->imports.data[k];
        struct binding *b = &u->bindings[k];
        for (u32 n = 1;; n++) {
            str key = str_printf(c->arena, "%zu " STRF STRF, i->module.len, STRA(i->module),
                                 STRA(b->field));
            if (map_add(c->arena, &seen, key, k) == MAP_NONE)
                break;
            b->field = str_printf(c->arena, STRF " [v%u]", STRA(i->name), n);
        }
    }
}

bool compose_bind_unit(struct componentizer *c, u32 unit)
{
    struct unit *u = &c->units.data[unit];
    bool ok = true;
    u->bindings = arena_array(c->arena, struct binding, u->body->imports.len);
    for (u32 k = 0; k < u->body->imports.len; k++)
        if (str_eq(u->body->imports.data[k].name, compose_import_rows[IMPORT_THREAD_NEW].text))
            c->has_threads = true;
    for (u32 k = 0; k < u->body->imports.len; k++)
        ok &= bind_import(c, u, &u->body->imports.data[k], &u->bindings[k]);
    unique_fields(c, u);
    return ok;
}

const struct wasm_functype *compose_export_type(const struct unit *u, u32 export_index)
{
    return wasm_func_type(u->m, u->m->exports.data[export_index].index);
}

bool compose_read_exports(struct componentizer *c, struct unit *u)
{
    bool ok = true;
    for (u32 k = 0; k < u->m->exports.len; k++)
        map_add(c->arena, &u->exports, u->m->exports.data[k].name, k);
    for (u32 k = 0; k < MODULE_EXPORT_COUNT; k++)
        u->known[k] = NONE;
    for (u32 k = 0; k < compose_module_export_count; k++) {
        const struct compose_module_export_row *row = &compose_module_exports[k];
        u32 at = map_get(&u->exports, row->name);
        if (at == MAP_NONE || u->known[row->id] != NONE || u->m->exports.data[at].kind != row->kind)
            continue;
        u->known[row->id] = at;
        if (row->kind == EXTERN_FUNC &&
            !compose_signature_is(row->signature, compose_export_type(u, at))) {
            struct wasm_functype wanted = compose_signature(c->arena, row->signature);
            ok = wrong_type(c, u, u->m->exports.data[at].at, "exports", row->name, &wanted,
                            compose_export_type(u, at));
        }
    }
    u32 memory = u->known[MODULE_EXPORT_MEMORY];
    if (memory != NONE && u->m->memories.data[u->m->exports.data[memory].index].is_64) {
        diag_unsupported(c->diags, u->m->exports.data[memory].at,
                         "a component of a module with a 64-bit memory");
        return false;
    }
    return ok;
}

/* ---- Exports of the component ------------------------------------------------------------------------------ */

static u32 find_func_export(struct componentizer *c, const struct unit *u,
                            enum compose_func_export what, str key, str func)
{
    u32 at = MAP_NONE;
    if (!c->options->reject_legacy_names)
        at = map_get(&u->exports, compose_export_name(c->arena, what, key, func));
    if (at == MAP_NONE && compose_func_exports[what].suffix)
        at = map_get(&u->exports, compose_standard_export(c->arena, what, key, func));
    return at == MAP_NONE || u->m->exports.data[at].kind != EXTERN_FUNC ? NONE : at;
}

static bool missing_export(struct componentizer *c, str key, const struct wit_func *f)
{
    const struct unit *main = &c->units.data[0];
    str name = compose_export_name(c->arena, FUNC_EXPORT_LIFT, key, f->name);
    span at = {main->m->source, main->m->base, main->m->base};
    struct diag *x = diag_error(
        c->diags, "new-export", at,
        "the core module lacks the function `" STRF "`, which its world exports", STRA(name));
    suggest_keys(c, x, name, &main->exports);
    if (f->is_async)
        diag_note(c->diags, x,
                  "it is async: it may also be exported as `[async-lift]" STRF
                  "` with a callback, or as `[async-lift-stackful]" STRF "`",
                  STRA(name), STRA(name));
    return false;
}

static bool check_export(struct componentizer *c, const struct unit *u, u32 export_index,
                         const struct wasm_functype *wanted)
{
    const struct wasm_export *e = &u->m->exports.data[export_index];
    const struct wasm_functype *actual = compose_export_type(u, export_index);
    return compose_same_type(wanted, actual) ||
           wrong_type(c, u, e->at, "exports", e->name, wanted, actual);
}

static bool find_lift(struct componentizer *c, struct lift *l, str key)
{
    static const enum compose_func_export forms[] = {FUNC_EXPORT_LIFT, FUNC_EXPORT_LIFT_ASYNC,
                                                     FUNC_EXPORT_LIFT_STACKFUL};
    for (u32 k = 0; k < c->units.len; k++)
        for (u32 i = 0; i < LENGTH_OF(forms); i++) {
            u32 at = find_func_export(c, &c->units.data[k], forms[i], key, l->func->name);
            if (at == NONE)
                continue;
            l->unit = k;
            l->export_index = at;
            l->kind = (enum lift_kind)i;
            return true;
        }
    return missing_export(c, key, l->func);
}

static bool check_lift(struct componentizer *c, struct lift *l, str key)
{
    static const enum wit_abi abis[] = {WIT_ABI_LIFT, WIT_ABI_LIFT_ASYNC,
                                        WIT_ABI_LIFT_ASYNC_STACKFUL};
    struct unit *u = &c->units.data[l->unit];
    struct wit_core_sig sig;
    wit_core_signature(&c->r, l->func, abis[l->kind], &sig);
    struct wasm_functype wanted = functype_of(&sig);
    if (!check_export(c, u, l->export_index, &wanted))
        return false;
    if (l->kind == LIFT_ASYNC) {
        struct wasm_functype callback = compose_signature(c->arena, "iii:i");
        l->callback = find_func_export(c, u, FUNC_EXPORT_CALLBACK, key, l->func->name);
        if (l->callback == NONE) {
            str name = compose_export_name(c->arena, FUNC_EXPORT_CALLBACK, key, l->func->name);
            const struct wasm_export *e = &u->m->exports.data[l->export_index];
            diag_error(c->diags, "new-export", e->at,
                       "the core module exports `" STRF "` but not its callback `" STRF "`",
                       STRA(e->name), STRA(name));
            return false;
        }
        return check_export(c, u, l->callback, &callback);
    }
    if (l->kind == LIFT_SYNC) {
        struct wasm_functype post = {.params = wanted.results, .param_count = wanted.result_count};
        l->post_return = find_func_export(c, u, FUNC_EXPORT_POST_RETURN, key, l->func->name);
        return l->post_return == NONE || check_export(c, u, l->post_return, &post);
    }
    return true;
}

static bool bind_lift(struct componentizer *c, struct lift l, str key)
{
    l.callback = l.post_return = l.hooked = l.hooked_callback = l.hooked_post = NONE;
    if (!find_lift(c, &l, key) || !check_lift(c, &l, key))
        return false;
    l.needs = compose_lift_needs(&c->r, l.func, l.kind, &l.has_encoding);
    l.encoding = compose_encoding_of(c, false, l.item, l.func);
    struct unit *u = &c->units.data[l.unit];
    if (u->used) {
        u->used[l.export_index] = true;
        if (l.callback != NONE)
            u->used[l.callback] = true;
        if (l.post_return != NONE)
            u->used[l.post_return] = true;
    }
    *vec_push(c->arena, &c->lifts) = l;
    return true;
}

static bool bind_dtor(struct componentizer *c, u32 item, u32 type, str key)
{
    struct dtor d = {.type = type, .item = item, .unit = NONE, .shim = NONE};
    str resource = c->r.types.data[type].name;
    for (u32 k = 0; k < c->units.len && d.unit == NONE; k++) {
        struct unit *u = &c->units.data[k];
        u32 at = map_get(&u->exports, compose_dtor_name(c->arena, key, resource, false));
        if (at == MAP_NONE)
            at = map_get(&u->exports, compose_dtor_name(c->arena, key, resource, true));
        if (at == MAP_NONE || u->m->exports.data[at].kind != EXTERN_FUNC)
            continue;
        d.unit = k;
        d.export_index = at;
        if (u->used)
            u->used[at] = true;
        struct wasm_functype wanted = compose_signature(c->arena, "i:");
        if (!check_export(c, u, at, &wanted))
            return false;
    }
    *vec_push(c->arena, &c->dtors) = d;
    return true;
}

static bool bind_interface(struct componentizer *c, u32 item, const struct wit_world_item *x)
{
    const struct wit_interface *iface = &c->r.interfaces.data[x->interface];
    str key = wit_item_name(&c->r, c->arena, x);
    bool ok = true;
    for (u32 i = 0; i < iface->types.len; i++)
        if (c->r.types.data[iface->types.data[i].type].kind == WIT_RESOURCE)
            ok &= bind_dtor(c, item, iface->types.data[i].type, key);
    for (u32 i = 0; i < iface->funcs.len; i++)
        ok &= bind_lift(c,
                        (struct lift){.item = item,
                                      .interface = x->interface,
                                      .func_index = i,
                                      .func = &iface->funcs.data[i]},
                        key);
    return ok;
}

bool compose_bind_exports(struct componentizer *c)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    bool ok = true;
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *x = &w->exports.data[i];
        if (x->kind == WIT_ITEM_INTERFACE)
            ok &= bind_interface(c, i, x);
        else if (x->kind == WIT_ITEM_FUNC)
            ok &= bind_lift(c, (struct lift){.item = i, .interface = NONE, .func = &x->func},
                            (str){0});
    }
    return ok;
}
