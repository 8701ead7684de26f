/* Runs on: a57 n1 max; el2. */
/* Maintenance interrupts: each bit of ICH_MISR_EL2 rises and falls, and PPI 25 with it;
 * ICH_EISR_EL2 and ICH_ELRSR_EL2. Traps of a guest's accesses to its CPU interface. */
#include "vgic.h"

#define P   LR_PENDING
#define A   LR_ACTIVE
#define PA  (LR_PENDING | LR_ACTIVE)
#define LR7 (LR_GROUP1 | LR_PRIO(0x80) | 77)
#define LR8 (LR_GROUP1 | LR_PRIO(0x80) | 78)

/* One row a state: list registers 0 and 1, ICH_VMCR_EL2 and the count, and the causes that hold
 * when all are enabled. */
#define EOI   BIT(0)
#define U     BIT(1)
#define LRENP BIT(2)
#define NP    BIT(3)
#define GRP0E BIT(4)
#define GRP0D BIT(5)
#define GRP1E BIT(6)
#define GRP1D BIT(7)
#define ENABLE                                                                                     \
    (ICH_UIE | ICH_LRENPIE | ICH_NPIE | ICH_VGRP0EIE | ICH_VGRP0DIE | ICH_VGRP1EIE | ICH_VGRP1DIE)
static const struct state {
    uint64_t lr0, lr1, veng, eoicount, misr, eisr, elrsr;
    const char *name;
} states[] = {
    {0, 0, 3, 0, U | NP | GRP0E | GRP1E, 0, 15, "nothing listed"},
    {P, 0, 3, 0, U | GRP0E | GRP1E, 0, 14, "one pending"},
    {P, P, 3, 0, GRP0E | GRP1E, 0, 12, "two pending"},
    {A, 0, 3, 0, U | NP | GRP0E | GRP1E, 0, 14, "one active"},
    {A, PA, 3, 0, NP | GRP0E | GRP1E, 0, 12, "active; pending and active"},
    {PA, P, 3, 0, GRP0E | GRP1E, 0, 12, "pending and active; pending"},
    {P, P, 0, 0, GRP0D | GRP1D, 0, 12, "both groups off"},
    {P, P, 1, 0, GRP0E | GRP1D, 0, 12, "group 0 on"},
    {P, P, 2, 0, GRP0D | GRP1E, 0, 12, "group 1 on"},
    {P, P, 3, 1, LRENP | GRP0E | GRP1E, 0, 12, "EOIcount 1"},
    {P, P, 3, 31, LRENP | GRP0E | GRP1E, 0, 12, "EOIcount 31"},
    {LR_EOI, P, 3, 0, EOI | U | GRP0E | GRP1E, 1, 12, "EOI of LR0"},
    {LR_EOI, LR_EOI, 3, 0, EOI | U | NP | GRP0E | GRP1E, 3, 12, "EOI of both"},
    {LR_EOI | P, P, 3, 0, GRP0E | GRP1E, 0, 12, "EOI, pending"},
    {LR_EOI | A, P, 3, 0, GRP0E | GRP1E, 0, 12, "EOI, active"},
    {LR_EOI | PA, P, 3, 0, GRP0E | GRP1E, 0, 12, "EOI, pending and active"},
    {LR_EOI | LR_HW, P, 3, 0, U | GRP0E | GRP1E, 0, 13, "EOI bit of a hardware interrupt"},
};

static void maintenance_is(uint64_t misr, bool en, const char *what)
{
    static const char interrupt[] = "maintenance interrupt";
    bool pending = gic_test(GICD_ISPENDR, INTID_MAINTENANCE);
    uint64_t veng = FIELD(mrs(ich_vmcr_el2), 1, 0);

    if (veng == 1 || veng == 2) { /* QEMU takes VENG1 for VGrp0D */
        check_differs(mrs(ich_misr_el2), misr, what, "misr-vgrp0d");
        check_differs(pending, en && misr, interrupt, "misr-vgrp0d");
    } else {
        check_equal(mrs(ich_misr_el2), misr, what);
        check_equal(pending, en && misr, interrupt);
    }
}

/* Alone, each enable shows its cause if it holds; without En there is no interrupt. EOI has no
 * enable but the list register's bit. */
