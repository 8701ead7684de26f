/* How a CPU came to where no code is, and who has written what it came by: a return address that
 * was overwritten, a program that was, a stack that has grown into both. */
#include <inttypes.h>

#include "death_trace.h"

#define SLIDE 64 /* bytes that may have been executed behind where a jump led to */

/* BR, BLR, RET and those that authenticate: C4.1.93 "Unconditional branch (register)". */
static bool is_indirect(uint32_t word)
{
    return (word & 0xfe000000) == 0xd6000000 && (word >> 21 & 15) <= 2;
}

static const char *mnemonic(uint32_t word)
{
    static const char *const names[] = {"BR", "BLR", "RET"};

    return names[word >> 21 & 3];
}

/* The last jump that led to where @f failed. */
static const struct arm_event *find_jump(const struct corpse *c, const struct death_fault *f,
                                         unsigned *back)
{
    const struct arm_event *p;

    if (!c->trace || c->trace->cpu != f->cpu)
        return NULL;
    for (*back = 0; (p = death_trace_back(c->trace, *back)); (*back)++) {
        if (p->kind != ARM_EVENT_INSN)
            continue;
        if (f->elr - p->pc > SLIDE || is_indirect(p->insn.word))
            return p->el == f->from && is_indirect(p->insn.word) ? p : NULL;
    }
    return NULL;
}

/* The load that X@reg has its value from; NULL: another instruction has written it. */
static const struct arm_event *loaded_from(const struct corpse *c, unsigned back, unsigned reg)
{
    const struct arm_event *p, *load = NULL;
    struct arm_insn_use use;

    for (unsigned n = back + 1; (p = death_trace_back(c->trace, n)); n++) {
        if (p->kind == ARM_EVENT_MEM && !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_FP)) &&
            p->mem.reg == reg)
            load = p;
        else if (p->kind == ARM_EVENT_INSN && arm_insn_uses(p->insn.word, &use) &&
                 use.writes >> reg & 1)
            return death_is_literal(p->insn.word) ? NULL : load;
    }
    return NULL;
}

static bool stored_before(const struct corpse *c, const struct death_fault *f, uint64_t pa,
                          uint64_t size, struct death_store *w)
{
    const struct death_stores of = {f->cpu, f->count, pa, size, 0, 0};

    return death_last_store(c, &of, w);
}

/* Is what it stores its own X30, as what saves registers does? */
static bool saves_x30(uint32_t word)
{
    return (word & 31) == 30 || ((word & 0x3a000000) == 0x28000000 && (word >> 10 & 31) == 30);
}

/* X30 was taken from where nothing can have been saved: from flash memory, or not by SP. */
static bool explain_slot(const struct corpse *c, const struct death_fault *f,
                         const struct arm_event *slot, struct verdict *v)
{
    bool flash = slot->mem.pa < FLASH_END;
    uint32_t word;

    if (!flash && (!death_insn(c, f->cpu, slot->el, slot->pc, &word) || death_is_by_sp(word)))
        return false;
    g_autofree char *place = death_place(c, f->cpu, f->from, slot->mem.va);
    g_autofree char *at = death_place(c, f->cpu, f->from, slot->pc);
    if (flash) {
        g_string_append_printf(
            v->cause, "its stack is in flash memory (%#" PRIx64 "), where what is pushed is lost",
            slot->mem.va);
        g_string_assign(v->evidence,
                        "RAM begins at 0x40000000 on this board: is the image linked for another "
                        "one, whose RAM begins at 0?");
        g_string_assign(v->next, "link it for 0x40080000, or make all its addresses relative to "
                                 "the PC");
        return true;
    }
    g_string_append_printf(
        v->cause, "nothing but 0 was written to %s, which X30 was loaded from at %s", place, at);
    g_string_assign(v->evidence, "that is no stack frame, but perhaps what a switch of tasks "
                                 "restores: of one that has not run yet, or whose X30 was not "
                                 "saved");
    g_string_assign(v->next, "a new task's X30 is its first instruction, or what calls it; a "
                             "switch saves X19 to X30 and SP");
    return true;
}

