/* Runs on: a57 max; el2 el1; here only; exit 1. */
/* SYSTEM_RESET with --no-reboot ends the machine with exit code 1 (QEMU's is 0). */
#include "guest.h"

int main(void)
{
    psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    return 3;
}
