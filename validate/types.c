/* types.c - interned component types, with what follows from their structure: sizes, flattening, and whether
 * handles are in them. */
#include "types.h"

/* ---- Small maps of numbers ------------------------------------------------------------------------- */

static u32 *find_slot(const struct validate_numbers *m, u32 key)
{
    u32 i = (key * 0x9e3779b1u) & (m->cap - 1);
    while (m->slots[2 * i] && m->slots[2 * i] != key + 1)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[2 * i];
}

u32 validate_numbers_get(const struct validate_numbers *m, u32 key)
{
    if (!m->cap)
        return VALIDATE_NONE;
    u32 *slot = find_slot(m, key);
    return slot[0] ? slot[1] : VALIDATE_NONE;
}

void validate_numbers_put(struct arena *a, struct validate_numbers *m, u32 key, u32 value)
{
    if (2 * (m->len + 1) > m->cap) {
        struct validate_numbers old = *m;
        m->cap = old.cap ? old.cap * 2 : 16;
        m->slots = arena_array(a, u32, (size_t)m->cap * 2);
        for (u32 i = 0; i < old.cap; i++) {
            if (old.slots[2 * i])
                memcpy(find_slot(m, old.slots[2 * i] - 1), &old.slots[2 * i], 2 * sizeof(u32));
        }
    }
    u32 *slot = find_slot(m, key);
    m->len += slot[0] == 0;
    slot[0] = key + 1;
    slot[1] = value;
}

/* ---- Facts -------------------------------------------------------------------------------------------- */

#define MAX_BYTES ((u64)1 << 40)

static u64 align_to(u64 n, u64 alignment)
{
    return (n + alignment - 1) / alignment * alignment;
}

static u64 saturate(u64 n)
{
    return n < MAX_BYTES ? n : MAX_BYTES;
}

/* What a record or a case has in memory so far. */
struct layout {
    u64 size32, size64;
    u8 align32, align64;
};

static void layout_append(struct layout *l, const struct validate_type *t)
{
    l->size32 = saturate(align_to(l->size32, t->align32) + t->elem32);
    l->size64 = saturate(align_to(l->size64, t->align64) + t->elem64);
    if (t->align32 > l->align32)
        l->align32 = t->align32;
    if (t->align64 > l->align64)
        l->align64 = t->align64;
}

static void layout_set(struct validate_type *def, struct layout l)
{
    def->align32 = l.align32;
    def->align64 = l.align64;
    def->elem32 = saturate(align_to(l.size32, l.align32));
    def->elem64 = saturate(align_to(l.size64, l.align64));
}

static void flat_append(struct validate_type *def, const struct validate_type *part)
{
    if (def->flat_count + part->flat_count > VALIDATE_MAX_FLAT) {
        def->flat_count = VALIDATE_MAX_FLAT + 1;
        return;
    }
    memcpy(def->flat32 + def->flat_count, part->flat32, part->flat_count);
    memcpy(def->flat64 + def->flat_count, part->flat64, part->flat_count);
    def->flat_count += part->flat_count;
}

static u8 join(u8 a, u8 b)
{
    if (a == b)
        return a;
    if ((a == WASM_I32 && b == WASM_F32) || (a == WASM_F32 && b == WASM_I32))
        return WASM_I32;
    return WASM_I64;
}

/* A case of a variant lies over those before it. */
static void flat_overlay(struct validate_type *def, const struct validate_type *part)
{
    if (def->flat_count > VALIDATE_MAX_FLAT || part->flat_count + 1 > VALIDATE_MAX_FLAT) {
        def->flat_count = VALIDATE_MAX_FLAT + 1;
        return;
    }
    for (u32 i = 0; i < part->flat_count; i++) {
        if (i + 1 < def->flat_count) {
            def->flat32[i + 1] = join(def->flat32[i + 1], part->flat32[i]);
            def->flat64[i + 1] = join(def->flat64[i + 1], part->flat64[i]);
        } else {
            def->flat32[i + 1] = part->flat32[i];
            def->flat64[i + 1] = part->flat64[i];
            def->flat_count = (u8)(i + 2);
        }
    }
}

static void scalar(struct validate_type *def, u8 bytes, u8 kind)
{
    layout_set(def, (struct layout){bytes, bytes, bytes, bytes});
    def->flat_count = 1;
    def->flat32[0] = def->flat64[0] = kind;
}

