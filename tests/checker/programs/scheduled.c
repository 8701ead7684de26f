// A hypervisor in the manner of Xvisor: virtual CPUs, and threads of EL2 among them, are scheduled
// by EL2's timer on two CPUs. Their registers are copied between them and the frame that an
// exception has left on the stack; FP is restored when it traps.
//
// options: --cpu n1 --smp 2 --max-insns 6M --turns 6
// case -DCORRECT: clean
// case -DALIGNED: clean
// case -DMAKES: clean
// case -DNO_MASK: HANDOVER CNTV_CTL_EL0 of vm
// case -DWAKES_NOBODY: HANDOVER CNTV_CTL_EL0 of vm
// case -DDROPS_TIMER: LOST ICH_LR0_EL2 of vm
// case -DDROPS_SGI: LOST ICH_LR0_EL2 of vm
// case -DANY_VM: GIC-STATE ICH_LR
// case -DANY_CPU: GIC-STATE ICH_LR
// case -DLOADS_ONCE: TRAPCFG VTTBR_EL2 of vm +
// case -DONE_NAME: TRAPCFG VMPIDR_EL2 of vm
// case -DFP_STAYS: FP-OWNER v0 of vm +
#include "mini.h"

#ifdef ALIGNED // virtual CPUs whose timers are to fire at one time
#define GUEST_TIMER(ticks)                                                                         \
    ({                                                                                             \
        WRITE((READ(cntvct_el0) + (ticks)) | 0xfff, cntv_cval_el0);                                \
        WRITE(1, cntv_ctl_el0);                                                                    \
    })
#endif

#define HCR   0x8008223b // RW, TSC, TWI, FB, AMO, IMO, FMO, SWIO, VM
#define VTCR  0x80023559
#define SLICE 1000
#define VCPUS 3
#define SPILL 8

// clang-format off
#define REGISTERS(X) MINI_REGISTERS(X) \
    X(22, afsr0_el1) X(23, afsr1_el1) X(24, actlr_el1)
// clang-format on

struct fp {
    u64 q[64] __attribute__((aligned(16))), fpcr, fpsr;
};
struct vcpu {
    struct regs regs;
    u64 sys[25], vttbr, vmpidr, offset, timer_ctl, timer_cval;
    u64 vmcr, ap1, lr[4];
    u64 pending[SPILL]; // no list register is free
    struct fp fp;
    u64 number;
    bool normal, waits, runs;
    u64 last_cpu;
};
struct cpu {
    u64 index;
    struct vcpu *now, *last[2]; // of each VM, who has run here last
    struct vcpu worker, idle;
    u64 switches;
};

static struct vcpu vcpus[VCPUS];
static struct cpu cpus[2];
static u32 lock;
static u32 done;
char stacks[2][4096] __attribute__((aligned(4096)));
static char own_stacks[2][2][4096] __attribute__((aligned(4096)));
static u64 stage2[2][512] __attribute__((aligned(4096)));

__asm__(".globl _start, second, vectors\n"
        "_start: mov x19, #0\n b 1f\n"
        "second: mov x19, #1\n"
        "1: adrp x1, stacks + 4096\n add x1, x1, x19, lsl #12\n mov sp, x1\n mov x0, x19\n"
        " bl begin\n mini_load\n"
        "lower: mini_save\n bl left\n mini_load\n"
        "lower_irq: mini_save\n bl left_by_irq\n mini_load\n"
        "asks: mini_save\n bl yielded\n mini_load\n"
        "own: mini_save\n bl interrupted\n mini_load\n"
        ".balign 2048\nvectors: .rept 4\n .balign 128\n b .\n .endr\n"
        " .balign 128\n b asks\n .balign 128\n b own\n .balign 128\n b .\n .balign 128\n b .\n"
        " .balign 128\n b lower\n .balign 128\n b lower_irq\n");
extern char vectors[], second[], guest_start[];

static struct cpu *this_cpu(void)
{
    return (struct cpu *)READ(tpidr_el2);
}

// ---- what is switched

