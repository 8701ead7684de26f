/* TLBI, translation tables, a device and code that change later. */
#include <string.h>

#include "base/clock.h"
#include "base/device.h"
#include "cpu/code_cache.h"
#include "cpu/late_state.h"

/* ---- TLBI ---- */

static void invalidate(struct cpu *cpu, const struct late_op *t)
{
    if (t->broadcast && cpu->env.tlbi_broadcast)
        cpu->env.tlbi_broadcast(cpu->env.ctx, cpu, &t->op);
    else
        tlb_invalidate(cpu->tlb, &t->op);
}

bool late_tlbi(struct cpu *cpu, const struct tlbi *op, bool broadcast)
{
    struct late *late = cpu->late;
    struct late_cpu *l = &late->cpus[cpu->index];

    if (late_draw(late, 4))
        return false;
    if (l->tlbi_count == LATE_TLBIS) {
        invalidate(cpu, &l->tlbis[0]);
        memmove(l->tlbis, l->tlbis + 1, (LATE_TLBIS - 1) * sizeof(l->tlbis[0]));
        l->tlbi_count--;
    }
    l->tlbis[l->tlbi_count++] = (struct late_op){
        .op = *op,
        .broadcast = broadcast,
        .until_ns = late_deadline(late, clock_now_ns(cpu->clock)),
    };
    return true;
}

/* Those of @ops that are of stage 2 alone, or those that are not, take effect. */
static void apply_kind(struct cpu *cpu, const struct late_op *ops, unsigned count, bool stage2)
{
    for (unsigned k = 0; k < count; k++)
        if ((ops[k].op.scope == TLBI_IPA) == stage2) {
            cpu->late->due--;
            invalidate(cpu, &ops[k]);
        }
}

/* No DSB stands between them: they take effect in any order, of which two make a difference. */
static void apply_together(struct cpu *cpu, const struct late_op *ops, unsigned count)
{
    bool first = late_draw(cpu->late, 2);

    cpu->late->due = count;
    apply_kind(cpu, ops, count, first);
    apply_kind(cpu, ops, count, !first);
}

bool late_apply_tlbis(struct cpu *cpu, uint64_t now_ns, bool shared)
{
    struct late_cpu *l = &cpu->late->cpus[cpu->index];
    struct late_op now[LATE_TLBIS];
    unsigned kept = 0, count = 0;

    for (unsigned k = 0; k < l->tlbi_count; k++) {
        struct late_op t = l->tlbis[k];
        bool due = t.until_ns <= now_ns;

        if (!due || (t.broadcast && !shared))
            l->tlbis[kept++] = t;
        t.broadcast &= shared;
        if (due)
            now[count++] = t;
    }
    l->tlbi_count = kept;
    if (count)
        apply_together(cpu, now, count);
    return count != 0;
}

void late_note_walk(struct cpu *cpu, uint64_t va)
{
    struct late_cpu *l = &cpu->late->cpus[cpu->index];

    l->walks[l->walk_count++ % LATE_WALKS] = va & ~PAGE_MASK;
}

const uint64_t *late_walked(const struct cpu *cpu, unsigned *count)
{
    const struct late_cpu *l = &cpu->late->cpus[cpu->index];

    *count = l->walk_count < LATE_WALKS ? l->walk_count : LATE_WALKS;
    return l->walks;
}

bool late_refetches(struct late *late)
{
    bool open = late->store_count || late->due;

    for (unsigned k = 0; k < late->cpu_count; k++)
        open |= late->cpus[k].tlbi_count != 0;
    return open && late_draw(late, 2);
}

/* ---- tables ---- */

static uint64_t *page_slot(struct late *late, uint64_t number)
{
    return &late->pages[(number ^ number >> 12) % LATE_PAGES];
}

static void set_walked(struct physmem *mem, struct code_cache *code, uint64_t number, bool on)
{
    uint64_t page = number << PAGE_SHIFT;
    struct ram_bank *bank = physmem_bank_or_hidden(mem, (pa_t){page});

    if (!bank)
        return;
    if (on)
        code_cache_see_stores(code, bank, page, PAGE_WALKED);
    else
        bank->flags[(page - bank->base) >> PAGE_SHIFT] &= (uint8_t)~PAGE_WALKED;
}

void late_clear_pages(struct late *late, struct physmem *mem)
{
    for (unsigned k = 0; k < LATE_PAGES; k++) {
        if (late->pages[k])
            set_walked(mem, NULL, late->pages[k] - 1, false);
        late->pages[k] = 0;
    }
}

uint64_t late_descriptor(struct cpu *cpu, uint64_t pa, uint64_t raw)
{
    struct late *late = cpu->late;
    uint64_t number = pa >> PAGE_SHIFT, *slot = page_slot(late, number);

    if (*slot != number + 1) {
        if (*slot)
            set_walked(cpu->mem, cpu->code, *slot - 1, false);
        set_walked(cpu->mem, cpu->code, number, true);
        *slot = number + 1;
    }
    for (unsigned k = 0; k < late->store_count; k++)
        if (late->stores[k].pa == pa &&
            !(late->stores[k].near && late->stores[k].cpu == cpu->index))
            return late->stores[k].old;
    return raw;
}

