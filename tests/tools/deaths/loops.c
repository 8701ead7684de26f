// Loops that can have no end, as compilers make them.
//
// clang-format off
// dies -O0 -DBUSY | --no-el2: asks again and again for a device's register at 0x9000018, which stays 0x90: in the loop at && (body+
// dies -O2 -DBUSY | --no-el2: asks again and again for a device's register at 0x9000018, which stays 0x90: in the loop at && (body+
// dies -O0 -DVALUE | --no-el2: asks again and again for a value at && nothing has written it
// dies -O2 -DVALUE | --no-el2: asks again and again for a value at && nothing has written it
// dies -O2 -DVALUE | --no-el2 --rng: asks again and again for a value at && nothing has written it
// dies -O2 -DVALUE | --no-el2 --semihosting-dir /tmp: asks again and again for a value at && 0 other CPU(s) are on
// dies -O2 -DBUSY | --no-el2 --semihosting-dir /tmp: asks again and again for a device's register at 0x9000018
// dies -O0 -DFUNCTION | --no-el2: asks again and again for a value at && (get+
// dies -O2 -DFUNCTION | --no-el2: asks again and again for a value at && (get+
// dies -O0 -DTICKET | --no-el2: cpu0 waits in WFE && cpu0 has written it last, at && (body+
// dies -O2 -DSYSTEM | --no-el2: asks again and again for CNTV_CTL_EL0, which stays 0: in the loop at && (body+
// dies -O0 -DCAS | --no-el2: asks again and again for a lock at && which stays 0x1 && it was written last by cpu0, at && (body+
// dies -O2 -DCAS | --no-el2: asks again and again for a lock at && which stays 0x1 && it was written last by cpu0, at && (body+
// dies -O2 -DEXCHANGE | --no-el2: asks again and again for a lock at && it was written last by cpu0, at && (body+
// dies -O2 -DRECURSE | --no-el2: the stack has grown into the program: at && (f+0x10) is what was pushed at && (f+0)
// dies -O1 -DABBA | --no-el2 --smp 2: asks again and again for a lock at && it was written last by cpu1, at && 1 other CPU(s) are on: cpu1 at && (lock+
// dies -O1 -DSECONDARIES | --no-el2 --smp 4: asks again and again for a value at && 0 other CPU(s) are on, and 3 off: nobody has started them
// dies -O1 -DHELD | --no-el2: asks again and again for a lock at && in the handler of an interrupt that came at && (body+ && cpu0 has written it itself before
// dies -O1 -DPASSED | --no-el2: writes memory without an end: it goes on until X && asks for exactly that value
// dies -O1 -DPASSED -DPOINTER | --no-el2: writes memory without an end: it goes on until X && asks for exactly that value
// dies -O2 -DRING | --no-el2: (body+ && follows pointers in a ring of 6, and comes back to && the list has no end && was written by cpu0, at && (put+
// dies -O2 -DRING -DLAST=7 | --no-el2: follows a pointer, at && that leads to itself: the list has no end
// dies -O2 -DONCE | --no-el2 --smp 2: goes round behind the branch at && (body+ && read once && that is 0x1 now && cpu1 has written it last, at && (second+ && volatile
// dies -O2 -DNO_SEV | --no-el2 --smp 2: cpu1 sleeps in WFE for what has come already: it has read 0 from && that is 0x1 now, as cpu0 has written it at && (body+ && without an SEV
// dies -O2 -DFW_CFG | --no-el2: asks again and again for a value at && fw_cfg: DMA descriptor at 0x && is not in RAM
// dies -O2 -DNO_DEVICE | --no-el2: asks again and again for a device's register at 0xa000070 && virtio-mmio: Status 0xb written to a slot without a device
// lives -O2 -DRING -DMENDED | --no-el2 | code 0
// lives -O2 -DNO_SEV -DMENDED | --no-el2 --smp 2 | code 0
// lives -O1 -DPASSED -DMENDED | --no-el2
// lives -O1 -DHELD -DMENDED | --no-el2 | code 0
// lives -O2 -DDELAY | --no-el2
// lives -O2 -DSUM | --no-el2
// lives -O1 -DROUNDS | --no-el2
// lives -O1 -DROUNDS | --no-el2 --max-insns 2000K
// lives -O1 -DROUNDS | --no-el2 --max-insns 1999K
// clang-format on
#include <stdint.h>

#define REGISTER(a) (*(volatile uint32_t *)(uintptr_t)(a))

