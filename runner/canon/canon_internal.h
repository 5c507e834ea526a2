/* canon_internal.h - what the files of canon/ share. Names are those of CanonicalABI.md. */
#ifndef WITC_CANON_INTERNAL_H
#define WITC_CANON_INTERNAL_H

#include "canon.h"
#include "list.h"
#include "picks.h"
#include "validate.h"

#define MAX_FLAT_PARAMS        16
#define MAX_FLAT_ASYNC_PARAMS  4
#define MAX_FLAT_RESULTS       1
#define MAX_LIST_BYTE_LENGTH   ((1u << 28) - 1)
#define MAX_STRING_BYTE_LENGTH ((1u << 28) - 1)
#define BUFFER_MAX_LENGTH      ((1u << 28) - 1)
/* Below the specification's 2^28 - 1: what a guest may have the host keep for it. */
#define TABLE_MAX_LENGTH  ((1u << 20) - 1)
#define THREAD_MAX_LENGTH ((1u << 20) - 1)
#define BLOCKED           0xffffffffu
/* What the name of a destructor begins with, as that of the core function. */
#define CANON_DTOR "[dtor]"
/* The stacks of tasks that call each other may together have so many times the slots of one. */
#define CHAIN_STACKS 64

struct canon_store;
struct component_instance;
struct thread;
struct task;
struct subtask;
struct waitable_set;
struct transfer;

/* ---- Types (types.c, signature.c) ------------------------------------------------------------------ */

/* Every canon_functype is the head of one of these. */
struct functype {
    struct canon_functype pub;
    struct canon_type *param_tuple; /* NULL if there are no parameters */
    u32 flat_params, flat_results;  /* capped at 1000 */
};
static inline const struct functype *functype_of(const struct canon_functype *f)
{
    return (const struct functype *)f;
}
const struct canon_type *canon_prim(enum canon_kind kind);
struct canon_type *canon_type_new(struct arena *a, enum canon_kind kind);
/* Computes the layout once the parts stand. False if it is too large. */
bool canon_type_finish(struct canon_type *t);
const struct canon_functype *canon_functype_new(struct arena *a, bool is_async,
                                                const struct canon_param *params, u32 count,
                                                const struct canon_type *result);
static inline u32 align_to(u32 x, u32 align)
{
    return (x + align - 1) & ~(align - 1);
}
static inline bool canon_is_flat(enum canon_layout l)
{
    return l >= CANON_FLAT_32;
}
static inline bool kind_is_number(enum canon_kind k)
{
    return k >= CANON_T_S8 && k <= CANON_T_F64;
}
extern const struct canon_type canon_prims[]; /* by kind */

typedef const struct canon_type *canon_type_lookup(void *ctx, str name);
const struct canon_type *canon_parse_type(struct arena *a, str text, canon_type_lookup *lookup,
                                          void *ctx, str *why);
const struct canon_functype *canon_parse_functype(struct arena *a, str text,
                                                  canon_type_lookup *lookup, void *ctx, str *why);

struct canon_resource_type {
    str name;
    u32 named_at;                    /* by an export of an instance so deep, from 1; 0: otherwise */
    struct component_instance *impl; /* NULL: the host */
    bool rep_64;
    struct canon_func *dtor_func; /* the destructor, lifted; CANON_DTOR and the resource's name */
    canon_dtor_fn *host_dtor;
    void *host_env;
};

/* ---- Options, functions ------------------------------------------------------------------------------- */

struct options {
    enum cm_encoding encoding;
    bool is_async;
    u8 p; /* 1 if pointers have 64 bits: the layout in memory */
    struct engine_memory *memory;
    struct engine_func *realloc, *post_return, *callback;
};
enum func_kind { FUNC_LIFTED, FUNC_HOST, FUNC_UNKNOWN };
struct canon_func {
    enum func_kind kind;
    const struct canon_functype *type;
    str name;
    bool is_core_name;          /* it has no other yet */
    struct engine_func *callee; /* LIFTED */
    struct options opts;
    struct component_instance *inst;
    canon_host_fn *fn; /* HOST */
    void *env;
};
/* A function lowered into a component instance: env of its core function. */
struct lowered {
    struct component_instance *inst;
    struct canon_func *callee;
    struct options opts;
    u32 max_flat_params, max_flat_results;
    u32 core_params;
    /* How values get there and back (transfer.c), made at the first call. NULL: as a tree. */
    const struct plan *params, *result;
    bool has_plans;
    bool is_cells; /* both are, or there is nothing to get there */
};

