/* translate.c - makes the interpreter's code of a function body, at its first call.
 *
 * Legend of the code. An instruction is a cell with its handler, a cell with an operand word (slots d, a, b, c of 16 bits;
 * imm or off of 32 bits in the place of b and c), and more cells as the handler says:
 *
 *     I32_ADD_sc_r  d=4 a=2 imm=1      slot 4 = acc = slot 2 + 1
 *     I32_LT_S_as_b a=. d=3 imm=-12    if acc < slot 3, 12 cells back (and look at fuel)
 *     CALL          entry, off=9 a=1   the callee's frame is 9 slots up, its record at its slot 1
 *
 * Distances count cells from the first cell of the instruction.
 */
#include "translate.h"

static void declare_locals(struct translator *tr)
{
    const struct wasm_functype *type = tr->type;
    struct wasm_cursor ahead = tr->in;
    u64 count = type->param_count;
    for (u32 groups = wasm_get_u32(&ahead); groups > 0 && !ahead.failed; groups--) {
        count += wasm_get_u32(&ahead);
        wasm_get_valtype(&ahead);
    }
    if (count > UINT16_MAX) {
        tr->too_large = true;
        return;
    }
    tr->local_types = arena_array(tr->arena, char, count);
    tr->local_slots = arena_array(tr->arena, u32, count);
    tr->local_unread = arena_array(tr->arena, u32, count);
    tr->local_reads = arena_array(tr->arena, u32, count);
    u32 slot = 0, i = 0;
    for (; i < type->param_count; i++) {
        tr->local_types[i] = translate_letter(type->params[i]);
        tr->local_slots[i] = slot;
        slot += translate_slots(tr->local_types[i]);
    }
    slot = tr->code->record + 3;
    u32 first = slot;
    for (u32 groups = wasm_get_u32(&tr->in); groups > 0; groups--) {
        u32 n = wasm_get_u32(&tr->in);
        char letter = translate_letter(wasm_get_valtype(&tr->in));
        for (; n > 0; n--, i++) {
            tr->local_types[i] = letter;
            tr->local_slots[i] = slot;
            slot += translate_slots(letter);
        }
    }
    tr->top = tr->max_top = slot;
    if (slot > UINT16_MAX) {
        tr->too_large = true;
        return;
    }
    if (slot - first > 3) {
        translate_emit(tr, H_ZERO_N, (struct word){.d = (u16)first, .off = slot - first});
    } else {
        for (; first < slot; first++)
            translate_emit(tr, H_CONST32, (struct word){.d = (u16)first});
    }
    translate_forget(tr);
}

static void translate(struct translator *tr, struct engine_code *code)
{
    struct engine_module *em = code->module;
    const struct wasm_module *m = em->source;
    const struct wasm_code *body = &m->codes.data[code->index - m->imported_funcs];
    tr->code = code;
    tr->em = em;
    tr->m = m;
    tr->type = wasm_func_type(m, code->index);
    tr->in = wasm_cursor_of(m->source, body->bytes, body->offset);
    translate_forget(tr);
    vec_push(tr->arena, &tr->cells)->u = 0; /* the size of the frame */
    tr->op_offset = body->offset;
    declare_locals(tr);
    if (tr->too_large)
        return;
    vec_push(tr->arena, &tr->controls)->results = tr->type->results;
    tr->controls.data[0].result_count = tr->type->result_count;
    tr->controls.data[0].base = tr->top;
    translate_body(tr);
    if (tr->cells.len > INT32_MAX)
        tr->too_large = true;
    /* Room for its own record and results even if it never calls. */
    u32 least = code->record + 3;
    tr->cells.data[0].u = tr->max_top > least ? tr->max_top : least;
}

static void *keep(struct arena *a, const void *data, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* Of a module whose bodies are validated lazily. The first mistake becomes the message of the trap. */
static enum trap check(struct engine_code *code)
{
    struct engine_module *em = code->module;
    struct engine_store *s = em->store;
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct sources sources = {0};
    struct diags d;
    diags_init(&d, &scratch.arena, &sources);
    enum trap trap = TRAP_NONE;
    if (!engine_check_body(em, code->index, &d)) {
        const struct diag *first = d.list.data[0];
        struct engine_instance none = {.module = em};
        struct engine_func func = {.code = code, .instance = &none, .index = code->index};
        str name = engine_func_name(&func, &scratch.arena);
        s->invalid =
            str_printf(&s->arena, "invalid function: " STRF " (function %u) at 0x%x: " STRF,
                       STRA(name), code->index, first->at.start, STRA(first->message));
        trap = TRAP_INVALID;
    }
    arena_temp_end(&scratch);
    return trap;
}

enum trap engine_translate(struct engine_code *code)
{
    if (code->cells)
        return TRAP_NONE;
    if (code->module->is_lazy && check(code) != TRAP_NONE)
        return TRAP_INVALID;
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct translator tr = {.arena = &scratch.arena};
    translate(&tr, code);
    if (tr.too_large) {
        arena_temp_end(&scratch);
        return TRAP_TOO_LARGE;
    }
    struct engine_store *s = code->module->store;
    union cell *cells = keep(&s->arena, tr.cells.data, tr.cells.len * sizeof(union cell));
    code->tries = keep(&s->arena, tr.tries.data, tr.tries.len * sizeof(struct try_range));
    code->catches = keep(&s->arena, tr.catches.data, tr.catches.len * sizeof(struct catch_clause));
    code->try_count = tr.tries.len;
    code->cell_count = tr.cells.len;
    engine_register_code(s, code, cells);
    arena_temp_end(&scratch);
    return TRAP_NONE;
}

u32 engine_offset_of(struct engine_code *code, u32 cell)
{
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct translator tr = {.arena = &scratch.arena, .probe = cell};
    translate(&tr, code);
    arena_temp_end(&scratch);
    return tr.probe_offset;
}

bool engine_code_uses(const struct wasm_module *m, u32 code, enum feature feature)
{
    const struct wasm_code *body = &m->codes.data[code];
    struct translator tr = {.in = wasm_cursor_of(m->source, body->bytes, body->offset)};
    for (u32 groups = wasm_get_u32(&tr.in); groups > 0 && !tr.in.failed; groups--) {
        wasm_get_u32(&tr.in);
        wasm_get_valtype(&tr.in);
    }
    while (tr.in.at < tr.in.end && !tr.in.failed) {
        enum wasm_op op = translate_read_op(&tr);
        if (op == OP_COUNT)
            break;
        if (wasm_op_info[op].gate == feature)
            return true;
        wasm_skip_immediates(&tr.in, op);
    }
    return false;
}
