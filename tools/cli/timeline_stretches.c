/* Which system registers have been written in which stretch of the run. */
#include "timeline_state.h"

static unsigned bit_of(uint32_t number)
{
    return number * UINT32_C(2654435761) >> 22;
}

static struct stretch *last(const struct timeline *t)
{
    return &g_array_index(t->stretches, struct stretch, t->stretches->len - 1);
}

static void mark(struct timeline *t, uint32_t number)
{
    unsigned n = bit_of(number);

    last(t)->written[n / 64] |= ARM_BIT(n % 64);
}

static void mark_exception(struct timeline *t, unsigned el)
{
    /* ELR, SPSR, ESR and FAR, and of EL2 HPFAR. */
    static const uint32_t numbers[2][5] = {
        {ARM_SYSREG(3, 0, 4, 0, 1), ARM_SYSREG(3, 0, 4, 0, 0), ARM_SYSREG(3, 0, 5, 2, 0),
         ARM_SYSREG(3, 0, 6, 0, 0), ARM_SYSREG(3, 0, 6, 0, 0)},
        {ARM_SYSREG(3, 4, 4, 0, 1), ARM_SYSREG(3, 4, 4, 0, 0), ARM_SYSREG(3, 4, 5, 2, 0),
         ARM_SYSREG(3, 4, 6, 0, 0), ARM_SYSREG(3, 4, 6, 0, 4)}};

    for (unsigned k = 0; k < G_N_ELEMENTS(numbers[0]); k++)
        mark(t, numbers[el == 2][k]);
}

static void on_write(void *ctx, const struct arm_event *p)
{
    struct timeline *t = ctx;

    if (t->far) /* it has been told of already */
        return;
    switch (p->kind) {
    case ARM_EVENT_SYSREG_WRITE:
        mark(t, p->sysreg_write.sr);
        break;
    case ARM_EVENT_HWREG:
        mark(t, p->hwreg.sr);
        break;
    case ARM_EVENT_EXCEPTION:
        mark_exception(t, p->exception.target_el);
        break;
    case ARM_EVENT_AT:
        mark(t, ARM_SYSREG(3, 0, 7, 4, 0)); /* PAR_EL1 */
        break;
    default: /* a CPU is reset */
        for (size_t k = 0; k < G_N_ELEMENTS(last(t)->written); k++)
            last(t)->written[k] = UINT64_MAX;
        break;
    }
}

void stretches_cut(struct timeline *t)
{
    struct stretch s = {.from = live_at(t)};

    for (size_t k = 0; !t->watching && k < G_N_ELEMENTS(s.written); k++)
        s.written[k] = UINT64_MAX; /* what nobody has noted may be any */
    g_array_append_val(t->stretches, s);
}

static int subscribe(struct timeline *t)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_HWREG) |
                  ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_AT) | ARM_BIT(ARM_EVENT_POWER)};

    return arm_subscribe(t->live.m, &filter, on_write, t);
}

void stretches_forget(struct timeline *t)
{
    if (t->watching)
        arm_unsubscribe(t->live.m, t->watching);
    g_array_set_size(t->stretches, 0);
    t->watching = 0;
}

void stretches_watch(struct timeline *t)
{
    if (t->watching || !t->begun)
        return;
    t->watching = subscribe(t);
    stretches_cut(t);
}

struct arm_position stretches_skip(const struct timeline *t, struct arm_position to,
                                   uint32_t number)
{
    unsigned n = bit_of(number), k = t->stretches->len;
    const struct stretch *s;

    while (k-- > 0) {
        s = &g_array_index(t->stretches, struct stretch, k);
        if (position_compare(s->from, to) >= 0)
            continue;
        if (s->written[n / 64] >> (n % 64) & 1)
            return to;
        to = s->from;
    }
    return to;
}