static bool explain_return(const struct corpse *c, const struct death_fault *f,
                           const struct arm_event *jump, unsigned back, struct verdict *v)
{
    const struct arm_event *slot = loaded_from(c, back, 30);
    g_autofree char *at = death_place(c, f->cpu, f->from, jump->pc);
    struct death_store w;

    g_string_printf(v->cause, "the RET at %s returns to %#" PRIx64 ": ", at, f->elr);
    if (!slot) {
        g_string_append(v->cause, "X30 was no return address");
        g_string_assign(v->evidence, "it was not taken from the stack: another instruction has "
                                     "written X30, or nobody has called this");
        g_string_assign(v->next, "save X30 before anything else uses it; what was not called "
                                 "cannot return");
        return true;
    }
    bool written = stored_before(c, f, slot->mem.pa, 8, &w);
    g_autofree char *who = written ? death_place(c, w.event.cpu, w.event.el, w.event.pc) : NULL;
    if ((!written || !f->elr) && explain_slot(c, f, slot, v))
        return true;
    if (!written) {
        g_string_append_printf(v->cause, "nothing was saved where it takes X30 from (%#" PRIx64 ")",
                               slot->mem.va);
        g_string_assign(v->evidence, "SP is not what it was when X30 was pushed");
    } else if (saves_x30(w.word)) {
        g_string_append_printf(v->cause, "that was X30 already when it was saved, at %s", who);
        g_string_printf(v->evidence, "it is kept at %#" PRIx64 " of the stack", slot->mem.va);
    } else {
        g_string_append_printf(
            v->cause, "its return address on the stack, at %#" PRIx64 ", was overwritten at %s",
            slot->mem.va, who);
        bool other = w.event.cpu != f->cpu && death_is_by_sp(w.word);
        g_string_printf(v->evidence, "by a store of cpu%u to %#" PRIx64 ": %s", w.event.cpu,
                        w.event.store.va,
                        other ? "it is that CPU's stack too; each CPU needs one of its own"
                              : "an array or a structure of the stack has been written beyond its "
                                "end, or SP was moved wrongly");
        if (other)
            g_string_append_printf(v->cause, ": cpu%u and cpu%u use the same stack", f->cpu,
                                   w.event.cpu);
    }
    g_string_assign(v->next, "compare what a function pushes and pops; compilers have "
                             "-fstack-protector-strong and -Wstack-usage=");
    return true;
}

bool death_explain_return(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    unsigned ec = death_ec(f), back;
    const struct arm_event *jump;
    uint32_t word;

    if (ec != ESR_EC_PC_ALIGN && ec != ESR_EC_IABT_CUR && ec != ESR_EC_UNKNOWN)
        return false;
    if (ec == ESR_EC_UNKNOWN && death_insn(c, f->cpu, f->from, f->elr, &word) && word &&
        g_strcmp0(arm_insn_name(word), "UNALLOCATED") != 0)
        return false;
    jump = find_jump(c, f, &back);
    return jump && (jump->insn.word >> 21 & 15) == 2 && explain_return(c, f, jump, back, v);
}

bool death_add_jump(const struct corpse *c, const struct death_fault *f, GString *out)
{
    unsigned back, reg;
    const struct arm_event *jump = find_jump(c, f, &back), *load;
    struct death_store w;

    if (!jump)
        return false;
    reg = jump->insn.word >> 5 & 31;
    g_autofree char *at = death_place(c, f->cpu, f->from, jump->pc);
    g_string_append_printf(out, "the %s X%u at %s went there", mnemonic(jump->insn.word), reg, at);
    if (!(load = loaded_from(c, back, reg)))
        return true;
    g_string_append_printf(out, ", to what it had loaded from %#" PRIx64, load->mem.va);
    if (!stored_before(c, f, load->mem.pa, 8, &w))
        return true;
    g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
    g_string_append_printf(out, ", where cpu%u had written it at %s", w.event.cpu, who);
    return true;
}

/* ---- within their own handler ---- */

#define NESTED 8 /* interrupts without a return between them are no nesting by priority */

