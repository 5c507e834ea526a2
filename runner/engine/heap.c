/* heap.c - structs, arrays and exceptions: layouts, allocation, and the collector.
 *
 * Mark and sweep; nothing moves. Globals, tables, segments and objects are known precisely. Slots of task stacks have no types, so
 * whatever there looks like an object's address keeps that object.
 */
#include "engine_internal.h"

#include <stdlib.h>

#define FIRST_COLLECTION ((u64)8 << 20)

/* ---- Layouts -------------------------------------------------------------------------------------------------- */

static u32 size_of(wasm_valtype t)
{
    switch (wasm_kind_of(t)) {
    case WASM_I8: return 1;
    case WASM_I16: return 2;
    case WASM_I32:
    case WASM_F32: return 4;
    case WASM_V128: return 16;
    default: return 8;
    }
}

struct layout *engine_layout(struct engine_module *m, u32 type)
{
    if (m->layouts[type])
        return m->layouts[type];
    const struct wasm_type *t = &m->source->types.data[type];
    struct layout *l =
        arena_alloc(&m->store->arena, sizeof(*l) + t->field_count * sizeof(l->fields[0]));
    l->type_id = m->type_ids[type];
    l->kind = t->kind == COMPTYPE_STRUCT ? OBJECT_STRUCT : OBJECT_ARRAY;
    l->field_count = t->field_count;
    for (u32 i = 0; i < t->field_count; i++) {
        u32 size = size_of(t->fields[i].type);
        u32 align = size < 8 ? size : 8;
        l->size = (l->size + align - 1) & ~(align - 1);
        l->fields[i] = (struct field_layout){l->size, (u8)size, wasm_is_ref(t->fields[i].type)};
        l->size += size;
    }
    return m->layouts[type] = l;
}

/* ---- Marking --------------------------------------------------------------------------------------------------- */

struct collector {
    struct object **known; /* addresses of all objects, hashed */
    u64 mask;
    struct object **work; /* marked, contents not yet */
    u64 work_len;
};

static u64 hash_of(const void *p)
{
    u64 x = (u64)(uintptr_t)p >> 4;
    return x * 0x9e3779b97f4a7c15u >> 20;
}

static void mark(struct collector *c, struct object *o)
{
    if (o->marked)
        return;
    o->marked = true;
    c->work[c->work_len++] = o;
}

/* A word that may be anything. */
static void mark_word(struct collector *c, u64 word)
{
    if (word == 0 || word & 7)
        return;
    const void *p = (const void *)(uintptr_t)word;
    for (u64 i = hash_of(p) & c->mask; c->known[i]; i = (i + 1) & c->mask) {
        if (c->known[i] == p) {
            mark(c, c->known[i]);
            return;
        }
    }
}

static void mark_words(struct collector *c, const u64 *words, u64 n)
{
    for (u64 i = 0; i < n; i++)
        mark_word(c, words[i]);
}

static void mark_contents(struct collector *c, const struct object *o)
{
    if (o->kind == OBJECT_EXCEPTION) {
        mark_words(c, o->data, o->length);
    } else if (o->kind == OBJECT_ARRAY) {
        if (o->layout->fields[0].is_ref)
            mark_words(c, o->data, o->length);
    } else {
        for (u32 i = 0; i < o->layout->field_count; i++) {
            u64 word;
            if (!o->layout->fields[i].is_ref)
                continue;
            memcpy(&word, (const u8 *)o->data + o->layout->fields[i].offset, 8);
            mark_word(c, word);
        }
    }
}

static void mark_roots(struct collector *c, struct engine_store *s)
{
    for (struct engine_task *t = s->tasks; t; t = t->next) {
        struct engine_code *code = engine_find_code(s, t->ip);
        u64 frame = code ? code->entry[-1].u : t->result_slots; /* it ended */
        u64 used = (u64)(t->sp - t->stack) + frame;
        mark_words(c, t->stack, used < t->cap ? used : t->cap);
        mark_word(c, t->exception);
    }
    for (struct engine_global *g = s->globals; g; g = g->next) {
        if (wasm_is_ref(g->type.type))
            mark_word(c, g->slots[0]);
    }
    for (struct engine_table *t = s->tables; t; t = t->next)
        mark_words(c, t->elems, t->size);
    for (struct engine_instance *i = s->instances; i; i = i->next) {
        const struct wasm_module *m = i->module->source;
        for (u32 k = 0; k < m->elems.len; k++) {
            if (i->elem_refs[k] && !i->elem_dropped[k] && !m->elems.data[k].funcs)
                mark_words(c, i->elem_refs[k], m->elems.data[k].count);
        }
    }
}

