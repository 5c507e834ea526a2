/* text_immediates.c - plain instructions: the opcode and its immediates, by the rows of ops.def. */
#include "text_core.h"

void text_put_op(struct buf *out, enum wasm_op op)
{
    const struct wasm_op_info *info = &wasm_op_info[op];
    if (info->prefix) {
        text_byte(out, info->prefix);
        text_uleb(out, info->code);
    } else {
        text_byte(out, (u8)info->code);
    }
}

u32 text_label(struct text_module *m)
{
    bool named;
    u32 label = text_take_index(m->p, &m->labels, "a label", "label", &named);
    return named ? m->label_stack.len - 1 - label : label;
}

/* ---- Immediates ------------------------------------------------------------------------------------------ */

static bool at_index(const struct text_parser *p)
{
    return p->tok.kind == TEXT_NUMBER || p->tok.kind == TEXT_ID;
}

static u32 optional_index(struct text_module *m, enum text_space_kind space)
{
    return at_index(m->p) ? text_index(m, space) : 0;
}

static void put_index(struct text_module *m, enum text_space_kind space, struct buf *out)
{
    text_uleb(out, text_index(m, space));
}

/* `offset=N align=N` */
static u64 attribute(struct text_parser *p, str name, u64 otherwise, bool *given)
{
    str word = text_of(p, p->tok);
    *given = false;
    if (p->tok.kind != TEXT_KEYWORD || !str_starts(word, name))
        return otherwise;
    struct text_token number = p->tok;
    number.start += (u32)name.len;
    number.kind = TEXT_NUMBER;
    u64 value = 0;
    if (number.start == number.end || !text_token_u64(p, number, &value)) {
        text_fail(p, number, "malformed number after `" STRF "`: a number below 2^64 is expected",
                  STRA(name));
        return otherwise;
    }
    *given = true;
    text_advance(p);
    return value;
}

static void memory_argument(struct text_module *m, const struct wasm_op_info *info, struct buf *out)
{
    struct text_parser *p = m->p;
    u32 memory = 0;
    if (at_index(p)) {
        bool is_memory = true;
        if (info->imm == IMM_MEMARG_LANE && p->tok.kind == TEXT_NUMBER) {
            struct text_token next = text_peek(p); /* else it is the lane */
            is_memory = next.kind == TEXT_NUMBER || next.kind == TEXT_KEYWORD;
            if (next.kind == TEXT_KEYWORD)
                is_memory = str_starts(text_of(p, next), STR("offset=")) ||
                            str_starts(text_of(p, next), STR("align="));
        }
        if (is_memory)
            memory = text_index(m, SPACE_MEMORY);
    }
    bool given;
    u64 offset = attribute(p, STR("offset="), 0, &given);
    struct text_token at = p->tok;
    u64 align = attribute(p, STR("align="), (u64)1 << info->align, &given);
    if (given && !p->failed && (align == 0 || align & (align - 1) || align > (u64)1 << 31))
        text_fail(p, at, "alignment must be a power of two%s",
                  align > (u64)1 << 31 ? ", at most 2^31" : "");
    u32 flags = 0;
    for (; align > 1; align >>= 1)
        flags++;
    if (memory) {
        text_uleb(out, flags | 0x40);
        text_uleb(out, memory);
    } else {
        text_uleb(out, flags);
    }
    text_uleb(out, offset);
    if (info->imm == IMM_MEMARG_LANE)
        text_byte(out, (u8)text_unsigned(p, 8, "a lane index"));
}

static void le_bytes(struct buf *out, u64 value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8)
        text_byte(out, (u8)value);
}

void text_v128(struct text_parser *p, struct buf *out)
{
    static const struct {
        str name;
        u8 lanes, bits;
        bool is_float;
    } shapes[] = {
        {STR_INIT("i8x16"), 16, 8, false}, {STR_INIT("i16x8"), 8, 16, false},
        {STR_INIT("i32x4"), 4, 32, false}, {STR_INIT("i64x2"), 2, 64, false},
        {STR_INIT("f32x4"), 4, 32, true},  {STR_INIT("f64x2"), 2, 64, true},
    };
    for (u32 i = 0; i < LENGTH_OF(shapes); i++) {
        if (!text_take_word(p, shapes[i].name))
            continue;
        for (u32 lane = 0; lane < shapes[i].lanes; lane++) {
            u64 value;
            if (!shapes[i].is_float)
                value = text_integer(p, shapes[i].bits);
            else
                value = shapes[i].bits == 32 ? text_f32(p) : text_f64(p);
            le_bytes(out, value, shapes[i].bits / 8);
        }
        return;
    }
    text_unexpected(p, "the shape of a vector: i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2");
}

