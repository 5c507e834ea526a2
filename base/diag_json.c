/* diag_json.c - diagnostics for programs: one JSON object for each, a line each.
 *
 *     {"severity": "error", "code": "wit-unknown-type", "message": "...",
 *      "spans": [{"file": "a.wit", "start": 40, "end": 45, "line": 4, "column": 12, "primary": true,
 *                 "label": "..."}],
 *      "notes": [{"kind": "help", "text": "..."}],
 *      "frames": [{"function": "_RNvC1a4deep", "demangled": "a::deep", "index": 3, "instance": "root/inner", "offset": 75,
 *                  "places": [{"function": "inlined", "file": "a.c", "line": 3, "column": 5}]}]}
 *
 * Only traps have frames, innermost first; {"leftOut": 100} stands for so many that are not told. A deadlock has
 *
 *      "waits": [{"task": 1, "instance": "root/a", "function": "f", "lift": "async callback",
 *                 "caller": {"task": 2, "instance": "root", "function": "g", "lower": "async"},
 *                 "on": {"kind": "set", "index": 1, "members": [
 *                     {"kind": "subtask", "index": 2, "function": "h", "state": "started", "cancellationRequested": true},
 *                     {"kind": "stream", "index": 3, "end": "readable", "peer": {"instance": "root/b", "index": 1}}]},
 *                 "what": "waits for ...", "for": [1], "cycle": true}]
 *
 * where `for` counts from 0 in this list; what has no task is the host, or an end that nobody uses. The manual page of `witc run` has
 * all members. What --leaks finds has
 *
 *      "leak": {"instance": "root/a", "what": "waitable set", "handle": 1, "count": 3, "madeBy": {"instance": "root/a", "function": "f"}}
 */
#include "diag_internal.h"

#include <cjson/cJSON.h>

static void add_span(struct diags *d, cJSON *spans, span at, str label, bool primary)
{
    struct source *s = sources_get(d->sources, at.source);
    if (!s) {
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "file", utf8_to_c(d->arena, s->path));
    cJSON_AddNumberToObject(o, "start", at.start);
    cJSON_AddNumberToObject(o, "end", at.end);
    if (s->kind == SOURCE_TEXT) {
        u32 line, column;
        source_locate(d->sources, at.source, at.start, &line, &column);
        cJSON_AddNumberToObject(o, "line", line);
        cJSON_AddNumberToObject(o, "column", column);
    }
    cJSON_AddBoolToObject(o, "primary", primary);
    if (label.len) {
        cJSON_AddStringToObject(o, "label", utf8_to_c(d->arena, label));
    }
    cJSON_AddItemToArray(spans, o);
}

static void add_text(struct diags *d, cJSON *o, const char *name, str text)
{
    if (text.len) {
        cJSON_AddStringToObject(o, name, utf8_to_c(d->arena, text));
    }
}

static void add_frame(struct diags *d, cJSON *frames, const struct diag_frame *f)
{
    cJSON *o = cJSON_CreateObject();
    if (f->left_out) {
        cJSON_AddNumberToObject(o, "leftOut", f->left_out);
        cJSON_AddItemToArray(frames, o);
        o = cJSON_CreateObject();
    }
    cJSON_AddItemToArray(frames, o);
    add_text(d, o, "function", f->func);
    add_text(d, o, "demangled", f->demangled);
    add_text(d, o, "instance", f->instance);
    if (f->no_code) {
        if (!f->instance.len) {
            cJSON_AddBoolToObject(o, "host", true);
        }
        return;
    }
    cJSON_AddNumberToObject(o, "index", f->index);
    cJSON_AddNumberToObject(o, "offset", f->offset);
    cJSON *places = f->place_count ? cJSON_AddArrayToObject(o, "places") : NULL;
    for (u32 i = 0; i < f->place_count; i++) {
        const struct diag_place *p = &f->places[i];
        cJSON *place = cJSON_CreateObject();
        add_text(d, place, "function", p->func);
        add_text(d, place, "file", p->file);
        if (p->line) {
            cJSON_AddNumberToObject(place, "line", p->line);
        }
        if (p->line && p->column) {
            cJSON_AddNumberToObject(place, "column", p->column);
        }
        cJSON_AddItemToArray(places, place);
    }
}

