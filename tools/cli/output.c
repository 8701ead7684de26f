#define _GNU_SOURCE /* fopencookie() */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"

#define QUEUE_MAX       ((size_t)64 << 10) /* then the guest waits */
#define QUEUE_MAX_LIMIT ((size_t)64 << 20) /* where it must not */
#define WAIT_MS         20                 /* between two looks at whether the run ends */
#define STALL_MS        100                /* a reader that takes nothing for so long has stalled */
#define SOON_MAX        ((size_t)1 << 10)  /* of output_write_soon() */
#define PIECE           512                /* see POLLED; POSIX's least PIPE_BUF */
#define STREAM_BYTES    65536

/* What keeps write() from waiting. */
enum how {
    READY,       /* nothing needs to: a file */
    NONBLOCKING, /* O_NONBLOCK of a description of our own */
    POLLED,      /* asked first, and then a piece that a reader who has room has room for */
};

struct output {
    struct output *next;
    struct outputs *all;
    char *name; /* in messages */
    int fd;
    bool owned;
    enum how how;
    FILE *stream;
    struct bytes queue;
    bool stalled; /* nothing was taken for STALL_MS, nor since */
    int error;    /* errno that ended it */
    uint64_t lost;
};

/* ---- making them ---- */

/*
 * O_NONBLOCK belongs to the open file description, which we share with whoever started us: theirs
 * is left alone, and a pipe or a terminal opened once more, as Linux can. Where that fails (another
 * user's terminal) the description is asked before each write.
 */
static void make_nonblocking(struct output *o)
{
    char path[32];
    struct stat st;
    int again;

    o->how = READY;
    if (fstat(o->fd, &st) != 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(o->fd)))
        return;
    o->how = POLLED;
    if (o->owned) {
        if (fcntl(o->fd, F_SETFL, O_NONBLOCK) == 0)
            o->how = NONBLOCKING;
        return;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
    again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (again < 0)
        return;
    o->fd = again;
    o->owned = true;
    o->how = NONBLOCKING;
}

static struct output *add(struct outputs *all, int fd, bool owned, const char *name)
{
    struct output *o = calloc(1, sizeof(*o));
    char *copy = strdup(name);

    if (!o || !copy) {
        fprintf(stderr, "armillary: %s: no memory\n", name);
        free(o);
        free(copy);
        if (owned)
            close(fd);
        return NULL;
    }
    *o = (struct output){.next = all->first, .all = all, .name = copy, .fd = fd, .owned = owned};
    make_nonblocking(o);
    all->first = o;
    return o;
}

struct output *output_inherited(struct outputs *all, int fd, const char *name)
{
    return add(all, fd, false, name);
}

/* The output that already goes to the file or pipe that @path names, or NULL. */
static struct output *find_open(const struct outputs *all, const char *path)
{
    struct stat named, other;

    if (stat(path, &named) != 0 || !(S_ISREG(named.st_mode) || S_ISFIFO(named.st_mode)))
        return NULL;
    for (struct output *o = all->first; o; o = o->next)
        if (fstat(o->fd, &other) == 0 && other.st_dev == named.st_dev &&
            other.st_ino == named.st_ino)
            return o;
    return NULL;
}

static struct output *open_file(struct outputs *all, const char *path, const char *what, int flags)
{
    struct output *o = find_open(all, path);
    int fd;

    if (o)
        return o;
    fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC | flags, 0666);
    if (fd < 0) {
        fprintf(stderr, "armillary: %s: cannot write %s: %s\n", what, path, strerror(errno));
        return NULL;
    }
    return add(all, fd, true, path);
}

struct output *output_file(struct outputs *all, const char *path, const char *what)
{
    return open_file(all, path, what, O_TRUNC);
}

struct output *output_append(struct outputs *all, const char *path, const char *what)
{
    return open_file(all, path, what, O_APPEND);
}

/* ---- writing ---- */

/* Said once. A pipe whose reader has gone ends the program by SIGPIPE, and needs no words. */
static void fail(struct output *o, int error)
{
    o->error = error;
    o->lost += o->queue.count;
    bytes_free(&o->queue);
    if (o != o->all->words && !(error == EPIPE && o->all->ending(o->all->ctx)))
        fprintf(o->all->say, "armillary: cannot write %s: %s\n", o->name, strerror(error));
}

static bool writable(const struct output *o, int timeout_ms)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};

    return poll(&p, 1, timeout_ms) == 1;
}

static bool is_over(struct outputs *all)
{
    all->over = all->over || all->ending(all->ctx);
    return all->over;
}

