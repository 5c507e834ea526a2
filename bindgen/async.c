/* async.c - the helpers of async worlds: subtasks, waitable sets, streams, futures, threads. */
#include "gen.h"

/* ---- The helper block ------------------------------------------------------------------------------ */

/* $0: the world in snake case, $1: in capitals. */
static const char header_block[] =
    "\n"
    "typedef uint32_t $0_subtask_status_t;\n"
    "typedef uint32_t $0_subtask_t;\n"
    "#define $1_SUBTASK_STATE(status) (($0_subtask_state_t) ((status) & 0xf))\n"
    "#define $1_SUBTASK_HANDLE(status) (($0_subtask_t) ((status) >> 4))\n"
    "\n"
    "typedef enum $0_subtask_state {\n"
    "  $1_SUBTASK_STARTING,\n"
    "  $1_SUBTASK_STARTED,\n"
    "  $1_SUBTASK_RETURNED,\n"
    "  $1_SUBTASK_STARTED_CANCELLED,\n"
    "  $1_SUBTASK_RETURNED_CANCELLED,\n"
    "} $0_subtask_state_t;\n"
    "\n"
    "$0_subtask_status_t $0_subtask_cancel($0_subtask_t subtask);\n"
    "void $0_subtask_drop($0_subtask_t subtask);\n"
    "\n"
    "typedef uint32_t $0_callback_code_t;\n"
    "#define $1_CALLBACK_CODE_EXIT 0\n"
    "#define $1_CALLBACK_CODE_YIELD 1\n"
    "#define $1_CALLBACK_CODE_WAIT(set) (2 | ((set) << 4))\n"
    "\n"
    "typedef enum $0_event_code {\n"
    "  $1_EVENT_NONE,\n"
    "  $1_EVENT_SUBTASK,\n"
    "  $1_EVENT_STREAM_READ,\n"
    "  $1_EVENT_STREAM_WRITE,\n"
    "  $1_EVENT_FUTURE_READ,\n"
    "  $1_EVENT_FUTURE_WRITE,\n"
    "  $1_EVENT_CANCEL,\n"
    "} $0_event_code_t;\n"
    "\n"
    "typedef struct $0_event {\n"
    "  $0_event_code_t event;\n"
    "  uint32_t waitable;\n"
    "  uint32_t code;\n"
    "} $0_event_t;\n"
    "\n"
    "typedef uint32_t $0_waitable_set_t;\n"
    "$0_waitable_set_t $0_waitable_set_new(void);\n"
    "void $0_waitable_join(uint32_t waitable, $0_waitable_set_t set);\n"
    "void $0_waitable_set_drop($0_waitable_set_t set);\n"
    "void $0_waitable_set_wait($0_waitable_set_t set, $0_event_t *event);\n"
    "void $0_waitable_set_poll($0_waitable_set_t set, $0_event_t *event);\n"
    "\n"
    "void $0_task_cancel(void);\n"
    "\n"
    "typedef uint32_t $0_waitable_status_t;\n"
    "#define $1_WAITABLE_STATE(status) (($0_waitable_state_t) ((status) & 0xf))\n"
    "#define $1_WAITABLE_COUNT(status) ((uint32_t) ((status) >> 4))\n"
    "#define $1_WAITABLE_STATUS_BLOCKED (($0_waitable_status_t) -1)\n"
    "\n"
    "typedef enum $0_waitable_state {\n"
    "  $1_WAITABLE_COMPLETED,\n"
    "  $1_WAITABLE_DROPPED,\n"
    "  $1_WAITABLE_CANCELLED,\n"
    "} $0_waitable_state_t;\n"
    "\n"
    "void $0_backpressure_inc(void);\n"
    "void $0_backpressure_dec(void);\n"
    "void* $0_context_get_0(void);\n"
    "void $0_context_set_0(void* value);\n"
    "void $0_thread_yield(void);\n";

