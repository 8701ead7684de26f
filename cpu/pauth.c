/*
 * Pointer authentication: where the code goes in a pointer, and who may ask for it. Source:
 * AddPAC(), Auth(), Strip() and their callers in DDI0487, J1.3 "aarch64/functions/pac".
 */
#include "cpu/pauth.h"

#include <string.h>

#include "arch/esr.h"
#include "cpu/block.h"
#include "cpu/qarma.h"
#include "cpu/traps.h"
#include "cpu/world.h"

/* Of each key: its enable in SCTLR_EL1 or SCTLR_EL2, and its registers. */
static const struct {
    enum sysreg lo, hi;
} keys[] = {
    [PAUTH_IA] = {SR_APIAKeyLo_EL1, SR_APIAKeyHi_EL1},
    [PAUTH_IB] = {SR_APIBKeyLo_EL1, SR_APIBKeyHi_EL1},
    [PAUTH_DA] = {SR_APDAKeyLo_EL1, SR_APDAKeyHi_EL1},
    [PAUTH_DB] = {SR_APDBKeyLo_EL1, SR_APDBKeyHi_EL1},
};

static bool is_data_key(enum pauth_key key)
{
    return key == PAUTH_DA || key == PAUTH_DB;
}

static bool is_b_key(enum pauth_key key)
{
    return key == PAUTH_IB || key == PAUTH_DB;
}

/* What the regime says about pointers. With two ranges (PtrHasUpperAndLowerAddRanges()) the fields
 * of @tcr are those of TCR_EL1, in TCR_EL2 too. */
struct pointer_regime {
    uint64_t tcr;
    bool two_ranges;
};

static struct pointer_regime pointer_regime(const struct cpu *cpu)
{
    return (struct pointer_regime){cpu_regime_tcr(cpu), cpu_two_ranges(cpu)};
}

/* TBI of one half of the address space as it acts on instruction or
 * data pointers: EffectiveTBI(). */
static bool effective_tbi(struct pointer_regime rg, bool upper, bool data)
{
    const bool tbi = !rg.two_ranges ? TCR_EL2_TBI(rg.tcr)
                     : upper        ? TCR_EL1_TBI1(rg.tcr)
                                    : TCR_EL1_TBI0(rg.tcr);
    const bool tbid = !rg.two_ranges ? TCR_EL2_TBID(rg.tcr)
                      : upper        ? TCR_EL1_TBID1(rg.tcr)
                                     : TCR_EL1_TBID0(rg.tcr);

    return tbi && (data || !tbid);
}

/* CalculateBottomPACBit(). CU-choice: an out-of-range TnSZ acts as the nearest limit. */
static unsigned bottom_pac_bit(const struct cpu *cpu, struct pointer_regime rg, bool upper)
{
    const uint64_t tcr = rg.tcr;
    const bool two = rg.two_ranges;
    const bool t1 = two && upper;
    const bool granule_64k = t1 ? TCR_EL1_TG1(tcr) == 3 : TCR_EL1_TG0(tcr) == 1;
    const bool ds = cpu_has(cpu, FEAT_LPA2) && (two ? TCR_EL1_DS(tcr) : TCR_EL2_DS(tcr));
    const bool va52 = granule_64k ? cpu_has(cpu, FEAT_LVA) : ds;
    const unsigned min = va52 ? 12 : 16;
    const unsigned max = !cpu_has(cpu, FEAT_TTST) ? 39 : granule_64k ? 47 : 48;
    unsigned tsz = (unsigned)(t1 ? TCR_EL1_T1SZ(tcr) : TCR_EL1_T0SZ(tcr));

    tsz = tsz < min ? min : tsz > max ? max : tsz;
    return 64 - tsz;
}

/* The bits of a pointer that hold the code: all above the address, less bit 55 and the tag. */
static uint64_t pac_field(unsigned bottom, bool tbi)
{
    return MASK(54, bottom) | (tbi ? 0 : MASK(63, 56));
}

/* @ptr with its extension bits (tag excepted) made copies of @sel. */
static uint64_t extend(uint64_t ptr, bool sel, unsigned bottom, bool tbi)
{
    const uint64_t field = pac_field(bottom, tbi) | BIT(55);

    return sel ? ptr | field : ptr & ~field;
}

