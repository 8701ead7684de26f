/*
 * NOSYNC and the part of NODSB that needs no translation tables: what a direct write of a system
 * register has changed is used before a context synchronization event, and TLB maintenance, walks
 * or accesses to GICV have not completed where something depends on it (DDI0487 D24.1.2,
 * Synchronization requirements for AArch64 System registers; D8.17, TLB maintenance).
 */
#include <glib.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/sync.h"
#include "checker/unit.h"
#include "checker/unknown.h"

/* Who reads a register indirectly, as far as events show it. */
enum reader {
    READ_AT1 = 1,        /* AT, stage 1 of EL1&0 */
    READ_AT12 = 2,       /* AT, both stages */
    READ_AT2 = 4,        /* AT, EL2 or EL2&0 */
    READ_TLBI_VMID = 8,  /* TLBI of the current VMID */
    READ_TLBI_HOST = 16, /* TLBI of which TGE and E2H say whose it is */
    READ_NAME = 32,      /* an access that E2H redirects */
    READ_VECTOR = 64,    /* an exception from EL2 to EL2 */
    READ_LRS = 128,      /* ICH_ELRSR_EL2 and the others that follow from list registers */
    READ_VMCR = 256,     /* ICH_VMCR_EL2, whose meaning ICC_SRE_EL1 gives */
    READ_COUNT = 512,    /* CNTVCT_EL0 */
    READ_FP = 1024,      /* FP and SIMD */
    READ_KEY = 2048,     /* pointer authentication with KEY_IA; the others' are the next bits */
    READ_PAR = 65536,    /* PAR_EL1, which AT writes */
    READ_DEBUG = 131072, /* debug exceptions from EL2 to EL2 */
};

struct source {
    enum sysreg sr;
    uint32_t readers;
    uint64_t bits; /* these of it; 0: all */
};

static const struct source sources[] = {
    /* clang-format off */
    {SR_HCR_EL2,     READ_AT1 | READ_AT12 | READ_AT2 | READ_TLBI_HOST, BIT(34) | BIT(27)},
    {SR_HCR_EL2,     READ_NAME, BIT(34)},
    {SR_HCR_EL2,     READ_AT12, BIT(12) | BIT(0)},
    {SR_VTTBR_EL2,   READ_AT1 | READ_AT12 | READ_TLBI_VMID, 0},
    {SR_VTCR_EL2,    READ_AT1 | READ_AT12, 0},
    {SR_TTBR0_EL1,   READ_AT1 | READ_AT12, 0},
    {SR_TTBR1_EL1,   READ_AT1 | READ_AT12, 0},
    {SR_TCR_EL1,     READ_AT1 | READ_AT12, 0},
    {SR_MAIR_EL1,    READ_AT1 | READ_AT12, 0},
    {SR_SCTLR_EL1,   READ_AT1 | READ_AT12, 0},
    {SR_TTBR0_EL2,   READ_AT2, 0},
    {SR_TTBR1_EL2,   READ_AT2, 0},
    {SR_TCR_EL2,     READ_AT2, 0},
    {SR_MAIR_EL2,    READ_AT2, 0},
    {SR_SCTLR_EL2,   READ_AT2, BIT(0)},
    {SR_VBAR_EL2,    READ_VECTOR, 0},
    {SR_ICC_SRE_EL1, READ_VMCR, BIT(0)},
    {SR_CNTVOFF_EL2, READ_COUNT, 0},
    {SR_CPTR_EL2,    READ_FP, MASK(21, 20) | BIT(10)},
    {SR_ICH_LR0_EL2, READ_LRS, 0}, /* any of them */
    {SR_MDSCR_EL1,   READ_DEBUG, BIT(15) | BIT(13) | BIT(0)},
    {SR_PAR_EL1,     READ_PAR, 0}, /* written by AT; a read behind an MSR is in order */
    {SR_APIAKeyLo_EL1, READ_KEY, 0}, {SR_APIAKeyHi_EL1, READ_KEY, 0},
    {SR_APIBKeyLo_EL1, READ_KEY << 1, 0}, {SR_APIBKeyHi_EL1, READ_KEY << 1, 0},
    {SR_APDAKeyLo_EL1, READ_KEY << 2, 0}, {SR_APDAKeyHi_EL1, READ_KEY << 2, 0},
    {SR_APDBKeyLo_EL1, READ_KEY << 3, 0}, {SR_APDBKeyHi_EL1, READ_KEY << 3, 0},
    {SR_APGAKeyLo_EL1, READ_KEY << 4, 0}, {SR_APGAKeyHi_EL1, READ_KEY << 4, 0},
    /* clang-format on */
};

