/* parse.c - from text to the syntax tree of ast.h, by way of tree-sitter's tree. */
#include "pool.h"
#include "reader.h"

/* ---- Interfaces and worlds ------------------------------------------------------------------------------------- */

static void body(struct reader *r, const struct ast_member **out, u32 *count);

static struct ast_rename rename_of(struct reader *r)
{
    struct ast_rename n = {0};
    EACH_CHILD(r)
    {
        if (here(r) == NODE_identifier) {
            *(n.name.end ? &n.alias : &n.name) = wit_identifier(r);
        }
    }
    return n;
}

/* `a:b` is one token, the name of a package; `a: b` names `b`, "a". */
static void check_no_package(struct reader *r, const struct ast_member *m)
{
    u32 end = m->path ? m->path->name.end : 0;
    bool both = m->name.end && end && !m->path->qualified;
    if (!both || m->path->name.start != m->name.end + 1) {
        return;
    }
    const char *verb = m->kind == AST_IMPORT ? "imported" : "exported";
    str text = str_sub(r->text.source, m->name.start, end);
    struct diag *x = wit_report(r, "wit-kind", (struct ast_id){text, m->name.start, end}, "");
    x->message = str_printf(r->diags->arena, "a package cannot be %s", verb);
    diag_note(r->diags, x, "without a blank, `" STRF "` is the name of a package", STRA(text));
    diag_help(r->diags, x,
              "write `" STRF ": " STRF "` for the interface `" STRF "` under the name `" STRF
              "`, or `" STRF "/INTERFACE` for one of that package",
              STRA(m->name.name), STRA(m->path->name.name), STRA(m->path->name.name),
              STRA(m->name.name), STRA(text));
    map_put(r->skipped->arena, &r->skipped->words, m->path->name.name, 1);
}

/* use, include, import, export */
static struct ast_member reference(struct reader *r, enum ast_member_kind kind)
{
    struct ast_member m = {.kind = kind, .docs = wit_take_docs(r)};
    struct head head = {0};
    VEC(struct ast_rename) names = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (wit_head(r, n, &head)) {
            continue;
        }
        if (n == NODE_use_name || n == NODE_include_name) {
            struct ast_rename x = rename_of(r);
            *vec_push(r->arena, &names) = x;
        } else if (n == NODE_function_type) {
            struct ast_func *f = arena_new(r->arena, struct ast_func);
            wit_function_type(r, f);
            m.func = f;
        } else if (n == NODE_interface_body) {
            body(r, &m.body, &m.body_count);
            m.has_body = true;
        } else if (n == NODE_close) {
            NO_MORE(r);
        }
    }
    m.name = head.name;
    m.path = head.path;
    m.gates = wit_close_gates(r, &head);
    m.names = names.data;
    m.name_count = names.len;
    if (kind == AST_INCLUDE && m.gates && m.gates->external_id.ptr) {
        wit_report(r, "wit-external-id", m.gates->external_word,
                   "@external-id is not allowed on include statements");
    }
    check_no_package(r, &m);
    return m;
}

static bool member(struct reader *r, enum node n, struct ast_member *out)
{
    switch (n) {
    case NODE_function: *out = wit_function(r); return true;
    case NODE_use: *out = reference(r, AST_USE); return true;
    case NODE_import: *out = reference(r, AST_IMPORT); return true;
    case NODE_export: *out = reference(r, AST_EXPORT); return true;
    case NODE_include: *out = reference(r, AST_INCLUDE); return true;
    case NODE_type_alias: *out = wit_typedefinition(r, WIT_ALIAS); return true;
    case NODE_record: *out = wit_typedefinition(r, WIT_RECORD); return true;
    case NODE_flags: *out = wit_typedefinition(r, WIT_FLAGS); return true;
    case NODE_variant: *out = wit_typedefinition(r, WIT_VARIANT); return true;
    case NODE_enum: *out = wit_typedefinition(r, WIT_ENUM); return true;
    case NODE_resource: *out = wit_typedefinition(r, WIT_RESOURCE); return true;
    default: return false;
    }
}

static void body(struct reader *r, const struct ast_member **out, u32 *count)
{
    u32 from = r->members.len;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        struct ast_member m;
        if (member(r, n, &m)) {
            *vec_push(r->work, &r->members) = m;
        } else if (n == NODE_close) {
            NO_MORE(r);
        }
    }
    TAKE(r, members, from, *out, *count);
}

