/*
 * `armillary qemu`: a command line of qemu-system-aarch64 for its `virt` board, as far as it asks
 * for what we have. What is missing takes QEMU 7.2's default, or a note says what is taken instead.
 */
#include <glib.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "command.h"
#include "parse.h"
#include "properties.h"
#include "qemu_devices.h"
#include "qemu_loaders.h"
#include "runner.h"
#include "version.h"

struct qemu {
    struct run_request req;
    struct qemu_loaders loaders;
    struct qemu_devices devices;
    GPtrArray *strings; /* owns what req points at */
    const char *model;  /* ours */
    bool is_max;
    bool virt, gic_version, pauth_off;
    const char *pauth; /* the algorithm's feature, NULL: QEMU 7.2's default, QARMA5 */
    GString *features; /* ",+x,-y" */
    uint64_t topology; /* product of sockets, clusters, cores, threads; 0: not said */
};

struct qemu_devices *qemu_devices(struct qemu *q)
{
    return &q->devices;
}

struct qemu_loaders *qemu_loaders(struct qemu *q)
{
    return &q->loaders;
}

const char *qemu_keep(struct qemu *q, char *text)
{
    g_ptr_array_add(q->strings, text);
    return text;
}

/* ---- properties: key=value,key=value ---- */

static bool set_machine_type(struct qemu *q, const char *value)
{
    (void)value;
    q->virt = true;
    return true;
}

static bool set_virtualization(struct qemu *q, const char *value)
{
    q->req.config.el2 = property_is_on(value);
    return true;
}

static bool set_gic_version(struct qemu *q, const char *value)
{
    (void)value;
    q->gic_version = true;
    return true;
}

static bool set_its(struct qemu *q, const char *value)
{
    q->req.config.gic.no_its = !property_is_on(value);
    return true;
}

/* An option that stores its value: for the option itself and as a property of -machine. */
#define SETTER(name, member)                                                                       \
    static bool set_##name(struct qemu *q, const char *value)                                      \
    {                                                                                              \
        q->req.member = qemu_keep(q, g_strdup(value));                                             \
        return true;                                                                               \
    }
SETTER(dumpdtb, dump_dtb)
SETTER(bios, config.bios)
SETTER(kernel, config.kernel)
SETTER(initrd, config.initrd)
SETTER(append, config.append)
SETTER(dtb, config.dtb)
#undef SETTER

static const struct property machine_properties[] = {
    {"type", "virt|virt-7.2", set_machine_type},
    {"virtualization", "on|off", set_virtualization},
    {"gic-version", "3|max", set_gic_version},
    {"dumpdtb", "FILE", set_dumpdtb},
    {"kernel", "FILE", set_kernel},
    {"initrd", "FILE", set_initrd},
    {"append", "TEXT", set_append},
    {"dtb", "FILE", set_dtb},
    {"accel", "tcg", NULL},
    {"secure", "off", NULL},
    {"mte", "off", NULL},
    {"its", "on|off", set_its},
    {"iommu", "none", NULL},
    {"acpi", "off|auto", NULL},
    {"ras", "off", NULL},
    {"usb", "off", NULL},
    {"graphics", "off", NULL},
    {"highmem", "on|off", NULL},
    {"compact-highmem", "on|off", NULL},
    {"highmem-redists", "on|off", NULL},
    {"highmem-ecam", "on|off", NULL},
    {"highmem-mmio", "on|off", NULL},
    {"dtb-randomness", "on|off", NULL},
    {"dtb-kaslr-seed", "on|off", NULL},
};

static bool set_model(struct qemu *q, const char *value)
{
    q->model = qemu_keep(q, g_strdup(value));
    q->is_max = !strcmp(value, "max");
    return true;
}

static bool set_pauth(struct qemu *q, const char *value)
{
    q->pauth_off = !property_is_on(value);
    return true;
}

#define ALGORITHM(name, feature)                                                                   \
    static bool set_pauth_##name(struct qemu *q, const char *value)                                \
    {                                                                                              \
        if (property_is_on(value))                                                                 \
            q->pauth = feature;                                                                    \
        return true;                                                                               \
    }
ALGORITHM(impdef, "pauth-impdef")
ALGORITHM(qarma3, "pauth-qarma3")
ALGORITHM(qarma5, "pauth-qarma5")
#undef ALGORITHM

static bool set_lpa2(struct qemu *q, const char *value)
{
    g_string_append(q->features, property_is_on(value) ? ",+lpa2" : ",-lpa2");
    return true;
}

static bool set_pmu(struct qemu *q, const char *value)
{
    g_string_append(q->features, property_is_on(value) ? ",+pmu" : ",-pmu");
    return true;
}

#define CPU_MAX_PROPERTIES 7 /* the first ones of cpu_properties exist for -cpu max only */

