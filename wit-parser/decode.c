/* decode.c - binary to WIT: packages, worlds of `component-type` sections, components, core modules.
 *
 * Everything is decoded into a graph of its own, which then is merged into the caller's: what is there already
 * is compared, packages come after those they use.
 */
#include "decoder.h"
#include "encode.h"
#include "validate.h"

/* ---- Names --------------------------------------------------------------------------------------- */

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
    bool ok = wit_decode_is_label(out->package.ns) && wit_decode_is_label(out->package.name) &&
              wit_decode_is_label(out->item);
    if (ok && version.ptr)
        ok = wit_version_parse(version, &out->package.version);
    if (!ok &&
        (str_find_char(rest, ':', 0) != SIZE_MAX || str_find_char(out->item, '/', 0) != SIZE_MAX)) {
        diag_unsupported(d->diags, at, "the nested name `" STRF "` in WIT", STRA(text));
        return false;
    }
    return ok || wit_decode_fail(d, at, "`" STRF "` is not the name of an interface or world",
                                 STRA(text));
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

/* ---- Interfaces ------------------------------------------------------------------------------------ */

/* An interface gets an item; those of other packages come in parts, one for each that uses something of them. */
static bool claim(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct iface_names *names = &d->names.data[interface];
    if (names->complete)
        return wit_decode_fail(d, x->at, "the definition of interface `" STRF "` has no `" STRF "`",
                               STRA(wit_interface_id(d->r, d->arena, interface)),
                               STRA(x->name.name));
    return true;
}

static bool differs(struct decoder *d, u32 interface, const char *what, const struct dec_named *x)
{
    return wit_decode_fail(
        d, x->at, "the %s `" STRF "` of interface `" STRF "` is defined in two different ways",
        what, STRA(x->name.name), STRA(wit_interface_id(d->r, d->arena, interface)));
}

static bool interface_type(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct map *types = &d->names.data[interface].types;
    u32 type = map_get(types, x->name.name);
    if (type != MAP_NONE) /* seen before, perhaps by another road */
        return wit_decode_same_type(d, type, x->what.type) || differs(d, interface, "type", x);
    struct wit_owner owner = {WIT_OWNER_INTERFACE, interface};
    if (!claim(d, interface, x) || !wit_decode_type(d, x, owner, &type))
        return false;
    map_put(d->arena, types, x->name.name, type);
    *vec_push(d->arena, &d->r->interfaces.data[interface].types) =
        (struct wit_named_type){x->name.name, type};
    return true;
}

