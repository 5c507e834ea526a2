/* diag_text.c - diagnostics for a person:
 *
 *     error: type `point` is not defined
 *       --> shapes.wit:4:12
 *        |
 *      4 |   draw: func(p: point);
 *        |                 ^^^^^ not found in this interface
 *        = help: did you mean `points`?
 */
#include "diag_internal.h"

#include <stdio.h>

/* A source line longer than this is shown in part, around the carets. */
#define LINE_SHOWN 200

struct painter {
    struct diags *d;
    struct buf *out;
    bool color;
    u32 gutter; /* width of line numbers */
};

#define STYLE_RED    "\033[1;31m"
#define STYLE_YELLOW "\033[1;33m"
#define STYLE_BLUE   "\033[1;34m"
#define STYLE_CYAN   "\033[1;36m"
#define STYLE_BOLD   "\033[1m"
#define STYLE_OFF    "\033[0m"

static void style(struct painter *p, const char *code)
{
    if (p->color) {
        buf_c(p->out, code);
    }
}

/* A message may have several lines; those after the first are set in, so that no name within it can pass for a line of ours. */
static void put_lines(struct buf *out, str text)
{
    for (size_t from = 0; from <= text.len;) {
        size_t to = str_find_char(text, '\n', from);
        to = to == SIZE_MAX ? text.len : to;
        if (from && from < text.len) {
            buf_c(out, text.ptr[from] == ' ' ? "\n" : "\n  ");
        }
        buf_clean(out, str_sub(text, from, to));
        from = to + 1;
    }
}

static u32 code_points(str s)
{
    u32 n = 0;
    for (size_t i = 0; i < s.len; n++) {
        utf8_next(s, &i);
    }
    return n;
}

static void gutter(struct painter *p, u32 line)
{
    style(p, STYLE_BLUE);
    if (line) {
        buf_printf(p->out, "%*u |", (int)p->gutter, line);
    } else {
        buf_printf(p->out, "%*s |", (int)p->gutter, "");
    }
    style(p, STYLE_OFF);
}

static void show_place(struct painter *p, span at, const char *arrow)
{
    struct source *s = sources_get(p->d->sources, at.source);
    style(p, STYLE_BLUE);
    buf_printf(p->out, "%*s%s", (int)p->gutter, "", arrow);
    style(p, STYLE_OFF);
    buf_byte(p->out, ' ');
    buf_clean(p->out, s->path);
    if (s->kind == SOURCE_BINARY) {
        buf_printf(p->out, ":0x%x\n", at.start);
    } else {
        u32 line, column;
        source_locate(p->d->sources, at.source, at.start, &line, &column);
        buf_printf(p->out, ":%u:%u\n", line, column);
    }
}

/* The source line of a span with its carets and the text beside them. */
static void show_line(struct painter *p, span at, str text, char mark, const char *mark_style)
{
    u32 line, column;
    source_locate(p->d->sources, at.source, at.start, &line, &column);
    struct source *s = sources_get(p->d->sources, at.source);
    size_t from = s->line_starts[line - 1];
    size_t to = str_find_char(s->text, '\n', from);
    to = to == SIZE_MAX ? s->text.len : to;
    if (to > from && s->text.ptr[to - 1] == '\r') {
        to--;
    }
    size_t start = at.start < to ? at.start : to;
    size_t end = at.end < to ? at.end : to;
    end = end < start ? start : end;
    bool cut_left = false;
    if (to - from > LINE_SHOWN) {
        if (start - from > LINE_SHOWN / 2) {
            from = start - LINE_SHOWN / 2;
            while (from < start && ((u8)s->text.ptr[from] & 0xc0) == 0x80) {
                from++;
            }
            cut_left = true;
        }
        to = to - from > LINE_SHOWN ? from + LINE_SHOWN : to;
        end = end > to ? to : end;
    }
    gutter(p, line);
    buf_c(p->out, cut_left ? " ..." : " ");
    buf_clean(p->out, str_sub(s->text, from, to));
    buf_byte(p->out, '\n');
    gutter(p, 0);
    buf_c(p->out, cut_left ? "    " : " ");
    buf_fill(p->out, ' ', code_points(str_sub(s->text, from, start)));
    style(p, mark_style);
    u32 width = code_points(str_sub(s->text, start, end));
    buf_fill(p->out, (u8)mark, width ? width : 1);
    if (text.len) {
        buf_byte(p->out, ' ');
        put_lines(p->out, text);
    }
    style(p, STYLE_OFF);
    buf_byte(p->out, '\n');
}

static bool is_text(struct painter *p, span at)
{
    struct source *s = sources_get(p->d->sources, at.source);
    return s && s->kind == SOURCE_TEXT;
}

static u32 line_of(struct painter *p, span at)
{
    u32 line, column;
    source_locate(p->d->sources, at.source, at.start, &line, &column);
    return is_text(p, at) ? line : 1;
}

static void show_spans(struct painter *p, const struct diag *x)
{
    const char *marks = x->severity == SEVERITY_ERROR ? STYLE_RED : STYLE_YELLOW;
    if (sources_get(p->d->sources, x->at.source)) {
        show_place(p, x->at, "-->");
        if (is_text(p, x->at)) {
            gutter(p, 0);
            buf_byte(p->out, '\n');
            show_line(p, x->at, x->label, '^', marks);
        } else if (x->label.len) {
            gutter(p, 0);
            buf_byte(p->out, ' ');
            put_lines(p->out, x->label);
            buf_byte(p->out, '\n');
        }
    }
    for (u32 i = 0; i < x->labels.len; i++) {
        const struct diag_label *l = &x->labels.data[i];
        if (!sources_get(p->d->sources, l->at.source)) {
            continue;
        }
        if (l->at.source != x->at.source || !is_text(p, l->at)) {
            show_place(p, l->at, ":::");
        }
        if (is_text(p, l->at)) {
            show_line(p, l->at, l->text, '-', STYLE_BLUE);
        } else {
            gutter(p, 0);
            buf_byte(p->out, ' ');
            put_lines(p->out, l->text);
            buf_byte(p->out, '\n');
        }
    }
}

