/* script_component.c - components of a script: linking, calls, values. */
#include "script_internal.h"

/* ---- Instantiation -------------------------------------------------------------------------------------- */

/* The instance that an import of this name means, if it is a component's. */
static const struct instance *provider(struct runner *r, str name)
{
    u32 n = map_get(&r->registered, name);
    if (n == MAP_NONE || r->instances.data[n].layer != LAYER_COMPONENT)
        return NULL;
    return &r->instances.data[n];
}

struct outcome script_instantiate_component(struct runner *r, const struct definition *def,
                                            str name, struct instance *out)
{
    const struct wasm_component *c = def->binary.component;
    struct diags *why = arena_new(r->arena, struct diags);
    diags_init(why, r->arena, r->d->sources);
    struct world *w = NULL;
    for (u32 i = 0; i < c->imports.len && !w; i++) {
        const struct instance *from = provider(r, c->imports.data[i].name.name);
        w = from ? from->world : NULL;
    }
    if (!w)
        w = script_world(r);
    for (u32 i = 0; i < c->imports.len; i++) {
        str import = c->imports.data[i].name.name;
        const struct instance *from = provider(r, import);
        if (from && from->world == w)
            canon_linker_bind(w->linker, str_to_c(r->arena, import), from->component);
    }
    out->layer = LAYER_COMPONENT;
    out->world = w;
    struct canon_loaded *loaded = canon_load(w->store, c, why);
    if (!loaded)
        return script_failed(r, END_INVALID, why);
    const char *label = name.len ? str_to_c(r->arena, name) : NULL;
    if (canon_instantiate(w->store, loaded, w->linker, label, &out->component, why) == CANON_OK)
        return script_message(END_FINE, (str){0});
    if (why->errors)
        return script_failed(r, END_UNLINKABLE, why);
    const struct canon_trap *trap = canon_trap_of(w->store);
    return script_message(END_TRAP, trap ? trap->message : STR("trapped"));
}

/* ---- Arguments -------------------------------------------------------------------------------------------- */

static u32 find_field(const struct canon_type *t, str name)
{
    u32 i = 0;
    while (i < t->field_count && !str_eq(t->fields[i].name, name))
        i++;
    return i;
}

static bool number_kind(const struct wast_value *v, enum canon_kind kind)
{
    static const struct {
        enum wast_value_kind from;
        enum canon_kind to;
    } kinds[] = {
        {WAST_CM_BOOL, CANON_T_BOOL}, {WAST_CM_S8, CANON_T_S8},   {WAST_CM_U8, CANON_T_U8},
        {WAST_CM_S16, CANON_T_S16},   {WAST_CM_U16, CANON_T_U16}, {WAST_CM_S32, CANON_T_S32},
        {WAST_CM_U32, CANON_T_U32},   {WAST_CM_S64, CANON_T_S64}, {WAST_CM_U64, CANON_T_U64},
        {WAST_CM_CHAR, CANON_T_CHAR},
    };
    for (u32 i = 0; i < LENGTH_OF(kinds); i++) {
        if (kinds[i].from == v->kind)
            return kinds[i].to == kind;
    }
    return false;
}

static bool to_value(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                     struct canon_value *out);

static bool to_items(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                     struct canon_value *out)
{
    *out = canon_list(t->kind, arena_array(r->arena, struct canon_value, v->count), v->count);
    for (u32 i = 0; i < v->count; i++) {
        const struct canon_type *type = t->element;
        if (t->kind == CANON_T_TUPLE)
            type = i < t->field_count ? t->fields[i].type : NULL;
        if (!type || !to_value(r, &v->items[i], type, &out->items[i]))
            return false;
    }
    return t->kind != CANON_T_TUPLE || v->count == t->field_count;
}

static bool to_record(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                      struct canon_value *out)
{
    if (v->count != t->field_count)
        return false;
    *out = canon_list(t->kind, arena_array(r->arena, struct canon_value, v->count), v->count);
    for (u32 i = 0; i < v->count; i++) {
        u32 at = find_field(t, v->names[i]);
        if (at == t->field_count || !to_value(r, &v->items[i], t->fields[at].type, &out->items[at]))
            return false;
    }
    return true;
}

static bool to_map(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                   struct canon_value *out)
{
    u32 count = v->count / 2;
    *out = canon_list(t->kind, arena_array(r->arena, struct canon_value, count), count);
    for (u32 i = 0; i < count; i++) {
        struct canon_value *pair = arena_array(r->arena, struct canon_value, 2);
        out->items[i] = canon_list(CANON_T_TUPLE, pair, 2);
        if (!to_value(r, &v->items[2 * i], t->fields[0].type, &pair[0]) ||
            !to_value(r, &v->items[2 * i + 1], t->fields[1].type, &pair[1]))
            return false;
    }
    return true;
}