/* What one CPU owes. */
struct sync_cpu {
    struct site written[ARRAY_SIZE(sources)]; /* since the last synchronization; known: pending */
    uint32_t number[ARRAY_SIZE(sources)];     /* which register it was */
    bool pending;                             /* any of them */
    struct site tlbi;                         /* that no DSB has completed; known: there is one */
    bool tlbi_shared;                         /* one of them is broadcast */
    bool walks;                               /* of the world that has left: no DSB since */
    bool gicv; /* accesses of the world that has left to GICV: no DSB SY since */
};

struct sync {
    bool is_source[SR_COUNT]; /* a list register is as the first of them */
    struct sync_cpu cpus[];
};

static bool is_lr(enum sysreg sr)
{
    unsigned lr0 = sysreg_number(SR_ICH_LR0_EL2);

    return sr != SR_NONE && sysreg_number(sr) >= lr0 && sysreg_number(sr) < lr0 + 16;
}

static void *create(struct arm_checker *c)
{
    struct sync *all = g_malloc0(sizeof(*all) + c->cpu_count * sizeof(all->cpus[0]));

    for (size_t k = 0; k < ARRAY_SIZE(sources); k++)
        all->is_source[sources[k].sr] = true;
    return all;
}

static struct sync_cpu *cpu_of(struct sync *all, unsigned cpu)
{
    return &all->cpus[cpu];
}

static void use(struct arm_checker *c, struct sync_cpu *u, unsigned readers, const char *what,
                const struct arm_event *p)
{
    if (!u->pending || !readers || !c->cpus[p->cpu].guest_seen)
        return;
    for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
        if (!u->written[k].known || !(sources[k].readers & readers))
            continue;
        struct finding f =
            finding_at(c, readers == READ_DEBUG ? RULE_NOSYNC_DEBUG : RULE_NOSYNC, p);
        f.reg = u->number[k];
        f.other = u->written[k];
        f.other_role = "written";
        f.hint = "an ISB between the two";
        finding_say(&f, "%s uses the register before a context synchronization event", what);
        if (p->kind == ARM_EVENT_SYSREG_READ)
            unknown_report(c, &f, p);
        else
            finding_report(c, &f);
        u->written[k].known = false; /* the first use is told */
    }
}

static void synchronize(struct sync_cpu *u)
{
    for (size_t k = 0; u->pending && k < ARRAY_SIZE(sources); k++)
        u->written[k].known = false;
    u->pending = false;
}

static void note_write(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);
    uint64_t changed = p->sysreg_write.before ^ p->sysreg_write.after;

    if (is_lr(sr))
        sr = SR_ICH_LR0_EL2;
    const struct sync *all = c->unit[UNIT_sync];
    if (sr == SR_NONE || !all->is_source[sr])
        return;
    for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
        uint64_t relevant = sources[k].bits ? sources[k].bits : UINT64_MAX;
        if (sources[k].sr == SR_PAR_EL1 && sr == SR_PAR_EL1)
            u->written[k].known = false;
        if (sources[k].sr != sr || !(changed & relevant) || p->sysreg_write.virt ||
            sr == SR_PAR_EL1)
            continue;
        u->written[k] = site_of(c, p);
        u->number[k] = p->sysreg_write.sr;
        u->pending = true;
    }
}

/* FPCR and FPSR are trapped as FP and SIMD is. */
static unsigned fp_reader(enum sysreg sr)
{
    return sr == SR_FPCR || sr == SR_FPSR ? READ_FP : 0;
}

/* Does E2H decide which register @name is? */
static unsigned name_reader(uint16_t name)
{
    enum sysreg sr = sysreg_lookup(name);

    return sr != SR_NONE && (sysreg_rows[sr].e2h || sysreg_rows[sr].alias) ? READ_NAME : 0;
}

/* What EL2 may change only when the walks of the world that has left are over. */
static bool steers_walks(enum sysreg sr)
{
    static const enum sysreg list[] = {SR_TTBR0_EL1, SR_TTBR1_EL1, SR_TCR_EL1, SR_MAIR_EL1,
                                       SR_SCTLR_EL1, SR_VTTBR_EL2, SR_VTCR_EL2};

    for (size_t k = 0; k < ARRAY_SIZE(list); k++)
        if (list[k] == sr)
            return true;
    return false;
}

