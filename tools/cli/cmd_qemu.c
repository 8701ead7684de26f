/*
 * `armillary qemu`: a command line of qemu-system-aarch64 for its `virt` board, as far as it asks
 * for what we have. What is missing takes QEMU 7.2's default, or a warning says what is taken
 * instead. All that is wrong with a line is printed before it is given up.
 */
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "command.h"
#include "parse.h"
#include "qemu.h"
#include "qemu_config.h"
#include "qemu_json.h"
#include "qemu_outline.h"
#include "suggest.h"

const char *qemu_keep(struct qemu *q, char *text)
{
    g_ptr_array_add(q->strings, text);
    return text;
}

/* With the word that scripts leave out when they look for errors, as they do with QEMU's. */
void qemu_note(struct qemu *q, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    for (unsigned k = 0; k < q->notes->len; k++)
        if (!strcmp(q->notes->pdata[k], text)) {
            g_free(text);
            return;
        }
    g_ptr_array_add(q->notes, text);
}

/* ---- options without a file of their own ---- */

typedef bool option_fn(struct qemu *q, const char *option, const char *value);

#define STORE(name, member)                                                                        \
    static bool qemu_##name(struct qemu *q, const char *option, const char *value)                 \
    {                                                                                              \
        (void)option;                                                                              \
        q->member = qemu_keep(q, g_strdup(value));                                                 \
        return true;                                                                               \
    }
STORE(kernel, req.config.kernel)
STORE(initrd, req.config.initrd)
STORE(append, req.config.append)
STORE(dtb, req.config.dtb)
STORE(pidfile, req.pidfile)
#undef STORE

/* Boards of other architectures have firmware unless this says none. */
static bool qemu_bios(struct qemu *q, const char *option, const char *value)
{
    if (!strcmp(value, "none"))
        qemu_note(q, "-%s none: there is no firmware in any case", option);
    else
        q->req.config.bios = qemu_keep(q, g_strdup(value));
    return true;
}

#define SWITCH(name, member)                                                                       \
    static bool qemu_##name(struct qemu *q, const char *option, const char *value)                 \
    {                                                                                              \
        (void)option, (void)value;                                                                 \
        q->member = true;                                                                          \
        return true;                                                                               \
    }
SWITCH(snapshot, devices.snapshot)
SWITCH(no_reboot, req.config.no_reboot)
SWITCH(nodefaults, host.nodefaults)
SWITCH(nographic, host.nographic)
SWITCH(no_acpi, req.config.no_acpi)
SWITCH(daemonize, process.daemonize)
#undef SWITCH

static bool qemu_no_shutdown(struct qemu *q, const char *option, const char *value)
{
    (void)value;
    qemu_note(q, "-%s: the machine ends when the guest powers it off", option);
    return true;
}

/* Time always follows the instruction count here. */
static bool qemu_icount(struct qemu *q, const char *option, const char *value)
{
    static const struct property properties[] = {
        {"shift", "N|auto", NULL, NULL},
        {"align", "on|off", NULL, NULL},
        {"sleep", "on|off", NULL, NULL},
        {"rr", "record|replay", NULL, NULL}, /* of input, as --record and --replay have it */
        {"rrfile", "FILE", NULL, NULL},
        {"rrsnapshot", "NAME", NULL, "a run is gone over from its beginning"},
    };
    g_autofree char *mode = properties_find(value, "shift", "rr");
    g_autofree char *file = properties_find(value, "shift", "rrfile");

    if (!properties_set(q, option, value, "shift", properties, G_N_ELEMENTS(properties)))
        return false;
    if (!mode)
        return true;
    if (!file)
        return qemu_bad("-icount rr=%s: expected rrfile=FILE", mode);
    *(strcmp(mode, "record") ? &q->req.replay : &q->req.record) = qemu_keep(q, g_strdup(file));
    return true;
}

/* By take_first(). */
static bool qemu_taken(struct qemu *q, const char *option, const char *value)
{
    (void)q, (void)option, (void)value;
    return true;
}

static bool qemu_localtime(struct qemu *q, const char *option, const char *value)
{
    (void)value;
    return qemu_rtc(q, option, "base=localtime");
}

static bool qemu_startdate(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *base = g_strdup_printf("base=%s", strcmp(value, "now") ? value : "utc");

    return qemu_rtc(q, option, base);
}

static bool qemu_balloon(struct qemu *q, const char *option, const char *value)
{
    if (strcmp(value, "none") && strcmp(value, "virtio"))
        return qemu_bad("-%s %s: expected none or virtio", option, value);
    return !strcmp(value, "none") || qemu_device(q, "device", "virtio-balloon-pci");
}

static bool qemu_seed(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    if (!parse_number(value, 0, UINT64_MAX, &q->req.config.seed))
        return qemu_bad("-seed %s: expected a number", value);
    return true;
}

static bool qemu_version(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    printf("QEMU emulator version 7.2.0 (as armillary %s takes its place)\n", arm_version());
    q->answered = true;
    return true;
}

static option_fn qemu_help; /* prints the table that it is in */

static option_fn qemu_noted; /* says the help of its row */

