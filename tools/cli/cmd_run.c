/* `armillary run`, and what it has in common with check and step: from options to a run. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "command.h"
#include "devices.h"
#include "host_code.h"
#include "lockstep.h"
#include "modules.h"
#include "option_texts.h"
#include "outline.h"
#include "parse.h"
#include "run_options.h"
#include "runner.h"
#include "step.h"
#include "trace.h"

#define BLOBS_MAX 32

/* What is to be run, and what the request refers to. */
struct run {
    enum run_kind kind;
    struct run_request req;
    struct check_request check;
    struct arm_blob blobs[BLOBS_MAX];
    struct module_options modules;
    struct device_options devices;
    const char *own_symbols[2]; /* the image, if it has some */
};

/* ---- values ---- */

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

static bool check_names(const struct run_options *o)
{
    const char *option = run_options_unnamed(o);

    if (option)
        return run_options_refuse(option, "", "the name of a file");
    for (char **image = o->images; image && *image; image++)
        if (!**image) {
            fprintf(stderr, "armillary run: \"\": expected the name of an image\n");
            return false;
        }
    return true;
}

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

static bool is_lockstep(const struct run_options *o)
{
    return o->engine && strcmp(o->engine, "lockstep") == 0;
}

/* Options that are numbers, and where they go: one of the two. */
struct number_option {
    const char *name, *text; /* NULL: not given */
    uint64_t min, max;
    uint64_t *to64;
    unsigned *to;
    const char *expected;
};

static bool parse_numbers(const struct number_option *rows, size_t count)
{
    for (const struct number_option *n = rows; n < rows + count; n++) {
        uint64_t value;
        if (!n->text)
            continue;
        if (!parse_number(n->text, n->min, n->max, &value))
            return run_options_refuse(n->name, n->text, n->expected);
        if (n->to64)
            *n->to64 = value;
        else
            *n->to = (unsigned)value;
    }
    return true;
}

/* The board, and what executes. */
static bool parse_machine(const struct run_options *o, struct run_request *req)
{
    struct arm_config *c = &req->config;
    const struct number_option numbers[] = {
        {"smp", o->smp, 1, ARM_CPUS_MAX, NULL, &c->cpus, "1 to " G_STRINGIFY(ARM_CPUS_MAX) " CPUs"},
        {"start-el", o->start_el, 1, 2, NULL, &c->start_el, "1 or 2"},
        {"seed", o->seed, 0, UINT64_MAX, &c->seed, NULL, "a number"},
        {"turns", o->turns, 0, UINT64_MAX, &c->turn_seed, NULL, "a number"},
    };

    if (!parse_numbers(numbers, G_N_ELEMENTS(numbers)))
        return false;
    if (o->memory && (!parse_size(o->memory, ARM_BIT(20), &c->ram_size) || !c->ram_size))
        return run_options_refuse("memory", o->memory, "MiB, or a number with K, M or G, above 0");
    if (o->engine && !is_lockstep(o) && !parse_engine(o->engine, &c->engine))
        return run_options_refuse("engine", o->engine, "interp, jit, jit-eager or lockstep");
    if (o->inject && !sweep_parse_injection(o->inject, &req->inject))
        return run_options_refuse("inject", o->inject,
                                  "KIND@INSNS[:CPU], KIND sgi, ppi, vtimer or serror");
    if (o->gic && !parse_gic(o->gic, &c->gic))
#define X(key, member, least, range, ...) " " key " (" range ")"
        return run_options_refuse("gic", o->gic, "KEY=N,...; keys are" GIC_KEYS(X));
#undef X
    return true;
}

/* Digits alone: decimal to some, hexadecimal to others. */
static bool bad_load(const char *text)
{
    const char *at = strrchr(text, '@');
    uint64_t n;

    if (!at || !parse_hex(at + 1, &n) || !strncasecmp(at + 1, "0x", 2))
        return run_options_refuse("load", text,
                                  "FILE@ADDR, at most 32 of them; ADDR as 0x40080000 or 1G");
    fprintf(stderr, "armillary run: --load=%s: expected an address with 0x: is it 0x%s", text,
            at + 1);
    if (parse_number(at + 1, 0, UINT64_MAX, &n))
        fprintf(stderr, " or %#" PRIx64, n);
    fprintf(stderr, "?\n");
    return false;
}

