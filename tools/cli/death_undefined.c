/* What is UNDEFINED, and why: by the word, the register that it names and what this machine has. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"

/* MRS, MSR and SYS with a register: the encodings of the system instruction class with
 * L and op0. */
static bool is_sysreg(uint32_t word)
{
    return (word & 0xffc00000) == 0xd5000000 && (word >> 19 & 3) != 0;
}

/* Why an access of a register that there is, is none here: by its name, and by what `armillary
 * sysreg` has of it. */
static void add_why(const struct corpse *c, const struct death_fault *f, uint32_t number, bool read,
                    struct verdict *v)
{
    const char *name = arm_reg_name(number);
    bool vhe = death_reg(c, f->cpu, "ID_AA64MMFR1_EL1") >> 8 & 15;
    char text[4096];

    arm_text_register(number, NULL, text, sizeof(text));
    const char *feature = strstr(text, "UNDEFINED without FEAT_");
    if (g_str_has_suffix(name, "_EL3") && !c->config->secure) {
        g_string_printf(v->evidence,
                        "this machine has no EL3: it is entered at EL%u, as behind "
                        "firmware",
                        c->config->el2 && c->config->start_el != 1 ? 2 : 1);
        g_string_assign(v->next, "look at CurrentEL, and leave out what is EL3's");
    } else if (f->from < 2 && g_str_has_suffix(name, "_EL2")) {
        g_string_printf(v->evidence, "it is at EL%u, which cannot reach what is EL2's%s", f->from,
                        c->config->el2 ? "" : "; this machine has no EL2 (--no-el2)");
        g_string_assign(v->next, "look at CurrentEL first; without --no-el2 and --start-el 1 the "
                                 "image is entered at EL2");
    } else if (g_str_has_suffix(name, "_EL12") || g_str_has_suffix(name, "_EL02")) {
        g_string_assign(v->evidence, vhe ? "names that end in _EL12 and _EL02 are there while "
                                           "HCR_EL2.E2H is 1, and it is 0"
                                         : "names that end in _EL12 and _EL02 need FEAT_VHE, which "
                                           "this CPU has not");
        g_string_assign(v->next, vhe ? "set HCR_EL2.E2H, then ISB; without VHE the _EL1 names are "
                                       "those of EL1's registers"
                                     : "use the _EL1 names at EL2; or --cpu max");
    } else if (!read && strstr(text, "access        read;")) {
        g_string_printf(v->evidence, "%s is read-only", name);
        g_string_printf(v->next, "armillary sysreg %s has what can be done with it", name);
    } else {
        g_string_printf(v->evidence,
                        feature ? "%s needs %.*s, which this CPU has not"
                                : "an access of %s: not at this EL, or not so",
                        name, feature ? (int)strcspn(feature + 18, ";\n") : 0,
                        feature ? feature + 18 : "");
        g_string_printf(v->next, "%sarmillary sysreg %s", feature ? "--cpu max; " : "", name);
    }
}

/* Registers of what no machine here has, by op0, op1, CRn, CRm and op2; DDI0487 D19, C5.2. */
static const struct {
    uint16_t number; /* op0[0], op1, CRn, CRm, op2, as bits 19:5 of MRS and MSR have them */
    const char *name, *of;
} absent[] = {
#define AT(op1, n, m, op2) (1 << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))
    {AT(0, 1, 2, 0), "ZCR_EL1", "SVE"},       {AT(4, 1, 2, 0), "ZCR_EL2", "SVE"},
    {AT(5, 1, 2, 0), "ZCR_EL12", "SVE"},      {AT(0, 1, 2, 6), "SMCR_EL1", "SME"},
    {AT(4, 1, 2, 6), "SMCR_EL2", "SME"},      {AT(0, 1, 2, 4), "SMPRI_EL1", "SME"},
    {AT(3, 4, 2, 2), "SVCR", "SME"},          {AT(3, 13, 0, 5), "TPIDR2_EL0", "SME"},
    {AT(0, 1, 0, 5), "RGSR_EL1", "MTE"},      {AT(0, 1, 0, 6), "GCR_EL1", "MTE"},
    {AT(0, 5, 6, 0), "TFSR_EL1", "MTE"},      {AT(4, 5, 6, 0), "TFSR_EL2", "MTE"},
    {AT(0, 5, 6, 1), "TFSRE0_EL1", "MTE"},    {AT(0, 10, 5, 0), "MPAM1_EL1", "MPAM"},
    {AT(0, 10, 5, 1), "MPAM0_EL1", "MPAM"},   {AT(4, 10, 5, 0), "MPAM2_EL2", "MPAM"},
    {AT(0, 2, 0, 3), "TCR2_EL1", "TCR2"},     {AT(0, 10, 2, 3), "PIR_EL1", "S1PIE"},
    {AT(0, 1, 0, 3), "SCTLR2_EL1", "SCTLR2"},
#undef AT
};

