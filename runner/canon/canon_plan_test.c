/* canon_plan_test.c - random types and values, some of them lies: a plan does to memory, realloc, handles and traps what lifting to a value and
 * lowering that does. */
#include "plan.h"
#include "test_world.h"

#define IMAGE   65536u /* of the source's memory */
#define HANDLES 24     /* of the source: of each sort so many */
#define SORTS   4

static u64 random_state;
static u32 roll(u32 n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (u32)(random_state >> 20) % n;
}

/* ---- Types --------------------------------------------------------------------------------------- */

static struct canon_resource_type resource = {.name = {"r", 1}};

static const struct canon_type *random_type(struct arena *a, u32 depth);

static void random_fields(struct arena *a, struct canon_type *t, u32 n, bool with_types, u32 depth)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    t->fields = arena_array(a, struct canon_field, n);
    t->field_count = n;
    for (u32 i = 0; i < n; i++) {
        bool is_case = t->kind == CANON_T_VARIANT || t->kind == CANON_T_RESULT;
        t->fields[i].name = str_c(names[i % LENGTH_OF(names)]);
        if (with_types && (!is_case || roll(3))) {
            t->fields[i].type = random_type(a, depth - 1);
        }
    }
}

static const struct canon_type *random_type(struct arena *a, u32 depth)
{
    static const u8 inner[] = {CANON_T_LIST,    CANON_T_LIST,   CANON_T_FIXED_LIST, CANON_T_MAP,
                               CANON_T_RECORD,  CANON_T_RECORD, CANON_T_TUPLE,      CANON_T_VARIANT,
                               CANON_T_VARIANT, CANON_T_OPTION, CANON_T_RESULT};
    static const u8 others[] = {CANON_T_FLAGS,  CANON_T_ENUM,   CANON_T_OWN,
                                CANON_T_BORROW, CANON_T_STREAM, CANON_T_FUTURE};
    if (!depth || roll(4) == 0) {
        u32 k = roll(CANON_T_ERROR_CONTEXT + 1 + LENGTH_OF(others));
        if (k <= CANON_T_ERROR_CONTEXT) {
            return canon_prim((enum canon_kind)k);
        }
        struct canon_type *t = canon_type_new(a, others[k - CANON_T_ERROR_CONTEXT - 1]);
        if (t->kind == CANON_T_FLAGS || t->kind == CANON_T_ENUM) {
            random_fields(a, t, t->kind == CANON_T_ENUM && !roll(4) ? 300 : 1 + roll(32), false, 0);
        }
        t->resource = &resource;
        assert_true(canon_type_finish(t));
        return t;
    }
    struct canon_type *t = canon_type_new(a, inner[roll(LENGTH_OF(inner))]);
    switch (t->kind) {
    case CANON_T_FIXED_LIST: t->length = 1 + roll(5); /* fall through */
    case CANON_T_LIST: t->element = random_type(a, depth - 1); break;
    case CANON_T_MAP:
    case CANON_T_RESULT: random_fields(a, t, 2, true, depth); break;
    case CANON_T_OPTION:
        random_fields(a, t, 2, false, 0);
        t->fields[1].type = random_type(a, depth - 1);
        break;
    default: random_fields(a, t, 1 + roll(5), true, depth); break;
    }
    assert_true(canon_type_finish(t));
    return t;
}

/* ---- Values in memory or cells --------------------------------------------------------------------------- */

struct maker {
    u8 image[IMAGE];
    u32 top;
    u32 lies; /* one in so many; 0: none */
    u8 p;
    enum cm_encoding encoding;
};

static bool lies(struct maker *m)
{
    return m->lies && roll(m->lies) == 0;
}

static u32 room(struct maker *m, u32 size, u32 align)
{
    u32 at = align_to(m->top, align);
    if (at + size > IMAGE) {
        at = align_to(1024, align); /* what is there already will do */
        size = 0;
    }
    m->top = at + size;
    return at;
}

