/* files.c - from paths to packages: directories with deps/, single files, WIT in binary form; their order. */
#include "encode.h"
#include "index.h"
#include "pool.h"
#include "snapshot.h"
#include "unit.h"

#include <stdlib.h>

/* A file of deps/ in binary form. */
struct binary_dep {
    struct wit_resolve *graph; /* what it decodes to */
    bool placed;               /* in the graph of all */
};

struct load {
    struct wit_resolve *r;
    struct arena *scratch;
    struct wit_pool *pool;
    struct wit_skipped skipped;
    VEC(struct wit_unit *) units;
    VEC(struct binary_dep) binaries;
    struct map by_name; /* package id, into units */
    u32 main;           /* unit, or WIT_NONE: a binary package */
    u32 package;        /* its package, or that of the binary */
    bool fine;
};

/* ---- Units of text ------------------------------------------------------------------------------------- */

static struct wit_unit *new_unit(struct load *l)
{
    struct wit_unit *u = arena_new(l->scratch, struct wit_unit);
    u->arena = l->r->arena;
    u->scratch = l->scratch;
    u->diags = l->r->diags;
    u->skipped = &l->skipped;
    return u;
}

static span package_span(const struct ast_decls *file)
{
    return (span){file->source, file->package.start, file->package.end};
}

/* Adds a file to the unit of its package: its name and docs must agree with those of the others. */
static void add_file(struct load *l, struct wit_unit *u, const struct ast_decls *file)
{
    *vec_push(l->scratch, &u->files) = file;
    if (!file->has_package) {
        return;
    }
    span at = package_span(file);
    if (!u->has_name) {
        u->has_name = true;
        u->name = file->package.name;
        u->at = at;
    } else if (!str_eq(wit_package_id(l->scratch, &u->name),
                       wit_package_id(l->scratch, &file->package.name))) {
        struct diag *x = wit_unit_error(u, "wit-package-name", at,
                                        "package identifier `" STRF
                                        "` does not match previous package name of `" STRF "`",
                                        STRA(wit_package_id(l->r->arena, &file->package.name)),
                                        STRA(wit_package_id(l->r->arena, &u->name)));
        diag_label(l->r->diags, x, u->at, "the other name");
        diag_note(l->r->diags, x, "the files of a directory make one package");
    }
    if (file->docs.ptr) {
        span docs = {file->source, file->docs_at.start, file->docs_at.end};
        if (u->docs.ptr) {
            struct diag *x = wit_unit_error(u, "wit-package-docs", docs,
                                            "found doc comments on multiple 'package' items");
            diag_label(l->r->diags, x, u->docs_at, "the others");
        }
        u->docs = file->docs;
        u->docs_at = docs;
    }
}

static void add_unit(struct load *l, struct wit_unit *u)
{
    *vec_push(l->scratch, &l->units) = u;
    if (!u->has_name) {
        return;
    }
    str id = wit_package_id(l->scratch, &u->name);
    u32 prior = map_add(l->scratch, &l->by_name, id, l->units.len - 1);
    if (prior != MAP_NONE) {
        struct diag *x =
            wit_unit_error(u, "wit-duplicate-package", u->at, "package `" STRF "` is defined twice",
                           STRA(str_dup(l->r->arena, id)));
        diag_label(l->r->diags, x, l->units.data[prior]->at, "first defined here");
        u->has_name = false;
        l->fine = false;
    }
}

/* A file and its nested packages, which become units of their own. */
static void add_ast(struct load *l, struct wit_unit *main, const struct ast_decls *file)
{
    add_file(l, main, file);
    for (u32 i = 0; i < file->item_count; i++) {
        if (file->items[i].kind == AST_PACKAGE) {
            struct wit_unit *u = new_unit(l);
            add_file(l, u, file->items[i].nested);
            u->docs = file->items[i].nested->docs;
            add_unit(l, u);
        }
    }
}

