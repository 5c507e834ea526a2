/* types.c - the C types, what is known of them, and the helpers that free them. */
#include "gen.h"

#define NAME_MAX_LENGTH 2000 /* of a C name; only nonsense is longer */
#define DEPTH_MAX       500  /* of types within types, the same */

/* ---- Looking at types ----------------------------------------------------------------------------- */

const struct wit_typedef *bindgen_def(const struct gen *g, struct wit_type t)
{
    t = wit_unalias(g->r, t);
    return t.kind == WIT_ID && t.id < g->r->types.len ? &g->r->types.data[t.id] : NULL;
}

enum wit_kind bindgen_kind(const struct gen *g, struct wit_type t)
{
    const struct wit_typedef *def = bindgen_def(g, t);
    return def ? def->kind : wit_unalias(g->r, t).kind;
}

const struct type_info *bindgen_info(const struct gen *g, struct wit_type t)
{
    return t.kind == WIT_ID && t.id < g->r->types.len ? g->infos[t.id] : NULL;
}

bool bindgen_by_pointer(const struct gen *g, struct wit_type t)
{
    switch (bindgen_kind(g, t)) {
    case WIT_STRING:
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
    case WIT_LIST:
    case WIT_MAP:
    case WIT_FIXED_LIST: return true;
    default: return false;
    }
}

bool bindgen_owns_memory(const struct gen *g, struct wit_type t)
{
    const struct type_info *info = bindgen_info(g, t);
    return info ? info->owns_memory : t.kind == WIT_STRING;
}

const char *bindgen_int_type(u32 bytes)
{
    return bytes == 1 ? "uint8_t" : bytes == 2 ? "uint16_t" : "uint32_t";
}

/* How primitives are called: in C, and as a part of names. */
static const struct {
    const char *type, *encoded;
} primitives[] = {
    [WIT_BOOL] = {"bool", "bool"},   [WIT_U8] = {"uint8_t", "u8"},
    [WIT_U16] = {"uint16_t", "u16"}, [WIT_U32] = {"uint32_t", "u32"},
    [WIT_U64] = {"uint64_t", "u64"}, [WIT_S8] = {"int8_t", "s8"},
    [WIT_S16] = {"int16_t", "s16"},  [WIT_S32] = {"int32_t", "s32"},
    [WIT_S64] = {"int64_t", "s64"},  [WIT_F32] = {"float", "f32"},
    [WIT_F64] = {"double", "f64"},   [WIT_CHAR] = {"uint32_t", "char32"},
    [WIT_STRING] = {NULL, "string"}, [WIT_ERROR_CONTEXT] = {NULL, "error_context"},
};

str bindgen_type_name(struct gen *g, struct wit_type t)
{
    const struct type_info *info = bindgen_info(g, t);
    if (info)
        return info->name;
    if (t.kind == WIT_STRING) {
        g->needs_string = true;
        return str_concat(g->arena, g->snake, STR("_string_t"));
    }
    if (t.kind == WIT_ERROR_CONTEXT) {
        g->needs_error_context = true;
        return str_concat(g->arena, g->snake, STR("_error_context_t"));
    }
    return (size_t)t.kind < LENGTH_OF(primitives) ? str_c(primitives[t.kind].type) : STR("void");
}

/* ---- Names --------------------------------------------------------------------------------------------- */

static void encode_part(struct gen *g, struct buf *b, struct wit_type t)
{
    if (!wit_type_present(t)) {
        buf_c(b, "void");
    } else if (t.kind == WIT_ID) {
        buf_str(b, g->infos[t.id]->encoded);
    } else if ((size_t)t.kind < LENGTH_OF(primitives)) {
        buf_c(b, primitives[t.kind].encoded);
    }
}

