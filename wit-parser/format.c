/* format.c - the formatter: the same tokens and comments, laid out anew.
 *
 * The leaves of tree-sitter's trees and the comments between them become a list of atoms, each with what must come before
 * it (a line break, a blank line, a space). Printing walks the list once. Lists in parentheses or in the braces of `use` and
 * `include` are broken, an element a line, if the author broke them after the opening, or if they do not fit.
 */
#include "pool.h"
#include "reader.h"

#define WIDTH 100

struct atom {
    str text;
    bool space;   /* before it, on the same line */
    bool newline; /* before it */
    bool blank;   /* a blank line before it */
    bool comment, line_comment;
    bool broken;      /* opens a list that the author broke */
    i8 indent;        /* change of the indent: before a closing, after an opening */
    char list;        /* '(' opens a list, ',' separates it, ')' closes it */
    bool starts_item; /* its line is not the continuation of one before */
};

struct formatter {
    struct arena *arena;
    str text;
    VEC(struct atom) atoms;
    u32 comment;     /* the next one */
    u32 end;         /* of the last token */
    bool newline;    /* the next token starts a line */
    bool no_space;   /* ... touches the one before */
    bool after_open; /* ... is the first of a block */
    bool after_line_comment;
};

/* ---- From the tree to atoms ------------------------------------------------------------------------------ */

/* Nodes with braces of which each part has a line. */
static bool is_block(enum node n)
{
    return n == NODE_interface_body || n == NODE_world_body || n == NODE_nested_package ||
           n == NODE_record || n == NODE_flags || n == NODE_variant || n == NODE_enum ||
           n == NODE_resource;
}

static bool is_field_block(enum node n)
{
    return n == NODE_record || n == NODE_flags || n == NODE_variant || n == NODE_enum;
}

static u32 newlines_between(str text, u32 from, u32 to)
{
    u32 n = 0;
    for (u32 i = from; i < to; i++) {
        n += text.ptr[i] == '\n';
    }
    return n;
}

/* Block comments keep their lines, without carriage returns. */
static str clean_comment(struct formatter *f, str s)
{
    char *out = arena_alloc(f->arena, s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '\r' || i + 1 >= s.len || s.ptr[i + 1] != '\n') {
            out[n++] = s.ptr[i];
        }
    }
    while (n && (out[n - 1] == ' ' || out[n - 1] == '\t' || out[n - 1] == '\r')) {
        n--;
    }
    return str_of(out, n);
}

static void add_comment(struct formatter *f, u32 start, u32 end)
{
    u32 before = newlines_between(f->text, f->end, start);
    bool first = f->atoms.len == 0;
    struct atom a = {.text = clean_comment(f, str_sub(f->text, start, end)),
                     .space = true,
                     .comment = true,
                     .line_comment = f->text.ptr[start + 1] == '/'};
    a.newline = first || before > 0 || f->after_line_comment;
    a.starts_item = f->newline || first;
    a.blank = before > 1 && (f->newline || first) && !f->after_open && !first;
    *vec_push(f->arena, &f->atoms) = a;
    f->after_line_comment = a.line_comment;
    f->no_space = false;
    if (a.newline) {
        f->after_open = false;
    }
    /* What follows a comment on a line of its own starts a line too. */
    u32 after = end;
    while (after < f->text.len && (f->text.ptr[after] == ' ' || f->text.ptr[after] == '\t' ||
                                   f->text.ptr[after] == '\r')) {
        after++;
    }
    if (a.newline && (after >= f->text.len || f->text.ptr[after] == '\n')) {
        f->after_line_comment = true;
    }
    f->end = end;
}

/* No space stands before these, nor after those. */
static bool touches_left(enum node parent, str t)
{
    char c = t.ptr[0];
    if (t.len != 1) {
        return false;
    }
    if (c == '{') {
        return parent == NODE_use;
    }
    if (c == '}') {
        return parent != NODE_include;
    }
    if (c == '@') {
        return parent != NODE_attribute;
    }
    return strchr(";,)>:./(<", c) != NULL;
}

static bool touches_right(enum node parent, str t)
{
    char c = t.ptr[0];
    if (t.len != 1) {
        return false;
    }
    if (c == ':') {
        return parent == NODE_package_name || parent == NODE_use_path;
    }
    return strchr("(<./@", c) != NULL || (c == '{' && parent != NODE_include);
}

