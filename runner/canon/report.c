/* report.c - what a person wants to know: who waits for whom, what is still open, what happens at the boundaries. */
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

void canon_trace_call(struct task *task, const struct canon_value *values, u32 n)
{
    struct canon_trace t = of_task(TRACE_CALL, task);
    t.caller = task->sub ? task->sub->caller_task : 0;
    t.type = task->func->type;
    t.values = values;
    t.value_count = n;
    emit(task->inst->store, t);
}

/* A value from a core value, for calls that go without values. */
static struct canon_value scalar_value(enum canon_kind kind, u64 slot)
{
    struct canon_value v = canon_u(kind, slot);
    switch (kind) {
    case CANON_T_S8: v.s = (i8)slot; break;
    case CANON_T_S16: v.s = (i16)slot; break;
    case CANON_T_S32: v.s = (i32)slot; break;
    default: break;
    }
    return v;
}

void canon_trace_scalars(struct task *task, const u64 *slots)
{
    struct canon_value values[MAX_FLAT_PARAMS];
    const struct canon_functype *ft = task->func->type;
    for (u32 i = 0; i < ft->param_count; i++) {
        values[i] = scalar_value(ft->params[i].type->kind, slots[i]);
    }
    canon_trace_call(task, values, ft->param_count);
}

void canon_trace_result(struct task *task, const struct canon_value *result, u64 scalar,
                        bool cancelled)
{
    const struct canon_type *type = task->func->type->result;
    struct canon_value v;
    if (!result && type && !cancelled) {
        v = scalar_value(type->kind, scalar);
        result = &v;
    }
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

void canon_trace_copy(struct canon_end *e, u32 n)
{
    struct canon_trace t = {.event = TRACE_COPY, .count = n};
    t.instance = e->owner ? e->owner->path : STR("");
    t.what = e->is_stream ? STR("stream") : STR("future");
    emit(e->store, t);
}

/* ---- Who waits for whom -------------------------------------------------------------------------------- */

struct graph {
    struct canon_store *s;
    struct arena *a;
    VEC(struct canon_wait) nodes;
    VEC(struct thread *) threads; /* of the nodes that are tasks, by node number */
};

static const char *subtask_words(const struct subtask *sub)
{
    return sub->state == SUBTASK_STARTING ? "has not started" : "has not returned";
}

static void add_edge(struct graph *g, u32 from, u32 to)
{
    struct canon_wait *n = &g->nodes.data[from];
    u32 *edges = arena_array(g->a, u32, n->edge_count + 1);
    if (n->edge_count) {
        memcpy(edges, n->edges, n->edge_count * sizeof *edges);
    }
    edges[n->edge_count++] = to;
    n->edges = edges;
}

static u32 add_node(struct graph *g, int kind, str what)
{
    struct canon_wait *n = vec_push(g->a, &g->nodes);
    *n = (struct canon_wait){0};
    n->kind = kind == 0 ? WAIT_TASK : kind == 1 ? WAIT_HOST : WAIT_END;
    n->what = what;
    *vec_push(g->a, &g->threads) = NULL;
    return g->nodes.len - 1;
}

/* Every blocked thread of a task is a node. */
static void edges_to_task(struct graph *g, u32 from, const struct task *t)
{
    for (u32 i = 0; i < g->threads.len; i++) {
        if (g->threads.data[i] && g->threads.data[i]->task == t) {
            add_edge(g, from, i);
        }
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
        add_edge(g, from,
                 add_node(g, 1,
                          str_printf(g->a, "the host has not finished `" STRF "`",
                                     STRA(sub->low->callee->name))));
    }
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
        add_edge(g, from,
                 add_node(g, 1, str_printf(g->a, "the host holds the other end of the %s", noun)));
        return;
    }
    buf_printf(what, " (handle %u of " STRF ")", o->index, STRA(o->owner->path));
    bool any = false;
    for (u32 i = 0; i < g->threads.len; i++) {
        if (g->threads.data[i] && g->threads.data[i]->task->inst == o->owner &&
            g->threads.data[i] != g->threads.data[from]) {
            add_edge(g, from, i);
            any = true;
        }
    }
    if (!any) {
        add_edge(g, from,
                 add_node(g, 2,
                          str_printf(g->a, "nobody uses the %s end (handle %u) in " STRF,
                                     o->is_writable ? "writable" : "readable", o->index,
                                     STRA(o->owner->path))));
    }
}

static void edges_of_set(struct graph *g, u32 from, const struct waitable_set *set,
                         struct buf *what)
{
    buf_printf(what, "an event of waitable set %u", set->index);
    if (!set->first) {
        buf_c(what, ", which is empty");
    }
    for (const struct waitable *w = set->first; w; w = w->next) {
        buf_c(what, w == set->first ? ": " : "; ");
        if (w->is_subtask) {
            edge_of_subtask(g, from, (const struct subtask *)w, what);
        } else {
            edge_of_end(g, from, (const struct canon_end *)w, what);
        }
    }
}

static void edges_of_lock(struct graph *g, u32 from, const struct component_instance *i,
                          struct buf *what)
{
    if (i->exclusive_thread) {
        buf_printf(what, ", held off by `" STRF "`, which holds the instance's lock",
                   STRA(i->exclusive_thread->task->func->name));
        edges_to_task(g, from, i->exclusive_thread->task);
    }
}

