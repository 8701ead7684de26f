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

/* To @slow, unless L1 has what tr_find() asks for. Return: where, by RCX, the addend is. */
static struct x86_mem check(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va,
                            unsigned size, enum tr_access a)
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
    return x86_at(RCX, half + (int32_t)offsetof(struct tlb_l1_entry, addend));
}

void tr_find(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va, unsigned size,
             enum tr_access a)
{
    x86_load(&t->c, RCX, check(t, slow, jumps, va, size, a));
}

static void take_addend(struct tr *t, struct stub *s)
{
    (void)s;
    x86_load(&t->c, RDX, x86_at(RCX, (int32_t)offsetof(struct tlb_l1_entry, addend)));
}

void tr_find_likely(struct tr *t, unsigned k, struct stub *slow, unsigned jumps, enum x86_reg va,
                    uint64_t addend)
{
    struct x86_mem at = check(t, slow, jumps, va, 8, TR_LOAD);

    x86_mov_imm(&t->c, RDX, addend);
    x86_rm(&t->c, ALU_CMP, 1, RDX, at);
    struct stub *other = tr_stub(t, STUB_APART, k);
    other->warm = take_addend;
    other->from[0] = x86_jcc(&t->c, CC_NE);
    other->back = t->c.p;
}

bool tr_likely_addend(const struct tr *t, uint64_t va, uint64_t *addend)
{
    const struct tlb_l1_entry *e = &t->cpu->bank->r[(va >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)];

    *addend = e->addend;
    return e->tag == (va & ~PAGE_MASK);
}

void tr_look_up(struct tr *t, struct stub *slow, unsigned jumps, unsigned size, enum tr_access a)
{
    tr_find(t, slow, jumps, RAX, size, a);
    x86_alu(&t->c, ALU_ADD, 1, RAX, RCX);
}