/* ---- Handles (handles.c) --------------------------------------------------------------------------------- */

enum handle_kind {
    HANDLE_FREE,
    HANDLE_RESOURCE,
    HANDLE_SUBTASK,
    HANDLE_END,
    HANDLE_SET,
    HANDLE_ERROR
};
struct handle {
    u8 kind;
    bool own;
    u32 num_lends;
    union {
        u32 next_free;
        struct {
            struct canon_resource_type *rt;
            u64 rep;
            struct task *borrow_scope;
        };
        struct subtask *subtask;
        struct canon_end *end;
        struct waitable_set *set;
        struct canon_error *error;
    };
    const struct canon_func *maker; /* if tracked: who made it, of a free one who dropped it */
};
/* handles: 1-based with a LIFO list of holes. */
struct handle_table {
    struct handle *data;
    u32 len, cap, free, live;
};
struct handle *canon_handle_get(struct component_instance *i, u32 index, enum handle_kind kind);
/* 0 if the table is full (a trap is set). */
u32 canon_handle_add(struct component_instance *i, struct handle h);
void canon_handle_remove(struct component_instance *i, u32 index);
bool canon_handle_wrong(struct component_instance *i, u32 index);
/* A handle in words: "own<file>", "readable end of stream<u8>" (leaks.c). */
str canon_handle_words(struct arena *a, const struct handle *h);
/* The type of a stream or future (report.c). */
void canon_end_type_print(struct buf *out, const struct canon_end *e);
/* "`f` in `root/a`", empty for NULL. */
str canon_maker_words(struct arena *a, const struct canon_func *maker);
/* As canon_fail, of a handle that there is: explained by what it is and who made it. */
bool canon_fail_handle(struct component_instance *i, u32 index, const char *format, ...)
    WITC_PRINTF(3, 4);
/* The trap of a task that returns while it has borrows; gives false. */
bool canon_fail_borrows(const struct task *t);
/* The resource handle of a type. */
struct handle *canon_handle_resource(struct component_instance *i, u32 index,
                                     const struct canon_resource_type *rt);

/* Counted by the handles to it; one that a host has seen stays. */
struct canon_error {
    u32 references;
    struct canon_error *all_next, *all_previous;
    str message;
};
struct canon_error *canon_error_new(struct canon_store *s, str message);
void canon_error_release(struct canon_store *s, struct canon_error *e);

/* ---- Waitables (waitables.c) -------------------------------------------------------------------------------- */

enum event_code {
    EVENT_NONE,
    EVENT_SUBTASK,
    EVENT_STREAM_READ,
    EVENT_STREAM_WRITE,
    EVENT_FUTURE_READ,
    EVENT_FUTURE_WRITE,
    EVENT_TASK_CANCELLED
};
struct event {
    u32 code, p1, p2;
};
struct waitable {
    bool is_subtask;
    bool pending; /* there is an event to deliver; what it says is computed at delivery */
    bool has_sync_waiter;
    u32 progress; /* of ends */
    struct waitable_set *set;
    struct waitable *set_next, *set_previous; /* in the set */
    u32 pending_at;                           /* in the set's queue of pending ones */
    struct thread *waiter;                    /* blocked in a built-in for this event */
};
/* The threads that wait for events of a set: those before `idle` have not been woken, as there are not that many events. */
struct waiters {
    struct picks threads;
    u32 idle;
};
struct waitable_set {
    struct waitable *first, *last;
    struct picks pending;
    u32 count;
    u32 num_waiting;
    u32 index;                 /* for reports */
    struct waiters waiters[2]; /* in waitable-set.wait, in a callback */
};
static inline u32 canon_set_pending(const struct waitable_set *set)
{
    return picks_count(&set->pending);
}
void canon_set_free(struct canon_store *s, struct waitable_set *set);
/* th waits for an event of th->on.set now, or no longer. */
void canon_set_add_waiter(struct thread *th);
void canon_set_remove_waiter(struct thread *th);
/* It waits in a callback, and its task is cancelled: it does not wait for the event any more. */
void canon_set_let_go(struct thread *th);
void canon_waitable_set_event(struct canon_store *s, struct waitable *w);
struct event canon_waitable_take(struct canon_store *s, struct waitable *w);
void canon_waitable_join(struct canon_store *s, struct waitable *w, struct waitable_set *set);
struct event canon_set_take(struct canon_store *s, struct waitable_set *set);

