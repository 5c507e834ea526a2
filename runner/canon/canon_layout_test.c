/* canon_layout_test.c - every shape of value from core values and bytes in memory to the host and back: two guests hand it on, so that each is
 * lifted and lowered in both directions, between memories and at the host. And the core types of functions. */
#include "test_world.h"

/* ---- Values as text; a NUL in a string shows as @ ------------------------------------------------------------- */

static void print_value(struct buf *b, const struct canon_value *v, const struct canon_type *t);

static void print_fields(struct buf *b, const struct canon_value *v, const struct canon_type *t)
{
    for (u32 i = 0; i < t->field_count; i++) {
        buf_c(b, i ? "," : "");
        if (t->kind == CANON_T_RECORD) {
            buf_printf(b, STRF ":", STRA(t->fields[i].name));
        }
        print_value(b, &v->items[i], t->fields[i].type);
    }
}

static void print_list(struct buf *b, const struct canon_value *v, const struct canon_type *t)
{
    u32 count = v->is_bytes ? v->text.len : v->count;
    buf_c(b, "[");
    for (u32 i = 0; i < count; i++) {
        buf_c(b, i ? "," : "");
        if (v->is_bytes) {
            buf_printf(b, "%d",
                       t->element->kind == CANON_T_S8 ? (i8)v->text.ptr[i] : (u8)v->text.ptr[i]);
        } else if (t->kind == CANON_T_MAP) {
            print_fields(b, &v->items[i], t);
        } else {
            print_value(b, &v->items[i], t->element);
        }
    }
    buf_c(b, "]");
}

static void print_flags(struct buf *b, const struct canon_value *v, const struct canon_type *t)
{
    const char *comma = "";
    buf_c(b, "{");
    for (u32 i = 0; i < t->field_count; i++) {
        if (v->u >> i & 1) {
            buf_printf(b, "%s" STRF, comma, STRA(t->fields[i].name));
            comma = ",";
        }
    }
    buf_c(b, "}");
}

static void print_value(struct buf *b, const struct canon_value *v, const struct canon_type *t)
{
    switch (t->kind) {
    case CANON_T_BOOL: buf_c(b, v->u ? "true" : "false"); break;
    case CANON_T_S8:
    case CANON_T_S16:
    case CANON_T_S32:
    case CANON_T_S64: buf_printf(b, "%lld", (long long)v->s); break;
    case CANON_T_F32: buf_printf(b, "%.9g", (double)v->f32); break;
    case CANON_T_F64: buf_printf(b, "%.17g", v->f64); break;
    case CANON_T_STRING:
        buf_c(b, "'");
        for (u32 i = 0; i < v->text.len; i++) {
            buf_byte(b, v->text.ptr[i] ? (u8)v->text.ptr[i] : '@');
        }
        buf_c(b, "'");
        break;
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST:
    case CANON_T_MAP: print_list(b, v, t); break;
    case CANON_T_RECORD:
    case CANON_T_TUPLE:
        buf_c(b, "(");
        print_fields(b, v, t);
        buf_c(b, ")");
        break;
    case CANON_T_FLAGS: print_flags(b, v, t); break;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT:
        buf_str(b, t->fields[v->index].name);
        if (t->fields[v->index].type) {
            buf_c(b, "(");
            print_value(b, v->payload, t->fields[v->index].type);
            buf_c(b, ")");
        }
        break;
    default: buf_printf(b, "%llu", (unsigned long long)v->u);
    }
}

static str value_text(struct arena *a, const struct canon_value *v, const struct canon_type *t)
{
    struct buf b = buf_in(a);
    print_value(&b, v, t);
    return buf_view(&b);
}

/* ---- Guests from types ------------------------------------------------------------------------------------ */

/* Types with names of their own are imported, as the validator wants; `decls` collects them. */
struct types {
    struct arena *arena;
    struct buf decls, uses; /* uses: (with "n" (type $n)) */
    u32 count;
};

static str put_type(struct types *x, const struct canon_type *t);

static void put_cases(struct types *x, struct buf *b, const struct canon_type *t, const char *word)
{
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_type *type = t->fields[i].type;
        str text = type ? put_type(x, type) : STR("");
        buf_printf(b, " (%s \"" STRF "\" " STRF ")", word, STRA(t->fields[i].name), STRA(text));
    }
}

