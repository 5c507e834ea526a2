/* merge_track.c - joins a world's imports of one interface in compatible versions.
 *
 * The highest version of a semver track takes the place of the lower ones. Types of the lower interfaces become those
 * of the highest wherever the world uses them: it must have those. Worlds may show but a part of an interface, so that
 * it may lack what nobody uses.
 */
#include "encode.h"

struct track {
    struct wit_resolve *r;
    u32 world;
    u32 *type;      /* by type: what stands for it */
    u32 *interface; /* by interface: what stands for it */
    u32 missed;     /* a type that is used and has nothing to stand for it */
};

static struct wit_type replaced(struct track *t, struct wit_type x)
{
    if (x.kind != WIT_ID || x.id == WIT_NONE)
        return x;
    if (t->type[x.id] == WIT_NONE)
        t->missed = x.id;
    else
        x.id = t->type[x.id];
    return x;
}

static void replace_fields(struct track *t, const struct wit_field **fields, u32 n)
{
    bool changed = false;
    for (u32 i = 0; i < n; i++) {
        struct wit_type x = (*fields)[i].type;
        changed |= x.kind == WIT_ID && x.id != WIT_NONE && t->type[x.id] != x.id;
    }
    if (!changed)
        return;
    struct wit_field *copy = arena_array(t->r->arena, struct wit_field, n);
    for (u32 i = 0; i < n; i++) {
        copy[i] = (*fields)[i];
        copy[i].type = replaced(t, copy[i].type);
    }
    *fields = copy;
}

static void replace_func(struct track *t, struct wit_func *f)
{
    replace_fields(t, &f->params, f->param_count);
    f->result = replaced(t, f->result);
    if (f->kind != WIT_FREE)
        f->resource = replaced(t, (struct wit_type){WIT_ID, f->resource}).id;
}

/* Interfaces that are replaced keep their own types, which nobody uses any more. */
static bool is_replaced(const struct track *t, struct wit_owner owner)
{
    return owner.kind == WIT_OWNER_INTERFACE && t->interface[owner.index] != owner.index;
}

static void replace_all(struct track *t)
{
    struct wit_resolve *r = t->r;
    for (u32 i = 0; i < r->types.len; i++) {
        struct wit_typedef *x = &r->types.data[i];
        if (is_replaced(t, x->owner))
            continue;
        replace_fields(t, &x->fields, x->field_count);
        x->first = replaced(t, x->first);
        x->second = replaced(t, x->second);
        if (x->owner.kind == WIT_OWNER_NONE) /* it counts where it is used */
            t->missed = WIT_NONE;
        else if (t->missed != WIT_NONE)
            return;
    }
    for (u32 i = 0; i < r->interfaces.len; i++)
        for (u32 k = 0; k < r->interfaces.data[i].funcs.len && t->interface[i] == i; k++)
            replace_func(t, &r->interfaces.data[i].funcs.data[k]);
    struct wit_world *w = &r->worlds.data[t->world];
    for (u32 i = 0; i < w->imports.len; i++)
        if (w->imports.data[i].kind == WIT_ITEM_FUNC)
            replace_func(t, &w->imports.data[i].func);
    for (u32 i = 0; i < w->exports.len; i++)
        if (w->exports.data[i].kind == WIT_ITEM_FUNC)
            replace_func(t, &w->exports.data[i].func);
}

static const struct wit_package_name *package_of(const struct wit_resolve *r, u32 interface)
{
    return &r->packages.data[r->interfaces.data[interface].package].name;
}

static bool lacks(struct wit_resolve *r, u32 from, u32 to, str type)
{
    struct diag *x = diag_error(r->diags, "wit-versions", r->interfaces.data[to].at,
                                "the world imports `" STRF "` and `" STRF
                                "`, but the later one lacks the type `" STRF "`",
                                STRA(wit_interface_id(r, r->arena, from)),
                                STRA(wit_interface_id(r, r->arena, to)), STRA(type));
    diag_note(r->diags, x, "imports of compatible versions are joined to the highest one");
    diag_help(r->diags, x, "`--merge-imports-based-on-semver=false` keeps them apart");
    return false;
}

static bool join(struct track *t, u32 from, u32 to)
{
    struct wit_resolve *r = t->r;
    const struct wit_interface *low = &r->interfaces.data[from], *high = &r->interfaces.data[to];
    struct map types = {0};
    for (u32 i = 0; i < high->types.len; i++)
        map_add(r->arena, &types, high->types.data[i].name, high->types.data[i].type);
    for (u32 i = 0; i < low->types.len; i++) {
        struct wit_named_type x = low->types.data[i];
        u32 type = map_get(&types, x.name);
        if (type != MAP_NONE && r->types.data[type].kind != r->types.data[x.type].kind)
            return lacks(r, from, to, x.name);
        t->type[x.type] = type == MAP_NONE ? WIT_NONE : type;
    }
    t->interface[from] = to;
    return true;
}