/* ---- Tasks, threads, subtasks --------------------------------------------------------------------------------- */

/* What a thread's continuation did. */
enum step {
    STEP_NONE,
    STEP_BLOCK,  /* the thread waits or is suspended: control goes to its resumer */
    STEP_CALL,   /* resume s->step_to and come back when it blocks or ends */
    STEP_SWITCH, /* resume s->step_to instead of this thread */
    STEP_AGAIN,  /* call `then` again */
    STEP_DONE,   /* the thread has ended */
    STEP_TRAP,
};
enum wait_kind {
    WAIT_NOTHING,
    WAIT_ALWAYS,   /* a yield */
    WAIT_GATE,     /* backpressure */
    WAIT_SET,      /* an event of a waitable set */
    WAIT_CALLBACK, /* the same, or a cancellation, and the lock */
    WAIT_UNLOCKED, /* the lock: callback's yield */
    WAIT_EVENT,    /* an event of one waitable */
    WAIT_SUBTASK,  /* a subtask to resolve */
};
enum thread_state { THREAD_SUSPENDED, THREAD_WAITING, THREAD_RUNNING };
struct thread {
    struct task *task;
    struct engine_task *et;               /* NULL when no core code is on its stack */
    enum step (*then)(struct thread *th); /* goes on when control comes (back) */
    enum step (*body)(struct thread *th); /* the core function has returned; engine_results(et) */
    struct thread *resumer;               /* gets control when this one blocks or ends */
    const struct thread *under; /* the one on top of which it runs (direct.c), for reports */
    struct thread *all_next, *all_previous;
    u64 turn;   /* when it became ready */
    u32 set_at; /* among the waiters of a set */
    u32 ready_at;
    u8 state, wait;
    bool in_ready, in_set;
    u32 index; /* in the instance's thread table, 0: not registered */
    union {
        struct waitable *waitable;
        struct waitable_set *set;
        struct subtask *subtask;
    } on;
    u64 storage[2];
    u64 k[2]; /* what the continuation needs to know */
    void *kp;
    const char *doing; /* built-in or reason, for reports */
    u64 chain;         /* slots of the stacks of all that wait for it to give control back */
};

enum task_state {
    TASK_INITIAL,
    TASK_STARTED,
    TASK_PENDING_CANCEL,
    TASK_CANCEL_DELIVERED,
    TASK_RESOLVED
};
struct task {
    struct canon_func *func;
    struct component_instance *inst;
    struct thread *implicit;
    struct subtask *sub;          /* caller: a guest; NULL when resolved */
    struct canon_invocation *inv; /* caller: the host */
    const struct canon_func
        *caller;       /* the function whose task called, NULL: the host; for reports */
    u32 id, caller_id; /* of tasks */
    u32 num_borrows;
    u32 thread_count; /* registered */
    u32 live_threads; /* with the unregistered */
    u8 state;
    bool is_async_call; /* lowered so */
    u32 report;         /* for report.c */
};

enum subtask_state {
    SUBTASK_STARTING,
    SUBTASK_STARTED,
    SUBTASK_RETURNED,
    SUBTASK_CANCELLED_BEFORE_STARTED,
    SUBTASK_CANCELLED_BEFORE_RETURNED
};
struct subtask {
    struct waitable w;
    u8 state;
    bool cancellation_requested, resolve_delivered;
    bool progress_events; /* the async-lowered call has returned: tell by events */
    u32 index;
    struct lowered *low;
    struct task *task;       /* callee, until it resolves */
    struct canon_call *call; /* host callee, until it resolves */
    u32 caller_task;
    u64 args[17];
    u64 result;
    u32 *lenders; /* handle indices */
    u32 lender_count, lender_cap;
    struct subtask *all_next, *all_previous;
};
static inline bool subtask_resolved(const struct subtask *s)
{
    return s->state >= SUBTASK_RETURNED;
}

struct canon_call {
    struct canon_store *store;
    struct canon_func *func;
    struct subtask *sub;          /* the caller: a guest ... */
    struct canon_invocation *inv; /* ... or the host itself */
    struct arena arena;
    struct canon_value *args;
    void (*on_cancel)(void *env, struct canon_call *c);
    void *cancel_env;
    struct canon_call *all_next, *all_previous;
    u64 kept;    /* bytes of arguments */
    bool inside; /* the host function is on the stack */
    bool ended;
    bool later; /* done, but the guest hears of it a turn later */
    u32 late_turn;
    struct canon_call *late_next, *late_previous;
    struct canon_value result;
};

