/* What a CPU's TLBs may hold of a VMID: whose tables, which virtual CPU's translations, by which
 * registers. */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/tlb_unit.h"
#include "checker/unit.h"

/* A finding of @sr of @w, which is entered now; @before: where the VMID was used before. */
static struct finding found(struct arm_checker *c, enum rule rule, const struct world *w,
                            enum sysreg sr, const struct site *before, const char *hint,
                            const struct arm_event *p)
{
    struct finding f = finding_about(c, rule, w, sr, p);

    if (before)
        f.other = *before;
    f.other_role = "entered";
    f.hint = hint;
    return f;
}

/* What EL1 has translated is each virtual CPU's own: without CnP two may have different tables for
 * one ASID, and a guest invalidates what is local to a CPU on its own. */
static void check_shared(struct arm_checker *c, const struct vmid_use *use, const struct world *w,
                         const struct arm_event *p)
{
    if (!use->vcpu || use->vcpu == w)
        return;
    struct finding f =
        found(c, RULE_VMID, w, SR_VTTBR_EL2, &use->entered,
              "TLBI VMALLE1 and DSB NSH when a CPU gets another virtual CPU of a VMID", p);
    finding_say(&f,
                "%s ran on this CPU with VMID %u before, and what it has translated was not "
                "invalidated",
                use->vcpu->name, p->world.vmid);
    finding_report(c, &f);
}

/* With HCR_EL2.FB clear, what a guest invalidates for the CPU that it is on stays in those that it
 * was on before. */
static void note_elsewhere(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                           const struct arm_event *p)
{
    for (unsigned k = 0; k < u->cpu_count && !HCR_EL2_FB(p->world.hcr); k++) {
        struct vmid_use *use =
            g_hash_table_lookup(u->cpu[k].vmids, GUINT_TO_POINTER(p->world.vmid));
        if (k != p->cpu && use && use->root == w->root && use->vcpu == w)
            use->elsewhere = site_of(c, p);
    }
}

static void check_back(struct arm_checker *c, struct vmid_use *use, const struct world *w,
                       const struct arm_event *p)
{
    if (use->vcpu != w || !use->elsewhere.known || w->kind != WORLD_GUEST)
        return;
    struct finding f = found(c, RULE_TLB_SCOPE, w, SR_HCR_EL2, &use->elsewhere,
                             "set HCR_EL2.FB, or TLBI VMALLE1 and DSB NSH when a virtual CPU comes "
                             "to another CPU",
                             p);
    finding_say(&f,
                "it was on CPU %u with FB 0, where its TLBI reach no other CPU, and is back where "
                "TLBs hold what it had translated before",
                use->elsewhere.cpu);
    finding_report(c, &f);
}

/* A TLBI for the VMID that the tables have now leaves what is of the one before. */
static void check_two(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                      const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    struct finding f = found(c, RULE_VMID, w, SR_VTTBR_EL2, NULL,
                             "one VMID at a time for a VM: invalidate the one before", p);

    for (unsigned k = 0; k < u->cpu_count; k++) {
        const struct tlb_context *x = u->cpu[k].running;
        const struct vmid_use *use;
        GHashTableIter it;
        gpointer vmid;

        if (k != p->cpu && x && x->root == w->root && x->vmid != p->world.vmid) {
            finding_say(&f,
                        "the tables at %#" PRIx64
                        " have VMID %u here and VMID %u on CPU %u at the same time",
                        w->root, p->world.vmid, x->vmid, k);
            finding_report(c, &f);
            return;
        }
        g_hash_table_iter_init(&it, u->cpu[k].vmids);
        while (s->valid && !justify(s, false).anything &&
               g_hash_table_iter_next(&it, &vmid, (gpointer *)&use)) {
            if (use->root != w->root || GPOINTER_TO_UINT(vmid) == p->world.vmid ||
                pages_stage2(&u->pages, (uint16_t)GPOINTER_TO_UINT(vmid), use->root)->over)
                continue;
            f.other = use->entered;
            finding_say(
                &f,
                "the tables at %#" PRIx64
                " have VMID %u, and had VMID %u on CPU %u, and nothing has invalidated that",
                w->root, p->world.vmid, GPOINTER_TO_UINT(vmid), k);
            finding_report(c, &f);
            return;
        }
    }
}

/* One VMID with two settings of what TLBs hold of registers. */
static void check_control(struct arm_checker *c, struct vmid_use *use, const struct world *w,
                          const struct arm_event *p)
{
    struct stage2_control now = tlb_control_stage2(c, p), was = use->control;
    bool vtcr = now.vtcr != was.vtcr;

    use->control = now;
    if (!vtcr && now.hcr == was.hcr)
        return;
    struct finding f = found(
        c, RULE_TLB_MISS, w, vtcr ? SR_VTCR_EL2 : SR_HCR_EL2, &use->entered,
        "TLBI VMALLS12E1 with the VMID and DSB behind a change of what translations go by", p);
    finding_say(&f,
                "VMID %u was used with %#" PRIx64 " on this CPU, now with %#" PRIx64
                ", and nothing has invalidated it between",
                p->world.vmid, vtcr ? was.vtcr : was.hcr, vtcr ? now.vtcr : now.hcr);
    finding_report(c, &f);
}

/* One VMID with two tables. */
static void check_tables(struct arm_checker *c, const struct vmid_use *use, const struct world *w,
                         const struct arm_event *p)
{
    struct finding f = found(
        c, RULE_VMID, w, SR_VTTBR_EL2, &use->entered,
        "TLBI VMALLS12E1IS with the VMID, or ALLE1IS, and DSB before it is given to others", p);

    finding_say(&f,
                "VMID %u was that of the tables at %#" PRIx64
                " on this CPU, now of those at %#" PRIx64
                ", and nothing has invalidated it between",
                p->world.vmid, use->root, w->root);
    finding_report(c, &f);
}

void tlb_vmid_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                    const struct arm_event *p)
{
    gpointer key = GUINT_TO_POINTER(p->world.vmid);
    struct vmid_use *use = g_hash_table_lookup(u->cpu[p->cpu].vmids, key);

    if (use && use->root != w->root)
        check_tables(c, use, w, p);
    check_two(c, u, w, p);
    note_elsewhere(c, u, w, p);
    if (use && use->root == w->root) {
        check_shared(c, use, w, p);
        check_back(c, use, w, p);
        use->elsewhere.known = false;
        check_control(c, use, w, p);
        if (use->vcpu != w)
            use->entered = site_of(c, p);
        use->vcpu = w;
        return;
    }
    use = g_new0(struct vmid_use, 1);
    *use = (struct vmid_use){
        .root = w->root, .control = tlb_control_stage2(c, p), .vcpu = w, .entered = site_of(c, p)};
    g_hash_table_insert(u->cpu[p->cpu].vmids, key, use);
}
