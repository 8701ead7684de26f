/*
 * Lines of the MMU sweep's report. What is hidden when the other machine is QEMU 7.2 (P_QUIRKS;
 * P_QUIRKS10: newer too):
 * - PAR_EL1.SH of Device and Non-cacheable memory is always Outer Shareable
 * (PAREncodeShareability()); QEMU 7.2 gives the descriptor's.
 * - Normal memory of one stage and Device of the other give that Device type; QEMU takes the low
 *   nibble of the Normal type for a Device type too.
 * - Stage 1 that is off makes Device memory Outer Shareable, also when stage 2 makes it Normal
 * (FWB).
 * - The level of a stage-2 fault on a stage-1 table is stage 2's; QEMU 7.2 gives stage 1's, and
 * newer ones do so for the fault that HCR_EL2.PTW makes.
 * - ESR_EL2.ISV is for stage 2 only; QEMU 7.2 sets it for stage 1 of EL2 too.
 * - An IPA beyond the input size of stage 2 faults at level 0; QEMU 7.2 says the start level.
 * - FAR_ELx of an External abort is the access's address; QEMU's that of the part it was doing.
 */
#include "mmu_sweep.h"

uint64_t s1_par;

bool completed(void)
{
    if (outcome.esr2 == 0x5a000010 || outcome.esr2 == 0x5a000022)
        return true;
    if (outcome.esr2 == 0x56000010 || outcome.esr2 == 0x56000022)
        return true;
    return outcome.vector1 != ~UINT64_C(0) && outcome.esr2 == 0x5a000100 &&
           (outcome.esr1 == 0x56000010 || outcome.esr1 == 0x56000022);
}

void put_key(unsigned n, const char *what, unsigned el)
{
    static const char *const regime[] = {"s1", "s12", "s2", "el2", "el20"};
    static const char *const from[] = {"@0", "@1", "@2"};

    put(regime[config.regime]);
    put(".");
    put_hex(config_number);
    put(".");
    put_hex(n);
    put(" ");
    put(what);
    put(from[el]);
}

static bool out_of_range(uint64_t ipa)
{
    return config.s2.stage2 && ipa >> config.s2.ia_bits;
}

uint64_t shown_par(uint64_t par, bool both)
{
    bool device = !(par & 1) && par >> 60 == 0;

    if ((flags & P_QUIRKS) && !(par & 1) && (device || par >> 56 == 0x44))
        par &= ~UINT64_C(0x180);
    if ((flags & P_QUIRKS10) && both && !(par & 1) && config.regime == EL10_S2)
        par &= ~UINT64_C(0x180);
    if ((flags & P_QUIRKS10) && both && device && s1_par >> 56 &&
        (!(s1_par >> 60) || (s1_par >> 56 & 15) == 4 || (s1_par >> 56 & 15) == 8))
        par &= MASK(55, 0);
    if ((flags & P_QUIRKS) && (par & 0x101) == 0x101) {
        if ((par & 0x7e) >= 0x52) /* level -1 */
            par = (par & ~UINT64_C(0x7e)) | ((par & 0x7e) == 0x56 ? 8 : 0);
        par &= ~UINT64_C(6);
    }
    if ((flags & P_QUIRKS10) && (par & 0x359) == 0x319 && (config.hcr & BIT(2)))
        par &= ~UINT64_C(6);
    if ((flags & P_QUIRKS) && (par & 0x379) == 0x209 && out_of_range(s1_par & MASK(51, 12)))
        par &= ~UINT64_C(6);
    return par;
}

static uint64_t shown_esr(uint64_t esr)
{
    unsigned ec = (unsigned)(esr >> 26) & 63;

    if ((flags & P_QUIRKS) && (ec == 0x25 || (ec == 0x24 && config_el2_regime())))
        esr &= ~MASK(24, 14);
    if ((flags & P_QUIRKS) && (ec == 0x20 || ec == 0x24) && (esr & 0x80)) {
        if ((esr & 0x3f) >= 0x29)
            esr = (esr & ~UINT64_C(0x3f)) | ((esr & 0x3f) == 0x2b ? 4 : 0);
        esr &= ~UINT64_C(3);
    }
    if ((flags & P_QUIRKS10) && (ec == 0x20 || ec == 0x24) && (esr & 0xbc) == 0x8c &&
        (config.hcr & BIT(2)))
        esr &= ~UINT64_C(3);
    if ((flags & P_QUIRKS) && (ec == 0x20 || ec == 0x24) && (esr & 0x3c) == 4 &&
        out_of_range(outcome.hpfar << 8))
        esr &= ~UINT64_C(3);
    return esr;
}

static bool hpfar_valid(uint64_t esr)
{
    unsigned ec = (unsigned)(esr >> 26) & 63, fsc = (unsigned)esr & 0x3f;

    if (!config.s2.stage2 || (ec != 0x20 && ec != 0x24))
        return false;
    return fsc < 12 || (fsc < 16 && (esr & BIT(7))) || fsc == 0x29 || fsc == 0x2b;
}

static uint64_t shown_far(uint64_t far, uint64_t esr)
{
    bool abort = (esr >> 26 & 0x38) == 0x20;

    return (flags & P_QUIRKS10) && abort && (esr & 0x3f) == 0x10 ? far & ~UINT64_C(63) : far;
}

void put_exception(void)
{
    if (outcome.vector1 != ~UINT64_C(0)) {
        put(" EL1+");
        put_hex(outcome.vector1);
        put(" ESR ");
        put_hex(outcome.esr1);
        put(" FAR ");
        put_hex(shown_far(outcome.far1, outcome.esr1));
        if (outcome.esr2 == 0x5a000100)
            return;
    }
    put(" EL2+");
    put_hex(outcome.vector2);
    put(" ESR ");
    put_hex(shown_esr(outcome.esr2));
    put(" FAR ");
    put_hex(shown_far(outcome.far2, outcome.esr2));
    if (hpfar_valid(outcome.esr2)) {
        put(" HPFAR ");
        put_hex(outcome.hpfar);
    }
}
