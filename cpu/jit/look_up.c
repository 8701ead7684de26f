/* L1 of the software TLB, asked by a block. */
#include "cpu/jit/host.h"
#include "cpu/jit/translate.h"

/* RCX: where the entry of the page of @va is in its half of a bank. */
static void slot(struct tr *t, enum x86_reg va)
{
    struct x86_code *c = &t->c;

    _Static_assert(sizeof(struct tlb_l1_entry) == 16 && PAGE_SHIFT == 12, "the shift below");
    if (t->jit->host & HOST_BMI2) {
        x86_rorx(c, RCX, va, PAGE_SHIFT - 4);
    } else {
        x86_mov(c, 0, RCX, va);
        x86_shift(c, SHIFT_SHR, 0, RCX, PAGE_SHIFT - 4);
    }
    x86_alu_imm(c, ALU_AND, 0, RCX, (TLB_L1_SIZE - 1) << 4);
}

void tr_find(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va, unsigned size,
             enum tr_access a)
{
    struct x86_code *c = &t->c;
    int32_t half = (int32_t)(a == TR_LOAD || a == TR_LOAD_UNPRIV ? offsetof(struct tlb_bank, r)
                                                                 : offsetof(struct tlb_bank, w));
    struct x86_mem bank = a >= TR_STORE_UNPRIV ? CPU_FIELD(bank_unpriv) : CPU_FIELD(bank);

    slot(t, va);
    x86_rm(c, ALU_ADD, 1, RCX, bank);
    x86_lea(c, 1, RDX, x86_at(va, (int32_t)size - 1));
    x86_alu_imm(c, ALU_AND, 1, RDX, -(int32_t)PAGE_SIZE);
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, half + (int32_t)offsetof(struct tlb_l1_entry, tag)));
    slow->from[jumps] = x86_jcc(c, CC_NE);
    x86_load(c, RCX, x86_at(RCX, half + (int32_t)offsetof(struct tlb_l1_entry, addend)));
}

void tr_look_up(struct tr *t, struct stub *slow, unsigned jumps, unsigned size, enum tr_access a)
{
    tr_find(t, slow, jumps, RAX, size, a);
    x86_alu(&t->c, ALU_ADD, 1, RAX, RCX);
}
