/* A CPU that has parked itself, by a branch that asked who or where it is, that went by a value
 * which has become another since, or by what a call has returned. */
#include <inttypes.h>
#include <string.h>

#include "death_halt.h"
#include "death_trace.h"

#define NEAR  3 /* from the branch to where it is parked */
#define STEPS 6 /* from what is read to the branch */

/* CBZ, CBNZ, TBZ, TBNZ: C4.1.93 "Compare and branch", "Test and branch". */
static bool is_by_register(uint32_t word)
{
    return (word & 0x7c000000) == 0x34000000;
}

static bool is_conditional(uint32_t word)
{
    return is_by_register(word) || (word & 0xff000010) == 0x54000000;
}

/* ADDS, SUBS and ANDS, immediate or of registers: what a B.cond goes by. */
static bool sets_flags(uint32_t word)
{
    return (word & 0x3f000000) == 0x31000000 || (word & 0x3f000000) == 0x2b000000 ||
           (word & 0x7f800000) == 0x72000000 || (word & 0x7f000000) == 0x6a000000;
}

/* The instruction of @el that is @n before the @first-th event from the end. */
static const struct arm_event *insn_back(const struct death_trace *t, unsigned first, unsigned el,
                                         unsigned n)
{
    const struct arm_event *p;

    for (; (p = death_trace_back(t, first)); first++)
        if (p->kind == ARM_EVENT_INSN && p->el == el && !n--)
            return p;
    return NULL;
}

/* What one of some registers was made of: a system register, a load, or a call's result. */
struct source {
    uint32_t number; /* ARM_NO_REGISTER: none */
    const struct arm_event *load, *call;
};

/* HVC and SMC return their results in X0 to X3: SMCCC (DEN0028) 2.6. */
static bool is_call(uint32_t word)
{
    return (word & 0xffe0001f) == 0xd4000002 || (word & 0xffe0001f) == 0xd4000003;
}

/* The access of the instruction @insn. */
static const struct arm_event *access_of(const struct death_trace *t, const struct arm_event *insn)
{
    const struct arm_event *p, *access = NULL;

    for (unsigned n = 0; (p = death_trace_back(t, n)) && p != insn; n++)
        access = p;
    return access && access->kind == ARM_EVENT_MEM && access->pc == insn->pc ? access : NULL;
}

/* Of what @registers were made, in the instructions before the @n-th. */
static struct source made_of(const struct death_trace *t, unsigned first, unsigned el, unsigned n,
                             uint32_t registers)
{
    struct source s = {.number = ARM_NO_REGISTER};
    const struct arm_event *p;
    struct arm_insn_use use;

    for (unsigned k = n + 1; k <= n + STEPS && (p = insn_back(t, first, el, k)); k++) {
        if (is_call(p->insn.word) && registers & 15)
            s.call = p;
        if (s.call || !arm_insn_uses(p->insn.word, &use) || !(use.writes & registers)) {
            if (s.call)
                break;
            continue;
        }
        if (death_is_literal(p->insn.word)) { /* a constant */
            registers &= ~use.writes;
            continue;
        }
        if (use.kind == ARM_INSN_MRS)
            s.number = use.from;
        else if (use.kind == ARM_INSN_LOAD)
            s.load = access_of(t, p);
        if (use.kind != ARM_INSN_COMPUTE && use.kind != ARM_INSN_MOVE)
            break;
        registers = (registers & ~use.writes) | use.reads;
    }
    return s;
}

/* By what the branch that is the @n-th goes. */
static struct source asked(const struct death_trace *t, unsigned first, unsigned el, unsigned n,
                           uint32_t word)
{
    struct arm_insn_use use;
    const struct arm_event *p;

    if (is_by_register(word))
        return made_of(t, first, el, n, UINT32_C(1) << (word & 31));
    for (unsigned k = n + 1; k <= n + STEPS && (p = insn_back(t, first, el, k)); k++)
        if (sets_flags(p->insn.word) && arm_insn_uses(p->insn.word, &use))
            return made_of(t, first, el, k, use.reads);
    return (struct source){.number = ARM_NO_REGISTER};
}

/* An ID register of features. */
static bool is_feature(const char *name)
{
    return name && g_str_has_prefix(name, "ID_");
}

/* "cpu0 has parked itself at ...: the branch at ... went by" and a blank. */
static void begin_cause(const struct corpse *c, const struct arm_event *branch, GString *cause)
{
    g_autofree char *at = death_place(c, c->cpu, branch->el, branch->pc);
    g_autofree char *here = death_place(c, c->cpu, death_el(c, c->cpu), death_reg(c, c->cpu, "pc"));

    g_string_printf(cause, "cpu%u has parked itself at %s: the branch at %s went by ", c->cpu, here,
                    at);
}

