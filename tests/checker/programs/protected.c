// A hypervisor in the manner of protected KVM: a host at EL1, behind a stage 2 from its first
// entry, on two CPUs gives pages to two virtual machines, runs these by calls, on whichever CPU,
// and takes the pages back. EL2 has tables of its own, and in them a page for each CPU by which it
// clears what changes hands.
//
// options: --cpu n1 --smp 2
// case -DCORRECT: clean
// case -DSHARES: clean
// case -DNO_SPLIT_BREAK: BBM
// case -DNO_DONATE_TLBI: TLB-MISS of host/cpu
// case -DNO_RECLAIM_TLBI: TLB-MISS of host/cpu
// case -DHOST_VMID: TLB-SCOPE of host/cpu
// case -DNO_VTTBR_ISB: NOSYNC VTTBR_EL2
// case -DSTAGE2_ONLY: TLB-SCOPE of host/cpu
// case -DFIXMAP_STAYS: TLB-MISS of host/cpu
// case -DFIXMAP_HERE: TLB-SCOPE of host/cpu
// case -DFIXMAP_STORES: NODSB of host/cpu +
// case -DFIXMAP_ADDRESS: TLB-SCOPE of host/cpu
// case -DNO_TPIDRRO: LEAK TPIDRRO_EL0 of
// case -DNO_PAR_SAVE: STALE-RESTORE PAR_EL1 of vm
// case -DNO_HOST_VTTBR: TRAPCFG VTTBR_EL2 of vm +
typedef unsigned long u64;
typedef unsigned int u32;

#define READ(name)                                                                                 \
    ({                                                                                             \
        u64 value_;                                                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                            \
        value_;                                                                                    \
    })
#define WRITE(value, name) __asm__ volatile("msr " #name ", %0" : : "r"((u64)(value)) : "memory")
#define DO(text)           __asm__ volatile(text : : : "memory")
#define TLBI(op, page)     __asm__ volatile("tlbi " #op ", %0" : : "r"((u64)(page)) : "memory")
#define TABLE(name)        static u64 name[512] __attribute__((aligned(4096)))

#define HCR_HOST  0x80080001 // RW, TSC, VM
#define HCR_GUEST 0x80082239 // and TWI, FB, AMO, IMO, FMO
#define VTCR      0x80023559
#define RAM       0x40000000ul
#define BLOCK     0x7fdul // stage 2: Normal, read and write
#define PAGE      0x7fful
#define OWN_PAGE  0x703ul      // EL2's
#define WINDOW    0x80000000ul // of EL2's pages for each CPU, and of a guest's page
#define SHARED    64           // behind these, pages that the host shares

// X0 to X30, pc and pstate are where the assembly has them.
struct context {
    u64 x[31], pc, pstate, sys[24];
};
struct cpu {
    struct context host;
    u64 index;
};
struct vcpu {
    struct context guest;
    u64 vttbr, esr;
};

static struct cpu cpus[2];
_Static_assert(sizeof(cpus) == 928, "leave tells a host by where its context is");
static struct vcpu vcpus[2];
static u32 lock;
char stacks[4][4096] __attribute__((aligned(4096))); // EL2's and the host's
char pool[512][4096] __attribute__((aligned(1 << 21)));
TABLE(own1);
TABLE(own2);
TABLE(own3);
TABLE(host1);
TABLE(host2);
TABLE(host3);
static u64 guest1[2][512] __attribute__((aligned(4096)));
static u64 guest2[2][512] __attribute__((aligned(4096)));
static u64 guest3[2][512] __attribute__((aligned(4096)));

#define SAVE                                                                                       \
    ".irp n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28\n pair stp, \\n\n .endr\n str x30, [x0, "       \
    "#240]\n"
#define LOAD                                                                                       \
    ".irp n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28\n pair ldp, \\n\n .endr\n ldr x30, [x0, "       \
    "#240]\n"
