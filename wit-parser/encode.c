/* encode.c - WIT to component types: packages and worlds in the binary encoding of WIT.
 *
 * A scope is one component or instance type that is being written. There are two at most: the outer one
 * (an interface or world as a component type) and the instance type within it. A type stands in a
 * scope once: defined there, or aliased from the instance of the interface that owns it.
 *
 * Named types nest to any depth, so the walk over the parts of a type keeps a stack of its own.
 */
#include "encode.h"

struct scope {
    VEC(struct cm_decl) decls;
    u32 types, instances;
    u32 *type_index; /* by WIT type, valid where type_mark says so */
    u32 *type_mark;  /* == mark: in this scope */
    u32 mark;
    struct map funcs; /* function types by key */
};

struct encoder {
    struct wit_resolve *r;
    struct arena *arena;
    struct scope outer, inner, *scope;
    u32 interface;         /* whose types are defined here; WIT_NONE: those of the world */
    bool types_as_imports; /* a world's own types are imports of it */
    bool exporting;
    u32 *imported, *exported; /* by interface: its instance in `outer` + 1 */
    u32 *rank;                /* by WIT type: scratch of order_funcs */
};

/* ---- Scopes ------------------------------------------------------------------------------------ */

static void scope_reset(struct scope *s)
{
    u32 *index = s->type_index, *mark = s->type_mark;
    *s = (struct scope){.type_index = index, .type_mark = mark, .mark = s->mark + 1};
}

static struct cm_decl *add_decl(struct encoder *e, struct scope *s)
{
    return vec_push(e->arena, &s->decls);
}

static u32 add_type(struct encoder *e, struct scope *s, struct cm_type type)
{
    struct cm_decl *d = add_decl(e, s);
    *d = (struct cm_decl){.kind = DECL_TYPE, .type = arena_new(e->arena, struct cm_type)};
    *d->type = type;
    return s->types++;
}

static void add_alias(struct encoder *e, struct scope *s, struct cm_alias alias)
{
    struct cm_decl *d = add_decl(e, s);
    *d = (struct cm_decl){.kind = DECL_ALIAS, .alias = arena_new(e->arena, struct cm_alias)};
    *d->alias = alias;
    s->types++;
}

static struct cm_name name_of(str name, str implements, str external_id)
{
    struct cm_name n = {.name = name, .implements = implements, .external_id = external_id};
    n.form = n.implements.ptr || n.external_id.ptr ? 2 : 0;
    return n;
}

static void add_extern(struct encoder *e, struct scope *s, bool import, struct cm_name name,
                       struct cm_externtype type)
{
    struct cm_decl *d = add_decl(e, s);
    *d = (struct cm_decl){
        .kind = import ? DECL_IMPORT : DECL_EXPORT, .name = name, .extern_type = type};
    if (type.sort == SORT_TYPE)
        s->types++;
    else if (type.sort == SORT_INSTANCE)
        s->instances++;
}

static struct cm_type close_scope(const struct scope *s, enum cm_def kind)
{
    return (struct cm_type){.kind = kind, .decls = s->decls.data, .decl_count = s->decls.len};
}

static bool has_type(const struct scope *s, u32 type)
{
    return s->type_mark[type] == s->mark;
}

static void set_type(struct scope *s, u32 type, u32 index)
{
    s->type_mark[type] = s->mark;
    s->type_index[type] = index;
}

/* ---- Value types ------------------------------------------------------------------------------- */

static u8 prim_of(enum wit_kind kind)
{
    static const u8 table[] = {
        [WIT_BOOL] = PRIM_BOOL,     [WIT_U8] = PRIM_U8,
        [WIT_U16] = PRIM_U16,       [WIT_U32] = PRIM_U32,
        [WIT_U64] = PRIM_U64,       [WIT_S8] = PRIM_S8,
        [WIT_S16] = PRIM_S16,       [WIT_S32] = PRIM_S32,
        [WIT_S64] = PRIM_S64,       [WIT_F32] = PRIM_F32,
        [WIT_F64] = PRIM_F64,       [WIT_CHAR] = PRIM_CHAR,
        [WIT_STRING] = PRIM_STRING, [WIT_ERROR_CONTEXT] = PRIM_ERROR_CONTEXT,
    };
    return table[kind];
}

