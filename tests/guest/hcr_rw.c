/* Runs on: a57 n1 max; el2. */
/* HCR_EL2.RW is RAO/WI where EL1 has AArch64 only, as here on every model. */
#include "guest.h"

static uint64_t landed;

static uint64_t at_el1(uint64_t arg)
{
    landed = arg;
    return arg;
}

int main(void)
{
    uint64_t hcr = mrs(hcr_el2);

    msr(hcr_el2, hcr & ~HCR_RW);
    check_differs(mrs(hcr_el2) & HCR_RW, HCR_RW, "RW after a write of 0", "hcr-rw");
    if (mrs(hcr_el2) & HCR_RW) {
        call_el(1, at_el1, 7);
        check_equal(landed, 7, "return to AArch64 EL1");
        check_none("no Illegal Execution state");
    }
    msr(hcr_el2, hcr);
    return (int)failures;
}
