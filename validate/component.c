/* component.c - a component: its definitions in order, each against the index spaces so far. */
#include "scope.h"

/* ---- Reports ------------------------------------------------------------------------------------------ */

bool validate_cm_bad(struct validate_cm *v, const struct validate_scope *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(v->diags->arena, format, args);
    va_end(args);
    struct diag *x = diag_error(v->diags, CODE_INVALID, s->at, STRF, STRA(text));
    if (s->path.len)
        diag_note(v->diags, x, "in " STRF, STRA(s->path));
    return false;
}

bool validate_cm_need(struct validate_cm *v, const struct validate_scope *s, enum feature f,
                      const char *what)
{
    if (features_has(v->features, f))
        return true;
    struct diag *x = diag_error(v->diags, CODE_INVALID, s->at, "%s need the feature `%s`", what,
                                feature_name(f));
    diag_help(v->diags, x, "turn it on with `--features %s`", feature_name(f));
    return false;
}

validate_id validate_cm_intern(struct validate_cm *v, const struct validate_scope *s,
                               const struct validate_type *def)
{
    validate_id id = validate_make(v->t, def);
    if (id == VALIDATE_NONE)
        validate_cm_bad(v, s,
                        "effective type size exceeds the limit: types may refer to %u others at "
                        "most, %u deep, and value types be %u levels deep",
                        VALIDATE_MAX_SIZE, VALIDATE_MAX_DEPTH, VALIDATE_MAX_LEVELS);
    return id;
}

/* ---- Core modules and instances -------------------------------------------------------------------------- */

static validate_id type_of_module(struct validate_types *t, struct validate_context *c,
                                  const struct wasm_module *m, struct arena *scratch)
{
    struct validate_type def = validate_empty(DEF_MODULE);
    struct wasm_import *imports = arena_array(scratch, struct wasm_import, m->imports.len);
    struct validate_core_export *exports =
        arena_array(scratch, struct validate_core_export, m->exports.len);
    for (u32 i = 0; i < m->imports.len; i++) {
        imports[i] = m->imports.data[i];
        imports[i].at = (span){0, 0, 0};
        imports[i].type = validate_canonical_externtype(c, &m->imports.data[i].type);
    }
    for (u32 i = 0; i < m->exports.len; i++)
        exports[i] = (struct validate_core_export){m->exports.data[i].name,
                                                   validate_export_type(c, &m->exports.data[i])};
    def.core_imports = imports;
    def.core_import_count = m->imports.len;
    def.core_exports = exports;
    def.core_export_count = m->exports.len;
    return validate_make(t, &def);
}

/* Within components a module's imports must differ in their names. */
static bool unique_imports(const struct wasm_module *m, struct diags *d)
{
    struct arena_temp scratch;
    struct map names = {0};
    bool fine = true;
    arena_temp_begin(&scratch);
    for (u32 i = 0; fine && i < m->imports.len; i++) {
        const struct wasm_import *import = &m->imports.data[i];
        u32 first = map_add(&scratch.arena, &names, validate_import_key(&scratch.arena, import), i);
        if (first == MAP_NONE)
            continue;
        fine = false;
        struct diag *x =
            diag_error(d, CODE_INVALID, import->at,
                       "duplicate import name `" STRF ":" STRF "` in a module of a component",
                       STRA(import->module), STRA(import->name));
        diag_label(d, x, m->imports.data[first].at, "first imported here");
    }
    arena_temp_end(&scratch);
    return fine;
}

void validate_leave_bodies(struct validate_types *t)
{
    t->leaves_bodies = true;
}

