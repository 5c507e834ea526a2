/* report.c - what a person wants to know: who waits for whom, what happens at the boundaries. */
#include "transfer.h"

/* ---- Trace ------------------------------------------------------------------------------------------- */

static void emit(struct canon_store *s, struct canon_trace t)
{
    s->config.trace(s->config.trace_ctx, &t);
}

static struct canon_trace of_task(enum canon_event event, const struct task *t)
{
    return (struct canon_trace){
        .event = event, .task = t->id, .instance = t->inst->path, .func = t->func->name};
}

void canon_trace_event(struct canon_store *s, enum canon_event e, struct thread *th,
                       const char *what)
{
    struct canon_trace t = {.event = e};
    if (th) {
        t = of_task(e, th->task);
    }
    t.what = str_c(what);
    emit(s, t);
}

/* th: the one that runs, if the guilty instance is its own. */
void canon_trace_trap(struct canon_store *s, const struct thread *th)
{
    struct canon_trace t = {.event = TRACE_TRAP, .instance = s->trap.instance};
    if (th) {
        t = of_task(TRACE_TRAP, th->task);
    }
    t.what = s->trap.message;
    emit(s, t);
}

void canon_trace_call(struct task *task, const struct canon_value *values, u32 n)
{
    struct canon_trace t = of_task(TRACE_CALL, task);
    t.caller = task->sub ? task->sub->caller_task : 0;
    t.type = task->func->type;
    t.values = values;
    t.value_count = n;
    emit(task->inst->store, t);
}

void canon_trace_result(struct task *task, const struct canon_value *result, bool cancelled)
{
    struct canon_trace t = of_task(cancelled ? TRACE_CANCEL : TRACE_RETURN, task);
    t.type = task->func->type;
    t.values = result;
    t.value_count = result ? 1 : 0;
    emit(task->inst->store, t);
}

void canon_trace_host_call(struct canon_call *c)
{
    struct canon_trace t = {.event = TRACE_CALL,
                            .caller = c->sub ? c->sub->caller_task : 0,
                            .func = c->func->name,
                            .type = c->func->type,
                            .values = c->args,
                            .value_count = c->func->type->param_count};
    emit(c->store, t);
}

void canon_trace_host_return(struct canon_call *c, const struct canon_value *result)
{
    struct canon_trace t = {.event = TRACE_RETURN,
                            .caller = c->sub ? c->sub->caller_task : 0,
                            .func = c->func->name,
                            .type = c->func->type,
                            .values = result,
                            .value_count = c->func->type->result ? 1 : 0};
    emit(c->store, t);
}

void canon_trace_lower(const struct lowered *low)
{
    struct canon_store *s = low->inst->store;
    emit(s, (struct canon_trace){.event = TRACE_LOWER,
                                 .task = s->current ? s->current->task->id : 0,
                                 .instance = low->inst->path,
                                 .func = low->callee->name,
                                 .what = low->opts.is_async ? STR("async") : STR("")});
}

void canon_trace_lift(struct task *task)
{
    emit(task->inst->store, of_task(TRACE_LIFT, task));
}

void canon_end_type_print(struct buf *out, const struct canon_end *e)
{
    const struct canon_type type = {.kind = e->is_stream ? CANON_T_STREAM : CANON_T_FUTURE,
                                    .element = e->element};
    canon_type_print(out, &type);
}

#define TRACE_PLAIN  200 /* elements of a copy, at most */
#define TRACE_OTHERS 16

/* Loads what may no longer be values; that is no trap of the guest. */
static bool load_to_show(struct cx *cx, u64 at, u32 n, const struct canon_type *t,
                         struct canon_value *values)
{
    struct canon_store *s = cx->store;
    bool failed = s->failed, explainable = s->explainable;
    s->failed = true; /* the first trap counts, so none is set */
    bool fine = canon_load_list_valid(cx, at, n, t, values);
    s->failed = failed;
    s->explainable = explainable;
    return fine;
}

