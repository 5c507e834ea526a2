/* translate_other.c - constants, variables, references, and what is called out of line. */
#include "translate.h"

void translate_out(struct translator *tr, engine_out *fn, u32 in, const char *results, u32 x, u64 y)
{
    translate_save_top(tr, in);
    u32 height = tr->values.len - in;
    u32 base = in ? tr->values.data[height].home : tr->top;
    translate_drop_to(tr, height);
    u32 at = translate_emit(tr, H_OUT, (struct word){0});
    tr->cells.data[at + 1].out = fn;
    vec_push(tr->arena, &tr->cells)->w = (struct word){.d = (u16)base, .off = x};
    translate_extra(tr, y);
    translate_forget(tr);
    for (; *results; results++)
        translate_push(tr, VALUE_TEMP, *results);
}

/* ---- Variables ---------------------------------------------------------------------------------------------- */

static void local_get(struct translator *tr)
{
    u32 i = wasm_get_u32(&tr->in);
    translate_push_local(tr, i);
}

/* Was it `local = local + constant`? */
static void note_count(struct translator *tr, u32 slot)
{
    enum wasm_op op = tr->last.op;
    if ((op != OP_I32_ADD && op != OP_I64_ADD) || tr->last.form != FORM_SC ||
        tr->last.word.a != slot)
        return;
    tr->counted = (struct counted){.cell = tr->last.cell,
                                   .end = tr->cells.len,
                                   .slot = slot,
                                   .step = tr->last.word.imm,
                                   .is_64 = op == OP_I64_ADD};
}

static void local_set(struct translator *tr, bool tee)
{
    u32 i = wasm_get_u32(&tr->in), slot = tr->local_slots[i];
    struct value v = *vec_last(&tr->values);
    if (v.kind == VALUE_LOCAL && v.local == i) {
        if (!tee)
            translate_pop(tr);
        return;
    }
    if (v.kind == VALUE_TEMP && tr->local_unread[i] == 0 && tr->last.cell != NOWHERE &&
        tr->last.dest == v.home) {
        /* Who made it writes it here. */
        tr->cells.data[tr->last.cell + 1].w.d = (u16)slot;
        for (u32 k = 0; k < LENGTH_OF(tr->acc); k++) {
            struct accumulator *a = &tr->acc[k];
            if (a->slot == v.home && a->producer == tr->last.cell)
                a->slot = slot;
            else if (a->slot >= slot && a->slot < slot + translate_slots(v.type))
                a->slot = NOWHERE;
        }
        note_count(tr, slot);
        tr->last.dest = NOWHERE;
        tr->last.op = OP_COUNT;
        translate_pop(tr);
        if (tee)
            translate_push_local(tr, i);
        return;
    }
    struct operand o = {0};
    if (tee) {
        u32 top = tr->values.len - 1;
        for (u32 k = 0; v.kind == VALUE_TEMP && k < LENGTH_OF(tr->acc); k++) {
            if (tr->acc[k].slot == v.home)
                tr->acc[k].producer = NOWHERE;
        }
        translate_save_local(tr, i);
        v = tr->values.data[top];
        o = (struct operand){.form = v.kind == VALUE_CONST ? 'c' : 's',
                             .slot = v.kind == VALUE_LOCAL ? tr->local_slots[v.local] : v.home,
                             .bits = v.bits};
    } else {
        o = translate_pop(tr);
        translate_save_local(tr, i);
    }
    if (o.form == 'c')
        translate_const(tr, slot, o.bits);
    else
        translate_copy(tr, slot, o.slot, v.type);
    tr->last.dest = NOWHERE;
}

static void global_get(struct translator *tr)
{
    u32 i = wasm_get_u32(&tr->in);
    char type = translate_letter(tr->m->globals.data[i].type.type);
    bool imported = i < tr->m->imported_globals;
    u32 own = i - tr->m->imported_globals;
    if (type == 'v')
        translate_emit_plain(tr, H_GLOBAL_GET_V, (struct word){.off = i}, type);
    else if (imported)
        translate_emit_plain(tr, H_GLOBAL_GET_IMPORTED, (struct word){.off = i}, type);
    else if (type == 'f' || type == 'F')
        translate_emit_plain(tr, H_GLOBAL_GET_FLOAT, (struct word){.off = own}, type);
    else
        translate_emit_value(tr, H_GLOBAL_GET_r, (struct word){.off = own}, type);
}

