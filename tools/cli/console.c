#include "console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "armillary.h"
#include "line_editor.h"
#include "link.h"
#include "output.h"
#include "signals.h"
#include "terminal.h"

#define CTRL_A 1

/* Slices between two looks at the host: about a millisecond. */
#define POLL_SLICES 16

#define READ_BYTES     64                 /* at once, of a file or pipe: others may want the rest */
#define READ_TTY_BYTES 4096               /* a terminal's queue */
#define AHEAD_MAX      ((size_t)16 << 20) /* then the terminal waits, and our keys with it */

void console_raw(struct console *c, bool on)
{
    if (c->tty)
        terminal_raw(on);
}

static void open_stdin(struct console *c)
{
    struct stat st;

    c->input = true;
    c->eof = false;
    c->tty = terminal_open();
    c->file = !c->tty && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

bool console_open(struct console *c, struct outputs *outputs, const char *where)
{
    static const char file[] = "file:", append[] = "append:";

    *c = (struct console){.port = -1, .eof = true};
    if (!where || !strcmp(where, "stdio") || !strcmp(where, "mon:stdio")) {
        open_stdin(c);
        c->out = output_inherited(outputs, STDOUT_FILENO, "standard output");
    } else if (!strncmp(where, file, sizeof(file) - 1)) {
        c->out = output_file(outputs, where + sizeof(file) - 1, "console output");
    } else if (!strncmp(where, append, sizeof(append) - 1)) {
        c->out = output_append(outputs, where + sizeof(append) - 1, "console output");
    } else if (link_valid(where)) {
        c->link = link_open(where, false, outputs);
    } else {
        return true;
    }
    return c->out || c->link;
}

/* What was read of a file and not taken is left to whoever reads it next. */
void console_close(struct console *c)
{
    console_raw(c, false);
    if (c->file && c->pending.count)
        lseek(STDIN_FILENO, -(off_t)c->pending.count, SEEK_CUR);
    bytes_free(&c->pending);
    bytes_free(&c->held);
    line_editor_free(c->editor);
    c->editor = NULL;
    link_close(c->link);
    c->link = NULL;
}

void console_start(struct console *c, struct arm_machine *m)
{
    c->machine = m;
    console_raw(c, true);
}

void console_write(void *ctx, const uint8_t *data, size_t size)
{
    struct console *c = ctx;

    if (c->link)
        link_write(c->link, data, size);
    else if (c->out && c->soon)
        output_write_soon(c->out, data, size);
    else if (c->out)
        output_write(c->out, data, size);
}

/* The terminal may be a raw one. */
static void print_keys(void)
{
    fprintf(stderr, "\r\nCtrl-A h: this; Ctrl-A x: end; Ctrl-A c: the monitor, which stops the "
                    "machine;\r\nCtrl-A Ctrl-A: a Ctrl-A for the guest\r\n");
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
    if (byte == 'h' || byte == '?') {
        print_keys();
        return true;
    }
    if (byte == 'x')
        c->request = CONSOLE_QUIT;
    else if (byte == 'c')
        c->request = CONSOLE_MONITOR;
    else
        return false;
    arm_stop(c->machine);
    return true;
}

/* Bytes of the host, up to a request; return how many were looked at. */
static size_t interpret(struct console *c, const uint8_t *data, size_t size)
{
    size_t k = 0;

    for (; k < size && c->request == CONSOLE_NONE; k++)
        if (!intercept(c, data[k]) && !bytes_append(&c->pending, &data[k], 1))
            break; /* no memory: looked at later */
    return k;
}

/* Bytes of standard input: 0 if there are none now. */
static size_t read_input(struct console *c, uint8_t *buf, size_t size)
{
    ssize_t n = read(STDIN_FILENO, buf, size);

    if (n > 0)
        return (size_t)n;
    if (n == 0 || (errno != EINTR && errno != EAGAIN))
        c->eof = true;
    return 0;
}

static void read_host(struct console *c, int timeout_ms)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t buf[READ_TTY_BYTES];
    size_t n, looked;

    if (c->held.count)
        bytes_drop(&c->held, interpret(c, bytes_peek(&c->held), c->held.count));
    if (c->eof || c->held.count || c->pending.count > (c->tty ? AHEAD_MAX : 0))
        return;
    if (!c->file && poll(&fd, 1, timeout_ms) <= 0)
        return;
    n = read_input(c, buf, c->tty ? sizeof(buf) : READ_BYTES);
    looked = interpret(c, buf, n);
    if (looked < n && !bytes_append(&c->held, buf + looked, n - looked))
        fprintf(stderr, "armillary: no memory: %zu characters are lost\n", n - looked);
}

