/* The virtual CPU interface (ICV_*), fed by list registers. IHI0069 ch. 6. */
#include "arch/ppi.h"
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

/*
 * HighestPriorityVirtualInterrupt(): the list register to signal next, or -1. Of equal priorities
 * the lowest list register wins (IMPLEMENTATION DEFINED).
 */
static int highest_pending(const struct gic_cpu *c)
{
    int best = -1;
    unsigned best_prio = 0x100;

    for (unsigned k = 0; k < c->gic->lr_count; k++) {
        uint64_t lr = c->lr[k];

        if ((lr & LR_STATE) == LR_PENDING && c->virt.enable[lr_group(lr)] &&
            lr_priority(lr) < best_prio) {
            best = (int)k;
            best_prio = lr_priority(lr);
        }
    }
    return best;
}

void icv_update(struct gic_cpu *c)
{
    bool on = c->ich_hcr & ICH_HCR_En, signal = false, fiq;
    unsigned group = 0;

    c->hppvi = highest_pending(c);
    if (on && c->hppvi >= 0) {
        uint64_t lr = c->lr[c->hppvi];

        group = lr_group(lr);
        signal = if_can_preempt(&c->virt, lr_priority(lr), group);
    }
    fiq = group == 0 && (c->sre || c->virt.fiqen);
    gic_set_pin(&c->vfiq, &c->pins.vfiq, signal && fiq);
    gic_set_pin(&c->virq, &c->pins.virq, signal && !fiq);
    gic_set_input(c, PPI_MAINTENANCE, on && ich_misr(c) != 0);
}

int icv_signalled_group(const struct gic_cpu *c)
{
    return c->vfiq || c->virq ? (int)lr_group(c->lr[c->hppvi]) : -1;
}

/*
 * Interrupts with an active state. For a guest that uses GICV, bits 12:10 of an SGI are the CPU it
 * comes from (ICH_LR<n>_EL2.vINTID).
 */
static bool has_active_state(const struct gic_cpu *c, uint32_t intid)
{
    return (c->sre ? intid : intid & 0x3ff) < INTID_SPECIAL;
}

static bool is_special(const struct gic_cpu *c, uint32_t intid)
{
    return !has_active_state(c, intid) && intid < INTID_LPI;
}

/*
 * ICV_IAR<n>_EL1, VirtualReadIAR<n>(). LPIs have no active state, and neither has a special INTID
 * that somebody put in a list register.
 */
uint32_t icv_acknowledge(struct gic_cpu *c, unsigned group)
{
    uint64_t *lr;
    uint32_t intid;

    if (icv_signalled_group(c) != (int)group)
        return INTID_NONE;
    lr = &c->lr[c->hppvi];
    intid = lr_vintid(*lr);
    *lr &= ~LR_STATE;
    if (has_active_state(c, intid))
        *lr |= LR_ACTIVE;
    /* GICV guests have their active priorities of both groups in ICH_AP1R<n>_EL2. */
    if (!is_special(c, intid))
        if_activate(&c->virt, lr_priority(*lr), group, c->sre ? group : 1);
    gic_tell(c, intid, ARM_IRQ_ACKNOWLEDGED, true);
    icv_update(c);
    return intid;
}

uint32_t icv_hppir(const struct gic_cpu *c, unsigned group)
{
    if (c->hppvi < 0 || lr_group(c->lr[c->hppvi]) != group)
        return INTID_NONE;
    return lr_vintid(c->lr[c->hppvi]);
}

/* The list register in which @intid is active, or NULL. */
static uint64_t *find_active(struct gic_cpu *c, uint32_t intid)
{
    for (unsigned k = 0; k < c->gic->lr_count; k++)
        if ((c->lr[k] & LR_ACTIVE) && lr_vintid(c->lr[k]) == intid)
            return &c->lr[k];
    return NULL;
}

unsigned icv_active_group(struct gic_cpu *c, uint32_t intid)
{
    const uint64_t *lr = find_active(c, intid);

    return lr ? lr_group(*lr) : 0;
}

static void deactivate(struct gic_cpu *c, uint64_t *lr)
{
    *lr &= ~LR_ACTIVE;
    gic_tell(c, lr_vintid(*lr), ARM_IRQ_DEACTIVATED, true);
    if (*lr & LR_HW)
        gic_deactivate(c, lr_pintid(*lr));
}

/* A deactivation that found no list register is left to the hypervisor; the field wraps. */
static void count_eoi(struct gic_cpu *c)
{
    c->ich_hcr = (uint32_t)set_bits(c->ich_hcr, 31, 27, bits(c->ich_hcr, 31, 27) + 1);
}

/*
 * ICV_EOIR<n>_EL1, VirtualWriteEOIR<n>(). CU-choice: nothing happens if no priority is active
 * (EOIcount is unchanged); the drop takes the highest priority of either group; a list register
 * whose group or priority is not that of the drop keeps its state.
 */
void icv_end(struct gic_cpu *c, unsigned group, uint32_t intid)
{
    unsigned first = if_first_active(&c->virt), dropped = if_running(&c->virt);
    uint64_t *lr;

    if (is_special(c, intid) || first == APR_NONE)
        return;
    if (!if_drop(&c->virt, first, 0))
        if_drop(&c->virt, first, 1);
    lr = find_active(c, intid);
    if (intid < INTID_LPI && !c->virt.eoimode) {
        if (!lr)
            count_eoi(c);
        else if (lr_group(*lr) == group &&
                 (lr_priority(*lr) & if_group_mask(&c->virt, group)) == dropped)
            deactivate(c, lr);
    }
    icv_update(c);
}

/* ICV_DIR_EL1, VirtualWriteDIR(). CU-choice: ignored with EOImode == 0. */
void icv_deactivate(struct gic_cpu *c, uint32_t intid)
{
    uint64_t *lr;

    if (!c->virt.eoimode || !has_active_state(c, intid))
        return;
    lr = find_active(c, intid);
    if (lr)
        deactivate(c, lr);
    else
        count_eoi(c);
    icv_update(c);
}
