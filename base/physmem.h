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
#include "base/ram_contents.h"

struct device;
struct probes;
struct source_file;

/* One flag byte a RAM page; set by whoever caches something about the page's contents. */
#define PAGE_HAS_CODE     1  /* decoded records exist: a write must invalidate them first */
#define PAGE_WRITE_CACHED 2  /* a TLB may write it directly: to be told before code is decoded */
#define PAGE_CHANGED      4  /* since the last snapshot; without it ram_changing() comes first */
#define PAGE_WATCHED      8  /* stores are events (ARM_EVENT_STORE): no TLB may write it directly */
#define PAGE_WALKED       16 /* late effects: walks have read it; likewise */

/* Stores to a page with one of these have to be seen. */
#define PAGE_STORES_SEEN (PAGE_HAS_CODE | PAGE_WATCHED | PAGE_WALKED)

#define RAM_FILES_MAX 8

/* Pages @first to below @end of a bank that hold what a file has, from @offset on. */
struct ram_file {
    uint64_t first, end, offset;
    struct source_file *file;
};

struct ram_bank {
    uint64_t base, size; /* both multiples of PAGE_SIZE */
    uint8_t *host;
    uint8_t *flags; /* PAGE_xxx, size >> PAGE_SHIFT entries */
    bool readonly;  /* ROM: guest writes go to the device window behind it, if there is one */
    bool secure;    /* of the Secure physical address space alone */
    bool hidden;    /* ROM that is not there now: accesses reach what is behind it */
    /* At the last snapshot that was taken or restored, or zeros; and which pages have changed
     * since, in any order. They are those with PAGE_CHANGED. */
    struct ram_contents last;
    uint32_t *changed;
    uint32_t changed_count;
    bool lends; /* snapshots have pages that are only here, among those without PAGE_CHANGED */
    struct ram_file files[RAM_FILES_MAX];
    unsigned file_count;
};

/* The flags of the page at @offset of @b. CPUs that run at the same time set PAGE_WRITE_CACHED
 * alone, by page_set_write_cached(); others change while none runs. */
static inline uint8_t page_flags(const struct ram_bank *b, uint64_t offset)
{
    return __atomic_load_n(&b->flags[offset >> PAGE_SHIFT], __ATOMIC_RELAXED);
}

static inline void page_set_write_cached(struct ram_bank *b, uint64_t offset)
{
    if (!(page_flags(b, offset) & PAGE_WRITE_CACHED))
        __atomic_fetch_or(&b->flags[offset >> PAGE_SHIFT], PAGE_WRITE_CACHED, __ATOMIC_RELAXED);
}

/* Page @page of @b, which snapshots may have as it is here, is about to be another. */
void ram_keep(struct ram_bank *b, uint64_t page);

/* The page at @offset of @b is about to be written, or may be from now on without a word. */
static inline void ram_changing(struct ram_bank *b, uint64_t offset)
{
    uint64_t page = offset >> PAGE_SHIFT;

    if (__builtin_expect(!(page_flags(b, offset) & PAGE_CHANGED), 0)) {
        b->flags[page] |= PAGE_CHANGED;
        b->changed[b->changed_count++] = (uint32_t)page;
        if (b->lends)
            ram_keep(b, page);
    }
}

/* Does the page at @offset of @b hold zeros because nobody has written it since there were zeros?
 * False: it may hold something else. */
static inline bool ram_is_blank(const struct ram_bank *b, uint64_t offset)
{
    return !(page_flags(b, offset) & PAGE_CHANGED) &&
           !ram_contents_page(&b->last, offset >> PAGE_SHIFT);
}

struct device_window {
    uint64_t base, size;
    struct device *dev;
    uint64_t dev_offset; /* added to the offset inside the window */
    bool secure;         /* as a bank's */
};

#define PHYSMEM_BANKS_MAX   8
#define PHYSMEM_WINDOWS_MAX 256

