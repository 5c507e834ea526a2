/* parse.c - from text to the syntax tree of ast.h, by way of tree-sitter's tree. */
#include "ast.h"

#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_wit(void);

enum node {
    NODE_other,
#define NAMED(id)      NODE_##id,
#define WORD(id, text) NODE_##id,
#include "nodes.def"
#undef NAMED
#undef WORD
};

struct reader {
    struct arena *arena, *keep;
    struct diags *diags;
    struct wit_skipped *skipped;
    u32 source;
    str text;
    bool fine;
    u8 *kinds; /* enum node by TSSymbol */
    u32 kind_count;
    TSTreeCursor cursor;
    /* Lists under way: each level takes its part off the end. */
    VEC(const struct ast_type *) types;
    VEC(struct ast_field) fields;
    VEC(struct ast_member) members;
    VEC(str) comments; /* that stand before the item to come */
    struct ast_id comments_at;
};

static void map_kinds(struct reader *r)
{
    static const struct {
        const char *name;
        bool named;
        u8 node;
    } nodes[] = {
#define NAMED(id)      {#id, true, NODE_##id},
#define WORD(id, text) {text, false, NODE_##id},
#include "nodes.def"
#undef NAMED
#undef WORD
    };
    const TSLanguage *language = tree_sitter_wit();
    r->kind_count = ts_language_symbol_count(language);
    r->kinds = arena_alloc(r->arena, r->kind_count);
    for (u32 s = 0; s < r->kind_count; s++) {
        bool named = ts_language_symbol_type(language, (TSSymbol)s) == TSSymbolTypeRegular;
        const char *name = ts_language_symbol_name(language, (TSSymbol)s);
        for (u32 i = 0; i < LENGTH_OF(nodes); i++) {
            if (nodes[i].named == named && strcmp(nodes[i].name, name) == 0) {
                r->kinds[s] = nodes[i].node;
            }
        }
    }
}

/* ---- Walking ---------------------------------------------------------------------------------------------- */

static enum node here(struct reader *r)
{
    TSSymbol s = ts_node_symbol(ts_tree_cursor_current_node(&r->cursor));
    return s < r->kind_count ? (enum node)r->kinds[s] : NODE_other;
}

static bool down(struct reader *r)
{
    return ts_tree_cursor_goto_first_child(&r->cursor);
}

static bool next(struct reader *r)
{
    return ts_tree_cursor_goto_next_sibling(&r->cursor);
}

static void up(struct reader *r)
{
    ts_tree_cursor_goto_parent(&r->cursor);
}

/* Runs the body for each child of the current node. */
#define EACH_CHILD(r) \
    for (bool more_ = down(r), end_ = more_; more_ || (end_ && (up(r), false)); more_ = next(r))

/* What a list has got since `from`, as an array of its own. */
#define TAKE(r, list, from, array, count)                                                     \
    do {                                                                                      \
        (count) = (r)->list.len - (from);                                                     \
        void *copy_ = arena_alloc_array((r)->arena, (count), sizeof *(r)->list.data);         \
        if (count) {                                                                          \
            memcpy(copy_, (r)->list.data + (from), (size_t)(count) * sizeof *(r)->list.data); \
        }                                                                                     \
        (array) = (count) ? copy_ : NULL;                                                     \
        (r)->list.len = (from);                                                               \
    } while (0)

static struct ast_id token(struct reader *r)
{
    TSNode n = ts_tree_cursor_current_node(&r->cursor);
    u32 start = ts_node_start_byte(n), end = ts_node_end_byte(n);
    return (struct ast_id){str_sub(r->text, start, end), start, end};
}

static span span_of(struct reader *r, struct ast_id id)
{
    return (span){r->source, id.start, id.end};
}

static struct diag *report(struct reader *r, const char *code, struct ast_id at, const char *text)
{
    r->fine = false;
    return diag_error(r->diags, code, span_of(r, at), "%s", text);
}

