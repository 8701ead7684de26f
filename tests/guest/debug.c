/* Runs on: a57 n1 max; el2 el1. */
/* Software step, hardware breakpoints and watchpoints, BRK, from a lower EL and at the same one. */
#include "guest.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
#define SPSR_SS   BIT(21)
#define MDCR_TDE  BIT(8)

extern char step_code[], step_svc[], step_after_svc[], step_end[], step_ldxr[], bp_code[],
    bp_here[];
__asm__(".text\n"
        "step_code: nop; mov x1, #1; add x1, x1, #1; b 1f; nop; 1: cbz xzr, 2f; nop; 2: nop\n"
        "step_svc: svc #7\n"
        "step_after_svc: nop\n"
        "step_ldxr: ldxr x2, [x0]; nop; clrex; mov x0, x1\n"
        "step_end: ret\n"
        "bp_code: nop\n"
        "bp_here: nop; mov x0, #5; ret\n");

#define STEPS 32
static struct {
    unsigned count, other;
    uint64_t el, offset, caller, other_ss, pc[STEPS], esr[STEPS];
} steps;

static uint64_t step_word;

/* Records each step; stops after the routine's RET. Other exceptions: counted, stepping on. */
static void step_handler(struct frame *f, unsigned el, unsigned offset)
{
    unsigned ec = (unsigned)EC(f->esr);

    if (ec != EC_STEP_LOW && ec != EC_STEP_CUR) {
        steps.other++;
        steps.other_ss |= f->spsr & SPSR_SS;
        return;
    }
    steps.el = el;
    steps.offset = offset;
    f->spsr |= SPSR_SS;
    if (f->elr < (uint64_t)step_code || f->elr > (uint64_t)step_end) {
        if (steps.count && f->elr >= (uint64_t)steps.caller && f->elr < (uint64_t)steps.caller + 64)
            msr(mdscr_el1, 0);
        return;
    }
    if (f->elr == (uint64_t)step_code)
        steps.caller = f->x[30];
    else if (steps.count < STEPS) {
        steps.pc[steps.count] = f->elr;
        steps.esr[steps.count] = f->esr;
        steps.count++;
    }
}

/* The addresses a step stops at, in order, as instruction numbers from step_code. */
static const unsigned expected_pcs[] = {1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14};

static void step_from(unsigned el, unsigned to)
{
    uint64_t spsr = (el ? SPSR_EL1H : SPSR_EL0) & ~BIT(9);
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))step_code;
    unsigned k;

    __builtin_memset(&steps, 0, sizeof(steps));
    guest_handler = step_handler;
    msr(mdscr_el1, MDSCR_SS);
    /* The call itself steps two instructions of enter_el() first. */
    check_equal(call_spsr(spsr | SPSR_SS, fn, (uint64_t)&step_word), 2, "stepped code's result");
    guest_handler = 0;
    msr(mdscr_el1, 0);
    check_equal(steps.el, to, "step: target EL");
    check_equal(steps.offset, V_LOWER, "step: vector");
    check_equal(steps.other, 1, "step: the SVC inside was taken");
    check_equal(steps.other_ss, 0, "step: with SPSR.SS 0");
    for (k = 0; k < steps.count && k < ARRAY_SIZE(expected_pcs); k++) {
        uint64_t pc = steps.pc[k], iss = 0x22;

        check_equal((pc - (uint64_t)step_code) / 4, expected_pcs[k], "step: PC");
        if (pc != (uint64_t)step_after_svc)
            iss |= BIT(24) | (pc == (uint64_t)step_ldxr + 4 ? BIT(6) : 0);
        else /* SoftwareStep_DidNotStep() may say either after an ERET that was not stepped */
            iss |= steps.esr[k] & BIT(24);
        check_equal(steps.esr[k], ESR(EC_STEP_LOW, iss), "step: ESR");
    }
    check_equal(steps.count, ARRAY_SIZE(expected_pcs), "step: number of stops");
}

static uint64_t run_bp(uint64_t arg)
{
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))bp_code;

    return fn(arg);
}

static volatile uint64_t watched[4] __attribute__((aligned(64)));

static uint64_t touch(uint64_t arg)
{
    volatile uint8_t *p = (volatile uint8_t *)watched;

    if (arg & 0x100)
        p[arg & 0xff] = 1;
    else
        (void)p[arg & 0xff];
    return arg;
}

