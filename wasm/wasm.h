/* wasm.h - the model of WebAssembly binaries: core modules (Wasm 3.0) and components, their reader,
 * writer, text parser and printer.
 *
 * A model is plain data in an arena. Everything that refers to something else does so by index into the
 * index space of the specification, never by pointer. Bytes (function bodies, data, custom
 * sections) are views into the input, which must outlive the model; so are names.
 *
 * The reader decodes and checks form only (what the specification calls malformed). Whether a model
 * is valid is validate/'s question.
 *
 * Specification: Core Wasm 3.0 binary format; component-model Binary.md.
 */
#ifndef WITC_WASM_H
#define WITC_WASM_H

#include "wasm_component.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading and writing -------------------------------------------------------------------------------- */

enum wasm_layer { LAYER_MODULE, LAYER_COMPONENT };

/* What a file turned out to be; exactly one pointer is set. */
struct wasm_binary {
    enum wasm_layer layer;
    struct wasm_module *module;
    struct wasm_component *component;
};

/* Reads `source` of d->sources, binary or text (text is assembled into the arena first, and spans then point
 * into a second, binary source). Limits: nesting 100, 1,000 modules and components in all. */
WITC_NODISCARD bool wasm_read(struct arena *a, u32 source, struct features features,
                              struct wasm_binary *out, struct diags *d);
/* Reads bytes that stand at `base` of a binary source. */
WITC_NODISCARD bool wasm_read_module(struct arena *a, u32 source, str bytes, u32 base,
                                     struct features features, struct wasm_module **out,
                                     struct diags *d);
WITC_NODISCARD bool wasm_read_component(struct arena *a, u32 source, str bytes, u32 base,
                                        struct features features, struct wasm_component **out,
                                        struct diags *d);
bool wasm_is_binary(str bytes);    /* starts with the magic */
bool wasm_is_component(str bytes); /* ... and the layer of a component */

/* Assembles text (module or component) to binary. */
WITC_NODISCARD bool wasm_parse_text(struct arena *a, u32 source, struct features features,
                                    str *binary, struct diags *d);

/* Encodes a component model; nested components are encoded from their model if `bytes` is empty, else
 * copied; modules are copied from `bytes`. Consecutive items of one kind share a section unless their
 * `section` differs. */
void wasm_write_component(struct buf *out, const struct wasm_component *c);
/* Encodes a core module model, sections in order, customs at their place. */
void wasm_write_module(struct buf *out, const struct wasm_module *m);
/* Single pieces, for tools that copy a module and change some sections. */
void wasm_write_functype(struct buf *out, const struct wasm_functype *type);
void wasm_write_valtype(struct buf *out, wasm_valtype type);
void wasm_write_name(struct buf *out, str name);

/* Fields of the section "producers" of tool-conventions, in the order that they are written in. */
#define WASM_PRODUCER_FIELDS 3
extern const str wasm_producer_fields[WASM_PRODUCER_FIELDS];
/* Appends a section: id, size, contents. */
void wasm_write_section(struct buf *out, u8 id, str contents);
void wasm_write_custom(struct buf *out, str name, str contents);

/* What is said of an instruction, by its offset. */
struct wasm_remark {
    u32 offset;
    str text;
};
struct wasm_print_options {
    bool skeleton; /* no bodies, no data */
    bool offsets;  /* a comment with the offset before each line */
    bool folded;   /* instructions as nested expressions */
    bool name_unnamed;
    const char *indent; /* NULL: two blanks */
    /* Remarks on the instructions of a function, in order; asked before it is printed. NULL: there are none. */
    const struct wasm_remark *(*remarks)(void *ctx, const struct wasm_module *m, u32 func,
                                         u32 *count);
    void *remarks_ctx;
};
/* Prints as text in the layout of `wasm-tools print`. */
WITC_NODISCARD bool wasm_print(struct buf *out, const struct wasm_binary *binary,
                               const struct wasm_print_options *options, struct diags *d);

/* The same, handing the text to `sink` in pieces; stops when it gives false. */
WITC_NODISCARD bool wasm_print_stream(struct arena *a, const struct wasm_binary *binary,
                                      const struct wasm_print_options *options,
                                      bool (*sink)(void *ctx, str text), void *ctx,
                                      struct diags *d);

/* ---- Names in the custom section "name" --------------------------------------------------------------------- */

struct wasm_names {
    str module;
    const str *funcs; /* by function index, empty if unnamed; NULL if there are none */
    u32 func_count;   /* 0 if there are none */
    const str *tags;  /* likewise, by tag index */
};
/* Never fails: an ill-formed section just names less. */
void wasm_read_names(struct arena *a, const struct wasm_module *m, struct wasm_names *out);
/* Name of a component from its "component-name" section, empty if none. */
str wasm_component_name(const struct wasm_component *c);

/* ---- Instructions (ops.def) ----------------------------------------------------------------------------------- */

