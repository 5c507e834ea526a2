/* relation.c - the subtype relation of component types, with the reason why when it does not hold, and instantiation,
 * which rests on it.
 *
 * Resources that are open (those that the supertype binds) are taken to be whatever the subtype has in their
 * place, from the first type item that says so on. Everything else about value types is equality. */
#include "types.h"

enum { TEXT_LIMIT = 200, NOT_YET = UINT32_MAX - 1 };

/* Pairs of types that were found to be equal: without them, instance types in instance types would be compared twice for each level. */
struct equals {
    struct arena *arena;
    struct map pairs;
};

struct relation {
    struct validate_types *t;
    struct equals *equals;
    struct validate_substitution known; /* open resources that were met: what they are */
    struct validate_numbers open;       /* open resources -> NOT_YET, or what they are */
    struct map matched;                 /* pairs of instances that were found to fit */
    const struct validate_item *around; /* items beside the one at hand: they name its resources */
    u32 around_count;
    struct arena *arena; /* of the reason; NULL: nobody asks */
    struct validate_mismatch *why;
};

static struct relation start(struct validate_types *t, struct equals *equals, struct arena *scratch,
                             struct arena *why_arena, struct validate_mismatch *why)
{
    return (struct relation){.t = t,
                             .equals = equals,
                             .known = {.types = t, .scratch = scratch},
                             .arena = why_arena,
                             .why = why};
}

/* ---- Reasons ---------------------------------------------------------------------------------------- */

static bool differ(struct relation *r, str expected, str found)
{
    if (r->why) {
        if (str_eq(expected, found)) /* core types are told by their structure alone */
            found = str_printf(r->arena, STRF " of another type", STRA(found));
        r->why->path = (str){"", 0};
        r->why->expected = expected;
        r->why->found = found;
    }
    return false;
}

/* Puts a step in front of the path; always false. */
static bool within(struct relation *r, const char *what, str name)
{
    if (r->why) {
        str rest = r->why->path;
        str step = name.len ? str_printf(r->arena, "%s " STRF, what, STRA(name)) : str_c(what);
        r->why->path =
            rest.len ? str_printf(r->arena, STRF ": " STRF, STRA(step), STRA(rest)) : step;
    }
    return false;
}

static str text_of(struct relation *r, validate_id id)
{
    return r->why ? validate_type_text(r->arena, r->t, id, TEXT_LIMIT) : (str){0};
}

static str entity_text_of(struct relation *r, struct validate_entity e)
{
    return r->why ? validate_entity_text(r->arena, r->t, e, TEXT_LIMIT) : (str){0};
}

static const char *sort_word(const struct validate_item *item)
{
    switch (item->entity.sort) {
    case SORT_CORE_MODULE: return "core module";
    case SORT_FUNC: return "function";
    case SORT_VALUE: return "value";
    case SORT_TYPE: return "type";
    case SORT_COMPONENT: return "component";
    default: return str_find_char(item->name.name, ':', 0) == SIZE_MAX ? "instance" : "interface";
    }
}

str validate_mismatch_text(struct arena *a, const struct validate_mismatch *why)
{
    return str_printf(a, STRF "%sexpected " STRF ", found " STRF, STRA(why->path),
                      why->path.len ? ": " : "", STRA(why->expected), STRA(why->found));
}

/* ---- Value types: equality, and where it fails --------------------------------------------------------- */

static bool is_nominal(enum cm_def kind)
{
    return kind == DEF_RECORD || kind == DEF_VARIANT || kind == DEF_FLAGS || kind == DEF_ENUM;
}

static const char *label_word(enum cm_def kind)
{
    return kind == DEF_RECORD ? "field" : kind == DEF_FLAGS ? "flag" : "case";
}

/* A label, or that there is none left. */
static str label_text(struct relation *r, const char *word, const struct validate_label *x)
{
    return x ? str_printf(r->arena, "%s `" STRF "`", word, STRA(x->name))
             : str_printf(r->arena, "no more %ss", word);
}

static void explain_value(struct relation *r, validate_id sub, validate_id super);

