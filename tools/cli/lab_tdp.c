/* Thread 5: two handlers of stage-2 faults, as two functions or as one. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lab.h"
#include "lab_answers.h"
#include "lab_tdp.h"

#define FAULTS 64.0

static const char *const modes[] = {"exclusive", "parallel"};
static const char *const layouts[] = {"split", "one"};
static const char *const choices[] = {"key", "flag", "pointer"};

/* As hyp/trials/faultpath.c has its keys. */
static unsigned key_of(unsigned layout, unsigned choice)
{
    return 8 + 4 * layout + choice;
}

enum { KEY_ZAP = 32, ZAPS = 3 };

/* Functions that a layout and choice are made of, NULL-ended. */
static const char *const functions[TDP_LAYOUTS][TDP_CHOICES][6] = {
    {{"fault_split_key", "fault_exclusive", "fault_parallel"},
     {"fault_split_flag", "fault_exclusive", "fault_parallel"},
     {"fault_split_pointer", "fault_exclusive", "fault_parallel"}},
    {{"fault_one_key"},
     {"fault_one_flag"},
     {"fault_one_pointer", "begin_exclusive", "end_exclusive", "begin_parallel", "end_parallel"}}};

const char *const *tdp_functions(unsigned layout)
{
    return functions[layout][TDP_KEY];
}

static uint64_t bytes_of(const struct lab *lab, struct lab_report *r, unsigned layout,
                         unsigned choice)
{
    uint64_t sum = 0;

    for (const char *const *f = functions[layout][choice]; *f; f++)
        sum += lab_code_bytes(lab, TDP_ELF, *f, r);
    return sum;
}

static bool run_mode(const struct lab *lab, struct lab_report *r, unsigned mode,
                     struct lab_outcome *out)
{
    g_autofree char *append = g_strdup_printf("hyp.s2_fault=%s", modes[mode]);
    const struct lab_spec spec = {.image = TDP_IMAGE,
                                  .append = append,
                                  .cores = (const struct arm_core *const *)lab->cores,
                                  .core_count = lab->core_count};

    return lab_run(lab, &spec, out, r);
}

static void exact_rows(const struct lab *lab, struct lab_report *r,
                       struct lab_outcome *const out[TDP_MODES], struct tdp_numbers *n)
{
    lab_table(r, "A fault, of a page whose table is there, and what the handler's code is",
              "layout|choice|exclusive: instructions|branches|taken|parallel: "
              "instructions|branches|taken|text bytes");
    for (unsigned layout = 0; layout < TDP_LAYOUTS; layout++)
        for (unsigned choice = 0; choice < TDP_CHOICES; choice++) {
            const struct lab_counts *c[TDP_MODES];
            for (unsigned mode = 0; mode < TDP_MODES; mode++) {
                c[mode] = &out[mode]->counts[key_of(layout, choice)];
                n->insns[mode][layout][choice] = (double)c[mode]->insns / FAULTS;
            }
            n->bytes[layout][choice] = bytes_of(lab, r, layout, choice);
            lab_row(r, "%s|%s|%.1f|%.1f|%.1f|%.1f|%.1f|%.1f|%" PRIu64, layouts[layout],
                    choices[choice], (double)c[0]->insns / FAULTS, (double)c[0]->branches / FAULTS,
                    (double)c[0]->taken / FAULTS, (double)c[1]->insns / FAULTS,
                    (double)c[1]->branches / FAULTS, (double)c[1]->taken / FAULTS,
                    n->bytes[layout][choice]);
        }
    lab_plot(r, "A parallel fault", "instructions");
    for (unsigned layout = 0; layout < TDP_LAYOUTS; layout++)
        for (unsigned choice = 0; choice < TDP_CHOICES; choice++)
            lab_bar(r, n->insns[TDP_PARALLEL][layout][choice], "%s, %s", layouts[layout],
                    choices[choice]);
}

static double cycles_of(const struct lab_outcome *out, unsigned core, unsigned layout,
                        unsigned choice)
{
    return (double)lab_modelled(out, core, key_of(layout, choice))->cycles / FAULTS;
}

static void modelled_rows(const struct lab *lab, struct lab_report *r,
                          struct lab_outcome *const out[TDP_MODES])
{
    lab_table(r, "Cycles of a fault on modelled cores", "core|layout|choice|~exclusive|~parallel");
    for (unsigned core = 0; core < lab->core_count; core++)
        for (unsigned layout = 0; layout < TDP_LAYOUTS; layout++)
            for (unsigned choice = 0; choice < TDP_CHOICES; choice++)
                lab_row(r, "%s|%s|%s|%.0f|%.0f", lab_core_name(lab, core), layouts[layout],
                        choices[choice], cycles_of(out[0], core, layout, choice),
                        cycles_of(out[1], core, layout, choice));
}

static void zap_rows(struct lab_report *r, struct lab_outcome *const out[TDP_MODES])
{
    static const unsigned pages[ZAPS] = {1, 16, 512};

    lab_table(r, "A range of one table is taken away (512 pages: the table too)",
              "pages|mode|instructions|TLBI|DSB|ISB");
    for (unsigned k = 0; k < ZAPS; k++)
        for (unsigned mode = 0; mode < TDP_MODES; mode++) {
            const struct lab_counts *c = &out[mode]->counts[KEY_ZAP + k];
            lab_row(r, "%u|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64, pages[k], modes[mode],
                    c->insns, c->tlbi, c->dsb, c->isb);
        }
}