static void describe(struct graph *g, u32 node)
{
    struct thread *th = g->threads.data[node];
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
                buf_printf(&what, ": the instance has set backpressure %u", i->backpressure);
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

/* Marks the nodes that can reach themselves: strongly connected components by reachability, which is fine for reports. */
static void mark_cycles(struct graph *g)
{
    u32 n = g->nodes.len;
    if (n > 2000) {
        return;
    }
    bool *seen = arena_array(g->a, bool, n ? n : 1);
    u32 *stack = arena_array(g->a, u32, n ? n : 1);
    for (u32 start = 0; start < n; start++) {
        u32 depth = 0;
        memset(seen, 0, n);
        stack[depth++] = start;
        while (depth && !g->nodes.data[start].in_cycle) {
            const struct canon_wait *at = &g->nodes.data[stack[--depth]];
            for (u32 i = 0; i < at->edge_count; i++) {
                if (at->edges[i] == start) {
                    g->nodes.data[start].in_cycle = true;
                } else if (!seen[at->edges[i]]) {
                    seen[at->edges[i]] = true;
                    stack[depth++] = at->edges[i];
                }
            }
        }
    }
}

void canon_waits(struct canon_store *s, struct arena *a, struct canon_wait **waits, u32 *n)
{
    struct graph g = {.s = s, .a = a};
    for (struct thread *th = s->threads; th; th = th->all_next) {
        if (th->state == THREAD_RUNNING || canon_thread_ready(th)) {
            continue;
        }
        u32 node = add_node(&g, 0, STR(""));
        g.threads.data[node] = th;
        g.nodes.data[node].task = th->task->id;
        g.nodes.data[node].instance = th->task->inst->path;
        g.nodes.data[node].func = th->task->func->name;
    }
    u32 tasks = g.nodes.len;
    for (u32 i = 0; i < tasks; i++) {
        describe(&g, i);
    }
    mark_cycles(&g);
    *waits = g.nodes.data;
    *n = g.nodes.len;
}

str canon_waits_text(struct arena *a, const struct canon_wait *waits, u32 n)
{
    struct buf out = buf_in(a);
    for (u32 i = 0; i < n; i++) {
        const struct canon_wait *w = &waits[i];
        buf_printf(&out, "%s[%u] ", w->in_cycle ? "* " : "  ", i + 1);
        if (w->kind == WAIT_TASK) {
            buf_printf(&out, "task %u `" STRF "` in " STRF " ", w->task, STRA(w->func),
                       STRA(w->instance));
        }
        buf_str(&out, w->what);
        for (u32 k = 0; k < w->edge_count; k++) {
            buf_printf(&out, "%s[%u]", k ? ", " : " -> ", w->edges[k] + 1);
        }
        buf_c(&out, "\n");
    }
    bool cycle = false;
    for (u32 i = 0; i < n; i++) {
        cycle |= waits[i].in_cycle;
    }
    if (cycle) {
        buf_c(&out, "  (* is part of a circle)\n");
    }
    return buf_view(&out);
}

/* ---- What is left open ------------------------------------------------------------------------------------ */

typedef VEC(struct canon_leak) leak_list;

str canon_handle_words(struct arena *a, const struct handle *h)
{
    struct buf b = buf_in(a);
    switch ((enum handle_kind)h->kind) {
    case HANDLE_RESOURCE:
        buf_printf(&b, "%s<" STRF ">", h->own ? "own" : "borrow", STRA(canon_resource_name(h->rt)));
        break;
    case HANDLE_SUBTASK:
        buf_printf(&b, "subtask of `" STRF "`", STRA(h->subtask->low->callee->name));
        break;
    case HANDLE_END:
        buf_printf(&b, "%s end of %s", h->end->is_writable ? "writable" : "readable",
                   h->end->is_stream ? "stream<" : "future<");
        canon_type_print(&b, h->end->element);
        buf_byte(&b, '>');
        break;
    case HANDLE_SET: buf_c(&b, "waitable set"); break;
    default: buf_c(&b, "error-context"); break;
    }
    return buf_view(&b);
}

void canon_leaks(struct canon_store *s, struct arena *a, struct canon_leak **leaks, u32 *n)
{
    leak_list list = {0};
    for (struct component_instance *i = s->instances; i; i = i->next) {
        for (u32 k = 0; k < i->handles.len; k++) {
            const struct handle *h = &i->handles.data[k];
            if (h->kind != HANDLE_FREE) {
                *vec_push(a, &list) = (struct canon_leak){i->path, canon_handle_words(a, h), k + 1,
                                                          h->maker ? h->maker->name : STR("")};
            }
        }
    }
    for (struct thread *th = s->threads; th; th = th->all_next) {
        if (th == th->task->implicit || !th->task->implicit) {
            *vec_push(a, &list) = (struct canon_leak){
                th->task->inst->path,
                str_printf(a, "task %u `" STRF "`", th->task->id, STRA(th->task->func->name)), 0,
                STR("")};
        }
    }
    *leaks = list.data;
    *n = list.len;
}