struct canon_invocation {
    struct arena arena;
    struct canon_func *func;
    struct task *task;
    struct canon_call *call; /* of a function that the host gave and a component exports */
    struct canon_value *args;
    canon_done_fn *done;
    void *env;
    bool resolved, cancel_requested;
    struct canon_value result;
    struct canon_invocation *all_next, *all_previous;
};

/* ---- Instances ---------------------------------------------------------------------------------------------------- */

struct scope;
#define READY_QUEUES 4
/* ComponentInstance of the specification. */
struct component_instance {
    struct canon_store *store;
    struct handle_table handles;
    struct {
        struct thread **data;
        u32 *free;
        u32 len, cap, free_len, free_cap;
    } threads;
    bool may_leave;
    bool locked; /* of a root: something trapped in it */
    u32 backpressure;
    struct {
        const struct canon_func *func;
        u32 task;
        const struct task *alive; /* for report.c */
    } raised;                     /* backpressure, by whom last */
    u32 num_waiting_to_enter;
    struct thread *exclusive_thread;
    struct picks ready[READY_QUEUES]; /* ready.c */
    u8 filled;                        /* a bit for each of them that is not empty */
    u64 opened;                       /* the turn in which backpressure ended */
    u32 open_at;                      /* the place in the store's `open`, from 1; 0: not in it */
    struct component_instance *root;
    struct component_instance *next; /* all of the store */
    str path;
    u32 depth; /* of the root 1 */
    u32 children;
    u32 report; /* for report.c */
    struct map child_names;
    struct scope *scope;
    /* What direct.c needs to know. */
    bool may_block;
    u32 height; /* of the longest chain of direct calls down from here */
    u32 mark;
    VEC(struct component_instance *) callees;
    VEC(struct component_instance *) callers;
};

/* ---- The store ------------------------------------------------------------------------------------------------------ */

/* Handles, or tasks (HANDLE_FREE), that a report tells in one line (leaks.c). */
struct open_group {
    struct component_instance *inst;
    u8 kind, form;     /* enum handle_kind */
    const void *of;    /* resource type, callee, element, function */
    const void *maker; /* a function, of a task the instance that calls */
    u32 first, count;  /* handle or task */
    str threads;       /* of the first task, in words, if it has others than the implicit one */
};
struct open_list {
    VEC(struct open_group) groups;
    u64 more; /* that no group has room for */
};
/* Before the threads of locked instances are freed: keeps their tasks in mind for canon_leaks, if handles are tracked. */
void canon_note_lost_tasks(struct canon_store *s);

struct loaded_module {
    struct engine_module *module;
    str name; /* from its name section; may be empty */
};
struct open_instance {
    u64 turn; /* of its first ready thread */
    struct component_instance *inst;
    u32 ready,
        below; /* under a `choose`: its ready threads; with those of the instances below it in the heap */
};
struct pool { /* what is taken from it counts as kept for guests' tasks */
    struct engine_store *engine;
    void *free;
    size_t size;
};
struct canon_store {
    struct arena arena;
    struct engine_store *engine;
    struct validate_types *types;
    struct canon_config config;

    VEC(struct open_instance) open; /* a heap of the instances with ready threads, by `turn` */
    u64 turns;                      /* so far */
    u64 looked;             /* how often canon_pick_thread has looked at a thread or an instance */
    struct thread *threads; /* all */
    u32 thread_count;
    struct thread *current;
    enum step step;
    struct thread *step_to;
    struct engine_task *host_task; /* the task whose host function runs; NULL: none */
    u64 *context;                  /* storage of the current thread */
    u32 next_task;
    u32 ticks;

    struct component_instance *instances, **instances_end;
    u32 instance_count;
    struct canon_call *calls;
    struct canon_invocation *invocations;
    struct canon_end *ends; /* all */
    struct canon_error *errors;
    struct map modules; /* address of a wasm_module -> number in module_list */
    VEC(struct loaded_module) module_list;

    struct map plan_numbers; /* of elements of streams -> number in plans */
    VEC(const struct plan *) plans;
    u32 plan_steps; /* of all plans */

