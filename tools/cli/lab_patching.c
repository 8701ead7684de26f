/* Thread 4: hooks in all forms with one to eight implementations, patching, and locks that wait. */
#include <inttypes.h>

#include "lab.h"
#include "lab_answers.h"

#define IMAGE_FILE "trial-hooks.img"
#define ELF_FILE   "trial-hooks.elf"
#define CALLS      64.0

static const char *const forms[HOOK_FORMS] = {"direct call",      "flag",
                                              "nest of branches", "pointer (pvops)",
                                              "static call",      "static call, x0 only"};

/* As hyp/trials/hooks.c has its keys. */
enum { KEY_LIVE = 900, KEY_STOPPED };

/* The forms whose cost does not depend on how many implementations there are have one number. */
static bool is_nest(unsigned form)
{
    return form == HOOK_FLAG || form == HOOK_NEST;
}

static unsigned key_of(unsigned form, unsigned n, unsigned k)
{
    return 128 * form + 8 * (is_nest(form) ? n - 1 : 0) + k;
}

/* Of a call: the mean over which of the @n is chosen. */
static double mean(const struct lab_outcome *out, unsigned form, unsigned n,
                   double (*of)(const struct lab_outcome *out, unsigned key, unsigned core),
                   unsigned core)
{
    double sum = 0;

    for (unsigned k = 0; k < n; k++)
        sum += of(out, key_of(form, n, k), core) / CALLS / n;
    return sum;
}

static double insns(const struct lab_outcome *out, unsigned key, unsigned core)
{
    (void)core;
    return (double)out->counts[key].insns;
}

static double taken(const struct lab_outcome *out, unsigned key, unsigned core)
{
    (void)core;
    return (double)out->counts[key].taken;
}

static double stores(const struct lab_outcome *out, unsigned key, unsigned core)
{
    (void)core;
    return (double)out->counts[key].stores;
}

static double cycles(const struct lab_outcome *out, unsigned key, unsigned core)
{
    return (double)lab_modelled(out, core, key)->cycles;
}

static double misses(const struct lab_outcome *out, unsigned key, unsigned core)
{
    return (double)lab_modelled(out, core, key)->mispredicts;
}

static uint64_t bytes_of(const struct lab *lab, struct lab_report *r, unsigned form, unsigned n)
{
    static const char *const symbols[HOOK_FORMS] = {
        "hooks_direct", NULL, NULL, "hooks_pointer", "hooks_call_site", "hooks_keeping_site"};
    g_autofree char *name = g_strdup_printf("hooks_%s_%u", form == HOOK_FLAG ? "flag" : "nest", n);

    return lab_code_bytes(lab, ELF_FILE, is_nest(form) ? name : symbols[form], r);
}

static void rows(const struct lab *lab, struct lab_report *r, const struct lab_outcome *out,
                 struct patching_numbers *p)
{
    lab_table(
        r,
        "A call of a hook, and of what it is called for (4 instructions and its return) and the "
        "loop around it; means over which implementation is chosen",
        "form|implementations|instructions|branches taken|stores|bytes of the site");
    for (unsigned form = 0; form < HOOK_FORMS; form++)
        for (unsigned n = 1; n <= HOOK_MOST; n++) {
            p->insns[form][n - 1] = mean(out, form, n, insns, 0);
            p->bytes[form][n - 1] = bytes_of(lab, r, form, n);
            p->stores[form] = mean(out, form, n, stores, 0);
            if (is_nest(form) || n == HOOK_MOST)
                lab_row(r, "%s|%s%u|%.1f|%.1f|%.1f|%" PRIu64, forms[form],
                        is_nest(form) ? "" : "1 to ", n, p->insns[form][n - 1],
                        mean(out, form, n, taken, 0), p->stores[form], p->bytes[form][n - 1]);
        }
    lab_plot(r, "A call, 8 implementations", "instructions");
    for (unsigned form = 0; form < HOOK_FORMS; form++)
        lab_bar(r, p->insns[form][HOOK_MOST - 1], "%s", forms[form]);
}

static void modelled(const struct lab *lab, struct lab_report *r, const struct lab_outcome *out)
{
    static const unsigned counts[] = {1, 4, 8};

    lab_table(r, "The same on modelled cores",
              "form|implementations|core|~cycles of a call|~mispredictions in 1,000");
    for (unsigned form = 0; form < HOOK_FORMS; form++)
        for (size_t n = is_nest(form) ? 0 : 2; n < G_N_ELEMENTS(counts); n++)
            for (unsigned core = 0; core < lab->core_count; core++)
                lab_row(r, "%s|%s%u|%s|%.1f|%.0f", forms[form], is_nest(form) ? "" : "1 to ",
                        counts[n], lab_core_name(lab, core),
                        mean(out, form, counts[n], cycles, core),
                        1000 * mean(out, form, counts[n], misses, core));
}

static bool hooks(const struct lab *lab, struct lab_report *r, struct patching_numbers *p)
{
    const struct lab_spec spec = {.image = IMAGE_FILE,
                                  .cores = (const struct arm_core *const *)lab->cores,
                                  .core_count = lab->core_count};
    struct lab_outcome *out = lab_outcome_new();
    bool ok = lab_run(lab, &spec, out, r);

    if (ok) {
        rows(lab, r, out, p);
        modelled(lab, r, out);
    }
    lab_outcome_free(out);
    return ok;
}

/* ---- changes ---- */

static void change_row(struct lab_report *r, const struct lab_outcome *out, unsigned cpus,
                       const char *what, unsigned key, const char *time)
{
    const struct lab_counts *c = &out->counts[key];

    lab_row(r, "%u|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRId64, cpus, what,
            c->insns, c->writes, c->dsb, c->isb, lab_console_number(out, time, 0));
}

