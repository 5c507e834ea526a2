/* names.c - names of imports and exports: their grammar, strong uniqueness, semantic versions. */
#include "types.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A word or, if allowed, an acronym; the first of a label starts with a letter. */
static bool is_fragment(str s, bool first, bool acronyms)
{
    bool lower = false, upper = false;
    if (s.len == 0 || (first && is_digit(s.ptr[0])))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        lower |= is_lower(s.ptr[i]);
        upper |= is_upper(s.ptr[i]);
        if (!is_lower(s.ptr[i]) && !is_upper(s.ptr[i]) && !is_digit(s.ptr[i]))
            return false;
    }
    return !(lower && upper) && (acronyms || !upper);
}

static bool is_label(str s, bool acronyms)
{
    for (bool first = true;; first = false) {
        str head, rest = str_cut(s, '-', &head);
        if (!is_fragment(head, first, acronyms))
            return false;
        if (!rest.ptr)
            return true;
        s = rest;
    }
}

bool validate_is_label(str s)
{
    return is_label(s, true);
}

/* ---- Versions --------------------------------------------------------------------------------------- */

static bool is_identifiers(str s, bool numbers_without_zero)
{
    for (;;) {
        str head, rest = str_cut(s, '.', &head);
        bool digits = head.len > 0;
        if (head.len == 0)
            return false;
        for (size_t i = 0; i < head.len; i++) {
            char c = head.ptr[i];
            if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '-')
                return false;
            digits &= is_digit(c);
        }
        if (numbers_without_zero && digits && head.len > 1 && head.ptr[0] == '0')
            return false;
        if (!rest.ptr)
            return true;
        s = rest;
    }
}

bool validate_parse_semver(str text, struct validate_semver *out)
{
    *out = (struct validate_semver){0};
    str rest = str_cut(text, '+', &text);
    if (rest.ptr) {
        out->build = rest;
        if (!is_identifiers(rest, false))
            return false;
    }
    rest = str_cut(text, '-', &text);
    if (rest.ptr) {
        out->pre = rest;
        if (!is_identifiers(rest, true))
            return false;
    }
    str major, minor, patch;
    patch = str_cut(text, '.', &major);
    if (!patch.ptr)
        return false;
    patch = str_cut(patch, '.', &minor);
    return patch.ptr && str_to_u64(major, &out->major) && str_to_u64(minor, &out->minor) &&
           str_to_u64(patch, &out->patch);
}

static int cmp_u64(u64 a, u64 b)
{
    return (a > b) - (a < b);
}

/* Pre-releases: identifier by identifier, numbers below words; none at all is above any. */
static int cmp_pre(str a, str b)
{
    if (a.len == 0 || b.len == 0)
        return (a.len == 0) - (b.len == 0);
    for (;;) {
        str x, y;
        a = str_cut(a, '.', &x);
        b = str_cut(b, '.', &y);
        u64 n, m;
        bool xn = str_to_u64(x, &n), yn = str_to_u64(y, &m);
        int c = xn && yn ? cmp_u64(n, m) : xn != yn ? (xn ? -1 : 1) : str_cmp(x, y);
        if (c)
            return c;
        if (!a.ptr || !b.ptr)
            return (a.ptr != NULL) - (b.ptr != NULL);
    }
}

int validate_semver_cmp(const struct validate_semver *a, const struct validate_semver *b)
{
    int c = cmp_u64(a->major, b->major);
    c = c ? c : cmp_u64(a->minor, b->minor);
    c = c ? c : cmp_u64(a->patch, b->patch);
    c = c ? c : cmp_pre(a->pre, b->pre);
    return c ? c : str_cmp(a->build, b->build);
}

str validate_semver_track(struct arena *a, str name)
{
    size_t at = str_rfind_char(name, '@');
    if (at == SIZE_MAX)
        return (str){0};
    str base = str_sub(name, 0, at), version = str_sub(name, at + 1, name.len);
    struct validate_semver v;
    if (validate_is_canonical_version(version))
        return name;
    if (!validate_parse_semver(version, &v) || v.pre.len)
        return (str){0};
    if (v.major)
        return str_printf(a, STRF "@%llu", STRA(base), (unsigned long long)v.major);
    if (v.minor)
        return str_printf(a, STRF "@0.%llu", STRA(base), (unsigned long long)v.minor);
    return str_printf(a, STRF "@0.0.%llu", STRA(base), (unsigned long long)v.patch);
}

/* 1, 0.2, 0.0.3, 0.0.0: as far as the first number that is not 0. */
bool validate_is_canonical_version(str s)
{
    u64 n;
    for (u32 i = 0; i < 3; i++) {
        str head, rest = str_cut(s, '.', &head);
        if (!str_to_u64(head, &n))
            return false;
        if (n || i == 2)
            return !rest.ptr;
        if (!rest.ptr)
            return false;
        s = rest;
    }
    return false;
}

/* ---- Interface names ------------------------------------------------------------------------------------ */

static struct validate_name invalid(const char **reason, const char *why)
{
    *reason = why;
    return (struct validate_name){0};
}

static bool check_version(str version, struct features f, const char **reason)
{
    struct validate_semver v;
    if (validate_parse_semver(version, &v))
        return true;
    if (validate_is_canonical_version(version)) {
        if (features_has(f, FEATURE_CM_CANON_NAMES))
            return true;
        *reason = "its version is no valid semver (shortened versions need the feature "
                  "`cm-canon-names`)";
        return false;
    }
    *reason = "its version is no valid semver";
    return false;
}