/* Scalars that no word of any language starts with: signs, arrows, emoji. */
static bool is_sign(u32 c)
{
    return (c >= 0x2000 && c < 0x2c00) || (c >= 0x3000 && c < 0x3005) ||
           (c >= 0xfe00 && c < 0xfe10) || (c >= 0xe000 && c < 0xf900) || c >= 0x1f000 ||
           (c >= 0x80 && c < 0xc0 && c != 0xaa && c != 0xb5 && c != 0xba);
}

static void report_label(struct reader *r, struct ast_id id, str name, const char *why)
{
    for (size_t i = 0; i < name.len;) {
        size_t at = i;
        u32 c = utf8_next(name, &i);
        if (c >= 0x80 && is_sign(c)) {
            u32 start = id.end - (u32)name.len + (u32)at;
            struct ast_id sign = {name, start, start + (u32)(i - at)};
            struct diag *x = report(r, "wit-character", sign, "unexpected character");
            diag_note(r->diags, x, "U+%04X stands outside of comments and text literals", c);
            return;
        }
    }
    struct diag *x = report(r, "wit-label", id, "");
    x->message =
        str_printf(r->diags->arena, "`" STRF "` is not a name in kebab case", STRA(id.name));
    diag_note(r->diags, x, "%s", why);
    diag_help(r->diags, x, "names look like `some-name`, `XML` or `get-URL2`");
}

/* The identifier under the cursor, checked, without its '%'. */
static struct ast_id identifier(struct reader *r)
{
    struct ast_id id = token(r);
    if (id.name.len && id.name.ptr[0] == '%') {
        id.name = str_sub(id.name, 1, id.name.len);
    } else if (wit_is_reserved(id.name)) {
        struct diag *x = report(r, "wit-syntax", id, "");
        x->message = str_printf(r->diags->arena, "expected an identifier, found keyword `" STRF "`",
                                STRA(id.name));
        diag_help(r->diags, x, "`%%" STRF "` is the name with the same letters", STRA(id.name));
        return id;
    }
    const char *why = wit_check_label(id.name);
    if (why) {
        report_label(r, id, id.name, why);
        map_put(r->skipped->arena, &r->skipped->words, id.name, 1);
    }
    return id;
}

/* Comments before an item are its documentation. To be called for each child of a node that holds items; true
 * if it was a comment. */
static bool comment(struct reader *r, enum node n)
{
    if (n != NODE_line_comment && n != NODE_block_comment) {
        return false;
    }
    struct ast_id t = token(r);
    if (!r->comments.len) {
        r->comments_at = t;
    }
    r->comments_at.end = t.end;
    *vec_push(r->arena, &r->comments) = t.name;
    return true;
}

static str take_docs(struct reader *r)
{
    str docs = wit_docs_text(r->keep, r->comments.data, r->comments.len);
    r->comments.len = 0;
    return docs;
}

/* ---- Versions, gates, paths --------------------------------------------------------------------------------- */

static struct wit_version version(struct reader *r, struct ast_id *at)
{
    struct wit_version v;
    *at = token(r);
    if (!wit_version_parse(at->name, &v)) {
        struct diag *x = report(r, "wit-version", *at, "");
        x->message =
            str_printf(r->diags->arena, "`" STRF "` is not a semantic version", STRA(at->name));
        diag_note(r->diags, x, "numbers have no leading zeros and fit 64 bits");
    }
    return v;
}