static void one_state(const struct state *s)
{
    uint64_t count = s->eoicount << 27;

    vgic_clear();
    lr_set(0, s->lr0 | LR7);
    lr_set(1, s->lr1 | LR8);
    msr(ich_vmcr_el2, VMCR_PMR(0xf8) | s->veng);
    check_equal(mrs(ich_eisr_el2), s->eisr, "EISR");
    check_equal(mrs(ich_elrsr_el2) & 15, s->elrsr, "ELRSR");
    for (unsigned bit = 1; bit < 8; bit++) {
        msr(ich_hcr_el2, ICH_EN | BIT(bit) | count);
        maintenance_is(s->misr & (EOI | BIT(bit)), true, s->name);
    }
    msr(ich_hcr_el2, ICH_EN | ENABLE | count);
    maintenance_is(s->misr, true, "all enabled");
    msr(ich_hcr_el2, ENABLE | count);
    maintenance_is(s->misr, false, "En is 0");
    msr(ich_hcr_el2, ICH_EN | count);
    maintenance_is(s->misr & EOI, true, "none enabled");
}

/* What the guest does makes causes come, what the hypervisor does makes them go. */
static void by_guest(void)
{
    vgic_clear();
    lr_set(0, P | LR7 | LR_EOI);
    lr_set(1, P | LR_GROUP1 | LR_PRIO(0x90) | 78);
    msr(ich_hcr_el2, ICH_EN | ICH_UIE | ICH_NPIE | ICH_LRENPIE | ICH_VGRP0DIE | ICH_VGRP1DIE);
    maintenance_is(0, true, "two pending");
    check_equal(guest_read(ICC_IAR1), 77, "IAR1");
    maintenance_is(0, true, "one active, one pending");
    guest_write(ICC_EOIR1, 77);
    maintenance_is(EOI | U, true, "the guest's EOI");
    check_equal(mrs(ich_eisr_el2), 1, "EISR");
    lr_set(0, P | LR7);
    maintenance_is(0, true, "listed again");
    guest_read(ICC_IAR1);
    guest_read(ICC_IAR1);
    maintenance_is(0, true, "same priority: the second one is still pending");
    guest_write(ICC_EOIR1, 77);
    guest_read(ICC_IAR1);
    maintenance_is(U | NP, true, "the last one acknowledged");
    guest_write(ICC_IGRPEN1, 0);
    maintenance_is(U | NP | GRP1D, true, "ICV_IGRPEN1 cleared");
    guest_write(ICC_IGRPEN0, 0);
    maintenance_is(U | NP | GRP0D | GRP1D, true, "ICV_IGRPEN0 cleared");
    guest_write(ICC_IGRPEN0, 1);
    guest_write(ICC_IGRPEN1, 1);
    guest_write(ICC_EOIR1, 99);
    maintenance_is(U | NP | LRENP, true, "EOI of no list register");
    msr(ich_hcr_el2, ICH_EN | ICH_LRENPIE);
    maintenance_is(0, true, "EOIcount cleared");
}

/* The interrupt is a level: it stays pending while active, and returns if nobody took the cause. */
static void level(void)
{
    vgic_clear();
    gic_bit(GICD_ISENABLER, INTID_MAINTENANCE);
    msr(ich_hcr_el2, ICH_EN | ICH_UIE);
    for (unsigned k = 0; k < 2; k++) {
        check_equal(mrs(icc_iar1_el1), INTID_MAINTENANCE, "acknowledged");
        check(gic_test(GICD_ISPENDR, INTID_MAINTENANCE), "pending while active");
        msr(icc_eoir1_el1, INTID_MAINTENANCE);
    }
    lr_set(0, P | LR7);
    lr_set(1, P | LR8);
    check_equal(gic_take(), SPURIOUS, "gone with its cause");
    gic_bit(GICD_ICENABLER, INTID_MAINTENANCE);
}

