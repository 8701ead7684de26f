#include "modules.h"

#include <ctype.h>
#include <glib.h>
#include <string.h>

#include "parse.h"
#include "run_options.h"

#define DOMAIN_MEMORY (UINT64_C(128) << 20) /* default */
#define DOMAIN_CPUS   8                     /* most that the hypervisor gives one here */

static const struct {
    const char *name;
    enum arm_module_kind kind;
} kinds[] = {{"kernel", ARM_MODULE_KERNEL},
             {"ramdisk", ARM_MODULE_RAMDISK},
             {"dtb", ARM_MODULE_DTB},
             {"xsm", ARM_MODULE_XSM}};

/* The kind named by the first @size characters of @text, or -1. */
static int kind_named(const char *text, size_t size)
{
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        if (strlen(kinds[k].name) == size && strncmp(kinds[k].name, text, size) == 0)
            return (int)kinds[k].kind;
    return -1;
}

static bool add_module(struct module_options *store, struct arm_config *config, int kind,
                       const char *file, const char *args)
{
    if (config->module_count == MODULES_MAX || !*file)
        return false;
    store->modules[config->module_count++] = (struct arm_module){
        .kind = (enum arm_module_kind)kind,
        .path = file,
        .args = args,
        .domain = config->domain_count,
    };
    return true;
}

/* [KIND:]FILE[,ARGS]; @index counts the options: the first is the kernel, the others ramdisks. */
static bool parse_module(struct module_options *store, struct arm_config *config, char *text,
                         unsigned index)
{
    const char *colon = strchr(text, ':');
    int kind = colon ? kind_named(text, (size_t)(colon - text)) : -1;
    char *file = text, *comma;

    if (kind == ARM_MODULE_DTB)
        return false; /* a domain's only */
    if (kind >= 0)
        file += colon - text + 1;
    else
        kind = index == 0 ? ARM_MODULE_KERNEL : ARM_MODULE_RAMDISK;
    comma = strchr(file, ',');
    if (comma)
        *comma++ = '\0';
    return add_module(store, config, kind, file, comma);
}

static bool valid_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-.+", *c))
            return false;
    return *name && strcmp(name, "module") != 0 && strlen(name) < 32;
}

/* One KEY=VALUE, or "console". @value is NULL without one. */
static bool set_property(struct module_options *store, struct arm_config *config,
                         struct arm_domain *d, const char *key, const char *value, const char *args)
{
    uint64_t n;
    int kind = kind_named(key, strlen(key));

    if (!value) {
        d->console = strcmp(key, "console") == 0;
        return d->console;
    }
    if (kind >= 0 && kind != ARM_MODULE_XSM)
        return add_module(store, config, kind, value, kind == ARM_MODULE_KERNEL ? args : NULL);
    if (strcmp(key, "memory") == 0)
        return parse_size(value, ARM_BIT(20), &d->memory) && d->memory >= 1024 &&
               d->memory % 1024 == 0;
    if (strcmp(key, "cpus") != 0 || !parse_number(value, 1, DOMAIN_CPUS, &n))
        return false;
    d->cpus = (unsigned)n;
    return true;
}

/* NAME,KEY=VALUE...[,args=TEXT]: args is the rest of the option, commas and all. */
static bool parse_domain(struct module_options *store, struct arm_config *config, char *text)
{
    char *args = strstr(text, ",args="), *rest = text, *item;
    unsigned first = config->module_count;
    struct arm_domain *d;

    if (args) {
        *args = '\0';
        args += strlen(",args=");
    }
    item = strsep(&rest, ",");
    if (config->domain_count == DOMAINS_MAX || !valid_name(item))
        return false;
    for (unsigned k = 0; k < config->domain_count; k++)
        if (strcmp(store->domains[k].name, item) == 0)
            return false;
    d = &store->domains[config->domain_count++];
    *d = (struct arm_domain){.name = item, .memory = DOMAIN_MEMORY, .cpus = 1};
    while ((item = strsep(&rest, ","))) {
        const char *key = strsep(&item, "=");
        if (!set_property(store, config, d, key, item, args))
            return false;
    }
    for (unsigned k = first; k < config->module_count; k++)
        if (store->modules[k].kind == ARM_MODULE_KERNEL)
            return true;
    return false;
}

bool modules_parse(struct module_options *store, char **modules, char **domains,
                   struct arm_config *config)
{
    config->modules = store->modules;
    config->domains = store->domains;
    for (unsigned k = 0; modules && modules[k]; k++) {
        g_autofree char *whole = g_strdup(modules[k]);
        if (!parse_module(store, config, modules[k], k))
            return run_options_refuse("module", whole,
                                      "[kernel:|ramdisk:|xsm:]FILE[,ARGS], at most 32");
    }
    for (unsigned k = 0; domains && domains[k]; k++) {
        g_autofree char *whole = g_strdup(domains[k]);
        if (!parse_domain(store, config, domains[k]))
            return run_options_refuse(
                "domain", whole,
                "NAME,kernel=FILE[,ramdisk=FILE][,dtb=FILE][,memory=SIZE][,cpus=1..8]"
                "[,console][,args=TEXT], at most 16 with different names");
    }
    return true;
}
