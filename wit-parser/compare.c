/* compare.c - do two interfaces or functions agree, and if not, where? */
#include "compare.h"
#include "index.h"

#define DEPTH  200 /* of structure; deeper types count as different */
#define LEVELS 6   /* of it are told, the innermost ones */

struct compare {
    const struct wit_resolve *r;
    struct arena *a;
    struct map same; /* pairs of types that agree: what is used twice is looked at once */
    str why;         /* where the last ones part: "field `x`: `u32` is not `u64`" */
    u32 levels;      /* of types, in `why` */
};

static str text_of(const struct wit_resolve *r, struct arena *a, struct wit_type t)
{
    struct buf b = buf_in(a);
    if (!wit_type_present(t)) {
        return STR("nothing");
    }
    wit_print_type(&b, r, t);
    return str_printf(a, "`" STRF "`", STRA(buf_view(&b)));
}

static const char *kind_of(const struct wit_resolve *r, struct wit_type t)
{
    static const char *const names[] = {
        [WIT_RECORD] = "record",   [WIT_RESOURCE] = "resource",
        [WIT_OWN] = "handle",      [WIT_BORROW] = "borrow",
        [WIT_FLAGS] = "flags",     [WIT_TUPLE] = "tuple",
        [WIT_VARIANT] = "variant", [WIT_ENUM] = "enum",
        [WIT_OPTION] = "option",   [WIT_RESULT] = "result",
        [WIT_LIST] = "list",       [WIT_MAP] = "map",
        [WIT_FUTURE] = "future",   [WIT_FIXED_LIST] = "fixed list",
        [WIT_STREAM] = "stream",
    };
    u32 kind = t.kind == WIT_ID && t.id != WIT_NONE ? r->types.data[t.id].kind : WIT_BOOL;
    return kind < LENGTH_OF(names) && names[kind] ? names[kind] : "type";
}

/* The text of a list whose name does not show how long it is. */
static str with_length(const struct wit_resolve *r, struct arena *a, struct wit_type t, str text)
{
    const struct wit_typedef *x =
        t.kind == WIT_ID && t.id != WIT_NONE ? &r->types.data[t.id] : NULL;
    return x && x->kind == WIT_FIXED_LIST && x->name.len
               ? str_printf(a, STRF " of length %u", STRA(text), (u32)x->length)
               : text;
}

/* "`u32` is not `u64`"; behind names that are the same, what they stand for. */
static str unlike(const struct wit_resolve *r, struct arena *a, struct wit_type x,
                  struct wit_type y)
{
    str tx = text_of(r, a, x), ty = text_of(r, a, y);
    struct wit_type ux = wit_unalias(r, x), uy = wit_unalias(r, y);
    if (str_eq(tx, ty)) {
        tx = text_of(r, a, ux);
        ty = text_of(r, a, uy);
    }
    tx = with_length(r, a, ux, tx);
    ty = with_length(r, a, uy, ty);
    if (str_eq(tx, ty)) {
        return str_printf(a, "%s " STRF " is not %s " STRF, kind_of(r, ux), STRA(tx),
                          kind_of(r, uy), STRA(ty));
    }
    return str_printf(a, STRF " is not " STRF, STRA(tx), STRA(ty));
}

static bool differ(struct compare *c, str text)
{
    c->why = text;
    c->levels = 0;
    return false;
}

static bool same(struct compare *c, struct wit_type x, struct wit_type y, u32 depth);

static bool inside(struct compare *c, const char *what, str name)
{
    if (c->levels++ < LEVELS) {
        c->why = str_printf(c->a, "%s `" STRF "`: " STRF, what, STRA(name), STRA(c->why));
    } else if (c->levels == LEVELS + 1) {
        c->why = str_printf(c->a, "far inside: " STRF, STRA(c->why));
    }
    return false;
}

