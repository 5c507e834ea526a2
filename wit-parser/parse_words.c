/* parse_words.c - tokens, names, documentation and gates of the syntax tree. */
#include "reader.h"

#include <pthread.h>

const TSLanguage *tree_sitter_wit(void);

static u8 kinds[UINT16_MAX + 1]; /* enum node by TSSymbol */

static void map_kinds(void)
{
    static const struct {
        const char *name;
        bool named;
        u8 node;
    } nodes[] = {
#define NAMED(id)      {#id, true, NODE_##id},
#define WORD(id, text) {text, false, NODE_##id},
#define ALSO(id, text) {text, false, NODE_##id},
#include "nodes.def"
#undef NAMED
#undef WORD
#undef ALSO
    };
    const TSLanguage *language = tree_sitter_wit();
    u32 count = ts_language_symbol_count(language);
    for (u32 s = 0; s < count; s++) {
        bool named = ts_language_symbol_type(language, (TSSymbol)s) == TSSymbolTypeRegular;
        const char *name = ts_language_symbol_name(language, (TSSymbol)s);
        for (u32 i = 0; i < LENGTH_OF(nodes); i++) {
            if (nodes[i].named == named && nodes[i].name[0] == name[0] &&
                strcmp(nodes[i].name, name) == 0) {
                kinds[s] = nodes[i].node;
            }
        }
    }
}

const u8 *wit_node_kinds(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, map_kinds);
    return kinds;
}

/* The place in the text of one in the tree; these come nearly in order. */
u32 wit_place(struct reader *r, u32 at)
{
    const struct wit_gap *gaps = r->text.gaps.data;
    u32 n = r->text.gaps.len, g = r->gap; /* gaps[0, g) are before it */
    at += r->base;
    while (g < n && gaps[g].copy <= at) {
        g++;
    }
    while (g && gaps[g - 1].copy > at) {
        g--;
    }
    r->gap = g;
    return g ? gaps[g - 1].source + (at - gaps[g - 1].copy) : at;
}

struct ast_id wit_token(struct reader *r)
{
    u32 start = ts_node_start_byte(r->node), length = ts_node_end_byte(r->node) - start;
    start = wit_place(r, start);
    return (struct ast_id){str_of(r->text.source.ptr + start, length), start, start + length};
}

static span span_of(struct reader *r, struct ast_id id)
{
    return (span){r->source, id.start, id.end};
}

struct ast_id wit_whole(struct reader *r)
{
    u32 start = wit_place(r, ts_node_start_byte(r->node));
    u32 end = wit_place(r, ts_node_end_byte(r->node) - 1) + 1;
    return (struct ast_id){str_sub(r->text.source, start, end), start, end};
}

struct diag *wit_report(struct reader *r, const char *code, struct ast_id at, const char *text)
{
    r->fine = false;
    return diag_error(r->diags, code, span_of(r, at), "%s", text);
}

static void report_label(struct reader *r, struct ast_id id, str name, const char *why)
{
    struct wit_sign found;
    if (wit_find_sign(name, &found)) {
        u32 start = id.end - (u32)name.len + found.at;
        wit_report_sign(r->diags, (span){r->source, start, start + found.length}, found.c);
        r->fine = false;
        return;
    }
    struct diag *x = wit_report(r, "wit-label", id, "");
    x->message =
        str_printf(r->diags->arena, "`" STRF "` is not a name in kebab case", STRA(id.name));
    diag_note(r->diags, x, "%s", why);
    diag_help(r->diags, x, "names look like `some-name`, `XML` or `get-URL2`");
}

void wit_help_reserved(struct diags *d, struct diag *x, str word)
{
    if (str_eq(word, STR("_"))) {
        diag_help(d, x, "leave out what is not there: `result`, `result<ok>`, `result<_, err>`");
    } else {
        diag_help(d, x, "`%%" STRF "` is the name with the same letters", STRA(word));
    }
}

/* The identifier under the cursor, checked, without its '%'. */
struct ast_id wit_identifier(struct reader *r)
{
    struct ast_id id = wit_token(r);
    if (id.name.len && id.name.ptr[0] == '%') {
        id.name = str_sub(id.name, 1, id.name.len);
    } else if (wit_is_reserved(id.name)) {
        struct diag *x = wit_report(r, "wit-syntax", id, "");
        x->message = str_printf(r->diags->arena, "expected an identifier, found keyword `" STRF "`",
                                STRA(id.name));
        wit_help_reserved(r->diags, x, id.name);
        map_put(r->skipped->arena, &r->skipped->words, id.name, 1);
        return id;
    }
    const char *why = wit_check_label(id.name);
    if (why) {
        report_label(r, id, id.name, why);
        map_put(r->skipped->arena, &r->skipped->words, id.name, 1);
    }
    return id;
}

/* ---- Documentation -------------------------------------------------------------------------------------------- */

static bool blank_between(str text, u32 from, u32 to)
{
    while (from < to && (text.ptr[from] == ' ' || text.ptr[from] == '\t' ||
                         text.ptr[from] == '\r' || text.ptr[from] == '\n')) {
        from++;
    }
    return from == to;
}

/* Comments [*from, *to) stand right before the node, with nothing but blanks between. */
static void comments_before(struct reader *r, u32 *from, u32 *to)
{
    const struct wit_comment *list = r->text.comments.data;
    u32 n = r->text.comments.len, c = r->comment, at = wit_place(r, ts_node_start_byte(r->node));
    while (c < n && list[c].start < at) {
        c++;
    }
    while (c && list[c - 1].start >= at) {
        c--;
    }
    r->comment = *from = *to = c;
    for (; c && blank_between(r->text.source, list[c - 1].end, at); at = list[--c].start) {
        *from = c - 1;
    }
}

