/* text_module.c - core modules in text.
 *
 * Fields may refer to later ones, so a module is gone through twice: the skim finds names, counts and the type
 * definitions (and skips bodies by their parentheses); the second pass writes the sections. */
#include "text_core.h"

const char *const text_space_names[SPACE_COUNT] = {
    "func", "table", "memory", "global", "tag", "type", "elem", "data",
};

/* ---- Indices ------------------------------------------------------------------------------------------------ */

void text_unknown_name(struct text_parser *p, struct text_token at, const char *what, str name,
                       const struct text_names *names)
{
    if (p->failed)
        return;
    str *list = text_names_list(p->arena, names);
    u32 count = names->len;
    struct diag *x = text_fail(p, at, "unknown %s `$" STRF "`", what, STRA(name));
    if (count <= 10000)
        diag_suggest(p->d, x, name, list, count);
}

u32 text_take_index(struct text_parser *p, const struct text_names *names, const char *expected,
                    const char *what, bool *named)
{
    *named = p->tok.kind == TEXT_ID;
    if (!*named)
        return text_u32(p, expected);
    struct text_token at = p->tok;
    str name = text_id_name(p, at);
    u32 found = text_names_get(names, name);
    if (found == TEXT_NONE) {
        text_unknown_name(p, at, what, name, names);
        *named = false;
        return 0;
    }
    text_advance(p);
    return found;
}

u32 text_index(struct text_module *m, enum text_space_kind space)
{
    static const char *const expected[SPACE_COUNT] = {
        "a function", "a table", "a memory",           "a global",
        "a tag",      "a type",  "an element segment", "a data segment",
    };
    bool named;
    return text_take_index(m->p, &m->spaces[space].names, expected[space], text_space_names[space],
                           &named);
}

static u32 module_type_index(void *self)
{
    return text_index(self, SPACE_TYPE);
}

