/* Readers that take nothing, or slowly: they hold neither limits nor signals, and what they miss is
 * counted. */
#include <sys/socket.h>
#include <sys/stat.h>

#include "host_fixture.h"

static void stall_stderr(struct stall *s)
{
    stall_pipe(s, 2);
}

/* As of `2>&1 | READER`. */
static void stall_both(struct stall *s)
{
    stall_pipe(s, 1);
    close(s->fd[2]);
    s->fd[2] = dup(s->fd[1]);
}

static void stall_socket(struct stall *s)
{
    int ends[2];

    stall_nothing(s);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(s->fd[1]);
    s->fd[1] = ends[1];
    s->ours = ends[0];
}

/* A terminal for output only, whose other side is not read. */
static void stall_terminal(struct stall *s)
{
    int tty;

    stall_nothing(s);
    assert_int_equal(openpty(&s->ours, &tty, NULL, NULL, NULL), 0);
    close(s->fd[1]);
    s->fd[1] = tty;
}

static void stall_fifo(struct stall *s)
{
    static unsigned count;

    stall_nothing(s);
    snprintf(s->fifo, sizeof(s->fifo), "%s/fifo%u", dir, count++);
    assert_int_equal(mkfifo(s->fifo, 0600), 0);
    s->ours = open(s->fifo, O_RDONLY | O_NONBLOCK);
    assert_true(s->ours >= 0);
}

/* A FIFO that nobody opens for reading: open() waits. */
static void stall_open(struct stall *s)
{
    stall_fifo(s);
    close(s->ours);
    s->ours = -1;
}

/* "FIFO" stands for its path. */
static const struct stalled_run {
    void (*stall)(struct stall *s);
    const char *options[3], *guest;
    bool no_limit; /* of instructions: nothing runs, or there is nothing to run ahead of */
} stalled_runs[] = {
    {stall_stdout, {NULL}, chatter_load, false},
    {stall_both, {"--trace=mmio"}, chatter_load, false},
    {stall_stderr, {"--serial=none", "--trace=insn"}, loop_load, false},
    {stall_stderr, {"--keep-going", "--log=debug", "--trace=exception"}, exit42_load, false},
    {stall_socket, {NULL}, chatter_load, false},
    {stall_terminal, {NULL}, chatter_load, false},
    {stall_fifo, {"--serial=file:", "FIFO"}, chatter_load, false},
    {stall_fifo, {"--trace=insn:", "FIFO"}, loop_load, false},
    {stall_open, {"--serial=file:", "FIFO"}, chatter_load, true},
    {stall_open, {"--trace=insn:", "FIFO"}, chatter_load, true},
    {stall_open, {"--virtio-console=file:", "FIFO"}, chatter_load, true},
    {stall_open, {"--dump-dtb=", "FIFO"}, chatter_load, true},
    {stall_open, {"--initrd=", "FIFO"}, chatter_path, true},
    {stall_open, {"--bios=", "FIFO"}, chatter_path, true},
};
#define STALLED_RUNS (sizeof(stalled_runs) / sizeof(stalled_runs[0]))

static pid_t start_stalled(const struct stalled_run *run, struct stall *s, const char *limit)
{
    const char *args[8] = {"run"};
    unsigned n = 1;

    run->stall(s);
    if (limit)
        args[n++] = limit;
    for (unsigned k = 0; k < 3 && run->options[k]; k++)
        if (k + 1 < 3 && run->options[k + 1] && !strcmp(run->options[k + 1], "FIFO"))
            args[n++] = joined(run->options[k++], s->fifo, "");
        else
            args[n++] = run->options[k];
    if (strchr(run->guest, '@'))
        args[n++] = "--load";
    args[n++] = run->guest;
    return start_program(s->fd, args);
}

/* All of them at once: they wait more than they work. */
static void start_all_stalled(struct stall *stalls, pid_t *pids, const char *limit, bool no_limit)
{
    for (size_t k = 0; k < STALLED_RUNS; k++)
        pids[k] = stalled_runs[k].no_limit && !no_limit
                      ? 0
                      : start_stalled(&stalled_runs[k], &stalls[k], limit);
}

static void test_a_reader_that_takes_nothing_does_not_hold_the_time_limit(void **state)
{
    (void)state;
    struct stall stalls[STALLED_RUNS];
    pid_t pids[STALLED_RUNS];

    start_all_stalled(stalls, pids, "--timeout=0.5", true);
    for (size_t k = 0; k < STALLED_RUNS; k++) {
        assert_int_equal(wait_program(pids[k], 0.5 + PATIENCE_S), 3);
        stall_end(&stalls[k]);
    }
}

static void test_a_reader_that_takes_nothing_does_not_hold_the_limit_of_instructions(void **state)
{
    (void)state;
    struct stall stalls[STALLED_RUNS];
    pid_t pids[STALLED_RUNS];

    start_all_stalled(stalls, pids, "--max-insns=200000", false);
    for (size_t k = 0; k < STALLED_RUNS; k++)
        if (pids[k]) {
            assert_int_equal(wait_program(pids[k], 10), 3);
            stall_end(&stalls[k]);
        }
}

static void test_a_reader_that_takes_nothing_does_not_hold_a_signal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1};
    struct stall stalls[STALLED_RUNS];
    pid_t pids[STALLED_RUNS];

    start_all_stalled(stalls, pids, NULL, true);
    usleep(500000);
    for (size_t k = 0; k < STALLED_RUNS; k++) {
        int number = signals[k % (sizeof(signals) / sizeof(signals[0]))];
        kill(pids[k], number);
        assert_int_equal(wait_program(pids[k], PATIENCE_S), 128 + number);
        stall_end(&stalls[k]);
    }
}

