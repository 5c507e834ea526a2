/* translate_test.c - the translator does not do the same work again and again. */
#include "engine_internal.h"
#include "translate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Reads of many locals below reads of one other: each local is written, and finds its reads without a look at all others. */
static void unread_reads(void **state)
{
    (void)state;
    enum { LOCALS = 1000, OTHERS = 30000 };
    struct arena a = {0};
    struct translator tr = {.arena = &a,
                            .local_types = arena_array(&a, char, LOCALS),
                            .local_slots = arena_array(&a, u32, LOCALS),
                            .local_unread = arena_array(&a, u32, LOCALS),
                            .local_reads = arena_array(&a, u32, LOCALS),
                            .top = LOCALS};
    memset(tr.local_types, 'i', LOCALS);
    translate_forget(&tr);
    for (u32 i = 0; i < LOCALS; i++)
        tr.local_slots[i] = i;
    for (u32 i = 0; i < LOCALS + OTHERS; i++)
        translate_push_local(&tr, i < LOCALS ? i : 0);
    translate_save_top(&tr, 10); /* these need not be saved again */
    for (u32 i = LOCALS; i-- > 0;)
        translate_save_local(&tr, i);
    assert_int_equal(tr.cells.len, 2 * (LOCALS + OTHERS)); /* each was copied once */
    assert_true(tr.looked <= LOCALS + OTHERS);
    for (u32 i = 0; i < LOCALS + OTHERS; i++)
        assert_int_equal(tr.values.data[i].kind, VALUE_TEMP);
    /* What was popped is no read any more. */
    translate_push_local(&tr, 1);
    translate_push_local(&tr, 2);
    translate_push_local(&tr, 1);
    translate_pop(&tr);
    translate_drop_to(&tr, tr.values.len - 1);
    translate_push_const(&tr, 'i', 5);
    translate_save_local(&tr, 2);
    translate_save_local(&tr, 1);
    assert_int_equal(tr.cells.len, 2 * (LOCALS + OTHERS + 1));
    assert_int_equal(vec_last(&tr.values)->kind, VALUE_CONST);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unread_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
