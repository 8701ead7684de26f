/* A guest's UART: a PL011 (DDI0183) at the virt board's place, SPI 33 (INTID). Output goes to the
 * console a line at a time (hyp/console.h); input comes from there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hyp/lock.h"

#define VPL011_BASE  UINT64_C(0x09000000)
#define VPL011_SIZE  UINT64_C(0x1000)
#define VPL011_INTID 33
#define VPL011_FIFO  64

struct mmio;
struct vcpu;
struct vm;

struct vpl011 {
    struct lock lock;
    uint32_t cr, lcr, ibrd, fbrd, ifls, imsc, ris;
    uint8_t fifo[VPL011_FIFO];
    unsigned head, count;
};

bool vpl011_mmio(struct vcpu *v, struct mmio *m);
void vpl011_receive(struct vm *vm, char c);
