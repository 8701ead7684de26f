#include "gic/gic.h"

#include <stdlib.h>
#include <string.h>

#include "arch/ppi.h"
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

#define DEFAULT_LRS  4
#define DEFAULT_BITS 5

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

static int check_config(const struct gic_config *cfg, struct arm_error *err)
{
    unsigned pribits = or_default(cfg->pribits, DEFAULT_BITS);
    unsigned prebits = or_default(cfg->prebits, DEFAULT_BITS);

    if (cfg->cpus < 1 || cfg->cpus > GIC_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "GIC: %u CPUs, expected 1 to %u", cfg->cpus,
                         GIC_CPUS_MAX);
    if (cfg->spis < 1 || cfg->spis > GIC_SPIS_MAX)
        return error_set(err, ARM_EINVAL, "GIC: %u SPIs, expected 1 to %u", cfg->spis,
                         GIC_SPIS_MAX);
    if (cfg->lr_count > GIC_LRS_MAX)
        return error_set(err, ARM_EINVAL, "GIC: %u list registers, expected 1 to %u", cfg->lr_count,
                         GIC_LRS_MAX);
    if (pribits < 5 || pribits > 8)
        return error_set(err, ARM_EINVAL, "GIC: %u priority bits, expected 5 to 8", pribits);
    if (prebits < 5 || prebits > 7 || prebits > pribits)
        return error_set(err, ARM_EINVAL,
                         "GIC: %u preemption bits, expected 5 to 7, at most the %u priority bits",
                         prebits, pribits);
    if ((cfg->v2_guests || cfg->v2) && !cfg->accessing_cpu)
        return error_set(err, ARM_EINVAL, "GIC: GICV must be told which CPU accesses it");
    if (cfg->v2 && cfg->cpus > GICV2_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "GICv2: %u CPUs, expected 1 to %d", cfg->cpus,
                         GICV2_CPUS_MAX);
    if (cfg->v2 && cfg->mem)
        return error_set(err, ARM_EINVAL, "GICv2: it has no ITS");
    return 0;
}

/* Interrupts @count of them starting with the bank's first. */
static uint32_t valid_mask(unsigned count)
{
    return count >= 32 ? UINT32_MAX : (UINT32_C(1) << count) - 1;
}

static void init_cpu(struct gic_cpu *c, struct gic *gic, unsigned index,
                     const struct gic_config *cfg)
{
    uint64_t mpidr = cfg->mpidr[index];

    c->redist.ops = &gicr_ops;
    c->redist.log = gic->log;
    c->gic = gic;
    c->index = index;
    c->affinity = (uint32_t)(bits(mpidr, 39, 32) << 24 | bits(mpidr, 23, 0));
    c->bank.valid = UINT32_MAX;
    c->bank.fixed_edge = SGI_MASK;
    c->phys.prebits = gic->pribits < 7 ? (uint8_t)gic->pribits : 7;
    c->virt.prebits = (uint8_t)or_default(cfg->prebits, DEFAULT_BITS);
}

struct gic *gic_create(const struct gic_config *cfg, struct arm_error *err)
{
    struct gic *gic;

    if (check_config(cfg, err) < 0)
        return NULL;
    gic = calloc(1, sizeof(*gic) + cfg->cpus * sizeof(gic->cpu[0]));
    if (!gic) {
        error_set(err, ARM_ENOMEM, "GIC: no memory for %u CPUs", cfg->cpus);
        return NULL;
    }
    gic->dist.ops = cfg->v2 ? &gicd2_ops : &gicd_ops;
    gic->dist.log = cfg->log;
    gic->its.dev.ops = &gits_ops;
    gic->its.dev.log = cfg->log;
    gic->its.gic = gic;
    if (cfg->mem)
        pace_init(&gic->its.pace, cfg->clock, "gic.its", its_go_on, &gic->its);
    gic->mem = cfg->mem;
    gic->gicv.ops = &gicv_ops;
    gic->gicv.log = cfg->log;
    gic->gicc.ops = &gicc_ops;
    gic->gich.ops = &gich_ops;
    gic->v2m.ops = &gicv2m_ops;
    gic->gicc.log = gic->gich.log = gic->v2m.log = cfg->log;
    gic->v2 = cfg->v2;
    gic->two_states = cfg->two_states && !cfg->v2;
    gic->v2_guests = cfg->v2_guests || cfg->v2;
    gic->accessing_cpu = cfg->accessing_cpu;
    gic->accessing_ctx = cfg->accessing_ctx;
    gic->log = cfg->log;
    gic->probes = cfg->probes;
    gic->cpus = cfg->cpus;
    gic->spis = cfg->spis;
    gic->lr_count = or_default(cfg->lr_count, DEFAULT_LRS);
    gic->pribits = or_default(cfg->pribits, DEFAULT_BITS);
    gic->id24 = cfg->id24;
    for (unsigned w = 0; w * 32 < gic->spis; w++)
        gic->spi[w].valid = valid_mask(gic->spis - w * 32);
    for (unsigned k = 0; k < gic->cpus; k++)
        init_cpu(&gic->cpu[k], gic, k, cfg);
    gic_reset(gic);
    return gic;
}

void gic_destroy(struct gic *gic)
{
    free(gic);
}

/* Everything but the wires and what is constant: disabled, group 0, priority 0, level-sensitive. */
static void reset_bank(struct irq_bank *b)
{
    *b = (struct irq_bank){
        .valid = b->valid, .fixed_edge = b->fixed_edge, .level = b->level, .edge = b->fixed_edge};
}

