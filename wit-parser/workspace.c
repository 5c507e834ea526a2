/* workspace.c - documents that change: each keeps its text, tree-sitter's tree and what was read from it. */
#include "pool.h"
#include "unit.h"

#include <tree_sitter/api.h>

struct document {
    char *path, *text; /* of their own, NUL-terminated */
    u32 length, capacity;
    TSTree *tree;          /* of the text, or (edited) of the last that was sound; NULL: not made */
    bool sound;            /* ... the former */
    struct arena arena;    /* of `ast` */
    struct ast_decls *ast; /* NULL: to be read again */
    bool faulty;           /* reading it reports: done at each resolve */
};

struct wit_workspace {
    struct wit_pool *pool; /* of the parser and the trees */
    struct document *documents;
    u32 count, capacity;
    struct arena scratch; /* of resolving */
};

static void new_pool(void *context)
{
    struct wit_workspace *w = context;
    w->pool = wit_pool_new();
}

struct wit_workspace *wit_workspace_new(void)
{
    struct wit_workspace *w = mem_alloc(sizeof *w);
    if (!oom_guard(new_pool, w)) {
        mem_free(w);
        oom_unwind();
    }
    return w;
}

/* Without memory a document may have none. */
static str text_of(const struct document *d)
{
    return d->text ? str_of(d->text, d->length) : STR("");
}

static void forget(struct document *d)
{
    arena_reset(&d->arena);
    d->ast = NULL;
    d->faulty = false;
}

void wit_workspace_free(struct wit_workspace *w)
{
    if (!w)
        return;
    for (u32 i = 0; i < w->count; i++) {
        struct document *d = &w->documents[i];
        arena_free(&d->arena);
        mem_free(d->path);
        mem_free(d->text);
    }
    wit_pool_free(w->pool);
    arena_free(&w->scratch);
    mem_free(w->documents);
    mem_free(w);
}

static char *copy(str s)
{
    char *p = mem_alloc(s.len + 1);
    if (s.len) {
        memcpy(p, s.ptr, s.len);
    }
    return p;
}

/* A change of a document's tree. */
struct change {
    struct wit_workspace *workspace;
    struct document *document;
    const TSInputEdit *edit; /* NULL: all is new */
    struct arena scratch;
};

/* Can tree-sitter be given the text? */
static bool fits(struct change *c)
{
    struct sources sources = {0};
    struct diags quiet;
    struct wit_text text;
    diags_init(&quiet, &c->scratch, &sources);
    return wit_scan_text(&c->scratch, &quiet, 1, text_of(c->document), &text) && !text.crowded;
}

/* Parses anew; what the old tree has of the text is used again. */
static void parse(void *context)
{
    struct change *c = context;
    struct document *d = c->document;
    TSTree *old = d->tree;
    if (old && c->edit) {
        ts_tree_edit(old, c->edit);
    }
    TSParser *parser = wit_pool_parser(c->workspace->pool);
    TSTree *tree =
        parser && fits(c) ? wit_parse_sound(parser, c->edit ? old : NULL, text_of(d)) : NULL;
    d->sound = tree != NULL;
    if (old && (tree || !c->edit)) {
        ts_tree_delete(old);
    }
    d->tree = tree || !c->edit ? tree : old;
}

/* Where memory ran out, all trees are lost with the pool. */
static void recover(struct wit_workspace *w)
{
    if (wit_pool_spoiled(w->pool)) {
        wit_pool_clear(w->pool);
        for (u32 i = 0; i < w->count; i++) {
            w->documents[i].tree = NULL;
        }
    }
}

static void change(struct wit_workspace *w, struct document *d, const TSInputEdit *edit)
{
    struct change c = {.workspace = w, .document = d, .edit = edit};
    recover(w);
    forget(d);
    bool memory = wit_pool_run(w->pool, parse, &c);
    arena_free(&c.scratch);
    if (!memory) {
        recover(w);
        oom_unwind();
    }
}

