/* rules.h - how each instruction is translated: its family of handlers (forms.h). */
#ifndef WITC_ENGINE_RULES_H
#define WITC_ENGINE_RULES_H

#include "engine_internal.h"

/* Positions of the forms in a family, each with its _r and _a handler; + FORM_BRANCH in comparisons: forward, backward. */
enum {
    FORM_SS,
    FORM_AS,
    FORM_SC,
    FORM_AC,
    FORM_SA,
    FORM_CS,
    FORM_CA,
    FORM_P,
    FORM_AA,
    FORM_KSS,
    FORM_KAS,
    FORM_KSC,
    FORM_KAC,
    FORM_XSS,
    FORM_XAS,
    FORM_HSS,
    FORM_HAS
};
enum { FORMF_SS, FORMF_AS, FORMF_SA };
enum { FORM_S, FORM_A, FORM_C, FORM_LP, FORM_KS, FORM_KA, FORM_XS, FORM_XA, FORM_HS, FORM_HA };
#define FORM_BRANCH 8
#define FORM_COUNT  16 /* the same: with a constant, with a slot */

enum family {
    FAMILY_NONE, /* has a function of its own in the translator */
    FAMILY_COMM,
    FAMILY_ORD,
    FAMILY_COMMF,
    FAMILY_ORDF,
    FAMILY_CMP,
    FAMILY_CMPF,
    FAMILY_UN,
    FAMILY_LOAD,
    FAMILY_STORE,
    FAMILY_RMW,
    FAMILY_CMPXCHG,
    FAMILY_VECTOR,      /* operands and result as in the signature, all in slots */
    FAMILY_VECTOR_LOAD, /* forms: address in slot a of memory 0; host address in acc */
    FAMILY_VECTOR_STORE,
};
struct rule {
    u8 family;
    char operand, result; /* type letters; STORE: the value's type is `operand` */
    u16 base;             /* first handler */
    u16 swapped, inverse; /* CMP: enum wasm_op */
};
extern const struct rule engine_rules[OP_COUNT];

#endif
