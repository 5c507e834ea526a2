/* print_fold.c - prints instructions folded: each takes the instructions that make its operands as children.
 *
 * An instruction whose operands cannot be told apart from others (several results, unknown types) ends
 * the folding: nothing before it becomes a child of what follows. */
#include "print_instr.h"

#define RESULTS_UNKNOWN UINT32_MAX

struct node {
    u32 text, text_end;  /* in the scratch text */
    u32 kids, kid_count; /* in the list of children */
    u32 results;
    u32 offset;
    char hint; /* 0: none, else "01"[taken] */
};

enum frame_kind { FRAME_BLOCK, FRAME_LOOP, FRAME_IF, FRAME_ELSE };
struct frame {
    enum frame_kind kind;
    u32 stack;                              /* nodes of the block: from here on the stack */
    u32 params, results;                    /* of the block type */
    bool known;                             /* ... if it is known */
    struct node head;                       /* text of the block instruction */
    u32 predicate;                          /* node + 1, of an `if` */
    u32 then_kids, then_count, then_offset; /* of an `else` */
};

/* Children not yet printed; instructions can nest too deep for recursion. */
struct pending {
    const u32 *at, *end;
};
struct folder {
    struct instr_printer *x;
    struct buf text;
    VEC(struct node) nodes;
    VEC(u32) kids;
    VEC(u32) stack; /* nodes not yet taken */
    VEC(struct frame) frames;
    VEC(struct pending) pending;
};

/* ---- How many operands ---------------------------------------------------------------------------------- */

static const struct wasm_type *type_at(const struct folder *f, u32 index)
{
    const struct print_scope *s = f->x->s;
    return index < s->types.len ? s->types.data[index] : NULL;
}

static bool func_arity(const struct folder *f, u32 type, u32 *params, u32 *results)
{
    const struct wasm_type *t = type_at(f, type);
    if (!t || t->kind != COMPTYPE_FUNC) {
        return false;
    }
    *params = t->func.param_count;
    *results = t->func.result_count;
    return true;
}

/* What a branch to a label takes. */
static bool label_arity(const struct folder *f, u32 label, u32 *n)
{
    if (label >= f->frames.len) {
        return false;
    }
    const struct frame *frame = &f->frames.data[f->frames.len - 1 - label];
    *n = frame->kind == FRAME_LOOP ? frame->params : frame->results;
    return frame->known;
}

static bool block_arity(const struct folder *f, struct wasm_blocktype t, u32 *params, u32 *results)
{
    *params = 0;
    *results = t.result != WASM_NONE;
    return !t.is_index || func_arity(f, t.index, params, results);
}

static bool tag_arity(const struct folder *f, u32 tag, u32 *params)
{
    const struct wasm_module *m = f->x->s->module;
    u32 results;
    return m && tag < m->tags.len && func_arity(f, m->tags.data[tag], params, &results);
}

static bool callee_arity(const struct folder *f, u32 func, u32 *params, u32 *results)
{
    const struct wasm_module *m = f->x->s->module;
    return m && func < m->funcs.len && func_arity(f, m->funcs.data[func], params, results);
}

/* Operands and results as the signature of ops.def counts them; false if it is "*". */
static bool fixed_arity(enum wasm_op op, u32 *params, u32 *results)
{
    const char *s = wasm_op_info[op].signature;
    if (*s == '*') {
        return false;
    }
    const char *colon = strchr(s, ':');
    *params = (u32)(colon - s);
    *results = (u32)strlen(colon + 1);
    return true;
}