struct physmem {
    unsigned bank_count, window_count;
    bool has_secure; /* something is secure */
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

/* The contents of the ROM at @base, hidden or not; NULL: no such ROM. physmem_rom_changing(): where
 * to write @len bytes of it at once. */
const uint8_t *physmem_rom(struct physmem *mem, pa_t base);
uint8_t *physmem_rom_changing(struct physmem *mem, pa_t base, uint64_t offset, uint64_t len);

/* Map a device's registers. The device is not owned. Return 0 or -ARM_Exxx. */
int physmem_add_device(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                       uint64_t dev_offset, struct arm_error *err)
    __attribute__((warn_unused_result));

void physmem_destroy(struct physmem *mem);

/* What lies at @base, banks and windows, is there in the Secure physical address space alone. The
 * other one has nothing that the Secure one lacks. */
void physmem_make_secure(struct physmem *mem, pa_t base);

/* Is @pa there for Secure accesses alone? Those of CPUs know their address space (struct
 * translation); those of devices are Non-secure (base/dma.h); who loads or looks on sees
 * everything. */
bool physmem_is_in_secure(const struct physmem *mem, pa_t pa);

static inline bool physmem_is_secure(const struct physmem *mem, pa_t pa)
{
    return mem->has_secure && physmem_is_in_secure(mem, pa);
}

/* The RAM bank (hidden ones left out) or device window that holds @pa, or NULL. */
struct ram_bank *physmem_bank(struct physmem *mem, pa_t pa);
struct device_window *physmem_window(struct physmem *mem, pa_t pa);

/* The bank that holds @pa, hidden or not. */
struct ram_bank *physmem_bank_or_hidden(struct physmem *mem, pa_t pa);

/* Host address of @len bytes of RAM at @pa, to read; NULL unless all of them are in one bank. */
const uint8_t *physmem_ram(struct physmem *mem, pa_t pa, uint64_t len);

/* Where to write @len bytes of it at once; NULL as of physmem_ram(). */
uint8_t *physmem_ram_changing(struct physmem *mem, pa_t pa, uint64_t len);

/* Copy out of or into RAM (debugger, DMA). False if any byte is not RAM, or ROM for a write; then
 * nothing is copied. Writes tell code_written() first. physmem_load() also writes ROM (loader). */
bool physmem_read(struct physmem *mem, pa_t pa, void *buf, size_t len);
bool physmem_write(struct physmem *mem, pa_t pa, const void *buf, size_t len);
bool physmem_load(struct physmem *mem, pa_t pa, const void *buf, size_t len);

/* @len bytes at @pa, which were asked for by physmem_ram_changing(), are now the first ones of
 * @file: a snapshot that is lent need not copy them. It holds until somebody writes there, or
 * physmem_forget_files(): CPUs, which do not say when they do, are about to run. */
void physmem_is_file(struct physmem *mem, pa_t pa, uint64_t len, struct source_file *file);
void physmem_forget_files(struct physmem *mem);

/* Nobody will take a snapshot: writers need not call ram_changing() any more. */
void physmem_never_shared(struct physmem *mem);

/* Write the aligned 8 bytes at @pa, which physmem_write() could, if they are *@expected, as one
 * access. Return: they were. */
bool physmem_swap64(struct physmem *mem, pa_t pa, const uint64_t *expected,
                    const uint64_t *desired);

/* The bank that has a host address in its pages; NULL: none has. */
struct ram_bank *physmem_bank_of_host(struct physmem *mem, const uint8_t *host);

/* Snapshots of what the banks hold, @contents[bank_count]. physmem_take() fills them; the caller
 * destroys each. It copies the pages that have changed since the last one, and now and then, in
 * place of many of them, all that are in use. With @lend it copies none: each is copied when it is
 * next changed, and one that nobody has any more is not; such contents are of this memory's thread.
 * From then on every writer has to call ram_changing() again: entries of TLBs that write directly
 * are the caller's to mark. */
int physmem_take(struct physmem *mem, bool lend, struct ram_contents *contents,
                 struct arm_error *err) __attribute__((warn_unused_result));

/* Hold @contents again: of this memory, or of another one with the same banks. Host addresses stay.
 * code_written() is told of pages that become others; PAGE_WRITE_CACHED is left alone. On an error,
 * which names the reason, what RAM holds is lost, but where a page of @contents is lost already, or
 * its file has changed: then it is as it was. */
int physmem_restore(struct physmem *mem, const struct ram_contents *contents, struct arm_error *err)
    __attribute__((warn_unused_result));
