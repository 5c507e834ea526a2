/* canon.c - canonical definitions: their options, and the core or component function that each gives. */
#include "scope.h"

enum { MAX_FLAT_PARAMS = 16, MAX_FLAT_ASYNC_PARAMS = 4, MAX_FLAT_RESULTS = 1 };

/* Options of one canonical definition, checked on their own. */
struct options {
    const struct cm_canon_opts *given;
    bool is_async, has_memory, has_realloc;
    u8 pointer; /* core type of pointers into the memory: WASM_I32 or WASM_I64 */
    bool is_gc;
    u32 core_type; /* canonical id of the option `core-type`, VALIDATE_NONE without one */
};

/* A core signature under construction. */
struct signature {
    wasm_valtype params[MAX_FLAT_PARAMS + 2], results[2];
    u32 param_count, result_count;
    bool is_shared;
};

static void param(struct signature *sig, wasm_valtype t)
{
    sig->params[sig->param_count++] = t;
}
static void result(struct signature *sig, wasm_valtype t)
{
    sig->results[sig->result_count++] = t;
}

static struct wasm_functype functype(const struct signature *sig)
{
    return (struct wasm_functype){sig->params, sig->results, sig->param_count, sig->result_count};
}

static bool push_core_func(struct validate_scope *s, u32 id)
{
    *vec_push(s->arena, &s->core_externs[EXTERN_FUNC]) =
        (struct wasm_externtype){.kind = EXTERN_FUNC, .type = id};
    return true;
}

static bool define_core_func(struct validate_cm *v, struct validate_scope *s,
                             const struct signature *sig)
{
    struct wasm_functype type = functype(sig);
    u32 id = validate_store_maybe_shared(v->t->store, &type, sig->is_shared);
    if (id == VALIDATE_NONE)
        return validate_cm_bad(v, s, "too many types: more than %u", WASM_MAX_TYPES);
    return push_core_func(s, id);
}

/* ---- Core functions that options and destructors name ------------------------------------------------ */

bool validate_cm_core_func(struct validate_cm *v, struct validate_scope *s, u32 index,
                           const struct wasm_functype **out)
{
    if (index >= s->core_externs[EXTERN_FUNC].len)
        return validate_cm_bad(v, s, "unknown core function %u: function index out of bounds",
                               index);
    u32 type = s->core_externs[EXTERN_FUNC].data[index].type;
    *out = &validate_store_type(v->t->store, type)->func;
    return true;
}

static bool same_types(const wasm_valtype *a, const wasm_valtype *b, u32 n)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

static str signature_text(struct validate_cm *v, const struct wasm_functype *t)
{
    struct buf b = buf_in(v->t->arena);
    buf_c(&b, "[");
    for (u32 i = 0; i < t->param_count && i < 20; i++) {
        buf_c(&b, i ? " " : "");
        buf_str(&b, validate_valtype_text(v->t->arena, t->params[i]));
    }
    buf_c(&b, "] -> [");
    for (u32 i = 0; i < t->result_count && i < 20; i++) {
        buf_c(&b, i ? " " : "");
        buf_str(&b, validate_valtype_text(v->t->arena, t->results[i]));
    }
    buf_c(&b, "]");
    return buf_view(&b);
}

static bool same_functypes(const struct wasm_functype *a, const struct wasm_functype *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           same_types(a->params, b->params, a->param_count) &&
           same_types(a->results, b->results, a->result_count);
}

static bool expect_functype(struct validate_cm *v, struct validate_scope *s, const char *what,
                            u32 index, const struct wasm_functype *want)
{
    const struct wasm_functype *have = NULL;
    if (!validate_cm_core_func(v, s, index, &have))
        return false;
    return same_functypes(have, want) ||
           validate_cm_bad(v, s,
                           "%s is core function %u of type " STRF
                           " (wrong signature: it must have type " STRF ")",
                           what, index, STRA(signature_text(v, have)),
                           STRA(signature_text(v, want)));
}

static bool expect_signature(struct validate_cm *v, struct validate_scope *s, const char *what,
                             u32 index, const struct signature *sig)
{
    struct wasm_functype want = functype(sig);
    return expect_functype(v, s, what, index, &want);
}

