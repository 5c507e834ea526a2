/* text_component.c - components in text: their fields. Types, canonical definitions and references have files of their own. */
#include "text_cm.h"
#include "text_core.h"

/* ---- Inline exports and imports --------------------------------------------------------------------------- */

/* Is `(export "name" attributes)` next (or import), with nothing else in it? A field or an export of a bundle would go on. */
static bool at_inline(struct text_scope *s, str word)
{
    struct text_parser *p = s->p;
    if (!text_at_form(p, word))
        return false;
    struct text_mark before = text_mark(p);
    bool found = false;
    if (text_open_word(p, word) && (p->tok.kind == TEXT_STRING || text_form(p, "interface"))) {
        struct buf ignored = buf_in(p->arena);
        text_extern_name(s, &ignored);
        found = p->tok.kind == TEXT_RPAREN;
    }
    text_rewind(p, before);
    return found;
}

/* `(export "name" ...)*` within a definition: they follow the other items of the component. */
static void inline_exports(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    while (at_inline(s, STR("export"))) {
        struct text_export e = {.sort = sort, .index = UINT32_MAX, .attributes = buf_in(p->arena)};
        text_advance(p);
        text_advance(p);
        text_extern_name(s, &e.attributes);
        text_close(p);
        *vec_push(p->arena, &s->exports) = e;
    }
}

/* Now that the index of the definition is known. */
static void define(struct text_scope *s, enum cm_sort sort, struct text_token at, str id, str shown)
{
    u32 index = text_define(s, sort, at, id, shown);
    for (u32 i = s->exports.len; i-- > 0 && s->exports.data[i].index == UINT32_MAX;)
        s->exports.data[i].index = index;
}

static void put_export(struct text_scope *s, struct text_export *e)
{
    struct text_item item = text_item_new(s);
    buf_str(&item.bytes, buf_view(&e->attributes));
    cm_write_sort(&item.bytes, e->sort);
    text_uleb(&item.bytes, e->index);
    text_byte(&item.bytes, 0);
    text_emit(s, TEXT_ITEM_EXPORT, &item);
    text_define(s, e->sort, s->p->tok, (str){0}, (str){0});
}

/* `(import "name" attributes) type` within a definition: takes both. */
static bool inline_import(struct text_scope *s, enum cm_sort sort, const struct text_shape **shape)
{
    struct text_parser *p = s->p;
    if (!at_inline(s, STR("import")))
        return false;
    text_advance(p);
    text_advance(p);
    struct text_item item = text_item_new(s);
    text_extern_name(s, &item.bytes);
    text_close(p);
    text_externtype(s, &item, sort, shape);
    text_emit(s, TEXT_ITEM_IMPORT, &item);
    return true;
}

/* ---- Modules and components ---------------------------------------------------------------------------------- */

/* Large things go straight to the output, as sections of their own. */
static size_t begin_nested(struct text_scope *s, enum text_item_kind kind)
{
    text_flush(s);
    struct text_parser *p = s->p;
    text_place_add(p->places, s->out->len, (span){p->source, p->field_start, p->last_end}, false);
    buf_byte(s->out, (u8)kind);
    return text_begin_size(s->out);
}

static void nested(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    bool core = sort == SORT_CORE_MODULE;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    inline_exports(s, sort);
    if (!inline_import(s, sort, &shape) && !text_inverted_alias(s, sort, &shape)) {
        size_t start = begin_nested(s, core ? TEXT_ITEM_CORE_MODULE : TEXT_ITEM_COMPONENT);
        if (text_take(p, "quote"))
            text_quote(p, core ? "module" : "component", s->out);
        else if (text_take(p, "binary"))
            text_binary_strings(p, s->out);
        else if (core)
            text_module_fields(p, shown, s->out);
        else
            text_component_fields(p, id, shown, s, s->out);
        text_end_nested(p, s->out, start);
    }
    define(s, sort, at, id, shown);
}

static void component(struct text_scope *s)
{
    nested(s, SORT_COMPONENT);
}

/* ---- Instances ------------------------------------------------------------------------------------------------ */

