/* builtins_async.c - built-ins of waitables, subtasks, streams, futures and threads: those that may block. */
#include "builtins.h"
#include "transfer.h"

/* ---- Waitable sets ---------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_waitable_set_new(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct handle h = {.kind = HANDLE_SET};
    h.set = canon_pool_get(s, &s->sets_pool);
    slots[0] = h.set->index = canon_handle_add(b->inst, h);
    return slots[0] ? ENGINE_DONE : FAILED;
}

/* unpack_event: the payload goes to memory, the code is the result. */
static bool unpack_event(struct builtin *b, u64 ptr, struct event e)
{
    struct canon_store *s = b->inst->store;
    struct options o = {.memory = b->memory, .p = b->opts.p};
    struct cx cx = canon_cx(s, &o, b->inst);
    ptr = o.p ? ptr : (u32)ptr;
    u32 payload[2] = {e.p1, e.p2};
    if (!canon_check_range(&cx, ptr, 8, 4, "pointer out of bounds of memory")) {
        return false;
    }
    memcpy(cx.mem + ptr, payload, 8);
    return true;
}

static enum step set_has_event(struct thread *th)
{
    struct builtin *b = th->kp;
    struct waitable_set *set = (struct waitable_set *)(uintptr_t)th->k[0];
    struct event e = canon_set_take(b->inst->store, set);
    return unpack_event(b, th->k[1], e) ? canon_resume_core_u32(th, e.code) : STEP_TRAP;
}

enum engine_outcome canon_bi_waitable_set_wait(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_SET);
    if (!h) {
        return FAILED;
    }
    struct thread *th = s->current;
    th->kp = b;
    th->k[0] = (u64)(uintptr_t)h->set;
    th->k[1] = slots[1];
    th->doing = "waitable-set.wait";
    if (canon_thread_wait_until(th, WAIT_SET, h->set)) {
        struct event e = canon_set_take(s, h->set);
        slots[0] = e.code;
        return unpack_event(b, th->k[1], e) ? ENGINE_DONE : FAILED;
    }
    return canon_suspend(s, STEP_BLOCK, NULL, set_has_event);
}

enum engine_outcome canon_bi_waitable_set_poll(struct builtin *b, u64 *slots)
{
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_SET);
    if (!h) {
        return FAILED;
    }
    struct event e = {0};
    if (canon_set_pending(h->set)) {
        e = canon_set_take(b->inst->store, h->set);
    }
    u64 ptr = slots[1];
    slots[0] = e.code;
    return unpack_event(b, ptr, e) ? ENGINE_DONE : FAILED;
}

enum engine_outcome canon_bi_waitable_set_drop(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_SET);
    if (!h) {
        return FAILED;
    }
    struct waitable_set *set = h->set;
    if (set->count) {
        canon_fail_handle(b->inst, (u32)slots[0], "cannot drop waitable set with waitables in it");
        return FAILED;
    }
    if (set->num_waiting) {
        canon_fail_handle(b->inst, (u32)slots[0], "cannot drop waitable set with waiters");
        return FAILED;
    }
    canon_handle_remove(b->inst, (u32)slots[0]);
    canon_set_free(s, set);
    return ENGINE_DONE;
}

static struct waitable *get_waitable(struct component_instance *i, u32 index)
{
    struct handle_table *t = &i->handles;
    u8 kind = index && index <= t->len ? t->data[index - 1].kind : HANDLE_FREE;
    struct handle *h = canon_handle_get(i, index, kind == HANDLE_END ? HANDLE_END : HANDLE_SUBTASK);
    return !h ? NULL : h->kind == HANDLE_END ? &h->end->w : &h->subtask->w;
}

static const char *const sync_and_set =
    "waitable cannot be used synchronously while added to a waitable set";

enum engine_outcome canon_bi_waitable_join(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct waitable *w = get_waitable(b->inst, (u32)slots[0]);
    u32 si = (u32)slots[1];
    if (!w) {
        return FAILED;
    }
    if (w->has_sync_waiter) {
        canon_fail_handle(b->inst, (u32)slots[0], "%s", sync_and_set);
        return FAILED;
    }
    struct waitable_set *set = NULL;
    if (si) {
        struct handle *h = canon_handle_get(b->inst, si, HANDLE_SET);
        if (!h) {
            return FAILED;
        }
        set = h->set;
    }
    canon_waitable_join(s, w, set);
    return ENGINE_DONE;
}

