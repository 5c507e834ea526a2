/* mem.c - arenas and the one gateway to malloc, with exhaustion as an unwind. */
#include "base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef WITC_SANITIZED
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define UNPOISON(p, n) ((void)0)
#endif

#define BLOCK_MIN ((size_t)8 << 10)
#define BLOCK_MAX ((size_t)256 << 10)
#define KEPT      ((size_t)8 << 20)
#define GROWN     ((size_t)1 << 20) /* from here on arrays grow by less: what is not used counts too */
#define FIRST     ((size_t)128)     /* of an array of large elements: many never get a second */
#define LARGE     ((size_t)16 << 10) /* from here on an allocation has a block of its own */

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};
struct arena_large {
    struct arena_large *next, *previous;
    size_t size;
    max_align_t data[];
};

struct oom_frame {
    jmp_buf env;
    struct oom_frame *outer;
    struct arena_temp *temps; /* those open outside */
};
static _Thread_local struct oom_frame *oom_top;
static _Thread_local struct arena_temp *temps;
static _Thread_local u64 fail_after;

bool oom_guard(void (*fn)(void *ctx), void *ctx)
{
    struct oom_frame frame;
    frame.outer = oom_top;
    frame.temps = temps;
    oom_top = &frame;
    bool fine = setjmp(frame.env) == 0;
    if (fine) {
        fn(ctx);
    }
    oom_top = frame.outer;
    return fine;
}

void mem_fail_after(u64 n)
{
    fail_after = n;
}

void oom_unwind(void)
{
    if (oom_top) {
        while (temps != oom_top->temps) {
            arena_temp_end(temps);
        }
        longjmp(oom_top->env, 1);
    }
    static const char text[] = "error: out of memory\n";
    ssize_t ignored = write(2, text, sizeof text - 1);
    (void)ignored;
    _exit(70);
}

static bool must_fail(void)
{
    return fail_after && --fail_after == 0;
}

void mem_count(void)
{
    if (must_fail()) {
        oom_unwind();
    }
}

/* Where tests look for leaks, each allocation in an arena counts too, not only those that need another block. */
static void count_small(void)
{
#ifdef WITC_SANITIZED
    mem_count();
#endif
}

void *mem_alloc(size_t size)
{
    void *p = must_fail() ? NULL : calloc(1, size ? size : 1);
    if (!p) {
        oom_unwind();
    }
    return p;
}

void *mem_realloc(void *old, size_t new_size)
{
    void *p = must_fail() ? NULL : realloc(old, new_size ? new_size : 1);
    if (!p) {
        oom_unwind();
    }
    return p;
}

void mem_free(void *p)
{
    free(p);
}

static size_t round_up(size_t size)
{
    if (size > SIZE_MAX / 2) {
        oom_unwind();
    }
    return size ? (size + 15) & ~(size_t)15 : 16;
}

static void *alloc_large(struct arena *a, size_t size)
{
    struct arena_large *l = mem_alloc(sizeof *l + size);
    l->size = size;
    l->next = a->large;
    if (l->next) {
        l->next->previous = l;
    }
    a->large = l;
    return l->data;
}

