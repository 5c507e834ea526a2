/* scope_visible.c - which types imports and exports may show (Explainer.md, "External Visibility of Types"). */
#include "scope.h"

/* ---- Names of types ------------------------------------------------------------------------------------- */

/* An instance type in the place of a type is a scope of its own: what it exports has a name within it, and nowhere else.
 * Level 0 is the import or export itself, level n the innermost of n such instance types. */
struct visibility {
    struct validate_cm *v;
    struct validate_scope *s;
    struct validate_names *side;
    struct arena *scratch;
    u32 level, frame, frames;       /* frame: the how manieth instance type this is, 0 at level 0 */
    struct validate_numbers inner;  /* tags that the instance types at hand name -> level */
    VEC(u32) inner_tags;            /* the same, in order */
    u32 lowest;                     /* of the levels above 0 that gave a name so far */
    struct validate_numbers seen;   /* types found fine -> frame; 0: in all frames */
    struct validate_numbers opened; /* instances gone through -> frame */
    const char *culprit;            /* what is wrong */
    bool depends_on_export;         /* a name there is, but only exports may use it */
};

static bool has_name(struct visibility *x, u32 tag)
{
    if (validate_numbers_has(&x->side->visible, tag))
        return true;
    u32 level = validate_numbers_get(&x->inner, tag);
    if (level < x->lowest)
        x->lowest = level;
    return level != VALIDATE_NONE;
}

/* Imports cannot refer to names that exports give. */
static bool may_refer(struct visibility *x, u32 tag)
{
    if (x->side != &x->s->imports || !tag || !validate_numbers_has(&x->s->exports.visible, tag) ||
        has_name(x, tag))
        return true;
    x->depends_on_export = true;
    return false;
}

static bool needs_name(struct visibility *x, u32 tag, const char *what)
{
    if (tag && has_name(x, tag))
        return true;
    x->culprit = what;
    return may_refer(x, tag) && false;
}

static bool content_visible(struct visibility *x, validate_id id);

static bool value_visible(struct visibility *x, validate_id id)
{
    if (id == VALIDATE_NONE)
        return true;
    u32 frame = validate_numbers_get(&x->seen, id);
    if (frame == 0 || frame == x->frame || !validate_work(x->v->t, 1))
        return true;
    const struct validate_type *d = validate_at(x->v->t, id);
    bool fine = true;
    switch (d->kind) {
    case DEF_RECORD: fine = needs_name(x, d->tag, "a record"); break;
    case DEF_VARIANT: fine = needs_name(x, d->tag, "a variant"); break;
    case DEF_FLAGS: fine = needs_name(x, d->tag, "flags"); break;
    case DEF_ENUM: fine = needs_name(x, d->tag, "an enum"); break;
    default: fine = may_refer(x, validate_own_tag(d)); break;
    }
    if (!fine || !content_visible(x, id))
        return false;
    validate_numbers_put(x->scratch, &x->seen, id, x->frame);
    return true;
}

/* Makes the name of a type known: for good, or within the instance type at hand. */
static void bring_name(struct visibility *x, u32 tag)
{
    if (!tag)
        return;
    if (x->level == 0) {
        validate_numbers_put(x->s->arena, &x->side->visible, tag, 0);
        if (x->side == &x->s->imports) /* exports may refer to imports, not the other way round */
            validate_numbers_put(x->s->arena, &x->s->exports.visible, tag, 0);
    } else if (!validate_numbers_has(&x->side->visible, tag) &&
               !validate_numbers_has(&x->inner, tag)) {
        validate_numbers_put(x->scratch, &x->inner, tag, x->level);
        *vec_push(x->scratch, &x->inner_tags) = tag;
    }
}

/* What an import or export, or an instance that is one, shows. */
static bool entity_visible(struct visibility *x, struct validate_entity e)
{
    const struct validate_type *d = validate_at(x->v->t, e.type);
    switch (e.sort) {
    case SORT_CORE_MODULE:
    case SORT_COMPONENT: return true; /* have names of their own */
    case SORT_TYPE:
        if (!may_refer(x, d->uses) || !content_visible(x, e.type))
            return false;
        bring_name(x, validate_own_tag(validate_at(x->v->t, e.type)));
        return true;
    case SORT_INSTANCE:
        if (validate_numbers_get(&x->opened, e.type) == x->frame || !validate_work(x->v->t, 1))
            return true;
        validate_numbers_put(x->scratch, &x->opened, e.type, x->frame);
        for (u32 i = 0; i < d->export_count; i++) {
            if (!entity_visible(x, d->exports[i].entity))
                return false;
        }
        return true;
    default: return e.sort == SORT_FUNC ? content_visible(x, e.type) : value_visible(x, e.type);
    }
}

