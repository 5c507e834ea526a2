/* run_results.c - prints the result of a call in WAVE and drops its resources. Its streams and futures are read to their
 * ends, all at once, since a guest may give the last one first; each element is a line, as it comes. Where there are
 * several, a line begins with the place of its stream in the result: `.1`, `.name`, `[3]`. */
#include "run_results.h"

#include <errno.h>
#include <stdio.h>

#define CHUNK 1024

static int write_error;

int run_results_error(void)
{
    return write_error;
}

static bool print(const struct buf *b)
{
    if (!write_error &&
        (fwrite(b->data ? b->data : "", 1, b->len, stdout) != b->len || fflush(stdout))) {
        write_error = errno ? errno : EIO;
    }
    return !write_error;
}

/* All that are being read, the newest first. */
struct drains {
    struct canon_store *store;
    struct drain *first;
};

struct drain {
    struct drains *all;
    struct canon_end *end;
    bool is_stream;
    u64 elements;
    char *path; /* NULL or empty: the only one */
    struct drain *next, *previous;
};

static void on_read(void *env, struct canon_end *end, const struct canon_read *r);

static void forget(struct drain *d)
{
    *(d->previous ? &d->previous->next : &d->all->first) = d->next;
    if (d->next) {
        d->next->previous = d->previous;
    }
    mem_free(d->path);
    mem_free(d);
}

static struct drain *add(struct drains *all, const struct canon_value *v, const struct buf *path)
{
    struct drain *d = mem_alloc(sizeof *d);
    *d = (struct drain){.all = all, .end = v->end, .is_stream = v->kind == CANON_T_STREAM};
    if (path) {
        d->path = mem_alloc(path->len + 1);
        memcpy(d->path, path->data ? path->data : "", path->len);
        d->path[path->len] = 0;
    }
    d->next = all->first;
    if (d->next) {
        d->next->previous = d;
    }
    all->first = d;
    return d;
}

static void read_more(struct drain *d)
{
    if (d->is_stream) {
        canon_stream_read(d->end, CHUNK, on_read, d);
    } else {
        canon_future_read(d->end, on_read, d);
    }
}

/* Calls `found` for each stream, future and owned resource in a value, with its place. */
static void each_handle(const struct canon_value *v, const struct canon_type *t, struct buf *path,
                        void (*found)(void *env, const struct canon_value *v, struct buf *path),
                        void *env)
{
    size_t len = path->len;
    switch (t->kind) {
    case CANON_T_STREAM:
    case CANON_T_FUTURE:
    case CANON_T_OWN: found(env, v, path); break;
    case CANON_T_RECORD:
    case CANON_T_TUPLE:
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST:
        for (u32 i = 0; !v->is_bytes && t->has_handle && i < v->count; i++) {
            if (t->kind == CANON_T_RECORD) {
                buf_printf(path, "." STRF, STRA(t->fields[i].name));
            } else {
                buf_printf(path, t->kind == CANON_T_TUPLE ? ".%u" : "[%u]", i);
            }
            each_handle(&v->items[i], t->element ? t->element : t->fields[i].type, path, found,
                        env);
            path->len = len;
        }
        break;
    case CANON_T_MAP:
        for (u32 i = 0; t->has_handle && i < v->count; i++) {
            buf_printf(path, "[%u]", i);
            each_handle(&v->items[i].items[1], t->fields[1].type, path, found, env);
            path->len = len;
        }
        break;
    case CANON_T_VARIANT:
    case CANON_T_OPTION:
    case CANON_T_RESULT:
        if (v->payload) {
            each_handle(v->payload, t->fields[v->index].type, path, found, env);
        }
        break;
    default: break;
    }
}

static bool is_end(const struct canon_value *v)
{
    return v->kind == CANON_T_STREAM || v->kind == CANON_T_FUTURE;
}

static void count(void *env, const struct canon_value *v, struct buf *path)
{
    (void)path;
    *(u32 *)env += is_end(v);
}

static void add_only(void *env, const struct canon_value *v, struct buf *path)
{
    (void)path;
    if (is_end(v)) {
        add(env, v, NULL);
    }
}

static void add_named(void *env, const struct canon_value *v, struct buf *path)
{
    if (is_end(v)) {
        add(env, v, path);
    }
}

/* Once it is printed nobody wants a resource any more: its destructor runs. */
static void drop_owned(void *env, const struct canon_value *v, struct buf *path)
{
    (void)path;
    if (!is_end(v)) {
        canon_resource_drop(env, v->resource, v->rep);
    }
}

/* What came in an element: an end is read from now on. */
static void take_over(void *env, const struct canon_value *v, struct buf *path)
{
    struct drains *all = env;
    if (is_end(v)) {
        read_more(add(all, v, path));
    } else {
        drop_owned(all->store, v, path);
    }
}

static void put_element(struct drain *d, struct buf *out, const struct canon_read *r, u32 i)
{
    const struct canon_type *element = canon_end_element(d->end);
    if (d->path && *d->path) {
        buf_printf(out, "%s: ", d->path);
    }
    if (r->bytes) {
        buf_printf(out, "%u", r->bytes[i]);
    } else if (element && r->values) {
        wave_print(out, &r->values[i], element);
    } else {
        buf_c(out, "()");
    }
    buf_byte(out, '\n');
}

static void on_read(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct drain *d = env;
    struct drains *all = d->all;
    const struct canon_type *element = canon_end_element(end);
    struct arena a = {0};
    struct buf out = buf_in(&a);
    for (u32 i = 0; i < r->count; i++) {
        put_element(d, &out, r, i);
    }
    bool fine = print(&out);
    for (u32 i = 0; r->values && element && i < r->count; i++) {
        struct buf path = buf_in(&a);
        buf_c(&path, d->path ? d->path : "");
        if (d->is_stream) {
            buf_printf(&path, "[%llu]", (unsigned long long)(d->elements + i));
        }
        each_handle(&r->values[i], element, &path, take_over, all);
    }
    d->elements += r->count;
    arena_free(&a);
    if (d->is_stream && !r->closed && fine) {
        read_more(d);
    } else {
        forget(d);
        canon_end_drop(end); /* nobody reads what cannot be written */
    }
}

static bool all_done(void *env)
{
    return !((struct drains *)env)->first;
}

bool run_print_result(struct cli *cli, struct canon_store *store, const struct canon_value *v,
                      const struct canon_type *type)
{
    struct drains all = {.store = store};
    struct buf b = buf_in(&cli->arena), path = buf_in(&cli->arena);
    if (!type) {
        return true;
    }
    if (type->kind != CANON_T_STREAM && type->kind != CANON_T_FUTURE) {
        wave_print(&b, v, type);
        buf_byte(&b, '\n');
        print(&b);
    }
    u32 n = 0;
    each_handle(v, type, &path, count, &n);
    each_handle(v, type, &path, n == 1 ? add_only : add_named, &all);
    /* The newest is first: begin with the oldest, and mind those that end at once or bring others. */
    struct drain *last = all.first;
    while (last && last->next) {
        last = last->next;
    }
    for (struct drain *d = last, *before; d && n; d = before, n--) {
        before = d->previous;
        read_more(d);
    }
    bool fine = canon_store_run_until(store, all_done, &all) != CANON_TRAPPED;
    while (all.first) {
        canon_end_drop(all.first->end);
        forget(all.first);
    }
    if (fine) {
        each_handle(v, type, &path, drop_owned, store);
    }
    return fine;
}