/* The end is a guest's. The elements stand behind the place of the buffer that was pending: the peer's, where that is a guest's
 * too. Those with handles are gone by now. */
void canon_trace_copy(struct canon_end *e, u32 n)
{
    struct canon_store *s = e->store;
    const struct canon_type *element = e->element;
    const struct canon_end *w = e->is_writable ? e : e->other, *r = e->is_writable ? e->other : e;
    struct arena *scratch = canon_scratch_enter(s);
    struct buf type = buf_in(scratch);
    canon_end_type_print(&type, e);
    struct canon_trace t = {.event = TRACE_COPY,
                            .task = s->current ? s->current->task->id : 0,
                            .instance = w && w->owner ? w->owner->path : STR(""),
                            .peer = r && r->owner ? r->owner->path : STR(""),
                            .what = buf_view(&type),
                            .element = element,
                            .count = n};
    if (element && !element->has_handle) {
        const struct buffer *b = e->other && e->other->owner ? &e->other->buffer : &e->buffer;
        u32 most = element->is_plain ? TRACE_PLAIN : TRACE_OTHERS;
        struct cx cx = canon_cx(s, b->opts, b->inst);
        struct canon_value *values = arena_array(scratch, struct canon_value, most);
        u64 at = b->ptr + (u64)(b->progress - n) * element->size[b->opts->p];
        cx.arena = scratch;
        t.value_count = n < most ? n : most;
        t.values = values;
        if (!load_to_show(&cx, at, t.value_count, element, values)) {
            t.value_count = 0;
        }
    }
    emit(s, t);
    canon_scratch_leave(s);
}

void canon_trace_drop(struct canon_end *e)
{
    struct canon_store *s = e->store;
    struct arena *scratch = canon_scratch_enter(s);
    struct buf b = buf_in(scratch);
    buf_printf(&b, "%s end of ", e->is_writable ? "writable" : "readable");
    canon_end_type_print(&b, e);
    emit(s, (struct canon_trace){.event = TRACE_DROP,
                                 .task = s->current ? s->current->task->id : 0,
                                 .instance = e->owner ? e->owner->path : STR(""),
                                 .what = buf_view(&b)});
    canon_scratch_leave(s);
}

/* ---- Who waits for whom -------------------------------------------------------------------------------- */

/* Of what may be many, so many are told. */
#define MOST_IN_SET    8
#define MOST_OF_OWNER  16
#define MOST_EDGES     8
#define MOST_IN_CIRCLE 30
#define MOST_NODES     40
#define MOST_HOST_ENDS 16
#define MOST_OF_ALL    1000000 /* edges */

/* Nodes are numbered in the order in which the tasks began. The nodes of a task, and of an instance, are chains: their first is
 * `report` of the task or instance (0: none, else the number + 1). */
struct graph {
    struct canon_store *s;
    struct arena *a;
    VEC(struct diag_wait) nodes;
    struct thread **threads; /* of the nodes that are tasks, which come first */
    u32 *next_of_task, *next_of_instance;
    u32 tasks, edges;
};

static void add_edge(struct graph *g, u32 from, u32 to)
{
    if (g->edges == MOST_OF_ALL) {
        return;
    }
    g->edges++;
    struct diag_wait *n = &g->nodes.data[from];
    u32 count = n->count;
    if ((count & (count - 1)) == 0) { /* full: its room is a power of two */
        u32 *edges = arena_array(g->a, u32, count ? 2 * (size_t)count : 1);
        if (count) {
            memcpy(edges, n->waits_for, count * sizeof *edges);
        }
        n->waits_for = edges;
    }
    n->waits_for[n->count++] = to;
}

/* An edge to a node that is no task. */
static void add_other(struct graph *g, u32 from, struct diag_awaited on)
{
    if (g->edges < MOST_OF_ALL) {
        *vec_push(g->a, &g->nodes) = (struct diag_wait){.on = on};
        add_edge(g, from, g->nodes.len - 1);
    }
}

