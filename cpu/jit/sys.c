/* System instructions whose usual case is short: hints, barriers, plain system registers,
 * DAIF. What they depend on is asked; anything else is done by their exec_ functions,
 * behind the block. */
#include "cpu/events.h"
#include "cpu/interrupt.h"
#include "cpu/jit/pieces.h"
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"
#include "cpu/jit/vector.h"
#include "cpu/mem_access.h"
#include "cpu/read_list.h"
#include "cpu/sysreg.h"
#include "cpu/sysreg_quick.h"
#include "cpu/world.h"

/* Nothing to do: unallocated hints, and what has no effect here. */
static bool nothing(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)t, (void)k, (void)i, (void)arg;
    return true;
}

/* @arg: the key. Disabled, as it always is without FEAT_PAuth, they leave the pointer alone. */
static bool pac(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned jumps = 0;

    (void)i;
    if (!has_feature(&t->cpu->features, FEAT_PAuth))
        return true;
    tr_free_eflags(t);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    tr_leave_if(t, slow, &jumps, offsetof(struct cpu, block), (uint32_t)BLOCK_PAC(arg));
    tr_come_back(t, slow);
    return true;
}

static bool strip(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)k, (void)i, (void)arg;
    return !has_feature(&t->cpu->features, FEAT_PAuth);
}

/* arg: may a later load be before an earlier store? With one kind the type is CRm<1:0>: where it is
 * that of loads or of stores alone, it may. */
enum { ORDERS_ALL = 1, ORDERS_BUT_ONE_KIND = 2 };

static bool barrier(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned jumps = 0;
    unsigned types = (unsigned)bits((uint64_t)i->imm, 9, 8);
    bool one_kind = types == 1 || types == 2;

    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_BARRIER);
    tr_leave_if_wanted(t, slow, &jumps, (enum arm_event_kind)__builtin_ctzll(WANTED_LATE));
    if (arg == ORDERS_ALL || (arg == ORDERS_BUT_ONE_KIND && !one_kind))
        tr_fence(t);
    tr_come_back(t, slow);
    return true;
}

static bool clear_exclusive(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)k, (void)i, (void)arg;
    x86_mov_imm(&t->c, RAX, 0);
    x86_rm_prefixed(&t->c, 0, 0x88, 0, RAX, CPU_FIELD(excl_valid), true);
    return true;
}

/* A write of DAIF: behind the block at EL0, where it may trap, and if somebody is to be told. */
static struct stub *begin_daif(struct tr *t, unsigned k, unsigned *jumps)
{
    struct stub *slow = tr_stub(t, STUB_EXEC, k);

    x86_test_mem_imm(&t->c, CPU_FIELD(block), BLOCK_EL);
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_E);
    tr_leave_if_wanted(t, slow, jumps, ARM_EVENT_SYSREG_WRITE);
    return slow;
}

static bool mask_interrupts(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned jumps = 0;
    struct stub *slow = begin_daif(t, k, &jumps);

    (void)arg;
    x86_rm(&t->c, 0x80, 0, 1, CPU_FIELD(ps.daif)); /* or byte */
    x86_byte(&t->c, (unsigned)bits((uint64_t)i->imm, 11, 8));
    tr_come_back(t, slow);
    return true;
}

/* Into @slow, if something may be pending that a write of DAIF unmasks: an interrupt
 * (cpu_wakeup_pending()), or a debug exception (debug_in_use()). */
static void leave_if_pending(struct tr *t, struct stub *slow, unsigned *jumps)
{
    _Static_assert(offsetof(struct cpu, fiq_pin) == offsetof(struct cpu, irq_pin) + 1 &&
                       offsetof(struct cpu, virq_pin) == offsetof(struct cpu, irq_pin) + 2 &&
                       offsetof(struct cpu, vfiq_pin) == offsetof(struct cpu, irq_pin) + 3,
                   "four pins are tested as one word");
    const uint64_t debug = FIELD_MASK(MDSCR_EL1_SS) | FIELD_MASK(MDSCR_EL1_MDE);

    tr_leave_if(t, slow, jumps, offsetof(struct cpu, irq_pin), UINT32_MAX);
    x86_rm(&t->c, 0x80, 0, 7, CPU_FIELD(serror_pin)); /* cmp byte */
    x86_byte(&t->c, 0);
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
    tr_leave_if(t, slow, jumps, offsetof(struct cpu, sr) + 8 * SR_HCR_EL2,
                (uint32_t)HCR_VIRTUAL_PENDING);
    tr_leave_if(t, slow, jumps, offsetof(struct cpu, sr) + 8 * SR_MDSCR_EL1, (uint32_t)debug);
}

