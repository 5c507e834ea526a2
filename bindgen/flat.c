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

static str bits(struct gen *g, str e, const char *from, const char *to)
{
    return str_printf(g->arena, "((union { %s a; %s b; }) {" STRF "}).b", from, to, STRA(e));
}

/* A payload's flat value as the joined kind. */
static str widen(struct gen *g, str e, enum flat_kind from, enum flat_kind to)
{
    if (from == to)
        return e;
    if (from == FLAT_F32) {
        e = bits(g, e, "float", "int32_t");
        from = FLAT_I32;
    } else if (from == FLAT_F64) {
        e = bits(g, e, "double", "int64_t");
        from = FLAT_I64;
    }
    if (from == to)
        return e;
    const char *cast = "(int32_t)";
    if (is_wide(to))
        cast = from == FLAT_I32       ? "(int64_t) (uint32_t)"
               : from == FLAT_POINTER ? "(int64_t) (uintptr_t)"
                                      : "(int64_t)";
    else if (to == FLAT_POINTER)
        cast = "(uint8_t *)";
    else if (to == FLAT_LENGTH)
        cast = "(size_t)";
    return str_printf(g->arena, "%s " STRF, cast, STRA(e));
}

/* The joined value as a payload's kind. */
static str narrow(struct gen *g, str e, enum flat_kind from, enum flat_kind to)
{
    if (from == to || (is_wide(from) && to == FLAT_I64))
        return e;
    if (to == FLAT_F64)
        return bits(g, e, "int64_t", "double");
    const char *cast = from == FLAT_POINTER ? "(int32_t) (uintptr_t)" : "(int32_t)";
    if (to == FLAT_POINTER)
        cast = is_wide(from) ? "(uint8_t *) (uintptr_t)" : "(uint8_t *)";
    else if (to == FLAT_LENGTH)
        cast = from == FLAT_POINTER ? "(size_t) (uintptr_t)" : "(size_t)";
    if (to == FLAT_F32 && from == FLAT_I32)
        return bits(g, e, "int32_t", "float");
    e = str_printf(g->arena, "%s " STRF, cast, STRA(e));
    return to == FLAT_F32 ? bits(g, e, "int32_t", "float") : e;
}

str bindgen_member(struct gen *g, str expr, str field)
{
    if (str_starts(expr, STR("*")))
        return str_printf(g->arena, STRF "->" STRF, STRA(str_sub(expr, 1, expr.len)), STRA(field));
    return str_printf(g->arena, STRF "." STRF, STRA(expr), STRA(field));
}

static str element(struct gen *g, str expr, u64 i)
{
    return bindgen_member(g, expr, str_printf(g->arena, "items[%llu]", (unsigned long long)i));
}

static str field_name(struct gen *g, const struct wit_typedef *t, u32 i)
{
    return t->kind == WIT_TUPLE ? str_printf(g->arena, "f%u", i)
                                : bindgen_identifier(g->arena, t->fields[i].name);
}

/* ---- The cases of variants, options and results ------------------------------------------------------ */

struct variant_case {
    u32 tag;
    struct wit_type type;
    str member; /* from the value to the payload */
};

/* The i-th case with a payload at or after *i; false past the last. */
static bool next_case(struct gen *g, const struct wit_typedef *t, u32 *i, struct variant_case *out)
{
    for (;; (*i)++) {
        u32 n = t->kind == WIT_VARIANT ? t->field_count : t->kind == WIT_RESULT ? 2 : 1;
        if (*i >= n)
            return false;
        out->tag = *i;
        if (t->kind == WIT_VARIANT) {
            out->type = t->fields[*i].type;
            out->member = str_concat(g->arena, STR("val."), field_name(g, t, *i));
        } else if (t->kind == WIT_RESULT) {
            out->type = *i == 0 ? t->first : t->second;
            out->member = *i == 0 ? STR("val.ok") : STR("val.err");
        } else {
            out->tag = 1;
            out->type = t->first;
            out->member = STR("val");
        }
        struct flats f;
        bindgen_flats_of(g, out->type, &f);
        if (wit_type_present(out->type) && f.count > 0) {
            (*i)++;
            return true;
        }
    }
}

