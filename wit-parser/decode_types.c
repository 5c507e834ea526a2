/* decode_types.c - binary to WIT: types of values, functions. */
#include "ast.h"
#include "decoder.h"

bool wit_decode_fail(struct decoder *d, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = str_vprintf(d->arena, format, args);
    va_end(args);
    diag_error(d->diags, "wit-decode", at, STRF, STRA(message));
    return false;
}

/* ---- Names --------------------------------------------------------------------------------------- */

bool wit_decode_is_label(str s)
{
    return !wit_check_label(s);
}

bool wit_decode_label(struct decoder *d, str s, span at)
{
    return wit_decode_is_label(s) ||
           wit_decode_fail(d, at, "`" STRF "` is not a kebab-case name, so WIT cannot say it",
                           STRA(s));
}

/* ---- Types --------------------------------------------------------------------------------------- */

static enum wit_kind kind_of_prim(u8 prim)
{
    switch (prim) {
    case PRIM_BOOL: return WIT_BOOL;
    case PRIM_S8: return WIT_S8;
    case PRIM_U8: return WIT_U8;
    case PRIM_S16: return WIT_S16;
    case PRIM_U16: return WIT_U16;
    case PRIM_S32: return WIT_S32;
    case PRIM_U32: return WIT_U32;
    case PRIM_S64: return WIT_S64;
    case PRIM_U64: return WIT_U64;
    case PRIM_F32: return WIT_F32;
    case PRIM_F64: return WIT_F64;
    case PRIM_CHAR: return WIT_CHAR;
    case PRIM_STRING: return WIT_STRING;
    case PRIM_ERROR_CONTEXT: return WIT_ERROR_CONTEXT;
    default: return WIT_ID;
    }
}

static enum wit_kind kind_of_def(enum cm_def def)
{
    switch (def) {
    case DEF_RECORD: return WIT_RECORD;
    case DEF_VARIANT: return WIT_VARIANT;
    case DEF_LIST: return WIT_LIST;
    case DEF_FIXED_LIST: return WIT_FIXED_LIST;
    case DEF_TUPLE: return WIT_TUPLE;
    case DEF_FLAGS: return WIT_FLAGS;
    case DEF_ENUM: return WIT_ENUM;
    case DEF_OPTION: return WIT_OPTION;
    case DEF_RESULT: return WIT_RESULT;
    case DEF_OWN: return WIT_OWN;
    case DEF_BORROW: return WIT_BORROW;
    case DEF_STREAM: return WIT_STREAM;
    case DEF_FUTURE: return WIT_FUTURE;
    case DEF_MAP: return WIT_MAP;
    default: return WIT_ID;
    }
}

/* The WIT type that stands for `t` or for what it is an alias of. */
static u32 known_type(const struct dec_type *t)
{
    for (; t; t = t->alias_of)
        if (t->wit)
            return t->wit - 1;
    return WIT_NONE;
}

static bool is_resource(const struct dec_type *t)
{
    return !t->def || t->def->kind == DEF_RESOURCE;
}

bool wit_decode_is_new_resource(const struct dec_type *t)
{
    return is_resource(t) && known_type(t) == WIT_NONE;
}

static bool convert(struct decoder *d, const struct dec_type *t, span at, struct wit_type *out);

static bool convert_use(struct decoder *d, const struct dec_scope *s, struct cm_valtype v, span at,
                        struct wit_type *out)
{
    if (!v.is_index) {
        *out = (struct wit_type){kind_of_prim(v.prim), WIT_NONE};
        return out->kind != WIT_ID ||
               wit_decode_fail(d, at, "ill-formed component: unknown primitive type");
    }
    struct dec_type *t = wit_eval_type(&d->eval, s, v.index, at);
    return t && convert(d, t, at, out);
}

static bool convert_labels(struct decoder *d, const struct dec_scope *s,
                           const struct cm_label *labels, u32 n, bool named, span at,
                           const struct wit_field **out)
{
    struct wit_field *fields = arena_array(d->arena, struct wit_field, n);
    for (u32 i = 0; i < n; i++) {
        fields[i] = (struct wit_field){.name = labels[i].name, .type = WIT_NO_TYPE, .at = at};
        if (named && !wit_decode_label(d, labels[i].name, at))
            return false;
        if (labels[i].has_type && !convert_use(d, s, labels[i].type, at, &fields[i].type))
            return false;
    }
    *out = fields;
    return true;
}

