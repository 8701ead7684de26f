/*
 * Fault storm: pages of RAM that nothing else uses, written, read, executed and crossed by every
 * CPU at random, and given back to the hypervisor where it has a call for that. What a page holds
 * is known, so a page that is lost, stale, swapped or seen differently by two CPUs is noticed by
 * its contents.
 */
#include "hyp/guests/faults_hyp.h"
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/mmio.h"
#include "hyp/guests/lib/mmu.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/pv.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define PAGE      4096u
#define MAX_PAGES 4096u

enum { BREAK_OWN, BREAK_SHARED, BREAK_CODE, BREAK_TAG, BREAK_SWAP, BREAK_NOWHERE };
static const char *const breaks[] = {"own", "shared", "code", "tag", "swap", "nowhere", 0};

/* A page: tags at both ends, a word for each CPU, one for all, and a function. */
struct page {
    uint64_t tag;
    volatile uint64_t own[MAX_CPUS];
    uint64_t shared;
    uint32_t code[4];
    uint8_t unused[PAGE - 8 - 8 * MAX_CPUS - 8 - 16 - 8];
    uint64_t end;
};
_Static_assert(sizeof(struct page) == PAGE, "a page");

static uint64_t rounds;
static struct page *pages;
static unsigned page_count;
static uint16_t expected_own[MAX_CPUS][MAX_PAGES];
static uint64_t adds[MAX_CPUS], touched[MAX_CPUS];

static uint64_t tag_of(unsigned n, unsigned which)
{
    struct random r = {((uint64_t)n << 1 | which) + option_number("seed", 1)};

    return random_next(&r);
}

/* MOV W0, #n; RET. */
static void write_code(struct page *p, unsigned n)
{
    p->code[0] = 0x52800000 | (n & 0xffff) << 5;
    p->code[1] = 0xd65f03c0;
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(p->code) : "memory");
}

static void prepare(unsigned cpu)
{
    for (unsigned n = cpu; n < page_count; n += platform.cpus) {
        struct page *p = &pages[n];

        *p = (struct page){.tag = tag_of(n, 0), .end = tag_of(n, 1)};
        write_code(p, n);
        smp_progress(n);
    }
}

static void check_tags(const struct page *p, unsigned n)
{
    require(p->tag == tag_of(n, 0) && p->end == tag_of(n, 1),
            "page %u at %lx: expected tags %lx and %lx, got %lx and %lx", n, (uint64_t)p,
            tag_of(n, 0), tag_of(n, 1), p->tag, p->end);
}

static void check_own(struct page *p, unsigned n, unsigned cpu)
{
    uint16_t *expected = &expected_own[cpu][n];

    require(p->own[cpu] == *expected, "page %u at %lx: own word: expected %u, got %lu", n,
            (uint64_t)p, *expected, p->own[cpu]);
    p->own[cpu] = ++*expected;
    if (sabotage(BREAK_OWN))
        p->own[cpu] = 0;
}

static void check_code(const struct page *p, unsigned n)
{
    uint64_t (*function)(void) = (uint64_t(*)(void))(uint64_t)p->code;
    uint64_t got = function();

    require(got == (n & 0xffff), "page %u at %lx: its function: expected %u, got %lu", n,
            (uint64_t)p, n, got);
}

/* Eight bytes of which half are in the next page. */
static void check_crossing(const struct page *p, unsigned n)
{
    uint64_t expected = tag_of(n, 1) >> 32 | tag_of(n + 1, 0) << 32, got;

    __asm__ volatile("ldr %0, [%1]" : "=r"(got) : "r"((uint64_t)(p + 1) - 4) : "memory");
    require(got == expected, "pages %u and %u at %lx: across: expected %lx, got %lx", n, n + 1,
            (uint64_t)p, expected, got);
}

static void maybe_break(struct page *p, unsigned n)
{
    if (sabotage(BREAK_CODE))
        write_code(p, n + 1);
    if (sabotage(BREAK_TAG))
        p->end = 0;
    if (sabotage(BREAK_SWAP)) {
        struct page *other = &pages[(n + 1) % page_count];
        uint64_t tag = p->tag;

        p->tag = other->tag;
        other->tag = tag;
    }
}

static void give_back(struct random *r, const struct page *p)
{
    if (random_below(r, 4) == 0)
        pv_disturb(r, (uint64_t)pages, page_count * (uint64_t)PAGE);
    else
        pv_unmap((uint64_t)p, PAGE << random_below(r, 3));
}

