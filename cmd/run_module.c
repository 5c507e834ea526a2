/* run_module.c - runs a core module: `_start`, or a call of one of its exports with numbers. */
#include "run.h"
#include "validate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct module_run {
    struct cli *cli;
    const struct run_options *o;
    struct engine_store *store;
    struct engine_task *task;
    struct wasi_options wasi_options;
    struct wasi_preview1 *wasi;
};

static int report_trap(struct module_run *x)
{
    struct cli *cli = x->cli;
    const struct engine_trap *t = engine_trap_of(x->task);
    if (t->is_exit) {
        return t->exit_code;
    }
    struct diag *d = run_trap_error(cli, x->o, t->message);
    if (t->detail.len) {
        diag_note(&cli->diags, d, STRF, STRA(t->detail));
    }
    run_add_frames(cli, d, t->frames);
    return run_trap_code();
}

/* ---- Numbers as WAVE values --------------------------------------------------------------------------------- */

static const struct canon_type number_types[] = {
    {.kind = CANON_T_S32}, {.kind = CANON_T_S64}, {.kind = CANON_T_F32}, {.kind = CANON_T_F64}};

static const struct canon_type *number_type(wasm_valtype t)
{
    switch (wasm_kind_of(t)) {
    case WASM_I32: return &number_types[0];
    case WASM_I64: return &number_types[1];
    case WASM_F32: return &number_types[2];
    case WASM_F64: return &number_types[3];
    default: return NULL;
    }
}

static u64 to_slot(const struct canon_value *v)
{
    u64 slot = 0;
    switch (v->kind) {
    case CANON_T_S32: return (u32)v->s;
    case CANON_T_F32: memcpy(&slot, &v->f32, 4); return slot;
    case CANON_T_F64: memcpy(&slot, &v->f64, 8); return slot;
    default: return v->u;
    }
}

/* References have no text: what they are of. */
static const char *reference_name(wasm_valtype type)
{
    if (wasm_is_concrete(type)) {
        return "ref";
    }
    switch (wasm_heap_of(type)) {
    case HEAP_FUNC:
    case HEAP_NOFUNC: return "funcref";
    case HEAP_EXTERN:
    case HEAP_NOEXTERN: return "externref";
    case HEAP_EXN:
    case HEAP_NOEXN: return "exnref";
    case HEAP_CONT:
    case HEAP_NOCONT: return "contref";
    default: return "anyref";
    }
}

static void print_v128(struct buf *b, const u64 *slot)
{
    unsigned __int128 v = (unsigned __int128)slot[1] << 64 | slot[0];
    char digits[40];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v);
    buf_put(b, digits + at, sizeof digits - at);
}

/* As wasmtime prints numbers of core modules, so that the outputs can be compared: like WAVE but for `NaN`;
 * a v128 is one number. */
static void print_slot(struct buf *b, wasm_valtype type, const u64 *slot)
{
    float f;
    double d;
    switch (wasm_kind_of(type)) {
    case WASM_I32: buf_printf(b, "%d", (i32)(u32)*slot); break;
    case WASM_I64: buf_printf(b, "%lld", (long long)(i64)*slot); break;
    case WASM_F32:
        memcpy(&f, slot, sizeof f);
        isnan(f) ? buf_c(b, "NaN") : wave_print_f32(b, f);
        break;
    case WASM_F64:
        memcpy(&d, slot, sizeof d);
        isnan(d) ? buf_c(b, "NaN") : wave_print_f64(b, d);
        break;
    case WASM_V128: print_v128(b, slot); break;
    default: buf_printf(b, "<%s%s>", *slot ? "" : "null ", reference_name(type)); break;
    }
}

/* ---- Calling ----------------------------------------------------------------------------------------------------- */

/* Did it return? If not, the run is over, with *code. */
static bool call(struct module_run *x, struct engine_func *f, const u64 *slots, int *code)
{
    enum engine_outcome outcome = engine_start(x->task, f, slots);
    if (outcome == ENGINE_TRAPPED) {
        *code = report_trap(x); /* 0: the program ended itself */
        return false;
    }
    if (outcome == ENGINE_SUSPENDED) {
        struct diag *d = run_trap_error(x->cli, x->o, STR("all fuel consumed"));
        run_add_frames(x->cli, d, engine_backtrace(x->task, &x->cli->arena));
        *code = run_trap_code();
        return false;
    }
    *code = 0;
    return true;
}