__asm__(
    ".macro two op, a, b\n \\op x\\a, x\\b, [x0, #8 * \\a]\n .endm\n"
    ".macro pair op, n\n .altmacro\n two \\op, \\n, %(\\n + 1)\n .noaltmacro\n .endm\n"
    ".globl _start, second, vectors, enter\n"
    "_start: mov x19, #0\n b 1f\n"
    "second: mov x19, #1\n"
    "1: adrp x1, stacks + 4096\n add x1, x1, x19, lsl #12\n mov sp, x1\n mov x0, x19\n bl begin\n"
    // X0: a context, whose registers are all there
    "resume: ldp x2, x3, [x0, #248]\n msr elr_el2, x2\n msr spsr_el2, x3\n" LOAD
    " ldp x0, x1, [x0]\n eret\n"
    // who has left is in TPIDR_EL2: the host, or the virtual CPU that it runs, whose run() goes on
    "leave: stp x0, x1, [sp, #-16]!\n mrs x0, tpidr_el2\n" SAVE
    " ldp x2, x3, [sp], #16\n stp x2, x3, [x0]\n mrs x2, elr_el2\n mrs x3, spsr_el2\n"
    " stp x2, x3, [x0, #248]\n adrp x1, cpus\n add x1, x1, :lo12:cpus\n sub x2, x0, x1\n cmp x2, "
    "#928\n b.hs 2f\n"
    " mov x19, x0\n bl call\n mov x0, x19\n b resume\n"
    "2: ldp x19, x20, [sp], #16\n ldp x21, x22, [sp], #16\n ldp x23, x24, [sp], #16\n"
    " ldp x25, x26, [sp], #16\n ldp x27, x28, [sp], #16\n ldp x29, x30, [sp], #16\n ret\n"
    "enter: stp x29, x30, [sp, #-16]!\n stp x27, x28, [sp, #-16]!\n stp x25, x26, [sp, #-16]!\n"
    " stp x23, x24, [sp, #-16]!\n stp x21, x22, [sp, #-16]!\n stp x19, x20, [sp, #-16]!\n"
    " b resume\n"
    ".balign 2048\nvectors: .rept 8\n .balign 128\n b .\n .endr\n"
    " .rept 8\n .balign 128\n b leave\n .endr\n");
extern char vectors[], second[], host_start[], guest_start[];
void enter(struct context *c);

static void take(void)
{
    u32 busy;

    __asm__ volatile("1: ldaxr %w0, [%1]\n cbnz %w0, 1b\n stxr %w0, %w2, [%1]\n cbnz %w0, 1b"
                     : "=&r"(busy)
                     : "r"(&lock), "r"(1)
                     : "memory");
}

static void give(void)
{
    __asm__ volatile("stlr wzr, [%0]" : : "r"(&lock) : "memory");
}

// ---- pages

static void set(u64 *descriptor, u64 value)
{
    *(volatile u64 *)descriptor = value;
}

// A page of the stage 2 of @vttbr is gone for all CPUs.
static void forget(u64 vttbr, u64 ipa)
{
    u64 own = READ(vttbr_el2);

    DO("dsb ish");
#ifndef HOST_VMID
    if (own != vttbr) {
        WRITE(vttbr, vttbr_el2);
#ifndef NO_VTTBR_ISB
        DO("isb");
#endif
    }
#endif
    TLBI(ipas2e1is, ipa >> 12);
    DO("dsb ish");
#ifndef STAGE2_ONLY
    DO("tlbi vmalle1is\n dsb ish");
#endif
    DO("isb");
    if (own != vttbr) {
        WRITE(own, vttbr_el2);
        DO("isb");
    }
}

// EL2 writes to a page that it does not map otherwise.
static void clear(const struct cpu *c, u64 pa)
{
    u64 va = WINDOW + c->index * 4096;

    set(&own3[c->index], pa | OWN_PAGE);
    DO("dsb ishst\n isb");
    for (u64 n = 0; n < 4096; n += 8)
        *(volatile u64 *)(va + n) = 0;
    set(&own3[c->index], 0);
    DO("dsb ishst");
#ifdef FIXMAP_HERE
    TLBI(vale2, va >> 12);
#elif defined(FIXMAP_ADDRESS)
    TLBI(vale2is, va);
#elif !defined(FIXMAP_STAYS)
    TLBI(vale2is, va >> 12);
#endif
#ifdef FIXMAP_STORES
    DO("dsb ishst\n isb");
#else
    DO("dsb ish\n isb");
#endif
}

// What the host's stage 2 says of a page of the pool; the block there becomes pages at first.
static void host_set(u64 pa, u64 value)
{
    u64 *block = &host2[(u64)pool >> 21 & 511], *page = &host3[pa >> 12 & 511], old;

    if ((*block & 3) == 1) {
        for (u64 n = 0; n < 512; n++)
            host3[n] = (u64)pool[n] | PAGE;
        DO("dsb ishst");
#ifndef NO_SPLIT_BREAK
        set(block, 0);
        forget((u64)host1, (u64)pool);
#endif
        set(block, (u64)host3 | 3);
        DO("dsb ish");
    }
    old = *page;
    set(page, value);
    DO("dsb ish");
    if (old & 1) {
#ifndef NO_DONATE_TLBI
        forget((u64)host1, pa);
#endif
    }
}

