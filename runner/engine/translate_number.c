/* translate_number.c - instructions that have rules: chooses the form by where the operands are. */
#include "translate.h"

static bool fits32(char type, u64 bits)
{
    return type == 'i' || (i64)bits == (i64)(i32)bits;
}

/* Remembers what the last instruction was, so that a branch may take it over. */
static void remember(struct translator *tr, enum wasm_op op, u32 form, struct word w, u64 extra,
                     const struct accumulator before[3])
{
    tr->last.op = op;
    tr->last.form = form;
    tr->last.word = w;
    tr->last.extra = extra;
    memcpy(tr->last.before, before, sizeof(tr->last.before));
}

/* Form of a remembered I32_SHL that is a shift and an addition; + FORM_A. */
#define SHIFT_ADDED 100

/* A floating constant goes to its accumulator. */
static void float_const(struct translator *tr, struct operand *o)
{
    u32 top = tr->top;
    tr->top = o->home;
    if (o->type == 'f') {
        translate_emit_value(tr, H_FCONST32_r, (struct word){.off = (u32)o->bits}, 'f');
    } else {
        translate_emit_value(tr, H_FCONST64_r, (struct word){0}, 'F');
        translate_extra(tr, o->bits);
    }
    *o = translate_pop(tr);
    tr->top = top;
}

static void unary(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    /* (x < y) == 0 is x >= y */
    const struct value *v = vec_last(&tr->values);
    enum wasm_op made_by = translate_made_by(tr, v);
    if (op == OP_I32_EQZ && made_by != OP_COUNT && engine_rules[made_by].family == FAMILY_CMP) {
        enum wasm_op inverse = (enum wasm_op)engine_rules[tr->last.op].inverse;
        enum handler h = (enum handler)(engine_rules[inverse].base + tr->last.form * 2);
        tr->last.op = inverse;
        tr->cells.data[tr->last.cell] = engine_cell_of(h);
        if (tr->acc[0].producer == tr->last.cell)
            tr->acc[0].handler = h;
        return;
    }
    struct operand a = translate_pop(tr);
    if (a.form == 'c')
        translate_to_slot(tr, &a);
    u32 form = a.form == 'a' ? FORM_A : FORM_S;
    if (a.form == 'a')
        translate_use_acc(tr, &a);
    struct accumulator before[3];
    memcpy(before, tr->acc, sizeof(before));
    struct word w = {.a = (u16)a.slot};
    translate_emit_value(tr, (enum handler)(rule->base + form * 2), w, rule->result);
    if (op == OP_I32_EQZ || op == OP_I64_EQZ)
        remember(tr, op, form, w, 0, before);
}

static void swap(struct operand *a, struct operand *b)
{
    struct operand t = *a;
    *a = *b;
    *b = t;
}

static void binary_float(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    struct operand b = translate_pop(tr), a = translate_pop(tr);
    bool commutes = rule->family != FAMILY_ORDF;
    if (b.form == 'c' && a.form == 'c')
        translate_to_slot(tr, &a);
    if (a.form == 'c') {
        translate_to_slot(tr, &b);
        float_const(tr, &a);
    } else if (b.form == 'c') {
        translate_to_slot(tr, &a);
        float_const(tr, &b);
    }
    if (a.form == 'a' && b.form == 'a')
        b.form = 's';
    if (b.form == 'a' && commutes) {
        swap(&a, &b);
        if (rule->family == FAMILY_CMPF)
            op = (enum wasm_op)rule->swapped;
        rule = &engine_rules[op];
    }
    u32 form = a.form == 'a' ? FORMF_AS : b.form == 'a' ? FORMF_SA : FORMF_SS;
    if (form == FORMF_AS)
        translate_use_acc(tr, &a);
    if (form == FORMF_SA)
        translate_use_acc(tr, &b);
    struct word w = {.a = (u16)a.slot, .b = (u16)b.slot};
    translate_emit_value(tr, (enum handler)(rule->base + form * 2), w, rule->result);
}