static bool interface_func(struct decoder *d, u32 interface, const struct dec_named *x)
{
    struct iface_names *names = &d->names.data[interface];
    struct wit_interface *iface = &d->r->interfaces.data[interface];
    struct wit_func f;
    u32 known = map_get(&names->funcs, x->name.name);
    if (known != MAP_NONE)
        return wit_decode_same_func(d, &iface->funcs.data[known], x->what.type) ||
               differs(d, interface, "function", x);
    if (!claim(d, interface, x) || !wit_decode_func(d, x, &names->types, &f))
        return false;
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
            return wit_decode_fail(d, x->at,
                                   "the instance exports `" STRF "`, which WIT cannot say",
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
    if (!wit_decode_label(d, x->name.name, x->at))
        return false;
    if (x->name.implements.ptr)
        return interface_by_id(d, x->name.implements, x->name.version_suffix, x, &item->interface);
    item->interface = add_interface(d, (str){0}, d->r->worlds.data[world].package, x->at);
    return fill_interface(d, item->interface, x->what.instance);
}

/* Worlds import their resources; what exports one without an interface is no component of such a world. */
static bool own_resource(struct decoder *d, const struct dec_named *x)
{
    return wit_decode_fail(d, x->at,
                           "`" STRF "` is exported %s a resource that is in no interface, which "
                           "WIT cannot say",
                           STRA(x->name.name), x->what.sort == SORT_TYPE ? "as" : "with");
}

static bool world_item(struct decoder *d, u32 world, const struct dec_named *x, bool import)
{
    struct wit_world_item item = {.has_key_name = true,
                                  .name = x->name.name,
                                  .external_id = x->name.external_id,
                                  .at = x->at};
    if (!map_put(d->arena, import ? &d->world_imports : &d->world_exports, x->name.name, 0))
        return wit_decode_fail(d, x->at, "`" STRF "` is there twice", STRA(x->name.name));
    switch (x->what.sort) {
    case SORT_INSTANCE:
        if (!world_instance(d, world, x, &item))
            return false;
        break;
    case SORT_FUNC:
        item.kind = WIT_ITEM_FUNC;
        if (!wit_decode_func(d, x, &d->world_types, &item.func))
            return false;
        if (!import && item.func.kind != WIT_FREE)
            return own_resource(d, x);
        break;
    case SORT_TYPE:
        item.kind = WIT_ITEM_TYPE;
        if (!import && wit_decode_is_new_resource(x->what.type))
            return own_resource(d, x);
        import = true; /* a world has its types on one side only */
        if (!wit_decode_type(d, x, (struct wit_owner){WIT_OWNER_WORLD, world}, &item.type))
            return false;
        if (!map_put(d->arena, &d->world_types, x->name.name, item.type))
            return wit_decode_fail(d, x->at, "`" STRF "` is there twice", STRA(x->name.name));
        break;
    default:
        if (!d->is_component)
            return wit_decode_fail(d, x->at, "`" STRF "` is of a sort that a WIT world cannot have",
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
        return wit_decode_fail(d, x->at, "`" STRF "` is not the type of an interface or world",
                               STRA(x->name.name));
    struct dec_component c = {.type = t->def, .parent = t->scope};
    return wit_eval_component_type(&d->eval, &c, out);
}

/* The one export of the component type that stands for an interface or world, and its name. */
static bool only_export(struct decoder *d, const struct dec_named *x, const struct dec_surface *s,
                        enum cm_sort sort, struct item_id *id)
{
    if (s->exports.len != 1 || s->exports.data[0].what.sort != sort)
        return wit_decode_fail(d, x->at, "`" STRF "` is not encoded as an interface or world",
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
            return wit_decode_fail(d, x->at,
                                   "an interface imports `" STRF "`, which is not an interface",
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
        return wit_decode_fail(d, x->at,
                               "interface `" STRF "` is used with more than its definition has",
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

static bool decode_docs(struct decoder *d, const struct wasm_component *c, u32 package)
{
    const struct wasm_custom *docs = NULL;
    for (u32 i = 0; i < c->customs.len; i++) {
        const struct wasm_custom *x = &c->customs.data[i];
        if (!str_eq(x->name, STR(WIT_DOCS_SECTION)))
            continue;
        if (docs)
            return wit_decode_fail(d, x->at, "there are several sections `" WIT_DOCS_SECTION "`");
        docs = x;
    }
    return !docs || wit_decode_docs(d->r, package, docs->bytes, docs->at);
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
            return wit_decode_fail(d, x->at,
                                   "`" STRF "` is exported under the other name `" STRF "`",
                                   STRA(id.item), STRA(x->name.name));
        u32 own = package_named(d, &id.package);
        if (*package != WIT_NONE && own != *package)
            return wit_decode_fail(d, x->at, "the items of this package are of two packages");
        *package = own;
        if (is_world ? !decode_world_type(d, x, &inner, &id, &world)
                     : !decode_interface(d, &inner, &id))
            return false;
    }
    order_interfaces(d, *package, &s.exports);
    return decode_docs(d, c, *package);
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
           decode_docs(&d, c, *package) && deliver(&d, r, package, world);
}

static bool section_encoding(struct decoder *d, const struct wasm_component *c, span at,
                             enum cm_encoding *encoding)
{
    const struct wasm_custom *x = find_custom(c, STR(WIT_ENCODING_SECTION));
    if (!x)
        return wit_decode_fail(d, at,
                               "the section lacks `" WIT_ENCODING_SECTION "`: not a WIT world");
    if (x->bytes.len != 2 || (u8)x->bytes.ptr[1] > ENCODING_LATIN1_UTF16)
        return wit_decode_fail(d, at, "ill-formed `" WIT_ENCODING_SECTION "`");
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
        return wit_decode_fail(&d, at,
                               "a `" WIT_COMPONENT_SECTION "` section must export one world");
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