static void branch_targets(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    u32 count = 0;
    m->key.len = 0;
    for (; at_index(p); count++)
        text_uleb(&m->key, text_label(m));
    if (count == 0) {
        text_unexpected(p, "a label");
        return;
    }
    text_uleb(out, count - 1);
    buf_str(out, buf_view(&m->key));
}

static void select_types(struct text_module *m, enum wasm_op *op, struct buf *out)
{
    struct text_parser *p = m->p;
    if (!text_form(p, "result")) {
        text_put_op(out, OP_SELECT);
        return;
    }
    *op = OP_SELECT_T;
    text_put_op(out, OP_SELECT_T);
    struct buf types = buf_in(p->arena);
    u32 count = 0;
    while (text_open(p, "result")) {
        for (; p->tok.kind != TEXT_RPAREN && !p->failed; count++)
            text_valtype(&m->types, &types);
        text_close(p);
    }
    text_put_vec(out, count, &types);
}

static void field_index(struct text_module *m, u32 type, struct buf *out)
{
    struct text_parser *p = m->p;
    if (p->tok.kind != TEXT_ID) {
        text_uleb(out, text_u32(p, "a field"));
        return;
    }
    struct text_token at = p->tok;
    str name = text_id_name(p, at);
    u32 found = TEXT_NONE;
    static const struct text_names none;
    const struct text_names *names = type < m->fields.len ? &m->fields.data[type] : &none;
    found = text_names_get(names, name);
    if (found == TEXT_NONE) {
        text_unknown_name(p, at, "field", name, names);
        return;
    }
    text_advance(p);
    text_uleb(out, found);
}

static void cast_immediates(struct text_module *m, struct buf *out)
{
    u32 label = text_label(m);
    bool null_from, null_to;
    char room[2][16];
    struct buf from = {m->p->arena, room[0], 0, sizeof room[0]};
    struct buf to = {m->p->arena, room[1], 0, sizeof room[1]};
    text_reftype_parts(&m->types, &null_from, &from);
    text_reftype_parts(&m->types, &null_to, &to);
    text_byte(out, (u8)(null_from | null_to << 1));
    text_uleb(out, label);
    buf_str(out, buf_view(&from));
    buf_str(out, buf_view(&to));
}

/* Two optional indices of one space: both or none. */
static void index_pair(struct text_module *m, enum text_space_kind space, struct buf *out)
{
    u32 first = 0, second = 0;
    if (at_index(m->p)) {
        first = text_index(m, space);
        second = text_index(m, space);
    }
    text_uleb(out, first);
    text_uleb(out, second);
}

/* `segment`, or `space segment`; the binary has the segment first. */
static void segment_and(struct text_module *m, enum text_space_kind segment,
                        enum text_space_kind space, struct buf *out)
{
    u32 other = 0;
    struct text_token next = text_peek(m->p);
    if (next.kind == TEXT_NUMBER || next.kind == TEXT_ID)
        other = text_index(m, space);
    put_index(m, segment, out);
    text_uleb(out, other);
}

