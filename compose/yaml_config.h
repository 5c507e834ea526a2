/* yaml_config.h - a composition file as it was read. Internal to compose/. */
#ifndef WITC_COMPOSE_YAML_CONFIG_H
#define WITC_COMPOSE_YAML_CONFIG_H

#include "graph.h"

struct yaml_argument {
    str import;
    str instance;
    str export; /* ptr NULL: the instance itself, or whichever export fits */
    span at;
};
struct yaml_instantiation {
    str name;
    str dependency; /* ptr NULL: as the instance is called */
    VEC(struct yaml_argument) arguments;
    span at;
};
struct yaml_dependency {
    str name, path;
    span at;
};
struct yaml_path {
    str path;
    span at;
};
struct yaml_config {
    str directory; /* that paths are relative to */
    VEC(struct yaml_path) definitions;
    VEC(struct yaml_path) search_paths;
    bool skip_validation, import_components, disallow_imports;
    VEC(struct yaml_dependency) dependencies;
    VEC(struct yaml_instantiation) instantiations;
};

/* Reads the text of a source of d->sources. */
WITC_NODISCARD bool compose_yaml_read(struct arena *a, u32 source, struct yaml_config *out,
                                      struct diags *d);

#endif
