/* text_instr.c - instruction sequences, plain and folded.
 *
 * Nothing here recurses: what is open stands in m->frames. A folded instruction keeps its own bytes in
 * m->pending until its operands have been written. Types that it defines implicitly are likewise
 * defined only then, since they are numbered in the order of the instructions. */
#include "text_core.h"

enum frame_kind {
    FRAME_BLOCK,        /* block ... end; also loop, if, try, try_table */
    FRAME_FOLDED,       /* (op operand*) */
    FRAME_FOLDED_BLOCK, /* (block ...) */
    FRAME_IF,           /* (if operand* (then ...) (else ...)?) */
    FRAME_TRY,          /* (try (do ...) (catch ...)*) */
    FRAME_CLAUSE,       /* (then ...) and the like */
};
/* struct text_frame.state of FRAME_IF, FRAME_TRY and a plain `if` */
enum { STATE_OPEN, STATE_FIRST, STATE_SECOND };

static void put_op(struct buf *out, enum wasm_op op)
{
    const struct wasm_op_info *info = &wasm_op_info[op];
    if (info->prefix) {
        text_byte(out, info->prefix);
        text_uleb(out, info->code);
    } else {
        text_byte(out, (u8)info->code);
    }
}

/* ---- Labels -------------------------------------------------------------------------------------------- */

static void push_label(struct text_module *m, str name, str shown)
{
    struct text_label label = {name, TEXT_NONE};
    if (name.ptr) {
        bool fresh;
        u32 *at = text_names_at(m->p->arena, &m->labels, name, &fresh);
        label.shadowed = *at;
        *at = m->label_stack.len;
    }
    if (shown.ptr)
        text_namemap_add(&m->func_labels, m->label_count, shown);
    m->label_count++;
    *vec_push(m->p->arena, &m->label_stack) = label;
}

static void pop_label(struct text_module *m)
{
    struct text_label label = m->label_stack.data[--m->label_stack.len];
    if (label.name.ptr) {
        bool fresh;
        *text_names_at(m->p->arena, &m->labels, label.name, &fresh) = label.shadowed;
    }
}

static u32 take_label(struct text_module *m)
{
    struct text_parser *p = m->p;
    if (p->tok.kind == TEXT_NUMBER)
        return text_u32(p, "a label");
    if (p->tok.kind != TEXT_ID) {
        text_unexpected(p, "a label");
        return 0;
    }
    struct text_token at = p->tok;
    str name = text_id_name(p, at);
    u32 found = text_names_get(&m->labels, name);
    if (found == TEXT_NONE) {
        text_unknown_name(p, at, "label", name, &m->labels);
        return 0;
    }
    text_advance(p);
    return m->label_stack.len - 1 - found;
}

/* The optional label after `end` and `else` must be that of its block. */
static void closing_label(struct text_module *m)
{
    struct text_parser *p = m->p;
    if (p->tok.kind != TEXT_ID)
        return;
    struct text_token at = p->tok;
    str name = text_id_name(p, at);
    str open = vec_last(&m->label_stack)->name;
    if (!open.ptr || !str_eq(open, name)) {
        text_fail(p, at, "mismatching label `$" STRF "`", STRA(name));
        return;
    }
    text_advance(p);
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
        text_uleb(&m->key, take_label(m));
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
        put_op(out, OP_SELECT);
        return;
    }
    *op = OP_SELECT_T;
    put_op(out, OP_SELECT_T);
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
    u32 label = take_label(m);
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