static str put_named(struct types *x, struct buf *b)
{
    u32 n = x->count++;
    struct buf name = buf_in(x->arena);
    buf_printf(&x->decls, "(type $d%u " STRF ") (import \"n%u\" (type $n%u (eq $d%u)))", n,
               STRA(buf_view(b)), n, n, n);
    buf_printf(&x->uses, "(with \"n%u\" (type $n%u))", n, n);
    buf_printf(&name, "$n%u", n);
    return buf_view(&name);
}

/* The type as it stands in a signature. */
static str put_type(struct types *x, const struct canon_type *t)
{
    struct buf b = buf_in(x->arena);
    switch (t->kind) {
    case CANON_T_LIST:
        buf_printf(&b, "(list " STRF ")", STRA(put_type(x, t->element)));
        return buf_view(&b);
    case CANON_T_FIXED_LIST:
        buf_printf(&b, "(list " STRF " %u)", STRA(put_type(x, t->element)), t->length);
        return buf_view(&b);
    case CANON_T_MAP:
        buf_printf(&b, "(map " STRF " " STRF ")", STRA(put_type(x, t->fields[0].type)),
                   STRA(put_type(x, t->fields[1].type)));
        return buf_view(&b);
    case CANON_T_OPTION:
        buf_printf(&b, "(option " STRF ")", STRA(put_type(x, t->fields[1].type)));
        return buf_view(&b);
    case CANON_T_RESULT:
        buf_printf(&b, "(result " STRF " (error " STRF "))", STRA(put_type(x, t->fields[0].type)),
                   STRA(put_type(x, t->fields[1].type)));
        return buf_view(&b);
    case CANON_T_TUPLE:
        buf_c(&b, "(tuple");
        for (u32 i = 0; i < t->field_count; i++) {
            buf_printf(&b, " " STRF, STRA(put_type(x, t->fields[i].type)));
        }
        buf_c(&b, ")");
        return buf_view(&b);
    case CANON_T_RECORD:
        buf_c(&b, "(record");
        put_cases(x, &b, t, "field");
        buf_c(&b, ")");
        return put_named(x, &b);
    case CANON_T_VARIANT:
        buf_c(&b, "(variant");
        put_cases(x, &b, t, "case");
        buf_c(&b, ")");
        return put_named(x, &b);
    case CANON_T_FLAGS:
    case CANON_T_ENUM:
        buf_c(&b, t->kind == CANON_T_FLAGS ? "(flags" : "(enum");
        for (u32 i = 0; i < t->field_count; i++) {
            buf_printf(&b, " \"" STRF "\"", STRA(t->fields[i].name));
        }
        buf_c(&b, ")");
        return put_named(x, &b);
    default: canon_type_print(&b, t); return buf_view(&b);
    }
}

struct bytes {
    const char *ptr;
    u32 len;
};
#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

struct row {
    const char *type, *args;
    const char *want; /* NULL: a trap */
    struct bytes memory;
    bool wide;
    const char *from, *to; /* encodings; NULL: utf8 */
};

static const char *core_name(u8 kind)
{
    return kind == WASM_I32 ? "i32" : kind == WASM_I64 ? "i64" : kind == WASM_F32 ? "f32" : "f64";
}

static void put_core_params(struct buf *b, const struct canon_type *t, bool wide)
{
    buf_c(b, "(param");
    for (u32 i = 0; i < t->flat_count && t->flat_count <= 16; i++) {
        buf_printf(b, " %s", core_name(t->flat[wide][i]));
    }
    buf_printf(b, "%s)", t->flat_count <= 16 ? "" : wide ? " i64" : " i32");
}

static void put_args(struct buf *b, const struct canon_type *t, bool wide, const char *args)
{
    bool spilled = t->flat_count > 16;
    char *end;
    for (u32 i = 0; i < (spilled ? 1 : t->flat_count); i++) {
        const char *kind = spilled ? (wide ? "i64" : "i32") : core_name(t->flat[wide][i]);
        if (!args) {
            buf_printf(b, " (local.get %u)", i);
        } else if (kind[0] == 'f') {
            buf_printf(b, " (%s.const %.9g)", kind, strtod(args, &end));
            args = end;
        } else {
            buf_printf(b, " (%s.const %llu)", kind, strtoull(args, &end, 0));
            args = end;
        }
    }
}

