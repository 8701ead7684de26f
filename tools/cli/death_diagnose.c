/* Which exception, or what wait, a death comes down to. */
#include <inttypes.h>
#include <string.h>

#include "death_diagnose.h"

#define B_IMMEDIATE 5 /* bits 31:26 of B */

/* ---- what all parts share ---- */

uint64_t death_reg(const struct corpse *c, unsigned cpu, const char *name)
{
    uint64_t value = 0;

    arm_reg_read(c->m, cpu, name, &value);
    return value;
}

uint64_t death_reg_el(const struct corpse *c, unsigned cpu, const char *stem, unsigned el)
{
    char name[32];

    g_snprintf(name, sizeof(name), "%s_EL%u", stem, el);
    return death_reg(c, cpu, name);
}

unsigned death_el(const struct corpse *c, unsigned cpu)
{
    return (unsigned)(death_reg(c, cpu, "pstate") >> 2) & 3;
}

char *death_place(const struct corpse *c, unsigned cpu, unsigned el, uint64_t address)
{
    char symbol[256];

    if (c->symbols && arm_checker_symbol(c->symbols, cpu, el, address, symbol, sizeof(symbol)))
        return g_strdup_printf("%#" PRIx64 " (%s)", address, symbol);
    return g_strdup_printf("%#" PRIx64, address);
}

bool death_insn(const struct corpse *c, unsigned cpu, unsigned el, uint64_t pc, uint32_t *word)
{
    return arm_virt_read(c->m, cpu, el, pc, word, 4);
}

/* ---- which exception ---- */

/* The last one to the EL that the CPU is at, by that EL's registers. */
static struct death_fault registers_fault(const struct corpse *c)
{
    unsigned el = death_el(c, c->cpu);
    uint64_t spsr = el ? death_reg_el(c, c->cpu, "SPSR", el) : 0;

    if (!el)
        return (struct death_fault){0};
    /* Software's own values, as KVM's poison of a VCPU that is new, are no exception's. */
    char esr[256];
    arm_text_esr(death_reg_el(c, c->cpu, "ESR", el), esr, sizeof(esr));
    return (struct death_fault){.valid = death_reg_el(c, c->cpu, "ESR", el) != 0 &&
                                         !g_str_has_prefix(esr, "reserved"),
                                .cpu = c->cpu,
                                .el = el,
                                .from = (unsigned)(spsr >> 2) & 3,
                                .esr = death_reg_el(c, c->cpu, "ESR", el),
                                .elr = death_reg_el(c, c->cpu, "ELR", el),
                                .far = death_reg_el(c, c->cpu, "FAR", el),
                                .hpfar = el == 2 ? death_reg(c, c->cpu, "HPFAR_EL2") : 0,
                                .spsr = spsr,
                                .syndrome = true};
}

/* Does the CPU stand among its vectors? Then they are all that there is of a handler. */
static bool is_at_vectors(const struct corpse *c)
{
    unsigned el = death_el(c, c->cpu);

    return el &&
           death_reg(c, c->cpu, "pc") - (death_reg_el(c, c->cpu, "VBAR", el) & ~UINT64_C(0x7ff)) <
               0x800;
}

static bool is_loop(enum death_kind kind)
{
    return kind == DEATH_LOOP || kind == DEATH_RECURSION || kind == DEATH_RETURNS;
}

/* What EL1 could not fetch, as stage 2 has nothing there, is its vector for something before it. */
static bool is_guests_vector(const struct corpse *c, const struct death_fault *f,
                             const struct death_fault *before)
{
    return f->valid && before->valid && death_is_error(before) && death_is_fetch(f) &&
           f->from == 1 && f->elr - (death_reg(c, f->cpu, "VBAR_EL1") & ~UINT64_C(0x7ff)) < 0x800;
}

