/* scope_types.c - definitions of types in a scope: value types, functions, instance, component and core module
 * types; aliases. */
#include "scope.h"

#define MAX_VALUE_BYTES ((u64)1 << 28)

/* ---- Index spaces --------------------------------------------------------------------------------- */

static bool out_of_bounds(struct validate_cm *v, struct validate_scope *s, const char *what,
                          u32 index)
{
    return validate_cm_bad(v, s, "unknown %s %u: %s index out of bounds", what, index, what);
}

/* Those spaces that hold nothing but types. */
static validate_ids *space_of(struct validate_scope *s, enum cm_sort sort, const char **name)
{
    switch (sort) {
    case SORT_CORE_MODULE: *name = "module"; return &s->modules;
    case SORT_CORE_INSTANCE: *name = "core instance"; return &s->core_instances;
    case SORT_FUNC: *name = "function"; return &s->funcs;
    case SORT_TYPE: *name = "type"; return &s->types;
    case SORT_COMPONENT: *name = "component"; return &s->components;
    case SORT_INSTANCE: *name = "instance"; return &s->instances;
    default: return NULL;
    }
}

bool validate_cm_at(struct validate_cm *v, struct validate_scope *s, enum cm_sort sort, u32 index,
                    validate_id *out)
{
    const char *name;
    const validate_ids *space = space_of(s, sort, &name);
    if (index >= space->len)
        return out_of_bounds(v, s, name, index);
    *out = space->data[index];
    return true;
}

void validate_cm_push(struct validate_scope *s, struct validate_entity e)
{
    const char *name;
    validate_ids *space = space_of(s, e.sort, &name);
    if (space)
        *vec_push(s->arena, space) = e.type;
    else if (e.sort == SORT_VALUE)
        *vec_push(s->arena, &s->values) = (struct validate_value_use){e.type, false};
}

/* ---- Value types --------------------------------------------------------------------------------- */

bool validate_cm_valtype(struct validate_cm *v, struct validate_scope *s, struct cm_valtype t,
                         validate_id *out)
{
    if (!t.is_index) {
        if (t.prim == PRIM_ERROR_CONTEXT &&
            !validate_cm_need(v, s, FEATURE_CM_ERROR_CONTEXT, "error contexts"))
            return false;
        *out = validate_prim(v->t, (enum cm_prim)t.prim);
        return true;
    }
    return validate_cm_at(v, s, SORT_TYPE, t.index, out) &&
           (validate_is_value(validate_at(v->t, *out)) ||
            validate_cm_bad(v, s, "type index %u is not a defined type (a value type)", t.index));
}

static bool optional_valtype(struct validate_cm *v, struct validate_scope *s, bool has,
                             struct cm_valtype t, validate_id *out)
{
    *out = VALIDATE_NONE;
    return !has || validate_cm_valtype(v, s, t, out);
}

static bool resolve_labels(struct validate_cm *v, struct validate_scope *s,
                           const struct cm_label *labels, u32 n, bool typed,
                           struct validate_type *def)
{
    struct validate_label *out = arena_array(v->scratch, struct validate_label, n);
    for (u32 i = 0; i < n; i++) {
        out[i].name = labels[i].name;
        if (!optional_valtype(v, s, typed || labels[i].has_type, labels[i].type, &out[i].type))
            return false;
    }
    def->labels = out;
    def->label_count = n;
    return true;
}

static bool labels_of(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type,
                      struct validate_type *def)
{
    const char *what = type->kind == DEF_RECORD  ? "record field"
                       : type->kind == DEF_FLAGS ? "flag"
                       : type->kind == DEF_ENUM  ? "enum tag"
                                                 : "variant case";
    if (type->label_count == 0)
        return validate_cm_bad(v, s, "%s type must have at least one %s",
                               type->kind == DEF_RECORD    ? "record"
                               : type->kind == DEF_TUPLE   ? "tuple"
                               : type->kind == DEF_FLAGS   ? "flags"
                               : type->kind == DEF_VARIANT ? "variant"
                                                           : "enum",
                               type->kind == DEF_TUPLE ? "type" : what);
    if (type->kind == DEF_FLAGS && type->label_count > 32)
        return validate_cm_bad(v, s, "cannot have more than 32 flags");
    if (type->kind != DEF_TUPLE && !validate_cm_labels(v, s, type->labels, type->label_count, what))
        return false;
    bool typed = type->kind == DEF_RECORD || type->kind == DEF_TUPLE;
    return resolve_labels(v, s, type->labels, type->label_count, typed, def);
}

