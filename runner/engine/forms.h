/* forms.h - families of handlers: what one row of number.def or memory.def expands to.
 *
 * A row is an instruction; its handlers differ in where operands are: s a slot, c a constant in the code, a the accumulator of its
 * type (acc for integers and references, fs for f32, fd for f64). The result always goes to the accumulator; handlers
 * ending in _r also store it to slot d, those in _a do not. Type letters as in ops.def: i I f F.
 */
#ifndef WITC_ENGINE_FORMS_H
#define WITC_ENGINE_FORMS_H

#define T_i      u32
#define T_I      u64
#define T_f      float
#define T_F      double
#define GET_i(n) ((u32)sp[n])
#define GET_I(n) (sp[n])
#define GET_f(n) get_f32(&sp[n])
#define GET_F(n) get_f64(&sp[n])
#define ACC_i    ((u32)acc)
#define ACC_I    acc
#define ACC_f    fs
#define ACC_F    fd
#define IMM_i    ((u32)W.imm)
#define IMM_I    ((u64)(i64)W.imm)
#define SET_i(v) acc = (u32)(v)
#define SET_I(v) acc = (u64)(v)
#define SET_f(v) fs = (v)
#define SET_F(v) fd = (v)
#define PUT_i(n) sp[n] = acc
#define PUT_I(n) sp[n] = acc
#define PUT_f(n) put_f32(&sp[n], fs)
#define PUT_F(n) put_f64(&sp[n], fd)
#define RAW_i    acc
#define RAW_f    f32_bits(fs)
#define RAW_F    f64_bits(fd)

#define STORE_r(R) PUT_##R(W.d);
#define STORE_a(R)

#define BINARY_(id, T, R, form, dest, left, right, CHECK, ...) \
    HANDLER(id##_##form##_##dest, {                            \
        T_##T a = left, b = right;                             \
        CHECK SET_##R((__VA_ARGS__));                          \
        STORE_##dest(R) NEXT(2);                               \
    })
#define BINARY(id, T, R, form, left, right, CHECK, ...)         \
    BINARY_(id, T, R, form, r, left, right, CHECK, __VA_ARGS__) \
    BINARY_(id, T, R, form, a, left, right, CHECK, __VA_ARGS__)

