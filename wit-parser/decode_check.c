/* decode_check.c - can WIT say what a binary has? Components may be freer: their instances take types from around them, and their
 * interfaces come in parts that nobody compared yet. */
#include "ast.h"
#include "decode.h"

#define ANYWHERE UINT32_MAX /* a type that all may use */
#define OF_WORLD \
    (UINT32_MAX - 1) /* else: the unnamed interface in which alone a type can be used */

struct check {
    const struct wit_resolve *r;
    struct arena *arena;
    struct diags *diags;
    u32 *homes; /* by type; unnamed types have that of what they are made of */
};

static u32 home_of(const struct check *c, struct wit_type t)
{
    return t.kind == WIT_ID && t.id < c->r->types.len ? c->homes[t.id] : ANYWHERE;
}

static bool stranger_used(struct check *c, span at, str what, struct wit_type used)
{
    const struct wit_typedef *t = &c->r->types.data[used.id];
    while (!t->name.len) { /* it is one of its parts */
        struct wit_type part;
        for (u32 i = 0; wit_type_part(t, i, &part); i++)
            if (home_of(c, part) != ANYWHERE)
                break;
        t = &c->r->types.data[part.id];
    }
    diag_error(c->diags, "wit-decode", at,
               "`" STRF "` uses `" STRF "`, a type of %s, which WIT cannot say", STRA(what),
               STRA(t->name),
               home_of(c, used) == OF_WORLD ? "the world around its interface"
                                            : "an interface without a name");
    return false;
}

/* The home of a named type: where its parts must be at home, unless they are at home anywhere. */
static u32 place_of(const struct check *c, const struct wit_typedef *t)
{
    if (t->owner.kind == WIT_OWNER_WORLD)
        return OF_WORLD;
    if (t->owner.kind != WIT_OWNER_INTERFACE)
        return ANYWHERE;
    return c->r->interfaces.data[t->owner.index].name.len ? ANYWHERE : t->owner.index;
}

/* In components, worlds and unnamed interfaces may use types of other unnamed interfaces: there is no WIT for it, but it can be
 * shown. */
static bool is_welcome(u32 home, u32 place)
{
    return home == place || place == OF_WORLD || (home != OF_WORLD && place != ANYWHERE);
}

/* Types of interfaces use those of interfaces that can be named, or those beside them. */
static bool types_at_home(struct check *c)
{
    struct wit_type part;
    for (u32 i = 0; i < c->r->types.len; i++) { /* parts come before what is made of them */
        const struct wit_typedef *t = &c->r->types.data[i];
        u32 place = place_of(c, t);
        c->homes[i] = place;
        for (u32 k = 0; wit_type_part(t, k, &part); k++) {
            u32 home = home_of(c, part);
            if (home == ANYWHERE)
                continue;
            if (!t->name.len)
                c->homes[i] = home;
            else if (!is_welcome(home, place))
                return stranger_used(c, t->at, t->name, part);
        }
    }
    return true;
}

static bool function_at_home(struct check *c, const struct wit_func *f, u32 place)
{
    for (u32 p = 0; p <= f->param_count; p++) {
        struct wit_type t = p < f->param_count ? f->params[p].type : f->result;
        u32 home = home_of(c, t);
        if (home != ANYWHERE && !is_welcome(home, place))
            return stranger_used(c, f->at, f->name, t);
    }
    return true;
}

static bool functions_at_home(struct check *c, u32 i)
{
    const struct wit_interface *x = &c->r->interfaces.data[i];
    for (u32 k = 0; k < x->funcs.len; k++)
        if (!function_at_home(c, &x->funcs.data[k], x->name.len ? ANYWHERE : i))
            return false;
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
    struct check c = {r, a, d, arena_array(a, u32, r->types.len)};
    bool ok = types_at_home(&c);
    for (u32 i = 0; i < r->interfaces.len && ok; i++)
        ok = functions_at_home(&c, i) && interface_names_unique(&c, i);
    for (u32 i = 0; i < r->packages.len && ok; i++)
        ok = package_names_unique(&c, &r->packages.data[i]);
    return ok;
}
