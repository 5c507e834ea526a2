/* text_lex.c - tokens of the text format, and what the parser takes of them. */
#include "text.h"

#include <stdlib.h>

/* ---- Characters --------------------------------------------------------------------------------- */

enum {
    CHAR_ID = 1,
    CHAR_SPACE = 2,
    CHAR_LOWER = 4,
    CHAR_NUMBER = 8,
    CHAR_PUNCTUATION = 16,
    CHAR_PLAIN = 32, /* stands for itself in a string */
    CHAR_FORM = 64,  /* matters to text_skip_rest */
};

/* clang-format off */
#define S CHAR_SPACE
#define B (CHAR_SPACE | CHAR_PLAIN)
#define I (CHAR_ID | CHAR_PLAIN)
#define E CHAR_ID
#define L (CHAR_ID | CHAR_LOWER | CHAR_PLAIN)
#define N (CHAR_ID | CHAR_NUMBER | CHAR_PLAIN)
#define P (CHAR_PUNCTUATION | CHAR_PLAIN)
#define F (CHAR_FORM | CHAR_PLAIN)
#define Q CHAR_FORM
#define C (CHAR_PUNCTUATION | CHAR_PLAIN | CHAR_FORM)
static const u8 char_class[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, 0, 0, S, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
/*  sp !  "  #  $  %  &  '  (  )  *  +  ,  -  .  /  0  1  2  3  4  5  6  7  8  9  :  ;  <  =  >  ? */
    B, I, Q, I, I, I, I, I, F, F, I, N, P, N, I, I, N, N, N, N, N, N, N, N, N, N, I, C, I, I, I, I,
/*  @  A..Z                                                                         [  \  ]  ^  _ */
    I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, P, E, P, I, I,
/*  `  a..z                                                                         {  |  }  ~    */
    I, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, I, P, I, 0,
};
#undef B
#undef E
#undef F
#undef Q
#undef C
#undef S
#undef I
#undef L
#undef N
#undef P
/* clang-format on */

static u8 class_at(const struct text_parser *p, u32 at)
{
    return at < p->size ? char_class[(u8)p->text[at]] : 0;
}

/* ---- Errors -------------------------------------------------------------------------------------- */

struct diag *text_fail(struct text_parser *p, struct text_token at, const char *format, ...)
{
    if (p->failed) {
        memset(&p->ignored, 0, sizeof p->ignored);
        return &p->ignored;
    }
    va_list args;
    va_start(args, format);
    str message = str_vprintf(p->d->arena, format, args);
    va_end(args);
    p->failed = true;
    p->tok = p->next = (struct text_token){p->size, p->size, TEXT_EOF, false};
    p->has_next = false;
    p->pos = p->size;
    return diag_error(p->d, "wat-syntax", text_span(p, at), STRF, STRA(message));
}

/* Once failed, nothing more may be said: labels and notes of later errors are dropped. */
struct diag *text_unexpected(struct text_parser *p, const char *expected)
{
    if (p->failed)
        return text_fail(p, p->tok, "unexpected");
    struct text_token at = p->tok;
    str shown = text_of(p, at);
    struct diag *x;
    if (at.kind == TEXT_EOF)
        x = text_fail(p, at, "unexpected end of the text, expected %s", expected);
    else if (shown.len > 60)
        x = text_fail(p, at, "unexpected token, expected %s", expected);
    else
        x = text_fail(p, at, "unexpected token `" STRF "`, expected %s", STRA(shown), expected);
    diag_say(p->d, x, "expected %s", expected);
    text_blame_balance(p, x, at.start);
    return x;
}

void text_unexpected_word(struct text_parser *p, const char *expected, const str *words, u32 count)
{
    struct text_token at = p->tok;
    struct diag *x = text_unexpected(p, expected);
    if (x != &p->ignored && at.kind == TEXT_KEYWORD && at.end - at.start < 60)
        diag_suggest(p->d, x, text_of(p, at), words, count);
}

/* ---- Strings and comments ------------------------------------------------------------------------- */

static struct text_token span_token(u32 start, u32 end)
{
    return (struct text_token){start, end, TEXT_RESERVED, false};
}

