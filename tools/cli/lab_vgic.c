/* Thread 3: what the switch of the virtual interface costs, and whether the order
 * of slots matters. */
#include <inttypes.h>
#include <math.h>

#include "lab.h"
#include "lab_answers.h"

#define USED_MAX 16
#define LINE     64

/* As hyp/trials/lists.c has its keys. */
static unsigned key_of(unsigned used, unsigned order, unsigned controls, bool enter)
{
    return used + 32 * order + 64 * controls + 128 * enter;
}

/* Lines of 64 bytes that a stretch touches; more than LINES_MAX are not counted. */
#define LINES_MAX 32

struct touched {
    unsigned count[LAB_KEYS];
    uint64_t line[LAB_KEYS][LINES_MAX];
};

static void at_access(void *ctx, struct arm_machine *m, unsigned key, const struct arm_event *e)
{
    struct touched *t = ctx;
    unsigned k = 0;

    (void)m;
    if (e->kind != ARM_EVENT_MEM)
        return;
    while (k < t->count[key] && t->line[key][k] != e->mem.pa / LINE)
        k++;
    if (k == t->count[key] && k < LINES_MAX)
        t->line[key][t->count[key]++] = e->mem.pa / LINE;
}

static bool run(const struct lab *lab, struct lab_report *r, unsigned lrs, unsigned bits,
                struct lab_outcome *out, struct touched *t)
{
    const struct lab_spec spec = {
        .image = "trial-lists.img",
        .gic = {.list_registers = lrs, .priority_bits = bits, .preemption_bits = bits},
        .event = t ? at_access : NULL,
        .ctx = t};

    return lab_run(lab, &spec, out, r);
}

static uint64_t per(const struct lab_counts *c, uint64_t count)
{
    return count / MAX(c->stretches, 1);
}

static void row(struct lab_report *r, const struct lab_outcome *out, unsigned lrs, unsigned bits,
                unsigned controls)
{
    const struct lab_counts *leave = &out->counts[key_of(lrs, VGIC_FORWARD, controls, false)];
    const struct lab_counts *enter = &out->counts[key_of(lrs, VGIC_FORWARD, controls, true)];

    lab_row(r, "%u|%u|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64, lrs,
            bits, controls ? "eager" : "deferred", per(leave, leave->reads),
            per(leave, leave->writes), per(leave, leave->stores), per(enter, enter->reads),
            per(enter, enter->writes), per(enter, enter->loads));
}

/* What an exit and an entry do, by the interface's size. */
static bool sizes(const struct lab *lab, struct lab_report *r)
{
    static const unsigned all[] = {1, 2, 4, 8, 12, 16}, few[] = {4, 16};
    const unsigned *lrs = lab->quick ? few : all;
    size_t count = lab->quick ? G_N_ELEMENTS(few) : G_N_ELEMENTS(all);

    lab_table(r,
              "An exit and an entry with all list registers used; controls (ICH_VMCR, active "
              "priorities) each time (eager) or at load and put",
              "list registers|preemption bits|controls|exit: MRS|MSR|stores|entry: MRS|MSR|loads");
    for (size_t k = 0; k < count; k++)
        for (unsigned bits = 5; bits <= 7; bits++) {
            struct lab_outcome *out = lab_outcome_new();
            bool ok = run(lab, r, lrs[k], bits, out, NULL);
            for (unsigned controls = 0; controls < 2 && ok; controls++)
                row(r, out, lrs[k], bits, controls);
            lab_outcome_free(out);
            if (!ok)
                return false;
        }
    return true;
}

static void note_all_used(const struct lab_outcome *out, const struct touched *t,
                          struct vgic_numbers *n)
{
    n->lrs = USED_MAX;
    for (unsigned order = 0; order < VGIC_ORDERS; order++) {
        unsigned leave = key_of(USED_MAX, order, 0, false),
                 enter = key_of(USED_MAX, order, 0, true);
        const struct lab_counts *a = &out->counts[leave], *b = &out->counts[enter];
        n->accesses[order] = per(a, a->reads + a->writes) + per(b, b->reads + b->writes);
        n->stores[order] = per(a, a->stores) + per(b, b->stores);
        n->loads[order] = per(a, a->loads) + per(b, b->loads);
        n->lines[order] = MAX(t->count[leave], t->count[enter]);
    }
}

static bool orders(const struct lab *lab, struct lab_report *r, struct vgic_numbers *n)
{
    static const unsigned used[] = {0, 1, 2, 4, 8, 16};
    struct lab_outcome *out = lab_outcome_new();
    struct touched *t = g_new0(struct touched, 1);
    bool ok = run(lab, r, USED_MAX, 5, out, t);

    lab_table(r,
              "Forward and reverse order, 16 list registers, controls at load and put: an exit and "
              "an entry",
              "used|order|instructions|MRS and MSR|stores|loads|lines of 64 bytes: exit, entry");
    for (size_t k = 0; k < G_N_ELEMENTS(used) && ok; k++)
        for (unsigned order = 0; order < VGIC_ORDERS; order++) {
            unsigned leave = key_of(used[k], order, 0, false);
            unsigned enter = key_of(used[k], order, 0, true);
            const struct lab_counts *a = &out->counts[leave], *b = &out->counts[enter];
            lab_row(r, "%u|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%u, %u", used[k],
                    order ? "reverse" : "forward", per(a, a->insns) + per(b, b->insns),
                    per(a, a->reads + a->writes) + per(b, b->reads + b->writes),
                    per(a, a->stores) + per(b, b->stores), per(a, a->loads) + per(b, b->loads),
                    t->count[leave], t->count[enter]);
        }
    if (ok)
        note_all_used(out, t, n);
    g_free(t);
    lab_outcome_free(out);
    return ok;
}