static void explain_register(const struct corpse *c, const struct arm_event *branch,
                             uint32_t number, struct verdict *v)
{
    const char *name = arm_reg_name(number);

    begin_cause(c, branch, v->cause);
    g_string_append_printf(v->cause, "%s, which is %#" PRIx64, name, death_reg(c, c->cpu, name));
    if (!strcmp(name, "MPIDR_EL1")) {
        g_string_assign(v->evidence, "bit 31 is always 1, and not part of the affinity, by which "
                                     "CPUs are told apart (bits 39:32, 23:0)");
        g_string_assign(v->next, "mask it: and x0, x0, #0xffffff");
    } else if (is_feature(name)) {
        g_string_printf(v->evidence, "it asks there for what it needs, and %s has not",
                        c->config->cpu ? c->config->cpu : "max");
        g_string_printf(v->next,
                        "armillary sysreg %s has the fields; --cpu max has everything that there "
                        "is. A kernel of 16 or 64 KiB pages needs TGran16 or TGran64 of "
                        "ID_AA64MMFR0_EL1",
                        name);
    } else if (c->history && c->history->entered[c->cpu].valid &&
               c->history->entered[c->cpu].from == branch->el &&
               c->history->entered[c->cpu].to == branch->el) {
        const struct death_return *r = &c->history->entered[c->cpu];
        g_autofree char *from = death_place(c, c->cpu, r->from, r->pc);
        g_string_printf(v->evidence,
                        "it came there by the ERET at %s, which has stayed at EL%u: SPSR_EL%u was "
                        "%#" PRIx64,
                        from, r->to, r->from, r->spsr);
        g_string_assign(v->next, "SPSR_EL2 0x3c5 is EL1h, with all masked");
    } else {
        g_string_printf(v->evidence, "the image is entered at EL%u (bits 3:2 of CurrentEL)%s",
                        branch->el, c->config->secure ? "" : "; this machine has no EL3");
        g_string_assign(v->next, "go on from whichever level it is entered at; --start-el 1 and "
                                 "--no-el2 enter it at EL1");
    }
}

/* It does not look again: a compiler has read once what is not said to be volatile. */
static bool explain_value(const struct corpse *c, const struct arm_event *branch,
                          const struct arm_event *load, struct verdict *v)
{
    const struct death_stores of = {
        c->cpu, arm_cpu_position(c->m, c->cpu).insns, load->mem.pa, load->mem.size, 0, 0};
    uint64_t now = 0;
    struct death_store w;

    if (load->mem.size > 8 || load->mem.kind & ARM_MEM_DEVICE ||
        !arm_mem_read(c->m, load->mem.pa, &now, load->mem.size) || now == load->mem.value[0] ||
        !death_last_store(c, &of, &w))
        return false;
    g_autofree char *at = death_place(c, c->cpu, branch->el, branch->pc);
    g_autofree char *read = death_place(c, c->cpu, load->el, load->pc);
    g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
    g_string_printf(
        v->cause,
        "cpu%u goes round behind the branch at %s for ever, and does not look again: it "
        "went by the value at %#" PRIx64 ", read once, at %s, as %#" PRIx64 "; that is %#" PRIx64
        " now",
        c->cpu, at, load->mem.va, read, load->mem.value[0], now);
    g_string_printf(v->evidence,
                    "cpu%u has written it last, at %s; a compiler reads once what it does not see "
                    "change in the loop",
                    w.event.cpu, who);
    g_string_assign(v->next, "declare it volatile, or read it by __atomic_load_n()");
    return true;
}

/* What it was read from is not where the tables lead to now. */
static bool explain_stale(const struct corpse *c, const struct arm_event *branch,
                          const struct arm_event *load, struct verdict *v)
{
    struct arm_translation t;

    if (!arm_translate(c->m, c->cpu, load->el, load->mem.va, ARM_ACCESS_READ, &t) ||
        t.pa == load->mem.pa)
        return false;
    g_autofree char *read = death_place(c, c->cpu, load->el, load->pc);
    begin_cause(c, branch, v->cause);
    g_string_append_printf(v->cause,
                           "the value at %#" PRIx64 ", read at %s from PA %#" PRIx64
                           ", and the tables lead to PA %#" PRIx64,
                           load->mem.va, read, load->mem.pa, t.pa);
    g_string_assign(v->evidence, "the CPU had an old translation: a TLBI is missing, or the tables "
                                 "were changed behind that");
    g_string_assign(v->next, "where a descriptor that was valid becomes another: write 0, DSB, "
                             "TLBI of the address, DSB, then the new one (break-before-make)");
    return true;
}

