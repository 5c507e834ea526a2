/* manual.c - `--help` shows the manual page, installed or in the source tree. */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the pages are, seen from the folder of the program: installed, and in the source tree. */
static const char *const places[] = {"/../share/man/man1", "/../man"};

/* Copies what the viewer prints, so that it is known when it cannot be written. */
static bool copy_output(int from)
{
    char bytes[4096];
    bool any = false;
    ssize_t n;
    while ((n = read(from, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)) {
        any |= n > 0;
        if (n > 0) {
            fwrite(bytes, 1, (size_t)n, stdout);
        }
    }
    close(from);
    return any;
}

/* On a terminal the viewer pages by itself. */
static bool run_viewer(const char *const *argv)
{
    bool terminal = isatty(1);
    int ends[2] = {-1, -1};
    fflush(stdout);
    if (!terminal && pipe(ends) != 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (!terminal) {
            dup2(ends[1], 1);
            close(ends[0]);
            close(ends[1]);
        }
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    bool shown = terminal;
    if (!terminal) {
        close(ends[1]);
        shown = copy_output(ends[0]);
    }
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && shown && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

bool show_manual(struct cli *cli, const char *command)
{
    const char *name = command ? command : "";
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    if (n <= 0 || (size_t)n == sizeof self) {
        return false;
    }
    str directory = path_directory(str_of(self, (size_t)n));
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        char *path =
            str_to_c(&cli->arena, str_printf(&cli->arena, STRF "%s/witc%s%s.1", STRA(directory),
                                             places[i], command ? "-" : "", name));
        const char *man[] = {"man", "-l", path, NULL};
        const char *mandoc[] = {"mandoc", "-Tutf8", path, NULL};
        if (file_exists(path) && (run_viewer(isatty(1) ? man : mandoc) || run_viewer(man))) {
            return true;
        }
    }
    return false;
}
