/*
 * Boot modules of a hypervisor: files in guest RAM, each described by a "multiboot,module" node
 * below /chosen, and Xen's domains that are started without dom0's help (Xen 4.17,
 * docs/misc/arm/device-tree/booting.txt and docs/features/dom0less.pandoc).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct dt;
struct load_map;

enum module_kind {
    MODULE_KERNEL,
    MODULE_RAMDISK,
    MODULE_DTB, /* partial device tree of a domain */
    MODULE_XSM, /* security policy of the hypervisor */
};

struct load_module {
    enum module_kind kind;
    const char *file;    /* loaded as it is, or unpacked if the hypervisor could not: formats.def */
    const char *args;    /* its command line; NULL or "": none */
    unsigned domain;     /* 0: for the first domain (dom0); otherwise 1 + index in domains[] */
    uint64_t addr;       /* 0: modules_load() finds a place */
    uint64_t base, size; /* out */
};

struct load_domain {
    const char *name; /* of its node */
    uint64_t memory;  /* bytes, a multiple of 1 KiB */
    unsigned cpus;
    bool console; /* a virtual PL011, shown on the hypervisor's console */
};

struct load_modules {
    struct load_module *modules;
    unsigned count;
    const struct load_domain *domains;
    unsigned domain_count;
};

/**
 * modules_load() - put all modules into RAM, where they say or from @base on, each 2 MiB aligned,
 * and describe them and the domains in /chosen.
 * @append: the hypervisor's own command line, as xen,xen-bootargs; NULL or "": none. It is not left
 *          in bootargs, where it would be dom0's as well.
 * @dt: finished tree that has /chosen.
 *
 * Return: 0 or -ARM_Exxx.
 */
int modules_load(struct load_map *map, const struct load_modules *list, uint64_t base,
                 const char *append, struct dt *dt, struct arm_error *err)
    __attribute__((warn_unused_result));
