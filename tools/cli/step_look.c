/* What commands share: where this is, what is there, and what writes it. */
#include <inttypes.h>
#include <string.h>

#include "arch/vector.h"
#include "parse.h"
#include "step.h"
#include "trace/disasm.h"

uint64_t step_reg(const struct stepper *s, uint32_t number)
{
    uint64_t value[2] = {0, 0};

    arm_reg_get(step_machine(s), s->cpu, number, value);
    return value[0];
}

unsigned step_el(const struct stepper *s)
{
    return (unsigned)(step_reg(s, ARM_PSTATE) >> 2) & 3;
}

const char *step_symbol_of(const struct stepper *s, unsigned cpu, unsigned el, const char *world,
                           uint64_t address, char *buf, size_t size)
{
    if ((world && g_str_has_prefix(world, "vm")) ||
        !arm_checker_symbol(s->checker, cpu, el, address, buf, size))
        *buf = '\0';
    return buf;
}

const char *step_symbol(const struct stepper *s, uint64_t address, char *buf, size_t size)
{
    return step_symbol_of(s, s->cpu, step_el(s), step_world(s, s->cpu), address, buf, size);
}

void step_disassemble(const struct stepper *s, uint64_t pc, uint32_t word, char *text, size_t size)
{
    GString *all = g_string_new(NULL);

    trace_disasm_text(s->disasm, pc, word, all);
    g_strlcpy(text, all->str, size);
    g_string_free(all, TRUE);
}

bool step_insn(const struct stepper *s, uint64_t pc, uint32_t *word, char *text, size_t size)
{
    bool read = arm_virt_read(step_machine(s), s->cpu, step_el(s), pc, word, 4);

    if (read)
        step_disassemble(s, pc, *word, text, size);
    else
        g_snprintf(text, size, "(not mapped)");
    return read;
}

const char *step_world_at(const struct stepper *s, unsigned cpu, struct arm_position at)
{
    struct arm_crossing last;

    return arm_checker_crossing(s->checker, cpu, at, false, &last) && last.enter ? last.world
                                                                                 : NULL;
}

const char *step_world(const struct stepper *s, unsigned cpu)
{
    return step_world_at(s, cpu, timeline_here(s->t));
}

void step_where(const struct stepper *s, GString *out)
{
    struct arm_position at = timeline_here(s->t);
    uint64_t pc = step_reg(s, ARM_PC);
    char text[160], symbol[128];
    const char *world = step_world(s, s->cpu);
    uint32_t word;

    step_insn(s, pc, &word, text, sizeof(text));
    step_symbol(s, pc, symbol, sizeof(symbol));
    g_string_append_printf(out, "%" PRIu64 ".%" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " %s%s%s\n",
                           at.insns, at.exceptions, s->cpu, step_el(s), world ? world : "-", pc,
                           symbol, *symbol ? ": " : "", text);
}

bool step_number(const struct stepper *s, const char *text, uint64_t *value)
{
    return parse_number(text, 0, UINT64_MAX, value) || arm_checker_address(s->checker, text, value);
}

bool step_memory(const struct stepper *s, const char *text, uint64_t *pa)
{
    struct arm_translation t;
    bool physical = g_str_has_prefix(text, "pa:");
    uint64_t byte;

    if (!step_number(s, text + (physical ? 3 : 0), pa))
        return false;
    if (!physical && arm_translate(step_machine(s), s->cpu, step_el(s), *pa, ARM_ACCESS_READ, &t))
        *pa = t.pa;
    return arm_mem_read(step_machine(s), *pa & ~UINT64_C(7), &byte, 8);
}

/* ---- writes ---- */

/* System registers that taking an exception to @el writes. */
static bool exception_writes(const struct arm_event *p, uint32_t number)
{
    static const char *const names[2][4] = {{"ELR_EL1", "SPSR_EL1", "ESR_EL1", "FAR_EL1"},
                                            {"ELR_EL2", "SPSR_EL2", "ESR_EL2", "FAR_EL2"}};
    const char *const *n = names[p->exception.target_el == 2];
    bool interrupt = vector_is_interrupt(p->exception.vector);

    return number == arm_reg_number(n[0]) || number == arm_reg_number(n[1]) ||
           (number == arm_reg_number(n[2]) && !interrupt) ||
           (number == arm_reg_number(n[3]) && p->exception.far_written) ||
           (number == arm_reg_number("HPFAR_EL2") && p->exception.hpfar_written);
}

