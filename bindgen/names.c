/* names.c - how things of WIT are called in C. */
#include "gen.h"

#include <stdlib.h>

/* ---- Cases ---------------------------------------------------------------------------------------- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_alnum(char c)
{
    return is_lower(c) || is_upper(c) || (c >= '0' && c <= '9');
}

/* Words end where anything but a letter or digit stands, before a capital that follows a small letter, and before
 * the last of several capitals that a small letter follows. */
static str join_words(struct arena *a, str name, bool upper)
{
    struct buf b = buf_in(a);
    bool pending = false; /* a word has ended */
    char last = 0;        /* the last letter, which tells the case of what came */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_alnum(c)) {
            pending = b.len > 0;
            last = 0;
            continue;
        }
        char next = i + 1 < name.len ? name.ptr[i + 1] : 0;
        if (is_upper(c) && (is_lower(last) || (is_upper(last) && is_lower(next))))
            pending = b.len > 0;
        if (pending)
            buf_byte(&b, '_');
        pending = false;
        if (is_lower(c) || is_upper(c))
            last = c;
        char folded = c;
        if (upper && is_lower(c))
            folded = (char)(c - 'a' + 'A');
        else if (!upper && is_upper(c))
            folded = (char)(c - 'A' + 'a');
        buf_byte(&b, (u8)folded);
    }
    return b.len ? buf_view(&b) : STR("");
}

str bindgen_snake(struct arena *a, str name)
{
    return join_words(a, name, false);
}

str bindgen_shouty(struct arena *a, str name)
{
    return join_words(a, name, true);
}

bool bindgen_is_identifier(str s)
{
    if (s.len == 0 || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '_')
            return false;
    }
    return true;
}

/* ---- Reserved words --------------------------------------------------------------------------------- */

static const str keywords[] = {
#define KEYWORD(word) STR_INIT(#word),
#include "keywords.def"
#undef KEYWORD
};

static int compare_word(const void *key, const void *entry)
{
    return str_cmp(*(const str *)key, *(const str *)entry);
}

str bindgen_identifier(struct arena *a, str name)
{
    str snake = bindgen_snake(a, name);
    bool reserved =
        bsearch(&snake, keywords, LENGTH_OF(keywords), sizeof *keywords, compare_word) != NULL;
    return reserved ? str_concat(a, snake, STR("_")) : snake;
}

/* ---- Uniqueness ---------------------------------------------------------------------------------------- */

/* `name` with a number in front of a final `_t`. */
static str numbered(struct arena *a, str name, u32 n)
{
    bool type = str_ends(name, STR("_t"));
    str stem = type ? str_sub(name, 0, name.len - 2) : name;
    return str_printf(a, STRF "_%u%s", STRA(stem), n, type ? "_t" : "");
}

/* Where the search for a free number goes on: it is kept with the plain name. */
static u32 next_number(const struct map *m, str name, u32 least)
{
    u32 n = map_get(m, name);
    return n == MAP_NONE || n < least ? least : n;
}

str bindgen_claim(struct gen *g, str name, span at, str what)
{
    if (map_add(g->arena, &g->symbols, name, 0) == MAP_NONE)
        return name;
    u32 n = next_number(&g->symbols, name, 2);
    str free = numbered(g->arena, name, n++);
    while (map_add(g->arena, &g->symbols, free, 0) != MAP_NONE)
        free = numbered(g->arena, name, n++);
    map_put(g->arena, &g->symbols, name, n);
    if (what.len > 0)
        diag_warning(g->diags, "c-name", at,
                     STRF " is called `" STRF "` in C, because `" STRF "` is taken", STRA(what),
                     STRA(free), STRA(name));
    return free;
}

static bool take_local(struct locals *l, str name)
{
    return map_get(&l->g->symbols, name) == MAP_NONE &&
           map_add(l->g->arena, &l->taken, name, 0) == MAP_NONE;
}

str bindgen_local(struct locals *l, str name)
{
    str free = name;
    while (!take_local(l, free))
        free = str_printf(l->g->arena, STRF "%u", STRA(name), l->counter++);
    return free;
}

/* ---- Interfaces -------------------------------------------------------------------------------------------- */

static bool same_package_name(const struct wit_package_name *a, const struct wit_package_name *b)
{
    return str_eq(a->ns, b->ns) && str_eq(a->name, b->name);
}

/* The version is part of the name only where the resolve has the package in several versions. */
static void put_version(struct gen *g, struct buf *b, const struct wit_package_name *name)
{
    bool several = false;
    for (u32 i = 0; i < g->r->packages.len; i++) {
        const struct wit_package_name *other = &g->r->packages.data[i].name;
        several |=
            same_package_name(name, other) && !str_eq(name->version.text, other->version.text);
    }
    if (!several || name->version.text.len == 0)
        return;
    for (size_t i = 0; i < name->version.text.len; i++)
        buf_byte(b, is_alnum(name->version.text.ptr[i]) ? (u8)name->version.text.ptr[i] : '_');
    buf_byte(b, '_');
}

