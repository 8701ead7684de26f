/* Thread 1: accessors of registers that may be in the CPU or in memory, and what moves
 * at an exit. */
#include <inttypes.h>

#include "arch/esr.h"
#include "lab.h"
#include "lab_answers.h"

#define IMAGE_FILE "trial-accessors.img"
#define ELF_FILE   "trial-accessors.elf"
#define ACCESSES   512.0

enum { IN_CPU, IN_MEMORY, BY_TURNS, PLACES };

static const char *const form_names[] = {"table", "switch", "inline"};
static const char *const kind_names[] = {"one", "four", "any"};
static const char *const kind_texts[] = {"one, constant", "four together, constant",
                                         "one, not constant"};
static const char *const place_texts[] = {"in the CPU", "in memory", "by turns"};

/* As hyp/trials/accessors.c has its keys. */
static unsigned key_of(unsigned form, unsigned kind, unsigned place)
{
    return (1 + form) * 16 + kind * 4 + place;
}

static void row_of(struct lab_report *r, const struct lab_outcome *out, unsigned form,
                   unsigned kind, unsigned place, struct deferred_numbers *n)
{
    struct lab_counts c = lab_less(&out->counts[key_of(form, kind, place)], &out->counts[place]);
    double per = ACCESSES * (kind == DEFERRED_FOUR ? 4 : 1);

    n->insns[form][kind] += (double)c.insns / per / PLACES;
    n->indirect[form][kind] += (double)c.indirect / per / PLACES;
    lab_row(r, "%s, %s|%s|%.2f|%.2f|%.2f|%.2f|%.2f|%.2f", kind_texts[kind], place_texts[place],
            form_names[form], (double)c.insns / per, (double)c.branches / per,
            (double)c.taken / per, (double)c.indirect / per, (double)c.loads / per,
            (double)c.reads / per);
}

/* Cycles of an access, the loop taken off. */
static double cycles_of(const struct lab_outcome *out, unsigned core, unsigned form, unsigned kind,
                        unsigned place)
{
    const struct arm_model_counts *with = lab_modelled(out, core, key_of(form, kind, place));
    const struct arm_model_counts *without = lab_modelled(out, core, place);

    return ((double)with->cycles - (double)without->cycles) / ACCESSES /
           (kind == DEFERRED_FOUR ? 4 : 1);
}

static double misses_of(const struct lab_outcome *out, unsigned core, unsigned form, unsigned kind,
                        unsigned place)
{
    const struct arm_model_counts *with = lab_modelled(out, core, key_of(form, kind, place));

    return 1000 * (double)with->mispredicts / ACCESSES / (kind == DEFERRED_FOUR ? 4 : 1);
}

static void modelled(const struct lab *lab, struct lab_report *r, const struct lab_outcome *out)
{
    lab_table(r, "The same on modelled cores: cycles of an access, mispredictions in 1,000",
              "site, register|form|core|~cycles|~mispredictions");
    for (unsigned kind = 0; kind < DEFERRED_KINDS; kind++)
        for (unsigned place = 0; place < PLACES; place += 2)
            for (unsigned form = 0; form < DEFERRED_FORMS; form++)
                for (unsigned core = 0; core < lab->core_count; core++)
                    lab_row(r, "%s, %s|%s|%s|%.1f|%.0f", kind_texts[kind], place_texts[place],
                            form_names[form], lab_core_name(lab, core),
                            cycles_of(out, core, form, kind, place),
                            misses_of(out, core, form, kind, place));
}

/* The header's cycles at a constant site, of the table's. */
static double inline_of_table(const struct lab_outcome *out, unsigned core, const void *ctx)
{
    (void)ctx;
    return cycles_of(out, core, DEFERRED_INLINE, DEFERRED_ONE, BY_TURNS) /
           cycles_of(out, core, DEFERRED_TABLE, DEFERRED_ONE, BY_TURNS);
}

static bool is_less(double ratio)
{
    return ratio < 1;
}