/* A use of a type that already stands in the scope. */
static struct cm_valtype use_type(const struct encoder *e, struct wit_type t)
{
    if (t.kind != WIT_ID)
        return (struct cm_valtype){.prim = prim_of(t.kind)};
    return (struct cm_valtype){.is_index = true, .index = e->scope->type_index[t.id]};
}

static const struct cm_label *labels_of(const struct encoder *e, const struct wit_field *fields,
                                        u32 n)
{
    struct cm_label *labels = arena_array(e->arena, struct cm_label, n);
    for (u32 i = 0; i < n; i++) {
        labels[i].name = fields[i].name;
        labels[i].has_type = wit_type_present(fields[i].type);
        if (labels[i].has_type)
            labels[i].type = use_type(e, fields[i].type);
    }
    return labels;
}

static enum cm_def def_of(enum wit_kind kind)
{
    static const u8 table[] = {
        [WIT_RECORD] = DEF_RECORD, [WIT_OWN] = DEF_OWN,       [WIT_BORROW] = DEF_BORROW,
        [WIT_FLAGS] = DEF_FLAGS,   [WIT_TUPLE] = DEF_TUPLE,   [WIT_VARIANT] = DEF_VARIANT,
        [WIT_ENUM] = DEF_ENUM,     [WIT_OPTION] = DEF_OPTION, [WIT_RESULT] = DEF_RESULT,
        [WIT_LIST] = DEF_LIST,     [WIT_MAP] = DEF_MAP,       [WIT_FIXED_LIST] = DEF_FIXED_LIST,
        [WIT_FUTURE] = DEF_FUTURE, [WIT_STREAM] = DEF_STREAM,
    };
    return (enum cm_def)table[kind];
}

/* The definition of a type whose parts stand in the scope. */
static struct cm_type define(const struct encoder *e, const struct wit_typedef *t)
{
    struct cm_type d = {.kind = def_of(t->kind)};
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        d.resource = e->scope->type_index[t->first.id];
        return d;
    }
    d.labels = labels_of(e, t->fields, t->field_count);
    d.label_count = t->field_count;
    bool has_parts = t->kind >= WIT_OPTION;
    d.has_element = has_parts && wit_type_present(t->first);
    if (d.has_element)
        d.element = use_type(e, t->first);
    d.has_second = (t->kind == WIT_RESULT || t->kind == WIT_MAP) && wit_type_present(t->second);
    if (d.has_second)
        d.second = use_type(e, t->second);
    d.length = (u32)t->length;
    return d;
}

/* The index that `type` has before it gets its name: of a definition, or of what it is an alias of. */
static u32 unnamed_index(struct encoder *e, const struct wit_typedef *t)
{
    if (t->kind != WIT_ALIAS)
        return add_type(e, e->scope, define(e, t));
    if (t->first.kind == WIT_ID)
        return e->scope->type_index[t->first.id];
    return add_type(e, e->scope,
                    (struct cm_type){.kind = DEF_PRIM, .prim = prim_of(t->first.kind)});
}

static void emit_type(struct encoder *e, u32 type)
{
    const struct wit_typedef *t = &e->r->types.data[type];
    struct cm_externtype bound = {.sort = SORT_TYPE};
    if (t->kind == WIT_RESOURCE)
        bound.is_bound = true;
    else
        bound.index = unnamed_index(e, t);
    if (!t->name.len) {
        set_type(e->scope, type, bound.index);
        return;
    }
    u32 index = e->scope->types;
    add_extern(e, e->scope, e->types_as_imports && e->scope == &e->outer,
               name_of(t->name, str_c(NULL), t->external_id), bound);
    set_type(e->scope, type, index);
}