/* What follows an opcode. */
enum wasm_imm {
    IMM_NONE,
    IMM_BLOCK, /* block type */
    IMM_LABEL,
    IMM_LABELS, /* br_table */
    IMM_FUNC,
    IMM_TYPE,
    IMM_CALL_INDIRECT, /* type, table */
    IMM_LOCAL,
    IMM_GLOBAL,
    IMM_TABLE,
    IMM_TABLE_TABLE,
    IMM_ELEM,
    IMM_ELEM_TABLE, /* table.init */
    IMM_DATA,
    IMM_MEMORY,
    IMM_MEMORY_MEMORY,
    IMM_DATA_MEMORY, /* memory.init */
    IMM_MEMARG,
    IMM_MEMARG_LANE,
    IMM_LANE,
    IMM_SHUFFLE, /* 16 lanes */
    IMM_I32,
    IMM_I64,
    IMM_F32,
    IMM_F64,
    IMM_V128,
    IMM_VALTYPES,   /* select t* */
    IMM_HEAP,       /* ref.null, ref.test, ref.cast */
    IMM_TYPE_FIELD, /* struct.get */
    IMM_TYPE_COUNT, /* array.new_fixed */
    IMM_TYPE_DATA,
    IMM_TYPE_ELEM,
    IMM_TYPE_TYPE, /* array.copy */
    IMM_BR_CAST,
    IMM_TAG,
    IMM_TRY_TABLE,
    IMM_CATCH_TAG, /* legacy catch */
    IMM_DELEGATE,
    IMM_RETHROW,
    IMM_FENCE, /* reserved byte */
};
/* Rows of ops.def: OP(id, prefix, code, "name", immediate, "signature", feature).
 * prefix 0 for one-byte opcodes, else 0xfb..0xfe. Signature: operands ':' results in letters
 * i I f F v (i32 i64 f32 f64 v128) and a (the address type of the memory named by the immediate, i32
 * or i64), or "*" when it depends on types and is checked by hand. Two rows may share a name: plain and
 * typed select, ref.test and ref.cast with and without null.
 * Gate FEATURE_MVP: always there. */
#define FEATURE_MVP FEATURE_COUNT
enum wasm_op {
#define OP(id, prefix, code, text, imm, signature, gate) OP_##id,
#include "ops.def"
#undef OP
    OP_COUNT
};
struct wasm_op_info {
    u8 prefix;
    u16 code;
    u8 align; /* natural alignment of memory access, log2 bytes */
    enum wasm_imm imm;
    const char *name;
    const char *signature;
    enum feature gate;
};
extern const struct wasm_op_info wasm_op_info[OP_COUNT];
/* The instruction of a prefix and code, or OP_COUNT. */
enum wasm_op wasm_op_find(u8 prefix, u32 code);
static inline bool wasm_gate_open(struct features f, enum feature gate)
{
    return gate == FEATURE_MVP || features_has(f, gate);
}

/* Reads the bytes of a section, bounds-checked; used by everybody who walks instruction bytes. */
struct wasm_cursor {
    const u8 *start, *at, *end;
    u32 base; /* offset of `start` in the source */
    u32 source;
    bool failed; /* sticky: once set every read gives 0 */
    const char *error;
    u32 error_offset;
};
struct wasm_cursor wasm_cursor_of(u32 source, str bytes, u32 base);
u8 wasm_get_byte(struct wasm_cursor *c);
u32 wasm_get_u32(struct wasm_cursor *c);
u64 wasm_get_u64(struct wasm_cursor *c);
i32 wasm_get_s32(struct wasm_cursor *c);
i64 wasm_get_s33(struct wasm_cursor *c);
i64 wasm_get_s64(struct wasm_cursor *c);
str wasm_get_bytes(struct wasm_cursor *c, size_t n);
u64 wasm_get_fixed(struct wasm_cursor *c, u32 bytes); /* little-endian, 8 at most */
str wasm_get_name(struct wasm_cursor *c);             /* length, UTF-8 checked */
/* A count of elements of at least `element_size` bytes each: fails if the rest cannot hold them. */
u32 wasm_get_count(struct wasm_cursor *c, u32 element_size);
wasm_valtype wasm_get_valtype(struct wasm_cursor *c);
wasm_valtype wasm_get_reftype(struct wasm_cursor *c);
/* A heap type, as the reference to it. */
wasm_valtype wasm_get_heaptype(struct wasm_cursor *c, bool nullable);
/* Sets the error unless one is set; `at` points into the bytes. */
void wasm_cursor_fail(struct wasm_cursor *c, const u8 *at, const char *error);
static inline u32 wasm_cursor_offset(const struct wasm_cursor *c)
{
    return c->base + (u32)(c->at - c->start);
}

/* The next section: its id and a cursor over its contents. False at the end and after a failure. */
bool wasm_get_section(struct wasm_cursor *c, u8 *id, struct wasm_cursor *contents);

/* ---- Walking instructions (instr.c) ---------------------------------------------------------------------------- */

/* The next opcode with its prefix; OP_COUNT after a failure ("illegal opcode"). */
enum wasm_op wasm_get_op(struct wasm_cursor *c);
struct wasm_blocktype {
    bool is_index;
    u32 index;           /* type index */
    wasm_valtype result; /* else one result or WASM_NONE */
};
struct wasm_blocktype wasm_get_blocktype(struct wasm_cursor *c);
struct wasm_memarg {
    u32 align; /* log2 */
    u32 memory;
    u64 offset;
};
struct wasm_memarg wasm_get_memarg(struct wasm_cursor *c);
/* Moves past the immediates of an instruction, checking their form. */
void wasm_skip_immediates(struct wasm_cursor *c, enum wasm_op op);
/* Moves past an expression, its `end` included. */
void wasm_skip_expr(struct wasm_cursor *c);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