static void add_token(struct formatter *f, enum node parent, u32 start, u32 end)
{
    str t = str_sub(f->text, start, end);
    char c = t.len == 1 ? t.ptr[0] : 0;
    bool block = is_block(parent);
    bool inline_list = parent == NODE_parameters || parent == NODE_use || parent == NODE_include;
    u32 before = newlines_between(f->text, f->end, start);
    bool close = c == '}' && block;
    bool empty = close && f->after_open && f->atoms.len && !vec_last(&f->atoms)->comment;
    struct atom a = {.text = t,
                     .space = !f->no_space && !touches_left(parent, t),
                     .newline = (f->newline || f->after_line_comment || close) && !empty,
                     .starts_item = f->newline || close,
                     .indent = (i8)(close               ? -1
                                    : c == '{' && block ? 1
                                                        : 0)};
    a.blank = before > 1 && f->newline && !f->after_open && !close && f->atoms.len > 0;
    if (empty) {
        a.space = false;
    }
    if (!f->atoms.len) {
        a.newline = false;
    }
    if (inline_list && c && strchr("(){},", c)) {
        a.list = c == '{' ? '(' : c == '}' ? ')' : c;
    }
    f->end = end;
    if (a.list == '(') {
        u32 next = end;
        while (next < f->text.len && (f->text.ptr[next] == ' ' || f->text.ptr[next] == '\t' ||
                                      f->text.ptr[next] == '\r')) {
            next++;
        }
        a.broken = next < f->text.len && f->text.ptr[next] == '\n';
    }
    *vec_push(f->arena, &f->atoms) = a;
    f->after_open = c == '{' && block;
    f->after_line_comment = false;
    f->newline = f->after_open || c == ';' || close || (c == ',' && is_field_block(parent)) ||
                 (c == '}' && parent == NODE_include);
    f->no_space = touches_right(parent, t);
}

/* Comments that start before `at`. */
static void add_comments(struct formatter *f, const struct wit_text *text, u32 at)
{
    for (; f->comment < text->comments.len && text->comments.data[f->comment].start < at;
         f->comment++) {
        const struct wit_comment *c = &text->comments.data[f->comment];
        add_comment(f, c->start, c->end);
    }
}

/* The tree is at most some hundred levels deep: its source has been read. */
static void add_node(struct formatter *f, struct reader *r, enum node parent)
{
    enum node n = here(r);
    struct ast_id token = {0};
    if (n == NODE_version || !ts_node_child_count(r->node)) {
        token = n == NODE_version ? wit_whole(r) : wit_token(r);
        add_comments(f, &r->text, token.start);
        add_token(f, parent, token.start, token.end);
        return;
    }
    EACH_CHILD(r)
    {
        add_node(f, r, n);
    }
    if (n == NODE_attribute) {
        f->newline = true;
    }
}

/* ---- From atoms to text ------------------------------------------------------------------------------------- */

/* Columns from atom `at` to the end of its line, if nothing in between is broken. */
static size_t flat_width(const struct formatter *f, u32 at)
{
    size_t width = 0;
    for (u32 i = at; i < f->atoms.len && width <= WIDTH; i++) {
        const struct atom *a = &f->atoms.data[i];
        if (i > at && (a->newline || a->comment)) {
            break;
        }
        width += a->text.len + (i > at && a->space);
    }
    return width;
}

static bool empty_list(const struct formatter *f, u32 at)
{
    return at + 1 < f->atoms.len && f->atoms.data[at + 1].list == ')';
}

static void print_atoms(struct formatter *f, struct buf *out)
{
    u32 indent = 0;
    size_t line_start = 0;
    bool in_broken = false, break_next = false;
    for (u32 i = 0; i < f->atoms.len; i++) {
        const struct atom *a = &f->atoms.data[i];
        bool newline = a->newline;
        u32 deeper = 0;
        indent -= a->indent < 0;
        if (in_broken && a->list == ')') {
            in_broken = false;
            newline = true;
        } else if (in_broken) {
            newline |= break_next && !(a->comment && !a->newline);
            deeper = newline;
        } else {
            deeper = newline && !a->starts_item;
        }
        if (!a->comment || a->newline) {
            break_next = false;
        }
        if (newline && i) {
            buf_c(out, a->blank ? "\n\n" : "\n");
            line_start = out->len;
            buf_fill(out, ' ', ((size_t)indent + deeper) * 2);
        } else if (i && a->space) {
            buf_byte(out, ' ');
        }
        if (a->list == '(' && !empty_list(f, i)) {
            in_broken = a->broken || out->len - line_start + flat_width(f, i) > WIDTH;
        }
        buf_str(out, a->text);
        break_next |= in_broken && (a->list == '(' || a->list == ',');
        indent += a->indent > 0;
    }
    if (out->len) {
        buf_byte(out, '\n');
    }
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

struct scoped {
    struct formatter f;
    struct wit_pool *pool;
    struct diags *diags;
    u32 source;
    struct buf *out;
    bool fine;
};

static void add_part(void *context, struct reader *r, bool last)
{
    struct formatter *f = &((struct scoped *)context)->f;
    EACH_CHILD(r)
    {
        add_node(f, r, NODE_source_file);
    }
    if (last) {
        add_comments(f, &r->text, (u32)f->text.len);
    }
}

static void run(void *context)
{
    struct scoped *s = context;
    struct arena *a = s->f.arena;
    struct wit_skipped skipped = {.arena = a};
    struct wit_visitor visitor = {add_part, s};
    struct ast_decls ast;
    if (wit_visit_ast(s->pool, a, s->diags, s->source, &skipped, &visitor, &ast)) {
        print_atoms(&s->f, s->out);
        s->fine = true;
    }
}

bool wit_format(struct arena *a, u32 source, struct diags *d, struct buf *out)
{
    struct scoped s = {
        .f = {.arena = a, .text = sources_get(d->sources, source)->text, .newline = true},
        .pool = wit_pool_new(),
        .diags = d,
        .source = source,
        .out = out};
    bool memory = wit_pool_run(s.pool, run, &s);
    wit_pool_free(s.pool);
    if (!memory) {
        oom_unwind();
    }
    return s.fine;
}
