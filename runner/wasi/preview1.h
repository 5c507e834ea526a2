/* preview1.h - the host of wasi_snapshot_preview1 (WASI 0.1), which core modules import. */
#ifndef WITC_PREVIEW1_H
#define WITC_PREVIEW1_H

#include "engine.h"
#include "wasi_internal.h"

#include <sys/stat.h>

#define P1_PATH_MAX 4096u /* bytes */
#define P1_FDS_MAX  4096u
#define P1_IOVS     64u /* buffers that one read or write fills */

enum p1_filetype {
    P1_UNKNOWN,
    P1_BLOCK,
    P1_CHARACTER,
    P1_DIRECTORY,
    P1_REGULAR,
    P1_SOCKET_DGRAM,
    P1_SOCKET_STREAM,
    P1_SYMLINK,
};

enum {
    P1_CREAT = 1,
    P1_ODIRECTORY = 2,
    P1_EXCL = 4,
    P1_TRUNC = 8, /* oflags */
    P1_APPEND = 1,
    P1_DSYNC = 2,
    P1_NONBLOCK = 4,
    P1_RSYNC = 8,
    P1_SYNC = 16, /* fdflags */
    P1_ATIM = 1,
    P1_ATIM_NOW = 2,
    P1_MTIM = 4,
    P1_MTIM_NOW = 8, /* fstflags */
};

struct p1_dirent {
    str name;
    u64 inode;
    u8 type;
};
/* What a descriptor of the guest stands for. */
struct p1_fd {
    bool open;
    bool owned; /* closed with it; the standard streams are not */
    int host;   /* -1: at its end, takes everything */
    enum p1_filetype type;
    u16 flags; /* fdflags */
    bool reads, writes;
    u64 rights, inheriting;
    bool preopened;
    str guest_path; /* of a preopened one */
    /* fd_readdir: what was there when it was asked for cookie 0 */
    struct arena arena;
    VEC(struct p1_dirent) entries;
    bool listed;
};

/* What a function answers beside an errno. */
#define P1_ENDED 0x10000u /* the task trapped, or the guest is to end */

struct wasi_preview1 {
    const struct wasi_options *options;
    struct wasi_world world;
    struct arena arena;
    VEC(struct p1_fd) fds;
    int output_error;
    /* of the call at hand */
    struct engine_task *task;
    u8 *memory;
    u64 memory_size;
};

typedef u32 p1_fn(struct wasi_preview1 *p, const u64 *a);
#define P1(name, params) u32 p1_##name(struct wasi_preview1 *p, const u64 *a);
#include "preview1.def"
#undef P1

u32 p1_errno(int error); /* the system's number in WASI */
/* Burns fuel for work on so many bytes, and looks whether somebody wants the guest to stop: 0 or P1_ENDED. */
u32 p1_pay(struct wasi_preview1 *p, u64 bytes);
#define P1_PIECE ((u64)1 << 20) /* of long work, between looks */
/* The guest's bytes from `at` on; NULL if they are not all in its memory. */
u8 *p1_bytes(struct wasi_preview1 *p, u64 at, u64 n);
u32 p1_put32(struct wasi_preview1 *p, u64 at, u32 v); /* 0 or EFAULT as WASI has it */
u32 p1_put64(struct wasi_preview1 *p, u64 at, u64 v);
void p1_store16(u8 *to, u16 v);
void p1_store32(u8 *to, u32 v);
void p1_store64(u8 *to, u64 v);
u32 p1_load32(const u8 *from);
u64 p1_load64(const u8 *from);

/* The open descriptor, or NULL. */
struct p1_fd *p1_get(struct wasi_preview1 *p, u64 fd);
/* A new descriptor for a host one, which it then owns; P1_FDS_MAX: there are too many. */
u32 p1_add(struct wasi_preview1 *p, struct p1_fd fd);
void p1_drop(struct p1_fd *f);
/* Fills in what fstat tells: type and rights. */
void p1_describe(struct p1_fd *f);
enum p1_filetype p1_filetype_of(mode_t mode);
u32 p1_put_filestat(struct wasi_preview1 *p, u64 at, const struct stat *s);
/* The times that fd_filestat_set_times and path_filestat_set_times set; false: a time is asked for twice. */
bool p1_times(u64 atim, u64 mtim, u64 flags, struct timespec out[2]);

/* preview1_poll.c */
/* Waits until the descriptor is ready (POLLIN, POLLOUT), in turns that --timeout and Ctrl-C can end. 0, an errno, or P1_ENDED. */
u32 p1_wait(struct wasi_preview1 *p, int host, short events);

#endif
