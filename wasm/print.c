/* print.c - the entrance of the printer, lines and groups, identifiers, strings. */
#include "print.h"

#include <stdlib.h>

/* Deeper lines are not indented further, so that the size of the text stays linear. */
enum { MAX_INDENT = 50, FLUSH_AT = 1 << 16 };

/* ---- Numbers ------------------------------------------------------------------------------------ */

void p_u64(struct printer *p, u64 n)
{
    char digits[20];
    u32 at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    p_bytes(p, digits + at, sizeof digits - at);
}

void p_i64(struct printer *p, i64 n)
{
    if (n < 0) {
        p_byte(p, '-');
    }
    p_u64(p, n < 0 ? 0 - (u64)n : (u64)n);
}

void p_hex(struct printer *p, u64 n)
{
    char digits[16];
    u32 at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[n & 15];
        n >>= 4;
    } while (n);
    p_bytes(p, digits + at, sizeof digits - at);
}

/* ---- Lines and groups ----------------------------------------------------------------------------- */

void p_newline(struct printer *p, u32 offset)
{
    if (p->sink && p->out->len >= FLUSH_AT && !p->failed) {
        p->failed = !p->sink(p->sink_ctx, buf_view(p->out));
        p->out->len = 0;
    }
    p_byte(p, '\n');
    if (p->options->offsets) {
        if (offset == NO_OFFSET) {
            p_c(p, "           ");
        } else {
            buf_printf(p->out, "(;@%-6x;)", offset);
        }
    }
    p->line++;
    u32 depth = p->nesting < MAX_INDENT ? p->nesting : MAX_INDENT;
    if (str_eq(p->indent, STR("  "))) {
        static const char blanks[2 * MAX_INDENT + 1] =
            "                                                  "
            "                                                  ";
        p_bytes(p, blanks, (size_t)depth * 2);
        return;
    }
    for (u32 i = 0; i < depth; i++) {
        p_str(p, p->indent);
    }
}

void p_open(struct printer *p, const char *head)
{
    p_byte(p, '(');
    p_c(p, head);
    p->nesting++;
    *vec_push(p->a, &p->group_lines) = p->line;
}

static u32 pop_group(struct printer *p)
{
    p->nesting--;
    return p->group_lines.data[--p->group_lines.len];
}

void p_close(struct printer *p)
{
    if (pop_group(p) != p->line) {
        p_newline(p, NO_OFFSET);
    }
    p_byte(p, ')');
}

void p_close_at(struct printer *p, u32 offset)
{
    if (pop_group(p) != p->line || p->options->offsets) {
        p_newline(p, offset);
    }
    p_byte(p, ')');
}

void p_fail(struct printer *p, u32 offset, const char *format, ...)
{
    if (p->failed) {
        return;
    }
    p->failed = true;
    va_list args;
    va_start(args, format);
    str text = str_vprintf(p->a, format, args);
    va_end(args);
    diag_error(p->d, "malformed", (span){p->source, offset, offset + 1}, STRF, STRA(text));
}

/* ---- Strings ------------------------------------------------------------------------------------------ */

static bool is_plain_char(u8 c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void p_string_contents(struct printer *p, str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t run = at;
        while (run < s.len && is_plain_char((u8)s.ptr[run])) {
            run++;
        }
        p_bytes(p, s.ptr + at, run - at);
        at = run;
        if (at < s.len) {
            p_c(p, "\\u{");
            p_hex(p, utf8_next(s, &at));
            p_byte(p, '}');
        }
    }
}

void p_string(struct printer *p, str s)
{
    p_byte(p, '"');
    p_string_contents(p, s);
    p_byte(p, '"');
}

