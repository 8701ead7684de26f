/* Runs on: a57 n1 max; el2 el1; smp 2 4. */
/* Several CPUs: spinlocks with exclusives and LSE, message passing, SEV and WFE, SGIs, broadcast
 * TLBI. */
#include "gic.h"

#define ROUNDS 2000

static volatile uint64_t ready, go, done;
static uint64_t lock_word, shared, ticket_next;
static volatile uint64_t box[MAX_CPUS], answer[MAX_CPUS], counter_lse;
static volatile uint64_t sgi_seen[MAX_CPUS];
static unsigned cpus;

static void lock(uint64_t *p)
{
    uint64_t t, one = 1;

    __asm__ volatile(
        "sevl; 1: wfe; 2: ldaxr %0, [%1]; cbnz %0, 1b; stxr %w0, %2, [%1]; cbnz %w0, 2b"
        : "=&r"(t)
        : "r"(p), "r"(one)
        : "memory");
}

static void unlock(uint64_t *p)
{
    __asm__ volatile("stlr xzr, [%0]" ::"r"(p) : "memory"); /* ends the waiters' WFE */
}

static bool has_lse(void)
{
    return FIELD(mrs(id_aa64isar0_el1), 23, 20)
    != 0;
}

static void lse_rounds(void)
{
    for (unsigned k = 0; k < ROUNDS; k++) {
        uint64_t one = 1, old, expected, desired;

        __asm__ volatile("ldaddal %1, %0, [%2]"
                         : "=r"(old)
                         : "r"(one), "r"(&counter_lse)
                         : "memory");
        do {
            expected = old = ticket_next;
            desired = old + 1;
            __asm__ volatile("casal %0, %1, [%2]"
                             : "+r"(expected)
                             : "r"(desired), "r"(&ticket_next)
                             : "memory");
        } while (expected != old);
    }
}

static void barrier(volatile uint64_t *count, uint64_t value)
{
    atomic_add(count, 1);
    while (*count < value)
        ;
}

static void worker(uint64_t arg)
{
    unsigned me = cpu_index();

    (void)arg;
    gic_init();
    gic_bit(GICD_ISENABLER, 7);
    atomic_add(&ready, 1);
    while (!go)
        insn("wfe");
    for (unsigned k = 0; k < ROUNDS; k++) {
        lock(&lock_word);
        shared++;
        unlock(&lock_word);
    }
    if (has_lse())
        lse_rounds();
    barrier(&done, cpus);
    if (me) { /* answers, until 0 asked */
        for (uint64_t seen = 0; seen < 50; seen++) {
            while (box[me] == seen)
                ;
            insn("dmb ish");
            answer[me] = box[me] * 3;
        }
        while (gic_take() != 7) /* an SGI wakes us */
            insn("wfi");
        sgi_seen[me] = 7;
    }
}

static void ask_all(void)
{
    bool right = true;

    for (uint64_t k = 1; k <= 50; k++) {
        for (unsigned cpu = 1; cpu < cpus; cpu++)
            box[cpu] = k;
        for (unsigned cpu = 1; cpu < cpus; cpu++)
            right &= wait_for(&answer[cpu], 3 * k);
    }
    check(right, "message passing");
}

int main(void)
{
    cpus = cpu_count();
    for (unsigned k = 1; k < cpus; k++)
        check_equal((uint64_t)cpu_on(k, worker, 0), 0, "CPU_ON");
    check(wait_for(&ready, cpus - 1), "all are there");
    go = 1;
    dsb();
    insn("sev");
    worker(0);
    check_equal(shared, cpus * ROUNDS, "increments under the lock");
    if (has_lse()) {
        check_equal(counter_lse, cpus * ROUNDS, "LDADDAL");
        check_equal(ticket_next, cpus * ROUNDS, "CASAL");
    }
    ask_all();
    msr(icc_sgi1r_el1, 7ul << 24 | BIT(1)); /* CPU 1 alone */
    check(wait_for(&sgi_seen[1], 7), "SGI to CPU 1");
    for (unsigned k = 2; k < cpus; k++)
        check_equal(sgi_seen[k], 0, "and to no other");
    if (cpus > 2) {
        msr(icc_sgi1r_el1, 7ul << 24 | BIT(40));
        for (unsigned k = 2; k < cpus; k++)
            check(wait_for(&sgi_seen[k], 7), "SGI to all others");
    }
    check_equal(gic_take(), SPURIOUS, "none to ourselves");
    return (int)failures;
}