static bool unmask_interrupts(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned jumps = 0;
    struct stub *slow = begin_daif(t, k, &jumps);

    (void)arg;
    leave_if_pending(t, slow, &jumps);
    x86_rm(&t->c, 0x80, 0, 4, CPU_FIELD(ps.daif)); /* and byte */
    x86_byte(&t->c, ~(unsigned)bits((uint64_t)i->imm, 11, 8) & 15);
    tr_come_back(t, slow);
    return true;
}

/* ---- system registers ---- */

#define MODE (BLOCK_EL | BLOCK_SP | BLOCK_E2H)

/* To @slow, if the CPU is not in the mode in which the block is made. */
static void check_mode(struct tr *t, struct stub *slow, unsigned *jumps)
{
    x86_rm(&t->c, 0x8b, 0, RAX, CPU_FIELD(block));
    x86_alu_imm(&t->c, ALU_AND, 0, RAX, MODE);
    x86_alu_imm(&t->c, ALU_CMP, 0, RAX, (int32_t)(t->cpu->block & MODE));
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
}

static struct x86_mem storage(enum sysreg sr)
{
    return tr_cpu(offsetof(struct cpu, sr) + 8 * (size_t)sr);
}

/* May an access at EL1 be one of storage alone, once it has passed its checks? See
 * cpu->sr_allowed. */
static bool once_allowed(const struct tr *t, enum sysreg sr, bool write)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (sr_mode(t->cpu) != SR_MODE_EL1 || row->gic || row->fp || row->hpmn ||
        t->cpu->sr_quick[sr] & (SR_LATE | SR_TRAP_CONTROL))
        return false;
    return write ? !row->wr && !row->fx && !row->event : !row->rd && !row->take;
}

static void check_allowed(struct tr *t, struct stub *slow, unsigned *jumps, enum sysreg sr,
                          bool write)
{
    size_t offset = offsetof(struct cpu, sr_allowed) + 8 * ((size_t)write * SR_COUNT + (size_t)sr);

    x86_load(&t->c, RAX, CPU_FIELD(trap_epoch));
    x86_rm(&t->c, ALU_CMP, 1, RAX, tr_cpu(offset));
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
}

/* What its accessor computes: cpu_mrs() without what a block has asked. The function is of C, and
 * neither reads nor writes registers of the guest. */
static bool read_computed(struct tr *t, unsigned k, const struct insn *i, enum sysreg sr)
{
    enum sr_mode mode = sr_mode(t->cpu);
    bool is_free = t->cpu->sr_quick[sr] & SR_FREE_READ(mode);
    unsigned jumps = 0;

    if (!is_free && mode != SR_MODE_EL1)
        return false;
    tr_fp_leave(t);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    check_mode(t, slow, &jumps);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_SYSREG_READ);
    if (!is_free)
        check_allowed(t, slow, &jumps, sr, false);
    uint64_t gone = tr_lost(t, t->s.valid, t->use[k].x_writes);
    tr_store(t, t->s.dirty & gone);
    t->s.dirty &= ~gone;
    t->s.valid &= ~gone;
    t->s.v_valid = 0;
    x86_lea(&t->c, 1, RAX, x86_at(JIT_LEFT, JIT_INSNS_MAX - (int32_t)k));
    x86_store(&t->c, CPU_FIELD(left), RAX);
    tr_pass_cpu(&t->c);
    x86_mov_imm(&t->c, RSI, (uintptr_t)(t->page + t->at[k]));
    x86_mov_imm(&t->c, RDX, sr_quick_target(sr, mode));
    tr_call_c(&t->c, (uintptr_t)jit_read);
    enum x86_reg d = tr_def(t, i->rd, RAX);
    x86_mov(&t->c, 1, d, RAX);
    tr_done(t, i->rd, d);
    x86_alu_mem_imm(&t->c, ALU_CMP, 0, CPU_FIELD(recheck), EXEC_NEXT);
    tr_stub(t, STUB_SYNC, k)->from[0] = x86_jcc(&t->c, CC_NE);
    tr_come_back(t, slow);
    return true;
}

