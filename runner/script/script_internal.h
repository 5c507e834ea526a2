/* script_internal.h - the state of a script that runs. */
#ifndef WITC_SCRIPT_INTERNAL_H
#define WITC_SCRIPT_INTERNAL_H

#include "canon.h"
#include "engine.h"
#include "script.h"
#include "validate.h"

/* A module or component that can be instantiated. */
struct definition {
    str id;
    enum wasm_layer layer;
    struct wasm_binary binary;
    struct engine_module *loaded; /* by the first instance of a core module */
};

/* A store of components with its hosts. */
struct world {
    struct canon_store *store;
    struct canon_linker *linker;
    struct pending *pending; /* calls of hosts that answer at the next turn */
    u64 last_drop, drops;    /* of the host's resource */
    struct world *next;
};

struct instance {
    enum wasm_layer layer;
    struct engine_instance *core;
    struct canon_instance *component;
    struct world *world; /* of a component */
};

/* How an attempt ended. */
enum end {
    END_FINE,
    END_MALFORMED, /* text or binary is ill-formed */
    END_INVALID,
    END_UNLINKABLE,
    END_TRAP,
    END_EXHAUSTION,
    END_EXCEPTION,
    END_NO_ROOM,     /* a memory or table that is too large for this machine */
    END_UNSUPPORTED, /* could not be carried out at all */
    END_BLOCKED,     /* waits for another thread: to be tried again, which goes on with r->task */
};
struct outcome {
    enum end end;
    str message; /* trap message, or the first diagnostic */
    struct diags *why;
    const struct engine_trap *trap; /* for the frames */
};

/* What an action gave. */
struct results {
    /* core */
    const wasm_valtype *types;
    u32 count;
    const u64 *slots;
    /* component */
    bool is_component, has_value;
    const struct canon_type *type;
    struct canon_value value;
};

struct runner; /* one for each thread: what it knows is its own */
struct thread {
    struct runner *runner;
    str id;
    const struct wast_script *script;
    u32 at; /* the directive it is at */
    struct thread *next;
};

struct runner {
    struct arena *arena;
    struct features features;
    struct diags *d;
    struct engine_store *store; /* of core modules */
    struct engine_task *task;
    bool blocked;           /* task waits */
    struct runner *main;    /* of the main script */
    struct thread *threads; /* oldest first; known to the main script */
    VEC(struct definition) definitions;
    VEC(struct instance) instances;
    struct map definition_ids, instance_ids, registered;
    u32 last_instance, last_definition; /* MAP_NONE: none */
    struct map spectest;                /* name to the index in */
    VEC(struct engine_extern) spectest_items;
    struct world *worlds;
    const struct wasm_module *simple_module; /* that hosts offer to components */
    struct canon_seed *seed;                 /* NULL: the default policy */
    enum script_texts texts;
    struct script_result *result;
};

/* script.c */
void script_fail(struct runner *r, const struct wast_directive *x, const struct outcome *o);
struct outcome script_unknown(struct runner *r, const char *what, str id);
/* Carries out directives from `at` on, as far as nothing blocks; gives where it stands. */
u32 script_step(struct runner *r, const struct wast_script *script, u32 at);

/* script_thread.c */
void script_thread(struct runner *r, const struct wast_directive *x);
void script_wait(struct runner *r, const struct wast_directive *x);
void script_run_threads(struct runner *r, const struct wast_script *script);

/* Bytes that a memory may have: they are taken from the machine as they are written. */
#define SCRIPT_MEMORY ((u64)1 << 36)

/* script_host.c */
void script_spectest(struct runner *r);
struct world *script_world(struct runner *r);
void script_world_free(struct world *w);

/* script_core.c */
struct outcome script_instantiate_core(struct runner *r, struct definition *def, str label,
                                       struct instance *out);
struct outcome script_invoke_core(struct runner *r, const struct instance *i,
                                  const struct wast_action *action, struct results *out);
bool script_core_matches(struct runner *r, const struct wast_value *want, wasm_valtype type,
                         const u64 *slots);
u32 script_slots(wasm_valtype type);

/* script_component.c */
struct outcome script_instantiate_component(struct runner *r, const struct definition *def,
                                            str name, struct instance *out);
struct outcome script_invoke_component(struct runner *r, const struct instance *i,
                                       const struct wast_action *action, struct results *out);
bool script_component_matches(const struct wast_value *want, const struct canon_value *have,
                              const struct canon_type *type);

/* script_text.c */
void script_print_expected(struct buf *out, const struct wast_value *v);
void script_print_core(struct buf *out, wasm_valtype type, const u64 *slots);
bool script_float_matches(u8 nan, u64 want, u64 have, unsigned bits);

struct outcome script_failed(struct runner *r, enum end end, struct diags *why);
struct outcome script_message(enum end end, str message);

#endif
