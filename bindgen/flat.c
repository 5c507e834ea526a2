/* flat.c - C values to flat core values and back (CanonicalABI.md, "Flat Lifting", "Flat Lowering").
 *
 * Only what crosses in core parameters and results needs code: in memory the C structures have the layout of the
 * canonical ABI, so they are passed as they are.
 */
#include "gen.h"

/* ---- Kinds --------------------------------------------------------------------------------------- */

const char *bindgen_flat_type(enum flat_kind k)
{
    static const char *const types[] = {
        [FLAT_I32] = "int32_t",       [FLAT_I64] = "int64_t",       [FLAT_F32] = "float",
        [FLAT_F64] = "double",        [FLAT_POINTER] = "uint8_t *", [FLAT_LENGTH] = "size_t",
        [FLAT_POINTER64] = "int64_t",
    };
    return types[k];
}

void bindgen_flats_append(struct flats *to, const struct flats *more)
{
    if (to->count == FLAT_OVER || more->count == FLAT_OVER || to->count + more->count > FLAT_MAX) {
        to->count = FLAT_OVER;
        return;
    }
    memcpy(to->kinds + to->count, more->kinds, more->count * sizeof *more->kinds);
    to->count += more->count;
}

static bool is_wide(enum flat_kind k)
{
    return k == FLAT_I64 || k == FLAT_F64 || k == FLAT_POINTER64;
}

/* What holds either of two kinds. A pointer stays one, if need be in 64 bits; a length wins over other 32 bits. */
static enum flat_kind join(enum flat_kind a, enum flat_kind b)
{
    if (a == b)
        return a;
    bool wide = is_wide(a) || is_wide(b);
    if (a == FLAT_POINTER64 || b == FLAT_POINTER64)
        return FLAT_POINTER64;
    if (a == FLAT_POINTER || b == FLAT_POINTER)
        return wide ? FLAT_POINTER64 : FLAT_POINTER;
    if (wide)
        return FLAT_I64;
    return a == FLAT_LENGTH || b == FLAT_LENGTH ? FLAT_LENGTH : FLAT_I32;
}

void bindgen_flats_join(struct flats *variant, const struct flats *payload)
{
    if (variant->count == FLAT_OVER || payload->count >= FLAT_MAX) {
        variant->count = FLAT_OVER;
        return;
    }
    for (u32 i = 0; i < payload->count; i++) {
        if (i + 1 < variant->count) {
            variant->kinds[i + 1] = join(variant->kinds[i + 1], payload->kinds[i]);
        } else {
            variant->kinds[i + 1] = payload->kinds[i];
            variant->count = i + 2;
        }
    }
}

void bindgen_flats_of(const struct gen *g, struct wit_type t, struct flats *out)
{
    const struct type_info *info = bindgen_info(g, t);
    if (info) {
        *out = info->flats;
        return;
    }
    *out = (struct flats){0};
    switch (t.kind) {
    case WIT_ID: break; /* no type */
    case WIT_U64:
    case WIT_S64: *out = (struct flats){1, {FLAT_I64}}; break;
    case WIT_F32: *out = (struct flats){1, {FLAT_F32}}; break;
    case WIT_F64: *out = (struct flats){1, {FLAT_F64}}; break;
    case WIT_STRING: *out = (struct flats){2, {FLAT_POINTER, FLAT_LENGTH}}; break;
    default: *out = (struct flats){1, {FLAT_I32}}; break;
    }
}

/* ---- Reinterpreting -------------------------------------------------------------------------------- */

/* The unions that the source needs, in the order of the output. */
static const struct {
    const char *name, *from, *to;
} unions[] = {
    {"int32_float", "int32_t", "float"},
    {"float_int32", "float", "int32_t"},
    {"int64_double", "int64_t", "double"},
    {"double_int64", "double", "int64_t"},
};
enum { INT32_FLOAT, FLOAT_INT32, INT64_DOUBLE, DOUBLE_INT64 };

void bindgen_put_unions(struct gen *g, struct buf *b)
{
    for (u32 i = 0; i < LENGTH_OF(unions); i++) {
        if (g->needs_union[i])
            buf_printf(b, "\nunion %s { %s a; %s b; };\n", unions[i].name, unions[i].from,
                       unions[i].to);
    }
}

