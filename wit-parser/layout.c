/* layout.c - what the canonical ABI makes of types: sizes, alignments, flat core types, core signatures.
 *
 * CanonicalABI.md, "Alignment", "Element Size", "Flattening". The facts of a defined type are computed
 * once, bottom-up with a stack of our own: types share their parts, so a plain recursion could take
 * exponential time and any depth of native stack.
 */
#include "layout.h"

#define FLAT_OVERFLOW (WIT_MAX_FLAT_PARAMS + 1) /* more flat types than any signature may hold */

enum fact_state { FACT_UNKNOWN, FACT_IN_WORK, FACT_KNOWN };

struct type_facts {
    u8 state; /* enum fact_state */
    u8 flat_count;
    u32 size, align, payload_offset;
    u32 payloads; /* streams and futures within, itself included, counted as a signature mentions them */
    wasm_valtype flat[WIT_MAX_FLAT_PARAMS];
};

struct wit_facts {
    struct type_facts *types;
    u32 cap;
};

/* ---- Parts of a type ------------------------------------------------------------------------ */

bool wit_type_part(const struct wit_typedef *t, u32 i, struct wit_type *part)
{
    *part = WIT_NO_TYPE;
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_VARIANT:
        if (i >= t->field_count)
            return false;
        *part = t->fields[i].type;
        return true;
    case WIT_RESULT:
    case WIT_MAP: *part = i == 0 ? t->first : t->second; return i < 2;
    case WIT_RESOURCE:
    case WIT_FLAGS:
    case WIT_ENUM: return false;
    default: *part = t->first; return i == 0;
    }
}

static u32 saturate(u64 n)
{
    return n > UINT32_MAX ? UINT32_MAX : (u32)n;
}

static u64 align_to(u64 offset, u32 align)
{
    return (offset + align - 1) / align * align;
}

u32 wit_discriminant_size(u32 cases)
{
    return cases <= 0x100 ? 1 : cases <= 0x10000 ? 2 : 4;
}

/* ---- Sizes and alignments ---------------------------------------------------------------------- */

struct wit_layout wit_prim_layout(enum wit_kind kind, u32 pointer)
{
    static const u8 sizes[] = {
        [WIT_BOOL] = 1, [WIT_U8] = 1,   [WIT_U16] = 2,           [WIT_U32] = 4, [WIT_U64] = 8,
        [WIT_S8] = 1,   [WIT_S16] = 2,  [WIT_S32] = 4,           [WIT_S64] = 8, [WIT_F32] = 4,
        [WIT_F64] = 8,  [WIT_CHAR] = 4, [WIT_ERROR_CONTEXT] = 4,
    };
    if (kind == WIT_STRING)
        return (struct wit_layout){2 * pointer, pointer};
    if ((size_t)kind >= LENGTH_OF(sizes))
        return (struct wit_layout){0, 1};
    return (struct wit_layout){sizes[kind], sizes[kind]};
}

/* Parts one behind the other, or (cases > 0) one of them behind a tag. */
static struct wit_measure measure_parts(const struct wit_typedef *t, u32 cases,
                                        const struct wit_parts *parts)
{
    struct wit_measure m = {.align = 1};
    u32 tag = cases ? wit_discriminant_size(cases) : 0;
    u64 largest = 0;
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        struct wit_layout of = parts->of(parts->ctx, part);
        m.align = m.align < of.align ? of.align : m.align;
        largest = largest < of.size ? of.size : largest;
        m.size = align_to(m.size, of.align) + of.size;
    }
    m.payload = (u32)align_to(tag, m.align);
    m.align = m.align < tag ? tag : m.align;
    m.size = align_to(cases ? m.payload + largest : m.size, m.align);
    return m;
}

static struct wit_measure like(struct wit_layout l, u64 n)
{
    u64 limit = UINT32_MAX;
    return (struct wit_measure){.size = n > limit && l.size ? limit : l.size * n, .align = l.align};
}

