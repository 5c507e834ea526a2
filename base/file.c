/* file.c - reading files whole, writing them all-or-nothing. */
#include "base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* An endless stream ends here. */
#define MOST_OF_A_STREAM (1u << 30)

#define LARGE_PAGE ((uintptr_t)2 << 20)

static bool is_stdio(const char *path)
{
    return strcmp(path, "-") == 0;
}

static bool fail(struct diags *d, const char *verb, const char *path, const char *why)
{
    diag_error(d, "io", (span){0}, "cannot %s `%s`: %s", verb, path, why);
    return false;
}

/* Large pages, where the system has them, for a buffer that will be filled: the faults of small ones take longer than the reading. */
static void prefer_large_pages(void *data, size_t size)
{
#ifdef MADV_HUGEPAGE
    uintptr_t from = ((uintptr_t)data + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    uintptr_t to = ((uintptr_t)data + size) & ~(LARGE_PAGE - 1);
    if (from < to) {
        madvise((void *)from, to - from, MADV_HUGEPAGE); /* only a hint */
    }
#else
    (void)data;
    (void)size;
#endif
}

static bool read_all(struct arena *a, int fd, size_t hint, const char *path, str *out,
                     struct diags *d)
{
    struct buf b = buf_in(a);
    buf_reserve(&b, hint + 1);
    prefer_large_pages(b.data, b.cap);
    for (;;) {
        buf_reserve(&b, b.cap == b.len ? 65536
                                       : 1); /* the byte past `hint` is for the end of the file */
        ssize_t n = read(fd, b.data + b.len, b.cap - b.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail(d, "read", path, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        b.len += (size_t)n;
        if (b.len >= (hint ? UINT32_MAX : MOST_OF_A_STREAM)) {
            return fail(d, "read", path,
                        hint ? "files of 4 GiB and more are not supported"
                             : "more than 1 GiB of a pipe or device is not supported");
        }
    }
    *out = str_of(b.data ? b.data : "", b.len);
    return true;
}

/* Without O_NONBLOCK, opening a pipe waits for a writer. */
static bool read_path(struct arena *a, const char *path, bool regular, str *out, struct diags *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0));
    if (fd < 0) {
        return fail(d, "read", path, strerror(errno));
    }
    struct stat st;
    bool fine = fstat(fd, &st) == 0;
    if (!fine) {
        fail(d, "read", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        fine = fail(d, "read", path, "is a directory, a file is needed");
    } else if (regular && !S_ISREG(st.st_mode)) {
        fine = fail(d, "read", path, "is not a regular file");
    } else if (st.st_size >= (off_t)UINT32_MAX) {
        fine = fail(d, "read", path, "files of 4 GiB and more are not supported");
    } else {
        fine = read_all(a, fd, (size_t)st.st_size, path, out, d);
    }
    close(fd);
    return fine;
}

bool file_read(struct arena *a, const char *path, str *out, struct diags *d)
{
    return is_stdio(path) ? read_all(a, 0, 65536, "<stdin>", out, d)
                          : read_path(a, path, false, out, d);
}

static u32 add_source(str name, str bytes, struct diags *d)
{
    bool binary = str_starts(bytes, STR("\0asm"));
    return sources_add(d->sources, name, bytes, binary ? SOURCE_BINARY : SOURCE_TEXT);
}

bool file_source(const char *path, u32 *source, struct diags *d)
{
    str bytes;
    if (!file_read(d->arena, path, &bytes, d)) {
        return false;
    }
    str name = is_stdio(path) ? STR("<stdin>") : str_dup(d->arena, str_c(path));
    *source = add_source(name, bytes, d);
    return true;
}

bool file_source_listed(const char *path, u32 *source, struct diags *d)
{
    str bytes;
    if (!read_path(d->arena, path, true, &bytes, d)) {
        return false;
    }
    *source = add_source(str_dup(d->arena, str_c(path)), bytes, d);
    return true;
}

bool file_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_identity(const char *path, u64 id[2])
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    id[0] = there ? (u64)st.st_dev : 0;
    id[1] = there ? (u64)st.st_ino : 0;
    return there;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static int compare_names(const void *x, const void *y)
{
    return str_cmp(*(const str *)x, *(const str *)y);
}

struct listing {
    struct arena *arena;
    DIR *dir;
    VEC(str) names;
};

static void read_names(void *context)
{
    struct listing *l = context;
    for (struct dirent *e; (e = readdir(l->dir));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            str name = str_dup(l->arena, str_c(e->d_name));
            *vec_push(l->arena, &l->names) = name;
        }
    }
}

bool file_list(struct arena *a, const char *path, str **names, u32 *n, struct diags *d)
{
    struct listing l = {.arena = a, .dir = opendir(path)};
    if (!l.dir) {
        return fail(d, "read directory", path, strerror(errno));
    }
    bool memory = oom_guard(read_names, &l);
    closedir(l.dir);
    if (!memory) {
        oom_unwind();
    }
    if (l.names.len) {
        qsort(l.names.data, l.names.len, sizeof *l.names.data, compare_names);
    }
    *names = l.names.data;
    *n = l.names.len;
    return true;
}

static bool write_all(int fd, str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

/* Devices and pipes cannot be renamed over: they are written in place. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

struct file_out {
    struct diags *d;
    const char *path;
    char *temporary, *target; /* NULL: written in place */
    int fd;
    int error; /* errno of the first failure */
};

#define LINKS_MAX 40

/* Through a symbolic link its target is written, also one that is not there yet; the link stays. NULL: a circle. */
static const char *follow_links(struct arena *a, const char *path)
{
    char to[PATH_MAX];
    for (u32 i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(path, to, sizeof to);
        if (n <= 0 || (size_t)n == sizeof to) {
            return path;
        }
        path = str_to_c(a, path_join(a, path_directory(str_c(path)), str_of(to, (size_t)n)));
    }
    errno = ELOOP;
    return NULL;
}

/* Temporary files that are not yet what they are to become. Names are of malloc: a signal may come when arenas are gone. */
static char *volatile unfinished[8];

static void remember(const char *temporary)
{
    for (size_t i = 0; i < LENGTH_OF(unfinished); i++) {
        if (!unfinished[i]) {
            unfinished[i] = strdup(temporary);
            return;
        }
    }
}

static void forget(const char *temporary)
{
    for (size_t i = 0; i < LENGTH_OF(unfinished); i++) {
        char *name = unfinished[i];
        if (name && strcmp(name, temporary) == 0) {
            unfinished[i] = NULL;
            free(name);
            return;
        }
    }
}

void file_abandon(void)
{
    for (size_t i = 0; i < LENGTH_OF(unfinished); i++) {
        if (unfinished[i]) {
            unlink(unfinished[i]);
        }
    }
}

/* Makes the file and remembers it, with no signal in between: its handler would not know of the file. */
static int make_temporary(char *name)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int fd = mkstemp(name);
    int error = errno;
    if (fd >= 0) {
        remember(name);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return fd;
}

/* A temporary file beside the target. */
static void begin_temporary(struct file_out *f)
{
    const char *target = follow_links(f->d->arena, f->path);
    if (!target) {
        f->fd = -1;
        return;
    }
    struct stat st;
    mode_t mode = umask(0);
    umask(mode);
    /* The mode of what is replaced, but for setuid and setgid: they were for other bytes. */
    mode = stat(target, &st) == 0 ? st.st_mode & 0777 : 0666 & ~mode;
    f->target = str_to_c(f->d->arena, str_c(target));
    f->temporary = str_to_c(f->d->arena, str_printf(f->d->arena, "%s.XXXXXX", target));
    f->fd = make_temporary(f->temporary);
    if (f->fd < 0) {
        f->temporary = NULL;
        return;
    }
    if (fchmod(f->fd, mode) != 0) {
        f->error = errno;
    }
}

struct file_out *file_begin(const char *path, struct diags *d)
{
    struct file_out *f = arena_new(d->arena, struct file_out);
    *f = (struct file_out){.d = d, .path = path, .fd = 1};
    if (is_stdio(path)) {
        f->path = "<stdout>";
    } else if (is_special(path)) {
        f->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else if (file_is_directory(path)) {
        fail(d, "write", path, "is a directory");
        return NULL;
    } else {
        begin_temporary(f);
    }
    if (f->fd < 0) {
        fail(d, "write", path, strerror(errno));
        return NULL;
    }
    return f;
}

bool file_put(struct file_out *f, str bytes)
{
    if (!f->error && !write_all(f->fd, bytes)) {
        f->error = errno;
    }
    return f->error == 0;
}

bool file_end(struct file_out *f, bool keep)
{
    if (f->fd != 1 && close(f->fd) != 0 && !f->error) {
        f->error = errno;
    }
    keep = keep && !f->error;
    if (keep && f->temporary && rename(f->temporary, f->target) != 0) {
        f->error = errno;
        keep = false;
    }
    if (!keep && f->temporary) {
        unlink(f->temporary);
    }
    if (f->temporary) {
        forget(f->temporary);
    }
    if (f->error) {
        fail(f->d, "write", f->path, strerror(f->error));
    }
    return keep;
}

bool file_write(const char *path, str bytes, struct diags *d)
{
    struct file_out *f = file_begin(path, d);
    return f && file_end(f, file_put(f, bytes));
}

bool file_make_directories(const char *path, struct diags *d)
{
    char *copy = str_to_c(d->arena, str_c(path));
    for (char *p = copy + 1; *copy; p++) {
        char c = *p;
        if (c != '/' && c != '\0') {
            continue;
        }
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            return fail(d, "make directory", copy, strerror(errno));
        }
        *p = c;
        if (c == '\0') {
            break;
        }
    }
    return file_is_directory(path) || fail(d, "make directory", path, "a file of that name exists");
}

str path_join(struct arena *a, str directory, str name)
{
    if (directory.len == 0 || str_starts(name, STR("/"))) {
        return str_dup(a, name);
    }
    const char *separator = str_ends(directory, STR("/")) ? "" : "/";
    return str_printf(a, STRF "%s" STRF, STRA(directory), separator, STRA(name));
}

str path_base(str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_sub(path, slash + 1, path.len);
}

str path_stem(str path)
{
    str base = path_base(path);
    size_t dot = str_rfind_char(base, '.');
    return dot == SIZE_MAX || dot == 0 ? base : str_sub(base, 0, dot);
}

str path_directory(str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? STR(".") : slash == 0 ? STR("/") : str_sub(path, 0, slash);
}
