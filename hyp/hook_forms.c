#include "hyp/hook.h"

#include "hyp/cpu.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/panic.h"

struct static_key hook_on;
struct static_key hook_is_count, hook_is_class, hook_is_hash;

uint64_t hook_nothing(uint64_t esr)
{
    return esr;
}

uint64_t hook_count(uint64_t esr)
{
    this_cpu()->hook.count++;
    return esr;
}

uint64_t hook_class(uint64_t esr)
{
    this_cpu()->hook.by_class[bits(esr, 31, 26)]++;
    return esr;
}

uint64_t hook_hash(uint64_t esr)
{
    uint64_t *hash = &this_cpu()->hook.hash;

    *hash = (*hash ^ esr) * UINT64_C(0x100000001b3);
    return esr;
}

/* hyp/hook_sites.S */
void hook_count_saving(void);
void hook_class_saving(void);
void hook_hash_saving(void);

typedef uint64_t hook_fn(uint64_t esr);
static hook_fn *const implementations[HOOKS] = {hook_nothing, hook_count, hook_class, hook_hash};

#define TARGET(name)                                                                               \
    {                                                                                              \
        (void (*)(void)) hook_##name, hook_##name##_saving, CHANGES_AAPCS, 0                       \
    }
static const struct call_target targets[HOOKS] = {
    {(void (*)(void))hook_nothing, NULL, 0, INSN_NOP}, TARGET(count), TARGET(class), TARGET(hash)};
struct static_call hook_call = {&targets[0]};

/* The ops structure of the paravirtualized kernels. */
static struct {
    hook_fn *exit;
} hook_ops = {hook_nothing};

static unsigned flag;

uint64_t hook_by_flag(uint64_t esr)
{
    if (flag == 1)
        return hook_count(esr);
    if (flag == 2)
        return hook_class(esr);
    if (flag == 3)
        return hook_hash(esr);
    return esr;
}

/* The nest of binary branches that the thread asks about. */
uint64_t hook_by_branch(uint64_t esr)
{
    if (static_branch_likely(hook_is_count))
        return hook_count(esr);
    if (static_branch_unlikely(hook_is_class))
        return hook_class(esr);
    if (static_branch_unlikely(hook_is_hash))
        return hook_hash(esr);
    return esr;
}

uint64_t hook_by_pointer(uint64_t esr)
{
    return __atomic_load_n(&hook_ops.exit, __ATOMIC_RELAXED)(esr);
}

uint64_t hook_by_call(uint64_t esr)
{
    return static_call1(hook_call, esr);
}

uint64_t hook_by_keeping_call(uint64_t esr)
{
    return static_call1_keeping(hook_call, esr);
}

uint64_t hook_exit(uint64_t esr)
{
    static hook_fn *const forms[] = {
        [OPT_hook_off] = hook_nothing,      [OPT_hook_flag] = hook_by_flag,
        [OPT_hook_branch] = hook_by_branch, [OPT_hook_pointer] = hook_by_pointer,
        [OPT_hook_call] = hook_by_call,     [OPT_hook_asm] = hook_by_call_asm,
    };

    return forms[opts.hook](esr);
}

static struct static_key *const keys[HOOKS] = {NULL, &hook_is_count, &hook_is_class, &hook_is_hash};

/* Boot: what is chosen now stands there from the first instruction on. */
void hook_init(void)
{
    unsigned n = opts.hook_does;

    hook_on.count = opts.hook != OPT_hook_off;
    hook_ops.exit = implementations[n];
    flag = n;
    if (keys[n])
        keys[n]->count = 1;
    hook_call.target = &targets[n];
}

void hook_print(void)
{
    uint64_t count = 0, classes = 0, hash = 0;

    for (unsigned k = 0; k < pcpu_count; k++) {
        count += pcpus[k].hook.count;
        hash ^= pcpus[k].hook.hash;
        for (unsigned c = 0; c < ARRAY_SIZE(pcpus[k].hook.by_class); c++)
            classes += pcpus[k].hook.by_class[c];
    }
    print("hyp: %10lu exits that the hook counted, %lu by class, hash 0x%lx\n",
          (unsigned long)count, (unsigned long)classes, (unsigned long)hash);
}

void hook_choose(unsigned n)
{
    CHECK(n < HOOKS);
    for (unsigned k = 1; k < HOOKS; k++)
        if (k != n && static_key_enabled(keys[k]))
            static_key_dec(keys[k]);
    if (n && !static_key_enabled(keys[n]))
        static_key_inc(keys[n]);
    static_call_set(&hook_call, &targets[n]);
    __atomic_store_n(&hook_ops.exit, implementations[n], __ATOMIC_RELEASE);
    __atomic_store_n(&flag, n, __ATOMIC_RELEASE);
}
