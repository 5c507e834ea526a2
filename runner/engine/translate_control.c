/* translate_control.c - blocks, branches, calls and the walk over a body. */
#include "translate.h"

/* ---- Blocks ------------------------------------------------------------------------------------------------- */

static u32 base_of(const struct translator *tr, u32 height)
{
    return height < tr->values.len ? tr->values.data[height].home : tr->top;
}

static void read_block_type(struct translator *tr, struct control *c)
{
    u8 first = *tr->in.at;
    if (first == 0x40) {
        tr->in.at++;
    } else if ((first & 0xc0) == 0x40) {
        /* A copy in the arena: controls move. */
        wasm_valtype *result = arena_new(tr->arena, wasm_valtype);
        *result = wasm_get_valtype(&tr->in);
        c->results = result;
        c->result_count = 1;
    } else {
        i64 index = wasm_get_s33(&tr->in);
        if (index < 0 || index >= tr->m->types.len)
            return;
        const struct wasm_functype *type = &tr->m->types.data[index].func;
        c->params = type->params;
        c->param_count = type->param_count;
        c->results = type->results;
        c->result_count = type->result_count;
    }
}

static void push_types(struct translator *tr, const wasm_valtype *types, u32 n)
{
    for (u32 i = 0; i < n; i++)
        translate_push(tr, VALUE_TEMP, translate_letter(types[i]));
}

/* A new control frame whose parameters are on the operand stack, in their slots; operands below may be constants. */
static struct control *open_control(struct translator *tr, struct control c)
{
    translate_save_unread(tr);
    translate_save_top(tr, c.param_count);
    c.height = tr->values.len - c.param_count;
    c.base = base_of(tr, c.height);
    *vec_push(tr->arena, &tr->controls) = c;
    return vec_last(&tr->controls);
}

/* The values stay where they are read: who made them must store them. */
static void pin(struct translator *tr, u32 slot)
{
    for (u32 i = 0; i < LENGTH_OF(tr->acc); i++) {
        if (tr->acc[i].slot == slot)
            tr->acc[i].producer = NOWHERE;
    }
}

static void pin_top(struct translator *tr, u32 n)
{
    for (u32 i = tr->values.len - n; i < tr->values.len; i++)
        pin(tr, tr->values.data[i].home);
}

static void block(struct translator *tr)
{
    struct control c = {.kind = CONTROL_BLOCK};
    read_block_type(tr, &c);
    open_control(tr, c);
}

static void loop(struct translator *tr)
{
    struct control c = {.kind = CONTROL_LOOP};
    read_block_type(tr, &c);
    struct control *opened = open_control(tr, c);
    opened->loop = tr->cells.len; /* after what puts the parameters into their slots */
    translate_forget(tr);
}

static void if_(struct translator *tr)
{
    struct control c = {.kind = CONTROL_IF};
    read_block_type(tr, &c);
    struct condition condition = translate_condition(tr);
    struct control *opened = open_control(tr, c);
    pin_top(tr, c.param_count); /* both arms read the parameters */
    opened->else_fixups = translate_branch_if(tr, &condition, false, NOWHERE);
    tr->last.cell = tr->last.dest = NOWHERE;
}

static u32 branch_always(struct translator *tr, u32 fixups)
{
    u32 at = translate_emit(tr, H_BR, (struct word){0});
    return translate_fixup(tr, at + 1, at, fixups);
}

static void else_(struct translator *tr)
{
    struct control *c = vec_last(&tr->controls);
    if (!tr->dead) {
        translate_save_top(tr, c->result_count);
        c->fixups = branch_always(tr, c->fixups);
    }
    translate_bind(tr, c->else_fixups);
    c->else_fixups = 0;
    translate_drop_to(tr, c->height);
    push_types(tr, c->params, c->param_count);
    tr->dead = false;
}

static void emit_return(struct translator *tr);

