/* print_instr.c - prints instructions one after the other. */
#include "print_instr.h"

/* ---- Blocks and labels ------------------------------------------------------------------------------- */

static void separate(struct instr_printer *x)
{
    switch (x->separator) {
    case SEP_NEWLINE: p_newline(x->p, x->offset); break;
    case SEP_NONE: break;
    case SEP_NONE_THEN_BLANK: x->separator = SEP_BLANK; break;
    case SEP_BLANK: p_byte(x->p, ' '); break;
    }
}

static const struct ident *label_ident(const struct instr_printer *x, u32 number)
{
    return x->labels.len ? wasm_pr_find(&x->labels, x->func, number) : NULL;
}

static void block_start(struct instr_printer *x)
{
    separate(x);
    x->p->nesting++;
    *vec_push(x->p->a, &x->open) = x->label;
}

/* Of `else`, `catch` and the like. */
static void block_middle(struct instr_printer *x)
{
    bool inside = x->p->nesting > x->base;
    x->p->nesting -= inside;
    separate(x);
    x->p->nesting += inside;
}

static void block_end(struct instr_printer *x)
{
    if (x->p->nesting > x->base) {
        x->p->nesting--;
    }
    separate(x);
}

/* Name of the block and its type; true if it has a name. */
static bool block_head(struct instr_printer *x)
{
    struct printer *p = x->p;
    const struct ident *name = label_ident(x, x->label);
    if (name) {
        p_byte(p, ' ');
        p_ident_def(p, name);
    } else if (p->options->name_unnamed) {
        p_c(p, " $#label");
        p_u64(p, instr_depth(x) - 1);
    }
    struct wasm_blocktype t = wasm_get_blocktype(&x->c);
    if (t.is_index) {
        p_byte(p, ' ');
        p_func_type_use(p, x->s, t.index, PARAMS_NONE, 0);
    } else if (t.result != WASM_NONE) {
        p_c(p, " (result ");
        p_valtype(p, x->s, t.result);
        p_byte(p, ')');
    }
    return name || p->options->name_unnamed;
}

static void label_comment(struct instr_printer *x, bool has_name)
{
    x->label++;
    if (has_name) {
        return;
    }
    bool line = x->separator == SEP_NEWLINE || x->separator == SEP_NONE;
    p_c(x->p, line ? " ;; label = @" : " (; label = @");
    p_u64(x->p, instr_depth(x));
    p_c(x->p, line ? "" : " ;)");
}

/* More blocks than this are not searched for a shadowing name: an index is always right. */
enum { MAX_SHADOW_SEARCH = 1000 };

/* True if a block inside shadows the name. */
static bool is_shadowed(const struct instr_printer *x, const struct ident *name, u32 open, u32 end)
{
    if (end > open && end - open > MAX_SHADOW_SEARCH) {
        return true;
    }
    for (u32 i = open; i < end; i++) {
        const struct ident *other = label_ident(x, x->open.data[i]);
        if (other && str_eq(other->name, name->name)) {
            return true;
        }
    }
    return false;
}

/* A label seen from `depth` open blocks. */
static void label_from(struct instr_printer *x, u32 depth, u32 label)
{
    struct printer *p = x->p;
    p_byte(p, ' ');
    if (label > depth) {
        p_u64(p, label);
        p_c(p, " (; INVALID ;)");
        return;
    }
    u32 target = depth - label; /* 0 is the function */
    const struct ident *name =
        target && target <= x->open.len ? label_ident(x, x->open.data[target - 1]) : NULL;
    u32 end = depth < x->open.len ? depth : x->open.len;
    bool shadowed = name && is_shadowed(x, name, target, end);
    if (name && !shadowed) {
        p_ident_use(p, name);
        return;
    }
    if (!name && p->options->name_unnamed && target) {
        p_c(p, "$#label");
        p_u64(p, target - 1);
        return;
    }
    p_u64(p, label);
    if (!shadowed && target) {
        p_c(p, " (;@");
        p_u64(p, target);
        p_c(p, ";)");
    }
}

static void label_use(struct instr_printer *x)
{
    label_from(x, instr_depth(x), wasm_get_u32(&x->c));
}