static void put(u8 *at, u64 v, u32 bytes)
{
    memcpy(at, &v, bytes);
}

static void put_words(struct maker *m, u8 *at, enum canon_layout l, u64 ptr, u64 length)
{
    if (lies(m)) {
        static const u64 bad[] = {65535, 65537, 3, 0xffffffff, 0x80000001, 0x10000000, 0};
        *(roll(2) ? &ptr : &length) = bad[roll(LENGTH_OF(bad))];
    }
    u32 stride = l == CANON_MEMORY_32 ? 4 : 8;
    put(at, ptr, l & 1 ? 8 : 4);
    put(at + stride, length, l & 1 ? 8 : 4);
}

static void make_string(struct maker *m, u8 *at, enum canon_layout l)
{
    static const u32 scalars[] = {'a',   0x7f,  0x80,  0xe9,   0xff,
                                  0x100, 0x7ff, 0x800, 0xffff, 0x1f600};
    bool wide = m->encoding == ENCODING_UTF16 || (m->encoding == ENCODING_LATIN1_UTF16 && roll(2));
    bool narrow = m->encoding == ENCODING_LATIN1_UTF16 && !wide;
    u32 kinds = roll(3) ? roll(LENGTH_OF(scalars)) + 1 : 2, n = roll(3) ? roll(12) : 0;
    u32 start = room(m, 64, 2), bytes = 0;
    for (u32 i = 0; i < n; i++) {
        u32 c = scalars[roll(kinds)];
        if (narrow) {
            m->image[start + bytes++] = (u8)c;
        } else if (!wide) {
            bytes += utf8_encode(c, (char *)m->image + start + bytes);
        } else if (c < 0x10000) {
            put(m->image + start + bytes, c, 2);
            bytes += 2;
        } else {
            put(m->image + start + bytes, 0xd800 + ((c - 0x10000) >> 10), 2);
            put(m->image + start + bytes + 2, 0xdc00 + (c & 0x3ff), 2);
            bytes += 4;
        }
    }
    if (bytes && lies(m)) {
        m->image[start + roll(bytes)] = (u8)(0x80 + roll(128));
    }
    bool tagged = m->encoding == ENCODING_LATIN1_UTF16 && wide;
    put_words(m, at, l, start, (wide ? bytes / 2 : bytes) | (u64)tagged << (m->p ? 63 : 31));
}

static void make_value(struct maker *m, const struct canon_type *t, u8 *at, enum canon_layout l);

static void make_list(struct maker *m, const struct canon_type *t, u8 *at, enum canon_layout l)
{
    const struct canon_type *e = t->element;
    u32 n = roll(5), size = e->size[m->p];
    if ((u64)m->top + n * size + 64 > IMAGE) {
        n = 0;
    }
    u32 start = room(m, n * size, e->align[m->p]);
    for (u32 i = 0; i < n; i++) {
        make_value(m, e, m->image + start + i * size, m->p);
    }
    put_words(m, at, l, start, n);
}

static void make_handle(struct maker *m, const struct canon_type *t, u8 *at)
{
    u32 sort = t->kind == CANON_T_ERROR_CONTEXT ? 1
               : t->kind == CANON_T_STREAM      ? 2
               : t->kind == CANON_T_FUTURE      ? 3
                                                : 0;
    put(at, lies(m) ? roll(SORTS * HANDLES + 3) : 1 + sort * HANDLES + roll(HANDLES), 4);
}

static void make_scalar(struct maker *m, const struct canon_type *t, u8 *at)
{
    static const u64 numbers[] = {0,      1,      0x7f,       0x80,       0xff,
                                  0x8000, 0xffff, 0x7fc00001, 0xffffffff, 0x7ff8000000000001};
    u64 v = roll(2) ? numbers[roll(LENGTH_OF(numbers))]
                    : (u64)roll(UINT32_MAX) << 32 | roll(UINT32_MAX);
    if (t->kind == CANON_T_CHAR) {
        static const u32 bad[] = {0xd800, 0xdfff, 0x110000, 0xffffffff};
        v = lies(m) ? bad[roll(LENGTH_OF(bad))] : roll(0xd800);
    }
    put(at, v, t->size[0]);
}

