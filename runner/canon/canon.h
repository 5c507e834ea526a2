/* canon.h - component instances and the canonical ABI: instantiation, lifting and lowering, tasks, subtasks,
 * waitable sets, streams, futures, resources, the scheduler; and how hosts take part.
 *
 * The law is CanonicalABI.md; names of functions and states are its names. A *task* is one call of a component export; it
 * has one or more *threads*. A thread blocks only in a built-in (or in a sync-lowered call); then it is a few words on
 * the heap. Nothing here recurses on the C stack for a call from guest to guest.
 *
 * Ownership: the store owns instances, functions, resource types, tasks, streams: canon_store_free frees all of it. A linker is
 * its own object and must outlive the stores that were instantiated with it. Values live in the arena that is named.
 *
 * Scheduling: everything that the specification leaves open goes through one function, canon_choose. The
 * default policy always takes choice 0; what 0 means is written at enum canon_choice. So a run is repeatable.
 *
 * Threads of the operating system: none. Host callbacks (functions, sources, readers, destructors) run on the caller's stack, must not
 * block and must not call canon_invoke, canon_begin, canon_cancel, canon_instantiate or canon_store_run_until.
 *
 * Reentrance: what a host calls may call the host before it returns, so state that a callback looks at has to stand before the call.
 *   canon_call_return        `done` of an invocation (of a host's function that a component exports); a guest's realloc
 *   canon_stream_write       the reader, where that is the host's too; a guest's realloc. `wanted` comes later, at the scheduler's turn
 *   canon_future_resolve     the same, and `dropped`
 *   canon_stream_close       the reader, and `dropped`
 *   canon_stream_read, canon_future_read   the reader, `wanted`, `dropped`
 *   canon_end_drop           `dropped`
 *   canon_resource_drop      the destructor of a host's resource
 * Each of these may be called from within any callback, for the same call or end or another: who drops an end while it is
 * at work is not called again for it. After a trap in such a callback nothing of a guest runs until the outcome has been given.
 *
 * Sections of CanonicalABI.md: types and values are "Lifting and Lowering Values" with "Alignment", "Element Size", "Loading", "Storing",
 * "Flattening"; the store is "Embedding" and "Concurrency"; calls of hosts "canon lower" and "Subtask State"; streams and futures
 * "Buffer State", "Stream and Future State"; resources "Resource State"; calling "canon lift" and "Tasks".
 */
#ifndef WITC_CANON_H
#define WITC_CANON_H

#include "base.h"
#include "engine.h"
#include "wasm.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct canon_store;
struct canon_loaded;        /* a component that was loaded into a store */
struct canon_instance;      /* a component instance, or a bundle of exports */
struct canon_func;          /* a component-level function (FuncInst) */
struct canon_resource_type; /* runtime identity of a resource type */
struct canon_end;           /* one end of a stream or future */
struct canon_error;         /* an error-context value */
struct canon_call;          /* a call from a guest to a host function that has not returned */

/* ---- Types -------------------------------------------------------------------------------------- */

enum canon_kind {
    CANON_T_BOOL,
    CANON_T_S8,
    CANON_T_U8,
    CANON_T_S16,
    CANON_T_U16,
    CANON_T_S32,
    CANON_T_U32,
    CANON_T_S64,
    CANON_T_U64,
    CANON_T_F32,
    CANON_T_F64,
    CANON_T_CHAR,
    CANON_T_STRING,
    CANON_T_ERROR_CONTEXT,
    CANON_T_LIST,       /* element */
    CANON_T_FIXED_LIST, /* element, length */
    CANON_T_MAP,        /* fields[0] key, fields[1] value; element: the tuple of both */
    CANON_T_RECORD,     /* fields */
    CANON_T_TUPLE,      /* fields without names */
    CANON_T_FLAGS,      /* fields without types: the names of the bits */
    CANON_T_VARIANT,    /* fields: the cases */
    CANON_T_ENUM,       /* fields without types */
    CANON_T_OPTION,     /* fields "none", "some" */
    CANON_T_RESULT,     /* fields "ok", "error" */
    CANON_T_OWN,        /* resource */
    CANON_T_BORROW,     /* resource */
    CANON_T_STREAM,     /* element or NULL */
    CANON_T_FUTURE,     /* element or NULL */
};

/* Values lie in memory with 32- or 64-bit pointers, or flat: a cell of 8 bytes for each core value, whose bits are zero-extended (so
 * that those of joined types need no conversion). */
