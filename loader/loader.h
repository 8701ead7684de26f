/*
 * What a machine is started with: kernel, initrd, device tree and raw files go into guest RAM at
 * the places where QEMU's Arm boot code puts them, and the state of the boot CPU follows from them.
 * There is no boot code in guest memory: the registers are set directly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/physmem.h"
#include "loader/fdt.h"
#include "loader/modules.h"

enum kernel_kind {
    KERNEL_NONE,
    KERNEL_IMAGE,  /* arm64 Image: the arm64 Linux boot protocol */
    KERNEL_FLAT,   /* no known header: treated as an Image without one */
    KERNEL_ELF,    /* starts at its entry point; not told about initrd or device tree */
    KERNEL_UIMAGE, /* U-Boot's legacy image: as an Image if it says that it is Linux, or as ELF */
};

/* One `--load FILE@ADDR` or `-device loader`. */
struct load_blob {
    const char *file; /* NULL: @data */
    uint64_t addr;    /* ignored for an ELF file */
    bool force_raw;   /* an ELF file too is loaded as it is, at addr */
    uint8_t data[8];
    unsigned data_size; /* bytes of @data; 0 without a file: nothing but an entry */
    uint64_t entry;     /* out: entry point of an ELF file, otherwise addr */
};

struct load_request {
    uint64_t ram_base, ram_size; /* the main RAM bank, in bytes */
    bool tree_has_memory;        /* the device tree says already where RAM is */
    const char *kernel;          /* NULL: none, the machine starts in a blob */
    const char *initrd;          /* NULL: none; a U-Boot image of one is unwrapped */
    const char *append;          /* kernel command line; NULL or "": leave /chosen/bootargs. With
                                    modules it is the hypervisor's: modules_load() */
    struct load_blob *blobs;
    unsigned blob_count;
    struct load_modules modules;           /* count 0: none; @kernel is then not a hypervisor */
    uint64_t firmware_base, firmware_size; /* in flash memory already; size 0: none */
};

/* The boot CPU at its first instruction: highest EL, MMU off. */
struct boot_state {
    enum kernel_kind kind;
    uint64_t pc;   /* 0 without a kernel */
    uint64_t x[4]; /* x0: device tree for what starts as Linux does, all others 0 */
    uint64_t initrd_base, initrd_size; /* size 0: none */
    uint64_t dtb_base, dtb_size;       /* size 0: no room was found (only for what is not told) */
    uint64_t free_base, free_size;     /* the largest part of RAM that nothing was put into */
};

/**
 * loader_load() - read and check all files of @req and put them into @mem.
 * @dt: finished device tree of the board, or one from dt_load(); /memory and /chosen are completed
 *      in it and it is copied to guest RAM. The caller frees it.
 * @out: written on success only.
 *
 * Files are recognised by loader/formats.def: what of it is packed is unpacked, and what is
 * something else than it was given as is refused. Bytes may have been written to RAM when an error
 * is returned.
 *
 * Return: 0 or -ARM_Exxx with @err saying which file, where, and what was expected.
 */
int loader_load(struct physmem *mem, const struct arm_log *log, const struct load_request *req,
                struct dt *dt, struct boot_state *out, struct arm_error *err)
    __attribute__((warn_unused_result));
