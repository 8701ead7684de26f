/* L1 of the software TLB, asked by a block. */
#include "cpu/jit/host.h"
#include "cpu/jit/translate.h"

/* @r: where the entry of the page of @va is, but for its half of a bank. */
static void slot(struct tr *t, enum x86_reg r, enum x86_reg va, unsigned a)
{
    struct x86_code *c = &t->c;

    _Static_assert(sizeof(struct tlb_l1_entry) == 16 && PAGE_SHIFT == 12, "the shift below");
    if (t->jit->host & HOST_BMI2) {
        x86_rorx(c, r, va, PAGE_SHIFT - 4);
    } else {
        x86_mov(c, 0, r, va);
        x86_shift(c, SHIFT_SHR, 0, r, PAGE_SHIFT - 4);
    }
    x86_alu_imm(c, ALU_AND, 0, r, (TLB_L1_SIZE - 1) << 4);
    x86_rm(c, ALU_ADD, 1, r, a & TR_UNPRIV ? CPU_FIELD(bank_unpriv) : CPU_FIELD(bank));
}

static int32_t half(unsigned a)
{
    return (int32_t)(a & TR_LOAD ? offsetof(struct tlb_bank, r) : offsetof(struct tlb_bank, w));
}

/* Does the entry at @r have the page in RDX? Return: a jump for when not. */
static uint8_t *compare(struct tr *t, enum x86_reg r, unsigned a)
{
    int32_t tag = half(a) + (int32_t)offsetof(struct tlb_l1_entry, tag);

    x86_rm(&t->c, ALU_CMP, 1, RDX, x86_at(r, tag));
    return x86_jcc(&t->c, CC_NE);
}

/* RDX = the page of @va, but for an address that is no multiple of @size, which has none. */
static void aligned_page(struct tr *t, enum x86_reg va, unsigned size)
{
    x86_mov(&t->c, 1, RDX, va);
    x86_alu_imm(&t->c, ALU_AND, 1, RDX, -(int32_t)PAGE_SIZE | ((int32_t)size - 1));
}

/* The same, @r being where the page of @va has its entry, if L1 has it: then it is that of the last
 * byte, too. */
static uint8_t *check_entry(struct tr *t, enum x86_reg r, enum x86_reg va, unsigned size,
                            unsigned a)
{
    slot(t, r, va, a);
    if (a & TR_ALIGNED) {
        aligned_page(t, va, size);
    } else {
        x86_lea(&t->c, 1, RDX, x86_at(va, (int32_t)size - 1));
        x86_alu_imm(&t->c, ALU_AND, 1, RDX, -(int32_t)PAGE_SIZE);
    }
    return compare(t, r, a);
}

/* A site's entry is of another page, or the address is not aligned: as without a site. */
static void find_entry(struct tr *t, struct stub *s)
{
    enum x86_reg r = (enum x86_reg)t->host[t->site[s->k]];

    x86_bind_to(&t->c, check_entry(t, r, s->va, s->size, s->access), s->slow->code);
}

/* The entry of the last time may be that of this time: of the page of an address that is aligned,
 * so that all of the access is there. */
static void check_site(struct tr *t, struct stub *slow, enum x86_reg va, unsigned size, unsigned a)
{
    unsigned site = t->site[slow->k];

    if (!(t->s.valid & BIT(site)))
        tr_reload(t, BIT(site));
    t->s.valid |= BIT(site);
    aligned_page(t, va, size);
    struct stub *other = tr_stub(t, STUB_APART, slow->k);
    other->from[0] = compare(t, (enum x86_reg)t->host[site], a);
    other->warm = find_entry;
    other->slow = slow;
    other->va = va;
    other->size = size;
    other->access = a;
    other->back = t->c.p;
}

/* To @slow, unless L1 has what tr_find() asks for. Return: where the addend is. */
static struct x86_mem check(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va,
                            unsigned size, unsigned a)
{
    unsigned site = t->site[slow->k];
    enum x86_reg r = site ? (enum x86_reg)t->host[site] : RCX;

    if (site)
        check_site(t, slow, va, size, a);
    else
        slow->from[jumps] = check_entry(t, RCX, va, size, a);
    return x86_at(r, half(a) + (int32_t)offsetof(struct tlb_l1_entry, addend));
}

void tr_find(struct tr *t, struct stub *slow, unsigned jumps, enum x86_reg va, unsigned size,
             unsigned a)
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

void tr_look_up(struct tr *t, struct stub *slow, unsigned jumps, unsigned size, unsigned a)
{
    tr_find(t, slow, jumps, RAX, size, a);
    x86_alu(&t->c, ALU_ADD, 1, RAX, RCX);
}
