/* run_lists.c - the lists of `witc run -W` and `-S`, as wasmtime has them: `name`, `name=value`, `name=n`. */
#include "run.h"

#include <stddef.h>
#include <stdio.h>

enum row_kind {
    ROW_ALWAYS,  /* witc is always so, or has no use for it */
    ROW_FLAG,    /* a bool of struct run_options */
    ROW_NUMBER,  /* a u64 */
    ROW_STACK,   /* bytes of stack, in slots of 8 bytes */
    ROW_COUNT,   /* a u32 */
    ROW_TIME,    /* milliseconds */
    ROW_FEATURE, /* features of another name here, all of them */
    ROW_MISSING, /* not there yet: only to be turned off */
};
struct row {
    const char *name;
    enum row_kind kind;
    size_t field;
    const char *help; /* of ROW_FEATURE: the name here */
};
#define FIELD(name) offsetof(struct run_options, name)

static const struct row wasm_rows[] = {
    {"fuel", ROW_NUMBER, FIELD(limits.fuel), "trap after N loop turns and calls"},
    {"timeout", ROW_TIME, FIELD(timeout), "trap after so long: 2, 1.5s, 200ms"},
    {"max-memory-size", ROW_NUMBER, FIELD(limits.memory_bytes), "bytes that each memory may hold"},
    {"max-table-elements", ROW_NUMBER, FIELD(limits.table_elements),
     "elements that each table may hold"},
    {"max-wasm-stack", ROW_STACK, FIELD(limits.stack_slots), "bytes of stack of each task"},
    {"max-instances", ROW_COUNT, FIELD(limits.instances), "core instances in all"},
    {"trap-on-grow-failure", ROW_FLAG, FIELD(limits.trap_on_grow_failure),
     "memory.grow and table.grow trap instead of giving -1"},
    {"unknown-imports-trap", ROW_FLAG, FIELD(unknown_imports_trap),
     "imports that nobody provides trap when they are called"},
    {"all-proposals", ROW_FEATURE, 0, "all"},
    {"shared-memory", ROW_FEATURE, 0, "threads"},
    {"component-model-memory64", ROW_FEATURE, 0, "cm64"},
    {"component-model", ROW_ALWAYS, 0, NULL},
    {"component-model-async", ROW_ALWAYS, 0, NULL},
    {"concurrency-support", ROW_ALWAYS, 0, NULL},
    {"gc-support", ROW_ALWAYS, 0, NULL},
    {"branch-hinting", ROW_ALWAYS, 0, NULL},
    {"nan-canonicalization", ROW_ALWAYS, 0, NULL},
    {"relaxed-simd-deterministic", ROW_ALWAYS, 0, NULL},
    {"epoch-interruption", ROW_ALWAYS, 0, NULL},
    {"async-stack-size", ROW_ALWAYS, 0, NULL},
    {"async-stack-zeroing", ROW_ALWAYS, 0, NULL},
    {"unknown-exports-allow", ROW_ALWAYS, 0, NULL},
    {"unknown-imports-default", ROW_MISSING, 0, NULL},
    {"max-tables", ROW_MISSING, 0, NULL},
    {"max-memories", ROW_MISSING, 0, NULL},
    {"wmemcheck", ROW_MISSING, 0, NULL},
    {NULL, ROW_ALWAYS, 0, NULL},
};
static const struct row wasi_rows[] = {
    {"inherit-env", ROW_FLAG, FIELD(inherit_env), "give the guest the whole environment"},
    {"cli", ROW_ALWAYS, 0, NULL},
    {"common", ROW_ALWAYS, 0, NULL},
    {"p3", ROW_ALWAYS, 0, NULL},
    {"preview2", ROW_ALWAYS, 0, NULL},
    {"inherit-stdin", ROW_ALWAYS, 0, NULL},
    {"inherit-stdout", ROW_ALWAYS, 0, NULL},
    {"inherit-stderr", ROW_ALWAYS, 0, NULL},
    {"nn", ROW_MISSING, 0, NULL},
    {"threads", ROW_MISSING, 0, NULL},
    {"config", ROW_MISSING, 0, NULL},
    {"keyvalue", ROW_MISSING, 0, NULL},
    {"listenfd", ROW_MISSING, 0, NULL},
    {"tls", ROW_MISSING, 0, NULL},
    {"preview0", ROW_MISSING, 0, NULL},
    {"http", ROW_MISSING, 0, NULL},
    {"inherit-network", ROW_MISSING, 0, NULL},
    {"allow-ip-name-lookup", ROW_MISSING, 0, NULL},
    {"tcp", ROW_MISSING, 0, NULL},
    {"udp", ROW_MISSING, 0, NULL},
    {NULL, ROW_ALWAYS, 0, NULL},
};
static const struct list {
    const char *option;
    char letter;
    const struct row *rows;
    bool has_features;
} lists[] = {{"wasm", 'W', wasm_rows, true}, {"wasi", 'S', wasi_rows, false}};