/* Form and operand word of a binary integer instruction. */
static u32 binary_form(struct translator *tr, struct operand *a, struct operand *b, struct word *w)
{
    u32 form;
    if (b->form == 'c') {
        form = a->form == 'a' ? FORM_AC : FORM_SC;
        *w = (struct word){.a = (u16)a->slot, .imm = (i32)b->bits};
    } else if (a->form == 'c') {
        form = b->form == 'a' ? FORM_CA : FORM_CS;
        *w = (struct word){.a = (u16)b->slot, .imm = (i32)a->bits};
    } else {
        form = a->form == 'a' ? FORM_AS : b->form == 'a' ? FORM_SA : FORM_SS;
        *w = (struct word){.a = (u16)a->slot, .b = (u16)b->slot};
    }
    if (a->form == 'a')
        translate_use_acc(tr, a);
    if (b->form == 'a')
        translate_use_acc(tr, b);
    return form;
}

/* x + (y << k): takes the shift back and adds its operand. */
static bool shift_add(struct translator *tr)
{
    struct value *y = vec_last(&tr->values), *x = y - 1;
    if (translate_made_by(tr, y) != OP_I32_SHL) {
        x = y;
        y = x - 1;
        if (translate_made_by(tr, y) != OP_I32_SHL)
            return false;
    }
    if (tr->last.form != FORM_SC && tr->last.form != FORM_AC)
        return false;
    u32 shift = tr->last.word.imm & 31;
    if (x->kind == VALUE_CONST || shift > 15)
        return false;
    u32 slot = x->kind == VALUE_LOCAL ? tr->local_slots[x->local] : x->home;
    struct word w = {.a = tr->last.word.a, .b = (u16)slot, .c = (u16)(1u << shift)};
    bool in_acc = tr->last.form == FORM_AC;
    translate_undo(tr);
    translate_pop(tr);
    translate_pop(tr);
    struct accumulator before[3];
    memcpy(before, tr->acc, sizeof(before));
    translate_emit_value(tr, in_acc ? H_I32_SHIFT_ADD_a_r : H_I32_SHIFT_ADD_s_r, w, 'i');
    remember(tr, OP_I32_SHL, in_acc ? SHIFT_ADDED + FORM_A : SHIFT_ADDED, w, 0, before);
    return true;
}

static void binary(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    if (op == OP_I32_ADD && shift_add(tr))
        return;
    struct operand b = translate_pop(tr), a = translate_pop(tr);
    if (b.form == 'c' && !fits32(b.type, b.bits))
        translate_to_slot(tr, &b);
    if (a.form == 'c' && (b.form == 'c' || !fits32(a.type, a.bits)))
        translate_to_slot(tr, &a);
    if (a.form == 'a' && b.form == 'a')
        b.form = 's';
    if (rule->family != FAMILY_ORD && (a.form == 'c' || b.form == 'a')) {
        swap(&a, &b);
        if (rule->family == FAMILY_CMP)
            op = (enum wasm_op)rule->swapped;
        rule = &engine_rules[op];
    }
    struct word w;
    u64 extra = b.form == 'c' ? b.bits : 0;
    u32 form = binary_form(tr, &a, &b, &w);
    struct accumulator before[3];
    memcpy(before, tr->acc, sizeof(before));
    translate_emit_value(tr, (enum handler)(rule->base + form * 2), w, rule->result);
    if (rule->family == FAMILY_CMP || op == OP_I32_ADD || op == OP_I64_ADD || op == OP_I32_SHL)
        remember(tr, op, form, w, extra, before);
}

void translate_number(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    switch ((enum family)rule->family) {
    case FAMILY_UN: unary(tr, op, rule); break;
    case FAMILY_COMMF:
    case FAMILY_ORDF:
    case FAMILY_CMPF: binary_float(tr, op, rule); break;
    default: binary(tr, op, rule); break;
    }
}

/* ---- Conditions -------------------------------------------------------------------------------------------- */

enum wasm_op translate_made_by(const struct translator *tr, const struct value *v)
{
    return v->kind == VALUE_TEMP && tr->last.cell != NOWHERE && tr->last.dest == v->home
               ? tr->last.op
               : OP_COUNT;
}

struct condition translate_condition(struct translator *tr)
{
    struct condition c = {.op = OP_COUNT};
    enum wasm_op op = translate_made_by(tr, vec_last(&tr->values));
    bool is_compare = op != OP_COUNT && engine_rules[op].family == FAMILY_CMP;
    if (is_compare || op == OP_I32_EQZ || op == OP_I64_EQZ) {
        struct word w = tr->last.word;
        c.form = tr->last.form;
        c.extra = tr->last.extra;
        translate_undo(tr);
        translate_pop(tr);
        if (is_compare) {
            c.op = op;
            c.word = (struct word){.a = w.a, .d = w.b};
            return c;
        }
        c.zero = true;
        c.value = (struct operand){.form = c.form == FORM_A ? 'a' : 's', .slot = w.a};
        return c;
    }
    c.value = translate_pop(tr);
    if (c.value.form == 'c')
        translate_to_slot(tr, &c.value);
    if (c.value.form == 'a')
        translate_use_acc(tr, &c.value);
    return c;
}