/* ---- Files --------------------------------------------------------------------------------------------------------- */

static void decls(struct reader *r, struct ast_decls *out, u32 depth);

_Static_assert(NODE_w_package - NODE_w_interface == 3,
               "words of items stand together in nodes.def");
static struct ast_item item(struct reader *r, enum node kind, u32 depth)
{
    struct ast_item it = {.kind = kind == NODE_interface        ? AST_INTERFACE
                                  : kind == NODE_world          ? AST_WORLD
                                  : kind == NODE_nested_package ? AST_PACKAGE
                                                                : AST_TOPLEVEL_USE,
                          .docs = wit_take_docs(r)};
    struct head head = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (wit_head(r, n, &head)) {
            continue;
        }
        if (n == NODE_interface_body || n == NODE_world_body) {
            body(r, &it.members, &it.member_count);
        } else if (n >= NODE_w_interface && n <= NODE_w_package) {
            it.word = wit_token(r);
        }
    }
    it.name = head.name;
    it.path = head.path;
    it.gates = wit_close_gates(r, &head);
    if (kind == NODE_nested_package) {
        struct ast_decls *nested = arena_new(r->arena, struct ast_decls);
        nested->docs = it.docs;
        it.nested = nested;
        if (depth >= WIT_MAX_PACKAGE_DEPTH) {
            if (r->fine) {
                wit_report(r, "wit-nesting", it.word, "package nesting too deep");
            }
        } else {
            decls(r, nested, depth + 1);
        }
    }
    if (it.gates && (it.kind == AST_PACKAGE || it.kind == AST_TOPLEVEL_USE)) {
        wit_report(r, "wit-gate", it.word,
                   it.kind == AST_PACKAGE ? "cannot place attributes on nested packages"
                                          : "attributes not allowed on top-level use");
    } else if (it.gates && it.gates->external_id.ptr) {
        wit_report(r, "wit-external-id", it.gates->external_word,
                   it.kind == AST_WORLD ? "@external-id is not allowed on world declarations"
                                        : "@external-id is not allowed on interface declarations");
    }
    return it;
}

static void declared_package(struct reader *r, struct ast_decls *out)
{
    EACH_CHILD(r)
    {
        if (here(r) == NODE_package_name) {
            out->package = wit_package_name(r);
            out->has_package = true;
        }
    }
}

/* The contents of the current node, from `start` on: the file, a part of it, or a nested package. */
static void contents(struct reader *r, struct ast_decls *out, u32 start)
{
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_package_declaration) {
            out->docs_at = wit_docs_place(r);
            out->docs = wit_take_docs(r);
            declared_package(r, out);
        } else if (n == NODE_package_name) {
            out->package = wit_package_name(r);
            out->has_package = true;
        } else if ((n == NODE_interface || n == NODE_world || n == NODE_toplevel_use ||
                    n == NODE_nested_package) &&
                   ts_node_start_byte(r->node) >= start) {
            struct ast_item it = item(r, n, out->depth);
            *vec_push(r->work, &r->items) = it;
        }
    }
}

static void decls(struct reader *r, struct ast_decls *out, u32 depth)
{
    u32 from = r->items.len;
    out->source = r->source;
    out->depth = depth;
    contents(r, out, 0);
    TAKE(r, items, from, out->items, out->item_count);
}

struct reading {
    struct reader r;
    struct wit_pool *pool;
    TSTree *given; /* somebody else's tree of the text, without faults, or NULL */
    const struct wit_visitor *visitor; /* or NULL */
    str text;
    struct ast_decls *out;
};

static void read_tree(struct reading *s, TSTree *tree, u32 start)
{
    TSNode root = ts_tree_root_node(tree);
    s->r.cursor = ts_tree_cursor_new(root);
    contents(&s->r, s->out, start);
    ts_tree_cursor_delete(&s->r.cursor);
}

static void visit(struct reading *s, TSTree *tree, bool last)
{
    s->r.cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
    s->visitor->part(s->visitor->context, &s->r, last);
    ts_tree_cursor_delete(&s->r.cursor);
}

/* A stand-in for the items before, so that no `package` may follow. */
#define EARLIER "use a;"