/* ---- Times ------------------------------------------------------------------------------------------------- */

bool run_read_time(str text, u64 *milliseconds)
{
    static const struct unit {
        const char *name;
        u64 microseconds;
    } units[] = {{"us", 1},     {"ms", 1000},    {"s", 1000000},
                 {"", 1000000}, {"m", 60000000}, {"h", 3600000000}};
    size_t n = 0;
    while (n < text.len && ((text.ptr[n] >= '0' && text.ptr[n] <= '9') || text.ptr[n] == '.')) {
        n++;
    }
    str whole, unit = str_sub(text, n, text.len), part = str_cut(str_sub(text, 0, n), '.', &whole);
    u64 value = 0, scale = 0;
    for (size_t i = 0; i < LENGTH_OF(units); i++) {
        scale = str_eq_c(unit, units[i].name) ? units[i].microseconds : scale;
    }
    while (whole.len > 1 && whole.ptr[0] == '0') {
        whole = str_sub(whole, 1, whole.len);
    }
    if (scale == 0 || n == 0 || (part.ptr && part.len == 0) ||
        str_find_char(part, '.', 0) != SIZE_MAX ||
        (whole.len ? !str_to_u64(whole, &value) : part.len == 0) ||
        value > UINT64_MAX / scale / 2) {
        return false;
    }
    u64 total = value * scale;
    for (size_t i = 0; i < part.len; i++) {
        scale /= 10;
        total += (u64)(part.ptr[i] - '0') * scale;
    }
    *milliseconds = total / 1000 + (total % 1000 != 0);
    return total != 0;
}

str run_time_text(struct cli *cli, u64 milliseconds)
{
    bool seconds = milliseconds % 1000 == 0;
    return str_printf(&cli->arena, "%llu %s",
                      (unsigned long long)(seconds ? milliseconds / 1000 : milliseconds),
                      seconds ? "s" : "ms");
}

/* ---- Reading ------------------------------------------------------------------------------------------------ */

static const struct row *find_row(const struct list *l, str name)
{
    for (const struct row *r = l->rows; r->name; r++) {
        if (str_eq_c(name, r->name)) {
            return r;
        }
    }
    return NULL;
}

static bool unknown(struct cli *cli, const struct list *l, str name)
{
    str names[128];
    size_t n = 0;
    for (const struct row *r = l->rows; r->name && n < LENGTH_OF(names); r++) {
        names[n++] = str_c(r->name);
    }
    for (u32 f = 0; l->has_features && f < FEATURE_COUNT && n < LENGTH_OF(names); f++) {
        names[n++] = str_c(feature_name((enum feature)f));
    }
    str near = near_name(name, names, n);
    if (near.len) {
        cli_usage(cli, "`-%c` knows no option `" STRF "`, did you mean `" STRF "`?", l->letter,
                  STRA(name), STRA(near));
    } else {
        cli_usage(cli, "`-%c` knows no option `" STRF "`; `-%c help` lists them", l->letter,
                  STRA(name), l->letter);
    }
    return false;
}

static bool read_flag(struct cli *cli, str name, str value, bool *on)
{
    static const char *const words[2][3] = {{"n", "no", "false"}, {"y", "yes", "true"}};
    *on = true;
    for (u32 i = 0; i < 6; i++) {
        if (str_eq_c(value, words[i / 3][i % 3])) {
            *on = i / 3 != 0;
            return true;
        }
    }
    if (!value.ptr) {
        return true;
    }
    cli_usage(cli, "`" STRF "` takes y or n, not `" STRF "`", STRA(name), STRA(value));
    return false;
}