/* Instructions whose types, but not their number, depend on more than the instruction. */
static const struct {
    u16 op;
    u8 params, results;
} counted[] = {
    {OP_UNREACHABLE, 0, 0},
    {OP_RETHROW, 0, 0},
    {OP_THROW_REF, 1, 0},
    {OP_DROP, 1, 0},
    {OP_SELECT, 3, 1},
    {OP_LOCAL_GET, 0, 1},
    {OP_LOCAL_SET, 1, 0},
    {OP_LOCAL_TEE, 1, 1},
    {OP_GLOBAL_GET, 0, 1},
    {OP_GLOBAL_SET, 1, 0},
    {OP_TABLE_GET, 1, 1},
    {OP_TABLE_SET, 2, 0},
    {OP_TABLE_GROW, 2, 1},
    {OP_TABLE_SIZE, 0, 1},
    {OP_TABLE_FILL, 3, 0},
    {OP_TABLE_COPY, 3, 0},
    {OP_TABLE_INIT, 3, 0},
    {OP_MEMORY_COPY, 3, 0},
    {OP_MEMORY_INIT, 3, 0},
    {OP_MEMORY_FILL, 3, 0},
    {OP_REF_NULL, 0, 1},
    {OP_REF_IS_NULL, 1, 1},
    {OP_REF_FUNC, 0, 1},
    {OP_REF_EQ, 2, 1},
    {OP_REF_AS_NON_NULL, 1, 1},
    {OP_STRUCT_NEW_DEFAULT, 0, 1},
    {OP_STRUCT_GET, 1, 1},
    {OP_STRUCT_GET_S, 1, 1},
    {OP_STRUCT_GET_U, 1, 1},
    {OP_STRUCT_SET, 2, 0},
    {OP_ARRAY_NEW, 2, 1},
    {OP_ARRAY_NEW_DEFAULT, 1, 1},
    {OP_ARRAY_NEW_DATA, 2, 1},
    {OP_ARRAY_NEW_ELEM, 2, 1},
    {OP_ARRAY_GET, 2, 1},
    {OP_ARRAY_GET_S, 2, 1},
    {OP_ARRAY_GET_U, 2, 1},
    {OP_ARRAY_SET, 3, 0},
    {OP_ARRAY_LEN, 1, 1},
    {OP_ARRAY_FILL, 4, 0},
    {OP_ARRAY_COPY, 5, 0},
    {OP_ARRAY_INIT_DATA, 4, 0},
    {OP_ARRAY_INIT_ELEM, 4, 0},
    {OP_REF_TEST, 1, 1},
    {OP_REF_TEST_NULL, 1, 1},
    {OP_REF_CAST, 1, 1},
    {OP_REF_CAST_NULL, 1, 1},
    {OP_REF_I31, 1, 1},
    {OP_I31_GET_S, 1, 1},
    {OP_I31_GET_U, 1, 1},
    {OP_ANY_CONVERT_EXTERN, 1, 1},
    {OP_EXTERN_CONVERT_ANY, 1, 1},
};

static bool branch_arity(const struct folder *f, enum wasm_op op, struct wasm_cursor c, u32 *params,
                         u32 *results)
{
    if (op == OP_BR_ON_CAST || op == OP_BR_ON_CAST_FAIL) {
        wasm_get_byte(&c);
    }
    if (op == OP_BR_TABLE) { /* the default stands last */
        for (u32 n = wasm_get_count(&c, 1); n-- > 0 && !c.failed;) {
            wasm_get_u32(&c);
        }
    }
    u32 n;
    if (!label_arity(f, wasm_get_u32(&c), &n)) {
        return false;
    }
    *params = n;
    *results = n;
    switch (op) {
    case OP_BR: *results = 0; break;
    case OP_BR_TABLE:
        *params = n + 1;
        *results = 0;
        break;
    case OP_BR_IF: *params = n + 1; break;
    case OP_BR_ON_NULL: *params = *results = n + 1; break;
    case OP_BR_ON_NON_NULL: *results = n ? n - 1 : 0; return n > 0;
    default: break; /* the casts */
    }
    return true;
}