static void make_value(struct maker *m, const struct canon_type *t, u8 *at, enum canon_layout l)
{
    switch (t->kind) {
    case CANON_T_STRING: make_string(m, at, l); return;
    case CANON_T_LIST:
    case CANON_T_MAP: make_list(m, t, at, l); return;
    case CANON_T_FIXED_LIST:
        for (u32 i = 0; i < t->length; i++) {
            make_value(m, t->element, at + i * t->element->size[l], l);
        }
        return;
    case CANON_T_RECORD:
    case CANON_T_TUPLE:
        for (u32 i = 0; i < t->field_count; i++) {
            make_value(m, t->fields[i].type, at + t->fields[i].offset[l], l);
        }
        return;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: {
        u32 index = roll(t->field_count);
        put(at, lies(m) ? t->field_count : index, canon_is_flat(l) ? 4 : t->disc_size);
        if (t->fields[index].type) {
            make_value(m, t->fields[index].type, at + t->fields[index].offset[l], l);
        }
        return;
    }
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE:
    case CANON_T_ERROR_CONTEXT: make_handle(m, t, at); return;
    default: make_scalar(m, t, at); return;
    }
}

/* ---- Two guests, twice --------------------------------------------------------------------------------------- */

/* Its realloc keeps a journal from 64 on and counts in the word at 0; the call with the number at 8 gives what stands at 16. `@` is i32 or
 * i64, `#` "i64 " or nothing. */
static const char guest[] =
    "(core module $m (memory (export \"mem\") #1)"
    " (func (export \"f\") (param @ @))"
    " (func (export \"realloc\") (param $old @) (param $had @) (param $align @) (param $size @)"
    "  (result @) (local $at @) (local $log @)"
    "  (local.set $log (@.add (@.const 64) (@.mul (@.const 32)"
    "   (@.and (@.load (@.const 0)) (@.const 127)))))"
    "  (@.store (local.get $log) (local.get $old))"
    "  (@.store offset=8 (local.get $log) (local.get $had))"
    "  (@.store offset=16 (local.get $log) (local.get $align))"
    "  (@.store offset=24 (local.get $log) (local.get $size))"
    "  (@.store (@.const 0) (@.add (@.load (@.const 0)) (@.const 1)))"
    "  (if (@.eq (@.load (@.const 0)) (@.load (@.const 8)))"
    "   (then (return (@.load (@.const 16)))))"
    "  (local.set $at (@.and (@.sub (@.add (@.load (@.const 24)) (local.get $align)) (@.const 1))"
    "   (@.sub (@.const 0) (local.get $align))))"
    "  (@.store (@.const 24) (@.add (local.get $at) (local.get $size)))"
    "  (if (@.gt_u (@.load (@.const 24)) (@.mul (memory.size) (@.const 65536)))"
    "   (then (drop (memory.grow (@.const 1)))))"
    "  (memory.copy (local.get $at) (local.get $old)"
    "   (select (local.get $had) (local.get $size) (@.lt_u (local.get $had) (local.get $size))))"
    "  (local.get $at)))";

static void put_guest(struct buf *b, char name, u8 p, enum cm_encoding encoding)
{
    static const char *const encodings[] = {[ENCODING_UTF8] = "utf8",
                                            [ENCODING_UTF16] = "utf16",
                                            [ENCODING_LATIN1_UTF16] = "latin1+utf16"};
    buf_printf(b, "(component $%c ", name);
    for (const char *c = guest; *c; c++) {
        buf_c(b, *c == '@' ? (p ? "i64" : "i32") : *c == '#' ? (p ? "i64 " : "") : (char[]){*c, 0});
    }
    buf_printf(b,
               "(core instance $i (instantiate $m)) (func (export \"f\") (param \"s\" string)"
               " (canon lift (core func $i \"f\") (memory (core memory $i \"mem\"))"
               " (realloc (core func $i \"realloc\")) string-encoding=%s)))"
               "(instance $i%c (instantiate $%c)) (export \"%c\" (func $i%c \"f\"))",
               encodings[encoding], name, name, name + 'a' - 'A', name);
}

