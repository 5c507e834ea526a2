/* wac_parse.c - reads WAC. Declarations of interfaces and worlds are WIT: their text is kept for the WIT resolver. */
#include "wac.h"

#define CODE_WAC "wac-syntax"
enum { MAX_NESTING = 100 };

struct parser {
    struct arena *a;
    struct diags *d;
    str text;
    u32 source;
    size_t at;
    size_t token_end, space_end; /* the white space skipped last */
    struct wac_file *file;
    u32 depth;
    bool failed;
};

/* ---- Words ------------------------------------------------------------------------------------------ */

static char peek_char(const struct parser *p, size_t ahead)
{
    return p->at + ahead < p->text.len ? p->text.ptr[p->at + ahead] : '\0';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '%';
}

/* White space and comments; block comments nest. */
static void skip_white(struct parser *p)
{
    for (;;) {
        char c = peek_char(p, 0), next = peek_char(p, 1);
        if (c == '/' && next == '/') {
            while (p->at < p->text.len && p->text.ptr[p->at] != '\n')
                p->at++;
        } else if (c == '/' && next == '*') {
            u32 depth = 0;
            size_t start = p->at;
            do {
                bool open = peek_char(p, 0) == '/' && peek_char(p, 1) == '*';
                bool close = peek_char(p, 0) == '*' && peek_char(p, 1) == '/';
                depth += open;
                depth -= close;
                p->at += open || close ? 2 : 1;
            } while (depth && p->at < p->text.len);
            if (depth && !p->failed) {
                p->failed = true;
                diag_error(p->d, CODE_WAC, (span){p->source, (u32)start, (u32)start + 2},
                           "unterminated block comment");
            }
        } else if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            p->at++;
        } else {
            return;
        }
    }
}

static void skip_space(struct parser *p)
{
    if (p->at == p->space_end)
        return;
    p->token_end = p->at;
    skip_white(p);
    p->space_end = p->at;
}

static span span_from(const struct parser *p, size_t start)
{
    size_t end = p->at > start ? p->at : start + 1;
    return (span){p->source, (u32)start, (u32)end};
}

static void fail(struct parser *p, const char *expected)
{
    if (p->failed)
        return;
    p->failed = true;
    skip_space(p);
    size_t start = p->at;
    while (is_word(peek_char(p, 0)))
        p->at++;
    str found = str_sub(p->text, start, p->at > start ? p->at : start + 1);
    span where = span_from(p, start);
    if (!found.len && p->token_end) /* what the end of the file follows */
        where = (span){p->source, (u32)p->token_end - 1, (u32)p->token_end};
    diag_error(p->d, CODE_WAC, where, "expected %s, found %s" STRF "%s", expected,
               found.len ? "`" : "", STRA(found.len ? found : STR("end of file")),
               found.len ? "`" : "");
}

static bool take(struct parser *p, const char *literal)
{
    skip_space(p);
    if (!str_starts(str_sub(p->text, p->at, p->text.len), str_c(literal)))
        return false;
    if (is_word(literal[0]) && is_word(peek_char(p, strlen(literal))))
        return false;
    p->at += strlen(literal);
    return true;
}

static void expect(struct parser *p, const char *literal, const char *shown)
{
    if (!p->failed && !take(p, literal))
        fail(p, shown);
}

static str ident(struct parser *p, span *where)
{
    skip_space(p);
    size_t start = p->at;
    while (!p->failed && is_word(peek_char(p, 0)))
        p->at++;
    if (p->at == start)
        fail(p, "an identifier");
    *where = span_from(p, start);
    str s = str_sub(p->text, start, p->at);
    return str_starts(s, STR("%")) ? str_sub(s, 1, s.len) : s;
}

static bool at_string(struct parser *p)
{
    skip_space(p);
    return peek_char(p, 0) == '"';
}

static str string(struct parser *p)
{
    size_t start = ++p->at;
    while (p->at < p->text.len && p->text.ptr[p->at] != '"' && p->text.ptr[p->at] != '\n')
        p->at++;
    str s = str_sub(p->text, start, p->at);
    if (peek_char(p, 0) != '"')
        fail(p, "the end of a string");
    p->at++;
    return s;
}

static str name(struct parser *p, bool *exact)
{
    span where;
    *exact = at_string(p);
    return *exact ? string(p) : ident(p, &where);
}

