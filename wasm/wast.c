/* wast.c - parses scripts. */
#include "wast.h"
#include "wast_internal.h"

static const struct {
    str word;
    enum wast_directive_kind kind;
} directive_words[] = {
    {STR_INIT("module"), WAST_MODULE},
    {STR_INIT("component"), WAST_MODULE},
    {STR_INIT("register"), WAST_REGISTER},
    {STR_INIT("invoke"), WAST_ACTION},
    {STR_INIT("get"), WAST_ACTION},
    {STR_INIT("assert_return"), WAST_ASSERT_RETURN},
    {STR_INIT("assert_trap"), WAST_ASSERT_TRAP},
    {STR_INIT("assert_exhaustion"), WAST_ASSERT_EXHAUSTION},
    {STR_INIT("assert_exception"), WAST_ASSERT_EXCEPTION},
    {STR_INIT("assert_suspension"), WAST_ASSERT_SUSPENSION},
    {STR_INIT("assert_invalid"), WAST_ASSERT_INVALID},
    {STR_INIT("assert_malformed"), WAST_ASSERT_MALFORMED},
    {STR_INIT("assert_unlinkable"), WAST_ASSERT_UNLINKABLE},
    {STR_INIT("assert_uninstantiable"), WAST_ASSERT_UNINSTANTIABLE},
    {STR_INIT("assert_invalid_custom"), WAST_ASSERT_INVALID_CUSTOM},
    {STR_INIT("assert_malformed_custom"), WAST_ASSERT_MALFORMED_CUSTOM},
    {STR_INIT("thread"), WAST_THREAD},
    {STR_INIT("wait"), WAST_WAIT},
};

const char *wast_directive_name(enum wast_directive_kind kind)
{
    static const char *const names[] = {
        "module",
        "register",
        "invoke",
        "assert_return",
        "assert_trap",
        "assert_exhaustion",
        "assert_exception",
        "assert_suspension",
        "assert_invalid",
        "assert_malformed",
        "assert_unlinkable",
        "assert_uninstantiable",
        "assert_invalid_custom",
        "assert_malformed_custom",
        "thread",
        "wait",
    };
    return names[kind];
}

/* ---- Modules -------------------------------------------------------------------------------------------- */

/* A parser of its own for text[start, end) of the same source, with diagnostics of its own: what is wrong in there ends
 * nothing else. */
static void sub_parser(struct text_parser *p, struct text_parser *sub, u32 start, u32 end,
                       struct diags *why)
{
    *sub = (struct text_parser){.ops = p->ops, .module_arena = p->module_arena};
    text_init_part(sub, p->arena, p->source, start, end, p->features, why);
    sub->depth = p->depth;
}

static bool at_module(struct text_parser *p)
{
    return text_form(p, "module") || text_form(p, "component");
}

/* `(module ...)`, `(component ...)` or the fields of a module, up to the end of the text. */
static void definition(struct text_parser *p, struct buf *out)
{
    p->field_start = p->tok.start;
    if (!at_module(p)) {
        text_module_fields(p, (str){0}, out);
        return;
    }
    text_advance(p); /* "(" */
    bool component = text_at(p, "component");
    text_advance(p);
    text_take(p, "definition");
    struct text_token at;
    str id = text_id(p, &at);
    if (component)
        text_component(p, id, NULL, out);
    else
        text_module(p, id, out);
    if (!p->failed && p->tok.kind != TEXT_EOF)
        text_unexpected(p, "the end of the module");
}

static void assemble(struct text_parser *p, struct wast_module *m)
{
    struct text_parser sub;
    struct buf out = buf_in(p->arena);
    m->why = arena_new(p->arena, struct diags);
    diags_init(m->why, p->arena, p->d->sources);
    sub_parser(p, &sub, m->text.start, m->text.end, m->why);
    definition(&sub, &out);
    m->malformed = sub.failed;
    m->bytes = buf_view(&out);
}

struct again {
    struct text_parser p;
    struct buf out;
};

static void assemble_again(void *ctx)
{
    struct again *x = ctx;
    definition(&x->p, &x->out);
}

static bool again(struct arena *a, span text, struct features features, struct text_places *places,
                  struct diags *d)
{
    struct again x = {.out = buf_in(a)};
    text_init_part(&x.p, a, text.source, text.start, text.end, features, d);
    x.p.places = places;
    text_guarded(&x.p, assemble_again, &x);
    return !x.p.failed;
}