static void put_lib(struct buf *b, bool wide, struct bytes memory)
{
    const char *p = wide ? "i64" : "i32";
    buf_printf(
        b,
        "(core module $lib (memory (export \"mem\") %s 1) (global $at (mut %s) (%s.const 8192))"
        "(func (export \"realloc\") (param $old %s) (param $len %s) (param $align %s) (param $n %s)"
        " (result %s) (local $new %s)"
        " (local.set $new (%s.and (%s.add (global.get $at) (%s.const 7)) (%s.const -8)))"
        " (global.set $at (%s.add (local.get $new) (local.get $n)))"
        " (memory.copy (local.get $new) (local.get $old)"
        "  (select (local.get $len) (local.get $n) (%s.lt_u (local.get $len) (local.get $n))))"
        " (local.get $new)) (data (%s.const 0) \"",
        wide ? "i64" : "", p, p, p, p, p, p, p, p, p, p, p, p, p, p, p);
    for (u32 i = 0; i < memory.len; i++) {
        buf_printf(b, "\\%02x", (u8)memory.ptr[i]);
    }
    buf_c(b, "\")) (core instance $lib (instantiate $lib))");
}

/* A component that hands its argument to `echo` and gives back the result; `get` does so with the core values of the row. */
static void put_component(struct buf *b, const char *name, const struct row *r,
                          const struct canon_type *t, const struct types *x, str type)
{
    bool is_source = name[0] == 'S', returns_pointer = t->flat_count > 1;
    const char *p = r->wide ? "i64" : "i32", *encoding = is_source ? r->from : r->to;
    const char *result = returns_pointer ? p : core_name(t->flat[r->wide][0]);
    struct buf options = buf_in(b->arena);
    buf_printf(&options,
               "(memory (core memory $lib \"mem\")) (realloc (core func $lib \"realloc\"))"
               " string-encoding=%s",
               encoding ? encoding : "utf8");
    buf_printf(b,
               "(component $%s " STRF "(import \"echo\" (func $echo (param \"x\" " STRF
               ") (result " STRF ")))",
               name, STRA(buf_view(&x->decls)), STRA(type), STRA(type));
    put_lib(b, r->wide, is_source ? r->memory : (struct bytes){"", 0});
    buf_printf(b,
               "(canon lower (func $echo) " STRF
               " (core func $low)) (core module $m (import \"\" \"low\" (func $low ",
               STRA(buf_view(&options)));
    put_core_params(b, t, r->wide);
    buf_printf(b, returns_pointer ? "(param %s)))" : "(result %s)))", result);
    for (u32 i = 0; i < 2; i++) {
        buf_printf(b, "(func (export \"%s\") ", i ? "get" : "f");
        if (i == 0) {
            put_core_params(b, t, r->wide);
        }
        buf_printf(b, "(result %s) (call $low", result);
        put_args(b, t, r->wide, i ? r->args : NULL);
        buf_printf(b, returns_pointer ? " (%s.const 4096)) (%s.const 4096))" : "))", p, p);
    }
    buf_printf(
        b,
        ") (core instance $m (instantiate $m (with \"\" (instance (export \"low\" (func $low))))))"
        "(func (export \"f\") (param \"x\" " STRF ") (result " STRF
        ") (canon lift (core func $m \"f\") " STRF "))"
        "(func (export \"get\") (result " STRF ") (canon lift (core func $m \"get\") " STRF ")))",
        STRA(type), STRA(type), STRA(buf_view(&options)), STRA(type), STRA(buf_view(&options)));
}

/* ---- Running a row --------------------------------------------------------------------------------------------- */

struct heard {
    const struct canon_type *type;
    struct arena *arena;
    str text;
    u32 times;
};

static void echo(void *env, struct canon_call *c)
{
    struct heard *h = env;
    const struct canon_value *v = canon_call_arg(c, 0);
    h->text = value_text(h->arena, v, h->type);
    h->times++;
    canon_call_return(c, v);
}

static void expect_text(const struct row *r, const char *where, str have)
{
    if (!str_eq_c(have, r->want)) {
        fail_msg("%s of `%s`: %s has `" STRF "`, wanted `%s`", r->args, r->type, where, STRA(have),
                 r->want);
    }
}

