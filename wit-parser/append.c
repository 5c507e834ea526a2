/* append.c - the second step of resolving: a unit becomes a package of the graph. */
#include "compare.h"
#include "index.h"
#include "snapshot.h"
#include "unit.h"

#define POISON ((struct wit_type){WIT_BOOL, 0})

/* Where the unit's ids lead; WIT_NONE: behind a closed gate, or told to be wrong. */
struct append {
    struct wit_resolve *r;
    struct wit_unit *u;
    u32 package;
    u32 *types, *interfaces, *worlds;
    u8 *gated; /* of types: 1 the gate is closed, 2 poison */
    u8 *gated_interfaces, *gated_worlds;
    struct map owns; /* resource to its anonymous own handle */
    bool fine;
};

static struct diag *fail(struct append *a, const char *code, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(a->r->diags->arena, format, args);
    va_end(args);
    a->fine = false;
    return diag_error(a->r->diags, code, at, STRF, STRA(text));
}

/* ---- Gates ----------------------------------------------------------------------------------------------- */

bool wit_gate_open(struct wit_resolve *r, const struct wit_stability *s, u32 package, span at,
                   bool *fine)
{
    const struct wit_package_name *name = &r->packages.data[package].name;
    if (s->kind == WIT_STABLE) {
        if (!name->version.text.len) {
            *fine = false;
            struct diag *x =
                diag_error(r->diags, "wit-gate", at,
                           "package `" STRF "` contains a feature gate with a version specifier, "
                           "so it must have a version",
                           STRA(wit_package_id(r->arena, name)));
            diag_help(r->diags, x, "write `package " STRF ":" STRF "@" STRF ";`", STRA(name->ns),
                      STRA(name->name), STRA(s->since.text));
        } else if (wit_version_compare(&s->since, &name->version) > 0) {
            *fine = false;
            diag_error(r->diags, "wit-gate", at,
                       "feature gate cannot reference unreleased version " STRF " of package `" STRF
                       "` (current version " STRF ")",
                       STRA(s->since.text), STRA(wit_package_id(r->arena, name)),
                       STRA(name->version.text));
        }
        return true;
    }
    if (s->kind == WIT_UNSTABLE && !r->features.all) {
        for (u32 i = 0; i < r->features.count; i++) {
            if (str_eq(r->features.names[i], s->feature)) {
                return true;
            }
        }
        return false;
    }
    return true;
}

static bool open(struct append *a, const struct wit_stability *s, span at)
{
    if (a->u->cut && s->kind == WIT_STABLE &&
        wit_version_compare(&s->since, &a->u->name.version) > 0) {
        return false;
    }
    return wit_gate_open(a->r, s, a->package, at, &a->fine);
}

/* The feature that would open the gate of what a reference leads to. */
static void excluded(struct append *a, span at, const char *what, str feature, const char *more)
{
    struct diag *x =
        fail(a, "wit-gated", at,
             "found a reference to a %s which is excluded due to its feature not being activated%s",
             what, more);
    if (feature.len) {
        diag_help(a->r->diags, x,
                  "turn it on with `--features " STRF "`, or put the same gate here",
                  STRA(feature));
    }
}

static u32 map_type(struct append *a, u32 id, span at)
{
    if (a->types[id] == WIT_NONE && a->gated[id] == 1) {
        excluded(a, at, "type", a->u->types.data[id].stability.feature, "");
    }
    return a->types[id];
}

static u32 map_interface(struct append *a, u32 id, span at)
{
    if (a->interfaces[id] == WIT_NONE && a->gated_interfaces[id] == 1) {
        excluded(a, at, "interface", a->u->interfaces.data[id].stability.feature, "");
    }
    return a->interfaces[id];
}

/* ---- Types -------------------------------------------------------------------------------------------------- */

static bool is_resource(const struct wit_resolve *r, u32 id)
{
    struct wit_type t = wit_unalias(r, (struct wit_type){WIT_ID, id});
    return t.kind == WIT_ID && t.id != WIT_NONE && r->types.data[t.id].kind == WIT_RESOURCE;
}

