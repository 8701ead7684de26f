#define _GNU_SOURCE /* memmem() */
/* Character devices whose other end is a socket, a pipe or a pseudo-terminal. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include "qemu_fixture.h"

#define WAIT_S 20.0

struct guest {
    pid_t pid;
    int out; /* what it printed on standard output */
};

/* The guest that echoes. */
static struct guest start_echo(const char *const *more)
{
    const char *args[32] = {MINIMAL, "-kernel", in_dir("echo"), "--timeout", "60"};
    int in = scratch(""), out = scratch(""), err = scratch("");
    unsigned n = 0;

    while (args[n])
        n++;
    for (unsigned k = 0; more[k]; k++)
        args[n + k] = more[k];
    pid_t pid = start_program((const int[]){in, out, err}, args);
    close(in);
    close(err);
    return (struct guest){pid, out};
}
#define START(...) start_echo((const char *const[]){__VA_ARGS__, NULL})

static void end(struct guest *g)
{
    kill(g->pid, SIGTERM);
    assert_int_equal(wait_program(g->pid, WAIT_S), 128 + SIGTERM);
    close(g->out);
}

/* Try until the program listens. */
static int connect_to(const struct sockaddr *address, socklen_t size)
{
    double end_s = seconds_now() + WAIT_S;

    do {
        int fd = socket(address->sa_family, SOCK_STREAM, 0);
        if (connect(fd, address, size) == 0)
            return fd;
        close(fd);
        usleep(5000);
    } while (seconds_now() < end_s);
    fail_msg("nobody listens");
    return -1;
}

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, path);
    return address;
}

static int connect_unix(const char *path)
{
    const struct sockaddr_un address = unix_address(path);

    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

/* A port that is free, most likely. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int connect_tcp(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

/* The next bytes that come are these. @prompt: before them may be the guest's '>', unless nobody
 * was there when it said it. */
static void expect_bytes(int fd, const void *bytes, size_t size, bool prompt)
{
    uint8_t got[256];
    size_t n = 0;

    while (n < size) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)(WAIT_S * 1000)) <= 0)
            fail_msg("%zu of %zu bytes came", n, size);
        ssize_t r = read(fd, got + n, size - n);
        if (r <= 0)
            fail_msg("the other end has gone after %zu of %zu bytes", n, size);
        n += (size_t)r;
        if (prompt && got[0] == '>')
            memmove(got, got + 1, --n);
        prompt = false;
    }
    assert_memory_equal(got, bytes, size);
}

static void expect(int fd, const char *text)
{
    expect_bytes(fd, text, strlen(text), false);
}