/* Both are records (variants, flags, enums): the first label that differs. */
static void explain_labels(struct relation *r, const struct validate_type *sub,
                           const struct validate_type *super)
{
    const char *word = label_word(super->kind);
    for (u32 i = 0; i < super->label_count || i < sub->label_count; i++) {
        const struct validate_label *x = i < sub->label_count ? &sub->labels[i] : NULL;
        const struct validate_label *y = i < super->label_count ? &super->labels[i] : NULL;
        if (!x || !y || !str_eq(x->name, y->name)) {
            differ(r, label_text(r, word, y), label_text(r, word, x));
            return;
        }
        if (x->type == y->type)
            continue;
        if (x->type == VALIDATE_NONE || y->type == VALIDATE_NONE)
            differ(r, y->type == VALIDATE_NONE ? STR("no payload") : text_of(r, y->type),
                   x->type == VALIDATE_NONE ? STR("no payload") : text_of(r, x->type));
        else
            explain_value(r, x->type, y->type);
        within(r, word, y->name);
        return;
    }
}

/* The one pair of inner types in which two containers of the same kind differ; false if there is more to it. */
static bool inner_pair(const struct validate_type *x, const struct validate_type *y,
                       validate_id *sub, validate_id *super)
{
    u32 found = 0;
    if (x->kind != y->kind || x->label_count != y->label_count || x->length != y->length ||
        is_nominal(x->kind))
        return false;
    if (x->element != y->element) {
        *sub = x->element;
        *super = y->element;
        found++;
    }
    if (x->second != y->second) {
        *sub = x->second;
        *super = y->second;
        found++;
    }
    for (u32 i = 0; i < x->label_count; i++) {
        if (x->labels[i].type != y->labels[i].type) {
            *sub = x->labels[i].type;
            *super = y->labels[i].type;
            found++;
        }
    }
    return found == 1 && *sub != VALIDATE_NONE && *super != VALIDATE_NONE;
}

/* A handle, and of which resource. */
static str handle_text(struct relation *r, validate_id id, const char *otherwise)
{
    u32 resource = validate_at(r->t, id)->resource;
    for (u32 i = 0; i < r->around_count; i++) {
        const struct validate_type *d = validate_at(r->t, r->around[i].entity.type);
        if (r->around[i].entity.sort == SORT_TYPE && d->kind == DEF_RESOURCE &&
            d->resource == resource)
            return str_printf(r->arena, STRF " of `" STRF "`", STRA(text_of(r, id)),
                              STRA(r->around[i].name.name));
    }
    return str_printf(r->arena, STRF " of %s", STRA(text_of(r, id)), otherwise);
}

/* Goes down as long as that leads to two named types of one kind, since those print long; else says both types here. */
static void explain_value(struct relation *r, validate_id sub, validate_id super)
{
    validate_id x = sub, y = super;
    for (;;) {
        const struct validate_type *dx = validate_at(r->t, x), *dy = validate_at(r->t, y);
        if (dx->kind == dy->kind && is_nominal(dx->kind)) {
            explain_labels(r, dx, dy);
            return;
        }
        if (!inner_pair(dx, dy, &x, &y))
            break;
    }
    str expected = text_of(r, super), found = text_of(r, sub);
    if (str_eq(expected, found) && validate_is_handle(validate_at(r->t, x)) &&
        validate_is_handle(validate_at(r->t, y))) {
        expected = handle_text(r, y, "its own resource");
        found = handle_text(r, x, "another resource");
    }
    differ(r, expected, found);
}

static bool value_matches(struct relation *r, validate_id sub, validate_id super)
{
    if (sub == super && (sub == VALIDATE_NONE || !validate_at(r->t, sub)->mentions))
        return true;
    if (sub != VALIDATE_NONE && super != VALIDATE_NONE) {
        validate_id x = validate_at(r->t, sub)->plain;
        validate_id y = validate_at(r->t, validate_substitute(&r->known, super))->plain;
        if (x == y)
            return true;
        if (r->why)
            explain_value(r, x, y);
        return false;
    }
    return differ(r, super == VALIDATE_NONE ? STR("nothing") : text_of(r, super),
                  sub == VALIDATE_NONE ? STR("nothing") : text_of(r, sub));
}