bool validate_core_module(struct validate_types *t, const struct wasm_module *m, struct features f,
                          validate_id *type, struct diags *d)
{
    /* What only the walk needs goes with it; the type lives on. */
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct validate_context *c = validate_module_shell(&scratch.arena, t->store, m, f, d);
    bool fine = c != NULL;
    u32 before = d->errors;
    u32 bodies = t->leaves_bodies ? 0 : m->codes.len;
    for (u32 i = 0; c && i < bodies && d->errors - before < diags_limit(d); i++)
        fine &= validate_func(c, m->imported_funcs + i, d);
    fine = fine && unique_imports(m, d);
    if (fine) {
        *type = type_of_module(t, c, m, &scratch.arena);
        fine = *type != VALIDATE_NONE;
        if (!fine)
            diag_error(d, CODE_INVALID, (span){m->source, m->base, m->base + 1},
                       "effective type size exceeds the limit: the module has more than %u "
                       "imports and exports",
                       VALIDATE_MAX_SIZE);
    }
    arena_temp_end(&scratch);
    return fine;
}

static bool core_inline_exports(struct validate_cm *v, struct validate_scope *s,
                                const struct cm_instance *i, struct validate_type *def)
{
    struct map names = {0};
    struct validate_core_export *exports =
        arena_array(v->scratch, struct validate_core_export, i->export_count);
    for (u32 k = 0; k < i->export_count; k++) {
        const struct cm_inline_export *e = &i->exports[k];
        if (e->item.sort > SORT_CORE_TAG)
            return validate_cm_bad(v, s,
                                   "a core instance can only export functions, tables, "
                                   "memories, globals and tags");
        if (e->item.index >= s->core_externs[e->item.sort].len)
            return validate_cm_bad(v, s, "unknown core item %u: index out of bounds",
                                   e->item.index);
        if (map_add(v->scratch, &names, e->name.name, k) != MAP_NONE)
            return validate_cm_bad(v, s, "duplicate export name `" STRF "` in a core instance",
                                   STRA(e->name.name));
        exports[k] = (struct validate_core_export){
            e->name.name, s->core_externs[e->item.sort].data[e->item.index]};
    }
    def->core_exports = exports;
    def->core_export_count = i->export_count;
    return true;
}

static bool core_args(struct validate_cm *v, struct validate_scope *s, const struct cm_instance *i,
                      struct map *names)
{
    for (u32 k = 0; k < i->arg_count; k++) {
        if (i->args[k].item.sort != SORT_CORE_INSTANCE)
            return validate_cm_bad(v, s, "arguments of a core instantiation are core instances");
        validate_id instance;
        if (!validate_cm_at(v, s, SORT_CORE_INSTANCE, i->args[k].item.index, &instance))
            return false;
        if (map_add(v->scratch, names, i->args[k].name, k) != MAP_NONE)
            return validate_cm_bad(v, s, "duplicate module instantiation argument named `" STRF "`",
                                   STRA(i->args[k].name));
    }
    return true;
}

static bool core_instantiate(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_instance *i, struct validate_type *def)
{
    struct map names = {0};
    validate_id module = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_CORE_MODULE, i->source, &module) || !core_args(v, s, i, &names))
        return false;
    const struct validate_type m = *validate_at(v->t, module);
    if (!validate_work_names(v->t, m.core_import_count + m.core_export_count))
        return false;
    for (u32 k = 0; k < m.core_import_count; k++) {
        const struct wasm_import *want = &m.core_imports[k];
        u32 arg = map_get(&names, want->module);
        if (arg == MAP_NONE)
            return validate_cm_bad(v, s, "missing module instantiation argument named `" STRF "`",
                                   STRA(want->module));
        const struct validate_core_export *have = validate_find_core_export(
            v->t, s->core_instances.data[i->args[arg].item.index], want->name);
        if (!have)
            return validate_cm_bad(v, s,
                                   "module instantiation argument `" STRF
                                   "` does not export an item named `" STRF "`",
                                   STRA(want->module), STRA(want->name));
        if (!validate_import_matches(v->t->store, &have->type, &want->type))
            return validate_cm_bad(
                v, s,
                "type mismatch for export `" STRF "` of module instantiation argument `" STRF
                "`: expected " STRF ", found " STRF,
                STRA(want->name), STRA(want->module),
                STRA(validate_externtype_text(v->t->arena, v->t->store, &want->type)),
                STRA(validate_externtype_text(v->t->arena, v->t->store, &have->type)));
    }
    def->core_exports = m.core_exports;
    def->core_export_count = m.core_export_count;
    return true;
}

