#include "hyp/s2_ops.h"

#include "hyp/cpu.h"
#include "hyp/mem.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_fault.h"
#include "hyp/s2_free.h"

struct op {
    enum s2_step (*run)(const struct s2_walk *w, struct op *op);
    uint64_t ipa, size, bits;
    s2_hit *hit;
    void *arg;
};

static enum s2_step once(struct stage2 *s, struct op *op)
{
    struct s2_walk w = {s, s2_is_parallel(), NULL};
    enum s2_step step;

    if (w.shared) {
        uint64_t daif = read_take(&s->lock);
        s2_enter();
        step = op->run(&w, op);
        s2_leave();
        read_drop(&s->lock, daif);
        s2_reap();
    } else {
        uint64_t daif = write_take(&s->lock);
        step = op->run(&w, op);
        write_drop(&s->lock, daif);
    }
    return step;
}

/* Another that was in the way is through before long: locks were given up in between. */
static enum s2_step run(struct stage2 *s, struct op op)
{
    enum s2_step step;

    while ((step = once(s, &op)) == S2_AGAIN)
        ;
    return step;
}

static enum s2_step run_zap(const struct s2_walk *w, struct op *op)
{
    return s2_zap(w, op->ipa, op->size);
}

static enum s2_step run_clear(const struct s2_walk *w, struct op *op)
{
    return s2_clear(w, op->ipa, op->size, op->bits, op->hit, op->arg);
}

static enum s2_step run_split(const struct s2_walk *w, struct op *op)
{
    return s2_split_range(w, op->ipa, op->size);
}

static enum s2_step run_collapse(const struct s2_walk *w, struct op *op)
{
    return s2_collapse(w, op->ipa);
}

void stage2_unmap(struct stage2 *s, uint64_t ipa, uint64_t size)
{
    run(s, (struct op){.run = run_zap, .ipa = ipa, .size = size});
}

static uint64_t log_bytes(uint64_t pages)
{
    return align_up(pages, 64) / 8;
}

#define LOG_MAX_BYTES (UINT64_C(256) << 10)

/* From here on a fault maps pages only, and without the right to write unless it is a write; what
 * is mapped loses it. */
bool s2_log_start(struct stage2 *s, uint64_t ipa, uint64_t size)
{
    uint64_t bytes = log_bytes(size >> s->page_log2);
    bool ok = !s->dirty && size && bytes <= LOG_MAX_BYTES;

    if (!ok)
        return false;
    uint64_t *log = mem_alloc(bytes), daif = write_take(&s->lock);
    ok = !s->dirty;
    if (ok) {
        s->dirty_base = ipa;
        s->dirty_size = size;
        __atomic_store_n(&s->dirty, log, __ATOMIC_RELEASE);
    }
    write_drop(&s->lock, daif);
    if (!ok) {
        mem_free(log, bytes);
        return false;
    }
    if (stage2_dirty_by_hardware()) /* it says which descriptor, not which page */
        run(s, (struct op){.run = run_split, .ipa = ipa, .size = size});
    run(s, (struct op){.run = run_clear, .ipa = ipa, .size = size, .bits = DESC_WRITE});
    return true;
}

void s2_log_stop(struct stage2 *s)
{
    uint64_t daif = write_take(&s->lock), *log = s->dirty;

    s->dirty = NULL;
    write_drop(&s->lock, daif);
    if (log)
        mem_free(log, log_bytes(s->dirty_size >> s->page_log2));
}

void s2_log_write(struct stage2 *s, uint64_t ipa)
{
    uint64_t page = (ipa - s->dirty_base) >> s->page_log2;

    if (s->dirty && ipa >= s->dirty_base && ipa - s->dirty_base < s->dirty_size)
        __atomic_fetch_or(&s->dirty[page / 64], BIT(page % 64), __ATOMIC_ACQ_REL);
}

/* A page that hardware has let be written. */
static void log_hit(void *arg, uint64_t ipa, uint64_t size)
{
    struct stage2 *s = arg;

    for (uint64_t at = ipa; at < ipa + size; at += table_bytes(s))
        s2_log_write(s, at);
}

static uint64_t take_bits(struct stage2 *s, uint64_t page, unsigned pages)
{
    uint64_t taken = 0;

    for (unsigned k = 0; k < pages; k++) {
        uint64_t bit_ = BIT((page + k) % 64);
        uint64_t old = __atomic_fetch_and(&s->dirty[(page + k) / 64], ~bit_, __ATOMIC_ACQ_REL);
        taken |= old & bit_ ? BIT(k) : 0;
    }
    return taken;
}

/* Alone in every mode: the right to write and the log are two steps of a fault. */
uint64_t s2_log_take(struct stage2 *s, uint64_t ipa, unsigned pages)
{
    uint64_t size = (uint64_t)pages << s->page_log2, taken = 0;
    struct s2_walk alone = {s, false, NULL};
    uint64_t daif = write_take(&s->lock);

    if (s->dirty && pages <= 64 && ipa >= s->dirty_base && size <= s->dirty_size &&
        ipa - s->dirty_base <= s->dirty_size - size) {
        s2_hit *hit = stage2_dirty_by_hardware() ? log_hit : NULL;

        while (s2_clear(&alone, ipa, size, DESC_WRITE, hit, s) == S2_AGAIN)
            ; /* the hardware was in the way */
        taken = take_bits(s, (ipa - s->dirty_base) >> s->page_log2, pages);
    }
    write_drop(&s->lock, daif);
    return taken;
}

static void add_size(void *arg, uint64_t ipa, uint64_t size)
{
    (void)ipa;
    *(uint64_t *)arg += size;
}

uint64_t s2_age(struct stage2 *s, uint64_t ipa, uint64_t size)
{
    uint64_t young = 0;

    run(s, (struct op){.run = run_clear,
                       .ipa = ipa,
                       .size = size,
                       .bits = DESC_AF,
                       .hit = add_size,
                       .arg = &young});
    return young;
}

unsigned s2_collapse_range(struct stage2 *s, uint64_t ipa, uint64_t size)
{
    unsigned made = 0;

    for (uint64_t at = ipa; at < ipa + size; at += level_step(s, 2))
        if (!s->dirty && run(s, (struct op){.run = run_collapse, .ipa = at}) == S2_DONE)
            made++;
    return made;
}
