/* check_types.c - what validation asks of the types that WIT can write (Binary.md, "Type Definitions"; CanonicalABI.md, "Element Size"). */
#include "index.h"
#include "layout.h"

#define MAX_VALUE_BYTES (1u << 28)
#define POINTER         8 /* bytes of a pointer where it is largest */

static struct wit_type_facts part_facts(const struct wit_index *x, struct wit_type t)
{
    if (t.kind == WIT_ID) {
        return t.id < x->facts.len ? x->facts.data[t.id] : (struct wit_type_facts){.align = 1};
    }
    struct wit_layout l = wit_prim_layout(t.kind, POINTER);
    return (struct wit_type_facts){
        .size = l.size, .align = (u8)l.align, .handles = t.kind == WIT_ERROR_CONTEXT};
}

static struct wit_layout part_layout(const void *ctx, struct wit_type t)
{
    struct wit_type_facts f = part_facts(ctx, t);
    return (struct wit_layout){f.size, f.align};
}

static bool is_channel(const struct wit_typedef *t)
{
    return t->kind == WIT_STREAM || t->kind == WIT_FUTURE;
}

static struct wit_type_facts facts_of(const struct wit_index *x, const struct wit_typedef *t)
{
    struct wit_parts parts = {POINTER, part_layout, x};
    struct wit_measure m = wit_measure_type(t, &parts);
    struct wit_type_facts f = {.size = m.size < MAX_VALUE_BYTES ? (u32)m.size : MAX_VALUE_BYTES,
                               .align = (u8)m.align};
    struct wit_type part;
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
