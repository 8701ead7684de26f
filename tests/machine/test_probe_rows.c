/*
 * Every row of base/probe.def is fired by a program, with its fields. A row without a test here
 * does not compile.
 */
#include "arch/sysreg.h"
#include "tests/machine/probe_runs.h"

static void check_INSN(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_INSN, B(MRS));

    assert_int_equal(p->insn.word, basic_code[BASIC_MRS]);
    assert_int_equal(p->insn.pa, B(MRS));
    assert_int_equal(p->count, BASIC_MRS);
    assert_int_equal(p->el, 2);
    assert_int_equal(p->cpu, 0);
    assert_false(p->guest);
    p = find(&walk, ARM_EVENT_INSN, W(EL1));
    assert_int_equal(p->el, 1);
    assert_true(p->guest);
    assert_int_equal(p->vmid, WALK_VMID);
}

static const struct arm_event *check_mem(uint64_t pc, unsigned nth, unsigned kind, unsigned size,
                                         unsigned reg, unsigned reg2, uint64_t value)
{
    const struct arm_event *p = find_nth(&basic, ARM_EVENT_MEM, pc, nth);

    assert_int_equal(p->mem.kind, kind);
    assert_int_equal(p->mem.size, size);
    assert_int_equal(p->mem.reg, reg);
    assert_int_equal(p->mem.reg2, reg2);
    assert_int_equal(p->mem.value[0], value);
    assert_int_equal(p->mem.va, p->mem.pa);
    return p;
}

/* Which registers have the value, and what kind of access it is. */
static void check_MEM(void)
{
    const unsigned none = ARM_NO_REG, write = ARM_MEM_WRITE, fp = ARM_MEM_FP, pair = ARM_MEM_PAIR,
                   excl = ARM_MEM_EXCLUSIVE, atomic = ARM_MEM_ATOMIC;
    const uint64_t stored[] = {2 * 0x1234, 0, 0x1234, 0}; /* v3, v4, v3, v4 */
    const struct arm_event *p;

    check_mem(B(STP), 0, write | pair, 8, 2, none, 0x1234);
    p = check_mem(B(STP), 1, write | pair, 8, 1, none, RAM);
    assert_int_equal(p->mem.pa, DATA + 8);
    check_mem(B(LDXR), 0, excl, 8, 5, none, 0x1234);
    check_mem(B(LDARB), 0, ARM_MEM_ORDERED, 1, 6, none, 0x34);
    p = check_mem(B(LDRQ), 0, fp, 16, 7, none, 0x1234);
    assert_int_equal(p->mem.value[1], RAM);
    check_mem(B(ZVA), 0, write | ARM_MEM_ZERO, 64, none, none, 0);
    p = check_mem(B(CROSS), 0, write, 4, 2, none, 0x1234);
    assert_int_equal(p->mem.pa, DATA + 0xffe);
    assert_int_equal(p->mem.pa2, DATA + 0x1000);
    assert_int_equal(check_mem(B(LDXP), 0, excl | pair, 16, 5, 6, 0)->mem.pa2, 0);
    p = check_mem(B(STXP), 0, write | excl | pair, 16, 1, 2, RAM);
    assert_int_equal(p->mem.value[1], 0x1234);
    check_mem(B(CAS), 0, atomic, 8, 5, none, RAM); /* does not compare equal: no store */
    check_mem(B(SWP), 0, atomic, 8, 8, none, RAM);
    check_mem(B(SWP), 1, write | atomic, 8, 2, none, 0x1234);
    check_mem(B(LDADD), 0, atomic, 8, 31, none, 0x1234);
    check_mem(B(LDADD), 1, write | atomic, 8, none, none, 2 * 0x1234);
    check_mem(B(CASP), 0, atomic | pair, 16, 2, 3, 2 * 0x1234);
    check_mem(B(LDPQ), 0, fp | pair, 16, 3, none, 2 * 0x1234);
    check_mem(B(LDPQ), 1, fp | pair, 16, 5, none, 0);
    for (unsigned k = 0; k < 4; k++)
        check_mem(B(ST2), k, write | fp | pair, 8, 3 + k % 2, none, stored[k]);
    check_mem(B(UART), 0, write | ARM_MEM_DEVICE, 1, 8, none, '!');
}

static void check_EXCEPTION(void)
{
    const struct arm_event *p =
        find(&basic, ARM_EVENT_EXCEPTION, B(AFTER)); /* where it returns to */

    assert_int_equal(p->el, 1);
    assert_int_equal(p->exception.target_el, 2);
    assert_int_equal(p->exception.vector, 0x400);
    assert_int_equal(p->exception.esr, UINT64_C(0x5a000005));
    assert_int_equal(p->exception.spsr & 0xf, 5);
    assert_false(p->exception.far_written);
    assert_false(p->exception.hpfar_written);
    p = find(&walk, ARM_EVENT_EXCEPTION, W(ABORT));
    assert_int_equal(p->exception.esr >> 26, 0x24); /* Data Abort from a lower EL */
    assert_true(p->exception.far_written);
    assert_int_equal(p->exception.far, 0xfe8);
    assert_true(p->exception.hpfar_written);
    assert_int_equal(p->exception.hpfar, 0);
    assert_true(p->guest);
}

