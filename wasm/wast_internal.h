/* wast_internal.h - the parser of scripts in two files. */
#ifndef WITC_WASM_WAST_INTERNAL_H
#define WITC_WASM_WAST_INTERNAL_H

#include "text.h"
#include "wast.h"

/* Takes `(kind ...)*`. */
void wast_values(struct text_parser *p, struct wast_value **values, u32 *count);

#endif
