/* Runs on: n1 max; el2 el1. */
/* PSTATE.PAN and UAO: every kind of access of EL1 (or of EL2 as a host) to pages of EL0,
 * those that act as EL0, AT, PAN on exceptions by SCTLR_ELx.SPAN, and EPAN. Nothing of the
 * program is EL0's. */
#include "mmu.h"

#define VA UINT64_C(0x1000000000)

static uint64_t *root;
static uint8_t page[4096] __attribute__((aligned(4096)));

/* Pages by what EL0 and EL1 may do. */
enum kind { USER_RW, USER_RO, KERNEL_RW, KERNEL_RO, USER_X, KINDS };
static const uint64_t attributes[KINDS] = {
    [USER_RW] = PT_USER | PT_UXN | PT_PXN,
    [USER_RO] = PT_USER | PT_RO | PT_UXN | PT_PXN,
    [KERNEL_RW] = PT_UXN | PT_PXN,
    [KERNEL_RO] = PT_RO | PT_UXN | PT_PXN,
    [USER_X] = PT_RO | PT_PXN,
};

/* What an access needs: of EL1's rights or EL0's, and whether PAN counts. */
enum rights { PRIV, UNPRIV, NOBODY };
static const struct access {
    uint32_t word;
    enum rights rights;
    bool write, pan, lse;
    const char *name;
} accesses[] = {
    {0xf9400003, PRIV, false, true, false, "ldr x3"},
    {0xf9000003, PRIV, true, true, false, "str x3"},
    {0xa9401003, PRIV, false, true, false, "ldp x3, x4"},
    {0x3d800003, PRIV, true, true, false, "str q3"},
    {0xc85f7c03, PRIV, false, true, false, "ldxr x3"},
    {0xc8dffc03, PRIV, false, true, false, "ldar x3"},
    {0xf8230004, PRIV, true, true, true, "ldadd x3, x4"},
    {0xd50b7420, PRIV, true, true, false, "dc zva"},
    {0xd5087620, PRIV, true, true, false, "dc ivac"},
    {0xf8400803, UNPRIV, false, false, false, "ldtr x3"},
    {0xf8000803, UNPRIV, true, false, false, "sttr x3"},
    {0x38400803, UNPRIV, false, false, false, "ldtrb w3"},
    {0xf9800000, NOBODY, false, false, false, "prfm"},
    {0xd50b7a20, NOBODY, false, false, false, "dc cvac"},
    {0xd50b7520, NOBODY, false, false, false, "ic ivau"},
};

static bool allowed(const struct access *a, enum kind kind, bool pan, bool uao)
{
    bool user = kind == USER_RW || kind == USER_RO;
    bool writable = kind == USER_RW || kind == KERNEL_RW;

    if (a->rights == NOBODY)
        return true;
    if (a->write && !writable)
        return false;
    if (a->rights == UNPRIV && !uao)
        return user;
    return !(pan && user);
}

static void set_pan(bool pan)
{
    if (pan)
        insn("msr pan, #1");
    else
        insn("msr pan, #0");
}

static void set_uao(bool uao)
{
    if (uao)
        insn("msr uao, #1");
    else
        insn("msr uao, #0");
}

static void map(enum kind kind)
{
    *pt_entry(root, VA, 3) = (uint64_t)page | PT_NORMAL | PT_TABLE | attributes[kind];
    if (current_el() == 2)
        insn("dsb sy; tlbi alle2; tlbi vmalle1; dsb sy; isb");
    else
        insn("dsb sy; tlbi vmalle1; dsb sy; isb");
}

static void one_access(const struct access *a, enum kind kind, bool pan, bool uao)
{
    unsigned el = current_el();
    bool ok = allowed(a, kind, pan, uao), is_dc_ivac = a->word == 0xd5087620;
    uint64_t wnr = a->write ? BIT(6) : 0, cm = is_dc_ivac ? BIT(8) : 0;

    if (a->lse && !FIELD(mrs(id_aa64isar0_el1), 23, 20))
        return;
    /* A read-modify-write that may not read either reports a read. */
    if (a->lse && pan && (kind == USER_RW || kind == USER_RO))
        wnr = 0;
    if (is_dc_ivac && on_qemu()) /* divergence cache-op */
        return;
    taken_clear();
    set_pan(pan);
    set_uao(uao);
    run_word_at(el, a->word, VA);
    set_uao(false);
    set_pan(false);
    if (ok)
        check_none(a->name);
    else
        check_taken_differs(el, V_CUR_SPX, ESR(EC_DABT_CUR, 15 | wnr | cm), a->name,
                            el == 2 ? "el2-isv" : 0);
}

static void accesses_with(bool uao)
{
    static const char *const names[KINDS][2] = {
        {"user rw: ", "user rw, PAN: "},
        {"user ro: ", "user ro, PAN: "},
        {"kernel rw: ", "kernel rw, PAN: "},
        {"kernel ro: ", "kernel ro, PAN: "},
    };

    for (enum kind kind = USER_RW; kind <= KERNEL_RO; kind++) {
        map(kind);
        for (unsigned pan = 0; pan < 2; pan++) {
            context = names[kind][pan];
            for (unsigned k = 0; k < ARRAY_SIZE(accesses); k++)
                one_access(&accesses[k], kind, pan, uao);
        }
    }
    context = "";
}