static void global_set(struct translator *tr)
{
    u32 i = wasm_get_u32(&tr->in);
    struct operand o = translate_pop(tr);
    bool own = i >= tr->m->imported_globals;
    bool in_acc = o.form == 'a' && own && o.type != 'f' && o.type != 'F';
    if (in_acc)
        translate_use_acc(tr, &o);
    else
        translate_to_slot(tr, &o);
    struct word w = {.a = (u16)o.slot,
                     .off = own && o.type != 'v' ? i - tr->m->imported_globals : i};
    translate_emit(tr,
                   o.type == 'v' ? H_GLOBAL_SET_V
                   : !own        ? H_GLOBAL_SET_IMPORTED
                   : in_acc      ? H_GLOBAL_SET_a
                                 : H_GLOBAL_SET_s,
                   w);
}

static void select_(struct translator *tr)
{
    struct operand c = translate_pop(tr), b = translate_pop_slot(tr), a = translate_pop_slot(tr);
    if (c.form == 'c')
        translate_to_slot(tr, &c);
    char type = a.type;
    struct word w = {.a = (u16)a.slot, .b = (u16)b.slot, .c = (u16)c.slot};
    if (type == 'v') {
        translate_emit_plain(tr, H_SELECT_V, w, type);
        return;
    }
    if (c.form == 'a')
        translate_use_acc(tr, &c);
    if (type == 'f' || type == 'F')
        translate_emit_plain(tr, c.form == 'a' ? H_SELECT_FLOAT_a : H_SELECT_FLOAT_s, w, type);
    else
        translate_emit_value(tr, c.form == 'a' ? H_SELECT_a_r : H_SELECT_s_r, w, type);
}

/* The same bits under another type: a slot holds them alike. */
static void retype(struct translator *tr, char type)
{
    vec_last(&tr->values)->type = type;
}

/* ---- Rows of instructions called out of line ------------------------------------------------------------- */

/* What x and y are made of: immediates in the order of the instruction. */
enum out_args { ARGS_NONE, ARGS_X, ARGS_XY };
static const struct out_row {
    u16 op;
    engine_out *fn;
    u8 in, args;
    const char *results; /* m, t: address type of memory or table x */
} rows[] = {
    {OP_MEMORY_SIZE, engine_out_memory_size, 0, ARGS_X, "m"},
    {OP_MEMORY_GROW, engine_out_memory_grow, 1, ARGS_X, "m"},
    {OP_MEMORY_FILL, engine_out_memory_fill, 3, ARGS_X, ""},
    {OP_MEMORY_COPY, engine_out_memory_copy, 3, ARGS_XY, ""},
    {OP_MEMORY_INIT, engine_out_memory_init, 3, ARGS_XY, ""},
    {OP_DATA_DROP, engine_out_data_drop, 0, ARGS_X, ""},
    {OP_TABLE_GET, engine_out_table_get, 1, ARGS_X, "r"},
    {OP_TABLE_SET, engine_out_table_set, 2, ARGS_X, ""},
    {OP_TABLE_SIZE, engine_out_table_size, 0, ARGS_X, "t"},
    {OP_TABLE_GROW, engine_out_table_grow, 2, ARGS_X, "t"},
    {OP_TABLE_FILL, engine_out_table_fill, 3, ARGS_X, ""},
    {OP_TABLE_COPY, engine_out_table_copy, 3, ARGS_XY, ""},
    {OP_TABLE_INIT, engine_out_table_init, 3, ARGS_XY, ""},
    {OP_ELEM_DROP, engine_out_elem_drop, 0, ARGS_X, ""},
    {OP_REF_FUNC, engine_out_ref_func, 0, ARGS_X, "r"},
    {OP_STRUCT_NEW_DEFAULT, engine_out_struct_new_default, 0, ARGS_X, "r"},
    {OP_ARRAY_NEW_DEFAULT, engine_out_array_new_default, 1, ARGS_X, "r"},
    {OP_ARRAY_NEW, engine_out_array_new, 2, ARGS_X, "r"},
    {OP_ARRAY_NEW_DATA, engine_out_array_new_data, 2, ARGS_XY, "r"},
    {OP_ARRAY_NEW_ELEM, engine_out_array_new_elem, 2, ARGS_XY, "r"},
    {OP_ARRAY_SET, engine_out_array_set, 3, ARGS_X, ""},
    {OP_ARRAY_LEN, engine_out_array_len, 1, ARGS_NONE, "i"},
    {OP_ARRAY_FILL, engine_out_array_fill, 4, ARGS_X, ""},
    {OP_ARRAY_COPY, engine_out_array_copy, 5, ARGS_XY, ""},
    {OP_ARRAY_INIT_DATA, engine_out_array_init_data, 4, ARGS_XY, ""},
    {OP_ARRAY_INIT_ELEM, engine_out_array_init_elem, 4, ARGS_XY, ""},
    {OP_REF_I31, engine_out_ref_i31, 1, ARGS_NONE, "r"},
    {OP_I31_GET_S, engine_out_i31_get_s, 1, ARGS_NONE, "i"},
    {OP_I31_GET_U, engine_out_i31_get_u, 1, ARGS_NONE, "i"},
};

