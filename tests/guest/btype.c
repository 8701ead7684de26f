/* Runs on: n1 max; el2 el1. */
/* PSTATE.BTYPE in SPSR_ELx, of exceptions for which the manual says what it is, behind an indirect
 * branch: AArch64.TakeException(), Unpredictable_ZEROBTYPE. In pages that are not guarded, and BRK
 * in one that is. */
#include "mmu.h"

#define BTYPE(spsr) FIELD(spsr, 11, 10)
#define GP          BIT(50)
#define MDCR_TDE    BIT(8)
#define MDSCR_SS    BIT(0)
#define SPSR_SS     BIT(21)
#define SPSR_D      BIT(9)

extern char brk_code[], br_code[];
__asm__(".text\n"
        ".balign 4096\n"                    /* a page of its own: guarded later */
        "brk_code: brk #1; hint #38; ret\n" /* BTI jc behind the BRK: the handler returns to it */
        ".balign 4096\n"
        "br_code: br x0\n");

enum how { JUMP, JUMP_IP, CALL, BY_RET };
static const char *const names[] = {"BR X9: ", "BR X16: ", "BLR: ", "RET: "};

static void go(enum how how, uint64_t to)
{
    switch (how) {
    case JUMP:
        __asm__ volatile("mov x9, %0; adr x30, 1f; br x9; 1:" ::"r"(to) : "x9", "x30", "memory");
        break;
    case JUMP_IP:
        __asm__ volatile("mov x16, %0; adr x30, 1f; br x16; 1:" ::"r"(to) : "x16", "x30", "memory");
        break;
    case CALL:
        __asm__ volatile("mov x9, %0; blr x9" ::"r"(to) : "x9", "x30", "memory");
        break;
    case BY_RET:
        __asm__ volatile("mov x9, %0; adr x30, 1f; ret x9; 1:" ::"r"(to) : "x9", "x30", "memory");
        break;
    }
}

/* What the branch leaves in BTYPE, from a page that is not guarded. */
static unsigned btype_of(enum how how)
{
    bool bti = FIELD(mrs(id_aa64pfr1_el1), 3, 0)
    != 0;
    static const unsigned btype[] = {[JUMP] = 1, [JUMP_IP] = 1, [CALL] = 2, [BY_RET] = 0};

    return bti ? btype[how] : 0;
}

static void expect(enum how how, uint64_t to, uint64_t esr, const char *what)
{
    context = names[how];
    taken_clear();
    go(how, to);
    check_equal(BTYPE(taken.spsr), btype_of(how), "SPSR.BTYPE");
    check_equal(taken.elr, to, "ELR");
    check_taken(current_el(), V_CUR_SPX, esr, what);
}

/* Twice: the second time the code has been decoded. */
static void breaks(void)
{
    for (unsigned k = 0; k < 2; k++)
        for (enum how how = JUMP; how <= BY_RET; how++)
            expect(how, (uint64_t)brk_code, ESR(EC_BRK, 1), "BRK");
}

/* PSTATE.BTYPE is what it was when the branch's target is not executed at all. */
static void targets_not_executed(void)
{
    for (enum how how = JUMP; how <= BY_RET; how++) {
        context = names[how];
        taken_clear();
        go(how, (uint64_t)brk_code + 6);
        check_equal(BTYPE(taken.spsr), btype_of(how), "SPSR.BTYPE");
        check_taken(current_el(), V_CUR_SPX, ESR(EC_PC_ALIGN, 0), "target not aligned");
        go(how, UINT64_C(0x3f00000000));
        check_equal(BTYPE(taken.spsr), btype_of(how), "SPSR.BTYPE");
        check_taken(current_el(), V_CUR_SPX, ESR(EC_IABT_CUR, 5), "target not mapped");
    }
}

static uint64_t step_spsr = ~UINT64_C(0), brk_spsr;

static void step_handler(struct frame *f, unsigned el, unsigned offset)
{
    (void)el, (void)offset;
    if (EC(f->esr) == EC_BRK) {
        brk_spsr = f->spsr;
        f->elr += 4;
    } else if (f->elr == (uint64_t)brk_code) {
        step_spsr = f->spsr;
    } else if (f->elr == (uint64_t)brk_code + 8) {
        msr(mdscr_el1, 0);
    }
    f->spsr |= SPSR_SS;
}

/* BR and BRK at a lower EL, each stepped: the step behind BR saves BTYPE and gives it to BRK. */
static void steps(unsigned el)
{
    uint64_t spsr = el == 2 ? SPSR_EL1H : SPSR_EL0;

    context = "stepped BR: ";
    if (el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
    guest_handler = step_handler;
    msr(mdscr_el1, MDSCR_SS);
    call_spsr((spsr & ~SPSR_D) | SPSR_SS, (uint64_t(*)(uint64_t))br_code, (uint64_t)brk_code);
    msr(mdscr_el1, 0);
    guest_handler = 0;
    if (el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
    check_equal(step_spsr & SPSR_SS, 0, "the step behind BR");
    check_equal(BTYPE(step_spsr), btype_of(JUMP), "SPSR.BTYPE of the step behind BR");
    check_equal(BTYPE(brk_spsr), btype_of(JUMP), "SPSR.BTYPE of the BRK stepped next");
    taken_clear();
}

static void map_code(uint64_t *root, uint64_t attr)
{
    *pt_entry(root, (uint64_t)brk_code, 3) = (uint64_t)brk_code | PT_NORMAL | PT_TABLE | attr;
    if (current_el() == 2)
        insn("dsb sy; tlbi alle2; dsb sy; isb");
    else
        insn("dsb sy; tlbi vmalle1; dsb sy; isb");
}

int main(void)
{
    unsigned el = current_el();
    uint64_t *root = pt_identity(0);

    breaks();
    steps(el);
    map_code(root, 0);
    if (el == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
    breaks();
    targets_not_executed();
    map_code(root, GP); /* BRK has priority over the Branch Target exception */
    breaks();
    context = "";
    return (int)failures;
}