/* Return: how many the host took, 0: none now, or ever (o->error). */
static size_t offer(struct output *o, const uint8_t *data, size_t size)
{
    ssize_t n;

    if (o->how == POLLED && !writable(o, 0))
        return 0;
    do
        n = write(o->fd, data, o->how == POLLED && size > PIECE ? PIECE : size);
    while (n < 0 && errno == EINTR && o->how != POLLED);
    if (n > 0) {
        o->stalled = false;
        return (size_t)n;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        fail(o, errno);
    return 0;
}

/* Return: was anything taken? */
static bool offer_queue(struct output *o)
{
    bool any = false;
    size_t n;

    while (o->queue.count && (n = offer(o, bytes_peek(&o->queue), o->queue.count)) > 0) {
        bytes_drop(&o->queue, n);
        any = true;
    }
    return any;
}

void outputs_offer(struct outputs *all)
{
    bool waiting = false;

    for (struct output *o = all->first; o; o = o->next) {
        offer_queue(o);
        waiting |= o->queue.count != 0;
    }
    all->waiting = waiting;
}

/* Wait until the full queue has room, or the output has failed. False: the reader takes nothing,
 * and the run ends or must go on. */
static bool wait_for_room(struct output *o)
{
    struct outputs *all = o->all;

    if (all->over)
        return false;
    for (unsigned ms = 0; !all->never_wait || (ms < STALL_MS && !o->stalled); ms += WAIT_MS) {
        if (offer_queue(o) || o->error)
            return true;
        if (is_over(all))
            return false;
        writable(o, WAIT_MS);
    }
    o->stalled = true;
    return offer_queue(o);
}

static size_t room(const struct output *o, size_t max)
{
    return o->queue.count < max ? max - o->queue.count : 0;
}

/* Behind what waits already. */
static void enqueue(struct output *o, const uint8_t *data, size_t size)
{
    struct outputs *all = o->all;
    bool patient = !all->never_wait;

    while (size && !o->error) {
        size_t n = room(o, patient ? QUEUE_MAX : QUEUE_MAX_LIMIT);
        if (n == 0) {
            if (wait_for_room(o))
                continue;
            if (!patient)
                break;
            patient = false; /* the run ends: what it still says is kept, within reason */
            continue;
        }
        n = n < size ? n : size;
        if (!bytes_append(&o->queue, data, n))
            break;
        all->waiting = true;
        data += n;
        size -= n;
    }
    o->lost += size;
}

static void put(struct output *o, const uint8_t *data, size_t size)
{
    if (o->all->waiting && !o->queue.count)
        outputs_offer(o->all); /* what was written before to others comes before this */
    while (size && !o->error && !o->queue.count) {
        size_t n = offer(o, data, size);
        if (n == 0)
            break;
        data += n;
        size -= n;
    }
    if (o->queue.count && !o->all->over)
        offer_queue(o);
    if (size)
        enqueue(o, data, size);
}

void output_write(struct output *o, const void *data, size_t size)
{
    if (o->stream)
        fflush(o->stream);
    put(o, data, size);
}

void output_write_soon(struct output *o, const void *data, size_t size)
{
    if (!o->stream && o->queue.count + size <= SOON_MAX)
        enqueue(o, data, size);
    else
        output_write(o, data, size);
}

static ssize_t write_stream(void *ctx, const char *data, size_t size)
{
    put(ctx, (const uint8_t *)data, size);
    return (ssize_t)size; /* what went wrong is known */
}

FILE *output_stream(struct output *o, bool lines)
{
    if (!o->stream) {
        o->stream = fopencookie(o, "w", (cookie_io_functions_t){.write = write_stream});
        if (o->stream)
            setvbuf(o->stream, NULL, lines ? _IOLBF : _IOFBF, STREAM_BYTES);
    }
    return o->stream;
}

/* ---- the end ---- */

static double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* A signal or the time limit may come while we wait: from then on there is a deadline. */
static void drain(struct output *o, struct patience *p)
{
    double last = now_s();

    if (o->stream)
        fflush(o->stream);
    offer_queue(o);
    while (o->queue.count && (p->endless || p->left_s > 0)) {
        bool short_left = !p->endless && p->left_s * 1e3 < WAIT_MS;
        writable(o, short_left ? (int)(p->left_s * 1e3) + 1 : WAIT_MS);
        double now = now_s();
        if (!offer_queue(o) || !p->while_taken)
            p->left_s -= now - last;
        last = now;
        if ((p->endless || p->while_taken) && o->all->ending(o->all->ctx))
            *p = (struct patience){.left_s = OUTPUT_ENDING_S};
    }
    o->lost += o->queue.count;
    bytes_free(&o->queue);
}

/* The last errors come when it is closed. */
static void finish(struct output *o, struct patience *patience)
{
    drain(o, patience);
    if (o->stream)
        fclose(o->stream);
    o->stream = NULL;
    if (o->owned && close(o->fd) != 0 && !o->error)
        fail(o, errno);
    o->owned = false;
}

void outputs_finish(struct outputs *all, struct patience *patience)
{
    for (struct output *o = all->first; o; o = o->next)
        if (o != all->words)
            finish(o, patience);
}

void outputs_finish_words(struct outputs *all, struct patience *patience)
{
    finish(all->words, patience);
    all->say = stderr;
}

void outputs_report_lost(struct outputs *all)
{
    for (const struct output *o = all->first; o; o = o->next)
        if (o->lost && !o->error)
            fprintf(all->say, "armillary: %s: its reader stalls: %" PRIu64 " bytes are lost\n",
                    o->name, o->lost);
}

bool outputs_failed(const struct outputs *all)
{
    for (const struct output *o = all->first; o; o = o->next)
        if (o->error || o->lost)
            return true;
    return false;
}

bool outputs_open(struct outputs *all, bool (*ending)(void *ctx), void *ctx)
{
    *all = (struct outputs){.ending = ending, .ctx = ctx};
    all->words = output_inherited(all, STDERR_FILENO, "standard error");
    all->say = all->words ? output_stream(all->words, true) : NULL;
    return all->say != NULL;
}

void outputs_free(struct outputs *all)
{
    while (all->first) {
        struct output *o = all->first;
        all->first = o->next;
        bytes_free(&o->queue);
        free(o->name);
        free(o);
    }
}
