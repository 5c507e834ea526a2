/* storage.c - memories, tables, globals, tags. */
#define _GNU_SOURCE /* mremap */
#include "engine_internal.h"

#include <stdlib.h>
#include <sys/mman.h>

/* ---- Memories ------------------------------------------------------------------------------------------------- */

/* So much data in a memory is worth large pages, if it fills half of it. */
#define DENSE_BYTES ((u64)4 << 20)

static u32 page_log2(const struct engine_memory *m)
{
    return m->type.has_page_size ? m->type.page_size_log2 : 16;
}

/* pages << log2, saturated. */
static u64 pages_to_bytes(u64 pages, u32 log2)
{
    return log2 && pages > UINT64_MAX >> log2 ? UINT64_MAX : pages << log2;
}

static u64 round_up(u64 n)
{
    return n > UINT64_MAX - 65535 ? UINT64_MAX & ~(u64)65535 : (n + 65535) & ~(u64)65535;
}

/* Address space for `want` bytes, or less but at least `need`. */
static u8 *reserve(u64 want, u64 need, u64 *got)
{
    u64 least = round_up(need), size = round_up(want);
    for (;;) {
        if (size <= SIZE_MAX) {
            void *p = mmap(NULL, (size_t)size, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p != MAP_FAILED) {
                *got = size;
                return p;
            }
        }
        if (size <= least)
            return NULL;
        size = size / 2 & ~(u64)65535; /* less each time */
        if (size < least)
            size = least;
    }
}

static bool commit(struct engine_memory *m, u64 size)
{
    u64 from = round_up(m->size), to = round_up(size);
    if (to > from && mprotect(m->data + from, (size_t)(to - from), PROT_READ | PROT_WRITE) != 0)
        return false;
    m->size = size;
    return true;
}

