/* elaborate.c - worlds: what they include, and all that their items need. */
#include "clone.h"
#include "compare.h"
#include "index.h"
#include "unit.h"

#define MAX_BROUGHT 250000u /* items of worlds that no text writes: some 150 MB */

/* ---- Lists of world items with their keys --------------------------------------------------------------- */

/* Lives in an arena of its own; what comes of it goes into the world at the end. */
struct items {
    wit_world_items list;
    struct map keys; /* into the list */
};

static bool add(struct wit_resolve *r, struct arena *scratch, struct items *to,
                const struct wit_world_item *item)
{
    if (map_add(scratch, &to->keys, wit_item_key(r, item), to->list.len) != MAP_NONE) {
        return false;
    }
    *vec_push(scratch, &to->list) = *item;
    return true;
}

static void fill(struct wit_resolve *r, struct arena *scratch, struct items *to,
                 const wit_world_items *from)
{
    for (u32 i = 0; i < from->len; i++) {
        add(r, scratch, to, &from->data[i]);
    }
}

/* The world's array stays where the list fits into it. */
static void store(struct wit_resolve *r, wit_world_items *to, const wit_world_items *from)
{
    if (from->len > to->cap) {
        to->data = arena_array(r->arena, struct wit_world_item, from->len);
        to->cap = from->len;
    }
    if (from->len) {
        memcpy(to->data, from->data, from->len * sizeof *to->data);
    }
    to->len = from->len;
}

static struct wit_world_item interface_item(u32 id, const struct wit_world_item *like)
{
    return (struct wit_world_item){.kind = WIT_ITEM_INTERFACE,
                                   .interface = id,
                                   .type = WIT_NONE,
                                   .stability = like->stability,
                                   .at = like->at};
}

/* ---- include ----------------------------------------------------------------------------------------------- */

struct include {
    struct wit_resolve *r;
    struct arena *scratch;
    const struct wit_include *what;
    bool external;
    struct map renames; /* into what->names */
    struct wit_cloner cloner;
};

/* The part of a name that `with` renames: behind any prefixes, before a method's dot. */
static str renamed_part(str name, str *prefix, str *rest)
{
    size_t from = 0;
    while (from < name.len && name.ptr[from] == '[') {
        size_t close = str_find_char(name, ']', from);
        if (close == SIZE_MAX) {
            break;
        }
        from = close + 1;
    }
    size_t dot = str_find_char(name, '.', from);
    dot = dot == SIZE_MAX ? name.len : dot;
    *prefix = str_sub(name, 0, from);
    *rest = str_sub(name, dot, name.len);
    return str_sub(name, from, dot);
}

static str renamed(struct include *inc, str name)
{
    str prefix, rest, part = renamed_part(name, &prefix, &rest);
    u32 i = map_get(&inc->renames, part);
    return i == MAP_NONE ? name
                         : str_printf(inc->r->arena, STRF STRF STRF, STRA(prefix),
                                      STRA(inc->what->names[i].alias.name), STRA(rest));
}

/* Both worlds have the interface. */
static bool merge_stability(struct include *inc, const struct wit_world_item *from,
                            struct wit_world_item *into)
{
    if (inc->external && from->stability.kind == WIT_STABLE) {
        into->stability = (struct wit_stability){0};
    } else if (into->stability.kind == WIT_STABILITY_UNKNOWN) {
        into->stability = from->stability;
    } else if (from->stability.kind != WIT_STABILITY_UNKNOWN &&
               !wit_same_stability(&from->stability, &into->stability)) {
        struct diag *x = diag_error(inc->r->diags, "wit-stability", inc->what->at,
                                    "mismatch in stability from `" STRF "`",
                                    STRA(wit_interface_id(inc->r, inc->r->arena, from->interface)));
        diag_label(inc->r->diags, x, from->at, "one gate");
        diag_label(inc->r->diags, x, into->at, "another gate");
        return false;
    }
    return true;
}

