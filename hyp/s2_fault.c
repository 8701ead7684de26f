#include "hyp/s2_fault.h"

#include "hyp/cpu.h"
#include "hyp/mem.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_free.h"
#include "hyp/s2_ops.h"

typedef enum s2_step handler(struct s2_fault *f);

struct static_key s2_parallel;

/* The tables that a fault may need, before its lock. */
static void fill_budget(const struct stage2 *s, struct s2_budget *b)
{
    while (b->count < S2_BUDGET)
        b->table[b->count++] = mem_alloc(table_bytes(s));
}

/* First, and then what is there now; under the lock it must still be the same. */
static bool resolve(struct s2_fault *f)
{
    f->changes = __atomic_load_n(&f->s->changes, __ATOMIC_SEQ_CST);
    return f->resolve(f);
}

static bool is_stale(const struct s2_fault *f)
{
    return __atomic_load_n(&f->s->changing, __ATOMIC_SEQ_CST) ||
           __atomic_load_n(&f->s->changes, __ATOMIC_SEQ_CST) != f->changes;
}

/* While writes are logged, pages only, and what is read stays without the right to write. */
static enum s2_step map(const struct s2_walk *w, const struct s2_fault *f)
{
    bool logged = w->s->dirty && !f->write;

    return s2_map(w, f->ipa, f->pa, w->s->dirty ? 3 : f->level,
                  logged ? f->attributes & ~DESC_WRITE : f->attributes,
                  opts.s2_contiguous && !w->s->dirty);
}

/* The log comes after the right: who empties it in between finds the page the next time. */
static enum s2_step fix(const struct s2_walk *w, const struct s2_fault *f)
{
    enum s2_step step = S2_ABSENT;

    if (is_stale(f))
        return S2_AGAIN;
    if (f->mapped)
        step = s2_allow(w, f->ipa, f->write);
    if (step == S2_ABSENT)
        step = map(w, f);
    if (step == S2_DONE && f->write)
        s2_log_write(w->s, f->ipa);
    return step;
}

/* Split functions. */
static enum s2_step fault_exclusive(struct s2_fault *f)
{
    struct s2_walk w = {f->s, false, &this_cpu()->s2_budget};

    if (!resolve(f))
        return S2_ABSENT;
    fill_budget(f->s, w.budget);
    uint64_t daif = write_take(&f->s->lock);
    enum s2_step step = fix(&w, f);
    write_drop(&f->s->lock, daif);
    return step;
}

static enum s2_step fault_parallel(struct s2_fault *f)
{
    struct s2_walk w = {f->s, true, NULL};

    if (!resolve(f))
        return S2_ABSENT;
    uint64_t daif = read_take(&f->s->lock);
    s2_enter();
    enum s2_step step = fix(&w, f);
    s2_leave();
    read_drop(&f->s->lock, daif);
    s2_reap();
    return step;
}

static struct {
    bool parallel;
    handler *fault; /* split, by pointer */
    const struct mode_ops *ops;
} mode;

/* One function. What differs is asked each time, as @asks says. */
enum asks { BY_KEY, BY_FLAG };

static inline __attribute__((always_inline)) bool is_parallel(enum asks asks)
{
    return asks == BY_KEY ? static_branch_likely(s2_parallel) : mode.parallel;
}

static inline __attribute__((always_inline)) enum s2_step fault_one(struct s2_fault *f,
                                                                    enum asks asks)
{
    struct s2_walk w = {f->s, false, NULL};
    uint64_t daif;

    if (!resolve(f))
        return S2_ABSENT;
    if (is_parallel(asks)) {
        daif = read_take(&f->s->lock);
        s2_enter();
        w.shared = true;
    } else {
        w.budget = &this_cpu()->s2_budget;
        fill_budget(f->s, w.budget);
        daif = write_take(&f->s->lock);
    }
    enum s2_step step = fix(&w, f);
    if (is_parallel(asks)) {
        s2_leave();
        read_drop(&f->s->lock, daif);
        s2_reap();
    } else {
        write_drop(&f->s->lock, daif);
    }
    return step;
}

