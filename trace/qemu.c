/*
 * In the words of QEMU's log (-d int, in_asm, exec, cpu), for people and scripts that know it. What
 * differs is in docs/tracing.md: a block is what this emulator's instructions say it is, and
 * addresses of host code are 0.
 */
#include <inttypes.h>

#include "trace/format.h"

/* ---- int ---- */

#define EC(esr) ((unsigned)((esr) >> 26 & 0x3f))

/* By ESR_ELx.EC; what has no row is taken as undefined there, traps too. */
static const struct {
    uint8_t first_ec, last_ec, number;
    const char *name;
} exceptions[] = {
    {0x11, 0x11, 2, "SVC"},
    {0x15, 0x15, 2, "SVC"},
    {0x12, 0x12, 11, "Hypervisor Call"},
    {0x16, 0x16, 11, "Hypervisor Call"},
    {0x13, 0x13, 13, "Secure Monitor Call"},
    {0x17, 0x17, 13, "Secure Monitor Call"},
    {0x20, 0x22, 3, "Prefetch Abort"}, /* a misaligned PC, too */
    {0x24, 0x26, 4, "Data Abort"},     /* a misaligned SP, too */
    {0x30, 0x31, 3, "Prefetch Abort"}, /* breakpoints */
    {0x34, 0x35, 4, "Data Abort"},     /* watchpoints */
    {0x38, 0x3c, 7, "Breakpoint"},
};

static const struct {
    uint8_t number;
    const char *name;
} interrupts[2][4] = {
    {{1, "Undefined Instruction"}, {5, "IRQ"}, {6, "FIQ"}, {24, "Virtual SERR"}},
    {{1, "Undefined Instruction"}, {14, "Virtual IRQ"}, {15, "Virtual FIQ"}, {24, "Virtual SERR"}},
};

static unsigned number_of(const struct arm_event *e, bool virt, const char **name)
{
    unsigned kind = e->exception.vector >> 7 & 3, ec = EC(e->exception.esr);

    for (unsigned k = 0; kind == 0 && k < G_N_ELEMENTS(exceptions); k++) {
        if (ec < exceptions[k].first_ec || ec > exceptions[k].last_ec)
            continue;
        *name = exceptions[k].name;
        return exceptions[k].number;
    }
    *name = interrupts[virt][kind].name;
    return interrupts[virt][kind].number;
}

static void exception(struct trace *t, const struct arm_event *e)
{
    unsigned el = e->exception.target_el, kind = e->exception.vector >> 7 & 3;
    uint64_t hcr = el == 1 ? trace_reg(t, e->cpu, "HCR_EL2") : 0,
             pan = e->exception.spsr & (UINT64_C(1) << 22);
    /* An interrupt's line has what is in the register, which it does not write. */
    uint64_t esr = kind == 0 || kind == 3 ? e->exception.esr
                                          : trace_reg(t, e->cpu, el == 2 ? "ESR_EL2" : "ESR_EL1");
    const char *name;
    unsigned number = number_of(e, (kind == 1 && (hcr & 0x10)) || (kind == 2 && (hcr & 8)), &name);

    g_string_append_printf(t->text, "Taking exception %u [%s] on CPU %u\n...from EL%u to EL%u\n",
                           number, name, e->cpu, e->el, el);
    g_string_append_printf(t->text, "...with ESR 0x%x/0x%" PRIx64 "\n", EC(esr), esr);
    if (e->exception.far_written)
        g_string_append_printf(t->text, "...with FAR 0x%" PRIx64 "\n", e->exception.far);
    g_string_append_printf(t->text, "...with ELR 0x%" PRIx64 "\n", e->pc);
    g_string_append_printf(
        t->text, "...to EL%u PC 0x%" PRIx64 " PSTATE 0x%" PRIx64 "\n", el,
        (trace_reg(t, e->cpu, el == 2 ? "VBAR_EL2" : "VBAR_EL1") & ~UINT64_C(0x7ff)) +
            e->exception.vector,
        UINT64_C(0x3c1) | (uint64_t)el << 2 | pan);
}

void trace_qemu_int_begin(struct trace *t)
{
    (void)t;
}

void trace_qemu_int_event(struct trace *t, const struct arm_event *e)
{
    if (e->kind == ARM_EVENT_EXCEPTION)
        exception(t, e);
    else
        g_string_append_printf(
            t->text, "Exception return from AArch64 EL%u to AArch64 EL%u PC 0x%" PRIx64 "\n", e->el,
            e->eret.target_el, e->eret.target);
    trace_sink_put(&t->sink, t->text);
}

void trace_qemu_int_end(struct trace *t)
{
    (void)t;
}

/* ---- blocks ---- */

