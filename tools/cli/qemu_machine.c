#include "qemu_machine.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "parse.h"
#include "qemu.h"
#include "suggest.h"

#define VERSION(major, minor) ((unsigned)(major)*100 + (minor))
#define OUR_VERSION           VERSION(7, 2)
#define GICV2_CPUS            8

/* Versions of the board that QEMU has had: the first and the last minor number of
 * each major one. */
static const struct {
    unsigned major, first, last;
} versions[] = {
    {2, 6, 12}, {3, 0, 1}, {4, 0, 2}, {5, 0, 2},  {6, 0, 2},
    {7, 0, 2},  {8, 0, 2}, {9, 0, 2}, {10, 0, 2},
};

/* ---- -machine ---- */

static bool version_exists(unsigned major, unsigned minor)
{
    for (size_t k = 0; k < G_N_ELEMENTS(versions); k++)
        if (versions[k].major == major)
            return minor >= versions[k].first && minor <= versions[k].last;
    return false;
}

/* virt or virt-MAJOR.MINOR. */
static bool parse_type(const char *value, unsigned *version)
{
    unsigned major, minor;
    int length = 0;

    *version = OUR_VERSION;
    if (!strcmp(value, "virt"))
        return true;
    if (sscanf(value, "virt-%2u.%2u%n", &major, &minor, &length) != 2 || value[length])
        return false;
    *version = VERSION(major, minor);
    return version_exists(major, minor);
}

static bool set_type(struct qemu *q, const char *value)
{
    q->machine.named = true;
    if (parse_type(value, &q->machine.version))
        return true;
    q->machine.refused = true;
    if (qemu_missing("board", value))
        return qemu_bad("-machine %s is not offered: %s", value, qemu_missing("board", value));
    struct suggestion near = suggest_for(value);
    suggest_offer(&near, "virt");
    return qemu_bad("-machine %s is not offered: the one board here is virt%s", value,
                    near.best ? "; did you mean virt?"
                              : "; expected virt, or virt-2.6 to virt-10.2");
}

PROPERTY_FLAG(set_virtualization, q->req.config.el2, true)

static bool set_gic_version(struct qemu *q, const char *value)
{
    if (!strcmp(value, "host"))
        qemu_note(q, "gic-version=host: there is no KVM: taking 3");
    q->machine.gic_version = *value == '2' ? 2 : 3;
    return true;
}

static bool set_secure(struct qemu *q, const char *value)
{
    q->req.config.secure = property_is_on(value);
    if (q->req.config.secure)
        qemu_note(q, "-machine secure=on: EL3 is AArch64 only, a GICv2 has one Security state, "
                     "and the Secure world's UART is connected to nothing");
    return true;
}

PROPERTY_FLAG(set_its, q->machine.its_off, false)
PROPERTY_TEXT(set_pflash0, q->machine.pflash[0])
PROPERTY_TEXT(set_pflash1, q->machine.pflash[1])

static bool set_iommu(struct qemu *q, const char *value)
{
    q->req.config.smmu = !strcmp(value, "smmuv3");
    return true;
}

PROPERTY_FLAG(set_bypass, q->req.config.bypass_iommu, true)
PROPERTY_FLAG(set_highmem, q->machine.highmem_off, false)

static bool set_acpi(struct qemu *q, const char *value)
{
    q->req.config.no_acpi = !property_is_on(value) && strcmp(value, "auto") != 0;
    return true;
}

/* Accelerators are tried in their order; tcg among them is what we are like. */
static bool set_accel(struct qemu *q, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, ":", -1);
    bool tcg = false, good = true;

    for (char **w = words; *w; w++) {
        tcg |= !strcmp(*w, "tcg");
        if (!properties_accept("tcg|kvm|hvf|xen|whpx|nvmm|hax|mshv|gunyah", *w))
            good = qemu_refuse("accel", *w, value, "tcg");
    }
    if (good && !tcg)
        qemu_note(q, "there is no accelerator %s: instructions are emulated", value);
    return good;
}

/* What is asked for with "on", and is not there: the guest finds out as on a CPU without it. */
#define LACKING(name, option, what)                                                                \
    static bool set_##name(struct qemu *q, const char *value)                                      \
    {                                                                                              \
        if (property_is_on(value))                                                                 \
            qemu_note(q, option ": there is " what);                                               \
        return true;                                                                               \
    }
LACKING(mte, "-machine mte=on", "no MTE: the ID registers do not announce it")
LACKING(ras, "-machine ras=on", "no table that would tell the guest of errors")
LACKING(hmat, "-machine hmat=on", "no table that would tell the guest of it")
LACKING(nvdimm, "-machine nvdimm=on", "no such memory")