str wit_take_docs(struct reader *r)
{
    u32 from, to;
    comments_before(r, &from, &to);
    r->docs.len = 0;
    for (; from < to; from++) {
        struct wit_comment c = r->text.comments.data[from];
        *vec_push(r->work, &r->docs) = str_sub(r->text.source, c.start, c.end);
    }
    return wit_docs_text(r->keep, r->docs.data, r->docs.len);
}

struct ast_id wit_docs_place(struct reader *r)
{
    u32 from, to;
    comments_before(r, &from, &to);
    return from == to ? (struct ast_id){0}
                      : (struct ast_id){.start = r->text.comments.data[from].start,
                                        .end = r->text.comments.data[to - 1].end};
}

/* ---- Versions, gates, paths --------------------------------------------------------------------------------- */

static struct wit_version version(struct reader *r, struct ast_id *at)
{
    struct wit_version v;
    *at = wit_token(r);
    if (!wit_version_parse(at->name, &v)) {
        struct diag *x = wit_report(r, "wit-version", *at, "");
        x->message =
            str_printf(r->diags->arena, "`" STRF "` is not a semantic version", STRA(at->name));
        diag_note(r->diags, x, "%s", wit_version_fault(at->name));
    }
    return v;
}

struct ast_package_name wit_package_name(struct reader *r)
{
    struct ast_package_name p = {0};
    u32 words = 0;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        struct ast_id t = {0};
        if (n == NODE_identifier) {
            t = wit_identifier(r);
            *(words ? &p.name.name : &p.name.ns) = t.name;
            p.start = words++ ? p.start : t.start;
            p.end = t.end;
        } else if (n == NODE_version) {
            p.name.version = version(r, &t);
            p.end = t.end;
        }
    }
    return p;
}

struct ast_path *wit_path(struct reader *r)
{
    struct ast_path *p = arena_new(r->arena, struct ast_path);
    struct ast_id words[3] = {{{NULL, 0}, 0, 0}}, at;
    u32 n = 0;
    EACH_CHILD(r)
    {
        enum node k = here(r);
        if (k == NODE_identifier && n < 3) {
            words[n++] = wit_identifier(r);
        } else if (k == NODE_version) {
            p->package.name.version = version(r, &at);
        }
    }
    p->qualified = n == 3;
    if (p->qualified) {
        p->package.name.ns = words[0].name;
        p->package.name.name = words[1].name;
        p->package.start = words[0].start;
        p->package.end = words[1].end;
        p->name = words[2];
    } else {
        p->name = words[0];
    }
    return p;
}

static void twice(struct reader *r, struct ast_id word)
{
    struct diag *x = wit_report(r, "wit-gate", word, "");
    x->message = str_printf(r->diags->arena, "cannot specify @" STRF " twice", STRA(word.name));
}

static str text_literal(struct reader *r)
{
    struct ast_id t = wit_token(r);
    str out = {"", 0};
    size_t bad = 0;
    const char *why;
    if (!wit_unquote(r->keep, t.name, &out, &bad, &why)) {
        struct ast_id at = {t.name, t.start + (u32)bad, bad ? t.start + (u32)bad + 1 : t.end};
        wit_report(r, "wit-literal", at, why);
        out = (str){"", 0};
    }
    return out;
}

/* One attribute; the first makes the gates. */
static void attribute(struct reader *r, struct head *g)
{
    if (!g->gates) {
        g->gates = arena_new(r->arena, struct ast_gates);
    }
    struct wit_stability *s = &g->gates->stability;
    enum node which = NODE_other;
    struct ast_id word = {0}, at;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_since || n == NODE_deprecated || n == NODE_unstable ||
            n == NODE_external_id) {
            which = n;
            word = wit_token(r);
        } else if (n == NODE_version) {
            struct wit_version v = version(r, &at);
            struct ast_id *prior = which == NODE_since ? &g->since : &g->deprecated;
            if (prior->end) {
                twice(r, word);
            }
            *prior = word;
            *(which == NODE_since ? &s->since : &s->deprecated) = v;
        } else if (n == NODE_identifier) {
            if (g->unstable.end) {
                twice(r, word);
            }
            g->unstable = word;
            s->feature = wit_identifier(r).name;
        } else if (n == NODE_string_literal) {
            if (g->gates->external_id.ptr) {
                twice(r, word);
            }
            g->gates->external_id = text_literal(r);
            g->gates->external_word = word;
        }
    }
}

bool wit_head(struct reader *r, enum node n, struct head *h)
{
    switch (n) {
    case NODE_attribute: attribute(r, h); return true;
    case NODE_identifier: h->name = wit_identifier(r); return true;
    case NODE_use_path: h->path = wit_path(r); return true;
    default: return false;
    }
}

const struct ast_gates *wit_close_gates(struct reader *r, struct head *g)
{
    if (!g->gates) {
        return NULL;
    }
    struct wit_stability *s = &g->gates->stability;
    s->kind = g->since.end ? WIT_STABLE : g->unstable.end ? WIT_UNSTABLE : WIT_STABILITY_UNKNOWN;
    if (g->since.end && g->unstable.end) {
        struct diag *x =
            wit_report(r, "wit-gate", g->since, "cannot specify both @since and @unstable");
        diag_label(r->diags, x, span_of(r, g->unstable), "the other gate");
    }
    if (g->deprecated.end && !g->since.end && !g->unstable.end) {
        struct diag *x = wit_report(r, "wit-gate", g->deprecated,
                                    "cannot specify @deprecated without @since or @unstable");
        diag_help(r->diags, x, "say since when the item exists: `@since(version = ...)`");
    }
    return g->gates;
}