static void run_row(const struct row *r)
{
    struct world w;
    world_begin(&w);
    struct canon_linker_instance *root = canon_linker_root(w.linker);
    const struct canon_type *t = canon_linker_parse_type(root, r->type);
    assert_non_null(t);
    struct heard heard = {t, &w.arena, STR(""), 0};
    struct buf signature = buf_in(&w.arena), b = buf_in(&w.arena);
    struct types x = {&w.arena, buf_in(&w.arena), buf_in(&w.arena), 0};
    buf_printf(&signature, "func(x: %s) -> %s", r->type, r->type);
    canon_linker_func(root, "echo", str_to_c(&w.arena, buf_view(&signature)), echo, &heard);
    str type = put_type(&x, t);
    buf_printf(&b,
               "(component " STRF "(import \"echo\" (func $echo (param \"x\" " STRF
               ") (result " STRF ")))",
               STRA(buf_view(&x.decls)), STRA(type), STRA(type));
    put_component(&b, "D", r, t, &x, type);
    put_component(&b, "S", r, t, &x, type);
    buf_printf(&b,
               "(instance $d (instantiate $D (with \"echo\" (func $echo)) " STRF "))"
               "(instance $s (instantiate $S (with \"echo\" (func $d \"f\")) " STRF "))"
               "(export \"get\" (func $s \"get\")) (export \"f\" (func $s \"f\")))",
               STRA(buf_view(&x.uses)), STRA(buf_view(&x.uses)));
    world_start(&w, buf_view(&b));
    struct canon_value got = {0}, again = {0};
    enum canon_outcome o = canon_invoke(w.store, world_export(&w, "get"), NULL, 0, &w.arena, &got);
    if (!r->want) {
        assert_int_equal(o, CANON_TRAPPED);
        assert_int_equal(heard.times, 0);
        world_end(&w);
        return;
    }
    if (o != CANON_OK) {
        fail_msg("%s of `%s`: trap " STRF, r->args, r->type, STRA(canon_trap_of(w.store)->message));
    }
    expect_text(r, "the host", heard.text);
    expect_text(r, "the caller", value_text(&w.arena, &got, t));
    assert_int_equal(canon_invoke(w.store, world_export(&w, "f"), &got, 1, &w.arena, &again),
                     CANON_OK);
    expect_text(r, "the host, again,", heard.text);
    expect_text(r, "the caller, again,", value_text(&w.arena, &again, t));
    world_end(&w);
}

static void run_rows(const struct row *rows, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        run_row(&rows[i]);
    }
}

/* ---- Flat values --------------------------------------------------------------------------------------------- */

#define FLAGS9  "flags{f0, f1, f2, f3, f4, f5, f6, f7, f8}"
#define NAMES16 "f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, "
#define FLAGS17 "flags{" NAMES16 "f16}"
#define FLAGS32      \
    "flags{" NAMES16 \
    "f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31}"
#define ALL9  "{f0,f1,f2,f3,f4,f5,f6,f7,f8}"
#define ALL16 "f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,"
#define ALL17 "{" ALL16 "f16}"
#define ALL32 "{" ALL16 "f16,f17,f18,f19,f20,f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31}"

static void test_flat(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"record{x: u8, y: u16, z: u32}", "1 2 3", "(x:1,y:2,z:3)"},
        {"tuple<tuple<u8, u8>, u8>", "1 2 3", "((1,2),3)"},
        {"list<u8, 3>", "1 2 3", "[1,2,3]"},
        {"list<list<u8, 2>, 3>", "1 2 3 4 5 6", "[[1,2],[3,4],[5,6]]"},
        {"flags{a, b}", "0", "{}"},
        {"flags{a, b}", "2", "{b}"},
        {"flags{a, b}", "3", "{a,b}"},
        {"flags{a, b}", "4", "{}"},
        {FLAGS32, "0xffffffff", ALL32},
        {"variant{x(u8), y(f32), z}", "0 42", "x(42)"},
        {"variant{x(u8), y(f32), z}", "0 256", "x(0)"},
        {"variant{x(u8), y(f32), z}", "1 0x4048f5c3", "y(3.1400001)"},
        {"variant{x(u8), y(f32), z}", "2 0xffffffff", "z"},
        {"variant{x(u8), y(f32), z}", "3 0", NULL},
        {"option<f32>", "0 3.14", "none"},
        {"option<f32>", "1 3.14", "some(3.1400001)"},
        {"result<u8, u32>", "0 42", "ok(42)"},
        {"result<u8, u32>", "1 1000", "error(1000)"},
        {"variant{w(u8), y(u8)}", "0 42", "w(42)"},
        {"variant{w(u8), y(u8)}", "1 42", "y(42)"},
        {"f32", "3.14", "3.1400001"},
        {"f64", "3.14", "3.1400000000000001"},
        {"char", "0", "0"},
        {"char", "65", "65"},
        {"char", "0xd7ff", "55295"},
        {"char", "0xd800", NULL},
        {"char", "0xdfff", NULL},
        {"char", "0xe000", "57344"},
        {"char", "0x10ffff", "1114111"},
        {"char", "0x110000", NULL},
        {"char", "0xffffffff", NULL},
        {"enum{a, b}", "0", "a"},
        {"enum{a, b}", "1", "b"},
        {"enum{a, b}", "2", NULL},
    };
    run_rows(rows, LENGTH_OF(rows));
}

