/* builtin.c - the WASI packages that are always at hand. Their texts are in wasi/; scripts/generate-builtin-wit
 * turns them into builtin.def.
 */
#include "snapshot.h"

static const u8 blob[] = {
#include "builtin.def"
};

static str all(void)
{
    return str_of((const char *)blob, sizeof blob);
}

/* Everything else of that release is taken at the version that is asked for. */
static void retarget(struct wit_unit *u, const struct wit_version *from,
                     const struct wit_version *to)
{
    u->name.version = *to;
    u->cut = true;
    for (u32 i = 0; i < u->deps.len; i++) {
        if (str_eq(u->deps.data[i].name.version.text, from->text)) {
            u->deps.data[i].name.version = *to;
        }
    }
}

static bool same_track(struct arena *a, const struct wit_version *x, const struct wit_version *y)
{
    return !x->pre.len && !y->pre.len && str_eq(wit_version_track(a, x), wit_version_track(a, y));
}

struct wit_unit *wit_builtin_unit(struct wit_resolve *r, struct arena *scratch,
                                  const struct wit_package_name *name)
{
    struct wit_package_name *names;
    u32 n = str_eq(name->ns, STR("wasi")) && name->version.text.len
                ? wit_snapshot_list(scratch, all(), &names)
                : 0;
    for (u32 i = 0; i < n; i++) {
        if (!str_eq(names[i].ns, name->ns) || !str_eq(names[i].name, name->name) ||
            wit_version_compare(&name->version, &names[i].version) > 0 ||
            !same_track(scratch, &name->version, &names[i].version)) {
            continue;
        }
        struct wit_unit *u = arena_new(scratch, struct wit_unit);
        u->arena = r->arena;
        u->scratch = scratch;
        u->diags = r->diags;
        u->built_in = true;
        if (!wit_snapshot_read(all(), &names[i], u)) {
            return NULL;
        }
        if (!str_eq(names[i].version.text, name->version.text)) {
            retarget(u, &names[i].version, &name->version);
        }
        return u;
    }
    return NULL;
}

bool wit_builtin_near(struct arena *a, const struct wit_package_name *name,
                      struct wit_package_name *out)
{
    struct wit_package_name *names;
    u32 n = str_eq(name->ns, STR("wasi")) ? wit_snapshot_list(a, all(), &names) : 0;
    bool found = false;
    for (u32 i = 0; i < n; i++) {
        bool near = name->version.text.len && same_track(a, &name->version, &names[i].version);
        if (str_eq(names[i].name, name->name)) {
            *out = names[i]; /* the last is the newest */
            found = true;
            if (near) {
                break;
            }
        }
    }
    return found;
}