/* One function by pointers: what differs is behind an operation. */
struct mode_ops {
    uint64_t (*begin)(struct s2_walk *w);
    void (*end)(struct s2_walk *w, uint64_t daif);
};

static uint64_t begin_exclusive(struct s2_walk *w)
{
    w->shared = false;
    w->budget = &this_cpu()->s2_budget;
    fill_budget(w->s, w->budget);
    return write_take(&w->s->lock);
}

static void end_exclusive(struct s2_walk *w, uint64_t daif)
{
    write_drop(&w->s->lock, daif);
}

static uint64_t begin_parallel(struct s2_walk *w)
{
    w->shared = true;
    uint64_t daif = read_take(&w->s->lock);
    s2_enter();
    return daif;
}

static void end_parallel(struct s2_walk *w, uint64_t daif)
{
    s2_leave();
    read_drop(&w->s->lock, daif);
    s2_reap();
}

static const struct mode_ops ops_exclusive = {begin_exclusive, end_exclusive};
static const struct mode_ops ops_parallel = {begin_parallel, end_parallel};

static enum s2_step fault_split_key(struct s2_fault *f)
{
    if (static_branch_likely(s2_parallel))
        return fault_parallel(f);
    return fault_exclusive(f);
}

static enum s2_step fault_split_flag(struct s2_fault *f)
{
    return mode.parallel ? fault_parallel(f) : fault_exclusive(f);
}

static enum s2_step fault_split_pointer(struct s2_fault *f)
{
    return mode.fault(f);
}

static enum s2_step fault_one_key(struct s2_fault *f)
{
    return fault_one(f, BY_KEY);
}

static enum s2_step fault_one_flag(struct s2_fault *f)
{
    return fault_one(f, BY_FLAG);
}

static enum s2_step fault_one_pointer(struct s2_fault *f)
{
    struct s2_walk w = {f->s, false, NULL};

    if (!resolve(f))
        return S2_ABSENT;
    uint64_t daif = mode.ops->begin(&w);
    enum s2_step step = fix(&w, f);
    mode.ops->end(&w, daif);
    return step;
}

enum s2_step s2_handle(struct s2_fault *f)
{
    static handler *const handlers[][3] = {
        [OPT_s2_layout_split] = {fault_split_key, fault_split_flag, fault_split_pointer},
        [OPT_s2_layout_one] = {fault_one_key, fault_one_flag, fault_one_pointer},
    };

    return handlers[opts.s2_layout][opts.s2_choice](f);
}

void s2_change_begin(struct stage2 *s)
{
    uint64_t daif = write_take(&s->lock); /* nobody has found it unchanged and not yet mapped it */

    __atomic_fetch_add(&s->changing, 1, __ATOMIC_SEQ_CST);
    write_drop(&s->lock, daif);
}

void s2_change_end(struct stage2 *s)
{
    __atomic_fetch_add(&s->changes, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_sub(&s->changing, 1, __ATOMIC_SEQ_CST);
}

static void choose(bool parallel)
{
    mode.parallel = parallel;
    mode.fault = parallel ? fault_parallel : fault_exclusive;
    mode.ops = parallel ? &ops_parallel : &ops_exclusive;
}

void s2_mode_init(void)
{
    choose(opts.s2_fault == OPT_s2_fault_parallel);
    s2_parallel.count = mode.parallel;
}

bool s2_mode_set(bool parallel)
{
    if (stage2_any())
        return false;
    if (parallel && !mode.parallel)
        static_key_inc(&s2_parallel);
    if (!parallel && mode.parallel)
        static_key_dec(&s2_parallel);
    choose(parallel);
    return true;
}

bool s2_is_parallel(void)
{
    return mode.parallel;
}
