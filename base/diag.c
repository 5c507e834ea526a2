/* diag.c - collecting diagnostics. Rendering is in diag_text.c and diag_json.c. */
#include "base.h"

void diags_init(struct diags *d, struct arena *a, struct sources *s)
{
    *d = (struct diags){.arena = a, .sources = s};
    if (!s->arena) {
        s->arena = a;
    }
}

u32 diags_limit(const struct diags *d)
{
    return d->limit ? d->limit : DIAG_LIMIT;
}

static struct diag *add(struct diags *d, enum severity severity, const char *code, span at,
                        const char *format, va_list args)
{
    struct diag *x = arena_new(d->arena, struct diag);
    *x = (struct diag){.severity = severity, .code = code, .at = at};
    x->message = str_vprintf(d->arena, format, args);
    if (severity == SEVERITY_ERROR && ++d->errors > diags_limit(d)) {
        d->dropped++;
        return x;
    }
    *vec_push(d->arena, &d->list) = x;
    return x;
}

struct diag *diag_error(struct diags *d, const char *code, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *x = add(d, SEVERITY_ERROR, code, at, format, args);
    va_end(args);
    return x;
}

struct diag *diag_warning(struct diags *d, const char *code, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *x = add(d, SEVERITY_WARNING, code, at, format, args);
    va_end(args);
    return x;
}

struct diag *diag_unsupported(struct diags *d, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str what = str_vprintf(d->arena, format, args);
    va_end(args);
    return diag_error(d, "unsupported", at, STRF " not supported yet",
                      STRA(str_ends(what, STR(" is")) || str_ends(what, STR(" are"))
                               ? what
                               : str_concat(d->arena, what, STR(" is"))));
}

void diag_say(struct diags *d, struct diag *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    x->label = str_vprintf(d->arena, format, args);
    va_end(args);
}

void diag_label(struct diags *d, struct diag *x, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(d->arena, format, args);
    va_end(args);
    *vec_push(d->arena, &x->labels) = (struct diag_label){at, text};
}

static void add_note(struct diags *d, struct diag *x, bool help, const char *format, va_list args)
{
    str text = str_vprintf(d->arena, format, args);
    *vec_push(d->arena, &x->notes) = (struct diag_note){.help = help, .text = text};
}

void diag_note(struct diags *d, struct diag *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(d, x, false, format, args);
    va_end(args);
}

void diag_help(struct diags *d, struct diag *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(d, x, true, format, args);
    va_end(args);
}

bool diag_is_kept(const struct diags *d, const struct diag *x)
{
    return !d->dropped || (d->list.len && *vec_last(&d->list) == x);
}

/* So many names are compared in one run: with no limit of errors, many of them by many names would take for ever. */
#define LOOK_LIMIT 20000000

void diag_suggest_in(struct diags *d, struct diag *x, str wanted, const void *names, size_t n,
                     size_t stride)
{
    if (!diag_is_kept(d, x) || d->looked > LOOK_LIMIT) {
        return; /* nobody will read it, and looking takes its time */
    }
    d->looked += n;
    str near = near_name_in(wanted, names, n, stride);
    if (near.len) {
        diag_help(d, x, "did you mean `" STRF "`?", STRA(near));
    }
}

void diag_suggest(struct diags *d, struct diag *x, str wanted, const str *candidates, size_t n)
{
    diag_suggest_in(d, x, wanted, candidates, n, sizeof *candidates);
}