/* ---- Bytes in memory --------------------------------------------------------------------------------------- */

static void test_heap(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"list<bool>", "0 3", "[true,false,true]", BYTES("\1\0\1")},
        {"list<bool>", "0 3", "[true,false,true]", BYTES("\1\0\2")},
        {"list<bool>", "3 3", "[true,false,true]", BYTES("\xff\xff\xff\1\0\1")},
        {"list<u8>", "0 3", "[1,2,3]", BYTES("\1\2\3")},
        {"list<u16>", "0 3", "[1,2,3]", BYTES("\1\0\2\0\3\0")},
        {"list<u16>", "1 3", NULL, BYTES("\0\1\0\2\0\3\0")},
        {"list<u32>", "0 3", "[1,2,3]", BYTES("\1\0\0\0\2\0\0\0\3\0\0\0")},
        {"list<u64>", "0 2", "[1,2]", BYTES("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0")},
        {"list<s8>", "0 3", "[-1,-2,-3]", BYTES("\xff\xfe\xfd")},
        {"list<s16>", "0 3", "[-1,-2,-3]", BYTES("\xff\xff\xfe\xff\xfd\xff")},
        {"list<s32>", "0 3", "[-1,-2,-3]",
         BYTES("\xff\xff\xff\xff\xfe\xff\xff\xff\xfd\xff\xff\xff")},
        {"list<s64>", "0 2", "[-1,-2]",
         BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff")},
        {"list<char>", "0 3", "[65,66,99]", BYTES("A\0\0\0B\0\0\0c\0\0\0")},
        {"list<string>", "0 2", "['hi','wat']",
         BYTES("\x10\0\0\0\2\0\0\0\x15\0\0\0\3\0\0\0hi\xf\xf\xfwat")},
        {"list<string>", "0 2", "['hi','wat']",
         BYTES("\x20\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x25\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
               "hi\xf\xf\xfwat"),
         true},
        {"list<list<u8>>", "0 3", "[[3,4,5],[],[6,7]]",
         BYTES("\x18\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\x1b\0\0\0\2\0\0\0\3\4\5\6\7")},
        {"list<list<u8>>", "0 3", "[[3,4,5],[],[6,7]]",
         BYTES("\x30\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
               "\x33\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\4\5\6\7"),
         true},
        {"list<list<u16>>", "0 1", "[[5,6]]", BYTES("\x8\0\0\0\2\0\0\0\5\0\6\0")},
        {"list<list<u16>>", "0 1", "[[5,6]]", BYTES("\x10\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\5\0\6\0"),
         true},
        {"list<list<u16>>", "0 1", NULL, BYTES("\x9\0\0\0\2\0\0\0\0\5\0\6\0")},
        {"list<list<u16>>", "0 1", NULL, BYTES("\x11\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\5\0\6\0"),
         true},
        {"list<list<u8, 2>>", "0 2", "[[1,2],[3,4]]", BYTES("\1\2\3\4")},
        {"list<list<u32, 2>>", "0 2", "[[1,2],[3,4]]", BYTES("\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0")},
        {"list<list<u32, 2>>", "1 2", NULL, BYTES("\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0")},
        {"list<tuple<u8, u8, u16, u32>>", "0 2", "[(6,7,8,9),(4,5,6,7)]",
         BYTES("\6\7\x8\0\x9\0\0\0\4\5\6\0\7\0\0\0")},
        {"list<tuple<u8, u16, u8, u32>>", "0 2", "[(6,7,8,9),(4,5,6,7)]",
         BYTES("\6\xff\7\0\x8\xff\xff\xff\x9\0\0\0\4\xff\5\0\6\xff\xff\xff\7\0\0\0")},
        {"list<tuple<u16, u8>>", "0 2", "[(6,7),(8,9)]", BYTES("\6\0\7\xff\x8\0\x9\xff")},
        {"list<tuple<tuple<u16, u8>, u8>>", "0 2", "[((4,5),6),((7,8),9)]",
         BYTES("\4\0\5\xff\6\xff\7\0\x8\xff\x9\xff")},
        {"list<flags{a, b}>", "0 3", "[{},{b},{a,b}]", BYTES("\0\2\3")},
        {"list<flags{a, b}>", "0 3", "[{},{b},{}]", BYTES("\0\2\4")},
        {"list<" FLAGS9 ">", "0 2", "[" ALL9 ",{}]", BYTES("\xff\1\0\0")},
        {"list<" FLAGS9 ">", "0 2", "[" ALL9 ",{}]", BYTES("\xff\3\0\0")},
        {"list<" FLAGS17 ">", "0 2", "[" ALL17 ",{}]", BYTES("\xff\xff\1\0\0\0\0\0")},
        {"list<" FLAGS17 ">", "0 2", "[" ALL17 ",{}]", BYTES("\xff\xff\3\0\0\0\0\0")},
        {"list<" FLAGS32 ">", "0 2", "[" ALL32 ",{}]", BYTES("\xff\xff\xff\xff\0\0\0\0")},
        {"map<u8, u16>", "0 2", "[42,83,43,84]", BYTES("\x2a\xff\x53\0\x2b\xff\x54\0")},
    };
    run_rows(rows, LENGTH_OF(rows));
}

