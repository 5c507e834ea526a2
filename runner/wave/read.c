/* read.c - values of WAVE, read as their type asks. Types nest to a bounded depth, and so does this. */
#include "wave_internal.h"

#include <errno.h>
#include <stdlib.h>

static bool expected_type(struct wave_reader *r, struct wave_token t, const struct canon_type *type)
{
    struct buf b = buf_in(r->arena);
    buf_c(&b, "a value of type `");
    canon_type_print(&b, type);
    buf_c(&b, "`");
    buf_byte(&b, '\0');
    return wave_unexpected(r, t, b.data);
}

static bool is_label(struct wave_token t, const char *word)
{
    return t.kind == TOKEN_LABEL && !t.escaped && str_eq_c(t.text, word);
}

/* ---- Numbers and text --------------------------------------------------------------------------------- */

static const struct {
    u8 kind;
    u8 bits;
    bool is_signed;
} integers[] = {
    {CANON_T_U8, 8, false},   {CANON_T_S8, 8, true},    {CANON_T_U16, 16, false},
    {CANON_T_S16, 16, true},  {CANON_T_U32, 32, false}, {CANON_T_S32, 32, true},
    {CANON_T_U64, 64, false}, {CANON_T_S64, 64, true},
};

static bool read_integer(struct wave_reader *r, const struct canon_type *type, u32 bits,
                         bool is_signed, struct canon_value *out)
{
    struct wave_token t = wave_next(r);
    bool negative = t.kind == TOKEN_NUMBER && t.text.ptr[0] == '-';
    u64 magnitude = 0;
    if (t.kind != TOKEN_NUMBER) {
        return expected_type(r, t, type);
    }
    for (size_t i = negative; i < t.text.len; i++) {
        if (t.text.ptr[i] < '0' || t.text.ptr[i] > '9') {
            return expected_type(r, t, type);
        }
    }
    u64 limit = is_signed ? (u64)1 << (bits - 1) : bits == 64 ? UINT64_MAX : ((u64)1 << bits) - 1;
    if (is_signed && !negative) {
        limit--;
    }
    if ((negative && !is_signed) ||
        !str_to_u64(str_sub(t.text, negative, t.text.len), &magnitude) || magnitude > limit) {
        struct buf b = buf_in(r->arena);
        canon_type_print(&b, type);
        diag_error(r->diags, "wave-range", wave_span(r, t),
                   "`" STRF "` is out of range for `" STRF "`", STRA(t.text), STRA(buf_view(&b)));
        return false;
    }
    out->u = negative ? 0 - magnitude : magnitude;
    return true;
}

static bool read_float(struct wave_reader *r, const struct canon_type *type,
                       struct canon_value *out)
{
    struct wave_token t = wave_next(r);
    if (t.kind != TOKEN_NUMBER && !is_label(t, "nan") && !is_label(t, "inf")) {
        return expected_type(r, t, type);
    }
    char *text = str_to_c(r->arena, t.text);
    if (type->kind == CANON_T_F32) {
        out->f32 = strtof(text, NULL);
    } else {
        out->f64 = strtod(text, NULL);
    }
    return true;
}

static bool read_text(struct wave_reader *r, const struct canon_type *type, struct canon_value *out)
{
    struct wave_token t = wave_next(r);
    if (type->kind == CANON_T_CHAR) {
        u32 scalar = 0;
        if (t.kind != TOKEN_CHAR) {
            return expected_type(r, t, type);
        }
        bool fine = wave_char_of(r, t, &scalar);
        out->u = scalar;
        return fine;
    }
    str text;
    bool is_error = type->kind == CANON_T_ERROR_CONTEXT;
    if (t.kind != TOKEN_STRING && t.kind != TOKEN_MULTILINE) {
        return is_error ? wave_unexpected(r, t, "a string, the message of the error-context")
                        : expected_type(r, t, type);
    }
    if (!wave_string_of(r, t, &text)) {
        return false;
    }
    if (is_error) {
        out->error = canon_error_of_host(r->store, text);
    } else {
        *out = canon_string(text);
    }
    return true;
}

static bool read_bool(struct wave_reader *r, const struct canon_type *type, struct canon_value *out)
{
    struct wave_token t = wave_next(r);
    out->u = is_label(t, "true");
    return out->u || is_label(t, "false") || expected_type(r, t, type);
}

/* ---- Sequences ------------------------------------------------------------------------------------------- */

typedef VEC(struct canon_value) value_vec;