void wast_set_places(struct sources *s, u32 binary, const struct wast_module *m,
                     struct features features)
{
    text_set_places(s, binary, m->text, features, again);
}

/* `(module ...)`; the current token is "(". */
static struct wast_module *module(struct text_parser *p)
{
    struct wast_module *m = arena_new(p->arena, struct wast_module);
    struct text_token open = p->tok, word = text_peek(p), at;
    m->layer = text_is_word(p, word, STR("component")) ? LAYER_COMPONENT : LAYER_MODULE;
    m->at = (span){p->source, open.start, word.end};
    text_advance(p);
    text_advance(p);
    if (text_take(p, "definition"))
        m->form = WAST_DEFINITION;
    else if (text_take(p, "instance"))
        m->form = WAST_INSTANCE;
    m->id = text_id(p, &at);
    if (m->form == WAST_INSTANCE) {
        m->definition = text_id(p, &at);
        m->why = arena_new(p->arena, struct diags);
        diags_init(m->why, p->arena, p->d->sources);
        text_close(p);
        return m;
    }
    text_skip_rest(p);
    m->text = (span){p->source, open.start, p->last_close};
    if (!p->failed)
        assemble(p, m);
    return m;
}

/* ---- Actions and assertions --------------------------------------------------------------------------------- */

static bool at_action(struct text_parser *p)
{
    return text_form(p, "invoke") || text_form(p, "get");
}

/* What follows `(invoke` or `(get`, and the closing parenthesis. */
static void action(struct text_parser *p, bool get, span at, struct wast_action *a)
{
    struct text_token id;
    a->kind = get ? WAST_GET : WAST_INVOKE;
    a->at = at;
    a->module = text_id(p, &id);
    a->name = text_name(p);
    if (!get)
        wast_values(p, &a->args, &a->arg_count);
    text_close(p);
}

static void nested_action(struct text_parser *p, struct wast_directive *x)
{
    text_lparen(p);
    bool get = text_at(p, "get");
    span at = text_span(p, p->tok);
    text_advance(p);
    x->has_action = true;
    action(p, get, at, &x->action);
}

static void message(struct text_parser *p, struct wast_directive *x)
{
    if (p->tok.kind == TEXT_STRING)
        x->message = text_string(p);
}

static void directives(struct text_parser *p, struct wast_script *script);

static void thread(struct text_parser *p, struct wast_directive *x)
{
    struct text_token at;
    VEC(str) shared = {0};
    x->id = text_id(p, &at);
    while (text_open(p, "shared")) {
        text_lparen(p);
        text_expect(p, "module");
        *vec_push(p->arena, &shared) = text_id(p, &at);
        text_close(p);
        text_close(p);
    }
    x->shared = shared.data;
    x->shared_count = shared.len;
    x->script = arena_new(p->arena, struct wast_script);
    if (!text_enter(p))
        return;
    directives(p, x->script);
    text_leave(p);
}

static void assertion(struct text_parser *p, struct wast_directive *x)
{
    switch (x->kind) {
    case WAST_ASSERT_RETURN:
        if (!at_action(p)) {
            text_unexpected(p, "`(invoke` or `(get`");
            return;
        }
        nested_action(p, x);
        wast_values(p, &x->results, &x->result_count);
        break;
    case WAST_ASSERT_TRAP:
    case WAST_ASSERT_EXHAUSTION:
    case WAST_ASSERT_EXCEPTION:
    case WAST_ASSERT_SUSPENSION:
        if (at_action(p)) {
            nested_action(p, x);
        } else if (at_module(p)) {
            x->module = module(p);
        } else {
            text_unexpected(p, "`(invoke`, `(get` or `(module`");
            return;
        }
        message(p, x);
        break;
    default:
        if (!at_module(p)) {
            text_unexpected(p, "`(module` or `(component`");
            return;
        }
        x->module = module(p);
        message(p, x);
        break;
    }
}

