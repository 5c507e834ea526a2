/* host_streams.c - the host's ends of streams and futures. A host's write moves at once or not at all, so only reads of
 * the host are ever pending. */
#include "transfer.h"

static u32 chunk(struct canon_store *s, u32 n)
{
    u32 limit = canon_choose(s, CHOICE_HOST_CHUNK, n < 16 ? n : 16);
    return limit && limit < n ? limit : n;
}

static bool is_byte(const struct canon_type *t)
{
    return t && t->kind == CANON_T_U8;
}

/* What a copy between a guest and the host costs the guest: a turn for each value, and for each KiB of bytes. */
static bool pay(const struct buffer *b, const struct canon_type *t, u32 n)
{
    u64 turns = !t ? 0 : is_byte(t) ? n / TURN_BYTES : n;
    return canon_goes_on(b->inst->store, b->inst, turns);
}

/* ---- The host reads ---------------------------------------------------------------------------------- */

/* Runs the callback of a pending read. */
static void deliver(struct canon_end *r, const struct canon_read *what)
{
    canon_read_fn *fn = r->read_fn;
    r->read_fn = NULL;
    fn(r->read_env, r, what);
}

/* Takes elements from the guest's write that is pending at w. */
static bool take_from_guest(struct canon_end *r, struct canon_end *w)
{
    struct canon_store *s = r->store;
    struct buffer *b = &w->buffer;
    const struct canon_type *t = r->element;
    if (buffer_remain(b) == 0) { /* a write of nothing only asks whether somebody reads */
        b->active = false;
        canon_end_notify(w, 0);
        return true;
    }
    u32 n = buffer_remain(b) < r->buffer.length ? buffer_remain(b) : r->buffer.length;
    n = chunk(s, n);
    struct canon_read read = {.count = n};
    struct arena *scratch = canon_scratch_enter(s);
    bool fine = pay(b, t, n);
    if (t && fine) {
        u64 at = b->ptr + (u64)b->progress * t->size[b->opts->p];
        struct cx cx = canon_cx(s, b->opts, b->inst);
        cx.arena = scratch;
        if (is_byte(t)) {
            read.bytes = cx.mem + at;
        } else {
            struct canon_value *values = arena_array(scratch, struct canon_value, n);
            fine = canon_load_list_valid(&cx, at, n, t, values);
            read.values = values;
        }
    }
    if (fine) {
        b->progress += n;
        if (s->config.trace) {
            canon_trace_copy(w, n);
        }
        canon_end_notify(w, b->progress);
        if (buffer_remain(b) == 0) {
            b->active = false;
        }
        deliver(r, &read);
    }
    canon_scratch_leave(s);
    return fine;
}

static void give_value(struct canon_end *w);

/* A source that always has more may give so often in one turn: guests want theirs, and interrupts are looked at in between. */
#define SOURCE_MAX 16

bool canon_host_progress(struct canon_end *r)
{
    if (r->delivering) {
        return true; /* the loop below, further up the stack, goes on */
    }
    r->delivering = true;
    bool fine = true;
    u32 given = 0;
    while (fine && r->read_fn && !r->dropped) {
        struct canon_end *w = r->other;
        if (!w) {
            deliver(r, &(struct canon_read){.closed = true});
            break;
        }
        if (w->owner) {
            if (!w->buffer.active || w->owner->root->locked) {
                break;
            }
            fine = take_from_guest(r, w);
        } else if (w->has_value) {
            give_value(w);
        } else if (w->source && w->source->wanted && !w->wanting) {
            if (given++ == SOURCE_MAX) {
                canon_end_later(r, LATE_READ);
                break;
            }
            w->wanting = true;
            w->source->wanted(w->env, w, r->buffer.length);
            if (r->other == w && w->wanting) {
                break; /* the answer comes later */
            }
        } else {
            break;
        }
    }
    r->delivering = false;
    if (r->dropped) {
        canon_end_release(r);
    }
    return fine;
}

void canon_stream_read(struct canon_end *r, u32 max, canon_read_fn *fn, void *env)
{
    r->read_fn = fn;
    r->read_env = env;
    r->buffer.length = max ? max : 1;
    canon_host_progress(r);
}

