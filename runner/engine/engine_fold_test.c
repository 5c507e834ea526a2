/* engine_fold_test.c - random functions do the same with and without the translator's folding. */
#include "fuzz/generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void folding(void **state)
{
    (void)state;
    const char *first = getenv("WITC_SEED"), *count = getenv("WITC_COUNT");
    u64 seed = first ? strtoull(first, NULL, 10) : 1, n = count ? strtoull(count, NULL, 10) : 400;
    u32 done = 0;
    for (u64 k = seed; k < seed + n; k++) {
        struct arena a = {0};
        struct choices plain = {.state = k * 0x9e3779b97f4a7c15u}, defeat = plain;
        struct shown x = run_generated(&a, generate(&a, &plain, false));
        struct shown y = run_generated(&a, generate(&a, &defeat, true));
        if (!same(&x, &y))
            fprintf(stderr, "seed %llu: %d %d %u " STRF " / %d %d %u " STRF "\n",
                    (unsigned long long)k, x.valid, x.trapped, x.result, STRA(x.trap), y.valid,
                    y.trapped, y.result, STRA(y.trap));
        assert_true(same(&x, &y));
        done += !x.trapped && !x.stopped;
        arena_free(&a);
    }
    assert_true(first || done > n / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(folding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