static struct ast_package_name package_name(struct reader *r)
{
    struct ast_package_name p = {0};
    u32 words = 0;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        struct ast_id t = {0};
        if (n == NODE_identifier) {
            t = identifier(r);
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

static struct ast_path *path(struct reader *r)
{
    struct ast_path *p = arena_new(r->arena, struct ast_path);
    struct ast_id words[3] = {{{NULL, 0}, 0, 0}}, at;
    u32 n = 0;
    EACH_CHILD(r)
    {
        enum node k = here(r);
        if (k == NODE_identifier && n < 3) {
            words[n++] = identifier(r);
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
    struct diag *x = report(r, "wit-gate", word, "");
    x->message = str_printf(r->diags->arena, "cannot specify @" STRF " twice", STRA(word.name));
}

static str text_literal(struct reader *r)
{
    struct ast_id t = token(r);
    str out = {"", 0};
    size_t bad = 0;
    const char *why;
    if (!wit_unquote(r->keep, t.name, &out, &bad, &why)) {
        struct ast_id at = {t.name, t.start + (u32)bad, bad ? t.start + (u32)bad + 1 : t.end};
        report(r, "wit-literal", at, why);
        out = (str){"", 0};
    }
    return out;
}

struct gate_reader {
    struct ast_gates *gates;
    struct ast_id since, unstable, deprecated;
};

/* One attribute; the first makes the gates. */
static void attribute(struct reader *r, struct gate_reader *g)
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
            word = token(r);
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
            s->feature = identifier(r).name;
        } else if (n == NODE_string_literal) {
            if (g->gates->external_id.ptr) {
                twice(r, word);
            }
            g->gates->external_id = text_literal(r);
            g->gates->external_word = word;
        }
    }
}

static const struct ast_gates *close_gates(struct reader *r, struct gate_reader *g)
{
    if (!g->gates) {
        return NULL;
    }
    struct wit_stability *s = &g->gates->stability;
    s->kind = g->since.end ? WIT_STABLE : g->unstable.end ? WIT_UNSTABLE : WIT_STABILITY_UNKNOWN;
    if (g->since.end && g->unstable.end) {
        struct diag *x =
            report(r, "wit-gate", g->since, "cannot specify both @since and @unstable");
        diag_label(r->diags, x, span_of(r, g->unstable), "the other gate");
    }
    if (g->deprecated.end && !g->since.end && !g->unstable.end) {
        struct diag *x = report(r, "wit-gate", g->deprecated,
                                "cannot specify @deprecated without @since or @unstable");
        diag_help(r->diags, x, "say since when the item exists: `@since(version = ...)`");
    }
    return g->gates;
}

/* ---- Types ------------------------------------------------------------------------------------------------- */

static enum wit_kind primitive(str name)
{
    static const str names[] = {
        [WIT_BOOL] = STR_INIT("bool"),     [WIT_U8] = STR_INIT("u8"),
        [WIT_U16] = STR_INIT("u16"),       [WIT_U32] = STR_INIT("u32"),
        [WIT_U64] = STR_INIT("u64"),       [WIT_S8] = STR_INIT("s8"),
        [WIT_S16] = STR_INIT("s16"),       [WIT_S32] = STR_INIT("s32"),
        [WIT_S64] = STR_INIT("s64"),       [WIT_F32] = STR_INIT("f32"),
        [WIT_F64] = STR_INIT("f64"),       [WIT_CHAR] = STR_INIT("char"),
        [WIT_STRING] = STR_INIT("string"), [WIT_ERROR_CONTEXT] = STR_INIT("error-context"),
    };
    for (u32 k = 0; k < LENGTH_OF(names); k++) {
        if (str_eq(name, names[k])) {
            return (enum wit_kind)k;
        }
    }
    return WIT_BOOL;
}

static bool is_type(enum node n)
{
    return (n >= NODE_primitive_type && n <= NODE_named_type);
}

static const struct ast_type *type(struct reader *r, u32 depth);

/* The parts between `<` and `>`. */
static void type_parts(struct reader *r, struct ast_type *t, u32 depth)
{
    u32 from = r->types.len;
    bool first = true;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (first) {
            struct ast_id word = token(r);
            t->start = word.start;
            t->end = word.end;
            first = false;
            if (n == NODE_own) {
                t->kind = WIT_OWN;
            }
        }
        if (is_type(n)) {
            const struct ast_type *part = type(r, depth + 1);
            *vec_push(r->arena, &r->types) = part;
        } else if (n == NODE_underscore) {
            *vec_push(r->arena, &r->types) = NULL;
        } else if (n == NODE_identifier) {
            struct ast_id id = identifier(r);
            t->of.name = id.name.ptr;
            t->size = (u32)id.name.len;
            t->start = id.start;
            t->end = id.end;
        } else if (n == NODE_integer) {
            struct ast_id number = token(r);
            str digits = number.name;
            while (digits.len > 1 && digits.ptr[0] == '0') {
                digits = str_sub(digits, 1, digits.len);
            }
            u64 length = 0;
            t->kind = WIT_FIXED_LIST;
            if (!str_to_u64(digits, &length) || length > UINT32_MAX) {
                report(r, "wit-list-size", number, "invalid list size: it must fit 32 bits");
            }
            t->size = (u32)length;
        }
    }
    if (t->kind == WIT_RESULT && r->types.len - from == 1) {
        *vec_push(r->arena, &r->types) = NULL;
    }
    if (!ast_type_is_name(t)) {
        TAKE(r, types, from, t->of.items, t->count);
    }
}

