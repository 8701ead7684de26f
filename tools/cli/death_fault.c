/* What an exception means, by its class, the instruction and the registers that decide. */
#include <inttypes.h>
#include <string.h>

#include "death_state.h"

#define SPSR_EL(spsr) ((unsigned)((spsr) >> 2) & 3)

bool death_is_debug(const struct death_fault *f)
{
    unsigned ec = death_ec(f);

    return f->syndrome && ec >= ESR_EC_BRKPT_LOW && ec <= ESR_EC_WATCHPT_CUR;
}

bool death_is_error(const struct death_fault *f)
{
    unsigned ec = death_ec(f);

    return f->syndrome && ec != ESR_EC_WFX && ec != ESR_EC_SVC64 && ec != ESR_EC_HVC64 &&
           ec != ESR_EC_SMC64 && !death_is_debug(f);
}

/* ---- traps ---- */

static bool explain_fp(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    if (f->el == 3) {
        g_string_printf(v->cause,
                        "an FP or SIMD instruction at EL%u was trapped to EL3 by CPTR_EL3.TFP: at "
                        "%s",
                        f->from, at);
        g_string_printf(v->evidence, "CPTR_EL3 is %#" PRIx64, death_reg(c, f->cpu, "CPTR_EL3"));
        g_string_assign(v->next, "clear CPTR_EL3.TFP (bit 10), then ISB; or compile EL3 with "
                                 "-mgeneral-regs-only");
        return true;
    }
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
    if (el == 3 && r->from < 3)
        return c->config->secure ? "M names a higher EL than the one it returns from"
                                 : "M names EL3, which there is not";
    if (el > r->from)
        return "M names a higher EL than the one it returns from";
    if (r->spsr >> 1 & 1)
        return "M[1] is 1: no such mode";
    if (el == 0 && (r->spsr & 1))
        return "M is EL0 with SP_EL1: no such mode";
    if (el == 2 && !(death_reg(c, c->cpu, "SCR_EL3") & 1) && c->config->secure)
        return "SCR_EL3.NS is 0, and there is no Secure EL2: EL2 is in the Non-secure state";
    if (el == 2 && !c->config->el2)
        return "M names EL2, which this machine has not";
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
    death_add_exchanged(c, r, v->evidence);
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

/* By EL2's HCR_EL2.VSE, or from a device. */
static bool explain_serror(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    const struct death_write *w = death_written(c, f->cpu, "HCR_EL2");
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause, "an SError interrupt at EL%u, taken to EL%u: at %s", f->from, f->el,
                    at);
    g_string_printf(v->evidence, "ESR_EL%u %#" PRIx64, f->el, f->esr);
    if (f->el != 1 || !w || !(w->value >> 8 & 1))
        return true;
    g_autofree char *by = death_place(c, f->cpu, w->el, w->pc);
    g_string_append(v->cause, ": EL2 has made it, by HCR_EL2.VSE");
    g_string_append_printf(v->evidence, "; HCR_EL2 was written as %#" PRIx64 " at %s", w->value,
                           by);
    g_string_assign(v->next, "leave HCR_EL2.VSE (bit 8) 0, but where a guest is to have an SError");
    return true;
}

static bool explain_step(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);

    g_string_printf(v->cause, "a software step exception at %s (EL%u), taken to EL%u", at, f->from,
                    f->el);
    g_string_printf(v->evidence,
                    "MDSCR_EL1.SS is %u, and SPSR_EL%u.SS (bit 21) says at the ERET whether an "
                    "instruction is executed before the next one",
                    (unsigned)death_reg(c, f->cpu, "MDSCR_EL1") & 1, f->el);
    g_string_printf(v->next, "set SPSR_EL%u.SS before each ERET, or clear MDSCR_EL1.SS", f->el);
    return true;
}

static bool explain_point(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    bool watch = death_ec(f) >= ESR_EC_WATCHPT_LOW;

    g_string_printf(v->cause, "a %spoint at %s (EL%u), taken to EL%u", watch ? "watch" : "break",
                    at, f->from, f->el);
    if (watch)
        g_string_printf(v->evidence, "an access of %#" PRIx64, f->far);
    else
        g_string_printf(v->evidence, "a DBGBVRn_EL1 has its address");
    g_string_printf(v->next,
                    "clear E (bit 0) of its DBG%cCRn_EL1 before the ERET, and set it again "
                    "behind a software step",
                    watch ? 'W' : 'B');
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
    {ESR_EC_UNKNOWN, death_explain_undefined},
    {ESR_EC_FP, explain_fp},
    {ESR_EC_PAC, death_explain_pauth_trap},
    {ESR_EC_BTI, explain_bti},
    {ESR_EC_ILLEGAL, explain_illegal},
    {ESR_EC_FPAC, explain_pac},
    {ESR_EC_SYS64, death_explain_trap},
    {ESR_EC_IABT_LOW, death_explain_abort},
    {ESR_EC_IABT_CUR, death_explain_abort},
    {ESR_EC_DABT_LOW, death_explain_abort},
    {ESR_EC_DABT_CUR, death_explain_abort},
    {ESR_EC_PC_ALIGN, explain_pc},
    {ESR_EC_SP_ALIGN, explain_sp},
    {ESR_EC_BRKPT_LOW, explain_point},
    {ESR_EC_BRKPT_CUR, explain_point},
    {ESR_EC_SOFTSTP_LOW, explain_step},
    {ESR_EC_SOFTSTP_CUR, explain_step},
    {ESR_EC_WATCHPT_LOW, explain_point},
    {ESR_EC_WATCHPT_CUR, explain_point},
    {ESR_EC_BRK64, explain_brk},
    {ESR_EC_SERROR, explain_serror},
};

static bool explain_class(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    if (f->syndrome && (death_explain_no_stack(c, f, v) || death_explain_null_call(c, f, v) ||
                        death_explain_return(c, f, v) || death_explain_stack_end(c, f, v)))
        return true;
    if (!f->syndrome) {
        g_string_printf(v->cause, "an interrupt was taken to EL%u from EL%u at %#" PRIx64, f->el,
                        f->from, f->elr);
        return true;
    }
    if (death_explain_trap_again(c, f, v) || death_explain_text(c, f, v))
        return true;
    for (size_t k = 0; k < G_N_ELEMENTS(classes); k++)
        if (classes[k].ec == death_ec(f)) {
            bool said = classes[k].fn(c, f, v);
            death_add_left_out(c, f, v->cause);
            return said;
        }
    return explain_named(c, f, v);
}

bool death_explain_fault(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    bool said = explain_class(c, f, v);

    if (said && death_is_error(f))
        death_add_spurious(c, f, v->cause);
    return said;
}
