/* Random system instructions. */
#include "tests/lockstep/gen.h"

/* System instructions: what each template's Rt or operand bits may be. */
static const struct {
    uint32_t value, random; /* random bits */
    enum feature feature;
    enum { PLAIN, FLAGS, FPCR, ADDRESS, ZERO_BLOCK } operand;
} sys_templates[] = {
    {0xd53b4200, 31, FEAT_BASE, PLAIN},      /* mrs nzcv */
    {0xd51b4200, 31, FEAT_BASE, PLAIN},      /* msr nzcv */
    {0xd53b4400, 31, FEAT_BASE, PLAIN},      /* mrs fpcr */
    {0xd51b4400, 31, FEAT_BASE, FPCR},       /* msr fpcr */
    {0xd53b4420, 31, FEAT_BASE, PLAIN},      /* mrs fpsr */
    {0xd51b4420, 31, FEAT_BASE, FLAGS},      /* msr fpsr */
    {0xd53bd040, 31, FEAT_BASE, PLAIN},      /* mrs tpidr_el0 */
    {0xd51bd040, 31, FEAT_BASE, PLAIN},      /* msr tpidr_el0 */
    {0xd53bd060, 31, FEAT_BASE, PLAIN},      /* mrs tpidrro_el0 */
    {0xd51bd060, 31, FEAT_BASE, PLAIN},      /* msr tpidrro_el0 */
    {0xd5384240, 31, FEAT_BASE, PLAIN},      /* mrs currentel */
    {0xd53b4220, 31, FEAT_BASE, PLAIN},      /* mrs daif */
    {0xd5384200, 31, FEAT_BASE, PLAIN},      /* mrs spsel */
    {0xd53b42a0, 31, FEAT_DIT, PLAIN},       /* mrs dit */
    {0xd503415f, 0x100, FEAT_DIT, PLAIN},    /* msr dit, #n */
    {0xd500401f, 0, FEAT_FlagM, PLAIN},      /* cfinv */
    {0xd500403f, 0, FEAT_FlagM2, PLAIN},     /* xaflag */
    {0xd500405f, 0, FEAT_FlagM2, PLAIN},     /* axflag */
    {0xd503305f, 0xf00, FEAT_BASE, PLAIN},   /* clrex */
    {0xd503309f, 0xf00, FEAT_BASE, PLAIN},   /* dsb */
    {0xd50330bf, 0xf00, FEAT_BASE, PLAIN},   /* dmb */
    {0xd50330df, 0xf00, FEAT_BASE, PLAIN},   /* isb */
    {0xd50330ff, 0, FEAT_SB, PLAIN},         /* sb */
    {0xd503201f, 0, FEAT_BASE, PLAIN},       /* nop */
    {0xd503203f, 0, FEAT_BASE, PLAIN},       /* yield */
    {0xd503209f, 0x20, FEAT_BASE, PLAIN},    /* sev, sevl */
    {0xd503229f, 0, FEAT_BASE, PLAIN},       /* csdb */
    {0xd503241f, 0xc0, FEAT_BASE, PLAIN},    /* bti */
    {0xd503281f, 0x7e0, FEAT_BASE, PLAIN},   /* hints nobody has */
    {0xd50b7a20, 31, FEAT_BASE, ADDRESS},    /* dc cvac */
    {0xd50b7b20, 31, FEAT_BASE, ADDRESS},    /* dc cvau */
    {0xd50b7e20, 31, FEAT_BASE, ADDRESS},    /* dc civac */
    {0xd5087620, 31, FEAT_BASE, ADDRESS},    /* dc ivac */
    {0xd50b7c20, 31, FEAT_DPB, ADDRESS},     /* dc cvap */
    {0xd50b7520, 31, FEAT_BASE, ADDRESS},    /* ic ivau */
    {0xd50b7420, 31, FEAT_BASE, ZERO_BLOCK}, /* dc zva */
};

void emit_sys(struct gen *g, const struct program_class *c)
{
    const unsigned n = (unsigned)any(g, ARRAY_SIZE(sys_templates));
    const uint32_t w =
        sys_templates[n].value | ((uint32_t)random_next(&g->rng) & sys_templates[n].random);
    const unsigned rt = bits(w, 4, 0);

    (void)c;
    if (chance(g, 30))
        emit_dp_without(g, 32);
    if (!has_feature(&g->features, sys_templates[n].feature) &&
        sys_templates[n].feature != FEAT_BASE && !chance(g, 10))
        return;
    switch (sys_templates[n].operand) {
    case PLAIN:
        break;
    case FLAGS:
        move32(g, rt, random_next(&g->rng) & 0x0800009f);
        break;
    case FPCR: /* The trap enables, Len and Stride are not ours to compare. */
        move32(g, rt, random_next(&g->rng) & FPCR_MODES);
        break;
    case ZERO_BLOCK: /* A fault on Device memory; QEMU 7.2 does not check. */
        if (!g->mmu)
            return;
        if (rt == 31)
            return;
        move32(g, rt, target(g, 50));
        break;
    case ADDRESS:
        if (rt == 31)
            return;
        move32(g, rt, target(g, 50));
        break;
    }
    word(g, w);
}
