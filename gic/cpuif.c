/* System register access to the CPU interfaces: what both have in common, and who does the rest. */
#include "base/bits.h"
#include "gic/gic.h"
#include "gic/internal.h"
#include "gic/prio.h"

void cpuif_changed(struct cpuif_reg r)
{
    if (r.virt)
        icv_update(r.c);
    else
        gic_update_interface(r.c);
}

uint64_t cpuif_read_pmr(struct cpuif_reg r)
{
    if (!r.virt && gic_shifts_priorities(r.c))
        return prio_to_ns(r.f->pmr);
    return r.f->pmr;
}

void cpuif_write_pmr(struct cpuif_reg r, uint64_t value)
{
    if (!r.virt && gic_shifts_priorities(r.c)) {
        if (!(r.f->pmr & 0x80))
            return;
        value = prio_from_ns(value);
    }
    r.f->pmr = (uint8_t)value & gic_prio_mask(r.c->gic->pribits);
    cpuif_changed(r);
}

/* The group that a register of group @n is about. */
static unsigned group_of(struct cpuif_reg r, unsigned n)
{
    return n == 0 ? GROUP_0 : r.virt ? GROUP_1 : gic_group1_of(r.c);
}

/* With CBPR, BPR1 reads as BPR0 + 1, saturated, and ignores writes. */
static uint64_t read_bpr(struct cpuif_reg r)
{
    const struct gic_if *f = r.f;

    unsigned g = group_of(r, r.n);

    if (g == GROUP_1S && f->cbpr_s)
        return f->bpr[0];
    if (g == GROUP_1 && f->cbpr)
        return f->bpr[0] == 7 ? 7 : f->bpr[0] + 1u;
    return f->bpr[g];
}

static void write_bpr(struct cpuif_reg r, uint64_t value)
{
    struct gic_if *f = r.f;

    unsigned g = group_of(r, r.n);

    if ((g == GROUP_1 && f->cbpr) || (g == GROUP_1S && f->cbpr_s))
        return;
    f->bpr[g] = if_bpr_clamp(r.f, g, value);
    cpuif_changed(r);
}

/* A3V: affinity 3 is supported in SGIs. No SEIs, no RSS, no PMHE. */
static uint64_t read_ctlr(struct cpuif_reg r)
{
    const struct gic_if *f = r.f;
    bool s = group_of(r, 1) == GROUP_1S;

    return BIT(15) | (uint64_t)r.c->gic->id24 << 11 | (uint64_t)(r.c->gic->pribits - 1) << 8 |
           (uint64_t)(s ? f->eoimode_s : f->eoimode) << 1 | (uint64_t)(s ? f->cbpr_s : f->cbpr);
}

static void write_ctlr(struct cpuif_reg r, uint64_t value)
{
    struct gic_if *f = r.f;

    bool s = group_of(r, 1) == GROUP_1S;

    *(s ? &f->eoimode_s : &f->eoimode) = bit(value, 1);
    *(s ? &f->cbpr_s : &f->cbpr) = bit(value, 0);
    cpuif_changed(r);
}

/* ICC_CTLR_EL3: EOImode and CBPR of everybody; with one Security state Non-secure EL1's are the
 * only ones that act. EL3's registers have no virtual twins. */
static uint64_t read_ctlr_el3(struct cpuif_reg r)
{
    const struct gic_if *f = &r.c->phys;

    return (read_ctlr(r) & ~MASK(1, 0)) | (uint64_t)f->eoimode << 4 | (uint64_t)f->eoimode_s << 3 |
           (uint64_t)f->eoimode_el3 << 2 | (uint64_t)f->cbpr << 1 | (uint64_t)f->cbpr_s;
}

static void write_ctlr_el3(struct cpuif_reg r, uint64_t value)
{
    struct gic_if *f = &r.c->phys;

    f->eoimode = bit(value, 4);
    f->eoimode_s = bit(value, 3);
    f->eoimode_el3 = bit(value, 2);
    f->cbpr = bit(value, 1);
    f->cbpr_s = bit(value, 0);
    gic_update_interface(r.c);
}

