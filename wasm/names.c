/* names.c - reads the custom sections "name" and "component-name". An ill-formed one just names less. */
#include "names.h"

#include "reader.h"

const str wasm_producer_fields[WASM_PRODUCER_FIELDS] = {STR_INIT("language"), STR_INIT("sdk"),
                                                        STR_INIT("processed-by")};

static void read_map(struct arena *a, struct wasm_cursor *c, u32 outer, struct name_map *map)
{
    u32 n = wasm_get_count(c, 2);
    for (u32 i = 0; i < n && !c->failed; i++) {
        struct name_entry e = {.outer = outer, .index = wasm_get_u32(c), .map = map->maps};
        e.name = wasm_get_name(c);
        if (!c->failed) {
            *vec_push(a, &map->entries) = e;
        }
    }
    map->maps++;
}

static void read_indirect(struct arena *a, struct wasm_cursor *c, struct name_map *map)
{
    u32 n = wasm_get_count(c, 2);
    for (u32 i = 0; i < n && !c->failed; i++) {
        u32 outer = wasm_get_u32(c);
        read_map(a, c, outer, map);
    }
}

void wasm_names_of_module(struct arena *a, str section, u32 base, struct module_names *out)
{
    struct wasm_cursor top = wasm_cursor_of(0, section, base), c;
    u8 id;
    while (wasm_get_section(&top, &id, &c)) {
        if (id == NAMES_MODULE) {
            str name = wasm_get_name(&c);
            out->has_module |= !c.failed;
            out->module = c.failed ? out->module : name;
        } else if (id < NAMES_COUNT && name_space_is_indirect((enum name_space)id)) {
            read_indirect(a, &c, &out->maps[id]);
        } else if (id < NAMES_COUNT) {
            read_map(a, &c, 0, &out->maps[id]);
        }
    }
}

void wasm_names_of_component(struct arena *a, str section, u32 base, struct component_names *out)
{
    struct wasm_cursor top = wasm_cursor_of(0, section, base), c;
    u8 id;
    while (wasm_get_section(&top, &id, &c)) {
        if (id == 0) {
            str name = wasm_get_name(&c);
            out->has_name |= !c.failed;
            out->name = c.failed ? out->name : name;
        } else if (id == 1) {
            struct wasm_reader r = {.a = a, .c = c, .features = features_all()};
            enum cm_sort sort = wasm_rd_sort(&r);
            if (!r.c.failed) {
                read_map(a, &r.c, 0, &out->maps[sort]);
            }
        }
    }
}

/* NULL if there are no names. */
static const str *by_index(struct arena *a, const struct name_map *map, u32 count)
{
    if (!map->entries.len) {
        return NULL;
    }
    str *table = arena_array(a, str, count);
    for (u32 k = 0; k < map->entries.len; k++) {
        const struct name_entry *e = &map->entries.data[k];
        if (e->index < count) {
            table[e->index] = e->name;
        }
    }
    return table;
}

void wasm_read_names(struct arena *a, const struct wasm_module *m, struct wasm_names *out)
{
    *out = (struct wasm_names){0};
    for (u32 i = 0; i < m->customs.len; i++) {
        const struct wasm_custom *custom = &m->customs.data[i];
        if (!str_eq(custom->name, STR("name"))) {
            continue;
        }
        struct module_names names = {0};
        wasm_names_of_module(a, custom->bytes, 0, &names);
        out->module = names.module;
        out->funcs = by_index(a, &names.maps[NAMES_FUNCS], m->funcs.len);
        out->func_count = out->funcs ? m->funcs.len : 0;
        out->tags = by_index(a, &names.maps[NAMES_TAGS], m->tags.len);
        return;
    }
}

str wasm_component_name(const struct wasm_component *c)
{
    for (u32 i = 0; i < c->customs.len; i++) {
        if (!str_eq(c->customs.data[i].name, STR("component-name"))) {
            continue;
        }
        struct wasm_cursor top = wasm_cursor_of(0, c->customs.data[i].bytes, 0), contents;
        u8 id;
        while (wasm_get_section(&top, &id, &contents)) {
            str name = id == 0 ? wasm_get_name(&contents) : (str){0};
            if (name.len) {
                return name;
            }
        }
    }
    return (str){0};
}
