/* index.c - looking things up in the graph. */
#include "index.h"
#include "unit.h"

void wit_resolve_init(struct wit_resolve *r, struct arena *a, struct diags *d)
{
    *r = (struct wit_resolve){.arena = a, .diags = d};
}

struct wit_index *wit_index_of(struct wit_resolve *r)
{
    if (!r->index) {
        r->index = arena_new(r->arena, struct wit_index);
    }
    return r->index;
}

u32 wit_find_package(struct wit_resolve *r, const struct wit_package_name *name)
{
    struct wit_index *x = wit_index_of(r);
    for (u32 i = x->package_ids.len; i < r->packages.len; i++) {
        map_add(r->arena, &x->package_ids, wit_package_id(r->arena, &r->packages.data[i].name), i);
    }
    x->id.arena = r->arena;
    x->id.len = 0;
    buf_printf(&x->id, STRF ":" STRF "%s" STRF, STRA(name->ns), STRA(name->name),
               name->version.text.len ? "@" : "", STRA(name->version.text));
    return map_get(&x->package_ids, buf_view(&x->id));
}

str wit_interface_key(struct wit_resolve *r, u32 interface)
{
    struct wit_index *x = wit_index_of(r);
    for (u32 i = x->keys.len; i <= interface; i++) {
        *vec_push(r->arena, &x->keys) = str_printf(r->arena, "/%u", i);
    }
    return x->keys.data[interface];
}

str wit_item_key(struct wit_resolve *r, const struct wit_world_item *item)
{
    return item->has_key_name ? item->name : wit_interface_key(r, item->interface);
}

static u32 find_named(const struct wit_named_type *list, u32 n, str name)
{
    for (u32 i = 0; i < n; i++) {
        if (str_eq(list[i].name, name)) {
            return list[i].type;
        }
    }
    return WIT_NONE;
}

u32 wit_find_interface(const struct wit_resolve *r, u32 package, str name)
{
    const struct wit_package *p = &r->packages.data[package];
    return find_named(p->interfaces.data, p->interfaces.len, name);
}

u32 wit_find_world(const struct wit_resolve *r, u32 package, str name)
{
    const struct wit_package *p = &r->packages.data[package];
    return find_named(p->worlds.data, p->worlds.len, name);
}

/* A map over one of those lists, kept up to date as the list grows. */
static u32 find_mapped(struct wit_resolve *r, struct map *m, const struct wit_named_type *list,
                       u32 n, str name)
{
    if (n <= 8) {
        return find_named(list, n, name);
    }
    for (u32 i = m->len; i < n; i++) {
        map_put(r->arena, m, list[i].name, list[i].type);
    }
    return map_get(m, name);
}

u32 wit_lookup_type(struct wit_resolve *r, u32 interface, str name)
{
    struct wit_index *x = wit_index_of(r);
    while (x->interfaces.len < r->interfaces.len) {
        vec_push(r->arena, &x->interfaces);
    }
    const struct wit_interface *it = &r->interfaces.data[interface];
    return find_mapped(r, &x->interfaces.data[interface], it->types.data, it->types.len, name);
}

void wit_index_forget_worlds(struct wit_resolve *r, u32 package)
{
    struct wit_index *x = wit_index_of(r);
    if (package < x->packages.len) {
        x->packages.data[package].worlds = (struct map){0};
    }
}

u32 wit_lookup_item(struct wit_resolve *r, u32 package, bool world, str name)
{
    struct wit_index *x = wit_index_of(r);
    while (x->packages.len < r->packages.len) {
        vec_push(r->arena, &x->packages);
    }
    const struct wit_package *p = &r->packages.data[package];
    return world ? find_mapped(r, &x->packages.data[package].worlds, p->worlds.data, p->worlds.len,
                               name)
                 : find_mapped(r, &x->packages.data[package].interfaces, p->interfaces.data,
                               p->interfaces.len, name);
}

str wit_interface_id(const struct wit_resolve *r, struct arena *a, u32 interface)
{
    const struct wit_interface *it = &r->interfaces.data[interface];
    if (!it->name.len || it->package == WIT_NONE) {
        return it->name;
    }
    return wit_item_id(a, &r->packages.data[it->package].name, it->name);
}

str wit_item_name(const struct wit_resolve *r, struct arena *a, const struct wit_world_item *item)
{
    return item->has_key_name ? item->name : wit_interface_id(r, a, item->interface);
}

struct wit_type wit_unalias(const struct wit_resolve *r, struct wit_type t)
{
    while (t.kind == WIT_ID && t.id != WIT_NONE && r->types.data[t.id].kind == WIT_ALIAS) {
        t = r->types.data[t.id].first;
    }
    return t;
}

static const str prim_names[] = {
    [WIT_BOOL] = STR_INIT("bool"),     [WIT_U8] = STR_INIT("u8"),
    [WIT_U16] = STR_INIT("u16"),       [WIT_U32] = STR_INIT("u32"),
    [WIT_U64] = STR_INIT("u64"),       [WIT_S8] = STR_INIT("s8"),
    [WIT_S16] = STR_INIT("s16"),       [WIT_S32] = STR_INIT("s32"),
    [WIT_S64] = STR_INIT("s64"),       [WIT_F32] = STR_INIT("f32"),
    [WIT_F64] = STR_INIT("f64"),       [WIT_CHAR] = STR_INIT("char"),
    [WIT_STRING] = STR_INIT("string"), [WIT_ERROR_CONTEXT] = STR_INIT("error-context"),
};

const char *wit_prim_name(enum wit_kind k)
{
    return k < LENGTH_OF(prim_names) ? prim_names[k].ptr : NULL;
}

