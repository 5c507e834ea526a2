/* translate_vector.c - v128 instructions: all operands in slots. */
#include "translate.h"

void translate_vector(struct translator *tr, enum wasm_op op, const struct rule *rule)
{
    (void)rule;
    translate_skip(tr, op);
}