struct wit_measure wit_measure_type(const struct wit_typedef *t, const struct wit_parts *parts)
{
    static const struct wit_layout index = {4, 4}; /* a handle, an end of a stream */
    u32 n = t->field_count;
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE: return measure_parts(t, 0, parts);
    case WIT_VARIANT:
    case WIT_ENUM: return measure_parts(t, n ? n : 1, parts);
    case WIT_OPTION:
    case WIT_RESULT: return measure_parts(t, 2, parts);
    case WIT_FIXED_LIST: return like(parts->of(parts->ctx, t->first), t->length);
    case WIT_FLAGS: {
        u32 word = n <= 8 ? 1 : n <= 16 ? 2 : 4;
        return (struct wit_measure){.size = n <= 16 ? word : (u64)(n + 31) / 32 * 4, .align = word};
    }
    case WIT_LIST:
    case WIT_MAP: return like(wit_prim_layout(WIT_STRING, parts->pointer), 1);
    case WIT_ALIAS: return like(parts->of(parts->ctx, t->first), 1);
    default: return like(index, 1);
    }
}

/* ---- Primitives ------------------------------------------------------------------------------- */

static void prim_facts(enum wit_kind kind, struct type_facts *out)
{
    struct wit_layout layout = wit_prim_layout(kind, 4);
    memset(out, 0, sizeof *out);
    if ((size_t)kind > WIT_ERROR_CONTEXT)
        return;
    out->size = layout.size;
    out->align = layout.align;
    out->flat_count = kind == WIT_STRING ? 2 : 1;
    out->flat[0] = out->flat[1] = kind == WIT_U64 || kind == WIT_S64 ? WASM_I64
                                  : kind == WIT_F32                  ? WASM_F32
                                  : kind == WIT_F64                  ? WASM_F64
                                                                     : WASM_I32;
}

/* ---- Defined types ------------------------------------------------------------------------------ */

/* The facts of a part; its own are known already. No type: nothing at all. */
static struct type_facts part_facts(const struct wit_resolve *r, struct wit_type t)
{
    struct type_facts facts = {.align = 1};
    if (!wit_type_present(t))
        return facts;
    if (t.kind != WIT_ID)
        prim_facts(t.kind, &facts);
    else if (t.id < r->types.len)
        facts = r->facts->types[t.id];
    if (facts.align == 0)
        facts.align = 1; /* a type that contains itself, which is an error elsewhere */
    return facts;
}

static void flat_append(struct type_facts *out, const struct type_facts *part)
{
    u32 n = (u32)out->flat_count + part->flat_count;
    if (n > WIT_MAX_FLAT_PARAMS) {
        out->flat_count = FLAT_OVERFLOW;
        return;
    }
    memcpy(out->flat + out->flat_count, part->flat, part->flat_count * sizeof *part->flat);
    out->flat_count = (u8)n;
}

static wasm_valtype flat_join(wasm_valtype a, wasm_valtype b)
{
    if (a == b)
        return a;
    bool narrow = (a == WASM_I32 || a == WASM_F32) && (b == WASM_I32 || b == WASM_F32);
    return narrow ? WASM_I32 : WASM_I64;
}

/* Joins the payload of one more case into the flat types of a variant, which start at 1. */
static void flat_join_case(struct type_facts *out, const struct type_facts *part)
{
    if (part->flat_count >= WIT_MAX_FLAT_PARAMS || out->flat_count == FLAT_OVERFLOW) {
        out->flat_count = FLAT_OVERFLOW;
        return;
    }
    for (u32 i = 0; i < part->flat_count; i++) {
        if (i + 1 < out->flat_count) {
            out->flat[i + 1] = flat_join(out->flat[i + 1], part->flat[i]);
        } else {
            out->flat[i + 1] = part->flat[i];
            out->flat_count = (u8)(i + 2);
        }
    }
}

static void record_flat(const struct wit_resolve *r, const struct wit_typedef *t,
                        struct type_facts *out)
{
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        struct type_facts f = part_facts(r, part);
        flat_append(out, &f);
    }
}

static void variant_flat(const struct wit_resolve *r, const struct wit_typedef *t,
                         struct type_facts *out)
{
    struct wit_type part;
    out->flat[0] = WASM_I32;
    out->flat_count = 1;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        struct type_facts f = part_facts(r, part);
        flat_join_case(out, &f);
    }
}

