/* The SMMU's registers: IHI 0070, 6. */
#include "smmu/smmuv3.h"

#include "base/state_io.h"
#include "smmu/smmuv3_internal.h"

/* SMMU_IDR0: both stages of AArch64 tables, coherent, hardware updates of flags and dirty state, 16
 * bits of ASID and VMID, little-endian tables or big-endian ones by each descriptor, no stalls and
 * no other end of what is terminated than an abort, stream tables of two levels. */
#define IDR0                                                                                       \
    (BIT(0) | BIT(1) | UINT64_C(2) << 2 | BIT(4) | UINT64_C(2) << 6 | BIT(12) | BIT(18) |          \
     UINT64_C(1) << 24 | BIT(26) | UINT64_C(1) << 27)
/* SMMU_IDR1: sizes of streams and queues; no substreams. */
#define IDR1 (SMMU_STREAM_BITS | SMMU_QUEUE_BITS << 16 | SMMU_QUEUE_BITS << 21)
/* SMMU_IDR3: hierarchical attributes can be off (HAD). */
#define IDR3 BIT(2)
/* SMMU_IDR5: 44 bits of physical address, granules of 4, 16 and 64 KiB. */
#define IDR5 (UINT64_C(4) | BIT(4) | BIT(5) | BIT(6))
#define AIDR 1 /* SMMUv3.1 */

_Static_assert(SMMU_PA_BITS == 44, "as IDR5 says");

#define GBPA_RESET  UINT32_C(0x1000) /* SHCFG: as the access says */
#define GBPA_UPDATE BIT(31)

static struct smmuv3 *to_smmu(struct device *dev)
{
    return (struct smmuv3 *)dev;
}

void smmu_interrupt(struct smmuv3 *s, enum smmuv3_line line)
{
    irq_set(&s->lines[line], true);
    irq_set(&s->lines[line], false);
}

void smmu_global_error(struct smmuv3 *s, uint32_t which)
{
    uint32_t inactive = which & ~(s->gerror ^ s->gerrorn);

    s->gerror ^= inactive;
    if (inactive && (s->irq_ctrl & IRQ_CTRL_GERROR))
        smmu_interrupt(s, SMMUV3_GERROR);
}

/* ---- registers ---- */

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        const struct smmuv3 *s = to_smmu(dev);                                                     \
        (void)s, (void)offset, (void)size;                                                         \
        return value;                                                                              \
    }
#define READ64(name, value)                                                                        \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        return reg64_get(value, offset, size);                                                     \
    }
READ(idr0, IDR0)
READ(idr1, IDR1)
READ(idr3, IDR3)
READ(idr5, IDR5)
READ(aidr, AIDR)
READ(cr0, s->cr0)
READ(cr1, s->cr1)
READ(cr2, s->cr2)
READ(gbpa, s->gbpa)
READ(irq_ctrl, s->irq_ctrl)
READ(gerror, s->gerror)
READ(gerrorn, s->gerrorn)
READ(strtab_base_cfg, s->strtab_base_cfg)
READ(cmdq_prod, s->commands.prod)
READ(cmdq_cons, s->commands.cons)
READ(eventq_prod, s->events.prod)
READ(eventq_cons, s->events.cons)
READ64(strtab_base, to_smmu(dev)->strtab_base)
READ64(cmdq_base, to_smmu(dev)->commands.base)
READ64(eventq_base, to_smmu(dev)->events.base)
#undef READ
#undef READ64

/* What steers the SMMU does not change while it is in use (6.3: CONSTRAINED UNPREDICTABLE;
 * CU-choice: the write is ignored). */
static bool is_free(const struct smmuv3 *s, uint32_t in_use, const char *name)
{
    if (!(s->cr0 & in_use))
        return true;
    LOG(s->dev.log, DEVICE, GUEST, "smmuv3: %s written while SMMU_CR0 is %#x", name, s->cr0);
    return false;
}

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct smmuv3 *s = to_smmu(dev);                                                           \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
    }
#define WRITE_FREE(name, in_use, member, mask, what)                                               \
    WRITE(name, if (is_free(s, in_use, what)) s->member = (uint32_t)(value & (mask)))
#define WRITE64_FREE(name, in_use, member, mask, what)                                             \
    WRITE(name, if (is_free(s, in_use, what)) s->member =                                          \
                    reg64_put(s->member, offset, size, value) & (mask))