/* A built-in, and the function around it. */
struct builtin {
    const char *field;  /* "[subtask-cancel]" */
    const char *module; /* NULL: "$root" */
    const char *raw;    /* C declaration of the import */
    const char *wrapper;
};
static const struct builtin builtins[] = {
#define BUILTIN(field, module, raw, wrapper) {field, module, raw, wrapper},
#include "builtins.def"
#undef BUILTIN
};

void bindgen_async_helpers(struct gen *g)
{
    PUT(&g->h_async, header_block, g->snake, g->shouty);
    for (size_t i = 0; i < LENGTH_OF(builtins); i++) {
        const struct builtin *x = &builtins[i];
        buf_printf(
            &g->c_async,
            "\n__attribute__((__import_module__(\"%s\"), __import_name__(\"%s\")))\nextern %s;\n",
            x->module ? x->module : "$root", x->field, x->raw);
        if (x->wrapper) {
            buf_byte(&g->c_async, '\n');
            PUT(&g->c_async, x->wrapper, g->snake);
        }
    }
}

/* Names that the block above takes. */
static const char *const block_names[] = {
    "subtask_status_t",  "subtask_t",         "subtask_state_t",  "subtask_cancel",
    "subtask_drop",      "callback_code_t",   "event_code_t",     "event_t",
    "waitable_set_t",    "waitable_set_new",  "waitable_join",    "waitable_set_drop",
    "waitable_set_wait", "waitable_set_poll", "task_cancel",      "waitable_status_t",
    "waitable_state_t",  "backpressure_inc",  "backpressure_dec", "context_get_0",
    "context_set_0",     "thread_yield",
};
static const char *const block_macros[] = {
    "SUBTASK_STATE",      "SUBTASK_HANDLE",      "SUBTASK_STARTING",
    "SUBTASK_STARTED",    "SUBTASK_RETURNED",    "SUBTASK_STARTED_CANCELLED",
    "CALLBACK_CODE_EXIT", "CALLBACK_CODE_YIELD", "SUBTASK_RETURNED_CANCELLED",
    "CALLBACK_CODE_WAIT", "EVENT_NONE",          "EVENT_SUBTASK",
    "EVENT_STREAM_READ",  "EVENT_STREAM_WRITE",  "EVENT_FUTURE_READ",
    "EVENT_FUTURE_WRITE", "EVENT_CANCEL",        "WAITABLE_STATE",
    "WAITABLE_COUNT",     "WAITABLE_COMPLETED",  "WAITABLE_STATUS_BLOCKED",
    "WAITABLE_DROPPED",   "WAITABLE_CANCELLED",
};

void bindgen_reserve_async_names(struct gen *g)
{
    for (size_t i = 0; i < LENGTH_OF(block_names); i++)
        bindgen_claim(g, str_printf(g->arena, STRF "_%s", STRA(g->snake), block_names[i]),
                      (span){0}, STR(""));
    for (size_t i = 0; i < LENGTH_OF(block_macros); i++)
        bindgen_claim(g, str_printf(g->arena, STRF "_%s", STRA(g->shouty), block_macros[i]),
                      (span){0}, STR(""));
}

/* ---- Threads ------------------------------------------------------------------------------------------ */

static const struct {
    const char *field, *declaration;
    bool gap; /* a blank line before it */
} thread_builtins[] = {
#define THREAD_BUILTIN(gap, field, declaration) {field, declaration, gap},
#include "builtins.def"
#undef THREAD_BUILTIN
};

void bindgen_threading_helpers(struct gen *g)
{
    for (size_t i = 0; i < LENGTH_OF(thread_builtins); i++) {
        buf_printf(
            &g->h_async,
            "%s__attribute__((__import_module__(\"$root\"), __import_name__(\"%s\")))\nextern ",
            thread_builtins[i].gap ? "\n" : "", thread_builtins[i].field);
        PUT(&g->h_async, thread_builtins[i].declaration, g->snake);
        buf_c(&g->h_async, ";\n");
    }
}

/* ---- Error contexts -------------------------------------------------------------------------------------- */