/* What a type contributes to the names of types around it. */
static str encode(struct gen *g, const struct wit_typedef *t)
{
    static const char *const prefixes[] = {
        [WIT_OWN] = "own_",       [WIT_BORROW] = "borrow_",  [WIT_TUPLE] = "tuple",
        [WIT_OPTION] = "option_", [WIT_RESULT] = "result_",  [WIT_LIST] = "list_",
        [WIT_MAP] = "map_",       [WIT_FIXED_LIST] = "list", [WIT_FUTURE] = "future_",
        [WIT_STREAM] = "stream_", [WIT_ALIAS] = "",
    };
    if (t->name.len)
        return bindgen_snake(g->arena, t->name);
    struct buf b = buf_in(g->arena);
    struct wit_type part;
    bool counted = t->kind == WIT_TUPLE || t->kind == WIT_FIXED_LIST;
    buf_c(&b, prefixes[t->kind] ? prefixes[t->kind] : "");
    if (t->kind == WIT_TUPLE)
        buf_printf(&b, "%u", t->field_count);
    if (t->kind == WIT_FIXED_LIST)
        buf_printf(&b, "%llu", (unsigned long long)t->length);
    for (u32 i = 0; wit_type_part(t, i, &part) && b.len <= NAME_MAX_LENGTH; i++) {
        buf_c(&b, counted || i > 0 ? "_" : "");
        encode_part(g, &b, part);
    }
    if (b.len > NAME_MAX_LENGTH && !g->failed) {
        diag_error(g->diags, "c-name", t->at,
                   "the C name of an anonymous type would have more than %u characters",
                   NAME_MAX_LENGTH);
        g->failed = true;
    }
    return buf_view(&b);
}

/* Anonymous, and made of nothing but lists, options, tuples and maps of primitives. */
static bool is_shared(const struct gen *g, const struct wit_typedef *t)
{
    if (t->name.len)
        return false;
    switch (t->kind) {
    case WIT_LIST:
    case WIT_OPTION:
    case WIT_TUPLE:
    case WIT_ALIAS:
    case WIT_FIXED_LIST:
    case WIT_MAP: break;
    default: return false;
    }
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        const struct type_info *info = bindgen_info(g, part);
        if (info && !info->shared)
            return false;
    }
    return true;
}

/* Prefix of a type's C name: its owner's, or that of the place where an anonymous type is met. */
static str owner_prefix(const struct gen *g, const struct wit_typedef *t)
{
    switch (t->owner.kind) {
    case WIT_OWNER_INTERFACE:
        return t->name.len && g->roles[t->owner.index].used ? g->roles[t->owner.index].ns : g->ns;
    case WIT_OWNER_WORLD: return g->snake;
    default: return g->ns;
    }
}

/* ---- Facts ------------------------------------------------------------------------------------------------ */

static void add_part_facts(const struct gen *g, enum wit_kind kind, struct type_info *to,
                           struct wit_type part)
{
    const struct type_info *p = bindgen_info(g, part);
    bool list = kind == WIT_LIST || kind == WIT_MAP;
    to->owns_memory |= list || bindgen_owns_memory(g, part);
    if (!p)
        return;
    to->owns_handle |= p->owns_handle;
    if (to->depth <= p->depth)
        to->depth = p->depth + 1;
    to->borrows |= !list && p->borrows;
    to->borrows_in_list |= p->borrows_in_list || (list && p->borrows);
}

static void flatten(const struct gen *g, const struct wit_typedef *t, struct flats *out)
{
    struct wit_type part;
    struct flats f;
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_ALIAS:
        for (u32 i = 0; wit_type_part(t, i, &part); i++) {
            bindgen_flats_of(g, part, &f);
            bindgen_flats_append(out, &f);
        }
        return;
    case WIT_FIXED_LIST:
        bindgen_flats_of(g, t->first, &f);
        for (u64 i = 0; i < t->length && out->count != FLAT_OVER; i++)
            bindgen_flats_append(out, &f);
        return;
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
        *out = (struct flats){1, {FLAT_I32}};
        for (u32 i = 0; wit_type_part(t, i, &part); i++) {
            bindgen_flats_of(g, part, &f);
            bindgen_flats_join(out, &f);
        }
        return;
    case WIT_LIST:
    case WIT_MAP: *out = (struct flats){2, {FLAT_POINTER, FLAT_LENGTH}}; return;
    case WIT_RESOURCE: return;
    default: *out = (struct flats){1, {FLAT_I32}}; return;
    }
}