/* A handle's resource, which must have got its name before. */
static bool convert_handle(struct decoder *d, const struct dec_type *t, struct wit_typedef *out)
{
    struct dec_type *resource = wit_eval_type(&d->eval, t->scope, t->def->resource, t->def->at);
    if (!resource)
        return false;
    u32 known = known_type(resource);
    if (!is_resource(resource))
        return wit_decode_fail(d, t->def->at,
                               "ill-formed component: a handle to what is not a resource");
    if (known == WIT_NONE)
        return wit_decode_fail(d, t->def->at, "a resource is used that has no name in WIT");
    out->first = (struct wit_type){WIT_ID, known};
    return true;
}

/* What a definition says, as a WIT type without name and owner. */
static bool convert_def(struct decoder *d, const struct dec_type *t, struct wit_typedef *out)
{
    *out = (struct wit_typedef){.first = WIT_NO_TYPE, .second = WIT_NO_TYPE};
    if (is_resource(t)) {
        out->kind = WIT_RESOURCE;
        return true;
    }
    const struct cm_type *def = t->def;
    out->at = def->at;
    if (def->kind == DEF_PRIM) {
        out->kind = WIT_ALIAS;
        out->first = (struct wit_type){kind_of_prim(def->prim), WIT_NONE};
        return out->first.kind != WIT_ID || wit_decode_fail(d, def->at, "unknown primitive type");
    }
    out->kind = kind_of_def(def->kind);
    if (out->kind == WIT_ID)
        return wit_decode_fail(d, def->at,
                               "a type that WIT cannot say is used as the type of a value");
    if (out->kind == WIT_OWN || out->kind == WIT_BORROW)
        return convert_handle(d, t, out);
    out->field_count = def->label_count;
    out->length = def->length;
    return convert_labels(d, t->scope, def->labels, def->label_count, out->kind != WIT_TUPLE,
                          def->at, &out->fields) &&
           (!def->has_element || convert_use(d, t->scope, def->element, def->at, &out->first)) &&
           (!def->has_second || convert_use(d, t->scope, def->second, def->at, &out->second));
}

static u32 add_type(struct decoder *d, const struct wit_typedef *t)
{
    *vec_push(d->arena, &d->r->types) = *t;
    return d->r->types.len - 1;
}

/* A use of `t` that is known or has no name. */
static bool convert(struct decoder *d, const struct dec_type *t, span at, struct wit_type *out)
{
    u32 known = known_type(t);
    *out = (struct wit_type){WIT_ID, known};
    if (known != WIT_NONE)
        return true;
    if (!is_resource(t) && t->def->kind == DEF_PRIM) {
        *out = (struct wit_type){kind_of_prim(t->def->prim), WIT_NONE};
        return out->kind != WIT_ID || wit_decode_fail(d, at, "unknown primitive type");
    }
    if (d->depth >= WIT_MAX_TYPE_DEPTH)
        return wit_decode_fail(d, at, "types nest more than %d deep", WIT_MAX_TYPE_DEPTH);
    struct wit_typedef def;
    d->depth++;
    bool ok = convert_def(d, t, &def);
    d->depth--;
    if (!ok)
        return false;
    if (def.kind == WIT_RESOURCE || def.kind == WIT_RECORD || def.kind == WIT_VARIANT ||
        def.kind == WIT_ENUM || def.kind == WIT_FLAGS)
        return wit_decode_fail(d, at, "a type is used that has no name, so WIT cannot say it");
    out->id = add_type(d, &def);
    struct dec_type *end = (struct dec_type *)t;
    end->wit = out->id + 1;
    while (end->alias_of)
        end = end->alias_of;
    end->wit = out->id + 1; /* for others that come to it another way */
    return true;
}

/* A named type: an alias of what has a name already, else a definition. */
bool wit_decode_type(struct decoder *d, const struct dec_named *x, struct wit_owner owner, u32 *out)
{
    struct wit_typedef def;
    u32 known = known_type(x->what.type);
    if (!wit_decode_label(d, x->name.name, x->at))
        return false;
    if (known != WIT_NONE)
        def = (struct wit_typedef){
            .kind = WIT_ALIAS, .first = {WIT_ID, known}, .second = WIT_NO_TYPE};
    else if (!convert_def(d, x->what.type, &def))
        return false;
    def.name = x->name.name;
    def.owner = owner;
    def.external_id = x->name.external_id;
    def.at = x->at;
    *out = add_type(d, &def);
    x->what.type->wit = *out + 1;
    return true;
}