/* The labels of catch clauses are outside the block. */
static void catch_clauses(struct instr_printer *x)
{
    static const char *const words[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    struct printer *p = x->p;
    u32 n = wasm_get_count(&x->c, 2);
    for (u32 i = 0; i < n && !x->c.failed; i++) {
        u8 kind = wasm_get_byte(&x->c);
        if (kind > 3) {
            wasm_cursor_fail(&x->c, x->c.at - 1, "malformed catch clause");
            return;
        }
        p_c(p, " (");
        p_c(p, words[kind]);
        if (kind < 2) {
            p_byte(p, ' ');
            p_index(p, x->s, SORT_CORE_TAG, wasm_get_u32(&x->c));
        }
        label_from(x, instr_depth(x) - 1, wasm_get_u32(&x->c));
        p_byte(p, ')');
    }
}

/* ---- Immediates ------------------------------------------------------------------------------------------ */

static void index_use(struct instr_printer *x, u32 space)
{
    p_byte(x->p, ' ');
    p_index(x->p, x->s, space, wasm_get_u32(&x->c));
}

static void index_unless_zero(struct instr_printer *x, u32 space, u32 index)
{
    if (index) {
        p_byte(x->p, ' ');
        p_index(x->p, x->s, space, index);
    }
}

static void local_use(struct instr_printer *x)
{
    p_byte(x->p, ' ');
    p_index_in(x->p, &x->locals, x->func, wasm_get_u32(&x->c), "local");
}

/* Two indices of one space, left out if both are zero. */
static void pair_unless_zero(struct instr_printer *x, u32 space)
{
    u32 first = wasm_get_u32(&x->c), second = wasm_get_u32(&x->c);
    if (first || second) {
        p_byte(x->p, ' ');
        p_index(x->p, x->s, space, first);
        p_byte(x->p, ' ');
        p_index(x->p, x->s, space, second);
    }
}

/* A segment and then what it goes into, which the text has first. */
static void segment(struct instr_printer *x, u32 space, u32 into)
{
    u32 index = wasm_get_u32(&x->c);
    index_unless_zero(x, into, wasm_get_u32(&x->c));
    p_byte(x->p, ' ');
    p_index(x->p, x->s, space, index);
}

static void memarg(struct instr_printer *x, enum wasm_op op)
{
    struct printer *p = x->p;
    struct wasm_memarg m = wasm_get_memarg(&x->c);
    index_unless_zero(x, SORT_CORE_MEMORY, m.memory);
    if (m.offset) {
        p_c(p, " offset=");
        p_u64(p, m.offset);
    }
    if (m.align != wasm_op_info[op].align) {
        p_c(p, " align=");
        p_u64(p, (u64)1 << m.align);
    }
}

static void v128(struct instr_printer *x)
{
    str bytes = wasm_get_bytes(&x->c, 16);
    p_c(x->p, " i32x4");
    for (u32 i = 0; i < 4 && bytes.ptr; i++) {
        const u8 *b = (const u8 *)bytes.ptr + 4 * i;
        buf_printf(x->p->out, " 0x%02x%02x%02x%02x", b[3], b[2], b[1], b[0]);
    }
}

static void reftype(struct instr_printer *x, bool nullable)
{
    p_byte(x->p, ' ');
    p_valtype(x->p, x->s, wasm_get_heaptype(&x->c, nullable));
}

static void br_cast(struct instr_printer *x)
{
    u8 flags = wasm_get_byte(&x->c);
    if (flags > 3) {
        wasm_cursor_fail(&x->c, x->c.at - 1, "malformed cast flags");
    }
    label_use(x);
    reftype(x, flags & 1);
    reftype(x, flags & 2);
}

static void field(struct instr_printer *x)
{
    u32 type = wasm_get_u32(&x->c);
    p_byte(x->p, ' ');
    p_index(x->p, x->s, SORT_CORE_TYPE, type);
    p_byte(x->p, ' ');
    p_index_in(x->p, &x->s->fields, type, wasm_get_u32(&x->c), "field");
}

static void select_types(struct instr_printer *x)
{
    p_c(x->p, " (result");
    for (u32 n = wasm_get_count(&x->c, 1); n-- > 0 && !x->c.failed;) {
        p_byte(x->p, ' ');
        p_valtype(x->p, x->s, wasm_get_valtype(&x->c));
    }
    p_byte(x->p, ')');
}

static void number(struct instr_printer *x, u64 n)
{
    p_byte(x->p, ' ');
    p_u64(x->p, n);
}

static void immediates(struct instr_printer *x, enum wasm_op op)
{
    struct wasm_cursor *c = &x->c;
    struct printer *p = x->p;
    switch (wasm_op_info[op].imm) {
    case IMM_NONE: break;
    case IMM_BLOCK: label_comment(x, block_head(x)); break;
    case IMM_TRY_TABLE: {
        bool has_name = block_head(x);
        catch_clauses(x);
        label_comment(x, has_name);
        break;
    }
    case IMM_LABEL:
    case IMM_DELEGATE:
    case IMM_RETHROW: label_use(x); break;
    case IMM_LABELS: {
        u32 n = wasm_get_count(c, 1);
        for (u64 i = 0; i <= n && !c->failed; i++) {
            label_use(x);
        }
        break;
    }
    case IMM_FUNC: index_use(x, SORT_CORE_FUNC); break;
    case IMM_TYPE: index_use(x, SORT_CORE_TYPE); break;
    case IMM_CALL_INDIRECT: {
        u32 type = wasm_get_u32(c);
        index_unless_zero(x, SORT_CORE_TABLE, wasm_get_u32(c));
        p_byte(p, ' ');
        p_type_use(p, x->s, type);
        break;
    }
    case IMM_LOCAL: local_use(x); break;
    case IMM_GLOBAL: index_use(x, SORT_CORE_GLOBAL); break;
    case IMM_TABLE: index_use(x, SORT_CORE_TABLE); break;
    case IMM_ELEM: index_use(x, SPACE_ELEM); break;
    case IMM_DATA: index_use(x, SPACE_DATA); break;
    case IMM_TAG:
    case IMM_CATCH_TAG: index_use(x, SORT_CORE_TAG); break;
    case IMM_MEMORY: index_unless_zero(x, SORT_CORE_MEMORY, wasm_get_u32(c)); break;
    case IMM_TABLE_TABLE: pair_unless_zero(x, SORT_CORE_TABLE); break;
    case IMM_MEMORY_MEMORY: pair_unless_zero(x, SORT_CORE_MEMORY); break;
    case IMM_ELEM_TABLE: segment(x, SPACE_ELEM, SORT_CORE_TABLE); break;
    case IMM_DATA_MEMORY: segment(x, SPACE_DATA, SORT_CORE_MEMORY); break;
    case IMM_MEMARG: memarg(x, op); break;
    case IMM_MEMARG_LANE:
        memarg(x, op);
        number(x, wasm_get_byte(c));
        break;
    case IMM_LANE: number(x, wasm_get_byte(c)); break;
    case IMM_SHUFFLE:
        for (u32 i = 0; i < 16; i++) {
            number(x, wasm_get_byte(c));
        }
        break;
    case IMM_I32:
        p_byte(p, ' ');
        p_i64(p, wasm_get_s32(c));
        break;
    case IMM_I64:
        p_byte(p, ' ');
        p_i64(p, wasm_get_s64(c));
        break;
    case IMM_F32:
        p_byte(p, ' ');
        p_f32(p, (u32)wasm_get_fixed(c, 4));
        break;
    case IMM_F64:
        p_byte(p, ' ');
        p_f64(p, wasm_get_fixed(c, 8));
        break;
    case IMM_V128: v128(x); break;
    case IMM_VALTYPES: select_types(x); break;
    case IMM_HEAP:
        if (op == OP_REF_NULL) {
            p_byte(p, ' ');
            p_heaptype(p, x->s, wasm_get_heaptype(c, true));
        } else {
            reftype(x, op == OP_REF_TEST_NULL || op == OP_REF_CAST_NULL);
        }
        break;
    case IMM_TYPE_FIELD: field(x); break;
    case IMM_TYPE_COUNT:
        index_use(x, SORT_CORE_TYPE);
        number(x, wasm_get_u32(c));
        break;
    case IMM_TYPE_DATA:
        index_use(x, SORT_CORE_TYPE);
        index_use(x, SPACE_DATA);
        break;
    case IMM_TYPE_ELEM:
        index_use(x, SORT_CORE_TYPE);
        index_use(x, SPACE_ELEM);
        break;
    case IMM_TYPE_TYPE:
        index_use(x, SORT_CORE_TYPE);
        index_use(x, SORT_CORE_TYPE);
        break;
    case IMM_BR_CAST: br_cast(x); break;
    case IMM_FENCE:
        if (wasm_get_byte(c) != 0) {
            wasm_cursor_fail(c, c->at - 1, "non-zero reserved byte");
        }
        break;
    }
}

/* ---- Instructions ------------------------------------------------------------------------------------------ */

static const u8 name_lengths[OP_COUNT] = {
#define OP(id, prefix, code, text, imm, signature, gate) [OP_##id] = sizeof(text) - 1,
#include "ops.def"
#undef OP
};

void wasm_pr_instr(struct instr_printer *x, enum wasm_op op)
{
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
    case OP_TRY:
    case OP_TRY_TABLE: block_start(x); break;
    case OP_ELSE:
    case OP_CATCH:
    case OP_CATCH_ALL: block_middle(x); break;
    case OP_DELEGATE:
    case OP_END:
        block_end(x);
        x->open.len -= x->open.len > 0;
        break;
    default: separate(x); break;
    }
    p_bytes(x->p, wasm_op_info[op].name, name_lengths[op]);
    immediates(x, op);
}

