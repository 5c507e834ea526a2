/* language.c - the grammar's language, arranged for texts without comments.
 *
 * In such a text the external scanner, which tree-sitter asks before each token, has nothing to find; and the row of a state
 * in the parse table is looked up at once if it is a full one, while the generator packs those that are mostly
 * empty. The trees are the same.
 */
#include "pool.h"

#include "src/tree_sitter/parser.h" /* before api.h: the layout of the parse tables */

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

const TSLanguage *wit_plain_language(struct arena *a)
{
    const TSLanguage *from = tree_sitter_wit();
    u32 full = from->large_state_count, states = from->state_count, width = from->symbol_count;
    u16 *table = arena_array(a, u16, (size_t)states * width);
    TSLexMode *modes = arena_array(a, TSLexMode, states);
    memcpy(table, from->parse_table, (size_t)full * width * sizeof *table);
    memcpy(modes, from->lex_modes, states * sizeof *modes); /* of ABI 14 */
    for (u32 s = full; s < states; s++) {
        unpack(from, s - full, table + (size_t)s * width);
    }
    for (u32 s = 0; s < states; s++) {
        modes[s].external_lex_state = 0;
    }
    TSLanguage *to = arena_new(a, TSLanguage);
    *to = *from;
    to->parse_table = table;
    to->large_state_count = states;
    to->lex_modes = (const void *)modes;
    return to;
}
