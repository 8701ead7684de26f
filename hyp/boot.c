/* From the entry to a running CPU. boot_main() runs with the MMU off: it decides, and leaves in
 * boot_regs what mmu_on() (hyp/boot.S) writes on this CPU and on every other. */
#include "hyp/boot.h"

#include "hyp/console.h"
#include "hyp/context.h"
#include "hyp/cpu.h"
#include "hyp/gic.h"
#include "hyp/hook.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/patch.h"
#include "hyp/s2_fault.h"
#include "hyp/sched.h"
#include "hyp/smp.h"
#include "hyp/stage2.h"
#include "hyp/traps.h"

struct pcpu pcpus[CPUS_MAX];
unsigned pcpu_count = 1;
struct cpu_limits cpu_limits;
struct features cpu_features;
struct boot_info boot_info;

/* In the order that mmu_on() takes them. */
struct {
    uint64_t hcr, mair, tcr, ttbr0, sctlr, vbar;
} boot_regs __attribute__((aligned(64)));

/* EL2 sees physical memory where it is: 512 blocks of 1 GiB (39-bit addresses). */
static uint64_t identity[512] __attribute__((aligned(4096)));

#define MAIR_DEVICE_nGnRE 0x04
#define MAIR_NORMAL       0xff
#define DESC_BLOCK        1
#define DESC_AF           BIT(10)
#define DESC_INNER        (UINT64_C(3) << 8)
#define DESC_ATTR(n)      ((uint64_t)(n) << 2)
#define DESC_AP1          BIT(6) /* RES1 without E2H; EL0 access with it */
#define DESC_XN           BIT(54)
#define DESC_PXN          BIT(53)
#define GIB               (UINT64_C(1) << 30)

/* Rows of arch/features.def without an ID register field. */
static inline uint64_t mrs_NONE(void)
{
    return 0;
}

/* A field of all ones says that what others build upon is not there. */
static bool announces(uint64_t id, unsigned lsb, unsigned width, uint64_t value)
{
    uint64_t field = bits(id, lsb + width - 1, lsb);

    return value && field >= value && field != MASK(width - 1, 0);
}

