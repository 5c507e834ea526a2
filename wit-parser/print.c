/* print.c - a package of the graph as WIT text. */
#include "ast.h"
#include "index.h"

struct printer {
    struct buf *out;
    const struct wit_resolve *r;
    const struct wit_print_options *how;
    u32 package; /* paths are relative to it */
    u32 indent;
    bool line_start;
    bool any_items; /* of the block so far: a blank line comes first */
    struct arena *scratch;
};

static void print_interface(struct printer *p, u32 interface);

/* ---- Lines ---------------------------------------------------------------------------------------------- */

static void text(struct printer *p, str s)
{
    if (p->line_start) {
        buf_fill(p->out, ' ', (size_t)p->indent * 2);
        p->line_start = false;
    }
    buf_str(p->out, s);
}

static void word(struct printer *p, const char *s)
{
    text(p, str_c(s));
}

static void newline(struct printer *p)
{
    buf_byte(p->out, '\n');
    p->line_start = true;
}

static void open(struct printer *p)
{
    word(p, " {");
    p->indent++;
    newline(p);
}

static void close(struct printer *p)
{
    p->indent--;
    word(p, "}");
    newline(p);
}

static void end(struct printer *p)
{
    word(p, ";");
    newline(p);
}

static void new_item(struct printer *p)
{
    if (p->any_items) {
        newline(p);
    }
    p->any_items = true;
}

static void name(struct printer *p, str s)
{
    if (wit_is_reserved(s)) {
        word(p, "%");
    }
    text(p, s);
}

/* ---- Docs and gates ---------------------------------------------------------------------------------------- */

static void print_docs(struct printer *p, str docs)
{
    while (!p->how->no_docs && docs.ptr) {
        str line;
        docs = str_cut(docs, '\n', &line);
        if (!docs.ptr && !line.len) {
            break;
        }
        line = str_trim_end(line); /* as in a line comment */
        word(p, "///");
        if (line.len) {
            word(p, " ");
            text(p, line);
        }
        newline(p);
    }
}

static void print_version_gate(struct printer *p, const char *gate, str version)
{
    word(p, gate);
    word(p, "(version = ");
    text(p, version);
    word(p, ")");
    newline(p);
}

static void print_stability(struct printer *p, const struct wit_stability *s)
{
    if (s->kind == WIT_STABLE) {
        print_version_gate(p, "@since", s->since.text);
    } else if (s->kind == WIT_UNSTABLE) {
        word(p, "@unstable(feature = ");
        text(p, s->feature);
        word(p, ")");
        newline(p);
    }
    if (s->kind != WIT_STABILITY_UNKNOWN && s->deprecated.text.len) {
        print_version_gate(p, "@deprecated", s->deprecated.text);
    }
}

static bool is_plain(u32 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && c < 0x80 && strchr("-_./: ", (int)c));
}

