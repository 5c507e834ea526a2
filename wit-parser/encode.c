/* encode.c - WIT to component types: packages and worlds in the binary encoding of WIT.
 *
 * Two scopes: the outer one is an interface or world as a component type; within it, one at a time, the
 * instance type of an interface (scope.c).
 */
#include "encode.h"
#include "index.h"

struct encoder {
    struct wit_resolve *r;
    struct arena *arena;
    struct wit_scope scope, inner;
    struct wit_decls outer;
    bool types_as_imports; /* a world's own types are imports of it */
    bool exporting;
    u32 *imported, *exported; /* by interface: its instance in `outer` + 1 */
    struct map names[2];      /* exports and imports of `outer`, if names are canonical */
};

/* ---- The outer scope --------------------------------------------------------------------------- */

static u32 outer_define(void *ctx, struct cm_type def)
{
    struct encoder *e = ctx;
    return wit_decls_type(&e->outer, def);
}

/* Brings in a type of an interface, from the instance of that interface. */
static bool alias_type(struct encoder *e, u32 type, u32 *index)
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
    /* What the scope remembers comes from imports. */
    if (!from_export && wit_scope_get(&e->scope, type, index))
        return true;
    *index = wit_decls_alias(&e->outer, (struct cm_alias){.kind = ALIAS_EXPORT,
                                                          .sort = SORT_TYPE,
                                                          .instance = instance - 1,
                                                          .name = t->name});
    if (!from_export)
        wit_scope_set(&e->scope, type, *index);
    return true;
}

static bool outer_find(void *ctx, u32 type, bool *found, u32 *index)
{
    struct encoder *e = ctx;
    *found = e->r->types.data[type].owner.kind == WIT_OWNER_INTERFACE;
    return !*found || alias_type(e, type, index);
}

static u32 outer_name(void *ctx, u32 type, struct cm_externtype bound)
{
    struct encoder *e = ctx;
    const struct wit_typedef *t = &e->r->types.data[type];
    return wit_decls_extern(&e->outer, e->types_as_imports,
                            wit_extern_name(t->name, str_c(NULL), t->external_id), bound);
}

static const struct wit_scope_ops outer_ops = {outer_define, outer_find, outer_name};

static bool type_around(void *ctx, u32 type, u32 *index)
{
    return alias_type(ctx, type, index);
}

static bool no_funcs(void *ctx, u32 interface, u32 func)
{
    (void)ctx, (void)interface, (void)func;
    return false;
}

/* ---- Interfaces and worlds --------------------------------------------------------------------- */

/* Defines the instance type of an interface in the outer scope. */
static bool instance_type(struct encoder *e, u32 interface, bool with_funcs, u32 *index)
{
    struct wit_instance_options options = {
        .ctx = e, .outer = type_around, .wants_func = with_funcs ? NULL : no_funcs};
    struct cm_type type;
    if (!wit_instance_type(&e->inner, interface, &options, &type))
        return false;
    *index = wit_decls_type(&e->outer, type);
    return true;
}

/* `item` holds what is made for one exported type. */
static struct encoder *new_encoder(struct wit_resolve *r, struct arena *scratch, struct arena *item)
{
    struct encoder *e = arena_new(scratch, struct encoder);
    *e = (struct encoder){.r = r, .arena = item};
    wit_scope_init(&e->scope, r, &outer_ops, e);
    wit_scope_init(&e->inner, r, &outer_ops, e);
    e->scope.arena = e->inner.arena = item;
    e->imported = arena_array(scratch, u32, r->interfaces.len);
    e->exported = arena_array(scratch, u32, r->interfaces.len);
    return e;
}

static void start_outer(struct encoder *e)
{
    wit_scope_reset(&e->scope);
    e->outer = (struct wit_decls){.arena = e->arena};
    e->names[0] = e->names[1] = (struct map){0};
}

