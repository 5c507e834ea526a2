/* text.c - filling in templates. */
#include "gen.h"

void bindgen_put(struct buf *b, const char *template, const str *args, u32 n)
{
    const char *from = template;
    for (const char *p = template; *p; p++) {
        if (p[0] != '$' || p[1] < '0' || p[1] > '9')
            continue;
        u32 i = (u32)(p[1] - '0');
        buf_put(b, from, (size_t)(p - from));
        if (i < n)
            buf_str(b, args[i]);
        from = ++p + 1;
    }
    buf_c(b, from);
}

void bindgen_line(struct code *c, const char *template, const str *args, u32 n)
{
    if (c->budget == 0) {
        if (!c->g->failed)
            diag_unsupported(c->g->diags, (span){0},
                             "a signature whose variants nest so deep that its code explodes");
        c->g->failed = true;
        return;
    }
    c->budget--;
    for (u32 i = 0; i < c->indent; i++)
        buf_c(c->b, "  ");
    bindgen_put(c->b, template, args, n);
    buf_byte(c->b, '\n');
}

void bindgen_docs(struct buf *b, str docs, const char *indent)
{
    docs = str_trim(docs);
    while (docs.len) {
        str line;
        docs = str_cut(docs, '\n', &line);
        if (str_ends(line, STR("\r")))
            line.len--;
        /* A backslash at the end would make the next line a comment, too. */
        buf_printf(b, "%s//%s" STRF "%s\n", indent, line.len ? " " : "", STRA(line),
                   str_ends(line, STR("\\")) ? "." : "");
    }
}
