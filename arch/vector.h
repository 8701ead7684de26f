/* The vector table: within each quarter of it, which kind of exception goes where (DDI0487,
 * "Exception vectors"). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Offsets of vectors, of which a quarter has one each. */
enum vector_kind {
    VECTOR_SYNC = 0,
    VECTOR_IRQ = 0x80,
    VECTOR_FIQ = 0x100,
    VECTOR_SERROR = 0x180,
};

/* @vector: an address in the table, or an offset from its base. */
static inline enum vector_kind vector_kind(uint64_t vector)
{
    return (enum vector_kind)(vector & 0x180);
}

/* An IRQ or an FIQ: these have no syndrome. */
static inline bool vector_is_interrupt(uint64_t vector)
{
    return vector_kind(vector) == VECTOR_IRQ || vector_kind(vector) == VECTOR_FIQ;
}
