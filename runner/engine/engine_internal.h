/* engine_internal.h - what the files of the interpreter share.
 *
 * Slots: a frame is an array of 64-bit slots, addressed from its start (sp):
 *
 *     [ parameters, later results | record: 3 slots | locals | temporaries by operand height ]
 *
 * The frame of a callee begins at the caller's temporaries that hold the arguments, so nothing is copied and
 * results come back in place. The record starts at slot max(params, results) ("record slot") and holds:
 *
 *     [0] where to go on: a pointer into the caller's code. The cell before it holds how far the callee's frame is above the
 *         caller's, so no stack address is stored anywhere and the stack may move.
 *     [1] [2] only of calls to another instance: the caller's instance and the true return address; [0] then points to a stub
 *         that restores the instance.
 *
 * An i32 is kept zero-extended in its slot, an f32 as its bits, zero-extended; a v128 takes two slots.
 */
#ifndef WITC_ENGINE_INTERNAL_H
#define WITC_ENGINE_INTERNAL_H

#include "engine.h"
#include "list.h"
#include "validate.h"

#include <signal.h>

/* ENGINE_TORTURE, bits: what the torture builds do at every turn. */
#define TORTURE_STACK   1 /* move the stack at every call */
#define TORTURE_SUSPEND 2 /* suspend and resume at every host call */
#define TORTURE_FUEL    4 /* suspend and resume at every loop turn */
#ifndef ENGINE_TORTURE
#define ENGINE_TORTURE 0
#endif

/* ---- Code ------------------------------------------------------------------------------------------------- */

union cell;
typedef int engine_op(const union cell *ip, u64 *sp, u8 *mem, u64 memlen, struct engine_task *t,
                      u64 acc, double fd, float fs);
/* A rare instruction, called out of line: operands and results in place at s. Gives an enum trap. */
typedef int engine_out(struct engine_task *t, u64 *s, u64 x, u64 y);

/* Operands of an instruction: up to four slots, or two and a 32-bit constant, offset or distance. */
struct word {
    u16 d, a;
    union {
        struct {
            u16 b, c;
        };
        i32 imm;
        u32 off;
    };
};
union cell {
    engine_op
        *op; /* first cell of an instruction: its handler (or its number, in the switch form) */
    u64 u;
    i64 i;
    const union cell *p;
    void *ptr;
    engine_out *out;
    struct word w;
};

/* What a handler gives back to the driver. Above 0: an enum trap. */
enum { RUN_DONE = 0, RUN_SUSPEND = -1, RUN_YIELD = -2, RUN_TRAPPED = -3 };

enum trap {
    TRAP_NONE,
#define TRAP(id, text) TRAP_##id,
#include "traps.def"
#undef TRAP
    TRAP_COUNT
};

/* A catch clause: where to go, and where its values go. */
struct catch_clause {
    u8 kind; /* 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref */
    u32 tag;
    u32 target; /* cell */
    u32 slot;
};
/* Cells [start, end) are within a try_table. By start, inner ones later. */
struct try_range {
    u32 start, end;
    u32 outer;        /* the one around it: index + 1 */
    u32 first, count; /* of the clauses */
};

/* The code of a function, shared by all instances of its module. */
struct engine_code {
    const union cell *entry;      /* entry[-1]: how many slots a frame needs */
    struct engine_module *module; /* NULL: a host function */
    union cell *cells;
    struct try_range *tries;
    struct catch_clause *catches;
    u32 cell_count, try_count;
    u32 index;           /* function index */
    u32 record;          /* record slot: */
    u16 params, results; /* the larger of these, in slots */
};

struct engine_func {
    struct engine_code *code;         /* until the first call through this: engine_untranslated */
    struct engine_instance *instance; /* NULL: host */
    const struct wasm_functype *type; /* of its module, or a copy */
    u32 type_id;                      /* canonical */
    u32 index;
    struct host *host;
};
struct host {
    engine_host_fn *fn;
    void *env;
    struct engine_store *store;
    str name, instance;
    struct engine_code code;
    union cell cells[6];
    struct engine_func func;
};

/* The memory of a module's instances at their start, as a file (image.c). */
struct image {
    enum {
        IMAGE_FIRST,
        IMAGE_WANTED,
        IMAGE_NONE,
        IMAGE_MADE
    } state; /* WANTED: by a second instance */
    int file;
    u64 from, bytes; /* where in the memory; whole pages of the system */
};