static size_t give(struct console *c)
{
    const uint8_t *data = bytes_peek(&c->pending);
    size_t size = c->pending.count;

    if (c->give)
        return c->give(c->give_ctx, c, data, size);
    if (c->port < 0)
        return arm_console_input(c->machine, data, size);
    return arm_port_input(c->machine, c->device, (unsigned)c->port, data, size);
}

static void deliver(struct console *c)
{
    if (!c->pending.count)
        return;
    size_t taken = give(c);
    c->given |= taken != 0;
    bytes_drop(&c->pending, taken);
}

void console_look(struct console *c)
{
    if (c->tty)
        read_host(c, 0);
}

bool console_look_at_link(struct console *c)
{
    uint8_t buf[READ_BYTES];
    size_t before = c->pending.count;

    if (before == 0) {
        before = link_read(c->link, buf, sizeof(buf));
        if (!bytes_append(&c->pending, buf, before))
            fprintf(stderr, "armillary: no memory: %zu characters are lost\n", before);
    }
    deliver(c);
    return c->pending.count < before;
}

static bool at_end(const struct console *c)
{
    return c->eof && !c->pending.count && !c->link;
}

/* What reads the console by semihosting is told that no more will come, as is so at once if
 * standard input is a virtio port's. True: it was waiting. */
static bool tell_end(struct console *c)
{
    return (at_end(c) || c->port >= 0) && arm_console_end(c->machine);
}

/* The guest is given its next characters as soon as it has taken some; a file is always ready, any
 * other host is asked less often. */
void console_poll(struct console *c)
{
    tell_end(c);
    if (at_end(c))
        return;
    deliver(c);
    if (!c->file && c->skip) {
        c->skip--;
        return;
    }
    c->skip = POLL_SLICES;
    read_host(c, 0);
    deliver(c);
}

/* At a terminal an idle guest waits for the host's clock, so that a prompt's time does not race. */
bool console_idle(struct console *c, uint64_t next_ns, unsigned wait_max_ms)
{
    bool forever = next_ns == UINT64_MAX;

    if (tell_end(c))
        return true;
    if (at_end(c))
        return false;
    uint64_t wait_ms = forever ? wait_max_ms : (next_ns - arm_time_ns(c->machine)) / 1000000;
    if (wait_ms > wait_max_ms)
        wait_ms = wait_max_ms;
    read_host(c, c->tty || forever ? (int)wait_ms : 0);
    size_t before = c->pending.count;
    deliver(c);
    if (c->request != CONSOLE_NONE || c->pending.count < before || tell_end(c))
        return true;
    /* Looked at again if nothing but the host can wake the guest. */
    return forever && !c->eof && (c->tty || !c->pending.count);
}

/* The first line of @held, if there is a whole one, or what there is at the @end of input. A raw
 * terminal ended it with a carriage return. */
static bool take_line(struct bytes *held, bool end, char *line, size_t size)
{
    const uint8_t *text = bytes_peek(held);
    size_t n = 0;

    while (n < held->count && text[n] != '\n' && text[n] != '\r')
        n++;
    if (held->count == 0 || (n == held->count && !end))
        return false;
    snprintf(line, size, "%.*s", (int)n, (const char *)text);
    bytes_drop(held, n < held->count ? n + 1 : n);
    return true;
}

/* Wait until more is typed. False: end of input. */
static bool hold_more(struct console *c)
{
    uint8_t buf[READ_TTY_BYTES];

    if (c->eof)
        return false;
    size_t n = read_input(c, buf, sizeof(buf));
    if (n == 0 && !c->eof && signals_seen())
        return false;
    return bytes_append(&c->held, buf, n);
}

static bool held_byte(void *ctx, uint8_t *byte)
{
    struct console *c = ctx;

    while (!c->held.count)
        if (!hold_more(c))
            return false;
    *byte = *bytes_peek(&c->held);
    bytes_drop(&c->held, 1);
    return true;
}

char *console_line(struct console *c, const struct line_editor_host *host)
{
    char line[256];

    if (c->tty && !c->editor)
        c->editor = line_editor_new();
    if (c->editor) {
        struct line_editor_host ours = *host;
        ours.read = held_byte;
        ours.read_ctx = c;
        return line_editor_read(c->editor, &ours);
    }
    printf("%s", host->prompt);
    fflush(stdout);
    while (!take_line(&c->held, c->eof, line, sizeof(line)))
        if (!hold_more(c))
            return NULL;
    return g_strdup(line);
}
