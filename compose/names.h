/* names.h - reading and writing the names of names.def. Private to compose. */
#ifndef WITC_COMPOSE_NAMES_H
#define WITC_COMPOSE_NAMES_H

#include "wit-parser.h"

#define NAME_ROOT        "$root"
#define NAME_EXPORT      "[export]"
#define NAME_ASYNC_LOWER "[async-lower]"
#define NAME_DTOR        "[dtor]"
#define NAME_ENV         "env"
#define NAME_MAIN_MODULE "__main_module__" /* in adapters */
#define NAME_STANDARD    "cm32p2"
#define NAME_STANDARD_EX "_ex_"

enum compose_import_id {
#define IMPORT_NAME(id, text, tail, place, canon, signature, needs, async) IMPORT_##id,
#define FUNC_EXPORT(id, prefix, suffix)
#define MODULE_EXPORT(id, name, kind, signature)
#include "names.def"
    IMPORT_COUNT
};
enum compose_tail { TAIL_NONE, TAIL_FUNC, TAIL_RESOURCE, TAIL_PAYLOAD, TAIL_SLOT, TAIL_ENCODING };
enum compose_import_place { PLACE_ROOT, PLACE_EXPORT, PLACE_ANY, PLACE_ENV };
enum compose_needs {
    NEEDS_NOTHING = 0,
    NEEDS_MEMORY = 1,
    NEEDS_REALLOC = 2,
    NEEDS_TABLE = 4,
    NEEDS_MEMORY_REALLOC = NEEDS_MEMORY | NEEDS_REALLOC
};
struct compose_import_row {
    str text;
    enum compose_tail tail;
    enum compose_import_place place;
    enum cm_canon_kind canon;
    const char *signature;
    u8 needs; /* enum compose_needs */
    bool async;
};
extern const struct compose_import_row compose_import_rows[IMPORT_COUNT];

enum compose_func_export {
#undef IMPORT_NAME
#undef FUNC_EXPORT
#define IMPORT_NAME(id, text, tail, place, canon, signature, needs, async)
#define FUNC_EXPORT(id, prefix, suffix) FUNC_EXPORT_##id,
#include "names.def"
    FUNC_EXPORT_COUNT
};
struct compose_func_export_row {
    const char *prefix, *suffix;
};
extern const struct compose_func_export_row compose_func_exports[FUNC_EXPORT_COUNT];
#undef IMPORT_NAME
#undef FUNC_EXPORT
#undef MODULE_EXPORT

enum compose_module_export {
    MODULE_EXPORT_MEMORY,
    MODULE_EXPORT_REALLOC_IMPORT,
    MODULE_EXPORT_REALLOC_EXPORT,
    MODULE_EXPORT_REALLOC_ADAPTER,
    MODULE_EXPORT_REALLOC,
    MODULE_EXPORT_INITIALIZE,
    MODULE_EXPORT_TABLE,
    MODULE_EXPORT_TASK_HOOK,
    MODULE_EXPORT_COUNT
};
struct compose_module_export_row {
    enum compose_module_export id;
    str name;
    enum wasm_extern kind;
    const char *signature;
};
extern const struct compose_module_export_row compose_module_exports[];
extern const u32 compose_module_export_count;

/* ---- Reading ------------------------------------------------------------------------------------ */

/* An import module: whose imports these are. */
struct compose_module_name {
    bool exported; /* intrinsics about an export */
    bool standard; /* spelled as in standard32 */
    bool root;     /* of the world itself */
    bool env;
    str key; /* of an interface, unless root or env */
};
struct compose_module_name compose_read_module(str module);

/* An imported field. */
struct compose_field_name {
    bool is_intrinsic;
    enum compose_import_id id; /* of an intrinsic */
    bool async;
    bool unit;  /* TAIL_PAYLOAD without payload */
    u32 number; /* TAIL_PAYLOAD, TAIL_SLOT */
    str name;   /* a function or resource */
    enum cm_encoding encoding;
};
/* False if the name starts like an intrinsic but goes on wrongly. */
bool compose_read_field(const struct compose_module_name *module, str field,
                        struct compose_field_name *out);

/* ---- Writing ------------------------------------------------------------------------------------ */

/* The first scheme: "f", "KEY#f" with a prefix. `key` is empty for functions of the world. */
str compose_export_name(struct arena *a, enum compose_func_export what, str key, str func);
/* standard32: "cm32p2||f", "cm32p2|KEY|f" with a suffix. */
str compose_standard_export(struct arena *a, enum compose_func_export what, str key, str func);
str compose_dtor_name(struct arena *a, str key, str resource, bool standard);
/* "ii:i" as a function type. */
bool compose_signature_is(const char *signature, const struct wasm_functype *type);
struct wasm_functype compose_signature(struct arena *a, const char *signature);
str compose_show_type(struct arena *a, const struct wasm_functype *type);
bool compose_same_type(const struct wasm_functype *a, const struct wasm_functype *b);

#endif