static bool core_instance(struct validate_cm *v, struct validate_scope *s,
                          const struct cm_instance *i)
{
    struct validate_type def = validate_empty(DEF_MODULE);
    if (i->is_instantiate ? !core_instantiate(v, s, i, &def) : !core_inline_exports(v, s, i, &def))
        return false;
    validate_id id = validate_cm_intern(v, s, &def);
    *vec_push(s->arena, &s->core_instances) = id;
    return id != VALIDATE_NONE;
}

/* ---- Instances --------------------------------------------------------------------------------------------- */

/* What an index refers to. Values count as used. */
static bool entity_at(struct validate_cm *v, struct validate_scope *s, struct cm_sortidx x,
                      struct validate_entity *out)
{
    *out = (struct validate_entity){x.sort, VALIDATE_NONE};
    switch (x.sort) {
    case SORT_CORE_MODULE:
    case SORT_FUNC:
    case SORT_TYPE:
    case SORT_COMPONENT:
    case SORT_INSTANCE: return validate_cm_at(v, s, x.sort, x.index, &out->type);
    case SORT_VALUE:
        return validate_cm_need(v, s, FEATURE_CM_VALUES, "values") &&
               validate_cm_use_value(v, s, x.index, &out->type);
    default: return validate_cm_bad(v, s, "core items other than modules cannot be used here");
    }
}

static bool inline_exports(struct validate_cm *v, struct validate_scope *s,
                           const struct cm_instance *i, validate_id *out)
{
    struct validate_names side = {.is_bundle = true};
    for (u32 k = 0; k < i->export_count; k++) {
        struct validate_entity e;
        if (!entity_at(v, s, i->exports[k].item, &e) || !validate_cm_exported_value(v, s, e) ||
            !validate_cm_name(v, s, &side, "instance export", &i->exports[k].name, e))
            return false;
    }
    struct validate_type def = validate_empty(DEF_INSTANCE);
    def.exports = side.items.data;
    def.export_count = side.items.len;
    *out = validate_cm_intern(v, s, &def);
    return *out != VALIDATE_NONE;
}

static bool instantiate(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_instance *i, validate_id *out)
{
    validate_id component = VALIDATE_NONE;
    struct map names = {0};
    if (!validate_cm_at(v, s, SORT_COMPONENT, i->source, &component))
        return false;
    struct validate_item *args = arena_array(v->scratch, struct validate_item, i->arg_count);
    for (u32 k = 0; k < i->arg_count; k++) {
        args[k].name.name = i->args[k].name;
        if (!entity_at(v, s, i->args[k].item, &args[k].entity))
            return false;
        if (map_add(v->scratch, &names, i->args[k].name, k) != MAP_NONE)
            return validate_cm_bad(v, s,
                                   "instantiation argument `" STRF "` conflicts with previous "
                                   "argument",
                                   STRA(i->args[k].name));
    }
    struct validate_mismatch why = {0};
    u32 import = 0;
    if (validate_instantiate(v->t, component, args, i->arg_count, out, &import, v->diags->arena,
                             &why))
        return *out != VALIDATE_NONE;
    const struct validate_type *c = validate_at(v->t, component);
    if (import == c->import_count)
        return false; /* too much to check: that is told for the component */
    str name = c->imports[import].name.name;
    if (map_get(&names, name) == MAP_NONE)
        return validate_cm_bad(v, s,
                               "missing import named `" STRF "`: the instantiation gives no "
                               "such argument",
                               STRA(name));
    return validate_cm_bad(v, s, "type mismatch for import `" STRF "`: " STRF, STRA(name),
                           STRA(validate_mismatch_text(v->diags->arena, &why)));
}

