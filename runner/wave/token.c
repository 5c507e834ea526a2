/* token.c - the tokens of WAVE, and the contents of its quoted ones. */
#include "wave_internal.h"

static const char *const keywords[] = {"true", "false", "inf", "nan", "some", "none", "ok", "err"};

bool wave_is_keyword(str label)
{
    for (size_t i = 0; i < LENGTH_OF(keywords); i++) {
        if (str_eq_c(label, keywords[i])) {
            return true;
        }
    }
    return false;
}

span wave_span(const struct wave_reader *r, struct wave_token t)
{
    return (span){r->source, t.start, t.end};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char char_at(const struct wave_reader *r, u32 at)
{
    return at < r->text.len ? r->text.ptr[at] : '\0';
}

/* White space and comments. */
static void skip_blank(struct wave_reader *r)
{
    for (;;) {
        char c = char_at(r, r->at);
        if (r->at < r->text.len && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            r->at++;
        } else if (c == '/' && char_at(r, r->at + 1) == '/') {
            size_t end = str_find_char(r->text, '\n', r->at);
            r->at = end == SIZE_MAX ? (u32)r->text.len : (u32)end;
        } else {
            return;
        }
    }
}

static struct wave_token token(struct wave_reader *r, enum wave_token_kind kind, u32 start, u32 end)
{
    return (struct wave_token){
        .kind = kind, .text = str_sub(r->text, start, end), .start = start, .end = end};
}

static struct wave_token bad(struct wave_reader *r, u32 start, u32 end, const char *message)
{
    diag_error(r->diags, "wave-syntax", (span){r->source, start, end}, "%s", message);
    r->failed = true;
    return token(r, TOKEN_BAD, start, end);
}

/* number ::= '-'? ('0' | [1-9][0-9]*) ('.' [0-9]+)? ([eE] [+-]? [0-9]+)?  | '-inf' */
static struct wave_token number(struct wave_reader *r)
{
    u32 start = r->at, at = start + (char_at(r, start) == '-');
    if (!is_digit(char_at(r, at))) {
        if (str_starts(str_sub(r->text, at, r->text.len), STR("inf")) &&
            !is_letter(char_at(r, at + 3)) && !is_digit(char_at(r, at + 3))) {
            return token(r, TOKEN_NUMBER, start, at + 3);
        }
        return bad(r, start, at, "expected digits or `inf` after `-`");
    }
    if (char_at(r, at) == '0' && is_digit(char_at(r, at + 1))) {
        return bad(r, start, at + 1, "a number has no leading zeros");
    }
    while (is_digit(char_at(r, at))) {
        at++;
    }
    if (char_at(r, at) == '.' && is_digit(char_at(r, at + 1))) {
        for (at++; is_digit(char_at(r, at)); at++) {
        }
    }
    if (char_at(r, at) == 'e' || char_at(r, at) == 'E') {
        u32 digits = at + 1 + (char_at(r, at + 1) == '+' || char_at(r, at + 1) == '-');
        if (is_digit(char_at(r, digits))) {
            for (at = digits; is_digit(char_at(r, at)); at++) {
            }
        }
    }
    return token(r, TOKEN_NUMBER, start, at);
}

/* Words joined by '-', each all lower or all upper case; the first starts with a letter. */
static struct wave_token label(struct wave_reader *r)
{
    u32 start = r->at, at = start + (char_at(r, start) == '%');
    u32 from = at;
    for (;;) {
        if (!is_letter(char_at(r, at)) && (at == from || !is_digit(char_at(r, at)))) {
            return bad(r, start, at + (at < r->text.len),
                       at == from ? "expected a letter: a label starts with one"
                                  : "expected a letter or digit after `-`");
        }
        bool upper = false, lower = false;
        for (char c; is_letter(c = char_at(r, at)) || is_digit(c); at++) {
            upper |= c >= 'A' && c <= 'Z';
            lower |= c >= 'a' && c <= 'z';
        }
        if (upper && lower) {
            return bad(r, start, at,
                       "a word of a label is all lower case or all upper case, not mixed");
        }
        if (char_at(r, at) != '-') {
            break;
        }
        at++;
    }
    struct wave_token t = token(r, TOKEN_LABEL, start, at);
    t.escaped = from != start;
    t.text = str_sub(r->text, from, at);
    return t;
}

/* "..." or '...' up to the closing quote, on one line. */
static struct wave_token quoted(struct wave_reader *r, char quote)
{
    u32 start = r->at;
    for (u32 at = start + 1; at < r->text.len; at++) {
        char c = r->text.ptr[at];
        if (c == '\n') {
            break;
        }
        if (c == '\\') {
            at++;
        } else if (c == quote) {
            return token(r, quote == '"' ? TOKEN_STRING : TOKEN_CHAR, start, at + 1);
        }
    }
    struct wave_token t =
        bad(r, start, start + 1,
            quote == '"' ? "this string is not closed" : "this char is not closed");
    diag_help(r->diags, *vec_last(&r->diags->list), "write a line break as `\\n`, a `%c` as `\\%c`",
              quote, quote);
    return t;
}

static struct wave_token multiline(struct wave_reader *r)
{
    u32 start = r->at, body = start + 3;
    body += char_at(r, body) == '\r' && char_at(r, body + 1) == '\n';
    if (char_at(r, body) != '\n') {
        return bad(r, start, start + 3, "a line break must follow the opening `\"\"\"`");
    }
    size_t end = str_find(r->text, STR("\"\"\""), body);
    if (end == SIZE_MAX) {
        return bad(r, start, start + 3, "this multi-line string is not closed");
    }
    return token(r, TOKEN_MULTILINE, start, (u32)end + 3);
}

struct wave_token wave_next(struct wave_reader *r)
{
    skip_blank(r);
    u32 at = r->at;
    struct wave_token t;
    char c = char_at(r, at);
    if (r->failed) {
        return token(r, TOKEN_BAD, at, at);
    }
    if (at >= r->text.len) {
        return token(r, TOKEN_END, at, at);
    }
    if (c != '\0' && strchr("()[]{},:", c)) {
        t = token(r, TOKEN_PUNCTUATION, at, at + 1);
        t.punctuation = c;
    } else if (is_digit(c) || c == '-') {
        t = number(r);
    } else if (is_letter(c) || c == '%') {
        t = label(r);
    } else if (c == '\'') {
        t = quoted(r, c);
    } else if (c == '"') {
        t = char_at(r, at + 1) == '"' && char_at(r, at + 2) == '"' ? multiline(r) : quoted(r, c);
    } else {
        size_t end = at;
        utf8_next(r->text, &end);
        t = bad(r, at, (u32)end, "this character begins no value");
    }
    r->at = t.end;
    return t;
}

struct wave_token wave_peek(struct wave_reader *r)
{
    u32 at = r->at;
    struct wave_token t = wave_next(r);
    r->at = at;
    return t;
}

bool wave_accept(struct wave_reader *r, char punctuation)
{
    struct wave_token t = wave_peek(r);
    if (t.kind == TOKEN_PUNCTUATION && t.punctuation == punctuation) {
        r->at = t.end;
        return true;
    }
    return false;
}

bool wave_unexpected(struct wave_reader *r, struct wave_token t, const char *expected)
{
    if (t.kind == TOKEN_END) {
        diag_error(r->diags, "wave-syntax", wave_span(r, t), "expected %s, found the end",
                   expected);
    } else if (t.kind != TOKEN_BAD) {
        diag_error(r->diags, "wave-syntax", wave_span(r, t), "expected %s, found `" STRF "`",
                   expected, STRA(str_sub(r->text, t.start, t.end)));
    }
    return false;
}

bool wave_expect(struct wave_reader *r, char punctuation, const char *where)
{
    struct wave_token t = wave_next(r);
    if (t.kind == TOKEN_PUNCTUATION && t.punctuation == punctuation) {
        return true;
    }
    return wave_unexpected(r, t,
                           str_to_c(r->arena, str_printf(r->arena, "`%c` %s", punctuation, where)));
}

/* ---- Contents of quoted tokens -------------------------------------------------------------------- */

static bool bad_escape(struct wave_reader *r, u32 from, u32 to, const char *message)
{
    diag_error(r->diags, "wave-escape", (span){r->source, from, to}, "%s", message);
    return false;
}

/* \u{HEX} at *at (behind the u); a Unicode scalar value. */
static bool unicode_escape(struct wave_reader *r, u32 from, u32 *at, u32 end, u32 *scalar)
{
    u32 digits = 0, value = 0;
    if (*at >= end || r->text.ptr[*at] != '{') {
        return bad_escape(r, from, *at, "expected `{` after `\\u`, as in `\\u{1f40c}`");
    }
    for (++*at; *at < end && r->text.ptr[*at] != '}'; ++*at, digits++) {
        char c = r->text.ptr[*at];
        u32 digit = is_digit(c)              ? (u32)(c - '0')
                    : (c >= 'a' && c <= 'f') ? (u32)(c - 'a') + 10
                    : (c >= 'A' && c <= 'F') ? (u32)(c - 'A') + 10
                                             : 16;
        if (digit == 16) {
            return bad_escape(r, from, *at + 1, "expected hexadecimal digits in `\\u{...}`");
        }
        value = value > 0x10ffff ? value : value * 16 + digit;
    }
    if (*at >= end || digits == 0) {
        return bad_escape(r, from, *at, "expected hexadecimal digits and `}` after `\\u{`");
    }
    ++*at;
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return bad_escape(r, from, *at, "this is no Unicode scalar value");
    }
    *scalar = value;
    return true;
}

