/* Rows of base/probe.def that an instruction fires: their fields. */
#pragma once

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

static void check_FP(void)
{
    assert_int_equal(find(&basic, ARM_EVENT_FP, B(LDRQ))->fp.word, basic_code[BASIC_LDRQ]);
    assert_int_equal(find(&basic, ARM_EVENT_FP, B(LDRQ))->count, BASIC_LDRQ);
}
