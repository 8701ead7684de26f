/*
 * The frame buffer that QEMU's VGA and bochs-display are to a driver that knows no VGA: picture
 * memory in one base address, and in another the registers of Bochs' display (QEMU's
 * docs/specs/standard-vga) and what the monitor says of itself. There are no text modes and no
 * palette.
 */
#pragma once

#include "devices/display.h"
#include "devices/pci.h"

#define BOCHS_VRAM_MAX  (UINT32_C(256) << 20)
#define BOCHS_REGISTERS 11

struct bochs {
    struct pci_function function; /* first */
    struct display_source source;
    unsigned width, height; /* pixels that the monitor likes */
    uint16_t regs[BOCHS_REGISTERS];
    uint8_t *vram; /* owned */
    uint32_t vram_bytes;
};

struct bochs_config {
    bool vga;               /* as which it is known */
    unsigned width, height; /* 1 to EDID_SIDE_MAX */
    uint32_t vram_bytes;    /* a power of 2, 1 MiB to BOCHS_VRAM_MAX */
};

/* Must not move afterwards; reset by pci_host_reset(). Return 0 or -ARM_Exxx; bochs_destroy() in
 * both cases. */
int bochs_init(struct bochs *b, const struct bochs_config *config, const struct arm_log *log,
               struct arm_error *err) __attribute__((warn_unused_result));
void bochs_destroy(struct bochs *b);
