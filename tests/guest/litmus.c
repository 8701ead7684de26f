/* Runs on: max; el2; smp 4; options --parallel. */
/*
 * The memory model, by litmus tests: a few instructions on each of two to four CPUs, very many
 * times, and which outcomes come of them. Those that the model forbids must not; of those that it
 * allows it is told how often they came, and of store buffering, which hardware shows, that it did.
 * Names are those of herd7's catalogue: shape, then what stands between the accesses of each CPU.
 * `--append "rounds=N"` is for longer runs; "see=0" takes all that is allowed, for a machine that
 * is too slow for what a store buffer holds.
 */
#include "mmu.h"

#define CELLS        2000
#define SEEN_SECONDS 20
#define MEET_LOOKS   500 /* of CPUs that wait for each other before each cell */
#define DELAYS       64  /* then some are a little later, by so many different times */

/* Variables of their own for each time, each in a line of its own. */
struct cell {
    volatile uint64_t x, x_line[7], y, y_line[7];
};

struct result {
    uint64_t a, b;
};

static struct cell cells[CELLS] __attribute__((aligned(64)));
static struct result results[4][CELLS];
static uint64_t *root;
static uint64_t rounds, see; /* the command line's */

typedef void thread_fn(struct cell *c, struct result *r);

/* %[a] and %[b] are what it finds out. */
#define THREAD(name, text)                                                                         \
    static void name(struct cell *c, struct result *r)                                             \
    {                                                                                              \
        uint64_t a = 0, b = 0, t;                                                                  \
        __asm__ volatile(                                                                          \
            text                                                                                   \
            : [a] "+r"(a), [b] "+r"(b), [t] "=&r"(t)                                               \
            : [x] "r"(&c->x), [y] "r"(&c->y), [one] "r"(UINT64_C(1)), [two] "r"(UINT64_C(2))       \
            : "memory");                                                                           \
        r->a = a;                                                                                  \
        r->b = b;                                                                                  \
    }

/* An address that hangs on %[a], and is that of @m. */
#define AFTER_A(m) "eor %[t], %[a], %[a]; add %[t], %[t], %[" #m "]; "

THREAD(store_x, "str %[one], [%[x]]")
THREAD(store_y, "str %[one], [%[y]]")

/* Message passing: the second CPU sees the flag y, and not what was written before. */
THREAD(mp_w, "str %[one], [%[x]]; str %[one], [%[y]]")
THREAD(mp_w_dmb, "str %[one], [%[x]]; dmb ish; str %[one], [%[y]]")
THREAD(mp_w_dmbst, "str %[one], [%[x]]; dmb ishst; str %[one], [%[y]]")
THREAD(mp_w_stlr, "str %[one], [%[x]]; stlr %[one], [%[y]]")
THREAD(mp_w_stlxr,
       "str %[one], [%[x]]; 1: ldxr %[t], [%[y]]; stlxr %w[t], %[one], [%[y]]; cbnz %w[t], 1b")
THREAD(mp_w_swpl, "str %[one], [%[x]]; swpl %[one], %[t], [%[y]]")
THREAD(mp_w_ldaddl, "str %[one], [%[x]]; ldaddl %[one], %[t], [%[y]]")
THREAD(mp_w_casl, "str %[one], [%[x]]; mov %[t], 0; casl %[t], %[one], [%[y]]")
THREAD(mp_r, "ldr %[a], [%[y]]; ldr %[b], [%[x]]")
THREAD(mp_r_dmb, "ldr %[a], [%[y]]; dmb ish; ldr %[b], [%[x]]")
THREAD(mp_r_dmbld, "ldr %[a], [%[y]]; dmb ishld; ldr %[b], [%[x]]")
THREAD(mp_r_addr, "ldr %[a], [%[y]]; " AFTER_A(x) "ldr %[b], [%[t]]")
THREAD(mp_r_ldar, "ldar %[a], [%[y]]; ldr %[b], [%[x]]")
THREAD(mp_r_ldaxr, "ldaxr %[a], [%[y]]; ldr %[b], [%[x]]; clrex")
THREAD(mp_r_ldadda, "ldadda xzr, %[a], [%[y]]; ldr %[b], [%[x]]")
THREAD(mp_r_isb, "ldr %[a], [%[y]]; cbz %[a], 1f; 1: isb; ldr %[b], [%[x]]")

