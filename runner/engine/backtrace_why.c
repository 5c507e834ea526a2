/* backtrace_why.c - why an instruction trapped, with its operands: told from the code and the frame after the fact, so that the
 * handlers need not know. What is not known from there is left out. */
#include "engine_internal.h"

#include "forms.h"

/* ---- Addresses ------------------------------------------------------------------------------------------ */

/* Handlers by name, as the end of the name is the form of the operands. */
struct named {
    u32 handler;
    const char *name;
};
#define HANDLER(id, ...) {H_##id, #id},
static const struct named scalars[] = {
#include "memory.def"
};
static const struct named vectors[] = {
#include "vector.def"
};
#undef HANDLER

static const char *name_of(const struct named *list, size_t n, union cell cell)
{
    for (size_t i = 0; i < n; i++) {
        if (engine_cell_of((enum handler)list[i].handler).u == cell.u)
            return list[i].name;
    }
    return NULL;
}

/* The form of the address of I32_LOAD_ks_r or I32_STORE_kss: "ks". */
static str address_form(str name)
{
    size_t last = str_rfind_char(name, '_');
    if (str_find(name, STR("_STORE"), 0) != SIZE_MAX)
        return str_sub(name, last + 1, name.len - 1);
    str rest = str_sub(name, 0, last);
    return str_sub(rest, str_rfind_char(rest, '_') + 1, rest.len);
}

typedef unsigned __int128 wide_address;

struct access {
    wide_address address;
    u32 memory;
    u64 size; /* 0: as the instruction says */
};

static bool scalar_address(const struct engine_task *t, str name, wide_address *out)
{
    const union cell *ip = t->ip;
    struct word w = ip[1].w;
    str form = address_form(name);
    u32 first = form.len && form.ptr[form.len - 1] == 'a' ? (u32)t->acc : (u32)t->sp[w.a];
    if (str_eq_c(form, "s") || str_eq_c(form, "a"))
        *out = (u64)first + w.off;
    else if (str_eq_c(form, "c"))
        *out = ip[2].u;
    else if (str_starts(form, STR("k")))
        *out = (u32)(first + w.off);
    else if (str_starts(form, STR("x")))
        *out = (u64)(u32)(first + (u32)t->sp[w.b]) + w.c;
    else if (str_starts(form, STR("h")))
        *out = (u32)(first * w.c + (u32)t->sp[w.b]);
    else
        return false;
    return true;
}

static bool out_access(const struct engine_task *t, struct access *a)
{
    const union cell *ip = t->ip;
    const u64 *s = &t->sp[ip[2].w.d];
    u64 x = ip[2].w.off, y = ip[3].u;
    const struct engine_instance *i = t->inst;
    engine_out *fn = ip[1].out;
    if (fn == engine_out_memory_fill) {
        *a = (struct access){s[0], (u32)x, s[2]};
    } else if (fn == engine_out_memory_copy) {
        u64 size = i->memories[x]->size;
        bool to = s[0] > size || s[2] > size - s[0];
        *a = to ? (struct access){s[0], (u32)x, s[2]} : (struct access){s[1], (u32)y, s[2]};
    } else if (fn == engine_out_memory_init) {
        *a = (struct access){s[0], (u32)y, s[2]};
        u64 size = i->memories[y]->size;
        return s[0] > size || s[2] > size - s[0]; /* else it is the segment that is too short */
    } else if (fn == engine_out_atomic_wait || fn == engine_out_atomic_notify) {
        *a = (struct access){(wide_address)s[0] + y, (u32)(x >> 4), x & 15};
    } else {
        return false;
    }
    return true;
}

static bool find_access(const struct engine_task *t, struct access *a)
{
    const union cell *ip = t->ip;
    u64 h = ip->u;
    if (h == engine_cell_of(H_OUT).u)
        return out_access(t, a);
    struct word w = ip[1].w;
    if (h == engine_cell_of(H_ADDRESS32).u) {
        *a = (struct access){(wide_address)(u32)t->sp[w.a] + ip[2].u, w.d, w.off};
        return true;
    }
    if (h == engine_cell_of(H_ADDRESS64).u || h == engine_cell_of(H_ADDRESS_ATOMIC).u) {
        *a = (struct access){(wide_address)t->sp[w.a] + ip[2].u, w.d, w.off};
        return true;
    }
    const char *name = name_of(scalars, LENGTH_OF(scalars), *ip);
    a->memory = 0;
    a->size = 0;
    if (name)
        return scalar_address(t, str_c(name), &a->address);
    if (!name_of(vectors, LENGTH_OF(vectors), *ip))
        return false;
    a->address = (wide_address)(u32)t->sp[w.a] + ip[2].u;
    return true;
}

