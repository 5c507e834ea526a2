/* clone.c - copies of types and interfaces with identities of their own. */
#include "clone.h"

static str key_of(struct wit_cloner *c, u32 type)
{
    return str_dup(c->scratch, str_of((const char *)&type, sizeof type));
}

/* The copy that is there, or MAP_NONE. */
static u32 copy_of(const struct wit_cloner *c, u32 type)
{
    str key = str_of((const char *)&type, sizeof type);
    u32 copy = map_get(&c->types, key);
    return copy == MAP_NONE && c->known ? map_get(c->known, key) : copy;
}

static bool same_owner(struct wit_owner a, struct wit_owner b)
{
    return a.kind == b.kind && a.index == b.index;
}

static struct wit_type clone_use(struct wit_cloner *c, struct wit_type t)
{
    if (t.kind == WIT_ID && t.id != WIT_NONE) {
        t.id = wit_clone_type(c, t.id);
    }
    return t;
}

static const struct wit_field *clone_fields(struct wit_cloner *c, const struct wit_field *fields,
                                            u32 n)
{
    struct wit_field *copy = arena_array(c->r->arena, struct wit_field, n);
    for (u32 i = 0; i < n; i++) {
        copy[i] = fields[i];
        copy[i].type = clone_use(c, copy[i].type);
    }
    return copy;
}

void wit_clone_as(struct wit_cloner *c, u32 type, u32 copy)
{
    map_put(c->scratch, &c->types, key_of(c, type), copy);
}

u32 wit_clone_type(struct wit_cloner *c, u32 type)
{
    u32 done = copy_of(c, type);
    if (done != MAP_NONE) {
        return done;
    }
    struct wit_typedef t = c->r->types.data[type];
    if (t.owner.kind != WIT_OWNER_NONE) {
        if (!same_owner(t.owner, c->from)) {
            return type;
        }
        t.owner = c->to;
    }
    if (t.kind == WIT_ALIAS) {
        /* What another interface owns stays the same type. */
        u32 target = t.first.id;
        if (t.first.kind == WIT_ID) {
            u32 copy = copy_of(c, target);
            t.first.id = same_owner(c->r->types.data[target].owner, c->from)
                             ? wit_clone_type(c, target)
                         : copy != MAP_NONE ? copy
                                            : target;
        }
    } else {
        t.fields = t.field_count ? clone_fields(c, t.fields, t.field_count) : NULL;
        t.first = clone_use(c, t.first);
        t.second = clone_use(c, t.second);
    }
    u32 id = c->r->types.len;
    *vec_push(c->r->arena, &c->r->types) = t;
    wit_clone_as(c, type, id);
    return id;
}

void wit_clone_function(struct wit_cloner *c, struct wit_func *f)
{
    if (f->kind != WIT_FREE) {
        f->resource = wit_clone_type(c, f->resource);
    }
    f->params = clone_fields(c, f->params, f->param_count);
    f->result = clone_use(c, f->result);
}

u32 wit_clone_interface(struct wit_cloner *c, u32 interface)
{
    struct wit_interface old = c->r->interfaces.data[interface], it = old;
    u32 id = c->r->interfaces.len;
    vec_push(c->r->arena, &c->r->interfaces); /* its place */
    struct wit_owner from = c->from, to = c->to;
    c->from = (struct wit_owner){WIT_OWNER_INTERFACE, interface};
    c->to = (struct wit_owner){WIT_OWNER_INTERFACE, id};
    it.types.data = arena_array(c->r->arena, struct wit_named_type, old.types.len);
    it.types.cap = old.types.len;
    for (u32 i = 0; i < old.types.len; i++) {
        it.types.data[i] = (struct wit_named_type){old.types.data[i].name,
                                                   wit_clone_type(c, old.types.data[i].type)};
    }
    it.funcs.data = arena_array(c->r->arena, struct wit_func, old.funcs.len);
    it.funcs.cap = old.funcs.len;
    for (u32 i = 0; i < old.funcs.len; i++) {
        struct wit_func f = old.funcs.data[i];
        wit_clone_function(c, &f);
        it.funcs.data[i] = f;
    }
    it.package = c->package;
    it.clone_of = interface;
    c->r->interfaces.data[id] = it;
    c->from = from;
    c->to = to;
    return id;
}
