/* names.c - versions, labels, identifiers, text literals and doc comments. */
#include "ast.h"

/* ---- Versions ----------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_numeric(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) {
            return false;
        }
    }
    return s.len > 0;
}

/* Dot-separated identifiers; numbers in a pre-release have no leading zero. */
static bool check_identifiers(str s, bool pre)
{
    while (s.ptr) {
        str part;
        s = str_cut(s, '.', &part);
        if (!part.len || (pre && part.len > 1 && part.ptr[0] == '0' && is_numeric(part))) {
            return false;
        }
        for (size_t i = 0; i < part.len; i++) {
            if (!is_alnum(part.ptr[i]) && part.ptr[i] != '-') {
                return false;
            }
        }
    }
    return true;
}

bool wit_version_parse(str text, struct wit_version *out)
{
    *out = (struct wit_version){.text = text};
    str core = text;
    size_t plus = str_find_char(core, '+', 0);
    if (plus != SIZE_MAX) {
        out->build = str_sub(core, plus + 1, core.len);
        core = str_sub(core, 0, plus);
    }
    size_t minus = str_find_char(core, '-', 0);
    if (minus != SIZE_MAX) {
        out->pre = str_sub(core, minus + 1, core.len);
        core = str_sub(core, 0, minus);
    }
    str major, minor, patch;
    str rest = str_cut(core, '.', &major);
    patch = str_cut(rest, '.', &minor);
    return str_to_u64(major, &out->major) && str_to_u64(minor, &out->minor) &&
           str_to_u64(patch, &out->patch) &&
           (minus == SIZE_MAX || check_identifiers(out->pre, true)) &&
           (plus == SIZE_MAX || check_identifiers(out->build, false));
}

const char *wit_version_fault(str version)
{
    for (size_t i = 0; i < version.len;) {
        size_t start = i;
        while (i < version.len && is_digit(version.ptr[i])) {
            i++;
        }
        str number = str_sub(version, start, i);
        u64 value;
        if (number.len > 1 && number.ptr[0] == '0') {
            return "numbers have no leading zeros";
        }
        if (number.len && !str_to_u64(number, &value)) {
            return "numbers fit 64 bits";
        }
        if (i < version.len && version.ptr[i] != '.') {
            break;
        }
        i++;
    }
    return "after the three numbers come `-pre.release` and `+build`, whose numbers have no "
           "leading zeros";
}

static int compare_u64(u64 a, u64 b)
{
    return a < b ? -1 : a > b;
}

/* Numbers by value and before words; the shorter list first. */
static int compare_identifiers(str a, str b)
{
    while (a.ptr && b.ptr) {
        str x, y;
        a = str_cut(a, '.', &x);
        b = str_cut(b, '.', &y);
        bool nx = is_numeric(x), ny = is_numeric(y);
        int c = nx != ny               ? (nx ? -1 : 1)
                : nx && x.len != y.len ? (x.len < y.len ? -1 : 1)
                                       : str_cmp(x, y);
        if (c) {
            return c;
        }
    }
    return a.ptr ? 1 : b.ptr ? -1 : 0;
}

int wit_version_compare(const struct wit_version *a, const struct wit_version *b)
{
    int c = compare_u64(a->major, b->major);
    c = c ? c : compare_u64(a->minor, b->minor);
    c = c ? c : compare_u64(a->patch, b->patch);
    if (c || (!a->pre.len && !b->pre.len)) {
        return c;
    }
    if (!a->pre.len || !b->pre.len) {
        return a->pre.len ? -1 : 1;
    }
    return compare_identifiers(a->pre, b->pre);
}

int wit_version_order(const struct wit_version *a, const struct wit_version *b)
{
    int c = wit_version_compare(a, b);
    c = c ? c : compare_identifiers(a->build, b->build);
    return c ? c : str_cmp(a->build, b->build); /* leading zeros */
}

str wit_version_track(struct arena *a, const struct wit_version *v)
{
    if (v->pre.len) {
        return str_printf(a, "%llu.%llu.%llu-" STRF, (unsigned long long)v->major,
                          (unsigned long long)v->minor, (unsigned long long)v->patch, STRA(v->pre));
    }
    if (v->major) {
        return str_printf(a, "%llu", (unsigned long long)v->major);
    }
    if (v->minor) {
        return str_printf(a, "0.%llu", (unsigned long long)v->minor);
    }
    return str_printf(a, "0.0.%llu", (unsigned long long)v->patch);
}

/* ---- Identifiers of packages and their items ------------------------------------------------------------- */

str wit_package_id(struct arena *a, const struct wit_package_name *p)
{
    return p->version.text.len ? str_printf(a, STRF ":" STRF "@" STRF, STRA(p->ns), STRA(p->name),
                                            STRA(p->version.text))
                               : str_printf(a, STRF ":" STRF, STRA(p->ns), STRA(p->name));
}

