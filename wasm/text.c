/* text.c - assembles text: one file, quoted text, binary strings. */
#include "text.h"

void text_binary_strings(struct text_parser *p, struct buf *out)
{
    while (p->tok.kind == TEXT_STRING) {
        text_place_add(p->places, out->len, text_span(p, p->tok), false);
        text_string_to(p, out);
    }
}

void text_file(struct text_parser *p, struct buf *out)
{
    struct text_token at;
    p->field_start = p->tok.start;
    if (text_open(p, "module")) {
        str id = text_id(p, &at);
        text_module(p, id, out);
    } else if (text_open(p, "component")) {
        str id = text_id(p, &at);
        text_component(p, id, NULL, out);
    } else {
        text_module_fields(p, (str){0}, out);
    }
    if (p->tok.kind != TEXT_EOF)
        text_unexpected(p, "the end of the text");
}

void text_quote(struct text_parser *p, const char *keyword, struct buf *out)
{
    struct buf text = buf_in(p->d->arena);
    while (p->tok.kind == TEXT_STRING) {
        text_string_to(p, &text);
        buf_byte(&text, ' ');
    }
    if (p->failed)
        return;
    if (!text_enter(p))
        return;
    u32 source = sources_add(p->d->sources, str_printf(p->d->arena, "<quoted %s>", keyword),
                             buf_view(&text), SOURCE_TEXT);
    struct text_parser q = {.ops = p->ops, .module_arena = p->module_arena};
    text_init(&q, p->arena, source, p->features, p->d);
    q.places = p->places;
    q.depth = p->depth;
    bool whole = text_at_form(&q, STR("module")) || text_at_form(&q, STR("component"));
    if (!whole && strcmp(keyword, "component") == 0) {
        text_component_fields(&q, (str){0}, (str){0}, NULL, out);
        if (q.tok.kind != TEXT_EOF)
            text_unexpected(&q, "the end of the text");
    } else {
        text_file(&q, out);
    }
    text_leave(p);
    if (q.failed && !p->failed) { /* the diagnostic is there already */
        p->failed = true;
        p->tok = p->next = (struct text_token){p->size, p->size, TEXT_EOF, false};
        p->has_next = false;
        p->pos = p->size;
    }
}

void text_guarded(struct text_parser *p, void (*fn)(void *ctx), void *ctx)
{
    struct arena mine = {0};
    p->module_arena = &mine;
    bool fine = oom_guard(fn, ctx);
    arena_free(&mine);
    p->module_arena = NULL;
    if (!fine)
        oom_unwind();
}

struct assembly {
    struct text_parser p;
    struct arena *arena;
    u32 source;
    struct features features;
    struct diags *d;
    struct buf out;
};

static void assemble(void *ctx)
{
    struct assembly *x = ctx;
    struct text_places *places = x->p.places;
    text_init(&x->p, x->arena, x->source, x->features, x->d);
    x->p.places = places;
    if (x->p.tok.kind == TEXT_EOF && !x->p.failed) {
        str path = sources_get(x->d->sources, x->source)->path;
        if (x->p.size == 0)
            text_fail(&x->p, x->p.tok, "`" STRF "` is empty: a module or component is needed",
                      STRA(path));
        else
            text_fail(&x->p, x->p.tok, "expected at least one module field");
        return;
    }
    text_file(&x->p, &x->out);
}

bool text_assemble(struct arena *a, u32 source, struct features features,
                   struct text_places *places, str *binary, struct diags *d)
{
    struct source *s = sources_get(d->sources, source);
    if (s->text.len && s->text.len < 4 && str_starts(STR("\0asm"), s->text)) {
        s->kind = SOURCE_BINARY;
        u32 end = (u32)s->text.len;
        diag_error(d, "malformed", (span){source, end, end},
                   "unexpected end: too short for a WebAssembly binary");
        return false;
    }
    struct assembly x = {
        .arena = a, .source = source, .features = features, .d = d, .out = buf_in(a)};
    x.p.arena = a;
    x.p.places = places;
    text_guarded(&x.p, assemble, &x);
    *binary = buf_view(&x.out);
    return !x.p.failed;
}

bool text_again(struct arena *a, span text, struct features features, struct text_places *places,
                struct diags *d)
{
    str binary;
    return text_assemble(a, text.source, features, places, &binary, d);
}

bool wasm_parse_text(struct arena *a, u32 source, struct features features, str *binary,
                     struct diags *d)
{
    return text_assemble(a, source, features, NULL, binary, d);
}