static bool func_matches(struct relation *r, validate_id sub, validate_id super)
{
    const struct validate_type x = *validate_at(r->t, sub), y = *validate_at(r->t, super);
    if (x.is_async != y.is_async)
        return differ(r,
                      y.is_async ? STR("an async function") : STR("a function that is not async"),
                      x.is_async ? STR("an async one") : STR("one that is not"));
    for (u32 i = 0; i < x.label_count || i < y.label_count; i++) {
        const struct validate_label *have = i < x.label_count ? &x.labels[i] : NULL;
        const struct validate_label *want = i < y.label_count ? &y.labels[i] : NULL;
        if (!have || !want || !str_eq(have->name, want->name))
            return r->why &&
                   differ(r, label_text(r, "parameter", want), label_text(r, "parameter", have));
        if (!value_matches(r, x.labels[i].type, y.labels[i].type))
            return within(r, "parameter", y.labels[i].name);
    }
    return value_matches(r, x.element, y.element) || within(r, "result", (str){0});
}

/* ---- Core modules ------------------------------------------------------------------------------------------ */

static bool imports_match(struct relation *r, struct arena *scratch, const struct validate_type *x,
                          const struct validate_type *y)
{
    struct map names = {0};
    for (u32 i = 0; x->core_import_count && i < y->core_import_count; i++)
        map_add(scratch, &names, validate_import_key(scratch, &y->core_imports[i]), i);
    for (u32 i = 0; i < x->core_import_count; i++) {
        const struct wasm_import *want = &x->core_imports[i];
        u32 found = map_get(&names, validate_import_key(scratch, want));
        const struct wasm_import *have = found == MAP_NONE ? NULL : &y->core_imports[found];
        if (!have)
            return r->why && differ(r, STR("no such import"),
                                    str_printf(r->arena, "import `" STRF "` `" STRF "`",
                                               STRA(want->module), STRA(want->name)));
        if (!validate_import_matches(r->t->store, &have->type, &want->type))
            return r->why &&
                   (differ(r, validate_externtype_text(r->arena, r->t->store, &have->type),
                           validate_externtype_text(r->arena, r->t->store, &want->type)) ||
                    within(r, "import", want->name));
    }
    return true;
}

static bool module_matches(struct relation *r, validate_id sub, validate_id super)
{
    const struct validate_type *x = validate_at(r->t, sub), *y = validate_at(r->t, super);
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    bool fine = imports_match(r, &scratch.arena, x, y);
    arena_temp_end(&scratch);
    for (u32 i = 0; fine && i < y->core_export_count; i++) {
        const struct validate_core_export *want = &y->core_exports[i];
        const struct validate_core_export *have = validate_find_core_export(r->t, sub, want->name);
        if (!have)
            return r->why && differ(r, str_printf(r->arena, "export `" STRF "`", STRA(want->name)),
                                    STR("no such export"));
        if (!validate_import_matches(r->t->store, &have->type, &want->type))
            return r->why &&
                   (differ(r, validate_externtype_text(r->arena, r->t->store, &want->type),
                           validate_externtype_text(r->arena, r->t->store, &have->type)) ||
                    within(r, "export", want->name));
    }
    return fine;
}

/* ---- Instances and components ------------------------------------------------------------------------------- */

static bool entity_matches(struct relation *r, struct validate_entity sub,
                           struct validate_entity super);

static void open_resources(struct relation *r, const u32 *resources, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        if (!validate_numbers_has(&r->open, resources[i]))
            validate_numbers_put(r->known.scratch, &r->open, resources[i], NOT_YET);
    }
}

/* An item named but absent. */
static bool absent(struct relation *r, const struct validate_item *item)
{
    if (r->why)
        differ(r, str_printf(r->arena, "%s `" STRF "`", sort_word(item), STRA(item->name.name)),
               STR("nothing of that name"));
    return false;
}

static bool instance_matches(struct relation *r, validate_id sub, validate_id super)
{
    const u32 pair[] = {sub, super};
    str key = {(const char *)pair, sizeof pair};
    if (map_get(&r->matched, key) != MAP_NONE)
        return true;
    const struct validate_type x = *validate_at(r->t, sub), y = *validate_at(r->t, super);
    open_resources(r, y.defined, y.defined_count);
    for (u32 i = 0; i < y.export_count; i++) {
        const struct validate_item *have = validate_find_export(r->t, sub, y.exports[i].name.name);
        if (!have)
            return absent(r, &y.exports[i]);
        r->around = x.exports; /* an instance within may have changed it */
        r->around_count = x.export_count;
        if (!entity_matches(r, have->entity, y.exports[i].entity))
            return within(r, sort_word(&y.exports[i]), y.exports[i].name.name);
    }
    map_put(r->known.scratch, &r->matched, str_dup(r->known.scratch, key), 0);
    return true;
}