static str reinterpret(struct gen *g, str e, u32 how)
{
    const char *cast = how == INT32_FLOAT ? "(int32_t) " : how == INT64_DOUBLE ? "(int64_t) " : "";
    g->needs_union[how] = true;
    return str_printf(g->arena, "((union %s){ %s" STRF " }).b", unions[how].name, cast, STRA(e));
}

/* A flat value as another kind of at least its size, or back: how payloads share the flat values of a variant. */
static str convert(struct gen *g, str e, enum flat_kind from, enum flat_kind to)
{
    const char *cast = "";
    if (from == to)
        return e;
    if (to == FLAT_F32 && from == FLAT_POINTER)
        e = str_concat(g->arena, STR("(uintptr_t) "), e);
    if (to == FLAT_F32)
        return reinterpret(g, e, INT32_FLOAT);
    if (to == FLAT_F64)
        return reinterpret(g, e, INT64_DOUBLE);
    if (from == FLAT_F32) {
        e = reinterpret(g, e, FLOAT_INT32);
        return to == FLAT_POINTER ? str_concat(g->arena, STR("(uint8_t *) "), e) : e;
    }
    if (from == FLAT_F64)
        return reinterpret(g, e, DOUBLE_INT64);
    if (to == FLAT_POINTER)
        cast = "(uint8_t *) ";
    else if (from == FLAT_POINTER)
        cast = is_wide(to) ? "(int64_t) " : "(uintptr_t) ";
    else if (is_wide(to) != is_wide(from))
        cast = is_wide(to) ? "(int64_t) " : "(int32_t) ";
    return str_printf(g->arena, "%s" STRF, cast, STRA(e));
}

str bindgen_member(struct gen *g, str expr, str field)
{
    return str_printf(g->arena, "(" STRF ")." STRF, STRA(expr), STRA(field));
}

static str field_name(struct gen *g, const struct wit_typedef *t, u32 i)
{
    return t->kind == WIT_TUPLE ? str_printf(g->arena, "f%u", i)
                                : bindgen_identifier(g->arena, t->fields[i].name);
}

static str number(struct gen *g, u32 n)
{
    return str_printf(g->arena, "%u", n);
}

/* ---- The cases of variants, options and results ------------------------------------------------------ */

struct variant_case {
    struct wit_type type; /* of the payload, may be none */
    str member;           /* from the value to the payload */
    struct flats flats;
};

static u32 case_count(const struct wit_typedef *t)
{
    return t->kind == WIT_VARIANT ? t->field_count : 2;
}

static struct variant_case variant_case(struct gen *g, const struct wit_typedef *t, u32 i)
{
    struct variant_case k = {.type = WIT_NO_TYPE};
    if (t->kind == WIT_VARIANT) {
        k.type = t->fields[i].type;
        k.member = str_concat(g->arena, STR("val."), field_name(g, t, i));
    } else if (t->kind == WIT_RESULT) {
        k.type = i == 0 ? t->first : t->second;
        k.member = i == 0 ? STR("val.ok") : STR("val.err");
    } else if (i == 1) {
        k.type = t->first;
        k.member = STR("val");
    }
    if (wit_type_present(k.type))
        bindgen_flats_of(g, k.type, &k.flats);
    return k;
}

/* The name that locals of the kind get. */
static str variant_word(const struct wit_typedef *t)
{
    return t->kind == WIT_VARIANT  ? STR("variant")
           : t->kind == WIT_RESULT ? STR("result")
                                   : STR("option");
}

/* A block of statements that is put into its place later. */
static struct code open_block(const struct code *c, struct buf *b)
{
    struct code block = *c;
    *b = buf_in(c->g->arena);
    block.b = b;
    block.indent++;
    return block;
}

static void close_block(struct code *c, const struct code *block)
{
    c->budget = block->budget;
    if (block->b->len)
        buf_str(c->b, buf_view(block->b));
}

/* ---- Lowering --------------------------------------------------------------------------------------------- */

/* Binds the payload of a case, lowers it, and sets the variables that hold the flat values. */
static void lower_case(struct code *c, const struct wit_typedef *t, const struct variant_case *k,
                       u32 tag, str expr, str payload, const str *names, const struct flats *flats,
                       const struct code *block, const str *values)
{
    struct gen *g = c->g;
    c->indent++;
    if (wit_type_present(k->type))
        LINE(c, "const $0 *$1 = &$2;", bindgen_type_name(g, k->type), payload,
             bindgen_member(g, expr, k->member));
    close_block(c, block);
    LINE(c, "$0 = $1;", names[0], number(g, tag));
    for (u32 v = 1; v < flats->count; v++)
        LINE(c, "$0 = $1;", names[v],
             v - 1 < k->flats.count
                 ? convert(g, values[v - 1], k->flats.kinds[v - 1], flats->kinds[v])
                 : STR("0"));
    if (t->kind == WIT_VARIANT)
        LINE(c, "break;", STR(""));
    c->indent--;
}

