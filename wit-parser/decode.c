/* decode.c - binary to WIT: packages, worlds of `component-type` sections, components, core modules.
 *
 * Everything is decoded into a graph of its own, which then is merged into the caller's: what is there already
 * is compared, packages come after those they use.
 */
#include "decode.h"
#include "encode.h"
#include "validate.h"

#define NEST_MAX 100 /* of anonymous types */

struct iface_names {
    struct map types, funcs; /* type index; index into the interface's functions */
    bool complete;           /* the interface's own definition was read */
};
struct decoder {
    struct wit_resolve *r; /* the graph of this binary */
    struct arena *arena;
    struct diags *diags;
    struct dec_eval eval;
    struct map packages, interfaces; /* by id */
    VEC(u32) foreign;                /* packages in the order in which imports name them */
    VEC(struct iface_names) names;   /* by interface */
    struct map world_types;          /* of the world at work: type index */
    struct map world_imports, world_exports;
    u32 depth;
    bool is_component; /* the world is read off a component, not one that somebody wrote */
};

static bool fail(struct decoder *d, span at, const char *format, ...) WITC_PRINTF(3, 4);
static bool fail(struct decoder *d, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = str_vprintf(d->arena, format, args);
    va_end(args);
    diag_error(d->diags, "wit-decode", at, STRF, STRA(message));
    return false;
}

/* ---- Names --------------------------------------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A kebab-case label: words of letters and digits, single dashes between, a letter first. */
static bool is_label(str s)
{
    if (s.len == 0 || !is_alnum(s.ptr[0]) || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && (s.ptr[i] != '-' || i + 1 == s.len || s.ptr[i + 1] == '-'))
            return false;
    return true;
}

static bool check_label(struct decoder *d, str s, span at)
{
    return is_label(s) ||
           fail(d, at, "`" STRF "` is not a kebab-case name, so WIT cannot say it", STRA(s));
}

struct item_id {
    struct wit_package_name package;
    str item;
};

/* "ns:pkg/item@version"; the version may go on in the attribute `version-suffix`. */
static bool parse_id(struct decoder *d, str text, str suffix, span at, struct item_id *out)
{
    *out = (struct item_id){0};
    str path, rest, version = str_cut(text, '@', &path);
    if (version.ptr && suffix.ptr)
        version = str_concat(d->arena, version, suffix);
    rest = str_cut(path, ':', &out->package.ns);
    out->item = str_cut(rest, '/', &out->package.name);
    bool ok = is_label(out->package.ns) && is_label(out->package.name) && is_label(out->item);
    if (ok && version.ptr)
        ok = wit_version_parse(version, &out->package.version);
    if (!ok &&
        (str_find_char(rest, ':', 0) != SIZE_MAX || str_find_char(out->item, '/', 0) != SIZE_MAX)) {
        diag_unsupported(d->diags, at, "the nested name `" STRF "` in WIT", STRA(text));
        return false;
    }
    return ok || fail(d, at, "`" STRF "` is not the name of an interface or world", STRA(text));
}

static bool is_id(str name)
{
    return str_find_char(name, ':', 0) != SIZE_MAX;
}

/* ---- Packages and interfaces ---------------------------------------------------------------------- */

static u32 package_named(struct decoder *d, const struct wit_package_name *name)
{
    str id = wit_package_id(d->arena, name);
    u32 package = map_get(&d->packages, id);
    if (package != MAP_NONE)
        return package;
    package = d->r->packages.len;
    vec_push(d->arena, &d->r->packages)->name = *name;
    map_put(d->arena, &d->packages, id, package);
    return package;
}

static u32 add_interface(struct decoder *d, str name, u32 package, span at)
{
    struct wit_interface *iface = vec_push(d->arena, &d->r->interfaces);
    *iface =
        (struct wit_interface){.name = name, .package = package, .clone_of = WIT_NONE, .at = at};
    *vec_push(d->arena, &d->names) = (struct iface_names){0};
    return d->r->interfaces.len - 1;
}

