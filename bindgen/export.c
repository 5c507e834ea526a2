/* export.c - functions that the guest defines: the core export that calls them, post-return, task.return. */
#include "gen.h"

#define STATEMENTS_MAX 20000

struct saved_borrow {
    str variable; /* holds the handle, 0 if there is none */
    str drop;     /* the core import that drops it */
};

/* One exported function being written. */
struct export
{
    const struct wit_func *f;
    struct c_sig sig;
    struct core_sig core;
    str core_name; /* "iface#f" */
    str symbol;    /* C name of the core function */
    str args[FLAT_MAX];
    str *values;                      /* what the parameters are in C */
    VEC(struct saved_borrow) borrows; /* dropped after the call */
};

/* ---- Arguments ------------------------------------------------------------------------------------ */

static void save_borrows(struct code *c, struct export *e, struct wit_type t, str expr);

/* The same for the payloads of a variant, option or result. */
static void save_case_borrows(struct code *c, struct export *e, const struct wit_typedef *def,
                              str expr)
{
    struct gen *g = c->g;
    u32 cases = def->kind == WIT_VARIANT ? def->field_count : def->kind == WIT_RESULT ? 2 : 1;
    for (u32 i = 0; i < cases && !g->failed; i++) {
        struct wit_type part = i == 0 ? def->first : def->second;
        str condition, member;
        if (def->kind == WIT_VARIANT) {
            part = def->fields[i].type;
            condition =
                str_printf(g->arena, STRF " == %u", STRA(bindgen_member(g, expr, STR("tag"))), i);
            member = str_concat(g->arena, STR("val."),
                                bindgen_identifier(g->arena, def->fields[i].name));
        } else if (def->kind == WIT_OPTION) {
            condition = bindgen_member(g, expr, STR("is_some"));
            member = STR("val");
        } else {
            condition = str_concat(g->arena, i ? STR("") : STR("!"),
                                   bindgen_member(g, expr, STR("is_err")));
            member = i ? STR("val.err") : STR("val.ok");
        }
        const struct type_info *p = bindgen_info(g, part);
        if (!p || !p->borrows)
            continue;
        LINE(c, "if ($0) {", condition);
        c->indent++;
        save_borrows(c, e, part, bindgen_member(g, expr, member));
        c->indent--;
        LINE(c, "}", STR(""));
    }
}

/* Borrows of imported resources within the C value `expr`, which are dropped for the user after the call: their
 * handles are saved first, for the user may change or free what he gets. */
static void save_borrows(struct code *c, struct export *e, struct wit_type t, str expr)
{
    struct gen *g = c->g;
    const struct type_info *info = bindgen_info(g, t);
    const struct wit_typedef *def = bindgen_def(g, t);
    if (!info || !info->borrows || g->failed)
        return;
    if (def->kind == WIT_BORROW) {
        const struct type_info *r = g->infos[wit_unalias(g->r, def->first).id];
        str saved = bindgen_local(c->locals, STR("borrow"));
        LINE(c, "$0 = $1;", saved, bindgen_member(g, expr, STR("__handle")));
        *vec_push(g->arena, &e->borrows) = (struct saved_borrow){saved, r->drop};
        return;
    }
    if (def->kind == WIT_RECORD || def->kind == WIT_TUPLE) {
        for (u32 i = 0; i < def->field_count; i++) {
            str name = def->kind == WIT_TUPLE ? str_printf(g->arena, "f%u", i)
                                              : bindgen_identifier(g->arena, def->fields[i].name);
            save_borrows(c, e, def->fields[i].type, bindgen_member(g, expr, name));
        }
        return;
    }
    if (def->kind == WIT_FIXED_LIST) {
        for (u64 i = 0; i < def->length && !g->failed; i++)
            save_borrows(c, e, def->first,
                         bindgen_member(
                             g, expr, str_printf(g->arena, "items[%llu]", (unsigned long long)i)));
        return;
    }
    save_case_borrows(c, e, def, expr);
}

/* The functions that drop what is not dropped automatically. */
static void offer_drop_borrow(struct gen *g, struct wit_type t)
{
    struct type_info *info = t.kind == WIT_ID && wit_type_present(t) ? g->infos[t.id] : NULL;
    const struct wit_typedef *def = bindgen_def(g, t);
    if (!info || info->drop_offered || (!info->borrows && !info->borrows_in_list))
        return;
    info->drop_offered = true;
    if (def->kind == WIT_BORROW) {
        bindgen_drop_borrow(g, wit_unalias(g->r, def->first).id);
        return;
    }
    for (u32 i = 0; i < def->field_count; i++)
        offer_drop_borrow(g, def->fields[i].type);
    if (def->field_count == 0) {
        offer_drop_borrow(g, def->first);
        offer_drop_borrow(g, def->second);
    }
}

