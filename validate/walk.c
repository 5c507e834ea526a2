/* walk.c - the validation algorithm of the core specification's appendix over one expression: operand stack, control
 * frames, and all instructions with a fixed signature. */
#include "validate_internal.h"

#include <stdlib.h>

/* ---- Tables ------------------------------------------------------------------------------------- */

static u8 letter_type(char letter)
{
    switch (letter) {
    case 'i': return WASM_I32;
    case 'I': return WASM_I64;
    case 'f': return WASM_F32;
    case 'F': return WASM_F64;
    case 'v': return WASM_V128;
    default: return ADDRESS_TYPE;
    }
}

static struct validate_op_row make_row(enum wasm_op op)
{
    struct validate_op_row row = {.action = ACT_SPECIAL, .op = op};
    const struct wasm_op_info *info = &wasm_op_info[op];
    row.is_gated = info->gate != FEATURE_MVP;
    const char *colon = strchr(info->signature, ':');
    row.align = info->align;
    if (op == OP_LOCAL_GET || op == OP_LOCAL_SET || op == OP_LOCAL_TEE)
        row.action = (u8)(ACT_LOCAL_GET + (op - OP_LOCAL_GET));
    if (!colon)
        return row;
    for (const char *p = colon; p-- > info->signature;)
        row.pop[row.pops++] = letter_type(*p);
    for (const char *p = colon + 1; *p; p++)
        row.push[row.pushes++] = letter_type(*p);
    if (info->imm == IMM_NONE)
        row.action = ACT_SIMPLE;
    else if (info->imm == IMM_MEMARG)
        row.action = ACT_MEMARG;
    else
        row.action = op == OP_I32_CONST ? ACT_I32_CONST : ACT_SIGNATURE;
    return row;
}

void validate_store_make_rows(struct validate_store *s)
{
    for (size_t i = 0; i < LENGTH_OF(s->rows); i++)
        s->rows[i].op = OP_COUNT;
    for (u32 op = 0; op < OP_COUNT; op++) {
        const struct wasm_op_info *info = &wasm_op_info[op];
        if (info->prefix == 0)
            s->rows[info->code] = make_row((enum wasm_op)op);
        else if (info->code < LENGTH_OF(s->prefixed[0]))
            s->prefixed[info->prefix - 0xfb][info->code] = make_row((enum wasm_op)op);
    }
    for (u32 byte = 0xfb; byte <= 0xfe; byte++)
        s->rows[byte].action = ACT_PREFIX;
}

/* ---- Reports -------------------------------------------------------------------------------------- */

static void load_names(struct validate_context *c)
{
    if (!c->has_names)
        wasm_read_names(c->arena, c->m, &c->names);
    c->has_names = true;
}

str validate_func_text(struct validate_context *c, u32 func)
{
    load_names(c);
    str name = func < c->names.func_count ? c->names.funcs[func] : (str){0};
    for (u32 i = 0; !name.len && i < c->m->exports.len; i++) {
        const struct wasm_export *e = &c->m->exports.data[i];
        if (e->kind == EXTERN_FUNC && e->index == func)
            name = e->name;
    }
    return name.len ? str_printf(c->diags->arena, "function `" STRF "` (%u)", STRA(name), func)
                    : str_printf(c->diags->arena, "function %u", func);
}

static bool report(struct validate_context *c, const char *code, str text)
{
    span at = {c->m->source, wasm_cursor_offset(&c->in), 0};
    if (c->instruction)
        at.start = c->in.base + (u32)(c->instruction - c->in.start);
    at.end = at.start + 1;
    if (c->in.failed) {
        code = CODE_MALFORMED;
        text = str_c(c->in.error);
        at.start = c->in.error_offset;
        at.end = at.start + 1;
    }
    struct diag *x = diag_error(c->diags, code, at, STRF, STRA(text));
    if (c->is_const)
        diag_note(c->diags, x, "in the %s %u", c->where, c->where_index);
    else
        diag_note(c->diags, x, "in " STRF, STRA(validate_func_text(c, c->func)));
    return false;
}

bool validate_fail(struct validate_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(c->diags->arena, format, args);
    va_end(args);
    return report(c, CODE_INVALID, text);
}