static void storm(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};

    log_prepare(cpu);
    disturb_init(0);
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        unsigned n = random_below(&r, page_count);
        struct page *p = &pages[n];

        smp_progress(round);
        switch (random_below(&r, 6)) {
        case 0:
            check_tags(p, n);
            break;
        case 1:
            check_own(p, n, cpu);
            break;
        case 2:
            __atomic_fetch_add(&p->shared, 1 + sabotage(BREAK_SHARED), __ATOMIC_RELAXED);
            adds[cpu]++;
            break;
        case 3:
            check_code(p, n);
            break;
        case 4:
            if (n + 1 < page_count)
                check_crossing(p, n);
            break;
        default:
            give_back(&r, p);
            if (random_below(&r, 16) == 0)
                disturb(&r);
            if (random_below(&r, 8) == 0)
                log_check(&r, cpu);
            break;
        }
        touched[cpu]++;
        maybe_break(p, n);
    }
    disturb_end();
}

/*
 * What is not there: an access to an address that the virt board leaves free is a synchronous
 * external abort, and SCXTNUM_EL1 without FEAT_CSV2_2 is UNDEFINED. Under a hypervisor both are
 * injected.
 */
static struct frame seen;

static bool see(struct frame *f)
{
    seen = *f;
    f->elr += 4;
    return EC(f->esr) == EC_UNKNOWN || EC(f->esr) == EC_DABT_CUR;
}

static bool has_context_numbers(void)
{
    uint64_t csv2 = FIELD(mrs(id_aa64pfr0_el1), 59, 56)
    , fraction = FIELD(mrs(id_aa64pfr1_el1), 35, 32);

    return csv2 >= 2 || (csv2 == 1 && fraction >= 2);
}

static void check_injected(const char *what, uint64_t ec, uint64_t status)
{
    require(EC(seen.esr) == ec && FIELD(seen.esr, 5, 0) == status && FIELD(seen.spsr, 3, 0) == 5,
            "%s: expected EC %lx and status %lx, got ESR %lx, SPSR %lx", what, ec, status, seen.esr,
            seen.spsr);
}

static void check_nothing(void)
{
    uint64_t nowhere = 0x0f000000 + 8 * FIELD(option_number("seed", 1), 7, 0);

    sync_handler = see;
    if (!sabotage(BREAK_NOWHERE))
        rd32(nowhere);
    check_injected("a load from nowhere", EC_DABT_CUR, 0x10);
    expect("FAR_EL1", seen.far, nowhere);
    if (!has_context_numbers()) {
        insn("msr s3_0_c13_c0_7, xzr");
        check_injected("SCXTNUM_EL1", EC_UNKNOWN, 0);
    }
    sync_handler = 0;
}

/* After all: every page, and the sum of what was added by all. */
static void check_all(void)
{
    uint64_t sum = 0, total = 0;

    for (unsigned n = 0; n < page_count; n++) {
        check_tags(&pages[n], n);
        check_code(&pages[n], n);
        for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
            check_own(&pages[n], n, cpu);
        sum += pages[n].shared;
    }
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += adds[cpu];
    require(sum == total, "shared words: %lu additions, their sum is %lu", total, sum);
}

static void run(void)
{
    struct region free = platform_free_ram();
    uint64_t total = 0;

    rounds = option_number("rounds", 1500);
    page_count = (unsigned)option_number("pages", 512);
    if (page_count > MAX_PAGES)
        page_count = MAX_PAGES;
    if (page_count > free.size / PAGE)
        page_count = (unsigned)(free.size / PAGE);
    require(page_count > 1, "no RAM that is free");
    pages = (struct page *)free.base;
    check_nothing();
    measure_rate(free.base);
    smp_run(prepare);
    for (unsigned phase = 0; phase < (pv_present() ? 4u : 1u); phase++) {
        log_turn(free.base + page_count * (uint64_t)PAGE, free.base + free.size, phase % 2);
        smp_run(storm);
        check_all();
    }
    log_turn(0, 0, false);
    check_collapse(free.base + page_count * (uint64_t)PAGE + BIT(24), free.base + free.size);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += touched[cpu];
    report_ok("vcpus=%u pages=%u accesses=%lu swaps=%lu logs=%lu blocks=%lu", platform.cpus,
              page_count, total, pv_swaps(), pv_logged(), pv_blocks());
}

const struct guest guest = {.name = "faults", .breaks = breaks, .run = run};
