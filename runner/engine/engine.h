/* engine.h - the core WebAssembly interpreter. It knows modules, instances, memories and tasks; it knows
 * nothing of components.
 *
 * Ownership: a store owns everything that runs in it (modules' translated code, instances, memories, tables, tasks);
 * engine_store_free frees all of it. Pointers to those stay valid until then, and belong to that store only: nothing of one store may be given to
 * another. References to objects of guests are another matter: see engine_ref. What is passed in as text, type or array is copied unless it is said otherwise.
 *
 * Errors: functions that make something never give NULL unless it is said. When memory runs out they unwind to the nearest `oom_guard` (base.h);
 * the store goes on after that, and a task that ran may be freed or started again, no more;
 * what a guest asks for (memory.grow, large objects, deep stacks) fails for the guest alone. Mistakes of modules are diagnostics, those of
 * running code are traps; after a trap the store and its instances go on, in the state that the code left.
 *
 * Execution: a task is a heap value stack and a few registers. Wasm calls never recurse on the C stack. A host
 * function may suspend its task: engine_start / engine_resume then return ENGINE_SUSPENDED, and a later
 * engine_resume hands the host function's results over and goes on. Suspending costs a store, resuming a
 * load; any number of tasks may be suspended, in any order. One task runs at a time (no OS threads).
 *
 * Values travel in 64-bit slots: i32 zero-extended, f32 as raw bits in the low half, f64 as raw bits, v128 in two slots (low
 * first), references as an engine_ref.
 */
#ifndef WITC_ENGINE_H
#define WITC_ENGINE_H

#include "base.h"
#include "wasm.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct engine_store;
struct engine_module;
struct engine_instance;
struct engine_task;
struct engine_func; /* a function of an instance, or a host function */
struct engine_table;
struct engine_memory;
struct engine_global;
struct engine_tag;

/* A reference value; 0 is null. Functions: the struct engine_func pointer. Host references: see engine_extern_ref.
 *
 * One to a struct, an array or an exception is valid as long as guests could still reach the object: from a global, a table, an
 * element segment that was not dropped, another such object, the stack of a task, or the results of a task until it is used again. What
 * the host alone holds (a copy of engine_results, of an argument or of engine_table_get) keeps nothing: any task that runs, and any
 * instantiation, may free the object. To keep it, put it into a table of the host (engine_table_new, not given to any module: element
 * type anyref, externref or exnref), and null in its place to let it go. The arguments of a host function are kept until it returns. */
typedef u64 engine_ref;
/* A reference to something of the host: `value` below 2^62. The engine never looks behind it. */
engine_ref engine_extern_ref(u64 value);
bool engine_is_extern_ref(engine_ref ref, u64 *value);
/* Is a reference that is not null of this type (type indices: canonical ids)? It must be of the same hierarchy. */
bool engine_ref_is(struct engine_store *s, engine_ref r, wasm_valtype type);

enum engine_outcome {
    ENGINE_DONE,
    ENGINE_TRAPPED, /* engine_trap_of tells why */
    ENGINE_SUSPENDED, /* by a host function, without fuel (engine_out_of_fuel), or in a wait (engine_waits) */
};

/* ---- Store ------------------------------------------------------------------------------------------ */

struct engine_limits {
    u64 fuel;                  /* loop turns and calls in all; 0 = unlimited */
    u64 memory_bytes;          /* for each memory, 0 = 4 GiB */
    u64 table_elements;        /* for each table, 0 = 10,000,000 */
    u32 stack_slots;           /* for each task, 0 = 131,072 (1 MiB) */
    u32 instances;             /* 0 = 10,000 */
    u64 heap_bytes;            /* structs, arrays and exceptions in all, 0 = 1 GiB */
    u64 task_bytes;            /* stacks of all tasks, and what engine_keep counts, 0 = 2 GiB */
    bool trap_on_grow_failure; /* memory.grow and table.grow trap instead of giving -1 */
};
struct engine_store *engine_store_new(
    const struct engine_limits *limits); /* NULL limits: the defaults */
/* NULL is fine. Not from within a host function of the store. */
void engine_store_free(struct engine_store *s);
/* Counts what is kept outside for the guests' tasks against limits.task_bytes, and takes it back. Counting never fails: who makes something more asks
 * engine_has_room first. */
