/* walk_control.c - blocks, branches, calls and exceptions. */
#include "validate_internal.h"

/* ---- Frames ------------------------------------------------------------------------------------- */

struct block_type {
    const wasm_valtype *params, *results;
    u32 param_count, result_count;
};

static struct block_type of_func(const struct wasm_functype *t)
{
    return (struct block_type){t->params, t->results, t->param_count, t->result_count};
}

static bool imm_functype(struct validate_context *c, u32 *id, const struct wasm_functype **out)
{
    const struct wasm_type *type = NULL;
    if (!validate_imm_type(c, id, COMPTYPE_FUNC, &type))
        return false;
    *out = &type->func;
    return true;
}

const wasm_valtype validate_one_result[] = {WASM_V128, WASM_F64, WASM_F32, WASM_I64, WASM_I32};

static bool block_of_valtype(struct validate_context *c, struct block_type *out)
{
    struct validate_type_scope scope = validate_scope_of(c);
    u32 offset = wasm_cursor_offset(&c->in);
    wasm_valtype type = wasm_get_valtype(&c->in);
    if (c->in.failed)
        return validate_malformed(c, "malformed block type");
    if (!validate_check_valtype(&scope, type, c->m->types.len,
                                (span){c->m->source, offset, offset + 1}))
        return false;
    wasm_valtype *copy = arena_new(c->arena, wasm_valtype);
    *copy = validate_canonicalize(c->ids, type);
    *out = (struct block_type){.results = copy, .result_count = 1};
    return true;
}

static bool imm_block(struct validate_context *c, struct block_type *out)
{
    *out = (struct block_type){0};
    if (c->in.at == c->in.end)
        return validate_malformed(c, "unexpected end of section or function");
    u8 byte = *c->in.at;
    if (byte == 0x40) {
        c->in.at++;
        return true;
    }
    if (byte >= WASM_F64 && byte <= WASM_I32) {
        c->in.at++;
        *out = (struct block_type){.results = &validate_one_result[byte - WASM_V128],
                                   .result_count = 1};
        return true;
    }
    if (byte >= 0x40 && byte < 0x80)
        return block_of_valtype(c, out);
    i64 index = wasm_get_s33(&c->in);
    if (c->in.failed)
        return validate_malformed(c, "malformed block type");
    if (index < 0)
        return validate_malformed(c, "malformed block type");
    if (index >= c->m->types.len)
        return validate_fail(c, "unknown type %lld", (long long)index);
    const struct wasm_type *type = validate_store_type(c->store, c->ids[index]);
    if (type->kind != COMPTYPE_FUNC)
        return validate_fail(c, "type mismatch: block type %lld is not a function type",
                             (long long)index);
    *out = of_func(&type->func);
    return features_has(c->features, FEATURE_MULTI_VALUE) ||
           validate_fail(c, "blocks with a type index need the feature `%s`",
                         feature_name(FEATURE_MULTI_VALUE));
}

static void push_frame(struct validate_context *c, enum wasm_op op, const struct block_type *t)
{
    *vec_push(c->arena, &c->frames) = (struct validate_frame){
        .params = t->params,
        .results = t->results,
        .param_count = t->param_count,
        .result_count = t->result_count,
        .height = c->stack.len,
        .init_height = c->inits.len,
        .op = (u16)op,
    };
    c->floor = c->stack.len;
    validate_push_types(c, t->params, t->param_count);
}

/* Checks that the block at hand leaves just its results, and takes it off. */
static bool pop_frame(struct validate_context *c, struct validate_frame *out)
{
    struct validate_frame *f = vec_last(&c->frames);
    if (!validate_pop_types(c, f->results, f->result_count))
        return false;
    if (c->stack.len != f->height)
        return validate_fail(c, "type mismatch: %u more on the stack than the block gives back",
                             c->stack.len - f->height);
    for (u32 i = f->init_height; i < c->inits.len; i++)
        c->local_set.data[c->inits.data[i]] = false;
    c->inits.len = f->init_height;
    *out = *f;
    c->frames.len--;
    c->floor = c->frames.len ? vec_last(&c->frames)->height : 0;
    return true;
}