static uint64_t read_igrpen(struct cpuif_reg r)
{
    return r.f->enable[group_of(r, r.n)];
}

static void write_igrpen(struct cpuif_reg r, uint64_t value)
{
    bool enable = bit(value, 0);
    unsigned g = group_of(r, r.n);

    if (r.f->enable[g] == enable)
        return;
    r.f->enable[g] = enable;
    if (r.virt)
        icv_update(r.c);
    else
        gic_update_all(r.c->gic);
}

/* ICC_IGRPEN1_EL3: the enables of both group 1s; Secure group 1's is RES0 without two states. */
static uint64_t read_igrpen1_el3(struct cpuif_reg r)
{
    const bool *enable = r.c->phys.enable;

    return (uint64_t)enable[GROUP_1S] << 1 | (uint64_t)enable[GROUP_1];
}

static void write_igrpen1_el3(struct cpuif_reg r, uint64_t value)
{
    r.c->phys.enable[GROUP_1] = bit(value, 0);
    r.c->phys.enable[GROUP_1S] = r.c->gic->two_states && bit(value, 1);
    gic_update_all(r.c->gic);
}

uint64_t cpuif_read_rpr(struct cpuif_reg r)
{
    unsigned running = if_running(r.f);

    if (!r.virt && gic_shifts_priorities(r.c) && running != PRIO_IDLE)
        return prio_to_ns((uint8_t)running);
    return running;
}

uint64_t cpuif_read_apr(struct cpuif_reg r)
{
    return r.f->apr[group_of(r, r.n / 4)][r.n % 4];
}

void cpuif_write_apr(struct cpuif_reg r, uint64_t value)
{
    if (r.n % 4 >= if_apr_count(r.f))
        return;
    r.f->apr[group_of(r, r.n / 4)][r.n % 4] = (uint32_t)value;
    cpuif_changed(r);
}

/* ICH_AP<g>R<n>_EL2 are the virtual interface's, whoever reads them. */
static uint64_t read_ich_apr(struct cpuif_reg r)
{
    return r.c->virt.apr[r.n / 4][r.n % 4];
}

static void write_ich_apr(struct cpuif_reg r, uint64_t value)
{
    r.c->virt.apr[r.n / 4][r.n % 4] = (uint32_t)value;
    icv_update(r.c);
}

static uint64_t read_iar(struct cpuif_reg r)
{
    return r.virt ? icv_acknowledge(r.c, r.n) : icc_acknowledge(r.c, group_of(r, r.n));
}

static void write_eoir(struct cpuif_reg r, uint64_t value)
{
    uint32_t intid = (uint32_t)value & gic_intid_mask(r.c->gic);

    if (r.virt)
        icv_end(r.c, r.n, intid);
    else
        icc_end(r.c, group_of(r, r.n), intid);
}

static void write_dir(struct cpuif_reg r, uint64_t value)
{
    uint32_t intid = (uint32_t)value & gic_intid_mask(r.c->gic);

    if (r.virt)
        icv_deactivate(r.c, intid);
    else
        icc_deactivate(r.c, intid);
}

/* The highest-priority pending interrupt if it is of the group, whatever PMR and RPR say. */
static uint64_t read_hppir(struct cpuif_reg r)
{
    if (r.virt)
        return icv_hppir(r.c, r.n);
    unsigned g = group_of(r, r.n);
    return r.c->hppi.group == g ? r.c->hppi.intid : icc_special(r.c, g);
}

/* There are no virtual SGI registers: with HCR_EL2.{FMO,IMO} the access traps. */
static void write_sgir(struct cpuif_reg r, uint64_t value)
{
    icc_send_sgi(r.c, group_of(r, r.n), value);
}

/* ICC_ASGI1R_EL1: for the other Security state; with one as ICC_SGI0R_EL1. */
static void write_asgir(struct cpuif_reg r, uint64_t value)
{
    unsigned other = group_of(r, 1) == GROUP_1 ? GROUP_1S : GROUP_1;

    icc_send_sgi(r.c, r.c->gic->two_states ? other : GROUP_0, value);
}

