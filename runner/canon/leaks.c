/* leaks.c - what is still open at the end. Equal ones are told together, so that the report stays small, however many there are. */
#include "canon_internal.h"

#define MOST_HANDLES 64 /* different ones that are told */
#define MOST_TASKS   32
#define MOST_THREADS 4

/* ---- Handles in words ---------------------------------------------------------------------------------- */

str canon_maker_words(struct arena *a, const struct canon_func *maker)
{
    if (!maker) {
        return STR("");
    }
    return maker->inst ? str_printf(a, "`" STRF "` in `" STRF "`", STRA(maker->name),
                                    STRA(maker->inst->path))
                       : str_printf(a, "`" STRF "`", STRA(maker->name));
}

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
        buf_printf(&b, "%s end of ", h->end->is_writable ? "writable" : "readable");
        canon_end_type_print(&b, h->end);
        break;
    case HANDLE_SET: buf_c(&b, "waitable set"); break;
    default: buf_c(&b, "error-context"); break;
    }
    return buf_view(&b);
}

/* ---- Groups -------------------------------------------------------------------------------------------- */

static bool same_group(const struct open_group *a, const struct open_group *b)
{
    return a->inst == b->inst && a->kind == b->kind && a->form == b->form && a->of == b->of &&
           a->maker == b->maker;
}

/* Counts one more. Those of an instance come one after the other: from `first` on. Gives the group if it is a new one. */
static struct open_group *add(struct arena *a, struct open_list *list, u32 first, u32 most,
                              const struct open_group *one)
{
    for (u32 k = list->groups.len; k-- > first;) {
        if (same_group(&list->groups.data[k], one)) {
            list->groups.data[k].count++;
            return NULL;
        }
    }
    if (list->groups.len == most) {
        list->more++;
        return NULL;
    }
    struct open_group *g = vec_push(a, &list->groups);
    *g = *one;
    return g;
}

static struct open_group group_of(struct component_instance *i, u32 index)
{
    const struct handle *h = &i->handles.data[index - 1];
    struct open_group g = {
        .inst = i, .kind = h->kind, .maker = h->maker, .first = index, .count = 1};
    switch ((enum handle_kind)h->kind) {
    case HANDLE_RESOURCE:
        g.of = h->rt;
        g.form = h->own;
        break;
    case HANDLE_SUBTASK: g.of = h->subtask->low->callee; break;
    case HANDLE_END:
        g.of = h->end->element;
        g.form = (u8)(2 * h->end->is_stream + h->end->is_writable);
        break;
    default: break;
    }
    return g;
}

static void add_handles(struct canon_store *s, struct arena *a, struct open_list *list)
{
    for (struct component_instance *i = s->instances; i; i = i->next) {
        u32 first = list->groups.len;
        for (u32 k = 1; k <= i->handles.len; k++) {
            if (i->handles.data[k - 1].kind != HANDLE_FREE) {
                struct open_group g = group_of(i, k);
                add(a, list, first, MOST_HANDLES, &g);
            }
        }
    }
}

/* Those of a task that do not run, in words: its oldest is `th`. */
static str thread_words(struct arena *a, const struct thread *th)
{
    const struct task *t = th->task;
    struct buf b = buf_in(a);
    u32 n = 0;
    for (; th && n < t->live_threads; th = th->all_previous) {
        if (th->task == t && th->state != THREAD_RUNNING && n++ < MOST_THREADS) {
            buf_printf(&b, "%sthread %u", n == 1 ? "" : ", ", th->index);
            str core = th->et ? engine_where(th->et, a) : STR("");
            if (core.len) {
                buf_printf(&b, " in `" STRF "`", STRA(core));
            }
        }
    }
    if (n > MOST_THREADS) {
        buf_printf(&b, ", and %u more", n - MOST_THREADS);
    }
    return buf_view(&b);
}

/* The tasks with a thread that does not run, oldest first, each once; of locked instances only if `lost`. */
static void add_tasks(struct canon_store *s, struct arena *a, struct open_list *list, bool lost)
{
    struct thread *last = NULL;
    for (struct thread *th = s->threads; th; th = th->all_next) {
        th->task->report = 0;
        last = th;
    }
    for (struct thread *th = last; th; th = th->all_previous) {
        struct task *t = th->task;
        if (th->state == THREAD_RUNNING || t->report || (lost && !t->inst->root->locked)) {
            continue;
        }
        t->report = 1;
        struct open_group g = {.inst = t->inst,
                               .kind = HANDLE_FREE,
                               .of = t->func,
                               .maker = t->sub ? t->sub->low->inst : NULL,
                               .form =
                                   t->live_threads < UINT8_MAX ? (u8)t->live_threads : UINT8_MAX,
                               .first = t->id,
                               .count = 1};
        struct open_group *told = add(a, list, 0, MOST_TASKS, &g);
        if (told && (t->live_threads > 1 || th != t->implicit)) {
            told->threads = thread_words(a, th);
        }
    }
}

void canon_note_lost_tasks(struct canon_store *s)
{
    if (s->config.track_handles) {
        add_tasks(s, &s->arena, &s->lost, true);
    }
}

/* ---- The report ---------------------------------------------------------------------------------------- */

static void tell(struct arena *a, const struct open_group *g, struct canon_leak *out)
{
    *out = (struct canon_leak){.instance = g->inst->path, .count = g->count};
    if (g->kind == HANDLE_FREE) {
        const struct canon_func *f = g->of;
        const struct component_instance *caller = g->maker;
        out->what = str_printf(a, "task %u `" STRF "`", g->first, STRA(f->name));
        if (g->threads.len) {
            out->what = str_printf(a, STRF " (" STRF ")", STRA(out->what), STRA(g->threads));
        }
        out->maker_instance = caller ? caller->path : STR("");
    } else {
        out->what = canon_handle_words(a, &g->inst->handles.data[g->first - 1]);
        out->handle = g->first;
        const struct canon_func *maker = g->maker;
        out->maker = maker ? maker->name : STR("");
        out->maker_instance = maker && maker->inst ? maker->inst->path : STR("");
    }
}

u64 canon_leaks(struct canon_store *s, struct arena *a, struct canon_leak **leaks, u32 *n)
{
    struct open_list handles = {0}, tasks = {0};
    add_handles(s, a, &handles);
    for (u32 i = 0; i < s->lost.groups.len; i++) {
        *vec_push(a, &tasks.groups) = s->lost.groups.data[i];
    }
    add_tasks(s, a, &tasks, false);
    *n = handles.groups.len + tasks.groups.len;
    *leaks = arena_array(a, struct canon_leak, *n);
    for (u32 i = 0; i < *n; i++) {
        u32 k = i - handles.groups.len;
        tell(a, i < handles.groups.len ? &handles.groups.data[i] : &tasks.groups.data[k],
             &(*leaks)[i]);
    }
    return handles.more + tasks.more + s->lost.more;
}