/* Brings in a type of another interface, from the instance of that interface. */
static bool alias_type(struct encoder *e, u32 type)
{
    const struct wit_typedef *t = &e->r->types.data[type];
    u32 owner = t->owner.index;
    bool from_export = e->exporting && e->exported[owner];
    u32 instance = from_export ? e->exported[owner] : e->imported[owner];
    if (!instance) {
        struct diag *x = diag_error(e->r->diags, "wit-encode", t->at,
                                    "type `" STRF "` of interface `" STRF
                                    "` is used before that interface is imported",
                                    STRA(t->name), STRA(wit_interface_id(e->r, e->arena, owner)));
        diag_help(e->r->diags, x, "import the interface as well");
        return false;
    }
    u32 index = e->outer.types;
    if (!from_export && has_type(&e->outer, type)) {
        index = e->outer.type_index[type];
    } else {
        add_alias(e, &e->outer,
                  (struct cm_alias){.kind = ALIAS_EXPORT,
                                    .sort = SORT_TYPE,
                                    .instance = instance - 1,
                                    .name = t->name});
        if (!from_export)
            set_type(&e->outer, type, index);
    }
    if (e->scope == &e->inner) {
        u32 outer = index;
        index = e->inner.types;
        add_alias(e, &e->inner,
                  (struct cm_alias){
                      .kind = ALIAS_OUTER, .sort = SORT_TYPE, .outer_count = 1, .index = outer});
    }
    set_type(e->scope, type, index);
    return true;
}

static bool is_foreign(const struct encoder *e, u32 type)
{
    const struct wit_owner *owner = &e->r->types.data[type].owner;
    return owner->kind == WIT_OWNER_INTERFACE && owner->index != e->interface;
}

bool wit_type_part(const struct wit_typedef *t, u32 i, struct wit_type *part)
{
    *part = WIT_NO_TYPE;
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_VARIANT:
        if (i >= t->field_count)
            return false;
        *part = t->fields[i].type;
        return true;
    case WIT_RESULT:
    case WIT_MAP: *part = i == 0 ? t->first : t->second; return i < 2;
    case WIT_RESOURCE:
    case WIT_FLAGS:
    case WIT_ENUM: return false;
    default: *part = t->first; return i == 0;
    }
}

struct frame {
    u32 type, next;
};

/* Makes a type stand in the scope, after all it is made of. */
static bool need_type(struct encoder *e, struct wit_type wanted)
{
    if (wanted.kind != WIT_ID || wanted.id == WIT_NONE || has_type(e->scope, wanted.id))
        return true;
    if (is_foreign(e, wanted.id))
        return alias_type(e, wanted.id);
    VEC(struct frame) stack = {0};
    *vec_push(e->arena, &stack) = (struct frame){wanted.id, 0};
    while (stack.len) {
        struct frame *top = vec_last(&stack);
        struct wit_type part;
        if (!wit_type_part(&e->r->types.data[top->type], top->next++, &part)) {
            if (!has_type(e->scope, top->type))
                emit_type(e, top->type);
            stack.len--;
        } else if (part.kind == WIT_ID && part.id != WIT_NONE && !has_type(e->scope, part.id)) {
            if (!is_foreign(e, part.id))
                *vec_push(e->arena, &stack) = (struct frame){part.id, 0};
            else if (!alias_type(e, part.id))
                return false;
        }
    }
    return true;
}

/* ---- Functions --------------------------------------------------------------------------------- */

static str func_key(struct encoder *e, const struct wit_func *f)
{
    struct buf b = buf_in(e->arena);
    buf_byte(&b, f->is_async);
    for (u32 i = 0; i < f->param_count; i++) {
        buf_str(&b, f->params[i].name);
        buf_byte(&b, 0);
        buf_put(&b, &f->params[i].type.kind, sizeof f->params[i].type.kind);
        buf_put(&b, &f->params[i].type.id, sizeof f->params[i].type.id);
    }
    buf_byte(&b, 0);
    buf_put(&b, &f->result.kind, sizeof f->result.kind);
    buf_put(&b, &f->result.id, sizeof f->result.id);
    return buf_view(&b);
}