    struct pool threads_pool, tasks_pool, subtasks_pool, ends_pool, sets_pool;
    struct arena scratch; /* lifted values on their way */
    u32 scratch_depth;
    u32 nested;           /* calls on top of each other, see direct.c */
    struct thread *spare; /* in all_next: with tasks and stacks, for them */
    u32 marks;
    /* What goes on a turn later, oldest first; what comes to it in a turn waits for the next. */
    u32 late_turn;
    struct {
        struct canon_end *first, *last;
        u32 count;
    } late_ends;
    struct {
        struct canon_call *first, *last;
    } late_calls;

    struct { /* owned resources that the host dropped */
        struct {
            struct canon_resource_type *rt;
            u64 rep;
        } * data;
        u32 len, cap;
    } drops;
    struct subtask *subtasks; /* all */

    bool failed;      /* s->trap tells why; nothing more may run until it is taken */
    bool explainable; /* canon_explain speaks of this trap */
    struct canon_trap trap;
    const struct engine_task *trap_seen; /* its frames are in `trap` */
    struct component_instance *failed_inst;
    const char *builtin;   /* the one that runs, for traps */
    struct open_list lost; /* tasks that a trap ended */
    bool freeing;
};

/* Frees all that calls have made: instances are as new, but for their core modules. */
void canon_store_clear(struct canon_store *s);
void *canon_pool_get(struct canon_store *s, struct pool *p);
void canon_pool_put(struct pool *p, void *object);
/* Scratch arena for values on their way: enter gives it, leave empties it at the outermost level. */
struct arena *canon_scratch_enter(struct canon_store *s);
void canon_scratch_leave(struct canon_store *s);

/* Says more about the trap that canon_fail has just set (not if an earlier one counts); gives false. */
bool canon_explain(struct canon_store *s, const char *format, ...) WITC_PRINTF(2, 3);
/* Burns fuel for work on behalf of a guest: a turn for each value, and for each KiB of bytes; a trap if it is used up, or when somebody
 * wants the guest to stop. */
bool canon_burn(struct canon_store *s, struct component_instance *i, u64 turns);
static inline bool canon_goes_on(struct canon_store *s, struct component_instance *i, u64 turns)
{
    return !turns || canon_burn(s, i, turns);
}
#define TURN_BYTES 1024
/* Between pieces of work that has been paid for: only the look whether somebody wants the guest to stop. */
bool canon_look(struct component_instance *i);
#define BETWEEN_LOOKS 65536 /* values */
/* Sets the trap unless an earlier one counts; gives false. */
bool canon_fail(struct canon_store *s, struct component_instance *i, const char *format, ...)
    WITC_PRINTF(3, 4);
/* The trap of a store in which nothing can go on, with who waits for whom. */
bool canon_fail_stalled(struct canon_store *s, struct component_instance *i);
/* The trap of a task of a synchronous function that has blocked, with what it waits for. */
bool canon_fail_blocked(struct canon_store *s, const struct task *t);
/* May something more of so many bytes be kept for a guest? */
bool canon_has_room(struct component_instance *i, u64 bytes);
/* Takes over the trap of an engine task, or adds its frames to those of the task that it called. */
void canon_fail_core(struct canon_store *s, struct component_instance *i, struct engine_task *t);
void canon_clear_trap(struct canon_store *s);
/* Calls a core function that may not block (realloc, post-return) on the current thread. */
bool canon_call_core(struct component_instance *i, struct engine_func *f, u64 *slots, u32 results);

/* ---- Scheduling (threads.c, ready.c) ---------------------------------------------------------------------------------------------- */

struct thread *canon_thread_new(struct task *task, enum step (*then)(struct thread *));
void canon_thread_free(struct thread *th);
bool canon_thread_register(struct thread *th);
bool canon_thread_unregister(struct thread *th);
struct thread *canon_thread_get(struct component_instance *i, u32 index);
bool canon_thread_ready(const struct thread *th);
/* Does what it waits for hold, but for the lock? */
bool canon_thread_condition(const struct thread *th);
/* Puts it on a queue of the ready ones, as its condition holds now (at the gate always), and takes it off, as it does not any more. */
void canon_thread_wake(struct thread *th);
void canon_thread_unwake(struct thread *th);
/* Its task is to be cancelled. */
void canon_thread_cancel(struct thread *th);
void canon_thread_stop_waiting(struct thread *th);
void canon_thread_start_waiting(struct thread *th, enum wait_kind kind, void *on);
/* wait_until: true if it is ready already and goes on. */
bool canon_thread_wait_until(struct thread *th, enum wait_kind kind, void *on);
/* A ready thread of an instance (NULL: of any), chosen; NULL if there is none. `favourite` (may be NULL) comes first if it is
 * one of them. */