static str own_key(struct append *a, u32 resource)
{
    return str_dup(a->u->scratch, str_of((const char *)&resource, sizeof resource));
}

/* A resource in the place of a type is an own handle, one for each resource. */
static struct wit_type map_use(struct append *a, struct wit_type t, span at)
{
    if (t.kind != WIT_ID || t.id == WIT_NONE) {
        return t;
    }
    u32 id = map_type(a, t.id, at);
    if (id == WIT_NONE) {
        return POISON;
    }
    if (is_resource(a->r, id)) {
        u32 own = map_get(&a->owns, own_key(a, id));
        if (own == MAP_NONE) {
            own = a->r->types.len;
            map_put(a->u->scratch, &a->owns, own_key(a, id), own);
            *vec_push(a->r->arena, &a->r->types) = (struct wit_typedef){
                .kind = WIT_OWN, .first = {WIT_ID, id}, .second = WIT_NO_TYPE, .at = at};
        }
        id = own;
    }
    return (struct wit_type){WIT_ID, id};
}

static void map_fields(struct append *a, const struct wit_field *fields, u32 n, span at)
{
    for (u32 i = 0; i < n; i++) { /* the unit made them; they are not shared */
        struct wit_field *f = (struct wit_field *)&fields[i];
        f->type = map_use(a, f->type, at);
    }
}

static void map_parts(struct append *a, struct wit_typedef *t)
{
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW ||
        (t->kind == WIT_ALIAS && t->first.kind == WIT_ID)) {
        u32 id = map_type(a, t->first.id, t->at);
        t->first.id = id;
        if (id == WIT_NONE) {
            t->kind = WIT_ALIAS;
            t->first = POISON;
        }
        return;
    }
    map_fields(a, t->fields, t->field_count, t->at);
    t->first = map_use(a, t->first, t->at);
    t->second = map_use(a, t->second, t->at);
}

static bool is_there(const struct append *a, struct wit_type t)
{
    return t.kind != WIT_ID || t.id == WIT_NONE || a->types[t.id] != WIT_NONE;
}

/* Releases give new names to old types and use them throughout: before such an alias was there, what it names stood in
 * its place.
 */
static u32 before_alias(struct append *a, const struct wit_typedef *t)
{
    bool alias = t->name.len && t->kind == WIT_ALIAS && is_there(a, t->first);
    return a->u->cut && alias && t->first.kind == WIT_ID && t->first.id != WIT_NONE
               ? a->types[t->first.id]
               : WIT_NONE;
}

/* A type without a name is as old as what it is made of, which may be older than its text. */
static bool is_made(struct append *a, struct wit_typedef *t)
{
    bool fine = a->u->cut && !t->name.len && t->stability.kind == WIT_STABLE &&
                is_there(a, t->first) && is_there(a, t->second);
    for (u32 i = 0; i < t->field_count && fine; i++) {
        fine = is_there(a, t->fields[i].type);
    }
    if (fine) {
        t->stability.since = a->u->name.version;
    }
    return fine;
}

static void add_types(struct append *a)
{
    struct wit_unit *u = a->u;
    for (u32 i = u->foreign_types; i < u->types.len; i++) {
        struct wit_typedef t = u->types.data[i];
        a->types[i] = WIT_NONE;
        if (!open(a, &t.stability, t.at) && !is_made(a, &t)) {
            a->types[i] = before_alias(a, &t);
            a->gated[i] = 1;
            continue;
        }
        map_parts(a, &t);
        u32 id = a->r->types.len;
        *vec_push(a->r->arena, &a->r->types) = t;
        a->fine &= wit_check_payload(a->r, id);
        if (t.kind == WIT_OWN && !t.name.len && t.owner.kind == WIT_OWNER_NONE) {
            u32 prior = map_add(u->scratch, &a->owns, own_key(a, t.first.id), id);
            id = prior == MAP_NONE ? id : prior;
        }
        a->types[i] = id;
    }
}