/* Imports or exports an interface. Canonical names of two versions may be one. */
static bool name_instance(struct encoder *e, bool import, struct cm_name name,
                          struct cm_externtype type, span at)
{
    if (e->r->canonical_names) {
        wit_canonical_extern_name(e->arena, &name);
        if (map_add(e->arena, &e->names[import], name.name, 0) != MAP_NONE) {
            struct diag *x = diag_error(e->r->diags, "wit-encode", at,
                                        "two %s have the canonical name `" STRF "`",
                                        import ? "imports" : "exports", STRA(name.name));
            diag_help(e->r->diags, x,
                      "without `--emit-canonical-names` they keep their full versions");
            return false;
        }
    }
    wit_decls_extern(&e->outer, import, name, type);
    return true;
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
    str name = wit_item_name(e->r, e->arena, item);
    return name_instance(e, import, wit_extern_name(name, implements, item->external_id), type,
                         item->at);
}

static bool world_item(struct encoder *e, const struct wit_world_item *item, bool import)
{
    switch (item->kind) {
    case WIT_ITEM_INTERFACE: return world_interface(e, item, import);
    case WIT_ITEM_TYPE:
        return wit_scope_type(&e->scope, (struct wit_type){WIT_ID, item->type}, NULL);
    case WIT_ITEM_FUNC: break;
    }
    struct cm_externtype type = {.sort = SORT_FUNC};
    if (!wit_scope_func(&e->scope, &item->func, &type.index))
        return false;
    str external_id = item->external_id.ptr ? item->external_id : item->func.external_id;
    wit_decls_extern(&e->outer, import,
                     wit_extern_name(wit_item_name(e->r, e->arena, item), str_c(NULL), external_id),
                     type);
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
    *out = wit_decls_close(&e->outer, DEF_COMPONENT);
    return ok;
}

/* The component type with one export: a component of type `world`, under its full name. */
static struct cm_type wrap_world(struct encoder *e, u32 world, struct cm_type type)
{
    const struct wit_world *w = &e->r->worlds.data[world];
    start_outer(e);
    struct cm_externtype of = {.sort = SORT_COMPONENT, .index = wit_decls_type(&e->outer, type)};
    str id = wit_item_id(e->arena, &e->r->packages.data[w->package].name, w->name);
    wit_decls_extern(&e->outer, false, wit_extern_name(id, str_c(NULL), str_c(NULL)), of);
    return wit_decls_close(&e->outer, DEF_COMPONENT);
}

struct frame {
    u32 interface, next;
};

void wit_live_interfaces(const struct wit_resolve *r, struct arena *a, u32 interface,
                         struct wit_live *live)
{
    VEC(struct frame) stack = {0};
    live->order.len = 0;
    live->seen[interface] = true;
    *vec_push(a, &stack) = (struct frame){interface, 0};
    while (stack.len) {
        struct frame *top = vec_last(&stack);
        const struct wit_interface *x = &r->interfaces.data[top->interface];
        if (top->next >= x->types.len) {
            *vec_push(a, &live->order) = top->interface;
            stack.len--;
            continue;
        }
        u32 next = wit_type_dep(r, x->types.data[top->next++].type);
        if (next != WIT_NONE && !live->seen[next]) {
            live->seen[next] = true;
            *vec_push(a, &stack) = (struct frame){next, 0};
        }
    }
    for (u32 i = 0; i < live->order.len; i++)
        live->seen[live->order.data[i]] = false;
}

/* An interface as a component type that imports what it uses (types only) and exports it. */
static bool interface_type(struct encoder *e, u32 interface, struct wit_live *live,
                           struct cm_type *out)
{
    start_outer(e);
    e->types_as_imports = e->exporting = false;
    wit_live_interfaces(e->r, e->arena, interface, live);
    bool ok = true;
    for (u32 i = 0; i < live->order.len && ok; i++) {
        u32 each = live->order.data[i];
        struct cm_externtype type = {.sort = SORT_INSTANCE};
        ok = instance_type(e, each, each == interface, &type.index);
        e->imported[each] = e->outer.instances + 1;
        str id = wit_interface_id(e->r, e->arena, each);
        ok =
            ok && name_instance(e, each != interface, wit_extern_name(id, str_c(NULL), str_c(NULL)),
                                type, e->r->interfaces.data[interface].at);
    }
    for (u32 i = 0; i < live->order.len; i++)
        e->imported[live->order.data[i]] = 0;
    *out = wit_decls_close(&e->outer, DEF_COMPONENT);
    return ok;
}

/* ---- Whole binaries ---------------------------------------------------------------------------- */

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

