/*
 * GIC-STATE: accesses to the CPU interface that trap (ICH_HCR_EL2.TALL0, TALL1, TC, TDIR) and that
 * EL2 emulates: what a world has written is to be in ICH_VMCR_EL2, an interrupt that it has
 * acknowledged is one active priority more, and one that it has ended is one less, and not active
 * (IHI0069, ICC_PMR_EL1, ICC_BPR<n>_EL1, ICC_IGRPEN<n>_EL1, ICC_CTLR_EL1, ICC_IAR<n>_EL1,
 * ICC_EOIR<n>_EL1, ICC_DIR_EL1). EL2 may also keep all of that itself; that it does not is known
 * when one such access has been seen to be done in these registers, or when what is acknowledged
 * becomes active in a list register.
 */
#include <inttypes.h>

#include "checker/gic_state.h"
#include "checker/justify.h"

#define PMR_OPEN 0xf0 /* lets everything through: EL2 compares itself */
#define NO_BIT   128

/* What @w's exit was an access to; SR_NONE: to none of the interface's. ISS of EC 0x18. */
static enum sysreg accessed(const struct exit_state *s)
{
    uint64_t iss = s->esr;

    if (!justify_is_gic_access(s))
        return SR_NONE;
    return sysreg_lookup(ARM_SYSREG(bits(iss, 21, 20), bits(iss, 16, 14), bits(iss, 13, 10),
                                    bits(iss, 4, 1), bits(iss, 19, 17)));
}

static struct finding about(struct arm_checker *c, struct gic *u, const struct world *w,
                            uint32_t number, const struct site *at, const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, number, at, p);

    f.other = gic_world_of(u, w)->left;
    f.other_role = "asked";
    return f;
}

/* ---- ICH_VMCR_EL2 ---- */

/* A field of ICH_VMCR_EL2 that a register has, at a place of its own. */
struct field {
    enum sysreg sr;
    uint8_t from, hi, lo; /* from: in the register */
};

static const struct field fields[] = {
    {SR_ICC_PMR_EL1, 0, 31, 24},   {SR_ICC_BPR0_EL1, 0, 23, 21}, {SR_ICC_BPR1_EL1, 0, 20, 18},
    {SR_ICC_CTLR_EL1, 1, 9, 9},    {SR_ICC_CTLR_EL1, 0, 4, 4},   {SR_ICC_IGRPEN1_EL1, 0, 1, 1},
    {SR_ICC_IGRPEN0_EL1, 0, 0, 0},
};

/* The bits of the field that are implemented, or that all implement. */
static uint64_t kept(const struct field *f)
{
    return f->sr == SR_ICC_PMR_EL1 ? 0xf8 : MASK(f->hi - f->lo, 0);
}

/* What is written reads as the least that there is, if it is less. With CBPR set the other is
 * meant. */
static bool may_differ(const struct gic *u, const struct field *f, uint64_t vmcr, uint64_t wanted,
                       uint64_t now)
{
    if (f->sr == SR_ICC_PMR_EL1)
        return now >= PMR_OPEN;
    if (f->sr == SR_ICC_BPR1_EL1)
        return VMCR_CBPR(vmcr) || (wanted < now && now == 8 - u->pre);
    return f->sr == SR_ICC_BPR0_EL1 && wanted < now && now == 7 - u->pre;
}

static void check_written(struct arm_checker *c, struct gic *u, const struct world *w,
                          const struct field *f, uint64_t x, const struct arm_event *p)
{
    uint64_t vmcr = checker_sysreg(c, p->cpu, SR_ICH_VMCR_EL2), now = bits(vmcr, f->hi, f->lo);
    uint64_t was = bits(gic_world_of(u, w)->vmcr, f->hi, f->lo);
    uint64_t wanted = x >> f->from & MASK(f->hi - f->lo, 0);

    if (!((now ^ wanted) & kept(f))) {
        u->mirrors |= (now ^ was) & kept(f);
        return;
    }
    if (!u->mirrors || may_differ(u, f, vmcr, wanted, now))
        return;
    struct finding d = about(c, u, w, sysreg_number(SR_ICH_VMCR_EL2), &u->cpus[p->cpu].vmcr, p);
    d.hint = "a write that traps is done in ICH_VMCR_EL2, or in its copy that is restored";
    finding_say(&d,
                "it has written %#" PRIx64 " to %s, and bits %u to %u are %#" PRIx64
                " for it, not %#" PRIx64,
                x, arm_reg_name(sysreg_number(f->sr)), f->hi, f->lo, now, wanted);
    finding_report(c, &d);
}

/* ---- active priorities ---- */

/* The first bit that is set in registers @from and behind it of @ap; NO_BIT: none. */
static unsigned first_bit(const struct gic *u, const uint64_t *ap, unsigned from)
{
    for (unsigned k = 0; k < u->aps; k++)
        if (ap[from + k])
            return 32 * k + (unsigned)__builtin_ctzll(ap[from + k]);
    return NO_BIT;
}

static void read_priorities(const struct arm_checker *c, const struct gic *u, unsigned cpu,
                            uint64_t *ap)
{
    for (unsigned k = 0; k < APS_MAX; k++)
        ap[k] = k % 4 < u->aps ? checker_reg(c, cpu, gic_ap_number(k)) : 0;
}

static bool is_same(const uint64_t *a, const uint64_t *b)
{
    for (unsigned k = 0; k < APS_MAX; k++)
        if (a[k] != b[k])
            return false;
    return true;
}

static void report_priorities(struct arm_checker *c, struct gic *u, const struct world *w,
                              unsigned from, const char *how, const struct arm_event *p)
{
    struct finding f = about(c, u, w, gic_ap_number(from), NULL, p);

    f.hint = "an acknowledge that traps sets the bit of the priority in ICH_AP<g>R<n>_EL2, the end "
             "clears the lowest one";
    finding_say(&f, "it has %s, and the active priorities do not say so", how);
    finding_report(c, &f);
}