/* Pointer and length. */
static void slice(struct validate_type *def)
{
    layout_set(def, (struct layout){8, 16, 4, 8});
    def->flat_count = 2;
    def->flat32[0] = def->flat32[1] = WASM_I32;
    def->flat64[0] = def->flat64[1] = WASM_I64;
    def->has_pointer = true;
}

static void prim_facts(struct validate_type *def)
{
    switch ((enum cm_prim)def->prim) {
    case PRIM_BOOL:
    case PRIM_S8:
    case PRIM_U8: scalar(def, 1, WASM_I32); break;
    case PRIM_S16:
    case PRIM_U16: scalar(def, 2, WASM_I32); break;
    case PRIM_S32:
    case PRIM_U32:
    case PRIM_CHAR: scalar(def, 4, WASM_I32); break;
    case PRIM_S64:
    case PRIM_U64: scalar(def, 8, WASM_I64); break;
    case PRIM_F32: scalar(def, 4, WASM_F32); break;
    case PRIM_F64: scalar(def, 8, WASM_F64); break;
    case PRIM_STRING: slice(def); break;
    case PRIM_ERROR_CONTEXT:
        scalar(def, 4, WASM_I32);
        def->has_handle = true;
        break;
    }
}

static void absorb(struct validate_type *def, const struct validate_type *part)
{
    u64 size = (u64)def->size + part->size;
    def->size = size > VALIDATE_MAX_SIZE ? VALIDATE_MAX_SIZE + 1 : (u32)size;
    if (part->depth + 1 > def->depth)
        def->depth = part->depth + 1;
    def->has_borrow |= part->has_borrow;
    def->has_handle |= part->has_handle;
    def->has_pointer |= part->has_pointer;
    def->mentions |= part->mentions;
    def->tagged |= part->tagged;
}

static void variant_facts(struct validate_types *t, struct validate_type *def, u32 cases,
                          const validate_id *payloads)
{
    u8 tag = cases <= 0x100 ? 1 : cases <= 0x10000 ? 2 : 4;
    struct layout body = {0, 0, 1, 1};
    def->flat_count = 1;
    def->flat32[0] = def->flat64[0] = WASM_I32;
    for (u32 i = 0; i < cases; i++) {
        if (payloads[i] == VALIDATE_NONE)
            continue;
        const struct validate_type *part = validate_at(t, payloads[i]);
        struct layout one = {0, 0, 1, 1};
        layout_append(&one, part);
        body.size32 = one.size32 > body.size32 ? one.size32 : body.size32;
        body.size64 = one.size64 > body.size64 ? one.size64 : body.size64;
        body.align32 = one.align32 > body.align32 ? one.align32 : body.align32;
        body.align64 = one.align64 > body.align64 ? one.align64 : body.align64;
        flat_overlay(def, part);
    }
    struct layout l = {
        align_to(tag, body.align32) + body.size32, align_to(tag, body.align64) + body.size64,
        tag > body.align32 ? tag : body.align32, tag > body.align64 ? tag : body.align64};
    layout_set(def, l);
}

static void case_facts(struct validate_types *t, struct validate_type *def)
{
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    validate_id *payloads = arena_array(&scratch.arena, validate_id, def->label_count);
    for (u32 i = 0; i < def->label_count; i++)
        payloads[i] = def->labels[i].type;
    variant_facts(t, def, def->label_count, payloads);
    arena_temp_end(&scratch);
}

static u64 saturated_product(u64 size, u32 n)
{
    return n && size > MAX_BYTES / n ? MAX_BYTES : size * n;
}

static void fixed_list_facts(struct validate_type *def, const struct validate_type *element)
{
    layout_set(def, (struct layout){saturated_product(element->elem32, def->length),
                                    saturated_product(element->elem64, def->length),
                                    element->align32, element->align64});
    for (u32 i = 0; i < def->length && def->flat_count <= VALIDATE_MAX_FLAT; i++) {
        flat_append(def, element);
        if (!element->flat_count)
            break;
    }
    u64 size = 1 + (u64)element->size;
    def->size = size > VALIDATE_MAX_SIZE ? VALIDATE_MAX_SIZE + 1 : (u32)size;
}