static bool qemu_ignore(struct qemu *q, const char *option, const char *value)
{
    (void)q, (void)option, (void)value;
    return true;
}

/* ---- the tables ---- */

/* What they accept stands in the argument: a list of words, or a word in capitals. */
static const struct qemu_option {
    const char *name, *argument; /* NULL: it has none */
    option_fn *fn;
    const char *help;
} options[] = {
#define QEMU_OPTION(name, argument, fn, help) {name, argument, qemu_##fn, help},
#define NONE                                  NULL
#include "tools/cli/qemu_options.def"
#undef NONE
#undef QEMU_OPTION
};

/* Known, and not offered. */
static const struct {
    const char *name;
    bool has_argument;
    const char *reason;
} missing[] = {
#define NONE     false
#define ARGUMENT true
#define QEMU_MISSING(kind, pattern, reason)
#define QEMU_MISSING_OPTION(name, argument, reason) {name, argument, reason},
#include "tools/cli/qemu_missing.def"
#undef QEMU_MISSING_OPTION
#undef QEMU_MISSING
#undef ARGUMENT
#undef NONE
};

static void print_options(void)
{
    const char *name, *argument, *help;

    for (size_t k = 0; k < G_N_ELEMENTS(options); k++)
        printf("  -%s%s%s\n        %s\n", options[k].name, options[k].argument ? " " : "",
               options[k].argument ? options[k].argument : "", options[k].help);
    printf("\nOf `armillary run`:\n");
    for (size_t k = 0; run_options_name(k, &name, &argument, &help); k++)
        printf("  --%s%s%s\n        %s\n", name, *argument ? " " : "", argument, help);
}

static bool qemu_help(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    printf("armillary %s, in the place of QEMU's qemu-system-aarch64 7.2\n"
           "usage: armillary qemu OPTION...\n\n"
           "A command line of qemu-system-aarch64; a word in capitals stands for any value. "
           "Exit code: QEMU's,\nand 2 for an error, 3 if the guest waits for ever, 4 for a fault "
           "loop.\n\n",
           arm_version());
    print_options();
    q->answered = true;
    return true;
}

/* The name of an option: behind one hyphen or two. NULL: it is none. */
static const char *option_name(const char *word)
{
    return *word != '-' || !word[1] ? NULL : word + (word[1] == '-' ? 2 : 1);
}

static const struct qemu_option *find_option(const char *name)
{
    for (size_t k = 0; name && k < G_N_ELEMENTS(options); k++)
        if (!strcmp(options[k].name, name))
            return &options[k];
    return NULL;
}

/* What is accepted and changes nothing, which the option's help says. */
static bool qemu_noted(struct qemu *q, const char *option, const char *value)
{
    if (value && is_help(value)) {
        printf("-%s: %s\n", option, find_option(option)->help);
        return q->answered = true;
    }
    qemu_note(q, "-%s%s%s: %s", option, value ? " " : "", value ? value : "",
              find_option(option)->help);
    return true;
}

static bool refuse_unknown(const char *word, const char *name)
{
    struct suggestion near = suggest_for(name);
    const char *own, *argument, *help;

    for (size_t k = 0; k < G_N_ELEMENTS(options); k++)
        suggest_offer(&near, options[k].name);
    for (size_t k = 0; run_options_name(k, &own, &argument, &help); k++)
        suggest_offer(&near, own);
    if (near.best)
        return qemu_bad("%s is not offered; did you mean %s%s?", word,
                        find_option(near.best) ? "-" : "--", near.best);
    return qemu_bad("%s is not offered; `armillary qemu --help` lists what is", word);
}

/* "-netdev help" */
static int answer_none(struct qemu *q, const char *option, const char *reason)
{
    printf("Available %s types:\nnone: %s\n", option, reason);
    q->answered = true;
    return 2;
}

/* Return: how many words the refused option takes: an unknown one has what looks like its value. */
static int refuse_option(struct qemu *q, int argc, char **argv, bool *good)
{
    const char *name = option_name(argv[0]);

    for (size_t k = 0; k < G_N_ELEMENTS(missing); k++)
        if (!strcmp(missing[k].name, name)) {
            if (missing[k].has_argument && argc > 1 && is_help(argv[1]))
                return answer_none(q, name, missing[k].reason);
            qemu_bad("-%s is not offered: %s", name, missing[k].reason);
            *good = false;
            return 1 + (missing[k].has_argument && argc > 1);
        }
    *good = refuse_unknown(argv[0], name);
    return 1 + (argc > 1 && !option_name(argv[1]));
}

static bool call(struct qemu *q, const struct qemu_option *o, const char *value)
{
    static option_fn *const in_json[] = {qemu_blockdev, qemu_device, qemu_netdev, qemu_object};
    bool json = false;

    for (size_t k = 0; k < G_N_ELEMENTS(in_json); k++)
        json |= o->fn == in_json[k] && value && *value == '{';
    g_autofree char *flat = json ? qemu_json_flat(o->name, value) : NULL;
    return (!json || flat) && o->fn(q, o->name, flat ? flat : value);
}

