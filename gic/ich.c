/* The hypervisor's control of the virtual CPU interface: ICH_*_EL2. IHI0069 12.4. */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

#define HCR_WRITABLE                                                                               \
    (ICH_HCR_En | ICH_HCR_UIE | ICH_HCR_LRENPIE | ICH_HCR_NPIE | ICH_HCR_VGrp0EIE |                \
     ICH_HCR_VGrp0DIE | ICH_HCR_VGrp1EIE | ICH_HCR_VGrp1DIE | ICH_HCR_TC | ICH_HCR_TALL0 |         \
     ICH_HCR_TALL1 | ICH_HCR_TDIR | ICH_HCR_EOIcount)

/* List registers that ended their interrupt and want the hypervisor to know. */
uint32_t ich_eisr(const struct gic_cpu *c)
{
    uint32_t found = 0;

    for (unsigned k = 0; k < c->gic->lr_count; k++)
        if ((c->lr[k] & (LR_STATE | LR_HW | LR_EOI)) == LR_EOI)
            found |= UINT32_C(1) << k;
    return found;
}

/* List registers free for use. */
uint32_t ich_elrsr(const struct gic_cpu *c)
{
    uint32_t found = 0;

    for (unsigned k = 0; k < c->gic->lr_count; k++) {
        uint64_t lr = c->lr[k];

        if (!(lr & LR_STATE) && ((lr & LR_HW) || !(lr & LR_EOI)))
            found |= UINT32_C(1) << k;
    }
    return found;
}

/* The conditions of the maintenance interrupt that hold and are enabled; En does
 * not matter here. */
uint32_t ich_misr(const struct gic_cpu *c)
{
    uint32_t hcr = c->ich_hcr;
    unsigned valid = 0, pending = 0;

    for (unsigned k = 0; (hcr & (ICH_HCR_UIE | ICH_HCR_NPIE)) && k < c->gic->lr_count; k++) {
        valid += (c->lr[k] & LR_STATE) != 0;
        pending += (c->lr[k] & LR_STATE) == LR_PENDING;
    }
    return (uint32_t)(ich_eisr(c) != 0) << 0                                      /* EOI */
           | (uint32_t)((hcr & ICH_HCR_UIE) && valid <= 1) << 1                   /* U */
           | (uint32_t)((hcr & ICH_HCR_LRENPIE) && (hcr & ICH_HCR_EOIcount)) << 2 /* LRENP */
           | (uint32_t)((hcr & ICH_HCR_NPIE) && pending == 0) << 3                /* NP */
           | (uint32_t)((hcr & ICH_HCR_VGrp0EIE) && c->virt.enable[0]) << 4       /* VGrp0E */
           | (uint32_t)((hcr & ICH_HCR_VGrp0DIE) && !c->virt.enable[0]) << 5      /* VGrp0D */
           | (uint32_t)((hcr & ICH_HCR_VGrp1EIE) && c->virt.enable[1]) << 6       /* VGrp1E */
           | (uint32_t)((hcr & ICH_HCR_VGrp1DIE) && !c->virt.enable[1]) << 7;     /* VGrp1D */
}

uint64_t ich_read_hcr(struct cpuif_reg r)
{
    return r.c->ich_hcr;
}

void ich_write_hcr(struct cpuif_reg r, uint64_t value)
{
    r.c->ich_hcr = (uint32_t)(value & HCR_WRITABLE);
    icv_update(r.c);
}

/* TDS: ICH_HCR_EL2.TDIR works; nV4: no direct injection; A3V: affinity 3 in SGIs. */
uint64_t ich_read_vtr(struct cpuif_reg r)
{
    const struct gic *gic = r.c->gic;

    return (uint64_t)(gic->pribits - 1) << 29 | (uint64_t)(r.c->virt.prebits - 1) << 26 |
           (uint64_t)gic->id24 << 23 | BIT(21) | BIT(20) | BIT(19) | (gic->lr_count - 1);
}

uint64_t ich_read_misr(struct cpuif_reg r)
{
    return ich_misr(r.c);
}

uint64_t ich_read_eisr(struct cpuif_reg r)
{
    return ich_eisr(r.c);
}

uint64_t ich_read_elrsr(struct cpuif_reg r)
{
    return ich_elrsr(r.c);
}

/* With ICC_SRE_EL1.SRE == 1, VAckCtl is RES0 and VFIQEn RES1. */
uint64_t ich_vmcr(const struct gic_cpu *c)
{
    const struct gic_if *v = &c->virt;
    bool ackctl = !c->sre && v->ackctl, fiqen = c->sre || v->fiqen;

    return (uint64_t)v->pmr << 24 | (uint64_t)v->bpr[0] << 21 | (uint64_t)v->bpr[1] << 18 |
           (uint64_t)v->eoimode << 9 | (uint64_t)v->cbpr << 4 | (uint64_t)fiqen << 3 |
           (uint64_t)ackctl << 2 | (uint64_t)v->enable[1] << 1 | (uint64_t)v->enable[0];
}

uint64_t ich_read_vmcr(struct cpuif_reg r)
{
    return ich_vmcr(r.c);
}

void ich_write_vmcr(struct cpuif_reg r, uint64_t value)
{
    struct gic_if *v = &r.c->virt;

    v->pmr = (uint8_t)bits(value, 31, 24) & gic_prio_mask(r.c->gic->pribits);
    v->bpr[0] = if_bpr_clamp(v, 0, bits(value, 23, 21));
    v->bpr[1] = if_bpr_clamp(v, 1, bits(value, 20, 18));
    v->eoimode = bit(value, 9);
    v->cbpr = bit(value, 4);
    v->fiqen = bit(value, 3);
    v->ackctl = bit(value, 2);
    v->enable[1] = bit(value, 1);
    v->enable[0] = bit(value, 0);
    icv_update(r.c);
}

uint64_t ich_read_lr(struct cpuif_reg r)
{
    return r.c->lr[r.n];
}

void ich_write_lr(struct cpuif_reg r, uint64_t value)
{
    const struct gic *gic = r.c->gic;

    r.c->lr[r.n] = value & (MASK(63, 60) | (uint64_t)gic_prio_mask(gic->pribits) << 48 |
                            MASK(44, 32) | gic_intid_mask(gic));
    icv_update(r.c);
}
