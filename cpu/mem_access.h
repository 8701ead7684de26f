/* One memory access on its way through cpu/mem.c: for the instructions that are no plain load or
 * store. */
#pragma once

#include "base/ram_access.h"
#include "cpu/mem.h"
#include "mmu/walk.h"

struct access {
    struct cpu *cpu;
    const struct insn *i;
    uint64_t va;
    unsigned size, acc;
    bool write;
    bool normal;     /* Device memory is an Alignment fault: DC ZVA */
    bool any;        /* no permission is needed: cache maintenance */
    uint64_t report; /* added to the address that an abort reports */
};

/* The part of an access that lies in one page. Device memory has no host address. */
struct piece {
    uint64_t va, pa;
    unsigned size;
    uint8_t *host;
    struct ram_bank *bank;
    struct device_window *window;
};

static inline bool mem_is_unaligned(const struct access *a)
{
    return a->va & (a->size - 1);
}

/* Would @a, a store, change nothing of RAM: zeros on zeros? */
static inline bool mem_leaves_blank(const struct access *a, const struct piece *p)
{
    return (a->acc & ACC_ZERO) && ram_is_blank(p->bank, p->pa - p->bank->base);
}

/* Translate the page of @va for @kind. False: the abort is raised. */
bool mem_translate(const struct access *a, uint64_t va, enum mmu_kind kind, struct translation *t);

/* Could the byte at @va be accessed by what L1 holds? Then no walk is needed to permit it. */
bool mem_in_l1(const struct cpu *cpu, uint64_t va, bool write);

/* What there is where @a leads, within one page; RAM is at *host, and MEM_CODE is RAM with a page
 * that has been decoded. MEM_NOWHERE: an exception is raised. */
enum mem_place { MEM_NOWHERE, MEM_RAM, MEM_CODE, MEM_DEVICE };
enum mem_place mem_place_of(const struct access *a, uint8_t **host);

/* Most accesses are of a size that compilers copy without a call. */
static inline void mem_copy_from_ram(uint8_t *to, const uint8_t *ram, unsigned size)
{
    if (size == 8)
        ram_load(to, ram, 8);
    else if (size == 4)
        ram_load(to, ram, 4);
    else
        ram_load(to, ram, size);
}

static inline void mem_copy_to_ram(uint8_t *ram, const uint8_t *from, unsigned size)
{
    if (size == 8)
        ram_store(ram, from, 8);
    else if (size == 4)
        ram_store(ram, from, 4);
    else
        ram_store(ram, from, size);
}

/* All of @a, which may be made: its @n pieces @p, and @data as the register has it. */
void mem_transfer(const struct access *a, const struct piece *p, unsigned n, uint8_t *data);

/* ARM_EVENT_MEM. @pa: of the first byte, and of the first one in a second page, else 0. @value: as
 * the register has it. */
void mem_tell(const struct access *a, const uint64_t pa[2], bool device, bool big_endian,
              const uint8_t *value);

#define ZVA_BYTES    64 /* DCZID_EL0.BS == 4 */
#define MEM_ZERO_MAX 64

/* DC ZVA: zero the naturally aligned block of @size bytes around @va. */
bool mem_zero(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size);
