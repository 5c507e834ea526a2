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

/* Do references of this type, canonical, lead to objects? */
static bool leads_to_objects(const struct engine_store *s, wasm_valtype t)
{
    if (!wasm_is_ref(t))
        return false;
    u32 heap = wasm_heap_of(t);
    if (wasm_is_concrete(t))
        return validate_store_type(s->types, heap)->kind != COMPTYPE_FUNC;
    return heap != HEAP_FUNC && heap != HEAP_NOFUNC;
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
        l->fields[i] = (struct field_layout){
            l->size, (u8)size,
            leads_to_objects(m->store, validate_canonical_valtype(m->context, t->fields[i].type))};
        l->size += size;
    }
    return m->layouts[type] = l;
}

/* ---- Marking --------------------------------------------------------------------------------------------------- */

/* An object is marked if it bears the number of the collection under way: marks of one that was interrupted need not be taken off. */
struct collector {
    struct engine_store *store;
    struct object *gray; /* marked, contents not yet */
    /* Words of stacks that may be addresses of objects, hashed. Far fewer than there are objects, whose number a guest decides. */
    u64 *words;
    u64 mask, count;
};

static bool is_interrupted(const struct collector *c)
{
    return c->store->interrupted != 0;
}

static void mark(struct collector *c, struct object *o)
{
    if (o->cycle == c->store->cycle)
        return;
    o->cycle = c->store->cycle;
    o->gray = c->gray;
    c->gray = o;
}

/* A reference of a type that leads to objects: null, one, or an i31 or something of the host. */
static void mark_ref(struct collector *c, engine_ref r)
{
    if (r && !(r & 3))
        mark(c, (struct object *)(uintptr_t)r);
}

static void mark_refs(struct collector *c, const engine_ref *refs, u64 n)
{
    for (u64 i = 0; i < n && !(i % 4096 == 0 && is_interrupted(c)); i++)
        mark_ref(c, refs[i]);
}

static void mark_contents(struct collector *c, const struct object *o)
{
    if (o->kind == OBJECT_EXCEPTION) {
        const struct wasm_functype *type =
            &validate_store_type(c->store->types, o->tag->type_id)->func;
        const u64 *slot = o->data;
        for (u32 i = 0; i < type->param_count; i++) {
            if (leads_to_objects(c->store, type->params[i]))
                mark_ref(c, *slot);
            slot += engine_valtype_slots(type->params[i]);
        }
    } else if (o->kind == OBJECT_ARRAY) {
        if (o->layout->fields[0].leads_to_objects)
            mark_refs(c, o->data, o->length);
    } else {
        for (u32 i = 0; i < o->layout->field_count; i++) {
            engine_ref r;
            if (!o->layout->fields[i].leads_to_objects)
                continue;
            memcpy(&r, (const u8 *)o->data + o->layout->fields[i].offset, sizeof(r));
            mark_ref(c, r);
        }
    }
}

/* ---- Roots ------------------------------------------------------------------------------------------------------- */

static u64 *place_of(const struct collector *c, u64 word)
{
    u64 i = (word >> 3) * 0x9e3779b97f4a7c15u >> 20 & c->mask;
    while (c->words[i] && c->words[i] != word)
        i = (i + 1) & c->mask;
    return &c->words[i];
}

/* Room for one word more. False: there is no memory. */
static bool make_room(struct collector *c)
{
    if (c->count * 2 < c->mask)
        return true;
    struct collector more = *c;
    more.mask = c->mask ? c->mask * 2 + 1 : 1023;
    more.words = calloc((size_t)more.mask + 1, sizeof(*more.words));
    if (!more.words)
        return false;
    for (u64 i = 0; c->words && i <= c->mask; i++) {
        if (c->words[i])
            *place_of(&more, c->words[i]) = c->words[i];
    }
    free(c->words);
    *c = more;
    return true;
}

/* Words that may be anything. */
static bool note_words(struct collector *c, const u64 *words, u64 n)
{
    for (u64 i = 0; i < n; i++) {
        u64 word = words[i];
        if (word < c->store->objects_low || word > c->store->objects_high || word & 7)
            continue;
        if (!make_room(c))
            return false;
        u64 *place = place_of(c, word);
        c->count += *place == 0;
        *place = word;
    }
    return true;
}

