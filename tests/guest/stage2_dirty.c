/* Runs on: a57 n1 max; el2. */
/* Stage 2's access flag and dirty state by hardware, those of stage 1 on top of them; VMIDs and
 * ASIDs that share a TLB, and worlds switched without any maintenance. */
#include "mmu.h"

#define VA     UINT64_C(0x1000000000)
#define IPA    UINT64_C(0x2000000000)
#define S2_W   BIT(7)
#define HA     BIT(21) /* VTCR_EL2 */
#define HD     BIT(22)
#define VS     BIT(19) /* VMIDs of 16 bits */
#define S1_HA  BIT(39) /* TCR_EL1 */
#define S1_HD  BIT(40)
#define TCR_AS BIT(36)

static uint8_t page[4096] __attribute__((aligned(4096)));
static uint64_t *s1, *s2;

static void flush(void)
{
    insn("dsb sy; tlbi vmalls12e1; dsb sy; isb");
}

static void read1(void)
{
    run_word_at(1, 0x39400003, VA); /* ldrb w3, [x0] */
}

static void write1(void)
{
    run_word_at(1, 0x39000003, VA); /* strb w3, [x0] */
}

static uint64_t at_s12e1w(void)
{
    __asm__ volatile("at s12e1w, %0; isb" ::"r"(VA) : "memory");
    return mrs(par_el1) & 0x7f;
}

/* Stage 2 alone: what an access leaves of the descriptor, or the fault it takes. */
static void stage2_alone(void)
{
    enum action { READ, WRITE, AT };
    static const struct {
        uint64_t vtcr, before, after;
        enum action action;
        uint64_t fault; /* FSC, 0: none */
        const char *name;
    } rows[] = {
        {0, 0, 0, READ, 11, "AF clear, no HA: read"},
        {HA, 0, PT_AF, READ, 0, "HA: read sets AF"},
        {HA, S2_W, S2_W | PT_AF, WRITE, 0, "HA: write sets AF"},
        {HA, PT_DBM, PT_DBM | PT_AF, READ, 0, "HA, DBM: read"},
        {HA, PT_DBM | PT_AF, PT_DBM | PT_AF, WRITE, 15, "HA, DBM without HD: write"},
        {HA | HD, PT_DBM | PT_AF, PT_DBM | PT_AF, READ, 0, "HD, DBM: read leaves it clean"},
        {HA | HD, PT_DBM | PT_AF, PT_DBM | PT_AF | S2_W, WRITE, 0, "HD, DBM: write makes it dirty"},
        {HA | HD, PT_DBM, PT_DBM | PT_AF | S2_W, WRITE, 0, "HD, DBM, AF clear: write sets both"},
        {HA | HD, PT_AF, PT_AF, WRITE, 15, "HD without DBM: write"},
        {HD, PT_DBM | PT_AF, PT_DBM | PT_AF, WRITE, 15, "HD without HA does nothing"},
        {HA | HD, PT_DBM | PT_AF, PT_DBM | PT_AF, AT, 0, "AT of a write leaves it clean"},
    };
    const uint64_t watched = PT_AF | PT_DBM | S2_W;
    uint64_t *e = pt_entry(s2, IPA, 3), vtcr = mrs(vtcr_el2);

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        uint64_t par = 0;

        *e = (uint64_t)page | (S2_NORMAL & ~watched) | PT_TABLE | rows[k].before;
        msr(vtcr_el2, vtcr | rows[k].vtcr);
        flush();
        taken_clear();
        if (rows[k].action == READ)
            read1();
        else if (rows[k].action == WRITE)
            write1();
        else
            par = at_s12e1w();
        if (rows[k].action == AT)
            check_differs(*e & watched, rows[k].after, rows[k].name, "at-dirty");
        else
            check_equal(*e & watched, rows[k].after, rows[k].name);
        check_equal(taken.count ? FIELD(taken.esr, 5, 0) : 0, rows[k].fault, "fault");
        check_equal(par & 1, 0, "PAR_EL1");
        taken_clear();
    }
    /* A page that a read has left clean, written afterwards without maintenance. */
    *e = (uint64_t)page | (S2_NORMAL & ~watched) | PT_TABLE | PT_AF | PT_DBM;
    msr(vtcr_el2, vtcr | HA | HD);
    flush();
    read1();
    check_equal(*e & S2_W, 0, "read: clean");
    write1();
    check_equal(*e & S2_W, S2_W, "then written: dirty");
    check_none("no fault");
    msr(vtcr_el2, vtcr);
    *e = (uint64_t)page | S2_NORMAL | PT_TABLE;
    flush();
}