static void begin_note(struct painter *p, bool help)
{
    style(p, STYLE_BLUE);
    buf_printf(p->out, "%*s = ", (int)p->gutter, "");
    style(p, STYLE_OFF);
    style(p, help ? STYLE_CYAN : STYLE_BOLD);
    buf_c(p->out, help ? "help" : "note");
    style(p, STYLE_OFF);
    buf_c(p->out, ": ");
}

static void put_source_place(struct painter *p, const struct diag_place *place)
{
    buf_clean(p->out, place->file.len ? place->file : STR("an unknown file"));
    if (place->line) {
        buf_printf(p->out, ":%u", place->line);
    }
    if (place->line && place->column) {
        buf_printf(p->out, ":%u", place->column);
    }
}

/* ` 0: f in root/m at a.c:3:5 (0x4b)`; functions that were inlined have a line each before it. */
static void show_frame(struct painter *p, const struct diag_frame *f, u32 number)
{
    const struct diag_place *last = f->place_count ? &f->places[f->place_count - 1] : NULL;
    char head[16];
    snprintf(head, sizeof head, "%2u: ", number);
    for (u32 i = 0; i + 1 < f->place_count; i++) {
        begin_note(p, false);
        buf_c(p->out, head);
        buf_clean(p->out, f->places[i].func);
        buf_c(p->out, " at ");
        put_source_place(p, &f->places[i]);
        buf_c(p->out, ", inlined in\n");
        memset(head, ' ', strlen(head));
    }
    begin_note(p, false);
    buf_c(p->out, head);
    buf_clean(p->out, f->demangled.len ? f->demangled : f->func);
    buf_c(p->out, " in ");
    buf_clean(p->out, f->instance.len ? f->instance
                      : f->no_code    ? STR("the host")
                                      : STR("the module"));
    if (!f->no_code) {
        buf_c(p->out, " at ");
        if (last) {
            put_source_place(p, last);
        }
        buf_printf(p->out, last ? " (0x%x)" : "0x%x", f->offset);
    }
    buf_byte(p->out, '\n');
}

static void show_frames(struct painter *p, const struct diag *x)
{
    u32 number = 0;
    for (u32 i = 0; i < x->frames.len; i++) {
        const struct diag_frame *f = &x->frames.data[i];
        if (f->left_out) {
            begin_note(p, false);
            buf_printf(p->out, "... %u frame%s more ...\n", f->left_out,
                       f->left_out == 1 ? "" : "s");
            number += f->left_out;
        }
        show_frame(p, f, number++);
    }
}

static void show(struct painter *p, const struct diag *x)
{
    u32 deepest = line_of(p, x->at);
    for (u32 i = 0; i < x->labels.len; i++) {
        u32 line = line_of(p, x->labels.data[i].at);
        deepest = line > deepest ? line : deepest;
    }
    p->gutter = 2;
    for (u32 n = deepest; n >= 10; n /= 10) {
        p->gutter++;
    }
    bool error = x->severity == SEVERITY_ERROR;
    style(p, error ? STYLE_RED : STYLE_YELLOW);
    buf_c(p->out, error ? "error" : "warning");
    style(p, STYLE_OFF);
    style(p, STYLE_BOLD);
    buf_c(p->out, ": ");
    put_lines(p->out, x->message);
    style(p, STYLE_OFF);
    buf_byte(p->out, '\n');
    show_spans(p, x);
    for (u32 i = 0; i < x->notes.len; i++) {
        const struct diag_note *n = &x->notes.data[i];
        begin_note(p, n->help);
        put_lines(p->out, n->text);
        buf_byte(p->out, '\n');
    }
    show_frames(p, x);
}

void diags_render_text(struct diags *d, bool color, struct buf *out)
{
    struct painter p = {.d = d, .out = out, .color = color};
    for (u32 i = 0; i < d->list.len; i++) {
        show(&p, d->list.data[i]);
    }
    if (d->dropped) {
        buf_printf(out, "... and %u more error%s\n", d->dropped, d->dropped == 1 ? "" : "s");
    }
}

/* Bytes made from a text are shown as their place in it. */
static void to_text(struct diags *d, struct diag *x, span *at, bool primary)
{
    struct source *s = sources_get(d->sources, at->source);
    span text;
    bool exact;
    if (!s || !s->translate || !s->translate(s->context, d->sources, at->start, &text, &exact)) {
        return;
    }
    if (primary && !exact) {
        diag_note(d, x, "at offset 0x%x of the binary made from it", at->start);
    }
    *at = text;
}

void diags_render(struct diags *d, enum diag_format format, struct buf *out)
{
    for (u32 i = 0; i < d->list.len; i++) {
        struct diag *x = d->list.data[i];
        to_text(d, x, &x->at, true);
        for (u32 j = 0; j < x->labels.len; j++) {
            to_text(d, x, &x->labels.data[j].at, false);
        }
    }
    if (format == DIAG_JSON) {
        diags_render_json(d, out);
    } else {
        diags_render_text(d, format == DIAG_TEXT_COLOR, out);
    }
}
