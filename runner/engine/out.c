/* out.c - instructions called out of line: memories and tables in bulk, references, exceptions. */
#include "engine_internal.h"

/* ---- Memories -------------------------------------------------------------------------------------------------- */

static struct engine_memory *memory_of(struct engine_task *t, u64 index)
{
    return t->inst->memories[index];
}

int engine_out_memory_size(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    const struct engine_memory *m = memory_of(t, x);
    s[0] = m->size >> (m->type.has_page_size ? m->type.page_size_log2 : 16);
    return TRAP_NONE;
}

static int grown(struct engine_task *t, i64 old)
{
    return old < 0 && t->store->limits.trap_on_grow_failure ? TRAP_GROW : TRAP_NONE;
}

int engine_out_memory_grow(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct engine_memory *m = memory_of(t, x);
    i64 old = engine_memory_grow(m, s[0]);
    s[0] = m->type.is_64 ? (u64)old : (u32)old;
    return grown(t, old);
}

int engine_out_memory_fill(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct engine_memory *m = memory_of(t, x);
    if (engine_outside(s[0], s[2], m->size))
        return TRAP_MEMORY;
    u8 value = (u8)s[1];
    int r = engine_charge(t, s[2]);
    return r == RUN_DONE ? engine_fill(t, m->data + s[0], &value, 1, s[2]) : r;
}

int engine_out_memory_copy(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    struct engine_memory *to = memory_of(t, x), *from = memory_of(t, y);
    if (engine_outside(s[0], s[2], to->size) || engine_outside(s[1], s[2], from->size))
        return TRAP_MEMORY;
    int r = engine_charge(t, s[2]);
    return r == RUN_DONE ? engine_move(t, to->data + s[0], from->data + s[1], s[2]) : r;
}

/* Segments are no larger than the binary: they are copied in one piece. */
int engine_out_memory_init(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    u64 most = t->inst->module->source->datas.data[x].bytes.len;
    int r = engine_charge(t, s[2] < most ? s[2] : most);
    return r == RUN_DONE ? (int)engine_memory_init(t->inst, (u32)y, (u32)x, s[0], s[1], s[2]) : r;
}

int engine_out_data_drop(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)s, (void)y;
    t->inst->data_dropped[x] = true;
    return TRAP_NONE;
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static struct engine_table *table_of(struct engine_task *t, u64 index)
{
    return t->inst->tables[index];
}

int engine_out_table_get(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    return engine_table_get(table_of(t, x), s[0], &s[0]) ? TRAP_NONE : TRAP_TABLE;
}

int engine_out_table_set(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    return engine_table_set(table_of(t, x), s[0], s[1]) ? TRAP_NONE : TRAP_TABLE;
}

int engine_out_table_size(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    s[0] = table_of(t, x)->size;
    return TRAP_NONE;
}

int engine_out_table_grow(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct engine_table *table = table_of(t, x);
    int r = engine_charge(t, s[1] <= table->max - table->size ? s[1] * sizeof(engine_ref) : 0);
    if (r != RUN_DONE)
        return r;
    i64 old = engine_table_grow(table, s[1], s[0]);
    s[0] = table->type.limits.is_64 ? (u64)old : (u32)old;
    return grown(t, old);
}

int engine_out_table_fill(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct engine_table *table = table_of(t, x);
    if (engine_outside(s[0], s[2], table->size))
        return TRAP_TABLE;
    engine_ref value = s[1];
    int r = engine_charge(t, s[2] * sizeof(engine_ref));
    return r == RUN_DONE ? engine_fill(t, table->elems + s[0], &value, sizeof(value), s[2]) : r;
}

int engine_out_table_copy(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    struct engine_table *to = table_of(t, x), *from = table_of(t, y);
    if (engine_outside(s[0], s[2], to->size) || engine_outside(s[1], s[2], from->size))
        return TRAP_TABLE;
    u64 bytes = s[2] * sizeof(engine_ref);
    int r = engine_charge(t, bytes);
    return r == RUN_DONE ? engine_move(t, to->elems + s[0], from->elems + s[1], bytes) : r;
}

int engine_out_table_init(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    u64 most = t->inst->module->source->elems.data[x].count;
    int r = engine_charge(t, (s[2] < most ? s[2] : most) * sizeof(engine_ref));
    return r == RUN_DONE ? (int)engine_table_init(t->inst, (u32)y, (u32)x, s[0], s[1], s[2]) : r;
}

int engine_out_elem_drop(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)s, (void)y;
    t->inst->elem_dropped[x] = true;
    return TRAP_NONE;
}

/* ---- References ---------------------------------------------------------------------------------------------------- */

int engine_out_ref_func(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    s[0] = (u64)(uintptr_t)engine_func_at(t->inst, (u32)x);
    return TRAP_NONE;
}

static bool is_of(struct engine_task *t, u64 ref, u64 type)
{
    return ref ? engine_ref_is(t->store, ref, (wasm_valtype)type)
               : wasm_is_nullable((wasm_valtype)type);
}

int engine_out_ref_test(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    s[0] = is_of(t, s[0], x);
    return TRAP_NONE;
}

int engine_out_ref_cast(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    return is_of(t, s[0], x) ? TRAP_NONE : TRAP_CAST;
}

int engine_out_ref_i31(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x, (void)y;
    s[0] = (u32)s[0] << 1 | 1;
    return TRAP_NONE;
}

int engine_out_i31_get_s(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x, (void)y;
    if (!s[0])
        return TRAP_NULL_I31;
    s[0] = (u32)((i32)(u32)s[0] >> 1);
    return TRAP_NONE;
}

int engine_out_i31_get_u(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)t, (void)x, (void)y;
    if (!s[0])
        return TRAP_NULL_I31;
    s[0] = (u32)s[0] >> 1;
    return TRAP_NONE;
}

/* ---- Exceptions ---------------------------------------------------------------------------------------------------- */

int engine_out_throw(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)y;
    struct engine_tag *tag = t->inst->tags[x];
    struct object *o = engine_object_new(t->store, OBJECT_EXCEPTION, tag->slots * sizeof(u64));
    if (!o)
        return engine_no_object(t);
    o->tag = tag;
    o->length = tag->slots;
    memcpy(o->data, s, tag->slots * sizeof(u64));
    t->exception = (u64)(uintptr_t)o;
    return TRAP_NONE;
}

int engine_out_throw_ref(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    (void)x, (void)y;
    if (!s[0])
        return TRAP_NULL_EXN;
    t->exception = s[0];
    return TRAP_NONE;
}
