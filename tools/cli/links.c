#include "links.h"

#include <unistd.h>

#include "console.h"

/* Polls between two looks at the host. */
#define POLL_SLICES 16

void links_add(struct links *all, struct console *c)
{
    if (c->link && all->count < LINKS_MAX)
        all->rows[all->count++] = c;
}

void links_start(struct links *all, struct arm_machine *m)
{
    for (unsigned k = 0; k < all->count; k++)
        all->rows[k]->machine = m;
}

static bool look(struct links *all)
{
    bool taken = false;

    for (unsigned k = 0; k < all->count; k++)
        taken |= console_look_at_link(all->rows[k]);
    return taken;
}

bool links_poll(struct links *all)
{
    bool waiting = false;

    for (unsigned k = 0; k < all->count; k++)
        waiting |= all->rows[k]->pending.count != 0;
    if (all->skip && !waiting) {
        all->skip--;
        return false;
    }
    all->skip = POLL_SLICES;
    return look(all);
}

bool links_idle(struct links *all, const struct console *input, unsigned wait_max_ms)
{
    struct pollfd fds[LINKS_MAX * LINK_FDS_MAX + 1];
    unsigned count = 0;

    if (look(all))
        return true;
    for (unsigned k = 0; k < all->count; k++)
        count += link_fill(all->rows[k]->link, &fds[count]);
    if (input->input && !input->eof)
        fds[count++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    poll(fds, count, (int)wait_max_ms);
    return look(all);
}
