/* syntax.c - the second pass over a source that tree-sitter found faulty.
 *
 * tree-sitter repairs as it parses, which moves its ERROR nodes away from the place of the mistake. An LR parser
 * meets a wrong token where any parser would, and its log tells: so the source is parsed again with the log on, up
 * to the first wrong token. There the error is reported, with what the parse tables would have taken. Then
 * the item around it is blanked in a copy of the text (offsets stay), and the rest parsed again, for
 * the next one.
 */
#include "ast.h"

#include "src/tree_sitter/parser.h" /* before api.h: the layout of the parse tables */

#include <stdlib.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_wit(void);

#define MORE_ERRORS 4               /* beyond the limit: some places are found twice */
#define EXTRA       64              /* braces that may be closed behind the end */
#define MAX_LOGGED  ((u64)64 << 20) /* bytes parsed with the log on; it is slow */

struct watch {
    const TSLanguage *language;
    struct arena *arena;
    u32 source;
    str text;
    u32 from;        /* where this parse starts: at an item of the file, with all before it sound */
    VEC(u32) lines;  /* starts, from there on, as far as they were asked for */
    VEC(u16) states; /* the parse stack, replayed */
    VEC(u16) trial;  /* a copy of it */
    u8 *possible;    /* tokens that could stand at the wrong place */
    u32 position;    /* where the token before ends, or a comment */
    u32 token_end;   /* where the token before ends */
    const char *symbol;
    char symbol_name[40];
    u32 angles;
    bool found; /* the first wrong token: */
    u32 at;
    enum { WRONG_TOKEN, WRONG_WORD, WRONG_DEPTH } kind;
    size_t stop; /* the cancellation flag */
};

/* ---- The log -------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static u32 token_start(str text, u32 at)
{
    if (at == 0 && str_starts(text, STR("\xef\xbb\xbf"))) {
        at = 3;
    }
    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '%' || (unsigned char)c >= 0x80;
}

static u32 token_end(str text, u32 at)
{
    u32 end = at;
    while (end < text.len && is_word_byte(text.ptr[end])) {
        end++;
    }
    if (end == at && end < text.len) {
        size_t next = at;
        utf8_next(text, &next);
        end = str_starts(str_sub(text, at, text.len), STR("->")) ? at + 2 : (u32)next;
    }
    return end;
}

/* The number after `key` in a message. */
static u32 number_of(const char *message, const char *key)
{
    const char *p = strstr(message, key);
    return p ? (u32)strtoul(p + strlen(key), NULL, 10) : 0;
}

static u32 line_start(struct watch *w, u32 line)
{
    while (w->lines.len <= line) {
        u32 last = *vec_last(&w->lines);
        const char *end = memchr(w->text.ptr + last, '\n', w->text.len - last);
        if (!end) {
            return (u32)w->text.len;
        }
        *vec_push(w->arena, &w->lines) = (u32)(end - w->text.ptr) + 1;
    }
    return w->lines.data[line];
}

static u16 lookup(const TSLanguage *l, u16 state, TSSymbol symbol)
{
    if (state < l->large_state_count) {
        return l->parse_table[(size_t)state * l->symbol_count + symbol];
    }
    const uint16_t *p =
        &l->small_parse_table[l->small_parse_table_map[state - l->large_state_count]];
    for (u16 groups = *p++; groups; groups--) {
        u16 value = *p++;
        for (u16 n = *p++; n; n--) {
            if (*p++ == symbol) {
                return value;
            }
        }
    }
    return 0;
}

static void reduce(struct watch *w, const char *name, u32 count)
{
    w->states.len = w->states.len > count ? w->states.len - count : 1;
    u16 state = w->states.data[w->states.len - 1];
    size_t n = strcspn(name, ",");
    for (u32 s = w->language->token_count; s < w->language->symbol_count; s++) {
        const char *candidate = w->language->symbol_names[s];
        if (strlen(candidate) == n && memcmp(candidate, name, n) == 0) {
            *vec_push(w->arena, &w->states) = lookup(w->language, state, (TSSymbol)s);
            return;
        }
    }
}