struct engine_module {
    struct engine_store *store;
    const struct wasm_module *source;
    struct validate_context *context;
    const u32 *type_ids;        /* canonical id of each type */
    struct engine_code **codes; /* of defined functions, made at the first call: engine_code_at */
    struct map exports;
    bool names_read;
    bool has_legacy; /* the older form of exceptions is valid, so to be looked for */
    bool is_lazy;    /* bodies are validated when they are translated */
    struct wasm_names names;
    struct layout **layouts; /* of struct and array types, by type index; made at need */
    struct image image;
};

/* ---- Things of a store ------------------------------------------------------------------------------------ */

struct engine_memory {
    u8 *data;
    u64 size;                /* bytes */
    struct wasm_limits type; /* min: as declared */
    u64 max_bytes;
    u64 reserved; /* bytes of address space */
    struct engine_memory *next;
};
struct engine_table {
    engine_ref *elems;
    u64 size, max, cap;
    struct wasm_tabletype type; /* canonical */
    struct engine_store *store;
    struct engine_table *next;
};
struct engine_global {
    u64 slots[2];
    struct wasm_globaltype type; /* canonical */
    struct engine_global *next;
};
struct engine_tag {
    struct wasm_functype type;
    u32 type_id, slots;
};

struct engine_instance {
    struct engine_memory *memory0;
    struct engine_func **funcs; /* by index; defined ones are made at need */
    struct engine_memory **memories;
    struct engine_table **tables;
    struct engine_global **globals;
    struct engine_global *own; /* those defined here, from index imported_globals on */
    struct engine_tag **tags;
    bool *data_dropped, *elem_dropped;
    engine_ref **elem_refs; /* evaluated passive segments, at need */
    struct engine_module *module;
    struct engine_store *store;
    str label;
    void *data;
    struct engine_instance *next;
};

/* A call from within a host function: what the C caller goes back to. */
struct nest {
    struct nest *outer;
    const union cell *ip;
    u64 sp; /* offset in slots */
    struct engine_instance *inst;
};

/* The handler of the exception being thrown, found but not yet paid for. */
struct handler_found {
    const struct catch_clause *clause; /* NULL: none */
    const struct engine_code *code;
    struct engine_instance *inst;
    u64 sp;    /* of its frame: offset in slots */
    u64 price; /* in bytes, see engine_charge */
};

enum task_state { TASK_IDLE, TASK_RUNNING, TASK_SUSPENDED };

/* Where a task stands in memory.atomic.wait. */
struct task_wait {
    enum wait_state { WAIT_NOT, WAIT_STANDS, WAIT_WOKEN, WAIT_TIMED_OUT, WAIT_HOPELESS } state;
    const struct engine_memory *memory;
    u64 at;
    bool forever;
    struct engine_task *line_next, *line_previous; /* WAIT_STANDS: others that do */
};

struct engine_task {
    /* Read and written by handlers. */
    u64 *limit; /* end of the stack */
    i64 ticks;  /* calls and loop turns until the slow path looks at fuel and interrupts */
    struct engine_instance *inst;
    struct engine_global *own; /* inst->own */
    const union cell *ip;      /* where the task stands, whenever C code runs */
    u64 *sp;
    u64 acc;                      /* of a task that waits for fuel */
    const union cell *need_entry; /* for the slow path: what is called, */
    const u64 *need_from;         /* ... on the frame here */
    int trap_code;
    u64 paid;   /* of the instruction at hand, which waits for fuel to be paid in full */
    bool moved; /* torture */
    /* The rest. */
    struct engine_store *store;
    u64 *stack;
    u32 cap;
    enum task_state state;
    bool out_of_fuel;
    struct task_wait wait;
    struct host *suspended_by; /* the host function whose results engine_resume brings */
    u32 result_slots;          /* of the function that was started */
    u32 nests;
    uintptr_t c_base; /* C stack at the outermost nested call */
    struct nest *nest;
    engine_ref exception; /* being thrown */
    struct handler_found found;
    u64 searched; /* steps of searches for handlers, in all */
    struct engine_trap trap;
    struct arena trap_arena;
    void *data;
    struct engine_task *next, *previous;
};