static void check_ERET(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_ERET, B(ERET));

    assert_int_equal(p->eret.target, B(EL1));
    assert_int_equal(p->eret.spsr, 0x3c5);
    assert_int_equal(p->eret.target_el, 1);
    assert_true(p->eret.legal);
    assert_int_equal(p->el, 2);
    p = find(&basic, ARM_EVENT_ERET, B(ILLEGAL));
    assert_int_equal(p->eret.target_el, 2);
    assert_false(p->eret.legal);
}

static void check_SYSREG_READ(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_SYSREG_READ, B(MRS));

    assert_int_equal(p->sysreg_read.sr, sysreg_number(SR_TPIDR_EL2));
    assert_int_equal(p->sysreg_read.name, sysreg_number(SR_TPIDR_EL2));
    assert_int_equal(p->sysreg_read.reg, 3);
    assert_int_equal(p->sysreg_read.value, 0x1234);
    assert_false(p->sysreg_read.virt);
    p = find(&basic, ARM_EVENT_SYSREG_READ, B(EL12));
    assert_int_equal(p->sysreg_read.sr, sysreg_number(SR_SCTLR_EL1));
    assert_int_equal(p->sysreg_read.name, sysreg_number(SR_SCTLR_EL12));
    p = find(&basic, ARM_EVENT_SYSREG_READ, B(E2H));
    assert_int_equal(p->sysreg_read.sr, sysreg_number(SR_SCTLR_EL2));
    assert_int_equal(p->sysreg_read.name, sysreg_number(SR_SCTLR_EL1));
}

static void check_SYSREG_WRITE(void)
{
    static const struct {
        uint64_t pc;
        enum sysreg sr;
        uint64_t before, after;
    } immediate[] = {{B(PAN), SR_PAN, 0, BIT(22)},        {B(UAO), SR_UAO, 0, BIT(23)},
                     {B(DIT), SR_DIT, 0, BIT(24)},        {B(SSBS), SR_SSBS, 0, BIT(12)},
                     {B(DAIFCLR), SR_DAIF, 0x3c0, 0x380}, {B(DAIFSET), SR_DAIF, 0x380, 0x3c0},
                     {B(SPSEL), SR_SPSel, 1, 0}};
    const struct arm_event *p = find(&basic, ARM_EVENT_SYSREG_WRITE, B(MSR));

    assert_int_equal(p->sysreg_write.sr, sysreg_number(SR_TPIDR_EL2));
    assert_int_equal(p->sysreg_write.name, sysreg_number(SR_TPIDR_EL2));
    assert_int_equal(p->sysreg_write.reg, 2);
    assert_int_equal(p->sysreg_write.value, 0x1234);
    assert_int_equal(p->sysreg_write.after, 0x1234);
    assert_int_not_equal(p->sysreg_write.before, 0x1234);
    for (size_t k = 0; k < ARRAY_SIZE(immediate); k++) {
        p = find(&basic, ARM_EVENT_SYSREG_WRITE, immediate[k].pc);
        assert_int_equal(p->sysreg_write.sr, sysreg_number(immediate[k].sr));
        assert_int_equal(p->sysreg_write.reg, ARM_NO_REG);
        assert_int_equal(p->sysreg_write.before, immediate[k].before);
        assert_int_equal(p->sysreg_write.after, immediate[k].after);
    }
}

static void check_TLBI(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_TLBI, B(TLBI_VA));

    assert_int_equal(p->tlbi.op, sysreg_number(SR_TLBI_VAE2IS));
    assert_int_equal(p->tlbi.operand, 0x1234);
    assert_int_equal(p->tlbi.regime, ARM_REGIME_EL2);
    assert_int_equal(p->tlbi.scope, ARM_TLBI_VA);
    assert_int_equal(p->tlbi.start, 0x1234000);
    assert_int_equal(p->tlbi.end, 0x1235000);
    assert_true(p->tlbi.broadcast);
    assert_false(p->tlbi.stage2);
    assert_false(p->tlbi.last_level);
    p = find(&basic, ARM_EVENT_TLBI, B(TLBI_IPA));
    assert_int_equal(p->tlbi.regime, ARM_REGIME_EL10);
    assert_int_equal(p->tlbi.scope, ARM_TLBI_IPA);
    assert_false(p->tlbi.broadcast);
    assert_true(p->tlbi.stage2);
    assert_true(p->tlbi.last_level);
    p = find(&walk, ARM_EVENT_TLBI, W(TLBI));
    assert_int_equal(p->tlbi.scope, ARM_TLBI_ASID);
    assert_int_equal(p->tlbi.vmid, WALK_VMID);
    assert_int_equal(p->tlbi.asid, WALK_ASID);
}

