/* wave.h - WAVE, the text form of component values (WebAssembly Value Encoding), as in `run --invoke 'f("a", {x: 1})'`.
 *
 * Reading is driven by the type, so a value may be written as flat as its type allows: `3` for option<u8>. Values that exist only
 * in a running store (resources, streams, futures, error-contexts) have no text of their own; they are printed as `<file>`. Arguments
 * may be streams, futures and error-contexts, see wave_read_args.
 *
 * Values live in the arena that is given. Mistakes are diagnostics in the source that holds the text.
 */
#ifndef WITC_WAVE_H
#define WITC_WAVE_H

#include "base.h"
#include "canon.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* The head of a call: `f(`, `iface.f(`, `ns:pkg/iface@1.0.0.f(`, `ns:pkg/iface.f@1.0.0(`, `ns:pkg/iface@1.0.0#f(`. What the name
 * means is for those who know what there is: a `.` may belong to a version, or to the name of a function. */
struct wave_call {
    str text;  /* the whole name, a view into the source */
    span name; /* its place */
    u32 args;  /* offset of the opening parenthesis */
};
/* Reads the head of the call that the source `source` (of d->sources) holds. */
WITC_NODISCARD bool wave_read_call(struct diags *d, u32 source, struct wave_call *out);
/* Reads the arguments of the call, to the end of the source, for the parameters of `type`. Options at the end may be left out.
 * A stream is written as the list of its elements, a future as its value, `()` stands for elements without a type, an error-context as
 * its message; they are made in `store` (NULL: they cannot be written), and `a` must outlive it. *args has type->param_count values. */
WITC_NODISCARD bool wave_read_args(struct arena *a, struct diags *d, u32 source,
                                   const struct wave_call *call, const struct canon_functype *type,
                                   struct canon_store *store, struct canon_value **args);
/* Reads one value; the source must hold nothing else. */
WITC_NODISCARD bool wave_read_value(struct arena *a, struct diags *d, u32 source,
                                    const struct canon_type *type, struct canon_value *out);

/* Writes a value on one line. Record fields that are `none` are left out, as readers allow. */
void wave_print(struct buf *out, const struct canon_value *v, const struct canon_type *type);
/* The same, but after about so many bytes what is left of strings, lists and records is `...`. */
void wave_print_some(struct buf *out, const struct canon_value *v, const struct canon_type *type,
                     size_t most);
/* The numbers as WAVE has them: shortest digits that give the same number again, without an exponent. */
void wave_print_f32(struct buf *out, float f);
void wave_print_f64(struct buf *out, double f);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