static void end(struct translator *tr)
{
    struct control c = *vec_last(&tr->controls);
    if (tr->controls.len == 1) {
        if (!tr->dead)
            emit_return(tr);
        tr->controls.len--;
        return;
    }
    if (!tr->dead)
        translate_save_top(tr, c.result_count);
    if (c.kind == CONTROL_TRY) {
        struct try_range *range = &tr->tries.data[c.try_index];
        range->end = tr->cells.len;
        tr->open_try = range->outer;
    }
    tr->controls.len--;
    if (c.fixups || c.else_fixups) {
        translate_bind(tr, c.fixups);
        translate_bind(tr, c.else_fixups);
        tr->dead = false;
    } else if (!tr->dead) {
        return; /* no label: the results are on the stack as they should be */
    }
    translate_drop_to(tr, c.height);
    push_types(tr, c.results, c.result_count);
}

/* ---- Branches ----------------------------------------------------------------------------------------------- */

static struct control *label(struct translator *tr, u32 depth)
{
    return &tr->controls.data[tr->controls.len - 1 - depth];
}

static u32 label_arity(const struct control *c)
{
    return c->kind == CONTROL_LOOP ? c->param_count : c->result_count;
}

/* Copies the topmost n values to slots from `to` on; the operand stack stays as it is. */
static void copy_top(struct translator *tr, u32 n, u32 to)
{
    if (n == 0)
        return;
    u32 first = tr->values.len - n;
    if (n == 1) {
        struct value v = tr->values.data[first];
        if (v.kind == VALUE_CONST)
            translate_const(tr, to, v.bits);
        else if (v.kind == VALUE_LOCAL)
            translate_copy(tr, to, tr->local_slots[v.local], v.type);
        else if (v.home != to) {
            pin(tr, v.home);
            translate_copy(tr, to, v.home, v.type);
        }
        return;
    }
    translate_save_top(tr, n);
    u32 from = tr->values.data[first].home;
    for (u32 i = 0; i < n; i++)
        pin(tr, tr->values.data[first + i].home);
    if (from == to)
        return;
    translate_emit(tr, H_COPY_N,
                   (struct word){.d = (u16)to, .a = (u16)from, .off = tr->top - from});
    translate_wrote(tr, to, tr->top - from);
}

static void emit_return(struct translator *tr)
{
    const struct wasm_functype *type = tr->type;
    struct word w = {.a = (u16)tr->code->record};
    if (type->result_count == 1 && type->results[0] != WASM_V128) {
        char letter = translate_letter(type->results[0]);
        struct value before = *vec_last(&tr->values);
        u32 refs = before.kind == VALUE_LOCAL ? tr->local_unread[before.local] : 0;
        struct operand o = translate_pop(tr);
        if (o.form == 'c')
            translate_to_slot(tr, &o);
        bool in_acc = o.form == 'a';
        w.d = (u16)o.slot;
        translate_emit(tr,
                       letter == 'f'   ? (in_acc ? H_RETURN_f_a : H_RETURN_f_s)
                       : letter == 'F' ? (in_acc ? H_RETURN_F_a : H_RETURN_F_s)
                                       : (in_acc ? H_RETURN_I_a : H_RETURN_I_s),
                       w);
        /* The value is still on the stack for a conditional return. */
        struct value *v = translate_push(tr, (enum value_kind)before.kind, before.type);
        *v = before;
        if (before.kind == VALUE_LOCAL)
            tr->local_unread[before.local] = refs;
        if (before.in_chain)
            tr->local_reads[before.local] = tr->values.len;
        return;
    }
    copy_top(tr, type->result_count, 0);
    translate_emit(tr, H_RETURN, w);
}

/* The jump of a branch whose values are in place. */
static void jump(struct translator *tr, struct control *c)
{
    if (c->kind == CONTROL_LOOP) {
        u32 at = translate_emit(tr, H_BR_b, (struct word){0});
        tr->cells.data[at + 1].w.imm = (i32)c->loop - (i32)at;
    } else {
        c->fixups = branch_always(tr, c->fixups);
    }
}

