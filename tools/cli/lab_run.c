#include "lab_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "lab_count.h"

#define MIB     (UINT64_C(1) << 20)
#define MAX_RUN UINT64_C(2000000000)
#define CONSOLE 65536

struct lab_outcome *lab_outcome_new(void)
{
    return g_new0(struct lab_outcome, 1);
}

void lab_outcome_free(struct lab_outcome *out)
{
    if (out) {
        g_free(out->console);
        g_free(out->modelled);
    }
    g_free(out);
}

static void keep(void *ctx, const uint8_t *data, size_t size)
{
    GString *text = ctx;

    if (text->len < CONSOLE)
        g_string_append_len(text, (const char *)data, (gssize)size);
}

/* The files of a machine, as names that live as long as its creation. */
struct files {
    char *image, *guest, *args;
    struct arm_module module;
};

static void find_files(const struct lab *lab, const struct lab_spec *spec, struct files *f)
{
    f->image = g_build_filename(lab->images, spec->image, NULL);
    if (spec->guest) {
        g_auto(GStrv) words = g_strsplit(spec->guest, ",", 2);
        f->guest = g_build_filename(lab->images, words[0], NULL);
        f->args = g_strdup(words[1] ? words[1] : "");
        f->module =
            (struct arm_module){.kind = ARM_MODULE_KERNEL, .path = f->guest, .args = f->args};
    }
}

static struct arm_machine *make(const struct lab *lab, const struct lab_spec *spec, GString *text,
                                struct arm_error *err)
{
    struct files f = {0};

    find_files(lab, spec, &f);
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = spec->cpu ? spec->cpu : "n1",
                                      .cpus = spec->cpus ? spec->cpus : 1,
                                      .ram_size = (spec->memory ? spec->memory : 128) * MIB,
                                      .el2 = true,
                                      .kernel = f.image,
                                      .append = spec->append,
                                      .modules = &f.module,
                                      .module_count = spec->guest ? 1 : 0,
                                      .gic = spec->gic,
                                      .console_write = keep,
                                      .console_ctx = text};
    struct arm_machine *m = arm_machine_new(&config, err);
    g_free(f.image);
    g_free(f.guest);
    g_free(f.args);
    return m;
}

const struct arm_model_counts *lab_modelled(const struct lab_outcome *out, unsigned core,
                                            unsigned key)
{
    return &out->modelled[core * LAB_KEYS + key];
}

static void read_model(struct arm_model *model, const struct lab_spec *spec,
                       struct lab_outcome *out)
{
    out->modelled = g_new0(struct arm_model_counts, (size_t)spec->core_count * LAB_KEYS);
    for (unsigned core = 0; core < spec->core_count; core++)
        for (unsigned key = 0; key < LAB_KEYS; key++) {
            struct arm_model_counts *c = &out->modelled[core * LAB_KEYS + key];
            c->size = sizeof(*c);
            if (out->counts[key].stretches)
                arm_model_read(model, core, ARM_MODEL_ALL, (int)ARM_MODEL_KEY(key), c);
        }
}

static bool run(struct arm_machine *m, const struct lab_spec *spec, struct lab_outcome *out,
                struct lab_report *report)
{
    struct arm_error err = {0};
    struct arm_model *model =
        spec->core_count ? arm_model_new(m, spec->cores, spec->core_count, &err) : NULL;

    if (spec->core_count && !model)
        return lab_fail(report, "%s", err.text);
    if (model && !spec->passages)
        arm_model_listen(model, false);
    struct lab_counter *c = spec->unmarked ? NULL : lab_counter_new(m, spec, out, model);
    enum arm_stop_reason why = arm_run(m, spec->max_insns ? spec->max_insns : MAX_RUN);
    lab_counter_free(c);
    if (model)
        read_model(model, spec, out);
    arm_model_free(model);
    out->time_ns = arm_time_ns(m);
    out->insns = arm_retired(m);
    if (why == ARM_STOP_POWEROFF || (why == ARM_STOP_LIMIT && spec->max_insns))
        return true;
    return lab_fail(report, "%s %s (%s) did not power off", spec->image,
                    spec->guest ? spec->guest : "", spec->append ? spec->append : "");
}

struct arm_machine *lab_machine(const struct lab *lab, const struct lab_spec *spec, GString *text,
                                struct lab_report *report)
{
    struct arm_error err = {0};
    struct arm_machine *m = make(lab, spec, text, &err);

    if (!m)
        lab_fail(report, "%s", err.text);
    return m;
}

static void stop_at_mark(void *ctx, const struct arm_event *e)
{
    if (lab_is_mark(e->insn.word, MARK_BEGIN))
        arm_stop(ctx);
}

bool lab_run_to_mark(struct arm_machine *m, unsigned el)
{
    const struct arm_filter insns = {
        .size = sizeof(insns), .events = ARM_BIT(ARM_EVENT_INSN), .els = (uint8_t)ARM_BIT(el)};
    int handle = arm_subscribe(m, &insns, stop_at_mark, m);
    enum arm_stop_reason why = arm_run(m, MAX_RUN);

    arm_unsubscribe(m, handle);
    return why == ARM_STOP_REQUEST;
}

bool lab_run(const struct lab *lab, const struct lab_spec *spec, struct lab_outcome *out,
             struct lab_report *report)
{
    GString *text = g_string_new("");
    struct arm_machine *m = lab_machine(lab, spec, text, report);
    bool ok = m && run(m, spec, out, report);

    arm_machine_free(m);
    if (ok && (strstr(text->str, "FAIL") || !strstr(text->str, ": ok ")) && !spec->max_insns)
        ok = lab_fail(report, "%s %s says: %s", spec->image, spec->guest ? spec->guest : "",
                      text->str);
    out->console = g_string_free(text, FALSE);
    return ok;
}

int64_t lab_console_number(const struct lab_outcome *out, const char *name, unsigned index)
{
    g_autofree char *key = g_strdup_printf(" %s=", name);
    const char *at = strstr(out->console, key);

    at = at ? at + strlen(key) : NULL;
    while (at && index--) {
        at += strspn(at, "0123456789");
        at = *at == ',' ? at + 1 : NULL;
    }
    return at && g_ascii_isdigit(*at) ? (int64_t)g_ascii_strtoll(at, NULL, 10) : -1;
}

struct lab_counts lab_less(const struct lab_counts *a, const struct lab_counts *b)
{
    struct lab_counts d = *a;
    uint64_t *to = (uint64_t *)&d;
    const uint64_t *less = (const uint64_t *)b;

    for (size_t k = 0; k < sizeof(d) / sizeof(*to); k++)
        to[k] -= MIN(less[k], to[k]);
    return d;
}