static bool handle_of(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type,
                      struct validate_type *def)
{
    validate_id id = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_TYPE, type->resource, &id))
        return false;
    const struct validate_type *r = validate_at(v->t, id);
    if (r->kind != DEF_RESOURCE)
        return validate_cm_bad(v, s, "type index %u is not a resource type: it is " STRF,
                               type->resource,
                               STRA(validate_type_text(v->t->arena, v->t, id, 100)));
    def->resource = r->resource;
    def->tag = r->tag;
    return true;
}

static bool map_of(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type,
                   struct validate_type *def)
{
    if (!validate_cm_need(v, s, FEATURE_CM_MAP, "maps") ||
        !validate_cm_valtype(v, s, type->element, &def->element) ||
        !validate_cm_valtype(v, s, type->second, &def->second))
        return false;
    const struct validate_type *key = validate_at(v->t, def->element);
    if (key->kind != DEF_PRIM || key->prim == PRIM_F32 || key->prim == PRIM_F64 ||
        key->prim == PRIM_ERROR_CONTEXT)
        return validate_cm_bad(v, s,
                               "invalid map key type: keys are bool, integers, char or "
                               "string");
    if (validate_at(v->t, def->second)->has_handle)
        return validate_cm_bad(v, s, "invalid map value type: values cannot contain handles");
    return true;
}

/* stream and future. */
static bool channel_of(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type,
                       struct validate_type *def)
{
    const char *what = type->kind == DEF_STREAM ? "stream" : "future";
    if (!validate_cm_need(v, s, FEATURE_CM_ASYNC, "streams and futures") ||
        !optional_valtype(v, s, type->has_element, type->element, &def->element))
        return false;
    if (def->element == VALIDATE_NONE)
        return true;
    const struct validate_type *element = validate_at(v->t, def->element);
    if (element->has_borrow)
        return validate_cm_bad(v, s, "a %s payload cannot contain a `borrow` type", what);
    if (type->kind == DEF_STREAM && element->kind == DEF_PRIM && element->prim == PRIM_CHAR)
        return validate_cm_bad(v, s, "`stream<char>` is not valid at this time");
    return true;
}

static bool value_type(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type,
                       struct validate_type *def)
{
    switch (type->kind) {
    case DEF_RECORD:
    case DEF_VARIANT:
    case DEF_TUPLE:
    case DEF_FLAGS:
    case DEF_ENUM: return labels_of(v, s, type, def);
    case DEF_FIXED_LIST:
        def->length = type->length;
        if (!validate_cm_need(v, s, FEATURE_CM_FIXED_LISTS, "lists of fixed length"))
            return false;
        if (type->length == 0)
            return validate_cm_bad(v, s, "Fixed-length lists must have more than zero elements");
        return validate_cm_valtype(v, s, type->element, &def->element);
    case DEF_LIST:
    case DEF_OPTION: return validate_cm_valtype(v, s, type->element, &def->element);
    case DEF_RESULT:
        return optional_valtype(v, s, type->has_element, type->element, &def->element) &&
               optional_valtype(v, s, type->has_second, type->second, &def->second);
    case DEF_MAP: return map_of(v, s, type, def);
    case DEF_OWN:
    case DEF_BORROW: return handle_of(v, s, type, def);
    default: return channel_of(v, s, type, def);
    }
}

/* ---- Functions and resources ------------------------------------------------------------------------ */

static bool func_type(struct validate_cm *v, struct validate_scope *s, const struct cm_functype *f,
                      struct validate_type *def)
{
    def->is_async = f->is_async;
    if (f->is_async && !validate_cm_need(v, s, FEATURE_CM_ASYNC, "async functions"))
        return false;
    if (!validate_cm_labels(v, s, f->params, f->param_count, "function parameter") ||
        !resolve_labels(v, s, f->params, f->param_count, true, def) ||
        !optional_valtype(v, s, f->has_result, f->result, &def->element))
        return false;
    if (def->element != VALIDATE_NONE && validate_at(v->t, def->element)->has_borrow)
        return validate_cm_bad(v, s, "function result cannot contain a `borrow` type");
    return true;
}

