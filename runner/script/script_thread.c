/* script_thread.c - threads of a script. One runs at a time: each as far as it gets before it waits for a memory (memory.atomic.wait),
 * at once when it is made and then in the order of the script whenever the main thread waits. */
#include "script_internal.h"

static bool is_done(const struct thread *t)
{
    return t->at >= t->script->directives.len;
}

/* Goes on with a thread that has something to do. */
static bool step(struct thread *t)
{
    bool forever;
    struct runner *r = t->runner;
    if (is_done(t) || (r->blocked && engine_waits(r->task, &forever)))
        return false;
    t->at = script_step(r, t->script, t->at);
    return true;
}

static bool step_all(struct runner *main)
{
    bool any = false;
    for (struct thread *t = main->threads; t; t = t->next)
        any |= step(t);
    return any;
}

/* Nobody can go on: ends a wait, one with a time to end in if there is any. False if nobody waits. */
static bool end_a_wait(struct runner *main)
{
    struct engine_task *chosen = NULL;
    for (const struct thread *t = main->threads; t; t = t->next) {
        bool forever;
        if (!is_done(t) && t->runner->blocked && engine_waits(t->runner->task, &forever) &&
            (!chosen || !forever)) {
            chosen = t->runner->task;
            if (!forever)
                break;
        }
    }
    if (chosen)
        engine_end_wait(chosen);
    return chosen != NULL;
}

static void finish(struct runner *main, const struct thread *t)
{
    while (!is_done(t) && (step_all(main) || end_a_wait(main)))
        ;
}

void script_thread(struct runner *r, const struct wast_directive *x)
{
    struct thread *t = arena_new(r->arena, struct thread), **end = &r->main->threads;
    struct runner *own = arena_new(r->arena, struct runner);
    *own = (struct runner){.arena = r->arena,
                           .main = r->main,
                           .features = r->features,
                           .d = r->d,
                           .store = r->store,
                           .task = engine_task_new(r->store),
                           .last_instance = MAP_NONE,
                           .last_definition = MAP_NONE,
                           .spectest = r->spectest,
                           .seed = r->seed,
                           .texts = r->texts,
                           .result = r->result};
    own->spectest_items.data = r->spectest_items.data;
    own->spectest_items.len = r->spectest_items.len;
    for (u32 i = 0; i < x->shared_count; i++) {
        u32 n = map_get(&r->instance_ids, x->shared[i]);
        if (n == MAP_NONE) {
            struct outcome o = script_unknown(r, "instance", x->shared[i]);
            script_fail(r, x, &o);
            return;
        }
        map_put(r->arena, &own->instance_ids, x->shared[i], own->instances.len);
        *vec_push(r->arena, &own->instances) = r->instances.data[n];
    }
    *t = (struct thread){.runner = own, .id = x->id, .script = x->script};
    while (*end)
        end = &(*end)->next;
    *end = t;
    step(t);
}

void script_wait(struct runner *r, const struct wast_directive *x)
{
    struct thread *found = NULL;
    for (struct thread *t = r->main->threads; t; t = t->next) {
        if (str_eq(t->id, x->id))
            found = t;
    }
    if (found) {
        finish(r->main, found);
    } else {
        struct outcome o = script_unknown(r, "thread", x->id);
        script_fail(r, x, &o);
    }
}

/* The main thread waits until all others have come as far as they can. */
static void unblock(struct runner *r)
{
    bool forever;
    while (engine_waits(r->task, &forever)) {
        if (!step_all(r) && !end_a_wait(r))
            engine_end_wait(r->task);
    }
}

void script_run_threads(struct runner *r, const struct wast_script *script)
{
    for (u32 at = 0; at < script->directives.len;) {
        at = script_step(r, script, at);
        if (r->blocked)
            unblock(r);
    }
    for (const struct thread *t = r->threads; t; t = t->next)
        finish(r, t);
}