/* Every blocked thread of a task is a node. */
static void edges_to_task(struct graph *g, u32 from, const struct task *t)
{
    for (u32 i = t->report; i; i = g->next_of_task[i - 1]) {
        add_edge(g, from, i - 1);
    }
}

static struct diag_awaited on_subtask(struct graph *g, u32 from, const struct subtask *sub)
{
    str callee = sub->low->callee->name;
    if (sub->task) {
        edges_to_task(g, from, sub->task);
    } else if (sub->call) {
        add_other(g, from, (struct diag_awaited){.kind = AWAIT_HOST_CALL, .func = callee});
    }
    return (struct diag_awaited){.kind = AWAIT_SUBTASK,
                                 .index = sub->index,
                                 .func = callee,
                                 .has_started = sub->state != SUBTASK_STARTING,
                                 .is_asked_to_cancel = sub->cancellation_requested};
}

static struct diag_awaited nobody_uses(const struct canon_end *e)
{
    return (struct diag_awaited){.kind = AWAIT_NOBODY,
                                 .index = e->index,
                                 .is_stream = e->is_stream,
                                 .is_writable = e->is_writable,
                                 .is_host = !e->other->owner,
                                 .instance = e->owner->path};
}

/* Whoever could use this end: the instance that owns it. False: nobody there waits for anything else. */
static bool edges_to_users(struct graph *g, u32 from, const struct canon_end *e)
{
    u32 any = 0;
    for (u32 i = e->owner->report; i && any < MOST_OF_OWNER; i = g->next_of_instance[i - 1]) {
        if (i - 1 != from) {
            add_edge(g, from, i - 1);
            any++;
        }
    }
    return any;
}

static struct diag_awaited on_end(struct graph *g, u32 from, const struct canon_end *e)
{
    struct diag_awaited on = {.kind = AWAIT_END,
                              .index = e->index,
                              .is_stream = e->is_stream,
                              .is_writable = e->is_writable};
    const struct canon_end *o = e->other;
    if (!o) {
        on.is_dropped = true;
        return on;
    }
    if (!o->owner) {
        on.is_host = true;
        add_other(g, from,
                  (struct diag_awaited){.kind = AWAIT_HOST_END, .is_stream = e->is_stream});
        return on;
    }
    on.instance = o->owner->path;
    on.peer = o->index;
    if (!edges_to_users(g, from, o)) {
        add_other(g, from, nobody_uses(o));
    }
    return on;
}

static struct diag_awaited on_waitable(struct graph *g, u32 from, const struct waitable *w)
{
    return w->is_subtask ? on_subtask(g, from, (const struct subtask *)w)
                         : on_end(g, from, (const struct canon_end *)w);
}

static void edges_of_set(struct graph *g, u32 from, const struct waitable_set *set)
{
    VEC(struct diag_awaited) members = {0};
    for (const struct waitable *w = set->first;
         w && (members.len < MOST_IN_SET || g->edges < MOST_OF_ALL); w = w->set_next) {
        struct diag_awaited on = on_waitable(g, from, w);
        *vec_push(g->a, &members) = on;
    }
    struct diag_wait *n = &g->nodes.data[from];
    n->members = members.data;
    n->member_count = members.len;
    n->members_left_out = set->count - members.len;
}

static struct diag_party party(const struct component_instance *i, u32 task, str func)
{
    return (struct diag_party){task, i->path, func};
}

/* One edge, to the thread that holds it: the first of its task. If that one runs, nobody waits in a circle through it. */
static void edges_of_lock(struct graph *g, u32 from, const struct component_instance *i)
{
    if (i->exclusive_thread) {
        const struct task *t = i->exclusive_thread->task;
        g->nodes.data[from].holder = party(i, t->id, t->func->name);
        if (t->report && g->threads[t->report - 1] == i->exclusive_thread) {
            add_edge(g, from, t->report - 1);
        }
    }
}