#define SETTER(name, member) PROPERTY_TEXT(set_##name, q->req.member)
SETTER(dumpdtb, dump_dtb)
SETTER(bios, config.bios)
SETTER(kernel, config.kernel)
SETTER(initrd, config.initrd)
SETTER(append, config.append)
SETTER(dtb, config.dtb)
#undef SETTER

PROPERTY_FLAG(set_no_seeds, q->req.config.no_seeds, false)

/* -smp, word for word; what they make together is settled after all options. */
static property_fn set_cpus, set_maxcpus, set_sockets, set_clusters, set_cores, set_threads;

#define SMP_PROPERTIES(prefix)                                                                     \
    {prefix "cpus", "N", set_cpus, NULL}, {prefix "maxcpus", "N", set_maxcpus, NULL},              \
        {prefix "sockets", "N", set_sockets, NULL}, {prefix "dies", "1", NULL, NULL},              \
        {prefix "clusters", "N", set_clusters, NULL}, {prefix "cores", "N", set_cores, NULL},      \
    {                                                                                              \
        prefix "threads", "N", set_threads, NULL                                                   \
    }

static const struct property machine_properties[] = {
    {"type", "NAME", set_type, NULL},
    {"virtualization", "on|off", set_virtualization, NULL},
    {"gic-version", "2|3|max|host", set_gic_version, NULL},
    {"dumpdtb", "FILE", set_dumpdtb, NULL},
    {"kernel", "FILE", set_kernel, NULL},
    {"initrd", "FILE", set_initrd, NULL},
    {"append", "TEXT", set_append, NULL},
    {"dtb", "FILE", set_dtb, NULL},
    {"firmware", "FILE", set_bios, NULL},
    {"pflash0", "ID", set_pflash0, NULL},
    {"pflash1", "ID", set_pflash1, NULL},
    {"accel", "tcg|NAME:NAME", set_accel, NULL},
    {"secure", "on|off", set_secure, NULL},
    {"mte", "on|off", set_mte, NULL},
    {"its", "on|off", set_its, NULL},
    {"iommu", "smmuv3|none", set_iommu, NULL},
    {"acpi", "on|off|auto", set_acpi, NULL},
    {"ras", "on|off", set_ras, NULL},
    {"hmat", "on|off", set_hmat, NULL},
    {"nvdimm", "on|off", set_nvdimm, NULL},
    SMP_PROPERTIES("smp."),
    {"dt-compatible", "TEXT", NULL, "the device tree says linux,dummy-virt"},
    {"phandle-start", "N", NULL, NULL}, /* phandles are what the device tree makes of them */
    {"spcr", "on", NULL, NULL},
    {"usb", "on|off", NULL, NULL},      /* virt has no controller of its own */
    {"graphics", "on|off", NULL, NULL}, /* nor a display */
    {"memory-backend", "ID", qemu_use_backend, NULL},
    {"kernel-irqchip", "on|off|split", NULL, NULL}, /* of KVM */
    {"x-oem-id", "TEXT", NULL, "the ACPI tables have an OEM of their own"},
    {"x-oem-table-id", "TEXT", NULL, "the ACPI tables have an OEM of their own"},
    {"highmem", "on|off", set_highmem, NULL},
    {"compact-highmem", "on|off", NULL, NULL},
    {"highmem-redists", "on|off", NULL, NULL},
    {"highmem-ecam", "on|off", NULL, NULL},
    {"highmem-mmio", "on|off", NULL, NULL},
    {"highmem-mmio-size", "SIZE", NULL, "PCI has 512 GiB there"},
    {"dtb-randomness", "on|off", set_no_seeds, NULL},
    {"dtb-kaslr-seed", "on|off", set_no_seeds, NULL},
    {"default-bus-bypass-iommu", "on|off", set_bypass, NULL},
    {"dump-guest-core", "on|off", NULL, NULL},
    {"mem-merge", "on|off", NULL, NULL},
    {"suppress-vmdesc", "on|off", NULL, NULL},
};

static void print_machine(const char *name, unsigned version, const char *more)
{
    printf("%-20s QEMU %u.%u ARM Virtual Machine%s\n", name, version / 100, version % 100, more);
}

static void print_machines(void)
{
    printf("Supported machines are:\n");
    for (size_t k = 0; k < G_N_ELEMENTS(versions); k++)
        for (unsigned minor = versions[k].first; minor <= versions[k].last; minor++) {
            unsigned version = VERSION(versions[k].major, minor);
            g_autofree char *name = g_strdup_printf("virt-%u.%u", versions[k].major, minor);
            if (version == OUR_VERSION)
                print_machine("virt", version, " (alias of virt-7.2)");
            print_machine(name, version, "");
        }
}

