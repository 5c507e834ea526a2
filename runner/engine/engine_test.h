/* engine_test.h - what tests of the interpreter share: a store with a task, and modules from text. */
#ifndef WITC_ENGINE_TEST_H
#define WITC_ENGINE_TEST_H

#include "engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

struct world {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct engine_store *store;
    struct engine_task *task;
};

static inline void world_init(struct world *w, const struct engine_limits *limits)
{
    memset(w, 0, sizeof(*w));
    w->sources.arena = &w->arena;
    diags_init(&w->diags, &w->arena, &w->sources);
    w->store = engine_store_new(limits);
    w->task = engine_task_new(w->store);
}

static inline void world_free(struct world *w)
{
    engine_store_free(w->store);
    arena_free(&w->arena);
}

static inline void complain(struct world *w)
{
    struct buf out = buf_in(&w->arena);
    diags_render(&w->diags, DIAG_TEXT, &out);
    fprintf(stderr, STRF, STRA(buf_view(&out)));
}

static inline struct engine_module *load(struct world *w, const char *text)
{
    struct features f = features_all();
    features_set(&f, FEATURE_LEGACY_EXCEPTIONS, false);
    u32 source = sources_add(&w->sources, STR("test.wat"), str_c(text), SOURCE_TEXT);
    str binary;
    struct wasm_module *m = NULL;
    struct engine_module *em = NULL;
    if (wasm_parse_text(&w->arena, source, f, &binary, &w->diags)) {
        u32 number = sources_add(&w->sources, STR("test.wasm"), binary, SOURCE_BINARY);
        if (wasm_read_module(&w->arena, number, binary, 0, f, &m, &w->diags))
            em = engine_load(w->store, m, f, &w->diags);
    }
    if (!em)
        complain(w);
    assert_non_null(em);
    return em;
}

static inline struct engine_instance *instantiate(struct world *w, const char *text,
                                                  const struct engine_extern *imports, u32 count,
                                                  const char *label)
{
    struct engine_instance *i = NULL;
    enum engine_outcome r =
        engine_instantiate(w->store, load(w, text), imports, count, str_c(label), &i, &w->diags);
    if (r != ENGINE_DONE)
        complain(w);
    assert_int_equal(r, ENGINE_DONE);
    return i;
}

static inline struct engine_func *func(struct engine_instance *i, const char *name)
{
    struct engine_func *f = engine_export_func(i, str_c(name));
    assert_non_null(f);
    return f;
}

static inline u64 call(struct world *w, struct engine_instance *i, const char *name, u64 a, u64 b)
{
    u64 slots[2] = {a, b};
    enum engine_outcome r = engine_start(w->task, func(i, name), slots);
    if (r == ENGINE_TRAPPED)
        fprintf(stderr, "trap: " STRF "\n", STRA(engine_trap_of(w->task)->message));
    assert_int_equal(r, ENGINE_DONE);
    return engine_results(w->task)[0];
}

static inline void expect_trap(struct world *w, struct engine_instance *i, const char *name, u64 a,
                               u64 b, const char *message)
{
    u64 slots[2] = {a, b};
    assert_int_equal(engine_start(w->task, func(i, name), slots), ENGINE_TRAPPED);
    str text = engine_trap_of(w->task)->message;
    if (!str_eq_c(text, message))
        fprintf(stderr, "trap: " STRF "\n", STRA(text));
    assert_true(str_eq_c(text, message));
}

#endif