/* A package name or path, without its version: "ns:pkg/interface". */
static str path(struct parser *p, str *version, span *where)
{
    skip_space(p);
    size_t start = p->at;
    while (is_word(peek_char(p, 0)) || peek_char(p, 0) == '/' ||
           (peek_char(p, 0) == ':' && is_word(peek_char(p, 1))))
        p->at++;
    str s = str_sub(p->text, start, p->at);
    *version = (str){0};
    if (str_find_char(s, ':', 0) == SIZE_MAX) {
        p->at = start;
        fail(p, "a package path");
        return s;
    }
    if (peek_char(p, 0) == '@') {
        size_t from = ++p->at;
        while (is_word(peek_char(p, 0)) || peek_char(p, 0) == '+' ||
               (peek_char(p, 0) == '.' && is_word(peek_char(p, 1))))
            p->at++;
        *version = str_sub(p->text, from, p->at);
        struct validate_semver v;
        if (!validate_parse_semver(*version, &v) && !p->failed) {
            p->failed = true;
            diag_error(p->d, CODE_WAC, span_from(p, from),
                       "`" STRF "` is not a valid semantic version", STRA(*version));
        }
    }
    *where = span_from(p, start);
    str package, rest = str_cut(s, '/', &package);
    (void)rest;
    *vec_push(p->a, &p->file->packages) =
        version->len ? str_printf(p->a, STRF "@" STRF, STRA(package), STRA(*version)) : package;
    return s;
}

/* ---- Expressions -------------------------------------------------------------------------------------- */

static struct wac_expr *expression(struct parser *p);

static struct wac_expr *new_expr(struct parser *p, int kind)
{
    struct wac_expr *e = arena_new(p->a, struct wac_expr);
    e->kind = kind;
    return e;
}

static void argument(struct parser *p, struct wac_expr *e)
{
    skip_space(p);
    size_t start = p->at;
    struct wac_arg arg = {.kind = WAC_NAMED};
    if (take(p, "...")) {
        skip_space(p);
        arg.kind = is_word(peek_char(p, 0)) ? WAC_SPREAD : WAC_FILL;
        if (arg.kind == WAC_SPREAD)
            arg.name = ident(p, &arg.at);
        else
            arg.at = span_from(p, start);
    } else {
        arg.name = name(p, &arg.exact);
        arg.at = span_from(p, start);
        if (!p->failed && take(p, ":"))
            arg.value = expression(p);
        else if (arg.exact)
            fail(p, "`:`");
        else
            arg.kind = WAC_INFERRED;
    }
    *vec_push(p->a, &e->args) = arg;
}

static struct wac_expr *instantiation(struct parser *p)
{
    struct wac_expr *e = new_expr(p, WAC_NEW);
    e->name = path(p, &e->version, &e->at);
    expect(p, "{", "`{`");
    while (!p->failed && !take(p, "}")) {
        argument(p, e);
        if (!p->failed && !take(p, ",")) {
            expect(p, "}", "`,` or `}`");
            break;
        }
    }
    return e;
}

static struct wac_expr *access(struct parser *p, struct wac_expr *of)
{
    for (;;) {
        struct wac_expr *e = new_expr(p, WAC_ACCESS);
        e->of = of;
        skip_space(p);
        size_t dot = p->at;
        if (peek_char(p, 0) == '.' && peek_char(p, 1) != '.') {
            p->at++;
            e->name = ident(p, &e->at);
            e->at = span_from(p, dot);
        } else if (take(p, "[")) {
            skip_space(p);
            if (!at_string(p))
                fail(p, "a string");
            else
                e->name = string(p);
            expect(p, "]", "`]`");
            e->at = span_from(p, dot);
        } else {
            return of;
        }
        if (p->failed || ++p->depth > MAX_NESTING) {
            fail(p, "a shorter expression");
            return of;
        }
        of = e;
    }
}

static struct wac_expr *expression(struct parser *p)
{
    struct wac_expr *e;
    u32 depth = p->depth;
    if (++p->depth > MAX_NESTING) {
        fail(p, "less nesting");
        return new_expr(p, WAC_IDENT);
    }
    if (take(p, "new")) {
        e = instantiation(p);
    } else if (take(p, "(")) {
        e = expression(p);
        expect(p, ")", "`)`");
    } else {
        e = new_expr(p, WAC_IDENT);
        e->name = ident(p, &e->at);
    }
    if (!p->failed)
        e = access(p, e);
    p->depth = depth;
    return e;
}

/* ---- Statements ------------------------------------------------------------------------------------------ */

static bool at_path(struct parser *p)
{
    size_t i = 0;
    skip_space(p);
    while (is_word(peek_char(p, i)))
        i++;
    return i && peek_char(p, i) == ':' && is_word(peek_char(p, i + 1));
}

static bool is_one_of(str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_c(word, words[i]))
            return true;
    }
    return false;
}

/* A word of a declaration, and what WAC wants to stand behind it. */
static void wit_word(struct parser *p)
{
    static const char *const bodies[] = {"record", "variant", "flags", "enum"};
    size_t start = p->at;
    while (is_word(peek_char(p, 0)))
        p->at++;
    str word = str_sub(p->text, start, p->at);
    skip_space(p);
    if (str_eq_c(word, "async") && !str_starts(str_sub(p->text, p->at, p->text.len), STR("func")))
        fail(p, "`func`");
    if (!is_one_of(word, bodies, LENGTH_OF(bodies)) || !is_word(peek_char(p, 0)))
        return;
    while (is_word(peek_char(p, 0)))
        p->at++;
    size_t behind = p->at;
    bool open = take(p, "{");
    skip_space(p);
    if (open && !p->failed && peek_char(p, 0) == '}') {
        p->failed = true;
        diag_error(p->d, CODE_WAC, (span){p->source, (u32)p->at, (u32)p->at + 1}, "empty " STRF,
                   STRA(word));
    }
    p->at = behind;
}

