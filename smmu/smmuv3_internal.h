/* Between the parts of the SMMU. Sections are those of IHI 0070. */
#pragma once

#include "base/dma.h"
#include "smmu/smmuv3.h"

#define SMMU_STREAM_BITS 16
#define SMMU_PA_BITS     44 /* SMMU_IDR5.OAS */
#define SMMU_QUEUE_BITS  19 /* log2 of the entries of the largest queue */

/* SMMU_CR0, 6.3.9; SMMU_IRQ_CTRL, 6.3.18; SMMU_GERROR, 6.3.20. */
#define CR0_SMMUEN        BIT(0)
#define CR0_EVENTQEN      BIT(2)
#define CR0_CMDQEN        BIT(3)
#define IRQ_CTRL_GERROR   BIT(0)
#define IRQ_CTRL_EVENTQ   BIT(2)
#define GERROR_CMDQ       BIT(0)
#define GERROR_EVENTQ_ABT BIT(2)

/* A structure in memory: 64-bit words, little-endian. */
#define SMMU_STE_WORDS 8
#define SMMU_CD_WORDS  8
bool smmu_fetch(struct smmuv3 *s, uint64_t addr, uint64_t *words, unsigned count);

/* Events, 7.3: their numbers; what they hold is below. */
enum smmu_event {
    C_BAD_STREAMID = 0x02,
    F_STE_FETCH = 0x03,
    C_BAD_STE = 0x04,
    C_BAD_SUBSTREAMID = 0x08,
    F_CD_FETCH = 0x09,
    C_BAD_CD = 0x0a,
    F_WALK_EABT = 0x0b,
    F_TRANSLATION = 0x10,
    F_ADDR_SIZE = 0x11,
    F_ACCESS = 0x12,
    F_PERMISSION = 0x13,
};

/* What was being done: of F_TRANSLATION and its like. */
enum smmu_class { CLASS_CD, CLASS_TABLE, CLASS_INPUT };

struct smmu_record {
    enum smmu_event event;
    uint32_t stream;
    bool read, stage2;
    enum smmu_class class;
    uint64_t input;
    uint64_t other; /* of stage 2 the IPA; of a fetch its address */
};

/* Keep a record for the driver, if there is room (7.4). */
void smmu_record(struct smmuv3 *s, const struct smmu_record *r);

/* Do the commands that wait (4.1). */
void smmu_run_commands(struct smmuv3 *s);

/* Bits of @which, GERROR_xxx, become active (6.3.20), if they are not. */
void smmu_global_error(struct smmuv3 *s, uint32_t which);

/* A pulse of a line. */
void smmu_interrupt(struct smmuv3 *s, enum smmuv3_line line);

/* Queues, 3.5.1: an index is LOG2SIZE bits and a wrap bit above them. */
static inline unsigned smmu_queue_bits(const struct smmuv3_queue *q)
{
    unsigned n = (unsigned)bits(q->base, 4, 0);

    return n < SMMU_QUEUE_BITS ? n : SMMU_QUEUE_BITS;
}

static inline uint32_t smmu_queue_next(const struct smmuv3_queue *q, uint32_t at)
{
    return (at + 1) & (uint32_t)MASK(smmu_queue_bits(q), 0);
}

/* Of entries of 2^@entry_shift bytes. */
static inline uint64_t smmu_queue_entry(const struct smmuv3_queue *q, uint32_t at, unsigned shift)
{
    unsigned n = smmu_queue_bits(q);
    uint64_t base = q->base & MASK(51, 5) & ~MASK(n + shift - 1, 0);

    return base | zext(at, n) << shift;
}
