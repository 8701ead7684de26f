/* TLB invalidation instructions: what each of them names, and whom it reaches. */
#include "cpu/accessors.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/fetch.h"
#include "cpu/late.h"
#include "cpu/regime.h"
#include "cpu/world.h"

_Static_assert((unsigned)ARM_TLBI_IPA == (unsigned)TLBI_IPA &&
                   (unsigned)ARM_TLBI_ASID == (unsigned)TLBI_ASID && REGIME_EL20 == 2,
               "an event tells scope and regime by our numbers");

/* Whose translations an instruction is about: of EL1 those of the Security state that SCR_EL3.NS
 * says, at EL3 too. */
enum tlbi_owner {
    OWNER_EL1,   /* EL1&0; from EL2 with E2H and TGE: EL2&0 */
    OWNER_GUEST, /* EL1&0 always */
    OWNER_EL2,   /* EL2, or EL2&0 with E2H */
    OWNER_EL3,
};

struct tlbi_row {
    uint8_t scope; /* enum tlbi_scope */
    uint8_t owner; /* enum tlbi_owner */
    bool range, last_level, stage2;
    bool broadcast;
};

/* A row for the instruction and its inner and outer shareable forms. */
#define FORMS(name, ...)                                                                           \
    [SR_TLBI_##name] = {__VA_ARGS__, .broadcast = false},                                          \
    [SR_TLBI_##name##IS] = {__VA_ARGS__, .broadcast = true},                                       \
    [SR_TLBI_##name##OS] = {__VA_ARGS__, .broadcast = true},

static const struct tlbi_row tlbi_rows[SR_COUNT] = {
    /* clang-format off */
    FORMS(VMALLE1,    TLBI_VMID,   OWNER_EL1)
    FORMS(VAE1,       TLBI_VA,     OWNER_EL1)
    FORMS(ASIDE1,     TLBI_ASID,   OWNER_EL1)
    FORMS(VAAE1,      TLBI_VAA,    OWNER_EL1)
    FORMS(VALE1,      TLBI_VA,     OWNER_EL1, .last_level = true)
    FORMS(VAALE1,     TLBI_VAA,    OWNER_EL1, .last_level = true)
    FORMS(RVAE1,      TLBI_VA,     OWNER_EL1, .range = true)
    FORMS(RVAAE1,     TLBI_VAA,    OWNER_EL1, .range = true)
    FORMS(RVALE1,     TLBI_VA,     OWNER_EL1, .range = true, .last_level = true)
    FORMS(RVAALE1,    TLBI_VAA,    OWNER_EL1, .range = true, .last_level = true)
    FORMS(VAE2,       TLBI_VA,     OWNER_EL2)
    FORMS(VALE2,      TLBI_VA,     OWNER_EL2, .last_level = true)
    FORMS(RVAE2,      TLBI_VA,     OWNER_EL2, .range = true)
    FORMS(RVALE2,     TLBI_VA,     OWNER_EL2, .range = true, .last_level = true)
    FORMS(ALLE2,      TLBI_REGIME, OWNER_EL2)
    FORMS(VAE3,       TLBI_VA,     OWNER_EL3)
    FORMS(VALE3,      TLBI_VA,     OWNER_EL3, .last_level = true)
    FORMS(RVAE3,      TLBI_VA,     OWNER_EL3, .range = true)
    FORMS(RVALE3,     TLBI_VA,     OWNER_EL3, .range = true, .last_level = true)
    FORMS(ALLE3,      TLBI_REGIME, OWNER_EL3)
    FORMS(ALLE1,      TLBI_REGIME, OWNER_GUEST, .stage2 = true)
    FORMS(VMALLS12E1, TLBI_VMID,   OWNER_GUEST, .stage2 = true)
    FORMS(IPAS2E1,    TLBI_IPA,    OWNER_GUEST)
    FORMS(IPAS2LE1,   TLBI_IPA,    OWNER_GUEST, .last_level = true)
    FORMS(RIPAS2E1,   TLBI_IPA,    OWNER_GUEST, .range = true)
    FORMS(RIPAS2LE1,  TLBI_IPA,    OWNER_GUEST, .range = true, .last_level = true)
    /* clang-format on */
};

static enum regime_id owner_regime(const struct cpu *cpu, enum tlbi_owner owner)
{
    enum regime_id el10 = cpu_secure_below_el3(cpu) ? REGIME_SECURE_EL10 : REGIME_EL10;

    switch (owner) {
    case OWNER_EL1:
        return cpu->ps.el >= 2 && cpu_host_regime(cpu) ? REGIME_EL20 : el10;
    case OWNER_EL2:
        return cpu_e2h(cpu) ? REGIME_EL20 : REGIME_EL2;
    case OWNER_EL3:
        return REGIME_EL3;
    default:
        return el10;
    }
}

/* Xt of the by-address forms: one page. The TTL hint is not needed. */
static void one_page(struct tlbi *op, uint64_t xt)
{
    if (op->scope == TLBI_IPA)
        op->start = bits(xt, 39, 0) << 12;
    else
        op->start = regime_has_el0(op->regime) ? sext(xt << 12, 56) : bits(xt, 43, 0) << 12;
    op->end = op->start + PAGE_SIZE;
}

/* Xt of the range forms (DDI0487 D8.16, TLB range maintenance). CU-choice: TG ==
 * 0 names nothing. */
static bool range(struct tlbi *op, uint64_t xt, bool ds)
{
    unsigned tg = (unsigned)bits(xt, 47, 46);
    unsigned granule = 10 + 2 * tg;
    unsigned shift = ds && tg != 3 ? 16 : granule;
    uint64_t pages = (bits(xt, 43, 39) + 1) << (5 * bits(xt, 45, 44) + 1);
    bool has_sign = op->scope != TLBI_IPA && regime_has_el0(op->regime);

    op->start = (has_sign ? sext(xt, 37) : zext(xt, 37)) << shift;
    op->end = op->start + (pages << granule);
    if (op->end < op->start)
        op->end = 0;
    return tg != 0;
}

/* The TCR_ELx of @regime. */
static uint64_t tcr_of(const struct cpu *cpu, enum regime_id regime)
{
    static const uint16_t tcr[REGIME_COUNT] = {[REGIME_EL10] = SR_TCR_EL1,
                                               [REGIME_SECURE_EL10] = SR_TCR_EL1,
                                               [REGIME_EL2] = SR_TCR_EL2,
                                               [REGIME_EL20] = SR_TCR_EL2,
                                               [REGIME_EL3] = SR_TCR_EL3};

    return cpu->sr[tcr[regime]];
}

/* VTCR_EL2 as it acts, and the VMID of now. */
static uint64_t vtcr(const struct cpu *cpu)
{
    return cpu->el2_enabled ? cpu->sr[SR_VTCR_EL2] : 0;
}

static uint16_t vmid(const struct cpu *cpu)
{
    return regime_vmid_of(&cpu->features, vtcr(cpu), cpu->el2_enabled ? cpu->sr[SR_VTTBR_EL2] : 0);
}

/* Does FEAT_LPA2 lengthen the addresses of @op: TCR_ELx.DS, VTCR_EL2.DS? */
static bool has_ds(const struct cpu *cpu, const struct tlbi *op)
{
    if (!cpu_has(cpu, FEAT_LPA2))
        return false;
    if (op->scope == TLBI_IPA)
        return bit(vtcr(cpu), 32);
    return bit(tcr_of(cpu, op->regime), regime_has_el0(op->regime) ? 59 : 32);
}

/* Fill @op; false if the operand names nothing. */
static bool tlbi_decode(const struct cpu *cpu, const struct tlbi_row *r, uint64_t xt,
                        struct tlbi *op)
{
    *op = (struct tlbi){.scope = r->scope,
                        .regime = owner_regime(cpu, r->owner),
                        .last_level = r->last_level,
                        .stage2 = r->stage2};
    if (op->regime == REGIME_EL10 || r->scope == TLBI_IPA)
        op->vmid = vmid(cpu);
    if (regime_has_el0(op->regime)) /* TCR_ELx.AS: how wide ASIDs are */
        op->asid = (uint16_t)(xt >> 48) & (bit(tcr_of(cpu, op->regime), 36) ? 0xffff : 0xff);
    if (r->scope != TLBI_VA && r->scope != TLBI_VAA && r->scope != TLBI_IPA)
        return true;
    if (!r->range) {
        one_page(op, xt);
        return true;
    }
    return range(op, xt, has_ds(cpu, op));
}

enum exec_result sr_op_TLBI(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    const struct tlbi_row *r = &tlbi_rows[sr];
    bool forced = cpu->ps.el == 1 && HCR_EL2_FB(cpu_hcr(cpu));
    struct tlbi op;

    bool names = tlbi_decode(cpu, r, value, &op);
    CPU_FIRE(cpu, i, TLBI, tlbi, .op = sysreg_number(sr), .operand = value, .regime = op.regime,
             .scope = op.scope, .vmid = op.vmid, .asid = op.asid, .start = op.start, .end = op.end,
             .last_level = op.last_level, .stage2 = op.stage2 || op.scope == TLBI_IPA,
             .broadcast = r->broadcast || forced);
    if (!names || (unlikely(cpu->late) && late_tlbi(cpu, &op, r->broadcast || forced)))
        return cpu_next(cpu);
    if ((r->broadcast || forced) && cpu->env.tlbi_broadcast)
        cpu->env.tlbi_broadcast(cpu->env.ctx, cpu, &op);
    else
        tlb_invalidate(cpu->tlb, &op);
    return cpu_fetch_holds(cpu) ? cpu_next(cpu) : EXEC_SYNC;
}