static bool accessors(const struct lab *lab, struct lab_report *r, struct deferred_numbers *n)
{
    const struct lab_spec spec = {.image = IMAGE_FILE,
                                  .cores = (const struct arm_core *const *)lab->cores,
                                  .core_count = lab->core_count};
    struct lab_outcome *out = lab_outcome_new();
    bool ok = lab_run(lab, &spec, out, r);

    if (ok) {
        lab_table(r, "An access, call of the site included, the loop around it not",
                  "site, register|form|instructions|branches|taken|indirect|loads|MRS");
        for (unsigned kind = 0; kind < DEFERRED_KINDS; kind++)
            for (unsigned place = 0; place < PLACES; place++)
                for (unsigned form = 0; form < DEFERRED_FORMS; form++)
                    row_of(r, out, form, kind, place, n);
    }
    if (ok)
        modelled(lab, r, out);
    lab_outcome_free(out);
    return ok;
}

/* What there is once: the functions that the table points at are those of all registers, and the
 * table itself is data. */
static void code(const struct lab *lab, struct lab_report *r, struct deferred_numbers *n)
{
    n->shared_bytes[DEFERRED_TABLE] = lab_code_bytes(lab, ELF_FILE, "context_read_table", r) +
                                      lab_code_bytes_of_all(lab, ELF_FILE, "read_", r);
    n->shared_bytes[DEFERRED_SWITCH] = lab_code_bytes(lab, ELF_FILE, "context_read_switch", r);
    n->shared_bytes[DEFERRED_INLINE] = 0;
    lab_table(r, "Code of reads, bytes",
              "form|site of one|site of four|site not constant|once, for all sites");
    for (unsigned form = 0; form < DEFERRED_FORMS; form++) {
        for (unsigned kind = 0; kind < DEFERRED_KINDS; kind++) {
            g_autofree char *site = g_strdup_printf("%s_%s", kind_names[kind], form_names[form]);
            n->site_bytes[form][kind] = lab_code_bytes(lab, ELF_FILE, site, r);
        }
        lab_row(r, "%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64, form_names[form],
                n->site_bytes[form][DEFERRED_ONE], n->site_bytes[form][DEFERRED_FOUR],
                n->site_bytes[form][DEFERRED_ANY], n->shared_bytes[form]);
    }
}

/* ---- registers moved ---- */

static const char *const policies[] = {"eager", "hybrid", "deferred"};

static bool move(const struct lab *lab, struct lab_report *r, unsigned policy, unsigned host,
                 struct lab_counts *c)
{
    g_autofree char *append = g_strdup_printf(
        "hyp.sysregs=%s hyp.vcpus=2 hyp.memory=16M hyp.slice=1000", policies[policy]);
    g_autofree char *guest = g_strdup_printf("guests/exits.img,rounds=%u host=%u fp=0 irq=0",
                                             lab->quick ? 60u : 400u, host);
    const struct lab_spec spec = {
        .image = "hyp.img", .guest = guest, .append = append, .el2_only = true};
    struct lab_outcome *out = lab_outcome_new();
    bool ok = lab_run(lab, &spec, out, r);

    *c = out->counts[0];
    lab_outcome_free(out);
    return ok;
}

static bool registers(const struct lab *lab, struct lab_report *r, struct deferred_numbers *n)
{
    static const unsigned all[DEFERRED_SHARES] = {0, 1, 2, 5, 10, 25, 50, 100};
    static const unsigned few[] = {0, 10, 100};
    const unsigned *host = lab->quick ? few : all;
    struct lab_counts c[DEFERRED_POLICIES];

    n->shares = lab->quick ? G_N_ELEMENTS(few) : G_N_ELEMENTS(all);
    lab_table(
        r, "Registers of EL1 and EL0 that EL2 moves, an exit; and all that it executes",
        "exits that load another, %|eager|hybrid|deferred|instructions: eager|hybrid|deferred");
    for (unsigned k = 0; k < n->shares; k++) {
        n->share[k] = host[k];
        for (unsigned p = 0; p < DEFERRED_POLICIES; p++) {
            if (!move(lab, r, p, host[k], &c[p]))
                return false;
            n->moved[p][k] = (double)c[p].moved / (double)MAX(c[p].exits, 1);
        }
        lab_row(r, "%u|%.1f|%.1f|%.1f|%.0f|%.0f|%.0f", host[k], n->moved[0][k], n->moved[1][k],
                n->moved[2][k], (double)c[0].insns / (double)MAX(c[0].exits, 1),
                (double)c[1].insns / (double)MAX(c[1].exits, 1),
                (double)c[2].insns / (double)MAX(c[2].exits, 1));
    }
    lab_plot(r, "Registers moved", "an exit");
    for (unsigned k = 0; k < n->shares; k++)
        for (unsigned p = 0; p < DEFERRED_POLICIES; p += 2)
            lab_bar(r, n->moved[p][k], "%s, %.0f %%", policies[p], n->share[k]);
    return true;
}

