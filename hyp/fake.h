/*
 * The other side of the seam, on the host: a machine of arrays for unit tests (tests/hyp/fake.c). A
 * register is a word; names that HCR_EL2.E2H redirects are two. Barriers and TLB maintenance are
 * counted, and written down for tests that ask for an order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/sysreg.h"

enum fake_op {
    FAKE_ISB,
    FAKE_DSB,
    FAKE_DMB,
    FAKE_TLBI,
    FAKE_DC,
    FAKE_IC,
    FAKE_MSR,
    FAKE_RENDEZVOUS
};

#define FAKE_LOG 4096

extern struct fake {
    uint64_t sr[SR_COUNT];   /* by its own name */
    uint64_t el12[SR_COUNT]; /* by the name that means EL1's where E2H redirects the other */
    uint64_t reads, writes;  /* MRS and MSR so far */
    struct {
        enum fake_op op;
        const char *name;
        uint64_t arg;
    } log[FAKE_LOG];
    unsigned logged; /* ever; only the first FAKE_LOG are kept */
} fake;

void fake_reset(void);
void fake_log(enum fake_op op, const char *name, uint64_t arg);

#define SYSREG(name, ...)                                                                          \
    static inline uint64_t mrs_##name(void)                                                        \
    {                                                                                              \
        fake.reads++;                                                                              \
        return fake.sr[SR_##name];                                                                 \
    }                                                                                              \
    static inline void msr_##name(uint64_t v)                                                      \
    {                                                                                              \
        fake.writes++;                                                                             \
        fake_log(FAKE_MSR, #name, v);                                                              \
        fake.sr[SR_##name] = v;                                                                    \
    }                                                                                              \
    static inline uint64_t mrs12_##name(void)                                                      \
    {                                                                                              \
        fake.reads++;                                                                              \
        return fake.el12[SR_##name];                                                               \
    }                                                                                              \
    static inline void msr12_##name(uint64_t v)                                                    \
    {                                                                                              \
        fake.writes++;                                                                             \
        fake_log(FAKE_MSR, #name, v);                                                              \
        fake.el12[SR_##name] = v;                                                                  \
    }
#include "arch/sysreg.def"
#undef SYSREG

#define isb()         fake_log(FAKE_ISB, "isb", 0)
#define dsb(kind)     fake_log(FAKE_DSB, #kind, 0)
#define dmb(kind)     fake_log(FAKE_DMB, #kind, 0)
#define tlbi(op, arg) fake_log(FAKE_TLBI, #op, arg)
#define tlbi_all(op)  fake_log(FAKE_TLBI, #op, 0)
#define dc(op, va)    fake_log(FAKE_DC, #op, (uint64_t)(va))
#define ic_ivau(va)   fake_log(FAKE_IC, "ivau", (uint64_t)(va))
#define ic_ialluis()  fake_log(FAKE_IC, "ialluis", 0)
#define at_s12e1r(va) ((void)(va))
#define wfi()         ((void)0)
#define wfe()         ((void)0)
#define sev()         ((void)0)
#define irq_disable() ((void)0)
#define irq_enable()  ((void)0)

static inline uint64_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(uint64_t daif)
{
    (void)daif;
}

uint8_t mmio_read8(uint64_t a);
uint32_t mmio_read32(uint64_t a);
uint64_t mmio_read64(uint64_t a);
void mmio_write8(uint64_t a, uint8_t v);
void mmio_write32(uint64_t a, uint32_t v);
void mmio_write64(uint64_t a, uint64_t v);
