/* check_types.c - what validation asks of the types that WIT can write (Binary.md, "Type Definitions"; CanonicalABI.md, "Element Size"). */
#include "index.h"

#define MAX_VALUE_BYTES (1u << 28)
#define POINTER         8 /* bytes of a pointer where it is largest */

static struct wit_type_facts part_facts(const struct wit_index *x, struct wit_type t)
{
    static const u8 sizes[] = {
        [WIT_BOOL] = 1, [WIT_U8] = 1,   [WIT_U16] = 2,           [WIT_U32] = 4, [WIT_U64] = 8,
        [WIT_S8] = 1,   [WIT_S16] = 2,  [WIT_S32] = 4,           [WIT_S64] = 8, [WIT_F32] = 4,
        [WIT_F64] = 8,  [WIT_CHAR] = 4, [WIT_ERROR_CONTEXT] = 4,
    };
    struct wit_type_facts f = {.align = 1};
    if (t.kind == WIT_STRING) {
        f = (struct wit_type_facts){.size = 2 * POINTER, .align = POINTER};
    } else if (t.kind == WIT_ID) {
        f = t.id < x->facts.len ? x->facts.data[t.id] : f;
    } else if ((size_t)t.kind < LENGTH_OF(sizes)) {
        f.size = f.align = sizes[t.kind];
        f.handles = t.kind == WIT_ERROR_CONTEXT;
    }
    return f;
}

static u64 align_to(u64 offset, u32 align)
{
    return (offset + align - 1) / align * align;
}

static void set_size(struct wit_type_facts *f, u64 size)
{
    f->size = size < MAX_VALUE_BYTES ? (u32)size : MAX_VALUE_BYTES;
}

/* Parts one behind the other, or (cases > 0) one of them behind a tag. */
static void measure_parts(const struct wit_index *x, const struct wit_typedef *t, u32 cases,
                          struct wit_type_facts *out)
{
    u64 sum = 0, largest = 0;
    u32 align = 1, tag = cases ? wit_discriminant_size(cases) : 0;
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        struct wit_type_facts f = part_facts(x, part);
        align = align < f.align ? f.align : align;
        largest = largest < f.size ? f.size : largest;
        sum = align_to(sum, f.align) + f.size;
    }
    out->align = (u8)(align < tag ? tag : align);
    set_size(out, align_to(cases ? align_to(tag, align) + largest : sum, out->align));
}

static void measure(const struct wit_index *x, const struct wit_typedef *t,
                    struct wit_type_facts *out)
{
    struct wit_type_facts first = part_facts(x, t->first);
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE: measure_parts(x, t, 0, out); break;
    case WIT_VARIANT:
    case WIT_ENUM: measure_parts(x, t, t->field_count ? t->field_count : 1, out); break;
    case WIT_OPTION:
    case WIT_RESULT: measure_parts(x, t, 2, out); break;
    case WIT_FIXED_LIST:
        out->align = first.align;
        set_size(out, t->length < MAX_VALUE_BYTES ? first.size * t->length : MAX_VALUE_BYTES);
        break;
    case WIT_FLAGS:
        out->size = out->align = t->field_count <= 8 ? 1 : t->field_count <= 16 ? 2 : 4;
        break;
    case WIT_LIST:
    case WIT_MAP: *out = part_facts(x, (struct wit_type){WIT_STRING, 0}); break;
    case WIT_ALIAS:
        out->size = first.size;
        out->align = first.align;
        break;
    default: out->size = out->align = 4; break; /* a handle, an end of a stream */
    }
}

static bool is_channel(const struct wit_typedef *t)
{
    return t->kind == WIT_STREAM || t->kind == WIT_FUTURE;
}

static struct wit_type_facts facts_of(const struct wit_index *x, const struct wit_typedef *t)
{
    struct wit_type_facts f = {.size = 0, .align = 1};
    struct wit_type part;
    measure(x, t, &f);
    f.borrows = t->kind == WIT_BORROW;
    f.handles = t->kind == WIT_BORROW || t->kind == WIT_OWN || is_channel(t);
    for (u32 i = 0; t->kind != WIT_OWN && wit_type_part(t, i, &part); i++) {
        struct wit_type_facts p = part_facts(x, part);
        f.borrows |= p.borrows;
        f.handles |= p.handles;
    }
    return f;
}

