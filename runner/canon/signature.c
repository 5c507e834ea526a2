/* signature.c - reads the types of host functions from text, see canon_linker_func. */
#include "canon_internal.h"

#define MAX_DEPTH 60

struct parser {
    struct arena *a;
    str text;
    size_t at;
    canon_type_lookup *lookup;
    void *ctx;
    u32 depth;
    str why; /* the first mistake */
};

static const struct canon_type *parse_type(struct parser *p);

static const struct canon_type *fail(struct parser *p, const char *what)
{
    if (!p->why.ptr) {
        p->why =
            str_printf(p->a, "%s at `" STRF "`", what, STRA(str_sub(p->text, p->at, p->at + 20)));
    }
    return NULL;
}

static void skip(struct parser *p)
{
    while (p->at < p->text.len && strchr(" \t\n", p->text.ptr[p->at])) {
        p->at++;
    }
}

static bool accept(struct parser *p, char c)
{
    skip(p);
    if (p->at < p->text.len && p->text.ptr[p->at] == c) {
        p->at++;
        return true;
    }
    return false;
}

static bool expect(struct parser *p, char c)
{
    if (!accept(p, c)) {
        char what[] = "expected ' '";
        what[10] = c;
        fail(p, what);
        return false;
    }
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static str word(struct parser *p)
{
    skip(p);
    size_t from = p->at;
    while (p->at < p->text.len && is_word(p->text.ptr[p->at])) {
        if (p->text.ptr[p->at] == '-' && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] == '>') {
            break;
        }
        p->at++;
    }
    return str_sub(p->text, from, p->at);
}

static const struct canon_type *finish(struct parser *p, struct canon_type *t)
{
    return canon_type_finish(t) ? t : fail(p, "a type that is too large");
}

typedef VEC(struct canon_field) field_list;

/* "{name: T, ..}", "{name, ..}", "{name(T), ..}" as the kind says. */
static const struct canon_type *parse_named(struct parser *p, enum canon_kind kind)
{
    field_list fields = {0};
    if (!expect(p, '{')) {
        return NULL;
    }
    while (!accept(p, '}')) {
        str name = word(p);
        if (!name.len) {
            return fail(p, "expected a name");
        }
        const struct canon_type *type = NULL;
        if (kind == CANON_T_RECORD) {
            if (!expect(p, ':') || !(type = parse_type(p))) {
                return NULL;
            }
        } else if (kind == CANON_T_VARIANT && accept(p, '(')) {
            if (!(type = parse_type(p)) || !expect(p, ')')) {
                return NULL;
            }
        }
        *vec_push(p->a, &fields) = (struct canon_field){.name = str_dup(p->a, name), .type = type};
        if (!accept(p, ',')) {
            if (!expect(p, '}')) {
                return NULL;
            }
            break;
        }
    }
    if (!fields.len || (kind == CANON_T_FLAGS && fields.len > 32)) {
        return fail(p, "too few or too many names");
    }
    struct canon_type *t = canon_type_new(p->a, kind);
    t->fields = fields.data;
    t->field_count = fields.len;
    return finish(p, t);
}

static const struct canon_type *with_fields(struct parser *p, enum canon_kind kind, u32 n,
                                            const char *const *names,
                                            const struct canon_type *const *types)
{
    struct canon_type *t = canon_type_new(p->a, kind);
    t->fields = arena_array(p->a, struct canon_field, n);
    t->field_count = n;
    for (u32 i = 0; i < n; i++) {
        t->fields[i].name = str_c(names[i]);
        t->fields[i].type = types[i];
    }
    return finish(p, t);
}

static const struct canon_type *parse_list(struct parser *p)
{
    const struct canon_type *e = NULL;
    if (!expect(p, '<') || !(e = parse_type(p))) {
        return NULL;
    }
    struct canon_type *t = canon_type_new(p->a, CANON_T_LIST);
    t->element = e;
    if (accept(p, ',')) {
        u64 n;
        if (!str_to_u64(word(p), &n) || n == 0 || n > UINT32_MAX) {
            return fail(p, "expected a length");
        }
        t->kind = CANON_T_FIXED_LIST;
        t->length = (u32)n;
    }
    return expect(p, '>') ? finish(p, t) : NULL;
}

static const struct canon_type *parse_tuple(struct parser *p, enum canon_kind kind)
{
    field_list fields = {0};
    if (!expect(p, '<')) {
        return NULL;
    }
    do {
        const struct canon_type *type = parse_type(p);
        if (!type) {
            return NULL;
        }
        *vec_push(p->a, &fields) = (struct canon_field){.type = type};
    } while (accept(p, ','));
    if (kind == CANON_T_MAP && fields.len != 2) {
        return fail(p, "a map has a key and a value");
    }
    struct canon_type *t = canon_type_new(p->a, kind);
    t->fields = fields.data;
    t->field_count = fields.len;
    return expect(p, '>') ? finish(p, t) : NULL;
}

static const struct canon_type *parse_result(struct parser *p)
{
    static const char *const names[] = {"ok", "error"};
    const struct canon_type *types[2] = {NULL, NULL};
    if (accept(p, '<')) {
        for (u32 i = 0; i < 2 && (i == 0 || accept(p, ',')); i++) {
            if (!accept(p, '_') && !(types[i] = parse_type(p))) {
                return NULL;
            }
        }
        if (!expect(p, '>')) {
            return NULL;
        }
    }
    return with_fields(p, CANON_T_RESULT, 2, names, types);
}