static void print_external_id(struct printer *p, str id)
{
    if (!id.ptr) {
        return;
    }
    word(p, "@external-id(\"");
    for (size_t i = 0; i < id.len;) {
        char bytes[4];
        u32 c = utf8_next(id, &i);
        if (is_plain(c)) {
            text(p, str_of(bytes, utf8_encode(c, bytes)));
        } else if (c == '\\' || c == '"') {
            word(p, c == '"' ? "\\\"" : "\\\\");
        } else if (c == '\n' || c == '\r' || c == '\t') {
            word(p, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else {
            buf_printf(p->out, "\\u{%x}", c);
        }
    }
    word(p, "\")");
    newline(p);
}

/* ---- Types ---------------------------------------------------------------------------------------------------- */

static void print_type(struct printer *p, struct wit_type t, u32 depth);

static void print_parts(struct printer *p, const char *head, const struct wit_typedef *t, u32 depth)
{
    word(p, head);
    if (t->kind == WIT_TUPLE) {
        word(p, "<");
        for (u32 i = 0; i < t->field_count; i++) {
            word(p, i ? ", " : "");
            print_type(p, t->fields[i].type, depth);
        }
        word(p, ">");
        return;
    }
    bool first = wit_type_present(t->first), second = wit_type_present(t->second);
    if (!first && !second) {
        return;
    }
    word(p, "<");
    if (first) {
        print_type(p, t->first, depth);
    } else {
        word(p, "_");
    }
    if (second) {
        word(p, ", ");
        print_type(p, t->second, depth);
    } else if (t->kind == WIT_FIXED_LIST) {
        buf_printf(p->out, ", %llu", (unsigned long long)t->length);
    }
    word(p, ">");
}

/* The definition of a type that has no name of its own. */
static void print_structure(struct printer *p, const struct wit_typedef *t, bool own, u32 depth)
{
    static const char *const heads[] = {
        [WIT_OWN] = "own",       [WIT_BORROW] = "borrow",   [WIT_TUPLE] = "tuple",
        [WIT_OPTION] = "option", [WIT_RESULT] = "result",   [WIT_LIST] = "list",
        [WIT_MAP] = "map",       [WIT_FIXED_LIST] = "list", [WIT_FUTURE] = "future",
        [WIT_STREAM] = "stream",
    };
    if (t->kind == WIT_ALIAS || (t->kind == WIT_OWN && !own)) {
        print_type(p, t->first, depth);
    } else if (t->kind < LENGTH_OF(heads) && heads[t->kind]) {
        print_parts(p, heads[t->kind], t, depth);
    }
}

static void print_type(struct printer *p, struct wit_type t, u32 depth)
{
    if (t.kind != WIT_ID) {
        word(p, wit_prim_name(t.kind));
    } else if (t.id != WIT_NONE && p->r->types.data[t.id].name.len) {
        name(p, p->r->types.data[t.id].name);
    } else if (t.id != WIT_NONE && depth < 1000) {
        print_structure(p, &p->r->types.data[t.id], false, depth + 1);
    }
}

static void print_fields(struct printer *p, const char *keyword, const struct wit_typedef *t)
{
    word(p, keyword);
    word(p, " ");
    name(p, t->name);
    open(p);
    for (u32 i = 0; i < t->field_count; i++) {
        const struct wit_field *f = &t->fields[i];
        print_docs(p, f->docs);
        name(p, f->name);
        if (wit_type_present(f->type)) {
            word(p, t->kind == WIT_RECORD ? ": " : "(");
            print_type(p, f->type, 0);
            word(p, t->kind == WIT_RECORD ? "" : ")");
        }
        word(p, ",");
        newline(p);
    }
    close(p);
}

static void print_typedef(struct printer *p, const struct wit_typedef *t)
{
    switch (t->kind) {
    case WIT_RECORD: print_fields(p, "record", t); return;
    case WIT_FLAGS: print_fields(p, "flags", t); return;
    case WIT_VARIANT: print_fields(p, "variant", t); return;
    case WIT_ENUM: print_fields(p, "enum", t); return;
    default: break;
    }
    word(p, "type ");
    name(p, t->name);
    word(p, " = ");
    print_structure(p, t, true, 0);
    end(p);
}

/* ---- Functions --------------------------------------------------------------------------------------------------- */

/* "[method][get]r.p" is written `p`. */
static str item_name(const struct wit_func *f)
{
    size_t from = str_rfind_char(f->name, ']');
    str s = from == SIZE_MAX ? f->name : str_sub(f->name, from + 1, f->name.len);
    size_t dot = f->kind == WIT_FREE ? SIZE_MAX : str_find_char(s, '.', 0);
    return dot == SIZE_MAX ? s : str_sub(s, dot + 1, s.len);
}

/* `constructor(...)` without a written result gives the resource. */
static bool is_plain_constructor(const struct printer *p, const struct wit_func *f)
{
    if (f->kind != WIT_CONSTRUCTOR || f->result.kind != WIT_ID || f->result.id == WIT_NONE) {
        return false;
    }
    const struct wit_typedef *t = &p->r->types.data[f->result.id];
    return f->result.id == f->resource || (t->kind == WIT_OWN && t->first.id == f->resource);
}

static void print_signature(struct printer *p, const struct wit_func *f)
{
    word(p, f->is_async ? "async " : "");
    word(p, f->kind == WIT_CONSTRUCTOR  ? "constructor("
            : f->accessor == WIT_GETTER ? "get("
            : f->accessor == WIT_SETTER ? "set("
                                        : "func(");
    u32 first = f->kind == WIT_METHOD && f->param_count;
    for (u32 i = first; i < f->param_count; i++) {
        word(p, i > first ? ", " : "");
        name(p, f->params[i].name);
        word(p, ": ");
        print_type(p, f->params[i].type, 0);
    }
    word(p, ")");
    if (wit_type_present(f->result) && !is_plain_constructor(p, f)) {
        word(p, " -> ");
        print_type(p, f->result, 0);
    }
}

static void print_function(struct printer *p, const struct wit_func *f)
{
    print_signature(p, f);
    end(p);
}

static void print_func_head(struct printer *p, const struct wit_func *f)
{
    print_docs(p, f->docs);
    print_stability(p, &f->stability);
    print_external_id(p, f->external_id);
}

/* Functions of an interface or a world, apart by what they belong to. */
struct functions {
    const struct wit_func **list;
    u32 count;
    u32 *next;              /* of the same resource + 1 */
    struct map first, last; /* resource, into list */
};

static str type_key(struct printer *p, u32 type)
{
    return str_dup(p->scratch, str_of((const char *)&type, sizeof type));
}

static void add_function(struct printer *p, struct functions *fs, const struct wit_func *f)
{
    u32 i = fs->count++;
    fs->list[i] = f;
    if (f->kind != WIT_FREE) {
        str key = type_key(p, f->resource);
        u32 last = map_get(&fs->last, key);
        if (last == MAP_NONE) {
            map_put(p->scratch, &fs->first, key, i);
        } else {
            fs->next[last] = i + 1;
        }
        map_put(p->scratch, &fs->last, key, i);
    }
}

static void print_resource(struct printer *p, u32 type, const struct functions *fs)
{
    word(p, "resource ");
    name(p, p->r->types.data[type].name);
    u32 i = map_get(&fs->first, type_key(p, type));
    if (i == MAP_NONE) {
        end(p);
        return;
    }
    open(p);
    for (u32 at = i + 1; at; at = fs->next[at - 1]) {
        const struct wit_func *f = fs->list[at - 1];
        print_func_head(p, f);
        if (f->kind != WIT_CONSTRUCTOR) {
            name(p, item_name(f));
            word(p, f->kind == WIT_STATIC ? ": static " : ": ");
        }
        print_function(p, f);
    }
    close(p);
}

/* ---- Interfaces ----------------------------------------------------------------------------------------------------- */

static void print_path(struct printer *p, u32 interface)
{
    const struct wit_interface *it = &p->r->interfaces.data[interface];
    if (it->package == p->package || it->package == WIT_NONE) {
        name(p, it->name);
        return;
    }
    const struct wit_package_name *n = &p->r->packages.data[it->package].name;
    name(p, n->ns);
    word(p, ":");
    name(p, n->name);
    word(p, "/");
    name(p, it->name);
    if (n->version.text.len) {
        word(p, "@");
        text(p, n->version.text);
    }
}

/* Is the type brought in by `use`? */
static u32 used_from(const struct printer *p, struct wit_owner owner, const struct wit_typedef *t)
{
    if (t->kind != WIT_ALIAS || t->first.kind != WIT_ID) {
        return WIT_NONE;
    }
    struct wit_owner o = p->r->types.data[t->first.id].owner;
    bool other = o.kind == WIT_OWNER_INTERFACE && (o.kind != owner.kind || o.index != owner.index);
    return other ? o.index : WIT_NONE;
}

static void print_use_name(struct printer *p, const struct wit_named_type *t)
{
    str other = p->r->types.data[p->r->types.data[t->type].first.id].name;
    name(p, other);
    if (!str_eq(other, t->name)) {
        word(p, " as ");
        name(p, t->name);
    }
}

static void print_uses(struct printer *p, struct wit_owner owner,
                       const struct wit_named_type *types, u32 n)
{
    const struct wit_typedef *prior = NULL;
    u32 prior_from = WIT_NONE;
    for (u32 i = 0; i < n; i++) {
        const struct wit_typedef *t = &p->r->types.data[types[i].type];
        u32 from = used_from(p, owner, t);
        if (from == WIT_NONE) {
            continue;
        }
        p->any_items = true;
        if (prior && from == prior_from && wit_same_stability(&t->stability, &prior->stability) &&
            (t->external_id.ptr != NULL) == (prior->external_id.ptr != NULL) &&
            str_eq(t->external_id, prior->external_id)) {
            word(p, ", ");
            print_use_name(p, &types[i]);
            continue;
        }
        if (prior) {
            word(p, "}");
            end(p);
        }
        print_stability(p, &t->stability);
        print_external_id(p, t->external_id);
        word(p, "use ");
        print_path(p, from);
        word(p, ".{");
        print_use_name(p, &types[i]);
        prior = t;
        prior_from = from;
    }
    if (prior) {
        word(p, "}");
        end(p);
    }
}

static void print_types(struct printer *p, struct wit_owner owner,
                        const struct wit_named_type *types, u32 n, const struct functions *fs)
{
    print_uses(p, owner, types, n);
    for (u32 i = 0; i < n; i++) {
        const struct wit_typedef *t = &p->r->types.data[types[i].type];
        if (used_from(p, owner, t) != WIT_NONE) {
            continue;
        }
        new_item(p);
        print_docs(p, t->docs);
        print_stability(p, &t->stability);
        print_external_id(p, t->external_id);
        if (t->kind == WIT_RESOURCE) {
            print_resource(p, types[i].type, fs);
        } else {
            print_typedef(p, t);
        }
    }
}

static struct functions functions_for(struct printer *p, u32 n)
{
    return (struct functions){.list = arena_alloc_array(p->scratch, n, sizeof(struct wit_func *)),
                              .next = arena_array(p->scratch, u32, n)};
}

static void print_interface(struct printer *p, u32 interface)
{
    const struct wit_interface *it = &p->r->interfaces.data[interface];
    struct functions fs = functions_for(p, it->funcs.len);
    bool outer = p->any_items;
    p->any_items = false;
    for (u32 i = 0; i < it->funcs.len; i++) {
        add_function(p, &fs, &it->funcs.data[i]);
    }
    print_types(p, (struct wit_owner){WIT_OWNER_INTERFACE, interface}, it->types.data,
                it->types.len, &fs);
    for (u32 i = 0; i < it->funcs.len; i++) {
        const struct wit_func *f = &it->funcs.data[i];
        if (f->kind == WIT_FREE) {
            new_item(p);
            print_func_head(p, f);
            name(p, item_name(f));
            word(p, ": ");
            print_function(p, f);
        }
    }
    p->any_items = outer;
}

/* ---- Worlds ----------------------------------------------------------------------------------------------------------- */

static void print_world_item(struct printer *p, const struct wit_world_item *item, const char *verb)
{
    bool func = item->kind == WIT_ITEM_FUNC;
    const struct wit_interface *it = func ? NULL : &p->r->interfaces.data[item->interface];
    print_docs(p, func                                    ? item->func.docs
                  : item->docs.ptr || !item->has_key_name ? item->docs
                                                          : it->docs);
    print_stability(p, func ? &item->func.stability : &item->stability);
    print_external_id(p, func ? item->func.external_id : item->external_id);
    word(p, verb);
    word(p, " ");
    if (func) {
        name(p, item_name(&item->func));
        word(p, ": ");
        print_function(p, &item->func);
        return;
    }
    if (item->has_key_name) {
        name(p, item->name);
        word(p, ": ");
        if (!it->name.len) {
            word(p, "interface");
            open(p);
            print_interface(p, item->interface);
            close(p);
            return;
        }
    }
    print_path(p, item->interface);
    end(p);
}

static void print_world(struct printer *p, u32 world)
{
    const struct wit_world *w = &p->r->worlds.data[world];
    VEC(struct wit_named_type) types = {0};
    struct functions fs = functions_for(p, w->imports.len);
    bool outer = p->any_items;
    p->any_items = false;
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_TYPE) {
            *vec_push(p->scratch, &types) = (struct wit_named_type){item->name, item->type};
        } else if (item->kind == WIT_ITEM_FUNC) {
            add_function(p, &fs, &item->func);
        } else {
            print_world_item(p, item, "import");
            p->any_items = true;
        }
    }
    print_types(p, (struct wit_owner){WIT_OWNER_WORLD, world}, types.data, types.len, &fs);
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_FUNC && item->func.kind == WIT_FREE) {
            print_world_item(p, item, "import");
            p->any_items = true;
        }
    }
    if (w->exports.len) {
        new_item(p);
    }
    for (u32 i = 0; i < w->exports.len; i++) {
        if (w->exports.data[i].kind != WIT_ITEM_TYPE) {
            print_world_item(p, &w->exports.data[i], "export");
        }
    }
    p->any_items = outer;
}