/* ---- Round trips ---------------------------------------------------------------------------------------------- */

#define SIXTEEN "u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, "

static void test_roundtrips(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"s8", "0xffffffff", "-1"},
        {"s8", "0xffffffff", "-1", BYTES(""), true},
        {"tuple<u16, u16>", "3 4", "(3,4)"},
        {"tuple<u16, u16>", "3 4", "(3,4)", BYTES(""), true},
        {"list<string>", "0 1", "['hello there']", BYTES("\x8\0\0\0\xb\0\0\0hello there")},
        {"list<string>", "0 1", "['hello there']",
         BYTES("\x10\0\0\0\0\0\0\0\xb\0\0\0\0\0\0\0hello there"), true},
        {"list<list<string>>", "0 2", "[['one','two'],['three']]",
         BYTES("\x10\0\0\0\2\0\0\0\x20\0\0\0\1\0\0\0\x28\0\0\0\3\0\0\0\x2b\0\0\0\3\0\0\0"
               "\x2e\0\0\0\5\0\0\0onetwothree")},
        {"list<list<string>>", "0 2", "[['one','two'],['three']]",
         BYTES("\x20\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
               "\x50\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\x53\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
               "\x56\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0onetwothree"),
         true},
        {"list<option<tuple<string, u16>>>", "0 1", "[some(('answer',42))]",
         BYTES("\1\0\0\0\x10\0\0\0\6\0\0\0\x2a\0\0\0answer")},
        {"list<option<tuple<string, u16>>>", "0 1", "[some(('answer',42))]",
         BYTES("\1\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\x2a\0\0\0\0\0\0\0"
               "answer"),
         true},
        {"variant{x(tuple<" SIXTEEN "string>)}", "0",
         "x((1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,'wat'))",
         BYTES("\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0\7\0\0\0\x8\0\0\0\x9\0\0\0"
               "\xa\0\0\0\xb\0\0\0\xc\0\0\0\xd\0\0\0\xe\0\0\0\xf\0\0\0\x10\0\0\0\x4c\0\0\0\3\0\0\0"
               "wat")},
        {"variant{x(tuple<" SIXTEEN "string>)}", "0",
         "x((1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,'wat'))",
         BYTES("\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0\7\0\0\0\x8\0\0\0"
               "\x9\0\0\0\xa\0\0\0\xb\0\0\0\xc\0\0\0\xd\0\0\0\xe\0\0\0\xf\0\0\0\x10\0\0\0"
               "\x58\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0wat"),
         true},
    };
    run_rows(rows, LENGTH_OF(rows));
}