/* Pages of zeros over what is there. */
static bool map_zeros(u8 *at, u64 bytes)
{
    return mmap(at, (size_t)bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* To a reserved place; nothing is mapped at the old one afterwards. The pages themselves move, where the system can do that: not those
 * of several mappings, and then it has taken the place's pages away. */
static bool move_bytes(u8 *to, u8 *from, u64 n)
{
#ifdef MREMAP_FIXED
    if (mremap(from, (size_t)round_up(n), (size_t)round_up(n), MREMAP_MAYMOVE | MREMAP_FIXED, to) !=
        MAP_FAILED)
        return true;
#endif
    if (!map_zeros(to, round_up(n)))
        return false;
    memcpy(to, from, (size_t)n);
    munmap(from, (size_t)round_up(n));
    return true;
}

/* More address space than was reserved: moves. */
static bool move_memory(struct engine_memory *m, u64 size)
{
    u64 reserved;
    u64 want = size > m->max_bytes / 2 ? m->max_bytes : size * 2;
    u8 *data = reserve(want, size, &reserved);
    if (!data)
        return false;
    if (m->size && !move_bytes(data, m->data, m->size)) {
        munmap(data, (size_t)reserved);
        return false;
    }
    u64 moved = round_up(m->size); /* what another thread may have mapped there since is not ours */
    if (m->reserved > moved)
        munmap(m->data + moved, (size_t)(m->reserved - moved));
    m->data = data;
    m->reserved = reserved;
    return true;
}

static bool resize(struct engine_memory *m, u64 size)
{
    if (size == m->size)
        return true;
    if (round_up(size) > m->reserved && !move_memory(m, size))
        return false;
    return commit(m, size);
}

u64 engine_memory_least(const struct wasm_limits *type)
{
    return pages_to_bytes(type->min, type->has_page_size ? type->page_size_log2 : 16);
}

struct engine_memory *engine_memory_new(struct engine_store *s, const struct wasm_limits *type)
{
    struct engine_memory *m = arena_new(&s->arena, struct engine_memory);
    m->type = *type;
    u32 log2 = page_log2(m);
    /* A size in pages is an address: 2^32 pages of one byte cannot be told. */
    u64 space = type->is_64 ? UINT64_MAX : log2 ? (u64)1 << 32 : UINT32_MAX;
    m->max_bytes = type->has_max ? pages_to_bytes(type->max, log2) : space;
    if (m->max_bytes > space)
        m->max_bytes = space;
    if (m->max_bytes > s->limits.memory_bytes)
        m->max_bytes = s->limits.memory_bytes;
    u64 size = engine_memory_least(type);
    if (size > m->max_bytes)
        return NULL;
    u64 want = size > (u64)1 << 31 ? size * 2 : (u64)1 << 32;
    if (m->max_bytes) {
        m->data = reserve(want < m->max_bytes ? want : m->max_bytes, size, &m->reserved);
        if (!m->data && size)
            return NULL;
    }
    if (!resize(m, size)) {
        engine_memory_free(m);
        return NULL;
    }
    m->next = s->memories;
    s->memories = m;
    return m;
}

void engine_memory_free(struct engine_memory *m)
{
    if (m->reserved)
        munmap(m->data, (size_t)m->reserved);
    m->data = NULL;
    m->reserved = 0;
}

i64 engine_memory_grow(struct engine_memory *m, u64 pages)
{
    u32 log2 = page_log2(m);
    u64 old = m->size >> log2, more = pages_to_bytes(pages, log2);
    if (more > m->max_bytes - m->size || !resize(m, m->size + more))
        return -1;
    return (i64)old;
}

u8 *engine_memory_data(struct engine_memory *m)
{
    return m->data;
}
u64 engine_memory_size(struct engine_memory *m)
{
    return m->size;
}
bool engine_memory_is_64(struct engine_memory *m)
{
    return m->type.is_64;
}

void engine_memory_expect(struct engine_memory *m, u64 bytes)
{
#ifdef MADV_HUGEPAGE
    if (bytes >= DENSE_BYTES && bytes >= m->size / 2)
        madvise(m->data, (size_t)round_up(m->size), MADV_HUGEPAGE); /* only a hint */
#else
    (void)m;
    (void)bytes;
#endif
}

enum trap engine_memory_map(struct engine_memory *m, u64 at, u64 bytes, int file, bool *mapped)
{
    *mapped = mmap(m->data + at, (size_t)bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, file, 0) != MAP_FAILED;
    return *mapped || map_zeros(m->data + at, bytes) ? TRAP_NONE : TRAP_HOST_MEMORY;
}

enum trap engine_memory_init(struct engine_instance *i, u32 memory, u32 data, u64 d, u64 s, u64 n)
{
    struct engine_memory *m = i->memories[memory];
    str bytes = i->module->source->datas.data[data].bytes;
    u64 length = i->data_dropped[data] ? 0 : bytes.len;
    if (s > length || n > length - s || d > m->size || n > m->size - d)
        return TRAP_MEMORY;
    if (n)
        memcpy(m->data + d, bytes.ptr + s, (size_t)n);
    return TRAP_NONE;
}

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

static bool table_resize(struct engine_table *t, u64 size, engine_ref init)
{
    if (size > t->cap) {
        u64 cap = t->cap * 2 > size ? t->cap * 2 : size;
        if (cap > SIZE_MAX / sizeof(engine_ref))
            return false;
        engine_ref *elems = realloc(t->elems, (size_t)(cap * sizeof(engine_ref)));
        if (!elems)
            return false;
        t->elems = elems;
        t->cap = cap;
    }
    for (u64 i = t->size; i < size; i++)
        t->elems[i] = init;
    t->size = size;
    return true;
}

struct engine_table *engine_table_new(struct engine_store *s, const struct wasm_tabletype *type,
                                      engine_ref init)
{
    struct engine_table *t = arena_new(&s->arena, struct engine_table);
    t->type = *type;
    t->store = s;
    t->max = type->limits.has_max ? type->limits.max : type->limits.is_64 ? UINT64_MAX : UINT32_MAX;
    if (t->max > s->limits.table_elements)
        t->max = s->limits.table_elements;
    if (type->limits.min > t->max || !table_resize(t, type->limits.min, init))
        return NULL;
    t->next = s->tables;
    s->tables = t;
    return t;
}

void engine_table_free(struct engine_table *t)
{
    free(t->elems);
    t->elems = NULL;
}

i64 engine_table_grow(struct engine_table *t, u64 n, engine_ref init)
{
    u64 old = t->size;
    if (n > t->max - old || !table_resize(t, old + n, init))
        return -1;
    return (i64)old;
}

u64 engine_table_size(struct engine_table *t)
{
    return t->size;
}
bool engine_table_is_64(const struct engine_table *t)
{
    return t->type.limits.is_64;
}
bool engine_table_get(struct engine_table *t, u64 index, engine_ref *out)
{
    if (index >= t->size)
        return false;
    *out = t->elems[index];
    return true;
}
bool engine_table_set(struct engine_table *t, u64 index, engine_ref value)
{
    if (index >= t->size)
        return false;
    t->elems[index] = value;
    return true;
}

enum trap engine_table_init(struct engine_instance *i, u32 table, u32 elem, u64 d, u64 s, u64 n)
{
    struct engine_table *t = i->tables[table];
    u64 length = i->elem_dropped[elem] ? 0 : i->module->source->elems.data[elem].count;
    if (s > length || n > length - s || d > t->size || n > t->size - d)
        return TRAP_TABLE;
    if (n == 0)
        return TRAP_NONE;
    const u32 *funcs = i->module->source->elems.data[elem].funcs;
    for (u64 k = 0; funcs && k < n; k++)
        t->elems[d + k] = (u64)(uintptr_t)engine_func_at(i, funcs[s + k]);
    if (funcs)
        return TRAP_NONE;
    engine_ref *refs;
    enum trap trap = engine_elem_refs(i, elem, &refs);
    if (trap == TRAP_NONE)
        memcpy(t->elems + d, refs + s, (size_t)(n * sizeof(engine_ref)));
    return trap;
}

/* ---- Globals and tags --------------------------------------------------------------------------------------------- */

struct engine_global *engine_global_new(struct engine_store *s, const struct wasm_globaltype *type,
                                        const u64 *slots)
{
    struct engine_global *g = arena_new(&s->arena, struct engine_global);
    g->type = *type;
    memcpy(g->slots, slots, engine_valtype_slots(type->type) * sizeof(u64));
    g->next = s->globals;
    s->globals = g;
    return g;
}
u64 *engine_global_slots(struct engine_global *g)
{
    return g->slots;
}
const struct wasm_globaltype *engine_global_type(const struct engine_global *g)
{
    return &g->type;
}

struct engine_tag *engine_tag_new(struct engine_store *s, const struct wasm_functype *type)
{
    return engine_tag_of(s, engine_functype_id(s, type));
}

struct engine_tag *engine_tag_of(struct engine_store *s, u32 type_id)
{
    struct engine_tag *t = arena_new(&s->arena, struct engine_tag);
    t->type = engine_copy_type(&s->arena, &validate_store_type(s->types, type_id)->func);
    t->type_id = type_id;
    t->slots = engine_type_slots(t->type.params, t->type.param_count);
    return t;
}

engine_ref engine_extern_ref(u64 value)
{
    return value << 2 | 2;
}
bool engine_is_extern_ref(engine_ref ref, u64 *value)
{
    *value = ref >> 2;
    return (ref & 3) == 2;
}
