/* demangle.c - names of functions as rustc mangles them: the v0 form (RFC 2603) and the legacy one. rustc has the linker leave names as
 * they are; for C++, wasm-ld writes readable ones. */
#include "engine_internal.h"

#include <stdio.h>

/* A mangled name can stand for one exponentially longer. */
#define TEXT_MAX  2000
#define STEPS_MAX 10000
#define DEPTH_MAX 100

struct demangler {
    str in; /* without the prefix: references back count from here */
    size_t at;
    struct buf out;
    bool failed, silent; /* silent: read, but not to be printed */
    u32 steps, depth;
    u64 lifetimes; /* bound around here */
};

static void fail(struct demangler *d)
{
    d->failed = true;
}
static void put(struct demangler *d, str s)
{
    if (d->silent || d->failed)
        return;
    if (s.len > TEXT_MAX - d->out.len)
        fail(d);
    else
        buf_str(&d->out, s);
}
static void put_c(struct demangler *d, const char *s)
{
    put(d, str_c(s));
}

static bool more(const struct demangler *d)
{
    return !d->failed && d->at < d->in.len;
}
static char peek(const struct demangler *d)
{
    return more(d) ? d->in.ptr[d->at] : '\0';
}
static bool eat(struct demangler *d, char c)
{
    if (peek(d) != c)
        return false;
    d->at++;
    return true;
}
static char next(struct demangler *d)
{
    if (!more(d)) {
        fail(d);
        return '\0';
    }
    return d->in.ptr[d->at++];
}

/* ---- Numbers and identifiers ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}
static u32 hex_value(char c)
{
    return (u32)(is_digit(c) ? c - '0' : c - 'a' + 10);
}

/* `_` is 0, `0_` is 1. */
static u64 base_62(struct demangler *d)
{
    u64 n = 0;
    if (eat(d, '_'))
        return 0;
    for (char c; (c = next(d)) != '_' && !d->failed;) {
        u32 digit = is_digit(c)            ? (u32)(c - '0')
                    : c >= 'a' && c <= 'z' ? (u32)(c - 'a') + 10
                    : c >= 'A' && c <= 'Z' ? (u32)(c - 'A') + 36
                                           : 62;
        if (digit == 62 || n > (UINT64_MAX - 62) / 62) {
            fail(d);
            return 0;
        }
        n = n * 62 + digit;
    }
    return n + 1;
}
/* 0 if the tag is not there. */
static u64 tagged(struct demangler *d, char tag)
{
    return eat(d, tag) ? base_62(d) + 1 : 0;
}

static u64 decimal(struct demangler *d)
{
    u64 n = 0;
    if (!is_digit(peek(d)))
        fail(d);
    if (eat(d, '0'))
        return 0;
    while (is_digit(peek(d)) && n <= TEXT_MAX)
        n = n * 10 + (u64)(next(d) - '0');
    return n;
}

struct identifier {
    str text;
    bool is_punycode;
};

static str bytes(struct demangler *d, u64 n)
{
    if (d->failed || n > d->in.len - d->at) {
        fail(d);
        return (str){0};
    }
    d->at += (size_t)n;
    return str_sub(d->in, d->at - (size_t)n, d->at);
}

static struct identifier plain_identifier(struct demangler *d)
{
    bool is_punycode = eat(d, 'u');
    u64 n = decimal(d);
    eat(d, '_');
    return (struct identifier){bytes(d, n), is_punycode};
}

/* RFC 3492, with `_` between the two parts. */
static bool put_punycode(struct demangler *d, str s)
{
    u32 letters[256], count = 0;
    size_t at = 0, cut = str_rfind_char(s, '_');
    if (cut != SIZE_MAX) {
        if (cut > LENGTH_OF(letters))
            return false;
        for (; at < cut; at++)
            letters[count++] = (u8)s.ptr[at];
        at++;
    }
    u64 n = 128, i = 0, bias = 72;
    for (bool first = true; at < s.len; first = false) {
        u64 before = i, weight = 1;
        for (u64 k = 36;; k += 36) {
            if (at == s.len)
                return false;
            char c = s.ptr[at++];
            u64 digit = c >= 'a' && c <= 'z' ? (u64)(c - 'a')
                        : is_digit(c)        ? (u64)(c - '0') + 26
                                             : 36;
            u64 least = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            i += digit * weight;
            if (digit == 36 || i > UINT32_MAX)
                return false;
            if (digit < least)
                break;
            weight *= 36 - least;
            if (weight > UINT32_MAX)
                return false;
        }
        u64 delta = first ? i / 700 : (i - before) / 2, k = 0;
        delta += delta / (count + 1);
        for (; delta > 455; k += 36)
            delta /= 35;
        bias = k + 36 * delta / (delta + 38);
        n += i / (count + 1);
        i %= count + 1;
        if (n > 0x10ffff || (n >= 0xd800 && n < 0xe000) || count == LENGTH_OF(letters))
            return false;
        memmove(letters + i + 1, letters + i, (count - i) * sizeof(*letters));
        letters[i++] = (u32)n;
        count++;
    }
    for (u32 k = 0; k < count; k++) {
        char code[4];
        put(d, str_of(code, utf8_encode(letters[k], code)));
    }
    return true;
}

