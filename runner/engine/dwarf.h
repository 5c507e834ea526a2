/* dwarf.h - what the files of the DWARF reader share. Only a trap that is about to be shown is worth reading debug information
 * for, so nothing is kept: each request walks the sections once, with all addresses at a time.
 *
 * The sections are of strangers. Every read is checked, nothing recurses, and the work is paid from a budget: a request that
 * runs out of it finds what it has found so far.
 */
#ifndef WITC_ENGINE_DWARF_H
#define WITC_ENGINE_DWARF_H

#include "engine.h"

/* ---- Reading -------------------------------------------------------------------------------------------- */

struct dwarf_cursor {
    const u8 *at, *end;
    bool failed; /* sticky: every read then gives 0 */
};

struct dwarf_cursor dwarf_cursor_of(str section, u64 from);
u64 dwarf_fixed(struct dwarf_cursor *c, u32 bytes); /* little-endian, up to 8 */
u64 dwarf_uleb(struct dwarf_cursor *c);
i64 dwarf_sleb(struct dwarf_cursor *c);
str dwarf_string(struct dwarf_cursor *c); /* up to the NUL, which is passed */
void dwarf_skip(struct dwarf_cursor *c, u64 bytes);
/* The length of a unit, and its offset size, 4 or 8; the unit as a cursor of its own, `c` moves past it. */
struct dwarf_cursor dwarf_unit_of(struct dwarf_cursor *c, u32 *offset_size);

enum dwarf_section {
    DWARF_INFO,
    DWARF_ABBREV,
    DWARF_LINE,
    DWARF_STR,
    DWARF_LINE_STR,
    DWARF_RANGES,
    DWARF_RNGLISTS,
    DWARF_ADDR,
    DWARF_STR_OFFSETS,
    DWARF_SECTIONS
};

/* An address whose place is wanted, and what was found of it. */
struct dwarf_target {
    u32 address; /* in the code section */
    u32 slot;    /* whose it is: frames in the order they were given */
    bool found;
    u64 program; /* the line program in .debug_line ... */
    u32 file, line, column;
    struct dwarf_inline *chain; /* functions inlined here, outermost first */
    u32 chain_count;
    bool chain_closed;
    u32 chain_depth; /* of the function that the chain starts at */
};
/* A function that was inlined: its name, and from where it was called. */
struct dwarf_inline {
    u64 origin; /* of its entry in .debug_info, until the name is read */
    str name;
    u32 depth;
    u32 call_file, call_line, call_column;
};

struct dwarf {
    str sections[DWARF_SECTIONS];
    struct arena *arena;          /* of the results */
    struct dwarf_target *targets; /* by address, then slot */
    u32 count;
    u64 budget;
};

/* Pays for a step; false when there is nothing left. */
static inline bool dwarf_pay(struct dwarf *d, u64 steps)
{
    d->budget = d->budget > steps ? d->budget - steps : 0;
    return d->budget != 0;
}
/* The first target at or after an address; d->count if there is none. */
u32 dwarf_first_target(const struct dwarf *d, u64 address);

/* ---- Values of attributes --------------------------------------------------------------------------------- */

enum dwarf_class { DWARF_NONE, DWARF_CONSTANT, DWARF_ADDRESS, DWARF_TEXT, DWARF_REF, DWARF_INDEX };
struct dwarf_value {
    enum dwarf_class class;
    u32 form;
    u64 u;
    str text; /* DWARF_TEXT that stands in the entry itself or in a string section */
};
struct dwarf_format {
    u32 version, offset_size, address_size;
    u64 unit; /* offset of the unit, for references within it */
    u64 str_offsets, addr_base, rnglists_base;
};
/* Reads a value of any form; an unknown form fails the cursor. */
struct dwarf_value dwarf_read_form(struct dwarf *d, struct dwarf_cursor *c,
                                   const struct dwarf_format *f, u32 form, i64 implicit);
/* The text of a value, those by index included; empty if it has none. */
str dwarf_text(struct dwarf *d, const struct dwarf_format *f, const struct dwarf_value *v);

/* ---- dwarf_line.c -------------------------------------------------------------------------------------------- */

/* Finds file, line and column of the targets. */
void dwarf_read_lines(struct dwarf *d);
/* The path of a file of a line program; empty if there is none. */
str dwarf_file_name(struct dwarf *d, u64 program, u32 file, str comp_dir);

/* ---- dwarf_info.c -------------------------------------------------------------------------------------------- */

/* A compilation unit that has a target: its line program and folder. */
struct dwarf_unit_info {
    u64 program;
    str comp_dir;
};
typedef VEC(struct dwarf_unit_info) dwarf_units;
/* Finds the inlined functions of the targets, and the units whose line programs they were found in. */
void dwarf_read_info(struct dwarf *d, dwarf_units *units);

/* ---- dwarf.c -------------------------------------------------------------------------------------------------- */

/* Places of code offsets (from the start of the code section's contents). */
struct dwarf_places {
    struct engine_place *places;
    u32 count;
};
void dwarf_find(struct arena *a, const str sections[DWARF_SECTIONS], const u32 *addresses, u32 n,
                struct dwarf_places *out);

#endif