static const struct bindgen_rename *find_rename(const struct gen *g, str key)
{
    const struct bindgen_rename *found = NULL;
    for (u32 i = 0; i < g->options->rename_count; i++) {
        if (str_eq(g->options->renames[i].from, key))
            found = &g->options->renames[i];
    }
    return found;
}

/* Do two interfaces have a type or a function of the same name? */
static bool have_common_names(const struct gen *g, u32 a, u32 b)
{
    const struct wit_interface *x = &g->r->interfaces.data[a], *y = &g->r->interfaces.data[b];
    struct map names = {0};
    bool common = false;
    for (u32 i = 0; i < x->types.len; i++)
        map_put(g->arena, &names, x->types.data[i].name, 1);
    for (u32 i = 0; i < x->funcs.len; i++)
        map_put(g->arena, &names, x->funcs.data[i].name, 1);
    for (u32 i = 0; i < y->types.len; i++)
        common |= map_get(&names, y->types.data[i].name) != MAP_NONE;
    for (u32 i = 0; i < y->funcs.len; i++)
        common |= map_get(&names, y->funcs.data[i].name) != MAP_NONE;
    return common;
}

/* Is there an import of the same plain name that the export would clash with? */
static bool clashes_with_import(const struct gen *g, const struct wit_world_item *export)
{
    const struct wit_world *w = &g->r->worlds.data[g->world];
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_INTERFACE && item->has_key_name &&
            str_eq(item->name, export->name))
            return have_common_names(g, item->interface, export->interface);
    }
    return false;
}

static str interface_prefix(struct gen *g, const struct wit_world_item *item, str key,
                            bool exported)
{
    struct buf b = buf_in(g->arena);
    const struct bindgen_rename *rename = find_rename(g, key);
    if (exported && (!item->has_key_name || clashes_with_import(g, item)))
        buf_c(&b, "exports_");
    if (rename) {
        buf_str(&b, rename->to);
        return buf_view(&b);
    }
    if (item->has_key_name) {
        buf_str(&b, bindgen_snake(g->arena, item->name));
        return buf_view(&b);
    }
    const struct wit_interface *i = &g->r->interfaces.data[item->interface];
    const struct wit_package_name *package = &g->r->packages.data[i->package].name;
    PUT(&b, "$0_$1_", bindgen_snake(g->arena, package->ns), bindgen_snake(g->arena, package->name));
    put_version(g, &b, package);
    buf_str(&b, bindgen_snake(g->arena, i->name));
    return buf_view(&b);
}

/* Every rename must fit an interface and be an identifier. */
static void check_renames(struct gen *g, const str *keys, u32 n)
{
    for (u32 i = 0; i < g->options->rename_count; i++) {
        const struct bindgen_rename *rename = &g->options->renames[i];
        bool fits = false;
        for (u32 k = 0; k < n; k++)
            fits |= str_eq(keys[k], rename->from);
        if (!fits) {
            struct diag *x =
                diag_error(g->diags, "bindgen-option", (span){0},
                           "the world has no interface `" STRF "` to rename", STRA(rename->from));
            diag_suggest(g->diags, x, rename->from, keys, n);
            g->failed = true;
        }
        if (!bindgen_is_identifier(rename->to)) {
            diag_error(g->diags, "bindgen-option", (span){0}, "`" STRF "` is not a name in C",
                       STRA(rename->to));
            g->failed = true;
        }
    }
}

bool bindgen_assign_roles(struct gen *g)
{
    const struct wit_world *w = &g->r->worlds.data[g->world];
    struct map prefixes = {0};
    VEC(str) keys = {0};
    for (u32 i = 0; i < w->imports.len + w->exports.len; i++) {
        bool exported = i >= w->imports.len;
        const struct wit_world_item *item =
            exported ? &w->exports.data[i - w->imports.len] : &w->imports.data[i];
        if (item->kind != WIT_ITEM_INTERFACE)
            continue;
        str key = wit_item_name(g->r, g->arena, item);
        struct role *role = &g->roles[item->interface];
        *vec_push(g->arena, &keys) = key;
        if (role->used) {
            diag_unsupported(g->diags, item->at, "an interface that stands twice in a world");
            return false;
        }
        str ns = interface_prefix(g, item, key, exported), free = ns;
        for (u32 n = 2; !map_put(g->arena, &prefixes, free, i); n++)
            free = numbered(g->arena, ns, n);
        *role = (struct role){true, exported, free, key};
    }
    check_renames(g, keys.data, keys.len);
    return !g->failed;
}

str bindgen_function_name(struct gen *g, const struct wit_func *f)
{
    str func = bindgen_snake(g->arena, f->name);
    str name = str_printf(g->arena, "%s" STRF "_" STRF,
                          g->interface == WIT_NONE && g->exporting ? "exports_" : "", STRA(g->ns),
                          STRA(func));
    return bindgen_claim(g, name, f->at,
                         str_printf(g->arena, "the function `" STRF "`", STRA(f->name)));
}