static void compute_facts(struct gen *g, u32 type)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    struct wit_type part;
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        struct wit_type resource = wit_unalias(g->r, t->first);
        info->owns_handle = t->kind == WIT_OWN;
        info->borrows = t->kind == WIT_BORROW && !g->infos[resource.id]->exported;
        info->drop_fn = t->kind == WIT_OWN ? g->infos[resource.id]->drop_fn : STR("");
    } else if (t->kind == WIT_FUTURE || t->kind == WIT_STREAM) {
        info->owns_handle = true;
    } else {
        for (u32 i = 0; wit_type_part(t, i, &part); i++)
            add_part_facts(g, t->kind, info, part);
    }
    flatten(g, t, &info->flats);
    if (info->depth > DEPTH_MAX) {
        diag_unsupported(g->diags, t->at, "types nested more than %d deep", DEPTH_MAX);
        g->failed = true;
    }
}

/* ---- Definitions ---------------------------------------------------------------------------------------------- */

static void open_struct(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    if (t->name.len)
        PUT(&g->h_defs, "typedef struct $0 {\n", info->name);
    else
        buf_c(&g->h_defs, "typedef struct {\n");
}

static void close_struct(struct gen *g, const struct type_info *info)
{
    PUT(&g->h_defs, "} $0;\n", info->name);
}

static void put_member(struct gen *g, struct wit_type t, str name, const char *indent)
{
    PUT(&g->h_defs, "$0$1 $2;\n", str_c(indent), bindgen_type_name(g, t), name);
}

/* One macro for each case or flag. `shift`: it is a bit. */
static void put_macros(struct gen *g, const struct wit_typedef *t, bool shift)
{
    str prefix = bindgen_shouty(g->arena, owner_prefix(g, t));
    str type = bindgen_shouty(g->arena, t->name);
    buf_byte(&g->h_defs, '\n');
    for (u32 i = 0; i < t->field_count; i++) {
        const struct wit_field *f = &t->fields[i];
        str name = str_printf(g->arena, STRF "_" STRF "_" STRF, STRA(prefix), STRA(type),
                              STRA(bindgen_shouty(g->arena, f->name)));
        name = bindgen_claim(g, name, f->at,
                             str_printf(g->arena, "the case `" STRF "`", STRA(f->name)));
        bindgen_docs(&g->h_defs, f->docs, "");
        buf_printf(&g->h_defs,
                   !shift    ? "#define " STRF " %u\n"
                   : i == 31 ? "#define " STRF " (1U << %u)\n"
                             : "#define " STRF " (1 << %u)\n",
                   STRA(name), i);
    }
}

static void define_record(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    open_struct(g, t, info);
    for (u32 i = 0; i < t->field_count; i++) {
        bool tuple = t->kind == WIT_TUPLE;
        if (!tuple)
            bindgen_docs(&g->h_defs, t->fields[i].docs, "  ");
        put_member(g, t->fields[i].type,
                   tuple ? str_printf(g->arena, "f%u", i)
                         : bindgen_identifier(g->arena, t->fields[i].name),
                   "  ");
    }
    close_struct(g, info);
}

