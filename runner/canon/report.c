/* report.c - what a person wants to know: who waits for whom, what happens at the boundaries. */
#include "canon_internal.h"

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

static str end_words(struct canon_store *s, const struct canon_end *e)
{
    struct buf b = buf_in(&s->scratch);
    const struct canon_type type = {.kind = e->is_stream ? CANON_T_STREAM : CANON_T_FUTURE,
                                    .element = e->element};
    canon_type_print(&b, &type);
    return buf_view(&b);
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
    struct canon_trace t = {.event = TRACE_COPY,
                            .task = s->current ? s->current->task->id : 0,
                            .instance = w && w->owner ? w->owner->path : STR(""),
                            .peer = r && r->owner ? r->owner->path : STR(""),
                            .what = end_words(s, e),
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
    buf_printf(&b, "%s end of " STRF, e->is_writable ? "writable" : "readable",
               STRA(end_words(s, e)));
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
#define MOST_OF_ALL    1000000 /* edges */

/* Nodes are numbered in the order in which the tasks began. The nodes of a task, and of an instance, are chains: their first is
 * `report` of the task or instance (0: none, else the number + 1). */
struct graph {
    struct canon_store *s;
    struct arena *a;
    VEC(struct canon_wait) nodes;
    struct thread **threads; /* of the nodes that are tasks, which come first */
    u32 *next_of_task, *next_of_instance;
    u32 tasks, edges;
};

static const char *subtask_words(const struct subtask *sub)
{
    return sub->cancellation_requested      ? "was asked to cancel and has not returned"
           : sub->state == SUBTASK_STARTING ? "has not started"
                                            : "has not returned";
}

static void add_edge(struct graph *g, u32 from, u32 to)
{
    if (g->edges == MOST_OF_ALL) {
        return;
    }
    g->edges++;
    struct canon_wait *n = &g->nodes.data[from];
    u32 count = n->edge_count;
    if ((count & (count - 1)) == 0) { /* full: its room is a power of two */
        u32 *edges = arena_array(g->a, u32, count ? 2 * (size_t)count : 1);
        if (count) {
            memcpy(edges, n->edges, count * sizeof *edges);
        }
        n->edges = edges;
    }
    n->edges[n->edge_count++] = to;
}

/* An edge to a node that is no task. */
static void add_other(struct graph *g, u32 from, bool is_host, str what)
{
    if (g->edges < MOST_OF_ALL) {
        struct canon_wait *n = vec_push(g->a, &g->nodes);
        *n = (struct canon_wait){.kind = is_host ? WAIT_HOST : WAIT_END, .what = what};
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

static void edge_of_subtask(struct graph *g, u32 from, const struct subtask *sub, struct buf *what)
{
    buf_printf(what, "the call of `" STRF "`", STRA(sub->low->callee->name));
    if (sub->index) {
        buf_printf(what, " (subtask %u)", sub->index);
    }
    buf_printf(what, ", which %s", subtask_words(sub));
    if (sub->task) {
        edges_to_task(g, from, sub->task);
    } else if (sub->call) {
        add_other(
            g, from, true,
            str_printf(g->a, "the host has not finished `" STRF "`", STRA(sub->low->callee->name)));
    }
}

static str forgotten(struct graph *g, const struct canon_end *o)
{
    return str_printf(g->a, "nobody uses the %s end (handle %u) in " STRF,
                      o->is_writable ? "writable" : "readable", o->index, STRA(o->owner->path));
}

/* Whoever could use the peer of an end: the instance that owns it. */
static void edge_of_end(struct graph *g, u32 from, const struct canon_end *e, struct buf *what)
{
    const char *noun = e->is_stream ? "stream" : "future";
    const struct canon_end *o = e->other;
    buf_printf(what, "%s of %s %u", e->is_writable ? "a reader" : "a writer", noun, e->index);
    if (!o) {
        buf_c(what, ", whose other end is dropped");
        return;
    }
    if (!o->owner) {
        buf_c(what, " (the host)");
        add_other(g, from, true, str_printf(g->a, "the host holds the other end of the %s", noun));
        return;
    }
    buf_printf(what, " (handle %u of " STRF ")", o->index, STRA(o->owner->path));
    u32 any = 0;
    for (u32 i = o->owner->report; i && any < MOST_OF_OWNER; i = g->next_of_instance[i - 1]) {
        if (i - 1 != from) {
            add_edge(g, from, i - 1);
            any++;
        }
    }
    if (!any) {
        add_other(g, from, false, forgotten(g, o));
    }
}

static void edges_of_set(struct graph *g, u32 from, const struct waitable_set *set,
                         struct buf *what)
{
    buf_printf(what, "an event of waitable set %u", set->index);
    if (!set->first) {
        buf_c(what, ", which is empty");
    }
    size_t end = 0;
    u32 n = 0;
    for (const struct waitable *w = set->first; w && (n <= MOST_IN_SET || g->edges < MOST_OF_ALL);
         w = w->set_next) {
        buf_c(what, w == set->first ? ": " : "; ");
        if (w->is_subtask) {
            edge_of_subtask(g, from, (const struct subtask *)w, what);
        } else {
            edge_of_end(g, from, (const struct canon_end *)w, what);
        }
        if (++n <= MOST_IN_SET) {
            end = what->len;
        } else {
            what->len = end;
        }
    }
    if (n > MOST_IN_SET) {
        buf_printf(what, "; and %u more", set->count - MOST_IN_SET);
    }
}

/* One edge, to the thread that holds it: the first of its task. If that one runs, nobody waits in a circle through it. */
static void edges_of_lock(struct graph *g, u32 from, const struct component_instance *i,
                          struct buf *what)
{
    if (i->exclusive_thread) {
        const struct task *t = i->exclusive_thread->task;
        g->nodes.data[from].holder = (struct canon_party){t->id, i->path, t->func->name};
        buf_printf(what, ", held off by `" STRF "` (task %u), which holds the instance's lock",
                   STRA(t->func->name), t->id);
        if (t->report && g->threads[t->report - 1] == i->exclusive_thread) {
            add_edge(g, from, t->report - 1);
        }
    }
}

static void edges_of_backpressure(struct graph *g, u32 from, const struct component_instance *i,
                                  struct buf *what)
{
    buf_printf(what, ": the instance has backpressure %u, last raised by ", i->backpressure);
    if (!i->raised.func) {
        buf_c(what, "its realloc");
        return;
    }
    g->nodes.data[from].holder =
        (struct canon_party){i->raised.task, i->path, i->raised.func->name};
    buf_printf(what, "`" STRF "` (task %u)%s", STRA(i->raised.func->name), i->raised.task,
               i->raised.alive ? "" : ", which has ended");
    if (i->raised.alive) {
        edges_to_task(g, from, i->raised.alive);
    }
}

static void describe(struct graph *g, u32 node)
{
    struct thread *th = g->threads[node];
    const struct component_instance *i = th->task->inst;
    struct buf what = buf_in(g->a);
    if (th->state == THREAD_SUSPENDED) {
        buf_c(&what, "is suspended until another thread resumes it");
    } else {
        buf_c(&what, "waits ");
        switch ((enum wait_kind)th->wait) {
        case WAIT_GATE:
            buf_c(&what, "to enter");
            if (i->backpressure) {
                edges_of_backpressure(g, node, i, &what);
            }
            edges_of_lock(g, node, i, &what);
            break;
        case WAIT_SET:
        case WAIT_CALLBACK:
            buf_c(&what, "for ");
            edges_of_set(g, node, th->on.set, &what);
            if (th->wait == WAIT_CALLBACK) {
                edges_of_lock(g, node, i, &what);
            }
            break;
        case WAIT_UNLOCKED:
            buf_c(&what, "for its turn");
            edges_of_lock(g, node, i, &what);
            break;
        case WAIT_EVENT:
            buf_c(&what, "for ");
            edge_of_end(g, node, (const struct canon_end *)th->on.waitable, &what);
            break;
        case WAIT_SUBTASK:
            buf_c(&what, "for ");
            edge_of_subtask(g, node, th->on.subtask, &what);
            break;
        default: buf_c(&what, "for its turn"); break;
        }
    }
    g->nodes.data[node].what = buf_view(&what);
}

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
            struct canon_wait *w = &g->nodes.data[v];
            if (!m->number) {
                m->number = m->low = ++number;
                m->on_stack = true;
                stack[depth++] = v;
            }
            if (m->at < w->edge_count) {
                u32 to = w->edges[m->at++];
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

static struct canon_wait node_of(struct arena *a, const struct thread *th)
{
    const struct task *t = th->task;
    const struct options *o = &t->func->opts;
    struct canon_wait w = {.kind = WAIT_TASK,
                           .task = t->id,
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
        w.caller = (struct canon_party){t->caller_id, t->caller->inst->path, t->caller->name};
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

/* Where no task is left, whoever holds the other ends of what the host waits for has forgotten them. */
static void add_host_ends(struct graph *g)
{
    for (const struct canon_end *e = g->s->ends; e && g->nodes.len < MOST_NODES; e = e->all_next) {
        const struct canon_end *o = e->other;
        if (!e->owner && o && o->owner) {
            str what = str_printf(g->a, "the host %s a %s, and " STRF,
                                  e->is_writable ? "writes to" : "reads from",
                                  e->is_stream ? "stream" : "future", STRA(forgotten(g, o)));
            *vec_push(g->a, &g->nodes) = (struct canon_wait){.kind = WAIT_END, .what = what};
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
        const struct canon_wait *w = &g->nodes.data[stack[--depth]];
        for (u32 k = 0; k < w->edge_count; k++) {
            if (!number[w->edges[k]]) {
                number[w->edges[k]] = 1;
                stack[depth++] = w->edges[k];
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
        for (u32 k = 0; k < g->nodes.data[i].edge_count; k++) {
            g->nodes.data[i].edges[k] = number[g->nodes.data[i].edges[k]];
        }
    }
}

void canon_waits_of(struct canon_store *s, struct arena *a, const struct task *t,
                    struct canon_wait **waits, u32 *n)
{
    struct graph g = {.s = s, .a = a};
    collect_blocked(&g);
    for (u32 i = 0; i < g.tasks; i++) {
        describe(&g, i);
    }
    if (t) {
        keep_reached(&g, t);
    } else if (!g.tasks) {
        add_host_ends(&g);
    }
    mark_cycles(&g);
    *waits = g.nodes.data;
    *n = g.nodes.len;
}

void canon_waits(struct canon_store *s, struct arena *a, struct canon_wait **waits, u32 *n)
{
    canon_waits_of(s, a, NULL, waits, n);
}

static void task_words(struct buf *out, const struct canon_wait *w)
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

static void wait_line(struct buf *out, const struct canon_wait *w, u32 number)
{
    buf_printf(out, "%s[%u] ", w->in_cycle ? "* " : "  ", number);
    if (w->kind == WAIT_TASK) {
        task_words(out, w);
    }
    buf_str(out, w->what);
    for (u32 k = 0; k < w->edge_count && k < MOST_EDGES; k++) {
        buf_printf(out, "%s[%u]", k ? ", " : " -> ", w->edges[k] + 1);
    }
    buf_c(out, w->edge_count > MOST_EDGES ? ", ...\n" : "\n");
}

str canon_waits_text(struct arena *a, const struct canon_wait *waits, u32 n)
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
