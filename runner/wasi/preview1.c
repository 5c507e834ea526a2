/* preview1.c - WASI 0.1: the functions as the engine sees them, the guest's memory, descriptors, and what needs no files: arguments,
 * environment, clocks, random numbers, the end of the process. */
#include "preview1.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

const char wasi_preview1_module[] = "wasi_snapshot_preview1";

/* ---- The table ------------------------------------------------------------------------------------------ */

struct function {
    const char *name, *params;
    p1_fn *fn;
};
static const struct function functions[] = {
#define P1(name, params) {#name, params, p1_##name},
#include "preview1.def"
#undef P1
};
static const str names[] = {
#define P1(name, params) STR_INIT(#name),
#include "preview1.def"
#undef P1
};

const str *wasi_preview1_names(u32 *count)
{
    *count = LENGTH_OF(names);
    return names;
}

struct binding {
    struct wasi_preview1 *p;
    const struct function *function;
};

static enum engine_outcome call(void *env, struct engine_task *t, u64 *slots)
{
    const struct binding *b = env;
    struct wasi_preview1 *p = b->p;
    struct engine_instance *i = engine_task_instance(t);
    struct engine_extern memory;
    if (!i || !engine_export(i, STR("memory"), &memory) || memory.kind != EXTERN_MEMORY)
        return engine_trap(t, "a module that uses %s exports its memory as `memory`",
                           wasi_preview1_module);
    p->task = t;
    p->memory = engine_memory_data(memory.memory);
    p->memory_size = engine_memory_size(memory.memory);
    u64 args[9];
    for (u32 n = 0; b->function->params[n]; n++)
        args[n] = b->function->params[n] == 'i' ? (u32)slots[n] : slots[n];
    u32 error = b->function->fn(p, args);
    if (error == P1_ENDED || p1_pay(p, 0))
        return ENGINE_TRAPPED;
    slots[0] = error;
    return ENGINE_DONE;
}

struct engine_func *wasi_preview1_func(struct wasi_preview1 *p, struct engine_store *s, str name)
{
    static const wasm_valtype result = WASM_I32;
    for (u32 i = 0; i < LENGTH_OF(functions); i++) {
        const struct function *f = &functions[i];
        if (!str_eq(name, names[i]))
            continue;
        wasm_valtype params[9];
        u32 n = 0;
        for (; f->params[n]; n++)
            params[n] = f->params[n] == 'i' ? WASM_I32 : WASM_I64;
        struct wasm_functype type = {.params = params,
                                     .param_count = n,
                                     .results = &result,
                                     .result_count = f->fn != p1_proc_exit};
        struct binding *b = arena_new(&p->arena, struct binding);
        *b = (struct binding){p, f};
        return engine_host_func(s, &type, names[i], call, b);
    }
    return NULL;
}

u32 p1_pay(struct wasi_preview1 *p, u64 bytes)
{
    const char *why = engine_work(engine_task_store(p->task), bytes / 1024);
    if (why)
        engine_trap(p->task, "%s", why);
    return why ? P1_ENDED : 0;
}

u32 p1_errno(int error)
{
    static const struct {
        int from;
        u32 to;
    } numbers[] = {
#define ERRNO(from, to) {from, to},
#include "preview1_errno.def"
#undef ERRNO
    };
    if (error == 0)
        return 0;
    for (u32 i = 0; i < LENGTH_OF(numbers); i++) {
        if (numbers[i].from == error)
            return numbers[i].to;
    }
    return p1_errno(EIO);
}

/* ---- The guest's memory ---------------------------------------------------------------------------------- */

u8 *p1_bytes(struct wasi_preview1 *p, u64 at, u64 n)
{
    static u8 none[1];
    if (at > p->memory_size || n > p->memory_size - at)
        return NULL;
    return p->memory ? p->memory + at : none; /* a memory of no pages */
}

void p1_store16(u8 *to, u16 v)
{
    to[0] = (u8)v;
    to[1] = (u8)(v >> 8);
}

void p1_store32(u8 *to, u32 v)
{
    p1_store16(to, (u16)v);
    p1_store16(to + 2, (u16)(v >> 16));
}

void p1_store64(u8 *to, u64 v)
{
    p1_store32(to, (u32)v);
    p1_store32(to + 4, (u32)(v >> 32));
}