static void define_variant(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    open_struct(g, t, info);
    buf_printf(&g->h_defs, "  %s tag;\n", bindgen_int_type(wit_discriminant_size(t->field_count)));
    bool payload = false;
    for (u32 i = 0; i < t->field_count; i++) {
        if (!wit_type_present(t->fields[i].type))
            continue;
        buf_c(&g->h_defs, payload ? "" : "  union {\n");
        payload = true;
        put_member(g, t->fields[i].type, bindgen_identifier(g->arena, t->fields[i].name), "    ");
    }
    buf_c(&g->h_defs, payload ? "  } val;\n" : "");
    close_struct(g, info);
    put_macros(g, t, false);
}

static void define_result(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    bool ok = wit_type_present(t->first), err = wit_type_present(t->second);
    open_struct(g, t, info);
    buf_c(&g->h_defs, "  bool is_err;\n");
    if (ok || err) {
        buf_c(&g->h_defs, "  union {\n");
        if (ok)
            put_member(g, t->first, STR("ok"), "    ");
        if (err)
            put_member(g, t->second, STR("err"), "    ");
        buf_c(&g->h_defs, "  } val;\n");
    }
    close_struct(g, info);
}

static str entry_name(struct gen *g, str map)
{
    return str_printf(g->arena, STRF "_entry_t", STRA(str_sub(map, 0, map.len - 2)));
}

str bindgen_element_type(struct gen *g, struct wit_type t)
{
    const struct wit_typedef *def = bindgen_def(g, t);
    if (!def)
        return g->options->encoding == ENCODING_UTF16 ? STR("uint16_t") : STR("uint8_t");
    if (def->kind != WIT_MAP)
        return bindgen_type_name(g, def->first);
    str name = bindgen_type_name(g, (struct wit_type){WIT_ID, (u32)(def - g->r->types.data)});
    return entry_name(g, name);
}

static void define_list(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    str element = t->kind == WIT_MAP ? entry_name(g, info->name) : bindgen_type_name(g, t->first);
    if (t->kind == WIT_MAP) {
        buf_c(&g->h_defs, "typedef struct {\n");
        put_member(g, t->first, STR("key"), "  ");
        put_member(g, t->second, STR("value"), "  ");
        PUT(&g->h_defs, "} $0;\n\n", element);
    }
    open_struct(g, t, info);
    if (t->kind == WIT_FIXED_LIST) {
        PUT(&g->h_defs, "  $0 items[", element);
        buf_printf(&g->h_defs, "%llu];\n", (unsigned long long)t->length);
    } else {
        PUT(&g->h_defs, "  $0 *ptr;\n  size_t len;\n", element);
    }
    close_struct(g, info);
}

static void define_handle(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    const struct type_info *r = g->infos[wit_unalias(g->r, t->first).id];
    str target = t->kind == WIT_OWN ? r->own : r->borrow;
    if (!str_eq(target, info->name)) /* the handle of the resource itself is there */
        PUT(&g->h_defs, "typedef $0 $1;\n", target, info->name);
}

static void define_option(struct gen *g, const struct wit_typedef *t, const struct type_info *info)
{
    open_struct(g, t, info);
    buf_c(&g->h_defs, "  bool is_some;\n");
    put_member(g, t->first, STR("val"), "  ");
    close_struct(g, info);
}

static void define_body(struct gen *g, u32 type)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    const struct type_info *info = g->infos[type];
    if (t->kind == WIT_RESOURCE) {
        bindgen_resource(g, type);
        return;
    }
    if (t->kind == WIT_ALIAS && bindgen_kind(g, t->first) == WIT_RESOURCE)
        return; /* only the handles are types in C */
    buf_byte(&g->h_defs, '\n');
    if (t->name.len)
        bindgen_docs(&g->h_defs, t->docs, "");
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE: define_record(g, t, info); break;
    case WIT_VARIANT: define_variant(g, t, info); break;
    case WIT_OPTION: define_option(g, t, info); break;
    case WIT_RESULT: define_result(g, t, info); break;
    case WIT_LIST:
    case WIT_MAP:
    case WIT_FIXED_LIST: define_list(g, t, info); break;
    case WIT_OWN:
    case WIT_BORROW: define_handle(g, t, info); break;
    case WIT_ENUM:
    case WIT_FLAGS:
        PUT(&g->h_defs, "typedef $0 $1;\n",
            str_c(bindgen_int_type(wit_layout_of(g->r, (struct wit_type){WIT_ID, type}).size)),
            info->name);
        put_macros(g, t, t->kind == WIT_FLAGS);
        break;
    case WIT_ALIAS:
        PUT(&g->h_defs, "typedef $0 $1;\n", bindgen_type_name(g, t->first), info->name);
        break;
    default: PUT(&g->h_defs, "typedef uint32_t $0;\n", info->name); break;
    }
}

