/* Between CPUs: SGIs by sender, SPIs and LPIs by route. Each INTID is sent again only when all its
 * targets have taken it, so what is counted is exact. */
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/its.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/random.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"
#include "irqstorm.h"

#define SGI_OF(cpu) (SGI_COUNT - MAX_CPUS + (cpu)) /* an SGI for each sender */
#define SPIS        8u

static uint64_t rounds;

/* SGIs: by sender and target; each word has one writer. */
static volatile uint64_t sent[MAX_CPUS][MAX_CPUS], received[MAX_CPUS][MAX_CPUS];

static void on_sgi(struct frame *f)
{
    unsigned intid = gic_acknowledge(), me = cpu_index(), from = intid - SGI_OF(0);

    (void)f;
    if (intid == SPURIOUS)
        return;
    require(from < platform.cpus, "interrupt %u, which nobody sent", intid);
    require(received[from][me] < sent[from][me], "SGI %u of cpu %u: got %lu, sent %lu", intid, from,
            received[from][me] + 1, sent[from][me]);
    received[from][me]++;
    gic_end(intid);
}

static bool is_free(unsigned me, unsigned target)
{
    return received[me][target] == sent[me][target];
}

static unsigned free_targets(unsigned me)
{
    unsigned set = 0;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        if (is_free(me, cpu))
            set |= 1u << cpu;
    return set;
}

static void count_sent(unsigned me, unsigned set)
{
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        if (set & 1u << cpu)
            sent[me][cpu]++;
    dsb();
}

/* One write of ICC_SGI1R_EL1 for those of the set that share all but Aff0 with its first; the rest
 * stays for another. Return: who was meant. */
static unsigned send_list(unsigned me, unsigned set)
{
    unsigned done = 0;
    uint64_t value = 0;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        uint64_t v = gic_sgi_to(SGI_OF(me), cpu);

        if (!(set & 1u << cpu) || (value && (value ^ v) >> 16))
            continue;
        value |= v;
        done |= 1u << cpu;
    }
    count_sent(me, done);
    if (!sabotage(BREAK_IPI))
        gic_send_raw(value);
    return done;
}

static void send_some(unsigned me, struct random *r)
{
    unsigned set = free_targets(me), all = (1u << platform.cpus) - 1, others = all & ~(1u << me);

    if (others && (set & others) == others && random_below(r, 4) == 0) {
        count_sent(me, others);
        gic_send_others(SGI_OF(me));
        return;
    }
    for (set &= (unsigned)random_next(r); set;)
        set &= ~send_list(me, set);
}

static void ipis(unsigned me)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + me + 7};
    uint64_t since;

    irq_handler = on_sgi;
    irqs_on();
    smp_barrier();
    for (uint64_t round = 0; round < rounds; round++) {
        smp_progress(round);
        send_some(me, &r);
        if (random_below(&r, 4) == 0)
            insn("sevl; wfe; yield");
    }
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        since = now();
        while (!is_free(me, cpu))
            require(patient(since), "SGI to cpu %u: sent %lu, got %lu", cpu, sent[me][cpu],
                    received[me][cpu]);
    }
    smp_barrier();
    irqs_off();
}

/* A token goes round: CPU n wakes CPU n + 1. */
static volatile uint64_t token;

static void on_token(struct frame *f)
{
    unsigned intid = gic_acknowledge(), me = cpu_index();

    (void)f;
    if (intid == SGI_DISTURB)
        gic_end(intid); /* it is over */
    if (intid != SGI_GUEST)
        return;
    require(token % platform.cpus == me, "the token %lu is not cpu %u's", token, me);
    gic_end(intid);
    if (++token < rounds * platform.cpus)
        gic_send(SGI_GUEST, (unsigned)(token % platform.cpus));
    else
        gic_send_others(SGI_DISTURB);
}

static void token_ring(unsigned me)
{
    irq_handler = on_token;
    smp_barrier();
    if (me == 0)
        gic_send(SGI_GUEST, 0);
    while (token < rounds * platform.cpus) {
        insn("wfi"); /* masked: it ends at the interrupt, which is then taken */
        irqs_on();
        isb();
        irqs_off();
        smp_progress(token);
    }
    smp_barrier();
}

uint64_t storm_ipis(uint64_t count)
{
    uint64_t total = 0;

    rounds = count;
    smp_run(ipis);
    for (unsigned from = 0; from < platform.cpus; from++)
        for (unsigned to = 0; to < platform.cpus; to++)
            total += received[from][to];
    smp_run(token_ring);
    return total + token;
}

/* Routes: CPU 0 drives, all take. */
static volatile uint64_t taken_by[MAX_CPUS][SPIS + ITS_LPIS];
static volatile bool over;
static unsigned spi_base, spi_count;

