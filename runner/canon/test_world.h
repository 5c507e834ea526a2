/* test_world.h - what tests share: a store with one guest in it, made from text. */
#ifndef WITC_CANON_TEST_WORLD_H
#define WITC_CANON_TEST_WORLD_H

#include "canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct canon_store *store;
    struct canon_linker *linker;
    struct canon_instance *instance;
};

static inline void world_begin_with(struct world *w, const struct canon_config *config)
{
    memset(w, 0, sizeof *w);
    w->sources.arena = &w->arena;
    diags_init(&w->diags, &w->arena, &w->sources);
    w->linker = canon_linker_new();
    w->store = canon_store_new(config);
}

static inline void world_begin(struct world *w)
{
    world_begin_with(w, &(struct canon_config){.features = features_all(), .track_handles = true});
}

/* False and diagnostics if the guest is not valid or does not link. */
static inline bool world_try(struct world *w, str text)
{
    u32 source = sources_add(&w->sources, STR("guest"), text, SOURCE_TEXT);
    struct wasm_binary b;
    struct canon_loaded *loaded = NULL;
    if (wasm_read(&w->arena, source, features_all(), &b, &w->diags)) {
        loaded = canon_load(w->store, b.component, &w->diags);
    }
    return loaded && canon_instantiate(w->store, loaded, w->linker, NULL, &w->instance,
                                       &w->diags) == CANON_OK;
}

static inline void world_end(struct world *w)
{
    canon_store_free(w->store);
    canon_linker_free(w->linker);
    arena_free(&w->arena);
}

static inline void world_start(struct world *w, str text)
{
    if (!world_try(w, text)) {
        struct buf out = buf_in(&w->arena);
        diags_render(&w->diags, DIAG_TEXT, &out);
        print_message(STRF "\n", STRA(text));
        fail_msg(STRF, STRA(buf_view(&out)));
    }
}

static inline struct canon_func *world_export(struct world *w, const char *name)
{
    struct canon_func *f = canon_find_func(w->instance, STR(""), str_c(name));
    assert_non_null(f);
    return f;
}

#endif
