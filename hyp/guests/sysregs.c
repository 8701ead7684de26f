/*
 * The registers of EL1 and EL0 that a hypervisor must keep for each vCPU, filled at random within
 * what can be written, and read again after everything that makes it switch. The MMU stays off, so
 * that its registers are free too. In every other round interrupts are taken meanwhile, by the
 * vectors, which leaves VBAR_EL1 and what an exception writes out of it.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define ALL      UINT64_MAX
#define LOW(n)   (BIT(n) - 1)
#define ANY_CPU  true
#define MASKED   BIT(0) /* only in rounds with interrupts masked */
#define CLAMPED  BIT(1) /* some values become others */
#define SCTLR_OK (BIT(9) | BIT(14) | BIT(15) | BIT(16) | BIT(18) | BIT(24) | BIT(26))

#define PFR0(hi, lo) FIELD(mrs(id_aa64pfr0_el1), hi, lo)
#define PFR1(hi, lo) FIELD(mrs(id_aa64pfr1_el1), hi, lo)
#define RAS          (PFR0(31, 28) >= 1)
#define SCXTNUM      (PFR0(59, 56) >= 2 || PFR1(35, 32) >= 2)
#define SME          (PFR1(27, 24) >= 1)
#define GICV3        (!platform.gicc)
#define PMU          (FIELD(mrs(id_aa64dfr0_el1), 11, 8) % 15 != 0)
/* T0SZ and T1SZ; all others but the granules, which have reserved values. */
#define TCR_SIZES (LOW(6) | UINT64_C(0x3f) << 16)
#define TCR_REST  ((BIT(41) - 1) & ~(UINT64_C(3) << 14 | UINT64_C(3) << 30 | TCR_SIZES))

/*
 * register, there if, bits that every CPU can write, other bits tried, when.
 *   must  architecturally RW and without effect here; each of them is expected to be kept
 *   may   bits that a CPU may have or not, found out by writing
 * DDI0487 D19 by name. SCTLR_EL1: only what is about EL0. CPACR_EL1: no FP here, so FPEN is free.
 * ICC_PMR_EL1 stays above the priority of what wakes us; ICC_CTLR_EL1.CBPR is before what it
 * changes.
 */
#define REGISTERS(X)                                                                               \
    X(tpidr_el0, ANY_CPU, ALL, 0, 0)                                                               \
    X(tpidrro_el0, ANY_CPU, ALL, 0, 0)                                                             \
    X(tpidr_el1, ANY_CPU, ALL, 0, 0)                                                               \
    X(contextidr_el1, ANY_CPU, LOW(32), 0, 0)                                                      \
    X(mair_el1, ANY_CPU, 0, ALL, 0)                                                                \
    X(amair_el1, ANY_CPU, 0, ALL, 0)                                                               \
    X(afsr0_el1, ANY_CPU, 0, ALL, 0)                                                               \
    X(afsr1_el1, ANY_CPU, 0, ALL, 0)                                                               \
    X(par_el1, ANY_CPU, 0, ALL, 0)                                                                 \
    X(tcr_el1, ANY_CPU, TCR_SIZES, TCR_REST, 0)                                                    \
    X(ttbr0_el1, ANY_CPU, BIT(48) - 64, ALL, 0)                                                    \
    X(ttbr1_el1, ANY_CPU, BIT(48) - 64, ALL, 0)                                                    \
    X(vbar_el1, ANY_CPU, BIT(48) - BIT(11), ALL, MASKED)                                           \
    X(cpacr_el1, ANY_CPU, UINT64_C(3) << 20, BIT(28) | UINT64_C(3) << 16, 0)                       \
    X(sctlr_el1, ANY_CPU, 0, SCTLR_OK, 0)                                                          \
    X(cntkctl_el1, ANY_CPU, LOW(2) | BIT(8) | BIT(9), 0xfc, 0)                                     \
    X(cntp_cval_el0, ANY_CPU, ALL, 0, 0)                                                           \
    X(csselr_el1, ANY_CPU, 0, 0xf, 0)                                                              \
    X(elr_el1, ANY_CPU, BIT(48) - 4, ALL, MASKED)                                                  \
    X(spsr_el1, ANY_CPU, UINT64_C(0xf) << 28 | UINT64_C(0xf) << 6, LOW(32), MASKED)                \
    X(sp_el0, ANY_CPU, ALL, 0, 0)                                                                  \
    X(far_el1, ANY_CPU, ALL, 0, 0)                                                                 \
    X(esr_el1, ANY_CPU, LOW(32), 0, 0)                                                             \
    X(disr_el1, RAS, 0, BIT(31) | LOW(25), 0)                                                      \
    X(s3_3_c13_c0_7, SCXTNUM, ALL, 0, 0) /* SCXTNUM_EL0 */                                         \
    X(s3_0_c13_c0_7, SCXTNUM, ALL, 0, 0) /* SCXTNUM_EL1 */                                         \
    X(s3_3_c13_c0_5, SME, ALL, 0, 0)     /* TPIDR2_EL0 */                                          \
    X(dbgbvr0_el1, ANY_CPU, 0, BIT(48) - 4, 0)                                                     \
    X(dbgwvr0_el1, ANY_CPU, 0, BIT(48) - 8, 0)                                                     \
    X(pmselr_el0, PMU, 0, 0x1f, 0)                                                                 \
    X(pmuserenr_el0, PMU, LOW(4), 0, 0)                                                            \
    X(icc_pmr_el1, GICV3, 0, 0x38, 0)                                                              \
    X(icc_ctlr_el1, GICV3, 0, BIT(0), 0)                                                           \
    X(icc_bpr0_el1, GICV3, 0, 7, CLAMPED)                                                          \
    X(icc_bpr1_el1, GICV3, 0, 7, CLAMPED)                                                          \
    X(icc_igrpen0_el1, GICV3, 0, 1, 0)

