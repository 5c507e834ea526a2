/* preview1_fd.c - WASI 0.1: fd_*, what is done with an open descriptor. */
#include "preview1.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define RIGHT(n) ((u64)1 << (n))
/* Rights are told; but for reading and writing they are not enforced, as in other runtimes. Bits as the specification numbers its functions. */
#define SEEK_RIGHTS (RIGHT(2) | RIGHT(5))
static const u64 file_rights = RIGHT(0) | RIGHT(1) | SEEK_RIGHTS | RIGHT(3) | RIGHT(4) | RIGHT(6) |
                               RIGHT(7) | RIGHT(8) | RIGHT(21) | RIGHT(22) | RIGHT(23) | RIGHT(27);
static const u64 dir_rights = RIGHT(0) | RIGHT(3) | RIGHT(4) | RIGHT(7) | RIGHT(9) | RIGHT(10) |
                              RIGHT(11) | RIGHT(12) | RIGHT(13) | RIGHT(14) | RIGHT(15) |
                              RIGHT(16) | RIGHT(17) | RIGHT(18) | RIGHT(19) | RIGHT(20) |
                              RIGHT(21) | RIGHT(23) | RIGHT(24) | RIGHT(25) | RIGHT(26) | RIGHT(27);

enum p1_filetype p1_filetype_of(mode_t mode)
{
    if (S_ISREG(mode))
        return P1_REGULAR;
    if (S_ISDIR(mode))
        return P1_DIRECTORY;
    if (S_ISCHR(mode))
        return P1_CHARACTER;
    if (S_ISLNK(mode))
        return P1_SYMLINK;
    if (S_ISBLK(mode))
        return P1_BLOCK;
    return S_ISSOCK(mode) ? P1_SOCKET_STREAM : P1_UNKNOWN;
}

void p1_describe(struct p1_fd *f)
{
    struct stat s;
    f->type = f->host >= 0 && fstat(f->host, &s) == 0 ? p1_filetype_of(s.st_mode) : P1_UNKNOWN;
    f->rights = f->type == P1_DIRECTORY ? dir_rights : file_rights;
    f->inheriting = f->type == P1_DIRECTORY ? dir_rights | file_rights : 0;
    if (f->type != P1_REGULAR && f->type != P1_BLOCK)
        f->rights &= ~SEEK_RIGHTS; /* a terminal is told by this */
    if (f->type != P1_DIRECTORY)
        f->rights &=
            ~((f->reads ? 0 : RIGHT(1)) | (f->writes ? 0 : RIGHT(6) | RIGHT(8) | RIGHT(22)));
}

/* ---- Reading and writing -------------------------------------------------------------------------------------- */

/* The buffers of a guest, as many as are passed on at once. 0 or an errno. */
static u32 vectors(struct wasi_preview1 *p, u64 at, u64 count, struct iovec *out, int *n)
{
    const u8 *list = p1_bytes(p, at, 8 * count);
    if (!list)
        return p1_errno(EFAULT);
    u32 error = p1_pay(p, 8 * count);
    *n = 0;
    for (u64 i = 0; !error && i < count; i++) {
        u64 size = p1_load32(list + 8 * i + 4);
        u8 *bytes = p1_bytes(p, p1_load32(list + 8 * i), size);
        if (!bytes)
            return p1_errno(EFAULT);
        if (size && *n < (int)P1_IOVS)
            out[(*n)++] = (struct iovec){bytes, (size_t)size};
    }
    return error;
}

static bool is_seekable(const struct p1_fd *f)
{
    return f->type == P1_REGULAR || f->type == P1_BLOCK;
}

/* An open descriptor that may do this; 0 or an errno. */
static u32 usable(struct wasi_preview1 *p, u64 fd, bool reads, bool writes, struct p1_fd **out)
{
    *out = p1_get(p, fd);
    if (!*out || (reads && !(*out)->reads) || (writes && !(*out)->writes))
        return p1_errno(EBADF);
    if ((reads || writes) && (*out)->type == P1_DIRECTORY)
        return p1_errno(EISDIR);
    return 0;
}