static bool paths(const struct lab *lab, struct lab_report *r, struct tdp_numbers *n)
{
    struct lab_outcome *out[TDP_MODES] = {lab_outcome_new(), lab_outcome_new()};
    bool ok = run_mode(lab, r, TDP_EXCLUSIVE, out[0]) && run_mode(lab, r, TDP_PARALLEL, out[1]);

    if (ok) {
        exact_rows(lab, r, out, n);
        modelled_rows(lab, r, out);
        zap_rows(r, out);
    }
    lab_outcome_free(out[0]);
    lab_outcome_free(out[1]);
    return ok;
}

/* ---- faults a second ---- */

static bool rate(const struct lab *lab, struct lab_report *r, unsigned mode, unsigned cpus,
                 double *per_ms)
{
    g_autofree char *append =
        g_strdup_printf("hyp.vcpus=%u hyp.memory=64M hyp.s2_fault=%s", cpus, modes[mode]);
    g_autofree char *guest = g_strdup_printf("guests/faults.img,rate=%u", lab->quick ? 60u : 250u);
    const struct lab_spec spec = {.image = "hyp.img",
                                  .guest = guest,
                                  .append = append,
                                  .cpus = cpus,
                                  .memory = 256,
                                  .unmarked = true};
    struct lab_outcome *out = lab_outcome_new();
    bool ok = lab_run(lab, &spec, out, r);

    if (ok)
        *per_ms = (double)lab_console_number(out, "per_ms", 0);
    lab_outcome_free(out);
    return ok;
}

static bool rates(const struct lab *lab, struct lab_report *r, struct tdp_numbers *n)
{
    static const unsigned cpus[TDP_CPUS] = {1, 2, 4, 8};

    lab_table(r,
              "Faults a second of the machine's time, which is the sum of what all CPUs execute; a "
              "virtual CPU on each",
              "CPUs|exclusive|parallel");
    for (unsigned k = 0; k < TDP_CPUS; k++) {
        double per_ms[TDP_MODES] = {0};
        if (lab->quick && k % 2)
            continue;
        for (unsigned mode = 0; mode < TDP_MODES; mode++)
            if (!rate(lab, r, mode, cpus[k], &per_ms[mode]))
                return false;
        lab_row(r, "%u|%.0f|%.0f", cpus[k], 1000 * per_ms[0], 1000 * per_ms[1]);
        n->rate_cpus = cpus[k];
        n->rate[0] = 1000 * per_ms[0];
        n->rate[1] = 1000 * per_ms[1];
    }
    return true;
}

/* ---- what it costs to keep ---- */

static bool keep(const struct lab *lab, struct lab_report *r, struct tdp_numbers *n)
{
    lab_table(
        r,
        "What each layout costs to keep (with a key): its lines of source, and mutants, each an "
        "instruction of it made a NOP: who notices, a test of the one mode or of both",
        "layout|lines|text bytes|mutants|noticed in both modes|in one only|in none");
    for (unsigned layout = 0; layout < TDP_LAYOUTS; layout++) {
        struct tdp_mutants *m = &n->mutants[layout];
        if (!tdp_lines(lab, layout, &n->lines[layout], r) || !tdp_mutants(lab, layout, m, r))
            return false;
        lab_row(r, "%s|%u|%" PRIu64 "|%u|%u|%u|%u", layouts[layout], n->lines[layout],
                n->bytes[layout][TDP_KEY], m->all, m->both, m->one, m->all - m->both - m->one);
    }
    return true;
}

/* ---- */

static double split_of_one(const struct lab_outcome *out, unsigned core, const void *ctx)
{
    (void)ctx;
    return cycles_of(out, core, TDP_SPLIT, TDP_KEY) / cycles_of(out, core, TDP_ONE, TDP_KEY);
}

static bool is_close(double ratio)
{
    return fabs(ratio - 1) < 0.05;
}

static bool is_not_close(double ratio)
{
    return !is_close(ratio);
}

bool lab_tdp(const struct lab *lab, struct lab_report *r)
{
    static const struct lab_spec spec = {.image = TDP_IMAGE,
                                         .append = "hyp.s2_fault=parallel hyp.passes=2"};
    struct tdp_numbers n = {0};

    if (!paths(lab, r, &n) || !rates(lab, r, &n) || !keep(lab, r, &n))
        return false;
    const struct lab_claim claim = {
        .what = "Cycles of a parallel fault by split functions, by one with a key 1",
        .result = split_of_one,
        .holds = tdp_is_close(&n) ? is_close : is_not_close};
    if (!lab_test_claim(lab, &spec, &claim, r))
        return false;
    lab_answer(r, tdp_answer(&n));
    lab_change(
        r, "Handlers that share less than these two, which differ in the lock and in where tables "
           "come from; a mode that can change while there are guests; tests that run both modes "
           "always, which make a mutant of one copy as visible as one of both.");
    return true;
}
