/* A loop that can have no end, or a wait, by the instructions that a CPU executed last: what it
 * asks for, and who has written that. */
#include <inttypes.h>
#include <string.h>

#include "death_trace.h"

#define ASKED_MAX 32

/* An instruction that loads, stores or reads a system register, each time that it was executed. */
struct asked {
    uint64_t pc, va, pa, value;
    uint32_t word;
    uint16_t kind; /* ARM_MEM_xx */
    uint8_t size;
    bool store, moves, changes; /* another address; another value */
};

struct loop {
    uint64_t low, high; /* addresses of its instructions */
    uint32_t carried;   /* registers that go from one round into the next, and change */
    bool counts;        /* it looks at a counter, and so it may end by time */
    uint32_t reg;       /* the last system register that is read; ARM_NO_REGISTER: none */
    uint64_t reg_pc;
    struct asked asked[ASKED_MAX];
    unsigned count;
};

/* False: there are too many. */
static bool note_access(struct loop *l, const struct arm_event *p, uint32_t word)
{
    bool store = p->mem.kind & ARM_MEM_WRITE;
    unsigned k = 0;

    while (k < l->count && (l->asked[k].pc != p->pc || l->asked[k].store != store))
        k++;
    if (k == ASKED_MAX)
        return false;
    struct asked *a = &l->asked[k];
    if (k == l->count) {
        l->count++;
        *a = (struct asked){p->pc,       p->mem.va,   p->mem.pa, p->mem.value[0], word,
                            p->mem.kind, p->mem.size, store,     false,           false};
    }
    a->moves |= a->va != p->mem.va;
    a->changes |= a->value != p->mem.value[0];
    return true;
}

/* Of what X0 to X30 and SP are made, in one round: registers as they were at its beginning. */
struct round_state {
    uint32_t made_of[32], written;
};

static void begin_round(struct round_state *r)
{
    r->written = 0;
    for (unsigned k = 0; k < 32; k++)
        r->made_of[k] = UINT32_C(1) << k;
}

/* Those that are made of what another round has made. What is loaded counts as an access. */
static uint32_t carried_over(const struct round_state *r)
{
    uint32_t changing = 0, carried = 0;

    for (unsigned k = 0; k < 32; k++)
        if (r->written >> k & 1 && r->made_of[k])
            changing |= UINT32_C(1) << k;
    for (unsigned k = 0; k < 32; k++)
        if (r->written >> k & 1 && r->made_of[k] & changing)
            carried |= UINT32_C(1) << k;
    return carried;
}

static bool is_counter(uint32_t number)
{
    static const char *const names[] = {"CNTPCT_EL0",   "CNTVCT_EL0",     "CNTPCTSS_EL0",
                                        "CNTVCTSS_EL0", "CNTV_TVAL_EL0",  "CNTP_TVAL_EL0",
                                        "PMCCNTR_EL0",  "CNTHP_TVAL_EL2", "RNDR"};
    const char *name = arm_reg_name(number);

    for (size_t k = 0; name && k < G_N_ELEMENTS(names); k++)
        if (!strcmp(name, names[k]))
            return true;
    return false;
}

static void note_insn(struct loop *l, const struct arm_event *p, struct round_state *r)
{
    struct arm_insn_use use;
    uint32_t made_of = 0;

    l->low = MIN(l->low, p->pc);
    l->high = MAX(l->high, p->pc);
    if (!arm_insn_uses(p->insn.word, &use))
        return;
    for (unsigned k = 0; k < 32 && (use.kind == ARM_INSN_COMPUTE || use.kind == ARM_INSN_MOVE); k++)
        made_of |= use.reads >> k & 1 ? r->made_of[k] : 0;
    for (unsigned k = 0; k < 32; k++)
        if (use.writes >> k & 1)
            r->made_of[k] = made_of;
    r->written |= use.writes;
    if (use.kind == ARM_INSN_MRS) {
        l->counts |= is_counter(use.from);
        l->reg = use.from;
        l->reg_pc = p->pc;
    }
}

#define ANY_EL (~0U)

static const struct arm_event *last_insn(const struct death_trace *t, unsigned el)
{
    const struct arm_event *p = NULL;

    for (unsigned n = 0; (p = death_trace_back(t, n)); n++)
        if (p->kind == ARM_EVENT_INSN && (el == ANY_EL || p->el == el))
            break;
    return p;
}

/* The rounds that the trace ends with, from one execution of its last instruction to the next one.
 * False: there are not several. @el: it is at this one, and what others do in between is theirs;
 * ANY_EL: all of it is at one. */
