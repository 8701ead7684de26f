/*
 * FP torture: V0 to V31, FPSR and FPCR filled at random, calculated with, and compared with the
 * same calculation in general registers, while everything happens that makes a hypervisor switch.
 * The interrupt handler uses them all too, after saving, as a kernel's softirq may.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define FPSR_QC   BIT(27)
#define FPSR_MASK (FPSR_QC | BIT(7) | 0x1f)
#define FPSR_DZC  BIT(1)
#define FPSR_IXC  BIT(4)
/* AHP, DN, FZ, RMode, FZ16: not what changes other things or may trap. */
#define FPCR_MASK     (BIT(26) | BIT(25) | BIT(24) | UINT64_C(3) << 22 | BIT(19))
#define FPCR_RMODE(v) FIELD(v, 23, 22)

struct fp {
    union {
        uint64_t d[32][2];
        uint32_t s[32][4];
        uint8_t b[32][16];
    } v;
    uint64_t fpsr, fpcr;
};

void fp_load(const struct fp *from);
void fp_store(struct fp *to);
void fp_add(void);
void fp_eor(void);
void fp_ext(void);
void fp_uqadd(void);
void fp_convert(void);
void fp_divide(void);

enum { BREAK_V, BREAK_SWAP, BREAK_FPSR, BREAK_FPCR, BREAK_HANDLER, BREAK_LEAK };
static const char *const breaks[] = {"v", "swap", "fpsr", "fpcr", "handler", "leak", 0};

static uint64_t rounds, fpcr_mask;
static uint64_t interrupts[MAX_CPUS];
static struct fp expected[MAX_CPUS], got[MAX_CPUS], saved[MAX_CPUS], scratch[MAX_CPUS];

static void fill(struct fp *fp, struct random *r)
{
    for (unsigned n = 0; n < 32; n++) {
        fp->v.d[n][0] = random_next(r);
        fp->v.d[n][1] = random_next(r);
    }
    fp->fpsr = random_next(r) & FPSR_MASK;
    fp->fpcr = random_next(r) & fpcr_mask;
}

static void calc_add(struct fp *fp)
{
    for (unsigned n = 0; n < 32; n++)
        for (unsigned k = 0; k < 2; k++)
            fp->v.d[n][k] += fp->v.d[(n + 1) % 32][k];
}

static void calc_eor(struct fp *fp)
{
    for (unsigned n = 0; n < 32; n++)
        for (unsigned k = 0; k < 2; k++)
            fp->v.d[n][k] ^= fp->v.d[(n + 5) % 32][k];
}

static void calc_ext(struct fp *fp)
{
    for (unsigned n = 0; n < 32; n++) {
        uint8_t *d = fp->v.b[n];
        const uint8_t *m = fp->v.b[(n + 7) % 32];

        for (unsigned k = 0; k < 13; k++)
            d[k] = d[k + 3];
        for (unsigned k = 13; k < 16; k++)
            d[k] = m[k - 13];
    }
}

/* One register only: saturated ones are equal, and who swaps two such would not be found. */
static void calc_uqadd(struct fp *fp)
{
    for (unsigned k = 0; k < 4; k++) {
        uint64_t sum = (uint64_t)fp->v.s[29][k] + fp->v.s[2][k];

        if (sum > UINT32_MAX) {
            sum = UINT32_MAX;
            fp->fpsr |= FPSR_QC;
        }
        fp->v.s[29][k] = (uint32_t)sum;
    }
}

/* SCVTF of a doubleword, FixedToFP(): does the rounding of FPCR.RMode add one in the last place? */
static bool rounds_up(unsigned rmode, bool negative, uint64_t rest, uint64_t half, bool odd)
{
    switch (rmode) {
    case 0: /* to nearest, ties to even */
        return rest > half || (rest == half && odd);
    case 1: /* to plus infinity */
        return rest && !negative;
    case 2: /* to minus infinity */
        return rest && negative;
    default: /* to zero */
        return false;
    }
}