static unsigned index_of(unsigned intid)
{
    if (intid >= ITS_LPI && intid < ITS_LPI + ITS_LPIS)
        return SPIS + intid - ITS_LPI;
    return intid >= spi_base && intid < spi_base + spi_count ? intid - spi_base : UINT32_MAX;
}

static void on_routed(struct frame *f)
{
    unsigned intid = gic_acknowledge(), index = index_of(intid);

    (void)f;
    if (intid == SPURIOUS)
        return;
    if (intid == SGI_GUEST ||
        intid == SGI_DISTURB) { /* the ring's last, for who had seen its end */
        gic_end(intid);
        return;
    }
    require(index != UINT32_MAX, "interrupt %u, which nobody made", intid);
    taken_by[cpu_index()][index]++;
    gic_end(intid);
}

static uint64_t total_of(unsigned index)
{
    uint64_t total = 0;

    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += taken_by[cpu][index];
    return total;
}

/* Make it pending once; it must be taken once, by @cpu unless it is any. */
static void once(unsigned intid, unsigned cpu, bool any)
{
    unsigned index = index_of(intid);
    uint64_t before = total_of(index), own = taken_by[cpu][index], since = now();

    if (intid >= ITS_LPI)
        its_pend(intid);
    else
        gic_bit(GICD_ISPENDR, intid);
    while (total_of(index) == before)
        require(patient(since), "interrupt %u to cpu %u is not taken", intid, cpu);
    require(any || taken_by[cpu][index] == own + 1,
            "interrupt %u: routed to cpu %u, taken elsewhere", intid, cpu);
    require(total_of(index) == before + 1, "interrupt %u: made once, taken %lu times", intid,
            total_of(index) - before);
}

/* Pending at one CPU, which has it disabled; moved to another. */
static void moved(unsigned intid, unsigned from, unsigned to)
{
    unsigned index = index_of(intid);
    uint64_t own = taken_by[to][index], since = now();

    gic_bit(GICD_ICENABLER, intid);
    gic_route(intid, platform.mpidr[from]);
    gic_bit(GICD_ISPENDR, intid);
    gic_route(intid, platform.mpidr[to]);
    gic_bit(GICD_ISENABLER, intid);
    while (taken_by[to][index] == own)
        require(patient(since), "interrupt %u moved from cpu %u to cpu %u is not taken there",
                intid, from, to);
}

static void drive(void)
{
    struct random r = {option_number("seed", 1) + 99};

    for (uint64_t round = 0; round < rounds; round++) {
        unsigned cpu = random_below(&r, platform.cpus), other = random_below(&r, platform.cpus);

        smp_progress(round);
        for (unsigned n = 0; n < spi_count; n++) {
            gic_route(spi_base + n,
                      platform.mpidr[sabotage(BREAK_ROUTE) ? (cpu + 1) % platform.cpus : cpu]);
            once(spi_base + n, cpu, false);
            moved(spi_base + n, cpu, other);
            gic_route(spi_base + n, IROUTER_ANY);
            if (!platform.gicc &&
                rd64(platform.gicd + GICD_IROUTER + 8 * (spi_base + n)) & IROUTER_ANY)
                once(spi_base + n, cpu, true);
        }
        for (unsigned n = 0; platform.its && n < ITS_LPIS; n++) {
            its_route(ITS_LPI + n, cpu);
            once(ITS_LPI + n, cpu, false);
        }
    }
}

static void routes(unsigned me)
{
    irq_handler = on_routed;
    smp_barrier();
    if (me == 0) {
        irqs_on();
        drive();
        over = true;
        dsb();
        if (platform.cpus > 1)
            gic_send_others(SGI_GUEST);
        irqs_off();
        return;
    }
    while (!over) {
        insn("wfi");
        irqs_on();
        isb();
        irqs_off();
        smp_progress(total_of(0) + 1);
    }
}

uint64_t storm_routes(uint64_t count)
{
    uint64_t total = 0;

    rounds = count;
    spi_base = gic_spi_end() - SPIS;
    spi_count = gic_spi_end() > 32 + SPIS ? SPIS : 0;
    for (unsigned n = 0; n < spi_count; n++) {
        gic_priority(spi_base + n, DEFAULT_PRIORITY);
        gic_edge(spi_base + n, true);
        gic_bit(GICD_ISENABLER, spi_base + n);
    }
    for (unsigned n = 0; platform.its && n < ITS_LPIS; n++)
        its_configure(ITS_LPI + n, DEFAULT_PRIORITY, true);
    smp_run(routes);
    for (unsigned index = 0; index < SPIS + ITS_LPIS; index++)
        total += total_of(index);
    return total;
}
