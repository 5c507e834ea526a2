/* streams.c - stream and future ends: two linked ends, a copy whenever both have a buffer. Where the other end is the
 * host's, host_streams.c takes part. */
#include "transfer.h"

static struct canon_end *end_new(struct canon_store *s, bool is_stream, bool is_writable,
                                 const struct canon_type *element, struct component_instance *owner)
{
    struct canon_end *e = canon_pool_get(s, &s->ends_pool);
    e->store = s;
    e->element = element;
    e->is_stream = is_stream;
    e->is_writable = is_writable;
    e->owner = owner;
    LIST_PUSH(s->ends, e, all);
    return e;
}

struct canon_end *canon_ends_new(struct canon_store *s, bool is_stream,
                                 const struct canon_type *element, struct component_instance *owner,
                                 struct canon_end **writable)
{
    struct canon_end *r = end_new(s, is_stream, false, element, owner);
    struct canon_end *w = end_new(s, is_stream, true, element, owner);
    r->other = w;
    w->other = r;
    *writable = w;
    return r;
}

static void not_later(struct canon_end *e)
{
    struct canon_store *s = e->store;
    if (e->late) {
        QUEUE_REMOVE(s->late_ends.first, s->late_ends.last, e, late);
        s->late_ends.count--;
        e->late = LATE_NOTHING;
    }
}

void canon_end_later(struct canon_end *e, enum end_late what)
{
    struct canon_store *s = e->store;
    not_later(e);
    QUEUE_APPEND(s->late_ends.first, s->late_ends.last, e, late);
    s->late_ends.count++;
    e->late = (u8)what;
    e->late_turn = s->late_turn;
}

void canon_end_free(struct canon_end *e)
{
    struct canon_store *s = e->store;
    LIST_REMOVE(s->ends, e, all);
    not_later(e);
    if (e->value_arena) {
        arena_free(e->value_arena);
        mem_free(e->value_arena);
    }
    canon_pool_put(&s->ends_pool, e);
}

const struct canon_type *canon_end_element(const struct canon_end *e)
{
    return e->element;
}

void canon_end_notify(struct canon_end *e, u32 progress)
{
    e->w.progress = progress;
    canon_waitable_set_event(e->store, &e->w);
}

enum { COPY_COMPLETED, COPY_DROPPED, COPY_CANCELLED };

static u32 stream_result(struct canon_end *e)
{
    e->buffer.active = false;
    if (!e->other) {
        e->state = END_DONE;
        return COPY_DROPPED;
    }
    bool cancelled = e->state == END_CANCELLING;
    e->state = END_IDLE;
    return cancelled ? COPY_CANCELLED : COPY_COMPLETED;
}

static u32 future_result(struct canon_end *e)
{
    e->buffer.active = false;
    if (e->w.progress == 1) {
        e->state = END_DONE;
        return COPY_COMPLETED;
    }
    if (!e->other) {
        e->state = END_DONE;
        return COPY_DROPPED;
    }
    e->state = END_IDLE;
    return COPY_CANCELLED;
}

/* stream_event, future_event: computed at delivery. */
struct event canon_end_event(struct canon_end *e)
{
    static const u8 codes[2][2] = {{EVENT_FUTURE_READ, EVENT_FUTURE_WRITE},
                                   {EVENT_STREAM_READ, EVENT_STREAM_WRITE}};
    u32 progress = e->w.progress;
    u32 result = e->is_stream ? stream_result(e) | progress << 4 : future_result(e);
    return (struct event){codes[e->is_stream][e->is_writable], e->index, result};
}

/* ---- Copying ---------------------------------------------------------------------------------------- */

static bool copy_plain(struct buffer *from, struct buffer *to, const struct canon_type *t, u32 n)
{
    u64 size = t->size[0];
    u64 bytes = n * size;
    if (!canon_goes_on(from->inst->store, from->inst, bytes / TURN_BYTES)) {
        return false;
    }
    u8 *src = engine_memory_data(from->opts->memory) + from->ptr + from->progress * size;
    u8 *dst = engine_memory_data(to->opts->memory) + to->ptr + to->progress * size;
    return canon_move(from->inst, dst, src, bytes, t->kind);
}

bool canon_copy_elements(struct buffer *from, struct buffer *to, const struct canon_type *t, u32 n)
{
    bool fine =
        !t || (t->is_plain ? copy_plain(from, to, t, n) : canon_pass_elements(from, to, t, n));
    from->progress += n;
    to->progress += n;
    return fine;
}

static bool none_or_number(const struct canon_type *t)
{
    return !t || kind_is_number(t->kind);
}