/* ---- Helpers that free ---------------------------------------------------------------------------------------- */

void bindgen_free(struct gen *g, struct buf *b, struct wit_type t, str expr, const char *indent)
{
    const struct type_info *info = bindgen_info(g, t);
    if (info && info->free_fn.len)
        PUT(b, "$0$1($2);\n", str_c(indent), info->free_fn, expr);
    else if (t.kind == WIT_STRING)
        PUT(b, "$0$1_string_free($2);\n", str_c(indent), g->snake, expr);
}

static bool can_free(const struct gen *g, struct wit_type t)
{
    const struct type_info *info = bindgen_info(g, t);
    return info ? info->free_fn.len > 0 : t.kind == WIT_STRING;
}

/* Does something for one part of a value: writes to b what to do with the object at `pointer`. */
typedef void part_action(struct gen *g, struct buf *b, struct wit_type t, str pointer,
                         const char *indent);

/* Calls the action for every element of a fixed list, or of a list or map, whose memory is freed then. */
static void walk_elements(struct gen *g, struct buf *b, const struct wit_typedef *t,
                          part_action *act)
{
    if (t->kind == WIT_FIXED_LIST) {
        buf_printf(b, "  for (size_t i = 0; i < %llu; i++) {\n", (unsigned long long)t->length);
        act(g, b, t->first, STR("&ptr->items[i]"), "    ");
        buf_c(b, "  }\n");
        return;
    }
    str what = t->kind == WIT_MAP ? STR("map") : STR("list");
    PUT(b,
        "  size_t $0_len = ptr->len;\n"
        "  if ($0_len > 0) {\n"
        "    $1 *$0_ptr = ptr->ptr;\n"
        "    for (size_t i = 0; i < $0_len; i++) {\n",
        what, bindgen_element_type(g, (struct wit_type){WIT_ID, (u32)(t - g->r->types.data)}));
    if (t->kind == WIT_MAP) {
        act(g, b, t->first, STR("&map_ptr[i].key"), "      ");
        act(g, b, t->second, STR("&map_ptr[i].value"), "      ");
    } else {
        act(g, b, t->first, STR("&list_ptr[i]"), "      ");
    }
    PUT(b, "    }\n    free($0_ptr);\n  }\n", what);
}

static void walk_cases(struct gen *g, struct buf *b, const struct wit_typedef *t, part_action *act)
{
    buf_c(b, "  switch ((int32_t) ptr->tag) {\n");
    for (u32 i = 0; i < t->field_count; i++) {
        if (!wit_type_present(t->fields[i].type))
            continue;
        buf_printf(b, "    case %u: {\n", i);
        act(g, b, t->fields[i].type,
            str_concat(g->arena, STR("&ptr->val."),
                       bindgen_identifier(g->arena, t->fields[i].name)),
            "      ");
        buf_c(b, "      break;\n    }\n");
    }
    buf_c(b, "  }\n");
}

static void walk_result(struct gen *g, struct buf *b, const struct wit_typedef *t, part_action *act)
{
    buf_c(b, "  if (!ptr->is_err) {\n");
    if (wit_type_present(t->first))
        act(g, b, t->first, STR("&ptr->val.ok"), "    ");
    if (wit_type_present(t->second)) {
        buf_c(b, "  } else {\n");
        act(g, b, t->second, STR("&ptr->val.err"), "    ");
    }
    buf_c(b, "  }\n");
}