/* ---- a hypercall ---- */

static const struct {
    const char *name, *append;
} switches[] = {
    {"everything, at each exit",
     "hyp.memory=16M hyp.sysregs=eager hyp.vgic=eager hyp.lrs=all hyp.fp=eager"},
    {"system registers, at each exit", "hyp.memory=16M hyp.sysregs=eager"},
    {"EL0's of them", "hyp.memory=16M hyp.sysregs=hybrid"},
    {"none of them", "hyp.memory=16M hyp.sysregs=deferred"},
};

static void hypercall_row(const struct lab *lab, struct lab_report *r,
                          const struct lab_outcome *out, const char *name)
{
    const unsigned key = LAB_PASSAGE(ESR_EC_HVC64);
    const struct lab_counts *c = &out->counts[key];
    double n = (double)MAX(c->stretches, 1);
    GString *row = g_string_new(name);

    g_string_append_printf(row, "|%.0f|%.0f|%.0f|%.0f", (double)c->insns / n,
                           (double)(c->reads + c->writes) / n, (double)c->loads / n,
                           (double)c->stores / n);
    for (unsigned core = 0; core < lab->core_count; core++)
        g_string_append_printf(row, "|%.0f", (double)lab_modelled(out, core, key)->cycles / n);
    lab_row(r, "%s", row->str);
    g_string_free(row, TRUE);
}

static bool hypercalls(const struct lab *lab, struct lab_report *r)
{
    GString *columns = g_string_new("moves|instructions|MRS and MSR|loads|stores");
    bool ok = true;

    for (unsigned core = 0; core < lab->core_count; core++)
        g_string_append_printf(columns, "|~cycles, %s", lab_core_name(lab, core));
    lab_table(r, "A null hypercall, from the exit to the next entry", columns->str);
    g_string_free(columns, TRUE);
    for (size_t k = 0; k < G_N_ELEMENTS(switches) && ok; k++) {
        const struct lab_spec spec = {.image = "hyp.img",
                                      .guest = "guests/null.img,rounds=100",
                                      .append = switches[k].append,
                                      .passages = true,
                                      .cores = (const struct arm_core *const *)lab->cores,
                                      .core_count = lab->core_count};
        struct lab_outcome *out = lab_outcome_new();
        ok = lab_run(lab, &spec, out, r);
        if (ok)
            hypercall_row(lab, r, out, switches[k].name);
        lab_outcome_free(out);
    }
    return ok;
}

bool lab_deferred(const struct lab *lab, struct lab_report *r)
{
    static const struct lab_spec spec = {.image = IMAGE_FILE};
    static const struct lab_claim claim = {
        .what = "Cycles of a header's access at a constant site, of the table's 1",
        .result = inline_of_table,
        .holds = is_less};
    struct deferred_numbers n = {0};

    if (!accessors(lab, r, &n))
        return false;
    code(lab, r, &n);
    if (!registers(lab, r, &n) || !hypercalls(lab, r) || !lab_test_claim(lab, &spec, &claim, r))
        return false;
    lab_answer(r, deferred_answer(&n));
    lab_change(r,
               "A core with more registers to switch (pointer keys, SME) raises what eager costs; "
               "a host that is entered at most exits takes away what deferring wins; a compiler "
               "that does not fold __builtin_constant_p() makes of each site of a header a site "
               "that is not constant.");
    return true;
}