bool wasm_pr_hint(struct instr_printer *x, bool *taken, u32 *offset)
{
    if (!x->hint_count) {
        return false;
    }
    struct wasm_cursor c = x->hints;
    *offset = wasm_cursor_offset(&c);
    u32 place = wasm_get_u32(&c);
    if (place != x->offset - x->body || c.failed) {
        return false;
    }
    u32 size = wasm_get_u32(&c);
    *taken = wasm_get_byte(&c) != 0;
    wasm_get_bytes(&c, size ? size - 1 : 0);
    x->hints = c;
    x->hint_count--;
    return size == 1 && !c.failed;
}

str wasm_pr_remark(struct instr_printer *x)
{
    while (x->remark_count && x->remarks->offset < x->offset) {
        x->remarks++;
        x->remark_count--;
    }
    return x->remark_count && x->remarks->offset == x->offset ? x->remarks->text : (str){0};
}

static void print_remark(struct instr_printer *x)
{
    str remark = wasm_pr_remark(x);
    if (remark.len) {
        p_newline(x->p, NO_OFFSET);
        p_c(x->p, ";; ");
        p_str(x->p, remark);
    }
}

static void print_flat(struct instr_printer *x)
{
    bool taken;
    u32 at;
    while (x->c.at < x->c.end && !instr_at_end(x) && !x->p->failed) {
        x->offset = wasm_cursor_offset(&x->c);
        if (wasm_pr_hint(x, &taken, &at)) {
            p_newline(x->p, at);
            p_c(x->p, taken ? "(@metadata.code.branch_hint \"\\01\")"
                            : "(@metadata.code.branch_hint \"\\00\")");
        }
        enum wasm_op op = wasm_get_op(&x->c);
        if (op == OP_COUNT) {
            break;
        }
        wasm_pr_instr(x, op);
        print_remark(x);
    }
    x->offset = wasm_cursor_offset(&x->c);
    print_remark(x);
}