/* Types know their owners once interfaces and worlds have their ids. */
static void map_owners(struct append *a, enum wit_owner_kind kind)
{
    struct wit_unit *u = a->u;
    for (u32 i = u->foreign_types; i < u->types.len; i++) {
        struct wit_owner *owner =
            a->types[i] == WIT_NONE || a->gated[i] ? NULL : &a->r->types.data[a->types[i]].owner;
        if (!owner || owner->kind != kind || u->types.data[i].owner.kind != kind) {
            continue;
        }
        u32 old = u->types.data[i].owner.index;
        u32 id = kind == WIT_OWNER_INTERFACE ? a->interfaces[old] : a->worlds[old];
        if (id == WIT_NONE) {
            bool interface = kind == WIT_OWNER_INTERFACE;
            excluded(a, u->types.data[i].at, interface ? "interface" : "world",
                     interface ? u->interfaces.data[old].stability.feature
                               : u->worlds.data[old].world.stability.feature,
                     interface ? "; this type is not gated by a feature but its interface is"
                               : "; this type is not gated by a feature but its world is");
            owner->kind = WIT_OWNER_NONE;
            id = 0;
        }
        owner->index = id;
    }
}

/* ---- Functions, interfaces ----------------------------------------------------------------------------------- */

/* A getter gives a value, when it does not fail. Its type may be known only now. */
static void check_getter(struct append *a, const struct wit_func *f)
{
    struct wit_type t = wit_unalias(a->r, f->result);
    const struct wit_typedef *def =
        t.kind == WIT_ID && t.id != WIT_NONE ? &a->r->types.data[t.id] : NULL;
    if (f->accessor == WIT_GETTER && def && def->kind == WIT_RESULT &&
        !wit_type_present(def->first)) {
        struct diag *x =
            fail(a, "wit-accessor", f->at, "getter `" STRF "` gives a `result` with no `ok` type",
                 STRA(f->name));
        diag_help(a->r->diags, x, "write `result<T>` or `result<T, E>`");
    }
}

static void map_function(struct append *a, struct wit_func *f)
{
    if (f->kind != WIT_FREE) {
        f->resource = map_type(a, f->resource, f->at);
        if (f->resource == WIT_NONE) {
            return;
        }
    }
    map_fields(a, f->params, f->param_count, f->at);
    f->result = map_use(a, f->result, f->at);
    if (wit_has_borrow(a->r, f->result)) {
        struct diag *x =
            fail(a, "wit-borrow-result", f->at,
                 "function `" STRF "` returns a type which contains a `borrow<T>` which is not "
                 "supported",
                 STRA(f->name));
        diag_note(a->r->diags, x, "a borrow ends when the call returns");
    }
    check_getter(a, f);
}

static void check_setters(struct append *a, const struct wit_interface *it)
{
    struct map getters = {0};
    for (u32 i = 0; i < it->funcs.len; i++) {
        const struct wit_func *f = &it->funcs.data[i];
        if (f->accessor == WIT_GETTER) {
            map_put(a->u->scratch, &getters, f->name, i);
        }
    }
    for (u32 i = 0; i < it->funcs.len; i++) {
        const struct wit_func *f = &it->funcs.data[i];
        if (f->accessor != WIT_SETTER) {
            continue;
        }
        u32 getter = map_get(&getters, wit_getter_of(a->u->scratch, f->name));
        if (getter == MAP_NONE) {
            fail(a, "wit-gated", f->at,
                 "setter `" STRF "` is there without its getter, of which the feature is not "
                 "activated",
                 STRA(f->name));
        } else {
            a->fine &= wit_check_setter(a->r, &it->funcs.data[getter], f);
        }
    }
}

static void map_interface_items(struct append *a, struct wit_interface *it)
{
    u32 n = 0;
    for (u32 i = 0; i < it->types.len; i++) {
        u32 id = a->types[it->types.data[i].type];
        if (id != WIT_NONE && !a->gated[it->types.data[i].type]) {
            it->types.data[n++] = (struct wit_named_type){it->types.data[i].name, id};
        }
    }
    it->types.len = n;
    n = 0;
    for (u32 i = 0; i < it->funcs.len; i++) {
        struct wit_func *f = &it->funcs.data[i];
        if (open(a, &f->stability, f->at)) {
            map_function(a, f);
            it->funcs.data[n++] = *f;
        }
    }
    it->funcs.len = n;
    check_setters(a, it);
}