/* A parameter in the block of memory that holds all of them. */
static str block_argument(struct gen *g, const struct c_param *p, struct wit_type t, str block,
                          u32 offset)
{
    str place = str_printf(g->arena, "((" STRF " *) (" STRF " + %u))",
                           STRA(bindgen_type_name(g, t)), STRA(block), offset);
    if (p->optional)
        return str_printf(g->arena, STRF "->is_some ? &" STRF "->val : NULL", STRA(place),
                          STRA(place));
    return p->pointer ? place : str_concat(g->arena, STR("*"), place);
}

/* What a parameter that is passed by pointer points at. */
static str flat_argument(struct code *c, struct export *e, u32 i)
{
    struct gen *g = c->g;
    const struct c_param *p = &e->sig.params[i];
    if (p->optional)
        return str_printf(g->arena, STRF ".is_some ? &(" STRF ".val) : NULL", STRA(e->values[i]),
                          STRA(e->values[i]));
    if (!p->pointer)
        return e->values[i];
    str name = bindgen_local(c->locals, STR("arg"));
    LINE(c, "$0 $1 = $2;", bindgen_type_name(g, e->f->params[i].type), name, e->values[i]);
    e->values[i] = name;
    return str_concat(g->arena, STR("&"), name);
}

/* The C arguments; writes the statements that make them. */
static str c_arguments(struct code *c, struct export *e)
{
    struct gen *g = c->g;
    struct buf b = buf_in(g->arena);
    u64 offset = 0;
    u32 at = 0;
    e->values = arena_array(g->arena, str, e->f->param_count + 1);
    for (u32 i = 0; i < e->f->param_count && !e->core.indirect; i++)
        e->values[i] =
            bindgen_lift_flat(c, e->f->params[i].type, e->args, e->core.params.kinds, &at);
    for (u32 i = 0; i < e->f->param_count; i++) {
        struct wit_type t = e->f->params[i].type;
        struct wit_layout layout = wit_layout_of(g->r, t);
        offset = (offset + layout.align - 1) / layout.align * layout.align;
        str argument;
        if (e->core.indirect) {
            struct c_param plain = {.name = e->sig.params[i].name};
            e->values[i] = block_argument(g, &plain, t, e->args[0], (u32)offset);
            argument = block_argument(g, &e->sig.params[i], t, e->args[0], (u32)offset);
        } else {
            argument = flat_argument(c, e, i);
        }
        offset += layout.size;
        PUT(&b, "$0$1", i ? STR(", ") : STR(""), argument);
    }
    return b.len ? buf_view(&b) : STR("");
}

static void prepare_drops(struct code *c, struct export *e)
{
    struct gen *g = c->g;
    for (u32 i = 0; i < e->f->param_count && g->options->autodrop_borrows; i++) {
        struct wit_type t = e->f->params[i].type;
        const struct type_info *info = bindgen_info(g, t);
        if (info && (info->borrows_in_list || (e->sig.is_async && info->borrows)))
            offer_drop_borrow(g, t); /* only the user knows when, or how many there are */
        if (info && info->borrows && !e->sig.is_async)
            save_borrows(c, e, t, e->values[i]);
    }
}

/* ---- The call and its result ---------------------------------------------------------------------------- */

static str append_arguments(struct gen *g, str arguments, str more)
{
    return str_printf(g->arena, STRF "%s" STRF, STRA(arguments),
                      arguments.len && more.len ? ", " : "", STRA(more));
}

/* Declares `ret`, the whole result, and calls the user's function to fill it in. */
static void call_split(struct code *c, struct export *e, str ret, str arguments)
{
    struct gen *g = c->g;
    const struct wit_typedef *def = bindgen_def(g, e->f->result);
    struct buf pointers = buf_in(g->arena);
    str parts[2] = {STR_INIT(""), STR_INIT("")};
    if (e->sig.how == RETURN_OPTION) {
        LINE(c, "$0.is_some = $1($2);", ret, e->sig.name,
             append_arguments(g, arguments, str_printf(g->arena, "&" STRF ".val", STRA(ret))));
        return;
    }
    for (u32 i = 0; i < 2; i++) {
        if ((i ? e->sig.err : e->sig.ret).len == 0)
            continue;
        parts[i] = bindgen_local(c->locals, i ? STR("err") : STR("ok"));
        LINE(c, "$0 $1;", bindgen_type_name(g, i ? def->second : def->first), parts[i]);
        PUT(&pointers, "$0&$1", pointers.len ? STR(", ") : STR(""), parts[i]);
    }
    LINE(c, "$0.is_err = !$1($2);", ret, e->sig.name,
         append_arguments(g, arguments, pointers.len ? buf_view(&pointers) : STR("")));
    for (u32 i = 0; i < 2; i++) {
        if (parts[i].len == 0)
            continue;
        LINE(c, "if ($0$1.is_err) {", i ? STR("") : STR("!"), ret);
        LINE(c, "  $0.val.$1 = $2;", ret, i ? STR("err") : STR("ok"), parts[i]);
        LINE(c, "}", STR(""));
    }
}