static bool include_item(struct include *inc, struct items *to, const struct wit_world_item *from,
                         const char *verb)
{
    struct wit_world_item item = *from;
    if (!item.has_key_name) {
        u32 prior = map_get(&to->keys, wit_item_key(inc->r, &item));
        if (prior == MAP_NONE) {
            if (inc->external && item.stability.kind == WIT_STABLE) {
                item.stability = (struct wit_stability){0};
            }
            return add(inc->r, inc->scratch, to, &item);
        }
        return merge_stability(inc, from, &to->list.data[prior]);
    }
    item.name = renamed(inc, item.name);
    if (item.kind == WIT_ITEM_TYPE) {
        item.type = wit_clone_type(&inc->cloner, item.type);
        inc->r->types.data[item.type].name = item.name;
    } else if (item.kind == WIT_ITEM_FUNC) {
        wit_clone_function(&inc->cloner, &item.func);
        item.func.name = item.name;
    } else if (!inc->r->interfaces.data[item.interface].name.len) {
        item.interface = wit_clone_interface(&inc->cloner, item.interface);
    }
    u32 prior = map_get(&to->keys, item.name);
    if (prior == MAP_NONE) {
        return add(inc->r, inc->scratch, to, &item);
    }
    struct diag *x =
        diag_error(inc->r->diags, "wit-shadowed", inc->what->at,
                   "%s of `" STRF "` shadows previously %sed items", verb, STRA(item.name), verb);
    diag_label(inc->r->diags, x, to->list.data[prior].at, "already here");
    diag_label(inc->r->diags, x, from->at, "included from here");
    str prefix, rest, part = renamed_part(item.name, &prefix, &rest);
    diag_help(inc->r->diags, x, "rename it: `include ... with { " STRF " as other-name }`",
              STRA(part));
    return false;
}

/* Each name of `with` must be one of the included world. */
static bool check_renames(struct include *inc, const struct wit_world *from)
{
    bool fine = true;
    struct map parts = {0};
    str prefix, rest;
    if (!inc->what->name_count) {
        return true;
    }
    for (u32 i = 0; i < from->imports.len + from->exports.len; i++) {
        const struct wit_world_item *item = i < from->imports.len
                                                ? &from->imports.data[i]
                                                : &from->exports.data[i - from->imports.len];
        if (item->has_key_name) {
            map_put(inc->scratch, &parts, renamed_part(item->name, &prefix, &rest), 1);
        }
    }
    for (u32 i = 0; i < inc->what->name_count; i++) {
        str name = inc->what->names[i].name.name;
        map_add(inc->scratch, &inc->renames, name, i);
        if (map_get(&parts, name) != MAP_NONE) {
            continue;
        }
        fine = false;
        struct diag *x = diag_error(inc->r->diags, "wit-include-name", inc->what->at,
                                    "no import or export kebab-name `" STRF
                                    "`. Note that an ID does not support renaming",
                                    STRA(name));
        diag_label(inc->r->diags, x,
                   (span){inc->what->at.source, inc->what->names[i].name.start,
                          inc->what->names[i].name.end},
                   "the world `" STRF "` has no such name", STRA(from->name));
        diag_suggest_in(inc->r->diags, x, name, parts.len ? &parts.entries->key : NULL, parts.len,
                        sizeof *parts.entries);
    }
    return fine;
}

/* The items of both sides of the world that includes. */
static bool include(struct wit_resolve *r, struct arena *scratch, u32 into, struct items sides[2],
                    const struct wit_include *what)
{
    struct wit_world source = r->worlds.data[what->from];
    u32 package = r->worlds.data[into].package;
    struct include inc = {.r = r, .scratch = scratch, .what = what};
    inc.external = package != source.package;
    inc.cloner = (struct wit_cloner){.r = r,
                                     .scratch = scratch,
                                     .from = {WIT_OWNER_WORLD, what->from},
                                     .to = {WIT_OWNER_WORLD, into},
                                     .package = package};
    if (!check_renames(&inc, &source)) {
        return false;
    }
    bool fine = true;
    for (u32 i = 0; i < source.imports.len; i++) {
        fine &= include_item(&inc, &sides[0], &source.imports.data[i], "import");
    }
    for (u32 i = 0; i < source.exports.len && fine; i++) {
        fine &= include_item(&inc, &sides[1], &source.exports.data[i], "export");
    }
    return fine;
}