static bool parse_blobs(const struct run_options *o, struct run *r)
{
    struct arm_config *c = &r->req.config;

    c->blobs = r->blobs;
    for (char **l = o->load; l && *l; l++, c->blob_count++)
        if (c->blob_count == BLOBS_MAX || !parse_load(*l, &r->blobs[c->blob_count]))
            return bad_load(*l);
    if (!c->kernel && !c->bios && c->blob_count)
        r->blobs[0].cpu = 0;
    return true;
}

static bool parse_sweep(const struct run_options *o, struct sweep_request *s)
{
    const char *above = "a number above 0";
    const struct number_option numbers[] = {
        {"seeds", o->seeds, 1, UINT32_MAX, &s->seeds, NULL, above},
        {"sweep-passages", o->sweep_passages, 1, UINT32_MAX, &s->passages, NULL, above},
        {"sweep-insns", o->sweep_insns, 1, UINT32_MAX, &s->insns, NULL, above},
    };

    *s = (struct sweep_request){.passages = 1, .insns = 2000, .shard = 1, .shards = 1};
    if (!parse_numbers(numbers, G_N_ELEMENTS(numbers)))
        return false;
    if (o->sweep && (o->seeds || !sweep_parse_kinds(o->sweep, &s->kinds)))
        return run_options_refuse("sweep", o->sweep,
                                  "sgi, ppi, vtimer, serror or irq, and no --seeds");
    if (o->shard && !sweep_parse_shard(o->shard, &s->shard, &s->shards))
        return run_options_refuse("shard", o->shard, "K/N, K from 1 to N");
    return true;
}

static bool parse_check(const struct run_options *o, struct run *r)
{
    struct arm_check_config *c = &r->check.config;
    const char *kernel = r->req.config.kernel;

    r->req.check = &r->check;
    if (!check_parse(&r->check, o->report) || !parse_sweep(o, &r->check.sweep))
        return false;
    if (!o->symbols && kernel && check_has_symbols(kernel)) {
        r->own_symbols[0] = kernel;
        c->symbols = r->own_symbols;
    }
    if (c->html && (r->check.sweep.seeds || r->check.sweep.kinds))
        return run_options_refuse("report", "html", "one run; merge the JSON of several");
    return true;
}

/* ---- the run ---- */

static void begin(struct run *r, const struct run_options *o, enum run_kind kind)
{
    const char *image = o->images ? o->images[0] : NULL;

    *r = (struct run){
        .kind = kind,
        .req = {.config = {.cpu = o->cpu ? o->cpu : "max",
                           .cpus = 1,
                           .ram_size = UINT64_C(512) << 20,
                           .el2 = !o->no_el2,
                           .kernel = image,
                           .bios = o->bios,
                           .initrd = o->initrd,
                           .append = o->append,
                           .dtb = o->dtb,
                           .virtio_legacy = o->virtio_legacy,
                           .late_effects = o->late_effects,
                           .parallel = o->parallel,
                           .semihosting =
                               o->semihosting || o->semihosting_dir || o->semihosting_el0,
                           .semihosting_dir = o->semihosting_dir,
                           .semihosting_el0 = o->semihosting_el0},
                .serial = o->serial,
                .dump_dtb = o->dump_dtb,
                .devices = &r->devices},
        .check = {.config = {.rules = o->rules,
                             .budget = o->budget,
                             .write_budget = o->write_budget,
                             .symbols = (const char *const *)o->symbols,
                             .suppress = o->suppress,
                             .image = image ? image : o->bios,
                             .rerun = o->rerun}},
    };
}

/* The values of all options. */
static bool parse(struct run *r, const struct run_options *o)
{
    struct arm_config *c = &r->req.config;

    return parse_machine(o, &r->req) && run_options_apply(o, &r->req) && parse_blobs(o, r) &&
           modules_parse(&r->modules, o->module, o->domain, c) &&
           devices_parse(&r->devices, o->drive, o->virtio_console, o->rng, c) &&
           (r->kind == RUN_PLAIN || parse_check(o, r));
}

/* Two machines have no monitor, no input and no traces. */
static bool lockstep_allows(const struct run_options *o)
{
    return !o->trace && !o->trace_irq && !o->gdb && !o->monitor && !o->qmp && !o->record &&
           !o->replay && !o->save && !o->restore && !o->model && !o->inject && !o->serial &&
           !o->virtio_console && !o->dump_dtb && !o->dump_blocks && !o->perf_map && !o->jitdump &&
           !o->gdb_jit;
}

