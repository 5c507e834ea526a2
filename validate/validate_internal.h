/* validate_internal.h - what the files of validate/ share for core modules: the store of canonical types, the
 * context of a module, and the walk over an instruction sequence. */
#ifndef WITC_VALIDATE_INTERNAL_H
#define WITC_VALIDATE_INTERNAL_H

#include "validate.h"

/* Kinds of mistakes, for `--message-format=json`. */
#define CODE_INVALID   "wasm-invalid"
#define CODE_MALFORMED "wasm-malformed"

/* ---- Store ----------------------------------------------------------------------------------------- */

/* How the walk treats an opcode; made from the tables of instructions once for each store. */
struct validate_op_row {
    u8 action;       /* enum validate_action */
    u8 pops, pushes; /* ACT_SIMPLE, ACT_MEMORY: signature */
    u8 pop[4];       /* enum wasm_kind in the order of popping; ADDRESS_TYPE: that of the memory */
    u8 push[2];
    bool is_gated; /* needs a feature */
    u8 align;      /* natural */
    u32 op;        /* enum wasm_op; OP_COUNT: no instruction */
};
enum validate_action {
    ACT_ILLEGAL,
    ACT_PREFIX, /* 0xfb..0xfe */
    ACT_SIMPLE, /* no immediate, fixed signature */
    ACT_MEMARG, /* memory access */
    ACT_LOCAL_GET,
    ACT_LOCAL_SET,
    ACT_LOCAL_TEE,
    ACT_I32_CONST,
    ACT_SIGNATURE, /* fixed signature after immediates that need a look */
    ACT_SPECIAL,   /* by hand */
};
#define ADDRESS_TYPE 0x02 /* in signatures, no value of enum wasm_kind */

struct validate_store {
    struct arena *arena;
    VEC(struct wasm_type) types; /* by canonical id */
    VEC(u32) depths;             /* number of supertypes above */
    VEC(u32) chains;             /* where in `ancestors` its chain starts */
    VEC(u32) ancestors;          /* chains, topmost first, each with its own id last */
    struct map groups;           /* recursion group as key -> first id */
    struct buf key;              /* scratch */
    struct validate_op_row rows[256];
    struct validate_op_row prefixed[4][0x120];
};

/* Interns a recursion group whose references are known to be good: `ids` has the canonical ids of type indices below `start`
 * and receives those of the group. False when the store is full. */
bool validate_store_add(struct validate_store *s, const struct wasm_type *types, u32 start,
                        u32 count, u32 *ids);
/* The canonical id of a function type, which several threads may share or not. VALIDATE_NONE when the store is full. */
u32 validate_store_maybe_shared(struct validate_store *s, const struct wasm_functype *type,
                                bool is_shared);
/* A value type with module type indices, as canonical; indices must be known to be good. */
wasm_valtype validate_canonicalize(const u32 *ids, wasm_valtype t);
bool validate_heap_matches(const struct validate_store *s, wasm_valtype sub, wasm_valtype super);
/* Does a local of the type start with a value, and a field of it with `new_default`? */
static inline bool validate_has_default(wasm_valtype t)
{
    return !wasm_is_ref(t) || wasm_is_nullable(t);
}
/* May several threads see what a reference leads to? By canonical id. */
bool validate_is_shared(const struct validate_store *s, wasm_valtype ref);
/* Below funcref, or below its shared twin? */
bool validate_is_funcref(const struct validate_store *s, wasm_valtype t);
bool validate_limits_match(const struct wasm_limits *sub, const struct wasm_limits *super);
/* A reference of unreachable code: below every reference. */
#define VALIDATE_REF_BOTTOM wasm_ref_abstract((enum wasm_heap)0, false)
/* The top of the hierarchy that a reference belongs to. */
enum wasm_heap validate_heap_top(const struct validate_store *s, wasm_valtype t);
void validate_store_make_rows(struct validate_store *s);

/* ---- Rules for types, shared with core types within components ----------------------------------------- */

