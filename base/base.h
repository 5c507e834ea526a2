/* base.h - what every part of witc stands on: memory, text, containers, sources and diagnostics.
 *
 * Ownership, one law for the whole of libwitc: everything reachable from a document, module,
 * package or report lives in the arena it was made with, and dies with it. Views (`str`) never own.
 * Only objects with a `*_free` function own anything beside their arena.
 *
 * Errors: a function that can meet bad input returns bool (true = fine) or a pointer (NULL = bad) and
 * adds a diagnostic to the `struct diags` it was given. Libraries never print and never exit.
 * Assertions are for mistakes in witc itself.
 *
 * Memory exhaustion: allocation never returns NULL. It unwinds to the nearest `oom_guard`; without
 * one the process ends with exit code 70. State that is not in an arena must not be half-changed
 * across an allocation.
 */
#ifndef WITC_BASE_H
#define WITC_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define WITC_VERSION "0.1.0"

#define LENGTH_OF(array)        (sizeof(array) / sizeof((array)[0]))
#define WITC_NODISCARD          __attribute__((warn_unused_result))
#define WITC_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* ---- Memory: arenas ------------------------------------------------------------------------- */

struct arena_block;
struct arena_large;

/* A region that is freed as a whole. Zero-initialise it, or `struct arena a = {0}`. */
struct arena {
    struct arena_block *block; /* the block that small allocations come from */
    struct arena_large *large; /* allocations that have a block of their own */
    size_t used;               /* bytes handed out, for limits and reports */
    u32 first; /* size of the first block, 0 = 8 KiB: less for arenas by the million */
    struct arena_block *spare; /* of before the last reset */
};

/* Zeroed memory of `size` bytes, aligned to 16. Never NULL (size 0 gives a valid pointer). */
void *arena_alloc(struct arena *a, size_t size);
/* Grows (or shrinks) what `arena_alloc` gave; contents are kept, the new tail is zeroed. The old
 * pointer is dead. Large allocations give their old memory back. */
void *arena_realloc(struct arena *a, void *old, size_t old_size, size_t new_size);
void arena_free(struct arena *a);
/* Empties it for the next use, and keeps blocks (8 MiB at most) to start with. */
void arena_reset(struct arena *a);

/* An arena on the C stack, for the time of one call: arena_temp_end frees it, and so does the unwinding when memory runs out
 * between. They nest as the calls do. */
struct arena_temp {
    struct arena arena;
    struct arena_temp *outer;
};
void arena_temp_begin(struct arena_temp *t); /* initialises it */
void arena_temp_end(struct arena_temp *t);

#define arena_new(a, T)      ((T *)arena_alloc((a), sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_alloc_array((a), (n), sizeof(T)))
/* Overflow of n * size counts as memory exhaustion. */
void *arena_alloc_array(struct arena *a, size_t n, size_t size);

/* malloc and friends for the few long-lived runtime objects with an owner of their own; exhaustion
 * unwinds like that of an arena. Free with `mem_free`. */
void *mem_alloc(size_t size); /* zeroed */
void *mem_realloc(void *old, size_t new_size);
void mem_free(void *p);

/* Runs fn(ctx). False if memory ran out within: then everything in arenas that fn used may still be
 * freed with arena_free, and nothing else of it may be looked at. Guards nest. */
bool oom_guard(void (*fn)(void *ctx), void *ctx);
/* As an allocation that fails: for who had something to free after a guard, and goes on unwinding. */
void oom_unwind(void) __attribute__((noreturn));
/* Test hook: the n-th allocation from now fails (0 = never). Counts every gateway above. */
void mem_fail_after(u64 n);
/* Counts as one, for allocators that stand on these. */
void mem_count(void);

/* ---- Text views ----------------------------------------------------------------------------- */

/* Bytes of somebody else; UTF-8 where it is text; not NUL-terminated. */
typedef struct str {
    const char *ptr;
    size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }                                 /* for static tables */
#define STRF    "%.*s"                /* printf format of a str ... */
#define STRA(s) (int)(s).len, (s).ptr /* ... and its arguments */