static const struct canon_type *parse_option(struct parser *p)
{
    static const char *const names[] = {"none", "some"};
    const struct canon_type *types[2] = {NULL, NULL};
    if (!expect(p, '<') || !(types[1] = parse_type(p)) || !expect(p, '>')) {
        return NULL;
    }
    return with_fields(p, CANON_T_OPTION, 2, names, types);
}

static const struct canon_type *parse_stream(struct parser *p, enum canon_kind kind)
{
    struct canon_type *t = canon_type_new(p->a, kind);
    if (accept(p, '<')) {
        if (!(t->element = parse_type(p)) || !expect(p, '>')) {
            return NULL;
        }
    }
    return finish(p, t);
}

static const struct canon_type *parse_handle(struct parser *p, enum canon_kind kind)
{
    if (!expect(p, '<')) {
        return NULL;
    }
    str name = word(p);
    const struct canon_type *own = p->lookup ? p->lookup(p->ctx, name) : NULL;
    if (!own || own->kind != CANON_T_OWN) {
        return fail(p, "an unknown resource");
    }
    struct canon_type *t = canon_type_new(p->a, kind);
    t->resource = own->resource;
    return expect(p, '>') ? finish(p, t) : NULL;
}

static const struct canon_type *parse_type_inner(struct parser *p)
{
    static const char *const prims[] = {"bool", "s8",   "u8",     "s16",          "u16",
                                        "s32",  "u32",  "s64",    "u64",          "f32",
                                        "f64",  "char", "string", "error-context"};
    str name = word(p);
    for (u32 i = 0; i < LENGTH_OF(prims); i++) {
        if (str_eq_c(name, prims[i])) {
            return canon_prim((enum canon_kind)i);
        }
    }
    static const struct {
        const char *name;
        const struct canon_type *(*parse)(struct parser *p, enum canon_kind kind);
        enum canon_kind kind;
    } rows[] = {
        {"record", parse_named, CANON_T_RECORD},  {"variant", parse_named, CANON_T_VARIANT},
        {"enum", parse_named, CANON_T_ENUM},      {"flags", parse_named, CANON_T_FLAGS},
        {"tuple", parse_tuple, CANON_T_TUPLE},    {"map", parse_tuple, CANON_T_MAP},
        {"stream", parse_stream, CANON_T_STREAM}, {"future", parse_stream, CANON_T_FUTURE},
        {"own", parse_handle, CANON_T_OWN},       {"borrow", parse_handle, CANON_T_BORROW},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        if (str_eq_c(name, rows[i].name)) {
            return rows[i].parse(p, rows[i].kind);
        }
    }
    if (str_eq_c(name, "list")) {
        return parse_list(p);
    }
    if (str_eq_c(name, "option")) {
        return parse_option(p);
    }
    if (str_eq_c(name, "result")) {
        return parse_result(p);
    }
    const struct canon_type *t = name.len && p->lookup ? p->lookup(p->ctx, name) : NULL;
    return t ? t : fail(p, "an unknown type");
}

static const struct canon_type *parse_type(struct parser *p)
{
    if (++p->depth > MAX_DEPTH) {
        return fail(p, "types nested too deeply");
    }
    const struct canon_type *t = parse_type_inner(p);
    p->depth--;
    return t;
}

const struct canon_type *canon_parse_type(struct arena *a, str text, canon_type_lookup *lookup,
                                          void *ctx, str *why)
{
    struct parser p = {.a = a, .text = text, .lookup = lookup, .ctx = ctx};
    const struct canon_type *t = parse_type(&p);
    skip(&p);
    if (t && p.at < text.len) {
        t = fail(&p, "text after the type");
    }
    *why = p.why;
    return t;
}

static const struct canon_functype *parse_func(struct parser *p)
{
    VEC(struct canon_param) params = {0};
    str first = word(p);
    bool is_async = str_eq_c(first, "async");
    if (!str_eq_c(is_async ? word(p) : first, "func")) {
        fail(p, "expected `func`");
        return NULL;
    }
    if (!expect(p, '(')) {
        return NULL;
    }
    while (!accept(p, ')')) {
        str name = word(p);
        const struct canon_type *type = NULL;
        if (!name.len || !expect(p, ':') || !(type = parse_type(p))) {
            fail(p, "expected a parameter");
            return NULL;
        }
        *vec_push(p->a, &params) = (struct canon_param){str_dup(p->a, name), type};
        if (!accept(p, ',')) {
            if (!expect(p, ')')) {
                return NULL;
            }
            break;
        }
    }
    const struct canon_type *result = NULL;
    if (accept(p, '-')) {
        if (!expect(p, '>') || !(result = parse_type(p))) {
            return NULL;
        }
    }
    skip(p);
    if (p->at < p->text.len) {
        fail(p, "text after the signature");
        return NULL;
    }
    return canon_functype_new(p->a, is_async, params.data, params.len, result);
}

const struct canon_functype *canon_parse_functype(struct arena *a, str text,
                                                  canon_type_lookup *lookup, void *ctx, str *why)
{
    struct parser p = {.a = a, .text = text, .lookup = lookup, .ctx = ctx};
    const struct canon_functype *f = parse_func(&p);
    *why = p.why;
    return f;
}