enum canon_layout { CANON_MEMORY_32, CANON_MEMORY_64, CANON_FLAT_32, CANON_FLAT_64, CANON_LAYOUTS };
struct canon_type;
struct canon_field {
    str name;
    const struct canon_type *type; /* NULL: none */
    u32 offset[CANON_LAYOUTS];     /* cases: of the payload */
};
/* A resolved value type: resources are those of the running instances. Plain data to read. */
struct canon_type {
    enum canon_kind kind;
    const struct canon_type *element;
    struct canon_field *fields;
    u32 field_count;
    u32 length;
    struct canon_resource_type *resource;
    /* Computed once. */
    u32 size[CANON_LAYOUTS], align[CANON_LAYOUTS];
    u32 disc_size;  /* bytes of a discriminant in memory, VARIANT and its kin */
    u32 flat_count; /* core values; capped at 1000 */
    u8 flat[2][16]; /* enum wasm_kind of the first of them, for 32- and 64-bit pointers */
    bool has_handle;
    bool
        is_plain; /* any bytes are a value of it: copied without a look (numbers and records of them) */
};
struct canon_param {
    str name;
    const struct canon_type *type;
};
struct canon_functype {
    bool is_async;
    const struct canon_param *params;
    u32 param_count;
    const struct canon_type *result; /* NULL: none */
};

/* Equal in structure and names, resources by identity. */
bool canon_type_equal(const struct canon_type *a, const struct canon_type *b);
/* Writes a type in the notation of signatures (see canon_linker_func), the first 500 bytes or so of it. NULL writes "_". */
void canon_type_print(struct buf *out, const struct canon_type *t);
void canon_functype_print(struct buf *out, const struct canon_functype *t);

/* ---- Values ------------------------------------------------------------------------------------- */

enum canon_string_hint { HINT_UTF8, HINT_UTF16, HINT_LATIN1, HINT_LATIN1_UTF16 };

/* A value; which member counts follows from its type's kind, which `kind` repeats.
 *   BOOL U8..U64          u            S8..S64        s (sign-extended)
 *   F32                   f32          F64            f64
 *   CHAR                  u (scalar)   STRING         text (UTF-8)
 *   LIST FIXED_LIST MAP RECORD TUPLE   items, count
 *     LIST of U8 and S8   text: the bytes, count their number, items NULL (`is_bytes`); a host may give either form
 *   FLAGS                 u: bit i is fields[i]
 *   VARIANT ENUM OPTION RESULT         index of the case, payload (NULL if it has none)
 *   OWN BORROW            resource, rep
 *   STREAM FUTURE         end (the readable one)
 *   ERROR_CONTEXT         error
 */
struct canon_value {
    u8 kind;     /* enum canon_kind */
    u8 hint;     /* STRING: enum canon_string_hint, how the producer had it */
    u8 is_bytes; /* LIST */
    u32 index;   /* case */
    union {
        u64 u;
        i64 s;
        float f32;
        double f64;
        struct {
            const char *ptr; /* not NUL-terminated */
            u32 len;
            u32 units; /* STRING: code units of the producer, 0 from hosts */
        } text;
        struct {
            struct canon_value *items;
            u32 count;
        };
        struct canon_value *payload;
        struct {
            struct canon_resource_type *resource;
            u64 rep; /* a host may put a pointer here */
        };
        struct canon_end *end;
        struct canon_error *error;
    };
};

