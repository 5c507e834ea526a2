/* script_text.c - values in messages, and floats against what a script allows. */
#include "script_internal.h"

bool script_float_matches(u8 nan, u64 want, u64 have, unsigned bits)
{
    unsigned fraction = bits == 32 ? 23 : 52;
    u64 quiet = (u64)1 << (fraction - 1), sign = (u64)1 << (bits - 1);
    u64 exponent = (((u64)1 << (bits - 1 - fraction)) - 1) << fraction;
    if (nan == WAST_NAN_CANONICAL)
        return (have & ~sign) == (exponent | quiet);
    if (nan == WAST_NAN_ARITHMETIC)
        return (have & (exponent | quiet)) == (exponent | quiet);
    return want == have;
}

static void print_float(struct buf *out, u64 bits, unsigned width)
{
    unsigned fraction = width == 32 ? 23 : 52;
    u64 exponent = (((u64)1 << (width - 1 - fraction)) - 1) << fraction;
    u64 payload = bits & (((u64)1 << fraction) - 1);
    if ((bits & exponent) == exponent && payload) {
        buf_printf(out, "%snan:0x%llx", bits >> (width - 1) ? "-" : "",
                   (unsigned long long)payload);
    } else if (width == 32) {
        float f;
        u32 half = (u32)bits;
        memcpy(&f, &half, 4);
        buf_printf(out, "%.9g", (double)f);
    } else {
        double f;
        memcpy(&f, &bits, 8);
        buf_printf(out, "%.17g", f);
    }
}

static void print_lane(struct buf *out, const struct wast_value *v, u32 lane)
{
    unsigned bits = v->lane_bits;
    u32 word = lane * bits / 64, shift = lane * bits % 64;
    u64 mask = bits == 64 ? ~(u64)0 : ((u64)1 << bits) - 1, value = v->bits[word] >> shift & mask;
    if (v->lanes_float && v->nan[lane])
        buf_c(out, v->nan[lane] == WAST_NAN_CANONICAL ? "nan:canonical" : "nan:arithmetic");
    else if (v->lanes_float)
        print_float(out, value, bits);
    else
        buf_printf(out, "0x%llx", (unsigned long long)value);
}

static void print_children(struct buf *out, const struct wast_value *v)
{
    for (u32 i = 0; i < v->count; i++) {
        buf_byte(out, ' ');
        if (v->kind == WAST_CM_FLAGS) {
            buf_printf(out, "\"" STRF "\"", STRA(v->names[i]));
            continue;
        }
        if (v->kind == WAST_CM_RECORD)
            buf_printf(out, "(field \"" STRF "\" ", STRA(v->names[i]));
        script_print_expected(out, &v->items[i]);
        if (v->kind == WAST_CM_RECORD)
            buf_byte(out, ')');
    }
}