void bindgen_error_context_helpers(struct gen *g)
{
    bool wide = g->options->encoding == ENCODING_UTF16;
    str encoding = wide ? STR("utf16") : STR("utf8"),
        unit = wide ? STR("uint16_t") : STR("uint8_t");
    PUT(&g->h_helpers,
        "\n// Makes an error context with a debug message\n"
        "$0_error_context_t $0_error_context_new($0_string_t *message);\n"
        "// Copies the debug message, to be freed with `$0_string_free`\n"
        "void $0_error_context_debug_message($0_error_context_t error, $0_string_t *ret);\n"
        "void $0_error_context_drop($0_error_context_t error);\n",
        g->snake);
    PUT(&g->c_helpers,
        "\n__attribute__((__import_module__(\"$root\"), "
        "__import_name__(\"[error-context-new-$1]\")))\n"
        "extern uint32_t __error_context_new(uint8_t *, size_t);\n"
        "__attribute__((__import_module__(\"$root\"), "
        "__import_name__(\"[error-context-debug-message-$1]\")))\n"
        "extern void __error_context_debug_message(uint32_t, uint8_t *);\n"
        "__attribute__((__import_module__(\"$root\"), __import_name__(\"[error-context-drop]\")))\n"
        "extern void __error_context_drop(uint32_t);\n"
        "\n"
        "$0_error_context_t $0_error_context_new($0_string_t *message) {\n"
        "  return __error_context_new((uint8_t *) message->ptr, message->len);\n"
        "}\n"
        "\n"
        "void $0_error_context_debug_message($0_error_context_t error, $0_string_t *ret) {\n"
        "  __error_context_debug_message(error, (uint8_t *) ret);\n"
        "}\n"
        "\n"
        "void $0_error_context_drop($0_error_context_t error) {\n"
        "  __error_context_drop(error);\n"
        "}\n",
        g->snake, encoding, unit);
}

/* ---- Streams and futures ---------------------------------------------------------------------------------- */

struct payload {
    bool stream;
    u32 index;       /* in the list of the function */
    str type;        /* C type of the readable end */
    str name;        /* without "_t" */
    str read, write; /* C parameters that follow the end */
    bool element;
};

static void put_payload_header(struct gen *g, const struct payload *p)
{
    PUT(&g->h_helpers,
        "\n"
        "typedef uint32_t $0_writer_t;\n"
        "\n"
        "$1 $0_new($0_writer_t *writer);\n"
        "$2_waitable_status_t $0_read($1 reader$3);\n"
        "$2_waitable_status_t $0_write($0_writer_t writer$4);\n"
        "$2_waitable_status_t $0_cancel_read($1 reader);\n"
        "$2_waitable_status_t $0_cancel_write($0_writer_t writer);\n"
        "void $0_drop_readable($1 reader);\n"
        "void $0_drop_writable($0_writer_t writer);\n",
        p->name, p->type, g->snake, p->read, p->write);
}

static void put_payload_imports(struct gen *g, const struct payload *p, str module, str func)
{
    static const struct {
        const char *prefix, *operation, *result, *name, *params;
    } table[] = {
        {"", "new", "uint64_t", "new", "void"},
        {"[async-lower]", "read", "uint32_t", "read", "uint32_t, uint8_t*$0"},
        {"[async-lower]", "write", "uint32_t", "write", "uint32_t, const uint8_t*$0"},
        {"", "cancel-read", "uint32_t", "cancel_read", "uint32_t"},
        {"", "cancel-write", "uint32_t", "cancel_write", "uint32_t"},
        {"", "drop-readable", "void", "drop_readable", "uint32_t"},
        {"", "drop-writable", "void", "drop_writable", "uint32_t"},
    };
    str index = str_printf(g->arena, "%u", p->index);
    buf_byte(&g->c_helpers, '\n');
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        PUT(&g->c_helpers,
            "__attribute__((__import_module__(\"$0\"), __import_name__(\"$1[$2-$3-$4]$5\")))\n"
            "extern $6 $7__$8(",
            module, str_c(table[i].prefix), p->stream ? STR("stream") : STR("future"),
            str_c(table[i].operation), index, func, str_c(table[i].result), p->name,
            str_c(table[i].name));
        PUT(&g->c_helpers, table[i].params, p->stream ? STR(", size_t") : STR(""));
        buf_c(&g->c_helpers, ");\n");
    }
}