static void add_party(struct diags *d, cJSON *o, const struct diag_party *p)
{
    if (!p->task) {
        cJSON_AddBoolToObject(o, "host", true);
        return;
    }
    cJSON_AddNumberToObject(o, "task", p->task);
    add_text(d, o, "instance", p->instance);
    add_text(d, o, "function", p->func);
}

/* How a task came to be, and where it stands. */
static void add_task(struct diags *d, cJSON *o, const struct diag_wait *w)
{
    add_text(d, o, "lift", w->lift);
    cJSON *caller = cJSON_AddObjectToObject(o, "caller");
    add_party(d, caller, &w->caller);
    if (w->caller.task) {
        cJSON_AddStringToObject(caller, "lower", w->is_async_call ? "async" : "sync");
    }
    add_text(d, o, "cancel", w->cancel);
    if (w->thread) {
        cJSON_AddNumberToObject(o, "thread", w->thread);
    }
    add_text(d, o, "core", w->core);
}

static void add_index(cJSON *o, u32 index)
{
    if (index) {
        cJSON_AddNumberToObject(o, "index", index);
    }
}

static void add_peer(struct diags *d, cJSON *o, const struct diag_awaited *on)
{
    if (on->is_dropped) {
        cJSON_AddBoolToObject(o, "dropped", true);
    } else if (on->is_host) {
        cJSON_AddBoolToObject(o, "host", true);
    } else {
        add_text(d, o, "instance", on->instance);
        add_index(o, on->peer);
    }
}

static void add_awaited(struct diags *d, cJSON *o, const struct diag_awaited *on)
{
    static const char *const names[] = {
        [AWAIT_TURN] = "turn",
        [AWAIT_GATE] = "gate",
        [AWAIT_LOCK] = "lock",
        [AWAIT_RESUME] = "suspended",
        [AWAIT_SET] = "set",
        [AWAIT_SUBTASK] = "subtask",
        [AWAIT_END] = NULL,
        [AWAIT_HOST_CALL] = "host-call",
        [AWAIT_HOST_END] = "host-end",
        [AWAIT_PEER] = "guest-end",
        [AWAIT_NOBODY] = "unused-end",
    };
    const char *carrier = on->is_stream ? "stream" : "future";
    bool is_of_guest = on->kind == AWAIT_PEER || on->kind == AWAIT_NOBODY;
    cJSON_AddStringToObject(o, "kind", names[on->kind] ? names[on->kind] : carrier);
    if (on->kind == AWAIT_HOST_END || is_of_guest) {
        cJSON_AddStringToObject(o, "of", carrier);
    }
    add_index(o, on->index);
    add_text(d, o, "function", on->func);
    if (on->kind == AWAIT_SUBTASK) {
        cJSON_AddStringToObject(o, "state", on->has_started ? "started" : "starting");
        cJSON_AddBoolToObject(o, "cancellationRequested", on->is_asked_to_cancel);
    }
    if (on->kind == AWAIT_END || is_of_guest) {
        cJSON_AddStringToObject(o, "end", on->is_writable ? "writable" : "readable");
    }
    if (is_of_guest) {
        add_text(d, o, "instance", on->instance);
    }
    if (on->kind == AWAIT_END || on->is_host) {
        add_peer(d, cJSON_AddObjectToObject(o, "peer"), on);
    }
}

