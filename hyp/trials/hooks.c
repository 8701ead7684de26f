/*
 * A hook with 1 to 8 implementations in each form that a hook can have: a flag, a nest of static
 * branches, a pointer in a structure, a static call, and one where only X0 may change. A stretch of
 * calls of each is marked (hyp/mark.h) for `armillary lab patching`; so is the change of a key and
 * of a call while the other CPUs run through their sites. Each call must come to what was chosen.
 */
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mark.h"
#include "hyp/mem.h"
#include "hyp/sched.h"
#include "hyp/static_call.h"
#include "hyp/static_key.h"

#define CALLS 64u
#define MOST  8u

enum { DIRECT, FLAG, NEST, POINTER, CALL, KEEPING, FORMS };

/* Key of a stretch: of a form with @n implementations, of which @k is chosen; of a change. */
#define KEY(form, n, k) (128 * (form) + 8 * ((n)-1) + (k))
#define KEY_LIVE        900
#define KEY_STOPPED     901

/* What they do: each another thing of the same length. */
static uint64_t seen[MOST];
#define IMPLEMENTATION(k)                                                                          \
    __attribute__((noinline)) uint64_t hooks_does_##k(uint64_t x);                                 \
    uint64_t hooks_does_##k(uint64_t x)                                                            \
    {                                                                                              \
        seen[k] += x;                                                                              \
        return x;                                                                                  \
    }
/* clang-format off */
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define ALTERNATIVES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
ALL(IMPLEMENTATION)

#define KEY_OF(k) struct static_key hooks_is_##k;
ALTERNATIVES(KEY_OF)

/* hooks_saving.S */
#define SAVING(k) void hooks_saving_##k(void);
ALL(SAVING)
#define TARGET(k) {(void (*)(void))hooks_does_##k, hooks_saving_##k, CHANGES_AAPCS, 0},
static const struct call_target targets[] = {
    ALL(TARGET)
    {(void (*)(void))hooks_does_0, NULL, 0, 0xb25e0000u /* ORR X0, X0, #1 << 34: not in the list */},
};
struct static_call hooks_call = {&targets[0]}, hooks_other = {&targets[0]};

typedef uint64_t hook_fn(uint64_t x);
#define POINTER_TO(k) hooks_does_##k,
static hook_fn *const implementations[] = {ALL(POINTER_TO)};
static unsigned flag;
static struct {
    hook_fn *hook;
} ops = {hooks_does_0};

/* With @n implementations: functions of a name each, so that their bytes can be counted. */
#define BY_FLAG(k)   if (N_ > (k) && flag == (k)) return hooks_does_##k(x);
#define BY_BRANCH(k) if (N_ > (k) && static_branch_unlikely(hooks_is_##k)) return hooks_does_##k(x);
#define OF_N(n)                                                                                    \
    __attribute__((noinline)) uint64_t hooks_flag_##n(uint64_t x);                                 \
    uint64_t hooks_flag_##n(uint64_t x)                                                            \
    {                                                                                              \
        enum { N_ = n };                                                                           \
        ALTERNATIVES(BY_FLAG)                                                                      \
        return hooks_does_0(x);                                                                    \
    }                                                                                              \
    __attribute__((noinline)) uint64_t hooks_nest_##n(uint64_t x);                                 \
    uint64_t hooks_nest_##n(uint64_t x)                                                            \
    {                                                                                              \
        enum { N_ = n };                                                                           \
        ALTERNATIVES(BY_BRANCH)                                                                    \
        return hooks_does_0(x);                                                                    \
    }
#define NUMBERS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
NUMBERS(OF_N)
#define FLAG_OF(n) hooks_flag_##n,
#define NEST_OF(n) hooks_nest_##n,
static hook_fn *const flags[] = {NUMBERS(FLAG_OF)}, *const nests[] = {NUMBERS(NEST_OF)};
#define KEY_POINTER(k) &hooks_is_##k,
static struct static_key *const keys[] = {NULL, ALTERNATIVES(KEY_POINTER)};
/* clang-format on */

__attribute__((noinline)) uint64_t hooks_direct(uint64_t x);
uint64_t hooks_direct(uint64_t x)
{
    return hooks_does_0(x);
}

__attribute__((noinline)) uint64_t hooks_pointer(uint64_t x);
uint64_t hooks_pointer(uint64_t x)
{
    return __atomic_load_n(&ops.hook, __ATOMIC_RELAXED)(x);
}

__attribute__((noinline)) uint64_t hooks_call_site(uint64_t x);
uint64_t hooks_call_site(uint64_t x)
{
    return static_call1(hooks_call, x);
}

__attribute__((noinline)) uint64_t hooks_keeping_site(uint64_t x);
uint64_t hooks_keeping_site(uint64_t x)
{
    return static_call1_keeping(hooks_call, x);
}

static void choose(unsigned k)
{
    static unsigned now;

    if (now)
        static_key_dec(keys[now]);
    if (k)
        static_key_inc(keys[k]);
    static_call_set(&hooks_call, &targets[k]);
    flag = k;
    ops.hook = implementations[k];
    now = k;
}

static bool measure(hook_fn *fn, unsigned form, unsigned n, unsigned k)
{
    uint64_t before = seen[form == DIRECT ? 0 : k];

    fn(0);
    mark_begin(KEY(form, n, k));
    for (uint64_t c = 0; c < CALLS; c++)
        fn(1);
    mark_end();
    return seen[form == DIRECT ? 0 : k] == before + CALLS;
}

static bool measure_all(void)
{
    bool ok = true;

    for (unsigned k = 0; k < MOST; k++) {
        choose(k);
        ok &= measure(hooks_direct, DIRECT, 1, k);
        ok &= measure(hooks_pointer, POINTER, 1, k);
        ok &= measure(hooks_call_site, CALL, 1, k);
        ok &= measure(hooks_keeping_site, KEEPING, 1, k);
        for (unsigned n = k + 1; n <= MOST; n++) {
            ok &= measure(flags[n - 1], FLAG, n, k);
            ok &= measure(nests[n - 1], NEST, n, k);
        }
    }
    choose(0);
    return ok;
}

/* ---- changes, while the others run ---- */

static unsigned running;
static bool done;

static void run_through(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&running, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
        hooks_nest_8(static_call1(hooks_other, 0));
}

static void first(void *arg)
{
    bool ok = measure_all();
    uint64_t since, live, stopped;

    (void)arg;
    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != pcpu_count - 1)
        ;
    since = mrs(CNTPCT_EL0);
    mark_begin(KEY_LIVE);
    static_key_inc(&hooks_is_7);
    mark_end();
    live = mrs(CNTPCT_EL0) - since;
    since = mrs(CNTPCT_EL0);
    mark_begin(KEY_STOPPED);
    static_call_set(&hooks_other, &targets[MOST]);
    mark_end();
    stopped = mrs(CNTPCT_EL0) - since;
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    print("hooks: %s cpus=%u live_ns=%lu stopped_ns=%lu\n", ok ? "ok" : "FAIL", pcpu_count,
          (unsigned long)live * 16, (unsigned long)stopped * 16);
    hyp_power_off();
}

void hyp_main(const struct fdt *tree)
{
    (void)tree;
    for (unsigned k = 0; k < pcpu_count; k++) {
        struct task *t = mem_alloc(sizeof(*t));

        task_init(t, "hooks", mem_alloc(STACK_SIZE), k ? run_through : first, NULL);
        t->pinned = (int)k;
        task_wake(t);
    }
}