bool text_extern_kind(struct text_parser *p, enum text_space_kind *kind)
{
    for (u32 i = SPACE_FUNC; i <= SPACE_TAG; i++) {
        if (text_is_word(p, p->tok, str_c(text_space_names[i]))) {
            *kind = (enum text_space_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- Types ------------------------------------------------------------------------------------------------------------ */

static void learn_signature(struct text_module *m, str signature, u32 index)
{
    bool fresh;
    u32 *at = text_names_at(m->p->arena, &m->signatures, signature, &fresh);
    if (fresh)
        *at = index;
}

static void sink_type(void *self, const struct text_type_info *info)
{
    struct text_module *m = self;
    u32 index = m->type_info.len;
    if (info->kind == COMPTYPE_FUNC && info->plain)
        learn_signature(m, info->signature, index);
    *vec_push(m->p->arena, &m->type_info) = *info;
    text_namemap_nest(&m->field_names, index, &m->names);
    text_namemap_nest(&m->type_param_names, index, &m->func_labels);
}

static void sink_field(void *self, u32 index, struct text_token at, str id, str shown)
{
    struct text_module *m = self;
    while (m->fields.len <= m->type_info.len)
        (void)vec_push(m->p->arena, &m->fields);
    bool fresh;
    u32 *value = text_names_at(m->p->arena, vec_last(&m->fields), id, &fresh);
    if (!fresh)
        text_fail(m->p, at, "duplicate field identifier `$" STRF "`", STRA(id));
    *value = index;
    text_namemap_add(&m->names, index, shown);
}

static void sink_param(void *self, u32 index, struct text_token at, str id, str shown)
{
    struct text_module *m = self;
    bool fresh;
    text_names_at(m->p->arena, &m->locals, id, &fresh);
    if (!fresh)
        text_fail(m->p, at, "duplicate local identifier `$" STRF "`", STRA(id));
    text_namemap_add(&m->func_labels, index, shown);
}

static void type_definition(struct text_module *m, struct text_type_sink *sink, struct buf *out,
                            bool alone)
{
    struct text_parser *p = m->p;
    struct text_token at;
    str id, shown;
    text_binder(p, &id, &at, &shown);
    if (shown.ptr)
        text_namemap_add(&m->spaces[SPACE_TYPE].shown, m->type_info.len, shown);
    text_names_clear(&m->locals);
    text_subtype(sink, out, alone);
    text_close(p);
}

static void rec_group(struct text_module *m, struct text_type_sink *sink, struct buf *out)
{
    struct text_parser *p = m->p;
    struct buf types = buf_in(p->arena);
    u32 count = 0;
    text_begin_parts(m, &types, NULL);
    for (; text_form(p, "type"); count++) {
        u32 before = m->places.len;
        struct text_token at = p->tok;
        text_module_place(m, &types, at);
        text_advance(p);
        text_advance(p);
        type_definition(m, sink, &types, false);
        if (m->places.len > before)
            m->places.data[before].at.end = p->last_end;
    }
    text_byte(out, 0x4e);
    text_uleb(out, count);
    text_put_part(m, out, &types);
    text_begin_parts(m, NULL, NULL);
}

static void type_fields(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_section *s = &m->sections[SECTION_TYPE];
    struct text_type_sink sink = {m->types, sink_type, sink_field, sink_param, m};
    struct text_mark resume = text_mark(p);
    for (u32 i = 0; i < m->type_fields.len && !p->failed; i++) {
        u32 before = (u32)s->bytes.len;
        p->pos = m->type_fields.data[i];
        p->has_next = false;
        text_advance(p);
        text_advance(p);
        if (text_take(p, "rec")) {
            rec_group(m, &sink, &s->bytes);
            text_close(p);
        } else {
            text_advance(p);
            type_definition(m, &sink, &s->bytes, true);
        }
        s->count++;
        if (p->places)
            *vec_push(p->arena, &m->places) =
                (struct text_place){.offset = before,
                                    .section = SECTION_TYPE,
                                    .at = {p->source, m->type_fields.data[i], p->last_end},
                                    .exact = true};
    }
    text_rewind(p, resume);
}

void text_typeuse(struct text_module *m, struct text_typeuse *use, text_param_fn *bind)
{
    struct text_parser *p = m->p;
    *use = (struct text_typeuse){.at = p->tok};
    if (p->tok.kind != TEXT_LPAREN) { /* the empty signature */
        use->signature = STR("\0\0");
        return;
    }
    if (text_open(p, "type")) {
        use->has_index = true;
        use->at = p->tok;
        use->index = text_index(m, SPACE_TYPE);
        text_close(p);
    }
    struct text_signature *s = &m->signature;
    text_signature(&m->types, s, bind, m);
    use->any = s->any;
    use->param_count = s->param_count;
    use->result_count = s->result_count;
    m->key.len = 0;
    text_put_signature(&m->key, s);
    use->signature = buf_view(&m->key);
    use->results = buf_view(&s->results);
}

u32 text_typeuse_index(struct text_module *m, const struct text_typeuse *use)
{
    struct text_parser *p = m->p;
    if (p->failed)
        return 0;
    if (use->has_index) {
        if (!use->any)
            return use->index;
        const struct text_type_info *info =
            use->index < m->type_info.len ? &m->type_info.data[use->index] : NULL;
        if (!info || info->kind != COMPTYPE_FUNC)
            text_fail(p, use->at, info ? "the type is no function type" : "unknown type");
        else if (!str_eq(info->signature, use->signature))
            text_fail(p, use->at, "inline function type does not match the type it refers to");
        return use->index;
    }
    u32 found = text_names_get(&m->signatures, use->signature);
    if (found != TEXT_NONE)
        return found;
    struct text_section *s = &m->sections[SECTION_TYPE];
    text_byte(&s->bytes, 0x60);
    buf_str(&s->bytes, use->signature);
    s->count++;
    struct text_type_info info = {COMPTYPE_FUNC, true, str_dup(p->arena, use->signature),
                                  use->param_count};
    learn_signature(m, info.signature, m->type_info.len);
    *vec_push(p->arena, &m->type_info) = info;
    return m->type_info.len - 1;
}

/* ---- Functions ---------------------------------------------------------------------------------------------------------- */

static void bind_local(void *self, u32 index, struct text_token at, str id, str shown)
{
    struct text_module *m = self;
    if (id.len) {
        bool fresh;
        u32 *value = text_names_at(m->p->arena, &m->locals, id, &fresh);
        if (!fresh) {
            text_fail(m->p, at, "duplicate local identifier `$" STRF "`", STRA(id));
            return;
        }
        *value = index;
    }
    text_namemap_add(&m->names, index, shown);
}

static u32 use_param_count(const struct text_module *m, const struct text_typeuse *use)
{
    if (use->has_index && !use->any)
        return use->index < m->type_info.len ? m->type_info.data[use->index].param_count : 0;
    return use->param_count;
}

/* `(local ...)*` as runs of equal types. */
static void locals(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    char room[2][16];
    struct buf type = {p->arena, room[0], 0, sizeof room[0]},
               run = {p->arena, room[1], 0, sizeof room[1]};
    struct buf runs = buf_in(p->arena);
    u32 count = 0, run_length = 0;
    text_begin_parts(m, &runs, NULL);
    while (text_open(p, "local")) {
        bool named = text_at_binder(p);
        if (named) {
            str id, shown;
            struct text_token at;
            text_binder(p, &id, &at, &shown);
            bind_local(m, m->local_count, at, id, shown);
        }
        while (named || (p->tok.kind != TEXT_RPAREN && !p->failed)) {
            struct text_token at = p->tok;
            type.len = 0;
            text_valtype(&m->types, &type);
            at.end = p->last_end;
            if (run_length && str_eq(buf_view(&type), buf_view(&run))) {
                run_length++;
            } else {
                if (run_length) {
                    text_uleb(&runs, run_length);
                    buf_str(&runs, buf_view(&run));
                }
                struct buf old = run;
                run = type;
                type = old;
                run_length = 1;
                count++;
                text_module_place(m, &runs, at);
            }
            m->local_count++;
            if (named)
                break;
        }
        text_close(p);
    }
    if (run_length) {
        text_uleb(&runs, run_length);
        buf_str(&runs, buf_view(&run));
    }
    text_uleb(out, count);
    text_put_part(m, out, &runs);
    text_begin_parts(m, NULL, NULL);
}

static void function_body(struct text_module *m, u32 index, const struct text_typeuse *use)
{
    struct text_parser *p = m->p;
    struct text_section *code = &m->sections[SECTION_CODE];
    m->body.len = 0;
    m->body_places = m->places.len;
    m->local_count = use_param_count(m, use);
    m->in_body = true; /* segments named elsewhere need no data count section */
    locals(m, &m->body);
    text_instrs(m, &m->body);
    m->in_body = false;
    text_module_place(m, &m->body, p->tok);
    text_byte(&m->body, 0x0b);
    text_uleb(&code->bytes, m->body.len);
    for (u32 i = m->body_places; i < m->places.len; i++) {
        if (m->places.data[i].section == SECTION_CODE)
            m->places.data[i].offset += (u32)code->bytes.len;
    }
    buf_str(&code->bytes, buf_view(&m->body));
    code->count++;
    if (m->func_hint_count && !p->failed) {
        text_uleb(&m->hints, index);
        text_put_vec(&m->hints, m->func_hint_count, &m->func_hints);
        m->hinted_funcs++;
    }
}

/* ---- Other fields -------------------------------------------------------------------------------------------------------- */

static void put_export(struct text_module *m, str name, enum text_space_kind kind, u32 index)
{
    struct text_section *s = &m->sections[SECTION_EXPORT];
    wasm_write_name(&s->bytes, name);
    text_byte(&s->bytes, (u8)kind);
    text_uleb(&s->bytes, index);
    s->count++;
}

static void memory_type(struct text_parser *p, struct buf *out)
{
    struct text_limits limits = {0};
    text_address_type(p, &limits);
    text_limits(p, &limits);
    text_memory_rest(p, &limits);
    text_put_limits(out, &limits);
}

/* The type of an import, after its kind and name. */
static void import_type(struct text_module *m, enum text_space_kind kind, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_typeuse use;
    switch (kind) {
    case SPACE_FUNC: {
        bool exact = text_open(p, "exact");
        if (exact)
            out->data[out->len - 1] = 0x20;
        text_names_clear(&m->locals);
        text_typeuse(m, &use, bind_local);
        text_uleb(out, text_typeuse_index(m, &use));
        if (exact)
            text_close(p);
        text_namemap_nest(&m->local_names, m->spaces[SPACE_FUNC].next, &m->names);
        break;
    }
    case SPACE_TAG:
        text_byte(out, 0);
        text_names_clear(&m->locals);
        text_typeuse(m, &use, bind_local);
        text_uleb(out, text_typeuse_index(m, &use));
        text_namemap_nest(&m->tag_param_names, m->spaces[SPACE_TAG].next, &m->names);
        break;
    case SPACE_TABLE: text_tabletype(&m->types, out); break;
    case SPACE_MEMORY: memory_type(p, out); break;
    default: text_globaltype(&m->types, out); break;
    }
    m->spaces[kind].next++;
}

static void show_name(struct text_module *m, enum text_space_kind space, str shown)
{
    if (shown.ptr)
        text_namemap_add(&m->spaces[space].shown, m->spaces[space].next, shown);
}

static void put_import(struct text_module *m, str module, str name, enum text_space_kind kind)
{
    struct text_section *s = &m->sections[SECTION_IMPORT];
    wasm_write_name(&s->bytes, module);
    wasm_write_name(&s->bytes, name);
    text_byte(&s->bytes, (u8)kind);
    s->count++;
    import_type(m, kind, &s->bytes);
}

/* `(kind id? type)`; the id is allowed where one import is meant. */
static enum text_space_kind imported(struct text_module *m, bool binds, struct buf *out)
{
    struct text_parser *p = m->p;
    enum text_space_kind kind = SPACE_FUNC;
    text_lparen(p);
    if (!text_extern_kind(p, &kind)) {
        text_unexpected(p, "`func`, `table`, `memory`, `global` or `tag`");
        return kind;
    }
    text_advance(p);
    if (binds) {
        str id, shown;
        struct text_token at;
        text_binder(p, &id, &at, &shown);
        show_name(m, kind, shown);
    } else if (p->tok.kind == TEXT_ID) {
        text_fail(p, p->tok, "a type of several imports takes no identifier");
    }
    text_byte(out, (u8)kind);
    import_type(m, kind, out);
    text_close(p);
    return kind;
}

/* `(item "a" (func ...))*`, or `(item "a")* (func ...)`: imports of one module, in one entry. */
static void import_group(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct buf items = buf_in(p->arena), type = buf_in(p->arena);
    u32 count = 0;
    bool one_type = false;
    for (; text_open(p, "item"); count++) {
        wasm_write_name(&items, text_name(p));
        bool own_type = p->tok.kind == TEXT_LPAREN;
        if (count == 0)
            one_type = !own_type;
        if (own_type == one_type)
            text_unexpected(p, one_type ? "`)`: the first item has no type of its own"
                                        : "a type, as the first item has one");
        else if (own_type)
            imported(m, true, &items);
        text_close(p);
    }
    if (count == 0)
        one_type = p->tok.kind == TEXT_LPAREN;
    if (one_type) {
        enum text_space_kind kind = imported(m, false, &type);
        m->spaces[kind].next += count - 1;
    }
    struct text_section *s = &m->sections[SECTION_IMPORT];
    buf_str(&s->bytes, one_type ? STR("\x00\x7e") : STR("\x00\x7f"));
    buf_str(&s->bytes, buf_view(&type));
    text_put_vec(&s->bytes, count, &items);
    s->count++;
}

static void import_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_section *s = &m->sections[SECTION_IMPORT];
    wasm_write_name(&s->bytes, text_name(p));
    if (p->tok.kind != TEXT_STRING) {
        import_group(m);
        return;
    }
    wasm_write_name(&s->bytes, text_name(p));
    imported(m, true, &s->bytes);
    s->count++;
}

static void func_field(struct text_module *m)
{
    struct text_section *s = &m->sections[SECTION_FUNC];
    u32 index = m->spaces[SPACE_FUNC].next;
    text_instrs_reset(m);
    struct text_typeuse use;
    text_typeuse(m, &use, bind_local);
    text_uleb(&s->bytes, text_typeuse_index(m, &use));
    s->count++;
    m->spaces[SPACE_FUNC].next++;
    function_body(m, index, &use);
    text_namemap_nest(&m->local_names, index, &m->names);
    text_namemap_nest(&m->label_names, index, &m->func_labels);
}

static void table_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_section *s = &m->sections[SECTION_TABLE];
    struct text_limits limits = {0};
    text_instrs_reset(m);
    struct text_mark start = text_mark(p);
    text_address_type(p, &limits);
    if (text_at_reftype(p)) {
        struct buf type = buf_in(p->arena);
        text_valtype(&m->types, &type);
        text_lparen(p);
        text_expect(p, "elem");
        limits.min =
            text_inline_elem(m, m->spaces[SPACE_TABLE].next, limits.is_64, buf_view(&type));
        limits.max = limits.min;
        limits.has_max = true;
        text_close(p);
        buf_str(&s->bytes, buf_view(&type));
        text_put_limits(&s->bytes, &limits);
    } else {
        struct buf type = buf_in(p->arena);
        text_rewind(p, start);
        text_tabletype(&m->types, &type);
        bool has_init = p->tok.kind != TEXT_RPAREN;
        if (has_init)
            buf_str(&s->bytes, STR("\x40\x00"));
        buf_str(&s->bytes, buf_view(&type));
        if (has_init) {
            text_instrs(m, &s->bytes);
            text_byte(&s->bytes, 0x0b);
        }
    }
    s->count++;
    m->spaces[SPACE_TABLE].next++;
}

static void memory_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_section *s = &m->sections[SECTION_MEMORY];
    struct text_limits limits = {0};
    text_address_type(p, &limits);
    text_page_size(p, &limits);
    if (text_open(p, "data")) {
        struct buf bytes = buf_in(p->arena);
        text_data_bytes(m, &bytes);
        text_close(p);
        u32 log2 = limits.has_page_size ? limits.page_size_log2 : 16;
        limits.min = limits.max = (bytes.len + ((u64)1 << log2) - 1) >> log2;
        limits.has_max = true;
        struct text_section *data = &m->sections[SECTION_DATA];
        u32 memory = m->spaces[SPACE_MEMORY].next;
        text_byte(&data->bytes, memory ? 2 : 0);
        if (memory)
            text_uleb(&data->bytes, memory);
        buf_str(&data->bytes, limits.is_64 ? STR("\x42\x00\x0b") : STR("\x41\x00\x0b"));
        wasm_write_name(&data->bytes, buf_view(&bytes));
        data->count++;
        m->spaces[SPACE_DATA].next++;
    } else {
        text_limits(p, &limits);
        bool has_page_size = limits.has_page_size;
        limits.shared = text_take(p, "shared");
        if (!has_page_size)
            text_page_size(p, &limits);
    }
    text_put_limits(&s->bytes, &limits);
    s->count++;
    m->spaces[SPACE_MEMORY].next++;
}

static void global_field(struct text_module *m)
{
    struct text_section *s = &m->sections[SECTION_GLOBAL];
    text_instrs_reset(m);
    text_globaltype(&m->types, &s->bytes);
    text_instrs(m, &s->bytes);
    text_byte(&s->bytes, 0x0b);
    s->count++;
    m->spaces[SPACE_GLOBAL].next++;
}

static void tag_field(struct text_module *m)
{
    struct text_section *s = &m->sections[SECTION_TAG];
    struct text_typeuse use;
    text_names_clear(&m->locals);
    text_typeuse(m, &use, bind_local);
    text_byte(&s->bytes, 0);
    text_uleb(&s->bytes, text_typeuse_index(m, &use));
    text_namemap_nest(&m->tag_param_names, m->spaces[SPACE_TAG].next, &m->names);
    s->count++;
    m->spaces[SPACE_TAG].next++;
}

/* The five kinds that can be imported: name, inline exports, inline import or definition. */
static void definition(struct text_module *m, enum text_space_kind kind)
{
    struct text_parser *p = m->p;
    struct text_token at;
    str id, shown;
    text_binder(p, &id, &at, &shown);
    show_name(m, kind, shown);
    while (text_open(p, "export")) {
        put_export(m, text_name(p), kind, m->spaces[kind].next);
        text_close(p);
    }
    if (text_open(p, "import")) {
        str module = text_name(p), name = text_name(p);
        text_close(p);
        put_import(m, module, name, kind);
        return;
    }
    switch (kind) {
    case SPACE_FUNC: func_field(m); break;
    case SPACE_TABLE: table_field(m); break;
    case SPACE_MEMORY: memory_field(m); break;
    case SPACE_GLOBAL: global_field(m); break;
    default: tag_field(m); break;
    }
}

static void export_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    str name = text_name(p);
    enum text_space_kind kind;
    text_lparen(p);
    if (!text_extern_kind(p, &kind)) {
        text_unexpected(p, "`func`, `table`, `memory`, `global` or `tag`");
        return;
    }
    text_advance(p);
    put_export(m, name, kind, text_index(m, kind));
    text_close(p);
}

