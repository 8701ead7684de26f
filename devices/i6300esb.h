/*
 * The watchdog timer of Intel's 6300ESB I/O Controller Hub, as a PCI function (its datasheet,
 * "Watchdog Timer", D29:F4): two stages, of which the second ends in a reset.
 */
#pragma once

#include "base/clock.h"
#include "devices/pci.h"

struct i6300esb_config {
    unsigned unit; /* in its event's name */
    struct clock *clock;
    /* Where its pin WDT_TOUT# leads: reset the machine, or switch it off. NULL: nowhere. */
    void (*power)(void *ctx, bool restart);
    void *power_ctx;
    bool restart;
};

struct i6300esb {
    struct pci_function function; /* first */
    struct i6300esb_config config;
    uint32_t preload[2];
    uint8_t stage;          /* 0: the timer is stopped; 1, 2 */
    uint8_t unlocked;       /* how far the sequence that unlocks a register has come: 0, 1, 2 */
    bool interrupt;         /* the first stage has ended */
    bool timed_out;         /* and the second, even if that was before the last reset */
    struct clock_event end; /* of the stage */
};

/* Must not move afterwards. */
void i6300esb_init(struct i6300esb *w, const struct i6300esb_config *config,
                   const struct arm_log *log);