/* Where each CPU's next instruction is if it is not the first of a block. */
struct blocks {
    uint64_t *next; /* 1: nowhere */
    GHashTable *seen;
};

static void blocks_begin(struct trace *t)
{
    struct blocks *b = g_new0(struct blocks, 1);
    unsigned count = arm_cpu_count(t->m);

    b->next = g_new(uint64_t, count);
    for (unsigned k = 0; k < count; k++)
        b->next[k] = 1;
    b->seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    t->self = b;
}

static void blocks_end(struct trace *t)
{
    struct blocks *b = t->self;

    g_free(b->next);
    g_hash_table_unref(b->seen);
    g_free(b);
}

/* Is @e the first instruction of a block: behind a branch or an exception, or of a page? */
static bool starts_block(struct trace *t, const struct arm_event *e)
{
    struct blocks *b = t->self;
    bool starts = b->next[e->cpu] != e->pc || (e->pc & 0xfff) == 0;

    b->next[e->cpu] = trace_is_branch(e->insn.word) ? 1 : e->pc + 4;
    return starts;
}

void trace_qemu_exec_begin(struct trace *t)
{
    blocks_begin(t);
}

void trace_qemu_exec_event(struct trace *t, const struct arm_event *e)
{
    char name[160];

    if (!starts_block(t, e))
        return;
    trace_function(t->names, e, name, sizeof(name));
    g_string_append_printf(t->text, "Trace %u: 0x0 [%016x/%016" PRIx64 "/%08x/%08x] %s\n", e->cpu,
                           0, e->pc, 0, 0, name);
    trace_sink_put(&t->sink, t->text);
}

void trace_qemu_exec_end(struct trace *t)
{
    blocks_end(t);
}

/* ---- in_asm ---- */

void trace_qemu_in_asm_begin(struct trace *t)
{
    blocks_begin(t);
}

/* The block from @e on, which has not been executed yet, as it is in memory. */
static void block(struct trace *t, const struct arm_event *e)
{
    uint64_t pc = e->pc;
    uint32_t word = e->insn.word;
    char name[160];

    trace_function(t->names, e, name, sizeof(name));
    g_string_append_printf(t->text, "----------------\nIN: %s\n", name);
    for (;;) {
        g_string_append_printf(t->text, "0x%08" PRIx64 ":  %08x  ", pc, word);
        trace_disassemble(t, pc, word, t->text);
        g_string_append_c(t->text, '\n');
        pc += 4;
        if (trace_is_branch(word) || (pc & 0xfff) == 0 ||
            !arm_virt_read(t->m, e->cpu, e->el, pc, &word, sizeof(word)))
            break;
    }
    g_string_append_c(t->text, '\n');
    trace_sink_put(&t->sink, t->text);
}

void trace_qemu_in_asm_event(struct trace *t, const struct arm_event *e)
{
    struct blocks *b = t->self;
    uint64_t key = e->insn.pa;

    if (!starts_block(t, e) || g_hash_table_contains(b->seen, &key))
        return;
    g_hash_table_add(b->seen, g_memdup2(&key, sizeof(key)));
    block(t, e);
}

void trace_qemu_in_asm_end(struct trace *t)
{
    blocks_end(t);
}

/* ---- cpu ---- */

void trace_qemu_cpu_begin(struct trace *t)
{
    blocks_begin(t);
}

void trace_qemu_cpu_event(struct trace *t, const struct arm_event *e)
{
    uint64_t value[2], pstate;

    if (!starts_block(t, e))
        return;
    g_string_append_printf(t->text, " PC=%016" PRIx64 " ", e->pc);
    for (unsigned n = 0; n <= 31; n++) {
        if (!arm_reg_get(t->m, e->cpu, ARM_X(n), value)) /* 31: SP */
            value[0] = 0;
        if (n == 31)
            g_string_append_printf(t->text, " SP=%016" PRIx64 "\n", value[0]);
        else
            g_string_append_printf(t->text, "X%02u=%016" PRIx64 "%s", n, value[0],
                                   n % 2 && n > 0 ? "\n" : " ");
    }
    pstate = arm_reg_get(t->m, e->cpu, ARM_PSTATE, value) ? value[0] : 0;
    g_string_append_printf(t->text, "PSTATE=%08" PRIx64 " %c%c%c%c EL%u%c\n", pstate,
                           pstate >> 31 & 1 ? 'N' : '-', pstate >> 30 & 1 ? 'Z' : '-',
                           pstate >> 29 & 1 ? 'C' : '-', pstate >> 28 & 1 ? 'V' : '-', e->el,
                           pstate & 1 ? 'h' : 't');
    trace_sink_put(&t->sink, t->text);
}

void trace_qemu_cpu_end(struct trace *t)
{
    blocks_end(t);
}