static const struct property cpu_properties[] = {
    {"pauth", "on|off", set_pauth},
    {"pauth-impdef", "on|off", set_pauth_impdef},
    {"pauth-qarma3", "on|off", set_pauth_qarma3},
    {"pauth-qarma5", "on|off", set_pauth_qarma5},
    {"lpa2", "on|off", set_lpa2},
    {"sme", "off", NULL},
    {"sve", "off", NULL},
    {"pmu", "on|off", set_pmu},
    {"aarch64", "on", NULL},
    {"model", "cortex-a53|cortex-a57|cortex-a72|neoverse-n1|max", set_model},
};

static bool set_cpus(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 1, ARM_CPUS_MAX, &n))
        return qemu_bad("-smp %s: expected 1 to %d CPUs", value, ARM_CPUS_MAX);
    q->req.config.cpus = (unsigned)n;
    return true;
}

static bool set_topology(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 1, ARM_CPUS_MAX, &n))
        return qemu_bad("-smp: \"%s\": expected a number, 1 to %d", value, ARM_CPUS_MAX);
    q->topology = (q->topology ? q->topology : 1) * n;
    return true;
}

static const struct property smp_properties[] = {
    {"cpus", "N", set_cpus},      {"sockets", "N", set_topology}, {"clusters", "N", set_topology},
    {"cores", "N", set_topology}, {"threads", "N", set_topology},
};

static bool set_memory(struct qemu *q, const char *value)
{
    if (!parse_size(value, BIT(20), &q->req.config.ram_size))
        return qemu_bad("-m %s: expected MiB, or a number with K, M or G", value);
    return true;
}

static const struct property memory_properties[] = {{"size", "SIZE", set_memory}};

static bool set_semihosting(struct qemu *q, const char *value)
{
    q->req.config.semihosting = property_is_on(value);
    return true;
}

static const struct property semihosting_properties[] = {
    {"enable", "on|off", set_semihosting},
    {"target", "native|auto", NULL},
    {"userspace", "off", NULL},
};

static const struct property accel_properties[] = {
    {"accel", "tcg", NULL},       {"thread", "single|multi", NULL},
    {"tb-size", "N", NULL},       {"one-insn-per-tb", "on|off", NULL},
    {"split-wx", "on|off", NULL},
};

/* Time always follows the instruction count here. */
static const struct property icount_properties[] = {
    {"shift", "N|auto", NULL},
    {"align", "on|off", NULL},
    {"sleep", "on|off", NULL},
};

/* ---- options ---- */

typedef bool option_fn(struct qemu *q, const char *option, const char *value);

#define PROPERTIES(q, option, value, implied, table)                                               \
    properties_set(q, option, value, implied, table, ARRAY_SIZE(table))

static bool opt_machine(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "type", machine_properties);
}

static bool opt_cpu(struct qemu *q, const char *option, const char *value)
{
    if (!PROPERTIES(q, option, value, "model", cpu_properties))
        return false;
    for (size_t k = 0; k < CPU_MAX_PROPERTIES && !q->is_max; k++) {
        g_autofree char *word = g_strdup_printf(",%s=", cpu_properties[k].key);
        if (strstr(value, word))
            return qemu_bad("-cpu %s: %s is a property of max only", value, cpu_properties[k].key);
    }
    return true;
}

static bool opt_smp(struct qemu *q, const char *option, const char *value)
{
    q->req.config.cpus = 0;
    q->topology = 0;
    if (!PROPERTIES(q, option, value, "cpus", smp_properties))
        return false;
    if (!q->req.config.cpus && q->topology <= ARM_CPUS_MAX)
        q->req.config.cpus = (unsigned)q->topology;
    if (!q->req.config.cpus || (q->topology && q->req.config.cpus % q->topology != 0))
        return qemu_bad("-smp %s: expected 1 to %d CPUs, and their topology to agree", value,
                        ARM_CPUS_MAX);
    return true;
}

static bool opt_memory(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "size", memory_properties);
}

static bool opt_device(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return qemu_is_loader(value) ? qemu_loader(q, value) : qemu_device(q, value);
}

static bool opt_drive(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return qemu_drive(q, value);
}

static bool opt_chardev(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return qemu_chardev(q, value);
}

static bool opt_snapshot(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    q->devices.snapshot = true;
    return true;
}

static bool opt_semihosting(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    q->req.config.semihosting = true;
    return true;
}

static bool opt_semihosting_config(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "enable", semihosting_properties);
}

static bool opt_accel(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "accel", accel_properties);
}

static bool opt_icount(struct qemu *q, const char *option, const char *value)
{
    return PROPERTIES(q, option, value, "shift", icount_properties);
}

/* The first one counts: the board's second UART is Secure. */
static bool opt_serial(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    if (!runner_serial_valid(value))
        return qemu_bad("-serial %s: expected stdio, mon:stdio, null, none or file:PATH", value);
    if (!q->req.serial)
        q->req.serial = qemu_keep(q, g_strdup(value));
    return true;
}

static bool opt_seed(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    if (!parse_number(value, 0, UINT64_MAX, &q->req.config.seed))
        return qemu_bad("-seed %s: expected a number", value);
    return true;
}

static bool opt_no_reboot(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    q->req.config.no_reboot = true;
    return true;
}

static bool opt_ignore(struct qemu *q, const char *option, const char *value)
{
    (void)q, (void)option, (void)value;
    return true;
}

