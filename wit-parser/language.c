/* language.c - the grammar's language, arranged for sound texts, and for those without comments.
 *
 * A text with a mistake is left at the first: tree-sitter's repair takes quadratic time in places, and syntax.c finds
 * mistakes in its own way. In a text without comments the external scanner, which tree-sitter asks before each token, has
 * nothing to find; and the row of a state in the parse table is looked up at once if it is a full one, while the
 * generator packs those that are mostly empty. The trees are the same.
 */
#include "pool.h"

#include "src/tree_sitter/parser.h" /* before api.h: the layout of the parse tables */

#include <tree_sitter/api.h>

#define STATE_WRONG 0 /* of the parser: on its way from a mistake to what it can go on with */
#define LEX_WRONG   (UINT16_MAX - 1)

static _Thread_local size_t wrong; /* a token was read in that state */

const TSLanguage *tree_sitter_wit(void);

/* Table and map of the packed rows: groups of symbols that have the same entry. */
static void unpack(const TSLanguage *from, u32 state, u16 *row)
{
    const u16 *p = &from->small_parse_table[from->small_parse_table_map[state]];
    for (u16 groups = *p++; groups; groups--) {
        u16 value = *p++;
        for (u16 n = *p++; n; n--) {
            row[*p++] = value;
        }
    }
}

static bool lex(TSLexer *lexer, TSStateId state)
{
    const TSLanguage *l = tree_sitter_wit();
    if (state == LEX_WRONG) {
        wrong = 1;
        state = ((const TSLexMode *)l->lex_modes)[STATE_WRONG].lex_state;
    }
    return l->lex_fn(lexer, state);
}

TSTree *wit_parse_sound(TSParser *parser, const TSTree *old, str text)
{
    wrong = 0;
    ts_parser_set_cancellation_flag(parser, &wrong);
    TSTree *tree = ts_parser_parse_string(parser, old, text.ptr, (u32)text.len);
    ts_parser_set_cancellation_flag(parser, NULL);
    if (!tree) {
        ts_parser_reset(parser); /* else it would go on with this text at the next */
    } else if (ts_node_has_error(ts_tree_root_node(tree))) {
        ts_tree_delete(tree);
        tree = NULL;
    }
    return tree;
}

const TSLanguage *wit_sound_language(struct arena *a)
{
    const TSLanguage *from = tree_sitter_wit();
    TSLexMode *modes = arena_array(a, TSLexMode, from->state_count);
    memcpy(modes, from->lex_modes, from->state_count * sizeof *modes); /* of ABI 14 */
    modes[STATE_WRONG].lex_state = LEX_WRONG;
    TSLanguage *to = arena_new(a, TSLanguage);
    *to = *from;
    to->lex_modes = (const void *)modes;
    to->lex_fn = lex;
    return to;
}

const TSLanguage *wit_plain_language(struct arena *a)
{
    const TSLanguage *from = tree_sitter_wit();
    u32 full = from->large_state_count, states = from->state_count, width = from->symbol_count;
    u16 *table = arena_array(a, u16, (size_t)states * width);
    TSLanguage *to = (TSLanguage *)wit_sound_language(a);
    TSLexMode *modes = (TSLexMode *)to->lex_modes;
    memcpy(table, from->parse_table, (size_t)full * width * sizeof *table);
    for (u32 s = full; s < states; s++) {
        unpack(from, s - full, table + (size_t)s * width);
    }
    for (u32 s = 0; s < states; s++) {
        modes[s].external_lex_state = 0;
    }
    to->parse_table = table;
    to->large_state_count = states;
    return to;
}
