/* Built without SDL: there are no windows. */
#include "window.h"

struct window *window_open(bool listens, bool absolute, const char **why)
{
    (void)listens, (void)absolute;
    *why = "this was built without SDL2 (libsdl2-dev)";
    return NULL;
}

void window_close(struct window *w)
{
    (void)w;
}

void window_start(struct window *w, struct arm_machine *m)
{
    (void)w, (void)m;
}

void window_poll(struct window *w)
{
    (void)w;
}

bool window_idle(struct window *w, uint64_t next_ns)
{
    (void)w, (void)next_ns;
    return false;
}
