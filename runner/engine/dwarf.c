/* dwarf.c - from code offsets to places in the source: reading values, putting together what lines and entries say. */
#include "dwarf.h"

#include <stdlib.h>

#define BUDGET ((u64)100 << 20) /* steps, each a few bytes: about a second */

/* ---- Reading -------------------------------------------------------------------------------------------- */

struct dwarf_cursor dwarf_cursor_of(str section, u64 from)
{
    const u8 *p = (const u8 *)section.ptr;
    if (from > section.len || !p)
        return (struct dwarf_cursor){NULL, NULL, true};
    return (struct dwarf_cursor){p + from, p + section.len, false};
}

static u64 left(const struct dwarf_cursor *c)
{
    return (u64)(c->end - c->at);
}

void dwarf_skip(struct dwarf_cursor *c, u64 bytes)
{
    if (c->failed || bytes > left(c))
        c->failed = true;
    else
        c->at += bytes;
}

u64 dwarf_fixed(struct dwarf_cursor *c, u32 bytes)
{
    u64 v = 0;
    if (c->failed || bytes > 8 || bytes > left(c)) {
        c->failed = true;
        return 0;
    }
    for (u32 i = 0; i < bytes; i++)
        v |= (u64)c->at[i] << (8 * i);
    c->at += bytes;
    return v;
}

u64 dwarf_uleb(struct dwarf_cursor *c)
{
    u64 v = 0;
    for (u32 shift = 0; !c->failed; shift += 7) {
        u64 byte = dwarf_fixed(c, 1);
        if (shift < 64)
            v |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
        shift = shift > 640 ? 640 : shift;
    }
    return 0;
}

i64 dwarf_sleb(struct dwarf_cursor *c)
{
    u64 v = 0;
    for (u32 shift = 0; !c->failed; shift += 7) {
        u64 byte = dwarf_fixed(c, 1);
        if (shift < 64)
            v |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if ((byte & 0x40) && shift + 7 < 64)
                v |= UINT64_MAX << (shift + 7);
            return (i64)v;
        }
        shift = shift > 640 ? 640 : shift;
    }
    return 0;
}

str dwarf_string(struct dwarf_cursor *c)
{
    const u8 *nul = c->failed ? NULL : memchr(c->at, 0, (size_t)left(c));
    if (!nul) {
        c->failed = true;
        return STR("");
    }
    str s = str_of((const char *)c->at, (size_t)(nul - c->at));
    c->at = nul + 1;
    return s;
}

struct dwarf_cursor dwarf_unit_of(struct dwarf_cursor *c, u32 *offset_size)
{
    u64 length = dwarf_fixed(c, 4);
    *offset_size = 4;
    if (length == 0xffffffff) {
        length = dwarf_fixed(c, 8);
        *offset_size = 8;
    } else if (length >= 0xfffffff0) {
        c->failed = true;
    }
    struct dwarf_cursor unit = *c;
    dwarf_skip(c, length);
    unit.failed = c->failed;
    unit.end = c->at;
    return unit;
}