/* The count of a loop, its test and the branch back in one instruction. */
static bool count(struct translator *tr, const struct condition *c, enum wasm_op op, u32 loop)
{
    struct counted k = tr->counted;
    if (k.end != tr->cells.len)
        return false;
    u32 h;
    struct word w = {.a = (u16)k.slot};
    u64 extra = (u64)(u32)k.step << 32;
    if (op == OP_COUNT) {
        if (c->zero || c->value.form != 'a' || c->value.slot != k.slot || k.is_64)
            return false;
        h = H_COUNT_NZ;
        extra = (u32)k.step;
    } else {
        bool constant = c->form == FORM_AC;
        if ((!constant && c->form != FORM_AS) || c->word.a != k.slot ||
            (engine_rules[op].operand == 'I') != k.is_64 ||
            (constant && !fits32(engine_rules[op].operand, c->extra)) ||
            (!constant && c->word.d == k.slot))
            return false;
        h = engine_rules[op].base + FORM_COUNT + !constant;
        w.d = c->word.d;
        extra |= constant ? (u32)c->extra : 0;
    }
    tr->cells.len = k.cell;
    u32 at = translate_emit(tr, (enum handler)h, w);
    translate_extra(tr, extra);
    tr->cells.data[at + 1].w.imm = (i32)loop - (i32)at;
    tr->acc[0] = (struct accumulator){k.slot, NOWHERE, 0};
    return true;
}

u32 translate_branch_if(struct translator *tr, struct condition *c, bool when, u32 loop)
{
    bool back = loop != NOWHERE;
    u32 h, at;
    enum wasm_op op = c->op == OP_COUNT || when ? c->op : (enum wasm_op)engine_rules[c->op].inverse;
    if (back && (when || op != OP_COUNT) && count(tr, c, op, loop))
        return 0;
    if (op != OP_COUNT) {
        h = engine_rules[op].base + FORM_BRANCH + c->form * 2 + back;
        at = translate_emit(tr, (enum handler)h, c->word);
        if (c->form == FORM_SC || c->form == FORM_AC)
            translate_extra(tr, c->extra);
    } else {
        h = c->zero == when ? H_BR_Z_s_f : H_BR_NZ_s_f;
        h += (c->value.form == 'a' ? 2 : 0) + back;
        at = translate_emit(tr, (enum handler)h, (struct word){.a = (u16)c->value.slot});
    }
    if (back) {
        tr->cells.data[at + 1].w.imm = (i32)loop - (i32)at;
        return 0;
    }
    return translate_fixup(tr, at + 1, at, 0);
}

/* ---- Memory -------------------------------------------------------------------------------------------------- */

struct memarg translate_memarg(struct translator *tr)
{
    struct memarg a = {0};
    u32 flags = wasm_get_u32(&tr->in);
    if (flags & 0x40)
        a.memory = wasm_get_u32(&tr->in);
    a.offset = wasm_get_u64(&tr->in);
    return a;
}

/* Memory 0 with 32-bit addresses is in the machine's registers. */
static bool is_fast(const struct translator *tr, struct memarg m)
{
    return m.memory == 0 && !tr->m->memories.data[0].is_64;
}

/* The checked host address of an access goes to acc. */
void translate_address(struct translator *tr, struct memarg m, struct operand address, u32 size,
                       bool atomic)
{
    translate_to_slot(tr, &address);
    bool is_64 = tr->m->memories.data[m.memory].is_64;
    if (m.memory > UINT16_MAX)
        tr->too_large = true;
    translate_emit(tr,
                   atomic  ? H_ADDRESS_ATOMIC
                   : is_64 ? H_ADDRESS64
                           : H_ADDRESS32,
                   (struct word){.a = (u16)address.slot, .d = (u16)m.memory, .off = size});
    translate_extra(tr, m.offset);
    tr->acc[0].slot = tr->acc[0].producer = NOWHERE;
}

/* An address that was a sum: the access does the sum. */
struct sum {
    u32 form; /* FORM_KS .. FORM_HA, FORM_S: none */
    struct word word;
};

