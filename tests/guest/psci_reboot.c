/* Runs on: a57 max; el2 el1; reboots. */
/* SYSTEM_RESET, and where there is one SYSTEM_RESET2: the program is as in its file, devices and
 * CPU are reset, and what no file covers is still in RAM, in flash memory and on the clock. */
#include "gic.h"

#define PSCI_SYSTEM_RESET2 UINT64_C(0xc4000012)

#define RTCDR (UINT64_C(0x09010000) + 0x0)
#define RTCLR (UINT64_C(0x09010000) + 0x8)
#define FLASH UINT64_C(0x04000000)
#define FAR   UINT64_C(0x50000000) /* in RAM, behind all that is loaded */
#define DTB   UINT64_C(0x40000000)

struct kept {
    uint64_t magic, resets, ticks, failures, far[4096];
};
#define kept  ((volatile struct kept *)FAR)
#define MAGIC UINT64_C(0x5ca1ab1e0ddba11)

static volatile uint64_t data = 1234, bss;

static void flash_write(uint32_t word)
{
    static const uint32_t commands[] = {0x00200020, 0x00d000d0, 0x00400040};

    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++)
        wr32(FLASH, commands[k]);
    wr32(FLASH, word);
    wr32(FLASH, 0x00ff00ff);
}

static void as_at_the_first_boot(void)
{
    check_equal(data, 1234, "data as in the file");
    check_equal(bss, 0, "zeros as in the file");
    check_equal(rd32(DTB), 0xedfe0dd0, "the device tree's magic");
    check_equal(rd32(GICD_CTLR) & 3, 0, "the distributor is off");
    check_equal(rd32(GICD_ISENABLER + 4), 0, "and no interrupt is enabled");
    check_equal(mrs(cntp_ctl_el0) & 1, 0, "the timer is off");
    check_equal(mrs(tpidr_el1), 0, "a register of EL1");
}

static void spoil(void)
{
    data = bss = 99;
    wr32(DTB, 0);
    wr32(GICD_CTLR, 0x13);
    wr32(GICD_ISENABLER + 4, 2);
    msr(cntp_cval_el0, UINT64_MAX);
    msr(cntp_ctl_el0, 1);
    msr(tpidr_el1, 55);
    kept->ticks = now();
    kept->failures += failures;
}

static void kept_over_the_reset(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(kept->far); k++)
        if (kept->far[k] != k * MAGIC) {
            check_equal(kept->far[k], k * MAGIC, "RAM that no file covers");
            break;
        }
    check_equal(rd32(FLASH), 0xb0070001, "flash memory");
    check(rd32(RTCDR) - 1000 < 60, "the clock as it was set");
    check(now() > kept->ticks, "the counter goes on");
}

int main(void)
{
    bool reset2 = (int32_t)psci(PSCI_FEATURES, PSCI_SYSTEM_RESET2, 0, 0) == 0;

    as_at_the_first_boot();
    if (kept->magic != MAGIC) {
        flash_write(0xb0070001);
        wr32(RTCLR, 1000);
        for (unsigned k = 0; k < ARRAY_SIZE(kept->far); k++)
            kept->far[k] = k * MAGIC;
        kept->resets = kept->failures = 0;
        kept->magic = MAGIC;
    } else {
        kept->resets++;
    }
    kept_over_the_reset();
    spoil();
    if (kept->resets == 0)
        psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    else if (kept->resets == 1)
        psci(reset2 ? PSCI_SYSTEM_RESET2 : PSCI_SYSTEM_RESET, 0, 0, 0);
    return (int)kept->failures;
}