static void value_facts(struct validate_types *t, struct validate_type *def)
{
    switch (def->kind) {
    case DEF_PRIM: prim_facts(def); break;
    case DEF_RECORD:
    case DEF_TUPLE: {
        struct layout l = {0, 0, 1, 1};
        for (u32 i = 0; i < def->label_count; i++) {
            layout_append(&l, validate_at(t, def->labels[i].type));
            if (def->flat_count <= VALIDATE_MAX_FLAT)
                flat_append(def, validate_at(t, def->labels[i].type));
        }
        layout_set(def, l);
        break;
    }
    case DEF_VARIANT:
    case DEF_ENUM: case_facts(t, def); break;
    case DEF_OPTION: variant_facts(t, def, 2, (validate_id[]){VALIDATE_NONE, def->element}); break;
    case DEF_RESULT: variant_facts(t, def, 2, (validate_id[]){def->element, def->second}); break;
    case DEF_FLAGS:
        scalar(def, def->label_count <= 8 ? 1 : def->label_count <= 16 ? 2 : 4, WASM_I32);
        break;
    case DEF_LIST:
    case DEF_MAP: slice(def); break;
    case DEF_FIXED_LIST: fixed_list_facts(def, validate_at(t, def->element)); break;
    case DEF_BORROW: def->has_borrow = true; /* fall through */
    case DEF_OWN:
    case DEF_STREAM:
    case DEF_FUTURE:
        scalar(def, 4, WASM_I32);
        def->has_handle = true;
        break;
    default: break;
    }
}

static void facts(struct validate_types *t, struct validate_type *def)
{
    def->size = 1;
    def->align32 = def->align64 = 1;
    def->tagged = def->tag || def->handle_tag;
    def->mentions = def->kind == DEF_OWN || def->kind == DEF_BORROW || def->kind == DEF_RESOURCE;
    for (u32 i = 0; i < def->label_count; i++) {
        if (def->labels[i].type != VALIDATE_NONE)
            absorb(def, validate_at(t, def->labels[i].type));
        else
            def->size++;
    }
    if (def->element != VALIDATE_NONE)
        absorb(def, validate_at(t, def->element));
    if (def->second != VALIDATE_NONE)
        absorb(def, validate_at(t, def->second));
    for (u32 i = 0; i < def->import_count; i++)
        absorb(def, validate_at(t, def->imports[i].entity.type));
    for (u32 i = 0; i < def->export_count; i++)
        absorb(def, validate_at(t, def->exports[i].entity.type));
    u64 size = (u64)def->size + def->core_import_count + def->core_export_count;
    def->size = size > VALIDATE_MAX_SIZE ? VALIDATE_MAX_SIZE + 1 : (u32)size;
    if (def->kind == DEF_STREAM || def->kind == DEF_FUTURE)
        def->has_pointer = false;
    value_facts(t, def);
    if (def->kind == DEF_COMPONENT || def->kind == DEF_INSTANCE)
        def->has_borrow = def->has_handle = def->has_pointer = false;
}

/* ---- Interning -------------------------------------------------------------------------------------------- */

static void key_u32(struct buf *b, u32 word)
{
    buf_put(b, &word, sizeof word);
}

static void key_str(struct buf *b, str s)
{
    key_u32(b, s.ptr ? (u32)s.len : UINT32_MAX);
    buf_str(b, s);
}

static void key_items(struct buf *b, const struct validate_item *items, u32 n)
{
    key_u32(b, n);
    for (u32 i = 0; i < n; i++) {
        key_str(b, items[i].name.name);
        key_str(b, items[i].name.implements);
        key_str(b, items[i].name.version_suffix);
        key_str(b, items[i].name.external_id);
        key_u32(b, items[i].entity.sort);
        key_u32(b, items[i].entity.type);
    }
}

static void key_extern(struct buf *b, const struct wasm_externtype *e)
{
    const struct wasm_limits *l = e->kind == EXTERN_TABLE ? &e->table.limits : &e->memory;
    key_u32(b, e->kind | (u32)e->exact << 8);
    switch (e->kind) {
    case EXTERN_FUNC:
    case EXTERN_TAG: key_u32(b, e->type); return;
    case EXTERN_GLOBAL:
        key_u32(b, e->global.type);
        key_u32(b, (u32)e->global.is_mutable | (u32)e->global.is_shared << 1);
        return;
    case EXTERN_TABLE: key_u32(b, e->table.element); break;
    case EXTERN_MEMORY: break;
    }
    key_u32(b, (u32)l->has_max | (u32)l->is_shared << 1 | (u32)l->is_64 << 2 |
                   (u32)l->has_page_size << 3 | (u32)l->page_size_log2 << 8);
    buf_put(b, &l->min, sizeof l->min);
    buf_put(b, &l->max, sizeof l->max);
}