static const struct ast_type *type(struct reader *r, u32 depth)
{
    static const u8 kinds[] = {
        [NODE_tuple_type] = WIT_TUPLE,   [NODE_list_type] = WIT_LIST,
        [NODE_option_type] = WIT_OPTION, [NODE_result_type] = WIT_RESULT,
        [NODE_map_type] = WIT_MAP,       [NODE_handle_type] = WIT_BORROW,
        [NODE_future_type] = WIT_FUTURE, [NODE_stream_type] = WIT_STREAM,
    };
    struct ast_type *t = arena_new(r->arena, struct ast_type);
    struct ast_id word = token(r);
    enum node n = here(r);
    t->start = word.start;
    t->end = word.end;
    if (n == NODE_primitive_type) {
        t->kind = (u8)primitive(word.name);
    } else if (n == NODE_named_type) {
        struct ast_id id = identifier(r);
        t->kind = WIT_ID;
        t->of.name = id.name.ptr;
        t->size = (u32)id.name.len;
    } else if (depth >= WIT_MAX_TYPE_DEPTH) {
        t->kind = WIT_BOOL;
    } else {
        t->kind = kinds[n];
        type_parts(r, t, depth);
    }
    if (depth >= WIT_MAX_TYPE_DEPTH && r->fine) {
        word.end = t->end < word.end ? t->end : word.end;
        struct diag *x = report(r, "wit-nesting", word, "type nesting too deep");
        diag_note(r->diags, x, "a type has at most %u levels", WIT_MAX_TYPE_DEPTH);
    }
    return t;
}

/* ---- Functions ------------------------------------------------------------------------------------------------ */

/* A field, case, label or parameter: a name, and often a type. */
static struct ast_field field(struct reader *r)
{
    struct ast_field f = {.docs = take_docs(r)};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_identifier) {
            f.name = identifier(r);
        } else if (is_type(n)) {
            f.type = type(r, 0);
        }
    }
    if (!f.name.end) { /* a label is its own token */
        f.name = identifier(r);
    }
    return f;
}

static const struct ast_type *result(struct reader *r)
{
    const struct ast_type *t = NULL;
    EACH_CHILD(r)
    {
        if (is_type(here(r))) {
            t = type(r, 0);
        }
    }
    return t;
}

static void parameters(struct reader *r, struct ast_func *f)
{
    u32 from = r->fields.len;
    EACH_CHILD(r)
    {
        if (here(r) == NODE_parameter) {
            struct ast_field p = field(r);
            *vec_push(r->arena, &r->fields) = p;
        }
    }
    TAKE(r, fields, from, f->params, f->param_count);
}

static void function_part(struct reader *r, struct ast_func *f, enum node n)
{
    if (n == NODE_async) {
        f->is_async = true;
    } else if (n == NODE_static) {
        f->is_static = true;
    } else if (n == NODE_func || n == NODE_get || n == NODE_set || n == NODE_w_constructor) {
        f->word = token(r);
        f->accessor = n == NODE_get ? WIT_GETTER : n == NODE_set ? WIT_SETTER : WIT_NO_ACCESSOR;
        f->is_constructor = n == NODE_w_constructor;
    } else if (n == NODE_result) {
        f->result = result(r);
    } else if (n == NODE_parameters) {
        parameters(r, f);
    }
}

static void function_type(struct reader *r, struct ast_func *f)
{
    EACH_CHILD(r)
    {
        function_part(r, f, here(r));
    }
}