static bool instance(struct validate_cm *v, struct validate_scope *s, const struct cm_instance *i)
{
    validate_id id;
    if (i->is_instantiate ? !instantiate(v, s, i, &id) : !inline_exports(v, s, i, &id))
        return false;
    *vec_push(s->arena, &s->instances) = id;
    return true;
}

/* ---- Imports and exports -------------------------------------------------------------------------------------- */

static bool import(struct validate_cm *v, struct validate_scope *s, const struct cm_import *i)
{
    struct validate_entity e;
    if (!validate_cm_extern(v, s, &i->type, &e, &s->imported) ||
        !validate_cm_name(v, s, &s->imports, "import", &i->name, e) ||
        !validate_cm_visible(v, s, &s->imports, "import", i->name.name, e))
        return false;
    validate_cm_push(s, e);
    return true;
}

/* Puts the declared type of an export in place of the inferred one. */
static bool ascribe(struct validate_cm *v, struct validate_scope *s, const struct cm_export *x,
                    struct validate_entity *e)
{
    struct validate_entity declared;
    struct validate_mismatch why = {0};
    validate_ids fresh = {0};
    if (!validate_cm_extern(v, s, &x->type, &declared, &fresh))
        return false;
    if (!validate_subtype(v->t, *e, declared, fresh.data, fresh.len, v->diags->arena, &why))
        return validate_cm_bad(
            v, s, "ascribed type of export `" STRF "` is not compatible with item's type: " STRF,
            STRA(x->name.name), STRA(validate_mismatch_text(v->diags->arena, &why)));
    *e = declared;
    return true;
}

static bool export_(struct validate_cm *v, struct validate_scope *s, const struct cm_export *x)
{
    struct validate_entity e;
    if (!entity_at(v, s, x->item, &e))
        return false;
    if (x->has_type) {
        if (!ascribe(v, s, x, &e))
            return false;
    } else if (e.sort == SORT_TYPE) {
        e.type = validate_with_tag(v->t, e.type, ++v->t->tags);
    }
    if (!validate_cm_exported_value(v, s, e) ||
        !validate_cm_name(v, s, &s->exports, "export", &x->name, e) ||
        !validate_cm_visible(v, s, &s->exports, "export", x->name.name, e))
        return false;
    validate_cm_push(s, e);
    if (e.sort == SORT_VALUE)
        vec_last(&s->values)->used = true;
    return true;
}

/* ---- The component ------------------------------------------------------------------------------------------------ */

static bool component(struct validate_cm *v, struct validate_scope *parent, u32 number,
                      const struct wasm_component *c, validate_id *out);

static bool alias(struct validate_cm *v, struct validate_scope *s, const struct cm_alias *a)
{
    return a->kind == ALIAS_OUTER ? validate_cm_alias_outer(v, s, a)
                                  : validate_cm_alias_export(v, s, a);
}

/* What is wrong in a module is told by its rules; which module it is, by the component around it. */
static bool core_module(struct validate_cm *v, const struct validate_scope *s,
                        const struct wasm_module *m, validate_id *id)
{
    u32 before = v->diags->list.len;
    if (validate_core_module(v->t, m, v->features, id, v->diags))
        return true;
    struct wasm_names names;
    wasm_read_names(v->diags->arena, m, &names);
    str name =
        names.module.len ? str_printf(v->diags->arena, " `" STRF "`", STRA(names.module)) : STR("");
    const char *of = s->path.len ? " in " : "";
    for (u32 i = before; i < v->diags->list.len; i++)
        diag_note(v->diags, v->diags->list.data[i], "in core module %u" STRF "%s" STRF,
                  s->modules.len, STRA(name), of, STRA(s->path));
    return false;
}