/* Store buffering: neither sees the other's store. */
THREAD(sb_x, "str %[one], [%[x]]; ldr %[a], [%[y]]")
THREAD(sb_y, "str %[one], [%[y]]; ldr %[a], [%[x]]")
THREAD(sb_x_dmb, "str %[one], [%[x]]; dmb ish; ldr %[a], [%[y]]")
THREAD(sb_y_dmb, "str %[one], [%[y]]; dmb ish; ldr %[a], [%[x]]")
THREAD(sb_x_dsb, "str %[one], [%[x]]; dsb ish; ldr %[a], [%[y]]")
THREAD(sb_y_dsb, "str %[one], [%[y]]; dsb ish; ldr %[a], [%[x]]")
THREAD(sb_x_rel, "stlr %[one], [%[x]]; ldar %[a], [%[y]]")
THREAD(sb_y_rel, "stlr %[one], [%[y]]; ldar %[a], [%[x]]")
THREAD(sb_x_stlxr,
       "1: ldxr %[t], [%[x]]; stlxr %w[t], %[one], [%[x]]; cbnz %w[t], 1b; ldar %[a], [%[y]]")
THREAD(sb_y_stlxr,
       "1: ldxr %[t], [%[y]]; stlxr %w[t], %[one], [%[y]]; cbnz %w[t], 1b; ldar %[a], [%[x]]")
THREAD(sb_x_swpal, "swpal %[one], %[t], [%[x]]; ldar %[a], [%[y]]")
THREAD(sb_y_swpal, "swpal %[one], %[t], [%[y]]; ldar %[a], [%[x]]")
THREAD(sb_x_dmbst, "str %[one], [%[x]]; dmb ishst; ldr %[a], [%[y]]")
THREAD(sb_y_dmbst, "str %[one], [%[y]]; dmb ishst; ldr %[a], [%[x]]")

/* Load buffering: each sees what the other one writes afterwards. */
THREAD(lb_x, "ldr %[a], [%[x]]; str %[one], [%[y]]")
THREAD(lb_y, "ldr %[a], [%[y]]; str %[one], [%[x]]")
THREAD(lb_x_data, "ldr %[a], [%[x]]; eor %[t], %[a], %[a]; add %[t], %[t], 1; str %[t], [%[y]]")
THREAD(lb_y_data, "ldr %[a], [%[y]]; eor %[t], %[a], %[a]; add %[t], %[t], 1; str %[t], [%[x]]")
THREAD(lb_x_ldar, "ldar %[a], [%[x]]; str %[one], [%[y]]")
THREAD(lb_y_ldar, "ldar %[a], [%[y]]; str %[one], [%[x]]")

/* Independent reads of independent writes: the readers see them in different orders. */
THREAD(read_xy_addr, "ldr %[a], [%[x]]; " AFTER_A(y) "ldr %[b], [%[t]]")
THREAD(read_yx_addr, "ldr %[a], [%[y]]; " AFTER_A(x) "ldr %[b], [%[t]]")
THREAD(read_xy_dmb, "ldr %[a], [%[x]]; dmb ish; ldr %[b], [%[y]]")
THREAD(read_xy_ldar, "ldar %[a], [%[x]]; ldar %[b], [%[y]]")
THREAD(read_yx_ldar, "ldar %[a], [%[y]]; ldar %[b], [%[x]]")
THREAD(store_rel_x, "stlr %[one], [%[x]]")
THREAD(store_rel_y, "stlr %[one], [%[y]]")

/* Write to read causality: the third CPU sees y, which the second has written upon x, and not x. */
THREAD(wrc_data, "ldr %[a], [%[x]]; str %[a], [%[y]]")
THREAD(wrc_dmb, "ldr %[a], [%[x]]; dmb ish; str %[a], [%[y]]")
THREAD(wrc_rel, "ldr %[a], [%[x]]; stlr %[a], [%[y]]")

/* One variable: what has been seen is not unseen. */
THREAD(corr_r, "ldr %[a], [%[x]]; ldr %[b], [%[x]]")
THREAD(w22_x, "str %[one], [%[x]]; dmb ish; str %[two], [%[y]]")
THREAD(w22_y, "str %[one], [%[y]]; dmb ish; str %[two], [%[x]]")