/* False if unknown. */
static bool arity(const struct folder *f, enum wasm_op op, u32 *params, u32 *results)
{
    *params = *results = 0;
    if (fixed_arity(op, params, results)) {
        return true;
    }
    for (size_t i = 0; i < LENGTH_OF(counted); i++) {
        if (counted[i].op == op) {
            *params = counted[i].params;
            *results = counted[i].results;
            return true;
        }
    }
    struct wasm_cursor c = f->x->c;
    switch (op) {
    case OP_BR:
    case OP_BR_IF:
    case OP_BR_TABLE:
    case OP_BR_ON_NULL:
    case OP_BR_ON_NON_NULL:
    case OP_BR_ON_CAST:
    case OP_BR_ON_CAST_FAIL: return branch_arity(f, op, c, params, results);
    case OP_RETURN: *params = f->frames.data[0].results; return f->frames.data[0].known;
    case OP_CALL: return callee_arity(f, wasm_get_u32(&c), params, results);
    case OP_RETURN_CALL: {
        bool known = callee_arity(f, wasm_get_u32(&c), params, results);
        *results = 0;
        return known;
    }
    case OP_CALL_INDIRECT:
    case OP_CALL_REF:
    case OP_RETURN_CALL_INDIRECT:
    case OP_RETURN_CALL_REF:
        if (!func_arity(f, wasm_get_u32(&c), params, results)) {
            return false;
        }
        ++*params;
        *results = op == OP_CALL_INDIRECT || op == OP_CALL_REF ? *results : 0;
        return true;
    case OP_THROW: return tag_arity(f, wasm_get_u32(&c), params);
    case OP_SELECT_T: {
        u32 n = wasm_get_count(&c, 1);
        *params = 1 + 2 * n;
        *results = n;
        return true;
    }
    case OP_STRUCT_NEW: {
        const struct wasm_type *t = type_at(f, wasm_get_u32(&c));
        *params = t && t->kind == COMPTYPE_STRUCT ? t->field_count : 0;
        *results = 1;
        return t != NULL;
    }
    case OP_ARRAY_NEW_FIXED:
        wasm_get_u32(&c);
        *params = wasm_get_u32(&c);
        *results = 1;
        return true;
    default: return false;
    }
}

/* ---- Building -------------------------------------------------------------------------------------------- */

static u32 add_node(struct folder *f, struct node n)
{
    *vec_push(f->x->p->a, &f->nodes) = n;
    return f->nodes.len - 1;
}

/* Takes the nodes from `from` on off the stack as a list of children. */
static void take(struct folder *f, u32 from, u32 *kids, u32 *count)
{
    *kids = f->kids.len;
    *count = f->stack.len - from;
    for (u32 i = from; i < f->stack.len; i++) {
        *vec_push(f->x->p->a, &f->kids) = f->stack.data[i];
    }
    f->stack.len = from;
}

/* How far back operands are looked for; farther ones stay where they are, which is as right. */
enum { MAX_OPERAND_SEARCH = 4000 };

static void push_plain(struct folder *f, struct node n, u32 params)
{
    const struct frame *top = vec_last(&f->frames);
    u32 first = f->stack.len;
    u32 last = f->stack.len - top->stack > MAX_OPERAND_SEARCH ? f->stack.len - MAX_OPERAND_SEARCH
                                                              : top->stack;
    u64 found = 0;
    for (u32 i = f->stack.len; params && i-- > last;) {
        found += f->nodes.data[f->stack.data[i]].results;
        if (found == params) {
            first = i;
            break;
        }
        if (found > params) {
            n.results = RESULTS_UNKNOWN;
            break;
        }
    }
    take(f, first, &n.kids, &n.kid_count);
    *vec_push(f->x->p->a, &f->stack) = add_node(f, n);
}

