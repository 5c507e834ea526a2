/* run_find.c - finds the export that --invoke names. */
#include "run_find.h"

#include <string.h>

/* So many exports are looked through, nearest to the root first: instances that hold each other twice make more of them
 * than there is time for. An export that is named in full is found without the search. */
#define MOST_LOOKED_AT 300000
#define MOST_DEEP      100
#define MOST_LISTED    20

typedef VEC(struct run_export) export_vec;

/* ---- Names -------------------------------------------------------------------------------------------------- */

static void put_scope(struct buf *out, const struct run_scope *scope)
{
    if (scope->in) {
        put_scope(out, scope->in);
        buf_byte(out, '.');
    }
    buf_str(out, scope->name);
}

str run_export_name(struct cli *cli, const struct run_export *e)
{
    struct buf b = buf_in(&cli->arena);
    if (e->in) {
        put_scope(&b, e->in);
        buf_byte(&b, '#');
    }
    buf_str(&b, e->what->name);
    return buf_view(&b);
}

static bool is_join(char c)
{
    return c == '.' || c == '#';
}

/* How near the version of an export has to be to the one that --invoke names; each takes in those before it. */
enum nearness {
    SAME_VERSION,  /* or none is named */
    LATER_VERSION, /* of the same semver track */
    SAME_TRACK,
    NEARNESS_COUNT
};

static bool fits(str wanted, str have, enum nearness nearness)
{
    str plain;
    if (!str_cut(wanted, '@', &plain).len) {
        str have_plain;
        str_cut(have, '@', &have_plain);
        return str_eq(plain, have_plain);
    }
    return nearness == SAME_VERSION
               ? str_eq(wanted, have)
               : canon_name_compatible(wanted, have) &&
                     (nearness == SAME_TRACK || !canon_name_older(wanted, have));
}

/* Does `wanted` mean the instance `have`? In full, without the version, or by its last word. */
static bool means_instance(str wanted, str have, enum nearness nearness)
{
    size_t slash = str_rfind_char(have, '/');
    return fits(wanted, have, nearness) ||
           (slash != SIZE_MAX && fits(wanted, str_sub(have, slash + 1, have.len), nearness));
}

/* Does `wanted` name the scope, or the end of the way to it? */
static bool means_scope(str wanted, const struct run_scope *scope, enum nearness nearness)
{
    if (!scope) {
        return false;
    }
    if (means_instance(wanted, scope->name, nearness)) {
        return true;
    }
    for (size_t i = wanted.len; i-- > 0;) {
        if (is_join(wanted.ptr[i]) &&
            means_instance(str_sub(wanted, i + 1, wanted.len), scope->name, nearness) &&
            means_scope(str_sub(wanted, 0, i), scope->in, nearness)) {
            return true;
        }
    }
    return false;
}

/* `r.m` of `[method]r.m` */
static str without_bracket(str name)
{
    size_t end = name.len && name.ptr[0] == '[' ? str_find_char(name, ']', 0) : SIZE_MAX;
    return end == SIZE_MAX ? name : str_sub(name, end + 1, name.len);
}

/* Is `name` all of the text, or does it stand behind the name of a scope? `version` goes with that. */
static bool ends_with(struct cli *cli, str text, str name, str version, const struct run_export *e,
                      enum nearness nearness)
{
    if (!str_ends(text, name)) {
        return false;
    }
    str rest = str_sub(text, 0, text.len - name.len);
    if (rest.len == 0) {
        return version.len == 0;
    }
    if (!is_join(rest.ptr[rest.len - 1])) {
        return false;
    }
    rest.len--;
    if (version.len) {
        rest = str_printf(&cli->arena, STRF "@" STRF, STRA(rest), STRA(version));
    }
    return means_scope(rest, e->in, nearness);
}

static bool means_export(struct cli *cli, str text, const struct run_export *e,
                         enum nearness nearness)
{
    str name = e->what->name, plain = without_bracket(name);
    size_t at = str_rfind_char(text, '@');
    if (ends_with(cli, text, name, (str){0}, e, nearness) ||
        ends_with(cli, text, plain, (str){0}, e, nearness)) {
        return true;
    }
    /* `ns:pkg/iface.f@1.0.0` */
    return at != SIZE_MAX &&
           ends_with(cli, str_sub(text, 0, at), name, str_sub(text, at + 1, text.len), e, nearness);
}

/* ---- Search -------------------------------------------------------------------------------------------------- */

static bool is_callable(const struct canon_export *e)
{
    return e->sort == SORT_FUNC || e->sort == SORT_VALUE;
}

/* The exported instance as a scope; NULL if that is too deep. */
static const struct run_scope *enter(struct cli *cli, const struct run_scope *in,
                                     const struct canon_export *e)
{
    u32 depth = in ? in->depth + 1 : 0;
    struct run_scope *scope = arena_new(&cli->arena, struct run_scope);
    *scope = (struct run_scope){in, e->name, depth};
    return depth < MOST_DEEP ? scope : NULL;
}

/* The export whose full name is the text. */
static bool find_in_full(struct cli *cli, const struct canon_instance *i, str text,
                         struct run_export *out)
{
    const struct run_scope *in = NULL;
    for (bool deeper = true; deeper;) {
        deeper = false;
        for (u32 n = 0; n < canon_export_count(i); n++) {
            const struct canon_export *e = canon_export_at(i, n);
            if (is_callable(e) && str_eq(e->name, text)) {
                *out = (struct run_export){in, e};
                return true;
            }
            if (e->sort == SORT_INSTANCE && str_starts(text, e->name) && text.len > e->name.len &&
                is_join(text.ptr[e->name.len])) {
                in = enter(cli, in, e);
                text = str_sub(text, e->name.len + 1, text.len);
                i = e->instance;
                deeper = in != NULL;
                break;
            }
        }
    }
    return false;
}