void script_print_expected(struct buf *out, const struct wast_value *v)
{
    static const char *const words[] = {
        [WAST_I32] = "i32.const",         [WAST_I64] = "i64.const",
        [WAST_F32] = "f32.const",         [WAST_F64] = "f64.const",
        [WAST_V128] = "v128.const",       [WAST_REF_NULL] = "ref.null",
        [WAST_REF_FUNC] = "ref.func",     [WAST_REF_EXTERN] = "ref.extern",
        [WAST_REF_HOST] = "ref.host",     [WAST_REF_ANY] = "ref.any",
        [WAST_REF_EQ] = "ref.eq",         [WAST_REF_I31] = "ref.i31",
        [WAST_REF_STRUCT] = "ref.struct", [WAST_REF_ARRAY] = "ref.array",
        [WAST_REF_EXN] = "ref.exn",       [WAST_CM_BOOL] = "bool.const",
        [WAST_CM_S8] = "s8.const",        [WAST_CM_U8] = "u8.const",
        [WAST_CM_S16] = "s16.const",      [WAST_CM_U16] = "u16.const",
        [WAST_CM_S32] = "s32.const",      [WAST_CM_U32] = "u32.const",
        [WAST_CM_S64] = "s64.const",      [WAST_CM_U64] = "u64.const",
        [WAST_CM_F32] = "f32.const",      [WAST_CM_F64] = "f64.const",
        [WAST_CM_CHAR] = "char.const",    [WAST_CM_STRING] = "str.const",
        [WAST_CM_LIST] = "list.const",    [WAST_CM_RECORD] = "record.const",
        [WAST_CM_TUPLE] = "tuple.const",  [WAST_CM_VARIANT] = "variant.const",
        [WAST_CM_ENUM] = "enum.const",    [WAST_CM_OPTION] = "option.none",
        [WAST_CM_RESULT] = "result.ok",   [WAST_CM_FLAGS] = "flags.const",
        [WAST_CM_MAP] = "map.const",      [WAST_EITHER] = "either",
    };
    const char *word = words[v->kind];
    if (v->kind == WAST_CM_OPTION && v->has_payload)
        word = "option.some";
    if (v->kind == WAST_CM_RESULT && v->is_error)
        word = "result.err";
    buf_printf(out, "(%s", word);
    switch (v->kind) {
    case WAST_I32: buf_printf(out, " %d", (i32)v->bits[0]); break;
    case WAST_I64:
    case WAST_CM_S8:
    case WAST_CM_S16:
    case WAST_CM_S32:
    case WAST_CM_S64: buf_printf(out, " %lld", (long long)v->bits[0]); break;
    case WAST_CM_U8:
    case WAST_CM_U16:
    case WAST_CM_U32:
    case WAST_CM_U64: buf_printf(out, " %llu", (unsigned long long)v->bits[0]); break;
    case WAST_F32:
    case WAST_F64:
    case WAST_CM_F32:
    case WAST_CM_F64:
        buf_byte(out, ' ');
        if (v->nan[0])
            buf_c(out, v->nan[0] == WAST_NAN_CANONICAL ? "nan:canonical" : "nan:arithmetic");
        else
            print_float(out, v->bits[0], v->kind == WAST_F32 || v->kind == WAST_CM_F32 ? 32 : 64);
        break;
    case WAST_V128:
        buf_printf(out, " %c%ux%u", v->lanes_float ? 'f' : 'i', v->lane_bits, 128 / v->lane_bits);
        for (u32 i = 0; i < 128u / v->lane_bits; i++) {
            buf_byte(out, ' ');
            print_lane(out, v, i);
        }
        break;
    case WAST_REF_EXTERN:
    case WAST_REF_HOST:
        if (v->has_payload)
            buf_printf(out, " %llu", (unsigned long long)v->bits[0]);
        break;
    case WAST_CM_BOOL: buf_c(out, v->bits[0] ? " true" : " false"); break;
    case WAST_CM_CHAR: {
        char bytes[4];
        u32 n = utf8_encode((u32)v->bits[0], bytes);
        buf_printf(out, " \"%.*s\"", (int)n, bytes);
        break;
    }
    case WAST_CM_STRING:
    case WAST_CM_ENUM:
    case WAST_CM_VARIANT: buf_printf(out, " \"" STRF "\"", STRA(v->text)); break;
    default: break;
    }
    print_children(out, v);
    buf_byte(out, ')');
}

void script_print_core(struct buf *out, wasm_valtype type, const u64 *slots)
{
    struct wast_value v = {.bits = {slots[0], 0}};
    switch (type) {
    case WASM_I32: v.kind = WAST_I32; break;
    case WASM_I64: v.kind = WAST_I64; break;
    case WASM_F32: v.kind = WAST_F32; break;
    case WASM_F64: v.kind = WAST_F64; break;
    case WASM_V128:
        v.kind = WAST_V128;
        v.bits[1] = slots[1];
        v.lane_bits = 32;
        break;
    default:
        if (slots[0] == 0)
            buf_c(out, "(ref.null)");
        else if (engine_is_extern_ref(slots[0], &v.bits[0]))
            buf_printf(out, "(ref.extern %llu)", (unsigned long long)v.bits[0]);
        else
            buf_c(out, "a reference");
        return;
    }
    script_print_expected(out, &v);
}