/* What @cpu has taken, and not returned from. */
static const struct death_fault *open_fault(const struct corpse *c, unsigned cpu)
{
    const struct death_fault *open = c->history->open[cpu];

    if (open[3].valid && death_is_error(&open[3]))
        return &open[3];
    return open[2].valid && !is_guests_vector(c, &open[2], &open[1]) ? &open[2] : &open[1];
}

/* Who waits, or goes round, may do so for a CPU that was started and has failed. */
static void find_started(struct corpse *c)
{
    bool started = c->history->started.firmware.function;

    if (c->kind != DEATH_SPIN && c->kind != DEATH_IDLE)
        return;
    for (unsigned cpu = 0; started && cpu < arm_cpu_count(c->m); cpu++) {
        const struct death_fault *f = open_fault(c, cpu);
        if (c->fault.valid && death_is_error(&c->fault))
            return;
        if (!f->valid || !death_is_error(f))
            continue;
        c->cpu = cpu;
        c->fault = *f;
    }
}

void death_find_fault(struct corpse *c)
{
    struct death_fault now = registers_fault(c);

    if (is_loop(c->kind))
        c->loop = now;
    if (c->history && c->kind != DEATH_RETURNS) {
        c->fault = *open_fault(c, c->cpu);
        find_started(c);
    } else if (is_loop(c->kind) || is_at_vectors(c)) {
        c->fault = now;
    }
}

/* ---- a vector that does not work ---- */

/* Has it been given this value, and by whom? */
static void add_vbar(const struct corpse *c, unsigned el, GString *out)
{
    char name[16];

    g_snprintf(name, sizeof(name), "VBAR_EL%u", el);
    uint64_t vbar = death_reg(c, c->cpu, name);
    const struct death_write *w = death_written(c, c->cpu, name);
    if (!w && c->history) {
        if (el != 2 || !death_add_other_el(c, c->cpu, "VBAR", out))
            g_string_append_printf(out, "%s was never written, it is %#" PRIx64, name, vbar);
        return;
    }
    g_string_append_printf(out, "%s is %#" PRIx64, name, vbar);
    if (vbar >> 48 == 0xffff && !(death_reg_el(c, c->cpu, "SCTLR", el) & 1))
        g_string_append_printf(out, ": a virtual address, and the MMU is off (SCTLR_EL%u.M is 0)",
                               el);
    if (!w)
        return;
    g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
    if (w->value & 0x7ff)
        g_string_append_printf(
            out, ", written as %#" PRIx64 ", which is no multiple of 2048, at %s", w->value, at);
    else
        g_string_append_printf(out, ", written at %s", at);
}

/* Its tables are others since, which do not have it. */
static void add_tables_since(const struct corpse *c, unsigned el, GString *out)
{
    char name[16];

    g_snprintf(name, sizeof(name), "VBAR_EL%u", el);
    const struct death_write *vbar = death_written(c, c->cpu, name);
    g_snprintf(name, sizeof(name), "TTBR%u_EL%u",
               (unsigned)(death_reg_el(c, c->cpu, "VBAR", el) >> 55) & 1, el);
    const struct death_write *w = death_written(c, c->cpu, name);
    if (!vbar || !w || w->count < vbar->count || !(death_reg_el(c, c->cpu, "SCTLR", el) & 1))
        return;
    g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
    g_string_append_printf(out, "; since then %s was written, as %#" PRIx64 ", at %s", name,
                           w->value, at);
}

static bool is_in_vectors(const struct corpse *c, const struct death_fault *f)
{
    uint64_t vbar = f->valid ? death_reg_el(c, c->cpu, "VBAR", f->el) & ~UINT64_C(0x7ff) : 0;

    return f->valid && f->from == f->el && f->elr - vbar < 0x800;
}

/* Is it that of an interrupt's vector, at which there is no code? */
static bool is_at_interrupt(const struct corpse *c, const struct death_fault *f)
{
    uint64_t entry = f->elr & 0x7ff;

    return is_in_vectors(c, f) && !(entry & 0x7f) && vector_is_interrupt(entry) &&
           (death_ec(f) == ESR_EC_UNKNOWN || death_is_fetch(f));
}

