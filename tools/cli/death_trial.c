/* What another value of a register of translation would do. */
#include <inttypes.h>

#include "death_abort.h"

/* A field of a register of translation, and the values that are tried for it. */
static const struct trial {
    unsigned stage;
    const char *stem; /* of stage 2: the whole name */
    const char *field;
    unsigned low, width, first, end; /* the least, and the one behind the last */
} trials[] = {
    {1, "TCR", "T0SZ", 0, 6, 16, 48},      {1, "TCR", "TG0", 14, 2, 0, 3},
    {1, "TCR", "T1SZ", 16, 6, 16, 48},     {1, "TCR", "TG1", 30, 2, 1, 4},
    {2, "VTCR_EL2", "T0SZ", 0, 6, 16, 48}, {2, "VTCR_EL2", "SL0", 6, 2, 0, 4},
    {2, "VTCR_EL2", "TG0", 14, 2, 0, 3},
};

/* On a machine that has ended: the register is as it was again. */
static bool would_work(const struct abort *a, const struct trial *t, const char *name, uint64_t old,
                       uint64_t value)
{
    uint64_t mask = ((UINT64_C(1) << t->width) - 1) << t->low;
    struct arm_translation out = {0};
    bool works = arm_reg_write(a->c->m, a->f->cpu, name, (old & ~mask) | value << t->low) &&
                 arm_translate(a->c->m, a->f->cpu, a->f->from, a->address, a->access, &out);
    uint64_t pa = out.pa;
    uint32_t word;

    arm_reg_write(a->c->m, a->f->cpu, name, old);
    return works && arm_mem_read(a->c->m, pa & ~UINT64_C(3), &word, 4);
}

bool death_add_trial(const struct abort *a, GString *out)
{
    for (size_t k = 0; a->c->ended && k < G_N_ELEMENTS(trials); k++) {
        const struct trial *t = &trials[k];
        char name[32];
        if (t->stage != (a->stage2 ? 2U : 1U))
            continue;
        g_snprintf(name, sizeof(name), t->stage == 2 ? "%s" : "%s_EL%u", t->stem,
                   death_regime_el(a));
        uint64_t old = death_reg(a->c, a->f->cpu, name),
                 is = old >> t->low & ((1U << t->width) - 1);
        for (uint64_t value = t->first; value < t->end; value++)
            if (value != is && would_work(a, t, name, old, value)) {
                g_string_append_printf(out,
                                       "with %s.%s %" PRIu64 " in place of %" PRIu64
                                       " the same tables lead to memory: is it wrong?",
                                       name, t->field, value, is);
                return true;
            }
    }
    return false;
}