/* What follows the locals, or a constant expression; the offset of its end. */
static u32 print_expr(struct instr_printer *x, bool fold, bool is_function, u32 type)
{
    u32 nesting = x->p->nesting;
    x->base = nesting;
    x->open.len = 0;
    x->label = 0;
    if (fold) {
        wasm_pr_folded(x, is_function, type);
    } else {
        print_flat(x);
    }
    u32 end = wasm_cursor_offset(&x->c);
    if (x->c.failed) {
        p_fail(x->p, x->c.error_offset, "%s", x->c.error);
    } else if (!instr_at_end(x)) {
        p_fail(x->p, end, "unexpected end of section or function: END opcode expected");
    }
    if (x->p->nesting != nesting) { /* blocks without end */
        x->p->nesting = nesting;
        p_newline(x->p, end);
    }
    return end;
}

static struct instr_printer *scratch(struct printer *p, const struct print_scope *s)
{
    if (!p->instr) {
        p->instr = arena_new(p->a, struct instr_printer);
    }
    struct instr_printer *x = p->instr;
    x->p = p;
    x->s = s;
    x->hint_count = x->remark_count = 0;
    x->locals.len = x->labels.len = 0;
    return x;
}

static void const_expr(struct printer *p, const struct print_scope *s, const struct wasm_expr *e,
                       bool fold)
{
    struct instr_printer *x = scratch(p, s);
    x->c = wasm_cursor_of(p->source, e->bytes, e->offset);
    x->separator = SEP_NONE_THEN_BLANK;
    print_expr(x, fold, false, 0);
}