/* A block of before, cleared only now. */
static struct arena_block *take_spare(struct arena *a, size_t size)
{
    struct arena_block **link = &a->spare;
    while (*link && (*link)->size < size) {
        link = &(*link)->next;
    }
    struct arena_block *b = *link;
    if (b) {
        *link = b->next;
        UNPOISON(b->data, b->used);
        memset(b->data, 0, b->used);
        b->used = 0;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size = round_up(size);
    a->used += size;
    count_small();
    if (size >= LARGE) {
        return alloc_large(a, size);
    }
    struct arena_block *b = a->block;
    if (!b || b->size - b->used < size) {
        size_t want = b ? b->size * 2 : a->first ? a->first : BLOCK_MIN;
        want = want > BLOCK_MAX ? BLOCK_MAX : want;
        while (want < size) {
            want *= 2;
        }
        b = take_spare(a, size);
        if (!b) {
            b = mem_alloc(sizeof *b + want);
            b->size = want;
        }
        b->next = a->block;
        a->block = b;
    }
    void *p = (char *)b->data + b->used;
    b->used += size;
    return p;
}

static void *realloc_large(struct arena *a, void *old, size_t new_size)
{
    struct arena_large *l =
        (struct arena_large *)((char *)old - offsetof(struct arena_large, data));
    size_t old_size = l->size;
    l = mem_realloc(l, sizeof *l + new_size);
    l->size = new_size;
    if (new_size > old_size) {
        memset((char *)l->data + old_size, 0, new_size - old_size);
        a->used += new_size - old_size;
    }
    if (l->next) {
        l->next->previous = l;
    }
    if (l->previous) {
        l->previous->next = l;
    } else {
        a->large = l;
    }
    return l->data;
}

void *arena_realloc(struct arena *a, void *old, size_t old_size, size_t new_size)
{
    if (!old) {
        return arena_alloc(a, new_size);
    }
    size_t had = round_up(old_size), wants = round_up(new_size);
    if (wants <= had) {
        if (new_size < old_size) {
            memset((char *)old + new_size, 0, old_size - new_size);
        }
        return old;
    }
    if (had >= LARGE) {
        return realloc_large(a, old, wants);
    }
    struct arena_block *b = a->block;
    if (wants < LARGE && b && (char *)old + had == (char *)b->data + b->used &&
        b->size - b->used >= wants - had) {
        b->used += wants - had;
        a->used += wants - had;
        return old;
    }
    void *p = arena_alloc(a, new_size);
    memcpy(p, old, old_size);
    return p;
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 4 / size) {
        oom_unwind();
    }
    return arena_alloc(a, n * size);
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

static void free_large(struct arena_large *l)
{
    while (l) {
        struct arena_large *next = l->next;
        free(l);
        l = next;
    }
}

void arena_free(struct arena *a)
{
    free_blocks(a->block);
    free_blocks(a->spare);
    free_large(a->large);
    *a = (struct arena){0};
}

void arena_temp_begin(struct arena_temp *t)
{
    *t = (struct arena_temp){.outer = temps};
    temps = t;
}

void arena_temp_end(struct arena_temp *t)
{
    arena_free(&t->arena);
    temps = t->outer;
}

void arena_reset(struct arena *a)
{
    size_t kept = 0;
    struct arena_block **end = &a->block;
    for (; *end && kept + (*end)->size <= KEPT; end = &(*end)->next) {
        kept += (*end)->size;
    }
    free_blocks(*end);
    *end = NULL;
    struct arena_block *kept_blocks = a->block;
    /* Those that were not needed this time go. */
    free_blocks(a->spare);
    free_large(a->large);
    *a = (struct arena){.spare = kept_blocks, .first = a->first};
}

/* Under the sanitizers elements always move, and who has kept a pointer to one is found. */
static void *grow_elements(struct arena *a, void *old, size_t old_size, size_t new_size)
{
#ifdef WITC_SANITIZED
    if (old &&
        round_up(old_size) < LARGE) { /* large ones have a block, and the sanitizer moves those */
        void *p = arena_alloc(a, new_size);
        memcpy(p, old, old_size);
        POISON(old, old_size);
        return p;
    }
#endif
    return arena_realloc(a, old, old_size, new_size);
}

void *vec_grow(struct arena *a, void *data, u32 *cap, size_t need, size_t size)
{
    size_t new_cap = *cap ? (size_t)*cap * 2 : size <= FIRST / 8 ? 8 : 1 + FIRST / size;
    if (*cap * size >= GROWN) {
        new_cap = *cap + (size_t)*cap / 4;
    }
    new_cap = new_cap < need ? need : new_cap;
    if (new_cap > UINT32_MAX || new_cap > SIZE_MAX / 4 / size) {
        oom_unwind();
    }
    void *p = grow_elements(a, data, (size_t)*cap * size, new_cap * size);
    *cap = (u32)new_cap;
    return p;
}
