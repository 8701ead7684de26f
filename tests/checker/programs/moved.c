// A hypervisor in the manner of those in Rust: a virtual CPU is a value. Who runs is in a field of
// the CPU's own structure, who waits in a queue of another CPU perhaps, and each turn copies it
// from the one to the other, so that all of them have their registers saved at the same places.
// They are saved and restored by tables of functions.
//
// options: --cpu n1 --smp 2 --max-insns 8M --turns 3
// case -DCORRECT: clean
// case -DSTAYS: clean
// case -DWRONG=far_el1: WRONG-SLOT FAR_EL1 of vm +
// case -DNO_PRIORITIES: LEAK ICH_AP1R0_EL2 of vm
// case -DNO_SAVE=tpidr_el1: LOST TPIDR_EL1 of vm +
// case -DWRITES_AGAIN: PC ELR_EL2 of vm
// case -DNO_NAME: TRAPCFG VMPIDR_EL2 of vm +
#define GUEST_VCPUS 4
#include "mini.h"

#define HCR   0x8008223bul // RW, TSC, TWI, FB, AMO, IMO, FMO, SWIO, VM
#define VTCR  0x80023559
#define SLICE 900
#define VCPUS 4
#define QUEUE 6

// clang-format off
#define REGISTERS(X) MINI_REGISTERS(X) \
    X(22, afsr0_el1) X(23, afsr1_el1) X(24, actlr_el1) X(25, cntv_cval_el0) X(26, cntv_ctl_el0)
#define VECTORS(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
// clang-format on

enum name {
#define X(n, name) R_##name,
    REGISTERS(X)
#undef X
        R_COUNT
};
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#ifdef WRONG
#define IS_WRONG(k) ((k) == JOIN(R_, WRONG))
#else
#define IS_WRONG(k) false
#endif
#ifdef NO_SAVE
#define IS_UNSAVED(k) ((k) == JOIN(R_, NO_SAVE))
#else
#define IS_UNSAVED(k) false
#endif

typedef unsigned __int128 u128;
struct accessor {
    u64 (*get)(void);
    void (*set)(u64);
};
struct vector {
    void (*get)(u128 *);
    void (*set)(const u128 *);
};
#define X(n, name)                                                                                 \
    static u64 get_##name(void)                                                                    \
    {                                                                                              \
        return READ(name);                                                                         \
    }                                                                                              \
    static void set_##name(u64 v)                                                                  \
    {                                                                                              \
        WRITE(v, name);                                                                            \
    }