static void report_walks(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    const struct cpu_view *view = &c->cpus[p->cpu];
    struct finding f = finding_at(c, RULE_NODSB_WALK, p);

    u->walks = false;
    f.world = view->last;
    f.reg = p->sysreg_write.sr;
    f.hint = "a DSB (NSH is enough) between the exit and the first of these writes";
    finding_say(&f,
                "walks that the world began may go on with the new value: no DSB since it left");
    finding_report(c, &f);
}

static void sysreg_written(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);

    use(c, u, name_reader(p->sysreg_write.name), "an access that HCR_EL2.E2H redirects", p);
    use(c, u, fp_reader(sr), "a write of FPCR or FPSR", p);
    if (sr == SR_ICH_VMCR_EL2)
        use(c, u, READ_VMCR, "a write of ICH_VMCR_EL2", p);
    if (u->walks && steers_walks(sr) && p->sysreg_write.before != p->sysreg_write.after)
        report_walks(c, u, p);
    note_write(c, u, p);
}

/* Registers that show what accesses to GICV have done. */
static bool shows_gicv(enum sysreg sr)
{
    return is_lr(sr) || sr == SR_ICH_ELRSR_EL2 || sr == SR_ICH_EISR_EL2 || sr == SR_ICH_MISR_EL2;
}

static void sysreg_was_read(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_read.sr);

    use(c, u, name_reader(p->sysreg_read.name), "an access that HCR_EL2.E2H redirects", p);
    use(c, u, fp_reader(sr), "a read of FPCR or FPSR", p);
    if (sr == SR_ICH_ELRSR_EL2 || sr == SR_ICH_EISR_EL2 || sr == SR_ICH_MISR_EL2)
        use(c, u, READ_LRS, "a register that follows from the list registers", p);
    if (sr == SR_ICH_VMCR_EL2)
        use(c, u, READ_VMCR, "a read of ICH_VMCR_EL2", p);
    if (sr == SR_PAR_EL1)
        use(c, u, READ_PAR, "a read of PAR_EL1", p);
    if (sr == SR_CNTVCT_EL0)
        use(c, u, READ_COUNT, "a read of CNTVCT_EL0", p);
    if (!u->gicv || !shows_gicv(sr))
        return;
    struct finding f = finding_at(c, RULE_NODSB, p);
    f.world = c->cpus[p->cpu].last;
    f.reg = p->sysreg_read.sr;
    f.hint = "DSB SY and ISB between the exit and the first read";
    finding_say(&f, "the world used GICV (ICC_SRE_EL1.SRE is 0): its accesses may not be seen yet");
    unknown_report(c, &f, p);
    u->gicv = false;
}

static void translated(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    unsigned op1 = (p->at.op >> 11) & 7, op2 = p->at.op & 7;
    bool host =
        (checker_sysreg(c, p->cpu, SR_HCR_EL2) & (BIT(34) | BIT(27))) == (BIT(34) | BIT(27));

    use(c, u,
        op1 == 4 && op2 >= 4 ? READ_AT12
        : op1 == 4 || host   ? READ_AT2
                             : READ_AT1,
        "an address translation instruction", p);
    for (size_t k = 0; k < ARRAY_SIZE(sources); k++)
        if (sources[k].readers == READ_PAR) {
            u->written[k] = site_of(c, p);
            u->number[k] = sysreg_number(SR_PAR_EL1);
            u->pending = true;
        }
}

static void tlb_maintained(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    unsigned op1 = (p->tlbi.op >> 11) & 7;
    bool by_vmid = p->tlbi.regime == ARM_REGIME_EL10 && p->tlbi.scope != ARM_TLBI_REGIME;

    use(c, u, (by_vmid ? READ_TLBI_VMID : 0) | (op1 == 0 ? READ_TLBI_HOST : 0), "TLB maintenance",
        p);
    if (p->tlbi.regime == ARM_REGIME_EL20)
        return; /* EL2's own, which it completes when it needs to */
    if (!u->tlbi.known)
        u->tlbi_shared = false;
    u->tlbi = site_of(c, p);
    u->tlbi_shared |= p->tlbi.broadcast;
}

static void barrier(struct sync_cpu *u, const struct arm_event *p)
{
    if (p->barrier.kind == ARM_BARRIER_ISB)
        synchronize(u);
    if (p->barrier.kind != ARM_BARRIER_DSB)
        return;
    u->walks = false;
    if (p->barrier.domain == 3 && p->barrier.type == 3)
        u->gicv = false;
    /* One of loads or stores only, or of this CPU for what is broadcast, is not enough. */
    if (p->barrier.type == 3 && (p->barrier.domain != 1 || !u->tlbi_shared))
        u->tlbi.known = false;
}