/* ---- Options --------------------------------------------------------------------------------------------- */

static bool check_duplicates(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_canon_opts *o)
{
    const u32 encodings =
        1u << OPTION_STRING_UTF8 | 1u << OPTION_STRING_UTF16 | 1u << OPTION_STRING_LATIN1_UTF16;
    u32 seen = 0;
    for (u32 i = 0; i < o->order.len; i++) {
        u32 bit = 1u << o->order.data[i];
        const char *word = cm_option_info[o->order.data[i]].word;
        if (seen & encodings && bit & encodings)
            return validate_cm_bad(v, s,
                                   "canonical encoding option `%s` conflicts with an option "
                                   "before it",
                                   strchr(word, '=') + 1);
        if (seen & bit)
            return validate_cm_bad(v, s, "canonical option `%s` is specified more than once", word);
        seen |= bit;
    }
    return true;
}

static bool check_memory(struct validate_cm *v, struct validate_scope *s, u32 index, u8 *pointer)
{
    if (index >= s->core_externs[EXTERN_MEMORY].len)
        return validate_cm_bad(v, s, "unknown core memory %u: memory index out of bounds", index);
    const struct wasm_limits *l = &s->core_externs[EXTERN_MEMORY].data[index].memory;
    if (l->is_64 && !features_has(v->features, FEATURE_CM64))
        return validate_cm_bad(v, s,
                               "canonical ABI memory is not a 32-bit linear memory "
                               "(64-bit ones need the feature `cm64`)");
    if (l->is_shared)
        return validate_cm_bad(v, s, "canonical ABI memory cannot be shared");
    *pointer = l->is_64 ? WASM_I64 : WASM_I32;
    return true;
}

static bool check_realloc(struct validate_cm *v, struct validate_scope *s, const struct options *o)
{
    if (!o->has_memory)
        return validate_cm_bad(v, s, "canonical option `realloc` needs the option `memory`");
    struct signature sig = {0};
    for (u32 i = 0; i < 4; i++)
        param(&sig, o->pointer);
    result(&sig, o->pointer);
    return expect_signature(v, s, "canonical option `realloc`", o->given->realloc, &sig);
}

static bool check_gc(struct validate_cm *v, struct validate_scope *s, struct options *o, bool lift)
{
    const struct cm_canon_opts *g = o->given;
    if (!validate_cm_need(v, s, FEATURE_CM_GC, "the canonical options gc and core-type"))
        return false;
    if (g->has_core_type && !validate_cm_gc_core_type(v, s, g->core_type, &o->core_type))
        return false;
    if (!g->is_gc)
        return validate_cm_bad(v, s, "cannot specify `core-type` without `gc`");
    if (lift && g->has_core_type)
        return validate_cm_bad(v, s, "canonical option `core-type` is not allowed in `canon lift`");
    return lift || g->has_core_type ||
           validate_cm_bad(v, s,
                           "cannot specify `gc` without also specifying a `core-type` for "
                           "lowerings");
}