static bool find_loop(const struct death_trace *t, unsigned el, struct loop *l)
{
    const struct arm_event *last = last_insn(t, el), *p;
    struct round_state round = {0};
    unsigned rounds = 0;
    uint32_t word = 0;

    *l = (struct loop){.low = UINT64_MAX, .reg = ARM_NO_REGISTER};
    for (unsigned n = death_trace_length(t); n--;) {
        p = death_trace_back(t, n);
        bool head = p->kind == ARM_EVENT_INSN && p->pc == last->pc && p->el == last->el;
        if (!rounds && !head)
            continue;
        if (p->el != last->el && el == ANY_EL)
            return false;
        if (p->el != last->el)
            continue;
        if (head) {
            l->carried |= rounds++ ? carried_over(&round) : 0;
            begin_round(&round);
        }
        if (p->kind == ARM_EVENT_INSN) {
            word = p->insn.word;
            note_insn(l, p, &round);
        } else if (!death_is_literal(word) && !note_access(l, p, word)) {
            return false;
        }
    }
    return rounds >= 3;
}

/* Nothing goes from round to round: it is left when what it asks for becomes another, or never. */
static bool is_stuck(const struct loop *l)
{
    for (unsigned k = 0; k < l->count; k++)
        if (l->asked[k].moves || l->asked[k].changes)
            return false;
    return !l->counts && !l->carried;
}

static bool is_own(const struct loop *l, const struct asked *a)
{
    for (unsigned k = 0; k < l->count; k++)
        if (l->asked[k].store && l->asked[k].va == a->va &&
            !(l->asked[k].kind & (ARM_MEM_EXCLUSIVE | ARM_MEM_ATOMIC)))
            return true;
    return false;
}

/* Of what is loaded: a device's register before a lock before a value. */
static const struct asked *what(const struct loop *l)
{
    const struct asked *best = NULL;
    unsigned rank = 0;

    for (unsigned k = 0; k < l->count; k++) {
        const struct asked *a = &l->asked[k];
        unsigned its = a->store || is_own(l, a)                         ? 0
                       : a->kind & ARM_MEM_DEVICE                       ? 4
                       : a->kind & (ARM_MEM_EXCLUSIVE | ARM_MEM_ATOMIC) ? 3
                       : death_is_by_sp(a->word)                        ? 1
                                                                        : 2;
        if (its > rank) {
            best = a;
            rank = its;
        }
    }
    return best;
}

/* Who has written it, but the loop itself; and where the others are. */
static void add_writer(const struct corpse *c, const struct loop *l, const struct asked *a,
                       GString *out)
{
    const struct death_stores of = {
        c->cpu, arm_cpu_position(c->m, c->cpu).insns, a->pa, a->size, l->low, l->high + 4};
    unsigned others = 0;
    struct death_store w;

    const struct death_stores any = {of.cpu, of.retired, of.pa, of.size, 0, 0};
    bool another = death_last_store(c, &of, &w), known = c->history != NULL;
    if (another || death_last_store(c, &any, &w)) {
        g_autofree char *at = death_place(c, w.event.cpu, w.event.el, w.event.pc);
        g_string_append_printf(out,
                               another ? "it was written last by cpu%u, at %s; "
                                       : "cpu%u has written it itself before, here, at %s; ",
                               w.event.cpu, at);
    } else if (known) {
        g_string_append(out, "nothing has written it; ");
    }
    for (unsigned k = 0; k < arm_cpu_count(c->m); k++)
        others += k != c->cpu && arm_cpu_state(c->m, k) != ARM_CPU_OFF;
    g_string_append_printf(out, "%u other CPU(s) are on", others);
    if (others + 1 < arm_cpu_count(c->m) && !(c->history && c->history->started.firmware.function))
        g_string_append_printf(out, ", and %u off: nobody has started them (PSCI CPU_ON)",
                               arm_cpu_count(c->m) - 1 - others);
    for (unsigned k = 0, said = 0; k < arm_cpu_count(c->m) && said < 3; k++) {
        if (k == c->cpu || arm_cpu_state(c->m, k) == ARM_CPU_OFF)
            continue;
        unsigned el = death_el(c, k);
        g_autofree char *at = death_place(c, k, el, death_reg(c, k, "pc"));
        g_string_append_printf(out, "%s cpu%u at %s", said++ ? "," : ":", k, at);
    }
}

/* STXR or STLXR of one register: C4.1.94 "Load/store exclusive register". */
static bool is_store_exclusive(uint32_t word)
{
    return (word & 0x3fe00000) == 0x08000000;
}

