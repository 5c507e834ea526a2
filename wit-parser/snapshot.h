/* snapshot.h - units as bytes, so that the built-in packages need no parsing. Private to this folder. */
#ifndef WITC_WIT_SNAPSHOT_H
#define WITC_WIT_SNAPSHOT_H

#include "unit.h"

/* Writes units (that have been through wit_resolve_unit) as one blob. */
void wit_snapshot_write(struct buf *out, struct wit_unit *const *units, u32 n);
/* Fills `u` (arenas set) with the unit of that package out of a blob; false if it is not in it. */
bool wit_snapshot_read(str blob, const struct wit_package_name *name, struct wit_unit *u);
/* The packages in a blob. */
u32 wit_snapshot_list(struct arena *a, str blob, struct wit_package_name **names);
/* Resolves the packages in the directories `paths` and writes them. For the tool that makes the built-in blob. */
WITC_NODISCARD bool wit_snapshot_directories(struct wit_resolve *r, const char *const *paths, u32 n,
                                             struct buf *out);

/* The built-in unit that serves `name`: the same version, or a later one on the same track, cut down to what
 * was there in that version. NULL if none. */
struct wit_unit *wit_builtin_unit(struct wit_resolve *r, struct arena *scratch,
                                  const struct wit_package_name *name);
/* The nearest built-in package of that name, for a hint. */
bool wit_builtin_near(struct arena *a, const struct wit_package_name *name,
                      struct wit_package_name *out);

#endif
