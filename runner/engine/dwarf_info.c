/* dwarf_info.c - entries of .debug_info (DWARF 2 to 5): folders of compilations, and which functions were inlined where. */
#include "dwarf.h"

#include <stdlib.h>

#define CHAIN_MAX 32
#define HOPS_MAX  8

/* The attributes that are looked at: ATTRIBUTE(id, number). */
#define ATTRIBUTES(ATTRIBUTE)         \
    ATTRIBUTE(SIBLING, 0x01)          \
    ATTRIBUTE(NAME, 0x03)             \
    ATTRIBUTE(STMT_LIST, 0x10)        \
    ATTRIBUTE(LOW_PC, 0x11)           \
    ATTRIBUTE(HIGH_PC, 0x12)          \
    ATTRIBUTE(COMP_DIR, 0x1b)         \
    ATTRIBUTE(ABSTRACT_ORIGIN, 0x31)  \
    ATTRIBUTE(SPECIFICATION, 0x47)    \
    ATTRIBUTE(RANGES, 0x55)           \
    ATTRIBUTE(CALL_COLUMN, 0x57)      \
    ATTRIBUTE(CALL_FILE, 0x58)        \
    ATTRIBUTE(CALL_LINE, 0x59)        \
    ATTRIBUTE(LINKAGE_NAME, 0x6e)     \
    ATTRIBUTE(STR_OFFSETS_BASE, 0x72) \
    ATTRIBUTE(ADDR_BASE, 0x73)        \
    ATTRIBUTE(RNGLISTS_BASE, 0x74)

enum attribute {
#define ATTRIBUTE(id, number) AT_##id,
    ATTRIBUTES(ATTRIBUTE)
#undef ATTRIBUTE
        AT_COUNT
};

enum { TAG_INLINED = 0x1d, TAG_SUBPROGRAM = 0x2e };

static enum attribute attribute_of(u64 number)
{
    switch (number) {
#define ATTRIBUTE(id, number_) \
    case number_: return AT_##id;
        ATTRIBUTES(ATTRIBUTE)
#undef ATTRIBUTE
    default: return AT_COUNT;
    }
}

/* ---- Abbreviations ------------------------------------------------------------------------------------------ */

struct abbrev {
    u64 code;
    u32 tag;
    bool has_children;
    u64 attributes; /* where they are in .debug_abbrev */
};
struct abbrevs {
    struct arena arena;
    u64 offset;
    bool read;
    VEC(struct abbrev) list; /* by code */
};

static int by_code(const void *x, const void *y)
{
    const struct abbrev *a = x, *b = y;
    return a->code < b->code ? -1 : a->code > b->code;
}

static void read_abbrevs(struct dwarf *d, struct abbrevs *t, u64 offset)
{
    if (t->read && t->offset == offset)
        return;
    arena_reset(&t->arena);
    memset(&t->list, 0, sizeof(t->list));
    t->read = true;
    t->offset = offset;
    str section = d->sections[DWARF_ABBREV];
    struct dwarf_cursor c = dwarf_cursor_of(section, offset);
    bool sorted = true;
    for (;;) {
        struct abbrev x = {.code = dwarf_uleb(&c)};
        if (c.failed || x.code == 0 || !dwarf_pay(d, 4))
            break;
        x.tag = (u32)dwarf_uleb(&c);
        x.has_children = dwarf_fixed(&c, 1) != 0;
        x.attributes = c.failed ? 0 : (u64)(c.at - (const u8 *)section.ptr);
        for (;;) {
            u64 number = dwarf_uleb(&c), form = dwarf_uleb(&c);
            if (form == 0x21)
                dwarf_sleb(&c);
            if (c.failed || !dwarf_pay(d, 1) || (number == 0 && form == 0))
                break;
        }
        if (c.failed)
            break;
        sorted &= t->list.len == 0 || vec_last(&t->list)->code < x.code;
        *vec_push(&t->arena, &t->list) = x;
    }
    if (!sorted)
        qsort(t->list.data, t->list.len, sizeof(*t->list.data), by_code);
}