static bool changes(const struct lab *lab, struct lab_report *r)
{
    static const unsigned all[] = {1, 2, 4, 8}, few[] = {1, 4};
    const unsigned *cpus = lab->quick ? few : all;
    size_t count = lab->quick ? G_N_ELEMENTS(few) : G_N_ELEMENTS(all);

    lab_table(
        r,
        "A change, on the CPU that makes it, while the others run through the sites; the time "
        "is the machine's, whose CPUs take turns of 20,000 instructions",
        "CPUs|what changes|instructions|MSR|DSB|ISB|nanoseconds");
    for (size_t k = 0; k < count; k++) {
        const struct lab_spec spec = {.image = IMAGE_FILE, .cpus = cpus[k]};
        struct lab_outcome *out = lab_outcome_new();
        bool ok = lab_run(lab, &spec, out, r);
        if (ok) {
            change_row(r, out, cpus[k], "8 sites of a key, NOP and B", KEY_LIVE, "live_ns");
            change_row(r, out, cpus[k], "a call, for ORR: others stopped", KEY_STOPPED,
                       "stopped_ns");
        }
        lab_outcome_free(out);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- locks ---- */

static const char *const locks[LOCK_KINDS] = {"ticket", "pv", "queued", "wfe"};

static bool lock_row(const struct lab *lab, struct lab_report *r, unsigned vcpus, unsigned cpus,
                     unsigned kind, struct patching_numbers *p)
{
    unsigned rounds = lab->quick ? 150 : 400;
    g_autofree char *append = g_strdup_printf("hyp.vcpus=%u hyp.memory=64M hyp.slice=100", vcpus);
    g_autofree char *guest =
        g_strdup_printf("guests/locks.img,lock=%s rounds=%u", locks[kind], rounds);
    g_autofree char *us = g_strdup_printf("%s_us", locks[kind]);
    const struct lab_spec spec = {.image = "hyp.img",
                                  .guest = guest,
                                  .append = append,
                                  .cpus = cpus,
                                  .memory = 256,
                                  .unmarked = true};
    struct lab_outcome *out = lab_outcome_new();
    bool ok = lab_run(lab, &spec, out, r);

    if (ok) {
        double each = (double)lab_console_number(out, us, 0) / (rounds * vcpus);
        p->lock_us[kind][vcpus / cpus - 1] = each;
        lab_row(r, "%u on %u|%s|%.1f|%" PRId64 "|%" PRId64 "|%.2f|%.1f", vcpus, cpus, locks[kind],
                each, lab_console_number(out, "longest_us", kind),
                lab_console_number(out, "fair_percent", kind),
                (double)lab_console_number(out, "entries_per_100", kind) / 100,
                (double)lab_console_number(out, "spins", kind) / (rounds * vcpus));
    }
    lab_outcome_free(out);
    return ok;
}

static bool lock_rows(const struct lab *lab, struct lab_report *r, struct patching_numbers *p)
{
    static const unsigned shape[LOCK_OVERCOMMITS][2] = {{4, 4}, {4, 2}, {3, 1}, {4, 1}};

    lab_table(
        r,
        "Locks, more virtual CPUs than CPUs, slices of 100 us, in the machine's time; fair: the "
        "shortest of the virtual CPUs' longest waits, of the longest",
        "virtual CPUs|lock|us an acquisition|longest wait, us|fair, %|exits an "
        "acquisition|times round the wait");
    for (unsigned k = 0; k < LOCK_OVERCOMMITS; k++)
        for (unsigned kind = 0; kind < LOCK_KINDS; kind++)
            if (!(lab->quick && k % 3) && !lock_row(lab, r, shape[k][0], shape[k][1], kind, p))
                return false;
    lab_plot(r, "An acquisition, 4 virtual CPUs on 1", "us");
    for (unsigned kind = 0; kind < LOCK_KINDS; kind++)
        lab_bar(r, p->lock_us[kind][3], "%s", locks[kind]);
    return true;
}

/* ---- */

static double nest_of_call(const struct lab_outcome *out, unsigned core, const void *ctx)
{
    (void)ctx;
    return mean(out, HOOK_NEST, HOOK_MOST, cycles, core) /
           mean(out, HOOK_CALL, HOOK_MOST, cycles, core);
}

/* The claim is which of the two is the faster with eight implementations. */
static bool nest_is_slower(double ratio)
{
    return ratio > 1;
}

static bool nest_is_faster(double ratio)
{
    return ratio <= 1;
}

bool lab_patching(const struct lab *lab, struct lab_report *r)
{
    static const struct lab_spec spec = {.image = IMAGE_FILE};
    struct patching_numbers p = {0};

    if (!hooks(lab, r, &p) || !changes(lab, r) || !lock_rows(lab, r, &p))
        return false;
    const struct lab_claim claim = {
        .what = "Cycles of the nest with 8 implementations, of the static call's 1",
        .result = nest_of_call,
        .holds = p.insns[HOOK_NEST][HOOK_MOST - 1] > p.insns[HOOK_CALL][HOOK_MOST - 1]
                     ? nest_is_slower
                     : nest_is_faster};
    if (!lab_test_claim(lab, &spec, &claim, r))
        return false;
    lab_answer(r, patching_answer(&p));
    lab_change(
        r, "Sites that have no register to spare make a call save them, which costs more than any "
           "nest of eight; implementations too far away for a BL; a core that mispredicts the "
           "pointer's target; for locks, waiters that use WFE where it traps need no hypercall.");
    return true;
}