static bool definition(struct validate_cm *v, struct validate_scope *s,
                       const struct wasm_component *c, struct cm_item item)
{
    validate_id id;
    u32 i = item.index;
    switch (item.kind) {
    case ITEM_CORE_MODULE:
        if (!core_module(v, s, c->modules.data[i], &id))
            return false;
        *vec_push(s->arena, &s->modules) = id;
        return true;
    case ITEM_CORE_INSTANCE:
        s->at = c->core_instances.data[i].at;
        return core_instance(v, s, &c->core_instances.data[i]);
    case ITEM_CORE_TYPE:
        s->at = c->core_types.data[i].at;
        return validate_cm_core_type(v, s, &c->core_types.data[i]);
    case ITEM_COMPONENT:
        if (!component(v, s, s->components.len, c->components.data[i], &id))
            return false;
        *vec_push(s->arena, &s->components) = id;
        return true;
    case ITEM_INSTANCE:
        s->at = c->instances.data[i].at;
        return instance(v, s, &c->instances.data[i]);
    case ITEM_ALIAS: s->at = c->aliases.data[i].at; return alias(v, s, &c->aliases.data[i]);
    case ITEM_TYPE: s->at = c->types.data[i].at; return validate_cm_type(v, s, &c->types.data[i]);
    case ITEM_CANON:
        s->at = c->canons.data[i].at;
        return validate_cm_canon(v, s, &c->canons.data[i]);
    case ITEM_START:
        s->at = c->starts.data[i].at;
        return validate_cm_start(v, s, &c->starts.data[i]);
    case ITEM_IMPORT: s->at = c->imports.data[i].at; return import(v, s, &c->imports.data[i]);
    case ITEM_EXPORT: s->at = c->exports.data[i].at; return export_(v, s, &c->exports.data[i]);
    case ITEM_VALUE:
        s->at = c->values.data[i].at;
        return validate_cm_value(v, s, &c->values.data[i]);
    case ITEM_CUSTOM: return true;
    }
    return false;
}

static validate_id type_of_component(struct validate_cm *v, struct validate_scope *s,
                                     const struct wasm_component *c)
{
    struct arena_temp scratch;
    validate_ids defined = {0};
    validate_id id = VALIDATE_NONE;
    arena_temp_begin(&scratch);
    struct validate_type def = validate_empty(DEF_COMPONENT);
    def.imports = s->imports.items.data;
    def.import_count = s->imports.items.len;
    def.exports = s->exports.items.data;
    def.export_count = s->exports.items.len;
    def.imported = s->imported.data;
    def.imported_count = s->imported.len;
    if (validate_cm_own_resources(v, s, c, &scratch.arena, &defined)) {
        def.defined = defined.data;
        def.defined_count = defined.len;
        id = validate_cm_intern(v, s, &def);
    }
    arena_temp_end(&scratch);
    return id;
}

static void keep_spaces(struct validate_cm *v, const struct validate_scope *s,
                        const struct wasm_component *c)
{
    struct validate_types *t = v->t;
    str key = str_dup(t->arena, str_of((const char *)&c, sizeof c));
    struct validate_spaces x = {
        .types = s->types.data,
        .funcs = s->funcs.data,
        .instances = s->instances.data,
        .components = s->components.data,
        .modules = s->modules.data,
        .core_types = s->core_types.data,
        .core_funcs = s->core_externs[EXTERN_FUNC].data,
        .core_tables = s->core_externs[EXTERN_TABLE].data,
        .core_memories = s->core_externs[EXTERN_MEMORY].data,
        .core_globals = s->core_externs[EXTERN_GLOBAL].data,
        .core_tags = s->core_externs[EXTERN_TAG].data,
        .count = {[SORT_CORE_FUNC] = s->core_externs[EXTERN_FUNC].len,
                  [SORT_CORE_TABLE] = s->core_externs[EXTERN_TABLE].len,
                  [SORT_CORE_MEMORY] = s->core_externs[EXTERN_MEMORY].len,
                  [SORT_CORE_GLOBAL] = s->core_externs[EXTERN_GLOBAL].len,
                  [SORT_CORE_TAG] = s->core_externs[EXTERN_TAG].len,
                  [SORT_CORE_TYPE] = s->core_types.len,
                  [SORT_CORE_MODULE] = s->modules.len,
                  [SORT_CORE_INSTANCE] = s->core_instances.len,
                  [SORT_FUNC] = s->funcs.len,
                  [SORT_VALUE] = s->values.len,
                  [SORT_TYPE] = s->types.len,
                  [SORT_COMPONENT] = s->components.len,
                  [SORT_INSTANCE] = s->instances.len},
    };
    validate_id *values = arena_array(t->arena, validate_id, s->values.len);
    for (u32 i = 0; i < s->values.len; i++)
        values[i] = s->values.data[i].type;
    x.values = values;
    map_put(t->arena, &t->spaces, key, t->space_list.len);
    *vec_push(t->arena, &t->space_list) = x;
}

