/* componentize_types.c - WIT types at the root of the component, its imports, and its exported interfaces. */
#include "componentize.h"

void compose_debug_name(struct componentizer *c, enum cm_sort sort, u32 index, str name)
{
    *vec_push(c->arena, &c->names) = (struct debug_name){sort, index, name};
}

/* ---- The root scope ------------------------------------------------------------------------------ */

static u32 alias_type(struct componentizer *c, u32 instance, str name)
{
    return cm_add_alias(
        &c->b, (struct cm_alias){
                   .kind = ALIAS_EXPORT, .sort = SORT_TYPE, .instance = instance, .name = name});
}

static u32 root_define(void *ctx, struct cm_type def)
{
    struct componentizer *c = ctx;
    return cm_add_type(&c->b, def);
}

/* Named types come from the instance of their interface, imported, or exported once that is done; types of the
 * world are imports. Only an interface that is still to be exported has its types defined here. */
static bool root_find(void *ctx, u32 type, bool *found, u32 *index)
{
    struct componentizer *c = ctx;
    const struct wit_typedef *t = &c->r.types.data[type];
    *found = true;
    if (c->world_types[type] != NONE) {
        *index = c->world_types[type];
        return true;
    }
    if (type == c->defining) {
        *found = false;
        return true;
    }
    if (t->owner.kind == WIT_OWNER_INTERFACE) {
        u32 owner = t->owner.index;
        u32 instance = c->export_instance[owner] != NONE ? c->export_instance[owner]
                                                         : c->import_instance[owner];
        if (instance != NONE) {
            *index = alias_type(c, instance, t->name);
            return true;
        }
        if (c->resources[type] != NONE) {
            *index = c->resources[type];
            return true;
        }
        if (c->export_item[owner] != NONE) {
            *found = false;
            return true;
        }
    }
    diag_error(c->diags, "new-type", t->at,
               "the type `" STRF "` is used, but neither imported nor exported by the world",
               STRA(t->name));
    return false;
}

static u32 root_name(void *ctx, u32 type, struct cm_externtype bound)
{
    (void)ctx, (void)type;
    return bound.index;
}

static const struct wit_scope_ops root_ops = {root_define, root_find, root_name};

void compose_init_types(struct componentizer *c)
{
    c->defining = NONE;
    u32 interfaces = c->r.interfaces.len, imports = c->r.worlds.data[c->world].imports.len;
    wit_scope_init(&c->root, &c->r, &root_ops, c);
    wit_scope_init(&c->scratch, &c->r, &root_ops, c);
    c->import_instance = compose_none_array(c->arena, interfaces);
    c->export_instance = compose_none_array(c->arena, interfaces);
    c->import_funcs = arena_array(c->arena, u32 *, interfaces);
    c->item_funcs = compose_none_array(c->arena, imports);
    c->world_types = compose_none_array(c->arena, c->r.types.len);
    c->resources = compose_none_array(c->arena, c->r.types.len);
}

/* ---- Imports ---------------------------------------------------------------------------------------- */

static bool type_around(void *ctx, u32 type, u32 *index)
{
    struct componentizer *c = ctx;
    struct cm_valtype out;
    if (!wit_scope_type(&c->root, (struct wit_type){WIT_ID, type}, &out))
        return false;
    *index = out.index;
    return true;
}

static bool wants_type(void *ctx, u32 type)
{
    const struct componentizer *c = ctx;
    return c->live_types[type];
}

static bool wants_func(void *ctx, u32 interface, u32 func)
{
    const struct componentizer *c = ctx;
    return c->live_funcs[interface] && c->live_funcs[interface][func];
}

/* The name that the user may have given to an import instead (--import-name). */
static str renamed(const struct componentizer *c, str name)
{
    for (u32 i = 0; i < c->options->rename_count; i++)
        if (str_eq(c->options->renames[i].from, name))
            return c->options->renames[i].to;
    return name;
}

