/* walk_quick.c - the walk over the plain instructions of function bodies, with everything in registers. It takes only what is valid
 * beyond doubt; the careful walk goes on wherever it stops, and reports. */
#include "validate_internal.h"

/* ---- Tables ------------------------------------------------------------------------------------- */

/* By opcode; all others stop the quick walk. */
static const u8 special[][2] = {
    {0x01, QUICK_NOP},         {0x02, QUICK_BLOCK},
    {0x03, QUICK_BLOCK},       {0x04, QUICK_IF},
    {0x05, QUICK_ELSE},        {0x0b, QUICK_END},
    {0x0c, QUICK_BR},          {0x0d, QUICK_BR_IF},
    {0x0f, QUICK_RETURN},      {0x10, QUICK_CALL},
    {0x1a, QUICK_DROP},        {0x1b, QUICK_SELECT},
    {0x20, QUICK_LOCAL_GET},   {0x21, QUICK_LOCAL_SET},
    {0x22, QUICK_LOCAL_TEE},   {0x23, QUICK_GLOBAL_GET},
    {0x24, QUICK_GLOBAL_SET},  {0x41, QUICK_I32_CONST},
    {0x42, QUICK_I64_CONST},   {0x43, QUICK_F32_CONST},
    {0x44, QUICK_F64_CONST},   {0x11, QUICK_CALL_INDIRECT},
    {0x00, QUICK_UNREACHABLE},
};

static u8 memory_type(u8 type)
{
    return type == ADDRESS_TYPE ? WASM_I32 : type;
}

static void make_rows(struct validate_context *c)
{
    bool has_memory = c->m->memories.len && !c->m->memories.data[0].is_64;
    for (u32 byte = 0; byte < 256; byte++) {
        const struct validate_op_row *row = &c->store->rows[byte];
        struct validate_quick *q = &c->quick[byte];
        bool access = row->action == ACT_MEMARG;
        if ((row->action != ACT_SIMPLE && !(access && has_memory)) ||
            !wasm_gate_open(c->features, wasm_op_info[row->op].gate))
            continue;
        *q = (struct validate_quick){.align = row->align,
                                     .in = memory_type(row->pop[0]),
                                     .below = memory_type(row->pop[1]),
                                     .out = row->push[0]};
        if (row->pops == 1 && row->pushes == 1)
            q->action = access ? QUICK_LOAD : QUICK_UNARY;
        else if (row->pops == 2 && row->pushes == 1 && !access)
            q->action = QUICK_BINARY;
        else if (row->pops == 2 && row->pushes == 0 && access)
            q->action = QUICK_STORE;
    }
    for (size_t i = 0; i < LENGTH_OF(special); i++)
        c->quick[special[i][0]].action = special[i][1];
    c->has_quick = true;
}

/* ---- Pieces ------------------------------------------------------------------------------------- */

/* What the walk holds in registers. */
struct quick {
    const u8 *at;
    wasm_valtype *top, *floor; /* of the operand stack: past its last value; the frame's part */
};

/* Past a LEB128 number of at most `most` bytes, less than the longest: all of those are good. NULL if it is longer. */
static inline const u8 *past_number(const u8 *p, u32 most)
{
    for (u32 i = 0; i < most; i++) {
        if (*p++ < 0x80)
            return p;
    }
    return NULL;
}

/* Past a 32-bit signed number; NULL if it is none. */
static inline const u8 *past_s32(const u8 *p)
{
    const u8 *end = past_number(p, 4);
    if (end)
        return end;
    return p[4] < 0x08 || (p[4] >= 0x78 && p[4] < 0x80) ? p + 5 : NULL;
}

