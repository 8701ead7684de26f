/* What an exception means, by its class, the instruction and the registers that decide. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"

#define SPSR_EL(spsr) ((unsigned)((spsr) >> 2) & 3)

bool death_is_error(const struct death_fault *f)
{
    unsigned ec = death_ec(f);

    return f->syndrome && ec != ESR_EC_WFX && ec != ESR_EC_SVC64 && ec != ESR_EC_HVC64 &&
           ec != ESR_EC_SMC64 && !(ec >= 0x30 && ec <= 0x35);
}

/* ---- undefined ---- */

/* MRS, MSR and SYS with a register: the encodings of the system instruction class with
 * L and op0. */
static bool is_sysreg(uint32_t word)
{
    return (word & 0xffc00000) == 0xd5000000 && (word >> 19 & 3) != 0;
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
    } else {
        g_string_printf(v->evidence, "an access of %s: its EL, or a feature that this CPU has not",
                        name ? name : "none of our registers");
        g_string_printf(v->next, "armillary sysreg %s", name ? name : "--help");
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

#define ELF_MAGIC UINT32_C(0x464c457f)

/* Groups of encodings that no row has, by bits 28:25 (and 31). DDI0487 C4.1. */
static const char *unallocated(uint32_t word)
{
    unsigned op0 = word >> 25 & 15;

    if (word == ELF_MAGIC)
        return "the first word of an ELF file: its headers were loaded and entered as code";
    if (word >> 28 == 0xe)
        return "no A64 instruction; one of 32-bit Arm code (A32) may begin so";
    return op0 == 2                 ? "an SVE instruction, which this machine has not"
           : op0 == 0 && word >> 31 ? "an SME instruction, which this machine has not"
           : op0 == 0               ? "no instruction: data, or code that was never loaded"
                                    : "no instruction that this machine knows";
}

static bool explain_call(const struct corpse *c, const struct death_fault *f, bool hvc,
                         struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    uint64_t hcr = death_reg(c, f->cpu, "HCR_EL2");

    g_string_printf(v->cause, "%s at EL%u is undefined: at %s", hvc ? "HVC" : "SMC", f->from, at);
    if (f->from == 0)
        g_string_assign(v->evidence, "it is so at EL0 always");
    else if (!c->config->el2)
        g_string_printf(v->evidence, "this machine has no EL2 (%s)", "--no-el2");
    else if (hvc && hcr >> 29 & 1)
        g_string_printf(v->evidence,
                        "HCR_EL2.HCD is 1 (HCR_EL2 %#" PRIx64 "): EL2 has switched HVC off", hcr);
    else
        g_string_printf(v->evidence, "HCR_EL2 is %#" PRIx64, hcr);
    g_string_assign(v->next,
                    "the device tree's /psci method says by which call the firmware is reached");
    return true;
}

static bool explain_undefined(const struct corpse *c, const struct death_fault *f,
                              struct verdict *v)
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
    bool none = !strcmp(arm_insn_name(word), "UNALLOCATED");
    if ((word == 0 || none) && death_explain_overwritten(c, f, word, v))
        return true;
    if (word == 0) {
        g_string_printf(
            v->cause,
            "it executes zeros at %s: a jump to nowhere, or code that was not loaded there", at);
        g_string_assign(v->evidence, "the instruction word is 0; ");
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
    if (none)
        g_string_assign(v->evidence, unallocated(word));
    else
        add_needs(word, v->evidence);
    g_string_assign(v->next,
                    "--cpu max has everything that there is; or compile for the CPU that is named");
    return true;
}

/* ---- traps ---- */

static bool explain_fp(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    uint64_t cpacr = death_reg(c, f->cpu, "CPACR_EL1"), cptr = death_reg(c, f->cpu, "CPTR_EL2");
    bool e2h = death_reg(c, f->cpu, "HCR_EL2") >> 34 & 1;
    bool by_el2 = f->el == 2;
    uint64_t value = by_el2 ? cptr : cpacr;
    bool on = by_el2 && !e2h ? !(value >> 10 & 1) : (value >> 20 & 3) == 3;

    g_string_printf(v->cause, "an FP or SIMD instruction at EL%u was trapped to EL%u by %s: at %s",
                    f->from, f->el,
                    by_el2 ? e2h ? "CPTR_EL2.FPEN" : "CPTR_EL2.TFP" : "CPACR_EL1.FPEN", at);
    if (on)
        g_string_printf(v->evidence,
                        "%s allows it now (%#" PRIx64 "): it was written without an ISB behind it",
                        by_el2 ? "CPTR_EL2" : "CPACR_EL1", value);
    else
        g_string_printf(v->evidence, "%s is %#" PRIx64, by_el2 ? "CPTR_EL2" : "CPACR_EL1", value);
    g_string_assign(
        v->next,
        by_el2 ? "clear CPTR_EL2.TFP (with E2H: set FPEN to 3), then ISB; or compile EL2 with "
                 "-mgeneral-regs-only"
               : "set CPACR_EL1.FPEN to 3, then ISB; or compile with -mgeneral-regs-only");
    return true;
}

/* Why a return with this SPSR is illegal: IllegalExceptionReturn(). */
static const char *why_illegal(const struct corpse *c, const struct death_return *r)
{
    unsigned el = SPSR_EL(r->spsr);
    uint64_t hcr = death_reg(c, c->cpu, "HCR_EL2");

    if (r->spsr >> 4 & 1)
        return "M[4] is 1: AArch32, which this machine has not";
    if (el == 3)
        return "M names EL3, which there is not";
    if (el > r->from)
        return "M names a higher EL than the one it returns from";
    if (r->spsr >> 1 & 1)
        return "M[1] is 1: no such mode";
    if (el == 0 && (r->spsr & 1))
        return "M is EL0 with SP_EL1: no such mode";
    return el == 1 && (hcr >> 27 & 1) ? "HCR_EL2.TGE is 1: there is no EL1 to return to"
                                      : "what it names is not allowed";
}

static bool explain_illegal(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    const struct death_return *r = c->history ? &c->history->illegal[f->cpu] : NULL;
    char mode[256];

    if (!r || !r->valid) {
        g_string_printf(v->cause, "an illegal exception return: PSTATE.IL is 1 at %#" PRIx64,
                        f->elr);
        g_string_assign(v->evidence,
                        "the ERET before had a mode in SPSR_ELx that cannot be returned to");
        return true;
    }
    g_autofree char *at = death_place(c, f->cpu, r->from, r->pc);
    arm_text_pstate(r->spsr, mode, sizeof(mode));
    g_string_printf(v->cause, "an illegal exception return: the ERET at %s has SPSR_EL%u %#" PRIx64,
                    at, r->from, r->spsr);
    g_string_printf(v->evidence, "%s (%s)", why_illegal(c, r), mode);
    g_string_printf(v->next,
                    "write SPSR_EL%u before ERET: 0x3c5 is EL1h, 0x3c9 EL2h, with all masked",
                    r->from);
    return true;
}

/* ---- alignment, and the rest ---- */

static bool explain_sp(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    bool own = f->from && (f->spsr & 1);
    uint64_t sp = own ? death_reg_el(c, f->cpu, "SP", f->from) : death_reg(c, f->cpu, "SP_EL0");

    if (f->from == f->el && own)
        sp = death_reg(c, f->cpu, "sp");
    g_string_printf(v->cause, "SP is not a multiple of 16 at a load or store at %s: SP %#" PRIx64,
                    at, sp);
    g_string_printf(v->evidence, "SCTLR_EL%u.SA%s is 1, and SP_EL%u is used as base",
                    f->from ? f->from : 1, f->from ? "" : "0", own ? f->from : 0);
    g_string_assign(v->next, "keep SP a multiple of 16: stack tops, and pushes of pairs");
    return true;
}

static bool explain_pc(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_string_printf(v->cause, "a jump to %#" PRIx64 ", which is not a multiple of 4", f->elr);
    bool returned = death_add_way(c, f, v->evidence);
    g_string_assign(v->next, returned ? "write ELR_ELx before ERET: it is an address of code"
                                      : "a function pointer or a return address was overwritten, "
                                        "or never set");
    return true;
}

/* Immediates of BRK that compilers and kernels give a meaning. */
static const struct {
    unsigned first, last;
    const char *who;
} brks[] = {
    {0x1, 0x1,
     "__builtin_trap() of Clang, abort() of Rust, or what follows a call that may not "
     "return"},
    {0x4, 0x6, "a probe of Linux's (kprobes, uprobes)"},
    {0x100, 0x100, "Linux's, for faults that it injects"},
    {0x3e8, 0x3e8, "__builtin_trap() of GCC"},
    {0x400, 0x401, "Linux's kgdb"},
    {0x800, 0x800, "BUG() or WARN() of Linux"},
    {0x900, 0x9ff, "Linux's KASAN: an address that may not be used"},
    {0x5500, 0x55ff, "the undefined behaviour sanitizer: bits 7:0 are the check that failed"},
    {0x8000, 0x83ff, "Linux's CFI: an indirect call of a function of another type"},
    {0xf000, 0xf000, "__builtin_debugtrap() of Clang, or a semihosting call of a T32 program"},
};

static bool explain_brk(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    unsigned immediate = (unsigned)f->esr & 0xffff;

    g_string_printf(v->cause,
                    "BRK #%#x at %s: the program has given up (assert, __builtin_trap, BUG)",
                    immediate, at);
    for (size_t k = 0; k < G_N_ELEMENTS(brks); k++)
        if (immediate >= brks[k].first && immediate <= brks[k].last)
            g_string_append_printf(v->evidence, "that is %s; ", brks[k].who);
    g_string_append(v->evidence, "nothing handles it");
    return true;
}

static bool explain_bti(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause, "an indirect jump at EL%u to %s, which is no BTI", f->from, at);
    g_string_printf(
        v->evidence,
        "the page is guarded (GP, bit 50 of its descriptor) and BTYPE was %u: BLR and BR "
        "may only reach BTI, PACIASP or PACIBSP",
        (unsigned)f->esr & 3);
    g_string_assign(v->next,
                    "compile it with -mbranch-protection=bti or standard, assembler too; or "
                    "map it without GP");
    return true;
}

