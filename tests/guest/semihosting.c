/* Runs on: a57 max; el2 el1; exit 42. */
/* The exit code of semihosting's SYS_EXIT is the program's. */
#include "guest.h"

int main(void)
{
    return 42;
}