enum { R = 1, W = 2 };
static const struct trap {
    uint64_t ich, hcr, sys;
    unsigned access;
    const char *name;
} traps[] = {
    {ICH_TC, HCR_IMO, ICC_PMR, R | W, "TC: ICC_PMR"},
    {ICH_TC, HCR_IMO, ICC_CTLR, R | W, "TC: ICC_CTLR"},
    {ICH_TC, HCR_IMO, ICC_RPR, R, "TC: ICC_RPR"},
    {ICH_TC, HCR_IMO, ICC_DIR, W, "TC: ICC_DIR"},
    {ICH_TC, 0, ICC_PMR, R | W, "TC without IMO: ICC_PMR"},
    {ICH_TC, 0, ICC_SGI1R, W, "TC without IMO: ICC_SGI1R"},
    {ICH_TC, 0, ICC_ASGI1R, W, "TC without IMO: ICC_ASGI1R"},
    {ICH_TC, 0, ICC_SGI0R, W, "TC without IMO: ICC_SGI0R"},
    {ICH_TDIR, HCR_IMO, ICC_DIR, W, "TDIR: ICC_DIR"},
    {ICH_TALL0, HCR_FMO, ICC_IAR0, R, "TALL0: ICC_IAR0"},
    {ICH_TALL0, HCR_FMO, ICC_EOIR0, W, "TALL0: ICC_EOIR0"},
    {ICH_TALL0, HCR_FMO, ICC_HPPIR0, R, "TALL0: ICC_HPPIR0"},
    {ICH_TALL0, HCR_FMO, ICC_BPR0, R | W, "TALL0: ICC_BPR0"},
    {ICH_TALL0, HCR_FMO, ICC_AP0R0, R | W, "TALL0: ICC_AP0R0"},
    {ICH_TALL0, HCR_FMO, ICC_IGRPEN0, R | W, "TALL0: ICC_IGRPEN0"},
    {ICH_TALL0, 0, ICC_BPR0, R | W, "TALL0 without FMO: ICC_BPR0"},
    {ICH_TALL1, HCR_IMO, ICC_IAR1, R, "TALL1: ICC_IAR1"},
    {ICH_TALL1, HCR_IMO, ICC_EOIR1, W, "TALL1: ICC_EOIR1"},
    {ICH_TALL1, HCR_IMO, ICC_HPPIR1, R, "TALL1: ICC_HPPIR1"},
    {ICH_TALL1, HCR_IMO, ICC_BPR1, R | W, "TALL1: ICC_BPR1"},
    {ICH_TALL1, HCR_IMO, ICC_AP1R0, R | W, "TALL1: ICC_AP1R0"},
    {ICH_TALL1, HCR_IMO, ICC_IGRPEN1, R | W, "TALL1: ICC_IGRPEN1"},
    {ICH_TALL1, 0, ICC_BPR1, R | W, "TALL1 without IMO: ICC_BPR1"},
    {0, HCR_IMO, ICC_SGI1R, W, "IMO: ICC_SGI1R"},
    {0, HCR_IMO, ICC_ASGI1R, W, "IMO: ICC_ASGI1R"},
    {0, HCR_IMO, ICC_SGI0R, W, "IMO: ICC_SGI0R"},
    {0, HCR_FMO, ICC_SGI1R, W, "FMO: ICC_SGI1R"},
    {0, HCR_FMO, ICC_ASGI1R, W, "FMO: ICC_ASGI1R"},
    {0, HCR_FMO, ICC_SGI0R, W, "FMO: ICC_SGI0R"},
};

/* With its control the access traps to EL2; without it nothing happens. The other traps of
 * ICH_HCR_EL2 are on in both cases where they do not concern it. */
static void trap(const struct trap *t, unsigned access)
{
    static const uint64_t all = ICH_TC | ICH_TALL0 | ICH_TALL1;
    uint64_t word = access == R ? MRS_WORD(t->sys) : t->sys, hcr = mrs(hcr_el2);

    if (t->ich == ICH_TDIR && !FIELD(mrs(ich_vtr_el2), 19, 19)) {
        note("no ICH_VTR_EL2.TDS");
        return;
    }
    vgic_clear();
    msr(hcr_el2, HCR_RW | t->hcr);
    msr(ich_hcr_el2, ICH_EN | t->ich);
    run_word_at(1, word, SPURIOUS);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), t->name);
    if (t->ich)
        msr(ich_hcr_el2, ICH_EN | (t->ich == ICH_TDIR ? all & ~ICH_TC : all & ~t->ich));
    else
        msr(hcr_el2, HCR_RW);
    run_word_at(1, word, SPURIOUS);
    check_none("without its control");
    msr(ich_hcr_el2, ICH_EN);
    msr(hcr_el2, hcr);
}

static void sre(void)
{
    for (unsigned access = R; access <= W; access <<= 1) {
        uint64_t word = access == R ? MRS_WORD(ICC_SRE) : ICC_SRE;

        msr(s3_4_c12_c9_5, 1);
        run_word_at(1, word, 7);
        if (FIELD(mrs(s3_4_c12_c9_5), 3, 3)) /* Enable may be RAO/WI where SRE is */
            check_none("ICC_SRE_EL2.Enable is RAO/WI: ICC_SRE_EL1");
        else
            check_taken_differs(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)),
                                "ICC_SRE_EL2.Enable is 0: ICC_SRE_EL1", "icc-sre-enable");
        msr(s3_4_c12_c9_5, 9);
        run_word_at(1, word, 7);
        check_none("Enable: ICC_SRE_EL1");
    }
}