/* Arguments that are lists of words are checked here, for all options alike. */
static bool apply(struct qemu *q, const struct qemu_option *o, const char *value)
{
    g_autofree char *what = g_strdup_printf("-%s %s", o->name, value ? value : "");

    if (o->fn == qemu_ignore && value && !properties_accept(o->argument, value)) {
        if (!is_help(value))
            return qemu_refuse(o->name, value, what, o->argument);
        printf("-%s: %s\n", o->name, o->argument);
        q->answered = true;
        return true;
    }
    if (call(q, o, value))
        return true;
    q->host.refused |= o->fn == qemu_chardev;
    q->net.refused |= o->fn == qemu_netdev || o->fn == qemu_nic || o->fn == qemu_net;
    q->devices.refused |= o->fn == qemu_device || o->fn == qemu_drive || o->fn == qemu_object;
    return false;
}

/* One option. Return: how many words it took; *@good becomes false if it was refused. */
static int take(struct qemu *q, int argc, char **argv, bool *good)
{
    int own = run_options_take(q->own, argc, argv);
    const struct qemu_option *o = own ? NULL : find_option(option_name(argv[0]));

    if (own > 0)
        return own;
    if (own < 0 || (o && o->argument && argc < 2)) {
        *good = qemu_bad("%s: expected %s behind it", argv[0], o ? o->argument : "its value");
        return 1;
    }
    if (!o && !option_name(argv[0])) { /* the first disk, as -hda has it */
        *good &= apply(q, find_option("hda"), argv[0]);
        return 1;
    }
    if (!o)
        return refuse_option(q, argc, argv, good);
    *good &= apply(q, o, o->argument ? argv[1] : NULL);
    return 1 + !!o->argument;
}

/* Is there anything to do? With the monitor at standard input even an empty board is. */
static bool check_images(const struct qemu *q)
{
    const struct arm_config *c = &q->req.config;

    if (!c->kernel && (c->append || c->initrd) && !q->req.dump_dtb)
        return qemu_bad("-append and -initrd need -kernel");
    if (c->kernel || c->bios || c->pflash[0].path || c->blob_count || q->req.dump_dtb ||
        q->req.monitor_first)
        return true;
    return qemu_bad("nothing to run; expected -kernel FILE, -bios FILE or "
                    "-device loader,file=FILE,...");
}

/* The parts refer to each other; each reports what is wrong with it. To say that an id is not there
 * when its -chardev was refused, or no image when its -drive was, would only confuse. @good:
 * nothing was refused before. */
static bool complete(struct qemu *q, bool good)
{
    good &= qemu_machine_connect(q);

    if (!q->devices.refused && !q->host.refused && !q->net.refused)
        good &= qemu_devices_connect(q);
    if (!q->host.refused)
        good &= qemu_host_connect(q);
    good &= run_options_apply(q->own, &q->req);
    good &= qemu_process_connect(q);
    qemu_loaders_connect(q);
    qemu_smbios_connect(q);
    qemu_debug_connect(q);
    qemu_outline_connect(q);
    return good && check_images(q);
}

static void print_notes(const struct qemu *q)
{
    for (unsigned k = 0; k < q->notes->len; k++)
        fprintf(stderr, "armillary qemu: warning: %s\n", (const char *)q->notes->pdata[k]);
}

/* Options that count for others wherever they stand: -global, for all devices, and -add-fd. */
static bool take_first(struct qemu *q, GPtrArray *words)
{
    bool good = true;

    for (guint k = 1; k + 2 < words->len; k++) {
        const char *name = option_name(words->pdata[k]);
        if (name && !strcmp(name, "global"))
            good &= qemu_global(q, name, words->pdata[++k]);
        else if (name && !strcmp(name, "add-fd"))
            good &= qemu_add_fd(q, name, words->pdata[++k]);
    }
    qemu_fdsets_name(q, words);
    return good;
}

static int parse_and_run(struct qemu *q, GPtrArray *words)
{
    bool good = take_first(q, words);
    int argc = (int)words->len - 1;
    char **argv = (char **)words->pdata;

    for (int k = 1; k < argc && !q->answered;)
        k += take(q, argc - k, argv + k, &good);
    if (q->answered)
        return good ? 0 : EXIT_USAGE;
    if (!complete(q, good))
        return EXIT_USAGE;
    print_notes(q);
    return qemu_process_run(q);
}

int cmd_qemu(int argc, char **argv)
{
    struct qemu q = {
        .req = {.config = {.cpus = 1, .ram_size = UINT64_C(128) << 20, .virtio_legacy = true},
                .qemu_codes = true},
        .net = {.hub = -1},
        .strings = g_ptr_array_new_with_free_func(g_free),
        .notes = g_ptr_array_new_with_free_func(g_free),
        .own = run_options_new(),
    };
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    int code = EXIT_USAGE;

    if (qemu_config_expand(&q, argc, argv, words))
        code = parse_and_run(&q, words);
    qemu_tpm_close(&q);
    g_ptr_array_unref(q.strings);
    g_ptr_array_unref(q.notes);
    if (q.host.arguments)
        g_string_free(q.host.arguments, TRUE);
    qemu_debug_free(&q.debug);
    run_options_free(q.own);
    return code;
}