void p_data(struct printer *p, str bytes)
{
    p_byte(p, '"');
    for (size_t at = 0; at < bytes.len;) {
        size_t n = bytes.len - at > 4096 ? 4096 : bytes.len - at;
        struct buf *b = p->out;
        buf_reserve(b, n * 3);
        char *to = b->data + b->len;
        for (size_t end = at + n; at < end; at++) {
            u8 c = (u8)bytes.ptr[at];
            if (is_plain_char(c)) {
                *to++ = (char)c;
            } else {
                *to++ = '\\';
                *to++ = "0123456789abcdef"[c >> 4];
                *to++ = "0123456789abcdef"[c & 15];
            }
        }
        b->len = (size_t)(to - b->data);
        if (p->sink && b->len >= FLUSH_AT && !p->failed) {
            p->failed = !p->sink(p->sink_ctx, buf_view(b));
            b->len = 0;
        }
    }
    p_byte(p, '"');
}

/* ---- Identifiers ----------------------------------------------------------------------------------------- */

static bool is_ident_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-./:<=>?@\\^_`|~", c));
}

/* Names that cannot be identifiers as they are (empty, taken, or with the `#` that the printer keeps for
 * itself) get a synthetic identifier made of group and index. */
struct ident wasm_pr_ident(str name, u32 index, const char *group, bool taken)
{
    struct ident i = {.index = index, .name = name, .group = group};
    for (size_t k = 0; k < name.len && i.kind == IDENT_PLAIN; k++) {
        i.kind = is_ident_char(name.ptr[k]) ? IDENT_PLAIN : IDENT_QUOTED;
    }
    if (name.len == 0 || name.ptr[0] == '#' || taken) {
        i.kind = IDENT_SYNTHETIC;
    }
    return i;
}