struct frame {
    u32 item, next;
};

/* The import that the k-th type of an imported interface comes from; WIT_NONE. */
static u32 used_import(const struct track *t, const u32 *item_of, u32 interface, u32 k)
{
    const struct wit_resolve *r = t->r;
    const struct wit_typedef *x = &r->types.data[r->interfaces.data[interface].types.data[k].type];
    if (x->kind != WIT_ALIAS || x->first.kind != WIT_ID)
        return WIT_NONE;
    const struct wit_owner *owner = &r->types.data[x->first.id].owner;
    return owner->kind == WIT_OWNER_INTERFACE ? item_of[owner->index] : WIT_NONE;
}

/* Imports in order again: each interface after those whose types it uses. */
static void order_imports(struct track *t, wit_world_items *items)
{
    struct wit_resolve *r = t->r;
    wit_world_items ordered = {0};
    VEC(struct frame) stack = {0};
    bool *seen = arena_array(r->arena, bool, items->len);
    u32 *item_of = arena_array(r->arena, u32, r->interfaces.len);
    memset(item_of, 0xff, r->interfaces.len * sizeof *item_of); /* WIT_NONE */
    for (u32 i = 0; i < items->len; i++)
        if (items->data[i].kind == WIT_ITEM_INTERFACE)
            item_of[items->data[i].interface] = i;
    for (u32 root = 0; root < items->len; root++) {
        if (seen[root])
            continue;
        seen[root] = true;
        *vec_push(r->arena, &stack) = (struct frame){root, 0};
        while (stack.len) {
            struct frame *top = vec_last(&stack);
            const struct wit_world_item *x = &items->data[top->item];
            bool done = x->kind != WIT_ITEM_INTERFACE ||
                        top->next >= r->interfaces.data[x->interface].types.len;
            if (done) {
                *vec_push(r->arena, &ordered) = *x;
                stack.len--;
                continue;
            }
            u32 used = used_import(t, item_of, x->interface, top->next++);
            if (used != WIT_NONE && !seen[used]) {
                seen[used] = true;
                *vec_push(r->arena, &stack) = (struct frame){used, 0};
            }
        }
    }
    *items = ordered;
}

bool wit_merge_imports_by_track(struct wit_resolve *r, u32 world)
{
    struct wit_world *w = &r->worlds.data[world];
    struct track t = {.r = r, .world = world, .missed = WIT_NONE};
    struct map best = {0}; /* "ns:name/item track": index of the highest import */
    str *keys = arena_array(r->arena, str, w->imports.len);
    bool any = false;
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *x = &w->imports.data[i];
        if (x->kind != WIT_ITEM_INTERFACE || x->has_key_name)
            continue;
        const struct wit_package_name *p = package_of(r, x->interface);
        if (!p->version.text.len)
            continue;
        keys[i] = str_printf(r->arena, STRF ":" STRF "/" STRF " " STRF, STRA(p->ns), STRA(p->name),
                             STRA(r->interfaces.data[x->interface].name),
                             STRA(wit_version_track(r->arena, &p->version)));
        u32 have = map_add(r->arena, &best, keys[i], i);
        any |= have != MAP_NONE;
        if (have != MAP_NONE &&
            wit_version_compare(&p->version,
                                &package_of(r, w->imports.data[have].interface)->version) > 0)
            map_put(r->arena, &best, keys[i], i);
    }
    if (!any)
        return true;
    t.type = arena_array(r->arena, u32, r->types.len);
    for (u32 i = 0; i < r->types.len; i++)
        t.type[i] = i;
    t.interface = arena_array(r->arena, u32, r->interfaces.len);
    for (u32 i = 0; i < r->interfaces.len; i++)
        t.interface[i] = i;
    wit_world_items kept = {0};
    for (u32 i = 0; i < w->imports.len; i++) {
        u32 highest = keys[i].len ? map_get(&best, keys[i]) : i;
        if (highest == i)
            *vec_push(r->arena, &kept) = w->imports.data[i];
        else if (!join(&t, w->imports.data[i].interface, w->imports.data[highest].interface))
            return false;
    }
    w->imports = kept;
    replace_all(&t);
    if (t.missed != WIT_NONE) {
        const struct wit_typedef *x = &r->types.data[t.missed];
        return lacks(r, x->owner.index, t.interface[x->owner.index], x->name);
    }
    order_imports(&t, &w->imports);
    return true;
}