static void put_identifier(struct demangler *d, struct identifier x)
{
    if (d->silent || d->failed)
        return;
    if (!x.is_punycode) {
        put(d, x.text);
    } else if (!put_punycode(d, x.text)) {
        fail(d);
    }
}

static void put_number(struct demangler *d, u64 n)
{
    char text[24];
    put(d, str_of(text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)n)));
}

/* ---- Paths, types, constants ------------------------------------------------------------------------------------- */

static void path(struct demangler *d, bool in_value);
static void type(struct demangler *d);
static void constant(struct demangler *d);

static bool enter(struct demangler *d)
{
    if (++d->steps > STEPS_MAX || d->depth >= DEPTH_MAX)
        fail(d);
    d->depth++;
    return !d->failed;
}
static void leave(struct demangler *d)
{
    d->depth--;
}

/* After `B`: to what stands earlier in the name, from where the reader goes on at *back. False: nothing is printed, so there is nothing
 * to read. */
static bool go_back(struct demangler *d, size_t *back)
{
    size_t tag = d->at - 1;
    u64 to = base_62(d);
    *back = d->at;
    if (to >= tag)
        fail(d);
    if (d->failed || d->silent)
        return false;
    d->at = (size_t)to;
    return true;
}

static void lifetime(struct demangler *d, u64 index)
{
    if (index == 0) {
        put_c(d, "'_");
        return;
    }
    if (index > d->lifetimes) {
        fail(d);
        return;
    }
    u64 depth = d->lifetimes - index;
    char name[] = {'\'', (char)('a' + depth % 26), '\0'};
    put_c(d, depth < 26 ? name : "'_");
    if (depth >= 26)
        put_number(d, depth);
}

/* `for<'a, 'b> `; gives how many there were before. */
static u64 binder(struct demangler *d)
{
    u64 before = d->lifetimes, n = tagged(d, 'G');
    if (n > 100)
        fail(d);
    for (u64 i = 0; i < n && !d->failed; i++) {
        put_c(d, i ? ", " : "for<");
        d->lifetimes++;
        lifetime(d, 1);
    }
    put_c(d, n ? "> " : "");
    return before;
}

static void generic_argument(struct demangler *d)
{
    if (eat(d, 'L'))
        lifetime(d, base_62(d));
    else if (eat(d, 'K'))
        constant(d);
    else
        type(d);
}

/* `one` up to `E`; how many. */
static u32 list(struct demangler *d, void (*one)(struct demangler *), const char *separator)
{
    u32 n = 0;
    while (!d->failed && !eat(d, 'E')) {
        put_c(d, n++ ? separator : "");
        one(d);
    }
    return n;
}

static void nested_path(struct demangler *d, bool in_value)
{
    char space = next(d);
    path(d, in_value);
    u64 number = tagged(d, 's');
    struct identifier name = plain_identifier(d);
    if (space >= 'A' && space <= 'Z') {
        char letter[] = {space, '\0'};
        put_c(d, "::{");
        put_c(d, space == 'C' ? "closure" : space == 'S' ? "shim" : letter);
        if (name.text.len) {
            put_c(d, ":");
            put_identifier(d, name);
        }
        put_c(d, "#");
        put_number(d, number);
        put_c(d, "}");
    } else if (space < 'a' || space > 'z') {
        fail(d);
    } else if (name.text.len) {
        put_c(d, "::");
        put_identifier(d, name);
    }
}

/* The path of an impl is where it is written: not told. */
static void impl_path(struct demangler *d)
{
    bool silent = d->silent;
    d->silent = true;
    tagged(d, 's');
    path(d, false);
    d->silent = silent;
}

static void path(struct demangler *d, bool in_value)
{
    if (!enter(d))
        return;
    size_t back;
    char tag = next(d);
    switch (tag) {
    case 'C':
        tagged(d, 's');
        put_identifier(d, plain_identifier(d));
        break;
    case 'N': nested_path(d, in_value); break;
    case 'M':
    case 'X':
    case 'Y':
        if (tag != 'Y')
            impl_path(d);
        put_c(d, "<");
        type(d);
        if (tag != 'M') {
            put_c(d, " as ");
            path(d, false);
        }
        put_c(d, ">");
        break;
    case 'I':
        path(d, in_value);
        put_c(d, in_value ? "::<" : "<");
        list(d, generic_argument, ", ");
        put_c(d, ">");
        break;
    case 'B':
        if (go_back(d, &back)) {
            path(d, in_value);
            d->at = back;
        }
        break;
    default: fail(d);
    }
    leave(d);
}

