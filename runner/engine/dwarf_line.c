/* dwarf_line.c - line programs (.debug_line, DWARF 2 to 5): which file, line and column an address comes from. */
#include "dwarf.h"

#define FILE_PATH_LIMIT 4096

struct header {
    struct dwarf_format format;
    struct dwarf_cursor tables;  /* directories and files */
    struct dwarf_cursor program; /* opcodes */
    i32 line_base;
    u32 line_range, opcode_base, min_length;
    u8 lengths[256]; /* operands of the standard opcodes */
};

/* The header of the program whose unit starts at the cursor, which moves past the unit. */
static bool read_header(struct dwarf_cursor *c, struct header *h)
{
    memset(h, 0, sizeof(*h));
    h->format.address_size = 4;
    struct dwarf_cursor u = dwarf_unit_of(c, &h->format.offset_size);
    h->format.version = (u32)dwarf_fixed(&u, 2);
    if (u.failed || h->format.version < 2 || h->format.version > 5)
        return false;
    if (h->format.version == 5) {
        h->format.address_size = (u32)dwarf_fixed(&u, 1);
        dwarf_fixed(&u, 1); /* segment selectors */
    }
    u64 length = dwarf_fixed(&u, h->format.offset_size);
    h->program = u;
    dwarf_skip(&h->program, length);
    h->min_length = (u32)dwarf_fixed(&u, 1);
    if (h->format.version >= 4)
        dwarf_fixed(&u, 1); /* operations of an instruction */
    dwarf_fixed(&u, 1);     /* is_stmt */
    h->line_base = (i8)dwarf_fixed(&u, 1);
    h->line_range = (u32)dwarf_fixed(&u, 1);
    h->opcode_base = (u32)dwarf_fixed(&u, 1);
    for (u32 i = 1; i < h->opcode_base; i++)
        h->lengths[i] = (u8)dwarf_fixed(&u, 1);
    h->tables = u;
    h->tables.end = h->program.failed ? u.at : h->program.at;
    return !u.failed && !h->program.failed && h->line_range && h->opcode_base &&
           h->tables.at <= h->tables.end;
}

/* ---- Running a program ------------------------------------------------------------------------------------------ */

struct row {
    u64 address;
    u32 file, line, column;
};
struct machine {
    struct dwarf *d;
    u64 offset; /* of the program */
    struct row now, last;
    bool has_last, dead; /* dead: the linker dropped this function */
};

static void start_sequence(struct machine *m)
{
    m->now = (struct row){.file = 1, .line = 1};
    m->has_last = m->dead = false;
}

/* A new row ends the one before it. */
static void emit(struct machine *m)
{
    struct dwarf *d = m->d;
    if (m->has_last && !m->dead && m->last.address < m->now.address &&
        m->last.address <= d->targets[d->count - 1].address &&
        m->now.address > d->targets[0].address) {
        for (u32 i = dwarf_first_target(d, m->last.address);
             i < d->count && d->targets[i].address < m->now.address; i++) {
            struct dwarf_target *t = &d->targets[i];
            if (!t->found) {
                t->found = true;
                t->program = m->offset;
                t->file = m->last.file;
                t->line = m->last.line;
                t->column = m->last.column;
            }
        }
    }
    m->last = m->now;
    m->has_last = true;
}

static void advance(struct machine *m, const struct header *h, u64 by)
{
    m->now.address = (m->now.address + by * h->min_length) & UINT32_MAX;
}

static void extended(struct machine *m, struct dwarf_cursor *c)
{
    u64 length = dwarf_uleb(c);
    struct dwarf_cursor x = *c;
    dwarf_skip(c, length);
    if (c->failed || length == 0)
        return;
    x.end = c->at;
    switch (dwarf_fixed(&x, 1)) {
    case 1: /* end_sequence */
        emit(m);
        start_sequence(m);
        break;
    case 2: /* set_address */
        m->now.address = dwarf_fixed(&x, length - 1 < 8 ? (u32)length - 1 : 8);
        /* No code is at 0; and -1 and beyond stand for what the linker dropped. */
        m->dead = m->now.address == 0 || m->now.address >= UINT32_MAX - 1;
        break;
    default: break; /* define_file, set_discriminator, those of vendors */
    }
}

static void standard(struct machine *m, const struct header *h, struct dwarf_cursor *c, u32 opcode)
{
    switch (opcode) {
    case 1: emit(m); break;
    case 2: advance(m, h, dwarf_uleb(c)); break;
    case 3: m->now.line += (u32)dwarf_sleb(c); break;
    case 4: m->now.file = (u32)dwarf_uleb(c); break;
    case 5: m->now.column = (u32)dwarf_uleb(c); break;
    case 6:
    case 7:
    case 10:
    case 11: break; /* statements, basic blocks, prologues, epilogues */
    case 8: advance(m, h, (255 - h->opcode_base) / h->line_range); break;
    case 9: m->now.address = (m->now.address + dwarf_fixed(c, 2)) & UINT32_MAX; break;
    case 12: dwarf_uleb(c); break;
    default:
        for (u32 i = 0; i < h->lengths[opcode]; i++)
            dwarf_uleb(c);
        break;
    }
}