static void edges_of_backpressure(struct graph *g, u32 from, const struct component_instance *i)
{
    struct diag_wait *n = &g->nodes.data[from];
    n->backpressure = i->backpressure;
    if (i->backpressure && i->raised.func) {
        n->raiser = party(i, i->raised.task, i->raised.func->name);
        n->raiser_has_ended = !i->raised.alive;
        if (i->raised.alive) {
            edges_to_task(g, from, i->raised.alive);
        }
    }
}

static struct diag_awaited of_kind(enum diag_await kind)
{
    return (struct diag_awaited){.kind = kind};
}

static struct diag_awaited find_awaited(struct graph *g, u32 node)
{
    const struct thread *th = g->threads[node];
    const struct component_instance *i = th->task->inst;
    if (th->state == THREAD_SUSPENDED) {
        return of_kind(AWAIT_RESUME);
    }
    switch ((enum wait_kind)th->wait) {
    case WAIT_GATE:
        edges_of_backpressure(g, node, i);
        edges_of_lock(g, node, i);
        return of_kind(AWAIT_GATE);
    case WAIT_SET:
    case WAIT_CALLBACK:
        edges_of_set(g, node, th->on.set);
        if (th->wait == WAIT_CALLBACK) {
            edges_of_lock(g, node, i);
        }
        return (struct diag_awaited){.kind = AWAIT_SET, .index = th->on.set->index};
    case WAIT_UNLOCKED: edges_of_lock(g, node, i); return of_kind(AWAIT_LOCK);
    case WAIT_EVENT: return on_end(g, node, (const struct canon_end *)th->on.waitable);
    case WAIT_SUBTASK: return on_subtask(g, node, th->on.subtask);
    default: return of_kind(AWAIT_TURN);
    }
}

/* ---- ... in words -------------------------------------------------------------------------------------- */

static const char *noun_of(const struct diag_awaited *on)
{
    return on->is_stream ? "stream" : "future";
}

static void subtask_words(struct buf *out, const struct diag_awaited *on)
{
    buf_printf(out, "the call of `" STRF "`", STRA(on->func));
    if (on->index) {
        buf_printf(out, " (subtask %u)", on->index);
    }
    buf_printf(out, ", which %s",
               on->is_asked_to_cancel ? "was asked to cancel and has not returned"
               : on->has_started      ? "has not returned"
                                      : "has not started");
}

static void end_words_of(struct buf *out, const struct diag_awaited *on)
{
    buf_printf(out, "%s of %s %u", on->is_writable ? "a reader" : "a writer", noun_of(on),
               on->index);
    if (on->is_dropped) {
        buf_c(out, ", whose other end is dropped");
    } else if (on->is_host) {
        buf_c(out, " (the host)");
    } else {
        buf_printf(out, " (handle %u of " STRF ")", on->peer, STRA(on->instance));
    }
}

static void set_words(struct buf *out, const struct diag_wait *w)
{
    u32 told = w->member_count < MOST_IN_SET ? w->member_count : MOST_IN_SET;
    u32 more = w->member_count - told + w->members_left_out;
    buf_printf(out, "an event of waitable set %u%s", w->on.index, told ? "" : ", which is empty");
    for (u32 i = 0; i < told; i++) {
        const struct diag_awaited *m = &w->members[i];
        buf_c(out, i ? "; " : ": ");
        (m->kind == AWAIT_SUBTASK ? subtask_words : end_words_of)(out, m);
    }
    if (more) {
        buf_printf(out, "; and %u more", more);
    }
}

static void gate_words(struct buf *out, const struct diag_wait *w)
{
    if (!w->backpressure) {
        return;
    }
    buf_printf(out, ": the instance has backpressure %u, last raised by ", w->backpressure);
    if (w->raiser.task) {
        buf_printf(out, "`" STRF "` (task %u)%s", STRA(w->raiser.func), w->raiser.task,
                   w->raiser_has_ended ? ", which has ended" : "");
    } else {
        buf_c(out, "its realloc");
    }
}

static void host_words(struct buf *out, const struct diag_awaited *on)
{
    buf_printf(out, "the host %s a %s", on->is_writable ? "reads from" : "writes to", noun_of(on));
}

