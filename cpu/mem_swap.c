#include "cpu/mem_swap.h"

#include "cpu/mem_access.h"
#include "cpu/parallel.h"

static bool swap16(uint64_t *host, const uint64_t expected[2], const uint64_t desired[2])
{
#ifdef __x86_64__
    uint64_t lo = expected[0], hi = expected[1];
    bool swapped;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(swapped), "+m"(*(uint64_t(*)[2])host), "+a"(lo), "+d"(hi)
                     : "b"(desired[0]), "c"(desired[1])
                     : "memory");
    return swapped;
#else
    (void)host, (void)expected, (void)desired;
    CHECK(!"CPUs run at the same time on x86-64 hosts only");
#endif
}

#define SWAP(type)                                                                                 \
    {                                                                                              \
        type old = (type)expected[0];                                                              \
        return __atomic_compare_exchange_n((type *)host, &old, (type)desired[0], false,            \
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                    \
    }

/* @host is aligned: FEAT_LSE2 is not there where CPUs run at the same time. */
static bool swap(void *host, unsigned size, const uint64_t expected[2], const uint64_t desired[2])
{
    switch (size) {
    case 1:
        SWAP(uint8_t)
    case 2:
        SWAP(uint16_t)
    case 4:
        SWAP(uint32_t)
    case 8:
        SWAP(uint64_t)
    default:
        return swap16(host, expected, desired);
    }
}

/* As @size bytes of memory have them. */
static void in_memory(const struct cpu *cpu, unsigned size, uint64_t v[2])
{
    if (!mem_big_endian(cpu))
        return;
    if (size == 16) {
        uint64_t lo = __builtin_bswap64(v[0]);
        v[0] = __builtin_bswap64(v[1]);
        v[1] = lo;
    } else {
        v[0] = __builtin_bswap64(v[0]) >> (64 - 8 * size);
    }
}

/* Nobody else executes: a load and a store. */
static bool swap_alone(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                       unsigned acc, const uint64_t expected[2], const uint64_t desired[2],
                       bool *swapped)
{
    unsigned bits_ = size < 8 ? size * 8 : 64;

    if (!mem_load_slow(cpu, i, va, size, acc))
        return false;
    *swapped = cpu->mem_data[0] == zext(expected[0], bits_) &&
               (size < 16 || cpu->mem_data[1] == expected[1]);
    return !*swapped || mem_store_slow(cpu, i, va, size, acc, desired[0], desired[1]);
}

static bool swap_slow(const struct access *a, const uint64_t expected[2], const uint64_t desired[2],
                      bool *swapped)
{
    uint64_t before[2] = {expected[0], expected[1]}, after[2] = {desired[0], desired[1]};
    uint8_t *host;
    bool good = true;

    switch (mem_place_of(a, &host)) {
    case MEM_RAM:
        in_memory(a->cpu, a->size, before);
        in_memory(a->cpu, a->size, after);
        *swapped = swap(host, a->size, before, after);
        return true;
    case MEM_CODE:
        cpu_lock_alone(a->cpu);
        good = swap_alone(a->cpu, a->i, a->va, a->size, a->acc, expected, desired, swapped);
        cpu_unlock(a->cpu);
        return good;
    case MEM_DEVICE:
        *swapped = true;
        return mem_store_slow(a->cpu, a->i, a->va, a->size, a->acc, desired[0], desired[1]);
    default:
        return false;
    }
}

static bool any_size(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                     unsigned acc, const uint64_t expected[2], const uint64_t desired[2],
                     bool *swapped)
{
    void *host = mem_fast(mem_bank(cpu, acc)->w, va, size);

    if (likely(host && !(va & (size - 1)))) {
        *swapped = swap(host, size, expected, desired);
        return true;
    }
    return swap_slow(
        &(struct access){.cpu = cpu, .i = i, .va = va, .size = size, .acc = acc, .write = true},
        expected, desired, swapped);
}

bool mem_swap(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
              uint64_t expected, uint64_t desired, bool *swapped)
{
    return any_size(cpu, i, va, size, acc, (const uint64_t[2]){expected},
                    (const uint64_t[2]){desired}, swapped);
}

bool mem_swap128(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned acc,
                 const uint64_t expected[2], const uint64_t desired[2], bool *swapped)
{
    return any_size(cpu, i, va, 16, acc, expected, desired, swapped);
}