static void read_file(struct load *l, struct wit_unit *main, u32 source)
{
    struct ast_decls *file = arena_new(l->scratch, struct ast_decls);
    if (!wit_read_ast(l->pool, l->scratch, l->r->arena, l->r->diags, source, &l->skipped, file)) {
        main->broken = true;
        l->fine = false;
    }
    add_ast(l, main, file);
}

/* ---- Paths ------------------------------------------------------------------------------------------------- */

static bool looks_like_wat(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '(') {
            return true;
        }
        if (c == ';') {
            while (i < s.len && s.ptr[i] != '\n') {
                i++;
            }
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return false;
        }
    }
    return false;
}

/* A package in binary form, or its text: the main one goes into the graph at once. */
static void read_binary(struct load *l, u32 source, bool main)
{
    struct wit_resolve *r = l->r;
    struct wasm_binary *binary = arena_new(r->arena, struct wasm_binary);
    u32 package, world;
    if (!main) {
        r = arena_new(l->r->arena, struct wit_resolve);
        wit_resolve_init(r, l->r->arena, l->r->diags);
        r->features = l->r->features;
    }
    if (!wasm_read(r->arena, source, features_all(), binary, r->diags) ||
        !wit_decode(r, binary, &package, &world)) {
        l->fine = false;
    } else if (main) {
        l->package = package;
    } else {
        *vec_push(l->scratch, &l->binaries) = (struct binary_dep){.graph = r};
    }
}

static bool is_binary(struct load *l, u32 source)
{
    const struct source *s = sources_get(l->r->diags->sources, source);
    return s->kind == SOURCE_BINARY || looks_like_wat(s->text);
}

/* A file that is a package: the main one, or one in deps/. */
static void load_source(struct load *l, u32 source, bool main)
{
    if (is_binary(l, source)) {
        read_binary(l, source, main);
        return;
    }
    struct wit_unit *u = new_unit(l);
    read_file(l, u, source);
    add_unit(l, u);
    if (main) {
        l->main = l->units.len - 1;
    }
}

static void load_file(struct load *l, const char *path, bool main)
{
    u32 source;
    if (main ? file_source(path, &source, l->r->diags)
             : file_source_listed(path, &source, l->r->diags)) {
        load_source(l, source, main);
    } else {
        l->fine = false;
    }
}

/* All `*.wit` of a directory are one package. */
static bool load_directory(struct load *l, const char *path, bool main)
{
    str *names;
    u32 n;
    if (!file_list(l->scratch, path, &names, &n, l->r->diags)) {
        l->fine = false;
        return false;
    }
    struct wit_unit *u = new_unit(l);
    for (u32 i = 0; i < n; i++) {
        char *file = str_to_c(l->scratch, path_join(l->scratch, str_c(path), names[i]));
        if (!str_ends(names[i], STR(".wit")) || file_is_directory(file)) {
            continue;
        }
        u32 source;
        if (file_source_listed(file, &source, l->r->diags)) {
            read_file(l, u, source);
        } else {
            l->fine = false;
            u->broken = true;
        }
    }
    if (!u->files.len && !u->broken) {
        struct diag *x =
            diag_error(l->r->diags, "wit-no-files", (span){0}, "no .wit files in `%s`", path);
        diag_help(l->r->diags, x, "a package's files stand directly in its directory");
        l->fine = false;
        return false;
    }
    add_unit(l, u);
    if (main) {
        l->main = l->units.len - 1;
    }
    return true;
}

static void load_deps(struct load *l, const char *path)
{
    char *deps = str_to_c(l->scratch, path_join(l->scratch, str_c(path), STR("deps")));
    str *names;
    u32 n;
    if (!file_is_directory(deps)) {
        return;
    }
    if (!file_list(l->scratch, deps, &names, &n, l->r->diags)) {
        l->fine = false;
        return;
    }
    for (u32 i = 0; i < n; i++) {
        char *file = str_to_c(l->scratch, path_join(l->scratch, str_c(deps), names[i]));
        if (file_is_directory(file)) {
            load_directory(l, file, false);
        } else if (str_ends(names[i], STR(".wit")) || str_ends(names[i], STR(".wasm")) ||
                   str_ends(names[i], STR(".wat"))) {
            load_file(l, file, false);
        }
    }
}

