/* backtrace.c - what is running: frames of a task, their places in the source, the trap that ended it. */
#include "dwarf.h"
#include "engine_internal.h"

/* Of a deep stack the innermost and the outermost frames are told. */
#define FRAMES_FIRST 20
#define FRAMES_LAST  10

/* ---- Walking -------------------------------------------------------------------------------------------- */

bool engine_walk_here(struct walk *w)
{
    w->code = engine_find_code(w->store, w->ip);
    return w->code != NULL;
}

bool engine_walk_out(struct walk *w)
{
    u64 *record = w->sp + w->code->record;
    const union cell *to = (const union cell *)(uintptr_t)record[0];
    if (to == w->store->exit_stub)
        return false;
    if (engine_is_restore(to)) {
        w->inst = (struct engine_instance *)(uintptr_t)record[1];
        to = (const union cell *)(uintptr_t)record[2];
    }
    w->sp -= to[-1].w.off;
    w->ip = to - 1;
    return true;
}

/* ---- Frames ---------------------------------------------------------------------------------------------- */

/* A frame before its name and offset are looked up. */
struct spot {
    struct engine_code *code;
    const union cell *ip;
    struct engine_instance *inst;
};

static void describe(struct arena *a, const struct spot *s, const struct spot *inner,
                     const struct engine_frame *inner_frame, struct engine_frame *f)
{
    if (inner && inner->code == s->code && inner->ip == s->ip && inner->inst == s->inst) {
        *f = *inner_frame; /* a recursion */
        return;
    }
    bool host = !s->code->module;
    struct engine_func func = {
        .code = s->code, .instance = host ? NULL : s->inst, .index = s->code->index};
    if (host)
        func.host = (struct host *)((char *)s->code - offsetof(struct host, code));
    f->func = engine_func_name(&func, a);
    if (host) {
        f->instance = func.host->instance;
        return;
    }
    f->instance = s->inst->label;
    f->index = s->code->index;
    f->module = s->code->module->source;
    f->offset = engine_offset_of(s->code, (u32)(s->ip - s->code->cells));
}

static struct engine_frames backtrace(struct engine_task *t, struct arena *a)
{
    struct walk w = {.store = t->store, .ip = t->ip, .sp = t->sp, .inst = t->inst};
    const struct nest *nest = t->nest;
    struct spot spots[FRAMES_FIRST + FRAMES_LAST];
    u32 depth = 0;
    for (;;) {
        if (engine_walk_here(&w)) { /* else it failed before its first function had code */
            u32 slot =
                depth < FRAMES_FIRST ? depth : FRAMES_FIRST + (depth - FRAMES_FIRST) % FRAMES_LAST;
            spots[slot] = (struct spot){w.code, w.ip, w.inst};
            depth++;
            if (engine_walk_out(&w))
                continue;
        }
        if (!nest)
            break;
        w.ip = nest->ip;
        w.sp = t->stack + nest->sp;
        w.inst = nest->inst;
        nest = nest->outer;
    }
    struct engine_frames frames = {.count = depth, .left_out_at = FRAMES_FIRST};
    if (depth > LENGTH_OF(spots)) {
        frames.count = LENGTH_OF(spots);
        frames.left_out = depth - frames.count;
    }
    frames.list = arena_array(a, struct engine_frame, frames.count);
    const struct spot *inner = NULL;
    for (u32 i = 0; i < frames.count; i++) {
        u32 at = i < FRAMES_FIRST ? i : i + frames.left_out;
        const struct spot *s =
            &spots[at < FRAMES_FIRST ? at : FRAMES_FIRST + (at - FRAMES_FIRST) % FRAMES_LAST];
        describe(a, s, inner, &frames.list[i - (i > 0)], &frames.list[i]);
        inner = s;
    }
    return frames;
}

struct engine_frames engine_backtrace(struct engine_task *t, struct arena *a)
{
    return t->state == TASK_IDLE ? (struct engine_frames){0} : backtrace(t, a);
}

str engine_where(struct engine_task *t, struct arena *a)
{
    struct walk w = {.store = t->store, .ip = t->ip, .sp = t->sp, .inst = t->inst};
    while (t->state != TASK_IDLE && engine_walk_here(&w)) {
        if (w.code->module) {
            struct engine_func f = {.code = w.code, .instance = w.inst, .index = w.code->index};
            return engine_func_name(&f, a);
        }
        if (!engine_walk_out(&w))
            break;
    }
    return STR("");
}