/* Types come after those they are made of: one walk forward is enough. */
static const struct wit_index *know_types(struct wit_resolve *r)
{
    struct wit_index *x = wit_index_of(r);
    while (x->facts.len < r->types.len) {
        struct wit_type_facts f = facts_of(x, &r->types.data[x->facts.len]);
        *vec_push(r->arena, &x->facts) = f;
    }
    return x;
}

bool wit_has_borrow(struct wit_resolve *r, struct wit_type t)
{
    return part_facts(know_types(r), t).borrows;
}

/* ---- Reporting ---------------------------------------------------------------------------------------------- */

static str text_of(struct wit_resolve *r, struct wit_type t)
{
    struct buf b = buf_in(r->arena);
    wit_print_type(&b, r, t);
    return buf_view(&b);
}

/* Shows the named type in which the borrow is written, if it is not in the payload itself. */
static void label_borrow(struct wit_resolve *r, struct diag *x, struct wit_type t)
{
    const struct wit_index *facts = know_types(r);
    const struct wit_typedef *named = NULL;
    while (t.kind == WIT_ID && t.id != WIT_NONE) {
        const struct wit_typedef *def = &r->types.data[t.id];
        named = def->name.len ? def : named;
        t = WIT_NO_TYPE;
        struct wit_type part;
        for (u32 i = 0; def->kind != WIT_BORROW && wit_type_part(def, i, &part); i++) {
            if (part_facts(facts, part).borrows) {
                t = part;
                break;
            }
        }
    }
    if (named) {
        diag_label(r->diags, x, named->at, "the borrow is in here");
    }
}

static const char *channel_word(const struct wit_typedef *t)
{
    return t->kind == WIT_STREAM ? "stream" : "future";
}

bool wit_check_payload(struct wit_resolve *r, u32 type)
{
    const struct wit_typedef *t = &r->types.data[type];
    if (!is_channel(t) || !wit_has_borrow(r, t->first)) {
        return true;
    }
    const struct wit_typedef *of = &r->types.data[wit_unalias(r, t->first).id];
    if (is_channel(of)) {
        return true; /* told there */
    }
    struct diag *x =
        diag_error(r->diags, "wit-payload", t->at, "a %s cannot carry `" STRF "`%s",
                   channel_word(t), STRA(text_of(r, t->first)),
                   of->kind == WIT_BORROW && !of->name.len ? "" : ", which contains a `borrow<T>`");
    label_borrow(r, x, t->first);
    diag_note(r->diags, x, "a borrow ends when the call returns, but a %s may live on",
              channel_word(t));
    diag_help(r->diags, x, "let it carry the resource itself, which passes it on for good");
    return false;
}

/* Is the type one that WIT can say, but a component cannot have? */
bool wit_check_encodable(struct wit_resolve *r, u32 type)
{
    const struct wit_index *facts = know_types(r);
    const struct wit_typedef *t = &r->types.data[type];
    struct wit_type part;
    struct diag *x = NULL;
    bool told = false;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        told |= part_facts(facts, part).size >= MAX_VALUE_BYTES;
    }
    if (t->kind == WIT_STREAM && wit_unalias(r, t->first).kind == WIT_CHAR) {
        x = diag_error(r->diags, "wit-encode", t->at, "`stream<char>` is not valid at this time");
        diag_help(r->diags, x, "a `stream<u8>` can carry the characters in an encoding");
    } else if (t->kind == WIT_MAP && part_facts(facts, t->second).handles) {
        x = diag_error(r->diags, "wit-encode", t->at, "the values of a map cannot contain handles");
        diag_note(r->diags, x, "`" STRF "` is or contains one", STRA(text_of(r, t->second)));
        diag_help(r->diags, x, "a `list<tuple<K, V>>` can");
    } else if (!told && facts->facts.data[type].size >= MAX_VALUE_BYTES) {
        x = diag_error(r->diags, "wit-encode", t->at,
                       "values of this type are too large: they have 2^28 bytes or more");
        diag_help(r->diags, x, "a `list` without a fixed length keeps its elements elsewhere");
    }
    return !x;
}