/* `(export "name" item)*` as the item of an instance made of them. */
static void bundle(struct text_scope *s, bool core, struct text_item *item)
{
    struct text_parser *p = s->p;
    struct text_item exports = text_item_new(s);
    u32 count = 0;
    for (; text_open(p, "export"); count++) {
        if (core)
            wasm_write_name(&exports.bytes, text_name(p));
        else
            text_extern_name(s, &exports.bytes);
        struct text_ref ref = text_take_any_ref(s, core);
        if (core && ref.sort < SORT_CORE_MODULE)
            text_byte(&exports.bytes, ref.sort == SORT_CORE_TYPE ? 0x10 : (u8)ref.sort);
        else if (core)
            text_byte(&exports.bytes, ref.sort == SORT_CORE_MODULE ? 0x11 : 0x12);
        else
            cm_write_sort(&exports.bytes, ref.sort);
        text_item_ref(&exports, ref, false);
        text_close(p);
    }
    text_byte(&item->bytes, 1);
    text_uleb(&item->bytes, count);
    text_item_append(item, &exports);
}

/* `(with "name" item)*` */
static void arguments(struct text_scope *s, bool core, struct text_item *item)
{
    struct text_parser *p = s->p;
    struct text_item args = text_item_new(s);
    enum cm_sort instances = core ? SORT_CORE_INSTANCE : SORT_INSTANCE;
    u32 count = 0;
    for (; text_open(p, "with"); count++) {
        wasm_write_name(&args.bytes, text_name(p));
        struct text_mark before = text_mark(p);
        struct text_ref ref;
        if (text_open(p, "instance") &&
            (p->tok.kind == TEXT_LPAREN || p->tok.kind == TEXT_RPAREN)) {
            struct text_item inner = text_item_new(s); /* an instance written in place */
            bundle(s, core, &inner);
            text_emit(s, core ? TEXT_ITEM_CORE_INSTANCE : TEXT_ITEM_INSTANCE, &inner);
            text_close(p);
            ref = text_known_ref(instances, s->count[instances]++);
        } else {
            text_rewind(p, before);
            ref = text_take_any_ref(s, core);
        }
        if (core && ref.sort != SORT_CORE_INSTANCE)
            text_fail(p, p->tok, "a core module is instantiated with instances only");
        if (core)
            text_byte(&args.bytes, 0x12);
        else
            cm_write_sort(&args.bytes, ref.sort);
        text_item_ref(&args, ref, false);
        text_close(p);
    }
    text_uleb(&item->bytes, count);
    text_item_append(item, &args);
}

/* `(instantiate x (with ...)*)` or exports */
static void instance_body(struct text_scope *s, bool core)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    if (text_open(p, "instantiate")) {
        text_byte(&item.bytes, 0);
        struct text_ref what =
            core ? text_take_core_ref(s, SORT_CORE_MODULE) : text_take_ref(s, SORT_COMPONENT);
        text_item_ref(&item, what, false);
        arguments(s, core, &item);
        text_close(p);
    } else {
        bundle(s, core, &item);
    }
    text_emit(s, core ? TEXT_ITEM_CORE_INSTANCE : TEXT_ITEM_INSTANCE, &item);
}

static void core_instance(struct text_scope *s)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    if (!text_inverted_alias(s, SORT_CORE_INSTANCE, &shape))
        instance_body(s, true);
    text_define(s, SORT_CORE_INSTANCE, at, id, shown);
}

static void instance(struct text_scope *s)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    inline_exports(s, SORT_INSTANCE);
    if (!inline_import(s, SORT_INSTANCE, &shape) && !text_inverted_alias(s, SORT_INSTANCE, &shape))
        instance_body(s, false);
    define(s, SORT_INSTANCE, at, id, shown);
}

/* ---- Functions, types, values ------------------------------------------------------------------------------------ */

static void func(struct text_scope *s)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    inline_exports(s, SORT_FUNC);
    if (!inline_import(s, SORT_FUNC, &shape) && !text_inverted_alias(s, SORT_FUNC, &shape)) {
        struct text_ref type = text_cm_typeuse(s, SORT_FUNC);
        text_lparen(p);
        text_expect(p, "canon");
        text_canon_lift(s, type);
        text_close(p);
    }
    define(s, SORT_FUNC, at, id, shown);
}

