/* binary_test.c - reading and writing of modules and components, their limits, and what bad input does. */
#include "wasm.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct arena a;
    struct sources sources;
    struct diags d;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    f->sources.arena = &f->a;
    diags_init(&f->d, &f->a, &f->sources);
}

static bool read(struct fixture *f, str bytes, struct features features, struct wasm_binary *out)
{
    u32 source = sources_add(&f->sources, STR("test.wasm"), bytes, SOURCE_BINARY);
    return wasm_read(&f->a, source, features, out, &f->d);
}

static const char *message(const struct fixture *f)
{
    return f->d.list.len ? str_to_c(f->d.arena, f->d.list.data[0]->message) : "";
}

#define MODULE    "\0asm\1\0\0\0"
#define COMPONENT "\0asm\x0d\0\1\0"

/* A module with every section. */
static const char module_bytes[] = MODULE
    "\1\x0d\3\x60\0\0\x4e\1\x50\0\x5f\0\x60\0\0" /* types: func, (rec (sub (struct))), func */
    "\2\7\1\1m\1f\0\0"                           /* import a function */
    "\3\2\1\0"                                   /* a function */
    "\4\4\1\x70\0\1"                             /* a table */
    "\5\3\1\0\1"                                 /* a memory */
    "\x0d\3\1\0\0"                               /* a tag */
    "\6\6\1\x7f\1\x41\5\x0b"                     /* a global */
    "\7\5\1\1g\3\0"                              /* exports */
    "\x08\1\1"                                   /* start */
    "\x09\x08\1\2\0\x41\0\x0b\0\0"               /* an element segment with explicit table, empty */
    "\x0c\1\1"                                   /* data count */
    "\x0a\4\1\2\0\x0b"                           /* code */
    "\x0b\7\1\0\x41\0\x0b\1x"                    /* data */
    "\0\3\1zq";                                  /* a custom section */

static str module(void)
{
    return str_of(module_bytes, sizeof module_bytes - 1);
}

static void module_reads_and_writes_back(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_binary b;
    begin(&f);
    assert_true(read(&f, module(), features_all(), &b));
    const struct wasm_module *m = b.module;
    assert_int_equal(m->types.len, 3);
    assert_false(m->types.data[0].explicit_rec);
    assert_true(m->types.data[1].explicit_rec);
    assert_int_equal(m->types.data[1].rec_start, 1);
    assert_int_equal(m->types.data[1].rec_count, 1);
    assert_false(m->types.data[1].is_final);
    assert_int_equal(m->imported_funcs, 1);
    assert_int_equal(m->funcs.len, 2);
    assert_int_equal(m->codes.len, 1);
    assert_int_equal(m->elems.data[0].flags, 2);
    assert_int_equal(m->elems.data[0].mode, ELEM_ACTIVE);
    assert_true(str_eq_c(m->datas.data[0].bytes, "x"));
    assert_int_equal(m->customs.data[0].after, 11);
    assert_int_equal(m->sections.len, 14);
    struct buf out = buf_in(&f.a);
    wasm_write_module(&out, m);
    assert_true(str_eq(buf_view(&out), module()));
    arena_free(&f.a);
}

/* Whatever is cut off or overwritten: an answer, and a diagnostic when the answer is no. */
static void damage_is_reported(void **state)
{
    (void)state;
    static const u8 values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t n = sizeof module_bytes - 1;
    for (size_t i = 0; i < n * (LENGTH_OF(values) + 1); i++) {
        struct fixture f;
        struct wasm_binary b;
        begin(&f);
        str copy = str_dup(&f.a, module());
        if (i < n) {
            copy.len = i < 4 ? 4 : i;
        } else {
            size_t at = (i - n) % n < 8 ? 8 : (i - n) % n;
            ((char *)copy.ptr)[at] = (char)values[(i - n) / n];
        }
        bool fine = read(&f, copy, features_all(), &b);
        assert_true(fine == (f.d.errors == 0));
        arena_free(&f.a);
    }
}

