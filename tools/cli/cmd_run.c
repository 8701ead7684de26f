/* `armillary run`: options are rows of run_options.def. */
#include <glib.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "command.h"
#include "death_report.h"
#include "devices.h"
#include "gdb_socket.h"
#include "host_code.h"
#include "irq_trace.h"
#include "link.h"
#include "lockstep.h"
#include "modules.h"
#include "option_texts.h"
#include "parse.h"
#include "run_options.h"
#include "runner.h"
#include "step.h"
#include "trace.h"

#define TYPE_TEXT char *
#define TYPE_FILE char *
#define TYPE_LIST char **
#define TYPE_FLAG gboolean

struct options {
#define OPTION(group, name, member, kind, ...) TYPE_##kind member;
#include "tools/cli/run_options.def"
#undef OPTION
    char **images;
    gboolean help;
    const char *command; /* as the user says it: "armillary run" */
    char *rerun;         /* the words of the command line behind that */
};

/* Texts are bytes, taken as they are: G_OPTION_ARG_STRING would convert them from the locale, and
 * refuse a name that is not of it. */
#define ARG_TEXT G_OPTION_ARG_FILENAME
#define ARG_FILE G_OPTION_ARG_FILENAME
#define ARG_LIST G_OPTION_ARG_FILENAME_ARRAY
#define ARG_FLAG G_OPTION_ARG_NONE

#define MUST_NAME_TEXT false
#define MUST_NAME_FILE true /* empty it is an error */
#define MUST_NAME_LIST false
#define MUST_NAME_FLAG false

static const struct option_row {
    const char *group, *name;
    GOptionArg kind;
    size_t offset;
    bool must_name;
    const char *argument, *help, *def, *cost;
} rows[] = {
#define OPTION(group, name, member, kind, argument, help, def, cost)                               \
    {#group, name, ARG_##kind, offsetof(struct options, member), MUST_NAME_##kind, argument,       \
     help,   def,  cost},
#include "tools/cli/run_options.def"
#undef OPTION
};

static const struct {
    const char *name, *title;
} groups[] = {{"machine", "Machine options:"}, {"image", "Image options:"},
              {"limits", "Limits:"},           {"debug", "Debug options:"},
              {"check", "Check options:"},     {"sweep", "Sweep options:"},
              {"step", "Step options:"}};

/* Of each enum run_kind. */
static const struct {
    const char *command, *what;
} kinds[] = {
    [RUN_PLAIN] = {"armillary run", "run it on the machine"},
    [RUN_CHECKED] = {"armillary check", "run it and check its world switches"},
    [RUN_STEPPED] = {"armillary step", "go forwards and backwards through its world switches"},
};

#define BLOBS_MAX 32

static int bad(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "armillary run: --%s=%s: expected %s\n", option, value, expected);
    return EXIT_USAGE;
}

/* FILE@ADDR; cuts @text. */
static bool parse_load(char *text, struct arm_blob *blob)
{
    char *at = strrchr(text, '@');

    if (!at || at == text || !parse_address(at + 1, &blob->addr))
        return false;
    *at = '\0';
    blob->path = text;
    blob->force_raw = true;
    blob->cpu = -1;
    return true;
}

static bool parse_seconds(const char *text, double *out)
{
    char *end;

    *out = g_ascii_strtod(text, &end);
    return g_ascii_isdigit(text[0]) && *end == '\0' && *out > 0 && *out < 1e9;
}

/* KEY=N,KEY=N; other ranges are the library's business, to which 0 is the default. */
static bool parse_gic(const char *text, struct arm_gic_config *gic)
{
    const struct {
        const char *key;
        unsigned *value;
        unsigned min;
    } keys[] = {
#define X(key, member, least, ...) {key, &gic->member, least},
        GIC_KEYS(X)
#undef X
    };
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    for (char **p = parts; *p; p++) {
        char *eq = strchr(*p, '=');
        size_t k = 0;
        uint64_t n;

        if (!eq)
            return false;
        *eq = '\0';
        while (k < G_N_ELEMENTS(keys) && strcmp(*p, keys[k].key))
            k++;
        if (k == G_N_ELEMENTS(keys) || !parse_number(eq + 1, keys[k].min, UINT16_MAX, &n))
            return false;
        *keys[k].value = (unsigned)n;
    }
    return true;
}