/* function, method, constructor */
static struct ast_member function(struct reader *r)
{
    struct ast_member m = {.kind = AST_FUNC, .docs = take_docs(r)};
    struct ast_func *f = arena_new(r->arena, struct ast_func);
    struct gate_reader gates = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_attribute) {
            attribute(r, &gates);
        } else if (n == NODE_identifier) {
            m.name = identifier(r);
        } else if (n == NODE_function_type) {
            function_type(r, f);
        } else {
            function_part(r, f, n);
        }
    }
    if (f->is_constructor) {
        m.name = f->word;
    }
    m.gates = close_gates(r, &gates);
    m.func = f;
    return m;
}

/* ---- Named types ------------------------------------------------------------------------------------------------ */

static struct ast_member typedefinition(struct reader *r, enum wit_kind kind)
{
    struct ast_member m = {.kind = AST_TYPEDEF, .docs = take_docs(r)};
    struct ast_typedef *t = arena_new(r->arena, struct ast_typedef);
    struct gate_reader gates = {0};
    u32 fields = r->fields.len, funcs = r->members.len;
    t->kind = kind;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (comment(r, n)) {
            continue;
        }
        if (n == NODE_attribute) {
            attribute(r, &gates);
        } else if (n == NODE_identifier) {
            m.name = identifier(r);
        } else if (is_type(n)) {
            t->target = type(r, 0);
        } else if (n == NODE_field || n == NODE_case || n == NODE_label) {
            struct ast_field f = field(r);
            *vec_push(r->arena, &r->fields) = f;
        } else if (n == NODE_method || n == NODE_constructor) {
            struct ast_member f = function(r);
            *vec_push(r->arena, &r->members) = f;
        }
        r->comments.len = 0;
    }
    r->comments.len = 0;
    m.gates = close_gates(r, &gates);
    TAKE(r, fields, fields, t->fields, t->field_count);
    TAKE(r, members, funcs, t->funcs, t->func_count);
    m.type = t;
    return m;
}

/* ---- Interfaces and worlds ------------------------------------------------------------------------------------- */

static void body(struct reader *r, const struct ast_member **out, u32 *count);

static struct ast_rename rename_of(struct reader *r)
{
    struct ast_rename n = {0};
    EACH_CHILD(r)
    {
        if (here(r) == NODE_identifier) {
            *(n.name.end ? &n.alias : &n.name) = identifier(r);
        }
    }
    return n;
}

/* use, include, import, export */
static struct ast_member reference(struct reader *r, enum ast_member_kind kind)
{
    struct ast_member m = {.kind = kind, .docs = take_docs(r)};
    struct gate_reader gates = {0};
    VEC(struct ast_rename) names = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_attribute) {
            attribute(r, &gates);
        } else if (n == NODE_identifier) {
            m.name = identifier(r);
        } else if (n == NODE_use_path) {
            m.path = path(r);
        } else if (n == NODE_use_name || n == NODE_include_name) {
            struct ast_rename x = rename_of(r);
            *vec_push(r->arena, &names) = x;
        } else if (n == NODE_function_type) {
            struct ast_func *f = arena_new(r->arena, struct ast_func);
            function_type(r, f);
            m.func = f;
        } else if (n == NODE_interface_body) {
            body(r, &m.body, &m.body_count);
            m.has_body = true;
        }
    }
    m.gates = close_gates(r, &gates);
    m.names = names.data;
    m.name_count = names.len;
    if (kind == AST_INCLUDE && m.gates && m.gates->external_id.ptr) {
        report(r, "wit-external-id", m.gates->external_word,
               "@external-id is not allowed on include statements");
    }
    return m;
}

static bool member(struct reader *r, enum node n, struct ast_member *out)
{
    switch (n) {
    case NODE_function: *out = function(r); return true;
    case NODE_use: *out = reference(r, AST_USE); return true;
    case NODE_import: *out = reference(r, AST_IMPORT); return true;
    case NODE_export: *out = reference(r, AST_EXPORT); return true;
    case NODE_include: *out = reference(r, AST_INCLUDE); return true;
    case NODE_type_alias: *out = typedefinition(r, WIT_ALIAS); return true;
    case NODE_record: *out = typedefinition(r, WIT_RECORD); return true;
    case NODE_flags: *out = typedefinition(r, WIT_FLAGS); return true;
    case NODE_variant: *out = typedefinition(r, WIT_VARIANT); return true;
    case NODE_enum: *out = typedefinition(r, WIT_ENUM); return true;
    case NODE_resource: *out = typedefinition(r, WIT_RESOURCE); return true;
    default: return false;
    }
}

