#include "hyp/guests/faults_hyp.h"

#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/pv.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define LOG_PAGES 16u

static uint64_t log_base, log_page;
static bool logging;
static uint16_t written[MAX_CPUS][LOG_PAGES];
static volatile uint64_t swaps, logged, blocks;

static volatile uint64_t *log_word(unsigned cpu, unsigned n)
{
    return (volatile uint64_t *)(log_base + (cpu * LOG_PAGES + n) * log_page);
}

void log_turn(uint64_t base, uint64_t end, bool on)
{
    int64_t shift;

    logging = false;
    if (!pv_present())
        return;
    if (!on) {
        pv_log_stop();
        return;
    }
    shift = pv_log_start();
    require(shift >= 12 && shift <= 16, "HYP_LOG_START: expected 12 to 16, got %lx",
            (uint64_t)shift);
    log_page = BIT((unsigned)shift);
    log_base = (base + log_page - 1) & ~(log_page - 1);
    logging = log_base + platform.cpus * LOG_PAGES * log_page <= end;
}

/* The first time there is nothing to expect of the contents, nor of the log. */
void log_check(struct random *r, unsigned cpu)
{
    uint32_t wrote = 0, got;

    if (!logging)
        return;
    for (unsigned k = random_below(r, LOG_PAGES); k; k--) {
        unsigned n = random_below(r, LOG_PAGES);
        uint64_t value = *log_word(cpu, n);

        require((uint16_t)value == written[cpu][n], "logged page %u: expected %u, got %lx", n,
                written[cpu][n], value);
        if (random_below(r, 2)) {
            *log_word(cpu, n) = ++written[cpu][n];
            wrote |= 1u << n;
        }
    }
    got = pv_log_take((uint64_t)log_word(cpu, 0), LOG_PAGES);
    require(got == wrote, "log of pages at %lx: expected %x, got %x", (uint64_t)log_word(cpu, 0),
            wrote, got);
    __atomic_fetch_add(&logged, 1, __ATOMIC_RELAXED);
}

void log_prepare(unsigned cpu)
{
    if (!logging)
        return;
    for (unsigned n = 0; n < LOG_PAGES; n++) {
        *log_word(cpu, n) = 0;
        written[cpu][n] = 0;
    }
    pv_log_take((uint64_t)log_word(cpu, 0), LOG_PAGES);
}

void pv_disturb(struct random *r, uint64_t base, uint64_t size)
{
    uint64_t at = base + random_below(r, (unsigned)(size / 4096)) * 4096;

    if (!pv_present())
        return;
    switch (random_below(r, 8)) {
    case 0:
        pv_age(at, 4096);
        break;
    case 1:
        __atomic_fetch_add(&blocks, pv_collapse(at, 4096), __ATOMIC_RELAXED);
        break;
    case 2:
        pv_hook((unsigned)random_below(r, 4));
        break;
    default:
        pv_swap(at, base + random_below(r, (unsigned)(size / 4096)) * 4096);
        __atomic_fetch_add(&swaps, 1, __ATOMIC_RELAXED);
    }
}

#define BLOCK UINT64_C(0x200000)

/* Pages of 4K behind all that has been swapped, one mapping each, are made a block:
 * as they were. */
void check_collapse(uint64_t base, uint64_t end)
{
    uint64_t at = (base + BLOCK - 1) & ~(BLOCK - 1), made;

    if (!pv_present() || log_page != 4096 || !swaps || at + BLOCK > end)
        return;
    pv_unmap(at, BLOCK);
    for (uint64_t k = 0; k < BLOCK; k += 4096)
        *(volatile uint64_t *)(at + k) = k ^ 0x5a5a;
    made = pv_collapse(at, BLOCK);
    require(made == 1, "pages at %lx: expected 1 block, got %lx", at, made);
    for (uint64_t k = 0; k < BLOCK; k += 4096)
        require(*(volatile uint64_t *)(at + k) == (k ^ 0x5a5a), "page at %lx of a block: got %lx",
                at + k, *(volatile uint64_t *)(at + k));
    require(pv_age(at, BLOCK) == BLOCK && pv_age(at, BLOCK) == 0, "the block at %lx is not old",
            at);
    blocks += made;
}

uint64_t pv_swaps(void)
{
    return swaps;
}

uint64_t pv_logged(void)
{
    return logged;
}

uint64_t pv_blocks(void)
{
    return blocks;
}

static uint64_t rate_base, rate_rounds;

/* A page of the largest size for each CPU. */
static void rate(unsigned cpu)
{
    volatile uint64_t *page = (volatile uint64_t *)(rate_base + cpu * 0x10000);

    *page = 0;
    smp_barrier();
    for (uint64_t n = 1; n <= rate_rounds; n++) {
        pv_unmap((uint64_t)page, 4096);
        require(*page == n - 1, "page at %lx: expected %lu, got %lu", (uint64_t)page, n - 1, *page);
        *page = n;
    }
}

void measure_rate(uint64_t base)
{
    uint64_t since, us;

    rate_rounds = option_number("rate", 0);
    if (!rate_rounds)
        return;
    rate_base = (base + 0xffff) & ~UINT64_C(0xffff);
    since = now();
    smp_run(rate);
    us = (now() - since) / (mrs(cntfrq_el0) / 1000000);
    report_ok("vcpus=%u faults=%lu us=%lu per_ms=%lu", platform.cpus, rate_rounds * platform.cpus,
              us, rate_rounds * platform.cpus * 1000 / us);
}
