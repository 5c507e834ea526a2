/* wit_test.h - what the tests of WIT sources share: a resolve of its own, fed with texts. */
#ifndef WITC_WIT_TEST_H
#define WITC_WIT_TEST_H

#include "wit-parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those */
#include <cmocka.h>

struct world {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct wit_resolve r;
};

static inline void start(struct world *w)
{
    *w = (struct world){.arena = {0}};
    diags_init(&w->diags, &w->arena, &w->sources);
    wit_resolve_init(&w->r, &w->arena, &w->diags);
}

static inline bool push(struct world *w, const char *text, u32 *package)
{
    u32 source = sources_add(&w->sources, STR("test.wit"), str_c(text), SOURCE_TEXT);
    return wit_push_source(&w->r, source, package);
}

static inline str path_here(struct arena *a, const char *name)
{
    return path_join(a, path_directory(str_c(__FILE__)), str_c(name));
}

#endif