void text_instruction(struct text_module *m, enum wasm_op op, struct buf *out,
                      struct text_frame *frame)
{
    struct text_parser *p = m->p;
    const struct wasm_op_info *info = &wasm_op_info[op];
    size_t start = out->len;
    bool named;
    if (op != OP_SELECT)
        text_put_op(out, op);
    switch (info->imm) {
    case IMM_NONE:
        if (op == OP_SELECT)
            select_types(m, &op, out);
        break;
    case IMM_LOCAL:
        text_uleb(out, text_take_index(p, &m->locals, "a local", "local", &named));
        break;
    case IMM_GLOBAL: put_index(m, SPACE_GLOBAL, out); break;
    case IMM_FUNC: put_index(m, SPACE_FUNC, out); break;
    case IMM_TYPE: put_index(m, SPACE_TYPE, out); break;
    case IMM_TAG: put_index(m, SPACE_TAG, out); break;
    case IMM_ELEM: put_index(m, SPACE_ELEM, out); break;
    case IMM_DATA:
        m->needs_data_count |= m->in_body;
        put_index(m, SPACE_DATA, out);
        break;
    case IMM_LABEL:
    case IMM_RETHROW:
    case IMM_DELEGATE: text_uleb(out, text_label(m)); break;
    case IMM_LABELS: branch_targets(m, out); break;
    case IMM_CALL_INDIRECT: {
        u32 table = optional_index(m, SPACE_TABLE);
        struct text_typeuse use;
        text_typeuse(m, &use, NULL);
        if (frame) {
            frame->split = (u32)out->len;
            frame->use = arena_new(p->arena, struct text_typeuse);
            *frame->use = use;
            frame->use->signature = str_dup(p->arena, use.signature);
        } else {
            text_uleb(out, text_typeuse_index(m, &use));
        }
        text_uleb(out, table);
        break;
    }
    case IMM_TABLE: text_uleb(out, optional_index(m, SPACE_TABLE)); break;
    case IMM_TABLE_TABLE: index_pair(m, SPACE_TABLE, out); break;
    case IMM_ELEM_TABLE: segment_and(m, SPACE_ELEM, SPACE_TABLE, out); break;
    case IMM_MEMORY: text_uleb(out, optional_index(m, SPACE_MEMORY)); break;
    case IMM_MEMORY_MEMORY: index_pair(m, SPACE_MEMORY, out); break;
    case IMM_DATA_MEMORY:
        m->needs_data_count |= m->in_body;
        segment_and(m, SPACE_DATA, SPACE_MEMORY, out);
        break;
    case IMM_MEMARG:
    case IMM_MEMARG_LANE: memory_argument(m, info, out); break;
    case IMM_LANE: text_byte(out, (u8)text_unsigned(p, 8, "a lane index")); break;
    case IMM_SHUFFLE:
        for (u32 i = 0; i < 16; i++)
            text_byte(out, (u8)text_unsigned(p, 8, "a lane index"));
        break;
    case IMM_I32: buf_sleb(out, (i32)text_integer(p, 32)); break;
    case IMM_I64: buf_sleb(out, (i64)text_integer(p, 64)); break;
    case IMM_F32: le_bytes(out, text_f32(p), 4); break;
    case IMM_F64: le_bytes(out, text_f64(p), 8); break;
    case IMM_V128: text_v128(p, out); break;
    case IMM_HEAP:
        if (op == OP_REF_NULL) {
            text_heaptype(&m->types, out);
        } else {
            bool nullable;
            char room[16];
            struct buf heap = {p->arena, room, 0, sizeof room};
            text_reftype_parts(&m->types, &nullable, &heap);
            if (nullable) { /* the row for nullable types follows */
                out->len = start;
                text_put_op(out, op + 1);
            }
            buf_str(out, buf_view(&heap));
        }
        break;
    case IMM_TYPE_FIELD: {
        u32 type = text_index(m, SPACE_TYPE);
        text_uleb(out, type);
        field_index(m, type, out);
        break;
    }
    case IMM_TYPE_COUNT:
        put_index(m, SPACE_TYPE, out);
        text_uleb(out, text_u32(p, "a length"));
        break;
    case IMM_TYPE_DATA:
        m->needs_data_count |= m->in_body;
        put_index(m, SPACE_TYPE, out);
        put_index(m, SPACE_DATA, out);
        break;
    case IMM_TYPE_ELEM:
        put_index(m, SPACE_TYPE, out);
        put_index(m, SPACE_ELEM, out);
        break;
    case IMM_TYPE_TYPE:
        put_index(m, SPACE_TYPE, out);
        put_index(m, SPACE_TYPE, out);
        break;
    case IMM_BR_CAST: cast_immediates(m, out); break;
    case IMM_FENCE: text_byte(out, 0); break;
    case IMM_BLOCK:
    case IMM_TRY_TABLE:
    case IMM_CATCH_TAG:
    case IMM_VALTYPES: text_unexpected(p, "another instruction"); break;
    }
}
