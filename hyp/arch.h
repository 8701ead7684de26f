/*
 * The seam to the hardware: system registers, barriers, caches, TLBs. Everything else in hyp/ that
 * is C builds for the host too, where the unit tests put a machine of arrays behind this header
 * (hyp/fake.h).
 *
 * Registers have the manual's names: mrs(HCR_EL2), msr(HCR_EL2, v). The functions behind are made
 * from arch/sysreg.def, so no assembler has to know a register. Where HCR_EL2.E2H redirects a name
 * at EL2 to EL2's own register, mrs_el12(SCTLR_EL1) is the name that still means EL1's (SCTLR_EL12,
 * CNTV_CTL_EL02).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/sysreg.h"
#include "base/bits.h"

#define mrs(name)         mrs_##name()
#define msr(name, v)      msr_##name(v)
#define mrs_el12(name)    mrs12_##name()
#define msr_el12(name, v) msr12_##name(v)

#ifndef __aarch64__
#include "hyp/fake.h"
#else

/* clang-format off */
#define NAMED_(a, op0, op1, crn, crm, op2) a "s" #op0 "_" #op1 "_c" #crn "_c" #crm "_" #op2
/* clang-format on */
#define SYSREG(name, op0, op1, crn, crm, op2, ...)                                                 \
    static inline uint64_t mrs_##name(void)                                                        \
    {                                                                                              \
        uint64_t v_;                                                                               \
        __asm__ volatile(NAMED_("mrs %0, ", op0, op1, crn, crm, op2) : "=r"(v_)::"memory");        \
        return v_;                                                                                 \
    }                                                                                              \
    static inline void msr_##name(uint64_t v_)                                                     \
    {                                                                                              \
        __asm__ volatile("msr " NAMED_("", op0, op1, crn, crm, op2) ", %x0" ::"rZ"(v_)             \
                         : "memory");                                                              \
    }                                                                                              \
    static inline uint64_t mrs12_##name(void)                                                      \
    {                                                                                              \
        uint64_t v_;                                                                               \
        __asm__ volatile(NAMED_("mrs %0, ", op0, 5, crn, crm, op2) : "=r"(v_)::"memory");          \
        return v_;                                                                                 \
    }                                                                                              \
    static inline void msr12_##name(uint64_t v_)                                                   \
    {                                                                                              \
        __asm__ volatile("msr " NAMED_("", op0, 5, crn, crm, op2) ", %x0" ::"rZ"(v_) : "memory");  \
    }
#include "arch/sysreg.def"
#undef SYSREG

#define isb()         __asm__ volatile("isb" ::: "memory")
#define dsb(kind)     __asm__ volatile("dsb " #kind ::: "memory")
#define dmb(kind)     __asm__ volatile("dmb " #kind ::: "memory")
#define wfi()         __asm__ volatile("wfi" ::: "memory")
#define wfe()         __asm__ volatile("wfe" ::: "memory")
#define sev()         __asm__ volatile("sev" ::: "memory")

/* TLB maintenance by the manual's name, without the barriers around it: tlbi(IPAS2E1IS,
 * ipa >> 12). */
#define tlbi(op, arg) __asm__ volatile("tlbi " #op ", %0" ::"r"((uint64_t)(arg)) : "memory")
#define tlbi_all(op)  __asm__ volatile("tlbi " #op ::: "memory")
#define dc(op, va)    __asm__ volatile("dc " #op ", %0" ::"r"((uint64_t)(va)) : "memory")
#define ic_ivau(va)   __asm__ volatile("ic ivau, %0" ::"r"((uint64_t)(va)) : "memory")
#define ic_ialluis()  __asm__ volatile("ic ialluis" ::: "memory")

/* Translation of a guest's address by its own tables and ours, or by its own: PAR_EL1 holds the
 * answer. */
#define at_s1e0r(va)  __asm__ volatile("at s1e0r, %0" ::"r"((uint64_t)(va)) : "memory")
#define at_s1e1r(va)  __asm__ volatile("at s1e1r, %0" ::"r"((uint64_t)(va)) : "memory")
#define at_s12e1r(va) __asm__ volatile("at s12e1r, %0" ::"r"((uint64_t)(va)) : "memory")

static inline uint64_t irq_save(void)
{
    uint64_t daif;
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif)::"memory");
    return daif;
}

static inline void irq_restore(uint64_t daif)
{
    __asm__ volatile("msr daif, %0" ::"r"(daif) : "memory");
}

#define irq_disable() __asm__ volatile("msr daifset, #2" ::: "memory")
#define irq_enable()  __asm__ volatile("msr daifclr, #2" ::: "memory")

/* Memory-mapped registers. Single accesses with base register and no write-back, so that a
 * hypervisor below could emulate them. */
#define MMIO_ACCESS(bits_, reg, suffix)                                                            \
    static inline uint##bits_##_t mmio_read##bits_(uint64_t a)                                     \
    {                                                                                              \
        uint##bits_##_t v;                                                                         \
        __asm__ volatile("ldr" suffix " %" reg "0, [%1]" : "=r"(v) : "r"(a) : "memory");           \
        return v;                                                                                  \
    }                                                                                              \
    static inline void mmio_write##bits_(uint64_t a, uint##bits_##_t v)                            \
    {                                                                                              \
        __asm__ volatile("str" suffix " %" reg "0, [%1]" ::"r"(v), "r"(a) : "memory");             \
    }
MMIO_ACCESS(8, "w", "b")
MMIO_ACCESS(32, "w", "")
MMIO_ACCESS(64, "x", "")
#undef MMIO_ACCESS

#endif
