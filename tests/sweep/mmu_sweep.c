/*
 * MMU sweep: random translation tables and controls of both stages; prints what AT instructions and
 * real accesses make of random and boundary addresses, and a hash of the tables afterwards.
 *
 * A configuration that is not `safe` may be unable to map the harness: only AT instructions from
 * EL2 are run on it.
 */
#include "mmu_sweep.h"

uint64_t flags;
unsigned config_number;

static uint64_t spsr_of(unsigned el)
{
    return el == 0 ? 0x3c0 : el == 1 ? 0x3c5 : 0x3c9;
}

static void run(unsigned el, const void *fragment, uint64_t address, uint64_t pstate)
{
    struct arm_event p = {(uint64_t)fragment,
                          spsr_of(el) | pstate,
                          0,
                          address,
                          config_el2_regime() ? config.sctlr : mrs(sctlr_el2),
                          config.hcr};

    probe_enter(&p);
}

static void at(unsigned n, const char *name, const void *fragment, unsigned el, uint64_t va,
               uint64_t pstate)
{
    run(el, fragment, va, pstate);
    put_key(n, name, el);
    if (completed()) {
        put(" ");
        put_hex(shown_par(outcome.x0, name[2] == '2'));
    } else {
        put_exception();
    }
    put("\n");
}

#define FRAGMENT(name) extern const char frag_##name[];
#define AT_FRAGMENTS(X)                                                                            \
    X(S1E1R)                                                                                       \
    X(S1E1W)                                                                                       \
    X(S1E0R) X(S1E0W) X(S12E1R) X(S12E1W) X(S12E0R) X(S12E0W) X(S1E2R) X(S1E2W) X(S1E1RP) X(S1E1WP)
#define ACCESS_FRAGMENTS(X)                                                                        \
    X(ldr) X(str) X(ldrb) X(ldp) X(ldtr) X(sttr) X(swp) X(ldxr) X(dczva) X(br)
AT_FRAGMENTS(FRAGMENT)
ACCESS_FRAGMENTS(FRAGMENT)

static const struct fragment {
    const char *name, *code;
} at_list[] =
    {
#define X(name) {#name, frag_##name},
        AT_FRAGMENTS(X)},
  access_list[] = {ACCESS_FRAGMENTS(X)
#undef X
};
enum {
    ACC_ldr,
    ACC_str,
    ACC_ldrb,
    ACC_ldp,
    ACC_ldtr,
    ACC_sttr,
    ACC_swp,
    ACC_ldxr,
    ACC_dczva,
    ACC_br,
    ACC_COUNT
};

/* An instruction of stage 1 of the regime under test. */
static bool s1_row(unsigned k)
{
    return config.regime == EL2 ? k == 8 : k < 4;
}

static void all_at(unsigned n, uint64_t va)
{
    s1_par = 0;
    for (unsigned k = 0; k < 12; k++) {
        bool pan = k >= 10;
        uint64_t pstate = pan ? below(2) << 22 : 0;

        if (pan && !(flags & P_N1))
            continue;
        if (config.regime == EL2 ? k != 8 && k != 9 : !config_el2_regime() && (k == 8 || k == 9))
            continue;
        if (config_el2_regime() && k >= 4 && k < 8)
            continue;
        at(n, at_list[k].name, at_list[k].code, 2, va, pstate);
        if (s1_row(k) && completed() && !(outcome.x0 & 1))
            s1_par = outcome.x0;
        if (!config_el2_regime() && config.safe && (k < 4 || pan))
            at(n, at_list[k].name, at_list[k].code, 1, va, pstate);
    }
}

/* Devices and the program itself are left alone. */
static bool harmless(uint64_t par)
{
    uint64_t pa = par & MASK(51, 12);

    return (par & 1) || (pa >= DATA && pa < BIT(38)) || pa >= BIT(40);
}

static uint64_t translate(uint64_t va)
{
    run(2, config_el2_regime() ? frag_S1E2R : frag_S12E1R, va, 0);
    return completed() ? outcome.x0 : 1;
}