/* A null pointer does not fault: at 0 there is flash memory, which is empty. */
static bool explain_flash(const struct corpse *c, const struct arm_event *branch,
                          const struct arm_event *load, struct verdict *v)
{
    if (load->mem.pa >= FLASH_END || load->mem.value[0])
        return false;
    g_autofree char *read = death_place(c, c->cpu, load->el, load->pc);
    begin_cause(c, branch, v->cause);
    g_string_append_printf(
        v->cause, "the value at %#" PRIx64 ", read as 0 at %s: that is flash memory, and empty",
        load->mem.va, read);
    g_string_printf(v->evidence, "RAM begins at %#" PRIx64 "; a null pointer faults nowhere here",
                    DEATH_RAM);
    g_string_assign(v->next, "where has the address come from? X0 has that of the device tree for "
                             "an Image; for an ELF file it is where RAM begins");
    return true;
}

/* Nobody parks because the firmware has done what it was asked for. */
static bool explain_result(const struct corpse *c, const struct arm_event *branch,
                           const struct arm_event *call, struct verdict *v)
{
    bool own = c->config->el2 && call->el < 2 && death_reg(c, c->cpu, "VBAR_EL2");
    bool hvc = (call->insn.word & 3) == 2;

    if (!own && death_reg(c, c->cpu, "x0") == 0)
        return false;
    g_autofree char *by = death_place(c, c->cpu, call->el, call->pc);

    begin_cause(c, branch, v->cause);
    g_string_append_printf(v->cause, "what the %s at %s has returned; X0 is %#" PRIx64,
                           hvc ? "HVC" : "SMC", by, death_reg(c, c->cpu, "x0"));
    g_string_printf(
        v->evidence, "%s",
        own ? "EL2's own software answers it: 0 is SUCCESS, negative numbers are errors "
              "of PSCI (DEN0022 5.2.2)"
            : "0 is SUCCESS, negative numbers are errors of PSCI (DEN0022 5.2.2)");
    g_string_assign(v->next, "who answers has to put the result into X0 as the caller gets it");
    return true;
}

/* Its first way to where it is parked. WFI and WFE stand behind themselves. */
static struct death_trace *trace_arrival(const struct corpse *c, unsigned *first)
{
    uint64_t pc = death_reg(c, c->cpu, "pc"), count;
    unsigned insns = 1;
    struct death_trace *t;

    death_find_round(c->m, c->cpu, &pc, &insns);
    for (unsigned k = 0; k < 2; k++, pc -= 4) {
        if (!death_find_arrival(c, c->cpu, pc, &count))
            continue;
        t = death_trace_new(c, c->cpu, count + insns);
        for (*first = 0; *first < death_trace_length(t); (*first)++)
            if (death_trace_back(t, *first)->kind == ARM_EVENT_INSN)
                return t;
        g_free(t);
    }
    return NULL;
}

/* The branch that it came by. */
static const struct arm_event *find_branch(const struct death_trace *t, unsigned first, unsigned el,
                                           unsigned *n)
{
    const struct arm_event *p;

    for (*n = 0; *n <= NEAR && (p = insn_back(t, first, el, *n)); (*n)++)
        if (is_conditional(p->insn.word))
            return p;
    return NULL;
}

bool death_explain_parked(const struct corpse *c, struct verdict *v)
{
    unsigned first, n, el = death_el(c, c->cpu);

    /* For a word that releases it, too: a spin table. */
    bool parked = death_is_parked(c->m, c->cpu);

    if (!c->history || (!parked && arm_cpu_state(c->m, c->cpu) != ARM_CPU_WFE))
        return false;
    struct death_trace *t = trace_arrival(c, &first);
    const struct arm_event *p = t ? find_branch(t, first, el, &n) : NULL;
    struct source s = {.number = ARM_NO_REGISTER};
    bool known = false;

    if (p)
        s = asked(t, first, el, n, p->insn.word);
    if (p && s.number != ARM_NO_REGISTER &&
        (s.number == arm_reg_number("MPIDR_EL1") || s.number == arm_reg_number("CurrentEL") ||
         is_feature(arm_reg_name(s.number)))) {
        explain_register(c, p, s.number, v);
        known = true;
    } else if (parked && s.call) {
        known = explain_result(c, p, s.call, v);
    } else if (parked && s.load) {
        known = explain_value(c, p, s.load, v) || explain_stale(c, p, s.load, v) ||
                explain_flash(c, p, s.load, v);
    }
    g_free(t);
    return known;
}