/* ---- Types seen again ------------------------------------------------------------------------------ */

/* An interface comes as often as something imports or exports it, each time with definitions of its own, which must say the
 * same. Unnamed types within those stand for the ones that are there. Components are freer: their instances may have other
 * resources and named types than those that the interface calls by these names. */

static struct wit_type known_unaliased(const struct decoder *d, const struct dec_type *t)
{
    return wit_unalias(d->r, (struct wit_type){WIT_ID, known_type(t)});
}

static bool is_type(struct wit_type t, u32 id)
{
    return wit_type_present(t) && t.kind == WIT_ID && t.id == id;
}

static bool same_def(struct decoder *d, const struct dec_type *t, const struct wit_typedef *def);

static bool same_type(struct decoder *d, struct dec_type *t, struct wit_type wit)
{
    if (wit.kind != WIT_ID || wit.id == WIT_NONE)
        return !is_resource(t) && t->def->kind == DEF_PRIM &&
               wit.kind == kind_of_prim(t->def->prim);
    const struct wit_typedef *def = &d->r->types.data[wit.id];
    struct wit_type known = known_unaliased(d, t);
    if (t->same == wit.id + 1 || is_type(known, wit.id))
        return true;
    bool is_named = wit_type_present(known) && known.kind == WIT_ID &&
                    d->r->types.data[known.id].name.len && def->name.len;
    if (is_named && !d->is_component)
        return false;
    if (is_resource(t) || def->kind == WIT_RESOURCE)
        return is_resource(t) && def->kind == WIT_RESOURCE;
    if (d->depth >= WIT_MAX_TYPE_DEPTH || !wit_eval_step(&d->eval, t->def->at))
        return false;
    t->same = wit.id + 1;
    if (!def->name.len && !wit_type_present(known))
        t->wit = wit.id + 1;
    d->depth++;
    bool ok = same_def(d, t, def);
    d->depth--;
    return ok;
}

static bool same_use(struct decoder *d, const struct dec_scope *s, struct cm_valtype v, span at,
                     struct wit_type wit)
{
    wit = wit_unalias(d->r, wit);
    if (!v.is_index)
        return wit.kind == kind_of_prim(v.prim);
    struct dec_type *t = wit_eval_type(&d->eval, s, v.index, at);
    return t && same_type(d, t, wit);
}

static bool same_labels(struct decoder *d, const struct dec_scope *s, const struct cm_label *labels,
                        u32 n, const struct wit_field *fields, span at)
{
    for (u32 i = 0; i < n; i++) {
        const struct cm_label *x = &labels[i];
        if ((fields[i].name.len && !str_eq(x->name, fields[i].name)) ||
            x->has_type != wit_type_present(fields[i].type) ||
            (x->has_type && !same_use(d, s, x->type, at, fields[i].type)))
            return false;
    }
    return true;
}

static bool same_part(struct decoder *d, const struct dec_type *t, bool has, struct cm_valtype v,
                      struct wit_type wit)
{
    return has == wit_type_present(wit) && (!has || same_use(d, t->scope, v, t->def->at, wit));
}

static bool same_handle(struct decoder *d, const struct dec_type *t, const struct wit_typedef *def)
{
    struct dec_type *resource = wit_eval_type(&d->eval, t->scope, t->def->resource, t->def->at);
    if (!resource)
        return false;
    struct wit_type known = known_unaliased(d, resource);
    return wit_type_present(known) &&
           (d->is_component || is_type(known, wit_unalias(d->r, def->first).id));
}

static bool same_def(struct decoder *d, const struct dec_type *t, const struct wit_typedef *x)
{
    const struct wit_typedef def = *x;
    if (t->def->kind == DEF_PRIM || def.kind != kind_of_def(t->def->kind))
        return false;
    if (def.kind == WIT_OWN || def.kind == WIT_BORROW)
        return same_handle(d, t, &def);
    return def.field_count == t->def->label_count && def.length == t->def->length &&
           same_labels(d, t->scope, t->def->labels, def.field_count, def.fields, t->def->at) &&
           same_part(d, t, t->def->has_element, t->def->element, def.first) &&
           same_part(d, t, t->def->has_second, t->def->second, def.second);
}

