#include "qemu_fdset.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"

static struct qemu_fd *row(struct qemu *q)
{
    return &q->fdsets.rows[q->fdsets.count];
}

static bool set_fd(struct qemu *q, const char *value)
{
    if (!parse_number(value, 3, INT_MAX, &row(q)->fd) || fcntl((int)row(q)->fd, F_GETFD) < 0)
        return qemu_bad("-add-fd fd=%s: expected an open descriptor, above standard error's",
                        value);
    return true;
}

static bool set_set(struct qemu *q, const char *value)
{
    return parse_number(value, 0, INT_MAX, &row(q)->set) ||
           qemu_bad("-add-fd set=%s: expected a number", value);
}

PROPERTY_TEXT(set_opaque, row(q)->opaque)

static const struct property fd_properties[] = {
    {"fd", "N", set_fd, NULL},
    {"set", "N", set_set, NULL},
    {"opaque", "TEXT", set_opaque, NULL}, /* for who asks by QMP */
};

bool qemu_add_fd(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *fd = properties_find(value, "fd", "fd");
    g_autofree char *set = properties_find(value, "fd", "set");

    if (!fd || !set)
        return qemu_bad("-%s %s: expected fd=N,set=N", option, value);
    if (q->fdsets.count == QEMU_FDS_MAX)
        return qemu_bad("-%s: more than %d of them", option, QEMU_FDS_MAX);
    if (!properties_set(q, option, value, NULL, fd_properties, G_N_ELEMENTS(fd_properties)))
        return false;
    q->fdsets.count++;
    return true;
}

/* Differs: of a set the first descriptor is opened, whatever it was opened for. */
static const struct qemu_fd *find(const struct qemu *q, uint64_t set)
{
    for (unsigned k = 0; k < q->fdsets.count; k++)
        if (q->fdsets.rows[k].set == set)
            return &q->fdsets.rows[k];
    return NULL;
}

/* NULL: @word names none. */
static char *with_paths(const struct qemu *q, const char *word)
{
    static const char stem[] = "/dev/fdset/";
    const char *at = strstr(word, stem);
    GString *to = at ? g_string_new(NULL) : NULL;

    for (; at; at = strstr(word, stem)) {
        char *end;
        const char *digits = at + sizeof(stem) - 1;
        const struct qemu_fd *f =
            g_ascii_isdigit(*digits) ? find(q, g_ascii_strtoull(digits, &end, 10)) : NULL;
        g_string_append_len(to, word, at - word);
        if (f)
            g_string_append_printf(to, "/proc/self/fd/%d", (int)f->fd);
        else
            g_string_append(to, stem);
        word = f ? end : digits;
    }
    return to ? g_string_free(g_string_append(to, word), FALSE) : NULL;
}

void qemu_fdsets_name(struct qemu *q, GPtrArray *words)
{
    for (guint k = 0; k + 1 < words->len; k++) {
        char *path = with_paths(q, words->pdata[k]);
        if (path)
            words->pdata[k] = (char *)qemu_keep(q, path);
    }
}
