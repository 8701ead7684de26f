/* Runs on: a57 max; el2 el1; smp 2 4. */
/* SPIs go to the CPU that GICD_IROUTER names, and follow it. */
#include "gic.h"

#define FIRST_SPI 48 /* nothing drives these */

static volatile uint64_t ready[MAX_CPUS], got[MAX_CPUS];

static void sleeper(uint64_t arg)
{
    unsigned me = cpu_index();

    (void)arg;
    gic_init();
    ready[me] = 1;
    for (;;) {
        unsigned intid = gic_take();

        if (intid != SPURIOUS)
            got[me] = intid;
        else
            insn("wfi");
    }
}

int main(void)
{
    unsigned cpus = cpu_count();

    gic_init();
    for (unsigned k = 1; k < cpus; k++) {
        cpu_on(k, sleeper, 0);
        check(wait_for(&ready[k], 1), "CPU is there");
    }
    for (unsigned k = 0; k < 8; k++) {
        unsigned intid = FIRST_SPI + k, to = 1 + k % (cpus - 1);

        gic_group(intid, true);
        gic_priority(intid, 0xa0);
        *(volatile uint64_t *)(GICD_IROUTER + 8 * intid) = to;
        gic_bit(GICD_ISENABLER, intid);
        gic_bit(GICD_ISPENDR, intid);
        check(wait_for(&got[to], intid), "taken by the CPU it is routed to");
        check_equal(gic_take(), SPURIOUS, "not by us");
        *(volatile uint64_t *)(GICD_IROUTER + 8 * intid) = 0;
        gic_bit(GICD_ISPENDR, intid);
        check_equal(gic_take(), intid, "routed to us: taken here");
        check_equal(*(volatile uint64_t *)(GICD_IROUTER + 8 * intid), 0, "IROUTER reads back");
    }
    /* Pending while routed to a CPU, then sent on: the other one takes it. */
    gic_bit(GICD_ICENABLER, FIRST_SPI);
    gic_bit(GICD_ISPENDR, FIRST_SPI);
    *(volatile uint64_t *)(GICD_IROUTER + 8 * FIRST_SPI) = 1;
    gic_bit(GICD_ISENABLER, FIRST_SPI);
    check(wait_for(&got[1], FIRST_SPI), "sent on while pending");
    return (int)failures;
}