/* Its name as it is encoded, for assemblers and the manual, and what it is. */
static void add_absent(uint32_t word, struct verdict *v)
{
    unsigned number = word >> 5 & 0x7fff;

    g_string_printf(v->evidence, "it is S%u_%u_C%u_C%u_%u: ", 2 + (number >> 14), number >> 11 & 7,
                    number >> 7 & 15, number >> 3 & 15, number & 7);
    for (size_t k = 0; k < G_N_ELEMENTS(absent); k++)
        if (absent[k].number == number) {
            g_string_append_printf(v->evidence, "%s, of FEAT_%s, which no CPU here has",
                                   absent[k].name, absent[k].of);
            g_string_printf(v->next, "look for FEAT_%s in the ID registers first", absent[k].of);
            return;
        }
    g_string_append(v->evidence, "none of our registers, or not at this EL");
    g_string_assign(v->next, "armillary sysreg --help");
}

static bool explain_sysreg(const struct corpse *c, const struct death_fault *f, uint32_t word,
                           struct verdict *v)
{
    const char *name = arm_reg_name(word >> 5 & 0xffff);
    bool read = word >> 21 & 1;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause, "%s of %s is undefined at EL%u: at %s", read ? "a read" : "a write",
                    name ? name : "a system register that there is not", f->from, at);
    if (name && g_str_has_prefix(name, "ICC_") && strncmp(name, "ICC_SRE", 7) != 0) {
        uint64_t sre = death_reg_el(c, f->cpu, "ICC_SRE", f->from);
        g_string_printf(
            v->evidence, "ICC_SRE_EL%u is %#" PRIx64 ": SRE is %u, so the GIC's CPU interface %s",
            f->from, sre, (unsigned)sre & 1,
            sre & 1 ? "is reached by system registers" : "is not reached by system registers");
        g_string_assign(v->next, "set ICC_SRE_ELx.SRE, then ISB, before the first ICC_ register");
    } else if (death_add_why_el0(c, f, v->evidence)) {
        g_string_assign(v->next, "write SPSR_ELx before ERET: 0x3c5 is EL1h, with all masked");
    } else if (name) {
        add_why(c, f, word >> 5 & 0xffff, read, v);
    } else {
        add_absent(word, v);
    }
    return true;
}

/* What the row of the decoder says the instruction needs. */
static void add_needs(uint32_t word, GString *out)
{
    char text[1024];

    arm_text_insn(word, text, sizeof(text));
    const char *feature = strstr(text, "FEAT_");
    if (feature)
        g_string_append_printf(out, "it needs %.*s, which this CPU has not, or which is off",
                               (int)strcspn(feature, ", "), feature);
    else
        g_string_append(out, "it is not allowed here");
}

#define HLT_SEMIHOSTING UINT32_C(0xd45e0000)

#define ELF_MAGIC UINT32_C(0x464c457f)

/* What no row has, and what to do about it. */
struct unallocated {
    const char *what, *next;
};

#define NOT_HERE(of)                                                                               \
    (struct unallocated)                                                                           \
    {                                                                                              \
        of ", which this machine has not",                                                         \
            "compile without it (-march=...), or look at the ID registers first: no CPU of this "  \
            "machine has it"                                                                       \
    }

/* By bits 28:25 (and 31): DDI0487 C4.1. */
static struct unallocated unallocated(uint32_t word)
{
    unsigned op0 = word >> 25 & 15;

    if (word == ELF_MAGIC)
        return (struct unallocated){
            "the first word of an ELF file: its headers were loaded and entered as code",
            "give the ELF file itself as IMAGE, or what objcopy -O binary makes of it"};
    if (word >> 28 == 0xe)
        return (struct unallocated){
            "no A64 instruction; one of 32-bit Arm code (A32) may begin so",
            "compile for AArch64 (aarch64-linux-gnu-gcc): this machine has no AArch32"};
    if ((word & 0xfffff0ff) == 0xd503407f && (word >> 9 & 7) > 0 && (word >> 9 & 7) < 4)
        return NOT_HERE("SMSTART or SMSTOP of SME");
    if ((word & 0xff200000) == 0xd9200000 || (word & 0xffe0fc00) == 0x9ac01000 ||
        (word & 0xbfc00000) == 0x91800000)
        return NOT_HERE("an instruction of memory tagging (FEAT_MTE)");
    if (op0 == 2)
        return NOT_HERE("an SVE instruction");
    if (op0 == 0 && word >> 31)
        return NOT_HERE("an SME instruction");
    return (struct unallocated){
        op0 == 0 ? "no instruction: data, or code that was never loaded"
                 : "no instruction that this machine knows",
        "armillary dis WORD says what a word is; is the image linked for the address that it was "
        "loaded to?"};
}

