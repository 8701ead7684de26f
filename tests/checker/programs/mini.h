// What the hypervisors in C here have in common: register access, the GIC of the board, PSCI, and a
// frame of general registers on the stack.
#pragma once
typedef unsigned long u64;
typedef unsigned int u32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define READ(name)                                                                                 \
    ({                                                                                             \
        u64 value_;                                                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                            \
        value_;                                                                                    \
    })
#define WRITE(value, name) __asm__ volatile("msr " #name ", %x0" : : "rZ"((u64)(value)) : "memory")
#define DO(text)           __asm__ volatile(text : : : "memory")

struct regs { // as the assembly below has it
    u64 x[31], sp, pc, pstate;
};

// MINI_SAVE: below SP, what an exception from EL2 or from below has left; X0 is the frame.
// MINI_LOAD: X0 is the frame, which stands where SP will be below.
__asm__(
    ".macro mini_two op, a, b\n \\op x\\a, x\\b, [sp, #8 * \\a]\n .endm\n"
    ".macro mini_pair op, n\n .altmacro\n mini_two \\op, \\n, %(\\n + 1)\n .noaltmacro\n .endm\n"
    ".macro mini_save\n sub sp, sp, #272\n"
    " .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28\n mini_pair stp, \\n\n .endr\n"
    " add x1, sp, #272\n stp x30, x1, [sp, #240]\n mrs x2, elr_el2\n mrs x3, spsr_el2\n"
    " stp x2, x3, [sp, #256]\n mov x0, sp\n .endm\n"
    ".macro mini_load\n mov sp, x0\n ldp x2, x3, [sp, #256]\n msr elr_el2, x2\n"
    " msr spsr_el2, x3\n ldr x30, [sp, #240]\n"
    " .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28\n mini_pair ldp, \\n\n .endr\n"
    " add sp, sp, #272\n eret\n .endm\n"
    ".macro mini_q_two op, a, b\n \\op q\\a, q\\b, [x0, #16 * \\a]\n .endm\n"
    ".macro mini_q op, n\n .altmacro\n mini_q_two \\op, \\n, %(\\n + 1)\n .noaltmacro\n .endm\n"
    ".macro guest_two op, a, b\n \\op x\\a, x\\b, [sp, #16 + 8 * \\a]\n .endm\n"
    ".macro guest_pair op, n\n .altmacro\n guest_two \\op, \\n, %(\\n + 1)\n .noaltmacro\n "
    ".endm\n");

#define HVC64  0x16
#define SMC64  0x17
#define SYSREG 0x18
#define WFX    0x01
#define FPTRAP 0x07
#define DABORT 0x24

static inline u64 class_of(u64 esr)
{
    return esr >> 26 & 0x3f;
}

#define CALL_BY(conduit)                                                                           \
    static inline u64 conduit(u64 function, u64 a, u64 b, u64 c)                                   \
    {                                                                                              \
        register u64 x0 __asm__("x0") = function;                                                  \
        register u64 x1 __asm__("x1") = a;                                                         \
        register u64 x2 __asm__("x2") = b;                                                         \
        register u64 x3 __asm__("x3") = c;                                                         \
                                                                                                   \
        __asm__ volatile(#conduit " #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");    \
        return x0;                                                                                 \
    }
CALL_BY(smc)
CALL_BY(hvc)

#define CPU_ON     0xc4000003
#define SYSTEM_OFF 0x84000008

// What a guest has of EL1's and EL0's registers, at least.
// clang-format off
#define MINI_REGISTERS(X) \
    X(0, sctlr_el1) X(1, ttbr0_el1) X(2, ttbr1_el1) X(3, tcr_el1) X(4, mair_el1) X(5, vbar_el1) \
    X(6, cpacr_el1) X(7, contextidr_el1) X(8, tpidr_el1) X(9, tpidr_el0) X(10, esr_el1) \
    X(11, far_el1) X(12, sp_el0) X(13, sp_el1) X(14, elr_el1) X(15, spsr_el1) X(16, cntkctl_el1) \
    X(17, csselr_el1) X(18, amair_el1) X(19, mdscr_el1) X(20, par_el1) X(21, tpidrro_el0)
// clang-format on

static inline void take(u32 *lock)
{
    u32 busy;

    __asm__ volatile("1: ldaxr %w0, [%1]\n cbnz %w0, 1b\n stxr %w0, %w2, [%1]\n cbnz %w0, 1b"
                     : "=&r"(busy)
                     : "r"(lock), "r"(1)
                     : "memory");
}

static inline void give(u32 *lock)
{
    __asm__ volatile("stlr wzr, [%0]" : : "r"(lock) : "memory");
}

#define GICD 0x08000000ul
#define GICR 0x080a0000ul
#define UART 0x09000000ul

static inline u32 in32(u64 address)
{
    return *(volatile u32 *)address;
}

static inline void out32(u64 address, u32 value)
{
    *(volatile u32 *)address = value;
}

static inline u64 frame_of(u64 cpu) // of its SGIs and PPIs
{
    return GICR + cpu * 0x20000 + 0x10000;
}

// The distributor and this CPU's interface; @enabled: SGIs and PPIs. EOImode as it says.
static inline void gic_begin(u64 cpu, u32 enabled, u64 eoimode)
{
    if (!cpu)
        out32(GICD, 0x12); // ARE, group 1
    out32(GICR + cpu * 0x20000 + 0x14, 0);
    out32(frame_of(cpu) + 0x80, ~0u);
    out32(frame_of(cpu) + 0x180, ~0u);
    out32(frame_of(cpu) + 0x100, enabled);
    WRITE(0xf, icc_sre_el2);
    DO("isb");
    WRITE(7, icc_sre_el1);
    DO("isb");
    WRITE(0xff, icc_pmr_el1);
    WRITE(eoimode << 1, icc_ctlr_el1);
    WRITE(1, icc_igrpen1_el1);
    DO("isb");
}

#define LIST_REGISTERS(X) X(0, ich_lr0_el2) X(1, ich_lr1_el2) X(2, ich_lr2_el2) X(3, ich_lr3_el2)

static inline u64 lr_read(u64 n)
{
#define X(k, name)                                                                                 \
    if (n == k)                                                                                    \
        return READ(name);
    LIST_REGISTERS(X)
#undef X
    return 0;
}

static inline void lr_write(u64 n, u64 value)
{
#define X(k, name)                                                                                 \
    if (n == k)                                                                                    \
        WRITE(value, name);
    LIST_REGISTERS(X)
#undef X
    DO("isb"); // ICH_ELRSR_EL2 says so then
}

#define LR_PENDING   (1ul << 62)
#define LR_ACTIVE    (1ul << 63)
#define LR_HW        (1ul << 61)
#define LR_GROUP1    (1ul << 60)
#define LR_OF(intid) (LR_PENDING | LR_GROUP1 | 0xa0ul << 48 | (intid))

#define TIMER     27 // the PPI of the virtual one
#define HYP_TIMER 26

// What the compiler calls.
__attribute__((used, noinline, optimize("no-tree-loop-distribute-patterns"))) void *
memcpy(void *to, const void *from, u64 bytes)
{
    for (u64 n = 0; n < bytes; n += 8)
        *(volatile u64 *)((char *)to + n) = *(const volatile u64 *)((const char *)from + n);
    return to;
}

__attribute__((used, noinline)) void *memset(void *to, int value, u64 bytes)
{
    for (u64 n = 0; n < bytes; n++)
        ((volatile char *)to)[n] = (char)value;
    return to;
}