static const struct abbrev *find_abbrev(const struct abbrevs *t, u64 code)
{
    if (code && code <= t->list.len && t->list.data[code - 1].code == code)
        return &t->list.data[code - 1];
    u32 low = 0, high = t->list.len;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (t->list.data[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->list.len && t->list.data[low].code == code ? &t->list.data[low] : NULL;
}

/* ---- Units and entries ---------------------------------------------------------------------------------------- */

struct unit {
    struct dwarf_format format;
    struct dwarf_cursor entries;
    u64 start, end, abbrev_offset;
    u64 low; /* base of ranges */
    struct abbrevs *abbrevs;
};
struct entry {
    u32 tag;
    bool has_children;
    u32 present; /* bits by enum attribute */
    struct dwarf_value values[AT_COUNT];
};

static bool has(const struct entry *e, enum attribute a)
{
    return e->present >> a & 1;
}
static u64 number(const struct entry *e, enum attribute a)
{
    return has(e, a) ? e->values[a].u : 0;
}

/* The header of the unit at the cursor, which moves past the unit. */
static bool read_unit(struct dwarf *d, struct dwarf_cursor *c, struct unit *u)
{
    const u8 *section = (const u8 *)d->sections[DWARF_INFO].ptr;
    u8 type = 1;
    u->start = u->format.unit = (u64)(c->at - section);
    u->entries = dwarf_unit_of(c, &u->format.offset_size);
    u->end = (u64)(c->at - section);
    u->low = 0;
    struct dwarf_cursor *in = &u->entries;
    u->format.version = (u32)dwarf_fixed(in, 2);
    if (u->format.version == 5) {
        type = (u8)dwarf_fixed(in, 1);
        u->format.address_size = (u32)dwarf_fixed(in, 1);
        u->abbrev_offset = dwarf_fixed(in, u->format.offset_size);
    } else {
        u->abbrev_offset = dwarf_fixed(in, u->format.offset_size);
        u->format.address_size = (u32)dwarf_fixed(in, 1);
    }
    /* Where the tables are if the unit does not say. */
    u->format.str_offsets = u->format.addr_base = u->format.offset_size == 8 ? 16 : 8;
    u->format.rnglists_base = u->format.offset_size == 8 ? 20 : 12;
    return !in->failed && u->format.version >= 2 && u->format.version <= 5 &&
           u->format.address_size <= 8 && (type == 1 || type == 3);
}

/* The next entry. False at the end of the unit; tag 0: the end of a list of children. */
static bool read_entry(struct dwarf *d, const struct unit *u, struct dwarf_cursor *c,
                       struct entry *e)
{
    e->tag = e->present = 0;
    e->has_children = false;
    if (c->failed || c->at >= c->end || !dwarf_pay(d, 1))
        return false;
    u64 code = dwarf_uleb(c);
    if (code == 0)
        return !c->failed;
    const struct abbrev *x = find_abbrev(u->abbrevs, code);
    if (!x)
        return false;
    e->tag = x->tag;
    e->has_children = x->has_children;
    struct dwarf_cursor a = dwarf_cursor_of(d->sections[DWARF_ABBREV], x->attributes);
    for (;;) {
        u64 name = dwarf_uleb(&a);
        u32 form = (u32)dwarf_uleb(&a);
        i64 implicit = form == 0x21 ? dwarf_sleb(&a) : 0;
        if (a.failed || (name == 0 && form == 0))
            return !a.failed;
        struct dwarf_value v = dwarf_read_form(d, c, &u->format, form, implicit);
        if (c->failed)
            return false;
        enum attribute at = attribute_of(name);
        if (at != AT_COUNT) {
            e->values[at] = v;
            e->present |= 1u << at;
        }
    }
}

static bool address_at(struct dwarf *d, const struct unit *u, u64 index, u64 *out)
{
    if (index > UINT32_MAX)
        return false;
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_ADDR],
                                            u->format.addr_base + index * u->format.address_size);
    *out = dwarf_fixed(&c, u->format.address_size);
    return !c.failed;
}

static bool address_of(struct dwarf *d, const struct unit *u, const struct entry *e,
                       enum attribute a, u64 *out)
{
    const struct dwarf_value *v = &e->values[a];
    *out = has(e, a) ? v->u : 0;
    return has(e, a) &&
           (v->class == DWARF_ADDRESS || (v->class == DWARF_INDEX && address_at(d, u, v->u, out)));
}

/* The first entry of a unit tells how the others are read. */
static bool read_root(struct dwarf *d, struct unit *u, struct entry *root)
{
    read_abbrevs(d, u->abbrevs, u->abbrev_offset);
    if (!read_entry(d, u, &u->entries, root) || !root->tag)
        return false;
    if (has(root, AT_STR_OFFSETS_BASE))
        u->format.str_offsets = number(root, AT_STR_OFFSETS_BASE);
    if (has(root, AT_ADDR_BASE))
        u->format.addr_base = number(root, AT_ADDR_BASE);
    if (has(root, AT_RNGLISTS_BASE))
        u->format.rnglists_base = number(root, AT_RNGLISTS_BASE);
    address_of(d, u, root, AT_LOW_PC, &u->low);
    return true;
}

/* ---- Ranges ------------------------------------------------------------------------------------------------------ */

typedef void on_target(struct dwarf *d, struct dwarf_target *t, const struct entry *e, u32 depth);