static u32 interface_named(struct decoder *d, const struct item_id *id, span at)
{
    str key = wit_item_id(d->arena, &id->package, id->item);
    u32 interface = map_get(&d->interfaces, key);
    if (interface != MAP_NONE)
        return interface;
    u32 package = package_named(d, &id->package);
    interface = add_interface(d, id->item, package, at);
    *vec_push(d->arena, &d->r->packages.data[package].interfaces) =
        (struct wit_named_type){id->item, interface};
    map_put(d->arena, &d->interfaces, key, interface);
    return interface;
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

static bool convert(struct decoder *d, const struct dec_type *t, span at, struct wit_type *out);

static bool convert_use(struct decoder *d, const struct dec_scope *s, struct cm_valtype v, span at,
                        struct wit_type *out)
{
    if (!v.is_index) {
        *out = (struct wit_type){kind_of_prim(v.prim), WIT_NONE};
        return out->kind != WIT_ID || fail(d, at, "ill-formed component: unknown primitive type");
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
        if (named && !check_label(d, labels[i].name, at))
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
        return fail(d, t->def->at, "ill-formed component: a handle to what is not a resource");
    if (known == WIT_NONE)
        return fail(d, t->def->at, "a resource is used that has no name in WIT");
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
        return out->first.kind != WIT_ID || fail(d, def->at, "unknown primitive type");
    }
    out->kind = kind_of_def(def->kind);
    if (out->kind == WIT_ID)
        return fail(d, def->at, "a type that WIT cannot say is used as the type of a value");
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
        return out->kind != WIT_ID || fail(d, at, "unknown primitive type");
    }
    if (d->depth >= NEST_MAX)
        return fail(d, at, "types nest more than %d deep", NEST_MAX);
    struct wit_typedef def;
    d->depth++;
    bool ok = convert_def(d, t, &def);
    d->depth--;
    if (!ok)
        return false;
    if (def.kind == WIT_RESOURCE || def.kind == WIT_RECORD || def.kind == WIT_VARIANT ||
        def.kind == WIT_ENUM || def.kind == WIT_FLAGS)
        return fail(d, at, "a type is used that has no name, so WIT cannot say it");
    out->id = add_type(d, &def);
    struct dec_type *end = (struct dec_type *)t;
    end->wit = out->id + 1;
    while (end->alias_of)
        end = end->alias_of;
    end->wit = out->id + 1; /* for others that come to it another way */
    return true;
}