static void add_interfaces(struct append *a)
{
    struct wit_unit *u = a->u;
    for (u32 i = u->foreign_interfaces; i < u->interfaces.len; i++) {
        struct wit_interface it = u->interfaces.data[i];
        a->interfaces[i] = WIT_NONE;
        if (!open(a, &it.stability, it.at)) {
            a->gated_interfaces[i] = 1;
            continue;
        }
        it.package = a->package;
        map_interface_items(a, &it);
        a->interfaces[i] = a->r->interfaces.len;
        *vec_push(a->r->arena, &a->r->interfaces) = it;
    }
}

/* ---- Other packages ----------------------------------------------------------------------------------------------- */

/* What there is instead of a package. */
static void help_find(struct append *a, struct diag *x, const struct wit_package_name *name)
{
    enum { NEAR = 1000, VERSIONS = 8, KNOWN = 20 };
    struct diags *d = a->r->diags;
    str near[NEAR];
    struct buf known = buf_in(a->u->scratch);
    u32 versions = 0, n = 0;
    for (u32 i = 0; i < a->r->packages.len; i++) {
        const struct wit_package_name *p = &a->r->packages.data[i].name;
        if (i < KNOWN && i != a->package) {
            buf_printf(&known, "%s`" STRF "`", known.len ? ", " : "",
                       STRA(wit_package_id(a->u->scratch, p)));
        }
        if (!str_eq(p->ns, name->ns)) {
            continue;
        }
        if (!str_eq(p->name, name->name)) {
            near[n] = p->name;
            n += n + 1 < NEAR;
        } else if (versions++ < VERSIONS) {
            diag_help(d, x, "write `" STRF "`: that is the version at hand",
                      STRA(wit_package_id(a->u->scratch, p)));
        }
    }
    struct wit_package_name builtin;
    if (wit_builtin_near(a->u->scratch, name, &builtin)) {
        diag_help(d, x, "the built-in version is `" STRF "`",
                  STRA(wit_package_id(a->u->scratch, &builtin)));
    }
    if (known.len) {
        diag_note(d, x, "known packages: " STRF, STRA(buf_view(&known)));
    }
    str found = near_name(name->name, near, n);
    if (found.len && name->name.len > 3) {
        diag_help(d, x, "did you mean `" STRF ":" STRF "`?", STRA(name->ns), STRA(found));
    }
    diag_help(d, x, "packages are looked for in the folder `deps` beside the files of this one");
}

static u32 find_dep(struct append *a, struct unit_dep *dep)
{
    u32 package = wit_find_package(a->r, &dep->name);
    if (package != WIT_NONE || dep->told) {
        return package;
    }
    str id = wit_package_id(a->r->arena, &dep->name);
    struct diag *x =
        fail(a, "wit-unknown-package", dep->at, "package `" STRF "` not found", STRA(id));
    if (diag_is_kept(a->r->diags, x)) {
        help_find(a, x, &dep->name);
    }
    return WIT_NONE;
}

/* Packages with mistakes may lack what others look for: that is not told again. */
static bool is_broken(struct wit_resolve *r, u32 package)
{
    struct wit_index *x = wit_index_of(r);
    return package < x->broken.len && x->broken.data[package];
}

static void mark_broken(struct wit_resolve *r, u32 package)
{
    struct wit_index *x = wit_index_of(r);
    while (x->broken.len <= package) {
        *vec_push(r->arena, &x->broken) = 0;
    }
    x->broken.data[package] = 1;
}

static bool any_open(struct append *a, const struct unit_foreign_item *item)
{
    for (u32 i = 0; i < item->gates.len; i++) {
        if (open(a, wit_gates_stability(item->gates.data[i]), item->at)) {
            return true;
        }
    }
    return false;
}