bool validate_malformed(struct validate_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(c->diags->arena, format, args);
    va_end(args);
    return report(c, CODE_MALFORMED, text);
}

str validate_text_of(struct validate_context *c, wasm_valtype t)
{
    if (wasm_is_ref(t) && wasm_is_concrete(t)) {
        u32 id = wasm_heap_of(t);
        for (u32 i = 0; i < c->m->types.len; i++) {
            if (c->ids[i] == id)
                return validate_valtype_text(c->diags->arena,
                                             wasm_ref_concrete(i, wasm_is_nullable(t)) |
                                                 (t & WASM_REF_EXACT));
        }
    }
    return validate_valtype_text(c->diags->arena, t);
}

static bool mismatch(struct validate_context *c, wasm_valtype expected, wasm_valtype found)
{
    const char *name = c->op < OP_COUNT ? wasm_op_info[c->op].name : "the end";
    if (found == WASM_NONE)
        return validate_fail(
            c, "type mismatch: %s expects " STRF " on the stack, but nothing is there", name,
            STRA(validate_text_of(c, expected)));
    return validate_fail(c, "type mismatch: %s expects " STRF ", found " STRF, name,
                         STRA(validate_text_of(c, expected)), STRA(validate_text_of(c, found)));
}

/* ---- The operand stack ------------------------------------------------------------------------------- */

bool validate_pop_any(struct validate_context *c, wasm_valtype *out)
{
    const struct validate_frame *f = vec_last(&c->frames);
    if (c->stack.len > f->height) {
        *out = c->stack.data[--c->stack.len];
        return true;
    }
    *out = WASM_BOTTOM;
    if (f->unreachable)
        return true;
    return validate_fail(c, "type mismatch: %s expects a value on the stack, but nothing is there",
                         wasm_op_info[c->op].name);
}

bool validate_pop_slow(struct validate_context *c, wasm_valtype expected)
{
    const struct validate_frame *f = vec_last(&c->frames);
    if (c->stack.len == f->height)
        return f->unreachable || mismatch(c, expected, WASM_NONE);
    wasm_valtype found = c->stack.data[--c->stack.len];
    return validate_valtype_matches(c->store, found, expected) || mismatch(c, expected, found);
}

bool validate_pop_types(struct validate_context *c, const wasm_valtype *types, u32 n)
{
    while (n > 0) {
        if (!validate_pop(c, types[--n]))
            return false;
    }
    return true;
}

void validate_push_types(struct validate_context *c, const wasm_valtype *types, u32 n)
{
    for (u32 i = 0; i < n; i++)
        validate_push(c, types[i]);
}

bool validate_pop_ref(struct validate_context *c, wasm_valtype *out)
{
    if (!validate_pop_any(c, out))
        return false;
    if (*out == WASM_BOTTOM)
        *out = VALIDATE_REF_BOTTOM;
    if (wasm_is_ref(*out))
        return true;
    return validate_fail(c, "type mismatch: %s expects a reference, found " STRF,
                         wasm_op_info[c->op].name, STRA(validate_text_of(c, *out)));
}

void validate_set_unreachable(struct validate_context *c)
{
    struct validate_frame *f = vec_last(&c->frames);
    c->stack.len = f->height;
    f->unreachable = true;
}

/* ---- Immediates --------------------------------------------------------------------------------------- */

bool validate_imm_memory(struct validate_context *c, u32 *index, wasm_valtype *address)
{
    *index = validate_imm(c);
    if (*index >= c->m->memories.len)
        return validate_fail(c, "unknown memory %u", *index);
    if (*index && !features_has(c->features, FEATURE_MULTI_MEMORY))
        return validate_malformed(c, "zero byte expected: memory %u needs the feature `%s`", *index,
                                  feature_name(FEATURE_MULTI_MEMORY));
    *address = c->m->memories.data[*index].is_64 ? WASM_I64 : WASM_I32;
    return true;
}

bool validate_imm_table(struct validate_context *c, u32 *index, wasm_valtype *address)
{
    *index = validate_imm(c);
    if (*index >= c->m->tables.len)
        return validate_fail(c, "unknown table %u", *index);
    if (c->is_shared && !c->m->tables.data[*index].type.limits.is_shared)
        return validate_fail(c, "shared functions cannot access unshared tables: table %u is one",
                             *index);
    *address = c->m->tables.data[*index].type.limits.is_64 ? WASM_I64 : WASM_I32;
    return true;
}