/* ---- Order --------------------------------------------------------------------------------------------------- */

static int compare_units(const void *x, const void *y)
{
    const struct wit_unit *a = *(struct wit_unit *const *)x, *b = *(struct wit_unit *const *)y;
    int c = str_cmp(a->name.ns, b->name.ns);
    c = c ? c : str_cmp(a->name.name, b->name.name);
    if (c || !a->name.version.text.len || !b->name.version.text.len) {
        return c ? c : (a->name.version.text.len != 0) - (b->name.version.text.len != 0);
    }
    return wit_version_order(&a->name.version, &b->name.version);
}

struct visit {
    struct wit_unit *unit;
    u32 next;
};
struct walk {
    struct load *l;
    VEC(struct visit) stack;
    VEC(struct wit_unit *) order;
};

static void report_package_cycle(struct walk *w, struct unit_dep *dep)
{
    dep->told = true;
    struct diags *d = w->l->r->diags;
    str id = wit_package_id(d->arena, &dep->name);
    struct diag *x = diag_error(d, "wit-package-cycle", dep->at,
                                "package `" STRF "` creates a dependency cycle", STRA(id));
    struct buf b = buf_in(w->l->scratch);
    u32 from = w->stack.len - 1;
    while (from && !str_eq(wit_package_id(w->l->scratch, &w->stack.data[from].unit->name), id)) {
        from--;
    }
    for (u32 i = from; i < w->stack.len && i < from + 16; i++) {
        buf_printf(&b, "`" STRF "` uses ",
                   STRA(wit_package_id(w->l->scratch, &w->stack.data[i].unit->name)));
    }
    diag_note(d, x, STRF "`" STRF "`", STRA(buf_view(&b)), STRA(id));
    w->l->fine = false;
}

static void visit(struct walk *w, struct wit_unit *root)
{
    if (root->ordered) {
        return;
    }
    *vec_push(w->l->scratch, &w->stack) = (struct visit){root, 0};
    while (w->stack.len) {
        struct visit *v = vec_last(&w->stack);
        if (v->next == v->unit->deps.len) {
            if (!v->unit->ordered) { /* the root of a cycle is here twice */
                *vec_push(w->l->scratch, &w->order) = v->unit;
            }
            v->unit->ordered = true;
            v->unit->visiting = false;
            w->stack.len--;
            continue;
        }
        struct unit_dep *dep = &v->unit->deps.data[v->next++];
        u32 index = map_get(&w->l->by_name, wit_package_id(w->l->scratch, &dep->name));
        struct wit_unit *u = index == MAP_NONE ? NULL : w->l->units.data[index];
        if (u && u->visiting) {
            report_package_cycle(w, dep);
            u->broken = true;
        } else if (u && !u->ordered) {
            bool again = false; /* the root is entered without a mark; never a third time */
            for (u32 i = 0; i + 1 < w->stack.len && u == root; i++) {
                again |= w->stack.data[i].unit == u && i > 0;
            }
            u->visiting = true;
            if (!again) {
                *vec_push(w->l->scratch, &w->stack) = (struct visit){u, 0};
            }
        }
    }
}

/* What no file brought may be built in. */
static void add_builtins(struct load *l, struct wit_unit ***sorted, u32 *n)
{
    VEC(struct wit_unit *) list = {*sorted, *n, *n};
    for (u32 i = 0; i < list.len; i++) {
        for (u32 k = 0; k < list.data[i]->deps.len; k++) {
            const struct wit_package_name *name = &list.data[i]->deps.data[k].name;
            str id = wit_package_id(l->scratch, name);
            if (list.data[i]->deps.data[k].told || map_get(&l->by_name, id) != MAP_NONE ||
                wit_find_package(l->r, name) != WIT_NONE) {
                continue;
            }
            struct wit_unit *u = wit_builtin_unit(l->r, l->scratch, name);
            if (u) {
                add_unit(l, u);
                *vec_push(l->scratch, &list) = u;
            }
        }
    }
    *sorted = list.data;
    *n = list.len;
}

