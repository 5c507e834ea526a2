/* limits.c - what is refused before it is parsed.
 *
 * A node of tree-sitter's trees counts its children in 16 bits and does not look whether they fit. Lists are balanced,
 * so what can have that many is a node of comments, and the node of a faulty text that takes up
 * all that stands unfinished. Both are kept far from it here, in one walk over the text's brackets and comments.
 */
#include "ast.h"

#define MAX_DEPTH    1000u  /* of brackets of all kinds */
#define MAX_COMMENTS 20000u /* in items that are not finished yet */

u32 wit_skip_opaque(str text, u32 at)
{
    char c = text.ptr[at], next = at + 1 < text.len ? text.ptr[at + 1] : 0;
    if (c == '/' && next == '/') {
        while (at < text.len && text.ptr[at] != '\n') {
            at++;
        }
    } else if (c == '/' && next == '*') {
        u32 depth = 1;
        for (at += 2; at < text.len && depth; at++) {
            bool pair = at + 1 < text.len;
            if (pair && text.ptr[at] == '/' && text.ptr[at + 1] == '*') {
                depth++;
                at++;
            } else if (pair && text.ptr[at] == '*' && text.ptr[at + 1] == '/') {
                depth--;
                at++;
            }
        }
    } else if (c == '"') {
        for (at++; at < text.len && text.ptr[at] != '"' && text.ptr[at] != '\n'; at++) {
            at += text.ptr[at] == '\\';
        }
        at += at < text.len;
    }
    return at < text.len ? at : (u32)text.len;
}

struct level {
    char open;
    u32 comments; /* in its item so far */
};

/* The comments of the item end with it. */
static void finish(struct level *l, u32 *total)
{
    *total -= l->comments;
    l->comments = 0;
}

static bool too_deep(struct diags *d, u32 source, u32 at, u32 depth_at)
{
    struct diag *x = diag_error(
        d, "wit-nesting", (span){source, depth_at ? depth_at : at, (depth_at ? depth_at : at) + 1},
        depth_at ? "type nesting too deep" : "package nesting too deep");
    diag_note(d, x, "types and packages nest at most %u deep", WIT_MAX_TYPE_DEPTH);
    return false;
}

bool wit_check_limits(struct diags *d, u32 source, str text)
{
    struct level levels[MAX_DEPTH + 1] = {{0}};
    u32 depth = 0, total = 0, angles = 0, deep_angle = 0;
    for (u32 i = 0; i < text.len;) {
        u32 after = wit_skip_opaque(text, i);
        char c = text.ptr[i];
        if (after != i) {
            if (c == '/' && after == text.len && text.ptr[i + 1] == '*' && after - i > 4096 &&
                !str_ends(text, STR("*/"))) {
                /* tree-sitter would look for its end again from each character. */
                diag_error(d, "wit-syntax", (span){source, i, i + 2}, "unterminated block comment");
                return false;
            }
            levels[depth].comments += c == '/';
            total += c == '/';
            if (total > MAX_COMMENTS) {
                diag_unsupported(d, (span){source, i, after}, "more than %u comments in one item",
                                 MAX_COMMENTS);
                return false;
            }
            i = after;
            continue;
        }
        i++;
        if (c == '{' || c == '(' || c == '<') {
            angles = c == '<' ? angles + 1 : 0;
            deep_angle = angles == WIT_MAX_TYPE_DEPTH ? i : deep_angle;
            if (depth == MAX_DEPTH) {
                return too_deep(d, source, i - 1, angles > WIT_MAX_TYPE_DEPTH ? deep_angle : 0);
            }
            levels[++depth] = (struct level){c, 0};
        } else if (c == '}' || c == ')' || (c == '>' && i >= 2 && text.ptr[i - 2] != '-')) {
            angles -= c == '>' && angles;
            if (depth) {
                finish(&levels[depth--], &total);
            }
            if (c == '}') {
                finish(&levels[depth], &total);
            }
        } else if (c == ';' || c == ',') {
            finish(&levels[depth], &total);
        }
    }
    return true;
}