REGISTERS(X)
#undef X
static const struct accessor accessors[R_COUNT] = {
#define X(n, name) [R_##name] = {get_##name, set_##name},
    REGISTERS(X)
#undef X
};
#define X(n)                                                                                       \
    static void get_q##n(u128 *p)                                                                  \
    {                                                                                              \
        __asm__ volatile(".arch_extension fp\n str q" #n ", [%0]" : : "r"(p) : "memory");          \
    }                                                                                              \
    static void set_q##n(const u128 *p)                                                            \
    {                                                                                              \
        __asm__ volatile(".arch_extension fp\n ldr q" #n ", [%0]" : : "r"(p) : "memory");          \
    }
VECTORS(X)
#undef X
static const struct vector vectors_of[32] = {
#define X(n) {get_q##n, set_q##n},
    VECTORS(X)
#undef X
};

enum state { EMPTY, READY, BLOCKED };
struct vcpu {
    struct regs frame;
    u64 sys[R_COUNT];
    u128 q[32];
    u64 fpcr, fpsr, lr[4], vmcr, ap1;
    u64 pending; // BIT(INTID)
    u64 id, home;
    enum state state;
};
struct cpu {
    u64 id;
    struct vcpu current;
    struct vcpu queue[QUEUE];
    u64 first, moves;
    u32 lock;
};
static struct cpu cpus[2];
static u64 offsets[2];
static u64 stage2[2][512] __attribute__((aligned(4096)));
static u64 mail[VCPUS]; // interrupts for who is perhaps elsewhere
static u32 mail_lock, done;
char stacks[2][8192] __attribute__((aligned(16)));

__asm__(".globl _start, second, vectors\n"
        "_start: mov x19, #0\n b 1f\n"
        "second: mov x19, #1\n"
        "1: adrp x1, stacks\n add x1, x1, :lo12:stacks\n add x2, x19, #1\n"
        " add x1, x1, x2, lsl #13\n sub sp, x1, #272\n mov x1, sp\n mov x0, x19\n bl begin\n"
        " mov x0, sp\n mini_load\n"
        "lower: mini_save\n bl left\n mov x0, sp\n mini_load\n"
        "lower_irq: mini_save\n bl left_by_irq\n mov x0, sp\n mini_load\n"
        ".balign 2048\nvectors: .rept 8\n .balign 128\n b .\n .endr\n"
        " .balign 128\n b lower\n .balign 128\n b lower_irq\n .balign 128\n b .\n");
extern char vectors[], second[], guest_start[];

static struct cpu *this_cpu(void)
{
    return (struct cpu *)READ(tpidr_el2);
}

// ---- what is switched

static void save(struct vcpu *v)
{
    for (u64 k = 0; k < R_COUNT; k++)
        if (!IS_UNSAVED(k))
            v->sys[k] = accessors[k].get();
    WRITE(0, cntv_ctl_el0);
    for (u64 k = 0; k < 32; k++)
        vectors_of[k].get(&v->q[k]);
    v->fpcr = READ(fpcr);
    v->fpsr = READ(fpsr);
#define X(n, name) v->lr[n] = READ(name);
    LIST_REGISTERS(X)
#undef X
    v->vmcr = READ(ich_vmcr_el2);
    v->ap1 = READ(ich_ap1r0_el2);
    DO("dsb ish");
}

static void restore(const struct vcpu *v)
{
    u64 vm = v->id / 2;

    WRITE((u64)stage2[vm] | (vm + 1) << 48, vttbr_el2);
#ifdef NO_NAME
    if (!READ(cntvoff_el2))
#endif
        WRITE(0x80000000 | v->id % 2, vmpidr_el2);
    WRITE(offsets[vm], cntvoff_el2);
    DO("isb\n tlbi vmalle1\n dsb nsh\n isb");
    for (u64 k = 0; k < R_COUNT; k++)
        accessors[k].set(v->sys[IS_WRONG(k) ? k - 1 : k]);
    for (u64 k = 0; k < 32; k++)
        vectors_of[k].set(&v->q[k]);
    WRITE(v->fpcr, fpcr);
    WRITE(v->fpsr, fpsr);
#define X(n, name) WRITE(v->lr[n], name);
    LIST_REGISTERS(X)
#undef X
    WRITE(v->vmcr, ich_vmcr_el2);
#ifndef NO_PRIORITIES
    WRITE(v->ap1, ich_ap1r0_el2);
#endif
}

// ---- interrupts

static u64 take_mail(const struct vcpu *v)
{
    take(&mail_lock);
    u64 all = mail[v->id];
    mail[v->id] = 0;
    give(&mail_lock);
    return all;
}

// The list register for it; 4: none is free, or it is in one.
static u64 place_for(u64 intid)
{
    u64 place = 4;

    for (u64 k = 0; k < 4; k++) {
        u64 lr = lr_read(k);
        if (lr >> 62 && (lr & 0xffff) == intid)
            return 4;
        if (!(lr >> 62) && place == 4)
            place = k;
    }
    return place;
}

static void deliver(struct vcpu *v)
{
    v->pending |= take_mail(v);
    for (u64 n = 0; n < 32; n++) {
        u64 place = v->pending >> n & 1 ? place_for(n) : 4;
        if (place == 4)
            continue;
        lr_write(place, LR_OF(n));
        v->pending &= ~(1ul << n);
    }
}

static void interrupt(struct cpu *c, bool *turns)
{
    u64 intid = READ(icc_iar1_el1) & 0xffffff;

    if (intid >= 1020)
        return;
    if (intid == TIMER) {
        WRITE(READ(cntv_ctl_el0) | 2, cntv_ctl_el0);
        c->current.pending |= 1ul << TIMER;
    } else if (intid == HYP_TIMER) {
        WRITE(0, cnthp_ctl_el2);
        *turns = true;
    }
    DO("isb");
    WRITE(intid, icc_eoir1_el1);
}

// ---- who runs

static bool is_ready(struct vcpu *v)
{
    u64 time = READ(cntpct_el0) - offsets[v->id / 2], lrs = 0;

    if (v->state != BLOCKED)
        return v->state == READY;
    if ((v->sys[R_cntv_ctl_el0] & 3) == 1 && v->sys[R_cntv_cval_el0] <= time) {
        v->sys[R_cntv_ctl_el0] |= 2;
        v->pending |= 1ul << TIMER;
    }
    for (u64 k = 0; k < 4; k++)
        lrs |= v->lr[k];
    return v->pending || mail[v->id] || lrs >> 62;
}

static void push(struct cpu *c, const struct vcpu *v)
{
    take(&c->lock);
    for (u64 k = 0; k < QUEUE; k++)
        if (c->queue[k].state == EMPTY) {
            c->queue[k] = *v;
            break;
        }
    give(&c->lock);
}

static bool pop(struct cpu *c, struct vcpu *v)
{
    take(&c->lock);
    for (u64 k = 0; k < QUEUE; k++) {
        struct vcpu *q = &c->queue[(c->first + k) % QUEUE];
        if (!is_ready(q))
            continue;
        c->first += k + 1;
        *v = *q;
        q->state = EMPTY;
        give(&c->lock);
        return true;
    }
    give(&c->lock);
    return false;
}

static void alarm(u64 ticks)
{
    WRITE(ticks, cnthp_tval_el2);
    WRITE(1, cnthp_ctl_el2);
}

static void put(struct cpu *c, const struct regs *frame, enum state state)
{
    struct vcpu *v = &c->current;
    bool moves = v->home != c->id || c->moves++ % 5 == 4;

#ifdef STAYS
    moves = false;
#endif
    v->frame = *frame;
    save(v);
    v->state = state;
    push(moves ? &cpus[!c->id] : c, v);
}

static void load_next(struct cpu *c, struct regs *frame)
{
    bool turns;

    while (!pop(c, &c->current)) {
        alarm(300);
        DO("isb\n wfi");
        interrupt(c, &turns);
    }
    c->current.state = READY;
    restore(&c->current);
    *frame = c->current.frame;
    frame->sp = (u64)(frame + 1);
    alarm(SLICE);
}

static void schedule(struct cpu *c, struct regs *frame, enum state state)
{
    put(c, frame, state);
    load_next(c, frame);
}

// ---- exits

static void send(struct cpu *c, u64 value)
{
    u64 first = c->current.id & ~1ul;

    take(&mail_lock);
    for (u64 n = 0; n < 2; n++)
        if (value >> n & 1)
            mail[first + n] |= 1ul << (value >> 24 & 15);
    give(&mail_lock);
    WRITE(1ul << 24 | 1ul << !c->id, icc_sgi1r_el1);
}

static void emulate(struct regs *f, u64 esr)
{
    u64 rt = esr >> 16 & 31, address = (READ(hpfar_el2) & ~15ul) << 8 | (READ(far_el2) & 0xfff);

    if (!(esr & 1 << 6) && rt < 31)
        f->x[rt] = address == UART + 0x18 ? 0x90 : 0;
#ifdef WRITES_AGAIN
    if (address == UART)
        return;
#endif
    f->pc += 4;
}

static u32 finished(void)
{
    take(&mail_lock);
    u32 n = ++done;
    give(&mail_lock);
    return n;
}

static void call(struct cpu *c, struct regs *f)
{
    f->x[20] ^= f->x[0] == 98; // so that it is not clean
    if (f->x[0] != 99) {
        f->x[0] = 0x1000 + c->current.id;
        return;
    }
    if (finished() == VCPUS)
        smc(SYSTEM_OFF, 0, 0, 0);
    schedule(c, f, BLOCKED);
}

void left(struct regs *f)
{
    struct cpu *c = this_cpu();
    u64 esr = READ(esr_el2), rt = esr >> 5 & 31;

    switch (class_of(esr)) {
    case HVC64:
        call(c, f);
        break;
    case WFX:
        f->pc += 4;
        if (!c->current.pending && !mail[c->current.id])
            schedule(c, f, BLOCKED);
        break;
    case SYSREG:
        send(c, rt < 31 ? f->x[rt] : 0);
        f->pc += 4;
        break;
    case DABORT:
        emulate(f, esr);
        break;
    default:
        for (;;)
            ;
    }
    deliver(&c->current);
}

void left_by_irq(struct regs *f)
{
    struct cpu *c = this_cpu();
    bool turns = false;

    interrupt(c, &turns);
    if (turns)
        schedule(c, f, READY);
    deliver(&c->current);
}

// ---- the start

static void make_guests(void)
{
    for (u64 n = 0; n < VCPUS; n++) {
        struct vcpu v = {.id = n, .home = n % 2, .state = READY};
        stage2[n / 2][1] = 0x400007fd;
        offsets[n / 2] = READ(cntpct_el0) >> (n / 2);
        v.frame = (struct regs){.pc = (u64)guest_start, .pstate = 0x3c5};
        v.frame.x[0] = n;
        v.sys[R_sctlr_el1] = 0x30d00800;
        push(&cpus[n % 2], &v);
    }
    DO("dsb sy");
}

void begin(u64 index, struct regs *frame)
{
    struct cpu *c = &cpus[index];

    WRITE(c, tpidr_el2);
    WRITE((u64)vectors, vbar_el2);
    c->id = index;
    gic_begin(index, 1 << TIMER | 1 << HYP_TIMER | 2, 0);
    WRITE(VTCR, vtcr_el2);
    WRITE(0x33ff, cptr_el2);
    WRITE(0, cnthctl_el2);
    WRITE(0, cntvoff_el2);
    WRITE(HCR, hcr_el2);
    WRITE(0, cntv_ctl_el0);
    WRITE(1, ich_hcr_el2);
    DO("isb\n tlbi alle1\n dsb nsh\n isb");
    if (!index) {
        make_guests();
        smc(CPU_ON, 1, (u64)second, 0);
    }
    load_next(c, frame);
    deliver(&c->current);
}

#include "mini_guest.h"
