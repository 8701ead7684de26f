/*
 * The measuring guest: bare metal at EL1, MMU off. It times what a hypervisor does for it with the
 * virtual counter, reports by the control registers of layout.h, and powers off by PSCI.
 */
#include <stdint.h>

#include "layout.h"

#define SMCCC_VERSION   0x80000000
#define PSCI_CPU_ON     0xc4000003
#define PSCI_SYSTEM_OFF 0x84000008

#define SGI       1
#define LPI       8192
#define SPURIOUS  1020 /* and above, below the LPIs */
#define LPI_EVENT 5

/* Tables of the ITS and of the LPIs, 64 KiB each, in RAM that is zero at the start. */
#define TABLES(n)    ((uint64_t)RAM_BASE + 0x200000 + (uint64_t)(n)*0x10000)
#define LPI_CONFIG   TABLES(0)
#define LPI_PENDING  TABLES(1)
#define ITS_COMMANDS TABLES(2)
#define ITS_TABLE(n) TABLES(3 + (n))
#define ITS_ITT      TABLES(11)

static volatile uint64_t received[4]; /* interrupts, by vCPU */
static volatile uint64_t ready;

void interrupt(uint64_t vcpu);
void measure_all(uint64_t vcpus, uint64_t rounds);
void receiver(uint64_t vcpu);
void secondary(void);

static void write64(uint64_t at, uint64_t v)
{
    *(volatile uint64_t *)at = v;
}

static uint64_t read64(uint64_t at)
{
    return *(volatile uint64_t *)at;
}

static void write32(uint64_t at, uint32_t v)
{
    *(volatile uint32_t *)at = v;
}

static uint32_t read32(uint64_t at)
{
    return *(volatile uint32_t *)at;
}

static uint64_t counter(void)
{
    uint64_t v;

    __asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(v) : : "memory");
    return v;
}

static uint64_t hypercall(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return x0;
}

static void report(uint64_t what, uint64_t ticks, uint64_t rounds)
{
    write64(CONTROL_BASE + CONTROL_WHAT, what);
    write64(CONTROL_BASE + CONTROL_TICKS, ticks);
    write64(CONTROL_BASE + CONTROL_ROUNDS, rounds);
}

/* -- interrupts -- */

void interrupt(uint64_t vcpu)
{
    uint64_t id;

    __asm__ volatile("mrs %0, s3_0_c12_c12_0" : "=r"(id)); /* ICC_IAR1_EL1 */
    if (id >= SPURIOUS && id < LPI)
        return;
    received[vcpu]++;
    __asm__ volatile("dsb sy; msr s3_0_c12_c12_1, %0" : : "r"(id)); /* ICC_EOIR1_EL1 */
}

static void start_gic(uint64_t vcpu)
{
    uint64_t frame = GICR_BASE + vcpu * GICR_SIZE, sgi = frame + 0x10000;

    write32(frame + 0x14, 0); /* GICR_WAKER */
    while (read32(frame + 0x14) & 4)
        ;
    write32(sgi + 0x80, UINT32_MAX); /* GICR_IGROUPR0 */
    write32(sgi + 0x100, 1U << SGI); /* GICR_ISENABLER0 */
    if (vcpu == 0)
        write32(GICD_BASE, 0x12);                                 /* GICD_CTLR: ARE, EnableGrp1 */
    __asm__ volatile("msr s3_0_c12_c12_5, %0; isb" : : "r"(1UL)); /* ICC_SRE_EL1 */
    __asm__ volatile("msr s3_0_c4_c6_0, %0" : : "r"(0xf0UL));     /* ICC_PMR_EL1 */
    __asm__ volatile("msr s3_0_c12_c12_7, %0; isb" : : "r"(1UL)); /* ICC_IGRPEN1_EL1 */
    __asm__ volatile("msr daifclr, #2; isb");
}

static void send_sgi(uint64_t vcpu)
{
    uint64_t v = (uint64_t)SGI << 24 | 1UL << vcpu;

    __asm__ volatile("dsb sy; msr s3_0_c12_c11_5, %0; isb" : : "r"(v)); /* ICC_SGI1R_EL1 */
}

static void its_command(unsigned n, uint64_t d0, uint64_t d1, uint64_t d2)
{
    uint64_t at = ITS_COMMANDS + 32 * n;

    write64(at, d0);
    write64(at + 8, d1);
    write64(at + 16, d2);
    write64(at + 24, 0);
    __asm__ volatile("dsb sy");
    write64(ITS_BASE + 0x88, 32 * (n + 1));         /* GITS_CWRITER */
    while (read64(ITS_BASE + 0x90) != 32 * (n + 1)) /* GITS_CREADR */
        ;
}