bool validate_label(struct validate_context *c, u32 depth, const wasm_valtype **types, u32 *n)
{
    if (depth >= c->frames.len)
        return validate_fail(c, "unknown label: branch depth %u too large", depth);
    const struct validate_frame *f = &c->frames.data[c->frames.len - 1 - depth];
    bool loop = f->op == OP_LOOP;
    *types = loop ? f->params : f->results;
    *n = loop ? f->param_count : f->result_count;
    return true;
}

static bool walk_block(struct validate_context *c, enum wasm_op op)
{
    struct block_type type;
    if (!imm_block(c, &type) || (op == OP_IF && !validate_pop(c, WASM_I32)) ||
        !validate_pop_types(c, type.params, type.param_count))
        return false;
    push_frame(c, op, &type);
    return true;
}

static bool walk_else(struct validate_context *c)
{
    struct validate_frame f;
    if (vec_last(&c->frames)->op != OP_IF)
        return validate_malformed(c, "else found outside of an `if` block");
    if (!pop_frame(c, &f))
        return false;
    struct block_type type = {f.params, f.results, f.param_count, f.result_count};
    push_frame(c, OP_ELSE, &type);
    return true;
}

static bool walk_end(struct validate_context *c)
{
    struct validate_frame f;
    if (!pop_frame(c, &f))
        return false;
    if (f.op == OP_IF) { /* without else: parameters go through as results */
        bool same = f.param_count == f.result_count;
        for (u32 i = 0; same && i < f.param_count; i++)
            same = validate_valtype_matches(c->store, f.params[i], f.results[i]);
        if (!same)
            return validate_fail(c, "type mismatch: `if` without `else` must give back what it "
                                    "takes");
    }
    if (c->frames.len > 0)
        validate_push_types(c, f.results, f.result_count);
    return true;
}

/* ---- Branches --------------------------------------------------------------------------------------- */

/* Checks that the stack holds `types` on top and leaves it with just them. */
static bool retype(struct validate_context *c, const wasm_valtype *types, u32 n)
{
    if (!validate_pop_types(c, types, n))
        return false;
    validate_push_types(c, types, n);
    return true;
}

/* For br_table: checks the top of the stack and leaves it as it is. */
static bool peek_types(struct validate_context *c, const wasm_valtype *types, u32 n)
{
    const struct validate_frame *f = vec_last(&c->frames);
    u32 have = c->stack.len - f->height, len = c->stack.len;
    for (u32 i = 0; i < n && i < have; i++) {
        if (!validate_valtype_matches(c->store, c->stack.data[len - 1 - i], types[n - 1 - i]))
            return validate_fail(c, "type mismatch: br_table expects " STRF ", found " STRF,
                                 STRA(validate_text_of(c, types[n - 1 - i])),
                                 STRA(validate_text_of(c, c->stack.data[len - 1 - i])));
    }
    return n <= have || f->unreachable ||
           validate_fail(c, "type mismatch: br_table needs %u values for its label, %u are there",
                         n, have);
}

static bool walk_br_table(struct validate_context *c)
{
    const wasm_valtype *types = NULL;
    u32 n = 0, arity = 0;
    u32 count = wasm_get_count(&c->in, 1);
    if (c->in.failed || !validate_pop(c, WASM_I32))
        return c->in.failed ? validate_malformed(c, "unexpected end") : false;
    for (u32 i = 0; i <= count; i++) {
        u32 depth = validate_imm(c);
        if (c->in.failed)
            return validate_malformed(c, "unexpected end");
        if (!validate_label(c, depth, &types, &n))
            return false;
        if (i > 0 && n != arity)
            return validate_fail(c, "type mismatch: br_table target labels have different number "
                                    "of types");
        arity = n;
        if (!peek_types(c, types, n))
            return false;
    }
    validate_set_unreachable(c);
    return true;
}

static bool walk_branch(struct validate_context *c, enum wasm_op op)
{
    const wasm_valtype *types = NULL;
    u32 n = 0, depth = validate_imm(c);
    if (op == OP_BR_IF && !validate_pop(c, WASM_I32))
        return false;
    if (!validate_label(c, depth, &types, &n))
        return false;
    if (op == OP_BR_IF)
        return retype(c, types, n);
    if (!validate_pop_types(c, types, n))
        return false;
    validate_set_unreachable(c);
    return true;
}