static void make_key(struct buf *b, const struct validate_type *d)
{
    b->len = 0;
    key_u32(b, d->kind | (u32)d->prim << 8 | (u32)d->is_async << 16);
    key_u32(b, d->tag);
    key_u32(b, d->handle_tag);
    key_u32(b, d->uses);
    key_u32(b, d->element);
    key_u32(b, d->second);
    key_u32(b, d->length);
    key_u32(b, d->resource);
    key_u32(b, d->label_count);
    for (u32 i = 0; i < d->label_count; i++) {
        key_str(b, d->labels[i].name);
        key_u32(b, d->labels[i].type);
    }
    key_items(b, d->imports, d->import_count);
    key_items(b, d->exports, d->export_count);
    key_u32(b, d->imported_count);
    for (u32 i = 0; i < d->imported_count; i++)
        key_u32(b, d->imported[i]);
    key_u32(b, d->defined_count);
    for (u32 i = 0; i < d->defined_count; i++)
        key_u32(b, d->defined[i]);
    key_u32(b, d->core_import_count);
    for (u32 i = 0; i < d->core_import_count; i++) {
        key_str(b, d->core_imports[i].module);
        key_str(b, d->core_imports[i].name);
        key_extern(b, &d->core_imports[i].type);
    }
    key_u32(b, d->core_export_count);
    for (u32 i = 0; i < d->core_export_count; i++) {
        key_str(b, d->core_exports[i].name);
        key_extern(b, &d->core_exports[i].type);
    }
}

static const void *copy(struct arena *a, const void *from, u32 n, size_t size)
{
    if (!n)
        return NULL;
    void *to = arena_alloc_array(a, n, size);
    memcpy(to, from, n * size);
    return to;
}

static const struct map *index_of(struct arena *a, const struct validate_item *items, u32 n)
{
    if (n <= 8)
        return NULL;
    struct map *m = arena_new(a, struct map);
    for (u32 i = 0; i < n; i++)
        map_add(a, m, items[i].name.name, i);
    return m;
}

static const struct map *core_index_of(struct arena *a, const struct validate_core_export *items,
                                       u32 n)
{
    if (n <= 8)
        return NULL;
    struct map *m = arena_new(a, struct map);
    for (u32 i = 0; i < n; i++)
        map_add(a, m, items[i].name, i);
    return m;
}

static validate_id plain_of(const struct validate_types *t, validate_id id)
{
    return id == VALIDATE_NONE ? id : validate_at(t, id)->plain;
}

static const struct validate_item *plain_items(struct validate_types *t, struct arena *a,
                                               const struct validate_item *items, u32 n,
                                               bool *changed)
{
    struct validate_item *out = arena_array(a, struct validate_item, n);
    for (u32 i = 0; i < n; i++) {
        out[i] = items[i];
        out[i].entity.type = plain_of(t, items[i].entity.type);
        *changed |= out[i].entity.type != items[i].entity.type;
    }
    return out;
}

/* The same without any tags: itself if it has none. */
static validate_id make_plain(struct validate_types *t, validate_id self)
{
    struct arena_temp scratch;
    struct validate_type d = *validate_at(t, self);
    bool changed = d.tag || d.handle_tag || d.uses;
    arena_temp_begin(&scratch);
    d.tag = d.handle_tag = d.uses = 0;
    struct validate_label *labels =
        arena_array(&scratch.arena, struct validate_label, d.label_count);
    for (u32 i = 0; i < d.label_count; i++) {
        labels[i] = d.labels[i];
        labels[i].type = plain_of(t, labels[i].type);
        changed |= labels[i].type != d.labels[i].type;
    }
    d.labels = labels;
    changed |= d.element != plain_of(t, d.element) || d.second != plain_of(t, d.second);
    d.element = plain_of(t, d.element);
    d.second = plain_of(t, d.second);
    d.imports = plain_items(t, &scratch.arena, d.imports, d.import_count, &changed);
    d.exports = plain_items(t, &scratch.arena, d.exports, d.export_count, &changed);
    validate_id plain = changed ? validate_make(t, &d) : self;
    arena_temp_end(&scratch);
    return plain;
}