static inline str str_of(const char *ptr, size_t len)
{
    return (str){ptr, len};
}
static inline str str_c(const char *cstring) /* NULL gives the empty view */
{
    return (str){cstring, cstring ? strlen(cstring) : 0};
}
static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool str_eq_c(str a, const char *cstring);
int str_cmp(str a, str b); /* by bytes, shorter first */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
str str_sub(str s, size_t from, size_t to); /* clamped; to is exclusive */
str str_trim(str s);                        /* without ASCII white space at both ends */
str str_trim_end(str s);
/* Index of the first occurrence at or after `from`, SIZE_MAX if none. */
size_t str_find_char(str s, char c, size_t from);
size_t str_rfind_char(str s, char c); /* the last one */
size_t str_find(str s, str needle, size_t from);
/* Cuts s at the first `separator`: *head is what stands before, the result what stands after. Without
 * a separator *head is all and the result empty with ptr NULL. */
str str_cut(str s, char separator, str *head);
/* Decimal digits only, no sign, no leading zero unless "0"; false on anything else or overflow. */
bool str_to_u64(str s, u64 *out);

str str_dup(struct arena *a, str s);
char *str_to_c(struct arena *a, str s); /* NUL-terminated copy */
str str_printf(struct arena *a, const char *format, ...) WITC_PRINTF(2, 3);
str str_vprintf(struct arena *a, const char *format, va_list args);
str str_concat(struct arena *a, str x, str y);

/* The candidate nearest to `wanted` by edit distance, if near enough to suggest; else empty. */
str near_name(str wanted, const str *candidates, size_t n);
/* The same where the candidates are members of structs: `names` is the first, the next stands `stride` bytes on. */
str near_name_in(str wanted, const void *names, size_t n, size_t stride);

/* ---- Growable buffers and arrays ------------------------------------------------------------- */

/* Bytes being written. `data` moves while it grows; take `buf_str` when done. */
struct buf {
    struct arena *arena;
    char *data;
    size_t len, cap;
};

static inline struct buf buf_in(struct arena *a)
{
    return (struct buf){a, NULL, 0, 0};
}
void buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, str s);
void buf_c(struct buf *b, const char *cstring);
void buf_byte(struct buf *b, u8 byte);
void buf_fill(struct buf *b, u8 byte, size_t n);
void buf_printf(struct buf *b, const char *format, ...) WITC_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args);
/* Text from outside, fit for one line of a terminal: control characters, line breaks, marks of direction and what is no UTF-8 show as
 * U+FFFD, a tab as a blank. */
void buf_clean(struct buf *b, str text);
static inline str buf_view(const struct buf *b)
{
    return (str){b->data, b->len};
}

/* LEB128 as WebAssembly writes it. */
void buf_uleb(struct buf *b, u64 value);
void buf_sleb(struct buf *b, i64 value);

/* A growable array of T in an arena: `VEC(struct x) xs = {0}; *vec_push(arena, &xs) = x;` Elements move
 * while it grows: hold indices, not pointers. */
#define VEC(T)   \
    struct {     \
        T *data; \
        u32 len; \
        u32 cap; \
    }

/* Room for one more, zeroed, and its address. */
#define vec_push(arena_, v)                                                                 \
    ((v)->len < (v)->cap ? &(v)->data[(v)->len++]                                           \
                         : ((v)->data = vec_grow((arena_), (v)->data, &(v)->cap,            \
                                                 (size_t)(v)->len + 1, sizeof(*(v)->data)), \
                            &(v)->data[(v)->len++]))
#define vec_reserve(arena_, v, n)                                                              \
    ((v)->cap >= (v)->len + (n)                                                                \
         ? (void)0                                                                             \
         : (void)((v)->data = vec_grow((arena_), (v)->data, &(v)->cap, (size_t)(v)->len + (n), \
                                       sizeof(*(v)->data))))
#define vec_last(v) (&(v)->data[(v)->len - 1])
void *vec_grow(struct arena *a, void *data, u32 *cap, size_t need, size_t size);

/* Names to numbers, in an arena; keys are views that must outlive it. Insertion order is kept:
 * entries[0..len). Zero-initialise. */
