/* features.c - feature gates by name. */
#include "base.h"

static const struct {
    const char *name;
    bool on;
} rows[FEATURE_COUNT] = {
#define FEATURE(id, name, on, text) {name, on},
#include "features.def"
#undef FEATURE
};

struct features features_default(void)
{
    struct features f = {0};
    for (int i = 0; i < FEATURE_COUNT; i++) {
        features_set(&f, (enum feature)i, rows[i].on);
    }
    return f;
}

struct features features_all(void)
{
    return (struct features){((u64)1 << FEATURE_COUNT) - 1};
}

void features_set(struct features *f, enum feature x, bool on)
{
    f->bits = on ? f->bits | (u64)1 << x : f->bits & ~((u64)1 << x);
}

const char *feature_name(enum feature x)
{
    return rows[x].name;
}

static bool apply_one(struct features *f, str name, struct diags *d)
{
    bool on = !str_starts(name, STR("-"));
    str bare = on ? name : str_sub(name, 1, name.len);
    str names[FEATURE_COUNT];
    if (str_eq_c(bare, "all")) {
        f->bits = on ? features_all().bits : 0;
        return true;
    }
    if (str_eq_c(bare, "mvp") || str_eq_c(bare, "wasm1")) {
        f->bits = (u64)1 << FEATURE_MUTABLE_GLOBAL;
        return true;
    }
    for (int i = 0; i < FEATURE_COUNT; i++) {
        names[i] = str_c(rows[i].name);
        if (str_eq(bare, names[i])) {
            features_set(f, (enum feature)i, on);
            return true;
        }
    }
    struct diag *x =
        diag_error(d, "unknown-feature", (span){0}, "unknown feature `" STRF "`", STRA(bare));
    diag_suggest(d, x, bare, names, FEATURE_COUNT);
    diag_help(d, x, "`all` turns everything on; a leading `-` turns a feature off");
    return false;
}

bool features_apply(struct features *f, str list, struct diags *d)
{
    bool fine = true;
    while (list.len) {
        str name;
        list = str_cut(list, ',', &name);
        name = str_trim(name);
        if (name.len) {
            fine &= apply_one(f, name, d);
        }
    }
    return fine;
}
