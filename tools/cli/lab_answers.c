#include "lab_answers.h"

static unsigned least(const double *value, unsigned count)
{
    unsigned best = 0;

    for (unsigned k = 1; k < count; k++)
        if (value[k] < value[best])
            best = k;
    return best;
}

/* ---- deferred ---- */

static const char *const forms[DEFERRED_FORMS] = {"the table", "the switch", "the header"};

static unsigned deferred_best(const struct deferred_numbers *n, unsigned kind)
{
    double insns[DEFERRED_FORMS];

    for (unsigned f = 0; f < DEFERRED_FORMS; f++)
        insns[f] = n->insns[f][kind];
    return least(insns, DEFERRED_FORMS);
}

double deferred_crossing(const struct deferred_numbers *n)
{
    for (unsigned k = 0; k < n->shares; k++) {
        double gap = n->moved[DEFERRED_EAGER][k] - n->moved[DEFERRED_DEFERRED][k], before;
        if (gap > 0)
            continue;
        if (k == 0)
            return n->share[0];
        before = n->moved[DEFERRED_EAGER][k - 1] - n->moved[DEFERRED_DEFERRED][k - 1];
        return n->share[k - 1] + (n->share[k] - n->share[k - 1]) * before / (before - gap);
    }
    return 101;
}

static char *deferred_moves(const struct deferred_numbers *n)
{
    double at = deferred_crossing(n), none = n->moved[DEFERRED_DEFERRED][0];

    if (at > 100)
        return g_strdup_printf(
            "deferring moves fewer registers at every share of exits to the host: %.1f against "
            "%.1f an exit where none goes there, %.1f against %.1f at the most",
            none, n->moved[DEFERRED_EAGER][0], n->moved[DEFERRED_DEFERRED][n->shares - 1],
            n->moved[DEFERRED_EAGER][n->shares - 1]);
    return g_strdup_printf("deferring moves fewer registers (%.1f against %.1f an exit where none "
                           "goes to the host) until %.0f %% of exits load another virtual CPU",
                           none, n->moved[DEFERRED_EAGER][0], at);
}

/* Fewer instructions by less than this are no reason for code at each site. */
#define WORTH 0.9

static char *deferred_any(const struct deferred_numbers *n)
{
    unsigned best = deferred_best(n, DEFERRED_ANY);
    double inlined = n->insns[DEFERRED_INLINE][DEFERRED_ANY];
    double shared =
        MIN(n->insns[DEFERRED_TABLE][DEFERRED_ANY], n->insns[DEFERRED_SWITCH][DEFERRED_ANY]);
    uint64_t bytes = n->site_bytes[DEFERRED_INLINE][DEFERRED_ANY];

    if (best == DEFERRED_INLINE && inlined < WORTH * shared)
        return g_strdup_printf("the header wins there too, for %" G_GUINT64_FORMAT
                               " bytes of code at each such site",
                               bytes);
    return g_strdup_printf("there one shared function should do it, since a header's expansion is "
                           "%" G_GUINT64_FORMAT " bytes a site",
                           bytes);
}

char *deferred_answer(const struct deferred_numbers *n)
{
    unsigned constant = deferred_best(n, DEFERRED_ONE);
    g_autofree char *moves = deferred_moves(n), *any = deferred_any(n);

    return g_strdup_printf(
        "At a constant site %s needs least (table %.1f, switch %.1f, header %.1f instructions an "
        "access); where the register is not constant it is %.1f, %.1f and %.1f, and %s; and %s.",
        forms[constant], n->insns[DEFERRED_TABLE][DEFERRED_ONE],
        n->insns[DEFERRED_SWITCH][DEFERRED_ONE], n->insns[DEFERRED_INLINE][DEFERRED_ONE],
        n->insns[DEFERRED_TABLE][DEFERRED_ANY], n->insns[DEFERRED_SWITCH][DEFERRED_ANY],
        n->insns[DEFERRED_INLINE][DEFERRED_ANY], any, moves);
}

/* ---- fpsimd ---- */

static const char *const fp_policies[FP_SWEPT] = {"eager", "lazy", "integrated", "bound", "late"};

static struct fpsimd_moves fpsimd_sum(const struct fpsimd_numbers *n, unsigned policy)
{
    struct fpsimd_moves sum = {0};

    for (unsigned k = 0; k < n->points; k++) {
        const struct fpsimd_moves *m = &n->moves[policy][k];
        sum.exits += m->exits;
        sum.saves += m->saves;
        sum.restores += m->restores;
        sum.again += m->again;
        sum.same += m->same;
    }
    return sum;
}

double fpsimd_redundant(const struct fpsimd_numbers *n, unsigned policy)
{
    struct fpsimd_moves sum = fpsimd_sum(n, policy);
    double all = sum.saves + sum.restores;

    return all > 0 ? 100 * (sum.again + sum.same) / all : 0;
}

/* The policies whose sweep has (@bad) or has not lost anything. */
static char *fpsimd_list(const struct fpsimd_numbers *n, bool bad)
{
    GString *list = g_string_new("");

    for (unsigned p = 0; p < FP_POLICIES; p++)
        if ((n->sweep[p].bad > 0) == bad)
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", fp_policies[p]);
    if (!list->len)
        g_string_append(list, "none");
    return g_string_free(list, FALSE);
}