static bool to_case(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                    u32 index, struct canon_value *out)
{
    if (index >= t->field_count || (t->fields[index].type != NULL) != v->has_payload)
        return false;
    struct canon_value *payload = v->has_payload ? arena_new(r->arena, struct canon_value) : NULL;
    *out = canon_case(t->kind, index, payload);
    return !payload || to_value(r, v->items, t->fields[index].type, payload);
}

/* The case that a value of these kinds is. */
static u32 case_of(const struct wast_value *v, const struct canon_type *t)
{
    switch (v->kind) {
    case WAST_CM_OPTION: return v->has_payload;
    case WAST_CM_RESULT: return v->is_error;
    default: return find_field(t, v->text);
    }
}

static bool flag_bits(const struct wast_value *v, const struct canon_type *t, u64 *bits)
{
    *bits = 0;
    for (u32 i = 0; i < v->count; i++) {
        u32 at = find_field(t, v->names[i]);
        if (at == t->field_count || at > 63)
            return false;
        *bits |= (u64)1 << at;
    }
    return true;
}

/* Does the kind of a script's value belong to a type? */
static bool fits(const struct wast_value *v, const struct canon_type *t)
{
    switch (t->kind) {
    case CANON_T_F32: return v->kind == WAST_F32 || v->kind == WAST_CM_F32;
    case CANON_T_F64: return v->kind == WAST_F64 || v->kind == WAST_CM_F64;
    case CANON_T_STRING: return v->kind == WAST_CM_STRING;
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST: return v->kind == WAST_CM_LIST;
    case CANON_T_MAP: return v->kind == WAST_CM_MAP;
    case CANON_T_RECORD: return v->kind == WAST_CM_RECORD;
    case CANON_T_TUPLE: return v->kind == WAST_CM_TUPLE;
    case CANON_T_FLAGS: return v->kind == WAST_CM_FLAGS;
    case CANON_T_VARIANT: return v->kind == WAST_CM_VARIANT;
    case CANON_T_ENUM: return v->kind == WAST_CM_ENUM;
    case CANON_T_OPTION: return v->kind == WAST_CM_OPTION;
    case CANON_T_RESULT: return v->kind == WAST_CM_RESULT;
    default: return number_kind(v, t->kind);
    }
}

static bool to_value(struct runner *r, const struct wast_value *v, const struct canon_type *t,
                     struct canon_value *out)
{
    if (!fits(v, t))
        return false;
    u32 bits32 = (u32)v->bits[0];
    switch (t->kind) {
    case CANON_T_F32:
        *out = canon_u(t->kind, 0);
        memcpy(&out->f32, &bits32, 4);
        return v->nan[0] == WAST_NAN_NONE;
    case CANON_T_F64:
        *out = canon_u(t->kind, 0);
        memcpy(&out->f64, &v->bits[0], 8);
        return v->nan[0] == WAST_NAN_NONE;
    case CANON_T_STRING: *out = canon_string(v->text); return true;
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST:
    case CANON_T_TUPLE: return to_items(r, v, t, out);
    case CANON_T_MAP: return to_map(r, v, t, out);
    case CANON_T_RECORD: return to_record(r, v, t, out);
    case CANON_T_FLAGS: {
        u64 bits;
        bool fine = flag_bits(v, t, &bits);
        *out = canon_u(t->kind, bits);
        return fine;
    }
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return to_case(r, v, t, case_of(v, t), out);
    default: *out = canon_u(t->kind, v->bits[0]); return true;
    }
}

/* ---- Calls ------------------------------------------------------------------------------------------------- */

