/* wast.h - `.wast` scripts as data: modules, calls and assertions, for core modules and components alike.
 *
 * Everything lives in the arena that the script was parsed into. Modules in text are assembled while the script is parsed; one that
 * is ill-formed is no error of the script, for assertions may want it to be: it carries its own diagnostics.
 *
 * Specification: "Scripts" in the README of the core specification's reference interpreter; the scripts of the component model's tests (its test/README.md)
 * for what they add.
 */
#ifndef WITC_WAST_H
#define WITC_WAST_H

#include "wasm.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ---------------------------------------------------------------------------------------- */

enum wast_value_kind {
    /* core */
    WAST_I32,
    WAST_I64,
    WAST_F32,
    WAST_F64,
    WAST_V128,
    WAST_REF_NULL,   /* heap, or any null without one */
    WAST_REF_FUNC,   /* any function */
    WAST_REF_EXTERN, /* host reference `bits`, or any if not has_payload */
    WAST_REF_HOST,   /* the same within `any` */
    WAST_REF_ANY,
    WAST_REF_EQ,
    WAST_REF_I31,
    WAST_REF_STRUCT,
    WAST_REF_ARRAY,
    WAST_REF_EXN,
    /* component */
    WAST_CM_BOOL,
    WAST_CM_S8,
    WAST_CM_U8,
    WAST_CM_S16,
    WAST_CM_U16,
    WAST_CM_S32,
    WAST_CM_U32,
    WAST_CM_S64,
    WAST_CM_U64,
    WAST_CM_F32,
    WAST_CM_F64,
    WAST_CM_CHAR,
    WAST_CM_STRING,
    WAST_CM_LIST,
    WAST_CM_RECORD,
    WAST_CM_TUPLE,
    WAST_CM_VARIANT,
    WAST_CM_ENUM,
    WAST_CM_OPTION,
    WAST_CM_RESULT,
    WAST_CM_FLAGS,
    WAST_CM_MAP,
    /* results only */
    WAST_EITHER, /* one of items */
};
/* What a float, or a lane of floats, may be. */
enum wast_nan { WAST_NAN_NONE, WAST_NAN_CANONICAL, WAST_NAN_ARITHMETIC };

struct wast_value {
    enum wast_value_kind kind;
    span at;
    bool has_payload; /* REF_EXTERN, REF_HOST, REF_NULL (heap), OPTION (some), RESULT and VARIANT */
    bool is_error;    /* RESULT */
    bool lanes_float; /* V128: of f32x4 and f64x2 */
    u8 lane_bits;     /* V128 */
    u8 nan[4];        /* enum wast_nan of each lane; [0] for F32 and F64, core and component */
    wasm_valtype heap; /* REF_NULL with has_payload: the reference type */
    u64 bits[2];       /* numbers (signed ones extended to 64 bits), BOOL, CHAR; V128 low first */
    str text;          /* STRING; case of VARIANT and ENUM */
    struct wast_value
        *items; /* LIST, RECORD, TUPLE, EITHER; MAP: key, value, key, value ...; the payload */
    u32 count;
    str *names; /* RECORD: fields; FLAGS: those set (count) */
};

/* ---- Directives -------------------------------------------------------------------------------------- */

struct wast_module {
    enum wasm_layer layer;
    enum { WAST_PLAIN, WAST_DEFINITION, WAST_INSTANCE } form;
    str id;         /* without the $, empty if none */
    str definition; /* WAST_INSTANCE: what to instantiate; empty: the last one */
    str bytes;      /* the binary, also of ill-formed `module binary` */
    bool malformed; /* its text is ill-formed: `why` says so */
    struct diags *why;
    span at;   /* its head */
    span text; /* all of it; of an implicit module the whole script */
};

struct wast_action {
    enum { WAST_INVOKE, WAST_GET } kind;
    str module; /* name of an instance, empty: the last one */
    str name;
    struct wast_value *args;
    u32 arg_count;
    span at;
};

enum wast_directive_kind {
    WAST_MODULE,
    WAST_REGISTER, /* instance `id` (empty: the last one) under `name` */
    WAST_ACTION,
    WAST_ASSERT_RETURN,
    WAST_ASSERT_TRAP, /* of an action, or of the instantiation of a module */
    WAST_ASSERT_EXHAUSTION,
    WAST_ASSERT_EXCEPTION,
    WAST_ASSERT_SUSPENSION,
    WAST_ASSERT_INVALID,
    WAST_ASSERT_MALFORMED,
    WAST_ASSERT_UNLINKABLE,
    WAST_ASSERT_UNINSTANTIABLE,
    WAST_ASSERT_INVALID_CUSTOM,
    WAST_ASSERT_MALFORMED_CUSTOM,
    WAST_THREAD, /* `script` runs beside the rest */
    WAST_WAIT,   /* for thread `id` */
};
const char *wast_directive_name(enum wast_directive_kind kind); /* "assert_return" */

struct wast_script;
struct wast_directive {
    enum wast_directive_kind kind;
    span at;
    struct wast_module *module;
    bool has_action;
    struct wast_action action;
    struct wast_value *results;
    u32 result_count;
    str message; /* what an assertion wants to be said */
    str id, name;
    struct wast_script *script; /* THREAD */
    str *shared;                /* THREAD: instances it may use */
    u32 shared_count;
};

struct wast_script {
    VEC(struct wast_directive) directives;
};

/* Lets places in a module's bytes, which are the source `binary`, be shown as places in the script. */
void wast_set_places(struct sources *s, u32 binary, const struct wast_module *m,
                     struct features features);

/* Parses a script; a text without directives is one module. False after a diagnostic if the script itself is ill-formed. */
WITC_NODISCARD bool wast_parse(struct arena *a, u32 source, struct features features,
                               struct wast_script *out, struct diags *d);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
