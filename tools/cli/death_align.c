/* Accesses that have to be aligned to their size, and why: by SCTLR_ELx.A, by a stage's memory
 * attributes, or since the MMU is off. */
#include <inttypes.h>

#include "death_abort.h"

static bool is_dc_zva(const struct abort *a)
{
    uint32_t word;

    return death_insn(a->c, a->f->cpu, a->f->from, a->f->elr, &word) && (word & ~31U) == 0xd50b7420;
}

/* MemAttr of 0 to 3 is Device, whatever stage 1 says (without HCR_EL2.FWB). */
static bool stage2_makes_device(const struct abort *a)
{
    uint64_t hcr = death_reg(a->c, a->f->cpu, "HCR_EL2");

    return a->f->from < 2 && a->now.mapped && a->steps[2] && !(hcr >> 46 & 1) &&
           !(a->last[2].descriptor >> 4 & 3);
}

void death_explain_alignment(const struct abort *a, struct verdict *v)
{
    bool off = !(death_sctlr(a) & 1), checks = death_sctlr(a) >> 1 & 1;
    bool zeroes = is_dc_zva(a);

    if (zeroes)
        g_string_printf(v->cause,
                        "DC ZVA of %#" PRIx64 " at EL%u is not possible in Device memory, at %s",
                        a->address, a->f->from, a->at);
    else
        g_string_printf(v->cause, "%s %#" PRIx64 " at EL%u is not aligned to its size, at %s",
                        death_verb(a), a->address, a->f->from, a->at);
    if (checks && !zeroes)
        g_string_printf(v->evidence, "SCTLR_EL%u.A is 1: all accesses are checked",
                        death_regime_el(a));
    else if (off)
        g_string_printf(
            v->evidence,
            "the MMU is off (SCTLR_EL%u.M is 0): all memory is Device then, where accesses "
            "have to be aligned",
            death_regime_el(a));
    else if (stage2_makes_device(a))
        g_string_printf(v->evidence,
                        "stage 2 makes it Device memory: MemAttr (bits 5:2) of its descriptor at "
                        "PA %#" PRIx64 ", %#" PRIx64 ", is %u",
                        a->last[2].pa, a->last[2].descriptor,
                        (unsigned)a->last[2].descriptor >> 2 & 15);
    else if (a->now.mapped && a->now.attr < 0x10)
        g_string_printf(
            v->evidence,
            "it is mapped as Device memory (attributes %#04x), where accesses have to be "
            "aligned",
            a->now.attr);
    else
        g_string_assign(v->evidence,
                        "an exclusive, atomic or ordered access has to be aligned always");
    g_string_assign(v->next,
                    zeroes   ? "memset() uses it: clear memory by stores until the MMU is on, and "
                               "map it as Normal"
                    : checks ? "clear SCTLR_ELx.A, or align the access; compilers have "
                               "-mstrict-align"
                    : off    ? "compile with -mstrict-align what runs before the MMU is on"
                    : stage2_makes_device(a)
                        ? "map the guest's memory as Normal at stage 2 (MemAttr 1111)"
                        : "map memory as Normal (MAIR_ELx), or align the access");
}
