#include "base/bits.h"
#include "gic/internal.h"

/* One access to a bank: the fields of interrupts @from.. of it. */
struct span {
    struct irq_bank *bank;
    unsigned from, size; /* first interrupt, bytes */
    uint8_t prio_mask;
    bool nonsecure, two_states;
    uint32_t visible; /* interrupts that the access reaches */
};

/* Which groups there are is Secure state's affair: IGROUPR and IGRPMODR are RAZ/WI
 * for the other. */
static uint64_t read_group(struct span s)
{
    return s.nonsecure ? 0 : s.bank->group;
}

static void write_group(struct span s, uint32_t value)
{
    if (!s.nonsecure)
        s.bank->group = value & s.bank->valid;
}

static uint64_t read_grpmod(struct span s)
{
    return s.nonsecure ? 0 : s.bank->grpmod;
}

static void write_grpmod(struct span s, uint32_t value)
{
    if (s.two_states && !s.nonsecure)
        s.bank->grpmod = value & s.bank->valid;
}

static uint64_t read_enable(struct span s)
{
    return s.bank->enable;
}

static void set_enable(struct span s, uint32_t value)
{
    s.bank->enable |= value & s.bank->valid;
}

static void clear_enable(struct span s, uint32_t value)
{
    s.bank->enable &= ~value;
}

static uint64_t read_pending(struct span s)
{
    return bank_pending(s.bank) & s.bank->valid;
}

static void set_pending(struct span s, uint32_t value)
{
    s.bank->latch |= value & s.bank->valid;
}

/* What an asserted input or SETSPI holds pending stays so. */
static void clear_pending(struct span s, uint32_t value)
{
    s.bank->latch &= ~value;
}

static uint64_t read_active(struct span s)
{
    return s.bank->active;
}

static void set_active(struct span s, uint32_t value)
{
    s.bank->active |= value & s.bank->valid;
}

static void clear_active(struct span s, uint32_t value)
{
    s.bank->active &= ~value;
}

static uint64_t read_priority(struct span s)
{
    uint64_t value = 0;

    for (unsigned k = 0; k < s.size; k++)
        if (bit(s.visible, s.from + k))
            value |= (uint64_t)(s.nonsecure ? prio_to_ns(s.bank->prio[s.from + k])
                                            : s.bank->prio[s.from + k])
                     << (8 * k);
    return value;
}

static void write_priority(struct span s, uint32_t value)
{
    for (unsigned k = 0; k < s.size; k++)
        if (bit(s.bank->valid & s.visible, s.from + k))
            s.bank->prio[s.from + k] =
                (s.nonsecure ? prio_from_ns(value >> (8 * k)) : (uint8_t)(value >> (8 * k))) &
                s.prio_mask;
}

/* Bit 2n+1 of a register: interrupt n is edge-triggered; bit 2n is RES0. */
static uint64_t read_config(struct span s)
{
    uint64_t value = 0;

    for (unsigned k = 0; k < 16; k++)
        value |= (uint64_t)bit(s.bank->edge & s.visible, s.from + k) << (2 * k + 1);
    return value;
}

static void write_config(struct span s, uint32_t value)
{
    struct irq_bank *b = s.bank;

    for (unsigned k = 0; k < 16; k++) {
        uint32_t one = UINT32_C(1) << (s.from + k);

        if (b->valid & ~b->fixed_edge & s.visible & one)
            b->edge = bit(value, 2 * k + 1) ? b->edge | one : b->edge & ~one;
    }
}

struct irq_array {
    uint16_t offset;
    uint8_t bits; /* per interrupt */
    uint64_t (*read)(struct span s);
    void (*write)(struct span s, uint32_t value);
};

static const struct irq_array irq_arrays[] = {
#define ARRAY(name, offset, bits, sizes, read, write) {offset, bits, read, write},
#define GICV2_ARRAY(name, offset, bits, sizes)
#include "gic/arrays.def"
#undef GICV2_ARRAY
#undef ARRAY
};

/* The array that holds @offset, and which of its fields; NULL if the banks have no such fields. */
static const struct irq_array *find(const struct irq_banks *of, unsigned offset, unsigned size,
                                    struct span *s)
{
    for (unsigned k = ARRAY_SIZE(irq_arrays); k-- > 0;) {
        const struct irq_array *a = &irq_arrays[k];
        unsigned irq;

        if (offset < a->offset)
            continue;
        irq = (offset - a->offset) * 8 / a->bits;
        if (irq / 32 < of->first || irq / 32 - of->first >= of->count)
            return NULL;
        struct irq_bank *bank = &of->banks[irq / 32 - of->first];
        *s = (struct span){bank,
                           irq % 32,
                           size,
                           of->prio_mask,
                           of->nonsecure,
                           of->c->gic->two_states,
                           of->nonsecure ? bank->group : UINT32_MAX};
        return a;
    }
    return NULL;
}

uint64_t gic_array_read(struct irq_banks of, unsigned offset, unsigned size)
{
    struct span s;
    const struct irq_array *a = find(&of, offset, size, &s);

    if (!a)
        return 0;
    return a->read(s) & (a->bits == 1 ? s.visible : ~UINT64_C(0));
}

void gic_array_write(struct irq_banks of, unsigned offset, unsigned size, uint64_t value)
{
    struct span s;
    const struct irq_array *a = find(&of, offset, size, &s);

    if (!a)
        return;
    const struct irq_states before = gic_states(s.bank);
    a->write(s, (uint32_t)value & (a->bits == 1 ? s.visible : UINT32_MAX));
    gic_tell_states(of.c, s.bank, 32 * (of.first + (unsigned)(s.bank - of.banks)), &before);
}
