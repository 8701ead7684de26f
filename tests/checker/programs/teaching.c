// A small hypervisor such as one writes to learn it: two guests, one with two virtual CPUs, take
// turns on a CPU by EL2's timer. SP_EL2 is where the registers of who runs go. UART, timer and
// interrupt controller are emulated, and interrupts come by HCR_EL2.VI. With ASKS guests
// acknowledge them by ICC_IAR1_EL1, which traps. With OWN the timer is the virtual one, which they
// have themselves.
//
// options: --cpu n1 --smp 1 --max-insns 4M
// case -DCORRECT: clean
// case -DNO_SIGNAL: HANDOVER CNTP_CTL_EL0 of vm
// case -DASKS: clean
// case -DSTAYS: GIC-STATE HCR_EL2 of vm
// case -DASKS -DSTAYS: GIC-STATE HCR_EL2 of vm
// case -DASKS -DSTAYS -DONCE: GIC-STATE HCR_EL2 of vm
// case -DFORGETS: HANDOVER CNTP_CTL_EL0 of vm2/vcpu0
// case -DWAITS_AGAIN: PC ELR_EL2 of vm
// case -DONE_NAME: TRAPCFG VMPIDR_EL2 of vm1/vcpu0
// case -DOWN: clean
// case -DOWN -DNO_SIGNAL: HANDOVER CNTV_CTL_EL0 of vm
// case -DOWN -DFORGETS: HANDOVER CNTV_CTL_EL0 of vm2/vcpu0
// case -DONE_ROOT: TRAPCFG VTTBR_EL2 of vm1/vcpu0
#define GUEST_CONTROLLER 0x0a000000ul // a word: who interrupts; or who is to be interrupted
#ifdef WAITS_AGAIN
#define LATER 2000 // so that guests do wait
#else
#define LATER 0
#endif
#ifndef OWN
#define GUEST_TIMER(ticks)                                                                         \
    ({                                                                                             \
        WRITE((ticks) + LATER, cntp_tval_el0);                                                     \
        WRITE(1, cntp_ctl_el0);                                                                    \
    })
#define GUEST_TIMER_OFF() WRITE(0, cntp_ctl_el0)
#endif
#ifdef ASKS
#define GUEST_TAKE()     READ(icc_iar1_el1)
#define GUEST_END(intid) WRITE(intid, icc_eoir1_el1)
#else
#define GUEST_TAKE()     in32(GUEST_CONTROLLER)
#define GUEST_END(intid) (void)intid
#endif
#define GUEST_SEND(number) out32(GUEST_CONTROLLER, number)
#define GUEST_OPEN(number) (void)number
#define GUEST_STARTS
#include "mini.h"

#define HCR    0x80082239ul // RW, TSC, TWI, FB, AMO, IMO, FMO, VM
#define HCR_VI 0x80ul
#define VTCR   0x80023559
#define SLICE  800
#define VCPUS  3
#define SGI    3

struct vcpu {
    struct regs regs; // SP_EL2 is behind it while the guest runs
    u64 q[64] __attribute__((aligned(16))), fpcr, fpsr;
    u64 sys[22], vttbr, vmpidr, number;
    u64 timer_ctl, timer_cval; // of the emulated CNTP, or of CNTV while EL2 runs
    u64 pending;               // BIT(INTID)
    bool signalled;            // VI was set, and nobody has taken it back
    bool on, waits;
};
static struct vcpu vcpus[VCPUS];
static struct vcpu *now;
static u64 done;
static u64 stage2[2][512] __attribute__((aligned(4096)));
char stack[4096] __attribute__((aligned(16)));

__asm__(".arch_extension fp\n.arch_extension simd\n"
        ".globl _start, vectors\n"
        "_start: adrp x1, stack\n add x1, x1, :lo12:stack\n add sp, x1, #4096\n bl begin\n"
        " mini_load\n"
        "lower: mini_save\n bl 1f\n mov x1, #0\n bl left\n mini_load\n"
        "lower_irq: mini_save\n bl 1f\n mov x1, #1\n bl left\n mini_load\n"
        "1: adrp x1, stack\n add x1, x1, :lo12:stack\n add sp, x1, #4096\n ret\n"
        "fp_save: .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n mini_q stp, \\n\n .endr\n"
        " mrs x1, fpcr\n mrs x2, fpsr\n add x0, x0, #512\n stp x1, x2, [x0]\n ret\n"
        "fp_load: .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n mini_q ldp, \\n\n .endr\n"
        " add x0, x0, #512\n ldp x1, x2, [x0]\n msr fpcr, x1\n msr fpsr, x2\n ret\n"
        ".balign 2048\nvectors: .rept 8\n .balign 128\n b .\n .endr\n"
        " .balign 128\n b lower\n .balign 128\n b lower_irq\n .balign 128\n b .\n");
