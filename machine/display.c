/* What the guest shows, for the C API. */
#include "devices/display.h"
#include "machine/machine.h"

bool arm_display_get(const struct arm_machine *m, struct arm_display *d)
{
    struct display shown;

    if (!display_show(&m->board.displays, &shown))
        return false;
    *d = (struct arm_display){shown.width, shown.height, shown.changes};
    return true;
}

bool arm_display_read(const struct arm_machine *m, uint32_t *pixels, size_t count)
{
    struct display shown;

    if (!display_show(&m->board.displays, &shown) || (size_t)shown.width * shown.height != count)
        return false;
    display_read(&shown, pixels);
    return true;
}
