/* generate.h - random valid modules, for the test and the fuzz target of the translator.
 *
 * A choice source (random numbers, or a fuzzer's bytes) makes a module in two forms: plain, and with an empty block that is branched
 * out of after every instruction. The second defeats all folding, as labels make the translator forget what it knows; both must
 * do the same.
 */
#ifndef WITC_ENGINE_GENERATE_H
#define WITC_ENGINE_GENERATE_H

#include "engine.h"

struct choices {
    u64 state;             /* of the generator, if there are no bytes */
    const u8 *bytes, *end; /* or NULL */
};

static u32 choose(struct choices *c, u32 n)
{
    if (c->bytes)
        return c->bytes < c->end ? *c->bytes++ % n : 0;
    c->state = c->state * 6364136223846793005u + 1442695040888963407u;
    return (u32)(c->state >> 33) % n;
}

struct generator {
    struct choices *choices;
    struct buf *out;
    bool defeat;
    u32 depth, loops, size;
};

enum { TYPES = 4, LOCALS_EACH = 3, COUNTERS = 3, SIZE_MAX_OPS = 400 };
enum { PARAMETER_TYPES = 2 }; /* from this index on: [t] -> [t] for each type */
static const char type_letters[] = "iIfF";
static const u8 type_bytes[] = {0x7f, 0x7e, 0x7d, 0x7c};

/* Parameters first: one of each type; then the rest of each type; then counters. */
static u32 local_of(struct generator *g, u32 type)
{
    u32 k = choose(g->choices, LOCALS_EACH);
    return k == 0 ? type : TYPES + type * (LOCALS_EACH - 1) + k - 1;
}
static u32 counter_of(u32 k)
{
    return TYPES * LOCALS_EACH + k;
}

static void byte(struct generator *g, u8 b)
{
    buf_byte(g->out, b);
}
static void done(struct generator *g)
{
    g->size++;
    if (g->defeat)
        buf_put(g->out, "\x02\x40\x0c\x00\x0b", 5);
}
static void op_u32(struct generator *g, u8 op, u32 x)
{
    byte(g, op);
    buf_uleb(g->out, x);
    done(g);
}
static void put_op(struct generator *g, enum wasm_op op)
{
    if (wasm_op_info[op].prefix)
        byte(g, wasm_op_info[op].prefix);
    buf_uleb(g->out, wasm_op_info[op].code);
}

static void constant(struct generator *g, u32 type)
{
    static const i64 odd[] = {0, 1, 2, -1, 31, 32, 63, 255, 65535, INT32_MAX, INT32_MIN, 1000, 7};
    i64 x = odd[choose(g->choices, LENGTH_OF(odd))];
    float f = (float)x;
    double d = (double)x / 2;
    byte(g, (u8)(0x41 + type));
    if (type == 0)
        buf_sleb(g->out, (i32)x);
    else if (type == 1)
        buf_sleb(g->out, choose(g->choices, 8) ? x : x * 0x80000001 ^ 0x123456789);
    else if (type == 2)
        buf_put(g->out, &f, 4);
    else
        buf_put(g->out, &d, 8);
    done(g);
}

/* Bits of NaNs may differ with the order of operands, so nothing may show them. */
static bool usable(enum wasm_op op, char result)
{
    const struct wasm_op_info *i = &wasm_op_info[op];
    size_t n = strlen(i->signature);
    if (i->imm != IMM_NONE || n < 3 || i->signature[n - 2] != ':' ||
        i->signature[n - 1] != result || strspn(i->signature, "iIfF") != n - 2)
        return false;
    return op != OP_F32_COPYSIGN && op != OP_F64_COPYSIGN && op != OP_I32_REINTERPRET_F32 &&
           op != OP_I64_REINTERPRET_F64;
}

static enum wasm_op random_op(struct generator *g, u32 type)
{
    static u16 ops[TYPES][256];
    static u32 counts[TYPES];
    if (counts[type] == 0) {
        for (u32 op = 0; op < OP_COUNT; op++) {
            if (usable((enum wasm_op)op, type_letters[type]))
                ops[type][counts[type]++] = (u16)op;
        }
    }
    u32 k = choose(g->choices, counts[type]);
    /* Additions and comparisons are what most folding is about. */
    if (type == 0 && choose(g->choices, 3) == 0)
        return choose(g->choices, 2) ? OP_I32_ADD : OP_I32_SHL;
    return (enum wasm_op)ops[type][k];
}

static void value(struct generator *g, u32 type);
static void statement(struct generator *g);

static void put_const(struct generator *g, i32 x)
{
    byte(g, 0x41);
    buf_sleb(g->out, x);
    done(g);
}
static void put_number(struct generator *g, enum wasm_op op)
{
    put_op(g, op);
    done(g);
}