/* ---- Strings ------------------------------------------------------------------------------------------------------- */

static u32 put_utf16(char *out, const char *text, u32 len)
{
    u32 n = 0;
    for (u32 i = 0; i < len;) {
        u8 c = (u8)text[i];
        u32 size = c < 0x80 ? 1 : c < 0xe0 ? 2 : 3;
        u32 unit = size == 1 ? c : c & (size == 2 ? 0x1f : 0xf);
        for (u32 k = 1; k < size; k++) {
            unit = unit << 6 | ((u8)text[i + k] & 0x3f);
        }
        out[n++] = (char)unit;
        out[n++] = (char)(unit >> 8);
        i += size;
    }
    return n;
}

/* Each of the strings in each form that the encoding of the source has for it, to each other encoding. */
static void test_strings(void **state)
{
    (void)state;
    static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};
    static const struct bytes texts[] = {
        BYTES(""),
        BYTES("a"),
        BYTES("hi"),
        BYTES("\0"),
        BYTES("a\0b"),
        BYTES("\xc2\x80"),
        BYTES("\xc2\x80"
              "b"),
        BYTES("ab\u00efc"),
        BYTES("\u01ffy"),
        BYTES("xy\u01ff"),
        BYTES("a\ud7ffb"),
        BYTES("a\u02ff\u03ff\u04ff"
              "bc"),
        BYTES("\uf123"),
        BYTES("\uf123\uf123"
              "abc"),
        BYTES("abcdef\uf123"),
    };
    u32 cases = 0;
    for (u32 n = 0; n < LENGTH_OF(texts) * 24; n++) {
        /* 4 forms: UTF-8, UTF-16, Latin-1, UTF-16 with the tag. */
        u32 form = n % 4, to = n / 4 % 3, i = n / 24;
        bool wide = n / 12 % 2;
        char wanted[64], units[64], args[64];
        u32 len = put_utf16(units, texts[i].ptr, texts[i].len);
        bool fits = true;
        for (u32 k = 1; k < len; k += 2) {
            fits &= units[k] == 0;
        }
        struct bytes memory = {units, len};
        if (form == 0) {
            memory = texts[i];
        } else if (form == 2) {
            for (u32 k = 0; k < len; k += 2) {
                units[k / 2] = units[k];
            }
            memory.len = len / 2;
        }
        u64 count = form & 1 ? len / 2 : memory.len;
        count |= form == 3 ? (u64)1 << (wide ? 63 : 31) : 0;
        if (form == 2 && !fits) {
            continue;
        }
        wanted[0] = '\'';
        for (u32 k = 0; k < texts[i].len; k++) {
            wanted[1 + k] = texts[i].ptr[k] ? texts[i].ptr[k] : '@';
        }
        memcpy(wanted + 1 + texts[i].len, "'", 2);
        snprintf(args, sizeof args, "0 %llu", (unsigned long long)count);
        run_row(&(struct row){"string", args, wanted, memory, wide, encodings[form < 2 ? form : 2],
                              encodings[to]});
        cases++;
    }
    print_message("%u strings\n", cases);
}

/* ---- Core types of functions ----------------------------------------------------------------------------------- */

#define U8_17                                                                                     \
    "(param \"p0\" u8) (param \"p1\" u8) (param \"p2\" u8) (param \"p3\" u8) (param \"p4\" u8) "  \
    "(param \"p5\" u8)"                                                                           \
    "(param \"p6\" u8) (param \"p7\" u8) (param \"p8\" u8) (param \"p9\" u8) (param \"p10\" u8) " \
    "(param \"p11\" u8)"                                                                          \
    "(param \"p12\" u8) (param \"p13\" u8) (param \"p14\" u8) (param \"p15\" u8) (param \"p16\" " \
    "u8)"
#define U8_F32_F64 "(param \"a\" u8) (param \"b\" f32) (param \"c\" f64)"