static int compare_idents(const void *x, const void *y)
{
    const struct ident *a = x, *b = y;
    if (a->outer != b->outer) {
        return a->outer < b->outer ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* `used` holds the map in which each name stood last. */
static bool name_taken(struct arena *a, struct map *used, const struct name_entry *e)
{
    if (e->name.len == 0 || e->name.ptr[0] == '#') {
        return false;
    }
    u32 last = map_get(used, e->name);
    map_put(a, used, e->name, e->map);
    return last == e->map;
}

struct ident_table wasm_pr_idents(struct arena *a, const struct name_map *map, const char *group,
                                  bool unique)
{
    u32 n = map->entries.len;
    struct ident *idents = arena_array(a, struct ident, n);
    struct map used = {0};
    bool sorted = true;
    for (u32 i = 0; i < n; i++) {
        const struct name_entry *e = &map->entries.data[i];
        idents[i] = wasm_pr_ident(e->name, e->index, group, unique && name_taken(a, &used, e));
        idents[i].outer = e->outer;
        idents[i].order = i;
        sorted = sorted && (i == 0 || compare_idents(&idents[i - 1], &idents[i]) < 0);
    }
    if (!sorted) {
        qsort(idents, n, sizeof *idents, compare_idents);
    }
    u32 kept = 0;
    for (u32 i = 0; i < n; i++) {
        bool again = kept && idents[kept - 1].outer == idents[i].outer &&
                     idents[kept - 1].index == idents[i].index;
        idents[again ? kept - 1 : kept++] = idents[i];
    }
    return (struct ident_table){idents, kept};
}

const struct ident *wasm_pr_find(const struct ident_table *t, u32 outer, u32 index)
{
    if (index < t->len && t->idents[index].index == index && t->idents[index].outer == outer) {
        return &t->idents[index]; /* all are named, as usual */
    }
    u32 low = 0, high = t->len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        const struct ident *i = &t->idents[middle];
        if (i->outer == outer && i->index == index) {
            return i;
        }
        if (i->outer < outer || (i->outer == outer && i->index < index)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void p_ident_use(struct printer *p, const struct ident *i)
{
    p_byte(p, '$');
    if (i->kind == IDENT_PLAIN) {
        p_str(p, i->name);
        return;
    }
    p_byte(p, '"');
    if (i->kind == IDENT_SYNTHETIC) {
        p_byte(p, '#');
        p_c(p, i->group);
        p_u64(p, i->index);
        p_byte(p, ' ');
    }
    p_string_contents(p, i->name);
    p_byte(p, '"');
}

void p_ident_def(struct printer *p, const struct ident *i)
{
    p_ident_use(p, i);
    if (i->kind == IDENT_SYNTHETIC) {
        p_c(p, " (@name ");
        p_string(p, i->name);
        p_byte(p, ')');
    }
}

/* What a made-up name says of the space: `$#func0`. */
static const char *const space_words[SPACE_COUNT] = {
    [SORT_CORE_FUNC] = "func",     [SORT_CORE_TABLE] = "table",
    [SORT_CORE_MEMORY] = "memory", [SORT_CORE_GLOBAL] = "global",
    [SORT_CORE_TAG] = "tag",       [SORT_CORE_TYPE] = "type",
    [SORT_CORE_MODULE] = "module", [SORT_CORE_INSTANCE] = "instance",
    [SORT_FUNC] = "func",          [SORT_VALUE] = "value",
    [SORT_TYPE] = "type",          [SORT_COMPONENT] = "component",
    [SORT_INSTANCE] = "instance",  [SPACE_ELEM] = "elem",
    [SPACE_DATA] = "data",
};

void p_index_in(struct printer *p, const struct ident_table *t, u32 outer, u32 index,
                const char *group)
{
    const struct ident *i = wasm_pr_find(t, outer, index);
    if (i) {
        p_ident_use(p, i);
        return;
    }
    if (p->options->name_unnamed) {
        p_c(p, "$#");
        p_c(p, group);
    }
    p_u64(p, index);
}

void p_index(struct printer *p, const struct print_scope *s, u32 space, u32 index)
{
    p_index_in(p, &s->idents[space], 0, index, space_words[space]);
}

void p_name(struct printer *p, const struct print_scope *s, u32 space, u32 index)
{
    const struct ident *i = wasm_pr_find(&s->idents[space], 0, index);
    if (i) {
        p_ident_def(p, i);
        p_byte(p, ' ');
    } else if (p->options->name_unnamed) {
        p_c(p, "$#");
        p_c(p, space_words[space]);
        p_u64(p, index);
        p_byte(p, ' ');
    }
    p_c(p, "(;");
    p_u64(p, index);
    p_c(p, ";)");
}

/* ---- Entrance ------------------------------------------------------------------------------------------- */

static bool print_all(struct printer *p, const struct wasm_binary *binary)
{
    if (binary->layer == LAYER_COMPONENT) {
        p->source = binary->component->source;
        p_component(p, binary->component, NULL, 0);
    } else {
        p->source = binary->module->source;
        p_module(p, binary->module, NULL, 0);
    }
    p_byte(p, '\n');
    if (p->sink && !p->failed) {
        p->failed = !p->sink(p->sink_ctx, buf_view(p->out));
        p->out->len = 0;
    }
    return !p->failed;
}

static struct printer printer_of(struct arena *a, struct buf *out, struct diags *d,
                                 const struct wasm_print_options *options)
{
    return (struct printer){
        .out = out,
        .a = a,
        .d = d,
        .options = options,
        .indent = options->indent ? str_c(options->indent) : STR("  "),
    };
}

bool wasm_print(struct buf *out, const struct wasm_binary *binary,
                const struct wasm_print_options *options, struct diags *d)
{
    struct printer p = printer_of(out->arena, out, d, options);
    return print_all(&p, binary);
}

bool wasm_print_stream(struct arena *a, const struct wasm_binary *binary,
                       const struct wasm_print_options *options, bool (*sink)(void *ctx, str text),
                       void *ctx, struct diags *d)
{
    struct buf out = buf_in(a);
    struct printer p = printer_of(a, &out, d, options);
    p.sink = sink;
    p.sink_ctx = ctx;
    return print_all(&p, binary);
}
