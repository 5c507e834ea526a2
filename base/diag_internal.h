/* diag_internal.h - the two forms of rendering. Private to base. */
#ifndef WITC_DIAG_INTERNAL_H
#define WITC_DIAG_INTERNAL_H

#include "base.h"

void diags_render_text(struct diags *d, bool color, struct buf *out);
void diags_render_json(struct diags *d, struct buf *out);

#endif