/* Calls the user's function; gives the name of the variable that holds the result, empty if there is none. */
static str call_user(struct code *c, struct export *e, str arguments)
{
    struct gen *g = c->g;
    if (!wit_type_present(e->f->result)) {
        LINE(c, "$0($1);", e->sig.name, arguments);
        return STR("");
    }
    str ret = bindgen_local(c->locals, STR("ret")), type = bindgen_type_name(g, e->f->result);
    if (e->sig.how == RETURN_VALUE) {
        LINE(c, "$0 $1 = $2($3);", type, ret, e->sig.name, arguments);
        return ret;
    }
    LINE(c, "$0 $1;", type, ret);
    if (e->sig.ret_pointer)
        LINE(c, "$0($1);", e->sig.name,
             append_arguments(g, arguments, str_concat(g->arena, STR("&"), ret)));
    else
        call_split(c, e, ret, arguments);
    return ret;
}

static void finish_call(struct code *c, struct export *e)
{
    for (u32 i = 0; i < e->borrows.len; i++) {
        const struct saved_borrow *x = &e->borrows.data[i];
        LINE(c, "if ($0) {", x->variable);
        LINE(c, "  $0($1);", x->drop, x->variable);
        LINE(c, "}", STR(""));
    }
    if (e->core.indirect)
        LINE(c, "free($0);", e->args[0]);
}

static void return_result(struct code *c, struct export *e, str ret)
{
    struct gen *g = c->g;
    if (e->core.ret_area) {
        struct wit_layout layout = wit_layout_of(g->r, e->f->result);
        if (g->area_size < layout.size)
            g->area_size = layout.size;
        if (g->area_align < layout.align)
            g->area_align = layout.align;
        LINE(c, "*($0 *) (void *) RET_AREA = $1;", bindgen_type_name(g, e->f->result), ret);
        LINE(c, "return RET_AREA;", STR(""));
    } else if (e->core.result.count) {
        str value[FLAT_MAX];
        u32 n = 0;
        bindgen_lower_flat(c, e->f->result, ret, value, &n);
        LINE(c, "return $0;", value[0]);
    }
}

static void put_body(struct gen *g, struct export *e, struct locals *locals)
{
    struct buf body = buf_in(g->arena);
    struct code c = {.g = g, .b = &body, .locals = locals, .indent = 1, .budget = STATEMENTS_MAX};
    str arguments = c_arguments(&c, e);
    struct buf saves = buf_in(g->arena);
    c.b = &saves;
    prepare_drops(&c, e);
    c.b = &body;
    for (u32 i = 0; i < e->borrows.len; i++)
        LINE(&c, "int32_t $0 = 0;", e->borrows.data[i].variable);
    buf_str(&body, saves.len ? buf_view(&saves) : STR(""));
    if (e->sig.is_async) {
        str code = bindgen_local(locals, STR("ret"));
        LINE(&c, "$0_callback_code_t $1 = $2($3);", g->snake, code, e->sig.name, arguments);
        finish_call(&c, e);
        LINE(&c, "return $0;", code);
    } else {
        str ret = call_user(&c, e, arguments);
        finish_call(&c, e);
        return_result(&c, e, ret);
    }
    buf_str(&g->c_adapters, buf_view(&body));
}

/* The core function. */
static void put_export(struct gen *g, struct export *e)
{
    struct locals locals = {.g = g};
    for (u32 i = 0; i < e->f->param_count; i++)
        bindgen_local(&locals, e->sig.params[i].name);
    str result = STR("void");
    if (e->sig.is_async)
        result = STR("int32_t");
    else if (e->core.ret_area)
        result = STR("uint8_t *");
    else if (e->core.result.count)
        result = str_c(bindgen_flat_type(e->core.result.kinds[0]));
    PUT(&g->c_adapters, "\n__attribute__((__export_name__(\"$0$1\")))\n$2 $3(",
        e->sig.is_async ? STR("[async-lift]") : STR(""), e->core_name, result, e->symbol);
    for (u32 i = 0; i < e->core.params.count; i++) {
        e->args[i] = bindgen_local(&locals, i ? str_printf(g->arena, "arg%u", i - 1) : STR("arg"));
        PUT(&g->c_adapters, "$0$1 $2", i ? STR(", ") : STR(""),
            str_c(bindgen_flat_type(e->core.params.kinds[i])), e->args[i]);
    }
    buf_c(&g->c_adapters, e->core.params.count ? ") {\n" : "void) {\n");
    put_body(g, e, &locals);
    buf_c(&g->c_adapters, "}\n");
}