/* Has @sr an accessor that needs neither general registers nor NZCV? Where CPUs run at the same
 * time, all but counters are read with a lock. */
static bool is_computed(const struct tr *t, enum sysreg sr)
{
    switch (sysreg_rows[sr_quick_target(sr, sr_mode(t->cpu))].rd) {
    case SYSREG_RD_CNT_COUNT:
        return true;
    case SYSREG_RD_CNT_CTL:
    case SYSREG_RD_CNT_CVAL:
    case SYSREG_RD_CNT_TVAL:
    case SYSREG_RD_DCZID:
    case SYSREG_RD_DEBUG:
    case SYSREG_RD_DISR:
    case SYSREG_RD_ISR:
        return !t->jit->parallel;
    default:
        return false;
    }
}

/* A part of PSTATE that nothing forbids to read above EL0. */
static bool is_pstate(enum sysreg sr)
{
    return sr == SR_DAIF || sr == SR_CurrentEL || sr == SR_SPSel;
}

/* EL and SP are those of the mode. */
static void read_pstate(struct tr *t, enum sysreg sr, enum x86_reg d)
{
    const struct pstate *ps = &t->cpu->ps;

    if (sr != SR_DAIF) {
        x86_mov_imm(&t->c, d, sr == SR_SPSel ? ps->sp : (uint64_t)ps->el << 2);
        return;
    }
    x86_rm(&t->c, 0x0fb6, 0, d, CPU_FIELD(ps.daif));
    x86_shift(&t->c, SHIFT_SHL, 0, d, 6);
}

/* What MIDR_EL1 and MPIDR_EL1 are read from. SR_NONE: @sr is neither, or with EL3 it depends on the
 * Security state whether there is an EL2. */
static enum sysreg identity(const struct cpu *cpu, enum sysreg sr)
{
    if (cpu_has_el3(cpu) || (sr != SR_MIDR_EL1 && sr != SR_MPIDR_EL1))
        return SR_NONE;
    return cpu_identity(cpu, sr, cpu->ps.el);
}

/* Somebody wants the event: it may be listed, as by read_list_takes(). */
static void list_read(struct tr *t, struct stub *s)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(t->rec[s->k].imm >> 5));
    const int32_t end = (int32_t)offsetof(struct read_list, end);
    struct x86_code *c = &t->c;

    x86_load(c, RAX, CPU_FIELD(listed));
    x86_rm(c, 0x80, 0, 7,
           x86_at(RAX, (int32_t)(offsetof(struct read_list, on) + sr))); /* cmp byte */
    x86_byte(c, 0);
    x86_bind_to(c, x86_jcc(c, CC_E), s->slow->code);
    x86_load(c, RCX, x86_at(RAX, end));
    x86_rm(c, ALU_CMP, 1, RCX, x86_at(RAX, (int32_t)offsetof(struct read_list, limit)));
    x86_bind_to(c, x86_jcc(c, CC_AE), s->slow->code);
    x86_load(c, RDX, CPU_FIELD(retired_goal));
    x86_alu(c, ALU_SUB, 1, RDX, JIT_LEFT);
    x86_alu_imm(c, ALU_SUB, 1, RDX, JIT_INSNS_MAX - (int32_t)s->k);
    x86_store(c, x86_at(RCX, (int32_t)offsetof(struct arm_listed_read, count)), RDX);
    x86_rm(c, 0xc7, 0, 0, x86_at(RCX, (int32_t)offsetof(struct arm_listed_read, reg))); /* mov */
    x86_imm32(c, (int32_t)sysreg_number(sr));
    x86_alu_mem_imm(c, ALU_ADD, 1, x86_at(RAX, end), sizeof(struct arm_listed_read));
}

