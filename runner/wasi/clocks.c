/* clocks.c - wasi:clocks 0.3.0 and 0.2.12. */
#include "wasi_internal.h"

#include <time.h>

static void return_u64(struct canon_call *c, u64 u)
{
    struct canon_value v = canon_u(CANON_T_U64, u);
    canon_call_return(c, &v);
}

static void monotonic_now(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_u64(c, wasi_now(&w->world));
}

static void monotonic_resolution(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_u64(c, wasi_nanoseconds(wasi_resolution(&w->world, CLOCK_MONOTONIC)));
}

/* ---- 0.3: waiting is a function ------------------------------------------------------------------------ */

static void time_is_up(struct wasi_timer *t)
{
    canon_call_return(t->env, NULL);
}

static void wait_cancelled(void *env, struct canon_call *c)
{
    wasi_timer_stop(env);
    canon_call_cancelled(c);
}

static void wait_for_deadline(struct wasi *w, struct canon_call *c, u64 deadline)
{
    if (deadline <= wasi_now(&w->world)) {
        canon_call_return(c, NULL);
        return;
    }
    struct wasi_timer *t = wasi_timer_start(w, deadline, time_is_up, c);
    canon_call_on_cancel(c, wait_cancelled, t);
}

static u64 after(struct wasi *w, u64 duration)
{
    u64 now = wasi_now(&w->world);
    return duration > UINT64_MAX - now ? UINT64_MAX : now + duration;
}

static void wait_until(void *env, struct canon_call *c)
{
    wait_for_deadline(env, c, canon_call_arg(c, 0)->u);
}

static void wait_for(void *env, struct canon_call *c)
{
    wait_for_deadline(env, c, after(env, canon_call_arg(c, 0)->u));
}

/* ---- 0.2: waiting is a pollable -------------------------------------------------------------------------- */

static void return_pollable(struct wasi *w, struct canon_call *c, u64 deadline)
{
    struct canon_value v =
        wasi_pollable_value(w, (struct wasi_pollable){POLLABLE_TIME, deadline, NULL});
    canon_call_return(c, &v);
}

static void subscribe_instant(void *env, struct canon_call *c)
{
    return_pollable(env, c, canon_call_arg(c, 0)->u);
}

static void subscribe_duration(void *env, struct canon_call *c)
{
    return_pollable(env, c, after(env, canon_call_arg(c, 0)->u));
}

/* ---- The clock on the wall --------------------------------------------------------------------------------- */

static void return_time(struct canon_call *c, struct timespec t, enum canon_kind seconds)
{
    struct canon_value fields[2] = {canon_u(seconds, (u64)t.tv_sec),
                                    canon_u(CANON_T_U32, (u64)t.tv_nsec)};
    struct canon_value record = canon_list(CANON_T_RECORD, fields, 2);
    canon_call_return(c, &record);
}

static void system_now(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_time(c, wasi_wall(&w->world), CANON_T_S64);
}

static void wall_now(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_time(c, wasi_wall(&w->world), CANON_T_U64);
}

static void system_resolution(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_u64(c, wasi_nanoseconds(wasi_resolution(&w->world, CLOCK_REALTIME)));
}

static void wall_resolution(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    return_time(c, wasi_resolution(&w->world, CLOCK_REALTIME), CANON_T_U64);
}

/* ---- The time zone (unstable): always UTC ------------------------------------------------------------------- */

static void zone_id(void *env, struct canon_call *c)
{
    struct canon_value text = canon_string(STR("UTC"));
    struct canon_value option = canon_case(CANON_T_OPTION, 1, &text);
    (void)env;
    canon_call_return(c, &option);
}

static void zone_offset(void *env, struct canon_call *c)
{
    struct canon_value zero = canon_u(CANON_T_S64, 0);
    struct canon_value option = canon_case(CANON_T_OPTION, 1, &zero);
    (void)env;
    canon_call_return(c, &option);
}

static void zone_text(void *env, struct canon_call *c)
{
    struct canon_value text = canon_string(STR("UTC"));
    (void)env;
    canon_call_return(c, &text);
}

/* ---- Tables --------------------------------------------------------------------------------------------------- */

static const struct wasi_type_row types3[] = {{"duration", "u64"}, {NULL}};
static const struct wasi_type_row monotonic3_types[] = {
    {"duration", "u64"}, {"mark", "u64"}, {NULL}};
static const struct wasi_type_row system3_types[] = {
    {"duration", "u64"},
    {"instant", "record{seconds: s64, nanoseconds: u32}"},
    {NULL},
};
static const struct wasi_type_row zone3_types[] = {
    {"instant", "record{seconds: s64, nanoseconds: u32}"},
    {NULL},
};
static const struct wasi_type_row monotonic2_types[] = {
    {"instant", "u64"},
    {"duration", "u64"},
    {NULL},
};
static const struct wasi_type_row wall2_types[] = {
    {"datetime", "record{seconds: u64, nanoseconds: u32}"},
    {NULL},
};
static const struct canon_host_row monotonic3_rows[] = {
    {"now", "func() -> u64", monotonic_now},
    {"get-resolution", "func() -> u64", monotonic_resolution},
    {"wait-until", "async func(when: u64)", wait_until},
    {"wait-for", "async func(how-long: u64)", wait_for},
    {NULL},
};
static const struct canon_host_row system3_rows[] = {
    {"now", "func() -> instant", system_now},
    {"get-resolution", "func() -> u64", system_resolution},
    {NULL},
};
static const struct canon_host_row zone3_rows[] = {
    {"iana-id", "func() -> option<string>", zone_id},
    {"utc-offset", "func(when: instant) -> option<s64>", zone_offset},
    {"to-debug-string", "func() -> string", zone_text},
    {NULL},
};
static const struct canon_host_row monotonic2_rows[] = {
    {"now", "func() -> u64", monotonic_now},
    {"resolution", "func() -> u64", monotonic_resolution},
    {"subscribe-instant", "func(when: u64) -> own<pollable>", subscribe_instant},
    {"subscribe-duration", "func(when: u64) -> own<pollable>", subscribe_duration},
    {NULL},
};
static const struct canon_host_row wall2_rows[] = {
    {"now", "func() -> datetime", wall_now},
    {"resolution", "func() -> datetime", wall_resolution},
    {NULL},
};
static const struct wasi_interface interfaces[] = {
    {"wasi:clocks/types@0.3.0", types3, NULL},
    {"wasi:clocks/monotonic-clock@0.3.0", monotonic3_types, monotonic3_rows},
    {"wasi:clocks/system-clock@0.3.0", system3_types, system3_rows},
    {"wasi:clocks/timezone@0.3.0", zone3_types, zone3_rows},
    {"wasi:clocks/wall-clock@0.2.12", wall2_types, wall2_rows},
};
static const struct wasi_interface monotonic2 = {"wasi:clocks/monotonic-clock@0.2.12",
                                                 monotonic2_types, monotonic2_rows};

void wasi_link_clocks(struct wasi *w, struct canon_linker *l)
{
    for (size_t i = 0; i < LENGTH_OF(interfaces); i++) {
        wasi_offer(w, l, &interfaces[i]);
    }
    canon_linker_use(canon_linker_instance(l, monotonic2.name), "pollable", w->resources.pollable);
    wasi_offer(w, l, &monotonic2);
}
