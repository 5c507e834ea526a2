/* functions.c - signatures: what a function is in C and in core WebAssembly. */
#include "gen.h"

bool bindgen_is_async(struct gen *g, const struct wit_func *f)
{
    str name = f->name;
    if (g->interface != WIT_NONE)
        name = str_printf(g->arena, STRF "#" STRF, STRA(g->module), STRA(f->name));
    const str all = STR("all"), import = STR("import:"), export = STR("export:");
    for (u32 i = 0; i < g->options->sync_count; i++) {
        str filter = g->options->sync[i];
        if (str_starts(filter, import) || str_starts(filter, export)) {
            if (str_starts(filter, export) != g->exporting)
                continue;
            filter = str_sub(filter, import.len, filter.len);
        }
        if (str_eq(filter, name) || str_eq(g->options->sync[i], all)) {
            g->sync_used[i] = true;
            return false;
        }
    }
    return f->is_async;
}

struct core_sig bindgen_core_signature(struct gen *g, const struct wit_func *f, bool is_async)
{
    struct core_sig sig = {0};
    u32 most = is_async && !g->exporting ? WIT_MAX_FLAT_ASYNC_PARAMS : WIT_MAX_FLAT_PARAMS;
    for (u32 i = 0; i < f->param_count; i++) {
        struct flats flats;
        bindgen_flats_of(g, f->params[i].type, &flats);
        bindgen_flats_append(&sig.params, &flats);
    }
    if (g->exporting && f->kind == WIT_METHOD)
        sig.params.kinds[0] = FLAT_POINTER; /* `self` is what the resource is represented by */
    if (sig.params.count > most) {
        sig.indirect = true;
        sig.params = (struct flats){1, {FLAT_POINTER}};
    }
    if (wit_type_present(f->result))
        bindgen_flats_of(g, f->result, &sig.result);
    if (is_async)
        sig.ret_area = !g->exporting && wit_type_present(f->result);
    else
        sig.ret_area = sig.result.count > WIT_MAX_FLAT_RESULTS;
    return sig;
}

void bindgen_prototype(struct buf *b, str result, str name, const struct flats *params,
                       str last_pointer)
{
    PUT(b, "$0 $1(", result, name);
    for (u32 i = 0; i < params->count; i++)
        buf_printf(b, "%s%s", i ? ", " : "", bindgen_flat_type(params->kinds[i]));
    if (last_pointer.len)
        PUT(b, "$0$1", params->count ? STR(", ") : STR(""), last_pointer);
    else if (params->count == 0)
        buf_c(b, "void");
    buf_byte(b, ')');
}

/* ---- C ------------------------------------------------------------------------------------------------- */

/* An option gets the NULL pointer form when the parameter's type is the option itself, not an alias of it. */
static const struct wit_typedef *flattened_option(const struct gen *g, struct wit_type t)
{
    if (g->options->no_sig_flattening || t.kind != WIT_ID)
        return NULL;
    const struct wit_typedef *def = &g->r->types.data[t.id];
    return def->kind == WIT_OPTION ? def : NULL;
}

/* Names of all parameters, each unlike what is generated around them. */
static struct c_param *name_params(struct gen *g, const struct wit_func *f, struct locals *locals,
                                   bool by_value)
{
    struct c_param *params = arena_array(g->arena, struct c_param, f->param_count + 1);
    for (u32 i = 0; i < f->param_count; i++)
        params[i].name = bindgen_local(locals, bindgen_identifier(g->arena, f->params[i].name));
    for (u32 i = 0; i < f->param_count; i++) {
        struct c_param *p = &params[i];
        p->outer = p->name;
        if (by_value)
            continue;
        p->optional = flattened_option(g, f->params[i].type) != NULL;
        p->pointer = !p->optional && bindgen_by_pointer(g, f->params[i].type);
        if (p->optional)
            p->outer = bindgen_local(locals, str_concat(g->arena, STR("maybe_"), p->name));
    }
    return params;
}

static void put_params(struct gen *g, struct buf *b, const struct wit_func *f,
                       const struct c_param *params)
{
    for (u32 i = 0; i < f->param_count; i++) {
        struct wit_type t = f->params[i].type;
        const struct wit_typedef *option = params[i].optional ? flattened_option(g, t) : NULL;
        PUT(b, "$0$1 $2$3", i ? STR(", ") : STR(""),
            bindgen_type_name(g, option ? option->first : t),
            option || params[i].pointer ? STR("*") : STR(""), params[i].outer);
    }
}

