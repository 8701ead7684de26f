/*
 * Lock torture: a ticket lock, a ticket lock whose waiters sleep until they are kicked, a queued
 * lock (MCS), and a ticket lock whose waiters use WFE, which a hypervisor may trap; taken by every
 * CPU while it is held at random for as long as it takes to be preempted. What they protect is kept
 * without atomic operations; the longest wait of each is its fairness.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/pv.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define SPINS_BEFORE_WAIT 20
#define PROTECTED         8

enum { BREAK_EXCLUSION, BREAK_TICKET, BREAK_KICK, BREAK_UPDATE };
static const char *const breaks[] = {"exclusion", "ticket", "kick", "update", 0};

static uint64_t rounds;

/* What the lock protects: all words are the same outside of it. */
static volatile uint64_t protected_words[PROTECTED], owner;

/* Ticket lock: next to be given, now served. */
static uint64_t next_ticket, serving;

/* Times round a loop that waits, on each CPU. */
static uint64_t spins[MAX_CPUS];

static void spin_until(const uint64_t *word, uint64_t value)
{
    uint64_t since = now(), n = 0;

    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        require(patient(since), "waits for ticket %lu, %lu is served", value, *word);
        insn("yield");
        n++;
    }
    spins[cpu_index()] += n;
}

static void ticket_lock(void)
{
    spin_until(&serving, __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED));
}

static void ticket_unlock(void)
{
    __atomic_store_n(&serving, serving + 1 + sabotage(BREAK_TICKET), __ATOMIC_RELEASE);
}

/* The same, and a waiter that has spun for long says so and sleeps; the unlocker kicks the next. */
#define NOT_WAITING UINT64_MAX
static uint64_t waits_for[MAX_CPUS];

static void pv_lock(void)
{
    uint64_t ticket = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
    uint64_t *mine = &waits_for[cpu_index()];

    for (unsigned n = 0; n < SPINS_BEFORE_WAIT; n++) {
        if (__atomic_load_n(&serving, __ATOMIC_ACQUIRE) == ticket)
            return;
        insn("yield");
        spins[cpu_index()]++;
    }
    __atomic_store_n(mine, ticket, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&serving, __ATOMIC_SEQ_CST) != ticket)
        require(pv_wait(), "waits for ticket %lu, %lu is served, nobody kicks", ticket, serving);
    __atomic_store_n(mine, NOT_WAITING, __ATOMIC_SEQ_CST);
}

static void pv_unlock(void)
{
    uint64_t ticket = serving + 1;

    __atomic_store_n(&serving, ticket, __ATOMIC_SEQ_CST);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        if (__atomic_load_n(&waits_for[cpu], __ATOMIC_SEQ_CST) == ticket && !sabotage(BREAK_KICK))
            pv_kick(cpu);
}

/* Queued lock: a node a CPU. */
static struct node {
    struct node *next;
    uint64_t go;
} nodes[MAX_CPUS], *tail;

static void queued_lock(void)
{
    struct node *mine = &nodes[cpu_index()], *before;

    mine->next = 0;
    mine->go = 0;
    before = __atomic_exchange_n(&tail, mine, __ATOMIC_ACQ_REL);
    if (!before)
        return;
    __atomic_store_n(&before->next, mine, __ATOMIC_RELEASE);
    spin_until(&mine->go, 1);
}

