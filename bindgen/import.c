/* import.c - functions that the guest calls: the core import, and the C function around it. */
#include "gen.h"

#define STATEMENTS_MAX 20000 /* of one function; only nonsense has more */

/* The declaration of the core import. */
static void declare_import(struct gen *g, const struct wit_func *f, const struct core_sig *core,
                           str import_name, bool is_async)
{
    str result = STR("void");
    if (is_async)
        result = STR("int32_t");
    else if (!core->ret_area && core->result.count)
        result = str_c(bindgen_flat_type(core->result.kinds[0]));
    PUT(&g->c_fns,
        "\n__attribute__((__import_module__(\"$0\"), __import_name__(\"$1$2\")))\nextern ",
        g->module, is_async ? STR("[async-lower]") : STR(""), f->name);
    bindgen_prototype(&g->c_fns, result, import_name, &core->params,
                      core->ret_area ? STR("uint8_t *") : STR(""));
    buf_c(&g->c_fns, ";\n");
}

/* The C value of a parameter, an lvalue. */
static str param_value(struct gen *g, const struct c_param *p)
{
    return p->pointer ? str_concat(g->arena, STR("*"), p->name) : p->name;
}

/* `maybe_x` becomes the option `x`. */
static void build_options(struct code *c, const struct wit_func *f, const struct c_sig *sig)
{
    for (u32 i = 0; i < f->param_count; i++) {
        const struct c_param *p = &sig->params[i];
        if (!p->optional)
            continue;
        LINE(c, "$0 $1;", bindgen_type_name(c->g, f->params[i].type), p->name);
        LINE(c, "$0.is_some = $1 != NULL;", p->name, p->outer);
        LINE(c, "if ($0) {", p->outer);
        LINE(c, "  $0.val = *$1;", p->name, p->outer);
        LINE(c, "}", STR(""));
    }
}

/* All parameters in one structure in memory; gives the pointer to it. */
static str build_block(struct code *c, const struct wit_func *f, const struct c_sig *sig)
{
    str block = bindgen_local(c->locals, STR("params"));
    LINE(c, "struct {", STR(""));
    for (u32 i = 0; i < f->param_count; i++)
        LINE(c, "  $0 $1;", bindgen_type_name(c->g, f->params[i].type), sig->params[i].name);
    LINE(c, "} $0;", block);
    for (u32 i = 0; i < f->param_count; i++)
        LINE(c, "$0.$1 = $2;", block, sig->params[i].name, param_value(c->g, &sig->params[i]));
    return str_concat(c->g->arena, STR("(uint8_t *) &"), block);
}

/* The arguments of the core call, without the result pointer. */
static str core_arguments(struct code *c, const struct wit_func *f, const struct c_sig *sig,
                          const struct core_sig *core)
{
    if (core->indirect && sig->args.len)
        return str_concat(c->g->arena, STR("(uint8_t *) "), sig->args);
    if (core->indirect)
        return build_block(c, f, sig);
    str values[FLAT_MAX];
    u32 n = 0;
    for (u32 i = 0; i < f->param_count; i++)
        bindgen_lower_flat(c, f->params[i].type, param_value(c->g, &sig->params[i]), values, &n);
    struct buf b = buf_in(c->g->arena);
    for (u32 i = 0; i < n; i++)
        PUT(&b, "$0$1", i ? STR(", ") : STR(""), values[i]);
    return n ? buf_view(&b) : STR("");
}

static str call(struct gen *g, str import_name, str arguments, str last)
{
    return str_printf(g->arena, STRF "(" STRF "%s" STRF ")", STRA(import_name), STRA(arguments),
                      arguments.len && last.len ? ", " : "", STRA(last));
}