bool validate_imm_elem(struct validate_context *c, u32 *index)
{
    *index = validate_imm(c);
    return *index < c->m->elems.len || validate_fail(c, "unknown elem segment %u", *index);
}

bool validate_imm_data(struct validate_context *c, u32 *index)
{
    *index = validate_imm(c);
    if (!c->m->has_data_count)
        return validate_malformed(c, "data count section required");
    return *index < c->m->data_count || validate_fail(c, "unknown data segment %u", *index);
}

static bool imm_memarg(struct validate_context *c, wasm_valtype *address)
{
    u32 flags = validate_imm(c), memory = 0;
    if (flags >= 0x80)
        return validate_malformed(c, "malformed memop flags");
    if (flags & 0x40) {
        if (!features_has(c->features, FEATURE_MULTI_MEMORY))
            return validate_malformed(c, "malformed memop flags");
        memory = validate_imm(c);
    }
    u32 align = flags & 0x3f;
    u64 offset = c->in.at != c->in.end && *c->in.at < 0x80 ? *c->in.at++ : wasm_get_u64(&c->in);
    if (memory >= c->m->memories.len)
        return validate_fail(c, "unknown memory %u", memory);
    const struct wasm_op_info *info = &wasm_op_info[c->op];
    if (align > info->align)
        return validate_fail(c, "alignment must not be larger than natural: 2^%u for %s", align,
                             info->name);
    if (align != info->align && info->prefix == 0xfe)
        return validate_fail(c, "atomic instructions must always specify maximum alignment");
    bool is_64 = c->m->memories.data[memory].is_64;
    if (!is_64 && offset > UINT32_MAX)
        return validate_fail(c, "offset out of range: must be <= 2**32");
    *address = is_64 ? WASM_I64 : WASM_I32;
    return true;
}

static u32 lane_count(enum wasm_op op)
{
    const char *name = wasm_op_info[op].name;
    const char *x = strchr(name, 'x');
    if (name[0] == 'v') /* v128.load8_lane */
        return 16u >> wasm_op_info[op].align;
    return x ? (u32)strtoul(x + 1, NULL, 10) : 0;
}

static bool imm_lane(struct validate_context *c, u32 lanes)
{
    u8 lane = wasm_get_byte(&c->in);
    return lane < lanes || validate_fail(c, "invalid lane index %u of %u lanes", lane, lanes);
}

/* ---- Instructions with a fixed signature ------------------------------------------------------------------- */

static inline bool apply(struct validate_context *c, const struct validate_op_row *row,
                         wasm_valtype address)
{
    for (u32 i = 0, n = row->pops; i < n; i++) {
        if (!validate_pop(c, row->pop[i] == ADDRESS_TYPE ? address : row->pop[i]))
            return false;
    }
    for (u32 i = 0; i < row->pushes; i++)
        validate_push(c, row->push[i] == ADDRESS_TYPE ? address : row->push[i]);
    return true;
}

/* Fixed signature after immediates that need a look. */
static bool walk_signature(struct validate_context *c, const struct validate_op_row *row)
{
    wasm_valtype address = WASM_I32;
    u32 index;
    switch (wasm_op_info[row->op].imm) {
    case IMM_MEMARG_LANE:
        if (!imm_memarg(c, &address) || !imm_lane(c, lane_count(c->op)))
            return false;
        break;
    case IMM_LANE:
        if (!imm_lane(c, lane_count(c->op)))
            return false;
        break;
    case IMM_SHUFFLE:
        for (u32 i = 0; i < 16; i++) {
            if (!imm_lane(c, 32))
                return false;
        }
        break;
    case IMM_I32: wasm_get_s32(&c->in); break;
    case IMM_I64: wasm_get_s64(&c->in); break;
    case IMM_F32: wasm_get_bytes(&c->in, 4); break;
    case IMM_F64: wasm_get_bytes(&c->in, 8); break;
    case IMM_V128: wasm_get_bytes(&c->in, 16); break;
    case IMM_MEMORY:
        if (!validate_imm_memory(c, &index, &address))
            return false;
        break;
    case IMM_DATA_MEMORY:
        if (!validate_imm_data(c, &index) || !validate_imm_memory(c, &index, &address))
            return false;
        break;
    case IMM_DATA:
        if (!validate_imm_data(c, &index))
            return false;
        break;
    case IMM_ELEM:
        if (!validate_imm_elem(c, &index))
            return false;
        break;
    case IMM_FENCE:
        if (wasm_get_byte(&c->in) != 0)
            return validate_malformed(c, "zero byte expected");
        break;
    default: break;
    }
    return apply(c, row, address);
}

