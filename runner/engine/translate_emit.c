/* translate_emit.c - the translator's cells, operand stack and accumulators. */
#include "translate.h"

char translate_letter(wasm_valtype t)
{
    switch (wasm_kind_of(t)) {
    case WASM_I32: return 'i';
    case WASM_I64: return 'I';
    case WASM_F32: return 'f';
    case WASM_F64: return 'F';
    case WASM_V128: return 'v';
    default: return 'r';
    }
}

static u32 class_of(char type)
{
    return type == 'f' ? 1 : type == 'F' ? 2 : 0;
}

/* ---- Cells ------------------------------------------------------------------------------------------------- */

void translate_extra(struct translator *tr, u64 bits)
{
    vec_push(tr->arena, &tr->cells)->u = bits;
}

u32 translate_emit(struct translator *tr, enum handler h, struct word w)
{
    u32 at = tr->cells.len;
    if (at <= tr->probe)
        tr->probe_offset = tr->op_offset;
    *vec_push(tr->arena, &tr->cells) = engine_cell_of(h);
    vec_push(tr->arena, &tr->cells)->w = w;
    memcpy(tr->last.before, tr->acc, sizeof(tr->acc));
    tr->last.cell = at;
    tr->last.dest = NOWHERE;
    tr->last.op = OP_COUNT;
    tr->last.word = w;
    return at;
}

void translate_wrote(struct translator *tr, u32 slot, u32 n)
{
    for (u32 i = 0; i < LENGTH_OF(tr->acc); i++) {
        if (tr->acc[i].slot >= slot && tr->acc[i].slot < slot + n)
            tr->acc[i].slot = NOWHERE;
    }
}

void translate_forget(struct translator *tr)
{
    for (u32 i = 0; i < LENGTH_OF(tr->acc); i++)
        tr->acc[i].slot = tr->acc[i].producer = NOWHERE;
    tr->last.cell = tr->last.dest = NOWHERE;
    tr->last.op = OP_COUNT;
    tr->counted.end = NOWHERE;
}

void translate_undo(struct translator *tr)
{
    tr->cells.len = tr->last.cell;
    memcpy(tr->acc, tr->last.before, sizeof(tr->acc));
    tr->last.cell = tr->last.dest = NOWHERE;
    tr->last.op = OP_COUNT;
}

void translate_emit_value(struct translator *tr, enum handler h, struct word w, char type)
{
    struct value *v = translate_push(tr, VALUE_TEMP, type);
    u32 home = v->home;
    w.d = (u16)home;
    u32 at = translate_emit(tr, h, w);
    tr->last.dest = home;
    translate_wrote(tr, home, 1);
    tr->acc[class_of(type)] = (struct accumulator){home, at, h};
}

void translate_emit_plain(struct translator *tr, enum handler h, struct word w, char type)
{
    struct value *v = translate_push(tr, VALUE_TEMP, type);
    u32 home = v->home;
    w.d = (u16)home;
    translate_emit(tr, h, w);
    tr->last.dest = home;
    translate_wrote(tr, home, translate_slots(type));
}

void translate_copy(struct translator *tr, u32 to, u32 from, char type)
{
    translate_emit(tr, type == 'v' ? H_COPY_V : H_COPY,
                   (struct word){.d = (u16)to, .a = (u16)from});
    tr->last.dest = to;
    translate_wrote(tr, to, translate_slots(type));
}

void translate_const(struct translator *tr, u32 to, u64 bits)
{
    if (bits <= UINT32_MAX) {
        translate_emit(tr, H_CONST32, (struct word){.d = (u16)to, .off = (u32)bits});
    } else {
        translate_emit(tr, H_CONST64, (struct word){.d = (u16)to});
        translate_extra(tr, bits);
    }
    tr->last.dest = to;
    translate_wrote(tr, to, 1);
}

/* ---- The operand stack ------------------------------------------------------------------------------------ */

struct value *translate_push(struct translator *tr, enum value_kind kind, char type)
{
    struct value *v = vec_push(tr->arena, &tr->values);
    *v = (struct value){.kind = (u8)kind, .type = type, .home = tr->top};
    tr->top += translate_slots(type);
    if (tr->top > tr->max_top)
        tr->max_top = tr->top;
    if (tr->top > UINT16_MAX)
        tr->too_large = true;
    return v;
}