/* Before something that may block. */
static u32 wait_for(struct wasi_preview1 *p, const struct p1_fd *f, short events)
{
    bool waits = !is_seekable(f) && f->host >= 0 && !(f->flags & P1_NONBLOCK);
    return waits ? p1_wait(p, f->host, events) : 0;
}

static u32 put_count(struct wasi_preview1 *p, u64 at, ssize_t n)
{
    if (n < 0)
        return p1_errno(errno);
    u32 error = p1_pay(p, (u64)n);
    return error ? error : p1_put32(p, at, (u32)n);
}

u32 p1_fd_read(struct wasi_preview1 *p, const u64 *a)
{
    struct iovec v[P1_IOVS];
    struct p1_fd *f;
    int n;
    u32 error = usable(p, a[0], true, false, &f);
    if (!error)
        error = vectors(p, a[1], a[2], v, &n);
    if (!error && n)
        error = wait_for(p, f, POLLIN);
    ssize_t got = 0;
    while (!error && n && f->host >= 0) {
        got = readv(f->host, v, n);
        if (got >= 0 || (errno != EINTR && (errno != EAGAIN || f->flags & P1_NONBLOCK)))
            break;
        error = wait_for(p, f, POLLIN);
    }
    return error ? error : put_count(p, a[3], got);
}

u32 p1_fd_pread(struct wasi_preview1 *p, const u64 *a)
{
    struct iovec v[P1_IOVS];
    struct p1_fd *f;
    int n;
    u32 error = usable(p, a[0], true, false, &f);
    if (!error && (!is_seekable(f) || a[3] > INT64_MAX))
        error = p1_errno(is_seekable(f) ? EINVAL : ESPIPE);
    if (!error)
        error = vectors(p, a[1], a[2], v, &n);
    return error ? error : put_count(p, a[4], n ? preadv(f->host, v, n, (off_t)a[3]) : 0);
}

/* To something that may block: in pieces that fit as soon as poll says that there is room. */
static u32 write_stream(struct wasi_preview1 *p, const struct p1_fd *f, const struct iovec *v,
                        int n, u64 *done)
{
    for (int i = 0; i < n; i++) {
        const char *at = v[i].iov_base;
        for (size_t left = v[i].iov_len; left;) {
            u32 error = wait_for(p, f, POLLOUT);
            if (!error)
                error = p1_pay(p, left < 4096 ? left : 4096);
            if (error)
                return error;
            size_t piece = left < 4096 ? left : 4096; /* at most PIPE_BUF, which is no constant */
            ssize_t wrote = write(f->host, at, piece);
            bool again = errno == EINTR || (errno == EAGAIN && !(f->flags & P1_NONBLOCK));
            if (wrote < 0 && !again)
                return *done && errno == EAGAIN ? 0 : p1_errno(errno);
            if (wrote > 0) {
                at += wrote;
                left -= (size_t)wrote;
                *done += (u64)wrote;
            }
        }
    }
    return 0;
}

u32 p1_fd_write(struct wasi_preview1 *p, const u64 *a)
{
    struct iovec v[P1_IOVS];
    struct p1_fd *f;
    int n;
    u64 done = 0;
    u32 error = usable(p, a[0], false, true, &f);
    if (!error)
        error = vectors(p, a[1], a[2], v, &n);
    if (error)
        return error;
    if (f->host < 0) {
        for (int i = 0; i < n; i++)
            done += v[i].iov_len;
    } else if (is_seekable(f)) {
        ssize_t wrote = n ? writev(f->host, v, n) : 0;
        error = wrote < 0 ? p1_errno(errno) : p1_pay(p, (u64)wrote);
        done = wrote < 0 ? 0 : (u64)wrote;
    } else {
        error = write_stream(p, f, v, n, &done);
    }
    if (error && error != P1_ENDED && f->host == p->options->output && !p->output_error)
        p->output_error = errno;
    return error ? error : p1_put32(p, a[3], (u32)done);
}

