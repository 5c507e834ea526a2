/* parse_types.c - types, functions and named types of the syntax tree. */
#include "reader.h"

/* ---- Types ------------------------------------------------------------------------------------------------- */

_Static_assert(NODE_named_type - NODE_primitive_type == 9, "types stand together in nodes.def");
static bool is_type(enum node n)
{
    return n >= NODE_primitive_type && n <= NODE_named_type;
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
            struct ast_id word = wit_token(r);
            t->start = word.start;
            t->end = word.end;
            first = false;
            if (n == NODE_own) {
                t->kind = WIT_OWN;
            }
        }
        if (is_type(n)) {
            const struct ast_type *part = type(r, depth + 1);
            *vec_push(r->work, &r->types) = part;
        } else if (n == NODE_underscore) {
            *vec_push(r->work, &r->types) = NULL;
        } else if (n == NODE_identifier) {
            struct ast_id id = wit_identifier(r);
            t->of.name = id.name.ptr;
            t->size = (u32)id.name.len;
            t->start = id.start;
            t->end = id.end;
        } else if (n == NODE_close) {
            NO_MORE(r);
        } else if (n == NODE_integer) {
            struct ast_id number = wit_token(r);
            str digits = number.name;
            u64 length = 0;
            t->kind = WIT_FIXED_LIST;
            if (digits.len > 1 && digits.ptr[0] == '0') {
                wit_report(r, "wit-list-size", number,
                           "invalid list size: it has no leading zeros");
                length = 1;
            } else if (!str_to_u64(digits, &length) || length > UINT32_MAX) {
                wit_report(r, "wit-list-size", number, "invalid list size: it must fit 32 bits");
                length = UINT32_MAX;
            }
            t->size = (u32)length;
        }
    }
    if (t->kind == WIT_RESULT && r->types.len - from == 1) {
        *vec_push(r->work, &r->types) = NULL;
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
    struct ast_id word = {0};
    enum node n = here(r);
    if (depth >= WIT_MAX_TYPE_DEPTH && r->fine) {
        struct diag *x = wit_report(r, "wit-nesting", wit_whole(r), "type nesting too deep");
        diag_note(r->diags, x, "a type has at most %u levels", WIT_MAX_TYPE_DEPTH);
    }
    if (n == NODE_primitive_type || n == NODE_named_type) {
        word = n == NODE_named_type ? wit_identifier(r) : wit_token(r);
        t->start = word.start;
        t->end = word.end;
    }
    if (n == NODE_primitive_type) {
        t->kind = (u8)wit_prim_of(word.name);
    } else if (n == NODE_named_type) {
        t->kind = WIT_ID;
        t->of.name = word.name.ptr;
        t->size = (u32)word.name.len;
    } else if (depth >= WIT_MAX_TYPE_DEPTH) {
        t->kind = WIT_BOOL;
    } else {
        t->kind = kinds[n];
        type_parts(r, t, depth);
    }
    return t;
}

/* ---- Functions ------------------------------------------------------------------------------------------------ */

/* A field, case, label or parameter: a name, and often a type. */
static struct ast_field field(struct reader *r, bool docs)
{
    struct ast_field f = {.docs = docs ? wit_take_docs(r) : str_c(NULL)};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_identifier) {
            f.name = wit_identifier(r);
        } else if (is_type(n)) {
            f.type = type(r, 0);
            NO_MORE(r);
        }
    }
    if (!f.name.end) { /* a label is its own token */
        f.name = wit_identifier(r);
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
            NO_MORE(r);
        }
    }
    return t;
}

static void parameters(struct reader *r, struct ast_func *f)
{
    u32 from = r->fields.len;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_parameter) {
            struct ast_field p = field(r, false);
            *vec_push(r->work, &r->fields) = p;
        } else if (n == NODE_close) {
            NO_MORE(r);
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
        f->word = wit_token(r);
        f->accessor = n == NODE_get ? WIT_GETTER : n == NODE_set ? WIT_SETTER : WIT_NO_ACCESSOR;
        f->is_constructor = n == NODE_w_constructor;
    } else if (n == NODE_result) {
        f->result = result(r);
    } else if (n == NODE_parameters) {
        parameters(r, f);
    }
}

void wit_function_type(struct reader *r, struct ast_func *f)
{
    EACH_CHILD(r)
    {
        function_part(r, f, here(r));
    }
}

/* function, method, constructor */
struct ast_member wit_function(struct reader *r)
{
    struct ast_member m = {.kind = AST_FUNC, .docs = wit_take_docs(r)};
    struct ast_func *f = arena_new(r->arena, struct ast_func);
    struct head head = {0};
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (n == NODE_function_type) {
            wit_function_type(r, f);
            NO_MORE(r);
        } else if (!wit_head(r, n, &head)) {
            function_part(r, f, n);
        }
    }
    m.name = f->is_constructor ? f->word : head.name;
    m.gates = wit_close_gates(r, &head);
    m.func = f;
    return m;
}

/* ---- Named types ------------------------------------------------------------------------------------------------ */

struct ast_member wit_typedefinition(struct reader *r, enum wit_kind kind)
{
    struct ast_member m = {.kind = AST_TYPEDEF, .docs = wit_take_docs(r)};
    struct ast_typedef *t = arena_new(r->arena, struct ast_typedef);
    struct head head = {0};
    u32 fields = r->fields.len, funcs = r->members.len;
    t->kind = kind;
    EACH_CHILD(r)
    {
        enum node n = here(r);
        if (wit_head(r, n, &head)) {
            continue;
        }
        if (is_type(n)) {
            t->target = type(r, 0);
        } else if (n == NODE_field || n == NODE_case || n == NODE_label) {
            struct ast_field f = field(r, true);
            *vec_push(r->work, &r->fields) = f;
        } else if (n == NODE_method || n == NODE_constructor) {
            struct ast_member f = wit_function(r);
            *vec_push(r->work, &r->members) = f;
        } else if (n == NODE_close) {
            NO_MORE(r);
        }
    }
    m.name = head.name;
    m.gates = wit_close_gates(r, &head);
    TAKE(r, fields, fields, t->fields, t->field_count);
    TAKE(r, members, funcs, t->funcs, t->func_count);
    m.type = t;
    return m;
}
