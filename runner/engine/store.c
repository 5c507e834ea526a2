/* store.c - stores: what they own, host functions, and finding translated code by address. */
#include "engine_internal.h"

#include <stdlib.h>

const char *const engine_trap_text[TRAP_COUNT] = {
    [TRAP_NONE] = "",
#define TRAP(id, text) [TRAP_##id] = text,
#include "traps.def"
#undef TRAP
};

static u64 or_default(u64 value, u64 standard)
{
    return value ? value : standard;
}

struct engine_store *engine_store_new(const struct engine_limits *limits)
{
    struct engine_store *s = mem_alloc(sizeof(*s));
    if (limits)
        s->limits = *limits;
    s->limits.memory_bytes = or_default(s->limits.memory_bytes, (u64)1 << 32);
    s->limits.table_elements = or_default(s->limits.table_elements, 10000000);
    s->limits.stack_slots = (u32)or_default(s->limits.stack_slots, 131072);
    s->limits.instances = (u32)or_default(s->limits.instances, 10000);
    s->limits.heap_bytes = or_default(s->limits.heap_bytes, (u64)1 << 30);
    s->limits.task_bytes = or_default(s->limits.task_bytes, (u64)1 << 31);
    s->fuel = s->limits.fuel;
    s->types = validate_store_new(&s->arena);
    s->no_instance.memory0 = &s->no_memory;
    s->no_instance.store = s;
    union cell *exit = arena_array(&s->arena, union cell, 2);
    exit[1] = engine_cell_of(H_EXIT);
    s->exit_stub = exit + 1;
    return s;
}

void engine_store_free(struct engine_store *s)
{
    if (!s)
        return;
    while (s->tasks)
        engine_task_free(s->tasks);
    while (s->pool) {
        struct engine_task *t = s->pool;
        s->pool = t->next;
        free(t->stack);
        mem_free(t);
    }
    for (struct engine_memory *m = s->memories; m; m = m->next)
        engine_memory_free(m);
    for (struct engine_table *t = s->tables; t; t = t->next)
        engine_table_free(t);
    for (u32 i = 0; i < s->imaged.len; i++)
        engine_image_free(s->imaged.data[i]);
    engine_heap_free(s);
    arena_free(&s->arena);
    mem_free(s);
}

void engine_keep(struct engine_store *s, u64 bytes)
{
    s->kept += bytes;
}
void engine_let_go(struct engine_store *s, u64 bytes)
{
    s->kept -= bytes;
}
bool engine_has_room(const struct engine_store *s, u64 bytes)
{
    return s->kept <= s->limits.task_bytes && bytes <= s->limits.task_bytes - s->kept;
}

void engine_add_fuel(struct engine_store *s, u64 fuel)
{
    s->fuel = s->fuel + fuel < fuel ? UINT64_MAX : s->fuel + fuel;
}

/* ---- Code by address ------------------------------------------------------------------------------------------- */

union cell *engine_restore_stub(struct engine_store *s, u32 record)
{
    while (s->stubs.len <= record)
        *vec_push(&s->arena, &s->stubs) = NULL;
    if (!s->stubs.data[record]) {
        union cell *stub = arena_array(&s->arena, union cell, 3);
        stub[1] = engine_cell_of(H_RESTORE);
        stub[2].u = record;
        s->stubs.data[record] = stub + 1;
    }
    return s->stubs.data[record];
}

struct engine_code *engine_untranslated(struct engine_store *s, u32 record)
{
    while (s->untranslated.len <= record)
        *vec_push(&s->arena, &s->untranslated) = NULL;
    if (!s->untranslated.data[record]) {
        struct engine_code *c = arena_new(&s->arena, struct engine_code);
        union cell *cells = arena_array(&s->arena, union cell, 2);
        cells[0].u = (u64)record + 3;
        cells[1] = engine_cell_of(H_TRANSLATE);
        c->entry = cells + 1;
        c->record = record;
        s->untranslated.data[record] = c;
    }
    return s->untranslated.data[record];
}