/* Is the address `v` a sum made just now? Then takes its instruction back. */
static struct sum take_sum(struct translator *tr, const struct value *v, u64 offset)
{
    struct sum sum = {.form = FORM_S};
    enum wasm_op op = translate_made_by(tr, v);
    struct word w = tr->last.word;
    u32 form = tr->last.form;
    if (op == OP_I32_ADD && (form == FORM_SC || form == FORM_AC) && offset == 0) {
        sum.form = form == FORM_AC ? FORM_KA : FORM_KS;
        sum.word = (struct word){.a = w.a, .imm = w.imm};
    } else if (op == OP_I32_ADD && (form == FORM_SS || form == FORM_AS) && offset <= UINT16_MAX) {
        sum.form = form == FORM_AS ? FORM_XA : FORM_XS;
        sum.word = (struct word){.a = w.a, .b = w.b, .c = (u16)offset};
    } else if (op == OP_I32_SHL && form >= SHIFT_ADDED && offset == 0) {
        sum.form = form == SHIFT_ADDED + FORM_A ? FORM_HA : FORM_HS;
        sum.word = w;
    }
    if (sum.form != FORM_S)
        translate_undo(tr);
    return sum;
}

static void load(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    struct memarg m = translate_memarg(tr);
    u32 form = FORM_S;
    if (is_fast(tr, m)) {
        struct sum sum = take_sum(tr, vec_last(&tr->values), m.offset);
        if (sum.form != FORM_S) {
            translate_pop(tr);
            translate_emit_value(tr, (enum handler)(rule->base + sum.form * 2), sum.word,
                                 rule->result);
            return;
        }
    }
    struct operand a = translate_pop(tr);
    struct word w = {.a = (u16)a.slot, .off = (u32)m.offset};
    if (!is_fast(tr, m)) {
        translate_address(tr, m, a, 1u << wasm_op_info[op].align, false);
        form = FORM_LP;
    } else if (a.form == 'c') {
        form = FORM_C;
    } else if (a.form == 'a') {
        form = FORM_A;
        translate_use_acc(tr, &a);
    }
    translate_emit_value(tr, (enum handler)(rule->base + form * 2), w, rule->result);
    if (form == FORM_C)
        translate_extra(tr, a.bits + m.offset);
}

/* A store to a sum, of a local or a constant: anything else would have come between. */
static bool store_to_sum(struct translator *tr, const struct rule *rule, struct memarg m)
{
    const struct value *v = vec_last(&tr->values);
    bool constant = v->kind == VALUE_CONST;
    if (v->kind == VALUE_TEMP || (constant && translate_made_by(tr, v - 1) != OP_I32_ADD) ||
        (constant && tr->last.form != FORM_SC && tr->last.form != FORM_AC))
        return false;
    struct sum sum = take_sum(tr, v - 1, m.offset);
    if (sum.form == FORM_S)
        return false;
    struct operand value = translate_pop(tr);
    translate_pop(tr);
    u32 form = FORM_KSS + sum.form - FORM_KS;
    if (sum.form >= FORM_XS)
        form = FORM_XSS + sum.form - FORM_XS;
    else if (constant)
        form += FORM_KSC - FORM_KSS;
    sum.word.d = (u16)value.slot;
    translate_emit(tr, (enum handler)(rule->base + form), sum.word);
    if (constant)
        translate_extra(tr, value.bits);
    return true;
}

static void store(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    struct memarg m = translate_memarg(tr);
    bool is_float = rule->operand != 'i';
    if (is_fast(tr, m) && store_to_sum(tr, rule, m))
        return;
    struct operand v = translate_pop(tr), a = translate_pop(tr);
    if (!is_fast(tr, m)) {
        translate_to_slot(tr, &v);
        translate_address(tr, m, a, 1u << wasm_op_info[op].align, false);
        translate_emit(tr, (enum handler)(rule->base + FORM_P), (struct word){.d = (u16)v.slot});
        return;
    }
    if (a.form == 'c' && v.form == 'c')
        translate_to_slot(tr, &v);
    if (a.form == 'a' && v.form == 'a' && !is_float)
        v.form = 's';
    u32 form = a.form == 'c'   ? (v.form == 'a' ? FORM_CA : FORM_CS)
               : a.form == 'a' ? (v.form == 'c'   ? FORM_AC
                                  : v.form == 'a' ? FORM_AA
                                                  : FORM_AS)
                               : (v.form == 'c'   ? FORM_SC
                                  : v.form == 'a' ? FORM_SA
                                                  : FORM_SS);
    if (a.form == 'a')
        translate_use_acc(tr, &a);
    if (v.form == 'a')
        translate_use_acc(tr, &v);
    translate_emit(tr, (enum handler)(rule->base + form),
                   (struct word){.a = (u16)a.slot, .d = (u16)v.slot, .off = (u32)m.offset});
    if (a.form == 'c')
        translate_extra(tr, a.bits + m.offset);
    else if (v.form == 'c')
        translate_extra(tr, v.bits);
}

