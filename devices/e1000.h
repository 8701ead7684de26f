/*
 * Intel network cards on PCI: the 82540EM (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual, 317453) and the 82574L (82574 GbE Controller Family Datasheet,
 * 317694), which has receive descriptors of two more kinds and MSI-X. Both kinds of transmit
 * descriptors with checksums and segmentation, EEPROM and PHY as drivers want them. The link is up,
 * at 1000 Mb/s.
 */
#pragma once

#include "base/device.h"
#include "base/pace.h"
#include "devices/pci_dma.h"

#define E1000_MAC_BYTES  6
#define E1000_FRAME_MAX  9216
#define E1000_REGS_BYTES 0x20000
#define E1000_REGS       (0x6000 / 4) /* words of registers; behind them there are none */
#define E1000_PACKET_MAX 0x11000      /* bytes of what is to be sent, before it is cut */
#define E1000_EEPROM     64           /* words */
#define E1000_PHY        32

/* A frame that the guest transmitted, without preamble and checksum. */
typedef void e1000_send_fn(void *ctx, const uint8_t *frame, size_t n);

/* 13.4.1: the serial interface of the EEPROM, while it is selected. */
struct e1000_eeprom {
    uint16_t words[E1000_EEPROM];
    uint32_t in, in_bits; /* what has been shifted in, from the start bit on */
    uint32_t out_bits;    /* how many have been shifted out of the words from @word on */
    uint32_t word;
    bool reads, out;
};

/* 3.3.6: of the last context descriptor. */
struct e1000_context {
    uint32_t dwords[4];
};

enum e1000_kind { E1000_82540EM, E1000_82574L };
struct e1000_model;

struct e1000 {
    struct pci_function function; /* first */
    const struct e1000_model *model;
    struct pci_dma dma;
    struct device bar;
    struct pace pace;
    e1000_send_fn *send; /* NULL: frames are lost */
    void *send_ctx;
    uint8_t mac[E1000_MAC_BYTES];

    uint32_t regs[E1000_REGS];
    uint16_t phy[E1000_PHY];
    struct e1000_eeprom eeprom;
    uint32_t port_address; /* IOADDR */
    uint32_t told;         /* 82574L: causes whose messages have been sent, while they last */
    struct e1000_context context;
    uint32_t packet_bytes; /* of what is being gathered from descriptors */
    uint8_t packet[E1000_PACKET_MAX];
};

struct e1000_config {
    enum e1000_kind kind;
    bool express; /* it is behind a PCI Express port */
    const uint8_t *mac;
    e1000_send_fn *send;
    void *send_ctx;
    unsigned unit; /* in events of DMA */
    struct physmem *mem;
    struct clock *clock;
};

/* Must not move afterwards; reset by pci_host_reset(). */
void e1000_init(struct e1000 *e, const struct e1000_config *config, const struct arm_log *log);

/* A frame arrives. Return: @len if it was taken, if only to be lost; 0: the driver has no buffer
 * for it, or it is longer than E1000_FRAME_MAX. */
size_t e1000_receive(struct e1000 *e, const uint8_t *frame, size_t len);