/* An option or result that C takes apart, received in a local. */
static void split_area(struct code *c, const struct wit_func *f, const struct c_sig *sig,
                       str import_name, str arguments)
{
    struct gen *g = c->g;
    str area = bindgen_local(c->locals, STR("area"));
    LINE(c, "$0 $1;", bindgen_type_name(g, f->result), area);
    LINE(c, "$0;",
         call(g, import_name, arguments, str_concat(g->arena, STR("(uint8_t *) &"), area)));
    if (sig->how == RETURN_OPTION) {
        LINE(c, "if ($0.is_some) {", area);
        LINE(c, "  *$0 = $1.val;", sig->ret, area);
        LINE(c, "}", STR(""));
        LINE(c, "return $0.is_some;", area);
        return;
    }
    if (sig->err.len) {
        LINE(c, "if ($0.is_err) {", area);
        LINE(c, "  *$0 = $1.val.err;", sig->err, area);
        LINE(c, "}", STR(""));
    }
    if (sig->ret.len) {
        LINE(c, "if (!$0.is_err) {", area);
        LINE(c, "  *$0 = $1.val.ok;", sig->ret, area);
        LINE(c, "}", STR(""));
    }
    LINE(c, "return !$0.is_err;", area);
}

static void sync_body(struct code *c, const struct wit_func *f, const struct c_sig *sig,
                      const struct core_sig *core, str import_name)
{
    struct gen *g = c->g;
    build_options(c, f, sig);
    str arguments = core_arguments(c, f, sig, core);
    if (core->ret_area && (sig->how == RETURN_OPTION || sig->how == RETURN_RESULT)) {
        split_area(c, f, sig, import_name, arguments);
    } else if (core->ret_area) {
        LINE(c, "$0;",
             call(g, import_name, arguments, str_concat(g->arena, STR("(uint8_t *) "), sig->ret)));
    } else if (sig->how == RETURN_RESULT) {
        LINE(c, "return $0 == 0;", call(g, import_name, arguments, STR("")));
    } else if (core->result.count) {
        str value = bindgen_local(c->locals, STR("ret"));
        u32 at = 0;
        LINE(c, "$0 $1 = $2;", str_c(bindgen_flat_type(core->result.kinds[0])), value,
             call(g, import_name, arguments, STR("")));
        str result = bindgen_lift_flat(c, f->result, &value, core->result.kinds, &at);
        if (sig->ret_pointer)
            LINE(c, "*$0 = $1;", sig->ret, result);
        else
            LINE(c, "return $0;", result);
    } else {
        LINE(c, "$0;", call(g, import_name, arguments, STR("")));
    }
}

static void async_body(struct code *c, const struct wit_func *f, const struct c_sig *sig,
                       const struct core_sig *core, str import_name)
{
    struct gen *g = c->g;
    str arguments = core_arguments(c, f, sig, core);
    str result = sig->ret.len ? str_concat(g->arena, STR("(uint8_t *) "), sig->ret) : STR("");
    LINE(c, "return $0;", call(g, import_name, arguments, result));
}

static void take(struct locals *l, str name)
{
    map_add(l->g->arena, &l->taken, name, 0);
}

void bindgen_import(struct gen *g, const struct wit_func *f)
{
    bool is_async = bindgen_is_async(g, f);
    struct core_sig core = bindgen_core_signature(g, f, is_async);
    bindgen_docs(&g->h_fns, f->docs, "");
    struct c_sig sig = bindgen_signature(g, f, is_async);
    str import_name =
        bindgen_claim(g, str_concat(g->arena, STR("__wasm_import_"), sig.name), f->at, STR(""));
    declare_import(g, f, &core, import_name, is_async);
    PUT(&g->h_fns, "extern $0;\n", sig.text);
    PUT(&g->c_adapters, "\n$0 {\n", sig.text);
    struct locals locals = {.g = g};
    for (u32 i = 0; i < f->param_count; i++) {
        take(&locals, sig.params[i].name);
        take(&locals, sig.params[i].outer);
    }
    take(&locals, sig.ret);
    take(&locals, sig.err);
    struct code c = {
        .g = g, .b = &g->c_adapters, .locals = &locals, .indent = 1, .budget = STATEMENTS_MAX};
    if (is_async)
        async_body(&c, f, &sig, &core, import_name);
    else
        sync_body(&c, f, &sig, &core, import_name);
    buf_c(&g->c_adapters, "}\n");
    bindgen_payloads(g, f);
}
