/* Slips whose exception says something else than what was meant: a stack that was never set, a null
 * function, a return to itself, an EL0 that nobody wanted. */
#include <inttypes.h>

#include "death_state.h"

#define RET   UINT32_C(0xd65f03c0)
#define SLACK UINT64_C(0x10000) /* how far below an SP of 0 one may have pushed */

/* BLR Xn, whatever it authenticates. */
static bool is_indirect_call(uint32_t word)
{
    return (word & 0xfefff000) == 0xd63f0000;
}

/* A load or store whose base is register 31: bits 9:5 of the class of loads and stores. */
static bool is_by_sp(uint32_t word)
{
    return (word & 0x0a000000) == 0x08000000 && (word >> 5 & 31) == 31;
}

bool death_explain_no_stack(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint32_t word;

    if (f->far + SLACK > 2 * SLACK || f->from == 0 || (f->esr >> 26 & 63) != 0x25 ||
        !death_insn(c, f->cpu, f->from, f->elr, &word) || !is_by_sp(word))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_string_printf(v->cause,
                    "the stack of EL%u was never set: SP is 0 or just below, and at %s something "
                    "is pushed",
                    f->from, at);
    g_string_printf(v->evidence, "the access is to %#" PRIx64 ", by SP_EL%u%s", f->far,
                    f->spsr & 1 ? f->from : 0,
                    f->spsr & 1 ? "" : " (PSTATE.SP is 0; with SPSel 1 each EL has its own)");
    g_string_assign(v->next, "give SP the end of some memory, a multiple of 16, before the first "
                             "call; each CPU and each EL has its own");
    return true;
}

bool death_explain_null_call(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint64_t lr = death_reg(c, f->cpu, "x30");
    uint32_t word;

    if (f->elr >= 4096 || !death_insn(c, f->cpu, f->from, lr - 4, &word) || !is_indirect_call(word))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, lr - 4);
    g_string_printf(v->cause, "a call of a null function: BLR X%u at %s went to %#" PRIx64,
                    (unsigned)word >> 5 & 31, at, f->elr);
    g_string_assign(v->evidence, "the pointer was never set: .bss or .data not loaded or cleared "
                                 "later, or a table without that entry");
    g_string_assign(v->next, "find who should have set it: `watch` of gdb and reverse-continue");
    return true;
}

bool death_add_why_el0(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_return *r = c->history ? &c->history->entered[f->cpu] : NULL;

    if (f->from != 0 || !r || !r->valid || r->to != 0)
        return false;
    g_autofree char *at = death_place(c, f->cpu, r->from, r->pc);
    g_string_printf(out,
                    "it is at EL0 since the ERET at %s, whose SPSR_EL%u was %#" PRIx64
                    ": M[3:0] is 0, EL0t",
                    at, r->from, r->spsr);
    return true;
}

bool death_explain_return_to_itself(const struct corpse *c, struct verdict *v)
{
    uint64_t pc = death_reg(c, c->cpu, "pc");
    unsigned el = (unsigned)(death_reg(c, c->cpu, "pstate") >> 2) & 3;
    uint32_t word;

    if (!death_insn(c, c->cpu, el, pc, &word) || word != RET || death_reg(c, c->cpu, "x30") != pc)
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, pc);
    g_string_printf(v->cause, "the RET at %s returns to itself for ever: X30 is its own address",
                    at);
    g_string_assign(v->evidence, "a function that calls another one has not saved X30 before");
    g_string_assign(v->next, "stp x29, x30, [sp, #-16]! at its beginning, and ldp before RET");
    return true;
}
