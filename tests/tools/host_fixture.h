/* What tests of a run's host side share: guests in a directory, descriptors that nobody reads. */
#pragma once

#include <stdbool.h>

#include "process.h"
#include "tests/guests.h"

#define LOAD_AT "@0x40080000"

static char dir[] = "/tmp/armillary-test-XXXXXX";

#define GUESTS(X)                                                                                  \
    X(alphabet) X(chatter) X(book) X(echo) X(loop) X(idle) X(exit42) X(off) X(reset) X(abort)

#define GUEST(name) static char name##_path[64], name##_load[80];
GUESTS(GUEST)
#undef GUEST

static inline void write_guest(const char *name, const uint32_t *words, size_t size, char *path,
                               char *load)
{
    snprintf(path, 64, "%s/%s", dir, name);
    snprintf(load, 80, "%s%s", path, LOAD_AT);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(words, 1, size, f), size);
    fclose(f);
}

static inline int make_guests(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
#define GUEST(name)                                                                                \
    write_guest(#name, guest_##name, sizeof(guest_##name), name##_path, name##_load);
    GUESTS(GUEST)
#undef GUEST
    return 0;
}

static inline int remove_guests(void **state)
{
    (void)state;
#define GUEST(name) unlink(name##_path);
    GUESTS(GUEST)
#undef GUEST
    return rmdir(dir);
}

/* dir/@name, in one of a few buffers. */
static inline const char *in_dir(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, 96, "%s/%s", dir, name);
    return path;
}

/* An option and its argument in one, in one of a few buffers. */
static inline const char *joined(const char *a, const char *b, const char *c)
{
    static char texts[8][160];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, 160, "%s%s%s", a, b, c);
    return text;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void read_whole(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    slurp(fd, text, size);
}

/* A run whose limit or signal is later than this past has been held. The promise is a tenth of a
 * second; what is more is for the machine that tests run on. */
#define PATIENCE_S 1.0

/* A host side that takes nothing: what the program is started with, and what keeps it open. */
struct stall {
    int fd[3];
    int ours;      /* -1: none */
    char fifo[64]; /* "": none */
};

static inline void stall_nothing(struct stall *s)
{
    *s = (struct stall){0};
    s->fd[0] = scratch("");
    s->fd[1] = scratch("");
    s->fd[2] = scratch("");
    s->ours = -1;
}

static inline void stall_pipe(struct stall *s, int n)
{
    int ends[2];

    stall_nothing(s);
    assert_int_equal(pipe(ends), 0);
    close(s->fd[n]);
    s->fd[n] = ends[1];
    s->ours = ends[0];
}

static inline void stall_stdout(struct stall *s)
{
    stall_pipe(s, 1);
}

static inline void stall_end(struct stall *s)
{
    for (unsigned n = 0; n < 3; n++)
        close(s->fd[n]);
    if (s->ours >= 0)
        close(s->ours);
    if (s->fifo[0])
        unlink(s->fifo);
}

/* @r ended with @code, and said @text on standard error and nothing of its own
 * on standard output. */
static inline void assert_ended(const struct result *r, int code, const char *text)
{
    assert_string_equal(r->out, "");
    assert_contains(r->err, text);
    assert_int_equal(r->code, code);
}
