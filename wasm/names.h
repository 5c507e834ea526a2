/* names.h - the custom sections "name" and "component-name" in full, for the printer. Internal to wasm/. */
#ifndef WITC_WASM_NAMES_H
#define WITC_WASM_NAMES_H

#include "wasm.h"

/* Subsections of the section "name", by their id. */
enum name_space {
    NAMES_MODULE = 0,
    NAMES_FUNCS = 1,
    NAMES_LOCALS = 2, /* indirect: by function */
    NAMES_LABELS = 3, /* indirect: by function */
    NAMES_TYPES = 4,
    NAMES_TABLES = 5,
    NAMES_MEMORIES = 6,
    NAMES_GLOBALS = 7,
    NAMES_ELEMS = 8,
    NAMES_DATAS = 9,
    NAMES_FIELDS = 10, /* indirect: by type */
    NAMES_TAGS = 11,
    NAMES_PARAMS = 12,     /* indirect: by type */
    NAMES_TAG_PARAMS = 13, /* indirect: by tag */
    NAMES_COUNT
};
struct name_entry {
    u32 outer; /* function or type, for indirect maps */
    u32 index;
    u32 map; /* ordinal of the map that it stands in: a subsection, or a part of an indirect one */
    str name;
};
struct name_map {
    VEC(struct name_entry) entries;
    u32 maps;
};
static inline bool name_space_is_indirect(enum name_space s)
{
    return s == NAMES_LOCALS || s == NAMES_LABELS || s == NAMES_FIELDS || s == NAMES_PARAMS ||
           s == NAMES_TAG_PARAMS;
}
struct module_names {
    bool has_module;
    str module;
    struct name_map maps[NAMES_COUNT];
};
struct component_names {
    bool has_name;
    str name;
    struct name_map maps[SORT_COUNT];
};
/* Read as far as the section is well-formed. */
void wasm_names_of_module(struct arena *a, str section, u32 base, struct module_names *out);
void wasm_names_of_component(struct arena *a, str section, u32 base, struct component_names *out);

#endif