/* ---- Into the graph ----------------------------------------------------------------------------------------------- */

static void place_unit(struct load *l, struct wit_unit *u);

/* Out of turn, so what it uses goes before. */
static void place_early(struct load *l, struct wit_unit *u)
{
    if (u->early || u->placed) {
        return;
    }
    u->early = true;
    for (u32 i = 0; i < u->deps.len; i++) {
        u32 dep = map_get(&l->by_name, wit_package_id(l->scratch, &u->deps.data[i].name));
        if (dep != MAP_NONE) {
            place_early(l, l->units.data[dep]);
        }
    }
    place_unit(l, u);
}

/* An item that the text lacks. It may have it behind a closed gate. */
static void report_more(struct load *l, const struct wit_unit *u, const char *what, str name,
                        const struct wit_stability *stability, span at)
{
    if (stability->kind == WIT_UNSTABLE) {
        return;
    }
    str id = wit_package_id(l->r->arena, &u->name);
    struct diag *x =
        diag_error(l->r->diags, "wit-merge", at,
                   "%s `" STRF "` is not in the other definition of package `" STRF "`", what,
                   STRA(name), STRA(id));
    diag_label(l->r->diags, x, u->at, "the other definition");
    l->fine = false;
}

static void check_interface(struct load *l, const struct wit_unit *u, const struct wit_resolve *g,
                            const struct wit_interface *x, u32 there)
{
    const struct wit_interface *y = &l->r->interfaces.data[there];
    struct map names = {0};
    for (u32 k = 0; k < y->funcs.len; k++) {
        map_put(l->scratch, &names, y->funcs.data[k].name, k);
    }
    for (u32 k = 0; k < x->funcs.len; k++) {
        const struct wit_func *f = &x->funcs.data[k];
        if (map_get(&names, f->name) == MAP_NONE) {
            report_more(l, u, "function", f->name, &f->stability, f->at);
        }
    }
    for (u32 k = 0; k < x->types.len; k++) {
        const struct wit_typedef *t = &g->types.data[x->types.data[k].type];
        if (wit_lookup_type(l->r, there, x->types.data[k].name) == WIT_NONE) {
            report_more(l, u, "type", x->types.data[k].name, &t->stability, t->at);
        }
    }
}

/* What a binary has of a package that is there as text must be in the text. */
static void check_known(struct load *l, const struct wit_unit *u, const struct wit_resolve *g,
                        const struct wit_package *p)
{
    u32 own = wit_find_package(l->r, &u->name);
    if (own == WIT_NONE) {
        return;
    }
    for (u32 i = 0; i < p->worlds.len; i++) {
        const struct wit_world *w = &g->worlds.data[p->worlds.data[i].type];
        if (wit_find_world(l->r, own, w->name) == WIT_NONE) {
            report_more(l, u, "world", w->name, &w->stability, w->at);
        }
    }
    for (u32 i = 0; i < p->interfaces.len; i++) {
        const struct wit_interface *x = &g->interfaces.data[p->interfaces.data[i].type];
        u32 there = wit_find_interface(l->r, own, x->name);
        if (there == WIT_NONE) {
            report_more(l, u, "interface", x->name, &x->stability, x->at);
        } else {
            check_interface(l, u, g, x, there);
        }
    }
}

/* Text comes first: a binary has only what it uses of other packages, and is compared with what is there. */
static void place_binary(struct load *l, struct binary_dep *b)
{
    if (b->placed) {
        return;
    }
    b->placed = true;
    u32 n = b->graph->packages.len, *roots = arena_array(l->scratch, u32, n);
    for (u32 i = 0; i < n; i++) {
        const struct wit_package_name *name = &b->graph->packages.data[i].name;
        u32 unit = map_get(&l->by_name, wit_package_id(l->scratch, name));
        roots[i] = i;
        if (unit != MAP_NONE) {
            place_early(l, l->units.data[unit]);
            check_known(l, l->units.data[unit], b->graph, &b->graph->packages.data[i]);
        }
    }
    struct wit_remap map;
    bool fine = wit_merge_graph(l->r, b->graph, roots, &map);
    l->fine &= fine;
}