static void probe_features(struct features *f)
{
    uint64_t isar1 = mrs(ID_AA64ISAR1_EL1), isar2 = mrs(ID_AA64ISAR2_EL1);

#define FEATURE(name, cli, models, id, lsb, width, value)                                          \
    set_feature(f, FEAT_##name, announces(mrs(id), lsb, width, value));
#include "arch/features.def"
#undef FEATURE
    set_feature(f, FEAT_PAuth, /* any of its algorithms: APA, API, GPA, GPI, APA3, GPA3 */
                (isar1 & (MASK(11, 4) | MASK(31, 24))) || (isar2 & MASK(15, 8)));
}

void cpu_probe(void)
{
    uint64_t dfr0 = mrs(ID_AA64DFR0_EL1), vtr = mrs(ICH_VTR_EL2);

    probe_features(&cpu_features);
    cpu_limits.breakpoints = (unsigned)bits(dfr0, 15, 12) + 1;
    cpu_limits.watchpoints = (unsigned)bits(dfr0, 23, 20) + 1;
    cpu_limits.counters = cpu_has(FEAT_PMUv3) ? (unsigned)bits(mrs(PMCR_EL0), 15, 11) : 0;
    cpu_limits.vmid_bits = cpu_has(FEAT_VMID16) ? 16 : 8;
    cpu_limits.lrs = (unsigned)bits(vtr, 4, 0) + 1;
    cpu_limits.preemption_bits = (unsigned)bits(vtr, 28, 26) + 1;
    cpu_limits.priority_bits = (unsigned)bits(vtr, 31, 29) + 1;
    cpu_limits.tdir = bit(vtr, 19);
}

static void map_gib(uint64_t base, uint64_t size, uint64_t attributes)
{
    for (uint64_t a = align_down(base, GIB); a < base + size && a / GIB < ARRAY_SIZE(identity);
         a += GIB)
        identity[a / GIB] = a | attributes;
}

static void make_tables(void)
{
    uint64_t common = DESC_BLOCK | DESC_AF | DESC_INNER | (hyp_vhe ? 0 : DESC_AP1);

    map_gib(0, GIB * ARRAY_SIZE(identity),
            common | DESC_ATTR(1) | DESC_XN | (hyp_vhe ? DESC_PXN : 0));
    for (unsigned k = 0; k < boot_info.ram_count; k++)
        map_gib(boot_info.ram[k].base, boot_info.ram[k].size,
                common | DESC_ATTR(0) | (hyp_vhe ? DESC_XN : 0));
}

/* TCR_EL2 has the layout of TCR_EL1 with E2H: two halves, of which we use the lower. */
static uint64_t tcr(void)
{
    uint64_t pa_size = bits(mrs(ID_AA64MMFR0_EL1), 3, 0);
    uint64_t common =
        25 | 1 << 8 | 1 << 10 | 3 << 12; /* 39 bits, write-back, Inner Shareable, 4K */

    if (pa_size > 5)
        pa_size = 5;
    if (hyp_vhe)
        return common | BIT(23) /* EPD1 */ | UINT64_C(25) << 16 | UINT64_C(2) << 30 | pa_size << 32;
    return common | BIT(23) | BIT(31) | pa_size << 16;
}

/* What boot_main() needs of the tree while memory is still Device memory: byte reads only. */
static void read_tree(const struct fdt *f)
{
    int chosen = fdt_find(f, "/chosen");
    const char *args = chosen < 0 ? NULL : fdt_string(f, chosen, "bootargs");
    const char *xen_args = chosen < 0 ? NULL : fdt_string(f, chosen, "xen,xen-bootargs");

    opts_init();
    opts_parse(args ? args : "");
    opts_parse(xen_args ? xen_args : "");
    for (int node = fdt_child(f, fdt_root(f)); node >= 0; node = fdt_sibling(f, node)) {
        const char *type = fdt_string(f, node, "device_type");
        struct boot_range *r = &boot_info.ram[boot_info.ram_count];

        if (type && !strcmp(type, "memory") && boot_info.ram_count < ARRAY_SIZE(boot_info.ram) &&
            fdt_reg(f, node, 0, &r->base, &r->size))
            boot_info.ram_count++;
    }
}

static bool want_vhe(void)
{
    return opts.mode != OPT_mode_nvhe && cpu_has(FEAT_VHE);
}

void boot_main(const void *dtb)
{
    if (!fdt_open(&boot_info.tree, dtb, UINT32_MAX))
        return; /* nothing can be said without knowing where a UART is */
    read_tree(&boot_info.tree);
    cpu_probe();
    hyp_vhe = want_vhe();
    make_tables();
    boot_regs.hcr = host_hcr();
    boot_regs.mair = MAIR_NORMAL | MAIR_DEVICE_nGnRE << 8;
    boot_regs.tcr = tcr();
    boot_regs.ttbr0 = (uint64_t)(uintptr_t)identity;
    boot_regs.sctlr =
        UINT64_C(0x30c50830) | BIT(0) | BIT(2) | BIT(3) | BIT(12); /* RES1, M, C, SA, I */
    boot_regs.vbar = (uint64_t)(uintptr_t)vectors;
    dsb(sy);
}

static void find_devices(const struct fdt *f)
{
    struct gic_frames *g = &gic_frames;
    uint64_t base, size;
    uint32_t regions = 1;
    int node = fdt_compatible(f, fdt_root(f), "arm,pl011");

    if (node >= 0 && fdt_reg(f, node, 0, &base, &size))
        console_init(base);
    node = fdt_compatible(f, fdt_root(f), "arm,gic-v3");
    if (node < 0 || !fdt_reg(f, node, 0, &g->dist, &size) ||
        !fdt_reg(f, node, 1, &g->redist, &g->redist_size))
        panic("the device tree has no GICv3");
    /* Behind the regions of redistributors: GICC, GICH, GICV (the binding arm,gic-v3). */
    fdt_u32(f, node, "#redistributor-regions", &regions);
    if (!fdt_reg(f, node, regions + 3, &g->gicv, &size))
        g->gicv = 0;
}

static void check_gicv(void)
{
    if (opts.gicv && !gic_frames.gicv) {
        print("hyp: there is no GICV: guests have a GICv3\n");
        opts.gicv = OPT_gicv_off;
    }
}

extern struct patch_site patch_sites[], patch_sites_end[]; /* hyp/image.ld */

static void init_cpu(struct pcpu *cpu)
{
    cpu->mpidr = mrs(MPIDR_EL1);
    cpu->fp.trapping = false;
    cpu->timer_armed = UINT64_MAX;
    traps_init_cpu();
    gic_init_cpu();
    context_save(&cpu->host, BIT(GROUP_USER) | BIT(GROUP_EL1));
    cpu->host.live = BIT(GROUP_USER) | BIT(GROUP_EL1);
}

/* The stack that a CPU boots on is its idle task's. */
static void become_idle(struct pcpu *cpu)
{
    static struct task idle[CPUS_MAX];
    struct task *t = &idle[cpu->index];

    format(t->name, sizeof(t->name), "idle%u", cpu->index);
    t->is_idle = true;
    t->state = TASK_RUNNING;
    t->pinned = (int)cpu->index;
    cpu->idle = t;
    cpu->current = t;
}

static void check_granule(void)
{
    if (!stage2_granule_exists(stage2_page_log2())) {
        print("hyp: this CPU has no %uK pages at stage 2: 4K\n", 1u << (stage2_page_log2() - 10));
        opts.granule = OPT_granule_4k;
    }
}

void hyp_boot(void)
{
    struct pcpu *cpu = &pcpus[0];
    const char *complaint;

    msr(TPIDR_EL2, (uint64_t)(uintptr_t)cpu);
    find_devices(&boot_info.tree);
    become_idle(cpu);
    mem_init();
    gic_init();
    if ((complaint = opts_complaint()))
        print("hyp: %s\n", complaint);
    check_granule();
    check_gicv();
    hook_init();
    s2_mode_init();
    patch_init(patch_sites, patch_sites_end);
    init_cpu(cpu);
    smp_start();
    print("hyp: %s, %u CPU(s), %u list register(s), %u preemption bits, %u-bit VMIDs\n",
          hyp_vhe ? "VHE" : "nVHE", pcpu_count, cpu_limits.lrs, cpu_limits.preemption_bits,
          cpu_limits.vmid_bits);
    irq_enable();
    console_listen();
    hyp_main(&boot_info.tree);
    sched_idle();
}

void hyp_secondary(void)
{
    struct pcpu *cpu = smp_arrive();

    msr(TPIDR_EL2, (uint64_t)(uintptr_t)cpu);
    become_idle(cpu);
    init_cpu(cpu);
    smp_arrived(cpu);
    irq_enable();
    sched_idle();
}