/* The end of an interrupt drops the highest active priority, which is of the group that is named.
 */
static void check_dropped(struct arm_checker *c, struct gic *u, const struct world *w, bool group1,
                          const struct arm_event *p)
{
    const uint64_t *was = gic_world_of(u, w)->ap;
    unsigned from = group1 ? 4 : 0, at = first_bit(u, was, from);
    uint64_t wanted[APS_MAX], now[APS_MAX];

    if (at == NO_BIT || at > first_bit(u, was, group1 ? 0 : 4))
        return;
    read_priorities(c, u, p->cpu, now);
    for (unsigned k = 0; k < APS_MAX; k++)
        wanted[k] = was[k];
    wanted[from + at / 32] &= ~BIT(at % 32);
    if (is_same(now, wanted))
        u->counts = true;
    else if (u->counts)
        report_priorities(c, u, w, from, "ended an interrupt by a write that traps", p);
}

/* The bit of a list register's priority: what of it preempts. */
static unsigned bit_of(const struct gic *u, uint64_t lr, uint64_t vmcr)
{
    unsigned least = LR_GROUP(lr) && !VMCR_CBPR(vmcr) ? (unsigned)VMCR_BPR1(vmcr)
                                                      : (unsigned)VMCR_BPR0(vmcr) + 1;

    least = MAX(least, 8 - u->pre);
    return least > 7 ? 0 : (unsigned)(LR_PRIORITY(lr) >> least << least >> (8 - u->pre));
}

static bool is_active(const struct arm_checker *c, const struct gic *u, uint64_t intid,
                      unsigned cpu)
{
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_STATE(v) & 2 && LR_VINTID(v) == intid)
            return true;
    }
    return false;
}

/* An acknowledge adds the priority of the interrupt, which a list register had. */
static void check_raised(struct arm_checker *c, struct gic *u, const struct world *w, bool group1,
                         uint64_t intid, const struct arm_event *p)
{
    const struct gic_world *gw = gic_world_of(u, w);
    uint64_t wanted[APS_MAX], now[APS_MAX];
    unsigned from = group1 ? 4 : 0;

    read_priorities(c, u, p->cpu, now);
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = u->cpus[p->cpu].lr_at_exit[n];
        if (LR_VINTID(v) != intid || !(LR_STATE(v) & 1))
            continue;
        unsigned at = bit_of(u, v, gw->vmcr);
        for (unsigned k = 0; k < APS_MAX; k++)
            wanted[k] = gw->ap[k];
        wanted[from + at / 32] |= BIT(at % 32);
        if (is_same(now, wanted))
            u->counts = true;
        else if (u->counts || (is_same(now, gw->ap) && is_active(c, u, intid, p->cpu)))
            report_priorities(c, u, w, from, "acknowledged an interrupt by a read that traps", p);
        return;
    }
}

/* What was active in a list register and is ended is active in none. */
static void check_ended(struct arm_checker *c, struct gic *u, const struct world *w, uint64_t intid,
                        const struct arm_event *p)
{
    bool was = false;

    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = u->cpus[p->cpu].lr_at_exit[n];
        was |= LR_VINTID(v) == intid && LR_STATE(v) & 2;
    }
    for (unsigned n = 0; was && n < u->lrs; n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n));
        if (LR_VINTID(v) != intid || !(LR_STATE(v) & 2))
            continue;
        struct finding f = about(c, u, w, gic_lr_number(n), &u->cpus[p->cpu].lr[n].site, p);
        f.hint = "what a trapped write ends is deactivated, in the list register and in memory";
        finding_say(&f,
                    "interrupt %" PRIu64 " is active in it, and was ended by a write that traps",
                    intid);
        finding_report(c, &f);
        return;
    }
}

/* ---- the access ---- */

static void check_interrupt(struct arm_checker *c, struct gic *u, const struct world *w,
                            enum sysreg sr, uint64_t x, const struct arm_event *p)
{
    bool mode = VMCR_EOIM(gic_world_of(u, w)->vmcr), group1 = false;
    uint64_t intid = x & MASK(23, 0);

    if (intid_is_special(intid))
        return;
    switch (sr) {
    case SR_ICC_IAR1_EL1:
        group1 = true;
        __attribute__((fallthrough));
    case SR_ICC_IAR0_EL1:
        check_raised(c, u, w, group1, intid, p);
        break;
    case SR_ICC_EOIR1_EL1:
        group1 = true;
        __attribute__((fallthrough));
    case SR_ICC_EOIR0_EL1:
        check_dropped(c, u, w, group1, p);
        if (!mode)
            check_ended(c, u, w, intid, p);
        break;
    case SR_ICC_DIR_EL1:
        if (mode)
            check_ended(c, u, w, intid, p);
        break;
    default:
        break;
    }
}

void gic_trap_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                      const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    enum sysreg sr = s->valid ? accessed(s) : SR_NONE;
    uint64_t rt = bits(s->esr, 9, 5);
    bool reads = bit(s->esr, 0);

    if (sr == SR_NONE || p->world.target != s->pc + 4 || s->at.cpu != p->cpu ||
        (reads && rt == 31) || c->cpus[p->cpu].user_ran)
        return;
    uint64_t x = reads ? checker_reg(c, p->cpu, ARM_X(rt)) : rt < 31 ? s->x[rt] : 0;
    for (unsigned k = 0; k < G_N_ELEMENTS(fields) && !reads; k++)
        if (fields[k].sr == sr)
            check_written(c, u, w, &fields[k], x, p);
    check_interrupt(c, u, w, sr, x, p);
}
