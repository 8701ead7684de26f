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
struct probes;

/* One flag byte a RAM page; set by whoever caches something about the page's contents. */
#define PAGE_HAS_CODE     1 /* decoded records exist: a write must invalidate them first */
#define PAGE_WRITE_CACHED 2 /* a TLB may write it directly: to be told before code is decoded */

struct ram_bank {
    uint64_t base, size; /* both multiples of PAGE_SIZE */
    uint8_t *host;
    uint8_t *flags; /* PAGE_xxx, size >> PAGE_SHIFT entries */
    bool readonly;  /* ROM: guest writes go to the device window behind it, if there is one */
    bool hidden;    /* ROM that is not there now: accesses reach what is behind it */
};

struct device_window {
    uint64_t base, size;
    struct device *dev;
    uint64_t dev_offset; /* added to the offset inside the window */
};

#define PHYSMEM_BANKS_MAX   8
#define PHYSMEM_WINDOWS_MAX 256

struct physmem {
    unsigned bank_count, window_count;
    struct ram_bank banks[PHYSMEM_BANKS_MAX];
    struct device_window windows[PHYSMEM_WINDOWS_MAX];
    /* Called before guest RAM that carries PAGE_HAS_CODE changes by anything but the store path of
     * a CPU (device DMA, loaders, debugger). Set by the machine; may be NULL. */
    void (*code_written)(void *ctx, pa_t pa);
    void *code_written_ctx;
    /* Called after a ROM appeared or disappeared: whoever keeps host addresses of it must forget
     * them. Set by the machine; may be NULL. */
    void (*remapped)(void *ctx);
    void *remapped_ctx;
    struct probes *probes; /* told what devices access (base/dma.h); may be NULL */
};

/* Map zeroed RAM. Return 0 or -ARM_Exxx. Freed by physmem_destroy(). */
int physmem_add_ram(struct physmem *mem, pa_t base, uint64_t size, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Map zeroed ROM in front of @dev's registers, which get the guest's writes, and its reads while
 * the ROM is hidden (flash memory out of read-array mode). Return 0 or -ARM_Exxx. */
int physmem_add_rom(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                    struct arm_error *err) __attribute__((warn_unused_result));

/* Hide the ROM at @base (its first byte), or show it again; nothing happens if it is so already. */
void physmem_hide_rom(struct physmem *mem, pa_t base, bool hidden);

/* The contents of the ROM at @base, hidden or not; NULL: no such ROM. physmem_rom_changing() has to
 * be called before a write. */
uint8_t *physmem_rom(struct physmem *mem, pa_t base);
void physmem_rom_changing(struct physmem *mem, pa_t base, uint64_t offset, uint64_t len);

/* Map a device's registers. The device is not owned. Return 0 or -ARM_Exxx. */
int physmem_add_device(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                       uint64_t dev_offset, struct arm_error *err)
    __attribute__((warn_unused_result));

void physmem_destroy(struct physmem *mem);

/* The RAM bank (hidden ones left out) or device window that holds @pa, or NULL. */
struct ram_bank *physmem_bank(struct physmem *mem, pa_t pa);
struct device_window *physmem_window(struct physmem *mem, pa_t pa);

/* Host address of @len bytes of RAM at @pa; NULL unless all of them are in one bank. */
uint8_t *physmem_ram(struct physmem *mem, pa_t pa, uint64_t len);

/* Copy out of or into RAM (debugger, DMA). False if any byte is not RAM, or ROM for a write; then
 * nothing is copied. Writes tell code_written() first. physmem_load() also writes ROM (loader). */
bool physmem_read(struct physmem *mem, pa_t pa, void *buf, size_t len);
bool physmem_write(struct physmem *mem, pa_t pa, const void *buf, size_t len);
bool physmem_load(struct physmem *mem, pa_t pa, const void *buf, size_t len);