/* To @slow, if the event is wanted, and not @listed. */
static void tell_or_list(struct tr *t, struct stub *slow, unsigned *jumps, bool listed)
{
    if (!listed) {
        tr_leave_if_wanted(t, slow, jumps, ARM_EVENT_SYSREG_READ);
        return;
    }
    unsigned from = 0;
    struct stub *list = tr_stub(t, STUB_APART, slow->k);
    tr_leave_if_wanted(t, list, &from, ARM_EVENT_SYSREG_READ);
    list->warm = list_read;
    list->slow = slow;
    list->back = t->c.p;
}

static bool read(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));
    enum sr_mode mode = sr_mode(t->cpu);
    unsigned jumps = 0;
    bool pstate = is_pstate(sr) && t->cpu->ps.el;

    (void)arg;
    if (sr == SR_NONE)
        return false;
    enum sysreg from = identity(t->cpu, sr);
    bool plain = pstate || t->cpu->sr_quick[sr] & SR_PLAIN_READ(mode) ||
                 (from != SR_NONE && t->cpu->sr_quick[sr] & SR_FREE_READ(mode));
    if (!plain && is_computed(t, sr))
        return read_computed(t, k, i, sr);
    if (!plain && !once_allowed(t, sr, false))
        return false;
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    check_mode(t, slow, &jumps);
    tell_or_list(t, slow, &jumps,
                 t->cpu->listed && !pstate && t->cpu->sr_quick[sr] & SR_PLAIN_READ(mode) &&
                     sr_quick_target(sr, mode) == sr);
    if (!plain)
        check_allowed(t, slow, &jumps, sr, false);
    enum x86_reg d = tr_def(t, i->rd, RAX);
    if (pstate)
        read_pstate(t, sr, d);
    else
        x86_load(&t->c, d, storage(from != SR_NONE ? from : sr_quick_target(sr, mode)));
    tr_done(t, i->rd, d);
    tr_come_back(t, slow);
    return true;
}

static bool write_daif(struct tr *t, unsigned k, const struct insn *i)
{
    unsigned jumps = 0;

    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    check_mode(t, slow, &jumps);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_SYSREG_WRITE);
    leave_if_pending(t, slow, &jumps);
    x86_mov(&t->c, 0, RCX, tr_use(t, i->rd, RCX));
    x86_shift(&t->c, SHIFT_SHR, 0, RCX, 6);
    x86_alu_imm(&t->c, ALU_AND, 0, RCX, 15);
    x86_rm_prefixed(&t->c, 0, 0x88, 0, RCX, CPU_FIELD(ps.daif), true); /* mov byte */
    tr_come_back(t, slow);
    return true;
}

/* A write at EL2, by that name, of a register that only EL1 and EL0 feel: nothing follows until one
 * of them is entered (effects_now()). */
static bool is_idle_write(const struct tr *t, enum sysreg sr, enum sr_mode mode)
{
    const struct sysreg_row *row = &sysreg_rows[sr_quick_target(sr, mode)];

    return t->cpu->ps.el == 2 && (t->cpu->sr_quick[sr] & SR_FREE_WRITE(mode)) && !t->cpu->late &&
           (row->fx & SR_FX_BELOW_EL2) &&
           !(row->fx & ~(SR_FX_BELOW_EL2 | SR_FX_REGIME | SR_FX_FP)) && !row->wr && !row->gic;
}

/* What cpu_el_changed() and checks at EL1 go by. */
static void move_epochs_on(struct tr *t, enum sysreg sr)
{
    x86_alu_mem_imm(&t->c, ALU_ADD, 1, CPU_FIELD(contexts.epoch), 1);
    if (t->cpu->sr_quick[sr] & SR_TRAP_CONTROL)
        x86_alu_mem_imm(&t->c, ALU_ADD, 1, CPU_FIELD(trap_epoch), 1);
}

