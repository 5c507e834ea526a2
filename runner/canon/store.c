/* store.c - the store: memory of runtime objects, choices, traps, calls of core functions that may not block. */
#include "canon_internal.h"

/* ---- Pools ------------------------------------------------------------------------------------------ */

void *canon_pool_get(struct canon_store *s, struct pool *p)
{
    void *object = p->free;
    engine_keep(p->engine, p->size);
    if (!object) {
        return arena_alloc(&s->arena, p->size);
    }
    memcpy(&p->free, object, sizeof(void *));
    memset(object, 0, p->size);
    return object;
}

void canon_pool_put(struct pool *p, void *object)
{
    memcpy(object, &p->free, sizeof(void *));
    p->free = object;
    engine_let_go(p->engine, p->size);
}

struct arena *canon_scratch_enter(struct canon_store *s)
{
    s->scratch_depth++;
    return &s->scratch;
}

void canon_scratch_leave(struct canon_store *s)
{
    if (--s->scratch_depth == 0 && (s->scratch.block || s->scratch.large)) {
        arena_reset(&s->scratch);
    }
}

/* ---- Life ------------------------------------------------------------------------------------------- */

struct canon_store *canon_store_new(const struct canon_config *config)
{
    struct canon_store *s = mem_alloc(sizeof *s);
    s->config = *config;
    if (!s->config.max_values) {
        s->config.max_values = (u64)16 << 20;
    }
    if (!s->config.max_bytes) {
        s->config.max_bytes = (u64)4 << 30;
    }
    s->engine = engine_store_new(&s->config.limits);
    engine_validate_lazily(s->engine, s->config.lazy_validation);
    s->instances_end = &s->instances;
    s->threads_pool = (struct pool){s->engine, NULL, sizeof(struct thread)};
    s->tasks_pool = (struct pool){s->engine, NULL, sizeof(struct task)};
    s->subtasks_pool = (struct pool){s->engine, NULL, sizeof(struct subtask)};
    s->ends_pool = (struct pool){s->engine, NULL, sizeof(struct canon_end)};
    s->sets_pool = (struct pool){s->engine, NULL, sizeof(struct waitable_set)};
    return s;
}

static void free_ends(struct canon_store *s)
{
    /* The host's sources hear that their streams are gone. */
    for (struct canon_end *e = s->ends; e; e = e->all_next) {
        if (e->is_writable && !e->owner && e->source && e->source->dropped) {
            const struct canon_source *source = e->source;
            e->source = NULL;
            source->dropped(e->env, e);
        }
    }
    while (s->ends) {
        canon_end_free(s->ends);
    }
}

/* Hosts hear that their open calls are gone as they hear of a cancellation; what they answer goes nowhere. */
static void free_calls(struct canon_store *s)
{
    for (struct canon_call *c = s->calls; c; c = c->all_next) {
        if (!c->ended && c->on_cancel) {
            c->on_cancel(c->cancel_env, c);
        }
    }
    while (s->calls) {
        canon_call_free(s->calls);
    }
}

/* The host hears of its resources that the guest still holds. */
static void clear_instance(struct component_instance *i)
{
    for (u32 n = 0; n < i->handles.len; n++) {
        struct handle *h = &i->handles.data[n];
        if (h->kind == HANDLE_RESOURCE && h->own && !h->rt->impl && h->rt->host_dtor) {
            h->rt->host_dtor(h->rt->host_env, h->rep);
        }
        if (h->kind == HANDLE_SET) {
            canon_set_free(i->store, h->set);
        }
    }
    i->handles.len = i->handles.free = i->handles.live = 0;
    i->threads.len = i->threads.free_len = 0;
    canon_unlock(i);
    i->backpressure = i->num_waiting_to_enter = 0;
    i->may_leave = true;
    i->locked = false;
}

void canon_store_clear(struct canon_store *s)
{
    s->freeing = true;
    s->drops.len = 0;
    while (s->threads) {
        canon_thread_free(s->threads);
    }
    free_ends(s);
    free_calls(s);
    while (s->invocations) {
        canon_invocation_free(s, s->invocations);
    }
    while (s->subtasks) {
        canon_subtask_free(s, s->subtasks);
    }
    for (struct component_instance *i = s->instances; i; i = i->next) {
        clear_instance(i);
    }
    for (struct canon_error *e = s->errors, *next; e; e = next) {
        next = e->all_next;
        mem_free(e);
    }
    s->errors = NULL;
    s->next_task = s->ticks = 0;
    s->failed = s->freeing = false;
    s->lost = (struct open_list){0};
}

void canon_store_free(struct canon_store *s)
{
    if (!s) {
        return;
    }
    canon_store_clear(s);
    for (struct component_instance *i = s->instances; i; i = i->next) {
        for (u32 q = 0; q < READY_QUEUES; q++) {
            picks_free(&i->ready[q]);
        }
        mem_free(i->handles.data);
        mem_free(i->threads.data);
        mem_free(i->threads.free);
    }
    engine_store_free(s->engine);
    arena_free(&s->scratch);
    arena_free(&s->arena);
    mem_free(s);
}

struct engine_store *canon_engine(struct canon_store *s)
{
    return s->engine;
}

void canon_set_loop(struct canon_store *s, struct canon_loop loop)
{
    s->config.loop = loop;
}

void canon_interrupt(struct canon_store *s)
{
    engine_interrupt(s->engine);
}

/* ---- Choices ------------------------------------------------------------------------------------------ */

u32 canon_choose(struct canon_store *s, enum canon_choice kind, u32 n)
{
    if (n < 2 || !s->config.choose) {
        return 0;
    }
    u32 choice = s->config.choose(s->config.choose_ctx, kind, n);
    return choice < n ? choice : n - 1;
}