static void check_BARRIER(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_BARRIER, B(DSB));

    assert_int_equal(p->barrier.kind, ARM_BARRIER_DSB);
    assert_int_equal(p->barrier.domain, 2);
    assert_int_equal(p->barrier.type, 2);
    assert_false(p->barrier.nxs);
    p = find(&basic, ARM_EVENT_BARRIER, B(DMB));
    assert_int_equal(p->barrier.kind, ARM_BARRIER_DMB);
    assert_int_equal(p->barrier.domain, 0);
    assert_int_equal(p->barrier.type, 1);
    assert_int_equal(find(&basic, ARM_EVENT_BARRIER, B(ISB))->barrier.kind, ARM_BARRIER_ISB);
    assert_int_equal(find(&basic, ARM_EVENT_BARRIER, B(SB))->barrier.kind, ARM_BARRIER_SB);
    p = find(&basic, ARM_EVENT_BARRIER, B(NXS));
    assert_int_equal(p->barrier.kind, ARM_BARRIER_DSB);
    assert_int_equal(p->barrier.domain, 3);
    assert_int_equal(p->barrier.type, 3);
    assert_true(p->barrier.nxs);
}

static void check_CACHE(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_CACHE, B(CIVAC));

    assert_int_equal(p->cache.op, sysreg_number(SR_DC_CIVAC));
    assert_int_equal(p->cache.operand, DATA);
    assert_true(p->cache.by_va);
    assert_int_equal(p->cache.pa, DATA);
    p = find(&basic, ARM_EVENT_CACHE, B(IALLU));
    assert_int_equal(p->cache.op, sysreg_number(SR_IC_IALLU));
    assert_false(p->cache.by_va);
    p = find(&basic, ARM_EVENT_CACHE, B(IVAU));
    assert_int_equal(p->cache.op, sysreg_number(SR_IC_IVAU));
    assert_int_equal(p->cache.pa, DATA);
}

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

static void check_MMIO(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_MMIO, B(UART));

    assert_int_equal(p->mmio.pa, 0x09000000);
    assert_int_equal(p->mmio.size, 1);
    assert_true(p->mmio.write);
    assert_int_equal(p->mmio.value, '!');
}

static void check_CALL(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_CALL, B(HVC));

    assert_int_equal(p->call.kind, ARM_CALL_HVC);
    assert_int_equal(p->call.imm, 5);
    assert_int_equal(p->el, 1);
}

static void check_WFX(void)
{
    assert_false(find(&basic, ARM_EVENT_WFX, B(WFI))->wfx.wfe);
}

static void check_AT(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_AT, B(AT));

    assert_int_equal(p->at.op, sysreg_number(SR_AT_S1E1R));
    assert_int_equal(p->at.operand, DATA);
    assert_int_equal(p->at.par & MASK(51, 12), DATA);
    assert_int_equal(p->at.par & 1, 0);
    p = find(&walk, ARM_EVENT_AT, W(AT)); /* not mapped: stage 1, level 1 */
    assert_int_equal(p->at.operand, 0xfe8);
    assert_int_equal(p->at.par & 0x7f, 5 << 1 | 1);
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

static void check_EXCLUSIVE(void)
{
    const struct arm_event *p = find(&basic, ARM_EVENT_EXCLUSIVE, B(STXP));

    assert_int_equal(p->exclusive.va, DATA);
    assert_int_equal(p->exclusive.size, 16);
    assert_int_equal(p->exclusive.reg, 7);
    assert_true(p->exclusive.stored);
    p = find(&basic, ARM_EVENT_EXCLUSIVE, B(STXR));
    assert_int_equal(p->exclusive.size, 8);
    assert_false(p->exclusive.stored);
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

static void check_store(uint64_t pc, unsigned nth, uint64_t va, uint64_t pa, unsigned size,
                        bool zero)
{
    const struct arm_event *p = find_nth(&basic, ARM_EVENT_STORE, pc, nth);

    assert_int_equal(p->store.va, va);
    assert_int_equal(p->store.pa, pa);
    assert_int_equal(p->store.size, size);
    assert_int_equal(p->store.zero, zero);
}

static void check_STORE(void)
{
    check_store(B(STP), 0, DATA, DATA, 8, false);
    check_store(B(STP), 1, DATA + 8, DATA + 8, 8, false);
    check_store(B(ZVA), 0, find(&basic, ARM_EVENT_MEM, B(ZVA))->mem.va,
                find(&basic, ARM_EVENT_MEM, B(ZVA))->mem.pa, 64, true);
    check_store(B(CROSS), 0, DATA + 0xffe, DATA + 0xffe, 2, false);
    check_store(B(CROSS), 1, DATA + 0x1000, DATA + 0x1000, 2, false);
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

#define PROBE(number, NAME, ...)                                                                   \
    static void test_row_##NAME(void **state)                                                      \
    {                                                                                              \
        (void)state;                                                                               \
        check_##NAME();                                                                            \
    }
#include "base/probe.def"
#undef PROBE

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PROBE(number, NAME, ...) cmocka_unit_test(test_row_##NAME),
#include "base/probe.def"
#undef PROBE
    };

    return cmocka_run_group_tests(tests, run_programs, NULL);
}