validate_id validate_make(struct validate_types *t, const struct validate_type *def)
{
    make_key(&t->key, def);
    u32 found = map_get(&t->interned, buf_view(&t->key));
    if (found != MAP_NONE)
        return found;
    struct validate_type d = *def;
    d.flat_count = 0;
    d.has_borrow = d.has_handle = d.has_pointer = false;
    d.depth = 0;
    facts(t, &d);
    if (d.size > VALIDATE_MAX_SIZE || d.depth > VALIDATE_MAX_DEPTH ||
        (validate_is_value(&d) && d.depth >= VALIDATE_MAX_LEVELS))
        return VALIDATE_NONE;
    struct arena *a = t->arena;
    d.labels = copy(a, d.labels, d.label_count, sizeof *d.labels);
    d.imports = copy(a, d.imports, d.import_count, sizeof *d.imports);
    d.exports = copy(a, d.exports, d.export_count, sizeof *d.exports);
    d.imported = copy(a, d.imported, d.imported_count, sizeof *d.imported);
    d.defined = copy(a, d.defined, d.defined_count, sizeof *d.defined);
    d.core_imports = copy(a, d.core_imports, d.core_import_count, sizeof *d.core_imports);
    d.core_exports = copy(a, d.core_exports, d.core_export_count, sizeof *d.core_exports);
    d.import_index = index_of(a, d.imports, d.import_count);
    d.export_index = d.kind == DEF_MODULE ? core_index_of(a, d.core_exports, d.core_export_count)
                                          : index_of(a, d.exports, d.export_count);
    validate_id id = t->list.len;
    t->parts += 1 + d.label_count + d.import_count + d.export_count + d.defined_count;
    t->exhausted |= t->parts > VALIDATE_MAX_LIST; /* whoever checks the component stops soon */
    map_put(a, &t->interned, str_dup(a, buf_view(&t->key)), id);
    *vec_push(a, &t->list) = d;
    validate_id plain = make_plain(t, id);
    t->list.data[id].plain = plain;
    return id;
}

struct validate_types *validate_types_new(struct arena *a)
{
    static const u8 prims[] = {PRIM_BOOL, PRIM_S8,   PRIM_U8,     PRIM_S16,          PRIM_U16,
                               PRIM_S32,  PRIM_U32,  PRIM_S64,    PRIM_U64,          PRIM_F32,
                               PRIM_F64,  PRIM_CHAR, PRIM_STRING, PRIM_ERROR_CONTEXT};
    struct validate_types *t = arena_new(a, struct validate_types);
    t->arena = a;
    t->store = validate_store_new(a);
    t->key = buf_in(a);
    for (size_t i = 0; i < LENGTH_OF(prims); i++) {
        struct validate_type def = validate_empty(DEF_PRIM);
        def.prim = prims[i];
        t->prims[prims[i]] = validate_make(t, &def);
    }
    return t;
}

const struct validate_type *validate_get(const struct validate_types *t, validate_id id)
{
    return validate_at(t, id);
}

struct validate_store *validate_types_store(struct validate_types *t)
{
    return t->store;
}

validate_id validate_prim(const struct validate_types *t, enum cm_prim prim)
{
    return t->prims[prim];
}

u32 validate_new_resource(struct validate_types *t, wasm_valtype rep, const void *scope)
{
    *vec_push(t->arena, &t->resources) = (struct validate_resource){rep, scope};
    return t->resources.len - 1;
}

validate_id validate_resource_type(struct validate_types *t, u32 resource, u32 tag)
{
    struct validate_type def = validate_empty(DEF_RESOURCE);
    def.resource = resource;
    def.tag = tag;
    return validate_make(t, &def);
}

validate_id validate_with_tag(struct validate_types *t, validate_id id, u32 tag)
{
    struct validate_type def = *validate_at(t, id);
    def.uses = validate_own_tag(&def);
    if (validate_is_handle(&def))
        def.handle_tag = tag;
    else
        def.tag = tag;
    return validate_make(t, &def);
}

validate_id validate_untagged(struct validate_types *t, validate_id id)
{
    struct validate_type def = *validate_at(t, id);
    if (!def.tag)
        return id;
    def.tag = def.uses = 0;
    return validate_make(t, &def);
}

bool validate_needs_name(const struct validate_type *def)
{
    switch (def->kind) {
    case DEF_RECORD:
    case DEF_VARIANT:
    case DEF_FLAGS:
    case DEF_ENUM: return true;
    default: return false;
    }
}

