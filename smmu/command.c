/* The command queue: IHI 0070, 4. */
#include "base/le.h"
#include "smmu/smmuv3_internal.h"

#define COMMAND_SHIFT 4 /* log2 of an entry's bytes */

#define CONS_ERR_LO 24 /* SMMU_CMDQ_CONS.ERR */
enum { CERROR_NONE, CERROR_ILL, CERROR_ABT };

/* CMD_SYNC.CS, 4.7.3: with SMMU_IDR0.{SEV, MSI} 0 an event is nothing, and the
 * interrupt a line's. */
enum { SYNC_NONE, SYNC_IRQ, SYNC_SEV };

#define CMD_SYNC 0x46

/* Commands to forget what is kept nowhere, 4.2 to 4.4: the first and last opcode of each
 * kind. Those of EL2 and EL3 regimes, of ATS, PRI and stalls are not among them:
 * SMMU_IDR0 offers none. */
static const struct {
    uint8_t first, last;
} nothing_to_do[] = {
    {0x01, 0x02}, /* CMD_PREFETCH_CONFIG, CMD_PREFETCH_ADDR */
    {0x03, 0x06}, /* CMD_CFGI_STE, _STE_RANGE and _ALL, _CD, _CD_ALL */
    {0x10, 0x13}, /* CMD_TLBI_NH_ALL, _ASID, _VA, _VAA */
    {0x28, 0x28}, /* CMD_TLBI_S12_VMALL */
    {0x2a, 0x2a}, /* CMD_TLBI_S2_IPA */
    {0x30, 0x30}, /* CMD_TLBI_NSNH_ALL */
};

static bool is_nothing(uint8_t opcode)
{
    for (size_t k = 0; k < ARRAY_SIZE(nothing_to_do); k++)
        if (opcode >= nothing_to_do[k].first && opcode <= nothing_to_do[k].last)
            return true;
    return false;
}

static unsigned sync(struct smmuv3 *s, uint64_t command)
{
    unsigned cs = (unsigned)bits(command, 13, 12);

    if (cs > SYNC_SEV)
        return CERROR_ILL;
    if (cs == SYNC_IRQ)
        smmu_interrupt(s, SMMUV3_CMD_SYNC);
    return CERROR_NONE;
}

static unsigned execute(struct smmuv3 *s, uint64_t entry)
{
    uint64_t command[2];
    uint8_t opcode;

    if (!smmu_fetch(s, entry, command, ARRAY_SIZE(command)))
        return CERROR_ABT;
    opcode = (uint8_t)command[0];
    if (opcode == CMD_SYNC)
        return sync(s, command[0]);
    if (is_nothing(opcode))
        return CERROR_NONE;
    LOG(s->dev.log, DEVICE, GUEST, "smmuv3: command %#x is not offered", opcode);
    return CERROR_ILL;
}

void smmu_run_commands(struct smmuv3 *s)
{
    struct smmuv3_queue *q = &s->commands;
    uint32_t mask = (uint32_t)MASK(smmu_queue_bits(q), 0);

    while ((s->cr0 & CR0_CMDQEN) && !((s->gerror ^ s->gerrorn) & GERROR_CMDQ) &&
           (q->prod & mask) != (q->cons & mask)) {
        unsigned error = execute(s, smmu_queue_entry(q, q->cons, COMMAND_SHIFT));
        if (error) { /* the queue stays at it */
            q->cons = (uint32_t)set_bits(q->cons, CONS_ERR_LO + 6, CONS_ERR_LO, error);
            smmu_global_error(s, GERROR_CMDQ);
        } else {
            q->cons = smmu_queue_next(q, q->cons);
        }
    }
}
