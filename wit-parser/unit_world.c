/* unit_world.c - the first step of resolving: worlds. */
#include "unit.h"

struct side {
    const char *verb; /* "import" */
    struct name_scope names;
    struct map keys;       /* exact names, into the world's items */
    struct map interfaces; /* of unnamed ones */
    bool exports;
};

static struct wit_world_item item_of(struct wit_unit *u, const struct ast_member *m)
{
    struct wit_world_item item = {.interface = WIT_NONE, .type = WIT_NONE};
    struct ast_id name = m->name;
    span at = {0};
    item.at = name.name.ptr ? UNIT_SPAN(u, name) : (span){0};
    item.name = name.name;
    item.has_key_name = name.name.ptr != NULL;
    if (m->func) {
        item.kind = WIT_ITEM_FUNC;
        item.func = wit_unit_function(u, m, WIT_NONE);
        item.name = item.func.name;
        item.stability = item.func.stability;
        item.docs = m->docs;
        item.external_id = item.func.external_id;
        return item;
    }
    item.kind = WIT_ITEM_INTERFACE;
    item.stability = *wit_gates_stability(m->gates);
    item.external_id = wit_gates_external_id(m->gates);
    if (m->path) {
        item.docs = m->docs;
        if (!wit_unit_interface(u, m->path, &item.interface, &at)) {
            item.interface = WIT_NONE;
        }
        item.at = item.has_key_name ? item.at : at;
    } else {
        item.interface = wit_unit_new_interface(u, item.at);
        wit_unit_interface_items(u, item.interface, m->body, m->body_count, m->docs, m->gates);
    }
    return item;
}

static const char *const kind_names[] = {"interface", "func", "type"};

static void add_item(struct wit_unit *u, u32 world, struct side *side,
                     const struct wit_world_item *item)
{
    struct wit_world *w = &u->worlds.data[world].world;
    if (item->kind == WIT_ITEM_INTERFACE && item->interface == WIT_NONE) {
        return; /* the path was wrong */
    }
    str key = item->has_key_name ? item->name : str_printf(u->scratch, "/%u", item->interface);
    u32 count = side->exports ? w->exports.len : w->imports.len;
    u32 prior = map_add(u->scratch, &side->keys, key, count);
    if (prior != MAP_NONE) {
        const struct wit_world_item *p =
            side->exports ? &w->exports.data[prior] : &w->imports.data[prior];
        struct diag *x =
            item->has_key_name
                ? wit_unit_error(u, "wit-duplicate", item->at,
                                 "%s `" STRF "` conflicts with prior %s of same name", side->verb,
                                 STRA(item->name), kind_names[p->kind])
                : wit_unit_error(u, "wit-duplicate", item->at,
                                 "interface cannot be %sed more than once", side->verb);
        diag_label(u->diags, x, p->at, "first %sed here", side->verb);
        if (!item->has_key_name) {
            diag_help(u->diags, x, "give one of them a name of its own: `%s NAME: ...`",
                      side->verb);
        }
        return;
    }
    if (item->has_key_name && !wit_scope_define(u, &side->names, item->name, item->at)) {
        return;
    }
    if (side->exports) {
        *vec_push(u->arena, &w->exports) = *item;
    } else {
        *vec_push(u->arena, &w->imports) = *item;
    }
}

static void add_types(struct wit_unit *u, u32 world, struct side *imports)
{
    for (u32 i = 0; i < u->scope.names.len; i++) {
        const struct unit_name *n = &u->scope.names.data[i];
        struct wit_world_item item = {.kind = WIT_ITEM_TYPE,
                                      .has_key_name = true,
                                      .name = u->scope.by_name.entries[i].key,
                                      .interface = WIT_NONE,
                                      .type = n->type,
                                      .stability = u->types.data[n->type].stability,
                                      .at = n->at};
        add_item(u, world, imports, &item);
    }
}

static void add_resource_functions(struct wit_unit *u, u32 world, struct side *imports,
                                   const struct ast_member *m)
{
    u32 index = map_get(&u->scope.by_name, m->name.name);
    for (u32 k = 0; k < m->type->func_count && index != MAP_NONE; k++) {
        struct wit_func f =
            wit_unit_function(u, &m->type->funcs[k], u->scope.names.data[index].type);
        struct wit_world_item item = {.kind = WIT_ITEM_FUNC,
                                      .has_key_name = true,
                                      .name = f.name,
                                      .interface = WIT_NONE,
                                      .type = WIT_NONE,
                                      .func = f,
                                      .stability = f.stability,
                                      .docs = f.docs,
                                      .external_id = f.external_id,
                                      .at = f.at};
        add_item(u, world, imports, &item);
    }
}

static void add_include(struct wit_unit *u, u32 world, const struct ast_member *m)
{
    struct unit_item item;
    span at;
    if (!wit_unit_path(u, m->path, &item, &at)) {
        return;
    }
    if (!item.is_world) {
        struct diag *x = wit_unit_error(u, "wit-kind", at,
                                        "name `" STRF "` is defined as an interface, not a world",
                                        STRA(m->path->name.name));
        diag_help(u->diags, x, "import or export the interface");
        return;
    }
    *vec_push(u->scratch, &u->worlds.data[world].includes) =
        (struct unit_include){.gates = m->gates,
                              .world = item.id,
                              .names = m->names,
                              .name_count = m->name_count,
                              .at = at};
}

void wit_unit_worlds(struct wit_unit *u, u32 world, const struct ast_item *ast)
{
    struct side imports = {.verb = "import"}, exports = {.verb = "export", .exports = true};
    u->worlds.data[world].world.docs = ast->docs;
    u->worlds.data[world].world.stability = *wit_gates_stability(ast->gates);
    wit_unit_types(u, (struct wit_owner){WIT_OWNER_WORLD, world}, ast->members, ast->member_count);
    for (u32 i = 0; i < ast->member_count; i++) {
        if (ast->members[i].kind == AST_INCLUDE) {
            add_include(u, world, &ast->members[i]);
        }
    }
    add_types(u, world, &imports);
    for (u32 i = 0; i < ast->member_count; i++) {
        const struct ast_member *m = &ast->members[i];
        if (m->kind == AST_IMPORT || m->kind == AST_EXPORT) {
            struct side *side = m->kind == AST_IMPORT ? &imports : &exports;
            struct wit_world_item item = item_of(u, m);
            add_item(u, world, side, &item);
        } else if (m->kind == AST_TYPEDEF && m->type->kind == WIT_RESOURCE) {
            add_resource_functions(u, world, &imports, m);
        }
    }
    u->scope = (struct unit_scope){0};
}