static inline struct canon_value canon_u(enum canon_kind kind, u64 u)
{
    return (struct canon_value){.kind = (u8)kind, .u = u};
}
static inline struct canon_value canon_bool(bool b)
{
    return (struct canon_value){.kind = CANON_T_BOOL, .u = b};
}
static inline struct canon_value canon_string(str s)
{
    return (struct canon_value){.kind = CANON_T_STRING, .text = {s.ptr, (u32)s.len, 0}};
}
static inline struct canon_value canon_bytes(str s)
{
    return (struct canon_value){
        .kind = CANON_T_LIST, .is_bytes = 1, .text = {s.ptr, (u32)s.len, 0}};
}
static inline str canon_text(const struct canon_value *v) /* of a STRING or a list in bytes */
{
    return str_of(v->text.ptr, v->text.len);
}
static inline struct canon_value canon_list(enum canon_kind kind, struct canon_value *items,
                                            u32 count)
{
    return (struct canon_value){.kind = (u8)kind, .items = items, .count = count};
}
static inline struct canon_value canon_case(enum canon_kind kind, u32 index,
                                            struct canon_value *payload)
{
    return (struct canon_value){.kind = (u8)kind, .index = index, .payload = payload};
}
static inline struct canon_value canon_own(struct canon_resource_type *resource, u64 rep)
{
    return (struct canon_value){.kind = CANON_T_OWN, .resource = resource, .rep = rep};
}
static inline struct canon_value canon_readable(enum canon_kind kind, struct canon_end *end)
{
    return (struct canon_value){.kind = (u8)kind, .end = end};
}
/* A deep copy; resources, ends and error-contexts are shared. */
void canon_value_copy(struct arena *a, const struct canon_value *from, struct canon_value *to);
/* Same type, same value; NaNs are equal to each other. */
bool canon_value_equal(const struct canon_value *a, const struct canon_value *b,
                       const struct canon_type *t);
/* Is v a value of type t (kinds, counts, case indices, ranges, UTF-8)? Says what is wrong where (arena may be NULL). */
bool canon_value_check(const struct canon_value *v, const struct canon_type *t, struct arena *a,
                       str *why);
/* An error-context of the host's, for an argument or a result; it lives as long as the store. */
struct canon_error *canon_error_of_host(struct canon_store *s, str message);
/* The message of an error-context, empty if it was dropped. */
str canon_error_message(const struct canon_error *e);

/* ---- The store ------------------------------------------------------------------------------------ */

/* The specification's free choices. 0 is always what the default policy takes. */
enum canon_choice {
    /* n 2. wait_until is ready at once. 0: waitable-set.wait and the like go on, while yields, callbacks that wait and calls behind
     * others at the gate block; 1: the other way round */
    CHOICE_BLOCK_WHEN_READY,
    CHOICE_THREAD, /* which ready thread runs next: in the order in which they became ready */
    CHOICE_WAITER, /* several threads wait for one waitable set: which wakes at an event: the one that began last */
    CHOICE_EVENT,         /* which event a waitable set gives: in the order in which they came up */
    CHOICE_CANCEL_THREAD, /* subtask.cancel resumes which ready thread of the callee's instance */
    CHOICE_CANCEL_MORE,   /* n 2. ... then: 0 stops, 1 resumes another one */
    CHOICE_SYNC_HELPER,   /* a sync call has blocked: which ready thread of the instance runs */
    CHOICE_HOST_CANCEL, /* n 2. cancelling a copy with a host end: 0 completes at once, 1 blocks first */
    CHOICE_HOST_CHUNK, /* n >= 2. 0: a copy with a host end moves all that fits; k > 0: at most k elements */
    CHOICE_HOST_LATER,    /* n 2. a host function that is done: 0 returns at once, 1 after a turn */
    CHOICE_NAN,           /* n 2. lowering a NaN: 0 canonical bits, 1 other bits */
    CHOICE_ERROR_MESSAGE, /* n 2. error-context.new: 0 keeps the message, 1 drops it */
    CHOICE_COUNT
};
typedef u32 canon_choose_fn(void *ctx, enum canon_choice kind, u32 n); /* gives 0..n-1, n >= 2 */
const char *canon_choice_name(enum canon_choice kind);

/* The generator of --seed: a canon_choose_fn whose context is the struct. */
struct canon_seed {
    u64 state;
};
u32 canon_choose_seeded(void *seed, enum canon_choice kind, u32 n);
u64 canon_seed_next(
    struct canon_seed *g); /* 64 bits of it, for hosts with a generator of their own */