/* ---- Packages ----------------------------------------------------------------------------------------------------------- */

static void print_one(struct printer *p, u32 package, bool nested)
{
    const struct wit_package *pkg = &p->r->packages.data[package];
    p->package = package;
    print_docs(p, pkg->docs);
    word(p, "package ");
    name(p, pkg->name.ns);
    word(p, ":");
    name(p, pkg->name.name);
    if (pkg->name.version.text.len) {
        word(p, "@");
        text(p, pkg->name.version.text);
    }
    if (nested) {
        open(p);
    } else {
        end(p);
        newline(p);
    }
    for (u32 i = 0; i < pkg->interfaces.len; i++) {
        const struct wit_interface *it = &p->r->interfaces.data[pkg->interfaces.data[i].type];
        print_docs(p, it->docs);
        print_stability(p, &it->stability);
        word(p, "interface ");
        name(p, pkg->interfaces.data[i].name);
        open(p);
        print_interface(p, pkg->interfaces.data[i].type);
        close(p);
        if (!nested) {
            newline(p);
        }
    }
    for (u32 i = 0; i < pkg->worlds.len; i++) {
        const struct wit_world *w = &p->r->worlds.data[pkg->worlds.data[i].type];
        print_docs(p, w->docs);
        print_stability(p, &w->stability);
        word(p, "world ");
        name(p, pkg->worlds.data[i].name);
        open(p);
        print_world(p, pkg->worlds.data[i].type);
        close(p);
    }
    if (nested) {
        close(p);
    }
}

void wit_print_package(struct buf *out, const struct wit_resolve *r, u32 package,
                       const struct wit_print_options *options)
{
    struct wit_print_options how = options ? *options : (struct wit_print_options){0};
    struct printer p = {.out = out, .r = r, .how = &how, .line_start = true, .scratch = out->arena};
    print_one(&p, package, false);
    bool first = true;
    for (u32 i = 0; how.nested && i < r->packages.len; i++) {
        if (i != package) {
            if (!first) {
                newline(&p);
                newline(&p);
            }
            print_one(&p, i, true);
            first = false;
        }
    }
}

/* ---- Parts for others ---------------------------------------------------------------------------------------- */

void wit_print_signature(struct buf *out, const struct wit_resolve *r, const struct wit_func *f)
{
    struct wit_print_options how = {0};
    struct printer p = {.out = out, .r = r, .how = &how, .package = WIT_NONE};
    print_signature(&p, f);
}

void wit_print_type(struct buf *out, const struct wit_resolve *r, struct wit_type t)
{
    struct wit_print_options how = {0};
    struct printer p = {.out = out, .r = r, .how = &how, .package = WIT_NONE};
    print_type(&p, t, 0);
}
