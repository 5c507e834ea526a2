/* pool.c - tree-sitter's parser with the memory that it works in.
 *
 * tree-sitter ends the process when malloc fails. So all of its objects live in a pool of ours: where that cannot grow,
 * the call unwinds to the nearest oom_guard like any other, and the parser and its trees, whatever state
 * they are in, go with the pool. tree-sitter has one allocator for all threads and for all of a program's
 * languages; the one set here is malloc but where a thread has entered a pool.
 */
#include "pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <tree_sitter/api.h>

#define SMALL   2048u /* up to here classes are multiples of 16, beyond powers of two */
#define WORK    ((u32)64 << 10)
#define CLASSES (SMALL / 16 + 32)

struct chunk {
    size_t size; /* of the payload */
    struct chunk *next;
    max_align_t data[];
};
_Static_assert(sizeof(struct chunk) == 16, "the payload is aligned like that of malloc");

struct wit_pool {
    struct arena arena;
    struct chunk *free[CLASSES];
    TSParser *parser, *plain; /* NULL: at the next need */
    struct arena work;
    bool spoiled;
};
static _Thread_local struct wit_pool *current;

static u32 class_of(size_t *size)
{
    if (*size <= SMALL) {
        *size = *size ? (*size + 15) & ~(size_t)15 : 16;
        return (u32)(*size / 16);
    }
    u32 class = SMALL / 16 + 1;
    size_t room = SMALL * 2;
    while (room < *size && room <= SIZE_MAX / 4) {
        room *= 2;
        class ++;
    }
    *size = room < *size ? *size : room;
    return class < CLASSES ? class : CLASSES - 1;
}

static void *take(struct wit_pool *p, size_t size)
{
    mem_count();
    u32 class = class_of(&size);
    struct chunk *c = p->free[class];
    if (c) {
        p->free[class] = c->next;
    } else {
        c = arena_alloc(&p->arena, size < SIZE_MAX / 2 ? sizeof *c + size : size);
        c->size = size;
    }
    return c->data;
}

static struct chunk *chunk_of(void *data)
{
    return (struct chunk *)((char *)data - offsetof(struct chunk, data));
}

static void give(struct wit_pool *p, void *data)
{
    struct chunk *c = chunk_of(data);
    size_t size = c->size;
    u32 class = class_of(&size);
    c->next = p->free[class];
    p->free[class] = c;
}

/* ---- tree-sitter's allocator -------------------------------------------------------------------------------- */

static void *check(void *p, size_t size)
{
    if (!p && size) {
        abort(); /* as tree-sitter does: what failed is no tree of ours */
    }
    return p;
}

static void *ts_malloc_hook(size_t size)
{
    return current ? take(current, size) : check(malloc(size), size);
}

static void *ts_calloc_hook(size_t n, size_t size)
{
    if (!current) {
        return check(calloc(n, size), n && size);
    }
    size_t bytes = size && n > SIZE_MAX / size ? SIZE_MAX : n * size;
    return memset(take(current, bytes), 0, bytes);
}

static void *ts_realloc_hook(void *old, size_t size)
{
    if (!current) {
        return check(realloc(old, size), size);
    }
    if (!old) {
        return take(current, size);
    }
    size_t had = chunk_of(old)->size;
    if (size <= had) {
        return old;
    }
    void *p = take(current, size);
    memcpy(p, old, had);
    give(current, old);
    return p;
}

static void ts_free_hook(void *p)
{
    if (current && p) {
        give(current, p);
    } else {
        free(p);
    }
}

/* ---- Pools -------------------------------------------------------------------------------------------------- */

struct wit_pool *wit_pool_new(void)
{
    static atomic_flag set = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&set)) {
        ts_set_allocator(ts_malloc_hook, ts_calloc_hook, ts_realloc_hook, ts_free_hook);
    }
    struct wit_pool *p = mem_alloc(sizeof *p);
    p->work.first = WORK;
    return p;
}

void wit_pool_clear(struct wit_pool *p)
{
    arena_free(&p->arena);
    arena_free(&p->work);
    memset(p->free, 0, sizeof p->free);
    p->work.first = WORK;
    p->parser = p->plain = NULL;
    p->spoiled = false;
}

bool wit_pool_spoiled(const struct wit_pool *p)
{
    return p->spoiled;
}

void wit_pool_free(struct wit_pool *p)
{
    if (p) {
        wit_pool_clear(p);
        mem_free(p);
    }
}

bool wit_pool_run(struct wit_pool *p, void (*fn)(void *context), void *context)
{
    struct wit_pool *outer = current;
    current = p;
    bool memory = !p->spoiled && oom_guard(fn, context);
    current = outer;
    p->spoiled |= !memory;
    return memory;
}

struct arena *wit_pool_work(struct wit_pool *p)
{
    return &p->work;
}

static TSParser *new_parser(const TSLanguage *language)
{
    TSParser *parser = ts_parser_new();
    /* Refused by a library of another generation. */
    return ts_parser_set_language(parser, language) ? parser : NULL;
}

TSParser *wit_pool_parser(struct wit_pool *p)
{
    if (!p->parser) {
        p->parser = new_parser(wit_sound_language(&p->arena));
    }
    return p->parser;
}

TSParser *wit_pool_plain_parser(struct wit_pool *p)
{
    if (!p->plain) {
        p->plain = new_parser(wit_plain_language(&p->arena));
    }
    return p->plain;
}
