#include "checker/pages.h"

#include <string.h>

#include "arch/sysreg.h"
#include "base/addr.h"
#include "base/bits.h"

void pages_init(struct pages *s, unsigned cpu_count)
{
    s->by_pa = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    s->contexts = g_ptr_array_new();
    s->last = g_new0(struct walk_step, 2 * cpu_count);
    s->clock = 1;
}

static gpointer key_of(uint64_t pa)
{
    return GSIZE_TO_POINTER(pa >> PAGE_SHIFT);
}

void pages_free(struct arm_checker *c, struct pages *s)
{
    GHashTableIter it;
    gpointer page;

    g_hash_table_iter_init(&it, s->by_pa);
    while (g_hash_table_iter_next(&it, NULL, &page))
        arm_watch_page(c->m, ((struct table_page *)page)->pa, false);
    g_hash_table_destroy(s->by_pa);
    for (unsigned k = 0; k < s->contexts->len; k++) {
        struct tlb_context *x = g_ptr_array_index(s->contexts, k);
        g_ptr_array_unref(x->stale);
        g_free(x);
    }
    g_ptr_array_unref(s->contexts);
    g_free(s->last);
}

struct table_page *pages_find(const struct pages *s, uint64_t pa)
{
    return g_hash_table_lookup(s->by_pa, key_of(pa));
}

static struct tlb_context *context(struct pages *s, unsigned stage, unsigned regime, uint16_t vmid,
                                   uint64_t root)
{
    for (unsigned k = 0; k < s->contexts->len; k++) {
        struct tlb_context *x = g_ptr_array_index(s->contexts, k);
        if (x->stage == stage && x->regime == regime && x->vmid == vmid && x->root == root)
            return x;
    }
    struct tlb_context *x = g_new0(struct tlb_context, 1);
    *x = (struct tlb_context){.stage = (uint8_t)stage,
                              .regime = (uint8_t)regime,
                              .vmid = vmid,
                              .root = root,
                              .stale = g_ptr_array_new()};
    g_ptr_array_add(s->contexts, x);
    return x;
}

struct tlb_context *pages_stage2(struct pages *s, uint16_t vmid, uint64_t root)
{
    return context(s, 2, ARM_REGIME_EL10, vmid, root);
}

/* TG0 of TCR_ELx and VTCR_EL2, and TG1, which has other numbers. */
static uint8_t granule_bits(const struct arm_checker *c, const struct arm_event *p)
{
    static const uint8_t tg0[4] = {12, 16, 14, 12}, tg1[4] = {12, 14, 12, 16};
    uint64_t tcr = checker_sysreg(c, p->cpu, p->walk.stage == 2 ? SR_VTCR_EL2 : SR_TCR_EL2);

    if (p->walk.regime == ARM_REGIME_EL20 && bit(p->walk.ia, 55))
        return tg1[bits(tcr, 31, 30)];
    return tg0[bits(tcr, 15, 14)];
}

static uint64_t root_of(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_sysreg(c, cpu, sr) & MASK(47, 1);
}

/* Is it one whose tables are followed? */
static bool followed(const struct arm_checker *c, struct pages *s, const struct arm_event *p)
{
    if (p->walk.stage == 2 || p->walk.regime == ARM_REGIME_EL2)
        return true;
    if (p->walk.regime != ARM_REGIME_EL20)
        return false;
    if (bit(p->walk.ia, 55))
        return true;
    if (!s->many_ttbr0) {
        uint64_t root = root_of(c, p->cpu, SR_TTBR0_EL2);
        s->many_ttbr0 = s->ttbr0 && s->ttbr0 != root;
        s->ttbr0 = root;
    }
    return !s->many_ttbr0;
}

static void fill(struct arm_checker *c, struct pages *s, struct table_page *page,
                 const struct arm_event *p)
{
    unsigned index = descriptor_index(p->walk.pa);
    uint64_t ia = p->walk.ia;
    uint64_t root = p->walk.stage == 2 ? root_of(c, p->cpu, SR_VTTBR_EL2) : 0;

    page->at = (struct descriptor_place){.stage = p->walk.stage,
                                         .level = (int8_t)p->walk.level,
                                         .granule_bits = granule_bits(c, p),
                                         .two_ranges = p->walk.regime == ARM_REGIME_EL20};
    if (page->at.stage == 1) /* without a tag */
        ia = page->at.two_ranges ? sext(ia, 56) : zext(ia, 56);
    unsigned shift = descriptor_shift(&page->at);
    page->ia = (ia >> shift << shift) - ((uint64_t)index << shift);
    page->context =
        context(s, p->walk.stage, p->walk.regime, p->walk.stage == 2 ? p->walk.vmid : 0, root);
    page->asid = p->walk.asid;
    page->cut = false;
    page->parent = 0;
    memset(page->since, 0, sizeof(page->since));
    arm_mem_read(c->m, page->pa, page->desc, sizeof(page->desc));
}