struct engine_store {
    struct arena arena;
    struct engine_limits limits;
    struct validate_store *types;
    bool lazy;
    bool lets_wait; /* memory.atomic.wait suspends */
    str invalid;    /* message of the latest TRAP_INVALID */
    volatile sig_atomic_t interrupted;
    u64 fuel;                 /* left beside the ticks of one task: */
    struct engine_task *drew; /* ... the last that drew any, or NULL */
    u64 kept;                 /* bytes of stacks, and what engine_keep was told */
    struct engine_task *tasks, *pool;
    struct engine_task *first_waiter, *last_waiter; /* in memory.atomic.wait */
    u32 pooled;
    struct engine_memory *memories;
    struct engine_table *tables;
    struct engine_instance *instances;
    struct engine_global *globals;
    u32 instance_count;
    VEC(struct engine_module *) imaged; /* modules that have an image */
    u64 image_bytes;                    /* of all of them */
    /* Translated code by address, for backtraces and unwinding. */
    VEC(struct engine_code *) codes;      /* by address, but for the last ones that came, */
    struct engine_code *fresh_codes[256]; /* which are by address too */
    u32 fresh_count;
    VEC(union cell *) stubs;                /* that restore an instance, by record slot */
    VEC(struct engine_code *) untranslated; /* by record slot */
    union cell *exit_stub;
    struct object *objects;    /* all, newest first */
    u64 heap_bytes, heap_next; /* in use; when to collect */
    u64 objects_low,
        objects_high; /* their addresses, from the first to the last, also of those that are gone */
    const u64 *operands; /* of a constant expression: they are on no task's stack */
    u32 operand_count;
    u16 cycle; /* number of the latest collection */
    u32 torture_allocations;
    struct engine_memory no_memory;     /* memory 0 of instances without */
    struct engine_instance no_instance; /* current while no wasm ran yet */
};

/* ---- exec*.c: the handlers ----------------------------------------------------------------------------- */

enum handler {
#define HANDLER(id, ...) H_##id,
#include "handlers.def"
#undef HANDLER
    H_COUNT
};
/* Runs from t->ip with frame t->sp until the task's outermost or nested exit, a suspension or a trap. */
int engine_run(struct engine_task *t);
/* The first cell of an instruction. */
union cell engine_cell_of(enum handler h);

/* ---- module.c ------------------------------------------------------------------------------------------ */

/* The code of a function that the module defines; made now if it was never asked for. */
struct engine_code *engine_code_at(struct engine_module *em, u32 func);
/* Record slot of a function of the type; with the slots that it comes from in its code. */
u32 engine_record_of(const struct wasm_functype *type);
void engine_set_record(struct engine_code *c, const struct wasm_functype *type);
/* Is the body valid, and of what the interpreter runs? */
bool engine_check_body(struct engine_module *em, u32 func, struct diags *d);

/* ---- translate.c --------------------------------------------------------------------------------------- */

/* Translates the body unless it is already; gives an enum trap. */
enum trap engine_translate(struct engine_code *c);
/* Offset in the module's binary of the instruction that cell `cell` belongs to. */
u32 engine_offset_of(struct engine_code *c, u32 cell);
/* Is an instruction of a gated feature in the body? */
bool engine_code_uses(const struct wasm_module *m, u32 code, enum feature feature);
u32 engine_type_slots(const wasm_valtype *types, u32 n);
static inline u32 engine_valtype_slots(wasm_valtype t)
{
    return t == WASM_V128 ? 2 : 1;
}

/* ---- task.c ------------------------------------------------------------------------------------------------ */

/* Room for `slots` slots from t->sp on; may move the stack. Or a trap. */
int engine_stack_room(struct engine_task *t, u64 slots);
/* Refills t->ticks. RUN_DONE: go on; RUN_SUSPEND: out of fuel; RUN_YIELD: torture; a trap. */
int engine_tick(struct engine_task *t);
/* The same for a loop turn, which is not tried again and so counted here. */
int engine_turn(struct engine_task *t);
/* Pays for an instruction that is about to touch so many bytes: RUN_DONE, or what engine_tick says; the instruction is then tried
 * again as a whole. */
int engine_charge(struct engine_task *t, u64 bytes);
/* memmove, and a fill with n values of `size` bytes (1, 2, 4, 8 or 16), with looks for interruptions; an enum trap. */
int engine_move(struct engine_task *t, void *to, const void *from, u64 bytes);
int engine_fill(struct engine_task *t, void *to, const void *value, u32 size, u64 n);
void engine_set_instance(struct engine_task *t, struct engine_instance *i);
/* Runs the host function whose code stands at t->ip on t->sp. */
int engine_host_call(struct engine_task *t, struct host *h);
/* Finds the handler of t->exception from (t->ip, t->sp) on and moves there. RUN_DONE or a trap. */
int engine_unwind(struct engine_task *t);

/* ---- backtrace.c, backtrace_why.c --------------------------------------------------------------------- */

/* A frame while walking the stack outwards. */
struct walk {
    struct engine_store *store;
    const union cell *ip;
    u64 *sp;
    struct engine_instance *inst;
    struct engine_code *code;
};
/* The code of the frame at w->ip; false: not in translated code. */
bool engine_walk_here(struct walk *w);
/* To the caller; false at the start of the run. */
bool engine_walk_out(struct walk *w);
static inline bool engine_is_restore(const union cell *ip)
{
    return ip->u == engine_cell_of(H_RESTORE).u;
}
void engine_trap_raise(struct engine_task *t, enum trap trap);
/* Why the instruction at t->ip trapped, in the trap's arena; may be empty. */
str engine_why(struct engine_task *t, enum trap trap);

