/* Runs on: a57 n1 max; el2 el1. */
/* Software step beyond one instruction after another (debug.c): a program that steps itself; and a
 * guest at EL1 and EL0 stepped from EL2 through calls, faults, exception returns and addresses that
 * cannot be fetched, with breakpoints and watchpoints on the way. */
#include "guest.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
#define SPSR_SS   BIT(21)
#define MDCR_TDE  BIT(8)

/* What debug exceptions stopped at: the EC, and SPSR.SS (1 at anything but a finished step). */
#define STOPS 64
struct stop {
    uint64_t pc;
    unsigned ec;
    bool ss;
};
static struct {
    unsigned count, el, offset;
    struct stop stop[STOPS];
    uint64_t esr[STOPS];
} stops;

static void record(const struct frame *f, unsigned el, unsigned offset)
{
    struct stop *s = &stops.stop[stops.count];

    stops.el = el;
    stops.offset = offset;
    if (stops.count == STOPS)
        return;
    *s = (struct stop){f->elr, (unsigned)EC(f->esr), f->spsr & SPSR_SS};
    stops.esr[stops.count++] = f->esr;
}

static void check_stops(const struct stop *expected, unsigned count, const char *const *names,
                        const char *row)
{
    for (unsigned k = 0; k < count && k < stops.count; k++) {
        const struct stop *s = &stops.stop[k];
        if (s->pc == expected[k].pc && s->ec == expected[k].ec && s->ss == expected[k].ss) {
            check(true, names[k]);
            continue;
        }
        check_equal(s->pc, expected[k].pc, names[k]);
        check_equal(s->ec, expected[k].ec, "its EC");
        check_equal(s->ss, expected[k].ss, "its SPSR.SS");
    }
    if (row)
        check_differs(stops.count, count, "number of stops", row);
    else
        check_equal(stops.count, count, "number of stops");
}

/* A program that steps itself. */
extern char self_code[], self_first[], self_off[];
__asm__(".text\n"
        "self_code: msr daifclr, #8\n"
        "self_first: nop; nop\n"
        "self_off: msr daifset, #8\n"
        "nop; ret\n");

static void self_handler(struct frame *f, unsigned el, unsigned offset)
{
    record(f, el, offset);
    f->spsr |= SPSR_SS;
}

static void step_oneself(unsigned el)
{
    void (*fn)(void) = (void (*)(void))self_code;
    const struct stop expected[] = {
        {(uint64_t)self_first, EC_STEP_CUR, false},
        {(uint64_t)self_first + 4, EC_STEP_CUR, false},
        {(uint64_t)self_off, EC_STEP_CUR, false},
        /* Which is not stopped behind. */
    };
    static const char *const names[] = {"unmasked", "one on", "at the mask"};

    context = "steps itself: ";
    stops.count = 0;
    guest_handler = self_handler;
    msr(mdscr_el1, MDSCR_SS | MDSCR_KDE);
    fn();
    msr(mdscr_el1, 0);
    check_stops(expected, ARRAY_SIZE(expected), names, "step-mask");
    check_equal(stops.el, el, "target");
    check_equal(stops.offset, V_CUR_SPX, "vector");
    stops.count = 0;
    msr(mdscr_el1, MDSCR_SS);
    fn();
    msr(mdscr_el1, 0);
    check_equal(stops.count, 0, "not without KDE");
    guest_handler = 0;
}

/* A step that is pending when the program is entered, after one of a Load-Exclusive: it does not
 * know what was stepped, or that it was not a Load-Exclusive. */
extern char ex_code[], ex_behind[];
__asm__(".text\n"
        "ex_code: ldxr x2, [x0]\n"
        "ex_behind: clrex; ret\n");

static uint64_t ex_word;

static void pending_handler(struct frame *f, unsigned el, unsigned offset)
{
    f->spsr |= SPSR_SS;
    if (stops.count == 0 && f->elr != (uint64_t)ex_behind)
        return;
    record(f, el, offset);
    msr(mdscr_el1, 0);
}