struct pair {
    struct world w;
    const struct canon_func *a, *b;
    struct canon_end *writable[2 * HANDLES];
};

static void pair_begin(struct pair *x, u8 p, enum cm_encoding from, u8 q, enum cm_encoding to)
{
    world_begin(&x->w);
    struct buf text = buf_in(&x->w.arena);
    buf_c(&text, "(component ");
    put_guest(&text, 'A', p, from);
    put_guest(&text, 'B', q, to);
    buf_c(&text, ")");
    world_start(&x->w, buf_view(&text));
    x->a = world_export(&x->w, "a");
    x->b = world_export(&x->w, "b");
    struct component_instance *i = x->a->inst;
    for (u32 k = 0; k < HANDLES; k++) {
        struct handle h = {.kind = HANDLE_RESOURCE, .own = true};
        h.rt = &resource;
        h.rep = k;
        assert_int_equal(canon_handle_add(i, h), 1 + k);
    }
    for (u32 k = 0; k < HANDLES; k++) {
        struct handle h = {.kind = HANDLE_ERROR};
        h.error = canon_error_new(x->w.store, STR("why"));
        canon_handle_add(i, h);
    }
    for (u32 k = 0; k < 2 * HANDLES; k++) {
        struct handle h = {.kind = HANDLE_END};
        h.end = canon_ends_new(x->w.store, k < HANDLES, NULL, i, &x->writable[k]);
        h.end->index = canon_handle_add(i, h);
    }
}

static void compare_handles(const struct component_instance *a, const struct component_instance *b)
{
    assert_int_equal(a->handles.len, b->handles.len);
    assert_int_equal(a->handles.live, b->handles.live);
    for (u32 i = 0; i < a->handles.len; i++) {
        const struct handle *h = &a->handles.data[i], *g = &b->handles.data[i];
        assert_int_equal(h->kind, g->kind);
        assert_int_equal(h->num_lends, g->num_lends);
        if (h->kind == HANDLE_RESOURCE) {
            assert_int_equal(h->rep, g->rep);
            assert_int_equal(h->own, g->own);
        }
    }
}

static void compare_memories(const struct canon_func *a, const struct canon_func *b)
{
    u64 size = engine_memory_size(a->opts.memory);
    assert_int_equal(size, engine_memory_size(b->opts.memory));
    assert_memory_equal(engine_memory_data(a->opts.memory), engine_memory_data(b->opts.memory),
                        size);
}

/* ---- Passing --------------------------------------------------------------------------------------------------- */

struct run {
    const struct canon_type *type;
    struct maker made;
    u64 cells[16];
    bool plain_lists;
    u32 max_flat;         /* of the source */
    u32 target_flat;      /* of the target; not MAX_FLAT_PARAMS: an out-parameter */
    u64 bad_call, bad_at; /* of the target's realloc */
};

struct outcome {
    bool fine;
    u64 slots[MAX_FLAT_PARAMS + 1];
    str trap;
    u32 lenders, borrows;
};

static enum canon_layout layout(u8 p, const struct canon_type *t, u32 max_flat)
{
    return p + (t->flat_count <= max_flat ? CANON_FLAT_32 : CANON_MEMORY_32);
}

/* Values to show are those that a tree has, where its kinds can be compared. */
static void check_shown(struct transfer *x, struct transfer *tree)
{
    const struct canon_value *shown = canon_transfer_show(x);
    assert_non_null(shown);
    if (tree && !x->type->has_handle) {
        assert_true(canon_value_equal(shown, &tree->value, x->type));
    }
}