static void segment_field(struct text_module *m, enum text_space_kind space)
{
    struct text_token at;
    str id, shown;
    text_binder(m->p, &id, &at, &shown);
    show_name(m, space, shown);
    if (space == SPACE_ELEM)
        text_elem(m);
    else
        text_data(m);
}

static void annotation_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_custom custom = {0};
    if (text_is_annotation(p, p->tok, STR("custom"))) {
        text_custom_annotation(p, &custom);
    } else if (text_is_annotation(p, p->tok, STR("producers"))) {
        text_producers_annotation(p, &custom);
    } else if (text_is_annotation(p, p->tok, STR("dylink.0"))) {
        text_dylink_annotation(p, &custom);
    } else {
        text_fail(p, p->tok, "misplaced annotation");
        return;
    }
    *vec_push(p->arena, &m->customs) = custom;
}

static void one_field(struct text_module *m)
{
    struct text_parser *p = m->p;
    enum text_space_kind kind;
    if (p->tok.kind == TEXT_ANNOT) {
        annotation_field(m);
        return;
    }
    text_lparen(p);
    struct text_token word = p->tok;
    if (text_extern_kind(p, &kind)) {
        text_advance(p);
        definition(m, kind);
    } else if (text_take(p, "type") || text_take(p, "rec")) {
        text_skip_rest(p); /* written already */
        return;
    } else if (text_take(p, "import")) {
        import_field(m);
    } else if (text_take(p, "export")) {
        export_field(m);
    } else if (text_take(p, "elem")) {
        segment_field(m, SPACE_ELEM);
    } else if (text_take(p, "data")) {
        segment_field(m, SPACE_DATA);
    } else if (text_take(p, "start")) {
        if (m->has_start)
            text_fail(p, word, "multiple start sections");
        m->has_start = true;
        text_uleb(&m->sections[SECTION_START].bytes, text_index(m, SPACE_FUNC));
    } else {
        static const str near[] = {
            STR_INIT("type"),   STR_INIT("rec"),       STR_INIT("import"), STR_INIT("func"),
            STR_INIT("table"),  STR_INIT("memory"),    STR_INIT("global"), STR_INIT("tag"),
            STR_INIT("export"), STR_INIT("start"),     STR_INIT("elem"),   STR_INIT("data"),
            STR_INIT("module"), STR_INIT("component"),
        };
        text_unexpected_word(p, "a field of a module", near, LENGTH_OF(near));
        return;
    }
    text_close(p);
}

