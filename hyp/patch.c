#include "hyp/patch.h"

#include "hyp/arch.h"
#include "hyp/lib.h"
#include "hyp/mutant.h"
#include "hyp/panic.h"
#include "hyp/rendezvous.h"
#include "hyp/static_call.h"
#include "hyp/static_key.h"

static struct {
    struct patch_site *first, *end;
    struct waiting_lock lock;
    struct patch_counts counts;
} patch;

static uint64_t address(const int32_t *distance)
{
    return (uint64_t)(uintptr_t)distance + (uint64_t)(int64_t)*distance;
}

static uint32_t *insn_of(const struct patch_site *s)
{
    return (uint32_t *)(uintptr_t)address(&s->at);
}

bool patch_is_concurrent(uint32_t insn)
{
    if ((insn & 0x7c000000) == 0x14000000) /* B, BL */
        return true;
    if ((insn & 0xff000000) == 0xd4000000) { /* exception generation */
        uint32_t which = insn & 0x00e0001f;
        return which == 0x1 || which == 0x2 || which == 0x3 /* SVC, HVC, SMC */ ||
               which == 0x00200000 /* BRK */;
    }
    return insn == INSN_NOP || (insn & 0xfffff0ff) == 0xd50330df /* ISB */;
}

bool patch_branch(uint32_t *insn, uint64_t from, uint64_t to, bool link)
{
    int64_t words = (int64_t)(to - from) / 4;

    if ((to - from) % 4 || words < -(INT64_C(1) << 25) || words >= INT64_C(1) << 25)
        return false;
    *insn = (link ? 0x94000000u : 0x14000000u) | ((uint32_t)words & 0x03ffffff);
    return true;
}

static uint32_t branch(const struct patch_site *s, uint64_t to, bool link)
{
    uint32_t insn;

    if (!patch_branch(&insn, (uint64_t)(uintptr_t)insn_of(s), to, link))
        panic("a site's target is out of reach");
    return insn;
}

/* The implementation itself if it changes nothing that the site needs, else by its thunk. */
static uint32_t call_insn(const struct patch_site *s, const struct static_call *call)
{
    const struct call_target *t = call->target;
    bool fits = !(t->clobbers & ~s->flags & ~SITE_CALL);

    if (t->insn && fits)
        return t->insn;
    CHECK(fits || t->saving);
    return branch(s, (uint64_t)(uintptr_t)(fits ? t->fn : t->saving), true);
}

/* What has to stand at a site now. */
static uint32_t wanted(const struct patch_site *s)
{
    const void *owner = (const void *)(uintptr_t)address(&s->owner);

    if (s->flags & SITE_CALL)
        return call_insn(s, owner);
    if (static_key_enabled(owner) == !!(s->flags & SITE_LIKELY))
        return INSN_NOP;
    return branch(s, address(&s->target), false);
}

static bool is_of(const struct patch_site *s, const void *owner)
{
    return !owner || address(&s->owner) == (uint64_t)(uintptr_t)owner;
}

/* The list's condition is on both, what is there and what comes. */
static bool all_concurrent(const void *owner)
{
    for (struct patch_site *s = patch.first; s < patch.end; s++)
        if (is_of(s, owner) && *insn_of(s) != wanted(s) &&
            !(patch_is_concurrent(*insn_of(s)) && patch_is_concurrent(wanted(s))))
            return false;
    return true;
}

/* DDI0487 B2.2.5: data to the point of unification, complete; then the instruction caches of all
 * CPUs, complete. All writes of an owner go through the two steps together. */
static void write_sites(void *owner)
{
    struct patch_site *s;

    for (s = patch.first; s < patch.end; s++)
        if (is_of(s, owner) && *insn_of(s) != wanted(s)) {
            __atomic_store_n(insn_of(s), wanted(s), __ATOMIC_RELAXED);
            if (!MUTANT(icache_clean))
                dc(cvau, (uintptr_t)insn_of(s));
        }
    if (!MUTANT(icache_order))
        dsb(ish);
    for (s = patch.first; s < patch.end; s++)
        if (is_of(s, owner) && !MUTANT(icache_line))
            ic_ivau((uintptr_t)insn_of(s));
    if (!MUTANT(icache_stores))
        dsb(ish);
    else
        dsb(ishst);
    isb();
}

void patch_owner(const void *owner)
{
    if (all_concurrent(owner)) {
        write_sites((void *)(uintptr_t)owner);
        rendezvous_sync();
        patch.counts.live++;
    } else {
        rendezvous_run(write_sites, (void *)(uintptr_t)owner);
        patch.counts.stopped++;
    }
}

void patch_init(struct patch_site *first, struct patch_site *end)
{
    patch.first = first;
    patch.end = end;
    patch.counts = (struct patch_counts){.sites = (uint64_t)(end - first)};
    write_sites(NULL);
}

void patch_lock(void)
{
    waiting_lock_take(&patch.lock);
}

void patch_unlock(void)
{
    waiting_lock_drop(&patch.lock);
}

struct patch_counts patch_counts(void)
{
    return patch.counts;
}