enum wit_kind wit_prim_of(str name)
{
    for (u32 k = 0; k < LENGTH_OF(prim_names); k++) {
        if (str_eq(name, prim_names[k])) {
            return (enum wit_kind)k;
        }
    }
    return WIT_BOOL;
}

u32 wit_type_dep(const struct wit_resolve *r, u32 type)
{
    const struct wit_typedef *t = &r->types.data[type];
    if (t->kind != WIT_ALIAS || t->first.kind != WIT_ID) {
        return WIT_NONE;
    }
    struct wit_owner o = r->types.data[t->first.id].owner;
    bool same = o.kind == t->owner.kind && o.index == t->owner.index;
    return !same && o.kind == WIT_OWNER_INTERFACE ? o.index : WIT_NONE;
}

bool wit_same_stability(const struct wit_stability *a, const struct wit_stability *b)
{
    return a->kind == b->kind && str_eq(a->since.text, b->since.text) &&
           str_eq(a->feature, b->feature) && str_eq(a->deprecated.text, b->deprecated.text);
}

/* ---- Selecting a world ------------------------------------------------------------------------------------------ */

static void list_worlds(struct wit_resolve *r, struct diag *x, u32 package)
{
    const struct wit_package *p = &r->packages.data[package];
    for (u32 i = 0; i < p->worlds.len && i < 20; i++) {
        diag_note(r->diags, x, "world `" STRF "`",
                  STRA(wit_item_id(r->arena, &p->name, p->worlds.data[i].name)));
    }
}

static bool only_world(struct wit_resolve *r, u32 package, u32 *world)
{
    const struct wit_package *p = &r->packages.data[package];
    str id = wit_package_id(r->arena, &p->name);
    if (p->worlds.len == 1) {
        *world = p->worlds.data[0].type;
        return true;
    }
    if (!p->worlds.len) {
        diag_error(r->diags, "wit-no-world", (span){0}, "package `" STRF "` contains no worlds",
                   STRA(id));
        return false;
    }
    struct diag *x =
        diag_error(r->diags, "wit-which-world", (span){0},
                   "package `" STRF "` has several worlds; one must be chosen", STRA(id));
    list_worlds(r, x, package);
    diag_help(r->diags, x, "name one with `--%s`", r->world_option ? r->world_option : "world");
    return false;
}

/* Splits "ns:pkg/world@1.0.0". */
static bool split_id(str id, struct wit_package_name *p, str *item)
{
    str version, path = id;
    size_t at = str_find_char(id, '@', 0);
    *p = (struct wit_package_name){{NULL, 0}, {NULL, 0}, {{NULL, 0}}};
    if (at != SIZE_MAX) {
        version = str_sub(id, at + 1, id.len);
        path = str_sub(id, 0, at);
        if (!wit_version_parse(version, &p->version)) {
            return false;
        }
    }
    str rest = str_cut(path, ':', &p->ns);
    *item = str_cut(rest, '/', &p->name);
    return rest.ptr && item->ptr && p->ns.len && p->name.len && item->len;
}

/* The package of that name; without a version, the only one. */
static bool select_package(struct wit_resolve *r, const struct wit_package_name *name, u32 *package)
{
    *package = wit_find_package(r, name);
    if (*package != WIT_NONE) {
        return true;
    }
    u32 found = WIT_NONE;
    str *known = arena_array(r->arena, str, r->packages.len);
    for (u32 i = 0; i < r->packages.len; i++) {
        const struct wit_package_name *p = &r->packages.data[i].name;
        known[i] = wit_package_id(r->arena, p);
        if (name->version.text.len || !str_eq(p->ns, name->ns) || !str_eq(p->name, name->name)) {
            continue;
        }
        if (found != WIT_NONE) {
            diag_error(r->diags, "wit-which-version", (span){0},
                       "package `" STRF "` is there in versions " STRF " and " STRF ": name one",
                       STRA(wit_package_id(r->arena, name)),
                       STRA(r->packages.data[found].name.version.text), STRA(p->version.text));
            return false;
        }
        found = i;
    }
    *package = found;
    if (found == WIT_NONE) {
        str id = wit_package_id(r->arena, name);
        struct diag *x = diag_error(r->diags, "wit-unknown-package", (span){0},
                                    "unknown package `" STRF "`", STRA(id));
        diag_suggest(r->diags, x, id, known, r->packages.len);
    }
    return found != WIT_NONE;
}

bool wit_select_world(struct wit_resolve *r, u32 package, str name, u32 *world)
{
    if (!name.len) {
        return only_world(r, package, world);
    }
    str item = name;
    struct wit_package_name p;
    if (str_find_char(name, ':', 0) != SIZE_MAX || str_find_char(name, '/', 0) != SIZE_MAX) {
        if (!split_id(name, &p, &item)) {
            struct diag *x = diag_error(r->diags, "wit-world-name", (span){0},
                                        "`" STRF "` does not name a world", STRA(name));
            diag_help(r->diags, x, "write `name`, `ns:package/name` or `ns:package/name@1.2.3`");
            return false;
        }
        if (!select_package(r, &p, &package)) {
            return false;
        }
    }
    *world = wit_lookup_item(r, package, true, item);
    if (*world == WIT_NONE) {
        const struct wit_package *pkg = &r->packages.data[package];
        struct diag *x = diag_error(r->diags, "wit-unknown-world", (span){0},
                                    "world `" STRF "` not found in package `" STRF "`", STRA(item),
                                    STRA(wit_package_id(r->arena, &pkg->name)));
        diag_suggest_in(r->diags, x, item, pkg->worlds.data, pkg->worlds.len,
                        sizeof *pkg->worlds.data);
        list_worlds(r, x, package);
    }
    return *world != WIT_NONE;
}