/* ---- Variables, calls, tables ------------------------------------------------------------------------------- */

static bool imm_local(struct validate_context *c, u32 *index)
{
    *index = validate_imm(c);
    return *index < c->local_count || validate_fail(c, "unknown local %u", *index);
}

static wasm_valtype local_type(const struct validate_context *c, u32 index)
{
    if (index < c->locals.len)
        return c->locals.data[index];
    u32 low = 0, high = c->local_ranges.len - 1;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (index < c->local_ranges.data[middle].end)
            high = middle;
        else
            low = middle + 1;
    }
    return c->local_ranges.data[low].type;
}

static void set_local(struct validate_context *c, u32 index)
{
    if (index < c->local_set.len && !c->local_set.data[index]) {
        c->local_set.data[index] = true;
        *vec_push(c->arena, &c->inits) = index;
    }
}

static bool walk_local_get(struct validate_context *c)
{
    u32 index;
    if (!imm_local(c, &index))
        return false;
    if (index < c->local_set.len && !c->local_set.data[index])
        return validate_fail(c, "uninitialized local: %u", index);
    validate_push(c, local_type(c, index));
    return true;
}

static bool walk_local(struct validate_context *c, enum wasm_op op)
{
    u32 index;
    if (!imm_local(c, &index))
        return false;
    wasm_valtype type = local_type(c, index);
    set_local(c, index);
    if (!validate_pop(c, type))
        return false;
    if (op == OP_LOCAL_TEE)
        validate_push(c, type);
    return true;
}

static bool walk_global(struct validate_context *c, enum wasm_op op)
{
    u32 index = validate_imm(c);
    if (index >= c->m->globals.len || (c->is_const && index >= c->known_globals))
        return validate_fail(c, "unknown global %u", index);
    const struct wasm_globaltype *type = &c->m->globals.data[index].type;
    if (c->is_shared && !type->is_shared)
        return validate_fail(c, "shared functions cannot access unshared globals: global %u is one",
                             index);
    if (op == OP_GLOBAL_GET) {
        if (c->is_const && type->is_mutable)
            return validate_fail(c, "constant expression required: global %u is mutable", index);
        validate_push(c, c->globals[index]);
        return true;
    }
    if (!type->is_mutable)
        return validate_fail(c, "immutable global: global %u cannot be set", index);
    return validate_pop(c, c->globals[index]);
}

static bool walk_table(struct validate_context *c, enum wasm_op op)
{
    u32 table, other;
    wasm_valtype at = 0, at_other = 0;
    if (op == OP_TABLE_INIT) {
        u32 elem;
        if (!validate_imm_elem(c, &elem) || !validate_imm_table(c, &table, &at))
            return false;
        if (!validate_valtype_matches(c->store, c->elems[elem], c->tables[table]))
            return validate_fail(
                c, "type mismatch: table %u has elements " STRF ", segment %u has " STRF, table,
                STRA(validate_text_of(c, c->tables[table])), elem,
                STRA(validate_text_of(c, c->elems[elem])));
        return validate_pop(c, WASM_I32) && validate_pop(c, WASM_I32) && validate_pop(c, at);
    }
    if (!validate_imm_table(c, &table, &at))
        return false;
    wasm_valtype type = c->tables[table];
    switch (op) {
    case OP_TABLE_GET:
        if (!validate_pop(c, at))
            return false;
        validate_push(c, type);
        return true;
    case OP_TABLE_SET: return validate_pop(c, type) && validate_pop(c, at);
    case OP_TABLE_GROW:
        if (!validate_pop(c, at) || !validate_pop(c, type))
            return false;
        validate_push(c, at);
        return true;
    case OP_TABLE_SIZE: validate_push(c, at); return true;
    case OP_TABLE_FILL: return validate_pop(c, at) && validate_pop(c, type) && validate_pop(c, at);
    default: break;
    }
    if (!validate_imm_table(c, &other, &at_other)) /* table.copy */
        return false;
    if (!validate_valtype_matches(c->store, c->tables[other], type))
        return validate_fail(c, "type mismatch: elements of table %u do not fit table %u", other,
                             table);
    return validate_pop(c, at == at_other ? at : WASM_I32) && validate_pop(c, at_other) &&
           validate_pop(c, at);
}

