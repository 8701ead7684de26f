#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "command.h"
#include "runner.h"

struct options {
    char *cpu, *memory, *initrd, *append, *dtb, *dump_dtb, *serial, *max_insns, *seed;
    char **load, **trace, **log, **images;
    int smp, start_el;
    double timeout;
    gboolean stats, no_el2, semihosting, no_reboot;
};

/* A number with an optional suffix K, M or G (powers of 1024). */
static bool parse_size(const char *text, uint64_t unit, uint64_t *out)
{
    char *end;
    uint64_t v = g_ascii_strtoull(text, &end, 0);
    static const char suffixes[] = "KMG";

    if (end == text)
        return false;
    const char *s = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (s) {
        unit = BIT(10 * (unsigned)(s - suffixes + 1));
        end++;
    }
    if (*end || v > UINT64_MAX / unit)
        return false;
    *out = v * unit;
    return true;
}

static int bad(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "armillary run: --%s=%s: expected %s\n", option, value, expected);
    return EXIT_USAGE;
}

/* FILE@ADDR */
static bool parse_load(char *text, struct arm_blob *blob)
{
    char *at = strrchr(text, '@');

    if (!at || !parse_size(at + 1, 1, &blob->addr))
        return false;
    *at = '\0';
    blob->path = text;
    blob->force_raw = true;
    blob->cpu = -1;
    return true;
}

static int start(struct options *o)
{
    struct run_request req = {
        .config = {.cpu = o->cpu ? o->cpu : "max",
                   .cpus = (unsigned)o->smp,
                   .ram_size = UINT64_C(512) << 20,
                   .el2 = !o->no_el2,
                   .start_el = (unsigned)o->start_el,
                   .initrd = o->initrd,
                   .append = o->append,
                   .dtb = o->dtb,
                   .semihosting = o->semihosting,
                   .no_reboot = o->no_reboot},
        .timeout_s = o->timeout,
        .stats = o->stats,
        .traces = (const char *const *)o->trace,
        .logs = (const char *const *)o->log,
        .dump_dtb = o->dump_dtb,
    };
    static const char size_text[] = "a number, optionally with K, M or G";
    struct arm_blob blobs[32];
    unsigned blob_count = 0;

    if (o->memory && !parse_size(o->memory, BIT(20), &req.config.ram_size))
        return bad("memory", o->memory, "MiB, or a number with K, M or G");
    if (o->max_insns && !parse_size(o->max_insns, 1, &req.max_insns))
        return bad("max-insns", o->max_insns, size_text);
    if (o->seed && !parse_size(o->seed, 1, &req.config.seed))
        return bad("seed", o->seed, "a number");
    if (o->serial && strcmp(o->serial, "stdio") && strcmp(o->serial, "none"))
        return bad("serial", o->serial, "stdio or none");
    req.no_stdin = req.no_console = o->serial && !strcmp(o->serial, "none");
    for (char **l = o->load; l && *l; l++)
        if (blob_count == ARRAY_SIZE(blobs) || !parse_load(*l, &blobs[blob_count++]))
            return bad("load", *l, "FILE@ADDR, at most 32 of them");
    req.config.blobs = blobs;
    req.config.blob_count = blob_count;
    if (o->images && o->images[0])
        req.config.kernel = o->images[0];
    if (o->images && o->images[0] && o->images[1]) {
        fprintf(stderr, "armillary run: more than one image: %s\n", o->images[1]);
        return EXIT_USAGE;
    }
    if (!req.config.kernel && !blob_count && !o->dump_dtb) {
        fprintf(stderr, "armillary run: no image; see `armillary run --help`\n");
        return EXIT_USAGE;
    }
    return runner_run(&req);
}

