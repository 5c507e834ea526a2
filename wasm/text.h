/* text.h - what the files of the text parser share (internal to wasm/).
 *
 * The parser is one pass over tokens that writes bytes at once. A core module is first skimmed for the names and sizes of its
 * index spaces, since its fields may refer to each other in any order; components need no skimming.
 *
 * Errors: text_fail adds the first diagnostic and sets `failed`; from then on every token is
 * TEXT_EOF, so that all loops end. What was written is then thrown away.
 */
#ifndef WITC_WASM_TEXT_H
#define WITC_WASM_TEXT_H

#include "wasm.h"

/* ---- Tokens ------------------------------------------------------------------------------------------ */

enum text_kind {
    TEXT_EOF,
    TEXT_LPAREN,
    TEXT_RPAREN,
    TEXT_KEYWORD, /* starts with a..z */
    TEXT_NUMBER,  /* starts with a digit or sign */
    TEXT_STRING,
    TEXT_ID,       /* $name or $"name" */
    TEXT_ANNOT,    /* `(@name` of an annotation that the parser knows */
    TEXT_CHAR,     /* 'c', in values of components */
    TEXT_RESERVED, /* characters that form no token */
};
struct text_token {
    u32 start, end;
    u8 kind;
    bool escaped; /* TEXT_STRING: has escapes; TEXT_ID: written as a string */
};

/* ---- Names to indices ----------------------------------------------------------------------------------- */

struct text_name {
    const char *ptr;
    u32 len, hash;
    u32 slot;
    u32 value;
};
/* Like struct map, and can be emptied in time of its length: one serves all functions. */
struct text_names {
    struct text_name *entries;
    u32 *slots; /* entry index + 1 */
    u32 len, cap, slot_count;
};
#define TEXT_NONE UINT32_MAX
u32 text_hash(const char *ptr, size_t n);
u32 text_names_get(const struct text_names *m, str name);
/* The place of the value; *fresh tells whether the name is new (value TEXT_NONE then). */
u32 *text_names_at(struct arena *a, struct text_names *m, str name, bool *fresh);
void text_names_clear(struct text_names *m);
/* All names, for suggestions. */
str *text_names_list(struct arena *a, const struct text_names *m);

/* ---- Parser ------------------------------------------------------------------------------------------------ */

#define TEXT_NESTING 200 /* of everything but instructions, which need no recursion */

/* Which bytes were made from which place of the text: recorded only when a diagnostic is to be shown. */
struct text_place {
    u32 offset; /* in the output, or in a section until it is written */
    u8 section;
    bool exact;
    u32 order;
    span at;
};
struct text_places {
    struct arena *arena;
    VEC(struct text_place) list;
};
void text_place_add(struct text_places *x, size_t offset, span at, bool exact);
/* Lets places in a binary be shown as places in the text it was made from, which `again` assembles anew. */
typedef bool text_again_fn(struct arena *a, span text, struct features features,
                           struct text_places *places, struct diags *d);
void text_set_places(struct sources *s, u32 binary, span text, struct features features,
                     text_again_fn *again);

struct text_ops;
struct text_scope;
struct text_parser {
    struct arena *arena;
    struct arena *module_arena; /* for the core module at hand */
    struct diags *d;
    struct features features;
    const char *text;
    u32 begin, size, source;
    u32 pos;               /* where the token after the last one lexed starts */
    struct text_token tok; /* the current token */
    struct text_token next;
    u32 last_close; /* past the parenthesis that text_skip_rest found */
    u32 last_end;   /* end of the token before the current one */
    bool has_next;
    bool
        annotations; /* known annotations are tokens; all others are white space (on but inside of one) */
    bool failed;
    struct text_places *places; /* NULL: not recorded */
    u32 field_start;            /* of the component's definition at hand */
    u32 depth;                  /* open text_enter */
    const struct text_ops *ops;
    struct text_scope *spare; /* scopes that have ended, whose room is used again */
    struct buf scratch;       /* for literals */
    struct diag ignored;      /* what later errors are written to */
};

/* Keeps ops and module_arena if they are set. */
void text_init(struct text_parser *p, struct arena *a, u32 source, struct features features,
               struct diags *d);
/* The same for a part of the text. */
void text_init_part(struct text_parser *p, struct arena *a, u32 source, u32 start, u32 end,
                    struct features features, struct diags *d);
void text_advance(struct text_parser *p);
/* The token after the current one. */
struct text_token text_peek(struct text_parser *p);
/* With the current token just after an opening parenthesis: moves past its closing one; the current token is what
 * follows. Looks only at parentheses, strings and comments. */
void text_skip_rest(struct text_parser *p);

/* A place to go back to. */
struct text_mark {
    struct text_token tok, next;
    u32 pos, last_end;
    bool has_next;
};
static inline struct text_mark text_mark(const struct text_parser *p)
{
    return (struct text_mark){p->tok, p->next, p->pos, p->last_end, p->has_next};
}
static inline void text_rewind(struct text_parser *p, struct text_mark m)
{
    if (p->failed)
        return;
    p->tok = m.tok;
    p->next = m.next;
    p->pos = m.pos;
    p->last_end = m.last_end;
    p->has_next = m.has_next;
}

