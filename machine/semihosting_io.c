/*
 * Semihosting: the operations that move bytes. They do so in pieces and wait for nothing: between
 * two of them the CPU is halted, and the run loop can do other things.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/semihosting_call.h"

#define PIECE 65536 /* bytes of one turn */
#define CHUNK 4096  /* bytes handed over at once */

bool semi_store_bytes(const struct semi *c, uint64_t va, const void *data, size_t size)
{
    for (size_t k = 0; k < size; k++)
        if (!semi_store(c, va + k, 1, ((const uint8_t *)data)[k]))
            return false;
    return true;
}

/* ---- the console ---- */

static void console(const struct semi *c, const uint8_t *data, size_t size)
{
    if (c->m->console_write && size)
        c->m->console_write(c->m->console_ctx, data, size);
}

static struct pl011 *uart(struct arm_machine *m)
{
    return &m->board.uart;
}

/* The next character: what the UART received and the guest has not read comes first. */
static bool take_input(const struct semi *c, uint8_t *byte)
{
    if (uart(c->m)->rx_count) {
        *byte = (uint8_t)device_read(&uart(c->m)->dev, 0, 4); /* UARTDR */
        return true;
    }
    if (c->s->input_count == 0)
        return false;
    *byte = c->s->input[0];
    memmove(c->s->input, c->s->input + 1, --c->s->input_count);
    return true;
}

