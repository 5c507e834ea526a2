/* out_gc.c - instructions on structs and arrays, called out of line. */
#include "engine_internal.h"

static struct object *object_of(u64 ref)
{
    return (struct object *)(uintptr_t)ref;
}

static void *at(struct object *o, u64 offset)
{
    return (u8 *)o->data + offset;
}

static u32 slots_of(u32 size)
{
    return size == 16 ? 2 : 1;
}

/* Slots are little-endian numbers: the low bytes come first. */
static void read_field(const void *from, u32 size, bool sign, u64 *s)
{
    s[0] = 0;
    memcpy(s, from, size);
    if (sign)
        s[0] = (u32)(size == 1 ? (i32)(i8)s[0] : (i32)(i16)s[0]);
}

/* ---- Structs --------------------------------------------------------------------------------------------------- */

static int new_struct(struct engine_task *t, u64 type, struct object **out)
{
    const struct layout *l = engine_layout(t->inst->module, (u32)type);
    struct object *o = *out = engine_object_new(t->store, OBJECT_STRUCT, l->size);
    if (!o)
        return engine_no_object(t);
    o->layout = l;
    return TRAP_NONE;
}

int engine_out_struct_new(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct object *o;
    int r = new_struct(t, x, &o);
    if (r != TRAP_NONE)
        return r;
    const u64 *value = s;
    for (u32 i = 0; i < o->layout->field_count; i++) {
        const struct field_layout *f = &o->layout->fields[i];
        memcpy(at(o, f->offset), value, f->size);
        value += slots_of(f->size);
    }
    s[0] = (u64)(uintptr_t)o;
    return TRAP_NONE;
}

int engine_out_struct_new_default(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct object *o;
    int r = new_struct(t, x, &o);
    if (r == TRAP_NONE)
        s[0] = (u64)(uintptr_t)o;
    return r;
}

int engine_out_struct_get(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x;
    struct object *o = object_of(s[0]);
    if (!o)
        return TRAP_NULL_STRUCT;
    const struct field_layout *f = &o->layout->fields[y >> 2];
    read_field(at(o, f->offset), f->size, y & 1, s);
    return TRAP_NONE;
}