static inline str text_of(const struct text_parser *p, struct text_token t)
{
    return (str){p->text + t.start, t.end - t.start};
}
static inline span text_span(const struct text_parser *p, struct text_token t)
{
    return (span){p->source, t.start, t.end};
}
struct diag *text_fail(struct text_parser *p, struct text_token at, const char *format, ...)
    WITC_PRINTF(3, 4);
/* "unexpected token `x`", with what was expected as label. */
struct diag *text_unexpected(struct text_parser *p, const char *expected);
/* The same with the nearest of the words that could stand here. */
void text_unexpected_word(struct text_parser *p, const char *expected, const str *words, u32 count);

static inline bool text_is_word(const struct text_parser *p, struct text_token t, str word)
{
    return t.kind == TEXT_KEYWORD && t.end - t.start == word.len &&
           memcmp(p->text + t.start, word.ptr, word.len) == 0;
}
#define text_at(p, literal) text_is_word((p), (p)->tok, STR(literal))
/* The current token is "(" and the next this keyword. */
bool text_at_form(struct text_parser *p, str word);
#define text_form(p, literal) text_at_form((p), STR(literal))
/* Takes the current token if it is this keyword. */
bool text_take_word(struct text_parser *p, str word);
#define text_take(p, literal) text_take_word((p), STR(literal))
/* Takes "(" and the keyword if both are there. */
bool text_open_word(struct text_parser *p, str word);
#define text_open(p, literal) text_open_word((p), STR(literal))
void text_expect_word(struct text_parser *p, str word);
#define text_expect(p, literal) text_expect_word((p), STR(literal))
void text_lparen(struct text_parser *p);
void text_close(struct text_parser *p); /* takes ")" */
/* Guards recursion: false (and an error) when nested too deep. */
bool text_enter(struct text_parser *p);
static inline void text_leave(struct text_parser *p)
{
    p->depth--;
}

/* Takes an optional $id: its name without the $, or an empty view. *at is its token. */
str text_id(struct text_parser *p, struct text_token *at);
/* The name of a TEXT_ID token. */
str text_id_name(struct text_parser *p, struct text_token t);
/* Takes a string: bytes without escapes, in the source or in the arena. */
str text_string(struct text_parser *p);
/* The same, checked to be UTF-8. */
str text_name(struct text_parser *p);
/* Takes a string and appends its bytes. */
void text_string_to(struct text_parser *p, struct buf *out);
/* Takes `(@name "text")` if it is there: true then. */
bool text_name_annotation(struct text_parser *p, str *name);
/* An optional $id with an optional @name: *id for references, *shown for the name section. */
bool text_at_binder(const struct text_parser *p);
void text_binder(struct text_parser *p, str *id, struct text_token *at, str *shown);
/* Is the token an annotation of this name? */
bool text_is_annotation(const struct text_parser *p, struct text_token t, str name);

/* text_balance.c: where parentheses do not match, points at the one before offset `before` that is probably to blame; true if there is one. */
bool text_blame_balance(struct text_parser *p, struct diag *x, u32 before);

/* Reports an unknown name, with the near one. */
void text_unknown_name(struct text_parser *p, struct text_token at, const char *what, str name,
                       const struct text_names *names);

/* ---- Numbers (text_num.c) ------------------------------------------------------------------------------------ */

/* Takes an unsigned number below 2^bits; `what` names it in messages. */
u64 text_unsigned(struct text_parser *p, unsigned bits, const char *what);
u32 text_u32(struct text_parser *p, const char *what);
/* Takes a number of `bits` bits, signed or unsigned: its two's complement, cut to the bits. */
u64 text_integer(struct text_parser *p, unsigned bits);
u32 text_f32(struct text_parser *p);
u64 text_f64(struct text_parser *p);
/* The number of a token, if it is a plain unsigned one. */
bool text_token_u64(const struct text_parser *p, struct text_token t, u64 *out);

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

static inline void text_byte(struct buf *b, u8 byte)
{
    if (b->len == b->cap)
        buf_reserve(b, 1);
    b->data[b->len++] = (char)byte;
}
static inline void text_uleb(struct buf *b, u64 value)
{
    if (value < 0x80)
        text_byte(b, (u8)value);
    else
        buf_uleb(b, value);
}
/* Room for the size of what follows, put in by text_end_size. */
size_t text_begin_size(struct buf *b);
void text_end_size(struct buf *b, size_t at);
/* The same, for the output: places in it move along. */
void text_end_nested(struct text_parser *p, struct buf *b, size_t at);
void text_put_vec(struct buf *b, u32 count, struct buf *items); /* count, items */

