/* handles.c - the table of handles of a component instance: one index space for resources, waitables, waitable sets and
 * error contexts. Index 0 is never given; freed indices are used again, last freed first. */
#include "canon_internal.h"

#include <stdarg.h>

bool canon_fail_handle(struct component_instance *i, u32 index, const char *format, ...)
{
    struct arena *a = &i->store->arena;
    const struct handle *h = &i->handles.data[index - 1];
    str maker = canon_maker_words(a, h->maker);
    bool vowel = h->kind == HANDLE_ERROR || (h->kind == HANDLE_RESOURCE && h->own);
    va_list args;
    va_start(args, format);
    str message = str_vprintf(a, format, args);
    va_end(args);
    canon_fail(i->store, i, STRF, STRA(message));
    str advice = i->store->trap.detail;
    return canon_explain(i->store, STRF "%shandle %u is %s " STRF "%s" STRF, STRA(advice),
                         advice.len ? "; " : "", index, vowel ? "an" : "a",
                         STRA(canon_handle_words(a, h)), maker.len ? ", made by " : "",
                         STRA(maker));
}

bool canon_fail_borrows(const struct task *t)
{
    static const char message[] = "borrow handles still remain at the end of the call";
    const struct handle_table *table = &t->inst->handles;
    for (u32 k = 1; k <= table->len; k++) {
        const struct handle *h = &table->data[k - 1];
        if (h->kind == HANDLE_RESOURCE && !h->own && h->borrow_scope == t) {
            return canon_fail_handle(t->inst, k, "%s", message);
        }
    }
    return canon_fail(t->inst->store, t->inst, "%s", message);
}

bool canon_handle_wrong(struct component_instance *i, u32 index)
{
    return canon_fail_handle(i, index, "handle index %u used with the wrong type", index);
}

static struct handle *find(struct component_instance *i, u32 index)
{
    struct handle_table *t = &i->handles;
    if (index == 0 || index > t->len || t->data[index - 1].kind == HANDLE_FREE) {
        canon_fail(i->store, i, "unknown handle index %u", index);
        if (index == 0) {
            canon_explain(i->store, "no handle has the index 0");
        } else if (t->len == 0) {
            canon_explain(i->store, "the instance has had no handle so far");
        } else if (index > t->len) {
            canon_explain(i->store, "the instance has had none above %u so far", t->len);
        } else {
            str by = canon_maker_words(&i->store->arena, t->data[index - 1].maker);
            canon_explain(i->store, "it was dropped or given away%s" STRF, by.len ? " by " : "",
                          STRA(by));
        }
        return NULL;
    }
    return &t->data[index - 1];
}

struct handle *canon_handle_get(struct component_instance *i, u32 index, enum handle_kind kind)
{
    struct handle *h = find(i, index);
    if (h && h->kind != kind) {
        canon_handle_wrong(i, index);
        return NULL;
    }
    return h;
}

static const char *origin(const struct canon_resource_type *rt)
{
    return rt->impl ? "guest-defined resource" : "host-defined resource";
}

struct handle *canon_handle_resource(struct component_instance *i, u32 index,
                                     const struct canon_resource_type *rt)
{
    struct handle *h = canon_handle_get(i, index, HANDLE_RESOURCE);
    if (h && h->rt != rt) {
        bool same = !rt->impl == !h->rt->impl;
        canon_fail(i->store, i,
                   "handle index %u used with the wrong type, expected %s but found a %s%s", index,
                   origin(rt), same ? "different " : "", origin(h->rt));
        canon_explain(i->store, "it is of `" STRF "`, wanted is `" STRF "`",
                      STRA(canon_resource_name(h->rt)), STRA(canon_resource_name(rt)));
        return NULL;
    }
    return h;
}

u32 canon_handle_add(struct component_instance *i, struct handle h)
{
    struct handle_table *t = &i->handles;
    struct canon_store *s = i->store;
    if (s->config.track_handles && s->current) {
        h.maker = s->current->task->func;
    }
    u32 index = t->free;
    if (!canon_has_room(i, 0)) {
        return 0;
    }
    if (index) {
        t->free = t->data[index - 1].next_free;
    } else {
        if (t->len >= TABLE_MAX_LENGTH) {
            canon_fail(s, i, "resource table has no free keys");
            return 0;
        }
        if (t->len == t->cap) {
            u32 cap = t->cap ? 2 * t->cap : 8;
            engine_keep(s->engine, (u64)(cap - t->cap) * sizeof *t->data);
            t->data = mem_realloc(t->data, (size_t)cap * sizeof *t->data);
            t->cap = cap;
        }
        index = ++t->len;
    }
    t->data[index - 1] = h;
    t->live++;
    if (h.kind == HANDLE_ERROR) {
        h.error->references++;
    }
    return index;
}

void canon_handle_remove(struct component_instance *i, u32 index)
{
    struct handle_table *t = &i->handles;
    if (t->data[index - 1].kind == HANDLE_ERROR) {
        canon_error_release(i->store, t->data[index - 1].error);
    }
    const struct canon_store *s = i->store;
    t->data[index - 1] = (struct handle){
        .kind = HANDLE_FREE,
        .next_free = t->free,
        .maker = s->config.track_handles && s->current ? s->current->task->func : NULL,
    };
    t->free = index;
    t->live--;
}

struct canon_error *canon_error_new(struct canon_store *s, str message)
{
    struct canon_error *e = mem_alloc(sizeof *e + message.len);
    engine_keep(s->engine, sizeof *e + message.len);
    char *text = (char *)(e + 1);
    if (message.len) {
        memcpy(text, message.ptr, message.len);
    }
    e->message = str_of(text, message.len);
    LIST_PUSH(s->errors, e, all);
    return e;
}

struct canon_error *canon_error_of_host(struct canon_store *s, str message)
{
    struct canon_error *e = canon_error_new(s, message);
    e->references++;
    return e;
}

void canon_error_release(struct canon_store *s, struct canon_error *e)
{
    if (--e->references) {
        return;
    }
    LIST_REMOVE(s->errors, e, all);
    engine_let_go(s->engine, sizeof *e + e->message.len);
    mem_free(e);
}