/* Binaries that share no package with text come first. */
static void place_other_binaries(struct load *l)
{
    for (u32 i = 0; i < l->binaries.len; i++) {
        const struct wit_resolve *g = l->binaries.data[i].graph;
        bool shared = false;
        for (u32 k = 0; k < g->packages.len; k++) {
            str id = wit_package_id(l->scratch, &g->packages.data[k].name);
            shared |= map_get(&l->by_name, id) != MAP_NONE;
        }
        if (!shared) {
            place_binary(l, &l->binaries.data[i]);
        }
    }
}

/* Binaries that bring what the unit uses. */
static void place_binaries_for(struct load *l, const struct wit_unit *u)
{
    for (u32 i = 0; i < l->binaries.len; i++) {
        struct binary_dep *b = &l->binaries.data[i];
        for (u32 k = 0; k < u->deps.len && !b->placed; k++) {
            str id = wit_package_id(l->scratch, &u->deps.data[k].name);
            if (map_get(&l->by_name, id) == MAP_NONE &&
                wit_find_package(b->graph, &u->deps.data[k].name) != WIT_NONE) {
                place_binary(l, b);
            }
        }
    }
}

static void place_unit(struct load *l, struct wit_unit *u)
{
    if (u->placed) {
        return;
    }
    u->placed = true;
    place_binaries_for(l, u);
    bool main = l->main != WIT_NONE && u == l->units.data[l->main];
    u32 package = wit_find_package(l->r, &u->name);
    if (package == WIT_NONE) {
        l->fine &= wit_append_unit(l->r, u, &package);
    } else if (main) {
        diag_error(l->r->diags, "wit-duplicate-package", u->at,
                   "package `" STRF "` is already there",
                   STRA(wit_package_id(l->r->arena, &u->name)));
        l->fine = false;
    }
    if (main) {
        l->package = package;
    }
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static bool resolve_units(struct load *l)
{
    struct walk w = {.l = l};
    struct wit_unit **sorted = arena_array(l->scratch, struct wit_unit *, l->units.len);
    u32 n = 0;
    place_other_binaries(l);
    for (u32 i = 0; i < l->units.len; i++) {
        struct wit_unit *u = l->units.data[i];
        if (u->has_name) {
            l->fine &= wit_resolve_unit(u);
            sorted[n++] = u;
        } else if (!u->broken) {
            const struct source *s = sources_get(l->r->diags->sources, u->files.data[0]->source);
            struct diag *x =
                diag_error(l->r->diags, "wit-no-package", (span){0},
                           "no `package` header was found in any WIT file for this package");
            diag_note(l->r->diags, x, "the package of `" STRF "`", STRA(s->path));
            diag_help(l->r->diags, x, "start one file with `package namespace:name;`");
            l->fine = false;
        }
    }
    add_builtins(l, &sorted, &n);
    if (n) {
        qsort(sorted, n, sizeof(struct wit_unit *), compare_units);
    }
    for (u32 i = 0; i < n; i++) {
        visit(&w, sorted[i]);
    }
    for (u32 i = 0; i < w.order.len; i++) {
        place_unit(l, w.order.data[i]);
    }
    for (u32 i = 0; i < l->binaries.len; i++) {
        place_binary(l, &l->binaries.data[i]);
    }
    return l->fine;
}

/* The paths of a tool that makes a blob. */
bool wit_snapshot_directories(struct wit_resolve *r, const char *const *paths, u32 n,
                              struct buf *out)
{
    struct arena scratch = {0};
    struct load l = {.r = r,
                     .scratch = &scratch,
                     .pool = wit_pool_new(),
                     .main = WIT_NONE,
                     .package = WIT_NONE,
                     .fine = true};
    l.skipped.arena = &scratch;
    for (u32 i = 0; i < n; i++) {
        load_directory(&l, paths[i], false);
    }
    for (u32 i = 0; i < l.units.len; i++) {
        l.fine &= l.units.data[i]->has_name && wit_resolve_unit(l.units.data[i]);
    }
    if (l.fine) {
        wit_snapshot_write(out, l.units.data, l.units.len);
    }
    wit_pool_free(l.pool);
    arena_free(&scratch);
    return l.fine;
}

struct request {
    struct wit_resolve *r;
    const char *path;             /* or ... */
    u32 source;                   /* or ... */
    const struct wit_file *files; /* with these: */
    u32 file_count, main;
    struct arena *scratch;
    struct wit_pool *pool;
    u32 package;
    bool fine;
};

/* Files of one group stand together in a unit. */
static void load_files(struct load *l, const struct request *q)
{
    u32 groups = 0;
    for (u32 i = 0; i < q->file_count; i++) {
        groups = q->files[i].group >= groups ? q->files[i].group + 1 : groups;
    }
    struct wit_unit **units = arena_alloc_array(l->scratch, groups, sizeof(struct wit_unit *));
    for (u32 i = 0; i < q->file_count; i++) {
        const struct wit_file *f = &q->files[i];
        units[f->group] = units[f->group] ? units[f->group] : new_unit(l);
        if (f->ast) {
            add_ast(l, units[f->group], f->ast);
        } else {
            read_file(l, units[f->group], f->source);
        }
    }
    for (u32 i = 0; i < groups; i++) {
        if (units[i]) {
            add_unit(l, units[i]);
            l->main = i == q->main ? l->units.len - 1 : l->main;
        }
    }
}

static void run(void *context)
{
    struct request *q = context;
    q->pool = wit_pool_new();
    struct load l = {.r = q->r,
                     .scratch = q->scratch,
                     .pool = q->pool,
                     .main = WIT_NONE,
                     .package = WIT_NONE,
                     .fine = true};
    l.skipped.arena = q->scratch;
    if (q->files) {
        load_files(&l, q);
    } else if (!q->path) {
        load_source(&l, q->source, true);
    } else if (!file_is_directory(q->path)) {
        load_file(&l, q->path, true);
    } else if (load_directory(&l, q->path, true)) {
        load_deps(&l, q->path);
    }
    wit_pool_clear(q->pool);
    q->fine = resolve_units(&l) && l.package != WIT_NONE;
    q->package = l.package;
}

static bool push(struct request *q, u32 *package)
{
    u32 errors = q->r->diags->errors;
    struct arena own = {0};
    struct arena *lent = q->scratch;
    q->scratch = lent ? lent : &own;
    bool memory = oom_guard(run, q);
    wit_pool_free(q->pool);
    arena_free(&own);
    if (lent) {
        arena_reset(lent);
    }
    if (!memory) {
        oom_unwind();
    }
    *package = q->package;
    if (!q->fine && errors == q->r->diags->errors) {
        diag_error(q->r->diags, "wit-broken", (span){0}, "the WIT could not be resolved");
    }
    return q->fine;
}

bool wit_push_path(struct wit_resolve *r, const char *path, u32 *package)
{
    struct request q = {.r = r, .path = path, .package = WIT_NONE};
    return push(&q, package);
}

bool wit_push_source(struct wit_resolve *r, u32 source, u32 *package)
{
    struct request q = {.r = r, .source = source, .package = WIT_NONE};
    return push(&q, package);
}

bool wit_resolve_files(struct wit_resolve *r, struct arena *scratch, const struct wit_file *files,
                       u32 n, u32 main, u32 *package)
{
    struct request q = {.r = r,
                        .scratch = scratch,
                        .files = files,
                        .file_count = n,
                        .main = main,
                        .package = WIT_NONE};
    return push(&q, package);
}