u32 p1_fd_pwrite(struct wasi_preview1 *p, const u64 *a)
{
    struct iovec v[P1_IOVS];
    struct p1_fd *f;
    int n;
    u32 error = usable(p, a[0], false, true, &f);
    if (!error && (!is_seekable(f) || a[3] > INT64_MAX))
        error = p1_errno(is_seekable(f) ? EINVAL : ESPIPE);
    if (!error)
        error = vectors(p, a[1], a[2], v, &n);
    return error ? error : put_count(p, a[4], n ? pwritev(f->host, v, n, (off_t)a[3]) : 0);
}

u32 p1_fd_seek(struct wasi_preview1 *p, const u64 *a)
{
    static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    struct p1_fd *f = p1_get(p, a[0]);
    if (!f)
        return p1_errno(EBADF);
    if (!is_seekable(f))
        return p1_errno(f->type == P1_DIRECTORY ? EBADF : ESPIPE);
    if (a[2] >= LENGTH_OF(whence))
        return p1_errno(EINVAL);
    off_t at = lseek(f->host, (off_t)(i64)a[1], whence[a[2]]);
    return at < 0 ? p1_errno(errno) : p1_put64(p, a[3], (u64)at);
}

u32 p1_fd_tell(struct wasi_preview1 *p, const u64 *a)
{
    const u64 seek[] = {a[0], 0, 1, a[1]};
    return p1_fd_seek(p, seek);
}

/* ---- Descriptors themselves -------------------------------------------------------------------------------------- */

u32 p1_fd_close(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    if (!f)
        return p1_errno(EBADF);
    p1_drop(f);
    return 0;
}

u32 p1_fd_renumber(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *from = p1_get(p, a[0]), *to = p1_get(p, a[1]);
    if (!from || !to)
        return p1_errno(EBADF);
    if (from != to) {
        p1_drop(to);
        *to = *from;
        *from = (struct p1_fd){0};
    }
    return 0;
}

u32 p1_fd_fdstat_get(struct wasi_preview1 *p, const u64 *a)
{
    const struct p1_fd *f = p1_get(p, a[0]);
    u8 *to = p1_bytes(p, a[1], 24);
    if (!f || !to)
        return p1_errno(f ? EFAULT : EBADF);
    memset(to, 0, 24);
    to[0] = (u8)f->type;
    p1_store16(to + 2, f->flags);
    p1_store64(to + 8, f->rights);
    p1_store64(to + 16, f->inheriting);
    return 0;
}

/* Others than these are set when a file is opened. A stream that witc shares with other programs stays as it is: see wait_for. */
u32 p1_fd_fdstat_set_flags(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    if (!f)
        return p1_errno(EBADF);
    if (a[1] & ~(u64)(P1_APPEND | P1_DSYNC | P1_NONBLOCK | P1_RSYNC | P1_SYNC))
        return p1_errno(EINVAL);
    if ((a[1] ^ f->flags) & (P1_DSYNC | P1_RSYNC | P1_SYNC))
        return p1_errno(ENOTSUP);
    if (f->owned) {
        int old = fcntl(f->host, F_GETFL);
        int flags = (old & ~(O_APPEND | O_NONBLOCK)) | (a[1] & P1_APPEND ? O_APPEND : 0) |
                    (a[1] & P1_NONBLOCK ? O_NONBLOCK : 0);
        if (old < 0 || fcntl(f->host, F_SETFL, flags) < 0)
            return p1_errno(errno);
    }
    f->flags = (u16)a[1];
    return 0;
}