u32 wit_workspace_open(struct wit_workspace *w, str path, str text)
{
    u32 i = 0;
    while (i < w->count && !str_eq_c(path, w->documents[i].path)) {
        i++;
    }
    if (i == w->capacity) {
        u32 capacity = i ? i * 2 : 16;
        w->documents = mem_realloc(w->documents, capacity * sizeof *w->documents);
        w->capacity = capacity;
    }
    if (i == w->count) {
        w->documents[i] = (struct document){.path = copy(path)};
        w->count++;
    }
    struct document *d = &w->documents[i];
    char *bytes = copy(text);
    mem_free(d->text);
    d->text = bytes;
    d->length = d->capacity = (u32)text.len;
    change(w, d, NULL);
    return i;
}

static TSPoint point_of(str text, u32 at)
{
    TSPoint p = {0, at};
    for (u32 i = 0; i < at; i++) {
        if (text.ptr[i] == '\n') {
            p.row++;
            p.column = at - i - 1;
        }
    }
    return p;
}

bool wit_workspace_edit(struct wit_workspace *w, u32 document, u32 start, u32 end, str text)
{
    struct document *d = document < w->count ? &w->documents[document] : NULL;
    if (!d || start > end || end > d->length || text.len > UINT32_MAX / 2 - d->length) {
        return false;
    }
    u32 length = d->length - (end - start) + (u32)text.len;
    TSInputEdit edit = {.start_byte = start,
                        .old_end_byte = end,
                        .new_end_byte = start + (u32)text.len,
                        .start_point = point_of(text_of(d), start),
                        .old_end_point = point_of(text_of(d), end)};
    if (!d->text || length > d->capacity) {
        d->text = mem_realloc(d->text, (size_t)length * 2 + 1);
        d->capacity = length * 2;
    }
    memmove(d->text + start + text.len, d->text + end, d->length - end);
    if (text.len) {
        memcpy(d->text + start, text.ptr, text.len);
    }
    d->length = length;
    d->text[length] = 0;
    edit.new_end_point = point_of(text_of(d), edit.new_end_byte);
    change(w, d, &edit);
    return true;
}

str wit_workspace_text(const struct wit_workspace *w, u32 document)
{
    return document < w->count ? text_of(&w->documents[document]) : (str){NULL, 0};
}

/* Reads a document into its own arena, unless there is something to tell. */
static void read_document(struct wit_workspace *w, u32 i, struct diags *outer)
{
    struct document *d = &w->documents[i];
    if (d->ast || d->faulty) {
        return;
    }
    recover(w);
    d->faulty = true; /* also if memory runs out within */
    if (!d->tree || !d->sound) {
        return;
    }
    struct diags quiet;
    struct wit_skipped skipped = {.arena = &d->arena};
    struct ast_decls *ast = arena_new(&d->arena, struct ast_decls);
    diags_init(&quiet, &d->arena, outer->sources);
    if (wit_read_tree(w->pool, &d->arena, &quiet, i + 1, d->tree, &skipped, ast)) {
        d->ast = ast;
        d->faulty = false;
    }
}

bool wit_workspace_resolve(struct wit_workspace *w, struct wit_resolve *r, u32 document,
                           u32 *package)
{
    struct sources *sources = r->diags->sources;
    struct wit_file *files = arena_array(r->arena, struct wit_file, w->count);
    struct map groups = {0};
    *package = WIT_NONE;
    if (document >= w->count || sources->list.len) {
        diag_error(r->diags, "wit-broken", (span){0},
                   document >= w->count ? "the workspace has no document %u"
                                        : "document %u can only be resolved where no sources are",
                   document);
        return false;
    }
    for (u32 i = 0; i < w->count; i++) {
        struct document *d = &w->documents[i];
        u32 source =
            sources_add(sources, str_dup(r->arena, str_c(d->path)), text_of(d), SOURCE_TEXT);
        u32 group = map_add(r->arena, &groups, path_directory(str_c(d->path)), groups.len);
        read_document(w, i, r->diags);
        files[i] = (struct wit_file){d->ast, source, group == MAP_NONE ? groups.len - 1 : group};
    }
    return wit_resolve_files(r, &w->scratch, files, w->count, files[document].group, package);
}