struct visit {
    struct dwarf *d;
    const struct entry *entry;
    u32 depth, hits;
};

static void visit_range(struct visit *v, u64 from, u64 to, on_target *fn)
{
    struct dwarf *d = v->d;
    for (u32 i = dwarf_first_target(d, from); i < d->count && d->targets[i].address < to; i++) {
        fn(d, &d->targets[i], v->entry, v->depth);
        v->hits++;
    }
}

static void visit_old_ranges(struct visit *v, const struct unit *u, u64 offset, on_target *fn)
{
    struct dwarf *d = v->d;
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_RANGES], offset);
    u32 size = u->format.address_size;
    u64 base = u->low, largest = size < 8 ? ((u64)1 << (8 * size)) - 1 : UINT64_MAX;
    while (dwarf_pay(d, 1)) {
        u64 from = dwarf_fixed(&c, size), to = dwarf_fixed(&c, size);
        if (c.failed || (from == 0 && to == 0) || size == 0)
            break;
        if (from == largest)
            base = to;
        else
            visit_range(v, base + from, base + to, fn);
    }
}

static void visit_new_ranges(struct visit *v, const struct unit *u, u64 offset, on_target *fn)
{
    struct dwarf *d = v->d;
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_RNGLISTS], offset);
    u32 size = u->format.address_size;
    u64 base = u->low, from = 0, to = 0;
    while (dwarf_pay(d, 1)) {
        u64 kind = dwarf_fixed(&c, 1);
        bool fine = true;
        switch (kind) {
        case 1: fine = address_at(d, u, dwarf_uleb(&c), &base); break;
        case 2:
        case 3:
            fine = address_at(d, u, dwarf_uleb(&c), &from);
            to = dwarf_uleb(&c);
            if (kind == 3)
                to += from;
            else
                fine &= address_at(d, u, to, &to);
            break;
        case 4:
            from = base + dwarf_uleb(&c);
            to = base + dwarf_uleb(&c);
            break;
        case 5: base = dwarf_fixed(&c, size); break;
        case 6:
        case 7:
            from = dwarf_fixed(&c, size);
            to = kind == 6 ? dwarf_fixed(&c, size) : from + dwarf_uleb(&c);
            break;
        default: return;
        }
        if (c.failed || !fine)
            return;
        if (kind != 1 && kind != 5)
            visit_range(v, from, to, fn);
    }
}

/* Calls fn for each target in the code of an entry; gives how many there were. */
static u32 visit_targets(struct dwarf *d, const struct unit *u, const struct entry *e, u32 depth,
                         on_target *fn)
{
    struct visit v = {d, e, depth, 0};
    u64 low, high;
    if (has(e, AT_RANGES)) {
        const struct dwarf_value *r = &e->values[AT_RANGES];
        u64 at = r->u;
        if (r->class == DWARF_INDEX) {
            if (at > UINT32_MAX)
                return 0;
            struct dwarf_cursor c = dwarf_cursor_of(
                d->sections[DWARF_RNGLISTS], u->format.rnglists_base + at * u->format.offset_size);
            at = u->format.rnglists_base + dwarf_fixed(&c, u->format.offset_size);
            if (c.failed)
                return 0;
        }
        if (u->format.version >= 5)
            visit_new_ranges(&v, u, at, fn);
        else
            visit_old_ranges(&v, u, at, fn);
    } else if (address_of(d, u, e, AT_LOW_PC, &low) && low && has(e, AT_HIGH_PC)) {
        if (e->values[AT_HIGH_PC].class == DWARF_CONSTANT)
            high = low + e->values[AT_HIGH_PC].u;
        else if (!address_of(d, u, e, AT_HIGH_PC, &high))
            return 0;
        visit_range(&v, low, high, fn);
    }
    return v.hits;
}

/* ---- Chains of inlined functions --------------------------------------------------------------------------------- */

static void enter_function(struct dwarf *d, struct dwarf_target *t, const struct entry *e,
                           u32 depth)
{
    (void)d, (void)e;
    if (!t->chain_depth)
        t->chain_depth = depth;
}

static void enter_inlined(struct dwarf *d, struct dwarf_target *t, const struct entry *e, u32 depth)
{
    if (!t->chain_depth || t->chain_closed || t->chain_count == CHAIN_MAX ||
        depth <= t->chain_depth || (t->chain_count && depth <= t->chain[t->chain_count - 1].depth))
        return;
    if (!t->chain)
        t->chain = arena_array(d->arena, struct dwarf_inline, CHAIN_MAX);
    t->chain[t->chain_count++] = (struct dwarf_inline){
        .origin = has(e, AT_ABSTRACT_ORIGIN) ? e->values[AT_ABSTRACT_ORIGIN].u : UINT64_MAX,
        .depth = depth,
        .call_file = (u32)number(e, AT_CALL_FILE),
        .call_line = (u32)number(e, AT_CALL_LINE),
        .call_column = (u32)number(e, AT_CALL_COLUMN)};
}

