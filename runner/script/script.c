/* script.c - carries out the directives of a script and judges them. */
#include "script_internal.h"

#include "wave.h"

struct outcome script_message(enum end end, str message)
{
    return (struct outcome){.end = end, .message = message};
}

struct outcome script_failed(struct runner *r, enum end end, struct diags *why)
{
    (void)r;
    const struct diag *first = why->list.len ? why->list.data[0] : NULL;
    str message = first ? first->message : (str){0};
    if (first && first->code && strcmp(first->code, "unsupported") == 0)
        end = END_UNSUPPORTED; /* says nothing about the module */
    else if (end == END_UNLINKABLE && first && first->code && strcmp(first->code, "limit") == 0)
        end = END_NO_ROOM;
    return (struct outcome){.end = end, .message = message, .why = why};
}

/* ---- Reports --------------------------------------------------------------------------------------------- */

static const char *end_text(enum end end)
{
    switch (end) {
    case END_FINE: return "it succeeded";
    case END_MALFORMED: return "the module is malformed";
    case END_INVALID: return "the module is invalid";
    case END_UNLINKABLE: return "it cannot be linked";
    case END_TRAP: return "it trapped";
    case END_EXHAUSTION: return "it ran out of stack";
    case END_EXCEPTION: return "an exception was not caught";
    case END_NO_ROOM: return "there is no room for it";
    case END_UNSUPPORTED:
    case END_BLOCKED: break;
    }
    return "it could not be carried out";
}

/* The directive does not hold because of how its attempt ended. */
void script_fail(struct runner *r, const struct wast_directive *x, const struct outcome *o)
{
    if (o->end == END_BLOCKED)
        return; /* nothing is known yet */
    r->result->failed++;
    struct diag *e = diag_error(r->d, "script", x->at, "%s does not hold: %s%s" STRF,
                                wast_directive_name(x->kind), end_text(o->end),
                                o->message.len ? ": " : "", STRA(o->message));
    if (o->why && o->why->list.len) {
        const struct diag *first = o->why->list.data[0];
        if (first->at.source)
            diag_label(r->d, e, first->at, STRF, STRA(first->message));
        for (u32 i = 0; i < first->notes.len; i++) {
            const struct diag_note *note = &first->notes.data[i];
            (note->help ? diag_help : diag_note)(r->d, e, STRF, STRA(note->text));
        }
    }
    for (u32 i = 0; o->trap && i < o->trap->frames.count && i < 8; i++) {
        const struct engine_frame *f = &o->trap->frames.list[i];
        diag_note(r->d, e, "in " STRF "%s" STRF, STRA(f->func), f->instance.len ? " of $" : "",
                  STRA(f->instance));
    }
    if (x->message.len)
        diag_note(r->d, e, "expected was: " STRF, STRA(x->message));
}

/* ---- Modules ------------------------------------------------------------------------------------------------ */

/* Reads and validates what a directive gives in text or bytes. */
static struct outcome define(struct runner *r, const struct wast_module *m, struct definition *out)
{
    *out = (struct definition){.id = m->id, .layer = m->layer};
    if (m->malformed)
        return script_failed(r, END_MALFORMED, m->why);
    struct diags *why = arena_new(r->arena, struct diags);
    diags_init(why, r->arena, r->d->sources);
    str path = str_printf(r->arena, "<%s>", m->layer == LAYER_MODULE ? "module" : "component");
    u32 source = sources_add(r->d->sources, path, m->bytes, SOURCE_BINARY);
    wast_set_places(r->d->sources, source, m, r->features);
    out->binary.layer = m->layer;
    bool read;
    if (m->layer == LAYER_MODULE)
        read =
            wasm_read_module(r->arena, source, m->bytes, 0, r->features, &out->binary.module, why);
    else
        read = wasm_read_component(r->arena, source, m->bytes, 0, r->features,
                                   &out->binary.component, why);
    if (!read)
        return script_failed(r, END_MALFORMED, why);
    if (!validate_binary(r->arena, &out->binary, r->features, why))
        return script_failed(r, END_INVALID, why);
    return script_message(END_FINE, (str){0});
}

static struct outcome instantiate(struct runner *r, struct definition *def, str name,
                                  struct instance *out)
{
    *out = (struct instance){.layer = def->layer};
    if (def->layer == LAYER_COMPONENT)
        return script_instantiate_component(r, def, name, out);
    return script_instantiate_core(r, def, name, out);
}

static void add_instance(struct runner *r, str id, struct instance instance)
{
    r->last_instance = r->instances.len;
    if (id.len)
        map_put(r->arena, &r->instance_ids, id, r->last_instance);
    /* what has a name can be imported by it, as if it were registered */
    if (id.len)
        map_put(r->arena, &r->registered, id, r->last_instance);
    *vec_push(r->arena, &r->instances) = instance;
}