static void missing_item(struct append *a, u32 package, const struct unit_foreign_item *item)
{
    const struct wit_package *p = &a->r->packages.data[package];
    bool other = wit_lookup_item(a->r, package, !item->is_world, item->name) != WIT_NONE;
    struct diag *x =
        fail(a, "wit-unknown-name", item->at, "%s `" STRF "` not found in package `" STRF "`",
             item->is_world ? "world" : "interface", STRA(item->name),
             STRA(wit_package_id(a->r->arena, &p->name)));
    if (other) {
        diag_note(a->r->diags, x, "`" STRF "` is %s there", STRA(item->name),
                  item->is_world ? "an interface" : "a world");
        return;
    }
    if (item->is_world) {
        diag_suggest_in(a->r->diags, x, item->name, p->worlds.data, p->worlds.len,
                        sizeof *p->worlds.data);
    } else {
        diag_suggest_in(a->r->diags, x, item->name, p->interfaces.data, p->interfaces.len,
                        sizeof *p->interfaces.data);
    }
}

static void connect_items(struct append *a, struct unit_dep *dep)
{
    u32 package = find_dep(a, dep);
    for (u32 i = 0; i < dep->items.len; i++) {
        struct unit_foreign_item *item = &dep->items.data[i];
        u32 *to = item->is_world ? &a->worlds[item->id] : &a->interfaces[item->id];
        u8 *gated = item->is_world ? &a->gated_worlds[item->id] : &a->gated_interfaces[item->id];
        *to = WIT_NONE;
        *gated = 2;
        if (package == WIT_NONE || package == a->package || is_broken(a->r, package)) {
            continue; /* told already */
        }
        if (!any_open(a, item)) {
            *gated = 1;
            continue;
        }
        *to = wit_lookup_item(a->r, package, item->is_world, item->name);
        if (*to == WIT_NONE) {
            missing_item(a, package, item);
        }
    }
}

static void connect_types(struct append *a)
{
    struct wit_unit *u = a->u;
    for (u32 i = 0; i < u->foreign_types; i++) {
        const struct wit_typedef *t = &u->types.data[i];
        u32 interface = a->interfaces[t->owner.index];
        a->types[i] = WIT_NONE;
        a->gated[i] = 2;
        if (!open(a, &t->stability, t->at)) {
            a->gated[i] = 1;
            continue;
        }
        if (interface == WIT_NONE) {
            continue;
        }
        a->types[i] = wit_lookup_type(a->r, interface, t->name);
        if (a->types[i] == WIT_NONE) {
            const struct wit_interface *it = &a->r->interfaces.data[interface];
            struct diag *x = fail(
                a, "wit-unknown-name", t->at, "type `" STRF "` not defined in interface `" STRF "`",
                STRA(t->name), STRA(wit_interface_id(a->r, a->r->arena, interface)));
            diag_suggest_in(a->r->diags, x, t->name, it->types.data, it->types.len,
                            sizeof *it->types.data);
        }
    }
    for (u32 i = 0; i < u->resources.len; i++) {
        u32 id = a->types[u->resources.data[i].type];
        if (id != WIT_NONE && !is_resource(a->r, id)) {
            fail(a, "wit-not-resource", u->resources.data[i].at,
                 "type used in a handle must be a resource");
        }
    }
}

/* ---- Worlds ------------------------------------------------------------------------------------------------------- */

static bool map_item(struct append *a, struct wit_world_item *item)
{
    if (item->kind == WIT_ITEM_TYPE) {
        item->type = a->types[item->type];
        return item->type != WIT_NONE;
    }
    if (!open(a, &item->stability, item->at)) {
        return false;
    }
    if (item->kind == WIT_ITEM_FUNC) {
        map_function(a, &item->func);
        return item->func.kind == WIT_FREE || item->func.resource != WIT_NONE;
    }
    item->interface = map_interface(a, item->interface, item->at);
    return item->interface != WIT_NONE;
}

