#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "armillary.h"

#define CTRL_A 1

/* Slices between two looks at the host: about a millisecond. */
#define POLL_SLICES 16

void console_raw(struct console *c, bool on)
{
    if (!c->tty)
        return;
    struct termios t = c->saved;
    if (on) {
        cfmakeraw(&t);
        t.c_oflag |= OPOST;
    }
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void open_stdin(struct console *c)
{
    struct stat st;

    c->eof = false;
    c->tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &c->saved) == 0;
    c->file = !c->tty && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

bool console_open(struct console *c, const char *where)
{
    static const char file[] = "file:";

    *c = (struct console){.port = -1, .out = -1, .eof = true};
    if (!where || !strcmp(where, "stdio") || !strcmp(where, "mon:stdio")) {
        c->out = STDOUT_FILENO;
        open_stdin(c);
    } else if (!strncmp(where, file, sizeof(file) - 1)) {
        const char *path = where + sizeof(file) - 1;
        c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (c->out < 0) {
            fprintf(stderr, "armillary: console output to %s: %s\n", path, strerror(errno));
            return false;
        }
    }
    return true;
}

void console_close(struct console *c)
{
    console_raw(c, false);
    if (c->out > STDERR_FILENO)
        close(c->out);
}

void console_start(struct console *c, struct machine *m)
{
    c->machine = m;
    console_raw(c, true);
}

void console_write(void *ctx, const uint8_t *data, size_t size)
{
    struct console *c = ctx;

    while (size && c->out >= 0) {
        ssize_t n = write(c->out, data, size);
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = c->out, .events = POLLOUT}, 1, 1000);
        } else if (n == 0 || errno != EINTR) {
            return; /* nobody listens any more; the guest need not know */
        }
    }
}

/* Our own keys; true if the byte is not for the guest. */
static bool intercept(struct console *c, uint8_t byte)
{
    if (!c->tty)
        return false;
    if (!c->escape) {
        c->escape = byte == CTRL_A;
        return c->escape;
    }
    c->escape = false;
    if (byte == 'x')
        c->request = CONSOLE_QUIT;
    else if (byte == 'c')
        c->request = CONSOLE_MONITOR;
    else
        return false;
    arm_stop(c->machine);
    return true;
}

/* At a terminal our own keys are seen even when the guest takes nothing: what it does not is lost.
 */
static void read_host(struct console *c, int timeout_ms)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t buf[sizeof(c->pending)];

    if (c->eof || (c->pending_count && !c->tty))
        return;
    if (!c->file && poll(&fd, 1, timeout_ms) <= 0)
        return;
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        c->eof = true;
        return;
    }
    for (ssize_t k = 0; k < n && c->request == CONSOLE_NONE; k++)
        if (!intercept(c, buf[k]) && c->pending_count < sizeof(c->pending))
            c->pending[c->pending_count++] = buf[k];
}

static void deliver(struct console *c)
{
    size_t taken = c->port < 0 ? arm_console_input(c->machine, c->pending, c->pending_count)
                               : arm_port_input(c->machine, c->virtio, (unsigned)c->port,
                                                c->pending, c->pending_count);

    memmove(c->pending, c->pending + taken, c->pending_count - taken);
    c->pending_count -= taken;
}

void console_poll(void *ctx)
{
    struct console *c = ctx;

    if (c->eof && !c->pending_count)
        return;
    if (c->skip) {
        c->skip--;
        return;
    }
    c->skip = POLL_SLICES;
    read_host(c, 0);
    if (c->pending_count)
        deliver(c);
}

/* At a terminal an idle guest waits for the host's clock, so that a prompt's time does not race. */
bool console_idle(void *ctx, uint64_t next_ns)
{
    struct console *c = ctx;
    bool forever = next_ns == UINT64_MAX;

    if (c->eof && !c->pending_count)
        return false;
    uint64_t wait_ms = forever ? 1000 : (next_ns - arm_time_ns(c->machine)) / 1000000;
    read_host(c, c->tty || forever ? (int)(wait_ms < 1000 ? wait_ms : 1000) : 0);
    size_t before = c->pending_count;
    if (before)
        deliver(c);
    if (c->request != CONSOLE_NONE || c->pending_count < before)
        return true;
    /* Looked at again if nothing but the host can wake the guest. */
    return forever && !c->eof && (c->tty || !c->pending_count);
}
