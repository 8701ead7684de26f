/* Which TLB maintenance covers what: D8.17.6, TLB maintenance instructions. */
#include "checker/stale.h"

#include "base/addr.h"
#include "base/bits.h"

static bool overlaps(const struct stale *r, const struct arm_event *p)
{
    uint64_t last = r->ia + MASK(descriptor_shift(&r->at) - 1, 0);

    return last >= p->tlbi.start && (p->tlbi.end == 0 || r->ia < p->tlbi.end);
}

static bool has_address(const struct arm_event *p)
{
    return p->tlbi.scope == ARM_TLBI_VA || p->tlbi.scope == ARM_TLBI_VAA ||
           p->tlbi.scope == ARM_TLBI_IPA;
}

/* TLBI's TTL field, of those for one page bits 47 to 44, of ranges 38 and 37: 0 says nothing. */
static unsigned hint(const struct arm_event *p)
{
    if (p->tlbi.end - p->tlbi.start != PAGE_SIZE)
        return (unsigned)bits(p->tlbi.operand, 38, 37);
    return bits(p->tlbi.operand, 47, 46) ? (unsigned)bits(p->tlbi.operand, 45, 44) : 0;
}

/* By address: does it name @r's, and its level? */
static bool names(const struct stale *r, const struct arm_event *p, bool hints, enum miss *miss)
{
    if (!overlaps(r, p)) {
        *miss = MISS_ADDRESS;
        return false;
    }
    if (p->tlbi.last_level && descriptor_is_table(&r->at, r->value)) {
        *miss = MISS_LEVEL;
        return false;
    }
    if (hints && hint(p) && (int)hint(p) != r->at.level && !descriptor_is_table(&r->at, r->value)) {
        *miss = MISS_HINT;
        return false;
    }
    return true;
}

/* Has stage 2's own part been invalidated wherever @p reaches? */
static bool ipa_is_done(const struct stale *r, const struct arm_event *p)
{
    if (!p->tlbi.broadcast)
        return bit(r->ipa_done[p->cpu / 64 % 2], p->cpu % 64);
    return !((r->cpus[0] & ~r->ipa_done[0]) | (r->cpus[1] & ~r->ipa_done[1]));
}

static enum coverage stage2_coverage(const struct stale *r, const struct arm_event *p, bool hints,
                                     enum miss *miss)
{
    if (p->tlbi.regime != ARM_REGIME_EL10) {
        if (has_address(p) && overlaps(r, p))
            *miss = MISS_REGIME;
        return COVERS_NOT;
    }
    if (p->tlbi.scope == ARM_TLBI_REGIME)
        return COVERS_ALL;
    if (p->tlbi.vmid != r->context->vmid) {
        if (!has_address(p) || overlaps(r, p))
            *miss = MISS_VMID;
        return COVERS_NOT;
    }
    if (p->tlbi.scope == ARM_TLBI_IPA)
        return names(r, p, hints, miss) ? COVERS_STAGE2 : COVERS_NOT;
    if (p->tlbi.scope == ARM_TLBI_VMID && (p->tlbi.stage2 || ipa_is_done(r, p)))
        return COVERS_ALL;
    *miss = p->tlbi.scope == ARM_TLBI_VMID && r->ipa_issued ? MISS_UNORDERED
            : !has_address(p) || overlaps(r, p)             ? MISS_STAGE
                                                            : *miss;
    return COVERS_NOT;
}

enum coverage stale_coverage(const struct stale *r, const struct arm_event *p, bool hints,
                             enum miss *miss)
{
    if (r->at.stage == 2)
        return stage2_coverage(r, p, hints, miss);
    if (p->tlbi.scope == ARM_TLBI_IPA)
        return COVERS_NOT;
    if (p->tlbi.regime != r->context->regime) {
        if (has_address(p) && overlaps(r, p))
            *miss = MISS_REGIME;
        return COVERS_NOT;
    }
    if (p->tlbi.scope == ARM_TLBI_REGIME || p->tlbi.scope == ARM_TLBI_VMID)
        return COVERS_ALL;
    if (has_address(p) && !names(r, p, hints, miss))
        return COVERS_NOT;
    bool by_asid = p->tlbi.scope == ARM_TLBI_ASID;
    if (p->tlbi.scope == ARM_TLBI_VAA || (!by_asid && r->global) ||
        (!r->global && p->tlbi.asid == r->asid))
        return COVERS_ALL;
    *miss = MISS_ASID;
    return COVERS_NOT;
}

const char *stale_miss_text(enum miss miss)
{
    static const char *const texts[] = {
        [MISS_NONE] = "",
        [MISS_ADDRESS] = "it is of another address",
        [MISS_STAGE] = "it is of stage 1 only",
        [MISS_REGIME] = "it is of another translation regime",
        [MISS_ASID] = "it is of another ASID",
        [MISS_VMID] = "it is of another VMID",
        [MISS_LEVEL] = "it is of the last level only, and the descriptor was a table's",
        [MISS_HINT] = "its TTL field names another level than that of the descriptor",
        [MISS_LOCAL] = "it is of this CPU only, and others have used the tables",
        [MISS_COMBINED] =
            "it is of stage 2 only, and no VMALLE1 follows for what is of both stages",
        [MISS_UNORDERED] = "no DSB stands before it",
    };

    return texts[miss];
}