static bool include_all(struct wit_resolve *r, struct arena *scratch, u32 world,
                        const struct wit_include *includes, u32 n)
{
    bool fine = true;
    struct items sides[2] = {0};
    struct wit_world *w = &r->worlds.data[world];
    fill(r, scratch, &sides[0], &w->imports);
    fill(r, scratch, &sides[1], &w->exports);
    for (u32 i = 0; i < n; i++) {
        fine &= include(r, scratch, world, sides, &includes[i]);
    }
    store(r, &w->imports, &sides[0].list);
    store(r, &w->exports, &sides[1].list);
    return fine;
}

/* ---- Names ----------------------------------------------------------------------------------------------------- */

static bool check_unique(struct wit_resolve *r, struct arena *scratch, const struct wit_world *w,
                         const struct wit_world_item *list, u32 n, const char *verb)
{
    struct map seen = {0};
    bool fine = true;
    for (u32 i = 0; i < n; i++) {
        if (!list[i].has_key_name) {
            continue;
        }
        u32 prior = map_add(scratch, &seen, wit_canonical_name(scratch, list[i].name), i);
        if (prior != MAP_NONE) {
            fine = false;
            struct diag *x =
                diag_error(r->diags, "wit-duplicate", list[i].at,
                           "%s `" STRF "` in world `" STRF "` conflicts with %s `" STRF "`", verb,
                           STRA(list[i].name), STRA(w->name), verb, STRA(list[prior].name));
            diag_label(r->diags, x, list[prior].at, "first defined here");
            diag_note(r->diags, x, "names must differ by more than case, `-` and `[...]`");
        }
    }
    return fine;
}

/* Setters stand behind their getters; one without is a mistake. */
static bool place_setters(struct wit_resolve *r, struct arena *scratch, const struct wit_world *w,
                          struct wit_world_item *list, u32 n, const char *verb)
{
    struct map index = {0};
    bool any = false, fine = true;
    for (u32 i = 0; i < n; i++) {
        any |= list[i].kind == WIT_ITEM_FUNC && list[i].func.accessor == WIT_SETTER;
        map_add(scratch, &index, wit_item_key(r, &list[i]), i);
    }
    if (!any) {
        return true;
    }
    struct wit_world_item *sorted = arena_array(scratch, struct wit_world_item, n);
    u32 *waiting = arena_array(scratch, u32, n), len = 0;
    for (u32 i = 0; i < n; i++) {
        u32 getter = i;
        if (list[i].kind == WIT_ITEM_FUNC && list[i].func.accessor == WIT_SETTER) {
            str name = wit_getter_of(scratch, list[i].name);
            getter = map_get(&index, name);
            if (getter == MAP_NONE) {
                fine = false;
                diag_error(r->diags, "wit-accessor", list[i].at,
                           "%s `" STRF "` in world `" STRF "` has no corresponding getter `" STRF
                           "`",
                           verb, STRA(list[i].name), STRA(w->name), STRA(name));
            } else {
                fine &= wit_check_setter(r, &list[getter].func, &list[i].func);
                if (getter > i) {
                    waiting[getter] = i + 1;
                    continue;
                }
            }
        }
        sorted[len++] = list[i];
        if (waiting[i]) {
            sorted[len++] = list[waiting[i] - 1];
        }
    }
    memcpy(list, sorted, len * sizeof *list);
    return fine;
}

static bool check_names(struct wit_resolve *r, struct arena *scratch, u32 world)
{
    const struct wit_world *w = &r->worlds.data[world];
    bool fine = check_unique(r, scratch, w, w->imports.data, w->imports.len, "import");
    fine &= check_unique(r, scratch, w, w->exports.data, w->exports.len, "export");
    fine &= place_setters(r, scratch, w, w->imports.data, w->imports.len, "import");
    fine &= place_setters(r, scratch, w, w->exports.data, w->exports.len, "export");
    return fine;
}

