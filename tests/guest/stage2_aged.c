/* Runs on: a57 n1 max; el2. */
/* A hypervisor clears the Access flag of stage 2 where a guest's tables are, without a TLBI, as
 * when it asks what is in use. The guest goes on by what a TLB has of them, and what it does faults
 * elsewhere; the hypervisor then asks AT for the IPA. Whatever it is told, it must get on. */
#include "mmu.h"

#define ROOT  UINT64_C(0x2000000000) /* IPA of the stage-1 root, VA of two pages in one table */
#define VA    UINT64_C(0x1000000000)
#define OTHER (VA + 0x1000)
#define LIMIT 100

#define FSC(esr)  ((unsigned)FIELD(esr, 5, 0))
#define FSC_AF(n) (8u + (n))
#define S1PTW     BIT(7)

static uint8_t pages[2][4096] __attribute__((aligned(4096)));
static uint64_t *s2;
static unsigned tries;

/* As KVM does where HPFAR_EL2 is not to be had: a data abort's IPA by AT; if there is none, the
 * guest is to try again. */
static void make_present(struct frame *f, unsigned el, unsigned offset)
{
    uint64_t ipa;

    if (el != 2 || offset != V_LOWER || ++tries > LIMIT) {
        f->elr += 4;
        return;
    }
    if ((f->esr & S1PTW) && FSC(f->esr) == FSC_AF(3)) {
        *pt_entry(s2, mrs(hpfar_el2) << 8, 3) |= PT_AF;
        dsb();
        return;
    }
    __asm__ volatile("at s1e1r, %0; isb" ::"r"(f->far) : "memory");
    if (mrs(par_el1) & 1)
        return;
    ipa = mrs(par_el1) & 0xfffffffff000;
    *pt_entry(s2, ipa, 3) = (uint64_t)pages[1] | S2_NORMAL | PT_TABLE;
    dsb();
}

int main(void)
{
    uint64_t *s1 = pt_identity(0);

    s2 = pt_identity_s2();
    *pt_entry(s1, VA, 3) = VA | PT_NORMAL | PT_TABLE;
    *pt_entry(s1, OTHER, 3) = OTHER | PT_NORMAL | PT_TABLE;
    *pt_entry(s2, VA, 3) = (uint64_t)pages[0] | S2_NORMAL | PT_TABLE;
    *pt_entry(s2, ROOT, 3) = (uint64_t)s1 | S2_NORMAL | PT_TABLE;
    mmu_on_s2(s2, 1);
    mmu_on_el1((uint64_t *)ROOT);

    run_word_at(1, 0x39000000, VA); /* strb w0, [x0] */
    check_none("a page that is there");
    *pt_entry(s2, ROOT, 3) &= ~PT_AF;
    dsb();
    guest_handler = make_present;
    run_word_at(1, 0xf9000000, OTHER); /* str x0, [x0] */
    guest_handler = 0;
    check(tries >= 1 && tries <= LIMIT, "the hypervisor gets on");
    check_equal(*(volatile uint64_t *)pages[1], OTHER, "stored");
    return (int)failures;
}
