/* Instruction fetch: from an address to the records of its page. */
#pragma once

#include "cpu/code_cache.h"
#include "cpu/cpu.h"
#include "mmu/fault.h"

enum fetch {
    FETCH_OK,
    FETCH_MARKED,    /* the same, and there is a mark in the page (struct code_marks) */
    FETCH_FAULT,     /* an Instruction Abort is due */
    FETCH_NO_MEMORY, /* on the host: cpu->env.host has been told */
};

/**
 * cpu_fetch_page() - make the page of @pc (aligned to 4) the current code page, as
 * cpu_fetch_fast() could not. If it fails, the current page stays. *flt: with FETCH_FAULT only.
 */
enum fetch cpu_fetch_page(struct cpu *cpu, uint64_t pc, struct mmu_fault *flt);

/* The record at @pc, in what is then the current page; NULL if cpu_fetch_page() has to find it, or
 * @pc is misaligned. */
static inline const struct insn *cpu_fetch_fast(struct cpu *cpu, uint64_t pc)
{
    const struct tlb_x_entry *e = &cpu->bank->x[(pc >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];

    if (unlikely((e->tag & ~(uint64_t)TLB_X_GUARDED) != (pc & ~(PAGE_MASK & ~UINT64_C(3)))))
        return NULL;
    cpu->page_va = pc & ~PAGE_MASK;
    cpu->page = ((const struct code_page *)e->page)->insn;
    return cpu->page + ((pc & PAGE_MASK) >> 2);
}

/*
 * After a TLBI of the CPU's own: has L1 still the current page? If not, the next instruction has to
 * be fetched anew, which may find another page there, and must not wait until the page is left: the
 * run would depend on where it is cut.
 */
static inline bool cpu_fetch_holds(const struct cpu *cpu)
{
    const struct tlb_x_entry *e = &cpu->bank->x[(cpu->page_va >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];

    return (e->tag & ~(uint64_t)(TLB_X_GUARDED | TLB_X_MARKED)) == cpu->page_va;
}

/* Where an instruction may have to be stopped at; NULL: nowhere. */
static inline const struct code_marks *cpu_marks(const struct cpu *cpu)
{
    return cpu->env.marks ? *cpu->env.marks : NULL;
}

/* Is there a mark from @first to @last? */
bool cpu_has_mark(const struct cpu *cpu, uint64_t first, uint64_t last);

/* The instruction word of @i, read again from its page. */
static inline uint32_t insn_word(const struct cpu *cpu, const struct insn *i)
{
    return code_page_word(cpu->page, (unsigned)(i - cpu->page));
}

/* Is the current code page guarded (GP, FEAT_BTI)? */
bool cpu_in_guarded_page(const struct cpu *cpu);