/* Frees what the caller has read of a result. */
static void put_post_return(struct gen *g, struct export *e)
{
    if (!wit_type_present(e->f->result) || !bindgen_owns_memory(g, e->f->result))
        return;
    str pointer = str_printf(g->arena, "(" STRF " *) (void *) arg0",
                             STRA(bindgen_type_name(g, e->f->result)));
    PUT(&g->c_post,
        "\n__attribute__((__weak__, __export_name__(\"cabi_post_$0\")))\n"
        "void $1_post_return(uint8_t * arg0) {\n",
        e->core_name, e->symbol);
    bindgen_free(g, &g->c_post, e->f->result, pointer, "  ");
    buf_c(&g->c_post, "}\n");
}

/* ---- Async ----------------------------------------------------------------------------------------------- */

static void put_callback(struct gen *g, const struct export *e)
{
    str callback = bindgen_claim(g, str_concat(g->arena, e->sig.name, STR("_callback")), e->f->at,
                                 STR("the callback of a function"));
    str symbol =
        bindgen_claim(g, str_concat(g->arena, e->symbol, STR("_callback")), e->f->at, STR(""));
    PUT(&g->h_fns, "$0_callback_code_t $1($0_event_t *event);\n", g->snake, callback);
    PUT(&g->c_helpers,
        "\n__attribute__((__export_name__(\"[callback][async-lift]$0\")))\n"
        "uint32_t $1(uint32_t event_raw, uint32_t waitable, uint32_t code) {\n"
        "  $2_event_t event;\n"
        "  event.event = ($2_event_code_t) event_raw;\n"
        "  event.waitable = waitable;\n"
        "  event.code = code;\n"
        "  return $3(&event);\n"
        "}\n",
        e->core_name, symbol, g->snake, callback);
}

/* NAME_return, which hands over the result. */
static void put_task_return(struct gen *g, const struct export *e)
{
    struct locals locals = {.g = g};
    str name = bindgen_claim(g, str_concat(g->arena, e->sig.name, STR("_return")), e->f->at,
                             STR("the function that returns the result of a function"));
    str import = str_concat(g->arena, e->symbol, STR("__task_return"));
    bool present = wit_type_present(e->f->result), over = e->core.result.count == FLAT_OVER;
    struct flats flats = over ? (struct flats){1, {FLAT_POINTER}} : e->core.result;
    str param = present ? str_concat(g->arena, bindgen_type_name(g, e->f->result), STR(" ret"))
                        : STR("void");
    PUT(&g->h_helpers, "void $0($1);\n", name, param);
    PUT(&g->c_helpers,
        "\n__attribute__((__import_module__(\"[export]$0\"), "
        "__import_name__(\"[task-return]$1\")))\n",
        g->module, e->f->name);
    bindgen_prototype(&g->c_helpers, STR("void"), import, &flats, STR(""));
    PUT(&g->c_helpers, ";\n\nvoid $0($1) {\n", name, param);
    struct code c = {
        .g = g, .b = &g->c_helpers, .locals = &locals, .indent = 1, .budget = STATEMENTS_MAX};
    str values[FLAT_MAX] = {STR_INIT("(uint8_t *) &ret")};
    u32 n = over ? 1 : 0;
    struct buf arguments = buf_in(g->arena);
    if (present && !over)
        bindgen_lower_flat(&c, e->f->result, STR("ret"), values, &n);
    for (u32 i = 0; i < n; i++)
        PUT(&arguments, "$0$1", i ? STR(", ") : STR(""), values[i]);
    LINE(&c, "$0($1);", import, n ? buf_view(&arguments) : STR(""));
    buf_c(&g->c_helpers, "}\n");
}

void bindgen_export(struct gen *g, const struct wit_func *f)
{
    bool is_async = bindgen_is_async(g, f);
    struct export e = {.f = f};
    e.core = bindgen_core_signature(g, f, is_async);
    bindgen_docs(&g->h_fns, f->docs, "");
    e.sig = bindgen_signature(g, f, is_async);
    e.core_name = g->interface == WIT_NONE
                      ? f->name
                      : str_printf(g->arena, STRF "#" STRF, STRA(g->module), STRA(f->name));
    e.symbol =
        bindgen_claim(g, str_concat(g->arena, STR("__wasm_export_"), e.sig.name), f->at, STR(""));
    PUT(&g->h_fns, "$0;\n", e.sig.text);
    put_export(g, &e);
    if (is_async) {
        put_callback(g, &e);
        put_task_return(g, &e);
    } else {
        put_post_return(g, &e);
    }
    bindgen_payloads(g, f);
}
