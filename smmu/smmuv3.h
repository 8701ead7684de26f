/*
 * An SMMUv3 (Arm IHI 0070), Non-secure, of streams of PCI functions: stage 1, stage 2 and both,
 * command and event queues, wired interrupts. It has no TLB and no cache of configuration: each
 * access reads its stream table entry, context descriptor and tables, so that invalidations have
 * nothing to do. Substreams, ATS, PRI and stalls are not offered (SMMU_IDR0, SMMU_IDR1).
 */
#pragma once

#include "arch/features.h"
#include "base/addr.h"
#include "base/device.h"
#include "base/irq.h"

struct physmem;

#define SMMUV3_BYTES UINT64_C(0x20000) /* of its two register pages of 64 KiB */

/* Its interrupts, each a pulse. */
enum smmuv3_line { SMMUV3_EVENTQ, SMMUV3_PRIQ, SMMUV3_CMD_SYNC, SMMUV3_GERROR, SMMUV3_LINES };

struct smmuv3_queue {
    uint64_t base; /* SMMU_xxx_BASE */
    uint32_t prod, cons;
};

struct smmuv3 {
    struct device dev;
    struct physmem *mem;
    struct features features; /* of its table walks */
    struct irq_line lines[SMMUV3_LINES];

    uint32_t cr0, cr1, cr2, gbpa, irq_ctrl, gerror, gerrorn;
    uint64_t strtab_base;
    uint32_t strtab_base_cfg;
    struct smmuv3_queue commands, events;
};

/* @lines: SMMUV3_LINES. Both must outlive it. Must not move afterwards. */
void smmuv3_init(struct smmuv3 *s, const struct arm_log *log, struct physmem *mem,
                 const struct irq_line *lines);

/**
 * smmuv3_translate() - what an access of stream @stream at @addr reaches.
 * @bytes: how many from there are wanted; at the end of a page it becomes less.
 *
 * Return: true and *pa, or false: the access is terminated, and an event may have been recorded.
 * Source: IHI 0070, 3.3 and 7.
 */
bool smmuv3_translate(struct smmuv3 *s, uint32_t stream, uint64_t addr, bool write, pa_t *pa,
                      uint64_t *bytes);