/* A store exclusive that the loop comes to in vain: nothing is ever stored. */
static bool explain_failed_store(const struct corpse *c, const struct loop *l,
                                 const struct asked *a, struct verdict *v)
{
    const struct arm_event *p;
    unsigned n = 0;

    while ((p = death_trace_back(c->trace, n)) &&
           (p->kind != ARM_EVENT_INSN || p->pc < l->low || p->pc > l->high ||
            !is_store_exclusive(p->insn.word)))
        n++;
    if (!p || !(a->kind & ARM_MEM_EXCLUSIVE))
        return false;
    for (unsigned k = 0; k < l->count; k++)
        if (l->asked[k].store && l->asked[k].pc == p->pc)
            return false;
    unsigned base = p->insn.word >> 5 & 31, first = a->word >> 5 & 31;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    g_autofree char *load = death_place(c, p->cpu, p->el, a->pc);
    g_string_printf(v->cause, "the store exclusive at %s fails each time", at);
    if (base != first)
        g_string_append_printf(v->cause, ": its address is in X%u, and the load's in X%u", base,
                               first);
    g_string_append_printf(
        v->cause, "; so it asks again and again for a lock at %#" PRIx64 ", in the loop at %s",
        a->va, load);
    g_string_assign(v->evidence, "nothing but that store could end the loop");
    g_string_assign(v->next,
                    "the two have one address and size, and between them there is no other "
                    "store to it, no CLREX and no exception's return");
    return true;
}

/* Who has taken the lock goes round itself, for one that this CPU has taken. */
static bool add_deadlock(const struct corpse *c, const struct loop *l, const struct asked *a,
                         GString *out)
{
    const struct death_stores of = {
        c->cpu, arm_cpu_position(c->m, c->cpu).insns, a->pa, a->size, l->low, l->high + 4};
    struct death_store w, back;
    struct loop other;

    if (!death_last_store(c, &of, &w) || w.event.cpu == c->cpu)
        return false;
    unsigned holder = w.event.cpu;
    struct death_trace *t = death_trace_new(c, holder, arm_cpu_position(c->m, holder).insns);
    const struct asked *b =
        t && find_loop(t, ANY_EL, &other) && is_stuck(&other) ? what(&other) : NULL;
    bool stuck = b && b->kind & (ARM_MEM_EXCLUSIVE | ARM_MEM_ATOMIC) && b->pa != a->pa;
    if (stuck) {
        const struct death_stores his = {holder,    arm_cpu_position(c->m, holder).insns,
                                         b->pa,     b->size,
                                         other.low, other.high + 4};
        stuck = death_last_store(c, &his, &back) && back.event.cpu == c->cpu;
    }
    if (stuck)
        g_string_append_printf(out,
                               "; a deadlock: cpu%u, which has taken it, waits itself for the one "
                               "at %#" PRIx64 ", which cpu%u has taken",
                               holder, b->va, c->cpu);
    g_free(t);
    return stuck;
}

static void explain_memory(const struct corpse *c, const struct loop *l, const struct asked *a,
                           struct verdict *v)
{
    bool device = a->kind & ARM_MEM_DEVICE, lock = a->kind & (ARM_MEM_EXCLUSIVE | ARM_MEM_ATOMIC);
    unsigned el = death_el(c, c->cpu);
    g_autofree char *at = death_place(c, c->cpu, el, a->pc);

    if (explain_failed_store(c, l, a, v))
        return;
    g_string_printf(v->cause,
                    "it asks again and again for %s at %#" PRIx64 ", which stays %#" PRIx64
                    ": in the loop at %s",
                    device ? "a device's register"
                    : lock ? "a lock"
                           : "a value",
                    a->va, a->value, at);
    if (lock && add_deadlock(c, l, a, v->cause))
        g_string_append(v->evidence, "neither lets go of what it has; ");
    if (!device && death_add_virtio(c, a->pa, v->cause))
        g_string_append(v->evidence, "`info virtio` in the monitor has all of it; ");
    if (!device) {
        if (a->pa < FLASH_END)
            g_string_append(v->evidence,
                            "that is flash memory (0 to 0x7ffffff): a store there is a "
                            "command for the chip, and a null pointer leads there; ");
        add_writer(c, l, a, v->evidence);
        if (c->history && *c->history->refusal)
            g_string_append_printf(v->evidence, "; the last that a device has refused: %s",
                                   c->history->refusal);
    } else if (death_add_other_board(c, a->pa, v->evidence))
        g_string_append(v->evidence, "; nothing is here");
    else if (!death_add_refusal(c, v->evidence) &&
             !death_add_uart_flags(a->pa, a->value, v->evidence))
        g_string_assign(v->evidence, "the device has no reason to change it");
    g_string_assign(v->next, device ? "is it this register and bit, and is the device enabled?"
                             : lock ? "who holds it? `watch` of gdb and reverse-continue say who "
                                      "took it"
                                    : "who should write it? `watch` of gdb and reverse-continue "
                                      "say who did last");
}