/* ---- Elaboration: everything that is needed, in order --------------------------------------------------------- */

/* One interface on the way down: its next type to look at. */
struct step {
    struct wit_world_item item;
    u32 next;
    bool exported;
};
struct elaborate {
    struct wit_resolve *r;
    struct arena *scratch;
    u32 world;
    struct items imports, exports;
    struct map wanted;   /* exported interfaces, by key */
    struct map required; /* interfaces that an export needs as imports */
    VEC(struct step) stack;
};

/* Interfaces, then types (used ones first), then functions, then those of resources: as a world is printed. */
static u32 rank(const struct wit_resolve *r, const struct wit_world_item *item)
{
    switch (item->kind) {
    case WIT_ITEM_INTERFACE: return 0;
    case WIT_ITEM_TYPE: {
        const struct wit_typedef *t = &r->types.data[item->type];
        if (t->kind == WIT_ALIAS && t->first.kind == WIT_ID) {
            struct wit_owner o = r->types.data[t->first.id].owner;
            return o.kind == t->owner.kind && o.index == t->owner.index ? 2 : 1;
        }
        return 2;
    }
    default: return item->func.kind == WIT_FREE ? 3 : 4;
    }
}

static void sort_items(struct elaborate *e, struct wit_world_item *list, u32 n)
{
    u32 starts[6] = {0};
    u8 *ranks = arena_array(e->scratch, u8, n);
    bool sorted = true;
    for (u32 i = 0; i < n; i++) {
        ranks[i] = (u8)rank(e->r, &list[i]);
        starts[ranks[i] + 1]++;
        sorted &= i == 0 || ranks[i - 1] <= ranks[i];
    }
    if (sorted) {
        return;
    }
    for (u32 k = 1; k < 5; k++) {
        starts[k] += starts[k - 1];
    }
    struct wit_world_item *copy = arena_array(e->scratch, struct wit_world_item, n);
    memcpy(copy, list, n * sizeof *list);
    for (u32 i = 0; i < n; i++) {
        list[starts[ranks[i]]++] = copy[i];
    }
}

/* The next interface that the one on top of the stack needs, or WIT_NONE. */
static u32 next_dep(const struct elaborate *e, struct step *s)
{
    const struct wit_interface *it = &e->r->interfaces.data[s->item.interface];
    while (s->next < it->types.len) {
        u32 dep = wit_type_dep(e->r, it->types.data[s->next++].type);
        if (dep != WIT_NONE) {
            return dep;
        }
    }
    return WIT_NONE;
}

static void push(struct elaborate *e, const struct wit_world_item *item, bool exported)
{
    *vec_push(e->scratch, &e->stack) = (struct step){*item, 0, exported};
}

static bool has(struct elaborate *e, const struct items *items, const struct wit_world_item *item)
{
    return map_get(&items->keys, wit_item_key(e->r, item)) != MAP_NONE;
}

static void add_import(struct elaborate *e, const struct wit_world_item *item)
{
    if (has(e, &e->imports, item)) {
        return;
    }
    push(e, item, false);
    while (e->stack.len) {
        struct step *s = vec_last(&e->stack);
        u32 dep = next_dep(e, s);
        if (dep == WIT_NONE) {
            add(e->r, e->scratch, &e->imports, &s->item);
            e->stack.len--;
            continue;
        }
        struct wit_world_item need = interface_item(dep, &s->item);
        if (!has(e, &e->imports, &need)) {
            push(e, &need, false);
        }
    }
}