static void body(struct reader *r, const struct ast_member **out, u32 *count)
{
    u32 from = r->members.len;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        struct ast_member m;
        if (comment(r, n)) {
            continue;
        }
        if (member(r, n, &m)) {
            *vec_push(r->arena, &r->members) = m;
        }
        r->comments.len = 0;
    }
    r->comments.len = 0;
    TAKE(r, members, from, *out, *count);
}

/* ---- Files --------------------------------------------------------------------------------------------------------- */

static void decls(struct reader *r, struct ast_decls *out, u32 depth);

static struct ast_item item(struct reader *r, enum node kind, u32 depth)
{
    struct ast_item it = {.kind = kind == NODE_interface        ? AST_INTERFACE
                                  : kind == NODE_world          ? AST_WORLD
                                  : kind == NODE_nested_package ? AST_PACKAGE
                                                                : AST_TOPLEVEL_USE,
                          .docs = take_docs(r)};
    struct gate_reader gates = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_attribute) {
            attribute(r, &gates);
        } else if (n == NODE_identifier) {
            it.name = identifier(r);
        } else if (n == NODE_use_path) {
            it.path = path(r);
        } else if (n == NODE_interface_body || n == NODE_world_body) {
            body(r, &it.members, &it.member_count);
        } else if (n >= NODE_w_interface && n <= NODE_w_package) {
            it.word = token(r);
        }
    }
    it.gates = close_gates(r, &gates);
    if (kind == NODE_nested_package) {
        struct ast_decls *nested = arena_new(r->arena, struct ast_decls);
        nested->docs = it.docs;
        it.nested = nested;
        if (depth >= WIT_MAX_PACKAGE_DEPTH) {
            if (r->fine) {
                report(r, "wit-nesting", it.word, "package nesting too deep");
            }
        } else {
            decls(r, nested, depth + 1);
        }
    }
    if (it.gates && (it.kind == AST_PACKAGE || it.kind == AST_TOPLEVEL_USE)) {
        report(r, "wit-gate", it.word,
               it.kind == AST_PACKAGE ? "cannot place attributes on nested packages"
                                      : "attributes not allowed on top-level use");
    } else if (it.gates && it.gates->external_id.ptr) {
        report(r, "wit-external-id", it.gates->external_word,
               it.kind == AST_WORLD ? "@external-id is not allowed on world declarations"
                                    : "@external-id is not allowed on interface declarations");
    }
    return it;
}

static void declared_package(struct reader *r, struct ast_decls *out)
{
    EACH_CHILD(r)
    {
        if (here(r) == NODE_package_name) {
            out->package = package_name(r);
            out->has_package = true;
        }
    }
}

/* The contents of the current node: the file or a nested package. */
static void decls(struct reader *r, struct ast_decls *out, u32 depth)
{
    VEC(struct ast_item) items = {0};
    out->source = r->source;
    out->depth = depth;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (comment(r, n)) {
            continue;
        }
        if (n == NODE_package_declaration) {
            out->docs_at = r->comments_at;
            out->docs = take_docs(r);
            declared_package(r, out);
        } else if (n == NODE_package_name) {
            out->package = package_name(r);
            out->has_package = true;
        } else if (n == NODE_interface || n == NODE_world || n == NODE_toplevel_use ||
                   n == NODE_nested_package) {
            struct ast_item it = item(r, n, depth);
            *vec_push(r->arena, &items) = it;
        }
        r->comments.len = 0;
    }
    r->comments.len = 0;
    out->items = items.data;
    out->item_count = items.len;
}