/* Behind an item: true if another one may follow (a comma was there), false at the end or on a mistake. */
static bool more_items(struct wave_reader *r, char close, bool *fine)
{
    if (wave_accept(r, ',')) {
        if (wave_accept(r, close)) {
            return false;
        }
        return true;
    }
    *fine = wave_expect(r, close, "or `,`");
    return false;
}

/* The value of a stream or future without a type: `()`. */
static bool read_unit(struct wave_reader *r, struct canon_value *out)
{
    *out = (struct canon_value){0};
    return wave_expect(r, '(', "of `()`, as there is no payload") &&
           wave_expect(r, ')', "of `()`, as there is no payload");
}

/* Items of a type (NULL: `()`) in brackets; `all` is the type of the whole. */
static bool read_items(struct wave_reader *r, const struct canon_type *element,
                       const struct canon_type *all, value_vec *items)
{
    struct wave_token t = wave_next(r);
    bool fine = true;
    if (t.kind != TOKEN_PUNCTUATION || t.punctuation != '[') {
        return all->kind == CANON_T_STREAM
                   ? wave_unexpected(r, t, "a list, the elements of the stream")
                   : expected_type(r, t, all);
    }
    if (!wave_accept(r, ']')) {
        do {
            struct canon_value v;
            if (!(element ? wave_value(r, element, &v) : read_unit(r, &v))) {
                return false;
            }
            *vec_push(r->arena, items) = v;
        } while (more_items(r, ']', &fine));
    }
    return fine;
}

static bool read_list(struct wave_reader *r, const struct canon_type *type, struct canon_value *out)
{
    value_vec items = {0};
    u32 start = wave_peek(r).start;
    if (!read_items(r, type->element, type, &items)) {
        return false;
    }
    if (type->kind == CANON_T_FIXED_LIST && items.len != type->length) {
        diag_error(r->diags, "wave-type", (span){r->source, start, r->at},
                   "this list has %u elements, its type has %u", items.len, type->length);
        return false;
    }
    *out = canon_list((enum canon_kind)type->kind, items.data, items.len);
    return true;
}

static bool read_stream(struct wave_reader *r, const struct canon_type *type,
                        struct canon_value *out)
{
    value_vec items = {0};
    if (!read_items(r, type->element, type, &items)) {
        return false;
    }
    *out = wave_stream(r, type->element, items.data, items.len);
    return true;
}

static bool read_future(struct wave_reader *r, const struct canon_type *type,
                        struct canon_value *out)
{
    struct canon_value v;
    if (!(type->element ? wave_value(r, type->element, &v) : read_unit(r, &v))) {
        return false;
    }
    *out = wave_future(r, type->element, &v);
    return true;
}

static bool read_tuple(struct wave_reader *r, const struct canon_type *type,
                       struct canon_value *out)
{
    struct canon_value *items = arena_array(r->arena, struct canon_value, type->field_count);
    struct wave_token t = wave_next(r);
    if (t.kind != TOKEN_PUNCTUATION || t.punctuation != '(') {
        return expected_type(r, t, type);
    }
    for (u32 i = 0; i < type->field_count; i++) {
        if ((i && !wave_expect(r, ',', "between the values of a tuple")) ||
            !wave_value(r, type->fields[i].type, &items[i])) {
            return false;
        }
    }
    wave_accept(r, ',');
    *out = canon_list(CANON_T_TUPLE, items, type->field_count);
    return wave_expect(r, ')', "at the end of the tuple");
}

/* ---- Braces: records, flags, maps ------------------------------------------------------------------------- */