static uint64_t table_of(const struct table_page *page)
{
    return page->pa & ~MASK(page->at.granule_bits - 1, 0);
}

/* Does the descriptor that led to @page lead there now? */
static const struct table_page *upward(const struct pages *s, const struct table_page *page)
{
    const struct table_page *up = page->parent ? pages_find(s, page->parent) : NULL;
    uint64_t desc = up ? up->desc[descriptor_index(page->parent)] : 0;

    return up && descriptor_valid(&up->at, desc) && descriptor_is_table(&up->at, desc) &&
                   descriptor_address(&up->at, desc) == table_of(page)
               ? up
               : NULL;
}

/* The walk that has read a descriptor of @page came from @last. */
static void link_up(const struct pages *s, struct table_page *page, const struct walk_step *last)
{
    if (!last->valid || last->level + 1 != page->at.level || last->next != table_of(page))
        return;
    page->parent = last->pa;
    if (upward(s, page))
        page->cut = false;
}

static struct table_page *page_of_walk(struct arm_checker *c, struct pages *s,
                                       const struct arm_event *p)
{
    struct table_page *page = pages_find(s, p->walk.pa);
    bool fresh = !page;

    if (fresh) {
        page = g_new0(struct table_page, 1);
        page->pa = p->walk.pa & ~PAGE_MASK;
        g_hash_table_insert(s->by_pa, key_of(page->pa), page);
        arm_watch_page(c->m, page->pa, true);
    }
    if (fresh || page->at.stage != p->walk.stage || page->at.level != (int8_t)p->walk.level ||
        page->context->regime != p->walk.regime ||
        (p->walk.stage == 2 && page->context->vmid != p->walk.vmid))
        fill(c, s, page, p);
    return page;
}

void pages_walked(struct arm_checker *c, struct pages *s, const struct arm_event *p)
{
    struct walk_step *last = &s->last[2 * p->cpu + p->walk.stage - 1];

    if (!followed(c, s, p))
        return;
    struct table_page *page = page_of_walk(c, s, p);
    link_up(s, page, last);
    page->context->cpus[p->cpu / 64 % 2] |= BIT(p->cpu % 64);
    page->desc[descriptor_index(p->walk.pa)] = p->walk.after;
    bool table =
        descriptor_valid(&page->at, p->walk.after) && descriptor_is_table(&page->at, p->walk.after);
    *last = (struct walk_step){.valid = table,
                               .pa = p->walk.pa,
                               .next = table ? descriptor_address(&page->at, p->walk.after) : 0,
                               .level = (int8_t)p->walk.level};
}

/* Is @page of the table that a register of some CPU points to? */
static bool is_root(const struct arm_checker *c, const struct table_page *page)
{
    const struct tlb_context *x = page->context;

    if (page->parent)
        return false;
    if (x->stage == 2) /* up to 16 tables beside each other */
        return page->pa - (x->root & ~PAGE_MASK) < 16 * (UINT64_C(1) << page->at.granule_bits);
    for (unsigned k = 0; k < c->cpu_count; k++)
        if (page->pa == (root_of(c, k, SR_TTBR0_EL2) & ~PAGE_MASK) ||
            (x->regime == ARM_REGIME_EL20 &&
             page->pa == (root_of(c, k, SR_TTBR1_EL2) & ~PAGE_MASK)))
            return true;
    return false;
}

bool pages_live(const struct arm_checker *c, const struct pages *s, const struct table_page *page)
{
    for (unsigned steps = 0; page && steps < 6; steps++) {
        if (is_root(c, page))
            return true;
        page = upward(s, page);
    }
    return false;
}

bool pages_over(const struct table_page *root)
{
    for (unsigned n = 0; n < PAGE_DESCRIPTORS; n++)
        if (root->since[n] <= root->context->entered && descriptor_valid(&root->at, root->desc[n]))
            return false;
    return true;
}

uint64_t pages_ia(const struct table_page *page, unsigned index)
{
    return page->ia + ((uint64_t)index << descriptor_shift(&page->at));
}

void pages_drop(struct arm_checker *c, struct pages *s, struct table_page *page)
{
    arm_watch_page(c->m, page->pa, false);
    g_hash_table_remove(s->by_pa, key_of(page->pa));
}