/* A store-exclusive succeeds only if no store came between: read what was there, then write. */
THREAD(excl_increment,
       "1: ldxr %[a], [%[x]]; add %[t], %[a], 1; stxr %w[b], %[t], [%[x]]; cbnz %w[b], 1b")

#define R(thread) results[thread][k]
static bool mp(unsigned k)
{
    return R(1).a == 1 && R(1).b == 0;
}

static bool sb(unsigned k)
{
    return R(0).a == 0 && R(1).a == 0;
}

static bool lb(unsigned k)
{
    return R(0).a == 1 && R(1).a == 1;
}

static bool iriw(unsigned k)
{
    return R(2).a == 1 && R(2).b == 0 && R(3).a == 1 && R(3).b == 0;
}

static bool wrc(unsigned k)
{
    return R(1).a == 1 && R(2).a == 1 && R(2).b == 0;
}

static bool corr(unsigned k)
{
    return R(1).a == 1 && R(1).b == 0;
}

static bool w22(unsigned k)
{
    return cells[k].x == 1 && cells[k].y == 1;
}

static bool same_value(unsigned k)
{
    return R(0).a == R(1).a;
}
#undef R

enum verdict { FORBIDDEN, ALLOWED, SEEN }; /* SEEN: allowed, and must come */

/* shape, name, what its outcome is, FEAT_LSE, the outcome, threads */
static const struct litmus {
    const char *name;
    enum verdict verdict;
    bool lse;
    bool (*outcome)(unsigned k);
    thread_fn *thread[4];
    const char *qemu; /* a row of docs/divergences.md, where QEMU has it */
} tests[] = {
    {"MP", ALLOWED, false, mp, {mp_w, mp_r}},
    {"MP+dmbs", FORBIDDEN, false, mp, {mp_w_dmb, mp_r_dmb}},
    {"MP+dmb.st+dmb.ld", FORBIDDEN, false, mp, {mp_w_dmbst, mp_r_dmbld}},
    {"MP+dmb+addr", FORBIDDEN, false, mp, {mp_w_dmb, mp_r_addr}},
    {"MP+dmb+ctrlisb", FORBIDDEN, false, mp, {mp_w_dmb, mp_r_isb}},
    {"MP+popl+poap", FORBIDDEN, false, mp, {mp_w_stlr, mp_r_ldar}},
    {"MP+stlxr+ldaxr", FORBIDDEN, false, mp, {mp_w_stlxr, mp_r_ldaxr}},
    {"MP+swpl+ldadda", FORBIDDEN, true, mp, {mp_w_swpl, mp_r_ldadda}},
    {"MP+ldaddl+ldar", FORBIDDEN, true, mp, {mp_w_ldaddl, mp_r_ldar}},
    {"MP+casl+ldar", FORBIDDEN, true, mp, {mp_w_casl, mp_r_ldar}},
    {"SB", SEEN, false, sb, {sb_x, sb_y}},
    {"SB+dmb.sts", SEEN, false, sb, {sb_x_dmbst, sb_y_dmbst}},
    {"SB+dmbs", FORBIDDEN, false, sb, {sb_x_dmb, sb_y_dmb}},
    {"SB+dsbs", FORBIDDEN, false, sb, {sb_x_dsb, sb_y_dsb}},
    {"SB+stlr-ldars", FORBIDDEN, false, sb, {sb_x_rel, sb_y_rel}, "stlr-ldar"},
    {"SB+stlxr-ldars", FORBIDDEN, false, sb, {sb_x_stlxr, sb_y_stlxr}},
    {"SB+swpal-ldars", FORBIDDEN, true, sb, {sb_x_swpal, sb_y_swpal}},
    {"LB", ALLOWED, false, lb, {lb_x, lb_y}},
    {"LB+datas", FORBIDDEN, false, lb, {lb_x_data, lb_y_data}},
    {"LB+ldars", FORBIDDEN, false, lb, {lb_x_ldar, lb_y_ldar}},
    {"IRIW+addrs", FORBIDDEN, false, iriw, {store_x, store_y, read_xy_addr, read_yx_addr}},
    {"IRIW+dmbs", FORBIDDEN, false, iriw, {store_x, store_y, read_xy_dmb, mp_r_dmb}},
    {"IRIW+ldars", FORBIDDEN, false, iriw, {store_rel_x, store_rel_y, read_xy_ldar, read_yx_ldar}},
    {"WRC+data+addr", FORBIDDEN, false, wrc, {store_x, wrc_data, read_yx_addr}},
    {"WRC+dmbs", FORBIDDEN, false, wrc, {store_x, wrc_dmb, mp_r_dmb}},
    {"WRC+stlr+ldar", FORBIDDEN, false, wrc, {store_x, wrc_rel, mp_r_ldar}},
    {"CoRR", FORBIDDEN, false, corr, {store_x, corr_r}},
    {"2+2W+dmbs", FORBIDDEN, false, w22, {w22_x, w22_y}},
    {"exclusives", FORBIDDEN, false, same_value, {excl_increment, excl_increment}},
};