/* What an object takes: malloc adds a word, and gives multiples of 16 bytes. */
static u64 taken(u64 bytes)
{
    return (sizeof(struct object) + bytes + sizeof(size_t) + 15) & ~(u64)15;
}

static void sweep(struct engine_store *s)
{
    struct object **link = &s->objects;
    while (*link) {
        struct object *o = *link;
        if (o->marked) {
            o->marked = false;
            link = &o->next;
        } else {
            *link = o->next;
            s->heap_bytes -= taken(o->bytes);
            free(o);
        }
    }
}

static void collect(struct engine_store *s)
{
    u64 count = 0, size = 64;
    for (struct object *o = s->objects; o; o = o->next)
        count++;
    while (size < count * 2)
        size *= 2;
    struct collector c = {.mask = size - 1};
    c.known = calloc((size_t)size, sizeof(*c.known));
    c.work = malloc((size_t)(count + 1) * sizeof(*c.work));
    if (c.known && c.work) {
        for (struct object *o = s->objects; o; o = o->next) {
            u64 i = hash_of(o) & c.mask;
            while (c.known[i])
                i = (i + 1) & c.mask;
            c.known[i] = o;
        }
        mark_roots(&c, s);
        while (c.work_len)
            mark_contents(&c, c.work[--c.work_len]);
        sweep(s);
    }
    free(c.known);
    free(c.work);
}

/* ---- Allocation -------------------------------------------------------------------------------------------------- */

static u64 first_collection(const struct engine_store *s)
{
    return s->limits.heap_bytes < FIRST_COLLECTION ? s->limits.heap_bytes : FIRST_COLLECTION;
}

struct object *engine_object_new(struct engine_store *s, enum object_kind kind, u64 bytes)
{
    if (bytes > s->limits.heap_bytes)
        return NULL;
    u64 size = taken(bytes);
    if (!s->heap_next)
        s->heap_next = first_collection(s);
    if (!s->no_collect && (s->heap_bytes + size > s->heap_next || ENGINE_TORTURE & TORTURE_STACK)) {
        u64 limit = s->limits.heap_bytes;
        if (s->heap_bytes + size > s->heap_next || ++s->torture_allocations % 4096 == 0) {
            collect(s);
            /* So full that the next collection would come at once: that is no way to go on. */
            if (s->heap_bytes > limit - limit / 32)
                return NULL;
        }
        u64 next = s->heap_bytes * 2;
        next = next > FIRST_COLLECTION ? next : FIRST_COLLECTION;
        s->heap_next = next < limit ? next : limit;
    }
    if (s->heap_bytes + size > s->limits.heap_bytes)
        return NULL;
    struct object *o = calloc(1, sizeof(*o) + (size_t)bytes);
    if (!o)
        return NULL;
    o->kind = (u8)kind;
    o->bytes = bytes;
    o->next = s->objects;
    s->objects = o;
    s->heap_bytes += size;
    return o;
}

void engine_heap_free(struct engine_store *s)
{
    while (s->objects) {
        struct object *o = s->objects;
        s->objects = o->next;
        free(o);
    }
}

/* ---- What a reference is ------------------------------------------------------------------------------------------- */

bool engine_ref_is(struct engine_store *s, engine_ref r, wasm_valtype type)
{
    bool i31 = r & 1, host = (r & 3) == 2;
    if (wasm_is_concrete(type)) {
        u32 id = wasm_heap_of(type);
        if (i31 || host)
            return false;
        if (validate_store_type(s->types, id)->kind == COMPTYPE_FUNC)
            return validate_is_subtype(s->types, ((struct engine_func *)(uintptr_t)r)->type_id, id);
        return validate_is_subtype(s->types, ((struct object *)(uintptr_t)r)->layout->type_id, id);
    }
    const struct object *o = i31 || host ? NULL : (const struct object *)(uintptr_t)r;
    switch (wasm_heap_of(type)) {
    case HEAP_FUNC:
    case HEAP_EXTERN:
    case HEAP_ANY:
    case HEAP_EXN: return true;
    case HEAP_EQ: return !host;
    case HEAP_I31: return i31;
    case HEAP_STRUCT: return o && o->kind == OBJECT_STRUCT;
    case HEAP_ARRAY: return o && o->kind == OBJECT_ARRAY;
    default: return false;
    }
}