static void nobody_words(struct buf *out, const struct diag_awaited *on)
{
    if (on->is_host) {
        host_words(out, on);
        buf_c(out, ", and ");
    }
    buf_printf(out, "nobody uses the %s end (handle %u) in " STRF,
               on->is_writable ? "writable" : "readable", on->index, STRA(on->instance));
}

static str words(struct arena *a, const struct diag_wait *w)
{
    struct buf out = buf_in(a);
    const struct diag_awaited *on = &w->on;
    switch (on->kind) {
    case AWAIT_TURN:
    case AWAIT_LOCK: buf_c(&out, "waits for its turn"); break;
    case AWAIT_RESUME: buf_c(&out, "is suspended until another thread resumes it"); break;
    case AWAIT_GATE:
        buf_c(&out, "waits to enter");
        gate_words(&out, w);
        break;
    case AWAIT_SET:
        buf_c(&out, "waits for ");
        set_words(&out, w);
        break;
    case AWAIT_SUBTASK:
        buf_c(&out, "waits for ");
        subtask_words(&out, on);
        break;
    case AWAIT_END:
        buf_c(&out, "waits for ");
        end_words_of(&out, on);
        break;
    case AWAIT_HOST_CALL:
        buf_printf(&out, "the host has not finished `" STRF "`", STRA(on->func));
        break;
    case AWAIT_HOST_END:
        buf_printf(&out, "the host holds the other end of the %s", noun_of(on));
        break;
    case AWAIT_NOBODY: nobody_words(&out, on); break;
    case AWAIT_PEER:
        host_words(&out, on);
        buf_printf(&out, ", whose %s end is handle %u of " STRF,
                   on->is_writable ? "writable" : "readable", on->index, STRA(on->instance));
        break;
    }
    if (w->holder.task) {
        buf_printf(&out, ", held off by `" STRF "` (task %u), which holds the instance's lock",
                   STRA(w->holder.func), w->holder.task);
    }
    return buf_view(&out);
}

/* ---- ... as a graph ------------------------------------------------------------------------------------ */

/* Marks the nodes that can reach themselves: the strongly connected components, as Tarjan finds them. */
struct tarjan {
    u32 number, low; /* 0: not visited */
    u32 at;          /* the next edge */
    bool on_stack;
};

static void mark_circle(struct graph *g, struct tarjan *marks, u32 *stack, u32 *depth, u32 root)
{
    u32 n = *depth;
    while (stack[--n] != root) {
    }
    for (u32 i = n; i < *depth; i++) {
        marks[stack[i]].on_stack = false;
        g->nodes.data[stack[i]].in_cycle |= *depth - n > 1;
    }
    *depth = n;
}

static void mark_cycles(struct graph *g)
{
    u32 n = g->nodes.len, number = 0, depth = 0;
    struct tarjan *marks = arena_array(g->a, struct tarjan, n + 1);
    u32 *stack = arena_array(g->a, u32, n + 1), *path = arena_array(g->a, u32, n + 1);
    for (u32 start = 0; start < n; start++) {
        u32 length = 0;
        if (!marks[start].number) {
            path[length++] = start;
        }
        while (length) {
            u32 v = path[length - 1];
            struct tarjan *m = &marks[v];
            struct diag_wait *w = &g->nodes.data[v];
            if (!m->number) {
                m->number = m->low = ++number;
                m->on_stack = true;
                stack[depth++] = v;
            }
            if (m->at < w->count) {
                u32 to = w->waits_for[m->at++];
                w->in_cycle |= to == v;
                if (!marks[to].number) {
                    path[length++] = to;
                } else if (marks[to].on_stack && marks[to].number < m->low) {
                    m->low = marks[to].number;
                }
                continue;
            }
            if (m->low == m->number) {
                mark_circle(g, marks, stack, &depth, v);
            }
            if (--length && m->low < marks[path[length - 1]].low) {
                marks[path[length - 1]].low = m->low;
            }
        }
    }
}