static const char *basic_type(char c)
{
    static const char *const names[26] = {"i8",   "bool",  "char",  "f64", "str", "f32", NULL,
                                          "u8",   "isize", "usize", NULL,  "i32", "u32", "i128",
                                          "u128", "_",     NULL,    NULL,  "i16", "u16", "()",
                                          "...",  NULL,    "i64",   "u64", "!"};
    return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void function_type(struct demangler *d)
{
    u64 before = binder(d);
    put_c(d, eat(d, 'U') ? "unsafe " : "");
    if (eat(d, 'K')) {
        put_c(d, "extern \"");
        if (eat(d, 'C')) {
            put_c(d, "C");
        } else {
            str abi = plain_identifier(d).text;
            for (size_t i = 0; i < abi.len; i++)
                put(d, abi.ptr[i] == '_' ? STR("-") : str_sub(abi, i, i + 1));
        }
        put_c(d, "\" ");
    }
    put_c(d, "fn(");
    list(d, type, ", ");
    put_c(d, ")");
    if (!eat(d, 'u')) { /* () */
        put_c(d, " -> ");
        type(d);
    }
    d->lifetimes = before;
}

/* `Trait<A, Item = B>`: the bindings join the arguments of the path, so its `>` is taken back. */
static void dyn_trait(struct demangler *d)
{
    path(d, false);
    bool open = false;
    while (eat(d, 'p')) {
        if (!open && !d->silent && d->out.len && d->out.data[d->out.len - 1] == '>') {
            d->out.len--;
            put_c(d, ", ");
        } else {
            put_c(d, open ? ", " : "<");
        }
        open = true;
        put_identifier(d, plain_identifier(d));
        put_c(d, " = ");
        type(d);
    }
    put_c(d, open ? ">" : "");
}

static void dyn_type(struct demangler *d)
{
    put_c(d, "dyn ");
    u64 before = binder(d);
    list(d, dyn_trait, " + ");
    d->lifetimes = before;
    if (!eat(d, 'L'))
        fail(d);
    u64 index = base_62(d);
    if (index) {
        put_c(d, " + ");
        lifetime(d, index);
    }
}

static void type(struct demangler *d)
{
    size_t back;
    const char *basic = basic_type(peek(d));
    if (basic) {
        d->at++;
        put_c(d, basic);
        return;
    }
    if (!enter(d))
        return;
    char tag = next(d);
    switch (tag) {
    case 'R':
    case 'Q':
        put_c(d, "&");
        if (eat(d, 'L')) {
            u64 index = base_62(d);
            if (index) {
                lifetime(d, index);
                put_c(d, " ");
            }
        }
        put_c(d, tag == 'Q' ? "mut " : "");
        type(d);
        break;
    case 'P':
    case 'O':
        put_c(d, tag == 'P' ? "*const " : "*mut ");
        type(d);
        break;
    case 'A':
    case 'S':
        put_c(d, "[");
        type(d);
        if (tag == 'A') {
            put_c(d, "; ");
            constant(d);
        }
        put_c(d, "]");
        break;
    case 'T':
        put_c(d, "(");
        put_c(d, list(d, type, ", ") == 1 ? ",)" : ")");
        break;
    case 'F': function_type(d); break;
    case 'D': dyn_type(d); break;
    case 'B':
        if (go_back(d, &back)) {
            type(d);
            d->at = back;
        }
        break;
    default: d->at--; path(d, false);
    }
    leave(d);
}

/* Up to `_`, without leading zeros. */
static str hex_digits(struct demangler *d)
{
    size_t from = d->at;
    for (char c; (c = next(d)) != '_' && !d->failed;) {
        if (!is_hex(c))
            fail(d);
        if (c == '0' && from == d->at - 1)
            from++;
    }
    return d->failed ? (str){0} : str_sub(d->in, from, d->at - 1);
}

static u64 value_of(str digits)
{
    u64 n = 0;
    for (size_t i = 0; i < digits.len; i++)
        n = n << 4 | hex_value(digits.ptr[i]);
    return n;
}

static void constant_number(struct demangler *d)
{
    str digits = hex_digits(d);
    if (digits.len > 16) {
        put_c(d, "0x");
        put(d, digits);
    } else {
        put_number(d, value_of(digits));
    }
}

static void constant_char(struct demangler *d)
{
    str digits = hex_digits(d);
    u64 n = value_of(digits);
    char ascii[] = {'\'', '\\', (char)n, '\'', '\0'};
    if (digits.len > 6 || n > 0x10ffff) {
        fail(d);
    } else if (n == '\'' || n == '\\') {
        put_c(d, ascii);
    } else if (n >= 32 && n < 127) {
        ascii[1] = '\'';
        put_c(d, ascii + 1);
    } else {
        put_c(d, "'\\u{");
        put(d, digits.len ? digits : STR("0"));
        put_c(d, "}'");
    }
}

static void constant_bool(struct demangler *d)
{
    str digits = hex_digits(d);
    if (digits.len && !str_eq_c(digits, "1"))
        fail(d);
    put_c(d, digits.len ? "true" : "false");
}

/* The kinds that stable Rust has. */
static void constant(struct demangler *d)
{
    size_t back;
    if (!enter(d))
        return;
    char tag = next(d);
    switch (tag) {
    case 'p': put_c(d, "_"); break;
    case 'b': constant_bool(d); break;
    case 'c': constant_char(d); break;
    case 'B':
        if (go_back(d, &back)) {
            constant(d);
            d->at = back;
        }
        break;
    default:
        if (tag == '\0' || !strchr("aslxnihtmyoj", tag)) {
            fail(d);
            break;
        }
        put_c(d, eat(d, 'n') ? "-" : "");
        constant_number(d);
    }
    leave(d);
}

/* ---- Both forms -------------------------------------------------------------------------------------------------- */

/* What LLVM added (`.llvm.123`) is dropped, what others did is kept. */
static void suffix(struct demangler *d)
{
    str rest = str_sub(d->in, d->at, d->in.len);
    if (rest.len && rest.ptr[0] != '.' && rest.ptr[0] != '$')
        fail(d);
    if (!str_starts(rest, STR(".llvm.")))
        put(d, rest);
}

static void v0(struct demangler *d)
{
    path(d, true);
    if (peek(d) >= 'A' && peek(d) <= 'Z') { /* the crate that made the instance */
        d->silent = true;
        path(d, false);
        d->silent = false;
    }
    suffix(d);
}

/* `$LT$`, `$u7b$`: gives what it takes of s; 0: unknown. */
static size_t escape(struct demangler *d, str s)
{
    static const char *const known[][2] = {{"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"},
                                           {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}};
    size_t end = str_find_char(s, '$', 1);
    if (end == SIZE_MAX)
        return 0;
    str name = str_sub(s, 1, end);
    for (u32 i = 0; i < LENGTH_OF(known); i++) {
        if (str_eq_c(name, known[i][0])) {
            put_c(d, known[i][1]);
            return end + 1;
        }
    }
    u32 scalar = 0;
    if (name.len < 2 || name.len > 7 || name.ptr[0] != 'u')
        return 0;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_hex(c))
            return 0;
        scalar = scalar << 4 | hex_value(c);
    }
    if (scalar < 32 || scalar > 0x10ffff || (scalar >= 0xd800 && scalar < 0xe000))
        return 0;
    char code[4];
    put(d, str_of(code, utf8_encode(scalar, code)));
    return end + 1;
}

