/*
 * Self-hosted debug: breakpoints, watchpoints and MDSCR_EL1 read back as they were written after
 * everything that makes a hypervisor switch; they hit exactly where they should; and a window of
 * code is single-stepped (DDI0487, "AArch64 Self-hosted Debug"). Two of these guests with seeds of
 * their own, side by side, show whether one sees the other's.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/psci.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
#define SPSR_SS   BIT(21)

#define MAX_POINTS 16
#define TARGETS    64
#define WORDS      32 /* doublewords that are watched */
#define MAX_HITS   (TARGETS + 4)

/* DBGBCR and DBGWCR: enabled at EL1; byte address select. */
#define CONTROL_E      BIT(0)
#define CONTROL_EL1    (UINT64_C(1) << 1)
#define BCR_WORD       (UINT64_C(0xf) << 5)
#define WCR_LOADS      (UINT64_C(1) << 3)
#define WCR_STORES     (UINT64_C(2) << 3)
#define WCR_BAS(bytes) ((uint64_t)(bytes) << 5)

enum { BREAK_REGISTER, BREAK_BREAKPOINT, BREAK_WATCHPOINT, BREAK_STEP, BREAK_MDSCR };
static const char *const breaks[] = {"register", "breakpoint", "watchpoint", "step", "mdscr", 0};

extern char debug_targets[], debug_step_first[], debug_step_loop[], debug_step_call[],
    debug_step_smc[], debug_step_past[], debug_step_end[];
void debug_steps(uint64_t loops, volatile uint64_t *word, uint64_t smc);