static void print_results(struct module_run *x, const struct wasm_functype *type)
{
    const u64 *slots = engine_results(x->task);
    for (u32 i = 0; i < type->result_count; i++) {
        struct buf b = buf_in(&x->cli->arena);
        print_slot(&b, type->results[i], slots);
        run_print_line(&b);
        slots += wasm_kind_of(type->results[i]) == WASM_V128 ? 2 : 1;
    }
}

static const char *const kinds[] = {[EXTERN_FUNC] = "function",
                                    [EXTERN_TABLE] = "table",
                                    [EXTERN_MEMORY] = "memory",
                                    [EXTERN_GLOBAL] = "global",
                                    [EXTERN_TAG] = "tag"};

static bool find_export(struct module_run *x, struct engine_instance *i,
                        const struct wasm_module *m, const struct wave_call *c,
                        struct engine_func **out)
{
    struct cli *cli = x->cli;
    *out = engine_export_func(i, c->text);
    if (*out) {
        return true;
    }
    str *names = arena_array(&cli->arena, str, m->exports.len);
    u32 n = 0;
    for (u32 k = 0; k < m->exports.len; k++) {
        if (m->exports.data[k].kind == EXTERN_FUNC) {
            names[n++] = m->exports.data[k].name;
        }
    }
    struct diag *d = diag_error(&cli->diags, "invoke", c->name,
                                "the module exports no function `" STRF "`", STRA(c->text));
    struct engine_extern e;
    if (engine_export(i, c->text, &e)) {
        diag_note(&cli->diags, d, "the export `" STRF "` is a %s", STRA(c->text), kinds[e.kind]);
    }
    diag_suggest(&cli->diags, d, c->text, names, n);
    for (u32 k = 0; k < n && k < 20; k++) {
        diag_note(&cli->diags, d, "it exports `" STRF "`", STRA(names[k]));
    }
    return false;
}

static bool read_args(struct module_run *x, u32 source, const struct wave_call *c,
                      const struct wasm_functype *type, u64 **slots)
{
    struct cli *cli = x->cli;
    struct canon_param *params = arena_array(&cli->arena, struct canon_param, type->param_count);
    struct canon_functype wave = {.params = params, .param_count = type->param_count};
    struct canon_value *values;
    for (u32 i = 0; i < type->param_count; i++) {
        params[i].name = str_printf(&cli->arena, "p%u", i);
        params[i].type = number_type(type->params[i]);
        if (!params[i].type) {
            struct diag *d =
                diag_unsupported(&cli->diags, c->name, "an argument of type `" STRF "`",
                                 STRA(validate_valtype_text(&cli->arena, type->params[i])));
            diag_note(&cli->diags, d,
                      "it is parameter %u; numbers can be given: i32, i64, f32, f64", i);
            return false;
        }
    }
    if (!wave_read_args(&cli->arena, &cli->diags, source, c, &wave, NULL, &values)) {
        return false;
    }
    *slots = arena_array(&cli->arena, u64, type->param_count);
    for (u32 i = 0; i < type->param_count; i++) {
        (*slots)[i] = to_slot(&values[i]);
    }
    return true;
}

static int run_start(struct module_run *x, struct engine_instance *i)
{
    struct engine_func *start = engine_export_func(i, STR("_start"));
    if (!start) {
        struct diag *d = diag_error(&x->cli->diags, "run", (span){0},
                                    "`%s` is no program: it does not export `_start`", x->o->path);
        diag_help(&x->cli->diags, d, "call an export with `--invoke 'NAME(ARGUMENTS)'`");
        return 1;
    }
    int code;
    call(x, start, NULL, &code);
    return code;
}

/* ---- Imports -------------------------------------------------------------------------------------------------------- */

