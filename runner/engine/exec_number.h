/* exec_number.h - numbers as WebAssembly has them: bits, rounding, minimum, conversion. */
#ifndef WITC_ENGINE_EXEC_NUMBER_H
#define WITC_ENGINE_EXEC_NUMBER_H

#include "base.h"

#include <math.h>

#define SIGN64 0x8000000000000000u
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

static inline u128 wide(u64 lo, u64 hi)
{
    return (u128)hi << 64 | lo;
}
static inline u32 f32_bits(float x)
{
    u32 bits;
    memcpy(&bits, &x, 4);
    return bits;
}
static inline u64 f64_bits(double x)
{
    u64 bits;
    memcpy(&bits, &x, 8);
    return bits;
}
static inline float f32_from_bits(u32 bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
static inline double f64_from_bits(u64 bits)
{
    double x;
    memcpy(&x, &bits, 8);
    return x;
}
/* A slot is little-endian inside on every machine: the low half is found by shifting, not by address. */
static inline float get_f32(const u64 *slot)
{
    return f32_from_bits((u32)*slot);
}
static inline double get_f64(const u64 *slot)
{
    double x;
    memcpy(&x, slot, 8);
    return x;
}
static inline void put_f32(u64 *slot, float x)
{
    *slot = f32_bits(x);
}
static inline void put_f64(u64 *slot, double x)
{
    memcpy(slot, &x, 8);
}
static inline u32 popcount(u64 x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (u32)(x * 0x0101010101010101u >> 56);
}

#define ZERO_CHECK \
    if (b == 0)    \
        TRAP(DIVIDE);
#define DIVIDE_CHECK(T, MIN)         \
    if (b == 0)                      \
        TRAP(DIVIDE);                \
    if ((T)a == (MIN) && (T)b == -1) \
        TRAP(OVERFLOW);
#define TRUNC_CHECK(low, high)        \
    if (!(a > (low) && a < (high))) { \
        if (a != a)                   \
            TRAP(CONVERSION);         \
        TRAP(OVERFLOW);               \
    }

/* A NaN that came in goes out quiet. */
static inline float f32_quiet(float x)
{
    return f32_from_bits(f32_bits(x) | 0x00400000u);
}
static inline double f64_quiet(double x)
{
    return f64_from_bits(f64_bits(x) | 0x0008000000000000u);
}
#define ROUNDING(name, function)                       \
    static inline float f32_##name(float x)            \
    {                                                  \
        return x != x ? f32_quiet(x) : function##f(x); \
    }                                                  \
    static inline double f64_##name(double x)          \
    {                                                  \
        return x != x ? f64_quiet(x) : function(x);    \
    }
ROUNDING(ceil, ceil)
ROUNDING(floor, floor)
ROUNDING(trunc, trunc)
ROUNDING(nearest, nearbyint)
#undef ROUNDING

static inline float f32_min(float a, float b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b) /* -0 is below +0 */
        return f32_from_bits(f32_bits(a) | f32_bits(b));
    return a < b ? a : b;
}
static inline float f32_max(float a, float b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return f32_from_bits(f32_bits(a) & f32_bits(b));
    return a > b ? a : b;
}
static inline double f64_min(double a, double b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return f64_from_bits(f64_bits(a) | f64_bits(b));
    return a < b ? a : b;
}
static inline double f64_max(double a, double b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return f64_from_bits(f64_bits(a) & f64_bits(b));
    return a > b ? a : b;
}

/* Saturating conversions; exact for f32 operands too, as every f32 is an f64. */
static inline u32 sat_i32(double x)
{
    if (x != x)
        return 0;
    return x <= -2147483648.0 ? 0x80000000u : x >= 2147483647.0 ? 0x7fffffffu : (u32)(i32)x;
}
static inline u32 sat_u32(double x)
{
    if (!(x > 0))
        return 0;
    return x >= 4294967295.0 ? UINT32_MAX : (u32)(i64)x;
}
static inline u64 sat_i64(double x)
{
    if (x != x)
        return 0;
    if (x <= -9223372036854775808.0)
        return SIGN64;
    return x >= 9223372036854775808.0 ? (u64)INT64_MAX : (u64)(i64)x;
}
static inline u64 sat_u64(double x)
{
    if (!(x > 0))
        return 0;
    return x >= 18446744073709551616.0 ? UINT64_MAX : (u64)x;
}

#endif
