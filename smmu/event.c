/* The event queue: IHI 0070, 7. */
#include "base/le.h"
#include "smmu/smmuv3_internal.h"

#define EVENT_SHIFT 5 /* log2 of an entry's bytes */
#define EVENT_WORDS 4
#define OVERFLOW    BIT(31) /* SMMU_EVENTQ_PROD.OVFLG, SMMU_EVENTQ_CONS.OVACKFLG */

/* Of a record's second word. */
#define RECORD_IND   BIT(34)
#define RECORD_RNW   BIT(35)
#define RECORD_S2    BIT(39)
#define RECORD_CLASS 40

static const struct dma_master master = {ARM_DMA_SMMU, 0, NULL};

static bool has_address(enum smmu_event event)
{
    return event >= F_WALK_EABT;
}

static void encode(const struct smmu_record *r, uint64_t w[EVENT_WORDS])
{
    w[0] = r->event | (uint64_t)r->stream << 32;
    w[1] = w[2] = 0;
    if (has_address(r->event)) {
        w[1] = (r->read ? RECORD_RNW : 0) | (r->stage2 ? RECORD_S2 : 0) |
               (uint64_t)r->class << RECORD_CLASS;
        w[2] = r->input;
    }
    w[3] = r->other;
}

static bool is_full(const struct smmuv3_queue *q)
{
    unsigned n = smmu_queue_bits(q);

    return zext(q->prod ^ q->cons, n + 1) == BIT(n);
}

void smmu_record(struct smmuv3 *s, const struct smmu_record *r)
{
    struct smmuv3_queue *q = &s->events;
    uint64_t words[EVENT_WORDS];
    uint8_t le[8 * EVENT_WORDS];

    LOG(s->dev.log, DEVICE, GUEST, "smmuv3: event %#x of stream %#x, %s of %#llx", r->event,
        r->stream, r->read ? "read" : "write", (unsigned long long)r->input);
    if (!(s->cr0 & CR0_EVENTQEN))
        return;
    if (is_full(q)) { /* 7.4: lost, and the driver is told, once */
        if (!((q->prod ^ q->cons) & OVERFLOW))
            q->prod ^= (uint32_t)OVERFLOW;
        return;
    }
    encode(r, words);
    for (unsigned n = 0; n < EVENT_WORDS; n++)
        le_put(le + 8 * n, 8, words[n]);
    if (!dma_write(s->mem, master, pa(smmu_queue_entry(q, q->prod, EVENT_SHIFT)), le, sizeof(le))) {
        smmu_global_error(s, GERROR_EVENTQ_ABT);
        return;
    }
    q->prod = (q->prod & (uint32_t)OVERFLOW) | smmu_queue_next(q, q->prod);
    if (s->irq_ctrl & IRQ_CTRL_EVENTQ)
        smmu_interrupt(s, SMMUV3_EVENTQ);
}