bool validate_is_value(const struct validate_type *def)
{
    switch (def->kind) {
    case DEF_FUNC:
    case DEF_COMPONENT:
    case DEF_INSTANCE:
    case DEF_RESOURCE: return false;
    default: return def->kind != DEF_MODULE;
    }
}

/* ---- Finding items by name --------------------------------------------------------------------------------- */

u32 validate_find_index(const struct validate_item *items, u32 count, const struct map *index,
                        str name)
{
    if (index)
        return map_get(index, name);
    for (u32 i = 0; i < count; i++) {
        if (str_eq(items[i].name.name, name))
            return i;
    }
    return MAP_NONE;
}

const struct validate_item *validate_find(const struct validate_item *items, u32 count, str name)
{
    u32 i = validate_find_index(items, count, NULL, name);
    return i == MAP_NONE ? NULL : &items[i];
}

const struct validate_item *validate_find_import(const struct validate_types *t, validate_id type,
                                                 str name)
{
    const struct validate_type *d = validate_at(t, type);
    u32 i = validate_find_index(d->imports, d->import_count, d->import_index, name);
    return i == MAP_NONE ? NULL : &d->imports[i];
}

const struct validate_item *validate_find_export(const struct validate_types *t, validate_id type,
                                                 str name)
{
    const struct validate_type *d = validate_at(t, type);
    u32 i = validate_find_index(d->exports, d->export_count, d->export_index, name);
    return i == MAP_NONE ? NULL : &d->exports[i];
}

str validate_import_key(struct arena *a, const struct wasm_import *x)
{
    return str_printf(a, "%zu:" STRF STRF, x->module.len, STRA(x->module), STRA(x->name));
}

const struct validate_core_export *validate_find_core_export(const struct validate_types *t,
                                                             validate_id module, str name)
{
    const struct validate_type *d = validate_at(t, module);
    if (d->export_index) {
        u32 i = map_get(d->export_index, name);
        return i == MAP_NONE ? NULL : &d->core_exports[i];
    }
    for (u32 i = 0; i < d->core_export_count; i++) {
        if (str_eq(d->core_exports[i].name, name))
            return &d->core_exports[i];
    }
    return NULL;
}

/* ---- Substitution --------------------------------------------------------------------------------------------- */

static u32 replaced(const struct validate_numbers *m, u32 number)
{
    u32 to = validate_numbers_get(m, number);
    return to == VALIDATE_NONE ? number : to;
}

static bool touches(const struct validate_substitution *s, const struct validate_type *d)
{
    return (d->mentions && s->resources.len) || (d->tagged && s->tags.len);
}

static const struct validate_item *substitute_items(struct validate_substitution *s,
                                                    const struct validate_item *items, u32 n)
{
    struct validate_item *out = arena_array(s->scratch, struct validate_item, n);
    for (u32 i = 0; i < n; i++) {
        out[i] = items[i];
        out[i].entity.type = validate_substitute(s, items[i].entity.type);
    }
    return out;
}

/* The result is as large and as deep as what was there, so it is no new reason to refuse; that types are exhausted shows in `exhausted`. */
validate_id validate_substitute(struct validate_substitution *s, validate_id id)
{
    if (id == VALIDATE_NONE || !touches(s, validate_at(s->types, id)) ||
        !validate_work(s->types, 1))
        return id;
    u32 known = validate_numbers_get(&s->memo, id);
    if (known != VALIDATE_NONE)
        return known;
    struct validate_type d = *validate_at(s->types, id);
    struct validate_label *labels = arena_array(s->scratch, struct validate_label, d.label_count);
    for (u32 i = 0; i < d.label_count; i++) {
        labels[i] = d.labels[i];
        labels[i].type = validate_substitute(s, d.labels[i].type);
    }
    d.labels = labels;
    d.element = validate_substitute(s, d.element);
    d.second = validate_substitute(s, d.second);
    if (validate_is_handle(&d) || d.kind == DEF_RESOURCE)
        d.resource = replaced(&s->resources, d.resource);
    if (d.tag)
        d.tag = replaced(&s->tags, d.tag);
    if (d.handle_tag)
        d.handle_tag = replaced(&s->tags, d.handle_tag);
    if (d.uses)
        d.uses = replaced(&s->tags, d.uses);
    d.imports = substitute_items(s, d.imports, d.import_count);
    d.exports = substitute_items(s, d.exports, d.export_count);
    validate_id result = validate_make(s->types, &d);
    validate_numbers_put(s->scratch, &s->memo, id, result);
    return result;
}