/* The name of an imported or exported instance: with canonical names, the version cut to its track and the rest of
 * it in the attribute `version-suffix`. */
static bool instance_name(struct componentizer *c, const struct wit_world_item *x, bool import,
                          struct cm_name *out)
{
    str name = wit_item_name(&c->r, c->arena, x), implements = str_c(NULL);
    if (import)
        name = renamed(c, name);
    if (x->has_key_name && c->r.interfaces.data[x->interface].name.len)
        implements = wit_interface_id(&c->r, c->arena, x->interface);
    *out = wit_extern_name(name, implements, x->external_id);
    if (!c->options->emit_canonical_names)
        return true;
    wit_canonical_extern_name(c->arena, out);
    if (map_add(c->arena, import ? &c->imported_names : &c->exported_names, out->name, 0) ==
        MAP_NONE)
        return true;
    struct diag *d =
        diag_error(c->diags, "new-names", x->at, "two %s have the canonical name `" STRF "`",
                   import ? "imports" : "exports", STRA(out->name));
    diag_help(c->diags, d, "without `--emit-canonical-names` they keep their full versions");
    return false;
}

static bool import_interface(struct componentizer *c, const struct wit_world_item *x)
{
    struct wit_instance_options options = {
        .ctx = c, .outer = type_around, .wants_type = wants_type, .wants_func = wants_func};
    struct cm_type type;
    if (!wit_instance_type(&c->scratch, x->interface, &options, &type))
        return false;
    const struct wit_interface *iface = &c->r.interfaces.data[x->interface];
    str name = renamed(c, wit_item_name(&c->r, c->arena, x)), implements = str_c(NULL);
    if (x->has_key_name && iface->name.len)
        implements = wit_interface_id(&c->r, c->arena, x->interface);
    struct cm_externtype of = {.sort = SORT_INSTANCE, .index = cm_add_type(&c->b, type)};
    c->import_instance[x->interface] = cm_add_import(
        &c->b,
        (struct cm_import){.name = wit_extern_name(name, implements, x->external_id), .type = of});
    c->import_funcs[x->interface] = compose_none_array(c->arena, iface->funcs.len);
    compose_debug_name(c, SORT_INSTANCE, c->import_instance[x->interface], name);
    return true;
}

static bool import_func(struct componentizer *c, u32 item, const struct wit_world_item *x)
{
    struct cm_externtype of = {.sort = SORT_FUNC};
    str external_id = x->external_id.ptr ? x->external_id : x->func.external_id;
    if (!wit_scope_func(&c->root, &x->func, &of.index))
        return false;
    c->item_funcs[item] = cm_add_import(
        &c->b, (struct cm_import){.name = wit_extern_name(x->func.name, str_c(NULL), external_id),
                                  .type = of});
    compose_debug_name(c, SORT_FUNC, c->item_funcs[item], x->func.name);
    return true;
}

/* A type of the world itself: defined or aliased without its name, then imported under it. */
static bool import_type(struct componentizer *c, const struct wit_world_item *x)
{
    const struct wit_typedef *t = &c->r.types.data[x->type];
    struct cm_externtype of = {.sort = SORT_TYPE, .is_bound = t->kind == WIT_RESOURCE};
    if (!of.is_bound) {
        struct cm_valtype out;
        c->defining = x->type;
        bool ok = wit_scope_type(&c->root, (struct wit_type){WIT_ID, x->type}, &out);
        c->defining = NONE;
        if (!ok)
            return false;
        of.index = out.index;
    }
    u32 index = cm_add_import(
        &c->b, (struct cm_import){.name = wit_extern_name(t->name, str_c(NULL), t->external_id),
                                  .type = of});
    c->world_types[x->type] = index;
    wit_scope_set(&c->root, x->type, index);
    return true;
}

