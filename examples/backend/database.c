/* database.c - the database: a table in memory behind a delay.
 *
 * `query` is an async export with a callback: it starts a wait on the clock, gives control back, and is called again when
 * the time has passed. What it must remember until then is in memory of its own, found through the task's context. */
#include "db_provider.h"

#include <stdlib.h>
#include <string.h>

#define DELAY 20000000 /* nanoseconds */

typedef exports_myapp_backend_database_row_t row;
typedef exports_myapp_backend_database_result_list_row_string_t answer;

static const struct {
    const char *key, *name;
} table[] = {
    {"user:1", "Ada Lovelace"},
    {"user:2", "Grace Hopper"},
    {"user:3", "Mary Kenneth Keller"},
};
#define TABLE_LENGTH (sizeof table / sizeof table[0])

struct query {
    db_provider_string_t sql;
    db_provider_waitable_set_t set;
};

static bool matches(const char *text, const uint8_t *bytes, size_t len)
{
    return strlen(text) == len && memcmp(text, bytes, len) == 0;
}

/* All the SQL that is understood: the rows whose key is the text between single quotes. */
static answer look_up(const db_provider_string_t *sql)
{
    answer a = {.is_err = false};
    size_t from = 0, to;
    while (from < sql->len && sql->ptr[from] != '\'')
        from++;
    for (to = from + 1; to < sql->len && sql->ptr[to] != '\'';)
        to++;
    if (to >= sql->len) {
        a.is_err = true;
        db_provider_string_dup(&a.val.err, "no key between single quotes");
        return a;
    }
    a.val.ok.ptr = NULL;
    a.val.ok.len = 0;
    for (uint32_t i = 0; i < TABLE_LENGTH; i++) {
        if (!matches(table[i].key, sql->ptr + from + 1, to - from - 1))
            continue;
        row *r = malloc(sizeof *r);
        if (!r)
            abort();
        r->id = i + 1;
        db_provider_string_dup(&r->key, table[i].key);
        db_provider_string_dup(&r->name, table[i].name);
        a.val.ok.ptr = r;
        a.val.ok.len = 1;
        break;
    }
    return a;
}

static db_provider_callback_code_t finish(struct query *q)
{
    answer a = look_up(&q->sql);
    exports_myapp_backend_database_query_return(a);
    exports_myapp_backend_database_result_list_row_string_free(&a);
    db_provider_string_free(&q->sql);
    db_provider_waitable_set_drop(q->set);
    free(q);
    return DB_PROVIDER_CALLBACK_CODE_EXIT;
}

db_provider_callback_code_t exports_myapp_backend_database_query(db_provider_string_t *sql)
{
    struct query *q = malloc(sizeof *q);
    if (!q)
        abort();
    q->sql = *sql; /* the memory is ours; the structure around it is not */
    q->set = db_provider_waitable_set_new();
    db_provider_subtask_status_t status = wasi_clocks_monotonic_clock_wait_for(DELAY);
    if (DB_PROVIDER_SUBTASK_STATE(status) == DB_PROVIDER_SUBTASK_RETURNED)
        return finish(q);
    db_provider_waitable_join(DB_PROVIDER_SUBTASK_HANDLE(status), q->set);
    db_provider_context_set_0(q);
    return DB_PROVIDER_CALLBACK_CODE_WAIT(q->set);
}

db_provider_callback_code_t exports_myapp_backend_database_query_callback(
    db_provider_event_t *event)
{
    struct query *q = db_provider_context_get_0();
    if (event->event != DB_PROVIDER_EVENT_SUBTASK ||
        DB_PROVIDER_SUBTASK_STATE(event->code) != DB_PROVIDER_SUBTASK_RETURNED)
        return DB_PROVIDER_CALLBACK_CODE_WAIT(q->set);
    db_provider_subtask_drop(event->waitable);
    return finish(q);
}
