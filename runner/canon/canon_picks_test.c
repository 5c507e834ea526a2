/* canon_picks_test.c - queues by place: against an array that is searched. */
#include "picks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MOST = 40, STEPS = 20000 };
struct item {
    u32 before, place;
};
#define PLACE offsetof(struct item, place)

static u32 next_random(u32 *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

static void check(struct picks *q, struct item *const *want, u32 n)
{
    assert_int_equal(picks_count(q), n);
    assert_ptr_equal(picks_first(q), n ? want[0] : NULL);
}

static void test_in_order(void **state)
{
    (void)state;
    struct item items[MOST], *want[MOST];
    u32 n = 0, x = 1;
    struct picks q = {0};
    for (u32 step = 0; step < STEPS; step++) {
        u32 wish = step / 100 % 5 * 10, at = n ? next_random(&x) % n : 0;
        struct item *i = &items[next_random(&x) % MOST];
        bool is_in = false;
        for (u32 k = 0; k < n; k++) {
            is_in |= want[k] == i;
        }
        if (n > wish) {
            at = step % 3 ? 0 : at;
            picks_remove(&q, want[at], PLACE, true);
            memmove(want + at, want + at + 1, (--n - at) * sizeof *want);
        } else if (!is_in) {
            picks_add(&q, i, PLACE);
            want[n++] = i;
        }
        check(&q, want, n);
        if (n && step % 7 == 0) { /* closes the holes */
            assert_ptr_equal(picks_get(&q, at % n, PLACE), want[at % n]);
            assert_int_equal(picks_number(&q, want[at % n], PLACE), at % n);
        }
    }
    assert_in_range(q.cap, MOST / 2, 4 * MOST);
    picks_free(&q);
    check(&q, want, 0);
}

static void test_in_any_order(void **state)
{
    (void)state;
    struct item items[MOST];
    struct picks q = {0};
    for (u32 i = 0; i < MOST; i++) {
        picks_add(&q, &items[i], PLACE);
    }
    picks_swap(&q, 3, 30, PLACE);
    assert_int_equal(items[3].place, 30);
    for (u32 left = MOST, x = 1; left; left--) {
        struct item *i = picks_get(&q, next_random(&x) % left, PLACE);
        picks_remove(&q, i, PLACE, false);
        assert_int_equal(picks_count(&q), left - 1);
        for (u32 k = 0; k < left - 1; k++) {
            assert_int_equal(picks_number(&q, picks_get(&q, k, PLACE), PLACE), k);
        }
    }
    picks_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