static bool explain_pac(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    static const char *const keys[] = {"APIA", "APIB", "APDA", "APDB"};
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause,
                    "a signed pointer is not what was signed: authentication failed at %s", at);
    g_string_printf(v->evidence,
                    "it was by key %s: another SP or key than at its signing, or the pointer was "
                    "overwritten; X30 is %#" PRIx64,
                    keys[f->esr & 3], death_reg(c, f->cpu, "x30"));
    g_string_assign(v->next, "is SP the same at PACIASP and AUTIASP? were the APxxKey registers "
                             "changed in between, as by a switch of tasks?");
    return true;
}

static bool explain_named(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    char text[256];

    arm_text_esr(f->esr, text, sizeof(text));
    g_string_printf(v->cause, "%s at EL%u, taken to EL%u: at %s", text, f->from, f->el, at);
    g_string_printf(v->evidence, "ESR_EL%u %#" PRIx64, f->el, f->esr);
    return true;
}

typedef bool explain_fn(const struct corpse *c, const struct death_fault *f, struct verdict *v);

static const struct {
    unsigned ec;
    explain_fn *fn;
} classes[] = {
    {ESR_EC_UNKNOWN, explain_undefined},    {ESR_EC_FP, explain_fp},
    {ESR_EC_PAC, death_explain_pauth_trap}, {ESR_EC_BTI, explain_bti},
    {ESR_EC_ILLEGAL, explain_illegal},      {ESR_EC_FPAC, explain_pac},
    {ESR_EC_SYS64, death_explain_trap},     {ESR_EC_IABT_LOW, death_explain_abort},
    {ESR_EC_IABT_CUR, death_explain_abort}, {ESR_EC_DABT_LOW, death_explain_abort},
    {ESR_EC_DABT_CUR, death_explain_abort}, {ESR_EC_PC_ALIGN, explain_pc},
    {ESR_EC_SP_ALIGN, explain_sp},          {ESR_EC_BRK64, explain_brk},
};

bool death_explain_fault(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    if (f->syndrome && (death_explain_no_stack(c, f, v) || death_explain_null_call(c, f, v) ||
                        death_explain_return(c, f, v) || death_explain_stack_end(c, f, v)))
        return true;
    if (!f->syndrome) {
        g_string_printf(v->cause, "an interrupt was taken to EL%u from EL%u at %#" PRIx64, f->el,
                        f->from, f->elr);
        return true;
    }
    if (death_explain_trap_again(c, f, v))
        return true;
    for (size_t k = 0; k < G_N_ELEMENTS(classes); k++)
        if (classes[k].ec == death_ec(f))
            return classes[k].fn(c, f, v);
    return explain_named(c, f, v);
}