/* Options that name files. Return: 0 or an exit code. */
static int check_names(const struct options *o)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        const void *member = (const char *)o + rows[k].offset;
        const char *value = rows[k].must_name ? *(char *const *)member : NULL;
        if (value && !*value)
            return bad(rows[k].name, value, "the name of a file");
    }
    for (char **image = o->images; image && *image; image++)
        if (!**image) {
            fprintf(stderr, "armillary run: \"\": expected the name of an image\n");
            return EXIT_USAGE;
        }
    return 0;
}

/* Options whose values are numbers. Return: 0 or an exit code. */
static bool parse_engine(const char *text, enum arm_engine *engine)
{
    static const char *const names[] = {[ARM_ENGINE_DEFAULT] = "",
                                        [ARM_ENGINE_INTERP] = "interp",
                                        [ARM_ENGINE_JIT] = "jit",
                                        [ARM_ENGINE_JIT_EAGER] = "jit-eager"};

    for (unsigned k = ARM_ENGINE_INTERP; k < G_N_ELEMENTS(names); k++) {
        if (strcmp(text, names[k]) == 0) {
            *engine = (enum arm_engine)k;
            return true;
        }
    }
    return false;
}

static bool is_lockstep(const struct options *o)
{
    return o->engine && strcmp(o->engine, "lockstep") == 0;
}

static int parse_numbers(const struct options *o, struct run_request *req)
{
    uint64_t cpus = 1, start_el = 0;

    if (o->smp && !parse_number(o->smp, 1, ARM_CPUS_MAX, &cpus))
        return bad("smp", o->smp, "1 to " G_STRINGIFY(ARM_CPUS_MAX) " CPUs");
    if (o->start_el && !parse_number(o->start_el, 1, 2, &start_el))
        return bad("start-el", o->start_el, "1 or 2");
    if (o->memory &&
        (!parse_size(o->memory, ARM_BIT(20), &req->config.ram_size) || !req->config.ram_size))
        return bad("memory", o->memory, "MiB, or a number with K, M or G, above 0");
    if (o->seed && !parse_number(o->seed, 0, UINT64_MAX, &req->config.seed))
        return bad("seed", o->seed, "a number");
    if (o->engine && !is_lockstep(o) && !parse_engine(o->engine, &req->config.engine))
        return bad("engine", o->engine, "interp, jit, jit-eager or lockstep");
    if (o->turns && !parse_number(o->turns, 0, UINT64_MAX, &req->config.turn_seed))
        return bad("turns", o->turns, "a number");
    if (o->inject && !sweep_parse_injection(o->inject, &req->inject))
        return bad("inject", o->inject, "KIND@INSNS[:CPU], KIND sgi, ppi, vtimer or serror");
    if (o->gic && !parse_gic(o->gic, &req->config.gic))
#define X(key, member, least, range, ...) " " key " (" range ")"
        return bad("gic", o->gic, "KEY=N,...; keys are" GIC_KEYS(X));
#undef X
    req->config.cpus = (unsigned)cpus;
    req->config.start_el = (unsigned)start_el;
    return 0;
}

/* Digits alone: decimal to some, hexadecimal to others. */
static int bad_load(const char *text)
{
    const char *at = strrchr(text, '@');
    uint64_t n;

    if (!at || !parse_hex(at + 1, &n) || !strncasecmp(at + 1, "0x", 2))
        return bad("load", text, "FILE@ADDR, at most 32 of them; ADDR as 0x40080000 or 1G");
    fprintf(stderr, "armillary run: --load=%s: expected an address with 0x: is it 0x%s", text,
            at + 1);
    if (parse_number(at + 1, 0, UINT64_MAX, &n))
        fprintf(stderr, " or %#" PRIx64, n);
    fprintf(stderr, "?\n");
    return EXIT_USAGE;
}

