/*
 * Tarmac, in the style of Arm's models, as ARM-software/tarmac-trace-utilities describe and read
 * it. Lines are
 *
 * - "TICK clk IT (N) VA:PA_NS WORD O MODE : TEXT": an instruction; IS: a conditional branch that is
 *   not taken.
 * - "TICK clk MR8 VA:PA_NS VALUE": a load (MW: a store) of 1, 2, 4 or 8 bytes; X: exclusive.
 * - "TICK clk R NAME VALUE": a register has been written.
 * - "TICK clk E VA VECTOR CoreEvent_WHAT": an exception is taken.
 *
 * What an instruction has done stands behind its line, so that lines are made when it is over: at
 * the CPU's next event that is none of its accesses. A tick is an instruction, also one that an
 * exception ends.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "arch/vector.h"
#include "trace/format.h"

#define XREGS 31

struct tarmac {
    bool known;     /* registers below are as last written into the trace */
    bool pending;   /* an instruction has begun */
    bool exception; /* one has been taken: SP and PSTATE are others */
    uint64_t tick;
    uint64_t pc;    /* of what has begun */
    uint64_t count; /* retired by the CPU before it */
    uint32_t word;
    uint64_t x[XREGS], sp, pstate;
    uint64_t v[32][2];
    size_t kind_at; /* in the text: of the T that becomes an S */
    unsigned cpu;
};

void trace_tarmac_begin(struct trace *t)
{
    t->self = g_new0(struct tarmac, 1);
}

