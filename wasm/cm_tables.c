/* cm_tables.c - the tables of sorts (sorts.def), of canonical definitions (canon.def), of their options (options.def) and of the
 * attributes of names. */
#include "wasm.h"

#include <stddef.h>

const struct cm_sort_info cm_sort_info[SORT_COUNT] = {
#define CORE_SORT(id, word, byte) {STR_INIT(word), "core " word, true, byte},
#define SORT(id, word, byte)      {STR_INIT(word), word, false, byte},
#include "sorts.def"
#undef CORE_SORT
#undef SORT
};

void cm_write_sort(struct buf *out, enum cm_sort sort)
{
    if (cm_sort_info[sort].is_core)
        buf_byte(out, 0);
    buf_byte(out, cm_sort_info[sort].byte);
}

const struct cm_canon_info cm_canon_info[CANON_COUNT] = {
#define CANON(id, opcode, text, form, gate) \
    [CANON_##id] = {opcode, text, CANON_FORM_##form, FEATURE_##gate},
#include "canon.def"
#undef CANON
};

/* ---- Canonical options ------------------------------------------------------------------------------------ */

const struct cm_option_info cm_option_info[OPTION_COUNT] = {
#define ENCODING(id, word, value)          {word, SORT_COUNT, FEATURE_COMPONENT_MODEL},
#define FLAG(id, word, field, gate)        {word, SORT_COUNT, FEATURE_##gate},
#define INDEX(id, word, sort, field, gate) {word, SORT_##sort, FEATURE_##gate},
#include "options.def"
#undef ENCODING
#undef FLAG
#undef INDEX
};

/* Where the fields of an option are in struct cm_canon_opts: what says that it is there, and its index. */
static const struct {
    u16 has, index;
} fields[OPTION_COUNT] = {
#define AT(field)                          offsetof(struct cm_canon_opts, field)
#define ENCODING(id, word, value)          {AT(has_encoding), ENCODING_##value},
#define FLAG(id, word, field, gate)        {AT(field), 0},
#define INDEX(id, word, sort, field, gate) {AT(has_##field), AT(field)},
#include "options.def"
#undef AT
#undef ENCODING
#undef FLAG
#undef INDEX
};

static bool is_encoding(enum cm_option option)
{
    return option <= OPTION_STRING_LATIN1_UTF16;
}

bool cm_option_get(const struct cm_canon_opts *o, enum cm_option option, u32 *index)
{
    const char *base = (const char *)o;
    bool has = *(const bool *)(base + fields[option].has);
    *index = 0;
    if (is_encoding(option))
        return has && (u32)o->encoding == fields[option].index;
    if (cm_option_info[option].sort != SORT_COUNT)
        memcpy(index, base + fields[option].index, sizeof *index);
    return has;
}

void cm_option_set(struct cm_canon_opts *o, enum cm_option option, u32 index)
{
    char *base = (char *)o;
    *(bool *)(base + fields[option].has) = true;
    if (is_encoding(option))
        o->encoding = (enum cm_encoding)fields[option].index;
    else if (cm_option_info[option].sort != SORT_COUNT)
        memcpy(base + fields[option].index, &index, sizeof index);
}

/* ---- Attributes of names ------------------------------------------------------------------------------------ */

const char *const cm_attribute_words[ATTRIBUTE_COUNT] = {"implements", "version-suffix",
                                                         "external-id"};

str cm_name_attribute(const struct cm_name *n, enum cm_attribute kind)
{
    return kind == ATTRIBUTE_IMPLEMENTS       ? n->implements
           : kind == ATTRIBUTE_VERSION_SUFFIX ? n->version_suffix
                                              : n->external_id;
}

u32 cm_name_attributes(const struct cm_name *n, enum cm_attribute order[ATTRIBUTE_COUNT])
{
    u32 count = 0, done = 0;
    /* Those whose place is known, then the others. */
    for (u32 rest = n->attribute_order | 0x39u << 8; rest; rest >>= 2) {
        u32 kind = (rest & 3) - 1; /* 0x39 is each kind once */
        if (kind >= ATTRIBUTE_COUNT || done >> kind & 1)
            continue;
        done |= 1u << kind;
        if (cm_name_attribute(n, (enum cm_attribute)kind).ptr)
            order[count++] = (enum cm_attribute)kind;
    }
    return count;
}