static const char *tag_member(const struct wit_typedef *t)
{
    return t->kind == WIT_VARIANT ? "tag" : t->kind == WIT_RESULT ? "is_err" : "is_some";
}

/* "switch (tag)" with one block for each case, or "if" where there are two. */
static void open_case(struct code *c, const struct wit_typedef *t, str tag,
                      const struct variant_case *k)
{
    if (t->kind == WIT_VARIANT)
        LINE(c, "case $0: {", str_printf(c->g->arena, "%u", k->tag));
    else
        LINE(c, "if ($0$1) {", k->tag ? STR("") : STR("!"), tag);
    c->indent++;
}

static void close_case(struct code *c, const struct wit_typedef *t)
{
    if (t->kind == WIT_VARIANT)
        LINE(c, "break;", STR(""));
    c->indent--;
    LINE(c, "}", STR(""));
}

/* ---- Lowering --------------------------------------------------------------------------------------------- */

static void lower_variant(struct code *c, const struct wit_typedef *t, const struct flats *flats,
                          str expr, str *out, u32 *n)
{
    struct gen *g = c->g;
    str tag = bindgen_member(g, expr, str_c(tag_member(t)));
    str *joined = out + *n + 1;
    out[*n] = str_concat(g->arena, STR("(int32_t) "), tag);
    for (u32 i = 1; i < flats->count; i++) {
        joined[i - 1] = bindgen_local(c->locals, STR("flat"));
        LINE(c, "$0 $1 = 0;", str_c(bindgen_flat_type(flats->kinds[i])), joined[i - 1]);
    }
    *n += flats->count;
    if (flats->count == 1)
        return;
    if (t->kind == WIT_VARIANT)
        LINE(c, "switch ($0) {", tag);
    u32 i = 0;
    struct variant_case k;
    while (next_case(g, t, &i, &k) && !g->failed) {
        str values[FLAT_MAX];
        u32 count = 0;
        struct flats payload;
        bindgen_flats_of(g, k.type, &payload);
        open_case(c, t, tag, &k);
        bindgen_lower_flat(c, k.type, bindgen_member(g, expr, k.member), values, &count);
        for (u32 v = 0; v < count; v++)
            LINE(c, "$0 = $1;", joined[v],
                 widen(g, values[v], payload.kinds[v], flats->kinds[v + 1]));
        close_case(c, t);
    }
    if (t->kind == WIT_VARIANT)
        LINE(c, "}", STR(""));
}

void bindgen_lower_flat(struct code *c, struct wit_type t, str expr, str *out, u32 *n)
{
    struct gen *g = c->g;
    struct flats flats;
    const struct wit_typedef *def = bindgen_def(g, t);
    enum wit_kind kind = bindgen_kind(g, t);
    bindgen_flats_of(g, t, &flats);
    switch (kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < def->field_count; i++)
            bindgen_lower_flat(c, def->fields[i].type,
                               bindgen_member(g, expr, field_name(g, def, i)), out, n);
        return;
    case WIT_FIXED_LIST:
        for (u64 i = 0; i < def->length; i++)
            bindgen_lower_flat(c, def->first, element(g, expr, i), out, n);
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
    case WIT_OWN: out[(*n)++] = bindgen_member(g, expr, STR("__handle")); return;
    case WIT_BORROW:
        out[(*n)++] = g->infos[wit_unalias(g->r, def->first).id]->exported
                          ? str_concat(g->arena, STR("(int32_t) "), expr)
                          : bindgen_member(g, expr, STR("__handle"));
        return;
    case WIT_F32:
    case WIT_F64: out[(*n)++] = expr; return;
    case WIT_U64:
    case WIT_S64: out[(*n)++] = str_concat(g->arena, STR("(int64_t) "), expr); return;
    default: out[(*n)++] = str_concat(g->arena, STR("(int32_t) "), expr); return;
    }
}