/* Names of one kind on their way to a name section: pairs of index and name, ascending. */
struct text_namemap {
    struct buf bytes;
    u32 count;
};
void text_namemap_add(struct text_namemap *m, u32 index, str name);
/* A subsection, if there are names. */
void text_namemap_put(struct buf *out, u8 id, struct text_namemap *m);
/* One level up: the names within an item (`m` is emptied). */
void text_namemap_nest(struct text_namemap *outer, u32 index, struct text_namemap *m);

/* ---- Instructions by name (text_ops.c) ------------------------------------------------------------------------------ */

const struct text_ops *text_ops_new(struct arena *a);
/* OP_COUNT if there is none. Of two rows with one name it gives the first. */
enum wasm_op text_ops_find(const struct text_ops *ops, const char *text, u32 start, u32 end);
/* Reports an unknown instruction, with the near name. */
void text_unknown_op(struct text_parser *p, struct text_token at);

/* ---- Core types (text_types.c) ------------------------------------------------------------------------------------------ */

/* Where type names are resolved: a core module, a component, or a module type. */
struct text_types {
    struct text_parser *p;
    /* Takes a type index: number or name. */
    u32 (*type_index)(void *self);
    void *self;
};
void text_valtype(struct text_types *t, struct buf *out);
void text_heaptype(struct text_types *t, struct buf *out);
/* Takes a reference type; *nullable and *heap (its bytes appended to `heap`) for ref.test and br_on_cast. */
void text_reftype_parts(struct text_types *t, bool *nullable, struct buf *heap);
/* Is a value type next? */
bool text_at_valtype(struct text_parser *p);
bool text_at_reftype(struct text_parser *p);

/* Parameters and results in the bytes of a functype (without 0x60); names of parameters go to `names` if
 * it is given, bound to their number. Stops before anything else. */
struct text_signature {
    struct buf params, results;
    u32 param_count, result_count;
    bool any;
};
typedef void text_param_fn(void *self, u32 index, struct text_token at, str id, str shown);
void text_signature(struct text_types *t, struct text_signature *s, text_param_fn *bind,
                    void *self);
void text_put_signature(struct buf *out, const struct text_signature *s);

/* limits, as memories (shared, pagesize) and tables have them. */
struct text_limits {
    u64 min, max;
    bool has_max, shared, is_64, has_page_size;
    u32 page_size_log2;
};
void text_limits(struct text_parser *p, struct text_limits *l);
void text_address_type(struct text_parser *p, struct text_limits *l); /* i32 or i64, optional */
void text_memory_rest(struct text_parser *p, struct text_limits *l);  /* shared?, pagesize? */
void text_page_size(struct text_parser *p, struct text_limits *l);
void text_put_limits(struct buf *out, const struct text_limits *l);
void text_globaltype(struct text_types *t, struct buf *out);
void text_tabletype(struct text_types *t, struct buf *out);

/* What the owner of a type index space learns of each type. */
struct text_type_info {
    enum wasm_comptype kind;
    bool plain;    /* a final function type on its own: what an implicit type use may mean */
    str signature; /* COMPTYPE_FUNC: parameters and results */
    u32 param_count;
};
struct text_type_sink {
    struct text_types types;
    void (*type)(void *self, const struct text_type_info *info); /* called for each type in order */
    /* Called for a named field or parameter. */
    void (*field)(void *self, u32 index, struct text_token at, str id, str shown);
    void (*param)(void *self, u32 index, struct text_token at, str id, str shown);
    void *self;
};
/* Takes what follows `(type $id?`: a sub type or composite type. `alone`: no rec group around it. */
void text_subtype(struct text_type_sink *s, struct buf *out, bool alone);
bool text_at_comptype(struct text_parser *p);

/* ---- Modules and components ------------------------------------------------------------------------------------------------ */

/* What follows `(module id?`, the closing parenthesis included; appends the whole binary. */
void text_module(struct text_parser *p, str id, struct buf *out);
/* The fields alone. */
void text_module_fields(struct text_parser *p, str name, struct buf *out);
struct text_scope;
void text_component(struct text_parser *p, str id, struct text_scope *parent, struct buf *out);
void text_component_fields(struct text_parser *p, str id, str name, struct text_scope *parent,
                           struct buf *out);
/* The strings after `binary`, appended. */
void text_binary_strings(struct text_parser *p, struct buf *out);
/* The strings after `quote`: a text of its own, a list of fields of `keyword`, or one whole `(module ...)`. */
void text_quote(struct text_parser *p, const char *keyword, struct buf *out);
/* Assembles a file; records the places if they are asked for. */
bool text_assemble(struct arena *a, u32 source, struct features features,
                   struct text_places *places, str *binary, struct diags *d);
text_again_fn text_again; /* the same, for text_set_places */
/* A whole text: `(module ...)`, `(component ...)`, or the fields of a module. */
void text_file(struct text_parser *p, struct buf *out);
/* Runs fn with memory of its own for modules, which is freed also when memory runs out. */
void text_guarded(struct text_parser *p, void (*fn)(void *ctx), void *ctx);

#endif