static bool write(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));
    enum sr_mode mode = sr_mode(t->cpu);
    unsigned jumps = 0;

    (void)arg;
    if (sr == SR_NONE)
        return false;
    if (sr == SR_DAIF && t->cpu->ps.el)
        return write_daif(t, k, i);
    bool idle = is_idle_write(t, sr, mode), counts = sysreg_rows[sr].event;
    bool is_free = idle || t->cpu->sr_quick[sr] & SR_PLAIN_WRITE(mode);
    if (!is_free && !once_allowed(t, sr, true))
        return false;
    sr = sr_quick_target(sr, mode);
    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    check_mode(t, slow, &jumps);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_SYSREG_WRITE);
    if (!is_free)
        check_allowed(t, slow, &jumps, sr, true);
    if (idle && counts) {
        x86_rm(&t->c, 0x80, 0, 7, CPU_FIELD(pmu_on)); /* cmp byte */
        x86_byte(&t->c, 0);
        slow->from[jumps++] = x86_jcc(&t->c, CC_NE);
    }
    enum x86_reg v = tr_use(t, i->rd, RAX);
    if (t->cpu->sr_mask[sr] != UINT64_MAX) {
        x86_mov_imm(&t->c, RCX, t->cpu->sr_mask[sr]);
        x86_alu(&t->c, ALU_AND, 1, RCX, v);
        v = RCX;
    }
    if (t->cpu->sr_res1[sr]) {
        x86_mov(&t->c, 1, RCX, v);
        x86_mov_imm(&t->c, RDX, t->cpu->sr_res1[sr]);
        x86_alu(&t->c, ALU_OR, 1, RCX, RDX);
        v = RCX;
    }
    x86_store(&t->c, storage(sr), v);
    if (idle)
        move_epochs_on(t, sr);
    tr_come_back(t, slow);
    return true;
}

/* ---- DC and IC by address ---- */

/* What the fast path of cpu/cache_ops.c asks L1 for. False: another operation. */
static bool by_address(const struct tr *t, enum sysreg sr, unsigned *a)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    *a = sr == SR_DC_IVAC || sr == SR_DC_ZVA ? TR_STORE : TR_LOAD;
    if (row->op == SYSREG_OP_DC_ZVA)
        return true;
    if (row->op == SYSREG_OP_DC)
        return sr != SR_DC_ISW && sr != SR_DC_CSW && sr != SR_DC_CISW;
    return sr == SR_IC_IVAU && !t->cpu->late;
}

static void zero(struct tr *t)
{
    for (int32_t k = 0; k < ZVA_BYTES; k += 8) {
        x86_rm(&t->c, 0xc7, 1, 0, x86_at(RAX, k)); /* mov */
        x86_imm32(&t->c, 0);
    }
}

/* L1 does not have the page of DC ZVA as one to write to: it may be blank, as it was for the last
 * line of it (struct tlb_blank). RCX is where L1 would have it, but for the half; RDX is the page.
 */
static void zero_blank(struct tr *t, struct stub *s)
{
    struct x86_code *c = &t->c;
    const int32_t blank = (int32_t)offsetof(struct tlb_bank, blank);
    const int32_t w = (int32_t)offsetof(struct tlb_bank, w);
    uint8_t *other[4];

    x86_load(c, RAX, CPU_FIELD(bank));
    x86_alu_imm(c, ALU_OR, 1, RDX, TLB_L1_SHARED);
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RAX, blank + (int32_t)offsetof(struct tlb_blank, tag)));
    other[0] = x86_jcc(c, CC_NE);
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, w + (int32_t)offsetof(struct tlb_l1_entry, tag)));
    other[1] = x86_jcc(c, CC_NE);
    x86_load(c, RDX, x86_at(RCX, w + (int32_t)offsetof(struct tlb_l1_entry, addend)));
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RAX, blank + (int32_t)offsetof(struct tlb_blank, addend)));
    other[2] = x86_jcc(c, CC_NE);
    x86_load(c, RDX, x86_at(RAX, blank + (int32_t)offsetof(struct tlb_blank, flags)));
    x86_load_sized(c, 1, false, 0, RDX, x86_at(RDX, 0));
    x86_alu_imm(c, ALU_AND, 0, RDX, PAGE_CHANGED);
    other[3] = x86_jcc(c, CC_NE);
    for (unsigned k = 0; k < 4; k++)
        x86_bind_to(c, other[k], s->slow->code);
}