#define OFF() __asm__ volatile("mov w0, #0x84000000\nadd w0, w0, #8\nhvc #0" ::: "x0")
#define START()                                                                                    \
    do {                                                                                           \
        register uint64_t x0 __asm__("x0") = 0xc4000003, x1 __asm__("x1") = 1,                     \
                             x2 __asm__("x2") = (uint64_t)second_start, x3 __asm__("x3") = 0;      \
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");             \
    } while (0)

volatile int flag;

void body(void);

__asm__(".text\n.global _start\n_start:\n"
        "adr x9, vectors\nmsr vbar_el1, x9\nldr x9, =stacks + 4096\nmov sp, x9\nb body\n"
        ".global second_start\nsecond_start:\nldr x9, =stacks + 8192\nmov sp, x9\nb second\n"
        ".weak second\n"
        ".balign 2048\nvectors:\n.rept 16\nb .\n.balign 128\n.endr\n"
        ".bss\n.balign 16\nstacks: .skip 8192\n.text\n");

#if defined(SECONDARIES)
void body(void)
{
    while (flag < 3)
        ;
    for (;;)
        ;
}
#elif defined(PASSED)
/* In steps of 8, of a size that is none of them. */
void body(void)
{
#ifdef MENDED
    uint64_t size = 40;
#else
    uint64_t size = 44;
#endif
#ifdef POINTER
    uint64_t at = 0x40200000, end = at + size;
    __asm__ volatile("1: str xzr, [%0], #8\ncmp %0, %1\nb.ne 1b" : "+r"(at) : "r"(end));
#else
    uint64_t at = 0x40200000;
    __asm__ volatile("1: str xzr, [%0], #8\nsubs %1, %1, #8\nb.ne 1b" : "+r"(at), "+r"(size));
#endif
    for (;;)
        ;
}
#elif defined(HELD)
/* A lock that an interrupt's handler waits for, of whom it has interrupted. */
static unsigned lock;

static void take(void)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        ;
}

static void give(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

__attribute__((used)) void handle(void)
{
    uint64_t intid;

    __asm__ volatile("mrs %0, s3_0_c12_c12_0" : "=r"(intid));
    take();
    flag++;
    give();
    __asm__ volatile("msr cntv_ctl_el0, xzr\nisb\nmsr s3_0_c12_c12_1, %0" ::"r"(intid));
}

__asm__(".balign 2048\nown: .skip 0x280\n"
        "stp x0, x1, [sp, #-96]!\nstp x2, x3, [sp, #16]\nstp x4, x5, [sp, #32]\n"
        "stp x6, x7, [sp, #48]\nstp x8, x9, [sp, #64]\nstp x29, x30, [sp, #80]\nbl handle\n"
        "ldp x29, x30, [sp, #80]\nldp x8, x9, [sp, #64]\nldp x6, x7, [sp, #48]\n"
        "ldp x4, x5, [sp, #32]\nldp x2, x3, [sp, #16]\nldp x0, x1, [sp], #96\neret\n");

void body(void)
{
    REGISTER(0x80a0014) = 0;
    REGISTER(0x8000000) = 2;
    REGISTER(0x80b0080) = UINT32_MAX;
    REGISTER(0x80b0100) = 1U << 27;
    __asm__ volatile("adr x9, own\nmsr vbar_el1, x9\nmov x9, #0xf0\nmsr s3_0_c4_c6_0, x9\n"
                     "mov x9, #1\nmsr s3_0_c12_c12_7, x9\nmov x9, #500\n"
                     "msr cntv_tval_el0, x9\nmov x9, #1\nmsr cntv_ctl_el0, x9\nisb" ::
                         : "x9");
#ifndef MENDED
    __asm__ volatile("msr daifclr, #2");
#endif
    take();
    for (volatile int k = 0; k < 5000; k++)
        ;
    give();
    __asm__ volatile("msr daifclr, #2");
    while (!flag)
        __asm__ volatile("wfi");
    __asm__ volatile("mov w0, #0x84000000\nadd w0, w0, #8\nhvc #0");
}
#elif defined(RING)
#ifndef LAST
#define LAST 2
#endif
struct node {
    struct node *next;
    uint64_t value;
};

static struct node nodes[8], *head;

__attribute__((noinline)) static void put(struct node *n)
{
    n->next = head;
    head = n;
}

void body(void)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < 8; k++)
        put(&nodes[k]);
#ifndef MENDED
    put(&nodes[LAST]);
#endif
    for (struct node *n = head; n; n = n->next)
        sum += n->value;
    head = (struct node *)sum;
    OFF();
}
#elif defined(ONCE)
int plain;

