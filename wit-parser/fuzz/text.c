/* Fuzz target: any bytes as WIT text. What resolves must print as text that resolves and prints the same; what
 * formats must format the same again. */
#include "wit-parser.h"

#include <stdlib.h>

struct run {
    str text;
    struct arena arena;
};

static bool resolve(struct wit_resolve *r, struct diags *d, str text, u32 *package)
{
    wit_resolve_init(r, d->arena, d);
    r->features.all = true;
    return wit_push_source(r, sources_add(d->sources, STR("input"), text, SOURCE_TEXT), package);
}

static struct buf print(struct wit_resolve *r, u32 package)
{
    struct buf out = buf_in(r->arena);
    struct wit_print_options how = {.nested = true};
    wit_print_package(&out, r, package, &how);
    return out;
}

static void one(void *context)
{
    struct run *run = context;
    struct arena *a = &run->arena;
    struct sources s = {.arena = a};
    struct diags d, d2;
    struct wit_resolve r, again;
    u32 package;
    diags_init(&d, a, &s);
    diags_init(&d2, a, &s);
    struct buf once = buf_in(a), twice = buf_in(a), shown = buf_in(a);
    u32 source = sources_add(&s, STR("input"), run->text, SOURCE_TEXT);
    if (wit_format(a, source, &d2, &once)) {
        source = sources_add(&s, STR("formatted"), buf_view(&once), SOURCE_TEXT);
        if (!wit_format(a, source, &d2, &twice) || !str_eq(buf_view(&once), buf_view(&twice)))
            abort();
    }
    bool fine = resolve(&r, &d, run->text, &package);
    diags_render(&d, DIAG_TEXT, &shown);
    if (fine != (d.errors == 0))
        abort();
    if (!fine)
        return;
    struct buf text = print(&r, package);
    wit_print_json(&shown, &r);
    if (!resolve(&again, &d2, buf_view(&text), &package))
        abort();
    struct buf second = print(&again, package);
    if (!str_eq(buf_view(&text), buf_view(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct run run = {.text = str_of((const char *)data, size)};
    if (memchr(data, 0, size)) /* a binary, or a control character: not for this target */
        return 0;
    oom_guard(one, &run);
    arena_free(&run.arena);
    return 0;
}
