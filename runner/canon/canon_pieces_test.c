/* canon_pieces_test.c - long strings and lists go in pieces: an interrupt ends them in their middle, and characters at the borders stay whole. */
#include "test_world.h"
#include "transfer.h"

#define LONG  (3 * (u32)ENGINE_PIECE)
#define PAGES 512

static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};

/* A realloc of the host: the interrupt comes while it runs. */
static enum engine_outcome ring(void *env, struct engine_task *t, u64 *slots)
{
    (void)t;
    slots[0] = LONG; /* what was there before stays where it is */
    canon_interrupt(env);
    return ENGINE_DONE;
}

/* What the guest's function lowers with, in one encoding. */
static struct cx open_guest(struct world *w, const char *encoding)
{
    static const wasm_valtype words[4] = {WASM_I32, WASM_I32, WASM_I32, WASM_I32};
    static const struct wasm_functype type = {
        .params = words, .param_count = 4, .results = words, .result_count = 1};
    struct buf b;
    world_begin(w);
    b = buf_in(&w->arena);
    buf_printf(&b,
               "(component (core module $m (memory (export \"mem\") %d)"
               " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (unreachable))"
               " (func (export \"f\") (param i32 i32)))"
               "(core instance $i (instantiate $m))"
               "(func (export \"f\") (param \"s\" string) (canon lift (core func $i \"f\")"
               " (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))"
               " string-encoding=%s)))",
               PAGES, encoding);
    world_start(w, buf_view(&b));
    struct canon_func *f = world_export(w, "f");
    f->opts.realloc = engine_host_func(canon_engine(w->store), &type, STR("ring"), ring, w->store);
    return canon_cx(w->store, &f->opts, f->inst);
}

static void is_interrupted(struct world *w, bool fine, const char *what)
{
    if (fine || !str_eq_c(canon_trap_of(w->store)->message, "interrupted")) {
        fail_msg("%s: no interrupt", what);
    }
    canon_clear_trap(w->store);
}

/* Letters; the last character of it does not go into one byte if `wide`. */
static struct text letters(struct arena *a, u32 hint, bool wide)
{
    bool is_utf16 = hint == HINT_UTF16 || hint == HINT_LATIN1_UTF16;
    u8 *at = arena_alloc(a, LONG);
    for (u32 i = 0; i < LONG; i++) {
        at[i] = is_utf16 && i % 2 ? 0 : 'a';
    }
    if (wide) {
        memcpy(at + LONG - 2,
               is_utf16            ? "\x00\x01"
               : hint == HINT_UTF8 ? "\xc4\x80"
                                   : "\xff\xff",
               2);
    }
    return (struct text){.at = at,
                         .end = at + LONG,
                         .units = is_utf16 ? LONG / 2 : LONG,
                         .hint = (u8)hint,
                         .form = (u8)(is_utf16 ? HINT_UTF16 : hint)};
}

static void test_strings_are_interrupted(void **state)
{
    static const u8 hints[] = {HINT_UTF8, HINT_UTF16, HINT_LATIN1, HINT_LATIN1_UTF16};
    (void)state;
    for (u32 to = 0; to < LENGTH_OF(encodings); to++) {
        struct world w;
        struct cx cx = open_guest(&w, encodings[to]);
        for (u32 h = 0; h < 2 * LENGTH_OF(hints); h++) {
            u64 ptr, units;
            struct text text = letters(&w.arena, hints[h / 2], h % 2);
            bool fine = canon_store_string(&cx, &text, &ptr, &units);
            is_interrupted(&w, fine, encodings[to]);
        }
        world_end(&w);
    }
}

static void test_lists_are_interrupted(void **state)
{
    (void)state;
    struct world w;
    struct cx cx = open_guest(&w, "utf8");
    struct canon_type *list = canon_type_new(&w.arena, CANON_T_LIST);
    list->element = canon_prim(CANON_T_U8);
    assert_true(canon_type_finish(list));
    struct canon_value v = canon_bytes(str_of(arena_alloc(&w.arena, LONG), LONG));
    is_interrupted(&w, canon_lower_value(&cx, &v, list, 0, CANON_MEMORY_32), "list<u8>");
    world_end(&w);
}

/* Overlapping in either direction, of lengths around those of pieces. */
static void test_moves(void **state)
{
    (void)state;
    struct world w;
    struct cx cx = open_guest(&w, "utf8");
    u8 *want = arena_alloc(&w.arena, 2 * LONG);
    for (u32 i = 0; i < 2 * LONG; i++) {
        want[i] = cx.mem[i] = (u8)(i * 7 + (i >> 8));
    }
    for (u32 n = 0; n < 30; n++) {
        u32 from = n % 2 ? 100 : 4000, to = n % 3 ? 3000 : 50;
        u32 length = n % 5 * (u32)ENGINE_PIECE / 2 + n / 5 - 1;
        length = length > LONG ? n : length;
        memmove(want + to, want + from, length);
        assert_true(canon_move(cx.inst, cx.mem + to, cx.mem + from, length, CANON_T_U8));
        assert_memory_equal(want, cx.mem, 2 * LONG);
    }
    world_end(&w);
}

/* Characters, whole and not, around the border of a piece: as if there was none. */
static void test_borders(void **state)
{
    static const char *const words[] = {
        "\xc4\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x80\x80\x80\x80\x80",
        "\xc4",     "\xe2\x82",     "\xf0\x9f\x98",     "\xf0\x9f\x98\x80\x80",
        "\xff"};
    (void)state;
    struct world w;
    struct cx cx = open_guest(&w, "utf8");
    for (u32 i = 0; i < LENGTH_OF(words); i++) {
        for (u32 at = (u32)ENGINE_PIECE - 6; at < ENGINE_PIECE + 3; at++) {
            size_t n = strlen(words[i]);
            memset(cx.mem, 'a', LONG);
            memcpy(cx.mem + at, words[i], n);
            size_t bad = utf8_check(str_of((const char *)cx.mem, LONG));
            assert_int_equal(canon_check_string(&cx, 0, LONG), bad == SIZE_MAX);
            if (bad != SIZE_MAX) {
                struct buf b = buf_in(&w.arena);
                buf_printf(&b, "byte %zu of the %u at 0", bad + 1, LONG);
                assert_true(str_starts(canon_trap_of(w.store)->detail, buf_view(&b)));
                canon_clear_trap(w.store);
            }
        }
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_interrupted),
        cmocka_unit_test(test_lists_are_interrupted),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
