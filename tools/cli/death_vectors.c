/* Exceptions that mean nothing bad, and whose vector does nothing but stop. */
#include <inttypes.h>

#include "death_state.h"

/* The offset of the entry among the vectors of @el that @pc is in; 0x800 or more: in none. */
static uint64_t offset_of(const struct corpse *c, unsigned el, uint64_t pc)
{
    return pc - (death_reg_el(c, c->cpu, "VBAR", el) & ~UINT64_C(0x7ff));
}

/* By class: what was called or waited for, whether ELR is behind it, and what sends it here. */
static const struct {
    unsigned ec, behind;
    const char *name, *control;
} calls[] = {
    {ESR_EC_WFX, 0, "WFI or WFE", "HCR_EL2"}, /* TWI, TWE */
    {ESR_EC_SVC64, 4, "SVC", NULL},
    {ESR_EC_HVC64, 4, "HVC", NULL},
    {ESR_EC_SMC64, 0, "SMC", "HCR_EL2"}, /* TSC */
    {ESR_EC_BRKPT_LOW, 0, "a breakpoint (DBGBCR<n>_EL1, MDSCR_EL1.MDE)", NULL},
    {ESR_EC_BRKPT_CUR, 0, "a breakpoint (DBGBCR<n>_EL1, MDSCR_EL1.MDE)", NULL},
    {ESR_EC_SOFTSTP_LOW, 0, "a software step (MDSCR_EL1.SS, SPSR.SS)", NULL},
    {ESR_EC_SOFTSTP_CUR, 0, "a software step (MDSCR_EL1.SS, SPSR.SS)", NULL},
    {ESR_EC_WATCHPT_LOW, 0, "a watchpoint (DBGWCR<n>_EL1, MDSCR_EL1.MDE)", NULL},
    {ESR_EC_WATCHPT_CUR, 0, "a watchpoint (DBGWCR<n>_EL1, MDSCR_EL1.MDE)", NULL},
};

static bool is_smccc(uint64_t function)
{
    return (function & 0xbf000000) == 0x84000000 && function <= UINT32_MAX;
}

/* "SVC #0 at 0x40080010 (main+0x10)": of a call's @esr and @elr. */
static void add_call(const struct corpse *c, size_t k, uint64_t esr, uint64_t elr, unsigned from,
                     GString *out)
{
    g_autofree char *at = death_place(c, c->cpu, from, elr - calls[k].behind);

    if (calls[k].ec >= ESR_EC_BRKPT_LOW)
        g_string_append_printf(out, "%s at %s (EL%u)", calls[k].name, at, from);
    else if (calls[k].ec == ESR_EC_WFX)
        g_string_append_printf(out, "%s at %s (EL%u)", esr & 1 ? "WFE" : "WFI", at, from);
    else
        g_string_append_printf(out, "%s #%u at %s (EL%u)", calls[k].name, (unsigned)esr & 0xffff,
                               at, from);
}

static bool find_call(unsigned ec, size_t *k)
{
    for (*k = 0; *k < G_N_ELEMENTS(calls); (*k)++)
        if (calls[*k].ec == ec)
            return true;
    return false;
}

static bool explain_call(const struct corpse *c, unsigned el, uint64_t offset, struct verdict *v)
{
    uint64_t function = death_reg(c, c->cpu, "x0");
    size_t k;

    uint64_t esr = death_reg_el(c, c->cpu, "ESR", el);
    if (!find_call((unsigned)(esr >> 26) & 63, &k))
        return false;
    add_call(c, k, esr, death_reg_el(c, c->cpu, "ELR", el),
             (unsigned)(death_reg_el(c, c->cpu, "SPSR", el) >> 2) & 3, v->cause);
    g_string_append_printf(v->cause, " comes to EL%u, where nothing handles it", el);
    g_string_printf(v->evidence, "the vector at VBAR_EL%u+%#" PRIx64 " only stops", el, offset);
    if (calls[k].control && el < 3)
        g_string_append_printf(v->evidence, "; it is trapped: %s is %#" PRIx64, calls[k].control,
                               death_reg(c, c->cpu, calls[k].control));
    if (calls[k].ec == ESR_EC_HVC64 && is_smccc(function))
        g_string_append_printf(v->evidence,
                               "; X0 is %#" PRIx64 ", a call of the firmware, which a machine with "
                               "EL2 reaches by SMC",
                               function);
    g_string_printf(v->next, "put a handler at VBAR_EL%u+%#" PRIx64 "%s", el, offset,
                    calls[k].ec == ESR_EC_HVC64 && is_smccc(function) ? "; or use SMC for PSCI"
                                                                      : "");
    return true;
}

bool death_add_call(const struct corpse *c, const struct death_fault *f, GString *out)
{
    uint64_t function = death_reg(c, f->cpu, "x0");
    size_t k;

    if (!f->syndrome || !find_call(death_ec(f), &k))
        return false;
    add_call(c, k, f->esr, f->elr, f->from, out);
    if (calls[k].ec == ESR_EC_HVC64 && is_smccc(function))
        g_string_append_printf(out,
                               ", X0 %#" PRIx64 ", a call of the firmware, which a machine with "
                               "EL2 reaches by SMC",
                               function);
    return true;
}