/* Boundary events for --trace; costs a test of a pointer when off. */
enum canon_event {
    TRACE_LOWER, /* a guest calls a function that it got by `canon lower`; `what`: "async" or nothing */
    TRACE_LIFT,   /* a task of a function of `canon lift` is made; it may have to wait to enter */
    TRACE_CALL,   /* the call begins; values: arguments (after lifting) */
    TRACE_RETURN, /* values: the result, or none */
    TRACE_CANCEL, /* the call was cancelled */
    TRACE_BLOCK,  /* a thread blocks; `what` says for what */
    TRACE_RESUME, /* ... and goes on */
    TRACE_COPY, /* elements move through a stream or future from `instance` to `peer`; values: the first of `count` */
    TRACE_DROP, /* an end or a resource is dropped; `what` says which */
    TRACE_BUILTIN, /* another built-in is called; `what` is its name */
    TRACE_TRAP,
};
struct canon_trace {
    enum canon_event event;
    u32 task;     /* number of the task, from 1 in the order of their calls; 0 = host */
    u32 caller;   /* TRACE_CALL, of a host function also TRACE_RETURN: task that calls */
    str instance; /* path of the component instance, "" for the host */
    str peer;     /* TRACE_COPY: the same of the reader */
    str func;     /* "ns:pkg/iface@v#name", or as known; empty: none */
    str what;     /* see the event */
    const struct canon_functype *type; /* CALL, RETURN */
    const struct canon_type *element;  /* COPY; NULL: no payload */
    const struct canon_value *values; /* of long lists of a guest's maybe the first elements only */
    u32 value_count;                  /* 0 if there are too many to show */
    u32 count;
};
typedef void canon_trace_fn(void *ctx, const struct canon_trace *t);

/* The outside world. */
struct canon_loop {
    void *env;
    /* Called when no thread is ready (may_block) and now and then (not may_block): lets pending operations of hosts make
     * progress, which call canon_call_return and so on. False: nothing at all is pending outside. */
    bool (*poll)(void *env, bool may_block);
};

struct canon_config {
    struct features features;
    struct engine_limits limits;
    canon_choose_fn *choose; /* NULL: the default policy */
    void *choose_ctx;
    canon_trace_fn *trace; /* NULL: off */
    void *trace_ctx;
    struct canon_loop loop; /* poll NULL: nothing outside */
    bool track_handles;     /* remember who made each handle, for canon_leaks and traps */
    bool lazy_validation;   /* validate a function at its first call; an invalid one then traps */
    u64 max_values; /* that a host keeps for one call, 32 bytes of text as one; 0 = 16 Mi: a guard against lying lists */
    u64 max_bytes; /* of the lists and strings of one call or copy; 0 = 4 GiB: as above, between guests too */
};
struct canon_store *canon_store_new(const struct canon_config *config);
void canon_store_free(struct canon_store *s);
struct engine_store *canon_engine(struct canon_store *s);
void canon_set_loop(struct canon_store *s, struct canon_loop loop);
/* Asks the hook; n < 2 gives 0 without asking. Hosts use it for their own choices. */
u32 canon_choose(struct canon_store *s, enum canon_choice kind, u32 n);
/* From a signal handler: the guest that runs traps ("interrupted"). */
void canon_interrupt(struct canon_store *s);

enum canon_outcome {
    CANON_OK,
    CANON_TRAPPED, /* canon_trap_of tells why; also for exit */
    CANON_IDLE,    /* canon_store_run_until: nothing more can run, and nothing is pending outside */
};

/* ---- Traps ---------------------------------------------------------------------------------------- */

struct canon_trap {
    str message;  /* the wording that test scripts expect: "unknown handle index 5" */
    str instance; /* path of the guilty component instance: "root", "root/db"; "" for a host */
    str func;     /* the export whose task ran, or built-in that trapped */
    str detail;   /* more for a person, may be empty: handle history and so on */
    struct engine_frames frames; /* of the tasks that called each other, too */
    bool is_exit;                /* not a failure: the guest asked to end */
    int exit_code;
    bool is_deadlock;
    struct diag_wait *waits; /* deadlock: the wait-for graph ... */
    u32 wait_count;
    str report; /* ... and as text */
};
/* The trap of the last CANON_TRAPPED; lives as long as the store. After a trap the instances that were
 * running are locked: each further call traps with "cannot enter component instance". */
const struct canon_trap *canon_trap_of(const struct canon_store *s);
/* The wait-for graph of this moment, for --stall-timeout. */
void canon_waits(struct canon_store *s, struct arena *a, struct diag_wait **waits, u32 *n);
str canon_waits_text(struct arena *a, const struct diag_wait *waits, u32 n);

/* What is still open: handles and tasks that have not ended; after a trap, if handles are tracked, those too that it ended while
 * they waited. Such as differ in nothing but their number are one. */
struct canon_leak {
    str instance; /* owner */
    str what;   /* "own<descriptor>", "readable end of stream<u8>", "subtask", "waitable set" ... */
    u32 handle; /* the first of them; 0: a task */
    u32 count;
    str maker_instance,
        maker; /* the function that made it, if tracked; of a task the instance that calls */
};
/* At most about a hundred. Gives how many handles and tasks there are besides. */
u64 canon_leaks(struct canon_store *s, struct arena *a, struct canon_leak **leaks, u32 *n);

