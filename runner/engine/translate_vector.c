/* translate_vector.c - v128 instructions: all operands in slots. */
#include "translate.h"

/* Cells after the operand word: a lane, or the lanes of a shuffle. */
static void immediates(struct translator *tr, enum wasm_op op, u64 cells[2], u32 *n)
{
    *n = 0;
    if (wasm_op_info[op].imm == IMM_LANE) {
        cells[(*n)++] = wasm_get_byte(&tr->in);
    } else if (wasm_op_info[op].imm == IMM_SHUFFLE) {
        str lanes = wasm_get_bytes(&tr->in, 16);
        if (lanes.len == 16)
            memcpy(cells, lanes.ptr, 16);
        *n = 2;
    }
}

static void result(struct translator *tr, enum handler h, struct word w, char type)
{
    if (type)
        translate_emit_plain(tr, h, w, type);
    else
        translate_emit(tr, h, w);
}

static void plain(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    const char *signature = wasm_op_info[op].signature;
    u32 operands = (u32)strcspn(signature, ":");
    u64 cells[2];
    u32 n;
    immediates(tr, op, cells, &n);
    struct word w = {0};
    if (operands > 2)
        w.c = (u16)translate_pop_slot(tr).slot;
    if (operands > 1)
        w.b = (u16)translate_pop_slot(tr).slot;
    w.a = (u16)translate_pop_slot(tr).slot;
    result(tr, (enum handler)rule->base, w, signature[operands + 1]);
    for (u32 i = 0; i < n; i++)
        translate_extra(tr, cells[i]);
}

static void access(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    const char *signature = wasm_op_info[op].signature;
    u32 operands = (u32)strcspn(signature, ":");
    struct memarg m = translate_memarg(tr);
    u64 lane = wasm_op_info[op].imm == IMM_MEMARG_LANE ? wasm_get_byte(&tr->in) : 0;
    struct word w = {0};
    if (operands > 1)
        w.b = (u16)translate_pop_slot(tr).slot;
    struct operand address = translate_pop_slot(tr);
    u32 h = rule->base;
    if (m.memory == 0 && !tr->m->memories.data[0].is_64) {
        w.a = (u16)address.slot;
    } else {
        translate_address(tr, m, address, 1u << wasm_op_info[op].align, false);
        h++;
    }
    result(tr, (enum handler)h, w, signature[operands + 1]);
    translate_extra(tr, m.offset);
    translate_extra(tr, lane);
}

void translate_vector(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    if (rule->family == FAMILY_VECTOR)
        plain(tr, op, rule);
    else
        access(tr, op, rule);
}
