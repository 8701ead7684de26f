/* Runs on: a57 max; el2 el1; exit 0. */
/* SYSTEM_OFF ends the machine with exit code 0. */
#include "guest.h"

int main(void)
{
    psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    return 1;
}