/* What kind of definition the options are for says which of them may stand there. */
static bool check_options(struct validate_cm *v, struct validate_scope *s,
                          const struct cm_canon *canon, struct options *o)
{
    const struct cm_canon_opts *g = &canon->opts;
    bool lift = canon->kind == CANON_LIFT, lower = canon->kind == CANON_LOWER;
    bool task_return = canon->kind == CANON_TASK_RETURN;
    bool error_context =
        canon->kind == CANON_ERROR_CONTEXT_NEW || canon->kind == CANON_ERROR_CONTEXT_DEBUG_MESSAGE;
    *o = (struct options){g,        g->is_async, g->has_memory, g->has_realloc,
                          WASM_I32, g->is_gc,    VALIDATE_NONE};
    if (!check_duplicates(v, s, g))
        return false;
    if ((g->is_gc || g->has_core_type) && !check_gc(v, s, o, lift))
        return false;
    if (g->has_memory && !check_memory(v, s, g->memory, &o->pointer))
        return false;
    if (g->has_realloc && task_return)
        return validate_cm_bad(v, s, "cannot specify `realloc` option on `task.return`");
    if (g->has_realloc && !check_realloc(v, s, o))
        return false;
    if (g->has_post_return && !lift)
        return validate_cm_bad(v, s, "canonical option `post-return` cannot be specified for %s",
                               lower ? "lowerings" : cm_canon_info[canon->kind].name);
    if (g->has_post_return && g->is_async)
        return validate_cm_bad(v, s, "cannot specify post-return function in async");
    if (g->is_async && (task_return || error_context))
        return validate_cm_bad(v, s, "cannot specify `async` option on `%s`",
                               cm_canon_info[canon->kind].name);
    if (g->is_async && !validate_cm_need(v, s, FEATURE_CM_ASYNC, "async options"))
        return false;
    if (g->has_callback && !lift)
        return validate_cm_bad(v, s, "canonical option `callback` cannot be specified for %s",
                               lower ? "lowerings" : cm_canon_info[canon->kind].name);
    if (g->has_callback && !g->is_async)
        return validate_cm_bad(v, s, "cannot specify callback without async");
    if (g->has_callback) {
        struct signature sig = {0};
        for (u32 i = 0; i < 3; i++)
            param(&sig, WASM_I32);
        result(&sig, WASM_I32);
        if (!expect_signature(v, s, "canonical option `callback`", g->callback, &sig))
            return false;
    }
    if (lift && g->is_async && !g->has_callback)
        return validate_cm_need(v, s, FEATURE_CM_ASYNC_STACKFUL,
                                "async lifts without a `callback`");
    return true;
}

/* The core function of a built-in: of its own type, or of the equal one that `core-type` names. */
static bool define_with_options(struct validate_cm *v, struct validate_scope *s,
                                const struct options *o, const struct signature *sig)
{
    if (o->core_type == VALIDATE_NONE)
        return define_core_func(v, s, sig);
    const struct wasm_functype *have = &validate_store_type(v->t->store, o->core_type)->func;
    struct wasm_functype want = functype(sig);
    return same_functypes(have, &want)
               ? push_core_func(s, o->core_type)
               : validate_cm_bad(
                     v, s, "declared core type " STRF " (wrong signature: it must be " STRF ")",
                     STRA(signature_text(v, have)), STRA(signature_text(v, &want)));
}

/* The core function of a lowering under the option `gc`: of the type that `core-type` names. */
static bool define_gc(struct validate_cm *v, struct validate_scope *s, const struct options *o,
                      const struct validate_label *params, u32 param_count, validate_id result)
{
    const struct wasm_functype *core = &validate_store_type(v->t->store, o->core_type)->func;
    return validate_cm_gc_signature(v, s, o->given->encoding == ENCODING_UTF16, params, param_count,
                                    result, core) &&
           push_core_func(s, o->core_type);
}

/* What goes through memory is told by `what`: "the parameters". */
static bool need_memory(struct validate_cm *v, struct validate_scope *s, const struct options *o,
                        const char *what)
{
    return o->has_memory ||
           validate_cm_bad(v, s, "canonical option `memory` is required: %s in memory", what);
}

static bool need_realloc(struct validate_cm *v, struct validate_scope *s, const struct options *o,
                         const char *what)
{
    return need_memory(v, s, o, what) &&
           (o->has_realloc ||
            validate_cm_bad(
                v, s, "canonical option `realloc` is required: %s in memory that it gives", what));
}

#define LISTS_OF_PARAMS "lists and strings of the parameters are"
#define LISTS_OF_RESULT "lists and strings of the result are"
#define MANY_PARAMS     "so many parameters are passed"
#define LARGE_RESULT    "so large a result is passed"

/* ---- Flattening --------------------------------------------------------------------------------------------- */

/* Appends what a type flattens to; false when there is no room for `max` in all. */
static bool flatten(struct validate_cm *v, const struct options *o, validate_id id,
                    wasm_valtype *out, u32 *n, u32 max)
{
    if (id == VALIDATE_NONE)
        return true;
    const struct validate_type *d = validate_at(v->t, id);
    if (*n + d->flat_count > max)
        return false;
    for (u32 i = 0; i < d->flat_count; i++)
        out[(*n)++] = o->pointer == WASM_I64 ? d->flat64[i] : d->flat32[i];
    return true;
}