bool compose_emit_imports(struct componentizer *c)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *x = &w->imports.data[i];
        if (!compose_item_is_live(c, i))
            continue;
        bool ok = x->kind == WIT_ITEM_INTERFACE ? import_interface(c, x)
                  : x->kind == WIT_ITEM_FUNC    ? import_func(c, i, x)
                                                : import_type(c, x);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- An exported interface ------------------------------------------------------------------------------ */

/* An interface is exported as the instance of a small component, which takes the lifted functions and the
 * types they use and gives them out again under the names of the interface. Functions come in with the types
 * as they are outside, and go out with the types that the component exports. */
struct bridge {
    struct componentizer *c;
    struct cm_builder b;
    u32 interface;
    struct wit_scope in, out;
    VEC(struct cm_arg) args;
    struct map arg_names;
    bool failed;
};

static void bridge_arg(struct bridge *x, str name, enum cm_sort sort, u32 index)
{
    *vec_push(x->c->arena, &x->args) = (struct cm_arg){name, {sort, index}};
}

/* Names of one component must differ even without dashes and case. */
static str canonical_name(struct arena *a, str name)
{
    struct buf b = buf_in(a);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != '-')
            buf_byte(&b, (u8)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 'a' - 'A'
                                                                       : name.ptr[i]));
    return buf_view(&b);
}

static str unique_arg(struct bridge *x, const char *prefix, str name)
{
    struct arena *a = x->c->arena;
    str unique = str_printf(a, "%s" STRF, prefix, STRA(name));
    for (u32 n = 0; map_add(a, &x->arg_names, canonical_name(a, unique), 0) != MAP_NONE; n++)
        unique = str_printf(a, "%s" STRF "%u", prefix, STRA(name), n);
    return unique;
}

static u32 bridge_define(void *ctx, struct cm_type def)
{
    struct bridge *x = ctx;
    return cm_add_type(&x->b, def);
}

static bool in_find(void *ctx, u32 type, bool *found, u32 *index)
{
    (void)ctx, (void)type, (void)found, (void)index;
    return true;
}

/* Each named type comes in as an argument. */
static u32 in_name(void *ctx, u32 type, struct cm_externtype bound)
{
    struct bridge *x = ctx;
    struct cm_valtype outside;
    str name = unique_arg(x, "import-type-", x->c->r.types.data[type].name);
    if (!wit_scope_type(&x->c->root, (struct wit_type){WIT_ID, type}, &outside)) {
        x->failed = true;
        return 0;
    }
    bridge_arg(x, name, SORT_TYPE, outside.index);
    return cm_add_import(&x->b, (struct cm_import){.name = {.name = name}, .type = bound});
}

static const struct wit_scope_ops in_ops = {bridge_define, in_find, in_name};

/* What the interface does not own, and which resource it is, comes in. */
static bool out_find(void *ctx, u32 type, bool *found, u32 *index)
{
    struct bridge *x = ctx;
    const struct wit_owner *owner = &x->c->r.types.data[type].owner;
    struct cm_valtype in;
    if (owner->kind == WIT_OWNER_INTERFACE && owner->index == x->interface)
        return true;
    if (!wit_scope_type(&x->in, (struct wit_type){WIT_ID, type}, &in))
        return false;
    *found = true;
    *index = in.index;
    return true;
}

static u32 out_name(void *ctx, u32 type, struct cm_externtype bound)
{
    struct bridge *x = ctx;
    const struct wit_typedef *t = &x->c->r.types.data[type];
    if (bound.is_bound) {
        struct cm_valtype in;
        if (!wit_scope_type(&x->in, (struct wit_type){WIT_ID, type}, &in)) {
            x->failed = true;
            return 0;
        }
        bound.index = in.index;
    }
    return cm_add_export(
        &x->b, (struct cm_export){.name = wit_extern_name(t->name, str_c(NULL), t->external_id),
                                  .item = {SORT_TYPE, bound.index}});
}

static const struct wit_scope_ops out_ops = {bridge_define, out_find, out_name};