static bool check_utf8(struct text_parser *p, u32 start, u32 end)
{
    size_t bad = utf8_check(str_of(p->text + start, end - start));
    if (bad == SIZE_MAX)
        return true;
    text_fail(p, span_token(start + (u32)bad, start + (u32)bad + 1), "malformed UTF-8 encoding");
    return false;
}

static int hex_digit(char c)
{
    if ((u8)(c - '0') <= 9)
        return c - '0';
    u8 letter = (u8)((c | 0x20) - 'a');
    return letter <= 5 ? letter + 10 : -1;
}

/* Past the escape whose backslash is at `at`; 0 and an error if it is none. */
static u32 lex_escape(struct text_parser *p, u32 at)
{
    u32 i = at + 1;
    char c = i < p->size ? p->text[i] : 0;
    switch (c) {
    case 't':
    case 'n':
    case 'r':
    case '"':
    case '\'':
    case '\\': return i + 1;
    case 'u': {
        u32 scalar = 0, digits = 0;
        if (++i < p->size && p->text[i] == '{') {
            for (i++; i < p->size && p->text[i] != '}'; i++) {
                int digit = hex_digit(p->text[i]);
                bool underscore = p->text[i] == '_' && digits && i + 1 < p->size &&
                                  hex_digit(p->text[i + 1]) >= 0;
                if (digit < 0 && !underscore)
                    break;
                if (digit >= 0) {
                    scalar = scalar << 4 | (u32)digit;
                    digits++;
                }
                if (scalar > 0x10ffff)
                    break;
            }
            bool surrogate = scalar >= 0xd800 && scalar < 0xe000;
            if (i < p->size && p->text[i] == '}' && digits && scalar <= 0x10ffff && !surrogate)
                return i + 1;
        }
        text_fail(
            p, span_token(at, i < p->size ? i + 1 : p->size),
            "invalid escape: `\\u{...}` takes the hexadecimal number of a Unicode scalar value");
        return 0;
    }
    default:
        if (hex_digit(c) >= 0 && i + 1 < p->size && hex_digit(p->text[i + 1]) >= 0)
            return i + 2;
        text_fail(p, span_token(at, at + 1 < p->size ? at + 2 : p->size), "invalid string escape");
        return 0;
    }
}

/* Past the string whose quote is at `start`; 0 after an error. */
static u32 lex_string(struct text_parser *p, u32 start, bool *escaped)
{
    u32 i = start + 1;
    bool ascii = true;
    *escaped = false;
    for (;;) {
        while (i < p->size && char_class[(u8)p->text[i]] & CHAR_PLAIN)
            i++;
        if (i >= p->size) {
            text_fail(p, span_token(start, start + 1), "unclosed string");
            return 0;
        }
        u8 c = (u8)p->text[i];
        if (c == '"')
            break;
        if (c == '\\') {
            *escaped = true;
            if (i + 2 < p->size && hex_digit(p->text[i + 1]) >= 0 && hex_digit(p->text[i + 2]) >= 0)
                i += 3;
            else if ((i = lex_escape(p, i)) == 0)
                return 0;
        } else if (c < 0x80) {
            text_fail(p, span_token(i, i + 1),
                      c == '\n' ? "unclosed string: it ends at the end of the line"
                                : "control character 0x%02x in a string must be escaped",
                      c);
            return 0;
        } else {
            ascii = false;
            i++;
        }
    }
    if (!ascii && !check_utf8(p, start, i))
        return 0;
    return i + 1;
}

/* Past the block comment that starts at `start`; 0 after an error. */
static u32 lex_block_comment(struct text_parser *p, u32 start)
{
    u32 i = start + 2, depth = 1;
    bool ascii = true;
    while (depth) {
        if (i + 1 >= p->size) {
            text_fail(p, span_token(start, start + 2), "unclosed comment");
            return 0;
        }
        char c = p->text[i], d = p->text[i + 1];
        if (c == '(' && d == ';') {
            depth++;
            i += 2;
        } else if (c == ';' && d == ')') {
            depth--;
            i += 2;
        } else {
            ascii &= (u8)c < 0x80;
            i++;
        }
    }
    if (!ascii && !check_utf8(p, start, i))
        return 0;
    return i;
}

/* Past the line comment that starts at `start`, its line end included; 0 after an error. A carriage
 * return ends a line as well. */