/* ---- The instruction --------------------------------------------------------------------------------------- */

/* The instruction of the module that trapped; the cursor is at its immediates. OP_COUNT: it is not known. */
static enum wasm_op read_instruction(const struct engine_task *t, struct wasm_cursor *c)
{
    const struct engine_code *code = engine_find_code(t->store, t->ip);
    if (!code || !code->module || !t->trap.frames.count)
        return OP_COUNT;
    const struct wasm_module *m = code->module->source;
    const struct wasm_code *body = &m->codes.data[code->index - m->imported_funcs];
    u32 offset = t->trap.frames.list[0].offset;
    if (offset < body->offset || offset - body->offset >= body->bytes.len)
        return OP_COUNT;
    u32 into = offset - body->offset;
    *c = wasm_cursor_of(m->source, str_sub(body->bytes, into, body->bytes.len), offset);
    return wasm_get_op(c);
}

/* ---- Sentences ------------------------------------------------------------------------------------------------ */

static void put_address(struct buf *b, wide_address address)
{
    if (address >> 64)
        buf_printf(b, "0x%llx%016llx", (unsigned long long)(address >> 64),
                   (unsigned long long)address);
    else
        buf_printf(b, "0x%llx", (unsigned long long)address);
}

static void why_memory(struct engine_task *t, struct buf *b)
{
    struct access a;
    struct wasm_cursor c;
    if (!find_access(t, &a))
        return;
    u64 size = t->inst->memories[a.memory]->size;
    if (!a.size) {
        enum wasm_op op = read_instruction(t, &c);
        a.size = op == OP_COUNT ? 1 : (u64)1 << wasm_op_info[op].align;
    }
    if (a.address < size) {
        buf_printf(b, "%llu byte%s at address ", (unsigned long long)a.size,
                   a.size == 1 ? "" : "s");
        put_address(b, a.address);
        buf_printf(b, " reach beyond memory %u of %llu bytes", a.memory, (unsigned long long)size);
        return;
    }
    buf_c(b, "address ");
    put_address(b, a.address);
    buf_printf(b, " is out of bounds of memory %u of %llu bytes", a.memory,
               (unsigned long long)size);
}

static void why_unaligned(struct engine_task *t, struct buf *b)
{
    struct access a;
    if (!find_access(t, &a))
        return;
    buf_c(b, "address ");
    put_address(b, a.address);
    buf_printf(b, " is not a multiple of %llu", (unsigned long long)a.size);
}

static void say_element(struct buf *b, u64 index, u64 n, const char *what, u64 number, u64 size)
{
    if (n == 1)
        buf_printf(b, "index %llu is", (unsigned long long)index);
    else
        buf_printf(b, "%llu elements from index %llu are", (unsigned long long)n,
                   (unsigned long long)index);
    buf_printf(b, " out of bounds of %s", what);
    if (number != UINT64_MAX)
        buf_printf(b, " %llu", (unsigned long long)number);
    buf_printf(b, " of %llu element%s", (unsigned long long)size, size == 1 ? "" : "s");
}

static void why_table(struct engine_task *t, struct buf *b)
{
    const union cell *ip = t->ip;
    if (ip->u != engine_cell_of(H_OUT).u)
        return;
    const u64 *s = &t->sp[ip[2].w.d];
    u64 x = ip[2].w.off, y = ip[3].u, at = s[0], n = 1;
    engine_out *fn = ip[1].out;
    if (fn == engine_out_table_init || fn == engine_out_table_copy || fn == engine_out_table_fill)
        n = s[2];
    else if (fn != engine_out_table_get && fn != engine_out_table_set)
        return;
    if (fn == engine_out_table_init)
        x = y;
    else if (fn == engine_out_table_copy && !engine_outside(s[0], n, t->inst->tables[x]->size))
        at = s[1], x = y;
    u64 size = t->inst->tables[x]->size;
    if (engine_outside(at, n, size))
        say_element(b, at, n, "table", x, size);
    else if (fn == engine_out_table_init)
        buf_printf(b, "%llu elements from index %llu are out of bounds of the segment",
                   (unsigned long long)n, (unsigned long long)s[1]);
}