/* Rights can only become fewer. */
u32 p1_fd_fdstat_set_rights(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    if (!f)
        return p1_errno(EBADF);
    if ((a[1] & ~f->rights) || (a[2] & ~f->inheriting))
        return 76; /* notcapable */
    f->reads &= f->type == P1_DIRECTORY || (a[1] & RIGHT(1));
    f->writes &= f->type == P1_DIRECTORY || (a[1] & RIGHT(6));
    f->rights = a[1];
    f->inheriting = a[2];
    return 0;
}

u32 p1_fd_prestat_get(struct wasi_preview1 *p, const u64 *a)
{
    const struct p1_fd *f = p1_get(p, a[0]);
    if (!f || !f->preopened)
        return p1_errno(EBADF);
    u32 error = p1_put32(p, a[1], 0); /* a directory */
    return error ? error : p1_put32(p, a[1] + 4, (u32)f->guest_path.len);
}

u32 p1_fd_prestat_dir_name(struct wasi_preview1 *p, const u64 *a)
{
    const struct p1_fd *f = p1_get(p, a[0]);
    if (!f || !f->preopened)
        return p1_errno(EBADF);
    if (a[2] < f->guest_path.len)
        return p1_errno(ENAMETOOLONG);
    u8 *to = p1_bytes(p, a[1], f->guest_path.len);
    if (!to)
        return p1_errno(EFAULT);
    if (f->guest_path.len)
        memcpy(to, f->guest_path.ptr, f->guest_path.len);
    return 0;
}

/* ---- Files ---------------------------------------------------------------------------------------------------------- */

/* An open descriptor with one of the host behind it. */
static u32 hosted(struct wasi_preview1 *p, u64 fd, struct p1_fd **out)
{
    *out = p1_get(p, fd);
    return !*out ? p1_errno(EBADF) : (*out)->host < 0 ? p1_errno(ENOTSUP) : 0;
}

static u32 done(int result)
{
    return result == 0 ? 0 : p1_errno(errno);
}

u32 p1_fd_sync(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f;
    u32 error = hosted(p, a[0], &f);
    return error ? error : done(fsync(f->host));
}

u32 p1_fd_datasync(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f;
    u32 error = hosted(p, a[0], &f);
    return error ? error : done(fdatasync(f->host));
}

u32 p1_fd_advise(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    if (!f)
        return p1_errno(EBADF);
    if (f->type == P1_DIRECTORY)
        return p1_errno(EBADF);
    if (a[3] > 5 || a[1] > INT64_MAX || a[2] > INT64_MAX)
        return p1_errno(EINVAL);
    return is_seekable(f) ? 0 : p1_errno(ESPIPE); /* advice may be passed over */
}

u32 p1_fd_allocate(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f;
    u32 error = usable(p, a[0], false, true, &f);
    if (error)
        return error;
    if (!is_seekable(f))
        return p1_errno(ESPIPE);
    if (a[1] > INT64_MAX || a[2] > INT64_MAX)
        return p1_errno(EINVAL);
    return p1_errno(posix_fallocate(f->host, (off_t)a[1], (off_t)a[2]));
}

u32 p1_put_filestat(struct wasi_preview1 *p, u64 at, const struct stat *s)
{
    u8 *to = p1_bytes(p, at, 64);
    if (!to)
        return p1_errno(EFAULT);
    const struct timespec times[] = {s->st_atim, s->st_mtim, s->st_ctim};
    memset(to, 0, 64);
    p1_store64(to, (u64)s->st_dev);
    p1_store64(to + 8, (u64)s->st_ino);
    to[16] = (u8)p1_filetype_of(s->st_mode);
    p1_store64(to + 24, (u64)s->st_nlink);
    p1_store64(to + 32, (u64)s->st_size);
    for (u32 i = 0; i < LENGTH_OF(times); i++)
        p1_store64(to + 40 + 8 * i, (u64)times[i].tv_sec * 1000000000u + (u64)times[i].tv_nsec);
    return 0;
}