/* Characters that a source must not hold, wherever they stand. */
static bool check_characters(struct reader *r)
{
    size_t bad = utf8_check(r->text);
    if (bad != SIZE_MAX) {
        struct ast_id at = {r->text, (u32)bad, (u32)bad + 1};
        report(r, "wit-utf8", at, "not UTF-8");
        return false;
    }
    for (size_t i = 0; i < r->text.len;) {
        unsigned char b = (unsigned char)r->text.ptr[i];
        if (b >= 0x20 && b < 0x7f) {
            i++;
            continue;
        }
        size_t start = i;
        u32 c = utf8_next(r->text, &i);
        const char *what = NULL;
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || (c >= 0x7f && c < 0xa0)) {
            what = "control character";
        } else if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
            what = "character that reverses the direction of text";
        } else if (c == 0x149 || c == 0x673 || c == 0xf77 || c == 0xf79 || c == 0x17a3 ||
                   c == 0x17a4 || c == 0x17b4 || c == 0x17b5) {
            what = "deprecated character";
        }
        if (what) {
            struct ast_id at = {r->text, (u32)start, (u32)i};
            struct diag *x = report(r, "wit-character", at, "");
            x->message = str_printf(r->diags->arena, "%s U+%04X is not allowed in WIT", what, c);
            return false;
        }
    }
    return true;
}

struct scoped {
    TSParser *parser;
    TSTree *given; /* somebody else's tree of the text, without faults; or ... */
    TSTree *tree;  /* ... one made here */
    struct reader *r;
    struct wit_skipped *skipped;
    struct ast_decls *out;
    bool has_cursor;
};

static void make_tree(struct scoped *s)
{
    struct reader *r = s->r;
    s->tree = ts_parser_parse_string(s->parser, NULL, r->text.ptr, (u32)r->text.len);
    if (s->tree && ts_node_has_error(ts_tree_root_node(s->tree))) {
        ts_tree_delete(s->tree);
        s->tree = NULL;
        r->fine = false;
        s->tree = wit_report_syntax(r->keep, r->diags, r->source, s->skipped, s->parser, &r->text);
    }
    r->fine &= s->tree != NULL;
}

static void read_tree(void *context)
{
    struct scoped *s = context;
    if (!s->given) {
        make_tree(s);
    }
    TSTree *tree = s->given ? s->given : s->tree;
    if (tree) {
        map_kinds(s->r);
        s->r->cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
        s->has_cursor = true;
        decls(s->r, s->out, 0);
    }
}

/* What tree-sitter owns is given back whatever happens; memory that ran out goes on up from here. */
static bool read_guarded(struct scoped *s)
{
    bool memory = oom_guard(read_tree, s);
    if (s->has_cursor) {
        ts_tree_cursor_delete(&s->r->cursor);
    }
    if (s->tree) {
        ts_tree_delete(s->tree);
    }
    if (s->parser) {
        ts_parser_delete(s->parser);
    }
    if (!memory) {
        arena_alloc(s->r->arena, SIZE_MAX); /* unwinds further */
    }
    return s->r->fine;
}

bool wit_read_ast(struct arena *a, struct arena *keep, struct diags *d, u32 source,
                  struct wit_skipped *skipped, struct ast_decls *out)
{
    struct reader r = {
        .arena = a, .keep = keep, .diags = d, .skipped = skipped, .source = source, .fine = true};
    struct scoped s = {.r = &r, .skipped = skipped, .out = out};
    r.text = sources_get(d->sources, source)->text;
    *out = (struct ast_decls){.source = source};
    if (!check_characters(&r) || !wit_check_limits(d, source, r.text)) {
        return false;
    }
    s.parser = ts_parser_new();
    if (!s.parser || !ts_parser_set_language(s.parser, tree_sitter_wit())) {
        diag_error(d, "wit-syntax", (span){0}, "tree-sitter does not take the grammar of WIT");
        if (s.parser) {
            ts_parser_delete(s.parser);
        }
        return false;
    }
    return read_guarded(&s);
}

bool wit_read_tree(struct arena *a, struct diags *d, u32 source, struct TSTree *tree,
                   struct wit_skipped *skipped, struct ast_decls *out)
{
    struct reader r = {
        .arena = a, .keep = a, .diags = d, .skipped = skipped, .source = source, .fine = true};
    struct scoped s = {.given = tree, .r = &r, .skipped = skipped, .out = out};
    r.text = sources_get(d->sources, source)->text;
    *out = (struct ast_decls){.source = source};
    return check_characters(&r) && read_guarded(&s);
}