static u32 find_field(const struct canon_type *type, str name)
{
    for (u32 i = 0; i < type->field_count; i++) {
        if (str_eq(type->fields[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static bool unknown_name(struct wave_reader *r, struct wave_token t, const struct canon_type *type,
                         const char *what)
{
    str *names = arena_array(r->arena, str, type->field_count);
    for (u32 i = 0; i < type->field_count; i++) {
        names[i] = type->fields[i].name;
    }
    struct diag *x = diag_error(r->diags, "wave-name", wave_span(r, t), "there is no %s `" STRF "`",
                                what, STRA(t.text));
    diag_suggest(r->diags, x, t.text, names, type->field_count);
    return false;
}

/* A label of the type that was not there before; `seen` has a place for each. */
static bool read_field_name(struct wave_reader *r, const struct canon_type *type, const char *what,
                            u8 *seen, u32 *index)
{
    struct wave_token t = wave_next(r);
    if (t.kind != TOKEN_LABEL) {
        return wave_unexpected(r, t, str_to_c(r->arena, str_printf(r->arena, "a %s", what)));
    }
    *index = find_field(type, t.text);
    if (*index == UINT32_MAX) {
        return unknown_name(r, t, type, what);
    }
    if (seen[*index]) {
        diag_error(r->diags, "wave-name", wave_span(r, t), "%s `" STRF "` is given twice", what,
                   STRA(t.text));
        return false;
    }
    seen[*index] = 1;
    return true;
}

static bool fill_missing(struct wave_reader *r, const struct canon_type *type, span at,
                         const u8 *seen, struct canon_value *items)
{
    for (u32 i = 0; i < type->field_count; i++) {
        if (seen[i]) {
            continue;
        }
        if (type->fields[i].type->kind != CANON_T_OPTION) {
            diag_error(r->diags, "wave-type", at, "field `" STRF "` is missing",
                       STRA(type->fields[i].name));
            return false;
        }
        items[i] = canon_case(CANON_T_OPTION, 0, NULL);
    }
    return true;
}

static bool read_record(struct wave_reader *r, const struct canon_type *type,
                        struct canon_value *out)
{
    struct canon_value *items = arena_array(r->arena, struct canon_value, type->field_count);
    u8 *seen = arena_array(r->arena, u8, type->field_count);
    struct wave_token open = wave_next(r);
    bool fine = true;
    if (open.kind != TOKEN_PUNCTUATION || open.punctuation != '{') {
        return expected_type(r, open, type);
    }
    if (wave_accept(r, ':')) {
        fine = wave_expect(r, '}', "of the empty record `{:}`");
    } else {
        u32 index;
        do {
            if (!read_field_name(r, type, "field", seen, &index) ||
                !wave_expect(r, ':', "after the name of a field") ||
                !wave_value(r, type->fields[index].type, &items[index])) {
                return false;
            }
        } while (more_items(r, '}', &fine));
    }
    *out = canon_list(CANON_T_RECORD, items, type->field_count);
    return fine && fill_missing(r, type, (span){r->source, open.start, r->at}, seen, items);
}

static bool read_flags(struct wave_reader *r, const struct canon_type *type,
                       struct canon_value *out)
{
    u8 *seen = arena_array(r->arena, u8, type->field_count);
    struct wave_token open = wave_next(r);
    bool fine = true;
    if (open.kind != TOKEN_PUNCTUATION || open.punctuation != '{') {
        return expected_type(r, open, type);
    }
    if (wave_accept(r, '}')) {
        return true;
    }
    do {
        u32 index;
        if (!read_field_name(r, type, "flag", seen, &index)) {
            return false;
        }
        out->u |= (u64)1 << index;
    } while (more_items(r, '}', &fine));
    return fine;
}

/* The last of equal keys wins, at the place of the first. */
static void put_entry(struct wave_reader *r, const struct canon_type *type, value_vec *entries,
                      struct canon_value *pair)
{
    for (u32 i = 0; i < entries->len; i++) {
        if (canon_value_equal(&entries->data[i].items[0], &pair[0], type->fields[0].type)) {
            entries->data[i].items = pair;
            return;
        }
    }
    *vec_push(r->arena, entries) = canon_list(CANON_T_TUPLE, pair, 2);
}

static bool read_map(struct wave_reader *r, const struct canon_type *type, struct canon_value *out)
{
    value_vec entries = {0};
    struct wave_token open = wave_next(r);
    bool fine = true;
    if (open.kind != TOKEN_PUNCTUATION || open.punctuation != '{') {
        return expected_type(r, open, type);
    }
    if (wave_accept(r, ':')) {
        fine = wave_expect(r, '}', "of the empty map `{:}`");
    } else if (!wave_accept(r, '}')) {
        do {
            struct canon_value *pair = arena_array(r->arena, struct canon_value, 2);
            if (!wave_value(r, type->fields[0].type, &pair[0]) ||
                !wave_expect(r, ':', "after a key") ||
                !wave_value(r, type->fields[1].type, &pair[1])) {
                return false;
            }
            put_entry(r, type, &entries, pair);
        } while (more_items(r, '}', &fine));
    }
    *out = canon_list(CANON_T_MAP, entries.data, entries.len);
    return fine;
}

/* ---- Cases ------------------------------------------------------------------------------------------------- */

static bool read_payload(struct wave_reader *r, const struct canon_type *type, u32 index,
                         struct canon_value *out)
{
    const struct canon_type *of = type->fields[index].type;
    struct canon_value *payload = NULL;
    if (of) {
        payload = arena_new(r->arena, struct canon_value);
        if (!wave_expect(r, '(', "and the payload of this case") || !wave_value(r, of, payload) ||
            !wave_expect(r, ')', "after the payload")) {
            return false;
        }
    }
    *out = canon_case((enum canon_kind)type->kind, index, payload);
    return true;
}

static bool read_variant(struct wave_reader *r, const struct canon_type *type,
                         struct canon_value *out)
{
    struct wave_token t = wave_next(r);
    if (t.kind != TOKEN_LABEL) {
        return expected_type(r, t, type);
    }
    u32 index = find_field(type, t.text);
    if (index == UINT32_MAX) {
        return unknown_name(r, t, type, "case");
    }
    if (!t.escaped && wave_is_keyword(t.text)) {
        struct diag *x = diag_error(r->diags, "wave-name", wave_span(r, t),
                                    "`" STRF "` is a keyword of WAVE", STRA(t.text));
        diag_help(r->diags, x, "write `%%" STRF "` for the case of that name", STRA(t.text));
        return false;
    }
    return read_payload(r, type, index, out);
}

/* option and result: `some(v)`, `none`, `ok(v)`, `ok`, `err(v)`, `err`, or just v. */
static bool read_option_result(struct wave_reader *r, const struct canon_type *type,
                               struct canon_value *out)
{
    bool option = type->kind == CANON_T_OPTION;
    struct wave_token t = wave_peek(r);
    static const char *const words[2][2] = {{"ok", "err"}, {"none", "some"}};
    for (u32 i = 0; i < 2; i++) {
        if (is_label(t, words[option][i])) {
            r->at = t.end;
            return read_payload(r, type, i, out);
        }
    }
    const struct canon_type *flat = type->fields[option ? 1 : 0].type;
    if (!flat || flat->kind == CANON_T_OPTION || flat->kind == CANON_T_RESULT) {
        expected_type(r, wave_next(r), type);
        if (flat && !r->failed) {
            diag_help(r->diags, *vec_last(&r->diags->list),
                      "around another option or result `%s(...)` is written out",
                      option ? "some" : "ok");
        }
        return false;
    }
    struct canon_value *payload = arena_new(r->arena, struct canon_value);
    *out = canon_case((enum canon_kind)type->kind, option ? 1 : 0, payload);
    return wave_value(r, flat, payload);
}

/* What exists only in a running store. */
static bool no_text(struct wave_reader *r, span at, const struct canon_type *type)
{
    struct buf b = buf_in(r->arena);
    canon_type_print(&b, type);
    struct diag *x =
        diag_error(r->diags, "wave-type", at,
                   "a value of type `" STRF "` cannot be written as text", STRA(buf_view(&b)));
    if (r->param) {
        diag_note(r->diags, x, "the parameter `" STRF "` takes it", STRA(r->param->name));
    }
    if (type->kind == CANON_T_OWN || type->kind == CANON_T_BORROW) {
        diag_note(r->diags, x, "a resource exists only between the components that hold it");
        diag_help(r->diags, x, "call it from a component that makes the resource first");
    }
    return false;
}

/* ---- Any value ---------------------------------------------------------------------------------------------- */

bool wave_value(struct wave_reader *r, const struct canon_type *type, struct canon_value *out)
{
    *out = (struct canon_value){.kind = (u8)type->kind};
    for (size_t i = 0; i < LENGTH_OF(integers); i++) {
        if (integers[i].kind == type->kind) {
            return read_integer(r, type, integers[i].bits, integers[i].is_signed, out);
        }
    }
    switch (type->kind) {
    case CANON_T_BOOL: return read_bool(r, type, out);
    case CANON_T_F32:
    case CANON_T_F64: return read_float(r, type, out);
    case CANON_T_CHAR:
    case CANON_T_STRING: return read_text(r, type, out);
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST: return read_list(r, type, out);
    case CANON_T_MAP: return read_map(r, type, out);
    case CANON_T_RECORD: return read_record(r, type, out);
    case CANON_T_TUPLE: return read_tuple(r, type, out);
    case CANON_T_FLAGS: return read_flags(r, type, out);
    case CANON_T_VARIANT:
    case CANON_T_ENUM: return read_variant(r, type, out);
    case CANON_T_OPTION:
    case CANON_T_RESULT: return read_option_result(r, type, out);
    case CANON_T_STREAM:
    case CANON_T_FUTURE:
        if (r->store) {
            return type->kind == CANON_T_STREAM ? read_stream(r, type, out)
                                                : read_future(r, type, out);
        }
        break;
    case CANON_T_ERROR_CONTEXT:
        if (r->store) {
            return read_text(r, type, out);
        }
        break;
    default: break;
    }
    return no_text(r, wave_span(r, wave_peek(r)), type);
}

static struct wave_reader reader_of(struct arena *a, struct diags *d, u32 source, u32 at)
{
    return (struct wave_reader){.arena = a,
                                .diags = d,
                                .source = source,
                                .text = sources_get(d->sources, source)->text,
                                .at = at};
}

static bool check_utf8(struct wave_reader *r)
{
    size_t at = utf8_check(r->text);
    if (at == SIZE_MAX) {
        return true;
    }
    diag_error(r->diags, "wave-syntax", (span){r->source, (u32)at, (u32)at + 1},
               "this text is not valid UTF-8");
    return false;
}

static bool at_end(struct wave_reader *r)
{
    struct wave_token t = wave_next(r);
    return t.kind == TOKEN_END || wave_unexpected(r, t, "the end");
}

bool wave_read_value(struct arena *a, struct diags *d, u32 source, const struct canon_type *type,
                     struct canon_value *out)
{
    struct wave_reader r = reader_of(a, d, source, 0);
    return check_utf8(&r) && wave_value(&r, type, out) && at_end(&r);
}

/* ---- Calls ---------------------------------------------------------------------------------------------------- */

bool wave_read_call(struct diags *d, u32 source, struct wave_call *out)
{
    struct wave_reader r = reader_of(d->arena, d, source, 0);
    size_t open = str_find_char(r.text, '(', 0);
    str name = str_trim(str_sub(r.text, 0, open));
    *out = (struct wave_call){0};
    if (!check_utf8(&r)) {
        return false;
    }
    if (open == SIZE_MAX || name.len == 0) {
        struct diag *x =
            diag_error(d, "wave-syntax", (span){source, 0, (u32)r.text.len}, "this is no call");
        diag_help(d, x,
                  "write the function and its arguments in WAVE, as in `add(1, 2)` or "
                  "`ns:pkg/iface@1.0.0.f(\"x\")`");
        return false;
    }
    u32 start = (u32)(name.ptr - r.text.ptr);
    out->name = (span){source, start, start + (u32)name.len};
    out->args = (u32)open;
    out->text = name;
    return true;
}

static bool wrong_count(struct wave_reader *r, struct wave_token t,
                        const struct canon_functype *type, u32 given)
{
    struct buf b = buf_in(r->arena);
    canon_functype_print(&b, type);
    struct diag *x =
        diag_error(r->diags, "wave-type", wave_span(r, t), "this call has too %s arguments",
                   given < type->param_count ? "few" : "many");
    diag_note(r->diags, x, "the function is `" STRF "`", STRA(buf_view(&b)));
    return false;
}

bool wave_read_args(struct arena *a, struct diags *d, u32 source, const struct wave_call *call,
                    const struct canon_functype *type, struct canon_store *store,
                    struct canon_value **args)
{
    struct wave_reader r = reader_of(a, d, source, call->args);
    u32 given = 0;
    bool fine = true;
    r.store = store;
    *args = arena_array(a, struct canon_value, type->param_count);
    for (u32 i = 0; i < type->param_count; i++) {
        enum canon_kind kind = type->params[i].type->kind;
        if (kind == CANON_T_OWN || kind == CANON_T_BORROW) {
            r.param = &type->params[i];
            return no_text(&r, call->name, r.param->type);
        }
    }
    if (!wave_expect(&r, '(', "before the arguments")) {
        return false;
    }
    bool open = !wave_accept(&r, ')');
    while (open) {
        struct wave_token next = wave_peek(&r);
        if (given == type->param_count) {
            return next.kind == TOKEN_END   ? wave_unexpected(&r, next, "`)`")
                   : next.kind == TOKEN_BAD ? false
                                            : wrong_count(&r, next, type, given + 1);
        }
        r.param = &type->params[given];
        if (!wave_value(&r, r.param->type, &(*args)[given])) {
            return false;
        }
        given++;
        open = more_items(&r, ')', &fine);
    }
    struct wave_token close = {.start = r.at ? r.at - 1 : 0, .end = r.at};
    for (; fine && given < type->param_count; given++) {
        if (type->params[given].type->kind != CANON_T_OPTION) {
            return wrong_count(&r, close, type, given);
        }
        (*args)[given] = canon_case(CANON_T_OPTION, 0, NULL);
    }
    return fine && at_end(&r);
}
