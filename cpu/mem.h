/*
 * A CPU's loads and stores. The fast path is a look-up in the L1 bank of the current translation
 * context; everything else (miss, Device, page crossing, alignment, big-endian, watchpoints,
 * faults) is the slow path in cpu/mem.c.
 *
 * Each function returns false when it has raised an exception (cpu_raise()); the caller then
 * returns EXEC_ABORT at once, with no register written. Nothing is taken here.
 */
#pragma once

#include <string.h>

#include "base/ram_access.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "cpu/cpu.h"

bool mem_load_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc);
bool mem_store_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
                    uint64_t lo, uint64_t hi);

/* BigEndian() of data accesses now. */
static inline bool mem_big_endian(const struct cpu *cpu)
{
    return cpu_block_has(cpu, BLOCK_BIG_ENDIAN);
}

/* Host address of @size bytes at @va if the access can go straight to RAM now, else NULL. */
static inline void *mem_fast(const struct tlb_l1_entry *set, uint64_t va, unsigned size)
{
    const struct tlb_l1_entry *e = &set[(va >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)];

    if (unlikely(e->tag != ((va + size - 1) & ~PAGE_MASK)))
        return NULL;
    void *host = (void *)(e->addend + va);
    if (!host)
        __builtin_unreachable(); /* so that callers test only once */
    return host;
}

static inline const struct tlb_bank *mem_bank(const struct cpu *cpu, unsigned acc)
{
    return acc & ACC_UNPRIV ? cpu->bank_unpriv : cpu->bank;
}

/* Load @size (1, 2, 4, 8) bytes, zero-extended. */
static inline bool mem_load(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                            unsigned acc, uint64_t *out)
{
    const void *host = mem_fast(mem_bank(cpu, acc)->r, va, size);

    if (unlikely(!host || ((acc & ACC_ALIGNED) && (va & (size - 1))))) {
        if (!mem_load_slow(cpu, i, va, size, acc))
            return false;
        *out = cpu->mem_data[0];
        return true;
    }
    uint64_t v = 0;
    ram_load(&v, host, size);
    *out = v;
    return true;
}

/* Store the low @size (1, 2, 4, 8) bytes of @v. */
static inline bool mem_store(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                             unsigned acc, uint64_t v)
{
    void *host = mem_fast(mem_bank(cpu, acc)->w, va, size);

    if (unlikely(!host || ((acc & ACC_ALIGNED) && (va & (size - 1)))))
        return mem_store_slow(cpu, i, va, size, acc, v, 0);
    ram_store(host, &v, size);
    return true;
}

/* 16 bytes as one access (LDR Q, LDXP, CASP ...): single-copy atomic where the manual says so. */
static inline bool mem_load128(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned acc,
                               uint64_t out[2])
{
    const void *host = mem_fast(mem_bank(cpu, acc)->r, va, 16);

    if (unlikely(!host || ((acc & ACC_ALIGNED) && (va & 15)))) {
        if (!mem_load_slow(cpu, i, va, 16, acc))
            return false;
        out[0] = cpu->mem_data[0];
        out[1] = cpu->mem_data[1];
        return true;
    }
    ram_load(out, host, 16);
    return true;
}

static inline bool mem_store128(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned acc,
                                uint64_t lo, uint64_t hi)
{
    void *host = mem_fast(mem_bank(cpu, acc)->w, va, 16);

    if (unlikely(!host || ((acc & ACC_ALIGNED) && (va & 15))))
        return mem_store_slow(cpu, i, va, 16, acc, lo, hi);
    ram_store(host, &lo, 8);
    ram_store((char *)host + 8, &hi, 8);
    return true;
}

/* Would all of [va, va+size) be writable (readable) now? Raises the exception if not. For accesses
 * that must not happen in part: atomics, STP and structure stores across pages, DC ZVA. */
bool mem_probe(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
               bool write);

/* CheckSPAlignment() for a load or store whose base is a misaligned SP. False: the SP alignment
 * fault is raised; true: SCTLR_ELx.{SA,SA0} does not ask for the check. */
bool mem_sp_aligned(struct cpu *cpu, const struct insn *i);

/* Exclusive monitor. mem_excl_set(): after a successful exclusive load of @size bytes at @va.
 * mem_excl_pass(): ExclusiveMonitorsPass(); the store itself is the caller's. *pass is 0 or 1.
 * Both translate; false means an exception is raised. */
bool mem_excl_set(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size);
bool mem_excl_pass(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, bool *pass);