WRITE(cr1, s->cr1 = (uint32_t)(value & MASK(11, 0)))
WRITE_FREE(cr2, CR0_SMMUEN, cr2, MASK(2, 0), "SMMU_CR2")
WRITE(irq_ctrl, s->irq_ctrl = (uint32_t)(value & (IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ)))
WRITE64_FREE(strtab_base, CR0_SMMUEN, strtab_base, BIT(62) | MASK(51, 6), "SMMU_STRTAB_BASE")
WRITE_FREE(strtab_base_cfg, CR0_SMMUEN, strtab_base_cfg, MASK(17, 16) | MASK(10, 0),
           "SMMU_STRTAB_BASE_CFG")
WRITE64_FREE(cmdq_base, CR0_CMDQEN, commands.base, BIT(62) | MASK(51, 0), "SMMU_CMDQ_BASE")
WRITE_FREE(cmdq_cons, CR0_CMDQEN, commands.cons, MASK(30, 24) | MASK(19, 0), "SMMU_CMDQ_CONS")
WRITE64_FREE(eventq_base, CR0_EVENTQEN, events.base, BIT(62) | MASK(51, 0), "SMMU_EVENTQ_BASE")
WRITE_FREE(eventq_prod, CR0_EVENTQEN, events.prod, BIT(31) | MASK(19, 0), "SMMU_EVENTQ_PROD")
WRITE(eventq_cons, s->events.cons = (uint32_t)(value & (BIT(31) | MASK(19, 0))))
#undef WRITE_FREE
#undef WRITE64_FREE

/* 6.3.9: as far as SMMU_IDR0 offers it; acknowledged at once (SMMU_CR0ACK). */
WRITE(cr0, s->cr0 = (uint32_t)(value & (CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN));
      smmu_run_commands(s))
WRITE(cmdq_prod, s->commands.prod = (uint32_t)(value & MASK(19, 0)); smmu_run_commands(s))

/* 6.3.21: an error that is acknowledged lets the queue go on. */
WRITE(gerrorn, s->gerrorn = (uint32_t)value; smmu_run_commands(s))

/* 6.3.15: only with UPDATE, which reads as 0 as soon as it is done. */
WRITE(gbpa, if (value & GBPA_UPDATE) s->gbpa = (uint32_t)(value & MASK(20, 0)))
#undef WRITE