void canon_future_read(struct canon_end *r, canon_read_fn *fn, void *env)
{
    canon_stream_read(r, 1, fn, env);
}

void canon_end_drop(struct canon_end *r)
{
    r->read_fn = NULL;
    if (r->delivering) {
        r->dropped = true;
    } else {
        canon_end_release(r);
    }
}

/* ---- The host writes ------------------------------------------------------------------------------------ */

static struct canon_end *host_new(struct canon_store *s, bool is_stream,
                                  const struct canon_type *element,
                                  const struct canon_source *source, void *env,
                                  struct canon_end **writable)
{
    struct canon_end *r = canon_ends_new(s, is_stream, element, NULL, writable);
    (*writable)->source = source;
    (*writable)->env = env;
    return r;
}

struct canon_end *canon_stream_new(struct canon_store *s, const struct canon_type *element,
                                   const struct canon_source *source, void *env,
                                   struct canon_end **writable)
{
    return host_new(s, true, element, source, env, writable);
}

struct canon_end *canon_future_new(struct canon_store *s, const struct canon_type *element,
                                   const struct canon_source *source, void *env,
                                   struct canon_end **writable)
{
    return host_new(s, false, element, source, env, writable);
}

/* The host's writable end is done: its source hears of it, and it is no more. */
static void finish(struct canon_end *w)
{
    const struct canon_source *source = w->source;
    if (source && source->dropped) {
        source->dropped(w->env, w);
    }
    canon_end_free(w);
}

/* Elements into the buffer of a guest's read. */
static bool put_into_guest(struct canon_end *r, const struct canon_value *values, const void *bytes,
                           u32 n)
{
    struct canon_store *s = r->store;
    struct buffer *b = &r->buffer;
    const struct canon_type *t = r->element;
    if (!pay(b, t, n)) {
        return false;
    }
    if (t) {
        u64 at = b->ptr + (u64)b->progress * t->size[b->opts->p];
        struct cx cx = canon_cx(s, b->opts, b->inst);
        cx.host_values = true;
        if (bytes) {
            memcpy(cx.mem + at, bytes, n); /* as much as the host gave at once */
        } else {
            for (u32 i = 0; i < n; i++) {
                str why;
                struct arena *scratch = canon_scratch_enter(s);
                bool fits = values && canon_value_check(&values[i], t, scratch, &why);
                canon_scratch_leave(s);
                if (!fits) {
                    return canon_fail(s, NULL, "a host wrote an unfit value");
                }
                if (!canon_lower_value(&cx, &values[i], t, at + (u64)i * t->size[b->opts->p],
                                       b->opts->p)) {
                    return false;
                }
            }
        }
    }
    b->progress += n;
    if (s->config.trace) {
        canon_trace_copy(r, n);
    }
    canon_end_notify(r, b->progress);
    if (buffer_remain(b) == 0) {
        b->active = false;
    }
    return true;
}

static u32 write_to_guest(struct canon_end *r, const struct canon_value *values, const void *bytes,
                          u32 n)
{
    struct buffer *b = &r->buffer;
    if (!b->active || r->owner->root->locked) {
        return 0;
    }
    u32 room = buffer_remain(b);
    if (room == 0) { /* it only wanted to know */
        b->active = false;
        canon_end_notify(r, 0);
        return 0;
    }
    if (n == 0) {
        return 0;
    }
    n = chunk(r->store, n < room ? n : room);
    return put_into_guest(r, values, bytes, n) ? n : 0;
}

static u32 host_write(struct canon_end *w, const struct canon_value *values, const void *bytes,
                      u32 n)
{
    struct canon_end *r = w->other;
    w->wanting = false;
    if (!r) {
        return 0;
    }
    if (r->owner) {
        u32 taken = write_to_guest(r, values, bytes, n);
        w->wanting = r->buffer.active && n == 0;
        return taken;
    }
    if (!r->read_fn || n == 0) {
        w->wanting = n == 0;
        return 0;
    }
    n = n < r->buffer.length ? n : r->buffer.length;
    bool outermost = !r->delivering;
    r->delivering = true;
    deliver(r, &(struct canon_read){.values = values, .bytes = bytes, .count = n});
    if (outermost) { /* what the reader does next comes once the writer knows what was taken */
        r->delivering = false;
        canon_end_later(r, LATE_READ);
    }
    return n;
}