/* CPUs that run at the same time have no order that somebody could follow, keep or repeat. Return:
 * the option that wants one; NULL: none does. */
static const char *needs_order(const struct run_options *o, enum run_kind kind)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"engine=lockstep", is_lockstep(o)},
        {"late-effects", o->late_effects},
        {"turns", o->turns != NULL},
        {"inject", o->inject != NULL},
        {"dump-blocks", o->dump_blocks != NULL},
        {"perf-map", o->perf_map},
        {"jitdump", o->jitdump != NULL},
        {"gdb-jit", o->gdb_jit},
        {"trace", o->trace != NULL},
        {"trace-irq", o->trace_irq != NULL},
        {"gdb", o->gdb != NULL},
        {"monitor", o->monitor != NULL},
        {"qmp", o->qmp != NULL},
        {"record", o->record != NULL},
        {"replay", o->replay != NULL},
        {"save", o->save != NULL},
        {"screenshot", o->screenshot != NULL},
        {"restore", o->restore != NULL},
        {"model", o->model != NULL},
        {"on-death", o->on_death && strcmp(o->on_death, "ignore") != 0},
        {"death-report", o->death_report != NULL},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(options); k++)
        if (options[k].given)
            return options[k].name;
    return kind == RUN_CHECKED ? "check" : kind == RUN_STEPPED ? "step" : NULL;
}

/* Do the options go together? */
static bool agree(const struct run *r, const struct run_options *o)
{
    const struct arm_config *c = &r->req.config;

    if (o->serial && !runner_serial_valid(o->serial))
        return run_options_refuse("serial", o->serial, "stdio, none or file:PATH");
    if (o->model && r->kind == RUN_STEPPED)
        return run_options_refuse("model", o->model,
                                  "no model: who steps back would have it count twice");
    if (o->images && o->images[0] && o->images[1]) {
        fprintf(stderr, "%s: \"%s\" is a second image; expected one\n", o->command, o->images[1]);
        return false;
    }
    if (!c->kernel && !c->bios && !c->blob_count && !o->dump_dtb) {
        fprintf(stderr, "%s: no image; see `%s --help`\n", o->command, o->command);
        return false;
    }
    if (o->parallel && needs_order(o, r->kind)) {
        fprintf(
            stderr,
            "%s: --parallel does not go with %s, which needs CPUs that take turns: leave one out\n",
            o->command, needs_order(o, r->kind));
        return false;
    }
    if (is_lockstep(o) && !r->check.sweep.seeds && (r->kind != RUN_PLAIN || !lockstep_allows(o)))
        return run_options_refuse("engine", o->engine,
                                  "no other option that watches the run or gives it input");
    return true;
}

static int execute(struct run *r, const struct run_options *o)
{
    const struct outline outline = {.version = 702, .ram_bytes = r->req.config.ram_size};
    const struct host_code_request blocks = {o->dump_blocks, o->perf_map, o->jitdump, o->gdb_jit};
    struct host_code host_code;
    int code;

    if (r->kind == RUN_CHECKED && r->check.sweep.seeds)
        return sweep_seeds(&r->req);
    if (is_lockstep(o))
        return lockstep_run(&r->req);
    r->req.outline = &outline;
    if (!host_code_begin(&host_code, &blocks, &r->req.config))
        return EXIT_USAGE;
    r->req.host_code = &host_code;
    code = r->kind == RUN_STEPPED ? step_run(&r->req, &r->check, o->script) : runner_run(&r->req);
    host_code_end(&host_code);
    return code;
}

static int start(const struct run_options *o, enum run_kind kind)
{
    struct run r;
    bool named = check_names(o);
    int code = named ? 0 : EXIT_USAGE;

    begin(&r, o, kind);
    if ((kind != RUN_PLAIN && check_answers(&r.check, &code)) ||
        traces_help((const char *const *)o->trace))
        return code;
    return named && parse(&r, o) && agree(&r, o) ? execute(&r, o) : EXIT_USAGE;
}

int run_command_line(int argc, char **argv, enum run_kind kind)
{
    struct run_options *o = run_options_new();
    int code;

    if (run_options_parse(o, argc, argv, kind, &code))
        code = start(o, kind);
    run_options_free(o);
    return code;
}

int cmd_run(int argc, char **argv)
{
    return run_command_line(argc, argv, RUN_PLAIN);
}
