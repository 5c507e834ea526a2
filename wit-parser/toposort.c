/* toposort.c - the order of definitions. Always the first in the text of those that are ready. */
#include "unit.h"

struct heap {
    u32 *items;
    u32 len;
};

static void heap_push(struct heap *h, u32 x)
{
    u32 i = h->len++;
    for (; i && h->items[(i - 1) / 2] > x; i = (i - 1) / 2) {
        h->items[i] = h->items[(i - 1) / 2];
    }
    h->items[i] = x;
}

static u32 heap_pop(struct heap *h)
{
    u32 top = h->items[0], x = h->items[--h->len], i = 0;
    for (u32 child; (child = 2 * i + 1) < h->len; i = child) {
        child += child + 1 < h->len && h->items[child + 1] < h->items[child];
        if (h->items[child] >= x) {
            break;
        }
        h->items[i] = h->items[child];
    }
    h->items[i] = x;
    return top;
}

#define DONE UINT32_MAX

static void release(struct heap *h, struct sort_node *nodes, u32 node)
{
    for (u32 i = 0; i < nodes[node].back.len; i++) {
        struct sort_node *b = &nodes[nodes[node].back.data[i]];
        if (b->remaining != DONE && --b->remaining == 0) {
            heap_push(h, nodes[node].back.data[i]);
        }
    }
}

static const struct sort_edge *open_edge(const struct sort_node *nodes, const struct sort_node *n)
{
    for (u32 i = 0; i < n->edges.len; i++) {
        if (nodes[n->edges.data[i].to].remaining != DONE) {
            return &n->edges.data[i];
        }
    }
    return NULL;
}

/* Room for the way to a cycle. */
struct trail {
    u32 *seen; /* step + 1 of each node */
    u32 *nodes;
    const struct sort_edge **edges;
};

/* Follows open edges from `node` until one comes back; reports, and gives the nodes of the cycle. */
static u32 report_cycle(struct arena *a, struct diags *d, const char *kind, struct sort_node *nodes,
                        u32 node, struct trail *t)
{
    const struct sort_edge *first = open_edge(nodes, &nodes[node]);
    u32 *seen = t->seen, *cycle = t->nodes;
    const struct sort_edge **edges = t->edges;
    u32 len = 0, x = first->to;
    while (!seen[x]) {
        seen[x] = len + 1;
        cycle[len] = x;
        edges[len] = open_edge(nodes, &nodes[x]);
        x = edges[len++]->to;
    }
    u32 start = seen[x] - 1;
    str name = nodes[first->to].name;
    struct diag *diag = diag_error(d, "wit-cycle", first->at,
                                   start == 0 ? "%s `" STRF "` depends on itself"
                                              : "%s `" STRF "` depends on a cycle",
                                   kind, STRA(name));
    struct buf b = buf_in(a);
    for (u32 i = start; i < len && i < start + 16; i++) {
        buf_printf(&b, "`" STRF "` needs ", STRA(nodes[cycle[i]].name));
        if (edges[i]->use.start != first->at.start && i < start + 6) {
            diag_label(d, diag, edges[i]->use, "`" STRF "` needs it", STRA(nodes[cycle[i]].name));
        }
    }
    if (len - start > 1) {
        diag_note(d, diag, STRF "%s`" STRF "`", STRA(buf_view(&b)), len - start > 16 ? "... " : "",
                  STRA(nodes[cycle[start]].name));
    }
    for (u32 i = 0; i < len; i++) {
        seen[cycle[i]] = 0;
    }
    memmove(cycle, cycle + start, (len - start) * sizeof *cycle);
    return len - start;
}

void wit_sort(struct arena *a, struct diags *d, const char *kind, struct sort_node *nodes, u32 n,
              u32 *order)
{
    struct heap h = {arena_array(a, u32, n), 0};
    struct trail trail = {NULL, NULL, NULL};
    u32 len = 0, from = 0;
    for (u32 i = 0; i < n; i++) {
        nodes[i].remaining = nodes[i].edges.len;
        for (u32 e = 0; e < nodes[i].edges.len; e++) {
            *vec_push(a, &nodes[nodes[i].edges.data[e].to].back) = i;
        }
    }
    for (u32 i = 0; i < n; i++) {
        if (!nodes[i].remaining) {
            heap_push(&h, i);
        }
    }
    while (len < n) {
        while (h.len) {
            u32 x = heap_pop(&h);
            order[len++] = x;
            nodes[x].remaining = DONE;
            release(&h, nodes, x);
        }
        while (from < n && nodes[from].remaining == DONE) {
            from++;
        }
        if (from < n) {
            /* What is left hangs on a cycle: cut it out, and go on behind it. */
            if (!trail.seen) {
                trail.seen = arena_array(a, u32, n);
                trail.nodes = arena_array(a, u32, n);
                trail.edges = (const struct sort_edge **)arena_array(a, struct sort_edge *, n);
            }
            u32 count = report_cycle(a, d, kind, nodes, from, &trail);
            const u32 *cycle = trail.nodes;
            for (u32 i = 0; i < count; i++) {
                order[len++] = cycle[i];
                nodes[cycle[i]].remaining = DONE;
            }
            for (u32 i = 0; i < count; i++) {
                release(&h, nodes, cycle[i]);
            }
        }
    }
}