struct validate_name validate_parse_interface(str name, struct features f, const char **reason)
{
    struct validate_name out = {.kind = NAME_INTERFACE};
    bool nested = features_has(f, FEATURE_CM_NESTED_NAMES);
    str version = str_cut(name, '@', &name);
    if (version.ptr && !check_version(version, f, reason))
        return (struct validate_name){0};
    out.version = version;
    str projections = str_cut(name, '/', &name);
    if (!projections.ptr)
        return invalid(reason, "a `/` and the name of an interface are missing");
    size_t colon = str_rfind_char(name, ':');
    if (colon == SIZE_MAX)
        return invalid(reason, "the namespace and a `:` are missing");
    out.ns = str_sub(name, 0, colon);
    out.package = str_sub(name, colon + 1, name.len);
    out.interface = projections;
    for (str rest = out.ns, head; rest.ptr;) {
        rest = str_cut(rest, ':', &head);
        if (!is_label(head, false))
            return invalid(reason, "its namespace is not in kebab case of small letters");
        if (rest.ptr && !nested)
            return invalid(reason, "nested namespaces need the feature `cm-nested-names`");
    }
    if (!is_label(out.package, false))
        return invalid(reason, "its package is not in kebab case of small letters");
    for (str rest = projections, head; rest.ptr;) {
        rest = str_cut(rest, '/', &head);
        if (!is_label(head, true))
            return invalid(reason, "its interface is not in kebab case");
        if (rest.ptr && !nested)
            return invalid(reason, "nested packages need the feature `cm-nested-names`");
    }
    return out;
}

/* ---- Plain names -------------------------------------------------------------------------------------------- */

static bool take(str *s, str prefix)
{
    if (!str_starts(*s, prefix))
        return false;
    *s = str_sub(*s, prefix.len, s->len);
    return true;
}

static struct validate_name parse_annotated(str name, struct features f, const char **reason)
{
    struct validate_name out = {0};
    if (take(&name, STR("[constructor]")))
        out.kind = NAME_CONSTRUCTOR;
    else if (take(&name, STR("[method]")))
        out.kind = NAME_METHOD;
    else if (take(&name, STR("[static]")))
        out.kind = NAME_STATIC;
    if (out.kind != NAME_CONSTRUCTOR) {
        out.is_get = take(&name, STR("[get]"));
        out.is_set = !out.is_get && take(&name, STR("[set]"));
    }
    if (!out.kind)
        out.kind = out.is_get ? NAME_GET : out.is_set ? NAME_SET : NAME_INVALID;
    if (!out.kind)
        return invalid(reason, "it has an unknown annotation");
    if ((out.is_get || out.is_set) && !features_has(f, FEATURE_CM_ACCESSORS))
        return invalid(reason, "getters and setters need the feature `cm-accessors`");
    out.label = name;
    if (out.kind == NAME_METHOD || out.kind == NAME_STATIC) {
        out.label = str_cut(name, '.', &out.resource);
        if (!out.label.ptr)
            return invalid(reason, "a `.` between resource and function is missing");
    } else if (out.kind == NAME_CONSTRUCTOR) {
        out.resource = name;
    }
    if ((out.resource.ptr && !is_label(out.resource, true)) || !is_label(out.label, true))
        return invalid(reason, "it is not in kebab case");
    return out;
}

struct validate_name validate_parse_name(str name, struct features f, const char **reason)
{
    static const char *const old[] = {
        "url=", "integrity=", "relative-url=", "locked-dep=", "unlocked-dep="};
    *reason = NULL;
    if (str_starts(name, STR("[")))
        return parse_annotated(name, f, reason);
    for (size_t i = 0; i < LENGTH_OF(old); i++) {
        if (str_starts(name, str_c(old[i])))
            return invalid(reason, "names of this form are no longer part of the component model");
    }
    if (str_find_char(name, ':', 0) != SIZE_MAX)
        return validate_parse_interface(name, f, reason);
    if (!is_label(name, true))
        return invalid(reason, name.len ? "it is not in kebab case" : "it is empty");
    return (struct validate_name){.kind = NAME_LABEL, .label = name};
}

/* ---- Strong uniqueness ------------------------------------------------------------------------------------------- */

static void put_canonical(struct buf *b, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c != '-')
            buf_byte(b, (u8)(is_upper(c) ? c - 'A' + 'a' : c));
    }
}

str validate_unique_key(struct arena *a, str name)
{
    struct buf b = buf_in(a);
    size_t at = str_find_char(name, '@', 0);
    put_canonical(&b, at == SIZE_MAX ? name : str_sub(name, 0, at));
    if (at != SIZE_MAX)
        buf_str(&b, str_sub(name, at, name.len));
    str key = buf_view(&b), annotations = key, rest = key;
    while (str_starts(rest, STR("["))) {
        size_t end = str_find_char(rest, ']', 0);
        if (end == SIZE_MAX)
            return key;
        rest = str_sub(rest, end + 1, rest.len);
    }
    annotations.len = (size_t)(rest.ptr - key.ptr);
    str first, second = str_cut(rest, '.', &first);
    if (annotations.len && second.ptr && str_eq(first, second))
        return first;
    if (str_find(annotations, STR("[constructor]"), 0) != SIZE_MAX)
        return str_concat(a, STR("[constructor]"), rest);
    if (str_find(annotations, STR("[set]"), 0) != SIZE_MAX)
        return str_concat(a, STR("[set]"), rest);
    return rest;
}