static char *fpsimd_fear(const struct fpsimd_numbers *n)
{
    const struct fpsimd_sweep *s = &n->sweep[FP_LATE];
    g_autofree char *survive = fpsimd_list(n, false), *lose = fpsimd_list(n, true);

    if (!s->bad)
        return g_strdup_printf("the fear does not come true: a save behind the enabling of "
                               "interrupts loses nothing at any of %u instructions (lose: %s)",
                               s->points, lose);
    return g_strdup_printf(
        "the fear comes true: with the save behind the enabling of interrupts an interrupt before "
        "any of %u of %u instructions, from %s to %s, loses the guest's registers (%s); of the "
        "policies that save before, or for the owner, these survive an interrupt before every "
        "instruction: %s",
        s->bad, s->points, s->first, s->last, s->finding, survive);
}

char *fpsimd_answer(const struct fpsimd_numbers *n)
{
    struct fpsimd_moves eager = fpsimd_sum(n, FP_EAGER), integrated = fpsimd_sum(n, FP_INTEGRATED);
    g_autofree char *fear = fpsimd_fear(n);

    return g_strdup_printf(
        "Of what eager moves %.0f %% is redundant (lazy %.0f %%, integrated %.0f %%, bound %.0f "
        "%%), "
        "and the thread's policy moves %.1f states in place of %.1f a hundred exits; %s.",
        fpsimd_redundant(n, FP_EAGER), fpsimd_redundant(n, FP_LAZY),
        fpsimd_redundant(n, FP_INTEGRATED), fpsimd_redundant(n, FP_BOUND),
        100 * (integrated.saves + integrated.restores) / MAX(integrated.exits, 1),
        100 * (eager.saves + eager.restores) / MAX(eager.exits, 1), fear);
}

/* ---- a claim that rests on the model ---- */

char *claim_sentence(const struct claim_numbers *n)
{
    g_autofree char *most =
        n->parameter ? g_strdup_printf("%s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                                       " moves it most, by %+.1f %%",
                                       n->parameter, n->from, n->to, 100 * n->change)
                     : g_strdup("no parameter moves it");
    g_autofree char *holds =
        !n->itself ? g_strdup_printf("so what the answer says of instructions does not hold for "
                                     "cycles, neither with this core nor with %u of %u that differ "
                                     "in one parameter",
                                     n->against, n->variants)
        : n->against
            ? g_strdup_printf("the answer does not hold with %u of %u cores that differ in one "
                              "parameter, the first of them with %s",
                              n->against, n->variants, n->first_against)
            : g_strdup_printf("the answer holds with each of %u cores that differ in one parameter "
                              "by a quarter, by half or twice, or by the next word",
                              n->variants);

    return g_strdup_printf("%s: %.3g on the core %s; %s; %s.", n->what, n->base, n->core, most,
                           holds);
}

/* ---- vgic ---- */

void vgic_range(const struct vgic_numbers *n, double *least, double *most)
{
    *least = *most = 0;
    for (unsigned k = 0; k < n->models; k++) {
        double more = 100 * (n->cycles[k][VGIC_REVERSE] / n->cycles[k][VGIC_FORWARD] - 1);
        *least = k ? MIN(*least, more) : more;
        *most = k ? MAX(*most, more) : more;
    }
}

/* Percent: below this nobody would see a difference. */
#define SEEN 2

static char *vgic_work(const struct vgic_numbers *n)
{
    if (n->accesses[VGIC_FORWARD] == n->accesses[VGIC_REVERSE] &&
        n->stores[VGIC_FORWARD] == n->stores[VGIC_REVERSE])
        return g_strdup_printf("Both orders do the same work: %" G_GUINT64_FORMAT
                               " system-register accesses and %" G_GUINT64_FORMAT
                               " stores for an exit and an entry with %u list registers, in "
                               "at most %u cache lines of 64 bytes each way",
                               n->accesses[VGIC_FORWARD], n->stores[VGIC_FORWARD], n->lrs,
                               n->lines[VGIC_FORWARD]);
    return g_strdup_printf(
        "The orders differ in work: %" G_GUINT64_FORMAT " against %" G_GUINT64_FORMAT
        " system-register accesses, %" G_GUINT64_FORMAT " against %" G_GUINT64_FORMAT " stores",
        n->accesses[VGIC_FORWARD], n->accesses[VGIC_REVERSE], n->stores[VGIC_FORWARD],
        n->stores[VGIC_REVERSE]);
}

double vgic_prefetch(const struct vgic_numbers *n)
{
    double most = 0;

    for (unsigned k = 0; k + 2 < n->models; k += 3)
        for (unsigned other = 1; other < 3; other++)
            for (unsigned order = 0; order < VGIC_ORDERS; order++) {
                double change = n->cycles[k + other][order] / n->cycles[k][order] - 1;
                most = MAX(most, 100 * (change < 0 ? -change : change));
            }
    return most;
}

