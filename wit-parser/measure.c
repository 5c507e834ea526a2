/* measure.c - how large the binary form of a package is, and whether its types have one, before it is made.
 *
 * Each interface carries the types of all interfaces that it uses, directly or not, so that a chain of uses grows with
 * its square. What counts is the effective size that validators put a limit to: how many types a
 * walk through a type would meet if none was shared.
 */
#include "encode.h"
#include "index.h"

struct measure {
    struct wit_resolve *r;
    u32 *size; /* by type, 0: not known yet */
    bool wrong;
};
struct frame {
    u32 type, next;
    u64 sum;
};

static u32 limited(u64 size)
{
    return size < WIT_MAX_EFFECTIVE_SIZE ? (u32)size : WIT_MAX_EFFECTIVE_SIZE;
}

/* The size of a part, 0 for one that is not there, or false: it has to be measured before. */
static bool part_size(const struct measure *m, struct wit_type part, u32 *size)
{
    *size = wit_type_present(part);
    if (part.kind != WIT_ID || part.id == WIT_NONE)
        return true;
    *size = m->size[part.id];
    return *size > 0;
}

/* A handle is as large as a name, an alias as what it stands for. */
static bool parts_end(const struct wit_typedef *t, u32 i, struct wit_type *part)
{
    return t->kind == WIT_OWN || t->kind == WIT_BORROW || !wit_type_part(t, i, part);
}

static u32 type_size(struct measure *m, struct arena *a, struct wit_type wanted)
{
    VEC(struct frame) stack = {0};
    u32 size;
    if (part_size(m, wanted, &size))
        return size;
    *vec_push(a, &stack) = (struct frame){wanted.id, 0, 0};
    while (stack.len) {
        struct frame *top = vec_last(&stack);
        const struct wit_typedef *t = &m->r->types.data[top->type];
        struct wit_type part;
        if (parts_end(t, top->next, &part)) {
            m->size[top->type] = limited(top->sum + (t->kind != WIT_ALIAS));
            m->wrong |= !wit_check_encodable(m->r, top->type);
            stack.len--;
        } else if (part_size(m, part, &size)) {
            top->sum += size;
            top->next++;
        } else {
            *vec_push(a, &stack) = (struct frame){part.id, 0, 0};
        }
    }
    return m->size[wanted.id];
}

static u64 func_size(struct measure *m, struct arena *a, const struct wit_func *f)
{
    u64 sum = 1 + (u64)type_size(m, a, f->result);
    for (u32 i = 0; i < f->param_count; i++)
        sum += type_size(m, a, f->params[i].type);
    return sum;
}

static u32 interface_size(struct measure *m, struct arena *a, u32 interface, bool with_funcs)
{
    const struct wit_interface *it = &m->r->interfaces.data[interface];
    u64 sum = 1;
    for (u32 i = 0; i < it->types.len; i++)
        sum += type_size(m, a, (struct wit_type){WIT_ID, it->types.data[i].type});
    for (u32 i = 0; i < it->funcs.len && with_funcs; i++)
        sum += func_size(m, a, &it->funcs.data[i]);
    return limited(sum);
}

static u64 items_size(struct measure *m, struct arena *a, const wit_world_items *items)
{
    u64 sum = 0;
    for (u32 i = 0; i < items->len; i++) {
        const struct wit_world_item *x = &items->data[i];
        switch (x->kind) {
        case WIT_ITEM_INTERFACE: sum += interface_size(m, a, x->interface, true); break;
        case WIT_ITEM_TYPE: sum += type_size(m, a, (struct wit_type){WIT_ID, x->type}); break;
        case WIT_ITEM_FUNC: sum += func_size(m, a, &x->func); break;
        }
    }
    return sum;
}

static bool too_large(struct wit_resolve *r, str name, span at)
{
    struct diag *x = diag_error(r->diags, "wit-encode", at,
                                "`" STRF "` makes the binary form too large: the effective type "
                                "size exceeds the limit of %u",
                                STRA(name), WIT_MAX_EFFECTIVE_SIZE);
    diag_note(
        r->diags, x,
        "each use of a type counts anew, and an interface carries the types of all that it uses");
    return false;
}

bool wit_check_package_size(struct wit_resolve *r, struct arena *scratch, u32 package)
{
    const struct wit_package *p = &r->packages.data[package];
    struct measure m = {r, arena_array(scratch, u32, r->types.len), false};
    struct wit_live live = {.seen = arena_array(scratch, bool, r->interfaces.len)};
    u32 *bare = arena_array(scratch, u32, r->interfaces.len); /* sizes without functions */
    u64 sum = 1;
    for (u32 i = 0; i < p->interfaces.len; i++) {
        u32 interface = p->interfaces.data[i].type;
        wit_live_interfaces(r, scratch, interface, &live);
        sum += 1 + (u64)interface_size(&m, scratch, interface, true);
        for (u32 k = 0; k + 1 < live.order.len; k++) {
            u32 used = live.order.data[k];
            if (!bare[used])
                bare[used] = interface_size(&m, scratch, used, false);
            sum += bare[used];
        }
        if (sum >= WIT_MAX_EFFECTIVE_SIZE)
            return too_large(r, p->interfaces.data[i].name, r->interfaces.data[interface].at);
    }
    for (u32 i = 0; i < p->worlds.len; i++) {
        const struct wit_world *w = &r->worlds.data[p->worlds.data[i].type];
        sum += 2 + items_size(&m, scratch, &w->imports) + items_size(&m, scratch, &w->exports);
        if (sum >= WIT_MAX_EFFECTIVE_SIZE)
            return too_large(r, w->name, w->at);
    }
    return !m.wrong;
}

bool wit_check_world_size(struct wit_resolve *r, struct arena *scratch, u32 world)
{
    struct measure m = {r, arena_array(scratch, u32, r->types.len), false};
    const struct wit_world *w = &r->worlds.data[world];
    u64 sum = 3 + items_size(&m, scratch, &w->imports) + items_size(&m, scratch, &w->exports);
    return (sum < WIT_MAX_EFFECTIVE_SIZE || too_large(r, w->name, w->at)) && !m.wrong;
}