/* Four branches at its beginning and nothing at @offset: a table as 32-bit Arm has it. */
static void add_spacing(const struct corpse *c, const struct death_fault *f, uint64_t vbar,
                        GString *out)
{
    uint32_t words[4], there = 0;

    if (!arm_virt_read(c->m, c->cpu, f->el, vbar, words, sizeof(words)) ||
        !arm_virt_read(c->m, c->cpu, f->el, f->elr, &there, sizeof(there)) || there)
        return;
    for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
        if (words[k] >> 26 != B_IMMEDIATE)
            return;
    g_string_append(out, "; its entries are 4 bytes apart there, and should be 128 (0x80): "
                         ".balign 0x80 before each");
}

/* The exception that the vector itself takes, without an end. */
static bool explain_vector(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint64_t vbar = death_reg_el(c, c->cpu, "VBAR", f->el) & ~UINT64_C(0x7ff),
             offset = f->elr - vbar;
    struct death_overwritten o = {0};
    struct death_fault now = *f;
    struct arm_translation t;

    now.count = arm_cpu_position(c->m, c->cpu).insns;
    if (!is_in_vectors(c, f))
        return false;
    g_string_printf(v->cause, "the vector of EL%u at %#" PRIx64 " (VBAR_EL%u+%#" PRIx64 ") %s",
                    f->el, f->elr, f->el, offset,
                    death_is_fetch(f)               ? "cannot be fetched"
                    : death_ec(f) == ESR_EC_UNKNOWN ? "has no instruction"
                    : death_ec(f) == ESR_EC_FP      ? "uses FP or SIMD registers itself, which are "
                                                      "trapped"
                                                    : "faults itself");
    if (vector_kind(offset) == VECTOR_IRQ)
        g_string_append(v->cause, ": an IRQ came");
    add_vbar(c, f->el, v->evidence);
    add_spacing(c, f, vbar, v->evidence);
    if (death_is_fetch(f))
        add_tables_since(c, f->el, v->evidence);
    if (arm_translate(c->m, c->cpu, f->el, f->elr, ARM_ACCESS_EXECUTE, &t) &&
        death_add_overwritten(c, &now, t.pa, 4, &o)) {
        g_string_append_printf(v->cause, ": it was overwritten, by cpu%u at %s%s", o.cpu, o.at,
                               o.by_stack ? ": the stack has grown into it" : "");
        g_free(o.at);
    }
    if (offset < 0x200)
        g_string_append_printf(v->evidence,
                               "; the vectors below +0x200 are of exceptions from EL%u with "
                               "SP_EL0 (PSTATE.SP 0, EL%ut): SPSR_ELx or SPSel says so",
                               f->el, f->el);
    g_string_printf(v->next,
                    "point VBAR_EL%u to a table of 2 KiB, aligned to 2 KiB and mapped, before "
                    "anything can fail",
                    f->el);
    if (o.by_stack)
        death_add_nested(c, &now, v);
    return true;
}

/* SP leads nowhere, so that what saves registers faults. */
static bool explain_stack(const struct corpse *c, struct verdict *v)
{
    const struct death_fault *f = &c->loop;
    uint64_t sp = death_reg(c, c->cpu, "sp");

    if (!f->valid || death_ec(f) != ESR_EC_DABT_CUR || death_fsc(f) >= 0x18 ||
        f->far - sp + 8192 > 16384)
        return false;
    g_autofree char *at = death_place(c, c->cpu, f->from, f->elr);
    g_string_printf(v->cause,
                    "the stack of EL%u leads nowhere: SP %#" PRIx64
                    ", and what saves registers there, at "
                    "%s, faults itself",
                    f->el, sp, at);
    return true;
}