struct lowered_case {
    struct variant_case k;
    struct buf text;
    struct code block;
    str payload;
    str values[FLAT_MAX];
};

static void lower_cases(struct code *c, const struct wit_typedef *t, const struct flats *flats,
                        str expr, struct lowered_case *cases, const str *names)
{
    u32 n = case_count(t);
    str tag = bindgen_member(c->g, expr, STR("tag"));
    if (t->kind == WIT_VARIANT)
        LINE(c, "switch ((int32_t) $0) {", tag);
    for (u32 k = 0; k < n && !c->g->failed; k++) {
        u32 i = t->kind == WIT_VARIANT ? k : 1 - k; /* `if (is_some)`, `if (is_err)` */
        if (t->kind == WIT_VARIANT)
            LINE(c, "case $0: {", number(c->g, i));
        else if (k == 0)
            LINE(
                c, "if ($0) {",
                bindgen_member(c->g, expr, t->kind == WIT_OPTION ? STR("is_some") : STR("is_err")));
        else
            LINE(c, "} else {", STR(""));
        lower_case(c, t, &cases[i].k, i, expr, cases[i].payload, names, flats, &cases[i].block,
                   cases[i].values);
        if (t->kind == WIT_VARIANT)
            LINE(c, "}", STR(""));
    }
    LINE(c, "}", STR(""));
}

static void lower_variant(struct code *c, const struct wit_typedef *t, const struct flats *flats,
                          str expr, str *out, u32 *n)
{
    struct gen *g = c->g;
    u32 count = case_count(t);
    struct lowered_case *cases = arena_array(g->arena, struct lowered_case, count + 1);
    for (u32 i = 0; i < count && !g->failed; i++) {
        struct lowered_case *x = &cases[i];
        u32 values = 0;
        x->k = variant_case(g, t, i);
        x->payload = bindgen_local(c->locals, STR("payload"));
        x->block = open_block(c, &x->text);
        if (wit_type_present(x->k.type))
            bindgen_lower_flat(&x->block, x->k.type, str_concat(g->arena, STR("*"), x->payload),
                               x->values, &values);
        c->budget = x->block.budget;
    }
    for (u32 i = 0; i < flats->count; i++) {
        str name = bindgen_local(c->locals, variant_word(t));
        /* A tag that is none of the cases gets to the host as it is, which traps. */
        str start = t->kind != WIT_VARIANT ? STR("")
                    : i > 0                ? STR(" = 0")
                            : str_concat(g->arena, STR(" = "), bindgen_member(g, expr, STR("tag")));
        LINE(c, "$0 $1$2;", str_c(bindgen_flat_type(flats->kinds[i])), name, start);
        out[*n + i] = name;
    }
    if (!g->failed)
        lower_cases(c, t, flats, expr, cases, out + *n);
    *n += flats->count;
}

static str wrap(struct gen *g, const char *before, str e, const char *after)
{
    return str_printf(g->arena, "%s" STRF "%s", before, STRA(e), after);
}