static bool resource_type(struct validate_cm *v, struct validate_scope *s,
                          const struct cm_type *type)
{
    if (s->kind != SCOPE_COMPONENT)
        return validate_cm_bad(v, s, "resources can only be defined within a concrete component");
    if (type->rep != WASM_I32 &&
        (type->rep != WASM_I64 || !features_has(v->features, FEATURE_CM64)))
        return validate_cm_bad(v, s, "resources can only be represented by `i32`%s",
                               type->rep == WASM_I64 ? " unless the feature `cm64` is on" : "");
    if (type->has_dtor) {
        const struct wasm_functype *dtor;
        if (!validate_cm_core_func(v, s, type->dtor, &dtor))
            return false;
        if (dtor->param_count != 1 || dtor->params[0] != type->rep || dtor->result_count != 0)
            return validate_cm_bad(v, s,
                                   "core function %u has a wrong signature for a destructor: it "
                                   "must have type [" STRF "] -> []",
                                   type->dtor, STRA(validate_valtype_text(v->t->arena, type->rep)));
    }
    u32 resource = validate_new_resource(v->t, type->rep, s);
    *vec_push(s->arena, &s->types) = validate_resource_type(v->t, resource, ++v->t->tags);
    return true;
}

/* ---- Instance and component types ------------------------------------------------------------------------ */

static bool import_or_export_decl(struct validate_cm *v, struct validate_scope *s,
                                  const struct cm_decl *decl)
{
    bool import = decl->kind == DECL_IMPORT;
    struct validate_names *side = import ? &s->imports : &s->exports;
    const char *word = import ? "import" : "export";
    struct validate_entity e;
    if (!validate_cm_extern(v, s, &decl->extern_type, &e, import ? &s->imported : &s->defined) ||
        (!import && !validate_cm_exported_value(v, s, e)) ||
        !validate_cm_name(v, s, side, word, &decl->name, e) ||
        !validate_cm_visible(v, s, side, word, decl->name.name, e))
        return false;
    validate_cm_push(s, e);
    return true;
}

static bool type_decl(struct validate_cm *v, struct validate_scope *s, const struct cm_decl *decl)
{
    switch (decl->kind) {
    case DECL_CORE_TYPE: return validate_cm_core_type(v, s, decl->core_type);
    case DECL_TYPE: return validate_cm_type(v, s, decl->type);
    case DECL_ALIAS: {
        enum cm_sort sort = decl->alias->sort;
        if (decl->alias->kind == ALIAS_OUTER)
            return sort == SORT_CORE_TYPE || sort == SORT_TYPE
                       ? validate_cm_alias_outer(v, s, decl->alias)
                       : validate_cm_bad(v, s,
                                         "only (core) types can be aliased from outside a "
                                         "component or instance type");
        if (decl->alias->kind == ALIAS_CORE_EXPORT || (sort != SORT_TYPE && sort != SORT_INSTANCE))
            return validate_cm_bad(v, s,
                                   "only types and instances can be aliased within a "
                                   "component or instance type");
        return validate_cm_alias_export(v, s, decl->alias);
    }
    case DECL_IMPORT:
        if (s->kind != SCOPE_COMPONENT_TYPE)
            return validate_cm_bad(v, s, "an instance type has no imports");
        return import_or_export_decl(v, s, decl);
    case DECL_EXPORT: return import_or_export_decl(v, s, decl);
    }
    return false;
}

/* Scopes of types go when the type is made. */
#define SCOPE_FIRST 1024

static bool scope_type(struct validate_cm *v, struct validate_scope *parent,
                       const struct cm_type *type, validate_id *out)
{
    struct arena_temp scratch;
    struct validate_scope s = {.kind = type->kind == DEF_COMPONENT ? SCOPE_COMPONENT_TYPE
                                                                   : SCOPE_INSTANCE_TYPE,
                               .parent = parent,
                               .arena = &scratch.arena,
                               .source = parent->source,
                               .path = parent->path};
    bool fine = true;
    arena_temp_begin(&scratch);
    scratch.arena.first = SCOPE_FIRST;
    for (u32 i = 0; fine && i < type->decl_count; i++) {
        s.at = type->decls[i].at.source ? type->decls[i].at : type->at;
        fine = type_decl(v, &s, &type->decls[i]);
    }
    if (fine) {
        struct validate_type def = validate_empty(type->kind);
        def.imports = s.imports.items.data;
        def.import_count = s.imports.items.len;
        def.exports = s.exports.items.data;
        def.export_count = s.exports.items.len;
        def.imported = s.imported.data;
        def.imported_count = s.imported.len;
        def.defined = s.defined.data;
        def.defined_count = s.defined.len;
        *out = validate_cm_intern(v, parent, &def);
        fine = *out != VALIDATE_NONE;
    }
    arena_temp_end(&scratch);
    return fine;
}