static void breakpoints(unsigned from, unsigned to)
{
    uint64_t pmc = from == 0 ? 2 : from == 1 ? 1 : 0;

    msr(dbgbvr0_el1, bp_here);
    msr(dbgbcr0_el1, pmc << 1 | 0xf << 5 | 1);
    msr(mdscr_el1, MDSCR_MDE);
    taken_clear();
    /* The default handler skips the NOP there. */
    check_equal(call_spsr((from ? SPSR_EL1H : SPSR_EL0) & ~BIT(9), run_bp, 0), 5,
                "breakpoint: result");
    check_equal(taken.elr, (uint64_t)bp_here, "breakpoint: ELR");
    check_taken(to, V_LOWER, ESR(EC_BREAK_LOW, 0x22), "breakpoint");
    msr(dbgbcr0_el1, (3 - pmc) << 1 | 0xf << 5 | 1);
    call_spsr((from ? SPSR_EL1H : SPSR_EL0) & ~BIT(9), run_bp, 0);
    check_none("breakpoint of another EL");
    msr(dbgbcr0_el1, 0);
    msr(mdscr_el1, 0);
}

static void watchpoints(unsigned from, unsigned to)
{
    static const struct {
        unsigned access, lsc, bas;
        bool hit;
    } cases[] = {
        {0x000, 1, 0xff, true},  {0x100, 1, 0xff, false}, {0x100, 2, 0xff, true},
        {0x000, 2, 0xff, false}, {0x103, 3, 0x08, true},  {0x002, 3, 0x08, false},
        {0x108, 3, 0xff, false}, {0x007, 3, 0xff, true},
    };
    uint64_t pac = from == 0 ? 2 : 1;

    msr(mdscr_el1, MDSCR_MDE);
    msr(dbgwvr0_el1, watched);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        msr(dbgwcr0_el1, cases[k].bas << 5 | cases[k].lsc << 3 | pac << 1 | 1);
        taken_clear();
        call_spsr((from ? SPSR_EL1H : SPSR_EL0) & ~BIT(9), touch, cases[k].access);
        if (!cases[k].hit) {
            check_none("watchpoint: no hit");
            continue;
        }
        check_equal(taken.far, (uint64_t)watched + (cases[k].access & 0xff), "watchpoint: FAR");
        check_taken(to, V_LOWER, ESR(EC_WATCH_LOW, 0x22 | (cases[k].access & 0x100 ? BIT(6) : 0)),
                    "watchpoint");
    }
    msr(dbgwcr0_el1, 0);
    msr(mdscr_el1, 0);
}

/* At the same EL: MDSCR_EL1.KDE and PSTATE.D clear. */
static void same_el(unsigned el)
{
    if (el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
    msr(dbgwvr0_el1, watched);
    msr(dbgwcr0_el1, 0xff << 5 | 3 << 3 | (el == 2 ? BIT(13) | 3 << 14 : 1 << 1) | 1);
    msr(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    touch(0);
    check_none("masked by PSTATE.D");
    insn("msr daifclr, #8; isb");
    touch(1);
    insn("msr daifset, #8; isb");
    check_taken(el, V_CUR_SPX, ESR(EC_WATCH_CUR, 0x22), "watchpoint at the same EL");
    msr(mdscr_el1, MDSCR_MDE);
    insn("msr daifclr, #8; isb");
    touch(1);
    insn("msr daifset, #8; isb");
    check_none("no KDE");
    msr(oslar_el1, 1);
    check_equal(mrs(oslsr_el1) & 2, 2, "OS lock");
    msr(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    insn("msr daifclr, #8; isb");
    touch(1);
    insn("msr daifset, #8; isb");
    check_differs(taken.count, 0, "OS lock: no debug exceptions", "os-lock");
    taken_clear();
    msr(oslar_el1, 0);
    if (FIELD(mrs(id_aa64dfr0_el1), 39, 36) == 0) { /* FEAT_DoubleLock */
        msr(osdlr_el1, 1);
        insn("msr daifclr, #8; isb");
        touch(1);
        insn("msr daifset, #8; isb");
        check_differs(taken.count, 0, "OS double lock: no debug exceptions", "os-lock");
        taken_clear();
        msr(osdlr_el1, 0);
    }
    msr(dbgwcr0_el1, 0);
    msr(mdscr_el1, 0);
    if (el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
}

int main(void)
{
    unsigned el = current_el();

    context = "EL0 by EL1: ";
    step_from(0, 1);
    breakpoints(0, 1);
    watchpoints(0, 1);
    if (el == 2) {
        msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
        context = "EL1 by EL2: ";
        step_from(1, 2);
        breakpoints(1, 2);
        watchpoints(1, 2);
        context = "EL0 by EL2: ";
        breakpoints(0, 2);
        watchpoints(0, 2);
        call_el(1, run_bp, 0);
        run_word_at(1, 0xd4200020, 0);
        check_taken(2, V_LOWER, ESR(EC_BRK, 1), "BRK with TDE");
        msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
    }
    context = "same EL: ";
    same_el(el);
    context = "";
    return (int)failures;
}