bool wit_decode_same_type(struct decoder *d, u32 wit, struct dec_type *t)
{
    bool ok = (!wit_decode_is_new_resource(t) || d->r->types.data[wit].kind == WIT_RESOURCE ||
               d->is_component) &&
              same_type(d, t, wit_unalias(d->r, (struct wit_type){WIT_ID, wit}));
    t->wit = wit + 1;
    return ok;
}

bool wit_decode_same_func(struct decoder *d, const struct wit_func *f, const struct dec_type *t)
{
    if (!t || is_resource(t) || t->def->kind != DEF_FUNC)
        return false;
    const struct cm_functype *type = &t->def->func;
    return f->is_async == type->is_async && f->param_count == type->param_count &&
           same_labels(d, t->scope, type->params, type->param_count, f->params, t->def->at) &&
           same_part(d, t, type->has_result, type->result, f->result);
}

/* ---- Functions ------------------------------------------------------------------------------------- */

/* Splits "[method]r.f" and the like; `rest` is what follows the brackets. */
static bool func_name(str name, struct wit_func *f, str *resource, str *rest)
{
    static const struct {
        str prefix;
        enum wit_func_kind kind;
        enum wit_accessor accessor;
    } table[] = {
        {STR_INIT("[constructor]"), WIT_CONSTRUCTOR, WIT_NO_ACCESSOR},
        {STR_INIT("[method][get]"), WIT_METHOD, WIT_GETTER},
        {STR_INIT("[method][set]"), WIT_METHOD, WIT_SETTER},
        {STR_INIT("[method]"), WIT_METHOD, WIT_NO_ACCESSOR},
        {STR_INIT("[static][get]"), WIT_STATIC, WIT_GETTER},
        {STR_INIT("[static][set]"), WIT_STATIC, WIT_SETTER},
        {STR_INIT("[static]"), WIT_STATIC, WIT_NO_ACCESSOR},
        {STR_INIT("[get]"), WIT_FREE, WIT_GETTER},
        {STR_INIT("[set]"), WIT_FREE, WIT_SETTER},
        {STR_INIT(""), WIT_FREE, WIT_NO_ACCESSOR},
    };
    u32 i = 0;
    while (!str_starts(name, table[i].prefix))
        i++;
    f->kind = table[i].kind;
    f->accessor = table[i].accessor;
    *rest = str_sub(name, table[i].prefix.len, name.len);
    *resource = (str){0};
    if (f->kind == WIT_CONSTRUCTOR)
        *resource = *rest;
    else if (f->kind != WIT_FREE)
        *rest = str_cut(*rest, '.', resource);
    return wit_decode_is_label(*rest);
}

bool wit_decode_func(struct decoder *d, const struct dec_named *x, const struct map *types,
                     struct wit_func *f)
{
    str resource, rest;
    *f = (struct wit_func){.name = x->name.name,
                           .resource = WIT_NONE,
                           .result = WIT_NO_TYPE,
                           .external_id = x->name.external_id,
                           .at = x->at};
    if (!func_name(f->name, f, &resource, &rest))
        return wit_decode_fail(d, x->at, "`" STRF "` is not the name of a function", STRA(f->name));
    if (f->kind != WIT_FREE) {
        f->resource = map_get(types, resource);
        if (f->resource == MAP_NONE)
            return wit_decode_fail(
                d, x->at, "the function `" STRF "` belongs to an unknown resource", STRA(f->name));
    }
    const struct dec_type *t = x->what.type;
    if (!t || is_resource(t) || t->def->kind != DEF_FUNC)
        return wit_decode_fail(d, x->at, "ill-formed component: `" STRF "` is no function",
                               STRA(f->name));
    const struct cm_functype *type = &t->def->func;
    f->is_async = type->is_async;
    f->param_count = type->param_count;
    return convert_labels(d, t->scope, type->params, type->param_count, true, x->at, &f->params) &&
           (!type->has_result || convert_use(d, t->scope, type->result, x->at, &f->result));
}