struct map_entry {
    str key;
    u64 hash;
    u32 value;
};
struct map {
    struct map_entry *entries;
    u32 *slots; /* open addressing: entry index + 1, 0 = empty */
    u32 len, cap, slot_count;
};
#define MAP_NONE UINT32_MAX
u32 map_get(const struct map *m, str key); /* MAP_NONE if absent */
/* Adds or replaces. True if the key is new. */
bool map_put(struct arena *a, struct map *m, str key, u32 value);
/* Adds if absent: MAP_NONE then, else the value that stands. */
u32 map_add(struct arena *a, struct map *m, str key, u32 value);
/* Empties it, and keeps its room. */
void map_clear(struct map *m);
/* Room for `n` entries in all. */
void map_reserve(struct arena *a, struct map *m, u32 n);
u64 hash_bytes(const void *bytes, size_t n);

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* Offset of the first byte that is no well-formed UTF-8, or SIZE_MAX. */
size_t utf8_check(str s);
/* Decodes one scalar at s.ptr[*at] and moves *at past it; on malformed input gives U+FFFD, moves 1. */
u32 utf8_next(str s, size_t *at);
/* Writes 1..4 bytes and gives their number. */
u32 utf8_encode(u32 scalar, char out[4]);
/* NUL-terminated UTF-8, as cJSON wants it; U+FFFD stands for a NUL and for what is no UTF-8. */
const char *utf8_to_c(struct arena *a, str s);

/* ---- Sources and spans ------------------------------------------------------------------------- */

enum source_kind {
    SOURCE_TEXT,   /* places are line:column, both from 1, columns in code points */
    SOURCE_BINARY, /* places are byte offsets, printed as 0x... */
};

/* A file (or stdin, or an argument) as it was read. */
struct span;
struct sources;
struct source {
    str path; /* as the user wrote it; "<stdin>", "<argument>" */
    str text;
    enum source_kind kind;
    u32 *line_starts; /* made at first need */
    u32 line_count;
    /* Of bytes made from a text, or NULL: gives the place in that text of a place in the bytes, when a
     * diagnostic is shown. False if there is none; *exact tells whether it is no more than meant. */
    bool (*translate)(void *context, struct sources *s, u32 offset, struct span *out, bool *exact);
    void *context;
};

/* Place in a source: bytes [start, end). source 0 = no place. */
typedef struct span {
    u32 source; /* index into sources + 1 */
    u32 start, end;
} span;

struct sources {
    struct arena *arena;
    VEC(struct source) list;
};

/* Adds a source and gives its number for spans (from 1). `text` must outlive the sources. */
u32 sources_add(struct sources *s, str path, str text, enum source_kind kind);
struct source *sources_get(struct sources *s, u32 number);
/* Line and column, both from 1, of a byte offset. */
void source_locate(struct sources *s, u32 number, u32 offset, u32 *line, u32 *column);