extern char vectors[], guest_start[];
void fp_save(u64 *q);
void fp_load(const u64 *q);

// ---- who runs

static void save(struct vcpu *v)
{
#define X(n, name) v->sys[n] = READ(name);
    MINI_REGISTERS(X)
#undef X
    fp_save(v->q);
    DO("dsb nsh");
}

static void load(const struct vcpu *v)
{
#ifdef ONE_ROOT
    if (!READ(vttbr_el2))
#endif
        WRITE(v->vttbr, vttbr_el2);
#ifdef ONE_NAME
    if (v->number == 0)
#endif
        WRITE(v->vmpidr, vmpidr_el2);
    DO("isb\n tlbi vmalle1\n dsb nsh\n isb");
#define X(n, name) WRITE(v->sys[n], name);
    MINI_REGISTERS(X)
#undef X
    fp_load(v->q);
}

static bool timer_is_on(const struct vcpu *v)
{
    return v->on && (v->timer_ctl & 3) == 1;
}

static void timers(void)
{
    u64 time = READ(cntpct_el0);

    for (u64 n = 0; n < VCPUS; n++)
        if (timer_is_on(&vcpus[n]) && vcpus[n].timer_cval <= time) {
            vcpus[n].timer_ctl |= 2; // until it is set anew
#ifdef FORGETS
            if (n != 2)
#endif
                vcpus[n].pending |= 1ul << TIMER;
        }
}

static bool is_ready(struct vcpu *v)
{
    if (v->pending)
        v->waits = false;
    return v->on && !v->waits;
}

// EL2's own: the end of a slice, or the next time of a guest.
static void alarm(void)
{
    u64 when = READ(cntpct_el0) + SLICE;

    for (u64 n = 0; n < VCPUS; n++)
        if (timer_is_on(&vcpus[n]) && vcpus[n].timer_cval < when)
            when = vcpus[n].timer_cval;
    WRITE(when, cnthp_cval_el2);
    WRITE(1, cnthp_ctl_el2);
}

static bool interrupt(void)
{
    u64 intid = READ(icc_iar1_el1) & 0xffffff;

    if (intid >= 1020)
        return false;
    WRITE(0, cnthp_ctl_el2);
    DO("isb");
    WRITE(intid, icc_eoir1_el1);
    return true;
}

static struct vcpu *next(void)
{
    for (;;) {
        timers();
        for (u64 n = 1; n <= VCPUS; n++) {
            struct vcpu *v = &vcpus[(now->number + n) % VCPUS];
            if (is_ready(v))
                return v;
        }
        alarm();
        DO("isb\n wfi");
        interrupt();
    }
}

static void schedule(void)
{
    struct vcpu *v = next();

    if (v != now) {
        save(now);
        load(v);
    }
    now = v;
}

// ---- exits

static u64 controller(struct vcpu *v, bool writes, u64 value)
{
    u64 taken = 1023;

    if (writes) {
        vcpus[value & 1].pending |= 1ul << SGI;
        return 0;
    }
    for (u64 n = 0; n < 32; n++)
        if (v->pending >> n & 1)
            taken = n;
    if (taken < 32)
        v->pending &= ~(1ul << taken);
#ifdef ONCE // until it has asked in vain
    else
        v->signalled = false;
#endif
    return taken;
}

static void abort_(struct vcpu *v, u64 esr)
{
    u64 rt = esr >> 16 & 31, address = (READ(hpfar_el2) & ~15ul) << 8 | (READ(far_el2) & 0xfff);
    bool writes = esr >> 6 & 1;
    u64 value = 0;

    if (address == GUEST_CONTROLLER)
        value = controller(v, writes, rt < 31 ? v->regs.x[rt] : 0);
    else if (address == UART + 0x18)
        value = 0x90;
    if (!writes && rt < 31)
        v->regs.x[rt] = value;
    v->regs.pc += 4;
}

// ICC_IAR1_EL1 or ICC_EOIR1_EL1
static void acknowledge(struct vcpu *v, u64 esr)
{
    u64 rt = esr >> 5 & 31;

    if (esr & 1 && rt < 31)
        v->regs.x[rt] = controller(v, false, 0);
    v->regs.pc += 4;
}

