/* Rows of base/probe.def that the machine fires, in an instruction or apart from
 * one: their fields. */
#pragma once

#include "arch/sysreg.h"
#include "tests/machine/probe_runs.h"

static const struct arm_event *check_irq(uint64_t pc, unsigned nth, unsigned intid, unsigned change,
                                         unsigned cpu)
{
    const struct arm_event *p = find_nth(&gic, ARM_EVENT_IRQ, pc, nth);

    assert_int_equal(p->irq.intid, intid);
    assert_int_equal(p->irq.change, change);
    assert_int_equal(p->cpu, cpu);
    return p;
}

static void check_IRQ(void)
{
    assert_false(check_irq(G(SGI), 0, 3, ARM_IRQ_HIGH, 0)->irq.virt);
    check_irq(G(IAR), 0, 3, ARM_IRQ_ACKNOWLEDGED, 0);
    check_irq(G(IAR), 1, 3, ARM_IRQ_LOW, 0); /* it was an edge */
    check_irq(G(EOI), 0, 3, ARM_IRQ_DEACTIVATED, 0);
    check_irq(G(PEND), 0, 27, ARM_IRQ_HIGH, 0);
    check_irq(G(UNPEND), 0, 27, ARM_IRQ_LOW, 0);
    check_irq(G(ACTIVE), 0, 27, ARM_IRQ_ACTIVATED, 0);
    check_irq(G(INACTIVE), 0, 27, ARM_IRQ_DEACTIVATED, 0);
    check_irq(0, 0, 40, ARM_IRQ_HIGH, 1); /* an SPI for CPU 1, which is off */
    check_irq(G(ITS), 0, LPI, ARM_IRQ_HIGH, 0);
    check_irq(G(ITS), 1, LPI, ARM_IRQ_LOW, 0);
    assert_true(check_irq(G(VIAR), 0, 35, ARM_IRQ_ACKNOWLEDGED, 0)->irq.virt);
    assert_true(check_irq(G(VEOI), 0, 35, ARM_IRQ_DEACTIVATED, 0)->irq.virt);
}

/* Registers of the GIC: the list register's state, active priorities, VMCR and EOIcount. */
static void check_gic_register(uint64_t pc, unsigned nth, enum sysreg sr, unsigned cause,
                               uint64_t before, uint64_t after)
{
    const struct arm_event *p = find_nth(&gic, ARM_EVENT_HWREG, pc, nth);

    assert_int_equal(p->hwreg.sr, sysreg_number(sr));
    assert_int_equal(p->hwreg.cause, cause);
    assert_int_equal(p->hwreg.before, before);
    assert_int_equal(p->hwreg.after, after);
}

static void check_gic_registers(void)
{
    const uint64_t lr = UINT64_C(0x1080000000000023), vmcr = UINT64_C(0xf04c000a);
    const uint64_t priority = BIT(0x80 >> 3), sgi = BIT(0);

    check_gic_register(G(IAR), 0, SR_ICC_AP1R0_EL1, ARM_HW_ACKNOWLEDGE, 0, sgi);
    check_gic_register(G(EOI), 0, SR_ICC_AP1R0_EL1, ARM_HW_END, sgi, 0);
    check_gic_register(G(VIAR), 0, SR_ICH_LR0_EL2, ARM_HW_ACKNOWLEDGE, lr | BIT(62), lr | BIT(63));
    check_gic_register(G(VIAR), 1, SR_ICH_AP1R0_EL2, ARM_HW_ACKNOWLEDGE, 0, priority);
    check_gic_register(G(VPMR), 0, SR_ICH_VMCR_EL2, ARM_HW_INTERFACE, vmcr, vmcr ^ BIT(28));
    check_gic_register(G(VEOI), 0, SR_ICH_LR0_EL2, ARM_HW_END, lr | BIT(63), lr);
    check_gic_register(G(VEOI), 1, SR_ICH_AP1R0_EL2, ARM_HW_END, priority, 0);
    check_gic_register(G(VDIR), 0, SR_ICH_HCR_EL2, ARM_HW_END, 1, 1 | BIT(27));
    assert_true(find(&gic, ARM_EVENT_SYSREG_WRITE, G(VPMR))->sysreg_write.virt);
    assert_false(find(&gic, ARM_EVENT_SYSREG_READ, G(IAR))->sysreg_read.virt);
}