/* An unconditional branch, the operand stack as it is. */
static void branch(struct translator *tr, u32 depth)
{
    struct control *c = label(tr, depth);
    if (c == tr->controls.data) {
        emit_return(tr);
        return;
    }
    u32 n = label_arity(c);
    struct value *v = n == 1 ? vec_last(&tr->values) : NULL;
    if (v && v->kind == VALUE_TEMP && tr->last.cell != NOWHERE && tr->last.dest == v->home) {
        tr->cells.data[tr->last.cell + 1].w.d = (u16)c->base;
        tr->last.dest = NOWHERE;
    } else {
        copy_top(tr, n, c->base);
    }
    jump(tr, c);
}

/* Are the topmost n values where a branch to c wants them, without work? */
static bool in_place(const struct translator *tr, const struct control *c, u32 n)
{
    if (n == 0)
        return true;
    if (base_of(tr, tr->values.len - n) != c->base)
        return false;
    for (u32 i = tr->values.len - n; i < tr->values.len; i++) {
        if (tr->values.data[i].kind != VALUE_TEMP)
            return false;
    }
    return true;
}

static void branch_on(struct translator *tr, struct condition *condition, bool when, u32 depth)
{
    struct control *c = label(tr, depth);
    u32 n = label_arity(c);
    if (c != tr->controls.data && n > 1)
        translate_save_top(tr, n);
    if (c == tr->controls.data && (n > 1 || (n == 1 && tr->type->results[0] == WASM_V128)))
        translate_save_top(tr, n);
    pin_top(tr, n);
    if (c != tr->controls.data && in_place(tr, c, n)) {
        u32 fixup =
            translate_branch_if(tr, condition, when, c->kind == CONTROL_LOOP ? c->loop : NOWHERE);
        if (fixup) {
            tr->fixups.data[fixup - 1].next = c->fixups;
            c->fixups = fixup;
        }
        tr->last.cell = tr->last.dest = NOWHERE;
        return;
    }
    /* Around the moves, or the return. */
    u32 over = translate_branch_if(tr, condition, !when, NOWHERE);
    tr->last.cell = tr->last.dest = NOWHERE;
    struct accumulator before[3];
    memcpy(before, tr->acc, sizeof(before));
    if (c == tr->controls.data) {
        emit_return(tr);
    } else {
        copy_top(tr, n, c->base);
        jump(tr, c);
    }
    translate_bind(tr, over);
    memcpy(tr->acc, before, sizeof(before));
}

static void br_if(struct translator *tr)
{
    u32 depth = wasm_get_u32(&tr->in);
    struct condition condition = translate_condition(tr);
    branch_on(tr, &condition, true, depth);
}

static void br_table(struct translator *tr)
{
    u32 n = wasm_get_u32(&tr->in);
    struct operand index = translate_pop(tr);
    if (index.form == 'c')
        translate_to_slot(tr, &index);
    if (index.form == 'a')
        translate_use_acc(tr, &index);
    /* Labels of one table have one arity. */
    u32 *depths = arena_array(tr->arena, u32, (size_t)n + 1);
    for (u32 i = 0; i <= n; i++)
        depths[i] = wasm_get_u32(&tr->in);
    u32 arity = label_arity(label(tr, depths[n]));
    translate_save_top(tr, arity);
    pin_top(tr, arity);
    u32 at = translate_emit(tr, index.form == 'a' ? H_BR_TABLE_a : H_BR_TABLE_s,
                            (struct word){.a = (u16)index.slot, .off = n});
    for (u32 i = 0; i <= n; i++)
        translate_extra(tr, 0);
    /* Branches that have more to do than to jump go through a piece of code of their own: by depth, which of the fixups wait for it. */
    while (tr->waiting.len < tr->controls.len)
        *vec_push(tr->arena, &tr->waiting) = 0;
    u32 *waiting = tr->waiting.data;
    for (u32 i = 0; i <= n; i++) {
        struct control *c = label(tr, depths[i]);
        if (c != tr->controls.data && c->kind != CONTROL_LOOP && in_place(tr, c, arity))
            c->fixups = translate_fixup(tr, at + 2 + i, at, c->fixups);
        else
            waiting[depths[i]] = translate_fixup(tr, at + 2 + i, at, waiting[depths[i]]);
    }
    for (u32 i = 0; i <= n; i++) {
        u32 fixups = waiting[depths[i]];
        if (!fixups)
            continue;
        waiting[depths[i]] = 0;
        translate_bind(tr, fixups);
        branch(tr, depths[i]);
    }
    tr->dead = true;
}