static void donate(const struct cpu *c, u64 vm, u64 pa)
{
    take();
    host_set(pa, 0);
    clear(c, pa);
    set(&guest3[vm][0], pa | PAGE);
    DO("dsb ishst");
    give();
}

static void reclaim(const struct cpu *c, u64 vm, u64 pa)
{
    take();
    set(&guest3[vm][0], 0);
#ifndef NO_RECLAIM_TLBI
    forget(vcpus[vm].vttbr, WINDOW);
#endif
    clear(c, pa);
    host_set(pa, pa | PAGE);
    give();
}

// The host's page is EL2's too, or not any more.
static void share(const struct cpu *c, u64 pa, int shared)
{
    u64 n = SHARED + c->index;

    set(&own3[n], shared ? pa | OWN_PAGE : 0);
    DO("dsb ishst");
    if (shared) {
        DO("isb");
        *(volatile u64 *)(WINDOW + n * 4096) = 1;
        return;
    }
    TLBI(vale2is, (WINDOW >> 12) + n);
    DO("dsb ish\n isb");
}

// ---- worlds

// clang-format off
#define REGISTERS(X) \
    X(0, sctlr_el1) X(1, ttbr0_el1) X(2, ttbr1_el1) X(3, tcr_el1) X(4, mair_el1) X(5, vbar_el1) \
    X(6, cpacr_el1) X(7, contextidr_el1) X(8, tpidr_el1) X(9, tpidr_el0) X(10, esr_el1) \
    X(11, far_el1) X(12, sp_el0) X(13, sp_el1) X(14, elr_el1) X(15, spsr_el1) X(16, cntkctl_el1) \
    X(17, csselr_el1) X(18, amair_el1) X(19, mdscr_el1) X(20, par_el1) X(21, tpidrro_el0)
// clang-format on

static void save(struct context *c)
{
#define X(n, name) c->sys[n] = READ(name);
    REGISTERS(X)
#undef X
}

static void restore(const struct context *c)
{
#define X(n, name) WRITE(c->sys[n], name);
#ifdef NO_TPIDRRO
#define tpidrro_el0 tpidr_el2
#endif
    REGISTERS(X)
#undef X
}

static void run(struct cpu *c, struct vcpu *v)
{
    save(&c->host);
    DO("dsb nsh");
    WRITE(v->vttbr, vttbr_el2);
    WRITE(0x80000000, vmpidr_el2);
    WRITE(0, cnthctl_el2);
    WRITE(HCR_GUEST, hcr_el2);
    DO("isb");
    restore(&v->guest);
    WRITE(&v->guest, tpidr_el2);
    enter(&v->guest);
    WRITE(&c->host, tpidr_el2);
    v->esr = READ(esr_el2);
#ifdef NO_PAR_SAVE
    u64 par = v->guest.sys[20];
#endif
    save(&v->guest);
#ifdef NO_PAR_SAVE
    v->guest.sys[20] = par;
#endif
    DO("dsb nsh");
#ifndef NO_HOST_VTTBR
    WRITE((u64)host1, vttbr_el2);
#endif
    WRITE(0x80000000 | c->index, vmpidr_el2);
    WRITE(3, cnthctl_el2);
    WRITE(HCR_HOST, hcr_el2);
    DO("isb");
    restore(&c->host);
}

static u64 smc(u64 function, u64 a, u64 b)
{
    register u64 x0 __asm__("x0") = function;
    register u64 x1 __asm__("x1") = a;
    register u64 x2 __asm__("x2") = b;

    __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2) : : "x3", "memory");
    return x0;
}

enum { CALL_DONATE = 1, CALL_RECLAIM, CALL_SHARE, CALL_UNSHARE, CALL_RUN, CALL_SECOND, CALL_OFF };

void call(struct cpu *c)
{
    u64 *x = c->host.x, a = x[1], b = x[2];

    if (READ(esr_el2) >> 26 != 0x16)
        for (;;)
            ;
    switch (x[0]) {
    case CALL_DONATE:
        donate(c, a, b);
        break;
    case CALL_RECLAIM:
        reclaim(c, a, b);
        break;
    case CALL_SHARE:
        share(c, a, 1);
        break;
    case CALL_UNSHARE:
        share(c, a, 0);
        break;
    case CALL_RUN:
        run(c, &vcpus[a]);
        x[0] = vcpus[a].esr & 0xffff;
        break;
    case CALL_SECOND:
        smc(0xc4000003, 1, (u64)second);
        break;
    case CALL_OFF:
        smc(0x84000008, 0, 0);
        break;
    }
}

