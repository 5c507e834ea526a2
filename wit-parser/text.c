/* text.c - the one walk over a text before it is parsed: refuses what no WIT holds and what tree-sitter must not be
 * given, finds the comments, and makes a copy without them.
 *
 * tree-sitter looks at each character several times, and a node of its trees counts its children, comments too, in 16
 * bits and does not look whether they fit. So files are parsed from the copy, and comments are found by
 * their place. Documents of a workspace are parsed as they are: these must not be `crowded`.
 */
#include "ast.h"

#define MAX_DEPTH    1000u  /* of brackets of all kinds */
#define MAX_COMMENTS 20000u /* in items that are not finished yet */
#define PART         16384u /* bytes that are parsed at a time, at least: their tree fits the caches */

static u32 comment_end(str text, u32 at)
{
    if (text.ptr[at + 1] == '/') {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        return end ? (u32)(end - text.ptr) : (u32)text.len;
    }
    u32 depth = 1;
    for (at += 2; at < text.len && depth; at++) {
        bool pair = at + 1 < text.len;
        if (pair && text.ptr[at] == '/' && text.ptr[at + 1] == '*') {
            depth++;
            at++;
        } else if (pair && text.ptr[at] == '*' && text.ptr[at + 1] == '/') {
            depth--;
            at++;
        }
    }
    return depth ? WIT_NONE : at;
}

/* Behind the quote that closes it, else behind its line. */
static u32 literal_end(str text, u32 at, bool *closed)
{
    for (at++; at < text.len && text.ptr[at] != '"' && text.ptr[at] != '\n'; at++) {
        at += text.ptr[at] == '\\';
    }
    *closed = at < text.len && text.ptr[at] == '"';
    return at < text.len ? at + 1 : (u32)text.len;
}

static bool starts_comment(str text, u32 at)
{
    return text.ptr[at] == '/' && at + 1 < text.len &&
           (text.ptr[at + 1] == '/' || text.ptr[at + 1] == '*');
}

u32 wit_skip_opaque(str text, u32 at)
{
    if (starts_comment(text, at)) {
        u32 end = comment_end(text, at);
        return end < text.len ? end : (u32)text.len;
    }
    bool closed;
    return text.ptr[at] == '"' ? literal_end(text, at, &closed) : at;
}

/* ---- Characters ------------------------------------------------------------------------------------------------- */

/* Is all of it printable ASCII, or white space? A loop that compilers make wide. */
static bool is_plain(const char *p, size_t n)
{
    u8 odd = 0;
    for (size_t i = 0; i < n; i++) {
        u8 c = (u8)p[i];
        odd |= (u8)(((u8)(c - 0x20) >= 0x5f) & (c != '\n') & (c != '\r') & (c != '\t'));
    }
    return !odd;
}

/* What Unicode deprecates (PropList.txt, Deprecated) or, as the two inherent vowels of Khmer, strongly discourages. */
static const u32 discouraged[][2] = {
    {0x149, 0x149},   {0x673, 0x673},   {0xf77, 0xf77},   {0xf79, 0xf79},     {0x17a3, 0x17a4},
    {0x17b4, 0x17b5}, {0x206a, 0x206f}, {0x2329, 0x232a}, {0xe0001, 0xe0001},
};

static const char *forbidden(u32 c)
{
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || (c >= 0x7f && c < 0xa0)) {
        return "control character";
    }
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
        return "character that reverses the direction of text";
    }
    for (size_t i = 0; i < LENGTH_OF(discouraged); i++) {
        if (c >= discouraged[i][0] && c <= discouraged[i][1]) {
            return "deprecated character";
        }
    }
    return NULL;
}

/* Characters that a source must not hold, wherever they stand. */
static bool check_characters(struct diags *d, u32 source, str text)
{
    size_t bad = utf8_check(text);
    if (bad != SIZE_MAX) {
        diag_error(d, "wit-utf8", (span){source, (u32)bad, (u32)bad + 1}, "not UTF-8");
        return false;
    }
    for (size_t i = 0; i < text.len;) {
        size_t n = text.len - i < 64 ? text.len - i : 64;
        if (is_plain(text.ptr + i, n)) {
            i += n;
            continue;
        }
        for (n += i; i < n;) {
            size_t start = i;
            u32 c = utf8_next(text, &i);
            const char *what = forbidden(c);
            if (what) {
                diag_error(d, "wit-character", (span){source, (u32)start, (u32)i},
                           "%s U+%04X is not allowed in WIT", what, c);
                return false;
            }
        }
    }
    return true;
}

/* ---- Brackets, comments, the copy ------------------------------------------------------------------------------- */

enum class { PLAIN, BLANK, SLASH, QUOTE, OPEN, CLOSE, SEPARATOR };
static const u8 classes[256] = {
    [' '] = BLANK, ['\t'] = BLANK, ['\n'] = BLANK,    ['\r'] = BLANK,    ['/'] = SLASH,
    ['"'] = QUOTE, ['{'] = OPEN,   ['('] = OPEN,      ['<'] = OPEN,      ['}'] = CLOSE,
    [')'] = CLOSE, ['>'] = CLOSE,  [';'] = SEPARATOR, [','] = SEPARATOR,
};

struct scan {
    struct arena *arena;
    struct diags *diags;
    u32 source;
    struct wit_text *out;
    str text;
    u32 at;
    char *copy; /* of `length` bytes */
    u32 length;
    u32 depth, angles, deep_angle;
    u32 unfinished;            /* comments in items that are not finished */
    u32 levels[MAX_DEPTH + 1]; /* ... by depth of brackets */
};

/* The comments of the item end with it. */
static void finish(struct scan *s)
{
    s->unfinished -= s->levels[s->depth];
    s->levels[s->depth] = 0;
}