/* ---- Calls --------------------------------------------------------------------------------------------------- */

static void push_results(struct translator *tr, const struct wasm_functype *type)
{
    translate_forget(tr);
    push_types(tr, type->results, type->result_count);
    if (type->result_count != 1 || type->results[0] == WASM_V128)
        return;
    char letter = translate_letter(type->results[0]);
    tr->acc[letter == 'f' ? 1 : letter == 'F' ? 2 : 0].slot = vec_last(&tr->values)->home;
}

u32 engine_type_slots(const wasm_valtype *types, u32 n)
{
    u32 slots = 0;
    for (u32 i = 0; i < n; i++)
        slots += engine_valtype_slots(types[i]);
    return slots;
}

/* Arguments to their slots; the word of a call (last) or of a tail call. */
static struct word arguments(struct translator *tr, const struct wasm_functype *type, bool tail)
{
    translate_save_top(tr, type->param_count);
    u32 first = base_of(tr, tr->values.len - type->param_count);
    struct word w = {.a = (u16)engine_record_of(type), .off = first};
    if (tail)
        w = (struct word){.d = (u16)first, .a = (u16)tr->code->record, .off = tr->top - first};
    translate_drop_to(tr, tr->values.len - type->param_count);
    return w;
}

static void emit_word(struct translator *tr, struct word w)
{
    vec_push(tr->arena, &tr->cells)->w = w;
}

/* Calls the function in acc. */
static void call_acc(struct translator *tr, const struct wasm_functype *type, struct word w,
                     bool tail)
{
    if (tail) {
        translate_emit(tr, H_TAIL_CALL_ACC, w);
        tr->dead = true;
        return;
    }
    u32 at = translate_emit(tr, H_CALL_ACC, w);
    tr->cells.data[at + 1].p = engine_restore_stub(tr->em->store, w.a);
    emit_word(tr, w);
    push_results(tr, type);
}

static void call(struct translator *tr, bool tail)
{
    u32 index = wasm_get_u32(&tr->in);
    const struct wasm_functype *type = wasm_func_type(tr->m, index);
    struct word w = arguments(tr, type, tail);
    if (index < tr->m->imported_funcs) {
        translate_emit(tr, H_FUNC_INDEX, (struct word){.off = index});
        call_acc(tr, type, w, tail);
        return;
    }
    if (tail) {
        translate_emit(tr, H_TAIL_CALL_FIRST, w);
        vec_push(tr->arena, &tr->cells)->u = index;
        tr->dead = true;
        return;
    }
    u32 at = translate_emit(tr, H_CALL_FIRST, w);
    tr->cells.data[at + 1].u = index;
    emit_word(tr, w);
    push_results(tr, type);
}

static void call_indirect(struct translator *tr, bool tail)
{
    u32 type_index = wasm_get_u32(&tr->in), table = wasm_get_u32(&tr->in);
    const struct wasm_functype *type = &tr->m->types.data[type_index].func;
    u32 type_id = tr->em->type_ids[type_index];
    struct operand index = translate_pop(tr);
    if (index.form == 'c')
        translate_to_slot(tr, &index);
    bool wide = tr->m->tables.data[table].type.limits.is_64;
    bool direct = !tail && !wide && table <= UINT16_MAX;
    /* Saving the arguments leaves the accumulators alone. */
    struct word find = {.a = (u16)index.slot, .d = (u16)table, .off = type_id};
    if (direct && index.form == 'a')
        translate_use_acc(tr, &index);
    bool in_acc = direct && index.form == 'a';
    struct word w = arguments(tr, type, tail);
    if (direct) {
        translate_emit(tr, in_acc ? H_CALL_INDIRECT_a : H_CALL_INDIRECT_s, find);
        *vec_push(tr->arena, &tr->cells) = engine_cell_of(H_CALL_ACC);
        vec_push(tr->arena, &tr->cells)->p = engine_restore_stub(tr->em->store, w.a);
        emit_word(tr, w);
        push_results(tr, type);
        return;
    }
    translate_emit(tr, H_FUNC_INDIRECT, find);
    translate_extra(tr, table);
    call_acc(tr, type, w, tail);
}