static bool ends_line(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

static enum semi_result wait_for_input(const struct semi *c, uint64_t wanted)
{
    c->call->wants_input = true;
    c->call->wanted = wanted;
    return SEMI_WAIT;
}

/* The CPU that waits for the console, NULL: none. */
static struct semi_call *waiting(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        if (m->cpus[k]->power == CPU_HALTED && m->semi.call[k].wants_input)
            return &m->semi.call[k];
    return NULL;
}

/* What has come for @call is all that it waits for. */
static bool satisfied(const struct semihosting *s, const struct semi_call *call)
{
    return s->input_count == call->wanted || s->input_count == sizeof(s->input) ||
           (s->input_count && ends_line(s->input[s->input_count - 1]));
}

bool semihosting_takes_input(struct arm_machine *m)
{
    return waiting(m) != NULL;
}

size_t semihosting_input(struct arm_machine *m, const uint8_t *data, size_t size)
{
    struct semihosting *s = &m->semi;
    const struct semi_call *call = waiting(m);
    size_t n = 0;

    while (n < size && !satisfied(s, call))
        s->input[s->input_count++] = data[n++];
    return n;
}

bool semihosting_end_input(struct arm_machine *m)
{
    bool news = !m->semi.input_ended && waiting(m);

    m->semi.input_ended = true;
    return news;
}

bool semihosting_ready(struct arm_machine *m, unsigned cpu)
{
    const struct semi_call *call = &m->semi.call[cpu];

    return !call->wants_input || m->semi.input_ended ||
           (call == waiting(m) && (uart(m)->rx_count || satisfied(&m->semi, call)));
}

/* ---- reading and writing: pieces ---- */

/* @n more bytes are moved; SYS_READ and SYS_WRITE answer with how many were not. */
static enum semi_result moved(const struct semi *c, uint64_t n, bool end)
{
    uint64_t size = c->arg[2];

    c->call->done += n;
    return end || c->call->done == size ? semi_answer(c, size - c->call->done) : SEMI_MORE;
}

static enum semi_result not_moved(const struct semi *c, int error)
{
    c->s->error = error;
    return semi_answer(c, c->arg[2] - c->call->done);
}

static uint64_t piece(const struct semi *c)
{
    uint64_t left = c->arg[2] - c->call->done;

    return left < PIECE ? left : PIECE;
}

/* Up to @size bytes of the guest's at @va into @chunk; *n of them, less than @size only if
 * @zero_ended and there was a zero. False: a fault, behind *n bytes. */
static bool load_chunk(const struct semi *c, uint64_t va, size_t size, bool zero_ended,
                       uint8_t chunk[CHUNK], size_t *n)
{
    uint64_t byte;

    for (*n = 0; *n < size; (*n)++) {
        if (!semi_load(c, va + *n, 1, &byte))
            return false;
        if (zero_ended && byte == 0)
            break;
        chunk[*n] = (uint8_t)byte;
    }
    return true;
}

/* @size bytes at @va to the console, at most PIECE; what precedes a fault is written. *n: how many
 * were, less than @size only behind a zero. */
static bool print_piece(const struct semi *c, uint64_t va, uint64_t size, bool zero_ended,
                        uint64_t *n)
{
    uint8_t chunk[CHUNK];
    bool ok = true;

    for (*n = 0; ok && *n < size;) {
        size_t want = size - *n < CHUNK ? (size_t)(size - *n) : CHUNK, got;
        ok = load_chunk(c, va + *n, want, zero_ended, chunk, &got);
        console(c, chunk, got);
        *n += got;
        if (got < want)
            break;
    }
    return ok;
}

static enum semi_result write_console(const struct semi *c)
{
    uint64_t n;

    if (!print_piece(c, c->arg[1] + c->call->done, piece(c), false, &n))
        return SEMI_FAULT;
    return moved(c, n, false);
}

static enum semi_result write_file(const struct semi *c, struct semi_handle *h)
{
    uint8_t chunk[CHUNK];
    uint64_t size = piece(c);
    struct stat st;

    if (h->append && c->call->done == 0 && fstat(h->fd, &st) == 0)
        h->pos = (uint64_t)st.st_size;
    for (uint64_t n = 0; n < size;) {
        size_t want = size - n < CHUNK ? (size_t)(size - n) : CHUNK, got;
        if (!load_chunk(c, c->arg[1] + c->call->done, want, false, chunk, &got))
            return SEMI_FAULT;
        ssize_t put = pwrite(h->fd, chunk, got, (off_t)(h->pos + c->call->done));
        if (put <= 0) {
            h->pos += c->call->done;
            return not_moved(c, put < 0 ? errno : ENOSPC);
        }
        c->call->done += (uint64_t)put;
        n += (uint64_t)put;
    }
    if (c->call->done == c->arg[2])
        h->pos += c->arg[2];
    return moved(c, 0, false);
}

/* A line, or as much as was asked for: so it does not depend on how the host cuts its input. */
static enum semi_result read_console(const struct semi *c)
{
    uint64_t n = 0;
    uint8_t byte = 0;

    while (n < piece(c) && !(n && ends_line(byte)) && take_input(c, &byte))
        if (!semi_store(c, c->arg[1] + c->call->done + n++, 1, byte))
            return SEMI_FAULT;
    c->call->done += n;
    if ((n && ends_line(byte)) || c->s->input_ended || c->call->done == c->arg[2])
        return moved(c, 0, true);
    return wait_for_input(c, c->arg[2] - c->call->done);
}

static enum semi_result read_file(const struct semi *c, struct semi_handle *h)
{
    uint8_t chunk[CHUNK];
    uint64_t size = piece(c), n = 0;
    bool end = false;

    while (n < size && !end) {
        size_t want = size - n < CHUNK ? (size_t)(size - n) : CHUNK;
        ssize_t got = pread(h->fd, chunk, want, (off_t)(h->pos + c->call->done));
        if (got < 0)
            return not_moved(c, errno);
        if (!semi_store_bytes(c, c->arg[1] + c->call->done, chunk, (size_t)got))
            return SEMI_FAULT;
        c->call->done += (uint64_t)got;
        n += (uint64_t)got;
        end = got == 0;
    }
    if (end || c->call->done == c->arg[2])
        h->pos += c->call->done;
    return moved(c, 0, end);
}

/* ---- ":semihosting-features" ---- */

#define SH_EXT_EXIT_EXTENDED 0 /* bits of the first byte behind the magic */
#define SH_EXT_STDOUT_STDERR 1

static const uint8_t features[SEMI_FEATURES_BYTES] = {
    0x53, 0x48, 0x46, 0x42, BIT(SH_EXT_EXIT_EXTENDED) | BIT(SH_EXT_STDOUT_STDERR)};

static enum semi_result read_features(const struct semi *c, struct semi_handle *h)
{
    uint64_t n = sizeof(features) - h->pos;

    if (n > c->arg[2])
        n = c->arg[2];
    if (!semi_store_bytes(c, c->arg[1], features + h->pos, n))
        return SEMI_FAULT;
    h->pos += n;
    return moved(c, n, true);
}

/* ---- operations ---- */

enum semi_result semi_writec(const struct semi *c)
{
    uint64_t n;

    return print_piece(c, c->cpu->x[1], 1, false, &n) ? SEMI_DONE : SEMI_FAULT;
}

enum semi_result semi_write0(const struct semi *c)
{
    uint64_t n;

    if (!print_piece(c, c->cpu->x[1] + c->call->done, PIECE, true, &n))
        return SEMI_FAULT;
    c->call->done += n;
    return n == PIECE ? SEMI_MORE : SEMI_DONE;
}

enum semi_result semi_write(const struct semi *c)
{
    struct semi_handle *h = semi_handle(c->s, c->arg[0]);

    if (h && h->kind == SEMI_CONSOLE_OUT)
        return write_console(c);
    return h && h->kind == SEMI_FILE ? write_file(c, h) : not_moved(c, EBADF);
}

enum semi_result semi_read(const struct semi *c)
{
    struct semi_handle *h = semi_handle(c->s, c->arg[0]);

    switch (h ? h->kind : SEMI_CLOSED) {
    case SEMI_CONSOLE_IN:
        return read_console(c);
    case SEMI_FILE:
        return read_file(c, h);
    case SEMI_FEATURES:
        return read_features(c, h);
    default:
        return not_moved(c, EBADF);
    }
}

/* At the end of input the answer is -1, as of C's getchar(). */
enum semi_result semi_readc(const struct semi *c)
{
    uint8_t byte;

    if (take_input(c, &byte))
        return semi_answer(c, byte);
    return c->s->input_ended ? semi_answer(c, ~UINT64_C(0)) : wait_for_input(c, 1);
}