static void queued_unlock(void)
{
    struct node *mine = &nodes[cpu_index()], *expected = mine, *next;
    uint64_t since = now();

    if (__atomic_compare_exchange_n(&tail, &expected, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return;
    while (!(next = __atomic_load_n(&mine->next, __ATOMIC_ACQUIRE))) {
        require(patient(since), "waits for its follower in the queue");
        insn("yield");
    }
    __atomic_store_n(&next->go, 1, __ATOMIC_RELEASE);
}

/* The ticket lock again; the unlocker's store is the event. */
static void wfe_lock(void)
{
    uint64_t ticket = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED), served;
    uint64_t since = now();

    for (;;) {
        __asm__ volatile("ldaxr %0, [%1]" : "=r"(served) : "r"(&serving) : "memory");
        if (served == ticket)
            return;
        require(patient(since), "waits for ticket %lu, %lu is served", ticket, served);
        insn("wfe");
        spins[cpu_index()]++;
    }
}

static const struct lock {
    const char *name;
    void (*lock)(void), (*unlock)(void);
} locks[] = {
    {"ticket", ticket_lock, ticket_unlock},
    {"pv", pv_lock, pv_unlock},
    {"queued", queued_lock, queued_unlock},
    {"wfe", wfe_lock, ticket_unlock},
};
#define LOCKS ARRAY_SIZE(locks)

static const struct lock *lock;
static unsigned through;
static uint64_t longest[LOCKS][MAX_CPUS], took[LOCKS], entries[LOCKS], spun[LOCKS];

static void hold(struct random *r)
{
    for (unsigned n = random_below(r, 16) ? random_below(r, 30) : random_below(r, 3000); n; n--)
        insn("nop");
    if (random_below(r, 64) == 0)
        disturb_without_timer(r);
}

static void critical_section(struct random *r, uint64_t round)
{
    uint64_t me = cpu_index() + 1, before = protected_words[0];

    require(owner == 0, "%s, round %lu: cpu %lu is inside", lock->name, round, owner - 1);
    owner = me;
    for (unsigned n = 0; n < PROTECTED; n++) {
        require(protected_words[n] == before, "%s, round %lu: word %u: expected %lu, got %lu",
                lock->name, round, n, before, protected_words[n]);
        protected_words[n] = before + 1 + (n == 5 && sabotage(BREAK_UPDATE));
        if (n == PROTECTED / 2)
            hold(r);
    }
    require(owner == me, "%s, round %lu: cpu %lu came inside", lock->name, round, owner - 1);
    owner = 0;
}

/* Who is through sleeps, and takes no time from those that are not. */
static void wait_for_all(void)
{
    if (__atomic_add_fetch(&through, 1, __ATOMIC_SEQ_CST) == platform.cpus)
        for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
            pv_kick(cpu);
    while (__atomic_load_n(&through, __ATOMIC_SEQ_CST) != platform.cpus)
        pv_wait();
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    uint64_t *most = &longest[lock - locks][cpu];

    irqs_off();
    smp_barrier();
    for (uint64_t round = 0; round < rounds; round++) {
        bool skip = platform.cpus > 1 && sabotage(BREAK_EXCLUSION);
        uint64_t since = now(), waited;

        smp_progress(round);
        if (!skip)
            lock->lock();
        waited = now() - since;
        if (waited > *most)
            *most = waited;
        if (skip)
            owner = cpu + 1; /* who comes next must notice */
        else
            critical_section(&r, round);
        if (!skip)
            lock->unlock();
        hold(&r);
    }
    wait_for_all();
}

static uint64_t all_spins(void)
{
    uint64_t sum = 0;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        sum += spins[cpu];
    return sum;
}

static uint64_t most_of(unsigned n)
{
    uint64_t most = 0;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        if (longest[n][cpu] > most)
            most = longest[n][cpu];
    return most;
}

/* Entries of the guest for 100 times inside. */
static uint64_t per_100(unsigned n)
{
    return 100 * entries[n] / (rounds * platform.cpus);
}

/* The shortest of all CPUs' longest waits, as a share of the longest. */
static uint64_t fairness(unsigned n)
{
    uint64_t least = UINT64_MAX;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        if (longest[n][cpu] < least)
            least = longest[n][cpu];
    return most_of(n) ? 100 * least / most_of(n) : 100;
}

/* lock=NAME of the command line: that one only. */
static void run(void)
{
    uint64_t us = mrs(cntfrq_el0) / 1000000;
    bool chosen = false;

    rounds = option_number("rounds", 100);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        waits_for[cpu] = NOT_WAITING;
    for (unsigned n = 0; n < LOCKS; n++)
        chosen |= option_is("lock", locks[n].name);
    for (unsigned n = 0; n < LOCKS; n++) {
        uint64_t since = now(), before = protected_words[0], entered = pv_entries();
        uint64_t spins_before = all_spins();

        if (chosen && !option_is("lock", locks[n].name))
            continue;
        lock = &locks[n];
        through = 0;
        smp_run(test);
        took[n] = now() - since;
        entries[n] = pv_entries() - entered;
        spun[n] = all_spins() - spins_before;
        require(protected_words[0] == before + rounds * platform.cpus,
                "%s: %lu times inside, counted %lu", lock->name, rounds * platform.cpus,
                protected_words[0] - before);
    }
    report_ok("vcpus=%u rounds=%lu ticket_us=%lu pv_us=%lu queued_us=%lu wfe_us=%lu "
              "longest_us=%lu,%lu,%lu,%lu entries_per_100=%lu,%lu,%lu,%lu "
              "fair_percent=%lu,%lu,%lu,%lu spins=%lu,%lu,%lu,%lu",
              platform.cpus, rounds, took[0] / us, took[1] / us, took[2] / us, took[3] / us,
              most_of(0) / us, most_of(1) / us, most_of(2) / us, most_of(3) / us, per_100(0),
              per_100(1), per_100(2), per_100(3), fairness(0), fairness(1), fairness(2),
              fairness(3), spun[0], spun[1], spun[2], spun[3]);
}

const struct guest guest = {.name = "locks", .breaks = breaks, .run = run};