/* Both ends have room and elements. */
static bool copy_between(struct canon_end *e, struct buffer *mine)
{
    struct canon_end *o = e->other;
    struct canon_store *s = e->store;
    if (e->owner && e->owner == o->owner && !none_or_number(e->element)) {
        return canon_fail(
            s, e->owner,
            "cannot read from and write to intra-component %s with non-numeric payload",
            e->is_stream ? "stream" : "future");
    }
    u32 a = buffer_remain(mine), b = buffer_remain(&o->buffer);
    u32 n = a < b ? a : b;
    bool fine = e->is_writable ? canon_copy_elements(mine, &o->buffer, e->element, n)
                               : canon_copy_elements(&o->buffer, mine, e->element, n);
    if (!fine) {
        return false;
    }
    if (s->config.trace) {
        canon_trace_copy(e, n);
    }
    canon_end_notify(e, mine->progress);
    canon_end_notify(o, o->buffer.progress);
    if (buffer_remain(&o->buffer) == 0) {
        o->buffer.active = false;
    }
    return true;
}

/* End.copy for a guest's end. */
bool canon_end_copy(struct canon_end *e, struct buffer mine)
{
    struct canon_end *o = e->other;
    e->state = END_COPYING;
    mine.active = true;
    if (!o) {
        return true; /* the event of the drop is pending */
    }
    if (!o->owner) {
        e->buffer = mine;
        return canon_host_peer_copy(e);
    }
    if (!o->buffer.active || o->owner->root->locked) {
        e->buffer = mine;
        return true;
    }
    u32 a = buffer_remain(&mine), b = buffer_remain(&o->buffer);
    if (a && b) {
        return copy_between(e, &mine);
    }
    if (a || (!e->is_writable && !b)) {
        canon_end_notify(o, 0);
        o->buffer.active = false;
        e->buffer = mine;
    } else {
        canon_end_notify(e, 0);
    }
    return true;
}

bool canon_end_cancel(struct canon_end *e)
{
    struct canon_store *s = e->store;
    struct canon_end *o = e->other;
    e->state = END_CANCELLING;
    if (!e->w.pending) {
        bool host = o && !o->owner;
        if (host && canon_choose(s, CHOICE_HOST_CANCEL, 2) == 1) {
            canon_end_later(e, LATE_CANCEL);
        } else {
            canon_end_notify(e, 0);
            e->buffer.active = false;
        }
        if (host) {
            canon_host_peer_cancelled(o);
        }
    }
    return !s->failed;
}

bool canon_late_ends(struct canon_store *s)
{
    if (!s->late_ends.first) {
        return false;
    }
    if (!canon_burn(s, NULL, s->late_ends.count)) { /* hosts among themselves never end */
        return true;
    }
    s->late_turn++;
    for (struct canon_end *e;
         !s->failed && (e = s->late_ends.first) != NULL && e->late_turn != s->late_turn;) {
        bool is_read = e->late == LATE_READ;
        not_later(e);
        if (is_read) {
            canon_host_progress(e);
        } else if (e->state == END_CANCELLING && !e->w.pending) {
            canon_end_notify(e, 0);
        }
    }
    return true;
}

/* End.drop, and the end is no more. */
bool canon_end_release(struct canon_end *e)
{
    struct canon_store *s = e->store;
    struct canon_end *o = e->other;
    if (s->config.trace) {
        canon_trace_drop(e);
    }
    if (o) {
        e->other = NULL;
        o->other = NULL;
        if (!o->owner) {
            canon_host_peer_dropped(o);
        } else if (o->state != END_DONE && !o->w.pending) {
            canon_end_notify(o, 0);
        }
    }
    canon_waitable_join(s, &e->w, NULL);
    canon_end_free(e);
    return !s->failed;
}

/* The buffer of e meets that of the new other end. */
static bool recopy(struct canon_end *e)
{
    struct buffer b = e->buffer;
    e->buffer.active = false;
    return canon_end_copy(e, b);
}

bool canon_end_forward(struct canon_end *src, struct canon_end *dst)
{
    if (src->other == dst || !src->other || !dst->other) {
        bool fine = canon_end_release(src);
        return canon_end_release(dst) && fine;
    }
    struct canon_end *w = src->other, *r = dst->other;
    w->other = r;
    r->other = w;
    canon_end_free(src);
    canon_end_free(dst);
    if (!w->owner && !r->owner) {
        return canon_host_linked(r);
    }
    if (!w->owner || !r->owner) {
        struct canon_end *guest = w->owner ? w : r;
        return !guest->buffer.active || canon_host_peer_copy(guest);
    }
    if (w->buffer.active && r->buffer.active) {
        return recopy(buffer_remain(&r->buffer) > buffer_remain(&w->buffer) ? w : r);
    }
    return true;
}