u32 p1_load32(const u8 *from)
{
    return (u32)from[0] | (u32)from[1] << 8 | (u32)from[2] << 16 | (u32)from[3] << 24;
}

u64 p1_load64(const u8 *from)
{
    return p1_load32(from) | (u64)p1_load32(from + 4) << 32;
}

u32 p1_put32(struct wasi_preview1 *p, u64 at, u32 v)
{
    u8 *to = p1_bytes(p, at, 4);
    if (to)
        p1_store32(to, v);
    return to ? 0 : p1_errno(EFAULT);
}

u32 p1_put64(struct wasi_preview1 *p, u64 at, u64 v)
{
    u8 *to = p1_bytes(p, at, 8);
    if (to)
        p1_store64(to, v);
    return to ? 0 : p1_errno(EFAULT);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------ */

struct p1_fd *p1_get(struct wasi_preview1 *p, u64 fd)
{
    return fd < p->fds.len && p->fds.data[fd].open ? &p->fds.data[fd] : NULL;
}

u32 p1_add(struct wasi_preview1 *p, struct p1_fd fd)
{
    u32 n = 0;
    while (n < p->fds.len && p->fds.data[n].open)
        n++;
    fd.open = true;
    if (n == p->fds.len) {
        if (n == P1_FDS_MAX)
            return n;
        vec_push(&p->arena, &p->fds);
    }
    p->fds.data[n] = fd;
    return n;
}

void p1_drop(struct p1_fd *f)
{
    if (f->owned)
        close(f->host);
    arena_free(&f->arena);
    *f = (struct p1_fd){0};
}

static void standard_stream(struct wasi_preview1 *p, int host, bool reads)
{
    struct p1_fd f = {.host = host, .reads = reads, .writes = !reads};
    p1_describe(&f);
    p1_add(p, f);
}

static bool preopen(struct wasi_preview1 *p, const struct wasi_dir *dir, struct diags *d)
{
    int host = open(str_to_c(&p->arena, dir->host), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host < 0) {
        diag_error(d, "dir", (span){0}, "cannot open folder `" STRF "`: %s", STRA(dir->host),
                   strerror(errno));
        return false;
    }
    struct p1_fd f = {
        .host = host, .owned = true, .reads = true, .preopened = true, .guest_path = dir->guest};
    p1_describe(&f);
    p1_add(p, f);
    return true;
}

struct wasi_preview1 *wasi_preview1_new(const struct wasi_options *options, struct diags *d)
{
    struct wasi_preview1 *p = mem_alloc(sizeof *p);
    p->options = options;
    wasi_world_init(&p->world, options);
    standard_stream(p, options->input, true);
    standard_stream(p, options->output, false);
    standard_stream(p, options->error, false);
    bool fine = true;
    for (u32 i = 0; i < options->dir_count; i++)
        fine &= preopen(p, &options->dirs[i], d);
    if (!fine) {
        wasi_preview1_free(p);
        return NULL;
    }
    return p;
}

void wasi_preview1_free(struct wasi_preview1 *p)
{
    for (u32 i = 0; p && i < p->fds.len; i++)
        p1_drop(&p->fds.data[i]);
    if (p) {
        arena_free(&p->arena);
        mem_free(p);
    }
}

int wasi_preview1_output_error(const struct wasi_preview1 *p)
{
    return p->output_error;
}

/* ---- Arguments and environment ------------------------------------------------------------------------------ */

/* A list of strings, as pointers and the bytes that they point to, each ended by a NUL. */
static u32 put_strings(struct wasi_preview1 *p, u64 pointers, u64 bytes, const str *strings,
                       u32 count)
{
    for (u32 i = 0; i < count; i++) {
        u8 *to = p1_bytes(p, bytes, (u64)strings[i].len + 1);
        if (!to || p1_put32(p, pointers, (u32)bytes))
            return p1_errno(EFAULT);
        if (strings[i].len)
            memcpy(to, strings[i].ptr, strings[i].len);
        to[strings[i].len] = 0;
        bytes += (u64)strings[i].len + 1;
        pointers += 4;
    }
    return 0;
}

static u32 put_sizes(struct wasi_preview1 *p, const u64 *a, const str *strings, u32 count)
{
    u64 size = 0;
    for (u32 i = 0; i < count; i++)
        size += (u64)strings[i].len + 1;
    if (size > UINT32_MAX)
        return p1_errno(E2BIG);
    u32 error = p1_put32(p, a[0], count);
    return error ? error : p1_put32(p, a[1], (u32)size);
}

static const str *environment(struct wasi_preview1 *p, struct arena *a)
{
    const struct wasi_options *o = p->options;
    str *list = arena_array(a, str, o->env_count);
    for (u32 i = 0; i < o->env_count; i++)
        list[i] = str_printf(a, STRF "=" STRF, STRA(o->env[i].name), STRA(o->env[i].value));
    return list;
}

u32 p1_args_get(struct wasi_preview1 *p, const u64 *a)
{
    return put_strings(p, a[0], a[1], p->options->args, p->options->arg_count);
}

u32 p1_args_sizes_get(struct wasi_preview1 *p, const u64 *a)
{
    return put_sizes(p, a, p->options->args, p->options->arg_count);
}

u32 p1_environ_get(struct wasi_preview1 *p, const u64 *a)
{
    struct arena scratch = {0};
    u32 error = put_strings(p, a[0], a[1], environment(p, &scratch), p->options->env_count);
    arena_free(&scratch);
    return error;
}

u32 p1_environ_sizes_get(struct wasi_preview1 *p, const u64 *a)
{
    struct arena scratch = {0};
    u32 error = put_sizes(p, a, environment(p, &scratch), p->options->env_count);
    arena_free(&scratch);
    return error;
}

/* ---- Clocks ------------------------------------------------------------------------------------------------- */

static bool clock_of(u64 id, clockid_t *out)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                       CLOCK_THREAD_CPUTIME_ID};
    if (id >= LENGTH_OF(clocks))
        return false;
    *out = clocks[id];
    return true;
}

