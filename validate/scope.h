/* scope.h - index spaces while a component or a component type is being validated. */
#ifndef WITC_VALIDATE_SCOPE_H
#define WITC_VALIDATE_SCOPE_H

#include "types.h"

/* Names on one side (imports or exports) of a scope. */
struct validate_names {
    struct map keys; /* canonical string -> position in `originals` */
    VEC(str) originals;
    struct map resources;            /* plain name of a type -> resource */
    struct map getters;              /* name of a getter -> type of its property */
    struct validate_numbers visible; /* tags of types that have a name on this side */
    VEC(struct validate_item) items;
    bool is_bundle; /* of an instance made of inline exports: gives no names to resources */
};

struct validate_value_use {
    validate_id type;
    bool used;
};

struct validate_scope {
    enum { SCOPE_COMPONENT, SCOPE_COMPONENT_TYPE, SCOPE_INSTANCE_TYPE, SCOPE_MODULE_TYPE } kind;
    struct validate_scope *parent;
    /* Of all lists below: that of the types where the scope is a component, whose spaces are asked for later, else gone with the scope. */
    struct arena *arena;
    u32 source;
    span at;  /* of the definition under way */
    str path; /* "component 1 `name`", empty for the outermost */
    /* Core types: canonical ids; VALIDATE_NONE for module types, which stand in core_modules. */
    VEC(u32) core_types;
    VEC(validate_id) core_module_types;
    validate_ids types, funcs, instances, components, modules;
    VEC(struct validate_value_use) values;
    validate_ids core_instances;                 /* DEF_MODULE, of its exports */
    VEC(struct wasm_externtype) core_externs[5]; /* by enum wasm_extern */
    struct validate_names imports, exports;
    validate_ids imported;     /* resources bound by imports, */
    validate_ids defined;      /* and in types, by exports */
    wasm_valtype context_type; /* of context.get and context.set */
};

struct validate_cm {
    struct validate_types *t;
    struct features features;
    struct diags *diags;
    struct arena *scratch; /* emptied after each definition of a component */
    bool told_exhausted;   /* of all that is around it, too */
};

/* Reports at the definition under way. Always false. */
bool validate_cm_bad(struct validate_cm *v, const struct validate_scope *s, const char *format, ...)
    WITC_PRINTF(3, 4);
bool validate_cm_need(struct validate_cm *v, const struct validate_scope *s, enum feature f,
                      const char *what);
/* Interns, and reports what is too large. VALIDATE_NONE then. */
validate_id validate_cm_intern(struct validate_cm *v, const struct validate_scope *s,
                               const struct validate_type *def);

/* scope_types.c */
/* What an index refers to: a core module or instance, function, type, component or instance. Reports an unknown one. */
bool validate_cm_at(struct validate_cm *v, struct validate_scope *s, enum cm_sort sort, u32 index,
                    validate_id *out);
bool validate_cm_valtype(struct validate_cm *v, struct validate_scope *s, struct cm_valtype t,
                         validate_id *out);
bool validate_cm_type(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type);
bool validate_cm_core_type(struct validate_cm *v, struct validate_scope *s,
                           const struct cm_core_type *type);
/* The type of an import or export; instance types are opened, their resources go to `fresh`. */
bool validate_cm_extern(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_externtype *e, struct validate_entity *out,
                        validate_ids *fresh);
bool validate_cm_alias_outer(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_alias *alias);
/* Exported values cannot hold borrowed handles. */
bool validate_cm_exported_value(struct validate_cm *v, const struct validate_scope *s,
                                struct validate_entity e);
/* Finds the export that an alias names. */
bool validate_cm_alias_export(struct validate_cm *v, struct validate_scope *s,
                              const struct cm_alias *alias);
/* Adds an entity to the index space of its sort. */
void validate_cm_push(struct validate_scope *s, struct validate_entity e);

/* scope_names.c */
/* Checks a name with its attributes against what it stands for, and enters it into the names of its side. */
bool validate_cm_name(struct validate_cm *v, struct validate_scope *s, struct validate_names *side,
                      const char *word, const struct cm_name *name, struct validate_entity e);
/* Names that are labels: fields, cases, parameters; must be kebab case and strongly unique. */
bool validate_cm_labels(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_label *labels, u32 n, const char *what);

/* scope_visible.c */
/* Types within an import or export must have names there. Also makes names that this one brings known. */
bool validate_cm_visible(struct validate_cm *v, struct validate_scope *s,
                         struct validate_names *side, const char *word, str name,
                         struct validate_entity e);
/* At the end of a component: resources of its own are not in imports, and in exports only if one of these is the resource. Finds what
 * those are that its exports bind. */
bool validate_cm_own_resources(struct validate_cm *v, struct validate_scope *s,
                               const struct wasm_component *c, struct arena *a,
                               validate_ids *defined);

/* canon.c */
bool validate_cm_canon(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_canon *canon);
/* The core function of an index; *out is its type, in the core store. */
bool validate_cm_core_func(struct validate_cm *v, struct validate_scope *s, u32 index,
                           const struct wasm_functype **out);

/* canon_gc.c */
/* The function type that the option `core-type` names. */
bool validate_cm_gc_core_type(struct validate_cm *v, struct validate_scope *s, u32 index, u32 *id);
/* Is `core` what a function of these parameters and result looks like under the option `gc`? */
bool validate_cm_gc_signature(struct validate_cm *v, struct validate_scope *s, bool utf16,
                              const struct validate_label *params, u32 param_count,
                              validate_id result, const struct wasm_functype *core);

/* values.c */
bool validate_cm_value(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_value *value);
bool validate_cm_start(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_start *start);
bool validate_cm_use_value(struct validate_cm *v, struct validate_scope *s, u32 index,
                           validate_id *type);

#endif
