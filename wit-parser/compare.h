/* compare.h - do two interfaces agree, and if not, where? Private to this folder. */
#ifndef WITC_WIT_COMPARE_H
#define WITC_WIT_COMPARE_H

#include "wit-parser.h"

/* Has `more` all that `less` has, and is it the same? Reports each item that is not as wrong in
 * the interface that `label` calls. Types are compared by structure, whatever the versions of packages; a resource
 * is its name. */
bool wit_compare_interfaces(struct wit_resolve *r, u32 less, u32 more, str label, const char *code);

/* Does the setter take what its getter gives (Binary.md, "Import and Export Definitions")? Reports. */
bool wit_check_setter(struct wit_resolve *r, const struct wit_func *getter,
                      const struct wit_func *setter);

#endif