struct thread *canon_pick_thread(struct canon_store *s, struct component_instance *i,
                                 enum canon_choice kind, struct thread *favourite);
/* th has the lock of its instance. */
void canon_lock(struct thread *th);
void canon_unlock(struct component_instance *i);
void canon_backpressure_changed(struct component_instance *i);
/* Runs th and whoever takes over from it until control comes back. False: trap. */
bool canon_drive(struct canon_store *s, struct thread *th);
/* th gets control behind those that are to get it when `to` blocks or ends. */
void canon_thread_add_resumer(struct thread *to, struct thread *th);
/* The chain of a task that th calls: the slots of those that wait for each other. 0, and a trap, if they are too many. */
u64 canon_chain_room(const struct thread *th);
/* The same for one that is known to have room. */
u64 canon_chain_with(const struct thread *th);
/* For continuations: hands results to the suspended core code of th and goes on. */
enum step canon_resume_core(struct thread *th, const u64 *results);
enum step canon_start_core(struct thread *th, struct engine_func *f, const u64 *slots);
enum step canon_resume_core_u32(struct thread *th, u32 result);
/* For host functions: suspends the current thread's core code. */
enum engine_outcome canon_suspend(struct canon_store *s, enum step step, struct thread *to,
                                  enum step (*then)(struct thread *));
void canon_lock_roots(struct canon_store *s);

/* ---- Tasks (tasks.c), calls (calls.c) ---------------------------------------------------------------------------------------- */

struct task *canon_task_new(struct canon_func *f);
/* Gives it what the current thread calls, and a number. */
void canon_task_of_call(struct task *t, struct canon_func *f);
void canon_task_release(struct task *t);
/* Does it run under the lock of its instance (Task.needs_exclusive, and the function is async)? */
bool canon_needs_lock(const struct task *t);
enum step canon_task_enter(struct thread *th);
/* NULL: no result. */
bool canon_task_return(struct task *t, struct transfer *result);
bool canon_task_cancel(struct task *t);
bool canon_task_deliver_cancel(struct task *t);
/* Lifts the result of a task from core values with the options of the task and returns it. */
bool canon_task_return_flat(struct task *t, u32 max_flat, const u64 *slots);
void canon_subtask_free(struct canon_store *s, struct subtask *sub);
void canon_subtask_deliver_resolve(struct subtask *sub);
bool canon_subtask_resolve(struct subtask *sub, struct transfer *result, bool cancelled);
bool canon_subtask_start(struct subtask *sub);
void canon_call_free(struct canon_call *c);
enum engine_outcome canon_lower_core(struct lowered *low, u64 *slots);
struct subtask *canon_subtask_new(struct canon_store *s, struct lowered *low);
/* Starts a call of a lifted function for a subtask from within a built-in; `then` goes on after it. */
enum engine_outcome canon_call_lifted(struct canon_store *s, struct canon_func *f,
                                      struct subtask *sub);
bool canon_enter_allowed(struct component_instance *i);
/* Goes on when the callee (th->kp: its subtask) has returned or blocked. */
enum step canon_callee_gave_back(struct thread *th);
/* The core function of a synchronous lift has returned. */
enum step canon_sync_returned(struct thread *th);
/* Calls a host function from the host. */
bool canon_host_invoke(struct canon_store *s, struct canon_invocation *inv);
void canon_invocation_free(struct canon_store *s, struct canon_invocation *inv);
void canon_invocation_resolve(struct canon_invocation *inv, const struct canon_value *result,
                              bool cancelled);
/* Runs a function without arguments or result (core start functions) to its end. */
bool canon_run_func(struct canon_store *s, struct canon_func *f);
/* A start function of a component: the same with values; the result lives as long as the store. */
bool canon_run_start(struct canon_store *s, struct canon_func *f, const struct canon_value *args,
                     u32 count, struct canon_value *result);
enum engine_outcome canon_subtask_cancel(struct canon_store *s, struct subtask *sub, bool is_async);

/* ---- Direct calls (direct.c) ---------------------------------------------------------------------------------------------------- */