/* An export reaches `id` both as an import and as an export. Says the way, which is the stack. */
static void report_mixed(struct elaborate *e, const struct wit_world_item *top, u32 id)
{
    struct wit_resolve *r = e->r;
    const struct wit_world *w = &r->worlds.data[e->world];
    struct diag *x =
        diag_error(r->diags, "wit-import-and-export", w->at,
                   "interface `" STRF "` transitively depends on an interface in incompatible ways",
                   STRA(wit_item_name(r, r->arena, top)));
    diag_label(r->diags, x, top->at, "exported here");
    struct buf b = buf_in(e->scratch);
    str first = {NULL, 0};
    for (u32 i = 0; i < e->stack.len; i++) {
        const struct step *s = &e->stack.data[i];
        str name = wit_item_name(r, e->scratch, &s->item);
        if (!s->exported && !first.ptr) {
            first = name;
        }
        buf_printf(&b, "`" STRF "` (%s) needs ", STRA(name), s->exported ? "exported" : "imported");
    }
    str last = wit_interface_id(r, r->arena, id);
    diag_note(r->diags, x, STRF "`" STRF "`", STRA(buf_view(&b)), STRA(last));
    diag_note(r->diags, x,
              "`" STRF "` would be there twice, imported and exported, with types that differ",
              STRA(last));
    if (first.ptr) {
        diag_help(r->diags, x, "export `" STRF "` too", STRA(first));
    } else {
        diag_help(r->diags, x, "do not export `" STRF "`, or export all that needs it", STRA(last));
    }
}

/* Comes to an interface that an export needs, or that is exported. False: it is there both ways. */
static bool enter(struct elaborate *e, const struct wit_world_item *item, bool exported)
{
    if (has(e, &e->exports, item)) {
        return exported;
    }
    if (exported || map_get(&e->required, wit_interface_key(e->r, item->interface)) == MAP_NONE) {
        push(e, item, exported);
    }
    return true;
}

static bool leave(struct elaborate *e)
{
    struct step s = *vec_last(&e->stack);
    e->stack.len--;
    str id = wit_interface_key(e->r, s.item.interface);
    if (s.exported) {
        if (map_get(&e->required, id) != MAP_NONE) {
            return false;
        }
        add(e->r, e->scratch, &e->exports, &s.item);
    } else {
        map_put(e->scratch, &e->required, id, 1);
        add(e->r, e->scratch, &e->imports, &s.item);
    }
    return true;
}

static bool add_export(struct elaborate *e, const struct wit_world_item *item)
{
    e->stack.len = 0;
    bool fine = enter(e, item, true);
    while (fine && e->stack.len) {
        struct step *s = vec_last(&e->stack);
        u32 dep = next_dep(e, s);
        u32 at = dep;
        if (dep == WIT_NONE) {
            at = s->item.interface;
            fine = leave(e);
        } else {
            struct wit_world_item need = interface_item(dep, &s->item);
            need.external_id = s->item.external_id;
            bool exported =
                s->exported && map_get(&e->wanted, wit_interface_key(e->r, dep)) != MAP_NONE;
            fine = enter(e, &need, exported);
        }
        if (!fine) {
            report_mixed(e, item, at);
        }
    }
    return fine;
}

static void elaborate_imports(struct elaborate *e)
{
    struct wit_world *w = &e->r->worlds.data[e->world];
    sort_items(e, w->imports.data, w->imports.len);
    vec_reserve(e->scratch, &e->imports.list, w->imports.len);
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_INTERFACE) {
            add_import(e, item);
            continue;
        }
        u32 dep = item->kind == WIT_ITEM_TYPE ? wit_type_dep(e->r, item->type) : WIT_NONE;
        if (dep != WIT_NONE) {
            struct wit_world_item need = interface_item(dep, item);
            need.stability = e->r->types.data[item->type].stability;
            add_import(e, &need);
        }
        add(e->r, e->scratch, &e->imports, item);
    }
}

static bool elaborate_exports(struct elaborate *e)
{
    struct wit_world *w = &e->r->worlds.data[e->world];
    bool fine = true;
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *item = &w->exports.data[i];
        if (item->kind != WIT_ITEM_INTERFACE) {
            add(e->r, e->scratch, &e->exports, item);
        } else {
            map_put(e->scratch, &e->wanted, wit_item_key(e->r, item), i);
        }
    }
    for (u32 i = 0; i < w->exports.len && fine; i++) {
        if (w->exports.data[i].kind == WIT_ITEM_INTERFACE) {
            fine = add_export(e, &w->exports.data[i]);
        }
    }
    return fine;
}