static void found(struct watch *w, int kind, u32 at)
{
    if (!w->found) {
        w->found = true;
        w->kind = kind;
        w->at = at;
        w->stop = 1;
    }
}

static void shifted(struct watch *w, u32 state)
{
    u32 at = token_start(w->text, w->position);
    str word = str_sub(w->text, at, token_end(w->text, at));
    bool open = str_eq_c(str_c(w->symbol), "<"), close = str_eq_c(str_c(w->symbol), ">");
    if (w->angles >= WIT_MAX_TYPE_DEPTH && !close) {
        found(w, WRONG_DEPTH, at);
    } else if (str_eq_c(str_c(w->symbol), "identifier") && wit_is_reserved(word)) {
        found(w, WRONG_WORD, at);
    }
    w->angles += open;
    w->angles -= close && w->angles;
    if (!w->found) {
        *vec_push(w->arena, &w->states) = (u16)state;
    }
}

static void on_log(void *payload, TSLogType type, const char *m)
{
    struct watch *w = payload;
    if (type != TSLogTypeParse || w->found) {
        return;
    }
    if (strncmp(m, "process ", 8) == 0) {
        u32 line = line_start(w, number_of(m, "row:"));
        w->position = line < w->text.len ? line + number_of(m, "col:") : (u32)w->text.len;
        w->token_end = strstr(w->symbol, "_comment") ? w->token_end : w->position;
    } else if (strncmp(m, "lexed_lookahead sym:", 20) == 0) {
        size_t n = strcspn(m + 20, ",");
        n = n ? n : 1; /* the comma itself */
        n = n < sizeof w->symbol_name ? n : sizeof w->symbol_name - 1;
        memcpy(w->symbol_name, m + 20, n);
        w->symbol_name[n] = 0;
        w->symbol = w->symbol_name;
    } else if (strncmp(m, "switch from_keyword:", 20) == 0) {
        w->symbol = "identifier";
    } else if (strncmp(m, "shift state:", 12) == 0) {
        shifted(w, number_of(m, "state:"));
    } else if (strncmp(m, "reduce sym:", 11) == 0) {
        reduce(w, m + 11, number_of(m, "child_count:"));
    } else if (strncmp(m, "detect_error", 12) == 0) {
        found(w, WRONG_TOKEN, token_start(w->text, w->position));
    }
}

/* ---- What was expected ------------------------------------------------------------------------------------------- */

/* Would this token be shifted, after the reductions that it asks for? */
static bool can_shift(struct watch *w, TSSymbol symbol)
{
    u32 len = w->states.len;
    vec_reserve(w->arena, &w->trial, len + 1);
    memcpy(w->trial.data, w->states.data, len * sizeof(u16));
    for (u32 steps = 0; steps < 1000; steps++) {
        u16 index = lookup(w->language, w->trial.data[len - 1], symbol);
        const TSParseActionEntry *entry = &w->language->parse_actions[index];
        if (!index || !entry->entry.count) {
            return false;
        }
        const TSParseAction *action = &entry[1].action;
        if (action->type != TSParseActionTypeReduce) {
            return !action->shift.extra;
        }
        len = len > action->reduce.child_count ? len - action->reduce.child_count : 1;
        vec_reserve(w->arena, &w->trial, len + 1);
        w->trial.data[len] = lookup(w->language, w->trial.data[len - 1], action->reduce.symbol);
        len++;
    }
    return false;
}

static void find_possible(struct watch *w)
{
    w->possible = arena_alloc(w->arena, w->language->token_count);
    for (u32 s = 0; s < w->language->token_count; s++) {
        w->possible[s] = can_shift(w, (TSSymbol)s);
    }
}

