/* writer.h - what the files of the binary writer share. Internal to wasm/. */
#ifndef WITC_WASM_WRITER_H
#define WITC_WASM_WRITER_H

#include "wasm.h"

void wasm_wr_subtype(struct buf *out, const struct wasm_type *t);
/* A recursion group of n types; one type alone is written without a group unless `group`. */
void wasm_wr_rectype(struct buf *out, const struct wasm_type *types, u32 n, bool group);
void wasm_wr_limits(struct buf *out, const struct wasm_limits *l);
void wasm_wr_externtype(struct buf *out, const struct wasm_externtype *t);
void wasm_wr_import(struct buf *out, const struct wasm_import *i);
/* The index that the option has at its place in `order`. */
u32 wasm_option_index(const struct cm_canon_opts *o, u32 i);

/* How many imports from `first` on stand in one entry of the section. */
u32 wasm_import_group(const struct wasm_module *m, u32 first);

#endif
