/* Runs on: max; el2. */
/* Pointer authentication across worlds: keys are the same registers at every EL, each regime has
 * its own enables, HCR_EL2.API and APK close them to a guest; what fails, and how. */
#include "guest.h"

#define KEY_LO  UINT64_C(0x1234567890abcdef)
#define POINTER UINT64_C(0x0000000040212340)
#define ALL_ON  (BIT(31) | BIT(30) | BIT(27) | BIT(13)) /* EnIA, EnIB, EnDA, EnDB */
#define API     BIT(41)
#define APK     BIT(40)

/* One row a key: PAC* X0, AUT* X0 with a zero modifier (XZR forms), and its enable. */
static const struct key {
    uint32_t sign, auth;
    unsigned enable;
    uint64_t lo; /* APxKeyLo_EL1 */
    uint64_t iss;
    const char *name;
} keys[] = {
    {0xdac123e0, 0xdac133e0, 31, SYS(3, 0, 2, 1, 0), 0, "IA: "},
    {0xdac127e0, 0xdac137e0, 30, SYS(3, 0, 2, 1, 2), 1, "IB: "},
    {0xdac12be0, 0xdac13be0, 27, SYS(3, 0, 2, 2, 0), 2, "DA: "},
    {0xdac12fe0, 0xdac13fe0, 13, SYS(3, 0, 2, 2, 2), 3, "DB: "},
};

static bool fpac(void)
{
    uint64_t isar1 = mrs(id_aa64isar1_el1), isar2 = mrs(s3_0_c0_c6_2);

    return FIELD(isar1, 7, 4)
    >= 4 || FIELD(isar1, 11, 8)
    >= 4 || FIELD(isar2, 15, 12)
    >= 4;
}

static void enable(uint64_t el1, uint64_t el2)
{
    msr(sctlr_el1, SCTLR_INIT | el1);
    msr(sctlr_el2, UINT64_C(0x30c50838) | el2);
}

static void set_keys(uint64_t difference)
{
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        run_word_at(2, keys[k].lo, KEY_LO + k + difference);
        run_word_at(2, keys[k].lo + (1 << 5), ~KEY_LO * (k + 3));
    }
}

static void signing(const struct key *k)
{
    uint64_t signed1, signed0, other;

    enable(ALL_ON, ALL_ON);
    signed1 = run_word_at(1, k->sign, POINTER);
    signed0 = run_word_at(0, k->sign, POINTER);
    check(signed1 != POINTER, "signed at EL1");
    check_equal(signed0, signed1, "EL0 uses the same key");
    check_equal(run_word_at(0, k->auth, signed1), POINTER, "EL1's pointer is good at EL0");
    check_equal(run_word_at(2, k->auth, run_word_at(2, k->sign, POINTER)), POINTER, "EL2's at EL2");
    check_equal(run_word_at(1, 0xdac143e0, signed1), POINTER, "XPACI strips it");
    check_none("no exception");
    set_keys(1);
    other = run_word_at(1, k->sign, POINTER);
    check(other != signed1, "another key, another signature");
    other = run_word_at(1, k->auth, signed1);
    if (fpac())
        check_taken(1, V_CUR_SPX, ESR(0x1c, k->iss), "the old one faults: FPAC");
    else
        check(other != POINTER, "the old one is not good any more");
    other = run_word_at(0, k->auth, signed1);
    if (fpac())
        check_taken(1, V_LOWER, ESR(0x1c, k->iss), "from EL0 to EL1: FPAC");
    else
        check(other != POINTER, "nor at EL0");
    set_keys(0);
    check_equal(run_word_at(1, k->auth, signed1), POINTER, "the key back: good again");
    check_none("no exception");
}

/* SCTLR_EL1 for EL1 and EL0, SCTLR_EL2 for EL2 and for EL0 of a host. */
static void enables(const struct key *k)
{
    enable(ALL_ON & ~BIT(k->enable), BIT(k->enable));
    check_equal(run_word_at(1, k->sign, POINTER), POINTER, "off at EL1");
    check_equal(run_word_at(0, k->sign, POINTER), POINTER, "off at EL0");
    check(run_word_at(2, k->sign, POINTER) != POINTER, "on at EL2");
    enable(BIT(k->enable), ALL_ON & ~BIT(k->enable));
    check(run_word_at(1, k->sign, POINTER) != POINTER, "on at EL1");
    check(run_word_at(0, k->sign, POINTER) != POINTER, "on at EL0");
    check_equal(run_word_at(2, k->sign, POINTER), POINTER, "off at EL2");
    msr(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE);
    check_equal(run_word_at(0, k->sign, POINTER), POINTER, "off at EL0 of a host");
    msr(hcr_el2, HCR_RW | HCR_E2H | HCR_TGE); /* API does not concern a host's EL0 */
    enable(0, BIT(k->enable));
    check(run_word_at(0, k->sign, POINTER) != POINTER, "on at EL0 of a host");
    msr(hcr_el2, HCR_RW | API | APK);
    check_none("no exception");
}

/* Without API a guest's use of an enabled key traps, and of a key that is off does nothing. */
static void traps(const struct key *k)
{
    msr(hcr_el2, HCR_RW | APK);
    for (unsigned el = 0; el < 2; el++) {
        enable(BIT(k->enable), BIT(k->enable));
        check_equal(run_word_at(el, k->sign, POINTER), POINTER, "trapped: Xd as it was");
        check_taken(2, V_LOWER, ESR(EC_PAC, 0), "sign without API");
        run_word_at(el, k->auth, POINTER);
        check_taken(2, V_LOWER, ESR(EC_PAC, 0), "authenticate without API");
        enable(ALL_ON & ~BIT(k->enable), BIT(k->enable));
        check_equal(run_word_at(el, k->sign, POINTER), POINTER, "key off");
        check_none("key off: no trap");
    }
    check(run_word_at(2, k->sign, POINTER) != POINTER, "EL2 does not trap");
    msr(hcr_el2, HCR_RW | API);
    run_word_at(1, MRS_WORD(k->lo), 0);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(MRS_WORD(k->lo))), "read a key without APK");
    run_word_at(1, k->lo + (1 << 5), 0);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(k->lo + (1 << 5))), "write a key without APK");
    check_equal(run_word_at(2, MRS_WORD(k->lo), 0), KEY_LO + (uint64_t)(k - keys),
                "the key is as it was");
    msr(hcr_el2, HCR_RW | API | APK);
}

int main(void)
{
    uint64_t isar1 = mrs(id_aa64isar1_el1), isar2 = mrs(s3_0_c0_c6_2);

    if (!FIELD(isar1, 11, 4) && !FIELD(isar2, 15, 12)) {
        note("no FEAT_PAuth");
        return 1;
    }
    msr(hcr_el2, HCR_RW | API | APK);
    set_keys(0);
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        context = keys[k].name;
        signing(&keys[k]);
        enables(&keys[k]);
        traps(&keys[k]);
    }
    context = "";
    enable(0, 0);
    check_none("nothing else was taken");
    return (int)failures;
}
