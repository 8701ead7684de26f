/*
 * Times commands against each other: A B C A B C ..., host wall seconds, medians. Usage:
 *   race RUNS COMMAND [-- COMMAND]... [--- OPTIONS]
 * OPTIONS belong to each command. Prints the seconds of each. Their output is dropped; one that
 * fails ends the race.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 99, COMMANDS_MAX = 8 };

struct racer {
    char **argv;
    double seconds[RUNS_MAX];
};

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void failed(char **argv)
{
    fprintf(stderr, "race: this failed:");
    for (; *argv; argv++)
        fprintf(stderr, " %s", *argv);
    fprintf(stderr, "\n");
    exit(1);
}

static double time_one(char **argv, bool cpu)
{
    double start = now();
    struct rusage used;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
        failed(argv);
    return cpu ? seconds_of(used.ru_utime) + seconds_of(used.ru_stime) : now() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Words up to @separator, if there is one, or the end. */
static int length(char **words, const char *separator)
{
    int n = 0;

    while (words[n] && (!separator || strcmp(words[n], separator)))
        n++;
    return n;
}

/* The @n words of a command and the options, which NULL ends. */
static char **join(char **words, int n, char **options)
{
    int more = length(options, NULL);
    char **argv = calloc((size_t)(n + more) + 1, sizeof(*argv));

    if (!argv)
        exit(1);
    memcpy(argv, words, (size_t)n * sizeof(*argv));
    memcpy(argv + n, options, (size_t)more * sizeof(*argv));
    return argv;
}

/* Return: how many there are; 0: not as they should be. */
static int parse(struct racer *racers, char **words)
{
    int end = length(words, "---"), count = 0;
    char **options = words[end] ? words + end + 1 : words + end;

    words[end] = NULL;
    while (*words) {
        int n = length(words, "--");
        if (n == 0 || count == COMMANDS_MAX)
            return 0;
        racers[count++].argv = join(words, n, options);
        words += words[n] ? n + 1 : n;
    }
    return count;
}

int main(int argc, char **argv)
{
    static struct racer racers[COMMANDS_MAX];
    int runs = argc > 2 ? atoi(argv[2]) : 0;
    bool cpu = runs && !strcmp(argv[1], "cpu"), wall = runs && !strcmp(argv[1], "wall");
    int count = (!cpu && !wall) || runs < 1 || runs > RUNS_MAX ? 0 : parse(racers, argv + 3);

    if (count == 0) {
        fprintf(stderr, "usage: race wall|cpu RUNS COMMAND [-- COMMAND]... [--- OPTIONS]\n");
        return 2;
    }
    for (int k = 0; k < runs; k++)
        for (int n = 0; n < count; n++)
            racers[n].seconds[k] = time_one(racers[n].argv, cpu);
    for (int n = 0; n < count; n++) {
        qsort(racers[n].seconds, (size_t)runs, sizeof(double), by_value);
        printf("%.4f%c", racers[n].seconds[runs / 2], n + 1 < count ? ' ' : '\n');
    }
    return 0;
}