static bool walk_memory_copy(struct validate_context *c)
{
    u32 memory;
    wasm_valtype to = 0, from = 0;
    return validate_imm_memory(c, &memory, &to) && validate_imm_memory(c, &memory, &from) &&
           validate_pop(c, to == from ? to : WASM_I32) && validate_pop(c, from) &&
           validate_pop(c, to);
}

static bool walk_select(struct validate_context *c, enum wasm_op op)
{
    wasm_valtype x = 0, y = 0;
    if (op == OP_SELECT_T) {
        if (wasm_get_u32(&c->in) != 1)
            return validate_fail(c, "invalid result arity: select takes one type");
        struct validate_type_scope scope = validate_scope_of(c);
        span at = {c->m->source, wasm_cursor_offset(&c->in), wasm_cursor_offset(&c->in) + 1};
        x = wasm_get_valtype(&c->in);
        if (c->in.failed)
            return validate_malformed(c, "malformed value type");
        if (!validate_check_valtype(&scope, x, c->m->types.len, at))
            return false;
        x = validate_canonicalize(c->ids, x);
        if (!validate_pop(c, WASM_I32) || !validate_pop(c, x) || !validate_pop(c, x))
            return false;
        validate_push(c, x);
        return true;
    }
    if (!validate_pop(c, WASM_I32) || !validate_pop_any(c, &y) || !validate_pop_any(c, &x))
        return false;
    if (wasm_is_ref(x) || wasm_is_ref(y))
        return validate_fail(c, "type mismatch: select on references needs a type");
    if (x != y && x != WASM_BOTTOM && y != WASM_BOTTOM)
        return validate_fail(c, "type mismatch: select between " STRF " and " STRF,
                             STRA(validate_text_of(c, x)), STRA(validate_text_of(c, y)));
    validate_push(c, x == WASM_BOTTOM ? y : x);
    return true;
}

static bool is_const_op(const struct validate_context *c, enum wasm_op op)
{
    switch (op) {
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_F32_CONST:
    case OP_F64_CONST:
    case OP_V128_CONST:
    case OP_REF_NULL:
    case OP_REF_FUNC:
    case OP_GLOBAL_GET:
    case OP_END:
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
    case OP_ARRAY_NEW_FIXED:
    case OP_REF_I31:
    case OP_ANY_CONVERT_EXTERN:
    case OP_EXTERN_CONVERT_ANY: return true;
    case OP_I32_ADD:
    case OP_I32_SUB:
    case OP_I32_MUL:
    case OP_I64_ADD:
    case OP_I64_SUB:
    case OP_I64_MUL: return features_has(c->features, FEATURE_EXTENDED_CONST);
    default: return false;
    }
}

static bool walk_special(struct validate_context *c, const struct validate_op_row *row)
{
    enum wasm_op op = (enum wasm_op)row->op;
    switch (op) {
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET: return walk_global(c, op);
    case OP_TABLE_GET:
    case OP_TABLE_SET:
    case OP_TABLE_GROW:
    case OP_TABLE_SIZE:
    case OP_TABLE_FILL:
    case OP_TABLE_COPY:
    case OP_TABLE_INIT: return walk_table(c, op);
    case OP_MEMORY_COPY: return walk_memory_copy(c);
    case OP_SELECT:
    case OP_SELECT_T: return walk_select(c, op);
    case OP_DROP: {
        wasm_valtype ignored = 0;
        return validate_pop_any(c, &ignored);
    }
    default: break;
    }
    if (wasm_op_info[op].prefix == 0xfb || (op >= OP_REF_NULL && op <= OP_BR_ON_NON_NULL))
        return validate_walk_gc(c, op);
    return validate_walk_control(c, op);
}

