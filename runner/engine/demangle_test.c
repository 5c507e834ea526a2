/* demangle_test.c - names as rustc mangles them, and what only looks like them. */
#include "engine_test.h"

static const char *const names[][2] = {
    /* v0 */
    {"_RC3foo", "foo"},
    {"_RNvC5hello4main", "hello::main"},
    {"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
    {"_RC3foo.llvm.9D1C9369", "foo"},
    {"_RNvC9backtrace3foo.cold", "backtrace::foo.cold"},
    {"_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"},
    {"_RMC0INtC8arrayvec8ArrayVechKj7b_E", "<arrayvec::ArrayVec<u8, 123>>"},
    {"_RNvXs_C1aNtB4_1SNtB4_1T1f", "<a::S as a::T>::f"},
    {"_RNvYNtC1a1SNtB4_1T1f", "<a::S as a::T>::f"},
    {"_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator"
     "9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_",
     "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::"
     "<core::slice::memchr::memrchr::{closure#1}>::{closure#0}"},
    {"_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_"
     "3std",
     "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>"},
    {"_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
     "utf8_idents::\u10e1\u10d0\u10ed\u10db\u10d4\u10da\u10d0\u10d3_"
     "\u10d2\u10d4\u10db\u10e0\u10d8\u10d4\u10da\u10d8_"
     "\u10e1\u10d0\u10d3\u10d8\u10da\u10d8"},
    {"_RINvC1a1fKb1_Kb0_Kc76_Kc27_Kc1f600_Kan80_Kyffffffffffffffff_KpeE",
     "a::f::<true, false, 'v', '\\'', '\\u{1f600}', -128, 18446744073709551615, _, str>"},
    {"_RINvC1a1fRhQDNtB2_1TEL_PmOxSiAtj3_TuETfdETTcEzEE",
     "a::f::<&u8, &mut dyn a::T, *const u32, *mut i64, [isize], [u16; 3], ((),), (f32, f64), "
     "((char,), !)>"},
    {"_RINvC1a1fFEuFUKCmEbFG_RL0_hERL0_cE",
     "a::f::<fn(), unsafe extern \"C\" fn(u32) -> bool, for<'a> fn(&'a u8) -> &'a char>"},
    {"_RINvC1a1fDG_INtB2_1TRL0_hEp1AbNtB2_1SEL_E",
     "a::f::<dyn for<'a> a::T<&'a u8, A = bool> + a::S>"},
    /* legacy */
    {"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
    {"_ZN11issue_609253foo37Foo$LT$issue_60925..llv$u6d$..Foo$GT$3foo17h059a991a004536adE",
     "issue_60925::foo::Foo<issue_60925::llvm::Foo>::foo"},
    {"_ZN3foo17h05af221e174051e9E.llvm.9D1C9369", "foo"},
    {"_ZN4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "main::{{closure}}"},
    {"_ZN41_$LT$a..B$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
     "<a::B as core::fmt::Debug>::fmt"},
    {"_ZN3foo7$XX$bar17h05af221e174051e9E", "foo::$XX$bar"},
    /* Others stay as they are. */
    {"", NULL},
    {"main", NULL},
    {"_R", NULL},
    {"_Read", NULL},
    {"_RNothing", NULL},
    {"_RNvC5hello9main", NULL},
    {"_RB_", NULL},
    {"_RNvB0_1a", NULL},
    {"_RMC0TTTTB0_B1_B2_E", NULL},
    {"_ZN3foo3barEv", NULL},
    {"_ZN3foo3barE", NULL},
    {"_ZN17h05af221e174051e9E", NULL},
    {"_ZN99foo17h05af221e174051e9E", NULL},
    {"_ZN18446744073709551619foo17h05af221e174051e9E", NULL},
    {"foo::bar(int)", NULL},
    {"_RINvC1a1fKc1100000_E", NULL},
    {"_RNvC1au4_abc", NULL},
    {"_RINvC1a1fKb4_E", NULL},
};

static void demangled(void **state)
{
    (void)state;
    struct arena a = {0};
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        str got = engine_demangle(str_c(names[i][0]), &a);
        const char *want = names[i][1] ? names[i][1] : names[i][0];
        if (!str_eq_c(got, want))
            fprintf(stderr, "%s\n  expected %s\n  found    " STRF "\n", names[i][0], want,
                    STRA(got));
        assert_true(str_eq_c(got, want));
    }
    arena_free(&a);
}

/* Deep ones, ones that grow without end, and each beginning of the good ones. */
static void hostile(void **state)
{
    (void)state;
    struct arena a = {0};
    struct buf b = buf_in(&a);
    buf_c(&b, "_RMC0");
    for (u32 i = 0; i < 100000; i++)
        buf_byte(&b, 'P');
    buf_byte(&b, 'u');
    assert_ptr_equal(engine_demangle(buf_view(&b), &a).ptr, b.data);
    b.len = 0;
    buf_c(&b, "_RMC0TuuE"); /* each tuple is twice the one before */
    b.len = 5;
    buf_c(&b, "T");
    for (u32 i = 0; i < 40; i++)
        buf_c(&b, i ? "TB4_B4_" : "Tuu");
    for (u32 i = 0; i < 41; i++)
        buf_byte(&b, 'E');
    engine_demangle(buf_view(&b), &a);
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        str all = str_c(names[i][0]);
        for (size_t n = 0; n < all.len; n++) {
            char *part = arena_array(&a, char, n + 1);
            memcpy(part, all.ptr, n);
            engine_demangle(str_of(part, n), &a);
            if (n) {
                part[n - 1] ^= 1;
                engine_demangle(str_of(part, n), &a);
            }
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demangled),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
