/* wac.h - the syntax of WAC files as data. Internal to compose/. */
#ifndef WITC_COMPOSE_WAC_H
#define WITC_COMPOSE_WAC_H

#include "graph.h"

struct wac_expr;
struct wac_arg {
    enum { WAC_INFERRED, WAC_NAMED, WAC_SPREAD, WAC_FILL } kind;
    str name;
    bool exact; /* WAC_NAMED: written as a string */
    struct wac_expr *value;
    span at;
};
struct wac_expr {
    enum { WAC_IDENT, WAC_NEW, WAC_ACCESS } kind;
    str name;            /* IDENT; ACCESS: the export; NEW: the package, "ns:name" */
    str version;         /* NEW */
    struct wac_expr *of; /* ACCESS */
    VEC(struct wac_arg) args;
    span at;
};
struct wac_statement {
    enum { WAC_LET, WAC_EXPORT, WAC_IMPORT, WAC_WIT, WAC_TYPE } kind;
    str name; /* LET, IMPORT: local name; EXPORT, IMPORT: see has_as */
    bool has_as;
    str as;
    span as_at;             /* IMPORT */
    bool spread;            /* EXPORT */
    struct wac_expr *value; /* LET, EXPORT */
    span type;              /* IMPORT: what stands behind the colon; WIT, TYPE: all of it */
    span func; /* TYPE: the function type that it names, source 0 if it names another type */
    enum { WAC_TYPE_FUNC, WAC_TYPE_INTERFACE, WAC_TYPE_PATH, WAC_TYPE_IDENT } type_kind;
    span at;
};
struct wac_file {
    u32 source;
    str package; /* "ns:name@1.0.0" */
    str targets; /* empty, or the path of a world */
    span targets_at;
    VEC(struct wac_statement) statements;
    VEC(str) packages; /* "ns:name" or "ns:name@1.0.0" of all paths */
};
WITC_NODISCARD bool compose_wac_parse(struct arena *a, u32 source, struct wac_file *out,
                                      struct diags *d);

#endif