static enum engine_outcome trap_unknown(void *env, struct engine_task *t, u64 *slots)
{
    const struct wasm_import *import = env;
    (void)slots;
    return engine_trap(t, "unknown import: `" STRF "::" STRF "` has not been defined",
                       STRA(import->module), STRA(import->name));
}

static bool link_import(struct module_run *x, const struct engine_module *loaded, u32 index,
                        struct engine_extern *out)
{
    const struct wasm_import *import = &engine_module_source(loaded)->imports.data[index];
    if (run_find_preview1(x->wasi, x->store, import, out)) {
        return true;
    }
    if (x->o->unknown_imports_trap && import->type.kind == EXTERN_FUNC) {
        str name =
            str_printf(&x->cli->arena, STRF "::" STRF, STRA(import->module), STRA(import->name));
        out->kind = EXTERN_FUNC;
        out->func = engine_host_func_of(x->store, engine_import_type(loaded, index).type, name,
                                        trap_unknown, (void *)(uintptr_t)import);
        return true;
    }
    run_unknown_import(x->cli, import);
    return false;
}

/* What each import is given, in order. */
static bool link_imports(struct module_run *x, const struct engine_module *loaded,
                         struct engine_extern **out)
{
    const struct wasm_module *m = engine_module_source(loaded);
    *out = arena_array(&x->cli->arena, struct engine_extern, m->imports.len);
    bool fine = true;
    for (u32 i = 0; i < m->imports.len; i++) {
        fine = link_import(x, loaded, i, &(*out)[i]) && fine;
    }
    return fine;
}

static int run_loaded(struct module_run *x, struct engine_module *loaded,
                      const struct wasm_module *m)
{
    struct cli *cli = x->cli;
    struct engine_instance *i = NULL;
    struct engine_extern *imports;
    if (!link_imports(x, loaded, &imports)) {
        return 1;
    }
    enum engine_outcome outcome =
        engine_instantiate(x->store, loaded, imports, m->imports.len, (str){0}, &i, &cli->diags);
    if (outcome == ENGINE_TRAPPED) {
        return i ? EXIT_TRAP : 1; /* a segment traps; else it cannot be instantiated */
    }
    struct engine_func *start = engine_start_func(i);
    int code = 0;
    if (start && !call(x, start, NULL, &code)) {
        return code;
    }
    if (!x->o->invoke) {
        return run_start(x, i);
    }
    /* A library of WASI 0.1 is set up once before its other exports are called. */
    struct engine_func *first = engine_export_func(i, STR("_initialize"));
    if (first && !call(x, first, NULL, &code)) {
        return code;
    }
    struct wave_call c;
    struct engine_func *f;
    u32 source;
    u64 *slots;
    if (!run_read_invoke(cli, x->o, &source, &c) || !find_export(x, i, m, &c, &f) ||
        !read_args(x, source, &c, engine_func_type(f), &slots)) {
        return 1;
    }
    if (call(x, f, slots, &code)) {
        print_results(x, engine_func_type(f));
    }
    return code;
}

int run_module(struct cli *cli, const struct run_options *o, const struct wasm_module *m)
{
    struct module_run x = {.cli = cli, .o = o, .store = engine_store_new(&o->limits)};
    run_wasi_options(cli, o, &x.wasi_options);
    engine_validate_lazily(x.store, o->lazy_validate);
    struct engine_module *loaded = engine_load(x.store, m, o->features, &cli->diags);
    int code = 1;
    x.wasi = loaded ? wasi_preview1_new(&x.wasi_options, &cli->diags) : NULL;
    if (x.wasi) {
        x.task = engine_task_new(x.store);
        run_watch_signals(x.store);
        code = run_loaded(&x, loaded, m);
        run_unwatch_signals();
        int error = wasi_preview1_output_error(x.wasi);
        if (error && !cli->diags.errors) {
            diag_error(&cli->diags, "output", (span){0}, "cannot write `<stdout>`: %s",
                       strerror(error));
            code = code ? code : 1;
        }
        engine_task_free(x.task);
        wasi_preview1_free(x.wasi);
    }
    engine_store_free(x.store);
    return code;
}