/* What is known of a gate, a lock and a set besides. */
static void add_more(struct diags *d, cJSON *o, const struct diag_wait *w)
{
    if (w->backpressure) {
        cJSON *b = cJSON_AddObjectToObject(o, "backpressure");
        cJSON_AddNumberToObject(b, "count", w->backpressure);
        if (w->raiser.task) {
            add_party(d, cJSON_AddObjectToObject(b, "holder"), &w->raiser);
            cJSON_AddBoolToObject(b, "ended", w->raiser_has_ended);
        }
    }
    if (w->holder.task) {
        cJSON *lock = cJSON_AddObjectToObject(o, "lock");
        add_party(d, cJSON_AddObjectToObject(lock, "holder"), &w->holder);
    }
    cJSON *members = w->on.kind == AWAIT_SET ? cJSON_AddArrayToObject(o, "members") : NULL;
    for (u32 i = 0; i < w->member_count; i++) {
        cJSON *m = cJSON_CreateObject();
        add_awaited(d, m, &w->members[i]);
        cJSON_AddItemToArray(members, m);
    }
    if (w->members_left_out) {
        cJSON_AddNumberToObject(o, "leftOut", w->members_left_out);
    }
}

static void add_wait(struct diags *d, cJSON *waits, const struct diag_wait *w)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(waits, o);
    if (w->task) {
        cJSON_AddNumberToObject(o, "task", w->task);
    }
    add_text(d, o, "instance", w->instance);
    add_text(d, o, "function", w->func);
    if (w->lift.len) {
        add_task(d, o, w);
    }
    cJSON *on = cJSON_AddObjectToObject(o, "on");
    add_awaited(d, on, &w->on);
    add_more(d, on, w);
    add_text(d, o, "what", w->what);
    cJSON *list = cJSON_AddArrayToObject(o, "for");
    for (u32 i = 0; i < w->count; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateNumber(w->waits_for[i]));
    }
    cJSON_AddBoolToObject(o, "cycle", w->in_cycle);
}

static void add_leak(struct diags *d, cJSON *o, const struct diag_leak *l)
{
    add_text(d, o, "instance", l->instance);
    add_text(d, o, "what", l->what);
    if (l->handle) {
        cJSON_AddNumberToObject(o, "handle", l->handle);
    }
    cJSON_AddNumberToObject(o, "count", l->count);
    if (l->maker.len || l->maker_instance.len) {
        cJSON *maker = cJSON_AddObjectToObject(o, "madeBy");
        add_text(d, maker, "instance", l->maker_instance);
        add_text(d, maker, "function", l->maker);
    }
}

static cJSON *to_json(struct diags *d, const struct diag *x)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "severity", x->severity == SEVERITY_ERROR ? "error" : "warning");
    if (x->code) {
        cJSON_AddStringToObject(o, "code", x->code);
    }
    cJSON_AddStringToObject(o, "message", utf8_to_c(d->arena, x->message));
    cJSON *spans = cJSON_AddArrayToObject(o, "spans");
    add_span(d, spans, x->at, x->label, true);
    for (u32 i = 0; i < x->labels.len; i++) {
        add_span(d, spans, x->labels.data[i].at, x->labels.data[i].text, false);
    }
    cJSON *notes = cJSON_AddArrayToObject(o, "notes");
    for (u32 i = 0; i < x->notes.len; i++) {
        cJSON *n = cJSON_CreateObject();
        cJSON_AddStringToObject(n, "kind", x->notes.data[i].help ? "help" : "note");
        cJSON_AddStringToObject(n, "text", utf8_to_c(d->arena, x->notes.data[i].text));
        cJSON_AddItemToArray(notes, n);
    }
    cJSON *frames = x->frames.len ? cJSON_AddArrayToObject(o, "frames") : NULL;
    for (u32 i = 0; i < x->frames.len; i++) {
        add_frame(d, frames, &x->frames.data[i]);
    }
    cJSON *waits = x->waits.len ? cJSON_AddArrayToObject(o, "waits") : NULL;
    for (u32 i = 0; i < x->waits.len; i++) {
        add_wait(d, waits, &x->waits.data[i]);
    }
    if (x->leak) {
        add_leak(d, cJSON_AddObjectToObject(o, "leak"), x->leak);
    }
    return o;
}

void diags_render_json(struct diags *d, struct buf *out)
{
    for (u32 i = 0; i < d->list.len; i++) {
        cJSON *o = to_json(d, d->list.data[i]);
        char *text = cJSON_PrintUnformatted(o);
        if (text) {
            buf_c(out, text);
            buf_byte(out, '\n');
        }
        cJSON_free(text);
        cJSON_Delete(o);
    }
}