/* What is wrong from `start` on is reported; what is left of it is read. */
static void read_faulty(struct reading *s, TSParser *parser, u32 start)
{
    struct reader *r = &s->r;
    str source = r->text.source;
    char *bytes = arena_alloc(r->work, source.len + 1);
    memcpy(bytes, source.ptr, source.len);
    for (u32 i = 0; i < start; i++) {
        bytes[i] = bytes[i] == '\n' ? '\n' : ' ';
    }
    for (u32 c = 0; c < r->text.comments.len; c++) {
        for (u32 i = r->text.comments.data[c].start; i < r->text.comments.data[c].end; i++) {
            bytes[i] = bytes[i] == '\n' ? '\n' : ' ';
        }
    }
    if (start) {
        memcpy(bytes, EARLIER, sizeof EARLIER - 1);
    }
    str text = str_of(bytes, source.len);
    r->fine = false;
    TSTree *tree = wit_report_syntax(r->work, r->diags, r->source, r->skipped, parser, &text);
    if (tree) {
        r->text.gaps.len = r->base = r->gap = 0;
        read_tree(s, tree, start);
        ts_tree_delete(tree);
    }
}

/* Only the first part may do so. */
static bool names_package(const TSTree *tree)
{
    TSNode child = ts_node_child(ts_tree_root_node(tree), 0);
    return !ts_node_is_null(child) &&
           wit_node_kinds()[ts_node_symbol(child)] == NODE_package_declaration;
}

static void read_parts(struct reading *s, TSParser *parser)
{
    struct reader *r = &s->r;
    const struct wit_text *text = &r->text;
    u32 from = 0, source = 0;
    for (u32 i = 0; i <= text->cuts.len; i++) {
        u32 to = i < text->cuts.len ? text->cuts.data[i] : (u32)text->compact.len;
        TSTree *tree = wit_parse_sound(parser, NULL, str_sub(text->compact, from, to));
        if (!tree || (i && names_package(tree))) {
            if (tree) {
                ts_tree_delete(tree);
            }
            read_faulty(s, parser, source);
            return;
        }
        r->base = from;
        read_tree(s, tree, 0);
        if (s->visitor) {
            visit(s, tree, i == text->cuts.len);
        }
        ts_tree_delete(tree);
        from = to;
        source = wit_place(r, to - r->base);
    }
}

static void read_text(void *context)
{
    struct reading *s = context;
    struct reader *r = &s->r;
    r->work = wit_pool_work(s->pool);
    r->kinds = wit_node_kinds();
    *s->out = (struct ast_decls){.source = r->source};
    r->fine = wit_scan_text(r->work, r->diags, r->source, s->text, &r->text);
    TSParser *parser = wit_pool_plain_parser(s->pool);
    if (!parser) {
        diag_error(r->diags, "wit-syntax", (span){0},
                   "tree-sitter does not take the grammar of WIT");
        r->fine = false;
    }
    if (r->fine && s->given) {
        r->text.gaps.len = 0;
        read_tree(s, s->given, 0);
    } else if (r->fine) {
        read_parts(s, parser);
    }
    TAKE(r, items, 0, s->out->items, s->out->item_count);
    arena_reset(r->work);
}

static bool read_guarded(struct reading *s)
{
    s->text = sources_get(s->r.diags->sources, s->r.source)->text;
    bool memory = wit_pool_run(s->pool, read_text, s);
    if (!memory) {
        oom_unwind();
    }
    return s->r.fine;
}

bool wit_read_ast(struct wit_pool *pool, struct arena *a, struct arena *keep, struct diags *d,
                  u32 source, struct wit_skipped *skipped, struct ast_decls *out)
{
    struct reading s = {
        .r = {.arena = a, .keep = keep, .diags = d, .skipped = skipped, .source = source},
        .pool = pool,
        .out = out};
    return read_guarded(&s);
}

bool wit_visit_ast(struct wit_pool *pool, struct arena *a, struct diags *d, u32 source,
                   struct wit_skipped *skipped, const struct wit_visitor *visitor,
                   struct ast_decls *out)
{
    struct reading s = {
        .r = {.arena = a, .keep = a, .diags = d, .skipped = skipped, .source = source},
        .pool = pool,
        .visitor = visitor,
        .out = out};
    return read_guarded(&s);
}

bool wit_read_tree(struct wit_pool *pool, struct arena *a, struct diags *d, u32 source,
                   struct TSTree *tree, struct wit_skipped *skipped, struct ast_decls *out)
{
    struct reading s = {
        .r = {.arena = a, .keep = a, .diags = d, .skipped = skipped, .source = source},
        .pool = pool,
        .given = tree,
        .out = out};
    return read_guarded(&s);
}