static void fixed_list_flat(const struct wit_resolve *r, const struct wit_typedef *t,
                            struct type_facts *out)
{
    struct type_facts f = part_facts(r, t->first);
    for (u64 i = 0; i < t->length && f.flat_count && out->flat_count <= WIT_MAX_FLAT_PARAMS; i++)
        flat_append(out, &f);
}

static void flags_flat(const struct wit_typedef *t, struct type_facts *out)
{
    u32 words = (t->field_count + 31) / 32;
    out->flat_count = words > WIT_MAX_FLAT_PARAMS ? FLAT_OVERFLOW : (u8)words;
    for (u32 i = 0; i < words && i < WIT_MAX_FLAT_PARAMS; i++)
        out->flat[i] = WASM_I32;
}

static struct wit_layout part_layout(const void *ctx, struct wit_type t)
{
    struct type_facts f = part_facts(ctx, t);
    return (struct wit_layout){f.size, f.align};
}

static void compute_facts(const struct wit_resolve *r, u32 type)
{
    const struct wit_typedef *t = &r->types.data[type];
    struct type_facts f = {.align = 1};
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE: record_flat(r, t, &f); break;
    case WIT_VARIANT:
    case WIT_ENUM:
    case WIT_OPTION:
    case WIT_RESULT: variant_flat(r, t, &f); break;
    case WIT_FIXED_LIST: fixed_list_flat(r, t, &f); break;
    case WIT_FLAGS: flags_flat(t, &f); break;
    case WIT_LIST:
    case WIT_MAP: prim_facts(WIT_STRING, &f); break;
    case WIT_ALIAS: f = part_facts(r, t->first); break;
    default: prim_facts(WIT_U32, &f); break; /* an index */
    }
    struct wit_parts parts = {4, part_layout, r};
    struct wit_measure m = wit_measure_type(t, &parts);
    f.size = saturate(m.size);
    f.align = m.align;
    if (m.payload)
        f.payload_offset = m.payload;
    u64 payloads = t->kind == WIT_FUTURE || t->kind == WIT_STREAM;
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++)
        payloads += part_facts(r, part).payloads;
    f.payloads = saturate(payloads);
    f.state = FACT_KNOWN;
    r->facts->types[type] = f;
}

static struct wit_facts *facts_table(const struct wit_resolve *r)
{
    /* Computed facts are no change of the graph: callers keep their const. */
    struct wit_resolve *owner = (struct wit_resolve *)r;
    if (owner->facts == NULL)
        owner->facts = arena_new(r->arena, struct wit_facts);
    struct wit_facts *facts = owner->facts;
    if (facts->cap < r->types.len) {
        u32 cap = r->types.cap > r->types.len ? r->types.cap : r->types.len;
        facts->types = arena_realloc(r->arena, facts->types, facts->cap * sizeof *facts->types,
                                     cap * sizeof *facts->types);
        facts->cap = cap;
    }
    return facts;
}

struct walk_frame {
    u32 type, next;
};

/* Computes the facts of a defined type and of all it is made of. */
static void need_facts(const struct wit_resolve *r, u32 type)
{
    struct wit_facts *facts = facts_table(r);
    if (facts->types[type].state == FACT_KNOWN)
        return;
    VEC(struct walk_frame) stack = {0};
    *vec_push(r->arena, &stack) = (struct walk_frame){type, 0};
    facts->types[type].state = FACT_IN_WORK;
    while (stack.len > 0) {
        struct walk_frame *top = vec_last(&stack);
        struct wit_type part;
        if (!wit_type_part(&r->types.data[top->type], top->next++, &part)) {
            compute_facts(r, top->type);
            stack.len--;
        } else if (part.kind == WIT_ID && part.id < r->types.len &&
                   facts->types[part.id].state == FACT_UNKNOWN) {
            facts->types[part.id].state = FACT_IN_WORK;
            *vec_push(r->arena, &stack) = (struct walk_frame){part.id, 0};
        }
    }
}

static struct type_facts facts_of(const struct wit_resolve *r, struct wit_type t)
{
    if (t.kind == WIT_ID && t.id < r->types.len)
        need_facts(r, t.id);
    return part_facts(r, t);
}

struct wit_layout wit_layout_of(const struct wit_resolve *r, struct wit_type t)
{
    struct type_facts f = facts_of(r, t);
    return (struct wit_layout){f.size, f.align};
}