/* ---- Hosts: the linker ------------------------------------------------------------------------------ */

struct canon_linker;
struct canon_linker_instance;

struct canon_linker *canon_linker_new(void);
void canon_linker_free(struct canon_linker *l);
/* The instance that imports see under this name ("wasi:cli/stdout@0.3.0"); made at its first mention. An import is matched
 * exactly, else by its semver track: a guest that asks for @0.2.4 gets 0.2.12. */
struct canon_linker_instance *canon_linker_instance(struct canon_linker *l, const char *name);
/* What a component imports without an interface: functions, modules and resources of the root. */
struct canon_linker_instance *canon_linker_root(struct canon_linker *l);
/* An instance within an instance. */
struct canon_linker_instance *canon_linker_nested(struct canon_linker_instance *i,
                                                  const char *name);

typedef void canon_host_fn(void *env, struct canon_call *call);
/* A host function. The signature is WIT-like text without names of its own:
 *   "async func(data: stream<u8>) -> future<result<_, enum{io, illegal-byte-sequence, pipe}>>"
 *   "func(self: borrow<descriptor>, at: u64) -> result<record{size: u64, kind: variant{file, other(option<string>)}}, error-code>"
 * with bool u8.. s64 f32 f64 char string error-context, list<T>, list<T, N>, map<K, V>, option<T>, result, result<T>, result<_, E>,
 * result<T, E>, tuple<..>, record{f: T, ..}, variant{c, c(T), ..}, enum{..}, flags{..}, stream, stream<T>, future, future<T>, own<R>, borrow<R>,
 * R (= own<R>), and names given to canon_linker_type or canon_linker_resource of the same instance, then of the linker's root. A
 * mistake in it is a mistake of witc: canon_linker_check reports it.
 * A method is named as in a component: "[method]descriptor.stat", "[constructor]fields", "[static]fields.from-list". */
void canon_linker_func(struct canon_linker_instance *i, const char *name, const char *signature,
                       canon_host_fn *fn, void *env);
/* A table of them, for whole interfaces: {name, signature, fn}, ended by a NULL name. */
struct canon_host_row {
    const char *name, *signature;
    canon_host_fn *fn;
};
void canon_linker_funcs(struct canon_linker_instance *i, const struct canon_host_row *rows,
                        void *env);
/* Names a type for the signatures of this instance: (i, "error-code", "enum{io, pipe}"). */
void canon_linker_type(struct canon_linker_instance *i, const char *name, const char *type);
/* A resource of the host. `dtor` (may be NULL) is called when a guest drops its last owning handle. */
typedef void canon_dtor_fn(void *env, u64 rep);
struct canon_resource_type *canon_linker_resource(struct canon_linker_instance *i, const char *name,
                                                  canon_dtor_fn *dtor, void *env);
/* The resource of another instance under a name of this one ("use types.{descriptor}"). */
void canon_linker_use(struct canon_linker_instance *i, const char *name,
                      struct canon_resource_type *resource);
/* A value to import, of a type in the notation of signatures; it is copied. */
void canon_linker_value(struct canon_linker_instance *i, const char *name, const char *type,
                        const struct canon_value *value);
/* A core module to import. */
void canon_linker_module(struct canon_linker_instance *i, const char *name,
                         const struct wasm_module *module);
/* Gives an instance that exists under a name to the components instantiated later (in the same store). */
void canon_linker_bind(struct canon_linker *l, const char *name, struct canon_instance *instance);
/* The same for a component to be instantiated by its importer. */
void canon_linker_component(struct canon_linker *l, const char *name, struct canon_loaded *loaded);
/* False and diagnostics if a signature was ill-formed; for tests of host tables. */
bool canon_linker_check(struct canon_linker *l, struct diags *d);
/* A standing value type from text as in signatures, in the linker's memory; NULL on a mistake. */
const struct canon_type *canon_linker_parse_type(struct canon_linker_instance *i, const char *type);
/* Unknown imports become functions that trap when called (with their name), instead of an error. */
void canon_linker_trap_unknown(struct canon_linker *l, bool on);

/* ---- Hosts: calls ----------------------------------------------------------------------------------- */

