/* explain.c - a plugging plan in words, and a composition graph as a picture. */
#include "graph.h"

#include <cjson/cJSON.h>

/* ---- Words ------------------------------------------------------------------------------------------------ */

static void explain_match(const struct compose_graph *g, const u32 *plugs,
                          const struct compose_match *m, struct buf *out)
{
    switch (m->verdict) {
    case PLUG_CONNECTED: buf_printf(out, "  " STRF " -> connected\n", STRA(m->export_name)); break;
    case PLUG_CONNECTED_TO_VERSION:
        buf_printf(out, "  " STRF " -> connected to " STRF " (compatible version)\n",
                   STRA(m->export_name), STRA(m->import));
        break;
    case PLUG_TAKEN:
        buf_printf(out, "  " STRF " -> not used: " STRF " gives " STRF " already\n",
                   STRA(m->export_name), STRA(g->packages.data[plugs[m->by]].name),
                   STRA(m->import));
        break;
    case PLUG_NO_IMPORT:
        buf_printf(out, "  " STRF " -> not used: the socket has no such import\n",
                   STRA(m->export_name));
        break;
    case PLUG_VERSION:
        buf_printf(out,
                   "  " STRF " -> not used: the socket imports " STRF ", which is not compatible\n",
                   STRA(m->export_name), STRA(m->import));
        break;
    case PLUG_MISMATCH:
        buf_printf(out, "  " STRF " -> not used: " STRF "\n", STRA(m->export_name),
                   STRA(validate_mismatch_text(out->arena, &m->why)));
        break;
    }
}

static void explain_import(const struct compose_graph *g, const u32 *plugs,
                           const struct compose_plan *plan, str import, struct buf *out)
{
    for (u32 i = 0; i < plan->matches.len; i++) {
        const struct compose_match *m = &plan->matches.data[i];
        if ((m->verdict == PLUG_CONNECTED || m->verdict == PLUG_CONNECTED_TO_VERSION) &&
            str_eq(m->import, import)) {
            buf_printf(out, "  " STRF " <- " STRF "\n", STRA(import),
                       STRA(g->packages.data[plugs[m->plug]].name));
            return;
        }
    }
    buf_printf(out, "  " STRF " <- stays an import\n", STRA(import));
}

void compose_explain(const struct compose_graph *g, u32 socket, const u32 *plugs, u32 plug_count,
                     const struct compose_plan *plan, struct buf *out)
{
    const struct compose_package *s = &g->packages.data[socket];
    const struct validate_type *type = validate_get(g->types, s->type);
    for (u32 p = 0; p < plug_count; p++) {
        const struct compose_package *plug = &g->packages.data[plugs[p]];
        buf_printf(out, "plug " STRF ", exports:\n", STRA(plug->name));
        for (u32 i = 0; i < plan->matches.len; i++) {
            if (plan->matches.data[i].plug == p)
                explain_match(g, plugs, &plan->matches.data[i], out);
        }
        const struct validate_type *t = validate_get(g->types, plug->type);
        if (t->import_count)
            buf_printf(out, "plug " STRF ", imports:\n", STRA(plug->name));
        for (u32 i = 0; i < t->import_count; i++)
            buf_printf(out, "  " STRF " <- stays an import\n", STRA(t->imports[i].name.name));
    }
    buf_printf(out, "socket " STRF ", imports:\n", STRA(s->name));
    for (u32 i = 0; i < type->import_count; i++)
        explain_import(g, plugs, plan, type->imports[i].name.name, out);
}

/* ---- Pictures ------------------------------------------------------------------------------------------------ */

/* The instance (or import) that a node belongs to, and the exports on the way as "a.b". */
static u32 root_of(const struct compose_graph *g, u32 node, struct arena *a, str *path)
{
    *path = (str){0};
    while (g->nodes.data[node].kind == COMPOSE_EXPORT) {
        str name = g->nodes.data[node].export_name;
        *path = path->len ? str_printf(a, STRF "." STRF, STRA(name), STRA(*path)) : name;
        node = g->nodes.data[node].of;
    }
    return node;
}

static void quoted(struct buf *out, str s)
{
    buf_c(out, "\"");
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            buf_c(out, "\\");
        buf_byte(out, (u8)s.ptr[i]);
    }
    buf_c(out, "\"");
}

struct drawing {
    const struct compose_graph *g;
    struct buf *out;
    enum compose_picture how;
};

static void draw_edge(struct drawing *d, str from, str to, str export_, str import)
{
    str label = export_.len && import.len && !str_eq(export_, import)
                    ? str_printf(d->out->arena, STRF " as " STRF, STRA(export_), STRA(import))
                : import.len ? import
                             : export_;
    if (d->how == PICTURE_DOT) {
        buf_printf(d->out, "    " STRF " -> " STRF " [label=", STRA(from), STRA(to));
        quoted(d->out, label);
        buf_c(d->out, "];\n");
    } else {
        buf_printf(d->out, "    " STRF " -->|", STRA(from));
        quoted(d->out, label);
        buf_printf(d->out, "| " STRF "\n", STRA(to));
    }
}