void engine_keep(struct engine_store *s, u64 bytes);
void engine_let_go(struct engine_store *s, u64 bytes);
bool engine_has_room(const struct engine_store *s, u64 bytes);
/* Asks the running task to stop at the next loop turn or call: it traps with "interrupted". Safe to call from a signal handler. */
void engine_interrupt(struct engine_store *s);
/* Was that asked for? For host functions that take long, which trap by themselves then: it is asked for no more. */
bool engine_take_interrupt(struct engine_store *s);
/* The same for work on many bytes or values, which burns fuel as so many loop turns do: NULL, or the message to trap with. */
const char *engine_work(struct engine_store *s, u64 turns);
/* A piece of a memmove of so many bytes, of which some are done: gives how many more are done now, the first of them at `at` (may be NULL).
 * Between pieces, which take a moment each, hosts can look at interrupts. */
#define ENGINE_PIECE ((u64)1 << 20)
u64 engine_move_piece(void *to, const void *from, u64 bytes, u64 done, u64 *at);
/* More fuel for a store that has a limit; a task that ran out goes on with engine_resume(t, NULL). */
void engine_add_fuel(struct engine_store *s, u64 fuel);

/* ---- Modules ------------------------------------------------------------------------------------------ */

/* Takes a module that was read (it, and its bytes, must outlive the store) and validates it. The result is shared by all its
 * instances; bodies are translated at their first call. NULL and diagnostics if it is invalid. */
struct engine_module *engine_load(struct engine_store *s, const struct wasm_module *m,
                                  struct features features, struct diags *d);
/* Reads a source of d->sources, binary or text, and loads the module that it holds; its bytes must outlive the store. */
struct engine_module *engine_load_source(struct engine_store *s, u32 source,
                                         struct features features, struct diags *d);
/* With true, modules that are loaded from now on have each body validated at its first call; an invalid one traps then, with the
 * function, the place and the mistake as its message. Everything else is validated by engine_load. */
void engine_validate_lazily(struct engine_store *s, bool lazily);
const struct wasm_module *engine_module_source(const struct engine_module *m);
/* The type of an import, by its number, for what is to be made for it. Types of the module that it names stand in it by canonical
 * ids: of a function or a tag `type`, within value types the index. */
struct wasm_externtype engine_import_type(const struct engine_module *m, u32 import);

/* ---- Externals ------------------------------------------------------------------------------------------ */

/* Value types of the host's functions, tags, tables and globals name types by canonical ids (engine_import_type). */
struct engine_extern {
    enum wasm_extern kind;
    union {
        struct engine_func *func;
        struct engine_table *table;
        struct engine_memory *memory;
        struct engine_global *global;
        struct engine_tag *tag;
    };
};

/* A host function. `slots` holds the arguments and takes the results, from slots[0] on. Returns ENGINE_DONE; or ENGINE_TRAPPED after
 * engine_trap; or ENGINE_SUSPENDED (the results come with engine_resume). It may call engine_call_nested, and may
 * start or resume other tasks; `slots` stays where it is until the host function returns. */
typedef enum engine_outcome engine_host_fn(void *env, struct engine_task *t, u64 *slots);
/* `name` is for backtraces, where it is the host's. `env` is given to each call, and is the caller's. The type is final and without a supertype. */
struct engine_func *engine_host_func(struct engine_store *s, const struct wasm_functype *type,
                                     str name, engine_host_fn *fn, void *env);
/* The same of the function type with a canonical id, whatever that type is: as an import wants it (engine_import_type). */
struct engine_func *engine_host_func_of(struct engine_store *s, u32 type, str name,
                                        engine_host_fn *fn, void *env);
/* In backtraces it is a function of this instance (a label) instead. */
void engine_host_func_is_of(struct engine_func *f, str instance);
const struct wasm_functype *engine_func_type(
    const struct engine_func *f); /* lives as long as the store */
struct engine_instance *engine_func_instance(
    const struct engine_func *f); /* NULL: a host function */
/* From the name section, else the name of an export, else "func[3]", in `a`; valid as long as that and the store. */
str engine_func_name(const struct engine_func *f, struct arena *a);

/* ---- Instances ------------------------------------------------------------------------------------------- */