static void push_block(struct folder *f, enum wasm_op op, struct node n, struct wasm_blocktype t)
{
    struct frame frame = {.kind = op == OP_LOOP ? FRAME_LOOP
                                  : op == OP_IF ? FRAME_IF
                                                : FRAME_BLOCK,
                          .head = n};
    frame.known = block_arity(f, t, &frame.params, &frame.results);
    if (op == OP_IF && f->stack.len > vec_last(&f->frames)->stack) {
        frame.predicate = *vec_last(&f->stack) + 1;
        f->stack.len--;
    }
    frame.stack = f->stack.len;
    *vec_push(f->x->p->a, &f->frames) = frame;
}

static void push_else(struct folder *f)
{
    struct frame *frame = vec_last(&f->frames);
    if (frame->kind != FRAME_IF || f->frames.len == 1) {
        wasm_cursor_fail(&f->x->c, f->x->c.at, "`else` without `if`");
        return;
    }
    take(f, frame->stack, &frame->then_kids, &frame->then_count);
    frame->kind = FRAME_ELSE;
    frame->then_offset = frame->head.offset;
}

static u32 clause(struct folder *f, const char *word, u32 kids, u32 count, u32 offset)
{
    u32 text = (u32)f->text.len;
    buf_c(&f->text, word);
    return add_node(f, (struct node){.text = text,
                                     .text_end = (u32)f->text.len,
                                     .kids = kids,
                                     .kid_count = count,
                                     .offset = offset});
}

static void push_end(struct folder *f, u32 else_offset)
{
    struct frame frame = *vec_last(&f->frames);
    struct node n = frame.head;
    u32 kids, count;
    take(f, frame.stack, &kids, &count);
    f->frames.len--;
    n.results = frame.known ? frame.results : 0;
    if (frame.kind == FRAME_BLOCK || frame.kind == FRAME_LOOP) {
        n.kids = kids;
        n.kid_count = count;
    } else {
        u32 parts[3], k = 0;
        if (frame.predicate) {
            parts[k++] = frame.predicate - 1;
        }
        if (frame.kind == FRAME_ELSE) {
            parts[k++] = clause(f, "then", frame.then_kids, frame.then_count, frame.then_offset);
            parts[k++] = clause(f, "else", kids, count, else_offset);
        } else {
            parts[k++] = clause(f, "then", kids, count, n.offset);
        }
        n.kids = f->kids.len;
        n.kid_count = k;
        for (u32 i = 0; i < k; i++) {
            *vec_push(f->x->p->a, &f->kids) = parts[i];
        }
    }
    *vec_push(f->x->p->a, &f->stack) = add_node(f, n);
}

/* ---- Printing --------------------------------------------------------------------------------------------- */

static void separate(struct printer *p, enum separator *separator, u32 offset)
{
    switch (*separator) {
    case SEP_NEWLINE: p_newline(p, offset); break;
    case SEP_NONE: break;
    case SEP_NONE_THEN_BLANK: *separator = SEP_BLANK; break;
    case SEP_BLANK: p_byte(p, ' '); break;
    }
}

static void print_head(struct folder *f, const struct node *n, enum separator *separator)
{
    struct printer *p = f->x->p;
    if (n->hint) {
        separate(p, separator, n->offset);
        p_c(p, "(@metadata.code.branch_hint \"\\0");
        p_byte(p, n->hint);
        p_c(p, "\")");
    }
    separate(p, separator, n->offset);
    p_byte(p, '(');
    str text = str_of(f->text.data + n->text, n->text_end - n->text);
    p_str(p, text);
    if (n->kid_count == 0 && str_find(text, STR(";;"), 0) != SIZE_MAX) {
        p_newline(p, n->offset); /* the comment must not swallow the parenthesis */
    }
    p->nesting++;
}