static void malformed_has_the_known_words(void **state)
{
    (void)state;
    static const struct {
        str bytes;
        const char *says;
    } rows[] = {
        {STR_INIT(MODULE "\1\1"), "unexpected end"},
        {STR_INIT(MODULE "\x0e\0"), "malformed section id"},
        {STR_INIT(MODULE "\1\6\xff\xff\xff\xff\x0f\x60"), "unexpected end"},
        {STR_INIT(MODULE "\1\6\x80\x80\x80\x80\x80\0"), "integer representation too long"},
        {STR_INIT(MODULE "\1\5\xff\xff\xff\xff\x7f"), "integer too large"},
        {STR_INIT(MODULE "\5\3\1\x10\1"), "malformed limits flags"},
        {STR_INIT(MODULE "\6\5\1\x7f\4\x41\0"), "malformed mutability"},
        {STR_INIT(MODULE "\2\6\1\0\0\5\0\0"), "malformed import kind"},
        {STR_INIT(MODULE "\3\1\0\3\1\0"), "unexpected content after last section"},
        {STR_INIT(MODULE "\x0c\1\1"), "data count and data section have inconsistent lengths"},
        {STR_INIT(MODULE "\x0a\3\1\1\0"), "function and code section have inconsistent lengths"},
        {STR_INIT(MODULE "\6\5\1\x7f\0\x41\0"), "unexpected end"},
        {STR_INIT(COMPONENT "\7\3\1\x70\x40"), "invalid leading byte (0x40)"},
        {STR_INIT(COMPONENT "\x08\3\1\x0c\1"), "non-zero reserved byte"},
        {STR_INIT(COMPONENT "\x0d\0"), "malformed section id"},
        {STR_INIT("\0asm\2\0\0\0"), "unknown binary version"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fixture f;
        struct wasm_binary b;
        begin(&f);
        assert_false(read(&f, rows[i].bytes, features_all(), &b));
        if (!strstr(message(&f), rows[i].says)) {
            fail_msg("row %zu: `%s` is not in `%s`", i, rows[i].says, message(&f));
        }
        arena_free(&f.a);
    }
}

/* `depth` components in one another. */
static str nest(struct arena *a, u32 depth)
{
    str inner = str_dup(a, STR(COMPONENT));
    for (u32 i = 0; i < depth; i++) {
        struct buf b = buf_in(a);
        buf_str(&b, STR(COMPONENT));
        wasm_write_section(&b, 4, inner);
        inner = buf_view(&b);
    }
    return inner;
}

static void nesting_and_number_are_limited(void **state)
{
    (void)state;
    struct wasm_binary b;
    struct fixture f;
    begin(&f);
    assert_true(read(&f, nest(&f.a, 100), features_all(), &b));
    assert_false(read(&f, nest(&f.a, 101), features_all(), &b));
    assert_non_null(strstr(message(&f), "nest deeper than 100"));
    arena_free(&f.a);
    for (u32 extra = 0; extra < 2; extra++) {
        begin(&f);
        struct buf many = buf_in(&f.a);
        buf_str(&many, STR(COMPONENT));
        for (u32 i = 0; i < 999 + extra; i++) {
            wasm_write_section(&many, 1, STR(MODULE));
        }
        assert_true(read(&f, buf_view(&many), features_all(), &b) == !extra);
        arena_free(&f.a);
    }
    /* 101 instance types in one another */
    begin(&f);
    struct buf types = buf_in(&f.a);
    buf_byte(&types, 1);
    for (u32 i = 0; i < 101; i++) {
        buf_put(&types, "\x42\1\1", 3);
    }
    buf_byte(&types, 0x7f);
    struct buf out = buf_in(&f.a);
    buf_str(&out, STR(COMPONENT));
    wasm_write_section(&out, 7, buf_view(&types));
    assert_false(read(&f, buf_view(&out), features_all(), &b));
    assert_non_null(strstr(message(&f), "types nest deeper than 100"));
    arena_free(&f.a);
}

static void closed_gates_are_named_once(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_binary b;
    begin(&f);
    struct features features = features_all();
    features_set(&features, FEATURE_CM_MAP, false);
    assert_false(read(&f, STR(COMPONENT "\7\7\2\x63\x79\x79\x63\x79\x79"), features, &b));
    assert_int_equal(f.d.errors, 1);
    assert_string_equal(message(&f), "map: the feature `cm-map` is not active");
    arena_free(&f.a);
}

static void built_components_read_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct cm_builder b;
    cm_builder_init(&b, &f.a);
    struct wasm_module *m = arena_new(&f.a, struct wasm_module);
    m->bytes = module();
    assert_int_equal(cm_add_module(&b, m), 0);
    struct cm_type func = {.kind = DEF_FUNC};
    assert_int_equal(cm_add_type(&b, func), 0);
    struct cm_import import = {.name = {.name = STR("a"), .external_id = STR("x")},
                               .type = {.sort = SORT_FUNC}};
    assert_int_equal(cm_add_import(&b, import), 0);
    struct cm_canon lower = {.kind = CANON_LOWER};
    lower.opts.has_memory = lower.opts.is_async = true;
    lower.opts.memory = 3;
    assert_int_equal(cm_add_canon(&b, lower), 0);
    struct cm_canon lift = {.kind = CANON_LIFT};
    assert_int_equal(cm_add_canon(&b, lift), 1);
    struct cm_export export_ = {.name = {.name = STR("b")}, .item = {SORT_FUNC, 1}};
    assert_int_equal(cm_add_export(&b, export_), 2);
    cm_add_custom(&b, STR("c"), STR("d"));
    struct buf out = buf_in(&f.a), again = buf_in(&f.a);
    wasm_write_component(&out, b.component);
    struct wasm_binary read_back;
    assert_true(read(&f, buf_view(&out), features_all(), &read_back));
    const struct wasm_component *c = read_back.component;
    assert_int_equal(c->items.len, 7);
    assert_true(str_eq_c(c->imports.data[0].name.external_id, "x"));
    assert_null(c->imports.data[0].name.implements.ptr);
    assert_int_equal(c->canons.data[0].opts.order.len, 2);
    assert_int_equal(c->canons.data[0].opts.memory, 3);
    assert_int_equal(cm_item_sort(c, c->items.data[4]), SORT_FUNC);
    wasm_write_component(&again, c);
    assert_true(str_eq(buf_view(&out), buf_view(&again)));
    arena_free(&f.a);
}