static int parse_blobs(const struct options *o, struct arm_blob *blobs, struct run_request *req)
{
    unsigned count = 0;

    for (char **l = o->load; l && *l; l++, count++)
        if (count == BLOBS_MAX || !parse_load(*l, &blobs[count]))
            return bad_load(*l);
    if (!req->config.kernel && !req->config.bios && count)
        blobs[0].cpu = 0;
    req->config.blobs = blobs;
    req->config.blob_count = count;
    return 0;
}

static int parse_sweep(const struct options *o, struct sweep_request *sweep)
{
    *sweep = (struct sweep_request){.passages = 1, .insns = 2000, .shard = 1, .shards = 1};
    if (o->seeds && !parse_number(o->seeds, 1, UINT32_MAX, &sweep->seeds))
        return bad("seeds", o->seeds, "a number above 0");
    if (o->sweep && (o->seeds || !sweep_parse_kinds(o->sweep, &sweep->kinds)))
        return bad("sweep", o->sweep, "sgi, ppi, vtimer, serror or irq, and no --seeds");
    if (o->sweep_passages && !parse_number(o->sweep_passages, 1, UINT32_MAX, &sweep->passages))
        return bad("sweep-passages", o->sweep_passages, "a number above 0");
    if (o->sweep_insns && !parse_number(o->sweep_insns, 1, UINT32_MAX, &sweep->insns))
        return bad("sweep-insns", o->sweep_insns, "a number above 0");
    if (o->shard && !sweep_parse_shard(o->shard, &sweep->shard, &sweep->shards))
        return bad("shard", o->shard, "K/N, K from 1 to N");
    return 0;
}

/* Two machines have no monitor, no input and no traces. */
static bool lockstep_allows(const struct options *o)
{
    return !o->trace && !o->trace_irq && !o->gdb && !o->monitor && !o->qmp && !o->record &&
           !o->replay && !o->save && !o->restore && !o->model && !o->inject && !o->serial &&
           !o->virtio_console && !o->dump_dtb && !o->dump_blocks && !o->perf_map;
}

static int start(const struct options *o, enum run_kind kind)
{
    struct run_request req = {
        .config = {.cpu = o->cpu ? o->cpu : "max",
                   .ram_size = UINT64_C(512) << 20,
                   .el2 = !o->no_el2,
                   .kernel = o->images ? o->images[0] : NULL,
                   .bios = o->bios,
                   .initrd = o->initrd,
                   .append = o->append,
                   .dtb = o->dtb,
                   .virtio_legacy = o->virtio_legacy,
                   .late_effects = o->late_effects,
                   .semihosting = o->semihosting || o->semihosting_dir || o->semihosting_el0,
                   .semihosting_dir = o->semihosting_dir,
                   .semihosting_el0 = o->semihosting_el0},
        .serial = o->serial,
        .dump_dtb = o->dump_dtb,
    };
    struct arm_blob blobs[BLOBS_MAX];
    struct module_options modules;
    struct device_options devices;
    struct check_request wishes = {.config = {.rules = o->rules,
                                              .budget = o->budget,
                                              .write_budget = o->write_budget,
                                              .symbols = (const char *const *)o->symbols,
                                              .suppress = o->suppress,
                                              .image = o->images ? o->images[0] : o->bios,
                                              .rerun = o->rerun}};
    const bool check = kind != RUN_PLAIN;
    int code = check_names(o);

    if ((check && check_answers(&wishes, &code)) || traces_help((const char *const *)o->trace))
        return code;
    if (code == 0)
        code = parse_numbers(o, &req);
    if (code == 0 && !run_options_apply(o, &req))
        code = EXIT_USAGE;
    if (code == 0)
        code = parse_blobs(o, blobs, &req);
    if (code == 0 && !modules_parse(&modules, o->module, o->domain, &req.config))
        code = EXIT_USAGE;
    if (code == 0 && !devices_parse(&devices, o->drive, o->virtio_console, o->rng, &req.config))
        code = EXIT_USAGE;
    if (code)
        return code;
    if (check && !check_parse(&wishes, o->report))
        return EXIT_USAGE;
    const char *const own[] = {req.config.kernel, NULL};
    if (check && !o->symbols && req.config.kernel && check_has_symbols(req.config.kernel))
        wishes.config.symbols = own;
    if (check && (code = parse_sweep(o, &wishes.sweep)))
        return code;
    if (wishes.config.html && (wishes.sweep.seeds || wishes.sweep.kinds))
        return bad("report", "html", "one run; merge the JSON of several");
    req.check = check ? &wishes : NULL;
    req.devices = &devices;
    if (o->serial && !runner_serial_valid(o->serial))
        return bad("serial", o->serial, "stdio, none or file:PATH");
    if (o->model && kind == RUN_STEPPED)
        return bad("model", o->model, "no model: who steps back would have it count twice");
    if (o->images && o->images[0] && o->images[1]) {
        fprintf(stderr, "%s: \"%s\" is a second image; expected one\n", o->command, o->images[1]);
        return EXIT_USAGE;
    }
    if (!req.config.kernel && !req.config.bios && !req.config.blob_count && !o->dump_dtb) {
        fprintf(stderr, "%s: no image; see `%s --help`\n", o->command, o->command);
        return EXIT_USAGE;
    }
    if (kind == RUN_CHECKED && wishes.sweep.seeds)
        return sweep_seeds(&req);
    bool lockstep = is_lockstep(o);
    if (lockstep && (kind != RUN_PLAIN || !lockstep_allows(o)))
        return bad("engine", o->engine, "no other option that watches the run or gives it input");
    if (lockstep)
        return lockstep_run(&req);
    struct host_code host_code;
    if (!host_code_begin(&host_code, o->dump_blocks, o->perf_map, &req.config))
        return EXIT_USAGE;
    code = kind == RUN_STEPPED ? step_run(&req, &wishes, o->script) : runner_run(&req);
    host_code_end(&host_code);
    return code;
}

