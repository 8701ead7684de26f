/* Which accesses need no check, decided once. */
#include "cpu/sysreg_quick.h"

#include <string.h>

#include "cpu/world.h"

/* Could a rule of @group ever hold on this CPU for such an access? */
static bool group_can_trap(const struct cpu *cpu, enum trap_group group, unsigned access,
                           unsigned el)
{
    for (const struct trap_rule *r = trap_groups[group].rules; r->mask; r++) {
        if (!(r->access & access) || !bit(r->els, el))
            continue;
        if (r->when == WHEN_NEVER_ALLOWED)
            return true;
        unsigned of = sysreg_min_el(sysreg_rows[r->control].enc);
        if ((of == 2 && !cpu->has_el2) || (of == 3 && !cpu_has_el3(cpu)))
            continue;
        if (!r->on || (cpu->sr_mask[r->control] & r->mask))
            return true;
    }
    return false;
}

/* Could anything but the register's absence forbid this access at EL0, EL1 or EL2? */
static bool row_can_trap(const struct cpu *cpu, const struct sysreg_row *row, unsigned access,
                         unsigned el)
{
    if (el < 2 && row->fgt.set && cpu->has_el2 && cpu_has(cpu, FEAT_FGT))
        return true;
    for (unsigned k = 0; k < SYSREG_TRAPS; k++)
        if (group_can_trap(cpu, (enum trap_group)row->trap[k], access, el))
            return true;
    return false;
}

/* Registers that more than features and traps forbid: cpu_sysreg_check(). The mode says whether it
 * is ONLY_SP_ELX. */
static bool is_special(const struct sysreg_row *row)
{
    return row->gic || row->hpmn || (row->only && row->only != ONLY_SP_ELX);
}

/* Does @access to @sr in @mode always reach sr_quick_target()? */
static bool is_free(const struct cpu *cpu, enum sysreg sr, unsigned access, enum sr_mode mode)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    const struct sysreg_row *target = &sysreg_rows[sr_quick_target(sr, mode)];
    unsigned el = mode == SR_MODE_EL2_E2H ? 2 : (unsigned)mode;

    if (mode == SR_MODE_SP0 || !(row->access & (access | SR_OP)) || row->fp || is_special(row) ||
        el < sysreg_min_el(row->enc) || !cpu_has(cpu, (enum feature)row->feature) ||
        !cpu_has(cpu, (enum feature)target->feature))
        return false;
    if (mode != SR_MODE_EL2_E2H && (row->alias || row->host_el0))
        return false;
    return !row_can_trap(cpu, row, access, el);
}

/* Does a trap from EL1 depend on a register? Its writes move trap_epoch on. */
static void find_trap_controls(bool control[SR_COUNT])
{
    static const uint16_t all[] = {SR_SCR_EL3, SR_HCR_EL2, SR_HCRX_EL2, SR_HDFGRTR_EL2,
                                   SR_HDFGWTR_EL2};

    memset(control, 0, SR_COUNT * sizeof(*control));
    for (unsigned k = 0; k < ARRAY_SIZE(all); k++)
        control[all[k]] = true;
    for (unsigned sr = SR_HFGRTR_EL2; sr <= SR_HFGITR_EL2; sr++)
        control[sr] = true;
    for (unsigned g = 1; g < TRAP_GROUP_COUNT; g++)
        for (const struct trap_rule *r = trap_groups[g].rules; r->mask; r++)
            if (r->control != SR_NONE && bit(r->els, 1))
                control[r->control] = true;
}

/* Has @sr indirect readers that need a context synchronization event, or an indirect writer
 * (PAR_EL1)? Not if it is special-purpose (CRn is 4, which ICC_PMR_EL1 is among). */
static bool can_be_late(enum sysreg sr, const bool control[SR_COUNT])
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    unsigned op1 = bits(row->enc, 13, 11), crn = bits(row->enc, 10, 7), crm = bits(row->enc, 6, 3);
    bool pauth_key = op1 == 0 && crn == 2 && crm >= 1 && crm <= 3;

    if (!(row->access & SR_WRITE) || crn == 4)
        return false;
    return row->gic || row->fx || pauth_key || control[sr] || sr == SR_VBAR_EL1 ||
           sr == SR_VBAR_EL2 || sr == SR_VBAR_EL3 || sr == SR_PAR_EL1;
}

/* Is what cpu_sysreg_peek() has of @sr always cpu->sr[sr]? */
static bool is_stored(const struct cpu *cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    unsigned el = sysreg_min_el(row->enc);

    return !row->rd && !row->gic && !row->only && !row->alias && sysreg_home(sr) != HOME_NONE &&
           cpu_has(cpu, (enum feature)row->feature) && (el != 2 || cpu->has_el2) &&
           (el != 3 || cpu_has_el3(cpu));
}

static uint32_t quick_bits(const struct cpu *cpu, enum sysreg sr, const bool control[SR_COUNT])
{
    uint32_t quick = 0;

    for (unsigned mode = 0; mode < SR_MODES; mode++) {
        enum sysreg home = sr_quick_target(sr, (enum sr_mode)mode);
        const struct sysreg_row *target = &sysreg_rows[home];
        bool late = cpu->late && can_be_late(home, control);
        bool read = is_free(cpu, sr, SR_READ, (enum sr_mode)mode);
        bool write = is_free(cpu, sr, SR_WRITE, (enum sr_mode)mode);

        quick |= (read ? SR_FREE_READ(mode) : 0) | (write ? SR_FREE_WRITE(mode) : 0);
        /* SP_EL0 is plain storage where it is accessible: it is not the current stack pointer. */
        if (read && !late && ((!target->rd && !target->take) || sr == SR_SP_EL0))
            quick |= SR_PLAIN_READ(mode);
        if (write && !late && ((!target->wr && !target->fx && !control[home]) || sr == SR_SP_EL0))
            quick |= SR_PLAIN_WRITE(mode);
    }
    if (cpu->late && can_be_late(sr, control))
        quick |= SR_LATE;
    else if (is_stored(cpu, sr))
        quick |= SR_STORED;
    return quick | (control[sr] ? SR_TRAP_CONTROL : 0);
}

void cpu_sysreg_find_quick(struct cpu *cpu)
{
    bool control[SR_COUNT];

    find_trap_controls(control);
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        cpu->sr_quick[sr] = quick_bits(cpu, (enum sysreg)sr, control);
}
