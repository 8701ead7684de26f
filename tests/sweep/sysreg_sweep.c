/*
 * System-register sweep: every encoding of MRS, MSR and SYS at every EL; reset values and write
 * masks; and for each bit of the trap controls, the accesses that it traps.
 *
 * A line is "what encoding: results"; encodings that are UNDEFINED everywhere have none.
 */
#include "harness.h"

#define ENC(op0, op1, crn, crm, op2)                                                               \
    ((unsigned)(op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ENC_COUNT        0x10000u
#define ESR_HVC_FROM_EL1 0x5a000100u

static uint64_t flags;

/* Where probed instructions are written; three words each: MRS or MSR, then the way out. */
static uint32_t slot[3 * 4096] __attribute__((aligned(64)));
static uint64_t scratch[64] __attribute__((aligned(64)));

struct el {
    const char *name;
    uint64_t spsr, hcr;
    uint32_t end;
};
#define HVC 0xd4000202 /* hvc #0x10 */
#define SVC 0xd4000201
#define E2H BIT(34)
#define TGE BIT(27)
static const struct el els[] = {
    {"el0", 0x3c0, BIT(31), SVC},          {"el1", 0x3c5, BIT(31), HVC},
    {"el2", 0x3c9, BIT(31), HVC},          {"el1e2h", 0x3c5, BIT(31) | E2H, HVC},
    {"el2e2h", 0x3c9, BIT(31) | E2H, HVC}, {"el0host", 0x3c0, BIT(31) | E2H | TGE, SVC},
};

static unsigned el_count(void)
{
    return flags & P_N1 ? 6 : 3;
}

static uint32_t insn_word(unsigned enc, bool read)
{
    return 0xd5000000u | (read ? BIT(21) : 0) | enc << 5;
}

static void sync_code(void)
{
    dsb();
    __asm__ volatile("ic iallu");
    dsb();
    isb();
}

/* 0: done; otherwise the ESR, with bit 32 for one taken to EL1. */
static uint64_t run(const uint32_t *code, const struct el *el, uint64_t x0)
{
    struct arm_event p = {(uint64_t)code, el->spsr, x0, 0, mrs(sctlr_el2), el->hcr};

    probe_enter(&p);
    bool el1 = outcome.vector1 != ~UINT64_C(0) && outcome.esr2 == ESR_HVC_FROM_EL1;
    uint64_t esr = el1 ? outcome.esr1 : outcome.esr2, elr = el1 ? outcome.elr1 : outcome.elr2;
    if (elr == (uint64_t)code + 12 && ((esr >> 26) == 0x15 || (esr >> 26) == 0x16))
        return 0;
    return esr | (el1 ? BIT(32) : 0);
}

static void put_enc(const char *what, unsigned enc)
{
    put(what);
    put(" S");
    put_hex(enc >> 14);
    put("_");
    put_hex(enc >> 11 & 7);
    put("_c");
    put_hex(enc >> 7 & 15);
    put("_c");
    put_hex(enc >> 3 & 15);
    put("_");
    put_hex(enc & 7);
}

static void put_result(uint64_t r)
{
    if (!r) {
        put("ok");
        return;
    }
    put(r >> 32 ? "1:" : "2:");
    put_hex(r & 0xffffffff);
}

/* Registers whose value is not the same at each look. */
static bool volatile_value(unsigned enc)
{
    switch (enc) {
    case ENC(3, 3, 14, 0, 1): /* CNTPCT_EL0, CNTVCT_EL0 and self-synchronized */
    case ENC(3, 3, 14, 0, 2):
    case ENC(3, 3, 14, 0, 5):
    case ENC(3, 3, 14, 0, 6):
    case ENC(3, 3, 14, 2, 0): /* CNT*_TVAL */
    case ENC(3, 3, 14, 3, 0):
    case ENC(3, 4, 14, 2, 0):
    case ENC(3, 4, 14, 3, 0):
    case ENC(3, 5, 14, 2, 0):
    case ENC(3, 5, 14, 3, 0):
    case ENC(3, 3, 9, 13, 0): /* PMCCNTR_EL0 */
    case ENC(3, 3, 2, 4, 0):  /* RNDR, RNDRRS */
    case ENC(3, 3, 2, 4, 1):
        return true;
    default:
        return false;
    }
}

/* Bits that must stay while all ones or zeros are tried from EL2. */
static uint64_t keep(unsigned enc)
{
    switch (enc) {
    case ENC(3, 4, 1, 0, 0): /* SCTLR_EL2.{M,EE} */
        return BIT(0) | BIT(25);
    case ENC(3, 0, 1, 0, 0): /* SCTLR_EL1 is SCTLR_EL2 with E2H */
        return BIT(0) | BIT(25);
    case ENC(3, 4, 1, 1, 0): /* HCR_EL2.{TGE,RW,E2H,TEA...} */
        return E2H | TGE | BIT(31);
    default:
        return 0;
    }
}

/* Registers that are not written: what they do is not storage. */
static bool no_write_test(unsigned enc)
{
    unsigned crn = enc >> 7 & 15, op1 = enc >> 11 & 7, op0 = enc >> 14;

    if (op0 == 3 && op1 == 3 && crn == 4)
        return true; /* NZCV, DAIF ... */
    if (op0 == 3 && crn == 4)
        return (enc >> 3 & 15) != 6; /* SPSR, ELR, SP, SPSel, CurrentEL, PAN; PMR stays */
    if (op0 == 3 && crn == 12 && (enc >> 3 & 15) >= 8 && op1 == 0)
        return (enc >> 3 & 15) == 8 ? (enc & 7) < 3 : (enc >> 3 & 15) == 11;
    if (op0 == 2 && crn == 1 && (enc >> 3 & 15) != 3)
        return false; /* MDSCR lives in CRn 0 */
    return volatile_value(enc);
}

/* Do all of write, read, restore without touching memory: word for word in one slot. */
static bool write_mask(unsigned enc, const struct el *el, uint64_t value, uint64_t *back)
{
    static uint32_t code[8] __attribute__((aligned(64)));

    code[0] = insn_word(enc, true) | 3;  /* mrs x3 */
    code[1] = insn_word(enc, false);     /* msr x0 */
    code[2] = insn_word(enc, true);      /* mrs x0 */
    code[3] = insn_word(enc, false) | 3; /* msr x3 */
    code[4] = HVC;
    sync_code();
    struct arm_event p = {(uint64_t)code, el->spsr, value, 0, mrs(sctlr_el2), el->hcr};
    probe_enter(&p);
    *back = outcome.x0;
    return outcome.elr2 == (uint64_t)code + 20;
}

/* One encoding at every EL; true if it is something somewhere. */
static bool sweep_one(unsigned enc)
{
    uint64_t r[6], w[6], value[6];
    bool any = false, sys = enc >> 14 == 1;
    unsigned count = el_count();

    for (unsigned k = 0; k < count; k++) {
        slot[0] = insn_word(enc, true);
        slot[1] = slot[4] = els[k].end;
        slot[3] = insn_word(enc, false);
        slot[1] = 0xd503201f; /* nop: the end is 8 bytes further */
        slot[4] = 0xd503201f;
        slot[2] = slot[5] = els[k].end;
        sync_code();
        /* After the end's own exception ELR is behind it. */
        uint64_t initial = sys ? (uint64_t)scratch : 0;
        r[k] =
            sys && (enc & 0x3fff) >> 7 != 0 ? run(slot, &els[k], initial) : run(slot, &els[k], 0);
        value[k] = outcome.x0;
        if (!sys && r[k] == 0)
            initial = value[k];
        w[k] = run(slot + 3, &els[k], initial);
        bool undefined = (r[k] & 0xffffffff) == 0x2000000 && (w[k] & 0xffffffff) == 0x2000000;
        any |= !undefined;
    }
    if (!any)
        return false;
    for (unsigned k = 0; k < count; k++) {
        put_enc("acc", enc);
        put(" ");
        put(els[k].name);
        put(" R ");
        put_result(r[k]);
        put(" W ");
        put_result(w[k]);
        put("\n");
    }
    for (unsigned k = 0; k < count && !sys; k++) {
        if (r[k] || volatile_value(enc) || (k != 2 && k != 4))
            continue;
        put_enc("val", enc);
        put(" ");
        put(els[k].name);
        put(" ");
        put_hex(value[k]);
        put("\n");
        uint64_t ones, zeros, held = keep(enc);
        if (w[k] || no_write_test(enc))
            continue;
        if (!write_mask(enc, &els[k], (~UINT64_C(0) & ~held) | (value[k] & held), &ones) ||
            !write_mask(enc, &els[k], value[k] & held, &zeros))
            continue;
        put_enc("mask", enc);
        put(" ");
        put(els[k].name);
        put(" ");
        put_hex(ones);
        put(" ");
        put_hex(zeros);
        put("\n");
    }
    return true;
}

/* Controls: encoding, bits to try, and the EL under which its traps are looked at. */
static const struct control {
    const char *name;
    unsigned enc;
    uint64_t bits, needs; /* flag that the CPU must have */
} controls[] = {
    /* Not VM, VF VI VSE, DC, RW, HCD: they do more than trap. */
    {"HCR_EL2", ENC(3, 4, 1, 1, 0), UINT64_C(0x00c3fef71f77ee00) & ~BIT(29), 0},
    {"CPTR_EL2", ENC(3, 4, 1, 1, 2), UINT64_C(0xd0100400), 0},
    {"MDCR_EL2", ENC(3, 4, 1, 1, 1), UINT64_C(0x0fe0), 0},
    {"CNTHCTL_EL2", ENC(3, 4, 14, 1, 0), UINT64_C(0x3), 0},
    {"HSTR_EL2", ENC(3, 4, 1, 1, 3), UINT64_C(0xffff), 0},
    {"ICH_HCR_EL2", ENC(3, 4, 12, 11, 0), UINT64_C(0x7c00), 0},
    {"SCTLR_EL1", ENC(3, 0, 1, 0, 0), UINT64_C(0x4008200) | BIT(14) | BIT(5), 0},
    {"CPACR_EL1", ENC(3, 0, 1, 0, 2), UINT64_C(0x10300000), 0},
    {"CNTKCTL_EL1", ENC(3, 0, 14, 1, 0), UINT64_C(0x303), 0},
    {"PMUSERENR_EL0", ENC(3, 3, 9, 14, 0), UINT64_C(0xf), 0},
    {"MDSCR_EL1", ENC(2, 0, 0, 2, 2), UINT64_C(0x1000), 0},
    {"HFGRTR_EL2", ENC(3, 4, 1, 1, 4), ~UINT64_C(0), P_FGT},
    {"HFGWTR_EL2", ENC(3, 4, 1, 1, 5), ~UINT64_C(0), P_FGT},
    {"HFGITR_EL2", ENC(3, 4, 1, 1, 6), ~UINT64_C(0), P_FGT},
    {"HDFGRTR_EL2", ENC(3, 4, 3, 1, 4), ~UINT64_C(0), P_FGT},
    {"HDFGWTR_EL2", ENC(3, 4, 3, 1, 5), ~UINT64_C(0), P_FGT},
    {"HCRX_EL2", ENC(3, 4, 1, 2, 2), UINT64_C(0x1f), P_MAX},
};

/* Encodings for the trap matrix. */
static uint16_t known[1024];
static unsigned known_count;

/* The value of a system register from EL2, and writing it. */
static uint64_t access_el2(unsigned enc, bool read, uint64_t value)
{
    slot[0] = insn_word(enc, read);
    slot[1] = 0xd503201f;
    slot[2] = HVC;
    sync_code();
    (void)run(slot, &els[2], value);
    return outcome.x0;
}

/* Reads at slot k*3 for EL1 in [0], EL0 in [1]; writes behind them. */
static uint32_t probes[4][1024 * 3] __attribute__((aligned(64)));

static void build_probes(void)
{
    for (unsigned set = 0; set < 4; set++)
        for (unsigned k = 0; k < known_count; k++) {
            probes[set][3 * k] = insn_word(known[k], !(set & 2));
            probes[set][3 * k + 1] = 0xd503201f;
            probes[set][3 * k + 2] = set & 1 ? SVC : HVC;
        }
    sync_code();
}

/* What each probe gives: with no control set, and with the one under test. */
static uint64_t base[2][4][1024];

static uint64_t probe_known(unsigned set, unsigned k, uint64_t hcr)
{
    struct el el = els[!(set & 1)];

    el.hcr = hcr;
    uint64_t value = known[k] >> 14 == 1 ? (uint64_t)scratch : 0;
    return run(&probes[set][3 * k], &el, value);
}

/* A write of zero at EL1 or EL0 must not disturb what follows. */
static bool write_harmless(unsigned k, unsigned set)
{
    unsigned enc = known[k];

    if (!(set & 2) || enc >> 14 == 1)
        return true;
    if (enc == ENC(3, 0, 12, 0, 0) || enc == ENC(3, 0, 4, 1, 0) || enc == ENC(3, 0, 4, 0, 1))
        return false; /* VBAR_EL1, SP_EL0, ELR_EL1 */
    return true;
}

static void matrix(uint64_t hcr_base, unsigned which, uint64_t sample)
{
    uint64_t saved_cpacr = mrs(cpacr_el1);

    for (unsigned set = 0; set < 4; set++)
        for (unsigned k = 0; k < known_count; k++)
            if (write_harmless(k, set))
                base[which][set][k] = probe_known(set, k, hcr_base);
    for (unsigned n = 0; n < sizeof(controls) / sizeof(controls[0]); n++) {
        const struct control *t = &controls[n];

        if (t->needs && !(flags & t->needs))
            continue;
        for (unsigned b = 0; b < 64; b++) {
            if (!(t->bits & BIT(b)) || below(sample))
                continue;
            bool hcr = t->enc == ENC(3, 4, 1, 1, 0);
            uint64_t old = access_el2(t->enc, true, 0);
            uint64_t value = old ^ BIT(b);
            for (unsigned set = 0; set < 4; set++)
                for (unsigned k = 0; k < known_count; k++) {
                    if (!write_harmless(k, set) || known[k] == t->enc)
                        continue;
                    uint64_t r;
                    if (hcr) {
                        r = probe_known(set, k, hcr_base ^ BIT(b));
                    } else {
                        if (k == 0 || (set & 2))
                            (void)access_el2(t->enc, false, value);
                        r = probe_known(set, k, hcr_base);
                    }
                    if (r == base[which][set][k])
                        continue;
                    put_enc(which ? "trapE2H" : "trap", known[k]);
                    put(" ");
                    put(set & 1 ? "el0" : "el1");
                    put(set & 2 ? " W " : " R ");
                    put(t->name);
                    put("[");
                    put_hex(b);
                    put("] ");
                    put_result(r);
                    put("\n");
                }
            (void)access_el2(t->enc, false, old);
        }
    }
    msr(cpacr_el1, saved_cpacr);
}

/* SYS instructions that stop or change too much: none at EL2 and below but these. */
static bool skipped(unsigned enc)
{
    if (enc >> 14 == 1 && (enc >> 7 & 15) != 7 && (enc >> 7 & 15) != 8 && (enc >> 7 & 15) != 9)
        return true; /* IMPLEMENTATION DEFINED */
    if (enc == ENC(3, 4, 4, 1, 0) || enc == ENC(3, 4, 12, 0, 0))
        return true; /* SP_EL1 is fine; VBAR_EL2 is ours */
    return false;
}

int main(void)
{
    if (PARAMS->magic != PARAMS_MAGIC) {
        put("no parameters\n");
        return 1;
    }
    flags = PARAMS->flags;
    rng_state = PARAMS->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    uint64_t sample = PARAMS->count ? PARAMS->count : 1;
    for (unsigned enc = ENC(1, 0, 0, 0, 0); enc < ENC_COUNT; enc++) {
        unsigned op1 = enc >> 11 & 7;
        bool wanted = op1 >= 6 || below(sample) == 0;
        if (skipped(enc) || (op1 >= 6 && below(sample * 4)) || !wanted)
            continue;
        bool something = sweep_one(enc);
        if (something && known_count < 1024)
            known[known_count++] = (uint16_t)enc;
    }
    build_probes();
    matrix(BIT(31), 0, PARAMS->first);
    put("end\n");
    return 0;
}