/* The row's sentence, with default and cost. */
static char *describe(const struct option_row *row)
{
    return g_strdup_printf("%s%s%s%s%s%s", row->help, *row->def ? " (default: " : "", row->def,
                           *row->def ? ")" : "", *row->cost ? "; cost: " : "", row->cost);
}

/* The rows of one group as GOption wants them; strings are added to @keep. */
static GArray *group_entries(struct options *o, const char *group, GPtrArray *keep)
{
    GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        if (strcmp(rows[k].group, group))
            continue;
        char *text = describe(&rows[k]);
        GOptionEntry e = {rows[k].name,
                          0,
                          0,
                          rows[k].kind,
                          (char *)o + rows[k].offset,
                          text,
                          *rows[k].argument ? rows[k].argument : NULL};
        g_array_append_val(entries, e);
        g_ptr_array_add(keep, text);
    }
    return entries;
}

static GOptionContext *make_context(struct options *o, GPtrArray *keep, enum run_kind kind)
{
    g_autofree char *text = g_strdup_printf("IMAGE - %s", kinds[kind].what);

    g_set_prgname(kinds[kind].command);
    GOptionContext *ctx = g_option_context_new(text);
    const GOptionEntry others[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &o->help, "show this and end", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(groups); k++) {
        if ((kind == RUN_PLAIN && !strcmp(groups[k].name, "check")) ||
            (kind != RUN_CHECKED && !strcmp(groups[k].name, "sweep")) ||
            (kind != RUN_STEPPED && !strcmp(groups[k].name, "step")))
            continue;
        g_autofree char *help = g_strdup_printf("Show %s options", groups[k].name);
        GOptionGroup *g = g_option_group_new(groups[k].name, groups[k].title, help, NULL, NULL);
        GArray *entries = group_entries(o, groups[k].name, keep);
        g_option_group_add_entries(g, (const GOptionEntry *)(const void *)entries->data);
        g_option_context_add_group(ctx, g);
        g_array_unref(entries);
    }
    g_option_context_add_main_entries(ctx, others, NULL);
    g_option_context_set_help_enabled(ctx, FALSE);
    if (kind == RUN_CHECKED)
        g_option_context_set_summary(ctx, check_summary);
    else if (kind == RUN_STEPPED)
        g_option_context_set_summary(ctx, step_summary);
    else
        g_option_context_set_summary(
            ctx,
            "IMAGE is an arm64 Image, an ELF file, a U-Boot image or a flat binary; it may be\n"
            "packed (gzip, zstd, xz, lzma or EFI zboot).\n"
            "Exit code: 0 the guest powered off, its own code at a semihosting exit, 1 it reset\n"
            "with --no-reboot, 2 usage or host error, also one of writing what was printed, 3 a\n"
            "limit was reached or you quit, 4 a fault loop, 5 a panic (--on-death=stop),\n"
            "6 the engines differ (--engine=lockstep).\n"
            "At a terminal: Ctrl-A x quits, Ctrl-A c opens the monitor.");
    return ctx;
}