static bool too_much(struct validate_cm *v, const struct validate_scope *s)
{
    if (v->told_exhausted)
        return false;
    v->told_exhausted = true;
    return validate_cm_bad(v, s,
                           "the types of this component are too much to check: more than %u of "
                           "them and their parts, or %u steps",
                           VALIDATE_MAX_LIST, VALIDATE_MAX_WORK);
}

static bool component(struct validate_cm *v, struct validate_scope *parent, u32 number,
                      const struct wasm_component *c, validate_id *out)
{
    struct validate_scope s = {.kind = SCOPE_COMPONENT,
                               .parent = parent,
                               .arena = v->t->arena,
                               .source = c->source,
                               .at = {c->source, c->base, c->base + 1}};
    struct validate_scope *scope = arena_new(v->t->arena, struct validate_scope);
    *scope = s; /* in the arena: resources remember who defined them */
    if (parent) {
        str name = wasm_component_name(c);
        scope->path =
            name.len ? str_printf(v->t->arena, "component %u `" STRF "`%s" STRF, number, STRA(name),
                                  parent->path.len ? " in " : "", STRA(parent->path))
                     : str_printf(v->t->arena, "component %u%s" STRF, number,
                                  parent->path.len ? " in " : "", STRA(parent->path));
    }
    bool fine = true;
    for (u32 i = 0; fine && i < c->items.len; i++) {
        fine = definition(v, scope, c, c->items.data[i]);
        arena_reset(v->scratch);
        if (v->t->exhausted)
            return too_much(v, scope);
    }
    for (u32 i = 0; fine && i < scope->values.len; i++) {
        if (!scope->values.data[i].used)
            fine = validate_cm_bad(v, scope,
                                   "value index %u was not used as part of an instantiation, "
                                   "start function, or export",
                                   i);
    }
    if (!fine)
        return false;
    keep_spaces(v, scope, c);
    *out = type_of_component(v, scope, c);
    if (v->t->exhausted)
        return too_much(v, scope);
    return *out != VALIDATE_NONE;
}

bool validate_component(struct validate_types *t, const struct wasm_component *c, struct features f,
                        validate_id *type, struct diags *d)
{
    struct arena_temp scratch;
    struct validate_cm v = {.t = t, .features = f, .diags = d, .scratch = &scratch.arena};
    validate_id id;
    arena_temp_begin(&scratch);
    t->work = 0;
    bool fine = component(&v, NULL, 0, c, &id);
    if (fine && type)
        *type = id;
    arena_temp_end(&scratch);
    return fine;
}

const struct validate_spaces *validate_spaces_of(const struct validate_types *t,
                                                 const struct wasm_component *c)
{
    u32 i = map_get(&t->spaces, str_of((const char *)&c, sizeof c));
    return i == MAP_NONE ? NULL : &t->space_list.data[i];
}

bool validate_binary(struct arena *a, const struct wasm_binary *b, struct features f,
                     struct diags *d)
{
    if (b->module)
        return validate_module(a, NULL, b->module, f, d);
    if (!features_has(f, FEATURE_COMPONENT_MODEL)) {
        diag_error(d, CODE_INVALID,
                   (span){b->component->source, b->component->base, b->component->base + 1},
                   "components need the feature `component-model`");
        return false;
    }
    return validate_component(validate_types_new(a), b->component, f, NULL, d);
}