bool validate_cm_type(struct validate_cm *v, struct validate_scope *s, const struct cm_type *type)
{
    struct validate_type def = validate_empty(type->kind);
    validate_id id = VALIDATE_NONE;
    switch (type->kind) {
    case DEF_RESOURCE: return resource_type(v, s, type);
    case DEF_PRIM:
        if (!validate_cm_valtype(v, s, (struct cm_valtype){.prim = type->prim}, &id))
            return false;
        break;
    case DEF_FUNC:
        if (!func_type(v, s, &type->func, &def))
            return false;
        id = validate_cm_intern(v, s, &def);
        break;
    case DEF_COMPONENT:
    case DEF_INSTANCE:
        if (!scope_type(v, s, type, &id))
            return false;
        break;
    default:
        if (!value_type(v, s, type, &def))
            return false;
        id = validate_cm_intern(v, s, &def);
        if (id != VALIDATE_NONE && validate_at(v->t, id)->elem64 >= MAX_VALUE_BYTES)
            return validate_cm_bad(v, s,
                                   "value type's maximum in-memory size exceeds maximum "
                                   "byte size of 2^28");
    }
    if (id == VALIDATE_NONE)
        return false;
    if (validate_needs_name(validate_at(v->t, id)))
        id = validate_with_tag(v->t, id, ++v->t->tags);
    *vec_push(s->arena, &s->types) = id;
    return true;
}

/* ---- Core types ------------------------------------------------------------------------------------------- */

static struct validate_type_scope core_scope(struct validate_cm *v, struct validate_scope *s)
{
    return (struct validate_type_scope){.store = v->t->store,
                                        .ids = s->core_types.data,
                                        .count = s->core_types.len,
                                        .features = v->features,
                                        .diags = v->diags};
}

/* Spans of what stands within a core type may be unset: then they are those of the definition. */
static bool rec_group(struct validate_cm *v, struct validate_scope *s,
                      const struct cm_core_type *type)
{
    vec_reserve(s->arena, &s->core_types, type->type_count);
    vec_reserve(s->arena, &s->core_module_types, type->type_count);
    struct validate_type_scope scope = core_scope(v, s);
    if (!validate_rec_group(&scope, type->types, type->type_count))
        return false;
    for (u32 i = 0; i < type->type_count; i++) {
        s->core_types.len++;
        s->core_module_types.data[s->core_module_types.len++] = VALIDATE_NONE;
    }
    return true;
}

static void push_core_type(struct validate_scope *s, u32 id, validate_id module)
{
    *vec_push(s->arena, &s->core_types) = id;
    *vec_push(s->arena, &s->core_module_types) = module;
}

/* What a module type consists of, so far. */
struct module_parts {
    VEC(struct wasm_import) imports;
    VEC(struct validate_core_export) exports;
    struct map import_names, export_names;
};

static bool module_import(struct validate_cm *v, struct validate_scope *s,
                          const struct cm_module_decl *decl, struct module_parts *parts)
{
    struct validate_type_scope scope = core_scope(v, s);
    struct wasm_import import = decl->import;
    if (!validate_check_externtype(&scope, &import.type, s->at))
        return false;
    import.type = validate_canonicalize_extern(s->core_types.data, &import.type);
    import.at = (span){0, 0, 0};
    if (map_add(s->arena, &parts->import_names, validate_import_key(s->arena, &import), 0) !=
        MAP_NONE)
        return validate_cm_bad(v, s, "duplicate import name `" STRF ":" STRF "` in a module type",
                               STRA(import.module), STRA(import.name));
    *vec_push(s->arena, &parts->imports) = import;
    return true;
}

static bool module_export(struct validate_cm *v, struct validate_scope *s,
                          const struct cm_module_decl *decl, struct module_parts *parts)
{
    struct validate_type_scope scope = core_scope(v, s);
    if (!validate_check_externtype(&scope, &decl->extern_type, s->at))
        return false;
    if (map_add(s->arena, &parts->export_names, decl->name, 0) != MAP_NONE)
        return validate_cm_bad(v, s, "duplicate export name `" STRF "` in a module type",
                               STRA(decl->name));
    *vec_push(s->arena, &parts->exports) = (struct validate_core_export){
        decl->name, validate_canonicalize_extern(s->core_types.data, &decl->extern_type)};
    return true;
}