static void free_options(struct options *o)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        void *member = (char *)o + rows[k].offset;
        if (rows[k].kind == ARG_LIST)
            g_strfreev(*(char ***)member);
        else if (rows[k].kind != ARG_FLAG)
            g_free(*(char **)member);
    }
    g_strfreev(o->images);
    g_free(o->rerun);
}

/* What a shell takes as the same words, without the options of the groups "check" and "sweep",
 * those of gdb, and --max-insns, which is to be another. */
static char *rerun_words(int argc, char **argv)
{
    GString *words = g_string_new(NULL);

    for (int k = 1; k < argc; k++) {
        const struct option_row *row = NULL;
        const char *name = argv[k] + 2;
        size_t length = strncmp(argv[k], "--", 2) ? 0 : strcspn(name, "=");
        for (size_t r = 0; length && r < G_N_ELEMENTS(rows); r++)
            if (strlen(rows[r].name) == length && !strncmp(rows[r].name, name, length))
                row = &rows[r];
        if (row && (!strcmp(row->group, "check") || !strcmp(row->group, "sweep") ||
                    !strcmp(row->name, "max-insns") || !strcmp(row->name, "gdb") ||
                    !strcmp(row->name, "symbols") || !strcmp(row->name, "wait"))) {
            k += name[length] == '\0' && row->kind != ARG_FLAG;
            continue;
        }
        g_autofree char *quoted = g_shell_quote(argv[k]);
        bool plain = strspn(argv[k], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_=+./,:@%") == strlen(argv[k]);
        g_string_append_printf(words, "%s%s", words->len ? " " : "", plain ? argv[k] : quoted);
    }
    return g_string_free(words, FALSE);
}

int run_command_line(int argc, char **argv, enum run_kind kind)
{
    struct options o = {.command = kinds[kind].command};
    g_autoptr(GPtrArray) keep = g_ptr_array_new_with_free_func(g_free);
    o.rerun = rerun_words(argc, argv);
    g_autoptr(GOptionContext) ctx = make_context(&o, keep, kind);
    g_autoptr(GError) error = NULL;
    int code;

    if (!g_option_context_parse(ctx, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s; see `%s --help`\n", o.command, error->message, o.command);
        code = EXIT_USAGE;
    } else if (o.help) {
        g_autofree char *help = g_option_context_get_help(ctx, FALSE, NULL);
        fputs(help, stdout);
        code = 0;
    } else {
        code = start(&o, kind);
    }
    free_options(&o);
    return code;
}

int cmd_run(int argc, char **argv)
{
    return run_command_line(argc, argv, RUN_PLAIN);
}

/* ---- what `armillary qemu` takes too ---- */

struct options *run_options_new(void)
{
    return g_new0(struct options, 1);
}

void run_options_free(struct options *o)
{
    free_options(o);
    g_free(o);
}

static bool is_shared(const struct option_row *row)
{
    return !strcmp(row->group, "limits") || !strcmp(row->group, "debug");
}

bool run_options_name(size_t k, const char **name, const char **argument, const char **help)
{
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        if (!is_shared(&rows[r]) || k--)
            continue;
        *name = rows[r].name;
        *argument = rows[r].argument;
        *help = rows[r].help;
        return true;
    }
    return false;
}

/* The row of "--NAME" or "--NAME=VALUE" (then *@value is that), or NULL. */
static const struct option_row *find_shared(const char *word, const char **value)
{
    size_t length = strncmp(word, "--", 2) ? 0 : strcspn(word + 2, "=");

    *value = length && word[2 + length] ? word + 2 + length + 1 : NULL;
    for (size_t k = 0; length && k < G_N_ELEMENTS(rows); k++)
        if (is_shared(&rows[k]) && strlen(rows[k].name) == length &&
            !strncmp(rows[k].name, word + 2, length))
            return &rows[k];
    return NULL;
}

static void append(char ***list, const char *text)
{
    size_t count = *list ? g_strv_length(*list) : 0;

    *list = g_renew(char *, *list, count + 2);
    (*list)[count] = g_strdup(text);
    (*list)[count + 1] = NULL;
}

int run_options_take(struct options *o, int argc, char **argv)
{
    const char *value;
    const struct option_row *row = find_shared(argv[0], &value);
    void *member = row ? (char *)o + row->offset : NULL;
    int words = value || !row || row->kind == ARG_FLAG ? 1 : 2;

    if (!row)
        return 0;
    if (words > argc || (value && row->kind == ARG_FLAG))
        return -1;
    value = words == 2 ? argv[1] : value;
    if (row->kind == ARG_FLAG) {
        *(gboolean *)member = TRUE;
    } else if (row->kind == ARG_LIST) {
        append(member, value);
    } else {
        g_free(*(char **)member);
        *(char **)member = g_strdup(value);
    }
    return words;
}

static bool add_controls(char **list, bool qmp, struct run_request *req)
{
    for (char **where = list; where && *where; where++) {
        if (req->control_count == CONTROLS_MAX || !link_valid(*where))
            return !bad(qmp ? "qmp" : "monitor", *where, LINK_FORMS);
        req->controls[req->control_count++] = (struct control_spec){*where, qmp, true};
    }
    return true;
}

static bool add_saves(const char *option, char **list, bool picture, struct run_request *req)
{
    for (char **spec = list; spec && *spec; spec++) {
        struct save *save = &req->saves[req->save_count];
        if (req->save_count == RUN_SAVES_MAX || !save_parse(*spec, req->config.kernel, save))
            return !bad(option, *spec, SAVE_EXPECTED);
        save->picture = picture;
        req->save_count++;
    }
    return true;
}

bool run_options_apply(const struct options *o, struct run_request *req)
{
    if (o->max_insns && (!parse_size(o->max_insns, 1, &req->max_insns) || !req->max_insns))
        return !bad("max-insns", o->max_insns, "a number above 0, optionally with K, M or G");
    if (o->timeout && !parse_seconds(o->timeout, &req->timeout_s))
        return !bad("timeout", o->timeout, "seconds, more than 0");
    req->config.no_reboot |= o->no_reboot;
    req->config.keep_going = o->keep_going;
    if (o->on_death && !death_parse_policy(o->on_death, &req->on_death))
        return !bad("on-death", o->on_death, "report, stop or ignore");
    for (char **spec = o->death_report; spec && *spec; spec++)
        if (!death_report_valid(*spec))
            return !bad("death-report", *spec, "FORMAT=FILE, the format json or junit");
    req->death_reports = (const char *const *)o->death_report;
    req->stats = o->stats;
    req->model = o->model;
    req->record = o->record;
    req->replay = o->replay;
    if (!add_saves("save", o->save, false, req) ||
        !add_saves("screenshot", o->screenshot, true, req))
        return false;
    if (!saves_order(req->saves, req->save_count))
        return !bad("screenshot", "",
                    "with --save, that WHEN is a number in all of them, or a time");
    req->restore = o->restore;
    if (o->trace_irq && !irq_trace_valid(o->trace_irq))
        return !bad("trace-irq", o->trace_irq, "INTID, or INTID:FILE");
    req->trace_irq = o->trace_irq;
    if (!add_controls(o->monitor, false, req) || !add_controls(o->qmp, true, req))
        return false;
    if (o->gdb && !gdb_where_valid(o->gdb))
        return !bad("gdb", o->gdb, GDB_WHERE_EXPECTED);
    if (o->gdb)
        req->gdb = o->gdb;
    req->gdb_wait |= o->wait;
    if (req->gdb_wait && !req->gdb)
        return !bad("wait", "", "--gdb with it");
    req->traces.specs = (const char *const *)o->trace;
    req->traces.symbols = (const char *const *)o->symbols;
    req->traces.image = req->config.kernel;
    req->logs = (const char *const *)o->log;
    return true;
}