static void attributes_and_options_keep_their_order(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    /* an import "x" (external-id "ext") (implements "a:b/c"), then task.return with utf16 before memory 0 */
    str bytes = STR("\0asm\x0d\0\1\0\7\3\1\x42\0\x0a\x13\1\2\1x\2\2\3ext\0\5a:b/c\5\0"
                    "\x08\x08\1\x09\1\0\2\1\3\0");
    struct wasm_binary b;
    assert_true(read(&f, bytes, features_all(), &b));
    enum cm_attribute order[ATTRIBUTE_COUNT];
    assert_int_equal(cm_name_attributes(&b.component->imports.data[0].name, order), 2);
    assert_int_equal(order[0], ATTRIBUTE_EXTERNAL_ID);
    assert_int_equal(order[1], ATTRIBUTE_IMPLEMENTS);
    struct cm_canon_opts *o = &b.component->canons.data[0].opts;
    u32 index;
    assert_true(cm_option_get(o, OPTION_STRING_UTF16, &index));
    assert_false(cm_option_get(o, OPTION_STRING_UTF8, &index));
    assert_false(cm_option_get(o, OPTION_REALLOC, &index));
    struct buf out = buf_in(&f.a);
    wasm_write_component(&out, b.component);
    assert_true(str_eq(buf_view(&out), bytes));
    cm_option_set(o, OPTION_REALLOC, 7);
    assert_true(cm_option_get(o, OPTION_REALLOC, &index));
    assert_int_equal(index, 7);
    assert_int_equal(o->realloc, 7);
    arena_free(&f.a);
}

static void names_are_read(void **state)
{
    (void)state;
    static const char bytes[] = MODULE "\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b"
                                       "\0\x12\4name\0\2\1m\1\7\2\0\1f\7\1x";
    struct fixture f;
    struct wasm_binary b;
    begin(&f);
    assert_true(read(&f, str_of(bytes, sizeof bytes - 1), features_all(), &b));
    struct wasm_names names;
    wasm_read_names(&f.a, b.module, &names);
    assert_true(str_eq_c(names.module, "m"));
    assert_int_equal(names.func_count, 1);
    assert_true(str_eq_c(names.funcs[0], "f"));
    arena_free(&f.a);
}

static bool discard(void *ctx, str text)
{
    (void)ctx;
    (void)text;
    return true;
}

static void read_write_print(void *ctx)
{
    struct fixture *f = ctx;
    struct wasm_binary b;
    struct wasm_print_options how = {.folded = true};
    struct buf out = buf_in(&f->a);
    if (read(f, module(), features_all(), &b)) {
        wasm_write_module(&out, b.module);
        bool fine = wasm_print_stream(&f->a, &b, &how, discard, NULL, &f->d);
        assert_true(fine);
    }
}

/* Every allocation fails once: it unwinds, and nothing leaks. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    bool done = false;
    u32 n = 1;
    for (; !done && n < 10000; n++) {
        struct fixture f;
        begin(&f);
        mem_fail_after(n);
        done = oom_guard(read_write_print, &f);
        mem_fail_after(0);
        arena_free(&f.a);
    }
    assert_true(done && n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(module_reads_and_writes_back),
        cmocka_unit_test(damage_is_reported),
        cmocka_unit_test(malformed_has_the_known_words),
        cmocka_unit_test(nesting_and_number_are_limited),
        cmocka_unit_test(closed_gates_are_named_once),
        cmocka_unit_test(built_components_read_back),
        cmocka_unit_test(attributes_and_options_keep_their_order),
        cmocka_unit_test(names_are_read),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