/* Parameters: as flat values, or through memory as one pointer (*spilled). */
static void flatten_params(struct validate_cm *v, const struct options *o,
                           const struct validate_type *f, u32 max, struct signature *sig,
                           bool *spilled)
{
    *spilled = false;
    for (u32 i = 0; i < f->label_count && !*spilled; i++)
        *spilled = !flatten(v, o, f->labels[i].type, sig->params, &sig->param_count, max);
    if (*spilled) {
        sig->param_count = 0;
        param(sig, o->pointer);
    }
}

static bool any_pointer(struct validate_cm *v, const struct validate_type *f)
{
    for (u32 i = 0; i < f->label_count; i++) {
        if (validate_at(v->t, f->labels[i].type)->has_pointer)
            return true;
    }
    return false;
}

static bool result_has_pointer(struct validate_cm *v, const struct validate_type *f)
{
    return f->element != VALIDATE_NONE && validate_at(v->t, f->element)->has_pointer;
}

static u32 flat_results(struct validate_cm *v, const struct validate_type *f)
{
    return f->element == VALIDATE_NONE ? 0 : validate_at(v->t, f->element)->flat_count;
}

/* ---- Lift and lower ------------------------------------------------------------------------------------------- */

static bool lift_gc(struct validate_cm *v, struct validate_scope *s, const struct cm_canon *canon,
                    const struct validate_type *f)
{
    const struct wasm_functype *core = NULL;
    return validate_cm_core_func(v, s, canon->func, &core) &&
           validate_cm_gc_signature(v, s, canon->opts.encoding == ENCODING_UTF16, f->labels,
                                    f->label_count, f->element, core);
}

static bool lift_flat(struct validate_cm *v, struct validate_scope *s, const struct cm_canon *canon,
                      const struct validate_type *f, const struct options *o)
{
    struct signature sig = {0};
    bool spilled = false;
    flatten_params(v, o, f, MAX_FLAT_PARAMS, &sig, &spilled);
    u32 flat = flat_results(v, f), most = o->is_async ? MAX_FLAT_PARAMS : MAX_FLAT_RESULTS;
    if ((any_pointer(v, f) && !need_realloc(v, s, o, LISTS_OF_PARAMS)) ||
        (spilled && !need_realloc(v, s, o, MANY_PARAMS)) ||
        (result_has_pointer(v, f) && !need_memory(v, s, o, LISTS_OF_RESULT)) ||
        (flat > most && !need_memory(v, s, o, LARGE_RESULT)))
        return false;
    if (o->is_async && canon->opts.has_callback)
        result(&sig, WASM_I32);
    else if (!o->is_async && flat > MAX_FLAT_RESULTS)
        result(&sig, o->pointer);
    else if (!o->is_async)
        flatten(v, o, f->element, sig.results, &sig.result_count, MAX_FLAT_RESULTS);
    return expect_signature(v, s,
                            "lowered parameter and result types do not match: the lifted function",
                            canon->func, &sig);
}

static bool lift(struct validate_cm *v, struct validate_scope *s, const struct cm_canon *canon)
{
    struct options o;
    validate_id type = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_TYPE, canon->type, &type))
        return false;
    const struct validate_type f = *validate_at(v->t, type);
    if (f.kind != DEF_FUNC)
        return validate_cm_bad(v, s, "type index %u is not a function type", canon->type);
    if (!check_options(v, s, canon, &o))
        return false;
    if (o.is_async && !f.is_async)
        return validate_cm_bad(v, s,
                               "the `async` canonical option requires an async function "
                               "type");
    const struct wasm_functype *core = NULL;
    if (o.is_gc ? !lift_gc(v, s, canon, &f) : !lift_flat(v, s, canon, &f, &o))
        return false;
    if (canon->opts.has_post_return) {
        validate_cm_core_func(v, s, canon->func, &core);
        struct wasm_functype post = {.params = core->results, .param_count = core->result_count};
        if (!expect_functype(v, s, "canonical option `post-return`", canon->opts.post_return,
                             &post))
            return false;
    }
    *vec_push(s->arena, &s->funcs) = validate_untagged(v->t, type);
    return true;
}