static u32 local_index(struct text_module *m)
{
    struct text_parser *p = m->p;
    if (p->tok.kind == TEXT_NUMBER)
        return text_u32(p, "a local");
    if (p->tok.kind != TEXT_ID) {
        text_unexpected(p, "a local");
        return 0;
    }
    struct text_token at = p->tok;
    str name = text_id_name(p, at);
    u32 found = text_names_get(&m->locals, name);
    if (found == TEXT_NONE) {
        text_unknown_name(p, at, "local", name, &m->locals);
        return 0;
    }
    text_advance(p);
    return found;
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

/* The opcode of all but blocks, and what follows it. Where the index of an implicit type belongs, `frame` (if there is
 * one) takes the place and the type use, and writes it later. */
static void instruction(struct text_module *m, enum wasm_op op, struct buf *out,
                        struct text_frame *frame)
{
    struct text_parser *p = m->p;
    const struct wasm_op_info *info = &wasm_op_info[op];
    size_t start = out->len;
    if (op != OP_SELECT)
        put_op(out, op);
    switch (info->imm) {
    case IMM_NONE:
        if (op == OP_SELECT)
            select_types(m, &op, out);
        break;
    case IMM_LOCAL: text_uleb(out, local_index(m)); break;
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
    case IMM_DELEGATE: text_uleb(out, take_label(m)); break;
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
                put_op(out, op + 1);
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

/* ---- Blocks -------------------------------------------------------------------------------------------------- */

static void put_block_type(struct text_module *m, const struct text_typeuse *use, struct buf *out)
{
    if (!use->has_index && use->param_count == 0 && use->result_count == 0)
        text_byte(out, 0x40);
    else if (!use->has_index && use->param_count == 0 && use->result_count == 1)
        buf_str(out, use->results);
    else
        buf_sleb(out, text_typeuse_index(m, use));
}

/* The clauses of try_table. Their labels count from outside of it. */
static void catches(struct text_module *m, struct buf *out)
{
    static const struct {
        str word;
        bool tag;
    } kinds[] = {
        {STR_INIT("catch"), true},
        {STR_INIT("catch_ref"), true},
        {STR_INIT("catch_all"), false},
        {STR_INIT("catch_all_ref"), false},
    };
    struct text_parser *p = m->p;
    struct buf clauses = buf_in(p->arena);
    u32 count = 0;
    for (u32 kind = 0; kind < LENGTH_OF(kinds);) {
        if (!text_open_word(p, kinds[kind].word)) {
            kind++;
            continue;
        }
        text_byte(&clauses, (u8)kind);
        if (kinds[kind].tag)
            put_index(m, SPACE_TAG, &clauses);
        text_uleb(&clauses, take_label(m));
        text_close(p);
        count++;
        kind = 0;
    }
    text_put_vec(out, count, &clauses);
}

static void record_hint(struct text_module *m, i8 hint, const struct buf *out)
{
    if (hint < 0)
        return;
    text_uleb(&m->func_hints, out->len);
    text_byte(&m->func_hints, 1);
    text_byte(&m->func_hints, (u8)hint);
    m->func_hint_count++;
}

static struct text_frame *push_frame(struct text_module *m, enum frame_kind kind, enum wasm_op op,
                                     struct text_token at)
{
    struct text_frame *f = vec_push(m->p->arena, &m->frames);
    *f = (struct text_frame){.kind = (u8)kind,
                             .op = (u16)op,
                             .hint = m->hint,
                             .pending = (u32)m->pending.len,
                             .split = UINT32_MAX,
                             .at = at};
    m->hint = -1;
    return f;
}

static bool is_block(enum wasm_op op)
{
    return op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY || op == OP_TRY_TABLE;
}

/* What follows `block` and its like; the instruction is written and its label opened. */
static void open_block(struct text_module *m, enum wasm_op op, enum frame_kind kind,
                       struct text_token at, struct buf *out)
{
    struct text_token id;
    str label, shown;
    text_binder(m->p, &label, &id, &shown);
    struct text_typeuse use;
    text_typeuse(m, &use, NULL);
    text_module_place(m, out, at);
    record_hint(m, m->hint, out);
    m->hint = -1;
    put_op(out, op);
    put_block_type(m, &use, out);
    if (op == OP_TRY_TABLE)
        catches(m, out);
    push_frame(m, kind, op, at);
    push_label(m, label, shown);
}

/* `(if`: the instruction itself comes after its condition. */
static void open_folded_if(struct text_module *m, struct text_token at)
{
    struct text_parser *p = m->p;
    struct text_token id;
    str label, shown;
    text_binder(p, &label, &id, &shown);
    struct text_typeuse *use = arena_new(p->arena, struct text_typeuse);
    text_typeuse(m, use, NULL);
    use->signature = str_dup(p->arena, use->signature);
    use->results = str_dup(p->arena, use->results);
    struct text_frame *f = push_frame(m, FRAME_IF, OP_IF, at);
    f->use = use;
    f->label = label;
    f->shown = shown;
}

/* ---- Plain instructions ----------------------------------------------------------------------------------------- */

static struct text_frame *top(struct text_module *m)
{
    return m->frames.len ? vec_last(&m->frames) : NULL;
}

/* `else`, `end` and the clauses of a legacy try, for a plain block. */
static void block_word(struct text_module *m, enum wasm_op op, struct text_token at,
                       struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_frame *f = top(m);
    bool plain = f && f->kind == FRAME_BLOCK;
    bool fits = plain;
    if (plain && op == OP_ELSE)
        fits = f->op == OP_IF && f->state == STATE_OPEN;
    else if (plain && op != OP_END)
        fits = f->op == OP_TRY && (op != OP_DELEGATE || f->state == STATE_OPEN) &&
               f->state != STATE_SECOND;
    if (!fits) {
        text_fail(p, at, "unexpected token `" STRF "`: there is no open block for it",
                  STRA(text_of(p, at)));
        return;
    }
    switch (op) {
    case OP_ELSE:
        f->state = STATE_FIRST;
        put_op(out, op);
        closing_label(m);
        break;
    case OP_CATCH:
        f->state = STATE_FIRST;
        put_op(out, op);
        put_index(m, SPACE_TAG, out);
        break;
    case OP_CATCH_ALL:
        f->state = STATE_SECOND;
        put_op(out, op);
        break;
    case OP_DELEGATE:
        m->frames.len--;
        pop_label(m);
        put_op(out, op);
        text_uleb(out, take_label(m));
        break;
    default:
        closing_label(m);
        m->frames.len--;
        pop_label(m);
        put_op(out, OP_END);
        break;
    }
}

static void plain_instruction(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_token at = p->tok;
    struct text_frame *f = top(m);
    /* Within a folded instruction the grammar has folded ones only; other tools read plain ones, and texts are written so. */
    if (f && (f->kind == FRAME_IF || f->kind == FRAME_TRY)) {
        text_unexpected(p, "`(` or `)`");
        return;
    }
    enum wasm_op op = text_ops_find(p->ops, p->text, at.start, at.end);
    if (op == OP_COUNT) {
        text_unknown_op(p, at);
        return;
    }
    text_advance(p);
    if (is_block(op)) {
        open_block(m, op, FRAME_BLOCK, at, out);
        return;
    }
    text_module_place(m, out, at);
    switch (op) {
    case OP_ELSE:
    case OP_END:
    case OP_CATCH:
    case OP_CATCH_ALL:
    case OP_DELEGATE: block_word(m, op, at, out); break;
    default:
        if (m->hint >= 0) {
            record_hint(m, m->hint, out);
            m->hint = -1;
        }
        instruction(m, op, out, NULL);
        break;
    }
}

/* ---- Folded instructions ------------------------------------------------------------------------------------------ */

/* Writes what a folded instruction kept back. */
static void flush(struct text_module *m, struct text_frame *f, struct buf *out)
{
    text_module_place(m, out, f->at);
    record_hint(m, f->hint, out);
    f->hint = -1;
    const char *bytes = m->pending.data + f->pending;
    u32 length = (u32)m->pending.len - f->pending;
    if (f->use) {
        u32 head = f->split - f->pending;
        buf_put(out, bytes, head);
        text_uleb(out, text_typeuse_index(m, f->use));
        buf_put(out, bytes + head, length - head);
    } else if (length) {
        buf_put(out, bytes, length);
    }
    m->pending.len = f->pending;
}

/* `(then` and `(else` of an if. */
static bool if_clause(struct text_module *m, struct text_frame *f, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_token at = p->tok;
    if (f->state == STATE_OPEN && text_take(p, "then")) {
        f->state = STATE_FIRST;
        text_module_place(m, out, f->at);
        record_hint(m, f->hint, out);
        put_op(out, OP_IF);
        put_block_type(m, f->use, out);
        push_label(m, f->label, f->shown);
    } else if (f->state == STATE_FIRST && text_take(p, "else")) {
        f->state = STATE_SECOND;
        text_module_place(m, out, at);
        put_op(out, OP_ELSE);
    } else if (f->state != STATE_OPEN) {
        text_unexpected(p, f->state == STATE_FIRST ? "`else` or the end of the `if`"
                                                   : "the end of the `if`");
        return true;
    } else {
        return false; /* part of the condition */
    }
    push_frame(m, FRAME_CLAUSE, OP_IF, at);
    return true;
}

static void try_clause(struct text_module *m, struct text_frame *f, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_token at = p->tok;
    text_module_place(m, out, at);
    if (f->state == STATE_OPEN && text_take(p, "do")) {
        f->state = STATE_FIRST;
    } else if (f->state == STATE_FIRST && text_take(p, "catch")) {
        put_op(out, OP_CATCH);
        put_index(m, SPACE_TAG, out);
    } else if (f->state == STATE_FIRST && text_take(p, "catch_all")) {
        f->state = STATE_SECOND;
        put_op(out, OP_CATCH_ALL);
    } else if (f->state == STATE_FIRST && text_take(p, "delegate")) {
        f->state = STATE_SECOND;
        f->split = 0; /* no `end` */
        put_op(out, OP_DELEGATE);
        pop_label(m); /* it counts from outside of the try */
        text_uleb(out, take_label(m));
        *vec_push(p->arena, &m->label_stack) = (struct text_label){{0}, TEXT_NONE};
    } else {
        text_unexpected(p, f->state == STATE_OPEN ? "`do`" : "`catch`, `catch_all` or `delegate`");
        return;
    }
    push_frame(m, FRAME_CLAUSE, OP_TRY, at);
}

static void folded_instruction(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    text_advance(p);
    struct text_frame *f = top(m);
    if (f && f->kind == FRAME_IF && if_clause(m, f, out))
        return;
    if (f && f->kind == FRAME_TRY) {
        try_clause(m, f, out);
        return;
    }
    struct text_token at = p->tok;
    if (at.kind != TEXT_KEYWORD) {
        text_unexpected(p, "an instruction");
        return;
    }
    enum wasm_op op = text_ops_find(p->ops, p->text, at.start, at.end);
    if (op == OP_COUNT) {
        text_unknown_op(p, at);
        return;
    }
    text_advance(p);
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_TRY_TABLE: open_block(m, op, FRAME_FOLDED_BLOCK, at, out); break;
    case OP_TRY: open_block(m, op, FRAME_TRY, at, out); break;
    case OP_IF: open_folded_if(m, at); break;
    case OP_ELSE:
    case OP_END:
    case OP_CATCH:
    case OP_CATCH_ALL:
    case OP_DELEGATE:
        text_fail(p, at, "unexpected token `" STRF "`: there is no open block for it",
                  STRA(text_of(p, at)));
        break;
    default: {
        struct text_frame *mine = push_frame(m, FRAME_FOLDED, op, at);
        instruction(m, op, &m->pending, mine);
        break;
    }
    }
}

/* At `)`: closes the innermost folded form. */
static void close_folded(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_frame *f = top(m);
    if (f->kind != FRAME_FOLDED)
        text_module_place(m, out, p->tok);
    switch ((enum frame_kind)f->kind) {
    case FRAME_FOLDED: flush(m, f, out); break;
    case FRAME_FOLDED_BLOCK:
        pop_label(m);
        put_op(out, OP_END);
        break;
    case FRAME_IF:
        if (f->state == STATE_OPEN) {
            text_unexpected(p, "`(then`");
            return;
        }
        pop_label(m);
        put_op(out, OP_END);
        break;
    case FRAME_TRY:
        if (f->state == STATE_OPEN) {
            text_unexpected(p, "`(do`");
            return;
        }
        pop_label(m);
        if (f->split != 0)
            put_op(out, OP_END);
        break;
    case FRAME_CLAUSE: break;
    case FRAME_BLOCK: {
        struct diag *x = text_unexpected(p, "`end`");
        if (x != &p->ignored)
            diag_label(p->d, x, text_span(p, f->at), "of this block");
        return;
    }
    }
    m->frames.len--;
    text_advance(p);
}

static void branch_hint(struct text_module *m)
{
    struct text_parser *p = m->p;
    if (!text_is_annotation(p, p->tok, STR("metadata.code.branch_hint"))) {
        text_fail(p, p->tok, "misplaced annotation");
        return;
    }
    struct text_token at = p->tok;
    text_advance(p);
    str value = text_string(p);
    if (!p->failed && (value.len != 1 || (u8)value.ptr[0] > 1))
        text_fail(p, at, "malformed branch hint: the value is \"\\00\" or \"\\01\"");
    text_close(p);
    if (p->failed)
        return;
    m->hint = (i8)value.ptr[0];
    struct text_token op = p->tok.kind == TEXT_LPAREN ? text_peek(p) : p->tok;
    if (!text_is_word(p, op, STR("if")) && !text_is_word(p, op, STR("br_if")))
        text_fail(p, at, "misplaced branch hint: only `if` and `br_if` take one");
}

void text_instrs(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    for (;;) {
        switch (p->tok.kind) {
        case TEXT_KEYWORD: plain_instruction(m, out); break;
        case TEXT_LPAREN: folded_instruction(m, out); break;
        case TEXT_RPAREN:
            if (m->frames.len == 0)
                return;
            close_folded(m, out);
            break;
        case TEXT_ANNOT: branch_hint(m); break;
        case TEXT_EOF: text_unexpected(p, "`)`"); return;
        default: text_unexpected(p, "an instruction"); break;
        }
    }
}

void text_folded(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    if (p->tok.kind != TEXT_LPAREN) {
        text_unexpected(p, "`(`");
        return;
    }
    do {
        switch (p->tok.kind) {
        case TEXT_KEYWORD: plain_instruction(m, out); break;
        case TEXT_LPAREN: folded_instruction(m, out); break;
        case TEXT_RPAREN: close_folded(m, out); break;
        case TEXT_EOF: text_unexpected(p, "`)`"); return;
        default: text_unexpected(p, "an instruction"); return;
        }
    } while (m->frames.len && !p->failed);
}

void text_instrs_reset(struct text_module *m)
{
    text_names_clear(&m->locals);
    text_names_clear(&m->labels);
    m->func_labels.count = 0;
    m->func_labels.bytes.len = 0;
    m->local_count = m->label_count = 0;
    m->label_stack.len = 0;
    m->frames.len = 0;
    m->pending.len = 0;
    m->hint = -1;
    m->func_hint_count = 0;
    m->func_hints.len = 0;
}
