/*
 * kvmtest boot VCPUS IMAGE INITRD APPEND | kvmtest measure VCPUS ROUNDS
 * ROUNDS: of the hypercall and the MMIO exit; interrupts do a fifth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvmtest.h"

static struct vm vm;

int main(int argc, char **argv)
{
    bool boot = argc == 6 && strcmp(argv[1], "boot") == 0;
    bool measure = argc == 4 && strcmp(argv[1], "measure") == 0;
    int vcpus = argc > 2 ? atoi(argv[2]) : 0, rounds = measure ? atoi(argv[3]) : 0;
    int code;

    if ((!boot && !measure) || vcpus < 1 || vcpus > VCPUS_MAX || (measure && rounds < 5)) {
        fprintf(stderr, "Usage: kvmtest boot VCPUS IMAGE INITRD APPEND | "
                        "kvmtest measure VCPUS ROUNDS\n");
        return 2;
    }
    vm_create(&vm, (unsigned)vcpus);
    code =
        boot ? linux_guest(&vm, argv[3], argv[4], argv[5]) : measuring_guest(&vm, (uint64_t)rounds);
    vm_report(&vm);
    return code;
}