/* DC ZVA of the line at RAX. */
static void zero_line(struct tr *t, unsigned k, struct stub *slow)
{
    struct stub *blank = tr_stub(t, STUB_APART, k);

    x86_alu_imm(&t->c, ALU_AND, 1, RAX, -ZVA_BYTES);
    tr_look_up(t, blank, 0, ZVA_BYTES, TR_STORE);
    zero(t);
    blank->warm = zero_blank;
    blank->slow = slow;
    blank->back = t->c.p;
}

static bool operation(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum sysreg sr = sysreg_lookup((uint16_t)(i->imm >> 5));
    enum sr_mode mode = sr_mode(t->cpu);
    unsigned a;
    unsigned jumps = 0;

    (void)arg;
    if (sr == SR_NONE || !by_address(t, sr, &a))
        return false;
    bool is_free = t->cpu->sr_quick[sr] & SR_FREE_WRITE(mode);
    if (!is_free && mode != SR_MODE_EL1)
        return false;
    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    check_mode(t, slow, &jumps);
    if (!is_free)
        check_allowed(t, slow, &jumps, sr, true);
    if (sr != SR_DC_ZVA)
        tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_CACHE);
    x86_mov(&t->c, 1, RAX, tr_use(t, i->rd, RAX));
    if (sr == SR_DC_ZVA)
        zero_line(t, k, slow);
    else
        tr_look_up(t, slow, jumps, 1, a);
    tr_come_back(t, slow);
    return true;
}

static const struct jit_template rows[] = {
    {A64_SYS, 0, operation, NULL},
    {A64_HINT, 0, nothing, jit_keeps_flags},
    {A64_NOP, 0, nothing, jit_keeps_flags},
    {A64_YIELD, 0, nothing, jit_keeps_flags},
    {A64_BTI, 0, nothing, jit_keeps_flags},
    {A64_PRFM_imm, 0, nothing, jit_keeps_flags},
    {A64_PRFM_reg, 0, nothing, jit_keeps_flags},
    {A64_PRFM_lit, 0, nothing, jit_keeps_flags},
    {A64_PACIA1716, 0, pac, jit_keeps_flags},
    {A64_PACIB1716, 1, pac, jit_keeps_flags},
    {A64_AUTIA1716, 0, pac, jit_keeps_flags},
    {A64_AUTIB1716, 1, pac, jit_keeps_flags},
    {A64_PACIAZ, 0, pac, jit_keeps_flags},
    {A64_PACIASP, 0, pac, jit_keeps_flags},
    {A64_PACIBZ, 1, pac, jit_keeps_flags},
    {A64_PACIBSP, 1, pac, jit_keeps_flags},
    {A64_AUTIAZ, 0, pac, jit_keeps_flags},
    {A64_AUTIASP, 0, pac, jit_keeps_flags},
    {A64_AUTIBZ, 1, pac, jit_keeps_flags},
    {A64_AUTIBSP, 1, pac, jit_keeps_flags},
    {A64_XPACLRI, 0, strip, NULL},
    {A64_DMB, ORDERS_BUT_ONE_KIND, barrier, NULL},
    {A64_DSB, ORDERS_ALL, barrier, NULL},
    {A64_DSB_nXS, ORDERS_ALL, barrier, NULL},
    {A64_ISB, 0, barrier, NULL},
    {A64_SB, 0, barrier, NULL},
    {A64_CLREX, 0, clear_exclusive, jit_keeps_flags},
    {A64_MSR_DAIFSet, 0, mask_interrupts, NULL},
    {A64_MSR_DAIFClr, 0, unmask_interrupts, NULL},
    {A64_MRS, 0, read, NULL},
    {A64_MSR_reg, 0, write, NULL},
};

const struct jit_templates jit_sys = JIT_TEMPLATES(rows);