/* ---- the CPUs ---- */

static const struct litmus *volatile current;
static volatile uint64_t begun, ended; /* rounds; and threads of all rounds */
static struct {
    volatile uint64_t n, line[7];
} at_step[4]; /* where each CPU is */

static void end_round(void)
{
    atomic_add(&ended, 1);
    insn("dsb ish; sev");
}

static void wait_until(volatile uint64_t *p, uint64_t least)
{
    while (*p < least)
        insn("wfe");
    insn("dmb ish");
}

/* Stay together, if the host runs all of them now: what runs alone meets nobody. */
static void meet(unsigned me, unsigned threads, uint64_t step)
{
    at_step[me].n = step;
    for (unsigned k = 0; k < threads; k++)
        for (unsigned looks = 0; looks < MEET_LOOKS && at_step[k].n < step; looks++)
            ;
}

static unsigned count_threads(const struct litmus *t)
{
    unsigned n = 0;

    while (n < 4 && t->thread[n])
        n++;
    return n;
}

static void run_thread(unsigned me, const struct litmus *t)
{
    thread_fn *fn = t->thread[me];

    if (!fn)
        return;
    unsigned threads = count_threads(t);
    for (unsigned k = 0; k < CELLS; k++) {
        meet(me, threads, k + 1);
        for (volatile unsigned delay = k * (2 * me + 1) % DELAYS; delay; delay--)
            ;
        fn(&cells[k], &results[me][k]);
    }
}

