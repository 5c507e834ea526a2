/* run_results.h - what a call of a component gave, on standard output. */
#ifndef WITC_RUN_RESULTS_H
#define WITC_RUN_RESULTS_H

#include "run.h"

/* Prints a result of type `type` (NULL: none), and reads its streams and futures to their ends. False after a trap. */
WITC_NODISCARD bool run_print_result(struct cli *cli, struct canon_store *store,
                                     const struct canon_value *v, const struct canon_type *type);
/* The errno of the first line that could not be written, or 0. */
int run_results_error(void);

#endif
