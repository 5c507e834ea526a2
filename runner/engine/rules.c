/* rules.c - the table of rules, made from the rows that make the handlers. */
#include "rules.h"

#undef COMM
#undef SHIFT_ADD
#undef ORD
#undef COMMF
#undef ORDF
#undef CMP
#undef CMPF
#undef UN
#undef LOAD
#undef STORE
#undef RMW
#undef CMPXCHG
#undef VECTOR
#undef V1
#undef V2
#undef VCMP
#undef VSHIFT
#undef VSPLAT
#undef VEXTRACT
#undef VREPLACE
#undef VNUMBER
#undef VLOAD
#undef VSTORE

#define SHIFT_ADD(id)
#define COMM(id, T, R, ...)   [OP_##id] = {FAMILY_COMM, #T[0], #R[0], H_##id##_ss_r, 0, 0},
#define ORD(id, T, R, ...)    [OP_##id] = {FAMILY_ORD, #T[0], #R[0], H_##id##_ss_r, 0, 0},
#define COMMF(id, T, R, ...)  [OP_##id] = {FAMILY_COMMF, #T[0], #R[0], H_##id##_ss_r, 0, 0},
#define ORDF(id, T, R, ...)   [OP_##id] = {FAMILY_ORDF, #T[0], #R[0], H_##id##_ss_r, 0, 0},
#define CMP(id, T, S, I, ...) [OP_##id] = {FAMILY_CMP, #T[0], 'i', H_##id##_ss_r, OP_##S, OP_##I},
#define CMPF(id, T, S, ...)   [OP_##id] = {FAMILY_CMPF, #T[0], 'i', H_##id##_ss_r, OP_##S, 0},
#define UN(id, T, R, ...)     [OP_##id] = {FAMILY_UN, #T[0], #R[0], H_##id##_s_r, 0, 0},
#define LOAD(id, M, R, ...)   [OP_##id] = {FAMILY_LOAD, 0, #R[0], H_##id##_s_r, 0, 0},
#define STORE(id, M, V)       [OP_##id] = {FAMILY_STORE, #V[0], 0, H_##id##_ss, 0, 0},
#define RMW(id, ...)          [OP_##id] = {FAMILY_RMW, 0, 0, H_##id##_p, 0, 0},
#define CMPXCHG(id, ...)      [OP_##id] = {FAMILY_CMPXCHG, 0, 0, H_##id##_p, 0, 0},
#define VECTOR(id, ...)       [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define V1(id, ...)           [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define V2(id, ...)           [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VCMP(id, ...)         [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VSHIFT(id, ...)       [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VSPLAT(id, ...)       [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VEXTRACT(id, ...)     [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VREPLACE(id, ...)     [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VNUMBER(id, ...)      [OP_##id] = {FAMILY_VECTOR, 0, 0, H_##id, 0, 0},
#define VLOAD(id, ...)        [OP_##id] = {FAMILY_VECTOR_LOAD, 0, 0, H_##id##_s, 0, 0},
#define VSTORE(id, ...)       [OP_##id] = {FAMILY_VECTOR_STORE, 0, 0, H_##id##_s, 0, 0},

const struct rule engine_rules[OP_COUNT] = {
#include "memory.def"
#include "number.def"
#include "vector.def"
};