static bool writes_register(const struct step_target *t, const struct arm_event *p)
{
    struct arm_insn_use use;

    switch (p->kind) {
    case ARM_EVENT_INSN:
        if (t->number < ARM_X(0) || !arm_insn_uses(p->insn.word, &use))
            return false;
        if (t->number >= ARM_V(0))
            return use.v_writes >> (t->number - ARM_V(0)) & 1;
        return use.writes >> (t->number - ARM_X(0)) & 1;
    case ARM_EVENT_SYSREG_WRITE:
        return p->sysreg_write.sr == t->number;
    case ARM_EVENT_HWREG:
        return p->hwreg.sr == t->number;
    case ARM_EVENT_EXCEPTION:
        return exception_writes(p, t->number);
    case ARM_EVENT_AT:
        return t->number == arm_reg_number("PAR_EL1");
    default:
        return p->kind == ARM_EVENT_POWER;
    }
}

static bool overlaps(uint64_t pa, uint64_t start, uint64_t size)
{
    return start < pa + 8 && pa < start + size;
}

static bool writes_memory(const struct step_target *t, const struct arm_event *p)
{
    if (p->kind == ARM_EVENT_DMA)
        return p->dma.write && overlaps(t->pa, p->dma.pa, p->dma.size);
    return overlaps(t->pa, p->store.pa, p->store.size);
}

static void look(void *ctx)
{
    struct step_target *t = ctx;

    t->value = 0;
    arm_mem_read(step_machine(t->s), t->pa, &t->value, 8);
}

/* Is what has been written another value? */
static bool differs(struct step_target *t)
{
    uint64_t before = t->value;

    look(t);
    return t->value != before;
}

bool step_writes(const struct step_target *t, const struct arm_event *p)
{
    const struct arm_event_mem *m = &p->mem;
    uint64_t whole = m->size, first = m->pa2 ? 0x1000 - (m->pa & 0xfff) : whole;

    if (t->number != ARM_NO_REGISTER)
        return p->cpu == t->cpu && writes_register(t, p);
    if (p->kind == ARM_EVENT_MEM)
        return (m->kind & ARM_MEM_WRITE) && (overlaps(t->pa, m->pa, first) ||
                                             (m->pa2 && overlaps(t->pa, m->pa2, whole - first)));
    return p->kind == ARM_EVENT_DMA && writes_memory(t, p);
}

static bool is_write(void *ctx, const struct arm_event *p)
{
    struct step_target *t = ctx;

    if (t->number != ARM_NO_REGISTER)
        return writes_register(t, p);
    return writes_memory(t, p) && (!t->changes || differs(t));
}

struct timeline_quest step_write_quest(struct step_target *t)
{
    const uint64_t insn = ARM_BIT(ARM_EVENT_INSN);
    const uint64_t system = ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_HWREG) |
                            ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_AT);
    const uint64_t memory = ARM_BIT(ARM_EVENT_STORE) | ARM_BIT(ARM_EVENT_DMA);
    struct timeline_quest q = {.filter = {.size = sizeof(q.filter)}, .match = is_write, .ctx = t};

    if (t->number == ARM_NO_REGISTER) {
        t->pa &= ~UINT64_C(7);
        q.filter.events = memory;
        q.begin = t->changes ? look : NULL;
        q.watch = true;
        q.pa = t->pa;
        return q;
    }
    q.filter.events = (t->number >= ARM_X(0) ? insn : system) | ARM_BIT(ARM_EVENT_POWER);
    q.sysreg = t->number < ARM_X(0) ? t->number : 0;
    q.filter.cpus[t->cpu / 64] = ARM_BIT(t->cpu % 64);
    return q;
}