static bool same_fields(struct compare *c, const struct wit_typedef *x, const struct wit_typedef *y,
                        u32 depth)
{
    const char *what = x->kind == WIT_RECORD  ? "field"
                       : x->kind == WIT_TUPLE ? "element"
                       : x->kind == WIT_FLAGS ? "flag"
                                              : "case";
    for (u32 i = 0; i < x->field_count || i < y->field_count; i++) {
        if (i >= x->field_count || i >= y->field_count) {
            const struct wit_field *f = i >= x->field_count ? &y->fields[i] : &x->fields[i];
            return differ(
                c, str_printf(c->a, "%s `" STRF "` is only in one of them", what, STRA(f->name)));
        }
        if (!str_eq(x->fields[i].name, y->fields[i].name)) {
            return differ(c, str_printf(c->a, "%s %u is `" STRF "` and `" STRF "`", what, i + 1,
                                        STRA(x->fields[i].name), STRA(y->fields[i].name)));
        }
        if (!same(c, x->fields[i].type, y->fields[i].type, depth)) {
            return inside(c, what,
                          x->kind == WIT_TUPLE ? str_printf(c->a, "%u", i) : x->fields[i].name);
        }
    }
    return true;
}

static bool same_def(struct compare *c, const struct wit_typedef *x, const struct wit_typedef *y,
                     u32 depth)
{
    if (x->kind == WIT_RESOURCE) {
        return str_eq(x->name, y->name) ||
               differ(c, str_printf(c->a, "resource `" STRF "` is not `" STRF "`", STRA(x->name),
                                    STRA(y->name)));
    }
    return same_fields(c, x, y, depth) && same(c, x->first, y->first, depth) &&
           same(c, x->second, y->second, depth);
}

/* Are the types the same by structure? Packages' versions do not matter; a resource is its name. */
static bool same(struct compare *c, struct wit_type x, struct wit_type y, u32 depth)
{
    struct wit_type tx = wit_unalias(c->r, x), ty = wit_unalias(c->r, y);
    if (tx.kind == ty.kind && (tx.kind != WIT_ID || tx.id == ty.id)) {
        return true;
    }
    bool both = tx.kind == WIT_ID && ty.kind == WIT_ID && tx.id != WIT_NONE && ty.id != WIT_NONE;
    const struct wit_typedef *dx = both ? &c->r->types.data[tx.id] : NULL;
    const struct wit_typedef *dy = both ? &c->r->types.data[ty.id] : NULL;
    if (!both || dx->kind != dy->kind || dx->length != dy->length || depth >= DEPTH) {
        return differ(c, unlike(c->r, c->a, x, y));
    }
    u32 pair[2] = {tx.id, ty.id};
    str key = str_of((const char *)pair, sizeof pair);
    if (map_get(&c->same, key) != MAP_NONE) {
        return true;
    }
    if (!same_def(c, dx, dy, depth + 1)) {
        return false;
    }
    map_put(c->a, &c->same, str_dup(c->a, key), 1);
    return true;
}

static bool same_func(struct compare *c, const struct wit_func *x, const struct wit_func *y)
{
    if (x->is_async != y->is_async) {
        return differ(c, STR("only one of them is async"));
    }
    if (x->param_count != y->param_count) {
        return differ(c,
                      str_printf(c->a, "%u parameters are not %u", x->param_count, y->param_count));
    }
    for (u32 i = 0; i < x->param_count; i++) {
        if (!str_eq(x->params[i].name, y->params[i].name)) {
            return differ(c, str_printf(c->a, "parameter %u is `" STRF "` and `" STRF "`", i + 1,
                                        STRA(x->params[i].name), STRA(y->params[i].name)));
        }
        if (!same(c, x->params[i].type, y->params[i].type, 0)) {
            return inside(c, "parameter", x->params[i].name);
        }
    }
    if (!same(c, x->result, y->result, 0)) {
        c->why = str_printf(c->a, "result: " STRF, STRA(c->why));
        return false;
    }
    return true;
}

static struct diag *tell(struct wit_resolve *r, const char *code, span at, str label,
                         const char *what, str name, str why)
{
    struct diag *x = diag_error(r->diags, code, at, "%s `" STRF "` of " STRF " " STRF, what,
                                STRA(name), STRA(label), STRA(why));
    return x;
}