/* ---- Subtasks ------------------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_subtask_cancel(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_SUBTASK);
    if (!h) {
        return FAILED;
    }
    struct subtask *sub = h->subtask;
    if (sub->resolve_delivered) {
        canon_fail_handle(b->inst, sub->index,
                          "`subtask.cancel` called after terminal status delivered");
        return FAILED;
    }
    if (sub->cancellation_requested) {
        canon_fail_handle(b->inst, sub->index, "`subtask.cancel` called twice");
        return FAILED;
    }
    if (sub->w.set) {
        canon_fail_handle(b->inst, sub->index, "%s", sync_and_set);
        return FAILED;
    }
    if (subtask_resolved(sub)) {
        canon_waitable_take(s, &sub->w);
        slots[0] = sub->state;
        return ENGINE_DONE;
    }
    return canon_subtask_cancel(s, sub, b->def->is_async);
}

enum engine_outcome canon_bi_subtask_drop(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_SUBTASK);
    if (!h) {
        return FAILED;
    }
    struct subtask *sub = h->subtask;
    if (!sub->resolve_delivered) {
        canon_fail_handle(b->inst, sub->index, "cannot drop a subtask which has not yet resolved");
        return FAILED;
    }
    canon_handle_remove(b->inst, (u32)slots[0]);
    canon_waitable_join(s, &sub->w, NULL);
    canon_subtask_free(s, sub);
    return ENGINE_DONE;
}

/* ---- Streams and futures ----------------------------------------------------------------------------------- */

static bool is_stream(const struct builtin *b)
{
    return b->type->kind == CANON_T_STREAM;
}

static const char *noun(const struct builtin *b)
{
    return is_stream(b) ? "stream" : "future";
}

enum engine_outcome canon_bi_stream_new(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct canon_end *w;
    struct canon_end *r = canon_ends_new(s, is_stream(b), b->type->element, b->inst, &w);
    struct handle h = {.kind = HANDLE_END};
    r->maker = w->maker = s->current->task->func;
    h.end = r;
    r->index = canon_handle_add(b->inst, h);
    h.end = w;
    w->index = r->index ? canon_handle_add(b->inst, h) : 0;
    slots[0] = r->index | (u64)w->index << 32;
    return w->index ? ENGINE_DONE : FAILED;
}

static struct canon_end *get_end(struct builtin *b, u32 index, bool writable)
{
    struct handle *h = canon_handle_get(b->inst, index, HANDLE_END);
    if (!h) {
        return NULL;
    }
    struct canon_end *e = h->end;
    if (e->is_writable != writable || e->is_stream != is_stream(b) ||
        !canon_type_equal(e->element, b->type->element)) {
        canon_handle_wrong(b->inst, index);
        return NULL;
    }
    return e;
}

static bool ends_writable(const struct builtin *b)
{
    switch (b->def->kind) {
    case CANON_STREAM_WRITE:
    case CANON_FUTURE_WRITE:
    case CANON_STREAM_CANCEL_WRITE:
    case CANON_FUTURE_CANCEL_WRITE:
    case CANON_STREAM_DROP_WRITABLE:
    case CANON_FUTURE_DROP_WRITABLE: return true;
    default: return false;
    }
}

static bool must_be_idle(struct builtin *b, const struct canon_end *e)
{
    const char *verb = e->is_writable ? "write to" : "read from";
    if (e->state == END_DONE && e->is_stream) {
        return canon_fail_handle(b->inst, e->index,
                                 "cannot %s stream after being notified that the %s end dropped",
                                 verb, e->is_writable ? "readable" : "writable");
    }
    if (e->state == END_DONE) {
        return canon_fail_handle(b->inst, e->index,
                                 e->is_writable
                                     ? "cannot write to future after previous write succeeded or "
                                       "readable end dropped"
                                     : "cannot read from future after previous read succeeded");
    }
    return e->state == END_IDLE ||
           canon_fail_handle(b->inst, e->index, "cannot %s busy %s", verb, noun(b));
}

/* The constructor of GuestBuffer. */
static bool make_buffer(struct builtin *b, struct buffer *out, u64 ptr, u64 length)
{
    struct canon_store *s = b->inst->store;
    const struct canon_type *t = b->type->element;
    u8 p = b->opts.p;
    if (length > BUFFER_MAX_LENGTH) {
        return canon_fail(s, b->inst, "stream read/write count too large");
    }
    if (t && length) {
        struct cx cx = canon_cx(s, &b->opts, b->inst);
        if (!canon_check_range(&cx, ptr, length * t->size[p], t->align[p],
                               "read/write pointer out of bounds of memory")) {
            return false;
        }
    }
    *out = (struct buffer){.opts = &b->opts, .inst = b->inst, .ptr = ptr, .length = (u32)length};
    return true;
}

static enum step end_has_event(struct thread *th)
{
    struct canon_end *e = th->kp;
    e->w.has_sync_waiter = false;
    struct event event = canon_waitable_take(e->store, &e->w);
    return canon_resume_core_u32(th, event.p2);
}

