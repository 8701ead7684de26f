/* The EL1 and EL0 registers that one virtual CPU writes are its own, wherever it runs; and
 * exceptions that the hypervisor injects leave what the hardware would. */
#include "guest.h"

#include "programs.h"

/* Written and read back; none has an effect here. */
#define OWN(X)                                                                                     \
    X(tpidr_el0)                                                                                   \
    X(tpidrro_el0)                                                                                 \
    X(tpidr_el1) X(sp_el0) X(afsr0_el1) X(elr_el1) X(far_el1) X(contextidr_el1) X(esr_el1)

static uint64_t mask_of(const char *name)
{
    if (!strcmp(name, "contextidr_el1") || !strcmp(name, "esr_el1"))
        return 0xffffffff;
    return !strcmp(name, "afsr0_el1") ? 0 : ~UINT64_C(0);
}

static void write_all(uint64_t seed)
{
#define X(reg) msr(reg, next_random(&seed));
    OWN(X)
#undef X
    msr(par_el1, next_random(&seed) & UINT64_C(0xfffffffff000));
    msr(csselr_el1, seed & 1);
    msr(cntkctl_el1, seed & 3);
}

static void check_all(uint64_t seed)
{
    uint64_t got, want;

#define X(reg)                                                                                     \
    got = mrs(reg) & mask_of(#reg);                                                                \
    want = next_random(&seed) & mask_of(#reg);                                                     \
    check(got == want, #reg " is 0x%lx, was 0x%lx", (unsigned long)got, (unsigned long)want);
    OWN(X)
#undef X
    want = next_random(&seed) & UINT64_C(0xfffffffff000);
    check(mrs(par_el1) == want, "PAR_EL1 is 0x%lx", (unsigned long)mrs(par_el1));
    check(mrs(csselr_el1) == (seed & 1), "CSSELR_EL1");
    check((mrs(cntkctl_el1) & 3) == (seed & 3), "CNTKCTL_EL1");
}

static volatile uint64_t undefined[CPUS_MAX];

static void count_undefined(struct frame *f)
{
    check(mrs(esr_el1) >> 26 == 0, "ESR_EL1 0x%lx for an UNDEFINED instruction",
          (unsigned long)mrs(esr_el1));
    check((f->spsr & 0xf) == 5, "SPSR_EL1 0x%lx", (unsigned long)f->spsr);
    undefined[cpu_index()]++;
    f->elr += 4;
}

/* Data abort of an access that nothing answers. */
static volatile uint64_t aborts[CPUS_MAX];

static void count_aborts(struct frame *f)
{
    check(mrs(esr_el1) >> 26 == 0x25 && bits(mrs(esr_el1), 5, 0) == 0x10,
          "ESR_EL1 0x%lx for an external abort", (unsigned long)mrs(esr_el1));
    check(mrs(far_el1) == 0x30000000 + 8 * cpu_index(), "FAR_EL1 0x%lx",
          (unsigned long)mrs(far_el1));
    aborts[cpu_index()]++;
    f->elr += 4;
}

static void injections(unsigned cpu)
{
    on_sync[cpu] = count_undefined;
    insn(
        "msr s3_0_c13_c0_7, xzr"); /* SCXTNUM_EL1: is not there, or traps and is not there for us */
    on_sync[cpu] = count_aborts;
    (void)*(volatile uint64_t *)(0x30000000 + 8 * (uint64_t)cpu);
    on_sync[cpu] = NULL;
}

void program_regs(unsigned cpu)
{
    uint64_t random = 77 * (cpu + 1);

    for (uint64_t k = 0; k < rounds; k++) {
        uint64_t seed = next_random(&random);

        write_all(seed);
        if (k % 3 == 0)
            call(HYP_NULL, 0, 0, 0);
        else if (k % 3 == 1)
            insn("wfe");
        check_all(seed);
        if (k % 16 == 0)
            injections(cpu);
    }
    check(undefined[cpu] == (rounds + 15) / 16, "%lu UNDEFINED exceptions",
          (unsigned long)undefined[cpu]);
    check(aborts[cpu] == (rounds + 15) / 16, "%lu external aborts", (unsigned long)aborts[cpu]);
    msr(cntkctl_el1, 0);
}