// CNTP_TVAL_EL0, CNTP_CTL_EL0 and CNTP_CVAL_EL0, by Op2
static void timer(struct vcpu *v, u64 esr)
{
    u64 rt = esr >> 5 & 31, value = rt < 31 ? v->regs.x[rt] : 0, op2 = esr >> 17 & 7;
    u64 time = READ(cntpct_el0);

    if (esr & 1) {
        u64 ctl = v->timer_ctl | (v->timer_cval <= time) << 2;
        value = op2 == 0 ? (v->timer_cval - time) & 0xffffffff : op2 == 1 ? ctl : v->timer_cval;
        if (rt < 31)
            v->regs.x[rt] = value;
    } else if (op2 == 0) {
        v->timer_cval = time + (u64)(long)(int)value;
    } else if (op2 == 1) {
        v->timer_ctl = value & 3;
    } else {
        v->timer_cval = value;
    }
    v->regs.pc += 4;
}

static void start(struct vcpu *v, u64 entry, u64 context)
{
    v->regs = (struct regs){.pc = entry, .pstate = 0x3c5};
    v->regs.x[0] = context;
    v->sys[0] = 0x30d00800;
    v->on = true;
}

static void call(struct vcpu *v)
{
    u64 *x = v->regs.x;

    switch (x[0]) {
    case 98:
        x[20] ^= 1; // so that it is not clean
        break;
    case 99:
        done |= 1ul << v->number;
        if (done == (1 << VCPUS) - 1)
            smc(SYSTEM_OFF, 0, 0, 0);
        v->waits = true;
        break;
    case CPU_ON:
        start(&vcpus[x[1]], x[2], x[3]);
        x[0] = 0;
        break;
    default:
        x[0] = 0x1000 + v->number;
        break;
    }
}

struct regs *left(struct regs *f, bool irq)
{
    struct vcpu *v = now;
    u64 esr = READ(esr_el2);

    (void)f;
#ifdef OWN
    v->timer_ctl = READ(cntv_ctl_el0) & 3;
    v->timer_cval = READ(cntv_cval_el0);
    WRITE(0, cntv_ctl_el0);
#endif
    if (irq) {
        interrupt();
        schedule();
    } else if (class_of(esr) == HVC64) {
        call(v);
        schedule();
    } else if (class_of(esr) == WFX) {
#ifndef WAITS_AGAIN
        v->regs.pc += 4;
#endif
        timers();
        v->waits = !v->pending;
        schedule();
    } else if (class_of(esr) == SYSREG && (esr >> 10 & 15) == 12) {
        acknowledge(v, esr);
    } else if (class_of(esr) == SYSREG) {
        timer(v, esr);
    } else if (class_of(esr) == DABORT && (esr & 1 << 24)) {
        abort_(v, esr);
    } else {
        for (;;)
            ;
    }
    timers();
    alarm();
#ifdef STAYS
    now->signalled |= now->pending != 0;
#else
    now->signalled = now->pending != 0;
#endif
#ifdef NO_SIGNAL
    WRITE(HCR, hcr_el2);
#else
    WRITE(HCR | (now->signalled ? HCR_VI : 0), hcr_el2);
#endif
#ifdef OWN
    WRITE(now->timer_cval, cntv_cval_el0);
    WRITE(now->timer_ctl, cntv_ctl_el0);
#endif
    return &now->regs;
}

struct regs *begin(void)
{
    for (u64 n = 0; n < VCPUS; n++) {
        u64 vm = n == 2;
        stage2[vm][1] = 0x400007fd;
        vcpus[n].number = n;
        vcpus[n].vttbr = (u64)stage2[vm] | (vm + 1) << 48;
        vcpus[n].vmpidr = 0x80000000 | (vm ? 0 : n);
    }
    start(&vcpus[0], (u64)guest_start, 0);
    start(&vcpus[2], (u64)guest_start, 2);
    WRITE(vectors, vbar_el2);
    gic_begin(0, 1 << HYP_TIMER | 1 << TIMER, 0);
    WRITE(VTCR, vtcr_el2);
    WRITE(0x33ff, cptr_el2);
    WRITE(0, cnthctl_el2);
    WRITE(0, cntvoff_el2);
    WRITE(HCR, hcr_el2);
    WRITE(7 << 10, ich_hcr_el2); // TC, TALL0, TALL1: there is no GIC
    DO("dsb sy\n isb\n tlbi alle1\n dsb nsh\n isb");
    now = &vcpus[0];
    load(now);
    alarm();
    return &now->regs;
}

#include "mini_guest.h"