/* Stage 1's tables are read, and its flags written, through stage 2. */
static void both_stages(void)
{
    uint64_t *leaf = pt_entry(s1, VA, 3), saved = *leaf, tcr = mrs(tcr_el1), vtcr = mrs(vtcr_el2);
    uint64_t table = (uint64_t)leaf & ~UINT64_C(4095), *e = pt_entry(s2, table, 2), block = *e;
    uint64_t *by_pages = pt_new(), *p;

    for (unsigned n = 0; n < 512; n++) /* the tables' block by pages */
        by_pages[n] = (block & 0xffffffe00000) + n * 4096 + (S2_NORMAL | PT_TABLE);
    *e = (uint64_t)by_pages | 3;
    p = pt_entry(s2, table, 3);
    *p = table | (S2_NORMAL & ~(PT_AF | S2_W)) | PT_TABLE | PT_DBM;
    msr(vtcr_el2, vtcr | HA | HD);
    flush();
    read1();
    check_none("walk");
    check_equal(*p & (PT_AF | S2_W), PT_AF, "a walk sets stage 2's AF of the table");
    *leaf = saved & ~PT_AF;
    msr(tcr_el1, tcr | S1_HA | S1_HD);
    *p = table | (S2_NORMAL & ~(PT_AF | S2_W)) | PT_TABLE | PT_DBM;
    flush();
    read1();
    check_none("stage 1 sets AF");
    check_equal(*leaf & PT_AF, PT_AF, "AF");
    check_equal(*p & (PT_AF | S2_W), PT_AF | S2_W, "which makes its table dirty at stage 2");
    *leaf = saved | PT_RO | PT_DBM;
    *p = table | (S2_NORMAL & ~(PT_AF | S2_W)) | PT_TABLE | PT_DBM;
    flush();
    write1();
    check_none("stage 1 sets dirty");
    check_equal(*leaf & PT_RO, 0, "stage 1 is dirty");
    check_equal(*p & (PT_AF | S2_W), PT_AF | S2_W, "and its table");
    *leaf = saved;
    *e = block;
    msr(tcr_el1, tcr);
    msr(vtcr_el2, vtcr);
    flush();
}

/* One VA in many worlds: each VMID has its own IPA map, each ASID its own page; no maintenance. */
#define WORLDS 6
static uint8_t worlds_data[WORLDS][4096] __attribute__((aligned(4096)));

static void worlds(void)
{
    static const uint16_t vmids[WORLDS] = {1, 2, 1, 2, 0x101, 0x101};
    static const uint16_t asids[WORLDS] = {1, 1, 2, 0x102, 1, 2};
    bool wide_vmid = FIELD(mrs(id_aa64mmfr1_el1), 7, 4)
    , wide_asid = FIELD(mrs(id_aa64mmfr0_el1), 7, 4);
    uint64_t *roots1[3], *roots2[3];
    uint64_t vtcr = mrs(vtcr_el2) | (wide_vmid ? VS : 0),
             tcr = mrs(tcr_el1) | (wide_asid ? TCR_AS : 0);

    for (unsigned k = 0; k < 3; k++) { /* by ASID 1, 2, 0x102; by VMID 1, 2, 0x101 */
        roots1[k] = pt_identity(0);
        roots2[k] = pt_identity_s2();
        *pt_entry(roots1[k], VA, 3) = (IPA + 4096 * k) | PT_NORMAL | PT_TABLE | PT_USER | PT_NG;
    }
    for (unsigned w = 0; w < WORLDS; w++) {
        unsigned a = asids[w] == 0x102 ? 2 : asids[w] - 1u,
                 v = vmids[w] == 0x101 ? 2 : vmids[w] - 1u;

        *pt_entry(roots2[v], IPA + 4096 * a, 3) = (uint64_t)worlds_data[w] | S2_NORMAL | PT_TABLE;
        worlds_data[w][0] = (uint8_t)(0x30 + w);
    }
    msr(vtcr_el2, vtcr);
    msr(tcr_el1, tcr);
    insn("dsb sy; tlbi alle1; dsb sy; isb");
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned n = 0; n < WORLDS; n++) {
            unsigned w = (turn & 1 ? WORLDS - 1 - n : n + turn) % WORLDS;
            unsigned a = asids[w] == 0x102 ? 2 : asids[w] - 1u;
            unsigned v = vmids[w] == 0x101 ? 2 : vmids[w] - 1u;

            if ((vmids[w] > 0xff && !wide_vmid) || (asids[w] > 0xff && !wide_asid))
                continue;
            msr(vttbr_el2, (uint64_t)roots2[v] | (uint64_t)vmids[w] << 48);
            msr(ttbr0_el1, (uint64_t)roots1[a] | (uint64_t)asids[w] << 48);
            for (unsigned el = 0; el < 2; el++) /* ldrb w0, [x0] */
                check_equal(run_word_at(el, 0x39400000, VA), 0x30 + w, "world's own page");
        }
    }
    check_none("no fault");
}

static uint64_t on_el1(uint64_t arg)
{
    mmu_on_el1((uint64_t *)arg);
    return 0;
}

int main(void)
{
    s1 = pt_identity(0);
    s2 = pt_identity_s2();
    *pt_entry(s1, VA, 3) = IPA | PT_NORMAL | PT_TABLE | PT_USER;
    *pt_entry(s2, IPA, 3) = (uint64_t)page | S2_NORMAL | PT_TABLE;
    mmu_on_s2(s2, 1);
    call_el(1, on_el1, (uint64_t)s1);
    if (FIELD(mrs(id_aa64mmfr1_el1), 3, 0) >= 2) {
        stage2_alone();
        both_stages();
    } else {
        note("no FEAT_HAFDBS");
    }
    worlds();
    return (int)failures;
}