u32 p1_fd_filestat_get(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    struct stat s = {0};
    if (!f)
        return p1_errno(EBADF);
    if (f->host >= 0 && fstat(f->host, &s) != 0)
        return p1_errno(errno);
    return p1_put_filestat(p, a[1], &s);
}

u32 p1_fd_filestat_set_size(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f;
    u32 error = usable(p, a[0], false, true, &f);
    if (error)
        return error;
    if (!is_seekable(f) || a[1] > INT64_MAX)
        return p1_errno(EINVAL);
    return done(ftruncate(f->host, (off_t)a[1]));
}

bool p1_times(u64 atim, u64 mtim, u64 flags, struct timespec out[2])
{
    const u64 times[] = {atim, mtim};
    for (u32 i = 0; i < 2; i++) {
        bool given = flags >> (2 * i) & 1, now = flags >> (2 * i + 1) & 1;
        if (given && now)
            return false;
        out[i] =
            (struct timespec){(time_t)(times[i] / 1000000000u), (long)(times[i] % 1000000000u)};
        if (!given)
            out[i].tv_nsec = now ? UTIME_NOW : UTIME_OMIT;
    }
    return flags <= 15;
}

u32 p1_fd_filestat_set_times(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f;
    struct timespec times[2];
    u32 error = hosted(p, a[0], &f);
    if (error)
        return error;
    return p1_times(a[1], a[2], a[3], times) ? done(futimens(f->host, times)) : p1_errno(EINVAL);
}

/* ---- Folders ---------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct p1_dirent *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

/* Reads all of a folder, in the order of names so that runs can be repeated. */
static u32 list(struct p1_fd *f)
{
    arena_free(&f->arena);
    f->arena = (struct arena){0};
    f->entries.data = NULL;
    f->entries.len = f->entries.cap = 0;
    f->listed = false;
    int copy = openat(f->host, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        int error = errno;
        if (copy >= 0)
            close(copy);
        return p1_errno(error);
    }
    for (struct dirent *e; (e = readdir(d));) {
        struct stat s;
        if (fstatat(copy, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0)
            *vec_push(&f->arena, &f->entries) = (struct p1_dirent){
                str_dup(&f->arena, str_c(e->d_name)), s.st_ino, (u8)p1_filetype_of(s.st_mode)};
    }
    closedir(d);
    if (f->entries.len)
        qsort(f->entries.data, f->entries.len, sizeof *f->entries.data, by_name);
    f->listed = true;
    return 0;
}

/* As much as fits, the last entry cut: so a guest knows that there is more. Cookies count entries. */
u32 p1_fd_readdir(struct wasi_preview1 *p, const u64 *a)
{
    struct p1_fd *f = p1_get(p, a[0]);
    u8 *to = p1_bytes(p, a[1], a[2]);
    if (!f || !to)
        return p1_errno(f ? EFAULT : EBADF);
    if (f->type != P1_DIRECTORY)
        return p1_errno(ENOTDIR);
    u32 error = a[3] == 0 || !f->listed ? list(f) : 0;
    if (error)
        return error;
    u64 used = 0;
    for (u64 n = a[3]; n < f->entries.len && used < a[2]; n++) {
        const struct p1_dirent *e = &f->entries.data[n];
        u8 head[24] = {0};
        p1_store64(head, n + 1);
        p1_store64(head + 8, e->inode);
        p1_store32(head + 16, (u32)e->name.len);
        head[20] = e->type;
        u64 fits = a[2] - used < sizeof head ? a[2] - used : sizeof head;
        memcpy(to + used, head, (size_t)fits);
        used += fits;
        fits = a[2] - used < e->name.len ? a[2] - used : e->name.len;
        memcpy(to + used, e->name.ptr, (size_t)fits);
        used += fits;
    }
    return p1_put32(p, a[4], (u32)used);
}
