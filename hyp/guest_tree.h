/* The device tree of a guest: the virt board, as much of it as there is. */
#pragma once

#include <stdint.h>

struct vm;

/* @args: its command line, NULL: none. @ramdisk: 0: none. Panics if it does not fit. */
void guest_tree_write(struct vm *vm, void *bytes, uint32_t size, const char *args, uint64_t ramdisk,
                      uint64_t ramdisk_size);