int cmd_run(int argc, char **argv)
{
    struct options o = {.smp = 1};
    const GOptionEntry machine[] = {
        {"cpu", 0, 0, G_OPTION_ARG_STRING, &o.cpu,
         "a57, n1 or max, and features: max,-pauth (default: max)", "MODEL[,±FEATURE...]"},
        {"smp", 0, 0, G_OPTION_ARG_INT, &o.smp, "CPUs, 1 to 8 (default: 1)", "N"},
        {"memory", 0, 0, G_OPTION_ARG_STRING, &o.memory,
         "RAM in MiB, or with K, M, G (default: 512)", "SIZE"},
        {"no-el2", 0, 0, G_OPTION_ARG_NONE, &o.no_el2, "a machine without EL2", NULL},
        {"start-el", 0, 0, G_OPTION_ARG_INT, &o.start_el,
         "enter the image at this EL (default: the highest)", "1|2"},
        {"semihosting", 0, 0, G_OPTION_ARG_NONE, &o.semihosting,
         "answer HLT #0xF000: console output and exit code", NULL},
        {"seed", 0, 0, G_OPTION_ARG_STRING, &o.seed, "of everything random the guest sees", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const GOptionEntry image[] = {
        {"initrd", 0, 0, G_OPTION_ARG_FILENAME, &o.initrd, "initial RAM disk", "FILE"},
        {"append", 0, 0, G_OPTION_ARG_STRING, &o.append, "kernel command line", "TEXT"},
        {"dtb", 0, 0, G_OPTION_ARG_FILENAME, &o.dtb, "use this device tree", "FILE"},
        {"dump-dtb", 0, 0, G_OPTION_ARG_FILENAME, &o.dump_dtb, "write the device tree and exit",
         "FILE"},
        {"load", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.load,
         "put a file's bytes at a physical address (repeatable)", "FILE@ADDR"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const GOptionEntry limits[] = {
        {"max-insns", 0, 0, G_OPTION_ARG_STRING, &o.max_insns, "stop after N instructions (exit 3)",
         "N[K|M|G]"},
        {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o.timeout, "stop after host seconds (exit 3)", "S"},
        {"no-reboot", 0, 0, G_OPTION_ARG_NONE, &o.no_reboot, "stop at a guest reset (exit 1)",
         NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const GOptionEntry debug[] = {
        {"trace", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.trace,
         "exception, sysreg, insn, mem, mmio, irq, tlbi or call; to standard error or a file. "
         "insn and mem slow the machine several times, the others hardly",
         "WHAT[,WHAT...][:FILE]"},
        {"log", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.log,
         "error, warning, guest, info or debug, for all or one of cpu, sysreg, mmu, gic, timer, "
         "device, loader, psci, machine",
         "[CATEGORY=]LEVEL"},
        {"stats", 0, 0, G_OPTION_ARG_NONE, &o.stats,
         "print retired instructions and speed at the end; costs nothing", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const GOptionEntry other[] = {
        {"serial", 0, 0, G_OPTION_ARG_STRING, &o.serial, "the first UART: stdio (default) or none",
         "WHERE"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.images, NULL, "IMAGE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    static const struct {
        const char *name, *title;
    } groups[] = {{"machine", "Machine options:"},
                  {"image", "Image options:"},
                  {"limits", "Limits:"},
                  {"debug", "Debug options:"}};
    const GOptionEntry *const entries[] = {machine, image, limits, debug};
    GOptionContext *ctx = g_option_context_new("- run IMAGE on the machine");
    GError *error = NULL;

    for (size_t k = 0; k < ARRAY_SIZE(groups); k++) {
        g_autofree char *help = g_strdup_printf("Show %s options", groups[k].name);
        GOptionGroup *g = g_option_group_new(groups[k].name, groups[k].title, help, NULL, NULL);
        g_option_group_add_entries(g, entries[k]);
        g_option_context_add_group(ctx, g);
    }
    g_option_context_add_main_entries(ctx, other, NULL);
    g_option_context_set_summary(
        ctx, "Exit code: 0 the guest powered off, its own code at a semihosting exit, 1 it reset\n"
             "with --no-reboot, 2 usage or host error, 3 a limit was reached.");
    for (int k = 1; k < argc; k++)
        if (!strcmp(argv[k], "--help") || !strcmp(argv[k], "-h")) {
            g_autofree char *help = g_option_context_get_help(ctx, FALSE, NULL);
            fputs(help, stdout);
            return 0;
        }
    if (!g_option_context_parse(ctx, &argc, &argv, &error)) {
        fprintf(stderr, "armillary run: %s; see `armillary run --help`\n", error->message);
        g_error_free(error);
        g_option_context_free(ctx);
        return EXIT_USAGE;
    }
    g_option_context_free(ctx);
    return start(&o);
}