static void call_ref(struct translator *tr, bool tail)
{
    const struct wasm_functype *type = &tr->m->types.data[wasm_get_u32(&tr->in)].func;
    struct operand f = translate_pop_slot(tr);
    struct word w = arguments(tr, type, tail);
    translate_emit(tr, H_FUNC_REF, (struct word){.a = (u16)f.slot});
    call_acc(tr, type, w, tail);
}

/* ---- Exceptions and references -------------------------------------------------------------------------- */

/* A clause's label may want its values elsewhere, or be a return: a piece of code before the block does it. */
static void try_table(struct translator *tr)
{
    struct control c = {.kind = CONTROL_TRY};
    read_block_type(tr, &c);
    translate_save_unread(tr);
    translate_save_top(tr, c.param_count);
    u32 n = wasm_get_u32(&tr->in), first = tr->catches.len;
    u32 over = n ? branch_always(tr, 0) : 0;
    for (u32 i = 0; i < n; i++) {
        u8 kind = wasm_get_byte(&tr->in);
        struct catch_clause k = {.kind = kind, .target = tr->cells.len, .slot = tr->top};
        u32 height = tr->values.len;
        if (kind < 2) {
            k.tag = wasm_get_u32(&tr->in);
            const struct wasm_functype *type = &tr->m->types.data[tr->m->tags.data[k.tag]].func;
            push_types(tr, type->params, type->param_count);
        }
        if (kind & 1)
            translate_push(tr, VALUE_TEMP, 'r');
        translate_forget(tr);
        branch(tr, wasm_get_u32(&tr->in));
        translate_drop_to(tr, height);
        *vec_push(tr->arena, &tr->catches) = k;
    }
    translate_bind(tr, over);
    c.try_index = tr->tries.len;
    *vec_push(tr->arena, &tr->tries) = (struct try_range){
        .start = tr->cells.len, .outer = tr->open_try, .first = first, .count = n};
    tr->open_try = tr->tries.len;
    open_control(tr, c);
}

static void throw_(struct translator *tr, bool ref)
{
    if (ref) {
        translate_out(tr, engine_out_throw_ref, 1, "", 0, 0);
    } else {
        u32 tag = wasm_get_u32(&tr->in);
        const struct wasm_functype *type = &tr->m->types.data[tr->m->tags.data[tag]].func;
        translate_out(tr, engine_out_throw, type->param_count, "", tag, 0);
    }
    translate_emit(tr, H_UNWIND, (struct word){0});
    tr->dead = true;
}

/* br_on_null, br_on_non_null: the reference stays on the side where it is not null. */
static void br_on_null(struct translator *tr, bool on_null)
{
    u32 depth = wasm_get_u32(&tr->in);
    translate_save_top(tr, 1);
    u32 home = vec_last(&tr->values)->home;
    pin(tr, home);
    struct condition c = {.op = OP_COUNT,
                          .value = {.form = 's', .slot = home, .type = 'r', .home = home}};
    if (on_null) {
        translate_drop_to(tr, tr->values.len - 1);
        branch_on(tr, &c, false, depth);
        translate_push(tr, VALUE_TEMP, 'r');
    } else {
        branch_on(tr, &c, true, depth);
        translate_drop_to(tr, tr->values.len - 1);
    }
}

