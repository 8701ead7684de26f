/*
 * What the sweeps are made of: a supervisor at EL2 that runs fragments of code at any EL under a
 * configuration and reports how they end. The report is text on the UART, compared line by line
 * between this machine and another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../baremetal/freestanding.h"

#define BIT(n) (UINT64_C(1) << (n))

#define mrs(reg)                                                                                   \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory");                                    \
        v_;                                                                                        \
    })
#define msr(reg, value) __asm__ volatile("msr " #reg ", %0" ::"r"((uint64_t)(value)) : "memory")
#define isb()           __asm__ volatile("isb" ::: "memory")
#define dsb()           __asm__ volatile("dsb sy" ::: "memory")

/* What the host asks for, loaded at PARAMS. Both machines get the same. */
#define PARAMS ((const volatile struct params *)0x41000000)
struct params {
    uint64_t magic; /* PARAMS_MAGIC */
    uint64_t seed;
    uint64_t count; /* MMU: configurations; system registers: probe one of so many encodings */
    uint64_t flags; /* P_xxx */
    uint64_t first; /* MMU: number of the first configuration */
};
#define PARAMS_MAGIC UINT64_C(0x5357454550303031)

#define P_N1       BIT(0) /* v8.1, v8.2: VHE, PAN, HPD, XNX, 16K granule */
#define P_MAX      BIT(1) /* v8.3 to v8.6: TTST, LPA, LVA, LPA2, FWB ... */
#define P_HAFDBS   BIT(2) /* the other machine has FEAT_HAFDBS */
#define P_E0PD     BIT(3)
#define P_PAN3     BIT(4)
#define P_FGT      BIT(5)
#define P_QUIRKS   BIT(6) /* hide what QEMU 7.2 does wrong: see mmu_sweep.c */
#define P_QUIRKS10 BIT(7) /* ... and what newer versions still do */
#define P_TABLES   BIT(8) /* print every descriptor made */

struct arm_event {
    uint64_t pc, spsr, x0, x1, sctlr_el2, hcr_el2;
};

/* The registers at the exception into EL2, and those of EL1 before it. vector2 is the offset taken
 * at EL2; vector1 at EL1, or -1. */
struct outcome {
    uint64_t x0, esr2, elr2, far2, hpfar, spsr2, esr1, elr1, far1, vector2, vector1;
};
extern struct outcome outcome;

void probe_enter(const struct arm_event *p);

void put(const char *text);
void put_hex(uint64_t v); /* without leading zeros */

/* xorshift64*: the same on every machine. */
extern uint64_t rng_state;
uint64_t rnd(void);
static inline uint64_t below(uint64_t n)
{
    return (rnd() >> 16) % n;
}
static inline bool percent(unsigned n)
{
    return below(100) < n;
}