void bindgen_lower_flat(struct code *c, struct wit_type t, str expr, str *out, u32 *n)
{
    struct gen *g = c->g;
    struct flats flats;
    const struct wit_typedef *def = bindgen_def(g, t);
    bindgen_flats_of(g, t, &flats);
    switch (bindgen_kind(g, t)) {
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < def->field_count; i++)
            bindgen_lower_flat(c, def->fields[i].type,
                               bindgen_member(g, expr, field_name(g, def, i)), out, n);
        return;
    case WIT_FIXED_LIST:
        for (u32 i = 0; i < def->length; i++)
            bindgen_lower_flat(c, def->first,
                               bindgen_member(g, expr, str_printf(g->arena, "items[%u]", i)), out,
                               n);
        return;
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT: lower_variant(c, def, &flats, expr, out, n); return;
    case WIT_STRING:
    case WIT_LIST:
    case WIT_MAP:
        out[(*n)++] =
            str_concat(g->arena, STR("(uint8_t *) "), bindgen_member(g, expr, STR("ptr")));
        out[(*n)++] = bindgen_member(g, expr, STR("len"));
        return;
    case WIT_BORROW:
        if (g->infos[wit_unalias(g->r, def->first).id]->exported) {
            out[(*n)++] = wrap(g, "(int32_t) ", expr, "");
            return;
        }
        out[(*n)++] = bindgen_member(g, expr, STR("__handle"));
        return;
    case WIT_OWN: out[(*n)++] = bindgen_member(g, expr, STR("__handle")); return;
    case WIT_FUTURE:
    case WIT_STREAM: out[(*n)++] = wrap(g, "((int32_t) ", expr, ")"); return;
    case WIT_ENUM: out[(*n)++] = wrap(g, "(int32_t) ", expr, ""); return;
    case WIT_U64: out[(*n)++] = wrap(g, "(int64_t) (", expr, ")"); return;
    case WIT_U8:
    case WIT_S8:
    case WIT_U16:
    case WIT_S16:
    case WIT_U32:
    case WIT_CHAR:
    case WIT_ERROR_CONTEXT: out[(*n)++] = wrap(g, "(int32_t) (", expr, ")"); return;
    default: out[(*n)++] = expr; return;
    }
}

/* ---- Lifting ------------------------------------------------------------------------------------------------- */

/* "{ a, b, }", a line for each. */
static str braces(struct code *c, const char *open, str type, const str *parts, u32 n)
{
    struct buf b = buf_in(c->g->arena);
    buf_printf(&b, "(" STRF ") %s\n", STRA(type), open);
    for (u32 i = 0; i < n; i++) {
        for (u32 k = 0; k <= c->indent + c->nesting; k++)
            buf_c(&b, "  ");
        buf_printf(&b, STRF ",\n", STRA(parts[i]));
    }
    for (u32 k = 0; k < c->indent + c->nesting; k++)
        buf_c(&b, "  ");
    for (const char *p = open; *p; p++)
        buf_byte(&b, '}');
    return buf_view(&b);
}

/* A part of a record: scalars are cast to their type, structures need not and cannot be. */
static str lift_part(struct code *c, struct wit_type t, const str *values,
                     const enum flat_kind *kinds, u32 *at)
{
    struct gen *g = c->g;
    enum wit_kind kind = bindgen_kind(g, t);
    bool structure =
        bindgen_by_pointer(g, t) || kind == WIT_OWN ||
        (kind == WIT_BORROW && !g->infos[wit_unalias(g->r, bindgen_def(g, t)->first).id]->exported);
    c->nesting++;
    str e = bindgen_lift_flat(c, t, values, kinds, at);
    c->nesting--;
    return structure
               ? e
               : str_printf(g->arena, "(" STRF ") " STRF, STRA(bindgen_type_name(g, t)), STRA(e));
}

static str lift_record(struct code *c, struct wit_type t, const struct wit_typedef *def,
                       const str *values, const enum flat_kind *kinds, u32 *at)
{
    bool fixed = def->kind == WIT_FIXED_LIST;
    u32 n = fixed ? (u32)def->length : def->field_count;
    str parts[FLAT_MAX];
    for (u32 i = 0; i < n && i < FLAT_MAX; i++)
        parts[i] = lift_part(c, fixed ? def->first : def->fields[i].type, values, kinds, at);
    return braces(c, fixed ? "{{" : "{", bindgen_type_name(c->g, t), parts,
                  n < FLAT_MAX ? n : FLAT_MAX);
}

/* The statements that lift a payload, and the expression it ends in. */
struct lifted_case {
    struct variant_case k;
    struct buf text;
    struct code block;
    str value;
};

static void lift_payload(struct code *c, struct lifted_case *x, const str *values,
                         const enum flat_kind *kinds)
{
    str narrowed[FLAT_MAX];
    u32 at = 0;
    x->block = open_block(c, &x->text);
    for (u32 v = 0; v < x->k.flats.count; v++)
        narrowed[v] = convert(c->g, values[v], kinds[v], x->k.flats.kinds[v]);
    if (wit_type_present(x->k.type))
        x->value = bindgen_lift_flat(&x->block, x->k.type, narrowed, x->k.flats.kinds, &at);
    c->budget = x->block.budget;
}

static void set_payload(struct code *c, const struct lifted_case *x, str name)
{
    close_block(c, &x->block);
    if (wit_type_present(x->k.type))
        LINE(c, "$0.$1 = $2;", name, x->k.member, x->value);
}