void translate_push_local(struct translator *tr, u32 local)
{
    struct value *v = translate_push(tr, VALUE_LOCAL, tr->local_types[local]);
    v->local = local;
    v->in_chain = true;
    v->below = tr->local_reads[local];
    tr->local_reads[local] = tr->values.len;
    tr->local_unread[local]++;
}

void translate_push_const(struct translator *tr, char type, u64 bits)
{
    translate_push(tr, VALUE_CONST, type)->bits = bits;
}

static void popped(struct translator *tr)
{
    const struct value *v = &tr->values.data[--tr->values.len];
    tr->top = v->home;
    if (v->in_chain)
        tr->local_reads[v->local] = v->below;
    if (tr->unread_from > tr->values.len)
        tr->unread_from = tr->values.len;
}

struct operand translate_pop(struct translator *tr)
{
    struct value v = *vec_last(&tr->values);
    popped(tr);
    struct operand o = {.form = 's', .type = v.type, .slot = v.home, .home = v.home};
    if (v.kind == VALUE_CONST) {
        o.form = 'c';
        o.bits = v.bits;
        return o;
    }
    if (v.kind == VALUE_LOCAL) {
        tr->local_unread[v.local]--;
        o.slot = tr->local_slots[v.local];
    } else {
        o.temp = true;
    }
    if (v.type != 'v' && tr->acc[class_of(v.type)].slot == o.slot)
        o.form = 'a';
    return o;
}

void translate_to_slot(struct translator *tr, struct operand *o)
{
    if (o->form == 'c') {
        translate_const(tr, o->home, o->bits);
        o->slot = o->home;
    }
    o->form = 's';
}

struct operand translate_pop_slot(struct translator *tr)
{
    struct operand o = translate_pop(tr);
    translate_to_slot(tr, &o);
    return o;
}

void translate_use_acc(struct translator *tr, const struct operand *o)
{
    struct accumulator *a = &tr->acc[class_of(o->type)];
    if (o->temp && a->producer != NOWHERE) {
        tr->cells.data[a->producer] = engine_cell_of((enum handler)(a->handler + 1));
        a->producer = NOWHERE;
    }
}

void translate_drop_to(struct translator *tr, u32 height)
{
    while (tr->values.len > height) {
        struct value *v = vec_last(&tr->values);
        if (v->kind == VALUE_LOCAL)
            tr->local_unread[v->local]--;
        popped(tr);
    }
}

void translate_save(struct translator *tr, u32 index)
{
    struct value v = tr->values.data[index];
    if (v.kind == VALUE_LOCAL) {
        translate_copy(tr, v.home, tr->local_slots[v.local], v.type);
        tr->local_unread[v.local]--;
    } else if (v.kind == VALUE_CONST) {
        translate_const(tr, v.home, v.bits);
    }
    tr->values.data[index].kind = VALUE_TEMP;
}

void translate_save_top(struct translator *tr, u32 count)
{
    for (u32 i = tr->values.len - count; i < tr->values.len; i++)
        translate_save(tr, i);
}

void translate_save_unread(struct translator *tr)
{
    for (u32 i = tr->unread_from; i < tr->values.len; i++) {
        if (tr->values.data[i].kind == VALUE_LOCAL)
            translate_save(tr, i);
    }
    tr->unread_from = tr->values.len;
}

void translate_save_local(struct translator *tr, u32 local)
{
    u32 i = tr->local_reads[local];
    tr->local_reads[local] = 0;
    while (i > 0) {
        struct value *v = &tr->values.data[--i];
        tr->looked++;
        v->in_chain = false;
        if (v->kind == VALUE_LOCAL)
            translate_save(tr, i);
        i = v->below;
    }
}

/* ---- Branches ----------------------------------------------------------------------------------------------- */

u32 translate_fixup(struct translator *tr, u32 cell, u32 from, u32 next)
{
    *vec_push(tr->arena, &tr->fixups) = (struct fixup){cell, from, next};
    return tr->fixups.len;
}

void translate_bind(struct translator *tr, u32 fixups)
{
    for (u32 i = fixups; i != 0; i = tr->fixups.data[i - 1].next) {
        const struct fixup *f = &tr->fixups.data[i - 1];
        tr->cells.data[f->cell].w.imm = (i32)(tr->cells.len - f->from);
    }
    translate_forget(tr);
}
