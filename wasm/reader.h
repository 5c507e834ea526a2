/* reader.h - what the files of the binary reader share. Internal to wasm/. */
#ifndef WITC_WASM_READER_H
#define WITC_WASM_READER_H

#include "wasm.h"

/* Limits of wasm.h. */
enum { READ_MAX_DEPTH = 100, READ_MAX_UNITS = 1000 };

/* A module or component inside another, by its number there. */
struct wasm_read_step {
    bool component;
    u32 index;
};
/* Shared by the readers of one file, however deep they nest. */
struct wasm_read_state {
    struct wasm_read_step path[READ_MAX_DEPTH + 1]; /* from the outermost to the one at hand */
    u32 units;                                      /* modules and components so far */
    u64 reported;                                   /* features whose lack was reported */
    bool refused;                                   /* something needs a feature that is off */
};

struct wasm_reader {
    struct arena *a;
    struct diags *d;
    struct features features;
    struct wasm_read_state *state;
    struct wasm_cursor c; /* the section at hand */
    const char *section;  /* ... and its name */
    u32 depth;            /* enclosing components */
    u32 type_depth;       /* enclosing component, instance and module types */
};

typedef VEC(struct wasm_type) wasm_type_vec;

/* Fails the cursor with a formatted message; `at` points into the bytes at hand. */
void wasm_rd_fail(struct wasm_reader *r, const u8 *at, const char *format, ...) WITC_PRINTF(3, 4);
/* "invalid leading byte (0x..) for WHAT", at the byte read last. */
void wasm_rd_bad_byte(struct wasm_reader *r, u8 byte, const char *what);
/* Notes that `what` stands here, which needs a feature; reading goes on. */
void wasm_rd_gate(struct wasm_reader *r, const u8 *at, enum feature feature, const char *what);
/* Turns the failure of a cursor into a diagnostic. */
void wasm_rd_report(struct wasm_reader *r, const struct wasm_cursor *c);
static inline span wasm_rd_span(const struct wasm_reader *r, const u8 *start)
{
    return (span){r->c.source, r->c.base + (u32)(start - r->c.start), wasm_cursor_offset(&r->c)};
}
bool wasm_rd_enter_unit(struct wasm_reader *r, str bytes, u32 base, u32 source, const char *what);

/* read_types.c */
wasm_valtype wasm_rd_valtype(struct wasm_reader *r);
wasm_valtype wasm_rd_reftype(struct wasm_reader *r);
void wasm_rd_subtype(struct wasm_reader *r, struct wasm_type *out);
/* A recursion group; true if it was written as one. */
bool wasm_rd_rectype(struct wasm_reader *r, wasm_type_vec *types);
struct wasm_limits wasm_rd_limits(struct wasm_reader *r, bool table);
struct wasm_tabletype wasm_rd_tabletype(struct wasm_reader *r);
struct wasm_globaltype wasm_rd_globaltype(struct wasm_reader *r);
u32 wasm_rd_tagtype(struct wasm_reader *r);
struct wasm_externtype wasm_rd_externtype(struct wasm_reader *r);
struct wasm_import wasm_rd_import(struct wasm_reader *r);

/* read_module.c, read_component.c */
struct wasm_module *wasm_rd_module(struct wasm_reader *r, u32 source, str bytes, u32 base);
struct wasm_component *wasm_rd_component(struct wasm_reader *r, u32 source, str bytes, u32 base);

/* read_component_types.c */
enum cm_sort wasm_rd_sort(struct wasm_reader *r);
enum cm_sort wasm_rd_core_sort(struct wasm_reader *r);
struct cm_valtype wasm_rd_cm_valtype(struct wasm_reader *r);
/* Binary.md resultlist; true if there is a result. */
bool wasm_rd_resultlist(struct wasm_reader *r, struct cm_valtype *out);
struct cm_name wasm_rd_cm_name(struct wasm_reader *r);
struct cm_externtype wasm_rd_cm_externtype(struct wasm_reader *r);
struct cm_alias wasm_rd_alias(struct wasm_reader *r);
void wasm_rd_cm_type(struct wasm_reader *r, struct cm_type *out);
void wasm_rd_core_type(struct wasm_reader *r, struct cm_core_type *out);

#endif