/* Text up to the end of a braced body, or to the semicolon. Paths in it are noted. */
static span wit_text(struct parser *p, size_t start)
{
    u32 depth = 0;
    while (!p->failed) {
        skip_space(p);
        char c = peek_char(p, 0);
        if (!c) {
            fail(p, "the end of a declaration");
            break;
        }
        if (at_path(p)) {
            str version;
            span where;
            path(p, &version, &where);
            continue;
        }
        if (is_word(c)) {
            wit_word(p);
            continue;
        }
        if (c == ';' && !depth)
            break;
        p->at++;
        depth += c == '{';
        if (c == '}' && (!depth || !--depth))
            break;
    }
    return (span){p->source, (u32)start, (u32)p->at};
}

static void import_statement(struct parser *p, struct wac_statement *s)
{
    s->name = ident(p, &s->at);
    s->has_as = !p->failed && take(p, "as");
    bool exact;
    if (s->has_as) {
        skip_space(p);
        size_t from = p->at;
        s->as = name(p, &exact);
        s->as_at = span_from(p, from);
    }
    expect(p, ":", "`:`");
    skip_space(p);
    size_t start = p->at;
    if (p->failed)
        return;
    str rest = str_sub(p->text, p->at, p->text.len);
    if (at_path(p))
        s->type_kind = WAC_TYPE_PATH;
    else if (str_starts(rest, STR("interface")))
        s->type_kind = WAC_TYPE_INTERFACE;
    else if (str_starts(rest, STR("func")) || str_starts(rest, STR("async")))
        s->type_kind = WAC_TYPE_FUNC;
    else
        s->type_kind = WAC_TYPE_IDENT;
    s->type = wit_text(p, start);
    expect(p, ";", "`;`");
}

static void statement(struct parser *p)
{
    struct wac_statement s = {.kind = WAC_WIT};
    bool exact;
    skip_space(p);
    size_t start = p->at;
    if (take(p, "let")) {
        s.kind = WAC_LET;
        s.name = ident(p, &s.at);
        expect(p, "=", "`=`");
        s.value = p->failed ? NULL : expression(p);
        expect(p, ";", "`;`");
    } else if (take(p, "export")) {
        s.kind = WAC_EXPORT;
        s.value = expression(p);
        s.at = s.value->at;
        s.spread = !p->failed && take(p, "...");
        s.has_as = !p->failed && !s.spread && take(p, "as");
        if (s.has_as) {
            skip_space(p);
            size_t from = p->at;
            s.as = name(p, &exact);
            s.at = span_from(p, from);
        }
        expect(p, ";", "`;`");
    } else if (take(p, "import")) {
        s.kind = WAC_IMPORT;
        import_statement(p, &s);
    } else if (take(p, "interface") || take(p, "world")) {
        s.type = s.at = wit_text(p, start);
    } else if (take(p, "record") || take(p, "variant") || take(p, "flags") || take(p, "enum") ||
               take(p, "type")) {
        s.kind = WAC_TYPE;
        p->at = start;
        s.type = s.at = wit_text(p, start);
        if (!p->failed && peek_char(p, 0) == ';')
            s.type.end = (u32)++p->at;
        str head, value = str_trim(str_cut(str_sub(p->text, start, p->at), '=', &head));
        head = str_trim(str_sub(head, 4, head.len));
        s.name = str_starts(head, STR("%")) ? str_sub(head, 1, head.len) : head;
        if (str_starts(value, STR("func")) || str_starts(value, STR("async func"))) {
            u32 from = (u32)(value.ptr - p->text.ptr);
            s.func = (span){p->source, from, from + (u32)value.len};
        }
    } else {
        fail(p, "`import`, `let`, `export`, `interface` or `world`");
    }
    *vec_push(p->a, &p->file->statements) = s;
}

bool compose_wac_parse(struct arena *a, u32 source, struct wac_file *out, struct diags *d)
{
    struct parser p = {.a = a,
                       .d = d,
                       .text = sources_get(d->sources, source)->text,
                       .source = source,
                       .space_end = SIZE_MAX,
                       .file = out};
    str version = {0};
    span where;
    *out = (struct wac_file){.source = source};
    expect(&p, "package", "`package`");
    if (!p.failed)
        out->package = path(&p, &version, &where);
    out->packages.len = 0;
    if (version.len && !p.failed)
        out->package = str_printf(a, STRF "@" STRF, STRA(out->package), STRA(version));
    if (!p.failed && take(&p, "targets")) {
        out->targets = path(&p, &version, &out->targets_at);
        if (version.len)
            out->targets = str_printf(a, STRF "@" STRF, STRA(out->targets), STRA(version));
    }
    expect(&p, ";", "`;`");
    skip_space(&p);
    while (!p.failed && p.at < p.text.len) {
        statement(&p);
        skip_space(&p);
    }
    return !p.failed;
}
