/* reader.h - from tree-sitter's tree to the syntax tree of ast.h: what its parts share. Private to parse*.c.
 *
 * A cursor walks the tree once, in the order of the text.
 */
#ifndef WITC_WIT_READER_H
#define WITC_WIT_READER_H

#include "ast.h"

#include <tree_sitter/api.h>

enum node {
    NODE_other,
#define NAMED(id)      NODE_##id,
#define WORD(id, text) NODE_##id,
#define ALSO(id, text)
#include "nodes.def"
#undef NAMED
#undef WORD
#undef ALSO
};

struct reader {
    struct arena *arena, *keep;
    struct arena *work; /* of what is not needed any more after the text */
    struct diags *diags;
    struct wit_skipped *skipped;
    u32 source;
    bool fine;
    /* Places in the tree are those of a copy, from `base` on, or (without gaps) of the text. */
    struct wit_text text;
    u32 base, gap, comment; /* the gap and the comment last looked up */
    const u8 *kinds;        /* enum node by TSSymbol */
    TSTreeCursor cursor;
    TSNode node; /* that the cursor came to last */
    /* Lists under way: each level takes its part off the end. */
    VEC(const struct ast_type *) types;
    VEC(struct ast_field) fields;
    VEC(struct ast_member) members;
    VEC(struct ast_item) items;
    VEC(str) docs;
};

/* ---- Walking ---------------------------------------------------------------------------------------------- */

static inline enum node here(struct reader *r)
{
    return (enum node)r->kinds[ts_node_symbol(r->node)];
}

static inline bool arrive(struct reader *r, bool moved)
{
    if (moved) {
        r->node = ts_tree_cursor_current_node(&r->cursor);
    }
    return moved;
}

static inline bool down(struct reader *r)
{
    return arrive(r, ts_tree_cursor_goto_first_child(&r->cursor));
}

static inline bool next(struct reader *r)
{
    return arrive(r, ts_tree_cursor_goto_next_sibling(&r->cursor));
}

static inline void up(struct reader *r)
{
    ts_tree_cursor_goto_parent(&r->cursor);
}

/* Runs the body for each child of the current node, up to where that says that it has seen all that matters. */
#define EACH_CHILD(r) \
    for (bool more_ = down(r), end_ = more_; more_ || (end_ && (up(r), false)); more_ = next(r))
#define NO_MORE(r) \
    {              \
        up(r);     \
        break;     \
    }

/* What a list has got since `from`, as an array of its own. */
#define TAKE(r, list, from, array, count)                                                     \
    do {                                                                                      \
        (count) = (r)->list.len - (from);                                                     \
        void *copy_ = arena_alloc_array((r)->arena, (count), sizeof *(r)->list.data);         \
        if (count) {                                                                          \
            memcpy(copy_, (r)->list.data + (from), (size_t)(count) * sizeof *(r)->list.data); \
        }                                                                                     \
        (array) = (count) ? copy_ : NULL;                                                     \
        (r)->list.len = (from);                                                               \
    } while (0)

/* ---- Words, gates, names (parse_words.c) --------------------------------------------------------------------- */

const u8 *wit_node_kinds(void);
/* The place in the text of one in the tree; these come nearly in order. */
u32 wit_place(struct reader *r, u32 at);
/* The token under the cursor. */
struct ast_id wit_token(struct reader *r);
struct ast_id wit_whole(struct reader *r); /* ... a node of several tokens */
struct diag *wit_report(struct reader *r, const char *code, struct ast_id at, const char *text);
/* The identifier under the cursor, checked, without its '%'. */
struct ast_id wit_identifier(struct reader *r);
/* The text of the comments right before the token under the cursor, or before a node's first. */
str wit_take_docs(struct reader *r);
struct ast_id wit_docs_place(struct reader *r); /* ... and where they are */
struct ast_package_name wit_package_name(struct reader *r);
struct ast_path *wit_path(struct reader *r);

/* What stands at the head of many items. */
struct head {
    struct ast_id name; /* its last identifier */
    const struct ast_path *path;
    struct ast_gates *gates; /* NULL: none */
    struct ast_id since, unstable, deprecated;
};
/* Takes the node under the cursor if it is of the head. */
bool wit_head(struct reader *r, enum node n, struct head *h);
/* To be called after all of the item. */
const struct ast_gates *wit_close_gates(struct reader *r, struct head *h);

/* ---- Types and functions (parse_types.c) --------------------------------------------------------------------- */

void wit_function_type(struct reader *r, struct ast_func *f);
/* function, method, constructor */
struct ast_member wit_function(struct reader *r);
struct ast_member wit_typedefinition(struct reader *r, enum wit_kind kind);

#endif