/* A host function gets a call and ends it exactly once with return, trap or exit, at once or later from a loop callback.
 * A guest whose call has not returned blocks or gets a subtask, as the import's ABI says. Arguments live until
 * the call ends. */
u32 canon_call_arg_count(const struct canon_call *c);
const struct canon_value *canon_call_arg(const struct canon_call *c, u32 i);
struct arena *canon_call_arena(struct canon_call *c); /* lives as long as the call */
struct canon_store *canon_call_store(const struct canon_call *c);
const struct canon_functype *canon_call_type(const struct canon_call *c);
str canon_call_name(const struct canon_call *c); /* "wasi:cli/stdout@0.3.0#write-via-stream" */
/* Ends the call. The value is read before it returns; NULL for functions without a result. A value that does not fit the type is a
 * trap that names the host function. Ownership of resources and ends in it goes to the guest. */
void canon_call_return(struct canon_call *c, const struct canon_value *result);
void canon_call_trap(struct canon_call *c, const char *format, ...) WITC_PRINTF(2, 3);
void canon_call_exit(struct canon_call *c, int code);
/* The guest cancelled the call (async ones only): fn may return, later or at once, or call canon_call_cancelled. Without a
 * function the call just goes on. fn is also called when the store is freed while the call is open: the call is dead after it. */
void canon_call_on_cancel(struct canon_call *c, void (*fn)(void *env, struct canon_call *c),
                          void *env);
void canon_call_cancelled(struct canon_call *c);

/* ---- Hosts: streams and futures ----------------------------------------------------------------------- */

/* The host as producer. The readable end is a value for a guest (canon_readable), or for canon_stream_read. */
struct canon_source {
    /* A reader waits for up to n elements (0: it wants to know when some are there; answer with a write of 0). Answer at once or
     * later with canon_stream_write or canon_stream_close. Not called again before that. May be NULL: a host that writes unasked. */
    void (*wanted)(void *env, struct canon_end *writable, u32 n);
    /* The reader took its read back; an answer now gives 0. May be NULL. */
    void (*cancelled)(void *env, struct canon_end *writable);
    /* The reader is gone, or the store is freed. `writable` is dead after this; comes exactly once, also after canon_stream_close and
     * canon_future_resolve. May be NULL. */
    void (*dropped)(void *env, struct canon_end *writable);
};
/* Makes a stream (or future) of elements `element` (NULL: no payload), which must live as long as the store; source may be NULL. Gives the readable end; *writable is
 * the host's. */
struct canon_end *canon_stream_new(struct canon_store *s, const struct canon_type *element,
                                   const struct canon_source *source, void *env,
                                   struct canon_end **writable);
struct canon_end *canon_future_new(struct canon_store *s, const struct canon_type *element,
                                   const struct canon_source *source, void *env,
                                   struct canon_end **writable);
/* Hands elements over and gives how many were taken: at most what the reader waits for, 0 when none waits. `bytes`
 * is for streams of u8. */
u32 canon_stream_write(struct canon_end *writable, const struct canon_value *values, u32 n);
u32 canon_stream_write_bytes(struct canon_end *writable, const void *bytes, u32 n);
void canon_stream_close(struct canon_end *writable);
/* Gives a future its value, once, at any time; it is kept for a reader that comes later. NULL for one without payload. A reader that
 * waits gets it, and `dropped` is called, before this returns (as canon_stream_close calls it). */
void canon_future_resolve(struct canon_end *writable, const struct canon_value *value);

/* The host as consumer of a readable end that a guest gave it. */
struct canon_read {
    const struct canon_value *values; /* NULL for streams of u8 and without payload */
    const u8 *bytes;                  /* streams of u8 */
    u32 count;
    bool closed; /* nothing more comes; count may still be > 0 */
};
typedef void canon_read_fn(void *env, struct canon_end *readable, const struct canon_read *r);
/* Asks for up to max elements (max > 0); fn is called once, maybe before this returns, with what has come. It may ask again from within. The
 * elements live only during the callback; resources and ends in them are then the host's. */
void canon_stream_read(struct canon_end *readable, u32 max, canon_read_fn *fn, void *env);
/* The same with the one value of a future (count 1), or closed without one (count 0). The end stays the host's until
 * canon_end_drop, also when it is closed. */