static bool compare_interfaces(struct wit_resolve *r, struct compare *c, u32 less, u32 more,
                               str label, const char *code)
{
    const struct wit_interface *x = &r->interfaces.data[less], *y = &r->interfaces.data[more];
    bool fine = true;
    struct map funcs = {0};
    for (u32 i = 0; i < x->types.len; i++) {
        u32 id = x->types.data[i].type, other = wit_lookup_type(r, more, x->types.data[i].name);
        str name = x->types.data[i].name;
        if (other == WIT_NONE) {
            tell(r, code, r->types.data[id].at, label, "type", name, STR("is gone"));
            fine = false;
        } else if (!same(c, (struct wit_type){WIT_ID, id}, (struct wit_type){WIT_ID, other}, 0)) {
            struct diag *d =
                tell(r, code, r->types.data[other].at, label, "type", name, STR("has changed"));
            diag_say(r->diags, d, STRF, STRA(c->why));
            fine = false;
        }
    }
    for (u32 i = 0; i < y->funcs.len; i++) {
        map_put(r->arena, &funcs, y->funcs.data[i].name, i);
    }
    for (u32 i = 0; i < x->funcs.len; i++) {
        const struct wit_func *f = &x->funcs.data[i];
        u32 other = map_get(&funcs, f->name);
        if (other == MAP_NONE) {
            tell(r, code, f->at, label, "function", f->name, STR("is gone"));
            fine = false;
        } else if (!same_func(c, f, &y->funcs.data[other])) {
            struct diag *d = tell(r, code, y->funcs.data[other].at, label, "function", f->name,
                                  STR("has changed"));
            diag_say(r->diags, d, STRF, STRA(c->why));
            fine = false;
        }
    }
    return fine;
}

bool wit_compare_interfaces(struct wit_resolve *r, u32 less, u32 more, str label, const char *code)
{
    struct compare c = {.r = r, .a = r->arena};
    return compare_interfaces(r, &c, less, more, label, code);
}

/* ---- Properties ---------------------------------------------------------------------------------------------- */

/* What a getter gives when it does not fail. */
static struct wit_type property_type(const struct wit_resolve *r, const struct wit_func *getter)
{
    struct wit_type t = wit_unalias(r, getter->result);
    bool may_fail = t.kind == WIT_ID && t.id != WIT_NONE && r->types.data[t.id].kind == WIT_RESULT;
    return may_fail ? r->types.data[t.id].first : getter->result;
}

bool wit_check_setter(struct wit_resolve *r, const struct wit_func *getter,
                      const struct wit_func *setter)
{
    struct compare c = {.r = r, .a = r->arena};
    struct wit_type property = property_type(r, getter);
    if (!setter->param_count || !wit_type_present(property)) {
        return true; /* told already */
    }
    const struct wit_field *value = &setter->params[setter->param_count - 1];
    if (same(&c, value->type, property, 0)) {
        return true;
    }
    struct diag *x = diag_error(r->diags, "wit-accessor", value->at,
                                "setter `" STRF "` takes another type than its getter gives",
                                STRA(setter->name));
    diag_say(r->diags, x, STRF, STRA(c.why));
    diag_label(r->diags, x, getter->at, "the getter");
    return false;
}

/* ---- Worlds ------------------------------------------------------------------------------------------------ */

/* A name without a version. */
static str plain_name(struct wit_resolve *r, const struct wit_world_item *item)
{
    str name = wit_item_name(r, r->arena, item);
    size_t at = str_find_char(name, '@', 0);
    return at == SIZE_MAX ? name : str_sub(name, 0, at);
}

/* The items of a side of a world, by name, by the track of their version, and without one. */
struct names {
    struct map whole, tracks, plain;
};
#define SEVERAL (MAP_NONE - 1) /* in `plain` */

static void index_names(struct wit_resolve *r, struct names *n, const struct wit_world_item *items,
                        u32 count)
{
    for (u32 i = 0; i < count; i++) {
        str name = wit_item_name(r, r->arena, &items[i]), plain = plain_name(r, &items[i]);
        bool first = map_get(&n->plain, plain) == MAP_NONE;
        map_put(r->arena, &n->whole, name, i);
        map_put(r->arena, &n->tracks, wit_canonical_id(r->arena, name), i);
        map_put(r->arena, &n->plain, plain, first ? i : SEVERAL);
    }
}

