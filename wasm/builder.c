/* builder.c - components under construction: items in order, indices counted. */
#include "wasm.h"

void cm_builder_init(struct cm_builder *b, struct arena *a)
{
    *b = (struct cm_builder){.arena = a, .component = arena_new(a, struct wasm_component)};
}

/* Records an item and gives the index that it gets in its index space. */
static u32 add_item(struct cm_builder *b, enum cm_item_kind kind, u32 index, u32 width)
{
    struct cm_item item = {.kind = kind, .index = index};
    *vec_push(b->arena, &b->component->items) = item;
    enum cm_sort sort = cm_item_sort(b->component, item);
    if (sort == SORT_COUNT) {
        return 0;
    }
    u32 at = b->count[sort];
    b->count[sort] += width;
    return at;
}

#define ADD(b, TABLE, KIND, value)                            \
    (*vec_push((b)->arena, &(b)->component->TABLE) = (value), \
     add_item((b), (KIND), (b)->component->TABLE.len - 1, 1))

u32 cm_add_module(struct cm_builder *b, struct wasm_module *module)
{
    return ADD(b, modules, ITEM_CORE_MODULE, module);
}

u32 cm_add_core_instance(struct cm_builder *b, struct cm_instance instance)
{
    return ADD(b, core_instances, ITEM_CORE_INSTANCE, instance);
}

u32 cm_add_component(struct cm_builder *b, struct wasm_component *component)
{
    return ADD(b, components, ITEM_COMPONENT, component);
}

u32 cm_add_instance(struct cm_builder *b, struct cm_instance instance)
{
    return ADD(b, instances, ITEM_INSTANCE, instance);
}

u32 cm_add_alias(struct cm_builder *b, struct cm_alias alias)
{
    return ADD(b, aliases, ITEM_ALIAS, alias);
}

u32 cm_add_type(struct cm_builder *b, struct cm_type type)
{
    return ADD(b, types, ITEM_TYPE, type);
}

u32 cm_add_core_type(struct cm_builder *b, struct cm_core_type type)
{
    *vec_push(b->arena, &b->component->core_types) = type;
    return add_item(b, ITEM_CORE_TYPE, b->component->core_types.len - 1,
                    type.is_module ? 1 : type.type_count);
}

u32 cm_add_canon(struct cm_builder *b, struct cm_canon canon)
{
    return ADD(b, canons, ITEM_CANON, canon);
}

u32 cm_add_import(struct cm_builder *b, struct cm_import import)
{
    return ADD(b, imports, ITEM_IMPORT, import);
}

u32 cm_add_export(struct cm_builder *b, struct cm_export export_)
{
    return ADD(b, exports, ITEM_EXPORT, export_);
}

void cm_add_custom(struct cm_builder *b, str name, str bytes)
{
    struct wasm_custom custom = {.name = name, .bytes = bytes};
    ADD(b, customs, ITEM_CUSTOM, custom);
}
