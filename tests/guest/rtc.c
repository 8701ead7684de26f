/* Runs on: a57 max; el2 el1. */
/* The PL031 as software that tests one expects it: identification, registers that ignore writes of
 * every size, a match after a second, the interrupt's mask, and its end. */
#include "gic.h"

#define RTC       UINT64_C(0x09010000)
#define RTC_DR    (RTC + 0x00)
#define RTC_MR    (RTC + 0x04)
#define RTC_IMSC  (RTC + 0x10)
#define RTC_RIS   (RTC + 0x14)
#define RTC_MIS   (RTC + 0x18)
#define RTC_ICR   (RTC + 0x1c)
#define RTC_ID    (RTC + 0xfe0)
#define INTID_RTC 34

static void identification(void)
{
    static const uint8_t id[] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    context = "identification: ";
    for (unsigned k = 0; k < ARRAY_SIZE(id); k++)
        check_equal(rd32(RTC_ID + 4 * k), id[k], "PeriphID, PCellID");
}

static void ignores_writes(uint64_t addr)
{
    uint32_t before = rd32(addr);

    *(volatile uint8_t *)addr = 0xef;
    *(volatile uint16_t *)addr = 0xbeef;
    wr32(addr, 0xdeadbeef);
    check_equal(*(volatile uint8_t *)addr, before & 0xff, "a byte");
    check_equal(*(volatile uint16_t *)addr, before & 0xffff, "a halfword");
    check_equal(rd32(addr), before, "a word");
}

static void read_only(void)
{
    context = "read-only: ";
    ignores_writes(RTC_RIS);
    ignores_writes(RTC_MIS);
    for (unsigned k = 0; k < 8; k++)
        ignores_writes(RTC_ID + 4 * k);
}

static void match(void)
{
    uint32_t second = rd32(RTC_DR);
    uint64_t start = now();

    context = "match: ";
    gic_bit(GICD_ISENABLER, INTID_RTC);
    wr32(RTC_MR, second + 1);
    wr32(RTC_IMSC, 1);
    check_equal(rd32(RTC_RIS), 0, "not yet");
    while (!gic_test(GICD_ISPENDR, INTID_RTC) && now() - start < 2 * mrs(cntfrq_el0))
        insn("wfi");
    check(now() - start <= mrs(cntfrq_el0) + mrs(cntfrq_el0) / 10, "within a second");
    check_equal(rd32(RTC_DR), second + 1, "RTCDR is the second");
    check_equal(rd32(RTC_RIS), 1, "RTCRIS");
    check_equal(rd32(RTC_MIS), 1, "RTCMIS");

    wr32(RTC_IMSC, 0);
    check_equal(rd32(RTC_RIS), 1, "RTCRIS, masked");
    check_equal(rd32(RTC_MIS), 0, "RTCMIS, masked");
    check(!gic_test(GICD_ISPENDR, INTID_RTC), "masked, it is not signalled");
    wr32(RTC_IMSC, 1);
    check(gic_test(GICD_ISPENDR, INTID_RTC), "unmasked, it is again");
    wr32(RTC_ICR, ~UINT32_C(1));
    check_equal(rd32(RTC_RIS), 1, "RTCRIS, of which no bit was cleared");
    wr32(RTC_ICR, 1);
    check_equal(rd32(RTC_RIS), 0, "RTCRIS, cleared");
    check_equal(rd32(RTC_MIS), 0, "RTCMIS, cleared");
    check(!gic_test(GICD_ISPENDR, INTID_RTC), "cleared, it is not signalled");
}

int main(void)
{
    gic_init();
    if (current_el() == 2)
        msr(hcr_el2, mrs(hcr_el2) | HCR_IMO); /* WFI waits for it */
    identification();
    read_only();
    match();
    return (int)failures;
}