/* One character, escaped or not, at *at < end. */
static bool one_char(struct wave_reader *r, u32 *at, u32 end, u32 *scalar)
{
    static const struct {
        char letter, meaning;
    } escapes[] = {{'\\', '\\'}, {'\'', '\''}, {'"', '"'}, {'t', '\t'}, {'n', '\n'}, {'r', '\r'}};
    u32 from = *at;
    if (r->text.ptr[from] != '\\') {
        size_t next = from;
        *scalar = utf8_next(r->text, &next);
        *at = (u32)next;
        return true;
    }
    *at += 2;
    char letter = from + 1 < end ? r->text.ptr[from + 1] : '\0';
    if (letter == 'u') {
        return unicode_escape(r, from, at, end, scalar);
    }
    for (size_t i = 0; i < LENGTH_OF(escapes); i++) {
        if (letter == escapes[i].letter) {
            *scalar = (u32)escapes[i].meaning;
            return true;
        }
    }
    return bad_escape(r, from, from + 2,
                      "unknown escape; there are `\\\\` `\\'` `\\\"` `\\t` `\\n` `\\r` `\\u{..}`");
}

bool wave_char_of(struct wave_reader *r, struct wave_token t, u32 *scalar)
{
    u32 at = t.start + 1, end = t.end - 1;
    if (at == end) {
        return bad_escape(r, t.start, t.end, "a char holds one character, this one is empty");
    }
    if (!one_char(r, &at, end, scalar)) {
        return false;
    }
    if (at != end) {
        return bad_escape(r, t.start, t.end, "a char holds only one character");
    }
    return true;
}

