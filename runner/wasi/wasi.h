/* wasi.h - the hosts of WASI: what a component imports from `wasi:` packages, on top of libuv.
 *
 * Present: WASI 0.3.0 and 0.2.12 of wasi:cli, wasi:clocks and wasi:random, and wasi:io 0.2.12. Guests that ask for another version of
 * the same semver track get these. And WASI 0.1 for core modules.
 *
 * Ownership: the options are read while the guest runs and must outlive the host. The host must outlive the store that uses it.
 * One thread; callbacks of the host run within canon_store_run_until.
 */
#ifndef WITC_WASI_H
#define WITC_WASI_H

#include "base.h"
#include "canon.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct wasi_variable {
    str name, value;
};
/* A folder that the guest may use, under the name by which it knows it. */
struct wasi_dir {
    str host, guest;
};
struct wasi_options {
    const str *args; /* args[0] is the program's name */
    u32 arg_count;
    const struct wasi_variable *env;
    u32 env_count;
    str initial_cwd;          /* empty: none */
    int input, output, error; /* file descriptors; -1: nothing to read, writes are thrown away */
    const struct wasi_dir *dirs;
    u32 dir_count;
    /* Of WASI 0.1, whose functions block: called around each wait; how many milliseconds the guest may still wait (NULL: for ever). */
    void (*waiting)(bool on);
    u64 (*time_left)(void);
    /* Clocks and random numbers are made up from the seed: the same seed and input, the same run. */
    bool has_seed;
    u64 seed;
};

struct wasi;
struct wasi *wasi_new(const struct wasi_options *options);
/* After the stores whose guests use w. */
void wasi_free(struct wasi *w);
/* Offers every interface that is present to what is instantiated with the linker. The linker must not outlive w. */
void wasi_link(struct wasi *w, struct canon_linker *l);
/* The outside world of a store whose guests use w. */
struct canon_loop wasi_loop(struct wasi *w);
/* One turn of that loop, for a caller that puts its own loop in front: like poll(env, true), but for at most `milliseconds`. */
enum wasi_turn {
    WASI_NOTHING,  /* nothing is pending outside */
    WASI_PROGRESS, /* something has happened */
    WASI_TIMEOUT,
};
enum wasi_turn wasi_wait(struct wasi *w, u64 milliseconds);
/* The first error (errno) that writing to standard output met, 0 if none: the guest may have passed over it. */
int wasi_output_error(const struct wasi *w);

/* ---- WASI 0.1, which core modules import as wasi_snapshot_preview1 ---- */

struct wasi_preview1;
/* Opens the folders: NULL after a diagnostic if one cannot be opened. The options must outlive it, and it the engine's store. */
struct wasi_preview1 *wasi_preview1_new(const struct wasi_options *options, struct diags *d);
void wasi_preview1_free(struct wasi_preview1 *p);
extern const char wasi_preview1_module[];
/* The function of this name, or NULL. */
struct engine_func *wasi_preview1_func(struct wasi_preview1 *p, struct engine_store *s, str name);
/* The names of all of them. */
const str *wasi_preview1_names(u32 *count);
/* As wasi_output_error. */
int wasi_preview1_output_error(const struct wasi_preview1 *p);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