static void directive(struct text_parser *p, struct wast_script *script)
{
    struct wast_directive x = {0};
    struct text_token open = p->tok, word = text_peek(p), at;
    u32 i = 0;
    while (i < LENGTH_OF(directive_words) && !text_is_word(p, word, directive_words[i].word))
        i++;
    if (i == LENGTH_OF(directive_words)) {
        text_advance(p);
        str names[LENGTH_OF(directive_words)], found = text_of(p, p->tok);
        for (u32 k = 0; k < LENGTH_OF(directive_words); k++)
            names[k] = directive_words[k].word;
        struct diag *e = text_unexpected(p, "a directive, such as `module` or `assert_return`");
        if (e != &p->ignored && found.len < 60)
            diag_suggest(p->d, e, found, names, LENGTH_OF(names));
        return;
    }
    x.kind = directive_words[i].kind;
    x.at = (span){p->source, open.start, word.end};
    if (x.kind == WAST_MODULE) {
        x.module = module(p);
        *vec_push(p->arena, &script->directives) = x;
        return;
    }
    text_advance(p);
    text_advance(p);
    switch (x.kind) {
    case WAST_REGISTER:
        x.name = text_name(p);
        x.id = text_id(p, &at);
        text_close(p);
        break;
    case WAST_ACTION:
        x.has_action = true;
        action(p, text_is_word(p, word, STR("get")), x.at, &x.action);
        break;
    case WAST_THREAD:
        thread(p, &x);
        text_close(p);
        break;
    case WAST_WAIT:
        x.id = text_id(p, &at);
        text_close(p);
        break;
    default:
        assertion(p, &x);
        text_close(p);
        break;
    }
    *vec_push(p->arena, &script->directives) = x;
}

static void directives(struct text_parser *p, struct wast_script *script)
{
    while (!p->failed) {
        if (p->tok.kind == TEXT_LPAREN) {
            directive(p, script);
        } else if (p->tok.kind == TEXT_ANNOT) { /* means nothing here */
            text_advance(p);
            text_skip_rest(p);
        } else {
            break;
        }
    }
}

/* A text that starts with none of the directives is a module without its parentheses. */
static bool is_bare_module(struct text_parser *p)
{
    if (p->tok.kind == TEXT_EOF)
        return false;
    if (p->tok.kind != TEXT_LPAREN)
        return p->tok.kind == TEXT_ANNOT;
    struct text_token word = text_peek(p);
    static const str fields[] = {
        STR_INIT("type"),   STR_INIT("rec"),    STR_INIT("import"), STR_INIT("func"),
        STR_INIT("table"),  STR_INIT("memory"), STR_INIT("global"), STR_INIT("tag"),
        STR_INIT("export"), STR_INIT("start"),  STR_INIT("elem"),   STR_INIT("data"),
    };
    for (u32 i = 0; i < LENGTH_OF(fields); i++) {
        if (text_is_word(p, word, fields[i]))
            return true;
    }
    return false;
}

static void bare_module(struct text_parser *p, struct wast_script *script)
{
    struct wast_directive x = {.kind = WAST_MODULE, .at = text_span(p, p->tok)};
    struct buf out = buf_in(p->arena);
    x.module = arena_new(p->arena, struct wast_module);
    x.module->at = x.at;
    x.module->text = (span){p->source, p->tok.start, p->size};
    x.module->why = arena_new(p->arena, struct diags);
    diags_init(x.module->why, p->arena, p->d->sources);
    text_module_fields(p, (str){0}, &out);
    x.module->bytes = buf_view(&out);
    *vec_push(p->arena, &script->directives) = x;
}

struct parse {
    struct text_parser p;
    struct arena *arena;
    u32 source;
    struct features features;
    struct wast_script *script;
    struct diags *d;
};

static void parse(void *ctx)
{
    struct parse *x = ctx;
    text_init(&x->p, x->arena, x->source, x->features, x->d);
    if (is_bare_module(&x->p))
        bare_module(&x->p, x->script);
    else
        directives(&x->p, x->script);
    if (x->p.tok.kind != TEXT_EOF)
        text_unexpected(&x->p, "a directive, such as `(module` or `(assert_return`");
}

bool wast_parse(struct arena *a, u32 source, struct features features, struct wast_script *out,
                struct diags *d)
{
    struct parse x = {.arena = a, .source = source, .features = features, .script = out, .d = d};
    *out = (struct wast_script){0};
    x.p.arena = a;
    text_guarded(&x.p, parse, &x);
    return !x.p.failed;
}