static bool note_stacks(struct collector *c)
{
    struct engine_store *s = c->store;
    for (struct engine_task *t = s->tasks; t; t = t->next) {
        struct engine_code *code = engine_find_code(s, t->ip);
        u64 frame = code ? code->entry[-1].u : t->result_slots; /* it ended */
        u64 used = (u64)(t->sp - t->stack) + frame;
        if (is_interrupted(c) || !note_words(c, t->stack, used < t->cap ? used : t->cap))
            return false;
    }
    return note_words(c, s->operands, s->operand_count);
}

static void mark_noted(struct collector *c)
{
    for (struct object *o = c->store->objects; o && c->count && !is_interrupted(c); o = o->next) {
        if (*place_of(c, (u64)(uintptr_t)o))
            mark(c, o);
    }
}

static void mark_elements(struct collector *c, const struct engine_instance *i)
{
    const struct wasm_module *m = i->module->source;
    for (u32 k = 0; k < m->elems.len; k++) {
        const struct wasm_elem *e = &m->elems.data[k];
        if (i->elem_refs[k] && !i->elem_dropped[k] && !e->funcs &&
            leads_to_objects(c->store, validate_canonical_valtype(i->module->context, e->type)))
            mark_refs(c, i->elem_refs[k], e->count);
    }
}

static void mark_roots(struct collector *c)
{
    struct engine_store *s = c->store;
    mark_noted(c);
    for (struct engine_task *t = s->tasks; t; t = t->next)
        mark_ref(c, t->exception);
    for (struct engine_global *g = s->globals; g; g = g->next) {
        if (leads_to_objects(s, g->type.type))
            mark_ref(c, g->slots[0]);
    }
    for (struct engine_table *t = s->tables; t; t = t->next) {
        if (leads_to_objects(s, t->type.element))
            mark_refs(c, t->elems, t->size);
    }
    for (struct engine_instance *i = s->instances; i; i = i->next)
        mark_elements(c, i);
}

/* ---- A collection -------------------------------------------------------------------------------------------------- */

/* What an object takes: malloc adds a word, and gives multiples of 16 bytes. */
static u64 taken(u64 bytes)
{
    return (sizeof(struct object) + bytes + sizeof(size_t) + 15) & ~(u64)15;
}

static void sweep(struct collector *c)
{
    struct engine_store *s = c->store;
    struct object **link = &s->objects;
    while (*link && !is_interrupted(c)) {
        struct object *o = *link;
        if (o->cycle == s->cycle) {
            link = &o->next;
        } else {
            *link = o->next;
            s->heap_bytes -= taken(o->bytes);
            free(o);
        }
    }
}

static void new_cycle(struct engine_store *s)
{
    if (++s->cycle != 0)
        return;
    for (struct object *o = s->objects; o; o = o->next)
        o->cycle = 0;
    s->cycle = 1;
}

/* An interruption ends it wherever it is: what is no garbage was not freed. */
static void collect(struct engine_store *s)
{
    struct collector c = {.store = s};
    new_cycle(s);
    if (make_room(&c) && note_stacks(&c)) {
        mark_roots(&c);
        while (c.gray && !is_interrupted(&c)) {
            struct object *o = c.gray;
            c.gray = o->gray;
            mark_contents(&c, o);
        }
        sweep(&c);
    }
    free(c.words);
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
    if (s->heap_bytes + size > s->heap_next || ENGINE_TORTURE & TORTURE_STACK) {
        u64 limit = s->limits.heap_bytes;
        if (s->heap_bytes + size > s->heap_next || ++s->torture_allocations % 4096 == 0) {
            collect(s);
            /* So full that the next collection would come at once: that is no way to go on. */
            if (s->interrupted || s->heap_bytes > limit - limit / 32)
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
    u64 address = (u64)(uintptr_t)o;
    if (!s->objects_low || address < s->objects_low)
        s->objects_low = address;
    if (address > s->objects_high)
        s->objects_high = address;
    return o;
}

int engine_no_object(struct engine_task *t)
{
    return t->store->interrupted ? engine_tick(t) : TRAP_HEAP;
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
        bool is_func = validate_store_type(s->types, id)->kind == COMPTYPE_FUNC;
        u32 own = is_func ? ((struct engine_func *)(uintptr_t)r)->type_id
                          : ((struct object *)(uintptr_t)r)->layout->type_id;
        return type & WASM_REF_EXACT ? own == id : validate_is_subtype(s->types, own, id);
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