static bool explain_call(const struct corpse *c, const struct death_fault *f, bool hvc,
                         struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    uint64_t hcr = death_reg(c, f->cpu, "HCR_EL2"), scr = death_reg(c, f->cpu, "SCR_EL3");
    bool by_el3 = f->from && c->config->secure && (hvc ? !(scr >> 8 & 1) : scr >> 7 & 1);

    g_string_printf(v->cause, "%s at EL%u is undefined: at %s", hvc ? "HVC" : "SMC", f->from, at);
    if (f->from == 0)
        g_string_assign(v->evidence, "it is so at EL0 always");
    else if (by_el3)
        g_string_printf(v->evidence, "SCR_EL3.%s (SCR_EL3 %#" PRIx64 "): EL3 has switched %s off",
                        hvc ? "HCE is 0" : "SMD is 1", scr, hvc ? "HVC" : "SMC");
    else if (!c->config->el2)
        g_string_printf(v->evidence, "this machine has no EL2 (%s)", "--no-el2");
    else if (hvc && hcr >> 29 & 1)
        g_string_printf(v->evidence,
                        "HCR_EL2.HCD is 1 (HCR_EL2 %#" PRIx64 "): EL2 has switched HVC off", hcr);
    else
        g_string_printf(v->evidence, "HCR_EL2 is %#" PRIx64, hcr);
    if (by_el3)
        g_string_printf(v->next, "%s at EL3, before it enters EL%u",
                        hvc ? "set SCR_EL3.HCE" : "clear SCR_EL3.SMD", f->from);
    else
        g_string_assign(v->next, "the device tree's /psci method says by which call the firmware "
                                 "is reached");
    return true;
}

/* HLT #0xF000, behind which a host would have answered. */
static bool explain_semihosting(const struct corpse *c, const struct death_fault *f, uint32_t word,
                                struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    if (word != HLT_SEMIHOSTING)
        return false;
    g_string_printf(v->cause,
                    "a semihosting call that nobody answers: HLT #0xF000 at %s, W0 is %#x", at,
                    (unsigned)death_reg(c, f->cpu, "x0"));
    g_string_assign(v->evidence, c->config->semihosting ? "it is UNDEFINED at EL0 without "
                                                          "--semihosting-el0"
                                                        : "it is UNDEFINED without --semihosting");
    g_string_assign(v->next, c->config->semihosting ? "--semihosting-el0" : "--semihosting");
    return true;
}

bool death_explain_text(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    char text[2 * sizeof(uint32_t) + 1] = {0};

    if ((death_ec(f) != ESR_EC_UNKNOWN && death_ec(f) != ESR_EC_FP) ||
        !arm_virt_read(c->m, f->cpu, f->from, f->elr, text, sizeof(text) - 1))
        return false;
    for (size_t k = 0; k < sizeof(text) - 1; k++)
        if (!g_ascii_isprint(text[k]))
            return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_string_printf(v->cause, "it executes text at %s: \"%s...\" is no code", at, text);
    death_add_way(c, f, v->evidence);
    g_string_assign(v->next, "a pointer to data was called, or a function pointer overwritten");
    return true;
}

/* A guest's zeros may be where stage 2 leads to, and its code elsewhere. */
static void add_stage2_place(const struct corpse *c, const struct death_fault *f, GString *out)
{
    struct arm_translation t;

    if (f->from < 2 && (death_reg(c, f->cpu, "HCR_EL2") & 1) &&
        arm_translate(c->m, f->cpu, f->from, f->elr, ARM_ACCESS_EXECUTE, &t))
        g_string_append_printf(out,
                               "it is in the guest's world, and stage 2 leads to PA %#" PRIx64
                               ": was the guest's image loaded there? ",
                               t.pa);
}

bool death_explain_undefined(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    uint32_t word;

    if (!death_insn(c, f->cpu, f->from, f->elr, &word)) {
        g_string_printf(v->cause, "an undefined instruction at %s, which cannot be read now", at);
        return true;
    }
    if ((word & 0xffe0001f) == 0xd4000002 || (word & 0xffe0001f) == 0xd4000003)
        return explain_call(c, f, (word & 3) == 2, v);
    if (is_sysreg(word))
        return explain_sysreg(c, f, word, v);
    if (explain_semihosting(c, f, word, v))
        return true;
    bool none = !strcmp(arm_insn_name(word), "UNALLOCATED");
    if ((word == 0 || none) && death_explain_overwritten(c, f, word, v))
        return true;
    if (word == 0) {
        g_string_printf(
            v->cause,
            "it executes zeros at %s: a jump to nowhere, or code that was not loaded there", at);
        g_string_assign(v->evidence, "the instruction word is 0; ");
        add_stage2_place(c, f, v->evidence);
        g_string_assign(
            v->next, death_add_way(c, f, v->evidence)
                         ? "write ELR_ELx before ERET, and keep it while another exception may come"
                         : "is the image linked for the address that it was loaded to? readelf -l "
                           "IMAGE; --log loader=info says where it went");
        return true;
    }
    const char *name = arm_insn_name(word);
    g_string_printf(v->cause, "an undefined instruction, %08x (%s), at %s", word, name, at);
    if (!none && word >> 16 == 0) { /* UDF */
        g_string_assign(v->evidence, "permanently undefined: compilers put it where a program "
                                     "should never come, as behind a call that does not return");
        g_string_assign(v->next, "what comes before it should have jumped away");
        return true;
    }
    if (none) {
        g_string_assign(v->evidence, unallocated(word).what);
        g_string_assign(v->next, unallocated(word).next);
        return true;
    }
    add_needs(word, v->evidence);
    g_string_assign(v->next,
                    "--cpu max has everything that there is; or compile for the CPU that is named");
    return true;
}
