/* list.c - a short table of what worlds import and export. */
#include "wit-parser.h"

struct row {
    const char *verb;
    str name, what;
};

static void count(struct buf *b, u32 n, const char *what)
{
    if (n) {
        buf_printf(b, "%s%u %s%s", b->len ? ", " : "", n, what, n == 1 ? "" : "s");
    }
}

static str describe(const struct wit_resolve *r, struct arena *a, const struct wit_world_item *item)
{
    struct buf b = buf_in(a);
    if (item->kind == WIT_ITEM_FUNC) {
        wit_print_signature(&b, r, &item->func);
    } else if (item->kind == WIT_ITEM_TYPE) {
        struct wit_type t = wit_unalias(r, (struct wit_type){WIT_ID, item->type});
        buf_c(&b,
              t.kind == WIT_ID && r->types.data[t.id].kind == WIT_RESOURCE ? "resource" : "type");
    } else {
        const struct wit_interface *it = &r->interfaces.data[item->interface];
        count(&b, it->funcs.len, "function");
        count(&b, it->types.len, "type");
        if (!b.len) {
            buf_c(&b, "empty");
        }
        if (item->has_key_name && it->name.len) {
            buf_printf(&b, ", like " STRF, STRA(wit_interface_id(r, a, item->interface)));
        }
    }
    return buf_view(&b);
}

static bool is_method(const struct wit_world_item *item)
{
    return item->kind == WIT_ITEM_FUNC && item->func.kind != WIT_FREE;
}

static void print_rows(struct buf *out, const struct row *rows, u32 n)
{
    size_t width = 0;
    for (u32 i = 0; i < n; i++) {
        width = rows[i].name.len > width && rows[i].name.len <= 60 ? rows[i].name.len : width;
    }
    for (u32 i = 0; i < n; i++) {
        buf_printf(out, "  %-6s  " STRF, rows[i].verb, STRA(rows[i].name));
        buf_fill(out, ' ', (rows[i].name.len < width ? width - rows[i].name.len : 0) + 2);
        buf_str(out, rows[i].what);
        buf_byte(out, '\n');
    }
}

static void print_world(struct buf *out, const struct wit_resolve *r, u32 world, struct arena *a)
{
    const struct wit_world *w = &r->worlds.data[world];
    struct row *rows = arena_array(a, struct row, (size_t)w->imports.len + w->exports.len);
    u32 n = 0;
    for (u32 i = 0; i < w->imports.len + w->exports.len; i++) {
        bool import = i < w->imports.len;
        const struct wit_world_item *item =
            import ? &w->imports.data[i] : &w->exports.data[i - w->imports.len];
        if (!is_method(item)) {
            rows[n++] = (struct row){import ? "import" : "export", wit_item_name(r, a, item),
                                     describe(r, a, item)};
        }
    }
    buf_printf(out, "world " STRF "\n",
               STRA(w->package == WIT_NONE
                        ? w->name
                        : wit_item_id(a, &r->packages.data[w->package].name, w->name)));
    print_rows(out, rows, n);
}

void wit_print_list(struct buf *out, const struct wit_resolve *r, u32 package)
{
    struct arena *scratch = out->arena;
    const struct wit_package *p = &r->packages.data[package];
    for (u32 i = 0; i < p->worlds.len; i++) {
        print_world(out, r, p->worlds.data[i].type, scratch);
    }
    for (u32 i = 0; i < p->interfaces.len && !p->worlds.len; i++) {
        const struct wit_interface *it = &r->interfaces.data[p->interfaces.data[i].type];
        struct buf b = buf_in(scratch);
        count(&b, it->funcs.len, "function");
        count(&b, it->types.len, "type");
        buf_printf(out, "interface " STRF "  " STRF "\n",
                   STRA(wit_item_id(scratch, &p->name, it->name)), STRA(buf_view(&b)));
    }
}
