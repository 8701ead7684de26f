/* Runs on: a57 n1 max; el2 el1. */
/* Illegal exception returns and PSTATE.IL. */
#include "guest.h"

static uint64_t landed;

/* ERET with this SPSR from the current EL; whether the instruction there was executed. */
static void eret_with(uint64_t spsr)
{
    uint64_t pc;

    landed = 0;
    if (current_el() == 2) {
        __asm__ volatile("adr %0, 1f; msr elr_el2, %0; msr spsr_el2, %1; isb; eret; 1: nop"
                         : "=&r"(pc)
                         : "r"(spsr)
                         : "memory");
    } else {
        __asm__ volatile("adr %0, 1f; msr elr_el1, %0; msr spsr_el1, %1; isb; eret; 1: nop"
                         : "=&r"(pc)
                         : "r"(spsr)
                         : "memory");
    }
    landed = pc;
}

static void illegal(uint64_t spsr, const char *what)
{
    unsigned el = current_el();

    taken_clear();
    eret_with(spsr);
    check_equal(taken.elr, landed, "ELR is where it returned to");
    check_equal(taken.spsr & BIT(20), BIT(20), "SPSR.IL");
    check_equal(taken.spsr & 0x1f, (uint64_t)el << 2 | 1, "EL and SP are unchanged");
    check_equal(taken.spsr & UINT64_C(0xf00003c0), spsr & UINT64_C(0xf00003c0),
                "NZCV and DAIF are SPSR's");
    check_taken(el, V_CUR_SPX, ESR(EC_ILLEGAL, 0), what);
}

static uint64_t nop(uint64_t arg)
{
    insn("nop");
    return arg;
}

/* Leaves EL0 or EL1 with IL cleared. */
static void il_set(unsigned el)
{
    uint64_t spsr = (el ? SPSR_EL1H : SPSR_EL0) | BIT(20);

    taken_clear();
    call_spsr(spsr, nop, 0);
    check_taken(1, el ? V_CUR_SPX : V_LOWER, ESR(EC_ILLEGAL, 0), "SPSR.IL of a legal return");
}

int main(void)
{
    unsigned el = current_el();

    illegal(0x3cd | 0x60000000, "return to EL3");
    illegal(0x3c1, "return to EL0 with SP_ELx");
    illegal(0x3c2 | (uint64_t)el << 2, "M[1] set");
    if (el == 1) {
        illegal(0x3c9, "return to EL2 from EL1");
    } else {
        msr(hcr_el2, HCR_RW | HCR_TGE);
        illegal(0x3c5, "return to EL1 with TGE");
        msr(hcr_el2, HCR_RW);
        il_set(1);
    }
    il_set(0);
    return (int)failures;
}
