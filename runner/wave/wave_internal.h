/* What reading shares: the text, where it is read, and its tokens. */
#ifndef WITC_WAVE_INTERNAL_H
#define WITC_WAVE_INTERNAL_H

#include "wave.h"

struct wave_reader {
    struct arena *arena;
    struct diags *diags;
    u32 source;
    str text;
    u32 at;
    bool failed;               /* a token was ill-formed: there are no more */
    struct canon_store *store; /* for streams, futures and error-contexts; NULL: there are none */
    const struct canon_param *param; /* that is read; NULL: none */
};

enum wave_token_kind {
    TOKEN_END,
    TOKEN_PUNCTUATION, /* one of ( ) [ ] { } , : */
    TOKEN_LABEL,       /* kebab-case word; `escaped` if it stood behind % */
    TOKEN_NUMBER,
    TOKEN_CHAR,   /* with its quotes */
    TOKEN_STRING, /* ... */
    TOKEN_MULTILINE,
    TOKEN_BAD, /* was reported */
};
struct wave_token {
    enum wave_token_kind kind;
    char punctuation;
    bool escaped;
    str text; /* of a label: without % */
    u32 start, end;
};

struct wave_token wave_peek(struct wave_reader *r);
struct wave_token wave_next(struct wave_reader *r);
/* Takes the punctuation if it is next. */
bool wave_accept(struct wave_reader *r, char punctuation);
bool wave_expect(struct wave_reader *r, char punctuation, const char *where);
span wave_span(const struct wave_reader *r, struct wave_token t);
/* Reports `expected WHAT, found TOKEN` and gives false. */
bool wave_unexpected(struct wave_reader *r, struct wave_token t, const char *expected);
bool wave_is_keyword(str label);

/* The contents of a char or string token, escapes resolved. */
bool wave_char_of(struct wave_reader *r, struct wave_token t, u32 *scalar);
bool wave_string_of(struct wave_reader *r, struct wave_token t, str *out);

/* The readable end of a stream of these values, of a future with this one; the values live as long as the store. */
struct canon_value wave_stream(struct wave_reader *r, const struct canon_type *element,
                               const struct canon_value *values, u32 count);
struct canon_value wave_future(struct wave_reader *r, const struct canon_type *element,
                               const struct canon_value *value);

/* Reads a value at the reader's place. */
bool wave_value(struct wave_reader *r, const struct canon_type *type, struct canon_value *out);

#endif