static bool bridge_funcs_in(struct bridge *x, const u32 *funcs, u32 *inside)
{
    const struct wit_interface *iface = &x->c->r.interfaces.data[x->interface];
    for (u32 i = 0; i < iface->funcs.len; i++) {
        struct cm_externtype of = {.sort = SORT_FUNC};
        if (!wit_scope_func(&x->in, &iface->funcs.data[i], &of.index) || x->failed)
            return false;
        str plain = iface->funcs.data[i].name;
        struct buf clean = buf_in(x->c->arena); /* an argument has a plain name */
        for (size_t k = 0; k < plain.len; k++)
            if (plain.ptr[k] == ']' || plain.ptr[k] == '.')
                buf_byte(&clean, '-');
            else if (plain.ptr[k] != '[')
                buf_byte(&clean, (u8)plain.ptr[k]);
        str name = unique_arg(x, "import-func-", buf_view(&clean));
        bridge_arg(x, name, SORT_FUNC, funcs[i]);
        inside[i] = cm_add_import(&x->b, (struct cm_import){.name = {.name = name}, .type = of});
    }
    return true;
}

static bool bridge_out(struct bridge *x, const u32 *inside)
{
    const struct wit_interface *iface = &x->c->r.interfaces.data[x->interface];
    for (u32 i = 0; i < iface->types.len; i++)
        if (!wit_scope_type(&x->out, (struct wit_type){WIT_ID, iface->types.data[i].type}, NULL) ||
            x->failed)
            return false;
    u32 *order = wit_func_order(&x->c->r, x->interface);
    for (u32 i = 0; i < iface->funcs.len; i++) {
        const struct wit_func *f = &iface->funcs.data[order[i]];
        struct cm_externtype of = {.sort = SORT_FUNC};
        if (!wit_scope_func(&x->out, f, &of.index) || x->failed)
            return false;
        cm_add_export(
            &x->b, (struct cm_export){.name = wit_extern_name(f->name, str_c(NULL), f->external_id),
                                      .item = {SORT_FUNC, inside[order[i]]},
                                      .has_type = true,
                                      .type = of});
    }
    return true;
}

static bool export_bridge(struct bridge *x, const struct wit_world_item *item)
{
    struct componentizer *c = x->c;
    struct cm_name name;
    if (!instance_name(c, item, false, &name))
        return false;
    u32 component = cm_add_component(&c->b, x->b.component);
    compose_debug_name(c, SORT_COMPONENT, component,
                       str_printf(c->arena, STRF "-shim-component", STRA(name.name)));
    u32 instance = cm_add_instance(&c->b, (struct cm_instance){.is_instantiate = true,
                                                               .source = component,
                                                               .args = x->args.data,
                                                               .arg_count = x->args.len});
    compose_debug_name(c, SORT_INSTANCE, instance,
                       str_printf(c->arena, STRF "-shim-instance", STRA(name.name)));
    u32 exported =
        cm_add_export(&c->b, (struct cm_export){.name = name, .item = {SORT_INSTANCE, instance}});
    compose_debug_name(c, SORT_INSTANCE, exported, name.name);
    /* From here on its types are those of the exported instance. */
    c->export_instance[x->interface] = exported;
    wit_scope_reset(&c->root);
    return true;
}

bool compose_emit_interface_export(struct componentizer *c, u32 item, const u32 *funcs)
{
    const struct wit_world_item *w = &c->r.worlds.data[c->world].exports.data[item];
    struct bridge *x = arena_new(c->arena, struct bridge);
    x->c = c;
    x->interface = w->interface;
    cm_builder_init(&x->b, c->arena);
    wit_scope_init(&x->in, &c->r, &in_ops, x);
    wit_scope_init(&x->out, &c->r, &out_ops, x);
    u32 *inside = arena_array(c->arena, u32, c->r.interfaces.data[w->interface].funcs.len);
    return bridge_funcs_in(x, funcs, inside) && bridge_out(x, inside) && export_bridge(x, w);
}
