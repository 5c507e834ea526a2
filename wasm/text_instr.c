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
            text_uleb(&clauses, text_index(m, SPACE_TAG));
        text_uleb(&clauses, text_label(m));
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
    text_put_op(out, op);
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
        text_put_op(out, op);
        closing_label(m);
        break;
    case OP_CATCH:
        f->state = STATE_FIRST;
        text_put_op(out, op);
        text_uleb(out, text_index(m, SPACE_TAG));
        break;
    case OP_CATCH_ALL:
        f->state = STATE_SECOND;
        text_put_op(out, op);
        break;
    case OP_DELEGATE:
        m->frames.len--;
        pop_label(m);
        text_put_op(out, op);
        text_uleb(out, text_label(m));
        break;
    default:
        closing_label(m);
        m->frames.len--;
        pop_label(m);
        text_put_op(out, OP_END);
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
        text_instruction(m, op, out, NULL);
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
        text_put_op(out, OP_IF);
        put_block_type(m, f->use, out);
        push_label(m, f->label, f->shown);
    } else if (f->state == STATE_FIRST && text_take(p, "else")) {
        f->state = STATE_SECOND;
        text_module_place(m, out, at);
        text_put_op(out, OP_ELSE);
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
        text_put_op(out, OP_CATCH);
        text_uleb(out, text_index(m, SPACE_TAG));
    } else if (f->state == STATE_FIRST && text_take(p, "catch_all")) {
        f->state = STATE_SECOND;
        text_put_op(out, OP_CATCH_ALL);
    } else if (f->state == STATE_FIRST && text_take(p, "delegate")) {
        f->state = STATE_SECOND;
        f->split = 0; /* no `end` */
        text_put_op(out, OP_DELEGATE);
        pop_label(m); /* it counts from outside of the try */
        text_uleb(out, text_label(m));
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
        text_instruction(m, op, &m->pending, mine);
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
        text_put_op(out, OP_END);
        break;
    case FRAME_IF:
        if (f->state == STATE_OPEN) {
            text_unexpected(p, "`(then`");
            return;
        }
        pop_label(m);
        text_put_op(out, OP_END);
        break;
    case FRAME_TRY:
        if (f->state == STATE_OPEN) {
            text_unexpected(p, "`(do`");
            return;
        }
        pop_label(m);
        if (f->split != 0)
            text_put_op(out, OP_END);
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
