/* names.c - reads and writes the names that core modules use (names.def). */
#include "names.h"

#define FUNC_EXPORT(id, prefix, suffix)
#define MODULE_EXPORT(id, name, kind, signature)
const struct compose_import_row compose_import_rows[IMPORT_COUNT] = {
#define IMPORT_NAME(id, text, tail, place, canon, signature, needs, async) \
    {STR_INIT(text), TAIL_##tail, PLACE_##place, CANON_##canon, signature, NEEDS_##needs, async},
#include "names.def"
#undef IMPORT_NAME
};
#undef FUNC_EXPORT
#undef MODULE_EXPORT

#define IMPORT_NAME(id, text, tail, place, canon, signature, needs, async)
#define MODULE_EXPORT(id, name, kind, signature)
const struct compose_func_export_row compose_func_exports[FUNC_EXPORT_COUNT] = {
#define FUNC_EXPORT(id, prefix, suffix) {prefix, suffix},
#include "names.def"
#undef FUNC_EXPORT
};
#undef MODULE_EXPORT

#define FUNC_EXPORT(id, prefix, suffix)
const struct compose_module_export_row compose_module_exports[] = {
#define MODULE_EXPORT(id, name, kind, signature) \
    {MODULE_EXPORT_##id, STR_INIT(name), EXTERN_##kind, signature},
#include "names.def"
#undef MODULE_EXPORT
};
const u32 compose_module_export_count = LENGTH_OF(compose_module_exports);

/* ---- Reading ------------------------------------------------------------------------------------ */

struct compose_module_name compose_read_module(str module)
{
    struct compose_module_name n = {0};
    str standard = STR(NAME_STANDARD), rest;
    if (str_starts(module, standard)) {
        str key = str_sub(module, standard.len, module.len);
        n.standard = key.len == 0 || key.ptr[0] == '|';
        if (n.standard) {
            key = str_sub(key, 1, key.len);
            n.exported = str_starts(key, STR(NAME_STANDARD_EX));
            n.key = n.exported ? str_sub(key, strlen(NAME_STANDARD_EX), key.len) : key;
            n.root = n.key.len == 0;
            return n;
        }
    }
    n.env = str_eq(module, STR(NAME_ENV));
    n.exported = str_starts(module, STR(NAME_EXPORT));
    rest = n.exported ? str_sub(module, strlen(NAME_EXPORT), module.len) : module;
    n.root = str_eq(rest, STR(NAME_ROOT));
    if (!n.root && !n.env)
        n.key = rest;
    return n;
}

static bool read_encoding(str text, enum cm_encoding *out)
{
    static const struct {
        str name;
        enum cm_encoding encoding;
    } table[] = {
        {STR_INIT("utf8]"), ENCODING_UTF8},
        {STR_INIT("utf16]"), ENCODING_UTF16},
        {STR_INIT("latin1+utf16]"), ENCODING_LATIN1_UTF16},
    };
    for (u32 i = 0; i < LENGTH_OF(table); i++)
        if (str_eq(text, table[i].name)) {
            *out = table[i].encoding;
            return true;
        }
    return false;
}

/* `N]` and what follows it. */
static bool read_number(str text, u32 *number, str *rest)
{
    str digits;
    u64 value;
    *rest = str_cut(text, ']', &digits);
    if (!rest->ptr || !str_to_u64(digits, &value) || value > UINT32_MAX)
        return false;
    *number = (u32)value;
    return true;
}

static bool read_tail(enum compose_tail tail, str text, struct compose_field_name *out)
{
    str unit = STR("unit]");
    switch (tail) {
    case TAIL_NONE: return text.len == 0;
    case TAIL_FUNC:
    case TAIL_RESOURCE: out->name = text; return text.len > 0;
    case TAIL_SLOT: return read_number(text, &out->number, &text) && text.len == 0;
    case TAIL_ENCODING: return read_encoding(text, &out->encoding);
    case TAIL_PAYLOAD:
        out->unit = str_starts(text, unit);
        if (out->unit)
            out->name = str_sub(text, unit.len, text.len);
        return out->unit || (read_number(text, &out->number, &out->name) && out->name.len > 0);
    }
    return false;
}

/* standard32 has a suffix where the first scheme has a bracket. */
static bool read_standard_field(const struct compose_module_name *module, str field,
                                struct compose_field_name *out)
{
    static const struct {
        str suffix;
        enum compose_import_id id;
        bool of_exports;
    } table[] = {
        {STR_INIT("_drop"), IMPORT_RESOURCE_DROP, false},
        {STR_INIT("_new"), IMPORT_RESOURCE_NEW, true},
        {STR_INIT("_rep"), IMPORT_RESOURCE_REP, true},
    };
    out->name = field;
    for (u32 i = 0; i < LENGTH_OF(table); i++)
        if (str_ends(field, table[i].suffix) && (!table[i].of_exports || module->exported)) {
            out->is_intrinsic = true;
            out->id = table[i].id;
            out->name = str_sub(field, 0, field.len - table[i].suffix.len);
        }
    return true;
}

static bool place_fits(enum compose_import_place place, const struct compose_module_name *m)
{
    switch (place) {
    case PLACE_ROOT: return m->root && !m->exported;
    case PLACE_EXPORT: return m->exported;
    case PLACE_ANY: return !m->env;
    case PLACE_ENV: return m->env;
    }
    return false;
}

bool compose_read_field(const struct compose_module_name *module, str field,
                        struct compose_field_name *out)
{
    *out = (struct compose_field_name){0};
    if (module->standard)
        return read_standard_field(module, field, out);
    str prefix = STR(NAME_ASYNC_LOWER);
    out->async = str_starts(field, prefix);
    str rest = out->async ? str_sub(field, prefix.len, field.len) : field;
    for (u32 i = 0; i < IMPORT_COUNT; i++) {
        const struct compose_import_row *row = &compose_import_rows[i];
        if (!place_fits(row->place, module) || !str_starts(rest, row->text) ||
            (row->tail == TAIL_NONE && rest.len != row->text.len))
            continue;
        out->is_intrinsic = true;
        out->id = (enum compose_import_id)i;
        return (!out->async || row->async) &&
               read_tail(row->tail, str_sub(rest, row->text.len, rest.len), out);
    }
    out->name = rest;
    return rest.len > 0;
}

/* ---- Writing ------------------------------------------------------------------------------------ */

str compose_export_name(struct arena *a, enum compose_func_export what, str key, str func)
{
    return str_printf(a, "%s" STRF "%s" STRF, compose_func_exports[what].prefix, STRA(key),
                      key.len ? "#" : "", STRA(func));
}

str compose_standard_export(struct arena *a, enum compose_func_export what, str key, str func)
{
    return str_printf(a, NAME_STANDARD "|" STRF "|" STRF "%s", STRA(wit_canonical_id(a, key)),
                      STRA(func), compose_func_exports[what].suffix);
}

str compose_dtor_name(struct arena *a, str key, str resource, bool standard)
{
    if (standard)
        return str_printf(a, NAME_STANDARD "|" STRF "|" STRF "_dtor",
                          STRA(wit_canonical_id(a, key)), STRA(resource));
    return str_printf(a, STRF "%s" NAME_DTOR STRF, STRA(key), key.len ? "#" : "", STRA(resource));
}

/* ---- Function types -------------------------------------------------------------------------------- */

struct wasm_functype compose_signature(struct arena *a, const char *signature)
{
    size_t n = strlen(signature);
    wasm_valtype *types = arena_array(a, wasm_valtype, n);
    struct wasm_functype t = {.params = types, .results = types};
    for (const char *at = signature; *at; at++) {
        if (*at == ':') {
            t.param_count = (u32)(at - signature);
            t.results = types;
        } else {
            *types++ = *at == 'I' ? WASM_I64 : WASM_I32;
        }
    }
    t.result_count = (u32)(n - 1 - t.param_count);
    return t;
}

bool compose_same_type(const struct wasm_functype *a, const struct wasm_functype *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           (a->param_count == 0 ||
            memcmp(a->params, b->params, a->param_count * sizeof *a->params) == 0) &&
           (a->result_count == 0 ||
            memcmp(a->results, b->results, a->result_count * sizeof *a->results) == 0);
}

bool compose_signature_is(const char *signature, const struct wasm_functype *type)
{
    u32 i = 0;
    for (; *signature != ':'; signature++, i++)
        if (i >= type->param_count ||
            type->params[i] != (wasm_valtype)(*signature == 'I' ? WASM_I64 : WASM_I32))
            return false;
    if (i != type->param_count)
        return false;
    for (signature++, i = 0; *signature; signature++, i++)
        if (i >= type->result_count ||
            type->results[i] != (wasm_valtype)(*signature == 'I' ? WASM_I64 : WASM_I32))
            return false;
    return i == type->result_count;
}

static void show_types(struct buf *b, const wasm_valtype *types, u32 n)
{
    buf_byte(b, '(');
    for (u32 i = 0; i < n; i++) {
        enum wasm_kind kind = wasm_kind_of(types[i]);
        buf_printf(b, "%s%s", i ? " " : "",
                   kind == WASM_I32    ? "i32"
                   : kind == WASM_I64  ? "i64"
                   : kind == WASM_F32  ? "f32"
                   : kind == WASM_F64  ? "f64"
                   : kind == WASM_V128 ? "v128"
                                       : "ref");
    }
    buf_byte(b, ')');
}

str compose_show_type(struct arena *a, const struct wasm_functype *type)
{
    struct buf b = buf_in(a);
    show_types(&b, type->params, type->param_count);
    buf_c(&b, " -> ");
    show_types(&b, type->results, type->result_count);
    return buf_view(&b);
}
