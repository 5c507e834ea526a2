/* text_canon.c - canonical definitions, from the rows of canon.def. */
#include "text_cm.h"

/* ---- Options ---------------------------------------------------------------------------------------------- */

static void index_option(struct text_scope *s, enum cm_sort sort, struct text_item *item)
{
    text_item_ref(item,
                  sort == SORT_CORE_MEMORY ? text_take_memory_ref(s) : text_take_older_ref(s, sort),
                  false);
    text_close(s->p);
}

static bool option(struct text_scope *s, struct text_item *item)
{
    for (u8 i = 0; i < OPTION_COUNT; i++) {
        const struct cm_option_info *o = &cm_option_info[i];
        bool has_index = o->sort != SORT_COUNT;
        if (!(has_index ? text_open_word(s->p, str_c(o->word))
                        : text_take_word(s->p, str_c(o->word))))
            continue;
        text_byte(&item->bytes, i);
        if (has_index)
            index_option(s, o->sort, item);
        return true;
    }
    return false;
}

static void options(struct text_scope *s, struct text_item *item)
{
    /* the count goes before them; there are never 128 kinds, and duplicates are bounded here */
    u32 at = (u32)item->bytes.len, count = 0;
    text_byte(&item->bytes, 0);
    while (option(s, item)) {
        if (++count == 128) {
            text_fail(s->p, s->p->tok, "too many canonical options");
            return;
        }
    }
    item->bytes.data[at] = (char)count;
}

static void memory_immediate(struct text_scope *s, struct text_item *item)
{
    struct text_parser *p = s->p;
    text_lparen(p);
    text_expect(p, "memory");
    text_item_ref(item, text_take_memory_ref(s), false);
    text_close(p);
}

/* ---- Built-ins ------------------------------------------------------------------------------------------------ */

static void immediates(struct text_scope *s, enum cm_canon_form form, struct text_item *item)
{
    struct text_parser *p = s->p;
    struct buf *bytes = &item->bytes;
    switch (form) {
    case CANON_FORM_LIFT:
    case CANON_FORM_NONE: break;
    case CANON_FORM_LOWER:
        text_byte(bytes, 0);
        text_item_ref(item, text_take_sort_ref(s, SORT_FUNC), false);
        options(s, item);
        break;
    case CANON_FORM_TYPE:
    case CANON_FORM_TYPE_OPTS:
    case CANON_FORM_TYPE_ASYNC:
        text_item_ref(item, text_take_ref(s, SORT_TYPE), false);
        if (form == CANON_FORM_TYPE_OPTS)
            options(s, item);
        else if (form == CANON_FORM_TYPE_ASYNC)
            text_byte(bytes, text_take(p, "async"));
        break;
    case CANON_FORM_RESULT_OPTS:
        if (text_open(p, "result")) {
            text_byte(bytes, 0);
            text_cm_valtype(s, item);
            text_close(p);
        } else {
            buf_str(bytes, STR("\x01\x00"));
        }
        options(s, item);
        break;
    case CANON_FORM_OPTS: options(s, item); break;
    case CANON_FORM_ASYNC: text_byte(bytes, text_take(p, "async")); break;
    case CANON_FORM_SLOT:
        if (p->tok.kind == TEXT_NUMBER)
            text_byte(bytes, WASM_I32); /* the older form without a type */
        else
            text_valtype(&s->types, bytes);
        text_uleb(bytes, text_u32(p, "a context slot"));
        break;
    case CANON_FORM_ZERO: text_byte(bytes, 0); break;
    case CANON_FORM_ZERO_MEMORY:
        text_byte(bytes, 0);
        memory_immediate(s, item);
        break;
    case CANON_FORM_CORE_TYPE_TABLE:
        text_item_ref(item, text_take_ref(s, SORT_CORE_TYPE), false);
        text_item_ref(item, text_take_older_ref(s, SORT_CORE_TABLE), false);
        break;
    case CANON_FORM_SHARED:
    case CANON_FORM_SHARED_TYPE:
    case CANON_FORM_SHARED_TYPE_TABLE:
        text_byte(bytes, text_take(p, "shared"));
        if (form != CANON_FORM_SHARED)
            text_item_ref(item, text_take_ref(s, SORT_CORE_TYPE), false);
        if (form == CANON_FORM_SHARED_TYPE_TABLE)
            text_item_ref(item, text_take_older_ref(s, SORT_CORE_TABLE), false);
        break;
    }
}

static void unknown_canon(struct text_parser *p)
{
    if (p->failed || p->tok.kind != TEXT_KEYWORD) {
        text_unexpected(p, "a canonical definition");
        return;
    }
    str names[CANON_COUNT], word = text_of(p, p->tok);
    for (u32 i = 0; i < CANON_COUNT; i++)
        names[i] = str_c(cm_canon_info[i].name);
    struct diag *x =
        text_fail(p, p->tok, "unknown canonical definition `" STRF "`", STRA(str_sub(word, 0, 60)));
    diag_suggest(p->d, x, word, names, CANON_COUNT);
}

static u32 take_canon(struct text_parser *p)
{
    for (u32 i = 0; i < CANON_COUNT; i++) {
        if (text_take_word(p, str_c(cm_canon_info[i].name)))
            return i;
    }
    unknown_canon(p);
    return CANON_COUNT;
}

static void no_cancellable(struct text_parser *p)
{
    if (!text_at(p, "cancellable"))
        return;
    struct diag *x = text_fail(p, p->tok, "unexpected token `cancellable`");
    diag_help(p->d, x,
              "leave it out: built-ins are not cancellable any more, requests reach a task in its "
              "callback loop");
}

/* The word after `canon` is a built-in: opcode and immediates. */
static void builtin(struct text_scope *s, u32 kind, struct text_item *item)
{
    text_byte(&item->bytes, cm_canon_info[kind].opcode);
    no_cancellable(s->p);
    immediates(s, cm_canon_info[kind].form, item);
    no_cancellable(s->p);
}

void text_canon_core_func(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    struct text_token at = p->tok;
    u32 kind = take_canon(p);
    if (kind == CANON_LIFT)
        text_fail(p, at, "`canon lift` defines a component function, not a core one");
    if (kind == CANON_COUNT || p->failed)
        return;
    builtin(s, kind, &item);
    text_emit(s, TEXT_ITEM_CANON, &item);
}

static void lift(struct text_scope *s, struct text_item *item)
{
    buf_str(&item->bytes, STR("\x00\x00"));
    text_item_ref(item, text_take_sort_ref(s, SORT_CORE_FUNC), false);
    options(s, item);
}

void text_canon_lift(struct text_scope *s, struct text_ref type)
{
    struct text_item item = text_item_new(s);
    text_expect(s->p, "lift");
    lift(s, &item);
    text_item_ref(&item, type, false);
    text_emit(s, TEXT_ITEM_CANON, &item);
}

void text_canon_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    str id, shown;
    struct text_token at;
    u32 kind = take_canon(p);
    if (kind == CANON_COUNT)
        return;
    enum cm_sort sort = kind == CANON_LIFT ? SORT_FUNC : SORT_CORE_FUNC;
    if (kind == CANON_LIFT)
        lift(s, &item);
    else
        builtin(s, kind, &item);
    text_lparen(p);
    if (kind != CANON_LIFT)
        text_expect(p, "core");
    text_expect(p, "func");
    text_binder(p, &id, &at, &shown);
    if (kind == CANON_LIFT)
        text_item_ref(&item, text_cm_typeuse(s, SORT_FUNC), false);
    text_close(p);
    text_emit(s, TEXT_ITEM_CANON, &item);
    text_define(s, sort, at, id, shown);
}
