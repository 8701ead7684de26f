/* Pages whose stores are events: PAGE_WATCHED keeps them off the fast path of stores. */
#include "base/bits.h"
#include "machine/machine.h"
#include "mmu/tlb.h"

static void set_flag(struct arm_machine *m, struct ram_bank *bank, uint64_t page, bool on)
{
    uint8_t *flags = &bank->flags[(page - bank->base) >> PAGE_SHIFT];

    if (!on) {
        *flags &= (uint8_t)~PAGE_WATCHED;
        return;
    }
    if (*flags & PAGE_WRITE_CACHED)
        for (unsigned k = 0; k < m->cpu_count; k++)
            tlb_l1_drop_writes(m->cpus[k]->tlb, bank->host + (page - bank->base));
    *flags = (uint8_t)((*flags | PAGE_WATCHED) & ~PAGE_WRITE_CACHED);
}

bool arm_watch_page(struct arm_machine *m, uint64_t pa, bool on)
{
    uint64_t page = pa & ~PAGE_MASK;
    struct ram_bank *bank = physmem_bank_or_hidden(&m->mem, (pa_t){page});
    gpointer key = GSIZE_TO_POINTER(page >> PAGE_SHIFT);

    if (!bank)
        return false;
    if (!m->watched)
        m->watched = g_hash_table_new(NULL, NULL);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(m->watched, key));
    if (!on && count == 0)
        return false;
    count = on ? count + 1 : count - 1;
    if (count)
        g_hash_table_insert(m->watched, key, GUINT_TO_POINTER(count));
    else
        g_hash_table_remove(m->watched, key);
    if (count == on)
        set_flag(m, bank, page, on);
    return true;
}