void engine_add_frames(struct arena *a, struct engine_frames *inner,
                       const struct engine_frames *outer)
{
    struct engine_frame *list = arena_array(a, struct engine_frame, inner->count + outer->count);
    u32 count = inner->count;
    if (count)
        memcpy(list, inner->list, count * sizeof *list);
    for (u32 i = 0; i < outer->count; i++) {
        struct engine_frame *f = &list[count++];
        *f = outer->list[i];
        f->instance = str_dup(a, f->instance);
        f->func = str_dup(a, f->func);
    }
    u32 most = FRAMES_FIRST + FRAMES_LAST, extra = count > most ? count - most : 0;
    memmove(list + FRAMES_FIRST, list + FRAMES_FIRST + extra,
            extra ? FRAMES_LAST * sizeof *list : 0);
    *inner = (struct engine_frames){list, count - extra, inner->left_out + outer->left_out + extra,
                                    FRAMES_FIRST};
}

/* ---- Places in the source ----------------------------------------------------------------------------------- */

static const char *const section_names[DWARF_SECTIONS] = {
    [DWARF_INFO] = ".debug_info",
    [DWARF_ABBREV] = ".debug_abbrev",
    [DWARF_LINE] = ".debug_line",
    [DWARF_STR] = ".debug_str",
    [DWARF_LINE_STR] = ".debug_line_str",
    [DWARF_RANGES] = ".debug_ranges",
    [DWARF_RNGLISTS] = ".debug_rnglists",
    [DWARF_ADDR] = ".debug_addr",
    [DWARF_STR_OFFSETS] = ".debug_str_offsets",
};

static u32 code_start(const struct wasm_module *m)
{
    for (u32 i = 0; i < m->sections.len; i++) {
        if (m->sections.data[i].id == 10)
            return m->sections.data[i].start;
    }
    return UINT32_MAX;
}

static void locate_in(struct arena *a, const struct wasm_module *m, struct engine_frame *frames,
                      u32 count)
{
    str sections[DWARF_SECTIONS] = {{0}};
    u32 start = code_start(m);
    for (u32 i = 0; i < m->customs.len; i++) {
        for (u32 k = 0; k < DWARF_SECTIONS; k++) {
            if (str_eq_c(m->customs.data[i].name, section_names[k]))
                sections[k] = m->customs.data[i].bytes;
        }
    }
    u32 *addresses = arena_array(a, u32, count), *whose = arena_array(a, u32, count), n = 0;
    for (u32 i = 0; i < count; i++) {
        if (frames[i].module == m && frames[i].offset >= start) {
            whose[n] = i;
            addresses[n++] = frames[i].offset - start;
        }
    }
    struct dwarf_places *found = arena_array(a, struct dwarf_places, n);
    dwarf_find(a, sections, addresses, n, found);
    for (u32 i = 0; i < n; i++) {
        frames[whose[i]].places = found[i].places;
        frames[whose[i]].place_count = found[i].count;
    }
}

void engine_locate(struct arena *a, struct engine_frame *frames, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        bool seen = false;
        for (u32 k = 0; k < i && !seen; k++)
            seen = frames[k].module == frames[i].module;
        if (frames[i].module && !seen)
            locate_in(a, frames[i].module, frames, count);
    }
}

/* ---- Traps ------------------------------------------------------------------------------------------------------ */

static void trap_frames(struct engine_task *t)
{
    t->trap.frames = backtrace(t, &t->trap_arena);
}

void engine_trap_raise(struct engine_task *t, enum trap trap)
{
    t->trap = (struct engine_trap){.is_exception = trap == TRAP_EXCEPTION};
    t->trap.message = trap == TRAP_INVALID ? t->store->invalid : str_c(engine_trap_text[trap]);
    trap_frames(t);
    t->trap.detail = engine_why(t, trap);
}

enum engine_outcome engine_trap(struct engine_task *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = str_vprintf(&t->trap_arena, format, args); /* may speak of the trap before */
    va_end(args);
    t->trap = (struct engine_trap){.message = message};
    trap_frames(t);
    return ENGINE_TRAPPED;
}

enum engine_outcome engine_exit(struct engine_task *t, int code)
{
    t->trap = (struct engine_trap){.message = STR("exit"), .is_exit = true, .exit_code = code};
    return ENGINE_TRAPPED;
}

const struct engine_trap *engine_trap_of(const struct engine_task *t)
{
    return &t->trap;
}