static bool lower(struct validate_cm *v, struct validate_scope *s, const struct cm_canon *canon)
{
    struct options o;
    validate_id type = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_FUNC, canon->func, &type) || !check_options(v, s, canon, &o))
        return false;
    const struct validate_type f = *validate_at(v->t, type);
    if (o.is_async && !f.is_async)
        return validate_cm_bad(v, s,
                               "the `async` canonical option requires an async function "
                               "type");
    if (o.is_gc)
        return define_gc(v, s, &o, f.labels, f.label_count, f.element);
    struct signature sig = {0};
    bool spilled = false;
    flatten_params(v, &o, &f, o.is_async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS, &sig, &spilled);
    u32 flat = flat_results(v, &f), most = o.is_async ? 0 : MAX_FLAT_RESULTS;
    if ((any_pointer(v, &f) && !need_memory(v, s, &o, LISTS_OF_PARAMS)) ||
        (spilled && !need_memory(v, s, &o, MANY_PARAMS)) ||
        (result_has_pointer(v, &f) && !need_realloc(v, s, &o, LISTS_OF_RESULT)) ||
        (flat > most && !need_memory(v, s, &o, LARGE_RESULT)))
        return false;
    if (flat > most)
        param(&sig, o.pointer);
    else if (!o.is_async)
        flatten(v, &o, f.element, sig.results, &sig.result_count, MAX_FLAT_RESULTS);
    if (o.is_async)
        result(&sig, WASM_I32);
    return define_core_func(v, s, &sig);
}

/* ---- Resources --------------------------------------------------------------------------------------------------- */

static bool resource_builtin(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_canon *canon)
{
    struct signature sig = {0};
    validate_id type = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_TYPE, canon->type, &type))
        return false;
    const struct validate_type *d = validate_at(v->t, type);
    if (d->kind != DEF_RESOURCE)
        return validate_cm_bad(v, s, "type index %u is not a resource type: it is " STRF,
                               canon->type, STRA(validate_type_text(v->t->arena, v->t, type, 100)));
    const struct validate_resource *r = &v->t->resources.data[d->resource];
    if (canon->kind != CANON_RESOURCE_DROP && r->scope != s)
        return validate_cm_bad(v, s,
                               "type index %u is not a local resource: %s works on resources "
                               "that the component defines",
                               canon->type, cm_canon_info[canon->kind].name);
    param(&sig, canon->kind == CANON_RESOURCE_NEW ? r->rep : (wasm_valtype)WASM_I32);
    if (canon->kind == CANON_RESOURCE_NEW)
        result(&sig, WASM_I32);
    else if (canon->kind == CANON_RESOURCE_REP)
        result(&sig, r->rep);
    return define_core_func(v, s, &sig);
}

/* ---- Streams and futures -------------------------------------------------------------------------------------------- */

static bool channel_type(struct validate_cm *v, struct validate_scope *s,
                         const struct cm_canon *canon, const struct validate_type **out)
{
    bool stream = cm_canon_info[canon->kind].name[0] == 's';
    validate_id type = VALIDATE_NONE;
    if (!validate_cm_at(v, s, SORT_TYPE, canon->type, &type))
        return false;
    *out = validate_at(v->t, type);
    return (*out)->kind == (stream ? DEF_STREAM : DEF_FUTURE) ||
           validate_cm_bad(v, s, "`%s` requires a %s type, but type %u is " STRF,
                           cm_canon_info[canon->kind].name, stream ? "stream" : "future",
                           canon->type, STRA(validate_type_text(v->t->arena, v->t, type, 100)));
}

