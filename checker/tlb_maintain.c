/* What is stale, from the store that changed it to the DSB that completes a TLBI for it. */
#include <string.h>

#include "arch/sysreg.h"
#include "base/addr.h"
#include "base/bits.h"
#include "checker/tlb_unit.h"

/* At most: tables that are dead for good leave some. */
#define STALE_MAX 100000

static void release(struct stale *r)
{
    if (r->gone && r->marks == 0)
        g_free(r);
}

bool tlb_is_tightened(const struct stale *r)
{
    return r->change == CHANGE_PERMISSION && r->changed.el == 2 && !r->returned.known;
}

/* TLBs hold @r no longer. A table that only it led to is no table any more. */
void tlb_stale_forget(struct arm_checker *c, struct tlb_unit *u, struct stale *r)
{
    struct stale *first = g_hash_table_lookup(u->stale, &r->pa), **link = &first;

    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    g_hash_table_remove(u->stale, &r->pa);
    if (first)
        g_hash_table_insert(u->stale, &first->pa, first);
    g_ptr_array_remove_fast(r->context->stale, r);
    u->stale_count--;
    u->tightened -= tlb_is_tightened(r);
    if (descriptor_is_table(&r->at, r->value))
        for (uint64_t k = 0; k < UINT64_C(1) << (r->at.granule_bits - PAGE_SHIFT); k++) {
            struct table_page *page =
                pages_find(&u->pages, descriptor_address(&r->at, r->value) + k * PAGE_SIZE);
            if (page && page->cut && page->parent == r->pa)
                pages_drop(c, &u->pages, page);
        }
    r->gone = true;
    release(r);
}

struct stale *tlb_stale_add(struct arm_checker *c, struct tlb_unit *u,
                            const struct table_page *page, unsigned index,
                            enum descriptor_change change, const struct arm_event *p)
{
    struct tlb_context *x = page->context;
    uint64_t value = page->desc[index];

    if (u->stale_count == STALE_MAX)
        return NULL;
    struct stale *r = g_new0(struct stale, 1);
    r->context = x;
    r->at = page->at;
    r->pa = page->pa + 8 * index;
    r->value = value;
    r->ia = pages_ia(page, index);
    r->asid = page->asid;
    r->global = !page->at.two_ranges ||
                (descriptor_is_table(&page->at, value) ? bit(r->ia, 55) : !bit(value, 11));
    r->change = change;
    r->changed = site_of(c, p);
    r->sp = checker_reg(c, p->cpu, ARM_SP);
    r->clock = u->pages.clock;
    memcpy(r->cpus, x->cpus, sizeof(r->cpus));
    r->next = g_hash_table_lookup(u->stale, &r->pa);
    g_hash_table_remove(u->stale, &r->pa);
    g_hash_table_insert(u->stale, &r->pa, r);
    g_ptr_array_add(x->stale, r);
    u->stale_count++;
    u->tightened += tlb_is_tightened(r);
    return r;
}

/* Has the CPU that changed @r had a DSB since, for all whose TLBs the TLBI @p reaches? Of one that
 * runs below EL2 the barriers are not seen. */
static bool ordered(const struct tlb_unit *u, const struct stale *r, const struct arm_event *p)
{
    const struct tlb_cpu *cpu = &u->cpu[r->changed.cpu];

    return r->changed.el < 2 || (p->tlbi.broadcast ? cpu->dsb_shared : cpu->dsb) > r->clock;
}

static bool others_hold(const struct stale *r, unsigned cpu)
{
    uint64_t rest[2] = {r->cpus[0], r->cpus[1]};

    rest[cpu / 64 % 2] &= ~BIT(cpu % 64);
    return rest[0] | rest[1];
}

static void note_miss(struct stale *r, enum miss miss, const struct site *at)
{
    if (miss <= r->miss)
        return;
    r->miss = miss;
    r->miss_at = *at;
}

static void mark(struct tlb_unit *u, const struct arm_event *p, struct stale *r,
                 enum coverage coverage)
{
    struct tlb_mark m = {.stale = r, .coverage = coverage, .broadcast = p->tlbi.broadcast};

    g_array_append_val(u->cpu[p->cpu].marks, m);
    r->marks++;
}

static void invalidate(struct tlb_unit *u, struct stale *r, enum coverage coverage,
                       const struct arm_event *p, const struct site *at)
{
    if (!ordered(u, r, p)) {
        note_miss(r, MISS_UNORDERED, at);
        return;
    }
    bool here = !p->tlbi.broadcast && others_hold(r, p->cpu);
    if (here && coverage != COVERS_STAGE2 && r->miss == MISS_COMBINED)
        r->miss = MISS_NONE; /* the one of stage 1 follows: this */
    if (here)
        note_miss(r, MISS_LOCAL, at);
    mark(u, p, r, coverage);
    if (coverage == COVERS_STAGE2) {
        r->ipa_issued = true;
        if (!here)
            note_miss(r, MISS_COMBINED, at);
        return;
    }
    r->issued = true;
    r->issued_at = *at;
}