/* A write of the mask's bits leaves the others as they are. */
struct row {
    const char *name;
    uint64_t must, may;
    unsigned when;
    bool (*is_there)(void);
    uint64_t (*read)(void);
    void (*write)(uint64_t v);
};

#define X(reg, there, must, may, when)                                                             \
    static bool is_there_##reg(void)                                                               \
    {                                                                                              \
        return there;                                                                              \
    }                                                                                              \
    static uint64_t read_##reg(void)                                                               \
    {                                                                                              \
        return mrs(reg);                                                                           \
    }                                                                                              \
    static void write_##reg(uint64_t v)                                                            \
    {                                                                                              \
        msr(reg, v);                                                                               \
    }
REGISTERS(X)
#undef X

static const struct row rows[] = {
#define X(reg, there, must, may, when)                                                             \
    {#reg, must, may, when, is_there_##reg, read_##reg, write_##reg},
    REGISTERS(X)
#undef X
};
#define ROWS ARRAY_SIZE(rows)

enum { BREAK_REGISTER, BREAK_SWAP, BREAK_GENERAL, BREAK_FIXED };
static const char *const breaks[] = {"register", "swap", "general", "fixed", 0};

void hold_registers(const uint64_t in[31], uint64_t out[31], uint64_t loops);

static uint64_t rounds, interrupts[MAX_CPUS], found[MAX_CPUS];

struct vcpu {
    uint64_t mask[ROWS], initial[ROWS], value[ROWS];
};
static struct vcpu vcpus[MAX_CPUS];

static void put(const struct vcpu *v, unsigned n, uint64_t bits)
{
    rows[n].write((v->initial[n] & ~(rows[n].must | rows[n].may)) | bits);
}

/* Which bits of each row this CPU keeps. */
static void find_out(struct vcpu *v)
{
    for (unsigned n = 0; n < ROWS; n++) {
        const struct row *row = &rows[n];
        uint64_t tried = row->must | row->may, ones, zeros;

        if (!row->is_there())
            continue;
        v->initial[n] = row->read();
        put(v, n, tried);
        ones = row->read();
        put(v, n, 0);
        zeros = row->read();
        v->mask[n] = ones & ~zeros & tried;
        row->write(v->initial[n]);
        require((v->mask[n] & row->must) == row->must, "%s: of the bits %lx only %lx are writable",
                row->name, row->must, v->mask[n]);
    }
}

static bool in_round(const struct vcpu *v, unsigned n, bool masked)
{
    return v->mask[n] && (masked || !(rows[n].when & MASKED));
}

static void fill(struct vcpu *v, struct random *r, bool masked, uint64_t round)
{
    for (unsigned n = 0; n < ROWS; n++) {
        uint64_t bits = random_next(r) & v->mask[n];

        if (!in_round(v, n, masked))
            continue;
        put(v, n, bits);
        v->value[n] = rows[n].read();
        require((rows[n].when & CLAMPED) || (v->value[n] & v->mask[n]) == bits,
                "round %lu: %s: wrote %lx, read %lx", round, rows[n].name, bits,
                v->value[n] & v->mask[n]);
    }
}

static void maybe_break(const struct vcpu *v)
{
    unsigned swapped = 0;

    if (sabotage(BREAK_REGISTER))
        rows[4].write(rows[4].read() ^ BIT(5));
    while (rows[swapped].read != read_ttbr0_el1)
        swapped++;
    if (sabotage(BREAK_SWAP)) {
        rows[swapped].write(v->value[swapped + 1]);
        rows[swapped + 1].write(v->value[swapped]);
    }
}

static void compare(const struct vcpu *v, uint64_t round, bool masked)
{
    for (unsigned n = 0; n < ROWS; n++) {
        uint64_t is;

        if (!in_round(v, n, masked))
            continue;
        is = rows[n].read();
        require(is == v->value[n], "round %lu: %s: expected %lx, got %lx", round, rows[n].name,
                v->value[n], is);
    }
}

/* Before anything can be printed or taken again. */
static void give_back(const struct vcpu *v)
{
    for (unsigned n = 0; n < ROWS; n++)
        if (v->mask[n])
            rows[n].write(v->initial[n]);
}

/* What no write changes: which CPU this is. */
#define FIXED(X)                                                                                   \
    X(midr_el1)                                                                                    \
    X(mpidr_el1)                                                                                   \
    X(revidr_el1)                                                                                  \
    X(ctr_el0)                                                                                     \
    X(cntfrq_el0)                                                                                  \
    X(id_aa64pfr0_el1)                                                                             \
    X(id_aa64mmfr0_el1)                                                                            \
    X(id_aa64isar0_el1)                                                                            \
    X(id_aa64dfr0_el1)

#define X(reg) +1
enum { FIXED_COUNT = 0 FIXED(X) };
#undef X

static void read_fixed(uint64_t *v)
{
#define X(reg) *v++ = mrs(reg);
    FIXED(X)
#undef X
}

static void compare_fixed(const uint64_t *v)
{
#define X(reg) expect(#reg, mrs(reg), *v++);
    FIXED(X)
#undef X
}

/* X1 to X30 and NZCV over a loop that a hypervisor may interrupt. */
static void general(struct random *r, uint64_t round)
{
    uint64_t in[31], out[31];

    for (unsigned n = 0; n < 31; n++)
        in[n] = random_next(r);
    in[0] &= UINT64_C(0xf) << 28;
    hold_registers(in, out, 1 + random_below(r, 3000));
    if (sabotage(BREAK_GENERAL))
        out[19] ^= 1;
    require(in[0] == out[0], "round %lu: NZCV: expected %lx, got %lx", round, in[0], out[0]);
    for (unsigned n = 1; n < 31; n++)
        require(in[n] == out[n], "round %lu: X%u: expected %lx, got %lx", round, n, in[n], out[n]);
}

/* A load of 32 bits clears the upper half, also where a hypervisor does it. */
static void narrow_load(void)
{
    uint64_t v = UINT64_MAX;

    __asm__ volatile("ldr %w0, [%1, #8]" : "+r"(v) : "r"(platform.gicd)); /* GICD_IIDR */
    require(v >> 32 == 0, "a load of 32 bits from the distributor: got %lx", v);
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    struct vcpu *v = &vcpus[cpu];
    uint64_t fixed[FIXED_COUNT];

    read_fixed(fixed);
    expect("MPIDR_EL1's affinity", mrs(mpidr_el1) & UINT64_C(0xff00ffffff), platform.mpidr[cpu]);
    disturb_init(0);
    find_out(v);
    for (uint64_t round = 0; round < rounds; round++) {
        bool masked = round % 2 == 0;

        smp_progress(round);
        fill(v, &r, masked, round);
        if (!masked)
            irqs_on();
        for (unsigned steps = 1 + random_below(&r, 6); steps; steps--)
            disturb(&r);
        general(&r, round);
        narrow_load();
        irqs_off();
        if (round >= rounds / 2)
            maybe_break(v);
        compare(v, round, masked);
        give_back(v);
    }
    if (sabotage(BREAK_FIXED))
        fixed[1] ^= 1;
    compare_fixed(fixed);
    disturb_end();
    interrupts[cpu] = disturb_interrupts();
    for (unsigned n = 0; n < ROWS; n++)
        found[cpu] += v->mask[n] != 0;
}

static void run(void)
{
    uint64_t total = 0;

    rounds = option_number("rounds", 100);
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += interrupts[cpu];
    report_ok("vcpus=%u rounds=%lu registers=%lu interrupts=%lu", platform.cpus, rounds, found[0],
              total);
}

const struct guest guest = {.name = "sysregs", .breaks = breaks, .mmu_off = true, .run = run};