/* A field, and what of the sections it wrote. */
static void field(struct text_module *m)
{
    struct text_parser *p = m->p;
    if (!p->places) {
        one_field(m);
        return;
    }
    u32 before[SECTION_COUNT], start = p->tok.start;
    for (u32 i = 0; i < SECTION_COUNT; i++)
        before[i] = (u32)m->sections[i].bytes.len;
    one_field(m);
    for (u32 i = 0; i < SECTION_COUNT; i++) {
        if (m->sections[i].bytes.len > before[i])
            *vec_push(p->arena, &m->places) =
                (struct text_place){.offset = before[i],
                                    .section = (u8)i,
                                    .at = {p->source, start, p->last_end},
                                    .exact = i != SECTION_CODE};
    }
}

static void init(struct text_module *m, struct text_parser *p)
{
    struct arena *a = p->arena;
    *m = (struct text_module){.p = p, .types = {p, module_type_index, m}};
    for (u32 i = 0; i < SPACE_COUNT; i++)
        m->spaces[i].shown.bytes = buf_in(a);
    for (u32 i = 0; i < SECTION_COUNT; i++)
        m->sections[i].bytes = buf_in(a);
    struct buf *others[] = {
        &m->key,
        &m->signature.params,
        &m->signature.results,
        &m->hints,
        &m->local_names.bytes,
        &m->label_names.bytes,
        &m->field_names.bytes,
        &m->type_param_names.bytes,
        &m->tag_param_names.bytes,
        &m->names.bytes,
        &m->func_labels.bytes,
        &m->pending,
        &m->body,
        &m->func_hints,
    };
    for (u32 i = 0; i < LENGTH_OF(others); i++)
        *others[i] = buf_in(a);
    m->hint = -1;
}

void text_module_fields(struct text_parser *p, str name, struct buf *out)
{
    /* What a module needs while it is parsed goes when it is done. */
    struct arena *outer = p->arena;
    struct text_module m;
    p->arena = p->module_arena;
    p->scratch = buf_in(p->arena);
    init(&m, p);
    span whole = {p->source, p->field_start, p->last_end};
    m.name = name;
    text_skim(&m);
    type_fields(&m);
    while (!p->failed && (p->tok.kind == TEXT_LPAREN || p->tok.kind == TEXT_ANNOT))
        field(&m);
    if (!p->failed)
        text_put_sections(&m, whole, out);
    arena_free(p->arena);
    p->arena = outer;
    p->scratch = buf_in(outer);
}

void text_module(struct text_parser *p, str id, struct buf *out)
{
    str name = id;
    if (text_take(p, "quote")) {
        text_quote(p, "module", out);
    } else if (text_take(p, "binary")) {
        text_binary_strings(p, out);
    } else {
        text_name_annotation(p, &name);
        text_module_fields(p, name, out);
    }
    text_close(p);
}