/* A small number without any work: a counter, perhaps in a sum. */
static void small_address(struct generator *g)
{
    u32 kind = choose(g->choices, 5);
    op_u32(g, 0x20, counter_of(choose(g->choices, COUNTERS)));
    if (kind == 1 || kind == 2) {
        put_const(g, (i32)choose(g->choices, 4));
        put_number(g, OP_I32_SHL);
    }
    if (kind == 2 || kind == 3) {
        op_u32(g, 0x20, counter_of(choose(g->choices, COUNTERS)));
        put_number(g, OP_I32_ADD);
    } else if (kind == 4) {
        put_const(g, (i32)choose(g->choices, 200));
        put_number(g, OP_I32_ADD);
    }
}

/* An address within the page, most of the time. */
static void address(struct generator *g)
{
    if (choose(g->choices, 2)) {
        small_address(g);
        return;
    }
    value(g, 0);
    if (choose(g->choices, 8)) {
        put_const(g, choose(g->choices, 2) ? 0xff : 0x7ff8);
        put_number(g, OP_I32_AND);
    }
    if (choose(g->choices, 2)) {
        value(g, 0);
        put_const(g, 0x3ff);
        put_number(g, OP_I32_AND);
        if (choose(g->choices, 2)) {
            put_const(g, (i32)choose(g->choices, 4));
            put_number(g, OP_I32_SHL);
        }
        put_op(g, OP_I32_ADD);
        done(g);
    }
}

static void access(struct generator *g, enum wasm_op op)
{
    static const u32 offsets[] = {0, 0, 0, 4, 100, 70000};
    put_op(g, op);
    byte(g, 0);
    buf_uleb(g->out,
             offsets[choose(g->choices, LENGTH_OF(offsets) - (choose(g->choices, 20) != 0))]);
    done(g);
}

static void load(struct generator *g, u32 type)
{
    static const u16 loads[TYPES][5] = {
        {OP_I32_LOAD, OP_I32_LOAD8_S, OP_I32_LOAD8_U, OP_I32_LOAD16_S, OP_I32_LOAD16_U},
        {OP_I64_LOAD, OP_I64_LOAD8_S, OP_I64_LOAD16_U, OP_I64_LOAD32_S, OP_I64_LOAD32_U},
        {OP_F32_LOAD, OP_F32_LOAD, OP_F32_LOAD, OP_F32_LOAD, OP_F32_LOAD},
        {OP_F64_LOAD, OP_F64_LOAD, OP_F64_LOAD, OP_F64_LOAD, OP_F64_LOAD},
    };
    address(g);
    access(g, (enum wasm_op)loads[type][choose(g->choices, 5)]);
}

static void open_block(struct generator *g, u8 op, u8 type)
{
    byte(g, op);
    byte(g, type);
    done(g);
}
static void close_block(struct generator *g)
{
    byte(g, 0x0b);
    done(g);
}

/* A block, loop or if that takes a value, which each way through it uses. */
static void with_parameter(struct generator *g, u32 type)
{
    static const u16 sums[TYPES] = {OP_I32_ADD, OP_I64_SUB, OP_F32_ADD, OP_F64_SUB};
    u32 kind = choose(g->choices, 4);
    value(g, type);
    if (choose(g->choices, 2)) {
        value(g, type);
        put_number(g, (enum wasm_op)sums[type]);
    }
    if (kind > 1)
        op_u32(g, 0x20, local_of(g, 0));
    open_block(g, kind > 1 ? 0x04 : 0x02 + (u8)kind, PARAMETER_TYPES + (u8)type);
    for (u32 arms = kind > 1 ? 2 : 1; arms > 0; arms--) {
        if (choose(g->choices, 3) == 0)
            statement(g);
        if (choose(g->choices, 4)) {
            value(g, type);
            put_number(g, (enum wasm_op)sums[type]);
        }
        if (arms == 2) {
            byte(g, 0x05);
            done(g);
        }
    }
    close_block(g);
}