static void why_array(struct engine_task *t, struct buf *b)
{
    const union cell *ip = t->ip;
    if (ip->u != engine_cell_of(H_OUT).u)
        return;
    const u64 *s = &t->sp[ip[2].w.d];
    engine_out *fn = ip[1].out;
    const struct object *o = (const struct object *)(uintptr_t)s[0];
    if (fn == engine_out_array_get || fn == engine_out_array_set)
        say_element(b, (u32)s[1], 1, "an array", UINT64_MAX, o->length);
}

/* The index and table of an indirect call. */
static bool find_indirect(const struct engine_task *t, u64 *index, u32 *table)
{
    const union cell *ip = t->ip;
    struct word w = ip[1].w;
    *table = w.d;
    if (ip->u == engine_cell_of(H_CALL_INDIRECT_s).u) {
        *index = (u32)t->sp[w.a];
    } else if (ip->u == engine_cell_of(H_CALL_INDIRECT_a).u) {
        *index = (u32)t->acc;
    } else if (ip->u == engine_cell_of(H_FUNC_INDIRECT).u) {
        *index = t->sp[w.a];
        *table = (u32)ip[2].u;
    } else {
        return false;
    }
    return true;
}

static void put_types(struct buf *b, const char *keyword, const wasm_valtype *types, u32 n)
{
    if (n)
        buf_printf(b, " (%s", keyword);
    for (u32 i = 0; i < n; i++) {
        buf_byte(b, ' ');
        buf_str(b, validate_valtype_text(b->arena, types[i]));
    }
    buf_c(b, n ? ")" : "");
}

static void put_functype(struct buf *b, const struct wasm_functype *type)
{
    buf_c(b, "(func");
    put_types(b, "param", type->params, type->param_count);
    put_types(b, "result", type->results, type->result_count);
    buf_c(b, ")");
}

static void why_indirect_type(struct engine_task *t, struct buf *b)
{
    struct wasm_cursor c;
    enum wasm_op op = read_instruction(t, &c);
    if (op != OP_CALL_INDIRECT && op != OP_RETURN_CALL_INDIRECT)
        return;
    u32 type = wasm_get_u32(&c), table = wasm_get_u32(&c);
    const struct wasm_module *m = t->inst->module->source;
    u64 index;
    u32 ignored;
    const struct engine_func *f = (const struct engine_func *)(uintptr_t)t->acc;
    /* The form that any instance and type takes has not put the function into the accumulator yet. */
    if (t->ip->u == engine_cell_of(H_FUNC_INDIRECT).u) {
        if (!find_indirect(t, &index, &ignored) || index >= t->inst->tables[table]->size)
            return;
        f = (const struct engine_func *)(uintptr_t)t->inst->tables[table]->elems[index];
    }
    if (c.failed || type >= m->types.len || !f)
        return;
    buf_c(b, "expected ");
    put_functype(b, &m->types.data[type].func);
    buf_c(b, ", found ");
    put_functype(b, f->type);
    buf_printf(b, " of `" STRF "`", STRA(engine_demangle(engine_func_name(f, b->arena), b->arena)));
}

static void why_element(struct engine_task *t, enum trap trap, struct buf *b)
{
    u64 index;
    u32 table;
    if (!find_indirect(t, &index, &table))
        return;
    if (trap == TRAP_UNINITIALIZED)
        buf_printf(b, "element %llu of table %u is null", (unsigned long long)index, table);
    else
        say_element(b, index, 1, "table", table, t->inst->tables[table]->size);
}