static bool flattens(const char *type, const char *lift, const char *lower, bool wide)
{
    struct world w;
    world_begin(&w);
    canon_linker_trap_unknown(w.linker, true);
    struct buf b = buf_in(&w.arena);
    buf_printf(&b, "(component (import \"f\" (func $f %s))", type);
    put_lib(&b, wide, (struct bytes){"", 0});
    const char *options =
        "(memory (core memory $lib \"mem\")) (realloc (core func $lib \"realloc\"))";
    buf_printf(
        &b,
        "(canon lower (func $f) %s (core func $low))"
        "(core module $m (import \"\" \"low\" (func %s)) (func (export \"f\") %s unreachable))"
        "(core instance $m (instantiate $m (with \"\" (instance (export \"low\" (func $low))))))"
        "(func (export \"g\") %s (canon lift (core func $m \"f\") %s)))",
        options, lower, lift, type, options);
    bool fine = world_try(&w, buf_view(&b));
    world_end(&w);
    return fine;
}

static void test_flatten(void **state)
{
    (void)state;
    static const struct {
        const char *type, *lift, *lower;
        bool wide;
    } rows[] = {
        {U8_F32_F64, "(param i32 f32 f64)", "(param i32 f32 f64)", false},
        {U8_F32_F64 "(result f32)", "(param i32 f32 f64) (result f32)",
         "(param i32 f32 f64) (result f32)", false},
        {U8_F32_F64 "(result u8)", "(param i32 f32 f64) (result i32)",
         "(param i32 f32 f64) (result i32)", false},
        {U8_F32_F64 "(result (tuple f32))", "(param i32 f32 f64) (result f32)",
         "(param i32 f32 f64) (result f32)", false},
        {U8_F32_F64 "(result (tuple f32 f32))", "(param i32 f32 f64) (result i32)",
         "(param i32 f32 f64 i32)", false},
        {U8_F32_F64 "(result (tuple f32 f32))", "(param i32 f32 f64) (result i64)",
         "(param i32 f32 f64 i64)", true},
        {U8_17, "(param i32)", "(param i32)", false},
        {U8_17, "(param i64)", "(param i64)", true},
        {U8_17 "(result (tuple u8 u8))", "(param i32) (result i32)", "(param i32 i32)", false},
        {U8_17 "(result (tuple u8 u8))", "(param i64) (result i64)", "(param i64 i64)", true},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        assert_true(flattens(rows[i].type, rows[i].lift, rows[i].lower, rows[i].wide));
        assert_false(flattens(rows[i].type, "(param v128)", rows[i].lower, rows[i].wide));
        assert_false(flattens(rows[i].type, rows[i].lift, "(param v128)", rows[i].wide));
        if (rows[i].wide) {
            assert_false(flattens(rows[i].type, rows[i].lift, rows[i].lower, false));
        }
    }
}

static void test_layouts(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        u32 size, align, size64, flat;
    } rows[] = {
        {"record{a: u8, b: u16, c: u32}", 8, 4, 8, 3},
        {"tuple<u8, u64>", 16, 8, 16, 2},
        {"variant{a, b(u64)}", 16, 8, 16, 2},
        {"option<u8>", 2, 1, 2, 2},
        {"result<u8, u32>", 8, 4, 8, 2},
        {"enum{a, b}", 1, 1, 1, 1},
        {"flags{a, b, c, d, e, f, g, h, i}", 2, 2, 2, 1},
        {"list<u8>", 8, 4, 16, 2},
        {"string", 8, 4, 16, 2},
        {"list<u16, 3>", 6, 2, 6, 3},
        {"variant{a(f32), b(u32), c(f64)}", 16, 8, 16, 2},
        {"tuple<string, u8>", 12, 4, 24, 3},
        {"stream<u8>", 4, 4, 4, 1},
        {"map<u8, u64>", 8, 4, 16, 2},
    };
    struct canon_linker *l = canon_linker_new();
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        const struct canon_type *t = canon_linker_parse_type(canon_linker_root(l), rows[i].type);
        assert_non_null(t);
        assert_int_equal(t->size[0], rows[i].size);
        assert_int_equal(t->align[0], rows[i].align);
        assert_int_equal(t->size[1], rows[i].size64);
        assert_int_equal(t->flat_count, rows[i].flat);
    }
    const struct canon_type *joined =
        canon_linker_parse_type(canon_linker_root(l), "variant{a(f32), b(u32)}");
    assert_int_equal(joined->flat[0][1], WASM_I32);
    canon_linker_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts), cmocka_unit_test(test_flat),
        cmocka_unit_test(test_heap),    cmocka_unit_test(test_roundtrips),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_flatten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