static u32 lex_line_comment(struct text_parser *p, u32 start)
{
    u32 i = start;
    bool ascii = true;
    while (i < p->size && p->text[i] != '\n' && p->text[i] != '\r')
        ascii &= (u8)p->text[i++] < 0x80;
    if (!ascii && !check_utf8(p, start, i))
        return 0;
    return i;
}

/* ---- Tokens ---------------------------------------------------------------------------------------- */

static const str known_annotations[] = {
    STR_INIT("name"),
    STR_INIT("custom"),
    STR_INIT("producers"),
    STR_INIT("dylink.0"),
    STR_INIT("metadata.code.branch_hint"),
};

static u32 idchars_from(const struct text_parser *p, u32 i)
{
    while (class_at(p, i) & CHAR_ID)
        i++;
    return i;
}

/* Whatever sticks to a token without white space makes one reserved token of all of it. */
static struct text_token lex_reserved(struct text_parser *p, u32 start, u32 i)
{
    for (;;) {
        if (class_at(p, i) & CHAR_ID || (class_at(p, i) & CHAR_PUNCTUATION && p->text[i] != ';')) {
            i++;
        } else if (i < p->size && p->text[i] == '"') {
            bool escaped;
            i = lex_string(p, i, &escaped);
            if (i == 0)
                return p->tok;
        } else {
            break;
        }
    }
    return (struct text_token){start, i, TEXT_RESERVED, false};
}

static struct text_token lex_annotation(struct text_parser *p, u32 start, bool *skip);

static bool sticks(const struct text_parser *p, u32 i)
{
    return i < p->size && (p->text[i] == '"' ||
                           (class_at(p, i) & (CHAR_ID | CHAR_PUNCTUATION) && p->text[i] != ';'));
}

static struct text_token lex_string_token(struct text_parser *p, u32 start)
{
    bool escaped;
    u32 end = lex_string(p, start, &escaped);
    if (end == 0)
        return p->tok;
    if (sticks(p, end))
        return lex_reserved(p, start, end);
    return (struct text_token){start, end, TEXT_STRING, escaped};
}

static struct text_token lex_word(struct text_parser *p, u32 start)
{
    u32 end = start + 1;
    u8 class = char_class[(u8)p->text[start]];
    const char *text = p->text;
    u32 size = p->size;
    while (end < size && char_class[(u8)text[end]] & CHAR_ID)
        end++;
    if (p->text[start] == '$') {
        if (end == start + 1 && end < p->size && p->text[end] == '"') {
            bool escaped;
            u32 close = lex_string(p, end, &escaped);
            if (close == 0)
                return p->tok;
            if (sticks(p, close))
                return lex_reserved(p, start, close);
            return (struct text_token){start, close, TEXT_ID, true};
        }
        if (!sticks(p, end)) {
            if (end == start + 1 && !p->annotations) /* within one it is any token */
                return lex_reserved(p, start, end);
            if (end == start + 1) {
                text_fail(p, span_token(start, end), "empty identifier");
                return p->tok;
            }
            return (struct text_token){start, end, TEXT_ID, false};
        }
    }
    if (sticks(p, end))
        return lex_reserved(p, start, end);
    u8 kind = TEXT_RESERVED;
    if (class & CHAR_LOWER)
        kind = TEXT_KEYWORD;
    else if (class & CHAR_NUMBER)
        kind = TEXT_NUMBER;
    return (struct text_token){start, end, kind, false};
}

/* `'c'` with a character or an escape; false if it is no such thing, which other tokens may start like. */
static bool lex_character(struct text_parser *p, u32 start, struct text_token *out)
{
    u32 i = start + 1;
    if (i >= p->size || p->text[i] == '\'' || (u8)p->text[i] < 0x20)
        return false;
    if (p->text[i] == '\\') {
        while (i < p->size && p->text[i] != '\n' && (p->text[i] != '\'' || p->text[i - 1] == '\\'))
            i++;
    } else {
        size_t at = i;
        utf8_next(str_of(p->text, p->size), &at);
        i = (u32)at;
    }
    if (i >= p->size || p->text[i] != '\'' || sticks(p, i + 1))
        return false;
    *out = (struct text_token){start, i + 1, TEXT_CHAR,
                               memchr(p->text + start, '\\', i - start) != NULL};
    if (out->escaped && lex_escape(p, start + 1) != i && !p->failed)
        text_fail(p, *out, "a character literal has one character");
    return !p->failed && check_utf8(p, start, i);
}