static void run_program(struct dwarf *d, const struct header *h, u64 offset)
{
    struct dwarf_cursor c = h->program;
    struct machine m = {.d = d, .offset = offset};
    start_sequence(&m);
    while (c.at < c.end && !c.failed && dwarf_pay(d, 1)) {
        u32 opcode = (u32)dwarf_fixed(&c, 1);
        if (opcode >= h->opcode_base) {
            u32 special = opcode - h->opcode_base;
            advance(&m, h, special / h->line_range);
            m.now.line += (u32)(h->line_base + (i32)(special % h->line_range));
            emit(&m);
        } else if (opcode == 0) {
            extended(&m, &c);
        } else {
            standard(&m, h, &c, opcode);
        }
    }
}

void dwarf_read_lines(struct dwarf *d)
{
    str section = d->sections[DWARF_LINE];
    struct dwarf_cursor c = dwarf_cursor_of(section, 0);
    while (!c.failed && c.at < c.end && dwarf_pay(d, 16)) {
        u64 offset = (u64)(c.at - (const u8 *)section.ptr);
        struct header h;
        if (read_header(&c, &h))
            run_program(d, &h, offset);
    }
}

/* ---- Names of files ------------------------------------------------------------------------------------------------ */

struct entry {
    str path;
    u64 directory;
};

enum { CONTENT_PATH = 1, CONTENT_DIRECTORY = 2 };
#define FORMATS_MAX 32

/* DWARF 5: a table of entries of the format before it. Gives entry `wanted`, and moves past the table. */
static bool find_entry(struct dwarf *d, struct dwarf_cursor *c, const struct dwarf_format *f,
                       u64 wanted, struct entry *out)
{
    u32 kinds[FORMATS_MAX], forms[FORMATS_MAX];
    u32 n = (u32)dwarf_fixed(c, 1);
    if (n > FORMATS_MAX)
        c->failed = true;
    for (u32 i = 0; i < n && !c->failed; i++) {
        kinds[i] = (u32)dwarf_uleb(c);
        forms[i] = (u32)dwarf_uleb(c);
    }
    u64 count = dwarf_uleb(c);
    bool found = false;
    if (count > (u64)(c->end - c->at))
        c->failed = true; /* an entry has at least a byte */
    for (u64 k = 0; k < count && !c->failed; k++) {
        for (u32 i = 0; i < n; i++) {
            struct dwarf_value v = dwarf_read_form(d, c, f, forms[i], 0);
            if (k != wanted)
                continue;
            if (kinds[i] == CONTENT_PATH)
                out->path = dwarf_text(d, f, &v);
            else if (kinds[i] == CONTENT_DIRECTORY)
                out->directory = v.u;
        }
        found |= k == wanted;
    }
    return found && !c->failed;
}

/* DWARF 2 to 4: names with an empty one at the end. Numbers are from 1. */
static str find_directory(struct dwarf *d, struct dwarf_cursor *c, u64 wanted)
{
    str found = STR("");
    for (u64 k = 1; !c->failed && dwarf_pay(d, 1); k++) {
        str s = dwarf_string(c);
        if (s.len == 0)
            break;
        if (k == wanted)
            found = s;
    }
    return found;
}

static bool find_file(struct dwarf *d, struct dwarf_cursor *c, u64 wanted, struct entry *out)
{
    for (u64 k = 1; !c->failed && dwarf_pay(d, 1); k++) {
        str s = dwarf_string(c);
        u64 directory = s.len ? dwarf_uleb(c) : 0;
        if (s.len == 0)
            return false;
        dwarf_uleb(c); /* time */
        dwarf_uleb(c); /* length */
        if (k == wanted) {
            *out = (struct entry){s, directory};
            return !c->failed;
        }
    }
    return false;
}

static str join(struct dwarf *d, str directory, str name)
{
    if (directory.len > FILE_PATH_LIMIT || name.len > FILE_PATH_LIMIT)
        return STR("");
    while (str_starts(name, STR("./")))
        name = str_sub(name, 2, name.len);
    return str_eq_c(directory, ".") ? name : path_join(d->arena, directory, name);
}

str dwarf_file_name(struct dwarf *d, u64 program, u32 file, str comp_dir)
{
    struct dwarf_cursor c = dwarf_cursor_of(d->sections[DWARF_LINE], program);
    struct header h;
    struct entry e = {STR(""), 0}, directory = {STR(""), 0};
    if (c.failed || !read_header(&c, &h))
        return STR("");
    struct dwarf_cursor tables = h.tables;
    if (h.format.version == 5) {
        struct dwarf_cursor files = tables;
        find_entry(d, &files, &h.format, UINT64_MAX, &directory);
        if (!find_entry(d, &files, &h.format, file, &e))
            return STR("");
        if (e.directory)
            find_entry(d, &tables, &h.format, e.directory, &directory);
        struct dwarf_cursor first = h.tables;
        struct entry zero = {STR(""), 0};
        if (find_entry(d, &first, &h.format, 0, &zero) && zero.path.len)
            comp_dir = zero.path;
    } else {
        struct dwarf_cursor files = tables;
        find_directory(d, &files, 0);
        if (!find_file(d, &files, file, &e))
            return STR("");
        directory.path = find_directory(d, &tables, e.directory);
    }
    str name = join(d, directory.path, e.path);
    return str_starts(name, STR("/")) ? name : join(d, comp_dir, name);
}