static bool instance_type_visible(struct visibility *x, validate_id id)
{
    u32 known = validate_numbers_get(&x->seen, id);
    if (known == 0 || known == x->frame)
        return true;
    u32 around = x->frame, names = x->inner_tags.len, lowest = x->lowest;
    x->frame = ++x->frames;
    x->level++;
    x->lowest = VALIDATE_NONE;
    if (!entity_visible(x, (struct validate_entity){SORT_INSTANCE, id}))
        return false;
    while (x->inner_tags.len > names)
        validate_numbers_put(x->scratch, &x->inner, x->inner_tags.data[--x->inner_tags.len],
                             VALIDATE_NONE);
    bool closed = x->lowest >= x->level;
    if (lowest < x->lowest)
        x->lowest = lowest;
    x->level--;
    x->frame = around;
    validate_numbers_put(x->scratch, &x->seen, id, closed ? 0 : x->frame);
    return true;
}

/* What a type consists of; whether it needs a name itself is for others to ask. */
static bool content_visible(struct visibility *x, validate_id id)
{
    const struct validate_type *d = validate_at(x->v->t, id);
    if (d->kind == DEF_MODULE)
        return true;
    switch (d->kind) {
    case DEF_RESOURCE:
    case DEF_COMPONENT: return true;
    case DEF_INSTANCE: return instance_type_visible(x, id);
    case DEF_OWN:
    case DEF_BORROW: return needs_name(x, d->tag, "a resource");
    default: break;
    }
    for (u32 i = 0; i < d->label_count; i++) {
        if (!value_visible(x, d->labels[i].type))
            return false;
    }
    return value_visible(x, d->element) && value_visible(x, d->second);
}

static const char *sort_word(enum cm_sort sort)
{
    return sort == SORT_FUNC       ? "func"
           : sort == SORT_INSTANCE ? "instance"
           : sort == SORT_TYPE     ? "type"
                                   : "value";
}

bool validate_cm_visible(struct validate_cm *v, struct validate_scope *s,
                         struct validate_names *side, const char *word, str name,
                         struct validate_entity e)
{
    if (s->kind == SCOPE_INSTANCE_TYPE) /* is looked at when it is imported or exported itself */
        return true;
    struct arena_temp scratch;
    arena_temp_begin(&scratch);
    struct visibility x = {
        .v = v, .s = s, .side = side, .scratch = &scratch.arena, .lowest = VALIDATE_NONE};
    bool fine = entity_visible(&x, e);
    arena_temp_end(&scratch);
    if (fine)
        return true;
    const char *sort = sort_word(e.sort);
    if (x.depends_on_export)
        return validate_cm_bad(v, s,
                               "%s not valid to be used as import: `" STRF
                               "` uses a type by the name that an export gives it; imports cannot "
                               "depend on exports",
                               sort, STRA(name));
    return validate_cm_bad(v, s,
                           "%s not valid to be used as %s: `" STRF
                           "` uses %s that has no name there; %s the type itself before",
                           sort, word, STRA(name), x.culprit, word);
}

/* ---- Resources of the component itself --------------------------------------------------------------------- */

/* Adds those resources that exports name, also from within instances. */
static void exported_resources(struct validate_cm *v, const struct validate_item *items, u32 n,
                               struct arena *a, struct validate_numbers *seen,
                               struct validate_numbers *out)
{
    for (u32 i = 0; i < n; i++) {
        struct validate_entity e = items[i].entity;
        const struct validate_type *d = validate_at(v->t, e.type);
        if (e.sort == SORT_TYPE && d->kind == DEF_RESOURCE)
            validate_numbers_put(a, out, d->resource, 0);
        if (e.sort != SORT_INSTANCE || !d->mentions || validate_numbers_has(seen, e.type) ||
            !validate_work(v->t, 1))
            continue;
        validate_numbers_put(a, seen, e.type, 0);
        exported_resources(v, d->exports, d->export_count, a, seen, out);
    }
}

bool validate_cm_own_resources(struct validate_cm *v, struct validate_scope *s,
                               const struct wasm_component *c, struct arena *a,
                               validate_ids *defined)
{
    struct validate_numbers seen = {0}, found = {0}, instances = {0}, exported = {0};
    for (u32 i = 0; i < s->imported.len; i++)
        validate_numbers_put(a, &found, s->imported.data[i], 0);
    for (u32 i = 0; i < s->imports.items.len; i++) {
        const struct validate_item *item = &s->imports.items.data[i];
        validate_free_resources(v->t, item->entity.type, &seen, &found, a, defined);
        if (!defined->len)
            continue;
        s->at = c->imports.data[i].at;
        return validate_cm_bad(v, s,
                               "import `" STRF "` uses a resource of the component itself; imports "
                               "can only use resources that are imported before",
                               STRA(item->name.name));
    }
    exported_resources(v, s->exports.items.data, s->exports.items.len, a, &instances, &exported);
    for (u32 i = 0, known = 0; i < s->exports.items.len; i++) {
        const struct validate_item *item = &s->exports.items.data[i];
        validate_free_resources(v->t, item->entity.type, &seen, &found, a, defined);
        for (; known < defined->len; known++) {
            if (validate_numbers_has(&exported, defined->data[known]))
                continue;
            s->at = c->exports.data[i].at;
            return validate_cm_bad(v, s,
                                   "export `" STRF "` uses a resource of the component that is not "
                                   "exported itself",
                                   STRA(item->name.name));
        }
    }
    return true;
}