static void line(struct trace *t, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void line(struct trace *t, const char *format, ...)
{
    const struct tarmac *s = t->self;
    va_list args;

    g_string_append_printf(t->text, "%" PRIu64 " clk ", s->tick);
    va_start(args, format);
    g_string_append_vprintf(t->text, format, args);
    va_end(args);
    g_string_append_c(t->text, '\n');
}

static uint64_t reg(const struct trace *t, uint32_t number)
{
    const struct tarmac *s = t->self;
    uint64_t value[2] = {0};

    return arm_reg_get(t->m, s->cpu, number, value) ? value[0] : 0;
}

/* ---- registers ---- */

/* By its bank, which the reader of a trace does not tell apart: a write of another bank's is no
 * line. */
static void sp_line(struct trace *t, uint64_t pstate)
{
    const struct tarmac *s = t->self;

    line(t, "R SP_EL%u %016" PRIX64, pstate & 1 ? (unsigned)(pstate >> 2 & 3) : 0, s->sp);
}

static void v_lines(struct trace *t, uint32_t which)
{
    struct tarmac *s = t->self;

    for (unsigned n = 0; n < 32; n++) {
        if (!(which >> n & 1) || !arm_reg_get(t->m, s->cpu, ARM_V(n), s->v[n]))
            continue;
        line(t, "R q%u %016" PRIx64 "%016" PRIx64, n, s->v[n][1], s->v[n][0]);
    }
}

/* @x, @v: registers that have a line although they may be the same as before. */
static void register_lines(struct trace *t, uint32_t x, uint32_t v)
{
    struct tarmac *s = t->self;
    uint64_t sp = reg(t, ARM_SP), pstate = reg(t, ARM_PSTATE);

    for (unsigned n = 0; n < XREGS; n++) {
        uint64_t value = reg(t, ARM_X(n));
        if (s->known && !(x >> n & 1) && value == s->x[n])
            continue;
        s->x[n] = value;
        line(t, "R X%u %016" PRIX64, n, value);
    }
    v_lines(t, s->known ? v : UINT32_MAX);
    bool bank = (pstate ^ s->pstate) & 0xd, moved = sp != s->sp;
    s->sp = sp;
    if (!s->known || bank || moved || x >> XREGS)
        sp_line(t, pstate);
    if (!s->known || s->exception || pstate != s->pstate)
        line(t, "R cpsr %08" PRIx64, pstate);
    s->pstate = pstate;
    s->known = true;
    s->exception = false;
}

/* ---- instructions ---- */

/* Of a conditional branch: B.cond, CBZ, CBNZ, TBZ, TBNZ. */
static bool is_conditional(uint32_t word)
{
    return (word & 0xfe000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000 ||
           (word & 0x7e000000) == 0x36000000;
}

/* What has begun is over: the CPU has retired @count instructions and goes on at @next. An
 * exception has ended it if these are not more than before; if they are several more, the filter
 * has let others not pass, and what is in the registers now is not its own. */
static void finish(struct trace *t, uint64_t next, uint64_t count)
{
    struct tarmac *s = t->self;
    struct arm_insn_use use;

    if (!s->pending)
        return;
    if (count == s->count + 1) {
        if (is_conditional(s->word) && next == s->pc + 4)
            t->text->str[s->kind_at] = 'S';
        if (!arm_insn_uses(s->word, &use))
            use = (struct arm_insn_use){0};
        register_lines(t, use.writes, use.v_writes);
    }
    s->pending = false;
    trace_sink_put(&t->sink, t->text);
}

static void begin_insn(struct trace *t, const struct arm_event *e)
{
    struct tarmac *s = t->self;
    bool gap = !s->pending || e->count != s->count + 1;

    finish(t, e->pc, e->count);
    s->cpu = e->cpu;
    if (gap)
        register_lines(t, 0, 0);
    s->tick++;
    g_string_append_printf(t->text, "%" PRIu64 " clk I", s->tick);
    s->kind_at = t->text->len;
    g_string_append_printf(
        t->text, "T (%" PRIu64 ") %016" PRIx64 ":%012" PRIx64 "_NS %08x O EL%u%c_ns : ", s->tick,
        e->pc, e->insn.pa, e->insn.word, e->el, s->pstate & 1 ? 'h' : 't');
    trace_disassemble(t, e->pc, e->insn.word, t->text);
    g_string_append_c(t->text, '\n');
    s->pending = true;
    s->pc = e->pc;
    s->count = e->count;
    s->word = e->insn.word;
}

/* ---- memory ---- */

/* Byte @k of what was accessed. The event has the first sixteen; those of a longer one are in
 * memory. */
static uint8_t byte_of(const struct trace *t, const struct arm_event *e, unsigned k)
{
    uint8_t byte = 0;

    if (e->mem.kind & ARM_MEM_ZERO)
        return 0;
    if (k < 16)
        return (uint8_t)(e->mem.value[k / 8] >> k % 8 * 8);
    return arm_mem_read(t->m, e->mem.pa + k, &byte, 1) ? byte : 0;
}

/* Where byte @k of it is: behind a page's end somewhere else. */
static uint64_t pa_of(const struct arm_event *e, unsigned k)
{
    uint64_t first = 4096 - e->mem.va % 4096;

    return e->mem.pa2 && k >= first ? e->mem.pa2 + k - first : e->mem.pa + k;
}

static void mem_line(struct trace *t, const struct arm_event *e, unsigned at, unsigned size)
{
    char value[20] = "";

    for (unsigned k = size; k-- > 0;) {
        size_t used = strlen(value);
        g_snprintf(value + used, sizeof(value) - used, "%02x%s", byte_of(t, e, at + k),
                   k == 4 ? "_" : "");
    }
    line(t, "M%c%u%s %016" PRIx64 ":%012" PRIx64 "_NS %s", e->mem.kind & ARM_MEM_WRITE ? 'W' : 'R',
         size, e->mem.kind & ARM_MEM_EXCLUSIVE ? "X" : "", e->mem.va + at, pa_of(e, at), value);
}

static void mem(struct trace *t, const struct arm_event *e)
{
    const struct tarmac *s = t->self;
    unsigned at = 0;

    if (!s->pending)
        return; /* of an instruction that the filter has not let pass */
    for (unsigned piece = 8; piece; piece /= 2)
        for (; e->mem.size - at >= piece; at += piece)
            mem_line(t, e, at, piece);
}

/* ---- exceptions and system registers ---- */

static void exception(struct trace *t, const struct arm_event *e)
{
    static const char *const from[] = {"CURRENT_SP0", "CURRENT_SPx", "LOWER_64", "LOWER_32"};
    static const char *const what[] = {"SYNC", "IRQ", "FIQ", "SERROR"};
    struct tarmac *s = t->self;
    unsigned el = e->exception.target_el, vector = e->exception.vector & 0x7ff;

    finish(t, e->pc, e->count);
    s->cpu = e->cpu;
    if (!s->known)
        register_lines(t, 0, 0);
    line(t, "E %016" PRIx64 " %08x CoreEvent_%s_%s", e->pc, vector, from[vector >> 9],
         what[vector >> 7 & 3]);
    line(t, "R ELR_EL%u %016" PRIx64, el, e->pc);
    line(t, "R SPSR_EL%u %016" PRIx64, el, e->exception.spsr);
    if (!vector_is_interrupt(vector))
        line(t, "R ESR_EL%u %016" PRIx64, el, e->exception.esr);
    if (e->exception.far_written)
        line(t, "R FAR_EL%u %016" PRIx64, el, e->exception.far);
    if (e->exception.hpfar_written)
        line(t, "R HPFAR_EL2 %016" PRIx64, e->exception.hpfar);
    s->exception = true;
    trace_sink_put(&t->sink, t->text);
}

/* A register whose name is no other thing's to the readers of Tarmac: "S3_..." would be S3, an SP
 * of another bank SP, and PSTATE's fields are in cpsr. */
static void sysreg(struct trace *t, uint32_t number, uint64_t value)
{
    const struct tarmac *s = t->self;
    const char *name = arm_reg_name(number);

    if (!s->pending || !name || g_str_has_prefix(name, "SP_EL") ||
        (name[0] == 'S' && g_ascii_isdigit(name[1])) || !strcmp(name, "NZCV") ||
        !strcmp(name, "DAIF") || !strcmp(name, "CurrentEL") || !strcmp(name, "SPSel"))
        return;
    if (!strcmp(name, "FPSR") || !strcmp(name, "FPCR"))
        line(t, "R %s %08" PRIx64, strcmp(name, "FPSR") ? "fpcr" : "fpsr", value);
    else
        line(t, "R %s %016" PRIx64, name, value);
}

void trace_tarmac_event(struct trace *t, const struct arm_event *e)
{
    switch (e->kind) {
    case ARM_EVENT_INSN:
        begin_insn(t, e);
        break;
    case ARM_EVENT_MEM:
        mem(t, e);
        break;
    case ARM_EVENT_EXCEPTION:
        exception(t, e);
        break;
    case ARM_EVENT_SYSREG_WRITE:
        sysreg(t, e->sysreg_write.sr, e->sysreg_write.after);
        break;
    case ARM_EVENT_HWREG:
        sysreg(t, e->hwreg.sr, e->hwreg.after);
        break;
    default:
        break;
    }
}

void trace_tarmac_end(struct trace *t)
{
    struct tarmac *s = t->self;

    finish(t, reg(t, ARM_PC), arm_cpu_position(t->m, s->cpu).insns);
    if (t->text->len)
        trace_sink_put(&t->sink, t->text);
    g_free(s);
}