/* Instantiates with one external for each import, in order. Gives ENGINE_DONE or, with a diagnostic that says why, ENGINE_TRAPPED:
 *   - an import is missing or of another type (code "link"), or a limit is reached (code "limit"): *out is NULL;
 *   - a constant expression or an active segment traps (code "trap"): *out is set, as what it wrote into imported tables and memories stays.
 * The start function is not run: see engine_start_func. `label` names the instance in backtraces. From the second instance of a module
 * on, large data segments are mapped, not copied. */
enum engine_outcome engine_instantiate(struct engine_store *s, struct engine_module *m,
                                       const struct engine_extern *imports, u32 import_count,
                                       str label, struct engine_instance **out, struct diags *d);
/* The start function, or NULL. The caller runs it. */
struct engine_func *engine_start_func(struct engine_instance *i);
/* Finds an export by name; false if there is none. Its kind is in out->kind. */
bool engine_export(struct engine_instance *i, str name, struct engine_extern *out);
/* The same for a function; NULL if there is none of that name. */
struct engine_func *engine_export_func(struct engine_instance *i, str name);
struct engine_module *engine_instance_module(struct engine_instance *i);
str engine_instance_label(struct engine_instance *i);
/* Anything the layer above wants to find again from a running task. */
void engine_instance_set_data(struct engine_instance *i, void *data);
void *engine_instance_data(struct engine_instance *i);

/* ---- Memories, tables, globals ---------------------------------------------------------------------------- */

/* A view of a memory's bytes; dead after anything that may run wasm or grow the memory. */
u8 *engine_memory_data(struct engine_memory *m);
u64 engine_memory_size(struct engine_memory *m); /* bytes */
bool engine_memory_is_64(struct engine_memory *m);
/* A memory for imports. NULL: it is larger at the start than the store's limit, or the system has no room. */
struct engine_memory *engine_memory_new(struct engine_store *s, const struct wasm_limits *type);
/* -1 when it cannot grow, else the old size in pages. */
i64 engine_memory_grow(struct engine_memory *m, u64 pages);
/* A table for imports, with `init` (of its element type) everywhere. NULL as with memories. */
struct engine_table *engine_table_new(struct engine_store *s, const struct wasm_tabletype *type,
                                      engine_ref init);
u64 engine_table_size(struct engine_table *t);
bool engine_table_is_64(const struct engine_table *t);
/* False when the index is out of bounds. A value must be of the table's element type: that is not checked (engine_ref_is). */
bool engine_table_get(struct engine_table *t, u64 index, engine_ref *out);
bool engine_table_set(struct engine_table *t, u64 index, engine_ref value);
/* A global for imports; `slots` holds its value, two slots of a v128. */
struct engine_global *engine_global_new(struct engine_store *s, const struct wasm_globaltype *type,
                                        const u64 *slots);
/* Its value, to read, and to write if it is mutable. */
u64 *engine_global_slots(struct engine_global *g);
const struct wasm_globaltype *engine_global_type(const struct engine_global *g);
/* A tag for imports: the parameters are the values that an exception carries. */
struct engine_tag *engine_tag_new(struct engine_store *s, const struct wasm_functype *type);
/* The same of the function type with a canonical id. */
struct engine_tag *engine_tag_of(struct engine_store *s, u32 type);

/* ---- Tasks ---------------------------------------------------------------------------------------------------- */

/* A task of its own stack (a small one, grown as needed). engine_task_free returns it to the store's pool; a task may be freed in any
 * state but running. */
struct engine_task *engine_task_new(struct engine_store *s);
void engine_task_free(struct engine_task *t);
void engine_task_set_data(struct engine_task *t, void *data);
void *engine_task_data(struct engine_task *t);
struct engine_store *engine_task_store(struct engine_task *t);
/* The instance whose code called the host function that is running on t. */
struct engine_instance *engine_task_instance(struct engine_task *t);

/* Calls f with its arguments in `slots` (NULL if it has none). On ENGINE_DONE the results are in engine_results; on ENGINE_TRAPPED
 * engine_trap_of tells why, and the task is idle again. The task must be idle, of f's store. */
enum engine_outcome engine_start(struct engine_task *t, struct engine_func *f, const u64 *slots);
/* Goes on with a suspended task; `results` are those of the host function that suspended it (as many as its type says; may be NULL
 * if it has none, and is not looked at if the task had no fuel or stood in a wait). */