/* clang-format off */
static const struct reg_row rows[] = {
    {"SMMU_IDR0",            0x00000, 4, REG_SIZE_32, read_idr0, NULL},
    {"SMMU_IDR1",            0x00004, 4, REG_SIZE_32, read_idr1, NULL},
    {"SMMU_IDR2",            0x00008, 4, REG_SIZE_32, NULL, NULL},
    {"SMMU_IDR3",            0x0000c, 4, REG_SIZE_32, read_idr3, NULL},
    {"SMMU_IDR4",            0x00010, 4, REG_SIZE_32, NULL, NULL},
    {"SMMU_IDR5",            0x00014, 4, REG_SIZE_32, read_idr5, NULL},
    {"SMMU_IIDR",            0x00018, 4, REG_SIZE_32, NULL, NULL},
    {"SMMU_AIDR",            0x0001c, 4, REG_SIZE_32, read_aidr, NULL},
    {"SMMU_CR0",             0x00020, 4, REG_SIZE_32, read_cr0, write_cr0},
    {"SMMU_CR0ACK",          0x00024, 4, REG_SIZE_32, read_cr0, NULL},
    {"SMMU_CR1",             0x00028, 4, REG_SIZE_32, read_cr1, write_cr1},
    {"SMMU_CR2",             0x0002c, 4, REG_SIZE_32, read_cr2, write_cr2},
    {"SMMU_STATUSR",         0x00040, 4, REG_SIZE_32, NULL, NULL},
    {"SMMU_GBPA",            0x00044, 4, REG_SIZE_32, read_gbpa, write_gbpa},
    {"SMMU_AGBPA",           0x00048, 4, REG_SIZE_32, NULL, NULL},
    {"SMMU_IRQ_CTRL",        0x00050, 4, REG_SIZE_32, read_irq_ctrl, write_irq_ctrl},
    {"SMMU_IRQ_CTRLACK",     0x00054, 4, REG_SIZE_32, read_irq_ctrl, NULL},
    {"SMMU_GERROR",          0x00060, 4, REG_SIZE_32, read_gerror, NULL},
    {"SMMU_GERRORN",         0x00064, 4, REG_SIZE_32, read_gerrorn, write_gerrorn},
    {"SMMU_GERROR_IRQ_CFGn", 0x00068, 16, REG_SIZE_32 | REG_SIZE_64, NULL, NULL}, /* no MSIs */
    {"SMMU_STRTAB_BASE",     0x00080, 8, REG_SIZE_32 | REG_SIZE_64, read_strtab_base, write_strtab_base},
    {"SMMU_STRTAB_BASE_CFG", 0x00088, 4, REG_SIZE_32, read_strtab_base_cfg, write_strtab_base_cfg},
    {"SMMU_CMDQ_BASE",       0x00090, 8, REG_SIZE_32 | REG_SIZE_64, read_cmdq_base, write_cmdq_base},
    {"SMMU_CMDQ_PROD",       0x00098, 4, REG_SIZE_32, read_cmdq_prod, write_cmdq_prod},
    {"SMMU_CMDQ_CONS",       0x0009c, 4, REG_SIZE_32, read_cmdq_cons, write_cmdq_cons},
    {"SMMU_EVENTQ_BASE",     0x000a0, 8, REG_SIZE_32 | REG_SIZE_64, read_eventq_base, write_eventq_base},
    {"SMMU_EVENTQ_IRQ_CFGn", 0x000b0, 16, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"SMMU_PRIQ",            0x000c0, 32, REG_SIZE_32 | REG_SIZE_64, NULL, NULL}, /* there is none */
    {"SMMU_ID",              0x00fd0, 48, REG_SIZE_32, NULL, NULL},
    {"SMMU_EVENTQ_PROD",     0x100a8, 4, REG_SIZE_32, read_eventq_prod, write_eventq_prod},
    {"SMMU_EVENTQ_CONS",     0x100ac, 4, REG_SIZE_32, read_eventq_cons, write_eventq_cons},
    {"SMMU_PRIQ_PROD",       0x100c8, 8, REG_SIZE_32, NULL, NULL},
    {0},
};
/* clang-format on */

static void reset(struct device *dev)
{
    struct smmuv3 *s = to_smmu(dev);

    s->cr0 = s->cr1 = s->cr2 = s->irq_ctrl = s->gerror = s->gerrorn = 0;
    s->gbpa = GBPA_RESET;
    s->strtab_base = 0;
    s->strtab_base_cfg = 0;
    s->commands = s->events = (struct smmuv3_queue){0};
}

static void queue_state(struct state_io *io, struct smmuv3_queue *q)
{
    STATE(io, q->base);
    STATE(io, q->prod);
    STATE(io, q->cons);
}

static void state(struct state_io *io, struct device *dev)
{
    struct smmuv3 *s = to_smmu(dev);

    STATE(io, s->cr0);
    STATE(io, s->cr1);
    STATE(io, s->cr2);
    STATE(io, s->gbpa);
    STATE(io, s->irq_ctrl);
    STATE(io, s->gerror);
    STATE(io, s->gerrorn);
    STATE(io, s->strtab_base);
    STATE(io, s->strtab_base_cfg);
    queue_state(io, &s->commands);
    queue_state(io, &s->events);
}

static const struct device_ops ops = {
    .name = "smmuv3",
    .regs = rows,
    .reset = reset,
    .state = state,
};

void smmuv3_init(struct smmuv3 *s, const struct arm_log *log, struct physmem *mem,
                 const struct irq_line *lines)
{
    static const enum feature features[] = {FEAT_HAFDBS_AF, FEAT_HAFDBS, FEAT_HPDS, FEAT_TGran16,
                                            FEAT_VMID16};

    *s = (struct smmuv3){.dev = {.ops = &ops, .log = log}, .mem = mem};
    for (unsigned n = 0; n < SMMUV3_LINES; n++)
        s->lines[n] = lines[n];
    for (size_t n = 0; n < ARRAY_SIZE(features); n++)
        set_feature(&s->features, features[n], true);
    reset(&s->dev);
}