/* Another function begins: what was found of the earlier ones is all. */
static void close_chains(struct dwarf *d, u32 depth)
{
    for (u32 i = 0; i < d->count; i++) {
        struct dwarf_target *t = &d->targets[i];
        t->chain_closed |= t->chain_depth && depth <= t->chain_depth;
    }
}

static void walk_unit(struct dwarf *d, const struct unit *u, bool has_children)
{
    struct dwarf_cursor c = u->entries;
    const u8 *section = (const u8 *)d->sections[DWARF_INFO].ptr;
    struct entry e;
    for (u32 depth = has_children; depth && read_entry(d, u, &c, &e);) {
        if (!e.tag) {
            depth--;
            continue;
        }
        if (e.tag == TAG_SUBPROGRAM) {
            close_chains(d, depth);
            u32 hits = visit_targets(d, u, &e, depth, enter_function);
            u64 sibling = number(&e, AT_SIBLING);
            if (!hits && e.has_children && sibling > (u64)(c.at - section) && sibling < u->end) {
                c.at = section + sibling;
                continue;
            }
        } else if (e.tag == TAG_INLINED) {
            visit_targets(d, u, &e, depth, enter_inlined);
        }
        if (e.has_children)
            depth++;
    }
}

/* ---- Names ---------------------------------------------------------------------------------------------------------- */

/* The unit that an offset is in, with its abbreviations read. */
static bool open_unit(struct dwarf *d, u64 offset, struct unit *u)
{
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_INFO], 0);
    struct entry root;
    while (!c.failed && c.at < c.end && dwarf_pay(d, 4)) {
        bool fine = read_unit(d, &c, u);
        if (offset < u->end)
            return fine && offset > u->start && read_root(d, u, &root);
    }
    return false;
}

static str name_of(struct dwarf *d, struct unit *u, u64 offset)
{
    struct entry e;
    bool open = false;
    for (u32 hops = 0; hops < HOPS_MAX && offset < d->sections[DWARF_INFO].len; hops++) {
        if (!open || offset <= u->start || offset >= u->end) {
            open = open_unit(d, offset, u);
            if (!open)
                break;
        }
        struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_INFO], offset);
        if (!read_entry(d, u, &c, &e))
            break;
        for (u32 k = 0; k < 2; k++) {
            enum attribute at = k ? AT_LINKAGE_NAME : AT_NAME;
            if (has(&e, at)) {
                str s = dwarf_text(d, &u->format, &e.values[at]);
                if (s.len)
                    return str_sub(s, 0, 1000);
            }
        }
        enum attribute next = has(&e, AT_ABSTRACT_ORIGIN) ? AT_ABSTRACT_ORIGIN : AT_SPECIFICATION;
        if (!has(&e, next) || e.values[next].class != DWARF_REF)
            break;
        offset = e.values[next].u;
    }
    return STR("");
}

/* ---- All units ------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct dwarf *d, u64 program)
{
    for (u32 i = 0; i < d->count; i++) {
        if (d->targets[i].found && d->targets[i].program == program)
            return true;
    }
    return false;
}

static void read_names(struct dwarf *d, struct unit *u)
{
    for (u32 i = 0; i < d->count; i++) {
        for (u32 k = 0; k < d->targets[i].chain_count; k++) {
            struct dwarf_inline *x = &d->targets[i].chain[k];
            x->name = name_of(d, u, x->origin);
        }
    }
}

void dwarf_read_info(struct dwarf *d, dwarf_units *units)
{
    struct abbrevs abbrevs = {.read = false};
    struct unit u = {.abbrevs = &abbrevs};
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_INFO], 0);
    while (!c.failed && c.at < c.end && dwarf_pay(d, 4)) {
        struct entry root;
        if (!read_unit(d, &c, &u) || !read_root(d, &u, &root) || !has(&root, AT_STMT_LIST) ||
            !is_wanted(d, number(&root, AT_STMT_LIST)))
            continue;
        str comp_dir =
            has(&root, AT_COMP_DIR) ? dwarf_text(d, &u.format, &root.values[AT_COMP_DIR]) : STR("");
        *vec_push(d->arena, units) =
            (struct dwarf_unit_info){number(&root, AT_STMT_LIST), comp_dir};
        walk_unit(d, &u, root.has_children);
    }
    read_names(d, &u);
    arena_free(&abbrevs.arena);
}
