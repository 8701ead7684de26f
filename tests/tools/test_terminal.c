/* The terminal: left as it was, and every key arrives. */
#include "host_fixture.h"

#define TERMINAL(t, ...) terminal_open(t, (const char *const[]){__VA_ARGS__, NULL})

/* Soon: what never comes would fail too. */
static void assert_echo(int fd, bool on)
{
    struct termios t;

    for (unsigned tries = 0; tries < 2000; tries++) {
        if (tcgetattr(fd, &t) == 0 && ((t.c_lflag & ECHO) != 0) == on)
            return;
        usleep(10000);
    }
    fail_msg("the terminal is %sraw", on ? "" : "not ");
}

static void test_every_signal_that_ends_the_program_restores_the_terminal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT,  SIGHUP,    SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
                                  SIGPIPE, SIGPROF, SIGVTALRM, SIGXCPU, SIGABRT, SIGSEGV, SIGTRAP};

    for (size_t k = 0; k < sizeof(signals) / sizeof(signals[0]); k++) {
        int master, tty, out = scratch("");
        int code = signals[k] == SIGALRM ? 3 /* as if the time were up */ : 128 + signals[k];
        assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
        assert_echo(tty, true);
        pid_t pid = start_program((const int[]){tty, out, out}, ARGS("run", "--load", echo_load));
        assert_echo(tty, false);
        kill(pid, signals[k]);
#ifdef ARMILLARY_ASAN
        if (signals[k] == SIGSEGV)
            code = 1; /* the sanitizer's report */
#endif
        assert_int_equal(wait_program(pid, 5), code);
        assert_echo(tty, true);
        close(master);
        close(tty);
        close(out);
    }
}

/* As a shell starts a job: in a session with a terminal, in the foreground, in a group of its own.
 * Return: the shell; it ends with the exit code of the program. *@program_pid is the program's. */
static pid_t start_job(int *master, pid_t *program_pid, const char *const *args)
{
    const char *argv[32] = {program};
    int ends[2];

    for (unsigned k = 0; args[k]; k++)
        argv[k + 1] = args[k];
    assert_int_equal(pipe(ends), 0);
    pid_t shell = forkpty(master, NULL, NULL, NULL);
    if (shell == 0) {
        int status;
        signal(SIGTTOU, SIG_IGN);
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            tcsetpgrp(0, getpid());
            signal(SIGTTOU, SIG_DFL);
            execv(program, (char **)argv);
            _exit(127);
        }
        if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
            _exit(126);
        waitpid(pid, &status, 0);
        _exit(status_code(status) & 0xff);
    }
    assert_true(shell > 0);
    assert_int_equal(read(ends[0], program_pid, sizeof(*program_pid)), sizeof(*program_pid));
    close(ends[0]);
    close(ends[1]);
    return shell;
}

/* The terminal is given back a moment before the program stops: a SIGCONT between the two would be
 * nobody's. */
static void assert_stopped(pid_t pid)
{
    char path[64], run = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    for (unsigned tries = 0; tries < 2000; tries++) {
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &run), 1);
        fclose(f);
        if (run == 'T')
            return;
        usleep(10000);
    }
    fail_msg("the program's state is %c, not stopped", run);
}

static void test_a_stopped_program_leaves_the_terminal_alone_and_takes_it_again(void **state)
{
    (void)state;
    static struct terminal t;
    pid_t pid;

    t = (struct terminal){0};
    t.pid = start_job(&t.fd, &pid, ARGS("run", "--load", echo_load));
    terminal_expect(&t, ">");
    for (unsigned k = 0; k < 3; k++) {
        assert_echo(t.fd, false);
        kill(pid, SIGTSTP);
        assert_echo(t.fd, true);
        assert_stopped(pid);
        kill(pid, SIGCONT);
    }
    assert_echo(t.fd, false);
    terminal_type(&t, "Z");
    terminal_expect(&t, "Z");
    kill(pid, SIGTSTP);
    assert_echo(t.fd, true);
    assert_stopped(pid);
    kill(pid, SIGTERM);
    kill(pid, SIGCONT);
    assert_int_equal(terminal_close(&t), 128 + SIGTERM);
}