char *vgic_answer(const struct vgic_numbers *n)
{
    g_autofree char *work = vgic_work(n);
    double least, most, prefetch = vgic_prefetch(n);

    vgic_range(n, &least, &most);
    return g_strdup_printf(
        "%s; with cold caches the reverse order costs %+.1f to %+.1f %%, and a prefetcher changes "
        "either order by %.1f %% at the most (modelled, %u cores with and without): %s.",
        work, least, most, prefetch, n->models,
        prefetch >= SEEN ? "the prefetcher's direction is a reason for an order"
        : most < SEEN && least > -SEEN
            ? "it is slow in theory only"
            : "the prefetcher is no reason for an order, what there is of a difference is in which "
              "lines the slots share with what else is used");
}

/* ---- patching ---- */

unsigned patching_nest_wins(const struct patching_numbers *n)
{
    unsigned wins = 0;

    while (wins < HOOK_MOST && n->insns[HOOK_NEST][wins] <= n->insns[HOOK_CALL][wins])
        wins++;
    return wins;
}

static char *patching_locks(const struct patching_numbers *n)
{
    const unsigned most = LOCK_OVERCOMMITS - 1;
    double ticket = n->lock_us[LOCK_TICKET][most], pv = n->lock_us[LOCK_PV][most];
    double wfe = n->lock_us[LOCK_WFE][most];

    if (pv >= ticket)
        return g_strdup(
            "a ticket lock whose waiters sleep wins nothing at four virtual CPUs on one");
    return g_strdup_printf("at four virtual CPUs on one a ticket lock whose waiters sleep is %.0f "
                           "times as fast as one whose waiters spin, %s",
                           ticket / pv,
                           wfe <= pv
                               ? "and one that waits by WFE, without a hypercall, does as well"
                               : "and one that waits by WFE does not do as well");
}

char *patching_answer(const struct patching_numbers *n)
{
    unsigned wins = patching_nest_wins(n);
    const unsigned most = HOOK_MOST - 1;
    g_autofree char *locks = patching_locks(n);
    g_autofree char *verdict =
        wins == HOOK_MOST
            ? g_strdup("a nest does all that a multiway call would, up to eight implementations")
        : wins
            ? g_strdup_printf("a nest is as good up to %u, then the patched call is better", wins)
            : g_strdup("the patched call is better from the first on");

    return g_strdup_printf(
        "A patched call needs %.1f instructions for any number of implementations, a nest of "
        "static "
        "branches %.1f with one and %.1f with eight (%" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
        " bytes), a pointer %.1f, a flag %.1f to %.1f: %s; a site that can spare x0 alone pays "
        "%.1f, "
        "since registers are saved around the call; and %s.",
        n->insns[HOOK_CALL][most], n->insns[HOOK_NEST][0], n->insns[HOOK_NEST][most],
        n->bytes[HOOK_NEST][0], n->bytes[HOOK_NEST][most], n->insns[HOOK_POINTER][most],
        n->insns[HOOK_FLAG][0], n->insns[HOOK_FLAG][most], verdict, n->insns[HOOK_KEEPING][most],
        locks);
}

/* ---- tdp ---- */

static double tdp_gain(const struct tdp_numbers *n, unsigned mode)
{
    return 100 * (n->insns[mode][TDP_ONE][TDP_KEY] / n->insns[mode][TDP_SPLIT][TDP_KEY] - 1);
}

bool tdp_is_close(const struct tdp_numbers *n)
{
    double a = tdp_gain(n, TDP_EXCLUSIVE), b = tdp_gain(n, TDP_PARALLEL);

    return MAX(a, -a) < 5 && MAX(b, -b) < 5;
}

char *tdp_answer(const struct tdp_numbers *n)
{
    const struct tdp_mutants *split = &n->mutants[TDP_SPLIT], *one = &n->mutants[TDP_ONE];
    double share_split = 100.0 * split->one / MAX(split->all, 1);
    double share_one = 100.0 * one->one / MAX(one->all, 1);
    int bytes = (int)(n->bytes[TDP_SPLIT][TDP_KEY] - n->bytes[TDP_ONE][TDP_KEY]);

    return g_strdup_printf(
        "Given a key, one function needs %+.1f %% (exclusive) and %+.1f %% (parallel) of the split "
        "ones' instructions: %s; the split costs %+d bytes of text and %+d lines, and of its "
        "mutants "
        "%.0f %% are noticed in one mode only, of the one function's %.0f %%; %s; and at %u CPUs "
        "the "
        "parallel handler does %.0f times the faults of the exclusive one, whichever the layout.",
        tdp_gain(n, TDP_EXCLUSIVE), tdp_gain(n, TDP_PARALLEL),
        tdp_is_close(n) ? "speed is no reason to duplicate" : "speed is a reason to choose", bytes,
        (int)n->lines[TDP_SPLIT] - (int)n->lines[TDP_ONE], share_split, share_one,
        share_split > share_one ? "the copies are the harder to keep"
                                : "the copies are no harder to keep",
        n->rate_cpus, n->rate[TDP_PARALLEL] / MAX(n->rate[TDP_EXCLUSIVE], 1));
}