#define COMM(id, T, R, ...)                                         \
    BINARY(id, T, R, ss, GET_##T(W.a), GET_##T(W.b), , __VA_ARGS__) \
    BINARY(id, T, R, as, ACC_##T, GET_##T(W.b), , __VA_ARGS__)      \
    BINARY(id, T, R, sc, GET_##T(W.a), IMM_##T, , __VA_ARGS__)      \
    BINARY(id, T, R, ac, ACC_##T, IMM_##T, , __VA_ARGS__)
#define ORD(id, T, R, CHECK, ...)                                        \
    BINARY(id, T, R, ss, GET_##T(W.a), GET_##T(W.b), CHECK, __VA_ARGS__) \
    BINARY(id, T, R, as, ACC_##T, GET_##T(W.b), CHECK, __VA_ARGS__)      \
    BINARY(id, T, R, sc, GET_##T(W.a), IMM_##T, CHECK, __VA_ARGS__)      \
    BINARY(id, T, R, ac, ACC_##T, IMM_##T, CHECK, __VA_ARGS__)           \
    BINARY(id, T, R, sa, GET_##T(W.a), ACC_##T, CHECK, __VA_ARGS__)      \
    BINARY(id, T, R, cs, IMM_##T, GET_##T(W.a), CHECK, __VA_ARGS__)      \
    BINARY(id, T, R, ca, IMM_##T, ACC_##T, CHECK, __VA_ARGS__)
#define SHIFT_ADD_(id, form, dest, left)       \
    HANDLER(id##_##form##_##dest, {            \
        SET_i((u32)(left)*W.c + (u32)sp[W.b]); \
        STORE_##dest(i) NEXT(2);               \
    })
#define SHIFT_ADD(id)             \
    SHIFT_ADD_(id, s, r, sp[W.a]) \
    SHIFT_ADD_(id, s, a, sp[W.a]) \
    SHIFT_ADD_(id, a, r, acc)     \
    SHIFT_ADD_(id, a, a, acc)
#define COMMF(id, T, R, ...)                                        \
    BINARY(id, T, R, ss, GET_##T(W.a), GET_##T(W.b), , __VA_ARGS__) \
    BINARY(id, T, R, as, ACC_##T, GET_##T(W.b), , __VA_ARGS__)
#define ORDF(id, T, R, ...)                                         \
    BINARY(id, T, R, ss, GET_##T(W.a), GET_##T(W.b), , __VA_ARGS__) \
    BINARY(id, T, R, as, ACC_##T, GET_##T(W.b), , __VA_ARGS__)      \
    BINARY(id, T, R, sa, GET_##T(W.a), ACC_##T, , __VA_ARGS__)

/* A comparison, and the branch on it: a two-way dispatch each, so that the processor predicts both. */
#define BRANCH_(id, T, form, n, left, right, ...) \
    HANDLER(id##_##form##_f, {                    \
        T_##T a = left, b = right;                \
        if (__VA_ARGS__)                          \
            JUMP(W.imm);                          \
        NEXT(n);                                  \
    })                                            \
    HANDLER(id##_##form##_b, {                    \
        T_##T a = left, b = right;                \
        if (__VA_ARGS__)                          \
            JUMP_BACK(W.imm);                     \
        NEXT(n);                                  \
    })
/* The end of a counting loop: slot a += the constant in the upper half of the next cell, compare with the one in the lower half
 * or with slot d, branch back. */
#define COUNT_IMM_i(x) ((u32)(x))
#define COUNT_IMM_I(x) ((u64)(i64)(i32)(x))
#define COUNT_(id, T, form, right, ...)                                 \
    HANDLER(id##_count_##form, {                                        \
        T_##T a = (T_##T)(GET_##T(W.a) + COUNT_IMM_##T(ip[2].u >> 32)); \
        T_##T b = right;                                                \
        acc = a;                                                        \
        sp[W.a] = acc;                                                  \
        if (__VA_ARGS__)                                                \
            JUMP_BACK(W.imm);                                           \
        NEXT(3);                                                        \
    })
#define BRANCH_IMM_i ((u32)ip[2].u)
#define BRANCH_IMM_I (ip[2].u)
#define CMP(id, T, swapped, inverse, ...)                            \
    COMM(id, T, i, __VA_ARGS__)                                      \
    BRANCH_(id, T, ss, 2, GET_##T(W.a), GET_##T(W.d), __VA_ARGS__)   \
    BRANCH_(id, T, as, 2, ACC_##T, GET_##T(W.d), __VA_ARGS__)        \
    BRANCH_(id, T, sc, 3, GET_##T(W.a), BRANCH_IMM_##T, __VA_ARGS__) \
    BRANCH_(id, T, ac, 3, ACC_##T, BRANCH_IMM_##T, __VA_ARGS__)      \
    COUNT_(id, T, c, COUNT_IMM_##T(ip[2].u), __VA_ARGS__)            \
    COUNT_(id, T, s, GET_##T(W.d), __VA_ARGS__)
#define CMPF(id, T, swapped, ...) COMMF(id, T, i, __VA_ARGS__)

#define UNARY_(id, T, R, form, dest, operand, CHECK, ...) \
    HANDLER(id##_##form##_##dest, {                       \
        T_##T a = operand;                                \
        CHECK SET_##R((__VA_ARGS__));                     \
        STORE_##dest(R) NEXT(2);                          \
    })
#define UN(id, T, R, CHECK, ...)                             \
    UNARY_(id, T, R, s, r, GET_##T(W.a), CHECK, __VA_ARGS__) \
    UNARY_(id, T, R, s, a, GET_##T(W.a), CHECK, __VA_ARGS__) \
    UNARY_(id, T, R, a, r, ACC_##T, CHECK, __VA_ARGS__)      \
    UNARY_(id, T, R, a, a, ACC_##T, CHECK, __VA_ARGS__)

/* Memory access: forms of the address s, a, c (wholly known, in a cell of its own) and p, a checked host address in acc. */
#define EA_CHECK(ea, M)          \
    if (ea + sizeof(M) > memlen) \
        TRAP(MEMORY);
#define LOAD_(id, M, R, form, dest, n, ADDRESS, ...) \
    HANDLER(id##_##form##_##dest, {                  \
        M v;                                         \
        ADDRESS(M, v)                                \
        SET_##R((__VA_ARGS__));                      \
        STORE_##dest(R) NEXT(n);                     \
    })
#define READ_AT(M, v, address) \
    u64 ea = (address);        \
    EA_CHECK(ea, M)            \
    memcpy(&v, mem + ea, sizeof(M));
#define LOAD_AT_s(M, v)  READ_AT(M, v, (u64)(u32)sp[W.a] + W.off)
#define LOAD_AT_a(M, v)  READ_AT(M, v, (u64)(u32)acc + W.off)
#define LOAD_AT_c(M, v)  READ_AT(M, v, ip[2].u)
#define LOAD_AT_p(M, v)  memcpy(&v, host_pointer(acc), sizeof(M));
#define LOAD_AT_ks(M, v) READ_AT(M, v, SUM_ks)
#define LOAD_AT_ka(M, v) READ_AT(M, v, SUM_ka)
#define LOAD_AT_xs(M, v) READ_AT(M, v, SUM_xs)
#define LOAD_AT_xa(M, v) READ_AT(M, v, SUM_xa)
#define LOAD_AT_hs(M, v) READ_AT(M, v, SUM_hs)
#define LOAD_AT_ha(M, v) READ_AT(M, v, SUM_ha)
/* Addresses that are sums: with a constant (k), of two values (x), with an index times a size (h); _s and _a tell where the first is. */
#define SUM_ks (u64)((u32)sp[W.a] + W.off)
#define SUM_ka (u64)((u32)acc + W.off)
#define SUM_xs (u64)((u32)sp[W.a] + (u32)sp[W.b]) + W.c
#define SUM_xa (u64)((u32)acc + (u32)sp[W.b]) + W.c
#define SUM_hs (u64)((u32)sp[W.a] * W.c + (u32)sp[W.b])
#define SUM_ha (u64)((u32)acc * W.c + (u32)sp[W.b])
#define LOAD(id, M, R, ...)                            \
    LOAD_(id, M, R, s, r, 2, LOAD_AT_s, __VA_ARGS__)   \
    LOAD_(id, M, R, s, a, 2, LOAD_AT_s, __VA_ARGS__)   \
    LOAD_(id, M, R, a, r, 2, LOAD_AT_a, __VA_ARGS__)   \
    LOAD_(id, M, R, a, a, 2, LOAD_AT_a, __VA_ARGS__)   \
    LOAD_(id, M, R, c, r, 3, LOAD_AT_c, __VA_ARGS__)   \
    LOAD_(id, M, R, c, a, 3, LOAD_AT_c, __VA_ARGS__)   \
    LOAD_(id, M, R, p, r, 2, LOAD_AT_p, __VA_ARGS__)   \
    LOAD_(id, M, R, p, a, 2, LOAD_AT_p, __VA_ARGS__)   \
    LOAD_(id, M, R, ks, r, 2, LOAD_AT_ks, __VA_ARGS__) \
    LOAD_(id, M, R, ks, a, 2, LOAD_AT_ks, __VA_ARGS__) \
    LOAD_(id, M, R, ka, r, 2, LOAD_AT_ka, __VA_ARGS__) \
    LOAD_(id, M, R, ka, a, 2, LOAD_AT_ka, __VA_ARGS__) \
    LOAD_(id, M, R, xs, r, 2, LOAD_AT_xs, __VA_ARGS__) \
    LOAD_(id, M, R, xs, a, 2, LOAD_AT_xs, __VA_ARGS__) \
    LOAD_(id, M, R, xa, r, 2, LOAD_AT_xa, __VA_ARGS__) \
    LOAD_(id, M, R, xa, a, 2, LOAD_AT_xa, __VA_ARGS__) \
    LOAD_(id, M, R, hs, r, 2, LOAD_AT_hs, __VA_ARGS__) \
    LOAD_(id, M, R, hs, a, 2, LOAD_AT_hs, __VA_ARGS__) \
    LOAD_(id, M, R, ha, r, 2, LOAD_AT_ha, __VA_ARGS__) \
    LOAD_(id, M, R, ha, a, 2, LOAD_AT_ha, __VA_ARGS__)

/* Form names: address, value. One handler each (nothing is stored to a slot). */
#define STORE_(id, M, form, n, address, value) \
    HANDLER(id##_##form, {                     \
        u64 ea = (address);                    \
        M v = (M)(value);                      \
        EA_CHECK(ea, M)                        \
        memcpy(mem + ea, &v, sizeof(M));       \
        NEXT(n);                               \
    })
#define STORE(id, M, V)                                      \
    STORE_(id, M, ss, 2, (u64)(u32)sp[W.a] + W.off, sp[W.d]) \
    STORE_(id, M, as, 2, (u64)(u32)acc + W.off, sp[W.d])     \
    STORE_(id, M, sc, 3, (u64)(u32)sp[W.a] + W.off, ip[2].u) \
    STORE_(id, M, ac, 3, (u64)(u32)acc + W.off, ip[2].u)     \
    STORE_(id, M, sa, 2, (u64)(u32)sp[W.a] + W.off, RAW_##V) \
    STORE_(id, M, cs, 3, ip[2].u, sp[W.d])                   \
    STORE_(id, M, ca, 3, ip[2].u, RAW_##V)                   \
    HANDLER(id##_p, {                                        \
        M v = (M)sp[W.d];                                    \
        memcpy(host_pointer(acc), &v, sizeof(M));            \
        NEXT(2);                                             \
    })                                                       \
    STORE_(id, M, aa, 2, (u64)(u32)acc + W.off, RAW_##V)     \
    STORE_(id, M, kss, 2, SUM_ks, sp[W.d])                   \
    STORE_(id, M, kas, 2, SUM_ka, sp[W.d])                   \
    STORE_(id, M, ksc, 3, SUM_ks, ip[2].u)                   \
    STORE_(id, M, kac, 3, SUM_ka, ip[2].u)                   \
    STORE_(id, M, xss, 2, SUM_xs, sp[W.d])                   \
    STORE_(id, M, xas, 2, SUM_xa, sp[W.d])                   \
    STORE_(id, M, hss, 2, SUM_hs, sp[W.d])                   \
    STORE_(id, M, has, 2, SUM_ha, sp[W.d])

/* Read-modify-write at the host address in acc: operand in slot b, result to slot d. */
#define RMW(id, M, ...)                           \
    HANDLER(id##_p, {                             \
        M v, b = (M)sp[W.b], r;                   \
        memcpy(&v, host_pointer(acc), sizeof(M)); \
        r = (M)(__VA_ARGS__);                     \
        memcpy(host_pointer(acc), &r, sizeof(M)); \
        acc = v;                                  \
        sp[W.d] = acc;                            \
        NEXT(2);                                  \
    })
/* Compare and exchange: expected in slot a, new value in slot b. */
#define CMPXCHG(id, M)                                \
    HANDLER(id##_p, {                                 \
        M v, n = (M)sp[W.b];                          \
        memcpy(&v, host_pointer(acc), sizeof(M));     \
        if (v == sp[W.a])                             \
            memcpy(host_pointer(acc), &n, sizeof(M)); \
        acc = v;                                      \
        sp[W.d] = acc;                                \
        NEXT(2);                                      \
    })

/* Vectors: see vector.def. Unused operands cost nothing: they are 0, and slots from the first on are there to read. */
#define VECTOR(id, n, ...)                                                                 \
    HANDLER(id, {                                                                          \
        union v128 a = get_v128(&sp[W.a]), b = get_v128(&sp[W.b]), c = get_v128(&sp[W.c]); \
        union v128 r = {{0}};                                                              \
        (void)a, (void)b, (void)c;                                                         \
        __VA_ARGS__ put_v128(&sp[W.d], &r);                                                \
        NEXT(n);                                                                           \
    })
#define V1(id, T, R, n, ...)               \
    HANDLER(id, {                          \
        union v128 a = get_v128(&sp[W.a]); \
        union v128 r = {{0}};              \
        for (u32 i = 0; i < n; i++) {      \
            V_##T x = a.T[i];              \
            r.R[i] = (__VA_ARGS__);        \
        }                                  \
        put_v128(&sp[W.d], &r);            \
        NEXT(2);                           \
    })
#define VBOTH(id, T, R, n, ...)                                       \
    HANDLER(id, {                                                     \
        union v128 a = get_v128(&sp[W.a]), b = get_v128(&sp[W.b]), r; \
        for (u32 i = 0; i < n; i++) {                                 \
            V_##T x = a.T[i], y = b.T[i];                             \
            r.R[i] = (__VA_ARGS__);                                   \
        }                                                             \
        put_v128(&sp[W.d], &r);                                       \
        NEXT(2);                                                      \
    })
#define V2(id, T, n, ...)      VBOTH(id, T, T, n, __VA_ARGS__)
#define VCMP(id, T, U, n, ...) VBOTH(id, T, U, n, (__VA_ARGS__) ? (V_##U) - 1 : 0)
#define VSHIFT(id, T, lanes, ...)                 \
    HANDLER(id, {                                 \
        union v128 a = get_v128(&sp[W.a]), r;     \
        u32 n = (u32)sp[W.b] & (128 / (lanes)-1); \
        for (u32 i = 0; i < (lanes); i++) {       \
            V_##T x = a.T[i];                     \
            r.T[i] = (__VA_ARGS__);               \
        }                                         \
        put_v128(&sp[W.d], &r);                   \
        NEXT(2);                                  \
    })
#define VSPLAT(id, T, n, S)            \
    HANDLER(id, {                      \
        V_##T x = (V_##T)GET_##S(W.a); \
        union v128 r;                  \
        for (u32 i = 0; i < n; i++)    \
            r.T[i] = x;                \
        put_v128(&sp[W.d], &r);        \
        NEXT(2);                       \
    })
#define VEXTRACT(id, T, ...)               \
    HANDLER(id, {                          \
        union v128 a = get_v128(&sp[W.a]); \
        V_##T x = a.T[ip[2].u];            \
        sp[W.d] = (__VA_ARGS__);           \
        NEXT(3);                           \
    })
#define VREPLACE(id, T)                    \
    HANDLER(id, {                          \
        union v128 a = get_v128(&sp[W.a]); \
        a.T[ip[2].u] = (V_##T)sp[W.b];     \
        put_v128(&sp[W.d], &a);            \
        NEXT(3);                           \
    })
#define VNUMBER(id, ...)                   \
    HANDLER(id, {                          \
        union v128 a = get_v128(&sp[W.a]); \
        sp[W.d] = (__VA_ARGS__);           \
        NEXT(2);                           \
    })
/* Address in slot a, offset in the next cell, vector in slot b; or a checked host address in acc. */
#define V_ADDRESS_s(bytes)                \
    u64 ea = (u64)(u32)sp[W.a] + ip[2].u; \
    if (ea + (bytes) > memlen)            \
        TRAP(MEMORY);                     \
    u8 *p = mem + ea;
#define V_ADDRESS_p(bytes) u8 *p = host_pointer(acc);
#define VLOAD_(id, form, bytes, ...)                  \
    HANDLER(id##_##form, {                            \
        V_ADDRESS_##form(bytes) union v128 r = {{0}}; \
        __VA_ARGS__ put_v128(&sp[W.d], &r);           \
        NEXT(4);                                      \
    })
#define VLOAD(id, bytes, ...)         \
    VLOAD_(id, s, bytes, __VA_ARGS__) \
    VLOAD_(id, p, bytes, __VA_ARGS__)
#define VSTORE_(id, form, bytes, ...)                              \
    HANDLER(id##_##form, {                                         \
        V_ADDRESS_##form(bytes) union v128 v = get_v128(&sp[W.b]); \
        __VA_ARGS__                                                \
        NEXT(4);                                                   \
    })
#define VSTORE(id, bytes, ...)         \
    VSTORE_(id, s, bytes, __VA_ARGS__) \
    VSTORE_(id, p, bytes, __VA_ARGS__)
/* Members of union v128 have the names of their types, which hides these within it only. */
#define V_u8  uint8_t
#define V_i8  int8_t
#define V_u16 uint16_t
#define V_i16 int16_t
#define V_u32 uint32_t
#define V_i32 int32_t
#define V_u64 uint64_t
#define V_i64 int64_t
#define V_f32 float
#define V_f64 double

#endif