/* ---- Diagnostics ------------------------------------------------------------------------------- */

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diag_label {
    span at;
    str text; /* may be empty */
};
struct diag_note {
    bool help; /* else a note */
    span at;   /* usually none */
    str text;
};
/* A function that was running when a guest trapped. */
struct diag_place {
    str func; /* inlined here; empty: the frame's own */
    str file;
    u32 line, column; /* 0: not known */
};
struct diag_frame {
    str instance; /* "root/inner"; empty: the only module, or the host */
    str func;
    str demangled;                   /* func for people; empty: it is that already */
    bool no_code;                    /* a function of the host, or of a component */
    u32 index, offset;               /* of the function, in the module's binary */
    const struct diag_place *places; /* in the source, innermost first */
    u32 place_count;
    u32 left_out; /* so many frames are missing before this one */
};
/* What somebody waits for, or one member of the waitable set that they wait for. */
struct diag_awaited {
    enum diag_await {
        AWAIT_TURN,      /* nothing else */
        AWAIT_GATE,      /* to enter an instance: its backpressure, its lock */
        AWAIT_LOCK,      /* the instance's lock */
        AWAIT_RESUME,    /* another thread that resumes this one */
        AWAIT_SET,       /* an event of a waitable set */
        AWAIT_SUBTASK,   /* the end of a call */
        AWAIT_END,       /* the peer of this end of a stream or future */
        AWAIT_HOST_CALL, /* of no task: the host has not finished a function ... */
        AWAIT_HOST_END,  /* ... the host holds the end ... */
        AWAIT_PEER,      /* ... the host waits for what is done with this end ... */
        AWAIT_NOBODY,    /* ... nobody uses this end */
    } kind;
    u32 index; /* SET, SUBTASK, END, PEER, NOBODY; 0: a synchronous call, or an end of the host's */
    str func;  /* SUBTASK, HOST_CALL: the callee */
    bool has_started;        /* SUBTASK ... */
    bool is_asked_to_cancel; /* ... */
    bool is_stream;          /* END, HOST_END, PEER, NOBODY: else a future */
    bool is_writable;        /* END, PEER, NOBODY: this end */
    bool is_dropped;         /* END: the peer is */
    bool is_host; /* END: the host's is the peer; PEER, NOBODY: the host's is the other end */
    str instance; /* END: that owns the peer; PEER, NOBODY: that owns this end */
    u32 peer;     /* END: its index there */
};
/* A task, or the host. */
struct diag_party {
    u32 task; /* 0: the host */
    str instance, func;
};
/* Who waits in a program that cannot go on, and for whom. */
struct diag_wait {
    u32 task;           /* 0: the host, or an end that nobody uses */
    str instance, func; /* of the task */
    str lift;           /* "sync", "async callback" or "async stackful"; empty: no task */
    struct diag_party caller;
    bool is_async_call; /* lowered so */
    str cancel;         /* it was asked to cancel: "pending" until it is told, then "delivered" */
    u32 thread;         /* its index; 0: it has not entered yet */
    u32 thread_count;   /* of the task */
    str core;           /* the core function that it stands in; empty: none */
    struct diag_awaited on;
    const struct diag_awaited *members; /* on a SET */
    u32 member_count, members_left_out;
    u32 backpressure;         /* on a GATE: the instance's ... */
    struct diag_party raiser; /* ... who raised it last; no task: a realloc ... */
    bool raiser_has_ended;
    struct diag_party
        holder;     /* of the instance's lock, which keeps this one off; no task: none does */
    str what;       /* all this in words: "waits for an event of waitable set 3" */
    u32 *waits_for; /* indices of others */
    u32 count;
    bool in_cycle;
};
/* What a program left open. */
struct diag_leak {
    str instance, what;
    u32 handle, count; /* the first of so many; 0: a task */
    str maker_instance, maker;
};
/* One thing to tell: what is wrong, where, why, what to do. */
struct diag {
    enum severity severity;
    const char *code; /* stable kind, such as "wit-syntax"; NULL if it has none */
    str message;
    span at;   /* the primary place, may be none */
    str label; /* said at the primary place, may be empty */
    VEC(struct diag_label) labels;
    VEC(struct diag_note) notes;
    VEC(struct diag_frame) frames; /* innermost first */
    VEC(struct diag_wait) waits;   /* for JSON; the text is in notes */
    const struct diag_leak *leak;  /* ... */
};

struct diags {
    struct arena *arena;
    struct sources *sources;
    VEC(struct diag *) list;
    u32 errors;
    u32 limit;   /* errors kept; 0: DIAG_LIMIT, DIAG_NO_LIMIT: all */
    u32 dropped; /* errors past the limit */
    u64 looked;  /* names compared for suggestions, which have an end */
};
#define DIAG_LIMIT    20
#define DIAG_NO_LIMIT UINT32_MAX

void diags_init(struct diags *d, struct arena *a, struct sources *s);
/* Adds a diagnostic; the result takes labels and notes and is never NULL. */
struct diag *diag_error(struct diags *d, const char *code, span at, const char *format, ...)
    WITC_PRINTF(4, 5);
struct diag *diag_warning(struct diags *d, const char *code, span at, const char *format, ...)
    WITC_PRINTF(4, 5);
/* Text beside the carets of the primary place. */
void diag_say(struct diags *d, struct diag *x, const char *format, ...) WITC_PRINTF(3, 4);
/* A second place with its own text ("first defined here"). */
void diag_label(struct diags *d, struct diag *x, span at, const char *format, ...)
    WITC_PRINTF(4, 5);
