/* preview1_path.c - WASI 0.1: path_*. A path is walked part by part from the folder of its descriptor, never following what the system
 * would follow by itself: neither `..`, nor a symbolic link, nor an absolute path leads out of that folder, whatever others do to it meanwhile. */
#define _GNU_SOURCE /* O_PATH */
#include "preview1.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

enum { LINKS_MAX = 40, DEPTH_MAX = 200, SYMLINK_FOLLOW = 1 };

/* A walk; at its end the folder and the name in it that the path means. */
struct walk {
    int folders[DEPTH_MAX + 1]; /* entered; the first is the descriptor's own */
    u32 depth;
    u32 links;
    char rest[P1_PATH_MAX + 1]; /* still to go */
    char name[P1_PATH_MAX + 1]; /* the last part: a name, or "." */
    bool must_be_folder;        /* a slash stands behind it */
};

static int folder(const struct walk *w)
{
    return w->folders[w->depth];
}

static void leave(struct walk *w)
{
    while (w->depth)
        close(w->folders[w->depth--]);
}

/* Puts a symbolic link's target in front of the rest. 0; ENOENT if `name` is no link; another of the system's errors. */
static int follow(struct walk *w, const char *rest)
{
    char target[P1_PATH_MAX + 1], joined[P1_PATH_MAX + 1];
    ssize_t n = readlinkat(folder(w), w->name, target, sizeof target);
    if (n < 0)
        return errno == EINVAL ? ENOENT : errno;
    if (++w->links > LINKS_MAX)
        return ELOOP;
    if (n == 0 || target[0] == '/')
        return n ? EPERM : ENOENT;
    size_t length = strlen(rest), slash = length != 0 || w->must_be_folder;
    if ((size_t)n + slash + length > P1_PATH_MAX)
        return ENAMETOOLONG;
    memcpy(joined, target, (size_t)n);
    memcpy(joined + n, "/", slash);
    memcpy(joined + (size_t)n + slash, rest, length + 1);
    memcpy(w->rest, joined, (size_t)n + slash + length + 1);
    return 0;
}