/* The guest has said all and the program waits for its reader: a signal ends that too, and so does
 * a second one at once. */
static void test_a_signal_ends_the_wait_of_a_run_that_is_over(void **state)
{
    (void)state;
    for (unsigned signals = 1; signals <= 2; signals++) {
        struct stall s;
        stall_stdout(&s);
        pid_t pid = start_program(s.fd, ARGS("run", "--max-insns=1G", "--load", book_load));
        usleep(300000);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        for (unsigned k = 0; k < signals; k++)
            kill(pid, SIGTERM);
        assert_int_equal(wait_program(pid, PATIENCE_S), 128 + SIGTERM);
        stall_end(&s);
    }
}

/* Reads slowly; returns the number of bytes. */
static size_t read_slowly(int fd)
{
    char buf[8192];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (ssize_t k = 0; k < n; k++)
            assert_int_equal(buf[k], 'A');
        total += (size_t)n;
        usleep(5000);
    }
    return total;
}

/* What a program says that standard output's reader has missed. */
static size_t said_lost(const char *err)
{
    const char *line = strstr(err, "standard output: ");
    unsigned long lost = 0;

    if (line)
        assert_int_equal(sscanf(line, "standard output: its reader stalls: %lu bytes", &lost), 1);
    return lost;
}

struct slow_run {
    void (*stall)(struct stall *s);
    const char *limit, *guest;
    int code;
    size_t bytes;
};

/* What a slow reader misses of a run; *starved: seconds in which the host let both wait. */
static size_t missed_of(const struct slow_run *run, double *starved)
{
    char err[4096];
    struct stall s;

    run->stall(&s);
    pid_t pid = start_program(s.fd, ARGS("run", run->limit, "--load", run->guest));
    close(s.fd[1]);
    s.fd[1] = scratch("");
    if (run->code == 0)
        usleep(300000);
    *starved = -starved_s(getpid());
    size_t kept = read_slowly(s.ours);
    *starved += starved_s(getpid()) + starved_s(pid);
    assert_int_equal(wait_program(pid, 5), run->code);
    slurp(dup(s.fd[2]), err, sizeof(err));
    stall_end(&s);
    size_t missed = said_lost(err);
    assert_int_equal(kept + missed, run->bytes);
    return missed;
}

/* A run at its limit waits for a reader as long as he takes something every 50 ms. If the host kept
 * him from that it was not a slow reader. */
static void test_a_slow_reader_loses_nothing(void **state)
{
    static const struct slow_run runs[] = {
        {stall_stdout, "--timeout=60", book_load, 0, GUEST_BOOK_BYTES},
        {stall_stdout, "--max-insns=1G", book_load, 0, GUEST_BOOK_BYTES},
        {stall_socket, "--timeout=60", book_load, 0, GUEST_BOOK_BYTES},
        {stall_stdout, "--max-insns=600000", chatter_load, 3, 299999},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(runs) / sizeof(runs[0]); k++)
        for (unsigned tries = 0; tries < 20; tries++) {
            double starved;
            size_t missed = missed_of(&runs[k], &starved);
            if (missed == 0)
                break;
            if (runs[k].code == 0 || starved < 0.01)
                fail_msg("%zu bytes missed; the host took %g s", missed, starved);
        }
}

static void test_what_a_stalled_reader_misses_is_counted(void **state)
{
    (void)state;
    struct stall s;
    char text[4096];

    stall_stdout(&s);
    pid_t pid = start_program(s.fd, ARGS("run", "--max-insns=600000", "--load", chatter_load));
    assert_int_equal(wait_program(pid, 5), 3);
    slurp(dup(s.fd[2]), text, sizeof(text));
    size_t lost = said_lost(text);
    assert_true(lost > 0);
    close(s.fd[1]);
    s.fd[1] = scratch("");
    assert_int_equal(read_slowly(s.ours) + lost, 299999);
    stall_end(&s);
}

/* Each write to such a socket arrives as one message. */
static void test_what_a_guest_says_byte_by_byte_is_written_in_pieces(void **state)
{
    (void)state;
    int ends[2];
    char message[4096];
    size_t bytes = 0, messages = 0;
    ssize_t n;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    int in = scratch(""), err = scratch("");
    pid_t pid = start_program((const int[]){in, ends[1], err}, ARGS("run", "--load", book_load));
    close(ends[1]);
    for (; (n = read(ends[0], message, sizeof(message))) > 0; messages++)
        bytes += (size_t)n;
    assert_int_equal(wait_program(pid, 5), 0);
    assert_int_equal(bytes, GUEST_BOOK_BYTES);
    assert_true(messages < bytes / 10);
    close(ends[0]);
    close(in);
    close(err);
}

/* What is read of O_NONBLOCK belongs to whoever shares the open file description. */
static void test_the_standard_streams_of_others_do_not_become_nonblocking(void **state)
{
    (void)state;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    int in = scratch(""), err = scratch("");
    pid_t pid = start_program((const int[]){in, ends[1], err}, ARGS("run", "--load", loop_load));
    usleep(200000);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    kill(pid, SIGKILL);
    assert_int_equal(wait_program(pid, PATIENCE_S), 128 + SIGKILL);
    close(ends[0]);
    close(ends[1]);
    close(in);
    close(err);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_the_time_limit),
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_the_limit_of_instructions),
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_a_signal),
        cmocka_unit_test(test_a_signal_ends_the_wait_of_a_run_that_is_over),
        cmocka_unit_test(test_a_slow_reader_loses_nothing),
        cmocka_unit_test(test_what_a_stalled_reader_misses_is_counted),
        cmocka_unit_test(test_what_a_guest_says_byte_by_byte_is_written_in_pieces),
        cmocka_unit_test(test_the_standard_streams_of_others_do_not_become_nonblocking),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
