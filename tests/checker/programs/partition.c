// A hypervisor in the manner of Bao: each virtual CPU has a CPU of its own from the start, and
// nothing is switched. EL2 has tables for each CPU, with what is the CPU's own at one address; CPUs
// send each other messages; interrupts of hardware go to a guest by list registers that stand for
// them (HW), and others wait in memory if there is none.
//
// options: --cpu n1 --smp 3 --max-insns 6M
// case -DCORRECT: clean
// case -DSOFT=TIMER: HANDOVER ICC_DIR_EL1 of vm
// case -DSOFT=UART_SPI: HANDOVER ICC_DIR_EL1 of vm1/vcpu0
// case -DPINTID=1: HANDOVER ICC_DIR_EL1 of vm
// case -DDROPS: HANDOVER ICC_DIR_EL1 of vm1/vcpu0
// case -DDROPS -DDISABLES: clean
// case -DDROPS -DBEFORE=4: HANDOVER ICC_DIR_EL1 of vm1/vcpu0
// case -DMASKS: clean
// case -DMASKS -DLOSES: HANDOVER ICC_DIR_EL1 of vm1/vcpu0
// case -DDROPS -DDEACTIVATES=UART_SPI: HANDOVER ICC_IAR1_EL1 of vm1/vcpu0
// case -DDEACTIVATES=UART_SPI: HANDOVER ICH_LR0_EL2 of vm1/vcpu0
// case -DDEACTIVATES=TIMER: HANDOVER ICH_LR
// case -DSTAYS=MAINTAIN: HANDOVER ICC_DIR_EL1 of vm2/vcpu0
// case -DSTAYS=IPI: HANDOVER ICC_DIR_EL1 of vm +
#include "mini.h"

#ifndef SOFT
#define SOFT 0 // an interrupt that is given without HW
#endif
#ifndef PINTID
#define PINTID 0 // that list registers stand for: one beside
#endif
#ifndef BEFORE
#define BEFORE 1 // the first that is dropped
#endif
#ifndef DEACTIVATES
#define DEACTIVATES 0 // before the guest has ended it
#endif
#ifndef STAYS
#define STAYS 0 // one of EL2's own that it does not deactivate
#endif

#define HCR      0x80080039ul // RW, TSC, AMO, IMO, FMO, VM
#define VTCR     0x80023559
#define CPUS     3
#define PRIVATE  0x80000000ul // what is the CPU's own, in the tables of each
#define IPI      7
#define UART_SPI 33
#define NOTICE   40 // SPIs that one VM gives another
#define NOTICES  6
#define MAINTAIN 25
#define MESSAGES 16
#define SPILL    16

struct vcpu {
    struct regs regs; // as left: the frame is copied, for debuggers
    u64 number, vm, vmpidr;
    bool on;
    u64 spilled[SPILL]; // list registers' values; 0: none
};
enum { SEND_SGI = 1, SEND_NOTICE, SEND_START };
struct message {
    u64 kind, a, b, c;
};
struct own { // at PRIVATE, a page for each CPU
    struct vcpu vcpu;
    u64 index;
    char stack[2048] __attribute__((aligned(16)));
};
union page {
    struct own own;
    char bytes[4096];
};
static struct queue {
    struct message list[MESSAGES];
    u64 put, taken;
    u32 lock;
} queues[CPUS];

static union page privates[CPUS] __attribute__((aligned(4096)));
static u64 own1[CPUS][512] __attribute__((aligned(4096)));
static u64 own2[CPUS][512] __attribute__((aligned(4096)));
static u64 own3[CPUS][512] __attribute__((aligned(4096)));
static u64 stage2[2][512] __attribute__((aligned(4096)));
static u64 devices[512] __attribute__((aligned(4096)));
static u32 lock;
static u32 done;
char boot_stacks[CPUS][2048] __attribute__((aligned(16)));

__asm__(".globl _start, second, vectors\n"
        "_start: mov x19, #0\n b 1f\n"
        "second: mov x19, x0\n"
        "1: adrp x1, boot_stacks\n add x1, x1, :lo12:boot_stacks\n add x2, x19, #1\n"
        " add x1, x1, x2, lsl #11\n mov sp, x1\n mov x0, x19\n"
        " bl begin\n mov sp, x0\n b idle\n"
        "lower: mini_save\n bl left\n mov x0, sp\n mini_load\n"
        "lower_irq: mini_save\n bl left_by_irq\n mov x0, sp\n mini_load\n"
        "resume: mini_load\n"
        ".balign 2048\nvectors: .rept 8\n .balign 128\n b .\n .endr\n"
        " .balign 128\n b lower\n .balign 128\n b lower_irq\n .balign 128\n b .\n");
extern char vectors[], second[], guest_start[];
void resume(struct regs *f) __attribute__((noreturn));

static struct own *own(void)
{
    return (struct own *)PRIVATE;
}

// ---- list registers: the guest's are in the CPU all the time