void fp_save(struct fp *f);
void fp_load(const struct fp *f);
__asm__(".arch_extension fp\n.arch_extension simd\n"
        "fp_save: .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n mini_q stp, \\n\n .endr\n"
        " mrs x1, fpcr\n mrs x2, fpsr\n add x0, x0, #512\n stp x1, x2, [x0]\n ret\n"
        "fp_load: .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n mini_q ldp, \\n\n .endr\n"
        " add x0, x0, #512\n ldp x1, x2, [x0]\n msr fpcr, x1\n msr fpsr, x2\n ret\n");

static void fp_put(struct vcpu *v)
{
    u64 cptr = READ(cptr_el2);

    if (cptr & 1 << 10)
        return;
    fp_save(&v->fp);
#ifndef FP_STAYS
    WRITE(cptr | 1 << 10, cptr_el2);
#endif
}

static void fp_trapped(struct vcpu *v)
{
    WRITE(READ(cptr_el2) & ~(1ul << 10), cptr_el2);
    DO("isb");
    fp_load(&v->fp);
}

static void sysregs_save(struct vcpu *v)
{
#define X(n, name) v->sys[n] = READ(name);
    REGISTERS(X)
#undef X
}

static void sysregs_load(const struct vcpu *v)
{
#define X(n, name) WRITE(v->sys[n], name);
    REGISTERS(X)
#undef X
}

static void timer_put(struct vcpu *v)
{
    v->timer_ctl = READ(cntv_ctl_el0);
    v->timer_cval = READ(cntv_cval_el0);
    WRITE(0, cntv_ctl_el0);
}

static void timer_load(const struct vcpu *v)
{
    WRITE(v->offset, cntvoff_el2);
    WRITE(v->timer_cval, cntv_cval_el0);
    WRITE(v->timer_ctl, cntv_ctl_el0);
}

static void gic_put(struct vcpu *v)
{
    v->vmcr = READ(ich_vmcr_el2);
    v->ap1 = READ(ich_ap1r0_el2);
#define X(n, name) v->lr[n] = READ(name);
    LIST_REGISTERS(X)
#undef X
    WRITE(0, ich_hcr_el2);
}

static bool has_pending(const struct vcpu *v)
{
    for (u64 n = 0; n < 4; n++)
        if (v->lr[n] >> 62)
            return true;
    for (u64 n = 0; n < SPILL; n++)
        if (v->pending[n])
            return true;
    return false;
}

// What is pending in memory goes into list registers that are free, in their copies.
static void gic_fill(struct vcpu *v)
{
    for (u64 n = 0; n < SPILL; n++) {
        u64 free = 4;
        for (u64 k = 0; k < 4; k++) {
            if (v->lr[k] >> 62 && (v->lr[k] & 0xffff) == v->pending[n])
                break;
            if (!(v->lr[k] >> 62) && free == 4)
                free = k;
            if (k == 3 && v->pending[n] && free < 4) {
                v->lr[free] = LR_OF(v->pending[n]);
                v->pending[n] = 0;
            }
        }
    }
}

static void gic_load(const struct vcpu *v)
{
    WRITE(v->vmcr, ich_vmcr_el2);
    WRITE(v->ap1, ich_ap1r0_el2);
#define X(n, name) WRITE(v->lr[n], name);
    LIST_REGISTERS(X)
#undef X
    WRITE(1, ich_hcr_el2);
}

static void inject(struct vcpu *v, u64 intid)
{
#ifdef DROPS_TIMER
    if (v->number == 1 && intid == TIMER)
        return;
#endif
#ifdef DROPS_SGI
    if (v->runs && intid < 16)
        return;
#endif
    for (u64 n = 0; n < SPILL; n++)
        if (v->pending[n] == intid)
            return;
    for (u64 n = 0; n < SPILL; n++) {
        if (v->pending[n])
            continue;
        v->pending[n] = intid;
        return;
    }
}

static void put(struct vcpu *v)
{
    if (!v->normal)
        return;
    sysregs_save(v);
    timer_put(v);
    fp_put(v);
    DO("dsb nsh");
}

static void load(struct cpu *c, struct vcpu *v)
{
    u64 vm = (v->vttbr >> 48) - 1;

    if (!v->normal)
        return;
#ifdef LOADS_ONCE
    if (c->last[vm] == v)
        return;
#endif
    WRITE(v->vttbr, vttbr_el2);
#ifdef ONE_NAME
    if (vm)
#endif
        WRITE(v->vmpidr, vmpidr_el2);
    DO("isb");
    if (c->last[vm] != v)
        DO("tlbi vmalle1\n dsb nsh\n isb");
    c->last[vm] = v;
    sysregs_load(v);
    timer_load(v);
}

