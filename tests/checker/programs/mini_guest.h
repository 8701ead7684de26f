// A guest whose virtual CPU number is in X0. It has registers with values that nobody else has, and
// looks whether they stay; takes interrupts of its timer and SGIs of its neighbour; waits for them;
// uses FP; and accesses a UART that it has not got. HVC with X0 = 99: it has done its rounds; 98:
// something is wrong.
#ifndef GUEST_VCPUS // of VMs with two each; else a third one is alone
#define GUEST_VCPUS 2
#endif
#ifndef ROUNDS
#define ROUNDS 24
#endif
#ifndef GUEST_TAKE // its interrupts are by the GIC's interface, else as the program says
#define GUEST_GIC
#define GUEST_TAKE()       (READ(icc_iar1_el1) & 0xffffff)
#define GUEST_END(intid)   WRITE(intid, icc_eoir1_el1)
#define GUEST_OPEN(number) guest_open(number)
#define GUEST_SEND(number) WRITE(3ul << 24 | 1ul << (number), icc_sgi1r_el1)
#endif
#ifndef GUEST_TIMER // and so is its timer
#define GUEST_TIMER(ticks)                                                                         \
    ({                                                                                             \
        WRITE(ticks, cntv_tval_el0);                                                               \
        WRITE(1, cntv_ctl_el0);                                                                    \
    })
#endif
#ifndef GUEST_TIMER_OFF
#define GUEST_TIMER_OFF() WRITE(0, cntv_ctl_el0)
#endif

char guest_stacks[4][2048] __attribute__((aligned(2048)));
static volatile u64 guest_ticks[4], guest_sgis[4], guest_spis[4];

__asm__(".globl guest_start\n"
        "guest_start: adrp x1, guest_stacks\n add x1, x1, :lo12:guest_stacks\n"
        " add x2, x0, #1\n add x1, x1, x2, lsl #11\n mov sp, x1\n b guest_main\n"
        ".balign 2048\nguest_vectors: .rept 5\n .balign 128\n b .\n .endr\n"
        " .balign 128\n b guest_irq_entry\n .balign 128\n b .\n .balign 128\n b .\n"
        "guest_irq_entry: stp x29, x30, [sp, #-192]!\n"
        " .irp n, 0,2,4,6,8,10,12,14,16,18\n guest_pair stp, \\n\n .endr\n"
        " mrs x0, elr_el1\n mrs x1, spsr_el1\n stp x0, x1, [sp, #176]\n"
        " bl guest_irq\n"
        " ldp x0, x1, [sp, #176]\n msr elr_el1, x0\n msr spsr_el1, x1\n"
        " .irp n, 0,2,4,6,8,10,12,14,16,18\n guest_pair ldp, \\n\n .endr\n"
        " ldp x29, x30, [sp], #192\n eret\n");
extern char guest_vectors[];

// clang-format off
#define GUEST_REGISTERS(X) \
    X(tpidr_el1, 1) X(tpidr_el0, 2) X(tpidrro_el0, 3) X(contextidr_el1, 4) X(far_el1, 5) \
    X(ttbr0_el1, 6) X(sp_el0, 7) X(mair_el1, 8)
// clang-format on

void guest_irq(void)
{
    u64 n = READ(sp_el0) >> 16, intid = GUEST_TAKE();

    if (intid == TIMER) {
        guest_ticks[n]++;
        out32(UART, '.');
        GUEST_TIMER_OFF();
    } else if (intid < 16) {
        guest_sgis[n]++;
    } else if (intid < 1020) {
        guest_spis[n]++;
        if (intid == 33)
            out32(UART + 0x38, 0); // UARTIMSC
    }
    GUEST_END(intid);
}

static bool fp_is(u64 v)
{
    u64 a, b, c;

    __asm__ volatile(".arch_extension fp\n fmov %0, d0\n fmov %1, d31\n mrs %2, fpcr"
                     : "=r"(a), "=r"(b), "=r"(c));
    return a == v && b == v + 1 && c == (v & 3) << 22;
}

static void fp_set(u64 v)
{
    __asm__ volatile(".arch_extension fp\n fmov d0, %0\n fmov d31, %1\n msr fpcr, %2"
                     :
                     : "r"(v), "r"(v + 1), "r"((v & 3) << 22));
}

#ifdef GUEST_GIC
static void guest_open(u64 number)
{
    out32(GICD, 0x12); // what EL2 emulates, or does not care for
    out32(GICR + (number & 1) * 0x20000 + 0x10080, ~0u);
    out32(GICR + (number & 1) * 0x20000 + 0x10100, 1u << TIMER | 0xffff);
    WRITE(0xf0, icc_pmr_el1);
    WRITE(1, icc_igrpen1_el1);
}
#endif

#ifdef GUEST_SPI
// The UART's, and those that one VM gives another.
static void guest_interrupts(u64 number, u64 round)
{
    u64 own = guest_spis[number], theirs = guest_spis[2];

    if (number == 0 && round % 3 == 0) {
#ifdef MASKS // until it has come
        DO("msr daifset, #2");
#endif
        out32(UART + 0x38, 1 << 5);
        out32(UART, 'i');
#ifdef MASKS
        hvc(1, 0, 0, 0);
        hvc(1, 0, 0, 0);
        DO("msr daifclr, #2");
#endif
#ifdef DISABLES // and does not wait for it
        out32(GICD + 0x184, 2);
        return;
#endif
        while (guest_spis[number] == own)
            ;
    }
    if (number == 0 && round % 8 == 3) {
        hvc(2, 0, 0, 0);
        while (guest_spis[2] != theirs + 6)
            ;
    }
}
#endif

void guest_main(u64 number)
{
    u64 own = number << 16;

    WRITE(0x30d00800, sctlr_el1);
    WRITE(3 << 20, cpacr_el1);
    WRITE(guest_vectors, vbar_el1);
    DO("isb");
    GUEST_OPEN(number);
    WRITE(own, sp_el0);
    DO("isb\n msr daifclr, #2");
#ifdef GUEST_STARTS
    if (number == 0)
        hvc(CPU_ON, 1, (u64)guest_start, 1);
    out32(GICD + 0x104, number == 0 ? 2 : 0xff00);
#endif
    for (u64 round = 1; round < ROUNDS; round++) {
        u64 ticks = guest_ticks[number];
#define X(name, k) WRITE(own + (round << 4) + k, name);
        GUEST_REGISTERS(X)
#undef X
        if (round & 1)
            fp_set(own + round);
        GUEST_TIMER(200);
        u64 sgis = number < GUEST_VCPUS ? guest_sgis[number ^ 1] : 0;
        if (number < GUEST_VCPUS && round % 4 == 1)
            GUEST_SEND(!(number & 1));
        out32(UART, 'a');
        if ((in32(UART + 0x18) & 0x90) != 0x90)
            hvc(98, 0, 0, 0);
        if (hvc(1, 0, 0, 0) != 0x1000 + number)
            hvc(98, 0, 0, 0);
        while (guest_ticks[number] == ticks)
            if (round % 3)
                DO("wfi");
#ifdef GUEST_SPI
        guest_interrupts(number, round);
#endif
        while (number < GUEST_VCPUS && round % 4 == 1 && guest_sgis[number ^ 1] == sgis)
            ;
#define X(name, k)                                                                                 \
    if (READ(name) != own + (round << 4) + k)                                                      \
        hvc(98, 1, 0, 0);
        GUEST_REGISTERS(X)
#undef X
        if (round & 1 && !fp_is(own + round))
            hvc(98, 2, 0, 0);
    }
    for (;;)
        hvc(99, 0, 0, 0);
}
