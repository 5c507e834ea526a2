/* image.c - the data segments of a module as a file in memory, which its instances map: bytes are copied when they are written.
 *
 * The first instance gets its data by copying; most modules have no second one. From then on, the memory at the start is made
 * once and mapped privately over the reserved pages of each new memory. Where that cannot be done, data is copied. */
#define _GNU_SOURCE /* memfd_create */
#include "engine_internal.h"

#include <sys/mman.h>
#include <unistd.h>

/* Less than this is copied in the time that it takes to map it and to write to all of it, as measured. */
#define IMAGE_LEAST ((u64)16 << 10)
/* What a store may have. */
#define IMAGES_MAX      64
#define IMAGE_BYTES_MAX ((u64)256 << 20)

#ifdef MFD_CLOEXEC

/* The value of an offset that is one constant. */
static bool read_constant(const struct wasm_module *m, const struct wasm_expr *e, u64 *value)
{
    struct wasm_cursor c = wasm_cursor_of(m->source, e->bytes, e->offset);
    switch (wasm_get_op(&c)) {
    case OP_I32_CONST: *value = (u32)wasm_get_s32(&c); break;
    case OP_I64_CONST: *value = (u64)wasm_get_s64(&c); break;
    default: return false;
    }
    return wasm_get_op(&c) == OP_END && !c.failed;
}

struct extent {
    u64 from, to, bytes;
};

/* All segments are for the first memory that the module has itself, at constant places within it: then none traps, and all can be there
 * before the first is asked for. */
static bool measure(const struct wasm_module *m, struct extent *x)
{
    u32 memory = m->imported_memories;
    if (memory == m->memories.len || m->memories.data[memory].has_page_size)
        return false;
    u64 size = engine_memory_least(&m->memories.data[memory]);
    *x = (struct extent){.from = UINT64_MAX};
    for (u32 k = 0; k < m->datas.len; k++) {
        const struct wasm_data *d = &m->datas.data[k];
        u64 at;
        if (d->mode != DATA_ACTIVE)
            continue;
        if (d->memory != memory || !read_constant(m, &d->offset, &at) || at > size ||
            d->bytes.len > size - at)
            return false;
        if (!d->bytes.len)
            continue;
        x->bytes += d->bytes.len;
        x->from = at < x->from ? at : x->from;
        x->to = at + d->bytes.len > x->to ? at + d->bytes.len : x->to;
    }
    /* Segments far apart: what is between them would be read from the file. */
    return x->bytes >= IMAGE_LEAST && x->bytes >= (x->to - x->from) / 2;
}

static bool write_all(int file, str bytes, u64 at)
{
    while (bytes.len) {
        ssize_t n = pwrite(file, bytes.ptr, bytes.len, (off_t)at);
        if (n <= 0)
            return false;
        at += (u64)n;
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static bool fill(const struct wasm_module *m, const struct image *image)
{
    if (ftruncate(image->file, (off_t)image->bytes) != 0)
        return false;
    for (u32 k = 0; k < m->datas.len; k++) {
        const struct wasm_data *d = &m->datas.data[k];
        u64 at = 0;
        if (d->mode == DATA_ACTIVE && d->bytes.len &&
            (!read_constant(m, &d->offset, &at) ||
             !write_all(image->file, d->bytes, at - image->from)))
            return false;
    }
    return true;
}

static void make(struct engine_module *em)
{
    struct engine_store *s = em->store;
    struct image *image = &em->image;
    struct extent x;
    long page = sysconf(_SC_PAGESIZE);
    image->state = IMAGE_NONE;
    /* A memory is of whole pages of 64 KiB, which are to be whole pages of the system. */
    if (page < 1 || 65536 % page != 0 || s->imaged.len >= IMAGES_MAX || !measure(em->source, &x))
        return;
    u64 mask = (u64)page - 1;
    image->from = x.from & ~mask;
    image->bytes = ((x.to + mask) & ~mask) - image->from;
    if (image->bytes > IMAGE_BYTES_MAX - s->image_bytes)
        return;
    *vec_push(&s->arena, &s->imaged) = em; /* while nothing is open */
    image->file = memfd_create("witc-data", MFD_CLOEXEC);
    if (image->file < 0)
        return;
    if (!fill(em->source, image)) {
        close(image->file);
        return;
    }
    image->state = IMAGE_MADE;
    s->image_bytes += image->bytes;
}

enum trap engine_image_map(struct engine_instance *i, bool *mapped)
{
    struct engine_module *em = i->module;
    struct image *image = &em->image;
    *mapped = false;
    if (image->state == IMAGE_FIRST)
        image->state = IMAGE_WANTED;
    else if (image->state == IMAGE_WANTED)
        make(em);
    if (image->state != IMAGE_MADE)
        return TRAP_NONE;
    struct engine_memory *m = i->memories[em->source->imported_memories];
    enum trap trap = engine_memory_map(m, image->from, image->bytes, image->file, mapped);
    for (u32 k = 0; *mapped && k < em->source->datas.len; k++)
        i->data_dropped[k] = em->source->datas.data[k].mode == DATA_ACTIVE;
    return trap;
}

void engine_image_free(struct engine_module *em)
{
    if (em->image.state != IMAGE_MADE)
        return;
    close(em->image.file);
    em->image.state = IMAGE_NONE;
}

#else

enum trap engine_image_map(struct engine_instance *i, bool *mapped)
{
    (void)i;
    *mapped = false;
    return TRAP_NONE;
}
void engine_image_free(struct engine_module *em)
{
    (void)em;
}

#endif
