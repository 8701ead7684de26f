/*
 * What the self-verifying guests of the hypervisor core are made of. One image holds all programs;
 * the guest's command line says which runs: "program=fp rounds=1000". Each verifies itself and
 * prints one line, "fp: ok" or "fp: N failures", then the guest is switched off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hyp/lib.h"
#include "hyp/psci.h"

#define CPUS_MAX        8
#define BIT(n)          (UINT64_C(1) << (n))
#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define bits(v, hi, lo) (((v) >> (lo)) & (BIT((hi) - (lo) + 1) - 1))

#define mrs(reg)                                                                                   \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory");                                    \
        v_;                                                                                        \
    })
#define msr(reg, value)                                                                            \
    __asm__ volatile("msr " #reg ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")
#define insn(text) __asm__ volatile(text ::: "memory")

struct program {
    const char *name;
    void (*run)(unsigned cpu); /* on each virtual CPU at once */
    bool spares;               /* the last virtual CPU, if there are several, is not started */
};
extern const struct program programs[];

extern unsigned cpu_count, spare_count; /* that run; that do not */
extern uint64_t rounds;                 /* of the command line: how long */

unsigned cpu_index(void);

/* "text" is printed once a place; failures are counted. */
#define check(cond, ...)                                                                           \
    do {                                                                                           \
        static bool said_;                                                                         \
        if (!(cond))                                                                               \
            failed(&said_, __LINE__, __VA_ARGS__);                                                 \
    } while (0)
void failed(bool *said, int line, const char *text, ...) __attribute__((format(printf, 3, 4)));

/* All virtual CPUs meet. */
void barrier(void);

/* A hypercall. */
uint64_t call(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* Exceptions: x[0..30], then ELR and SPSR. */
struct frame {
    uint64_t x[31], elr, spsr;
};

/* What to do with interrupts, already acknowledged; and with synchronous exceptions. NULL: a
 * failure. */
extern void (*volatile on_irq[CPUS_MAX])(uint32_t intid);
extern void (*volatile on_sync[CPUS_MAX])(struct frame *f);

/* The GICv3: group 1, priorities of the caller. */
void gic_init(void);     /* once */
void gic_init_cpu(void); /* each */
void gic_enable(uint32_t intid, uint8_t priority, bool edge);
void gic_disable(uint32_t intid);
void gic_set_pending(uint32_t intid);
bool gic_is_pending(uint32_t intid);
void gic_route(uint32_t intid, unsigned cpu);
void gic_eoi_mode(bool split);
void sgi(uint32_t intid, uint64_t cpu_mask);
extern bool gic_deactivates[CPUS_MAX]; /* after on_irq(), with split EOI: DIR too (default) */

#define GICD UINT64_C(0x08000000)
#define GICR UINT64_C(0x080a0000)
static inline uint32_t read32(uint64_t a)
{
    return *(volatile uint32_t *)a;
}
static inline void write32(uint64_t a, uint32_t v)
{
    *(volatile uint32_t *)a = v;
}
static inline void write64(uint64_t a, uint64_t v)
{
    *(volatile uint64_t *)a = v;
}
static inline uint64_t read64(uint64_t a)
{
    return *(volatile uint64_t *)a;
}

static inline void irqs_on(void)
{
    insn("msr daifclr, #2");
}
static inline void irqs_off(void)
{
    insn("msr daifset, #2");
}

/* A sequence that differs by seed. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