static void pending_at_once(void)
{
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))ex_code;

    context = "pending: ";
    stops.count = 0;
    guest_handler = pending_handler;
    msr(mdscr_el1, MDSCR_SS);
    call_spsr((SPSR_EL0 & ~BIT(9)) | SPSR_SS, fn, (uint64_t)&ex_word);
    msr(mdscr_el1, MDSCR_SS);
    call_spsr(SPSR_EL0 & ~BIT(9), fn, (uint64_t)&ex_word);
    guest_handler = 0;
    check_equal(stops.count, 2, "number of stops");
    check_equal(stops.esr[0], ESR(EC_STEP_LOW, BIT(24) | BIT(6) | 0x22), "behind LDXR");
    check_equal(stops.esr[1] & ~BIT(24), ESR(EC_STEP_LOW, 0x22), "before the first instruction");
    check(stops.stop[1].pc < (uint64_t)ex_code || stops.stop[1].pc > (uint64_t)ex_behind,
          "which is not the program's own");
}

/* A guest stepped by its hypervisor, with its own vectors. g_watched is in X1; X9 an address that
 * cannot be fetched. */
extern char g_vectors[], g_v_cur[], g_v_low[], g_code[], g_after_svc[], g_undef[], g_after_undef[],
    g_brk[], g_after_brk[], g_load[], g_smc[], g_bad[], g_after_bad[], g_eret[], g_el0[],
    g_el0_svc[], g_end[];
__asm__(".text\n"
        ".balign 2048\n"
        "g_vectors: .balign 512\n"
        ".space 512\n"
        "g_v_cur: eret\n" /* synchronous, from EL1 */
        ".balign 512\n"
        "g_v_low: b g_end\n" /* from EL0 */
        ".balign 2048\n"
        "g_code: svc #1\n"
        "g_after_svc: nop\n"
        "g_undef: .inst 0\n"
        "g_after_undef: nop\n"
        "g_brk: brk #3\n"
        "g_after_brk: nop\n"
        "g_load: ldr x2, [x1]\n"
        "g_smc: nop; smc #0\n"
        "g_bad: br x9\n"
        "g_after_bad: nop\n"
        "g_eret: eret\n"
        "g_el0: nop\n"
        "g_el0_svc: svc #2\n"
        "g_end: hvc #0xfff\n");

static uint64_t g_watched, bad_address;

/* Goes on behind what faulted in the guest; ends at g_end. */
static void hypervisor(struct frame *f, unsigned el, unsigned offset)
{
    unsigned ec = (unsigned)EC(f->esr);

    if (f->elr < (uint64_t)g_vectors || f->elr > (uint64_t)g_end) {
        if (f->elr != bad_address) {
            f->spsr |= SPSR_SS; /* before the guest's own code */
            return;
        }
    }
    record(f, el, offset);
    f->spsr |= SPSR_SS;
    if (f->elr == (uint64_t)g_end)
        msr(mdscr_el1, 0);
    else if (f->elr == (uint64_t)g_v_cur && EC(mrs(esr_el1)) == EC_UNKNOWN)
        msr(elr_el1, g_after_undef);
    else if (f->elr == (uint64_t)g_v_cur && EC(mrs(esr_el1)) != EC_SVC)
        msr(elr_el1, g_after_bad);
    else if (f->elr == (uint64_t)g_eret) {
        msr(elr_el1, g_el0);
        msr(spsr_el1, SPSR_EL0 | SPSR_SS);
    }
    if (ec == EC_BRK)
        f->elr += 4;
    if (ec == EC_BREAK_LOW)
        msr(dbgbcr0_el1, 0);
    if (ec == EC_WATCH_LOW)
        msr(dbgwcr0_el1, 0);
}

