/* targets.c - does a component fit a world? It may import what the world imports, or less, and must export what the world
 * exports, or more. */
#include "graph.h"

bool compose_world_type(struct compose_graph *g, struct wit_resolve *r, u32 world,
                        validate_id *type, struct diags *d)
{
    struct buf *bytes = arena_new(g->arena, struct buf);
    struct wasm_component *c;
    validate_id package;
    *bytes = buf_in(g->arena);
    if (!wit_encode_world(r, world, ENCODING_UTF8, bytes))
        return false;
    u32 source = sources_add(d->sources, STR("<world>"), buf_view(bytes), SOURCE_BINARY);
    if (!wasm_read_component(g->arena, source, buf_view(bytes), 0, features_all(), &c, d) ||
        !validate_component(g->types, c, features_all(), &package, d))
        return false;
    /* A component that exports, as a type, a component that exports a component of the world's type. */
    const struct validate_type *outer = validate_get(g->types, package);
    for (u32 i = 0; i < outer->export_count; i++) {
        const struct validate_type *t = validate_get(g->types, outer->exports[i].entity.type);
        if (t->kind != DEF_COMPONENT || t->export_count != 1 ||
            t->exports[0].entity.sort != SORT_COMPONENT)
            continue;
        *type = t->exports[0].entity.type;
        return true;
    }
    diag_error(d, CODE_COMPOSE, (span){0}, "the encoded world has no component type");
    return false;
}

/* The item of a name; if asked, else the first of a compatible version. */
static const struct validate_item *find_item(const struct compose_graph *g,
                                             const struct validate_item *items, u32 n, str name,
                                             bool compatible)
{
    const struct validate_item *item = validate_find(items, n, name);
    str track = compatible ? validate_semver_track(g->arena, name) : (str){0};
    for (u32 i = 0; !item && track.len && i < n; i++) {
        if (str_eq(track, validate_semver_track(g->arena, items[i].name.name)))
            item = &items[i];
    }
    return item;
}

static span place(const struct compose_targets_options *how, bool import, str name)
{
    for (u32 i = 0; i < how->place_count; i++) {
        if (how->places[i].import == import && str_eq(how->places[i].name, name))
            return how->places[i].at;
    }
    return how->at;
}

static const char *side_word(bool import)
{
    return import ? "import" : "export";
}

static bool absent(const struct compose_graph *g, const struct validate_item *items, u32 n,
                   str name, bool import, span at, struct diags *d)
{
    struct diag *x =
        import
            ? diag_error(d, CODE_COMPOSE, at,
                         "the component imports `" STRF "`, which the world does not", STRA(name))
            : diag_error(d, CODE_COMPOSE, at,
                         "the component does not export `" STRF "`, which the world does",
                         STRA(name));
    str *names = arena_array(g->arena, str, n);
    for (u32 i = 0; i < n; i++) {
        names[i] = items[i].name.name;
        str head, other;
        str_cut(names[i], '@', &head);
        str_cut(name, '@', &other);
        if (str_eq(head, other))
            diag_note(d, x, "%s has another version: `" STRF "`",
                      import ? "the world" : "the component", STRA(names[i]));
    }
    if (str_find_char(name, ':', 0) == SIZE_MAX)
        diag_suggest(d, x, name, names, n);
    return false;
}

static bool check_side(struct compose_graph *g, const struct validate_type *component,
                       const struct validate_type *world, bool import,
                       const struct compose_targets_options *how, struct diags *d)
{
    /* Imports: what the world gives must fit what the component wants; exports the other way round. */
    const struct validate_type *want = import ? component : world;
    const struct validate_type *have = import ? world : component;
    const struct validate_item *wants = import ? want->imports : want->exports;
    const struct validate_item *haves = import ? have->imports : have->exports;
    u32 want_count = import ? want->import_count : want->export_count;
    u32 have_count = import ? have->import_count : have->export_count;
    VEC(u32) open = {0};
    for (u32 i = 0; i < want->imported_count; i++)
        *vec_push(g->arena, &open) = want->imported[i];
    for (u32 i = 0; i < want->defined_count; i++)
        *vec_push(g->arena, &open) = want->defined[i];
    bool fine = true;
    for (u32 i = 0; i < want_count; i++) {
        struct validate_mismatch why = {0};
        const struct validate_item *item =
            find_item(g, haves, have_count, wants[i].name.name, how->compatible_versions);
        if (!item) {
            fine = absent(g, haves, have_count, wants[i].name.name, import,
                          place(how, import, wants[i].name.name), d);
            continue;
        }
        if (validate_subtype(g->types, item->entity, wants[i].entity, open.data, open.len, g->arena,
                             &why))
            continue;
        struct diag *x = diag_error(d, CODE_COMPOSE, place(how, import, item->name.name),
                                    "%s `" STRF "` of the component does not fit the world",
                                    side_word(import), STRA(wants[i].name.name));
        diag_note(d, x, STRF, STRA(validate_mismatch_text(g->arena, &why)));
        fine = false;
    }
    return fine;
}

bool compose_targets(struct compose_graph *g, validate_id component, validate_id world,
                     const struct compose_targets_options *how, struct diags *d)
{
    const struct validate_type c = *validate_get(g->types, component);
    const struct validate_type w = *validate_get(g->types, world);
    bool fine = check_side(g, &c, &w, true, how, d);
    fine &= check_side(g, &c, &w, false, how, d);
    if (!fine || how->compatible_versions)
        return fine;
    /* All at once: a resource must be the same wherever it is used. */
    struct validate_entity sub = {SORT_COMPONENT, component}, super = {SORT_COMPONENT, world};
    struct validate_mismatch why = {0};
    if (validate_subtype(g->types, sub, super, NULL, 0, g->arena, &why))
        return true;
    struct diag *x = diag_error(d, CODE_COMPOSE, how->at, "the component does not fit the world");
    diag_note(d, x, STRF, STRA(validate_mismatch_text(g->arena, &why)));
    return false;
}