/* Calls the action for the parts of `*ptr`. */
static void walk_parts(struct gen *g, struct buf *b, const struct wit_typedef *t, part_action *act)
{
    switch (t->kind) {
    case WIT_ALIAS: act(g, b, t->first, STR("ptr"), "  "); break;
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < t->field_count; i++) {
            str name = t->kind == WIT_TUPLE ? str_printf(g->arena, "f%u", i)
                                            : bindgen_identifier(g->arena, t->fields[i].name);
            act(g, b, t->fields[i].type, str_concat(g->arena, STR("&ptr->"), name), "  ");
        }
        break;
    case WIT_OPTION:
        buf_c(b, "  if (ptr->is_some) {\n");
        act(g, b, t->first, STR("&ptr->val"), "    ");
        buf_c(b, "  }\n");
        break;
    case WIT_VARIANT: walk_cases(g, b, t, act); break;
    case WIT_RESULT: walk_result(g, b, t, act); break;
    case WIT_LIST:
    case WIT_MAP:
    case WIT_FIXED_LIST: walk_elements(g, b, t, act); break;
    default: break;
    }
}

/* Variants, options, results, lists and maps always have a helper; others when a part has one. */
static bool has_free_helper(const struct gen *g, const struct wit_typedef *t)
{
    switch (t->kind) {
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
    case WIT_LIST:
    case WIT_MAP: return true;
    case WIT_RECORD:
    case WIT_TUPLE:
    case WIT_FIXED_LIST:
    case WIT_ALIAS: {
        struct wit_type part;
        for (u32 i = 0; wit_type_part(t, i, &part); i++) {
            if (can_free(g, part))
                return true;
        }
        return false;
    }
    default: return false;
    }
}

static void put_helper(struct gen *g, str name, const struct type_info *info, str body)
{
    if (g->options->no_helpers) {
        PUT(&g->c_defs, "static void $0($1 *ptr);\n", name, info->name);
        PUT(&g->c_helpers, "\n__attribute__((__unused__))\nstatic void $0($1 *ptr) {\n$2}\n", name,
            info->name, body);
    } else {
        PUT(&g->h_helpers, "\nvoid $0($1 *ptr);\n", name, info->name);
        PUT(&g->c_helpers, "\nvoid $0($1 *ptr) {\n$2}\n", name, info->name, body);
    }
}

static void define_free(struct gen *g, u32 type)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    if (!has_free_helper(g, t))
        return;
    str name = str_concat(g->arena, str_sub(info->name, 0, info->name.len - 2), STR("_free"));
    info->free_fn = bindgen_claim(g, name, t->at, STR("the helper that frees a type"));
    struct buf body = buf_in(g->arena);
    walk_parts(g, &body, t, bindgen_free);
    put_helper(g, info->free_fn, info, buf_view(&body));
}

/* ---- Helpers that drop handles, too -------------------------------------------------------------------------- */

struct type_info *bindgen_definition(struct gen *g, struct wit_type t)
{
    struct type_info *info = t.kind == WIT_ID && wit_type_present(t) ? g->infos[t.id] : NULL;
    return info && info->same_as ? info->same_as : info;
}

static void drop_part(struct gen *g, struct buf *b, struct wit_type t, str pointer,
                      const char *indent)
{
    const struct type_info *info = bindgen_definition(g, t);
    if (!info || info->drop_fn.len == 0) {
        bindgen_free(g, b, t, pointer, indent);
        return;
    }
    str expr = pointer;
    if (!bindgen_by_pointer(g, t))
        expr = str_starts(pointer, STR("&")) ? str_sub(pointer, 1, pointer.len)
                                             : str_concat(g->arena, STR("*"), pointer);
    PUT(b, "$0$1($2);\n", str_c(indent), info->drop_fn, expr);
}

