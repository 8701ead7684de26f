/*
 * Observable events, a row each (base/probe.def). A subscriber is a function with a context; it
 * names the events, CPUs, exception levels and worlds that it wants. What nobody wants costs one
 * predicted branch on a path that is slow anyway, and what somebody wants in one world costs
 * nothing in the others: events of single instructions and accesses exist only in the observed loop
 * and the slow path, which a CPU takes only where they are wanted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PROBE_VERSION 2 /* of the events' fields */

enum probe_event {
#define PROBE(number, NAME, member, text, fields) PROBE_##NAME = (number),
#include "base/probe.def"
#undef PROBE
    PROBE_COUNT
};

/* mem.kind */
#define PROBE_MEM_WRITE     0x001
#define PROBE_MEM_DEVICE    0x002 /* a device answered */
#define PROBE_MEM_UNPRIV    0x004 /* LDTR, STTR */
#define PROBE_MEM_EXCLUSIVE 0x008
#define PROBE_MEM_ATOMIC    0x010 /* half of a read-modify-write */
#define PROBE_MEM_ORDERED   0x020 /* acquire or release */
#define PROBE_MEM_FP        0x040 /* the register is a V register */
#define PROBE_MEM_PAIR      0x080 /* one of several registers */

#define PROBE_NO_REG 255

/* tlbi.scope */
enum {
    PROBE_TLBI_REGIME, /* every entry of the regime, whatever VMID */
    PROBE_TLBI_VMID,
    PROBE_TLBI_ASID,
    PROBE_TLBI_VA,
    PROBE_TLBI_VAA, /* of any ASID */
    PROBE_TLBI_IPA, /* stage 2 */
};

/* call.kind */
enum { PROBE_SVC, PROBE_HVC, PROBE_SMC };

/* barrier.kind */
enum { PROBE_DSB, PROBE_DMB, PROBE_ISB, PROBE_SB };

/* irq.change */
enum {
    PROBE_IRQ_LOW, /* no longer pending */
    PROBE_IRQ_HIGH,
    PROBE_IRQ_ACKNOWLEDGED, /* read from IAR */
    PROBE_IRQ_DEACTIVATED,
};

/* One event. */
struct probe {
    enum probe_event event;
    uint8_t cpu;    /* index; of a GIC event: whose interface it is */
    uint8_t el;     /* where that CPU is; of an exception or its return: where it comes from */
    bool guest;     /* the CPU is below EL2 with stage 2 on: in the world of a VM */
    uint16_t vmid;  /* of that world, else 0 */
    uint64_t count; /* instructions retired by that CPU before the event */
    uint64_t pc;    /* of the instruction that it belongs to */
    union {
#define FIELD(type, name, text) PROBE_FIELD_##type(name)
#define PROBE_FIELD_bool(name)  bool name;
#define PROBE_FIELD_8(name)     uint8_t name;
#define PROBE_FIELD_16(name)    uint16_t name;
#define PROBE_FIELD_32(name)    uint32_t name;
#define PROBE_FIELD_64(name)    uint64_t name;
#define PROBE_FIELD_128(name)   uint64_t name[2];
#define PROBE(number, NAME, member, text, fields)                                                  \
    struct {                                                                                       \
        fields                                                                                     \
    } member;
#include "base/probe.def"
#undef PROBE
#undef FIELD
    };
};

typedef void probe_fn(void *ctx, const struct probe *p);

/* Which events of a machine a subscriber wants; 0 in a set means all of them. */
struct probe_filter {
    uint64_t events; /* BIT(PROBE_xxx); 0 is none */
    uint64_t cpus;   /* BIT(index) */
    uint8_t els;     /* BIT(el) */
    uint8_t worlds;  /* PROBE_HOST, PROBE_GUEST */
    bool one_vmid;   /* of guests, only the one with */
    uint16_t vmid;
};

#define PROBE_HOST  1
#define PROBE_GUEST 2

#define PROBE_SUBSCRIBERS_MAX 16

struct probes {
    uint64_t mask; /* BIT(event): at least one subscriber, wherever it is wanted */
    unsigned count;
    int last_handle;
    struct {
        int handle;
        struct probe_filter filter;
        probe_fn *fn;
        void *ctx;
    } sub[PROBE_SUBSCRIBERS_MAX];
    /* Fill the common fields of an event that does not come from the CPU itself; p->cpu is set. */
    void (*locate)(void *ctx, struct probe *p);
    void *locate_ctx;
};

/* Is @ev wanted by anybody? */
static inline bool probe_wanted(const struct probes *ps, enum probe_event ev)
{
    return __builtin_expect((ps->mask >> ev) & 1, 0);
}

/* The events somebody wants of a CPU while it is where @at says (cpu, el, guest, vmid). An
 * exception or its return is wanted if either side is. */
uint64_t probe_mask_at(const struct probes *ps, const struct probe *at);

/* Hand @p, complete, to every subscriber that wants it. Call only if probe_wanted(). */
void probe_fire(const struct probes *ps, const struct probe *p);

/* Complete @p by ps->locate() first. */
void probe_fire_located(const struct probes *ps, struct probe *p);

/* Return: a handle above 0; 0 if the table is full. */
int probe_subscribe(struct probes *ps, const struct probe_filter *filter, probe_fn *fn, void *ctx);

/* False: there is no such subscription. */
bool probe_unsubscribe(struct probes *ps, int handle);

const char *probe_name(enum probe_event ev);