static bool takes(const struct watch *w, const char *name)
{
    for (u32 s = 1; s < w->language->token_count; s++) {
        if (w->possible[s] && strcmp(w->language->symbol_names[s], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool in_list(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The last token before `at`. */
static u32 end_of_previous(str text, u32 at)
{
    while (at && is_blank(text.ptr[at - 1])) {
        at--;
    }
    return at;
}

/* Sets of tokens that have a name of their own: if the first is possible, all of them are said in one. */
struct group {
    const char *text;
    const char *words[20];
    const char *only_with; /* else each is said for itself */
};
static const struct group groups[] = {
    {"a type",
     {"tuple", "primitive_type", "list", "option", "result", "map", "own", "borrow", "future",
      "stream", NULL},
     NULL},
    {"a type definition", {"record", "flags", "variant", "enum", "resource", "type", NULL}, NULL},
    {"a function type", {"func", "async", "get", "set", "static", NULL}, "async"},
    {"a gate such as `@since`", {"since", "unstable", "deprecated", "external-id", NULL}, NULL},
};

static bool is_meant(const struct watch *w, const struct group *g)
{
    return takes(w, g->words[0]) && (!g->only_with || takes(w, g->only_with));
}

/* Tokens that have no text of their own. */
static const struct {
    const char *name, *text;
} patterns[] = {
    {"identifier", "an identifier"},
    {"string_literal", "a text literal"},
    {"version_token1", "a number of a version"},
};

static str shown(struct watch *w, const char *name)
{
    for (u32 i = 0; i < LENGTH_OF(patterns); i++) {
        if (strcmp(name, patterns[i].name) == 0) {
            return str_c(patterns[i].text);
        }
    }
    if (strcmp(name, "integer_token1") == 0) { /* also the first part of a version */
        u32 before = end_of_previous(w->text, w->at);
        char c = before ? w->text.ptr[before - 1] : 0;
        return c == '@' || c == '=' ? STR("a version such as `1.2.3`") : STR("a number");
    }
    return str_printf(w->arena, "`%s`", name);
}

static str expected(struct watch *w)
{
    VEC(str) texts = {0};
    bool is_type = takes(w, "tuple");
    for (u32 g = 0; g < LENGTH_OF(groups); g++) {
        if (is_meant(w, &groups[g])) {
            *vec_push(w->arena, &texts) = str_c(groups[g].text);
        }
    }
    for (u32 s = 1; s < w->language->token_count; s++) {
        const char *name = w->language->symbol_names[s];
        bool skip = !w->possible[s] || strstr(name, "_comment") ||
                    (is_type && strcmp(name, "identifier") == 0) ||
                    (strcmp(name, "@") == 0 && takes(w, "interface")) ||
                    strcmp(name, "version_token2") == 0 || /* -pre and +build may follow */
                    strcmp(name, "version_token3") == 0;
        for (u32 g = 0; g < LENGTH_OF(groups) && !skip; g++) {
            skip = in_list(name, groups[g].words) && is_meant(w, &groups[g]);
        }
        if (!skip) {
            *vec_push(w->arena, &texts) = shown(w, name);
        }
    }
    struct buf b = buf_in(w->arena);
    for (u32 i = 0; i < texts.len; i++) {
        buf_c(&b, i == 0 ? "" : i + 1 < texts.len ? ", " : " or ");
        buf_str(&b, texts.data[i]);
    }
    return buf_view(&b);
}

static str found_text(struct arena *a, str text, u32 at)
{
    if (at >= text.len) {
        return STR("the end of the file");
    }
    str t = str_sub(text, at, token_end(text, at));
    if (is_word_byte(t.ptr[0]) && !wit_is_reserved(t)) {
        return t.ptr[0] >= '0' && t.ptr[0] <= '9' ? str_printf(a, "number `" STRF "`", STRA(t))
                                                  : str_printf(a, "identifier `" STRF "`", STRA(t));
    }
    return wit_is_reserved(t) ? str_printf(a, "keyword `" STRF "`", STRA(t))
                              : str_printf(a, "`" STRF "`", STRA(t));
}

/* ---- Reporting --------------------------------------------------------------------------------------------------- */

/* A word that was mistyped. */
static void suggest_word(struct diags *d, struct diag *x, struct watch *w, str word)
{
    str names[64];
    u32 n = 0;
    for (u32 s = 1; s < w->language->token_count && n < LENGTH_OF(names); s++) {
        str name = str_c(w->language->symbol_names[s]);
        bool is_word = name.len > 2 && name.ptr[0] >= 'a' && name.ptr[0] <= 'z' &&
                       str_find_char(name, '_', 0) == SIZE_MAX && !str_eq(name, STR("identifier"));
        if (w->possible[s] && is_word) {
            names[n++] = name;
        }
    }
    if (word.len > 2) {
        diag_suggest(d, x, word, names, n);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The `@` of a version, and not of a gate? */
static bool starts_version(str text, u32 at)
{
    u32 next = at + 1;
    return at < text.len && text.ptr[at] == '@' && (next = token_start(text, next)) < text.len &&
           is_digit(text.ptr[next]);
}

/* What ends before `at`: a word, with the namespace of a package if there is one. */
static str path_before(str text, u32 at)
{
    u32 end = end_of_previous(text, at), start = end;
    while (start && (is_word_byte(text.ptr[start - 1]) || text.ptr[start - 1] == ':')) {
        start--;
    }
    return str_sub(text, start, end);
}

/* A version that does not stand behind the interface of a package. */
static void hint_version(struct diags *d, struct diag *x, struct watch *w)
{
    str path = path_before(w->text, w->at);
    u32 from = token_start(w->text, w->at + 1), to = from;
    while (to < w->text.len && (is_word_byte(w->text.ptr[to]) || w->text.ptr[to] == '+' ||
                                (w->text.ptr[to] == '.' && to + 1 < w->text.len &&
                                 is_word_byte(w->text.ptr[to + 1])))) {
        to++;
    }
    str version = str_sub(w->text, from, to);
    if (str_find_char(path, ':', 0) != SIZE_MAX) {
        diag_help(d, x, "name an interface or world of the package: `" STRF "/NAME@" STRF "`",
                  STRA(path), STRA(version));
    } else if (path.len) {
        diag_help(d, x,
                  "a version stands behind a package and a name of it: `NS:PACKAGE/" STRF "@" STRF
                  "`",
                  STRA(path), STRA(version));
    }
}

/* `<` behind a word that takes none: mistyped, or of another language. */
static void hint_parts(struct diags *d, struct diag *x, struct watch *w, u32 source)
{
    static const str generic[] = {
        STR_INIT("list"),   STR_INIT("option"), STR_INIT("result"),
        STR_INIT("tuple"),  STR_INIT("map"),    STR_INIT("stream"),
        STR_INIT("future"), STR_INIT("own"),    STR_INIT("borrow"),
    };
    u32 end = end_of_previous(w->text, w->at), start = end;
    while (start && is_word_byte(w->text.ptr[start - 1])) {
        start--;
    }
    str word = str_sub(w->text, start, end);
    bool is_type = !wit_is_reserved(word) || str_eq_c(word, wit_prim_name(wit_prim_of(word)));
    if (!word.len || !is_type) {
        return;
    }
    diag_label(d, x, (span){source, start, end}, "no type of this name takes others in `<>`");
    str near = near_name(word, generic, LENGTH_OF(generic));
    if (near.len) {
        diag_help(d, x, "did you mean `" STRF "`?", STRA(near));
    } else {
        diag_help(d, x,
                  "these do: `list`, `option`, `result`, `tuple`, `map`, `stream`, `future`, `own` "
                  "and `borrow`");
    }
}

static void hints(struct diags *d, struct diag *x, struct watch *w, u32 source)
{
    str rest = str_sub(w->text, w->at, w->text.len);
    char c = rest.len ? rest.ptr[0] : 0;
    u32 before = end_of_previous(w->text, w->at);
    if (starts_version(w->text, w->at)) {
        hint_version(d, x, w);
    } else if (c == '<') {
        hint_parts(d, x, w, source);
    } else if (takes(w, ";") && before && (c == ',' || c == '}' || is_word_byte(c) || c == '@')) {
        if (c == ',') {
            diag_help(d, x, "items of an interface or a world end with `;`");
        } else {
            diag_label(d, x, (span){source, before - 1, before}, "a `;` may be missing after this");
        }
    } else if (c == ';' && takes(w, ",") && takes(w, "}")) {
        diag_help(d, x, "fields and cases are separated by `,`");
    } else if (c == ':' && takes(w, "/")) {
        diag_note(d, x, "nested namespaces (`a:b:c/d`) are not supported yet");
    } else if (c == '/' && (takes(w, "@") || takes(w, "."))) {
        diag_note(d, x, "nested packages (`a:b/c/d`) are not supported yet");
    } else if (takes(w, "version") && takes(w, "(")) {
        diag_help(d, x, "write `@since(version = 1.2.3)`");
    }
}

static struct diag *report(struct diags *d, struct watch *w, u32 source)
{
    u32 at = w->at, end = token_end(w->text, at);
    span place = {source, at, end > at ? end : at};
    find_possible(w);
    struct diag *x;
    str rest = str_sub(w->text, at, w->text.len);
    str word = str_sub(w->text, at, end);
    struct wit_sign sign;
    if (wit_find_sign(word, &sign)) {
        at += sign.at;
        return wit_report_sign(d, (span){source, at, at + sign.length}, sign.c);
    }
    if (w->kind == WRONG_DEPTH) {
        x = diag_error(d, "wit-nesting", place, "type nesting too deep");
        diag_note(d, x, "a type has at most %u levels", WIT_MAX_TYPE_DEPTH);
    } else if (w->kind == WRONG_WORD) {
        str wanted = expected(w);
        x = diag_error(d, "wit-syntax", place, "expected " STRF ", found keyword `" STRF "`",
                       STRA(wanted), STRA(word));
        wit_help_reserved(d, x, word);
    } else if (str_starts(rest, STR("/*"))) {
        place.end = at + 2;
        x = diag_error(d, "wit-syntax", place, "unterminated block comment");
        diag_note(d, x, "block comments nest: each `/*` needs a `*/` of its own");
    } else if (str_starts(rest, STR("\"")) && !takes(w, "string_literal")) {
        x = diag_error(d, "wit-syntax", place, "expected " STRF ", found a text literal",
                       STRA(expected(w)));
    } else if (str_starts(rest, STR("\""))) {
        x = diag_error(d, "wit-literal", place, "unterminated text literal");
    } else if (takes(w, "since") && takes(w, "unstable") && wit_check_label(word) == NULL) {
        static const str gates[] = {STR_INIT("since"), STR_INIT("unstable"), STR_INIT("deprecated"),
                                    STR_INIT("external-id")};
        x = diag_error(d, "wit-gate", place, "unknown attribute `" STRF "`", STRA(word));
        diag_suggest(d, x, word, gates, LENGTH_OF(gates));
    } else {
        x = diag_error(d, "wit-syntax", place, "expected " STRF ", found " STRF, STRA(expected(w)),
                       STRA(found_text(d->arena, w->text, at)));
        suggest_word(d, x, w, word);
        hints(d, x, w, source);
    }
    return x;
}

/* ---- Going on ------------------------------------------------------------------------------------------------------ */

/* Where the item around `at` starts: behind `from`, after the last `;`, `{`, `}` or separating comma. */
static u32 item_start(str text, u32 from, u32 at)
{
    u32 start = from, parens = 0, angles = 0;
    for (u32 i = from; i < at;) {
        u32 after = wit_skip_opaque(text, i);
        if (after != i) {
            i = after;
            continue;
        }
        char c = text.ptr[i++];
        parens += c == '(';
        parens -= c == ')' && parens;
        angles += c == '<';
        angles -= c == '>' && angles && text.ptr[i - 2] != '-';
        if (c == ';' || c == '{' || c == '}' || (c == ',' && !parens && !angles)) {
            start = i;
            parens = angles = 0;
        }
    }
    return start > at ? at : start;
}

/* The item starts at `start`; what is open at `at` must be closed before a comma can end it. */
static u32 item_end(str text, u32 start, u32 at)
{
    u32 depth = 0, open = 0;
    for (u32 i = start; i < text.len;) {
        u32 after = wit_skip_opaque(text, i);
        if (after != i) {
            i = after;
            continue;
        }
        char c = text.ptr[i];
        if (c == '}' && depth == 0) {
            return i;
        }
        i++;
        depth += c == '{';
        open += c == '(' || c == '<';
        open -= open && (c == ')' || (c == '>' && text.ptr[i - 2] != '-'));
        if (c == '}' && --depth == 0 && i > at) {
            u32 next = token_start(text, i);
            return next < text.len && text.ptr[next] == ';' ? next + 1 : i;
        }
        if ((c == ';' || (c == ',' && !open)) && depth == 0 && i > at) {
            return i;
        }
    }
    return (u32)text.len;
}

/* Does an item start with this word? Then what stands before it is the broken one. */
static bool starts_item(str word)
{
    static const char *const words[] = {"type",  "record",    "flags",   "variant",     "enum",
                                        "use",   "import",    "export",  "include",     "resource",
                                        "world", "interface", "package", "constructor", NULL};
    for (const char *const *w = words; *w; w++) {
        if (str_eq_c(word, *w)) {
            return true;
        }
    }
    return false;
}

/* Overwrites text[from, to) with blanks; its words are remembered, and the place. */
static bool blank(struct watch *w, char *text, u32 from, u32 to, struct wit_skipped *skipped)
{
    bool any = false;
    *vec_push(skipped->arena, &skipped->places) = (span){w->source, from, to};
    for (u32 i = from; i < to;) {
        u32 end = i;
        while (end < to && is_word_byte(text[end])) {
            end++;
        }
        if (end > i) {
            str word = str_dup(skipped->arena, str_of(text + i, end - i));
            map_put(skipped->arena, &skipped->words,
                    word.ptr[0] == '%' ? str_sub(word, 1, word.len) : word, 1);
        }
        end = end > i ? end : i + 1;
        for (; i < end; i++) {
            any |= !is_blank(text[i]);
            text[i] = text[i] == '\n' ? '\n' : ' ';
        }
    }
    return any;
}

/* The innermost `{` before the end that has no `}`. */
static u32 open_brace(struct arena *a, str text)
{
    VEC(u32) open = {0};
    for (u32 i = 0; i < text.len;) {
        u32 after = wit_skip_opaque(text, i);
        if (after == i) {
            if (text.ptr[i] == '{') {
                *vec_push(a, &open) = i;
            }
            open.len -= text.ptr[i] == '}' && open.len;
            after++;
        }
        i = after;
    }
    return open.len ? *vec_last(&open) : UINT32_MAX;
}

static bool blank_item(struct watch *w, char *bytes, struct wit_skipped *skipped)
{
    str text = w->text;
    u32 at = w->at;
    u32 start = item_start(text, w->from, at), end = item_end(text, start, at);
    str word = str_sub(text, at, token_end(text, at));
    bool before = token_start(text, start) < at;
    bool is_gate = str_eq(word, STR("@")) && !starts_version(text, at);
    if (before && (starts_item(word) || is_gate)) {
        end = at;
    }
    bool any = blank(w, bytes, start, end, skipped);
    return any || (at < text.len && blank(w, bytes, at, token_end(text, at), skipped));
}

/* All up to the wrong token is sound now, or will be blanked within its own item of the file. So the next parse need not
 * start before the last such item; with one before it, `package` cannot follow. */
static void skip_sound(struct watch *w)
{
    u32 depth = 0, start = w->from;
    for (u32 i = start; i < w->at;) {
        u32 after = wit_skip_opaque(w->text, i);
        if (after == i) {
            char c = w->text.ptr[i];
            after++;
            depth += c == '{';
            if (c == '}' && depth && --depth == 0) {
                w->from = start;
                start = after;
            }
        }
        i = after;
    }
}

/* One parse with the log on. */
static void watch(struct watch *w, TSParser *parser)
{
    w->found = false;
    w->stop = 0;
    w->position = w->token_end = w->from;
    w->angles = 0;
    w->lines.len = 0;
    *vec_push(w->arena, &w->lines) = w->from;
    w->symbol = "";
    w->states.len = 0;
    *vec_push(w->arena, &w->states) = 1;
    ts_parser_set_logger(parser, (TSLogger){w, on_log});
    ts_parser_set_cancellation_flag(parser, &w->stop);
    str text = str_sub(w->text, w->from, w->text.len);
    TSTree *tree = ts_parser_parse_string(parser, NULL, text.ptr, (u32)text.len);
    ts_parser_set_cancellation_flag(parser, NULL);
    ts_parser_set_logger(parser, (TSLogger){NULL, NULL});
    ts_parser_reset(parser);
    if (tree) {
        ts_tree_delete(tree);
    }
}

/* Where just a `;` or a `,` is missing, it is put into the blank behind the token before, and nothing is lost. */
static bool insert_separator(struct watch *w, char *bytes)
{
    str word = str_sub(w->text, w->at, token_end(w->text, w->at));
    bool starts =
        word.len && (is_word_byte(word.ptr[0]) || word.ptr[0] == '@' || word.ptr[0] == '}');
    if (w->kind != WRONG_TOKEN || !starts || w->token_end >= w->at ||
        !is_blank(bytes[w->token_end])) {
        return false;
    }
    if (takes(w, ";")) {
        bytes[w->token_end] = ';';
        return true;
    }
    if (takes(w, ",") && word.ptr[0] != '}') {
        bytes[w->token_end] = ',';
        return true;
    }
    return false;
}

/* The end of the file comes too early: closes what is open, behind the text. */
static bool close_block(struct watch *w, struct diag *x, struct diags *d, u32 source, char *bytes,
                        u32 length)
{
    u32 brace = open_brace(w->arena, w->text);
    if (brace == UINT32_MAX || w->text.len >= (size_t)length + EXTRA) {
        return false;
    }
    if (x) {
        diag_label(d, x, (span){source, brace, brace + 1}, "this is not closed");
    }
    bytes[w->text.len++] = '}';
    return true;
}

TSTree *wit_report_syntax(struct arena *a, struct diags *d, u32 source, struct wit_skipped *skipped,
                          TSParser *parser, str *text)
{
    u32 length = (u32)text->len, last = 0;
    char *bytes = arena_alloc(a, text->len + EXTRA);
    memcpy(bytes, text->ptr, length);
    struct watch w = {
        .language = tree_sitter_wit(), .arena = a, .source = source, .text = str_of(bytes, length)};
    u64 logged = 0;
    bool first = true, ended = false, clean = false;
    struct diag *latest = NULL;
    u64 most = (u64)diags_limit(d) + MORE_ERRORS;
    for (u64 i = 0; i < most; i++) {
        if (logged > MAX_LOGGED) {
            diag_note(d, latest, "there are many errors in this text: others may follow");
            break;
        }
        watch(&w, parser);
        if (!w.found) {
            clean = !first;
            break;
        }
        logged += w.at - w.from;
        struct diag *x = NULL;
        if ((first || w.at > last) && !(ended && w.at >= length)) {
            x = latest = report(d, &w, source);
            last = w.at;
        }
        skip_sound(&w);
        first = false;
        if (x && insert_separator(&w, bytes)) {
            continue;
        }
        if (w.at >= length) {
            if (close_block(&w, x, d, source, bytes, length)) {
                ended = true;
                continue;
            }
        }
        /* What is not ended may have taken braces with it. */
        str rest = str_sub(w.text, w.at, length);
        ended |= str_starts(rest, STR("/*")) || str_starts(rest, STR("\""));
        if (!blank_item(&w, bytes, skipped)) {
            break;
        }
    }
    if (first) { /* the log shows nothing: say at least that something is wrong */
        diag_error(d, "wit-syntax", (span){source, 0, 0}, "not WIT");
    }
    *text = w.text;
    if (!clean) {
        return NULL;
    }
    TSTree *tree = ts_parser_parse_string(parser, NULL, w.text.ptr, (u32)w.text.len);
    if (tree && ts_node_has_error(ts_tree_root_node(tree))) {
        ts_tree_delete(tree);
        return NULL;
    }
    return tree;
}
