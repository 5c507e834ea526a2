/* print_float.c - floats as hexadecimal literals with the decimal value in a comment. */
#include "print.h"

#include <stdio.h>
#include <stdlib.h>

static bool reads_back(const char *text, double value, bool single)
{
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* Adds one to the last digit of `d.ddde..`; false if it would carry out of the first. */
static bool next_up(char *text)
{
    for (char *c = strchr(text, 'e'); c-- > text;) {
        if (*c == '.') {
            continue;
        }
        if (*c < '9') {
            ++*c;
            return true;
        }
        *c = '0';
    }
    return false;
}

/* Decimal digits of a finite positive value, shortest that reads back, as `d.ddd` and exponent. Below a power
 * of two the values lie closer, so that only the neighbour above the nearest decimal may read back. */
static int shortest(double value, bool single, char digits[24], int *exponent)
{
    char text[40], above[40];
    bool subnormal = value < (single ? 0x1p-126 : 0x1p-1022); /* fewer digits hold then */
    int least = subnormal ? 1 : single ? 6 : 15, most = single ? 9 : 17;
    for (int n = least; n <= most; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, value);
        if (reads_back(text, value, single)) {
            break;
        }
        memcpy(above, text, sizeof text);
        if (next_up(above) && reads_back(above, value, single)) {
            memcpy(text, above, sizeof text);
            break;
        }
    }
    int count = 0;
    char *c = text;
    for (; *c != 'e'; c++) {
        if (*c != '.') {
            digits[count++] = *c;
        }
    }
    *exponent = atoi(c + 1);
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}

/* The value without an exponent. */
static void put_decimal(struct printer *p, double value, bool single)
{
    if (value == 0) {
        p_byte(p, '0');
        return;
    }
    char digits[24];
    int exponent, count = shortest(value, single, digits, &exponent);
    if (exponent < 0) {
        p_c(p, "0.");
        buf_fill(p->out, '0', (size_t)(-exponent - 1));
        p_bytes(p, digits, (size_t)count);
        return;
    }
    int whole = exponent + 1;
    if (count <= whole) {
        p_bytes(p, digits, (size_t)count);
        buf_fill(p->out, '0', (size_t)(whole - count));
    } else {
        p_bytes(p, digits, (size_t)whole);
        p_byte(p, '.');
        p_bytes(p, digits + whole, (size_t)(count - whole));
    }
}

/* A finite value: 0x1.8p+3; subnormal ones are normalised. */
static void put_hex(struct printer *p, u64 magnitude, u32 mantissa_bits, i32 bias)
{
    if (magnitude == 0) {
        p_c(p, "0x0p+0");
        return;
    }
    i32 exponent = (i32)(magnitude >> mantissa_bits) - bias;
    u64 fraction = magnitude << (64 - mantissa_bits);
    bool has_fraction = fraction != 0;
    if (magnitude >> mantissa_bits == 0) {
        int leading = __builtin_clzll(fraction);
        fraction = leading < 63 ? fraction << (leading + 1) : 0;
        exponent -= leading;
    }
    p_c(p, "0x1");
    if (has_fraction) {
        p_byte(p, '.');
    }
    for (; fraction; fraction <<= 4) {
        p_hex(p, fraction >> 60);
    }
    p_c(p, exponent < 0 ? "p-" : "p+");
    p_u64(p, (u64)(exponent < 0 ? -exponent : exponent));
}

static void put_float(struct printer *p, u64 bits, bool single)
{
    u32 width = single ? 32 : 64, mantissa_bits = single ? 23 : 52;
    bool negative = bits >> (width - 1);
    u64 magnitude = bits & (UINT64_MAX >> (65 - width));
    u64 infinity = (UINT64_MAX >> (65 - width)) >> mantissa_bits << mantissa_bits;
    if (negative) {
        p_byte(p, '-');
    }
    if (magnitude > infinity) {
        u64 payload = magnitude - infinity;
        p_c(p, "nan");
        if (payload != (u64)1 << (mantissa_bits - 1)) {
            p_c(p, ":0x");
            p_hex(p, payload);
        }
        p_c(p, " (;=NaN;)");
        return;
    }
    if (magnitude == infinity) {
        p_c(p, negative ? "inf (;=-inf;)" : "inf (;=inf;)");
        return;
    }
    double value;
    if (single) {
        float f;
        u32 half = (u32)magnitude;
        memcpy(&f, &half, 4);
        value = f;
    } else {
        memcpy(&value, &magnitude, 8);
    }
    put_hex(p, magnitude, mantissa_bits, single ? 127 : 1023);
    p_c(p, negative ? " (;=-" : " (;=");
    put_decimal(p, value, single);
    p_c(p, ";)");
}

void p_f32(struct printer *p, u32 bits)
{
    put_float(p, bits, true);
}

void p_f64(struct printer *p, u64 bits)
{
    put_float(p, bits, false);
}