/* ---- store.c ------------------------------------------------------------------------------------------------ */

union cell *engine_restore_stub(struct engine_store *s, u32 record);
/* What stands for all functions with that record slot which were never called: translates the one in the accumulator. */
struct engine_code *engine_untranslated(struct engine_store *s, u32 record);
/* Code whose cells these are from now on: it is found by their addresses. */
void engine_register_code(struct engine_store *s, struct engine_code *c, union cell *cells);
struct engine_code *engine_find_code(struct engine_store *s, const union cell *ip);
const struct wasm_names *engine_module_names(struct engine_module *m);
extern const char *const engine_trap_text[TRAP_COUNT];

/* ---- instance.c ------------------------------------------------------------------------------------------- */

struct engine_func *engine_func_at(struct engine_instance *i, u32 index);
/* Value of a constant expression: *slots of it. An enum trap. */
enum trap engine_eval(struct engine_instance *i, const struct wasm_expr *e, u64 *slots);
/* The references of an element segment. */
enum trap engine_elem_refs(struct engine_instance *i, u32 elem, engine_ref **refs);

/* ---- image.c ---------------------------------------------------------------------------------------------- */

/* Puts all active data segments into the new memory at once, if the module has an image or gets one now; else `mapped` is false and they are to
 * be copied. */
enum trap engine_image_map(struct engine_instance *i, bool *mapped);
void engine_image_free(struct engine_module *em);

/* ---- storage.c -------------------------------------------------------------------------------------------- */

void engine_memory_free(struct engine_memory *m);
/* The bytes that a memory of this type has at first, saturated. */
u64 engine_memory_least(const struct wasm_limits *type);
/* So many bytes are about to be written to a new memory. */
void engine_memory_expect(struct engine_memory *m, u64 bytes);
/* Makes the pages from address `at` on a private copy of a file's; they are still zero if it could not. TRAP_HOST_MEMORY: they are gone. */
enum trap engine_memory_map(struct engine_memory *m, u64 at, u64 bytes, int file, bool *mapped);
void engine_table_free(struct engine_table *t);
/* -1 when it cannot grow, else the old size. */
i64 engine_table_grow(struct engine_table *t, u64 n, engine_ref init);
enum trap engine_memory_init(struct engine_instance *i, u32 memory, u32 data, u64 d, u64 s, u64 n);
enum trap engine_table_init(struct engine_instance *i, u32 table, u32 elem, u64 d, u64 s, u64 n);

struct wasm_functype engine_copy_type(struct arena *a, const struct wasm_functype *type);
/* Canonical. Unwinds if there are too many types. */
u32 engine_functype_id(struct engine_store *s, const struct wasm_functype *type);

/* ---- heap.c ------------------------------------------------------------------------------------------------ */

enum object_kind { OBJECT_STRUCT, OBJECT_ARRAY, OBJECT_EXCEPTION };
/* How the fields of a struct or the elements of an array lie in an object. */
struct layout {
    u32 type_id;
    enum object_kind kind;
    u32 field_count;
    u32 size; /* bytes: of all fields, or of an element */
    struct field_layout {
        u32 offset;
        u8 size;
        bool leads_to_objects;
    } fields[];
};
struct object {
    struct object *next;
    union {
        const struct layout *layout;
        struct engine_tag *tag; /* exceptions */
    };
    struct object *gray; /* the collector's */
    u32 length;          /* array elements, exception slots */
    u8 kind;
    u8 padding;
    u16 cycle; /* the latest collection that has found it in use */
    u64 bytes; /* of data */
    u64 data[];
};
void engine_heap_free(struct engine_store *s);
/* NULL when the heap is full, or a collection was interrupted: engine_no_object gives the trap. */
struct object *engine_object_new(struct engine_store *s, enum object_kind kind, u64 bytes);
int engine_no_object(struct engine_task *t);
struct layout *engine_layout(struct engine_module *m, u32 type);

/* ---- wait.c ------------------------------------------------------------------------------------------------ */

/* The task goes on elsewhere, or is freed. */
void engine_leave_wait(struct engine_task *t);

/* ---- out.c: instructions called out of line ----------------------------------------------------------- */

/* Do n bytes or elements from `at` on leave what has `size` of them? */
static inline bool engine_outside(u64 at, u64 n, u64 size)
{
    return at > size || n > size - at;
}

#define OUT(name) engine_out engine_out_##name;
#include "outs.def"
#undef OUT

#endif