static bool at_fails(uint64_t (*at)(void), bool pan)
{
    uint64_t par;

    set_pan(pan);
    par = at();
    set_pan(false);
    return par & 1;
}

#define AT(name, text)                                                                             \
    static uint64_t name(void)                                                                     \
    {                                                                                              \
        __asm__ volatile("at " text ", %0; isb" ::"r"(VA) : "memory");                             \
        return mrs(par_el1);                                                                       \
    }
AT(s1e1r, "s1e1r")
AT(s1e1w, "s1e1w")
AT(s1e1rp, "s1e1rp")
AT(s1e1wp, "s1e1wp")
AT(s1e0r, "s1e0r")

static void translations(void)
{
    for (enum kind kind = USER_RW; kind <= KERNEL_RO; kind++) {
        bool user = kind <= USER_RO, writable = kind == USER_RW || kind == KERNEL_RW;

        map(kind);
        for (unsigned pan = 0; pan < 2; pan++) {
            context = pan ? "PAN: " : "";
            check_equal(at_fails(s1e1r, pan), false, "AT S1E1R");
            check_equal(at_fails(s1e1w, pan), !writable, "AT S1E1W");
            check_equal(at_fails(s1e1rp, pan), pan && user, "AT S1E1RP");
            check_equal(at_fails(s1e1wp, pan), !writable || (pan && user), "AT S1E1WP");
            check_equal(at_fails(s1e0r, pan), !user, "AT S1E0R");
        }
    }
    context = "";
}

static uint64_t pan_in_handler, spsr_in_handler;

static void handler(struct frame *f, unsigned el, unsigned offset)
{
    (void)el, (void)offset;
    pan_in_handler = mrs(s3_0_c4_c2_3);
    spsr_in_handler = f->spsr;
}

/* SCTLR_ELx.SPAN: 0 sets PAN on an exception to it, 1 leaves it. UAO is always cleared. */
static void exceptions(void)
{
    uint64_t sctlr = mrs(sctlr_el1);

    guest_handler = handler;
    for (unsigned k = 0; k < 4; k++) {
        bool span = k & 1, pan = k >> 1;

        msr(sctlr_el1, span ? sctlr | BIT(23) : sctlr & ~BIT(23));
        set_pan(pan);
        insn("svc #0");
        check_equal(mrs(s3_0_c4_c2_3), (uint64_t)pan << 22, "PAN after the exception");
        set_pan(false);
        check_equal(pan_in_handler, pan || !span ? BIT(22) : 0, "PAN in the handler");
        check_equal(spsr_in_handler & BIT(22), (uint64_t)pan << 22, "PAN in SPSR");
    }
    guest_handler = 0;
    msr(sctlr_el1, sctlr);
}

/* EPAN: a page that EL0 may only execute is EL0's, too. */
static void epan(void)
{
    static const struct access load = {0xf9400003, PRIV, false, true, false, "ldr x3"};
    uint64_t sctlr = mrs(sctlr_el1);

    if (FIELD(mrs(id_aa64mmfr1_el1), 23, 20) < 3) {
        note("no FEAT_PAN3");
        return;
    }
    map(USER_X);
    for (unsigned k = 0; k < 4; k++) {
        bool on = k & 1, pan = k >> 1;

        msr(sctlr_el1, on ? sctlr | BIT(57) : sctlr & ~BIT(57));
        set_pan(pan);
        taken_clear();
        run_word_at(current_el(), load.word, VA);
        set_pan(false);
        if (on && pan)
            check_taken(current_el(), V_CUR_SPX, ESR(EC_DABT_CUR, 15), "EPAN and PAN: ldr x3");
        else
            check_none("not both EPAN and PAN: ldr x3");
    }
    msr(sctlr_el1, sctlr);
}

/* All of RAM is for the privileged EL only. */
static uint64_t tests(uint64_t arg)
{
    (void)arg;
    root = pt_new();
    pt_map(root, 0x08000000, 0x08000000, 0x02000000, PT_DEVICE);
    pt_map(root, 0x40000000, 0x40000000, 0x10000000, PT_NORMAL | PT_UXN);
    set_pan(false);
    mmu_on_el1(root);
    accesses_with(false);
    if (FIELD(mrs(id_aa64mmfr2_el1), 7, 4)) {
        note("UAO");
        accesses_with(true);
    }
    translations();
    exceptions();
    epan();
    msr(sctlr_el1, mrs(sctlr_el1) & ~UINT64_C(0x1005));
    return 0;
}

int main(void)
{
    if (current_el() == 1) {
        tests(0);
        return (int)failures;
    }
    note("guest");
    call_el(1, tests, 0);
    note("host");
    msr(s3_4_c1_c1_2, 0x330000); /* CPTR_EL2: FPEN and ZEN of the E2H layout */
    msr(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE);
    tests(0);
    msr(hcr_el2, HCR_RW);
    return (int)failures;
}
