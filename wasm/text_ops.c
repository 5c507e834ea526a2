/* text_ops.c - finds instructions by their name: a hash table of ops.def, made once for each text. */
#include "text.h"

enum { OPS_SLOTS = 4096 };

struct text_ops {
    u16 slots[OPS_SLOTS]; /* instruction + 1 */
    u8 lengths[OP_COUNT];
};

static u32 op_hash(const char *s, u32 n)
{
    u64 first = 0, last = 0;
    if (n >= 8) {
        memcpy(&first, s, 8);
        memcpy(&last, s + n - 8, 8);
    } else {
        for (u32 i = 0; i < n; i++)
            first = first << 8 | (u8)s[i];
    }
    u64 h = (first * 0x9e3779b97f4a7c15u) ^ ((last + n) * 0xc2b2ae3d27d4eb4fu);
    h ^= h >> 29;
    return (u32)((h * 0xff51afd7ed558ccdu) >> 52) & (OPS_SLOTS - 1);
}

const struct text_ops *text_ops_new(struct arena *a)
{
    struct text_ops *ops = arena_new(a, struct text_ops);
    for (u32 op = 0; op < OP_COUNT; op++) {
        const char *name = wasm_op_info[op].name;
        u32 length = (u32)strlen(name);
        ops->lengths[op] = (u8)length;
        if (text_ops_find(ops, name, 0, length) != OP_COUNT)
            continue; /* the second of a pair such as ref.test */
        u32 slot = op_hash(name, length);
        while (ops->slots[slot])
            slot = (slot + 1) & (OPS_SLOTS - 1);
        ops->slots[slot] = (u16)(op + 1);
    }
    return ops;
}

enum wasm_op text_ops_find(const struct text_ops *ops, const char *text, u32 start, u32 end)
{
    u32 length = end - start;
    u32 slot = op_hash(text + start, length);
    for (; ops->slots[slot]; slot = (slot + 1) & (OPS_SLOTS - 1)) {
        u32 op = ops->slots[slot] - 1u;
        if (ops->lengths[op] == length && memcmp(wasm_op_info[op].name, text + start, length) == 0)
            return (enum wasm_op)op;
    }
    return OP_COUNT;
}

void text_unknown_op(struct text_parser *p, struct text_token at)
{
    if (p->failed)
        return;
    static const struct {
        str word;
        bool of_function; /* or else of a module */
    } others[] = {
        {STR_INIT("type"), true},    {STR_INIT("param"), true},  {STR_INIT("result"), true},
        {STR_INIT("local"), true},   {STR_INIT("export"), true}, {STR_INIT("import"), true},
        {STR_INIT("func"), false},   {STR_INIT("table"), false}, {STR_INIT("memory"), false},
        {STR_INIT("global"), false}, {STR_INIT("tag"), false},   {STR_INIT("elem"), false},
        {STR_INIT("data"), false},   {STR_INIT("start"), false}, {STR_INIT("rec"), false},
    };
    str name = text_of(p, at);
    for (u32 i = 0; i < LENGTH_OF(others); i++) {
        if (!str_eq(name, others[i].word))
            continue;
        struct diag *x =
            text_fail(p, at, "unexpected token `" STRF "`, expected an instruction", STRA(name));
        if (!text_blame_balance(p, x, at.start) && others[i].of_function)
            diag_note(p->d, x,
                      "a function has its exports or import, type, parameters, results and locals "
                      "in this order, before all instructions");
        return;
    }
    if (name.len > 60) {
        text_fail(p, at, "unknown operator");
        return;
    }
    struct diag *x = text_fail(p, at, "unknown operator `" STRF "`", STRA(name));
    str names[OP_COUNT];
    for (u32 op = 0; op < OP_COUNT; op++)
        names[op] = str_c(wasm_op_info[op].name);
    diag_suggest(p->d, x, name, names, OP_COUNT);
}