bool death_add_nested(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    const struct death_history *h = c->history;
    const struct death_fault *e = NULL;
    unsigned count = 0;

    for (uint64_t n = h ? h->exceptions : 0; n-- && h->exceptions - n <= DEATH_EXCEPTIONS;) {
        e = &h->last[n % DEATH_EXCEPTIONS];
        if (e->cpu != f->cpu || e->count >= f->count)
            continue;
        if (e->syndrome || e->el != f->from || e->from != f->from ||
            e->count <= h->returned[f->cpu])
            break;
        count++;
    }
    if (count < NESTED)
        return false;
    g_autofree char *at = death_place(c, f->cpu, e->from, e->elr);
    g_string_append_printf(v->cause,
                           "; by interrupts that are taken within their own handler: %u or more "
                           "have come without a return, each at about %s",
                           count, at);
    g_string_assign(v->next, DEATH_NESTED_NEXT);
    return true;
}

/* ---- overwritten ---- */

bool death_add_overwritten(const struct corpse *c, const struct death_fault *f, uint64_t pa,
                           unsigned size, struct death_overwritten *o)
{
    struct death_store w;

    if (!stored_before(c, f, pa, size, &w))
        return false;
    o->at = death_place(c, w.event.cpu, w.event.el, w.event.pc);
    o->cpu = w.event.cpu;
    o->by_stack = death_is_by_sp(w.word);
    return true;
}

bool death_explain_overwritten(const struct corpse *c, const struct death_fault *f, uint32_t word,
                               struct verdict *v)
{
    struct death_overwritten o = {0};
    struct arm_translation t;

    if (!arm_translate(c->m, f->cpu, f->from, f->elr, ARM_ACCESS_EXECUTE, &t) ||
        !death_add_overwritten(c, f, t.pa, 4, &o))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    if (o.by_stack)
        g_string_printf(v->cause,
                        "the stack has grown into the program: at %s is what was pushed at %s", at,
                        o.at);
    else
        g_string_printf(v->cause,
                        "the program was overwritten at %s: the store at %s has written "
                        "there what is no instruction",
                        at, o.at);
    g_string_printf(v->evidence, "the word is %08x, written by cpu%u", word, o.cpu);
    g_string_assign(v->next, o.by_stack ? "does the function that calls itself ever stop? give the "
                                          "stack more room, and nothing below it"
                                        : "an array that ends before this, or an address that was "
                                          "computed wrongly; code that is loaded has to be whole");
    if (o.by_stack)
        death_add_nested(c, f, v);
    g_free(o.at);
    return true;
}

/* ---- below the stack ---- */

#define PAGE UINT64_C(4096)

bool death_explain_stack_end(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    struct arm_translation above, here;
    unsigned fsc = (unsigned)f->esr & 63;
    uint32_t word;

    if (death_ec(f) != ESR_EC_DABT_CUR || !(f->esr >> 6 & 1) || (fsc & 0x3c) == 0 || fsc > 0x10 ||
        !death_insn(c, f->cpu, f->from, f->elr, &word) || !death_is_by_sp(word))
        return false;
    uint64_t next = (f->far | (PAGE - 1)) + 1;
    bool ram = arm_translate(c->m, f->cpu, f->from, next, ARM_ACCESS_WRITE, &above) &&
               arm_mem_read(c->m, above.pa, &word, 4);
    if (!ram || (arm_translate(c->m, f->cpu, f->from, f->far, ARM_ACCESS_WRITE, &here) &&
                 arm_mem_read(c->m, here.pa & ~UINT64_C(7), &word, 4)))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_autofree char *caller = death_place(c, f->cpu, f->from, death_reg(c, f->cpu, "x30"));
    g_string_printf(v->cause,
                    "the stack of EL%u has overflowed: %s pushes to %#" PRIx64
                    ", and the stack's memory ends at %#" PRIx64,
                    f->from, at, f->far, next);
    g_string_printf(v->evidence, "%s below it (%s); X30, the last call, is %s",
                    here.mapped ? "there is no RAM" : "nothing is mapped",
                    here.mapped ? "external abort" : "a guard page, or the end", caller);
    g_string_assign(v->next, "does a function call itself without an end, or has it large arrays? "
                             "otherwise give the stack more pages");
    death_add_nested(c, f, v);
    return true;
}
