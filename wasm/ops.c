/* ops.c - the tables of instructions (ops.def). */
#include "wasm.h"

const struct wasm_op_info wasm_op_info[OP_COUNT] = {
#define MEM(id, prefix, code, text, imm, signature, gate, align) \
    [OP_##id] = {prefix, code, align, IMM_##imm, text, signature, FEATURE_##gate},
#define OP(id, prefix, code, text, imm, signature, gate) \
    [OP_##id] = {prefix, code, 0, IMM_##imm, text, signature, FEATURE_##gate},
#include "ops.def"
#undef OP
#undef MEM
};

/* One table for all prefixes: a block of FIND_BLOCK codes for each; 0 is no instruction. */
enum { FIND_BLOCK = 0x120, FIRST_PREFIX = 0xfb, LAST_PREFIX = 0xfe };
#define FIND_SLOT(prefix, code) \
    ((prefix) == 0 ? (code) : ((prefix)-FIRST_PREFIX + 1) * FIND_BLOCK + (code))

static const u16 find_table[(LAST_PREFIX - FIRST_PREFIX + 2) * FIND_BLOCK] = {
#define OP(id, prefix, code, text, imm, signature, gate) [FIND_SLOT(prefix, code)] = OP_##id + 1,
#include "ops.def"
#undef OP
};

enum wasm_op wasm_op_find(u8 prefix, u32 code)
{
    if (code >= FIND_BLOCK || (prefix != 0 && (prefix < FIRST_PREFIX || prefix > LAST_PREFIX)))
        return OP_COUNT;
    u16 found = find_table[FIND_SLOT(prefix, code)];
    return found ? (enum wasm_op)(found - 1) : OP_COUNT;
}