void tlb_maintained(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p)
{
    const struct site at = site_of(c, p);
    bool hints = bits(checker_sysreg(c, p->cpu, SR_ID_AA64MMFR2_EL1), 51, 48) != 0;
    bool used = false;

    if (p->tlbi.regime == ARM_REGIME_EL2 && p->tlbi.scope == ARM_TLBI_REGIME) {
        struct tlb_mark m = {.broadcast = p->tlbi.broadcast, .own = true, .clock = u->pages.clock};
        g_array_append_val(u->cpu[p->cpu].marks, m);
    }
    if (p->tlbi.regime == ARM_REGIME_EL10 &&
        (p->tlbi.scope == ARM_TLBI_REGIME || p->tlbi.scope == ARM_TLBI_VMID)) {
        struct tlb_mark m = {.broadcast = p->tlbi.broadcast,
                             .every_vmid = p->tlbi.scope == ARM_TLBI_REGIME,
                             .stage1 = p->tlbi.scope == ARM_TLBI_VMID && !p->tlbi.stage2,
                             .vmid = p->tlbi.vmid};
        g_array_append_val(u->cpu[p->cpu].marks, m);
    }
    if (u->stale_count == 0)
        return;
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned n = 0; n < u->pages.contexts->len; n++) {
            struct tlb_context *x = g_ptr_array_index(u->pages.contexts, n);
            for (unsigned k = 0; k < x->stale->len; k++) {
                struct stale *r = g_ptr_array_index(x->stale, k);
                enum miss miss = MISS_NONE;
                enum coverage coverage = stale_coverage(r, p, hints, &miss);
                if (pass == 0 && coverage != COVERS_NOT) {
                    invalidate(u, r, coverage, p, &at);
                    used = true;
                } else if (pass == 1 && coverage == COVERS_NOT && r->changed.cpu == p->cpu &&
                           (!used || (miss > MISS_ADDRESS && miss != MISS_REGIME))) {
                    note_miss(r, miss, &at); /* if it was for no other one: was it for this? */
                }
            }
        }
}

/* What @cpu has of VMIDs; but while it runs with one it translates anew. */
static void forget_uses(struct tlb_cpu *cpu, const struct tlb_mark *m)
{
    GHashTableIter it;
    gpointer key;
    struct vmid_use *use;

    g_hash_table_iter_init(&it, cpu->vmids);
    while (g_hash_table_iter_next(&it, &key, (gpointer *)&use)) {
        unsigned vmid = GPOINTER_TO_UINT(key);
        bool runs = cpu->running && cpu->running->vmid == vmid;
        if (runs || !(m->every_vmid || m->vmid == vmid))
            continue;
        if (m->stage1)
            use->vcpu = NULL;
        else
            g_hash_table_iter_remove(&it);
    }
}

static void vmid_done(struct tlb_unit *u, const struct tlb_mark *m, unsigned cpu)
{
    for (unsigned k = 0; k < u->cpu_count; k++)
        if (m->broadcast || k == cpu)
            forget_uses(&u->cpu[k], m);
}

static void complete(struct arm_checker *c, struct tlb_unit *u, const struct tlb_mark *m,
                     unsigned cpu)
{
    struct stale *r = m->stale;

    if (!r && m->own)
        tlb_control_done(u, m, cpu);
    else if (!r)
        vmid_done(u, m, cpu);
    if (!r)
        return;
    r->marks--;
    if (r->gone) {
        release(r);
        return;
    }
    if (m->coverage == COVERS_STAGE2) {
        r->ipa_issued = false;
        r->ipa_done[cpu / 64 % 2] |= BIT(cpu % 64);
        for (unsigned k = 0; k < 2; k++)
            r->ipa_done[k] |= m->broadcast ? UINT64_MAX : 0;
        return;
    }
    r->issued = false;
    r->cpus[cpu / 64 % 2] &= ~BIT(cpu % 64);
    if (m->broadcast || !(r->cpus[0] | r->cpus[1]))
        tlb_stale_forget(c, u, r);
}

void tlb_barrier(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p)
{
    struct tlb_cpu *cpu = &u->cpu[p->cpu];
    unsigned kept = 0;

    if (p->barrier.kind != ARM_BARRIER_DSB || p->barrier.type == 1)
        return;
    cpu->dsb = u->pages.clock;
    if (p->barrier.domain != 1)
        cpu->dsb_shared = u->pages.clock;
    if (p->barrier.type != 3)
        return;
    for (unsigned k = 0; k < cpu->marks->len; k++) {
        struct tlb_mark m = g_array_index(cpu->marks, struct tlb_mark, k);
        if (m.broadcast && p->barrier.domain == 1)
            g_array_index(cpu->marks, struct tlb_mark, kept++) = m;
        else
            complete(c, u, &m, p->cpu);
    }
    g_array_set_size(cpu->marks, kept);
}