static bool put_chars(struct wave_reader *r, u32 at, u32 end, struct buf *out)
{
    while (at < end) {
        u32 scalar;
        char bytes[4];
        if (!one_char(r, &at, end, &scalar)) {
            return false;
        }
        buf_put(out, bytes, utf8_encode(scalar, bytes));
    }
    return true;
}

/* The lines between the quotes, each without the indentation of the closing quotes. */
static bool multiline_of(struct wave_reader *r, struct wave_token t, struct buf *out)
{
    u32 body = (u32)str_find_char(r->text, '\n', t.start) + 1, end = t.end - 3, last = end;
    while (last > body && r->text.ptr[last - 1] == ' ') {
        last--;
    }
    u32 indent = end - last;
    if (last == body) {
        return true; /* no line at all */
    }
    if (r->text.ptr[last - 1] != '\n') {
        return bad_escape(r, end, t.end, "a line break must stand before the closing `\"\"\"`");
    }
    for (u32 at = body; at < last;) {
        u32 stop = (u32)str_find_char(r->text, '\n', at), line = at;
        while (at < stop && at - line < indent && r->text.ptr[at] == ' ') {
            at++;
        }
        if (at - line < indent) {
            return bad_escape(r, line, at + 1,
                              "this line is indented less than the closing `\"\"\"`");
        }
        u32 content = stop - (stop > at && r->text.ptr[stop - 1] == '\r');
        if (line != body) {
            buf_byte(out, '\n');
        }
        if (!put_chars(r, at, content, out)) {
            return false;
        }
        at = stop + 1;
    }
    return true;
}

bool wave_string_of(struct wave_reader *r, struct wave_token t, str *out)
{
    struct buf b = buf_in(r->arena);
    bool fine = t.kind == TOKEN_MULTILINE ? multiline_of(r, t, &b)
                                          : put_chars(r, t.start + 1, t.end - 1, &b);
    *out = buf_view(&b);
    return fine;
}