struct validate_type_scope {
    struct validate_store *store;
    u32 *ids; /* canonical ids of the type indices below `count`; VALIDATE_NONE: a module type */
    u32 count;
    struct features features;
    struct diags *diags;
};
/* In the bodies of a module: all of its types are known. */
struct validate_type_scope validate_scope_of(const struct validate_context *c);
/* Checks a group of types that takes the indices from `count` on, and interns it. `ids` must have the room. */
bool validate_rec_group(struct validate_type_scope *scope, const struct wasm_type *group,
                        u32 count);
/* Is a value type good where type indices below `limit` are known? */
bool validate_check_valtype(const struct validate_type_scope *scope, wasm_valtype t, u32 limit,
                            span at);
bool validate_check_limits(const struct validate_type_scope *scope, const struct wasm_limits *l,
                           bool is_memory, span at);
bool validate_check_table(const struct validate_type_scope *scope, const struct wasm_tabletype *t,
                          span at);
bool validate_check_global(const struct validate_type_scope *scope, const struct wasm_globaltype *g,
                           span at);
/* An import's or export's type; functions and tags by type index. */
bool validate_check_externtype(const struct validate_type_scope *scope,
                               const struct wasm_externtype *t, span at);
struct wasm_externtype validate_canonicalize_extern(const u32 *ids,
                                                    const struct wasm_externtype *t);

/* ---- Context of a module ----------------------------------------------------------------------------- */

/* A block under way. */
struct validate_frame {
    const wasm_valtype *params, *results;
    u32 param_count, result_count;
    u32 height;      /* of the operand stack at its start */
    u32 init_height; /* of the list of locals initialised within */
    u16 op;          /* enum wasm_op: what opened it; OP_COUNT: the function itself */
    bool unreachable;
};

/* How the quick walk treats an opcode. */
struct validate_quick {
    u8 action;    /* enum validate_quick_action */
    u8 align;     /* natural */
    u8 in, below; /* types popped: the topmost, the one below */
    u8 out;       /* type pushed */
    u8 padding[3];
};
/* STOP: not here, left to the careful walk. */
/* clang-format off */
#define VALIDATE_QUICK_ACTIONS(X)                                                           \
    X(STOP) X(BINARY) X(UNARY) X(LOAD) X(STORE) X(LOCAL_GET) X(LOCAL_SET) X(LOCAL_TEE)      \
    X(GLOBAL_GET) X(GLOBAL_SET) X(I32_CONST) X(I64_CONST) X(F32_CONST) X(F64_CONST) X(NOP)  \
    X(DROP) X(SELECT) X(BLOCK) X(IF) X(ELSE) X(END) X(BR) X(BR_IF) X(RETURN) X(UNREACHABLE) \
    X(CALL) X(CALL_INDIRECT)
/* clang-format on */
enum validate_quick_action {
#define ACTION(name) QUICK_##name,
    VALIDATE_QUICK_ACTIONS(ACTION)
#undef ACTION
};

/* Locals are declared many at a time, 50,000 in few bytes: a function with few bytes must not cost so much. Only the first are written
 * out, which nearly all functions keep within. */
#define VALIDATE_FLAT_LOCALS 1024u
struct validate_locals {
    u32 end; /* index of the first that is not of them */
    wasm_valtype type;
};

struct validate_context {
    struct arena *arena;
    struct validate_store *store;
    const struct wasm_module *m;
    struct features features;
    struct diags *diags; /* of the call under way */
    u32 *ids;            /* canonical id by type index */
    u32 *funcs;          /* canonical id by function index */
    u32 *tags;
    wasm_valtype *globals; /* canonical value type by global index */
    wasm_valtype *tables;
    wasm_valtype *elems;
    u8 *declared;        /* functions that ref.func may name in bodies */
    bool *exact_imports; /* by function index: is the very type of an imported one known? */
    bool has_names;
    struct wasm_names names;
    bool has_quick;
    struct validate_quick quick[256];
    const void *quick_labels[256]; /* where the quick walk takes each opcode */

