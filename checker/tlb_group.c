/*
 * The Contiguous bit of stage 2 and of EL2's own tables (D8.7, "The Contiguous bit"): who has
 * changed one descriptor of a group leaves all of it the same when a world is entered next.
 * Between, a group may be uneven.
 */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/tlb_unit.h"

/* The first descriptor of the group that the one at @pa is in. */
static uint64_t group_of(const struct table_page *page, uint64_t pa)
{
    return pa & ~(uint64_t)(8 * descriptor_group(&page->at) - 1);
}

/* The first of @page's group at @index that has the bit; the group's size: none. */
static unsigned first_with(const struct table_page *page, unsigned index)
{
    unsigned n = descriptor_group(&page->at), k = 0;

    while (k < n && !descriptor_is_contiguous(&page->at, page->desc[index + k]))
        k++;
    return k;
}

/* The last CPU that has changed a group is to leave it even. */
void tlb_group_stored(struct arm_checker *c, struct tlb_unit *u, const struct table_page *page,
                      unsigned index, uint64_t before, const struct arm_event *p)
{
    uint64_t group = group_of(page, page->pa + 8 * index);
    struct group_note note = {.group = group, .at = site_of(c, p)};
    unsigned k = 0;

    if (p->el < 2 || (!descriptor_is_contiguous(&page->at, before) &&
                      first_with(page, descriptor_index(group)) == descriptor_group(&page->at)))
        return;
    while (k < u->groups->len && g_array_index(u->groups, struct group_note, k).group != group)
        k++;
    if (k < u->groups->len)
        g_array_index(u->groups, struct group_note, k) = note;
    else
        g_array_append_val(u->groups, note);
}

/* The first of them that does not go on as one with the bit says; the group's size: none. */
static unsigned odd_one(const struct table_page *page, unsigned index)
{
    unsigned n = descriptor_group(&page->at), with = first_with(page, index), k = 0;

    if (with == n)
        return n;
    uint64_t first = page->desc[index + with] - ((uint64_t)with << descriptor_shift(&page->at));
    while (k < n && descriptor_continues(&page->at, first, page->desc[index + k], k))
        k++;
    return k;
}

static void check(struct arm_checker *c, struct tlb_unit *u, const struct group_note *note,
                  const struct world *w, const struct arm_event *p)
{
    const struct table_page *page = pages_find(&u->pages, note->group);
    char where[60];

    if (!page || page->cut || !pages_live(c, &u->pages, page))
        return;
    unsigned index = descriptor_index(note->group), odd = odd_one(page, index);
    if (odd == descriptor_group(&page->at))
        return;
    struct finding f = tlb_finding(c, RULE_BBM, p, note->group + 8 * odd);
    f.world = w;
    f.other = f.at;
    f.other_role = "entered";
    f.at = note->at;
    f.hint = "break the whole group, DSB, TLBI, DSB, and make all of it anew";
    finding_say(&f,
                "the descriptor of %#" PRIx64 " in %s is not as the others of its group, of which "
                "some have the Contiguous bit: %#" PRIx64,
                pages_ia(page, index + odd), tlb_context_text(page->context, where, sizeof(where)),
                page->desc[index + odd]);
    finding_report(c, &f);
}

void tlb_group_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                     const struct arm_event *p)
{
    bool host = HCR_EL2_E2H(checker_sysreg(c, p->cpu, SR_HCR_EL2)) && c->threads;
    unsigned kept = 0;

    for (unsigned k = 0; k < u->groups->len; k++) {
        struct group_note note = g_array_index(u->groups, struct group_note, k);
        if (note.at.cpu != p->cpu)
            g_array_index(u->groups, struct group_note, kept++) = note;
        else if (!host) /* a host's other threads may be in the middle of it */
            check(c, u, &note, w, p);
    }
    g_array_set_size(u->groups, kept);
}