static void check_HWREG(void)
{
    check_gic_registers();
    const struct arm_event *p = find(&walk, ARM_EVENT_HWREG, W(ESB));

    assert_int_equal(p->hwreg.sr, sysreg_number(SR_HCR_EL2));
    assert_int_equal(p->hwreg.cause, ARM_HW_ESB);
    assert_int_equal(p->hwreg.before, WALK_HCR | BIT(8));
    assert_int_equal(p->hwreg.after, WALK_HCR);
    p = find_nth(&walk, ARM_EVENT_HWREG, W(ESB), 1);
    assert_int_equal(p->hwreg.sr, sysreg_number(SR_VDISR_EL2));
    assert_int_equal(p->hwreg.after, BIT(31));
    p = find(&walk, ARM_EVENT_HWREG, W(HVC2) + 4);
    assert_int_equal(p->hwreg.sr, sysreg_number(SR_HCR_EL2));
    assert_int_equal(p->hwreg.cause, ARM_HW_SERROR);
    assert_int_equal(p->hwreg.after, WALK_HCR);
    assert_true(p->guest);

    p = find(&basic, ARM_EVENT_HWREG, B(OSLAR));
    assert_int_equal(p->hwreg.sr, sysreg_number(SR_OSLSR_EL1));
    assert_int_equal(p->hwreg.cause, ARM_HW_OS_LOCK);
    assert_int_equal(p->hwreg.before ^ p->hwreg.after, BIT(1));
    p = find(&basic, ARM_EVENT_HWREG, B(DTR));
    assert_int_equal(p->hwreg.sr, sysreg_number(SR_MDSCR_EL1));
    assert_int_equal(p->hwreg.cause, ARM_HW_DTR);
    assert_int_equal(p->hwreg.before ^ p->hwreg.after, BIT(29)); /* TXfull */
    p = find(&basic, ARM_EVENT_HWREG, B(OVERFLOW));
    assert_int_equal(p->hwreg.sr, sysreg_number(SR_PMOVSSET_EL0));
    assert_int_equal(p->hwreg.cause, ARM_HW_OVERFLOW);
    assert_int_equal(p->hwreg.after, BIT(31));
}

/* The step of the access at @pc of @stage that reads or updates the descriptor at @pa. */
static const struct arm_event *step(uint64_t pc, unsigned stage, uint64_t pa, bool update)
{
    for (unsigned k = 0; k < walk.count; k++) {
        const struct arm_event *p = &walk.e[k];
        if (p->kind == ARM_EVENT_WALK && p->pc == pc && p->walk.stage == stage &&
            p->walk.pa == pa && (p->walk.value != p->walk.after) == update)
            return p;
    }
    fail_msg("no stage-%u step at %#llx", stage, (unsigned long long)pc);
    return NULL;
}

static void check_WALK(void)
{
    const struct arm_event *p = step(W(EL1), 1, S1_LEVEL2 + 8, false);

    assert_int_equal(p->walk.level, 2);
    assert_int_equal(p->walk.regime, ARM_REGIME_EL10);
    assert_int_equal(p->walk.vmid, WALK_VMID);
    assert_int_equal(p->walk.asid, WALK_ASID);
    assert_int_equal(p->walk.ia, WALK_DATA);
    assert_int_equal(p->walk.ipa, S1_LEVEL2 + 8);
    assert_int_equal(p->walk.value, WALK_DATA | S1_CLEAN | DESC_BLOCK);
    assert_int_equal(step(W(EL1), 1, S1_LEVEL2 + 8, true)->walk.after,
                     WALK_DATA | S1_CLEAN | AF | DESC_BLOCK);
    assert_int_equal(step(W(STR), 1, S1_LEVEL2 + 8, true)->walk.after,
                     WALK_DATA | S1_DIRTY | AF | DESC_BLOCK);
    /* The fetch, the first access of all, reads stage 2 for stage 1's tables, and dirties it. */
    p = step(W(EL1), 2, STAGE2 + 8, false);
    assert_true(p->walk.table);
    assert_int_equal(p->walk.level, 1);
    assert_int_equal(p->walk.ia, STAGE1 + 8);
    assert_int_equal(p->walk.value, RAM | S2_CLEAN | DESC_BLOCK);
    assert_int_equal(step(W(EL1), 2, STAGE2 + 8, true)->walk.after & AF, AF);
}

static void check_WORLD(void)
{
    const struct arm_event *p = find(&walk, ARM_EVENT_WORLD, W(ERET));

    assert_true(p->world.enter);
    assert_int_equal(p->el, 2);
    assert_int_equal(p->world.vmid, WALK_VMID);
    assert_int_equal(p->world.vttbr, WALK_VTTBR);
    assert_int_equal(p->world.vmpidr, WALK_VMPIDR);
    assert_int_equal(p->world.hcr, WALK_HCR);
    assert_int_equal(p->world.el, 1);
    assert_int_equal(p->world.target, W(EL1));
    p = find(&walk, ARM_EVENT_WORLD, W(HVC) + 4);
    assert_false(p->world.enter);
    assert_int_equal(p->el, 1);
    assert_int_equal(p->world.vmid, WALK_VMID);
    assert_int_equal(p->world.el, 1);
    assert_int_equal(p->world.vector, 0x400);
    assert_int_equal(p->world.target, W(LOWER));
    assert_int_equal(p->world.esr, UINT64_C(0x5a000007));
}