/* A named type: an alias of what has a name already, else a definition. */
static bool define_type(struct decoder *d, const struct dec_named *x, struct wit_owner owner,
                        u32 *out)
{
    struct wit_typedef def;
    u32 known = known_type(x->what.type);
    if (!check_label(d, x->name.name, x->at))
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

/* An interface comes as often as components import it, each time with definitions of its own. The unnamed types within those
 * stand for the ones that are there; what does not match is not the same interface. */
static bool match_def(struct decoder *d, u32 wit, const struct dec_type *t);

static bool match_use(struct decoder *d, const struct dec_scope *s, struct cm_valtype v, span at,
                      struct wit_type wit)
{
    if (!v.is_index)
        return wit.kind == kind_of_prim(v.prim);
    struct dec_type *t = wit_eval_type(&d->eval, s, v.index, at);
    if (!t)
        return false;
    if (wit.kind != WIT_ID || wit.id == WIT_NONE)
        return !is_resource(t) && t->def->kind == DEF_PRIM &&
               wit.kind == kind_of_prim(t->def->prim);
    bool known = t->wit;
    t->wit = wit.id + 1;
    if (known || d->depth >= NEST_MAX)
        return true;
    d->depth++;
    bool ok = match_def(d, wit.id, t);
    d->depth--;
    return ok;
}

static bool match_labels(struct decoder *d, const struct dec_type *t,
                         const struct wit_field *fields)
{
    for (u32 i = 0; i < t->def->label_count; i++) {
        const struct cm_label *x = &t->def->labels[i];
        if ((fields[i].name.len && !str_eq(x->name, fields[i].name)) ||
            x->has_type != wit_type_present(fields[i].type) ||
            (x->has_type && !match_use(d, t->scope, x->type, t->def->at, fields[i].type)))
            return false;
    }
    return true;
}

static bool match_part(struct decoder *d, const struct dec_type *t, bool has, struct cm_valtype v,
                       struct wit_type wit)
{
    return has == wit_type_present(wit) && (!has || match_use(d, t->scope, v, t->def->at, wit));
}

static bool match_def(struct decoder *d, u32 wit, const struct dec_type *t)
{
    const struct wit_typedef def = d->r->types.data[wit];
    if (is_resource(t) || t->def->kind == DEF_PRIM || t->def->kind == DEF_OWN ||
        t->def->kind == DEF_BORROW || (def.kind == WIT_ALIAS && def.first.kind == WIT_ID))
        return true;
    return def.kind == kind_of_def(t->def->kind) && def.field_count == t->def->label_count &&
           def.length == t->def->length && match_labels(d, t, def.fields) &&
           match_part(d, t, t->def->has_element, t->def->element, def.first) &&
           match_part(d, t, t->def->has_second, t->def->second, def.second);
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
    return is_label(*rest);
}

static bool convert_func(struct decoder *d, const struct dec_named *x, const struct map *types,
                         struct wit_func *f)
{
    str resource, rest;
    *f = (struct wit_func){.name = x->name.name,
                           .resource = WIT_NONE,
                           .result = WIT_NO_TYPE,
                           .external_id = x->name.external_id,
                           .at = x->at};
    if (!func_name(f->name, f, &resource, &rest))
        return fail(d, x->at, "`" STRF "` is not the name of a function", STRA(f->name));
    if (f->kind != WIT_FREE) {
        f->resource = map_get(types, resource);
        if (f->resource == MAP_NONE)
            return fail(d, x->at, "the function `" STRF "` belongs to an unknown resource",
                        STRA(f->name));
    }
    const struct dec_type *t = x->what.type;
    if (!t || is_resource(t) || t->def->kind != DEF_FUNC)
        return fail(d, x->at, "ill-formed component: `" STRF "` is no function", STRA(f->name));
    const struct cm_functype *type = &t->def->func;
    f->is_async = type->is_async;
    f->param_count = type->param_count;
    return convert_labels(d, t->scope, type->params, type->param_count, true, x->at, &f->params) &&
           (!type->has_result || convert_use(d, t->scope, type->result, x->at, &f->result));
}

/* ---- Interfaces ------------------------------------------------------------------------------------ */

/* An interface gets an item; those of other packages come in parts, one for each that uses something of them. */
static bool claim(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct iface_names *names = &d->names.data[interface];
    if (names->complete)
        return fail(d, x->at, "the definition of interface `" STRF "` has no `" STRF "`",
                    STRA(wit_interface_id(d->r, d->arena, interface)), STRA(x->name.name));
    return true;
}

static bool interface_type(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct map *types = &d->names.data[interface].types;
    u32 type = map_get(types, x->name.name);
    if (type != MAP_NONE) { /* seen before, perhaps by another road */
        x->what.type->wit = type + 1;
        return match_def(d, type, x->what.type) ||
               fail(d, x->at,
                    "the type `" STRF "` of interface `" STRF "` is defined in two different ways",
                    STRA(x->name.name), STRA(wit_interface_id(d->r, d->arena, interface)));
    }
    struct wit_owner owner = {WIT_OWNER_INTERFACE, interface};
    if (!claim(d, interface, x) || !define_type(d, x, owner, &type))
        return false;
    map_put(d->arena, types, x->name.name, type);
    *vec_push(d->arena, &d->r->interfaces.data[interface].types) =
        (struct wit_named_type){x->name.name, type};
    return true;
}

static bool interface_func(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct iface_names *names = &d->names.data[interface];
    struct wit_func f;
    if (map_get(&names->funcs, x->name.name) != MAP_NONE)
        return true;
    if (!claim(d, interface, x) || !convert_func(d, x, &names->types, &f))
        return false;
    struct wit_interface *iface = &d->r->interfaces.data[interface];
    map_put(d->arena, &d->names.data[interface].funcs, x->name.name, iface->funcs.len);
    *vec_push(d->arena, &iface->funcs) = f;
    return true;
}

/* Gives an interface what the instance has and it lacks. */
static bool fill_interface(struct decoder *d, u32 interface, const struct dec_instance *instance)
{
    for (u32 i = 0; i < instance->exports.len; i++) {
        const struct dec_named *x = &instance->exports.data[i];
        switch (x->what.sort) {
        case SORT_TYPE:
            if (!interface_type(d, interface, x))
                return false;
            break;
        case SORT_FUNC:
            if (!interface_func(d, interface, x))
                return false;
            break;
        default:
            return fail(d, x->at, "the instance exports `" STRF "`, which WIT cannot say",
                        STRA(x->name.name));
        }
    }
    return true;
}

static bool interface_by_id(struct decoder *d, str id, str suffix, const struct dec_named *x,
                            u32 *interface)
{
    struct item_id parsed;
    if (!parse_id(d, id, suffix, x->at, &parsed))
        return false;
    u32 before = d->r->interfaces.len;
    *interface = interface_named(d, &parsed, x->at);
    if (d->r->interfaces.len > before)
        *vec_push(d->arena, &d->foreign) = d->r->interfaces.data[*interface].package;
    return fill_interface(d, *interface, x->what.instance);
}

/* ---- Worlds ---------------------------------------------------------------------------------------- */

static bool world_instance(struct decoder *d, u32 world, const struct dec_named *x,
                           struct wit_world_item *item)
{
    item->kind = WIT_ITEM_INTERFACE;
    if (is_id(x->name.name)) {
        item->has_key_name = false;
        return interface_by_id(d, x->name.name, x->name.version_suffix, x, &item->interface);
    }
    if (!check_label(d, x->name.name, x->at))
        return false;
    if (x->name.implements.ptr)
        return interface_by_id(d, x->name.implements, x->name.version_suffix, x, &item->interface);
    item->interface = add_interface(d, (str){0}, d->r->worlds.data[world].package, x->at);
    return fill_interface(d, item->interface, x->what.instance);
}

static bool world_item(struct decoder *d, u32 world, const struct dec_named *x, bool import)
{
    struct wit_world_item item = {.has_key_name = true,
                                  .name = x->name.name,
                                  .external_id = x->name.external_id,
                                  .at = x->at};
    if (!map_put(d->arena, import ? &d->world_imports : &d->world_exports, x->name.name, 0))
        return fail(d, x->at, "`" STRF "` is there twice", STRA(x->name.name));
    switch (x->what.sort) {
    case SORT_INSTANCE:
        if (!world_instance(d, world, x, &item))
            return false;
        break;
    case SORT_FUNC:
        item.kind = WIT_ITEM_FUNC;
        if (!convert_func(d, x, &d->world_types, &item.func))
            return false;
        break;
    case SORT_TYPE:
        item.kind = WIT_ITEM_TYPE;
        import = true; /* a world has its types on one side only */
        if (!define_type(d, x, (struct wit_owner){WIT_OWNER_WORLD, world}, &item.type))
            return false;
        if (!map_put(d->arena, &d->world_types, x->name.name, item.type))
            return fail(d, x->at, "`" STRF "` is there twice", STRA(x->name.name));
        break;
    default:
        if (!d->is_component)
            return fail(d, x->at, "`" STRF "` is of a sort that a WIT world cannot have",
                        STRA(x->name.name));
        diag_warning(d->diags, "wit-decode", x->at,
                     "WIT has no words for the %s `" STRF "`: it is left out",
                     import ? "import" : "export", STRA(x->name.name));
        return true;
    }
    struct wit_world *w = &d->r->worlds.data[world];
    if (import)
        *vec_push(d->arena, &w->imports) = item;
    else
        *vec_push(d->arena, &w->exports) = item;
    return true;
}

static u32 add_world(struct decoder *d, str name, u32 package, span at)
{
    *vec_push(d->arena, &d->r->worlds) =
        (struct wit_world){.name = name, .package = package, .at = at};
    u32 world = d->r->worlds.len - 1;
    *vec_push(d->arena, &d->r->packages.data[package].worlds) =
        (struct wit_named_type){name, world};
    d->world_types = d->world_imports = d->world_exports = (struct map){0};
    return world;
}

static bool fill_world(struct decoder *d, u32 world, const struct dec_surface *s)
{
    for (u32 i = 0; i < s->imports.len; i++)
        if (!world_item(d, world, &s->imports.data[i], true))
            return false;
    for (u32 i = 0; i < s->exports.len; i++)
        if (!world_item(d, world, &s->exports.data[i], false))
            return false;
    return true;
}

/* ---- Packages -------------------------------------------------------------------------------------- */

/* A component whose exports are component types, and which does nothing else. */
static bool is_wit_package(const struct wasm_component *c)
{
    return c->exports.len > 0 && c->imports.len == 0 && c->modules.len == 0 &&
           c->components.len == 0 && c->canons.len == 0 && c->instances.len == 0;
}

static bool exported_type(struct decoder *d, const struct dec_named *x, struct dec_surface *out)
{
    const struct dec_type *t = x->what.sort == SORT_TYPE ? x->what.type : NULL;
    if (!t || !t->def || t->def->kind != DEF_COMPONENT)
        return fail(d, x->at, "`" STRF "` is not the type of an interface or world",
                    STRA(x->name.name));
    struct dec_component c = {.type = t->def, .parent = t->scope};
    return wit_eval_component_type(&d->eval, &c, out);
}

/* The one export of the component type that stands for an interface or world, and its name. */
static bool only_export(struct decoder *d, const struct dec_named *x, const struct dec_surface *s,
                        enum cm_sort sort, struct item_id *id)
{
    if (s->exports.len != 1 || s->exports.data[0].what.sort != sort)
        return fail(d, x->at, "`" STRF "` is not encoded as an interface or world",
                    STRA(x->name.name));
    const struct cm_name *name = &s->exports.data[0].name;
    return parse_id(d, name->name, name->version_suffix, x->at, id);
}

static bool decode_interface(struct decoder *d, const struct dec_surface *s,
                             const struct item_id *id)
{
    for (u32 i = 0; i < s->imports.len; i++) {
        const struct dec_named *x = &s->imports.data[i];
        u32 foreign;
        if (x->what.sort != SORT_INSTANCE)
            return fail(d, x->at, "an interface imports `" STRF "`, which is not an interface",
                        STRA(x->name.name));
        if (!interface_by_id(d, x->name.name, x->name.version_suffix, x, &foreign))
            return false;
    }
    const struct dec_named *x = &s->exports.data[0];
    u32 interface = interface_named(d, id, x->at);
    const struct dec_instance *instance = x->what.instance;
    if (!fill_interface(d, interface, instance))
        return false;
    const struct wit_interface *all = &d->r->interfaces.data[interface];
    if (all->types.len + all->funcs.len > instance->exports.len)
        return fail(d, x->at, "interface `" STRF "` is used with more than its definition has",
                    STRA(wit_interface_id(d->r, d->arena, interface)));
    d->names.data[interface].complete = true;
    return true;
}

static bool decode_world_type(struct decoder *d, const struct dec_named *x,
                              const struct dec_surface *s, const struct item_id *id, u32 *world)
{
    struct dec_surface surface;
    u32 package = package_named(d, &id->package);
    *world = add_world(d, id->item, package, x->at);
    return wit_eval_component_type(&d->eval, s->exports.data[0].what.component, &surface) &&
           fill_world(d, *world, &surface);
}

/* Puts the items of the main package in the order of the binary: some came in by uses before. */
static void order_interfaces(struct decoder *d, u32 package, const dec_names *exports)
{
    struct wit_package *p = &d->r->packages.data[package];
    struct map places = {0};
    for (u32 i = 0; i < p->interfaces.len; i++)
        map_add(d->arena, &places, p->interfaces.data[i].name, p->interfaces.data[i].type);
    p->interfaces.len = 0;
    for (u32 i = 0; i < exports->len; i++) {
        u32 interface = map_get(&places, exports->data[i].name.name);
        if (interface != MAP_NONE)
            *vec_push(d->arena, &p->interfaces) =
                (struct wit_named_type){exports->data[i].name.name, interface};
    }
    struct map listed = {0};
    for (u32 i = 0; i < p->interfaces.len; i++)
        map_add(d->arena, &listed, p->interfaces.data[i].name, i);
    for (u32 i = 0; i < places.len; i++)
        if (map_get(&listed, places.entries[i].key) == MAP_NONE)
            *vec_push(d->arena, &p->interfaces) =
                (struct wit_named_type){places.entries[i].key, places.entries[i].value};
}

static const struct wasm_custom *find_custom(const struct wasm_component *c, str name)
{
    for (u32 i = 0; i < c->customs.len; i++)
        if (str_eq(c->customs.data[i].name, name))
            return &c->customs.data[i];
    return NULL;
}

static bool decode_package(struct decoder *d, const struct wasm_component *c, u32 *package)
{
    struct dec_surface s;
    if (!wit_eval_component(&d->eval, c, &s))
        return false;
    *package = WIT_NONE;
    for (u32 i = 0; i < s.exports.len; i++) {
        const struct dec_named *x = &s.exports.data[i];
        struct dec_surface inner;
        struct item_id id;
        u32 world;
        if (!exported_type(d, x, &inner))
            return false;
        bool is_world = inner.exports.len == 1 && inner.exports.data[0].what.sort == SORT_COMPONENT;
        if (!only_export(d, x, &inner, is_world ? SORT_COMPONENT : SORT_INSTANCE, &id))
            return false;
        if (!str_eq(id.item, x->name.name))
            return fail(d, x->at, "`" STRF "` is exported under the other name `" STRF "`",
                        STRA(id.item), STRA(x->name.name));
        u32 own = package_named(d, &id.package);
        if (*package != WIT_NONE && own != *package)
            return fail(d, x->at, "the items of this package are of two packages");
        *package = own;
        if (is_world ? !decode_world_type(d, x, &inner, &id, &world)
                     : !decode_interface(d, &inner, &id))
            return false;
    }
    order_interfaces(d, *package, &s.exports);
    const struct wasm_custom *docs = find_custom(c, STR(WIT_DOCS_SECTION));
    return !docs || wit_decode_docs(d->r, *package, docs->bytes, docs->at);
}

/* ---- Whole binaries ----------------------------------------------------------------------------------- */

static void decoder_init(struct decoder *d, struct wit_resolve *r, u32 source, u64 size)
{
    *d = (struct decoder){.arena = r->arena, .diags = r->diags};
    d->r = arena_new(r->arena, struct wit_resolve);
    wit_resolve_init(d->r, r->arena, r->diags);
    wit_eval_init(&d->eval, r, source, size);
}

/* Merges what was decoded into the caller's graph and finds the package and world there. */
static bool deliver(struct decoder *d, struct wit_resolve *r, u32 *package, u32 *world)
{
    struct wit_remap map;
    if (!wit_decoded_is_wit(d->r, d->arena, d->diags))
        return false;
    u32 n = d->r->packages.len, *roots = arena_array(d->arena, u32, n), count = 0;
    bool *listed = arena_array(d->arena, bool, n);
    for (u32 i = 0; i < d->foreign.len + n; i++) { /* the main package comes last */
        u32 p = i < d->foreign.len ? d->foreign.data[i] : i - d->foreign.len;
        if (!listed[p])
            roots[count++] = p;
        listed[p] = true;
    }
    if (!wit_merge_graph(r, d->r, roots, &map))
        return false;
    if (*package != WIT_NONE)
        *package = map.packages[*package];
    if (*world != WIT_NONE)
        *world = map.worlds[*world];
    return true;
}

/* The decoder trusts names, indices and types to be valid. Function bodies say nothing of WIT: they are left alone. */
static bool valid(struct wit_resolve *r, const struct wasm_component *c)
{
    struct validate_types *t = validate_types_new(r->arena);
    validate_id type;
    validate_leave_bodies(t);
    return validate_component(t, c, features_all(), &type, r->diags);
}

static bool decode_component(struct wit_resolve *r, const struct wasm_component *c, u32 *package,
                             u32 *world)
{
    struct decoder d;
    decoder_init(&d, r, c->source, c->bytes.len);
    *world = WIT_NONE;
    if (!valid(r, c))
        return false;
    if (is_wit_package(c))
        return decode_package(&d, c, package) && deliver(&d, r, package, world);
    struct dec_surface s;
    d.is_component = true;
    struct wit_package_name name = {.ns = STR("root"), .name = STR("component")};
    *package = package_named(&d, &name);
    *world = add_world(&d, STR("root"), *package, (span){0});
    return wit_eval_component(&d.eval, c, &s) && fill_world(&d, *world, &s) &&
           deliver(&d, r, package, world);
}

static bool section_encoding(struct decoder *d, const struct wasm_component *c, span at,
                             enum cm_encoding *encoding)
{
    const struct wasm_custom *x = find_custom(c, STR(WIT_ENCODING_SECTION));
    if (!x)
        return fail(d, at, "the section lacks `" WIT_ENCODING_SECTION "`: not a WIT world");
    if (x->bytes.len != 2 || (u8)x->bytes.ptr[1] > ENCODING_LATIN1_UTF16)
        return fail(d, at, "ill-formed `" WIT_ENCODING_SECTION "`");
    if ((u8)x->bytes.ptr[0] != WIT_ENCODING_FORMAT) {
        diag_unsupported(d->diags, at, "format %d of `" WIT_COMPONENT_SECTION "` sections",
                         (u8)x->bytes.ptr[0]);
        return false;
    }
    *encoding = (enum cm_encoding)(u8)x->bytes.ptr[1];
    return true;
}

bool wit_decode_world(struct wit_resolve *r, u32 source, str section, u32 base, u32 *world,
                      enum cm_encoding *encoding)
{
    struct wasm_component *c;
    struct decoder d;
    struct dec_surface s, inner;
    struct item_id id;
    span at = {source, base, base + (u32)section.len};
    decoder_init(&d, r, source, section.len);
    if (!wasm_read_component(r->arena, source, section, base, features_all(), &c, r->diags) ||
        !valid(r, c) || !section_encoding(&d, c, at, encoding) ||
        !wit_eval_component(&d.eval, c, &s))
        return false;
    if (s.exports.len != 1)
        return fail(&d, at, "a `" WIT_COMPONENT_SECTION "` section must export one world");
    const struct dec_named *x = &s.exports.data[0];
    u32 package = WIT_NONE;
    return exported_type(&d, x, &inner) && only_export(&d, x, &inner, SORT_COMPONENT, &id) &&
           decode_world_type(&d, x, &inner, &id, world) && deliver(&d, r, &package, world);
}

u32 wit_add_root_world(struct wit_resolve *r)
{
    struct wit_package_name name = {.ns = STR("root"), .name = STR("root")};
    u32 package = wit_find_package(r, &name);
    if (package == WIT_NONE) {
        package = r->packages.len;
        vec_push(r->arena, &r->packages)->name = name;
    }
    u32 world = r->worlds.len;
    *vec_push(r->arena, &r->worlds) = (struct wit_world){.name = STR("root"), .package = package};
    *vec_push(r->arena, &r->packages.data[package].worlds) =
        (struct wit_named_type){STR("root"), world};
    return world;
}

static bool decode_module(struct wit_resolve *r, const struct wasm_module *m, u32 *package,
                          u32 *world)
{
    *world = WIT_NONE;
    for (u32 i = 0; i < m->customs.len; i++) {
        const struct wasm_custom *x = &m->customs.data[i];
        enum cm_encoding encoding;
        u32 each;
        if (!str_starts(x->name, STR(WIT_COMPONENT_SECTION)))
            continue;
        if (*world == WIT_NONE)
            *world = wit_add_root_world(r);
        u32 base = m->base + (u32)(x->bytes.ptr - m->bytes.ptr);
        if (!wit_decode_world(r, m->source, x->bytes, base, &each, &encoding))
            return false;
        if (!wit_merge_worlds(r, each, *world))
            return false;
    }
    if (*world == WIT_NONE) {
        span at = {m->source, m->base, m->base};
        struct diag *x = diag_error(r->diags, "wit-decode", at,
                                    "this core module has no `" WIT_COMPONENT_SECTION
                                    "` section, so it says nothing of WIT");
        diag_help(r->diags, x, "`witc embed -w WORLD WIT MODULE` adds one");
        return false;
    }
    *package = r->worlds.data[*world].package;
    return true;
}

bool wit_decode(struct wit_resolve *r, const struct wasm_binary *binary, u32 *package, u32 *world)
{
    return binary->layer == LAYER_COMPONENT ? decode_component(r, binary->component, package, world)
                                            : decode_module(r, binary->module, package, world);
}