#define PROPERTIES(q, option, value, implied, table)                                               \
    properties_set(q, option, value, implied, table, G_N_ELEMENTS(table))

bool qemu_machine(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    if (properties_want_help(value)) {
        if (is_help(value))
            print_machines();
        else
            properties_print("virt-7.2-machine", machine_properties,
                             G_N_ELEMENTS(machine_properties));
        q->answered = true;
        return true;
    }
    return PROPERTIES(q, "machine", value, "type", machine_properties);
}

/* ---- -smp, -m, -accel ---- */

/* Scripts look for these words, QEMU's, to find out how many they may have. */
static bool set_cpus(struct qemu *q, const char *value)
{
    if (!parse_number(value, 1, UINT32_MAX, &q->machine.cpus))
        return qemu_bad("-smp %s: expected 1 to %d CPUs", value, ARM_CPUS_MAX);
    if (q->machine.cpus > ARM_CPUS_MAX)
        return qemu_bad("Number of SMP CPUs requested (%s) exceeds max CPUs supported by machine "
                        "'virt' (%d)",
                        value, ARM_CPUS_MAX);
    return true;
}

static bool set_maxcpus(struct qemu *q, const char *value)
{
    if (!parse_number(value, 1, UINT32_MAX, &q->machine.maxcpus))
        return qemu_bad("-smp maxcpus=%s: expected a number", value);
    return true;
}

#define LEVEL(name)                                                                                \
    static bool set_##name(struct qemu *q, const char *value)                                      \
    {                                                                                              \
        return parse_number(value, 1, UINT16_MAX, &q->machine.name) ||                             \
               qemu_bad("-smp " #name "=%s: expected a number above 0", value);                    \
    }
LEVEL(sockets)
LEVEL(clusters)
LEVEL(cores)
LEVEL(threads)
#undef LEVEL

static const struct property smp_properties[] = {SMP_PROPERTIES("")};

bool qemu_smp(struct qemu *q, const char *option, const char *value)
{
    struct qemu_machine *m = &q->machine;

    m->cpus = m->maxcpus = m->sockets = m->clusters = m->cores = m->threads = 0;
    return PROPERTIES(q, option, value, "cpus", smp_properties);
}

/* What one level has, of what all have; 1 at least. */
static uint64_t rest(uint64_t all, uint64_t others)
{
    return all > others ? all / others : 1;
}

/* What is not said follows from the rest: more cores first, then sockets, then threads. */
static bool connect_smp(struct qemu *q)
{
    struct qemu_machine *m = &q->machine;
    uint64_t all = m->maxcpus ? m->maxcpus : m->cpus;

    m->clusters = m->clusters ? m->clusters : 1;
    if (!m->cores) {
        m->sockets = m->sockets ? m->sockets : 1;
        m->threads = m->threads ? m->threads : 1;
        m->cores = rest(all, m->sockets * m->clusters * m->threads);
    } else if (!m->sockets) {
        m->threads = m->threads ? m->threads : 1;
        m->sockets = rest(all, m->clusters * m->cores * m->threads);
    } else if (!m->threads) {
        m->threads = rest(all, m->sockets * m->clusters * m->cores);
    }
    if (!m->maxcpus)
        m->maxcpus = m->cpus ? m->cpus : m->sockets * m->clusters * m->cores * m->threads;
    if (!m->cpus)
        m->cpus = m->maxcpus;
    if (m->cpus > ARM_CPUS_MAX)
        return qemu_bad("-smp: %" PRIu64 " CPUs: expected 1 to %d", m->cpus, ARM_CPUS_MAX);
    if (m->maxcpus < m->cpus || m->maxcpus % (m->sockets * m->clusters * m->cores * m->threads))
        return qemu_bad("-smp: expected maxcpus (%u) not below the CPUs, and the topology to "
                        "divide it",
                        (unsigned)m->maxcpus);
    q->req.config.cpus = (unsigned)m->cpus;
    q->req.config.topology =
        (struct arm_topology){(unsigned)m->clusters, (unsigned)m->cores, (unsigned)m->threads};
    return true;
}

static bool set_memory(struct qemu *q, const char *value)
{
    q->machine.ram_named = true;
    if (!parse_size(value, ARM_BIT(20), &q->req.config.ram_size))
        return qemu_bad("-m %s: expected MiB, or a number with K, M or G", value);
    return true;
}

static const struct property memory_properties[] = {
    {"size", "SIZE", set_memory, NULL},
    {"slots", "N", NULL, NULL}, /* places for what could be plugged in: nothing can */
    {"maxmem", "SIZE", NULL, NULL},
};

bool qemu_memory(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "size", memory_properties);
}