static void legacy_part(struct demangler *d, str s)
{
    size_t at = str_starts(s, STR("_$")) ? 1 : 0;
    while (at < s.len && !d->failed) {
        str rest = str_sub(s, at, s.len);
        size_t taken = rest.ptr[0] == '$' ? escape(d, rest) : 0;
        if (str_starts(rest, STR(".."))) {
            put_c(d, "::");
            taken = 2;
        } else if (!taken) {
            put(d, str_sub(rest, 0, 1));
            taken = 1;
        }
        at += taken;
    }
}

static bool is_hash(str s)
{
    bool fine = s.len == 17 && s.ptr[0] == 'h';
    for (size_t i = 1; fine && i < s.len; i++)
        fine = is_hex(s.ptr[i]);
    return fine;
}

/* Looks like a nested name of C++ but for the hash at its end, which is not told. */
static void legacy(struct demangler *d)
{
    u32 parts = 0;
    while (!d->failed && is_digit(peek(d))) {
        str part = bytes(d, decimal(d));
        if (peek(d) == 'E' && is_hash(part) && parts) {
            d->at++;
            suffix(d);
            return;
        }
        put_c(d, parts++ ? "::" : "");
        legacy_part(d, part);
    }
    fail(d);
}

str engine_demangle(str name, struct arena *a)
{
    static const struct {
        const char *prefix;
        void (*read)(struct demangler *);
    } forms[] = {{"_R", v0}, {"__R", v0}, {"_ZN", legacy}, {"__ZN", legacy}};
    for (u32 i = 0; i < LENGTH_OF(forms); i++) {
        if (!str_starts(name, str_c(forms[i].prefix)))
            continue;
        struct demangler d = {.in = str_sub(name, strlen(forms[i].prefix), name.len),
                              .out = buf_in(a)};
        forms[i].read(&d);
        return d.failed ? name : buf_view(&d.out);
    }
    return name;
}