/* Instance i has a built-in that may block. */
void canon_may_block(struct component_instance *i);
/* Code of `from` may call f. */
void canon_add_call(struct component_instance *from, struct canon_func *f);
bool canon_is_direct(const struct canon_func *f);
bool canon_call_direct(struct lowered *low, u64 *slots);
bool canon_is_nested(const struct lowered *low);
enum engine_outcome canon_call_nested(struct lowered *low, u64 *slots);

/* ---- Streams (streams.c, host_streams.c) ------------------------------------------------------------------------------------- */

enum end_state { END_IDLE, END_COPYING, END_CANCELLING, END_DONE };
struct buffer {
    bool active;
    const struct options *opts;
    struct component_instance *inst;
    u64 ptr;
    u32 progress, length;
};
/* What happens to an end a turn later: a read of the host goes on, or a guest's copy is cancelled. */
enum end_late { LATE_NOTHING, LATE_READ, LATE_CANCEL };
struct canon_end {
    struct waitable w;
    struct canon_store *store;
    const struct canon_type *element;
    bool is_stream, is_writable;
    u8 state;
    struct canon_end *other;
    struct component_instance *owner; /* NULL: the host */
    u32 index;
    struct buffer buffer;
    /* Host side. */
    const struct canon_source *source;
    void *env;
    canon_read_fn *read_fn;
    void *read_env;
    bool has_value; /* a resolved future that nobody has read */
    bool wanting;   /* `wanted` was called and not answered */
    bool delivering;
    bool dropped; /* by the host while delivering */
    struct arena *value_arena;
    struct canon_value value;
    struct canon_end *all_next, *all_previous;
    struct canon_end *late_next, *late_previous;
    u32 late_turn;
    u8 late; /* enum end_late */
    const struct canon_func *maker;
};
struct canon_end *canon_ends_new(struct canon_store *s, bool is_stream,
                                 const struct canon_type *element, struct component_instance *owner,
                                 struct canon_end **writable);
void canon_end_free(struct canon_end *e);
void canon_end_notify(struct canon_end *e, u32 progress);
struct event canon_end_event(struct canon_end *e);
bool canon_end_copy(struct canon_end *e, struct buffer b);
bool canon_end_cancel(struct canon_end *e);
bool canon_end_forward(struct canon_end *src, struct canon_end *dst);
bool canon_end_release(struct canon_end *e); /* End.drop, and the memory */
/* The peer of a host end did something: what host_streams.c makes of it. */
bool canon_host_peer_copy(struct canon_end *guest);
void canon_host_peer_dropped(struct canon_end *host);
/* A guest has linked two ends of the host. */
bool canon_host_linked(struct canon_end *readable);
void canon_host_peer_cancelled(struct canon_end *host);
void canon_end_later(struct canon_end *e, enum end_late what);
/* Lets a pending read of the host go as far as it can. False: trap. */
bool canon_host_progress(struct canon_end *r);
/* What hosts go on with a turn later; false: nothing. */
bool canon_late_ends(struct canon_store *s);
bool canon_late_calls(struct canon_store *s);
/* Lifts and lowers n elements (transfer.c). */
bool canon_pass_elements(const struct buffer *from, const struct buffer *to,
                         const struct canon_type *t, u32 n);
bool canon_copy_elements(struct buffer *from, struct buffer *to, const struct canon_type *t, u32 n);
static inline u32 buffer_remain(const struct buffer *b)
{
    return b->length - b->progress;
}

/* ---- Built-ins (builtins.c) --------------------------------------------------------------------------------------------------- */

struct builtin {
    struct component_instance *inst;
    enum engine_outcome (*fn)(struct builtin *b, u64 *slots);
    bool guarded; /* by may_leave */
    bool table_64, closure_64;
    const struct cm_canon *def;
    const struct canon_type *type; /* stream, future */
    const struct canon_type *result;
    struct canon_resource_type *rt;
    struct options opts;
    struct engine_table *table;
    struct engine_memory *memory;
    struct lowered *drop; /* resource.drop: the destructor as a call */
};
/* Makes the core function of a canonical built-in. NULL after a diagnostic if it is not supported. */
struct engine_func *canon_builtin_func(struct builtin *b, struct diags *d);
/* The core function of a lowered import; sets the limits in `low`. */
struct engine_func *canon_lower_func(struct lowered *low);

/* ---- Scopes, linking, instantiation --------------------------------------------------------------------------------------------- */