/* `(core func id? (canon ...))`, or an alias of any core sort */
static void core_definition(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    if (!text_inverted_alias(s, sort, &shape)) {
        if (sort == SORT_CORE_FUNC && text_open(p, "canon")) {
            text_canon_core_func(s);
            text_close(p);
        } else {
            text_unexpected(p, sort == SORT_CORE_FUNC ? "`(canon` or `(alias`" : "`(alias`");
        }
    }
    text_define(s, sort, at, id, shown);
}

void text_type_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape = NULL;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    if (s->kind == SCOPE_COMPONENT)
        inline_exports(s, SORT_TYPE);
    bool imported = s->kind == SCOPE_COMPONENT && inline_import(s, SORT_TYPE, &shape);
    if (!imported && !text_inverted_alias(s, SORT_TYPE, &shape))
        text_type_body(s, id, &shape);
    define(s, SORT_TYPE, at, id, shown);
    text_set_shape(s, shape);
}

static void value(struct text_scope *s)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    inline_exports(s, SORT_VALUE);
    if (!inline_import(s, SORT_VALUE, &shape) && !text_inverted_alias(s, SORT_VALUE, &shape)) {
        struct text_item item = text_item_new(s);
        struct buf bytes = buf_in(p->arena);
        shape = text_cm_valtype(s, &item);
        text_value(p, shape, &bytes);
        wasm_write_name(&item.bytes, buf_view(&bytes));
        text_emit(s, TEXT_ITEM_VALUE, &item);
    }
    define(s, SORT_VALUE, at, id, shown);
}

/* `(start f (value v)* (result (value id?))*)` */
static void start(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    VEC(struct text_ref) args = {0};
    struct result {
        str id, shown;
        struct text_token at;
    };
    VEC(struct result) results = {0};
    text_item_ref(&item, text_take_ref(s, SORT_FUNC), false);
    while (text_open(p, "value")) {
        *vec_push(p->arena, &args) = text_take_plain_ref(s, SORT_VALUE);
        text_close(p);
    }
    while (text_open(p, "result")) {
        struct result r;
        text_lparen(p);
        text_expect(p, "value");
        text_binder(p, &r.id, &r.at, &r.shown);
        text_close(p);
        text_close(p);
        *vec_push(p->arena, &results) = r;
    }
    text_uleb(&item.bytes, args.len);
    for (u32 i = 0; i < args.len; i++)
        text_item_ref(&item, args.data[i], false);
    text_uleb(&item.bytes, results.len);
    text_emit(s, TEXT_ITEM_START, &item);
    for (u32 i = 0; i < results.len; i++)
        text_define(s, SORT_VALUE, results.data[i].at, results.data[i].id, results.data[i].shown);
}

static void export_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    const struct text_shape *shape = NULL;
    str id, shown;
    struct text_token at;
    text_binder(p, &id, &at, &shown);
    text_extern_name(s, &item.bytes);
    struct text_ref ref = text_take_any_ref(s, false);
    cm_write_sort(&item.bytes, ref.sort);
    text_item_ref(&item, ref, false);
    if (p->tok.kind == TEXT_LPAREN) {
        enum cm_sort sort = SORT_FUNC;
        text_advance(p);
        text_byte(&item.bytes, 1);
        if (!text_take_sort(p, false, &sort))
            text_unexpected(p, "a sort, such as `func` or `core module`");
        text_externtype(s, &item, sort, &shape);
        text_close(p);
    } else {
        text_byte(&item.bytes, 0);
    }
    text_emit(s, TEXT_ITEM_EXPORT, &item);
    text_define(s, ref.sort, at, id, shown);
}

/* ---- Fields -------------------------------------------------------------------------------------------------------- */

static void core_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    if (text_take(p, "module")) {
        nested(s, SORT_CORE_MODULE);
    } else if (text_take(p, "instance")) {
        core_instance(s);
    } else if (!text_core_type_field(s)) {
        for (u32 i = SORT_CORE_FUNC; i <= SORT_CORE_TAG; i++) {
            if (text_take_word(p, cm_sort_info[i].word)) {
                core_definition(s, (enum cm_sort)i);
                return;
            }
        }
        text_unexpected(
            p, "`module`, `instance`, `type`, `rec`, `func`, `table`, `memory`, `global` or `tag`");
    }
}