static bool read_value(struct cli *cli, struct run_options *o, const struct row *r, str value)
{
    void *field = (char *)o + r->field;
    u64 number;
    if (r->kind == ROW_TIME) {
        if (run_read_time(value, field)) {
            return true;
        }
        cli_usage(cli, "`%s` takes a time such as 2, 1.5s or 200ms, not `" STRF "`", r->name,
                  STRA(value));
        return false;
    }
    if (!run_read_number(cli, r->name, value, r->kind == ROW_STACK ? 8 : 1, &number)) {
        return false;
    }
    if (r->kind == ROW_NUMBER) {
        *(u64 *)field = number;
        return true;
    }
    number = r->kind == ROW_STACK ? number / 8 : number;
    *(u32 *)field = number < UINT32_MAX ? (u32)number : UINT32_MAX;
    return true;
}

/* A feature of WebAssembly: by its name here, as wasmtime has it, or in a row. FEATURE_COUNT: there is none. */
static enum feature find_feature(struct cli *cli, const struct row *r, str name)
{
    str own = r ? str_c(r->help) : name;
    if (!r && str_starts(name, STR("component-model-"))) {
        own = str_printf(&cli->arena, "cm-" STRF, STRA(str_sub(name, 16, name.len)));
    }
    u32 f = 0;
    while (f < FEATURE_COUNT && !str_eq_c(own, feature_name((enum feature)f))) {
        f++;
    }
    return (enum feature)f;
}

/* What is turned on or off. */
static bool read_switch(struct cli *cli, struct run_options *o, const struct list *l,
                        const struct row *r, str name, bool on)
{
    if (r && r->kind == ROW_FLAG) {
        *(bool *)((char *)o + r->field) = on;
    } else if (r && r->kind == ROW_MISSING) {
        if (on) {
            diag_unsupported(&cli->diags, (span){0}, "`-%c " STRF "`", l->letter, STRA(name));
        }
        return !on;
    } else if (r && strcmp(r->help, "all") == 0) {
        o->features = on ? features_all() : features_default();
    } else {
        features_set(&o->features, find_feature(cli, r, name), on);
    }
    return true;
}

static bool read_item(struct cli *cli, struct run_options *o, const struct list *l, str item)
{
    bool on;
    str name, value = str_cut(item, '=', &name);
    const struct row *r = find_row(l, name);
    if (!r && (!l->has_features || find_feature(cli, r, name) == FEATURE_COUNT)) {
        return unknown(cli, l, name);
    }
    if (r && r->kind >= ROW_NUMBER && r->kind <= ROW_TIME) {
        return read_value(cli, o, r, value);
    }
    if (r && r->kind == ROW_ALWAYS) {
        return true;
    }
    return read_flag(cli, name, value, &on) && read_switch(cli, o, l, r, name, on);
}

bool run_read_lists(struct cli *cli, struct run_options *o)
{
    for (size_t i = 0; i < LENGTH_OF(lists); i++) {
        const char **given;
        u32 n = cli_values(cli, lists[i].option, &given);
        for (u32 k = 0; k < n; k++) {
            for (str rest = str_c(given[k]), item; rest.len;) {
                rest = str_cut(rest, ',', &item);
                if (!read_item(cli, o, &lists[i], item)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool run_show_lists(struct cli *cli)
{
    static const char *const values[] = {
        [ROW_NUMBER] = "=N", [ROW_STACK] = "=N", [ROW_COUNT] = "=N", [ROW_TIME] = "=TIME"};
    bool shown = false;
    for (size_t i = 0; i < LENGTH_OF(lists); i++) {
        const char **given;
        u32 n = cli_values(cli, lists[i].option, &given);
        for (u32 k = 0; k < n && !shown; k++) {
            if (strcmp(given[k], "help") != 0) {
                continue;
            }
            shown = true;
            for (const struct row *r = lists[i].rows; r->name; r++) {
                if (r->help && r->kind != ROW_FEATURE) {
                    bool flag = r->kind == ROW_FLAG;
                    char left[64];
                    snprintf(left, sizeof left, "%s%s", r->name, flag ? "[=y|n]" : values[r->kind]);
                    printf("  -%c %-32s %s\n", lists[i].letter, left, r->help);
                }
            }
            if (lists[i].has_features) {
                printf("  -%c %-32s %s\n", lists[i].letter, "FEATURE[=y|n]",
                       "turn a feature on or off, as --features does");
            }
        }
    }
    return shown;
}
