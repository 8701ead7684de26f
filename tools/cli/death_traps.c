/* Traps: which control bit sends an instruction elsewhere. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"

/* Traps without a system register: by class (and bit 0 of the syndrome), the bits that may be the
 * cause; of the first EL that has one. */
static const struct {
    unsigned ec;
    int ti; /* of WFX: 0 WFI, 1 WFE; -1: any */
    unsigned el;
    const char *control;
    unsigned bit;
    const char *field;
    unsigned wanted;
} others[] = {
    {ESR_EC_WFX, 0, 1, "SCTLR_EL1", 16, "nTWI", 0}, {ESR_EC_WFX, 1, 1, "SCTLR_EL1", 18, "nTWE", 0},
    {ESR_EC_WFX, 0, 2, "HCR_EL2", 13, "TWI", 1},    {ESR_EC_WFX, 1, 2, "HCR_EL2", 14, "TWE", 1},
    {ESR_EC_PAC, -1, 2, "HCR_EL2", 41, "API", 0},   {ESR_EC_SMC64, -1, 2, "HCR_EL2", 19, "TSC", 1},
};

bool death_add_trap_bit(const struct corpse *c, const struct death_fault *f, GString *out)
{
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++) {
        if (others[k].ec != death_ec(f) || others[k].el != f->el ||
            (others[k].ti >= 0 && others[k].ti != (int)(f->esr & 1)) ||
            (death_reg(c, f->cpu, others[k].control) >> others[k].bit & 1) != others[k].wanted)
            continue;
        g_string_append_printf(out, "%s.%s is %u", others[k].control, others[k].field,
                               others[k].wanted);
        return true;
    }
    return false;
}

/* MSR DAIFSet and DAIFClr have no register: op0 is 0. */
static const char *immediate(uint32_t iss)
{
    unsigned op2 = iss >> 17 & 7;

    return (iss >> 20 & 3) != 0 || (iss >> 14 & 7) != 3 ? NULL
           : op2 == 6                                   ? "DAIFSet"
           : op2 == 7                                   ? "DAIFClr"
                                                        : NULL;
}

bool death_explain_trap(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint32_t iss = (uint32_t)f->esr & 0x1ffffff;
    uint32_t number =
        ARM_SYSREG(iss >> 20 & 3, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7);
    const char *name = immediate(iss) ? immediate(iss) : arm_reg_name(number);
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    char control[128];

    if (immediate(iss))
        number = arm_reg_number("DAIF");
    g_string_printf(v->cause, "%s of %s at EL%u was trapped to EL%u",
                    iss & 1 ? "a read" : "a write", name ? name : "a system register", f->from,
                    f->el);
    if (arm_trap_control(c->m, f->cpu, f->from, number, iss & 1, control, sizeof(control)) == f->el)
        g_string_append_printf(v->cause, ", as %s", control);
    g_string_append_printf(v->cause, ": at %s", at);
    if (name && g_str_has_prefix(name, "ICC_") && f->el == 1) {
        uint64_t sre = death_reg(c, f->cpu, "ICC_SRE_EL1");
        g_string_printf(v->evidence, "ICC_SRE_EL1 is %#" PRIx64 ": SRE is %u", sre,
                        (unsigned)sre & 1);
        g_string_assign(v->next, "set ICC_SRE_EL1.SRE, then ISB, before the first ICC_ register");
        return true;
    }
    if (name && g_str_has_prefix(name, "ICC_")) {
        uint64_t sre = death_reg(c, f->cpu, "ICC_SRE_EL2");
        g_string_printf(v->evidence,
                        "ICC_SRE_EL2 is %#" PRIx64 " (Enable %u), HCR_EL2 %#" PRIx64
                        ", ICH_HCR_EL2 %#" PRIx64,
                        sre, (unsigned)sre >> 3 & 1, death_reg(c, f->cpu, "HCR_EL2"),
                        death_reg(c, f->cpu, "ICH_HCR_EL2"));
        g_string_assign(v->next, "EL2 sets ICC_SRE_EL2.{SRE,Enable} before EL1 uses ICC_SRE_EL1");
        return true;
    }
    g_string_printf(v->evidence, "EL%u has not emulated it", f->el);
    if (f->el == 2)
        g_string_append_printf(v->evidence, "; HCR_EL2 is %#" PRIx64,
                               death_reg(c, f->cpu, "HCR_EL2"));
    g_string_printf(v->next,
                    "emulate it and add 4 to ELR_EL%u, or do not trap it; armillary sysreg %s has "
                    "all that traps it",
                    f->el, arm_reg_name(number) ? arm_reg_name(number) : "");
    return true;
}

bool death_explain_pauth_trap(const struct corpse *c, const struct death_fault *f,
                              struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause,
                    "an instruction of pointer authentication at EL%u was trapped to EL%u", f->from,
                    f->el);
    g_autoptr(GString) rule = g_string_new(NULL);
    if (death_add_trap_bit(c, f, rule))
        g_string_append_printf(v->cause, ", as %s", rule->str);
    g_string_append_printf(v->cause, ": at %s", at);
    g_string_assign(v->evidence, "the guest uses it (SCTLR_EL1.EnIA and so on), since its ID "
                                 "registers say that it is there");
    g_string_assign(v->next, "EL2 sets HCR_EL2.{API,APK} before it enters a guest, or hides "
                             "FEAT_PAuth from it by HCR_EL2.TID3");
    return true;
}