static bool too_deep(struct scan *s, u32 at)
{
    at = s->angles > WIT_MAX_TYPE_DEPTH ? s->deep_angle : at;
    struct diag *x =
        diag_error(s->diags, "wit-nesting", (span){s->source, at, at + 1}, "%s nesting too deep",
                   s->angles > WIT_MAX_TYPE_DEPTH ? "type" : "package");
    diag_note(s->diags, x, "types and packages nest at most %u deep", WIT_MAX_TYPE_DEPTH);
    return false;
}

static bool bracket(struct scan *s, char c, u32 at)
{
    if (classes[(u8)c] == OPEN) {
        s->angles = c == '<' ? s->angles + 1 : 0;
        s->deep_angle = s->angles == WIT_MAX_TYPE_DEPTH ? at + 1 : s->deep_angle;
        if (s->depth == MAX_DEPTH) {
            return too_deep(s, at);
        }
        s->levels[++s->depth] = 0;
    } else if (c != '>' || (at && s->text.ptr[at - 1] != '-')) {
        s->angles -= c == '>' && s->angles;
        if (s->depth) {
            finish(s);
            s->depth--;
        }
        if (c == '}') {
            finish(s);
        }
    }
    return true;
}

static void add_comment(struct scan *s, u32 start, u32 end)
{
    *vec_push(s->arena, &s->out->comments) = (struct wit_comment){start, end};
    s->levels[s->depth]++;
    s->unfinished++;
    s->out->crowded |= s->unfinished > MAX_COMMENTS;
}

/* Blanks and comments. Where a token ends of itself the copy has nothing instead, else one blank. */
static void gap(struct scan *s)
{
    u32 start = s->at, comment;
    for (bool more = true; more;) {
        while (s->at < s->text.len && classes[(u8)s->text.ptr[s->at]] == BLANK) {
            s->at++;
        }
        more = s->at < s->text.len && starts_comment(s->text, s->at) &&
               (comment = comment_end(s->text, s->at)) != WIT_NONE;
        if (more) {
            add_comment(s, s->at, comment);
            s->at = comment;
        }
    }
    if (s->at - start == 1) {
        s->copy[s->length++] = s->text.ptr[start];
        return;
    }
    u8 before = s->length ? classes[(u8)s->copy[s->length - 1]] : SEPARATOR;
    if (before != OPEN && before != CLOSE && before != SEPARATOR) {
        s->copy[s->length++] = ' ';
    }
    *vec_push(s->arena, &s->out->gaps) = (struct wit_gap){s->length, s->at};
}

static void put_up_to(struct scan *s, u32 end)
{
    memcpy(s->copy + s->length, s->text.ptr + s->at, end - s->at);
    s->length += end - s->at;
    s->at = end;
}

/* A `/` that starts no comment, or one that is not ended: that one goes on to the end of the text. */
static bool slash(struct scan *s)
{
    if (!starts_comment(s->text, s->at)) {
        put_up_to(s, s->at + 1);
        return true;
    }
    if (s->text.len - s->at > 4096) {
        /* tree-sitter would look for its end again from each character. */
        diag_error(s->diags, "wit-syntax", (span){s->source, s->at, s->at + 2},
                   "unterminated block comment");
        return false;
    }
    put_up_to(s, (u32)s->text.len);
    return true;
}

/* A text literal; one that its line does not end is left to the parser, which finds what is wrong, unless it is so long that
 * tree-sitter would look for its end again and again. */
static bool quote(struct scan *s)
{
    bool closed;
    u32 start = s->at, end = literal_end(s->text, start, &closed);
    if (end - start > 4096 && !closed) {
        diag_error(s->diags, "wit-syntax", (span){s->source, start, start + 1},
                   "unterminated text literal");
        return false;
    }
    put_up_to(s, end);
    return true;
}

/* An item of the file ends with a brace. */
static void cut(struct scan *s, char c)
{
    u32 last = s->out->cuts.len ? *vec_last(&s->out->cuts) : 0;
    if (c == '}' && !s->depth && s->length - last >= PART) {
        *vec_push(s->arena, &s->out->cuts) = s->length;
    }
}

static bool walk(struct scan *s)
{
    const char *p = s->text.ptr;
    while (s->at < s->text.len) {
        u32 start = s->at, i = start;
        while (i < s->text.len && classes[(u8)p[i]] == PLAIN) {
            s->copy[s->length++] = p[i++];
        }
        s->at = i;
        if (i == s->text.len) {
            break;
        }
        switch (classes[(u8)p[i]]) {
        case SLASH:
            if (!starts_comment(s->text, i) || comment_end(s->text, i) == WIT_NONE) {
                if (!slash(s)) {
                    return false;
                }
                break;
            }
            gap(s);
            break;
        case BLANK: gap(s); break;
        case QUOTE:
            if (!quote(s)) {
                return false;
            }
            break;
        case SEPARATOR:
            finish(s);
            put_up_to(s, i + 1);
            break;
        default:
            if (!bracket(s, p[i], i)) {
                return false;
            }
            put_up_to(s, i + 1);
            cut(s, p[i]);
        }
    }
    return true;
}

bool wit_scan_text(struct arena *a, struct diags *d, u32 source, str text, struct wit_text *out)
{
    *out = (struct wit_text){.source = text};
    if (!check_characters(d, source, text)) {
        return false;
    }
    struct scan *s = arena_new(a, struct scan);
    s->arena = a;
    s->diags = d;
    s->source = source;
    s->out = out;
    s->text = text;
    s->copy = arena_alloc(a, text.len + 1);
    if (!walk(s)) {
        return false;
    }
    out->compact = str_of(s->copy, s->length);
    return true;
}