/* ---- The loop --------------------------------------------------------------------------------------------- */

static const struct validate_op_row *read_prefixed(struct validate_context *c, u8 prefix)
{
    u32 code = validate_imm(c);
    if (code < LENGTH_OF(c->store->prefixed[0]) &&
        c->store->prefixed[prefix - 0xfb][code].action != ACT_ILLEGAL)
        return &c->store->prefixed[prefix - 0xfb][code];
    validate_malformed(c, "illegal opcode %02x %u", prefix, code);
    return NULL;
}

static bool check_gate(struct validate_context *c, enum wasm_op op)
{
    if (!wasm_gate_open(c->features, wasm_op_info[op].gate))
        return validate_fail(c, "%s needs the feature `%s`", wasm_op_info[op].name,
                             feature_name(wasm_op_info[op].gate));
    if (c->is_const && !is_const_op(c, op))
        return validate_fail(c, "constant expression required: %s is not constant",
                             wasm_op_info[op].name);
    return true;
}

static bool step(struct validate_context *c)
{
    u8 byte = *c->in.at++;
    const struct validate_op_row *row = &c->store->rows[byte];
    if (row->action == ACT_PREFIX) {
        row = read_prefixed(c, byte);
        if (!row)
            return false;
    } else if (row->action == ACT_ILLEGAL) {
        c->op = OP_COUNT;
        return validate_malformed(c, "illegal opcode %02x", byte);
    }
    c->op = (enum wasm_op)row->op;
    if ((c->is_const || row->is_gated) && !check_gate(c, c->op))
        return false;
    wasm_valtype address = WASM_I32;
    switch (row->action) {
    case ACT_SIMPLE: return apply(c, row, address);
    case ACT_MEMARG: return imm_memarg(c, &address) && apply(c, row, address);
    case ACT_LOCAL_GET: return walk_local_get(c);
    case ACT_LOCAL_SET:
    case ACT_LOCAL_TEE: return walk_local(c, c->op);
    case ACT_I32_CONST:
        if (c->in.at != c->in.end && *c->in.at < 0x80)
            c->in.at++;
        else
            wasm_get_s32(&c->in);
        validate_push(c, WASM_I32);
        return true;
    case ACT_SIGNATURE: return walk_signature(c, row);
    default: return walk_special(c, row);
    }
}

static void tell(struct validate_context *c)
{
    if (c->frames.len == 0)
        return; /* the end of the function */
    struct buf text = buf_in(c->diags->arena);
    u32 height = vec_last(&c->frames)->height;
    buf_byte(&text, '[');
    for (u32 i = height; i < c->stack.len; i++) {
        buf_c(&text, i > height ? " " : "");
        wasm_valtype t = c->stack.data[i];
        buf_str(&text, t == WASM_BOTTOM ? STR("(unknown)") : validate_text_of(c, t));
    }
    buf_byte(&text, ']');
    u32 offset = c->in.base + (u32)(c->instruction - c->in.start);
    c->seen(c->seen_ctx, offset, buf_view(&text));
}

bool validate_walk(struct validate_context *c, const wasm_valtype *results, u32 result_count)
{
    c->stack.len = c->frames.len = c->inits.len = c->floor = 0;
    *vec_push(c->arena, &c->frames) =
        (struct validate_frame){.results = results, .result_count = result_count, .op = OP_COUNT};
    while (c->frames.len > 0) {
        if (!c->is_const && !c->is_shared && !c->local_set.len && !c->seen)
            validate_walk_quickly(c);
        if (c->frames.len == 0)
            break;
        if (c->in.at == c->in.end) {
            c->instruction = NULL;
            return validate_malformed(
                c, c->in.failed ? "unexpected end"
                                : "END opcode expected: unexpected end of section or function");
        }
        c->instruction = c->in.at;
        if (!step(c))
            return false;
        if (c->in.failed)
            return validate_malformed(c, "unexpected end");
        if (c->seen)
            tell(c);
    }
    c->instruction = c->in.at;
    return c->in.at == c->in.end ||
           validate_malformed(c, "section size mismatch: bytes after the end of the expression");
}
