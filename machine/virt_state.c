/* Snapshots of the board: its devices by name, and its disks by number. */
#include <stdio.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "machine/virt.h"

#define VERSION 1

static void device_state(struct state_io *io, const char *name, struct device *dev)
{
    state_section_begin(io, name, VERSION);
    dev->ops->state(io, dev);
    state_section_end(io);
}

void virt_board_state(struct state_io *io, struct virt_board *board)
{
    const struct {
        const char *name;
        struct device *dev;
    } devices[] = {{"uart", &board->uart.dev},
                   {"rtc", &board->rtc.dev},
                   {"gpio", &board->gpio.dev},
                   {"fw_cfg", &board->fw_cfg.dev},
                   {"flash0", &board->flash[0].dev},
                   {"flash1", &board->flash[1].dev},
                   {"secure-uart", &board->secure_uart.dev},
                   {"secure-gpio", &board->secure_gpio.dev},
                   {"smmuv3", &board->smmu.dev},
                   {"tpm", &board->tpm.dev}};

    _Static_assert(ARRAY_SIZE(devices) == 8 + VIRT_FLASHES, "all of them");
    for (size_t n = 0; n < ARRAY_SIZE(devices); n++)
        if (devices[n].dev->ops) /* the board has it */
            device_state(io, devices[n].name, devices[n].dev);
    pci_host_state(io, &board->pci);
    virt_slots_state(io, board);
}

struct disk *virt_board_disk(struct virt_board *board, unsigned n)
{
    if (n < VIRT_FLASHES)
        return board->pflash[n].fd >= 0 ? &board->pflash[n] : NULL;
    n -= VIRT_FLASHES;
    return board->plugged[n] ? virt_plugged_disk(board->plugged[n]) : NULL;
}