static struct diag_wait node_of(struct arena *a, const struct thread *th)
{
    const struct task *t = th->task;
    const struct options *o = &t->func->opts;
    struct diag_wait w = {.task = t->id,
                          .instance = t->inst->path,
                          .func = t->func->name,
                          .lift = !o->is_async  ? STR("sync")
                                  : o->callback ? STR("async callback")
                                                : STR("async stackful"),
                          .is_async_call = t->is_async_call,
                          .cancel = t->state == TASK_PENDING_CANCEL     ? STR("pending")
                                    : t->state == TASK_CANCEL_DELIVERED ? STR("delivered")
                                                                        : STR(""),
                          .thread = th->index,
                          .thread_count = t->live_threads,
                          .core = th->et ? engine_where(th->et, a) : STR("")};
    if (t->caller) {
        w.caller = party(t->caller->inst, t->caller_id, t->caller->name);
    }
    return w;
}

/* The blocked threads, oldest first. */
static void collect_blocked(struct graph *g)
{
    struct canon_store *s = g->s;
    for (struct thread *th = s->threads; th; th = th->all_next) {
        th->task->report = 0;
    }
    for (struct component_instance *i = s->instances; i; i = i->next) {
        i->report = 0;
        i->raised.alive = NULL;
    }
    g->threads = arena_array(g->a, struct thread *, s->thread_count + 1);
    g->next_of_task = arena_array(g->a, u32, s->thread_count + 1);
    g->next_of_instance = arena_array(g->a, u32, s->thread_count + 1);
    for (struct thread *th = s->threads; th; th = th->all_next) {
        if (th->task->id == th->task->inst->raised.task) {
            th->task->inst->raised.alive = th->task;
        }
        if (th->state != THREAD_RUNNING && !canon_thread_ready(th)) {
            g->threads[g->tasks++] = th;
        }
    }
    for (u32 i = 0; i < g->tasks / 2; i++) {
        struct thread *th = g->threads[i];
        g->threads[i] = g->threads[g->tasks - 1 - i];
        g->threads[g->tasks - 1 - i] = th;
    }
    for (u32 i = 0; i < g->tasks; i++) {
        *vec_push(g->a, &g->nodes) = node_of(g->a, g->threads[i]);
    }
    for (u32 i = g->tasks; i-- > 0;) { /* so that chains begin with the oldest */
        struct task *t = g->threads[i]->task;
        g->next_of_task[i] = t->report;
        g->next_of_instance[i] = t->inst->report;
        t->report = t->inst->report = i + 1;
    }
}

/* What the host reads, and where no task is left what it would write: the tasks of those that hold the other ends may use them, or
 * they are forgotten. */
static void add_host_ends(struct graph *g)
{
    u32 most = g->nodes.len + MOST_HOST_ENDS;
    for (const struct canon_end *e = g->s->ends; e && g->nodes.len < most; e = e->all_next) {
        const struct canon_end *o = e->other;
        if (!e->owner && o && o->owner && (!g->tasks || e->read_fn)) {
            *vec_push(g->a, &g->nodes) = (struct diag_wait){.on = nobody_uses(o)};
            if (edges_to_users(g, g->nodes.len - 1, o)) {
                g->nodes.data[g->nodes.len - 1].on.kind = AWAIT_PEER;
            }
        }
    }
}

/* Leaves the nodes of t and those that they lead to. */
static void keep_reached(struct graph *g, const struct task *t)
{
    u32 n = g->nodes.len, depth = 0, kept = 0;
    u32 *number = arena_array(g->a, u32, n + 1), *stack = arena_array(g->a, u32, n + 1);
    for (u32 i = t->report; i; i = g->next_of_task[i - 1]) {
        number[i - 1] = 1;
        stack[depth++] = i - 1;
    }
    while (depth) {
        const struct diag_wait *w = &g->nodes.data[stack[--depth]];
        for (u32 k = 0; k < w->count; k++) {
            if (!number[w->waits_for[k]]) {
                number[w->waits_for[k]] = 1;
                stack[depth++] = w->waits_for[k];
            }
        }
    }
    for (u32 i = 0; i < n; i++) {
        if (number[i]) {
            g->nodes.data[kept] = g->nodes.data[i];
            number[i] = kept++;
        }
    }
    g->nodes.len = kept;
    for (u32 i = 0; i < kept; i++) {
        for (u32 k = 0; k < g->nodes.data[i].count; k++) {
            g->nodes.data[i].waits_for[k] = number[g->nodes.data[i].waits_for[k]];
        }
    }
}

