/*
 * Copies from and to guest RAM, which CPUs that run at the same time race for as real ones do: of a
 * guest's order the host's is made elsewhere (cpu/parallel.h). Of aligned 1, 2, 4 and 8 bytes the
 * host makes one access each. ThreadSanitizer is told that they are meant.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SANITIZE_THREAD__

static inline size_t ram_piece(uintptr_t ram, size_t left)
{
    size_t n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

    while (ram & (n - 1))
        n /= 2;
    return n;
}

#define RAM_LOAD(type, to, ram)                                                                    \
    do {                                                                                           \
        type v_ = __atomic_load_n((const type *)(ram), __ATOMIC_RELAXED);                          \
        memcpy((to), &v_, sizeof(v_));                                                             \
    } while (0)
#define RAM_STORE(type, ram, from)                                                                 \
    do {                                                                                           \
        type v_;                                                                                   \
        memcpy(&v_, (from), sizeof(v_));                                                           \
        __atomic_store_n((type *)(ram), v_, __ATOMIC_RELAXED);                                     \
    } while (0)

static inline void ram_load(void *to_, const void *ram_, size_t size)
{
    const uint8_t *ram = ram_;
    uint8_t *to = to_;

    for (size_t n; size; size -= n, ram += n, to += n) {
        n = ram_piece((uintptr_t)ram, size);
        if (n == 8)
            RAM_LOAD(uint64_t, to, ram);
        else if (n == 4)
            RAM_LOAD(uint32_t, to, ram);
        else if (n == 2)
            RAM_LOAD(uint16_t, to, ram);
        else
            RAM_LOAD(uint8_t, to, ram);
    }
}

static inline void ram_store(void *ram_, const void *from_, size_t size)
{
    const uint8_t *from = from_;
    uint8_t *ram = ram_;

    for (size_t n; size; size -= n, ram += n, from += n) {
        n = ram_piece((uintptr_t)ram, size);
        if (n == 8)
            RAM_STORE(uint64_t, ram, from);
        else if (n == 4)
            RAM_STORE(uint32_t, ram, from);
        else if (n == 2)
            RAM_STORE(uint16_t, ram, from);
        else
            RAM_STORE(uint8_t, ram, from);
    }
}

/* It has no fences, but knows this as what it is to the host as well. */
static inline void ram_fence(void)
{
    uint8_t own = 0;

    __atomic_fetch_add(&own, 1, __ATOMIC_SEQ_CST);
}

#undef RAM_LOAD
#undef RAM_STORE

#else

static inline void ram_load(void *to, const void *ram, size_t size)
{
    memcpy(to, ram, size);
}

static inline void ram_store(void *ram, const void *from, size_t size)
{
    memcpy(ram, from, size);
}

static inline void ram_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
