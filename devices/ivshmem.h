/*
 * Memory that another machine may have too (QEMU's docs/specs/ivshmem-spec, ivshmem-plain): BAR 2.
 * The registers of BAR 0 are those of interrupts that a plain one has not.
 */
#pragma once

#include "devices/pci.h"

#define IVSHMEM_MAX (UINT64_C(1) << 32)

struct arm_error;

struct ivshmem {
    struct pci_function function; /* first */
    uint8_t *memory;              /* mapped; NULL: none */
    uint64_t bytes;
    bool shared; /* it is a file's: not part of a snapshot */
    uint32_t mask;
};

/**
 * ivshmem_init() - a function with @bytes of memory.
 * @path: the file that it is shared by, made as large as that if it is shorter; NULL: nobody has it
 * too.
 * @bytes: a power of 2, a page to IVSHMEM_MAX.
 *
 * Return: 0 or -ARM_Exxx. ivshmem_destroy() in both cases.
 */
int ivshmem_init(struct ivshmem *s, const char *path, uint64_t bytes, const struct arm_log *log,
                 struct arm_error *err) __attribute__((warn_unused_result));
void ivshmem_destroy(struct ivshmem *s);