static void put_payload_functions(struct gen *g, const struct payload *p)
{
    str more = p->stream ? STR(", amt") : STR("");
    PUT(&g->c_helpers,
        "\n"
        "$1 $0_new($0_writer_t *writer) {\n"
        "  uint64_t packed = $0__new();\n"
        "  *writer = (uint32_t) (packed >> 32);\n"
        "  return (uint32_t) packed;\n"
        "}\n"
        "\n"
        "$2_waitable_status_t $0_read($1 reader$3) {\n"
        "  return $0__read(reader, $5$7);\n"
        "}\n"
        "\n"
        "$2_waitable_status_t $0_write($0_writer_t writer$4) {\n"
        "  return $0__write(writer, $6$7);\n"
        "}\n",
        p->name, p->type, g->snake, p->read, p->write,
        p->element ? STR("(uint8_t*) buf") : STR("NULL"),
        p->element ? STR("(const uint8_t *) buf") : STR("NULL"), more);
    PUT(&g->c_helpers,
        "\n"
        "$2_waitable_status_t $0_cancel_read($1 reader) {\n"
        "  return $0__cancel_read(reader);\n"
        "}\n"
        "\n"
        "$2_waitable_status_t $0_cancel_write($0_writer_t writer) {\n"
        "  return $0__cancel_write(writer);\n"
        "}\n"
        "\n"
        "void $0_drop_readable($1 reader) {\n"
        "  $0__drop_readable(reader);\n"
        "}\n"
        "\n"
        "void $0_drop_writable($0_writer_t writer) {\n"
        "  $0__drop_writable(writer);\n"
        "}\n",
        p->name, p->type, g->snake);
}

static void claim_payload_names(struct gen *g, const struct wit_typedef *t, str name)
{
    static const char *const suffixes[] = {
        "writer_t",    "new",          "read",          "write",
        "cancel_read", "cancel_write", "drop_readable", "drop_writable",
    };
    for (size_t i = 0; i < LENGTH_OF(suffixes); i++) {
        str full = str_printf(g->arena, STRF "_%s", STRA(name), suffixes[i]);
        if (!str_eq(bindgen_claim(g, full, t->at, STR("")), full)) {
            diag_error(g->diags, "c-name", t->at,
                       "the C name `" STRF "`, which a stream or future needs, is taken",
                       STRA(full));
            g->failed = true;
        }
    }
}

static void put_payload(struct gen *g, struct wit_type self, u32 index, const struct wit_func *f)
{
    struct type_info *info = bindgen_definition(g, self);
    const struct wit_typedef *t = bindgen_def(g, self);
    if (info->drop_fn.len)
        return; /* its functions are there */
    struct payload p = {.stream = t->kind == WIT_STREAM, .index = index};
    p.type = info->name;
    p.name = str_sub(p.type, 0, p.type.len - 2);
    p.element = wit_type_present(t->first);
    if (p.element) {
        str element = bindgen_type_name(g, t->first);
        p.read = str_printf(g->arena, ", " STRF " *buf", STRA(element));
        p.write = str_printf(g->arena, ", const " STRF " *buf", STRA(element));
    }
    if (p.stream) {
        p.read = str_concat(g->arena, p.read, STR(", size_t amt"));
        p.write = str_concat(g->arena, p.write, STR(", size_t amt"));
    }
    claim_payload_names(g, t, p.name);
    info->drop_fn = str_concat(g->arena, p.name, STR("_drop_readable"));
    str module = g->exporting ? str_concat(g->arena, STR("[export]"), g->module) : g->module;
    put_payload_header(g, &p);
    put_payload_imports(g, &p, module, f->name);
    put_payload_functions(g, &p);
}

void bindgen_payloads(struct gen *g, const struct wit_func *f)
{
    u32 *types, n = wit_payload_types(g->r, g->arena, f, &types);
    for (u32 i = 0; i < n && !g->failed; i++)
        put_payload(g, (struct wit_type){WIT_ID, types[i]}, i, f);
}