str wit_item_id(struct arena *a, const struct wit_package_name *p, str item)
{
    return p->version.text.len
               ? str_printf(a, STRF ":" STRF "/" STRF "@" STRF, STRA(p->ns), STRA(p->name),
                            STRA(item), STRA(p->version.text))
               : str_printf(a, STRF ":" STRF "/" STRF, STRA(p->ns), STRA(p->name), STRA(item));
}

str wit_canonical_id(struct arena *a, str id)
{
    str path, version = str_cut(id, '@', &path);
    struct wit_version v;
    if (!version.ptr || !wit_version_parse(version, &v)) {
        return id;
    }
    return str_printf(a, STRF "@" STRF, STRA(path), STRA(wit_version_track(a, &v)));
}

/* ---- Labels -------------------------------------------------------------------------------------------- */

static const str reserved[] = {
#define WORD(text) STR_INIT(text),
#include "reserved.def"
#undef WORD
};

/* The table is sorted: a binary search by first letter would not be faster than this. */
bool wit_is_reserved(str word)
{
    if (!word.len || word.len > 13) {
        return false;
    }
    for (u32 i = 0; i < LENGTH_OF(reserved); i++) {
        if (reserved[i].ptr[0] >= word.ptr[0]) {
            if (reserved[i].ptr[0] > word.ptr[0]) {
                return false;
            }
            if (reserved[i].len == word.len && memcmp(reserved[i].ptr, word.ptr, word.len) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_sign(u32 c)
{
    return (c >= 0x2000 && c < 0x2c00) || (c >= 0x3000 && c < 0x3005) ||
           (c >= 0xfe00 && c < 0xfe10) || (c >= 0xe000 && c < 0xf900) || c == 0xfeff ||
           c >= 0x1f000 || (c >= 0x80 && c < 0xc0 && c != 0xaa && c != 0xb5 && c != 0xba);
}

bool wit_find_sign(str word, struct wit_sign *out)
{
    for (size_t i = 0; i < word.len;) {
        size_t at = i;
        u32 c = utf8_next(word, &i);
        if (is_sign(c)) {
            *out = (struct wit_sign){(u32)at, (u32)(i - at), c};
            return true;
        }
    }
    return false;
}

struct diag *wit_report_sign(struct diags *d, span at, u32 c)
{
    struct diag *x = diag_error(d, "wit-character", at, "unexpected character U+%04X", c);
    if (c == 0xfeff) {
        diag_note(d, x, "a byte order mark can only be the first character of a file");
    } else {
        diag_note(d, x, "signs stand in comments and text literals only");
    }
    return x;
}

const char *wit_check_label(str name)
{
    if (!name.len) {
        return "a name needs at least one letter";
    }
    bool start = true, lower = false, upper = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '-') {
            if (start) {
                return i ? "a name has no empty part between `-`" : "a name starts with a letter";
            }
            start = true;
            lower = upper = false;
            continue;
        }
        bool is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        if (!is_lower && !is_upper && !is_digit(c)) {
            return "a name is made of ASCII letters, digits and `-`";
        }
        if (i == 0 && is_digit(c)) {
            return "a name starts with a letter";
        }
        if ((is_lower && upper) || (is_upper && lower)) {
            return "each part of a name between `-` is all lower case or all upper case";
        }
        lower |= is_lower;
        upper |= is_upper;
        start = false;
    }
    return start ? "a name does not end with `-`" : NULL;
}

static bool is_simple(str name)
{
    return name.len && name.ptr[0] != '[' && str_find_char(name, '.', 0) == SIZE_MAX;
}

/* Skips `-`. The next character in lower case, 0 at the end. */
static char next_folded(str s, size_t *i)
{
    while (*i < s.len && s.ptr[*i] == '-') {
        ++*i;
    }
    char c = *i < s.len ? s.ptr[(*i)++] : 0;
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool wit_same_label(str a, str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        char x = next_folded(a, &i), y = next_folded(b, &k);
        if (x != y || !x) {
            return x == y;
        }
    }
}

str wit_canonical_name(struct arena *a, str name)
{
    if (is_simple(name)) { /* most are canonical as they are */
        size_t i = 0;
        while (i < name.len && name.ptr[i] != '-' && !(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')) {
            i++;
        }
        if (i == name.len) {
            return name;
        }
    }
    /* Of the prefixes only [constructor] and [set] tell names apart. */
    str prefix = {"", 0};
    while (name.len && name.ptr[0] == '[') {
        size_t close = str_find_char(name, ']', 0);
        if (close == SIZE_MAX) {
            break;
        }
        str p = str_sub(name, 0, close + 1);
        if (str_eq(p, STR("[constructor]")) || str_eq(p, STR("[set]"))) {
            prefix = p;
        }
        name = str_sub(name, close + 1, name.len);
    }
    char *out = arena_alloc(a, prefix.len + name.len);
    if (prefix.len) {
        memcpy(out, prefix.ptr, prefix.len);
    }
    size_t n = prefix.len, dot = SIZE_MAX;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '-') {
            continue;
        }
        if (c == '.') {
            dot = n;
        }
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    /* `l.l` is `l`. */
    str first = str_of(out + prefix.len, dot == SIZE_MAX ? 0 : dot - prefix.len);
    if (dot != SIZE_MAX && str_eq(first, str_of(out + dot + 1, n - dot - 1))) {
        n = dot;
    }
    return str_of(out, n);
}

/* ---- Text literals ---------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The number in `u{...}`; underscores may stand between digits. */
static const char *unquote_scalar(str s, size_t *at, u32 *out)
{
    if (*at >= s.len || s.ptr[*at] != '{') {
        return "expected `{` after `\\u`";
    }
    u32 n = 0;
    bool digit = false;
    for (++*at; *at < s.len && s.ptr[*at] != '}'; ++*at) {
        char c = s.ptr[*at];
        if (c == '_' && digit) {
            digit = false;
            continue;
        }
        int v = hex_value(c);
        if (v < 0) {
            return "expected a hexadecimal digit";
        }
        n = n > 0x10ffff ? n : n * 16 + (u32)v;
        digit = true;
    }
    if (!digit) {
        return "expected a hexadecimal digit";
    }
    if (*at >= s.len) {
        return "expected `}`";
    }
    ++*at;
    *out = n;
    return n > 0x10ffff || (n >= 0xd800 && n < 0xe000) ? "not a Unicode scalar value" : NULL;
}

bool wit_unquote(struct arena *a, str s, str *out, size_t *bad, const char **why)
{
    struct buf b = buf_in(a);
    for (size_t i = 1; i + 1 < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        *bad = i;
        if (c != '\\') {
            if (c < 0x20 || c == 0x7f) {
                *why = "control characters are written as escapes in a text literal";
                return false;
            }
            buf_byte(&b, c);
            i++;
            continue;
        }
        c = (unsigned char)s.ptr[i + 1];
        *bad = i + 1;
        static const char from[] = "tnr\"'\\", to[] = "\t\n\r\"'\\";
        const char *simple = c ? strchr(from, c) : NULL;
        if (simple) {
            buf_byte(&b, (u8)to[simple - from]);
            i += 2;
        } else if (c == 'u') {
            u32 scalar;
            i += 2;
            *why = unquote_scalar(s, &i, &scalar);
            if (*why) {
                *bad = i < s.len ? i : *bad;
                return false;
            }
            char bytes[4];
            buf_put(&b, bytes, utf8_encode(scalar, bytes));
        } else if (hex_value((char)c) >= 0 && hex_value(s.ptr[i + 2]) >= 0) {
            buf_byte(&b, (u8)(hex_value((char)c) * 16 + hex_value(s.ptr[i + 2])));
            i += 3;
        } else {
            *why = "unknown escape in a text literal";
            return false;
        }
    }
    *bad = 0;
    *why = "a text literal is UTF-8";
    *out = buf_view(&b);
    if (!out->ptr) {
        out->ptr = "";
    }
    return utf8_check(*out) == SIZE_MAX;
}

/* ---- Doc comments ------------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static str comment_text(str s)
{
    s = str_trim_end(s);
    if (str_starts(s, STR("/**")) && s.len >= 5 && str_ends(s, STR("*/"))) {
        return str_trim_end(str_sub(s, 3, s.len - 2));
    }
    while (s.len && s.ptr[0] == '/') {
        s = str_sub(s, 1, s.len);
    }
    return s;
}

