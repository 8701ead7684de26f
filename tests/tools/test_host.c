/* The host's side of a run: descriptors it was started without, readers that stall, errors of
 * writing, signals, the terminal. */
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "process.h"
#include "tests/guests.h"

#define LOAD_AT "@0x40080000"

static char dir[] = "/tmp/armillary-test-XXXXXX";

#define GUESTS(X) X(alphabet) X(chatter) X(book) X(echo) X(loop) X(idle) X(exit42)

#define GUEST(name) static char name##_path[64], name##_load[80];
GUESTS(GUEST)
#undef GUEST

static void write_guest(const char *name, const uint32_t *words, size_t size, char *path,
                        char *load)
{
    snprintf(path, 64, "%s/%s", dir, name);
    snprintf(load, 80, "%s%s", path, LOAD_AT);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(words, 1, size, f), size);
    fclose(f);
}

static int make_guests(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
#define GUEST(name)                                                                                \
    write_guest(#name, guest_##name, sizeof(guest_##name), name##_path, name##_load);
    GUESTS(GUEST)
#undef GUEST
    return 0;
}

static int remove_guests(void **state)
{
    (void)state;
#define GUEST(name) unlink(name##_path);
    GUESTS(GUEST)
#undef GUEST
    return rmdir(dir);
}

/* dir/@name, in one of a few buffers. */
static const char *in_dir(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, 96, "%s/%s", dir, name);
    return path;
}

/* An option and its argument in one, in one of a few buffers. */
static const char *joined(const char *a, const char *b, const char *c)
{
    static char texts[8][160];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, 160, "%s%s%s", a, b, c);
    return text;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void read_whole(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    slurp(fd, text, size);
}

/* ---- descriptors 0 to 2 ---- */

static void fill(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        fputc('d', f);
    assert_int_equal(fclose(f), 0);
}

