/* base_test.c - memory, text, containers, features. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base.h"

static void arena_keeps_contents_while_growing(void **state)
{
    (void)state;
    struct arena a = {0};
    size_t size = 16;
    u8 *p = arena_alloc(&a, size);
    for (size_t i = 0; i < size; i++) {
        p[i] = (u8)i;
    }
    for (; size < 300000; size = size * 3 / 2 + 1) {
        size_t wants = size * 3 / 2 + 1;
        (void)arena_alloc(&a, 5); /* something in between */
        p = arena_realloc(&a, p, size, wants);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], (u8)i);
        }
        for (size_t i = size; i < wants; i++) {
            assert_int_equal(p[i], 0);
            p[i] = (u8)i;
        }
    }
    arena_free(&a);
    assert_null(a.block);
}

static void texts_are_formatted(void **state)
{
    (void)state;
    struct arena a = {0};
    struct buf b = buf_in(&a);
    str s = str_printf(&a, "a%%" STRF "%s%u", STRA(STR("bc")), "de", 0);
    assert_true(str_eq(s, STR("a%bcde0")));
    str_printf(&a, "%02x", 7); /* a directive that libc sees to */
    s = str_printf(&a, "%zu %c%x:" STRF STRF, (size_t)12, 'c', 255u, STRA(STR("a\0b")),
                   STRA(STR("\0")));
    assert_true(str_eq(s, STR("12 cff:a\0b\0"))); /* all of a text, with NULs */
    s = str_printf(&a, STRF "%s|%u|%llu", 0, "", "", UINT32_MAX, (unsigned long long)UINT64_MAX);
    assert_true(str_eq(s, STR("|4294967295|18446744073709551615")));
    str longer = str_printf(&a, "%0300d", 7);
    assert_int_equal(longer.len, 300);
    assert_int_equal(longer.ptr[299], '7');
    s = str_printf(&a, "<" STRF "|%x>", STRA(longer), 255u);
    assert_int_equal(s.len, 305);
    s = str_printf(&a, "<" STRF ">", STRA(longer));
    assert_int_equal(s.len, 302);
    assert_int_equal(s.ptr[301], '>');
    assert_int_equal(s.ptr[302], 0);
    for (u32 i = 0; i < 100; i++) {
        buf_printf(&b, STRF "%u", STRA(longer), i % 10);
    }
    assert_int_equal(b.len, 30100);
    assert_int_equal(b.data[301 * 42 - 1], '1');
    arena_free(&a);
}

static void alloc_much(void *ctx)
{
    struct arena *a = ctx;
    for (int i = 0; i < 1000; i++) {
        (void)arena_alloc(a, 5000);
    }
}

static void alloc_for_a_while(void *ctx)
{
    struct arena_temp outer, inner;
    arena_temp_begin(&outer);
    (void)arena_alloc(&outer.arena, 5000);
    arena_temp_begin(&inner);
    (void)arena_alloc(&inner.arena, 50000);
    arena_temp_end(&inner);
    alloc_much(ctx);
    arena_temp_end(&outer);
}

static void exhaustion_unwinds_to_the_guard(void **state)
{
    (void)state;
    for (u64 n = 1; n < 20; n++) {
        struct arena a = {0};
        mem_fail_after(n);
        assert_false(oom_guard(n % 2 ? alloc_much : alloc_for_a_while, &a));
        mem_fail_after(0);
        arena_free(&a);
    }
    struct arena a = {0};
    assert_true(oom_guard(alloc_much, &a));
    arena_free(&a);
}

static void map_keeps_order_and_values(void **state)
{
    (void)state;
    struct arena a = {0};
    struct map m = {0};
    for (u32 i = 0; i < 5000; i++) {
        assert_true(map_put(&a, &m, str_printf(&a, "name-%u", i), i));
    }
    assert_int_equal(map_add(&a, &m, STR("name-17"), 99), 17);
    assert_false(map_put(&a, &m, STR("name-18"), 1018));
    assert_int_equal(map_get(&m, STR("name-18")), 1018);
    assert_int_equal(map_get(&m, STR("name-4999")), 4999);
    assert_int_equal(map_get(&m, STR("none")), MAP_NONE);
    for (u32 i = 0; i < m.len; i++) {
        assert_true(str_eq(m.entries[i].key, str_printf(&a, "name-%u", i)));
    }
    arena_free(&a);
}

static void utf8_accepts_only_well_formed(void **state)
{
    (void)state;
    static const struct {
        str text;
        size_t bad;
    } rows[] = {
        {STR_INIT("plain ascii text of some length"), SIZE_MAX},
        {STR_INIT("gr\xc3\xbc\xc3\x9f"), SIZE_MAX},
        {STR_INIT("\xf0\x9f\x98\x80"), SIZE_MAX},
        {STR_INIT("ab\xc0\x80"), 2},
        {STR_INIT("\xed\xa0\x80"), 0},
        {STR_INIT("abcdefgh\xf4\x90\x80\x80"), 8},
        {STR_INIT("x\xe2\x82"), 1},
        {STR_INIT("\x80"), 0},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        assert_int_equal(utf8_check(rows[i].text), rows[i].bad);
    }
    static const u32 scalars[] = {0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < LENGTH_OF(scalars); i++) {
        char bytes[4];
        size_t at = 0;
        str s = str_of(bytes, utf8_encode(scalars[i], bytes));
        assert_int_equal(utf8_next(s, &at), scalars[i]);
        assert_int_equal(at, s.len);
    }
}