static bool module_decl(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_module_decl *decl, struct module_parts *parts)
{
    struct cm_alias alias = {.kind = ALIAS_OUTER,
                             .sort = SORT_CORE_TYPE,
                             .outer_count = decl->outer_count,
                             .index = decl->outer_index};
    switch (decl->kind) {
    case MODULE_DECL_TYPE:
        return decl->type->is_module
                   ? validate_cm_bad(v, s, "a module type cannot define a module type")
                   : rec_group(v, s, decl->type);
    case MODULE_DECL_ALIAS:
        return validate_cm_alias_outer(v, s, &alias) &&
               (*vec_last(&s->core_types) != VALIDATE_NONE ||
                validate_cm_bad(v, s, "a module type cannot alias a module type"));
    case MODULE_DECL_IMPORT: return module_import(v, s, decl, parts);
    case MODULE_DECL_EXPORT: return module_export(v, s, decl, parts);
    }
    return false;
}

static bool module_type(struct validate_cm *v, struct validate_scope *parent,
                        const struct cm_core_type *type, validate_id *out)
{
    struct arena_temp scratch;
    struct validate_scope s = {.kind = SCOPE_MODULE_TYPE,
                               .parent = parent,
                               .arena = &scratch.arena,
                               .source = parent->source,
                               .at = parent->at,
                               .path = parent->path};
    struct module_parts parts = {0};
    bool fine = true;
    arena_temp_begin(&scratch);
    scratch.arena.first = SCOPE_FIRST;
    for (u32 i = 0; fine && i < type->decl_count; i++)
        fine = module_decl(v, &s, &type->decls[i], &parts);
    if (fine) {
        struct validate_type def = validate_empty(DEF_MODULE);
        def.core_imports = parts.imports.data;
        def.core_import_count = parts.imports.len;
        def.core_exports = parts.exports.data;
        def.core_export_count = parts.exports.len;
        *out = validate_cm_intern(v, parent, &def);
        fine = *out != VALIDATE_NONE;
    }
    arena_temp_end(&scratch);
    return fine;
}

bool validate_cm_core_type(struct validate_cm *v, struct validate_scope *s,
                           const struct cm_core_type *type)
{
    if (!type->is_module)
        return rec_group(v, s, type);
    validate_id module;
    if (!module_type(v, s, type, &module))
        return false;
    push_core_type(s, VALIDATE_NONE, module);
    return true;
}

/* ---- Aliases ------------------------------------------------------------------------------------------------ */

static bool has_free_resources(struct validate_cm *v, validate_id id)
{
    u32 closed = validate_numbers_get(&v->t->closed, id);
    if (closed != VALIDATE_NONE)
        return !closed;
    struct arena_temp scratch;
    struct validate_numbers seen = {0}, found = {0};
    validate_ids out = {0};
    arena_temp_begin(&scratch);
    validate_free_resources(v->t, id, &seen, &found, &scratch.arena, &out);
    bool has = out.len > 0;
    arena_temp_end(&scratch);
    validate_numbers_put(v->t->arena, &v->t->closed, id, !has);
    return has;
}

bool validate_cm_alias_outer(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_alias *alias)
{
    struct validate_scope *target = s;
    bool crosses = false;
    for (u32 i = 0; i < alias->outer_count; i++) {
        crosses |= target->kind == SCOPE_COMPONENT;
        target = target->parent;
        if (!target)
            return validate_cm_bad(v, s, "invalid outer alias count of %u", alias->outer_count);
    }
    u32 i = alias->index;
    validate_id id = VALIDATE_NONE;
    switch (alias->sort) {
    case SORT_CORE_TYPE:
        if (i >= target->core_types.len)
            return out_of_bounds(v, s, "core type", i);
        push_core_type(s, target->core_types.data[i], target->core_module_types.data[i]);
        return true;
    case SORT_CORE_MODULE:
    case SORT_COMPONENT:
    case SORT_TYPE: {
        const char *name;
        const validate_ids *space = space_of(target, alias->sort, &name);
        if (i >= space->len)
            return out_of_bounds(v, s, name, i);
        id = space->data[i];
        if (alias->sort == SORT_TYPE && crosses && has_free_resources(v, id))
            return validate_cm_bad(v, s,
                                   "cannot alias outer type which transitively refers to "
                                   "resources not defined in the current component");
        validate_cm_push(s, (struct validate_entity){alias->sort, id});
        return true;
    }
    default:
        return validate_cm_bad(v, s,
                               "outer aliases name types, core types, core modules or "
                               "components");
    }
}