/* A multiply-xorshift finaliser: every input bit reaches every output bit. */
static uint64_t mix(uint64_t v)
{
    v = (v ^ (v >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    v = (v ^ (v >> 29)) * UINT64_C(0xa0761d6478bd642f);
    return v ^ (v >> 32);
}

static struct pac_entry *pac_slot(struct cpu *cpu, const struct pac_input *in)
{
    const uint64_t hash =
        (in->data ^ ror64(in->modifier, 9) ^ in->lo) * UINT64_C(0x9e3779b97f4a7c15);

    return &cpu->pacs[hash >> (64 - PAC_ENTRIES_LOG2)];
}

/* ComputePAC() by QARMA, or what it was the last time: a return address is signed once, and
 * authenticated soon after with the same modifier. All inputs are compared, so nothing ever has to
 * be taken out. */
static uint64_t qarma_pac(struct cpu *cpu, const struct pac_input *in)
{
    struct pac_entry *e = pac_slot(cpu, in);

    if (memcmp(&e->in, in, sizeof(*in)) != 0) {
        e->in = *in;
        e->pac = qarma64(in->data, in->modifier, in->hi, in->lo, (unsigned)in->rounds,
                         in->rounds == 5 ? 2 : 1);
    }
    return e->pac;
}

/* ComputePAC(). FEAT_PACIMP: our own; it need be cheap, not strong. */
static uint64_t compute_pac(struct cpu *cpu, uint64_t data, uint64_t modifier, enum sysreg key_hi,
                            enum sysreg key_lo)
{
    const uint64_t hi = cpu->sr[key_hi], lo = cpu->sr[key_lo];
    const unsigned rounds = cpu_has(cpu, FEAT_PACQARMA5) ? 5 : cpu_has(cpu, FEAT_PACQARMA3) ? 3 : 0;

    if (rounds)
        return qarma_pac(cpu, &(struct pac_input){data, modifier, hi, lo, rounds});
    return mix(mix(data ^ hi) + (modifier ^ lo));
}

static uint64_t compute_key_pac(struct cpu *cpu, uint64_t data, uint64_t modifier,
                                enum pauth_key key)
{
    return compute_pac(cpu, data, modifier, keys[key].hi, keys[key].lo);
}

bool pauth_enabled(const struct cpu *cpu, enum pauth_key key)
{
    return cpu_block_has(cpu, BLOCK_PAC(key));
}

bool pauth_trapped(struct cpu *cpu, const struct insn *i)
{
    struct trap t = cpu_pauth_trap(cpu);

    if (t.el)
        cpu_raise(cpu, cpu_trap_exception(cpu, i, t));
    return t.el != 0;
}

/* Which half of the address space AddPAC() takes @ptr to be in: with tags by bit 55, otherwise by
 * bit 63; with two ranges, a tag in either of them decides for both. */
static bool add_selects_upper(const struct cpu *cpu, struct pointer_regime rg, uint64_t ptr,
                              bool data)
{
    if (cpu_has(cpu, FEAT_PAuth2) && cpu_has(cpu, FEAT_CONSTPACFIELD))
        return bit(ptr, 55);
    const bool tags = effective_tbi(rg, false, data) || effective_tbi(rg, true, data);
    return bit(ptr, tags ? 55 : 63);
}

uint64_t pauth_add(struct cpu *cpu, uint64_t ptr, uint64_t modifier, enum pauth_key key)
{
    const struct pointer_regime rg = pointer_regime(cpu);
    const bool tbi = effective_tbi(rg, bit(ptr, 55), is_data_key(key));
    const bool sel = add_selects_upper(cpu, rg, ptr, is_data_key(key));
    const unsigned top = tbi ? 55 : 63, bottom = bottom_pac_bit(cpu, rg, sel);
    const uint64_t field = pac_field(bottom, tbi), all = MASK(top, bottom);
    const uint64_t good = extend(ptr, sel, bottom, tbi);
    uint64_t pac = compute_key_pac(cpu, good, modifier, key);

    if (cpu_has(cpu, FEAT_PAuth2)) {
        pac = (ptr ^ pac) & field;
    } else if ((ptr & all) != 0 && (ptr & all) != all) {
        /* Not an address: make sure that authentication fails. */
        pac = cpu_has(cpu, FEAT_EPAC) ? 0 : pac ^ BIT(top - 1);
    }
    return (good & ~field) | (pac & field);
}

/* A code does not match: AArch64.PACFailException(). */
static bool pac_fail(struct cpu *cpu, const struct insn *i, enum pauth_key key)
{
    const struct trap t = {cpu_default_target_el(cpu), ESR_EC_FPAC,
                           (uint32_t)is_data_key(key) << 1 | is_b_key(key)};

    return cpu_raise(cpu, cpu_trap_exception(cpu, i, t));
}

bool pauth_auth(struct cpu *cpu, const struct insn *i, uint64_t ptr, uint64_t modifier,
                enum pauth_key key, bool combined, uint64_t *out)
{
    const struct pointer_regime rg = pointer_regime(cpu);
    const bool upper = bit(ptr, 55);
    const bool tbi = effective_tbi(rg, upper, is_data_key(key));
    const unsigned bottom = bottom_pac_bit(cpu, rg, upper);
    const uint64_t field = pac_field(bottom, tbi);
    const uint64_t original = extend(ptr, upper, bottom, tbi);
    const uint64_t pac = compute_key_pac(cpu, original, modifier, key);

    if (cpu_has(cpu, FEAT_PAuth2)) {
        const uint64_t result = ptr ^ (pac & field);
        const bool faults =
            cpu_has(cpu, FEAT_FPACCOMBINE) || (cpu_has(cpu, FEAT_FPAC) && !combined);

        if (faults && result != original)
            return pac_fail(cpu, i, key);
        *out = result;
    } else if (((ptr ^ pac) & field) == 0) {
        *out = original;
    } else {
        const unsigned lsb = tbi ? 53 : 61;
        *out = set_bits(original, lsb + 1, lsb, is_b_key(key) ? 2 : 1);
    }
    return true;
}

uint64_t pauth_strip(const struct cpu *cpu, uint64_t ptr, bool data)
{
    const struct pointer_regime rg = pointer_regime(cpu);
    const bool upper = bit(ptr, 55);

    return extend(ptr, upper, bottom_pac_bit(cpu, rg, upper), effective_tbi(rg, upper, data));
}

uint64_t pauth_generic(struct cpu *cpu, uint64_t x, uint64_t y)
{
    return compute_pac(cpu, x, y, SR_APGAKeyHi_EL1, SR_APGAKeyLo_EL1) & MASK(63, 32);
}