void second_start(void);

void second(void)
{
    for (volatile int k = 0; k < 1000; k++)
        ;
    plain = 1;
    for (;;)
        ;
}

void body(void)
{
    START();
    while (!plain)
        ;
}
#elif defined(NO_SEV)
static volatile int go, there;

void second_start(void);

void second(void)
{
    while (!go)
        __asm__ volatile("wfe");
    there = 1;
    for (;;)
        __asm__ volatile("wfi");
}

void body(void)
{
    START();
    for (volatile int k = 0; k < 30000; k++)
        ;
    go = 1;
#ifdef MENDED
    __asm__ volatile("dsb ishst\nsev");
#endif
    while (!there)
        ;
    OFF();
}
#elif defined(FW_CFG)
static struct {
    uint32_t control, size;
    uint64_t address;
} request __attribute__((aligned(16)));

void body(void)
{
    volatile uint32_t *control = &request.control;

    request.address = __builtin_bswap64(0x40200000);
    request.size = __builtin_bswap32(4);
    *control = __builtin_bswap32(2);
    *(volatile uint64_t *)0x9020010 = (uint64_t)&request; /* should be big-endian */
    while (*control)
        ;
}
#elif defined(NO_DEVICE)
void body(void)
{
    REGISTER(0xa000070) = 11;
    while (!(REGISTER(0xa000070) & 8))
        ;
}
#elif defined(BUSY)
void body(void)
{
    while ((REGISTER(0x9000018) & 0x28) != 0x20)
        ;
    for (;;)
        ;
}
#elif defined(VALUE)
void body(void)
{
    while (flag != 5)
        ;
    for (;;)
        ;
}
#elif defined(FUNCTION)
__attribute__((noinline)) static int get(void)
{
    return flag;
}

void body(void)
{
    while (!get())
        __asm__ volatile("nop");
    for (;;)
        ;
}
#elif defined(TICKET)
void body(void)
{
    int ticket = flag++;

    while (flag != ticket + 3)
        __asm__ volatile("wfe");
    for (;;)
        ;
}
#elif defined(SYSTEM)
void body(void)
{
    uint64_t ctl;

    do
        __asm__ volatile("mrs %0, cntv_ctl_el0" : "=r"(ctl));
    while (!(ctl & 4));
    for (;;)
        ;
}
#elif defined(DELAY)
void body(void)
{
    uint64_t count;

    do
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    while (count >> 60 == 0);
    for (;;)
        ;
}
#elif defined(SUM)
void body(void)
{
    for (unsigned k = 0, sum = 0;; k++) {
        sum += k * (unsigned)flag;
        __asm__ volatile("" ::"r"(sum));
    }
}
#elif defined(CAS)
void body(void)
{
    int expected;

    flag = 1;
    do
        expected = 0;
    while (
        !__atomic_compare_exchange_n(&flag, &expected, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    for (;;)
        ;
}
#elif defined(ROUNDS) /* each of which has an end */
static volatile long rounds, table[8];

__attribute__((noinline)) static long put(long a)
{
    table[a & 7] = 3 * a;
    return 3 * a;
}

__attribute__((noinline)) static long fill(long count)
{
    long sum = 0;

    for (long k = 0; k < count; k++)
        sum += put(k);
    return sum;
}

void body(void)
{
    for (;;)
        fill(++rounds & 15);
}
#elif defined(EXCHANGE)
void body(void)
{
    flag = 1;
    while (__atomic_exchange_n(&flag, 1, __ATOMIC_ACQUIRE))
        ;
    for (;;)
        ;
}
#elif defined(RECURSE)
__attribute__((noinline)) int f(int n)
{
    volatile int x = n;

    return f(n + 1) + x;
}

void body(void)
{
    f(0);
}
#elif defined(ABBA)
static volatile int a, b;

void second_start(void);

__attribute__((noinline)) static void lock(volatile int *l)
{
    while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
        __asm__ volatile("yield");
}

static void wait(void)
{
    for (volatile int k = 0; k < 100000; k++)
        ;
}

void second(void)
{
    lock(&b);
    wait();
    lock(&a);
    for (;;)
        ;
}

void body(void)
{
    register uint64_t x0 __asm__("x0") = 0xc4000003, x1 __asm__("x1") = 1,
                         x2 __asm__("x2") = (uint64_t)second_start, x3 __asm__("x3") = 0;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    lock(&a);
    wait();
    lock(&b);
    for (;;)
        ;
}
#endif
