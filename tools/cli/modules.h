/* --module and --domain of `armillary run`: boot modules for a hypervisor. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

#define MODULES_MAX 32
#define DOMAINS_MAX 16

/* What the configuration refers to. */
struct module_options {
    struct arm_module modules[MODULES_MAX];
    struct arm_domain domains[DOMAINS_MAX];
};

/**
 * modules_parse() - fill @config's modules and domains.
 * @modules: of "[KIND:]FILE[,ARGS]"; @domains: of "NAME,kernel=FILE[,...]"; both NULL-ended or
 * NULL. Their texts are cut, and referred to by @store.
 *
 * Return: false, and the option, its value and what was expected are printed.
 */
bool modules_parse(struct module_options *store, char **modules, char **domains,
                   struct arm_config *config);
