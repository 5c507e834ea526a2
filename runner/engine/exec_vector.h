/* exec_vector.h - v128 values: lanes, saturation, and the few operations that are no loops. */
#ifndef WITC_ENGINE_EXEC_VECTOR_H
#define WITC_ENGINE_EXEC_VECTOR_H

#include "exec_number.h"

union v128 {
    u8 u8[16];
    i8 i8[16];
    u16 u16[8];
    i16 i16[8];
    u32 u32[4];
    i32 i32[4];
    u64 u64[2];
    i64 i64[2];
    float f32[4];
    double f64[2];
};

static inline union v128 get_v128(const u64 *slots)
{
    union v128 v;
    memcpy(&v, slots, 16);
    return v;
}
static inline void put_v128(u64 *slots, const union v128 *v)
{
    memcpy(slots, v, 16);
}

static inline i8 sat_i8(i32 x)
{
    return (i8)(x < INT8_MIN ? INT8_MIN : x > INT8_MAX ? INT8_MAX : x);
}
static inline u8 sat_u8(i32 x)
{
    return (u8)(x < 0 ? 0 : x > UINT8_MAX ? UINT8_MAX : x);
}
static inline i16 sat_i16(i32 x)
{
    return (i16)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}
static inline u16 sat_u16(i32 x)
{
    return (u16)(x < 0 ? 0 : x > UINT16_MAX ? UINT16_MAX : x);
}

#define LANES(type, sign, n)                                \
    static inline bool all_true_##type(const union v128 *v) \
    {                                                       \
        bool all = true;                                    \
        for (u32 i = 0; i < n; i++)                         \
            all &= v->type[i] != 0;                         \
        return all;                                         \
    }                                                       \
    static inline u32 bitmask_##sign(const union v128 *v)   \
    {                                                       \
        u32 mask = 0;                                       \
        for (u32 i = 0; i < n; i++)                         \
            mask |= (u32)(v->sign[i] < 0) << i;             \
        return mask;                                        \
    }
LANES(u8, i8, 16)
LANES(u16, i16, 8)
LANES(u32, i32, 4)
LANES(u64, i64, 2)
#undef LANES

/* Sum of the products of a pair of lanes. */
static inline i16 dot_i8(const union v128 *a, const union v128 *b, u32 pair)
{
    return sat_i16((i32)a->i8[2 * pair] * b->i8[2 * pair] +
                   (i32)a->i8[2 * pair + 1] * b->i8[2 * pair + 1]);
}

#endif