static bool can_drop_parts(struct gen *g, const struct wit_typedef *t)
{
    struct wit_type part;
    for (u32 i = 0; wit_type_part(t, i, &part); i++) {
        const struct type_info *info = bindgen_definition(g, part);
        if (info && info->drop_fn.len)
            return true;
    }
    return false;
}

static void define_drop(struct gen *g, const struct wit_typedef *t, struct type_info *info)
{
    struct buf body = buf_in(g->arena);
    walk_parts(g, &body, t, drop_part);
    str stem = str_sub(info->name, 0, info->name.len - 2);
    info->drop_fn = bindgen_claim(g, str_concat(g->arena, stem, STR("_drop")), t->at,
                                  STR("the helper that drops the handles of a type"));
    put_helper(g, info->drop_fn, info, buf_view(&body));
}

void bindgen_drop_helpers(struct gen *g)
{
    for (; g->dropped < g->defined.len && !g->options->no_helpers; g->dropped++) {
        const struct definition *d = &g->defined.data[g->dropped];
        const struct wit_typedef *t = &g->r->types.data[d->type];
        if (!d->info->owns_handle)
            continue;
        if (bindgen_by_pointer(g, (struct wit_type){WIT_ID, d->type})) {
            if (can_drop_parts(g, t)) /* not so for streams that no function mentions */
                define_drop(g, t, d->info);
        } else if (t->kind == WIT_ALIAS && t->first.kind == WIT_ID) {
            d->info->drop_fn = bindgen_definition(g, t->first)->drop_fn;
        }
    }
}

/* ---- The walk ---------------------------------------------------------------------------------------------------- */

/* What an anonymous type is made of, in C. */
static str structure_of(struct gen *g, const struct wit_typedef *t)
{
    struct buf b = buf_in(g->arena);
    struct wit_type part;
    buf_printf(&b, "%d %llu", (int)t->kind, (unsigned long long)t->length);
    for (u32 i = 0; wit_type_part(t, i, &part); i++)
        PUT(&b, " $0", wit_type_present(part) ? bindgen_type_name(g, part) : STR("-"));
    return buf_view(&b);
}

/* A name that an equal type has taken stands for this one too. */
static bool reuse_definition(struct gen *g, u32 type)
{
    struct type_info *info = g->infos[type];
    info->structure = structure_of(g, &g->r->types.data[type]);
    u32 first = map_add(g->arena, &g->anonymous, info->name, g->defined.len);
    if (first == MAP_NONE || !str_eq(g->defined.data[first].info->structure, info->structure))
        return false;
    info->same_as = g->defined.data[first].info;
    info->free_fn = info->same_as->free_fn;
    return true;
}

static void define_one(struct gen *g, u32 type)
{
    const struct wit_typedef *t = &g->r->types.data[type];
    struct type_info *info = g->infos[type];
    if (t->kind == WIT_FLAGS && t->field_count > 32) {
        diag_unsupported(g->diags, t->at, "flags with more than 32 labels");
        g->failed = true;
    }
    info->known = true;
    info->encoded = encode(g, t);
    info->shared = is_shared(g, t);
    info->name =
        str_printf(g->arena, STRF "_" STRF "_t", STRA(info->shared ? g->snake : owner_prefix(g, t)),
                   STRA(info->encoded));
    compute_facts(g, type);
    bool resource = t->kind == WIT_RESOURCE ||
                    (t->kind == WIT_ALIAS && bindgen_kind(g, t->first) == WIT_RESOURCE);
    bool own = t->kind == WIT_OWN || t->kind == WIT_BORROW;
    const struct type_info *target = own ? g->infos[wit_unalias(g->r, t->first).id] : NULL;
    if (target && (str_eq(target->own, info->name) || str_eq(target->borrow, info->name)))
        return;
    if (t->name.len == 0 && reuse_definition(g, type))
        return;
    if (!resource || t->kind == WIT_RESOURCE)
        info->name =
            bindgen_claim(g, info->name, t->at,
                          t->name.len ? str_printf(g->arena, "the type `" STRF "`", STRA(t->name))
                                      : STR("an anonymous type"));
    *vec_push(g->arena, &g->defined) = (struct definition){type, info};
    define_body(g, type);
    define_free(g, type);
}

