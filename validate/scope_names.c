/* scope_names.c - the rules on names of imports and exports, and on their attributes. */
#include "scope.h"

/* ---- Labels ----------------------------------------------------------------------------------------- */

bool validate_cm_labels(struct validate_cm *v, struct validate_scope *s,
                        const struct cm_label *labels, u32 n, const char *what)
{
    struct arena_temp scratch;
    struct map keys = {0};
    bool fine = true;
    arena_temp_begin(&scratch);
    for (u32 i = 0; fine && i < n; i++) {
        if (!validate_is_label(labels[i].name)) {
            fine = validate_cm_bad(v, s, "%s name `" STRF "` is not in kebab case", what,
                                   STRA(labels[i].name));
            break;
        }
        u32 first =
            map_add(&scratch.arena, &keys, validate_unique_key(&scratch.arena, labels[i].name), i);
        if (first != MAP_NONE)
            fine = validate_cm_bad(v, s,
                                   "%s name `" STRF "` conflicts with previous %s name `" STRF "`",
                                   what, STRA(labels[i].name), what, STRA(labels[first].name));
    }
    arena_temp_end(&scratch);
    return fine;
}

/* ---- Attributes --------------------------------------------------------------------------------------- */

static bool check_implements(struct validate_cm *v, struct validate_scope *s,
                             const struct cm_name *name, const struct validate_name *parsed,
                             struct validate_entity e)
{
    const char *reason;
    if (!validate_cm_need(v, s, FEATURE_CM_IMPLEMENTS, "`implements` attributes"))
        return false;
    if (!validate_parse_interface(name->implements, v->features, &reason).kind)
        return validate_cm_bad(v, s, "`" STRF "` is not a valid interface name: %s",
                               STRA(name->implements), reason);
    if (e.sort != SORT_INSTANCE)
        return validate_cm_bad(
            v, s, "only instances may have an `implements` attribute, `" STRF "` is none",
            STRA(name->name));
    if (parsed->kind == NAME_INTERFACE)
        return validate_cm_bad(v, s,
                               "`implements` needs a plain name, `" STRF "` is an interface name",
                               STRA(name->name));
    return true;
}

static bool check_suffix(struct validate_cm *v, struct validate_scope *s,
                         const struct cm_name *name, const struct validate_name *parsed,
                         struct validate_entity e)
{
    const char *reason;
    if (!validate_cm_need(v, s, FEATURE_CM_CANON_NAMES, "`version-suffix` attributes"))
        return false;
    struct validate_name of = *parsed;
    if (name->implements.ptr)
        of = validate_parse_interface(name->implements, v->features, &reason);
    if (of.kind != NAME_INTERFACE || e.sort != SORT_INSTANCE)
        return validate_cm_bad(v, s,
                               "only instances with an interface name may have a "
                               "`version-suffix`");
    if (name->version_suffix.len == 0)
        return validate_cm_bad(v, s, "`version-suffix` is empty");
    /* Base and suffix must be what the split of a version gives. */
    str whole = str_concat(s->arena, of.version, name->version_suffix);
    struct validate_semver version;
    if (!of.version.ptr || !validate_parse_semver(whole, &version))
        return validate_cm_bad(v, s,
                               "`" STRF "` is no valid semver: `version-suffix` must complete "
                               "the version of the name",
                               STRA(whole));
    size_t plus = str_find_char(whole, '+', 0);
    str bare = str_sub(whole, 0, plus == SIZE_MAX ? whole.len : plus);
    bool canonical =
        version.pre.len ? str_eq(of.version, bare) : validate_is_canonical_version(of.version);
    if (!canonical && version.pre.len)
        return validate_cm_bad(v, s,
                               "`" STRF "` is a pre-release: the name has all of its version but "
                               "what follows a `+`",
                               STRA(whole));
    if (!canonical)
        return validate_cm_bad(v, s,
                               "`" STRF "` is not a canonical version, so that a "
                               "`version-suffix` cannot follow",
                               STRA(of.version));
    return true;
}