/* A component fits where another is asked for if it can be instantiated with what that one imports, and then gives what
 * that one exports. */
static bool component_matches(struct relation *r, validate_id sub, validate_id super)
{
    super = validate_substitute(&r->known, super);
    const struct validate_type x = *validate_at(r->t, sub), y = *validate_at(r->t, super);
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct relation inner = start(r->t, r->equals, &scratch.arena, r->arena, r->why), outer = inner;
    bool fine = true;
    open_resources(&inner, x.imported, x.imported_count);
    for (u32 i = 0; fine && i < x.import_count; i++) {
        const struct validate_item *want = &x.imports[i];
        const struct validate_item *have = validate_find_import(r->t, super, want->name.name);
        if (!have)
            fine =
                r->why && differ(r, STR("no such import"),
                                 str_printf(r->arena, "import `" STRF "`", STRA(want->name.name)));
        else if (!entity_matches(&inner, have->entity, want->entity))
            fine = within(r, "import", want->name.name);
    }
    /* From here on the imports of `sub` are known, and the exports of `super` are the open ones. */
    open_resources(&outer, y.defined, y.defined_count);
    for (u32 i = 0; fine && i < y.export_count; i++) {
        const struct validate_item *have = validate_find_export(r->t, sub, y.exports[i].name.name);
        if (!have) {
            fine = absent(r, &y.exports[i]);
            continue;
        }
        struct validate_entity e = {have->entity.sort,
                                    validate_substitute(&inner.known, have->entity.type)};
        if (!entity_matches(&outer, e, y.exports[i].entity))
            fine = within(r, "export", y.exports[i].name.name);
    }
    arena_temp_end(&scratch);
    return fine;
}

static bool resource_matches(struct relation *r, u32 sub, u32 super)
{
    u32 is = validate_numbers_get(&r->open, super);
    if (is == NOT_YET) {
        validate_numbers_put(r->known.scratch, &r->open, super, sub);
        validate_numbers_put(r->known.scratch, &r->known.resources, super, sub);
        r->known.memo = (struct validate_numbers){0};
        return true;
    }
    if (sub == (is == VALIDATE_NONE ? super : is))
        return true;
    return differ(r, STR("the same resource as before"), STR("another resource"));
}

/* The type of an argument takes the place of that of the import, with its name. */
static void take_tag(struct relation *r, u32 sub, u32 super)
{
    if (!super || sub == super || validate_numbers_has(&r->known.tags, super))
        return;
    validate_numbers_put(r->known.scratch, &r->known.tags, super, sub);
    r->known.memo = (struct validate_numbers){0};
}

/* Equal = each a subtype of the other. */
static bool equal_types(struct relation *r, struct validate_entity x, struct validate_entity y)
{
    const u32 pair[] = {x.type, y.type}, turned[] = {y.type, x.type};
    str key = {(const char *)pair, sizeof pair}, other = {(const char *)turned, sizeof turned};
    struct equals *e = r->equals;
    if (map_get(&e->pairs, key) != MAP_NONE)
        return true;
    if (!entity_matches(r, x, y))
        return false;
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct relation back = start(r->t, e, &scratch.arena, r->arena, r->why);
    bool fine = entity_matches(&back, y, x);
    arena_temp_end(&scratch);
    if (fine) {
        map_put(e->arena, &e->pairs, str_dup(e->arena, key), 0);
        map_put(e->arena, &e->pairs, str_dup(e->arena, other), 0);
    }
    return fine;
}

static bool type_matches(struct relation *r, validate_id sub, validate_id super)
{
    /* Copies: what is substituted may move the list. */
    const struct validate_type left = *validate_at(r->t, sub), right = *validate_at(r->t, super);
    const struct validate_type *x = &left, *y = &right;
    u32 sub_tag = x->tag, super_tag = y->tag;
    if (y->kind == DEF_RESOURCE && x->kind == DEF_RESOURCE) {
        if (!resource_matches(r, x->resource, y->resource))
            return false;
        take_tag(r, sub_tag, super_tag);
        return true;
    }
    if (y->kind == DEF_RESOURCE)
        return differ(r, STR("a resource"), text_of(r, sub));
    if (x->kind == DEF_RESOURCE)
        return differ(r, text_of(r, super), STR("a resource"));
    if (validate_is_value(x) && validate_is_value(y)) {
        if (!value_matches(r, sub, super))
            return false;
        take_tag(r, sub_tag, super_tag);
        return true;
    }
    if (x->kind != y->kind)
        return differ(r, text_of(r, super), text_of(r, sub));
    validate_id known = validate_substitute(&r->known, super);
    if (validate_at(r->t, sub)->plain == validate_at(r->t, known)->plain)
        return true;
    enum cm_sort sort = x->kind == DEF_FUNC        ? SORT_FUNC
                        : x->kind == DEF_COMPONENT ? SORT_COMPONENT
                                                   : SORT_INSTANCE;
    struct validate_entity a = {sort, sub}, b = {sort, known};
    return equal_types(r, a, b);
}