static void lift_by_switch(struct code *c, const struct lifted_case *cases, u32 n, str name,
                           str tag)
{
    LINE(c, "$0.tag = $1;", name, tag);
    LINE(c, "switch ((int32_t) $0.tag) {", name);
    for (u32 i = 0; i < n && !c->g->failed; i++) {
        LINE(c, "case $0: {", number(c->g, i));
        c->indent++;
        set_payload(c, &cases[i], name);
        LINE(c, "break;", STR(""));
        c->indent--;
        LINE(c, "}", STR(""));
    }
    LINE(c, "}", STR(""));
}

/* Options and results; all of them is set whatever the tag, so that no compiler has doubts. */
static void lift_by_if(struct code *c, const struct wit_typedef *t, const struct lifted_case *cases,
                       str name, str tag)
{
    str flag = t->kind == WIT_OPTION ? STR("is_some") : STR("is_err");
    LINE(c, "$0.$1 = $2 != 0;", name, flag, tag);
    for (u32 i = 0; i < 2; i++) {
        if (!wit_type_present(cases[i].k.type))
            continue;
        LINE(c, "if ($0$1.$2) {", i ? STR("") : STR("!"), name, flag);
        c->indent++;
        set_payload(c, &cases[i], name);
        c->indent--;
        LINE(c, "}", STR(""));
    }
}

static str lift_variant(struct code *c, struct wit_type type, const struct wit_typedef *t,
                        const str *values, const enum flat_kind *kinds)
{
    struct gen *g = c->g;
    u32 count = case_count(t);
    struct lifted_case *cases = arena_array(g->arena, struct lifted_case, count + 1);
    for (u32 i = 0; i < count && !g->failed; i++) {
        cases[i].k = variant_case(g, t, i);
        lift_payload(c, &cases[i], values + 1, kinds + 1);
    }
    str name = bindgen_local(c->locals, variant_word(t));
    LINE(c, "$0 $1;", bindgen_type_name(g, type), name);
    if (t->kind == WIT_VARIANT)
        lift_by_switch(c, cases, count, name, values[0]);
    else
        lift_by_if(c, t, cases, name, values[0]);
    return name;
}

static str lift_scalar(struct gen *g, struct wit_type t, str value)
{
    const struct wit_typedef *def = bindgen_def(g, t);
    enum wit_kind kind = bindgen_kind(g, t);
    switch (kind) {
    case WIT_U8:
    case WIT_S8:
    case WIT_U16:
    case WIT_S16:
    case WIT_U32:
    case WIT_U64:
    case WIT_CHAR:
        return str_printf(g->arena, "(" STRF ") (" STRF ")",
                          STRA(bindgen_type_name(g, wit_unalias(g->r, t))), STRA(value));
    case WIT_FUTURE:
    case WIT_STREAM:
    case WIT_ERROR_CONTEXT: return wrap(g, "((uint32_t) ", value, ")");
    case WIT_OWN:
    case WIT_BORROW: {
        const struct type_info *r = g->infos[wit_unalias(g->r, def->first).id];
        if (kind == WIT_BORROW && r->exported)
            return str_printf(g->arena, "((" STRF "*) " STRF ")", STRA(r->name), STRA(value));
        return str_printf(g->arena, "(" STRF ") { " STRF " }", STRA(bindgen_type_name(g, t)),
                          STRA(value));
    }
    default: return value;
    }
}

str bindgen_lift_flat(struct code *c, struct wit_type t, const str *values,
                      const enum flat_kind *kinds, u32 *at)
{
    struct gen *g = c->g;
    struct flats flats;
    const struct wit_typedef *def = bindgen_def(g, t);
    const str *from = values + *at;
    bindgen_flats_of(g, t, &flats);
    switch (bindgen_kind(g, t)) {
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_FIXED_LIST: return lift_record(c, t, def, values, kinds, at);
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
        *at += flats.count;
        return lift_variant(c, t, def, from, kinds + (from - values));
    case WIT_STRING:
    case WIT_LIST:
    case WIT_MAP:
        *at += 2;
        return str_printf(g->arena, "(" STRF ") { (" STRF "*)(" STRF "), (" STRF ") }",
                          STRA(bindgen_type_name(g, t)), STRA(bindgen_element_type(g, t)),
                          STRA(from[0]), STRA(from[1]));
    default: return lift_scalar(g, t, values[(*at)++]);
    }
}
