/* instr.c - walks over instructions: opcodes and the form of their immediates. */
#include "wasm.h"

enum wasm_op wasm_get_op(struct wasm_cursor *c)
{
    const u8 *at = c->at;
    u8 byte = wasm_get_byte(c);
    enum wasm_op op;
    if (byte >= 0xfb && byte <= 0xfe) {
        u32 code = wasm_get_u32(c);
        op = wasm_op_find(byte, code);
    } else {
        op = wasm_op_find(0, byte);
    }
    if (c->failed) {
        return OP_COUNT;
    }
    if (op == OP_COUNT) {
        wasm_cursor_fail(c, at, "illegal opcode");
    }
    return op;
}

struct wasm_blocktype wasm_get_blocktype(struct wasm_cursor *c)
{
    struct wasm_blocktype t = {0};
    const u8 *at = c->at;
    u8 byte = at == c->end ? 0 : *at;
    if (byte == 0x40) { /* no parameters, no results */
        c->at++;
    } else if (byte >= 0x41 && byte <= 0x7f) {
        t.result = wasm_get_valtype(c);
    } else {
        i64 index = wasm_get_s33(c);
        if (index < 0) {
            wasm_cursor_fail(c, at, "malformed block type");
        }
        t.is_index = true;
        t.index = (u32)index;
    }
    return t;
}

struct wasm_memarg wasm_get_memarg(struct wasm_cursor *c)
{
    enum { HAS_MEMORY = 1 << 6 };
    struct wasm_memarg m = {0};
    const u8 *at = c->at;
    u32 flags = wasm_get_u32(c);
    if (flags >= HAS_MEMORY << 1) {
        wasm_cursor_fail(c, at, "malformed memop flags");
        return m;
    }
    m.align = flags & (HAS_MEMORY - 1);
    if (flags & HAS_MEMORY) {
        m.memory = wasm_get_u32(c);
    }
    m.offset = wasm_get_u64(c);
    return m;
}

static void skip_labels(struct wasm_cursor *c)
{
    u32 n = wasm_get_count(c, 1);
    for (u64 i = 0; i <= n && !c->failed; i++) {
        wasm_get_u32(c);
    }
}

static void skip_try_table(struct wasm_cursor *c)
{
    wasm_get_blocktype(c);
    u32 n = wasm_get_count(c, 2);
    for (u32 i = 0; i < n && !c->failed; i++) {
        const u8 *at = c->at;
        u8 kind = wasm_get_byte(c);
        if (kind > 3) {
            wasm_cursor_fail(c, at, "malformed catch clause");
        }
        if (kind < 2) {
            wasm_get_u32(c); /* tag */
        }
        wasm_get_u32(c);
    }
}

static void skip_br_cast(struct wasm_cursor *c)
{
    const u8 *at = c->at;
    u8 flags = wasm_get_byte(c);
    if (flags > 3) {
        wasm_cursor_fail(c, at, "malformed cast flags");
    }
    wasm_get_u32(c);
    wasm_get_heaptype(c, flags & 1);
    wasm_get_heaptype(c, flags & 2);
}

void wasm_skip_immediates(struct wasm_cursor *c, enum wasm_op op)
{
    if (op >= OP_COUNT) {
        return;
    }
    switch (wasm_op_info[op].imm) {
    case IMM_NONE: break;
    case IMM_BLOCK: wasm_get_blocktype(c); break;
    case IMM_LABEL:
    case IMM_FUNC:
    case IMM_TYPE:
    case IMM_LOCAL:
    case IMM_GLOBAL:
    case IMM_TABLE:
    case IMM_ELEM:
    case IMM_DATA:
    case IMM_MEMORY:
    case IMM_TAG:
    case IMM_CATCH_TAG:
    case IMM_DELEGATE:
    case IMM_RETHROW: wasm_get_u32(c); break;
    case IMM_CALL_INDIRECT:
    case IMM_TABLE_TABLE:
    case IMM_ELEM_TABLE:
    case IMM_MEMORY_MEMORY:
    case IMM_DATA_MEMORY:
    case IMM_TYPE_FIELD:
    case IMM_TYPE_COUNT:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE_TYPE:
        wasm_get_u32(c);
        wasm_get_u32(c);
        break;
    case IMM_LABELS: skip_labels(c); break;
    case IMM_MEMARG_LANE:
        wasm_get_memarg(c);
        wasm_get_byte(c);
        break;
    case IMM_MEMARG: wasm_get_memarg(c); break;
    case IMM_LANE: wasm_get_byte(c); break;
    case IMM_SHUFFLE:
    case IMM_V128: wasm_get_bytes(c, 16); break;
    case IMM_I32: wasm_get_s32(c); break;
    case IMM_I64: wasm_get_s64(c); break;
    case IMM_F32: wasm_get_bytes(c, 4); break;
    case IMM_F64: wasm_get_bytes(c, 8); break;
    case IMM_VALTYPES:
        for (u32 n = wasm_get_count(c, 1); n-- > 0 && !c->failed;) {
            wasm_get_valtype(c);
        }
        break;
    case IMM_HEAP: wasm_get_heaptype(c, false); break;
    case IMM_BR_CAST: skip_br_cast(c); break;
    case IMM_TRY_TABLE: skip_try_table(c); break;
    case IMM_FENCE:
        if (wasm_get_byte(c) != 0) {
            wasm_cursor_fail(c, c->at - 1, "non-zero reserved byte");
        }
        break;
    }
}

void wasm_skip_expr(struct wasm_cursor *c)
{
    for (u32 depth = 1; depth && !c->failed;) {
        enum wasm_op op = wasm_get_op(c);
        if (op == OP_END || op == OP_DELEGATE) {
            depth--;
        } else if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY ||
                   op == OP_TRY_TABLE) {
            depth++;
        }
        wasm_skip_immediates(c, op);
    }
}