/* What stands for the item in the other world: of its version, else of its track, else the only one of its name in both. */
static u32 counterpart(struct wit_resolve *r, const struct names *own, const struct names *other,
                       const struct wit_world_item *item)
{
    str name = wit_item_name(r, r->arena, item), plain = plain_name(r, item);
    u32 i = map_get(&other->whole, name);
    i = i == MAP_NONE ? map_get(&other->tracks, wit_canonical_id(r->arena, name)) : i;
    if (i != MAP_NONE || map_get(&own->plain, plain) == SEVERAL) {
        return i;
    }
    i = map_get(&other->plain, plain);
    return i == SEVERAL ? MAP_NONE : i;
}

#define CODE "wit-semver"

/* `less` must be had by `more`: an import of the old world in the new one, an export the other way round. */
static bool check_item(struct wit_resolve *r, struct compare *c, const struct wit_world_item *less,
                       const struct wit_world_item *more, const char *verb, str name)
{
    span at = *verb == 'i' ? more->at : less->at; /* in the new world */
    str label = str_printf(r->arena, "%s `" STRF "`", verb, STRA(name));
    if (less->kind != more->kind) {
        diag_error(r->diags, CODE, at, STRF " is of another kind now", STRA(label));
        return false;
    }
    switch (less->kind) {
    case WIT_ITEM_INTERFACE:
        return compare_interfaces(r, c, less->interface, more->interface, label, CODE);
    case WIT_ITEM_FUNC:
        if (!same_func(c, &less->func, &more->func)) {
            struct diag *x = diag_error(r->diags, CODE, at, STRF " has changed", STRA(label));
            diag_say(r->diags, x, STRF, STRA(c->why));
            return false;
        }
        return true;
    default:
        if (!same(c, (struct wit_type){WIT_ID, less->type}, (struct wit_type){WIT_ID, more->type},
                  0)) {
            struct diag *x = diag_error(r->diags, CODE, at, STRF " has changed", STRA(label));
            diag_say(r->diags, x, STRF, STRA(c->why));
            return false;
        }
        return true;
    }
}

static bool check_side(struct wit_resolve *r, const struct wit_world_item *less, u32 less_count,
                       const struct wit_world_item *more, u32 more_count, bool imports, str prev,
                       str next)
{
    struct names have = {0}, want = {0};
    struct compare c = {.r = r, .a = r->arena}; /* types come before what uses them */
    bool fine = true;
    const char *verb = imports ? "import" : "export";
    index_names(r, &have, more, more_count);
    index_names(r, &want, less, less_count);
    for (u32 i = 0; i < less_count; i++) {
        str name = map_get(&want.plain, plain_name(r, &less[i])) == SEVERAL
                       ? wit_item_name(r, r->arena, &less[i])
                       : plain_name(r, &less[i]);
        u32 other = counterpart(r, &want, &have, &less[i]);
        if (other != MAP_NONE) {
            fine &= check_item(r, &c, &less[i], &more[other], verb, name);
            continue;
        }
        struct diag *x = diag_error(
            r->diags, CODE, less[i].at, "%s `" STRF "` of world `" STRF "` is not in `" STRF "`",
            verb, STRA(name), STRA(imports ? prev : next), STRA(imports ? next : prev));
        diag_note(r->diags, x,
                  imports ? "components made for the old world may need it"
                          : "components made for the old world do not have it");
        fine = false;
    }
    return fine;
}

bool wit_semver_check(struct wit_resolve *r, u32 prev, u32 next)
{
    const struct wit_world *p = &r->worlds.data[prev], *n = &r->worlds.data[next];
    const struct wit_package_name *pp = &r->packages.data[p->package].name,
                                  *np = &r->packages.data[n->package].name;
    if (!str_eq(pp->ns, np->ns) || !str_eq(pp->name, np->name)) {
        diag_error(r->diags, CODE, n->at,
                   "the worlds are in different packages: `" STRF "` and `" STRF "`",
                   STRA(wit_package_id(r->arena, pp)), STRA(wit_package_id(r->arena, np)));
        return false;
    }
    bool fine = check_side(r, p->imports.data, p->imports.len, n->imports.data, n->imports.len,
                           true, p->name, n->name);
    fine &= check_side(r, n->exports.data, n->exports.len, p->exports.data, p->exports.len, false,
                       p->name, n->name);
    return fine;
}
