/* The configuration that a machine is made from: checked, and copied where a reboot needs it. */
#include "machine/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/machine.h"
#include "machine/modules.h"

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

/* No name is NULL. */
static int check_name(const char *what, const char *path, struct arm_error *err)
{
    if (path && !*path)
        return error_set(err, ARM_EINVAL, "%s: \"\": expected the name of a file", what);
    return 0;
}

static int check_names(const struct arm_config *c, struct arm_error *err)
{
    const struct {
        const char *what, *path;
    } names[] = {{"kernel", c->kernel},
                 {"initrd", c->initrd},
                 {"device tree", c->dtb},
                 {"firmware", c->bios}};
    int r = 0;

    for (size_t k = 0; r == 0 && k < ARRAY_SIZE(names); k++)
        r = check_name(names[k].what, names[k].path, err);
    for (unsigned k = 0; r == 0 && k < ARRAY_SIZE(c->pflash); k++)
        r = check_name("flash memory", c->pflash[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->blob_count; k++)
        r = check_name("file to load", c->blobs[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->module_count; k++)
        r = check_name("module", c->modules[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->device_count; k++)
        r = check_name("disk", c->devices[k].drive.path, err);
    return r;
}

/* x86-64 orders memory accesses nearly as Arm may; another host would need barriers. */
static int check_parallel(const struct arm_config *c, struct arm_error *err)
{
    const char *what = c->late_effects ? "late effects"
                       : c->turn_seed  ? "drawn turns"
                       : c->host_code  ? "watching blocks"
                                       : NULL;

    if (what)
        return error_set(err, ARM_ENOTSUP,
                         "parallel CPUs: %s: expected none, which are of CPUs that "
                         "take turns",
                         what);
#ifndef __x86_64__
    return error_set(err, ARM_ENOTSUP, "parallel CPUs: the host is not x86-64");
#endif
    return 0;
}

/* From a node to another it is not shorter than within one, and the way back is as known. */
static int check_distances(const struct arm_config *c, struct arm_error *err)
{
    for (unsigned from = 0; c->distances && from < c->node_count; from++)
        for (unsigned to = 0; to < c->node_count; to++) {
            uint8_t distance = c->distances[from * c->node_count + to];
            if (from == to ? distance != 10 : distance < 11)
                return error_set(err, ARM_EINVAL,
                                 "distance %u from node %u to node %u: expected %s", distance, from,
                                 to, from == to ? "10" : "11 to 255");
        }
    return 0;
}

#define LEVEL_MAX 0xffff

static int check_topology(const struct arm_topology *t, struct arm_error *err)
{
    bool none = !t->clusters && !t->cores && !t->threads;

    if (none ||
        (t->clusters - 1 < LEVEL_MAX && t->cores - 1 < LEVEL_MAX && t->threads - 1 < LEVEL_MAX))
        return 0;
    return error_set(err, ARM_EINVAL,
                     "%u clusters of %u cores of %u threads: expected 1 to %d of each, or nothing",
                     t->clusters, t->cores, t->threads, LEVEL_MAX);
}

static int check_nodes(const struct arm_config *c, struct arm_error *err)
{
    uint64_t memory = 0, cpus = 0, twice = 0;

    if (!c->node_count)
        return 0;
    if (c->cpus > ARM_NODE_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "%u CPUs and NUMA nodes: expected at most %d", c->cpus,
                         ARM_NODE_CPUS_MAX);
    uint64_t all = UINT64_MAX >> (64 - c->cpus);
    if (c->node_count > ARM_NODES_MAX)
        return error_set(err, ARM_EINVAL, "%u nodes: expected at most %d", c->node_count,
                         ARM_NODES_MAX);
    for (unsigned n = 0; n < c->node_count; n++) {
        if (c->nodes[n].memory % 4096)
            return error_set(err, ARM_EINVAL, "node %u: expected pages of 4096 bytes", n);
        memory += c->nodes[n].memory;
        twice |= cpus & c->nodes[n].cpus;
        cpus |= c->nodes[n].cpus;
    }
    if (memory != c->ram_size)
        return error_set(err, ARM_EINVAL, "the nodes have %llu bytes of the %llu of RAM",
                         (unsigned long long)memory, (unsigned long long)c->ram_size);
    if (twice || cpus != all)
        return error_set(err, ARM_EINVAL, "CPUs %#llx of the nodes: expected each of %#llx once",
                         (unsigned long long)cpus, (unsigned long long)all);
    return check_distances(c, err);
}

static int check(const struct arm_config *c, struct arm_error *err)
{
    int r = check_names(c, err);

    if (r < 0)
        return r;
    if (c->cpus < 1 || c->cpus > ARM_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "%u CPUs: expected 1 to %d", c->cpus, ARM_CPUS_MAX);
    if (c->start_el > 2 || (c->start_el == 2 && !c->el2))
        return error_set(err, ARM_EINVAL, "start at EL%u: expected 1%s", c->start_el,
                         c->el2 ? " or 2" : "; this machine has no EL2");
    if (c->parallel && (r = check_parallel(c, err)) < 0)
        return r;
    if (c->initrd && !c->kernel)
        return error_set(err, ARM_EINVAL, "%s: an initrd is for a kernel: expected one", c->initrd);
    if ((r = check_topology(&c->topology, err)) < 0)
        return r;
    if ((r = check_nodes(c, err)) < 0)
        return r;
    if (virt_has_firmware(c->bios, c->pflash) && c->module_count)
        return error_set(err, ARM_EINVAL,
                         "%s: a module is for a hypervisor that is entered at once: expected "
                         "no firmware before it",
                         c->modules[0].path);
    return 0;
}

/* With firmware in the machine kernel and initrd are its affair: it reads them by fw_cfg. */
static void copy_files(struct arm_machine *m, const struct arm_config *c)
{
    bool firmware = virt_has_firmware(c->bios, c->pflash);

    m->kernel = firmware ? NULL : copy(c->kernel);
    m->initrd = firmware ? NULL : copy(c->initrd);
    m->firmware = firmware;
    m->append = copy(c->append);
    m->dtb = copy(c->dtb);
    m->bios = copy(c->bios);
}

static int copy_blob(struct load_blob *to, const struct arm_blob *from, unsigned cpus,
                     struct arm_error *err)
{
    if (from->cpu >= (int)cpus)
        return error_set(err, ARM_EINVAL, "%s: there is no CPU %d",
                         from->path ? from->path : "entry", from->cpu);
    if (from->data_size > sizeof(from->data))
        return error_set(err, ARM_EINVAL, "%u bytes of data, expected at most %zu", from->data_size,
                         sizeof(from->data));
    to->file = copy(from->path);
    to->addr = from->addr;
    to->force_raw = from->force_raw;
    to->data_size = from->data_size;
    memcpy(to->data, from->data, sizeof(to->data));
    return 0;
}

static int copy_blobs(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    int r = 0;

    m->blob_count = c->blob_count;
    m->blobs = calloc(c->blob_count ? c->blob_count : 1, sizeof(*m->blobs));
    m->blob_cpu = calloc(c->blob_count ? c->blob_count : 1, sizeof(*m->blob_cpu));
    if (!m->blobs || !m->blob_cpu)
        return error_set(err, ARM_ENOMEM, "no memory for %u files", c->blob_count);
    for (unsigned k = 0; r == 0 && k < c->blob_count; k++) {
        m->blob_cpu[k] = c->blobs[k].cpu;
        r = copy_blob(&m->blobs[k], &c->blobs[k], c->cpus, err);
    }
    return r;
}

int machine_copy_config(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    int r = check(c, err);

    if (r < 0)
        return r;
    m->cpu_count = c->cpus;
    m->el2 = c->el2;
    m->start_el = c->start_el ? c->start_el : c->el2 ? 2 : 1;
    m->semihosting = c->semihosting;
    m->semihosting_el0 = c->semihosting_el0;
    m->turns_drawn = c->turn_seed != 0;
    m->turn_rng = c->turn_seed;
    m->no_reboot = c->no_reboot;
    m->keep_going = c->keep_going;
    m->log = c->log;
    m->console_write = c->console_write;
    m->console_ctx = c->console_ctx;
    m->poll = c->poll;
    m->idle = c->idle;
    m->host_ctx = c->host_ctx;
    copy_files(m, c);
    if ((r = copy_blobs(m, c, err)) < 0 || (r = semihosting_init(&m->semi, c, err)) < 0)
        return r;
    return machine_copy_modules(m, c, err);
}

void machine_describe_board(struct arm_machine *m, const struct arm_config *c,
                            const struct cpu_model *model, const struct features *features)
{
    m->config = (struct virt_config){.cpu_count = m->cpu_count,
                                     .ram_size = c->ram_size,
                                     .el2 = m->el2,
                                     .vhe = m->el2 && has_feature(features, FEAT_VHE),
                                     .secure = c->secure,
                                     .no_psci = c->secure && (m->firmware || !c->kernel),
                                     .its = !c->gic.no_its && c->gic.version != 2,
                                     .gic_v2 = c->gic.version == 2,
                                     .gicv = c->gic.gicv,
                                     .pmu = has_feature(features, FEAT_PMUv3),
                                     .cpu_compatible = model->compatible,
                                     .seed = c->seed,
                                     .epoch_s = c->rtc_epoch_s ? c->rtc_epoch_s : VIRT_EPOCH_S,
                                     .console = c->console_write,
                                     .console_ctx = c->console_ctx,
                                     .bios = c->bios,
                                     .pflash = {c->pflash[0], c->pflash[1]},
                                     .kernel = c->kernel,
                                     .initrd = c->initrd,
                                     .append = c->append,
                                     .devices = c->devices,
                                     .device_count = c->device_count,
                                     .pcie_ports = c->pcie_ports,
                                     .pcie_port_count = c->pcie_port_count,
                                     .smmu = c->smmu,
                                     .bypass_iommu = c->bypass_iommu,
                                     .no_highmem = c->no_highmem,
                                     .fw_cfg = c->fw_cfg,
                                     .fw_cfg_count = c->fw_cfg_count,
                                     .virtio_legacy = c->virtio_legacy,
                                     .tpm = c->tpm ? *c->tpm : (struct arm_tpm){0},
                                     .no_acpi = c->no_acpi,
                                     .no_seeds = c->no_seeds,
                                     .topology = c->topology,
                                     .smbios = c->smbios,
                                     .smbios_count = c->smbios_count,
                                     .node_count = c->node_count,
                                     .ramfb = c->ramfb};
    virt_divide_requesters(&m->config);
    if (c->node_count)
        memcpy(m->config.nodes, c->nodes, c->node_count * sizeof(*c->nodes));
    if (c->node_count && c->distances)
        memcpy(m->config.distances, c->distances, (size_t)c->node_count * c->node_count);
}

void machine_forget_config(struct arm_machine *m)
{
    m->config.bios = m->config.kernel = m->config.initrd = m->config.append = NULL;
    m->config.devices = NULL;
    m->config.pcie_ports = NULL;
    m->config.fw_cfg = NULL;
    m->config.smbios = NULL;
    m->config.pflash[0].path = m->config.pflash[1].path = NULL;
}

void machine_free_config(struct arm_machine *m)
{
    for (unsigned k = 0; m->blobs && k < m->blob_count; k++)
        free((char *)m->blobs[k].file);
    free(m->blobs);
    free(m->blob_cpu);
    machine_free_modules(m);
    free(m->kernel);
    free(m->initrd);
    free(m->append);
    free(m->dtb);
    free(m->bios);
}