static void annotation(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_custom custom = {0};
    struct text_token at = p->tok;
    if (text_is_annotation(p, at, STR("custom"))) {
        text_custom_annotation(p, &custom);
        if (custom.section != SECTION_COUNT || custom.before)
            text_fail(
                p, at,
                "a custom section of a component stands where it is written: it takes no place");
    } else if (text_is_annotation(p, at, STR("producers"))) {
        text_producers_annotation(p, &custom);
    } else {
        text_fail(p, at, "misplaced annotation");
        return;
    }
    struct text_item item = text_item_new(s);
    wasm_write_name(&item.bytes, custom.name);
    buf_str(&item.bytes, custom.bytes);
    text_emit(s, TEXT_ITEM_CUSTOM, &item);
}

static void one_field(struct text_scope *s)
{
    static const struct {
        str word;
        void (*field)(struct text_scope *s);
    } fields[] = {
        {STR_INIT("core"), core_field},
        {STR_INIT("component"), component},
        {STR_INIT("instance"), instance},
        {STR_INIT("alias"), text_alias_field},
        {STR_INIT("type"), text_type_field},
        {STR_INIT("canon"), text_canon_field},
        {STR_INIT("func"), func},
        {STR_INIT("start"), start},
        {STR_INIT("import"), text_import_field},
        {STR_INIT("export"), export_field},
        {STR_INIT("value"), value},
    };
    struct text_parser *p = s->p;
    if (p->tok.kind == TEXT_ANNOT) {
        annotation(s);
        return;
    }
    text_lparen(p);
    for (u32 i = 0; i < LENGTH_OF(fields); i++) {
        if (text_take_word(p, fields[i].word)) {
            fields[i].field(s);
            text_close(p);
            return;
        }
    }
    str near[LENGTH_OF(fields)];
    for (u32 i = 0; i < LENGTH_OF(fields); i++)
        near[i] = fields[i].word;
    text_unexpected_word(p, "a definition of a component", near, LENGTH_OF(near));
}

static void field(struct text_scope *s)
{
    u32 outer = s->p->field_start;
    s->p->field_start = s->p->tok.start;
    one_field(s);
    s->p->field_start = outer;
}

static void put_names(struct text_scope *s)
{
    struct text_item item = text_item_new(s);
    struct buf *out = &item.bytes;
    wasm_write_name(out, STR("component-name"));
    size_t empty = out->len;
    if (s->name.ptr) {
        struct buf name = buf_in(s->p->arena);
        wasm_write_name(&name, s->name);
        wasm_write_section(out, 0, buf_view(&name));
    }
    for (u32 i = 0; i < SORT_COUNT; i++) {
        if (s->shown[i].count == 0)
            continue;
        struct buf names = buf_in(s->p->arena);
        cm_write_sort(&names, (enum cm_sort)i);
        text_put_vec(&names, s->shown[i].count, &s->shown[i].bytes);
        wasm_write_section(out, 1, buf_view(&names));
    }
    if (out->len > empty)
        text_emit(s, TEXT_ITEM_CUSTOM, &item);
}

void text_component_fields(struct text_parser *p, str id, str name, struct text_scope *parent,
                           struct buf *out)
{
    if (!text_enter(p))
        return;
    struct text_scope *s = text_scope_new(p, SCOPE_COMPONENT, parent, id);
    s->name = name;
    s->out = out;
    buf_str(out, STR("\0asm\x0d\0\1\0"));
    while (!p->failed && (p->tok.kind == TEXT_LPAREN || p->tok.kind == TEXT_ANNOT))
        field(s);
    for (u32 i = 0; i < s->exports.len && !p->failed; i++)
        put_export(s, &s->exports.data[i]);
    if (!p->failed) {
        text_flush(s);
        put_names(s);
        text_flush(s);
    }
    text_scope_end(s);
    text_leave(p);
}

void text_component(struct text_parser *p, str id, struct text_scope *parent, struct buf *out)
{
    str name = id;
    if (text_take(p, "quote")) {
        text_quote(p, "component", out);
    } else if (text_take(p, "binary")) {
        text_binary_strings(p, out);
    } else {
        text_name_annotation(p, &name);
        text_component_fields(p, id, name, parent, out);
    }
    text_close(p);
}
