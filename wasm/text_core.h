/* text_core.h - a core module while it is parsed (internal to the text parser). */
#ifndef WITC_WASM_TEXT_CORE_H
#define WITC_WASM_TEXT_CORE_H

#include "text.h"

enum text_space_kind {
    SPACE_FUNC,
    SPACE_TABLE,
    SPACE_MEMORY,
    SPACE_GLOBAL,
    SPACE_TAG, /* so far as enum wasm_extern */
    SPACE_TYPE,
    SPACE_ELEM,
    SPACE_DATA,
    SPACE_COUNT
};
struct text_space {
    struct text_names names;
    u32 count; /* in all, known after the skim */
    u32 next;  /* defined so far by the second pass */
    struct text_namemap shown;
};

enum core_section {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNC,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEM,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT
};
struct text_section {
    struct buf bytes;
    u32 count;
};

/* A type use: `(type x)` and an inline signature, either or both. */
struct text_typeuse {
    bool has_index;
    u32 index;
    struct text_token at;
    bool any;                      /* an inline signature stands there */
    u32 param_count, result_count; /* of the inline signature */
    str signature;                 /* its bytes, in module.key until the next type use */
    str results;                   /* the part of them that are result types */
};

struct text_label {
    str name;
    u32 shadowed; /* the label of the same name further out */
};

/* An open folded instruction or block; see text_instr.c. */
struct text_frame {
    u8 kind, state;
    i8 hint; /* of a branch, -1 if none */
    u16 op;
    u32 pending, split; /* its bytes in module.pending, and where the type index goes */
    struct text_typeuse *use;
    str label, shown; /* FRAME_IF */
    struct text_token at;
};

struct text_custom {
    u8 section; /* enum core_section, or SECTION_COUNT for the ends */
    bool before;
    str name, bytes;
};

struct text_module {
    struct text_parser *p;
    struct text_types types;
    struct text_space spaces[SPACE_COUNT];
    struct text_section sections[SECTION_COUNT];
    VEC(u32) type_fields; /* where the type definitions stand in the text */
    VEC(struct text_type_info) type_info;
    VEC(struct text_names) fields; /* of each type, as far as it has named ones */
    struct text_names signatures;  /* bytes of a signature to its first plain type */
    struct text_signature signature;
    struct buf key;
    bool has_start, in_body, needs_data_count;
    VEC(struct text_custom) customs;
    struct buf hints; /* contents of metadata.code.branch_hint */
    u32 hinted_funcs;
    /* names */
    struct text_namemap local_names, label_names, field_names, type_param_names, tag_param_names;
    struct text_namemap names; /* of the item at hand */
    str name;
    /* the function at hand */
    struct text_names locals, labels;
    struct text_namemap func_labels;
    u32 local_count, label_count;
    VEC(struct text_label) label_stack;
    VEC(struct text_frame) frames;
    struct buf pending, body;
    struct buf func_hints;
    u32 func_hint_count;
    i8 hint;
    VEC(struct text_place) places; /* of the sections, and of the parts */
    u32 body_places;               /* those before the function at hand */
    const struct buf *parts[2];    /* what is written apart and goes into a section later */
    u32 part_places;               /* those before them */
};

extern const char *const text_space_names[SPACE_COUNT];
/* Is the current word `func`, `table`, `memory`, `global` or `tag`? */
bool text_extern_kind(struct text_parser *p, enum text_space_kind *kind);
/* text_skim.c; leaves the current token where it was. */
void text_skim(struct text_module *m);

/* Takes an index: a number, or one of these names (*named then). 0 after an error. */
u32 text_take_index(struct text_parser *p, const struct text_names *names, const char *expected,
                    const char *what, bool *named);
/* Takes an index of a space: number or name. */
u32 text_index(struct text_module *m, enum text_space_kind space);
/* Takes a type use. Parameters are bound if `bind` is given. */
void text_typeuse(struct text_module *m, struct text_typeuse *use, text_param_fn *bind);
/* Its type index; defines the type if there is none like it. */
u32 text_typeuse_index(struct text_module *m, const struct text_typeuse *use);

/* text_immediates.c */
void text_put_op(struct buf *out, enum wasm_op op);
u32 text_label(struct text_module *m); /* takes the index of a label */
/* The opcode of all but blocks, and what follows it. Where the index of an implicit type belongs, `frame` (if there is
 * one) takes the place and the type use, and writes it later. */
void text_instruction(struct text_module *m, enum wasm_op op, struct buf *out,
                      struct text_frame *frame);
/* text_sections.c: the whole binary, from the sections; `whole` is where the module stands. */
void text_put_sections(struct text_module *m, span whole, struct buf *out);

/* Instructions up to the `)` of what they stand in (not taken), or one folded instruction. */
void text_instrs(struct text_module *m, struct buf *out);
void text_folded(struct text_module *m, struct buf *out);
/* Notes that what is written next to `out`, which is a section, the body at hand or a part, comes from this place. */
void text_module_place(struct text_module *m, const struct buf *out, struct text_token at);
/* What text_put_part will append, or NULL. */
void text_begin_parts(struct text_module *m, const struct buf *first, const struct buf *second);
/* Appends a part to a section or the body: its places move along. */
void text_put_part(struct text_module *m, struct buf *out, const struct buf *part);
/* Forgets locals and labels. */
void text_instrs_reset(struct text_module *m);

/* text_segments.c */
void text_elem(struct text_module *m);
void text_data(struct text_module *m);
/* `(elem ...)` within a table; gives the number of elements. */
u32 text_inline_elem(struct text_module *m, u32 table, bool is_64, str type);
/* The bytes of `"..."*` and number lists. */
void text_data_bytes(struct text_module *m, struct buf *out);
void text_offset(struct text_module *m, struct buf *out); /* a constant expression with its end */
void text_custom_annotation(struct text_parser *p, struct text_custom *out);
void text_dylink_annotation(struct text_parser *p, struct text_custom *out);
void text_producers_annotation(struct text_parser *p, struct text_custom *out);
void text_v128(struct text_parser *p, struct buf *out);

#endif