static bool out_row(struct translator *tr, enum wasm_op op)
{
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        if (rows[i].op != op)
            continue;
        u32 first = rows[i].args != ARGS_NONE ? wasm_get_u32(&tr->in) : 0;
        u32 second = rows[i].args == ARGS_XY ? wasm_get_u32(&tr->in) : 0;
        const char *results = rows[i].results;
        if (*results == 'm')
            results = tr->m->memories.data[first].is_64 ? "I" : "i";
        else if (*results == 't')
            results = tr->m->tables.data[first].type.limits.is_64 ? "I" : "i";
        translate_out(tr, rows[i].fn, rows[i].in, results, first, second);
        return true;
    }
    return false;
}

static wasm_valtype field_type(struct translator *tr, u32 type, u32 field)
{
    return tr->m->types.data[type].fields[field].type;
}

static void result_of(wasm_valtype t, char out[2])
{
    wasm_kind_of(t) == WASM_I8 || wasm_kind_of(t) == WASM_I16
        ? (void)(out[0] = 'i')
        : (void)(out[0] = translate_letter(t));
    out[1] = 0;
}

/* Instructions on references whose operands depend on types. */
static bool reference(struct translator *tr, enum wasm_op op)
{
    char result[2] = "r";
    u32 type, field;
    switch (op) {
    case OP_REF_NULL:
        wasm_get_heaptype(&tr->in, true);
        translate_push_const(tr, 'r', 0);
        break;
    case OP_REF_IS_NULL: translate_number(tr, OP_I64_EQZ, &engine_rules[OP_I64_EQZ]); break;
    case OP_REF_EQ: translate_number(tr, OP_I64_EQ, &engine_rules[OP_I64_EQ]); break;
    case OP_REF_AS_NON_NULL:
        translate_save_top(tr, 1);
        for (u32 i = 0; i < LENGTH_OF(tr->acc); i++)
            tr->acc[i].producer = NOWHERE;
        translate_emit(tr, H_CHECK_NULL, (struct word){.a = (u16)vec_last(&tr->values)->home});
        break;
    case OP_ANY_CONVERT_EXTERN:
    case OP_EXTERN_CONVERT_ANY: break;
    case OP_REF_TEST:
    case OP_REF_TEST_NULL:
    case OP_REF_CAST:
    case OP_REF_CAST_NULL: {
        wasm_valtype t =
            wasm_get_heaptype(&tr->in, op == OP_REF_TEST_NULL || op == OP_REF_CAST_NULL);
        t = validate_canonical_valtype(tr->em->context, t);
        bool test = op == OP_REF_TEST || op == OP_REF_TEST_NULL;
        translate_out(tr, test ? engine_out_ref_test : engine_out_ref_cast, 1, test ? "i" : "r", t,
                      0);
        break;
    }
    case OP_STRUCT_NEW:
        type = wasm_get_u32(&tr->in);
        translate_out(tr, engine_out_struct_new, tr->m->types.data[type].field_count, "r", type, 0);
        break;
    case OP_STRUCT_GET:
    case OP_STRUCT_GET_S:
    case OP_STRUCT_GET_U:
        type = wasm_get_u32(&tr->in);
        field = wasm_get_u32(&tr->in);
        result_of(field_type(tr, type, field), result);
        translate_out(tr, engine_out_struct_get, 1, result, type,
                      (u64)field << 2 | (op == OP_STRUCT_GET_S));
        break;
    case OP_STRUCT_SET:
        type = wasm_get_u32(&tr->in);
        field = wasm_get_u32(&tr->in);
        translate_out(tr, engine_out_struct_set, 2, "", type, field);
        break;
    case OP_ARRAY_NEW_FIXED:
        type = wasm_get_u32(&tr->in);
        field = wasm_get_u32(&tr->in);
        translate_out(tr, engine_out_array_new_fixed, field, "r", type, field);
        break;
    case OP_ARRAY_GET:
    case OP_ARRAY_GET_S:
    case OP_ARRAY_GET_U:
        type = wasm_get_u32(&tr->in);
        result_of(field_type(tr, type, 0), result);
        translate_out(tr, engine_out_array_get, 2, result, type, op == OP_ARRAY_GET_S);
        break;
    default: return out_row(tr, op);
    }
    return true;
}