static struct outcome pass(struct pair *x, const struct run *r, bool with_plan, struct transfer *t)
{
    struct canon_store *s = x->w.store;
    struct outcome o = {0};
    struct lowered low = {.inst = x->a->inst};
    struct subtask sub = {.low = &low};
    struct task task = {.inst = x->b->inst};
    u8 *target = engine_memory_data(x->b->opts.memory);
    u32 q = x->b->opts.p;
    memcpy(engine_memory_data(x->a->opts.memory), r->made.image, IMAGE);
    put(target + 8, r->bad_call, q ? 8 : 4);
    put(target + 16, r->bad_at, q ? 8 : 4);
    put(target + 24, 8192, q ? 8 : 4);
    canon_transfer_begin(t, s, &x->a->opts, x->a->inst, r->type);
    t->from.lender = &sub;
    t->from.for_guest = with_plan || r->plain_lists; /* a tree may have plain lists in bytes */
    canon_scratch_enter(s);
    struct cx to = canon_cx(s, &x->b->opts, x->b->inst);
    to.borrow_scope = &task;
    const struct plan *plan =
        with_plan ? canon_plan_new(s, r->type, layout(x->a->opts.p, r->type, r->max_flat),
                                   layout(x->b->opts.p, r->type, r->target_flat))
                  : NULL;
    u64 at, out = 32768;
    enum canon_layout l;
    o.fine = canon_transfer_lift(t, plan, r->max_flat, r->cells);
    if (o.fine && with_plan) {
        compare_memories(x->b, x->b); /* the target was not touched: its realloc is at 0 calls */
        assert_int_equal(*(u32 *)target, 0);
    }
    o.fine = o.fine &&
             (r->target_flat == MAX_FLAT_PARAMS
                  ? canon_place_params(&to, r->type, o.slots, &at, &l)
                  : canon_place_result(&to, r->target_flat, r->type, &out, o.slots, &at, &l)) &&
             canon_transfer_lower(t, &to, at, l);
    o.trap = o.fine ? STR("") : s->trap.message;
    o.lenders = sub.lender_count;
    o.borrows = task.num_borrows;
    mem_free(sub.lenders);
    canon_clear_trap(s);
    assert_memory_equal(engine_memory_data(x->a->opts.memory), r->made.image, IMAGE);
    return o;
}

static u32 traps, passed;

static void try_seed(u64 seed)
{
    static struct run r;
    struct arena a = {0};
    random_state = seed * 0x9e3779b97f4a7c15 + 1;
    roll(2);
    memset(&r, 0, sizeof r);
    u8 p = (u8)(roll(3) == 0), q = (u8)(roll(3) == 0);
    enum cm_encoding from = (enum cm_encoding)roll(3), to = (enum cm_encoding)roll(3);
    r.type = random_type(&a, 1 + roll(4));
    r.made.p = p;
    r.made.encoding = from;
    r.made.top = 1024;
    r.made.lies = roll(2) ? 0 : 4 + roll(20);
    static const u32 flats[] = {0, 1, 4, 16};
    r.plain_lists = roll(2);
    r.max_flat = flats[1 + roll(3)];
    r.target_flat = flats[roll(4)];
    r.bad_call = roll(6) ? 0 : 1 + roll(4);
    static const u64 bad[] = {1, 65535, 1000000, 4096};
    r.bad_at = bad[roll(4)];
    enum canon_layout l = layout(p, r.type, r.max_flat);
    for (u32 i = 0; i < 16; i++) { /* the upper halves of what fills half a cell do not count */
        r.cells[i] = (u64)roll(UINT32_MAX) << 32;
    }
    if (canon_is_flat(l)) {
        make_value(&r.made, r.type, (u8 *)r.cells, l);
    } else {
        u32 size = r.type->size[p], at = room(&r.made, size, r.type->align[p]);
        if (at + size < IMAGE) {
            make_value(&r.made, r.type, r.made.image + at, l);
        }
        r.cells[0] = lies(&r.made) ? 3 : at;
    }
    struct pair x, y;
    pair_begin(&x, p, from, q, to);
    pair_begin(&y, p, from, q, to);
    struct transfer plan, tree;
    struct outcome o = pass(&x, &r, true, &plan), n = pass(&y, &r, false, &tree);
    struct buf what = buf_in(&a);
    canon_type_print(&what, r.type);
    if (o.fine != n.fine || !str_eq(o.trap, n.trap)) {
        fail_msg("seed %llu, " STRF ": plan `" STRF "`, tree `" STRF "`", (unsigned long long)seed,
                 STRA(buf_view(&what)), STRA(o.trap), STRA(n.trap));
    }
    if (o.fine) {
        assert_memory_equal(o.slots, n.slots, sizeof o.slots);
        check_shown(&plan, r.plain_lists ? NULL : &tree);
    }
    *(o.fine ? &passed : &traps) += 1;
    assert_int_equal(o.lenders, n.lenders);
    assert_int_equal(o.borrows, n.borrows);
    compare_memories(x.b, y.b);
    compare_handles(x.a->inst, y.a->inst);
    compare_handles(x.b->inst, y.b->inst);
    canon_scratch_leave(x.w.store);
    canon_scratch_leave(y.w.store);
    world_end(&x.w);
    world_end(&y.w);
    arena_free(&a);
}

