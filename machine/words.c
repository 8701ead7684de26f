/* Numbers of the architecture in words, for people. Nothing here has a machine. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "arch/insn.h"
#include "armillary.h"
#include "mmu/fault.h"

/* What a caller's buffer gets, and how long it would be. */
struct text {
    char *buf;
    size_t size, length;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
    size_t room = t->length < t->size ? t->size - t->length : 0;
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(room ? t->buf + t->length : NULL, room, fmt, ap);
    va_end(ap);
    t->length += n > 0 ? (size_t)n : 0;
}

/* ---- exceptions ---- */

static bool is_abort(unsigned ec)
{
    return ec == ESR_EC_IABT_LOW || ec == ESR_EC_IABT_CUR || ec == ESR_EC_DABT_LOW ||
           ec == ESR_EC_DABT_CUR;
}

/* The other way round than EncodeLDFSC(). */
static bool find_fault(unsigned fsc, struct mmu_fault *fault)
{
    for (int type = MMU_FAULT_ADDRESS_SIZE; type <= MMU_FAULT_DEBUG; type++)
        for (int level = -1; level <= 3; level++) {
            *fault = (struct mmu_fault){.type = (enum mmu_fault_type)type, .level = (int8_t)level};
            if (mmu_fault_fsc(fault) == fsc)
                return true;
        }
    return false;
}

static bool has_level(const struct mmu_fault *fault)
{
    struct mmu_fault other = *fault;

    other.level = fault->level == 1 ? 2 : 1;
    return mmu_fault_fsc(fault) != mmu_fault_fsc(&other);
}

static void add_syndrome(struct text *t, uint64_t esr)
{
    unsigned ec = (unsigned)bits(esr, 31, 26);
    struct mmu_fault fault;

    add(t, "%s", esr_ec_text(ec));
    if (!is_abort(ec) || !find_fault((unsigned)bits(esr, 5, 0), &fault))
        return;
    add(t, ", %s", mmu_fault_name(fault.type));
    if (has_level(&fault))
        add(t, ", level %d", fault.level);
}

size_t arm_text_esr(uint64_t esr, char *buf, size_t size)
{
    struct text t = {buf, size, 0};

    add_syndrome(&t, esr);
    return t.length;
}

size_t arm_text_pstate(uint64_t spsr, char *buf, size_t size)
{
    const struct sysreg_field *end = sysreg_fields;
    struct text t = {buf, size, 0};

    while (end->name[0])
        end++;
    for (const struct sysreg_field *d = end; d-- != sysreg_fields;) {
        uint64_t value = d->sr == SR_SPSR_EL1 ? bits(spsr, d->hi, d->lo) : 0;
        if (value && d->hi == d->lo)
            add(&t, "%s ", d->name);
        else if (value && d->lo != 0)
            add(&t, "%s=%" PRIu64 " ", d->name, value);
    }
    add(&t, "EL%u%c", (unsigned)bits(spsr, 3, 2), spsr & 1 ? 'h' : 't');
    return t.length;
}

/* ---- events ---- */

const char *arm_event_topic(enum arm_event_kind kind)
{
    static const char *const words[] = {
#define PROBE(number, NAME, member, word, text, fields) [number] = #word,
#include "base/probe.def"
#undef PROBE
    };

    return (unsigned)kind < ARRAY_SIZE(words) ? words[kind] : NULL;
}

/* Fields by their types. What is false or no register is left out. */

static void add_bool(struct text *t, const char *name, bool value)
{
    if (value)
        add(t, " %s", name);
}

static void add_64(struct text *t, const char *name, uint64_t value)
{
    add(t, " %s=%#" PRIx64, name, value);
}

static void add_128(struct text *t, const char *name, const uint64_t value[2])
{
    if (value[1])
        add(t, " %s=%#" PRIx64 ":%016" PRIx64, name, value[1], value[0]);
    else
        add_64(t, name, value[0]);
}

/* Sizes, numbers of registers and CPUs, INTIDs. */
static void add_8(struct text *t, const char *name, uint8_t value)
{
    if (value != ARM_NO_REG)
        add(t, " %s=%u", name, value);
}

static void add_16(struct text *t, const char *name, uint16_t value)
{
    add_64(t, name, value);
}

static void add_32(struct text *t, const char *name, uint32_t value)
{
    add_64(t, name, value);
}

static void add_sr(struct text *t, const char *name, uint16_t number)
{
    const char *its = arm_reg_name(number);

    add(t, " %s=%s", name, its ? its : "?");
}

static void add_word(struct text *t, const char *name, const char *set, unsigned value)
{
    const char *word = arm_event_word(set, value);

    add(t, " %s=%s", name, word ? word : "?");
}

static void add_bits(struct text *t, const char *set, unsigned value)
{
    for (; value; value &= value - 1) {
        const char *word = arm_event_word(set, value & -value);
        add(t, " %s", word ? word : "?");
    }
}

static void add_fields(struct text *t, const struct arm_event *event)
{
    switch (event->kind) {
#define FIELD(type, name, text) add_##type(t, #name, row->name);
#define WORD(set, name, text)   add_word(t, #name, #set, row->name);
#define BITS(set, name, text)   add_bits(t, #set, row->name);
#define PROBE(number, NAME, member, word, text, fields)                                            \
    case ARM_EVENT_##NAME: {                                                                       \
        const __typeof__(event->member) *row = &event->member;                                     \
        add(t, #member);                                                                           \
        fields                                                                                     \
    } break;
#include "base/probe.def"
#undef PROBE
#undef BITS
#undef WORD
#undef FIELD
    }
}

size_t arm_text_event(const struct arm_event *event, char *buf, size_t size)
{
    struct text t = {buf, size, 0};

    add_fields(&t, event);
    if (event->kind == ARM_EVENT_EXCEPTION) {
        static const char *const kinds[] = {"", "IRQ", "FIQ", "SError"};
        unsigned kind = (unsigned)bits(event->exception.vector, 8, 7);
        add(&t, " (");
        if (kind)
            add(&t, "%s", kinds[kind]);
        else
            add_syndrome(&t, event->exception.esr);
        add(&t, ")");
    }
    return t.length;
}

/* ---- tables ---- */

const char *arm_insn_name(uint32_t word)
{
    return a64_rows[a64_lookup(word)].name;
}

bool arm_cpu_model(unsigned index, const char **name, const char **qemu_name)
{
    for (unsigned k = 0; k <= index; k++)
        if (!cpu_models[k].name)
            return false;
    *name = cpu_models[index].name;
    *qemu_name = cpu_models[index].qemu_name;
    return true;
}

const char *arm_cpu_model_lacks(const char *name)
{
    const struct cpu_model *model = cpu_model_find(name);

    return model ? model->lacks : NULL;
}