/* ---- Annotated names ------------------------------------------------------------------------------------- */

/* The resource of `[method]r.l` and friends must have been named before, on the same side. */
static bool find_resource(struct validate_cm *v, struct validate_scope *s,
                          struct validate_names *side, const struct cm_name *name,
                          const struct validate_name *parsed, u32 *resource)
{
    *resource = map_get(&side->resources, parsed->resource);
    return *resource != MAP_NONE || validate_cm_bad(v, s,
                                                    "static, method or constructor name `" STRF
                                                    "` needs a resource `" STRF "` before it",
                                                    STRA(name->name), STRA(parsed->resource));
}

static bool is_handle(struct validate_cm *v, validate_id id, enum cm_def kind, u32 resource)
{
    return id != VALIDATE_NONE && validate_at(v->t, id)->kind == kind &&
           validate_at(v->t, id)->resource == resource;
}

static bool check_constructor(struct validate_cm *v, struct validate_scope *s,
                              const struct cm_name *name, const struct validate_type *f,
                              u32 resource)
{
    validate_id result = f->element;
    if (result != VALIDATE_NONE && validate_at(v->t, result)->kind == DEF_RESULT)
        result = validate_at(v->t, result)->element;
    if (f->is_async)
        return validate_cm_bad(v, s, "constructor `" STRF "` cannot be async", STRA(name->name));
    return is_handle(v, result, DEF_OWN, resource) ||
           validate_cm_bad(v, s,
                           "function `" STRF "` should return one value of its resource: "
                           "function should return `(own $T)` or `(result (own $T) ..)`",
                           STRA(name->name));
}

/* The type of the property that a getter reads. */
static validate_id property_type(struct validate_cm *v, const struct validate_type *f)
{
    validate_id result = f->element;
    if (result != VALIDATE_NONE && validate_at(v->t, result)->kind == DEF_RESULT)
        return validate_at(v->t, result)->element;
    return result;
}

static bool check_setter(struct validate_cm *v, struct validate_scope *s,
                         struct validate_names *side, const struct cm_name *name,
                         const struct validate_type *f, u32 own_params)
{
    size_t at = str_find(name->name, STR("[set]"), 0);
    str getter = str_printf(s->arena, STRF "[get]" STRF, STRA(str_sub(name->name, 0, at)),
                            STRA(str_sub(name->name, at + 5, name->name.len)));
    u32 property = map_get(&side->getters, getter);
    if (property == MAP_NONE)
        return validate_cm_bad(v, s, "setter `" STRF "` needs its getter `" STRF "` before it",
                               STRA(name->name), STRA(getter));
    if (f->label_count != own_params + 1)
        return validate_cm_bad(v, s, "setter `" STRF "` must have exactly one parameter",
                               STRA(name->name));
    if (validate_at(v->t, f->labels[own_params].type)->plain != validate_at(v->t, property)->plain)
        return validate_cm_bad(
            v, s, "setter `" STRF "` takes " STRF ", but its getter gives " STRF, STRA(name->name),
            STRA(validate_type_text(v->t->arena, v->t, f->labels[own_params].type, 100)),
            STRA(validate_type_text(v->t->arena, v->t, property, 100)));
    if (f->element == VALIDATE_NONE)
        return true;
    const struct validate_type *result = validate_at(v->t, f->element);
    return (result->kind == DEF_RESULT && result->element == VALIDATE_NONE) ||
           validate_cm_bad(v, s,
                           "setter `" STRF "` must return nothing or a result without ok "
                           "value",
                           STRA(name->name));
}