static const struct property accel_properties[] = {
    {"accel", "tcg|NAME:NAME", set_accel, NULL},
    {"thread", "single|multi", NULL, NULL},
    {"tb-size", "N", NULL, NULL},
    {"one-insn-per-tb", "on|off", NULL, NULL},
    {"split-wx", "on|off", NULL, NULL},
    {"kernel-irqchip", "on|off|split", NULL, NULL}, /* of KVM, like the rest */
    {"kvm-shadow-mem", "SIZE", NULL, NULL},
    {"dirty-ring-size", "N", NULL, NULL},
    {"eager-split-size", "N", NULL, NULL},
    {"igd-passthru", "off", NULL, NULL},
};

bool qemu_accel(struct qemu *q, const char *option, const char *value)
{
    if (is_help(value)) {
        printf("Accelerators supported in QEMU binary:\ntcg\n");
        q->answered = true;
        return true;
    }
    return PROPERTIES(q, option, value, "accel", accel_properties);
}

bool qemu_enable_kvm(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    return set_accel(q, "kvm");
}

/* ---- all of it ---- */

/* What older and newer boards have otherwise; @last 0: all that follow. */
static void apply_version(struct qemu_machine *m)
{
    static const struct {
        unsigned first, last;
        bool its_off;
        const char *pauth, *lpa2, *pmu;
    } rows[] = {
        {0, VERSION(2, 6), false, NULL, NULL, ",-pmu"},
        {0, VERSION(6, 1), true, NULL, NULL, NULL},
        {0, VERSION(7, 0), false, NULL, ",-lpa2", NULL},
        {0, VERSION(9, 2), false, "pauth-qarma5", NULL, NULL},
        {VERSION(10, 0), 0, false, "pauth-impdef", NULL, NULL},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        if (m->version < rows[k].first || (rows[k].last && m->version > rows[k].last))
            continue;
        m->its_off |= rows[k].its_off;
        m->pauth = m->pauth ? m->pauth : rows[k].pauth;
        m->lpa2 = m->lpa2 ? m->lpa2 : rows[k].lpa2;
        m->pmu = m->pmu ? m->pmu : rows[k].pmu;
    }
}

/* Without gic-version it is a GICv2, as with QEMU, unless there are more CPUs than one has. */
static bool connect_gic(struct qemu *q)
{
    struct qemu_machine *m = &q->machine;
    bool fits = q->req.config.cpus <= GICV2_CPUS;

    if (m->gic_version == 2 && !fits)
        return qemu_bad("Number of SMP CPUs requested (%u) exceeds max CPUs supported by a GICv2 "
                        "(%d)",
                        q->req.config.cpus, GICV2_CPUS);
    if (!m->gic_version && !fits)
        qemu_note(q, "no gic-version, and more than %d CPUs: taking a GICv3", GICV2_CPUS);
    if (!m->gic_version)
        m->gic_version = fits ? 2 : 3;
    q->req.config.gic.version = m->gic_version;
    q->req.config.gic.no_its = m->its_off;
    return true;
}

#define RAM_BELOW_4G (UINT64_C(3) << 30)

bool qemu_machine_connect(struct qemu *q)
{
    struct qemu_machine *m = &q->machine;

    if (!m->named)
        return qemu_bad("no machine; expected -machine virt");
    if (m->refused)
        return false;
    if (!m->model) {
        qemu_note(q, "no -cpu: taking max (QEMU's default is the 32-bit cortex-a15)");
        m->model = "max";
    }
    if (m->version > OUR_VERSION)
        qemu_note(q,
                  "-machine virt-%u.%u: the board is 7.2's, but for the default algorithm of "
                  "pointer authentication",
                  m->version / 100, m->version % 100);
    if (!qemu_memory_connect(q))
        return false;
    if (m->highmem_off && q->req.config.ram_size > RAM_BELOW_4G)
        qemu_note(
            q,
            "-machine highmem=off: of the RAM %u MiB are below 4 GiB, the rest above, as with "
            "QEMU before 7.0",
            (unsigned)(RAM_BELOW_4G >> 20));
    apply_version(m);
    if (!connect_smp(q) || !connect_gic(q))
        return false;
    q->req.config.no_highmem = m->highmem_off;
    qemu_cpu_connect(q);
    return qemu_numa_connect(q);
}