int engine_out_struct_set(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x;
    struct object *o = object_of(s[0]);
    if (!o)
        return TRAP_NULL_STRUCT;
    const struct field_layout *f = &o->layout->fields[y];
    memcpy(at(o, f->offset), s + 1, f->size);
    return TRAP_NONE;
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */

static int new_array(struct engine_task *t, u64 type, u64 n, struct object **out)
{
    const struct layout *l = engine_layout(t->inst->module, (u32)type);
    *out = NULL;
    int r = n * l->size <= t->store->limits.heap_bytes ? engine_charge(t, n * l->size) : RUN_DONE;
    if (r != RUN_DONE)
        return r;
    struct object *o = *out = engine_object_new(t->store, OBJECT_ARRAY, n * l->size);
    if (!o)
        return engine_no_object(t);
    o->layout = l;
    o->length = (u32)n;
    return TRAP_NONE;
}

int engine_out_array_new(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct object *o;
    u32 slots = slots_of(engine_layout(t->inst->module, (u32)x)->size);
    int r = new_array(t, x, s[slots], &o);
    if (r == TRAP_NONE)
        r = engine_fill(t, o->data, s, o->layout->size, o->length);
    if (r == TRAP_NONE)
        s[0] = (u64)(uintptr_t)o;
    return r;
}

int engine_out_array_new_default(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct object *o;
    int r = new_array(t, x, s[0], &o);
    if (r == TRAP_NONE)
        s[0] = (u64)(uintptr_t)o;
    return r;
}

int engine_out_array_new_fixed(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    struct object *o;
    int r = new_array(t, x, y, &o);
    if (r != TRAP_NONE)
        return r;
    u32 size = o->layout->size;
    for (u64 i = 0; i < y; i++)
        memcpy(at(o, i * size), s + i * slots_of(size), size);
    s[0] = (u64)(uintptr_t)o;
    return TRAP_NONE;
}

/* Elements [from, from + n) of a data segment, as bytes. */
static int data_range(struct engine_task *t, u64 data, u64 from, u64 n, u32 size, const char **out)
{
    str bytes = t->inst->module->source->datas.data[data].bytes;
    u64 length = t->inst->data_dropped[data] ? 0 : bytes.len;
    if (engine_outside(from, n * size, length))
        return TRAP_MEMORY;
    *out = bytes.ptr + from;
    return TRAP_NONE;
}

static int elem_range(struct engine_task *t, u64 elem, u64 from, u64 n, const engine_ref **out)
{
    u64 length = t->inst->elem_dropped[elem] ? 0 : t->inst->module->source->elems.data[elem].count;
    engine_ref *refs = NULL;
    if (engine_outside(from, n, length))
        return TRAP_TABLE;
    if (n) {
        enum trap trap = engine_elem_refs(t->inst, (u32)elem, &refs);
        if (trap != TRAP_NONE)
            return (int)trap;
        refs += from;
    }
    *out = refs;
    return TRAP_NONE;
}

static int array_from(struct engine_task *t, u64 *s, u64 type, u64 n, const void *from)
{
    struct object *o;
    int r = new_array(t, type, n, &o);
    if (r != TRAP_NONE)
        return r;
    if (n)
        memcpy(o->data, from, (size_t)(n * o->layout->size));
    s[0] = (u64)(uintptr_t)o;
    return TRAP_NONE;
}

int engine_out_array_new_data(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    const char *from;
    u32 size = engine_layout(t->inst->module, (u32)x)->size;
    int r = data_range(t, y, s[0], s[1], size, &from);
    return r == TRAP_NONE ? array_from(t, s, x, s[1], from) : r;
}

int engine_out_array_new_elem(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    const engine_ref *from;
    int r = elem_range(t, y, s[0], s[1], &from);
    return r == TRAP_NONE ? array_from(t, s, x, s[1], from) : r;
}

int engine_out_array_get(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x;
    struct object *o = object_of(s[0]);
    if (!o)
        return TRAP_NULL_ARRAY;
    if (s[1] >= o->length)
        return TRAP_ARRAY;
    u32 size = o->layout->size;
    read_field(at(o, s[1] * size), size, y & 1, s);
    return TRAP_NONE;
}

int engine_out_array_set(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x, (void)y;
    struct object *o = object_of(s[0]);
    if (!o)
        return TRAP_NULL_ARRAY;
    if (s[1] >= o->length)
        return TRAP_ARRAY;
    u32 size = o->layout->size;
    memcpy(at(o, s[1] * size), s + 2, size);
    return TRAP_NONE;
}

int engine_out_array_len(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x, (void)y;
    if (!s[0])
        return TRAP_NULL_ARRAY;
    s[0] = object_of(s[0])->length;
    return TRAP_NONE;
}

/* s: array, index, value, count */
int engine_out_array_fill(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)x, (void)y;
    struct object *o = object_of(s[0]);
    if (!o)
        return TRAP_NULL_ARRAY;
    u32 size = o->layout->size;
    u64 n = s[2 + slots_of(size)];
    if (engine_outside(s[1], n, o->length))
        return TRAP_ARRAY;
    int r = engine_charge(t, n * size);
    return r == RUN_DONE ? engine_fill(t, at(o, s[1] * size), s + 2, size, n) : r;
}

/* s: to, index, from, index, count */
int engine_out_array_copy(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)x, (void)y;
    struct object *to = object_of(s[0]), *from = object_of(s[2]);
    if (!to || !from)
        return TRAP_NULL_ARRAY;
    if (engine_outside(s[1], s[4], to->length) || engine_outside(s[3], s[4], from->length))
        return TRAP_ARRAY;
    u32 size = to->layout->size;
    int r = engine_charge(t, s[4] * size);
    return r == RUN_DONE ? engine_move(t, at(to, s[1] * size), at(from, s[3] * size), s[4] * size)
                         : r;
}

/* s: array, index, index in the segment, count */
int engine_out_array_init_data(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)x;
    struct object *o = object_of(s[0]);
    const char *from;
    if (!o)
        return TRAP_NULL_ARRAY;
    if (engine_outside(s[1], s[3], o->length))
        return TRAP_ARRAY;
    u32 size = o->layout->size;
    int r = data_range(t, y, s[2], s[3], size, &from);
    if (r == TRAP_NONE)
        r = engine_charge(t, s[3] * size);
    if (r == TRAP_NONE && s[3])
        memcpy(at(o, s[1] * size), from, (size_t)(s[3] * size));
    return r;
}

int engine_out_array_init_elem(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)x;
    struct object *o = object_of(s[0]);
    const engine_ref *from;
    if (!o)
        return TRAP_NULL_ARRAY;
    if (engine_outside(s[1], s[3], o->length))
        return TRAP_ARRAY;
    int r = elem_range(t, y, s[2], s[3], &from);
    if (r == TRAP_NONE)
        r = engine_charge(t, s[3] * sizeof(u64));
    if (r == TRAP_NONE && s[3])
        memcpy(at(o, s[1] * sizeof(u64)), from, (size_t)(s[3] * sizeof(u64)));
    return r;
}