/* All exports, those of the root first, then those of its instances, and so on. */
static void collect(struct cli *cli, const struct canon_instance *root, export_vec *out)
{
    struct place {
        const struct canon_instance *instance;
        const struct run_scope *scope;
    };
    VEC(struct place) places = {0};
    *vec_push(&cli->arena, &places) = (struct place){root, NULL};
    for (u32 k = 0; k < places.len; k++) {
        struct place p = places.data[k];
        for (u32 n = 0; n < canon_export_count(p.instance); n++) {
            const struct canon_export *e = canon_export_at(p.instance, n);
            if (places.len + out->len >= MOST_LOOKED_AT) {
                return;
            }
            if (is_callable(e)) {
                *vec_push(&cli->arena, out) = (struct run_export){p.scope, e};
                continue;
            }
            const struct run_scope *scope =
                e->sort == SORT_INSTANCE ? enter(cli, p.scope, e) : NULL;
            if (scope) {
                *vec_push(&cli->arena, &places) = (struct place){e->instance, scope};
            }
        }
    }
}

/* ---- What is said ---------------------------------------------------------------------------------------------- */

static void list(struct cli *cli, struct diag *d, const export_vec *all, const char *head)
{
    for (u32 i = 0; i < all->len && i < MOST_LISTED; i++) {
        const struct canon_export *e = all->data[i].what;
        struct buf b = buf_in(&cli->arena);
        if (e->sort == SORT_FUNC) {
            canon_functype_print(&b, canon_func_type(e->func));
        } else {
            buf_c(&b, "value of type ");
            canon_type_print(&b, e->type);
        }
        diag_note(&cli->diags, d, "%s " STRF ": " STRF, head,
                  STRA(run_export_name(cli, &all->data[i])), STRA(buf_view(&b)));
    }
    if (all->len > MOST_LISTED) {
        diag_note(&cli->diags, d, "and %u more", all->len - MOST_LISTED);
    }
}

void run_list_exports(struct cli *cli, struct diag *d, const struct canon_instance *root)
{
    export_vec all = {0};
    collect(cli, root, &all);
    list(cli, d, &all, "exported:");
}

/* The part of the text that names a function: behind its last join. */
static str last_word(str text)
{
    size_t i = text.len;
    while (i > 0 && !is_join(text.ptr[i - 1])) {
        i--;
    }
    return str_sub(text, i, text.len);
}

/* A full name that looks like the text, else the full name of an export whose own name looks like its end. */
static void suggest(struct cli *cli, struct diag *d, str text, const export_vec *all)
{
    u32 n = all->len < 2000 ? all->len : 2000;
    str *names = arena_array(&cli->arena, str, n);
    str *words = arena_array(&cli->arena, str, n);
    for (u32 i = 0; i < n; i++) {
        names[i] = run_export_name(cli, &all->data[i]);
        words[i] = without_bracket(all->data[i].what->name);
    }
    str near = near_name(text, names, n);
    str word = near.len ? (str){0} : near_name(last_word(text), words, n);
    for (u32 i = 0; i < n && word.len && !near.len; i++) {
        near = words[i].ptr == word.ptr ? names[i] : near;
    }
    if (near.len) {
        diag_help(&cli->diags, d, "did you mean `" STRF "`?", STRA(near));
    }
}

static bool not_found(struct cli *cli, const struct wave_call *call, const export_vec *all)
{
    struct diag *d =
        diag_error(&cli->diags, "invoke", call->name, "the component exports no such function");
    suggest(cli, d, call->text, all);
    if (all->len == 0) {
        diag_note(&cli->diags, d, "it exports no function at all");
    }
    list(cli, d, all, "exported:");
    return false;
}

static void warn_older(struct cli *cli, const struct wave_call *call, const struct run_export *e)
{
    struct diag *d = diag_warning(&cli->diags, "invoke", call->name,
                                  "the component exports an older version only");
    diag_note(&cli->diags, d, "`" STRF "` is called: versions of one track stand for each other",
              STRA(run_export_name(cli, e)));
}

bool run_find_export(struct cli *cli, const struct canon_instance *root,
                     const struct wave_call *call, struct run_export *out)
{
    export_vec all = {0}, found = {0};
    if (find_in_full(cli, root, call->text, out)) {
        return true;
    }
    collect(cli, root, &all);
    u32 nearness = SAME_VERSION;
    for (; nearness < NEARNESS_COUNT && !found.len; nearness++) {
        for (u32 i = 0; i < all.len; i++) {
            if (means_export(cli, call->text, &all.data[i], nearness)) {
                *vec_push(&cli->arena, &found) = all.data[i];
            }
        }
    }
    if (found.len == 0) {
        return not_found(cli, call, &all);
    }
    *out = found.data[0];
    if (found.len == 1) {
        if (nearness == NEARNESS_COUNT) {
            warn_older(cli, call, out);
        }
        return true;
    }
    struct diag *d =
        diag_error(&cli->diags, "invoke", call->name, "several exports have this name");
    list(cli, d, &found, "one is");
    diag_help(&cli->diags, d, "write more of the name, as in `" STRF "(...)`",
              STRA(run_export_name(cli, out)));
    return false;
}