static bool add_definition(struct runner *r, const struct wast_module *m, struct outcome *o)
{
    struct definition def;
    *o = define(r, m, &def);
    if (o->end != END_FINE)
        return false;
    r->last_definition = r->definitions.len;
    if (def.id.len)
        map_put(r->arena, &r->definition_ids, def.id, r->last_definition);
    *vec_push(r->arena, &r->definitions) = def;
    return true;
}

struct outcome script_unknown(struct runner *r, const char *what, str id)
{
    if (id.len == 0)
        return script_message(END_UNSUPPORTED, str_printf(r->arena, "there is no %s yet", what));
    return script_message(END_UNSUPPORTED,
                          str_printf(r->arena, "unknown %s `$" STRF "`", what, STRA(id)));
}

/* A module directive, or the module of an assertion; instantiates all but definitions. */
static struct outcome module(struct runner *r, const struct wast_module *m)
{
    struct outcome o = script_message(END_FINE, (str){0});
    u32 n = r->last_definition;
    if (m->form == WAST_INSTANCE) {
        if (m->definition.len)
            n = map_get(&r->definition_ids, m->definition);
        if (n == MAP_NONE)
            return script_unknown(r, "definition", m->definition);
    } else {
        if (!add_definition(r, m, &o))
            return o;
        n = r->last_definition;
    }
    if (m->form == WAST_DEFINITION)
        return o;
    struct instance instance;
    o = instantiate(r, &r->definitions.data[n], m->id, &instance);
    if (o.end == END_FINE)
        add_instance(r, m->id, instance);
    return o;
}

static void expect_end(struct runner *r, const struct wast_directive *x, enum end end)
{
    struct outcome o = module(r, x->module);
    if (o.end != end)
        script_fail(r, x, &o);
}

static void expect_rejected(struct runner *r, const struct wast_directive *x)
{
    struct definition def;
    struct outcome o = define(r, x->module, &def);
    if (o.end == END_FINE)
        o.message = STR("the module is valid");
    if (o.end == END_FINE || o.end == END_UNSUPPORTED)
        script_fail(r, x, &o);
}

/* ---- Actions -------------------------------------------------------------------------------------------------- */

static struct outcome act(struct runner *r, const struct wast_action *a, struct results *out)
{
    u32 n = a->module.len ? map_get(&r->instance_ids, a->module) : r->last_instance;
    if (n == MAP_NONE)
        return script_unknown(r, "instance", a->module);
    struct instance i = r->instances.data[n];
    if (i.layer == LAYER_COMPONENT)
        return script_invoke_component(r, &i, a, out);
    return script_invoke_core(r, &i, a, out);
}

static bool results_match(struct runner *r, const struct wast_directive *x,
                          const struct results *have)
{
    if (have->is_component) {
        if (x->result_count != have->has_value)
            return false;
        return !have->has_value ||
               script_component_matches(&x->results[0], &have->value, have->type);
    }
    if (x->result_count != have->count)
        return false;
    u32 at = 0;
    for (u32 i = 0; i < have->count; i++) {
        if (!script_core_matches(r, &x->results[i], have->types[i], have->slots + at))
            return false;
        at += script_slots(have->types[i]);
    }
    return true;
}

static void wrong_results(struct runner *r, const struct wast_directive *x,
                          const struct results *have)
{
    struct buf found = buf_in(r->arena), wanted = buf_in(r->arena);
    u32 at = 0;
    for (u32 i = 0; i < have->count; i++) {
        buf_c(&found, i ? " " : "");
        script_print_core(&found, have->types[i], have->slots + at);
        at += script_slots(have->types[i]);
    }
    if (have->is_component && have->has_value)
        wave_print(&found, &have->value, have->type);
    for (u32 i = 0; i < x->result_count; i++) {
        buf_c(&wanted, i ? " " : "");
        script_print_expected(&wanted, &x->results[i]);
    }
    r->result->failed++;
    struct diag *e =
        diag_error(r->d, "script", x->at, "assert_return does not hold: other results");
    diag_note(r->d, e, "expected: " STRF, STRA(wanted.len ? buf_view(&wanted) : STR("nothing")));
    diag_note(r->d, e, "found:    " STRF, STRA(found.len ? buf_view(&found) : STR("nothing")));
}

static void assert_return(struct runner *r, const struct wast_directive *x)
{
    struct results results = {0};
    struct outcome o = act(r, &x->action, &results);
    if (o.end != END_FINE)
        script_fail(r, x, &o);
    else if (!results_match(r, x, &results))
        wrong_results(r, x, &results);
}