static bool synchronizes(struct arm_checker *c, const struct arm_event *p, unsigned bit)
{
    return checker_sysreg(c, p->cpu, SR_SCTLR_EL2) & BIT(bit);
}

static void exception(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    if (p->el == 2)
        use(c, u, READ_VECTOR, "an exception to EL2", p);
    if (p->exception.target_el == 2 && synchronizes(c, p, SCTLR_EL2_EIS_LO))
        synchronize(u);
}

static void returned(struct arm_checker *c, struct sync_cpu *u, const struct arm_event *p)
{
    if (synchronizes(c, p, SCTLR_EL2_EOS_LO))
        synchronize(u);
    if (p->eret.target_el == 0 && HCR_EL2_TGE(checker_sysreg(c, p->cpu, SR_HCR_EL2)))
        c->threads = true;
}

void sync_fp_used(struct arm_checker *c, const struct arm_event *p)
{
    if (c->unit[UNIT_sync])
        use(c, cpu_of(c->unit[UNIT_sync], p->cpu), READ_FP, "FP or SIMD", p);
}

void sync_debug_used(struct arm_checker *c, const struct arm_event *p)
{
    if (c->unit[UNIT_sync])
        use(c, cpu_of(c->unit[UNIT_sync], p->cpu), READ_DEBUG,
            "a debug exception, which PSTATE.D keeps back no longer,", p);
}

/* The instructions of a key that is off do nothing; KEY_GA's cannot be. */
void sync_key_used(struct arm_checker *c, const struct arm_event *p, enum flow_key key)
{
    static const uint64_t on[KEY_COUNT] = {
        [KEY_IA] = FIELD_MASK(SCTLR_EL2_EnIA),
        [KEY_IB] = FIELD_MASK(SCTLR_EL2_EnIB),
        [KEY_DA] = FIELD_MASK(SCTLR_EL2_EnDA),
        [KEY_DB] = FIELD_MASK(SCTLR_EL2_EnDB),
    };
    uint64_t sctlr = checker_sysreg(c, p->cpu, SR_SCTLR_EL2);

    if (c->unit[UNIT_sync] && (key == KEY_GA || sctlr & on[key]))
        use(c, cpu_of(c->unit[UNIT_sync], p->cpu), (unsigned)READ_KEY << (key - KEY_IA),
            "pointer authentication", p);
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    if (p->cpu >= c->cpu_count)
        return;
    struct sync_cpu *u = cpu_of(state, p->cpu);

    if (p->kind == ARM_EVENT_SYSREG_WRITE)
        sysreg_written(c, u, p);
    else if (p->kind == ARM_EVENT_SYSREG_READ)
        sysreg_was_read(c, u, p);
    else if (p->kind == ARM_EVENT_TLBI)
        tlb_maintained(c, u, p);
    else if (p->kind == ARM_EVENT_AT)
        translated(c, u, p);
    else if (p->kind == ARM_EVENT_BARRIER)
        barrier(u, p);
    else if (p->kind == ARM_EVENT_EXCEPTION)
        exception(c, u, p);
    else if (p->kind == ARM_EVENT_ERET && p->el == 2)
        returned(c, u, p);
    else if (p->kind == ARM_EVENT_POWER)
        *u = (struct sync_cpu){0};
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct sync_cpu *u = cpu_of(state, p->cpu);

    u->walks = true;
    u->gicv = w->kind == WORLD_GUEST && !(checker_sysreg(c, p->cpu, SR_ICC_SRE_EL1) & 1);
}

/* ERET to @w is no barrier: what TLBI was to take away may still be used. */
static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct sync_cpu *u = cpu_of(state, p->cpu);

    u->walks = u->gicv = false;
    if (!u->tlbi.known || !c->cpus[p->cpu].guest_seen)
        return;
    struct finding f = finding_at(c, RULE_NODSB, p);
    f.world = w;
    f.other = u->tlbi;
    f.other_role = "invalidated";
    f.hint = u->tlbi_shared ? "DSB ISH behind the TLBI" : "DSB NSH behind the TLBI";
    finding_say(&f, "the world is entered, and no DSB has completed the TLB maintenance");
    finding_report(c, &f);
    u->tlbi.known = false;
}

static void destroy(void *state)
{
    g_free(state);
}

const struct check_unit unit_sync = {
    .at_el2 = ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE) |
              ARM_BIT(ARM_EVENT_TLBI) | ARM_BIT(ARM_EVENT_BARRIER) | ARM_BIT(ARM_EVENT_AT) |
              ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET),
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
