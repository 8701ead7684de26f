/*
 * An AHCI host bus adapter on PCI (Serial ATA AHCI 1.3) as Intel's ICH9 has it, with disks and
 * CD-ROM drives at its ports. Commands are done whole, in the order of their slots; native command
 * queueing is not offered.
 */
#pragma once

#include "base/device.h"
#include "base/pace.h"
#include "devices/pci_dma.h"
#include "devices/scsi.h"

#define AHCI_PORTS 6
#define AHCI_SLOTS 32
#define AHCI_CHUNK 65536

struct ahci_port {
    struct scsi_unit *unit; /* its disk, and for packets all of it; NULL: nothing is at the port */
    uint64_t list, fis;     /* PxCLB, PxFB */
    uint32_t is, ie, cmd, tfd, sig, sctl, serr, issue;
    uint8_t resets; /* a soft reset has begun */
};

struct ahci {
    struct pci_function function; /* first */
    struct pci_dma dma;
    struct device regs;
    struct pace pace;
    uint32_t ghc, is;
    struct ahci_port ports[AHCI_PORTS];
    struct scsi_request request; /* of a packet, while it is done */
    uint8_t chunk[AHCI_CHUNK];   /* on its way between disk and guest */
};

struct ahci_config {
    unsigned unit; /* in events of DMA */
    struct physmem *mem;
    struct clock *clock;
};

/* Must not move afterwards; reset by pci_host_reset(). */
void ahci_init(struct ahci *a, const struct ahci_config *config, const struct arm_log *log);

/* A drive at a port, not owned; false: the port is taken, or there is none. */
bool ahci_attach(struct ahci *a, unsigned port, struct scsi_unit *unit);