static void add_worlds(struct append *a)
{
    struct wit_unit *u = a->u;
    for (u32 i = u->foreign_worlds; i < u->worlds.len; i++) {
        struct wit_world w = u->worlds.data[i].world;
        a->worlds[i] = WIT_NONE;
        if (!open(a, &w.stability, w.at)) {
            a->gated_worlds[i] = 1;
            continue;
        }
        u32 n = 0;
        for (u32 k = 0; k < w.imports.len; k++) {
            if (map_item(a, &w.imports.data[k])) {
                w.imports.data[n++] = w.imports.data[k];
            }
        }
        w.imports.len = n;
        n = 0;
        for (u32 k = 0; k < w.exports.len; k++) {
            if (map_item(a, &w.exports.data[k])) {
                w.exports.data[n++] = w.exports.data[k];
            }
        }
        w.exports.len = n;
        w.package = a->package;
        a->worlds[i] = a->r->worlds.len;
        *vec_push(a->r->arena, &a->r->worlds) = w;
    }
}

/* The includes of a world of the unit that are there. */
static u32 open_includes(struct append *a, const struct unit_world *w, struct wit_include *out)
{
    u32 n = 0;
    for (u32 k = 0; k < w->includes.len; k++) {
        const struct unit_include *inc = &w->includes.data[k];
        if (!open(a, wit_gates_stability(inc->gates), inc->at)) {
            continue;
        }
        u32 from = a->worlds[inc->world];
        if (from != WIT_NONE) {
            out[n++] = (struct wit_include){from, inc->names, inc->name_count, inc->at};
        } else if (a->gated_worlds[inc->world] == 1) {
            excluded(a, inc->at, "world", a->u->worlds.data[inc->world].world.stability.feature,
                     "");
        }
    }
    return n;
}

static void finish_worlds(struct append *a)
{
    struct wit_unit *u = a->u;
    for (u32 i = u->foreign_worlds; i < u->worlds.len; i++) {
        const struct unit_world *w = &u->worlds.data[i];
        if (a->worlds[i] == WIT_NONE) {
            continue;
        }
        struct wit_include *includes = arena_array(u->scratch, struct wit_include, w->includes.len);
        u32 n = open_includes(a, w, includes);
        a->fine &= wit_finish_world(a->r, a->worlds[i], includes, n);
    }
}

/* The package lists what has a name. */
static void list_items(struct append *a)
{
    struct wit_unit *u = a->u;
    struct wit_package *p = &a->r->packages.data[a->package];
    for (u32 i = u->foreign_interfaces; i < u->interfaces.len; i++) {
        if (a->interfaces[i] != WIT_NONE && u->interfaces.data[i].name.len) {
            *vec_push(a->r->arena, &p->interfaces) =
                (struct wit_named_type){u->interfaces.data[i].name, a->interfaces[i]};
        }
    }
    for (u32 i = u->foreign_worlds; i < u->worlds.len; i++) {
        if (a->worlds[i] != WIT_NONE) {
            *vec_push(a->r->arena, &p->worlds) =
                (struct wit_named_type){u->worlds.data[i].world.name, a->worlds[i]};
        }
    }
}

bool wit_append_unit(struct wit_resolve *r, struct wit_unit *u, u32 *package)
{
    struct append a = {.r = r, .u = u, .package = r->packages.len, .fine = true};
    *package = a.package;
    *vec_push(r->arena, &r->packages) = (struct wit_package){
        .name = u->name, .docs = u->docs, .built_in = u->built_in, .at = u->at};
    vec_reserve(r->arena, &r->types, u->types.len);
    a.types = arena_array(u->scratch, u32, u->types.len);
    a.gated = arena_array(u->scratch, u8, u->types.len);
    a.interfaces = arena_array(u->scratch, u32, u->interfaces.len);
    a.gated_interfaces = arena_array(u->scratch, u8, u->interfaces.len);
    a.worlds = arena_array(u->scratch, u32, u->worlds.len);
    a.gated_worlds = arena_array(u->scratch, u8, u->worlds.len);
    for (u32 i = 0; i < u->deps.len; i++) {
        connect_items(&a, &u->deps.data[i]);
    }
    connect_types(&a);
    if (u->broken) {
        mark_broken(r, a.package);
        return false;
    }
    add_types(&a);
    add_interfaces(&a);
    map_owners(&a, WIT_OWNER_INTERFACE);
    add_worlds(&a);
    map_owners(&a, WIT_OWNER_WORLD);
    finish_worlds(&a);
    list_items(&a);
    if (!a.fine) {
        mark_broken(r, a.package);
    }
    return a.fine;
}
