/* type_text.c - component types as WIT writes them, for messages. */
#include "types.h"

struct printer {
    const struct validate_types *t;
    struct buf out;
    u32 limit;
};

static void print(struct printer *p, validate_id id);

static bool full(struct printer *p)
{
    if (p->out.len < p->limit)
        return false;
    if (!str_ends(buf_view(&p->out), STR("...")))
        buf_c(&p->out, "...");
    return true;
}

static const char *prim_name(enum cm_prim prim)
{
    switch (prim) {
    case PRIM_BOOL: return "bool";
    case PRIM_S8: return "s8";
    case PRIM_U8: return "u8";
    case PRIM_S16: return "s16";
    case PRIM_U16: return "u16";
    case PRIM_S32: return "s32";
    case PRIM_U32: return "u32";
    case PRIM_S64: return "s64";
    case PRIM_U64: return "u64";
    case PRIM_F32: return "f32";
    case PRIM_F64: return "f64";
    case PRIM_CHAR: return "char";
    case PRIM_STRING: return "string";
    case PRIM_ERROR_CONTEXT: return "error-context";
    }
    return "?";
}

static void print_labels(struct printer *p, const struct validate_type *d, const char *word)
{
    buf_printf(&p->out, "%s { ", word);
    for (u32 i = 0; i < d->label_count && !full(p); i++) {
        buf_c(&p->out, i ? ", " : "");
        buf_str(&p->out, d->labels[i].name);
        if (d->labels[i].type == VALIDATE_NONE)
            continue;
        buf_c(&p->out, d->kind == DEF_VARIANT ? "(" : ": ");
        print(p, d->labels[i].type);
        buf_c(&p->out, d->kind == DEF_VARIANT ? ")" : "");
    }
    buf_c(&p->out, " }");
}

static void print_generic(struct printer *p, const char *word, validate_id first,
                          validate_id second)
{
    buf_c(&p->out, word);
    if (first == VALIDATE_NONE && second == VALIDATE_NONE)
        return;
    buf_c(&p->out, "<");
    if (first == VALIDATE_NONE)
        buf_c(&p->out, "_");
    else
        print(p, first);
    if (second != VALIDATE_NONE) {
        buf_c(&p->out, ", ");
        print(p, second);
    }
    buf_c(&p->out, ">");
}

static void print_func(struct printer *p, const struct validate_type *d)
{
    buf_c(&p->out, d->is_async ? "async func(" : "func(");
    for (u32 i = 0; i < d->label_count && !full(p); i++) {
        buf_c(&p->out, i ? ", " : "");
        buf_str(&p->out, d->labels[i].name);
        buf_c(&p->out, ": ");
        print(p, d->labels[i].type);
    }
    buf_c(&p->out, ")");
    if (d->element != VALIDATE_NONE) {
        buf_c(&p->out, " -> ");
        print(p, d->element);
    }
}

static void print_items(struct printer *p, const char *word, const struct validate_item *items,
                        u32 n)
{
    for (u32 i = 0; i < n && !full(p); i++)
        buf_printf(&p->out, "%s%s `" STRF "`", i ? ", " : " ", i ? "" : word,
                   STRA(items[i].name.name));
}

static void print(struct printer *p, validate_id id)
{
    if (full(p))
        return;
    const struct validate_type *d = validate_at(p->t, id);
    switch (d->kind) {
    case DEF_PRIM: buf_c(&p->out, prim_name((enum cm_prim)d->prim)); return;
    case DEF_RECORD: print_labels(p, d, "record"); return;
    case DEF_VARIANT: print_labels(p, d, "variant"); return;
    case DEF_FLAGS: print_labels(p, d, "flags"); return;
    case DEF_ENUM: print_labels(p, d, "enum"); return;
    case DEF_TUPLE:
        buf_c(&p->out, "tuple<");
        for (u32 i = 0; i < d->label_count && !full(p); i++) {
            buf_c(&p->out, i ? ", " : "");
            print(p, d->labels[i].type);
        }
        buf_c(&p->out, ">");
        return;
    case DEF_LIST: print_generic(p, "list", d->element, VALIDATE_NONE); return;
    case DEF_FIXED_LIST:
        buf_c(&p->out, "list<");
        print(p, d->element);
        buf_printf(&p->out, ", %u>", d->length);
        return;
    case DEF_OPTION: print_generic(p, "option", d->element, VALIDATE_NONE); return;
    case DEF_RESULT: print_generic(p, "result", d->element, d->second); return;
    case DEF_MAP: print_generic(p, "map", d->element, d->second); return;
    case DEF_STREAM: print_generic(p, "stream", d->element, VALIDATE_NONE); return;
    case DEF_FUTURE: print_generic(p, "future", d->element, VALIDATE_NONE); return;
    case DEF_OWN: buf_c(&p->out, "an owned handle"); return;
    case DEF_BORROW: buf_c(&p->out, "a borrowed handle"); return;
    case DEF_RESOURCE: buf_c(&p->out, "a resource"); return;
    case DEF_FUNC: print_func(p, d); return;
    case DEF_COMPONENT:
        buf_c(&p->out, "a component");
        print_items(p, "importing", d->imports, d->import_count);
        print_items(p, "exporting", d->exports, d->export_count);
        return;
    case DEF_INSTANCE:
        buf_c(&p->out, "an instance");
        print_items(p, "with", d->exports, d->export_count);
        return;
    default: buf_c(&p->out, "a core module"); return;
    }
}

str validate_type_text(struct arena *a, const struct validate_types *t, validate_id id, u32 limit)
{
    struct printer p = {t, buf_in(a), limit};
    print(&p, id);
    return buf_view(&p.out);
}

str validate_entity_text(struct arena *a, const struct validate_types *t, struct validate_entity e,
                         u32 limit)
{
    str type = validate_type_text(a, t, e.type, limit);
    if (e.sort == SORT_FUNC)
        return str_printf(a, "the function " STRF, STRA(type));
    if (e.sort == SORT_VALUE)
        return str_printf(a, "a value of type " STRF, STRA(type));
    if (e.sort == SORT_TYPE && validate_at(t, e.type)->kind != DEF_RESOURCE)
        return str_printf(a, "the type " STRF, STRA(type));
    return type;
}