static bool walk_return(struct validate_context *c)
{
    const struct validate_frame *f = &c->frames.data[0];
    if (!validate_pop_types(c, f->results, f->result_count))
        return false;
    validate_set_unreachable(c);
    return true;
}

/* ---- Calls ------------------------------------------------------------------------------------------- */

static bool imm_func(struct validate_context *c, u32 *id)
{
    u32 func = validate_imm(c);
    if (func >= c->m->funcs.len)
        return validate_fail(c, "unknown function %u: function index out of bounds", func);
    *id = c->funcs[func];
    return !c->is_shared || validate_store_type(c->store, *id)->is_shared ||
           validate_fail(c, "shared functions cannot access unshared functions: " STRF " is one",
                         STRA(validate_func_text(c, func)));
}

static bool imm_call_indirect(struct validate_context *c, const struct wasm_functype **type)
{
    u32 id = 0, table = 0;
    wasm_valtype address = 0;
    if (!imm_functype(c, &id, type) || !validate_imm_table(c, &table, &address))
        return false;
    if (table && !features_has(c->features, FEATURE_REFERENCE_TYPES))
        return validate_malformed(c, "zero byte expected");
    if (!validate_is_funcref(c->store, c->tables[table]))
        return validate_fail(c,
                             "type mismatch: indirect calls must go through a table with type "
                             "<= funcref, table %u has " STRF,
                             table, STRA(validate_text_of(c, c->tables[table])));
    return validate_pop(c, address);
}

static bool pop_func_ref(struct validate_context *c, const struct wasm_functype **type)
{
    u32 id = 0;
    return imm_functype(c, &id, type) && validate_pop(c, wasm_ref_concrete(id, true));
}

static bool walk_call(struct validate_context *c, enum wasm_op op)
{
    const struct wasm_functype *type = NULL;
    u32 id = 0;
    switch (op) {
    case OP_CALL_INDIRECT:
    case OP_RETURN_CALL_INDIRECT:
        if (!imm_call_indirect(c, &type))
            return false;
        break;
    case OP_CALL_REF:
    case OP_RETURN_CALL_REF:
        if (!pop_func_ref(c, &type))
            return false;
        break;
    default:
        if (!imm_func(c, &id))
            return false;
        type = &validate_store_type(c->store, id)->func;
    }
    if (!validate_pop_types(c, type->params, type->param_count))
        return false;
    if (op == OP_CALL || op == OP_CALL_INDIRECT || op == OP_CALL_REF) {
        validate_push_types(c, type->results, type->result_count);
        return true;
    }
    const struct validate_frame *f = &c->frames.data[0];
    bool same = f->result_count == type->result_count;
    for (u32 i = 0; same && i < type->result_count; i++)
        same = validate_valtype_matches(c->store, type->results[i], f->results[i]);
    if (!same)
        return validate_fail(c, "type mismatch: current function requires result types that the "
                                "tail-called function does not give");
    validate_set_unreachable(c);
    return true;
}

/* ---- Exceptions ------------------------------------------------------------------------------------------ */

static bool imm_tag(struct validate_context *c, const struct wasm_functype **type)
{
    u32 tag = validate_imm(c);
    if (tag >= c->m->tags.len)
        return validate_fail(c, "unknown tag %u", tag);
    *type = &validate_store_type(c->store, c->tags[tag])->func;
    return true;
}

/* One handler of try_table: what the tag carries (and the exception itself) must fit its label. */
static bool walk_catch_clause(struct validate_context *c)
{
    u8 kind = wasm_get_byte(&c->in);
    const struct wasm_functype *tag = NULL;
    if (kind > 3)
        return validate_malformed(c, "malformed catch clause");
    if (kind < 2 && !imm_tag(c, &tag))
        return false;
    u32 depth = validate_imm(c), n = 0;
    const wasm_valtype *label = NULL;
    if (!validate_label(c, depth, &label, &n))
        return false;
    u32 carried = tag ? tag->param_count : 0;
    bool with_ref = kind & 1, fits = n == carried + with_ref;
    for (u32 i = 0; fits && i < carried; i++)
        fits = validate_valtype_matches(c->store, tag->params[i], label[i]);
    if (fits && with_ref)
        fits =
            validate_valtype_matches(c->store, wasm_ref_abstract(HEAP_EXN, false), label[carried]);
    return fits ||
           validate_fail(c, "type mismatch: catch label %u does not take what the handler carries",
                         depth);
}

