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

/* Versions of the core specification: each turns on what it has, and nothing else. */
#define BIT(id) ((u64)1 << FEATURE_##id)
#define WASM1   BIT(MUTABLE_GLOBAL)
#define WASM2                                                                \
    (WASM1 | BIT(BULK_MEMORY) | BIT(REFERENCE_TYPES) | BIT(SIGN_EXTENSION) | \
     BIT(SATURATING_FLOAT) | BIT(MULTI_VALUE) | BIT(SIMD))
#define WASM3                                                                            \
    (WASM2 | BIT(GC) | BIT(TAIL_CALL) | BIT(EXTENDED_CONST) | BIT(FUNCTION_REFERENCES) | \
     BIT(MULTI_MEMORY) | BIT(RELAXED_SIMD) | BIT(THREADS) | BIT(EXCEPTIONS) | BIT(MEMORY64))
static const struct {
    const char *name;
    u64 bits;
} groups[] = {{"mvp", 0}, {"wasm1", WASM1}, {"wasm2", WASM2}, {"wasm3", WASM3}};

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
    for (size_t i = 0; i < LENGTH_OF(groups); i++) {
        if (str_eq_c(bare, groups[i].name)) {
            f->bits = on ? groups[i].bits : f->bits & ~groups[i].bits;
            return true;
        }
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