static void br_on_cast(struct translator *tr, bool fail)
{
    u8 flags = wasm_get_byte(&tr->in);
    u32 depth = wasm_get_u32(&tr->in);
    wasm_get_heaptype(&tr->in, flags & 1);
    wasm_valtype to =
        validate_canonical_valtype(tr->em->context, wasm_get_heaptype(&tr->in, (flags & 2) != 0));
    translate_save_top(tr, 1);
    u32 home = vec_last(&tr->values)->home;
    pin(tr, home);
    /* The test's result goes above the reference. */
    translate_copy(tr, tr->top, home, 'r');
    translate_push(tr, VALUE_TEMP, 'r');
    translate_out(tr, engine_out_ref_test, 1, "i", to, 0);
    struct condition c = translate_condition(tr);
    branch_on(tr, &c, !fail, depth);
}

/* ---- The walk ------------------------------------------------------------------------------------------------ */

bool translate_control(struct translator *tr, enum wasm_op op)
{
    switch (op) {
    case OP_UNREACHABLE:
        translate_emit(tr, H_UNREACHABLE, (struct word){0});
        tr->dead = true;
        break;
    case OP_NOP: break;
    case OP_BLOCK: block(tr); break;
    case OP_LOOP: loop(tr); break;
    case OP_IF: if_(tr); break;
    case OP_ELSE: else_(tr); break;
    case OP_END: end(tr); break;
    case OP_BR:
        branch(tr, wasm_get_u32(&tr->in));
        tr->dead = true;
        break;
    case OP_BR_IF: br_if(tr); break;
    case OP_BR_TABLE: br_table(tr); break;
    case OP_RETURN:
        emit_return(tr);
        tr->dead = true;
        break;
    case OP_CALL: call(tr, false); break;
    case OP_RETURN_CALL: call(tr, true); break;
    case OP_CALL_INDIRECT: call_indirect(tr, false); break;
    case OP_RETURN_CALL_INDIRECT: call_indirect(tr, true); break;
    case OP_CALL_REF: call_ref(tr, false); break;
    case OP_RETURN_CALL_REF: call_ref(tr, true); break;
    case OP_TRY_TABLE: try_table(tr); break;
    case OP_THROW: throw_(tr, false); break;
    case OP_THROW_REF: throw_(tr, true); break;
    case OP_BR_ON_NULL: br_on_null(tr, true); break;
    case OP_BR_ON_NON_NULL: br_on_null(tr, false); break;
    case OP_BR_ON_CAST: br_on_cast(tr, false); break;
    case OP_BR_ON_CAST_FAIL: br_on_cast(tr, true); break;
    default: return false;
    }
    return true;
}

/* Unreachable code: nothing but its nesting counts. */
void translate_dead(struct translator *tr, enum wasm_op op)
{
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
    case OP_TRY_TABLE: tr->dead_depth++; break;
    case OP_ELSE:
        if (tr->dead_depth == 0) {
            else_(tr);
            return;
        }
        break;
    case OP_END:
        if (tr->dead_depth == 0) {
            end(tr);
            return;
        }
        tr->dead_depth--;
        break;
    default: break;
    }
    wasm_skip_immediates(&tr->in, op);
}

enum wasm_op translate_read_op(struct translator *tr)
{
    tr->op_offset = wasm_cursor_offset(&tr->in);
    return wasm_get_op(&tr->in);
}

void translate_body(struct translator *tr)
{
    while (tr->controls.len && !tr->in.failed && !tr->too_large) {
        enum wasm_op op = translate_read_op(tr);
        if (op == OP_COUNT)
            break;
        if (tr->dead) {
            translate_dead(tr, op);
            continue;
        }
        const struct rule *rule = &engine_rules[op];
        switch ((enum family)rule->family) {
        case FAMILY_NONE:
            if (!translate_control(tr, op) && !translate_other(tr, op) && !translate_atomic(tr, op))
                wasm_skip_immediates(&tr->in, op);
            break;
        case FAMILY_LOAD:
        case FAMILY_STORE:
        case FAMILY_RMW:
        case FAMILY_CMPXCHG: translate_memory(tr, op, rule); break;
        case FAMILY_VECTOR:
        case FAMILY_VECTOR_LOAD:
        case FAMILY_VECTOR_STORE: translate_vector(tr, op, rule); break;
        default: translate_number(tr, op, rule); break;
        }
    }
}