/* One device, one event, one LPI, to vCPU 0 (IHI0069, chapter 5). */
static void start_its(void)
{
    *(volatile uint8_t *)LPI_CONFIG = 0xa1;             /* priority 0xa0, enabled */
    write64(GICR_BASE + 0x70, LPI_CONFIG | 15);         /* GICR_PROPBASER: 16 INTID bits */
    write64(GICR_BASE + 0x78, LPI_PENDING | 1UL << 62); /* GICR_PENDBASER: all zero */
    write32(GICR_BASE, 1);                              /* GICR_CTLR.EnableLPIs */
    for (unsigned n = 0; n < 8; n++) {
        uint64_t at = ITS_BASE + 0x100 + 8 * n, type = read64(at) >> 56 & 7; /* GITS_BASER */
        if (type)
            write64(at, 1UL << 63 | ITS_TABLE(n) | 2 << 8);
    }
    write64(ITS_BASE + 0x80, 1UL << 63 | ITS_COMMANDS);       /* GITS_CBASER */
    write32(ITS_BASE, 1);                                     /* GITS_CTLR.Enabled */
    its_command(0, 0x08, 7, 1UL << 63 | ITS_ITT);             /* MAPD: device 0, 8 event bits */
    its_command(1, 0x09, 0, 1UL << 63);                       /* MAPC: collection 0, vCPU 0 */
    its_command(2, 0x0a, (uint64_t)LPI << 32 | LPI_EVENT, 0); /* MAPTI */
    its_command(3, 0x0c, LPI_EVENT, 0);                       /* INV */
}

/* -- the measurements -- */

static void measure_hypercall(uint64_t rounds)
{
    uint64_t start = counter();

    for (uint64_t k = 0; k < rounds; k++)
        hypercall(SMCCC_VERSION, 0, 0, 0);
    report(MEASURE_HYPERCALL, counter() - start, rounds);
}

static void measure_mmio(uint64_t rounds)
{
    uint64_t start = counter();

    for (uint64_t k = 0; k < rounds; k++)
        write64(CONTROL_BASE + CONTROL_NOTHING, k);
    report(MEASURE_MMIO, counter() - start, rounds);
}

/* To @count vCPUs from @first on, in turn. */
static void measure_ipi(uint64_t what, uint64_t first, uint64_t count, uint64_t rounds)
{
    uint64_t start = counter();

    for (uint64_t k = 0; k < rounds; k++) {
        uint64_t vcpu = first + k % count, before = received[vcpu];
        send_sgi(vcpu);
        while (received[vcpu] == before)
            ;
    }
    report(what, counter() - start, rounds);
}

static void measure_lpi(uint64_t rounds)
{
    uint64_t start = counter();

    for (uint64_t k = 0; k < rounds; k++) {
        uint64_t before = received[0];
        write64(CONTROL_BASE + CONTROL_MSI, LPI_EVENT);
        while (received[0] == before)
            ;
    }
    report(MEASURE_LPI, counter() - start, rounds);
}

void receiver(uint64_t vcpu)
{
    start_gic(vcpu);
    ready = vcpu;
    for (;;)
        __asm__ volatile("wfi");
}

/* The other vCPUs, one after the other. */
static void start_receivers(uint64_t vcpus)
{
    for (uint64_t k = 1; k < vcpus; k++) {
        hypercall(PSCI_CPU_ON, k, (uint64_t)(uintptr_t)secondary, k);
        while (ready != k)
            ;
    }
}

void measure_all(uint64_t vcpus, uint64_t rounds)
{
    uint64_t chosen = read64(CONTROL_BASE + CONTROL_CHOSEN);

    start_gic(0);
    if (chosen >> MEASURE_HYPERCALL & 1)
        measure_hypercall(rounds);
    if (chosen >> MEASURE_MMIO & 1)
        measure_mmio(rounds);
    if (chosen >> MEASURE_SELF_IPI & 1)
        measure_ipi(MEASURE_SELF_IPI, 0, 1, rounds / 5);
    if (chosen >> MEASURE_IPI & 1 && vcpus > 1) {
        start_receivers(vcpus);
        measure_ipi(MEASURE_IPI, 1, vcpus - 1, rounds / 5);
    }
    if (chosen >> MEASURE_LPI & 1) {
        start_its();
        measure_lpi(rounds / 5);
    }
    hypercall(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        ;
}
