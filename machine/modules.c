/* Boot modules and domains of the configuration, kept for a reboot. */
#include "machine/modules.h"

#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

static const enum module_kind kinds[] = {
    [ARM_MODULE_KERNEL] = MODULE_KERNEL,
    [ARM_MODULE_RAMDISK] = MODULE_RAMDISK,
    [ARM_MODULE_DTB] = MODULE_DTB,
    [ARM_MODULE_XSM] = MODULE_XSM,
};

static int copy_module(struct load_module *to, const struct arm_module *from,
                       const struct arm_config *c, struct arm_error *err)
{
    if (from->domain > c->domain_count)
        return error_set(err, ARM_EINVAL, "%s: there is no domain %u", from->path, from->domain);
    *to = (struct load_module){.kind = kinds[from->kind],
                               .file = strdup(from->path),
                               .args = from->args ? strdup(from->args) : NULL,
                               .domain = from->domain,
                               .addr = from->addr};
    return 0;
}

static int copy_domain(struct load_domain *to, const struct arm_domain *from, struct arm_error *err)
{
    if (from->memory < 1024 || from->memory % 1024 || from->cpus < 1)
        return error_set(err, ARM_EINVAL,
                         "domain %s: %llu bytes, %u CPUs: expected some KiB and at least a CPU",
                         from->name, (unsigned long long)from->memory, from->cpus);
    *to = (struct load_domain){.name = strdup(from->name),
                               .memory = from->memory,
                               .cpus = from->cpus,
                               .console = from->console};
    return 0;
}

int machine_copy_modules(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    int rc = 0;

    if (c->module_count == 0)
        return c->domain_count
                   ? error_set(err, ARM_EINVAL, "domain %s: it has no kernel", c->domains[0].name)
                   : 0;
    m->modules = calloc(c->module_count, sizeof(*m->modules));
    m->domains = calloc(c->domain_count ? c->domain_count : 1, sizeof(*m->domains));
    if (!m->modules || !m->domains)
        return error_set(err, ARM_ENOMEM, "no memory for %u modules", c->module_count);
    for (; !rc && m->domain_count < c->domain_count; m->domain_count++)
        rc = copy_domain(&m->domains[m->domain_count], &c->domains[m->domain_count], err);
    for (; !rc && m->module_count < c->module_count; m->module_count++)
        rc = copy_module(&m->modules[m->module_count], &c->modules[m->module_count], c, err);
    return rc;
}

void machine_free_modules(struct arm_machine *m)
{
    for (unsigned k = 0; m->modules && k < m->module_count; k++) {
        free((char *)m->modules[k].file);
        free((char *)m->modules[k].args);
    }
    for (unsigned k = 0; m->domains && k < m->domain_count; k++)
        free((char *)m->domains[k].name);
    free(m->modules);
    free(m->domains);
}