static void put_value(struct buf *b, wasm_valtype type, const u64 *slots)
{
    float f;
    double d;
    switch (wasm_kind_of(type)) {
    case WASM_I32: buf_printf(b, " %d", (i32)(u32)*slots); break;
    case WASM_I64: buf_printf(b, " %lld", (long long)*slots); break;
    case WASM_F32:
        memcpy(&f, slots, sizeof(f));
        buf_printf(b, " %.9g", (double)f);
        break;
    case WASM_F64:
        memcpy(&d, slots, sizeof(d));
        buf_printf(b, " %.17g", d);
        break;
    case WASM_V128:
        buf_printf(b, " 0x%016llx%016llx", (unsigned long long)slots[1],
                   (unsigned long long)slots[0]);
        break;
    default: buf_c(b, *slots ? " ref" : " null"); break;
    }
}

/* The name section, an export or an import names it; else its number does. */
static void put_tag(struct buf *b, struct engine_module *em, u32 tag)
{
    const struct wasm_module *m = em->source;
    str name = engine_module_names(em)->tags ? engine_module_names(em)->tags[tag] : STR("");
    for (u32 i = 0, n = 0; i < m->imports.len && !name.len; i++) {
        const struct wasm_import *x = &m->imports.data[i];
        if (x->type.kind == EXTERN_TAG && n++ == tag)
            name = x->name;
    }
    for (u32 i = 0; i < m->exports.len && !name.len; i++) {
        const struct wasm_export *x = &m->exports.data[i];
        if (x->kind == EXTERN_TAG && x->index == tag)
            name = x->name;
    }
    buf_printf(b, "tag %u", tag);
    if (name.len)
        buf_printf(b, " `" STRF "`", STRA(name));
}

static bool find_tag(const struct engine_instance *i, const struct engine_tag *wanted, u32 *tag)
{
    u32 n = i->module ? i->module->source->tags.len : 0;
    for (*tag = 0; *tag < n && i->tags[*tag] != wanted; ++*tag)
        ;
    return *tag < n;
}

static void why_exception(struct engine_task *t, struct buf *b)
{
    const struct object *e = (const struct object *)(uintptr_t)t->exception;
    if (!e)
        return;
    const wasm_valtype *types = e->tag->type.params;
    u32 tag, count = e->tag->type.param_count, at = 0;
    const struct engine_instance *i = t->inst;
    if (!find_tag(i, e->tag, &tag)) /* passed on by one that does not know the tag */
        for (i = t->store->instances; i && !find_tag(i, e->tag, &tag);)
            i = i->next;
    buf_c(b, "it has ");
    if (i)
        put_tag(b, i->module, tag);
    else
        buf_c(b, "a tag of the host");
    if (i && i != t->inst && i->label.len)
        buf_printf(b, " of " STRF, STRA(i->label));
    buf_printf(b, "%s", count == 0 ? "" : count == 1 ? " and the value" : " and the values");
    for (u32 k = 0; k < count && k < 8; k++) {
        put_value(b, types[k], e->data + at);
        at += engine_valtype_slots(types[k]);
    }
    buf_c(b, count > 8 ? " ..." : "");
}

str engine_why(struct engine_task *t, enum trap trap)
{
    struct buf b = buf_in(&t->trap_arena);
    switch (trap) {
    case TRAP_MEMORY: why_memory(t, &b); break;
    case TRAP_UNALIGNED: why_unaligned(t, &b); break;
    case TRAP_TABLE: why_table(t, &b); break;
    case TRAP_ARRAY: why_array(t, &b); break;
    case TRAP_UNDEFINED:
    case TRAP_UNINITIALIZED: why_element(t, trap, &b); break;
    case TRAP_EXCEPTION: why_exception(t, &b); break;
    case TRAP_INDIRECT_TYPE: why_indirect_type(t, &b); break;
    case TRAP_STACK:
        buf_printf(&b, "%u calls are active; a task's stack has %llu bytes",
                   t->trap.frames.count + t->trap.frames.left_out,
                   (unsigned long long)t->store->limits.stack_slots * sizeof(u64));
        break;
    case TRAP_TASKS:
        buf_printf(&b, "the stacks of all tasks, and what is kept beside them, may have %llu bytes",
                   (unsigned long long)t->store->limits.task_bytes);
        break;
    default: break;
    }
    return buf_view(&b);
}