enum typedef_kind { TD_VALUE, TD_FUNC, TD_RESOURCE, TD_INSTANCE, TD_COMPONENT };
struct typedef_ {
    enum typedef_kind kind;
    const struct canon_type *value;
    const struct canon_functype *func;
    struct canon_resource_type *resource;
    const struct cm_type *def; /* INSTANCE, COMPONENT: to be looked at within ... */
    struct scope *scope;       /* ... this */
};
struct core_typedef {
    const struct cm_core_type *def; /* a module type, or ... */
    const struct wasm_type *type;   /* ... one core type */
};
struct module_ref {
    struct engine_module *module;
};
struct component_ref {
    const struct wasm_component *component;
    struct scope *scope;         /* where it was defined, for outer aliases */
    struct canon_loaded *loaded; /* bound by a linker */
};
struct item {
    struct canon_export pub;
    struct typedef_ type;
    struct module_ref module;
    struct component_ref component;
};
struct canon_instance {
    struct canon_store *store;
    VEC(struct item) items;
    struct map names;
    struct component_instance *state; /* NULL: a bundle */
};
struct core_instance {
    struct engine_instance *instance; /* NULL: a bundle */
    struct engine_extern *items;
    struct map names; /* name -> item */
};
struct typed_value {
    const struct canon_type *type;
    const struct canon_value *value;
};
struct scope {
    struct scope *parent;
    struct component_instance *inst;
    VEC(struct typedef_) types;
    VEC(struct core_typedef) core_types;
    VEC(struct module_ref) modules;
    VEC(struct component_ref) components;
    VEC(struct canon_instance *) instances;
    VEC(struct canon_func *) funcs;
    VEC(struct typed_value) values;
    VEC(struct core_instance) core_instances;
    VEC(struct engine_func *) core_funcs;
    VEC(struct engine_table *) tables;
    VEC(struct engine_memory *) memories;
    VEC(struct engine_global *) globals;
    VEC(struct engine_tag *) tags;
};
/* A value in its binary form (component_values.c); NULL if it is not one of the type. */
const struct canon_value *canon_read_value(struct arena *a, str bytes, const struct canon_type *t);
struct canon_loaded {
    struct canon_store *store;
    const struct wasm_component *component;
    validate_id type;
};
const struct canon_type *canon_scope_valtype(struct canon_store *s, struct scope *sc,
                                             struct cm_valtype v, struct diags *d);
bool canon_scope_type(struct canon_store *s, struct scope *sc, const struct cm_type *t,
                      struct typedef_ *out, struct diags *d);
struct item *canon_instance_add(struct canon_instance *i, str name, enum cm_sort sort);
struct canon_instance *canon_instance_new(struct canon_store *s);
/* NULL before canon_get_module. */
struct loaded_module *canon_find_module(struct canon_store *s, const struct wasm_module *m);
/* Loads a module, once; NULL after a diagnostic. */
struct engine_module *canon_get_module(struct canon_store *s, const struct wasm_module *m,
                                       struct diags *d);
/* Finds what an import of the root asks for in the linker; false after a diagnostic. */
bool canon_link_import(struct canon_store *s, struct scope *sc, struct canon_loaded *loaded,
                       struct canon_linker *l, const struct cm_import *import, struct item *out,
                       struct diags *d);
u32 canon_name_best(str wanted, const struct map *names);
bool canon_alias_outer(struct scope *sc, const struct cm_alias *a, struct scope **out);

/* ---- Reports (report.c) ------------------------------------------------------------------------------------------------------------ */

void canon_trace_call(struct task *t, const struct canon_value *values, u32 n);
void canon_trace_lower(const struct lowered *low);
void canon_trace_lift(struct task *t);
void canon_trace_copy(struct canon_end *e, u32 n);
void canon_trace_drop(struct canon_end *e);
void canon_trace_result(struct task *t, const struct canon_value *result, bool cancelled);
void canon_trace_host_call(struct canon_call *c);
void canon_trace_host_return(struct canon_call *c, const struct canon_value *result);
void canon_trace_event(struct canon_store *s, enum canon_event e, struct thread *th,
                       const char *what);
void canon_trace_trap(struct canon_store *s, const struct thread *th);
/* The part of the wait-for graph that a task reaches. */
void canon_waits_of(struct canon_store *s, struct arena *a, const struct task *t,
                    struct diag_wait **waits, u32 *n);

#endif
