/* resources.c - the C types and functions of a resource. */
#include "gen.h"

static str join3(struct gen *g, str prefix, const char *middle, str name, const char *suffix)
{
    return str_printf(g->arena, STRF "%s" STRF "%s", STRA(prefix), middle, STRA(name), suffix);
}

static str claim(struct gen *g, const struct wit_typedef *t, str name)
{
    return bindgen_claim(g, name, t->at,
                         str_printf(g->arena, "a part of the resource `" STRF "`", STRA(t->name)));
}

static void drop_own(struct gen *g, const struct wit_typedef *t, struct type_info *info,
                     str import_module)
{
    PUT(&g->h_defs, "\ntypedef struct $0 {\n  int32_t __handle;\n} $0;\n", info->own);
    PUT(&g->h_helpers, "\nextern void $0($1 handle);\n", info->drop_fn, info->own);
    PUT(&g->c_helpers,
        "\n__attribute__((__import_module__(\"$0\"), __import_name__(\"[resource-drop]$1\")))\n"
        "extern void $2(int32_t handle);\n"
        "\n"
        "void $3($4 handle) {\n"
        "  $2(handle.__handle);\n"
        "}\n",
        import_module, t->name, info->drop, info->drop_fn, info->own);
}

void bindgen_drop_borrow(struct gen *g, u32 type)
{
    struct type_info *info = g->infos[type];
    if (info->drop_borrow_done)
        return;
    info->drop_borrow_done = true;
    PUT(&g->h_helpers, "\nextern void $0($1 handle);\n", info->drop_borrow_fn, info->borrow);
    PUT(&g->c_helpers, "\nvoid $0($1 handle) {\n  $2(handle.__handle);\n}\n", info->drop_borrow_fn,
        info->borrow, info->drop);
}

static void imported(struct gen *g, u32 type, str ns, str snake)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    PUT(&g->h_defs, "\ntypedef struct $0 {\n  int32_t __handle;\n} $0;\n", info->borrow);
    info->drop_borrow_fn = claim(g, t, join3(g, ns, "_", snake, "_drop_borrow"));
    if (!g->options->autodrop_borrows)
        bindgen_drop_borrow(g, type);
    str borrow_fn = claim(g, t, join3(g, ns, "_borrow_", snake, ""));
    PUT(&g->h_helpers, "\nextern $0 $1($2 handle);\n", info->borrow, borrow_fn, info->own);
    PUT(&g->c_helpers, "\n$0 $1($2 arg) {\n  return ($0) {arg.__handle};\n}\n", info->borrow,
        borrow_fn, info->own);
}

static void exported(struct gen *g, u32 type, str ns, str snake, str module)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    str new_fn = claim(g, t, join3(g, ns, "_", snake, "_new"));
    str rep_fn = claim(g, t, join3(g, ns, "_", snake, "_rep"));
    str destructor = claim(g, t, join3(g, ns, "_", snake, "_destructor"));
    info->exported = true;
    PUT(&g->h_defs, "\ntypedef struct $0 $0;\n\ntypedef $0* $1;\n", info->name, info->borrow);
    PUT(&g->h_helpers,
        "\nextern $0 $1($2 *rep);\n"
        "extern $2* $3($0 handle);\n"
        "void $4($2 *rep);\n",
        info->own, new_fn, info->name, rep_fn, destructor);
    PUT(&g->c_helpers,
        "\n__attribute__((__import_module__(\"[export]$0\"), "
        "__import_name__(\"[resource-new]$1\")))\n"
        "extern int32_t __wasm_import_$2(int32_t);\n"
        "\n"
        "__attribute__((__import_module__(\"[export]$0\"), "
        "__import_name__(\"[resource-rep]$1\")))\n"
        "extern int32_t __wasm_import_$3(int32_t);\n"
        "\n"
        "$4 $2($5 *rep) {\n"
        "  return ($4) {__wasm_import_$2((int32_t) rep)};\n"
        "}\n"
        "\n"
        "$5* $3($4 handle) {\n"
        "  return ($5 *) __wasm_import_$3(handle.__handle);\n"
        "}\n",
        module, t->name, new_fn, rep_fn, info->own, info->name);
    /* The destructor has the name of the resource as it is in WIT. */
    PUT(&g->c_helpers,
        "\n__attribute__((__export_name__(\"$0#[dtor]$1\")))\n"
        "void __wasm_export_$2_$3_dtor($4 *arg) {\n"
        "  $5(arg);\n"
        "}\n",
        module, t->name, ns, snake, info->name, destructor);
}

void bindgen_resource(struct gen *g, u32 type)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    str snake = bindgen_snake(g->arena, t->name), ns = g->ns, module = g->module;
    bool exporting = g->exporting;
    if (t->owner.kind == WIT_OWNER_INTERFACE && g->roles[t->owner.index].used) {
        const struct role *role = &g->roles[t->owner.index];
        ns = role->ns;
        module = role->module;
        exporting = role->exported;
    } else if (t->owner.kind == WIT_OWNER_WORLD) {
        ns = g->snake;
        module = STR("$root");
        exporting = false;
    }
    info->own = claim(g, t, join3(g, ns, "_own_", snake, "_t"));
    info->borrow = claim(g, t, join3(g, ns, "_borrow_", snake, "_t"));
    info->drop_fn = claim(g, t, join3(g, ns, "_", snake, "_drop_own"));
    info->drop = join3(g, STR("__wasm_import_"), "", join3(g, ns, "_", snake, ""), "_drop");
    str drop_module = exporting ? str_concat(g->arena, STR("[export]"), module) : module;
    drop_own(g, t, info, drop_module);
    if (exporting)
        exported(g, type, ns, snake, module);
    else
        imported(g, type, ns, snake);
}