#define EACH(X)                                                                                    \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define ACCESSORS(name)                                                                            \
    static uint64_t read_##name(unsigned n)                                                        \
    {                                                                                              \
        switch (n) {                                                                               \
            EACH(READ_##name)                                                                      \
        }                                                                                          \
        return 0;                                                                                  \
    }                                                                                              \
    static void write_##name(unsigned n, uint64_t v)                                               \
    {                                                                                              \
        switch (n) {                                                                               \
            EACH(WRITE_##name)                                                                     \
        }                                                                                          \
    }
#define READ(n, reg)                                                                               \
    case n:                                                                                        \
        return mrs(reg);
#define WRITE(n, reg)                                                                              \
    case n:                                                                                        \
        msr(reg, v);                                                                               \
        break;
#define READ_bvr(n)  READ(n, dbgbvr##n##_el1)
#define WRITE_bvr(n) WRITE(n, dbgbvr##n##_el1)
#define READ_bcr(n)  READ(n, dbgbcr##n##_el1)
#define WRITE_bcr(n) WRITE(n, dbgbcr##n##_el1)
#define READ_wvr(n)  READ(n, dbgwvr##n##_el1)
#define WRITE_wvr(n) WRITE(n, dbgwvr##n##_el1)
#define READ_wcr(n)  READ(n, dbgwcr##n##_el1)
#define WRITE_wcr(n) WRITE(n, dbgwcr##n##_el1)
ACCESSORS(bvr)
ACCESSORS(bcr)
ACCESSORS(wvr)
ACCESSORS(wcr)

struct kind {
    const char *value_name, *control_name;
    uint64_t (*value)(unsigned n), (*control)(unsigned n);
    void (*set_value)(unsigned n, uint64_t v), (*set_control)(unsigned n, uint64_t v);
};
static const struct kind breakpoints = {"DBGBVR", "DBGBCR",  read_bvr,
                                        read_bcr, write_bvr, write_bcr};
static const struct kind watchpoints = {"DBGWVR", "DBGWCR",  read_wvr,
                                        read_wcr, write_wvr, write_wcr};
static unsigned bp_count, wp_count;
static uint64_t rounds, interrupts[MAX_CPUS];

/* What a CPU's debug exceptions stopped at. */
struct hit {
    unsigned ec;
    uint64_t pc, far;
};
static struct state {
    unsigned count;
    struct hit hits[MAX_HITS];
    volatile uint64_t word[WORDS];
    uint64_t totals[3]; /* breakpoints, watchpoints, steps */
} states[MAX_CPUS];

/* Go on behind: a breakpoint is switched off, so is every watchpoint of the address; the step goes
 * on, but ends at debug_step_end. */
static bool on_debug(struct frame *f)
{
    struct state *s = &states[cpu_index()];
    unsigned ec = (unsigned)EC(f->esr);

    if (ec != EC_BREAK_CUR && ec != EC_WATCH_CUR && ec != EC_STEP_CUR)
        return false;
    require(s->count < MAX_HITS, "debug exceptions without end, at image+%lx", f->elr);
    s->hits[s->count++] = (struct hit){ec, f->elr, f->far};
    for (unsigned n = 0; ec == EC_BREAK_CUR && n < bp_count; n++)
        if (read_bvr(n) == f->elr)
            write_bcr(n, 0);
    for (unsigned n = 0; ec == EC_WATCH_CUR && n < wp_count; n++)
        if (read_wvr(n) == (f->far & ~UINT64_C(7)))
            write_wcr(n, 0);
    if (ec == EC_STEP_CUR && f->elr == (uint64_t)debug_step_end)
        msr(mdscr_el1, 0);
    else if (ec == EC_STEP_CUR)
        f->spsr |= SPSR_SS;
    return true;
}

static void all_off(void)
{
    msr(mdscr_el1, 0);
    for (unsigned n = 0; n < bp_count; n++)
        write_bcr(n, 0);
    for (unsigned n = 0; n < wp_count; n++)
        write_wcr(n, 0);
    states[cpu_index()].count = 0;
}

/* Any value of the bits tried, E being clear; which of them can be written is found out before. */
static uint64_t fill(void (*set)(unsigned, uint64_t), uint64_t (*get)(unsigned), unsigned n,
                     uint64_t tried, uint64_t fixed, struct random *r)
{
    uint64_t ones, zeros, bits, is;

    set(n, tried | fixed);
    ones = get(n);
    set(n, fixed);
    zeros = get(n);
    bits = random_next(r) & tried & ones & ~zeros;
    set(n, bits | fixed);
    is = get(n);
    require((is & ones & ~zeros) == bits, "a debug register: wrote %lx, read %lx", bits, is);
    return is;
}

/* DBGBVR: an address; DBGBCR: BAS, PMC, HMC, SSC; DBGWCR: BAS, PAC, LSC as well. Both without a
 * link. */
#define VALUE_TRIED ((BIT(48) - 1) & ~UINT64_C(7))
#define BCR_TRIED   (UINT64_C(3) << 14 | BIT(13) | UINT64_C(3) << 1) /* BAS is fixed */
#define WCR_TRIED                                                                                  \
    (UINT64_C(3) << 14 | BIT(13) | WCR_BAS(0xff) | UINT64_C(3) << 3 | UINT64_C(3) << 1)

struct pair {
    uint64_t value, control;
};

static void fill_pairs(const struct kind *k, struct pair *p, unsigned count, uint64_t control,
                       uint64_t fixed, struct random *r)
{
    for (unsigned n = 0; n < count; n++) {
        p[n].value = fill(k->set_value, k->value, n, VALUE_TRIED, 0, r);
        p[n].control = fill(k->set_control, k->control, n, control, fixed, r);
    }
}

static void compare_pairs(const struct kind *k, const struct pair *p, unsigned count,
                          uint64_t round)
{
    for (unsigned n = 0; n < count; n++) {
        require(k->value(n) == p[n].value, "round %lu: %s%u: expected %lx, got %lx", round,
                k->value_name, n, p[n].value, k->value(n));
        require(k->control(n) == p[n].control, "round %lu: %s%u: expected %lx, got %lx", round,
                k->control_name, n, p[n].control, k->control(n));
    }
}

static void kept(struct random *r, uint64_t round)
{
    struct pair b[MAX_POINTS], w[MAX_POINTS];
    uint64_t mdscr = random_below(r, 2) ? MDSCR_KDE : 0;

    all_off();
    fill_pairs(&breakpoints, b, bp_count, BCR_TRIED, BCR_WORD, r);
    fill_pairs(&watchpoints, w, wp_count, WCR_TRIED, 0, r);
    msr(mdscr_el1, mdscr);
    for (unsigned steps = 1 + random_below(r, 3); steps; steps--)
        disturb(r);
    if (sabotage(BREAK_REGISTER))
        write_wvr(1, w[1].value ^ BIT(12));
    if (sabotage(BREAK_MDSCR))
        msr(mdscr_el1, mdscr ^ MDSCR_KDE);
    compare_pairs(&breakpoints, b, bp_count, round);
    compare_pairs(&watchpoints, w, wp_count, round);
    require(mrs(mdscr_el1) == mdscr, "round %lu: MDSCR_EL1: expected %lx, got %lx", round, mdscr,
            mrs(mdscr_el1));
}

/* Debug exceptions of EL1 to EL1, in the window between. */
static void window_open(void)
{
    msr(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    insn("msr daifclr, #8");
}

static void window_close(void)
{
    insn("msr daifset, #8");
    msr(mdscr_el1, 0);
}

static void breakpoint_round(struct random *r, uint64_t round)
{
    struct state *s = &states[cpu_index()];
    bool set[TARGETS] = {0};
    unsigned k = 0;

    all_off();
    for (unsigned n = 0; n < bp_count; n++) {
        unsigned target = random_below(r, TARGETS);

        set[target] = true;
        write_bvr(n, (uint64_t)debug_targets + 4 * target);
        write_bcr(n, CONTROL_E | CONTROL_EL1 | BCR_WORD);
    }
    while (set[k])
        k++;
    if (sabotage(BREAK_BREAKPOINT))
        write_bvr(0, (uint64_t)debug_targets + 4 * k);
    k = 0;
    msr(mdscr_el1, MDSCR_MDE | MDSCR_KDE); /* on, while others may run */
    disturb(r);
    window_open();
    ((void (*)(void))debug_targets)();
    window_close();
    for (unsigned target = 0; target < TARGETS; target++) {
        uint64_t pc = (uint64_t)debug_targets + 4 * target;

        if (!set[target])
            continue;
        require(k < s->count && s->hits[k].ec == EC_BREAK_CUR && s->hits[k].pc == pc,
                "round %lu: breakpoint %u at instruction %u: %s", round, k, target,
                k < s->count ? "another hit" : "no hit");
        k++;
    }
    require(k == s->count, "round %lu: %u breakpoints, %u hits", round, k, s->count);
    s->totals[0] += k;
}

/* One access of 1, 2, 4 or 8 bytes. */
static void access(volatile uint64_t *at, unsigned size, bool store)
{
    uint64_t v = 0;

#define ONE(bytes, ld, st, w)                                                                      \
    if (size == bytes && store)                                                                    \
        __asm__ volatile(st " %" w "0, [%1]" ::"r"(v), "r"(at) : "memory");                        \
    else if (size == bytes)                                                                        \
        __asm__ volatile(ld " %" w "0, [%1]" : "=r"(v) : "r"(at) : "memory");
    ONE(1, "ldrb", "strb", "w")
    ONE(2, "ldrh", "strh", "w")
    ONE(4, "ldr", "str", "w")
    ONE(8, "ldr", "str", "x")
#undef ONE
}

/* Bytes that a watchpoint watches: contiguous, as BAS must be. */
static unsigned random_bytes(struct random *r)
{
    unsigned first = random_below(r, 8), size = 1 + random_below(r, 8 - first);

    return ((1u << size) - 1) << first;
}

struct watch {
    unsigned word, bytes;
    bool loads, stores;
};

static void watchpoint_round(struct random *r, uint64_t round)
{
    struct state *s = &states[cpu_index()];
    struct watch watch[MAX_POINTS];

    all_off();
    for (unsigned n = 0; n < wp_count; n++) {
        struct watch *w = &watch[n];

        *w = (struct watch){n * 2 + random_below(r, 2), random_bytes(r), random_below(r, 2), true};
        if (w->loads)
            w->stores = random_below(r, 2);
        write_wvr(n, (uint64_t)&s->word[w->word]);
        write_wcr(n, CONTROL_E | CONTROL_EL1 | WCR_BAS(w->bytes) | (w->loads ? WCR_LOADS : 0) |
                         (w->stores ? WCR_STORES : 0));
    }
    disturb(r);
    for (unsigned accesses = 0; accesses < 12; accesses++) {
        unsigned word = random_below(r, 2 * wp_count), log2 = random_below(r, 4), size = 1u << log2,
                 offset = random_below(r, 8 >> log2) << log2, expected = 0, count = s->count;
        bool store = random_below(r, 2);
        uint64_t at = (uint64_t)&s->word[word] + offset;
        struct watch *w = &watch[word / 2];

        if (w->word == word && (w->bytes & (((1u << size) - 1) << offset)))
            expected = store ? w->stores : w->loads;
        if (expected && sabotage(BREAK_WATCHPOINT))
            write_wcr(word / 2, 0);
        window_open();
        access((volatile uint64_t *)at, size, store);
        window_close();
        require(s->count - count == expected,
                "round %lu: %s of %u bytes at %u of watched bytes %x: expected %u hits, got %u",
                round, store ? "store" : "load", size, offset, w->word == word ? w->bytes : 0,
                expected, s->count - count);
        if (!expected)
            continue;
        require(s->hits[count].ec == EC_WATCH_CUR &&
                    (s->hits[count].far & ~UINT64_C(7)) == (at & ~UINT64_C(7)),
                "round %lu: watchpoint at %lx: EC %x, FAR %lx", round, at, s->hits[count].ec,
                s->hits[count].far);
        s->totals[1]++;
        w->word = UINT32_MAX; /* the handler has switched it off */
    }
}

/* Addresses at which the window stops, as its instructions run. */
static unsigned expected_steps(uint64_t *pc, unsigned loops)
{
    unsigned k = 0;

    pc[k++] = (uint64_t)debug_step_first;
    for (unsigned n = 0; n < loops; n++)
        for (const char *at = debug_step_loop; at < debug_step_loop + 20; at += 4)
            pc[k++] = (uint64_t)at;
    pc[k++] = (uint64_t)debug_step_loop + 20; /* MOV, CBNZ */
    pc[k++] = (uint64_t)debug_step_loop + 24;
    pc[k++] = (uint64_t)(platform.smc ? debug_step_smc : debug_step_call);
    if (!platform.smc)
        pc[k++] = (uint64_t)debug_step_call + 4;
    pc[k++] = (uint64_t)debug_step_past;
    pc[k++] = (uint64_t)debug_step_end;
    return k;
}

static void step_round(struct random *r, uint64_t round)
{
    struct state *s = &states[cpu_index()];
    unsigned loops = 1 + random_below(r, 8), count;
    uint64_t pc[MAX_HITS], before = s->word[0];

    count = expected_steps(pc, loops);
    all_off();
    irqs_off();
    msr(mdscr_el1, sabotage(BREAK_STEP) ? 0 : MDSCR_SS | MDSCR_KDE);
    debug_steps(loops, &s->word[0], platform.smc);
    msr(mdscr_el1, 0);
    irqs_on();
    for (unsigned k = 0; k < count; k++)
        require(k < s->count && s->hits[k].ec == EC_STEP_CUR && s->hits[k].pc == pc[k],
                "round %lu: step %u of %u: expected at window+%lx, got %lx of EC %x", round, k,
                count, pc[k] - (uint64_t)debug_step_first,
                k < s->count ? s->hits[k].pc - (uint64_t)debug_step_first : 0,
                k < s->count ? s->hits[k].ec : 0);
    require(s->count == count, "round %lu: expected %u steps, got %u", round, count, s->count);
    expect("what was stepped through", s->word[0], before + loops);
    s->totals[2] += count;
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};

    disturb_init(0);
    sync_handler = on_debug;
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        smp_progress(round);
        switch (round % 4) {
        case 0:
            kept(&r, round);
            break;
        case 1:
            breakpoint_round(&r, round);
            break;
        case 2:
            watchpoint_round(&r, round);
            break;
        default:
            step_round(&r, round);
            break;
        }
    }
    all_off();
    disturb_end();
    interrupts[cpu] = disturb_interrupts();
}

static void run(void)
{
    uint64_t dfr0 = mrs(id_aa64dfr0_el1), totals[3] = {0}, total = 0;

    bp_count = (unsigned)FIELD(dfr0, 15, 12)
    +1;
    wp_count = (unsigned)FIELD(dfr0, 23, 20)
    +1;
    rounds = option_number("rounds", 100);
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        for (unsigned n = 0; n < 3; n++)
            totals[n] += states[cpu].totals[n];
        total += interrupts[cpu];
    }
    report_ok("vcpus=%u rounds=%lu breakpoints=%lu watchpoints=%lu steps=%lu interrupts=%lu",
              platform.cpus, rounds, totals[0], totals[1], totals[2], total);
}

const struct guest guest = {.name = "debug", .breaks = breaks, .run = run};