static bool walk_try_table(struct validate_context *c)
{
    struct block_type type;
    if (!imm_block(c, &type) || !validate_pop_types(c, type.params, type.param_count))
        return false;
    u32 count = wasm_get_count(&c->in, 2);
    for (u32 i = 0; i < count && !c->in.failed; i++) {
        if (!walk_catch_clause(c))
            return false;
    }
    push_frame(c, OP_TRY_TABLE, &type);
    return true;
}

static bool walk_throw(struct validate_context *c, enum wasm_op op)
{
    const struct wasm_functype *tag = NULL;
    bool fine = op == OP_THROW
                    ? imm_tag(c, &tag) && validate_pop_types(c, tag->params, tag->param_count)
                    : validate_pop(c, wasm_ref_abstract(HEAP_EXN, true));
    if (fine)
        validate_set_unreachable(c);
    return fine;
}

/* The older form: try ... catch tag ... catch_all ... end, or try ... delegate. */
static bool walk_legacy(struct validate_context *c, enum wasm_op op)
{
    struct validate_frame f;
    const struct wasm_functype *tag = NULL;
    u32 depth;
    switch (op) {
    case OP_CATCH:
    case OP_CATCH_ALL:
        if (vec_last(&c->frames)->op != OP_TRY && vec_last(&c->frames)->op != OP_CATCH)
            return validate_malformed(c, "catch found outside of an `try` block");
        if ((op == OP_CATCH && !imm_tag(c, &tag)) || !pop_frame(c, &f))
            return false;
        struct block_type type = {.results = f.results, .result_count = f.result_count};
        push_frame(c, op, &type);
        if (tag)
            validate_push_types(c, tag->params, tag->param_count);
        return true;
    case OP_DELEGATE:
        depth = validate_imm(c);
        if (vec_last(&c->frames)->op != OP_TRY)
            return validate_malformed(c, "delegate found outside of an `try` block");
        if (!pop_frame(c, &f))
            return false;
        if (depth >= c->frames.len)
            return validate_fail(c, "unknown label: branch depth %u too large", depth);
        validate_push_types(c, f.results, f.result_count);
        return true;
    default: break;
    }
    depth = validate_imm(c); /* rethrow */
    if (depth >= c->frames.len)
        return validate_fail(c, "unknown label: branch depth %u too large", depth);
    u16 target = c->frames.data[c->frames.len - 1 - depth].op;
    if (target != OP_CATCH && target != OP_CATCH_ALL)
        return validate_fail(c, "invalid rethrow label: target was not a `catch` block");
    validate_set_unreachable(c);
    return true;
}

bool validate_walk_control(struct validate_context *c, enum wasm_op op)
{
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
    case OP_TRY: return walk_block(c, op);
    case OP_ELSE: return walk_else(c);
    case OP_END: return walk_end(c);
    case OP_BR:
    case OP_BR_IF: return walk_branch(c, op);
    case OP_BR_TABLE: return walk_br_table(c);
    case OP_RETURN: return walk_return(c);
    case OP_UNREACHABLE: validate_set_unreachable(c); return true;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_CALL_REF:
    case OP_RETURN_CALL:
    case OP_RETURN_CALL_INDIRECT:
    case OP_RETURN_CALL_REF: return walk_call(c, op);
    case OP_TRY_TABLE: return walk_try_table(c);
    case OP_THROW:
    case OP_THROW_REF: return walk_throw(c, op);
    case OP_CATCH:
    case OP_CATCH_ALL:
    case OP_DELEGATE:
    case OP_RETHROW: return walk_legacy(c, op);
    default: return validate_malformed(c, "illegal opcode %s", wasm_op_info[op].name);
    }
}
