/* run_find.h - which export the user means with --invoke. */
#ifndef WITC_RUN_FIND_H
#define WITC_RUN_FIND_H

#include "run.h"

/* An instance on the way to an export. */
struct run_scope {
    const struct run_scope *in; /* NULL: exported by the component itself */
    str name;
    u32 depth;
};
/* A function or a value that the component exports, maybe within instances. */
struct run_export {
    const struct run_scope *in; /* NULL: exported by the component itself */
    const struct canon_export *what;
};

/* Finds the export that a call names: in full (`ns:pkg/iface@1.0.0#f`, `outer.inner.f`) or by as much of the end as tells it from
 * others (`iface.f`, `f`); `.` and `#` are the same. Otherwise says what there is, and gives false. */
WITC_NODISCARD bool run_find_export(struct cli *cli, const struct canon_instance *root,
                                    const struct wave_call *call, struct run_export *out);
/* Adds notes with what the component exports. */
void run_list_exports(struct cli *cli, struct diag *d, const struct canon_instance *root);
/* `ns:pkg/iface@1.0.0#f` */
str run_export_name(struct cli *cli, const struct run_export *e);

#endif