/* What is small as a type may be large as a plan: then there is none, soon. */
static void test_large(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    for (u32 kind = 0; kind < 2; kind++) {
        const struct canon_type *t = canon_prim(CANON_T_CHAR);
        for (u32 depth = 0; depth < (kind ? 15 : 60); depth++) {
            struct canon_type *outer =
                canon_type_new(&w.arena, kind ? CANON_T_TUPLE : CANON_T_VARIANT);
            outer->fields = arena_array(&w.arena, struct canon_field, 2);
            outer->field_count = 2;
            outer->fields[0].type = outer->fields[1].type = t;
            assert_true(canon_type_finish(outer));
            t = outer;
        }
        assert_null(canon_plan_new(w.store, t, CANON_MEMORY_32, CANON_MEMORY_32));
    }
    u32 made = 0; /* and all together they are not large either */
    while (made < 3000 &&
           canon_plan_new(w.store, canon_prim(CANON_T_CHAR), CANON_MEMORY_32, CANON_MEMORY_32)) {
        made++;
        w.store->plan_steps += 1000;
    }
    assert_in_range(made, 1000, 2000);
    world_end(&w);
}

/* Which values go from cells to cells at once, without a transfer around them. */
static void test_cells(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool is_cells, is_masked;
    } rows[] = {
        {"u32", true, true},
        {"tuple<s8, u64>", true, false},
        {"tuple<u8, u64>", true, true},
        {"option<u32>", true, false},
        {"tuple<u32, option<f64>>", true, false},
        {"result<char, enum{a, b}>", true, false},
        {"variant{x(tuple<u8, option<u16>>), y, z(f32)}", true, false},
        {"string", false, false},
        {"option<string>", false, false},
        {"result<u32, list<u8>>", false, false},
    };
    struct world w;
    world_begin(&w);
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        str why;
        const struct canon_type *t =
            canon_parse_type(&w.arena, str_c(rows[i].type), NULL, NULL, &why);
        assert_non_null(t);
        const struct plan *p = canon_plan_new(w.store, t, CANON_FLAT_32, CANON_FLAT_32);
        if (p->is_cells != rows[i].is_cells || (p->masked != 0) != rows[i].is_masked) {
            fail_msg("%s: cells %d, masked %u", rows[i].type, p->is_cells, p->masked);
        }
    }
    world_end(&w);
}

static u64 runs = 400;

static void test_random(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= runs; seed++) {
        try_seed(seed);
    }
    assert_in_range(traps, runs / 10, runs / 2);
    assert_in_range(passed, runs / 3, runs);
}

/* `canon_plan_test N` goes through so many. */
int main(int argc, char **argv)
{
    runs = argc > 1 ? strtoull(argv[1], NULL, 0) : runs;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
