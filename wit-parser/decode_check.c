/* decode_check.c - can WIT say what a binary has? Components may be freer: their instances take types from around them, and their
 * interfaces come in parts that nobody compared yet. */
#include "ast.h"
#include "decode.h"

struct check {
    const struct wit_resolve *r;
    struct arena *arena;
    struct diags *diags;
    bool *of_world; /* by type: of a world, or unnamed and made of such */
};

static bool of_world(const struct check *c, struct wit_type t)
{
    return t.kind == WIT_ID && t.id < c->r->types.len && c->of_world[t.id];
}

static bool world_type_used(struct check *c, span at, str what, struct wit_type used)
{
    const struct wit_typedef *t = &c->r->types.data[used.id];
    while (!t->name.len) { /* it says so of one of its parts */
        struct wit_type part;
        for (u32 i = 0; wit_type_part(t, i, &part); i++)
            if (of_world(c, part))
                break;
        t = &c->r->types.data[part.id];
    }
    diag_error(c->diags, "wit-decode", at,
               "`" STRF "` of an interface uses `" STRF
               "`, a type of the world around it, which WIT cannot say",
               STRA(what), STRA(t->name));
    return false;
}

/* Interfaces use types of interfaces only. */
static bool types_stand_alone(struct check *c)
{
    struct wit_type part;
    for (u32 i = 0; i < c->r->types.len; i++) { /* parts come before what is made of them */
        const struct wit_typedef *t = &c->r->types.data[i];
        c->of_world[i] = t->owner.kind == WIT_OWNER_WORLD;
        for (u32 k = 0; wit_type_part(t, k, &part); k++) {
            if (!of_world(c, part))
                continue;
            if (t->owner.kind == WIT_OWNER_INTERFACE)
                return world_type_used(c, t->at, t->name, part);
            c->of_world[i] = true;
        }
    }
    return true;
}

static bool functions_stand_alone(struct check *c, const struct wit_interface *interface)
{
    for (u32 k = 0; k < interface->funcs.len; k++) {
        const struct wit_func *f = &interface->funcs.data[k];
        for (u32 p = 0; p < f->param_count; p++)
            if (of_world(c, f->params[p].type))
                return world_type_used(c, f->at, f->name, f->params[p].type);
        if (of_world(c, f->result))
            return world_type_used(c, f->at, f->name, f->result);
    }
    return true;
}

/* Explainer.md, "Name Uniqueness". */
static bool is_unique(struct check *c, struct map *names, str name, span at, const char *what,
                      str owner)
{
    if (map_add(c->arena, names, wit_canonical_name(c->arena, name), 0) == MAP_NONE)
        return true;
    diag_error(c->diags, "wit-decode", at,
               "`" STRF "` conflicts with another name of %s `" STRF "`", STRA(name), what,
               STRA(owner));
    return false;
}

static bool interface_names_unique(struct check *c, u32 i)
{
    const struct wit_interface *x = &c->r->interfaces.data[i];
    const struct wit_typedef *types = c->r->types.data;
    str owner = wit_interface_id(c->r, c->arena, i);
    struct map names = {0};
    for (u32 k = 0; k < x->types.len; k++)
        if (!is_unique(c, &names, x->types.data[k].name, types[x->types.data[k].type].at,
                       "interface", owner))
            return false;
    for (u32 k = 0; k < x->funcs.len; k++)
        if (!is_unique(c, &names, x->funcs.data[k].name, x->funcs.data[k].at, "interface", owner))
            return false;
    return true;
}

static bool package_names_unique(struct check *c, const struct wit_package *p)
{
    str owner = wit_package_id(c->arena, &p->name);
    struct map names = {0};
    for (u32 k = 0; k < p->interfaces.len; k++) {
        const struct wit_named_type *x = &p->interfaces.data[k];
        if (!is_unique(c, &names, x->name, c->r->interfaces.data[x->type].at, "package", owner))
            return false;
    }
    for (u32 k = 0; k < p->worlds.len; k++) {
        const struct wit_named_type *x = &p->worlds.data[k];
        if (!is_unique(c, &names, x->name, c->r->worlds.data[x->type].at, "package", owner))
            return false;
    }
    return true;
}

bool wit_decoded_is_wit(const struct wit_resolve *r, struct arena *a, struct diags *d)
{
    struct check c = {r, a, d, arena_array(a, bool, r->types.len)};
    bool ok = types_stand_alone(&c);
    for (u32 i = 0; i < r->interfaces.len && ok; i++)
        ok = functions_stand_alone(&c, &r->interfaces.data[i]) && interface_names_unique(&c, i);
    for (u32 i = 0; i < r->packages.len && ok; i++)
        ok = package_names_unique(&c, &r->packages.data[i]);
    return ok;
}