static void expect_echo(int fd, const char *text)
{
    expect_bytes(fd, text, strlen(text), true);
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_a_client_of_a_unix_socket_comes_goes_and_comes_again(void **state)
{
    (void)state;
    char serial[160];
    const char *path = in_dir("sock");

    snprintf(serial, sizeof(serial), "unix:%s,server,nowait", path);
    struct guest g = START("-serial", serial);
    for (unsigned k = 0; k < 2; k++) {
        int fd = connect_unix(path);
        say(fd, "abc");
        expect_echo(fd, "abc");
        close(fd);
    }
    end(&g);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_a_server_that_waits_loses_nothing(void **state)
{
    (void)state;
    char chardev[160];

    snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s,server=on", in_dir("sock"));
    struct guest g = START("-chardev", chardev, "-serial", "chardev:c");
    int fd = connect_unix(in_dir("sock"));
    expect(fd, ">");
    close(fd);
    end(&g);
}

static void test_a_client_connects_to_who_listens(void **state)
{
    (void)state;
    const struct sockaddr_un address = unix_address(in_dir("theirs"));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    char serial[160];

    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    snprintf(serial, sizeof(serial), "unix:%s", in_dir("theirs"));
    struct guest g = START("-serial", serial);
    int fd = accept(listener, NULL, NULL);
    expect(fd, ">");
    say(fd, "x");
    expect(fd, "x");
    close(fd);
    close(listener);
    end(&g);
    unlink(in_dir("theirs"));
    struct result *r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel",
                           in_dir("off"), "-serial", serial);
    assert_contains(r->err, "theirs: what is written is lost until somebody does");
    assert_int_equal(r->code, 0);
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-serial", "tcp:127.0.0.1:no-port");
    assert_contains(r->err, "cannot connect to 127.0.0.1:no-port");
    assert_int_equal(r->code, 2);
}

static void test_a_client_finds_who_listens_later(void **state)
{
    (void)state;
    const struct sockaddr_un address = unix_address(in_dir("late"));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    char serial[160];

    snprintf(serial, sizeof(serial), "unix:%s", in_dir("late"));
    struct guest g = START("-serial", serial);
    usleep(200000); /* most likely the guest is there first; if not, it connects at once */
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    int fd = accept(listener, NULL, NULL);
    say(fd, "x");
    expect_bytes(fd, "x", 1, true);
    close(fd);
    close(listener);
    end(&g);
}

static void test_telnet_commands_are_no_characters(void **state)
{
    (void)state;
    static const uint8_t greeting[] = {255, 251, 1, 255, 251, 3, 255, 251, 0, 255, 253, 0};
    static const uint8_t typed[] = {'a', 255, 253, 1,   255, 250, 24,  0,
                                    255, 240, 'b', 255, 255, 255, 241, 'c'};
    static const uint8_t echoed[] = {'a', 'b', 255, 255, 'c'};
    char serial[64];
    uint16_t port = free_port();

    snprintf(serial, sizeof(serial), "telnet:127.0.0.1:%u,server,nowait", port);
    struct guest g = START("-serial", serial);
    int fd = connect_tcp(port);
    expect_bytes(fd, greeting, sizeof(greeting), false);
    assert_int_equal(write(fd, typed, sizeof(typed)), sizeof(typed));
    expect_bytes(fd, echoed, sizeof(echoed), true);
    close(fd);
    end(&g);
}

static void test_a_pseudo_terminal_is_named_and_typed_at(void **state)
{
    (void)state;
    static const char words[] = "char device redirected to ";
    struct guest g = START("-chardev", "pty,id=t", "-serial", "chardev:t");
    char text[256] = "", *at = NULL;
    double end_s = seconds_now() + WAIT_S;

    while (!(at && strstr(at, "(label t)\n")) && seconds_now() < end_s) {
        ssize_t n = pread(g.out, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        at = strstr(text, words);
        usleep(5000);
    }
    assert_non_null(at);
    at += strlen(words);
    at[strcspn(at, " ")] = '\0';
    int fd = open(at, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    say(fd, "x\n");
    expect_echo(fd, "x\n"); /* once: the terminal itself does not echo */
    close(fd);
    end(&g);
}

static void test_a_pair_of_pipes_is_read_and_written(void **state)
{
    (void)state;
    char serial[160];

    assert_int_equal(mkfifo(in_dir("pipe.in"), 0600), 0);
    assert_int_equal(mkfifo(in_dir("pipe.out"), 0600), 0);
    snprintf(serial, sizeof(serial), "pipe:%s", in_dir("pipe"));
    struct guest g = START("-serial", serial);
    int in = open(in_dir("pipe.in"), O_RDWR), out = open(in_dir("pipe.out"), O_RDWR);
    expect(out, ">");
    say(in, "abc");
    expect(out, "abc");
    end(&g);
    close(in);
    close(out);
}

/* A file may be read while it grows: wait for its last words. */
static void wait_for_text(const char *path, const char *words)
{
    static char text[FILE_MAX];
    double end_s = seconds_now() + WAIT_S;

    while (access(path, F_OK) != 0 || (read_file(path, text), !strstr(text, words))) {
        assert_true(seconds_now() < end_s);
        usleep(5000);
    }
}

static void test_what_came_by_a_socket_is_replayed_without_it(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    char chardev[256], record[160], replay[160];

    snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s,server=on,wait=off,logfile=%s",
             in_dir("sock"), in_dir("log"));
    snprintf(record, sizeof(record), "--record=%s", in_dir("input"));
    snprintf(replay, sizeof(replay), "--replay=%s", in_dir("input"));
    struct guest g = START("-chardev", chardev, "-serial", "chardev:c", record);
    int fd = connect_unix(in_dir("sock"));
    say(fd, "hello");
    expect_echo(fd, "hello");
    close(fd);
    end(&g);
    wait_for_text(in_dir("log"), ">hello");
    unlink(in_dir("log"));
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-chardev", chardev, "-serial",
                           "chardev:c", replay);
    assert_string_equal(r->out, "");
    read_file(in_dir("log"), text);
    assert_string_equal(text, ">hello");
}

static const char *with_fd(char to[160], const char *form, int fd)
{
    snprintf(to, 160, form, fd);
    return to;
}

static void test_descriptors_of_who_starts_it_are_sockets_and_a_log(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    const struct sockaddr_un address = unix_address(in_dir("handed"));
    char chardev[160], set[160];
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
    int log = open(write_file("behind", "before", 6), O_RDWR);

    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    struct guest g = START(
        "-add-fd", with_fd(set, "fd=%d,set=2,opaque=log", log), "-chardev",
        with_fd(chardev, "socket,id=c,fd=%d,server=on,wait=off,logfile=/dev/fdset/2,logappend=on",
                listener),
        "-serial", "chardev:c");
    int fd = connect_unix(in_dir("handed"));
    say(fd, "abc");
    expect_echo(fd, "abc");
    wait_for_text(in_dir("behind"), "before>abc");
    read_file(in_dir("behind"), text);
    assert_string_equal(text, "before>abc");
    end(&g);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    g = START("-chardev", with_fd(chardev, "socket,id=c,fd=%d", pair[1]), "-serial", "chardev:c");
    expect(pair[0], ">");
    end(&g);

    struct result *r =
        RUN(MINIMAL, "-kernel", in_dir("off"), "-chardev",
            with_fd(chardev, "socket,id=c,fd=%d,server=on", pair[1]), "-serial", "chardev:c");
    assert_contains(r->err, "it does not listen");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-chardev",
            with_fd(chardev, "socket,id=c,fd=%d", listener), "-serial", "chardev:c");
    assert_contains(r->err, "it listens");
    r = RUN(MINIMAL, "-kernel", in_dir("off"), "-chardev", "socket,id=c,fd=999", "-serial",
            "chardev:c");
    assert_contains(r->err, "Bad file descriptor");
    close(listener);
    close(log);
    close(pair[0]);
    close(pair[1]);
    close(fd);
}