/* ---- modelled ---- */

static double cycles_of(const struct lab_outcome *out, unsigned core, unsigned used, unsigned order)
{
    double sum = 0;

    for (unsigned enter = 0; enter < 2; enter++) {
        const struct arm_model_counts *c = lab_modelled(out, core, key_of(used, order, 0, enter));
        sum += (double)c->cycles / (double)MAX(c->passes, 1);
    }
    return sum;
}

static const char *const prefetchers[] = {"none", "ascending", "both"};
#define PREFETCHERS G_N_ELEMENTS(prefetchers)

static bool make_cores(const struct lab *lab, struct lab_report *r, struct arm_core **cores)
{
    struct arm_error err = {0};

    for (unsigned k = 0; k < lab->core_count * PREFETCHERS; k++) {
        cores[k] = arm_core_copy(lab->cores[k / PREFETCHERS]);
        if (arm_core_set(cores[k], "prefetcher", prefetchers[k % PREFETCHERS], &err))
            return lab_fail(r, "%s", err.text);
    }
    return true;
}

static void modelled_rows(const struct lab *lab, struct lab_report *r,
                          const struct lab_outcome *out, struct vgic_numbers *n)
{
    static const unsigned used[] = {4, 16};

    lab_table(r, "Cycles of an exit and an entry, whose slots no L1 cache holds",
              "used|core|prefetcher|~forward|~reverse|~reverse costs more, %");
    for (size_t u = 0; u < G_N_ELEMENTS(used); u++)
        for (unsigned k = 0; k < lab->core_count * PREFETCHERS; k++, n->models++) {
            double *c = n->cycles[n->models];
            for (unsigned order = 0; order < VGIC_ORDERS; order++)
                c[order] = cycles_of(out, k, used[u], order);
            lab_row(r, "%u|%s|%s|%.0f|%.0f|%+.1f", used[u], lab_core_name(lab, k / PREFETCHERS),
                    prefetchers[k % PREFETCHERS], c[VGIC_FORWARD], c[VGIC_REVERSE],
                    100 * (c[VGIC_REVERSE] / c[VGIC_FORWARD] - 1));
        }
}

static void plot(const struct lab *lab, struct lab_report *r, const struct vgic_numbers *n)
{
    lab_plot(r, "~An exit and an entry, 16 used", "cycles");
    for (unsigned k = 0; k < lab->core_count * PREFETCHERS; k++)
        for (unsigned order = 0; order < VGIC_ORDERS; order++)
            lab_bar(r, n->cycles[lab->core_count * PREFETCHERS + k][order], "%s, %s, %s",
                    lab_core_name(lab, k / PREFETCHERS), prefetchers[k % PREFETCHERS],
                    order ? "reverse" : "forward");
}

static const struct lab_spec all_lrs = {.image = "trial-lists.img", .gic = {.list_registers = 16}};
static const struct lab_spec all_used = {
    .image = "trial-lists.img", .append = "hyp.passes=16", .gic = {.list_registers = 16}};

static bool modelled(const struct lab *lab, struct lab_report *r, struct vgic_numbers *n)
{
    struct arm_core *cores[VGIC_MODELS] = {0};
    struct lab_spec spec = all_lrs;
    struct lab_outcome *out = lab_outcome_new();

    spec.cores = (const struct arm_core *const *)cores;
    spec.core_count = (unsigned)(lab->core_count * PREFETCHERS);
    bool ok = make_cores(lab, r, cores) && lab_run(lab, &spec, out, r);
    if (ok) {
        modelled_rows(lab, r, out, n);
        plot(lab, r, n);
    }
    lab_outcome_free(out);
    for (unsigned k = 0; k < VGIC_MODELS; k++)
        arm_core_free(cores[k]);
    return ok;
}

static double reverse_of_forward(const struct lab_outcome *out, unsigned core, const void *ctx)
{
    (void)ctx;
    return cycles_of(out, core, USED_MAX, VGIC_REVERSE) /
           cycles_of(out, core, USED_MAX, VGIC_FORWARD);
}

static bool is_the_same(double ratio)
{
    return fabs(ratio - 1) < 0.02;
}

bool lab_vgic(const struct lab *lab, struct lab_report *r)
{
    static const struct lab_claim claim = {
        .what = "Cycles in reverse order, in forward order 1, 16 list registers",
        .result = reverse_of_forward,
        .holds = is_the_same};
    struct vgic_numbers n = {0};

    if (!sizes(lab, r) || !orders(lab, r, &n) || !modelled(lab, r, &n) ||
        !lab_test_claim(lab, &all_used, &claim, r))
        return false;
    lab_answer(r, vgic_answer(&n));
    lab_change(r,
               "A context that is many lines long, so that a prefetcher has time to see a stream: "
               "sixteen list registers are 128 bytes; only the number of list registers in use, "
               "which is what to save, moves the cost.");
    return true;
}