static void assert_filled(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        if (fgetc(f) != 'd')
            fail_msg("%s: byte %zu has changed", path, k);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

#define DISK_BYTES  4096
#define FLASH_BYTES (64 << 20)

static void test_no_file_takes_the_place_of_a_closed_standard_stream(void **state)
{
    (void)state;
    const char *disk = in_dir("disk"), *flash = in_dir("flash"), *trace = in_dir("trace"),
               *serial = in_dir("serial");
    const char *const *const lines[] = {
        ARGS("run", joined("--drive=", disk, ",writable"), "--trace=call", "--load", alphabet_load),
        ARGS("run", joined("--drive=", disk, ",writable"), joined("--trace=call:", trace, ""),
             joined("--serial=file:", serial, ""), "--virtio-console=stdio", "--load",
             alphabet_load),
        ARGS("qemu", "-M", "virt,gic-version=3,virtualization=on", "-cpu", "max", "-drive",
             joined("if=pflash,format=raw,unit=1,file=", flash, ""), "-device",
             joined("loader,addr=0x40080000,cpu-num=0,force-raw=on,file=", alphabet_path, "")),
    };
    char text[4096];

    fill(disk, DISK_BYTES);
    fill(flash, FLASH_BYTES);
    for (unsigned closed = 1; closed < 8; closed++)
        for (unsigned k = 0; k < 3; k++) {
            int fd[3];
            for (unsigned n = 0; n < 3; n++)
                fd[n] = closed & (1U << n) ? CLOSED : scratch("");
            assert_int_equal(wait_program(start_program(fd, lines[k]), 20), 0);
            for (unsigned n = 0; n < 3; n++)
                if (fd[n] != CLOSED)
                    close(fd[n]);
            assert_filled(disk, DISK_BYTES);
            if (k == 1) {
                read_whole(serial, text, sizeof(text));
                assert_string_equal(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
                read_whole(trace, text, sizeof(text));
                assert_contains(text, "call kind=SMC imm=0 x0=0x84000008\n");
                assert_int_equal(strchr(text, '\n')[1], '\0');
            }
        }
    assert_filled(flash, FLASH_BYTES);
    unlink(disk);
    unlink(flash);
    unlink(trace);
    unlink(serial);
}

/* ---- readers that take nothing ---- */

/* A run whose limit or signal is later than this past has been held. The promise is a tenth of a
 * second; what is more is for the machine that tests run on. */
#define PATIENCE_S 1.0

/* A host side that takes nothing: what the program is started with, and what keeps it open. */
struct stall {
    int fd[3];
    int ours;      /* -1: none */
    char fifo[64]; /* "": none */
};

static void stall_nothing(struct stall *s)
{
    *s = (struct stall){0};
    s->fd[0] = scratch("");
    s->fd[1] = scratch("");
    s->fd[2] = scratch("");
    s->ours = -1;
}

static void stall_pipe(struct stall *s, int n)
{
    int ends[2];

    stall_nothing(s);
    assert_int_equal(pipe(ends), 0);
    close(s->fd[n]);
    s->fd[n] = ends[1];
    s->ours = ends[0];
}

static void stall_stdout(struct stall *s)
{
    stall_pipe(s, 1);
}

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

static void stall_end(struct stall *s)
{
    for (unsigned n = 0; n < 3; n++)
        close(s->fd[n]);
    if (s->ours >= 0)
        close(s->ours);
    if (s->fifo[0])
        unlink(s->fifo);
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

static void test_a_slow_reader_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        void (*stall)(struct stall *s);
        const char *limit, *guest;
        int code;
        size_t bytes;
    } rows[] = {
        {stall_stdout, "--timeout=60", book_load, 0, GUEST_BOOK_BYTES},
        {stall_stdout, "--max-insns=1G", book_load, 0, GUEST_BOOK_BYTES},
        {stall_socket, "--timeout=60", book_load, 0, GUEST_BOOK_BYTES},
        {stall_stdout, "--max-insns=600000", chatter_load, 3, 299999},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct stall s;
        rows[k].stall(&s);
        pid_t pid = start_program(s.fd, ARGS("run", rows[k].limit, "--load", rows[k].guest));
        close(s.fd[1]);
        if (rows[k].code == 0)
            usleep(300000);
        assert_int_equal(read_slowly(s.ours), rows[k].bytes);
        assert_int_equal(wait_program(pid, 5), rows[k].code);
        s.fd[1] = scratch("");
        stall_end(&s);
    }
}

static void test_what_a_stalled_reader_misses_is_counted(void **state)
{
    (void)state;
    struct stall s;
    char text[4096];
    unsigned long lost;
    int kept = 0;

    stall_stdout(&s);
    pid_t pid = start_program(s.fd, ARGS("run", "--max-insns=600000", "--load", chatter_load));
    assert_int_equal(wait_program(pid, 5), 3);
    slurp(dup(s.fd[2]), text, sizeof(text));
    const char *line = strstr(text, "standard output: ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "standard output: its reader stalls: %lu bytes", &lost), 1);
    close(s.fd[1]);
    s.fd[1] = scratch("");
    kept = (int)read_slowly(s.ours);
    assert_int_equal((unsigned long)kept + lost, 299999);
    stall_end(&s);
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

/* ---- errors of writing ---- */

static void test_output_that_cannot_be_written_is_exit_code_2_and_the_reason_is_said(void **state)
{
    (void)state;
    static const struct {
        int full; /* descriptor that is /dev/full, or -1 */
        const char *args[6], *text;
        int code;
    } rows[] = {
        {1, {"run", "--load", alphabet_load}, "standard output: No space left on device", 2},
        {1, {"run", "--load", exit42_load, "--semihosting", "--trace=call"}, "", 42},
        {1, {"run", "--serial=null", "--virtio-console=stdio", "--load", alphabet_load}, "", 0},
        {2, {"run", "--trace=call", "--load", alphabet_load}, "", 2},
        {2, {"run", "--stats", "--load", alphabet_load}, "", 2},
        {-1,
         {"run", "--trace=call:/dev/full", "--load", alphabet_load},
         "/dev/full: No space left on device",
         2},
        {-1,
         {"run", "--serial=file:/dev/full", "--load", alphabet_load},
         "/dev/full: No space left on device",
         2},
        {-1,
         {"run", "--serial=file:/dev/full", "--max-insns=100", "--load", chatter_load},
         "/dev/full: No space left on device",
         3},
        {-1, {"run", "--dump-dtb=/dev/full"}, "/dev/full: cannot write: No space left", 2},
        {-1, {"run", "--trace=call:/nonexistent/x", "--load", loop_load}, "No such file", 2},
        {-1, {"run", "--serial=file:/nonexistent/x", "--load", loop_load}, "No such file", 2},
        {-1,
         {"qemu", "-M", "virt,gic-version=3,dumpdtb=/dev/full", "-cpu", "max"},
         "/dev/full: cannot write: No space left",
         2},
        {1, {"--help"}, "standard output: No space left on device", 2},
        {1, {"run", "--help"}, "standard output: No space left on device", 2},
        {1, {"qemu", "--help"}, "standard output: No space left on device", 2},
        {1, {"dis", "d503201f"}, "standard output: No space left on device", 2},
        {1, {"sysreg", "HCR_EL2"}, "standard output: No space left on device", 2},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        int fd[3];
        char text[16384];
        for (int n = 0; n < 3; n++)
            fd[n] = n == rows[k].full ? open("/dev/full", O_RDWR) : scratch("");
        assert_int_equal(wait_program(start_program(fd, rows[k].args), 20), rows[k].code);
        slurp(fd[2], text, sizeof(text));
        assert_contains(text, rows[k].text);
        const char *said = *rows[k].text ? strstr(text, rows[k].text) : NULL;
        if (said)
            assert_null(strstr(said + 1, rows[k].text));
        close(fd[0]);
        close(fd[1]);
    }
}

static void test_a_pipe_that_nobody_reads_any_more_ends_the_run_by_sigpipe(void **state)
{
    (void)state;
    const char *trace = in_dir("trace");
    struct stall s;
    char text[4096];

    stall_stdout(&s);
    close(s.ours);
    s.ours = -1;
    pid_t pid = start_program(
        s.fd, ARGS("run", joined("--trace=mmio:", trace, ""), "--load", chatter_load));
    assert_int_equal(wait_program(pid, 5), 128 + SIGPIPE);
    read_whole(trace, text, sizeof(text));
    assert_contains(text,
                    "mmio pa=0x9000000 size=1 write value=0x41\n"); /* other files are whole */
    slurp(dup(s.fd[2]), text, sizeof(text));
    assert_string_equal(text, "");
    unlink(trace);
    stall_end(&s);
}

static void test_a_trace_and_the_console_in_one_file_are_in_order(void **state)
{
    (void)state;
    const char *both = in_dir("both");
    char text[16384];

    RUN("run", joined("--serial=file:", both, ""), joined("--trace=call:", both, ""), "--load",
        alphabet_load);
    read_whole(both, text, sizeof(text));
    assert_int_equal(strncmp(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26), 0);
    assert_contains(text, "call kind=SMC");
    unlink(both);
}

/* ---- the terminal ---- */

#define TERMINAL(t, ...) terminal_open(t, (const char *const[]){__VA_ARGS__, NULL})

/* Within a second. */
static void assert_echo(int fd, bool on)
{
    struct termios t;

    for (unsigned tries = 0; tries < 100; tries++) {
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
#ifdef __SANITIZE_ADDRESS__
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
        kill(pid, SIGCONT);
    }
    assert_echo(t.fd, false);
    terminal_type(&t, "Z");
    terminal_expect(&t, "Z");
    kill(pid, SIGTSTP);
    assert_echo(t.fd, true);
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
    double start = seconds_now();

    for (size_t sent = 0; sent < size || *echoed < size;) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN | (sent < size ? POLLOUT : 0)};
        char buf[4096];
        assert_true(seconds_now() - start < 60);
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

/* The guest takes nothing, and what is behind our key is for whoever reads next. */
static void test_our_keys_are_seen_behind_what_the_guest_does_not_take(void **state)
{
    (void)state;
    static struct terminal t;

    TERMINAL(&t, "run", "--load", loop_load);
    assert_echo(t.fd, false);
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

/* What a run did not take of its input file is left to the next reader. */
static void test_what_the_guest_did_not_take_of_a_file_stays_there(void **state)
{
    (void)state;
    int fd[3] = {scratch("0123456789abcdefghijklmnopqrstuvwxyz"), scratch(""), scratch("")};

    assert_int_equal(
        wait_program(start_program(fd, ARGS("run", "--max-insns=100K", "--load", loop_load)), 20),
        3);
    assert_int_equal(lseek(fd[0], 0, SEEK_CUR), 1); /* the FIFO is off */
    for (unsigned n = 0; n < 3; n++)
        close(fd[n]);
}

/* Each when the guest has read the one before, not at the next look at the host. */
static void test_input_from_a_file_arrives_at_the_same_instructions_every_time(void **state)
{
    (void)state;
    char first[16384] = "";
    static const char text[] = "the quick brown fox jumps over the lazy dog";

    for (unsigned k = 0; k < 3; k++) {
        struct result *r =
            RUN_WITH(text, "run", "--trace=mmio", "--max-insns=100K", "--load", echo_load);
        const char *read = strstr(r->err, "mmio pa=0x9000000 size=4 value=0x74\n");
        assert_contains(r->out, text);
        assert_non_null(read);
        r->err[sizeof(first) - 1] = '\0';
        if (k == 0)
            strcpy(first, r->err);
        assert_string_equal(r->err, first);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_takes_the_place_of_a_closed_standard_stream),
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_the_time_limit),
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_the_limit_of_instructions),
        cmocka_unit_test(test_a_reader_that_takes_nothing_does_not_hold_a_signal),
        cmocka_unit_test(test_a_signal_ends_the_wait_of_a_run_that_is_over),
        cmocka_unit_test(test_a_slow_reader_loses_nothing),
        cmocka_unit_test(test_what_a_stalled_reader_misses_is_counted),
        cmocka_unit_test(test_the_standard_streams_of_others_do_not_become_nonblocking),
        cmocka_unit_test(test_output_that_cannot_be_written_is_exit_code_2_and_the_reason_is_said),
        cmocka_unit_test(test_a_pipe_that_nobody_reads_any_more_ends_the_run_by_sigpipe),
        cmocka_unit_test(test_a_trace_and_the_console_in_one_file_are_in_order),
        cmocka_unit_test(test_every_signal_that_ends_the_program_restores_the_terminal),
        cmocka_unit_test(test_a_stopped_program_leaves_the_terminal_alone_and_takes_it_again),
        cmocka_unit_test(test_pasted_characters_all_arrive_in_their_order),
        cmocka_unit_test(test_our_keys_are_seen_behind_what_the_guest_does_not_take),
        cmocka_unit_test(test_our_keys_are_seen_while_standard_output_stalls),
        cmocka_unit_test(test_what_the_guest_did_not_take_of_a_file_stays_there),
        cmocka_unit_test(test_input_from_a_file_arrives_at_the_same_instructions_every_time),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