/* DIB and DFB are RAO/WI, there being no bypass, and so is SRE unless there is GICV. */
static uint64_t read_sre_el1(struct cpuif_reg r)
{
    return 6 | (uint64_t)r.c->sre;
}

static void write_sre_el1(struct cpuif_reg r, uint64_t value)
{
    if (!r.c->gic->v2_guests)
        return;
    r.c->sre = bit(value, 0);
    icv_update(r.c);
}

static bool has_ALWAYS(const struct gic *gic, unsigned n)
{
    (void)gic;
    (void)n;
    return true;
}

static bool has_APR(const struct gic *gic, unsigned n)
{
    return n % 4 < if_apr_count(&gic->cpu[0].phys);
}

static bool has_VAPR(const struct gic *gic, unsigned n)
{
    return n % 4 < if_apr_count(&gic->cpu[0].virt);
}

static bool has_LR(const struct gic *gic, unsigned n)
{
    return n < gic->lr_count;
}

static struct cpuif_reg reg_of(struct gic *gic, unsigned cpu, bool virt, unsigned n)
{
    struct gic_cpu *c = &gic->cpu[cpu];

    return (struct cpuif_reg){c, virt ? &c->virt : &c->phys, n, virt};
}

bool gic_sysreg_implemented(const struct gic *gic, enum sysreg sr)
{
    switch (sr) {
#define CPUIF(reg, n, exists, read, write)                                                         \
    case SR_##reg:                                                                                 \
        return has_##exists(gic, n);
#include "gic/cpuif.def"
#undef CPUIF
    default:
        return false;
    }
}

static uint64_t read_register(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt)
{
    switch (sr) {
#define CPUIF(reg, n, exists, read, write)                                                         \
    case SR_##reg:                                                                                 \
        return has_##exists(gic, n) ? read(reg_of(gic, cpu, virt, n)) : 0;
#include "gic/cpuif.def"
#undef CPUIF
    default:
        return 0;
    }
}

static void write_register(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    switch (sr) {
#define CPUIF(reg, n, exists, read, write)                                                         \
    case SR_##reg:                                                                                 \
        if (has_##exists(gic, n))                                                                  \
            write(reg_of(gic, cpu, virt, n), value);                                               \
        break;
#include "gic/cpuif.def"
#undef CPUIF
    default:
        break;
    }
}

/* Why an access changes registers beside the one it names. */
static unsigned cause_of(enum sysreg sr)
{
    switch (sr) {
    case SR_ICC_IAR0_EL1:
    case SR_ICC_IAR1_EL1:
        return ARM_HW_ACKNOWLEDGE;
    case SR_ICC_EOIR0_EL1:
    case SR_ICC_EOIR1_EL1:
    case SR_ICC_DIR_EL1:
        return ARM_HW_END;
    default:
        return ARM_HW_INTERFACE;
    }
}

static __attribute__((noinline)) uint64_t read_watched(struct gic *gic, unsigned cpu,
                                                       enum sysreg sr, bool virt)
{
    struct gic_shot shot;

    gic_shot_take(&gic->cpu[cpu], &shot);
    uint64_t value = read_register(gic, cpu, sr, virt);
    gic_shot_tell(&gic->cpu[cpu], &shot, sr, cause_of(sr));
    return value;
}

static __attribute__((noinline)) void write_watched(struct gic *gic, unsigned cpu, enum sysreg sr,
                                                    bool virt, uint64_t value)
{
    struct gic_shot shot;

    gic_shot_take(&gic->cpu[cpu], &shot);
    write_register(gic, cpu, sr, virt, value);
    gic_shot_tell(&gic->cpu[cpu], &shot, sr, cause_of(sr));
}

uint64_t gic_cpuif_read(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt)
{
    return gic_wants(gic, ARM_EVENT_HWREG) ? read_watched(gic, cpu, sr, virt)
                                           : read_register(gic, cpu, sr, virt);
}

void gic_cpuif_write(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    if (gic_wants(gic, ARM_EVENT_HWREG))
        write_watched(gic, cpu, sr, virt, value);
    else
        write_register(gic, cpu, sr, virt, value);
}
