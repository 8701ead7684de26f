/* Thread 2: when V registers move, how often for nothing, and what an interrupt makes of it. */
#include <inttypes.h>
#include <string.h>

#include "lab.h"
#include "lab_answers.h"
#include "lab_fpsimd.h"

static const char *const policies[FP_SWEPT] = {"eager", "lazy", "integrated", "bound", "late"};

/* ---- what moves ---- */

/* V0 to V31, FPSR and FPCR as fp_store() leaves them in memory (hyp/fpsimd.h). */
struct image {
    uint64_t v[32][2], fpsr, fpcr;
};

struct moves {
    struct {
        uint64_t begin, end;
    } store, fetch; /* addresses of fp_store() and fp_fetch() */
    struct image before;
    uint64_t slot;
    struct fpsimd_moves count;
};

static bool read_slot(struct arm_machine *m, const struct arm_event *e, uint64_t slot,
                      struct image *out)
{
    return arm_virt_read(m, e->cpu, 2, slot, out, sizeof(*out));
}

static void read_registers(struct arm_machine *m, const struct arm_event *e, struct image *out)
{
    static const char *const names[] = {"FPSR", "FPCR"};
    uint64_t *const to[] = {&out->fpsr, &out->fpcr};

    for (unsigned n = 0; n < 32; n++)
        arm_reg_get(m, e->cpu, ARM_V(n), out->v[n]);
    for (unsigned k = 0; k < G_N_ELEMENTS(names); k++)
        arm_reg_read(m, e->cpu, names[k], to[k]);
}

/* What is at the other end is compared as the function is entered: a store of what memory has, a
 * fetch of what registers have. */
static void at_insn(void *ctx, struct arm_machine *m, unsigned key, const struct arm_event *e)
{
    struct moves *s = ctx;
    struct image memory = {0}, registers;
    uint64_t x0[2];

    (void)key;
    if (e->kind == ARM_EVENT_WORLD && !e->world.enter)
        s->count.exits++;
    if (e->kind != ARM_EVENT_INSN || e->el != 2 ||
        (e->pc != s->store.begin && e->pc != s->fetch.begin))
        return;
    arm_reg_get(m, e->cpu, ARM_X(0), x0);
    read_slot(m, e, x0[0], &memory);
    read_registers(m, e, &registers);
    bool same = !memcmp(&memory, &registers, sizeof(memory));
    if (e->pc == s->store.begin) {
        s->count.saves++;
        s->count.again += same;
    } else {
        s->count.restores++;
        s->count.same += same;
    }
}

static bool measure(const struct lab *lab, struct lab_report *r, unsigned policy, unsigned fp,
                    unsigned neon, struct fpsimd_moves *out)
{
    g_autofree char *append =
        g_strdup_printf("hyp.fp=%s hyp.neon=1 hyp.memory=16M", policies[policy]);
    g_autofree char *guest = g_strdup_printf("guests/exits.img,rounds=%u fp=%u irq=%u",
                                             lab->quick ? 60u : 300u, fp, neon);
    struct moves moves = {.store.begin = lab_address(lab, "hyp.elf", "fp_store", r),
                          .fetch.begin = lab_address(lab, "hyp.elf", "fp_fetch", r)};
    const struct lab_spec spec = {
        .image = "hyp.img", .guest = guest, .append = append, .event = at_insn, .ctx = &moves};
    struct lab_outcome *o = lab_outcome_new();
    bool ok = lab_run(lab, &spec, o, r);

    lab_outcome_free(o);
    *out = moves.count;
    return ok;
}

static double per_1000(double count, const struct fpsimd_moves *m)
{
    return 1000 * count / MAX(m->exits, 1);
}

static bool table(const struct lab *lab, struct lab_report *r, struct fpsimd_numbers *n)
{
    static const unsigned all_fp[] = {0, 1, 10, 50, 100}, few_fp[] = {0, 100};
    static const unsigned all_neon[] = {0, 10, 50}, few_neon[] = {0, 50};
    const unsigned *fp = lab->quick ? few_fp : all_fp, *neon = lab->quick ? few_neon : all_neon;
    unsigned fps = lab->quick ? G_N_ELEMENTS(few_fp) : G_N_ELEMENTS(all_fp);
    unsigned neons = lab->quick ? G_N_ELEMENTS(few_neon) : G_N_ELEMENTS(all_neon);

    lab_table(
        r,
        "States (V0 to V31, FPSR, FPCR) moved in 1,000 exits: saves, of them redundant (memory "
        "had the value already), restores, of them redundant (the registers had it)",
        "guest uses FP, %|interrupts with NEON, %|policy|saves|redundant|restores|redundant");
    for (unsigned f = 0; f < fps; f++)
        for (unsigned i = 0; i < neons; i++, n->points++)
            for (unsigned p = 0; p < FP_POLICIES; p++) {
                struct fpsimd_moves *m = &n->moves[p][n->points];
                if (!measure(lab, r, p, fp[f], neon[i], m))
                    return false;
                lab_row(r, "%u|%u|%s|%.0f|%.0f|%.0f|%.0f", fp[f], neon[i], policies[p],
                        per_1000(m->saves, m), per_1000(m->again, m), per_1000(m->restores, m),
                        per_1000(m->same, m));
            }
    return true;
}

static void plot(struct lab_report *r, const struct fpsimd_numbers *n)
{
    lab_plot(r, "Redundant of all that moves, all rows together", "percent");
    for (unsigned p = 0; p < FP_POLICIES; p++)
        lab_bar(r, fpsimd_redundant(n, p), "%s", policies[p]);
}

/* ---- an interrupt at every instruction ---- */

static bool sweep(const struct lab *lab, struct lab_report *r, struct fpsimd_numbers *n)
{
    lab_table(r,
              "An interrupt, whose softirq fills all V registers, before each instruction of one "
              "passage from exit to entry, a run each: what the checker says of the guest's "
              "registers",
              "policy|instructions|state is lost at|first|last|first finding");
    for (unsigned p = 0; p < FP_SWEPT; p++) {
        const char *image = p == FP_LATE ? "hyp-late" : "hyp";
        const char *policy = p == FP_LATE ? "integrated" : policies[p];
        struct fpsimd_sweep *s = &n->sweep[p];
        if (!fpsimd_sweep(lab, image, policy, s, r))
            return false;
        lab_row(r, "%s|%u|%u|%s|%s|%s",
                p == FP_LATE ? "integrated, save with interrupts enabled" : policies[p], s->points,
                s->bad, s->bad ? s->first : "-", s->bad ? s->last : "-", s->bad ? s->finding : "-");
    }
    return true;
}

bool lab_fpsimd(const struct lab *lab, struct lab_report *r)
{
    struct fpsimd_numbers n = {0};

    if (!table(lab, r, &n))
        return false;
    plot(r, &n);
    if (!sweep(lab, r, &n))
        return false;
    lab_answer(r, fpsimd_answer(&n));
    lab_change(r,
               "A host whose own code uses V registers between all exits makes every restore "
               "necessary; one that has no softirq with NEON could save late; SVE makes each state "
               "up to sixteen times as large, and each redundant move with it.");
    return true;
}