static bool alias_core_export(struct validate_cm *v, struct validate_scope *s,
                              const struct cm_alias *alias)
{
    validate_id instance = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_CORE_INSTANCE, alias->instance, &instance))
        return false;
    const struct validate_core_export *e = validate_find_core_export(v->t, instance, alias->name);
    if (!e)
        return validate_cm_bad(v, s, "core instance %u has no export named `" STRF "`",
                               alias->instance, STRA(alias->name));
    if ((u32)e->type.kind != (u32)alias->sort)
        return validate_cm_bad(v, s, "export `" STRF "` of core instance %u is not a %s",
                               STRA(alias->name), alias->instance,
                               cm_sort_info[alias->sort].word.ptr);
    *vec_push(s->arena, &s->core_externs[e->type.kind]) = e->type;
    return true;
}

bool validate_cm_alias_export(struct validate_cm *v, struct validate_scope *s,
                              const struct cm_alias *alias)
{
    if (alias->kind == ALIAS_CORE_EXPORT)
        return alias_core_export(v, s, alias);
    validate_id instance = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_INSTANCE, alias->instance, &instance))
        return false;
    const struct validate_item *e = validate_find_export(v->t, instance, alias->name);
    if (!e)
        return validate_cm_bad(v, s, "instance %u has no export named `" STRF "`", alias->instance,
                               STRA(alias->name));
    if (e->entity.sort != alias->sort)
        return validate_cm_bad(v, s, "export `" STRF "` for instance %u is not a %s but a %s",
                               STRA(alias->name), alias->instance,
                               cm_sort_info[alias->sort].word.ptr,
                               cm_sort_info[e->entity.sort].word.ptr);
    validate_cm_push(s, e->entity);
    return true;
}

/* ---- Types of imports and exports ------------------------------------------------------------------------------ */

static bool indexed_type(struct validate_cm *v, struct validate_scope *s,
                         const struct cm_externtype *e, enum cm_def kind, const char *what,
                         struct validate_entity *out)
{
    if (!validate_cm_at(v, s, SORT_TYPE, e->index, &out->type))
        return false;
    out->type = validate_untagged(v->t, out->type);
    return validate_at(v->t, out->type)->kind == kind ||
           validate_cm_bad(v, s, "type index %u is not a %s type", e->index, what);
}

bool validate_cm_extern(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_externtype *e, struct validate_entity *out,
                        validate_ids *fresh)
{
    *out = (struct validate_entity){e->sort, VALIDATE_NONE};
    switch (e->sort) {
    case SORT_CORE_MODULE:
        if (e->index >= s->core_types.len)
            return out_of_bounds(v, s, "core type", e->index);
        out->type = s->core_module_types.data[e->index];
        return out->type != VALIDATE_NONE ||
               validate_cm_bad(v, s, "core type index %u is not a module type", e->index);
    case SORT_FUNC: return indexed_type(v, s, e, DEF_FUNC, "function", out);
    case SORT_COMPONENT: return indexed_type(v, s, e, DEF_COMPONENT, "component", out);
    case SORT_INSTANCE:
        if (!indexed_type(v, s, e, DEF_INSTANCE, "instance", out))
            return false;
        out->type = validate_open(v->t, out->type, fresh, s->arena);
        return true;
    case SORT_TYPE:
        if (e->is_bound) {
            u32 resource = validate_new_resource(v->t, WASM_NONE, NULL);
            *vec_push(s->arena, fresh) = resource;
            out->type = validate_resource_type(v->t, resource, ++v->t->tags);
            return true;
        }
        if (!validate_cm_at(v, s, SORT_TYPE, e->index, &out->type))
            return false;
        out->type = validate_with_tag(v->t, out->type, ++v->t->tags);
        return true;
    case SORT_VALUE:
        if (!validate_cm_need(v, s, FEATURE_CM_VALUES, "values"))
            return false;
        if (!e->is_bound)
            return validate_cm_valtype(v, s, e->value, &out->type);
        if (e->index >= s->values.len)
            return out_of_bounds(v, s, "value", e->index);
        out->type = s->values.data[e->index].type;
        return true;
    default: return validate_cm_bad(v, s, "nothing of this sort can be imported or exported");
    }
}

bool validate_cm_exported_value(struct validate_cm *v, const struct validate_scope *s,
                                struct validate_entity e)
{
    return e.sort != SORT_VALUE || !validate_at(v->t, e.type)->has_borrow ||
           validate_cm_bad(v, s, "exported value type cannot contain a `borrow` type");
}