/* An index of one, two or three bytes; UINT32_MAX if it is longer. */
static inline u32 get_index(const u8 **at)
{
    const u8 *p = *at;
    if (p[0] < 0x80) {
        *at = p + 1;
        return p[0];
    }
    if (p[1] < 0x80) {
        *at = p + 2;
        return (p[0] & 0x7fu) | (u32)p[1] << 7;
    }
    *at = p + 3;
    return p[2] < 0x80 ? (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 | (u32)p[2] << 14 : UINT32_MAX;
}

/* Are the topmost values those types? */
static inline bool on_top(const struct quick *q, const wasm_valtype *types, u32 n)
{
    if ((size_t)(q->top - q->floor) < n)
        return false;
    for (u32 i = 0; i < n; i++) {
        if (q->top[(ptrdiff_t)i - (ptrdiff_t)n] != types[i])
            return false;
    }
    return true;
}

static inline bool open_block(struct validate_context *c, struct quick *q, u8 opcode)
{
    static const u16 ops[] = {[2] = OP_BLOCK, [3] = OP_LOOP, [4] = OP_IF};
    u8 type = q->at[1];
    bool empty = type == 0x40, is_if = opcode == 4;
    if (c->frames.len == c->frames.cap || !(empty || (type > WASM_V128 && type <= WASM_I32)) ||
        (is_if && (q->top == q->floor || q->top[-1] != WASM_I32)))
        return false;
    q->top -= is_if;
    c->frames.data[c->frames.len++] =
        (struct validate_frame){.results = empty ? NULL : &validate_one_result[type - WASM_V128],
                                .result_count = !empty,
                                .height = (u32)(q->top - c->stack.data),
                                .op = ops[opcode]};
    q->floor = q->top;
    q->at += 2;
    return true;
}

static inline bool is_block(const struct validate_frame *f)
{
    return f->param_count == 0 && f->result_count <= 1;
}

static inline bool leaves_results(const struct validate_frame *f, const struct quick *q)
{
    return (size_t)(q->top - q->floor) == f->result_count &&
           (f->result_count == 0 || q->top[-1] == f->results[0]);
}

static inline bool close_block(struct validate_context *c, struct quick *q)
{
    u32 n = c->frames.len;
    const struct validate_frame *f = &c->frames.data[n - 1];
    if (n == 1) {
        if ((size_t)(q->top - q->floor) != f->result_count ||
            !on_top(q, f->results, f->result_count))
            return false;
        c->frames.len = 0;
        q->at++;
        return true;
    }
    if (!is_block(f) || (f->op == OP_IF && f->result_count) || !leaves_results(f, q))
        return false;
    c->frames.len = n - 1;
    q->floor = c->stack.data + f[-1].height;
    q->at++;
    return true;
}

static inline bool begin_else(struct validate_context *c, struct quick *q)
{
    struct validate_frame *f = vec_last(&c->frames);
    if (f->op != OP_IF || !is_block(f) || !leaves_results(f, q))
        return false;
    f->op = OP_ELSE;
    f->unreachable = false;
    q->top = q->floor;
    q->at++;
    return true;
}

/* Does the stack have what a branch to `depth` carries, below `above` values more? */
static inline bool fits_label(const struct validate_context *c, struct quick q, u32 depth,
                              u32 above)
{
    if (depth >= c->frames.len || (size_t)(q.top - q.floor) < above)
        return false;
    const struct validate_frame *f = &c->frames.data[c->frames.len - 1 - depth];
    q.top -= above;
    return f->op == OP_LOOP ? on_top(&q, f->params, f->param_count)
                            : on_top(&q, f->results, f->result_count);
}

static inline void leave(struct validate_context *c, struct quick *q)
{
    vec_last(&c->frames)->unreachable = true;
    q->top = q->floor;
}

static inline bool apply_call(struct quick *q, const struct wasm_functype *type,
                              const wasm_valtype *limit)
{
    if (!on_top(q, type->params, type->param_count))
        return false;
    wasm_valtype *to = q->top - type->param_count;
    if ((size_t)(limit - to) < type->result_count)
        return false;
    for (u32 i = 0; i < type->result_count; i++)
        *to++ = type->results[i];
    q->top = to;
    return true;
}

static inline const struct wasm_functype *callee(const struct validate_context *c, const u8 **at)
{
    u32 index = get_index(at);
    return index < c->m->funcs.len ? &c->store->types.data[c->funcs[index]].func : NULL;
}

/* Of call_indirect through table 0. */
static inline const struct wasm_functype *callee_type(const struct validate_context *c,
                                                      const u8 **at)
{
    u32 index = get_index(at);
    if (index >= c->m->types.len || *(*at)++ != 0 || c->m->tables.len == 0 ||
        c->m->tables.data[0].type.limits.is_64 || c->tables[0] != WASM_FUNCREF)
        return NULL;
    const struct wasm_type *type = &c->store->types.data[c->ids[index]];
    return type->kind == COMPTYPE_FUNC ? &type->func : NULL;
}

/* ---- The loop ------------------------------------------------------------------------------------- */

enum { LONGEST = 16 }; /* bytes of an instruction here, and a few to spare */

/* Takes instructions that begin before `last`, and end at `end` at most if is_tail; else there is room for one between the two.
 *
 * Each instruction goes on to the next by a jump of its own, straight from the opcode (labels as values, of GNU C): most of the time
 * goes into jumps that the processor has not foreseen, so where they go must be known soon. */
static struct quick walk(struct validate_context *c, struct quick q, const u8 *last, const u8 *end,
                         bool is_tail)
{
    const wasm_valtype *locals = c->locals.data, *limit = c->stack.data + c->stack.cap;
    u32 local_count = c->locals.len;
    const struct validate_quick *row;
    const u8 *p;
    wasm_valtype *before;
    const struct wasm_functype *type;
    u32 index;
    u8 opcode;
#define LABEL(name) &&at_##name,
    static const void *const labels[] = {VALIDATE_QUICK_ACTIONS(LABEL)};
#undef LABEL
    if (!c->quick_labels[0]) {
        for (u32 i = 0; i < LENGTH_OF(c->quick_labels); i++)
            c->quick_labels[i] = labels[c->quick[i].action];
    }
#define NEED(condition)   \
    do {                  \
        if (!(condition)) \
            return q;     \
    } while (0)
#define ROOM()  NEED(q.top != limit)
#define HAVE(n) NEED(q.top - q.floor >= (n))
#define GO_ON                           \
    do {                                \
        if (q.at >= last)               \
            return q;                   \
        opcode = *q.at;                 \
        row = &c->quick[opcode];        \
        p = q.at + 1;                   \
        before = q.top;                 \
        goto * c->quick_labels[opcode]; \
    } while (0)
#define NEXT                              \
    do {                                  \
        if (is_tail && p > end) {         \
            q.top = before; /* cut off */ \
            return q;                     \
        }                                 \
        q.at = p;                         \
        GO_ON;                            \
    } while (0)

    GO_ON;
at_LOCAL_GET:
    index = get_index(&p);
    NEED(index < local_count);
    ROOM();
    *q.top++ = locals[index];
    NEXT;
at_LOCAL_SET:
at_LOCAL_TEE:
    index = get_index(&p);
    NEED(index < local_count);
    HAVE(1);
    NEED(q.top[-1] == locals[index]);
    q.top -= opcode == 0x21;
    NEXT;
at_I32_CONST:
    p = past_s32(p);
    NEED(p);
    ROOM();
    *q.top++ = WASM_I32;
    NEXT;
at_BINARY:
    HAVE(2);
    NEED(((q.top[-1] ^ row->in) | (q.top[-2] ^ row->below)) == 0);
    *(--q.top - 1) = row->out;
    NEXT;
at_UNARY:
    HAVE(1);
    NEED(q.top[-1] == row->in);
    q.top[-1] = row->out;
    NEXT;
at_LOAD:
    NEED(*p <= row->align);
    p = past_number(p + 1, 4);
    NEED(p);
    HAVE(1);
    NEED(q.top[-1] == row->in);
    q.top[-1] = row->out;
    NEXT;
at_STORE:
    NEED(*p <= row->align);
    p = past_number(p + 1, 4);
    NEED(p);
    HAVE(2);
    NEED(((q.top[-1] ^ row->in) | (q.top[-2] ^ row->below)) == 0);
    q.top -= 2;
    NEXT;
at_BLOCK:
at_IF:
    NEED(open_block(c, &q, opcode));
    GO_ON;
at_ELSE:
    NEED(begin_else(c, &q));
    GO_ON;
at_END:
    NEED(close_block(c, &q));
    if (c->frames.len == 0)
        return q;
    GO_ON;
at_BR_IF:
    index = get_index(&p);
    HAVE(1);
    NEED(q.top[-1] == WASM_I32 && fits_label(c, q, index, 1));
    q.top--;
    NEXT;
at_BR:
    index = get_index(&p);
    NEED(fits_label(c, q, index, 0));
    leave(c, &q);
    NEXT;
at_RETURN:
    NEED(fits_label(c, q, c->frames.len - 1, 0));
    leave(c, &q);
    NEXT;
at_CALL:
    type = callee(c, &p);
    NEED(type && apply_call(&q, type, limit));
    NEXT;
at_CALL_INDIRECT:
    type = callee_type(c, &p);
    HAVE(1);
    NEED(type && q.top[-1] == WASM_I32);
    q.top--;
    if (!apply_call(&q, type, limit)) {
        q.top++;
        return q;
    }
    NEXT;
at_GLOBAL_GET:
    index = get_index(&p);
    NEED(index < c->m->globals.len);
    ROOM();
    *q.top++ = c->globals[index];
    NEXT;
at_GLOBAL_SET:
    index = get_index(&p);
    NEED(index < c->m->globals.len && c->m->globals.data[index].type.is_mutable);
    HAVE(1);
    NEED(q.top[-1] == c->globals[index]);
    q.top--;
    NEXT;
at_DROP:
    HAVE(1);
    q.top--;
    NEXT;
at_SELECT:
    HAVE(3);
    NEED(q.top[-1] == WASM_I32 && q.top[-2] == q.top[-3] && q.top[-2] >= WASM_F64 &&
         q.top[-2] <= WASM_I32);
    q.top -= 2;
    NEXT;
at_I64_CONST:
    p = past_number(p, 9);
    NEED(p);
    ROOM();
    *q.top++ = WASM_I64;
    NEXT;
at_F32_CONST:
    ROOM();
    *q.top++ = WASM_F32;
    p += 4;
    NEXT;
at_F64_CONST:
    ROOM();
    *q.top++ = WASM_F64;
    p += 8;
    NEXT;
at_UNREACHABLE:
    leave(c, &q);
    NEXT;
at_NOP:
    NEXT;
at_STOP:
    return q;
}

void validate_walk_quickly(struct validate_context *c)
{
    if (!c->has_quick)
        make_rows(c);
    if (!c->stack.data) /* pointers into it need one */
        vec_reserve(c->arena, &c->stack, 1);
    struct quick q = {c->in.at, c->stack.data + c->stack.len, c->stack.data + c->floor};
    if (c->in.end - c->in.at > LONGEST)
        q = walk(c, q, c->in.end - LONGEST, c->in.end, false);
    size_t left = (size_t)(c->in.end - q.at);
    if (left <= LONGEST && c->frames.len) {
        u8 tail[2 * LONGEST] = {0};
        memcpy(tail, q.at, left);
        const u8 *at = q.at;
        q.at = tail;
        q = walk(c, q, tail + left, tail + left, true);
        q.at = at + (q.at - tail);
    }
    c->in.at = q.at;
    c->stack.len = (u32)(q.top - c->stack.data);
    c->floor = (u32)(q.floor - c->stack.data);
}