static void draw_box(struct drawing *d, str id, str label, bool round)
{
    if (d->how == PICTURE_DOT) {
        buf_printf(d->out, "    " STRF " [label=", STRA(id));
        quoted(d->out, label);
        buf_c(d->out, round ? ", shape=oval];\n" : ", shape=box];\n");
    } else {
        buf_printf(d->out, "    " STRF "%s", STRA(id), round ? "([" : "[");
        quoted(d->out, label);
        buf_printf(d->out, "%s\n", round ? "])" : "]");
    }
}

static str node_id(struct arena *a, u32 node)
{
    return str_printf(a, "n%u", node);
}

static void draw_graph(struct drawing *d)
{
    const struct compose_graph *g = d->g;
    struct arena *a = d->out->arena;
    struct map imports = {0};
    str path;
    buf_c(d->out,
          d->how == PICTURE_DOT ? "digraph composition {\n    rankdir=LR;\n" : "flowchart LR\n");
    for (u32 i = 0; i < g->nodes.len; i++) {
        const struct compose_node *n = &g->nodes.data[i];
        if (n->kind != COMPOSE_EXPORT)
            draw_box(d, node_id(a, i), n->name, n->kind == COMPOSE_IMPORT);
    }
    for (u32 i = 0; i < g->nodes.len; i++) {
        const struct compose_node *n = &g->nodes.data[i];
        if (n->kind != COMPOSE_INSTANCE)
            continue;
        const struct validate_type *type =
            validate_get(g->types, g->packages.data[n->package].type);
        for (u32 k = 0; k < type->import_count; k++) {
            str name = type->imports[k].name.name;
            const struct compose_edge *edge = compose_find_edge(n, name);
            if (edge) {
                u32 root = root_of(g, edge->node, a, &path);
                draw_edge(d, node_id(a, root), node_id(a, i), path, name);
                continue;
            }
            /* Compatible versions become one import. */
            str track = validate_semver_track(a, name);
            u32 known = map_add(a, &imports, track.len ? track : name, imports.len);
            str id = str_printf(a, "i%u", known == MAP_NONE ? imports.len - 1 : known);
            if (known == MAP_NONE)
                draw_box(d, id, name, true);
            draw_edge(d, id, node_id(a, i), (str){0}, name);
        }
    }
    for (u32 i = 0; i < g->exports.len; i++) {
        str id = str_printf(a, "x%u", i);
        draw_box(d, id, g->exports.data[i].name.name, true);
        u32 root = root_of(g, g->exports.data[i].node, a, &path);
        draw_edge(d, node_id(a, root), id, path, g->exports.data[i].name.name);
    }
    buf_c(d->out, d->how == PICTURE_DOT ? "}\n" : "");
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static void json_str(struct arena *a, cJSON *object, const char *key, str value)
{
    cJSON_AddStringToObject(object, key, str_to_c(a, value));
}

static void json_instance(const struct compose_graph *g, struct arena *a, cJSON *list, u32 node)
{
    const struct compose_node *n = &g->nodes.data[node];
    const struct compose_package *p = &g->packages.data[n->package];
    const struct validate_type *type = validate_get(g->types, p->type);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(list, object);
    json_str(a, object, "name", n->name);
    json_str(a, object, "component", p->name);
    if (p->path.len)
        json_str(a, object, "path", p->path);
    cJSON *args = cJSON_AddArrayToObject(object, "imports");
    for (u32 k = 0; k < type->import_count; k++) {
        str path, name = type->imports[k].name.name;
        const struct compose_edge *edge = compose_find_edge(n, name);
        cJSON *arg = cJSON_CreateObject();
        cJSON_AddItemToArray(args, arg);
        json_str(a, arg, "import", name);
        if (!edge)
            continue;
        u32 root = root_of(g, edge->node, a, &path);
        json_str(a, arg, "from", g->nodes.data[root].name);
        if (path.len)
            json_str(a, arg, "export", path);
    }
}

static void draw_json(const struct compose_graph *g, struct buf *out)
{
    struct arena *a = out->arena;
    cJSON *root = cJSON_CreateObject();
    cJSON *instances = cJSON_AddArrayToObject(root, "instances");
    for (u32 i = 0; i < g->nodes.len; i++) {
        if (g->nodes.data[i].kind == COMPOSE_INSTANCE)
            json_instance(g, a, instances, i);
    }
    cJSON *exports = cJSON_AddArrayToObject(root, "exports");
    for (u32 i = 0; i < g->exports.len; i++) {
        str path;
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(exports, object);
        json_str(a, object, "name", g->exports.data[i].name.name);
        u32 from = root_of(g, g->exports.data[i].node, a, &path);
        json_str(a, object, "from", g->nodes.data[from].name);
        if (path.len)
            json_str(a, object, "export", path);
    }
    char *text = cJSON_Print(root);
    buf_c(out, text ? text : "{}");
    buf_c(out, "\n");
    cJSON_free(text);
    cJSON_Delete(root);
}

void compose_draw(const struct compose_graph *g, enum compose_picture how, struct buf *out)
{
    struct drawing d = {.g = g, .out = out, .how = how};
    if (how == PICTURE_JSON)
        draw_json(g, out);
    else
        draw_graph(&d);
}