/* Two numbers for each value: in place. */
static void wide(struct translator *tr, enum handler h, u32 in)
{
    translate_save_top(tr, in);
    u32 base = tr->values.data[tr->values.len - in].home;
    translate_drop_to(tr, tr->values.len - in);
    translate_emit(tr, h, (struct word){.a = (u16)base});
    translate_push(tr, VALUE_TEMP, 'I');
    translate_push(tr, VALUE_TEMP, 'I');
    translate_wrote(tr, base, 2);
}

bool translate_other(struct translator *tr, enum wasm_op op)
{
    switch (op) {
    case OP_DROP: translate_pop(tr); break;
    case OP_SELECT_T:
        for (u32 n = wasm_get_u32(&tr->in); n > 0 && !tr->in.failed; n--)
            wasm_get_valtype(&tr->in);
        select_(tr);
        break;
    case OP_SELECT: select_(tr); break;
    case OP_LOCAL_GET: local_get(tr); break;
    case OP_LOCAL_SET: local_set(tr, false); break;
    case OP_LOCAL_TEE: local_set(tr, true); break;
    case OP_GLOBAL_GET: global_get(tr); break;
    case OP_GLOBAL_SET: global_set(tr); break;
    case OP_I32_CONST: translate_push_const(tr, 'i', (u32)wasm_get_s32(&tr->in)); break;
    case OP_I64_CONST: translate_push_const(tr, 'I', (u64)wasm_get_s64(&tr->in)); break;
    case OP_F32_CONST: translate_push_const(tr, 'f', wasm_get_fixed(&tr->in, 4)); break;
    case OP_F64_CONST: translate_push_const(tr, 'F', wasm_get_fixed(&tr->in, 8)); break;
    case OP_V128_CONST: {
        u64 lo = wasm_get_fixed(&tr->in, 8), hi = wasm_get_fixed(&tr->in, 8);
        translate_emit_plain(tr, H_CONST_V, (struct word){0}, 'v');
        translate_extra(tr, lo);
        translate_extra(tr, hi);
        break;
    }
    case OP_I64_EXTEND_I32_U: retype(tr, 'I'); break;
    case OP_I32_REINTERPRET_F32: retype(tr, 'i'); break;
    case OP_I64_REINTERPRET_F64: retype(tr, 'I'); break;
    case OP_F32_REINTERPRET_I32: retype(tr, 'f'); break;
    case OP_F64_REINTERPRET_I64: retype(tr, 'F'); break;
    case OP_I64_ADD128: wide(tr, H_ADD128, 4); break;
    case OP_I64_SUB128: wide(tr, H_SUB128, 4); break;
    case OP_I64_MUL_WIDE_S: wide(tr, H_MUL_WIDE_S, 2); break;
    case OP_I64_MUL_WIDE_U: wide(tr, H_MUL_WIDE_U, 2); break;
    case OP_ATOMIC_FENCE: wasm_get_byte(&tr->in); break;
    default: return reference(tr, op);
    }
    return true;
}