static void test_what_is_no_link_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *args[6], *text; /* the last one is NULL */
    } rows[] = {
        {{"qemu", "-M", VIRT, "-serial", "tcp:4444"}, "-serial tcp:4444 is not offered"},
        {{"qemu", "-M", VIRT, "-serial", "unix:"}, "-serial unix: is not offered"},
        {{"qemu", "-M", VIRT, "-serial", "tcp::1,nowait"}, "is not offered"},
        {{"qemu", "-M", VIRT, "-serial", "tcp::1,server=maybe"}, "is not offered"},
        {{"qemu", "-M", VIRT, "-serial", "udp::1"}, "no datagrams"},
        {{"qemu", "-chardev", "socket,id=c"}, "expected path=PATH, host=HOST,port=PORT, or fd=N"},
        {{"qemu", "-chardev", "socket,id=c,path=x,fd=3"}, "or fd=N"},
        {{"qemu", "-chardev", "socket,id=c,fd=3,reconnect=1"}, "reconnect does not go with fd"},
        {{"qemu", "-add-fd", "fd=999,set=0"}, "expected an open descriptor"},
        {{"qemu", "-add-fd", "fd=1,set=0"}, "above standard error's"},
        {{"qemu", "-add-fd", "set=0"}, "expected fd=N,set=N"},
        {{"qemu", "-chardev", "socket,id=c,path=x,wait=off"}, "wait is a server's"},
        {{"qemu", "-chardev", "socket,id=c,path=x,websocket=on"}, "websocket=on: expected off"},
        {{"qemu", "-chardev", "null,id=c,server=on"}, "are a socket's"},
        {{"qemu", "-chardev", "pipe,id=c"}, "expected path=FILE for pipe"},
        {{"qemu", "-chardev", "ringbuf,id=c,size=3"}, "a power of two"},
        {{"run", "--serial=tcp:1"}, "--serial=tcp:1"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct result *r = run_args("", rows[k].args);
        assert_contains(r->err, rows[k].text);
        assert_int_equal(r->code, 2);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_of_a_unix_socket_comes_goes_and_comes_again),
        cmocka_unit_test(test_a_server_that_waits_loses_nothing),
        cmocka_unit_test(test_a_client_connects_to_who_listens),
        cmocka_unit_test(test_a_client_finds_who_listens_later),
        cmocka_unit_test(test_telnet_commands_are_no_characters),
        cmocka_unit_test(test_a_pseudo_terminal_is_named_and_typed_at),
        cmocka_unit_test(test_a_pair_of_pipes_is_read_and_written),
        cmocka_unit_test(test_what_came_by_a_socket_is_replayed_without_it),
        cmocka_unit_test(test_descriptors_of_who_starts_it_are_sockets_and_a_log),
        cmocka_unit_test(test_what_is_no_link_is_refused),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