static bool channel_copy(struct validate_cm *v, struct validate_scope *s,
                         const struct cm_canon *canon)
{
    const struct validate_type *d = NULL;
    struct options o;
    if (!channel_type(v, s, canon, &d) || !check_options(v, s, canon, &o))
        return false;
    if (!o.is_async && !validate_cm_need(v, s, FEATURE_CM_MORE_ASYNC,
                                         "stream and future copies without the option `async`"))
        return false;
    bool read = canon->kind == CANON_STREAM_READ || canon->kind == CANON_FUTURE_READ;
    if (d->element != VALIDATE_NONE) {
        const char *lists = "lists and strings of the elements are";
        if (!need_memory(v, s, &o, "the elements are"))
            return false;
        if (read && validate_at(v->t, d->element)->has_pointer && !need_realloc(v, s, &o, lists))
            return false;
    }
    struct signature sig = {0};
    param(&sig, WASM_I32);
    param(&sig, o.pointer);
    if (d->kind == DEF_STREAM)
        param(&sig, o.pointer);
    result(&sig, d->kind == DEF_STREAM ? o.pointer : (u32)WASM_I32);
    return define_with_options(v, s, &o, &sig);
}

static bool channel_builtin(struct validate_cm *v, struct validate_scope *s,
                            const struct cm_canon *canon)
{
    const struct validate_type *d = NULL;
    struct signature sig = {0};
    if (!channel_type(v, s, canon, &d))
        return false;
    if (canon->is_async && !validate_cm_need(v, s, FEATURE_CM_MORE_ASYNC, "async cancellations"))
        return false;
    switch (canon->kind) {
    case CANON_STREAM_NEW:
    case CANON_FUTURE_NEW: result(&sig, WASM_I64); break;
    case CANON_STREAM_FORWARD:
    case CANON_FUTURE_FORWARD:
        param(&sig, WASM_I32);
        param(&sig, WASM_I32);
        break;
    case CANON_STREAM_CANCEL_READ:
    case CANON_STREAM_CANCEL_WRITE:
    case CANON_FUTURE_CANCEL_READ:
    case CANON_FUTURE_CANCEL_WRITE:
        param(&sig, WASM_I32);
        result(&sig, WASM_I32);
        break;
    default: param(&sig, WASM_I32); /* drop */
    }
    return define_core_func(v, s, &sig);
}

/* ---- Tasks, waitable sets, contexts, errors ---------------------------------------------------------------------------- */

static bool task_return(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_canon *canon)
{
    struct options o;
    struct signature sig = {0};
    validate_id type = VALIDATE_NONE;
    if (canon->has_result && !validate_cm_valtype(v, s, canon->result, &type))
        return false;
    if (!check_options(v, s, canon, &o))
        return false;
    if (type != VALIDATE_NONE) {
        const struct validate_type *d = validate_at(v->t, type);
        if (d->has_borrow)
            return validate_cm_bad(v, s, "`task.return` result cannot contain a `borrow` type");
        if (o.is_gc) {
            struct validate_label value = {STR("result"), type};
            return define_gc(v, s, &o, &value, 1, VALIDATE_NONE);
        }
        bool fits = flatten(v, &o, type, sig.params, &sig.param_count, MAX_FLAT_PARAMS);
        if ((d->has_pointer && !need_memory(v, s, &o, LISTS_OF_RESULT)) ||
            (!fits && !need_memory(v, s, &o, LARGE_RESULT)))
            return false;
        if (!fits)
            param(&sig, o.pointer);
    }
    return define_with_options(v, s, &o, &sig);
}

static bool context_builtin(struct validate_cm *v, struct validate_scope *s,
                            const struct cm_canon *canon)
{
    struct signature sig = {0};
    wasm_valtype t = canon->slot_type;
    if (t != WASM_I32 && (t != WASM_I64 || !features_has(v->features, FEATURE_CM64)))
        return validate_cm_bad(v, s, "`%s` only supports `i32`%s", cm_canon_info[canon->kind].name,
                               t == WASM_I64 ? " unless the feature `cm64` is on" : "");
    if (canon->slot >= 2)
        return validate_cm_bad(v, s, "`%s` slot %u is out of range: slots are 0 and 1",
                               cm_canon_info[canon->kind].name, canon->slot);
    if (s->context_type && s->context_type != t)
        return validate_cm_bad(v, s,
                               "all `context.get` and `context.set` of a component must have "
                               "one type");
    s->context_type = t;
    if (canon->kind == CANON_CONTEXT_GET)
        result(&sig, t);
    else
        param(&sig, t);
    return define_core_func(v, s, &sig);
}

