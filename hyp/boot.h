/* What is known from boot on. */
#pragma once

#include "hyp/fdt.h"

struct boot_range {
    uint64_t base, size;
};

struct boot_info {
    struct fdt tree;
    struct boot_range ram[4];
    unsigned ram_count;
};
extern struct boot_info boot_info;

/* Called by hyp/boot.S. */
void boot_main(const void *dtb);
void hyp_boot(void) __attribute__((noreturn));
void hyp_secondary(void) __attribute__((noreturn));

extern char vectors[], __image[], __image_end[];