#define STORE(name)                                                                                \
    static bool opt_##name(struct qemu *q, const char *option, const char *value)                  \
    {                                                                                              \
        (void)option;                                                                              \
        return set_##name(q, value);                                                               \
    }
STORE(bios)
STORE(kernel)
STORE(initrd)
STORE(append)
STORE(dtb)
#undef STORE

/* What they accept stands in the argument: a list of words, or a word in capitals. */
static const struct qemu_option {
    const char *name, *argument; /* NULL: it has none */
    option_fn *fn;
    const char *help;
} options[] = {
#define QEMU_OPTION(name, argument, fn, help) {name, argument, opt_##fn, help},
#define NONE                                  NULL
#include "tools/cli/qemu_options.def"
#undef NONE
#undef QEMU_OPTION
};

static void print_options(FILE *to)
{
    for (size_t k = 0; k < ARRAY_SIZE(options); k++)
        fprintf(to, "  -%s%s%s\n        %s\n", options[k].name, options[k].argument ? " " : "",
                options[k].argument ? options[k].argument : "", options[k].help);
}

static int refuse(const char *word)
{
    qemu_bad("%s is not offered; accepted:", word);
    print_options(stderr);
    return EXIT_USAGE;
}

static const struct qemu_option *find_option(const char *word)
{
    if (*word != '-')
        return NULL;
    word += word[1] == '-' ? 2 : 1;
    for (size_t k = 0; k < ARRAY_SIZE(options); k++)
        if (!strcmp(options[k].name, word))
            return &options[k];
    return NULL;
}

/* Arguments that are lists of words are checked here, for all options alike. */
static bool apply(struct qemu *q, const struct qemu_option *o, const char *value)
{
    if (o->fn == opt_ignore && o->argument && !properties_accept(o->argument, value))
        return qemu_bad("-%s %s: expected %s", o->name, value, o->argument);
    return o->fn(q, o->name, value);
}

static bool complete(struct qemu *q)
{
    GString *cpu;

    if (!q->virt)
        return qemu_bad("no machine; expected -machine virt");
    if (!q->gic_version)
        fprintf(stderr, "armillary qemu: note: no gic-version: this machine has a GICv3 (QEMU's "
                        "default is a GICv2)\n");
    if (!q->model) {
        fprintf(stderr, "armillary qemu: note: no -cpu: taking max (QEMU's default is the 32-bit "
                        "cortex-a15)\n");
        set_model(q, "max");
    }
    if (!qemu_devices_connect(q, &q->req.config))
        return false;
    qemu_loaders_connect(q, &q->req.config);
    q->req.devices = &q->devices.options;
    if (!q->req.config.kernel && (q->req.config.append || q->req.config.initrd))
        return qemu_bad("-append and -initrd need -kernel");
    if (!q->req.config.kernel && !q->req.config.bios && !q->req.config.pflash[0].path &&
        !q->req.config.blob_count && !q->req.dump_dtb)
        return qemu_bad("nothing to run; expected -kernel FILE, -bios FILE or "
                        "-device loader,file=FILE,...");
    cpu = g_string_new(q->model);
    if (q->is_max && q->pauth_off)
        g_string_append(cpu, ",-pauth");
    else if (q->is_max)
        g_string_append_printf(cpu, ",+%s", q->pauth ? q->pauth : "pauth-qarma5");
    g_string_append(cpu, q->features->str);
    q->req.config.cpu = qemu_keep(q, g_string_free(cpu, FALSE));
    return true;
}

static int parse(struct qemu *q, int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        const struct qemu_option *o = find_option(argv[k]);

        if (!o)
            return refuse(argv[k]);
        if (o->argument && k + 1 == argc) {
            qemu_bad("%s: expected %s behind it", argv[k], o->argument);
            return EXIT_USAGE;
        }
        if (!apply(q, o, o->argument ? argv[++k] : NULL))
            return EXIT_USAGE;
    }
    return complete(q) ? runner_run(&q->req) : EXIT_USAGE;
}

int cmd_qemu(int argc, char **argv)
{
    struct qemu q = {
        .req = {.config = {.cpus = 1, .ram_size = UINT64_C(128) << 20}, .qemu_codes = true},
        .strings = g_ptr_array_new_with_free_func(g_free),
        .features = g_string_new(NULL),
    };
    int code = 0;

    if (argc == 2 &&
        (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-help") || !strcmp(argv[1], "-h"))) {
        printf("usage: armillary qemu OPTION...\n\n"
               "A command line of qemu-system-aarch64; a word in capitals stands for any value. "
               "Exit code: QEMU's,\nand 2 for an error, 3 if the guest waits for ever, 4 for a "
               "fault loop.\n\n");
        print_options(stdout);
    } else if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-version"))) {
        printf("armillary %s, as qemu-system-aarch64 7.2\n", ARMILLARY_VERSION);
    } else {
        code = parse(&q, argc, argv);
    }
    g_ptr_array_unref(q.strings);
    g_string_free(q.features, TRUE);
    return code;
}