u32 canon_stream_write(struct canon_end *w, const struct canon_value *values, u32 n)
{
    if (!is_byte(w->element)) {
        return host_write(w, values, NULL, n);
    }
    /* Bytes given as values. */
    struct canon_store *s = w->store;
    struct arena *scratch = canon_scratch_enter(s);
    u8 *bytes = arena_alloc(scratch, n);
    for (u32 i = 0; i < n; i++) {
        bytes[i] = (u8)values[i].u;
    }
    u32 taken = host_write(w, NULL, bytes, n);
    canon_scratch_leave(s);
    return taken;
}

u32 canon_stream_write_bytes(struct canon_end *w, const void *bytes, u32 n)
{
    return is_byte(w->element) ? host_write(w, NULL, bytes, n) : 0;
}

void canon_stream_close(struct canon_end *w)
{
    struct canon_end *r = w->other;
    w->other = NULL;
    if (r) {
        r->other = NULL;
        if (r->state != END_DONE && !r->w.pending) {
            canon_end_notify(r, 0); /* for the guest that has it, or will have it */
        }
        if (!r->owner && r->read_fn && !r->delivering) {
            canon_host_progress(r);
        }
    }
    finish(w);
}

/* Hands the value of a resolved future over; the reader waits for it. */
static void give_value(struct canon_end *w)
{
    struct canon_end *r = w->other;
    const struct canon_value *value = w->element ? &w->value : NULL;
    if (r->owner && (r->owner->root->locked || !put_into_guest(r, value, NULL, 1))) {
        return;
    }
    /* Not a drop: the reader has its value and hears nothing more. */
    w->other = NULL;
    r->other = NULL;
    if (r->owner) {
        finish(w);
        return;
    }
    bool outermost = !r->delivering;
    r->delivering = true;
    deliver(r, &(struct canon_read){.values = value, .count = 1});
    finish(w);
    if (outermost) {
        r->delivering = false;
        canon_host_progress(r);
    }
}

void canon_future_resolve(struct canon_end *w, const struct canon_value *value)
{
    struct canon_end *r = w->other;
    if (w->has_value || !r) {
        return;
    }
    w->wanting = false;
    w->has_value = true;
    if (w->element) {
        w->value_arena = mem_alloc(sizeof *w->value_arena);
        canon_value_copy(w->value_arena, value, &w->value);
    }
    bool waits = r->owner ? r->buffer.active : r->read_fn != NULL;
    if (waits) {
        give_value(w);
    }
}

/* ---- What guests do at the other end -------------------------------------------------------------------- */

/* A guest's end has a buffer now and the host the other one. */
bool canon_host_peer_copy(struct canon_end *guest)
{
    struct canon_store *s = guest->store;
    struct canon_end *host = guest->other;
    if (!host->is_writable) {
        return canon_host_progress(host) && !s->failed;
    }
    if (host->has_value) {
        give_value(host);
    } else if (host->source && host->source->wanted && !host->wanting) {
        host->wanting = true;
        host->source->wanted(host->env, host, buffer_remain(&guest->buffer));
    }
    return !s->failed;
}

bool canon_host_linked(struct canon_end *r)
{
    return canon_host_progress(r) && !r->store->failed;
}

void canon_host_peer_dropped(struct canon_end *host)
{
    if (host->is_writable) {
        finish(host);
        return;
    }
    if (!host->w.pending) {
        canon_end_notify(host, 0); /* for a guest that gets it yet */
    }
    if (host->read_fn) {
        canon_host_progress(host);
    }
}

void canon_host_peer_cancelled(struct canon_end *host)
{
    if (host->is_writable) {
        host->wanting = false;
        if (host->source && host->source->cancelled) {
            host->source->cancelled(host->env, host);
        }
    }
}
