/* builtins_world.h - stores of the fuzz target that are used again: making the guests of a run costs ten times what the run does. A store is put back to
 * what it was before the first call: what calls made is freed, the guests' memories and globals are written over. */
#ifndef BUILTINS_WORLD_H
#define BUILTINS_WORLD_H

#include "builtins_guest.h"
#include "canon_internal.h"

#include <stdio.h>

#define MOST_USES 200 /* texts of traps stay in the store */

struct saved_memory {
    struct engine_memory *memory;
    u64 size;
    u8 *bytes;
};
struct saved_global {
    u64 *slots, value;
};
struct world {
    struct canon_store *store;
    struct canon_linker *linker;
    struct canon_loaded *loaded;
    struct canon_instance *instance;
    struct arena arena;
    VEC(struct saved_memory) memories;
    VEC(struct saved_global) globals;
    u32 uses;
};

static void show(struct arena *a, struct diags *d)
{
    struct buf out = buf_in(a);
    diags_render(d, DIAG_TEXT, &out);
    fwrite(out.data, 1, out.len, stderr);
    __builtin_trap();
}

static void world_instantiate(struct world *w)
{
    struct sources sources = {.arena = &w->arena};
    struct diags d;
    diags_init(&d, &w->arena, &sources);
    if (!w->loaded ||
        canon_instantiate(w->store, w->loaded, w->linker, NULL, &w->instance, &d) != CANON_OK) {
        show(&w->arena, &d);
    }
}

static void save_core(struct world *w, struct engine_instance *core)
{
    struct engine_extern e;
    if (engine_export(core, STR("mem"), &e)) {
        u64 size = engine_memory_size(e.memory);
        u8 *copy = arena_alloc_array(&w->arena, size, 1);
        memcpy(copy, engine_memory_data(e.memory), size);
        *vec_push(&w->arena, &w->memories) = (struct saved_memory){e.memory, size, copy};
    }
    for (u32 i = 0; i < LENGTH_OF(guest_globals); i++) {
        if (engine_export(core, str_c(guest_globals[i]), &e)) {
            u64 *slots = engine_global_slots(e.global);
            *vec_push(&w->arena, &w->globals) = (struct saved_global){slots, *slots};
        }
    }
}

static void world_save(struct world *w)
{
    for (struct component_instance *i = w->store->instances; i; i = i->next) {
        for (u32 n = 0; n < i->scope->core_instances.len; n++) {
            struct engine_instance *core = i->scope->core_instances.data[n].instance;
            if (core) {
                save_core(w, core);
            }
        }
    }
}

/* False if it cannot be as it was: a memory has grown. */
static bool world_restore(struct world *w)
{
    canon_store_clear(w->store);
    for (u32 i = 0; i < w->memories.len; i++) {
        const struct saved_memory *m = &w->memories.data[i];
        if (engine_memory_size(m->memory) != m->size) {
            return false;
        }
        memcpy(engine_memory_data(m->memory), m->bytes, m->size);
    }
    for (u32 i = 0; i < w->globals.len; i++) {
        *w->globals.data[i].slots = w->globals.data[i].value;
    }
    return ++w->uses < MOST_USES;
}

static void world_free(struct world *w)
{
    canon_store_free(w->store);
    canon_linker_free(w->linker);
    arena_free(&w->arena);
    *w = (struct world){0};
}

#endif