/* The end of copy and cancel_copy: an event is there, or it is waited for, or BLOCKED. */
static enum engine_outcome end_result(struct builtin *b, struct canon_end *e, bool is_async,
                                      u64 *slots)
{
    struct canon_store *s = b->inst->store;
    if (e->w.pending) {
        slots[0] = canon_waitable_take(s, &e->w).p2;
        return ENGINE_DONE;
    }
    if (is_async) {
        slots[0] = BLOCKED;
        return ENGINE_DONE;
    }
    struct thread *th = s->current;
    th->kp = e;
    th->doing = cm_canon_info[b->def->kind].name;
    e->w.has_sync_waiter = true;
    canon_thread_start_waiting(th, WAIT_EVENT, e);
    return canon_suspend(s, STEP_BLOCK, NULL, end_has_event);
}

enum engine_outcome canon_bi_stream_copy(struct builtin *b, u64 *slots)
{
    u64 ptr = slots[1], length = is_stream(b) ? slots[2] : 1;
    if (!b->opts.p) {
        ptr = (u32)ptr;
        length = (u32)length;
    }
    struct canon_end *e = get_end(b, (u32)slots[0], ends_writable(b));
    if (!e || !must_be_idle(b, e)) {
        return FAILED;
    }
    if (e->w.set && !b->opts.is_async) {
        canon_fail_handle(b->inst, e->index, "%s", sync_and_set);
        return FAILED;
    }
    struct buffer buffer;
    if (!make_buffer(b, &buffer, ptr, length) || !canon_end_copy(e, buffer)) {
        return FAILED;
    }
    return end_result(b, e, b->opts.is_async, slots);
}

enum engine_outcome canon_bi_cancel_copy(struct builtin *b, u64 *slots)
{
    struct canon_end *e = get_end(b, (u32)slots[0], ends_writable(b));
    if (!e) {
        return FAILED;
    }
    if (e->state != END_COPYING) {
        canon_fail_handle(b->inst, e->index, "%s cancelled when no %s is pending",
                          e->is_writable ? "write" : "read", e->is_writable ? "write" : "read");
        return FAILED;
    }
    if (e->w.has_sync_waiter || (e->w.set && !b->def->is_async)) {
        canon_fail_handle(b->inst, e->index, "%s", sync_and_set);
        return FAILED;
    }
    return canon_end_cancel(e) ? end_result(b, e, b->def->is_async, slots) : FAILED;
}

enum engine_outcome canon_bi_end_drop(struct builtin *b, u64 *slots)
{
    struct canon_end *e = get_end(b, (u32)slots[0], ends_writable(b));
    if (!e) {
        return FAILED;
    }
    if (e->state == END_COPYING || e->state == END_CANCELLING) {
        canon_fail_handle(b->inst, e->index, "cannot drop busy %s", noun(b));
        return FAILED;
    }
    if (!e->is_stream && e->is_writable && e->state != END_DONE) {
        canon_fail_handle(b->inst, e->index,
                          "cannot drop future write end without first writing a value");
        return FAILED;
    }
    canon_handle_remove(b->inst, (u32)slots[0]);
    return canon_end_release(e) ? ENGINE_DONE : FAILED;
}

static struct canon_end *take_for_forward(struct builtin *b, u32 index, bool writable)
{
    struct canon_end *e = get_end(b, index, writable);
    if (!e) {
        return NULL;
    }
    if (e->state == END_DONE && e->is_stream) {
        canon_fail_handle(b->inst, index,
                          "cannot forward stream after being notified that the %s end dropped",
                          writable ? "readable" : "writable");
    } else if (e->state == END_DONE) {
        canon_fail_handle(b->inst, index, "cannot forward future after previous %s succeeded",
                          writable ? "write" : "read");
    } else if (e->state != END_IDLE) {
        canon_fail_handle(b->inst, index, "cannot forward busy %s", noun(b));
    } else if (e->w.set) {
        canon_fail_handle(b->inst, index, "cannot forward %s while it's in a waitable set",
                          noun(b));
    } else {
        canon_handle_remove(b->inst, index);
        return e;
    }
    return NULL;
}

enum engine_outcome canon_bi_stream_forward(struct builtin *b, u64 *slots)
{
    struct canon_end *r = take_for_forward(b, (u32)slots[0], false);
    struct canon_end *w = r ? take_for_forward(b, (u32)slots[1], true) : NULL;
    return w && canon_end_forward(r, w) ? ENGINE_DONE : FAILED;
}