u32 p1_clock_res_get(struct wasi_preview1 *p, const u64 *a)
{
    clockid_t clock;
    if (!clock_of(a[0], &clock))
        return p1_errno(EINVAL);
    return p1_put64(p, a[1], wasi_nanoseconds(wasi_resolution(&p->world, clock)));
}

u32 p1_clock_time_get(struct wasi_preview1 *p, const u64 *a)
{
    clockid_t clock;
    if (!clock_of(a[0], &clock))
        return p1_errno(EINVAL);
    return p1_put64(p, a[2],
                    clock == CLOCK_REALTIME    ? wasi_nanoseconds(wasi_wall(&p->world))
                    : clock == CLOCK_MONOTONIC ? wasi_now(&p->world)
                                               : wasi_elapsed(&p->world, clock));
}

/* ---- The process ----------------------------------------------------------------------------------------------- */

u32 p1_proc_exit(struct wasi_preview1 *p, const u64 *a)
{
    engine_exit(p->task, (int)(u32)a[0]);
    return P1_ENDED;
}

/* There are no signals in a guest. */
u32 p1_proc_raise(struct wasi_preview1 *p, const u64 *a)
{
    (void)p, (void)a;
    return p1_errno(ENOTSUP);
}

u32 p1_sched_yield(struct wasi_preview1 *p, const u64 *a)
{
    (void)p, (void)a;
    sched_yield();
    return 0;
}

u32 p1_random_get(struct wasi_preview1 *p, const u64 *a)
{
    u8 *to = p1_bytes(p, a[0], a[1]);
    if (!to)
        return p1_errno(EFAULT);
    u32 error = 0;
    for (u64 done = 0, n; !error && done < a[1]; done += n) {
        n = a[1] - done < P1_PIECE ? a[1] - done : P1_PIECE;
        wasi_random_bytes(&p->world, to + done, (size_t)n);
        error = p1_pay(p, n);
    }
    return error;
}

/* ---- Sockets: a guest is given none ------------------------------------------------------------------------------ */

static u32 no_socket(struct wasi_preview1 *p, u64 fd)
{
    return p1_errno(p1_get(p, fd) ? ENOTSOCK : EBADF);
}

u32 p1_sock_accept(struct wasi_preview1 *p, const u64 *a)
{
    return no_socket(p, a[0]);
}

u32 p1_sock_recv(struct wasi_preview1 *p, const u64 *a)
{
    return no_socket(p, a[0]);
}

u32 p1_sock_send(struct wasi_preview1 *p, const u64 *a)
{
    return no_socket(p, a[0]);
}

u32 p1_sock_shutdown(struct wasi_preview1 *p, const u64 *a)
{
    return no_socket(p, a[0]);
}