    /* The walk under way. */
    struct wasm_cursor in;
    const u8 *instruction; /* start of the instruction at hand */
    enum wasm_op op;       /* and what it is */
    bool is_const;         /* a constant expression */
    bool is_shared;        /* a shared function, which uses nothing that is not */
    u32 known_globals;     /* constant expressions: those that may be read */
    u32 func;              /* UINT32_MAX in constant expressions */
    const char *where;     /* constant expressions: "the initial value of global" ... */
    u32 where_index;
    VEC(wasm_valtype) stack;
    u32 floor; /* height of the innermost frame */
    VEC(struct validate_frame) frames;
    u32 local_count;
    VEC(wasm_valtype) locals;                 /* the first of them, VALIDATE_FLAT_LOCALS at most */
    VEC(struct validate_locals) local_ranges; /* the others */
    VEC(u8) local_set;                        /* initialised? empty if all types have defaults */
    VEC(u32) inits;                           /* locals that became initialised, in order */
    validate_seen *seen;                      /* told of every instruction, if set */
    void *seen_ctx;
};

/* Walks an expression that must leave `results`; locals are those of the context. */
bool validate_walk(struct validate_context *c, const wasm_valtype *results, u32 result_count);
/* Goes over plain instructions from c->in on, as far as it can. Not in constant expressions, nor with locals to be tracked. */
void validate_walk_quickly(struct validate_context *c);
/* Checks a constant expression of a type. `where` and its index tell errors what it belongs to. */
bool validate_const_expr(struct validate_context *c, const struct wasm_expr *e, wasm_valtype type,
                         const char *where, u32 index);
/* The special instructions with a 0xfb prefix, and those on references. */
bool validate_walk_gc(struct validate_context *c, enum wasm_op op);
bool validate_walk_control(struct validate_context *c, enum wasm_op op);

/* Reports at the instruction under way, or what the cursor has met. Always false. */
bool validate_fail(struct validate_context *c, const char *format, ...) WITC_PRINTF(2, 3);
bool validate_malformed(struct validate_context *c, const char *format, ...) WITC_PRINTF(2, 3);
/* A canonical type in the words of the module. */
str validate_text_of(struct validate_context *c, wasm_valtype t);
str validate_func_text(struct validate_context *c, u32 func);

/* ---- The operand stack ------------------------------------------------------------------------------------ */

bool validate_pop_slow(struct validate_context *c, wasm_valtype expected);

static inline void validate_push(struct validate_context *c, wasm_valtype t)
{
    *vec_push(c->arena, &c->stack) = t;
}
static inline bool validate_pop(struct validate_context *c, wasm_valtype expected)
{
    u32 n = c->stack.len;
    if (n > c->floor && c->stack.data[n - 1] == expected) {
        c->stack.len = n - 1;
        return true;
    }
    return validate_pop_slow(c, expected);
}
/* Pops whatever is there: WASM_BOTTOM in unreachable code. */
bool validate_pop_any(struct validate_context *c, wasm_valtype *out);
bool validate_pop_types(struct validate_context *c, const wasm_valtype *types, u32 n);
void validate_push_types(struct validate_context *c, const wasm_valtype *types, u32 n);
/* Pops a reference, of whatever kind. */
bool validate_pop_ref(struct validate_context *c, wasm_valtype *out);
void validate_set_unreachable(struct validate_context *c);
/* Block types with one result point here: [type - WASM_V128], up to WASM_I32. */
extern const wasm_valtype validate_one_result[5];
/* The types that a branch to `depth` carries; false after a report. */
bool validate_label(struct validate_context *c, u32 depth, const wasm_valtype **types, u32 *n);

static inline u32 validate_imm(struct validate_context *c)
{
    if (c->in.at != c->in.end && *c->in.at < 0x80)
        return *c->in.at++;
    if (c->in.end - c->in.at >= 2 && c->in.at[1] < 0x80) {
        c->in.at += 2;
        return (c->in.at[-2] & 0x7fu) | (u32)c->in.at[-1] << 7;
    }
    return wasm_get_u32(&c->in);
}
/* Immediates that are checked against their index space. */
bool validate_imm_type(struct validate_context *c, u32 *id, enum wasm_comptype kind,
                       const struct wasm_type **type);
bool validate_imm_table(struct validate_context *c, u32 *index, wasm_valtype *address);
bool validate_imm_memory(struct validate_context *c, u32 *index, wasm_valtype *address);
bool validate_imm_elem(struct validate_context *c, u32 *index);
bool validate_imm_data(struct validate_context *c, u32 *index);
bool validate_imm_heap(struct validate_context *c, bool nullable, wasm_valtype *out);

#endif