/* What is made for one exported type, and goes when that is written. */
struct request {
    struct wit_resolve *r;
    u32 package, world; /* of a package: WIT_NONE */
    enum cm_encoding encoding;
    struct buf *out;
    struct arena scratch; /* for everything but ... */
    struct arena item;    /* ... one exported type at a time */
    bool fine;
};

#define PREAMBLE 8

/* Writes the sections of a component: the first ones with the preamble, others behind. */
static void write_sections(struct request *q, const struct cm_builder *b)
{
    struct buf part = buf_in(&q->item);
    wasm_write_component(&part, b->component);
    str bytes = buf_view(&part);
    buf_str(q->out, q->out->len ? str_sub(bytes, PREAMBLE, bytes.len) : bytes);
}

/* A type and its export, as sections of their own. `index`: of the type. */
static void write_type(struct request *q, str name, struct cm_type type, u32 index)
{
    struct cm_builder b;
    cm_builder_init(&b, &q->item);
    cm_add_type(&b, type);
    cm_add_export(&b, (struct cm_export){.name = {.name = name}, .item = {SORT_TYPE, index}});
    write_sections(q, &b);
    arena_reset(&q->item);
}

static bool write_interfaces(struct request *q, struct encoder *e)
{
    const struct wit_package *p = &q->r->packages.data[q->package];
    bool *seen = arena_array(&q->scratch, bool, q->r->interfaces.len);
    for (u32 i = 0; i < p->interfaces.len; i++) {
        struct wit_live live = {.seen = seen};
        struct cm_type type;
        if (!interface_type(e, p->interfaces.data[i].type, &live, &type))
            return false;
        write_type(q, p->interfaces.data[i].name, type, 2 * i);
    }
    return true;
}

static bool write_world(struct request *q, struct encoder *e, u32 world, u32 index)
{
    struct cm_type type;
    if (!world_type(e, world, &type))
        return false;
    write_type(q, q->r->worlds.data[world].name, wrap_world(e, world, type), index);
    return true;
}

static void encode_package(struct request *q)
{
    const struct wit_package *p = &q->r->packages.data[q->package];
    struct encoder *e = new_encoder(q->r, &q->scratch, &q->item);
    q->fine = wit_check_package_size(q->r, &q->scratch, q->package) && write_interfaces(q, e);
    for (u32 i = 0; i < p->worlds.len && q->fine; i++)
        q->fine = write_world(q, e, p->worlds.data[i].type, 2 * (p->interfaces.len + i));
    struct buf docs = buf_in(&q->scratch);
    wit_encode_docs(q->r, q->package, &docs);
    struct cm_builder b;
    cm_builder_init(&b, &q->scratch);
    cm_add_custom(&b, STR(WIT_DOCS_SECTION), buf_view(&docs));
    add_producers(&b);
    write_sections(q, &b);
}

static void encode_world(struct request *q)
{
    struct encoder *e = new_encoder(q->r, &q->scratch, &q->item);
    char format[] = {WIT_ENCODING_FORMAT, (char)q->encoding};
    struct cm_builder b;
    cm_builder_init(&b, &q->scratch);
    cm_add_custom(&b, STR(WIT_ENCODING_SECTION), str_of(format, sizeof format));
    write_sections(q, &b);
    q->fine = wit_check_world_size(q->r, &q->scratch, q->world) && write_world(q, e, q->world, 0);
    cm_builder_init(&b, &q->scratch);
    add_producers(&b);
    write_sections(q, &b);
}

static void run(void *context)
{
    struct request *q = context;
    if (q->world == WIT_NONE)
        encode_package(q);
    else
        encode_world(q);
}

static bool encode(struct request *q)
{
    bool memory = oom_guard(run, q);
    arena_free(&q->item);
    arena_free(&q->scratch);
    if (!memory)
        oom_unwind();
    return q->fine;
}

bool wit_encode_package(struct wit_resolve *r, u32 package, struct buf *out)
{
    struct request q = {.r = r, .package = package, .world = WIT_NONE, .out = out};
    return encode(&q);
}

bool wit_encode_world(struct wit_resolve *r, u32 world, enum cm_encoding encoding, struct buf *out)
{
    struct request q = {.r = r, .world = world, .encoding = encoding, .out = out};
    return encode(&q);
}