static void drop_store(struct late *late, unsigned k)
{
    late->store_count--;
    memmove(&late->stores[k], &late->stores[k + 1],
            (late->store_count - k) * sizeof(late->stores[0]));
}

void late_show_stores(struct late *late, uint64_t now_ns)
{
    for (unsigned k = late->store_count; k--;)
        if (late->stores[k].until_ns <= now_ns)
            drop_store(late, k);
}

void late_show_near(struct cpu *cpu)
{
    struct late *late = cpu->late;

    for (unsigned k = 0; k < late->store_count; k++)
        late->stores[k].near |= late->stores[k].cpu == cpu->index;
}

/* Walks see one value of the granule after the other: what they see after another CPU's store is
 * not older than what that has replaced. False: an older value of this CPU's is seen already. */
static bool may_hide(struct cpu *cpu, uint64_t pa)
{
    struct late *late = cpu->late;

    for (unsigned k = late->store_count; k--;) {
        if (late->stores[k].pa != pa)
            continue;
        if (late->stores[k].cpu == cpu->index)
            return false;
        drop_store(late, k);
    }
    return late_draw(late, 2);
}

void late_store(struct cpu *cpu, uint64_t pa, unsigned size)
{
    struct late *late = cpu->late;

    for (uint64_t at = pa & ~UINT64_C(7); at < pa + size; at += 8) {
        const uint8_t *host = physmem_ram(cpu->mem, (pa_t){at}, 8);
        struct late_granule g = {.pa = at, .cpu = (uint8_t)cpu->index};
        if (!host || !may_hide(cpu, at))
            continue;
        memcpy(&g.old, host, 8);
        g.until_ns = late_deadline(late, clock_now_ns(cpu->clock));
        if (late->store_count == LATE_STORES)
            drop_store(late, 0);
        late->stores[late->store_count++] = g;
    }
}

/* ---- a device ---- */

void late_device(struct late *late, struct device *dev)
{
    late->device = dev;
}

bool late_deliver(struct cpu *cpu)
{
    struct late_cpu *l = &cpu->late->cpus[cpu->index];
    unsigned count = l->posted_count;

    l->posted_count = 0;
    for (unsigned k = 0; k < count; k++)
        device_write(cpu->late->device, l->posted[k].offset, LATE_POSTED_BYTES, l->posted[k].value);
    if (count)
        cpu_recheck(cpu);
    return count != 0;
}

bool late_device_store(struct cpu *cpu, struct device *dev, uint64_t offset, unsigned size,
                       uint64_t value)
{
    struct late_cpu *l = &cpu->late->cpus[cpu->index];

    if (dev != cpu->late->device || size != LATE_POSTED_BYTES)
        return false;
    if (l->posted_count == LATE_POSTED || late_draw(cpu->late, 4)) {
        late_deliver(cpu);
        return false;
    }
    l->posted[l->posted_count++] = (struct late_posted){offset, value};
    return true;
}

void late_device_load(struct cpu *cpu, struct device *dev)
{
    if (dev == cpu->late->device)
        late_deliver(cpu);
}

/* ---- code ---- */

/* CTR_EL0.DIC: IC is not needed. */
static bool needs_ic(const struct cpu *cpu)
{
    return !bit(cpu->sr[SR_CTR_EL0], 29);
}

bool late_show_lines(struct late *late, struct code_cache *code, struct physmem *mem, bool all)
{
    unsigned kept = 0, count = late->line_count;

    for (unsigned k = 0; k < count; k++) {
        if (!all && late->lines[k].state != LINE_DONE)
            late->lines[kept++] = late->lines[k];
        else
            code_cache_invalidate(code, mem, (pa_t){late->lines[k].pa}, LATE_LINE_BYTES);
    }
    late->line_count = kept;
    return kept != count;
}

static struct late_line *line_at(struct late *late, uint64_t pa)
{
    for (unsigned k = 0; k < late->line_count; k++)
        if (late->lines[k].pa == pa)
            return &late->lines[k];
    return NULL;
}

bool late_code_store(struct cpu *cpu, uint64_t pa, unsigned size)
{
    struct late *late = cpu->late;
    uint64_t at = pa & ~(uint64_t)(LATE_LINE_BYTES - 1);
    struct late_line *line = line_at(late, at);

    if (pa + size > at + LATE_LINE_BYTES || (!line && late_draw(late, 4)))
        return false;
    if (!line && late->line_count == LATE_LINES)
        late_show_lines(late, cpu->code, cpu->mem, true);
    if (!line)
        line = &late->lines[late->line_count++];
    *line = (struct late_line){
        .pa = at, .state = needs_ic(cpu) ? LINE_STORED : LINE_IC, .cpu = (uint8_t)cpu->index};
    return true;
}

void late_ic(struct cpu *cpu, bool all, uint64_t pa)
{
    struct late *late = cpu->late;

    for (unsigned k = 0; k < late->line_count; k++) {
        struct late_line *line = &late->lines[k];
        if (line->state == LINE_STORED && (all || line->pa == (pa & ~UINT64_C(63)))) {
            line->state = LINE_IC;
            line->cpu = (uint8_t)cpu->index;
        }
    }
}
