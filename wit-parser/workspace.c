/* workspace.c - documents that change: each keeps its text, tree-sitter's tree and what was read from it. */
#include "unit.h"

#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_wit(void);

struct document {
    char *path, *text; /* of their own, NUL-terminated */
    u32 length, capacity;
    TSTree *tree;
    struct arena arena;    /* of `ast` */
    struct ast_decls *ast; /* NULL: to be read again */
    bool faulty;           /* reading it reports: done at each resolve */
};

struct wit_workspace {
    TSParser *parser;
    struct document *documents;
    u32 count, capacity;
};

struct wit_workspace *wit_workspace_new(void)
{
    struct wit_workspace *w = mem_alloc(sizeof *w);
    w->parser = ts_parser_new();
    ts_parser_set_language(w->parser, tree_sitter_wit());
    return w;
}

static void forget(struct document *d)
{
    arena_free(&d->arena);
    d->arena = (struct arena){0};
    d->ast = NULL;
    d->faulty = false;
}

void wit_workspace_free(struct wit_workspace *w)
{
    for (u32 i = 0; i < w->count; i++) {
        struct document *d = &w->documents[i];
        forget(d);
        mem_free(d->path);
        mem_free(d->text);
        if (d->tree) {
            ts_tree_delete(d->tree);
        }
    }
    ts_parser_delete(w->parser);
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

/* Parses anew; what the old tree (edited) has of the text is used again. */
static void parse(struct wit_workspace *w, struct document *d)
{
    TSTree *old = d->tree;
    struct arena scratch = {0};
    struct sources sources = {0};
    struct diags quiet;
    diags_init(&quiet, &scratch, &sources);
    bool fits = utf8_check(str_of(d->text, d->length)) == SIZE_MAX &&
                wit_check_limits(&quiet, 1, str_of(d->text, d->length));
    arena_free(&scratch);
    d->tree = fits ? ts_parser_parse_string(w->parser, old, d->text, d->length) : NULL;
    if (old) {
        ts_tree_delete(old);
    }
    forget(d);
}

u32 wit_workspace_open(struct wit_workspace *w, str path, str text)
{
    u32 i = 0;
    while (i < w->count && !str_eq_c(path, w->documents[i].path)) {
        i++;
    }
    char *bytes = copy(text);
    if (i == w->count) {
        if (w->count == w->capacity) {
            w->capacity = w->capacity ? w->capacity * 2 : 16;
            w->documents = mem_realloc(w->documents, w->capacity * sizeof *w->documents);
        }
        w->documents[i] = (struct document){.path = copy(path)};
        w->count++;
    }
    struct document *d = &w->documents[i];
    mem_free(d->text);
    d->text = bytes;
    d->length = d->capacity = (u32)text.len;
    if (d->tree) {
        ts_tree_delete(d->tree);
        d->tree = NULL;
    }
    parse(w, d);
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
                        .start_point = point_of(str_of(d->text, d->length), start),
                        .old_end_point = point_of(str_of(d->text, d->length), end)};
    if (length > d->capacity) {
        d->text = mem_realloc(d->text, (size_t)length * 2 + 1);
        d->capacity = length * 2;
    }
    memmove(d->text + start + text.len, d->text + end, d->length - end);
    if (text.len) {
        memcpy(d->text + start, text.ptr, text.len);
    }
    d->length = length;
    d->text[length] = 0;
    edit.new_end_point = point_of(str_of(d->text, d->length), edit.new_end_byte);
    if (d->tree) {
        ts_tree_edit(d->tree, &edit);
    }
    parse(w, d);
    return true;
}

str wit_workspace_text(const struct wit_workspace *w, u32 document)
{
    return document < w->count ? str_of(w->documents[document].text, w->documents[document].length)
                               : (str){NULL, 0};
}

/* Reads a document into its own arena, unless there is something to tell. */
static void read_document(struct wit_workspace *w, u32 i, struct diags *outer)
{
    struct document *d = &w->documents[i];
    if (d->ast || d->faulty) {
        return;
    }
    d->faulty = true; /* also if memory runs out within */
    if (!d->tree || ts_node_has_error(ts_tree_root_node(d->tree))) {
        return;
    }
    struct diags quiet;
    struct wit_skipped skipped = {.arena = &d->arena};
    struct ast_decls *ast = arena_new(&d->arena, struct ast_decls);
    diags_init(&quiet, &d->arena, outer->sources);
    if (wit_read_tree(&d->arena, &quiet, i + 1, d->tree, &skipped, ast)) {
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
        return false;
    }
    for (u32 i = 0; i < w->count; i++) {
        struct document *d = &w->documents[i];
        u32 source = sources_add(sources, str_dup(r->arena, str_c(d->path)),
                                 str_of(d->text, d->length), SOURCE_TEXT);
        u32 group = map_add(r->arena, &groups, path_directory(str_c(d->path)), groups.len);
        read_document(w, i, r->diags);
        files[i] = (struct wit_file){d->ast, source, group == MAP_NONE ? groups.len - 1 : group};
    }
    return wit_resolve_files(r, files, w->count, files[document].group, package);
}