u32 wit_payload_offset(const struct wit_resolve *r, struct wit_type t)
{
    return facts_of(r, t).payload_offset;
}

/* ---- Flat types and signatures ------------------------------------------------------------------- */

bool wit_flatten(const struct wit_resolve *r, struct wit_type t, wasm_valtype *out, u32 max, u32 *n)
{
    struct type_facts f = facts_of(r, t);
    if (f.flat_count == FLAT_OVERFLOW || *n > max || f.flat_count > max - *n)
        return false;
    memcpy(out + *n, f.flat, f.flat_count * sizeof *out);
    *n += f.flat_count;
    return true;
}

void wit_core_signature(const struct wit_resolve *r, const struct wit_func *f, enum wit_abi abi,
                        struct wit_core_sig *out)
{
    u32 max = abi == WIT_ABI_LOWER_ASYNC ? WIT_MAX_FLAT_ASYNC_PARAMS : WIT_MAX_FLAT_PARAMS;
    memset(out, 0, sizeof *out);
    for (u32 i = 0; i < f->param_count && !out->indirect_params; i++)
        out->indirect_params =
            !wit_flatten(r, f->params[i].type, out->params, max, &out->param_count);
    if (out->indirect_params) {
        out->params[0] = WASM_I32;
        out->param_count = 1;
    }
    bool fits = wit_flatten(r, f->result, out->results, WIT_MAX_FLAT_RESULTS, &out->result_count);
    switch (abi) {
    case WIT_ABI_LIFT: out->ret_pointer = !fits; break;
    case WIT_ABI_LOWER: out->ret_pointer = !fits; break;
    case WIT_ABI_LOWER_ASYNC: out->ret_pointer = !fits || out->result_count > 0; break;
    case WIT_ABI_LIFT_ASYNC:
    case WIT_ABI_LIFT_ASYNC_STACKFUL: break;
    }
    if (abi == WIT_ABI_LOWER || abi == WIT_ABI_LOWER_ASYNC) {
        if (out->ret_pointer) {
            out->params[out->param_count++] = WASM_I32;
            out->result_count = 0;
        }
    } else if (out->ret_pointer) {
        out->result_count = 0;
    }
    bool returns_word = abi == WIT_ABI_LOWER_ASYNC || abi == WIT_ABI_LIFT_ASYNC ||
                        (abi == WIT_ABI_LIFT && out->ret_pointer);
    if (returns_word) {
        out->results[0] = WASM_I32;
        out->result_count = 1;
    } else if (abi == WIT_ABI_LIFT_ASYNC_STACKFUL) {
        out->result_count = 0;
    }
}

/* ---- Streams and futures of a signature ------------------------------------------------------------ */

#define PAYLOADS_MAX \
    100000u /* no real signature mentions more; keeps shared types from exploding */

struct payload_list {
    struct arena *arena;
    VEC(u32) types;
};

static void collect_payloads(const struct wit_resolve *r, struct wit_type t,
                             struct payload_list *list)
{
    if (facts_of(r, t).payloads == 0)
        return;
    VEC(struct walk_frame) stack = {0};
    *vec_push(list->arena, &stack) = (struct walk_frame){t.id, 0};
    while (stack.len > 0 && list->types.len < PAYLOADS_MAX) {
        struct walk_frame *top = vec_last(&stack);
        const struct wit_typedef *def = &r->types.data[top->type];
        struct wit_type part;
        if (!wit_type_part(def, top->next++, &part)) {
            if (def->kind == WIT_FUTURE || def->kind == WIT_STREAM)
                *vec_push(list->arena, &list->types) = top->type;
            stack.len--;
        } else if (part.kind == WIT_ID && part_facts(r, part).payloads > 0) {
            *vec_push(list->arena, &stack) = (struct walk_frame){part.id, 0};
        }
    }
}

u32 wit_payload_types(const struct wit_resolve *r, struct arena *a, const struct wit_func *f,
                      u32 **out)
{
    struct payload_list list = {.arena = a};
    for (u32 i = 0; i < f->param_count; i++)
        collect_payloads(r, f->params[i].type, &list);
    collect_payloads(r, f->result, &list);
    *out = list.types.data;
    return list.types.len;
}
