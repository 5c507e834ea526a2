/* text_balance.c - when parentheses do not match: which one is to blame, as indentation tells. Only used when there is an error. */
#include "text.h"

#define DEEPEST 1000000 /* parentheses further in are counted, but not blamed */

struct opening {
    u32 at, indent; /* indent: of the line it stands on */
};
/* How deep the last line of an indentation was that starts with a parenthesis. */
struct level {
    u32 indent, depth;
};
struct balance {
    struct text_parser *p;
    VEC(struct opening) open;
    VEC(struct level) levels;
    u32 depth, last_close;
    u32 unclosed,
        surplus; /* the first of each kind that indentation speaks against, or TEXT_NONE */
};

static void suspect(u32 *guess, u32 at)
{
    if (*guess == TEXT_NONE)
        *guess = at;
}

/* A line starts with `(`: the one before it with the same indentation should be as deep. */
static void line_opens(struct balance *b, u32 indent)
{
    while (b->levels.len && vec_last(&b->levels)->indent > indent)
        b->levels.len--;
    struct level *above = b->levels.len ? vec_last(&b->levels) : NULL;
    if (!above || above->indent < indent) {
        if (above && b->depth <= above->depth)
            suspect(&b->surplus, b->last_close);
        *vec_push(b->p->arena, &b->levels) = (struct level){indent, b->depth};
        return;
    }
    if (b->depth > above->depth && b->depth == b->open.len)
        suspect(&b->unclosed, vec_last(&b->open)->at);
    else if (b->depth < above->depth)
        suspect(&b->surplus, b->last_close);
    above->depth = b->depth;
}

/* A line starts with `)`: what it closes should start a line of the same indentation. */
static void line_closes(struct balance *b, u32 indent)
{
    if (b->depth == 0 || b->depth != b->open.len)
        return;
    struct opening *open = vec_last(&b->open);
    if (open->indent > indent)
        suspect(&b->unclosed, open->at);
    else if (open->indent < indent)
        suspect(&b->surplus, b->last_close);
}

static u32 skip_line(const struct text_parser *p, u32 i)
{
    while (i < p->size && p->text[i] != '\n')
        i++;
    return i;
}

static u32 skip_comment(const struct text_parser *p, u32 i)
{
    u32 depth = 0;
    do {
        bool opens = i + 1 < p->size && p->text[i] == '(' && p->text[i + 1] == ';';
        bool closes = i + 1 < p->size && p->text[i] == ';' && p->text[i + 1] == ')';
        depth += opens;
        depth -= closes;
        i += opens || closes ? 2 : 1;
    } while (depth && i < p->size);
    return i;
}

static u32 skip_quoted(const struct text_parser *p, u32 i)
{
    for (i++; i < p->size && p->text[i] != '"'; i++) {
        if (p->text[i] == '\\')
            i++;
    }
    return i + 1;
}

/* Goes through the text; stops at a `)` that closes nothing. */
static void scan(struct balance *b)
{
    struct text_parser *p = b->p;
    u32 line = p->begin, indent = 0;
    bool first = true; /* in its line */
    for (u32 i = p->begin; i < p->size;) {
        char c = p->text[i], after = i + 1 < p->size ? p->text[i + 1] : 0;
        if (c == '\n') {
            line = ++i;
            first = true;
            continue;
        }
        if (c == ' ' || c == '\t' || c == '\r') {
            i++;
            continue;
        }
        if (first)
            indent = i - line;
        if (c == ';' && after == ';') {
            i = skip_line(p, i);
        } else if (c == '(' && after == ';') {
            i = skip_comment(p, i);
        } else if (c == '"') {
            i = skip_quoted(p, i);
        } else {
            if (c == '(') {
                if (first)
                    line_opens(b, indent);
                if (b->depth == b->open.len && b->depth < DEEPEST)
                    *vec_push(p->arena, &b->open) = (struct opening){i, indent};
                b->depth++;
            } else if (c == ')') {
                if (first)
                    line_closes(b, indent);
                b->last_close = i;
                if (b->depth == 0) {
                    b->depth = TEXT_NONE;
                    suspect(&b->surplus, i);
                    return;
                }
                if (b->depth-- == b->open.len)
                    b->open.len--;
            }
            i++;
        }
        first = false;
    }
}

bool text_blame_balance(struct text_parser *p, struct diag *x, u32 before)
{
    if (x == &p->ignored)
        return false;
    struct balance b = {.p = p, .unclosed = TEXT_NONE, .surplus = TEXT_NONE};
    scan(&b);
    if (b.depth == 0)
        return false;
    bool too_many = b.depth == TEXT_NONE;
    u32 guess = too_many ? b.surplus : b.unclosed;
    bool guessed = guess != TEXT_NONE && (!too_many || guess != b.last_close);
    if (!guessed && !too_many)
        guess = b.open.len ? vec_last(&b.open)->at : TEXT_NONE;
    if (guess >= before) /* the mistake is another one */
        return false;
    span at = {p->source, guess, guess + 1};
    if (too_many)
        diag_label(p->d, x, at,
                   guessed
                       ? "perhaps this is one too many: what follows is indented as if it stood "
                         "within"
                       : "this closes nothing");
    else
        diag_label(p->d, x, at,
                   guessed ? "perhaps this was not closed: what follows is not indented under it"
                           : "this was not closed");
    return true;
}
