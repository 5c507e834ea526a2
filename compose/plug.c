/* plug.c - plugs components into a socket: exports of the plugs satisfy imports of the socket that have the same name, or
 * a compatible version of it, and whose type they fit. */
#include "graph.h"

/* "ns:package/interface" of "ns:package/interface@1.2.3". */
static str without_version(str name)
{
    size_t at = str_rfind_char(name, '@');
    return at == SIZE_MAX ? name : str_sub(name, 0, at);
}

/* The import that an export would go to: of the same name, else the first of a compatible version. */
static const struct validate_item *find_import(const struct compose_graph *g,
                                               const struct validate_type *socket, str export_,
                                               enum compose_verdict *verdict)
{
    str track = validate_semver_track(g->arena, export_);
    const struct validate_item *near = NULL, *same = NULL;
    *verdict = PLUG_NO_IMPORT;
    for (u32 i = 0; i < socket->import_count; i++) {
        const struct validate_item *item = &socket->imports[i];
        str name = item->name.name;
        if (str_eq(name, export_)) {
            *verdict = PLUG_CONNECTED;
            return item;
        }
        if (!same && track.len && str_eq(track, validate_semver_track(g->arena, name)))
            same = item;
        if (!near && str_find_char(export_, ':', 0) != SIZE_MAX &&
            str_eq(without_version(name), without_version(export_)))
            near = item;
    }
    *verdict = same ? PLUG_CONNECTED_TO_VERSION : near ? PLUG_VERSION : PLUG_NO_IMPORT;
    return same ? same : near;
}

static struct compose_match match_export(struct compose_graph *g,
                                         const struct validate_type *socket,
                                         const struct validate_item *item, u32 plug,
                                         const u32 *taken)
{
    struct compose_match m = {.plug = plug, .export_name = item->name.name};
    const struct validate_item *import = find_import(g, socket, item->name.name, &m.verdict);
    if (!import)
        return m;
    m.import = import->name.name;
    if (m.verdict == PLUG_VERSION)
        return m;
    if (!validate_subtype(g->types, item->entity, import->entity, socket->imported,
                          socket->imported_count, g->arena, &m.why)) {
        m.verdict = PLUG_MISMATCH;
        return m;
    }
    u32 at = (u32)(import - socket->imports);
    if (taken[at] != MAP_NONE) {
        m.verdict = PLUG_TAKEN;
        m.by = taken[at];
    }
    return m;
}

static bool is_connected(enum compose_verdict v)
{
    return v == PLUG_CONNECTED || v == PLUG_CONNECTED_TO_VERSION;
}

/* ---- Reports ------------------------------------------------------------------------------------------ */

static void names_note(struct diags *d, struct diag *x, str who, const char *what,
                       const struct validate_item *items, u32 n)
{
    struct buf b = buf_in(d->arena);
    enum { MOST = 12 };
    for (u32 i = 0; i < n && i < MOST; i++)
        buf_printf(&b, "%s`" STRF "`", i ? ", " : "", STRA(items[i].name.name));
    if (n > MOST)
        buf_printf(&b, " and %u more", n - MOST);
    if (n)
        diag_note(d, x, "`" STRF "` %ss " STRF, STRA(who), what, STRA(buf_view(&b)));
    else
        diag_note(d, x, "`" STRF "` %ss nothing", STRA(who), what);
}

static void match_note(const struct compose_graph *g, struct diags *d, struct diag *x,
                       const struct compose_match *m, const u32 *plugs)
{
    switch (m->verdict) {
    case PLUG_MISMATCH:
        diag_note(d, x, "export `" STRF "` does not fit import `" STRF "`: " STRF,
                  STRA(m->export_name), STRA(m->import),
                  STRA(validate_mismatch_text(d->arena, &m->why)));
        break;
    case PLUG_VERSION:
        diag_note(d, x, "export `" STRF "` is not compatible with the version of import `" STRF "`",
                  STRA(m->export_name), STRA(m->import));
        break;
    case PLUG_TAKEN:
        diag_note(d, x, "import `" STRF "` is taken by `" STRF "` already", STRA(m->import),
                  STRA(g->packages.data[plugs[m->by]].name));
        break;
    default: break;
    }
}

/* A plug that fits nothing: what was compared, and why none of it fits. */
static bool fits_nothing(const struct compose_graph *g, const struct validate_type *socket,
                         u32 socket_package, const u32 *plugs, u32 plug,
                         const struct compose_plan *plan, struct diags *d)
{
    const struct compose_package *p = &g->packages.data[plugs[plug]];
    const struct compose_package *s = &g->packages.data[socket_package];
    const struct validate_type *type = validate_get(g->types, p->type);
    struct diag *x =
        diag_error(d, CODE_COMPOSE, (span){0}, "plug `" STRF "` fits no import of `" STRF "`",
                   STRA(p->name), STRA(s->name));
    for (u32 i = 0; i < plan->matches.len; i++) {
        if (plan->matches.data[i].plug == plug)
            match_note(g, d, x, &plan->matches.data[i], plugs);
    }
    names_note(d, x, p->name, "export", type->exports, type->export_count);
    names_note(d, x, s->name, "import", socket->imports, socket->import_count);
    return false;
}

/* ---- Plugging ----------------------------------------------------------------------------------------------- */

static u32 plug_one(struct compose_graph *g, const struct validate_type *socket, u32 plug,
                    u32 package, u32 *taken, struct compose_plan *plan)
{
    const struct validate_type type = *validate_get(g->types, g->packages.data[package].type);
    u32 connected = 0;
    for (u32 i = 0; i < type.export_count; i++) {
        struct compose_match m = match_export(g, socket, &type.exports[i], plug, taken);
        if (is_connected(m.verdict)) {
            connected++;
            for (u32 k = 0; k < socket->import_count; k++) {
                if (str_eq(socket->imports[k].name.name, m.import))
                    taken[k] = plug;
            }
        }
        *vec_push(g->arena, &plan->matches) = m;
    }
    return connected;
}

bool compose_plug(struct compose_graph *g, u32 socket, const u32 *plugs, u32 plug_count,
                  struct compose_plan *plan, struct diags *d)
{
    const struct validate_type type = *validate_get(g->types, g->packages.data[socket].type);
    u32 *taken = arena_array(g->arena, u32, type.import_count);
    memset(taken, 0xff, type.import_count * sizeof *taken);
    u32 *nodes = arena_array(g->arena, u32, plug_count);
    bool fine = true;
    for (u32 i = 0; i < plug_count; i++) {
        if (plug_one(g, &type, i, plugs[i], taken, plan))
            nodes[i] = compose_add_instance(g, plugs[i], g->packages.data[plugs[i]].name);
        else
            fine = fits_nothing(g, &type, socket, plugs, i, plan, d);
    }
    if (!fine)
        return false;
    u32 instance = compose_add_instance(g, socket, g->packages.data[socket].name);
    for (u32 i = 0; i < plan->matches.len; i++) {
        const struct compose_match *m = &plan->matches.data[i];
        if (is_connected(m->verdict))
            compose_connect(g, instance, m->import,
                            compose_add_alias(g, nodes[m->plug], m->export_name), (span){0});
    }
    for (u32 i = 0; i < type.export_count; i++)
        compose_add_export(g, type.exports[i].name,
                           compose_add_alias(g, instance, type.exports[i].name.name));
    return true;
}