void canon_future_read(struct canon_end *readable, canon_read_fn *fn, void *env);
/* Takes a pending read back (fn is not called any more) and drops the end. */
void canon_end_drop(struct canon_end *readable);
const struct canon_type *canon_end_element(const struct canon_end *e);

/* ---- Hosts: resources --------------------------------------------------------------------------------- */

/* Drops an owned resource that the host holds: runs its destructor (that of a guest at the scheduler's next turn). */
void canon_resource_drop(struct canon_store *s, struct canon_resource_type *resource, u64 rep);
str canon_resource_name(const struct canon_resource_type *r);
/* True if the host defined it (its rep is the host's own). */
bool canon_resource_is_host(const struct canon_resource_type *r);

/* ---- Components ------------------------------------------------------------------------------------------ */

/* Takes a component that was read (and its bytes must outlive the store), checks it and loads its modules. NULL and diagnostics if it is invalid;
 * without any if it was interrupted: canon_trap_of says so. */
struct canon_loaded *canon_load(struct canon_store *s, const struct wasm_component *c,
                                struct diags *d);
/* Instantiates. CANON_TRAPPED with an empty diags: a start function or segment trapped (see canon_trap_of); with diagnostics: an import is
 * missing or has another type. `name` is the root of instance paths, "root" if NULL. */
enum canon_outcome canon_instantiate(struct canon_store *s, struct canon_loaded *loaded,
                                     struct canon_linker *linker, const char *name,
                                     struct canon_instance **out, struct diags *d);

struct canon_export {
    str name; /* "wasi:cli/run@0.3.0", "add" */
    enum cm_sort sort;
    struct canon_func *func;         /* SORT_FUNC */
    struct canon_instance *instance; /* SORT_INSTANCE */
    const struct canon_type *type;   /* SORT_TYPE of a value type, SORT_VALUE, else NULL */
    const struct canon_value *value; /* SORT_VALUE */
};
u32 canon_export_count(const struct canon_instance *i);
const struct canon_export *canon_export_at(const struct canon_instance *i, u32 n);
/* By exact name; NULL if there is none. */
const struct canon_export *canon_export_find(const struct canon_instance *i, str name);
/* A function of an exported interface, exact name first, then the semver track; empty interface: of the instance
 * itself. */
struct canon_func *canon_find_func(const struct canon_instance *i, str interface, str name);
const struct canon_functype *canon_func_type(const struct canon_func *f);
str canon_func_name(const struct canon_func *f); /* "wasi:cli/run@0.3.0#run" */
/* True if the two names mean the same interface for a linker: equal, or of one semver track. */
bool canon_name_compatible(str wanted, str have);
/* Of one track, and `have` is an earlier version than `wanted` asks for. */
bool canon_name_older(str wanted, str have);

/* ---- Calling ------------------------------------------------------------------------------------------------ */

/* Calls an export and runs the store until it has returned. Arguments must fit (else a trap that says so). *result (may be NULL)
 * lives in `a`. After this streams and futures in the result may be read while canon_store_run_until runs. */
enum canon_outcome canon_invoke(struct canon_store *s, struct canon_func *f,
                                const struct canon_value *args, u32 arg_count, struct arena *a,
                                struct canon_value *result);
/* The same in pieces, for several calls at a time: begin runs it to its first block. `done` is called (once) when it returns (NULL
 * result if it was cancelled or has none). */
struct canon_invocation;
typedef void canon_done_fn(void *env, const struct canon_value *result);
enum canon_outcome canon_begin(struct canon_store *s, struct canon_func *f,
                               const struct canon_value *args, u32 arg_count, canon_done_fn *done,
                               void *env, struct canon_invocation **out);
/* Requests cancellation; the outcome comes through `done`. */
enum canon_outcome canon_cancel(struct canon_store *s, struct canon_invocation *i);
/* Gives back what canon_begin made (else it lives as long as the store); not from within `done`. A call that has not returned goes
 * on without anybody listening. */
void canon_forget(struct canon_store *s, struct canon_invocation *i);
/* Runs threads and the loop until done(env); done NULL: until nothing is left to run. When nothing can run and nothing is
 * pending outside: CANON_IDLE if done is NULL or no thread waits, else the trap of a deadlock. */
enum canon_outcome canon_store_run_until(struct canon_store *s, bool (*done)(void *env), void *env);
/* True while a thread is ready, or waits for something. */
bool canon_has_ready(const struct canon_store *s);
bool canon_has_waiting(const struct canon_store *s);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