static void mmu_on(void)
{
    if (current_el() == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
}

static void worker(uint64_t me)
{
    mmu_on();
    for (uint64_t round = 1;; round++) {
        wait_until(&begun, round);
        run_thread((unsigned)me, current);
        end_round();
    }
}

/* How often the outcome came in a round. */
static uint64_t run_round(const struct litmus *t)
{
    static uint64_t round;
    uint64_t count = 0;

    for (unsigned k = 0; k < CELLS; k++)
        cells[k].x = cells[k].y = 0;
    current = t;
    for (unsigned k = 0; k < 4; k++)
        at_step[k].n = 0;
    round++;
    insn("dmb ish");
    begun = round;
    insn("dsb ish; sev");
    run_thread(0, t);
    wait_until(&ended, 3 * round);
    for (unsigned k = 0; k < CELLS; k++)
        count += t->outcome(k);
    return count;
}

static void print_number(uint64_t v)
{
    char text[24];
    unsigned at = sizeof(text) - 1;

    text[at] = 0;
    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    print(&text[at]);
}

/* What is to be seen can be only while the host runs both CPUs: it has some seconds for that. */
static void run_test(const struct litmus *t)
{
    uint64_t count = 0, until = now() + SEEN_SECONDS * mrs(cntfrq_el0);

    for (uint64_t k = 0; k < rounds; k++)
        count += run_round(t);
    while (see && t->verdict == SEEN && !count && now() < until)
        count += run_round(t);
    if (t->verdict == FORBIDDEN) {
        if (t->qemu)
            check_differs(count, 0, t->name, t->qemu);
        else
            check_equal(count, 0, t->name);
        return;
    }
    print("     ");
    print(t->name);
    print(": allowed, and seen ");
    print_number(count);
    print(" times\n");
    if (see && t->verdict == SEEN)
        check(count > 0, t->name);
}

/* ---- code that another CPU writes ---- */

static uint8_t code_page[4096] __attribute__((aligned(4096)));
static volatile uint64_t version, called;

static void write_code(unsigned value)
{
    volatile uint32_t *code = (volatile uint32_t *)(void *)code_page;

    code[0] = 0xd2800000u | value << 5; /* mov x0, #value */
    code[1] = 0xd65f03c0u;              /* ret */
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish" ::"r"(code) : "memory");
}

/* Calls it as soon as it is told, and says what came back. */
static void code_caller(struct cell *c, struct result *r)
{
    uint64_t (*fn)(void) = (uint64_t(*)(void))(uintptr_t)code_page;

    (void)c;
    r->a = 0;
    for (uint64_t n = 1; n <= 100; n++) {
        wait_until(&version, n);
        isb();
        r->a += fn() != n;
        called = n;
        insn("dsb ish; sev");
    }
}

static void code_writer(struct cell *c, struct result *r)
{
    (void)c, (void)r;
    for (uint64_t n = 1; n <= 100; n++) {
        write_code((unsigned)n);
        version = n;
        insn("dsb ish; sev");
        wait_until(&called, n);
    }
}

static bool old_code(unsigned k)
{
    return k == 0 && results[1][0].a != 0;
}

/* ---- a page that another CPU maps elsewhere ---- */

#define VA UINT64_C(0x1000000000)

static uint64_t page[2][512] __attribute__((aligned(4096)));
static volatile uint64_t mapped, read_back;

static void map(unsigned which)
{
    *pt_entry(root, VA, 3) = (uint64_t)page[which] | PT_NORMAL | PT_TABLE;
    if (current_el() == 2)
        __asm__ volatile("dsb ish; tlbi vae2is, %0; dsb ish; isb" ::"r"(VA >> 12) : "memory");
    else
        __asm__ volatile("dsb ish; tlbi vae1is, %0; dsb ish; isb" ::"r"(VA >> 12) : "memory");
}

static void page_mapper(struct cell *c, struct result *r)
{
    (void)c, (void)r;
    for (uint64_t n = 1; n <= 100; n++) {
        map(n & 1);
        mapped = n;
        while (read_back < n)
            ;
    }
}

/* It reads all the time, so that its TLB has the page whenever it changes. */
static void page_reader(struct cell *c, struct result *r)
{
    volatile uint64_t *p = (volatile uint64_t *)VA;

    (void)c;
    r->a = 0;
    for (uint64_t n = 1; n <= 100; n++) {
        while (mapped < n)
            (void)*p;
        insn("dmb ish");
        r->a += *p != (n & 1);
        insn("dmb ish");
        read_back = n;
    }
}

static bool old_page(unsigned k)
{
    return k == 0 && results[1][0].a != 0;
}

/* Once in a round, in place of once for each cell. */
static thread_fn *once_fn[2];

static void once(struct cell *c, struct result *r)
{
    if (c == &cells[0])
        once_fn[r >= results[1]](c, r);
}

static void run_once(const char *name, thread_fn *first, thread_fn *second,
                     bool (*outcome)(unsigned), volatile uint64_t *a, volatile uint64_t *b)
{
    const struct litmus t = {name, FORBIDDEN, false, outcome, {once, once}};
    uint64_t count = 0;

    once_fn[0] = first;
    once_fn[1] = second;
    for (uint64_t k = 0; k < rounds / 5; k++) {
        *a = *b = 0;
        count += run_round(&t);
    }
    check_equal(count, 0, name);
}

/* ---- counters that all CPUs count up ---- */

static volatile uint64_t count_x;
static volatile uint64_t pair[2] __attribute__((aligned(16)));

#define COUNTER(name, text)                                                                        \
    static void name(struct cell *c, struct result *r)                                             \
    {                                                                                              \
        uint64_t t, u, v;                                                                          \
        (void)c, (void)r;                                                                          \
        __asm__ volatile(text                                                                      \
                         : [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)                                \
                         : [x] "r"(&count_x), [p] "r"(pair), [one] "r"(UINT64_C(1))                \
                         : "memory");                                                              \
    }

COUNTER(count_stxr,
        "1: ldxr %[t], [%[x]]; add %[t], %[t], 1; stxr %w[u], %[t], [%[x]]; cbnz %w[u], 1b")
COUNTER(count_ldadd, "ldadd %[one], %[t], [%[x]]")
COUNTER(count_cas,
        "1: ldr %[t], [%[x]]; mov %[v], %[t]; add %[u], %[t], 1; cas %[t], %[u], [%[x]]; "
        "cmp %[t], %[v]; b.ne 1b")
COUNTER(count_stxp, "1: ldxp %[t], %[u], [%[p]]; add %[t], %[t], 1; add %[u], %[u], 1; "
                    "stxp %w[v], %[t], %[u], [%[p]]; cbnz %w[v], 1b")

/* CASP takes even registers and the next ones. */
static void count_casp(struct cell *c, struct result *r)
{
    (void)c, (void)r;
    __asm__ volatile(
        "1: ldp x8, x9, [%0]; mov x12, x8; mov x13, x9; add x10, x8, 1; add x11, x9, 1; "
        "casp x8, x9, x10, x11, [%0]; cmp x8, x12; ccmp x9, x13, 0, eq; b.ne 1b" ::"r"(pair)
        : "x8", "x9", "x10", "x11", "x12", "x13", "cc", "memory");
}

static bool no_outcome(unsigned k)
{
    (void)k;
    return false;
}

static void run_counter(const char *name, thread_fn *fn, thread_fn *other)
{
    const struct litmus t = {name, FORBIDDEN, false, no_outcome, {fn, other, fn, other}};
    uint64_t expected = 4 * CELLS * (rounds / 5);

    count_x = pair[0] = pair[1] = 0;
    for (uint64_t k = 0; k < rounds / 5; k++)
        run_round(&t);
    if (!count_x) {
        check_equal(pair[1], expected, "the upper halves");
        count_x = pair[0];
    }
    check_equal(count_x, expected, name);
}

/* ---- */

static uint64_t semihosting(uint64_t op, volatile void *arg)
{
    register uint64_t x0 __asm__("x0") = op;
    register volatile void *x1 __asm__("x1") = arg;

    __asm__ volatile("hlt 0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

/* The number behind @key on the command line, or @usual. */
static uint64_t option(const char *key, uint64_t usual)
{
    static char text[256];
    volatile uint64_t block[2] = {(uint64_t)text, sizeof(text)};
    uint64_t value = 0;

    if (semihosting(0x15, block)) /* SYS_GET_CMDLINE */
        return usual;
    for (const char *at = text; *at; at++) {
        unsigned n = 0;
        while (key[n] && at[n] == key[n])
            n++;
        if (key[n])
            continue;
        for (at += n; *at >= '0' && *at <= '9'; at++)
            value = value * 10 + (uint64_t)(*at - '0');
        return value;
    }
    return usual;
}

int main(void)
{
    bool lse = FIELD(mrs(id_aa64isar0_el1), 23, 20)
    != 0;

    rounds = option("rounds=", 5);
    see = option("see=", 1);
    root = pt_identity(0);
    pt_map_pages(root, (uint64_t)code_page, (uint64_t)code_page, 4096, PT_NORMAL);
    page[1][0] = 1;
    map(0);
    mmu_on();
    for (unsigned k = 1; k < 4; k++)
        check_equal((uint64_t)cpu_on(k, worker, k), 0, "CPU_ON");
    for (unsigned k = 0; k < ARRAY_SIZE(tests); k++)
        if (lse || !tests[k].lse)
            run_test(&tests[k]);
    run_once("code that another CPU has written", code_writer, code_caller, old_code, &version,
             &called);
    run_once("a page that another CPU has mapped", page_mapper, page_reader, old_page, &mapped,
             &read_back);
    run_counter("counted by LDXR and STXR", count_stxr, count_stxr);
    run_counter("counted by LDXP and STXP", count_stxp, count_stxp);
    if (lse) {
        run_counter("counted by LDADD and STXR", count_ldadd, count_stxr);
        run_counter("counted by CAS and LDADD", count_cas, count_ldadd);
        run_counter("counted by CASP and STXP", count_casp, count_stxp);
    }
    check_none("no fault");
    return (int)failures;
}