static bool waitable_set_wait(struct validate_cm *v, struct validate_scope *s,
                              const struct cm_canon *canon)
{
    struct signature sig = {0};
    u8 pointer = 0;
    if (!check_memory(v, s, canon->memory, &pointer))
        return false;
    param(&sig, WASM_I32);
    param(&sig, pointer);
    result(&sig, WASM_I32);
    return define_core_func(v, s, &sig);
}

static bool error_context_builtin(struct validate_cm *v, struct validate_scope *s,
                                  const struct cm_canon *canon)
{
    struct options o;
    struct signature sig = {0};
    bool make = canon->kind == CANON_ERROR_CONTEXT_NEW;
    const char *message = "the message is";
    if (!check_options(v, s, canon, &o) ||
        (make ? !need_memory(v, s, &o, message) : !need_realloc(v, s, &o, message)))
        return false;
    param(&sig, make ? o.pointer : (u32)WASM_I32);
    param(&sig, o.pointer);
    if (make)
        result(&sig, WASM_I32);
    return define_with_options(v, s, &o, &sig);
}

/* ---- Threads -------------------------------------------------------------------------------------------------------------- */

/* The start function's type, (shared? (func (param T))), and T. */
static bool thread_type(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_canon *canon, u32 *id, wasm_valtype *closure)
{
    if (canon->type >= s->core_types.len)
        return validate_cm_bad(v, s, "unknown core type %u: core type index out of bounds",
                               canon->type);
    *id = s->core_types.data[canon->type];
    if (*id == VALIDATE_NONE)
        return validate_cm_bad(v, s, "core type %u is a module type, not that of a function",
                               canon->type);
    const struct wasm_type *t = validate_store_type(v->t->store, *id);
    bool fits = t->kind == COMPTYPE_FUNC && t->func.param_count == 1 && t->func.result_count == 0;
    *closure = fits ? t->func.params[0] : WASM_NONE;
    if (!fits || (*closure != WASM_I32 &&
                  (*closure != WASM_I64 || !features_has(v->features, FEATURE_CM64))))
        return validate_cm_bad(v, s,
                               "start function must take a single `i32` argument and return "
                               "nothing");
    return canon->is_shared == t->is_shared ||
           validate_cm_bad(v, s,
                           "the type of the start function must %sbe shared, like `%s` itself",
                           canon->is_shared ? "" : "not ", cm_canon_info[canon->kind].name);
}

static bool thread_table(struct validate_cm *v, struct validate_scope *s,
                         const struct cm_canon *canon, wasm_valtype *address)
{
    if (canon->table >= s->core_externs[EXTERN_TABLE].len)
        return validate_cm_bad(v, s, "unknown core table %u: table index out of bounds",
                               canon->table);
    const struct wasm_tabletype *t = &s->core_externs[EXTERN_TABLE].data[canon->table].table;
    if (!validate_is_funcref(v->t->store, t->element) ||
        canon->is_shared != validate_is_shared(v->t->store, t->element))
        return validate_cm_bad(v, s, "expected a table of %sfunctions: core table %u has " STRF,
                               canon->is_shared ? "shared " : "", canon->table,
                               STRA(validate_valtype_text(v->t->arena, t->element)));
    if (canon->is_shared && !t->limits.is_shared)
        return validate_cm_bad(v, s, "core table %u must be shared", canon->table);
    if (t->limits.is_64 && !features_has(v->features, FEATURE_CM64))
        return validate_cm_bad(v, s, "64-bit tables need the feature `cm64` here");
    *address = t->limits.is_64 ? WASM_I64 : WASM_I32;
    return true;
}