static void leb_is_minimal(void **state)
{
    (void)state;
    struct arena a = {0};
    struct buf b = buf_in(&a);
    buf_uleb(&b, 624485);
    buf_sleb(&b, -123456);
    buf_sleb(&b, 63);
    buf_sleb(&b, 64);
    buf_sleb(&b, -64);
    assert_true(str_eq(buf_view(&b), STR("\xe5\x8e\x26\xc0\xbb\x78\x3f\xc0\x00\x40")));
    arena_free(&a);
}

static void near_names(void **state)
{
    (void)state;
    static const str names[] = {STR_INIT("database"), STR_INIT("cache"),
                                STR_INIT("monotonic-clock")};
    assert_true(str_eq_c(near_name(STR("chache"), names, 3), "cache"));
    assert_true(str_eq_c(near_name(STR("monotonic-clocks"), names, 3), "monotonic-clock"));
    assert_int_equal(near_name(STR("filesystem"), names, 3).len, 0);
}

static void numbers(void **state)
{
    (void)state;
    u64 n;
    assert_true(str_to_u64(STR("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &n));
    assert_false(str_to_u64(STR("007"), &n));
    assert_false(str_to_u64(STR(""), &n));
    assert_false(str_to_u64(STR("1x"), &n));
}

static void features_by_name(void **state)
{
    (void)state;
    struct arena a = {0};
    struct sources s = {0};
    struct diags d;
    diags_init(&d, &a, &s);
    struct features f = features_default();
    assert_true(features_has(f, FEATURE_CM_ASYNC));
    assert_false(features_has(f, FEATURE_CM_THREADING));
    assert_true(features_apply(&f, STR("cm-threading,-cm-async"), &d));
    assert_false(features_has(f, FEATURE_CM_ASYNC));
    assert_true(features_has(f, FEATURE_CM_THREADING));
    assert_false(features_apply(&f, STR("cm-asink"), &d));
    assert_int_equal(d.errors, 1);
    assert_true(str_eq_c(d.list.data[0]->notes.data[0].text, "did you mean `cm-async`?"));
    arena_free(&a);
}

static void a_file_is_there_when_it_is_whole(void **state)
{
    (void)state;
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    diags_init(&d, &a, &sources);
    char directory[] = "/tmp/base_test.XXXXXX";
    assert_non_null(mkdtemp(directory));
    const char *path = str_to_c(&a, path_join(&a, str_c(directory), STR("out")));
    str *names, text;
    u32 n;
    for (int keep = 0; keep < 2; keep++) {
        struct file_out *f = file_begin(path, &d);
        assert_non_null(f);
        assert_true(file_put(f, STR("one ")) && file_put(f, STR("two")));
        assert_false(file_exists(path));
        assert_int_equal(file_end(f, keep), keep);
        assert_true(file_list(&a, directory, &names, &n, &d));
        assert_int_equal(n, keep); /* no temporary file stays */
    }
    assert_true(file_read(&a, path, &text, &d));
    assert_true(str_eq(text, STR("one two")));
    remove(path);
    remove(directory);
    assert_null(file_begin("/", &d));
    assert_int_equal(d.errors, 1);
    arena_free(&a);
}

static void paths(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_true(str_eq_c(path_join(&a, STR("a/b"), STR("c")), "a/b/c"));
    assert_true(str_eq_c(path_join(&a, STR("a/"), STR("/c")), "/c"));
    assert_true(str_eq_c(path_base(STR("x/y.wit")), "y.wit"));
    assert_true(str_eq_c(path_stem(STR("x/y.core.wasm")), "y.core"));
    assert_true(str_eq_c(path_stem(STR(".hidden")), ".hidden"));
    assert_true(str_eq_c(path_directory(STR("x/y")), "x"));
    assert_true(str_eq_c(path_directory(STR("y")), "."));
    arena_free(&a);
}

static bool interrupted;

static void abandon(int signal_)
{
    (void)signal_;
    file_abandon();
}

/* In place of libc's: a signal comes while the file is made. */
int mkstemp(char *name)
{
    static u32 n;
    snprintf(name + strlen(name) - 6, 7, "%06u", n++);
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (interrupted) {
        raise(SIGUSR1);
    }
    return fd;
}

static void a_signal_leaves_no_temporary_file(void **state)
{
    (void)state;
    struct arena a = {0};
    struct sources sources = {0};
    struct diags d;
    char directory[] = "/tmp/witc-signal-XXXXXX";
    str *names;
    u32 n;
    diags_init(&d, &a, &sources);
    assert_non_null(mkdtemp(directory));
    signal(SIGUSR1, abandon);
    interrupted = true;
    struct file_out *f = file_begin(str_to_c(&a, path_join(&a, str_c(directory), STR("file"))), &d);
    interrupted = false;
    signal(SIGUSR1, SIG_DFL);
    assert_non_null(f);
    assert_true(file_list(&a, directory, &names, &n, &d));
    assert_int_equal(n, 0);
    assert_false(file_end(f, true)); /* there is nothing to rename */
    rmdir(directory);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_keeps_contents_while_growing),
        cmocka_unit_test(texts_are_formatted),
        cmocka_unit_test(exhaustion_unwinds_to_the_guard),
        cmocka_unit_test(map_keeps_order_and_values),
        cmocka_unit_test(utf8_accepts_only_well_formed),
        cmocka_unit_test(leb_is_minimal),
        cmocka_unit_test(near_names),
        cmocka_unit_test(numbers),
        cmocka_unit_test(features_by_name),
        cmocka_unit_test(paths),
        cmocka_unit_test(a_file_is_there_when_it_is_whole),
        cmocka_unit_test(a_signal_leaves_no_temporary_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