static void explain_register(const struct corpse *c, const struct loop *l, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);
    g_autofree char *at = death_place(c, c->cpu, el, l->reg_pc);
    const char *name = arm_reg_name(l->reg);

    uint64_t value;

    g_string_printf(v->cause, "it asks again and again for %s", name);
    if (!arm_reg_read(c->m, c->cpu, name, &value)) { /* reading it has effects */
        g_string_append_printf(v->cause, ": in the loop at %s", at);
    } else {
        g_string_append_printf(v->cause, ", which stays %#" PRIx64 ": in the loop at %s", value,
                               at);
        death_add_waited_for(name, value, v->evidence);
    }
    g_string_append(v->evidence, "nothing else in the loop changes anything");
    g_string_printf(v->next, "armillary sysreg %s has its fields, and what writing it does", name);
}

/* Calls that never return, beyond the memory that there is: stores to it are lost. */
static bool explain_endless_calls(const struct corpse *c, const struct loop *l, struct verdict *v)
{
    uint64_t sp = death_reg(c, c->cpu, "sp"), word;
    unsigned el = death_el(c, c->cpu);
    bool pushes = false;

    for (unsigned k = 0; k < l->count; k++)
        pushes |= l->asked[k].store && l->asked[k].moves && death_is_by_sp(l->asked[k].word);
    if (!pushes || arm_virt_read(c->m, c->cpu, el, sp & ~UINT64_C(7), &word, sizeof(word)))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, l->low);
    g_string_printf(v->cause,
                    "calls without an end at %s have used up the stack of EL%u, and all memory "
                    "below it: SP is %#" PRIx64,
                    at, el, sp);
    g_string_assign(v->evidence, "there is no RAM, and what is pushed there is lost");
    g_string_assign(v->next, "does the function that calls itself ever stop? map nothing below the "
                             "stack, so that the first push beyond it faults");
    return true;
}

/* A loop that fills memory. */
static bool explain_fill(const struct corpse *c, const struct loop *l, struct verdict *v)
{
    const struct asked *store = NULL;

    for (unsigned k = 0; k < l->count; k++)
        if (l->asked[k].store && l->asked[k].moves && !death_is_by_sp(l->asked[k].word))
            store = &l->asked[k];
    return store && death_explain_fill(c, store->pc, v);
}

bool death_explain_loop(const struct corpse *c, struct verdict *v)
{
    struct loop l;

    if (c->kind != DEATH_SPIN || !find_loop(c->trace, ANY_EL, &l))
        return false;
    if (death_explain_asks(c, l.low, l.high, v))
        return true;
    if (!is_stuck(&l))
        return explain_endless_calls(c, &l, v) || explain_fill(c, &l, v);
    const struct asked *a = what(&l);
    if (a)
        explain_memory(c, &l, a, v);
    else if (l.reg != ARM_NO_REGISTER && arm_reg_name(l.reg))
        explain_register(c, &l, v);
    else
        return false;
    return true;
}

/* ---- what a hypervisor answers ---- */

bool death_explain_answers(const struct corpse *c, struct verdict *v)
{
    const struct death_history *h = c->history;
    const struct death_fault *f = &h->last[(h->exceptions - 1) % DEATH_EXCEPTIONS];
    struct loop l;

    if (!find_loop(c->trace, f->from, &l) || !is_stuck(&l))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_string_printf(v->cause,
                    "the guest asks again and again for what its hypervisor answers for IPA "
                    "%#" PRIx64 ", and that does not change: in the loop at %s",
                    (f->hpfar >> 4 & ((UINT64_C(1) << 40) - 1)) << 12 | (f->far & 0xfff), at);
    g_string_append_printf(v->evidence,
                           "the load is trapped to EL2, whose handler returns behind it; it goes "
                           "to X%u, and nothing else in the loop changes anything",
                           (unsigned)(f->esr >> 16) & 31);
    g_string_assign(v->next, "is it what the real device would say, as a status without its busy "
                             "and full bits? `break` of gdb at the instruction behind the load");
    return true;
}