static int enter(struct walk *w)
{
    if (w->depth == DEPTH_MAX)
        return ENAMETOOLONG;
    int f = openat(folder(w), w->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (f < 0)
        return errno;
    w->folders[++w->depth] = f;
    return 0;
}

/* Cuts the next part off the rest into w->name; gives what follows its slashes. */
static const char *next_part(struct walk *w)
{
    size_t n = strcspn(w->rest, "/"), slashes = strspn(w->rest + n, "/");
    memcpy(w->name, w->rest, n);
    w->name[n] = '\0';
    const char *rest = w->rest + n + slashes;
    w->must_be_folder = *rest == '\0' && slashes != 0;
    return rest;
}

static int walk(struct walk *w, bool follows)
{
    for (;;) {
        const char *rest = next_part(w);
        bool last = *rest == '\0';
        if (strcmp(w->name, "..") == 0) {
            if (w->depth == 0)
                return EPERM;
            close(w->folders[w->depth--]);
            strcpy(w->name, ".");
        }
        if (strcmp(w->name, ".") == 0 && last)
            return 0;
        if (strcmp(w->name, ".") != 0) {
            int error = ENOENT; /* no link */
            if (!last) {
                error = enter(w);
                if (error == ELOOP || error == ENOTDIR) {
                    int seen = error;
                    error = follow(w, rest);
                    if (error == 0)
                        continue;
                    return error == ENOENT ? seen : error;
                }
                if (error)
                    return error;
            } else {
                if (follows || w->must_be_folder)
                    error = follow(w, rest);
                if (error == 0)
                    continue;
                return error == ENOENT ? 0 : error;
            }
        }
        memmove(w->rest, rest, strlen(rest) + 1);
    }
}

/* Reads a path of the guest: 0 or an errno of WASI. */
static u32 guest_path(struct wasi_preview1 *p, u64 at, u64 n, char out[P1_PATH_MAX + 1])
{
    const u8 *bytes = p1_bytes(p, at, n);
    if (!bytes)
        return p1_errno(EFAULT);
    if (n > P1_PATH_MAX)
        return p1_errno(ENAMETOOLONG);
    if (memchr(bytes, 0, (size_t)n))
        return p1_errno(EINVAL);
    if (utf8_check(str_of((const char *)bytes, (size_t)n)) != SIZE_MAX)
        return p1_errno(EILSEQ);
    memcpy(out, bytes, (size_t)n);
    out[n] = '\0';
    return n == 0 ? p1_errno(ENOENT) : out[0] == '/' ? p1_errno(EPERM) : 0;
}

/* Finds what a path means. After 0, leave() is due. */
static u32 find(struct wasi_preview1 *p, u64 fd, u64 at, u64 n, bool follows, struct walk *w)
{
    const struct p1_fd *f = p1_get(p, fd);
    if (!f)
        return p1_errno(EBADF);
    if (f->type != P1_DIRECTORY)
        return p1_errno(ENOTDIR);
    u32 error = guest_path(p, at, n, w->rest);
    if (error)
        return error;
    w->folders[0] = f->host;
    w->depth = w->links = 0;
    error = p1_errno(walk(w, follows));
    if (error)
        leave(w);
    return error;
}

/* Ends a walk with the result of what it was for. */
static u32 finish(struct walk *w, int result)
{
    u32 error = result == 0 ? 0 : p1_errno(errno);
    leave(w);
    return error;
}

/* A slash behind what is no folder is a mistake. */
static int check_folder(const struct walk *w)
{
    struct stat s;
    if (!w->must_be_folder || fstatat(folder(w), w->name, &s, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(s.st_mode))
        return 0;
    errno = ENOTDIR;
    return -1;
}

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static int open_flags(u64 oflags, u64 fdflags, bool reads, bool writes)
{
    static const struct {
        u64 from;
        int to;
    } opens[] = {{P1_CREAT, O_CREAT},
                 {P1_ODIRECTORY, O_DIRECTORY},
                 {P1_EXCL, O_EXCL},
                 {P1_TRUNC, O_TRUNC}},
      modes[] = {{P1_APPEND, O_APPEND}, {P1_DSYNC, O_DSYNC}, {P1_RSYNC, O_SYNC}, {P1_SYNC, O_SYNC}};
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    flags |= O_NONBLOCK; /* a named pipe without another end is not waited for */
    for (u32 i = 0; i < LENGTH_OF(opens); i++)
        flags |= oflags & opens[i].from ? opens[i].to : 0;
    for (u32 i = 0; i < LENGTH_OF(modes); i++)
        flags |= fdflags & modes[i].from ? modes[i].to : 0;
    return flags | (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY);
}

u32 p1_path_open(struct wasi_preview1 *p, const u64 *a)
{
    const u64 read_rights = (u64)1 << 1 | (u64)1 << 14;
    const u64 write_rights = (u64)1 << 6 | (u64)1 << 8 | (u64)1 << 22;
    struct walk w;
    if (a[4] > 15 || a[7] > 31)
        return p1_errno(EINVAL);
    if (!p1_bytes(p, a[8], 4))
        return p1_errno(EFAULT);
    bool excl = (a[4] & P1_CREAT) && (a[4] & P1_EXCL);
    u32 error = find(p, a[0], a[2], a[3], (a[1] & SYMLINK_FOLLOW) && !excl, &w);
    if (error)
        return error;
    bool writes = (a[5] & write_rights) || (a[4] & P1_TRUNC);
    bool reads = (a[5] & read_rights) || !writes;
    int flags = open_flags(a[4], a[7], reads, writes);
    if (w.must_be_folder && (flags & O_CREAT)) {
        leave(&w);
        return p1_errno(EISDIR);
    }
    flags |= w.must_be_folder ? O_DIRECTORY : 0;
    int host = openat(folder(&w), w.name, flags, 0666);
    if (host < 0 && errno == EISDIR && (flags & O_DIRECTORY) && !(flags & O_TRUNC)) {
        writes =
            false; /* a folder cannot be opened for writing, but its right is often asked for */
        host = openat(folder(&w), w.name, (flags & ~O_ACCMODE) | O_RDONLY);
    }
    error = finish(&w, host < 0 ? -1 : 0);
    if (error)
        return error;
    struct p1_fd f = {
        .host = host, .owned = true, .reads = reads, .writes = writes, .flags = (u16)a[7]};
    p1_describe(&f);
    u32 fd = p1_add(p, f);
    if (fd == P1_FDS_MAX) {
        close(host);
        return p1_errno(EMFILE);
    }
    return p1_put32(p, a[8], fd);
}

/* ---- What lies at a path ------------------------------------------------------------------------------------------ */

u32 p1_path_filestat_get(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    struct stat s;
    u32 error = find(p, a[0], a[2], a[3], a[1] & SYMLINK_FOLLOW, &w);
    if (error)
        return error;
    int result = check_folder(&w);
    if (result == 0)
        result = fstatat(folder(&w), w.name, &s, AT_SYMLINK_NOFOLLOW);
    error = finish(&w, result);
    return error ? error : p1_put_filestat(p, a[4], &s);
}

u32 p1_path_filestat_set_times(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    struct timespec times[2];
    if (!p1_times(a[4], a[5], a[6], times))
        return p1_errno(EINVAL);
    u32 error = find(p, a[0], a[2], a[3], a[1] & SYMLINK_FOLLOW, &w);
    if (error)
        return error;
    return finish(&w, utimensat(folder(&w), w.name, times, AT_SYMLINK_NOFOLLOW));
}

u32 p1_path_readlink(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    char target[P1_PATH_MAX];
    u8 *to = p1_bytes(p, a[3], a[4]);
    u32 error = to ? find(p, a[0], a[1], a[2], false, &w) : p1_errno(EFAULT);
    if (error)
        return error;
    ssize_t n = readlinkat(folder(&w), w.name, target, sizeof target);
    error = finish(&w, n < 0 ? -1 : 0);
    if (error)
        return error;
    u64 fits = (u64)n < a[4] ? (u64)n : a[4];
    memcpy(to, target, (size_t)fits);
    return p1_put32(p, a[5], (u32)fits);
}

/* ---- Making and removing -------------------------------------------------------------------------------------------- */

u32 p1_path_create_directory(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    u32 error = find(p, a[0], a[1], a[2], false, &w);
    return error ? error : finish(&w, mkdirat(folder(&w), w.name, 0777));
}

u32 p1_path_remove_directory(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    u32 error = find(p, a[0], a[1], a[2], false, &w);
    return error ? error : finish(&w, unlinkat(folder(&w), w.name, AT_REMOVEDIR));
}

u32 p1_path_unlink_file(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    struct stat s;
    u32 error = find(p, a[0], a[1], a[2], false, &w);
    if (error)
        return error;
    int result = check_folder(&w);
    if (result == 0 && fstatat(folder(&w), w.name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(s.st_mode)) { /* some systems would answer EPERM, or remove it */
        errno = EISDIR;
        result = -1;
    }
    return finish(&w, result == 0 ? unlinkat(folder(&w), w.name, 0) : -1);
}

u32 p1_path_symlink(struct wasi_preview1 *p, const u64 *a)
{
    struct walk w;
    char target[P1_PATH_MAX + 1];
    u32 error = guest_path(p, a[0], a[1], target);
    if (!error)
        error = find(p, a[2], a[3], a[4], false, &w);
    return error ? error : finish(&w, symlinkat(target, folder(&w), w.name));
}

/* Two paths at once. */
static u32 find_two(struct wasi_preview1 *p, const u64 *from, bool follows, const u64 *to,
                    struct walk *x, struct walk *y)
{
    u32 error = find(p, from[0], from[1], from[2], follows, x);
    if (error)
        return error;
    error = find(p, to[0], to[1], to[2], false, y);
    if (error)
        leave(x);
    return error;
}

u32 p1_path_link(struct wasi_preview1 *p, const u64 *a)
{
    struct walk x, y;
    const u64 from[] = {a[0], a[2], a[3]};
    u32 error = find_two(p, from, a[1] & SYMLINK_FOLLOW, a + 4, &x, &y);
    if (error)
        return error;
    int result = check_folder(&x);
    if (result == 0)
        result = linkat(folder(&x), x.name, folder(&y), y.name, 0);
    error = finish(&x, result);
    leave(&y);
    return error;
}

u32 p1_path_rename(struct wasi_preview1 *p, const u64 *a)
{
    struct walk x, y;
    u32 error = find_two(p, a, false, a + 3, &x, &y);
    if (error)
        return error;
    int result = check_folder(&x);
    if (result == 0 && y.must_be_folder && !x.must_be_folder) {
        x.must_be_folder = true; /* what is moved to `name/` is a folder */
        result = check_folder(&x);
    }
    if (result == 0)
        result = renameat(folder(&x), x.name, folder(&y), y.name);
    error = finish(&x, result);
    leave(&y);
    return error;
}