static bool entity_matches(struct relation *r, struct validate_entity sub,
                           struct validate_entity super)
{
    if (sub.sort != super.sort)
        return differ(r, entity_text_of(r, super), entity_text_of(r, sub));
    if (!validate_work(r->t, 1))
        return differ(r, STR("fewer types"), STR("more than can be compared"));
    if (sub.type == super.type && !validate_at(r->t, sub.type)->mentions)
        return true;
    switch (sub.sort) {
    case SORT_CORE_MODULE: return sub.type == super.type || module_matches(r, sub.type, super.type);
    case SORT_FUNC: return func_matches(r, sub.type, super.type);
    case SORT_VALUE: return value_matches(r, sub.type, super.type);
    case SORT_TYPE: return type_matches(r, sub.type, super.type);
    case SORT_COMPONENT: return component_matches(r, sub.type, super.type);
    case SORT_INSTANCE: return instance_matches(r, sub.type, super.type);
    default: return false;
    }
}

bool validate_subtype(struct validate_types *t, struct validate_entity sub,
                      struct validate_entity super, const u32 *open, u32 open_count,
                      struct arena *why_arena, struct validate_mismatch *why)
{
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct equals equals = {.arena = &scratch.arena};
    struct relation r = start(t, &equals, &scratch.arena, why_arena, why);
    open_resources(&r, open, open_count);
    bool fine = entity_matches(&r, sub, super);
    arena_temp_end(&scratch);
    return fine;
}

/* ---- Instantiation ---------------------------------------------------------------------------------------- */

static bool supply(struct relation *r, const struct validate_type *c,
                   const struct validate_item *args, u32 arg_count, u32 *import_index)
{
    struct map names = {0};
    for (u32 i = 0; i < arg_count; i++)
        map_add(r->known.scratch, &names, args[i].name.name, i);
    open_resources(r, c->imported, c->imported_count);
    for (u32 i = 0; i < c->import_count; i++) {
        r->around = args;
        r->around_count = arg_count;
        const struct validate_item *want = &c->imports[i];
        u32 arg = map_get(&names, want->name.name);
        *import_index = i;
        if (arg == MAP_NONE)
            return differ(r, entity_text_of(r, want->entity), STR("nothing"));
        if (!entity_matches(r, args[arg].entity, want->entity))
            return false;
    }
    return true;
}

bool validate_instantiate(struct validate_types *t, validate_id component,
                          const struct validate_item *args, u32 arg_count, validate_id *instance,
                          u32 *import_index, struct arena *why_arena, struct validate_mismatch *why)
{
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct equals equals = {.arena = &scratch.arena};
    struct relation r = start(t, &equals, &scratch.arena, why_arena, why);
    const struct validate_type c = *validate_at(t, component);
    *import_index = c.import_count;
    bool fine = validate_work_names(t, c.import_count + c.export_count) &&
                supply(&r, &c, args, arg_count, import_index);
    if (fine) {
        for (u32 i = 0; i < c.defined_count; i++)
            validate_numbers_put(r.known.scratch, &r.known.resources, c.defined[i],
                                 validate_new_resource(t, WASM_NONE, NULL));
        r.known.memo = (struct validate_numbers){0};
        struct validate_type made = validate_empty(DEF_INSTANCE);
        struct validate_item *exports =
            arena_array(r.known.scratch, struct validate_item, c.export_count);
        for (u32 i = 0; i < c.export_count; i++) {
            exports[i] = c.exports[i];
            exports[i].entity.type = validate_substitute(&r.known, c.exports[i].entity.type);
        }
        made.exports = exports;
        made.export_count = c.export_count;
        *instance = validate_make(t, &made);
        fine = !t->exhausted;
        *import_index = c.import_count;
    }
    arena_temp_end(&scratch);
    return fine;
}