/* ---- Circles of interfaces --------------------------------------------------------------------------------- */

/* Text has none: they come from joining what was apart. */
static bool check_circles(struct wit_resolve *r, struct arena *scratch)
{
    enum { UNSEEN, OPEN, DONE };
    u8 *state = arena_array(scratch, u8, r->interfaces.len);
    u32 *next = arena_array(scratch, u32, r->interfaces.len);
    VEC(u32) stack = {0};
    for (u32 root = 0; root < r->interfaces.len; root++) {
        if (state[root] != UNSEEN) {
            continue;
        }
        state[root] = OPEN;
        *vec_push(scratch, &stack) = root;
        while (stack.len) {
            u32 top = *vec_last(&stack);
            const struct wit_interface *it = &r->interfaces.data[top];
            if (next[top] == it->types.len) {
                state[top] = DONE;
                stack.len--;
                continue;
            }
            u32 type = it->types.data[next[top]++].type, dep = wit_type_dep(r, type);
            if (dep == WIT_NONE || state[dep] == DONE) {
                continue;
            }
            if (state[dep] == OPEN) {
                diag_error(r->diags, "wit-cycle", r->types.data[type].at,
                           "interfaces would depend on each other: `" STRF "` and `" STRF "`",
                           STRA(wit_interface_id(r, r->arena, top)),
                           STRA(wit_interface_id(r, r->arena, dep)));
                return false;
            }
            state[dep] = OPEN;
            *vec_push(scratch, &stack) = dep;
        }
    }
    return true;
}

bool wit_check_circles(struct wit_resolve *r)
{
    struct arena_temp temp;
    arena_temp_begin(&temp);
    bool fine = check_circles(r, &temp.arena);
    arena_temp_end(&temp);
    return fine;
}

static bool elaborate(struct wit_resolve *r, struct arena *scratch, u32 world)
{
    struct elaborate e = {.r = r, .scratch = scratch, .world = world};
    elaborate_imports(&e);
    bool fine = elaborate_exports(&e);
    if (fine) {
        struct wit_world *w = &r->worlds.data[world];
        sort_items(&e, e.imports.list.data, e.imports.list.len);
        store(r, &w->imports, &e.imports.list);
        store(r, &w->exports, &e.exports.list);
    }
    return fine;
}

bool wit_elaborate_world(struct wit_resolve *r, u32 world)
{
    struct arena_temp temp;
    arena_temp_begin(&temp);
    bool fine = elaborate(r, &temp.arena, world);
    arena_temp_end(&temp);
    return fine;
}

/* Each world of a long chain has what all before it have, which grows with the square of its length. Where that has
 * become too much, worlds are not completed any more.
 */
static bool count_brought(struct wit_resolve *r, const struct wit_world *w, u64 written)
{
    struct wit_index *x = wit_index_of(r);
    u64 all = (u64)w->imports.len + w->exports.len;
    x->brought += all > written ? all - written : 0;
    if (x->brought <= MAX_BROUGHT) {
        return true;
    }
    struct diag *d = diag_error(
        r->diags, "wit-too-many-items", w->at,
        "what worlds include, and what they need, comes to more than %u items in all", MAX_BROUGHT);
    diag_note(r->diags, d, "a world has all items of the worlds that it includes");
    return false;
}

bool wit_finish_world(struct wit_resolve *r, u32 world, const struct wit_include *includes, u32 n)
{
    const struct wit_world *w = &r->worlds.data[world];
    u64 written = (u64)w->imports.len + w->exports.len;
    if (wit_index_of(r)->brought > MAX_BROUGHT) {
        return false; /* told already */
    }
    struct arena_temp temp;
    arena_temp_begin(&temp);
    bool fine = !n || include_all(r, &temp.arena, world, includes, n);
    fine &= check_names(r, &temp.arena, world);
    fine &= elaborate(r, &temp.arena, world);
    arena_temp_end(&temp);
    return count_brought(r, w, written) && fine;
}
