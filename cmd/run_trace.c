/* run_trace.c - the lines of --trace, one for each event at the boundary of a component: text, or a JSON object each, as the manual
 * page has them. */
#include "run.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>

#define TRACE_VALUE 500 /* bytes of a value, about */

static const char *const event_names[] = {
    [TRACE_LOWER] = "lower",     [TRACE_LIFT] = "lift",     [TRACE_CALL] = "call",
    [TRACE_RETURN] = "return",   [TRACE_CANCEL] = "cancel", [TRACE_BLOCK] = "block",
    [TRACE_RESUME] = "resume",   [TRACE_COPY] = "copy",     [TRACE_DROP] = "drop",
    [TRACE_BUILTIN] = "builtin", [TRACE_TRAP] = "trap",
};

/* ---- Values ------------------------------------------------------------------------------------------- */

static void put_argument(struct buf *b, const struct canon_trace *t, u32 i)
{
    wave_print_some(b, &t->values[i], t->type->params[i].type, TRACE_VALUE);
}

static bool has_result(const struct canon_trace *t)
{
    return t->event == TRACE_RETURN && t->type && t->type->result;
}

static void put_result(struct buf *b, const struct canon_trace *t)
{
    if (t->value_count) {
        wave_print_some(b, &t->values[0], t->type->result, TRACE_VALUE);
    } else {
        buf_c(b, "...");
    }
}

static void put_elements(struct buf *b, const struct canon_trace *t)
{
    const struct canon_type list = {.kind = CANON_T_LIST, .element = t->element};
    struct canon_value all =
        canon_list(CANON_T_LIST, (struct canon_value *)t->values, t->value_count);
    wave_print_some(b, &all, &list, TRACE_VALUE);
    buf_c(b, t->value_count < t->count ? "..." : "");
}

/* ---- Text ------------------------------------------------------------------------------------------------ */

static void put_arguments(struct buf *b, const struct canon_trace *t)
{
    buf_byte(b, '(');
    for (u32 i = 0; i < t->value_count; i++) {
        buf_c(b, i ? ", " : "");
        put_argument(b, t, i);
    }
    buf_c(b, t->value_count < t->type->param_count ? "...)" : ")");
}

/* ` -> READER stream<u8> 3 [1, 2, 3]` */
static void put_copy(struct buf *b, const struct canon_trace *t)
{
    buf_printf(b, " -> " STRF " " STRF " %u", STRA(t->peer.len ? t->peer : STR("host")),
               STRA(t->what), t->count);
    if (t->value_count) {
        buf_byte(b, ' ');
        put_elements(b, t);
    }
}

/* `[TASK] EVENT INSTANCE FUNCTION...`; a call of the host has the task that calls it. */
static void put_text(struct arena *a, struct buf *line, const struct canon_trace *t)
{
    struct buf b = buf_in(a);
    buf_printf(&b, "[%u] %-7s " STRF, t->task ? t->task : t->caller, event_names[t->event],
               STRA(t->instance.len ? t->instance : STR("host")));
    if (t->func.len) {
        buf_printf(&b, " " STRF, STRA(t->func));
    }
    if (t->event == TRACE_COPY) {
        put_copy(&b, t);
    } else if (t->event == TRACE_CALL && t->type) {
        put_arguments(&b, t);
    } else if (has_result(t)) {
        buf_c(&b, " -> ");
        put_result(&b, t);
    }
    if (t->what.len && t->event != TRACE_COPY) {
        buf_printf(&b, " " STRF, STRA(t->what));
    }
    buf_clean(line, buf_view(&b)); /* names are a guest's own words */
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static void add_text(struct arena *a, cJSON *o, const char *name, str text)
{
    if (text.len) {
        cJSON_AddStringToObject(o, name, utf8_to_c(a, text));
    }
}

static void add_number(cJSON *o, const char *name, u32 n)
{
    if (n) {
        cJSON_AddNumberToObject(o, name, n);
    }
}

/* The component instance, or the host. */
static void add_place(struct arena *a, cJSON *o, str instance)
{
    if (instance.len) {
        add_text(a, o, "instance", instance);
    } else {
        cJSON_AddBoolToObject(o, "host", true);
    }
}

static void add_arguments(struct arena *a, cJSON *o, const struct canon_trace *t)
{
    cJSON *list = cJSON_AddArrayToObject(o, "arguments");
    for (u32 i = 0; i < t->value_count; i++) {
        struct buf b = buf_in(a);
        put_argument(&b, t, i);
        cJSON_AddItemToArray(list, cJSON_CreateString(utf8_to_c(a, buf_view(&b))));
    }
    add_number(o, "leftOut", t->type->param_count - t->value_count);
}

static void add_copy(struct arena *a, cJSON *o, const struct canon_trace *t)
{
    struct buf b = buf_in(a);
    add_place(a, cJSON_AddObjectToObject(o, "reader"), t->peer);
    add_text(a, o, "type", t->what);
    cJSON_AddNumberToObject(o, "count", t->count);
    if (t->value_count) {
        put_elements(&b, t);
        add_text(a, o, "elements", buf_view(&b));
    }
}

static void put_json(struct arena *a, struct buf *line, const struct canon_trace *t)
{
    cJSON *o = cJSON_CreateObject();
    struct buf b = buf_in(a);
    cJSON_AddStringToObject(o, "event", event_names[t->event]);
    add_number(o, "task", t->task);
    add_number(o, "caller", t->caller);
    add_place(a, o, t->instance);
    add_text(a, o, "function", t->func);
    if (t->event == TRACE_COPY) {
        add_copy(a, o, t);
    } else {
        add_text(a, o, "what", t->what);
    }
    if (t->event == TRACE_CALL && t->type) {
        add_arguments(a, o, t);
    } else if (has_result(t)) {
        put_result(&b, t);
        add_text(a, o, "result", buf_view(&b));
    }
    char *text = cJSON_PrintUnformatted(o);
    buf_c(line, text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

void run_trace_event(void *trace, const struct canon_trace *t)
{
    struct run_trace *x = trace;
    struct arena a = {0};
    struct buf line = buf_in(&a);
    (x->as_json ? put_json : put_text)(&a, &line, t);
    buf_byte(&line, '\n');
    if (!x->error && (fwrite(line.data, 1, line.len, stderr) != line.len || fflush(stderr))) {
        x->error = errno ? errno : EIO;
    }
    arena_free(&a);
}
