/*
 * The world switch of the virtual interface. What must be in which order (IHI0069 9.4, 12.4):
 *
 *   - ICC_SRE_EL1 before ICH_VMCR_EL2 with an ISB between: SRE decides how VMCR reads, VFIQEn above
 * all;
 *   - AP0R before AP1R;
 *   - EOIcount is read before ICH_HCR_EL2 is overwritten;
 *   - a guest that uses memory, GICV, needs a DSB before ICH_ registers tell what it did; one that
 * uses system registers does not.
 */
#include "hyp/cpu.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/vgic.h"

/* clang-format off */
#define LRS_DOWN(X)                                                                                \
    X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)
/* clang-format on */

uint64_t lr_read(unsigned n)
{
    switch (n) {
#define X(k)                                                                                       \
    case k:                                                                                        \
        return mrs(ICH_LR##k##_EL2);
        LRS_DOWN(X)
#undef X
    default:
        return 0;
    }
}

void lr_write(unsigned n, uint64_t v)
{
    switch (n) {
#define X(k)                                                                                       \
    case k:                                                                                        \
        msr(ICH_LR##k##_EL2, v);                                                                   \
        break;
        LRS_DOWN(X)
#undef X
    default:
        break;
    }
}

/* Registers count-1 to 0, straight: @reverse is a constant, so each is one MRS and one store. */
static inline __attribute__((always_inline)) void read_lrs(struct vgic_if *c, unsigned count,
                                                           bool reverse)
{
    switch (count) {
#define X(k)                                                                                       \
    case k + 1:                                                                                    \
        if (!MUTANT(lost_lr) || (k) != 0)                                                          \
            c->lr[lr_slot(k, reverse != MUTANT(gic_state_lr_order))] = mrs(ICH_LR##k##_EL2);       \
        __attribute__((fallthrough));
        LRS_DOWN(X)
#undef X
    default:
        break;
    }
}

static inline __attribute__((always_inline)) void write_lrs(const struct vgic_if *c, unsigned count,
                                                            bool reverse)
{
    switch (count) {
#define X(k)                                                                                       \
    case k + 1:                                                                                    \
        if (!MUTANT(defer_lr) || (k) != 1)                                                         \
            msr(ICH_LR##k##_EL2, c->lr[lr_slot(k, reverse)]);                                      \
        __attribute__((fallthrough));
        LRS_DOWN(X)
#undef X
    default:
        break;
    }
}

/* Only those that are not empty; of the others the state is known. */
static void read_full_lrs(struct vgic_if *c, unsigned count)
{
    c->elrsr = mrs(ICH_ELRSR_EL2);
    for (unsigned n = 0; n < count; n++) {
        unsigned slot = lr_slot(n, opts.lr_order);

        if (bit(c->elrsr, n))
            c->lr[slot] &= ~(LR_PENDING | LR_ACTIVE);
        else
            c->lr[slot] = lr_read(n);
    }
}

/* Active priorities: one register up to 5 preemption bits, two for 6, four for 7; the others are
 * UNDEFINED. */
static void read_aprs(struct vgic_if *c)
{
    switch (MUTANT(unsaved_apr) ? 5 : cpu_limits.preemption_bits) {
    case 7:
        c->ap0r[3] = mrs(ICH_AP0R3_EL2);
        c->ap0r[2] = mrs(ICH_AP0R2_EL2);
        c->ap1r[3] = mrs(ICH_AP1R3_EL2);
        c->ap1r[2] = mrs(ICH_AP1R2_EL2);
        __attribute__((fallthrough));
    case 6:
        c->ap0r[1] = mrs(ICH_AP0R1_EL2);
        c->ap1r[1] = mrs(ICH_AP1R1_EL2);
        __attribute__((fallthrough));
    default:
        c->ap0r[0] = mrs(ICH_AP0R0_EL2);
        c->ap1r[0] = mrs(ICH_AP1R0_EL2);
    }
}

static void write_aprs(const struct vgic_if *c)
{
    if (MUTANT(gic_order_apr))
        msr(ICH_AP1R0_EL2, c->ap1r[0]);
    switch (MUTANT(unsaved_apr) ? 5 : cpu_limits.preemption_bits) {
    case 7:
        msr(ICH_AP0R3_EL2, c->ap0r[3]);
        msr(ICH_AP0R2_EL2, c->ap0r[2]);
        __attribute__((fallthrough));
    case 6:
        msr(ICH_AP0R1_EL2, c->ap0r[1]);
        __attribute__((fallthrough));
    default:
        msr(ICH_AP0R0_EL2, c->ap0r[0]);
    }
    switch (MUTANT(unsaved_apr) ? 5 : cpu_limits.preemption_bits) {
    case 7:
        msr(ICH_AP1R3_EL2, c->ap1r[3]);
        msr(ICH_AP1R2_EL2, c->ap1r[2]);
        __attribute__((fallthrough));
    case 6:
        msr(ICH_AP1R1_EL2, c->ap1r[1]);
        __attribute__((fallthrough));
    default:
        msr(ICH_AP1R0_EL2, c->ap1r[0]);
    }
}

/* The CPU's ICH_HCR_EL2, if it is not that already. */
static void set_hcr(struct pcpu *cpu, uint64_t hcr)
{
    if (cpu->ich_hcr != hcr) {
        cpu->ich_hcr = hcr;
        msr(ICH_HCR_EL2, hcr);
    }
}

static void write_controls(struct vgic_if *c)
{
    if (!MUTANT(leak_vmcr))
        msr(ICH_VMCR_EL2, c->vmcr);
    write_aprs(c);
}

void vgic_if_load(struct pcpu *cpu, struct vgic_if *c)
{
    msr(ICC_SRE_EL1, opts.gicv ? 0 : 7);
    isb();
    if (opts.gicv)
        msr(ICC_SRE_EL2, 0x7); /* without Enable: the guest cannot set SRE */
    if (opts.vgic == OPT_vgic_deferred) {
        write_controls(c);
        set_hcr(cpu, c->hcr);
    }
    c->loaded = true;
}

void vgic_if_put(struct pcpu *cpu, struct vgic_if *c)
{
    if (opts.vgic == OPT_vgic_deferred) {
        if (!MUTANT(lost_vmcr))
            c->vmcr = mrs(ICH_VMCR_EL2);
        if (!MUTANT(lost_apr))
            read_aprs(c);
        set_hcr(cpu, 0);
    }
    c->loaded = false;
}

void vgic_if_enter(struct pcpu *cpu, struct vgic_if *c)
{
    unsigned write = opts.lrs == OPT_lrs_all ? cpu_limits.lrs : c->used;

    for (unsigned n = c->used; n < LRS_MAX && opts.lrs == OPT_lrs_all; n++)
        c->lr[lr_slot(n, opts.lr_order)] = 0;
    if (opts.vgic == OPT_vgic_eager)
        write_controls(c);
    if (opts.lr_order == OPT_lr_order_reverse)
        write_lrs(c, write, true);
    else
        write_lrs(c, write, false);
    for (unsigned n = write; n < cpu->lrs_written && !MUTANT(leak_lr);
         n++) /* left there by who had more */
        lr_write(n, 0);
    cpu->stat[STAT_LR_RESTORE] += write;
    cpu->lrs_written = write;
    set_hcr(cpu, c->hcr);
}

/* EOIcount, with the rest. With EOImode 1 only ICC_DIR_EL1 deactivates, which traps: nothing is to
 * be counted, though QEMU counts ICC_EOIR1_EL1 then, too. */
static uint64_t read_eoicount(void)
{
    uint64_t hcr = mrs(ICH_HCR_EL2);

    return mrs(ICH_VMCR_EL2) & ICH_VMCR_EOIM ? hcr & ~ICH_HCR(EOIcount) : hcr;
}

/* ICH_HCR_EL2 is cleared while list registers or maintenance interrupts are ours to think about: an
 * interrupt that is asserted until the fold has been undone would come for ever. */
void vgic_if_exit(struct pcpu *cpu, struct vgic_if *c)
{
    unsigned read = opts.lrs == OPT_lrs_all ? cpu_limits.lrs : c->used;

    if (opts.gicv) {
        if (!MUTANT(nodsb_gicv))
            dsb(sy);
        isb();
    }
    if (opts.vgic == OPT_vgic_eager) {
        c->vmcr = mrs(ICH_VMCR_EL2);
        c->misr = mrs(ICH_MISR_EL2);
        c->eisr = mrs(ICH_EISR_EL2);
        c->elrsr = mrs(ICH_ELRSR_EL2);
        read_aprs(c);
    }
    if (MUTANT(lost_eoicount))
        set_hcr(cpu, 0);
    if (c->hcr & ICH_HCR(LRENPIE))
        c->hcr = read_eoicount();
    if (opts.elrsr && read)
        read_full_lrs(c, read);
    else if (opts.lr_order == OPT_lr_order_reverse)
        read_lrs(c, read, true);
    else
        read_lrs(c, read, false);
    cpu->stat[STAT_LR_SAVE] += read;
    if (c->used || opts.vgic == OPT_vgic_eager)
        set_hcr(cpu, 0);
}

void vgic_maintenance(void)
{
    STAT(MAINTENANCE);
}