static void value_deep(struct generator *g, u32 type)
{
    enum wasm_op op;
    switch (choose(g->choices, 13)) {
    case 12: with_parameter(g, type); return;
    case 0: load(g, type); return;
    case 1:
        value(g, type);
        op_u32(g, 0x22, local_of(g, type));
        return;
    case 2: /* select */
        value(g, type);
        value(g, type);
        value(g, 0);
        byte(g, 0x1b);
        done(g);
        return;
    case 3: /* if */
        value(g, 0);
        open_block(g, 0x04, type_bytes[type]);
        value(g, type);
        byte(g, 0x05);
        done(g);
        if (choose(g->choices, 3) == 0)
            statement(g);
        value(g, type);
        close_block(g);
        return;
    case 4: /* a block left early with a value */
        open_block(g, 0x02, type_bytes[type]);
        value(g, type);
        value(g, 0);
        op_u32(g, 0x0d, 0);
        if (choose(g->choices, 2)) {
            byte(g, 0x1a);
            done(g);
            value(g, type);
        }
        close_block(g);
        return;
    case 5: /* a statement while operands wait */
        value(g, type);
        statement(g);
        return;
    case 6: op_u32(g, 0x23, type); return; /* global.get */
    case 7:
        if (type == 0) {
            value(g, 0);
            value(g, 1);
            op_u32(g, 0x10, 1);
            return;
        }
        break;
    default: break;
    }
    op = random_op(g, type);
    for (const char *s = wasm_op_info[op].signature; *s != ':'; s++)
        value(g, (u32)(strchr(type_letters, *s) - type_letters));
    put_op(g, op);
    done(g);
}

static void value(struct generator *g, u32 type)
{
    u32 k = choose(g->choices, 10);
    if (g->depth > 6 || g->size > SIZE_MAX_OPS || k < 2) {
        if (k == 0)
            constant(g, type);
        else
            op_u32(g, 0x20, local_of(g, type));
        return;
    }
    g->depth++;
    value_deep(g, type);
    g->depth--;
}

static void counted_loop(struct generator *g)
{
    static const u16 tests[] = {OP_I32_NE, OP_I32_LT_S, OP_I32_LT_U, OP_I32_GT_S, OP_I32_LE_U};
    u32 c = counter_of(g->loops++);
    byte(g, 0x41);
    buf_sleb(g->out, choose(g->choices, 6) + 1);
    done(g);
    op_u32(g, 0x21, c);
    open_block(g, 0x03, 0x40);
    statement(g);
    op_u32(g, 0x20, c);
    put_const(g, -1);
    put_number(g, OP_I32_ADD);
    switch (choose(g->choices, 4)) {
    case 0: op_u32(g, 0x22, c); break;
    case 1:
        op_u32(g, 0x21, c);
        op_u32(g, 0x20, c);
        break;
    case 2: /* 0 is where it ends, whatever the test says first */
        op_u32(g, 0x22, c);
        put_const(g, 0);
        put_op(g, (enum wasm_op)tests[choose(g->choices, 2) * 3]);
        done(g);
        break;
    default:
        op_u32(g, 0x22, c);
        byte(g, 0x45);
        done(g);
        byte(g, 0x45);
        done(g);
        break;
    }
    op_u32(g, 0x0d, 0);
    close_block(g);
    g->loops--;
}

static void statement_deep(struct generator *g)
{
    static const u16 stores[][2] = {{OP_I32_STORE, 0}, {OP_I32_STORE8, 0}, {OP_I32_STORE16, 0},
                                    {OP_I64_STORE, 1}, {OP_I64_STORE8, 1}, {OP_I64_STORE32, 1}};
    u32 k, type = choose(g->choices, TYPES);
    switch (choose(g->choices, 9)) {
    case 0:
        k = choose(g->choices, LENGTH_OF(stores));
        address(g);
        value(g, stores[k][1]);
        access(g, (enum wasm_op)stores[k][0]);
        break;
    case 1:
        value(g, 0);
        open_block(g, 0x04, 0x40);
        statement(g);
        if (choose(g->choices, 2)) {
            byte(g, 0x05);
            done(g);
            statement(g);
        }
        close_block(g);
        break;
    case 2:
        open_block(g, 0x02, 0x40);
        statement(g);
        value(g, 0);
        op_u32(g, 0x0d, 0);
        statement(g);
        close_block(g);
        break;
    case 3:
        if (g->loops < COUNTERS) {
            counted_loop(g);
            break;
        }
        /* fallthrough */
    case 4: /* br_table out of two blocks */
        open_block(g, 0x02, 0x40);
        open_block(g, 0x02, 0x40);
        value(g, 0);
        buf_put(g->out, "\x0e\x02\x00\x01\x00", 5);
        done(g);
        close_block(g);
        statement(g);
        close_block(g);
        break;
    case 5:
        value(g, type);
        op_u32(g, 0x24, type); /* global.set */
        break;
    case 6:
        value(g, type);
        byte(g, 0x1a);
        done(g);
        break;
    default:
        value(g, type);
        op_u32(g, 0x21, local_of(g, type));
        break;
    }
}

static void statement(struct generator *g)
{
    if (g->depth > 6 || g->size > SIZE_MAX_OPS) {
        op_u32(g, 0x20, local_of(g, 0));
        op_u32(g, 0x21, local_of(g, 0));
        return;
    }
    g->depth++;
    statement_deep(g);
    g->depth--;
}

