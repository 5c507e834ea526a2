/* keystroke.c - a workspace of the given .wit files: types a letter into a name of one of them and takes it away again, with a full resolve after
 * each, and prints the median in seconds, of all files in turn. For bench/run. */
#include "wit-parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STROKES 60

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* `a` is used again and again, as in an editor. */
static bool resolve(struct wit_workspace *w, u32 document, struct arena *a)
{
    struct sources s = {.arena = a};
    struct diags d;
    struct wit_resolve r;
    u32 package;
    arena_reset(a);
    diags_init(&d, a, &s);
    wit_resolve_init(&r, a, &d);
    return wit_workspace_resolve(w, &r, document, &package);
}

/* Where a name may get a letter more: before the colon of a function's or a field's name. */
static u32 place_in(str text)
{
    size_t at = str_find(text, STR(": func("), 0);
    return (u32)(at == SIZE_MAX ? text.len : at);
}

int main(int argc, char **argv)
{
    struct arena a = {0}, graph = {0};
    struct sources s = {.arena = &a};
    struct diags d;
    struct wit_workspace *w = wit_workspace_new();
    diags_init(&d, &a, &s);
    for (int i = 1; i < argc; i++) {
        str text;
        if (!file_read(&a, argv[i], &text, &d)) {
            return 1;
        }
        wit_workspace_open(w, str_c(argv[i]), text);
    }
    size_t n = 0;
    double *taken = arena_array(&a, double, (size_t)argc *STROKES);
    if (argc < 2 || !resolve(w, 0, &graph)) {
        return 1;
    }
    for (u32 k = 0; k < STROKES; k++) {
        for (u32 i = 0; i + 1 < (u32)argc; i++) {
            u32 at = place_in(wit_workspace_text(w, i));
            if (at == wit_workspace_text(w, i).len) {
                continue;
            }
            double from = now();
            bool fine = k % 2 == 0 ? wit_workspace_edit(w, i, at, at, STR("x"))
                                   : wit_workspace_edit(w, i, at - 1, at, STR(""));
            if (!fine || !resolve(w, i, &graph)) {
                return 1;
            }
            taken[n++] = now() - from;
        }
    }
    qsort(taken, n, sizeof *taken, compare);
    printf("%.6f %.6f\n", n ? taken[n / 2] : 0, n ? taken[n - 1 - n / 20] : 0);
    wit_workspace_free(w);
    arena_free(&graph);
    arena_free(&a);
    return 0;
}