/* ---- Threads -------------------------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_thread_index(struct builtin *b, u64 *slots)
{
    slots[0] = b->inst->store->current->index;
    return ENGINE_DONE;
}

static enum step explicit_thread_ended(struct thread *th)
{
    return canon_thread_unregister(th) ? STEP_DONE : STEP_TRAP;
}

static enum step explicit_thread_starts(struct thread *th)
{
    u64 closure = th->k[0];
    th->body = explicit_thread_ended;
    return canon_start_core(th, th->kp, &closure);
}

enum engine_outcome canon_bi_thread_new_indirect(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    engine_ref ref;
    if (!engine_table_get(b->table, b->table_64 ? slots[0] : (u32)slots[0], &ref)) {
        canon_fail(s, b->inst, "table index out of bounds");
        return FAILED;
    }
    if (!ref) {
        canon_fail(s, b->inst, "uninitialized element");
        return FAILED;
    }
    struct engine_func *f = (struct engine_func *)(uintptr_t)ref;
    const struct wasm_functype *type = engine_func_type(f);
    if (type->param_count != 1 || type->result_count != 0 ||
        type->params[0] != (wasm_valtype)(b->closure_64 ? WASM_I64 : WASM_I32)) {
        canon_fail(s, b->inst,
                   "start function does not match expected type (currently only `(i32) -> "
                   "()` is supported)");
        return FAILED;
    }
    if (!canon_has_room(b->inst, 0)) {
        return FAILED;
    }
    struct thread *th = canon_thread_new(s->current->task, explicit_thread_starts);
    th->kp = f;
    th->k[0] = slots[1];
    if (!canon_thread_register(th)) {
        return FAILED;
    }
    slots[0] = th->index;
    return ENGINE_DONE;
}

static struct thread *get_suspended(struct builtin *b, u32 index)
{
    struct thread *th = canon_thread_get(b->inst, index);
    if (th && th->state != THREAD_SUSPENDED) {
        canon_fail(b->inst->store, b->inst, "cannot resume thread which is not suspended");
        return NULL;
    }
    return th;
}

enum engine_outcome canon_bi_thread_resume_later(struct builtin *b, u64 *slots)
{
    struct thread *th = get_suspended(b, (u32)slots[0]);
    if (!th) {
        return FAILED;
    }
    canon_thread_start_waiting(th, WAIT_ALWAYS, NULL);
    return ENGINE_DONE;
}

/* The built-in that blocked gives 0. */
static enum step resumed(struct thread *th)
{
    return canon_resume_core_u32(th, 0);
}

static enum engine_outcome suspend(struct canon_store *s)
{
    s->current->state = THREAD_SUSPENDED;
    s->current->doing = "thread.suspend";
    return canon_suspend(s, STEP_BLOCK, NULL, resumed);
}

enum engine_outcome canon_bi_thread_suspend(struct builtin *b, u64 *slots)
{
    (void)slots;
    return suspend(b->inst->store);
}

static enum engine_outcome yield(struct canon_store *s, u64 *slots)
{
    s->current->doing = "thread.yield";
    if (canon_thread_wait_until(s->current, WAIT_ALWAYS, NULL)) {
        slots[0] = 0;
        return ENGINE_DONE;
    }
    return canon_suspend(s, STEP_BLOCK, NULL, resumed);
}

enum engine_outcome canon_bi_thread_yield(struct builtin *b, u64 *slots)
{
    return yield(b->inst->store, slots);
}

static enum engine_outcome switch_to(struct canon_store *s, struct thread *other, bool yields)
{
    struct thread *th = s->current;
    if (yields) {
        canon_thread_start_waiting(th, WAIT_ALWAYS, NULL);
    } else {
        th->state = THREAD_SUSPENDED;
    }
    th->doing = yields ? "thread.yield" : "thread.suspend";
    return canon_suspend(s, STEP_SWITCH, other, resumed);
}

enum engine_outcome canon_bi_thread_suspend_then_resume(struct builtin *b, u64 *slots)
{
    struct thread *other = get_suspended(b, (u32)slots[0]);
    return other ? switch_to(b->inst->store, other, false) : FAILED;
}

enum engine_outcome canon_bi_thread_yield_then_resume(struct builtin *b, u64 *slots)
{
    struct thread *other = get_suspended(b, (u32)slots[0]);
    return other ? switch_to(b->inst->store, other, true) : FAILED;
}

static struct thread *get_other(struct builtin *b, u32 index)
{
    if (index == b->inst->store->current->index) {
        canon_fail(b->inst->store, b->inst, "cannot resume thread which is not suspended");
        return NULL;
    }
    return canon_thread_get(b->inst, index);
}

enum engine_outcome canon_bi_thread_suspend_then_promote(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct thread *other = get_other(b, (u32)slots[0]);
    if (!other) {
        return FAILED;
    }
    return canon_thread_ready(other) ? switch_to(s, other, false) : suspend(s);
}

enum engine_outcome canon_bi_thread_yield_then_promote(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct thread *other = get_other(b, (u32)slots[0]);
    if (!other) {
        return FAILED;
    }
    return canon_thread_ready(other) ? switch_to(s, other, true) : yield(s, slots);
}
