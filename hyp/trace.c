#include "hyp/trace.h"

#include "hyp/cpu.h"
#include "hyp/lib.h"

/* For readers of the image's symbols: found by name, checked by magic. */
struct {
    uint64_t magic, cpus, entries, entry_bytes;
    struct trace_ring ring[CPUS_MAX];
} hyp_trace = {TRACE_MAGIC, CPUS_MAX, TRACE_ENTRIES, sizeof(struct trace_entry), {{0}}};

void trace_write(enum trace_event event, uint64_t a, uint64_t b)
{
    struct trace_ring *r = &hyp_trace.ring[this_cpu()->index];

    r->entry[r->count % TRACE_ENTRIES] = (struct trace_entry){mrs(CNTPCT_EL0), event, a, b};
    __atomic_store_n(&r->count, r->count + 1, __ATOMIC_RELEASE);
}

void trace_print(unsigned n)
{
    static const char *const names[] = {"-",
#define X(name, text) #name,
                                        TRACE_EVENTS(X)
#undef X
    };
    const struct trace_ring *r = &hyp_trace.ring[this_cpu()->index];

    for (uint64_t k = r->count > n ? r->count - n : 0; k < r->count; k++) {
        const struct trace_entry *e = &r->entry[k % TRACE_ENTRIES];
        print("  %lu %-6s 0x%lx 0x%lx\n", (unsigned long)e->time, names[e->event],
              (unsigned long)e->a, (unsigned long)e->b);
    }
}