void diag_note(struct diags *d, struct diag *x, const char *format, ...) WITC_PRINTF(3, 4);
void diag_help(struct diags *d, struct diag *x, const char *format, ...) WITC_PRINTF(3, 4);
/* "did you mean `x`?" when a candidate is near; adds nothing otherwise. */
void diag_suggest(struct diags *d, struct diag *x, str wanted, const str *candidates, size_t n);
/* The same with candidates as `near_name_in` takes them. */
void diag_suggest_in(struct diags *d, struct diag *x, str wanted, const void *names, size_t n,
                     size_t stride);
/* So many errors are kept: work that can only find more of them ends there. */
u32 diags_limit(const struct diags *d);
/* Will anybody read what was just reported? It is not worth an effort if it came after the limit. */
bool diag_is_kept(const struct diags *d, const struct diag *x);
/* The house's sentence for what is not there yet: "WHAT is not supported yet". */
struct diag *diag_unsupported(struct diags *d, span at, const char *format, ...) WITC_PRINTF(3, 4);

enum diag_format { DIAG_TEXT, DIAG_TEXT_COLOR, DIAG_JSON };
/* All diagnostics as text for a person, or as JSON: one object for each, a line each. */
void diags_render(struct diags *d, enum diag_format format, struct buf *out);

/* ---- Feature gates (features.def) --------------------------------------------------------------- */

enum feature {
#define FEATURE(id, name, on, text) FEATURE_##id,
#include "features.def"
#undef FEATURE
    FEATURE_COUNT
};
struct features {
    u64 bits;
};
struct features features_default(void);
struct features features_all(void);
static inline bool features_has(struct features f, enum feature x)
{
    return (f.bits >> x) & 1;
}
void features_set(struct features *f, enum feature x, bool on);
const char *feature_name(enum feature x); /* as wasm-tools names it */
/* Applies a comma list: `name` on, `-name` off, `all`, `mvp`. Unknown names are reported with the near
 * one. */
bool features_apply(struct features *f, str list, struct diags *d);

/* ---- Files ---------------------------------------------------------------------------------------- */

/* Reads a whole file; "-" is standard input. Says why when it cannot. Limit: 2^32 - 1 bytes. */
WITC_NODISCARD bool file_read(struct arena *a, const char *path, str *out, struct diags *d);
/* Reads and registers it as a source; binary if it starts with "\0asm". */
WITC_NODISCARD bool file_source(const char *path, u32 *source, struct diags *d);
/* The same for a name found in a directory: only a regular file is read, never a pipe waited for. */
WITC_NODISCARD bool file_source_listed(const char *path, u32 *source, struct diags *d);
bool file_is_directory(const char *path);
bool file_exists(const char *path);
/* What two paths of one file or directory have in common; false if there is none. */
WITC_NODISCARD bool file_identity(const char *path, u64 id[2]);
/* Names in a directory, sorted by bytes, without "." and "..". */
WITC_NODISCARD bool file_list(struct arena *a, const char *path, str **names, u32 *n,
                              struct diags *d);
/* All or nothing: writes a temporary file beside `path`, then renames it over. "-" is standard output. */
WITC_NODISCARD bool file_write(const char *path, str bytes, struct diags *d);
/* The same in pieces. NULL if it cannot be written. `file_put` gives false once writing failed, which
 * `file_end` reports; without `keep` nothing is left of a file that was begun. */
struct file_out;
WITC_NODISCARD struct file_out *file_begin(const char *path, struct diags *d);
WITC_NODISCARD bool file_put(struct file_out *f, str bytes);
WITC_NODISCARD bool file_end(struct file_out *f, bool keep);
/* Removes what is written only in part. For the end by a signal (it is safe there) or without memory. */
void file_abandon(void);
WITC_NODISCARD bool file_make_directories(const char *path, struct diags *d);
str path_join(struct arena *a, str directory, str name);
str path_base(str path);      /* after the last '/' */
str path_stem(str path);      /* path_base without its last ".ext" */
str path_directory(str path); /* before the last '/', "." if none */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