/* How the result comes back to a C caller. */
static void classify_result(struct gen *g, const struct wit_func *f, struct c_sig *sig)
{
    const struct wit_typedef *def = bindgen_def(g, f->result);
    sig->how = RETURN_VOID;
    if (!wit_type_present(f->result))
        return;
    enum wit_kind kind = bindgen_kind(g, f->result);
    bool split = !g->options->no_sig_flattening;
    if (split && kind == WIT_OPTION) {
        sig->how = RETURN_OPTION;
        sig->ret = STR("ret");
    } else if (split && kind == WIT_RESULT) {
        sig->how = RETURN_RESULT;
        sig->ret = wit_type_present(def->first) ? STR("ret") : STR("");
        sig->err = wit_type_present(def->second) ? STR("err") : STR("");
    } else if (bindgen_by_pointer(g, f->result)) {
        sig->ret_pointer = true;
        sig->ret = STR("ret");
    } else {
        sig->how = RETURN_VALUE;
    }
}

static void put_result_pointers(struct gen *g, struct buf *b, const struct wit_func *f,
                                const struct c_sig *sig)
{
    const struct wit_typedef *def = bindgen_def(g, f->result);
    bool first = f->param_count == 0;
    if (sig->ret.len) {
        struct wit_type t = sig->ret_pointer ? f->result : def->first;
        PUT(b, "$0$1 *$2", first ? STR("") : STR(", "), bindgen_type_name(g, t), sig->ret);
        first = false;
    }
    if (sig->err.len) {
        PUT(b, "$0$1 *$2", first ? STR("") : STR(", "), bindgen_type_name(g, def->second),
            sig->err);
        first = false;
    }
    if (first)
        buf_c(b, "void");
}

static void sync_signature(struct gen *g, struct buf *b, const struct wit_func *f,
                           struct c_sig *sig)
{
    struct locals locals = {.g = g};
    sig->params = name_params(g, f, &locals, false);
    classify_result(g, f, sig);
    str result = sig->how == RETURN_VOID    ? STR("void")
                 : sig->how == RETURN_VALUE ? bindgen_type_name(g, f->result)
                                            : STR("bool");
    PUT(b, "$0 $1(", result, sig->name);
    put_params(g, b, f, sig->params);
    put_result_pointers(g, b, f, sig);
}

/* The structure that holds the parameters of an async import with too many flat ones. */
static void define_args(struct gen *g, const struct wit_func *f, const struct c_sig *sig,
                        str *type_name)
{
    str tag = str_concat(g->arena, sig->name, STR("_args"));
    *type_name = bindgen_claim(g, str_concat(g->arena, tag, STR("_t")), f->at,
                               STR("the structure of a function's arguments"));
    tag = str_sub(*type_name, 0, type_name->len - 2);
    PUT(&g->h_defs, "\ntypedef struct $0 {\n", tag);
    for (u32 i = 0; i < f->param_count; i++)
        PUT(&g->h_defs, "  $0 $1;\n", bindgen_type_name(g, f->params[i].type), sig->params[i].name);
    PUT(&g->h_defs, "} $0;\n", *type_name);
}

static void async_import_signature(struct gen *g, struct buf *b, const struct wit_func *f,
                                   struct c_sig *sig)
{
    struct locals locals = {.g = g};
    bool first = true;
    PUT(b, "$0_subtask_status_t $1(", g->snake, sig->name);
    sig->params = name_params(g, f, &locals, true);
    if (bindgen_core_signature(g, f, true).indirect) {
        str type = f->param_count == 1 ? bindgen_type_name(g, f->params[0].type) : STR("");
        if (f->param_count > 1)
            define_args(g, f, sig, &type);
        locals = (struct locals){.g = g};
        sig->args = f->param_count > 1 ? STR("args") : STR("arg");
        PUT(b, "$0 *$1", type, sig->args);
        first = false;
    } else {
        put_params(g, b, f, sig->params);
        first = f->param_count == 0;
    }
    if (wit_type_present(f->result)) {
        sig->ret_pointer = true;
        sig->ret = bindgen_local(&locals, STR("result"));
        PUT(b, "$0$1 *$2", first ? STR("") : STR(", "), bindgen_type_name(g, f->result), sig->ret);
        first = false;
    }
    if (first)
        buf_c(b, "void");
}

static void async_export_signature(struct gen *g, struct buf *b, const struct wit_func *f,
                                   struct c_sig *sig)
{
    struct locals locals = {.g = g};
    sig->params = name_params(g, f, &locals, false);
    PUT(b, "$0_callback_code_t $1(", g->snake, sig->name);
    put_params(g, b, f, sig->params);
    if (f->param_count == 0)
        buf_c(b, "void");
}

struct c_sig bindgen_signature(struct gen *g, const struct wit_func *f, bool is_async)
{
    struct buf b = buf_in(g->arena);
    struct c_sig sig = {.name = bindgen_function_name(g, f), .is_async = is_async};
    if (!is_async)
        sync_signature(g, &b, f, &sig);
    else if (g->exporting)
        async_export_signature(g, &b, f, &sig);
    else
        async_import_signature(g, &b, f, &sig);
    buf_byte(&b, ')');
    sig.text = buf_view(&b);
    return sig;
}