u32 dwarf_first_target(const struct dwarf *d, u64 address)
{
    u32 low = 0, high = d->count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (d->targets[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Values of attributes --------------------------------------------------------------------------------- */

enum form_kind {
    FORM_FIXED,
    FORM_ULEB,
    FORM_SLEB,
    FORM_OFFSET,
    FORM_BLOCK,
    FORM_BLOCK_ULEB,
    FORM_ADDRESS,
    FORM_STRING,
    FORM_IMPLICIT
};
struct form {
    u8 kind, size; /* of the value, or of a block's length */
    u8 class, section;
};
#define NO_SECTION DWARF_SECTIONS
/* By number, DW_FORM_addr (1) to DW_FORM_addrx4 (0x2c). */
static const struct form forms[] = {
    [0x01] = {FORM_ADDRESS, 0, DWARF_ADDRESS, NO_SECTION},
    [0x03] = {FORM_BLOCK, 2, DWARF_NONE, NO_SECTION},
    [0x04] = {FORM_BLOCK, 4, DWARF_NONE, NO_SECTION},
    [0x05] = {FORM_FIXED, 2, DWARF_CONSTANT, NO_SECTION},
    [0x06] = {FORM_FIXED, 4, DWARF_CONSTANT, NO_SECTION},
    [0x07] = {FORM_FIXED, 8, DWARF_CONSTANT, NO_SECTION},
    [0x08] = {FORM_STRING, 0, DWARF_TEXT, NO_SECTION},
    [0x09] = {FORM_BLOCK_ULEB, 0, DWARF_NONE, NO_SECTION},
    [0x0a] = {FORM_BLOCK, 1, DWARF_NONE, NO_SECTION},
    [0x0b] = {FORM_FIXED, 1, DWARF_CONSTANT, NO_SECTION},
    [0x0c] = {FORM_FIXED, 1, DWARF_CONSTANT, NO_SECTION}, /* flag */
    [0x0d] = {FORM_SLEB, 0, DWARF_CONSTANT, NO_SECTION},
    [0x0e] = {FORM_OFFSET, 0, DWARF_TEXT, DWARF_STR},
    [0x0f] = {FORM_ULEB, 0, DWARF_CONSTANT, NO_SECTION},
    [0x10] = {FORM_OFFSET, 0, DWARF_REF, NO_SECTION}, /* ref_addr: from the start of the section */
    [0x11] = {FORM_FIXED, 1, DWARF_REF, NO_SECTION},
    [0x12] = {FORM_FIXED, 2, DWARF_REF, NO_SECTION},
    [0x13] = {FORM_FIXED, 4, DWARF_REF, NO_SECTION},
    [0x14] = {FORM_FIXED, 8, DWARF_REF, NO_SECTION},
    [0x15] = {FORM_ULEB, 0, DWARF_REF, NO_SECTION},
    [0x17] = {FORM_OFFSET, 0, DWARF_CONSTANT, NO_SECTION}, /* sec_offset */
    [0x18] = {FORM_BLOCK_ULEB, 0, DWARF_NONE, NO_SECTION}, /* exprloc */
    [0x19] = {FORM_FIXED, 0, DWARF_CONSTANT, NO_SECTION},  /* flag_present */
    [0x1a] = {FORM_ULEB, 0, DWARF_INDEX, DWARF_STR},       /* strx */
    [0x1b] = {FORM_ULEB, 0, DWARF_INDEX, DWARF_ADDR},      /* addrx */
    [0x1c] = {FORM_FIXED, 4, DWARF_NONE, NO_SECTION},      /* ref_sup4 */
    [0x1d] = {FORM_OFFSET, 0, DWARF_NONE, NO_SECTION},     /* strp_sup */
    [0x1e] = {FORM_FIXED, 16, DWARF_NONE, NO_SECTION},     /* data16 */
    [0x1f] = {FORM_OFFSET, 0, DWARF_TEXT, DWARF_LINE_STR},
    [0x20] = {FORM_FIXED, 8, DWARF_NONE, NO_SECTION}, /* ref_sig8 */
    [0x21] = {FORM_IMPLICIT, 0, DWARF_CONSTANT, NO_SECTION},
    [0x22] = {FORM_ULEB, 0, DWARF_NONE, NO_SECTION},      /* loclistx */
    [0x23] = {FORM_ULEB, 0, DWARF_INDEX, DWARF_RNGLISTS}, /* rnglistx */
    [0x24] = {FORM_FIXED, 8, DWARF_NONE, NO_SECTION},     /* ref_sup8 */
    [0x25] = {FORM_FIXED, 1, DWARF_INDEX, DWARF_STR},
    [0x26] = {FORM_FIXED, 2, DWARF_INDEX, DWARF_STR},
    [0x27] = {FORM_FIXED, 3, DWARF_INDEX, DWARF_STR},
    [0x28] = {FORM_FIXED, 4, DWARF_INDEX, DWARF_STR},
    [0x29] = {FORM_FIXED, 1, DWARF_INDEX, DWARF_ADDR},
    [0x2a] = {FORM_FIXED, 2, DWARF_INDEX, DWARF_ADDR},
    [0x2b] = {FORM_FIXED, 3, DWARF_INDEX, DWARF_ADDR},
    [0x2c] = {FORM_FIXED, 4, DWARF_INDEX, DWARF_ADDR},
};
#define FORM_INDIRECT 0x16
#define FORM_REF_ADDR 0x10

static str string_at(struct dwarf *d, u32 section, u64 offset)
{
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[section], offset);
    const u8 *start = c.at, *end = c.end;
    if (c.failed || !dwarf_pay(d, 1))
        return STR("");
    str s = dwarf_string(&c);
    dwarf_pay(d, (u64)((c.failed ? end : c.at) - start) / 64); /* what was looked through */
    return s;
}

struct dwarf_value dwarf_read_form(struct dwarf *d, struct dwarf_cursor *c,
                                   const struct dwarf_format *f, u32 form, i64 implicit)
{
    if (form == FORM_INDIRECT)
        form = (u32)dwarf_uleb(c);
    struct dwarf_value v = {.form = form};
    if (form >= LENGTH_OF(forms) || form == 0 || form == 2 || form == FORM_INDIRECT) {
        c->failed = true;
        return v;
    }
    const struct form *x = &forms[form];
    u32 offset = form == FORM_REF_ADDR && f->version == 2 ? f->address_size : f->offset_size;
    switch ((enum form_kind)x->kind) {
    case FORM_FIXED:
        if (x->size > 8)
            dwarf_skip(c, x->size);
        else
            v.u = form == 0x19 ? 1 : dwarf_fixed(c, x->size);
        break;
    case FORM_ULEB: v.u = dwarf_uleb(c); break;
    case FORM_SLEB: v.u = (u64)dwarf_sleb(c); break;
    case FORM_OFFSET: v.u = dwarf_fixed(c, offset); break;
    case FORM_BLOCK: dwarf_skip(c, dwarf_fixed(c, x->size)); break;
    case FORM_BLOCK_ULEB: dwarf_skip(c, dwarf_uleb(c)); break;
    case FORM_ADDRESS: v.u = dwarf_fixed(c, f->address_size); break;
    case FORM_STRING: v.text = dwarf_string(c); break;
    case FORM_IMPLICIT: v.u = (u64)implicit; break;
    }
    v.class = (enum dwarf_class)x->class;
    if (v.class == DWARF_REF && form != FORM_REF_ADDR)
        v.u = v.u + f->unit < v.u ? UINT64_MAX : v.u + f->unit;
    if (!dwarf_pay(d, 1))
        c->failed = true;
    return v;
}

str dwarf_text(struct dwarf *d, const struct dwarf_format *f, const struct dwarf_value *v)
{
    if (v->class == DWARF_TEXT)
        return v->text.ptr ? v->text : string_at(d, forms[v->form].section, v->u);
    if (v->class != DWARF_INDEX || forms[v->form].section != DWARF_STR || v->u > UINT32_MAX)
        return STR("");
    struct dwarf_cursor c =
        dwarf_cursor_of(d->sections[DWARF_STR_OFFSETS], f->str_offsets + v->u * f->offset_size);
    u64 at = dwarf_fixed(&c, f->offset_size);
    return c.failed ? STR("") : string_at(d, DWARF_STR, at);
}

/* ---- Putting it together --------------------------------------------------------------------------------------- */

static int by_address(const void *x, const void *y)
{
    const struct dwarf_target *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static str comp_dir_of(const dwarf_units *units, u64 program)
{
    for (u32 i = 0; i < units->len; i++) {
        if (units->data[i].program == program)
            return units->data[i].comp_dir;
    }
    return STR("");
}

/* Innermost first: the place itself, then each call that was inlined around it. */
static void put_places(struct dwarf *d, const struct dwarf_target *t, const dwarf_units *units,
                       struct dwarf_places *out)
{
    u32 n = t->chain_count + 1;
    str comp_dir = comp_dir_of(units, t->program);
    struct engine_place *places = arena_array(d->arena, struct engine_place, n);
    for (u32 i = 0; i < n; i++) {
        const struct dwarf_inline *here =
            i < t->chain_count ? &t->chain[t->chain_count - 1 - i] : NULL;
        const struct dwarf_inline *within = i ? &t->chain[t->chain_count - i] : NULL;
        u32 file = within ? within->call_file : t->file;
        places[i] = (struct engine_place){
            .func = here ? (here->name.len ? here->name : STR("an inlined function")) : STR(""),
            .file = dwarf_file_name(d, t->program, file, comp_dir),
            .line = within ? within->call_line : t->line,
            .column = within ? within->call_column : t->column};
    }
    *out = (struct dwarf_places){places, n};
}

void dwarf_find(struct arena *a, const str sections[DWARF_SECTIONS], const u32 *addresses, u32 n,
                struct dwarf_places *out)
{
    struct dwarf d = {.arena = a, .count = n, .budget = BUDGET};
    dwarf_units units = {0};
    memcpy(d.sections, sections, sizeof(d.sections));
    memset(out, 0, n * sizeof(*out));
    if (!n || !d.sections[DWARF_LINE].len)
        return;
    d.targets = arena_array(a, struct dwarf_target, n);
    for (u32 i = 0; i < n; i++)
        d.targets[i] = (struct dwarf_target){.address = addresses[i], .slot = i};
    qsort(d.targets, n, sizeof(*d.targets), by_address);
    dwarf_read_lines(&d);
    dwarf_read_info(&d, &units);
    d.budget = BUDGET; /* names of files cost little, and are wanted even then */
    for (u32 i = 0; i < n; i++) {
        if (d.targets[i].found)
            put_places(&d, &d.targets[i], &units, &out[d.targets[i].slot]);
    }
}