/* Which have an address of `ip` or below. */
static u32 count_up_to(struct engine_code *const *codes, u32 n, const union cell *ip)
{
    u32 low = 0, high = n;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (codes[middle]->cells <= ip)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* From the back, in place: as addresses mostly rise, few move. */
static void merge_fresh(struct engine_store *s)
{
    u32 old = s->codes.len, fresh = s->fresh_count;
    vec_reserve(&s->arena, &s->codes, fresh);
    s->codes.len += fresh;
    struct engine_code **to = s->codes.data + s->codes.len;
    while (fresh) {
        bool is_old = old && s->codes.data[old - 1]->cells > s->fresh_codes[fresh - 1]->cells;
        *--to = is_old ? s->codes.data[--old] : s->fresh_codes[--fresh];
    }
    s->fresh_count = 0;
}

/* Code is looked for between any two that are registered: neither may cost time for all there is. */
void engine_register_code(struct engine_store *s, struct engine_code *c, union cell *cells)
{
    if (s->fresh_count == LENGTH_OF(s->fresh_codes))
        merge_fresh(s); /* may unwind: the code is none yet */
    c->cells = cells;
    c->entry = cells + 1;
    u32 at = count_up_to(s->fresh_codes, s->fresh_count, c->cells);
    memmove(s->fresh_codes + at + 1, s->fresh_codes + at,
            (s->fresh_count - at) * sizeof(s->fresh_codes[0]));
    s->fresh_codes[at] = c;
    s->fresh_count++;
}

static struct engine_code *find_in(struct engine_code *const *codes, u32 n, const union cell *ip)
{
    u32 above = count_up_to(codes, n, ip);
    if (above == 0)
        return NULL;
    struct engine_code *c = codes[above - 1];
    return ip < c->cells + c->cell_count ? c : NULL;
}

struct engine_code *engine_find_code(struct engine_store *s, const union cell *ip)
{
    struct engine_code *c = find_in(s->fresh_codes, s->fresh_count, ip);
    return c ? c : find_in(s->codes.data, s->codes.len, ip);
}

/* ---- Host functions ---------------------------------------------------------------------------------------------- */

struct wasm_functype engine_copy_type(struct arena *a, const struct wasm_functype *type)
{
    struct wasm_functype copy = *type;
    wasm_valtype *types =
        arena_array(a, wasm_valtype, (size_t)type->param_count + type->result_count);
    if (type->param_count)
        memcpy(types, type->params, type->param_count * sizeof(*types));
    if (type->result_count)
        memcpy(types + type->param_count, type->results, type->result_count * sizeof(*types));
    copy.params = types;
    copy.results = types + type->param_count;
    return copy;
}

u32 engine_functype_id(struct engine_store *s, const struct wasm_functype *type)
{
    u32 id = validate_store_functype(s->types, type);
    if (id == VALIDATE_NONE)
        oom_unwind();
    return id;
}

struct engine_func *engine_host_func(struct engine_store *s, const struct wasm_functype *type,
                                     str name, engine_host_fn *fn, void *env)
{
    return engine_host_func_of(s, engine_functype_id(s, type), name, fn, env);
}

void engine_host_func_is_of(struct engine_func *f, str instance)
{
    f->host->instance = str_dup(&f->host->store->arena, instance);
}

struct engine_func *engine_host_func_of(struct engine_store *s, u32 type_id, str name,
                                        engine_host_fn *fn, void *env)
{
    struct host *h = arena_new(&s->arena, struct host);
    struct wasm_functype *type = arena_new(&s->arena, struct wasm_functype);
    *type = engine_copy_type(&s->arena, &validate_store_type(s->types, type_id)->func);
    *h = (struct host){.fn = fn, .env = env, .store = s, .name = str_dup(&s->arena, name)};
    engine_set_record(&h->code, type);
    h->code.cell_count = LENGTH_OF(h->cells);
    h->cells[0].u = (u64)h->code.record + 3;
    h->cells[1] = engine_cell_of(H_HOST);
    h->cells[2].ptr = h;
    enum handler ret = H_RETURN;
    if (type->result_count == 1 && type->results[0] != WASM_V128)
        ret = type->results[0] == WASM_F32   ? H_RETURN_f_s
              : type->results[0] == WASM_F64 ? H_RETURN_F_s
                                             : H_RETURN_I_s;
    h->cells[3] = engine_cell_of(ret);
    h->cells[4].w = (struct word){.a = (u16)h->code.record};
    h->func = (struct engine_func){.code = &h->code, .type = type, .type_id = type_id, .host = h};
    engine_register_code(s, &h->code, h->cells);
    return &h->func;
}

const struct wasm_functype *engine_func_type(const struct engine_func *f)
{
    return f->type;
}
struct engine_instance *engine_func_instance(const struct engine_func *f)
{
    return f->instance;
}

const struct wasm_names *engine_module_names(struct engine_module *m)
{
    if (!m->names_read) {
        wasm_read_names(&m->store->arena, m->source, &m->names);
        m->names_read = true;
    }
    return &m->names;
}

str engine_func_name(const struct engine_func *f, struct arena *a)
{
    if (f->host)
        return f->host->name;
    struct engine_module *m = f->instance->module;
    const struct wasm_names *names = engine_module_names(m);
    if (f->index < names->func_count && names->funcs[f->index].len)
        return names->funcs[f->index];
    for (u32 i = 0; i < m->source->exports.len; i++) {
        const struct wasm_export *e = &m->source->exports.data[i];
        if (e->kind == EXTERN_FUNC && e->index == f->index && e->name.len)
            return e->name;
    }
    return str_printf(a, "func[%u]", f->index);
}