static uint64_t run_guest(uint64_t arg)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;
    register uint64_t x1 __asm__("x1") = (uint64_t)&g_watched;
    register uint64_t x9 __asm__("x9") = arg;

    __asm__ volatile("br %3" : "+r"(x0), "+r"(x1), "+r"(x9) : "r"(g_code) : "x2", "x3", "memory");
    return x0;
}

static void step_guest(uint64_t bad)
{
    const struct stop expected[] = {
        {(uint64_t)g_code, EC_STEP_LOW, false},
        {(uint64_t)g_v_cur, EC_STEP_LOW, false},
        {(uint64_t)g_after_svc, EC_STEP_LOW, false},
        {(uint64_t)g_after_svc, EC_BREAK_LOW, true},
        {(uint64_t)g_undef, EC_STEP_LOW, false},
        {(uint64_t)g_v_cur, EC_STEP_LOW, false},
        {(uint64_t)g_after_undef, EC_STEP_LOW, false},
        {(uint64_t)g_brk, EC_STEP_LOW, false},
        {(uint64_t)g_brk, EC_BRK, true},
        {(uint64_t)g_load, EC_STEP_LOW, false},
        {(uint64_t)g_load, EC_WATCH_LOW, true},
        {(uint64_t)g_smc, EC_STEP_LOW, false},
        {(uint64_t)g_smc + 4, EC_STEP_LOW, false},
        {(uint64_t)g_bad, EC_STEP_LOW, false},
        {bad, EC_STEP_LOW, false},
        {(uint64_t)g_v_cur, EC_STEP_LOW, false},
        {(uint64_t)g_after_bad, EC_STEP_LOW, false},
        {(uint64_t)g_eret, EC_STEP_LOW, false},
        {(uint64_t)g_el0, EC_STEP_LOW, false},
        {(uint64_t)g_el0_svc, EC_STEP_LOW, false},
        {(uint64_t)g_v_low, EC_STEP_LOW, false},
        {(uint64_t)g_end, EC_STEP_LOW, false},
    };
    static const char *const names[] = {
        "the first instruction",
        "the SVC's vector",
        "behind the SVC",
        "a breakpoint before the next step",
        "an undefined instruction",
        "its vector",
        "behind it",
        "a BRK",
        "its exception",
        "behind it, a load",
        "its watchpoint",
        "behind it",
        "the SMC",
        "behind it",
        "the address that cannot be fetched",
        "its vector",
        "behind it",
        "the ERET",
        "EL0",
        "its SVC",
        "that one's vector",
        "the end",
    };

    bad_address = bad;
    stops.count = 0;
    guest_handler = hypervisor;
    msr(dbgbvr0_el1, g_after_svc);
    msr(dbgbcr0_el1, 1 << 1 | 0xf << 5 | 1);
    msr(dbgwvr0_el1, &g_watched);
    msr(dbgwcr0_el1, 0xff << 5 | 3 << 3 | 1 << 1 | 1);
    msr(mdscr_el1, MDSCR_SS | MDSCR_MDE);
    call_spsr(SPSR_EL1H | SPSR_SS, run_guest, bad);
    msr(mdscr_el1, 0);
    guest_handler = 0;
    check_stops(expected, ARRAY_SIZE(expected), names, 0);
    check_equal(stops.el, 2, "target");
    check_equal(stops.offset, V_LOWER, "vector");
}

int main(void)
{
    unsigned el = current_el();

    if (el == 2)
        msr(mdcr_el2, mrs(mdcr_el2) | MDCR_TDE);
    step_oneself(el);
    pending_at_once();
    if (el == 2) {
        uint64_t vbar = mrs(vbar_el1);
        msr(vbar_el1, g_vectors);
        context = "guest, misaligned PC: ";
        step_guest((uint64_t)g_code + 2);
        context = "guest, PC outside memory: ";
        step_guest(UINT64_C(0x100000000000));
        msr(vbar_el1, vbar);
        msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_TDE);
    }
    return (int)failures;
}