validate_id validate_open(struct validate_types *t, validate_id instance, validate_ids *fresh,
                          struct arena *fresh_arena)
{
    struct validate_type d = *validate_at(t, instance);
    if (!d.defined_count)
        return instance;
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct validate_substitution s = {.types = t, .scratch = &scratch.arena};
    for (u32 i = 0; i < d.defined_count; i++) {
        u32 resource = validate_new_resource(t, WASM_NONE, NULL);
        validate_numbers_put(s.scratch, &s.resources, d.defined[i], resource);
        *vec_push(fresh_arena, fresh) = resource;
    }
    d.exports = substitute_items(&s, d.exports, d.export_count);
    d.defined_count = 0;
    validate_id opened = validate_make(t, &d);
    arena_temp_end(&scratch);
    return opened;
}

static void free_in_items(struct validate_types *t, const struct validate_item *items, u32 n,
                          struct validate_numbers *seen, struct validate_numbers *found,
                          struct arena *a, validate_ids *out)
{
    for (u32 i = 0; i < n; i++)
        validate_free_resources(t, items[i].entity.type, seen, found, a, out);
}

/* Bound resources are unique to their binder, so marking them as found before the walk hides them. */
void validate_free_resources(struct validate_types *t, validate_id id,
                             struct validate_numbers *seen, struct validate_numbers *found,
                             struct arena *a, validate_ids *out)
{
    if (id == VALIDATE_NONE || !validate_at(t, id)->mentions || validate_numbers_has(seen, id) ||
        !validate_work(t, 1))
        return;
    validate_numbers_put(a, seen, id, 0);
    const struct validate_type *d = validate_at(t, id);
    for (u32 i = 0; i < d->imported_count; i++)
        validate_numbers_put(a, found, d->imported[i], 0);
    for (u32 i = 0; i < d->defined_count; i++)
        validate_numbers_put(a, found, d->defined[i], 0);
    if ((d->kind == DEF_OWN || d->kind == DEF_BORROW || d->kind == DEF_RESOURCE) &&
        !validate_numbers_has(found, d->resource)) {
        validate_numbers_put(a, found, d->resource, 0);
        *vec_push(a, out) = d->resource;
    }
    for (u32 i = 0; i < d->label_count; i++)
        validate_free_resources(t, d->labels[i].type, seen, found, a, out);
    validate_free_resources(t, d->element, seen, found, a, out);
    validate_free_resources(t, d->second, seen, found, a, out);
    free_in_items(t, d->imports, d->import_count, seen, found, a, out);
    free_in_items(t, d->exports, d->export_count, seen, found, a, out);
}

/* ---- The public face ------------------------------------------------------------------------------------------ */

struct validate_type validate_empty(enum cm_def kind)
{
    return (struct validate_type){.kind = kind, .element = VALIDATE_NONE, .second = VALIDATE_NONE};
}

u32 validate_fresh_resource(struct validate_types *t)
{
    return validate_new_resource(t, WASM_NONE, NULL);
}

u32 validate_fresh_tag(struct validate_types *t)
{
    return ++t->tags;
}

struct validate_renaming {
    struct validate_substitution s; /* its scratch is that of the call of validate_rename */
    struct arena *arena;
};

struct validate_renaming *validate_renaming_new(struct arena *a, struct validate_types *t)
{
    struct validate_renaming *r = arena_new(a, struct validate_renaming);
    r->arena = a;
    r->s.types = t;
    return r;
}

bool validate_rename_resource(struct validate_renaming *r, u32 from, u32 to)
{
    if (validate_numbers_has(&r->s.resources, from))
        return false;
    validate_numbers_put(r->arena, &r->s.resources, from, to);
    return true;
}

bool validate_renames_resource(const struct validate_renaming *r, u32 from)
{
    return validate_numbers_has(&r->s.resources, from);
}

bool validate_rename_tag(struct validate_renaming *r, u32 from, u32 to)
{
    if (validate_numbers_has(&r->s.tags, from))
        return false;
    validate_numbers_put(r->arena, &r->s.tags, from, to);
    return true;
}

validate_id validate_rename(struct validate_renaming *r, validate_id id)
{
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    r->s.scratch = &scratch.arena;
    validate_id result = validate_substitute(&r->s, id);
    r->s.memo = (struct validate_numbers){0};
    arena_temp_end(&scratch);
    return result;
}
