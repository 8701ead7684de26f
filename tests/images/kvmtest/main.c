/*
 * kvmtest [OPTION...] boot VCPUS GIC IMAGE INITRD APPEND | kvmtest [OPTION...] measure VCPUS ROUNDS
 * WHAT OPTION: pmu (the guest has one), perf, debugger, memory (what the host does meanwhile:
 * host.c, memory.c). INITRD: - for none. GIC: 2 or 3. ROUNDS: of the hypercall and the MMIO exit;
 * interrupts do a fifth. WHAT: a word of measure.c, or all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvmtest.h"

static struct vm vm;

static int usage(void)
{
    fprintf(stderr,
            "Usage: kvmtest [pmu] [perf] [debugger] [memory] boot VCPUS GIC IMAGE INITRD APPEND | "
            "... measure VCPUS ROUNDS WHAT\n");
    return 2;
}

static int boot(unsigned vcpus, char **argv)
{
    int gic = atoi(argv[0]);

    if (gic != 2 && gic != 3)
        return usage();
    vm_create(&vm, vcpus, (unsigned)gic);
    return linux_guest(&vm, argv[1], argv[2], argv[3]);
}

static int measure(unsigned vcpus, char **argv)
{
    int rounds = atoi(argv[0]);
    uint64_t chosen = measurement(argv[1]);

    if (rounds < 5 || !chosen)
        return usage();
    vm_create(&vm, vcpus, 3);
    return measuring_guest(&vm, (uint64_t)rounds, chosen);
}

/* The option @word; false: it is none. */
static bool option(const char *word)
{
    bool *place = strcmp(word, "pmu") == 0        ? &vm.pmu
                  : strcmp(word, "perf") == 0     ? &vm.perf
                  : strcmp(word, "debugger") == 0 ? &vm.debugger
                  : strcmp(word, "memory") == 0   ? &vm.memory
                                                  : NULL;

    if (place)
        *place = true;
    return place != NULL;
}

int main(int argc, char **argv)
{
    int vcpus, code;

    for (; argc > 1 && option(argv[1]); argc--)
        argv++;
    vcpus = argc > 2 ? atoi(argv[2]) : 0;

    if (vcpus < 1 || vcpus > VCPUS_MAX)
        return usage();
    if (argc == 7 && strcmp(argv[1], "boot") == 0)
        code = boot((unsigned)vcpus, argv + 3);
    else if (argc == 5 && strcmp(argv[1], "measure") == 0)
        code = measure((unsigned)vcpus, argv + 3);
    else
        return usage();
    if (vm.vcpu_count)
        vm_report(&vm);
    return code;
}