bool death_is_guests_vector(const struct corpse *c, const struct death_fault *f)
{
    uint64_t vbar = death_reg(c, f->cpu, "VBAR_EL1") & ~UINT64_C(0x7ff);

    return death_is_fetch(f) && f->from == 1 && f->el == 2 && f->elr - vbar < 0x800 && c->history &&
           c->history->first[f->cpu][1].valid;
}

void death_add_guests_vector(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_fault *first = &c->history->first[f->cpu][1];
    uint64_t vbar = death_reg(c, f->cpu, "VBAR_EL1");

    g_string_append_printf(out, "it is the vector of EL1 (VBAR_EL1+%#" PRIx64 ") for ",
                           f->elr - (vbar & ~UINT64_C(0x7ff)));
    if (!death_add_call(c, first, out))
        g_string_append(out, first->syndrome ? "an exception" : "an interrupt");
    g_string_append_printf(out, "; VBAR_EL1 is %#" PRIx64 "%s", vbar,
                           death_written(c, f->cpu, "VBAR_EL1") ? "" : ", and was never written");
}

#define LEFT_OUT_INSNS 16 /* so soon behind the return it is the reason */

bool death_add_left_out(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_history *h = c->history;
    const struct death_return *r = h ? &h->entered[f->cpu] : NULL;

    if (!r || !r->valid || f->count - r->count > LEFT_OUT_INSNS)
        return false;
    for (unsigned k = 0; k < MIN(h->exceptions, DEATH_EXCEPTIONS); k++) {
        const struct death_fault *e = &h->last[(h->exceptions - 1 - k) % DEATH_EXCEPTIONS];
        if (e->cpu != f->cpu || e->el != r->from || e->count > r->count)
            continue;
        if (!e->syndrome || (death_ec(e) != ESR_EC_HVC64 && death_ec(e) != ESR_EC_SVC64) ||
            e->elr + 4 != r->target)
            return false;
        g_autofree char *at = death_place(c, f->cpu, e->from, e->elr);
        g_string_append_printf(out,
                               "; just before it the instruction at %s was left out: the handler "
                               "of %s has added 4 to ELR_EL%u, which is behind the call already",
                               at, death_ec(e) == ESR_EC_HVC64 ? "HVC" : "SVC", e->el);
        return true;
    }
    return false;
}

static void explain_interrupt(const struct corpse *c, unsigned el, uint64_t offset,
                              struct verdict *v)
{
    unsigned from = (unsigned)(death_reg_el(c, c->cpu, "SPSR", el) >> 2) & 3, intid;
    g_autofree char *at = death_place(c, c->cpu, from, death_reg_el(c, c->cpu, "ELR", el));
    const char *type = vector_kind(offset) == VECTOR_IRQ ? "an IRQ" : "an FIQ";

    g_string_printf(v->cause, "%s is taken to EL%u at %s (EL%u), and nothing handles it", type, el,
                    at, from);
    g_string_printf(v->evidence, "the vector at VBAR_EL%u+%#" PRIx64 " only stops", el, offset);
    if (death_find_busy(c, &intid))
        g_string_append_printf(v->evidence, "; INTID %u (%s) is in hand", intid,
                               death_irq_name(intid));
    bool v2 = c->config->gic.version == 2;
    g_string_printf(v->next,
                    "put a handler at VBAR_EL%u+%#" PRIx64
                    ": it acknowledges (%s), takes the reason away, ends (%s) and returns",
                    el, offset, v2 ? "GICC_IAR" : "ICC_IAR1_EL1",
                    v2 ? "GICC_EOIR" : "ICC_EOIR1_EL1");
}

bool death_explain_vector(const struct corpse *c, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);
    uint64_t pc = death_reg(c, c->cpu, "pc"), offset = el ? offset_of(c, el, pc) : 0x800;
    uint32_t word;

    if (offset >= 0x800 || !death_insn(c, c->cpu, el, pc, &word) || word != 0x14000000 /* b . */)
        return false;
    offset &= ~UINT64_C(0x7f);
    if (vector_kind(offset) == VECTOR_SYNC)
        return explain_call(c, el, offset, v);
    if (vector_kind(offset) == VECTOR_SERROR)
        return false;
    explain_interrupt(c, el, offset, v);
    return true;
}

bool death_is_trap(const struct death_fault *f)
{
    return f->syndrome && f->el > f->from &&
           (death_ec(f) == ESR_EC_WFX || death_ec(f) == ESR_EC_SMC64);
}

bool death_explain_trap_again(const struct corpse *c, const struct death_fault *f,
                              struct verdict *v)
{
    if (!death_is_trap(f))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_string_printf(v->cause,
                    "%s at %s (EL%u) is trapped to EL%u again and again: the handler returns to it",
                    death_ec(f) == ESR_EC_SMC64 ? "SMC"
                    : f->esr & 1                ? "WFE"
                                                : "WFI",
                    at, f->from, f->el);
    if (!death_add_trap_bit(c, f, v->evidence))
        g_string_printf(v->evidence, "HCR_EL2 is %#" PRIx64, death_reg(c, f->cpu, "HCR_EL2"));
    g_string_append_printf(v->evidence, ": it traps; ELR_EL%u is the instruction's own address",
                           f->el);
    g_string_printf(v->next, "add 4 to ELR_EL%u before the ERET", f->el);
    return true;
}
