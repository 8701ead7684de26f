/*
 * Times two commands against each other: A B A B ..., host wall seconds, medians. Usage:
 *   pair RUNS COMMAND_A -- COMMAND_B
 * Prints "A_seconds B_seconds". Each command's output is dropped; one that fails ends the run.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 99 };

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double time_one(char **argv)
{
    double start = now();
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "pair: %s failed\n", argv[0]);
        exit(1);
    }
    return now() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    double a[RUNS_MAX], b[RUNS_MAX];
    int runs = argc > 1 ? atoi(argv[1]) : 0, split = 2;

    while (split < argc && strcmp(argv[split], "--"))
        split++;
    if (runs < 1 || runs > RUNS_MAX || split == 2 || split + 1 >= argc) {
        fprintf(stderr, "usage: pair RUNS COMMAND_A -- COMMAND_B\n");
        return 2;
    }
    argv[split] = NULL;
    for (int k = 0; k < runs; k++) {
        a[k] = time_one(argv + 2);
        b[k] = time_one(argv + split + 1);
    }
    qsort(a, (size_t)runs, sizeof(a[0]), by_value);
    qsort(b, (size_t)runs, sizeof(b[0]), by_value);
    printf("%.4f %.4f\n", a[runs / 2], b[runs / 2]);
    return 0;
}
