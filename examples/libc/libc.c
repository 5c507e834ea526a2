/* libc.c - memory for guests that are compiled without a C library.
 *
 * Blocks have sizes of powers of two and a header that says which; free ones of a size form a list. New blocks
 * come from the end of the heap, which grows by pages. */
#include "stdlib.h"
#include "string.h"

#include <stdint.h>

#define PAGE 65536

struct block {
    size_t size_class; /* the block has 1 << size_class bytes, this header included */
    struct block *next;
};
#define HEADER 8

extern unsigned char __heap_base; /* defined by the linker */
static struct block *free_blocks[32];
static uintptr_t heap_end, memory_end;

static struct block *new_block(size_t size_class)
{
    size_t size = (size_t)1 << size_class;
    if (heap_end == 0) {
        heap_end = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
        memory_end = __builtin_wasm_memory_size(0) * PAGE;
    }
    if (memory_end - heap_end < size) {
        size_t pages = (size + PAGE - 1) / PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
            return NULL;
        memory_end += pages * PAGE;
    }
    struct block *b = (struct block *)heap_end;
    heap_end += size;
    b->size_class = size_class;
    return b;
}

void *malloc(size_t size)
{
    size_t size_class = 4;
    if (size > (size_t)1 << 30)
        return NULL;
    while (((size_t)1 << size_class) < size + HEADER)
        size_class++;
    struct block *b = free_blocks[size_class];
    if (b)
        free_blocks[size_class] = b->next;
    else
        b = new_block(size_class);
    return b ? (char *)b + HEADER : NULL;
}

void free(void *p)
{
    if (!p)
        return;
    struct block *b = (struct block *)((char *)p - HEADER);
    b->next = free_blocks[b->size_class];
    free_blocks[b->size_class] = b;
}

void *realloc(void *old, size_t size)
{
    if (!old)
        return malloc(size);
    struct block *b = (struct block *)((char *)old - HEADER);
    size_t room = ((size_t)1 << b->size_class) - HEADER;
    if (size <= room)
        return old;
    void *p = malloc(size);
    if (p) {
        memcpy(p, old, room);
        free(old);
    }
    return p;
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    return memmove(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= n) {
        for (size_t i = 0; i < n; i++)
            t[i] = f[i];
    } else {
        for (size_t i = n; i-- > 0;)
            t[i] = f[i];
    }
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    unsigned char *t = to;
    for (size_t i = 0; i < n; i++)
        t[i] = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}