void p_const_expr(struct printer *p, const struct print_scope *s, const struct wasm_expr *e)
{
    const_expr(p, s, e, p->options->folded);
}

void p_const_expr_group(struct printer *p, const struct print_scope *s, const struct wasm_expr *e,
                        const char *keyword)
{
    struct wasm_cursor c = wasm_cursor_of(p->source, e->bytes, e->offset);
    wasm_skip_immediates(&c, wasm_get_op(&c));
    bool single = c.end - c.at == 1;
    p_byte(p, '(');
    if (!single) {
        p_c(p, keyword);
        p_byte(p, ' ');
    }
    const_expr(p, s, e, !single && p->options->folded);
    p_byte(p, ')');
}

/* ---- Functions -------------------------------------------------------------------------------------------------- */

/* The part of a table that belongs to one function. */
static struct ident_table slice(const struct ident_table *t, u32 outer)
{
    u32 low = 0, high = t->len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (t->idents[middle].outer < outer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    u32 end = low;
    while (end < t->len && t->idents[end].outer == outer) {
        end++;
    }
    return (struct ident_table){t->len ? t->idents + low : NULL, end - low};
}

/* Finds the branch hints of a function; the section has them by function, in order. */
static void find_hints(struct instr_printer *x, u32 func)
{
    const struct wasm_custom *custom = x->s->hints;
    struct wasm_cursor *c = &x->hint_funcs;
    if (x->hint_section != custom) {
        x->hint_section = custom;
        x->hint_funcs_left = 0;
        if (custom) {
            u32 base = custom->at.end - (u32)custom->bytes.len;
            *c = wasm_cursor_of(x->p->source, custom->bytes, base);
            x->hint_funcs_left = wasm_get_count(c, 2);
        }
    }
    while (x->hint_funcs_left && !c->failed) {
        struct wasm_cursor before = *c;
        u32 owner = wasm_get_u32(c), count = wasm_get_count(c, 2);
        if (owner > func) {
            *c = before;
            return;
        }
        if (owner == func && !c->failed) {
            x->hints = *c;
            x->hint_count = count;
        }
        for (u32 k = 0; k < count && !c->failed; k++) {
            wasm_get_u32(c);
            wasm_get_bytes(c, wasm_get_u32(c));
        }
        x->hint_funcs_left--;
    }
}

enum { MAX_LOCALS = 50000 };

static void print_locals(struct instr_printer *x, u32 params)
{
    struct printer *p = x->p;
    struct local_printer l = {.group = "local"};
    u32 total = 0, groups = wasm_get_count(&x->c, 2);
    for (u32 i = 0; i < groups && !x->c.failed; i++) {
        u32 at = wasm_cursor_offset(&x->c), count = wasm_get_u32(&x->c);
        wasm_valtype type = wasm_get_valtype(&x->c);
        if (count > MAX_LOCALS - total) {
            p_fail(p, at, "too many locals: more than %d cannot be printed", MAX_LOCALS);
            return;
        }
        if (!total && count) {
            p_newline(p, at);
        }
        for (u32 k = 0; k < count && !x->c.failed; k++) {
            p_local(p, x->s, &l, PARAMS_OF_FUNC, x->func, params + total++, type);
        }
    }
    p_locals_end(p, &l);
}

u32 p_func_body(struct printer *p, const struct print_scope *s, u32 func, u32 params,
                const struct wasm_code *code)
{
    struct instr_printer *x = scratch(p, s);
    x->c = wasm_cursor_of(p->source, code->bytes, code->offset);
    x->separator = SEP_NEWLINE;
    x->func = func;
    x->body = code->offset;
    x->locals = slice(&s->locals, func);
    x->labels = slice(&s->labels, func);
    find_hints(x, func);
    if (p->options->remarks) {
        x->remarks =
            p->options->remarks(p->options->remarks_ctx, s->module, func, &x->remark_count);
    }
    print_locals(x, params);
    u32 type = func < s->module->funcs.len ? s->module->funcs.data[func] : 0;
    return print_expr(x, p->options->folded, true, type);
}