static void spill(struct vcpu *v, u64 lr)
{
    for (u64 n = 0; n < SPILL; n++) {
        if (v->spilled[n])
            continue;
        v->spilled[n] = lr;
        WRITE(READ(ich_hcr_el2) | 2, ich_hcr_el2); // UIE
        return;
    }
}

static void inject(struct vcpu *v, u64 lr)
{
    u64 empty = READ(ich_elrsr_el2), free = 4;

    for (u64 n = 0; n < 4; n++) {
        u64 now = empty >> n & 1 ? 0 : lr_read(n);
        if (!now && free == 4)
            free = n;
        if (now && (now & 0xffffffff) == (lr & 0xffffffff)) {
            if (!(lr & LR_HW))
                lr_write(n, now | LR_PENDING);
            return;
        }
    }
    if (free < 4)
        lr_write(free, lr);
    else
        spill(v, lr);
}

static void refill(struct vcpu *v)
{
    u64 left = 0;

    for (u64 n = 0; n < SPILL; n++) {
        u64 lr = v->spilled[n];
        if (!lr)
            continue;
        if (!(READ(ich_elrsr_el2) & 15)) {
            left++;
            continue;
        }
        v->spilled[n] = 0;
        inject(v, lr);
    }
    if (!left)
        WRITE(READ(ich_hcr_el2) & ~2ul, ich_hcr_el2);
}

#ifdef LOSES // what is pending, at a call
static void lose(void)
{
    for (u64 n = 0; n < 4; n++)
        if ((lr_read(n) & (LR_PENDING | 0xffffffff)) == (LR_PENDING | UART_SPI))
            lr_write(n, 0);
}
#endif

// ---- messages

static void post(u64 cpu, struct message m)
{
    struct queue *q = &queues[cpu];

    take(&q->lock);
    q->list[q->put++ % MESSAGES] = m;
    give(&q->lock);
    DO("dsb ishst");
    WRITE((u64)IPI << 24 | 1ul << cpu, icc_sgi1r_el1);
    DO("isb");
}

static bool next(u64 cpu, struct message *m)
{
    struct queue *q = &queues[cpu];
    bool found;

    take(&q->lock);
    found = q->taken != q->put;
    if (found)
        *m = q->list[q->taken++ % MESSAGES];
    give(&q->lock);
    return found;
}

static void start(struct vcpu *v, u64 entry, u64 context)
{
    v->regs = (struct regs){.pc = entry, .pstate = 0x3c5};
    v->regs.x[0] = context;
    WRITE(0x30d00800, sctlr_el1);
    WRITE(0, cpacr_el1);
    WRITE(0, cntv_ctl_el0);
    WRITE(0, cntkctl_el1);
    v->on = true;
}

static void messages(void)
{
    struct vcpu *v = &own()->vcpu;
    struct message m;

    while (next(own()->index, &m)) {
        if (m.kind == SEND_SGI)
            inject(v, LR_OF(m.a));
        for (u64 n = 0; m.kind == SEND_NOTICE && n < NOTICES; n++)
            inject(v, LR_OF(NOTICE + n));
        if (m.kind == SEND_START && !v->on)
            start(v, m.a, m.b);
    }
}

// ---- exits

static void interrupt(void)
{
    u64 intid = READ(icc_iar1_el1) & 0xffffff;

    if (intid >= 1020)
        return;
    WRITE(intid, icc_eoir1_el1); // the priority drops
    if (intid == TIMER || intid == UART_SPI) {
#ifdef DROPS
        static u64 count;
        if (intid == TIMER || ++count < BEFORE)
#endif
            inject(&own()->vcpu,
                   LR_OF(intid) | (intid == SOFT ? 0 : LR_HW | (intid + PINTID) << 32));
        if (intid == DEACTIVATES)
            WRITE(intid, icc_dir_el1);
        return; // the guest's end of it deactivates it
    }
    if (intid == IPI)
        messages();
    else if (intid == MAINTAIN)
        refill(&own()->vcpu);
    if (intid == STAYS)
        return;
    WRITE(intid, icc_dir_el1);
}

// A guest enables what is its own; nobody keeps what else it writes.
static void enable(u64 address, u64 value)
{
    if ((address & 0xffff) == 0x100 && address > GICR) {
        out32(frame_of(own()->index) + 0x100, value & 1u << TIMER);
    } else if (address == GICD + 0x104 && (value & 2)) {
        *(volatile u64 *)(GICD + 0x6000 + 8 * UART_SPI) = own()->index;
        out32(GICD + 0x84, in32(GICD + 0x84) | 2);
        out32(GICD + 0x104, 2);
    }
}

static void emulate(struct regs *f, u64 esr)
{
    u64 rt = esr >> 16 & 31, address = (READ(hpfar_el2) & ~15ul) << 8 | (READ(far_el2) & 0xfff);

    if (esr & 1 << 6)
        enable(address, rt < 31 ? f->x[rt] : 0);
    else if (rt < 31)
        f->x[rt] = address == UART + 0x18 ? 0x90 : 0;
    f->pc += 4;
}