/* HCR_EL2.IMO and FMO choose between the physical and the virtual interface, a group each; what
 * both groups share is virtual if either is set. */
static void routes(void)
{
    static const struct {
        uint64_t sys, group, value;
        unsigned hi, lo; /* of ICH_VMCR_EL2 */
        const char *name;
    } regs[] = {
        {ICC_BPR0, HCR_FMO, 6, 23, 21, "ICC_BPR0"},
        {ICC_IGRPEN0, HCR_FMO, 0, 0, 0, "ICC_IGRPEN0"},
        {ICC_BPR1, HCR_IMO, 6, 20, 18, "ICC_BPR1"},
        {ICC_IGRPEN1, HCR_IMO, 0, 1, 1, "ICC_IGRPEN1"},
        {ICC_PMR, HCR_IMO | HCR_FMO, 0x80, 31, 24, "ICC_PMR"},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(regs); k++) {
        uint64_t physical = run_word_at(2, MRS_WORD(regs[k].sys), 0);

        for (unsigned hcr = 0; hcr < 4; hcr++) {
            bool virtual = (uint64_t)hcr << 3 & regs[k].group; /* FMO is bit 3, IMO bit 4 */
            uint64_t vmcr;

            vgic_clear();
            vmcr = mrs(ich_vmcr_el2);
            msr(hcr_el2, HCR_RW | (uint64_t)hcr << 3);
            guest_write(regs[k].sys, regs[k].value);
            check_equal(guest_read(regs[k].sys), regs[k].value, regs[k].name);
            check_equal(run_word_at(2, MRS_WORD(regs[k].sys), 0),
                        virtual ? physical : regs[k].value, "ICC at EL2");
            check_equal(FIELD(mrs(ich_vmcr_el2), regs[k].hi, regs[k].lo),
                        virtual ? regs[k].value : FIELD(vmcr, regs[k].hi, regs[k].lo), "ICH_VMCR");
            run_word_at(2, regs[k].sys, physical);
        }
    }
    msr(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
}

/* Bits that are not there read as zero. */
static void round_trips(void)
{
    vgic_clear();
    lr_set(0, UINT64_MAX);
    check_differs(lr_get(0),
                  0xf0f81fff00000000 | (BIT(FIELD(mrs(ich_vtr_el2), 25, 23) ? 24 : 16) - 1),
                  "ICH_LR0_EL2", "lr-res0");
    lr_set(0, 0);
    msr(ich_hcr_el2, UINT64_MAX & ~(ICH_EN | BIT(13)));
    check_equal(mrs(ich_hcr_el2), 0xf8005cfe, "ICH_HCR_EL2");
    msr(ich_hcr_el2, ICH_EN);
    for (unsigned n = FIELD(mrs(ich_vtr_el2), 4, 0) + 1; n < 16; n++) {
        run_word_at(2, MRS_WORD(SYS(3, 4, 12, 12 + n / 8, n % 8)), 0);
        check_taken(2, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "no such list register");
    }
    for (unsigned n = BIT(FIELD(mrs(ich_vtr_el2), 28, 26) - 4); n < 4; n++) {
        run_word_at(2, MRS_WORD(SYS(3, 4, 12, 8, n)), 0);
        check_taken(2, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "no such ICH_AP0R<n>_EL2");
        run_word_at(1, MRS_WORD(SYS(3, 0, 12, 9, n)), 0);
        check_taken(1, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "no such ICV_AP1R<n>_EL1");
    }
}

int main(void)
{
    gic_init();
    msr(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    context = "MISR: ";
    for (unsigned k = 0; k < ARRAY_SIZE(states); k++)
        one_state(&states[k]);
    context = "by the guest: ";
    by_guest();
    context = "level: ";
    level();
    context = "traps: ";
    for (unsigned k = 0; k < ARRAY_SIZE(traps); k++)
        for (unsigned access = R; access <= W; access <<= 1)
            if (traps[k].access & access)
                trap(&traps[k], access);
    sre();
    context = "routes: ";
    routes();
    context = "RES0: ";
    round_trips();
    context = "";
    check_none("nothing else was taken");
    return (int)failures;
}