str wit_docs_text(struct arena *a, const str *comments, u32 n)
{
    if (!n) {
        return (str){NULL, 0};
    }
    str *texts = arena_array(a, str, n);
    size_t common = SIZE_MAX;
    for (u32 i = 0; i < n; i++) {
        texts[i] = comment_text(comments[i]);
        size_t lead = 0;
        while (lead < texts[i].len && is_space(texts[i].ptr[lead])) {
            lead++;
        }
        common = texts[i].len && lead < common ? lead : common;
    }
    size_t room = n;
    for (u32 i = 0; i < n; i++) {
        room += texts[i].len + 1;
    }
    char *out = arena_alloc(a, room);
    size_t len = 0;
    for (u32 i = 0; i < n; i++) {
        str t = texts[i];
        size_t spaces = 0;
        while (common != SIZE_MAX && spaces < common && spaces < t.len && t.ptr[spaces] == ' ') {
            spaces++;
        }
        t = common != SIZE_MAX && spaces == common ? str_sub(t, spaces, t.len) : t;
        if (!t.len) {
            out[len++] = '\n';
        }
        while (t.len) {
            str line;
            t = str_cut(t, '\n', &line);
            line.len -= line.len && line.ptr[line.len - 1] == '\r';
            memcpy(out + len, line.ptr, line.len);
            len += line.len;
            out[len++] = '\n';
        }
    }
    while (len && out[len - 1] == '\n') {
        len--;
    }
    return str_of(out, len);
}