// ---- who runs

static bool is_ready(struct vcpu *v)
{
    u64 now = READ(cntpct_el0) - v->offset;

#ifdef WAKES_NOBODY
    now = 0;
#endif
    if (v->waits && (v->timer_ctl & 3) == 1 && v->timer_cval <= now) {
        v->timer_ctl |= 2;
        inject(v, TIMER);
    }
    if (v->waits && has_pending(v))
        v->waits = false;
    return !v->waits && !v->runs;
}

static struct vcpu *next(struct cpu *c)
{
    if (c->switches++ % 4 == 3)
        return &c->worker;
    for (u64 n = 0; n < VCPUS; n++) {
        struct vcpu *v = &vcpus[(c->switches + n) % VCPUS];
        if (is_ready(v))
            return v;
    }
    return &c->idle;
}

// The frame that is to be loaded, at the place where it will not be in the way.
static struct regs *frame_for(const struct cpu *c, const struct vcpu *v)
{
    u64 top = v->normal ? (u64)stacks[c->index + 1] : v->regs.sp;
    struct regs *f = (struct regs *)top - 1;

    *f = v->regs;
    return f;
}

static struct regs *schedule(struct cpu *c, struct regs *frame, bool waits)
{
    struct vcpu *from = c->now, *to;

    take(&lock);
    from->waits = waits;
    from->regs = *frame;
    put(from);
    from->runs = false;
    to = next(c);
    to->runs = true;
    c->now = to;
    load(c, to);
    give(&lock);
    WRITE(SLICE, cnthp_tval_el2);
    WRITE(1, cnthp_ctl_el2);
    return frame_for(c, to);
}

static struct regs *entering(struct regs *frame)
{
    struct vcpu *v = this_cpu()->now;

    if (v->normal) {
        take(&lock);
        gic_fill(v);
        give(&lock);
        gic_load(v);
    }
    return frame;
}

// The other CPU looks what is new.
static void kick(const struct cpu *c)
{
    WRITE(1ul << 24 | 1ul << !c->index, icc_sgi1r_el1);
    DO("isb");
}

// True: somebody else may run.
static bool interrupt(struct cpu *c)
{
    u64 intid = READ(icc_iar1_el1) & 0xffffff;

    if (intid >= 1020)
        return false;
    if (intid == TIMER) {
#ifndef NO_MASK
        WRITE(READ(cntv_ctl_el0) | 2, cntv_ctl_el0);
#endif
        take(&lock);
        inject(c->now, TIMER);
        give(&lock);
    } else if (intid == HYP_TIMER) {
        WRITE(0, cnthp_ctl_el2);
#ifdef MAKES // an SGI that is EL2's own: guests are told the end of a slice
        take(&lock);
        inject(&vcpus[c->switches % VCPUS], 3);
        give(&lock);
#endif
    }
    DO("isb");
    WRITE(intid, icc_eoir1_el1);
    return intid == HYP_TIMER;
}

// Of a thread: HVC, and an interrupt.
struct regs *yielded(struct regs *frame)
{
    return entering(schedule(this_cpu(), frame, false));
}

struct regs *interrupted(struct regs *frame)
{
    struct cpu *c = this_cpu();

    return entering(interrupt(c) ? schedule(c, frame, false) : frame);
}

// ---- exits

static void send(const struct cpu *c, const struct vcpu *from, u64 v)
{
    (void)from;
    for (u64 n = 0; n < VCPUS; n++)
#ifdef ANY_VM
        if (v >> (vcpus[n].vmpidr & 15) & 1)
            inject(&vcpus[n], v >> 24 & 15);
#elif defined(ANY_CPU)
        if (vcpus[n].vttbr == from->vttbr)
            inject(&vcpus[n], v >> 24 & 15);
#else
        if (vcpus[n].vttbr == from->vttbr && v >> (vcpus[n].vmpidr & 15) & 1)
            inject(&vcpus[n], v >> 24 & 15);
#endif
    kick(c);
}

