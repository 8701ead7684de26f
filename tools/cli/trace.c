#include "trace.h"

#include <capstone/capstone.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "output.h"

struct trace {
    const struct arm_machine *machine;
    FILE *out; /* of an output, which closes it */
    csh capstone;
};

struct traces {
    unsigned count;
    struct trace trace[ARM_SUBSCRIBERS_MAX];
};

/* The events that @word names; 0: none. */
static uint64_t events_of(const char *word)
{
    uint64_t events = 0;

    for (unsigned k = 0; k < ARM_EVENT_COUNT; k++)
        if (!strcmp(arm_event_topic((enum arm_event_kind)k), word))
            events |= ARM_BIT(k);
    return events;
}

static void print_words(FILE *f)
{
    for (unsigned k = 0; k < ARM_EVENT_COUNT; k++) {
        const char *topic = arm_event_topic((enum arm_event_kind)k);
        if (!(events_of(topic) & (ARM_BIT(k) - 1)))
            fprintf(f, " %s", topic);
    }
}

/* Split "a,b:FILE" into events and file (NULL: standard error). */
static bool parse(const char *spec, uint64_t *events, const char **file)
{
    const char *colon = strchr(spec, ':');
    g_autofree char *list = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
    g_auto(GStrv) words = g_strsplit(list, ",", -1);

    *file = colon ? colon + 1 : NULL;
    *events = 0;
    if (colon && !colon[1]) {
        fprintf(stderr, "armillary: --trace=%s: expected a file name behind the colon\n", spec);
        return false;
    }
    for (char **w = words; *w; w++) {
        uint64_t found = events_of(*w);
        if (!found) {
            fprintf(stderr, "armillary: --trace=%s: no event \"%s\"; known:", spec, *w);
            print_words(stderr);
            fprintf(stderr, "\n");
            return false;
        }
        *events |= found;
    }
    return true;
}

bool traces_check(const char *const *specs)
{
    uint64_t events;
    const char *file;

    for (; specs && *specs; specs++)
        if (!parse(*specs, &events, &file))
            return false;
    return true;
}

static void print_insn(const struct trace *t, const struct arm_event *p)
{
    uint8_t bytes[4];
    cs_insn *insn = NULL;
    uint32_t word = p->insn.word;

    memcpy(bytes, &word, 4);
    if (t->capstone && cs_disasm(t->capstone, bytes, 4, p->pc, 1, &insn) == 1) {
        fprintf(t->out, "%08x %s %s", word, insn->mnemonic, insn->op_str);
        cs_free(insn, 1);
    } else {
        fprintf(t->out, "%08x %s", word, arm_insn_name(word));
    }
}

static void on_event(void *ctx, const struct arm_event *p)
{
    const struct trace *t = ctx;
    char text[512];

    fprintf(t->out, "%12" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " ", p->count, p->cpu, p->el,
            p->guest ? "guest" : "host ", p->pc);
    if (p->kind == ARM_EVENT_INSN) {
        print_insn(t, p);
    } else {
        arm_text_event(p, text, sizeof(text));
        fputs(text, t->out);
    }
    fputc('\n', t->out);
}

/* NULL: a message has been printed. */
static FILE *open_file(struct outputs *outputs, const char *spec, const char *file)
{
    g_autofree char *option = g_strdup_printf("--trace=%s", spec);
    struct output *o = output_file(outputs, file, option);

    return o ? output_stream(o, false) : NULL;
}

struct traces *traces_open(struct arm_machine *m, const char *const *specs, struct outputs *outputs)
{
    struct traces *t = g_new0(struct traces, 1);

    for (; specs && *specs; specs++) {
        uint64_t events;
        const char *file;
        struct trace *one = &t->trace[t->count];

        if (t->count == G_N_ELEMENTS(t->trace)) {
            fprintf(stderr, "armillary: --trace=%s: more than %d of them\n", *specs,
                    ARM_SUBSCRIBERS_MAX);
            break;
        }
        if (!parse(*specs, &events, &file))
            break;
        one->out = file ? open_file(outputs, *specs, file) : outputs->say;
        if (!one->out)
            break;
        t->count++;
        one->machine = m;
        if ((events & ARM_BIT(ARM_EVENT_INSN)) &&
            cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &one->capstone) != CS_ERR_OK)
            one->capstone = 0;
        arm_subscribe(m, &(struct arm_filter){.size = sizeof(struct arm_filter), .events = events},
                      on_event, one);
    }
    if (specs && *specs) {
        traces_close(t);
        return NULL;
    }
    return t;
}

void traces_close(struct traces *t)
{
    for (unsigned k = 0; k < t->count; k++)
        if (t->trace[k].capstone)
            cs_close(&t->trace[k].capstone);
    g_free(t);
}
