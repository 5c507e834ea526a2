/* text_skim.c - the first pass over a core module: names, sizes of the index spaces, places of type definitions. Bodies are skipped by
 * their parentheses. */
#include "text_core.h"

static void define_name(struct text_module *m, enum text_space_kind space, struct text_token at,
                        str id)
{
    u32 index = m->spaces[space].count++;
    if (!id.ptr || m->p->failed)
        return;
    bool fresh;
    u32 *value = text_names_at(m->p->arena, &m->spaces[space].names, id, &fresh);
    if (!fresh) {
        text_fail(m->p, at, "duplicate %s identifier `$" STRF "`", text_space_names[space],
                  STRA(id));
        return;
    }
    *value = index;
}

struct skim {
    const char *first_definition; /* no import may follow */
};

static void skip_form(struct text_parser *p)
{
    text_advance(p);
    text_skip_rest(p);
}

static bool skim_exports_and_import(struct text_parser *p)
{
    while (text_form(p, "export"))
        skip_form(p);
    bool import = text_form(p, "import");
    if (import)
        skip_form(p);
    return import;
}

static void skim_reftype(struct text_parser *p)
{
    if (p->tok.kind == TEXT_LPAREN)
        skip_form(p);
    else
        text_advance(p);
}

static void skim_order(struct text_module *m, struct skim *s, bool import, struct text_token at,
                       enum text_space_kind space)
{
    if (!import) {
        if (!s->first_definition)
            s->first_definition = text_space_names[space];
    } else if (s->first_definition) {
        struct diag *x = text_fail(m->p, at, "import after %s", s->first_definition);
        if (x != &m->p->ignored)
            diag_note(m->p->d, x,
                      "imports stand before all definitions, since they are numbered first");
    }
}

static void skim_definition(struct text_module *m, struct skim *s, enum text_space_kind space)
{
    struct text_parser *p = m->p;
    struct text_token at, start = p->tok;
    str shown, id;
    text_advance(p);
    text_binder(p, &id, &at, &shown);
    define_name(m, space, at, id);
    bool import = skim_exports_and_import(p);
    skim_order(m, s, import, start, space);
    if (!import && (space == SPACE_TABLE || space == SPACE_MEMORY)) {
        if (text_at(p, "i32") || text_at(p, "i64"))
            text_advance(p);
        if (text_form(p, "pagesize"))
            skip_form(p);
        if (space == SPACE_TABLE && text_at_reftype(p)) {
            skim_reftype(p);
            if (text_form(p, "elem"))
                define_name(m, SPACE_ELEM, p->tok, (str){0});
        } else if (space == SPACE_MEMORY && text_form(p, "data")) {
            define_name(m, SPACE_DATA, p->tok, (str){0});
        }
    }
}

/* `(kind id? ...)` of `count` imports. */
static void skim_imported(struct text_module *m, struct skim *s, struct text_token start, u32 count)
{
    struct text_parser *p = m->p;
    enum text_space_kind kind;
    if (p->tok.kind != TEXT_LPAREN)
        return;
    text_advance(p);
    if (text_extern_kind(p, &kind)) {
        text_advance(p);
        struct text_token at;
        str shown, id;
        text_binder(p, &id, &at, &shown);
        for (u32 i = 0; i < count; i++)
            define_name(m, kind, at, id);
        skim_order(m, s, true, start, kind);
    }
    text_skip_rest(p);
}

static void skim_import(struct text_module *m, struct skim *s, struct text_token start)
{
    struct text_parser *p = m->p;
    text_advance(p);
    if (p->tok.kind == TEXT_STRING)
        text_advance(p);
    if (p->tok.kind == TEXT_STRING) {
        text_advance(p);
        skim_imported(m, s, start, 1);
        return;
    }
    u32 nameless = 0; /* items that share the type at the end */
    while (text_open(p, "item")) {
        if (p->tok.kind == TEXT_STRING)
            text_advance(p);
        if (p->tok.kind == TEXT_LPAREN)
            skim_imported(m, s, start, 1);
        else
            nameless++;
        text_skip_rest(p);
    }
    skim_imported(m, s, start, nameless);
}

static void skim_rec(struct text_module *m)
{
    struct text_parser *p = m->p;
    text_advance(p);
    while (text_open(p, "type")) {
        struct text_token at;
        str shown, id;
        text_binder(p, &id, &at, &shown);
        define_name(m, SPACE_TYPE, at, id);
        text_skip_rest(p);
    }
}

static void skim_field(struct text_module *m, struct skim *s)
{
    struct text_parser *p = m->p;
    struct text_token open = p->tok, at;
    str shown, id;
    text_advance(p);
    enum text_space_kind kind;
    if (text_extern_kind(p, &kind)) {
        skim_definition(m, s, kind);
    } else if (text_at(p, "type")) {
        *vec_push(p->arena, &m->type_fields) = open.start;
        text_advance(p);
        text_binder(p, &id, &at, &shown);
        define_name(m, SPACE_TYPE, at, id);
    } else if (text_at(p, "rec")) {
        *vec_push(p->arena, &m->type_fields) = open.start;
        skim_rec(m);
    } else if (text_at(p, "import")) {
        skim_import(m, s, p->tok);
    } else if (text_at(p, "elem")) {
        text_advance(p);
        /* a name, unless it is the table of the first release's form: `(elem $t (offset) ...)` */
        text_binder(p, &id, &at, &shown);
        define_name(m, SPACE_ELEM, at, id);
    } else if (text_at(p, "data")) {
        text_advance(p);
        text_binder(p, &id, &at, &shown);
        define_name(m, SPACE_DATA, at, id);
    }
    text_skip_rest(p);
}

void text_skim(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct skim s = {NULL};
    struct text_mark start = text_mark(p);
    while (!p->failed) {
        if (p->tok.kind == TEXT_LPAREN)
            skim_field(m, &s);
        else if (p->tok.kind == TEXT_ANNOT)
            skip_form(p);
        else
            break;
    }
    text_rewind(p, start);
}