struct outcome script_invoke_component(struct runner *r, const struct instance *i,
                                       const struct wast_action *action, struct results *out)
{
    if (action->kind == WAST_GET)
        return script_message(END_UNSUPPORTED, STR("components export no globals"));
    struct canon_func *f = canon_find_func(i->component, (str){0}, action->name);
    if (!f) {
        return script_message(END_UNSUPPORTED,
                              str_printf(r->arena, "the instance exports no function `" STRF "`",
                                         STRA(action->name)));
    }
    const struct canon_functype *type = canon_func_type(f);
    if (type->param_count != action->arg_count) {
        return script_message(END_UNSUPPORTED,
                              str_printf(r->arena, "`" STRF "` takes %u arguments, not %u",
                                         STRA(action->name), type->param_count, action->arg_count));
    }
    struct canon_value *args = arena_array(r->arena, struct canon_value, type->param_count);
    for (u32 k = 0; k < type->param_count; k++) {
        if (!to_value(r, &action->args[k], type->params[k].type, &args[k])) {
            struct buf text = buf_in(r->arena);
            canon_type_print(&text, type->params[k].type);
            return script_message(END_UNSUPPORTED,
                                  str_printf(r->arena, "argument %u of `" STRF "` is no " STRF,
                                             k + 1, STRA(action->name), STRA(buf_view(&text))));
        }
    }
    *out = (struct results){.is_component = true, .type = type->result, .has_value = type->result};
    enum canon_outcome outcome =
        canon_invoke(i->world->store, f, args, type->param_count, r->arena, &out->value);
    if (outcome == CANON_OK)
        return script_message(END_FINE, (str){0});
    const struct canon_trap *trap = canon_trap_of(i->world->store);
    str message = trap ? trap->message : STR("trapped");
    bool exhausted = str_find(message, STR("exhausted"), 0) != SIZE_MAX;
    return script_message(exhausted ? END_EXHAUSTION : END_TRAP, str_dup(r->arena, message));
}

/* ---- Results ------------------------------------------------------------------------------------------------ */

static bool items_match(const struct wast_value *want, const struct canon_value *have,
                        const struct canon_type *t)
{
    if (t->kind == CANON_T_TUPLE && want->count != t->field_count)
        return false;
    for (u32 i = 0; i < want->count; i++) {
        const struct canon_type *type = t->kind == CANON_T_TUPLE ? t->fields[i].type : t->element;
        struct canon_value byte;
        const struct canon_value *item = &byte;
        if (have->is_bytes && t->element && t->element->kind == CANON_T_S8)
            byte = (struct canon_value){.kind = CANON_T_S8, .s = (i8)have->text.ptr[i]};
        else if (have->is_bytes)
            byte = canon_u(CANON_T_U8, (u8)have->text.ptr[i]);
        else
            item = &have->items[i];
        if (!script_component_matches(&want->items[i], item, type))
            return false;
    }
    return true;
}

static u32 count_of(const struct canon_value *v)
{
    return v->is_bytes ? v->text.len : v->count;
}

static bool record_matches(const struct wast_value *want, const struct canon_value *have,
                           const struct canon_type *t)
{
    if (want->count != t->field_count)
        return false;
    for (u32 i = 0; i < want->count; i++) {
        u32 at = find_field(t, want->names[i]);
        if (at == t->field_count ||
            !script_component_matches(&want->items[i], &have->items[at], t->fields[at].type))
            return false;
    }
    return true;
}

static bool map_matches(const struct wast_value *want, const struct canon_value *have,
                        const struct canon_type *t)
{
    if (have->count != want->count / 2)
        return false;
    for (u32 i = 0; i < have->count; i++) {
        const struct canon_value *pair = have->items[i].items;
        if (!script_component_matches(&want->items[2 * i], &pair[0], t->fields[0].type) ||
            !script_component_matches(&want->items[2 * i + 1], &pair[1], t->fields[1].type))
            return false;
    }
    return true;
}

bool script_component_matches(const struct wast_value *want, const struct canon_value *have,
                              const struct canon_type *t)
{
    if (want->kind == WAST_EITHER) {
        for (u32 i = 0; i < want->count; i++) {
            if (script_component_matches(&want->items[i], have, t))
                return true;
        }
        return false;
    }
    if (!fits(want, t))
        return false;
    switch (t->kind) {
    case CANON_T_F32: {
        u32 bits;
        memcpy(&bits, &have->f32, 4);
        return script_float_matches(want->nan[0], want->bits[0], bits, 32);
    }
    case CANON_T_F64: {
        u64 bits;
        memcpy(&bits, &have->f64, 8);
        return script_float_matches(want->nan[0], want->bits[0], bits, 64);
    }
    case CANON_T_STRING: return str_eq(want->text, canon_text(have));
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST:
    case CANON_T_TUPLE: return count_of(have) == want->count && items_match(want, have, t);
    case CANON_T_MAP: return map_matches(want, have, t);
    case CANON_T_RECORD: return record_matches(want, have, t);
    case CANON_T_FLAGS: {
        u64 bits;
        return flag_bits(want, t, &bits) && bits == have->u;
    }
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: {
        u32 index = case_of(want, t);
        if (index >= t->field_count || index != have->index ||
            want->has_payload != (have->payload != NULL))
            return false;
        return !want->has_payload ||
               script_component_matches(want->items, have->payload, t->fields[index].type);
    }
    default: return have->u == want->bits[0];
    }
}