static void make_tables(void)
{
    own1[0] = 0x401;
    own1[1] = RAM | 0x705;
    own1[2] = (u64)own2 | 3;
    own2[0] = (u64)own3 | 3;
    host1[0] = 0x4c5;
    host1[1] = (u64)host2 | 3;
    for (u64 n = 0; n < 512; n++)
        host2[n] = (RAM + (n << 21)) | BLOCK;
    for (u64 k = 0; k < 2; k++) {
        guest1[k][1] = RAM | BLOCK;
        guest1[k][2] = (u64)guest2[k] | 3;
        guest2[k][0] = (u64)guest3[k] | 3;
        vcpus[k].vttbr = (u64)guest1[k] | (k + 1) << 48;
        vcpus[k].guest.pc = (u64)guest_start;
        vcpus[k].guest.pstate = 0x3c5;
        vcpus[k].guest.x[0] = k + 1;
        vcpus[k].guest.sys[0] = 0x30d00800;
    }
    DO("dsb ish");
}

// X0 of _start and second: which CPU. Return: the host's context there.
struct context *begin(u64 index)
{
    struct cpu *c = &cpus[index];

    if (!index)
        make_tables();
    c->index = index;
    c->host.pc = (u64)host_start;
    c->host.pstate = 0x3c5;
    c->host.x[0] = index;
    WRITE(&c->host, tpidr_el2);
    WRITE(0xff00, mair_el2);
    WRITE(0x80823519, tcr_el2);
    WRITE((u64)own1, ttbr0_el2);
    DO("isb\n tlbi alle2\n tlbi alle1\n dsb nsh\n isb");
    WRITE(0x30c51835 & ~(1 << 19), sctlr_el2);
    WRITE((u64)vectors, vbar_el2);
    WRITE(VTCR, vtcr_el2);
    WRITE((u64)host1, vttbr_el2);
    WRITE(0x80000000 | index, vmpidr_el2);
    WRITE(0x33ff, cptr_el2);
    WRITE(3, cnthctl_el2);
    WRITE(HCR_HOST, hcr_el2);
    WRITE(0x30d00800, sctlr_el1);
    DO("isb");
    return &c->host;
}

// ---- below EL2

__asm__(
    ".globl host_start, guest_start\n"
    "host_start: adrp x1, stacks + 3 * 4096\n add x1, x1, x0, lsl #12\n mov sp, x1\n b host_main\n"
    // X0: a number that the other one does not have; X1: the page that is its own
    "guest_start: lsl x2, x0, #12\n mov x1, #0x80000000\n"
    "1: add x2, x2, #1\n msr tpidr_el1, x2\n msr tpidr_el0, x2\n msr tpidrro_el0, x2\n"
    " msr contextidr_el1, x2\n ldr x3, [x1]\n cbnz x3, 2f\n str x2, [x1]\n at s1e1r, x2\n isb\n"
    " mrs x4, par_el1\n hvc #1\n mrs x5, par_el1\n cmp x4, x5\n b.ne 2f\n"
    " mrs x5, tpidr_el1\n cmp x2, x5\n b.ne 2f\n b 1b\n"
    "2: hvc #2\n b 2b\n");

static u64 hvc(u64 function, u64 a, u64 b)
{
    register u64 x0 __asm__("x0") = function;
    register u64 x1 __asm__("x1") = a;
    register u64 x2 __asm__("x2") = b;

    __asm__ volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2)
                     :
                     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "memory");
    return x0;
}

static volatile u32 rounds[2];

static void meet(u64 cpu)
{
    rounds[cpu]++;
    while (rounds[!cpu] < rounds[cpu])
        ;
}

// Each CPU runs both virtual machines in turns, never the one that the other runs.
void host_main(u64 cpu)
{
    WRITE(0xabc0 + cpu, tpidr_el1);
    WRITE(0xabc4 + cpu, tpidrro_el0);
    WRITE(0xabc8 + cpu, contextidr_el1);
    if (!cpu)
        hvc(CALL_SECOND, 0, 0);
    for (u32 n = 0; n < 8; n++) {
        u64 vm = (cpu + n) & 1, pa = (u64)pool[2 * vm + (n >> 1 & 1)];

        meet(cpu);
        *(volatile u64 *)pa = n;
#ifdef SHARES
        hvc(CALL_SHARE, (u64)pool[SHARED + cpu], 0);
#endif
        hvc(CALL_DONATE, vm, pa);
        if (hvc(CALL_RUN, vm, 0) != 1)
            break;
        hvc(CALL_RECLAIM, vm, pa);
#ifdef SHARES
        hvc(CALL_UNSHARE, (u64)pool[SHARED + cpu], 0);
#endif
        if (*(volatile u64 *)pa)
            break;
    }
    meet(cpu);
    while (cpu)
        ;
    hvc(CALL_OFF, 0, 0);
}
