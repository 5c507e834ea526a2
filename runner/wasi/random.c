/* random.c - wasi:random 0.3.0 and 0.2.12. */
#include "wasi_internal.h"

#define MOST_RANDOM (64u << 20) /* bytes that one call may ask for */

/* xorshift64*: not for secrets, as the interface says. */
static u64 insecure_next(struct wasi *w)
{
    w->insecure ^= w->insecure >> 12;
    w->insecure ^= w->insecure << 25;
    w->insecure ^= w->insecure >> 27;
    return w->insecure * 0x2545f4914f6cdd1du;
}

static void return_bytes(struct wasi *w, struct canon_call *c, bool secure)
{
    u64 n = canon_call_arg(c, 0)->u;
    if (n > MOST_RANDOM) {
        canon_call_trap(c, "%llu random bytes in one call are too many (at most %u)",
                        (unsigned long long)n, MOST_RANDOM);
        return;
    }
    u8 *bytes = arena_array(canon_call_arena(c), u8, (size_t)n);
    if (secure) {
        wasi_random_bytes(&w->world, bytes, (size_t)n);
    }
    for (u64 i = 0; !secure && i < n; i++) {
        bytes[i] = (u8)(insecure_next(w) >> 32);
    }
    struct canon_value v = canon_bytes(str_of((const char *)bytes, (size_t)n));
    canon_call_return(c, &v);
}

static void random_bytes(void *env, struct canon_call *c)
{
    return_bytes(env, c, true);
}

static void insecure_bytes(void *env, struct canon_call *c)
{
    return_bytes(env, c, false);
}

static void random_u64(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    u64 u;
    wasi_random_bytes(&w->world, &u, sizeof u);
    struct canon_value v = canon_u(CANON_T_U64, u);
    canon_call_return(c, &v);
}

static void insecure_u64(void *env, struct canon_call *c)
{
    struct canon_value v = canon_u(CANON_T_U64, insecure_next(env));
    canon_call_return(c, &v);
}

static void insecure_seed(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    u64 seed[2];
    wasi_random_bytes(&w->world, seed, sizeof seed);
    struct canon_value items[2] = {canon_u(CANON_T_U64, seed[0]), canon_u(CANON_T_U64, seed[1])};
    struct canon_value v = canon_list(CANON_T_TUPLE, items, 2);
    canon_call_return(c, &v);
}

static const struct canon_host_row random3_rows[] = {
    {"get-random-bytes", "func(max-len: u64) -> list<u8>", random_bytes},
    {"get-random-u64", "func() -> u64", random_u64},
    {NULL},
};
static const struct canon_host_row insecure3_rows[] = {
    {"get-insecure-random-bytes", "func(max-len: u64) -> list<u8>", insecure_bytes},
    {"get-insecure-random-u64", "func() -> u64", insecure_u64},
    {NULL},
};
static const struct canon_host_row seed3_rows[] = {
    {"get-insecure-seed", "func() -> tuple<u64, u64>", insecure_seed},
    {NULL},
};
static const struct canon_host_row random2_rows[] = {
    {"get-random-bytes", "func(len: u64) -> list<u8>", random_bytes},
    {"get-random-u64", "func() -> u64", random_u64},
    {NULL},
};
static const struct canon_host_row insecure2_rows[] = {
    {"get-insecure-random-bytes", "func(len: u64) -> list<u8>", insecure_bytes},
    {"get-insecure-random-u64", "func() -> u64", insecure_u64},
    {NULL},
};
static const struct canon_host_row seed2_rows[] = {
    {"insecure-seed", "func() -> tuple<u64, u64>", insecure_seed},
    {NULL},
};
static const struct wasi_interface interfaces[] = {
    {"wasi:random/random@0.3.0", NULL, random3_rows},
    {"wasi:random/insecure@0.3.0", NULL, insecure3_rows},
    {"wasi:random/insecure-seed@0.3.0", NULL, seed3_rows},
    {"wasi:random/random@0.2.12", NULL, random2_rows},
    {"wasi:random/insecure@0.2.12", NULL, insecure2_rows},
    {"wasi:random/insecure-seed@0.2.12", NULL, seed2_rows},
};

void wasi_link_random(struct wasi *w, struct canon_linker *l)
{
    for (size_t i = 0; i < LENGTH_OF(interfaces); i++) {
        wasi_offer(w, l, &interfaces[i]);
    }
}
