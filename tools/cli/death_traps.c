/* Traps: which control bit sends an instruction elsewhere, by what the library's tables say of the
 * register (arm_text_register()). */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"

#define EC(esr) ((unsigned)((esr) >> 26) & 63)

/* The value of a field, by the name that the rules have for it: "HCR_EL2.TVM". False: no such. */
static bool field_value(const struct corpse *c, unsigned cpu, const char *name, uint64_t *value)
{
    g_auto(GStrv) parts = g_strsplit(name, ".", 2);
    uint32_t number = arm_reg_number(parts[0]);
    uint64_t all[2] = {0, 0};
    char text[8192];

    if (!parts[0] || !parts[1] || !arm_reg_get(c->m, cpu, number, all))
        return false;
    arm_text_register(number, all, text, sizeof(text));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        char field[64];
        unsigned high, low;
        if (sscanf(*l, " %u:%u %63s", &high, &low, field) != 3 || strcmp(field, parts[1]) != 0)
            continue;
        *value = all[0] >> low & ((UINT64_C(2) << (high - low)) - 1);
        return true;
    }
    return false;
}

/* Is what a rule asks for beside its bit so? */
static bool holds(const struct corpse *c, const struct death_fault *f, const char *rule)
{
    uint64_t hcr = death_reg(c, f->cpu, "HCR_EL2");
    bool e2h = hcr >> 34 & 1, tge = hcr >> 27 & 1, host = f->from == 0 && e2h && tge;

    if (strstr(rule, ", not at EL0 with E2H and TGE"))
        return !host;
    if (strstr(rule, ", at EL0 with E2H and TGE"))
        return host;
    if (strstr(rule, "when HCR_EL2.E2H is 0"))
        return !e2h;
    return !strstr(rule, "when HCR_EL2.{E2H,TGE} is {1,0}") || (e2h && !tge);
}

static bool is_for(const struct death_fault *f, bool read, const char *rule, const char *end)
{
    char el[8];
    const char *verb = strstr(rule, read ? "reads trap" : "writes trap"),
               *both = strstr(rule, "accesses trap"), *levels;

    verb = verb && verb < end ? verb : both;
    g_snprintf(el, sizeof(el), "EL%u", f->from);
    levels = strstr(rule, el);
    bool to_el2 = strstr(rule, "trap to EL2") != NULL;
    return verb && verb < end &&
           (levels                    ? levels < verb
            : !strncmp(rule, "EL", 2) ? false
                                      : true) &&
           (f->el == 2 || !to_el2);
}

/* "EL1 writes trap to EL2 while HCR_EL2.TVM is 1 (...)": is it this one? Adds "HCR_EL2.TVM is 1".
 */
static bool add_rule(const struct corpse *c, const struct death_fault *f, bool read,
                     const char *line, GString *out)
{
    const char *rule = line + strspn(line, " "), *condition;
    char name[64], other[64];
    unsigned wanted;
    uint64_t value, value2 = 0;

    if (!strncmp(rule, "traps", 5))
        rule += 5 + strspn(rule + 5, " ");
    condition = strstr(rule, " while ");
    if (!condition || !is_for(f, read, rule, condition) || !holds(c, f, rule))
        return false;
    condition += strlen(" while ");
    bool both = sscanf(condition, "%63s and %63s are both %u", name, other, &wanted) == 3;
    if (!both && sscanf(condition, "%63s is %u", name, &wanted) != 2)
        return false;
    if (!field_value(c, f->cpu, name, &value) ||
        (both && !field_value(c, f->cpu, other, &value2)) || value != wanted ||
        value2 != (both ? wanted : 0))
        return false;
    bool e2h = g_str_has_suffix(name, "_E2H");
    if (both)
        g_string_append_printf(out, "%s and %s are %u", name, other, wanted);
    else
        g_string_append_printf(out, "%.*s is %u%s", (int)strlen(name) - (e2h ? 4 : 0), name, wanted,
                               e2h ? " (as E2H lays it out)" : "");
    return true;
}

bool death_add_trap_rule(const struct corpse *c, const struct death_fault *f, uint32_t number,
                         bool read, GString *out)
{
    char text[8192];

    arm_text_register(number, NULL, text, sizeof(text));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++)
        if (add_rule(c, f, read, *l, out))
            return true;
    return false;
}

/* Traps without a system register: by class (and bit 0 of the syndrome), the bits that may be the
 * cause; of the first EL that has one. */
static const struct {
    unsigned ec;
    int ti; /* of EC 0x01: 0 WFI, 1 WFE; -1: any */
    unsigned el;
    const char *field;
    unsigned wanted;
} others[] = {
    {0x01, 0, 1, "SCTLR_EL1.nTWI", 0}, {0x01, 1, 1, "SCTLR_EL1.nTWE", 0},
    {0x01, 0, 2, "HCR_EL2.TWI", 1},    {0x01, 1, 2, "HCR_EL2.TWE", 1},
    {0x09, -1, 2, "HCR_EL2.API", 0},   {0x17, -1, 2, "HCR_EL2.TSC", 1},
};

bool death_add_trap_bit(const struct corpse *c, const struct death_fault *f, GString *out)
{
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++) {
        uint64_t value;
        if (others[k].ec != EC(f->esr) || others[k].el != f->el ||
            (others[k].ti >= 0 && others[k].ti != (int)(f->esr & 1)) ||
            !field_value(c, f->cpu, others[k].field, &value) || value != others[k].wanted)
            continue;
        g_string_append_printf(out, "%s is %u", others[k].field, others[k].wanted);
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
    g_autoptr(GString) rule = g_string_new(NULL);

    if (immediate(iss))
        number = arm_reg_number("DAIF");
    g_string_printf(v->cause, "%s of %s at EL%u was trapped to EL%u",
                    iss & 1 ? "a read" : "a write", name ? name : "a system register", f->from,
                    f->el);
    if (death_add_trap_rule(c, f, number, iss & 1, rule))
        g_string_append_printf(v->cause, ", as %s", rule->str);
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