static void calc_convert(struct fp *fp)
{
    uint64_t v = fp->v.d[0][0], sign = v & BIT(63), magnitude = sign ? -v : v, mantissa;
    unsigned top;

    fp->v.d[0][1] = 0;
    if (v == 0)
        return;
    top = 63 - (unsigned)__builtin_clzll(magnitude);
    if (top <= 52) {
        mantissa = magnitude << (52 - top);
    } else {
        unsigned drop = top - 52;
        uint64_t rest = magnitude & (BIT(drop) - 1);

        mantissa = magnitude >> drop;
        if (rest)
            fp->fpsr |= FPSR_IXC;
        mantissa +=
            rounds_up((unsigned)FPCR_RMODE(fp->fpcr), sign, rest, BIT(drop - 1), mantissa & 1);
    }
    /* A carry out of the mantissa is one more in the exponent. */
    fp->v.d[0][0] = sign | (((uint64_t)(1023 + top) << 52) + mantissa - BIT(52));
}

static void calc_divide(struct fp *fp)
{
    fp->v.d[30][0] = fp->v.d[30][1] = fp->v.d[31][1] = 0;
    fp->v.d[31][0] = UINT64_C(0x7ff0000000000000);
    fp->fpsr |= FPSR_DZC;
}

static const struct operation {
    void (*run)(void);
    void (*calculate)(struct fp *fp);
} operations[] = {
    {fp_add, calc_add},     {fp_eor, calc_eor},         {fp_ext, calc_ext},
    {fp_uqadd, calc_uqadd}, {fp_convert, calc_convert}, {fp_divide, calc_divide},
};

static void compare(const struct fp *is, const struct fp *should, const char *where, uint64_t round)
{
    for (unsigned n = 0; n < 32; n++)
        for (unsigned k = 0; k < 2; k++)
            require(is->v.d[n][k] == should->v.d[n][k], "%s %lu: V%u[%u]: expected %lx, got %lx",
                    where, round, n, k, should->v.d[n][k], is->v.d[n][k]);
    require((is->fpsr & FPSR_MASK) == should->fpsr, "%s %lu: FPSR: expected %lx, got %lx", where,
            round, should->fpsr, is->fpsr);
    require((is->fpcr & FPCR_MASK) == should->fpcr, "%s %lu: FPCR: expected %lx, got %lx", where,
            round, should->fpcr, is->fpcr);
}

/* In the interrupt handler: everything saved, used and restored. */
static void use_in_handler(struct random *r)
{
    unsigned cpu = cpu_index();
    struct fp own;

    fp_store(&saved[cpu]);
    fill(&own, r);
    fp_load(&own);
    fp_add();
    calc_add(&own);
    fp_store(&scratch[cpu]);
    compare(&scratch[cpu], &own, "interrupt", interrupts[cpu]++);
    if (sabotage(BREAK_HANDLER))
        saved[cpu].v.d[7][1] = own.v.d[7][1];
    fp_load(&saved[cpu]);
}

/* What a hypervisor that loses state would do. */
static void maybe_break(unsigned cpu)
{
    struct fp *fp = &scratch[cpu];

    irqs_off();
    fp_store(fp);
    if (sabotage(BREAK_V))
        fp->v.d[13][1] ^= BIT(17);
    if (sabotage(BREAK_SWAP)) {
        uint64_t v = fp->v.d[2][0];

        fp->v.d[2][0] = fp->v.d[3][0];
        fp->v.d[3][0] = v;
    }
    if (sabotage(BREAK_FPSR))
        fp->fpsr ^= FPSR_QC;
    if (sabotage(BREAK_FPCR))
        fp->fpcr ^= BIT(22);
    if (sabotage(BREAK_LEAK))
        *fp = expected[(cpu + 1) % MAX_CPUS];
    fp_load(fp);
    irqs_on();
}

static void torture(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    struct fp *fp = &expected[cpu];

    disturb_init(use_in_handler);
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        smp_progress(round);
        fill(fp, &r);
        fp_load(fp);
        for (unsigned steps = 1 + random_below(&r, 6); steps; steps--) {
            const struct operation *op = &operations[random_below(&r, ARRAY_SIZE(operations))];

            disturb(&r);
            op->run();
            op->calculate(fp);
        }
        if (round == rounds / 2)
            maybe_break(cpu);
        fp_store(&got[cpu]);
        compare(&got[cpu], fp, "round", round);
    }
    disturb_end();
}

static void run(void)
{
    uint64_t total = 0;

    rounds = option_number("rounds", 100);
    msr(fpcr, FPCR_MASK);
    fpcr_mask = mrs(fpcr) & FPCR_MASK;
    smp_run(torture);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += interrupts[cpu];
    report_ok("vcpus=%u rounds=%lu interrupts=%lu", platform.cpus, rounds, total);
}

const struct guest guest = {.name = "fp", .breaks = breaks, .run = run};
