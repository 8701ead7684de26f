/* Runs the program under test and keeps what it printed. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct result {
    int code; /* exit code, or 128 + signal */
    char out[65536], err[65536];
};

static const char *program; /* argv[1] of the test */

static inline int status_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A file that is gone when closed, with @text in it, at its start. */
static inline int scratch(const char *text)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline void slurp(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

#define CLOSED (-1)

/* Start the program with these as descriptors 0 to 2, or without. */
static inline pid_t start_program(const int fd[3], const char *const *args)
{
    const char *argv[128] = {program};
    pid_t pid;

    for (unsigned k = 0; args[k]; k++)
        argv[k + 1] = args[k];
    pid = fork();
    if (pid == 0) {
        int high[3];
        for (int k = 0; k < 3; k++)
            high[k] = fd[k] == CLOSED ? CLOSED : fcntl(fd[k], F_DUPFD_CLOEXEC, 10);
        for (int k = 0; k < 3; k++)
            if (high[k] == CLOSED)
                close(k);
            else
                dup2(high[k], k);
        execv(program, (char **)argv);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static inline double seconds_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Seconds that process @pid could have run and got no processor; 0 if the host does not count. */
static inline double starved_s(pid_t pid)
{
    unsigned long long ran, waited = 0;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    fclose(f);
    return (double)waited * 1e-9;
}

/* A stopwatch that stands still while the program or the test waits for a processor: what a busy
 * host takes is nobody's delay. */
struct stopwatch {
    pid_t pid;
    double start, starved;
};

static inline struct stopwatch stopwatch_start(pid_t pid)
{
    return (struct stopwatch){pid, seconds_now(), starved_s(pid) + starved_s(getpid())};
}

static inline double stopwatch_s(const struct stopwatch *w)
{
    return seconds_now() - w->start - (starved_s(w->pid) + starved_s(getpid()) - w->starved);
}

/* Its exit code, if it ends within @seconds; fails otherwise. */
static inline int wait_program(pid_t pid, double seconds)
{
    struct stopwatch watch = stopwatch_start(pid);
    int status;

    do {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status_code(status);
        usleep(2000);
    } while (stopwatch_s(&watch) < seconds);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("the program did not end within %g s", seconds);
    return -1;
}

/* @args: NULL-ended, without the program. @input: its standard input. */
static inline struct result *run_args(const char *input, const char *const *args)
{
    static struct result r;
    int in = scratch(input), out = scratch(""), err = scratch(""), status;
    pid_t pid = start_program((const int[]){in, out, err}, args);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    r.code = status_code(status);
    close(in);
    slurp(out, r.out, sizeof(r.out));
    slurp(err, r.err, sizeof(r.err));
    return &r;
}
#define RUN_WITH(input, ...) run_args(input, (const char *const[]){__VA_ARGS__, NULL})
#define RUN(...)             RUN_WITH("", __VA_ARGS__)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("\"%s\" is not in:\n%s", part, text);                                         \
    } while (0)

/* A program at a terminal. */
struct terminal {
    pid_t pid;
    int fd;
    size_t used;
    char text[65536]; /* all it has printed */
};

static inline void terminal_open(struct terminal *t, const char *const *args)
{
    const char *argv[128] = {program};

    *t = (struct terminal){0};
    for (unsigned k = 0; args[k]; k++)
        argv[k + 1] = args[k];
    t->pid = forkpty(&t->fd, NULL, NULL, NULL);
    if (t->pid == 0) {
        execv(program, (char **)argv);
        _exit(127);
    }
    assert_true(t->pid > 0);
}

#define TERMINAL_S 10.0

/* Wait until @part has been printed behind what was seen before. */
static inline void terminal_expect(struct terminal *t, const char *part)
{
    struct stopwatch watch = stopwatch_start(t->pid);

    while (stopwatch_s(&watch) < TERMINAL_S) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        char *found = strstr(t->text, part);

        if (found) {
            size_t skip = (size_t)(found - t->text) + strlen(part);
            memmove(t->text, t->text + skip, t->used - skip + 1);
            t->used -= skip;
            return;
        }
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t n = read(t->fd, t->text + t->used, sizeof(t->text) - 1 - t->used);
        if (n > 0)
            t->used += (size_t)n;
        t->text[t->used] = '\0';
    }
    kill(t->pid, SIGKILL);
    fail_msg("\"%s\" was not printed, but:\n%s", part, t->text);
}

static inline void terminal_type(struct terminal *t, const char *text)
{
    assert_int_equal(write(t->fd, text, strlen(text)), strlen(text));
}

/* Its exit code, when it ends. */
static inline int terminal_close(struct terminal *t)
{
    int code = wait_program(t->pid, TERMINAL_S);

    close(t->fd);
    return code;
}