static void send(u64 v)
{
    const struct vcpu *from = &own()->vcpu;

    for (u64 cpu = 0; cpu < CPUS; cpu++)
        if (privates[cpu].own.vcpu.vm == from->vm && v >> (privates[cpu].own.vcpu.vmpidr & 15) & 1)
            post(cpu, (struct message){.kind = SEND_SGI, .a = v >> 24 & 15});
}

static bool finished(u64 number)
{
    take(&lock);
    u32 all = done |= 1u << number;
    give(&lock);
    return all == (1 << CPUS) - 1;
}

static void call(struct vcpu *v, struct regs *f)
{
    switch (f->x[0]) {
    case 98:
        f->x[20] ^= 1; // so that it is not clean
        break;
    case 99:
        if (finished(v->number))
            smc(SYSTEM_OFF, 0, 0, 0);
        break;
    case 2:
        post(2, (struct message){.kind = SEND_NOTICE});
        break;
    case CPU_ON:
        post(f->x[1] & 15, (struct message){.kind = SEND_START, .a = f->x[2], .b = f->x[3]});
        f->x[0] = 0;
        break;
    default:
#ifdef LOSES
        lose();
#endif
        f->x[0] = 0x1000 + v->number;
        break;
    }
}

void left(struct regs *f)
{
    u64 esr = READ(esr_el2), rt = esr >> 5 & 31;

    switch (class_of(esr)) {
    case HVC64:
        call(&own()->vcpu, f);
        break;
    case SYSREG:
        send(rt < 31 ? f->x[rt] : 0);
        f->pc += 4;
        break;
    case DABORT:
        emulate(f, esr);
        break;
    default:
        for (;;)
            ;
    }
}

void left_by_irq(void)
{
    interrupt();
}

// ---- the start

static struct regs *frame_of_own(void)
{
    return (struct regs *)(own()->stack + sizeof(own()->stack)) - 1;
}

// Until the guest is started: interrupts are masked, and looked for.
void idle(void)
{
    while (!own()->vcpu.on) {
        DO("wfi");
        interrupt();
    }
    *frame_of_own() = own()->vcpu.regs;
    resume(frame_of_own());
}

static void make_tables(u64 index)
{
    own1[index][0] = (u64)devices | 3;
    own1[index][1] = 0x40000000 | 0x705;
    own1[index][2] = (u64)own2[index] | 3;
    own2[index][0] = (u64)own3[index] | 3;
    own3[index][0] = (u64)&privates[index] | 0x703;
    for (u64 n = 64; n < 80; n++) // EL2's: Device
        devices[n] = n << 21 | 0x401;
}

static void make_guests(void)
{
    static u64 passed[512] __attribute__((aligned(4096)));

    passed[72] = UART | 0x4c5;
    stage2[0][0] = (u64)passed | 3;
    stage2[0][1] = stage2[1][1] = 0x400007fd;
    for (u64 n = 0; n < CPUS; n++) {
        struct own *o = &privates[n].own;
        o->index = n;
        o->vcpu.number = n;
        o->vcpu.vm = n == 2;
        o->vcpu.vmpidr = 0x80000000 | (n & 1);
    }
}

// X0 of _start and second: which CPU. Return: its stack.
char *begin(u64 index)
{
    if (!index)
        make_guests();
    make_tables(index);
    DO("dsb sy");
    WRITE(0xff00, mair_el2);
    WRITE(0x80823519, tcr_el2);
    WRITE((u64)own1[index], ttbr0_el2);
    DO("isb\n tlbi alle2\n tlbi alle1\n dsb nsh\n isb");
    WRITE(0x30c51835 & ~(1 << 19), sctlr_el2);
    DO("isb");
    WRITE((u64)vectors, vbar_el2);
    gic_begin(index, 1 << IPI | 1 << MAINTAIN, 1);
    WRITE(0xf0, icc_pmr_el1);
    WRITE(VTCR, vtcr_el2);
    WRITE((u64)stage2[own()->vcpu.vm] | (own()->vcpu.vm + 1) << 48, vttbr_el2);
    WRITE(own()->vcpu.vmpidr, vmpidr_el2);
    WRITE(0x33ff, cptr_el2);
    WRITE(3, cnthctl_el2);
    WRITE(0, cntvoff_el2);
    WRITE(HCR, hcr_el2);
    WRITE(1, ich_hcr_el2);
    DO("isb");
    if (!index)
        for (u64 n = 1; n < CPUS; n++)
            smc(CPU_ON, n, (u64)second, n);
    if (index != 1)
        start(&own()->vcpu, (u64)guest_start, index);
    return own()->stack + sizeof(own()->stack);
}

#define GUEST_STARTS
#define GUEST_SPI
#include "mini_guest.h"