/* ---- Lifting ------------------------------------------------------------------------------------------------- */

static void lift_variant(struct code *c, const struct wit_typedef *t, const struct flats *flats,
                         str target, const str *values, const enum flat_kind *kinds, u32 at)
{
    struct gen *g = c->g;
    str tag = bindgen_member(g, target, str_c(tag_member(t)));
    if (t->kind == WIT_VARIANT)
        LINE(c, "$0 = ($1) $2;", tag,
             str_c(bindgen_int_type(wit_discriminant_size(t->field_count))), values[at]);
    else
        LINE(c, "$0 = $1 != 0;", tag, values[at]);
    if (flats->count == 1)
        return;
    if (t->kind == WIT_VARIANT)
        LINE(c, "switch ($0) {", tag);
    u32 i = 0;
    struct variant_case k;
    while (next_case(g, t, &i, &k) && !g->failed) {
        struct flats payload;
        str narrowed[FLAT_MAX];
        u32 from = 0;
        bindgen_flats_of(g, k.type, &payload);
        for (u32 v = 0; v < payload.count; v++)
            narrowed[v] = narrow(g, values[at + 1 + v], kinds[at + 1 + v], payload.kinds[v]);
        open_case(c, t, tag, &k);
        bindgen_lift_flat(c, k.type, bindgen_member(g, target, k.member), narrowed, payload.kinds,
                          &from);
        close_case(c, t);
    }
    if (t->kind == WIT_VARIANT)
        LINE(c, "}", STR(""));
}

str bindgen_lift_scalar(struct gen *g, struct wit_type t, str value)
{
    const struct wit_typedef *def = bindgen_def(g, t);
    switch (bindgen_kind(g, t)) {
    case WIT_BOOL: return str_concat(g->arena, value, STR(" != 0"));
    case WIT_F32:
    case WIT_F64: return value;
    case WIT_OWN:
    case WIT_BORROW:
        if (def->kind == WIT_OWN || !g->infos[wit_unalias(g->r, def->first).id]->exported)
            return str_printf(g->arena, "(" STRF ") {" STRF "}", STRA(bindgen_type_name(g, t)),
                              STRA(value));
        break;
    default: break;
    }
    return str_printf(g->arena, "(" STRF ") " STRF, STRA(bindgen_type_name(g, t)), STRA(value));
}

void bindgen_lift_flat(struct code *c, struct wit_type t, str target, const str *values,
                       const enum flat_kind *kinds, u32 *at)
{
    struct gen *g = c->g;
    struct flats flats;
    const struct wit_typedef *def = bindgen_def(g, t);
    str element_type;
    bindgen_flats_of(g, t, &flats);
    switch (bindgen_kind(g, t)) {
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < def->field_count; i++)
            bindgen_lift_flat(c, def->fields[i].type,
                              bindgen_member(g, target, field_name(g, def, i)), values, kinds, at);
        return;
    case WIT_FIXED_LIST:
        for (u64 i = 0; i < def->length; i++)
            bindgen_lift_flat(c, def->first, element(g, target, i), values, kinds, at);
        return;
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
        lift_variant(c, def, &flats, target, values, kinds, *at);
        *at += flats.count;
        return;
    case WIT_STRING:
    case WIT_LIST:
    case WIT_MAP:
        element_type = bindgen_element_type(g, t);
        LINE(c, "$0 = ($1 *) $2;", bindgen_member(g, target, STR("ptr")), element_type,
             values[*at]);
        LINE(c, "$0 = $1;", bindgen_member(g, target, STR("len")), values[*at + 1]);
        *at += 2;
        return;
    default: LINE(c, "$0 = $1;", target, bindgen_lift_scalar(g, t, values[(*at)++])); return;
    }
}
