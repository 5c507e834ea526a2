/* measure.c - runs a command with its output thrown away and prints seconds of wall time, seconds of CPU and peak KiB. A process of its own,
 * since a child's peak memory counts from what its parent held when it was forked, and an interpreter holds much. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(long s, long fraction, double unit)
{
    return (double)s + (double)fraction / unit;
}

int main(int argc, char **argv)
{
    struct timespec from, to;
    struct rusage usage;
    int status;
    if (argc < 2) {
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.6f %.6f %ld\n", seconds(to.tv_sec - from.tv_sec, to.tv_nsec - from.tv_nsec, 1e9),
           seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec,
                   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec, 1e6),
           usage.ru_maxrss);
    return status != 0;
}