static bool thread_builtin(struct validate_cm *v, struct validate_scope *s,
                           const struct cm_canon *canon)
{
    struct signature sig = {.is_shared = canon->is_shared};
    u32 id = 0;
    wasm_valtype closure = 0, address = 0;
    switch (canon->kind) {
    case CANON_THREAD_NEW_INDIRECT:
    case CANON_THREAD_SPAWN_INDIRECT:
        if (!thread_type(v, s, canon, &id, &closure) || !thread_table(v, s, canon, &address))
            return false;
        param(&sig, address);
        param(&sig, closure);
        break;
    case CANON_THREAD_SPAWN_REF:
        if (!thread_type(v, s, canon, &id, &closure))
            return false;
        param(&sig, wasm_ref_concrete(id, true));
        param(&sig, closure);
        break;
    case CANON_THREAD_RESUME_LATER: param(&sig, WASM_I32); return define_core_func(v, s, &sig);
    case CANON_THREAD_SUSPEND_THEN_RESUME:
    case CANON_THREAD_YIELD_THEN_RESUME:
    case CANON_THREAD_SUSPEND_THEN_PROMOTE:
    case CANON_THREAD_YIELD_THEN_PROMOTE: param(&sig, WASM_I32); break;
    default: break; /* index, suspend, yield, available-parallelism */
    }
    result(&sig, WASM_I32);
    return define_core_func(v, s, &sig);
}

/* ---- All of them -------------------------------------------------------------------------------------------------------------- */

static bool builtin(struct validate_cm *v, struct validate_scope *s, const struct cm_canon *canon)
{
    struct signature sig = {0};
    switch (canon->kind) {
    case CANON_RESOURCE_NEW:
    case CANON_RESOURCE_DROP:
    case CANON_RESOURCE_REP: return resource_builtin(v, s, canon);
    case CANON_TASK_RETURN: return task_return(v, s, canon);
    case CANON_CONTEXT_GET:
    case CANON_CONTEXT_SET: return context_builtin(v, s, canon);
    case CANON_STREAM_READ:
    case CANON_STREAM_WRITE:
    case CANON_FUTURE_READ:
    case CANON_FUTURE_WRITE: return channel_copy(v, s, canon);
    case CANON_ERROR_CONTEXT_NEW:
    case CANON_ERROR_CONTEXT_DEBUG_MESSAGE: return error_context_builtin(v, s, canon);
    case CANON_WAITABLE_SET_WAIT:
    case CANON_WAITABLE_SET_POLL: return waitable_set_wait(v, s, canon);
    case CANON_WAITABLE_SET_NEW: result(&sig, WASM_I32); break;
    case CANON_WAITABLE_JOIN:
        param(&sig, WASM_I32);
        param(&sig, WASM_I32);
        break;
    case CANON_WAITABLE_SET_DROP:
    case CANON_SUBTASK_DROP:
    case CANON_ERROR_CONTEXT_DROP: param(&sig, WASM_I32); break;
    case CANON_SUBTASK_CANCEL:
        if (canon->is_async &&
            !validate_cm_need(v, s, FEATURE_CM_MORE_ASYNC, "async cancellations"))
            return false;
        param(&sig, WASM_I32);
        result(&sig, WASM_I32);
        break;
    case CANON_TASK_CANCEL:
    case CANON_BACKPRESSURE_INC:
    case CANON_BACKPRESSURE_DEC: break;
    default:
        return cm_canon_info[canon->kind].name[0] == 't' ? thread_builtin(v, s, canon)
                                                         : channel_builtin(v, s, canon);
    }
    return define_core_func(v, s, &sig);
}

bool validate_cm_canon(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_canon *canon)
{
    const struct cm_canon_info *info = &cm_canon_info[canon->kind];
    if (!features_has(v->features, info->gate)) {
        struct diag *x = diag_error(v->diags, CODE_INVALID, s->at, "`%s` needs the feature `%s`",
                                    info->name, feature_name(info->gate));
        diag_help(v->diags, x, "turn it on with `--features %s`", feature_name(info->gate));
        return false;
    }
    if (canon->kind == CANON_LIFT)
        return lift(v, s, canon);
    if (canon->kind == CANON_LOWER)
        return lower(v, s, canon);
    return builtin(v, s, canon);
}