static void access(unsigned n, unsigned kind, unsigned el, uint64_t va)
{
    uint64_t par = translate(va), pa = (par & MASK(51, 12)) | (va & 0xfff);
    uint64_t par2 = kind == ACC_ldp ? translate(va - 8) : translate(va + 7);
    bool mapped = !(par & 1) && pa >= DATA && pa < RAM_END;
    bool device = (!(par & 1) && (par >> 60) == 0) || (s1_par && !(s1_par >> 60));
    uint64_t pstate = flags & P_N1 ? below(4) << 22 : 0;

    if (el == 0)
        pstate = 0;
    if (!harmless(par) || !harmless(par2))
        return;
    if (device && (kind == ACC_dczva || kind == ACC_ldxr || kind == ACC_swp || kind == ACC_br))
        return; /* UNPREDICTABLE or not modelled by all */
    if (config.s2.stage2 && (par & 1)) {
        device = true; /* stage 2 may say so */
        if (kind == ACC_dczva)
            return;
    }
    if (device || ((par2 >> 60) == 0 && !(par2 & 1)))
        va &= ~UINT64_C(7);
    if (kind == ACC_swp || kind == ACC_ldxr)
        va &= ~UINT64_C(7);
    if (kind == ACC_br)
        va &= ~UINT64_C(3);
    pa = (par & MASK(51, 12)) | (va & 0xfff);
    if (mapped && kind == ACC_br)
        *(volatile uint32_t *)pa = el == 0 ? 0xd4000441 : 0xd4000442;
    else if (mapped)
        *(volatile uint64_t *)(pa & ~UINT64_C(7)) = pa * UINT64_C(0x9e3779b97f4a7c15);
    if (kind == ACC_br && !mapped && !(par & 1))
        return; /* what is there is anybody's guess */
    run(el, access_list[kind].code, va, pstate);
    put_key(n, access_list[kind].name, el);
    put(" ");
    put_hex(va);
    if (completed()) {
        put(" ok ");
        put_hex(kind <= ACC_ldxr ? outcome.x0 : 0);
    } else {
        put_exception();
    }
    put("\n");
}

static void accesses(unsigned n, uint64_t va)
{
    unsigned count = 4;

    for (unsigned k = 0; k < count; k++) {
        unsigned kind = (unsigned)below(ACC_COUNT);
        unsigned el =
            config.regime == EL2 ? 2 : (unsigned)below(2) * (config.regime == EL20 ? 2 : 1);
        uint64_t low = percent(75) ? below(512) * 8 : rnd() & 0xfff;

        if (kind == ACC_swp && !(flags & P_N1))
            kind = ACC_ldr;
        access(n, kind, el, (va & ~UINT64_C(0xfff)) | low);
    }
}

static uint64_t random_va(uint64_t previous)
{
    bool upper = config.regime != EL2 && config.regime != EL10_S2 && percent(45);
    const struct walk *w = config.regime == EL10_S2 ? &config.s2 : &config.half[upper];
    uint64_t va = rnd();

    if (percent(60))
        va = previous ^ (rnd() & MASK(11 + below(w->ia_bits - 12), 0));
    if (percent(10))
        va = percent(50) ? ~UINT64_C(0) : 0;
    va &= MASK(w->ia_bits - 1, 0);
    return upper ? va | ~MASK(w->ia_bits - 1, 0) : va;
}

static uint64_t variant(uint64_t va)
{
    switch (below(3)) {
    case 0:
        return va ^ BIT(below(64));
    case 1:
        return va ^ rnd() << 56;
    default:
        return va ^ (rnd() & MASK(20, 0));
    }
}

static void stage2_for(uint64_t ipa)
{
    if (ipa == ~UINT64_C(0) || (ipa & ~MASK(config.s2.ia_bits - 1, 0)))
        return;
    tables_build(&config.s2, ipa, ipa >= S1_POOL && ipa < S2_ROOT ? ipa : 0);
}

#define ADDRESSES 8

static void one_config(unsigned number)
{
    uint64_t va[ADDRESSES * 2], previous = 0;

    config_number = number;
    config_draw();
    for (unsigned k = 0; k < ADDRESSES; k++) {
        previous = va[2 * k] = random_va(previous);
        va[2 * k + 1] = variant(va[2 * k]);
        uint64_t out = va[2 * k];
        if (config.regime != EL10_S2)
            out = tables_build(&config.half[config.regime != EL2 && va[2 * k] >> 63], va[2 * k], 0);
        if (config.s2.stage2)
            stage2_for(out);
    }
    if (config.s2.stage2)
        for (unsigned k = 0; k < tables_stage1_count(); k++)
            stage2_for(S1_POOL + k * TABLE);
    put_key(0, "config", 2);
    put(" SCTLR ");
    put_hex(config.sctlr);
    put(" TCR ");
    put_hex(config.tcr);
    put(" MAIR ");
    put_hex(config.mair);
    put(" HCR ");
    put_hex(config.hcr);
    put(" VTCR ");
    put_hex(config.vtcr);
    put("\n");
    config_install();
    config_flush_tlbs();
    for (unsigned k = 0; k < 2 * ADDRESSES; k++) {
        put_key(k, "VA", 2);
        put(" ");
        put_hex(va[k]);
        put("\n");
        all_at(k, va[k]);
        if (config.safe)
            accesses(k, va[k]);
    }
    config_flush_tlbs();
    put_key(0, "tables", 2);
    put(" ");
    put_hex(tables_take_hash());
    put("\n");
}

int main(void)
{
    if (PARAMS->magic != PARAMS_MAGIC) {
        put("no parameters\n");
        return 1;
    }
    flags = PARAMS->flags;
    for (unsigned k = 0; k < PARAMS->count; k++) {
        rng_state = PARAMS->seed * UINT64_C(0x9e3779b97f4a7c15) + PARAMS->first + k + 1;
        for (unsigned n = 0; n < 8; n++)
            (void)rnd();
        one_config((unsigned)PARAMS->first + k);
    }
    put("end\n");
    return 0;
}