static bool func_type(struct encoder *e, const struct wit_func *f, u32 *index)
{
    str key = func_key(e, f);
    *index = map_get(&e->scope->funcs, key);
    if (*index != MAP_NONE)
        return true;
    for (u32 i = 0; i < f->param_count; i++)
        if (!need_type(e, f->params[i].type))
            return false;
    if (!need_type(e, f->result))
        return false;
    struct cm_type d = {.kind = DEF_FUNC};
    d.func.is_async = f->is_async;
    d.func.params = labels_of(e, f->params, f->param_count);
    d.func.param_count = f->param_count;
    d.func.has_result = wit_type_present(f->result);
    if (d.func.has_result)
        d.func.result = use_type(e, f->result);
    *index = add_type(e, e->scope, d);
    map_put(e->arena, &e->scope->funcs, key, *index);
    return true;
}

struct ranked {
    u32 rank, index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Functions of resources come first, in the order of the resources: as they stand in WIT text, so
 * that text and binary keep one order. */
static struct ranked *order_funcs(struct encoder *e, const struct wit_interface *iface)
{
    struct ranked *order = arena_array(e->arena, struct ranked, iface->funcs.len);
    for (u32 i = 0; i < iface->types.len; i++)
        e->rank[iface->types.data[i].type] = i + 1;
    for (u32 i = 0; i < iface->funcs.len; i++) {
        const struct wit_func *f = &iface->funcs.data[i];
        u32 rank = f->kind == WIT_FREE ? 0 : e->rank[f->resource];
        order[i] = (struct ranked){rank ? rank : UINT32_MAX, i};
    }
    for (u32 i = 0; i < iface->types.len; i++)
        e->rank[iface->types.data[i].type] = 0;
    if (iface->funcs.len)
        qsort(order, iface->funcs.len, sizeof *order, compare_ranked);
    return order;
}

/* ---- Interfaces and worlds --------------------------------------------------------------------- */

static bool instance_decls(struct encoder *e, u32 interface, bool with_funcs)
{
    const struct wit_interface *iface = &e->r->interfaces.data[interface];
    for (u32 i = 0; i < iface->types.len; i++)
        if (!need_type(e, (struct wit_type){WIT_ID, iface->types.data[i].type}))
            return false;
    if (!with_funcs)
        return true;
    struct ranked *order = order_funcs(e, iface);
    for (u32 i = 0; i < iface->funcs.len; i++) {
        const struct wit_func *f = &iface->funcs.data[order[i].index];
        struct cm_externtype type = {.sort = SORT_FUNC};
        if (!func_type(e, f, &type.index))
            return false;
        add_extern(e, e->scope, false, name_of(f->name, str_c(NULL), f->external_id), type);
    }
    return true;
}

/* Defines the instance type of an interface in the outer scope. */
static bool instance_type(struct encoder *e, u32 interface, bool with_funcs, u32 *index)
{
    scope_reset(&e->inner);
    e->scope = &e->inner;
    e->interface = interface;
    bool ok = instance_decls(e, interface, with_funcs);
    e->scope = &e->outer;
    e->interface = WIT_NONE;
    if (ok)
        *index = add_type(e, &e->outer, close_scope(&e->inner, DEF_INSTANCE));
    return ok;
}

static struct encoder encoder_of(struct wit_resolve *r)
{
    struct encoder e = {.r = r, .arena = r->arena, .interface = WIT_NONE};
    struct scope *scopes[] = {&e.outer, &e.inner};
    for (u32 i = 0; i < 2; i++) {
        scopes[i]->type_index = arena_array(r->arena, u32, r->types.len);
        scopes[i]->type_mark = arena_array(r->arena, u32, r->types.len);
    }
    e.rank = arena_array(r->arena, u32, r->types.len);
    e.imported = arena_array(r->arena, u32, r->interfaces.len);
    e.exported = arena_array(r->arena, u32, r->interfaces.len);
    return e;
}

static void start_outer(struct encoder *e)
{
    scope_reset(&e->outer);
    e->scope = &e->outer;
}

static bool world_interface(struct encoder *e, const struct wit_world_item *item, bool import)
{
    struct cm_externtype type = {.sort = SORT_INSTANCE};
    if (!instance_type(e, item->interface, true, &type.index))
        return false;
    const struct wit_interface *iface = &e->r->interfaces.data[item->interface];
    str implements = str_c(NULL);
    if (item->has_key_name && iface->name.len)
        implements = wit_interface_id(e->r, e->arena, item->interface);
    /* What others `use` comes from the interface itself, not from one more copy under a label. */
    u32 *instance = &(import ? e->imported : e->exported)[item->interface];
    if (!implements.ptr || !*instance)
        *instance = e->outer.instances + 1;
    add_extern(e, &e->outer, import,
               name_of(wit_item_name(e->r, e->arena, item), implements, item->external_id), type);
    return true;
}

static bool world_item(struct encoder *e, const struct wit_world_item *item, bool import)
{
    switch (item->kind) {
    case WIT_ITEM_INTERFACE: return world_interface(e, item, import);
    case WIT_ITEM_TYPE: return need_type(e, (struct wit_type){WIT_ID, item->type});
    case WIT_ITEM_FUNC: break;
    }
    struct cm_externtype type = {.sort = SORT_FUNC};
    if (!func_type(e, &item->func, &type.index))
        return false;
    str external_id = item->external_id.ptr ? item->external_id : item->func.external_id;
    add_extern(e, &e->outer, import,
               name_of(wit_item_name(e->r, e->arena, item), str_c(NULL), external_id), type);
    return true;
}

/* A world as a component type. */
static bool world_type(struct encoder *e, u32 world, struct cm_type *out)
{
    const struct wit_world *w = &e->r->worlds.data[world];
    start_outer(e);
    e->types_as_imports = true;
    e->exporting = false;
    bool ok = true;
    for (u32 i = 0; i < w->imports.len && ok; i++)
        ok = world_item(e, &w->imports.data[i], true);
    for (u32 i = 0; i < w->exports.len && ok; i++) {
        const struct wit_world_item *item = &w->exports.data[i];
        /* A function uses the world's own types, which are imports; an interface what is exported. */
        e->exporting = item->kind == WIT_ITEM_INTERFACE;
        ok = world_item(e, item, false);
    }
    for (u32 i = 0; i < w->imports.len; i++)
        if (w->imports.data[i].kind == WIT_ITEM_INTERFACE)
            e->imported[w->imports.data[i].interface] = 0;
    for (u32 i = 0; i < w->exports.len; i++)
        if (w->exports.data[i].kind == WIT_ITEM_INTERFACE)
            e->exported[w->exports.data[i].interface] = 0;
    *out = close_scope(&e->outer, DEF_COMPONENT);
    return ok;
}

/* The component type with one export: a component of type `world`, under its full name. */
static struct cm_type wrap_world(struct encoder *e, u32 world, struct cm_type type)
{
    const struct wit_world *w = &e->r->worlds.data[world];
    start_outer(e);
    struct cm_externtype of = {.sort = SORT_COMPONENT, .index = add_type(e, &e->outer, type)};
    str id = wit_item_id(e->arena, &e->r->packages.data[w->package].name, w->name);
    add_extern(e, &e->outer, false, name_of(id, str_c(NULL), str_c(NULL)), of);
    return close_scope(&e->outer, DEF_COMPONENT);
}

/* The interfaces that `interface` uses types of, deepest first, itself last. */
struct live {
    VEC(u32) order;
    bool *seen;
};

static bool dependency(const struct wit_resolve *r, u32 interface, u32 i, u32 *out)
{
    const struct wit_typedef *t = &r->types.data[r->interfaces.data[interface].types.data[i].type];
    if (t->kind != WIT_ALIAS || t->first.kind != WIT_ID)
        return false;
    const struct wit_owner *owner = &r->types.data[t->first.id].owner;
    *out = owner->index;
    return owner->kind == WIT_OWNER_INTERFACE && owner->index != interface;
}

static void live_interfaces(struct encoder *e, u32 interface, struct live *live)
{
    VEC(struct frame) stack = {0};
    live->seen[interface] = true;
    *vec_push(e->arena, &stack) = (struct frame){interface, 0};
    while (stack.len) {
        struct frame *top = vec_last(&stack);
        u32 next;
        if (top->next >= e->r->interfaces.data[top->type].types.len) {
            *vec_push(e->arena, &live->order) = top->type;
            stack.len--;
        } else if (dependency(e->r, top->type, top->next++, &next) && !live->seen[next]) {
            live->seen[next] = true;
            *vec_push(e->arena, &stack) = (struct frame){next, 0};
        }
    }
}

/* An interface as a component type that imports what it uses (types only) and exports it. */
static bool interface_type(struct encoder *e, u32 interface, struct live *live, struct cm_type *out)
{
    start_outer(e);
    e->types_as_imports = e->exporting = false;
    live->order.len = 0;
    live_interfaces(e, interface, live);
    bool ok = true;
    for (u32 i = 0; i < live->order.len && ok; i++) {
        u32 each = live->order.data[i];
        struct cm_externtype type = {.sort = SORT_INSTANCE};
        ok = instance_type(e, each, each == interface, &type.index);
        e->imported[each] = e->outer.instances + 1;
        str id = wit_interface_id(e->r, e->arena, each);
        add_extern(e, &e->outer, each != interface, name_of(id, str_c(NULL), str_c(NULL)), type);
    }
    for (u32 i = 0; i < live->order.len; i++) {
        e->imported[live->order.data[i]] = 0;
        live->seen[live->order.data[i]] = false;
    }
    *out = close_scope(&e->outer, DEF_COMPONENT);
    return ok;
}

/* ---- Whole binaries ---------------------------------------------------------------------------- */

static void export_type(struct cm_builder *b, str name, struct cm_type type)
{
    u32 index = cm_add_type(b, type);
    cm_add_export(b, (struct cm_export){.name = {.name = name}, .item = {SORT_TYPE, index}});
}

static void add_producers(struct cm_builder *b)
{
    struct buf out = buf_in(b->arena);
    buf_uleb(&out, 1);
    wasm_write_name(&out, STR("processed-by"));
    buf_uleb(&out, 1);
    wasm_write_name(&out, STR("witc"));
    wasm_write_name(&out, STR(WITC_VERSION));
    cm_add_custom(b, STR("producers"), buf_view(&out));
}

bool wit_encode_package(struct wit_resolve *r, u32 package, struct buf *out)
{
    struct encoder e = encoder_of(r);
    struct live live = {.seen = arena_array(r->arena, bool, r->interfaces.len)};
    struct cm_builder b;
    cm_builder_init(&b, r->arena);
    const struct wit_package *p = &r->packages.data[package];
    for (u32 i = 0; i < p->interfaces.len; i++) {
        struct cm_type type;
        if (!interface_type(&e, p->interfaces.data[i].type, &live, &type))
            return false;
        export_type(&b, p->interfaces.data[i].name, type);
    }
    for (u32 i = 0; i < p->worlds.len; i++) {
        u32 world = p->worlds.data[i].type;
        struct cm_type type;
        if (!world_type(&e, world, &type))
            return false;
        export_type(&b, p->worlds.data[i].name, wrap_world(&e, world, type));
    }
    struct buf docs = buf_in(r->arena);
    wit_encode_docs(r, package, &docs);
    cm_add_custom(&b, STR(WIT_DOCS_SECTION), buf_view(&docs));
    add_producers(&b);
    wasm_write_component(out, b.component);
    return true;
}

bool wit_encode_world(struct wit_resolve *r, u32 world, enum cm_encoding encoding, struct buf *out)
{
    struct encoder e = encoder_of(r);
    struct cm_type type;
    if (!world_type(&e, world, &type))
        return false;
    struct cm_builder b;
    cm_builder_init(&b, r->arena);
    char *format = arena_alloc(r->arena, 2);
    format[0] = WIT_ENCODING_FORMAT;
    format[1] = (char)encoding;
    cm_add_custom(&b, STR(WIT_ENCODING_SECTION), str_of(format, 2));
    export_type(&b, r->worlds.data[world].name, wrap_world(&e, world, type));
    add_producers(&b);
    wasm_write_component(out, b.component);
    return true;
}
