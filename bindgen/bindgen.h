/* bindgen.h - C guest bindings of a WIT world: W.h, W.c and W_component_type.o.
 *
 * The names, types and signatures are those of `wit-bindgen c` 0.63, so that programs written for it compile
 * unchanged; bindgen/README.md lists where the output differs on purpose.
 */
#ifndef WITC_BINDGEN_H
#define WITC_BINDGEN_H

#include "base.h"
#include "wit-parser.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct bindgen_rename {
    str from; /* world key of an interface: "a:b/i@1.0.0", or its plain name */
    str to;   /* a C identifier */
};

struct bindgen_options {
    const str
        *sync; /* "all", "FUNC", "IFACE#FUNC", each also with "import:" or "export:" in front */
    u32 sync_count;
    const struct bindgen_rename *renames;
    u32 rename_count;
    str rename_world;          /* empty: the name of the world */
    str type_section_suffix;   /* may be empty */
    enum cm_encoding encoding; /* UTF-8 or UTF-16 */
    bool no_helpers;
    bool no_sig_flattening;
    bool no_object_file;
    bool autodrop_borrows;
    bool async_helpers;
    bool threading_helpers; /* implies async_helpers */
};

struct bindgen_file {
    str name;
    str bytes;
};
struct bindgen_output {
    struct bindgen_file files[3];
    u32 count;
};

/* Generates the bindings of a world. Interfaces that the world both imports and exports are split
 * (wit_split_identities), so `r` serves for nothing else afterwards. */
WITC_NODISCARD bool bindgen_c(struct wit_resolve *r, u32 world,
                              const struct bindgen_options *options, struct bindgen_output *out);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