/* A line of many characters, more than a terminal's queue takes. */
#define PASTED 20000

static char pasted(size_t k)
{
    return (char)('a' + (k * 7 + k / 26) % 26);
}

/* Type @text while what comes back is read. */
static void paste(struct terminal *t, const char *text, size_t size, size_t *echoed)
{
    struct stopwatch watch = stopwatch_start(t->pid);

    for (size_t sent = 0; sent < size || *echoed < size;) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN | (sent < size ? POLLOUT : 0)};
        char buf[4096];
        assert_true(stopwatch_s(&watch) < 60);
        if (poll(&p, 1, 100) <= 0)
            continue;
        if (p.revents & POLLIN) {
            ssize_t n = read(t->fd, buf, sizeof(buf));
            for (ssize_t k = 0; k < n; k++, ++*echoed)
                assert_int_equal(buf[k], pasted(*echoed));
        }
        if (p.revents & POLLOUT) {
            ssize_t n = write(t->fd, text + sent, size - sent < 256 ? size - sent : 256);
            assert_true(n > 0);
            sent += (size_t)n;
        }
    }
}

static void test_pasted_characters_all_arrive_in_their_order(void **state)
{
    (void)state;
    static struct terminal t;
    static char text[PASTED];
    size_t echoed = 0;

    for (size_t k = 0; k < PASTED; k++)
        text[k] = pasted(k);
    TERMINAL(&t, "run", "--load", echo_load);
    terminal_expect(&t, ">");
    paste(&t, text, PASTED, &echoed);
    assert_int_equal(echoed, PASTED);
    terminal_type(&t, "\x01x");
    assert_int_equal(terminal_close(&t), 3);
}

/* What has been typed is not had again for a report, and who ends a run does not wait for one. */
static void test_our_key_ends_a_run_that_was_long_at_once(void **state)
{
    (void)state;

    for (unsigned typed = 0; typed < 2; typed++) {
        struct terminal t;
        TERMINAL(&t, "run", "--load", echo_load);
        terminal_expect(&t, ">");
        sleep(2);
        if (typed) {
            terminal_type(&t, "Z");
            terminal_expect(&t, "Z");
        }
        terminal_type(&t, "\x01x");
        assert_int_equal(wait_program(t.pid, PATIENCE_S), 3);
        close(t.fd);
    }
}

/* The guest takes nothing, and what is behind our key is for whoever reads next. */
static void test_our_keys_are_seen_behind_what_the_guest_does_not_take(void **state)
{
    (void)state;
    static struct terminal t;

    TERMINAL(&t, "run", "--load", loop_load);
    assert_echo(t.fd, false);
    terminal_type(&t, "\x01h");
    terminal_expect(&t, "Ctrl-A x: end");
    for (unsigned k = 0; k < 200; k++) {
        terminal_type(&t, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        usleep(1000);
    }
    terminal_type(&t, "\x01"
                      "cprint x0\rquit\r");
    terminal_expect(&t, "x0 = 0x0000000000000000");
    assert_int_equal(terminal_close(&t), 3);
}

static void test_our_keys_are_seen_while_standard_output_stalls(void **state)
{
    (void)state;
    struct stall s;
    int master, tty;

    stall_stdout(&s);
    assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
    close(s.fd[0]);
    s.fd[0] = tty;
    pid_t pid = start_program(s.fd, ARGS("run", "--load", chatter_load));
    usleep(300000);
    assert_int_equal(write(master, "\x01x", 2), 2);
    assert_int_equal(wait_program(pid, PATIENCE_S), 3);
    assert_echo(tty, true);
    stall_end(&s);
    close(master);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_signal_that_ends_the_program_restores_the_terminal),
        cmocka_unit_test(test_a_stopped_program_leaves_the_terminal_alone_and_takes_it_again),
        cmocka_unit_test(test_pasted_characters_all_arrive_in_their_order),
        cmocka_unit_test(test_our_key_ends_a_run_that_was_long_at_once),
        cmocka_unit_test(test_our_keys_are_seen_behind_what_the_guest_does_not_take),
        cmocka_unit_test(test_our_keys_are_seen_while_standard_output_stalls),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