u64 canon_seed_next(struct canon_seed *g)
{
    u64 z = g->state += 0x9e3779b97f4a7c15; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

u32 canon_choose_seeded(void *seed, enum canon_choice kind, u32 n)
{
    (void)kind;
    return (u32)((canon_seed_next(seed) >> 32) * n >> 32);
}

const char *canon_choice_name(enum canon_choice kind)
{
    static const char *const names[CHOICE_COUNT] = {
        [CHOICE_BLOCK_WHEN_READY] = "block-when-ready",
        [CHOICE_THREAD] = "thread",
        [CHOICE_WAITER] = "waiter",
        [CHOICE_EVENT] = "event",
        [CHOICE_CANCEL_THREAD] = "cancel-thread",
        [CHOICE_CANCEL_MORE] = "cancel-more",
        [CHOICE_SYNC_HELPER] = "sync-helper",
        [CHOICE_HOST_CANCEL] = "host-cancel",
        [CHOICE_HOST_CHUNK] = "host-chunk",
        [CHOICE_HOST_LATER] = "host-later",
        [CHOICE_NAN] = "nan",
        [CHOICE_ERROR_MESSAGE] = "error-message",
    };
    return kind < CHOICE_COUNT ? names[kind] : "";
}

/* ---- Traps -------------------------------------------------------------------------------------------- */

void canon_clear_trap(struct canon_store *s)
{
    s->failed = false;
}

const struct canon_trap *canon_trap_of(const struct canon_store *s)
{
    return &s->trap;
}

static const struct {
    const char *message, *advice;
} advices[] = {
#define ADVICE(message, advice) {message, advice},
#include "advice.def"
#undef ADVICE
};

static str advice_for(str message)
{
    for (u32 i = 0; i < LENGTH_OF(advices); i++) {
        if (str_starts(message, str_c(advices[i].message))) {
            return str_c(advices[i].advice);
        }
    }
    return STR("");
}

/* What one instance does wrong may come to light while a function runs that it has called. */
static const struct thread *guilty_thread(const struct canon_store *s,
                                          const struct component_instance *i)
{
    const struct thread *th = s->current;
    while (th && i && th->task->inst != i) {
        th = th->under ? th->under : th->resumer;
    }
    return th;
}

bool canon_fail(struct canon_store *s, struct component_instance *i, const char *format, ...)
{
    if (s->failed) {
        s->explainable = false;
        return false; /* the first one counts */
    }
    s->explainable = true;
    va_list args;
    va_start(args, format);
    s->failed = true;
    s->failed_inst = i;
    s->trap = (struct canon_trap){0};
    s->trap_seen = NULL;
    s->trap.message = str_vprintf(&s->arena, format, args);
    va_end(args);
    s->trap.detail = advice_for(s->trap.message);
    s->trap.instance = i ? i->path : STR("");
    const struct thread *th = guilty_thread(s, i);
    if (s->builtin) {
        s->trap.func = str_c(s->builtin);
    } else if (th) {
        s->trap.func = th->task->func->name;
    }
    if (s->config.trace) {
        canon_trace_trap(s, th);
    }
    return false;
}

bool canon_burn(struct canon_store *s, struct component_instance *i, u64 turns)
{
    if (s->failed) { /* what is only shown after a trap costs nothing */
        return true;
    }
    const char *why = engine_work(s->engine, turns);
    return !why || canon_fail(s, i, "%s", why);
}

bool canon_look(struct component_instance *i)
{
    return canon_burn(i->store, i, 0);
}

bool canon_explain(struct canon_store *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (s->explainable) {
        s->trap.detail = str_vprintf(&s->arena, format, args);
    }
    va_end(args);
    s->explainable = false;
    return false;
}

bool canon_has_room(struct component_instance *i, u64 bytes)
{
    struct canon_store *s = i->store;
    return engine_has_room(s->engine, bytes) || canon_fail(s, i, "tasks need too much memory");
}

void canon_fail_core(struct canon_store *s, struct component_instance *i, struct engine_task *t)
{
    const struct engine_trap *trap = engine_trap_of(t);
    if (!s->failed) {
        const char *outer = s->builtin;
        s->builtin = NULL;
        canon_fail(s, i, STRF, STRA(trap->message));
        s->builtin = outer;
        if (trap->detail.len) {
            s->trap.detail = str_dup(&s->arena, trap->detail);
        }
        s->trap.is_exit = trap->is_exit;
        s->trap.exit_code = trap->exit_code;
    }
    if (s->trap_seen != t) { /* else it is only on its way out of nested calls */
        s->trap_seen = t;
        engine_add_frames(&s->arena, &s->trap.frames, &trap->frames);
    }
}

bool canon_call_core(struct component_instance *i, struct engine_func *f, u64 *slots, u32 results)
{
    struct canon_store *s = i->store;
    if (s->host_task) { /* within a host function: on the stack of its caller */
        if (engine_call_nested(s->host_task, f, slots) == ENGINE_DONE) {
            return true;
        }
        canon_fail_core(s, i, s->host_task);
        return false;
    }
    struct engine_task *t = engine_task_new(s->engine);
    enum engine_outcome outcome = engine_start(t, f, slots);
    if (outcome == ENGINE_DONE) {
        memcpy(slots, engine_results(t), results * sizeof *slots);
    } else if (outcome == ENGINE_TRAPPED) {
        canon_fail_core(s, i, t);
    } else {
        s->step = STEP_NONE;
        canon_fail(s, i, "all fuel consumed");
    }
    engine_task_free(t);
    return outcome == ENGINE_DONE;
}