static void print_nodes(struct folder *f, const u32 *roots, u32 count, enum separator separator)
{
    struct printer *p = f->x->p;
    f->pending.len = 0;
    *vec_push(p->a, &f->pending) = (struct pending){roots, count ? roots + count : roots};
    while (f->pending.len) {
        struct pending *top = vec_last(&f->pending);
        if (top->at == top->end) {
            f->pending.len--;
            if (f->pending.len) {
                p->nesting--;
                p_byte(p, ')');
            }
            continue;
        }
        const struct node *n = &f->nodes.data[*top->at++];
        print_head(f, n, &separator);
        const u32 *kids = n->kid_count ? f->kids.data + n->kids : NULL;
        *vec_push(p->a, &f->pending) =
            (struct pending){kids, n->kid_count ? kids + n->kid_count : NULL};
    }
}

/* ---- The expression ---------------------------------------------------------------------------------------- */

static bool is_legacy(enum wasm_op op)
{
    return op == OP_TRY || op == OP_CATCH || op == OP_CATCH_ALL || op == OP_DELEGATE;
}

/* Reads one instruction into the tree. */
static void fold_one(struct folder *f, u32 *else_offset)
{
    struct instr_printer *x = f->x;
    struct printer *p = x->p;
    x->offset = wasm_cursor_offset(&x->c);
    bool taken = false;
    u32 at;
    struct node n = {.offset = x->offset, .text = (u32)f->text.len};
    if (wasm_pr_hint(x, &taken, &at)) {
        n.hint = "01"[taken];
    }
    enum wasm_op op = wasm_get_op(&x->c);
    if (op == OP_COUNT) {
        return;
    }
    if (is_legacy(op)) {
        p_fail(p, x->offset, "the older form of exception handling cannot be printed folded");
        return;
    }
    u32 params;
    arity(f, op, &params, &n.results);
    struct wasm_cursor before = x->c;
    struct buf *out = p->out;
    p->out = &f->text;
    wasm_pr_instr(x, op);
    str remark = op == OP_ELSE || op == OP_END ? (str){0} : wasm_pr_remark(x);
    if (remark.len) {
        p_c(p, " (; ");
        p_str(p, remark);
        p_c(p, " ;)");
    }
    p->out = out;
    n.text_end = (u32)f->text.len;
    if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY_TABLE) {
        push_block(f, op, n, wasm_get_blocktype(&before));
    } else if (op == OP_ELSE) {
        *else_offset = n.offset;
        push_else(f);
    } else if (op == OP_END && f->frames.len > 1) {
        push_end(f, vec_last(&f->frames)->kind == FRAME_ELSE ? *else_offset : 0);
    } else if (op == OP_END) {
        wasm_cursor_fail(&x->c, x->c.at, "`end` without a block");
    } else {
        push_plain(f, n, params);
    }
}

/* The folder is kept for the next function: its arrays have grown already. */
static struct folder *folder_of(struct instr_printer *x)
{
    if (!x->folder) {
        x->folder = arena_new(x->p->a, struct folder);
        x->folder->text = buf_in(x->p->a);
    }
    struct folder *f = x->folder;
    f->x = x;
    f->text.len = 0;
    f->nodes.len = f->kids.len = f->stack.len = f->frames.len = 0;
    return f;
}

void wasm_pr_folded(struct instr_printer *x, bool is_function, u32 type)
{
    struct folder *f = folder_of(x);
    struct frame outer = {.kind = FRAME_BLOCK};
    outer.known = !is_function || func_arity(f, type, &outer.params, &outer.results);
    *vec_push(x->p->a, &f->frames) = outer;
    enum separator separator = x->separator;
    x->separator = SEP_NONE;
    bool (*sink)(void *ctx, str text) = x->p->sink;
    x->p->sink = NULL; /* the text made here is no output yet */
    u32 else_offset = 0;
    while (x->c.at < x->c.end && !instr_at_end(x) && !x->p->failed) {
        fold_one(f, &else_offset);
    }
    x->p->sink = sink;
    if (!x->c.failed && f->frames.len != 1) {
        wasm_cursor_fail(&x->c, x->c.at, "END opcode expected");
    }
    if (!x->c.failed && !x->p->failed) {
        print_nodes(f, f->stack.data, f->stack.len, separator);
    }
}