/* It may have trapped for another reason than the script has in mind, or only with words of its own. */
static void compare_text(struct runner *r, const struct wast_directive *x, str found)
{
    if (str_find(str_printf(r->arena, "wasm trap: " STRF, STRA(found)), x->message, 0) != SIZE_MAX)
        return;
    bool fails = r->texts == SCRIPT_TEXTS_COUNT;
    if (r->texts == SCRIPT_TEXTS_IGNORED)
        return;
    r->result->failed += fails;
    struct diag *e = (fails ? diag_error : diag_warning)(
        r->d, "script", x->at, "%s: the trap has another text", wast_directive_name(x->kind));
    diag_note(r->d, e, "expected: " STRF, STRA(x->message));
    diag_note(r->d, e, "found:    " STRF, STRA(found));
}

static void assert_end(struct runner *r, const struct wast_directive *x, enum end end)
{
    struct results results = {0};
    struct outcome o = x->has_action ? act(r, &x->action, &results) : module(r, x->module);
    if (end == END_TRAP && (o.end == END_EXHAUSTION || o.end == END_NO_ROOM))
        return; /* the ways to fail that depend on the machine are traps, too */
    if (o.end != end)
        script_fail(r, x, &o);
    else if (end == END_TRAP)
        compare_text(r, x, o.message);
}

static void register_instance(struct runner *r, const struct wast_directive *x)
{
    u32 n = x->id.len ? map_get(&r->instance_ids, x->id) : r->last_instance;
    if (n == MAP_NONE) {
        struct outcome o = script_unknown(r, "instance", x->id);
        script_fail(r, x, &o);
        return;
    }
    map_put(r->arena, &r->registered, x->name, n);
}

/* ---- The script ------------------------------------------------------------------------------------------------ */

static void directive(struct runner *r, const struct wast_directive *x)
{
    switch (x->kind) {
    case WAST_MODULE: expect_end(r, x, END_FINE); break;
    case WAST_REGISTER: register_instance(r, x); break;
    case WAST_ACTION: assert_end(r, x, END_FINE); break;
    case WAST_ASSERT_RETURN: assert_return(r, x); break;
    case WAST_ASSERT_TRAP:
    case WAST_ASSERT_UNINSTANTIABLE: assert_end(r, x, END_TRAP); break;
    case WAST_ASSERT_EXHAUSTION: assert_end(r, x, END_EXHAUSTION); break;
    case WAST_ASSERT_EXCEPTION: assert_end(r, x, END_EXCEPTION); break;
    case WAST_ASSERT_UNLINKABLE: assert_end(r, x, END_UNLINKABLE); break;
    case WAST_ASSERT_INVALID:
    case WAST_ASSERT_MALFORMED:
    case WAST_ASSERT_INVALID_CUSTOM:
    case WAST_ASSERT_MALFORMED_CUSTOM: expect_rejected(r, x); break;
    case WAST_THREAD: script_thread(r, x); break;
    case WAST_WAIT: script_wait(r, x); break;
    case WAST_ASSERT_SUSPENSION: {
        struct outcome o =
            script_message(END_UNSUPPORTED, STR("stack switching is not supported yet"));
        script_fail(r, x, &o);
        break;
    }
    }
}

u32 script_step(struct runner *r, const struct wast_script *script, u32 at)
{
    while (at < script->directives.len) {
        const struct wast_directive *x = &script->directives.data[at];
        if (!r->blocked) {
            r->result->directives++;
            r->result->assertions +=
                x->kind >= WAST_ASSERT_RETURN && x->kind <= WAST_ASSERT_MALFORMED_CUSTOM;
        }
        directive(r, x);
        if (r->blocked)
            break;
        at++;
    }
    return at;
}

struct run {
    struct runner *r;
    const struct wast_script *script;
};

static void run(void *ctx)
{
    struct run *x = ctx;
    struct runner *r = x->r;
    r->store = engine_store_new(&(struct engine_limits){.memory_bytes = SCRIPT_MEMORY});
    r->task = engine_task_new(r->store);
    engine_let_wait(r->store, true);
    script_spectest(r);
    script_run_threads(r, x->script);
}

bool script_run(struct arena *a, const struct wast_script *script,
                const struct script_config *config, struct script_result *out, struct diags *d)
{
    *out = (struct script_result){0};
    struct runner r = {
        .arena = a,
        .features = config->features,
        .d = d,
        .main = &r,
        .last_instance = MAP_NONE,
        .last_definition = MAP_NONE,
        .seed = config->seed,
        .texts = config->texts,
        .result = out,
    };
    bool fine = oom_guard(run, &(struct run){&r, script});
    while (r.worlds) {
        struct world *next = r.worlds->next;
        script_world_free(r.worlds);
        r.worlds = next;
    }
    if (r.store)
        engine_store_free(r.store);
    if (!fine)
        oom_unwind();
    return out->failed == 0;
}