struct define_frame {
    u32 type, next;
};

void bindgen_define(struct gen *g, struct wit_type t)
{
    if (t.kind != WIT_ID || t.id >= g->r->types.len || g->infos[t.id]->known)
        return;
    VEC(struct define_frame) stack = {0};
    *vec_push(g->arena, &stack) = (struct define_frame){t.id, 0};
    while (stack.len > 0 && !g->failed) {
        struct define_frame *top = vec_last(&stack);
        struct wit_type part;
        if (g->infos[top->type]->known) {
            stack.len--;
        } else if (!wit_type_part(&g->r->types.data[top->type], top->next++, &part)) {
            define_one(g, top->type);
            stack.len--;
        } else if (part.kind == WIT_ID && part.id < g->r->types.len && !g->infos[part.id]->known) {
            *vec_push(g->arena, &stack) = (struct define_frame){part.id, 0};
        }
    }
}

/* ---- Types that stand on both sides ---------------------------------------------------------------------- */

struct type_set {
    bool *has;
    VEC(u32) todo;
};

static void add_type(struct gen *g, struct type_set *set, struct wit_type t)
{
    if (t.kind != WIT_ID || t.id >= g->r->types.len || set->has[t.id])
        return;
    set->has[t.id] = true;
    *vec_push(g->arena, &set->todo) = t.id;
}

/* All types that an interface and its functions mention. */
static void add_interface_types(struct gen *g, struct type_set *set, u32 interface)
{
    const struct wit_interface *x = &g->r->interfaces.data[interface];
    for (u32 i = 0; i < x->types.len; i++)
        add_type(g, set, (struct wit_type){WIT_ID, x->types.data[i].type});
    for (u32 i = 0; i < x->funcs.len; i++) {
        const struct wit_func *f = &x->funcs.data[i];
        for (u32 k = 0; k < f->param_count; k++)
            add_type(g, set, f->params[k].type);
        add_type(g, set, f->result);
        if (f->kind != WIT_FREE)
            add_type(g, set, (struct wit_type){WIT_ID, f->resource});
    }
    while (set->todo.len > 0) {
        const struct wit_typedef *t = &g->r->types.data[set->todo.data[--set->todo.len]];
        struct wit_type part;
        for (u32 i = 0; wit_type_part(t, i, &part); i++)
            add_type(g, set, part);
    }
}

void bindgen_forget_types(struct gen *g)
{
    const struct wit_world *w = &g->r->worlds.data[g->world];
    struct type_set exported = {.has = arena_array(g->arena, bool, g->r->types.len + 1)};
    struct type_set kept = {.has = arena_array(g->arena, bool, g->r->types.len + 1)};
    bool *used = arena_array(g->arena, bool, g->r->interfaces.len + 1);
    for (u32 i = 0; i < w->exports.len; i++) {
        if (w->exports.data[i].kind == WIT_ITEM_INTERFACE)
            add_interface_types(g, &exported, w->exports.data[i].interface);
    }
    for (u32 i = 0; i < g->r->types.len; i++) {
        struct wit_owner owner = g->r->types.data[i].owner;
        if (exported.has[i] && owner.kind == WIT_OWNER_INTERFACE && !used[owner.index] &&
            !g->roles[owner.index].exported) {
            used[owner.index] = true;
            add_interface_types(g, &kept, owner.index);
        }
    }
    for (u32 i = 0; i < g->r->types.len; i++) {
        if (!kept.has[i])
            g->infos[i] = arena_new(g->arena, struct type_info);
    }
}