static bool check_accessor(struct validate_cm *v, struct validate_scope *s,
                           struct validate_names *side, const struct cm_name *name,
                           const struct validate_name *parsed, const struct validate_type *f)
{
    u32 own_params = parsed->kind == NAME_METHOD;
    if (f->is_async)
        return validate_cm_bad(v, s, "getters and setters cannot be async: `" STRF "`",
                               STRA(name->name));
    if (parsed->is_set)
        return check_setter(v, s, side, name, f, own_params);
    if (f->label_count != own_params)
        return validate_cm_bad(v, s, "getter `" STRF "` must have no parameters", STRA(name->name));
    validate_id property = property_type(v, f);
    if (property == VALIDATE_NONE)
        return validate_cm_bad(v, s, "getter `" STRF "` must return a value", STRA(name->name));
    map_put(s->arena, &side->getters, name->name, property);
    return true;
}

static bool check_annotation(struct validate_cm *v, struct validate_scope *s,
                             struct validate_names *side, const struct cm_name *name,
                             const struct validate_name *parsed, struct validate_entity e)
{
    if (parsed->kind == NAME_LABEL || parsed->kind == NAME_INTERFACE)
        return true;
    if (e.sort != SORT_FUNC)
        return validate_cm_bad(v, s, "item is not a func: name `" STRF "` is for functions only",
                               STRA(name->name));
    const struct validate_type f = *validate_at(v->t, e.type);
    u32 resource = 0;
    if (parsed->resource.ptr && !find_resource(v, s, side, name, parsed, &resource))
        return false;
    if (parsed->kind == NAME_CONSTRUCTOR && !check_constructor(v, s, name, &f, resource))
        return false;
    if (parsed->kind == NAME_METHOD) {
        if (f.label_count == 0)
            return validate_cm_bad(v, s, "function `" STRF "` should have at least one argument",
                                   STRA(name->name));
        if (!str_eq(f.labels[0].name, STR("self")))
            return validate_cm_bad(v, s,
                                   "function `" STRF "` should have a first argument called "
                                   "`self`, not `" STRF "`",
                                   STRA(name->name), STRA(f.labels[0].name));
        if (!is_handle(v, f.labels[0].type, DEF_BORROW, resource))
            return validate_cm_bad(v, s,
                                   "function `" STRF "` should take a first argument of "
                                   "`(borrow $T)`, its resource",
                                   STRA(name->name));
    }
    return !(parsed->is_get || parsed->is_set) || check_accessor(v, s, side, name, parsed, &f);
}

/* ---- Names ------------------------------------------------------------------------------------------------ */

bool validate_cm_name(struct validate_cm *v, struct validate_scope *s, struct validate_names *side,
                      const char *word, const struct cm_name *name, struct validate_entity e)
{
    const char *reason;
    struct arena *a = s->arena;
    struct validate_name parsed = validate_parse_name(name->name, v->features, &reason);
    if (!parsed.kind)
        return validate_cm_bad(v, s, "`" STRF "` is not a valid %s name: %s", STRA(name->name),
                               word, reason);
    u32 first = map_add(a, &side->keys, validate_unique_key(a, name->name), side->originals.len);
    if (first != MAP_NONE)
        return validate_cm_bad(v, s, "%s name `" STRF "` conflicts with previous name `" STRF "`",
                               word, STRA(name->name), STRA(side->originals.data[first]));
    *vec_push(a, &side->originals) = name->name;
    if (name->external_id.ptr &&
        !validate_cm_need(v, s, FEATURE_CM_IMPLEMENTS, "`external-id` attributes"))
        return false;
    if (!check_annotation(v, s, side, name, &parsed, e) ||
        (name->implements.ptr && !check_implements(v, s, name, &parsed, e)) ||
        (name->version_suffix.ptr && !check_suffix(v, s, name, &parsed, e)))
        return false;
    if (e.sort == SORT_TYPE && parsed.kind == NAME_LABEL && !side->is_bundle &&
        validate_at(v->t, e.type)->kind == DEF_RESOURCE)
        map_put(a, &side->resources, name->name, validate_at(v->t, e.type)->resource);
    *vec_push(a, &side->items) = (struct validate_item){*name, e};
    return true;
}