static void section(struct buf *out, u8 id, const char *bytes, size_t n)
{
    wasm_write_section(out, id, str_of(bytes, n));
}

/* func 0: (i32 i64 f32 f64) -> i32, exported as "f"; func 1: a helper; memory "m"; globals of each type. */
static inline str generate(struct arena *a, struct choices *choices, bool defeat)
{
    struct buf out = buf_in(a), body = buf_in(a), code = buf_in(a);
    struct generator g = {.choices = choices, .out = &body, .defeat = defeat};
    buf_put(&body, "\x05\x02\x7f\x02\x7e\x02\x7d\x02\x7c", 9);
    buf_byte(&body, COUNTERS);
    buf_byte(&body, 0x7f);
    for (u32 n = choose(choices, 6) + 1; n > 0; n--)
        statement(&g);
    value(&g, 0);
    buf_byte(&body, 0x0b);

    buf_put(&out, "\0asm\1\0\0\0", 8);
    section(&out, 1,
            "\x06\x60\x04\x7f\x7e\x7d\x7c\x01\x7f\x60\x02\x7f\x7e\x01\x7f\x60\x01\x7f\x01\x7f"
            "\x60\x01\x7e\x01\x7e\x60\x01\x7d\x01\x7d\x60\x01\x7c\x01\x7c",
            35);
    section(&out, 3, "\x02\x00\x01", 3);
    section(&out, 5, "\x01\x01\x01\x01", 4);
    struct buf globals = buf_in(a);
    buf_put(&globals, "\x04\x7f\x01\x41\x05\x0b\x7e\x01\x42\x06\x0b", 11);
    buf_put(&globals, "\x7d\x01\x43\0\0\0\x40\x0b\x7c\x01\x44\0\0\0\0\0\0\0\x40\x0b", 20);
    wasm_write_section(&out, 6, buf_view(&globals));
    section(&out, 7, "\x02\x01\x66\x00\x00\x01\x6d\x02\x00", 9);
    buf_uleb(&code, 2);
    buf_uleb(&code, body.len);
    buf_str(&code, buf_view(&body));
    /* helper: (i32.add (i32.wrap_i64 (local.get 1)) (local.get 0)) */
    buf_put(&code, "\x08\x00\x20\x01\xa7\x20\x00\x6a\x0b", 9);
    wasm_write_section(&out, 10, buf_view(&code));
    return buf_view(&out);
}

/* What running a module showed. */
struct shown {
    bool valid, trapped, stopped;
    u32 result;
    u64 memory; /* hash */
    str trap;
};

static inline struct shown run_generated(struct arena *a, str binary)
{
    struct shown shown = {0};
    struct sources sources = {.arena = a};
    struct diags d;
    diags_init(&d, a, &sources);
    u32 source = sources_add(&sources, STR("generated"), binary, SOURCE_BINARY);
    struct engine_store *s = engine_store_new(&(struct engine_limits){.fuel = 100000});
    struct wasm_module *m;
    struct engine_module *em = NULL;
    struct engine_instance *i = NULL;
    if (wasm_read_module(a, source, binary, 0, features_default(), &m, &d))
        em = engine_load(s, m, features_default(), &d);
    if (em && engine_instantiate(s, em, NULL, 0, STR("i"), &i, &d) == ENGINE_DONE) {
        struct engine_extern f, memory;
        struct engine_task *t = engine_task_new(s);
        float x = 1.5f;
        double y = -2.25;
        u64 slots[4] = {7, 0x100000003, 0, 0};
        memcpy(&slots[2], &x, 4);
        memcpy(&slots[3], &y, 8);
        shown.valid = engine_export(i, STR("f"), &f) && engine_export(i, STR("m"), &memory);
        switch (engine_start(t, f.func, slots)) {
        case ENGINE_DONE: shown.result = (u32)engine_results(t)[0]; break;
        case ENGINE_TRAPPED:
            shown.trapped = true;
            shown.trap = str_dup(a, engine_trap_of(t)->message);
            break;
        case ENGINE_SUSPENDED: shown.stopped = true; break;
        }
        shown.memory = hash_bytes(engine_memory_data(memory.memory),
                                  (size_t)engine_memory_size(memory.memory));
    }
    engine_store_free(s);
    return shown;
}

static inline bool same(const struct shown *x, const struct shown *y)
{
    if (x->stopped || y->stopped)
        return true; /* the two use fuel alike, but may stop on either side of a call */
    return x->valid && y->valid && x->trapped == y->trapped && x->result == y->result &&
           x->memory == y->memory && str_eq(x->trap, y->trap);
}

#endif