/* Read-modify-write: operands in slots, the old value to the home of the address. */
static void read_modify_write(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    struct memarg m = translate_memarg(tr);
    struct operand n = translate_pop_slot(tr), e = {0};
    if (rule->family == FAMILY_CMPXCHG)
        e = translate_pop_slot(tr);
    struct operand a = translate_pop(tr);
    char type = wasm_op_info[op].signature[strlen(wasm_op_info[op].signature) - 1];
    translate_address(tr, m, a, 1u << wasm_op_info[op].align, true);
    translate_emit_value(tr, (enum handler)rule->base,
                         (struct word){.a = (u16)e.slot, .b = (u16)n.slot}, type);
    tr->acc[0].producer = NOWHERE;
}

void translate_memory(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    switch ((enum family)rule->family) {
    case FAMILY_LOAD: load(tr, op, rule); break;
    case FAMILY_STORE: store(tr, op, rule); break;
    default: read_modify_write(tr, op, rule); break;
    }
}

/* Atomic loads and stores are plain ones that check the alignment. */
static const struct atomic {
    u16 op, plain;
} atomics[] = {
    {OP_I32_ATOMIC_LOAD, OP_I32_LOAD},         {OP_I64_ATOMIC_LOAD, OP_I64_LOAD},
    {OP_I32_ATOMIC_LOAD8_U, OP_I32_LOAD8_U},   {OP_I32_ATOMIC_LOAD16_U, OP_I32_LOAD16_U},
    {OP_I64_ATOMIC_LOAD8_U, OP_I64_LOAD8_U},   {OP_I64_ATOMIC_LOAD16_U, OP_I64_LOAD16_U},
    {OP_I64_ATOMIC_LOAD32_U, OP_I64_LOAD32_U}, {OP_I32_ATOMIC_STORE, OP_I32_STORE},
    {OP_I64_ATOMIC_STORE, OP_I64_STORE},       {OP_I32_ATOMIC_STORE8, OP_I32_STORE8},
    {OP_I32_ATOMIC_STORE16, OP_I32_STORE16},   {OP_I64_ATOMIC_STORE8, OP_I64_STORE8},
    {OP_I64_ATOMIC_STORE16, OP_I64_STORE16},   {OP_I64_ATOMIC_STORE32, OP_I64_STORE32},
};

bool translate_atomic(struct translator *tr, enum wasm_op op)
{
    for (u32 i = 0; i < LENGTH_OF(atomics); i++) {
        if (atomics[i].op != op)
            continue;
        const struct rule *rule = &engine_rules[atomics[i].plain];
        struct memarg m = translate_memarg(tr);
        struct operand v = {0};
        if (rule->family == FAMILY_STORE)
            v = translate_pop_slot(tr);
        struct operand a = translate_pop(tr);
        translate_address(tr, m, a, 1u << wasm_op_info[op].align, true);
        if (rule->family == FAMILY_STORE)
            translate_emit(tr, (enum handler)(rule->base + FORM_P),
                           (struct word){.d = (u16)v.slot});
        else
            translate_emit_value(tr, (enum handler)(rule->base + FORM_LP * 2), (struct word){0},
                                 rule->result);
        return true;
    }
    if (op == OP_MEMORY_ATOMIC_NOTIFY || op == OP_MEMORY_ATOMIC_WAIT32 ||
        op == OP_MEMORY_ATOMIC_WAIT64) {
        struct memarg m = translate_memarg(tr);
        u32 size = 1u << wasm_op_info[op].align;
        bool notify = op == OP_MEMORY_ATOMIC_NOTIFY;
        translate_out(tr, notify ? engine_out_atomic_notify : engine_out_atomic_wait,
                      notify ? 2 : 3, "i", m.memory << 4 | size, m.offset);
        return true;
    }
    return false;
}