static struct verdict verdict_new(void)
{
    return (struct verdict){g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
}

static void verdict_free(struct verdict *v)
{
    g_string_free(v->cause, TRUE);
    g_string_free(v->evidence, TRUE);
    g_string_free(v->next, TRUE);
}

/* What came first is the cause; that its vector does not work either is further evidence. */
static void say_first(const struct corpse *c, const struct verdict *end, struct verdict *v)
{
    death_explain_fault(c, &c->fault, v);
    if (end->cause->len)
        g_string_append_printf(v->evidence, "; %s%s%s", end->cause->str,
                               end->evidence->len ? ": " : "", end->evidence->str);
    if (!v->next->len)
        g_string_assign(v->next, end->next->str);
}

static void say_end(const struct corpse *c, const struct verdict *end, struct verdict *v)
{
    const struct death_fault *first = c->history ? &c->history->first[c->cpu][c->loop.el] : NULL;

    if (first && first->valid && death_add_call(c, first, v->cause))
        g_string_append(v->cause, ": ");
    g_string_append(v->cause, end->cause->str);
    g_string_assign(v->evidence, end->evidence->str);
    g_string_assign(v->next, end->next->str);
    if (c->fault.valid && !is_at_interrupt(c, &c->fault) &&
        (c->fault.elr != c->loop.elr || c->fault.esr != c->loop.esr))
        g_string_append_printf(v->evidence,
                               "%sit was entered for what happened at %#" PRIx64 " of EL%u",
                               v->evidence->len ? "; " : "", c->fault.elr, c->fault.from);
}

/* The overflow is what came first, seen as a fault of its own. */
static void say_stack(const struct corpse *c, const struct verdict *end, struct verdict *v)
{
    struct verdict first = verdict_new();

    say_end(c, end, v);
    if (c->fault.valid && death_explain_fault(c, &c->fault, &first))
        g_string_printf(v->evidence, "it began with %s: %s", first.cause->str, first.evidence->str);
    verdict_free(&first);
}

/* What handles a trap of FP registers uses them itself before they are there. */
static bool is_trap_of_fp(const struct corpse *c)
{
    return death_ec(&c->fault) == ESR_EC_FP && death_ec(&c->loop) == ESR_EC_FP && c->loop.valid &&
           c->loop.from == c->loop.el;
}

static bool explain_loop(const struct corpse *c, struct verdict *v)
{
    struct verdict end = verdict_new();
    bool error = c->fault.valid && death_is_error(&c->fault);
    bool abort = error && death_ec(&c->fault) == ESR_EC_DABT_CUR;
    bool same = c->fault.elr == c->loop.elr && c->fault.esr == c->loop.esr;
    bool interrupt = error && is_at_interrupt(c, &c->fault);
    bool stack = explain_stack(c, &end),
         vector = !stack && explain_vector(c, interrupt ? &c->fault : &c->loop, &end);

    if (stack && (abort || !error))
        say_stack(c, &end, v);
    else if (error && !((same || interrupt || is_trap_of_fp(c)) && vector))
        say_first(c, &end, v);
    else if (vector)
        say_end(c, &end, v);
    else
        death_explain_fault(c, c->loop.valid ? &c->loop : &c->fault, v);
    if (c->kind == DEATH_RETURNS && c->loop.valid && !death_is_trap(&c->loop))
        g_string_append_printf(v->evidence,
                               "%sits handler returns to the same instruction again and again, "
                               "ELR_EL%u as it was",
                               v->evidence->len ? "; " : "", c->loop.el);
    verdict_free(&end);
    return true;
}

bool death_diagnose(const struct corpse *c, struct verdict *v)
{
    if (c->kind == DEATH_PANIC) {
        g_string_printf(v->cause, "the guest says that it has died: %s", c->panic->text);
        g_string_printf(v->evidence, "%s%sits own report is above, on the console",
                        c->panic->meaning->str, c->panic->meaning->len ? "; " : "");
        g_string_assign(v->next, c->panic->next);
        return true;
    }
    if (c->kind == DEATH_RESETS) {
        death_explain_resets(c, v);
        return true;
    }
    if (c->kind == DEATH_ANSWERS)
        return death_explain_answers(c, v);
    if (c->kind == DEATH_STORM)
        return death_explain_storm(c, v);
    if (is_loop(c->kind))
        return explain_loop(c, v);
    if (c->fault.valid && death_is_error(&c->fault)) {
        death_explain_fault(c, &c->fault, v);
        unsigned el = death_el(c, c->cpu);
        g_autofree char *at = death_place(c, c->cpu, el, death_reg(c, c->cpu, "pc"));
        g_string_append_printf(v->evidence, "%sits handler has stopped at %s",
                               v->evidence->len ? "; " : "", at);
        return true;
    }
    if (c->kind == DEATH_SPIN && death_explain_vector(c, v))
        return true;
    return death_explain_wait(c, v);
}

/* EL1 without stage 2, beside a CPU whose EL1 is a guest's. */
static void add_no_stage2(const struct corpse *c, struct verdict *v)
{
    for (unsigned k = 0; k < arm_cpu_count(c->m); k++) {
        if (k == c->cpu || arm_cpu_state(c->m, k) == ARM_CPU_OFF ||
            (death_reg(c, k, "HCR_EL2") & (1 | ARM_BIT(27))) != 1)
            continue;
        g_string_append_printf(v->cause,
                               "; HCR_EL2 of cpu%u is %#" PRIx64
                               ": VM is 0, so that EL1 has no stage 2 there, and cpu%u has it on",
                               c->cpu, death_reg(c, c->cpu, "HCR_EL2"), k);
        g_string_assign(v->next, "set HCR_EL2, VTCR_EL2 and VTTBR_EL2 on each CPU before it enters "
                                 "a guest: each has its own");
        return;
    }
}

void death_add_guest(const struct corpse *c, struct verdict *v)
{
    const struct death_fault *f = c->fault.valid ? &c->fault : &c->loop;
    uint64_t hcr = death_reg(c, c->cpu, "HCR_EL2");
    unsigned el = f->valid ? f->el : death_el(c, c->cpu);

    if (!c->config->el2 || el != 1 || hcr >> 27 & 1) /* TGE */
        return;
    if (!(hcr & 1)) { /* VM */
        add_no_stage2(c, v);
        return;
    }
    g_string_append_printf(v->evidence, "%sit is a guest, of VMID %u, in which this happens",
                           v->evidence->len ? "; " : "",
                           (unsigned)(death_reg(c, c->cpu, "VTTBR_EL2") >> 48));
    g_string_append_printf(v->next,
                           "%s`armillary check` says whether its hypervisor has lost or changed a "
                           "register of it",
                           v->next->len ? "; " : "");
}

bool death_explain_now(struct arm_machine *m, unsigned cpu, GString *out)
{
    const struct arm_config none = {.el2 = true};
    struct corpse c = {.m = m, .config = &none, .kind = DEATH_SPIN, .cpu = cpu};
    struct verdict v = verdict_new();
    enum arm_cpu_state state = arm_cpu_state(m, cpu);

    if (state == ARM_CPU_WFI || state == ARM_CPU_WFE)
        c.kind = DEATH_IDLE;
    c.fault = registers_fault(&c);
    bool error = c.fault.valid && death_is_error(&c.fault);
    bool said = error ? death_explain_fault(&c, &c.fault, &v) : death_explain_wait(&c, &v);
    if (said)
        g_string_append_printf(out, "%scpu%u: %s\n  %s\n", error ? "the last exception: " : "", cpu,
                               v.cause->str, v.evidence->str);
    if (said && v.next->len)
        g_string_append_printf(out, "  try: %s\n", v.next->str);
    verdict_free(&v);
    return said;
}
