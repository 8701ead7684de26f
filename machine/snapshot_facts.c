/* Which machines a snapshot fits: the facts of a configuration, and where two lists
 * of them part. */
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "arch/cpu_models.h"
#include "base/bits.h"
#include "machine/snapshot.h"
#include "machine/virt_devices.h"

/* One line; what a value has of line ends and bytes that are no text is escaped. */
static void fact(GString *to, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void fact(GString *to, const char *name, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_autofree char *value = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_autofree char *text = g_strescape(value, "\"\\");
    g_string_append_printf(to, "%s: %s\n", name, text);
}

static void name_fact(GString *to, const char *name, const char *path)
{
    if (path)
        fact(to, name, "%s", path);
}

static void drive_fact(GString *to, const char *name, const struct arm_drive *drive)
{
    static const char *const modes[] = {
        [ARM_DRIVE_SNAPSHOT] = "snapshot",
        [ARM_DRIVE_READONLY] = "read-only",
        [ARM_DRIVE_WRITABLE] = "writable",
    };
    struct stat st;

    if (drive->path)
        fact(to, name, "%s, %lld bytes, %s", drive->path,
             stat(drive->path, &st) == 0 ? (long long)st.st_size : -1LL, modes[drive->mode]);
}

static void cpu_facts(GString *to, const struct arm_config *c, const struct cpu_model *model,
                      const struct features *features)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (enum feature f = FEAT_BASE + 1; f < FEAT_NEVER; f++)
        if (has_feature(features, f))
            g_string_append_printf(names, "%s%s", names->len ? " " : "", feature_name(f));
    fact(to, "CPU", "%s", model->name);
    fact(to, "features", "%s", names->str);
    fact(to, "CPUs", "%u", c->cpus);
    fact(to, "memory", "%" PRIu64 " KiB", c->ram_size >> 10);
    fact(to, "EL2", "%s", c->el2 ? "yes" : "no");
    fact(to, "Secure world", "%s", c->secure ? "yes" : "no");
    fact(to, "late effects", "%s", c->late_effects ? "yes" : "no");
    fact(to, "turns", "%#" PRIx64, c->turn_seed);
    fact(to, "start EL", "%u", c->start_el ? c->start_el : c->el2 ? 2 : 1);
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

static void gic_facts(GString *to, const struct arm_gic_config *c)
{
    fact(to, "GIC",
         "%u list registers, %u priority bits, %u preemption bits, %u INTID bits, %s, %s, version "
         "%u",
         or_default(c->list_registers, 4), or_default(c->priority_bits, 5),
         or_default(c->preemption_bits, 5), or_default(c->intid_bits, 24),
         c->no_its ? "no ITS" : "ITS", c->gicv ? "GICV" : "no GICV", or_default(c->version, 3));
}

static void image_facts(GString *to, const struct arm_config *c)
{
    name_fact(to, "kernel", c->kernel);
    name_fact(to, "initrd", c->initrd);
    name_fact(to, "command line", c->append);
    name_fact(to, "device tree", c->dtb);
    name_fact(to, "firmware", c->bios);
    drive_fact(to, "first flash", &c->pflash[0]);
    drive_fact(to, "second flash", &c->pflash[1]);
    for (unsigned n = 0; n < c->blob_count; n++)
        fact(to, "file", "%s at %#" PRIx64 ", CPU %d", c->blobs[n].path ? c->blobs[n].path : "",
             c->blobs[n].addr, c->blobs[n].cpu);
    for (unsigned n = 0; n < c->module_count; n++)
        fact(to, "module", "%u %s %s, domain %u", c->modules[n].kind, c->modules[n].path,
             c->modules[n].args ? c->modules[n].args : "", c->modules[n].domain);
    for (unsigned n = 0; n < c->domain_count; n++)
        fact(to, "domain", "%s, %" PRIu64 " bytes, %u CPUs", c->domains[n].name,
             c->domains[n].memory, c->domains[n].cpus);
}

static void pci_fact(GString *to, const struct arm_pci_place *p)
{
    if (p->on)
        fact(to, "on PCI", "port %u, %02x.%u, %s%s, vectors %u", p->port, p->devfn >> 3,
             p->devfn & 7, p->no_legacy ? "" : "legacy ", p->no_modern ? "" : "modern", p->vectors);
}

static void blocks_fact(GString *to, const struct arm_device *v)
{
    const struct arm_blocks *b = &v->blocks;

    if (v->kind == ARM_VIRTIO_BLK || v->kind == ARM_VIRTIO_SCSI)
        fact(to, "queues", "%u", v->queues);
    if (v->kind == ARM_VIRTIO_BLK || b->logical || b->physical)
        fact(to, "blocks", "%u of %u bytes, transfers %u to %u, discarding %u%s%s%s", b->logical,
             b->physical, b->min_io, b->opt_io, b->discard, b->no_discard ? ", none" : "",
             b->no_zeroes ? ", no zeroes" : "", b->write_through ? ", written through" : "");
}

static void device_facts(GString *to, const struct arm_config *c)
{
    fact(to, "virtio", "version %d", c->virtio_legacy ? 1 : 2);
    fact(to, "SMMU", "%s%s", c->smmu ? "SMMUv3" : "none", c->bypass_iommu ? ", not of bus 0" : "");
    fact(to, "high memory", "%s", c->no_highmem ? "no" : "yes");
    for (unsigned n = 0; n < c->pcie_port_count; n++)
        fact(to, "PCIe port", "kind %u, behind %u, %02x.%u, slot %u, bus %u%s",
             (unsigned)c->pcie_ports[n].kind, c->pcie_ports[n].port, c->pcie_ports[n].devfn >> 3,
             c->pcie_ports[n].devfn & 7, c->pcie_ports[n].slot, c->pcie_ports[n].bus,
             c->pcie_ports[n].bypass_iommu ? ", past the SMMU" : "");
    for (unsigned n = 0; n < c->device_count; n++) {
        const struct arm_device *v = &c->devices[n];
        fact(to, "virtio device", "%s, bus %u, %u ports%s%s%s%s", virt_kind_name(v->kind), v->bus,
             v->port_count, v->no_event_idx ? ", no event index" : "",
             v->no_indirect ? ", no indirect" : "", v->packed ? ", packed" : "",
             v->access_platform ? ", platform access" : "");
        pci_fact(to, &v->pci);
        blocks_fact(to, v);
        if (virt_place_of(v->kind) == VIRT_UNIT)
            fact(to, "unit", "%u, %u.%u%s", v->unit.controller, v->unit.target, v->unit.lun,
                 v->unit.cdrom ? ", CD-ROM" : "");
        drive_fact(to, "disk", &v->drive);
        name_fact(to, "folder", v->folder.path);
        if (v->width || v->height)
            fact(to, "picture", "%u by %u", v->width, v->height);
        if (v->shared_bytes)
            fact(to, "shared memory", "%" PRIu64 " bytes", v->shared_bytes);
        if (v->vram_mib)
            fact(to, "picture memory", "%u MiB", v->vram_mib);
        if (v->cid)
            fact(to, "address", "%u", v->cid);
        if (v->boot)
            fact(to, "boot", "%u", v->boot - 1);
    }
    for (unsigned n = 0; n < c->fw_cfg_count; n++)
        fact(to, "fw_cfg", "%s", c->fw_cfg[n].name);
    fact(to, "ACPI", "%s", c->no_acpi ? "no" : "yes");
    for (unsigned n = 0; n < c->smbios_count; n++)
        fact(to, "SMBIOS", "type %u, %s", c->smbios[n].type, c->smbios[n].key);
    for (unsigned n = 0; n < c->node_count; n++)
        fact(to, "node", "%" PRIu64 " bytes, CPUs %#" PRIx64, c->nodes[n].memory, c->nodes[n].cpus);
    fact(to, "tpm", "%s", c->tpm ? "yes" : "no");
    fact(to, "ramfb", "%s", c->ramfb ? "yes" : "no");
    fact(to, "RTC", "%u", c->rtc_epoch_s ? c->rtc_epoch_s : VIRT_EPOCH_S);
    fact(to, "seed", "%#" PRIx64, c->seed);
    fact(to, "semihosting", "%s%s", c->semihosting ? "yes" : "no",
         c->semihosting && c->semihosting_el0 ? ", from EL0 too" : "");
}

char *machine_facts(const struct arm_config *c, const struct cpu_model *model,
                    const struct features *features)
{
    GString *to = g_string_new(NULL);

    cpu_facts(to, c, model, features);
    gic_facts(to, &c->gic);
    image_facts(to, c);
    device_facts(to, c);
    return g_string_free(to, FALSE);
}

/* ---- where two lists part ---- */

static bool has_word(char **words, const char *word)
{
    return g_strv_contains((const char *const *)words, word);
}

/* Words of @of that @other does not have, behind @sign. */
static void append_missing(GString *to, char **of, char **other, char sign)
{
    for (char **word = of; *word; word++)
        if (!has_word(other, *word))
            g_string_append_printf(to, " %c%s", sign, *word);
}

static int features_differ(const char *theirs, const char *ours, struct arm_error *err)
{
    g_auto(GStrv) their_words = g_strsplit(theirs, " ", -1), our_words = g_strsplit(ours, " ", -1);
    g_autoptr(GString) words = g_string_new(NULL);

    append_missing(words, their_words, our_words, '+');
    append_missing(words, our_words, their_words, '-');
    return error_set(err, ARM_EINVAL,
                     "the snapshot's CPUs have other features than this machine's:%s", words->str);
}

static const char *line_text(const char *line)
{
    return line && *line ? line : "nothing more";
}

/* The lines differ; either may be NULL, behind the last one. */
static int lines_differ(const char *theirs, const char *ours, struct arm_error *err)
{
    const char *their_value = theirs ? strstr(theirs, ": ") : NULL;
    const char *our_value = ours ? strstr(ours, ": ") : NULL;
    int name = their_value ? (int)(their_value - theirs) : 0;

    if (!their_value || !our_value || our_value - ours != name ||
        strncmp(theirs, ours, (size_t)name) != 0)
        return error_set(err, ARM_EINVAL, "\"%s\" in the snapshot, \"%s\" in this machine",
                         line_text(theirs), line_text(ours));
    if (!strncmp(theirs, "features", (size_t)name))
        return features_differ(their_value + 2, our_value + 2, err);
    return error_set(err, ARM_EINVAL, "%.*s: %s in the snapshot, %s in this machine", name, theirs,
                     their_value + 2, our_value + 2);
}

int machine_facts_fit(const char *theirs, const char *ours, struct arm_error *err)
{
    g_auto(GStrv) a = g_strsplit(theirs, "\n", -1), b = g_strsplit(ours, "\n", -1);
    unsigned n = 0;

    while (a[n] && b[n] && !strcmp(a[n], b[n]))
        n++;
    return a[n] || b[n] ? lines_differ(a[n], b[n], err) : 0;
}