static void reset_interface(struct gic_if *f)
{
    *f = (struct gic_if){.bpr = {if_bpr_min(f, 0), if_bpr_min(f, 1), if_bpr_min(f, 2)},
                         .prebits = f->prebits};
}

/* What is in the CPU: ICC_ and ICH_ registers, GICV. */
static void reset_cpu_side(struct gic_cpu *c)
{
    reset_interface(&c->phys);
    reset_interface(&c->virt);
    c->ich_hcr = 0;
    c->sre = !c->gic->v2_guests;
    memset(c->lr, 0, sizeof(c->lr));
}

static void reset_cpu(struct gic_cpu *c)
{
    reset_bank(&c->bank);
    if (c->gic->v2)
        c->bank.enable = SGI_MASK;
    memset(c->sgi_from, 0, sizeof(c->sgi_from));
    gic_lpi_reset(c);
    c->gicr_ctlr = 0;
    c->asleep = !c->gic->v2;
    reset_cpu_side(c);
    icv_update(c);
}

void gic_reset_cpu_interface(struct gic *gic, unsigned cpu)
{
    struct gic_cpu *c = &gic->cpu[cpu];

    CHECK(cpu < gic->cpus);
    reset_cpu_side(c);
    icv_update(c);
    gic_update_all(gic);
}

void gic_sleep(struct gic *gic, unsigned cpu, bool sleep)
{
    CHECK(cpu < gic->cpus);
    gic->cpu[cpu].asleep = sleep;
    gic_update_all(gic);
}

void gic_make_nonsecure(struct gic *gic)
{
    for (unsigned w = 0; gic->two_states && w < SPI_BANKS; w++)
        gic->spi[w].group = gic->spi[w].valid;
    for (unsigned k = 0; gic->two_states && k < gic->cpus; k++)
        gic->cpu[k].bank.group = gic->cpu[k].bank.valid;
    gic_update_all(gic);
}

void gic_cpu_security(struct gic *gic, unsigned cpu, bool el3, bool secure_below, bool fiq_to_el3)
{
    struct gic_cpu *c = &gic->cpu[cpu];

    CHECK(cpu < gic->cpus);
    c->el3 = el3;
    c->secure_below = secure_below;
    c->fiq_to_el3 = fiq_to_el3;
    if (gic->two_states)
        gic_update_interface(c);
}

void gic_reset(struct gic *gic)
{
    gic->ctlr = 0;
    gic_its_reset(&gic->its);
    for (unsigned w = 0; w < SPI_BANKS; w++)
        reset_bank(&gic->spi[w]);
    memset(gic->itargetsr, 0, sizeof(gic->itargetsr));
    for (unsigned n = 0; n < gic->spis; n++) {
        gic->irouter[n] = 0;
        gic_route_spi(gic, n);
    }
    for (unsigned k = 0; k < gic->cpus; k++)
        reset_cpu(&gic->cpu[k]);
    gic_update_all(gic);
}

void gic_connect(struct gic *gic, unsigned cpu, const struct gic_pins *pins)
{
    CHECK(cpu < gic->cpus);
    gic->cpu[cpu].pins = *pins;
}

static void set_spi(void *ctx, unsigned n, bool level)
{
    struct gic *gic = ctx;

    gic_set_input(&gic->cpu[0], PRIVATE_COUNT + n, level);
}

static void set_ppi(void *ctx, unsigned n, bool level)
{
    gic_set_input(ctx, n, level);
}

struct irq_line gic_spi_line(struct gic *gic, unsigned n)
{
    CHECK(n < gic->spis);
    return (struct irq_line){set_spi, gic, n};
}

struct irq_line gic_ppi_line(struct gic *gic, unsigned cpu, unsigned intid)
{
    CHECK(cpu < gic->cpus && intid >= 16 && intid < PRIVATE_COUNT && intid != PPI_MAINTENANCE);
    return (struct irq_line){set_ppi, &gic->cpu[cpu], intid};
}

struct device *gic_distributor(struct gic *gic)
{
    return &gic->dist;
}

struct device *gic_redistributor(struct gic *gic, unsigned cpu)
{
    CHECK(cpu < gic->cpus);
    return &gic->cpu[cpu].redist;
}

struct device *gic_virtual_interface(struct gic *gic)
{
    return gic->v2_guests ? &gic->gicv : NULL;
}

struct device *gic_physical_interface(struct gic *gic)
{
    return gic->v2 ? &gic->gicc : NULL;
}

struct device *gic_hypervisor_control(struct gic *gic)
{
    return gic->v2 ? &gic->gich : NULL;
}

struct device *gic_message_frame(struct gic *gic)
{
    return gic->v2 ? &gic->v2m : NULL;
}

struct gic_cpu *gic_accessing_cpu(struct gic *gic)
{
    return &gic->cpu[gic->accessing_cpu(gic->accessing_ctx) % gic->cpus];
}

struct device *gic_its(struct gic *gic)
{
    return gic->mem ? &gic->its.dev : NULL;
}

/* PIDR4.., PIDR0.., CIDR0..3 of an Arm GIC; PIDR2.ArchRev is @revision. */
uint64_t gic_id_register(uint64_t offset, uint8_t part, unsigned revision)
{
    const uint8_t pidr2 = (uint8_t)(revision << 4 | 0xb);
    const uint8_t ids[] = {0x44, 0, 0, 0, part, 0xb4, pidr2, 0, 0x0d, 0xf0, 0x05, 0xb1};

    return ids[(offset - GIC_ID_OFFSET) / 4];
}