static void emulate(struct regs *f, u64 esr)
{
    u64 rt = esr >> 16 & 31, address = (READ(hpfar_el2) & ~15ul) << 8 | (READ(far_el2) & 0xfff);

    if (!(esr & 1 << 6) && rt < 31)
        f->x[rt] = address == UART + 0x18 ? 0x90 : 0;
    f->pc += 4;
}

static u32 finished(void)
{
    take(&lock);
    u32 n = ++done;
    give(&lock);
    return n;
}

// Everything of EL2's, until the guest is entered.
struct regs *left(struct regs *frame)
{
    struct cpu *c = this_cpu();
    struct vcpu *v = c->now;
    u64 esr = READ(esr_el2);

    gic_put(v);
    if (class_of(esr) == HVC64) {
        frame->x[20] ^= frame->x[0] == 98; // so that it is not clean
        if (frame->x[0] == 99 && finished() == VCPUS)
            smc(SYSTEM_OFF, 0, 0, 0);
        if (frame->x[0] == 99)
            frame = schedule(c, frame, true);
        else
            frame->x[0] = 0x1000 + v->number;
    } else if (class_of(esr) == WFX) {
        frame->pc += 4;
        take(&lock);
        bool waits = !has_pending(v);
        give(&lock);
        if (waits)
            frame = schedule(c, frame, true);
    } else if (class_of(esr) == FPTRAP) {
        fp_trapped(v);
    } else if (class_of(esr) == SYSREG) {
        u64 rt = esr >> 5 & 31;
        take(&lock);
        send(c, v, rt < 31 ? frame->x[rt] : 0);
        give(&lock);
        frame->pc += 4;
    } else if (class_of(esr) == DABORT && (esr & 1 << 24)) {
        emulate(frame, esr);
    } else {
        for (;;)
            ;
    }
    return entering(frame);
}

struct regs *left_by_irq(struct regs *frame)
{
    struct cpu *c = this_cpu();

    gic_put(c->now);
    return entering(interrupt(c) ? schedule(c, frame, false) : frame);
}

// ---- threads

static volatile u64 work[2];

static void worker(u64 cpu)
{
    for (;;) {
        for (u64 n = 0; n < 200; n++)
            work[cpu] = work[cpu] * 3 + n;
        DO("hvc #0");
    }
}

static void idle(u64 cpu)
{
    (void)cpu;
    for (;;)
        DO("wfi");
}

static void thread(struct vcpu *v, void (*f)(u64), char *stack, u64 cpu)
{
    v->regs = (struct regs){.pc = (u64)f, .pstate = 0x349, .sp = (u64)stack + 4096};
    v->regs.x[0] = cpu;
}

// X0 of _start and second: which CPU.
struct regs *begin(u64 index)
{
    struct cpu *c = &cpus[index];
    u64 now = READ(cntpct_el0);

    WRITE(c, tpidr_el2);
    WRITE((u64)vectors, vbar_el2);
    c->index = index;
    gic_begin(index, 1 << TIMER | 1 << HYP_TIMER | 2, 0);
    WRITE(VTCR, vtcr_el2);
    WRITE(0x33ff | 1 << 10, cptr_el2);
    WRITE(0, cnthctl_el2);
    WRITE(HCR, hcr_el2);
    WRITE(0, cntv_ctl_el0);
    thread(&c->worker, worker, own_stacks[index][0], index);
    thread(&c->idle, idle, own_stacks[index][1], index);
    for (u64 n = 0; !index && n < VCPUS; n++) {
        struct vcpu *v = &vcpus[n];
        u64 vm = n == 2;
        stage2[vm][1] = 0x400007fd;
        v->normal = true;
        v->number = n;
        v->vttbr = (u64)stage2[vm] | (vm + 1) << 48;
        v->vmpidr = 0x80000000 | (vm ? 0 : n);
        v->offset = now >> vm;
        v->sys[0] = 0x30d00800;
        v->regs.pc = (u64)guest_start;
        v->regs.pstate = 0x3c5;
        v->regs.x[0] = n;
    }
    if (!index)
        smc(CPU_ON, 1, (u64)second, 0);
    DO("dsb sy\n tlbi alle1\n dsb nsh\n isb");
    c->now = &c->idle;
    c->idle.runs = true;
    WRITE(SLICE, cnthp_tval_el2);
    WRITE(1, cnthp_ctl_el2);
    return frame_for(c, &c->idle);
}

#include "mini_guest.h"
