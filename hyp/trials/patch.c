/*
 * Patching storm: every CPU runs through sites of all forms, hyp.passes times, and every now and
 * then turns a key or replaces a call's implementation while the others run. What a site did must
 * be what was in force: nothing older once a change is complete, and never anything that is neither
 * the old nor the new. Prints one line.
 */
#include "hyp/gic.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/rendezvous.h"
#include "hyp/sched.h"
#include "hyp/static_call.h"
#include "hyp/static_key.h"

struct static_key storm_key;
extern struct static_call storm_call;

/* patch_sites.S. Each implementation returns its number above its argument's 32 bits. */
void storm_plain(void);
void storm_frugal(void);
void storm_greedy(void);
void storm_greedy_saving(void);
uint64_t storm_branches_asm(void);
uint64_t storm_call_asm(uint64_t x);   /* UINT64_MAX: a register was lost */
uint64_t storm_inline_asm(uint64_t x); /* the site lets all change that a function may */

#define INSN_ORR_X0_BIT34 0xb25e0000u /* ORR X0, X0, #1 << 34: not in the list */
static const struct call_target targets[] = {
    {storm_plain, NULL, 0, INSN_NOP},
    {storm_frugal, NULL, CHANGES_KEEPING, 0},
    {storm_frugal, NULL, 0, INSN_ORR_X0_BIT34},
    {storm_greedy, storm_greedy_saving, CHANGES_AAPCS, 0},
};
struct static_call storm_call = {&targets[0]};

/* What is in force: bit 0 the key, 2..1 the implementation; a change is under way while bit 3 is
 * set; above, how many there were. */
#define STATE_KEY(s)  ((s)&1)
#define STATE_IMPL(s) ((s) >> 1 & 3)
#define STATE_CHANGES 8u
#define STATE_ONE     16u
static uint64_t state;
static struct waiting_lock changing;
static unsigned running;
static uint64_t longest[2]; /* ticks of a change: in the list, not in it */

static void fail(const char *what, uint64_t got, uint64_t before, uint64_t after)
{
    print("patch: FAIL %s: got 0x%lx, state 0x%lx before and 0x%lx after, cpu %u\n", what,
          (unsigned long)got, (unsigned long)before, (unsigned long)after, this_cpu()->index);
    hyp_power_off();
}

static void apply(uint64_t from, uint64_t to)
{
    uint64_t since = mrs(CNTPCT_EL0), stopped = patch_counts().stopped;

    if (STATE_KEY(from) < STATE_KEY(to))
        static_key_inc(&storm_key);
    if (STATE_KEY(from) > STATE_KEY(to))
        static_key_dec(&storm_key);
    static_call_set(&storm_call, &targets[STATE_IMPL(to)]);
    uint64_t took = mrs(CNTPCT_EL0) - since, *most = &longest[patch_counts().stopped != stopped];
    if (took > *most)
        *most = took;
}

static void change(uint64_t random)
{
    waiting_lock_take(&changing);
    uint64_t from = state, to = (from & ~UINT64_C(7)) | (random & 7);

    __atomic_store_n(&state, from | STATE_CHANGES, __ATOMIC_SEQ_CST);
    apply(from, to);
    __atomic_store_n(&state, to + STATE_ONE, __ATOMIC_SEQ_CST);
    waiting_lock_drop(&changing);
}

/* Bits as STATE_KEY: three sites of C and of assembly each. */
static uint64_t branches(void)
{
    uint64_t on = storm_branches_asm();

    if (static_branch_unlikely(storm_key))
        on |= 1 << 4;
    if (static_branch_likely(storm_key))
        on |= 1 << 5;
    return on;
}

static void check_branches(uint64_t got, uint64_t before, uint64_t after, bool settled)
{
    if (got & ~UINT64_C(0x3f))
        fail("branches", got, before, after);
    if (settled && got != (STATE_KEY(before) ? 0x3f : 0))
        fail("branches after completion", got, before, after);
}

static void check_call(const char *what, uint64_t got, uint64_t x, uint64_t before, uint64_t after,
                       bool settled)
{
    static const uint64_t answers[] = {0, 1, 4, 3}; /* bits 63..32, by implementation */
    uint64_t which = got >> 32;

    if ((uint32_t)got != x || (which != 0 && which != 1 && which != 4 && which != 3))
        fail(what, got, before, after);
    if (settled && which != answers[STATE_IMPL(before)])
        fail(what, got, before, after);
}

static void pass(uint32_t n)
{
    uint64_t before = __atomic_load_n(&state, __ATOMIC_SEQ_CST);
    uint64_t on = branches(), c = static_call1(storm_call, n);
    uint64_t kept = static_call1_keeping(storm_call, n), far = storm_call_asm(n);
    uint64_t inlined = storm_inline_asm(n);
    uint64_t after = __atomic_load_n(&state, __ATOMIC_SEQ_CST);
    bool settled = before == after && !(before & STATE_CHANGES);

    check_branches(on, before, after, settled);
    check_call("call in C", c, n, before, after, settled);
    check_call("keeping call in C", kept, n, before, after, settled);
    check_call("call in assembly", far, n, before, after, settled);
    check_call("inlined call in assembly", inlined, n, before, after, settled);
}

static void report(uint64_t passes)
{
    struct patch_counts c = patch_counts();

    print("patch: ok cpus=%u passes=%lu changes=%lu sites=%lu live=%lu stopped=%lu "
          "longest_ticks=%lu,%lu\n",
          pcpu_count, (unsigned long)passes, (unsigned long)(state / STATE_ONE),
          (unsigned long)c.sites, (unsigned long)c.live, (unsigned long)c.stopped,
          (unsigned long)longest[0], (unsigned long)longest[1]);
    hyp_power_off();
}

static void storm(void *arg)
{
    uint64_t random = (uint64_t)(uintptr_t)arg, passes = opts.passes;

    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != pcpu_count)
        ;
    for (uint64_t n = 0; n < passes; n++) {
        pass((uint32_t)n);
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if ((random >> 33) % 1000 == 0)
            change(random >> 40);
    }
    if (__atomic_add_fetch(&running, 1, __ATOMIC_ACQ_REL) == 2 * pcpu_count)
        report(passes);
}

static void begin(void *arg)
{
    __atomic_add_fetch(&running, 1, __ATOMIC_ACQ_REL);
    storm(arg);
}

void hyp_main(const struct fdt *tree)
{
    (void)tree;
    for (unsigned k = 0; k < pcpu_count; k++) {
        struct task *t = mem_alloc(sizeof(*t));

        task_init(t, "storm", mem_alloc(STACK_SIZE), begin, (void *)(uintptr_t)(k + 1));
        t->pinned = (int)k;
        task_wake(t);
    }
}
