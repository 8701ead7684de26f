/* Runs on: a57 n1 max; el2 el1. */
/* What is not there: memory behind the end of RAM, registers of EL3, firmware calls without a
 * function, an interrupt to end that is none. */
#include "gic.h"
#include "mmu.h"

#define VA      UINT64_C(0x1000000000)
#define RAM_END UINT64_C(0x60000000) /* 512 MiB, by the runner */

#define FSC_EXTERNAL 0x10 /* synchronous External abort, not on a table walk */

static void memory_behind_ram(void)
{
    unsigned el = current_el();
    uint64_t *root = pt_identity(0);

    context = "behind the end of RAM: ";
    pt_map_pages(root, VA, RAM_END, 4096, PT_NORMAL);
    if (el == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
    taken_clear();
    __asm__ volatile("blr %0" ::"r"(VA + 8) : "x30", "memory");
    check_equal(taken.elr, VA + 8, "ELR of a fetch");
    check_equal(taken.far, VA + 8, "FAR of a fetch");
    check_taken(el, V_CUR_SPX, ESR(EC_IABT_CUR, FSC_EXTERNAL), "a fetch");
    *(volatile uint32_t *)(VA + 16);
    check_equal(taken.far, VA + 16, "FAR of a load");
    check_taken_differs(el, V_CUR_SPX, ESR(EC_DABT_CUR, FSC_EXTERNAL), "a load", "el2-isv");
}

static void registers_of_el3(void)
{
    static const struct {
        uint64_t word;
        const char *name;
    } rows[] = {
        {SYS(3, 6, 1, 0, 0), "SCTLR_EL3"}, {SYS(3, 6, 1, 1, 0), "SCR_EL3"},
        {SYS(3, 6, 12, 0, 0), "VBAR_EL3"}, {SYS(3, 6, 4, 1, 0), "SP_EL2, of EL3"},
        {SYS(3, 6, 1, 3, 1), "MDCR_EL3"},
    };

    context = "EL3: ";
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        for (unsigned el = 0; el <= current_el(); el++) {
            bool higher = el > 0;
            taken_clear();
            run_word_at(el, MRS_WORD(rows[k].word), 0);
            check_taken(higher ? el : 1, higher ? V_CUR_SPX : V_LOWER, ESR(EC_UNKNOWN, 0),
                        rows[k].name);
        }
}

/* 1337 is in a range of no service, the other in that of a vendor's hypervisor. */
static void firmware_calls(void)
{
    context = "SMCCC: ";
    check_equal((uint32_t)psci(1337, 0, 0, 0), (uint32_t)-1, "1337");
    check_equal((uint32_t)psci(0x4b000000, 0, 0, 0), (uint32_t)-1, "0x4b000000");
}

static void end_of_no_interrupt(void)
{
    context = "EOIR: ";
    taken_clear();
    msr(icc_eoir1_el1, SPURIOUS);
    check_equal(mrs(icc_rpr_el1), 0xff, "1023 ends nothing");
    check_none("and is no error");
}

int main(void)
{
    gic_init();
    registers_of_el3();
    firmware_calls();
    end_of_no_interrupt();
    memory_behind_ram();
    return (int)failures;
}