enum engine_outcome engine_resume(struct engine_task *t, const u64 *results);
/* The results of the last ENGINE_DONE, valid until the task is used again. */
const u64 *engine_results(const struct engine_task *t);
bool engine_out_of_fuel(const struct engine_task *t);
/* How many slots its stack has now, and how many one may have. */
u32 engine_task_slots(const struct engine_task *t);
u32 engine_max_slots(const struct engine_store *s);

/* With true, a task that reaches memory.atomic.wait is suspended there until another task of the store notifies it (else a wait without an
 * end traps at once, and any other is over at once). engine_resume(t, NULL) goes on as soon as engine_waits is false. */
void engine_let_wait(struct engine_store *s, bool on);
/* Does a suspended task stand in such a wait? */
bool engine_waits(const struct engine_task *t, bool *forever);
/* Nobody is going to notify it: a wait for some time is over, one for ever traps. */
void engine_end_wait(struct engine_task *t);

/* Calls f from within a host function, on the stack of the same task and to its end (canonical ABI realloc, post-return,
 * destructors that may not block). `slots` holds arguments and takes results. Gives ENGINE_DONE or ENGINE_TRAPPED, which the host function may
 * pass on as it is; a suspension within is a trap, and so is an exception that f does not catch: exceptions do not cross the host, whose own
 * functions cannot throw. */
enum engine_outcome engine_call_nested(struct engine_task *t, struct engine_func *f, u64 *slots);

/* ---- Traps ------------------------------------------------------------------------------------------------------ */

/* A place in the source of a guest. */
struct engine_place {
    str func;         /* a function that was inlined here; empty: the frame's own */
    str file;         /* empty if only the line is known */
    u32 line, column; /* from 1; 0: not known */
};
struct engine_frame {
    str instance;                     /* label; empty: the host's own */
    str func;                         /* name or func[N] */
    u32 offset;                       /* code offset in the module's binary */
    u32 index;                        /* of the function */
    const struct wasm_module *module; /* NULL: a host function */
    /* Innermost first: where the code comes from, then where what was inlined was called. engine_locate finds them. */
    const struct engine_place *places;
    u32 place_count;
};
/* Innermost first; of a deep stack the innermost and the outermost ones. */
struct engine_frames {
    struct engine_frame *list;
    u32 count;
    u32 left_out, left_out_at; /* so many are missing before list[left_out_at] */
};
struct engine_trap {
    str message; /* the specification's text: "unreachable", "out of bounds memory access" */
    str detail; /* more for a person, may be empty: "address 0x10000 is out of bounds of memory 0 of 65536 bytes" */
    struct engine_frames frames;
    bool is_exception; /* an exception that nobody caught */
    bool is_exit;      /* not a failure: the guest asked to end (engine_exit) */
    int exit_code;
};
/* Sets the trap of a task and returns ENGINE_TRAPPED, for host functions: `return engine_trap(t, "...")`. */
enum engine_outcome engine_trap(struct engine_task *t, const char *format, ...) WITC_PRINTF(2, 3);
/* Ends the task as `exit(code)` would: unwinds without running more code. */
enum engine_outcome engine_exit(struct engine_task *t, int code);
/* Valid until the task is used again. */
const struct engine_trap *engine_trap_of(const struct engine_task *t);
/* The frames of a task that is suspended, or of the running one (for reports), in `a`; none of an idle one. */
struct engine_frames engine_backtrace(struct engine_task *t, struct arena *a);
/* The innermost function of a module that a suspended task stands in; empty if there is none. */
str engine_where(struct engine_task *t, struct arena *a);
/* Adds copies of those outside of `inner`: what called it. */
void engine_add_frames(struct arena *a, struct engine_frames *inner,
                       const struct engine_frames *outer);
/* Fills in the places of frames from the debug information of their modules (DWARF 2 to 5), as far as there is any. It reads
 * all of it: for reports. The results live in `a`. */
void engine_locate(struct arena *a, struct engine_frame *frames, u32 count);
/* The name of a function as people write it, if rustc mangled it (`_R`, or `_ZN` with a hash at the end); else the name itself. The
 * result lives in `a` or where the name does. */
str engine_demangle(str name, struct arena *a);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
