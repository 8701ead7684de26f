/* What the parts of the AHCI adapter have in common. */
#pragma once

#include "base/le.h"
#include "devices/ahci.h"

/* PxIS, 3.3.5 */
#define AHCI_IS_DHR UINT32_C(0x1) /* a register FIS has come */
#define AHCI_IS_PS  UINT32_C(0x2) /* a PIO set-up FIS has */
#define AHCI_IS_TFE UINT32_C(0x40000000)

/* The task file's status, ATA8-ACS 6.2 */
enum { ATA_READY = 0x50, ATA_ERROR = 0x01 };
enum { ATA_ABORTED = 0x04, ATA_NOT_FOUND = 0x10 };

/* PxCMD, 3.3.7 */
#define AHCI_CMD_FIS UINT32_C(0x0010) /* FISes of the drive are put where the driver wants them */

/* A command's header and table, 4.2.2 and 4.2.3, as far as they have been read. */
struct ahci_command {
    struct ahci *a;
    struct ahci_port *port;
    uint64_t header, table; /* addresses */
    uint32_t flags, entries;
    uint8_t fis[20], packet[SCSI_CDB_MAX];
    /* Where in the table of regions the next byte goes. */
    uint32_t entry, in_entry;
    uint32_t moved;
};

/* What a command has come to. */
struct ahci_result {
    uint8_t status, error;
    bool pio;       /* its data is announced by a FIS of its own */
    uint32_t count; /* of the task file */
};

/* -- ahci_command.c -- */

/* What a drive says after a reset is what it is. */
void ahci_send_signature(struct ahci *a, struct ahci_port *p);

/* Do the command that is issued in @slot. */
void ahci_take(struct ahci *a, struct ahci_port *p, unsigned slot);

/* Move @len bytes between @data and where the guest has them next; false: it has no room. */
bool ahci_move(struct ahci_command *c, uint8_t *data, uint32_t len, bool to_guest);

/* -- ahci_ata.c -- */

/* Do the ATA command of @c->fis. */
struct ahci_result ahci_run(struct ahci_command *c);
