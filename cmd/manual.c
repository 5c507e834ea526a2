/* manual.c - `--help` shows the manual page, installed or in the source tree. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the pages are, seen from the folder of the program: installed, and in the source tree. */
static const char *const places[] = {"/../share/man/man1", "/../man"};

static bool run_viewer(const char *const *argv)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        return false;
    }
    if (pid == 0) {
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