/* The access of @device to @pa, @nth. */
static void check_dma(const struct events *events, uint64_t pc, unsigned device, unsigned unit,
                      bool write, uint64_t pa, unsigned size)
{
    for (unsigned k = 0; k < events->count; k++) {
        const struct arm_event *p = &events->e[k];
        if (p->kind != ARM_EVENT_DMA || p->dma.device != device || p->dma.pa != pa ||
            p->dma.write != write)
            continue;
        assert_int_equal(p->dma.unit, unit);
        assert_int_equal(p->dma.size, size);
        assert_int_equal(p->pc, pc);
        assert_int_equal(p->cpu, 0);
        return;
    }
    fail_msg("no access of device %u to %#llx", device, (unsigned long long)pa);
}

static void check_DMA(void)
{
    check_dma(&dma, D(FW), ARM_DMA_FW_CFG, 0, false, DATA, 16);
    check_dma(&dma, D(FW), ARM_DMA_FW_CFG, 0, true, DMA_BUFFER, 4);
    check_dma(&dma, D(FW), ARM_DMA_FW_CFG, 0, true, DATA, 4);
    check_dma(&dma, D(NOTIFY), ARM_DMA_VIRTIO, 31, false, DMA_QUEUE, 16);
    check_dma(&dma, D(NOTIFY), ARM_DMA_VIRTIO, 31, true, DMA_RANDOM, 16);
    check_dma(&gic, G(ITS), ARM_DMA_ITS, 0, false, ITS_QUEUE, 32);
    check_dma(&gic, G(ITS), ARM_DMA_ITS, 0, true, ITT, 8);
    check_dma(&gic, G(ITS), ARM_DMA_REDIST, 0, false, LPI_CONFIG, 1);
}

static void check_FIRMWARE(void)
{
    const struct arm_event *p = find(&power, ARM_EVENT_FIRMWARE, P(ON));

    assert_int_equal(p->firmware.function, UINT32_C(0xc4000003));
    assert_int_equal(p->firmware.arg1, 1);
    assert_int_equal(p->firmware.arg2, P(SECOND));
    assert_int_equal(p->firmware.arg3, 0x77);
    assert_int_equal(p->firmware.result, 0);
    assert_int_equal(p->cpu, 0);
}

static void check_power(uint64_t pc, unsigned state, unsigned cpu, unsigned by, uint64_t entry,
                        uint64_t context)
{
    const struct arm_event *p = find(&power, ARM_EVENT_POWER, pc);

    assert_int_equal(p->power.state, state);
    assert_int_equal(p->power.by, by);
    assert_int_equal(p->power.entry, entry);
    assert_int_equal(p->power.context, context);
    assert_int_equal(p->cpu, cpu);
}

static void check_POWER(void)
{
    check_power(P(SECOND), ARM_POWER_ON, 1, 0, P(SECOND), 0x77);
    check_power(P(OFF), ARM_POWER_OFF, 1, 1, 0, 0);
    check_power(P(SUSPEND), ARM_POWER_SUSPENDED, 0, 0, P(RESUMED), 0x88);
    check_power(P(RESUMED), ARM_POWER_ON, 0, ARM_NO_CPU, P(RESUMED), 0x88);
}

static void check_code(uint64_t pc, unsigned cause, uint64_t pa, uint64_t size)
{
    const struct arm_event *p = find(&dma, ARM_EVENT_CODE, pc);

    assert_int_equal(p->code.cause, cause);
    assert_int_equal(p->code.pa, pa);
    assert_int_equal(p->code.size, size);
}

static void check_CODE(void)
{
    check_code(D(STORE), ARM_CODE_STORE, D(F), 4);
    check_code(D(LOOP) - 8, ARM_CODE_DROPPED, D(F), PAGE_SIZE);
    check_code(D(CODE), ARM_CODE_WRITTEN, D(H), PAGE_SIZE);
}

static void check_DECODE(void)
{
    const struct arm_event *p = find(&dma, ARM_EVENT_DECODE, D(LOOP));
    unsigned count = 0;

    assert_int_equal(p->decode.pa, D(LOOP));
    assert_int_equal(p->decode.word, dma_code[DMA_LOOP]);
    for (unsigned k = 0; k < dma.count; k++)
        count += dma.e[k].kind == ARM_EVENT_DECODE && dma.e[k].pc == D(LOOP);
    assert_int_equal(count, 1); /* of 80 times */
}
