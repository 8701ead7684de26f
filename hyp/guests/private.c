/*
 * Translations that are a CPU's own: each has its page at the same address, with the same ASID and
 * in global entries, as the manual allows while CnP is 0 (DDI0487, TTBR0_EL1.CnP). Who runs two of
 * them on one CPU has to empty its TLB in between, and to have done so before the second goes on.
 * After some rounds it is another page, and this CPU's TLB only is told: who moves has to find no
 * older one where it comes to (DDI0487, HCR_EL2.FB).
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define PT_TABLE (BIT(0) | BIT(1))
#define PT_PAGE                                                                                    \
    (BIT(0) | BIT(1) | 3 << 8 | BIT(10) | BIT(53) | BIT(54)) /* MAIR 0, no execution               \
                                                              */
#define WINDOW (UINT64_C(400) << 30)
#define WORDS  512
#define TABLES 3
#define PAGES  2
#define ROUNDS 4 /* with one page */

enum { BREAK_WORD, BREAK_PAGE };
static const char *const breaks[] = {"word", "page", 0};

static uint64_t rounds;
static uint64_t tables[MAX_CPUS][TABLES][WORDS] __attribute__((aligned(4096)));
static uint64_t pages[MAX_CPUS][PAGES][WORDS] __attribute__((aligned(4096)));

static uint64_t word_of(unsigned cpu, unsigned page, unsigned n)
{
    return UINT64_C(0x5072697661746500) + ((uint64_t)cpu << 32) + (page << 16) + n;
}

/* The tables of all, and in them nothing at WINDOW. */
static void init(unsigned cpu)
{
    const uint64_t *common = (const uint64_t *)(mrs(ttbr0_el1) & UINT64_C(0xfffffffff000));
    uint64_t(*own)[WORDS] = tables[cpu];

    for (unsigned n = 0; n < WORDS; n++)
        own[0][n] = common[n];
    own[0][WINDOW >> 30] = (uint64_t)own[1] | PT_TABLE;
    own[1][0] = (uint64_t)own[2] | PT_TABLE;
    dsb();
    msr(ttbr0_el1, own);
    insn("tlbi vmalle1; dsb nsh; isb");
}

static void forget(void)
{
    insn("dsb nshst; tlbi vmalle1; dsb nsh; isb");
}

static void map(unsigned cpu, const uint64_t *page)
{
    tables[cpu][2][0] = 0;
    forget();
    tables[cpu][2][0] = (uint64_t)page | PT_PAGE;
    insn("dsb nshst; isb");
}

/* A while without a barrier, in which we may be preempted. */
static void read_all(unsigned cpu, unsigned page)
{
    const volatile uint64_t *window = (const volatile uint64_t *)WINDOW;

    for (unsigned pass = 0; pass < 8; pass++)
        for (unsigned n = 0; n < WORDS; n++)
            require(window[n] == word_of(cpu, page, n),
                    "word %u of this CPU's page %u: expected %lx, got %lx", n, page,
                    word_of(cpu, page, n), window[n]);
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};

    for (unsigned page = 0; page < PAGES; page++)
        for (unsigned n = 0; n < WORDS; n++)
            pages[cpu][page][n] = word_of(cpu, page, n);
    smp_barrier();
    init(cpu);
    disturb_init(0);
    for (uint64_t round = 0; round < rounds; round++) {
        unsigned page = round / ROUNDS % PAGES;

        if (sabotage(BREAK_WORD))
            pages[cpu][page][random_below(&r, WORDS)]++;
        if (round % ROUNDS == 0)
            map(cpu, pages[sabotage(BREAK_PAGE) ? cpu ^ 1 : cpu][page]);
        read_all(cpu, page);
        disturb(&r);
        smp_progress(round);
    }
    disturb_end();
}

static void run(void)
{
    rounds = option_number("rounds", 100);
    smp_run(test);
    report_ok("vcpus=%u rounds=%lu", platform.cpus, rounds);
}

const struct guest guest = {.name = "private", .breaks = breaks, .run = run};
