/*
 * The physical address map: RAM banks with a host mapping each, and device windows.
 * Guest-physical accesses that hit neither are decode errors (a synchronous External abort).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"

struct device;

/* One flag byte a RAM page; set by whoever caches something about the page's contents. */
#define PAGE_HAS_CODE     1 /* decoded records exist: a write must invalidate them first */
#define PAGE_WRITE_CACHED 2 /* a TLB may write it directly: to be told before code is decoded */

struct ram_bank {
    uint64_t base, size; /* both multiples of PAGE_SIZE */
    uint8_t *host;
    uint8_t *flags; /* PAGE_xxx, size >> PAGE_SHIFT entries */
    bool readonly;  /* ROM: guest writes are ignored */
};

struct device_window {
    uint64_t base, size;
    struct device *dev;
    uint64_t dev_offset; /* added to the offset inside the window */
};

#define PHYSMEM_BANKS_MAX   8
#define PHYSMEM_WINDOWS_MAX 128

struct physmem {
    unsigned bank_count, window_count;
    struct ram_bank banks[PHYSMEM_BANKS_MAX];
    struct device_window windows[PHYSMEM_WINDOWS_MAX];
    /* Called before guest RAM that carries PAGE_HAS_CODE changes by anything but the store path of
     * a CPU (device DMA, loaders, debugger). Set by the machine; may be NULL. */
    void (*code_written)(void *ctx, pa_t pa);
    void *code_written_ctx;
};

/* Map zeroed RAM. Return 0 or -ARM_Exxx. Freed by physmem_destroy(). */
int physmem_add_ram(struct physmem *mem, pa_t base, uint64_t size, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Map a device's registers. The device is not owned. Return 0 or -ARM_Exxx. */
int physmem_add_device(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                       uint64_t dev_offset, struct arm_error *err)
    __attribute__((warn_unused_result));

void physmem_destroy(struct physmem *mem);

/* All RAM to zero, as at power-on; pages go back to the host. ROM keeps its contents. */
void physmem_clear(struct physmem *mem);

/* The RAM bank or device window that holds @pa, or NULL. */
struct ram_bank *physmem_bank(struct physmem *mem, pa_t pa);
struct device_window *physmem_window(struct physmem *mem, pa_t pa);

/* Host address of @len bytes of RAM at @pa; NULL unless all of them are in one bank. */
uint8_t *physmem_ram(struct physmem *mem, pa_t pa, uint64_t len);

/* Copy out of or into RAM (debugger, DMA, loader). False if any byte is not RAM; then nothing is
 * copied. physmem_write() tells code_written() first. */
bool physmem_read(struct physmem *mem, pa_t pa, void *buf, size_t len);
bool physmem_write(struct physmem *mem, pa_t pa, const void *buf, size_t len);