void canon_waits_of(struct canon_store *s, struct arena *a, const struct task *t,
                    struct diag_wait **waits, u32 *n)
{
    struct graph g = {.s = s, .a = a};
    collect_blocked(&g);
    for (u32 i = 0; i < g.tasks; i++) {
        struct diag_awaited on = find_awaited(&g, i);
        g.nodes.data[i].on = on;
    }
    if (t) {
        keep_reached(&g, t);
    } else {
        add_host_ends(&g);
    }
    for (u32 i = 0; i < g.nodes.len; i++) {
        g.nodes.data[i].what = words(a, &g.nodes.data[i]);
    }
    mark_cycles(&g);
    *waits = g.nodes.data;
    *n = g.nodes.len;
}

void canon_waits(struct canon_store *s, struct arena *a, struct diag_wait **waits, u32 *n)
{
    canon_waits_of(s, a, NULL, waits, n);
}

static void task_words(struct buf *out, const struct diag_wait *w)
{
    buf_printf(out, "task %u `" STRF "` in " STRF " (" STRF " lift; called ", w->task,
               STRA(w->func), STRA(w->instance), STRA(w->lift));
    if (w->caller.task) {
        buf_printf(out, "%s by task %u `" STRF "` in " STRF, w->is_async_call ? "async" : "sync",
                   w->caller.task, STRA(w->caller.func), STRA(w->caller.instance));
    } else {
        buf_c(out, "by the host");
    }
    buf_c(out,
          !w->cancel.len ? ")"
          : str_eq_c(w->cancel, "pending")
              ? "; asked to cancel, not told yet: only the event loop of a callback hears of it)"
              : "; told to cancel, and has not called `task.cancel`)");
    if (w->thread_count > 1) {
        buf_printf(out, ", thread %u", w->thread);
        if (w->core.len) {
            buf_printf(out, " in `" STRF "`", STRA(w->core));
        }
        buf_byte(out, ',');
    }
    buf_byte(out, ' ');
}

static void wait_line(struct buf *out, const struct diag_wait *w, u32 number)
{
    buf_printf(out, "%s[%u] ", w->in_cycle ? "* " : "  ", number);
    if (w->task) {
        task_words(out, w);
    }
    buf_str(out, w->what);
    for (u32 k = 0; k < w->count && k < MOST_EDGES; k++) {
        buf_printf(out, "%s[%u]", k ? ", " : " -> ", w->waits_for[k] + 1);
    }
    buf_c(out, w->count > MOST_EDGES ? ", ...\n" : "\n");
}

str canon_waits_text(struct arena *a, const struct diag_wait *waits, u32 n)
{
    struct buf out = buf_in(a);
    u32 in_circle = 0, others = 0, shown = 0;
    for (u32 i = 0; i < n; i++) {
        in_circle += waits[i].in_cycle;
    }
    u32 room = MOST_NODES - (in_circle < MOST_IN_CIRCLE ? in_circle : MOST_IN_CIRCLE);
    for (u32 i = 0, circle = 0; i < n; i++) {
        if (waits[i].in_cycle ? circle++ < MOST_IN_CIRCLE : others++ < room) {
            wait_line(&out, &waits[i], i + 1);
            shown++;
        }
    }
    if (shown < n) {
        buf_printf(&out, "  and %u more\n", n - shown);
    }
    if (in_circle) {
        buf_c(&out, "  (* is part of a circle)\n");
    }
    return buf_view(&out);
}
