/* metadata.h - what the parts of `witc metadata` share. */
#ifndef WITC_CMD_METADATA_H
#define WITC_CMD_METADATA_H

#include "cmd.h"

/* Custom sections that hold one text each: options of `add` have their names. */
#define METADATA_TEXTS 7
extern const char *const metadata_texts[METADATA_TEXTS];

/* Gives the exit code. */
int metadata_add(struct cli *cli, const struct wasm_binary *binary);

#endif