static u32 skip_blanks(const struct text_parser *p, u32 i)
{
    static const char blanks[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
    while (i < p->size && char_class[(u8)p->text[i]] & CHAR_SPACE) {
        i++;
        while (i + 8 <= p->size && memcmp(p->text + i, blanks, 8) == 0)
            i += 8;
    }
    return i;
}

static struct text_token lex(struct text_parser *p)
{
    u32 i = p->pos;
    for (;;) {
        i = skip_blanks(p, i);
        if (i >= p->size) {
            p->pos = p->size;
            return (struct text_token){p->size, p->size, TEXT_EOF, false};
        }
        char c = p->text[i];
        u8 class = char_class[(u8)c];
        struct text_token t;
        if (c == '\'' && lex_character(p, i, &t)) {
            p->pos = t.end;
            return t;
        }
        if (p->failed)
            return p->tok;
        if (class & CHAR_ID) {
            t = lex_word(p, i);
        } else if (c == '(') {
            char after = i + 1 < p->size ? p->text[i + 1] : 0;
            if (after == ';') {
                i = lex_block_comment(p, i);
                if (i == 0)
                    return p->tok;
                continue;
            }
            if (after == '@') {
                bool skip = false;
                p->pos = i;
                t = lex_annotation(p, i, &skip);
                if (p->failed)
                    return p->tok;
                if (skip) {
                    i = p->pos;
                    continue;
                }
            } else {
                t = (struct text_token){i, i + 1, TEXT_LPAREN, false};
            }
        } else if (c == ')') {
            t = (struct text_token){i, i + 1, TEXT_RPAREN, false};
        } else if (c == '"') {
            t = lex_string_token(p, i);
        } else if (c == ';' && i + 1 < p->size && p->text[i + 1] == ';') {
            i = lex_line_comment(p, i);
            if (i == 0)
                return p->tok;
            continue;
        } else if (class & CHAR_PUNCTUATION) {
            t = c == ';' ? span_token(i, i + 1) : lex_reserved(p, i, i);
        } else {
            u32 end = i;
            str rest = {p->text + i, p->size - i < 4 ? p->size - i : 4};
            size_t length = 0;
            utf8_next(rest, &length);
            end += (u32)length;
            if ((u8)c >= 0x80 && !check_utf8(p, i, end))
                return p->tok;
            text_fail(p, span_token(i, end), "unexpected character");
            return p->tok;
        }
        if (p->failed)
            return p->tok;
        p->pos = t.end;
        return t;
    }
}

/* `(@name ...`: as a token if the parser wants it, else the whole is skipped. */
static struct text_token lex_annotation(struct text_parser *p, u32 start, bool *skip)
{
    u32 name = start + 2, end;
    bool escaped = false;
    if (name < p->size && p->text[name] == '"')
        end = lex_string(p, name, &escaped);
    else
        end = idchars_from(p, name);
    if (p->failed)
        return p->tok;
    bool empty = end == name || (p->text[name] == '"' && end == name + 2);
    if (empty || sticks(p, end)) {
        text_fail(p, span_token(start, end), "%s",
                  empty ? "empty annotation id" : "malformed annotation id");
        return p->tok;
    }
    struct text_token t = {start, end, TEXT_ANNOT, escaped};
    if (escaped) {
        struct text_token id = {name - 1, end, TEXT_ID, true};
        text_id_name(p, id); /* checks it */
        if (p->failed)
            return p->tok;
    }
    if (p->annotations) {
        for (u32 i = 0; i < LENGTH_OF(known_annotations); i++) {
            if (text_is_annotation(p, t, known_annotations[i]))
                return t;
        }
    }
    /* Its contents are any tokens with balanced parentheses. */
    p->pos = end;
    u32 depth = 1;
    bool annotations = p->annotations;
    p->annotations = false;
    while (depth && !p->failed) {
        u32 i = skip_blanks(p, p->pos);
        if (i + 1 < p->size && p->text[i] == '(' && p->text[i + 1] == '@') {
            p->pos =
                i +
                1; /* one within another is but a parenthesis, so that nesting needs no recursion */
            depth++;
            continue;
        }
        struct text_token inner = lex(p);
        if (inner.kind == TEXT_LPAREN)
            depth++;
        else if (inner.kind == TEXT_RPAREN)
            depth--;
        else if (inner.kind == TEXT_EOF && !p->failed)
            text_fail(p, t, "unclosed annotation");
    }
    p->annotations = annotations;
    *skip = true;
    return t;
}

bool text_is_annotation(const struct text_parser *p, struct text_token t, str name)
{
    if (t.kind != TEXT_ANNOT)
        return false;
    str shown = {p->text + t.start + 2, t.end - t.start - 2};
    if (shown.ptr[0] == '"')
        shown = str_sub(shown, 1, shown.len - 1);
    return str_eq(shown, name);
}

void text_init_part(struct text_parser *p, struct arena *a, u32 source, u32 start, u32 end,
                    struct features features, struct diags *d)
{
    str text = sources_get(d->sources, source)->text;
    const struct text_ops *ops = p->ops;
    struct arena *module_arena = p->module_arena;
    *p = (struct text_parser){.arena = a,
                              .d = d,
                              .features = features,
                              .text = text.ptr,
                              .begin = start,
                              .size = end,
                              .pos = start,
                              .source = source,
                              .annotations = true,
                              .scratch = buf_in(a)};
    p->ops = ops ? ops : text_ops_new(a);
    p->module_arena = module_arena;
    text_advance(p);
}

void text_init(struct text_parser *p, struct arena *a, u32 source, struct features features,
               struct diags *d)
{
    str text = sources_get(d->sources, source)->text;
    u32 start = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;
    text_init_part(p, a, source, start, (u32)text.len, features, d);
}

void text_advance(struct text_parser *p)
{
    p->last_end = p->tok.end;
    if (p->has_next) {
        p->tok = p->next;
        p->has_next = false;
    } else {
        p->tok = lex(p);
    }
}

struct text_token text_peek(struct text_parser *p)
{
    if (!p->has_next) {
        struct text_token next = lex(p);
        if (p->failed)
            return p->tok;
        p->next = next;
        p->has_next = true;
    }
    return p->next;
}

/* Past a string that will be lexed again, or 0 if it is not closed. */
static u32 skip_string(const struct text_parser *p, u32 i)
{
    for (i++; i < p->size; i++) {
        char c = p->text[i];
        if (c == '"')
            return i + 1;
        if (c == '\\')
            i++;
    }
    return 0;
}

void text_skip_rest(struct text_parser *p)
{
    const char *text = p->text;
    u32 i = p->failed ? p->size : p->tok.start, depth = 1, size = p->size;
    while (i < size) {
        char c = text[i];
        if (!(char_class[(u8)c] & CHAR_FORM)) {
            i++;
            continue;
        }
        char after = i + 1 < size ? text[i + 1] : 0;
        u32 next = i + 1;
        if (c == '(' && after == ';')
            next = lex_block_comment(p, i);
        else if (c == '(')
            depth++;
        else if (c == '"')
            next = skip_string(p, i);
        else if (c == ';' && after == ';')
            next = lex_line_comment(p, i);
        else if (c == ')' && --depth == 0)
            break;
        if (next == 0) {
            text_fail(p, span_token(i, i + 1),
                      "unclosed string"); /* if it is no comment that said so */
            return;
        }
        i = next;
    }
    if (i >= size) {
        if (!p->failed) {
            p->tok = (struct text_token){p->size, p->size, TEXT_EOF, false};
            text_unexpected(p, "`)`");
        }
        return;
    }
    p->last_close = p->pos = i + 1;
    p->has_next = false;
    text_advance(p);
}

/* ---- What the parser takes ---------------------------------------------------------------------------- */

bool text_at_form(struct text_parser *p, str word)
{
    return p->tok.kind == TEXT_LPAREN && text_is_word(p, text_peek(p), word);
}

bool text_take_word(struct text_parser *p, str word)
{
    if (!text_is_word(p, p->tok, word))
        return false;
    text_advance(p);
    return true;
}

bool text_open_word(struct text_parser *p, str word)
{
    if (!text_at_form(p, word))
        return false;
    text_advance(p);
    text_advance(p);
    return true;
}

void text_expect_word(struct text_parser *p, str word)
{
    if (!text_take_word(p, word))
        text_unexpected(p, str_printf(p->d->arena, "`" STRF "`%c", STRA(word), 0).ptr);
}

void text_lparen(struct text_parser *p)
{
    if (p->tok.kind == TEXT_LPAREN)
        text_advance(p);
    else
        text_unexpected(p, "`(`");
}

void text_close(struct text_parser *p)
{
    if (p->tok.kind == TEXT_RPAREN)
        text_advance(p);
    else
        text_unexpected(p, "`)`");
}

bool text_enter(struct text_parser *p)
{
    if (p->failed)
        return false;
    if (p->depth >= TEXT_NESTING) {
        text_fail(p, p->tok, "nesting too deep: more than %d levels", TEXT_NESTING);
        return false;
    }
    p->depth++;
    return true;
}

/* Decodes what lexed as a string; the quotes are at both ends of the view. */
static void decode_string(str quoted, struct buf *out)
{
    const char *s = quoted.ptr + 1, *end = quoted.ptr + quoted.len - 1;
    while (s < end) {
        const char *stop = memchr(s, '\\', (size_t)(end - s));
        if (!stop)
            stop = end;
        buf_put(out, s, (size_t)(stop - s));
        s = stop;
        if (s == end)
            break;
        char c = s[1];
        s += 2;
        switch (c) {
        case 't': text_byte(out, '\t'); break;
        case 'n': text_byte(out, '\n'); break;
        case 'r': text_byte(out, '\r'); break;
        case '"':
        case '\'':
        case '\\': text_byte(out, (u8)c); break;
        case 'u': {
            u32 scalar = 0;
            for (s++; *s != '}'; s++) {
                if (*s != '_')
                    scalar = scalar << 4 | (u32)hex_digit(*s);
            }
            s++;
            char bytes[4];
            buf_put(out, bytes, utf8_encode(scalar, bytes));
            break;
        }
        default: text_byte(out, (u8)(hex_digit(c) << 4 | hex_digit(*s++))); break;
        }
    }
}

str text_id_name(struct text_parser *p, struct text_token t)
{
    str id = {p->text + t.start + 1, t.end - t.start - 1};
    if (!t.escaped)
        return id;
    struct buf out = buf_in(p->arena);
    decode_string(id, &out);
    if (out.len == 0)
        text_fail(p, t, "empty identifier");
    else if (utf8_check(buf_view(&out)) != SIZE_MAX)
        text_fail(p, t, "malformed UTF-8 encoding");
    return buf_view(&out);
}

str text_id(struct text_parser *p, struct text_token *at)
{
    *at = p->tok;
    if (p->tok.kind != TEXT_ID)
        return (str){0};
    str name = text_id_name(p, p->tok);
    text_advance(p);
    return name;
}

void text_string_to(struct text_parser *p, struct buf *out)
{
    if (p->tok.kind != TEXT_STRING && p->tok.kind != TEXT_CHAR) {
        text_unexpected(p, "a string");
        return;
    }
    str quoted = text_of(p, p->tok);
    if (p->tok.escaped)
        decode_string(quoted, out);
    else
        buf_put(out, quoted.ptr + 1, quoted.len - 2);
    text_advance(p);
}

str text_string(struct text_parser *p)
{
    if (p->tok.kind == TEXT_STRING && !p->tok.escaped) {
        str s = {p->text + p->tok.start + 1, p->tok.end - p->tok.start - 2};
        text_advance(p);
        return s;
    }
    struct buf out = buf_in(p->arena);
    text_string_to(p, &out);
    return buf_view(&out);
}

str text_name(struct text_parser *p)
{
    struct text_token at = p->tok;
    str name = text_string(p);
    if (at.escaped && !p->failed && utf8_check(name) != SIZE_MAX)
        text_fail(p, at, "malformed UTF-8 encoding");
    return name;
}

bool text_name_annotation(struct text_parser *p, str *name)
{
    if (!text_is_annotation(p, p->tok, STR("name")))
        return false;
    text_advance(p);
    *name = text_name(p);
    text_close(p);
    return true;
}

bool text_at_binder(const struct text_parser *p)
{
    return p->tok.kind == TEXT_ID || text_is_annotation(p, p->tok, STR("name"));
}

void text_binder(struct text_parser *p, str *id, struct text_token *at, str *shown)
{
    *id = text_id(p, at);
    *shown = *id;
    text_name_annotation(p, shown);
}
